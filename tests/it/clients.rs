//! The server under real clients: boto3 and the AWS SDK for JavaScript.
//!
//! The clients are installed at pinned versions below the target folder, once, by their own package
//! managers: Python 3 with `venv` and Node.js with `npm` have to be there.

use crate::serving::Serving;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

/// Runs a step and shows all that it said if it fails.
pub fn step(what: &str, command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{what}: cannot start {command:?}: {error}; the tests need Python 3 and Node.js")
    });
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{what} failed:\n{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

/// A folder of installed packages that fits the files of `home` that pin them; `install` fills it otherwise.
pub fn installed(name: &str, home: &str, pins: &[&str], install: impl FnOnce(&Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let pinned: String = pins
        .iter()
        .map(|file| fs::read_to_string(Path::new(home).join(file)).expect("it is committed"))
        .collect();
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|text| text == pinned) {
        return folder;
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the target folder can be written");
    install(&folder);
    fs::write(stamp, pinned).expect("the target folder can be written");
    folder
}

/// The folder of a virtual environment with the packages that a file of `tests/clients` pins.
fn venv(name: &str, pins: &'static str) -> PathBuf {
    installed(name, CLIENTS, &[pins], |folder| {
        step(
            "making a virtual environment",
            Command::new("python3").args(["-m", "venv"]).arg(folder),
        );
        step(
            "installing Python packages",
            Command::new(folder.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--no-input"])
                .args(["--disable-pip-version-check", "-r", pins])
                .current_dir(CLIENTS),
        );
    })
}

/// The folder of a virtual environment with boto3.
pub fn boto3() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| venv("boto3", "requirements.txt"))
}

/// The folder of a virtual environment with moto, a server of S3 and `CloudWatch`.
pub fn moto() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| venv("moto", "requirements-moto.txt"))
}

/// The folder of the AWS SDK for JavaScript.
pub fn sdk_js() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let pins = ["package.json", "package-lock.json"];
        installed("sdk-js", CLIENTS, &pins, |folder| {
            for file in pins {
                fs::copy(Path::new(CLIENTS).join(file), folder.join(file))
                    .expect("it is committed");
            }
            step(
                "installing the AWS SDK for JavaScript",
                Command::new("npm")
                    .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
                    .current_dir(folder),
            );
        })
    })
}

#[test]
fn boto3_is_served() {
    let serving = Serving::start(&format!("{CLIENTS}/clients.toml"), &[]);
    let said = step(
        "checking with boto3",
        Command::new(boto3().join("bin/python"))
            .args(["-B", "check_boto3.py", &serving.url])
            .current_dir(CLIENTS),
    );
    assert!(said.contains("checks hold with boto3"), "{said}");
}

#[test]
fn the_javascript_sdk_is_served() {
    let folder = sdk_js();
    let serving = Serving::start(&format!("{CLIENTS}/clients.toml"), &[]);
    // Node looks for packages beside the script.
    let script = "check_sdk_js.mjs";
    fs::copy(Path::new(CLIENTS).join(script), folder.join(script)).expect("it is committed");
    let said = step(
        "checking with the AWS SDK for JavaScript",
        Command::new("node")
            .args([script, &serving.url])
            .current_dir(folder),
    );
    assert!(said.contains("checks hold"), "{said}");
}
