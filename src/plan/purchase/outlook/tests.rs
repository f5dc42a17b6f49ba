//! Needs, months and requests against known figures.

use super::super::demand::tests::{Given, demand_with, loaded, scenario};
use super::*;
use crate::report::Style;
use crate::report::plan::{demand as demand_view, quota as quota_view};
use crate::sim::assemble;
use crate::stats::growth::{chance_above, largest_normal};

/// The demand and the outlook of the first variant.
fn outlook_of(text: &str) -> (Variant, Demand, Outlook) {
    let catalogue = Catalogue::builtin();
    let files = Given::default();
    let loaded = loaded(text, &files);
    let book = catalogue.latest_prices().unwrap();
    let assembled = match assemble(&loaded, &catalogue, book) {
        Ok(variants) => variants,
        Err(error) => panic!("{error}"),
    };
    let demand = demand_with(text, &files);
    let variant = loaded.scenario.variants[0].clone();
    let found = outlook(
        &variant,
        &assembled[0],
        &demand,
        &catalogue,
        "a chat for shops",
    );
    (variant, demand, found)
}

/// Latency of ten seconds: a request settles at 5,000, and holds 7,096 for a sixth of a minute.
fn ten_seconds(arrival: &str, plan: &str) -> String {
    let service = "[service]\nlatency.fixed = { ttft = \"10s\", per_token = \"0s\" }\n";
    scenario(arrival, "") + service + plan
}

/// What a request counts: F, and R for as long as it is held. Two of three Regions add a hop to the ten seconds.
fn weight(demand: &Demand) -> f64 {
    let held = demand.workloads[0].call.held.as_secs_f64();
    near(held, 10.0, 0.1);
    5000.0 + 7096.0 * held / 60.0
}

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "got {got}, want {want}");
}

#[test]
fn a_need_is_the_product_of_its_factors() {
    let (_, demand, found) = outlook_of(&ten_seconds(
        "poisson = { rate = \"2/s\" }",
        "[plan]\nmonths = 3\n[plan.growth]\nper_month = 0.1\nvolatility = 0.1\n",
    ));
    let (counter, weight) = (&found.counters[0], weight(&demand));
    assert_eq!(
        (counter.quotas.len(), counter.model_title.as_str()),
        (3, "Claude Sonnet 4.6")
    );
    let tpm = &counter.quotas[0];
    near(tpm.mean, 120.0 * weight, 1e-3);
    let first = tpm.months[0];
    // 261 minutes of the peak hour in a month: z = 2.67, and the deviation of 120 is 11.
    let burst = 1.0 + largest_normal(60.0 * 730.0 / 168.0) / 120f64.sqrt();
    near(first.factors.burst, burst, 1e-9);
    near(first.factors.peak, 1.0, 1e-9);
    near(first.p95, tpm.mean * burst, 1e-6 * tpm.mean);
    for month in &tpm.months {
        let Factors {
            mean,
            peak,
            growth,
            burst,
            ..
        } = month.factors;
        near(mean * peak * growth * burst, month.p95, 1e-9 * month.p95);
        near(month.settled_p95 / month.p95, 5000.0 / weight, 1e-4);
        near(month.billed_p95 / month.p95, 3400.0 / weight, 1e-4);
        assert!(month.p50 <= month.p95);
    }
    near(tpm.months[2].factors.growth_p50, 1.21, 0.001);
    // 1.645 standard deviations above the median.
    near(
        tpm.months[2].factors.growth,
        1.21 * (0.1f64 * 2f64.sqrt() * 1.645).exp(),
        0.03,
    );
    let rpm = &counter.quotas[1];
    near(rpm.mean, 120.0, 1e-9);
    assert_eq!(rpm.code.as_deref(), Some("L-00FF3314"));
    let tpd = &counter.quotas[2];
    near(tpd.mean, 5000.0 * 172_800.0, 1.0);
    near(tpd.months[0].factors.burst, 1.0, 1e-12);
    assert!(counter.request.is_none());
}

#[test]
fn months_of_exhaustion_are_those_of_the_closed_form() {
    let arrival = "constant = { rate = \"2/s\" }";
    let weight = weight(&demand_with(&ten_seconds(arrival, ""), &Given::default()));
    let plan = format!(
        "[quota]\ntpm = {}\n[plan]\nmonths = 13\npaths = 20000\nstart = \"2027-01\"\nlead_time = \"30d\"\n\
         [plan.growth]\nper_month = {}\nvolatility = 0.08\n",
        (120.0 * weight / 0.6).round() as u64,
        0.05f64.exp_m1()
    );
    let (_, _, found) = outlook_of(&ten_seconds(arrival, &plan));
    let tpm = &found.counters[0].quotas[0];
    for (month, want) in [(3, 0.0046), (6, 0.1410), (9, 0.4000), (12, 0.6262)] {
        near(tpm.months[month].above, want, 0.01);
        let closed = chance_above(0.6, 0.05, 0.08, 0.0, month as f64);
        near(tpm.months[month].above, closed, 0.01);
    }
    let end = &tpm.exhaustion;
    near(end.first_in.iter().sum::<f64>() + end.never, 1.0, 1e-9);
    // Once above it a path may come back, so that more have passed it than are above it.
    assert!(1.0 - end.never >= tpm.months[12].above);
    assert_eq!((end.p10, end.p90), (Some(6), None));
    let by = end.ask_by.unwrap();
    assert_eq!(
        by.date.map(|date| date.to_string()).as_deref(),
        Some("2027-06-01")
    );
    assert_eq!((by.in_days, by.is_past()), (151, false));
    // Tokens are asked for, and requests are enough.
    assert!(tpm.ask.is_some() && found.counters[0].quotas[1].ask.is_none());
}

#[test]
fn limits_to_ask_for_are_round() {
    for (need, want) in [
        (0.0, 0.0),
        (7.2, 8.0),
        (99.1, 100.0),
        (120.0, 120.0),
        (1_234_567.0, 1_300_000.0),
        (2_000_000.0, 2_000_000.0),
    ] {
        near(need::rounded_up(need), want, 1e-6);
    }
}

#[test]
fn a_quota_that_is_too_small_already_is_asked_for_now() {
    let plan = "[quota]\ntpm = 500000\n[plan]\nmonths = 2\n";
    let (variant, _, found) = outlook_of(&ten_seconds("poisson = { rate = \"2/s\" }", plan));
    let tpm = &found.counters[0].quotas[0];
    near(tpm.months[0].above, 1.0, 1e-12);
    let end = &tpm.exhaustion;
    assert_eq!(
        (end.p10, end.p50, end.p90, end.never),
        (Some(0), Some(0), Some(0), 0.0)
    );
    let by = end.ask_by.unwrap();
    assert!(by.is_past() && by.date.is_none() && by.in_days == -14);
    let counters = found.summary(&variant.plan.horizon);
    assert!(
        quota_view::sheet(&counters[0])
            .unwrap()
            .contains("14 days before the plan begins")
    );
}

#[test]
fn workloads_of_one_counter_peak_together() {
    // Days against nights: the counter's peak hour is that of the sum.
    let week = |office: f64, night: f64| {
        let factors: Vec<f64> = (0..168)
            .map(|hour| {
                if (8..18).contains(&(hour % 24)) {
                    office
                } else {
                    night
                }
            })
            .collect();
        format!("shape.hour_of_week = {{ factors = {factors:?} }}\n")
    };
    let two = scenario("constant = { rate = \"2/s\" }", &week(4.0, 1.0))
        + &format!(
            "[[workload]]\nname = \"night\"\nmodel = \"claude-sonnet-4-6\"\nmax_tokens = 4096\n\
             arrival.constant = {{ rate = \"1/s\" }}\ntokens.input = {{ fixed = 3000 }}\n\
             tokens.output = {{ fixed = 400 }}\n{}\
             [plan]\nmonths = 12\n[plan.workload.night.growth]\nper_month = 0.5\n",
            week(1.0, 4.0)
        );
    let (_, demand, found) = outlook_of(&two);
    let rpm = &found.counters[0].quotas[1];
    let at = |hour: usize, month: i32| {
        let [day, night] = [0, 1].map(|i| demand.workloads[i].week[hour] / 60.0);
        day + night * 1.5f64.powi(month)
    };
    // In the first month days are the peak, at the end nights are.
    near(rpm.months[0].p50, at(12, 0), 1e-6);
    near(rpm.months[11].p50, at(2, 11), 1e-6);
    assert!(at(2, 11) > at(12, 11));
}

#[test]
fn views_and_sheets_say_it_in_words() {
    let plan = "[quota]\ntpm = 1000000\n[plan]\nmonths = 6\nstart = \"2027-01\"\n\
                [plan.growth]\nper_month = 0.08\nvolatility = 0.05\nuncertainty = 0.01\n";
    let (variant, demand, found) = outlook_of(&ten_seconds("poisson = { rate = \"2/s\" }", plan));
    let style = Style {
        color: false,
        width: 100,
    };
    let mut lines = Vec::new();
    let of_demand = demand.summary(&variant.plan);
    let of_quotas = found.summary(&variant.plan.horizon);
    demand_view::terminal(&of_demand, style, &mut lines);
    quota_view::terminal(&of_quotas, style, &mut lines);
    insta::assert_snapshot!(lines.join("\n"));
    let mut text = String::new();
    demand_view::markdown(&of_demand, &mut text);
    quota_view::markdown(&of_quotas, &mut text);
    insta::assert_snapshot!(text);
    let json = serde_json::to_string(&of_quotas).unwrap();
    let back: Vec<crate::results::plan::QuotaOutlookSummary> = serde_json::from_str(&json).unwrap();
    assert_eq!(back, of_quotas);
}
