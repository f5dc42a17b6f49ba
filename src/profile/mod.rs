//! What the simulator knows of models, prices and latencies: dated files and their catalogue.
//!
//! The files of the project's folder `profiles/` are built in. A file of one's own with the
//! same name takes the place of a built-in one; with `base = "NAME"` it changes only the
//! keys that it holds.

mod builtin;
mod figure;
mod guardrails;
mod latency;
mod model;
mod prices;

pub use figure::Figure;
pub use latency::{Holdout, LatencyNote};

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use thiserror::Error;

use crate::config::{
    self, ConfigError, MergeRules, Node, Problem, Problems, Section, Source, Span, Trail, Value,
    nearest,
};
use crate::domain::{FactStatus, GuardrailQuotas, LatencyProfile, ModelProfile, PriceBook};

/// The kinds of profile files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProfileKind {
    /// A model: identifiers, limits, quotas, offers.
    Model,
    /// A price book.
    Prices,
    /// A latency profile.
    Latency,
    /// Quotas of guardrails.
    Guardrails,
}

impl ProfileKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Model, Self::Prices, Self::Latency, Self::Guardrails];

    /// The folder of the kind below `profiles/`.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Prices => "prices",
            Self::Latency => "latency",
            Self::Guardrails => "guardrails",
        }
    }
}

impl fmt::Display for ProfileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "model",
            Self::Prices => "price book",
            Self::Latency => "latency profile",
            Self::Guardrails => "file of guardrail quotas",
        })
    }
}

/// No profile of that name is known.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no {kind} is named `{name}`")]
pub struct UnknownProfile {
    /// What was looked for.
    pub kind: ProfileKind,
    /// The name that was asked for.
    pub name: String,
    /// The known name that it most resembles.
    pub nearest: Option<String>,
    /// All known names, sorted.
    pub known: Vec<String>,
}

impl UnknownProfile {
    /// How to mend it, for the `help` line of a message.
    pub fn help(&self) -> String {
        let list = format!("known: `{}`", self.known.join("`, `"));
        match &self.nearest {
            Some(name) => format!("did you mean `{name}`? {list}"),
            None => list,
        }
    }
}

/// A profile with where it comes from.
#[derive(Clone, Debug)]
struct Stored<T> {
    value: T,
    /// The file's name as messages show it.
    file: String,
    /// SHA-256 of its text, in hexadecimal.
    hash: String,
    figures: Vec<Figure>,
    /// The whole table, `base` merged in, for files that build on this one.
    table: toml::Value,
}

/// A latency profile with the notes on its parts.
#[derive(Clone, Debug)]
struct StoredLatency {
    profile: LatencyProfile,
    notes: Vec<LatencyNote>,
}

/// All profiles by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    models: BTreeMap<String, Stored<ModelProfile>>,
    prices: BTreeMap<String, Stored<PriceBook>>,
    latencies: BTreeMap<String, Stored<StoredLatency>>,
    guardrails: BTreeMap<String, Stored<GuardrailQuotas>>,
}

impl Catalogue {
    /// The profiles that are built into the program.
    ///
    /// # Panics
    /// If a built-in file is invalid, which a test rules out.
    pub fn builtin() -> Self {
        let mut catalogue = Self::default();
        let files = builtin::FILES
            .iter()
            .map(|&(kind, path, text)| (kind, Source::new(path, text)));
        catalogue
            .add_all(files)
            .expect("a test reads every built-in file");
        catalogue
    }

    /// The built-in profiles and over them `sources`, each named by the stem of its file.
    ///
    /// # Errors
    /// One error per file that cannot be used.
    pub fn load(
        sources: impl IntoIterator<Item = (ProfileKind, Source)>,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut catalogue = Self::builtin();
        catalogue.add_all(sources)?;
        Ok(catalogue)
    }

    fn add_all(
        &mut self,
        sources: impl IntoIterator<Item = (ProfileKind, Source)>,
    ) -> Result<(), Vec<ConfigError>> {
        let mut errors = Vec::new();
        let mut latencies_of = Vec::new();
        for (kind, source) in sources {
            match self.add(kind, &source) {
                Ok(Some((latency, span))) => latencies_of.push((source, latency, span)),
                Ok(None) => {}
                Err(error) => errors.push(error),
            }
        }
        // Only now, because the latency profile may come after the model.
        for (source, latency, span) in latencies_of {
            if let Err(unknown) = self.latency(&latency) {
                let problem = Problem::new(span, unknown.to_string()).label("not a known name");
                let problem = problem.help(unknown.help());
                errors.push(Problems::from(problem).into_error(&source));
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    /// Reads one file; gives the name and place of the latency profile that a model asks for.
    fn add(
        &mut self,
        kind: ProfileKind,
        source: &Source,
    ) -> Result<Option<(String, Span)>, ConfigError> {
        let name = stem(source.name()).to_owned();
        let root = self.with_base(kind, source)?;
        match kind {
            ProfileKind::Model => {
                let file = read(source, &root, |s| model::read(&name, source.name(), s))?;
                let latency = (file.profile.latency.clone(), file.latency_span);
                let stored = Stored::new(source, &root, file.profile, file.figures);
                self.models.insert(name, stored);
                return Ok(Some(latency));
            }
            ProfileKind::Prices => {
                let (book, figures) =
                    read(source, &root, |s| prices::read(&name, source.name(), s))?;
                let stored = Stored::new(source, &root, book, figures);
                self.prices.insert(name, stored);
            }
            ProfileKind::Guardrails => {
                let (quotas, figures) =
                    read(source, &root, |s| guardrails::read(&name, source.name(), s))?;
                let stored = Stored::new(source, &root, quotas, figures);
                self.guardrails.insert(name, stored);
            }
            ProfileKind::Latency => {
                let file = read(source, &root, |s| latency::read(&name, s))?;
                let latency = StoredLatency {
                    profile: file.profile,
                    notes: file.notes,
                };
                let stored = Stored::new(source, &root, latency, file.figures);
                self.latencies.insert(name, stored);
            }
        }
        Ok(None)
    }

    /// The root table of `source`, laid over the profile that its key `base` names.
    fn with_base(&self, kind: ProfileKind, source: &Source) -> Result<Node, ConfigError> {
        let mut root = config::parse(source).map_err(|problems| problems.into_error(source))?;
        let Value::Table(table) = &mut root.value else {
            return Ok(root);
        };
        let Some(base) = table.remove("base") else {
            return Ok(root);
        };
        let fail = |message: String, label: &str, help: String| {
            let problem = Problem::new(base.node.span.clone(), message);
            Problems::from(problem.label(label).help(help)).into_error(source)
        };
        let Value::Text(name) = &base.node.value else {
            let message = format!(
                "expected a name for `base`, found {}",
                base.node.value.found()
            );
            return Err(fail(
                message,
                base.node.value.kind(),
                format!("name a {kind}"),
            ));
        };
        let below = match kind {
            ProfileKind::Model => find(kind, &self.models, name).map(|stored| &stored.table),
            ProfileKind::Prices => find(kind, &self.prices, name).map(|stored| &stored.table),
            ProfileKind::Latency => find(kind, &self.latencies, name).map(|stored| &stored.table),
            ProfileKind::Guardrails => {
                find(kind, &self.guardrails, name).map(|stored| &stored.table)
            }
        };
        let below = below
            .map_err(|unknown| fail(unknown.to_string(), "not a known name", unknown.help()))?;
        // What comes from the base is shown at the line that names it.
        let mut merged = Node::from_toml(below.clone(), &base.node.span);
        if let Value::Table(below) = &mut merged.value {
            let problems = Problems::default();
            config::merge(below, table, RULES, &problems);
            if !problems.is_empty() {
                return Err(problems.into_error(source));
            }
        }
        Ok(merged)
    }

    /// The model of that name.
    ///
    /// # Errors
    /// [`UnknownProfile`] with the nearest name.
    pub fn model(&self, name: &str) -> Result<&ModelProfile, UnknownProfile> {
        find(ProfileKind::Model, &self.models, name).map(|stored| &stored.value)
    }

    /// The price book of that name, such as `2026-11-22`.
    ///
    /// # Errors
    /// [`UnknownProfile`] with the nearest name.
    pub fn prices(&self, name: &str) -> Result<&PriceBook, UnknownProfile> {
        find(ProfileKind::Prices, &self.prices, name).map(|stored| &stored.value)
    }

    /// The price book with the latest date; of several, the last by name.
    pub fn latest_prices(&self) -> Option<&PriceBook> {
        let books = self.prices.values().map(|stored| &stored.value);
        books.max_by(|a, b| a.as_of.cmp(&b.as_of))
    }

    /// The quotas of guardrails of that name.
    ///
    /// # Errors
    /// [`UnknownProfile`] with the nearest name.
    pub fn guardrails(&self, name: &str) -> Result<&GuardrailQuotas, UnknownProfile> {
        find(ProfileKind::Guardrails, &self.guardrails, name).map(|stored| &stored.value)
    }

    /// The quotas of guardrails with the latest date; of several, the last by name.
    pub fn latest_guardrails(&self) -> Option<&GuardrailQuotas> {
        let files = self.guardrails.values().map(|stored| &stored.value);
        files.max_by(|a, b| a.as_of.cmp(&b.as_of))
    }

    /// The latency profile of that name.
    ///
    /// # Errors
    /// [`UnknownProfile`] with the nearest name.
    pub fn latency(&self, name: &str) -> Result<&LatencyProfile, UnknownProfile> {
        find(ProfileKind::Latency, &self.latencies, name).map(|stored| &stored.value.profile)
    }

    /// How the parts of a latency profile came about.
    pub fn latency_notes(&self, name: &str) -> &[LatencyNote] {
        self.latencies
            .get(name)
            .map_or(&[], |stored| &stored.value.notes)
    }

    /// The names of a kind, sorted.
    pub fn names(&self, kind: ProfileKind) -> Vec<&str> {
        match kind {
            ProfileKind::Model => self.models.keys().map(String::as_str).collect(),
            ProfileKind::Prices => self.prices.keys().map(String::as_str).collect(),
            ProfileKind::Latency => self.latencies.keys().map(String::as_str).collect(),
            ProfileKind::Guardrails => self.guardrails.keys().map(String::as_str).collect(),
        }
    }

    /// SHA-256 of the text of a profile's file, in hexadecimal.
    pub fn hash_of(&self, kind: ProfileKind, name: &str) -> Option<&str> {
        self.about(kind, name).map(|(_, hash, _)| hash)
    }

    /// The file of a profile, as messages show it.
    pub fn file_of(&self, kind: ProfileKind, name: &str) -> Option<&str> {
        self.about(kind, name).map(|(file, _, _)| file)
    }

    /// The figures of a file: what, value, source, date and how sure.
    pub fn figures(&self, kind: ProfileKind, name: &str) -> &[Figure] {
        self.about(kind, name)
            .map_or(&[], |(_, _, figures)| figures)
    }

    /// All figures that a run with this model rests on: limits and quotas, its prices in
    /// `book`, its latency.
    pub fn figures_used(&self, model: &str, book: &str) -> Vec<&Figure> {
        let mut used: Vec<&Figure> = self.figures(ProfileKind::Model, model).iter().collect();
        let own = format!("model.{model}.");
        let prices = self.figures(ProfileKind::Prices, book).iter();
        used.extend(prices.filter(|figure| figure.what.starts_with(&own)));
        if let Ok(model) = self.model(model) {
            used.extend(self.figures(ProfileKind::Latency, &model.latency));
        }
        used
    }

    fn about(&self, kind: ProfileKind, name: &str) -> Option<(&str, &str, &[Figure])> {
        match kind {
            ProfileKind::Model => self.models.get(name).map(Stored::about),
            ProfileKind::Prices => self.prices.get(name).map(Stored::about),
            ProfileKind::Latency => self.latencies.get(name).map(Stored::about),
            ProfileKind::Guardrails => self.guardrails.get(name).map(Stored::about),
        }
    }
}

impl fmt::Display for FactStatus {
    /// The words of the profile files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = figure::STATUS.iter().find(|(_, status)| status == self);
        f.write_str(word.map_or("", |(word, _)| word))
    }
}

impl<T> Stored<T> {
    fn new(source: &Source, root: &Node, value: T, figures: Vec<Figure>) -> Self {
        Self {
            value,
            file: source.name().to_owned(),
            hash: sha256(source.text()),
            figures,
            table: root.value.to_toml(),
        }
    }

    fn about(&self) -> (&str, &str, &[Figure]) {
        (&self.file, &self.hash, &self.figures)
    }
}

/// A noise law is a choice of one form, so another form replaces it whole.
const RULES: MergeRules = MergeRules {
    choices: &["noise"],
    by_name: &[],
};

fn read<T>(
    source: &Source,
    root: &Node,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<T, ConfigError> {
    let trail = Trail::default();
    match Section::root(&trail, root, read) {
        Some((value, _)) if trail.problems.is_empty() => Ok(value),
        _ => Err(trail.problems.into_error(source)),
    }
}

fn find<'c, T>(
    kind: ProfileKind,
    entries: &'c BTreeMap<String, Stored<T>>,
    name: &str,
) -> Result<&'c Stored<T>, UnknownProfile> {
    entries.get(name).ok_or_else(|| {
        let known: Vec<&str> = entries.keys().map(String::as_str).collect();
        UnknownProfile {
            kind,
            name: name.to_owned(),
            nearest: nearest(name, &known).map(str::to_owned),
            known: known.into_iter().map(str::to_owned).collect(),
        }
    })
}

/// `nova-lite` of `profiles/models/nova-lite.toml`.
fn stem(path: &str) -> &str {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    file.strip_suffix(".toml").unwrap_or(file)
}

fn sha256(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests;
