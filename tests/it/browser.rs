//! The report page in a real browser: Debian's Chromium, driven by playwright-core.
//!
//! Chromium has to be there (`apt-get install -y --no-install-recommends chromium`; where the tests run
//! as root on Debian they install it themselves), and Node.js with `npm`, which installs playwright-core
//! at its pinned version below the target folder, once.

use crate::clients::{installed, step};
use crate::report::bedload;
use crate::running::gallery;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use tempfile::TempDir;

const BROWSER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");
const CHROMIUM: &str = "/usr/bin/chromium";

/// What every check shares.
const LIBRARY: [&str; 2] = ["browser.mjs", "numbers.mjs"];

/// The folder of playwright-core, with a browser that it can drive.
fn playwright() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if std::env::var_os("BEDLOAD_CHROMIUM").is_none() && !Path::new(CHROMIUM).exists() {
            install_chromium();
        }
        let pins = ["package.json", "package-lock.json"];
        installed("browser", BROWSER, &pins, |folder| {
            for file in pins {
                fs::copy(Path::new(BROWSER).join(file), folder.join(file))
                    .expect("it is committed");
            }
            step(
                "installing playwright-core",
                Command::new("npm")
                    .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
                    .current_dir(folder),
            );
        })
    })
}

/// Works for root on Debian, and says what to do elsewhere.
fn install_chromium() {
    step(
        "installing chromium (the tests of the report page need it: `apt-get install -y \
         --no-install-recommends chromium`, or name another one in BEDLOAD_CHROMIUM)",
        Command::new("apt-get")
            .args(["install", "-y", "--no-install-recommends", "chromium"])
            .env("DEBIAN_FRONTEND", "noninteractive"),
    );
}

/// Pages of the gallery, each made once.
fn pages() -> &'static Path {
    static PLACE: OnceLock<TempDir> = OnceLock::new();
    let place = PLACE.get_or_init(|| {
        let place = tempfile::tempdir().unwrap();
        let make = |verb: &str, scenario: &Path, more: &[&str]| {
            let name = scenario.file_stem().unwrap().to_str().unwrap();
            let mut args = vec![verb, scenario.to_str().unwrap(), "--out", name, "--quiet"];
            args.extend(more);
            let output = bedload(place.path(), &args);
            // A variant that misses its SLO is no failure here.
            let done = matches!(output.status.code(), Some(0 | 5));
            assert!(done, "{}", String::from_utf8_lossy(&output.stderr));
        };
        let of = |name: &str| gallery().join(format!("{name}.toml"));
        make("simulate", &of("quickstart"), &[]);
        make(
            "plan",
            &of("buy-or-wait"),
            &["--no-verify", "--paths", "100"],
        );
        make("lab", &of("launch-spike"), &["--seeds", "2", "--no-tip"]);
        make(
            "simulate",
            &week(place.path()),
            &["--set", "workload.desk.arrival.gamma.rate=0.2/s"],
        );
        place
    });
    place.path()
}

/// A week of three variants.
fn week(place: &Path) -> PathBuf {
    let text = fs::read_to_string(gallery().join("diurnal-week.toml")).unwrap();
    let path = place.join("week.toml");
    fs::write(
        &path,
        text + "[[variant]]\nname = \"third-of-quota\"\nquota.tpm = \"2M\"\n",
    )
    .unwrap();
    path
}

/// Runs one check on pages; one browser at a time, so that times are those of one.
fn check(name: &str, pages_of: &[&str], more: &[&str]) {
    static TURN: Mutex<()> = Mutex::new(());
    let folder = playwright();
    let script = format!("check_{name}.mjs");
    let files: Vec<PathBuf> = pages_of
        .iter()
        .map(|one| pages().join(one).join("report.html"))
        .collect();
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // Node looks for packages beside the script.
    for file in LIBRARY.iter().copied().chain([script.as_str()]) {
        fs::copy(Path::new(BROWSER).join(file), folder.join(file)).expect("it is committed");
    }
    let said = step(
        &format!("checking the report page ({name})"),
        Command::new("node")
            .arg(&script)
            .args(files)
            .args(more)
            .current_dir(folder),
    );
    assert!(said.contains(&format!("{name}: holds")), "{said}");
}

const ALL: [&str; 4] = ["quickstart", "buy-or-wait", "launch-spike", "week"];

#[test]
fn the_page_opens_from_disk_quietly_and_alone() {
    check("opening", &ALL, &[]);
}

#[test]
fn every_number_on_the_page_is_one_of_the_document() {
    check("numbers", &ALL, &[]);
}

#[test]
fn variants_series_and_the_theme_are_switched() {
    check("switches", &["quickstart"], &[]);
}

#[test]
fn courses_over_time_are_zoomed_and_come_back() {
    check("zoom", &["week"], &[]);
}

#[test]
fn levers_show_what_was_computed() {
    check("levers", &["quickstart", "buy-or-wait"], &[]);
}

#[test]
fn the_page_is_read_without_scripts() {
    check("still", &["quickstart", "buy-or-wait"], &[]);
}

#[test]
fn texts_stand_out_in_the_light_and_in_the_dark() {
    check("colours", &["quickstart"], &[]);
    check("colours", &["buy-or-wait"], &[]);
}

#[test]
fn the_page_prints() {
    check("print", &["quickstart", "buy-or-wait"], &[]);
}

#[test]
fn a_week_of_three_variants_is_small_and_there_at_once() {
    check("speed", &ALL, &[]);
}

#[test]
fn the_page_looks_as_it_did() {
    let references = format!("{BROWSER}/references");
    check("looks", &["quickstart"], &[&references]);
}
