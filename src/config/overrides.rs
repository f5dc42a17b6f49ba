//! `--set key.path=value`: changing a parsed file from the command line.

use super::merge::{find_by_name, no_such_name};
use super::value::parse_value;
use super::{Entry, MergeRules, Node, Problem, Problems, Source, Span, Table, Value};

/// More segments than this in one path are refused.
const MAX_SEGMENTS: usize = 32;

/// One step of a path.
struct Segment {
    text: String,
    span: Span,
}

/// Applies each of `sets`, a `path=value`, to the parsed file `root` and adds it to `source`.
///
/// The value is read as TOML, or taken as text if it is none. A segment of the
/// path after an array is the `name` of an element or its number from 0:
/// `workload.chat.max_tokens=512`, `workload[0].max_tokens=512`.
///
/// # Errors
/// Every override that has no path, no value, or leads to nothing.
pub fn apply_overrides(
    source: &mut Source,
    root: &mut Node,
    sets: &[String],
    rules: MergeRules,
) -> Result<(), Problems> {
    let problems = Problems::default();
    for set in sets {
        let start = source.push_override(set);
        match parse_override(set, start) {
            Ok((segments, value)) => {
                if let Err(problem) = place(root, &segments, value, rules) {
                    problems.push(problem);
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

fn parse_override(set: &str, start: usize) -> Result<(Vec<Segment>, Node), Problem> {
    let whole = start..start + set.len();
    let Some((path, value)) = set.split_once('=') else {
        return Err(Problem::new(whole, "an override needs a value")
            .label("has no `=`")
            .help("write it like `workload.chat.max_tokens=512`"));
    };
    let segments = parse_path(path, start)?;
    let offset = start + path.len() + 1;
    let node = parse_value(value, offset).unwrap_or_else(|| {
        let trimmed = value.trim();
        let begin = offset + (value.len() - value.trim_start().len());
        Node {
            value: Value::Text(trimmed.to_owned()),
            span: begin..begin + trimmed.len(),
        }
    });
    Ok((segments, node))
}

/// Splits `workload[0].arrival.poisson` at dots and brackets.
fn parse_path(path: &str, start: usize) -> Result<Vec<Segment>, Problem> {
    let mut segments = Vec::new();
    let mut at = 0;
    for piece in path.split(['.', '[']) {
        let text = piece.trim().trim_end_matches(']').trim_matches('"');
        let span = start + at..start + at + piece.len();
        at += piece.len() + 1;
        if text.is_empty() {
            return Err(Problem::new(span, "the path of the override has a gap")
                .label("no key here")
                .help("write the keys with one dot between them, like `client.timeout=\"30s\"`"));
        }
        segments.push(Segment {
            text: text.to_owned(),
            span,
        });
    }
    if segments.len() > MAX_SEGMENTS {
        let span = start..start + path.len();
        return Err(Problem::new(span, "the path of the override is too long"));
    }
    Ok(segments)
}

/// Walks `segments` from `node` on and puts `value` at their end.
fn place(
    node: &mut Node,
    segments: &[Segment],
    value: Node,
    rules: MergeRules,
) -> Result<(), Problem> {
    let mut node = node;
    for (i, segment) in segments.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| segments[i].text.as_str());
        if let Value::Table(table) = &mut node.value
            && before.is_some_and(|key| rules.choices.contains(&key))
            && table.get(&segment.text).is_none()
        {
            // Naming another choice takes the place of the one before.
            *table = Table::default();
        }
        node = step(node, segment, before.unwrap_or_default())?;
    }
    *node = value;
    Ok(())
}

fn step<'n>(node: &'n mut Node, segment: &Segment, key: &str) -> Result<&'n mut Node, Problem> {
    if !matches!(node.value, Value::Table(_) | Value::Array(_)) {
        // A plain value gives way to a table, as `retry = "none"` does to `retry.exponential`.
        node.value = Value::Table(Table::default());
        node.span = segment.span.clone();
    }
    match &mut node.value {
        Value::Array(nodes) => {
            let by_name = find_by_name(nodes, &segment.text).is_some();
            let index = if by_name {
                nodes.iter().position(|node| match &node.value {
                    Value::Table(table) => table.text("name") == Some(&segment.text),
                    _ => false,
                })
            } else {
                segment
                    .text
                    .parse()
                    .ok()
                    .filter(|&i: &usize| i < nodes.len())
            };
            match index {
                Some(index) => Ok(&mut nodes[index]),
                None => Err(no_such_name(key, &segment.text, nodes).at(segment.span.clone())),
            }
        }
        Value::Table(table) => {
            let index = table
                .entries
                .iter()
                .position(|entry| entry.key == segment.text);
            let index = index.unwrap_or_else(|| {
                table.entries.push(Entry {
                    key: segment.text.clone(),
                    key_span: segment.span.clone(),
                    node: Node {
                        value: Value::Table(Table::default()),
                        span: segment.span.clone(),
                    },
                });
                table.entries.len() - 1
            });
            Ok(&mut table.entries[index].node)
        }
        _ => Err(Problem::new(
            segment.span.clone(),
            "this path leads to nothing",
        )),
    }
}
