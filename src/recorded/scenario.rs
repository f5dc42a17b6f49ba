//! A scenario that replays a trace.

use super::metrics::{Metric, Metrics};
use crate::results::{ImportModel, ImportSummary};
use std::fmt::Write;

/// The model of a replay whose log names none.
pub const STAND_IN: &str = "claude-haiku-4-5";

/// A scenario that replays `trace`, a file beside it: one workload for each model that the catalogue has.
pub fn replay_scenario(import: &ImportSummary, trace: &str) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "# What would these calls meet: throttles, waits, costs?\n#\n#   bedload simulate scenario-replay.toml\n#\n\
         # {} calls were recorded; those with a prompt and an answer are replayed, {} of them, at the moments at\n\
         # which they began. How long answers take, and what is throttled, is the simulation's own.",
        import.calls, import.replayable
    );
    if import.session_clock {
        out.push_str(
            "#\n# The log has no common clock: every session begins at the start of the run, which no real\n\
             # traffic does.\n",
        );
    }
    for model in import.models.iter().filter(|model| !usable(model)) {
        if model.replayable > 0 {
            let _ = writeln!(
                out,
                "#\n# Left out: {} calls of `{}`, which is no model of the catalogue.\n\
                 # For an application profile, import again with --profile ID=MODEL.",
                model.replayable,
                model.name.escape_debug()
            );
        }
    }
    out.push_str(
        "name        = \"replay\"\ndescription = \"What would the recorded calls meet?\"\nseed        = 1\n",
    );
    let replayed = || {
        import
            .models
            .iter()
            .filter(|m| usable(m) && m.replayable > 0)
    };
    let several = import.models.len() > 1;
    for model in replayed() {
        workload(&mut out, model, trace, several);
    }
    if replayed().next().is_none() {
        out.push_str("\n# No call can be replayed.\n");
    }
    out
}

/// A scenario that makes traffic of the rate, the shape over the week and the mean sizes of metrics, and plans with
/// their hours. `csv` and `shape` are files beside it.
pub fn demand_scenario(model: &str, metrics: &Metrics, csv: &str, shape: &str) -> String {
    let seconds = metrics.span_hours() as f64 * 3600.0;
    let invocations = metrics.total(Metric::Invocations).unwrap_or(0.0).max(1.0);
    let mean = |metric: Metric| metrics.total(metric).unwrap_or(0.0) / invocations;
    let cached = mean(Metric::CacheReadTokens) + mean(Metric::CacheWriteTokens);
    let input = (mean(Metric::InputTokens) + cached).round().max(1.0);
    let output = mean(Metric::OutputTokens).round().max(1.0);
    format!(
        "# Demand as CloudWatch counted it: what succeeded, was throttled or failed. Retries count as demand, so it\n\
         # is too high where much was throttled. Sizes are means: metrics tell nothing of their spread, nor of\n\
         # max_tokens, nor of bursts within an hour.\n\
         name        = \"demand\"\n\
         description = \"What does the demand of these hours meet, and what does it need?\"\n\
         seed        = 1\nduration    = \"24h\"\n\n\
         [[workload]]\nname  = \"calls\"\nmodel = {model}\n\
         [workload.arrival.poisson]\nrate = \"{rate:.6}/s\"\n\
         [workload.shape.hour_of_week]\nfile = {shape}\n\
         [workload.tokens]\ninput  = {{ fixed = {input} }}\noutput = {{ fixed = {output} }}\n\n\
         [plan.workload.calls.hourly]\nfile   = {csv}\ncolumn = \"requests\"\n",
        model = quoted(model),
        rate = (metrics.requests_total() / seconds.max(3600.0)).max(1e-6),
        shape = quoted(shape),
        csv = quoted(csv),
    )
}

/// Whether a workload can be made of the model: it is known, or the log names none and another one stands in.
fn usable(model: &ImportModel) -> bool {
    model.known || model.name.is_empty()
}

fn workload(out: &mut String, model: &ImportModel, trace: &str, several: bool) {
    let (name, profile) = if model.name.is_empty() {
        ("calls", STAND_IN)
    } else {
        (&*model.name, &*model.name)
    };
    let _ = write!(
        out,
        "\n[[workload]]\nname  = {}\nmodel = {}",
        quoted(name),
        quoted(profile)
    );
    if model.name.is_empty() {
        out.push_str("   # the log names no model: put in yours");
    }
    match (model.max_tokens, model.max_tokens_share) {
        (Some(max), share) if max > 0 => {
            let _ = write!(out, "\nmax_tokens = {max}");
            if share.is_some_and(|share| share < 0.995) {
                let _ = write!(
                    out,
                    "   # of {:.0} % of the calls; the others asked for something else",
                    100.0 * share.unwrap_or(1.0)
                );
            }
        }
        _ => out.push_str(
            "\n# max_tokens is not in the log: without it the model's largest answer is reserved",
        ),
    }
    let _ = write!(out, "\n[workload.arrival.trace]\nfile = {}", quoted(trace));
    if several {
        let _ = write!(out, "\nmodel = {}", quoted(&model.name));
    }
    out.push('\n');
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
