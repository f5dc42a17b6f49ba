//! Every kind of bad scenario has one message, with its place and its help.

use bedload::config::Source;
use bedload::scenario::{Files, read};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Files beside the bad scenarios.
struct Folder(PathBuf);

impl Files for Folder {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.0.join(path)).map_err(|_| "no such file".to_owned())
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bad")
}

fn complaint(name: &str, text: &str, sets: &[&str]) -> String {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    match read(&Source::new(name, text), &sets, &Folder(folder())) {
        Ok(_) => "was accepted".to_owned(),
        Err(error) => error.render(80, false),
    }
}

#[test]
fn every_bad_scenario_is_refused_with_its_reason() {
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the folder of bad scenarios is part of the project")
        .map(|entry| entry.expect("its entries can be listed").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    names.sort();
    assert!(names.len() >= 30, "{} bad scenarios", names.len());
    let mut all = String::new();
    for path in names {
        let name = path.file_name().expect("a file has a name");
        let name = name.to_string_lossy();
        let text = std::fs::read_to_string(&path).expect("a bad scenario is still text");
        let complaint = complaint(&name, &text, &[]);
        assert_ne!(complaint, "was accepted", "{name}");
        writeln!(all, "──── {name}\n{complaint}").expect("a string takes it");
    }
    insta::assert_snapshot!("bad_scenarios", all);
}

#[test]
fn overrides_are_shown_where_they_are_wrong() {
    let text = include_str!("../../fuzz/seeds/scenario/smallest.toml");
    let sets = [
        "duration",
        "workload.chatt.max_tokens=5",
        "client..timeout=5",
    ];
    insta::assert_snapshot!("bad_paths", complaint("chat.toml", text, &sets));
    let sets = [
        "workload.chat.arrival.poisson.rate=-3/s",
        "client.timeout=30",
        "clinet.deadline=\"5s\"",
    ];
    insta::assert_snapshot!("bad_values", complaint("chat.toml", text, &sets));
}

#[test]
fn long_lists_of_problems_are_cut() {
    let mut text = include_str!("../../fuzz/seeds/scenario/smallest.toml").to_owned();
    for i in 0..200 {
        writeln!(text, "[nonsense{i}]").expect("a string takes it");
    }
    let complaint = complaint("chat.toml", &text, &[]);
    assert!(complaint.starts_with("chat.toml has 200 problems\n"));
    assert!(complaint.ends_with("and 150 more problems\n"));
}
