//! The committed figures of the Azure code trace: derived from the CSV, and true to it.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;

use bedload::load::burstiness::{Burstiness, WINDOWS};
use bedload::load::source::{Arrival, Source};
use bedload::load::spec::{ArrivalSpec, RecordedReplay, ReplayScale, TraceReplay, TrafficSpec};
use bedload::load::trace::{Recording, Trace, TraceFormat, read, read_recording, write_recording};
use bedload::units::{Micros, Moment};

const COMMENT: &str = "\
Recorded traffic of a code completion service: starts per second over the whole recorded hour,
and token quantiles between which straight lines are drawn and rounded to whole tokens.
Derived from AzureLLMInferenceTrace_code.csv (Microsoft Azure, CC-BY 4.0; Splitwise, ISCA 2024).
Input and output tokens are independent but for a rank correlation of -0.02: outputs do not
differ between octiles of the input, and the lag-1 autocorrelation of both sizes is about zero.
One hour of a sample of one service: no daily cycle, no sessions, no latencies.
";

fn committed_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios/traces/azure-code-2023.toml")
}

fn committed() -> Recording {
    read_recording(&fs::read_to_string(committed_path()).unwrap()).unwrap()
}

/// The CSV, if the folder of recorded data is known.
fn csv() -> Option<Trace> {
    let Ok(data) = std::env::var("BEDLOAD_DATA") else {
        eprintln!("did not run: BEDLOAD_DATA is not set");
        return None;
    };
    let path = PathBuf::from(data).join("azure_llm_2023/AzureLLMInferenceTrace_code.csv");
    let file = BufReader::new(File::open(path).unwrap());
    Some(read(TraceFormat::Azure, None, file).unwrap())
}

fn arrivals(arrival: ArrivalSpec) -> Vec<Arrival> {
    let spec = TrafficSpec {
        arrival,
        shapes: vec![],
        input: None,
        output: None,
        rank_correlation: 0.0,
        prefix: None,
        context: bedload::load::spec::ContextSpec::default(),
        kept: bedload::units::Ratio::ONE,
    };
    match Source::new(&spec, 1, "azure", Moment::NEVER) {
        Source::Open(source) => source.collect(),
        Source::Closed(_) | Source::Sessions(_) => panic!("a replay is open"),
    }
}

fn close(what: &str, value: f64, expected: f64, share: f64) {
    let error = (value / expected - 1.0).abs();
    assert!(
        error <= share,
        "{what}: {value} is not {expected} within {share}"
    );
}

#[test]
fn the_committed_file_is_what_the_trace_gives() {
    let Some(trace) = csv() else { return };
    let derived = Recording {
        source: "Azure LLM inference trace 2023, code completion (Microsoft Azure, Splitwise \
                 authors; github.com/Azure/AzurePublicDataset)"
            .to_owned(),
        licence: "CC-BY 4.0".to_owned(),
        as_of: "2023-11-16".to_owned(),
        ..Recording::of_trace(&trace, Micros::SECOND)
    };
    let text = write_recording(&derived, COMMENT);
    if std::env::var_os("BEDLOAD_UPDATE").is_some() {
        fs::write(committed_path(), &text).unwrap();
    }
    let committed = fs::read_to_string(committed_path()).unwrap();
    assert!(
        text == committed,
        "set BEDLOAD_UPDATE=1 to write the file anew"
    );
}

#[test]
fn the_trace_replays_as_recorded() {
    let Some(trace) = csv() else { return };
    let last = trace.rows.last().unwrap().at;
    let scale = ReplayScale::default();
    let found = arrivals(ArrivalSpec::Trace(TraceReplay {
        trace: Arc::new(trace),
        scale,
        sessions: bedload::load::spec::ReplaySessions::default(),
    }));
    assert_eq!(found.len(), 8819);
    let burstiness = Burstiness::of(found.iter().map(|a| a.at), last, &WINDOWS);
    close("rate", burstiness.mean_rate.0, 2.567, 0.001);
    close("gap CV", burstiness.gap_cv.unwrap(), 13.15, 0.001);
    for (window, idc) in burstiness.windows.iter().zip([13.19, 71.64, 163.96]) {
        close("IDC", window.idc, idc, 0.001);
    }
    close(
        "peak in 10 s",
        burstiness.windows[1].peak_to_mean,
        12.8,
        0.002,
    );
    close(
        "peak in a minute",
        burstiness.windows[2].peak_to_mean,
        4.18,
        0.002,
    );
}

#[test]
fn generated_traffic_matches_the_trace() {
    let recording = Arc::new(committed());
    // The whole recorded span: 3436 seconds, whose last holds the last request.
    assert_eq!(recording.counts.len(), 3436);
    let replay = RecordedReplay {
        recording: Arc::clone(&recording),
        scale: ReplayScale::default(),
    };
    let found = arrivals(ArrivalSpec::Recorded(replay));
    assert_eq!(found.len(), 8819);
    let mut seconds = vec![0u32; recording.counts.len()];
    for arrival in &found {
        seconds[(arrival.at.0 / 1_000_000) as usize] += 1;
    }
    // Per second, and therefore per minute, the counts are those of the trace.
    assert_eq!(seconds, recording.counts);
    let span = Micros(3_435_948_056);
    let burstiness = Burstiness::of(found.iter().map(|a| a.at), span, &WINDOWS);
    for (window, idc) in burstiness.windows.iter().zip([13.19, 71.64, 163.96]) {
        close("IDC", window.idc, idc, 0.001);
    }
    close(
        "peak in a minute",
        burstiness.windows[2].peak_to_mean,
        4.18,
        0.002,
    );
}

#[test]
fn generated_sizes_match_the_trace() {
    let scale = ReplayScale {
        copies: 400,
        ..ReplayScale::default()
    };
    let replay = RecordedReplay {
        recording: Arc::new(committed()),
        scale,
    };
    let found = arrivals(ArrivalSpec::Recorded(replay));
    let sorted = |size: fn(&Arrival) -> u32| {
        let mut sizes: Vec<u32> = found.iter().map(size).collect();
        sizes.sort_unstable();
        sizes
    };
    let check = |name: &str, sizes: &[u32], quantiles: [f64; 3], mean: f64, range: (u32, u32)| {
        for (q, expected) in [0.5, 0.9, 0.99].into_iter().zip(quantiles) {
            let value = f64::from(sizes[(q * sizes.len() as f64) as usize]);
            close(&format!("{name} p{}", q * 100.0), value, expected, 0.01);
        }
        let sum: f64 = sizes.iter().map(|n| f64::from(*n)).sum();
        close(
            &format!("{name} mean"),
            sum / sizes.len() as f64,
            mean,
            0.01,
        );
        assert!(
            sizes[0] >= range.0 && sizes[sizes.len() - 1] <= range.1,
            "{name} range"
        );
    };
    check(
        "input",
        &sorted(|a| a.input),
        [1469.0, 5187.6, 7436.0],
        2047.8,
        (3, 7437),
    );
    check(
        "output",
        &sorted(|a| a.output),
        [13.0, 55.0, 251.5],
        27.88,
        (6, 1899),
    );
}
