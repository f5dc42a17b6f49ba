//! Conversations and agent runs: how long they are, how they grow, and how long people think.

use super::{seconds, spread};
use crate::load::trace::Record;
use crate::results::traffic::SessionStats;
use rustc_hash::FxHashMap;

/// The requests of each session in order, sessions by their first request.
pub(in crate::traffic) fn sessions_of<'a>(requests: &[&'a Record]) -> Vec<Vec<&'a Record>> {
    let mut places: FxHashMap<u32, usize> = FxHashMap::default();
    let mut sessions: Vec<Vec<&Record>> = Vec::new();
    for call in requests {
        let place = *places.entry(call.session).or_insert(sessions.len());
        match sessions.get_mut(place) {
            Some(session) => session.push(call),
            None => sessions.push(vec![call]),
        }
    }
    sessions
}

pub(super) fn describe(requests: &[&Record]) -> Option<SessionStats> {
    let sessions = sessions_of(requests);
    if sessions.len() == requests.len() {
        return None;
    }
    let pairs = || sessions.iter().flat_map(|session| session.windows(2));
    let think = pairs().filter_map(|two| {
        let took = two[0].latency?;
        Some((seconds(two[1].at - two[0].at) - seconds(took)).max(0.0))
    });
    let gaps = pairs().map(|two| seconds(two[1].at - two[0].at));
    let growth = pairs()
        .filter(|two| two[0].input_total() > 0 && two[1].input_total() > 0)
        .map(|two| two[1].input_total() as f64 - two[0].input_total() as f64);
    let total =
        |session: &Vec<&Record>| session.iter().map(|call| call.input_total()).sum::<u64>() as f64;
    let single = sessions.iter().filter(|session| session.len() == 1).count();
    Some(SessionStats {
        count: sessions.len() as u64,
        single_share: single as f64 / sessions.len() as f64,
        turns: spread(sessions.iter().map(|one| one.len() as f64).collect())?,
        think_s: spread(think.collect()),
        gap_s: spread(gaps.collect()),
        growth_tokens: spread(growth.collect()),
        first_input_tokens: spread(
            sessions
                .iter()
                .map(|one| one[0].input_total() as f64)
                .collect(),
        )?,
        total_input_tokens: spread(sessions.iter().map(total).collect())?,
    })
}
