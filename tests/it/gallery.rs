//! The scenarios that come with the program, each with the point that it makes.

use crate::running::{assert_valid, gallery, ready_of, throttled_share, variant};
use bedload::results::{QuotaSummary, SUMMARY_JSON_SCHEMA, Summary, VariantSummary, read_summary};

/// Runs a scenario of the gallery and checks what every result has to be.
fn run(name: &str, sets: &[&str]) -> Summary {
    let summary = ready_of(name, sets).run();
    let text = summary.to_json();
    assert_valid(SUMMARY_JSON_SCHEMA, &text);
    assert_eq!(read_summary(&text).unwrap(), summary);
    assert_eq!(summary.scenario, name);
    assert!(!summary.description.is_empty(), "{name} asks no question");
    assert!(summary.valid && summary.warnings.is_empty());
    for one in &summary.variants {
        assert!(one.requests.offered > 1000, "{name}: {}", one.name);
        assert!(one.cost.run_usd.unwrap() > 0.0, "{name}: {}", one.name);
    }
    summary
}

fn tpm(variant: &VariantSummary) -> &QuotaSummary {
    variant
        .quota
        .iter()
        .find(|quota| quota.name == "tpm")
        .unwrap()
}

/// Share of the offered requests of a workload that ended throttled.
fn throttled_of(variant: &VariantSummary, workload: &str) -> f64 {
    let mut workloads = variant.workloads.iter();
    let one = workloads.find(|one| one.name == workload).unwrap();
    one.requests.throttled as f64 / one.requests.offered as f64
}

#[test]
fn every_scenario_is_tested_here() {
    let mut names: Vec<String> = std::fs::read_dir(gallery())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    let tested = [
        "agent-loop",
        "bad-day",
        "batch-night",
        "buy-or-wait",
        "cache-regions",
        "case-million-documents",
        "case-opus-everywhere",
        "case-support-bot",
        "desk",
        "diurnal-week",
        "fallback",
        "finance-review",
        "guardrail-cost",
        "hedging",
        "how-much",
        "launch-spike",
        "max-tokens-trap",
        "model-lineup",
        "noisy-neighbour",
        "quickstart",
        "quota-cut",
        "region-lost",
        "retry-storm",
        "routing",
        "service-tiers",
        "steady",
        "thinking",
        "three-modes",
    ];
    assert_eq!(names, tested);
}

#[test]
fn the_case_studies_run_at_the_rate_of_their_month() {
    // What levers do to these bills is tested beside `plan::levers`; here the traffic must be that month's.
    for (name, starts) in [
        (
            "case-million-documents",
            &[
                ("opus-5", 30_000.0),
                ("opus-4-1", 90_000.0),
                ("sonnet-4-6-batch", 9_000.0),
                ("haiku-4-5-batch", 3_000.0),
                ("haiku-5-5-batch", 300.0),
            ][..],
        ),
        (
            "case-opus-everywhere",
            &[
                ("as-claimed", 41_250.0),
                ("opus-5-as-claimed", 13_750.0),
                ("line-5-5", 11_000.0),
            ],
        ),
        (
            "case-support-bot",
            &[
                ("opus-5", 30_052.5),
                ("line-5-5", 24_042.0),
                ("opus-4-1", 90_157.5),
            ],
        ),
    ] {
        let summary = run(name, &[]);
        for &(variant_name, month) in starts {
            let one = variant(&summary, variant_name);
            let simulated = one.cost.month_usd.unwrap();
            assert!(
                (simulated / month - 1.0).abs() < 0.05,
                "{name}, {variant_name}: {simulated}"
            );
            assert!(
                one.slo.met && throttled_share(one) < 0.001,
                "{name}, {variant_name}"
            );
        }
    }
}

#[test]
fn scenarios_for_plans_are_scenarios_too() {
    let summary = run("buy-or-wait", &[]);
    assert_eq!(summary.variants.len(), 2);
    let review = run("finance-review", &[]);
    assert_eq!(review.variants[0].workloads.len(), 5);
}

#[test]
fn a_second_attempt_tames_the_tail_and_half_of_all_twice_fill_the_quota() {
    let summary = run("hedging", &[]);
    let [plain, p95, patient, eager] =
        ["plain", "p95", "patient", "eager"].map(|name| variant(&summary, name));
    let p99 = |one: &VariantSummary| one.ttft_ms.p99.unwrap();
    let hedged = |one: &VariantSummary| one.attempts.hedged.unwrap() as f64;
    let share = |one: &VariantSummary| hedged(one) / one.requests.offered as f64;
    let won = |one: &VariantSummary| one.attempts.hedges_won.unwrap() as f64 / hedged(one);
    let wasted = |one: &VariantSummary| one.cost.by_class.wasted.unwrap();
    assert!(!plain.slo.met && p95.slo.met && patient.slo.met);
    assert!(p99(plain) > 15_000.0 && p99(p95) < 6_000.0 && p99(patient) < 6_000.0);
    assert!(plain.attempts.hedged.is_none());
    assert!(share(p95) <= 0.05 && share(patient) <= 0.02 && share(patient) > 0.015);
    assert!(won(patient) > 1.5 * won(p95) && wasted(patient) < 0.5 * wasted(p95));
    assert!(throttled_share(p95) == 0.0 && throttled_share(eager) > 0.005);
    assert!(wasted(eager) > 8.0 * wasted(p95));
}

#[test]
fn a_night_in_batch_halves_the_bill_and_frees_the_quota() {
    let summary = run("batch-night", &[]);
    let [on_demand, batch, slow] =
        ["on-demand", "batch", "slow-batch"].map(|name| variant(&summary, name));
    assert!(throttled_of(on_demand, "summaries") > 0.02 && !on_demand.slo.met);
    assert!(tpm(batch).peak_reserved_share.unwrap() < 0.2 && batch.slo.met);
    let jobs = |one: &VariantSummary| one.workloads[1].batch.clone().unwrap();
    let late = |one: &VariantSummary| jobs(one).late_records as f64 / jobs(one).records as f64;
    assert_eq!(jobs(batch).jobs, 144);
    // The law says 3.7 % beyond 12 h, and less for those that came late in their ten minutes.
    assert!((0.005..0.08).contains(&late(batch)), "{}", late(batch));
    assert!(late(slow) > 0.2 && jobs(slow).expired_records > 0);
    let usd = |one: &VariantSummary| one.workloads[1].cost.run_usd.unwrap();
    let each = |one: &VariantSummary| usd(one) / one.workloads[1].requests.completed as f64;
    // Half the price for what completed; on demand the refused requests cost nothing.
    assert!((each(batch) / each(on_demand) - 0.5).abs() < 0.02);
    // Records of batch workloads are in the counts and not in the latencies of calls.
    assert_eq!(batch.requests.offered, on_demand.requests.offered);
    assert_eq!(batch.ttft_ms.count, batch.workloads[0].requests.completed);
}

#[test]
fn tiers_trade_money_for_time() {
    let summary = run("service-tiers", &[]);
    let [standard, priority, flex, optimised] =
        ["standard", "priority", "flex", "latency-optimised"].map(|name| variant(&summary, name));
    let usd = |one: &VariantSummary| one.cost.run_usd.unwrap();
    assert!((usd(priority) / usd(standard) - 1.75).abs() < 0.01);
    assert!((usd(flex) / usd(standard) - 0.5).abs() < 0.01);
    let e2e = |one: &VariantSummary| one.e2e_ms.p50.unwrap();
    assert!(e2e(priority) < 0.85 * e2e(standard) && e2e(flex) > 1.4 * e2e(standard));
    assert!(standard.slo.met && priority.slo.met && !flex.slo.met);
    let served = optimised.workloads[0].tier.clone().unwrap();
    assert!(served.served * 10 < served.served_as_standard);
}

#[test]
fn retries_save_what_a_burst_of_503_costs_and_not_what_a_full_quota_does() {
    let summary = run("desk", &[]);
    let (retries, none) = (
        variant(&summary, "sdk-retries"),
        variant(&summary, "no-retry"),
    );
    let failed = |one: &VariantSummary| one.requests.failed as f64 / one.requests.offered as f64;
    assert!(failed(none) > 0.025 && failed(retries) < 0.015);
    assert!((throttled_share(retries) - throttled_share(none)).abs() < 0.015);
    assert!(retries.slo.met && !none.slo.met);
    assert!(retries.tokens.cache_read > 100 * retries.tokens.cache_write);
}

#[test]
fn a_generous_max_tokens_throttles_under_an_idle_dashboard() {
    let summary = run("max-tokens-trap", &[]);
    let [fitting, generous, unset] =
        ["1k", "64k", "unset"].map(|name| variant(&summary, &format!("max-tokens-{name}")));
    assert_eq!(fitting.attempts.throttled, 0);
    assert!(fitting.slo.met);
    assert!(throttled_share(generous) > 0.05);
    assert!(throttled_share(unset) > 1.3 * throttled_share(generous));
    for one in [generous, unset] {
        let quota = tpm(one);
        assert!(quota.peak_settled_share.unwrap() < 0.5, "{quota:?}");
        assert!(quota.peak_reserved_share.unwrap() > 0.95, "{quota:?}");
        assert!(!one.slo.met);
    }
}

#[test]
fn bought_capacity_carries_the_bursts_of_quickstart() {
    let summary = run("quickstart", &[]);
    let [on_demand, cross_region, provisioned] =
        ["on-demand", "cross-region", "provisioned"].map(|name| variant(&summary, name));
    for one in &summary.variants {
        // Four copies of the 8,819 requests of the trace.
        assert_eq!(one.requests.offered, 35_276, "{}", one.name);
    }
    assert!(throttled_share(on_demand) > 0.01);
    assert!(throttled_share(provisioned) < 0.005);
    assert!(provisioned.slo.met && !on_demand.slo.met && !cross_region.slo.met);
    let usd = |one: &VariantSummary| one.cost.run_usd.unwrap();
    assert!(usd(provisioned) > 1.2 * usd(on_demand));
    assert!(usd(cross_region) < 0.95 * usd(on_demand));
}

#[test]
fn three_modes_differ_in_what_they_can_take() {
    let summary = run("three-modes", &[]);
    let [in_region, geo, units] =
        ["in-region", "geo-profile", "model-units"].map(|name| variant(&summary, name));
    assert!(throttled_share(in_region) > 0.01);
    // The profile has twice the quota, and the same prices.
    assert_eq!(tpm(geo).limit, 2 * tpm(in_region).limit);
    assert_eq!(geo.attempts.throttled, 0);
    assert!(geo.slo.met && !in_region.slo.met && !units.slo.met);
    // Units are paid by the hour, have no token price, and are no quota.
    let per_hour = 4.0 * 21.18;
    let measured = 55.0 / 60.0;
    let usd = units.cost.run_usd.unwrap();
    assert!((usd - per_hour * measured).abs() < 0.01, "{usd}");
    assert!(units.quota.iter().all(|quota| quota.name != "tpm"));
}

#[test]
fn patience_completes_more_of_a_launch_and_multiplies_attempts() {
    let summary = run("launch-spike", &[]);
    let [none, sdk, patient] =
        ["no-retry", "sdk-2026", "patient"].map(|name| variant(&summary, name));
    let amplification = |one: &VariantSummary| one.attempts.amplification.unwrap();
    assert_eq!(none.attempts.sent, none.requests.offered);
    assert!((1.02..1.5).contains(&amplification(sdk)));
    assert!(amplification(patient) > 2.0);
    assert!(patient.requests.completed as f64 > 1.05 * none.requests.completed as f64);
    // Three attempts within seconds gain next to nothing on a quota that forgets by the minute.
    let gained = sdk.requests.completed as f64 / none.requests.completed as f64;
    assert!((0.98..1.02).contains(&gained), "{gained}");
    assert!(summary.variants.iter().all(|one| !one.slo.met));
}

/// What an endpoint answered of the offered requests of a variant.
fn answered_by(variant: &VariantSummary, name: &str) -> f64 {
    let mut lanes = variant.lanes.iter();
    let lane = lanes.find(|lane| lane.name == name).unwrap();
    lane.answered as f64 / variant.requests.offered as f64
}

#[test]
fn an_endpoint_with_a_quota_of_its_own_takes_the_overflow() {
    let summary = run("fallback", &[]);
    let [none, global, smaller, chain] =
        ["none", "global", "smaller", "chain"].map(|name| variant(&summary, name));
    let lost = |one| throttled_of(one, "chat");
    assert!(lost(none) > 0.25 && none.lanes.is_empty());
    // Each endpoint doubles what gets through in the spike.
    for one in [global, smaller] {
        assert!(
            (0.4..0.6).contains(&(lost(one) / lost(none))),
            "{}",
            one.name
        );
    }
    assert!(answered_by(global, "claude-sonnet-4-5 global") > 0.1);
    let cost = |one: &VariantSummary| one.cost.run_usd.unwrap();
    assert!(cost(smaller) - cost(none) < 0.5 * (cost(global) - cost(none)));
    assert_eq!(chain.requests.throttled, 0);
    assert!(chain.slo.met && chain.requests.deferred > 500);
}

#[test]
fn a_classifier_finds_what_a_coin_does_not_and_costs_its_time() {
    let summary = run("routing", &[]);
    let [large, share, short, classifier] =
        ["large-only", "share", "short-prompts", "classifier"].map(|name| variant(&summary, name));
    let cost = |one: &VariantSummary| one.cost.run_usd.unwrap();
    assert!(cost(share) < 0.4 * cost(large) && cost(classifier) < 0.4 * cost(large));
    assert!((answered_by(share, "nova-lite us") - 0.7).abs() < 0.02);
    assert!(answered_by(short, "nova-lite us") > 0.6);
    // 0.3 × 0.1 + 0.7 × 0.9 are judged easy.
    assert!((answered_by(classifier, "nova-lite us") - 0.66).abs() < 0.02);
    let counts = classifier.workloads[0].classifier.unwrap();
    let misrouted = counts.misrouted as f64 / counts.judged as f64;
    assert!((misrouted - 0.03).abs() < 0.006, "{misrouted}");
    let waits = classifier.ttft_ms.p50.unwrap() - classifier.attempt_ttft_ms.p50.unwrap();
    assert!((200.0..800.0).contains(&waits), "{waits}");
}

#[test]
fn a_neighbour_on_its_own_model_leaves_the_chat_alone() {
    let summary = run("noisy-neighbour", &[]);
    let (shared, own) = (
        variant(&summary, "shared-quota"),
        variant(&summary, "own-model"),
    );
    assert!(throttled_of(shared, "chat") > 0.003);
    assert_eq!(
        throttled_of(own, "chat").to_bits(),
        0,
        "the chat has its own counter"
    );
    assert!(throttled_of(own, "summaries") > 0.05);
    assert!(tpm(own).peak_reserved_share.unwrap() < 0.5);
}

#[test]
fn the_busiest_hour_decides_about_the_week() {
    // The first day of the week has its peak hours; the other days would only repeat them.
    let summary = run("diurnal-week", &["duration=1d"]);
    let (default, half) = (
        variant(&summary, "default-quota"),
        variant(&summary, "half-quota"),
    );
    assert!(throttled_share(default) < 0.001 && default.slo.met);
    assert!(throttled_share(half) > 0.02 && !half.slo.met);
    assert_eq!(2 * tpm(half).limit, tpm(default).limit);
    // At night nothing is refused; in the afternoon a good part is.
    let course = half.course.as_ref().unwrap();
    let refused = |steps: std::ops::Range<usize>| {
        let shares = course.refused_share[steps].iter().flatten();
        shares.fold(0.0, |a: f64, b| a.max(*b))
    };
    let of_hour = |hour: f64| (hour * 3600.0 / course.step_s) as usize;
    assert_eq!(refused(of_hour(0.0)..of_hour(6.0)).to_bits(), 0);
    assert!(refused(of_hour(9.0)..of_hour(17.0)) > 0.2);
}

#[test]
fn a_cached_prompt_is_mostly_read_and_saves_the_quota() {
    let summary = run("steady", &[]);
    let (cached, uncached) = (variant(&summary, "cached"), variant(&summary, "uncached"));
    let tokens = cached.tokens;
    let prefixes = tokens.cache_read + tokens.cache_write;
    assert!(tokens.cache_read as f64 > 0.95 * prefixes as f64);
    assert_eq!(prefixes, 6000 * cached.requests.completed);
    assert_eq!(cached.attempts.throttled, 0);
    assert!(cached.slo.met);
    assert_eq!(uncached.tokens.cache_read, 0);
    assert!(throttled_share(uncached) > 0.05 && !uncached.slo.met);
    let per_answer =
        |one: &VariantSummary| one.cost.run_usd.unwrap() / one.requests.completed as f64;
    assert!(per_answer(uncached) > 2.0 * per_answer(cached));
}

#[test]
fn an_agent_that_caches_its_history_pays_and_reserves_far_less() {
    let summary = run("agent-loop", &[]);
    let [history, hour, system, uncached] =
        ["history", "history-1h", "system-only", "uncached"].map(|name| variant(&summary, name));
    let share = |one: &VariantSummary| {
        let tokens = one.tokens;
        let prompt = tokens.input + tokens.cache_read + tokens.cache_write;
        tokens.cache_read as f64 / prompt as f64
    };
    assert!(share(history) > 0.8, "{}", share(history));
    assert!(share(hour) > share(history));
    assert!((0.2..0.8).contains(&share(system)), "{}", share(system));
    assert_eq!(uncached.tokens.cache_read, 0);
    assert_eq!(history.attempts.throttled, 0);
    assert!(throttled_share(uncached) > 0.001);
    let per_call = |one: &VariantSummary| one.cost.run_usd.unwrap() / one.requests.completed as f64;
    assert!(per_call(uncached) > 2.0 * per_call(history));
    assert!(per_call(system) > 1.2 * per_call(history));
    let p50 = |one: &VariantSummary| one.ttft_ms.p50.unwrap();
    assert!(p50(uncached) > p50(history));
    // What is throttled ends its task.
    let sessions = uncached.workloads[0].sessions.unwrap();
    assert!(sessions.abandoned > 0);
}

#[test]
fn routing_over_regions_lowers_the_hit_rate_as_the_formula_says() {
    let summary = run("cache-regions", &[]);
    // Each of sixty prefixes is used every half minute: 1 − e^{−λT/N} (methods 8.3).
    let rate = 2.0 / 60.0;
    for (name, life, regions) in [
        ("us-5m", 300.0, 3.0),
        ("us-1h", 3600.0, 3.0),
        ("global-5m", 300.0, 23.0),
        ("global-1h", 3600.0, 23.0),
    ] {
        let one = variant(&summary, name);
        let prefixes = one.tokens.cache_read + one.tokens.cache_write;
        let seen = one.tokens.cache_read as f64 / prefixes as f64;
        let expected = 1.0 - f64::exp(-rate * life / regions);
        assert!(
            (seen - expected).abs() < 0.02,
            "{name}: {seen}, not {expected}"
        );
    }
    let usd = |name| variant(&summary, name).cost.run_usd.unwrap();
    assert!(usd("global-5m") > usd("us-5m"));
    assert!(usd("global-1h") < usd("global-5m"));
}

#[test]
fn guarding_the_user_text_is_cheaper_and_fits_the_quota() {
    let summary = run("guardrail-cost", &[]);
    let [everything, user, passing, none] =
        ["everything", "user-text", "user-async", "unguarded"].map(|name| variant(&summary, name));
    let per_request = |one: &VariantSummary| {
        let dollars = one.cost.by_class.guardrail.unwrap();
        dollars / one.answers.guardrail.unwrap().evaluated as f64
    };
    assert!(per_request(everything) > 4.0 * per_request(user));
    let refused = |one: &VariantSummary| one.answers.guardrail.unwrap().throttled;
    assert_eq!((refused(user), refused(passing)), (0, 0));
    let p50 = |one: &VariantSummary| one.ttft_ms.p50.unwrap();
    assert!(p50(user) > p50(passing) + 500.0 && p50(passing) > p50(none) + 150.0);
    let blocked = passing.answers.guardrail.unwrap();
    assert_eq!(
        (blocked.leaked, blocked.masked),
        (blocked.output_blocked, 0)
    );
    assert!(none.answers.guardrail.is_none());
}

#[test]
fn a_bad_day_fails_streams_that_no_retry_saves() {
    let summary = run("bad-day", &[]);
    let [good, bad, patient] =
        ["good-day", "bad-day", "patient"].map(|name| variant(&summary, name));
    let failed = |one: &VariantSummary| one.requests.failed as f64 / one.requests.offered as f64;
    assert!(good.requests.failed == 0 && good.slo.met && !bad.slo.met);
    // Patience saves the 503; the share of broken streams stays.
    assert!(failed(bad) > failed(patient) && failed(patient) > 0.008);
    let p99 = |one: &VariantSummary| one.ttft_ms.p99.unwrap();
    assert!(p99(bad) > 1.5 * p99(good));
}

#[test]
fn thinking_fills_the_quota_and_the_bill() {
    let summary = run("thinking", &[]);
    let [none, some, much] =
        ["no-thinking", "thinking-1k", "thinking-4k"].map(|name| variant(&summary, name));
    let month = |one: &VariantSummary| one.cost.month_usd.unwrap();
    assert!(month(some) > 1.5 * month(none));
    assert!(none.slo.met && !much.slo.met && throttled_share(much) > 0.1);
    let thinking = some.answers.thinking.as_ref().unwrap();
    assert!(thinking.thinking_tokens > 2 * thinking.visible_tokens);
    let text = thinking.visible_ttft_ms.p50.unwrap();
    assert!(text > 5.0 * some.ttft_ms.p50.unwrap());
}

#[test]
fn a_model_is_chosen_by_price_quota_and_speed() {
    let summary = run("model-lineup", &[]);
    let month = |name: &str| variant(&summary, name).cost.month_usd.unwrap();
    assert!(month("haiku-5.5") * 8.0 < month("haiku-4.5"));
    assert!(month("sonnet-5.5") < month("sonnet-4.6"));
    assert!(month("sonnet-4.6") < month("opus-5.5") && month("opus-5.5") < month("fable-5.1"));
    for one in &summary.variants {
        assert_eq!(one.attempts.throttled, 0, "{}", one.name);
        assert!(one.tokens.cache_read > one.tokens.input, "{}", one.name);
    }
}

#[test]
fn a_quota_cut_throttles_until_it_is_lifted() {
    let summary = run("quota-cut", &[]);
    let share = |name: &str| throttled_share(variant(&summary, name));
    assert_eq!(variant(&summary, "no-cut").attempts.throttled, 0);
    assert!(share("cut") > 0.1);
    // A smaller `max_tokens`, or reservations that follow the answer, save a part.
    assert!(share("cut-right-sized") < share("cut") && share("cut-adjusted") < share("cut"));
    let course = variant(&summary, "cut").course.as_ref().unwrap();
    let throttled: Vec<f64> = course
        .refused_share
        .iter()
        .map(|one| one.unwrap_or(0.0))
        .collect();
    let third = throttled.len() / 4;
    assert!(throttled[..third].iter().all(|&share| share == 0.0));
    assert!(
        throttled[third + 2..third * 2]
            .iter()
            .any(|&share| share > 0.2)
    );
    assert!(throttled[third * 3..].iter().all(|&share| share < 0.01));
    let day = variant(&summary, "account-day");
    let account = day
        .quota
        .iter()
        .find(|quota| quota.name == "account_tpd")
        .unwrap();
    assert!(account.refused > 0 && account.peak_settled_share > Some(0.99));
}

#[test]
fn the_regions_that_are_left_take_the_load_if_they_may() {
    let summary = run("region-lost", &[]);
    let failed = |name: &str| {
        let one = variant(&summary, name);
        one.requests.failed as f64 / one.requests.offered as f64
    };
    assert!(failed("spread") < 0.005 && failed("sticky") < 0.005);
    assert!(failed("no-spill") > 0.05);
    let month = |name: &str| variant(&summary, name).cost.month_usd.unwrap();
    assert!(month("sticky") < month("spread"));
    let p50 = |name: &str| variant(&summary, name).ttft_ms.p50.unwrap();
    assert!(p50("source-first") > 1.3 * p50("spread"));
    for one in &summary.variants {
        assert_eq!(one.regions.len(), 3);
        assert!(
            one.regions.iter().any(|region| region.broken > 0),
            "{}",
            one.name
        );
    }
}
