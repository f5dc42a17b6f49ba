//! Money before it is spent: the worst that a run can cost, and a hard stop.

use super::plan::{LivePlan, LiveWorkload};
use crate::client::most_hedges;
use crate::cost::Tariff;
use crate::domain::{CacheTtl, ScopeKind, Usage};
use crate::load::session::Continued;
use crate::load::source::Source;
use crate::units::{Moment, Usd};

/// The worst that a run can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorstCase {
    /// Requests; for closed loops a bound.
    pub requests: u64,
    /// Attempts of each at most.
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
    cached: bool,
    most_output: u32,
    /// Input tokens of the longest text, where the scenario brings texts.
    longest_text: u32,
    /// Whether some of what is written lives for an hour.
    writes_hours: bool,
}

impl Priced {
    pub(super) fn new(plan: &LivePlan, index: usize, workload: &LiveWorkload) -> Self {
        let longest = workload.texts.iter().map(String::len).max().unwrap_or(0);
        Self {
            tariffs: {
                let priced = &plan.setup.workloads[index];
                super::tiers::tariffs(&priced.tariffs, &priced.tier)
            },
            block_tokens: plan.setup.endpoint.targets[index].block_tokens,
            cached: workload.cache.is_some(),
            most_output: workload.most_output,
            writes_hours: {
                let context = &plan.setup.workloads[index].traffic.context;
                let mut lives = context.points.iter().map(|point| point.ttl);
                lives.any(|ttl| ttl == CacheTtl::OneHour)
            },
            longest_text: workload.ratio.tokens_for(longest as u64).0 as u32,
        }
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
    let attempts = plan.most_attempts();
    let mut total = Some(Usd::ZERO);
    let mut requests = 0;
    let mut streamed = 0;
    let mut dearest = Usd::ZERO;
    for (index, workload) in plan.workloads.iter().enumerate() {
        let priced = Priced::new(plan, index, workload);
        let traffic = &plan.setup.workloads[index].traffic;
        let mut add = |worst: Option<Usd>, times: u64| {
            requests += times;
            if workload.stream {
                streamed += times;
                dearest = dearest.max(worst.unwrap_or(Usd::ZERO));
            }
            total = total.zip(worst).map(|(sum, one)| {
                Usd(sum.0.saturating_add(
                    one.0
                        .saturating_mul(i128::from(times) * i128::from(attempts)),
                ))
            });
        };
        match Source::new(traffic, plan.seed, &workload.name, until) {
            Source::Open(mut source) => {
                for arrival in source.by_ref() {
                    add(
                        priced.worst(arrival.input, arrival.prefix.len, arrival.pointed),
                        1,
                    );
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
                        add(priced.worst(call.input, call.prefix.len, call.pointed), 1);
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
                    add(
                        priced.worst(arrival.input, arrival.prefix.len, arrival.pointed),
                        times,
                    );
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
