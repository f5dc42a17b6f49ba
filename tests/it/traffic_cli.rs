//! `bedload trace stats` and `bedload trace synth` as users start them.

use crate::running::assert_valid;
use bedload::results::{TRACE_STATS_JSON_SCHEMA, TRACE_SYNTH_JSON_SCHEMA};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Twenty minutes of two models and five clients in bursts.
fn log() -> String {
    let mut text = String::from(
        "# bedload.trace/1\nat_us,input_tokens,output_tokens,session,model,client,max_tokens,latency_us\n",
    );
    for n in 0..2400u64 {
        let at = n / 10 * 5_000_000 + n % 10 * 40_000;
        let (input, output) = (200 + n * 7919 % 900, 20 + n * 104_729 % 150);
        let model = if n % 4 == 0 {
            "claude-haiku-4-5"
        } else {
            "us.anthropic.claude-sonnet-4-6"
        };
        let client = n % 11 % 5;
        writeln!(
            text,
            "{at},{input},{output},{n},{model},person-{client},2000,900000"
        )
        .unwrap();
    }
    text
}

fn bedload(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedload"));
    command
        .current_dir(folder)
        .args(arguments)
        .env("COLUMNS", "100");
    command.output().unwrap()
}

#[track_caller]
fn ended(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    (out, err)
}

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("log.csv"), log()).unwrap();
    place
}

#[test]
fn statistics_are_a_document_of_their_schema() {
    let place = place();
    let (out, _) = ended(
        &bedload(
            place.path(),
            &["trace", "stats", "log.csv", "--format", "json"],
        ),
        0,
    );
    assert_valid(TRACE_STATS_JSON_SCHEMA, &out);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["schema"], "bedload.trace-stats/1");
    assert_eq!(told["requests"], 2400);
    assert_eq!(told["clients"]["count"], 5);
    for key in ["1", "10", "60", "300"] {
        assert!(
            told["idc"][key].is_number() && told["peak_to_mean"][key].is_number(),
            "{key}"
        );
    }
    for side in ["input_tokens", "output_tokens"] {
        for key in ["mean", "p50", "p90", "p95", "p99", "max"] {
            assert!(told[side][key].is_number(), "{side} {key}");
        }
    }
    // Burndown comes from the profiles of the models.
    assert_eq!(
        told["quota"]["burndown"]["us.anthropic.claude-sonnet-4-6"],
        5
    );
    assert!(told["quota"]["reserved"]["peak"].as_f64() > told["quota"]["settled"]["peak"].as_f64());
    let (page, _) = ended(
        &bedload(
            place.path(),
            &["trace", "stats", "log.csv", "--format", "markdown"],
        ),
        0,
    );
    assert!(page.starts_with("# log.csv\n"));
}

#[test]
fn pictures_are_drawn_where_they_are_wanted() {
    let place = place();
    let (_, err) = ended(
        &bedload(
            place.path(),
            &["trace", "stats", "log.csv", "--plots", "pictures"],
        ),
        0,
    );
    for name in ["trace-rate", "trace-idc", "trace-sizes", "trace-quota"] {
        let path = format!("pictures/{name}.svg");
        let svg = fs::read_to_string(place.path().join(&path)).unwrap();
        assert!(svg.contains("<svg"), "{name}");
        assert!(err.contains(&path), "{err}");
    }
}

#[test]
fn a_scenario_made_of_a_trace_passes_the_check() {
    let place = place();
    let arguments = [
        "trace",
        "stats",
        "log.csv",
        "--scenario",
        "like-it.toml",
        "--quiet",
    ];
    let (_, err) = ended(&bedload(place.path(), &arguments), 0);
    assert_eq!(err, "");
    let text = fs::read_to_string(place.path().join("like-it.toml")).unwrap();
    assert!(text.contains("model = \"claude-sonnet-4-6\""), "{text}");
    assert!(text.contains("model = \"claude-haiku-4-5\""), "{text}");
    assert!(!text.contains("person-"), "{text}");
    let (out, _) = ended(
        &bedload(place.path(), &["check", "like-it.toml", "--brief"]),
        0,
    );
    assert!(out.contains("traffic-1"), "{out}");
}

#[test]
fn synthetic_traffic_can_be_read_again_and_tells_how_close_it_is() {
    let place = place();
    let arguments = [
        "trace", "synth", "log.csv", "--out", "made.csv", "--format", "json",
    ];
    let (out, _) = ended(&bedload(place.path(), &arguments), 0);
    assert_valid(TRACE_SYNTH_JSON_SCHEMA, &out);
    let close: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&close["within"], &close["requests"]),
        (&true.into(), &2400.into())
    );
    let made = fs::read_to_string(place.path().join("made.csv")).unwrap();
    assert!(
        !made.contains("person-") && made.contains("client-1"),
        "names of clients are gone"
    );
    assert!(
        !made.contains("latency"),
        "what became of requests is left out"
    );
    let (again, _) = ended(&bedload(place.path(), &["trace", "stats", "made.csv"]), 0);
    assert!(again.contains("2,400 requests"), "{again}");
    // The same seed writes the same bytes, another seed others.
    ended(
        &bedload(
            place.path(),
            &["trace", "synth", "log.csv", "--out", "same.csv"],
        ),
        0,
    );
    assert_eq!(
        made,
        fs::read_to_string(place.path().join("same.csv")).unwrap()
    );
    ended(
        &bedload(
            place.path(),
            &[
                "trace",
                "synth",
                "log.csv",
                "--out",
                "other.csv",
                "--seed",
                "2",
            ],
        ),
        0,
    );
    assert_ne!(
        made,
        fs::read_to_string(place.path().join("other.csv")).unwrap()
    );
}

#[test]
fn what_cannot_be_read_is_told() {
    let place = place();
    let (_, err) = ended(&bedload(place.path(), &["trace", "stats", "none.csv"]), 3);
    assert!(err.contains("cannot read `none.csv`"), "{err}");
    fs::write(place.path().join("odd.bin"), [0u8, 1, 2, 3]).unwrap();
    let (_, err) = ended(&bedload(place.path(), &["trace", "stats", "odd.bin"]), 3);
    assert!(err.contains("--as"), "{err}");
    fs::write(
        place.path().join("few.csv"),
        "# bedload.trace/1\nat_us,input_tokens,output_tokens\n0,1,1\n5,1,1\n",
    )
    .unwrap();
    let (_, err) = ended(
        &bedload(
            place.path(),
            &["trace", "synth", "few.csv", "--out", "x.csv"],
        ),
        3,
    );
    assert!(err.contains("2 requests are too few"), "{err}");
    assert!(!place.path().join("x.csv").exists());
}
