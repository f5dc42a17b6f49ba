//! A scenario that generates traffic like that of a log.

use super::stats::{is_answered, is_request, sessions_of};
use super::tables::{LEAST_SUPPORT, Table};
use crate::load::trace::{Record, Recorded, spearman};
use crate::stats::gap_laws::{gamma_cdf, gamma_fit, ks_distance, weibull_cdf, weibull_fit};
use crate::units::Micros;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What a scenario needs that a log does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScenarioOptions {
    /// Its name.
    pub name: String,
    /// Where the traffic comes from, for people.
    pub source: String,
    /// The profile of each model of the log, where there is one.
    pub models: Vec<Option<String>>,
    /// The profile for all others.
    pub model: String,
    /// `max_tokens` of calls without one in the log; `None` leaves them unset.
    pub max_tokens: Option<u32>,
}

/// Lengths of the steps of a rate over time, in seconds.
const STEPS_S: [u64; 7] = [60, 300, 600, 1800, 3600, 21_600, 86_400];
/// The most steps.
const MOST_STEPS: u64 = 240;
/// Points of a table of sizes.
const POINTS: usize = 24;
/// The most workloads; what is left is put together.
const MOST_WORKLOADS: usize = 8;
/// A client with at least this share of the requests of its model is a workload of its own.
const LARGE_CLIENT: f64 = 0.1;
/// The fewest requests of one.
const LEAST_OF_CLIENT: usize = 200;
/// What scenarios allow of the variation of gaps, and of turns.
const CVS: (f64, f64) = (0.05, 50.0);
const MOST_TURNS: f64 = 1000.0;
/// Starts whose counts vary less than this are as even as chance makes them.
const EVEN: f64 = 1.5;

/// A scenario with a workload for each model and for each large client: its rate over time, burstiness, sizes, cache,
/// sessions and `max_tokens`, with comments.
///
/// # Errors
/// Too few requests to fit anything to.
pub fn scenario(recorded: &Recorded, options: &ScenarioOptions) -> Result<String, String> {
    let told = |call: &&Record| is_request(call) && call.input_total() > 0;
    let requests: Vec<&Record> = recorded.calls.iter().filter(told).collect();
    let (Some(first), Some(last)) = (requests.first(), requests.last()) else {
        return Err("it holds no requests".to_owned());
    };
    if requests.len() < 2 * LEAST_SUPPORT || last.at == first.at {
        return Err(format!(
            "{} requests are too few to fit laws to",
            requests.len()
        ));
    }
    let origin = first.at;
    // Whole seconds, the last one with the last request inside.
    let duration = (last.at - origin).0 / Micros::SECOND.0 + 1;
    let mut text = head(&requests, duration, options);
    for part in parts(&requests, recorded, options) {
        workload(&mut text, &part, recorded, (origin, duration), options);
    }
    Ok(text)
}

/// Requests of one workload.
struct Part<'a> {
    name: String,
    model: String,
    /// What the log calls the model, where that has no profile.
    unknown: Option<String>,
    calls: Vec<&'a Record>,
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// One line of a comment.
fn comment(text: &mut String, line: &str) {
    let line: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let _ = writeln!(text, "# {line}");
}

fn head(requests: &[&Record], duration: u64, options: &ScenarioOptions) -> String {
    let mut text = String::new();
    comment(
        &mut text,
        &format!("Traffic like that of {}.", options.source),
    );
    comment(&mut text, "");
    comment(
        &mut text,
        &format!(
            "{} requests in {duration} s. Rates, bursts, sizes and sessions are laws fitted to the log: each",
            requests.len()
        ),
    );
    comment(
        &mut text,
        &format!(
            "figure rests on {LEAST_SUPPORT} requests or more, and no request of the log is in here."
        ),
    );
    let _ = writeln!(text, "name     = {}", quoted(&options.name));
    let _ = writeln!(text, "seed     = 1\nduration = \"{duration}s\"");
    text
}

/// The workloads: a model, or a large client of it.
fn parts<'a>(
    requests: &[&'a Record],
    recorded: &Recorded,
    options: &ScenarioOptions,
) -> Vec<Part<'a>> {
    let mut by_model: BTreeMap<u16, Vec<&Record>> = BTreeMap::new();
    for call in requests {
        by_model.entry(call.model).or_default().push(call);
    }
    let mut models: Vec<(u16, Vec<&Record>)> = by_model.into_iter().collect();
    models.sort_by_key(|(_, calls)| std::cmp::Reverse(calls.len()));
    let mut parts: Vec<Part<'_>> = Vec::new();
    for (model, calls) in models {
        let index = usize::from(model);
        let profile = options.models.get(index).cloned().flatten();
        let log = recorded.models.get(index).cloned().unwrap_or_default();
        let name = profile.clone().unwrap_or_else(|| options.model.clone());
        let unknown = profile
            .is_none()
            .then_some(log)
            .filter(|log| !log.is_empty());
        let is_rare = calls.len() < 2 * LEAST_SUPPORT || parts.len() >= MOST_WORKLOADS;
        if is_rare && let Some(first) = parts.first_mut() {
            first.calls.extend(calls);
            continue;
        }
        for (client, calls) in by_client(calls) {
            let number = parts.len() + 1;
            let client = client.map(|n| format!("-client-{n}")).unwrap_or_default();
            parts.push(Part {
                name: format!("traffic-{number}{client}"),
                model: name.clone(),
                unknown: unknown.clone(),
                calls,
            });
        }
    }
    for part in &mut parts {
        part.calls.sort_by_key(|call| call.at);
    }
    parts
}

/// Large clients, each with a number, and all others together.
fn by_client(calls: Vec<&Record>) -> Vec<(Option<usize>, Vec<&Record>)> {
    let mut clients: BTreeMap<u32, Vec<&Record>> = BTreeMap::new();
    let all = calls.len();
    for call in calls {
        clients.entry(call.client).or_default().push(call);
    }
    if clients.len() == 1 {
        return clients.into_values().map(|calls| (None, calls)).collect();
    }
    let mut sorted: Vec<Vec<&Record>> = clients.into_values().collect();
    sorted.sort_by_key(|calls| std::cmp::Reverse(calls.len()));
    let mut found = Vec::new();
    let mut rest = Vec::new();
    for calls in sorted {
        let is_large = calls.len() as f64 >= LARGE_CLIENT * all as f64
            && calls.len() >= LEAST_OF_CLIENT
            && found.len() < 3;
        if is_large {
            found.push((Some(found.len() + 1), calls));
        } else {
            rest.extend(calls);
        }
    }
    if !rest.is_empty() {
        found.push((None, rest));
    }
    found
}

fn workload(
    text: &mut String,
    part: &Part<'_>,
    recorded: &Recorded,
    (origin, duration): (Micros, u64),
    options: &ScenarioOptions,
) {
    let sessions = sessions_of(&part.calls);
    let has_sessions = sessions.len() < part.calls.len();
    let _ = writeln!(text, "\n[[workload]]\nname  = {}", quoted(&part.name));
    let _ = writeln!(text, "model = {}", quoted(&part.model));
    if let Some(log) = &part.unknown {
        comment(
            text,
            &format!("The log calls it {log}, of which there is no profile."),
        );
    }
    max_tokens(text, &part.calls, options);
    let prefix = common_prefix(&part.calls, recorded, has_sessions);
    let starts: Vec<f64> = sessions
        .iter()
        .map(|session| (session[0].at - origin).as_secs_f64())
        .collect();
    if recorded.session_clock {
        let rate = starts.len() as f64 / duration as f64;
        let _ = writeln!(text, "arrival.poisson = {{ rate = \"{rate:.6}/s\" }}");
        comment(
            text,
            "Assumed: the log has no clock that its sessions share. Put in how many begin a second.",
        );
    } else {
        arrival(text, &starts, duration, has_sessions);
    }
    sizes(
        text,
        part,
        &sessions,
        has_sessions,
        prefix.map_or(0, |one| one.tokens),
    );
    if has_sessions {
        session(text, &sessions);
    }
    cache(text, &part.calls, recorded, has_sessions, prefix);
}

fn max_tokens(text: &mut String, calls: &[&Record], options: &ScenarioOptions) {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for most in calls.iter().filter_map(|call| call.max_tokens) {
        *counts.entry(most).or_default() += 1;
    }
    let usual = counts.iter().max_by_key(|(_, count)| **count);
    match usual.filter(|(_, count)| **count >= LEAST_SUPPORT) {
        Some((most, count)) => {
            let share = 100 * count / calls.len();
            let _ = writeln!(
                text,
                "max_tokens = {most}   # {share} % of the calls have it"
            );
        }
        None => match options.max_tokens {
            Some(most) => {
                let _ = writeln!(text, "max_tokens = {most}   # assumed: the log has none");
            }
            None => comment(
                text,
                "The log has no max_tokens: unset, the model's largest output is reserved for each call.",
            ),
        },
    }
}

/// The rate, its course and its burstiness.
fn arrival(text: &mut String, starts: &[f64], duration: u64, has_sessions: bool) {
    let rate = starts.len() as f64 / duration as f64;
    let step = STEPS_S
        .into_iter()
        .find(|step| duration / step <= MOST_STEPS)
        .unwrap_or(86_400);
    let mut counts = vec![0u64; (duration / step) as usize + 1];
    for at in starts {
        if let Some(count) = counts.get_mut((at / step as f64) as usize) {
            *count += 1;
        }
    }
    // The last step may be cut off.
    let length = |index: usize| (duration - index as u64 * step).min(step) as f64;
    if length(counts.len() - 1) <= 0.0 {
        counts.pop();
    }
    let has_course = dispersion(&counts) >= EVEN && counts.len() > 2;
    let rate_in = |index: usize| {
        if has_course {
            counts[index] as f64 / length(index)
        } else {
            rate
        }
    };
    let mass: Vec<f64> = (0..counts.len())
        .scan(0.0, |sum, index| {
            let before = *sum;
            *sum += rate_in(index) * length(index);
            Some(before)
        })
        .collect();
    let operational = |at: f64| {
        let index = ((at / step as f64) as usize).min(counts.len() - 1);
        mass[index] + rate_in(index) * (at - index as f64 * step as f64)
    };
    let mut gaps: Vec<f64> = starts
        .windows(2)
        .map(|two| (operational(two[1]) - operational(two[0])).max(1e-9))
        .collect();
    gaps.sort_unstable_by(f64::total_cmp);
    let (law, cv) = law_of(&gaps);
    let what = if has_sessions {
        "sessions, not requests"
    } else {
        "requests"
    };
    let _ = match law {
        "poisson" => writeln!(
            text,
            "arrival.poisson = {{ rate = \"{rate:.6}/s\" }}   # {what}"
        ),
        law => writeln!(
            text,
            "arrival.{law} = {{ rate = \"{rate:.6}/s\", cv = {cv:.3} }}   # {what}; gaps within each step"
        ),
    };
    if !has_course {
        return;
    }
    comment(
        text,
        &format!("The rate over time: counts per {step} s over the mean one."),
    );
    text.push_str("[workload.shape.steps]\nsteps = [\n");
    let mut last = f64::NAN;
    let mut line = String::new();
    for (index, _) in counts.iter().enumerate() {
        let factor = (rate_in(index) / rate * 1e3).round() / 1e3;
        if factor.total_cmp(&last).is_eq() {
            continue;
        }
        last = factor;
        let _ = write!(line, "[\"{}s\", {factor:?}], ", index as u64 * step);
        if line.len() > 90 {
            let _ = writeln!(text, "  {}", line.trim_end());
            line.clear();
        }
    }
    if !line.is_empty() {
        let _ = writeln!(text, "  {}", line.trim_end());
    }
    text.push_str("]\n");
}

/// Variance over mean.
fn dispersion(counts: &[u64]) -> f64 {
    let n = counts.len().max(1) as f64;
    let mean = counts.iter().sum::<u64>() as f64 / n;
    let squares = counts.iter().map(|count| (*count as f64 - mean).powi(2));
    if mean > 0.0 {
        squares.sum::<f64>() / n / mean
    } else {
        0.0
    }
}

/// The law of gaps that is nearest, with the variation of the gaps. `gaps` ascend.
fn law_of(gaps: &[f64]) -> (&'static str, f64) {
    let n = gaps.len().max(1) as f64;
    let mean = gaps.iter().sum::<f64>() / n;
    let squares = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>();
    let cv = if mean > 0.0 {
        (squares / n).sqrt() / mean
    } else {
        1.0
    };
    if gaps.len() < LEAST_SUPPORT || (0.9..=1.1).contains(&cv) {
        return ("poisson", 1.0);
    }
    let cv = cv.clamp(CVS.0, CVS.1);
    let gamma = gamma_fit(gaps).map(|fit| ks_distance(gaps, |gap| gamma_cdf(fit, gap)));
    let weibull = weibull_fit(gaps).map(|fit| ks_distance(gaps, |gap| weibull_cdf(fit, gap)));
    match (gamma, weibull) {
        (Some(gamma), Some(weibull)) if weibull < gamma => ("weibull", cv),
        _ => ("gamma", cv),
    }
}

fn points(values: Vec<f64>, least: f64) -> String {
    let points = Table::new(values).points(POINTS);
    let shown: Vec<String> = points
        .iter()
        .map(|(share, value)| format!("[{share:?}, {:?}]", value.max(least)))
        .collect();
    format!("{{ quantiles = [{}] }}", shown.join(", "))
}

fn sizes(
    text: &mut String,
    part: &Part<'_>,
    sessions: &[Vec<&Record>],
    has_sessions: bool,
    prefix: u32,
) {
    let input = |call: &Record| (call.input_total() as f64 - f64::from(prefix)).max(1.0);
    let inputs: Vec<f64> = if has_sessions {
        sessions.iter().map(|session| input(session[0])).collect()
    } else {
        part.calls.iter().map(|call| input(call)).collect()
    };
    let answered: Vec<&&Record> = part.calls.iter().filter(|call| is_answered(call)).collect();
    let outputs: Vec<f64> = answered.iter().map(|call| f64::from(call.output)).collect();
    text.push_str("[workload.tokens]\n");
    let what = if has_sessions {
        "   # of the first request of a session"
    } else {
        ""
    };
    let _ = writeln!(text, "input  = {}{what}", points(inputs, 1.0));
    let output = if outputs.is_empty() {
        vec![1.0]
    } else {
        outputs
    };
    let _ = writeln!(text, "output = {}", points(output, 1.0));
    if !has_sessions && answered.len() >= 2 * LEAST_SUPPORT {
        let short = |call: &Record| u32::try_from(call.input_total()).unwrap_or(u32::MAX);
        let inputs: Vec<u32> = answered.iter().map(|call| short(call)).collect();
        let outputs: Vec<u32> = answered.iter().map(|call| call.output).collect();
        let _ = writeln!(
            text,
            "rank_correlation = {:.2}",
            spearman(&inputs, &outputs)
        );
    }
}

fn session(text: &mut String, sessions: &[Vec<&Record>]) {
    let pairs = || sessions.iter().flat_map(|session| session.windows(2));
    let turns = sessions
        .iter()
        .map(|session| (session.len() as f64).min(MOST_TURNS));
    let user = pairs().map(|two| {
        let said = two[0].input_total() as f64 + f64::from(two[0].output);
        (two[1].input_total() as f64 - said).max(1.0)
    });
    let known = pairs().filter(|two| two[0].latency.is_some()).count();
    let pauses = pairs().map(|two| {
        let took = two[0].latency.unwrap_or(Micros::ZERO);
        ((two[1].at - two[0].at).as_secs_f64() - took.as_secs_f64()).max(0.001)
    });
    let pauses = Table::new(pauses.collect());
    let (p50, p99) = (pauses.at(0.5).max(0.001), pauses.at(0.99).max(0.001));
    text.push_str("[workload.session]\n");
    let _ = writeln!(text, "turns = {}", points(turns.collect(), 1.0));
    let span = |seconds: f64| format!("\"{}ms\"", (seconds * 1000.0).round().max(1.0) as u64);
    let note = if known == 0 {
        "   # from start to start: the log does not tell how long answers took"
    } else {
        ""
    };
    let _ = writeln!(
        text,
        "think = {{ lognormal = {{ p50 = {}, p99 = {} }} }}{note}",
        span(p50),
        span(p99.max(p50))
    );
    let _ = writeln!(text, "user  = {}", points(user.collect(), 1.0));
}

/// A prefix that many requests share.
#[derive(Clone, Copy)]
struct Common {
    tokens: u32,
    prefixes: u32,
}

/// The longest prefix of blocks that at least three in ten requests begin with, or what most cached calls read.
fn common_prefix(calls: &[&Record], recorded: &Recorded, has_sessions: bool) -> Option<Common> {
    let mut inputs: Vec<u64> = calls.iter().map(|call| call.input_total()).collect();
    inputs.sort_unstable();
    // It is not longer than nearly all prompts.
    let room = u32::try_from(inputs[inputs.len() / 20])
        .unwrap_or(u32::MAX)
        .saturating_sub(1);
    let size = recorded.block_tokens;
    if size > 0 {
        return shared_blocks(calls, recorded, room / size.max(1));
    }
    if has_sessions {
        return None;
    }
    let mut reads: Vec<u32> = calls.iter().map(|call| call.cache_read).collect();
    reads.retain(|read| *read > 0);
    if reads.len() * 10 < 3 * calls.len() || reads.len() < LEAST_SUPPORT {
        return None;
    }
    let usual = Table::new(reads.iter().map(|read| f64::from(*read)).collect()).at(0.5);
    let tokens = (usual.round() as u32).min(room);
    (tokens > 0).then_some(Common {
        tokens,
        prefixes: 1,
    })
}

fn shared_blocks(calls: &[&Record], recorded: &Recorded, most: u32) -> Option<Common> {
    let first = |call: &&&Record| {
        recorded
            .blocks
            .get(call.blocks_start as usize)
            .copied()
            .filter(|_| call.blocks_len > 0)
    };
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for id in calls.iter().filter_map(|call| first(&call)) {
        *counts.entry(id).or_default() += 1;
    }
    let (top, count) = counts.iter().max_by_key(|(_, count)| **count)?;
    if count * 10 < 3 * calls.len() || *count < LEAST_SUPPORT {
        return None;
    }
    let own: Vec<&&Record> = calls
        .iter()
        .filter(|call| first(call) == Some(*top))
        .collect();
    // An id stands for all before it, so depth by depth the most frequent one is counted.
    let share_at = |depth: u32| {
        let mut ids: BTreeMap<u32, usize> = BTreeMap::new();
        for call in own.iter().filter(|call| call.blocks_len > depth) {
            if let Some(id) = recorded.blocks.get((call.blocks_start + depth) as usize) {
                *ids.entry(*id).or_default() += 1;
            }
        }
        ids.into_values().max().unwrap_or(0)
    };
    let depth = (1..most.min(64))
        .take_while(|depth| share_at(*depth) * 10 >= 9 * own.len())
        .count();
    let blocks = (depth as u32 + 1).min(most);
    let prefixes = (calls.len() / own.len().max(1)).max(1) as u32;
    (blocks > 0).then_some(Common {
        tokens: blocks * recorded.block_tokens,
        prefixes,
    })
}

fn cache(
    text: &mut String,
    calls: &[&Record],
    recorded: &Recorded,
    has_sessions: bool,
    prefix: Option<Common>,
) {
    let reads = calls.iter().any(|call| call.cache_read > 0) || recorded.block_tokens > 0;
    let history = has_sessions && reads;
    if prefix.is_none() && !history {
        if reads {
            comment(
                text,
                "Prompts share prefixes, and no prefix is common to many: replay the log itself with \
                 `arrival.trace` to see what a cache saves.",
            );
        }
        return;
    }
    text.push_str("[workload.cache]\n");
    if let Some(prefix) = prefix {
        let _ = writeln!(text, "prefix_tokens = {}", prefix.tokens);
        let _ = writeln!(text, "prefixes = {}", prefix.prefixes);
        comment(
            text,
            "Only what most requests begin with. For the exact reuse replay the log with `arrival.trace`.",
        );
    }
    if history {
        text.push_str("history = true   # a point that moves along with the newest message\n");
    }
}

#[cfg(test)]
mod tests;
