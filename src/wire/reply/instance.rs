//! An instance of a JSON schema: the arguments with which an answer calls a tool.
//!
//! Covers what tool schemas hold: types, `enum` and `const`, `required`, nested objects and arrays,
//! bounds on numbers, lengths and counts, `pattern` and `format`, `allOf`, `anyOf`, `oneOf`, and
//! references within the document, recursive ones included. `not`, `if` and
//! `dependentSchemas` are not read.

use super::draws::Draws;
use super::pattern;
use serde_json::{Map, Number, Value};

/// Depth from which on only what is required is written and alternatives are the plainest.
const PLAIN_DEPTH: u32 = 4;
/// Depth at which a schema that requires itself is given up.
const MAX_DEPTH: u32 = 32;
/// Values in one instance, so that no schema makes a call expensive.
const MAX_VALUES: u32 = 2_000;
/// Characters of one text, whatever its `minLength` says.
const MAX_TEXT: usize = 10_000;

const NOUNS: [&str; 16] = [
    "river", "window", "market", "garden", "letter", "bridge", "winter", "signal", "copper",
    "harbor", "engine", "forest", "paper", "stone", "music", "planet",
];

/// An instance of `schema`, the same for the same draws.
pub(super) fn of(schema: &Value, draws: Draws) -> Value {
    let mut maker = Maker {
        root: schema,
        draws,
        drawn: 0,
        values: 0,
    };
    match maker.value(schema, 0) {
        // Arguments are an object, whatever a broken schema says.
        object @ Value::Object(_) => object,
        _ => Value::Object(Map::new()),
    }
}

struct Maker<'a> {
    root: &'a Value,
    draws: Draws,
    drawn: u64,
    values: u32,
}

impl Maker<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.drawn += 1;
        self.draws.below(self.drawn, bound as u64) as usize
    }

    fn value(&mut self, schema: &Value, depth: u32) -> Value {
        self.values += 1;
        if depth > MAX_DEPTH || self.values > MAX_VALUES {
            return Value::Null;
        }
        let Value::Object(schema) = schema else {
            return Value::String(self.noun().to_owned());
        };
        let schema = self.resolved(schema, depth);
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(Value::Array(values)) = schema.get("enum")
            && !values.is_empty()
        {
            let index = self.below(values.len());
            return values[index].clone();
        }
        match self.type_of(&schema, depth) {
            "object" => self.object(&schema, depth),
            "array" => self.array(&schema, depth),
            "integer" => self.number(&schema, true),
            "number" => self.number(&schema, false),
            "boolean" => Value::Bool(self.below(2) == 1),
            "null" => Value::Null,
            _ => self.text(&schema),
        }
    }

    /// The schema with its references, `allOf` and one of its alternatives folded in.
    fn resolved(&mut self, schema: &Map<String, Value>, depth: u32) -> Map<String, Value> {
        let mut flat = schema.clone();
        for _ in 0..MAX_DEPTH {
            let mut folded = false;
            if let Some(Value::String(reference)) = flat.remove("$ref") {
                let target = reference
                    .strip_prefix('#')
                    .and_then(|pointer| self.root.pointer(pointer));
                if let Some(Value::Object(target)) = target {
                    merge(&mut flat, target);
                }
                folded = true;
            }
            if let Some(Value::Array(parts)) = flat.remove("allOf") {
                for part in &parts {
                    if let Value::Object(part) = part {
                        merge(&mut flat, part);
                    }
                }
                folded = true;
            }
            for name in ["anyOf", "oneOf"] {
                if let Some(Value::Array(branches)) = flat.remove(name) {
                    if let Some(Value::Object(branch)) = self.branch(&branches, depth) {
                        merge(&mut flat, branch);
                    }
                    folded = true;
                }
            }
            if !folded {
                break;
            }
        }
        flat
    }

    /// One of the alternatives: any near the root, the plainest far from it.
    fn branch<'b>(&mut self, branches: &'b [Value], depth: u32) -> Option<&'b Value> {
        if depth < PLAIN_DEPTH {
            let index = self.below(branches.len());
            return branches.get(index);
        }
        branches.iter().min_by_key(|branch| plainness(branch))
    }

    fn type_of(&mut self, schema: &Map<String, Value>, depth: u32) -> &'static str {
        let named = match schema.get("type") {
            Some(Value::String(name)) => Some(name.as_str()),
            Some(Value::Array(names)) => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                if depth >= PLAIN_DEPTH && names.contains(&"null") {
                    Some("null")
                } else if names.is_empty() {
                    None
                } else {
                    let index = self.below(names.len());
                    Some(names[index])
                }
            }
            _ => None,
        };
        let has = |keys: &[&str]| keys.iter().any(|key| schema.contains_key(*key));
        match named {
            Some("object") => "object",
            Some("array") => "array",
            Some("integer") => "integer",
            Some("number") => "number",
            Some("boolean") => "boolean",
            Some("null") => "null",
            None if depth == 0 => "object",
            None if has(&["properties", "required", "minProperties"]) => "object",
            None if has(&["items", "prefixItems", "minItems", "contains"]) => "array",
            None if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]) => {
                "number"
            }
            None if has(&["multipleOf"]) => "number",
            _ => "string",
        }
    }

    fn object(&mut self, schema: &Map<String, Value>, depth: u32) -> Value {
        let none = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let required: Vec<&str> = strings(schema.get("required")).collect();
        let least = size(schema, "minProperties").unwrap_or(0);
        let most = size(schema, "maxProperties").unwrap_or(usize::MAX);
        let mut object = Map::new();
        for (name, property) in properties {
            let optional = !required.contains(&name.as_str());
            if optional && (depth >= PLAIN_DEPTH || self.below(2) == 0) {
                continue;
            }
            if optional && object.len() + required.len() >= most {
                continue;
            }
            object.insert(name.clone(), self.value(property, depth + 1));
        }
        let additional = schema.get("additionalProperties");
        for name in required {
            if !object.contains_key(name) {
                let value = self.value(additional.unwrap_or(&Value::Bool(true)), depth + 1);
                object.insert(name.to_owned(), value);
            }
        }
        for (name, property) in properties {
            if object.len() < least && !object.contains_key(name) {
                object.insert(name.clone(), self.value(property, depth + 1));
            }
        }
        let least = least.min(MAX_VALUES as usize);
        for n in 0..least.saturating_sub(object.len()) {
            let value = self.value(additional.unwrap_or(&Value::Bool(true)), depth + 1);
            object.insert(format!("extra_{n}"), value);
        }
        Value::Object(object)
    }

    fn array(&mut self, schema: &Map<String, Value>, depth: u32) -> Value {
        let prefix: &[Value] = match schema.get("prefixItems").or(schema.get("items")) {
            Some(Value::Array(prefix)) => prefix,
            _ => &[],
        };
        let contains = schema.get("contains");
        let least = size(schema, "minItems").unwrap_or(0);
        let least = least.max(usize::from(contains.is_some()));
        let most = size(schema, "maxItems").unwrap_or(usize::MAX).max(least);
        let usual = if depth >= PLAIN_DEPTH {
            0
        } else {
            1 + self.below(2)
        };
        let count = usual.max(prefix.len()).clamp(least, most);
        let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
        let rest = schema.get("items").filter(|items| !items.is_array());
        let mut array: Vec<Value> = Vec::new();
        for n in 0..count.min(MAX_VALUES as usize) {
            let item = if n < prefix.len() {
                &prefix[n]
            } else if n + 1 == count && contains.is_some() {
                contains.unwrap_or(&Value::Null)
            } else {
                match rest {
                    Some(Value::Bool(false)) => break,
                    Some(items) => items,
                    None => &Value::Bool(true),
                }
            };
            let mut value = self.value(item, depth + 1);
            for _ in 0..64 {
                if !unique || !array.contains(&value) {
                    break;
                }
                value = self.value(item, depth + 1);
            }
            if unique && n >= least && array.contains(&value) {
                break;
            }
            array.push(value);
        }
        Value::Array(array)
    }

    fn number(&mut self, schema: &Map<String, Value>, whole: bool) -> Value {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let step = bound("multipleOf").filter(|step| *step > 0.0);
        // Half a step inside an exclusive bound, or the next whole number.
        let inside = if whole { 1.0 } else { 0.5 };
        let low = largest(
            bound("minimum"),
            bound("exclusiveMinimum").map(|b| {
                if whole {
                    b.floor() + inside
                } else {
                    b + inside
                }
            }),
        );
        let high = largest(
            bound("maximum").map(|b| -b),
            bound("exclusiveMaximum").map(|b| {
                if whole {
                    -(b.ceil() - inside)
                } else {
                    inside - b
                }
            }),
        )
        .map(|b| -b);
        let (low, high) = match (low, high) {
            (Some(low), Some(high)) if low > high => {
                // Exclusive bounds less than a step apart: the middle lies between them.
                let low = bound("exclusiveMinimum")
                    .or(bound("minimum"))
                    .unwrap_or(low);
                let high = bound("exclusiveMaximum")
                    .or(bound("maximum"))
                    .unwrap_or(high);
                (f64::midpoint(low, high), f64::midpoint(low, high))
            }
            (Some(low), Some(high)) => (low, high),
            (Some(low), None) => (low, low + 100.0),
            (None, Some(high)) => ((high - 100.0).max(0.0).min(high), high),
            (None, None) => (1.0, 100.0),
        };
        self.drawn += 1;
        let drawn = low + self.draws.uniform(self.drawn) * (high - low).max(0.0);
        let grid = step.unwrap_or(if whole { 1.0 } else { 0.25 });
        let grid = if whole { grid.max(1.0) } else { grid };
        let mut value = (drawn / grid).floor() * grid;
        if value < low {
            value = (low / grid).ceil() * grid;
        }
        if value > high && step.is_none() {
            value = if whole { high.floor() } else { low };
        }
        to_number(value, whole)
    }

    fn text(&mut self, schema: &Map<String, Value>) -> Value {
        let least = size(schema, "minLength").unwrap_or(0).min(MAX_TEXT);
        let most = size(schema, "maxLength").unwrap_or(MAX_TEXT).max(least);
        if let Some(Value::String(pattern)) = schema.get("pattern") {
            self.drawn += 1;
            if let Some(text) = pattern::matching(pattern, least, most, self.draws.bits(self.drawn))
            {
                return Value::String(text);
            }
        }
        if let Some(Value::String(format)) = schema.get("format")
            && let Some(text) = self.formatted(format)
        {
            return Value::String(text);
        }
        let mut text = self.noun().to_owned();
        while text.len() < least {
            text.push(' ');
            text.push_str(self.noun());
        }
        text.truncate(most);
        Value::String(text)
    }

    fn formatted(&mut self, format: &str) -> Option<String> {
        let noun = self.noun();
        let n = self.below(256);
        let (month, day, hour) = (n % 12 + 1, n % 28 + 1, n % 24);
        Some(match format {
            "date" => format!("2026-{month:02}-{day:02}"),
            "time" => format!("{hour:02}:30:00Z"),
            "date-time" => format!("2026-{month:02}-{day:02}T{hour:02}:30:00Z"),
            "duration" => format!("P{day}D"),
            "email" | "idn-email" => format!("{noun}@example.com"),
            "hostname" | "idn-hostname" => format!("{noun}.example.com"),
            "uri" | "uri-reference" | "iri" | "iri-reference" | "url" => {
                format!("https://example.com/{noun}")
            }
            "ipv4" => format!("192.0.2.{n}"),
            "ipv6" => format!("2001:db8::{n:x}"),
            "json-pointer" => format!("/{noun}"),
            "regex" => format!("^{noun}$"),
            "uuid" => {
                self.drawn += 2;
                let (a, b) = (self.draws.bits(self.drawn - 1), self.draws.bits(self.drawn));
                uuid::Builder::from_random_bytes(
                    ((u128::from(a) << 64) | u128::from(b)).to_be_bytes(),
                )
                .into_uuid()
                .to_string()
            }
            _ => return None,
        })
    }

    fn noun(&mut self) -> &'static str {
        NOUNS[self.below(NOUNS.len())]
    }
}

/// How deep an alternative leads: nothing, a plain value, a list, an object, a reference.
fn plainness(branch: &Value) -> u8 {
    match branch.get("type").and_then(Value::as_str) {
        Some("null") => 0,
        _ if branch.get("const").is_some() || branch.get("enum").is_some() => 1,
        Some("string" | "integer" | "number" | "boolean") => 1,
        Some("array") => 2,
        Some("object") => 3,
        _ => 4,
    }
}

/// Adds the demands of `other`: objects join, lists of names join, bounds tighten; of anything
/// else what was there first stays.
fn merge(into: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (key, value) in other {
        let Some(present) = into.get_mut(key) else {
            into.insert(key.clone(), value.clone());
            continue;
        };
        match (key.as_str(), present, value) {
            ("properties", Value::Object(mine), Value::Object(theirs)) => {
                for (name, schema) in theirs {
                    match (mine.get_mut(name), schema) {
                        (Some(Value::Object(mine)), Value::Object(theirs)) => merge(mine, theirs),
                        (Some(_), _) => {}
                        (None, schema) => {
                            mine.insert(name.clone(), schema.clone());
                        }
                    }
                }
            }
            ("required" | "allOf", Value::Array(mine), Value::Array(theirs)) => {
                mine.extend(theirs.iter().cloned());
            }
            ("enum", Value::Array(mine), Value::Array(theirs)) => {
                mine.retain(|value| theirs.contains(value));
            }
            ("type", mine @ Value::Array(_), Value::String(_)) => *mine = value.clone(),
            ("type", mine @ Value::String(_), Value::String(theirs)) => {
                if theirs == "integer" && *mine == "number" {
                    *mine = value.clone();
                }
            }
            (key, mine, theirs) => tighten(key, mine, theirs),
        }
    }
}

fn tighten(key: &str, mine: &mut Value, theirs: &Value) {
    let (Some(a), Some(b)) = (mine.as_f64(), theirs.as_f64()) else {
        return;
    };
    let tighter = match key {
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => b > a,
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => b < a,
        _ => false,
    };
    if tighter {
        *mine = theirs.clone();
    }
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn size(schema: &Map<String, Value>, name: &str) -> Option<usize> {
    schema.get(name).and_then(Value::as_u64).map(|n| n as usize)
}

fn largest(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

fn to_number(value: f64, whole: bool) -> Value {
    /// Whole numbers up to here are exact in a double.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if whole && value.abs() <= EXACT {
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or_else(|| Value::from(1), Value::Number)
}

#[cfg(test)]
mod tests;
