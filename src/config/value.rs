//! TOML values that know where they stand.

use std::ops::Range;
use toml::de::{DeTable, DeValue};

use super::{Problem, Problems, Source};

/// Bytes of a [`Source`].
pub type Span = Range<usize>;

/// Deeper nesting is refused; a scenario needs about six levels.
const MAX_DEPTH: usize = 64;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands; the header for a table.
    pub span: Span,
}

/// A TOML value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A float; may be infinite or NaN.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A date or time, as written.
    Datetime(toml::value::Datetime),
    /// An array.
    Array(Vec<Node>),
    /// A table.
    Table(Table),
}

/// A table in the order of its file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The entries; keys are unique.
    pub entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// Its value.
    pub node: Node,
}

impl Table {
    /// The entry of `key`.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The entry of `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    /// The entry of `key`, taken out.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(index))
    }

    /// The text at `key`, if there is one.
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.node.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Value {
    /// The kind of value with its article, as messages say it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Bool(_) => "a boolean",
            Self::Datetime(_) => "a date",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
        }
    }

    /// What stands there, short enough for a message: "integer `5`", "a table".
    pub fn found(&self) -> String {
        match self {
            Self::Text(text) => {
                let short: String = text.chars().take(40).collect();
                let dots = if short.len() < text.len() { "…" } else { "" };
                format!("the string `\"{}{dots}\"`", short.escape_debug())
            }
            Self::Integer(value) => format!("the integer `{value}`"),
            Self::Float(value) => format!("the number `{value}`"),
            Self::Bool(value) => format!("`{value}`"),
            Self::Datetime(value) => format!("the date `{value}`"),
            Self::Array(_) | Self::Table(_) => self.kind().to_owned(),
        }
    }

    /// The value without places.
    pub fn to_toml(&self) -> toml::Value {
        match self {
            Self::Text(text) => toml::Value::String(text.clone()),
            Self::Integer(value) => toml::Value::Integer(*value),
            Self::Float(value) => toml::Value::Float(*value),
            Self::Bool(value) => toml::Value::Boolean(*value),
            Self::Datetime(value) => toml::Value::Datetime(*value),
            Self::Array(nodes) => {
                toml::Value::Array(nodes.iter().map(|node| node.value.to_toml()).collect())
            }
            Self::Table(table) => {
                let entries = table.entries.iter();
                toml::Value::Table(
                    entries
                        .map(|entry| (entry.key.clone(), entry.node.value.to_toml()))
                        .collect(),
                )
            }
        }
    }
}

impl Node {
    /// `value` as if it stood at `span`.
    pub fn from_toml(value: toml::Value, span: &Span) -> Self {
        let value = match value {
            toml::Value::String(text) => Value::Text(text),
            toml::Value::Integer(value) => Value::Integer(value),
            toml::Value::Float(value) => Value::Float(value),
            toml::Value::Boolean(value) => Value::Bool(value),
            toml::Value::Datetime(value) => Value::Datetime(value),
            toml::Value::Array(values) => Value::Array(
                values
                    .into_iter()
                    .map(|value| Self::from_toml(value, span))
                    .collect(),
            ),
            toml::Value::Table(table) => Value::Table(Table {
                entries: table
                    .into_iter()
                    .map(|(key, value)| Entry {
                        key,
                        key_span: span.clone(),
                        node: Self::from_toml(value, span),
                    })
                    .collect(),
            }),
        };
        Self {
            value,
            span: span.clone(),
        }
    }
}

/// Parses the file of `source` into its root table.
///
/// # Errors
/// All syntax problems that the parser can tell apart.
pub fn parse(source: &Source) -> Result<Node, Problems> {
    let (table, errors) = DeTable::parse_recoverable(source.text());
    let problems = Problems::default();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        problems.push(Problem::new(span, error.message().to_owned()).label("not valid TOML here"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let value = Value::Table(convert_table(table.get_ref(), 0, 0, &problems));
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Node { value, span: 0..0 })
}

/// Parses one value that begins at byte `offset` of its source; `None` if it is not TOML.
pub(super) fn parse_value(text: &str, offset: usize) -> Option<Node> {
    let value = DeValue::parse(text).ok()?;
    let problems = Problems::default();
    let span = value.span();
    let value = convert(value.get_ref(), &span, offset, 0, &problems);
    problems.is_empty().then_some(Node {
        value,
        span: span.start + offset..span.end + offset,
    })
}

fn convert_table(table: &DeTable<'_>, offset: usize, depth: usize, problems: &Problems) -> Table {
    let entries = table.iter().map(|(key, value)| {
        let key_span = key.span();
        let span = value.span();
        Entry {
            key: key.get_ref().to_string(),
            key_span: key_span.start + offset..key_span.end + offset,
            node: Node {
                value: convert(value.get_ref(), &span, offset, depth + 1, problems),
                span: span.start + offset..span.end + offset,
            },
        }
    });
    Table {
        entries: entries.collect(),
    }
}

fn convert(
    value: &DeValue<'_>,
    span: &Span,
    offset: usize,
    depth: usize,
    problems: &Problems,
) -> Value {
    let here = span.start + offset..span.end + offset;
    if depth > MAX_DEPTH {
        problems.push(Problem::new(here, "values are nested too deeply"));
        return Value::Bool(false);
    }
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => {
            let Ok(value) = i64::from_str_radix(integer.as_str(), integer.radix()) else {
                problems.push(
                    Problem::new(here, "the integer is out of range")
                        .help("whole numbers go from -9223372036854775808 to 9223372036854775807"),
                );
                return Value::Integer(0);
            };
            Value::Integer(value)
        }
        // A number too large for a float reads as infinite and is refused where it is used.
        DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(value) => Value::Datetime(*value),
        DeValue::Array(values) => Value::Array(
            values
                .iter()
                .map(|value| {
                    let span = value.span();
                    Node {
                        value: convert(value.get_ref(), &span, offset, depth + 1, problems),
                        span: span.start + offset..span.end + offset,
                    }
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(convert_table(table, offset, depth, problems)),
    }
}
