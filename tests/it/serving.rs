//! The program as processes: a server that ends with the test, and commands that end by themselves.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// A server that is stopped when the test ends.
pub struct Serving {
    child: Child,
    /// Where it listens.
    pub url: String,
}

impl Serving {
    /// Serves a scenario on a free port.
    pub fn start(scenario: &str, words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bedload"))
            .args(["serve", scenario, "--listen", "127.0.0.1:0"])
            .args(["--format", "json", "--quiet"])
            .args(words)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = child.stdout.take().expect("its output is piped");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the server says where it listens");
        let said: serde_json::Value = serde_json::from_str(&line).expect("in JSON");
        let url = said["listening"].as_str().expect("an address").to_owned();
        Self { child, url }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end and returns what it printed; a missed SLO is no failure.
pub fn bedload(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_bedload"))
        .args(words)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        matches!(output.status.code(), Some(0 | 5)),
        "bedload {words:?} ended with {}:\n{said}",
        output.status
    );
    String::from_utf8(output.stdout).expect("results are UTF-8")
}
