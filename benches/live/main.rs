//! `bedload run` and `bedload serve` beside what they are measured against, in one run.
//!
//! ```text
//! cargo bench --bench live                # all tables, some minutes
//! cargo bench --bench live -- clients     # one of: clients, server, accuracy, streams
//! ```
//!
//! The server has one core and the client another. `clients` compares a bare loop on the AWS SDK
//! for Rust, `bedload run` with everything that it measures, and a thread loop on boto3 (where a
//! Python with it is found), against a server that answers with fixed bytes at once. `server` is
//! `bedload serve` without latency under a raw HTTP client. `accuracy` gives `serve` a known
//! latency and shows what `run` reports above what the server itself measured. `streams` opens 2,000
//! of them. In these two both programs have real-time priority, on cores that are kept awake, where
//! that is allowed, and not with `--plain`.
//!
//! Without `--bench`, as `cargo test` calls it, every table is made once and briefly.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(
    clippy::print_stderr,
    reason = "a benchmark says what it could not measure"
)]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod accuracy;
mod bare;
mod boto3;
mod canned;
#[path = "../common/process.rs"]
#[allow(dead_code, reason = "other benchmarks need more of it")]
mod process;
mod raw;
mod scenario;

use process::Bedload;
use scenario::Scenario;
use serde_json::Value;
use std::time::Duration;

const SERVER_CORE: usize = 0;
const CLIENT_CORE: usize = 1;

/// How long each row is measured.
#[derive(Clone, Copy)]
struct Effort {
    row: Duration,
    streams: u32,
    brief: bool,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let brief = !words.iter().any(|word| word == "--bench");
    let effort = if brief {
        Effort {
            row: Duration::from_millis(500),
            streams: 20,
            brief,
        }
    } else {
        Effort {
            row: Duration::from_secs(10),
            streams: 2_000,
            brief,
        }
    };
    let wanted = |table: &str| {
        let named: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
        named.is_empty() || named.iter().any(|word| *word == table)
    };
    if wanted("clients") {
        clients(effort);
    }
    if wanted("server") {
        server(effort);
    }
    let plain = words.iter().any(|word| word == "--plain");
    if wanted("accuracy") {
        accuracy::table(effort, plain);
    }
    if wanted("streams") {
        println!(
            "\n{} streams at once, a chunk every 50 ms in each",
            effort.streams
        );
        accuracy::undisturbed(plain, || streams(effort));
    }
}

/// Requests per second of three clients on one core.
fn clients(effort: Effort) {
    println!("\nConverseStream calls per second, client on one core, server without latency");
    println!(
        "{:<34} {:>10} {:>10} {:>12}",
        "", "8 tokens", "64 tokens", "of bare SDK"
    );
    let tokens = [8u32, 64];
    let servers = tokens.map(|tokens| canned::Canned::start(SERVER_CORE, tokens));
    // Twice each, in turn, and the better one: other work on the machine comes and goes.
    let mut bare = [0.0f64; 2];
    let mut ours = [0.0f64; 2];
    for _ in 0..if effort.brief { 1 } else { 2 } {
        for (i, server) in servers.iter().enumerate() {
            let rate = bare::calls_per_second(CLIENT_CORE, &server.url, 64, effort.row);
            bare[i] = bare[i].max(rate);
            let summary = Scenario::closed(64, tokens[i], effort.row).run(&server.url, CLIENT_CORE);
            ours[i] = ours[i].max(completed_per_second(&summary));
        }
    }
    let row = |name: &str, rates: [f64; 2]| {
        let share = |i: usize| 100.0 * rates[i] / bare[i];
        println!(
            "{name:<34} {:>10.0} {:>10.0} {:>5.0} %{:>4.0} %",
            rates[0],
            rates[1],
            share(0),
            share(1)
        );
    };
    row("bare loop, AWS SDK for Rust", bare);
    row("bedload run", ours);
    let boto3: Vec<Option<f64>> = servers
        .iter()
        .map(|server| boto3::calls_per_second(CLIENT_CORE, &server.url, 8, effort.row))
        .collect();
    match boto3.as_slice() {
        [Some(short), Some(long)] => {
            row("boto3, 8 threads", [*short, *long]);
            println!(
                "bedload run / boto3: {:.1} and {:.1} times",
                ours[0] / short,
                ours[1] / long
            );
        }
        _ => eprintln!("boto3 was not found: `cargo test boto3` installs it for the tests"),
    }
}

/// Requests per second that a run completed.
///
/// # Panics
/// If the document has no such figures.
pub fn completed_per_second(summary: &Value) -> f64 {
    let variant = &summary["variants"][0];
    let completed = variant["requests"]["completed"].as_f64().unwrap();
    completed / variant["measured_s"].as_f64().unwrap()
}

/// Requests per second of the server on one core.
fn server(effort: Effort) {
    println!("\n`bedload serve` on one core, full quota accounting, no latency");
    println!(
        "{:<42} {:>12} {:>16} {:>9}",
        "", "calls/s", "server CPU us", "RSS MiB"
    );
    for (operation, name) in [
        ("converse", "Converse, 8 output tokens"),
        ("converse-stream", "ConverseStream, 8 chunks"),
    ] {
        let scenario = Scenario::served(0.0, 0.0, 8);
        let served = scenario.serve(SERVER_CORE);
        let before = served.cpu();
        let calls = raw::calls(CLIENT_CORE, served.url(), operation, 64, effort.row);
        let cpu = served.cpu().saturating_sub(before);
        println!(
            "{name:<42} {:>12.0} {:>16.1} {:>9.1}",
            calls as f64 / effort.row.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / calls.max(1) as f64,
            served.rss_mib()
        );
    }
}

/// Many streams at once: pacing, and memory on both sides.
fn streams(effort: Effort) {
    let count = effort.streams;
    // Streams that began together would stay in step; these begin one after the other.
    let length_s = 8.0f64.min(effort.row.as_secs_f64());
    let tokens = (length_s / 0.05) as u32;
    let rate = (f64::from(count) / length_s).ceil() as u32;
    let scenario = Scenario::served(50.0, 50.0, tokens);
    let served = scenario.serve(SERVER_CORE);
    let idle = served.rss_mib();
    let lasts = effort.row.mul_f64(2.5);
    let client = Scenario::open(rate, tokens, lasts).start_run(served.url(), CLIENT_CORE);
    std::thread::sleep(lasts.mul_f64(0.9));
    let (busy, generator) = (served.rss_mib(), client.rss_mib());
    let summary = client.summary();
    let live = &summary["variants"][0]["live"];
    println!(
        "server memory: {idle:.1} MiB idle, {busy:.1} MiB busy: {:.1} kB a stream",
        (busy - idle) * 1048.576 / f64::from(count)
    );
    println!("client memory: {generator:.1} MiB");
    println!(
        "gaps seen by the client: p50 {} ms, p99 {} ms",
        live["chunk_gap_ms"]["p50"], live["chunk_gap_ms"]["p99"]
    );
    println!("server's chunks, late by at most: {}", lateness(&served));
}

/// How late a server says that it wrote its chunks: upper bounds of the median and the 99th percentile.
pub fn lateness(served: &Bedload) -> String {
    let metrics = served.metrics();
    let buckets: Vec<(f64, f64)> = metrics
        .lines()
        .filter_map(|line| {
            let rest = line.strip_prefix("bedload_chunk_lateness_seconds_bucket{le=\"")?;
            let (bound, count) = rest.split_once("\"} ")?;
            Some((bound.parse().ok()?, count.parse().ok()?))
        })
        .collect();
    let all = buckets.last().map_or(0.0, |last| last.1);
    let at = |share: f64| {
        let found = buckets.iter().find(|bucket| bucket.1 >= share * all);
        found.map_or(f64::NAN, |bucket| bucket.0 * 1000.0)
    };
    format!("{:.2} / {:.2}", at(0.5), at(0.99))
}
