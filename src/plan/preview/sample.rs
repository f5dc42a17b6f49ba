//! Requests of a workload as a bill has to know them: their sizes, and what they find in the caches of their lanes.

use super::calls::{Cached, SessionCalls};
use super::joined;
use super::offered::MOST_ARRIVALS;
use crate::load::source::{Arrival, Source};
use crate::load::spec::{ArrivalSpec, SizeSpec, ThinkingSpec, TrafficSpec};
use crate::sim::{Assembled, WorkloadSetup};
use crate::units::{Micros, Moment, PerSecond, Ratio};

/// Requests from which the mean of sizes is taken.
const DRAWS: u64 = 20_000;
/// Rows of a trace, or calls of sessions, from which it is taken.
const MOST_ROWS: usize = 200_000;

/// Requests that stand for all of a workload, each with the same weight: one where all are alike, the rows of a
/// trace, calls of sessions, or draws.
pub(in crate::plan) fn arrivals(assembled: &Assembled, index: usize, seed: u64) -> Vec<Arrival> {
    let setup = &assembled.setup.workloads[index];
    let spec = &setup.traffic;
    let end = Moment::ZERO + assembled.setup.duration;
    if spec.has_sessions() {
        let target = &assembled.setup.endpoint.targets[index];
        let workload = joined(assembled, index, target, seed);
        let source = Source::new(spec, seed, &setup.name, end);
        let calls = SessionCalls::new(&workload, source);
        return calls.take(MOST_ROWS).map(|(arrival, _)| arrival).collect();
    }
    let replays = matches!(
        spec.arrival,
        ArrivalSpec::Trace(_) | ArrivalSpec::Recorded(_)
    );
    let source = if replays {
        Source::new(spec, seed, &setup.name, end)
    } else {
        let draws = if is_alike(setup) { 1 } else { DRAWS };
        // Sizes are those of the request's number, whenever it comes.
        let evenly = TrafficSpec {
            arrival: ArrivalSpec::Constant {
                rate: PerSecond(1.0),
            },
            shapes: Vec::new(),
            kept: Ratio::ONE,
            ..spec.clone()
        };
        let until = Moment::ZERO + Micros::from_secs(draws);
        Source::new(&evenly, seed, &setup.name, until)
    };
    let most = if replays { MOST_ROWS } else { DRAWS as usize };
    match source {
        Source::Open(open) => open.take(most).collect(),
        Source::Closed(_) | Source::Sessions(_) => Vec::new(),
    }
}

/// Whether all requests have the same size.
fn is_alike(setup: &WorkloadSetup) -> bool {
    let fixed = |size: &Option<SizeSpec>| matches!(size, Some(SizeSpec::Fixed(_)));
    let thinks_alike = match &setup.thinking {
        None | Some(ThinkingSpec::Share(_)) => true,
        Some(ThinkingSpec::Tokens(size)) => matches!(size, SizeSpec::Fixed(_)),
    };
    fixed(&setup.traffic.input) && fixed(&setup.traffic.output) && thinks_alike
}

/// For each lane of a variant the share of cacheable tokens of a workload that are read from its caches, with its
/// own arrivals on the lanes where its routes start them; `None` where nothing is cached. No shares for sessions
/// and closed loops, whose arrivals follow answers.
pub(in crate::plan) fn hits(
    assembled: &Assembled,
    index: usize,
    seed: u64,
) -> Option<Vec<Option<f64>>> {
    let setup = &assembled.setup;
    let spec = &setup.workloads[index].traffic;
    let name = &setup.workloads[index].name;
    let targets = &setup.endpoint.targets;
    let workloads: Vec<_> = targets
        .iter()
        .map(|target| joined(assembled, index, target, seed))
        .collect();
    let end = Moment::ZERO + setup.duration;
    let source = Source::new(spec, seed, name, end);
    let Source::Open(open) = source.clone() else {
        return None;
    };
    let mut caches: Vec<Cached> = workloads
        .iter()
        .map(|workload| Cached::new(workload, source.clone()))
        .collect();
    let routers = setup.routers(seed);
    let router = routers.get(index).and_then(Option::as_ref);
    let mut sums = vec![(0u64, 0u64); targets.len()];
    for arrival in open.take(MOST_ARRIVALS as usize) {
        let mut lane = index;
        if let Some(router) = router {
            let prompt = u64::from(arrival.input) + u64::from(workloads[index].prefix_of(&arrival));
            lane = router.start(arrival.seq, prompt) as usize;
            if router
                .classifier()
                .is_some_and(|judge| judge.lane as usize == lane)
            {
                lane = router.judge(arrival.seq).1 as usize;
            }
        }
        let usage = caches[lane].usage(&workloads[lane], &arrival);
        sums[lane].0 += u64::from(usage.cache_read);
        sums[lane].1 += u64::from(usage.cache_read) + u64::from(usage.cache_write);
    }
    let share = |(read, all): (u64, u64)| (all > 0).then(|| read as f64 / all as f64);
    Some(sums.into_iter().map(share).collect())
}
