//! Fallbacks and routes: the same requests go the same ways.

use super::{Case, check};

const FALLBACK: Case = Case {
    name: "fallback",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-5"
max_tokens = 200
[workload.arrival.poisson]
rate = "20/s"
[workload.tokens]
input  = { fixed = 300 }
output = { fixed = 20 }
[quota]
rpm = 60
[client]
retry = "none"
[[client.fallback]]
model = "claude-haiku-4-5"
[capacity.on_demand]
scope = "us"
"#,
    throttled_within: 0.03,
    attempts_within: 0.05,
    same_fates: false,
};

const CLASSIFIER: Case = Case {
    name: "classifier",
    scenario: r#"
[[workload]]
name = "chat"
model = "claude-sonnet-4-5"
max_tokens = 200
[workload.arrival.poisson]
rate = "20/s"
[workload.classifier]
model = "nova-micro"
output_tokens = 5
input_tokens = 100
hard_share = 0.3
accuracy = 0.9
easy = { model = "claude-haiku-4-5" }
[workload.tokens]
input  = { fixed = 300 }
output = { fixed = 20 }
[capacity.on_demand]
scope = "us"
"#,
    throttled_within: 0.0,
    attempts_within: 0.0,
    same_fates: true,
};

#[test]
fn a_fallback_agrees() {
    check(&FALLBACK);
}

#[test]
fn a_classifier_agrees() {
    check(&CLASSIFIER);
}
