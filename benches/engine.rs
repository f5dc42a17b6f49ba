//! Time per simulated request, and the event queue beside the standard library's heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use bedload::config::Source;
use bedload::profile::Catalogue;
use bedload::rng::Keyed;
use bedload::scenario::{Files, read};
use bedload::sim::{Class, EventQueue, RunSetup, assemble, run};
use bedload::units::Moment;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// A hundred requests per second for 500 s, with and without a cached prefix.
const SCENARIO: &str = r#"
name = "bench"
duration = "500s"

[[workload]]
name = "chat"
model = "claude-sonnet-4-5"
max_tokens = 1024
arrival.gamma = { rate = "100/s", cv = 2.0 }
tokens.input = { lognormal = { p50 = 900, p99 = 6000 } }
tokens.output = { lognormal = { p50 = 220, p99 = 900 } }

[slo]
ttft = { p99 = "3s" }

[client]
timeout = "60s"

[quota]
tpm = "20M"
rpm = 7000

[[variant]]
name = "plain"

[[variant]]
name = "cached"
[[variant.workload]]
name = "chat"
cache = { prefix_tokens = 6000, prefixes = 40 }
"#;

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("{path} is not there"))
    }
}

fn setups() -> Vec<(String, RunSetup)> {
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().expect("a price book is built in");
    let assembled = read(&Source::new("bench.toml", SCENARIO), &[], &NoFiles)
        .and_then(|loaded| assemble(&loaded, &catalogue, book));
    match assembled {
        Ok(variants) => variants
            .into_iter()
            .map(|variant| (variant.context.name, variant.setup))
            .collect(),
        Err(error) => panic!("{error}"),
    }
}

fn simulated_requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("simulate");
    for (name, setup) in setups() {
        group.throughput(Throughput::Elements(run(&setup, 1).simulated));
        group.bench_function(name, |b| b.iter(|| black_box(run(&setup, 1).simulated)));
    }
    group.finish();
}

/// Events pending at a time, about what a busy run holds.
const PENDING: u32 = 2_000;
const STEPS: u64 = 100_000;

/// The hold model: each event taken out schedules another one a random time later.
fn event_queue(c: &mut Criterion) {
    let mut group = c.benchmark_group("queue");
    group.throughput(Throughput::Elements(STEPS));
    let gaps = Keyed::new(1, "bench/gaps");
    let gap = |step: u64| gaps.bits(step) >> 44;

    group.bench_function("four_ary", |b| {
        b.iter(|| {
            let mut queue = EventQueue::new();
            for id in 0..PENDING {
                queue.push(Moment(gap(u64::from(id))), Class::Done, id);
            }
            for step in 0..STEPS {
                let Some(next) = queue.pop() else { break };
                queue.push(Moment(next.at.0 + gap(step)), Class::Done, next.id);
            }
            black_box(queue.len())
        });
    });
    group.bench_function("binary_heap", |b| {
        b.iter(|| {
            let mut serial = 0u64;
            let mut queue = BinaryHeap::new();
            for id in 0..PENDING {
                serial += 1;
                queue.push(Reverse((gap(u64::from(id)), Class::Done, serial, id)));
            }
            for step in 0..STEPS {
                let Some(Reverse((at, _, _, id))) = queue.pop() else {
                    break;
                };
                serial += 1;
                queue.push(Reverse((at + gap(step), Class::Done, serial, id)));
            }
            black_box(queue.len())
        });
    });
    group.finish();
}

criterion_group!(benches, simulated_requests, event_queue);
criterion_main!(benches);
