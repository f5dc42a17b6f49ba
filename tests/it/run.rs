//! Live runs against a scripted server: what is sent, what is measured, and how runs end.

use crate::running::{assert_valid, ready};
use crate::scripted::{Answer, Reply, Scripted, Seen};
use bedload::live::{self, LiveError, LiveOptions, LivePlan, LiveRun, Refusal, Stop, Target};
use bedload::load::trace::TraceFormat;
use bedload::profile::Catalogue;
use bedload::results::{Absence, SUMMARY_JSON_SCHEMA, read_manifest, read_summary};
use bedload::units::{Micros, Usd};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SCENARIO: &str = r#"
name = "live"
seed = 3
duration = "1s"

[[workload]]
name = "chat"
model = "claude-haiku-4-5"
max_tokens = 64
arrival.constant = { rate = "50/s" }
tokens.input = { fixed = 200 }
tokens.output = { fixed = 8 }

[client.retry.none]
"#;

/// A place to write attempts to.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn options(url: &str) -> LiveOptions {
    LiveOptions {
        target: Target::parse(url).unwrap(),
        sign: false,
        threads: 1,
        max_in_flight: 1000,
        budget: None,
        preflight: false,
        calibrate: false,
        take_interrupts: false,
    }
}

fn plan(sets: &[&str]) -> LivePlan {
    let ready = ready(SCENARIO, sets).unwrap_or_else(|error| panic!("{error}"));
    let scenario = &ready.loaded.scenario;
    let catalogue = Catalogue::builtin();
    LivePlan::new(
        &scenario.variants[0],
        &ready.variants[0],
        &catalogue,
        scenario.seed,
    )
    .unwrap()
}

/// Runs the scenario and returns the run with the lines of its attempts.
fn run_with(
    sets: &[&str],
    change: impl FnOnce(&mut LiveOptions),
    server: &Scripted,
) -> (LiveRun, Vec<serde_json::Value>) {
    let mut options = options(&server.url());
    change(&mut options);
    let log = Shared::default();
    let run = live::run(plan(sets), &options, Box::new(log.clone()), &mut |_| ()).unwrap();
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (run, lines.collect())
}

fn run(sets: &[&str], script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> LiveRun {
    run_with(sets, |_| (), &Scripted::start(script)).0
}

fn ms(time: Option<Micros>) -> f64 {
    time.unwrap().as_millis_f64()
}

#[test]
fn marks_are_those_of_the_server() {
    let answer = Answer {
        ttft: Micros::from_millis(40),
        gap: Micros::from_millis(10),
        chunks: 5,
        breaks: None,
    };
    let server = Scripted::start(move |_, _| Reply::Answer(answer));
    let (run, lines) = run_with(&[], |_| (), &server);
    let all = run.measures.overall();
    assert_eq!((all.requests.offered, all.requests.completed), (50, 50));
    assert_eq!(all.tokens.output, 250);
    let within = |got: f64, want: f64| assert!(got >= want - 0.5 && got < want + 15.0, "{got}");
    within(ms(all.ttft.attempt().quantile(0.5)), 40.0);
    within(ms(all.e2e.attempt().quantile(0.5)), 80.0);
    within(run.live.chunk_gap_ms.p50.unwrap(), 10.0);
    assert_eq!(run.live.chunk_gap_ms.count, 200);
    assert_eq!(lines.len(), 50);
    for line in &lines {
        let us = |key: &str| {
            line[key]
                .as_u64()
                .unwrap_or_else(|| panic!("{key}: {line}"))
        };
        assert!(us("scheduled_us") <= us("sent_us"));
        assert!(us("sent_us") <= us("first_event_us"));
        assert!(us("first_event_us") <= us("first_token_us"));
        assert!(us("first_token_us") < us("last_content_us"));
        assert!(us("last_content_us") <= us("done_us"));
        assert_eq!(line["stop_reason"], "end_turn");
        assert_eq!(line["chunks"], 5);
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 50);
    assert!(seen[0].path.ends_with("/converse-stream"));
    assert!(seen[0].path.contains("anthropic.claude-haiku-4-5"));
    assert_eq!(seen[0].body["inferenceConfig"]["maxTokens"], 64);
    assert_eq!(seen[7].metadata("bedload-workload"), "chat");
    assert!(seen[7].metadata("bedload-request").ends_with(".1"));
    assert_eq!(seen[7].metadata("bedload-output"), "8");
    let text = seen[0].body["messages"][0]["content"][0]["text"].as_str();
    assert_eq!(text.unwrap().len().div_ceil(4), 200);
}

#[test]
fn the_tier_of_a_workload_is_sent() {
    let model = "workload.chat.model=\"nova-pro\"";
    let scope = "capacity={ on_demand = { scope = \"us\" } }";
    let sent = |set: &str| {
        let server = Scripted::start(|_, _| Reply::Answer(Answer::QUICK));
        let run = run_with(&[model, scope, set], |_| (), &server).0;
        (server.seen().remove(0).body, run.measures.overall())
    };
    let (body, all) = sent("workload.chat.tier=\"flex\"");
    assert_eq!(body["serviceTier"]["type"], "flex");
    // An answer that does not name a tier counts as what was asked.
    assert_eq!(all.in_tier, all.requests.completed);
    let (body, all) = sent("workload.chat.latency_optimized=true");
    assert_eq!(body["performanceConfig"]["latency"], "optimized");
    assert_eq!(all.in_tier, all.requests.completed);
    let (body, all) = sent("workload.chat.stream=true");
    assert!(body.get("serviceTier").is_none() && body.get("performanceConfig").is_none());
    assert_eq!(all.in_tier, 0);
}

#[test]
fn answers_that_are_not_streamed_have_no_first_token() {
    let run = run(&["workload.chat.stream=false"], |_, _| {
        Reply::Answer(Answer::QUICK)
    });
    let all = run.measures.overall();
    assert_eq!(all.requests.completed, 50);
    assert_eq!(all.ttft.logical().count(), 0);
    assert_eq!(all.e2e.logical().count(), 50);
    assert!(matches!(
        run.live.chunk_gap_ms.absent["p50"],
        Absence::NotApplicable
    ));
}

#[test]
fn the_brain_retries_and_every_attempt_is_a_row() {
    let retry =
        "client.retry={ exponential = { max_attempts = 3, base = \"20ms\", jitter = \"none\" } }";
    let server = Scripted::start(|_, seen| {
        if seen.metadata("bedload-request").ends_with(".3") {
            Reply::Answer(Answer::QUICK)
        } else {
            Reply::Error(
                429,
                "ThrottlingException:http://internal.amazon.com/coral/",
                "Too many tokens, please wait before trying again.",
            )
        }
    });
    let (run, lines) = run_with(&[retry], |_| (), &server);
    let all = run.measures.overall();
    assert_eq!(all.requests.completed, 50);
    assert_eq!((all.attempts.sent, all.attempts.throttled), (150, 100));
    assert_eq!(all.attempts.answered_by_number[2], 50);
    // Two backoffs of 20 and 40 ms are inside the one reading and not in the other.
    assert!(ms(all.ttft.logical().quantile(0.5)) >= 60.0);
    assert!(ms(all.ttft.attempt().quantile(0.5)) < 60.0);
    assert_eq!(lines.len(), 150);
    assert_eq!(
        lines.iter().filter(|l| l["end"] == "throttled").count(),
        100
    );
}

#[test]
fn the_sdk_retries_when_it_is_asked_to() {
    let server = Scripted::start(|number, _| {
        if number == 0 {
            Reply::Error(503, "ServiceUnavailableException", "Try later.")
        } else {
            Reply::Answer(Answer::QUICK)
        }
    });
    let sets = [
        "client.retry={ sdk = { max_attempts = 3 } }",
        "duration=200ms",
        "workload.chat.arrival.constant.rate=5/s",
    ];
    let (run, lines) = run_with(&sets, |_| (), &server);
    let all = run.measures.overall();
    assert_eq!((all.requests.offered, all.requests.completed), (1, 1));
    assert_eq!((all.attempts.sent, all.attempts.unavailable), (2, 1));
    assert_eq!(all.attempts.answered_by_number[1], 1);
    assert_eq!(lines.len(), 2);
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn every_failure_has_its_outcome() {
    let outcomes = |reply: Reply, sets: &[&str]| {
        let run = run(sets, move |_, _| reply.clone());
        let all = run.measures.overall();
        assert_eq!(all.requests.offered, all.requests.ended());
        (all.requests, all.attempts)
    };
    let (requests, attempts) = outcomes(Reply::Reset, &[]);
    assert_eq!((requests.failed, attempts.failed), (50, 50));
    let (requests, attempts) = outcomes(Reply::Hang, &["client.timeout=100ms"]);
    assert_eq!((requests.timed_out, attempts.timed_out), (50, 50));
    let busy = Reply::Error(503, "ServiceUnavailableException", "Try later.");
    let (requests, attempts) = outcomes(busy, &[]);
    assert_eq!((requests.failed, attempts.unavailable), (50, 50));
    for kind in ["throttlingException", "modelStreamErrorException", ""] {
        let broken = Answer {
            chunks: 5,
            breaks: Some((3, kind)),
            ..Answer::QUICK
        };
        let (requests, attempts) = outcomes(Reply::Answer(broken), &[]);
        assert_eq!((requests.failed, attempts.failed), (50, 50), "{kind}");
    }
}

#[test]
fn users_of_a_closed_loop_wait_for_their_answers() {
    let answer = Answer {
        ttft: Micros::from_millis(50),
        ..Answer::QUICK
    };
    let closed = "workload.chat.arrival={ closed = { users = 4, think = { fixed = \"50ms\" } } }";
    let run = run(&[closed], move |_, _| Reply::Answer(answer));
    let offered = run.measures.overall().requests.offered;
    // Four users with turns of a little over 100 ms in one second.
    assert!((20..=44).contains(&offered), "{offered}");
    assert!(run.live.most_open <= 4);
}

#[test]
fn what_finds_no_place_is_counted_and_spoils_the_run() {
    let server = Scripted::start(|_, _| Reply::Hang);
    let sets = ["client.timeout=3s"];
    let (run, _) = run_with(&sets, |options| options.max_in_flight = 5, &server);
    let requests = run.measures.overall().requests;
    assert_eq!(run.live.most_open, 5);
    assert_eq!((requests.timed_out, requests.not_sent), (5, 45));
    assert_eq!(run.live.crowded_out, 45);
    assert!(!run.live.valid);
    assert!(
        run.warnings
            .iter()
            .any(|text| text.contains("--max-in-flight"))
    );
}

#[test]
fn a_budget_is_a_hard_stop() {
    let server = Scripted::start(|_, _| Reply::Answer(Answer::QUICK));
    // One request at its worst costs about $0.0007 and in fact $0.00002.
    let budget = Usd::from_dollars(0.0012);
    let (run, _) = run_with(&[], |options| options.budget = Some(budget), &server);
    assert_eq!(run.stopped, Some(Stop::Budget));
    let spent = run.live.spent_usd.unwrap();
    assert!(spent > 0.0 && spent < 0.0012, "{spent}");
    assert!(server.seen().len() < 50);
    assert_eq!(run.live.stopped.as_deref(), Some("budget"));
}

#[test]
fn a_target_that_cannot_be_called_says_what_to_do() {
    let check = |reply: Reply, want: fn(&Refusal) -> bool, help: &str| {
        let server = Scripted::start(move |_, _| reply.clone());
        let options = LiveOptions {
            preflight: true,
            ..options(&server.url())
        };
        let result = live::run(plan(&[]), &options, Box::new(std::io::sink()), &mut |_| ());
        let Err(LiveError::Refused(refusal)) = result else {
            panic!("it ran");
        };
        assert!(want(&refusal), "{refusal:?}");
        assert!(refusal.help().contains(help), "{}", refusal.help());
    };
    let error = Reply::Error;
    check(
        error(
            403,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        |r| matches!(r, Refusal::ExpiredToken),
        "log in again",
    );
    check(
        error(
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        |r| matches!(r, Refusal::InvalidKey(_)),
        "AWS_ACCESS_KEY_ID",
    );
    check(
        error(
            403,
            "AccessDeniedException",
            "User is not authorized to perform: bedrock:InvokeModel",
        ),
        |r| matches!(r, Refusal::AccessDenied { .. }),
        "bedrock:InvokeModel",
    );
    check(
        error(
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
        ),
        |r| matches!(r, Refusal::NotEnabled { .. }),
        "console",
    );
    check(
        error(
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
        ),
        |r| matches!(r, Refusal::NoSuchModel { .. }),
        "AWS_REGION",
    );
    check(
        error(
            429,
            "ThrottlingException",
            "Too many requests, please wait before trying again.",
        ),
        |r| matches!(r, Refusal::Throttled(_)),
        "Service Quotas",
    );
}

#[test]
fn nothing_listens_is_said_plainly() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let result = live::run(
        plan(&[]),
        &options(&url),
        Box::new(std::io::sink()),
        &mut |_| (),
    );
    assert!(matches!(
        result,
        Err(LiveError::Refused(Refusal::NothingListens(_)))
    ));
    let unknown = options("http://no-such-host.invalid:9000");
    let result = live::run(plan(&[]), &unknown, Box::new(std::io::sink()), &mut |_| ());
    assert!(matches!(
        result,
        Err(LiveError::Refused(Refusal::UnknownHost(_)))
    ));
}

#[test]
fn cached_prefixes_are_equal_bytes_with_a_cache_point() {
    let server = Scripted::start(|_, _| Reply::Answer(Answer::QUICK));
    let cache = "workload.chat.cache={ prefix_tokens = 1500, prefixes = 2, ttl = \"1h\" }";
    run_with(
        &[cache, "workload.chat.prompts={ tools = 2 }"],
        |_| (),
        &server,
    );
    let mut prefixes: Vec<String> = Vec::new();
    for seen in server.seen() {
        let system = &seen.body["system"];
        assert_eq!(system[1]["cachePoint"]["ttl"], "1h");
        assert_eq!(
            seen.body["toolConfig"]["tools"].as_array().unwrap().len(),
            2
        );
        prefixes.push(system[0]["text"].as_str().unwrap().to_owned());
    }
    prefixes.sort();
    prefixes.dedup();
    assert_eq!(prefixes.len(), 2);
}

/// A folder with the scenario in it.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("live.toml"), SCENARIO).unwrap();
    place
}

fn program(place: &tempfile::TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedload"));
    command
        .current_dir(place.path())
        .args(["run", "live.toml", "--no-calibration", "--out", "out"])
        .args(args)
        .env("AWS_SECRET_ACCESS_KEY", "a-secret-that-must-not-be-kept")
        .env("AWS_ACCESS_KEY_ID", "an-id-that-must-not-be-kept")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[test]
fn the_program_writes_a_valid_folder_that_replays() {
    let server = Scripted::start(|_, _| Reply::Answer(Answer::QUICK));
    let place = place();
    let output = program(&place, &["--target", &server.url(), "--format", "json"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let code = output.status.code().unwrap();
    // A machine that is busy may spoil the run, which is not what is tested here.
    assert!(
        code == 0 || code == 6,
        "{code}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_valid(SUMMARY_JSON_SCHEMA, &text);
    let summary = read_summary(&text).unwrap();
    let variant = &summary.variants[0];
    assert_eq!(variant.requests.completed, 50);
    assert!(variant.quota.is_empty());
    assert_eq!(variant.tokens.quota_reserved, None);
    assert_eq!(variant.latency[0].origin, "measured");
    assert!(variant.live.is_some());
    let file = |name: &str| fs::read_to_string(place.path().join("out").join(name)).unwrap();
    assert!(!read_manifest(&file("manifest.json")).unwrap().partial);
    for name in [
        "manifest.json",
        "summary.json",
        "attempts.jsonl",
        "timeline.csv",
        "report.html",
    ] {
        let text = file(name);
        assert!(
            !text.contains("must-not-be-kept"),
            "{name} holds credentials"
        );
        assert!(!text.contains("the river carried"), "{name} holds prompts");
    }
    let attempts = file("attempts.jsonl");
    let trace = bedload::load::trace::read(TraceFormat::Attempts, None, attempts.as_bytes());
    let trace = trace.unwrap();
    assert_eq!(trace.rows.len(), 50);
}

#[test]
fn an_interrupt_drains_and_leaves_a_partial_run() {
    let answer = Answer {
        ttft: Micros::from_millis(300),
        ..Answer::QUICK
    };
    let server = Scripted::start(move |_, _| Reply::Answer(answer));
    let place = place();
    let child = program(&place, &["--target", &server.url(), "--set", "duration=1m"])
        .spawn()
        .unwrap();
    wait_for(|| server.seen().len() > 5);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let text = fs::read_to_string(place.path().join("out/summary.json")).unwrap();
    let summary = read_summary(&text).unwrap();
    assert!(summary.partial);
    let requests = summary.variants[0].requests;
    assert_eq!(
        requests.completed, requests.offered,
        "what was sent was awaited"
    );
}

#[test]
fn a_second_interrupt_stops_at_once() {
    let server = Scripted::start(|_, _| Reply::Hang);
    let place = place();
    let child = program(&place, &["--target", &server.url(), "--set", "duration=1m"])
        .spawn()
        .unwrap();
    wait_for(|| server.seen().len() > 5);
    interrupt(&child);
    std::thread::sleep(Duration::from_millis(300));
    let asked = now();
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(10));
    let text = fs::read_to_string(place.path().join("out/summary.json")).unwrap();
    let summary = read_summary(&text).unwrap();
    assert!(summary.partial);
    assert!(summary.variants[0].live.as_ref().unwrap().cut_off > 0);
}

#[test]
fn bedrock_needs_consent_and_says_what_it_may_cost() {
    let place = place();
    let output = program(&place, &["--target", "bedrock"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{talk}");
    assert!(talk.contains("50 requests, 1 attempts"), "{talk}");
    assert!(talk.contains("up to $0.0"), "{talk}");
    assert!(talk.contains("--yes"), "{talk}");
    assert!(!place.path().join("out").exists());
}

#[test]
fn a_missing_server_is_exit_code_4_and_leaves_no_folder() {
    let place = place();
    let output = program(&place, &["--target", "http://127.0.0.1:1"])
        .output()
        .unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{talk}");
    assert!(
        talk.contains("nothing listens at http://127.0.0.1:1"),
        "{talk}"
    );
    assert!(!place.path().join("out.partial").exists());
}

#[expect(clippy::disallowed_methods, reason = "a test of real time")]
fn now() -> Instant {
    Instant::now()
}

fn wait_for(done: impl Fn() -> bool) {
    let begin = now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_mins(1), "it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn interrupt(child: &std::process::Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
}

#[test]
fn whoever_of_two_attempts_is_left_carries_the_request() {
    let slow = Answer {
        ttft: Micros::from_millis(500),
        gap: Micros::from_millis(2),
        chunks: 3,
        breaks: None,
    };
    // By turns: the hedge is faster, it is refused, the first attempt times out while the hedge waits.
    let script = move |_: usize, seen: &Seen| {
        let (number, attempt) = seen.metadata("bedload-request").split_once('.').unwrap();
        match (number.parse::<u64>().unwrap() % 3, attempt) {
            (0, "2") => Reply::Answer(Answer::QUICK),
            (1, "2") => Reply::Error(429, "ThrottlingException", "Too many tokens"),
            (2, "1") => Reply::Hang,
            (2, "2") => Reply::Answer(Answer {
                ttft: Micros::from_millis(1100),
                ..slow
            }),
            _ => Reply::Answer(slow),
        }
    };
    let server = Scripted::start(script);
    let sets = [
        "client.hedge.after=200ms",
        "client.hedge.budget=1.0",
        "workload.chat.arrival.constant.rate=30/s",
        "client.timeout=1200ms",
    ];
    let (run, lines) = run_with(&sets, |_| (), &server);
    let all = run.measures.overall();
    assert_eq!((all.requests.offered, all.requests.completed), (30, 30));
    let hedges = all.attempts.hedges.unwrap();
    assert_eq!((hedges.sent, hedges.won, hedges.cancelled), (30, 10, 10));
    assert_eq!((all.attempts.throttled, all.attempts.timed_out), (10, 10));
    assert_eq!((all.attempts.sent, lines.len()), (60, 60));
    for line in &lines {
        let (turn, attempt) = (line["request"].as_u64().unwrap() % 3, &line["attempt"]);
        let end = match (turn, attempt.as_u64().unwrap()) {
            (0, 1) => "cancelled",
            (1, 2) => "throttled",
            (2, 1) => "client_timeout",
            _ => "answered",
        };
        assert_eq!(line["end"], end, "{line}");
    }
    // A second prompt is paid for, and what the dropped one used is not known.
    assert_eq!(run.live.attempts_sent, 60);
    assert_eq!(run.live.unaccounted_attempts, 20);
    let worst = |sets: &[&str]| live::worst_case(&plan(sets)).cost.unwrap().0;
    assert_eq!(worst(&sets), 2 * worst(&sets[2..]));
}
