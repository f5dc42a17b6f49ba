//! Requests simulated per second on one core: the minimal kernel, and the full logic on the
//! quickstart's on-demand variant and on a cached chat.
//!
//! ```text
//! cargo bench --bench throughput              # 4 million requests per row
//! cargo bench --bench throughput -- 100       # 100 million per row: memory must stay flat
//! ```
//!
//! Each row is run three times and the best is printed with the others beside it, because the
//! machines that run this are rarely idle. The hash of what was measured is printed so that
//! nobody can optimise the work away.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use bedload::config::Source;
use bedload::load::spec::{ArrivalSpec, SizeSpec};
use bedload::measure::LatencyHistogram;
use bedload::profile::Catalogue;
use bedload::rng::{Keyed, stream};
use bedload::scenario::{self, Files};
use bedload::service::Meter;
use bedload::sim::{Class, EventQueue, RunSetup, assemble, run};
use bedload::units::{Micros, Moment, PerSecond};
use rand_distr::{Distribution, Exp1};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::Instant;

struct Gallery;

impl Files for Gallery {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(gallery().join(path)).map_err(|error| error.to_string())
    }
}

fn gallery() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// All that can be on at once: cache, two Regions with pools, a guardrail, faults.
const EVERYTHING: &str = r#"
name = "everything"
duration = "10m"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
guardrail = "house"
max_tokens = 1024
arrival.poisson = { rate = "40/s" }
[workload.tokens]
input  = { lognormal = { p50 = 600, p99 = 4000 } }
output = { lognormal = { p50 = 220, p99 = 900 } }
[workload.cache]
prefix_tokens = 2000
prefixes = 40
[quota]
tpm = "100M"
rpm = 100000
enforce_tpd = false
[[guardrail]]
name = "house"
policies = ["content", "sensitive"]
input_block = 0.01
output_block = 0.01
mask = 0.02
units_per_second = 10000
burst = 10000
[capacity.on_demand]
scope = "jp"
[service]
region = "ap-northeast-1"
[service.routing]
policy = "least_loaded"
[[service.pool]]
region = "*"
streams = 2000
ambient = 0.3
[[fault]]
kind = "unavailable"
share = 0.01
[[fault]]
kind = "stream_error"
share = 0.001
[[fault]]
kind = "latency"
factor = 1.5
every = "5m"
for = "1m"
"#;

/// A variant of a scenario of the gallery, repeated or prolonged to `requests` requests.
fn variant(file: &str, name: &str, requests: f64) -> RunSetup {
    let bytes = fs::read(gallery().join(file)).expect("the gallery is part of the project");
    prolonged(
        &Source::from_bytes(file, &bytes).expect("it is UTF-8"),
        name,
        requests,
    )
}

fn prolonged(source: &Source, name: &str, requests: f64) -> RunSetup {
    let loaded = scenario::read(source, &[], &Gallery).expect("a test reads every scenario");
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().expect("a price book is built in");
    let assembled = assemble(&loaded, &catalogue, book).expect("a test joins every scenario");
    let one = assembled.into_iter().find(|one| one.context.name == name);
    let mut setup = one.expect("the variant exists").setup;
    let rate = match &mut setup.workloads[0].traffic.arrival {
        ArrivalSpec::Recorded(replay) => {
            replay.scale.repeat = true;
            let counts: u64 = replay.recording.counts.iter().map(|&n| u64::from(n)).sum();
            let span =
                replay.recording.interval.as_secs_f64() * replay.recording.counts.len() as f64;
            counts as f64 * f64::from(replay.scale.copies) / span
        }
        ArrivalSpec::Poisson {
            rate: PerSecond(rate),
        } => *rate,
        _ => unreachable!("the rows below are recorded or Poisson"),
    };
    setup.duration = Micros::from_secs_f64(requests / rate);
    setup
}

fn full_logic(setup: &RunSetup, seed: u64) -> (u64, u64) {
    let measures = run(setup, seed);
    let mut hasher = DefaultHasher::new();
    format!("{:?}", measures.workloads[0].requests).hash(&mut hasher);
    (measures.simulated, hasher.finish())
}

/// Poisson arrivals, two size draws, a token bucket, the event queue and one histogram.
fn kernel(requests: u64, seed: u64) -> (u64, u64) {
    let sizes = bedload::load::sizes::SizeSampler::new(&SizeSpec::Quantiles(vec![
        (0.0, 1.0),
        (0.5, 900.0),
        (0.99, 6000.0),
        (1.0, 9000.0),
    ]));
    let (input, output) = (Keyed::new(seed, "input"), Keyed::new(seed, "output"));
    let mut gaps = stream(seed, "gaps");
    let mut quota = Meter::new(bedload::domain::Window::Bucket, 12_000_000, Micros::MINUTE);
    let mut queue = EventQueue::new();
    let mut latencies = LatencyHistogram::new();
    let (mut clock, mut refused) = (0.0f64, 0u64);
    for id in 0..requests {
        let gap: f64 = Exp1.sample(&mut gaps);
        clock += gap * 10_000.0;
        let now = Moment(clock as u64);
        while queue.next_at().is_some_and(|at| at <= now) {
            queue.pop();
        }
        let tokens = u64::from(sizes.draw(input, id)) + u64::from(sizes.draw(output, id));
        if !quota.fits(now, tokens as i64) {
            refused += 1;
            continue;
        }
        quota.take(now, tokens as i64);
        let service = Micros(500_000 + tokens * 500);
        queue.push(now + service, Class::Done, id as u32);
        latencies.record(service);
    }
    (requests, latencies.count() ^ (refused << 32))
}

fn row(name: &str, work: impl Fn(u64) -> (u64, u64)) {
    let mut seconds = Vec::new();
    let (mut requests, mut hash) = (0, 0);
    for _ in 0..3 {
        let clock = Instant::now();
        (requests, hash) = work(1);
        seconds.push(clock.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let rates = seconds
        .iter()
        .map(|s| format!("{:.2}", requests as f64 / s / 1e6));
    let rates: Vec<String> = rates.collect();
    println!(
        "{name:<42} {:>6} M req/s   {:>4.0} ns/req   runs {}   {requests} requests   {hash:016x}",
        rates[0],
        seconds[0] * 1e9 / requests as f64,
        rates.join(" "),
    );
}

/// Peak resident memory of this process in MiB, where the system tells.
fn peak_memory_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<f64>()
        .ok()
        .map(|kib| kib / 1024.0)
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    // `cargo test --benches` runs this once with a tiny input, so that it cannot rot.
    let is_test = !args.iter().any(|arg| arg == "--bench");
    let millions = args.iter().find_map(|arg| arg.parse::<f64>().ok());
    let requests = if is_test {
        2e4
    } else {
        millions.unwrap_or(4.0) * 1e6
    };
    row("minimal kernel", |seed| kernel(requests as u64, seed));
    let quickstart = variant("quickstart.toml", "on-demand", requests);
    row("quickstart, on-demand (full logic)", |seed| {
        full_logic(&quickstart, seed)
    });
    let chat = variant("steady.toml", "cached", requests);
    row("steady chat with cache (full logic)", |seed| {
        full_logic(&chat, seed)
    });
    let source = Source::new("everything.toml", EVERYTHING);
    let everything = prolonged(&source, "base", requests);
    row("cache, two Regions, guardrail and faults", |seed| {
        full_logic(&everything, seed)
    });
    if let Some(mib) = peak_memory_mib() {
        println!("peak memory {mib:.0} MiB");
    }
}
