//! The file formats of recorded requests, by name and by sight.

use std::io::Read;

use flate2::bufread::MultiGzDecoder;

use super::gzip::MAGIC;

/// The file formats of recorded requests. Each may be packed with gzip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFormat {
    /// Bedload's own, `bedload.trace/1`.
    Bedload,
    /// CSV of the Azure LLM inference traces.
    Azure,
    /// JSON lines of the Mooncake traces. Their time stamps are quantised to 3 seconds; rows with
    /// the same stamp are spread evenly over that time, in file order.
    Mooncake,
    /// `attempts.jsonl` of an earlier run.
    Attempts,
    /// Model invocation logs of Bedrock, JSON lines. Stamps in whole seconds are spread evenly over their second.
    BedrockLog,
    /// CSV of the `BurstGPT` traces.
    BurstGpt,
    /// A `ServeGen` client pool, of which requests are drawn.
    ServeGen,
    /// CSV of agent sessions, each call with the part of its prompt that stood before.
    AgentSessions,
    /// CSV with a header, its columns named by the user.
    Csv,
    /// JSON lines, their fields named by the user.
    Jsonl,
    /// Parquet, its columns named by the user.
    Parquet,
}

/// What is looked at of a file to tell its format.
const HEAD: u64 = 1 << 16;

impl TraceFormat {
    /// The names in scenarios and on the command line.
    pub const NAMES: [(&'static str, Self); 11] = [
        ("bedload", Self::Bedload),
        ("azure", Self::Azure),
        ("mooncake", Self::Mooncake),
        ("attempts", Self::Attempts),
        ("bedrock-log", Self::BedrockLog),
        ("burstgpt", Self::BurstGpt),
        ("servegen", Self::ServeGen),
        ("agent-sessions", Self::AgentSessions),
        ("csv", Self::Csv),
        ("jsonl", Self::Jsonl),
        ("parquet", Self::Parquet),
    ];

    /// The format's name.
    pub fn name(self) -> &'static str {
        let named = Self::NAMES.iter().find(|(_, format)| *format == self);
        named.map_or("", |(name, _)| name)
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Self> {
        let named = Self::NAMES.iter().find(|(known, _)| *known == name);
        named.map(|(_, format)| *format)
    }

    /// The format of a file by its name and its first bytes, packed or not. `None` if it looks like none.
    pub fn detect(name: &str, first: &[u8]) -> Option<Self> {
        let mut unpacked = Vec::new();
        let first = if first.starts_with(&MAGIC) {
            // What can be unpacked of a piece of a file is enough.
            let _ = MultiGzDecoder::new(first)
                .take(HEAD)
                .read_to_end(&mut unpacked);
            &unpacked
        } else {
            first
        };
        let text = String::from_utf8_lossy(&first[..first.len().min(HEAD as usize)]);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        Self::of_text(text).or_else(|| Self::of_name(name, text))
    }

    /// Whether the user names its columns.
    pub fn has_named_columns(self) -> bool {
        matches!(self, Self::Csv | Self::Jsonl | Self::Parquet)
    }

    fn of_text(text: &str) -> Option<Self> {
        if text.starts_with("# bedload.trace/") {
            return Some(Self::Bedload);
        }
        if text.starts_with("PAR1") {
            return Some(Self::Parquet);
        }
        let line = text.lines().next().unwrap_or_default();
        if line.starts_with('{') || text.starts_with("20") {
            let has = |word: &str| line.contains(word) || text.contains(word);
            if has("ModelInvocationLog") || (has("modelId") && has("requestId")) {
                return Some(Self::BedrockLog);
            }
            if has("\"scheduled_us\"") {
                return Some(Self::Attempts);
            }
            if has("\"hash_ids\"") {
                return Some(Self::Mooncake);
            }
            return None;
        }
        let has = |words: &[&str]| words.iter().all(|word| line.contains(word));
        let headers = [
            (Self::Azure, &["ContextTokens", "GeneratedTokens"][..]),
            (
                Self::BurstGpt,
                &["Timestamp", "Request tokens", "Response tokens"],
            ),
            (Self::ServeGen, &["client,t_s,rate_rps"]),
            (
                Self::AgentSessions,
                &["agent", "t_s", "reused_prefix_tokens"],
            ),
            (
                Self::AgentSessions,
                &["session", "received_ms", "cached_tokens"],
            ),
        ];
        let known = headers.into_iter().find(|(_, words)| has(words));
        known.map(|(format, _)| format)
    }

    fn of_name(name: &str, text: &str) -> Option<Self> {
        if name.contains("BedrockModelInvocationLogs") {
            return Some(Self::BedrockLog);
        }
        let name = name.to_ascii_lowercase();
        let stem = name.strip_suffix(".gz").unwrap_or(&name);
        match stem.rsplit_once('.') {
            Some((_, "csv")) => Some(Self::Csv),
            Some((_, "parquet")) => Some(Self::Parquet),
            Some((_, "jsonl" | "ndjson" | "json")) if text.starts_with('{') => Some(Self::Jsonl),
            _ => None,
        }
    }
}
