#!/usr/bin/env python3
"""Makes a price book from a price table of litellm, or compares two price books.

    update.py TABLE.json [--base BOOK.toml] [--as-of YYYY-MM-DD] [--table-name "litellm X.Y.Z"]
    update.py --diff OLD.toml NEW.toml

TABLE.json is litellm's `model_prices_and_context_window_backup.json`, a file of its package:

    pip download litellm --no-deps
    unzip -p litellm-*.whl litellm/model_prices_and_context_window_backup.json > TABLE.json

The book is written beside its base, under its date, and what changed is printed. A file that is
there is never overwritten. Token prices and guardrails come from the table; the Reserved tier,
model units and latency-optimised prices, which the table does not have, from the base. So do
models that the table no longer lists. Needs Python 3.11 and nothing else.
"""

import argparse
import datetime
import gzip
import json
import pathlib
import re
import sys
import tomllib
from decimal import Decimal

HERE = pathlib.Path(__file__).resolve().parent

# The prefixes of geographic profiles, `us` first because `geo` holds its price.
PREFIXES = ["us", "eu", "apac", "jp", "au", "ca", "in", "us-gov"]

# Our class of tokens, and the table's key for dollars per token.
CLASSES = [
    ("input", "input_cost_per_token"),
    ("output", "output_cost_per_token"),
    ("cache_write_5m", "cache_creation_input_token_cost"),
    ("cache_write_1h", "cache_creation_input_token_cost_above_1hr"),
    ("cache_read", "cache_read_input_token_cost"),
]

# Our tier, the end of the table's keys for it, and the usual ratio to the standard price.
TIERS = [
    ("flex", "_flex", Decimal("0.5")),
    ("priority", "_priority", Decimal("1.75")),
    ("batch", "_batches", Decimal("0.5")),
]

GUARDRAIL = [
    ("content", "contentPolicyUnits"),
    ("topics", "topicPolicyUnits"),
    ("sensitive_information", "sensitiveInformationPolicyUnits"),
    ("grounding", "contextualGroundingPolicyUnits"),
    ("automated_reasoning", "automatedReasoningPolicyUnits"),
    ("words", "wordPolicyUnits"),
    ("image", "contentPolicyImageUnits"),
]

HEADER = """\
# Prices of Amazon Bedrock, read on {day}, in US dollars. Made by update.py.
#
# Token prices are those of {table}, a community table whose rows for these models
# cite the AWS price list. Read the Price List API (service codes AmazonBedrock and
# AmazonBedrockFoundationModels) before you spend money; a file of your own beside this one,
# named in the scenario, replaces it.
#
# Scopes: `in-region` where the bare model id can be called on demand (the price of us-east-1),
# `geo` for the geographic profiles, `global` for the global one. A profile prefix (eu, us-gov)
# or a Region stands beside them where its price differs from what they hold; `geo` is the us.
# price. Where a model has both a global profile and an in-Region option, the table's bare id has
# the global price; AWS charges in-Region calls like geographic ones, so that is used.
# Claude from the 4.5 generation on: geo = 1.10 x global, us-gov = 1.20 x. Cache writes with five
# minutes of life cost 1.25 x input, with an hour 2 x, cache reads 0.1 x or less (Nova: 0.25 x).
# Where no price of cache writes is published, a write is charged like input.
#
# Long context: the prices of the whole request once its prompt, cached tokens included, is longer.
#
# Tiers: so many times the standard price in every scope and class. Where the table lists a tier
# of a model, the ratio is the table's; where it does not and the model's profile says that the
# tier is sold, the usual ratio is taken and marked as derived.
#
# Model units: AWS publishes hourly prices only for Claude v1, v2 and Instant, Cohere Command
# and Llama 2, none of which is here. For the models here the scenario states the price.
#
# Reserved tier: dollars per hour for each 1,000 tokens per minute, at least 100k input and
# 10k output. The unit is UNSURE: the price list names "1M TPM Hour" while its description
# says per 1k TPM; only per 1k matches the on-demand price at full use, so that is used.
#
# Guardrails: dollars per text unit of up to 1,000 characters, once for the input and once for
# the output; an image is one unit. Regular expressions and word filters are free.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("table", nargs="?", type=pathlib.Path, help="litellm's price table")
    parser.add_argument("--base", type=pathlib.Path, help="the book to start from (the latest)")
    parser.add_argument("--models", type=pathlib.Path, default=HERE.parent / "models")
    parser.add_argument("--as-of", default=datetime.date.today().isoformat(), metavar="DAY")
    parser.add_argument("--table-name", default="litellm", metavar="NAME")
    parser.add_argument("--diff", nargs=2, type=pathlib.Path, metavar=("OLD", "NEW"))
    asked = parser.parse_args()
    if asked.diff:
        old, new = (read_toml(path) for path in asked.diff)
        print_diff(old, new)
        return
    if not asked.table:
        parser.error("name a price table, or two books after --diff")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", asked.as_of):
        parser.error(f"--as-of is not a day: {asked.as_of}; write it like 2026-11-22")
    base_path = asked.base or max(HERE.glob("????-??-??.toml"))
    base = read_toml(base_path)
    target = base_path.parent / f"{asked.as_of}.toml"
    if target.exists():
        sys.exit(f"{target} is there already; name another day with --as-of, or move it away")
    table = read_table(asked.table)
    models = {path.stem: read_toml(path) for path in sorted(asked.models.glob("*.toml"))}
    book = make_book(base, table, models, asked.as_of, asked.table_name)
    target.write_text(write_book(book, asked.table_name), encoding="utf-8")
    print(f"wrote {target}")
    listed = {
        name
        for name, profile in models.items()
        if rows_of(value_of(profile["limits"]["model_id"]), table)
    }
    for word, names in (
        (f"not in the table, kept from {base_path.name}", set(book["model"]) - listed),
        ("has a profile but no price", set(models) - set(book["model"])),
    ):
        if names:
            print(f"{word}: {', '.join(sorted(names))}")
    print_diff(base, read_toml(target))


def read_toml(path):
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, tomllib.TOMLDecodeError) as error:
        sys.exit(f"{path}: {error}")


def read_table(path):
    try:
        raw = path.read_bytes()
        text = gzip.decompress(raw) if path.suffix == ".gz" else raw
        table = json.loads(text, parse_float=Decimal)
    except (OSError, EOFError, ValueError) as error:
        sys.exit(f"{path}: {error}")
    if not isinstance(table, dict):
        sys.exit(f"{path}: expected a table of models, found {type(table).__name__}")
    return table


def value_of(figure):
    return figure["value"] if isinstance(figure, dict) else figure


# --- From the table to a book -----------------------------------------------------------------


def make_book(base, table, models, day, table_name):
    book = {
        "as_of": day,
        "sources": dict(base.get("sources", {})),
        "guardrail": guardrail_of(base, table),
        "model": {},
    }
    text = f"{table_name}, model_prices_and_context_window_backup.json"
    book["sources"]["table"] = {"text": f"{text}, which cites the AWS price list", "as_of": day}
    book["sources"]["guardrails"] = {
        "text": f"{text}, bedrock/guardrails, which cites aws.amazon.com/bedrock/pricing",
        "as_of": day,
    }
    book["sources"]["ratios"] = {
        "text": "ratios of the tiers to the standard price in the same table; "
        "docs.aws.amazon.com/bedrock/latest/userguide/batch-inference.html for batch",
        "as_of": day,
    }
    for name, profile in models.items():
        known = base.get("model", {}).get(name, {})
        entry = model_of(profile, known, table)
        if entry:
            book["model"][name] = entry
    for name, known in base.get("model", {}).items():
        book["model"].setdefault(name, known)
    return book


def guardrail_of(base, table):
    units = table.get("bedrock/guardrails", {}).get("guardrail_cost_per_unit")
    if units is None:
        return base.get("guardrail")
    return {ours: {"value": Decimal(units[key]), "source": "guardrails"} for ours, key in GUARDRAIL}


def model_of(profile, known, table):
    """The prices of one model, or None if neither the table nor the base has any."""
    model_id = value_of(profile["limits"]["model_id"])
    rows = rows_of(model_id, table)
    kinds = [kind for kind in ("in-region", "geo", "global") if kind in profile["quota"]]
    if not rows:
        entry = dict(known) if known else None
    else:
        entry = {"source": "table"}
        entry["usd_per_million_tokens"] = by_scope(rows, kinds, "")
        step = next((step for row in rows.values() if (step := step_of(row))), None)
        if step:
            long = by_scope(rows, kinds, f"_above_{step}_tokens")
            entry["long_context"] = {"above": step, **long}
    if entry is None:
        return None
    tiers = tiers_of(profile["offers"], rows)
    if "latency_optimized" in known.get("tiers", {}):
        tiers["latency_optimized"] = known["tiers"]["latency_optimized"]
    if tiers:
        entry["tiers"] = tiers
    for kept in ("reserved", "units"):
        if kept in known:
            entry[kept] = known[kept]
    return entry


def rows_of(model_id, table):
    """The table's rows of a model: by prefix, `global`, Region, or `base` for the bare id."""
    rows = {}
    for scope in ["global", *PREFIXES]:
        if f"{scope}.{model_id}" in table:
            rows[scope] = table[f"{scope}.{model_id}"]
    if model_id in table:
        rows["base"] = table[model_id]
    for key, row in table.items():
        match = re.fullmatch(r"bedrock/([a-z]+(?:-[a-z]+)+-\d+)/(.+)", key)
        if match and match[2] == model_id:
            rows[match[1]] = row
    return rows


def step_of(row):
    """`200k` if the row has other prices for prompts above 200k tokens."""
    for key in row:
        match = re.fullmatch(r"input_cost_per_token_above_(\d+k)_tokens", key)
        if match:
            return match[1]
    return None


def prices_of(row, end):
    """Dollars per million tokens by class, or None if the row has no such price."""
    prices = {}
    for ours, key in CLASSES:
        if key + end in row:
            prices[ours] = Decimal(row[key + end]) * 1_000_000
    return prices if "input" in prices and "output" in prices else None


def by_scope(rows, kinds, end):
    prices = {scope: prices_of(row, end) for scope, row in rows.items()}
    prices = {scope: price for scope, price in prices.items() if price}
    base = prices.get("base")
    found = {}
    if "global" in kinds:
        found["global"] = prices.get("global") or base
    if "geo" in kinds:
        found["geo"] = prices.get("us") or base
    if "in-region" in kinds:
        found["in-region"] = found.get("geo") if "global" in kinds else base
    found = {kind: found[kind] for kind in ("in-region", "geo", "global") if found.get(kind)}
    for scope, price in prices.items():
        kind = "geo" if scope in PREFIXES else "in-region"
        own = scope not in ("base", "global") and kind in found
        if own and differs(price, found[kind]):
            found[scope] = price
    return found


def differs(price, usual):
    return any(usual.get(name) != dollars for name, dollars in price.items())


def tiers_of(offers, rows):
    tiers = {}
    for tier, end, usual in TIERS:
        listed = {scope: prices_of(row, end) for scope, row in rows.items()}
        listed = {scope: prices for scope, prices in listed.items() if prices}
        if not value_of(offers.get(tier, False)):
            continue
        ratios = {
            (price / prices_of(rows[scope], "")[name]).normalize()
            for scope, prices in listed.items()
            for name, price in prices.items()
            if prices_of(rows[scope], "").get(name)
        }
        if len(ratios) == 1:
            tiers[tier] = {"times": ratios.pop(), "source": "table"}
        else:
            tiers[tier] = {"times": usual, "source": "ratios", "status": "derived"}
    return tiers


# --- A book as text ---------------------------------------------------------------------------


def write_book(book, table_name):
    day = datetime.date.fromisoformat(book["as_of"])
    month = "January February March April May June July August September October November December"
    day = f"{day.day} {month.split()[day.month - 1]} {day.year}"
    parts = [HEADER.format(day=day, table=table_name), f'as_of = "{book["as_of"]}"\n', "[sources]"]
    width = max(map(len, book["sources"]))
    for name, source in book["sources"].items():
        parts.append(f"{name:<{width}} = {inline(source)}")
    if book["guardrail"]:
        parts += ["", "[guardrail]"]
        width = max(map(len, book["guardrail"]))
        parts += [f"{key:<{width}} = {inline(fig)}" for key, fig in book["guardrail"].items()]
    for name in sorted(book["model"]):
        parts += write_model(f"model.{name}", book["model"][name])
    return "\n".join(parts) + "\n"


def write_model(path, entry):
    plain = {key: value for key, value in entry.items() if not isinstance(value, dict)}
    parts = ["", f"[{path}]", *lines(plain)]
    for key in ("usd_per_million_tokens", "long_context", "tiers", "reserved", "units"):
        if key not in entry:
            continue
        nested = {}
        if key == "tiers":
            nested = {k: v for k, v in entry[key].items() if "times" not in v}
        flat = {k: v for k, v in entry[key].items() if k not in nested}
        if flat:
            parts += ["", f"[{path}.{key}]", *lines(flat)]
        for name, table in nested.items():
            parts += ["", f"[{path}.{key}.{name}]", *lines(table)]
    return parts


def lines(table):
    width = max(map(len, table), default=0)
    return [f"{key:<{width}} = {inline(value, outer=True)}" for key, value in table.items()]


def inline(value, outer=False):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Decimal):
        return money(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {inline(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list) and outer:
        return "[\n" + "".join(f"    {inline(one)},\n" for one in value) + "]"
    if isinstance(value, list):
        return "[" + ", ".join(inline(one) for one in value) + "]"
    return str(value)


def money(dollars):
    """At least two decimals, and no more than there are."""
    exact = dollars.normalize()
    places = max(2, -exact.as_tuple().exponent)
    return f"{exact:.{places}f}"


# --- What changed -----------------------------------------------------------------------------


def flat(book):
    """Every price of a book by model, scope and class."""
    prices = {}
    for key, figure in (book.get("guardrail") or {}).items():
        prices["guardrail", "text unit", key] = value_of(figure)
    for name, entry in book.get("model", {}).items():
        for scope, row in entry.get("usd_per_million_tokens", {}).items():
            for kind, dollars in row.items():
                prices[name, scope, kind] = dollars
        long = entry.get("long_context", {})
        for scope, row in long.items():
            if scope != "above":
                for kind, dollars in row.items():
                    prices[name, f"{scope} above {long['above']}", kind] = dollars
        for tier, table in entry.get("tiers", {}).items():
            for scope, row in table.items():
                if scope == "times":
                    prices[name, tier, "times"] = row
                elif isinstance(row, dict):
                    for kind, dollars in row.items():
                        prices[name, f"{tier} {scope}", kind] = dollars
        for row in entry.get("reserved", {}).get("usd_per_hour_per_1k_tpm", []):
            for kind in ("input", "output"):
                prices[name, f"reserved {row['scope']} {row['term']}", kind] = row[kind]
        for row in entry.get("units", {}).get("usd_per_hour", []):
            prices[name, f"model unit {row['term']}", "hour"] = row["price"]
    return prices


def print_diff(old, new):
    before, after = flat(old), flat(new)
    models = [set(name for name, _, _ in prices) for prices in (before, after)]
    print(f"prices of {old['as_of']} -> {new['as_of']}")
    count = 0
    for name in sorted(models[0] | models[1]):
        rows = sorted({key for key in (*before, *after) if key[0] == name})
        if name not in models[0] or name not in models[1]:
            sign, word = ("+", "appeared") if name in models[1] else ("-", "vanished")
            print(f"{sign} {name} {word}, {len(rows)} prices")
            count += 1
            continue
        for key in rows:
            was, now = before.get(key), after.get(key)
            if was != now:
                print(f"  {name:<22} {key[1]:<24} {key[2]:<22} {change(was, now)}")
                count += 1
    print(f"{count} difference{'' if count == 1 else 's'}" if count else "no difference")


def change(was, now):
    if was is None:
        return f"new: {money(Decimal(now))}"
    if now is None:
        return f"gone: {money(Decimal(was))}"
    was, now = Decimal(was), Decimal(now)
    percent = f"{(now / was - 1) * 100:+.1f}%" if was else "from nothing"
    return f"{money(was)} -> {money(now)}  {percent}"


if __name__ == "__main__":
    main()
