//! Weeks, mean requests and paths against known figures.

use super::*;
use crate::config::Source;
use crate::profile::Catalogue;
use crate::scenario::{Files, GrowthSpec, Loaded, read};
use crate::sim::assemble;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Files by name.
#[derive(Default)]
pub(in crate::plan::purchase) struct Given(pub BTreeMap<&'static str, Vec<u8>>);

impl Files for Given {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        let known = self.0.get(path).cloned();
        known.ok_or_else(|| format!("no file {path} in this test"))
    }
}

pub(in crate::plan::purchase) fn loaded(text: &str, files: &Given) -> Loaded {
    match read(&Source::new("s.toml", text), &[], files) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{error}"),
    }
}

pub(in crate::plan::purchase) fn demand_with(text: &str, files: &Given) -> Demand {
    let catalogue = Catalogue::builtin();
    let loaded = loaded(text, files);
    let book = catalogue.latest_prices().unwrap();
    let assembled = match assemble(&loaded, &catalogue, book) {
        Ok(variants) => variants,
        Err(error) => panic!("{error}"),
    };
    demand(&loaded.scenario.variants[0], &assembled[0], 1)
}

fn demand_of(text: &str) -> Demand {
    demand_with(text, &Given::default())
}

/// One workload of fixed sizes; `arrival` and `more` are lines of it.
pub(in crate::plan::purchase) fn scenario(arrival: &str, more: &str) -> String {
    format!(
        r#"
name = "t"
duration = "1h"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 4096
arrival.{arrival}
tokens.input = {{ fixed = 3000 }}
tokens.output = {{ fixed = 400 }}
{more}
"#
    )
}

/// A week in which the working hours of five days have four times the rate.
fn office_week() -> Vec<f64> {
    (0..HOURS_OF_WEEK)
        .map(|hour| {
            let office = hour < 120 && (8..18).contains(&(hour % 24));
            if office { 4.0 } else { 1.0 }
        })
        .collect()
}

fn shaped(more: &str) -> String {
    let factors = office_week();
    let shape =
        format!("shape.hour_of_week = {{ factors = {factors:?}, start_hour = 100 }}\n{more}");
    scenario("poisson = { rate = \"2/s\" }", &shape)
}

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "got {got}, want {want}");
}

#[test]
fn a_week_is_the_rate_times_its_shape_whenever_the_run_begins() {
    let demand = demand_of(&shaped(""));
    let week = &demand.workloads[0].week;
    assert_eq!(week.len(), HOURS_OF_WEEK);
    near(week.iter().sum::<f64>(), 2.0 * 604_800.0, 1e-6);
    let mean = office_week().iter().sum::<f64>() / 168.0;
    // Amid equal hours the curve is flat.
    near(week[12], 4.0 / mean * 7200.0, 1e-6);
    near(week[3], 1.0 / mean * 7200.0, 1e-6);
    // Half of an hour leans to the next one: a quarter of the way at its end.
    near(week[8], (4.0 - 3.0 / 8.0) / mean * 7200.0, 1e-6);
    assert_eq!(demand.notes, Vec::<String>::new());
}

#[test]
fn events_of_a_run_are_no_part_of_a_week() {
    let events = "shape.spike = { at = \"10m\", length = \"5m\", factor = 10 }\n\
                  shape.steps = { steps = [[\"30m\", 3.0]] }";
    let plain = demand_of(&shaped(""));
    let eventful = demand_of(&shaped(events));
    assert_eq!(plain.workloads[0].week, eventful.workloads[0].week);
    insta::assert_debug_snapshot!(eventful.notes, @r#"
    [
        "chat: the spike is an event of the run, and not of a typical week",
        "chat: steps and ramps are events of the run, and not of a typical week",
    ]
    "#);
    // Without a shape of the week the steps give the mean of the run: half an hour each of 2 and 6 a second.
    let mean = demand_of(&scenario("poisson = { rate = \"2/s\" }", events));
    for hour in &mean.workloads[0].week {
        near(*hour, 4.0 * 3600.0, 1e-6);
    }
    let ramp = demand_of(&scenario(
        "ramp = { from = \"0/s\", to = \"4/s\", over = \"30m\" }",
        "",
    ));
    near(ramp.workloads[0].week[0], 3.0 * 3600.0, 1e-6);
}

#[test]
fn closed_loops_ask_users_over_the_cycle() {
    let text = scenario("closed = { users = 50, think = { fixed = \"15s\" } }", "");
    let text =
        format!("{text}\n[service]\nlatency.fixed = {{ ttft = \"10s\", per_token = \"0s\" }}\n");
    let demand = demand_of(&text);
    near(demand.workloads[0].week[77], 2.0 * 3600.0, 30.0);
}

#[test]
fn calls_of_a_session_count_each() {
    let session = "session = { turns = { fixed = 4 }, think = { fixed = \"10s\" } }";
    let demand = demand_of(&scenario("poisson = { rate = \"0.5/s\" }", session));
    near(demand.workloads[0].week[0], 4.0 * 1800.0, 1e-6);
    // Later turns carry the earlier ones: 3,000·(1+2+3+4)/4 + 400·(0+1+2+3)/4.
    near(demand.workloads[0].call.input, 7500.0 + 600.0, 20.0);
    // Calls of one session come within a minute of each other.
    let single = demand_of(&scenario("poisson = { rate = \"2/s\" }", ""));
    assert!(demand.workloads[0].minute_cv > 1.3 * single.workloads[0].minute_cv);
}

#[test]
fn minutes_scatter_by_the_index_of_dispersion() {
    let cv = |arrival: &str| demand_of(&scenario(arrival, "")).workloads[0].minute_cv;
    near(
        cv("poisson = { rate = \"2/s\" }"),
        (1.0f64 / 120.0).sqrt(),
        1e-12,
    );
    near(cv("constant = { rate = \"2/s\" }"), 0.0, 1e-12);
    // Gaps with a coefficient of variation of 3 give counts of dispersion 9 in the long run.
    let gamma = cv("gamma = { rate = \"2/s\", cv = 3 }");
    near(gamma, (9.0f64 / 120.0).sqrt(), 0.03);
}

#[test]
fn the_mean_request_is_that_of_the_closed_forms() {
    let demand = demand_of(&scenario("poisson = { rate = \"2/s\" }", ""));
    let call = demand.workloads[0].call;
    assert_eq!((call.input, call.output), (3000.0, 400.0));
    // R = 3,000 + 4,096 and F = 3,000 + 5 · 400; the us profile costs a tenth more than $3 and $15.
    assert_eq!((call.reserved, call.settled), (7096.0, 5000.0));
    assert_eq!(call.on_demand, Some(Usd::from_dollars(0.0165)));
    assert_eq!(call.batch, Some(Usd::from_dollars(0.00825)));
    assert!(call.held > Micros::SECOND);
}

#[test]
fn a_hit_ratio_takes_the_place_of_the_measured_one() {
    let cache = "cache = { prefix_tokens = 6000, prefixes = 4, ttl = \"5m\" }";
    let own = "\n[plan.workload.chat]\nhit_ratio = 0.75\n";
    let text = scenario("poisson = { rate = \"2/s\" }", cache) + own;
    let call = demand_of(&text).workloads[0].call;
    near(call.cache_read, 4500.0, 1e-6);
    near(call.cache_write, 1500.0, 1e-6);
    near(call.settled, 3000.0 + 1500.0 + 2000.0, 1e-6);
    let dollars = 1.1 * 3e-6 * (3000.0 + 1.25 * 1500.0 + 0.1 * 4500.0) + 1.1 * 15e-6 * 400.0;
    near(call.on_demand.unwrap().dollars(), dollars, 1e-9);
    // Batch has no cache.
    let batch = 0.55 * (3e-6 * 9000.0 + 15e-6 * 400.0);
    near(call.batch.unwrap().dollars(), batch, 1e-9);
    let nothing = demand_of(&(scenario("poisson = { rate = \"2/s\" }", "") + own));
    assert!(nothing.warnings[0].contains("nothing of its prompts is cached"));
}

#[test]
fn a_recorded_day_is_repeated_and_that_is_said() {
    let files = Given(BTreeMap::from([(
        "recording.toml",
        include_bytes!("../../../../fuzz/seeds/trace/recording.toml").to_vec(),
    )]));
    let text = scenario("recorded = { file = \"recording.toml\" }", "");
    let demand = demand_with(&text, &files);
    let replayed = &loaded(&text, &files).scenario.variants[0].workloads[0];
    let crate::load::spec::ArrivalSpec::Recorded(replay) = &replayed.traffic.arrival else {
        panic!("a recording");
    };
    let counts: f64 = replay.recording.counts.iter().map(|n| f64::from(*n)).sum();
    let hours =
        replay.recording.interval.as_secs_f64() * replay.recording.counts.len() as f64 / 3600.0;
    assert!(hours < 1.0, "the file of the corpus is short");
    near(demand.workloads[0].week[0], counts / hours, 1e-9);
    assert!(
        demand.warnings[0].contains("mean rate"),
        "{:?}",
        demand.warnings
    );
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
fn a_recorded_hour_of_azure_is_as_bursty_as_its_minutes() {
    let Ok(folder) = std::env::var("BEDLOAD_DATA") else {
        eprintln!("not run: BEDLOAD_DATA names no folder of recorded traffic");
        return;
    };
    let path = format!("{folder}/azure_llm_2023/AzureLLMInferenceTrace_code.csv");
    let files = Given(BTreeMap::from([("code.csv", std::fs::read(path).unwrap())]));
    let text = r#"
name = "azure"
duration = "1h"
[[workload]]
name = "code"
model = "claude-sonnet-4-6"
max_tokens = 4096
arrival.trace = { file = "code.csv", format = "azure" }
"#;
    let demand = demand_with(text, &files);
    let code = &demand.workloads[0];
    // 8,819 requests in 3,436 s: 9,240 an hour; minute counts of mean 154 and dispersion 164.
    near(code.week[0], 9240.0, 10.0);
    near(code.minute_cv, (163.96f64 / 154.0).sqrt(), 0.02);
    near(code.call.input, 2047.8, 1.0);
    near(code.call.output, 27.9, 0.1);
    assert!(
        demand.warnings[0].contains("57 minutes"),
        "{:?}",
        demand.warnings
    );
}

fn growth(spec: GrowthSpec) -> PathGrowth {
    PathGrowth { spec, own: None }
}

#[test]
fn paths_have_the_median_and_spread_of_their_law() {
    let spec = GrowthSpec {
        per_month: 0.05,
        volatility: 0.08,
        uncertainty: 0.02,
        season: vec![1.0, 1.0, 1.5],
    };
    let (months, paths) = (13, 20_000);
    let drawn = Paths::draw(&[growth(spec.clone())], months, paths, 7);
    for month in [0, 3, 12] {
        let season: f64 = if month % 3 == 2 { 1.5 } else { 1.0 };
        let logs: Vec<f64> = (0..paths)
            .map(|path| (drawn.factor(0, path, month) / season).ln())
            .collect();
        let mean = logs.iter().sum::<f64>() / paths as f64;
        let m = month as f64;
        // Antithetic paths have the mean of the law exactly.
        near(mean, 1.05f64.ln() * m, 1e-9);
        let variance = logs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / paths as f64;
        let want = (0.08f64.powi(2) * m + (0.02 * m).powi(2)).sqrt();
        near(variance.sqrt(), want, 0.02 * want + 1e-12);
    }
    // What a month adds is independent of what came before.
    let step = |path: usize, month: usize| {
        (drawn.factor(0, path, month) / drawn.factor(0, path, month - 1)).ln()
    };
    let mut product = 0.0;
    for path in 0..paths {
        product += (step(path, 4) - 1.05f64.ln()) * (step(path, 1) - 1.05f64.ln());
    }
    // But for the drift that both share.
    near(product / paths as f64, 0.02f64.powi(2), 2e-4);
}

#[test]
fn other_parameters_keep_the_draws() {
    let spec = |per_month, volatility| GrowthSpec {
        per_month,
        volatility,
        ..GrowthSpec::default()
    };
    let short = Paths::draw(&[growth(spec(0.05, 0.1))], 6, 10, 3);
    let long = Paths::draw(&[growth(spec(0.0, 0.2))], 12, 50, 3);
    for path in 0..10 {
        for month in 0..6 {
            let walked = (short.factor(0, path, month).ln() - 1.05f64.ln() * month as f64) / 0.1;
            near(long.factor(0, path, month).ln() / 0.2, walked, 1e-9);
        }
    }
    let own = |name: &str| PathGrowth {
        spec: spec(0.0, 0.1),
        own: Some(name.to_owned()),
    };
    let several = [
        growth(spec(0.0, 0.1)),
        growth(spec(0.0, 0.1)),
        own("a"),
        own("b"),
    ];
    let drawn = Paths::draw(&several, 3, 4, 3);
    assert!((drawn.factor(0, 2, 2) - drawn.factor(1, 2, 2)).abs() < 1e-15);
    assert!((drawn.factor(0, 2, 2) - drawn.factor(2, 2, 2)).abs() > 1e-6);
    assert!((drawn.factor(3, 2, 2) - drawn.factor(2, 2, 2)).abs() > 1e-6);
}

#[test]
fn first_paths_never_change() {
    let spec = GrowthSpec {
        per_month: 0.0,
        volatility: 1.0,
        ..GrowthSpec::default()
    };
    let drawn = Paths::draw(&[growth(spec)], 3, 2, 42);
    let logs: Vec<String> = drawn
        .factors
        .iter()
        .map(|f| format!("{:.6}", f.ln()))
        .collect();
    insta::assert_debug_snapshot!(logs);
}

#[test]
fn bad_growth_is_refused_where_it_stands() {
    let text = scenario("poisson = { rate = \"2/s\" }", "");
    let refused = |plan: &str| {
        let text = format!("{text}\n{plan}");
        let read = read(&Source::new("s.toml", text), &[], &Given::default());
        read.expect_err("it is refused").to_string()
    };
    insta::assert_snapshot!(refused("[plan.growth]\nper_month = -1.2\nseason = []"));
    insta::assert_snapshot!(refused(
        "[plan]\nstart = \"January\"\n[plan.growth]\nper_month = 20\nseason = [0, 1]"
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn a_volume_scales_the_week_and_nothing_else(volume in 1e3f64..1e8) {
        let plain = demand_of(&shaped(""));
        let own = demand_of(&shaped(&format!("[plan.workload.chat]\nvolume = {volume:.1}\n")));
        let (plain, own) = (&plain.workloads[0], &own.workloads[0]);
        let month = own.week.iter().sum::<f64>() / 168.0 * 730.0;
        prop_assert!((month / volume - 1.0).abs() < 1e-3 / volume.min(1e3));
        let ratio = own.week[0] / plain.week[0];
        for (own, plain) in own.week.iter().zip(&plain.week) {
            prop_assert!((own / plain / ratio - 1.0).abs() < 1e-12);
        }
        prop_assert!((own.call.settled - plain.call.settled).abs() < f64::EPSILON);
        prop_assert_eq!(own.call.on_demand, plain.call.on_demand);
        // More of the same clients scatter less.
        prop_assert!((own.minute_cv / plain.minute_cv - ratio.powf(-0.5)).abs() < 1e-9);
    }
}

/// Twelve weeks and more of hours with a daily cycle, growing by a per cent a week, as a CSV file.
fn growing(weeks: usize) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut text = "timestamp,requests,tokens\n".to_owned();
    let start = crate::units::Month::parse("2027-02").unwrap().first_day();
    for hour in 0..weeks * 168 {
        let day = start.plus_days(hour as i64 / 24);
        let level = 1000.0 * 1.01f64.powi((hour / 168) as i32);
        let value = level
            * if (8..18).contains(&(hour % 24)) {
                2.0
            } else {
                0.5
            };
        let _ = writeln!(
            text,
            "{day}T{:02}:00Z,{value},{}",
            hour % 24,
            value * 3400.0
        );
    }
    text.into_bytes()
}

#[test]
fn a_series_of_hours_tells_the_week_and_its_growth() {
    let files = Given(BTreeMap::from([("demand.csv", growing(26))]));
    let text = |column: &str, more: &str| {
        let plan =
            format!("[plan.workload.chat]\nhourly = {{ file = \"demand.csv\", {column} }}\n{more}");
        scenario("poisson = { rate = \"2/s\" }", "") + &plan
    };
    let demand = demand_with(&text("column = \"requests\"", ""), &files);
    let week = &demand.workloads[0].week;
    // The last four of 26 weeks: 1.01 to the 22nd, and on.
    let level = (22..26).map(|week| 1.01f64.powi(week)).sum::<f64>() / 4.0;
    near(week[12], 2000.0 * level, 1e-6);
    near(week[3], 500.0 * level, 1e-6);
    // Means of four weeks grow by 1.01⁴ each, and a month is 730/672 of that, without any doubt.
    let monthly = 1.01f64.powf(4.0 * 730.0 / 672.0);
    for path in [0, 1, 17] {
        near(demand.paths.factor(0, path, 11), monthly.powi(11), 1e-9);
    }
    insta::assert_debug_snapshot!((&demand.notes, &demand.warnings));
    // Tokens over 3,000 of input and 400 of output are as many requests.
    let tokens = demand_with(&text("column = \"tokens\", per = \"tokens\"", ""), &files);
    for (of_tokens, of_requests) in tokens.workloads[0].week.iter().zip(week) {
        near(of_tokens / of_requests, 1.0, 1e-9);
    }
    // What the scenario says goes before what the series tells.
    let said = demand_with(
        &text("column = \"requests\"", "growth.per_month = 0.5\n"),
        &files,
    );
    near(said.paths.factor(0, 3, 2), 2.25, 1e-12);
    let all = text("column = \"requests\"", "") + "\n[plan.growth]\nper_month = 0.0\n";
    near(demand_with(&all, &files).paths.factor(0, 3, 2), 1.0, 1e-12);
    let short = Given(BTreeMap::from([("demand.csv", growing(8))]));
    let short = demand_with(&text("column = \"requests\"", ""), &short);
    assert!(
        short.warnings[0].contains("less than three months"),
        "{:?}",
        short.warnings
    );
}

#[test]
fn a_series_that_cannot_be_used_is_refused_with_its_file() {
    let files = Given(BTreeMap::from([(
        "demand.csv",
        b"timestamp,requests\n2027-01-04 00:00,1\n2027-01-04 00:30,2\n".to_vec(),
    )]));
    let text = scenario("poisson = { rate = \"2/s\" }", "")
        + "[plan.workload.chat]\nhourly = { file = \"demand.csv\", column = \"requests\", per = \"day\" }\n\
           [plan.workload.other]\nhourly = { file = \"demand.csv\", column = \"requests\" }\n";
    let read = read(&Source::new("s.toml", text), &[], &files);
    insta::assert_snapshot!(read.expect_err("it is refused").to_string());
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
fn two_weeks_of_servegen_are_an_hourly_series() {
    use std::fmt::Write as _;
    let Ok(folder) = std::env::var("BEDLOAD_DATA") else {
        eprintln!("not run: BEDLOAD_DATA names no folder of recorded traffic");
        return;
    };
    let path = format!("{folder}/servegen/m-small_total_rate.csv");
    let rates = std::fs::read_to_string(path).unwrap();
    let rates: Vec<f64> = rates
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().parse().unwrap())
        .collect();
    // Six means of ten minutes make an hour; the windows of an hour without data are left out.
    let mut text = "timestamp,requests\n".to_owned();
    let start = crate::units::Month::parse("2027-02").unwrap().first_day();
    let mut total = 0.0;
    for (hour, windows) in rates.chunks(6).enumerate() {
        if windows.contains(&0.0) {
            continue;
        }
        let requests = windows.iter().sum::<f64>() * 600.0;
        total += requests;
        let day = start.plus_days(hour as i64 / 24);
        let _ = writeln!(text, "{day} {:02}:00,{requests}", hour % 24);
    }
    let files = Given(BTreeMap::from([("servegen.csv", text.into_bytes())]));
    let plan =
        "[plan.workload.chat]\nhourly = { file = \"servegen.csv\", column = \"requests\" }\n";
    let demand = demand_with(
        &(scenario("poisson = { rate = \"2/s\" }", "") + plan),
        &files,
    );
    let chat = &demand.workloads[0];
    let mean = chat.week.iter().sum::<f64>() / 168.0 / 3600.0;
    // The README of the data: 1,174 a second over 14 days, silent windows counted as zero.
    assert!((1174.0..1260.0).contains(&mean), "{mean}");
    assert!(total > 1.3e9, "{total}");
    // Its hours scatter far more than independent requests would.
    assert!(
        chat.minute_cv > 0.1 && chat.minute_cv < 0.6,
        "{}",
        chat.minute_cv
    );
    assert!(
        demand
            .warnings
            .iter()
            .any(|text| text.contains("missing and filled")),
        "{:?}",
        demand.warnings
    );
}
