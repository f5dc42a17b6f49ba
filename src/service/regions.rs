//! Regions: which of a profile's destinations serves a call, and what capacity each has.
//!
//! AWS publishes neither a routing policy nor pool sizes, so every figure here is a setting. A pool is
//! what one Region gives the account's use of one model. Load by others takes a share of it; what is
//! left serves so many answers at the same time, and the fuller the pool, the slower they come
//! (h(ρ) of the latency law). A call that finds no room gets a 503.

use super::latency::queueing;
use super::spec::RoutingPolicy;
use crate::rng::{mix64, to_open_unit};
use crate::units::{Micros, Moment};

/// Routing and capacity as set up.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionsSetup {
    /// How a destination is chosen.
    pub policy: RoutingPolicy,
    /// Whether a call goes elsewhere when the chosen destination lacks capacity.
    pub spill: bool,
    /// The hour of the day, UTC, at which the run begins.
    pub start_hour: f64,
    /// The pools.
    pub pools: Vec<PoolSetup>,
    /// The destinations of each target, the source first; none for capacity that no Region shares.
    pub targets: Vec<Vec<Destination>>,
}

/// What one Region gives the account's use of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolSetup {
    /// The model's name.
    pub model: String,
    /// The Region.
    pub region: String,
    /// Answers at the same time; `None` is any number.
    pub streams: Option<u32>,
    /// Load by others, by hour of the day.
    pub ambient: [f64; 24],
    /// When the Region is lost, as spans from the beginning; an end of [`Micros::MAX`] is none.
    pub lost: Vec<(Micros, Micros)>,
}

/// A Region that may serve a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Destination {
    /// Its pool, an index into [`RegionsSetup::pools`].
    pub pool: usize,
    /// Weight in routing.
    pub weight: f64,
    /// Latency from the source.
    pub hop: Micros,
}

/// Where a call goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Which of the target's destinations.
    pub destination: usize,
    /// Its pool.
    pub pool: usize,
    /// Whether it has no room for the call, nor any other that the call could go to.
    pub full: bool,
    /// Whether another destination was chosen first.
    pub spilled: bool,
    /// The queueing part of the latency law there and then.
    pub h: f64,
    /// The share of it that is free; Flex gives way while little is.
    pub free: f64,
    /// Latency from the source.
    pub hop: Micros,
    /// When the Region will be lost.
    pub lost_at: Moment,
    /// How often it was lost so far; its caches begin anew with each.
    pub losses: u32,
}

/// What a pool saw during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Calls that it served.
    pub calls: u64,
    /// Of those, calls that another destination had no room for.
    pub spilled: u64,
    /// Calls refused for want of room.
    pub unavailable: u64,
    /// Answers that broke off because the Region was lost.
    pub broken: u64,
    /// Prefix tokens read from its caches.
    pub cache_read: u64,
    /// Prefix tokens written to its caches.
    pub cache_write: u64,
    /// The most answers at the same time.
    pub peak: u64,
}

impl PoolStats {
    /// Adds what the same pool saw in another run.
    pub fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.spilled += other.spilled;
        self.unavailable += other.unavailable;
        self.broken += other.broken;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
        self.peak = self.peak.max(other.peak);
    }
}

/// A pool with what it saw, and as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolReport {
    /// The model's name.
    pub model: String,
    /// The Region.
    pub region: String,
    /// Answers at the same time that it gives, load by others not yet taken off.
    pub streams: Option<u32>,
    /// Load by others at the moment asked for.
    pub ambient: f64,
    /// Answers that it is giving.
    pub in_flight: u32,
    /// Whether the Region is lost.
    pub lost: bool,
    /// What it saw.
    pub stats: PoolStats,
}

#[derive(Clone, Debug)]
struct Pool {
    setup: PoolSetup,
    /// Answers at the same time that others leave, by hour.
    room: [u32; 24],
    /// Load of one answer; of pools without bound, a trifle that tells more from less.
    each: f64,
    in_flight: u32,
    stats: PoolStats,
}

impl Pool {
    fn new(setup: &PoolSetup) -> Self {
        let room = setup.ambient.map(|load| match setup.streams {
            // A trifle up, so that 400 × (1 − 0.9) is forty whatever its binary form.
            Some(streams) => (f64::from(streams) * (1.0 - load) + 1e-6) as u32,
            None => u32::MAX,
        });
        Self {
            room,
            each: 1.0 / setup.streams.map_or(1e9, f64::from),
            setup: setup.clone(),
            in_flight: 0,
            stats: PoolStats::default(),
        }
    }

    fn is_lost(&self, since_start: Micros) -> bool {
        let lost = &self.setup.lost;
        lost.iter()
            .any(|&(from, until)| from <= since_start && since_start < until)
    }

    #[inline]
    fn is_open(&self, since_start: Micros, hour: usize) -> bool {
        self.in_flight < self.room[hour]
            && (self.setup.lost.is_empty() || !self.is_lost(since_start))
    }

    #[inline]
    fn load(&self, hour: usize) -> f64 {
        self.setup.ambient[hour] + f64::from(self.in_flight) * self.each
    }
}

/// Routing over Regions, and their pools.
#[derive(Clone, Debug)]
pub struct Regions {
    policy: RoutingPolicy,
    spill: bool,
    start: Micros,
    /// When the run began: hours and losses count from it.
    origin: Moment,
    pools: Vec<Pool>,
    targets: Vec<Destinations>,
}

#[derive(Clone, Debug)]
struct Destinations {
    list: Vec<Destination>,
    weights: f64,
    /// What each is owed, of round-robin.
    owed: Vec<f64>,
}

impl Regions {
    /// Regions of which nothing has been asked.
    pub fn new(setup: &RegionsSetup) -> Self {
        let targets = setup.targets.iter().map(|list| Destinations {
            weights: list.iter().map(|one| one.weight).sum(),
            owed: vec![0.0; list.len()],
            list: list.clone(),
        });
        Self {
            policy: setup.policy,
            spill: setup.spill,
            start: Micros::from_secs_f64(setup.start_hour * 3600.0),
            origin: Moment::ZERO,
            pools: setup.pools.iter().map(Pool::new).collect(),
            targets: targets.collect(),
        }
    }

    /// The run begins at `now`.
    pub fn begin(&mut self, now: Moment) {
        self.origin = now;
    }

    fn hour(&self, now: Moment) -> usize {
        ((now.since(self.origin) + self.start).0 / Micros::HOUR.0 % 24) as usize
    }

    /// Chooses who serves a call of `target`; `None` if no Region shares its capacity.
    ///
    /// `draws` are two uniform numbers of the call, `affinity` is what its prefix hashes to.
    pub fn place(
        &mut self,
        now: Moment,
        target: usize,
        draws: (f64, f64),
        affinity: u64,
    ) -> Option<Placed> {
        let hour = self.hour(now);
        let run = now.since(self.origin);
        let chosen = self.choose(target, (run, hour), draws, affinity)?;
        let list = &self.targets[target].list;
        let is_open = |at: usize| self.pools[list[at].pool].is_open(run, hour);
        let mut destination = chosen;
        let mut full = !is_open(chosen);
        if full
            && self.spill
            && let Some(other) = self.elsewhere(target, (run, hour), affinity)
        {
            (destination, full) = (other, false);
        }
        let one = list[destination];
        let pool = &self.pools[one.pool];
        let (mut lost_at, mut losses) = (Moment::NEVER, 0);
        for &(from, _) in &pool.setup.lost {
            if from <= run {
                losses += 1;
            } else {
                lost_at = lost_at.min(self.origin + from);
            }
        }
        let share = pool.setup.streams.map_or(0.0, |streams| {
            f64::from(pool.in_flight) / f64::from(streams)
        });
        Some(Placed {
            destination,
            pool: one.pool,
            full,
            spilled: destination != chosen,
            h: queueing(pool.setup.ambient[hour], share),
            free: (1.0 - pool.setup.ambient[hour] - share).max(0.0),
            hop: one.hop,
            lost_at,
            losses,
        })
    }

    /// The destination that the policy names, whether it has room or not.
    fn choose(
        &mut self,
        target: usize,
        (run, hour): (Micros, usize),
        draws: (f64, f64),
        affinity: u64,
    ) -> Option<usize> {
        let Destinations {
            list,
            weights,
            owed,
        } = self.targets.get_mut(target)?;
        let n = list.len();
        if n <= 1 {
            return (n == 1).then_some(0);
        }
        let any = |u: f64| ((u * n as f64) as usize).min(n - 1);
        let pools = &self.pools;
        // What cannot serve is as loaded as can be, where there is a choice.
        let load = |at: usize| {
            let pool = &pools[list[at].pool];
            let shut = self.spill && !pool.is_open(run, hour);
            (shut, pool.load(hour))
        };
        let less = |a: usize, b: usize| {
            let ((shut_a, load_a), (shut_b, load_b)) = (load(a), load(b));
            let order = shut_a.cmp(&shut_b).then(load_a.total_cmp(&load_b));
            if order.is_gt() { b } else { a }
        };
        Some(match self.policy {
            RoutingPolicy::Random => any(draws.0),
            RoutingPolicy::Weighted => {
                let mut left = draws.0 * *weights;
                list.iter()
                    .position(|one| {
                        left -= one.weight;
                        left < 0.0
                    })
                    .unwrap_or(n - 1)
            }
            RoutingPolicy::RoundRobin => {
                let mut most = 0;
                for (at, one) in list.iter().enumerate() {
                    owed[at] += one.weight;
                    if owed[at] > owed[most] {
                        most = at;
                    }
                }
                owed[most] -= *weights;
                most
            }
            RoutingPolicy::SourceFirst => 0,
            RoutingPolicy::LeastLoaded => (1..n).fold(0, less),
            RoutingPolicy::TwoChoices => {
                let first = any(draws.0);
                // The second is another one, each with equal odds.
                let second = ((draws.1 * (n - 1) as f64) as usize).min(n - 2);
                less(first, second + usize::from(second >= first))
            }
            RoutingPolicy::Sticky => best(list, affinity, |_| true).unwrap_or(0),
        })
    }

    /// Who serves a call that the chosen destination has no room for: the next in line where there is
    /// one, otherwise the least loaded.
    fn elsewhere(
        &self,
        target: usize,
        (run, hour): (Micros, usize),
        affinity: u64,
    ) -> Option<usize> {
        let list = &self.targets[target].list;
        let is_open = |at: usize| self.pools[list[at].pool].is_open(run, hour);
        match self.policy {
            RoutingPolicy::SourceFirst => (0..list.len()).find(|&at| is_open(at)),
            RoutingPolicy::Sticky => best(list, affinity, is_open),
            _ => {
                let load = |at: &usize| self.pools[list[*at].pool].load(hour);
                (0..list.len())
                    .filter(|&at| is_open(at))
                    .min_by(|a, b| load(a).total_cmp(&load(b)))
            }
        }
    }

    /// A call is served by a pool.
    pub fn enter(&mut self, placed: &Placed, cache_read: u32, cache_write: u32) {
        let pool = &mut self.pools[placed.pool];
        pool.in_flight += 1;
        pool.stats.calls += 1;
        pool.stats.spilled += u64::from(placed.spilled);
        pool.stats.cache_read += u64::from(cache_read);
        pool.stats.cache_write += u64::from(cache_write);
        pool.stats.peak = pool.stats.peak.max(u64::from(pool.in_flight));
    }

    /// A call that [`Regions::enter`] was told of has ended; `broken` says that the Region was lost.
    pub fn leave(&mut self, pool: usize, broken: bool) {
        let pool = &mut self.pools[pool];
        debug_assert!(pool.in_flight > 0, "more answers ended than began");
        pool.in_flight -= 1;
        pool.stats.broken += u64::from(broken);
    }

    /// A call found no room.
    pub fn refuse(&mut self, placed: &Placed) {
        self.pools[placed.pool].stats.unavailable += 1;
    }

    /// Every pool as it stands at `now`, with what it saw.
    pub fn reports(&self, now: Moment) -> Vec<PoolReport> {
        let (run, hour) = (now.since(self.origin), self.hour(now));
        let report = |pool: &Pool| PoolReport {
            model: pool.setup.model.clone(),
            region: pool.setup.region.clone(),
            streams: pool.setup.streams,
            ambient: pool.setup.ambient[hour],
            in_flight: pool.in_flight,
            lost: pool.is_lost(run),
            stats: pool.stats,
        };
        self.pools.iter().map(report).collect()
    }
}

/// Weighted rendezvous hashing: the highest of −w/ln u, with a u for each pair of prefix and pool. A
/// destination that drops out moves only its own prefixes.
fn best(list: &[Destination], affinity: u64, is_allowed: impl Fn(usize) -> bool) -> Option<usize> {
    let score = |at: usize| {
        let u = to_open_unit(mix64(affinity ^ mix64(list[at].pool as u64 + 1)));
        -list[at].weight / u.ln()
    };
    (0..list.len())
        .filter(|&at| is_allowed(at))
        .max_by(|&a, &b| score(a).total_cmp(&score(b)))
}

#[cfg(test)]
mod tests;
