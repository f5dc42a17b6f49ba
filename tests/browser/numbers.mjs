// Numbers as texts, read back: an own reading of what the program writes, so that a text can be held
// against the value beside it.

const GREAT = { K: 1e3, M: 1e6, B: 1e9, T: 1e12 };

/// Value and half of the last digit's worth of `text`, in the base unit of `unit`.
export function read(text, unit) {
  const sign = /^[−-]/.test(text) ? -1 : 1;
  const body = text.replace(/^[−+-]/, "").replaceAll(",", "").trim();
  const found = unit === "seconds" ? clock(body) : scaled(body, unit);
  return found && { value: sign * found[0], slack: found[1] };
}

function scaled(body, unit) {
  const parts = /^(\$?)(\d+(?:\.\d+)?(?:e\d+)?)\s*(K|M|B|T)?\s*(%|ms|s|min|h|\/s|\/min)?$/.exec(body);
  if (!parts) return null;
  const [, dollar, digits, great, word] = parts;
  if ((dollar === "$") !== unit.startsWith("usd")) return null;
  const factor = (GREAT[great] ?? 1) * unitOf(unit, word);
  return Number.isNaN(factor) ? null : [Number(digits) * factor, halfOf(digits) * factor];
}

function unitOf(unit, word) {
  const known = {
    share: { "%": 0.01 }, millis: { ms: 1, s: 1e3, min: 6e4 }, hours: { h: 1 },
    per_second: { "/s": 1 }, tokens_per_minute: { "/min": 1 },
  }[unit];
  return known ? known[word] ?? NaN : word === undefined ? 1 : NaN;
}

function halfOf(digits) {
  const [mantissa, power] = digits.split("e");
  const decimals = mantissa.split(".")[1]?.length ?? 0;
  return 0.5 * 10 ** (Number(power ?? 0) - decimals);
}

function clock(body) {
  const parts = /^(?:(\d+) d )?(?:(\d+):)?(?:(\d+):)?(\d+(?:\.\d+)?(?:e\d+)?) (s|min|h)$/.exec(body);
  if (!parts) return null;
  const [, days, a, b, last, word] = parts;
  if (word === "s") return [Number(last), halfOf(last)];
  const numbers = [a, b, last].filter((one) => one !== undefined).map(Number);
  const first = word === "h" ? 3600 : 60;
  const value = numbers.reduce((sum, one, at) => sum + one * first / 60 ** at, 0);
  const finest = first / 60 ** (numbers.length - 1);
  // The last part of days and hours is cut off, not rounded.
  return [(days ?? 0) * 86400 + value, days === undefined ? finest / 2 : finest];
}

/// Whether the text says the value, as exactly as its digits go.
export function says(text, value, unit) {
  const found = read(text, unit);
  return found !== null && Math.abs(found.value - value) <= found.slack * 1.0001 + Math.abs(value) * 1e-12;
}

/// The value on the straight line between the two points around `at`; `null` outside of them.
export function between(points, at) {
  const exact = points.find(([x]) => x === at);
  if (exact) return exact[1];
  const after = points.findIndex(([x]) => x > at);
  if (after < 1) return null;
  const [[left, low], [right, high]] = points.slice(after - 1, after + 1);
  return low + (high - low) * (at - left) / (right - left);
}
