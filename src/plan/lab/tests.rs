//! The lab against what is known of metastable systems.

use super::*;
use crate::config::Source;
use crate::profile::Catalogue;
use crate::report::{self, Style};
use crate::results::{EngineInfo, LAB_JSON_SCHEMA, LabSummary, ScenarioInfo, read_lab, summarise};
use crate::scenario::{Files, read};
use crate::sim::{RunSetup, VariantContext, assemble, run, run_each};
use crate::units::Micros;

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no file {path} in this test"))
    }
}

/// The variants of a scenario and the window of their spike.
fn variants(text: &str, sets: &[String]) -> (Vec<RunSetup>, Vec<VariantContext>, Window, u64) {
    let catalogue = Catalogue::builtin();
    let loaded = match read(&Source::new("s.toml", text), sets, &NoFiles) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{error}"),
    };
    let assembled = match assemble(&loaded, &catalogue, catalogue.latest_prices().unwrap()) {
        Ok(assembled) => assembled,
        Err(error) => panic!("{error}"),
    };
    let variant = &loaded.scenario.variants[0];
    let spike = variant.spike.as_ref().expect("the scenario has a spike");
    let window = Window {
        from: variant.warmup,
        at: spike.at,
        release: spike.release(),
        until: variant.duration,
    };
    let (mut setups, contexts): (Vec<RunSetup>, Vec<_>) = assembled
        .into_iter()
        .map(|one| (one.setup, one.context))
        .unzip();
    for setup in &mut setups {
        setup.course = Some(window.bin());
    }
    (setups, contexts, window, loaded.scenario.seed)
}

/// One server, first come first served, that takes 10 ms for a request and works off what was abandoned
/// in its queue; clients give up after a second (methods 4.5). A spike of 30 s raises the load to 1.5
/// times capacity, and to three times the base at least.
fn server(rho: f64, client: &str, after_s: u64) -> (RunSetup, Window) {
    let rate = 100.0 * rho;
    let factor = f64::max(3.0, 1.5 / rho);
    let text = format!(
        r#"
name = "server"
duration = "{}s"
[[workload]]
name  = "w"
model = "llama-3-1-70b"
arrival.poisson.rate = "{rate}/s"
tokens.input.fixed  = 10
tokens.output.fixed = 1
[spike]
at = "60s"
length = "30s"
load = {factor:?}
[service.latency.fixed]
ttft = "10ms"
per_token = "1us"
[capacity.provisioned]
model_units = 1
term = "hourly"
unit_input_tpm  = "60k"
unit_output_tpm = "6G"
unit_price_per_hour = "$1"
overload = "queue"
[client]
timeout = "1s"
{client}
"#,
        90 + after_s
    );
    let (mut setups, _, window, _) = variants(&text, &[]);
    (setups.remove(0), window)
}

fn attempts(max: u32) -> String {
    format!(
        "retry.exponential = {{ max_attempts = {max}, base = \"1ms\", cap = \"1ms\", jitter = \"none\" }}"
    )
}

/// Seconds from the release until a server has recovered.
fn back_after((setup, window): &(RunSetup, Window)) -> Option<f64> {
    let figures = SeedFigures::of(1, &run(setup, 1), window);
    figures.recovery.map(Micros::as_secs_f64)
}

fn assert_near(what: &str, got: Option<f64>, want: f64, tolerance: f64) {
    let got = got.unwrap_or(f64::INFINITY);
    assert!(
        (got / want - 1.0).abs() <= tolerance,
        "{what}: {got} s, want {want} s"
    );
}

#[test]
fn three_attempts_are_vulnerable_above_a_third_of_capacity() {
    let back = |rho: f64, after_s| back_after(&server(rho, &attempts(3), after_s));
    assert_near(".25", back(0.25, 1000), 370.0, 0.15);
    assert_near(".30", back(0.30, 2000), 870.0, 0.15);
    // So near to the edge a hundredth of the load is a third of the time.
    assert_near(".32", back(0.32, 4000), 1950.0, 0.35);
    for rho in [0.36, 0.4, 0.6] {
        assert_eq!(back(rho, 3000), None, "ρ = {rho}");
    }
}

#[test]
fn two_attempts_are_vulnerable_above_half_and_one_attempt_never() {
    let back = |rho: f64, max| back_after(&server(rho, &attempts(max), 2500));
    assert!(back(0.45, 2).is_some());
    assert_eq!(back(0.55, 2), None);
    assert!(back(0.8, 1).is_some(), "without retries the queue runs dry");
}

#[test]
fn a_budget_moves_the_edge_to_one_over_one_plus_its_ratio() {
    // A tenth: 1/1.1 = .909.
    let client = format!(
        "{}\nretry_budget = {{ ratio = 0.1, min_rate = \"0/s\", window = \"10s\" }}",
        attempts(3)
    );
    let back = |rho: f64, after_s| back_after(&server(rho, &client, after_s));
    assert_near(".6", back(0.6, 600), 90.0, 0.25);
    assert_near(".8", back(0.8, 1500), 380.0, 0.25);
    assert_eq!(back(0.95, 3000), None);
}

#[test]
fn short_jitter_alone_does_not_help() {
    let jitter =
        "retry.exponential = { max_attempts = 3, base = \"1s\", cap = \"4s\", jitter = \"full\" }";
    assert_eq!(back_after(&server(0.4, jitter, 2000)), None);
}

#[test]
fn the_sweep_finds_the_edge() {
    let (setup, window) = server(0.42, &attempts(3), 2400);
    let figures = SeedFigures::of(1, &run(&setup, 1), &window);
    assert_eq!(figures.verdict, Verdict::Metastable);
    let base = figures.phases.before.share();
    let found = tip(&setup, &window, &[1, 2], figures.verdict, base, &|| {});
    let holds = 0.42 * found.holds.expect("a low load recovers");
    let (fails, why) = found.fails.expect("the scenario's load does not");
    assert_eq!(why, Verdict::Metastable);
    assert!(fails / found.holds.unwrap() <= 1.05);
    // It has to be back by the last third, 1,600 s after the release: a little below one third.
    assert!((0.28..0.34).contains(&holds), "ρ = {holds}");
}

/// What `bedload lab` finds for a scenario of the gallery.
fn found(text: &str, seeds: u32) -> LabSummary {
    let (setups, contexts, window, seed) = variants(text, &[]);
    let mut figures = vec![Vec::new(); setups.len()];
    let measures = run_each(&setups, seed, seeds, &|| {}, |variant, seed, run| {
        figures[variant].push(SeedFigures::of(seed, run, &window));
    });
    let policies: Vec<LabPolicy> = figures
        .into_iter()
        .zip(&measures)
        .map(|(seeds, measures)| LabPolicy {
            seeds,
            course: measures.total.course.clone().unwrap(),
            tip: None,
        })
        .collect();
    let info = ScenarioInfo {
        name: "gallery".into(),
        description: "Which one?".into(),
        seed,
        replications: seeds,
    };
    let engine = EngineInfo {
        wall: Micros::SECOND,
        threads: 1,
    };
    let summary = summarise(&info, &contexts, &measures, engine, false);
    document(&LabInput {
        window: &window,
        triggers: &["load".to_owned()],
        summary: &summary,
        policies: &policies,
    })
}

fn policy<'a>(lab: &'a LabSummary, name: &str) -> &'a crate::results::PolicySummary {
    let found = lab.policies.iter().find(|one| one.name == name);
    found.unwrap_or_else(|| panic!("no policy {name}"))
}

#[test]
fn a_retry_storm_is_ended_by_fewer_retries_and_by_nothing_else() {
    let lab = found(include_str!("../../../scenarios/retry-storm.toml"), 3);
    for name in ["no-retry", "sdk-2026"] {
        assert_eq!(policy(&lab, name).verdict, "recovers", "{name}");
    }
    for name in ["two-attempts", "three-attempts", "boto3-legacy", "patient"] {
        let one = policy(&lab, name);
        assert_eq!(one.verdict, "metastable", "{name}");
        assert!(
            one.recovery_s.is_none() && one.hysteresis.unwrap() < 0.2,
            "{name}"
        );
        assert!(one.rank > policy(&lab, "sdk-2026").rank);
        assert!(
            lab.verdict
                .iter()
                .any(|line| line.starts_with(&format!("Never {name}:")))
        );
    }
    assert_eq!(lab.best.as_deref(), Some(lab.policies[0].name.as_str()));
    // The document is what its schema says, and reads back.
    let schema = serde_json::from_str(LAB_JSON_SCHEMA).unwrap();
    let json = lab.to_json();
    let value = serde_json::from_str(&json).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|one| format!("{one}, {}", one.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(read_lab(&json).unwrap(), lab);
    // People are told the advice first, and everything that is marked has a stroke on either side.
    let style = Style {
        color: false,
        width: 100,
    };
    let text = report::lab::terminal(&lab, style, "FOLDER");
    assert!(
        text.lines().all(|line| line.chars().count() <= 102),
        "{text}"
    );
    assert!(text.contains(&lab.verdict[0][..40]));
    let drawn = text.lines().filter(|line| line.matches('│').count() == 2);
    assert_eq!(drawn.count(), lab.policies.len() + 1);
    let markdown = report::lab::markdown(&lab, "FOLDER");
    assert!(markdown.starts_with("# gallery") && markdown.contains("| no-retry |"));
}

#[test]
fn the_ranking_of_the_launch_spike_is_stable_over_seeds() {
    let lab = found(include_str!("../../../scenarios/launch-spike.toml"), 5);
    let count = lab.policies.len() as f64;
    assert!(lab.policies.len() >= 10);
    for one in &lab.policies {
        assert_eq!(one.verdict, "recovers", "{}", one.name);
        // The limiter of `adaptive` mode holds the system down for minutes: the quota has long room again.
        let is_slow = one.recovery_s.is_none_or(|after| after > 120.0);
        assert_eq!(is_slow, one.name == "sdk-adaptive", "{}", one.name);
        let moved = one
            .ranks
            .iter()
            .map(|&rank| f64::from(rank) - f64::from(one.rank));
        assert!(
            moved.clone().all(|places| places.abs() <= 2.0),
            "{} {:?}",
            one.name,
            one.ranks
        );
    }
    // Spearman's correlation of the ranking with that of each single seed.
    for seed in 0..lab.seeds.len() {
        let moved = lab
            .policies
            .iter()
            .map(|one| f64::from(one.ranks[seed]) - f64::from(one.rank));
        let squares: f64 = moved.map(|places| places * places).sum();
        let correlation = 1.0 - 6.0 * squares / (count * (count * count - 1.0));
        assert!(correlation >= 0.9, "seed {seed}: {correlation}");
    }
}
