//! Recorded sessions whose calls wait for answers, in virtual time and on the wire.

use crate::running::Ready;
use bedload::config::{ConfigError, Source};
use bedload::live::{self, LiveOptions, LivePlan, Target};
use bedload::profile::Catalogue;
use bedload::results::VariantSummary;
use bedload::scenario::{Files, Loaded, read};
use bedload::serve::{Options, Server};
use bedload::sim::{Assembled, Serving, assemble};
use std::fmt::Write;

const SCENARIO: &str = r#"
name = "recorded"
seed = 5
duration = "30m"

[[workload]]
name = "talk"
model = "nova-lite"
max_tokens = 1000
[workload.arrival.trace]
file = "talk.csv"
sessions = "dependent"

[capacity.on_demand]
region = "us-east-1"

[service.latency.fixed]
ttft = "100ms"
per_token = "1ms"
"#;

/// Conversations of ten turns in `bedload.trace/1`: S = 6000, u = 100, o = 300. A turn follows `think_ms` after an answer
/// that took `took_ms`.
struct Talk {
    sessions: u64,
    apart_ms: u64,
    took_ms: u64,
    think_ms: u64,
}

impl Files for Talk {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        assert_eq!(path, "talk.csv");
        let mut rows: Vec<(u64, u64, u64)> = (0..self.sessions)
            .flat_map(|session| (0..10).map(move |turn| (session, turn)))
            .map(|(session, turn)| {
                let at = session * self.apart_ms + turn * (self.took_ms + self.think_ms);
                (at, session, 6000 + (turn + 1) * 100 + turn * 300)
            })
            .collect();
        rows.sort_unstable();
        let mut text = String::from(
            "# bedload.trace/1\nat_us,input_tokens,output_tokens,session,latency_us\n",
        );
        for (at, session, input) in rows {
            let took = self.took_ms;
            writeln!(text, "{at}000,{input},300,{session},{took}000").unwrap();
        }
        Ok(text.into_bytes())
    }
}

fn joined(files: &Talk, sets: &[&str]) -> Result<(Loaded, Vec<Assembled>), ConfigError> {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let loaded = read(&Source::new("s.toml", SCENARIO), &sets, files)?;
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    let assembled = assemble(&loaded, &catalogue, book)?;
    Ok((loaded, assembled))
}

fn simulate(files: &Talk, sets: &[&str]) -> VariantSummary {
    let (loaded, variants) = joined(files, sets).unwrap_or_else(|error| panic!("{error}"));
    let summary = Ready { loaded, variants }.run();
    summary.variants.into_iter().next().unwrap()
}

#[test]
fn recorded_conversations_send_all_that_was_said() {
    let talk = Talk {
        sessions: 20,
        apart_ms: 20_000,
        took_ms: 4000,
        think_ms: 10_000,
    };
    let one = simulate(&talk, &[]);
    let sessions = one.workloads[0].sessions.unwrap();
    assert_eq!(
        (sessions.started, sessions.completed, sessions.turns),
        (20, 20, 200)
    );
    // Ten turns are 79,000 input tokens (methods 1.8).
    assert_eq!(one.tokens.input, 20 * 79_000);
    // With a point that moves along, all but the newest token of each call is read or written.
    let cached = simulate(&talk, &["workload.talk.cache.history=true"]);
    assert_eq!(cached.tokens.input, 200);
    assert_eq!(cached.tokens.cache_write, 20 * (6100 + 9 * 400));
    // As recorded, the same requests come whatever becomes of the answers.
    let open = simulate(&talk, &["workload.talk.arrival.trace.sessions=as_recorded"]);
    assert_eq!(open.requests.offered, 200);
    assert!(open.workloads[0].sessions.is_none());
}

#[test]
fn a_slower_service_stretches_recorded_conversations() {
    let talk = Talk {
        sessions: 1,
        apart_ms: 0,
        took_ms: 4000,
        think_ms: 6000,
    };
    // Answers of 0.1 + 0.299 s: ten of them and nine thoughts take 58 s, and answers of 60 s do not fit into nine minutes.
    let quick = simulate(&talk, &["duration=60s"]);
    assert_eq!(quick.workloads[0].sessions.unwrap().completed, 1);
    let slow = simulate(
        &talk,
        &[
            "duration=9m",
            "service.latency.fixed={ttft=\"60s\",per_token=\"0s\"}",
        ],
    );
    let sessions = slow.workloads[0].sessions.unwrap();
    assert_eq!((sessions.completed, sessions.unfinished), (0, 1));
    assert_eq!(slow.requests.offered, 9);
    assert_eq!(sessions.turns, 9);
}

#[test]
fn a_failed_call_ends_a_recorded_conversation() {
    let talk = Talk {
        sessions: 20,
        apart_ms: 1000,
        took_ms: 4000,
        think_ms: 1000,
    };
    let one = simulate(&talk, &["quota.tpm=\"60k\"", "client.retry={none={}}"]);
    let sessions = one.workloads[0].sessions.unwrap();
    assert!(sessions.abandoned > 0, "{sessions:?}");
    assert_eq!(sessions.abandoned, one.requests.throttled);
    assert_eq!(one.requests.offered, sessions.turns + sessions.abandoned);
}

#[test]
fn jobs_and_dependent_traces_do_not_go_together() {
    let talk = Talk {
        sessions: 1,
        apart_ms: 0,
        took_ms: 1,
        think_ms: 1,
    };
    let error = joined(&talk, &["workload.talk.batch={}"])
        .unwrap_err()
        .to_string();
    assert!(error.contains("sessions are `dependent`"), "{error}");
}

#[test]
fn a_live_run_waits_for_answers_too() {
    let talk = Talk {
        sessions: 5,
        apart_ms: 150,
        took_ms: 40,
        think_ms: 60,
    };
    let sets = [
        "duration=4s",
        "workload.talk.cache.history=true",
        "service.latency.fixed={ttft=\"20ms\",per_token=\"0s\"}",
    ];
    let simulated = simulate(&talk, &sets);
    let (loaded, assembled) = joined(&talk, &sets).unwrap();
    let catalogue = Catalogue::builtin();
    let scenario = &loaded.scenario;
    let named = (scenario.name.as_str(), scenario.seed);
    let serving = Serving::new(named, &scenario.variants[0], &assembled[0], &catalogue);
    let server = Server::start(serving, Options::default()).unwrap();
    let plan = LivePlan::new(
        &scenario.variants[0],
        &assembled[0],
        &catalogue,
        scenario.seed,
    );
    let options = LiveOptions {
        target: Target::parse(&server.url()).unwrap(),
        sign: false,
        threads: 1,
        max_in_flight: 100,
        budget: None,
        preflight: false,
        calibrate: false,
        take_interrupts: false,
    };
    let sink = Box::new(std::io::sink());
    let live = live::run(plan.unwrap(), &options, sink, &mut |_| ()).unwrap();
    let all = live.measures.overall();
    assert_eq!(all.requests.completed, 50);
    assert_eq!(simulated.requests.completed, 50);
    let counts = all.sessions.unwrap();
    assert_eq!((counts.completed, counts.turns), (5, 50));
    let (seen, expected) = (all.tokens, simulated.tokens);
    let prompts = |input, read, write| input + read + write;
    let sent = prompts(seen.input, seen.cache_read, seen.cache_write);
    assert_eq!(
        sent,
        prompts(expected.input, expected.cache_read, expected.cache_write)
    );
    // One token follows the point of each call.
    assert_eq!(sent, 5 * (79_000 + 10));
    assert_eq!(seen.cache_write, expected.cache_write);
}
