//! What good scenarios are read as.

use bedload::client::spec::RetryPolicy;
use bedload::config::Source;
use bedload::domain::{Scope, Window};
use bedload::load::spec::ArrivalSpec;
use bedload::scenario::{Files, Loaded, Scenario, read};
use bedload::service::spec::{CapacitySpec, Overload};
use bedload::units::{Micros, PerSecond};

const EVERYTHING: &str = include_str!("../../fuzz/seeds/scenario/everything.toml");
const SMALLEST: &str = include_str!("../../fuzz/seeds/scenario/smallest.toml");
const REPLAY: &str = include_str!("../../fuzz/seeds/scenario/recorded_load.toml");
const FIGURES: &str = include_str!("../../fuzz/seeds/scenario/recorded_figures.toml");

struct Small;

impl Files for Small {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        let bytes: &[u8] = if path == "recording.toml" {
            include_bytes!("../../fuzz/seeds/trace/recording.toml")
        } else {
            include_bytes!("../../fuzz/seeds/trace/azure.csv")
        };
        Ok(bytes.to_vec())
    }
}

fn load(text: &str, sets: &[&str]) -> Loaded {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    match read(&Source::new("s.toml", text), &sets, &Small) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{error}"),
    }
}

fn scenario(text: &str, sets: &[&str]) -> Scenario {
    load(text, sets).scenario
}

#[test]
fn a_scenario_without_variants_has_one() {
    let scenario = scenario(SMALLEST, &[]);
    assert_eq!(scenario.variants.len(), 1);
    let variant = &scenario.variants[0];
    assert_eq!(variant.name, "base");
    assert_eq!((scenario.seed, scenario.replications), (1, 1));
    assert_eq!(variant.duration, Micros::from_secs(600));
    assert_eq!(
        variant.client,
        bedload::client::spec::ClientPolicy::default()
    );
    assert_eq!(
        variant.service.rules,
        bedload::domain::QuotaRules::default()
    );
    let scope = Scope::Geo("us".to_owned());
    assert_eq!(variant.service.capacity, CapacitySpec::OnDemand { scope });
}

#[test]
fn variants_change_only_what_they_name() {
    let scenario = scenario(EVERYTHING, &[]);
    let [on_demand, in_region, units, reserved] = scenario.variants.as_slice() else {
        panic!("{} variants", scenario.variants.len());
    };
    assert_eq!(in_region.client.retry, RetryPolicy::None);
    assert_eq!(in_region.client.timeout, Some(Micros::from_secs(60)));
    assert_eq!(in_region.workloads, on_demand.workloads);
    assert_eq!(on_demand.service.rules.request_window, Window::Fixed);
    let CapacitySpec::Provisioned(spec) = &units.service.capacity else {
        panic!("{:?}", units.service.capacity);
    };
    assert_eq!(spec.overload, Overload::OnDemand(Scope::Global));
    let (chat, others) = reserved.workloads.split_first().expect("it has workloads");
    assert_eq!(chat.max_tokens, None);
    let rate = PerSecond(20.0);
    assert_eq!(chat.traffic.arrival, ArrivalSpec::Poisson { rate });
    assert_eq!(chat.traffic.input, on_demand.workloads[0].traffic.input);
    assert_eq!(others, &on_demand.workloads[1..]);
}

#[test]
fn the_resolved_scenario_reads_as_itself() {
    for text in [EVERYTHING, SMALLEST, REPLAY, FIGURES] {
        let first = scenario(text, &[]);
        let resolved = toml::to_string(&first.resolved).expect("a table of TOML values");
        let second = scenario(&resolved, &[]);
        assert_eq!(first, second, "{resolved}");
    }
}

#[test]
fn overrides_reach_every_part() {
    let sets = [
        "seed=9",
        "workload.users.arrival.poisson.rate=3/s",
        "workload[0].max_tokens=2k",
        "client.retry=none",
        "variant.in-region.capacity.on_demand.scope=global",
        "variant.units.client.retry.aws_standard_2_0.max_attempts=5",
    ];
    let scenario = scenario(EVERYTHING, &sets);
    assert_eq!(scenario.seed, 9);
    let first = &scenario.variants[0];
    let rate = PerSecond(3.0);
    assert_eq!(
        first.workloads[1].traffic.arrival,
        ArrivalSpec::Poisson { rate }
    );
    assert_eq!(first.workloads[0].max_tokens, Some(2000));
    assert_eq!(first.client.retry, RetryPolicy::None);
    let scope = Scope::Global;
    assert_eq!(
        scenario.variants[1].service.capacity,
        CapacitySpec::OnDemand { scope }
    );
    let retry = RetryPolicy::AwsStandard20 { max_attempts: 5 };
    assert_eq!(scenario.variants[2].client.retry, retry);
}

#[test]
fn a_replay_knows_its_own_length() {
    // The two requests lie 4.3 s apart, played twice as fast; 24 intervals of a second.
    assert_eq!(
        scenario(REPLAY, &[]).variants[0].duration,
        Micros::from_secs(3)
    );
    assert_eq!(
        scenario(FIGURES, &[]).variants[0].duration,
        Micros::from_secs(25)
    );
}

#[test]
fn later_problems_point_at_their_values() {
    let loaded = load(EVERYTHING, &[]);
    let problems = vec![
        loaded.origins.problem_at(
            "units",
            "workload.chat.model",
            "no such model",
            "see `profiles/models`",
        ),
        loaded
            .origins
            .problem_at("units", "capacity", "sells no units", "use `reserved`"),
        loaded
            .origins
            .problem_at("units", "quota.unknown", "is not there", ""),
    ];
    let error = loaded.origins.error(problems).to_string();
    assert!(error.contains("s.toml:11:9: no such model"), "{error}");
    assert!(error.contains("sells no units"), "{error}");
    assert_eq!(error.lines().count(), 3);
}
