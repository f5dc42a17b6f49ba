//! The shape of a pool's demand, made ready to be asked many times: hours of the week by paths and months.
//!
//! A *cell* is one hour of the week on one path in one month. Its load is known by six sums over the pool's workloads,
//! and how minutes scatter about it is one law for all cells. Capacity counts in multiples of the load of the cell,
//! so that one look-up of E min(X, c) tells what it carries.

use super::scatter::{Laws, Scatter};
use super::schedule::{Capacity, month_hours};
use super::{HOURS_OF_WEEK, Market, Size};
use crate::cost::valley::{Deferrable, Room, earliest_deadline_first};
use crate::units::Usd;

/// Hours whose loads differ by less than this share are one hour that weighs more.
const ALIKE: f64 = 0.04;
const MINUTES: f64 = 60.0;
/// Where the finer strata of paths begin.
const TAIL: [f64; 5] = [0.88, 0.94, 0.97, 0.985, 0.995];

/// What a mean request of a workload is to capacity, quota and purse.
#[derive(Clone, Copy, Debug)]
struct Weights {
    /// Input that the Reserved tier counts: cache writes at 1:1, reads free.
    reserved_input: f64,
    /// Input that model units work through: cached tokens too.
    units_input: f64,
    output: f64,
    /// Quota tokens per minute of one request per minute: F + L·R/60, that is (60·F + L·R) by the second.
    need: f64,
    on_demand: f64,
}

/// A workload that answers at once, in the groups of hours.
struct Prompt {
    place: usize,
    rates: Vec<f64>,
    weights: Weights,
    /// Square of tokens times the variance of a minute's requests at a mean of one: its variance is this times its
    /// rate, since the scatter of n times the clients is less by √n.
    variance: f64,
}

/// A workload that can wait.
struct Patient {
    place: usize,
    /// Requests of each hour.
    arrives: Vec<f64>,
    waits: usize,
    weights: Weights,
    /// What a record costs as a batch job.
    batch: Option<f64>,
}

/// The load of a cell, by the minute unless it says otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    pub(super) reserved_input: f64,
    pub(super) units_input: f64,
    pub(super) output: f64,
    pub(super) need: f64,
    /// Requests.
    pub(super) requests: f64,
    /// On-demand dollars of an hour.
    pub(super) value: f64,
    /// How its minutes scatter: which of the laws.
    pub(super) law: u8,
}

/// What becomes of a month on one path.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// Dollars of bought capacity.
    pub(super) bought: f64,
    /// Dollars on demand, headroom in other scopes inside.
    pub(super) on_demand: f64,
    /// Dollars of batch jobs.
    pub(super) batch: f64,
    /// Dollars of penalties for what was not served.
    pub(super) penalty: f64,
    /// On-demand value of what was not served, which a comparison counts so that a refusal is no saving.
    pub(super) missed: f64,
    /// Requests.
    pub(super) requests: f64,
    /// Requests that were served.
    pub(super) served: f64,
    /// Requests that bought capacity served.
    pub(super) by_bought: f64,
    /// Requests that went to batch.
    pub(super) by_batch: f64,
    /// Use of the side of the bought capacity that is used more, as a sum of shares over 730 hours.
    pub(super) used: f64,
}

impl Outcome {
    /// What is paid.
    pub(super) fn paid(&self) -> f64 {
        self.bought + self.on_demand + self.batch + self.penalty
    }

    /// What a decision compares: what is paid, and missed requests at what they would have cost.
    pub(super) fn compared(&self) -> f64 {
        self.paid() + self.missed
    }

    pub(super) fn add(&mut self, other: &Self, weight: f64) {
        self.bought += weight * other.bought;
        self.on_demand += weight * other.on_demand;
        self.batch += weight * other.batch;
        self.penalty += weight * other.penalty;
        self.missed += weight * other.missed;
        self.requests += weight * other.requests;
        self.served += weight * other.served;
        self.by_bought += weight * other.by_bought;
        self.by_batch += weight * other.by_batch;
        self.used += weight * other.used;
    }
}

/// A pool's demand.
pub(super) struct Cells<'a> {
    market: &'a Market<'a>,
    prompt: Vec<Prompt>,
    patient: Vec<Patient>,
    /// Hours of the month that each group of hours stands for.
    pub(super) hours: Vec<f64>,
    laws: Laws,
    quota: f64,
    rpm: f64,
    headroom: Option<Headroom>,
    penalty: f64,
}

#[derive(Clone, Copy)]
struct Headroom {
    tpm: f64,
    rpm: f64,
    times: f64,
}

impl<'a> Cells<'a> {
    pub(super) fn new(market: &'a Market<'a>) -> Self {
        let demand = market.demand;
        let mut prompt = Vec::new();
        let mut patient = Vec::new();
        for &place in &market.pool.workloads {
            let Some(one) = demand.workloads.get(place) else {
                continue;
            };
            let call = &one.call;
            let weights = Weights {
                reserved_input: finite(call.input + call.cache_write),
                units_input: finite(call.input + call.cache_write + call.cache_read),
                output: finite(call.output),
                need: finite(call.settled + call.held.as_secs_f64() / MINUTES * call.reserved),
                on_demand: call.on_demand.map_or(0.0, Usd::dollars),
            };
            let week: Vec<f64> = (0..HOURS_OF_WEEK)
                .map(|hour| finite(one.week.get(hour).copied().unwrap_or(0.0)))
                .collect();
            match one.deferrable.map(|wait| wait.as_secs_f64() / 3600.0) {
                Some(wait) if wait >= 1.0 => patient.push(Patient {
                    place,
                    arrives: week,
                    waits: wait as usize,
                    weights,
                    batch: call.batch.map(Usd::dollars),
                }),
                _ => prompt.push(Prompt {
                    place,
                    variance: variance(one.minute_cv, &week, weights),
                    rates: week.iter().map(|requests| requests / MINUTES).collect(),
                    weights,
                }),
            }
        }
        // Work that waits needs the hours in their order.
        let hour = month_hours() / HOURS_OF_WEEK as f64;
        let groups = if patient.is_empty() {
            group(&prompt)
        } else {
            (0..HOURS_OF_WEEK).map(|hour| vec![hour]).collect()
        };
        let hours = groups.iter().map(|of| of.len() as f64 * hour).collect();
        for one in &mut prompt {
            let mean = |of: &Vec<usize>| {
                of.iter().map(|&hour| one.rates[hour]).sum::<f64>() / of.len() as f64
            };
            one.rates = groups.iter().map(mean).collect();
        }
        let unbounded = |rpm: Option<u64>| rpm.map_or(f64::INFINITY, |rpm| rpm as f64);
        let headroom = market.offers.iter().find_map(|offer| match offer.size {
            Size::Headroom { tpm, rpm, times } => Some(Headroom {
                tpm: tpm.0 as f64,
                rpm: unbounded(rpm),
                times,
            }),
            _ => None,
        });
        Self {
            market,
            prompt,
            patient,
            hours,
            laws: Laws::new(),
            quota: market.pool.tpm.0 as f64,
            rpm: unbounded(market.pool.rpm),
            headroom,
            penalty: market.unserved_cost.dollars(),
        }
    }

    pub(super) fn months(&self) -> usize {
        self.market.demand.paths.months
    }

    /// Whether another scope's quota may carry what the own one does not.
    pub(super) fn has_headroom(&self) -> bool {
        self.headroom.is_some()
    }

    /// Whether some of the work can wait, which makes a month dearer to work out.
    pub(super) fn has_patient(&self) -> bool {
        !self.patient.is_empty()
    }

    /// A few paths that stand for all in one month, with their weights: strata by level, finer at the top, since what a
    /// quota lacks is decided there.
    pub(super) fn strata(&self, month: usize, most: usize) -> Vec<(usize, f64)> {
        let count = self.market.demand.paths.paths;
        if count <= most {
            return (0..count).map(|path| (path, 1.0 / count as f64)).collect();
        }
        let sorted = self.sorted(month..month + 1);
        let even = most.saturating_sub(TAIL.len());
        let below = (0..even).map(|i| TAIL[0] * i as f64 / even as f64);
        let mut bounds: Vec<f64> = below.chain(TAIL).collect();
        bounds.push(1.0);
        let stratum = |two: &[f64]| {
            let middle = 0.5 * (two[0] + two[1]) * count as f64;
            (sorted[(middle as usize).min(count - 1)], two[1] - two[0])
        };
        bounds.windows(2).map(stratum).collect()
    }

    /// At most `most` paths of the same weight that stand for all over all months.
    pub(super) fn some_paths(&self, most: usize) -> Vec<usize> {
        let count = self.market.demand.paths.paths;
        if count <= most {
            return (0..count).collect();
        }
        let sorted = self.sorted(0..self.months());
        (0..most)
            .map(|stratum| sorted[(2 * stratum + 1) * count / (2 * most)])
            .collect()
    }

    /// The paths from the one with the least load in these months on.
    fn sorted(&self, months: std::ops::Range<usize>) -> Vec<usize> {
        let paths = &self.market.demand.paths;
        let part = |place: usize, sum: f64, weights: &Weights| {
            (place, sum * (weights.units_input + weights.output))
        };
        let prompt = (self.prompt.iter())
            .map(|one| part(one.place, one.rates.iter().sum::<f64>(), &one.weights));
        let patient = (self.patient.iter()).map(|one| {
            part(
                one.place,
                one.arrives.iter().sum::<f64>() / MINUTES,
                &one.weights,
            )
        });
        let parts: Vec<(usize, f64)> = prompt.chain(patient).collect();
        let mut levels: Vec<(f64, usize)> = (0..paths.paths)
            .map(|path| {
                let of_month = |month: usize| {
                    let of =
                        |(place, part): &(usize, f64)| part * paths.factor(*place, path, month);
                    parts.iter().map(of).sum::<f64>()
                };
                (months.clone().map(of_month).sum(), path)
            })
            .collect();
        levels.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        levels.into_iter().map(|(_, path)| path).collect()
    }

    /// The loads of all hours of a month on a path.
    pub(super) fn loads(&self, path: usize, month: usize, loads: &mut Vec<Load>) {
        loads.clear();
        loads.resize(self.hours.len(), Load::default());
        for one in &self.prompt {
            let factor = self.market.demand.paths.factor(one.place, path, month);
            let weights = one.weights;
            for (load, rate) in loads.iter_mut().zip(&one.rates) {
                let rate = rate * factor;
                load.reserved_input += rate * weights.reserved_input;
                load.units_input += rate * weights.units_input;
                load.output += rate * weights.output;
                load.need += rate * weights.need;
                load.requests += rate;
                load.value += MINUTES * rate * weights.on_demand;
            }
        }
        for (hour, load) in loads.iter_mut().enumerate() {
            let (mut square, mut sum) = (0.0, 0.0);
            for one in &self.prompt {
                let factor = self.market.demand.paths.factor(one.place, path, month);
                let rate = one.rates[hour] * factor;
                square += one.variance * rate;
                sum += rate * (one.weights.units_input + one.weights.output);
            }
            load.law = Laws::nearest(square / (sum * sum));
        }
    }

    /// The law by which the minutes of a cell scatter.
    #[inline]
    pub(super) fn scatter(&self, load: &Load) -> &Scatter {
        self.laws.law(load.law)
    }

    /// The mean request of the pool at the level of the first month, those that wait inside.
    pub(super) fn mean_load(&self) -> Load {
        let mut mean = Load::default();
        let mut add = |rate: f64, weights: &Weights| {
            mean.reserved_input += rate * weights.reserved_input;
            mean.units_input += rate * weights.units_input;
            mean.output += rate * weights.output;
            mean.need += rate * weights.need;
            mean.requests += rate;
            mean.value += MINUTES * rate * weights.on_demand;
        };
        let all: f64 = self.hours.iter().sum();
        for one in &self.prompt {
            let rate = one
                .rates
                .iter()
                .zip(&self.hours)
                .map(|(rate, hours)| rate * hours);
            add(rate.sum::<f64>() / all, &one.weights);
        }
        for one in &self.patient {
            let rate = one.arrives.iter().sum::<f64>() / one.arrives.len() as f64 / MINUTES;
            add(rate, &one.weights);
        }
        mean
    }

    /// What a month on a path costs with this capacity; `loads` are those of its hours.
    pub(super) fn outcome(
        &self,
        (path, month): (usize, usize),
        loads: &[Load],
        held: &Capacity,
        headroom: bool,
    ) -> Outcome {
        let mut sum = Outcome {
            bought: held.per_hour * month_hours(),
            ..Outcome::default()
        };
        let extra = self.headroom.filter(|_| headroom);
        let has_block = held.reserved.0 + held.units.0 > 0.0;
        let mut rooms = Rooms::default();
        for (load, hours) in loads.iter().zip(&self.hours) {
            if load.requests <= 0.0 {
                rooms.push(self, load, held, (0.0, 0.0));
                continue;
            }
            let bought = if has_block { carried(load, held) } else { 0.0 };
            let quota = (self.quota / load.need).min(self.rpm / load.requests);
            let scatter = self.scatter(load);
            let by_bought = scatter.kept(bought);
            let until_quota = scatter.kept(bought + quota);
            let own = until_quota - by_bought;
            let mut served = until_quota;
            let mut dollars = own;
            if let Some(more) = extra {
                let room = (more.tpm / load.need).min(more.rpm / load.requests);
                served = scatter.kept(bought + quota + room);
                dollars += more.times * (served - until_quota);
            }
            let value = load.value * hours;
            let requests = load.requests * MINUTES * hours;
            let missed = (1.0 - served).max(0.0);
            sum.on_demand += dollars * value;
            sum.missed += missed * value;
            sum.penalty += missed * requests * self.penalty;
            sum.requests += requests;
            sum.served += requests * (1.0 - missed);
            sum.by_bought += requests * by_bought;
            sum.used += hours * used(load, held, by_bought);
            rooms.push(self, load, held, (by_bought, own));
        }
        if !self.patient.is_empty() {
            self.wait(path, month, held, rooms, &mut sum);
        }
        sum
    }

    /// Requests that can wait fill what bought capacity leaves over; the rest goes to batch or on demand, whichever is
    /// cheaper, and on demand it fills what the quota leaves over within the deadline.
    fn wait(
        &self,
        path: usize,
        month: usize,
        held: &Capacity,
        mut rooms: Rooms,
        sum: &mut Outcome,
    ) {
        let weeks = month_hours() / HOURS_OF_WEEK as f64;
        let factor = |one: &Patient| self.market.demand.paths.factor(one.place, path, month);
        let is_units = held.units.0 > 0.0;
        let kinds: Vec<Deferrable> = self
            .patient
            .iter()
            .map(|one| Deferrable {
                arrives: one.arrives.iter().map(|n| n * factor(one)).collect(),
                waits: one.waits,
                takes: if is_units {
                    (one.weights.units_input, one.weights.output)
                } else {
                    (one.weights.reserved_input, one.weights.output)
                },
            })
            .collect();
        let before: f64 = rooms.bought.iter().map(|room| room.0).sum();
        let in_bought = if held.reserved.0 + held.units.0 > 0.0 {
            earliest_deadline_first(&mut rooms.bought, &kinds)
        } else {
            vec![0.0; kinds.len()]
        };
        let after: f64 = rooms.bought.iter().map(|room| room.0).sum();
        let input = MINUTES * (held.reserved.0 + held.units.0);
        if input > 0.0 {
            sum.used += weeks * (before - after) / input;
        }
        for ((one, kind), done) in self.patient.iter().zip(&kinds).zip(in_bought) {
            let all: f64 = kind.arrives.iter().sum();
            let rest = (all - done).max(0.0);
            sum.requests += weeks * all;
            sum.by_bought += weeks * done;
            let on_demand = one.weights.on_demand;
            if let Some(batch) = one.batch.filter(|batch| *batch <= on_demand) {
                sum.batch += weeks * rest * batch;
                sum.by_batch += weeks * rest;
                sum.served += weeks * all;
                continue;
            }
            let left = if all > 0.0 { rest / all } else { 0.0 };
            let asks = Deferrable {
                arrives: kind.arrives.iter().map(|n| n * left).collect(),
                waits: one.waits,
                takes: (one.weights.need, 1.0),
            };
            let fits = earliest_deadline_first(&mut rooms.quota, std::slice::from_ref(&asks))[0];
            let missed = (rest - fits).max(0.0);
            sum.on_demand += weeks * fits * on_demand;
            sum.missed += weeks * missed * on_demand;
            sum.penalty += weeks * missed * self.penalty;
            sum.served += weeks * (done + fits);
        }
    }
}

/// What is left over in each hour.
#[derive(Default)]
struct Rooms {
    /// Of bought capacity: input and output tokens.
    bought: Vec<Room>,
    /// Of the quota: quota tokens and requests.
    quota: Vec<Room>,
}

impl Rooms {
    fn push(&mut self, cells: &Cells<'_>, load: &Load, held: &Capacity, shares: (f64, f64)) {
        if cells.patient.is_empty() {
            return;
        }
        let (by_bought, own) = shares;
        let is_units = held.units.0 > 0.0;
        let input = if is_units {
            load.units_input
        } else {
            load.reserved_input
        };
        let left = |has: f64, takes: f64| MINUTES * (has - takes).max(0.0);
        self.bought.push((
            left(held.reserved.0 + held.units.0, by_bought * input),
            left(held.reserved.1 + held.units.1, by_bought * load.output),
        ));
        // A quota without a limit on requests has room for any number.
        self.quota.push((
            left(cells.quota, own * load.need),
            left(cells.rpm.min(1e15), own * load.requests),
        ));
    }
}

/// How many times the load of a cell a block carries: min(A/input, B/output). A request overflows as a whole.
#[inline]
pub(super) fn carried(load: &Load, held: &Capacity) -> f64 {
    let block = |(input, output): (f64, f64), of_input: f64| {
        if input + output <= 0.0 {
            return 0.0;
        }
        let most = (input / of_input).min(output / load.output);
        // A request that takes nothing of either side is carried by anything.
        if most.is_nan() { f64::MAX } else { most }
    };
    block(held.reserved, load.reserved_input) + block(held.units, load.units_input)
}

/// The share of the fuller side of a block that is used.
fn used(load: &Load, held: &Capacity, by_bought: f64) -> f64 {
    let side = |has: f64, takes: f64| {
        if has > 0.0 {
            by_bought * takes / has
        } else {
            0.0
        }
    };
    let (input, output) = (
        held.reserved.0 + held.units.0,
        held.reserved.1 + held.units.1,
    );
    let of_input = if held.units.0 > 0.0 {
        load.units_input
    } else {
        load.reserved_input
    };
    side(input, of_input)
        .max(side(output, load.output))
        .min(1.0)
}

fn finite(value: f64) -> f64 {
    if value.is_finite() {
        value.max(0.0)
    } else {
        0.0
    }
}

/// Hours that are alike, as groups; together all hours of the week.
fn group(prompt: &[Prompt]) -> Vec<Vec<usize>> {
    let total = |hour: usize| prompt.iter().map(|one| one.rates[hour]).sum::<f64>();
    let mut hours: Vec<usize> = (0..HOURS_OF_WEEK).collect();
    hours.sort_by(|a, b| total(*a).total_cmp(&total(*b)).then(a.cmp(b)));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for hour in hours {
        let near = |first: usize| {
            let within = ALIKE * total(hour);
            prompt
                .iter()
                .all(|one| (one.rates[hour] - one.rates[first]).abs() <= within)
        };
        // Mixes differ between hours of the same size, so a few groups are looked at.
        let found = groups.iter_mut().rev().take(6).find(|of| near(of[0]));
        match found {
            Some(of) => of.push(hour),
            None => groups.push(vec![hour]),
        }
    }
    groups
}

/// The variance of the tokens of a minute at a mean of one request: (tokens · cv)² times the mean rate at which cv holds.
fn variance(cv: f64, week: &[f64], weights: Weights) -> f64 {
    let mean = week.iter().sum::<f64>() / week.len().max(1) as f64 / MINUTES;
    let tokens = weights.units_input + weights.output;
    (finite(cv) * tokens).powi(2) * mean
}
