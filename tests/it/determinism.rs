//! The same scenario and seed give the same bytes, whatever the threads; variants are compared
//! on the same traffic.

use crate::running::{Ready, ready, ready_of, variant};
use bedload::results::{Summary, VariantSummary};

/// Everything that draws or merges: closed users, bursts, caches, faults, retries with jitter,
/// queues, bought capacity, replications.
const EVERY_DRAW: &str = r#"
name = "every-draw"
seed = 21
duration = "4m"
warmup = "30s"
replications = 6

[[workload]]
name = "users"
model = "llama-3-1-70b"
max_tokens = 700
arrival.closed = { users = 30, think = { exponential = { mean = "4s" } } }
tokens.input = { lognormal = { p50 = 900, p99 = 6000 } }
tokens.output = { lognormal = { p50 = 220, p99 = 600 } }

[[workload]]
name = "bursts"
model = "claude-haiku-4-5"
max_tokens = 1024
arrival.on_off = { rate = "4/s", burst_factor = 5, burst_share = 0.1, burst_length = "10s" }
tokens.input = { quantiles = [[0, 10], [0.5, 400], [1, 4000]] }
tokens.output = { mixture = [{ weight = 0.8, lognormal = { p50 = 220, p99 = 900 } }, { weight = 0.2, fixed = 12 }] }
tokens.rank_correlation = 0.3
cache = { prefix_tokens = 5000, prefixes = 7 }

[slo]
ttft = { p99 = "4s" }

[client]
timeout = "20s"
deadline = "45s"
concurrency = 40
queue = 60
instances = 3
retry.exponential = { max_attempts = 4, base = "500ms", cap = "10s", jitter = "decorrelated" }

[service]
ambient_load = 0.2

[quota]
tpm = "250k"

[[fault]]
kind = "unavailable"
share = 0.05
from = "1m"
until = "2m"

[[fault]]
kind = "model_timeout"
share = 0.02

[[variant]]
name = "on-demand"

[[variant]]
name = "sdk"
client.retry.aws_standard_2_1 = {}

[[variant]]
name = "bucket"
quota = { semantics = "C", window = "bucket" }
"#;

/// Model units under the same draws; only the first workload's model sells them.
const UNITS: &str = r#"
name = "units"
seed = 4
duration = "4m"
replications = 6

[[workload]]
name = "users"
model = "llama-3-1-70b"
max_tokens = 700
arrival.closed = { users = 60, think = { lognormal = { p50 = "1s", p99 = "9s" } } }
tokens.input = { lognormal = { p50 = 900, p99 = 6000 } }
tokens.output = { lognormal = { p50 = 220, p99 = 600 } }

[client]
timeout = "30s"
retry.exponential = { max_attempts = 3, jitter = "equal" }

[[fault]]
kind = "internal"
share = 0.03

[[variant]]
name = "refuse"
capacity.provisioned = { model_units = 1, unit_input_tpm = "60k", unit_output_tpm = "12k", unit_price_per_hour = "$20" }

[[variant]]
name = "queue"
capacity.provisioned = { model_units = 1, unit_input_tpm = "60k", unit_output_tpm = "12k", unit_price_per_hour = "$20", overload = "queue" }

[[variant]]
name = "overflow"
capacity.provisioned = { model_units = 1, unit_input_tpm = "60k", unit_output_tpm = "12k", overload = "on-demand" }
"#;

fn of(text: &str, sets: &[&str]) -> Ready {
    ready(text, sets).unwrap_or_else(|error| panic!("{error}"))
}

/// `summary.json` without its only part that may differ.
fn bytes(summary: &Summary) -> String {
    let mut document = serde_json::to_value(summary).unwrap();
    document.as_object_mut().unwrap().remove("engine").unwrap();
    serde_json::to_string_pretty(&document).unwrap()
}

fn unnamed(variant: &VariantSummary) -> VariantSummary {
    VariantSummary {
        name: String::new(),
        ..variant.clone()
    }
}

#[test]
fn threads_do_not_change_a_byte() {
    let quickstart = |threads| bytes(&ready_of("quickstart", &[]).run_on(threads));
    let first = quickstart(1);
    assert_eq!(first, quickstart(2));
    assert_eq!(first, quickstart(8));
    for text in [EVERY_DRAW, UNITS] {
        let on = |threads| bytes(&of(text, &[]).run_on(threads));
        let first = on(1);
        assert_eq!(first, on(1));
        assert_eq!(first, on(2));
        assert_eq!(first, on(8));
    }
}

#[test]
fn every_draw_is_drawn() {
    // The scenarios above prove nothing if what they name does not happen.
    let summary = of(EVERY_DRAW, &[]).run();
    for one in &summary.variants {
        assert_eq!(one.replications.len(), 6, "{}", one.name);
        assert!(one.tokens.cache_read > 0, "{}", one.name);
        assert!(one.attempts.throttled > 0, "{}", one.name);
        assert!(one.attempts.unavailable > 0, "{}", one.name);
        assert!(one.attempts.sent > one.requests.offered, "{}", one.name);
    }
    let summary = of(UNITS, &[]).run();
    assert!(variant(&summary, "refuse").attempts.throttled > 0);
    let overflow = variant(&summary, "overflow").prepaid.as_ref().unwrap();
    assert!(overflow.requests > 0 && overflow.share.unwrap() < 1.0);
}

#[test]
fn another_seed_gives_other_figures() {
    for text in [EVERY_DRAW, UNITS] {
        let with = |seed: &str| {
            let mut summary = of(text, &[seed, "replications=1"]).run();
            summary.seed = 0;
            for one in &mut summary.variants {
                one.replications.clear();
            }
            bytes(&summary)
        };
        assert_ne!(with("seed=21"), with("seed=22"));
    }
}

#[test]
fn a_variant_alone_is_the_variant_among_others() {
    for text in [EVERY_DRAW, UNITS] {
        let together = of(text, &["replications=2"]).run();
        for one in &together.variants {
            let alone = of(text, &["replications=2"]).only(&one.name).run();
            assert_eq!(&alone.variants, std::slice::from_ref(one));
        }
    }
}

#[test]
fn equal_variants_have_equal_figures() {
    let twice = format!("{UNITS}\n[[variant]]\nname = \"last\"\n[[variant]]\nname = \"again\"\n");
    let summary = of(&twice, &["replications=2"]).run();
    let (last, again) = (variant(&summary, "last"), variant(&summary, "again"));
    assert_eq!(unnamed(last), unnamed(again));
    assert_ne!(unnamed(last), unnamed(variant(&summary, "refuse")));
}

#[test]
fn variants_face_the_same_requests() {
    // Open traffic, nothing refused for good: all tokens are those of the traffic, so equal sums
    // mean equal sizes.
    let text = r#"
name = "same"
duration = "5m"
[[workload]]
name = "chat"
model = "claude-haiku-4-5"
max_tokens = 64000
arrival.gamma = { rate = "8/s", cv = 2.0 }
tokens.input = { lognormal = { p50 = 900, p99 = 6000 } }
tokens.output = { lognormal = { p50 = 220, p99 = 900 } }
[[fault]]
kind = "unavailable"
share = 0.1
[[variant]]
name = "hasty"
client.retry.exponential = { max_attempts = 30, base = "100ms", cap = "1s" }
[[variant]]
name = "patient"
client.retry.exponential = { max_attempts = 30, base = "5s", cap = "60s", jitter = "none" }
[[variant]]
name = "global"
client.retry.exponential = { max_attempts = 30, base = "1s", cap = "20s" }
capacity.on_demand.scope = "global"
[[variant]]
name = "no-retry"
client.retry = "none"
"#;
    let summary = of(text, &[]).run();
    let patient = variant(&summary, "patient");
    let offered = patient.requests.offered;
    assert!((2200..2600).contains(&offered), "{offered}");
    assert_eq!(patient.requests.completed, offered);
    for name in ["hasty", "global"] {
        let one = variant(&summary, name);
        assert_eq!(one.requests, patient.requests, "{name}");
        assert_eq!(one.tokens.input, patient.tokens.input, "{name}");
        assert_eq!(one.tokens.output, patient.tokens.output, "{name}");
        assert!(one.attempts.sent > offered, "{name}");
    }
    let no_retry = variant(&summary, "no-retry");
    assert_eq!(no_retry.requests.offered, offered);
    assert_eq!(no_retry.attempts.sent, offered);
    assert!(no_retry.tokens.input < patient.tokens.input);
}
