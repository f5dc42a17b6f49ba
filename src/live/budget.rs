//! Money before it is spent: the worst that a run can cost, and a hard stop.

use super::plan::LivePlan;
use crate::client::{Onward, most_hedges};
use crate::cost::Tariff;
use crate::domain::{CacheTtl, ScopeKind, Usage};
use crate::load::session::Continued;
use crate::load::source::{Arrival, Source};
use crate::sim::Request;
use crate::units::{Moment, Usd};

/// The worst that a run can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorstCase {
    /// Requests; for closed loops a bound.
    pub requests: u64,
    /// Attempts of each at most, over all lanes that it can go over.
    pub attempts: u32,
    /// Beside those, second attempts of requests that are late.
    pub hedges: u64,
    /// All attempts, and as many hedges as may be, billed with all of `max_tokens`; `None` if a price is unknown.
    pub cost: Option<Usd>,
}

/// Bedrock's own count of a prompt may exceed ours, which comes from bytes: half as much again.
const COUNT_MARGIN: (u64, u64) = (3, 2);

/// The worst that one attempt of a workload can cost.
#[derive(Clone, Debug)]
pub(super) struct Priced {
    tariffs: Vec<(ScopeKind, Tariff)>,
    block_tokens: u32,
    /// Which of the quotas that clients know its calls use.
    pub quota: u32,
    cached: bool,
    most_output: u32,
    /// Input tokens of the longest text, where the scenario brings texts.
    longest_text: u32,
    /// Whether some of what is written lives for an hour.
    writes_hours: bool,
}

impl Priced {
    /// The worst of an attempt on lane number `lane`.
    pub(super) fn new(plan: &LivePlan, lane: usize) -> Self {
        let setup = &plan.setup;
        let calls = plan.lane(lane);
        let longest = calls.texts.iter().map(String::len).max().unwrap_or(0);
        let (tariffs, tier, traffic) = match lane.checked_sub(setup.workloads.len()) {
            None => {
                let own = &setup.workloads[lane];
                (&own.tariffs, &own.tier, &own.traffic)
            }
            Some(further) => {
                let own = &setup.lanes.further[further];
                let traffic = &setup.workloads[own.workload].traffic;
                (&own.tariffs, &own.tier, traffic)
            }
        };
        let mut lives = traffic.context.points.iter().map(|point| point.ttl);
        Self {
            tariffs: super::tiers::tariffs(tariffs, tier),
            block_tokens: setup.endpoint.targets[lane].block_tokens,
            quota: setup.quota_of(lane),
            cached: calls.cache.is_some(),
            most_output: calls.most_output,
            writes_hours: lives.any(|ttl| ttl == CacheTtl::OneHour),
            longest_text: calls.ratio.tokens_for(longest as u64).0 as u32,
        }
    }

    /// Tokens of the whole prompt of a request.
    pub(super) fn prompt(&self, request: &Request) -> u64 {
        let prefix = u64::from(request.prefix.len) * u64::from(self.block_tokens);
        u64::from(request.input) + u64::from(request.pointed) + prefix
    }

    /// The worst cost of an attempt with so many input tokens after so many blocks of prefix, and
    /// tokens that end in points of their own.
    pub(super) fn worst(&self, input: u32, blocks: u32, pointed: u32) -> Option<Usd> {
        let more = |tokens: u64| {
            u32::try_from(tokens * COUNT_MARGIN.0 / COUNT_MARGIN.1 + 1).unwrap_or(u32::MAX)
        };
        let prefix = u64::from(blocks) * u64::from(self.block_tokens) + u64::from(pointed);
        let tail = u64::from(input.max(self.longest_text));
        let usage = if self.cached {
            Usage {
                input: more(tail),
                cache_write: more(prefix),
                output: self.most_output,
                ..Usage::default()
            }
        } else {
            Usage {
                input: more(tail + prefix),
                output: self.most_output,
                ..Usage::default()
            }
        };
        let write_1h = if self.writes_hours {
            usage.cache_write
        } else {
            0
        };
        self.charge(usage, write_1h)
    }

    /// Tokens that the quota sets aside for a call with so many input tokens after so many blocks of prefix, and
    /// tokens that end in points of their own.
    pub(super) fn reserves(&self, input: u32, blocks: u32, pointed: u32) -> u64 {
        let prefix = u64::from(blocks) * u64::from(self.block_tokens);
        u64::from(input) + prefix + u64::from(pointed) + u64::from(self.most_output)
    }

    /// What a usage costs at the dearest price that may apply; `write_1h` of its cache writes live
    /// for an hour.
    pub(super) fn charge(&self, usage: Usage, write_1h: u32) -> Option<Usd> {
        let charges = self
            .tariffs
            .iter()
            .map(|(_, tariff)| tariff.charge_mixed(usage, write_1h).total());
        charges.max_by_key(|usd| usd.0)
    }
}

/// Counts the requests that the run will send, as its seed draws them, at their worst.
pub fn worst_case(plan: &LivePlan) -> WorstCase {
    let until = Moment::ZERO + plan.setup.duration;
    let lanes: Vec<Priced> = (0..plan.lanes())
        .map(|lane| Priced::new(plan, lane))
        .collect();
    let mut attempts = 0;
    let mut total = Some(Usd::ZERO);
    let mut requests = 0;
    let mut streamed = 0;
    let mut dearest = Usd::ZERO;
    for (index, workload) in plan.workloads.iter().enumerate() {
        let ways = ways(plan, index);
        let lengths = ways.iter().map(|way| way.len() as u32);
        attempts = attempts.max(lengths.max().unwrap_or(1) * plan.most_attempts());
        let worst = |call: &Arrival| worst_way(plan, &lanes, &ways, index, call);
        let traffic = &plan.setup.workloads[index].traffic;
        let mut add = |worst: Option<Usd>, times: u64| {
            requests += times;
            if workload.stream {
                streamed += times;
                dearest = dearest.max(worst.unwrap_or(Usd::ZERO));
            }
            total = total.zip(worst).map(|(sum, one)| {
                Usd(sum
                    .0
                    .saturating_add(one.0.saturating_mul(i128::from(times))))
            });
        };
        match Source::new(traffic, plan.seed, &workload.name, until) {
            Source::Open(mut source) => {
                for arrival in source.by_ref() {
                    add(worst(&arrival), 1);
                }
            }
            Source::Sessions(mut sessions) => {
                let most = workload.most_output;
                while let Some(start) = sessions.next_start() {
                    let session = sessions.begin(&start);
                    let mut next = Continued::Next(start);
                    // Answers that take no time leave room for the most calls, and long ones make
                    // the longest prompts.
                    while let Continued::Next(call) = next {
                        add(worst(&call), 1);
                        let answer = call.output.min(most);
                        next = sessions.after(session, call.at, Some(answer));
                    }
                }
            }
            source @ Source::Closed(_) => {
                // Users who wait for answers send fewer than this.
                let times = (source.mean_rate() * plan.setup.duration.as_secs_f64()).ceil() as u64;
                if let Source::Closed(mut closed) = source
                    && let Some(arrival) = closed.first(0)
                {
                    add(worst(&arrival), times);
                }
            }
        }
    }
    let hedges = match &plan.setup.client.hedge {
        Some(hedge) => most_hedges(hedge, streamed),
        None => 0,
    };
    // Any request may be one that is hedged.
    let of_hedges = dearest.0.saturating_mul(i128::from(hedges));
    WorstCase {
        requests,
        attempts,
        hedges,
        cost: total.map(|sum| Usd(sum.0.saturating_add(of_hedges))),
    }
}

/// The lanes that a request of workload `index` can go over, one list for each lane where it can start.
fn ways(plan: &LivePlan, index: usize) -> Vec<Vec<usize>> {
    let lanes = &plan.setup.lanes;
    let routes = lanes.routes.get(index).and_then(Option::as_ref);
    let mut starts = vec![(None, index)];
    if let Some(routes) = routes {
        starts.extend(routes.rules.iter().map(|rule| (None, rule.lane as usize)));
        if let Some(one) = &routes.classifier {
            let first = Some(one.lane as usize);
            starts.extend([(first, index), (first, one.easy as usize)]);
        }
    }
    let chain = |(first, start): (Option<usize>, usize)| {
        let mut way: Vec<usize> = first.into_iter().chain([start]).collect();
        let mut at = start;
        while let Some(Onward {
            lane,
            defers: false,
            ..
        }) = lanes.onward.get(at).copied().flatten()
        {
            at = lane as usize;
            way.push(at);
        }
        way
    };
    starts.into_iter().map(chain).collect()
}

/// The most that one request can cost, whichever way it goes: all attempts on every lane of it.
fn worst_way(
    plan: &LivePlan,
    lanes: &[Priced],
    ways: &[Vec<usize>],
    index: usize,
    call: &Arrival,
) -> Option<Usd> {
    let own = plan.workloads.len();
    let of_lane = |&lane: &usize| {
        let classifier = plan.setup.lanes.classifier(own, lane);
        let Some(classifier) = classifier else {
            return lanes[lane].worst(call.input, call.prefix.len, call.pointed);
        };
        let prefix = u64::from(call.prefix.len) * u64::from(lanes[index].block_tokens);
        let prompt = u64::from(call.input) + u64::from(call.pointed) + prefix;
        let prompt = u32::try_from(prompt).unwrap_or(u32::MAX);
        lanes[lane].worst(classifier.input.unwrap_or(prompt), 0, 0)
    };
    let attempts = i128::from(plan.most_attempts());
    let of_way = |way: &Vec<usize>| -> Option<Usd> {
        let sum: Option<Usd> = way.iter().map(of_lane).sum();
        sum.map(|sum| Usd(sum.0.saturating_mul(attempts)))
    };
    let all: Option<Vec<Usd>> = ways.iter().map(of_way).collect();
    all?.into_iter().max_by_key(|usd| usd.0)
}

/// A hard limit: the worst case of an attempt is set aside before it is sent, and what it did
/// cost takes its place afterwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    limit: Usd,
    spent: Usd,
    reserved: Usd,
}

impl Budget {
    pub(super) fn new(limit: Usd) -> Self {
        Self {
            limit,
            spent: Usd::ZERO,
            reserved: Usd::ZERO,
        }
    }

    /// Sets `worst` aside; `false` if that would exceed the limit.
    pub(super) fn reserve(&mut self, worst: Usd) -> bool {
        let after = self.spent.0 + self.reserved.0 + worst.0;
        let fits = after <= self.limit.0;
        if fits {
            self.reserved += worst;
        }
        fits
    }

    /// Replaces what was set aside by what was spent.
    pub(super) fn settle(&mut self, worst: Usd, spent: Usd) {
        self.reserved = self.reserved - worst;
        self.spent += spent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_never_exceeded_and_settling_frees_it() {
        let dollars = Usd::from_dollars;
        let mut budget = Budget::new(dollars(1.0));
        assert!(budget.reserve(dollars(0.6)));
        assert!(!budget.reserve(dollars(0.6)));
        budget.settle(dollars(0.6), dollars(0.1));
        assert!(budget.reserve(dollars(0.9)));
        assert!(!budget.reserve(Usd(1)));
    }
}
