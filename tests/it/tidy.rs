//! The house rules, as tests: who may use whom, what the lower floors never touch, how long
//! things may get, and which words do not belong in a committed file.
//!
//! The compiler and clippy see most slips; what is checked here is what they cannot see.

mod code;

use bedload::config::Source;
use bedload::load::trace::read_recording;
use bedload::profile::{Catalogue, ProfileKind};
use bedload::scenario::{Files, read};
use bedload::sim::assemble;
use code::{Function, blank, functions, paths_below, without_tests};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `src` in order of their floors, each with the modules that it may use.
///
/// A row may name only rows above it, so there are no circles. A new module gets a row here and
/// a place in `src/ARCHITECTURE.md`. Among the parts of F2 only `measure` knows another one;
/// that `client`, `service` and `load` do not know each other is what lets the same brains run
/// in virtual time and live.
const MAY_USE: &[(&str, &str)] = &[
    // F0: quantities.
    ("units", ""),
    // F1: plain data and mathematics.
    ("domain", "units"),
    ("rng", ""),
    ("stats", ""),
    // F2: the two brains, traffic, money, measures.
    ("client", "units domain rng"),
    ("load", "units domain rng"),
    ("service", "units domain rng"),
    ("cost", "units domain"),
    ("measure", "units domain stats cost"),
    ("wire", "units domain rng"),
    // F3.0 and F3.1: files into values.
    ("config", "units"),
    ("scenario", "units domain config client load service"),
    ("profile", "units domain config"),
    // F3.2: the engine, and what it leaves behind.
    (
        "sim",
        "units domain rng stats client load service cost measure config scenario profile",
    ),
    (
        "results",
        "units domain rng stats client load service cost measure config scenario profile sim",
    ),
    // F3.3 and F3.4: conclusions and their views.
    (
        "plan",
        "units domain rng stats client load service cost measure config scenario profile sim results",
    ),
    ("recorded", "units load results"),
    (
        "calibrate",
        "units domain rng stats client load service measure wire config scenario profile sim results",
    ),
    ("traffic", "units domain rng stats load results"),
    ("compare", "units rng stats measure results"),
    (
        "report",
        "units domain rng stats client load service cost measure config scenario profile sim \
         results plan compare",
    ),
    // F4: the only floor that knows files, terminals, clocks and sockets.
    ("clock", "units"),
    (
        "serve",
        "units domain rng service measure wire config scenario sim clock",
    ),
    (
        "live",
        "units domain rng stats client load service cost measure wire config scenario profile sim \
         results clock",
    ),
    (
        "store",
        "units domain rng stats client load service cost measure config scenario profile sim \
         results plan report",
    ),
    ("fetch", "units load profile results recorded"),
    (
        "cli",
        "units domain rng stats client load service cost measure config scenario profile sim \
         results plan recorded calibrate compare traffic report clock live serve store fetch wire",
    ),
];

/// The modules that may touch files, the environment, clocks and the terminal.
const SHELLS: [&str; 6] = ["clock", "live", "serve", "store", "fetch", "cli"];

/// Children of `std` that only shells may use.
const FOREIGN_STD: [&str; 5] = ["fs", "env", "net", "process", "thread"];

/// Words that only shells may use: clocks, runtimes, the terminal, the system's randomness, and
/// the maps whose order differs from run to run.
const FOREIGN_WORDS: [&str; 17] = [
    "Instant",
    "SystemTime",
    "UNIX_EPOCH",
    "tokio",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
    "stdout",
    "stderr",
    "stdin",
    "OsRng",
    "SysRng",
    "ThreadRng",
    "RandomState",
    "HashMap",
    "HashSet",
];

/// Words that do not belong in any committed file, in two halves so that they are not here.
const BANNED: [(&str, &str); 6] = [
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X"),
    ("/wo", "rk/"),
    ("/tm", "p/"),
    ("hel", "per-"),
];

/// A folder name that only the continuous integration script may know.
const DATA_FOLDER: (&str, &str) = ("shar", "ed/");

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 100;

#[test]
fn every_module_uses_only_what_it_may() {
    let mut wrong = String::new();
    for (row, (name, uses)) in MAY_USE.iter().enumerate() {
        for used in uses.split_whitespace() {
            let above = MAY_USE[..row].iter().any(|(other, _)| *other == used);
            assert!(
                above,
                "the row of `{name}` names `{used}`, which is no row above it"
            );
        }
    }
    for file in sources() {
        let Some(module) = file.module() else {
            continue;
        };
        let Some((_, uses)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            let _ = writeln!(wrong, "{}: `{module}` has no row in MAY_USE", file.name);
            continue;
        };
        for (line, used) in paths_below(&file.shipped, "crate") {
            let known = MAY_USE.iter().any(|(name, _)| *name == used);
            let allowed = used == module || uses.split_whitespace().any(|name| name == used);
            if !known || !allowed {
                let _ = writeln!(wrong, "{}:{line}: `{module}` uses `{used}`", file.name);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn below_the_shells_nothing_touches_the_world() {
    let mut wrong = String::new();
    for file in sources() {
        if file.module().is_none_or(|name| SHELLS.contains(&name)) {
            continue;
        }
        for (line, used) in paths_below(&file.shipped, "std") {
            if FOREIGN_STD.contains(&used.as_str()) {
                let _ = writeln!(wrong, "{}:{line}: std::{used}", file.name);
            }
        }
        for (line, text) in numbered(&file.shipped) {
            for word in FOREIGN_WORDS.iter().filter(|word| holds_word(text, word)) {
                let _ = writeln!(wrong, "{}:{line}: {word}", file.name);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    let mut wrong = String::new();
    for file in sources() {
        for (line, text) in numbered(&file.shipped) {
            if text.contains(".unwrap()") {
                let _ = writeln!(wrong, "{}:{line}: say why it cannot fail", file.name);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn files_and_functions_stay_readable() {
    let mut wrong = String::new();
    for path in files_below(root()).filter(|path| has_extension(path, "rs")) {
        let text = fs::read_to_string(&path).unwrap();
        let name = shown(&path);
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            let _ = writeln!(wrong, "{name}: {lines} lines, at most {FILE_LINES_MAX}");
        }
        for Function {
            name: function,
            line,
            lines,
        } in functions(&blank(&text))
        {
            if lines > FUNCTION_LINES_MAX {
                let _ = writeln!(
                    wrong,
                    "{name}:{line}: `{function}` has {lines} lines, at most {FUNCTION_LINES_MAX}"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn no_source_file_is_dead() {
    let mut wrong = String::new();
    for file in sources() {
        let path = root().join(&file.name);
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let folder = path.parent().unwrap();
        let (name, parents) = match stem {
            "lib" | "main" => continue,
            "mod" => (
                folder.file_name().unwrap().to_str().unwrap(),
                parents_of(folder),
            ),
            _ => (stem, {
                let mut parents = vec![folder.join("mod.rs"), folder.with_extension("rs")];
                parents.extend(["lib.rs", "main.rs"].map(|root| folder.join(root)));
                parents
            }),
        };
        let declared = parents.iter().any(|parent| {
            let text = fs::read_to_string(parent).unwrap_or_default();
            blank(&text).lines().any(|line| {
                let line = line.trim().trim_end_matches(';');
                line.ends_with(&format!("mod {name}")) || line == format!("mod {name} {{")
            })
        });
        if !declared {
            let _ = writeln!(wrong, "{}: no module declares it", file.name);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// The files that may declare the module whose folder this is.
fn parents_of(folder: &Path) -> Vec<PathBuf> {
    let above = folder.parent().unwrap();
    let mut parents: Vec<_> = ["mod.rs", "lib.rs", "main.rs"]
        .iter()
        .map(|file| above.join(file))
        .collect();
    parents.push(above.with_extension("rs"));
    parents
}

#[test]
fn no_committed_file_holds_a_banned_word() {
    let mut wrong = String::new();
    let banned = BANNED.map(|(head, tail)| format!("{head}{tail}"));
    let data_folder = format!("{}{}", DATA_FOLDER.0, DATA_FOLDER.1);
    for path in files_below(root()) {
        let name = shown(&path);
        // Figures and lock files are data; what is not text cannot be read by people either.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        if has_extension(&path, "lock") {
            continue;
        }
        for (line, text) in numbered(&text) {
            for word in banned.iter().filter(|word| text.contains(word.as_str())) {
                let _ = writeln!(wrong, "{name}:{line}: `{word}`");
            }
            if text.contains(&data_folder) && name != ".ci/run" {
                let _ = writeln!(wrong, "{name}:{line}: `{data_folder}`");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_scenario_says_what_it_asks_and_can_be_run() {
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    let folder = root().join("scenarios");
    for path in files_below(folder.clone()).filter(|path| has_extension(path, "toml")) {
        let name = shown(&path);
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# "),
            "{name} does not begin with a comment"
        );
        if path.parent() == Some(&folder) {
            let loaded = read(&Source::new(&name, text), &[], &Beside(&folder))
                .unwrap_or_else(|error| panic!("{error}"));
            let variants =
                assemble(&loaded, &catalogue, book).unwrap_or_else(|error| panic!("{error}"));
            assert!(!variants.is_empty(), "{name} has no variant");
        } else if path.parent() == Some(&folder.join("traces")) {
            let recording = read_recording(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!recording.counts.is_empty(), "{name} holds no traffic");
        }
    }
}

#[test]
fn the_profile_in_the_readme_of_profiles_reads() {
    let text = fs::read_to_string(root().join("profiles/README.md")).unwrap();
    let example = text
        .split("```")
        .find(|block| block.contains("\nbase = "))
        .and_then(|block| block.strip_prefix("toml\n"))
        .expect("the README shows a file with `base`");
    let source = Source::new("models/claude-sonnet-5.toml", example);
    let own = Catalogue::load([(ProfileKind::Model, source)]).unwrap();
    let tpm = |catalogue: &Catalogue| {
        let model = catalogue.model("claude-sonnet-5").unwrap();
        model.quotas.iter().map(|quota| quota.tpm.0).max()
    };
    assert_eq!(tpm(&own), Some(12_000_000));
    assert_eq!(tpm(&Catalogue::builtin()), Some(6_000_000));
}

/// Files beside a scenario.
struct Beside<'p>(&'p Path);

impl Files for Beside<'_> {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(|error| error.to_string())
    }
}

#[test]
fn the_changelog_knows_this_version() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let heading = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    assert!(
        text.lines()
            .any(|line| line.starts_with(&heading) || line == "## [Unreleased]"),
        "CHANGELOG.md has neither `{heading}` nor `## [Unreleased]`"
    );
}

/// A file of `src`.
struct SourceFile {
    /// Its path in the project, with `/`.
    name: String,
    /// Its code without comments, texts and tests; the lines keep their numbers.
    shipped: String,
}

impl SourceFile {
    /// The top module that it belongs to; `None` for the crate's roots.
    fn module(&self) -> Option<&str> {
        let below = self.name.strip_prefix("src/")?;
        let top = below.split('/').next()?;
        let top = top.strip_suffix(".rs").unwrap_or(top);
        (top != "lib" && top != "main").then_some(top)
    }
}

/// Every file of `src` that is not all tests.
fn sources() -> Vec<SourceFile> {
    let files: Vec<_> = files_below(root().join("src"))
        .filter(|path| has_extension(path, "rs"))
        .map(|path| (shown(&path), path))
        .filter(|(name, _)| !name.ends_with("/tests.rs") && !name.contains("/tests/"))
        .map(|(name, path)| SourceFile {
            name,
            shipped: without_tests(&blank(&fs::read_to_string(path).unwrap())),
        })
        .collect();
    assert!(files.len() > 50, "the sources were not found");
    files
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder`, sorted, but for what builds, runs and version control leave.
fn files_below(folder: PathBuf) -> impl Iterator<Item = PathBuf> {
    const LEFT_OUT: [&str; 6] = [
        ".git",
        "target",
        "results/runs",
        "fuzz/target",
        "fuzz/corpus",
        "fuzz/artifacts",
    ];
    let mut folders = vec![folder];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if LEFT_OUT.contains(&shown(&path).as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files.into_iter()
}

/// A path below the project as messages show it.
fn shown(path: &Path) -> String {
    let inner = path.strip_prefix(root()).unwrap_or(path);
    inner.to_string_lossy().replace('\\', "/")
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension == wanted)
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

/// Whether `text` holds `word` with no identifier character on either side.
fn holds_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}
