//! Recorded traffic: the statistics of public traces are those that are known of them, and what is made of them is
//! like them.

use crate::running::{Ready, ready};
use bedload::load::trace::{Record, Recorded, TraceFormat, read_records};
use bedload::results::traffic::{SynthSummary, TraceStats};
use bedload::traffic::{
    ScenarioOptions, StatsOptions, SynthOptions, closeness, scenario, stats, synth,
};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

const AZURE: &str = "azure_llm_2023/AzureLLMInferenceTrace_code.csv";
const MOONCAKE: &str = "mooncake/conversation_trace.jsonl.gz";
const AGENTS: &str = "claude_code_sessions/requests.csv.gz";
const QUEUED: &str = "agent_selfhosted_qwen3/requests.csv";
const BEDROCK: &str = "bedrock_invocation_logs/claude_sonnet4_invokemodel.jsonl";

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("BEDLOAD_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("did not run: BEDLOAD_DATA is not set");
    }
    folder
}

fn recorded(file: &str, format: TraceFormat) -> Option<Recorded> {
    let bytes = BufReader::new(File::open(folder()?.join(file)).unwrap());
    Some(read_records(format, None, bytes).unwrap())
}

fn told(recorded: &Recorded) -> TraceStats {
    stats(recorded, "a public trace", &StatsOptions::default())
}

#[track_caller]
fn close(what: &str, got: f64, want: f64, share: f64) {
    let error = (got / want - 1.0).abs();
    assert!(error <= share, "{what}: {got} is not {want} within {share}");
}

/// Figures as they are shown, with so many digits after the point.
#[track_caller]
fn shown(what: &str, got: f64, want: f64, digits: i32) {
    let most = 0.5 * 10f64.powi(-digits) * 1.001;
    assert!((got - want).abs() <= most, "{what}: {got} is not {want}");
}

#[test]
fn azure_is_what_is_known_of_it() {
    let Some(log) = recorded(AZURE, TraceFormat::Azure) else {
        return;
    };
    let found = told(&log);
    assert_eq!((found.requests, found.calls), (8819, 8819));
    shown("duration", found.duration_s.unwrap(), 3436.0, 0);
    shown("rate", found.rate_rps.unwrap(), 2.567, 3);
    let input = found.input_tokens.unwrap();
    shown("input, mean", input.mean, 2047.8, 1);
    shown("input, p50", input.p50, 1469.0, 1);
    shown("input, p90", input.p90, 5187.6, 1);
    shown("input, p99", input.p99, 7436.0, 1);
    shown("input, max", input.max, 7437.0, 0);
    let output = found.output_tokens.unwrap();
    shown("output, mean", output.mean, 27.9, 1);
    shown("output, p50", output.p50, 13.0, 1);
    shown("output, p90", output.p90, 55.0, 1);
    shown("output, p99", output.p99, 251.5, 1);
    shown("output, max", output.max, 1899.0, 0);
    // A README says variance over mean with n, not n - 1.
    shown("IDC, 1 s", found.idc[&1], 13.19, 2);
    close("IDC, 10 s", found.idc[&10], 71.64, 0.001);
    shown("IDC, 60 s", found.idc[&60], 163.96, 2);
    shown("peak, 60 s", found.peak_to_mean[&60], 4.18, 2);
    shown("peak, 10 s", found.peak_to_mean[&10], 12.8, 1);
    shown("gap CV", found.gap_cv.unwrap(), 13.15, 2);
    // methods 1.9.
    shown("gamma shape", found.gap_fit.unwrap().gamma_shape, 0.231, 3);
    shown("Spearman", found.rank_correlation.unwrap(), -0.02, 2);
    assert_eq!(
        (found.sessions, found.clients, found.prefix_reuse),
        (None, None, None)
    );
}

#[test]
fn mooncake_is_what_is_known_of_it() {
    let Some(log) = recorded(MOONCAKE, TraceFormat::Mooncake) else {
        return;
    };
    let found = told(&log);
    assert_eq!(found.requests, 12_031);
    // Starts are spread over the three seconds of their stamp, so the last one is up to three seconds later.
    close("duration", found.duration_s.unwrap(), 3537.0, 0.001);
    close("rate", found.rate_rps.unwrap(), 3.401, 0.001);
    let input = found.input_tokens.unwrap();
    shown("input, mean", input.mean, 12_035.1, 1);
    shown("input, p50", input.p50, 6909.0, 1);
    shown("input, p90", input.p90, 27_367.0, 1);
    shown("input, p99", input.p99, 85_400.4, 1);
    shown("input, max", input.max, 126_195.0, 0);
    let output = found.output_tokens.unwrap();
    shown("output, mean", output.mean, 342.6, 1);
    shown("output, p50", output.p50, 350.0, 1);
    shown("output, p90", output.p90, 597.0, 1);
    shown("output, p99", output.p99, 1118.5, 1);
    // The stamps drift by some milliseconds around whole minutes, so minutes can be cut in more than one way; what is
    // shorter than three seconds is an artefact of the stamps, and is not compared.
    close("IDC, 60 s", found.idc[&60], 2.95, 0.04);
    shown("peak, 60 s", found.peak_to_mean[&60], 1.21, 2);
    shown("prefix reuse", found.prefix_reuse.unwrap(), 0.374, 3);
    let prefix = found.prefix.unwrap();
    assert!(prefix.hit_rate_5m < prefix.hit_rate_1h);
    assert!(prefix.hit_rate_1h <= prefix.hit_rate_unlimited);
}

#[test]
fn agent_sessions_are_what_is_known_of_them() {
    let Some(log) = recorded(AGENTS, TraceFormat::AgentSessions) else {
        return;
    };
    let found = told(&log);
    let skipped: u64 = found.skipped.values().sum();
    assert_eq!(found.requests + skipped, 24_665);
    assert_eq!(skipped, 1299, "{:?}", found.skipped);
    // No clock that they share: nothing is told of arrivals.
    assert_eq!(
        (found.duration_s, found.rate_rps, found.quota.as_ref()),
        (None, None, None)
    );
    assert!(found.idc.is_empty());
    shown("reuse", found.prefix_reuse.unwrap(), 0.958, 3);
    let opus = found
        .models
        .iter()
        .find(|one| one.name == "claude-opus-4-5-20251101")
        .unwrap();
    assert!(opus.share > 0.55, "{opus:?}");
    // Ten in eleven calls of a conversation follow an earlier one.
    let sessions = found.sessions.unwrap();
    assert!(sessions.turns.mean > 40.0, "{sessions:?}");
    let think = sessions.think_s.unwrap();
    assert!((5.0..15.0).contains(&think.p50), "{think:?}");
    assert!(sessions.growth_tokens.unwrap().p50 > 0.0);
    let latency = found.latency.unwrap();
    assert!(latency.e2e_ms.unwrap().count > 20_000);
    assert!(latency.ttft_ms.unwrap().count > 2000);
}

#[test]
fn a_small_log_with_latencies_is_what_is_known_of_it() {
    let Some(log) = recorded(QUEUED, TraceFormat::AgentSessions) else {
        return;
    };
    let found = told(&log);
    assert_eq!(found.requests, 17);
    let latency = found.latency.unwrap();
    shown("ttft, mean", latency.ttft_ms.unwrap().mean, 535.0, 0);
    shown("ttft, p50", latency.ttft_ms.unwrap().p50, 352.0, 0);
    shown("ttft, max", latency.ttft_ms.unwrap().max, 2125.0, 0);
    shown("total, max", latency.e2e_ms.unwrap().max, 29_907.0, 0);
    assert!(
        synth(&log, &SynthOptions::default()).is_err(),
        "17 requests are too few"
    );
}

#[test]
fn invocation_logs_are_what_is_known_of_them() {
    let Some(log) = recorded(BEDROCK, TraceFormat::BedrockLog) else {
        return;
    };
    let found = told(&log);
    assert_eq!(found.calls, 18);
    let output = found.output_tokens.unwrap();
    shown("output, mean", output.mean, 105.0, 0);
    shown("output, p50", output.p50, 109.0, 0);
    shown("output, max", output.max, 112.0, 0);
    shown("input, max", found.input_tokens.unwrap().max, 219.0, 0);
}

/// Peak over mean and variation of a series of rates.
fn series(rates: &[f64]) -> (f64, f64, f64) {
    let n = rates.len() as f64;
    let mean = rates.iter().sum::<f64>() / n;
    let squares: f64 = rates.iter().map(|rate| (rate - mean).powi(2)).sum();
    let peak = rates.iter().copied().fold(0.0, f64::max);
    (mean, peak / mean, (squares / n).sqrt() / mean)
}

fn column(file: &str, column: usize) -> Option<Vec<f64>> {
    let text = fs::read_to_string(folder()?.join(file)).unwrap();
    let values = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(column).unwrap());
    Some(values.map(|value| value.parse().unwrap()).collect())
}

#[test]
fn aggregates_are_what_is_known_of_them() {
    let Some(days) = column("burstgpt_aggregates/daily.csv", 1) else {
        return;
    };
    shown("requests", days.iter().sum(), 1_429_737.0, 0);
    let (mean, peak, _) = series(&days);
    shown("daily mean", mean, 23_438.0, 0);
    shown("daily peak", peak, 6.38, 2);
    let hours = column("burstgpt_aggregates/hour_of_day.csv", 1).unwrap();
    shown("hourly peak", series(&hours).1, 1.84, 2);
    for (pool, mean, peak) in [
        ("m-small", 1174.4, 3.30),
        ("mm-image_day1", 9.47, 1.40),
        ("deepseek-r1_day1_odd_clients", 9.94, 2.73),
    ] {
        let rates = column(&format!("servegen/{pool}_total_rate.csv"), 1).unwrap();
        let found = series(&rates);
        close(&format!("{pool}, mean"), found.0, mean, 0.005);
        close(&format!("{pool}, peak"), found.1, peak, 0.005);
    }
}

/// What was made of a trace, and how close it is.
fn made(log: &Recorded, seed: u64) -> (Recorded, SynthSummary) {
    let options = SynthOptions {
        seed,
        ..SynthOptions::default()
    };
    let made = synth(log, &options).unwrap();
    let close = closeness(log, &made);
    (made, close)
}

#[test]
fn what_is_made_of_public_traces_is_like_them() {
    for (file, format) in [
        (AZURE, TraceFormat::Azure),
        (MOONCAKE, TraceFormat::Mooncake),
        (AGENTS, TraceFormat::AgentSessions),
    ] {
        let Some(log) = recorded(file, format) else {
            return;
        };
        // Long prompts take their time in builds for tests.
        let seeds = if file == AGENTS { 1 } else { 3 };
        for seed in 1..=seeds {
            let (_, close) = made(&log, seed);
            let missed = close.rows.iter().filter(|row| row.within == Some(false));
            let missed: Vec<_> = missed.collect();
            assert!(close.within, "{file}, seed {seed}: {missed:#?}");
        }
    }
}

#[test]
fn no_single_request_is_in_what_is_made_of_public_traces() {
    for (file, format) in [
        (AZURE, TraceFormat::Azure),
        (MOONCAKE, TraceFormat::Mooncake),
    ] {
        let Some(log) = recorded(file, format) else {
            return;
        };
        let (made, _) = made(&log, 1);
        let sorted = |log: &Recorded| {
            let mut inputs: Vec<u64> = log.calls.iter().map(Record::input_total).collect();
            inputs.sort_unstable();
            inputs
        };
        let (before, after) = (sorted(&log), sorted(&made));
        // Beyond the third-outermost request nothing has any influence.
        assert!(after[0] >= before[2] && after[after.len() - 1] <= before[before.len() - 3]);
        // Requests are not those of the source: next to none has its size and its place in time.
        let same = log.calls.iter().zip(&made.calls).filter(|(a, b)| {
            (a.at, a.input_total(), a.output) == (b.at, b.input_total(), b.output)
        });
        assert!(same.count() <= 1, "{file}");
        let ids = log.blocks.iter().take(5).eq(made.blocks.iter().take(5));
        assert!(made.blocks.is_empty() || !ids || made.blocks != log.blocks);
    }
}

/// The offered load of a scenario that is made of a trace, as a simulation sees it.
fn simulated(log: &Recorded) -> (Ready, String) {
    let options = ScenarioOptions {
        name: "like it".to_owned(),
        source: "a public trace".to_owned(),
        models: vec![None; log.models.len()],
        model: "claude-sonnet-4-6".to_owned(),
        max_tokens: Some(4096),
    };
    let text = scenario(log, &options).unwrap();
    let more = [
        "service.latency={fixed={ttft=\"100ms\",per_token=\"1ms\"}}",
        "quota.tpm=\"100G\"",
    ];
    let ready = ready(&text, &more).unwrap_or_else(|error| panic!("{error}\n{text}"));
    (ready, text)
}

#[test]
fn a_scenario_made_of_a_trace_offers_such_traffic() {
    // Counts of bursty gaps vary by cv / √n, here by 7 %.
    for (file, format, idc, count) in [
        (AZURE, TraceFormat::Azure, 0.4, 0.15),
        (MOONCAKE, TraceFormat::Mooncake, 0.4, 0.03),
    ] {
        let Some(log) = recorded(file, format) else {
            return;
        };
        let found = told(&log);
        let (ready, text) = simulated(&log);
        let workload = &ready.variants[0].setup.workloads[0];
        let until = bedload::units::Moment::ZERO + ready.variants[0].setup.duration;
        let source = bedload::load::source::Source::new(&workload.traffic, 5, "w", until);
        let bedload::load::source::Source::Open(open) = source else {
            panic!("{text}");
        };
        let mut offered = Recorded {
            models: vec![String::new()],
            clients: vec![String::new()],
            ..Recorded::default()
        };
        let first = open.clone().next().unwrap().at;
        for (index, call) in open.enumerate() {
            offered.calls.push(Record {
                at: call.at.since(first),
                session: index as u32,
                input: call.input,
                output: call.output,
                attempt: 1,
                ..Default::default()
            });
        }
        let of = told(&offered);
        close("requests", of.requests as f64, found.requests as f64, count);
        close("IDC, 60 s", of.idc[&60], found.idc[&60], idc);
        let (a, b) = (of.output_tokens.unwrap(), found.output_tokens.unwrap());
        close("output, p50", a.p50, b.p50, 0.08);
        close("output, p90", a.p90, b.p90, 0.08);
        let (a, b) = (of.input_tokens.unwrap(), found.input_tokens.unwrap());
        // What all prompts share is a prefix of its own.
        close("input, p90", a.p90, b.p90, 0.1);
        let summary = ready.run();
        let offered = summary.variants[0].requests.offered;
        close("simulated", offered as f64, found.requests as f64, count);
    }
}
