//! Plans, as their users see them.

use crate::running::{assert_valid, gallery};
use bedload::results::PLAN_JSON_SCHEMA;
use bedload::results::plan::{PlanSummary, read_plan};
use std::fs;
use std::process::{Command, Output};

fn bedload(scenario: &str, flags: &[&str]) -> Output {
    let out = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_bedload"))
        .arg("plan")
        .arg(gallery().join(scenario))
        .args(["--quiet", "--out"])
        .arg(out.path().join("plan"))
        .args(flags)
        .output()
        .unwrap()
}

fn plan(scenario: &str, flags: &[&str]) -> PlanSummary {
    let mut all = vec!["--format", "json"];
    all.extend_from_slice(flags);
    let output = bedload(scenario, &all);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_valid(PLAN_JSON_SCHEMA, &text);
    read_plan(&text).unwrap()
}

#[test]
fn quota_comes_before_capacity_and_round_the_clock_work_is_worth_reserving() {
    let plan = plan("buy-or-wait.toml", &["--paths", "100"]);
    let [office, steady] = plan.variants.as_slice() else {
        panic!("two variants");
    };
    let pool = &office.pools[0];
    assert!(pool.within_quota.is_some() && pool.sentence.contains("ask for"));
    assert!(office.quotas[0].request.is_some());
    let saved = |variant: &bedload::results::plan::PlanVariant| {
        let ways = &variant.pools[0].decision.alternatives;
        let best = ways.iter().find(|way| way.name == "best").unwrap();
        best.saving_month_usd / ways[0].month_usd
    };
    // At parity an assistant of office hours saves next to nothing, whatever it reserves.
    assert!((0.0..0.01).contains(&saved(office)), "{}", saved(office));
    assert!((0.03..0.10).contains(&saved(steady)), "{}", saved(steady));
    assert_eq!(steady.pools[0].decision.verdict, "buy_now");
    // The bill is that of the week, and not of the hour in which the run begins.
    let (bill, cash) = (office.bill.month_usd.unwrap(), &office.cash.months[0]);
    assert!(
        (bill / cash.bill_usd - 1.0).abs() < 0.02,
        "{bill} {}",
        cash.bill_usd
    );
}

#[test]
fn five_workloads_are_planned_the_same_on_any_number_of_threads() {
    let flags = |threads| ["--paths", "50", "--threads", threads];
    let without_engine = |threads| {
        let mut plan = plan("finance-review.toml", &flags(threads));
        plan.engine = bedload::results::plan::PlanEngine::default();
        plan
    };
    let one = without_engine("1");
    assert_eq!(one, without_engine("2"));
    assert_eq!(one.variants[0].demand.workloads.len(), 5);
    let verified = one.variants[0]
        .pools
        .iter()
        .map(|pool| pool.verification.as_ref());
    assert!(verified.flatten().all(|part| !part.hours.is_empty()));
}

#[test]
fn a_plan_leaves_a_folder_with_the_sheet_for_a_quota_request() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().join("plan");
    let output = Command::new(env!("CARGO_BIN_EXE_bedload"))
        .arg("plan")
        .arg(gallery().join("buy-or-wait.toml"))
        .args(["--no-verify", "--paths", "50", "--quiet", "--out"])
        .arg(&folder)
        .args(["--set", "plan.start=2027-01"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let sheet = read("quota-request.md");
    for want in ["Desired", "desired limit", "L-7BEE40FB", "Growth"] {
        assert!(
            sheet.to_lowercase().contains(&want.to_lowercase()),
            "{want} in {sheet}"
        );
    }
    read_plan(&read("plan.json")).unwrap();
    assert!(read("plan.md").starts_with("# buy-or-wait"));
    assert!(folder.join("manifest.json").exists());
}

#[test]
fn bad_plans_are_refused_at_their_place() {
    for (set, says) in [
        ("plan.growth.per_month=-1.5", "per_month"),
        ("plan.months=0", "months"),
        ("plan.discount=2", "discount"),
        ("plan.workload.nobody.volume=1000", "nobody"),
        ("price_book=nineteen", "nineteen"),
    ] {
        let output = bedload("buy-or-wait.toml", &["--set", set]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{set}: {told}");
        assert!(told.contains(says), "{set}: {told}");
    }
}
