//! Requests with the statistics of recorded ones, and none of their content.

mod close;
mod names;
mod prefixes;
mod sessions;
mod sizes;
mod starts;

pub use close::closeness;

use super::stats::{is_request, sessions_of};
use super::tables::LEAST_SUPPORT;
use crate::load::trace::{CallEnd, Place, Record, Recorded};
use crate::rng;
use crate::units::Micros;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// What is wanted of synthetic traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SynthOptions {
    /// Stop after so many requests. Without this and `duration`: as many as the source has.
    pub requests: Option<u64>,
    /// Stop after this time.
    pub duration: Option<Micros>,
    /// Seed of the draws.
    pub seed: u64,
}

/// A request that is being made.
#[derive(Clone, Copy, Debug, Default)]
struct Draft {
    at: u64,
    /// Index of its class of sizes, which is its model.
    model: u16,
    client: u32,
    session: u32,
    /// Whether it goes on with what was said.
    follows: bool,
    input: u32,
    output: u32,
    cache_read: u32,
    cache_write: u32,
    max_tokens: Option<u32>,
}

/// Requests with the same statistics: see the parts for what is kept of the source.
///
/// # Errors
/// Too few requests to say anything that is not about single ones.
pub fn synth(recorded: &Recorded, options: &SynthOptions) -> Result<Recorded, String> {
    let requests: Vec<&Record> = recorded.calls.iter().filter(is_request).collect();
    if requests.len() < 2 * LEAST_SUPPORT {
        return Err(format!(
            "{} requests are too few: each figure that is kept rests on {LEAST_SUPPORT} or more",
            requests.len()
        ));
    }
    let stream = |name: &str| rng::stream(options.seed, &format!("synth/{name}"));
    let times: Vec<u64> = requests
        .iter()
        .map(|call| (call.at - requests[0].at).0)
        .collect();
    let made = starts::Starts::new(&times).draw(options, &mut stream("starts"));
    let sessions = sessions_of(&requests);
    let has_sessions = sessions.len() < requests.len();
    let who = names::Who::new(&requests, recorded, &sessions);
    let mut drafts: Vec<Draft> = made
        .iter()
        .map(|at| Draft {
            at: *at,
            ..Draft::default()
        })
        .collect();
    if has_sessions {
        sessions::assign(&mut drafts, &sessions, &times, &mut stream("sessions"));
    } else {
        for (index, draft) in drafts.iter_mut().enumerate() {
            draft.session = index as u32;
        }
    }
    who.assign(&mut drafts, &mut stream("clients"));
    let classes = |call: &Record| who.class(call);
    sizes::draw(
        &mut drafts,
        &requests,
        &sessions,
        &classes,
        &mut stream("sizes"),
    );
    sizes::draw_cache(&mut drafts, &requests, &sessions, &mut stream("cache"));
    sizes::draw_max_tokens(&mut drafts, &requests, &classes, &mut stream("max-tokens"));
    let mut out = Recorded {
        models: who.models,
        clients: who.clients,
        places: vec![Place::default()],
        session_clock: recorded.session_clock,
        block_tokens: recorded.block_tokens,
        ..Recorded::default()
    };
    let blocks = prefixes::draw(&drafts, &requests, recorded, &mut stream("prefixes"));
    for (draft, own) in drafts.iter().zip(blocks) {
        let start = out.blocks.len();
        out.blocks.extend(own);
        out.calls.push(Record {
            at: Micros(draft.at),
            model: draft.model,
            client: draft.client,
            session: draft.session,
            input: draft.input - draft.cache_read - draft.cache_write,
            cache_read: draft.cache_read,
            cache_write: draft.cache_write,
            output: draft.output,
            max_tokens: draft.max_tokens,
            end: CallEnd::Answered,
            attempt: 1,
            blocks_start: start as u32,
            blocks_len: (out.blocks.len() - start) as u32,
            ..Record::default()
        });
    }
    Ok(out)
}

/// A share in (0, 1).
fn share(rng: &mut ChaCha8Rng) -> f64 {
    rng::to_open_unit(rng.next_u64())
}

/// A whole number below `n`, which is at least 1.
fn below(rng: &mut ChaCha8Rng, n: usize) -> usize {
    // The high half of a product maps 64 uniform bits without a division.
    ((u128::from(rng.next_u64()) * n.max(1) as u128) >> 64) as usize
}

/// Puts values in another order (Fisher and Yates).
fn shuffle<T>(values: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..values.len()).rev() {
        values.swap(last, below(rng, last + 1));
    }
}

#[cfg(test)]
mod tests;
