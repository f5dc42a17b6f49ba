//! boto3 and the AWS SDK for JavaScript, at the versions that `tests/clients` pins.

use super::{
    THROTTLED, Tape, adaptive_server, assert_full_jitter, assert_quick, assert_same_attempts,
    assert_same_rate, hard_server, preset_retries, refusal,
};
use crate::clients::{CLIENTS, boto3, sdk_js, step};
use bedload::client::spec::RetryPolicy;
use bedload::domain::Failure;
use std::fs;
use std::path::Path;
use std::process::Command;

const NEW: RetryPolicy = RetryPolicy::AwsStandard21 { max_attempts: 3 };
const ADAPTIVE_ONCE: RetryPolicy = RetryPolicy::AwsAdaptive { max_attempts: 1 };

/// What a script is to do: its words are explained in `tests/clients/retry_boto3.py`.
struct Calls {
    mode: &'static str,
    attempts: u32,
    clients: usize,
    tasks: usize,
    calls: usize,
    seconds: f64,
}

impl Calls {
    /// `clients` calls, each of a client of its own.
    fn alone(mode: &'static str, clients: usize) -> Self {
        Self {
            mode,
            attempts: 0,
            clients,
            tasks: 1,
            calls: 1,
            seconds: 60.0,
        }
    }

    /// `tasks` calls of one client at the same time.
    fn together(tasks: usize) -> Self {
        Self {
            clients: 1,
            tasks,
            ..Self::alone("standard", 1)
        }
    }

    /// `calls` calls of one client, one after the other.
    fn in_a_row(calls: usize) -> Self {
        Self {
            calls,
            ..Self::alone("standard", 1)
        }
    }

    /// Calls of one client in adaptive mode, one after the other and never tried again.
    fn adaptive() -> Self {
        Self {
            attempts: 1,
            calls: 10_000,
            seconds: 7.5,
            ..Self::alone("adaptive", 1)
        }
    }

    fn words(&self, tape: &Tape) -> Vec<String> {
        vec![
            tape.server.url(),
            self.mode.to_owned(),
            self.attempts.to_string(),
            self.clients.to_string(),
            self.tasks.to_string(),
            self.calls.to_string(),
            self.seconds.to_string(),
        ]
    }
}

fn python(tape: &Tape, calls: &Calls) {
    step(
        "calling with boto3",
        Command::new(boto3().join("bin/python"))
            .args(["-B", "retry_boto3.py"])
            .args(calls.words(tape))
            .current_dir(CLIENTS),
    );
}

fn node(tape: &Tape, calls: &Calls) {
    let folder = sdk_js();
    let script = "retry_sdk_js.mjs";
    let there = folder.join(script);
    // Node looks for packages beside the script; other tests may be running the one that is there.
    let text = fs::read_to_string(Path::new(CLIENTS).join(script)).expect("it is committed");
    if fs::read_to_string(&there).is_ok_and(|old| old != text) || !there.exists() {
        fs::write(&there, text).expect("the target folder can be written");
    }
    step(
        "calling with the AWS SDK for JavaScript",
        Command::new("node")
            .arg(script)
            .args(calls.words(tape))
            .current_dir(folder),
    );
}

fn refusing(failure: Failure) -> Tape {
    Tape::start(move |_, _, _| refusal(failure))
}

/// What both clients do since 2026: delays, quota, and the attempts of calls in a row.
fn assert_standard(name: &str, run: impl Fn(&Tape, &Calls)) {
    let what = |rest: &str| format!("{name}, {rest}");
    let throttled = refusing(THROTTLED);
    run(&throttled, &Calls::alone("standard", 60));
    assert_full_jitter(&what("standard, 429"), &throttled.heard(), 3, 1.0);
    let ill = refusing(Failure::Unavailable);
    run(&ill, &Calls::alone("standard", 60));
    assert_quick(&what("standard, 503"), &ill.heard(), 3);
    for failure in [THROTTLED, Failure::Unavailable] {
        let tape = refusing(failure);
        run(&tape, &Calls::together(60));
        let made = tape.moments().len() - 60;
        eprintln!("{name}, {failure:?}: {made} retries of 60 calls");
        assert_eq!(made, preset_retries(NEW, failure, 60), "{name}");
    }
    let tape = hard_server(90);
    run(&tape, &Calls::in_a_row(90));
    assert_same_attempts(&what("a row of 503"), &tape, NEW, 90);
}

#[test]
fn boto3_standard_is_the_preset() {
    assert_standard("boto3", python);
}

#[test]
fn the_javascript_sdk_is_the_preset() {
    assert_standard("JavaScript", node);
}

#[test]
fn boto3_legacy_is_the_preset() {
    // Five attempts, with 15 s between the first and the last at most; both failures at the same time.
    let tapes = [THROTTLED, Failure::Unavailable].map(refusing);
    std::thread::scope(|scope| {
        for tape in &tapes {
            scope.spawn(|| python(tape, &Calls::alone("legacy", 40)));
        }
    });
    for (tape, code) in tapes.iter().zip([429, 503]) {
        assert_full_jitter(&format!("boto3, legacy, {code}"), &tape.heard(), 5, 1.0);
    }
}

#[test]
fn adaptive_modes_are_the_preset() {
    let tapes = [adaptive_server(), adaptive_server()];
    python(&tapes[0], &Calls::adaptive());
    assert_same_rate("boto3, adaptive", &tapes[0], ADAPTIVE_ONCE);
    node(&tapes[1], &Calls::adaptive());
    assert_same_rate("JavaScript, adaptive", &tapes[1], ADAPTIVE_ONCE);
}
