#!/usr/bin/env python3
"""Fits latency profiles of this folder from public measurements.

Those of Nova Lite and Nova 2 Lite are made by `bedload calibrate`; they are fitted here too
because Nova Pro borrows from them.

    BEDLOAD_DATA=/path/to/data python3 profiles/latency/fit.py

Needs Python 3.9 or newer and nothing else. The folder holds the sets
bedrock_recorded_calls, bedrock_prompt_optimization_ttft, llmeter_bedrock,
epam_code_tasks and claude_code_sessions, each a CSV file; the sources they come
from are named in the TOML files. The output is deterministic.

The law (see `LatencyProfile`): total = TTFT + (output - 1) * TPOT with
TTFT = (base + per_k_input*U + per_k_cached*R) * noise, TPOT = per_output_token * noise'.
Coefficients come from a robust regression on *relative* residuals: weighted least
squares with Huber weights at 1.345 MAD, divided by the squared prediction, no
coefficient below zero. Below 200 rows a noise law matches only p50 and p95 of the
residual ratio; a cluster of late answers (beyond 3.5 times the prediction) becomes a
second component, with its share of the rows.
"""

import csv
import gzip
import math
import os
import statistics
import sys
from pathlib import Path

Z95 = 1.6448536269514722
LATE = 3.5  # a residual ratio beyond this is the late cluster, not the body


def quantile(values, p):
    """Type 7, the default of R and numpy."""
    ordered = sorted(values)
    at = p * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


def solve(matrix, right):
    """Gaussian elimination with partial pivoting; None where singular."""
    n = len(right)
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(rows[k][i]))
        if abs(rows[pivot][i]) < 1e-12:
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(n):
            if k != i:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i])]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def weighted_least_squares(xs, ys, weights, active):
    size = len(active)
    gram = [[0.0] * size for _ in range(size)]
    moment = [0.0] * size
    for x, y, w in zip(xs, ys, weights):
        for a in range(size):
            moment[a] += w * x[active[a]] * y
            for b in range(size):
                gram[a][b] += w * x[active[a]] * x[active[b]]
    return solve(gram, moment)


def robust_fit(xs, ys):
    """Coefficients >= 0 that minimise Huber's loss of the relative residuals."""
    active = list(range(len(xs[0])))
    while True:
        weights = [1.0 / (y * y) for y in ys]
        for _ in range(100):
            beta = weighted_least_squares(xs, ys, weights, active)
            if beta is None:
                raise SystemExit("singular fit")
            fitted = [
                max(sum(x[a] * b for a, b in zip(active, beta)), 0.02 * y)
                for x, y in zip(xs, ys)
            ]
            relative = [(y - m) / m for y, m in zip(ys, fitted)]
            mad = statistics.median(abs(r) for r in relative) / 0.6745
            limit = 1.345 * max(mad, 1e-6)
            weights = [
                min(1.0, limit / max(abs(r), 1e-12)) / (m * m)
                for r, m in zip(relative, fitted)
            ]
        worst = min(range(len(active)), key=lambda i: beta[i])
        if beta[worst] >= 0.0:
            full = [0.0] * len(xs[0])
            for a, b in zip(active, beta):
                full[a] = b
            return full
        active.pop(worst)


def predict(beta, xs):
    return [sum(b * v for b, v in zip(beta, x)) for x in xs]


class Noise:
    """A mixture of lognormals: (weight, median, sigma)."""

    def __init__(self, parts):
        self.parts = parts

    @staticmethod
    def of(ratios):
        body = [r for r in ratios if r <= LATE]
        late = [r for r in ratios if r > LATE]
        median = quantile(body, 0.5)
        sigma = max(0.02, math.log(quantile(body, 0.95) / median) / Z95)
        if not late:
            return Noise([(1.0, 1.0, sigma)]), median
        share = len(late) / len(ratios)
        middle = math.exp(statistics.fmean(math.log(r) for r in late)) / median
        # A handful of late rows says where they lie, not how wide they spread.
        return Noise([(1.0 - share, 1.0, sigma), (share, middle, 0.3)]), median

    def cdf(self, q):
        return sum(
            w * 0.5 * math.erfc(-(math.log(q / m) / s) / math.sqrt(2.0))
            for w, m, s in self.parts
        )

    def quantile(self, p):
        low, high = 1e-4, 1e4
        for _ in range(80):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self.cdf(middle) < p else (low, middle)
        return math.sqrt(low * high)

    def text(self):
        if len(self.parts) == 1:
            return f"{{ lognormal = {{ sigma = {self.parts[0][2]:.3f} }} }}"
        parts = ", ".join(
            f"{{ weight = {w:.3f}, median = {m:.2f}, sigma = {s:.3f} }}"
            for w, m, s in self.parts
        )
        return f"{{ mixture = [{parts}] }}"


def errors_of(ratios, law):
    return "  ".join(
        f"p{round(p * 100)} {100 * abs(law.quantile(p) / quantile(ratios, p) - 1):.1f}%"
        for p in (0.5, 0.9, 0.95)
    )


def errors_of_total(observed, first, decode, ttft_noise, tpot_noise):
    """Pooled quantiles of (TTFT*noise + decode*noise')/(TTFT + decode) against the rows' ratios."""
    grid = [(i + 0.5) / 31 for i in range(31)]
    a = [ttft_noise.quantile(p) for p in grid]
    b = [tpot_noise.quantile(p) for p in grid]
    simulated = [
        (f * x + d * y) / (f + d) for f, d in zip(first, decode) for x in a for y in b
    ]
    ratios = [o / (f + d) for o, f, d in zip(observed, first, decode)]
    return "  ".join(
        f"p{round(p * 100)} {100 * abs(quantile(simulated, p) / quantile(ratios, p) - 1):.1f}%"
        for p in (0.5, 0.9, 0.95)
    )


def number(text):
    return float(text) if text else 0.0


def rows_of(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def recorded(data, *names):
    """(uncached k, cached-read k, output, total ms) of generated answers, by end of the model id."""
    out = []
    for row in rows_of(data / "bedrock_recorded_calls" / "requests.csv"):
        if row["model_id"].endswith(names) and row["latency_ms"] and row["output_tokens"]:
            if row["stop_reason"] == "guardrail_intervened":
                continue
            uncached = number(row["input_tokens"]) + number(row["cache_write_tokens"])
            out.append(
                (
                    uncached / 1000,
                    number(row["cache_read_tokens"]) / 1000,
                    number(row["output_tokens"]),
                    number(row["latency_ms"]),
                )
            )
    return out


def prompt_optimisation(data, name):
    """(uncached k, ttft ms)."""
    return [
        (number(row["input_tokens"]) / 1000, 1000 * number(row["ttft_s"]))
        for row in rows_of(data / "bedrock_prompt_optimization_ttft" / "requests.csv")
        if row["model"].endswith(name)
    ]


def sessions(data, name):
    """(trace, uncached k, reused k, output, ttft ms, total ms) of streamed answers with a TTFT."""
    out = []
    for row in rows_of(data / "claude_code_sessions" / "requests.csv.gz"):
        if row["model"].startswith(name) and row["dup"] == "0" and row["ttft_s"]:
            reused = number(row["reused_prefix_tokens"]) / 1000
            uncached = max(number(row["input_tokens"]) / 1000 - reused, 0.0)
            out.append(
                (
                    row["trace"],
                    uncached,
                    reused,
                    number(row["output_tokens"]),
                    1000 * number(row["ttft_s"]),
                    1000 * number(row["api_time_s"]),
                )
            )
    return out


def show(name, value):
    print(f"  {name:<18} {value}")


def fit_sessions(data, name):
    """TTFT and TPOT on Anthropic's own API: the shape for prompts of many thousands of tokens."""
    rows = sessions(data, name)
    print(f"\n{name}, Anthropic API, {len(rows)} streamed answers with a TTFT")
    xs = [(1.0, u, r) for _, u, r, _, _, _ in rows]
    ys = [t for _, _, _, _, t, _ in rows]
    beta = robust_fit(xs, ys)
    ratios = [y / m for y, m in zip(ys, predict(beta, xs))]
    noise, median = Noise.of(ratios)
    beta = [b * median for b in beta]
    ratios = [r / median for r in ratios]
    show("ttft base ms", f"{beta[0]:.0f}")
    show("per_k_input ms", f"{beta[1]:.2f}")
    show("per_k_cached ms", f"{beta[2]:.2f}")
    show("ttft noise", noise.text())
    show("in-sample", errors_of(ratios, noise))
    speeds = [(t - f) / (o - 1) for _, _, _, o, f, t in rows if o >= 50 and t > f]
    tpot = quantile(speeds, 0.5)
    tpot_noise, _ = Noise.of([s / tpot for s in speeds])
    show("tpot ms", f"{tpot:.2f} from {len(speeds)} rows of 50 and more output tokens")
    show("tpot noise", tpot_noise.text())
    show("in-sample", errors_of([s / tpot for s in speeds], tpot_noise))
    holdout(rows)
    return beta, noise, tpot, tpot_noise


def holdout(rows):
    """Fits on the first 70% of the sessions and looks at the rest; the rows carry no calendar time."""
    if len(rows) < 200:
        show("hold-out", "too few for a hold-out")
        return
    traces = sorted({row[0] for row in rows})
    train_set = set(traces[: int(0.7 * len(traces))])
    train = [row for row in rows if row[0] in train_set]
    test = [row for row in rows if row[0] not in train_set]
    beta = robust_fit([(1.0, u, r) for _, u, r, _, _, _ in train], [row[4] for row in train])
    ratio = lambda part: [  # noqa: E731
        row[4] / m for row, m in zip(part, predict(beta, [(1.0, r[1], r[2]) for r in part]))
    ]
    law, median = Noise.of(ratio(train))
    show("hold-out", f"{len(test)} rows: " + errors_of([r / median for r in ratio(test)], law))


def fit_recorded(rows, slopes, tpot_noise):
    """Base and TPOT from whole-answer times; input slopes and TPOT noise are given as shapes.

    Whole-answer times of a few dozen calls cannot tell the two noises apart, so the
    answers in which the first token is most of the time give TTFT's.
    """
    per_k, per_cached = slopes
    rest = [y - per_k * u - per_cached * r for u, r, _, y in rows]
    xs = [(1.0, max(o - 1.0, 0.0)) for _, _, o, _ in rows]
    keep = [i for i, y in enumerate(rest) if y > 0]
    base, tpot = robust_fit([xs[i] for i in keep], [rest[i] for i in keep])
    first = [base + per_k * u + per_cached * r for u, r, _, _ in rows]
    decode = [tpot * x[1] for x in xs]
    total = [y for _, _, _, y in rows]
    short = [
        t / (f + d) for t, f, d in zip(total, first, decode) if f >= 0.6 * (f + d)
    ]
    ttft_noise, median = Noise.of(short)
    base *= median
    first = [base + per_k * u + per_cached * r for u, r, _, _ in rows]
    show("ttft base ms", f"{base:.0f}")
    show("tpot ms", f"{tpot:.2f}  ({1000 / tpot:.0f} tok/s)")
    show("ttft noise", f"{ttft_noise.text()} from {len(short)} short answers")
    show("in-sample", errors_of_total(total, first, decode, ttft_noise, tpot_noise))
    show("hold-out", "too few for a hold-out")


def fit_ttft(rows, slope=None):
    """Base and slope of TTFT from rows (uncached k, ttft ms); a given slope is held."""
    if slope is None:
        base, slope = robust_fit([(1.0, u) for u, _ in rows], [y for _, y in rows])
    else:
        (base,) = robust_fit([(1.0,) for _ in rows], [y - slope * u for u, y in rows])
    ratios = [y / (base + slope * u) for u, y in rows]
    noise, median = Noise.of(ratios)
    base, slope = base * median, slope * median
    show("ttft base ms", f"{base:.0f}")
    show("per_k_input ms", f"{slope:.2f}")
    show("ttft noise", noise.text())
    show("in-sample", errors_of([r / median for r in ratios], noise))
    show("hold-out", "too few for a hold-out")
    return base, slope, noise


def fit_total_given_ttft(rows, base, per_k, ttft_noise):
    """TPOT from whole-answer times where TTFT is known."""
    rows = [row for row in rows if row[2] >= 20]
    ratios = [(y - base - per_k * u) / max(o - 1, 1) for u, _, o, y in rows]
    ratios = [r for r in ratios if r > 0]
    tpot = quantile(ratios, 0.5)
    noise, _ = Noise.of([r / tpot for r in ratios])
    show("tpot ms", f"{tpot:.2f}  ({1000 / tpot:.0f} tok/s) from {len(ratios)} answers of 20 and more tokens")
    show("tpot noise", noise.text())
    first = [base + per_k * u for u, _, _, _ in rows]
    decode = [tpot * max(o - 1, 1) for _, _, o, _ in rows]
    total = [y for _, _, _, y in rows]
    show("in-sample", errors_of_total(total, first, decode, ttft_noise, noise))
    show("hold-out", "too few for a hold-out")


def nova_pro(data, slope, ttft_noise):
    rows = recorded(data, "nova-pro-v1:0")
    long = [
        (number(r["input_tokens"]) / 1000, 0.0, number(r["output_tokens"]), 1000 * number(r["total_time_s"]))
        for r in rows_of(data / "epam_code_tasks" / "requests.csv")
        if r["model"] == "AmazonNovaPro"
    ]
    print(
        f"\nnova-pro: {len(rows)} recorded Bedrock calls and {len(long)} long coding answers (whole-answer times)"
    )
    # The coding harness adds a start of its own, which is not Bedrock's: a column apart.
    xs = [(1.0, 0.0, o - 1) for _, _, o, _ in rows] + [(1.0, 1.0, o - 1) for _, _, o, _ in long]
    ys = [y - slope * u for u, _, _, y in rows + long]
    base, harness, tpot = robust_fit(xs, ys)
    show("ttft base ms", f"{base:.0f}")
    show("harness start ms", f"{harness:.0f}")
    show("tpot ms", f"{tpot:.2f}  ({1000 / tpot:.0f} tok/s)")
    first = [base + slope * u for u, _, _, _ in rows] + [
        base + harness + slope * u for u, _, _, _ in long
    ]
    decode = [tpot * (o - 1) for _, _, o, _ in rows + long]
    total = [y for _, _, _, y in rows + long]
    ratios = [t / (f + d) for t, f, d in zip(total, first, decode)]
    noise, _ = Noise.of(ratios[len(rows) :])
    show("tpot noise", noise.text())
    show("in-sample", errors_of_total(total, first, decode, ttft_noise, noise))
    show("hold-out", "too few for a hold-out")


def nova_lite(data, slope):
    """Returns the noise of TTFT, which Nova Pro borrows."""
    ttft = [
        1000 * number(r["ttft_s"])
        for r in rows_of(data / "llmeter_bedrock" / "nova_lite_prompt_cache_ttft.csv")
    ]
    median = quantile(ttft, 0.5)
    print(
        f"\nnova-lite, TTFT: {len(ttft)} streamed Bedrock answers to 2.4k-token prompts, median {median:.0f} ms"
    )
    noise, _ = Noise.of([t / median for t in ttft])
    # The slope of Nova 2 Lite takes the 2.4k prompt back to an empty one.
    show("ttft base ms", f"{median - slope * 2.413:.0f}")
    show("ttft noise", noise.text())
    show("in-sample", errors_of([t / median for t in ttft], noise))
    show("hold-out", "too few for a hold-out")
    for row in rows_of(data / "bedrock_recorded_calls" / "requests.csv"):
        if "nova-lite" in row["model_id"] and row["first_byte_ms"]:
            first, total = number(row["first_byte_ms"]), number(row["latency_ms"])
            tokens = number(row["output_tokens"])
            show("tpot ms", f"{(total - first) / (tokens - 1):.2f} from one streamed call of {tokens:.0f} tokens")
    whole = [
        (y - median) / (o - 1)
        for _, _, o, y in recorded(data, "nova-lite-v1:0")
        if o >= 20 and y > median
    ]
    show("tpot bracket ms", f"{min(whole):.1f} to {max(whole):.1f} from {len(whole)} whole-answer times")
    return noise


def main():
    folder = os.environ.get("BEDLOAD_DATA")
    if not folder:
        sys.exit("set BEDLOAD_DATA to the folder with the data sets")
    data = Path(folder)
    shapes = {
        name: fit_sessions(data, name)
        for name in ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5")
    }
    for title, name in (
        ("claude-sonnet-4-6", "claude-sonnet-4-6"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929-v1:0"),
    ):
        rows = recorded(data, name)
        beta, _, _, tpot_noise = shapes["claude-sonnet-4-5"]
        print(
            f"\n{title}: {len(rows)} recorded Bedrock calls; input slopes and TPOT noise of claude-sonnet-4-5 above"
        )
        fit_recorded(rows, beta[1:], tpot_noise)
    haiku = recorded(data, "claude-haiku-4-5-20251001-v1:0")
    print(f"\nclaude-haiku-4-5: {len(haiku)} recorded Bedrock calls against the API's law")
    beta, _, tpot, _ = shapes["claude-haiku-4-5"]
    for u, r, o, y in haiku:
        want = beta[0] + beta[1] * u + beta[2] * r + tpot * (o - 1)
        show("check", f"{o:.0f} output tokens: {y:.0f} ms measured, {want:.0f} ms by the law")
    rows = prompt_optimisation(data, "claude-opus-4-6-v1")
    print(
        f"\nclaude-opus-4-6, TTFT: {len(rows)} Bedrock answers, all below 2.2k tokens; input slopes of claude-opus-4-5 above"
    )
    fit_ttft(rows, shapes["claude-opus-4-5"][0][1])
    rows = prompt_optimisation(data, "nova-2-lite-v1:0")
    print(f"\nnova-2-lite, TTFT: {len(rows)} Bedrock answers")
    base, slope, noise = fit_ttft(rows)
    rows = recorded(data, "nova-2-lite-v1:0")
    print(f"nova-2-lite, TPOT: {len(rows)} recorded Bedrock calls")
    fit_total_given_ttft(rows, base, slope, noise)
    nova_pro(data, slope, nova_lite(data, slope))


if __name__ == "__main__":
    main()
