//! Walking a table key by key.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Entry, Kind, Node, Problem, Problems, Span, Table, Value};

/// What a reading leaves behind beside its value: problems, and where each value stood.
#[derive(Debug, Default)]
pub struct Trail {
    /// What is wrong so far.
    pub problems: Problems,
    spans: RefCell<BTreeMap<String, Span>>,
}

impl Trail {
    /// The problems, and the places by path, such as `workload.chat.model`; elements of arrays go by name or number.
    pub fn into_parts(self) -> (Problems, BTreeMap<String, Span>) {
        (self.problems, self.spans.into_inner())
    }
}

/// A table that is being read.
///
/// Keys that were never asked for are reported as unknown once the closure that
/// reads the section returns; so ask for every key before the first `?`.
#[derive(Debug)]
pub struct Section<'a> {
    trail: &'a Trail,
    table: &'a Table,
    span: Span,
    path: String,
    known: Vec<String>,
    resolved: toml::Table,
}

impl<'a> Section<'a> {
    /// Reads the root table of a file; gives the value and all keys as resolved.
    pub fn root<T>(
        trail: &'a Trail,
        root: &'a Node,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<(T, toml::Table)> {
        let Value::Table(table) = &root.value else {
            trail
                .problems
                .push(Problem::new(root.span.clone(), "expected a table"));
            return None;
        };
        Section::new(trail, table, root.span.clone(), String::new()).run(read)
    }

    fn new(trail: &'a Trail, table: &'a Table, span: Span, path: String) -> Self {
        Self {
            trail,
            table,
            span,
            path,
            known: Vec::new(),
            resolved: toml::Table::new(),
        }
    }

    fn run<T>(
        mut self,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<(T, toml::Table)> {
        let value = read(&mut self);
        self.report_unknown();
        Some((value?, self.resolved))
    }

    /// The value of a key that must be there.
    pub fn required<K: Kind>(&mut self, key: &str, kind: K) -> Option<K::Output> {
        if !self.has(key) {
            self.report_missing(key, &kind.expected());
            return None;
        }
        self.optional(key, kind)
    }

    /// The value of a key that may be absent. `None` too if the value is wrong, which is reported.
    pub fn optional<K: Kind>(&mut self, key: &str, kind: K) -> Option<K::Output> {
        self.know(key);
        let node = &self.table.get(key)?.node;
        self.record(key, &node.span);
        match kind.read(key, node) {
            Ok(value) => {
                self.resolved.insert(key.to_owned(), node.value.to_toml());
                Some(value)
            }
            Err(problems) => {
                self.trail.problems.extend(problems);
                None
            }
        }
    }

    /// The value of a key, or `default` as a user would write it.
    ///
    /// # Panics
    /// If `kind` does not read `default`, which is a mistake in the program.
    pub fn or<K: Kind>(
        &mut self,
        key: &str,
        kind: K,
        default: impl Into<toml::Value>,
    ) -> Option<K::Output> {
        if self.has(key) {
            return self.optional(key, kind);
        }
        self.know(key);
        let default = default.into();
        let node = Node::from_toml(default.clone(), &self.span);
        let value = kind.read(key, &node).ok();
        assert!(value.is_some(), "the default of `{key}` is a valid value");
        self.resolved.insert(key.to_owned(), default);
        value
    }

    /// Reads the table at `key`, or an empty one so that its defaults apply.
    pub fn table<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<T> {
        if self.has(key) {
            return self.optional_table(key, read);
        }
        self.know(key);
        let empty = Table::default();
        let section = Section::new(self.trail, &empty, self.span.clone(), self.path_of(key));
        let (value, resolved) = section.run(read)?;
        if !resolved.is_empty() {
            self.resolved
                .insert(key.to_owned(), toml::Value::Table(resolved));
        }
        Some(value)
    }

    /// Reads the table at `key`, which must be there.
    pub fn required_table<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<T> {
        if !self.has(key) {
            self.report_missing(key, "a table");
            return None;
        }
        self.optional_table(key, read)
    }

    /// Reads the table at `key` if it is there. A text `"tag"` stands for the table `{ tag = {} }`.
    pub fn optional_table<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<T> {
        self.know(key);
        let node = &self.table.get(key)?.node;
        let path = self.path_of(key);
        let tagged;
        let table = match &node.value {
            Value::Table(table) => table,
            Value::Text(tag) => {
                tagged = Table {
                    entries: vec![Entry {
                        key: tag.clone(),
                        key_span: node.span.clone(),
                        node: Node {
                            value: Value::Table(Table::default()),
                            span: node.span.clone(),
                        },
                    }],
                };
                &tagged
            }
            _ => {
                self.report_not_a_table(key, node);
                return None;
            }
        };
        self.record(key, &node.span);
        let section = Section::new(self.trail, table, node.span.clone(), path);
        let (value, resolved) = section.run(read)?;
        self.resolved
            .insert(key.to_owned(), toml::Value::Table(resolved));
        Some(value)
    }

    /// Reads each table of the array `[[key]]`; `None` if one of them is wrong.
    pub fn tables<T>(
        &mut self,
        key: &str,
        mut read: impl FnMut(&mut Section<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.know(key);
        let Some(entry) = self.table.get(key) else {
            return Some(Vec::new());
        };
        let Value::Array(nodes) = &entry.node.value else {
            let problem = Problem::new(
                entry.node.span.clone(),
                format!(
                    "expected `[[{key}]]` tables, found {}",
                    entry.node.value.found()
                ),
            )
            .label(format!("is {}", entry.node.value.kind()))
            .help(format!("head each one with `[[{key}]]` in double brackets"));
            self.trail.problems.push(problem);
            return None;
        };
        self.record(key, &entry.node.span);
        let mut values = Some(Vec::with_capacity(nodes.len()));
        let mut resolved = Vec::with_capacity(nodes.len());
        for (i, node) in nodes.iter().enumerate() {
            let Value::Table(table) = &node.value else {
                self.report_not_a_table(&format!("{key}[{i}]"), node);
                values = None;
                continue;
            };
            let path = match table.text("name") {
                Some(name) => format!("{}.{name}", self.path_of(key)),
                None => format!("{}[{i}]", self.path_of(key)),
            };
            self.trail
                .spans
                .borrow_mut()
                .insert(path.clone(), node.span.clone());
            let section = Section::new(self.trail, table, node.span.clone(), path);
            let read = section.run(&mut read);
            if let Some((value, table)) = read {
                resolved.push(toml::Value::Table(table));
                if let Some(values) = &mut values {
                    values.push(value);
                }
            } else {
                values = None;
            }
        }
        self.resolved
            .insert(key.to_owned(), toml::Value::Array(resolved));
        values
    }

    /// Reads each remaining key as a table that the user named; `None` if one of them is wrong.
    pub fn named_tables<T>(
        &mut self,
        mut read: impl FnMut(&str, &mut Section<'_>) -> Option<T>,
    ) -> Option<Vec<(String, T)>> {
        let mut values = Some(Vec::new());
        for key in self.remaining() {
            let value = self.optional_table(&key, |section| read(&key, section));
            match (value, &mut values) {
                (Some(value), Some(values)) => values.push((key, value)),
                _ => values = None,
            }
        }
        values
    }

    /// Reads each remaining key, named by the user, as `kind`; `None` if one of them is wrong.
    pub fn named_values<K: Kind>(&mut self, kind: &K) -> Option<Vec<(String, K::Output)>> {
        let mut values = Some(Vec::new());
        for key in self.remaining() {
            match (self.optional(&key, kind), &mut values) {
                (Some(value), Some(values)) => values.push((key, value)),
                _ => values = None,
            }
        }
        values
    }

    /// The one key of `tags` that is present, for tables that are a choice.
    ///
    /// None and several are reported.
    pub fn tag(&mut self, tags: &[&'static str]) -> Option<&'static str> {
        for tag in tags {
            self.know(tag);
        }
        let present: Vec<_> = tags.iter().filter(|tag| self.has(tag)).collect();
        let list = format!("use one of `{}`", tags.join("`, `"));
        match present.as_slice() {
            [tag] => Some(tag),
            // A misspelt tag is reported as an unknown key, with the list of tags.
            [] if !self.remaining().is_empty() => None,
            [] => {
                let name = self.title();
                let message = format!("{name} chooses nothing");
                let problem = Problem::new(self.span.clone(), message);
                self.trail.problems.push(problem.help(list));
                None
            }
            [first, second, ..] => {
                let name = self.title();
                let message = format!("{name} cannot be both `{first}` and `{second}`");
                let problem = Problem::new(self.key_span(second), message);
                let label = format!("second choice beside `{first}`");
                let help = format!("keep one of them; {list}");
                self.trail.problems.push(problem.label(label).help(help));
                None
            }
        }
    }

    /// The key of the choice at `key`, if it is one: `gamma` of `arrival = { gamma = … }`.
    pub fn chosen(&self, key: &str) -> Option<&str> {
        match &self.table.get(key)?.node.value {
            Value::Text(tag) => Some(tag),
            Value::Table(table) => table.entries.first().map(|entry| entry.key.as_str()),
            _ => None,
        }
    }

    /// Whether `key` is present. Asking does not make it known.
    pub fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// The names of the keys present, in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.table.entries.iter().map(|entry| entry.key.as_str())
    }

    /// Where the value of `key` stands, or the section if it is absent.
    pub fn span(&self, key: &str) -> Span {
        self.table
            .get(key)
            .map_or_else(|| self.span.clone(), |entry| entry.node.span.clone())
    }

    /// Where `key` itself stands, or the section if it is absent.
    pub fn key_span(&self, key: &str) -> Span {
        self.table
            .get(key)
            .map_or_else(|| self.span.clone(), |entry| entry.key_span.clone())
    }

    /// Where the section begins.
    pub fn here(&self) -> Span {
        self.span.clone()
    }

    /// The path of the section in the file, such as `workload.chat`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reports a problem with the value of `key`.
    pub fn report(&self, key: &str, message: impl Into<String>, label: &str, help: &str) {
        let mut problem = Problem::new(self.span(key), message).label(label);
        if !help.is_empty() {
            problem = problem.help(help);
        }
        self.trail.problems.push(problem);
    }

    /// Reports a problem anywhere.
    pub fn push(&self, problem: Problem) {
        self.trail.problems.push(problem);
    }

    /// Writes `value` down as what `key` resolved to, in place of what was read.
    pub fn resolve(&mut self, key: &str, value: impl Into<toml::Value>) {
        self.resolved.insert(key.to_owned(), value.into());
    }

    /// The section as messages name it.
    fn title(&self) -> String {
        if self.path.is_empty() {
            "the file".to_owned()
        } else {
            let name = self.path.rsplit('.').next().unwrap_or_default();
            format!("`{name}`")
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn know(&mut self, key: &str) {
        if !self.known.iter().any(|known| known == key) {
            self.known.push(key.to_owned());
        }
    }

    fn record(&self, key: &str, span: &Span) {
        let path = self.path_of(key);
        self.trail.spans.borrow_mut().insert(path, span.clone());
    }

    /// Keys that nothing asked for yet.
    fn remaining(&self) -> Vec<String> {
        self.table
            .entries
            .iter()
            .filter(|entry| !self.known.contains(&entry.key))
            .map(|entry| entry.key.clone())
            .collect()
    }

    fn report_missing(&mut self, key: &str, expected: &str) {
        self.know(key);
        let message = format!("{} needs `{key}`", self.title());
        let problem = Problem::new(self.span.clone(), message)
            .label(format!("`{key}` is missing"))
            .help(format!("add `{key}`, {expected}"));
        self.trail.problems.push(problem);
    }

    fn report_not_a_table(&self, key: &str, node: &Node) {
        let message = format!("expected a table for `{key}`, found {}", node.value.found());
        let problem = Problem::new(node.span.clone(), message)
            .label(format!("is {}", node.value.kind()))
            .help(format!(
                "write `{key} = {{ … }}`, or head it with `[{key}]`"
            ));
        self.trail.problems.push(problem);
    }

    fn report_unknown(&self) {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        for entry in &self.table.entries {
            if known.contains(&entry.key.as_str()) {
                continue;
            }
            let list = if known.is_empty() {
                format!("{} has no keys", self.title())
            } else {
                format!("known keys: `{}`", known.join("`, `"))
            };
            let help = match nearest(&entry.key, &known) {
                Some(key) => format!("did you mean `{key}`? {list}"),
                None => list,
            };
            let shown: String = entry.key.chars().take(60).collect();
            let message = format!("unknown key `{}`", shown.escape_debug());
            let problem = Problem::new(entry.key_span.clone(), message);
            self.trail
                .problems
                .push(problem.label("not a key of this table").help(help));
        }
    }
}

/// The one of `known` that `word` is most likely a misspelling of.
pub fn nearest<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    // Long words are no misspellings, and comparing them would take long.
    if word.len() > 64 {
        return None;
    }
    let word = word.to_lowercase().replace('-', "_");
    known
        .iter()
        .map(|&known| {
            let plain = known.to_lowercase().replace('-', "_");
            (strsim::jaro_winkler(&word, &plain), known)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use crate::config::{
        self, Source, boolean, list, one_of, positive, text, unit, unset_or, whole,
    };
    use crate::units::{Micros, TokensPerMinute};

    /// What reading `text` with `read` complains about.
    fn complaint<T>(toml: &str, read: impl FnOnce(&mut super::Section<'_>) -> Option<T>) -> String {
        let source = Source::new("t", toml);
        config::read(&source, read).map_or_else(|error| error.to_string(), |_| "none".to_owned())
    }

    #[test]
    fn values_are_read_and_written_down() {
        let source = Source::new("t", "\u{feff}a = \"2s\"\n[b]\nc = \"2M\"\ntimes = [1, 2]\n");
        let root = config::parse(&source).expect("it is valid TOML");
        let trail = super::Trail::default();
        let (value, resolved) = super::Section::root(&trail, &root, |s| {
            let a = s.required("a", unit::<Micros>());
            let d = s.or("d", unset_or(unit::<Micros>()), "unset");
            let b = s.table("b", |s| {
                let c = s.required("c", unit::<TokensPerMinute>());
                let times = s.optional("times", list(whole::<u8>(0..=9)));
                let yes = s.or("yes", boolean(), true);
                Some((c?, times?, yes?))
            });
            Some((a?, d?, b?))
        })
        .expect("all keys are right");
        let b = (TokensPerMinute(2_000_000), vec![1, 2], true);
        assert_eq!(value, (Micros::from_secs(2), None, b));
        let written = "a = \"2s\"\nd = \"unset\"\n\n[b]\nc = \"2M\"\ntimes = [1, 2]\nyes = true\n";
        assert_eq!(toml::to_string(&resolved).expect("a table"), written);
        let (_, spans) = trail.into_parts();
        assert_eq!(
            spans.get("b.c").map(|span| &source.text()[span.clone()]),
            Some("\"2M\"")
        );
    }

    #[test]
    fn all_problems_come_in_the_order_of_the_file() {
        let complaint = complaint("bb = 1\nc = -1\na = 5\n", |s| {
            s.required("a", unit::<Micros>());
            s.optional("b", text());
            s.optional("c", positive());
            s.required("d", one_of(&[("x", 1)]))
        });
        let starts = [
            "t:1:1: the file needs `d`",
            "t:1:1: unknown key `bb`",
            "t:2:5: `c` must be above 0 (is -1)",
            "t:3:5: expected a duration for `a`, found the integer `5`",
        ];
        let lines: Vec<&str> = complaint.lines().collect();
        assert_eq!(lines.len(), starts.len(), "{complaint}");
        for (line, start) in lines.iter().zip(starts) {
            assert!(line.starts_with(start), "{line}");
        }
    }

    #[test]
    fn a_choice_is_exactly_one_key() {
        let read = |toml: &str| {
            complaint(toml, |s| {
                s.required_table("pick", |s| {
                    let tag = s.tag(&["left", "right"])?;
                    s.optional_table(tag, |_| Some(()))
                })
            })
        };
        assert_eq!(read("pick = \"left\""), "none");
        assert_eq!(read("pick.right = {}"), "none");
        assert!(read("pick = {}").contains("`pick` chooses nothing"));
        assert!(read("pick = { left = {}, right = {} }").contains("cannot be both"));
        assert!(read("pick.lefft = {}").contains("did you mean `left`?"));
        assert!(read("pick = 3").contains("expected a table for `pick`"));
    }

    #[test]
    fn bytes_that_are_not_text_are_placed() {
        let error = Source::from_bytes("t", b"a = 1\nb = \"\xff\"\n").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("t:2:6: the file is not UTF-8 text (byte 0xff)")
        );
        let error = Source::from_bytes("t", &vec![b' '; 65 * 1024 * 1024]).unwrap_err();
        assert!(error.to_string().contains("65 MiB, at most 64"));
    }
}
