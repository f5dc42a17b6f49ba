//! What has to hold at the end.

use super::ledger::{COUNTED, Ledger};
use super::process::Bedload;
use super::scenario::Effort;
use super::watch::Watch;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a server may take to come to rest, and descriptors to be closed.
const REST: Duration = Duration::from_secs(10);
/// Descriptors that may be open besides those of an idle server.
const SPARE: usize = 2;

/// All that does not hold; the server is ended.
pub fn faults(
    server: &mut Bedload,
    ledger: &Ledger,
    watch: &Watch,
    effort: Effort,
    (idle, log): (usize, &Path),
) -> Vec<String> {
    let mut faults = Vec::new();
    let (count, first) = ledger.complaints();
    if count > 0 {
        faults.push(format!("{count} complaints of clients, the first ones:"));
        faults.extend(first.iter().cloned());
    }
    if let Some((early, late)) = watch.medians_mib(effort.length) {
        println!("memory: {early:.1} MiB in the second fifth, {late:.1} MiB in the last");
        if late > early * 1.15 + 4.0 {
            faults.push(format!("memory grew from {early:.1} MiB to {late:.1} MiB"));
        }
    }
    if let Some(status) = server.ended() {
        faults.push(format!("the server ended by itself: {status}"));
    } else {
        faults.extend(at_rest(server, ledger, idle));
        println!("descriptors: {} at most", watch.most_descriptors());
        match server.interrupt(REST) {
            None => faults.push("the server does not end when it is asked to".to_owned()),
            Some(status) if status.success() => {}
            Some(status) => faults.push(format!("the server ended with {status}")),
        }
    }
    let said = std::fs::read_to_string(log).unwrap_or_default();
    if said.contains("panicked") {
        faults.push(format!("the server panicked: {said}"));
    } else if !said.is_empty() {
        println!("the server said: {said}");
    }
    // A run in which nothing was refused or broken would show little.
    for (name, total) in COUNTED.iter().zip(ledger.totals()) {
        if total == 0 {
            faults.push(format!("no call ended among the {name}"));
        }
    }
    faults
}

/// Waits until the server has come to rest, and looks at it.
fn at_rest(server: &Bedload, ledger: &Ledger, idle: usize) -> Vec<String> {
    let end = Instant::now() + REST;
    loop {
        let mut faults = Vec::new();
        let descriptors = server.descriptors();
        if descriptors > idle + SPARE {
            faults.push(format!(
                "{descriptors} descriptors, {idle} when it was idle"
            ));
        }
        let asked = server.ask("state").map_err(|error| error.to_string());
        match asked.and_then(|text| parse(&text)) {
            Err(error) => faults.push(error),
            Ok(state) => {
                faults.extend(of_counters(&state));
                faults.extend(of_rest(&state));
                faults.extend(of_tallies(&state, ledger));
            }
        }
        if faults.is_empty() || Instant::now() > end {
            return faults;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Reads a state document.
pub fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("the state is not JSON: {error}"))
}

/// What no bucket may show at any moment.
pub fn of_counters(state: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for quota in state["quotas"].as_array().into_iter().flatten() {
        let name = format!("{} {}", quota["model"], quota["scope"]);
        for meter in ["tpm", "rpm", "tpd"] {
            let meter_state = &quota[meter];
            let (limit, available) = (&meter_state["limit"], &meter_state["available"]);
            let pair = limit.as_i64().zip(available.as_i64());
            if pair.is_some_and(|(limit, available)| available > limit) {
                faults.push(format!("{name}: {available} of {limit} {meter} available"));
            }
        }
        if quota["tpm"]["reserved"]
            .as_i64()
            .is_none_or(|held| held < 0)
        {
            faults.push(format!("{name}: {} reserved", quota["tpm"]["reserved"]));
        }
    }
    faults
}

/// What is left of calls when there are none.
fn of_rest(state: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if state["in_flight"] != 0 {
        faults.push(format!("{} calls in flight", state["in_flight"]));
    }
    for quota in state["quotas"].as_array().into_iter().flatten() {
        if quota["tpm"]["reserved"] != 0 {
            let held = &quota["tpm"]["reserved"];
            faults.push(format!(
                "{held} tokens of {} are still reserved",
                quota["model"]
            ));
        }
    }
    faults
}

/// Whether clients and server counted the same calls since the last reset.
fn of_tallies(state: &Value, ledger: &Ledger) -> Vec<String> {
    let seen = ledger.last_epoch();
    let counted = |name: &str| -> u64 {
        let targets = state["targets"].as_array().into_iter().flatten();
        targets.filter_map(|target| target[name].as_u64()).sum()
    };
    let mut rows: Vec<(&str, u64, u64)> = COUNTED
        .iter()
        .zip(seen.sure)
        .map(|(name, sure)| (*name, sure, counted(name)))
        .collect();
    let all = rows.iter().map(|row| row.2).sum::<u64>() + counted("abandoned");
    rows.push(("calls in all", seen.sure.iter().sum(), all));
    let loose = seen.loose;
    let strays = rows
        .into_iter()
        .filter(|(_, sure, counted)| !(*sure..=sure + loose).contains(counted));
    strays
        .map(|(name, sure, counted)| {
            format!("{name}: clients saw {sure}, and {loose} of unknown end; counted {counted}")
        })
        .collect()
}
