//! A figure and where it comes from.

use std::cell::RefCell;

use crate::config::{Kind, Node, Problem, Section, Table, Value, nearest, one_of, text};
use crate::domain::{Fact, FactStatus};

/// One figure of a profile, as it is printed and kept with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its place in the file, such as `quota.geo.tpm`.
    pub what: String,
    /// The value as the file writes it.
    pub value: String,
    /// Where it comes from and how sure it is.
    pub fact: Fact,
    /// The Service Quotas code, where it is a quota.
    pub code: Option<String>,
}

/// The words for [`FactStatus`] in files.
pub(super) const STATUS: &[(&str, FactStatus)] = &[
    ("documented", FactStatus::Documented),
    ("third-party", FactStatus::ThirdParty),
    ("derived", FactStatus::Derived),
    ("assumed", FactStatus::Assumed),
];

/// A calendar day, `"2026-11-22"`.
pub(super) struct Date;

impl Kind for Date {
    type Output = String;

    fn expected(&self) -> String {
        "a date".to_owned()
    }

    fn read(&self, key: &str, node: &Node) -> Result<String, Vec<Problem>> {
        let written = match &node.value {
            Value::Text(text) => text.clone(),
            Value::Datetime(date) => date.to_string(),
            _ => String::new(),
        };
        if is_date(&written) {
            return Ok(written);
        }
        let problem = Problem::new(
            node.span.clone(),
            format!("`{key}` is not a date: {}", node.value.found()),
        );
        let help = "write year, month and day like `\"2026-11-22\"`";
        Err(vec![problem.label("not a day of the calendar").help(help)])
    }
}

/// Whether `text` is a day of the Gregorian calendar as `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let number = |part: &str, digits: usize| {
        let plain = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse::<u32>().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Reads figures with their sources, and keeps a list of them.
pub(super) struct Figures {
    /// `None` if the table of sources is itself wrong, which is reported once.
    sources: Option<Vec<(String, Fact)>>,
    /// The file, which speaks for figures that name no source.
    file: String,
    list: RefCell<Vec<Figure>>,
}

impl Figures {
    /// Reads the table `[sources]`.
    pub(super) fn new(s: &mut Section<'_>, file: &str) -> Self {
        let sources = s.table("sources", |s| {
            s.named_tables(|_, s| {
                let source = s.required("text", text());
                let as_of = s.required("as_of", Date);
                Some(Fact {
                    source: source?,
                    as_of: as_of?,
                    status: FactStatus::Documented,
                })
            })
        });
        Self {
            sources,
            file: file.to_owned(),
            list: RefCell::default(),
        }
    }

    /// The figures that were read, in the order of the reading.
    pub(super) fn into_list(self) -> Vec<Figure> {
        self.list.into_inner()
    }

    /// A figure that must be there.
    pub(super) fn required<K: Kind>(
        &self,
        s: &mut Section<'_>,
        key: &str,
        kind: K,
    ) -> Option<(K::Output, Fact)> {
        let path = s.path().to_owned();
        let cited = s.required(key, Cited { kind, from: self })?;
        Some(self.keep(&path, key, cited))
    }

    /// A figure that may be absent.
    pub(super) fn optional<K: Kind>(
        &self,
        s: &mut Section<'_>,
        key: &str,
        kind: K,
    ) -> Option<(K::Output, Fact)> {
        let path = s.path().to_owned();
        let cited = s.optional(key, Cited { kind, from: self })?;
        Some(self.keep(&path, key, cited))
    }

    /// Adds a figure that was read by other means.
    pub(super) fn push(&self, what: String, value: String, fact: Fact) {
        self.list.borrow_mut().push(Figure {
            what,
            value,
            fact,
            code: None,
        });
    }

    /// The keys `source` and `status` of a table whose figures share them.
    pub(super) fn shared(&self, s: &mut Section<'_>) -> Option<Fact> {
        let status = s.optional("status", one_of(STATUS)).unwrap_or_default();
        let fact = s.optional("source", SourceName(self));
        if !s.has("source") {
            return Some(self.own(status));
        }
        Some(Fact { status, ..fact? })
    }

    /// What a figure without a source rests on: the file itself.
    fn own(&self, status: FactStatus) -> Fact {
        Fact {
            source: self.file.clone(),
            as_of: "undated".to_owned(),
            status,
        }
    }

    fn keep<T>(&self, path: &str, key: &str, cited: CitedValue<T>) -> (T, Fact) {
        let what = if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        };
        self.list.borrow_mut().push(Figure {
            what,
            value: cited.written,
            fact: cited.fact.clone(),
            code: cited.code,
        });
        (cited.value, cited.fact)
    }
}

/// The name of an entry of `[sources]`.
struct SourceName<'f>(&'f Figures);

impl Kind for SourceName<'_> {
    type Output = Fact;

    fn expected(&self) -> String {
        "the name of a source".to_owned()
    }

    fn read(&self, key: &str, node: &Node) -> Result<Fact, Vec<Problem>> {
        let name = text().read(key, node)?;
        let Some(sources) = &self.0.sources else {
            return Ok(Fact::default());
        };
        if let Some((_, fact)) = sources.iter().find(|(known, _)| *known == name) {
            return Ok(fact.clone());
        }
        let known: Vec<&str> = sources.iter().map(|(name, _)| name.as_str()).collect();
        let list = match known.as_slice() {
            [] => "add a table `[sources]` with it".to_owned(),
            known => format!("sources of this file: `{}`", known.join("`, `")),
        };
        let help = match nearest(&name, &known) {
            Some(known) => format!("did you mean `{known}`? {list}"),
            None => list,
        };
        let message = format!("`{key}` names no source of this file");
        let problem = Problem::new(node.span.clone(), message);
        Err(vec![problem.label("unknown source").help(help)])
    }
}

/// A value of `kind`, bare or as `{ value, source, status, code }`.
struct Cited<'f, K> {
    kind: K,
    from: &'f Figures,
}

struct CitedValue<T> {
    value: T,
    written: String,
    fact: Fact,
    code: Option<String>,
}

const CITED_KEYS: [&str; 4] = ["value", "source", "status", "code"];

impl<K: Kind> Kind for Cited<'_, K> {
    type Output = CitedValue<K::Output>;

    fn expected(&self) -> String {
        self.kind.expected()
    }

    fn read(&self, key: &str, node: &Node) -> Result<Self::Output, Vec<Problem>> {
        let Value::Table(table) = &node.value else {
            return Ok(CitedValue {
                value: self.kind.read(key, node)?,
                written: written(node),
                fact: self.from.own(FactStatus::default()),
                code: None,
            });
        };
        let mut problems = unknown_keys(table);
        let mut note = |more: Vec<Problem>| problems.extend(more);
        let value = if let Some(entry) = table.get("value") {
            self.kind.read(key, &entry.node).map_err(&mut note).ok()
        } else {
            let message = format!("`{key}` needs `value`");
            let help = format!("add `value`, {}", self.kind.expected());
            note(vec![Problem::new(node.span.clone(), message).help(help)]);
            None
        };
        let fact = match table.get("source") {
            Some(entry) => SourceName(self.from).read("source", &entry.node),
            None => Ok(self.from.own(FactStatus::default())),
        };
        let fact = fact.map_err(&mut note).ok();
        let status = match table.get("status") {
            Some(entry) => one_of(STATUS).read("status", &entry.node),
            None => Ok(FactStatus::default()),
        };
        let status = status.map_err(&mut note).ok();
        let code = table
            .get("code")
            .map(|entry| text().read("code", &entry.node))
            .transpose();
        let code = code.map_err(&mut note).ok();
        match (value, fact, status, code) {
            (Some(value), Some(fact), Some(status), Some(code)) if problems.is_empty() => {
                Ok(CitedValue {
                    value,
                    written: table
                        .get("value")
                        .map_or_else(String::new, |entry| written(&entry.node)),
                    fact: Fact { status, ..fact },
                    code,
                })
            }
            _ => Err(problems),
        }
    }
}

fn unknown_keys(table: &Table) -> Vec<Problem> {
    let unknown = |key: &str| !CITED_KEYS.contains(&key);
    table
        .entries
        .iter()
        .filter(|entry| unknown(&entry.key))
        .map(|entry| {
            let list = format!("known keys: `{}`", CITED_KEYS.join("`, `"));
            let help = match nearest(&entry.key, &CITED_KEYS) {
                Some(key) => format!("did you mean `{key}`? {list}"),
                None => list,
            };
            let message = format!("unknown key `{}`", entry.key.escape_debug());
            Problem::new(entry.key_span.clone(), message)
                .label("not a key of a figure")
                .help(help)
        })
        .collect()
}

/// The value as a user would write it, without quotes.
fn written(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.clone(),
        Value::Array(nodes) => nodes.iter().map(written).collect::<Vec<_>>().join(", "),
        other => other.to_toml().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_date;

    #[test]
    fn dates_are_days_of_the_calendar() {
        for good in ["2026-11-22", "2024-02-29", "2000-02-29"] {
            assert!(is_date(good), "{good}");
        }
        for bad in [
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-04-31",
            "2026-1-1",
            "22-11-2026",
            "2026-00-10",
            "2026-10-00",
            "",
            "2026-11-22T10:00:00Z",
            "+026-11-22",
        ] {
            assert!(!is_date(bad), "{bad}");
        }
    }
}
