//! `[[plan.lever]]`: changes to a scenario whose worth is asked for, alone and together.
//!
//! A lever is laid over a variant as the variant is over the scenario. Each is read by itself with the
//! file, so that its problems are shown at their places; what several make together is only read when
//! somebody asks, since n levers have 2ⁿ subsets.

use crate::config::{ConfigError, Node, Problem, Problems, Table, Value, merge};

use super::files::Library;
use super::read::{COMMON, Loaded, RULES, read_layer, resolved_whole};
use super::{Files, Origins, Scenario};
use std::collections::BTreeMap;

/// The most levers of a plan: 2⁸ = 256 subsets.
pub const MOST_LEVERS: usize = 8;

/// A change whose worth is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Lever {
    /// Its name, unique in the variant.
    pub name: String,
    /// Its place in the waterfall where that is not the place in the file, from 1 on.
    pub order: Option<u32>,
    /// The keys that it changes.
    over: Table,
}

/// The levers of a variant, and what they are laid over.
#[derive(Clone, Debug)]
pub(super) struct LeverSet {
    variant: String,
    root: Node,
    levers: Vec<Lever>,
}

impl Loaded {
    /// The levers of a variant, in the order of the file.
    pub fn levers(&self, variant: &str) -> &[Lever] {
        let of_name = self.levers.iter().find(|set| set.variant == variant);
        of_name.map_or(&[], |set| &set.levers)
    }
}

/// Reads variants with some of their levers pulled.
pub struct Combiner<'l> {
    loaded: &'l Loaded,
    library: Library<'l>,
}

impl<'l> Combiner<'l> {
    /// For the levers of `loaded`; each file that it names is opened once.
    pub fn new(loaded: &'l Loaded, files: &'l dyn Files) -> Self {
        Self {
            loaded,
            library: Library::new(files),
        }
    }

    /// The scenario with only this variant, and the levers of `subset` laid over it in the order of the
    /// file: a later one wins where two say something. Bit `i` is lever `i` of [`Loaded::levers`].
    ///
    /// # Errors
    /// What does not go together, at its place.
    ///
    /// # Panics
    /// If the scenario has no variant of this name.
    pub fn of(&self, variant: &str, subset: usize) -> Result<Loaded, ConfigError> {
        let scenario = &self.loaded.scenario;
        let origins = &self.loaded.origins;
        let of_name = self.loaded.levers.iter().find(|set| set.variant == variant);
        let set = of_name.expect("every variant has a set, if an empty one");
        let problems = Problems::default();
        let mut root = set.root.clone();
        if let Value::Table(table) = &mut root.value {
            for (index, lever) in set.levers.iter().enumerate() {
                if subset & (1 << index) != 0 {
                    merge(table, &lever.over, RULES, &problems);
                }
            }
        }
        let (read, places) = read_layer(&set.variant, &root, &self.library, &problems);
        match read {
            Some((_, variant, table)) if problems.is_empty() => {
                let variants = vec![variant];
                Ok(Loaded {
                    scenario: Scenario {
                        name: scenario.name.clone(),
                        description: scenario.description.clone(),
                        seed: scenario.seed,
                        replications: scenario.replications,
                        resolved: resolved_whole(vec![table], &variants, false),
                        variants,
                    },
                    origins: Origins {
                        source: origins.source.clone(),
                        spans: BTreeMap::from([(set.variant.clone(), places)]),
                    },
                    levers: Vec::new(),
                })
            }
            _ => Err(problems.into_error(&origins.source)),
        }
    }
}

impl LeverSet {
    /// Takes the levers out of a variant's table.
    pub(super) fn take(variant: &str, root: &mut Node, problems: &Problems) -> Self {
        let levers = match &mut root.value {
            Value::Table(table) => take(table, problems),
            _ => Vec::new(),
        };
        Self {
            variant: variant.to_owned(),
            root: root.clone(),
            levers,
        }
    }

    /// Reads each lever by itself, for its problems.
    pub(super) fn check(&self, library: &Library<'_>, problems: &Problems) {
        for lever in &self.levers {
            let mut root = self.root.clone();
            let Value::Table(table) = &mut root.value else {
                continue;
            };
            merge(table, &lever.over, RULES, problems);
            read_layer(&self.variant, &root, library, problems);
        }
    }

    /// Adds the levers as they were written to the resolved variant.
    pub(super) fn resolve(&self, table: &mut toml::Table) {
        if self.levers.is_empty() {
            return;
        }
        let written = self.levers.iter().map(Lever::written).collect();
        let plan = table
            .entry("plan")
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let toml::Value::Table(plan) = plan {
            plan.insert("lever".to_owned(), toml::Value::Array(written));
        }
    }
}

impl Lever {
    fn written(&self) -> toml::Value {
        let mut table = toml::Table::new();
        table.insert("name".to_owned(), self.name.clone().into());
        if let Some(order) = self.order {
            table.insert("order".to_owned(), i64::from(order).into());
        }
        if let toml::Value::Table(over) = Value::Table(self.over.clone()).to_toml() {
            table.extend(over);
        }
        toml::Value::Table(table)
    }
}

fn take(root: &mut Table, problems: &Problems) -> Vec<Lever> {
    let Some(plan) = root.get_mut("plan") else {
        return Vec::new();
    };
    let Value::Table(plan) = &mut plan.node.value else {
        return Vec::new();
    };
    let Some(entry) = plan.remove("lever") else {
        return Vec::new();
    };
    let nodes = match entry.node.value {
        Value::Array(nodes) if nodes.len() <= MOST_LEVERS => nodes,
        other => {
            let (message, help) = match &other {
                Value::Array(nodes) => (
                    format!("a plan has at most {MOST_LEVERS} levers"),
                    format!(
                        "there are {}, and every subset is priced; join some, or ask in two files",
                        nodes.len()
                    ),
                ),
                _ => (
                    format!("expected `[[plan.lever]]` tables, found {}", other.found()),
                    "head each lever with `[[plan.lever]]` in double brackets".to_owned(),
                ),
            };
            problems.push(Problem::new(entry.node.span, message).help(help));
            return Vec::new();
        }
    };
    let mut levers: Vec<Lever> = Vec::new();
    for node in &nodes {
        let Some(lever) = lever(node, problems) else {
            continue;
        };
        if levers.iter().any(|known| known.name == lever.name) {
            let message = format!("two levers are named `{}`", lever.name.escape_debug());
            let problem =
                Problem::new(node.span.clone(), message).label("second lever of this name");
            problems.push(problem.help("the plan tells them apart by name; rename one"));
            continue;
        }
        levers.push(lever);
    }
    levers
}

/// One lever: its name, its order, and what it changes.
fn lever(node: &Node, problems: &Problems) -> Option<Lever> {
    let Value::Table(table) = &node.value else {
        let message = format!("expected a lever, found {}", node.value.found());
        problems.push(Problem::new(node.span.clone(), message).help("write `[[plan.lever]]`"));
        return None;
    };
    let mut over = table.clone();
    for key in COMMON {
        if let Some(entry) = over.remove(key) {
            let problem = Problem::new(entry.key_span, format!("a lever cannot change `{key}`"));
            let problem = problem.label("holds for the whole scenario");
            problems.push(problem.help("move it above the first `[[workload]]`"));
        }
    }
    if let Some(entry) = over.remove("variant") {
        let problem = Problem::new(entry.key_span, "a lever cannot have variants");
        problems.push(problem.help("let a variant change the lever: `[[variant.plan.lever]]`"));
    }
    if let Some(plan) = over.get_mut("plan")
        && let Value::Table(plan) = &mut plan.node.value
        && let Some(entry) = plan.remove("lever")
    {
        let problem = Problem::new(entry.key_span, "a lever cannot have levers");
        problems.push(problem.help("write them one after the other; the plan combines them"));
    }
    let order = order(&mut over, problems);
    let name = name(node, &mut over, problems)?;
    if over.entries.is_empty() {
        let message = format!("the lever `{}` changes nothing", name.escape_debug());
        let problem = Problem::new(node.span.clone(), message);
        problems.push(problem.help("add the keys that it changes, as a variant would"));
        return None;
    }
    Some(Lever { name, order, over })
}

fn name(node: &Node, over: &mut Table, problems: &Problems) -> Option<String> {
    match over.remove("name").map(|entry| entry.node) {
        Some(Node {
            value: Value::Text(name),
            ..
        }) if !name.trim().is_empty() && !name.chars().any(char::is_control) => Some(name),
        Some(node) => {
            let message = format!("a lever cannot be named {}", node.value.found());
            let problem = Problem::new(node.span, message).label("is no name");
            problems.push(problem.help("write a text of one line that is not empty"));
            None
        }
        None => {
            let problem = Problem::new(node.span.clone(), "a lever needs `name`");
            let problem = problem.label("`name` is missing");
            problems.push(problem.help("add `name = \"…\"` below `[[plan.lever]]`"));
            None
        }
    }
}

/// The place in the waterfall; one that is wrong is reported.
fn order(over: &mut Table, problems: &Problems) -> Option<u32> {
    let entry = over.remove("order")?;
    match entry.node.value {
        Value::Integer(place @ 1..=1000) => Some(place.unsigned_abs() as u32),
        other => {
            let message = format!(
                "`order` must be a whole number from 1 to 1000, not {}",
                other.found()
            );
            let problem = Problem::new(entry.node.span, message).label("is no place in an order");
            problems.push(problem.help("levers are pulled in ascending order in the waterfall"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
