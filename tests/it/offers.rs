//! What can be bought or asked for beside plain on-demand use: what is refused, and what it costs.

use crate::running::{assert_valid, ready, ready_of, variant};
use bedload::domain::{PriceTier, Scope, ScopeKind, Term};
use bedload::live::{LivePlan, PlanError};
use bedload::plan::preview::preview;
use bedload::profile::Catalogue;
use bedload::report::check;
use bedload::results::SUMMARY_JSON_SCHEMA;
use bedload::units::{PicoPerToken, Usd};

const SCENARIO: &str = r#"
name = "offers"
seed = 3
duration = "30m"

[[workload]]
name = "chat"
model = "nova-pro"
max_tokens = 1000
arrival.poisson = { rate = "2/s" }
tokens.input  = { fixed = 1000 }
tokens.output = { fixed = 100 }

[capacity.on_demand]
scope = "us"
"#;

fn refused(sets: &[&str]) -> String {
    match ready(SCENARIO, sets) {
        Ok(_) => panic!("{sets:?} was accepted"),
        Err(error) => error.render(200, false),
    }
}

#[test]
fn prices_of_the_tiers_are_those_of_the_table() {
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    let prices = &book.models["nova-pro"];
    let dollars = PicoPerToken::from_dollars_per_million;
    for (tier, input, output) in [
        (PriceTier::Standard, 0.8, 3.2),
        (PriceTier::Flex, 0.4, 1.6),
        (PriceTier::Priority, 1.4, 5.6),
        (PriceTier::Batch, 0.4, 1.6),
        (PriceTier::LatencyOptimized, 1.0, 4.0),
    ] {
        let scope = Scope::Geo("us".to_owned());
        let own = prices.tokens_as(tier, &scope).unwrap();
        assert_eq!(
            (own.input, own.output),
            (dollars(input), dollars(output)),
            "{tier}"
        );
    }
}

#[test]
fn a_run_in_a_tier_costs_its_price() {
    let cost = |sets: &[&str]| {
        let summary = ready(SCENARIO, sets)
            .unwrap_or_else(|error| panic!("{error}"))
            .run();
        assert_valid(SUMMARY_JSON_SCHEMA, &summary.to_json());
        let one = summary.variants[0].clone();
        let each = one.cost.run_usd.unwrap() / one.requests.completed as f64;
        (each, one)
    };
    let near = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 1e-4, "{got} for {want}");
    // 1,000 in and 100 out.
    let (standard, one) = cost(&[]);
    near(standard, 0.001_12);
    assert!(one.workloads[0].tier.is_none());
    let (flex, one) = cost(&["workload.chat.tier=\"flex\""]);
    near(flex, 0.000_56);
    let tier = one.workloads[0].tier.clone().unwrap();
    assert_eq!((tier.asked.as_str(), tier.served_as_standard), ("flex", 0));
    assert_eq!(tier.served, one.requests.completed);
    assert!(one.attempts.unavailable > 0);
    let (priority, one) = cost(&["workload.chat.tier=\"priority\""]);
    near(priority, 0.001_96);
    let names = |name: &str| one.assumptions.iter().any(|own| own.name == name);
    assert!(names("service.priority_speedup") && !names("service.flex_slowdown"));
    let (batch, one) = cost(&["workload.chat.batch={ every = \"10m\" }"]);
    near(batch, 0.000_56);
    let jobs = one.workloads[0].batch.clone().unwrap();
    assert_eq!((jobs.jobs, jobs.records), (3, one.requests.completed));
    assert_eq!(jobs.cost_usd, one.cost.by_class.batch);
    assert_eq!(one.cost.by_class.input, Some(0.0));
    // Ten requests a minute are served faster and at 1.25 times the price, the others as standard.
    let sets = ["workload.chat.latency_optimized=true"];
    let (optimised, one) = cost(&sets);
    let tier = one.workloads[0].tier.clone().unwrap();
    let share = tier.served as f64 / (tier.served + tier.served_as_standard) as f64;
    assert!((0.06..0.12).contains(&share), "{share}");
    near(optimised, 0.001_12 * (1.0 + 0.25 * share));
}

#[test]
fn what_a_model_does_not_have_is_refused_at_its_place() {
    let claude = "workload.chat.model=\"claude-sonnet-4-6\"";
    let says = |sets: &[&str], words: &[&str]| {
        let complaint = refused(sets);
        for word in words {
            assert!(complaint.contains(word), "no `{word}` in {complaint}");
        }
    };
    for tier in ["flex", "priority"] {
        let set = format!("workload.chat.tier=\"{tier}\"");
        says(
            &[claude, &set],
            &[
                "Claude Sonnet 4.6 supports neither Priority nor Flex",
                "leave out `tier`",
            ],
        );
    }
    says(
        &[claude, "workload.chat.latency_optimized=true"],
        &["Claude Sonnet 4.6 has no latency-optimised inference"],
    );
    says(
        &[
            "workload.chat.model=\"claude-opus-5-5\"",
            "workload.chat.batch={}",
        ],
        &[
            "Claude Opus 5.5 has no batch inference",
            "leave out `batch`",
        ],
    );
    says(
        &[
            "workload.chat.latency_optimized=true",
            "service.region=\"us-west-2\"",
        ],
        &["from us-east-1 and us-east-2 only", "it is us-west-2"],
    );
    says(
        &[
            "capacity={ provisioned = { model_units = 1, unit_input_tpm = \"60k\", unit_output_tpm = \"9k\" } }",
            "workload.chat.tier=\"flex\"",
        ],
        &["`tier` does not go with `capacity.provisioned`"],
    );
}

#[test]
fn settings_that_exclude_each_other_are_told() {
    let says = |sets: &[&str], words: &str| {
        let complaint = refused(sets);
        assert!(complaint.contains(words), "{complaint}");
    };
    let batch = "workload.chat.batch={}";
    says(
        &[
            "workload.chat.tier=\"flex\"",
            "workload.chat.latency_optimized=true",
        ],
        "`latency_optimized` does not go with a `tier`",
    );
    says(
        &["workload.chat.tier=\"flex\"", batch],
        "`tier` does not go with `batch`",
    );
    says(
        &[
            batch,
            "workload.chat.arrival={ closed = { users = 3, think = \"1s\" } }",
        ],
        "`batch` does not go with `closed` arrivals",
    );
    says(
        &[batch, "workload.chat.session={ turns = { fixed = 3 } }"],
        "`batch` does not go with `[workload.session]`",
    );
    says(&["workload.chat.tier=\"fast\""], "priority");
    says(
        &["workload.chat.batch={ timeout = \"12h\" }"],
        "from 24h to 168h",
    );
    says(&["workload.chat.batch={ min_records = 0 }"], "min_records");
    says(
        &["workload.chat.batch={ min_records = 200, max_records = 100 }"],
        "must not be above `max_records`",
    );
    says(
        &["workload.chat.batch={ completion = { lognormal = { p50 = \"9h\", p99 = \"1h\" } } }"],
        "`p50` must not be above `p99`",
    );
    says(
        &["workload.chat.batch={ every = \"0s\" }"],
        "must be above zero",
    );
    says(
        &[
            batch,
            "capacity={ provisioned = { model_units = 1, unit_input_tpm = \"60k\", unit_output_tpm = \"9k\" } }",
        ],
        "bought capacity serves no workload",
    );
}

#[test]
fn a_live_run_submits_no_batch_jobs() {
    let ready = ready(SCENARIO, &["workload.chat.batch={}"]).unwrap_or_else(|e| panic!("{e}"));
    let scenario = &ready.loaded.scenario;
    let plan = LivePlan::new(
        &scenario.variants[0],
        &ready.variants[0],
        &Catalogue::builtin(),
        scenario.seed,
    );
    let error = plan.err().expect("a batch workload cannot be run live");
    assert_eq!(error, PlanError::IsBatch("chat".to_owned()));
    assert!(error.to_string().contains("submits no batch jobs"));
    assert!(error.help().contains("bedload simulate"));
}

#[test]
fn a_reservation_pays_near_full_use_only() {
    let catalogue = Catalogue::builtin();
    let prices = &catalogue.latest_prices().unwrap().models["claude-sonnet-4-6"];
    let on_demand = prices.tokens_in(ScopeKind::Global).unwrap();
    // u* = r / (60,000 p): 0.18 over 60,000 tokens an hour at $3 per million.
    let break_even =
        |per_hour: Usd, each: PicoPerToken| per_hour.dollars() / (each * 60_000).dollars();
    for (term, want) in [(Term::OneMonth, 1.0), (Term::ThreeMonths, 0.9)] {
        let mut offers = prices.reserved.iter();
        let offer = offers
            .find(|offer| offer.kind == ScopeKind::Global && offer.term == term)
            .unwrap();
        for (per_hour, each) in [
            (offer.input_per_hour_per_1k_tpm, on_demand.input),
            (offer.output_per_hour_per_1k_tpm, on_demand.output),
        ] {
            let got = break_even(per_hour, each);
            assert!((got - want).abs() < 1e-9, "{term}: {got}");
        }
    }
}

#[test]
fn a_reservation_may_count_output_by_its_burndown() {
    let reserved = "capacity={ reserved = { scope = \"global\", input_tpm = \"300k\", output_tpm = \"30k\", BURNDOWN } }";
    let share = |burndown: &str| {
        let capacity = reserved.replace("BURNDOWN", burndown);
        let sets = ["workload.chat.model=\"claude-sonnet-4-6\"", &capacity];
        let summary = ready(SCENARIO, &sets)
            .unwrap_or_else(|e| panic!("{e}"))
            .run();
        let prepaid = summary.variants[0].prepaid.clone().unwrap();
        (prepaid.share.unwrap(), prepaid.output_utilisation.unwrap())
    };
    // 12,000 output tokens a minute fit into 30,000; five times as many do not.
    let (once, used) = share("burndown = false");
    assert!(once > 0.99 && (0.3..0.5).contains(&used), "{once} {used}");
    let (five, used) = share("burndown = true");
    assert!(five < 0.7 && used > 0.8 && used <= 1.0, "{five} {used}");
}

#[test]
fn check_shows_batch_beside_the_quotas() {
    let ready = ready_of("batch-night", &[]);
    let previews: Vec<_> = ready
        .variants
        .iter()
        .map(|one| (one.context.name.clone(), preview(one, 31)))
        .collect();
    let document = check::json("batch-night", 31, &previews).to_string();
    assert_valid(check::SCHEMA, &document);
    let (on_demand, batch) = (&previews[0].1, &previews[1].1);
    let jobs = batch.workloads[1].batch.as_ref().unwrap();
    // Six of the twelve hours have records: 36 jobs of ten minutes.
    assert!((34.0..=38.0).contains(&jobs.jobs), "{jobs:?}");
    assert!((jobs.records_per_job - 1800.0).abs() < 100.0, "{jobs:?}");
    assert!(batch.workloads[0].batch.is_none());
    assert_eq!(batch.quotas[0].workloads, ["chat"]);
    assert_eq!(on_demand.quotas[0].workloads, ["chat", "summaries"]);
    let half = batch.workloads[1].token_cost.as_ref().unwrap().total();
    let whole = on_demand.workloads[1].token_cost.as_ref().unwrap().total();
    assert!((2.0 * half.dollars() / whole.dollars() - 1.0).abs() < 1e-6);
    assert!(
        batch
            .findings
            .iter()
            .any(|said| said.contains("goes to batch"))
    );
}

#[test]
fn a_batch_beside_reserved_capacity_uses_none_of_it() {
    let text = SCENARIO.replace("nova-pro", "claude-sonnet-4-6")
        + r#"
[[workload]]
name = "night"
model = "claude-haiku-4-5"
arrival.poisson = { rate = "1/s" }
tokens.input  = { fixed = 1000 }
tokens.output = { fixed = 100 }
batch = {}
"#;
    let capacity = "capacity={ reserved = { input_tpm = \"300k\", output_tpm = \"30k\" } }";
    let summary = ready(&text, &[capacity])
        .unwrap_or_else(|e| panic!("{e}"))
        .run();
    let one = variant(&summary, "base");
    let (chat, night) = (&one.workloads[0], &one.workloads[1]);
    let prepaid = one.prepaid.clone().unwrap();
    assert_eq!(prepaid.requests, chat.requests.completed);
    assert_eq!(night.requests.completed, night.requests.offered);
    assert!(night.cost.by_class.batch.unwrap() > 0.0);
    assert!(
        one.notes
            .iter()
            .any(|note| note.contains("do not use bought capacity"))
    );
    // Their hours do not enter the latencies of calls.
    assert_eq!(one.ttft_ms.count, chat.requests.completed);
    assert_eq!(one.e2e_ms.count, chat.requests.completed);
}
