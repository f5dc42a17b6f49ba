//! The program as its users start it: exit codes, streams, files.

use crate::running::{assert_valid, gallery};
use bedload::report::check::SCHEMA as CHECK_SCHEMA;
use bedload::results::{
    Manifest, SUMMARY_JSON_SCHEMA, Summary, VariantSummary, read_manifest, read_summary,
};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A small scenario: one variant within its quota and one far beyond.
const SMALL: &str = r#"
name = "small"
description = "Does it fit?"
seed = 3
duration = "2m"

[[workload]]
name = "chat"
model = "claude-haiku-4-5"
max_tokens = 1024
arrival.poisson = { rate = "5/s" }
tokens.input = { lognormal = { p50 = 900, p99 = 6000 } }
tokens.output = { lognormal = { p50 = 220, p99 = 900 } }

[slo]
throttled_share = 0.01

[[variant]]
name = "roomy"
[[variant]]
name = "tight"
quota.tpm = "50k"
"#;

/// A folder of its own in which the program is started.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A place with [`SMALL`] in `small.toml`.
    fn small() -> Self {
        let place = Self::new();
        place.write("small.toml", SMALL.as_bytes());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedload"));
        command
            .args(args)
            .current_dir(self.0.path())
            .env_remove("NO_COLOR");
        command.env_remove("COLUMNS").stdin(Stdio::null());
        command
    }

    fn bedload(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().unwrap())
    }

    /// Names of what lies in the folder.
    fn names(&self) -> Vec<String> {
        names(self.0.path())
    }

    /// The only folder below `results/runs`.
    fn run_folder(&self) -> PathBuf {
        let runs = self.path("results/runs");
        let [name] = names(&runs)
            .try_into()
            .expect("one run was stored and no draft is left");
        runs.join::<String>(name)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts the exit code, and that nobody panicked or coloured a pipe.
    fn with(self, code: i32) -> Self {
        let told = format!("stdout: {}\nstderr: {}", self.stdout, self.stderr);
        assert_eq!(self.code, Some(code), "{told}");
        assert!(!self.stderr.contains("panicked"), "{told}");
        assert!(!told.contains('\u{1b}'), "escape codes in a pipe: {told:?}");
        self
    }

    /// Asserts that nothing was said on stdout and each of `words` on stderr.
    fn says(self, words: &[&str]) -> Self {
        assert_eq!(self.stdout, "");
        for word in words {
            assert!(
                self.stderr.contains(word),
                "no `{word}` in: {}",
                self.stderr
            );
        }
        self
    }

    fn summary(&self) -> Summary {
        assert_valid(SUMMARY_JSON_SCHEMA, &self.stdout);
        read_summary(&self.stdout).unwrap()
    }
}

fn variant_names(summary: &Summary) -> Vec<&str> {
    let variants = summary.variants.iter();
    variants.map(|one| one.name.as_str()).collect()
}

fn of_workload(variant: &VariantSummary) -> &str {
    &variant.workloads[0].model
}

#[test]
fn texts_of_help() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}

#[test]
fn the_exit_code_tells_whether_a_variant_meets_its_objectives() {
    let place = Place::small();
    let met = place.bedload(&["simulate", "small.toml"]).with(0);
    assert!(met.stdout.contains("roomy") && met.stdout.contains("tight"));
    let missed = place.bedload(&["simulate", "small.toml", "--variant", "tight"]);
    assert!(missed.with(5).stdout.contains("tight"));
    let no_objectives = SMALL.replace("[slo]\nthrottled_share = 0.01\n", "");
    place.write("free.toml", no_objectives.as_bytes());
    place
        .bedload(&["simulate", "free.toml", "--variant", "tight"])
        .with(0);
}

#[test]
fn invalid_scenarios_are_told_and_nothing_is_written() {
    let place = Place::new();
    place.write(
        "bad/misspelt.toml",
        SMALL.replace("rate =", "rat =").as_bytes(),
    );
    place.write(
        "bad/model.toml",
        SMALL.replace("haiku-4-5", "haiku-9").as_bytes(),
    );
    place.write("bad/latin1.toml", b"name = \"caf\xe9\"\n");
    place.write("bad/nul.toml", b"name = \"a\0b\"\n");
    place.write("bad/empty.toml", b"");
    place.write("bad/binary.toml", &[0xff, 0xfe, 0, 1, 2, 3]);
    for (file, words) in [
        ("misspelt.toml", ["misspelt.toml:11", "rat"].as_slice()),
        (
            "model.toml",
            &["model.toml:9", "claude-haiku-9", "claude-haiku-5-5"],
        ),
        ("latin1.toml", &["latin1.toml", "UTF-8"]),
        ("nul.toml", &["nul.toml"]),
        ("empty.toml", &["empty.toml", "name"]),
        ("binary.toml", &["binary.toml", "UTF-8"]),
        ("absent.toml", &["bad/absent.toml", "no such file"]),
        ("", &["bad/", "it is a folder"]),
    ] {
        let path = format!("bad/{file}");
        place.bedload(&["simulate", &path]).with(3).says(words);
        place.bedload(&["check", &path]).with(3).says(words);
    }
    assert_eq!(place.names(), ["bad"]);
}

#[test]
fn escape_codes_in_names_reach_no_terminal() {
    let place = Place::new();
    for (name, changed) in [
        ("name = \"roomy\"", "name = \"a\\u001b[31mred\""),
        ("name = \"roomy\"", "name = \"two\\nlines\""),
        ("name = \"chat\"", "name = \"a\\u001b[31mred\""),
        ("name = \"small\"", "name = \"a\\u0007bell\""),
        ("model = \"", "model = \"\\u009b"),
    ] {
        let text = SMALL.replace(name, changed);
        assert_ne!(text, SMALL);
        place.write("names.toml", text.as_bytes());
        let ended = place.bedload(&["check", "names.toml"]).with(3);
        ended.says(&["names.toml:"]);
    }
}

#[test]
fn attempts_are_written_when_asked() {
    let place = Place::small();
    place
        .bedload(&["simulate", "small.toml", "--attempts", "--out", "run"])
        .with(0);
    let read = |name: &str| fs::read_to_string(place.path("run").join(name)).unwrap();
    let summary = read_summary(&read("summary.json")).unwrap();
    let lines: Vec<serde_json::Value> = read("attempts.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for variant in &summary.variants {
        let own = lines
            .iter()
            .filter(|line| line["variant"] == variant.name.as_str());
        assert_eq!(
            own.count() as u64,
            variant.attempts.sent,
            "{}",
            variant.name
        );
    }
}

#[test]
fn a_file_too_large_to_be_a_scenario_is_refused() {
    let place = Place::new();
    let file = fs::File::create(place.path("large.toml")).unwrap();
    file.set_len(70 << 20).unwrap();
    let ended = place.bedload(&["simulate", "large.toml"]).with(3);
    let ended = ended.says(&["large.toml"]);
    assert!(ended.stderr.len() < 4000, "{}", ended.stderr.len());
    assert_eq!(place.names(), ["large.toml"]);
}

#[test]
fn a_bad_row_of_a_trace_is_named() {
    let place = Place::new();
    let trace = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n\
                 2023-11-16 18:17:04.0319600,many,8\n";
    place.write("rows.csv", trace.as_bytes());
    let text = "name = \"t\"\n[[workload]]\nname = \"w\"\nmodel = \"nova-lite\"\n\
                arrival.trace = { file = \"rows.csv\", format = \"azure\" }\n";
    place.write("trace.toml", text.as_bytes());
    let bad = place.bedload(&["simulate", "trace.toml"]).with(3);
    bad.says(&["trace.toml:5", "rows.csv", "line 3", "many"]);
    fs::remove_file(place.path("rows.csv")).unwrap();
    let absent = place.bedload(&["check", "trace.toml"]).with(3);
    absent.says(&["rows.csv", "no such file"]);
    assert_eq!(place.names(), ["trace.toml"]);
}

#[test]
fn wrong_command_lines_are_told() {
    let place = Place::small();
    for (args, words) in [
        (
            ["simulate", "small.toml", "--replicatons", "3"].as_slice(),
            ["--replicatons", "--replications"].as_slice(),
        ),
        (&["simulate"], &["<SCENARIO>"]),
        (&["check"], &["<SCENARIOS>"]),
        (&["simulate", "small.toml", "--seed", "-1"], &["-1"]),
        (
            &["simulate", "small.toml", "--format", "xml"],
            &["xml", "markdown"],
        ),
        (
            &["simulate", "small.toml", "--variant", "snug"],
            &["snug", "roomy, tight"],
        ),
        (
            &["check", "small.toml", "--variant", "snug"],
            &["snug", "roomy, tight"],
        ),
        (
            &["simulate", "small.toml", "--prices", "2019"],
            &["2019", "2026-11-22"],
        ),
        (&["completions", "tcsh"], &["tcsh", "bash"]),
        (
            &["simulate", "small.toml", "--threads", "100000000"],
            &["--threads", "1024"],
        ),
        (&["dance"], &["dance"]),
    ] {
        place.bedload(args).with(2).says(words);
    }
    assert_eq!(place.names(), ["small.toml"]);
}

#[test]
fn wrong_overrides_are_told() {
    let place = Place::small();
    for (args, words) in [
        (
            ["--set", "client.timeuot=3s"].as_slice(),
            ["timeuot", "timeout"].as_slice(),
        ),
        (&["--set", "duration"], &["duration"]),
        (&["--set", "=3"], &["--set"]),
        (&["--set", "workload.nobody.max_tokens=3"], &["nobody"]),
        (&["--set", "duration=-3s"], &["-3s"]),
        (&["--replications", "0"], &["replications"]),
        (
            &["--seed", "18446744073709551615"],
            &["18446744073709551615"],
        ),
    ] {
        let ended = place.bedload(&[&["simulate", "small.toml"], args].concat());
        ended.with(3).says(words);
    }
    assert_eq!(place.names(), ["small.toml"]);
}

#[test]
fn json_is_all_of_stdout_and_quiet_is_quiet() {
    let place = Place::small();
    let args = ["simulate", "small.toml", "--format", "json", "--quiet"];
    let ended = place.bedload(&args).with(0);
    assert_eq!(ended.stderr, "");
    let summary = ended.summary();
    assert_eq!(variant_names(&summary), ["roomy", "tight"]);
    let stored = fs::read_to_string(place.run_folder().join("summary.json")).unwrap();
    assert_eq!(stored, ended.stdout);
    let markdown = place.bedload(&["simulate", "small.toml", "--format", "markdown"]);
    assert!(markdown.with(0).stdout.contains("| roomy |"));
}

#[test]
fn the_environment_does_not_change_what_a_pipe_gets() {
    let place = Place::small();
    let with = |key: &str, value: &str| {
        let mut command = place.command(&["check", "small.toml"]);
        Ended::of(command.env(key, value).output().unwrap())
            .with(0)
            .stdout
    };
    let plain = with("NO_COLOR", "1");
    assert_eq!(with("NO_COLOR", ""), plain);
    assert_eq!(with("TERM", "dumb"), plain);
    assert_eq!(with("LANG", "de_DE.UTF-8"), plain);
    for columns in ["1", "60", "79", "1000", "wide"] {
        assert!(!with("COLUMNS", columns).is_empty());
    }
}

#[test]
fn a_reader_may_go_away() {
    let place = Place::small();
    let mut child = place
        .command(&["check", "small.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    let stderr = child.stderr.take();
    stderr.unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert_eq!(said, "");
}

#[test]
fn a_run_folder_holds_what_is_needed_to_repeat_it() {
    let place = Place::small();
    place
        .bedload(&["simulate", "small.toml", "--out", "a/b"])
        .with(0);
    let folder = place.path("a/b");
    assert_eq!(
        names(&folder),
        [
            "histograms.hlog",
            "manifest.json",
            "report.html",
            "summary.json",
            "timeline.csv"
        ]
    );
    assert_eq!(names(&place.path("a")), ["b"]);
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let manifest: Manifest = read_manifest(&read("manifest.json")).unwrap();
    assert!(!manifest.partial);
    assert_eq!((manifest.seed, manifest.replications), (3, 1));
    let kinds: Vec<(&str, &str)> = manifest
        .profiles
        .iter()
        .map(|used| (used.kind.as_str(), used.name.as_str()))
        .collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert!(kinds.iter().any(|(_, name)| *name == "2026-11-22"));
    for used in &manifest.profiles {
        assert_eq!(used.sha256.len(), 64, "{used:?}");
        assert!(used.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
    assert!(read("timeline.csv").lines().count() > 100);

    // The resolved scenario of the manifest gives the very same figures.
    let first = read_summary(&read("summary.json")).unwrap();
    place.write("again.toml", manifest.resolved_scenario.as_bytes());
    let again = place.bedload(&["simulate", "again.toml", "--format", "json"]);
    assert_eq!(again.with(0).summary().variants, first.variants);
}

#[test]
fn out_takes_a_run_and_leaves_anything_else_alone() {
    let place = Place::small();
    place.write("thesis/chapter.tex", b"x");
    let into = |folder: &str| place.bedload(&["simulate", "small.toml", "--out", folder]);
    into("thesis").with(1).says(&["thesis", "no bedload run"]);
    into("small.toml")
        .with(1)
        .says(&["small.toml", "--out DIR"]);
    fs::create_dir(place.path("empty")).unwrap();
    for folder in ["run", "run", "run/", "new/", "./dotted/", "empty/", "empty"] {
        into(folder).with(0);
        let name = folder.trim_start_matches("./");
        assert_eq!(names(&place.path(name)).len(), 5, "{folder}");
    }
    assert_eq!(
        place.names(),
        ["dotted", "empty", "new", "run", "small.toml", "thesis"]
    );
    assert_eq!(names(&place.path("thesis")), ["chapter.tex"]);
}

#[test]
fn flags_reach_the_summary() {
    let place = Place::small();
    let with = |more: &[&str]| {
        let args = ["simulate", "small.toml", "--format", "json"];
        let ended = place.bedload(&[&args, more].concat());
        assert!(matches!(ended.code, Some(0 | 5)), "{}", ended.stderr);
        ended.summary()
    };
    let plain = with(&[]);
    assert_eq!((plain.seed, plain.replications), (3, 1));
    let seeded = with(&["--seed", "99"]);
    assert_eq!(seeded.seed, 99);
    assert_ne!(seeded.variants[0].requests, plain.variants[0].requests);
    assert_eq!(with(&["--set", "seed=99"]).variants, seeded.variants);

    let three = with(&["--replications", "3"]);
    assert_eq!(three.replications, 3);
    for one in &three.variants {
        assert_eq!(one.replications.len(), 3);
        assert!(one.intervals.is_some());
    }
    let longer = with(&["--set", "duration=4m"]);
    let ratio = longer.variants[0].requests.offered as f64;
    let ratio = ratio / plain.variants[0].requests.offered as f64;
    assert!((1.7..2.3).contains(&ratio), "{ratio}");

    let one = with(&["--variant", "tight", "--threads", "1"]);
    assert_eq!(one.variants, plain.variants[1..]);
    let other = with(&["--set", "workload.chat.model=nova-lite"]);
    assert!(other.variants.iter().all(|v| of_workload(v) == "nova-lite"));
}

#[test]
fn spread_shows_each_quota_semantics() {
    let place = Place::small();
    let args = ["simulate", "small.toml", "--spread", "--format", "json"];
    let summary = place.bedload(&args).with(0).summary();
    assert_eq!(
        variant_names(&summary),
        [
            "roomy [A]",
            "roomy [B]",
            "roomy [C]",
            "tight [A]",
            "tight [B]",
            "tight [C]"
        ]
    );
    let tight = &summary.variants[3..];
    for (one, letter) in tight.iter().zip(["A", "B", "C"]) {
        assert_eq!(one.requests.offered, tight[0].requests.offered);
        let mut assumptions = one.assumptions.iter();
        let semantics = assumptions.find(|a| a.name == "quota.semantics").unwrap();
        assert_eq!(semantics.value, letter);
    }
    assert_ne!(tight[0].requests, tight[2].requests);
    // B is the default, so it gives the figures of a plain run.
    let plain = place.bedload(&["simulate", "small.toml", "--format", "json"]);
    assert_eq!(
        plain.with(0).summary().variants[1].requests,
        tight[1].requests
    );
}

#[test]
fn profiles_of_ones_own_change_the_figures() {
    let place = Place::small();
    let own = "base = \"claude-haiku-4-5\"\n[quota.geo]\ntpm = \"40k\"\n";
    place.write("mine/models/claude-haiku-4-5.toml", own.as_bytes());
    let args = [
        "simulate",
        "small.toml",
        "--variant",
        "roomy",
        "--format",
        "json",
    ];
    let before = place.bedload(&args).with(0).summary();
    let after = place.bedload(&[&args[..], &["--profiles", "mine"]].concat());
    let after = after.with(5).summary();
    assert_eq!(after.variants[0].quota[0].limit, 40_000);
    let throttled = |summary: &Summary| summary.variants[0].requests.throttled;
    assert!(throttled(&before) == 0 && throttled(&after) > 100);

    let without = place.bedload(&["check", "small.toml", "--profiles", "results"]);
    without.with(3).says(&["results", "models/"]);
    let absent = place.bedload(&["check", "small.toml", "--profiles", "nowhere"]);
    absent.with(3).says(&["nowhere"]);
    place.write("mine/models/broken.toml", b"base = \"claude-haiku-77\"\n");
    let broken = place.bedload(&["check", "small.toml", "--profiles", "mine"]);
    broken.with(3).says(&["broken.toml:1", "claude-haiku-77"]);
}

#[test]
fn completions_know_the_verbs() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.bedload(&["completions", shell]).with(0).stdout;
        for word in ["bedload", "simulate", "check", "replications"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
}

#[test]
fn check_goes_on_after_a_bad_file() {
    let place = Place::small();
    place.write("bad.toml", b"name = 3\n");
    let ended = place.bedload(&["check", "bad.toml", "small.toml"]).with(3);
    assert!(ended.stderr.contains("bad.toml:1"), "{}", ended.stderr);
    assert!(ended.stdout.contains("roomy") && ended.stdout.contains("tight"));
    assert!(!ended.stdout.starts_with('\n'), "{:?}", &ended.stdout[..20]);

    let whole = gallery();
    let scenarios = names(&whole)
        .into_iter()
        .filter(|name| Path::new(name).extension().is_some_and(|e| e == "toml"));
    let paths: Vec<String> = scenarios
        .map(|name| whole.join(name).to_str().unwrap().to_owned())
        .collect();
    let mut args = vec!["check", "--format", "json", "--quiet"];
    args.extend(paths.iter().map(String::as_str));
    let ended = place.bedload(&args).with(0);
    assert_eq!(ended.stderr, "");
    assert_eq!(ended.stdout.lines().count(), paths.len());
    for document in ended.stdout.lines() {
        assert_valid(CHECK_SCHEMA, document);
    }
    assert_eq!(place.names(), ["bad.toml", "small.toml"]);
}

#[test]
fn check_shows_a_scenario_that_reads_as_itself() {
    let place = Place::small();
    let document = place
        .bedload(&["check", "small.toml", "--format", "json"])
        .with(0);
    let document: serde_json::Value = serde_json::from_str(&document.stdout).unwrap();
    let resolved: toml::Table = serde_json::from_value(document["resolved"].clone()).unwrap();
    let text = toml::to_string(&resolved).unwrap();
    place.write("resolved.toml", text.as_bytes());
    let run = |name: &str| {
        let ended = place.bedload(&["simulate", name, "--format", "json"]);
        ended.with(0).summary().variants
    };
    assert_eq!(run("resolved.toml"), run("small.toml"));
}

/// Simulates recorded traffic and returns what became of it.
fn replay(trace: &str, format: &str, bytes: &[u8]) -> VariantSummary {
    let place = Place::new();
    place.write(trace, bytes);
    let text = format!(
        "name = \"recorded\"\n[[workload]]\nname = \"w\"\nmodel = \"claude-haiku-4-5\"\n\
         max_tokens = 4096\narrival.trace = {{ file = \"{trace}\", format = \"{format}\" }}\n"
    );
    place.write("recorded.toml", text.as_bytes());
    let args = ["simulate", "recorded.toml", "--format", "json"];
    let summary = place.bedload(&args).with(0).summary();
    place.bedload(&["check", "recorded.toml"]).with(0);
    let [variant] = summary.variants.try_into().unwrap();
    variant
}

#[test]
fn recorded_traffic_replays() {
    let Ok(data) = std::env::var("BEDLOAD_DATA") else {
        eprintln!("did not run: BEDLOAD_DATA is not set");
        return;
    };
    let data = PathBuf::from(data);
    let azure = fs::read(data.join("azure_llm_2023/AzureLLMInferenceTrace_code.csv")).unwrap();
    let azure = replay("azure.csv", "azure", &azure);
    assert_eq!(azure.requests.offered, 8_819);
    assert_eq!(azure.tokens.cache_read, 0);

    let file = fs::File::open(data.join("mooncake/conversation_trace.jsonl.gz")).unwrap();
    let mut mooncake = Vec::new();
    let mut lines = flate2::read::GzDecoder::new(file);
    lines.read_to_end(&mut mooncake).unwrap();
    let mooncake = replay("mooncake.jsonl", "mooncake", &mooncake);
    assert_eq!(mooncake.requests.offered, 12_031);
    assert!(mooncake.tokens.cache_read > 0);
}
