//! Regions, shared quotas and the quotas of the account, from a scenario's text to its results.

use crate::running::{ready, variant};
use bedload::results::SUMMARY_JSON_SCHEMA;

const SCENARIO: &str = r#"
name = "regions"
seed = 5
duration = "20m"
[[workload]]
name = "chat"
model = "claude-haiku-4-5"
max_tokens = 500
arrival.poisson = { rate = "8/s" }
tokens.input = { fixed = 900 }
tokens.output = { fixed = 200 }
cache = { prefix_tokens = 5000, prefixes = 60, ttl = "5m" }
[service.latency.fixed]
ttft = "400ms"
per_token = "10ms"
[capacity.on_demand]
scope = "us"
[client.retry.none]
"#;

fn run(text: &str) -> bedload::results::Summary {
    let ready = ready(text, &[]).unwrap_or_else(|error| panic!("{error}"));
    let summary = ready.run();
    let schema = serde_json::from_str(SUMMARY_JSON_SCHEMA).unwrap();
    let document = serde_json::to_value(&summary).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    summary
}

#[test]
fn pools_that_allow_everything_change_nothing() {
    let plain = run(SCENARIO);
    let routed = run(&format!(
        "{SCENARIO}[service.routing]\npolicy = \"random\"\n"
    ));
    let (plain, routed) = (&plain.variants[0], &routed.variants[0]);
    assert_eq!(plain.regions, []);
    assert_eq!(routed.regions.len(), 3);
    let calls: u64 = routed.regions.iter().map(|region| region.calls).sum();
    assert_eq!(calls, routed.requests.completed);
    assert_eq!(plain.requests, routed.requests);
    assert_eq!(plain.ttft_ms, routed.ttft_ms);
    assert_eq!(plain.tokens, routed.tokens);
    assert_eq!(plain.cost, routed.cost);
}

#[test]
fn routing_decides_what_caches_hold_and_capacity_who_is_refused() {
    let text = format!(
        "{SCENARIO}{}",
        r#"
[[service.pool]]
region = "*"
streams = 8
ambient = 0.25
[[service.pool]]
region = "us-west-2"
streams = 40
weight = 3
hop = "60ms"
lost = [{ from = "5m", until = "10m" }]
[[variant]]
name = "random"
service.routing = { policy = "random", spill = false }
[[variant]]
name = "spilling"
service.routing = { policy = "random", spill = true }
[[variant]]
name = "weighted"
service.routing = { policy = "weighted", spill = false }
[[variant]]
name = "sticky"
service.routing = { policy = "sticky", spill = true }
"#
    );
    // So many that a Region of three seldom meets a prefix again in time.
    let summary = run(&text.replace("prefixes = 60", "prefixes = 6000"));
    let of = |name: &str| variant(&summary, name);
    let hits = |name: &str| {
        let tokens = of(name).tokens;
        tokens.cache_read as f64 / (tokens.cache_read + tokens.cache_write) as f64
    };
    let refused = |name: &str| of(name).attempts.unavailable;
    assert!(refused("random") > 1_000, "a lost Region without a spill");
    assert!(refused("spilling") < refused("random") * 2 / 3);
    assert!(hits("sticky") > hits("spilling") + 0.01);
    let west = |name: &str| {
        let mut regions = of(name).regions.iter();
        regions.find(|one| one.region == "us-west-2").unwrap()
    };
    assert!(west("random").broken > 0 && west("random").unavailable > 500);
    assert!(west("spilling").unavailable < west("random").unavailable);
    assert!(west("weighted").calls > west("random").calls * 3 / 2);
    for one in &summary.variants {
        let unavailable: u64 = one.regions.iter().map(|region| region.unavailable).sum();
        assert_eq!(unavailable, one.attempts.unavailable, "{}", one.name);
        assert!(one.regions.iter().all(|region| region.peak_in_flight <= 40));
        let named = |name: &str| one.assumptions.iter().any(|own| own.name == name);
        assert!(named("service.routing.policy") && named("service.pool"));
    }
}

#[test]
fn workloads_share_a_counter_and_scopes_stand_side_by_side() {
    let workload = |name: &str, more: &str| {
        format!(
            "[[workload]]\nname = \"{name}\"\nmodel = \"nova-lite\"\nmax_tokens = 100\n\
             arrival.poisson = {{ rate = \"3/s\" }}\ntokens.input = {{ fixed = 100 }}\n\
             tokens.output = {{ fixed = 20 }}\n{more}\n"
        )
    };
    let text = format!(
        "name = \"scopes\"\nduration = \"10m\"\n{}{}{}{}\n[[quota.limit]]\nmodel = \"nova-lite\"\n\
         scope = \"in-region\"\nrpm = 60\n",
        workload("a", ""),
        workload("b", ""),
        workload("c", "region = \"us-east-1\""),
        workload("d", "region = \"us-west-2\""),
    );
    let summary = run(&text);
    let one = &summary.variants[0];
    let rows: Vec<(&str, &str, Option<&str>, u64)> = one
        .quota
        .iter()
        .filter(|quota| quota.name == "rpm")
        .map(|quota| {
            let region = quota.region.as_deref();
            (
                quota.name.as_str(),
                quota.scope.as_str(),
                region,
                quota.limit,
            )
        })
        .collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(rows[0].1, "geo");
    assert_eq!(rows[1], ("rpm", "in-region", None, 60));
    assert_eq!(rows[2], ("rpm", "in-region", Some("us-west-2"), 60));
    for workload in &one.workloads[2..] {
        let share = workload.requests.completed as f64 / workload.requests.offered as f64;
        assert!(
            (share - 1.0 / 3.0).abs() < 0.06,
            "{}: {share}",
            workload.name
        );
    }
    assert_eq!(one.workloads[0].requests.throttled, 0);
}

#[test]
fn the_accounts_day_is_warned_of_or_enforced() {
    // 8/s of 900 in, 200 out and a prefix that is mostly read: above 700M of weighted tokens a day.
    let day = SCENARIO
        .replace("8/s", "25/s")
        .replace("haiku-4-5", "sonnet-4-6");
    let loud = run(&day);
    let warns = |summary: &bedload::results::Summary| {
        let mut assumed = summary.variants[0].assumptions.iter();
        assumed.any(|one| {
            one.why
                .contains("not enforced here: set `quota.account_tpd`")
        })
    };
    assert!(warns(&loud), "{:?}", loud.variants[0].assumptions);
    let quiet = run(&SCENARIO.replace("8/s", "1/s"));
    assert!(!warns(&quiet));
    let enforced = run(&format!("{day}[quota]\naccount_tpd = \"20M\"\n"));
    assert!(!warns(&enforced));
    let one = &enforced.variants[0];
    let row = one
        .quota
        .iter()
        .find(|quota| quota.name == "account_tpd")
        .unwrap();
    assert_eq!((row.scope.as_str(), row.limit), ("account", 20_000_000));
    assert!(row.refused > 0 && row.refused == one.attempts.throttled);
    // Sonnet in a geographic profile costs $3.30 and $16.50: 1.1 and 5.5 tokens each.
    assert!(row.peak_settled_share > Some(0.99));
}

#[test]
fn mantle_stops_answers_for_want_of_output_quota() {
    let text = format!(
        "{SCENARIO}[service]\nfamily = \"mantle\"\n[quota]\ninput_tpm = \"2M\"\noutput_tpm = \"60k\"\n"
    );
    let text = text.replace(
        "[service.latency.fixed]",
        "[service.latency]\n[service.latency.fixed]",
    );
    let summary = match ready(&text, &[]) {
        Ok(ready) => ready.run(),
        Err(error) => panic!("{error}"),
    };
    let one = &summary.variants[0];
    // 8/s × 200 tokens are 96,000 a minute; 60,000 come.
    assert!(one.stopped_early > 1_000, "{}", one.stopped_early);
    let per_minute = one.tokens.output as f64 / 20.0;
    assert!((55_000.0..60_600.0).contains(&per_minute), "{per_minute}");
    assert_eq!(one.requests.throttled, 0);
    let names: Vec<&str> = one.quota.iter().map(|quota| quota.name.as_str()).collect();
    assert_eq!(names, ["input_tpm", "output_tpm"]);
    assert_eq!(one.truncated, 0);
    let without = text.replace("input_tpm = \"2M\"\n", "");
    let error = ready(&without, &[])
        .err()
        .expect("the figures are not known");
    assert!(error.to_string().contains("quota.input_tpm"), "{error}");
}

#[test]
fn what_makes_no_sense_is_told() {
    for (more, told) in [
        (
            "[[service.pool]]\nregion = \"*\"\nambient_by_hour = [0.5]\n",
            "24 numbers",
        ),
        (
            "[[service.pool]]\nregion = \"here\"\n",
            "not the name of a Region",
        ),
        (
            "[[service.pool]]\nregion = \"*\"\n[[service.pool]]\nregion = \"*\"\n",
            "same Region",
        ),
        ("[service.routing]\npolicy = \"nearest\"\n", "policy"),
        ("[service]\nstart_hour = 9\n", "needs a pool"),
        ("[[quota.change]]\nat = \"5m\"\n", "what limits become"),
        (
            "[[quota.change]]\nat = \"5m\"\nfactor = 2\ntpm = \"1M\"\n",
            "either `factor` or limits",
        ),
        ("[[quota.limit]]\nscope = \"geo\"\n", "needs a figure"),
        ("[quota]\nadjust_every = \"0s\"\n", "above zero"),
        ("[quota]\naccount_tpd_reference = \"$0\"\n", "above zero"),
        (
            "[service]\nfamily = \"mantle\"\n",
            "bedrock-mantle are not known",
        ),
    ] {
        let text = if more.starts_with("[service]") {
            SCENARIO.replace(
                "[service.latency.fixed]",
                &format!("{more}[service.latency.fixed]"),
            )
        } else {
            format!("{SCENARIO}{more}")
        };
        let error = ready(&text, &[])
            .err()
            .unwrap_or_else(|| panic!("{more} was accepted"));
        assert!(error.to_string().contains(told), "{more}: {error}");
    }
    // What concerns nothing is a warning.
    let ready = ready(
        &format!("{SCENARIO}[[quota.change]]\nat = \"5m\"\nscope = \"global\"\nfactor = 2\n"),
        &[],
    );
    let ready = ready.unwrap_or_else(|error| panic!("{error}"));
    let warnings = &ready.variants[0].context.warnings;
    assert!(
        warnings
            .iter()
            .any(|one| one.contains("concerns no workload")),
        "{warnings:?}"
    );
}

#[test]
fn a_variant_with_everything_reads_as_it_resolves() {
    let text = format!(
        "{SCENARIO}{}",
        r#"
[quota]
account_tpd = "700M"
adjust_every = "5s"
[[quota.limit]]
model = "claude-haiku-4-5"
tpm = "3M"
[[quota.change]]
at = "10m"
factor = 0.5
[cache]
per_region = false
[service.routing]
policy = "two_choices"
[[service.pool]]
region = "us-east-1"
streams = 30
ambient_by_hour = [0, 0, 0, 0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.3, 0.2, 0.1, 0, 0, 0, 0]
"#
    );
    let first = ready(&text, &[]).unwrap_or_else(|error| panic!("{error}"));
    let resolved = toml::to_string(&first.loaded.scenario.resolved).unwrap();
    let second = ready(&resolved, &[]).unwrap_or_else(|error| panic!("{error}\n{resolved}"));
    assert_eq!(first.loaded.scenario, second.loaded.scenario, "{resolved}");
    let summary = first.run();
    let names: Vec<&str> = summary.variants[0]
        .assumptions
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    for name in [
        "quota.account_tpd",
        "quota.account_tpd_weight",
        "quota.adjust_every",
        "cache.per_region",
        "service.routing.policy",
        "service.routing.spill",
        "service.pool",
    ] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
}
