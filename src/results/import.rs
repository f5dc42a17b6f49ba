//! `import.json`: what `bedload trace import` found in logs.
//!
//! The rules of `summary.json` hold: fields are only ever added, and a value that is not available is `null`,
//! never 0.

use super::error::{ReadError, expect_schema};
use crate::load::trace::{CallEnd, Place, Record};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The schema that this program writes.
pub const IMPORT_SCHEMA: &str = "bedload.import/1";

/// Values of `max_tokens` that are told apart for one model.
const MAX_TOKENS_KINDS: usize = 1000;

/// What was found in logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImportSummary {
    /// [`IMPORT_SCHEMA`].
    pub schema: String,
    /// What was read, as the command line names it.
    pub sources: Vec<String>,
    /// The format, by its name on the command line.
    pub format: String,
    /// The files behind the sources.
    pub files: ImportFiles,
    /// Calls in all, those that failed inside.
    pub calls: u64,
    /// Calls that a simulation can replay: first attempts with a prompt and an answer.
    pub replayable: u64,
    /// When the first call began, RFC 3339; `null` if the log has no dates.
    pub first: Option<String>,
    /// Seconds from the first call to the last.
    pub span_s: f64,
    /// Whether each session has a clock of its own, so that nothing is known of arrivals.
    pub session_clock: bool,
    /// Conversations and agent runs; calls without one count for themselves.
    pub sessions: u64,
    /// Callers that are told apart.
    pub clients: u64,
    /// Calls by how they ended.
    pub ends: BTreeMap<String, u64>,
    /// Calls by model, the most called first.
    pub models: Vec<ImportModel>,
    /// Calls by where they went, the most called first.
    pub places: Vec<ImportPlace>,
    /// What the log does not tell.
    pub missing: ImportMissing,
    /// What only invocation logs have; `null` for other formats.
    pub log: Option<ImportLog>,
    /// Lines that hold no call, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Lines that stood behind a later one; they were sorted.
    pub out_of_order: u64,
    /// The first bad lines with file, line and what is wrong.
    pub problems: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// The files that were written.
    pub written: Vec<String>,
    /// How fast it was. The only part that differs between equal imports, but for salted names.
    pub engine: ImportEngine,
}

/// The files behind the sources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImportFiles {
    /// Files read.
    pub read: u64,
    /// Their bytes as they lie, packed or not.
    pub bytes: u64,
    /// Files left out, by reason.
    pub ignored: BTreeMap<String, u64>,
}

/// The calls of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImportModel {
    /// Its name in the catalogue, or as the log has it; empty if the log names none.
    pub name: String,
    /// Whether the catalogue has it.
    pub known: bool,
    /// Calls.
    pub calls: u64,
    /// Calls that a simulation can replay.
    pub replayable: u64,
    /// Input tokens outside the cache.
    pub input_tokens: u64,
    /// Input tokens read from the cache.
    pub cache_read_tokens: u64,
    /// Input tokens written to the cache.
    pub cache_write_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// The `max_tokens` that most calls asked for; `null` if the log has none.
    pub max_tokens: Option<u32>,
    /// The share of calls with a known `max_tokens` that asked for just that; `null` if the log has none.
    pub max_tokens_share: Option<f64>,
}

/// The calls to a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImportPlace {
    /// The Region that was called; empty if the log does not tell.
    pub region: String,
    /// The scope of the inference profile; empty for none.
    pub scope: String,
    /// The service tier; empty if the log names none.
    pub tier: String,
    /// Calls.
    pub calls: u64,
}

/// Answered calls of which the log does not tell something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImportMissing {
    /// Without `max_tokens`.
    pub max_tokens: u64,
    /// Without latency.
    pub latency: u64,
    /// Without time to the first token.
    pub ttft: u64,
    /// Without input tokens.
    pub input_tokens: u64,
    /// Without output tokens.
    pub output_tokens: u64,
}

/// What only invocation logs have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImportLog {
    /// Calls whose request was not logged: nothing is known of `max_tokens`, cache points and sessions.
    pub without_body: u64,
    /// Bodies that lay in files of their own and were read.
    pub bodies_read: u64,
    /// Bodies in files of their own that were not there.
    pub bodies_missing: u64,
    /// Calls with cache points in their prompt.
    pub with_cache_points: u64,
    /// Calls that offer tools.
    pub with_tools: u64,
    /// Calls with a system prompt.
    pub with_system: u64,
    /// Bytes of all system prompts.
    pub system_bytes: u64,
}

impl ImportLog {
    /// Adds the counts of another part of the log.
    pub fn add(&mut self, other: &Self) {
        self.without_body += other.without_body;
        self.bodies_read += other.bodies_read;
        self.bodies_missing += other.bodies_missing;
        self.with_cache_points += other.with_cache_points;
        self.with_tools += other.with_tools;
        self.with_system += other.with_system;
        self.system_bytes += other.system_bytes;
    }
}

/// How fast an import was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImportEngine {
    /// Seconds of the wall clock.
    pub wall_s: f64,
    /// Calls per second of the wall clock.
    pub calls_per_wall_s: f64,
    /// Bytes of the files per second of the wall clock.
    pub bytes_per_wall_s: f64,
    /// Threads that read.
    pub threads: u32,
    /// Bytes of calls that were sorted in a file, because they were too many for memory.
    pub sorted_on_disk_bytes: u64,
}

impl ImportSummary {
    /// The document as pretty JSON with a line feed.
    ///
    /// # Panics
    /// Never: numbers and texts always serialise.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and texts serialise") + "\n"
    }
}

/// Reads `import.json`.
///
/// # Errors
/// Another document, or one of a newer program.
pub fn read_import(text: &str) -> Result<ImportSummary, ReadError> {
    expect_schema(text, IMPORT_SCHEMA)?;
    serde_json::from_str(text).map_err(|error| ReadError::of_json(IMPORT_SCHEMA, &error))
}

/// Counts calls as they come by, in bounded memory.
#[derive(Clone, Debug, Default)]
pub struct ImportTally {
    calls: u64,
    replayable: u64,
    last_us: u64,
    ends: BTreeMap<CallEnd, u64>,
    models: Vec<ModelTally>,
    places: Vec<u64>,
    /// Sessions are numbered in order of appearance.
    sessions: u64,
    clients: BTreeSet<u32>,
    missing: ImportMissing,
}

#[derive(Clone, Debug, Default)]
struct ModelTally {
    found: ImportModel,
    max_tokens: BTreeMap<u32, u64>,
}

impl ModelTally {
    fn add(&mut self, other: Self) {
        self.found.calls += other.found.calls;
        self.found.replayable += other.found.replayable;
        self.found.input_tokens += other.found.input_tokens;
        self.found.cache_read_tokens += other.found.cache_read_tokens;
        self.found.cache_write_tokens += other.found.cache_write_tokens;
        self.found.output_tokens += other.found.output_tokens;
        for (max, n) in other.max_tokens {
            *self.max_tokens.entry(max).or_insert(0) += n;
        }
    }
}

impl ImportTally {
    /// Counts a call.
    pub fn take(&mut self, call: &Record) {
        let replayable = call.attempt <= 1 && call.input_total() > 0 && call.output_wanted() > 0;
        self.calls += 1;
        self.replayable += u64::from(replayable);
        self.last_us = self.last_us.max(call.at.0);
        *self.ends.entry(call.end).or_insert(0) += 1;
        self.sessions = self.sessions.max(u64::from(call.session) + 1);
        self.clients.insert(call.client);
        let model = grown(&mut self.models, usize::from(call.model));
        model.found.calls += 1;
        model.found.replayable += u64::from(replayable);
        model.found.input_tokens += u64::from(call.input);
        model.found.cache_read_tokens += u64::from(call.cache_read);
        model.found.cache_write_tokens += u64::from(call.cache_write);
        model.found.output_tokens += u64::from(call.output);
        if let Some(max) = call.max_tokens {
            let kinds = &mut model.max_tokens;
            if kinds.len() < MAX_TOKENS_KINDS || kinds.contains_key(&max) {
                *kinds.entry(max).or_insert(0) += 1;
            }
        }
        *grown(&mut self.places, usize::from(call.place)) += 1;
        if call.end == CallEnd::Answered {
            let missing = &mut self.missing;
            missing.max_tokens += u64::from(call.max_tokens.is_none());
            missing.latency += u64::from(call.latency.is_none());
            missing.ttft += u64::from(call.ttft.is_none());
            missing.input_tokens += u64::from(call.input_total() == 0);
            missing.output_tokens += u64::from(call.output == 0);
        }
    }

    /// Puts what was counted into `summary`; `is_known` says whether the catalogue has a model.
    pub fn fill(
        self,
        summary: &mut ImportSummary,
        models: &[String],
        places: &[Place],
        is_known: impl Fn(&str) -> bool,
    ) {
        summary.calls = self.calls;
        summary.replayable = self.replayable;
        summary.span_s = self.last_us as f64 / 1e6;
        summary.sessions = self.sessions;
        summary.clients = self.clients.len() as u64;
        summary.missing = self.missing;
        let ends = self.ends.iter();
        summary.ends = ends.map(|(end, n)| (end.name().to_owned(), *n)).collect();
        // Several ids may be of one model.
        let mut named: BTreeMap<&String, ModelTally> = BTreeMap::new();
        for (name, tally) in models.iter().zip(self.models) {
            named.entry(name).or_default().add(tally);
        }
        summary.models = named
            .into_iter()
            .filter(|(_, tally)| tally.found.calls > 0)
            .map(|(name, tally)| {
                let all: u64 = tally.max_tokens.values().sum();
                let most = tally.max_tokens.iter().max_by_key(|(_, n)| **n);
                ImportModel {
                    name: name.clone(),
                    known: is_known(name),
                    max_tokens: most.map(|(max, _)| *max),
                    max_tokens_share: most.map(|(_, n)| *n as f64 / all as f64),
                    ..tally.found
                }
            })
            .collect();
        let by_calls = |a: &ImportModel, b: &ImportModel| {
            b.calls.cmp(&a.calls).then_with(|| a.name.cmp(&b.name))
        };
        summary.models.sort_by(by_calls);
        let calls = self.places.iter().zip(places);
        let mut went: Vec<ImportPlace> = calls
            .filter(|(calls, _)| **calls > 0)
            .map(|(calls, place)| ImportPlace {
                region: place.region.clone(),
                scope: place.scope.clone(),
                tier: place.tier.clone(),
                calls: *calls,
            })
            .collect();
        went.sort_by(|a, b| {
            let names = |place: &ImportPlace| {
                (
                    place.region.clone(),
                    place.scope.clone(),
                    place.tier.clone(),
                )
            };
            b.calls.cmp(&a.calls).then_with(|| names(a).cmp(&names(b)))
        });
        summary.places = went;
    }
}

/// The value at an index, with room made for it.
fn grown<T: Clone + Default>(values: &mut Vec<T>, index: usize) -> &mut T {
    if values.len() <= index {
        values.resize(index + 1, T::default());
    }
    &mut values[index]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::IMPORT_JSON_SCHEMA;

    /// The schema as the types and their docs have it, kept in `import.schema.json`.
    ///
    /// `BEDLOAD_UPDATE=1 cargo test --lib import_schema` writes it anew.
    #[test]
    fn the_import_schema_is_that_of_the_types() {
        let schema = schemars::schema_for!(ImportSummary);
        let mut text = serde_json::to_string_pretty(&schema).unwrap();
        text.push('\n');
        if std::env::var_os("BEDLOAD_UPDATE").is_some() {
            let file = concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/src/results/import.schema.json"
            );
            std::fs::write(file, &text).unwrap();
            return;
        }
        assert!(
            text == IMPORT_JSON_SCHEMA,
            "write it anew: BEDLOAD_UPDATE=1 cargo test --lib import_schema"
        );
    }
}
