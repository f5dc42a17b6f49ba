//! Scenarios of the benchmark, and the commands that run them.

use super::process::{Bedload, scenario_file};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// A scenario in a file of its own.
pub struct Scenario {
    file: PathBuf,
}

impl Scenario {
    /// `users` who ask again at once.
    pub fn closed(users: u32, tokens: u32, duration: Duration) -> Self {
        let arrival = format!(
            "[workload.arrival.closed]\nusers = {users}\n[workload.arrival.closed.think]\nfixed = \"0s\""
        );
        Self::new("closed", &arrival, tokens, duration, "")
    }

    /// Calls at a constant rate.
    pub fn open(rate: u32, tokens: u32, duration: Duration) -> Self {
        let arrival = format!("[workload.arrival.constant]\nrate = \"{rate}/s\"");
        Self::new("open", &arrival, tokens, duration, "")
    }

    /// A service of known latency, whose quotas nobody reaches.
    pub fn served(ttft_ms: f64, gap_ms: f64, tokens: u32) -> Self {
        let service = format!(
            "[quota]\ntpm = \"1000G\"\nrpm = 1000000000\nenforce_tpd = false\n\
             [service.latency.fixed]\nttft = \"{ttft_ms}ms\"\nper_token = \"{gap_ms}ms\"\n"
        );
        let arrival = "[workload.arrival.constant]\nrate = \"1/s\"";
        Self::new("served", arrival, tokens, Duration::from_hours(1), &service)
    }

    fn new(name: &str, arrival: &str, tokens: u32, duration: Duration, service: &str) -> Self {
        let text = format!(
            "name = \"bench-{name}\"\nduration = \"{}ms\"\nwarmup = \"{}ms\"\n\
             [[workload]]\nname = \"chat\"\nmodel = \"claude-sonnet-4-6\"\nmax_tokens = 512\n{arrival}\n\
             [workload.tokens]\ninput = {{ fixed = 20 }}\noutput = {{ fixed = {tokens} }}\n\
             [client.retry.none]\n[capacity.on_demand]\nscope = \"us\"\n\
             [service]\ngeo_hop = \"0s\"\n{service}",
            duration.as_millis(),
            // Connections are made in the first fifth.
            duration.as_millis() / 5
        );
        Self {
            file: scenario_file("bench-live", name, &text),
        }
    }

    /// Serves it.
    pub fn serve(&self, core: usize) -> Bedload {
        Bedload::serve(core, &self.file)
    }

    /// Runs it against a server.
    pub fn start_run(&self, url: &str, core: usize) -> Bedload {
        let file = self.file.display().to_string();
        let out = self.file.with_extension("run").display().to_string();
        let words = [
            "run", &file, "--target", url, "--format", "json", "--quiet", "--out", &out,
        ];
        Bedload::start(core, &words)
    }

    /// The same, to its end.
    pub fn run(&self, url: &str, core: usize) -> Value {
        self.start_run(url, core).summary()
    }
}
