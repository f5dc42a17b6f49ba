use super::*;
use crate::domain::{Fact, LatencyProfile, LognormalPart, NoiseLaw, Origin};
use crate::profile::{Catalogue, ProfileKind};
use crate::rng::Keyed;
use crate::units::Micros;

fn law(ttft_noise: NoiseLaw, tpot_noise: NoiseLaw) -> LatencyProfile {
    LatencyProfile {
        name: "known".into(),
        origin: Origin::Assumed,
        source: Fact::default(),
        ttft_base: Micros::from_millis(500),
        ttft_per_k_input: Micros::from_millis(80),
        ttft_per_k_cached: Micros::from_millis(20),
        load_base: Micros::ZERO,
        load_per_k: Micros::ZERO,
        per_output_token: Micros::from_millis(15),
        load_per_token: 0.0,
        ttft_noise,
        tpot_noise,
    }
}

/// Answers of a known law, one a minute.
fn samples(n: u64, law: &LatencyProfile, seed: u64) -> Samples {
    let keyed = |purpose: &str| Keyed::new(seed, purpose);
    let mut samples = Samples::new();
    let mut rows = Samples::new();
    rows.dated = false;
    for id in 0..n {
        let z = keyed("noise").normal_pair(id);
        let uncached_k = 6.0 * keyed("input").uniform(id).powi(2) + 0.1;
        let cached_k = if id % 3 == 0 {
            8.0 * keyed("cached").uniform(id)
        } else {
            0.0
        };
        let output = (40.0 + 400.0 * keyed("output").uniform(id)).round();
        let ms = |time: Micros| time.as_millis_f64();
        let mean = ms(law.ttft_base)
            + ms(law.ttft_per_k_input) * uncached_k
            + ms(law.ttft_per_k_cached) * cached_k;
        let ttft = mean * law.ttft_noise.at(z.0);
        let total = ttft + (output - 1.0) * ms(law.per_output_token) * law.tpot_noise.at(z.1);
        rows.take(Sample {
            at_us: Some(id as i64 * 60_000_000),
            model: "claude-sonnet-4-6".to_owned(),
            uncached_k,
            cached_k,
            output,
            ttft_ms: Some(ttft),
            total_ms: Some(total),
            ..Sample::default()
        });
    }
    samples.add(rows);
    samples
}

fn calibration<'a>(samples: &'a Samples, catalogue: &'a Catalogue) -> Calibration<'a> {
    Calibration {
        samples,
        sources: Vec::new(),
        catalogue,
        start: Start::OfModel,
        model: None,
        profile: None,
        source: "a test".to_owned(),
        as_of: "2026-11-23".to_owned(),
        command: String::new(),
    }
}

/// Fits and reads the written profile back.
fn round_trip(
    samples: &Samples,
) -> (
    LatencyProfile,
    crate::results::calibration::CalibrationDocument,
) {
    let catalogue = Catalogue::builtin();
    let mut input = calibration(samples, &catalogue);
    input.profile = Some("again".to_owned());
    let found = calibrate(&input);
    let first = &found.profiles[0];
    let source = crate::config::Source::new("latency/again.toml", first.text.as_str());
    let read = Catalogue::load([(ProfileKind::Latency, source)]);
    let read = read.unwrap_or_else(|errors| panic!("{}\n{}", errors[0], first.text));
    (read.latency("again").unwrap().clone(), found.document)
}

fn near(got: f64, want: f64, tolerance: f64, what: &str) {
    assert!(
        (got / want - 1.0).abs() <= tolerance,
        "{what}: {got} is not {want}"
    );
}

fn agrees(got: &LatencyProfile, want: &LatencyProfile, tolerance: f64) {
    let ms = |time: Micros| time.as_millis_f64();
    near(ms(got.ttft_base), ms(want.ttft_base), tolerance, "base");
    near(
        ms(got.ttft_per_k_input),
        ms(want.ttft_per_k_input),
        2.0 * tolerance,
        "per_k_input",
    );
    near(
        ms(got.ttft_per_k_cached),
        ms(want.ttft_per_k_cached),
        12.0 * tolerance,
        "per_k_cached",
    );
    near(
        ms(got.per_output_token),
        ms(want.per_output_token),
        tolerance,
        "per_output_token",
    );
    for (z, share) in [
        (0.0, "p50"),
        (1.2816, "p90"),
        (1.6449, "p95"),
        (2.3263, "p99"),
    ] {
        let wide = if share == "p99" { 4.0 } else { 2.0 };
        near(
            got.ttft_noise.at(z),
            want.ttft_noise.at(z),
            wide * tolerance,
            share,
        );
        near(
            got.tpot_noise.at(z),
            want.tpot_noise.at(z),
            wide * tolerance,
            share,
        );
    }
}

#[test]
fn a_lognormal_law_comes_back() {
    let known = law(NoiseLaw::lognormal(0.35), NoiseLaw::lognormal(0.2));
    let (got, document) = round_trip(&samples(4000, &known, 1));
    agrees(&got, &known, 0.025);
    assert!(document.fitted, "{:#?}", document.verdict);
    assert_eq!(got.origin, Origin::Fitted);
    assert_eq!(document.split, "time");
}

#[test]
fn a_late_cluster_comes_back() {
    let part = |weight, median, sigma| LognormalPart {
        weight,
        median,
        sigma,
    };
    let noise = NoiseLaw::mixture(&[part(0.97, 1.0, 0.25), part(0.03, 7.0, 0.3)]);
    let known = law(noise, NoiseLaw::lognormal(0.2));
    let (got, document) = round_trip(&samples(6000, &known, 2));
    agrees(&got, &known, 0.035);
    assert!(document.fitted, "{:#?}", document.verdict);
}

#[test]
fn a_pareto_tail_is_followed_to_p99() {
    let mut noise = NoiseLaw::lognormal(0.3);
    // One answer in fifty is Pareto with index 2.5.
    for (i, ln_q) in noise.ln_knots.iter_mut().enumerate() {
        let z = i as f64 * 0.125 - 4.0;
        let survival = 0.5 * statrs::function::erf::erfc(z / std::f64::consts::SQRT_2);
        if survival < 0.02 {
            *ln_q = 0.3 * 2.0537 + (0.02 / survival).ln() / 2.5;
        }
    }
    noise.tail_index = Some(2.5);
    let known = law(noise, NoiseLaw::lognormal(0.2));
    let (got, document) = round_trip(&samples(10_000, &known, 3));
    agrees(&got, &known, 0.03);
    assert!(document.fitted, "{:#?}", document.verdict);
}

#[test]
fn whole_answers_give_both_halves() {
    let known = law(NoiseLaw::lognormal(0.3), NoiseLaw::lognormal(0.2));
    let mut samples = samples(3000, &known, 4);
    for row in &mut samples.rows {
        row.ttft_ms = None;
        row.cached_k = 0.0;
        if row.source == 0 && row.at_us.unwrap() % 7 == 0 {
            row.output = 1.0;
            row.total_ms = row.total_ms.map(|_| 500.0 + 80.0 * row.uncached_k);
        }
    }
    let (got, document) = round_trip(&samples);
    let law = document.groups[0].law.as_ref().unwrap();
    assert!(law.ttft.from_totals && law.tpot.from_totals);
    near(
        got.per_output_token.as_millis_f64(),
        15.0,
        0.06,
        "per_output_token",
    );
    near(got.ttft_base.as_millis_f64(), 500.0, 0.25, "base");
}

#[test]
fn few_answers_keep_near_the_profile_and_match_three_percentiles() {
    let known = law(NoiseLaw::lognormal(0.4), NoiseLaw::lognormal(0.2));
    let samples = samples(120, &known, 5);
    let rows: Vec<&Sample> = samples.rows.iter().collect();
    let fitted = fit(&rows, Some(&known)).unwrap();
    near(fitted.base_ms, 500.0, 0.15, "base");
    let NoiseShape::TwoSided { below, above } = fitted.ttft.noise else {
        panic!("{:?}", fitted.ttft.noise);
    };
    near(below, 0.4, 0.3, "spread below");
    near(above, 0.4, 0.3, "spread above");
    // Ten answers say how late they are, and nothing about their spread.
    let fitted = fit(&rows[..10], Some(&known)).unwrap();
    assert_eq!(
        fitted.ttft.noise,
        NoiseShape::Kept(known.ttft_noise.clone())
    );
    assert_eq!(fit(&rows[..3], Some(&known)), None);
}

#[test]
fn a_service_that_slowed_down_is_not_believed() {
    let known = law(NoiseLaw::lognormal(0.3), NoiseLaw::lognormal(0.2));
    let mut samples = samples(2000, &known, 6);
    for row in samples.rows.iter_mut().skip(1400) {
        row.ttft_ms = row.ttft_ms.map(|ms| 1.3 * ms);
        row.total_ms = row.total_ms.map(|ms| ms + 200.0);
    }
    let (got, document) = round_trip(&samples);
    assert!(!document.fitted);
    assert_eq!(got.origin, Origin::Assumed);
    let group = &document.groups[0];
    assert!(
        group.reasons[0].contains("p50 of the time to the first token is off by"),
        "{:?}",
        group.reasons
    );
    assert!(
        document.verdict[0].contains("stays assumed"),
        "{:?}",
        document.verdict
    );
}

#[test]
fn regions_and_parts_of_the_day_are_fitted_apart_where_there_is_enough() {
    let known = law(NoiseLaw::lognormal(0.3), NoiseLaw::lognormal(0.2));
    let mut samples = samples(2000, &known, 7);
    samples.dated = true;
    for (index, row) in samples.rows.iter_mut().enumerate() {
        row.region = if index % 4 == 0 { "eu" } else { "us" }.to_owned();
        row.tier = if index % 1000 == 0 { "flex" } else { "" }.to_owned();
    }
    let all = groups(&samples, str::to_owned);
    let name = |group: &Group<'_>| {
        let hours = group
            .hours
            .map(|hours| hours.to_string())
            .unwrap_or_default();
        format!("{}{hours}", group.region.clone().unwrap_or_default())
    };
    let names: Vec<String> = all.iter().map(name).collect();
    assert_eq!(
        names,
        ["", "eu", "us", "night", "morning", "afternoon", "evening"]
    );
    // Without dates there is no time of day.
    samples.dated = false;
    assert_eq!(groups(&samples, str::to_owned).len(), 3);
}

#[test]
fn a_csv_file_is_read_by_its_columns() {
    let map = columns(
        "at=when,input=fresh+written,cached=hit,output=out,ttft=first:ms,latency=e2e_s,model=id",
    )
    .unwrap();
    let text = "when,fresh,written,hit,out,first,e2e_s,id\n\
                2026-01-05T23:03:37Z,100,50,900,20,250,1.5,us.anthropic.claude-sonnet-4-6\n\
                2026-01-05T23:03:38Z,100,,,0,250,1.5,x\n\
                2026-01-05T23:03:39Z,100,,,7,,,x\n\
                2026-01-05T23:03:40Z,many,,,7,1,1,x\n\
                2026-01-05T23:03:41Z,1,,,7,0,1,x\n";
    let samples = csv_samples(text.as_bytes(), &map).unwrap();
    let [row] = &samples.rows[..] else {
        panic!("{samples:#?}");
    };
    assert_eq!(
        (row.model.as_str(), row.region.as_str()),
        ("anthropic.claude-sonnet-4-6", "us")
    );
    assert_eq!(
        (row.uncached_k, row.cached_k, row.output),
        (0.15, 0.9, 20.0)
    );
    assert_eq!((row.ttft_ms, row.total_ms), (Some(250.0), Some(1500.0)));
    assert!(samples.dated);
    let skipped: Vec<&str> = samples.skipped.keys().map(String::as_str).collect();
    assert_eq!(
        skipped,
        [
            "a time that is not above zero",
            "a value that is no number from zero on",
            "no latency",
            "no output tokens"
        ]
    );
}

#[test]
fn bad_columns_are_refused_with_help() {
    let refused = |text: &str| columns(text).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            refused("ttft"),
            refused("ttft=first"),
            refused("input=a,output=b"),
            refused("speed=x,ttft=a_s"),
            csv_samples(b"a,b\n1,2\n", &columns("ttft=c_s").unwrap())
                .unwrap_err()
                .to_string(),
            attempts("{}\n", None, None).unwrap_err().to_string(),
        ]
        .join("\n")
    );
}

#[test]
fn attempts_are_counted_on_the_wire() {
    let line = |sent: u64, done: u64, end: &str| {
        format!(
            "{{\"variant\":\"a\",\"workload\":\"w\",\"sent_us\":{sent},\"first_token_us\":{},\"done_us\":{done},\
             \"end\":\"{end}\",\"input_tokens\":10,\"output_tokens\":5}}\n",
            sent + 100
        )
    };
    let text = line(0, 1000, "answered")
        + &line(500, 900, "throttled")
        + &line(800, 2000, "answered")
        + "nonsense\n";
    let samples = attempts(&text, None, None).unwrap();
    let seen: Vec<Option<u32>> = samples.rows.iter().map(|row| row.in_flight).collect();
    assert_eq!(seen, [Some(0), Some(2)]);
    assert_eq!(samples.skipped["not answered"], 1);
    assert_eq!(samples.skipped["not a line of attempts"], 1);
    assert!(!samples.dated);
}

#[test]
fn the_schemas_are_those_of_the_types() {
    let check = |schema: schemars::Schema, file: &str, known: &str| {
        let mut text = serde_json::to_string_pretty(&schema).unwrap();
        text.push('\n');
        if std::env::var_os("BEDLOAD_UPDATE").is_some() {
            let path = format!("{}/src/results/{file}", env!("CARGO_MANIFEST_DIR"));
            std::fs::write(path, text).unwrap();
            return;
        }
        assert_eq!(text, known, "{file}");
    };
    check(
        schemars::schema_for!(crate::results::calibration::CalibrationDocument),
        "calibration.schema.json",
        crate::results::CALIBRATION_JSON_SCHEMA,
    );
    check(
        schemars::schema_for!(crate::results::probe::ProbeDocument),
        "probe.schema.json",
        crate::results::PROBE_JSON_SCHEMA,
    );
    check(
        schemars::schema_for!(crate::results::twin::TwinDocument),
        "twin.schema.json",
        crate::results::TWIN_JSON_SCHEMA,
    );
}
