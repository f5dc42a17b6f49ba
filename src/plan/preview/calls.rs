//! What calls would read from a cache, and the calls of sessions, without a service.

use super::offered::Joined;
use crate::domain::Usage;
use crate::load::context::PromptPoints;
use crate::load::session::Continued;
use crate::load::source::{Arrival, Source};
use crate::rng::Keyed;
use crate::service::{LatencyModel, PointCache, PrefixCache};
use crate::units::Moment;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// The caches of a workload that has them to itself; what is written can be read at once.
pub(super) struct Cached {
    source: Source,
    blocks: Arc<[u32]>,
    block_caches: Vec<PrefixCache>,
    point_caches: Vec<PointCache>,
    routing: Keyed,
    points: PromptPoints,
}

impl Cached {
    pub(super) fn new(workload: &Joined<'_>, source: Source) -> Self {
        let target = workload.target;
        let fresh = PrefixCache::new(target.cache_ttl, workload.cache.refresh);
        Self {
            blocks: source.blocks().clone(),
            source,
            block_caches: vec![fresh; workload.caches],
            point_caches: vec![PointCache::new(workload.cache); workload.caches],
            routing: Keyed::new(workload.seed, &format!("{}/routing", target.name)),
            points: PromptPoints::default(),
        }
    }

    /// The usage of a call without a session.
    pub(super) fn usage(&mut self, workload: &Joined<'_>, arrival: &Arrival) -> Usage {
        self.usage_in(workload, arrival, None)
    }

    fn usage_in(
        &mut self,
        workload: &Joined<'_>,
        arrival: &Arrival,
        session: Option<u32>,
    ) -> Usage {
        let at = arrival.at;
        let region = self.routing.uniform(arrival.seq) * self.block_caches.len() as f64;
        let region = region as usize;
        if self.source.context().is_some() {
            self.source.points(arrival.seq, session, &mut self.points);
            let (points, boundaries) = (&self.points.points, &self.points.boundaries);
            let least = workload.target.cache_min;
            let Some(cache) = self.point_caches.get_mut(region) else {
                return workload.usage(arrival, 0);
            };
            let split = cache.split(at, points, boundaries, least);
            if split.covered > 0 {
                cache.touch((at, at), points, boundaries, least, split);
            }
            return Usage {
                input: arrival.input.saturating_add(split.total - split.covered),
                cache_read: split.read,
                cache_write: split.covered - split.read,
                output: arrival.output.min(workload.target.max_tokens),
            };
        }
        let (start, len) = (arrival.prefix.start as usize, arrival.prefix.len as usize);
        let ids = self.blocks.get(start..start + len).unwrap_or_default();
        let Some(cache) = self.block_caches.get_mut(region) else {
            return workload.usage(arrival, 0);
        };
        let hits = cache.leading_hits(at, ids);
        let read = (hits as u32).saturating_mul(workload.target.block_tokens);
        let usage = workload.usage(arrival, read);
        if usage.cache_read + usage.cache_write > 0 {
            cache.touch(at, at, ids, hits);
        }
        usage
    }
}

/// The calls of sessions, ascending, each answered in its usual time.
pub(super) struct SessionCalls<'a> {
    workload: &'a Joined<'a>,
    cached: Cached,
    latency: LatencyModel,
    next_start: Option<Arrival>,
    /// Later calls by moment and session, with the rest of their arrival.
    later: BinaryHeap<Reverse<(Moment, u32)>>,
    /// The call to come of each session.
    calls: Vec<Arrival>,
}

impl<'a> SessionCalls<'a> {
    pub(super) fn new(workload: &'a Joined<'a>, mut source: Source) -> Self {
        let next_start = match &mut source {
            Source::Sessions(sessions) => sessions.next_start(),
            Source::Open(_) | Source::Closed(_) => None,
        };
        Self {
            workload,
            cached: Cached::new(workload, source),
            latency: LatencyModel::new(&workload.target.latency, workload.ambient_load),
            next_start,
            later: BinaryHeap::new(),
            calls: Vec::new(),
        }
    }
}

impl Iterator for SessionCalls<'_> {
    type Item = (Arrival, Usage);

    fn next(&mut self) -> Option<(Arrival, Usage)> {
        let start = self.next_start.map_or(Moment::NEVER, |start| start.at);
        let follows = self.later.peek().map(|Reverse((at, _))| *at);
        let (arrival, session) = if let Some(at) = follows
            && at <= start
        {
            let Reverse((_, session)) = self.later.pop()?;
            (*self.calls.get(session as usize)?, session)
        } else {
            let arrival = self.next_start.take()?;
            let Source::Sessions(sessions) = &mut self.cached.source else {
                return None;
            };
            let session = sessions.begin(&arrival);
            self.next_start = sessions.next_start();
            (arrival, session)
        };
        let usage = self.cached.usage_in(self.workload, &arrival, Some(session));
        let fresh = usage.input.saturating_add(usage.cache_write);
        let pace = self.latency.pace(fresh, usage.cache_read, (0.0, 0.0));
        let done = arrival.at + pace.total(usage.output);
        if let Source::Sessions(sessions) = &mut self.cached.source
            && let Continued::Next(next) = sessions.after(session, done, Some(usage.output))
        {
            let place = session as usize;
            if place >= self.calls.len() {
                self.calls.resize(place + 1, next);
            }
            self.calls[place] = next;
            self.later.push(Reverse((next.at, session)));
        }
        Some((arrival, usage))
    }
}
