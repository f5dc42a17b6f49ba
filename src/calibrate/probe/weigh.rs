//! How likely each rule makes the fates of calls.

use super::plan;
use crate::domain::{QuotaRules, Semantics, Window};
use crate::service::TokenQuota;
use crate::units::{Micros, Moment};

/// The fate of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it was sent, on the clock of the probe.
    pub sent: Moment,
    /// When its answer, or its refusal, had come in full.
    pub done: Moment,
    /// Tokens that admission asks for: input and `max_tokens`.
    pub reserved: u64,
    /// Tokens that count when it ends: input and output times the burndown rate.
    pub settled: u64,
    /// Whether it was admitted; otherwise the quota refused it.
    pub admitted: bool,
}

/// A rule, and how likely it makes what was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hypothesis {
    /// How use is forgotten.
    pub window: Window,
    /// How reservations settle.
    pub semantics: Semantics,
    /// ln of the probability of all fates, each given those before it.
    pub log_likelihood: f64,
    /// The share of fates that it foretells.
    pub explained: f64,
    /// Of a clock minute: the moment of a boundary that fits best.
    pub phase: Option<Micros>,
    /// The limit that fits best, over the stated one.
    pub limit_factor: f64,
}

/// A fate that no rule explains has this probability: a stray refusal, a call counted elsewhere.
const STRAY: f64 = 0.02;
/// How sharp the edge of a quota is: this share of it blurs a decision, since tokens are counted a little
/// differently here and there; but no more than that share of the call, since many small ones stand at the edge.
const BLUR: (f64, f64) = (0.004, 0.125);
/// Steps in which boundaries of a clock minute are tried.
const PHASE_STEP: u64 = 500_000;
/// Below this share of explained fates other limits are tried too.
const WELL: f64 = 0.95;
/// What a limit other than the stated one has to gain in ln likelihood.
const OTHER_LIMIT: f64 = 3.0;
/// Rules within this of the best, in ln likelihood, are not told apart: odds of twenty to one.
const APART: f64 = 3.0;

const WINDOWS: [Window; 3] = [Window::Sliding, Window::Fixed, Window::Bucket];
const SEMANTICS: [Semantics; 3] = [Semantics::A, Semantics::B, Semantics::C];

/// All nine rules, the likeliest first.
pub fn weigh(tpm: u64, seen: &[Seen]) -> Vec<Hypothesis> {
    let mut found = all(tpm, 1.0, seen);
    if found.iter().all(|one| one.explained < WELL) {
        for step in 0..=24 {
            let factor = 2f64.powf(f64::from(step - 12) / 12.0);
            for (best, other) in found.iter_mut().zip(all(tpm, factor, seen)) {
                let mut other = other;
                other.log_likelihood -= OTHER_LIMIT;
                if other.log_likelihood > best.log_likelihood {
                    *best = other;
                }
            }
        }
    }
    found.sort_by(|a, b| b.log_likelihood.total_cmp(&a.log_likelihood));
    found
}

fn all(tpm: u64, factor: f64, seen: &[Seen]) -> Vec<Hypothesis> {
    let limit = (tpm as f64 * factor).round().max(1.0) as u64;
    let mut found = Vec::new();
    for window in WINDOWS {
        for semantics in SEMANTICS {
            let phases = match window {
                Window::Fixed => Micros::MINUTE.0 / PHASE_STEP,
                Window::Sliding | Window::Bucket => 1,
            };
            let each = (0..phases).map(|step| {
                let phase = Micros(step * PHASE_STEP);
                let (log_likelihood, explained) = fates(limit, (window, semantics), phase, seen);
                Hypothesis {
                    window,
                    semantics,
                    log_likelihood,
                    explained,
                    phase: (window == Window::Fixed).then_some(phase),
                    limit_factor: factor,
                }
            });
            found.extend(middle(each.collect()));
        }
    }
    found
}

/// The best; of several that are as good, the one in the middle.
fn middle(all: Vec<Hypothesis>) -> Option<Hypothesis> {
    let most = all
        .iter()
        .map(|one| one.log_likelihood)
        .fold(f64::NEG_INFINITY, f64::max);
    let best: Vec<Hypothesis> = all
        .into_iter()
        .filter(|one| one.log_likelihood >= most - 1e-9)
        .collect();
    best.get(best.len() / 2).copied()
}

/// ln of the probability of all fates under one rule, and the share that it foretells. The counter follows what
/// did happen, not what the rule would have done.
fn fates(limit: u64, rule: (Window, Semantics), phase: Micros, seen: &[Seen]) -> (f64, f64) {
    let rules = QuotaRules {
        semantics: rule.1,
        token_window: rule.0,
        ..QuotaRules::default()
    };
    // Boundaries are at whole minutes of the counter's own time.
    let shifted = |at: Moment| Moment(at.0 + Micros::MINUTE.0 - phase.0);
    let mut events: Vec<(Moment, bool, usize)> = Vec::new();
    for (index, call) in seen.iter().enumerate() {
        events.push((call.sent, true, index));
        if call.admitted {
            events.push((call.done.max(Moment(call.sent.0 + 1)), false, index));
        }
    }
    // Ends come before beginnings, unless they are those of the same call.
    events.sort_by_key(|&(at, begins, index)| (at, begins, index));
    let mut quota = TokenQuota::new(rules, limit, Micros::MINUTE);
    let mut started = vec![false; seen.len()];
    let (mut sum, mut right) = (0.0, 0);
    for (at, begins, index) in events {
        let call = &seen[index];
        let (at, sent) = (shifted(at), shifted(call.sent));
        let (reserved, settled) = (call.reserved as i64, call.settled as i64);
        if begins {
            let available = quota.available(at);
            let blur = (BLUR.0 * limit as f64)
                .min(BLUR.1 * reserved as f64)
                .max(1.0);
            let short = (reserved - available) as f64 / blur;
            let refused = STRAY + (1.0 - 2.0 * STRAY) / (1.0 + (-short).exp());
            let refused = if call.admitted {
                1.0 - refused
            } else {
                refused
            };
            sum += refused.ln();
            right += usize::from(refused > 0.5);
            if call.admitted {
                quota.force(at, reserved);
                started[index] = true;
            }
        } else if started[index] {
            quota.settle(at, sent, reserved, settled);
        }
    }
    (sum, right as f64 / seen.len().max(1) as f64)
}

/// What is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Rules that remain, the likeliest first.
    pub left: Vec<Hypothesis>,
    /// The window, if all that remain share it.
    pub window: Option<Window>,
    /// The semantics, if all that remain share it.
    pub semantics: Option<Semantics>,
    /// How many times likelier the remaining ones are than the best of the others, as ln.
    pub margin: f64,
    /// Where a boundary is, if a clock minute may be at work.
    pub boundary: Option<Micros>,
}

/// What the weights of the rules tell. `None` if there are none.
pub fn told(weighed: &[Hypothesis]) -> Option<Told> {
    let best = weighed.first()?.log_likelihood;
    let is_left = |one: &&Hypothesis| one.log_likelihood >= best - APART;
    let left: Vec<&Hypothesis> = weighed.iter().filter(is_left).collect();
    let others = weighed
        .iter()
        .filter(|one| one.log_likelihood < best - APART);
    let next = others
        .map(|one| one.log_likelihood)
        .fold(f64::NEG_INFINITY, f64::max);
    let first = left.first()?;
    let window = left.iter().all(|one| one.window == first.window);
    let semantics = left.iter().all(|one| one.semantics == first.semantics);
    Some(Told {
        window: window.then_some(first.window),
        semantics: semantics.then_some(first.semantics),
        margin: best - next,
        boundary: plan::boundary(&left),
        left: left.into_iter().copied().collect(),
    })
}
