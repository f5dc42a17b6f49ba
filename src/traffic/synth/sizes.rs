//! How large synthetic requests are.
//!
//! Each class of requests has tables of input and output tokens, which its requests share out evenly: the one
//! of rank r among n has the quantile at (r + ½)/n. Ranks of the input are drawn at random, or in sessions from a
//! walk whose steps are the growth of prompts; those of the output are tied to them by a Gaussian copula
//! of the rank correlation, r = 2 sin(πρ/6).

use super::{Draft, share, shuffle};
use crate::load::sizes::copula_r;
use crate::load::trace::{Record, spearman};
use crate::traffic::stats::is_answered;
use crate::traffic::tables::{Conditional, LEAST_SUPPORT, Table};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{ContinuousCDF, Normal};
use std::collections::BTreeMap;

/// The sizes of a class.
struct Class {
    input: Table,
    output: Table,
    r: f64,
    /// Input of the first request of a session.
    first: Table,
    /// Tokens by which a prompt is longer than the one before it, given that one.
    growth: Conditional,
}

/// Draws input and output tokens.
pub(super) fn draw(
    drafts: &mut [Draft],
    requests: &[&Record],
    sessions: &[Vec<&Record>],
    class_of: &dyn Fn(&Record) -> u16,
    rng: &mut ChaCha8Rng,
) {
    let has_sessions = sessions.len() < requests.len();
    let mut by_class: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        by_class.entry(draft.model).or_default().push(index);
    }
    for (class, members) in by_class {
        let law = Class::new(class, requests, sessions, class_of);
        let walk = if has_sessions {
            walk(&law, drafts, &members, rng)
        } else {
            members.iter().map(|_| share(rng)).collect()
        };
        let ranks = ranks(&walk, rng);
        let normal = Normal::standard();
        let scores: Vec<f64> = ranks
            .iter()
            .map(|share_in| {
                let own = normal.inverse_cdf(share(rng));
                law.r * normal.inverse_cdf(*share_in) + (1.0 - law.r * law.r).max(0.0).sqrt() * own
            })
            .collect();
        let outputs = self::ranks(&scores, rng);
        for ((index, input), output) in members.iter().zip(&ranks).zip(&outputs) {
            let draft = &mut drafts[*index];
            draft.input = whole(law.input.at(*input));
            draft.output = whole(law.output.at(*output));
        }
    }
}

impl Class {
    fn new(
        class: u16,
        requests: &[&Record],
        sessions: &[Vec<&Record>],
        class_of: &dyn Fn(&Record) -> u16,
    ) -> Self {
        let own = |call: &Record| class_of(call) == class && call.input_total() > 0;
        let tokens = |call: &Record| call.input_total() as f64;
        let calls: Vec<&&Record> = requests.iter().filter(|call| own(call)).collect();
        let answered: Vec<&&Record> = requests
            .iter()
            .filter(|call| class_of(call) == class && is_answered(call))
            .collect();
        let short = |call: &Record| u32::try_from(call.input_total()).unwrap_or(u32::MAX);
        let inputs: Vec<u32> = answered.iter().map(|call| short(call)).collect();
        let outputs: Vec<u32> = answered.iter().map(|call| call.output).collect();
        let rho = if inputs.len() >= LEAST_SUPPORT {
            spearman(&inputs, &outputs)
        } else {
            0.0
        };
        let firsts = sessions
            .iter()
            .map(|session| session[0])
            .filter(|call| own(call));
        let pairs = sessions.iter().flat_map(|session| session.windows(2));
        let growth = pairs
            .filter(|two| own(two[0]) && two[1].input_total() > 0)
            .map(|two| (tokens(two[0]), tokens(two[1]) - tokens(two[0])));
        Self {
            input: Table::new(calls.iter().map(|call| tokens(call)).collect()),
            output: Table::new(outputs.iter().map(|n| f64::from(*n)).collect()),
            r: copula_r(rho).clamp(-1.0, 1.0),
            first: Table::new(firsts.map(tokens).collect()),
            growth: Conditional::new(growth.collect()),
        }
    }
}

/// Prompts that grow within their sessions.
fn walk(law: &Class, drafts: &[Draft], members: &[usize], rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut last: BTreeMap<u32, f64> = BTreeMap::new();
    let mut step = |index: &usize| {
        let draft = &drafts[*index];
        let size = match last.get(&draft.session).filter(|_| draft.follows) {
            Some(before) => (before + law.growth.at(*before, share(rng))).max(1.0),
            None => law.first.at(share(rng)),
        };
        last.insert(draft.session, size);
        size
    };
    members.iter().map(&mut step).collect()
}

/// The share at the rank of each value; equal ones in random order.
fn ranks(values: &[f64], rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    shuffle(&mut order, rng);
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    for (rank, index) in order.into_iter().enumerate() {
        ranks[index] = (rank as f64 + 0.5) / values.len() as f64;
    }
    ranks
}

/// Whole tokens, at least one.
fn whole(tokens: f64) -> u32 {
    tokens.round().max(1.0) as u32
}

/// Draws what is read from a cache and written to it, for first and later requests apart, given the size.
pub(super) fn draw_cache(
    drafts: &mut [Draft],
    requests: &[&Record],
    sessions: &[Vec<&Record>],
    rng: &mut ChaCha8Rng,
) {
    if requests
        .iter()
        .all(|call| call.cache_read == 0 && call.cache_write == 0)
    {
        return;
    }
    let law = |later: bool| {
        let calls = sessions.iter().flat_map(move |session| {
            let (first, rest) = session.split_at(1);
            if later { rest } else { first }
        });
        let calls: Vec<&&Record> = calls.filter(|call| call.input_total() > 0).collect();
        let pairs = |part: fn(&Record) -> f64| {
            Conditional::new(
                calls
                    .iter()
                    .map(|call| (call.input_total() as f64, part(call)))
                    .collect(),
            )
        };
        let read = pairs(|call| f64::from(call.cache_read) / call.input_total() as f64);
        let written = pairs(|call| {
            let rest = call.input_total() - u64::from(call.cache_read);
            f64::from(call.cache_write) / rest.max(1) as f64
        });
        (read, written)
    };
    let laws = [law(false), law(true)];
    for draft in drafts {
        let (read, written) = &laws[usize::from(draft.follows)];
        let size = f64::from(draft.input);
        let part = |share: f64, of: u32| ((f64::from(of) * share).round() as u32).min(of);
        draft.cache_read = part(read.at(size, share(rng)), draft.input);
        let rest = draft.input - draft.cache_read;
        draft.cache_write = part(written.at(size, share(rng)), rest);
    }
}

/// Draws `max_tokens`: values that enough requests of the class have, as often as they do. An answer is never
/// longer than its own.
pub(super) fn draw_max_tokens(
    drafts: &mut [Draft],
    requests: &[&Record],
    class_of: &dyn Fn(&Record) -> u16,
    rng: &mut ChaCha8Rng,
) {
    if requests.iter().all(|call| call.max_tokens.is_none()) {
        return;
    }
    let mut counts: BTreeMap<u16, BTreeMap<Option<u32>, usize>> = BTreeMap::new();
    for call in requests {
        *counts
            .entry(class_of(call))
            .or_default()
            .entry(call.max_tokens)
            .or_default() += 1;
    }
    for draft in drafts {
        let Some(values) = counts.get(&draft.model) else {
            continue;
        };
        let common = || values.iter().filter(|(_, count)| **count >= LEAST_SUPPORT);
        let all: usize = common().map(|(_, count)| *count).sum();
        let mut left = super::below(rng, all);
        let drawn = common().find(|(_, count)| {
            let is_here = left < **count;
            left = left.saturating_sub(**count);
            is_here
        });
        draft.max_tokens = drawn.and_then(|(value, _)| *value);
        if let Some(most) = draft.max_tokens
            && most < draft.output
        {
            // The least common one that leaves room; without one the answer is cut off, as it would be.
            let room = common()
                .filter_map(|(value, _)| *value)
                .find(|value| *value >= draft.output);
            draft.max_tokens = Some(room.unwrap_or(most));
            draft.output = draft.output.min(room.unwrap_or(most));
        }
    }
}
