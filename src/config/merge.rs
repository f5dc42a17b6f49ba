//! Laying one table over another, as a variant over its scenario.

use super::{Node, Problem, Problems, Table, Value, nearest};

/// Which keys do not simply merge key by key.
#[derive(Clone, Copy, Debug)]
pub struct MergeRules {
    /// Tables that are a choice of one key; another choice replaces the whole table.
    pub choices: &'static [&'static str],
    /// Arrays of tables whose elements merge by their `name`.
    pub by_name: &'static [&'static str],
}

/// Lays `over` over `base`: tables merge, anything else replaces what was there.
///
/// Elements of arrays that go by name and have no match are reported, unless
/// `base` has none of that array.
pub fn merge(base: &mut Table, over: &Table, rules: MergeRules, problems: &Problems) {
    for entry in &over.entries {
        let Some(present) = base.get_mut(&entry.key) else {
            base.entries.push(entry.clone());
            continue;
        };
        match (&mut present.node.value, &entry.node.value) {
            (Value::Table(below), Value::Table(above)) => {
                if rules.choices.contains(&entry.key.as_str()) && !same_choice(below, above) {
                    *below = Table::default();
                }
                merge(below, above, rules, problems);
                present.node.span = entry.node.span.clone();
            }
            (Value::Array(below), Value::Array(above))
                if rules.by_name.contains(&entry.key.as_str()) =>
            {
                merge_by_name(&entry.key, below, above, rules, problems);
            }
            _ => present.node = entry.node.clone(),
        }
        present.key_span = entry.key_span.clone();
    }
}

/// Whether every key of `above` is one that `below` has already.
fn same_choice(below: &Table, above: &Table) -> bool {
    above
        .entries
        .iter()
        .all(|entry| below.get(&entry.key).is_some())
}

fn merge_by_name(
    key: &str,
    below: &mut [Node],
    above: &[Node],
    rules: MergeRules,
    problems: &Problems,
) {
    for node in above {
        let Value::Table(over) = &node.value else {
            let message = format!("expected a table for `{key}`, found {}", node.value.found());
            problems.push(Problem::new(node.span.clone(), message));
            continue;
        };
        let Some(name) = over.text("name") else {
            let message = format!("`{key}` of a variant needs `name`");
            let problem = Problem::new(node.span.clone(), message).label("`name` is missing");
            let help = format!("`name` says which `{key}` of the scenario is changed");
            problems.push(problem.help(help));
            continue;
        };
        if let Some(table) = find_by_name(below, name) {
            merge(table, over, rules, problems);
        } else {
            let place = over.get("name").map_or(node, |entry| &entry.node);
            problems.push(no_such_name(key, name, below).at(place.span.clone()));
        }
    }
}

/// The table of `nodes` that has this `name`.
pub(super) fn find_by_name<'n>(nodes: &'n mut [Node], name: &str) -> Option<&'n mut Table> {
    nodes.iter_mut().find_map(|node| match &mut node.value {
        Value::Table(table) if table.text("name") == Some(name) => Some(table),
        _ => None,
    })
}

/// "There is no such name", still without its place.
pub(super) struct NoSuchName {
    message: String,
    help: String,
}

impl NoSuchName {
    pub(super) fn at(self, span: super::Span) -> Problem {
        Problem::new(span, self.message)
            .label("no such name")
            .help(self.help)
    }
}

pub(super) fn no_such_name(key: &str, name: &str, nodes: &[Node]) -> NoSuchName {
    let names: Vec<&str> = nodes
        .iter()
        .filter_map(|node| match &node.value {
            Value::Table(table) => table.text("name"),
            _ => None,
        })
        .collect();
    let list = format!("the names are `{}`", names.join("`, `"));
    let help = match nearest(name, &names) {
        Some(near) => format!("did you mean `{near}`? {list}"),
        None if names.is_empty() => format!("give each `[[{key}]]` a `name`"),
        None => list,
    };
    let shown: String = name.chars().take(60).collect();
    NoSuchName {
        message: format!("no {key} is named `{}`", shown.escape_debug()),
        help,
    }
}
