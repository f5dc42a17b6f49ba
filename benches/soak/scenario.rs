//! The scenario that is served, and how hard it is driven.

use super::process::{Bedload, scenario_file};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long and how hard.
#[derive(Clone, Copy)]
pub struct Effort {
    /// How long clients begin new calls.
    pub length: Duration,
    /// Between two samples of memory and descriptors.
    pub sample: Duration,
    /// How long the server waits for heads, for bodies and for readers.
    pub timeout: Duration,
    /// How long a client may take to end what it has begun.
    pub patience: Duration,
    /// Clients of HTTP/1.1, and calls at once over HTTP/2.
    pub callers: u32,
    /// Tokens and requests per minute of each model.
    quota: (&'static str, u64),
    /// Whether the run is only to show that all of this works.
    pub brief: bool,
}

/// The largest body and the largest head that the server takes.
pub const MAX_BODY: usize = 100_000;
/// See [`MAX_BODY`].
pub const MAX_HEAD: usize = 16_384;

/// The kinds of faults, each of which strikes one call in a hundred.
const FAULTS: [&str; 12] = [
    "unavailable",
    "internal",
    "model_error",
    "model_timeout",
    "throttled",
    "model_not_ready",
    "connection_reset",
    "stream_error",
    "stream_throttled",
    "stream_internal",
    "stream_unavailable",
    "stream_reset",
];

impl Effort {
    /// A real run.
    pub fn full(length: Duration) -> Self {
        Self {
            length,
            sample: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
            patience: Duration::from_mins(1),
            callers: 96,
            quota: ("15M", 40_000),
            brief: false,
        }
    }

    /// A few seconds.
    pub fn brief() -> Self {
        Self {
            length: Duration::from_millis(1500),
            sample: Duration::from_millis(250),
            timeout: Duration::from_millis(1500),
            patience: Duration::from_secs(30),
            callers: 32,
            quota: ("20k", 100),
            brief: true,
        }
    }
}

/// Where what the server complains of is kept.
pub fn log_file() -> PathBuf {
    scenario_file("bench-soak", "empty", "").with_file_name("stderr.txt")
}

/// Serves it on two threads.
pub fn serve(effort: Effort, log: &Path) -> Bedload {
    let file = scenario_file("bench-soak", "soak", &text(effort));
    let timeout = format!("{}ms", effort.timeout.as_millis());
    let (body, head) = (MAX_BODY.to_string(), MAX_HEAD.to_string());
    let more = [
        "--threads",
        "2",
        "--max-body",
        &body,
        "--max-header",
        &head,
        "--header-timeout",
        &timeout,
        "--body-timeout",
        &timeout,
        "--stall-timeout",
        &timeout,
        "--grace",
        "5s",
    ];
    Bedload::serve_logged(&file, &more, log)
}

fn text(effort: Effort) -> String {
    let (tpm, rpm) = effort.quota;
    let mut text = format!(
        "name = \"soak\"\nduration = \"1h\"\n\
         [[workload]]\nname = \"chat\"\nmodel = \"claude-sonnet-4-6\"\nmax_tokens = 256\n\
         [workload.arrival.constant]\nrate = \"1/s\"\n\
         [workload.tokens]\ninput = {{ fixed = 40 }}\n\
         output = {{ lognormal = {{ p50 = 30, p99 = 120 }} }}\n\
         [client.retry.none]\n[capacity.on_demand]\nscope = \"us\"\n\
         [quota]\ntpm = \"{tpm}\"\nrpm = {rpm}\n[service]\ngeo_hop = \"1ms\"\n\
         [service.latency.fixed]\nttft = \"30ms\"\nper_token = \"2ms\"\n\
         [[fault]]\nkind = \"slow_start\"\nshare = 0.01\ndelay = \"300ms\"\n"
    );
    for kind in FAULTS {
        let _ = writeln!(text, "[[fault]]\nkind = \"{kind}\"\nshare = 0.01");
        if kind == "model_timeout" {
            text.push_str("after = \"0s\"\n");
        }
    }
    text
}
