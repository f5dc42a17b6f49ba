//! `bedload report` as its users start it, and the page that every run leaves.

use bedload::results::report::{Block, Layer, REPORT_SCHEMA, Report};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Two variants over two minutes, one of them beyond its quota.
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

pub fn bedload(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bedload"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Asserts an exit code and returns both streams.
fn ended(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    (stdout, stderr)
}

/// A folder with the scenario and, in `run`, what simulating it left.
fn small() -> &'static Path {
    static PLACE: OnceLock<TempDir> = OnceLock::new();
    let place = PLACE.get_or_init(|| {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("small.toml"), SMALL).unwrap();
        let args = ["simulate", "small.toml", "--out", "run", "--quiet"];
        let (stdout, _) = ended(&bedload(place.path(), &args), 0);
        assert!(
            stdout.ends_with("results in run\nreport in run/report.html\n"),
            "{stdout}"
        );
        place
    });
    place.path()
}

/// A copy of the run in a place of its own.
fn copy() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    fs::create_dir(&run).unwrap();
    for entry in fs::read_dir(small().join("run")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), run.join(entry.file_name())).unwrap();
    }
    (place, run)
}

fn report(folder: &Path, args: &[&str]) -> Report {
    let args: Vec<&str> = ["report"].iter().chain(args).copied().collect();
    let args: Vec<&str> = args.into_iter().chain(["--format", "json"]).collect();
    let (stdout, _) = ended(&bedload(folder, &args), 0);
    serde_json::from_str(&stdout).unwrap()
}

#[test]
fn the_page_that_a_run_leaves_is_the_one_that_report_makes() {
    let (place, run) = copy();
    let left = fs::read(run.join("report.html")).unwrap();
    fs::remove_file(run.join("report.html")).unwrap();
    let (stdout, _) = ended(&bedload(place.path(), &["report", "run"]), 0);
    assert_eq!(stdout, "report in run/report.html\n");
    assert!(
        fs::read(run.join("report.html")).unwrap() == left,
        "another page"
    );
    // A file of the result names it as well.
    fs::remove_file(run.join("report.html")).unwrap();
    ended(
        &bedload(place.path(), &["report", "run/summary.json", "--quiet"]),
        0,
    );
    assert!(run.join("report.html").exists());
}

#[test]
fn the_page_carries_the_document() {
    let found = report(small(), &["run"]);
    assert_eq!(found.schema, REPORT_SCHEMA);
    assert_eq!(found.question, "Does it fit?");
    assert!(!found.verdict.is_empty() && found.met == Some(true));
    let page = fs::read_to_string(small().join("run/report.html")).unwrap();
    let (_, rest) = page.split_once("id=\"report\">").unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    let carried: Report = serde_json::from_str(json).unwrap();
    assert!(carried == found, "the page carries another document");
    let variants: Vec<&str> = found
        .sections
        .iter()
        .flat_map(|section| &section.blocks)
        .filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
        .flat_map(|figure| &figure.layers)
        .filter_map(|layer| match layer {
            Layer::Line { variant, .. } => variant.as_deref(),
            _ => None,
        })
        .collect();
    assert!(variants.contains(&"roomy") && variants.contains(&"tight"));
}

#[test]
fn several_results_stand_side_by_side() {
    let (place, run) = copy();
    fs::rename(&run, place.path().join("before")).unwrap();
    let args = [
        "simulate",
        small().join("small.toml").to_str().unwrap(),
        "--seed",
        "4",
    ]
    .map(str::to_owned);
    let args: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .chain(["--out", "after"])
        .collect();
    ended(&bedload(place.path(), &args), 0);
    let both = report(place.path(), &["before", "after"]);
    assert_eq!(both.origin.len(), 2);
    let text = serde_json::to_string(&both).unwrap();
    assert!(text.contains("before") && text.contains("after"));
    ended(&bedload(place.path(), &["report", "before", "after"]), 0);
    assert!(place.path().join("report.html").exists());
}

#[test]
fn out_names_a_file_or_a_folder() {
    let (place, _) = copy();
    for (out, file) in [
        ("page.html", "page.html"),
        ("deep/er/page.html", "deep/er/page.html"),
        ("folder", "folder/report.html"),
        ("other/", "other/report.html"),
    ] {
        let (stdout, _) = ended(&bedload(place.path(), &["report", "run", "--out", out]), 0);
        assert_eq!(stdout, format!("report in {file}\n"));
        let page = fs::read_to_string(place.path().join(file)).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    }
    let args = ["report", "run", "--format", "json", "--out", "data.json"];
    ended(&bedload(place.path(), &args), 0);
    let text = fs::read_to_string(place.path().join("data.json")).unwrap();
    let _: Report = serde_json::from_str(&text).unwrap();
    // Nothing half-written is left.
    let drafts = fs::read_dir(place.path()).unwrap().flatten();
    let names: Vec<_> = drafts.map(|entry| entry.file_name()).collect();
    assert!(
        !names
            .iter()
            .any(|name| name.to_string_lossy().ends_with(".tmp")),
        "{names:?}"
    );
}

#[test]
fn markdown_lies_beside_its_pictures() {
    let (place, run) = copy();
    let args = ["report", "run", "--format", "markdown"];
    let (stdout, _) = ended(&bedload(place.path(), &args), 0);
    assert_eq!(stdout, "report in run/report/report.md\n");
    let text = fs::read_to_string(run.join("report/report.md")).unwrap();
    let mut pictures = 0;
    for (_, rest) in text
        .match_indices("](<figures/")
        .map(|(at, _)| text.split_at(at + 3))
    {
        let (name, _) = rest.split_once('>').unwrap();
        let svg = fs::read_to_string(run.join("report").join(name)).unwrap();
        assert!(svg.contains("<svg"), "{name}");
        let png = fs::read(run.join("report").join(name).with_extension("png")).unwrap();
        assert!(png.starts_with(b"\x89PNG"), "{name}");
        pictures += 1;
    }
    assert!(pictures > 2, "{pictures} pictures");
}

#[test]
fn what_is_no_result_is_said_to_be_none() {
    let (place, run) = copy();
    let refused = |result: &str, code: i32, words: &[&str]| {
        let (stdout, stderr) = ended(&bedload(place.path(), &["report", result]), code);
        assert_eq!(stdout, "");
        for word in words {
            assert!(stderr.contains(word), "no `{word}` in {stderr}");
        }
    };
    refused(
        "nowhere",
        3,
        &["`nowhere`", "no such folder", "help: name a folder"],
    );
    fs::create_dir(place.path().join("empty")).unwrap();
    refused(
        "empty",
        3,
        &["`empty`", "no manifest.json", "help: name a folder"],
    );
    ended(&bedload(place.path(), &["report"]), 2);

    let summary = run.join("summary.json");
    let text = fs::read_to_string(&summary).unwrap();
    fs::write(&summary, &text[..text.len() / 2]).unwrap();
    refused(
        "run",
        7,
        &["summary.json", "line", "help: make the run again"],
    );
    fs::write(
        &summary,
        text.replacen("bedload.summary/1", "bedload.summary/9", 1),
    )
    .unwrap();
    refused("run", 7, &["bedload.summary/9", "version of bedload"]);
    fs::write(&summary, &text).unwrap();
    fs::write(run.join("histograms.hlog"), b"Tag=x,0,1,2,!!\n").unwrap();
    refused("run", 7, &["histograms.hlog"]);
    fs::remove_file(&summary).unwrap();
    fs::remove_file(run.join("histograms.hlog")).unwrap();
    refused("run", 3, &["summary.json", "help: name a folder"]);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let (place, _) = copy();
    fs::write(place.path().join("file"), "x").unwrap();
    let output = bedload(place.path(), &["report", "run", "--out", "file/page.html"]);
    let (_, stderr) = ended(&output, 1);
    assert!(stderr.contains("file"), "{stderr}");
}
