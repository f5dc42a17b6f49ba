use super::{ScenarioOptions, scenario};
use crate::load::trace::{Record, Recorded};
use crate::rng::Keyed;
use crate::units::Micros;

fn options() -> ScenarioOptions {
    ScenarioOptions {
        name: "like \"it\"".to_owned(),
        source: "a log\nwith lines".to_owned(),
        models: vec![Some("claude-sonnet-4-6".to_owned()), None],
        model: "claude-haiku-4-5".to_owned(),
        max_tokens: None,
    }
}

fn log(n: u32, sessions: bool) -> Recorded {
    let draws = Keyed::new(4, "scenario");
    let call = |i: u32| Record {
        at: Micros(u64::from(i) * 700_000 + (500_000.0 * draws.uniform(u64::from(i))) as u64),
        model: u16::from(i.is_multiple_of(5)),
        session: if sessions { i % (n / 4) } else { i },
        input: 100 + (3000.0 * draws.uniform(u64::from(i) ^ 1 << 40)) as u32 + i / (n / 4) * 500,
        cache_read: 80,
        output: 20 + (200.0 * draws.uniform(u64::from(i) ^ 2 << 40)) as u32,
        max_tokens: (!i.is_multiple_of(3)).then_some(2000),
        attempt: 1,
        ..Record::default()
    };
    Recorded {
        calls: (0..n).map(call).collect(),
        models: vec!["us.claude".to_owned(), "own\"model\n".to_owned()],
        clients: vec![String::new()],
        ..Recorded::default()
    }
}

#[test]
fn a_scenario_is_toml_whatever_the_log_is_called() {
    for sessions in [false, true] {
        let text = scenario(&log(400, sessions), &options()).unwrap();
        let table: toml::Table = text
            .parse()
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(table["name"].as_str(), Some("like \"it\""));
        let workloads = table["workload"].as_array().unwrap();
        assert_eq!(workloads.len(), 2, "one for each model");
        assert_eq!(workloads[0]["model"].as_str(), Some("claude-sonnet-4-6"));
        assert_eq!(workloads[1]["model"].as_str(), Some("claude-haiku-4-5"));
        assert_eq!(workloads[0]["max_tokens"].as_integer(), Some(2000));
        assert_eq!(workloads[0].get("session").is_some(), sessions);
        assert!(workloads[0].get("cache").is_some(), "{text}");
    }
}

#[test]
fn nothing_is_made_of_a_few_requests() {
    assert!(scenario(&log(8, false), &options()).is_err());
    assert!(scenario(&Recorded::default(), &options()).is_err());
}
