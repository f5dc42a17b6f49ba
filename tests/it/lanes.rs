//! Fallbacks, routes and classifiers as scenarios name them: what is refused, and what they lead to.

use crate::running::ready;
use bedload::live::{LivePlan, worst_case};
use bedload::profile::Catalogue;
use bedload::results::Summary;

/// A scenario of one chat on Claude Sonnet 4.5, with more keys for it and tables after it.
fn scenario(workload: &str, tables: &str) -> String {
    format!(
        "name = \"w\"\nduration = \"1m\"\n[[workload]]\nname = \"chat\"\n\
         model = \"claude-sonnet-4-5\"\nmax_tokens = 1000\ntags = {{ feature = \"chat\" }}\n\
         arrival.constant = {{ rate = \"5/s\" }}\ntokens.input = {{ fixed = 900 }}\n\
         tokens.output = {{ fixed = 200 }}\n{workload}\n{tables}\n"
    )
}

fn complaint(workload: &str, tables: &str) -> String {
    match ready(&scenario(workload, tables), &[]) {
        Ok(_) => "was accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn run(workload: &str, tables: &str) -> Summary {
    let ready = ready(&scenario(workload, tables), &[]);
    ready.unwrap_or_else(|error| panic!("{error}")).run()
}

fn refused(workload: &str, tables: &str, wants: &[&str]) {
    let complaint = complaint(workload, tables);
    for want in wants {
        assert!(complaint.contains(want), "`{want}` is not in: {complaint}");
    }
}

#[test]
fn steps_that_lead_nowhere_are_refused_at_their_place() {
    let step = |keys: &str| format!("[[client.fallback]]\n{keys}");
    refused(
        "",
        &step("model = \"claude-sonet-4-5\""),
        &[":13:9: ", "claude-sonnet-4-5"],
    );
    refused("", &step("after = 1"), &[":12:1: ", "names no endpoint"]);
    refused(
        "",
        &step("scope = \"us\""),
        &[":12:1: ", "that the requests come from"],
    );
    refused(
        "",
        &step("scope = \"jpn\""),
        &[":13:9: ", "no inference profile `jpn`"],
    );
    refused("", &step("tier = \"priority\""), &[":13:8: ", "Priority"]);
    refused(
        "",
        &step("model = \"claude-opus-5-5\"\nbatch = true"),
        &[":14:9: ", "no batch inference"],
    );
    refused(
        "",
        &step("batch = true\n[[client.fallback]]\nscope = \"global\""),
        &["`batch` must be the last fallback"],
    );
    refused(
        "",
        &step("scope = \"global\"\nworkloads = [\"tags\"]"),
        &[":14:13: ", "no workload is named `tags`"],
    );
    refused("", &step("scope = \"global\"\non = []"), &["`on` is empty"]);
    refused(
        "",
        &step("scope = \"global\"\non = [\"bad\"]"),
        &["throttled"],
    );
}

#[test]
fn routes_that_cannot_be_are_refused_at_their_place() {
    let route = |keys: &str| format!("[[workload.route]]\n{keys}");
    refused(&route("share = 1.5\nmodel = \"nova-lite\""), "", &["share"]);
    refused(
        &format!(
            "{}\n{}",
            route("share = 0.7\nmodel = \"nova-lite\""),
            route("share = 0.4\nmodel = \"nova-micro\"")
        ),
        "",
        &["must not sum to more than 1"],
    );
    refused(
        &route("input_above = 9\ninput_at_most = 9\nmodel = \"nova-lite\""),
        "",
        &["must be below"],
    );
    refused(
        &route("model = \"nova-light\""),
        "",
        &[":12:9: ", "nova-light"],
    );
    refused(
        "[workload.classifier]\nmodel = \"nova-micro\"\nhard_share = 0.3\naccuracy = 0.9",
        "",
        &["easy"],
    );
    refused(
        "batch = {}\n[[workload.route]]\nmodel = \"nova-lite\"",
        "",
        &["`route` does not go with `batch`"],
    );
}

#[test]
fn routes_of_the_client_are_for_workloads_that_carry_their_tags() {
    let route = |feature: &str| {
        format!("[[client.route]]\nmodel = \"nova-lite\"\nwhen_tag = {{ feature = \"{feature}\" }}")
    };
    let summary = run("", &route("chat"));
    let lanes = &summary.variants[0].lanes;
    assert_eq!((lanes[0].answered, lanes[1].answered), (0, 300));
    assert_eq!(lanes[1].name, "nova-lite us");
    let summary = run("", &route("tags"));
    assert!(summary.variants[0].lanes.is_empty());
    assert_eq!(summary.variants[0].requests.completed, 300);
}

#[test]
fn a_fallback_has_the_prices_and_the_quota_of_its_own_endpoint() {
    let tables = "[quota]\nrpm = 60\n[client]\nretry = \"none\"\n[[client.fallback]]\n\
                  scope = \"global\"\n[[client.fallback]]\nbatch = true";
    let summary = run("", tables);
    let variant = &summary.variants[0];
    let [own, global, batch] = variant.lanes.as_slice() else {
        panic!("{:?}", variant.lanes)
    };
    assert_eq!((own.attempts, own.throttled), (300, global.attempts));
    assert_eq!(global.throttled, batch.deferred);
    assert_eq!(variant.requests.deferred, batch.deferred);
    assert!(batch.deferred > 50 && variant.requests.throttled == 0);
    // Standard prices of $3 and $15 with a tenth on top within the geography, and half for batch.
    let call = (900.0 * 3.0 + 200.0 * 15.0) / 1e6;
    let near = |got: Option<f64>, calls: u64, price: f64| {
        let want = calls as f64 * call * price;
        assert!((got.unwrap() - want).abs() < 1e-5 * want, "{got:?} {want}");
    };
    near(own.cost_usd, own.answered, 1.1);
    near(global.cost_usd, global.answered, 1.0);
    near(variant.cost.by_class.batch, batch.deferred, 0.55);
    let names: Vec<&str> = variant.quota.iter().map(|one| one.scope.as_str()).collect();
    assert!(names.contains(&"geo") && names.contains(&"global"));
}

#[test]
fn a_live_run_sets_the_worst_way_aside() {
    let cost = |workload: &str, tables: &str| {
        let ready = ready(&scenario(workload, tables), &[]).unwrap();
        let variant = &ready.loaded.scenario.variants[0];
        let catalogue = Catalogue::builtin();
        let plan = LivePlan::new(variant, &ready.variants[0], &catalogue, 1).unwrap();
        let worst = worst_case(&plan);
        (worst.attempts, worst.cost.unwrap().dollars())
    };
    let plain = "[client]\nretry = \"none\"";
    let (attempts, alone) = cost("", plain);
    assert_eq!(attempts, 1);
    let chain = format!("{plain}\n[[client.fallback]]\nscope = \"global\"");
    let (attempts, both) = cost("", &chain);
    assert_eq!(attempts, 2);
    assert!((both / alone - 2.1 / 1.1).abs() < 1e-6, "{both} {alone}");
    let judged = "[workload.classifier]\nmodel = \"claude-sonnet-4-5\"\nhard_share = 0.3\n\
                  accuracy = 0.9\neasy = { model = \"nova-lite\" }";
    let (attempts, judged) = cost(judged, plain);
    assert_eq!(attempts, 2);
    assert!(judged > alone && judged < 2.0 * alone);
}
