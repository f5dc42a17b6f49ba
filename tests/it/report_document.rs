//! The report as data, over results that the program itself makes.
//!
//! With `BEDLOAD_PICTURES=DIR` its pictures and its Markdown are written there to be looked at, and with
//! `BEDLOAD_RESULTS=DIR:DIR` also a report over those results.

use crate::running::{assert_valid, gallery};
use bedload::report::{FolderFiles, ResultFolder, document, figure, report_markdown};
use bedload::results::REPORT_JSON_SCHEMA;
use bedload::results::report::{Block, Cell, Figure, Layer, Report, Table, read_report};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes a result, and reads its folder.
fn made(verb: &str, scenario: &str, flags: &[&str], name: &str) -> ResultFolder {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("result");
    let output = Command::new(env!("CARGO_BIN_EXE_bedload"))
        .arg(verb)
        .arg(gallery().join(scenario))
        .args(["--quiet", "--out"])
        .arg(&out)
        .args(flags)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 5)), "{said}");
    read(&out, name)
}

fn read(folder: &Path, name: &str) -> ResultFolder {
    let text = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let (manifest, summary) = (text("manifest.json"), text("summary.json"));
    let (lab, plan, timeline) = (text("lab.json"), text("plan.json"), text("timeline.csv"));
    let histograms = fs::read(folder.join("histograms.hlog")).ok();
    let files = FolderFiles {
        manifest: manifest.as_deref(),
        summary: summary.as_deref(),
        lab: lab.as_deref(),
        plan: plan.as_deref(),
        timeline: timeline.as_deref(),
        histograms: histograms.as_deref(),
    };
    ResultFolder::read(name, files).unwrap()
}

fn blocks(report: &Report) -> impl Iterator<Item = &Block> {
    report.sections.iter().flat_map(|section| &section.blocks)
}

fn figures(report: &Report) -> Vec<&Figure> {
    let mut found = Vec::new();
    for block in blocks(report) {
        if let Block::Figure(figure) = block {
            found.push(figure);
        }
    }
    found
}

fn tables(report: &Report) -> Vec<&Table> {
    let mut found = Vec::new();
    for block in blocks(report) {
        match block {
            Block::Table(table) => found.push(table),
            Block::Figure(figure) => found.push(&figure.table),
            _ => {}
        }
    }
    found
}

/// What must hold of any report; returns its bytes with all pictures.
fn check(report: &Report, name: &str) -> usize {
    let text = report.to_json();
    assert_valid(REPORT_JSON_SCHEMA, &text);
    assert_eq!(&read_report(&text).unwrap(), report);
    for table in tables(report) {
        let wide = table.columns.len();
        let bad = table.rows.iter().find(|row| row.len() != wide);
        assert!(bad.is_none(), "{}: {bad:?} in {wide} columns", table.id);
    }
    let markdown = report_markdown(report, &|figure| format!("figures/{}.svg", figure.id));
    let mut bytes = text.len();
    for figure in figures(report) {
        let drawn = figure::svg(figure);
        assert!(drawn.len() < 60_000, "{}: {} bytes", figure.id, drawn.len());
        assert!(
            !figure.table.rows.is_empty(),
            "{} has a table behind it",
            figure.id
        );
        assert!(!figure.caption.is_empty(), "{} has a caption", figure.id);
        assert!(markdown.contains(&format!("(<figures/{}.svg>)", figure.id)));
        bytes += drawn.len();
    }
    if let Some(folder) = std::env::var_os("BEDLOAD_PICTURES") {
        let folder = PathBuf::from(folder).join(name);
        fs::create_dir_all(folder.join("figures")).unwrap();
        fs::write(folder.join("report.md"), &markdown).unwrap();
        fs::write(folder.join("report.json"), &text).unwrap();
        for figure in figures(report) {
            let file = |end: &str| folder.join("figures").join(format!("{}.{end}", figure.id));
            fs::write(file("svg"), figure::svg_file(figure)).unwrap();
            fs::write(file("png"), figure::png(figure, 1.5)).unwrap();
        }
    }
    bytes
}

#[test]
fn three_modes_stand_side_by_side() {
    let folder = made("simulate", "quickstart.toml", &[], "quickstart");
    let report = document(std::slice::from_ref(&folder));
    check(&report, "quickstart");
    let ids: Vec<&str> = report.sections.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "modes",
            "latency",
            "course",
            "cost",
            "assumptions",
            "definitions"
        ]
    );
    assert!(!report.verdict.is_empty() && report.met.is_some());
    let summary = folder.summary.clone().unwrap();
    // The curve of the histograms passes through the percentiles of the summary.
    let curves = figures(&report)
        .into_iter()
        .find(|one| one.id == "ttft-percentiles")
        .unwrap();
    for (variant, row) in summary.variants.iter().zip(&curves.table.rows) {
        let place = curves
            .table
            .columns
            .iter()
            .position(|one| one.title == "p99")
            .unwrap();
        let Cell::Number(seen) = row[place] else {
            panic!("{row:?}");
        };
        let want = variant.ttft_ms.p99.unwrap();
        assert!((seen - want).abs() <= 1e-5 * want, "{seen} {want}");
    }
    // Rates over time add up to the requests of the run, warm-up inside.
    let load = figures(&report)
        .into_iter()
        .find(|one| one.id == "load")
        .unwrap();
    let Layer::Line { name, points, .. } = &load.layers[0] else {
        panic!("{:?}", load.layers[0]);
    };
    let width = points[1].0 - points[0].0;
    let sum: f64 = points.iter().map(|one| one.1 * width).sum();
    let offered = summary.variants[0].requests.offered as f64;
    assert!(
        name == "offered" && (sum - offered).abs() < 0.15 * offered,
        "{sum} {offered}"
    );
    // Two runs of one scenario are told apart.
    let mut again = folder.clone();
    again.name = "somewhere/quickstart".to_owned();
    let both = document(&[folder.clone(), again]);
    check(&both, "both");
    let curves = figures(&both)
        .into_iter()
        .find(|one| one.id == "ttft-percentiles")
        .unwrap();
    let mut names: Vec<&String> = curves.order.iter().collect();
    assert_eq!(names.len(), 2 * summary.variants.len());
    names.dedup();
    assert_eq!(names.len(), 2 * summary.variants.len());
    assert!(names[0].starts_with("quickstart (1): "), "{names:?}");
}

#[test]
fn a_plan_is_reported_with_its_pictures() {
    let folder = made(
        "plan",
        "buy-or-wait.toml",
        &["--paths", "100"],
        "buy-or-wait",
    );
    let report = document(std::slice::from_ref(&folder));
    check(&report, "buy-or-wait");
    let ids: Vec<&str> = report.sections.iter().map(|one| one.id.as_str()).collect();
    for id in ["purchase", "worth", "quotas", "bill"] {
        assert!(ids.contains(&id), "{id} in {ids:?}");
    }
    assert_eq!(
        report.verdict.len(),
        folder.plan.as_ref().unwrap().verdict.len()
    );
    let drawn: Vec<&str> = figures(&report).iter().map(|one| one.id.as_str()).collect();
    for start in [
        "months-",
        "duration-",
        "price-",
        "tornado-",
        "need-",
        "bill-by-class",
    ] {
        assert!(
            drawn.iter().any(|id| id.starts_with(start)),
            "{start} in {drawn:?}"
        );
    }
    let levers = report
        .sections
        .iter()
        .flat_map(|one| &one.blocks)
        .filter_map(|block| match block {
            Block::Lever(lever) => Some(lever),
            _ => None,
        });
    for lever in levers {
        let [least, most, now] = lever.range;
        assert!(least <= now && now <= most, "{lever:?}");
        for outcome in &lever.outcomes {
            let ends = (
                outcome.points[0].0,
                outcome.points[outcome.points.len() - 1].0,
            );
            assert_eq!(ends, (least, most), "{}", lever.id);
        }
    }
}

#[test]
fn results_that_are_named_are_drawn() {
    let Some(results) = std::env::var_os("BEDLOAD_RESULTS") else {
        eprintln!("BEDLOAD_RESULTS names no results, so none were drawn");
        return;
    };
    for folder in std::env::split_paths(&results) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let report = document(&[read(&folder, &name)]);
        let bytes = check(&report, &name);
        assert!(bytes < 2_000_000, "{name}: {bytes}");
    }
}
