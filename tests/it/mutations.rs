//! The seeds of the fuzz targets and thousands of mutations of them through the same entry
//! points, so that every test run does a little fuzzing without nightly Rust.

use bedload::config::Source;
use bedload::load::trace::{Columns, TimeUnit, TraceFormat, read_recording};
use bedload::scenario::{Files, read};
use bedload::wire::frame::{EventType, FrameReader, event};
use bedload::wire::request::{
    ModelOperation, Route, TokenRatio, apply_guardrail, converse, count_tokens, invoke, tokens_of,
};
use http::HeaderMap;
use proptest::prelude::*;
use std::path::Path;

/// Every file that a scenario names is a small trace, or the recording.
struct Small;

impl Files for Small {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        let bytes: &[u8] = if path == "recording.toml" {
            include_bytes!("../../fuzz/seeds/trace/recording.toml")
        } else {
            include_bytes!("../../fuzz/seeds/trace/azure.csv")
        };
        Ok(bytes.to_vec())
    }
}

/// Reads `bytes` as a scenario and draws the complaint; the answer is whether it was accepted.
fn scenario(bytes: &[u8]) -> bool {
    let read = Source::from_bytes("seed.toml", bytes).and_then(|s| read(&s, &[], &Small));
    if let Err(error) = &read {
        assert!(!error.to_string().is_empty());
        assert!(!error.render(80, false).is_empty());
    }
    read.is_ok()
}

/// Reads `bytes` as recorded traffic of every format; the answer is whether one accepted it.
fn trace(bytes: &[u8]) -> bool {
    let columns = Columns {
        at: "at".to_owned(),
        at_unit: TimeUnit::Millis,
        input: "input".to_owned(),
        output: "output".to_owned(),
        session: Some("session".to_owned()),
    };
    let formats = [
        TraceFormat::Bedload,
        TraceFormat::Azure,
        TraceFormat::Mooncake,
        TraceFormat::Attempts,
        TraceFormat::Csv,
        TraceFormat::Jsonl,
    ];
    let mut accepted = false;
    for format in formats {
        match bedload::load::trace::read(format, Some(&columns), bytes) {
            Ok(_) => accepted = true,
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        accepted |= read_recording(text).is_ok();
    }
    accepted
}

/// Reads `bytes` as a request: a line of method and path, then the body.
fn request(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|&byte| byte == b'\n');
    let end = end.unwrap_or(bytes.len());
    let line = String::from_utf8_lossy(&bytes[..end]);
    let body = bytes.get(end + 1..).unwrap_or_default();
    let (method, path) = line.split_once(' ').unwrap_or((&line, ""));
    let read = match Route::of(method, path) {
        Ok(Route::Model { id, operation }) => match operation {
            ModelOperation::Converse | ModelOperation::ConverseStream => converse(&id, body),
            ModelOperation::CountTokens => count_tokens(&id, body),
            ModelOperation::InvokeModel | ModelOperation::InvokeModelWithResponseStream => {
                invoke(&id, &HeaderMap::new(), body)
            }
        }
        .map(|call| assert!(tokens_of(&call.prompt, TokenRatio::FOUR).rest.0 > 0)),
        Ok(Route::ApplyGuardrail { .. }) => apply_guardrail(body).map(drop),
        Ok(_) => Ok(()),
        Err(_) => return false,
    };
    if let Err(refused) = &read {
        assert!(!refused.message.is_empty());
    }
    read.is_ok()
}

/// Reads `bytes` as an event stream that comes in pieces of the size that the first byte says; the
/// answer is whether no frame of it was broken.
fn event_stream(bytes: &[u8]) -> bool {
    let Some((&cut, stream)) = bytes.split_first() else {
        return false;
    };
    // Whatever the bytes are, as a payload they come back.
    let mut written = Vec::new();
    event(EventType::Chunk, stream, &mut written);
    let mut reader = FrameReader::new();
    reader.push(&written);
    let frame = reader.next_frame().expect("a written frame is sound");
    assert_eq!(frame.expect("a written frame is whole").payload(), stream);
    let mut reader = FrameReader::new();
    for piece in stream.chunks(usize::from(cut).max(1)) {
        reader.push(piece);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => drop(frame.header(":event-type").map(str::len)),
                Ok(None) => break,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    return false;
                }
            }
        }
    }
    true
}

fn seeds(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("seeds are part of the project")
        .map(|entry| entry.expect("its entries can be listed").path())
        .collect();
    paths.sort();
    let read = |path| std::fs::read(path).expect("a seed can be read");
    paths.iter().map(read).collect()
}

/// A generator for mutations: Weyl sequence through the finaliser of `SplitMix64`.
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}

/// What breaks readers more often than random bytes do.
const SPITEFUL: [&str; 24] = [
    "",
    "0",
    "-1",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "9223372036854775807",
    "99999999999999999999",
    "\"\"",
    "{}",
    "[]",
    "[[]]",
    "\"unset\"",
    "\"none\"",
    "\"0s\"",
    "\"-5s\"",
    "\"1e9/s\"",
    "true",
    "\u{feff}",
    "é",
    "\"\\u0000\"",
    "1979-05-27",
    "\n[[variant]]\n",
];

fn mutate(seed: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=draws.below(3) {
        let at = draws.below(bytes.len() + 1);
        let end = (at + draws.below(12)).min(bytes.len());
        match draws.below(5) {
            0 => {
                bytes.drain(at..end);
            }
            1 => bytes.insert(at, draws.below(256) as u8),
            2 => {
                let piece = bytes[at..end].to_vec();
                let to = draws.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            3 => {
                // A value after an equals sign gives way to a spiteful one.
                let text = SPITEFUL[draws.below(SPITEFUL.len())].as_bytes();
                let from = bytes[at..]
                    .iter()
                    .position(|&byte| byte == b'=' || byte == b',');
                let from = from.map_or(at, |i| at + i + 1);
                let stops = [b'\n', b',', b'}', b']'];
                let to = bytes[from..].iter().position(|byte| stops.contains(byte));
                let to = to.map_or(bytes.len(), |i| from + i);
                bytes.splice(from..to, text.iter().copied());
            }
            _ => {
                let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
                let (a, b) = (draws.below(lines.len()), draws.below(lines.len()));
                let mut lines = lines.clone();
                lines.swap(a, b);
                bytes = lines.join(&b'\n');
            }
        }
    }
    bytes
}

fn check(folder: &str, rounds: usize, read: fn(&[u8]) -> bool) {
    let seeds = seeds(folder);
    assert!(!seeds.is_empty());
    let mut draws = Draws(7);
    let (mut accepted, mut refused) = (0, 0);
    for seed in &seeds {
        assert!(read(seed), "{}", String::from_utf8_lossy(seed));
        for _ in 0..rounds / seeds.len() {
            if read(&mutate(seed, &mut draws)) {
                accepted += 1;
            } else {
                refused += 1;
            }
        }
    }
    // Mutations that all fail, or all pass, would test little.
    assert!(accepted > rounds / 100, "{accepted} accepted");
    assert!(refused > rounds / 100, "{refused} refused");
}

#[test]
fn mutated_scenarios_never_panic() {
    check("scenario", 4000, scenario);
}

#[test]
fn mutated_traces_never_panic() {
    check("trace", 4000, trace);
}

#[test]
fn mutated_requests_never_panic() {
    check("request", 8000, request);
}

#[test]
fn mutated_event_streams_never_panic() {
    check("eventstream", 4000, event_stream);
}

#[test]
fn deep_nesting_is_refused() {
    let keys = "a.".repeat(78) + "a";
    let nested = format!("{keys} = {{ ").repeat(70);
    scenario(nested.as_bytes());
    let closed = format!("{nested}{}", "}".repeat(70));
    scenario(closed.as_bytes());
    scenario("[".repeat(100_000).as_bytes());
    scenario(format!("a = {}", "[".repeat(100_000)).as_bytes());
    let mixture = "{ mixture = [{ weight = 1, input = ".repeat(70);
    scenario(format!("tokens = {mixture}").as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        scenario(&bytes);
        trace(&bytes);
        request(&bytes);
        event_stream(&bytes);
    }

    #[test]
    fn any_override_is_read_or_refused(set in "[a-z.\\[\\]0-9=\" {}-]{0,40}", value in ".{0,10}") {
        let source = Source::new("s.toml", include_str!("../../fuzz/seeds/scenario/everything.toml"));
        let sets = [set.clone(), format!("{set}={value}")];
        if let Err(error) = read(&source, &sets, &Small) {
            error.render(80, false);
        }
    }
}
