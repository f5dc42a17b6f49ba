//! Plans whose end is known: evenly spaced requests of fixed size.

use super::*;
use crate::config::Source;
use crate::domain::{Scope, Term};
use crate::plan::purchase::{MeanCall, Paths, WorkloadDemand};
use crate::profile::Catalogue;
use crate::scenario::{Files, Loaded, read};
use crate::units::Micros;

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no file {path} in this test"))
    }
}

/// 3,000 in, 400 out and `max_tokens` 1,000 on Sonnet 4.6 at $3 and $15: a cent and a half.
fn scenario(tpm: &str) -> Loaded {
    let text = format!(
        r#"
name = "t"
duration = "10m"
[capacity.on_demand]
scope = "global"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 1000
arrival.constant = {{ rate = "1/s" }}
tokens.input = {{ fixed = 3000 }}
tokens.output = {{ fixed = 400 }}
[quota]
tpm = "{tpm}"
[slo]
throttled_share = 0.01
[client.retry.none]
"#
    );
    match read(&Source::new("s.toml", text), &[], &NoFiles) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{error}"),
    }
}

/// Requests of every hour of the week, growing by these factors.
fn demand(hour: f64, factors: &[f64]) -> Demand {
    let call = MeanCall {
        input: 3000.0,
        output: 400.0,
        reserved: 4000.0,
        settled: 5000.0,
        on_demand: Some(Usd::from_dollars(0.015)),
        ..MeanCall::default()
    };
    Demand {
        workloads: vec![WorkloadDemand {
            name: "chat".to_owned(),
            model: "claude-sonnet-4-6".to_owned(),
            scope: Scope::Global,
            week: vec![hour; 168],
            minute_cv: 0.0,
            call,
            deferrable: None,
            is_batch: false,
        }],
        paths: Paths {
            months: factors.len(),
            paths: 1,
            factors: factors.to_vec(),
        },
        notes: Vec::new(),
        warnings: Vec::new(),
    }
}

fn pool(tpm: u64) -> Pool {
    Pool {
        model: "claude-sonnet-4-6".to_owned(),
        model_title: "Claude Sonnet 4.6".to_owned(),
        scope: Scope::Global,
        workloads: vec![0],
        tpm: TokensPerMinute(tpm),
        rpm: None,
    }
}

fn blocks() -> Rung {
    Rung {
        block: Held::Reserved {
            scope: Scope::Global,
            term: Term::OneMonth,
            input_tpm: TokensPerMinute(100_000),
            output_tpm: TokensPerMinute(20_000),
            burndown: false,
        },
        per_hour: Some(Usd::from_dollars(27.0)),
        least: 1,
    }
}

fn verified(loaded: &Loaded, demand: &Demand, pool: &Pool, rung: Option<&Rung>) -> Verification {
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    let held = vec![Holding::nothing(Scope::Global); demand.paths.months];
    let asked = Asked {
        sources: Sources {
            loaded,
            catalogue: &catalogue,
            book,
        },
        variant: &loaded.scenario.variants[0],
        demand,
        pool,
        target: Ratio::new(0.99).unwrap(),
        held: &held,
        rung,
        seed: 7,
    };
    verify(asked, &|_| ())
}

fn simulated(plan: &VerifiedPlan) -> &Simulated {
    match &plan.simulated {
        Ok(simulated) => simulated,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn an_hour_on_demand_costs_what_its_requests_cost() {
    let verification = verified(
        &scenario("2M"),
        &demand(7200.0, &[1.0]),
        &pool(2_000_000),
        None,
    );
    let [hour] = verification.hours.as_slice() else {
        panic!("months without growth and hours without shape are one: {verification:?}")
    };
    assert_eq!(
        (hour.name.as_str(), hour.plans.len()),
        ("month 1, usual hour", 1)
    );
    let seen = simulated(&hour.plans[0]);
    assert!(seen.is_met && !seen.is_unsure, "{seen:?}");
    assert!((seen.requests_per_hour - 7200.0).abs() < 1e-9);
    // To the pico-dollar: two requests a second at 1.5 cents.
    assert_eq!(seen.tokens_per_hour, Usd::from_dollars(108.0));
    assert_eq!(
        hour.plans[0].expected_tokens,
        Some(Usd::from_dollars(108.0))
    );
    assert_eq!(hour.raise, None);
}

#[test]
fn a_plan_that_is_too_small_is_raised_until_it_holds() {
    // 150 requests a minute settle 750,000 quota tokens of 400,000. A block carries 33 of them.
    let verification = verified(
        &scenario("400k"),
        &demand(9000.0, &[0.2, 1.0]),
        &pool(400_000),
        Some(&blocks()),
    );
    let names: Vec<&str> = verification
        .hours
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["month 1, usual hour", "month 2, busiest hour"]);
    assert_eq!(verification.hours[0].raise, None);
    let hour = &verification.hours[1];
    assert!(!holds(&hour.plans[0]));
    let raise = hour.raise.as_ref().expect("the quota is too small");
    assert!(raise.binds.0.starts_with("TPM"), "{:?}", raise.binds);
    // Beyond what the quota carries, at most 80 a minute, there are at least 70 requests: three blocks.
    let (steps, per_month) = raise.blocks.expect("blocks help");
    assert!((3..=4).contains(&steps), "{steps}");
    let extra = Usd::from_dollars(27.0 * 730.0 * f64::from(steps));
    assert_eq!(per_month, Some(extra));
    let find = |role: Role| hour.plans.iter().find(|one| one.role == role);
    let raised = find(Role::Raised).expect("the raised plan is told");
    assert!(holds(raised));
    assert!(simulated(raised).bought_share > 0.4);
    let (input, output) = simulated(raised).utilisation.expect("capacity is held");
    assert!(
        input > 0.5 && output <= 1.0 && input <= 1.001,
        "{input} {output}"
    );
    // Expected from means: what the blocks do not serve.
    let expected = raised.expected_tokens.expect("prices are known").dollars();
    let paid = simulated(raised).tokens_per_hour.dollars();
    assert!((paid / expected - 1.0).abs() < 0.1, "{paid} {expected}");
    // More quota would do as well: 750,000 settle, and some is reserved on top.
    let (factor, tpm) = raise.quota.expect("quota helps");
    assert!((1.8..2.8).contains(&factor), "{factor}");
    assert!(tpm.0 >= 750_000);
    assert!(find(Role::MoreQuota).is_some_and(holds));
}

#[test]
fn what_capacity_cannot_mend_is_said() {
    let mut loaded = scenario("2M");
    let bound = crate::domain::LatencyBound {
        metric: crate::domain::LatencyMetric::E2e,
        quantile: crate::domain::Quantile::P50,
        at_most: Micros::from_millis(1),
    };
    loaded.scenario.variants[0].slo.latency.push(bound);
    let verification = verified(
        &loaded,
        &demand(600.0, &[1.0]),
        &pool(2_000_000),
        Some(&blocks()),
    );
    let raise = verification.hours[0].raise.as_ref().expect("it is missed");
    assert_eq!((raise.blocks, raise.quota), (None, None));
    assert_eq!(raise.binds.0, "latency");
}

#[test]
fn without_a_bound_on_throttling_the_target_is_one() {
    let mut loaded = scenario("2M");
    loaded.scenario.variants[0].slo = Slo::default();
    let verification = verified(
        &loaded,
        &demand(600.0, &[1.0, 1.0]),
        &pool(2_000_000),
        Some(&blocks()),
    );
    assert!(verification.bounded_by_target);
    let seen = simulated(&verification.hours[0].plans[0]);
    assert_eq!(seen.objectives[0].name, "throttled_share");
    assert!((seen.objectives[0].bound - 0.01).abs() < 1e-12);
    let roles: Vec<Role> = verification.hours[0]
        .plans
        .iter()
        .map(|one| one.role)
        .collect();
    assert_eq!(roles, [Role::Plan, Role::More]);
}
