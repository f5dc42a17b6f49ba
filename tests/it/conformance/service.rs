//! The service brain in full: what a scenario can ask of Regions, caches, tiers, guardrails and faults
//! beyond quotas.

use super::{Case, check};

const CACHE_POINTS: Case = Case {
    name: "cache-points",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 100
[workload.arrival.poisson]
rate = "20/s"
[workload.tokens]
input  = { fixed = 80 }
output = { fixed = 20 }
[workload.cache]
point = [
    { part = "system", tokens = 2000, variants = 2, ttl = "1h" },
    { part = "messages", tokens = 1500, variants = 3 },
]
[capacity.on_demand]
scope = "us"
[cache]
ready = "at_once"
"#,
    throttled_within: 0.0,
    attempts_within: 0.0,
    same_fates: true,
};

const FULL_REGIONS: Case = Case {
    name: "full-regions",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 100
[workload.arrival.poisson]
rate = "40/s"
[workload.tokens]
input  = { fixed = 80 }
output = { fixed = 60 }
[client.retry.none]
[capacity.on_demand]
scope = "us"
[service.routing]
policy = "random"
spill  = false
[[service.pool]]
region  = "*"
streams = 5
hop     = "10ms"
"#,
    throttled_within: 0.0,
    attempts_within: 0.0,
    same_fates: false,
};

const SLOW_DAY: Case = Case {
    name: "slow-day",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 100
[workload.arrival.poisson]
rate = "25/s"
[workload.tokens]
input  = { fixed = 80 }
output = { fixed = 30 }
[client.retry.aws_standard_2_1]
[capacity.on_demand]
scope = "us"
[[fault]]
kind   = "latency"
factor = 2.0
[[fault]]
kind  = "bad_gateway"
share = 0.1
after = "50ms"
[[fault]]
kind  = "access_denied"
share = 0.05
[[fault]]
kind  = "stream_error"
share = 0.1
"#,
    throttled_within: 0.0,
    attempts_within: 0.0,
    same_fates: true,
};

const FLEX: Case = Case {
    name: "flex",
    scenario: r#"
[[workload]]
name = "chat"
model = "nova-pro"
tier = "flex"
max_tokens = 100
[workload.arrival.poisson]
rate = "25/s"
[workload.tokens]
input  = { fixed = 80 }
output = { fixed = 30 }
[client.retry.aws_standard_2_1]
[quota]
rpm = 100000
[capacity.on_demand]
scope = "us"
[[variant]]
name = "flex"
service.flex_unavailable = 0.2
"#,
    throttled_within: 0.0,
    attempts_within: 0.0,
    same_fates: true,
};

const GUARDED: Case = Case {
    name: "guarded",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
guardrail = "house"
max_tokens = 100
[workload.arrival.poisson]
rate = "20/s"
[workload.tokens]
input  = { fixed = 80 }
output = { fixed = 30 }
[[guardrail]]
name = "house"
policies = ["content", "topics"]
input_block = 0.2
output_block = 0.1
stream = "async"
latency = { p50 = "60ms", p99 = "90ms" }
[capacity.on_demand]
scope = "us"
"#,
    throttled_within: 0.0,
    attempts_within: 0.0,
    same_fates: true,
};

const SESSIONS: Case = Case {
    name: "sessions",
    scenario: r#"
[[workload]]
name = "agent"
model = "claude-sonnet-4-6"
max_tokens = 100
[workload.arrival.poisson]
rate = "6/s"
[workload.tokens]
input  = { fixed = 200 }
output = { fixed = 30 }
[workload.session]
turns = { fixed = 4 }
think = { fixed = "200ms" }
[workload.cache]
prefix_tokens = 2000
history = true
[capacity.on_demand]
scope = "us"
"#,
    throttled_within: 0.0,
    attempts_within: 0.03,
    same_fates: false,
};

const QUOTA_CUT: Case = Case {
    name: "quota-cut",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 1000
[workload.arrival.poisson]
rate = "25/s"
[workload.tokens]
input  = { fixed = 500 }
output = { fixed = 50 }
[client.retry.none]
[capacity.on_demand]
scope = "us"
# A server counts from its own start.
[[quota.change]]
at     = "1ms"
factor = 0.01
"#,
    throttled_within: 0.06,
    attempts_within: 0.0,
    same_fates: false,
};

#[test]
fn cache_points_agree() {
    check(&CACHE_POINTS);
}

#[test]
fn full_regions_agree() {
    check(&FULL_REGIONS);
}

#[test]
fn a_slow_day_agrees() {
    check(&SLOW_DAY);
}

#[test]
fn a_service_tier_agrees() {
    check(&FLEX);
}

#[test]
fn a_guardrail_agrees() {
    check(&GUARDED);
}

#[test]
fn sessions_agree() {
    check(&SESSIONS);
}

#[test]
fn a_quota_cut_agrees() {
    check(&QUOTA_CUT);
}
