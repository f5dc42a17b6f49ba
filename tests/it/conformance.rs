//! One scenario, two ways: in virtual time, and live against the server. The two brains are the same
//! code, so both have to tell the same story.
//!
//! What does not depend on timing is compared exactly: which requests there are, how large they
//! are, and the fate that a keyed draw decides. The rest is compared within tolerances: the
//! throttled share, the attempts, and quantiles of latency.

mod lanes;
mod service;

use crate::serving::{Serving, bedload};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A scenario with what has to agree.
struct Case {
    name: &'static str,
    /// TOML after the common head.
    scenario: &'static str,
    /// Largest difference of the throttled share of requests.
    throttled_within: f64,
    /// Largest relative difference of the number of attempts.
    attempts_within: f64,
    /// Whether each request's first attempt must end alike in both.
    same_fates: bool,
}

/// Largest difference of a latency: a wall clock, a loopback and two processes on a busy machine.
const LATENCY_WITHIN_MS: f64 = 12.0;
/// The same, as a share.
const LATENCY_WITHIN: f64 = 0.04;

const HEAD: &str = r#"
seed     = 11
duration = "6s"
[service]
region  = "us-east-1"
geo_hop = "10ms"
[service.latency.fixed]
ttft      = "120ms"
per_token = "4ms"
"#;

const STEADY: Case = Case {
    name: "steady",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 400
[workload.arrival.poisson]
rate = "30/s"
[workload.tokens]
input  = { lognormal = { p50 = 300, p99 = 2000 } }
output = { lognormal = { p50 = 40, p99 = 200 } }
[capacity.on_demand]
scope = "us"
"#,
    throttled_within: 0.0,
    attempts_within: 0.0,
    same_fates: true,
};

const SPIKE_OVER_TPM: Case = Case {
    name: "spike-over-tpm",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 1000
[workload.arrival.poisson]
rate = "20/s"
[workload.shape.spike]
at = "2s"
length = "2s"
factor = 4.0
[workload.tokens]
input  = { fixed = 500 }
output = { fixed = 50 }
[quota]
tpm = "90k"
[client.retry.exponential]
max_attempts = 3
base = "300ms"
[capacity.on_demand]
scope = "us"
"#,
    throttled_within: 0.05,
    attempts_within: 0.05,
    same_fates: false,
};

const OVER_RPM: Case = Case {
    name: "over-rpm",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 100
[workload.arrival.poisson]
rate = "25/s"
[workload.tokens]
input  = { fixed = 50 }
output = { fixed = 20 }
[quota]
rpm = 80
[client.retry.aws_standard_2_1]
[capacity.on_demand]
scope = "us"
"#,
    throttled_within: 0.05,
    attempts_within: 0.05,
    same_fates: false,
};

const BURST_OF_503: Case = Case {
    name: "burst-of-503",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 100
[workload.arrival.poisson]
rate = "30/s"
[workload.tokens]
input  = { fixed = 50 }
output = { fixed = 20 }
[[fault]]
kind = "unavailable"
share = 0.4
[client.retry.aws_standard_2_1]
[capacity.on_demand]
scope = "us"
"#,
    throttled_within: 0.0,
    attempts_within: 0.0,
    same_fates: true,
};

const CACHE: Case = Case {
    name: "cache",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 100
[workload.arrival.poisson]
rate = "25/s"
[workload.tokens]
input  = { lognormal = { p50 = 60, p99 = 300 } }
output = { fixed = 20 }
[workload.cache]
prefix_tokens = 2000
prefixes = 6
[capacity.on_demand]
scope = "us"
"#,
    throttled_within: 0.0,
    attempts_within: 0.0,
    same_fates: true,
};

const PROVISIONED_OVERLOAD: Case = Case {
    name: "provisioned-overload",
    scenario: r#"
[[workload]]
name = "chat"
model = "nova-lite"
model_id = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdef123456"
max_tokens = 200
[workload.arrival.poisson]
rate = "20/s"
[workload.tokens]
input  = { fixed = 200 }
output = { fixed = 60 }
[client.retry.none]
[capacity.provisioned]
model_units = 1
unit_input_tpm = "600k"
unit_output_tpm = "45k"
overload = "refuse"
"#,
    throttled_within: 0.06,
    attempts_within: 0.0,
    same_fates: false,
};

const TIMEOUTS: Case = Case {
    name: "timeouts",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 400
[workload.arrival.poisson]
rate = "25/s"
[workload.tokens]
input  = { fixed = 100 }
output = { lognormal = { p50 = 40, p99 = 300 } }
[client]
timeout = "400ms"
[client.retry.exponential]
max_attempts = 2
base = "100ms"
[capacity.on_demand]
scope = "us"
"#,
    throttled_within: 0.0,
    attempts_within: 0.02,
    same_fates: false,
};

const HEDGING: Case = Case {
    name: "hedging",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 100
[workload.arrival.poisson]
rate = "30/s"
[workload.tokens]
input  = { fixed = 50 }
output = { fixed = 20 }
[[fault]]
kind = "slow_start"
share = 0.08
delay = "2s"
[client.hedge]
after = "400ms"
budget = 0.2
[client.retry.none]
[capacity.on_demand]
scope = "us"
"#,
    throttled_within: 0.0,
    attempts_within: 0.0,
    same_fates: true,
};

#[test]
fn hedging_agrees_and_halves_the_tail() {
    let (simulated, ran) = check(&HEDGING);
    let counts = |told: &Told| {
        let count = |key: &str| told.variant["attempts"][key].as_u64().unwrap();
        [count("hedged"), count("hedges_won"), count("cancelled")]
    };
    let [hedged, won, cancelled] = counts(&simulated);
    assert_eq!(counts(&ran), [hedged, won, cancelled]);
    // One in twelve hedges is slow as well, and then the first attempt is faster.
    assert!(hedged > 7 && 10 * won > 7 * hedged && cancelled == hedged);
    // p95 is 2.1 s without a hedge, and p99 needs more answers.
    for told in [&simulated, &ran] {
        assert!(told.number("/ttft_ms/p95") < 1000.0);
    }
}

#[test]
fn steady_traffic_agrees() {
    check(&STEADY);
}

#[test]
fn a_spike_over_the_token_quota_agrees() {
    check(&SPIKE_OVER_TPM);
}

#[test]
fn too_many_requests_agree() {
    check(&OVER_RPM);
}

#[test]
fn a_burst_of_503_agrees() {
    check(&BURST_OF_503);
}

#[test]
fn a_cache_agrees() {
    check(&CACHE);
}

#[test]
fn overloaded_units_agree() {
    check(&PROVISIONED_OVERLOAD);
}

#[test]
fn timeouts_agree() {
    check(&TIMEOUTS);
}

/// A run's summary and its attempts by workload, request and number.
struct Told {
    variant: Value,
    attempts: BTreeMap<(String, u64, u64), Value>,
}

impl Told {
    fn read(summary: &str, folder: &Path) -> Self {
        let summary: Value = serde_json::from_str(summary).unwrap();
        let text = fs::read_to_string(folder.join("attempts.jsonl")).unwrap();
        let attempts = text.lines().map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            let key = (
                row["workload"].as_str().unwrap().to_owned(),
                row["request"].as_u64().unwrap(),
                row["attempt"].as_u64().unwrap(),
            );
            (key, row)
        });
        Self {
            variant: summary["variants"][0].clone(),
            attempts: attempts.collect(),
        }
    }

    fn number(&self, pointer: &str) -> f64 {
        let value = self.variant.pointer(pointer);
        value
            .and_then(Value::as_f64)
            .unwrap_or_else(|| panic!("no {pointer} in {}", self.variant))
    }

    /// `request_input_tokens` and `request_output_tokens` of every first attempt.
    fn sizes(&self) -> BTreeMap<(String, u64), (u64, u64)> {
        let firsts = self.attempts.iter().filter(|((_, _, n), _)| *n == 1);
        firsts
            .map(|((workload, request, _), row)| {
                let tokens = |key: &str| row[key].as_u64().unwrap();
                let sizes = (
                    tokens("request_input_tokens"),
                    tokens("request_output_tokens"),
                );
                ((workload.clone(), *request), sizes)
            })
            .collect()
    }

    /// How every attempt ended.
    fn fates(&self) -> BTreeMap<&(String, u64, u64), &str> {
        self.attempts
            .iter()
            .map(|(key, row)| (key, row["end"].as_str().unwrap()))
            .collect()
    }
}

fn check(case: &Case) -> (Told, Told) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.toml");
    let text = format!("name = \"{}\"\n{HEAD}{}", case.name, case.scenario);
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let (virtually, live) = (folder.path().join("virtual"), folder.path().join("live"));
    let out = |path: &Path| path.to_str().unwrap().to_owned();

    let simulated = bedload(&[
        "simulate",
        file,
        "--attempts",
        "--format",
        "json",
        "--quiet",
        "--out",
        &out(&virtually),
    ]);
    let serving = Serving::start(file, &[]);
    let ran = bedload(&[
        "run",
        file,
        "--target",
        &serving.url,
        "--format",
        "json",
        "--quiet",
        "--out",
        &out(&live),
    ]);
    let simulated = Told::read(&simulated, &virtually);
    let ran = Told::read(&ran, &live);
    compare(case, &simulated, &ran);
    (simulated, ran)
}

fn compare(case: &Case, simulated: &Told, ran: &Told) {
    let name = case.name;
    assert_eq!(simulated.sizes(), ran.sizes(), "{name}: other requests");
    if case.same_fates {
        assert_eq!(simulated.fates(), ran.fates(), "{name}: other decisions");
    }
    let offered = simulated.number("/requests/offered");
    let share = |told: &Told| told.number("/requests/throttled") / offered;
    let (virtually, live) = (share(simulated), share(ran));
    assert!(
        (virtually - live).abs() <= case.throttled_within,
        "{name}: throttled {virtually} in virtual time, {live} live"
    );
    let (virtually, live) = (
        simulated.number("/attempts/sent"),
        ran.number("/attempts/sent"),
    );
    assert!(
        (virtually - live).abs() <= case.attempts_within * virtually,
        "{name}: {virtually} attempts in virtual time, {live} live"
    );
    for pointer in [
        "/attempt_ttft_ms/p50",
        "/attempt_ttft_ms/p90",
        "/attempt_e2e_ms/p50",
        "/attempt_e2e_ms/p90",
    ] {
        let (virtually, live) = (simulated.number(pointer), ran.number(pointer));
        let within = LATENCY_WITHIN_MS + LATENCY_WITHIN * virtually;
        assert!(
            (virtually - live).abs() <= within,
            "{name}: {pointer} is {virtually} ms in virtual time, {live} ms live"
        );
    }
    for pointer in [
        "/tokens/cache_read",
        "/tokens/cache_write",
        "/tokens/output",
    ] {
        if case.same_fates {
            let (virtually, live) = (simulated.number(pointer), ran.number(pointer));
            assert!(
                (virtually - live).abs() <= 0.05 * virtually,
                "{name}: {pointer} is {virtually} in virtual time, {live} live"
            );
        }
    }
}
