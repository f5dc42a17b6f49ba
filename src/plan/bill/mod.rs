//! What a month costs: closed form, without a simulation.
//!
//! A request costs its tokens times their prices in the scope, tier and length step that it is served at
//! (`g·t·[I·pᵢ + W5·w5·pᵢ + W1·w1·pᵢ + R·r·pᵢ + O·pₒ]`), beside the text units of its guardrail, the call of
//! its classifier and the fee of its router. Shares of routes and of cache hits are multiplied out and not drawn.
//! Retries, refusals and queueing are not inside; a simulation knows those.

mod cash;
mod document;
mod lanes;
mod meter;
mod routes;

pub use cash::{CashFlow, CashMonth, cash};

use super::preview::{Preview, arrivals, hits, preview};
use super::purchase::demand::requests_of_weeks;
use crate::cost::{Bill, BillClass, BillLane, BillLine, amount};
use crate::domain::{PriceTier, Scope};
use crate::load::thinking::ThinkingLaw;
use crate::scenario::{Variant, Workload};
use crate::sim::Assembled;
use crate::units::{Micros, Usd};
use lanes::Lane;
use meter::{Metered, Sized};
use std::cell::OnceCell;

/// Hours of the accounting month.
const HOURS: u64 = crate::cost::capacity::HOURS_PER_MONTH as u64;

/// The bill of a month of 730 hours at the volumes that `[plan.workload]` states, of typical weeks, or at the mean
/// rate of the scenario's traffic.
///
/// `assembled` is `variant` with its models and prices; `seed` decides the draws where sizes are not fixed.
pub fn month(variant: &Variant, assembled: &Assembled, seed: u64) -> Bill {
    let mut biller = Biller {
        variant,
        assembled,
        seed,
        seen: OnceCell::new(),
        bill: Bill::default(),
    };
    for (index, workload) in variant.workloads.iter().enumerate() {
        biller.workload(index, workload);
    }
    biller.capacity();
    biller.assume();
    biller.bill
}

struct Biller<'a> {
    variant: &'a Variant,
    assembled: &'a Assembled,
    seed: u64,
    /// The arrivals as they would be, looked at only where something depends on them.
    seen: OnceCell<Preview>,
    bill: Bill,
}

impl Biller<'_> {
    fn seen(&self) -> &Preview {
        self.seen.get_or_init(|| preview(self.assembled, self.seed))
    }

    /// Requests in the month.
    fn volume(&self, index: usize, workload: &Workload) -> f64 {
        let plan = self.variant.plan.workload(&workload.name);
        let stated = plan.and_then(|plan| plan.volume);
        let key = (index, self.seed);
        let of_weeks = || requests_of_weeks(self.variant, workload, self.assembled, key);
        stated.or_else(of_weeks).unwrap_or_else(|| {
            self.seen().workloads[index].mean_rate.0 * Micros::MONTH.as_secs_f64()
        })
    }

    /// The share of cacheable tokens that are read from the cache, by lane.
    fn hit_ratios(&self, index: usize, workload: &Workload, lanes: &[Lane<'_>]) -> Vec<f64> {
        let all = self.assembled.setup.endpoint.targets.len();
        let plan = self.variant.plan.workload(&workload.name);
        if let Some(stated) = plan.and_then(|plan| plan.hit_ratio) {
            return vec![stated.get(); all];
        }
        let caches = lanes.iter().any(|lane| lane.target.cache_min < u32::MAX);
        let traffic = &workload.traffic;
        let is_empty = traffic.prefix.is_none()
            && traffic.context.points.is_empty()
            && traffic.context.history.is_none()
            && self.assembled.setup.endpoint.targets[index].block_tokens == 0;
        if !caches || is_empty {
            return vec![0.0; all];
        }
        if lanes.len() > 1
            && let Some(measured) = hits(self.assembled, index, self.seed)
        {
            let measured = measured.into_iter();
            return measured.map(Option::unwrap_or_default).collect();
        }
        let figures = &self.seen().workloads[index];
        let cacheable = figures.cache_read + figures.cache_write;
        let own = if cacheable > 0.0 {
            figures.cache_read / cacheable
        } else {
            0.0
        };
        vec![own; all]
    }

    /// The share of a workload's calls that are paid by the token: bought capacity leaves what overflows.
    fn metered(&self, index: usize) -> f64 {
        let is_batch = self.assembled.setup.workloads[index].batch.is_some();
        if self.assembled.context.bought.is_none() || is_batch {
            return 1.0;
        }
        match &self.seen().bought {
            Some(bought) if bought.overflows => bought.overflow_share,
            _ => 0.0,
        }
    }

    fn workload(&mut self, index: usize, workload: &Workload) {
        let assembled = self.assembled;
        let lanes = Lane::all(assembled, index);
        let volume = self.volume(index, workload);
        let hit_ratios = self.hit_ratios(index, workload, &lanes);
        let metered = self.metered(index);
        let optimized = if lanes[0].tier == PriceTier::LatencyOptimized {
            let share = self.seen().workloads[index].optimized_share;
            share.unwrap_or(1.0)
        } else {
            1.0
        };
        let thinking = workload
            .thinking
            .as_ref()
            .map(|spec| ThinkingLaw::new(spec, self.seed, &workload.name));
        let calls = arrivals(assembled, index, self.seed);
        let route = assembled.setup.lanes.routes.get(index);
        let route = route.and_then(Option::as_ref);
        let mut meters: Vec<Metered> = lanes.iter().map(|_| Metered::default()).collect();
        for arrival in &calls {
            let sized = Sized::of(arrival, &lanes[0], thinking.as_ref());
            for (lane, weight) in routes::weights(route, index, sized.prompt()) {
                // Every lane that a route names is one of the workload.
                let Some(at) = lanes.iter().position(|one| one.number == lane) else {
                    continue;
                };
                let judge = route.and_then(|route| route.classifier);
                let judge = judge.filter(|judge| judge.lane as usize == lane);
                let (lane, meter) = (&lanes[at], &mut meters[at]);
                if let Some(judge) = judge {
                    meter.judge(lane, &sized, judge, weight);
                    continue;
                }
                let is_own = lane.kind == BillLane::Own;
                let share = meter::Share {
                    weight,
                    metered: if is_own { metered } else { 1.0 },
                    in_tier: if is_own { optimized } else { 1.0 },
                    hits: hit_ratios[lane.number],
                };
                meter.call(lane, (&workload.traffic, &sized), &share);
            }
        }
        let scale = volume / calls.len().max(1) as f64;
        for (lane, meter) in lanes.iter().zip(meters) {
            self.bill_lane(workload, lane, &meter, scale);
        }
        self.router_fee(workload, &lanes[0], route.is_some(), volume);
    }

    fn bill_lane(&mut self, workload: &Workload, lane: &Lane<'_>, meter: &Metered, scale: f64) {
        for (&(tier, class, price), &units) in &meter.units {
            self.bill.add(line(
                workload,
                lane,
                (tier, class),
                (units * scale).round() as u64,
                Usd(price),
            ));
        }
        if meter.unpriced {
            let book = &self.assembled.context.price_book.0;
            self.unpriced(format!(
                "price book {book} has no token prices of {} in this scope ({}): what `{}` uses of it is not in \
                 the bill",
                lane.model, lane.scope, workload.name
            ));
        }
        if meter.unpriced_guard {
            let book = &self.assembled.context.price_book.0;
            self.unpriced(format!(
                "price book {book} has no prices of guardrails: they are not in the bill"
            ));
        }
    }

    fn unpriced(&mut self, text: String) {
        if !self.bill.unpriced.contains(&text) {
            self.bill.unpriced.push(text);
        }
    }

    fn router_fee(&mut self, workload: &Workload, own: &Lane<'_>, is_routed: bool, volume: f64) {
        let fee = workload.router_fee.filter(|_| is_routed);
        let Some(fee) = fee else { return };
        self.bill.add(line(
            workload,
            own,
            (own.tier, BillClass::RouterFee),
            volume.round() as u64,
            crate::sim::router_fee_each(fee),
        ));
    }

    /// Bought capacity, by the hour.
    fn capacity(&mut self) {
        let Some(bought) = &self.assembled.context.bought else {
            return;
        };
        let Some(per_hour) = bought.per_hour else {
            let what = &bought.what;
            let text = format!("no price of {what} is known: it is not in the bill");
            return self.unpriced(text);
        };
        // It serves one model, that of all calls.
        let mut workloads = self.assembled.setup.workloads.iter().enumerate();
        let caller = workloads.find(|(_, workload)| workload.batch.is_none());
        let index = caller.map_or(0, |(index, _)| index);
        self.bill.add(BillLine {
            workload: String::new(),
            lane: BillLane::Own,
            model: self.assembled.context.workloads[index].model.clone(),
            scope: self.assembled.scopes[index].clone(),
            tier: PriceTier::Standard,
            class: BillClass::Capacity,
            tags: Vec::new(),
            units: HOURS,
            unit_price: per_hour,
            amount: amount(HOURS, per_hour),
        });
    }

    fn assume(&mut self) {
        let variant = self.variant;
        let billed = if variant.service.timeouts_are_billed {
            "would cost their input and the tokens produced so far"
        } else {
            "would cost nothing"
        };
        let mut list = vec![format!(
            "each request is answered at its first attempt; refusals cost nothing, and attempts that clients give up \
             {billed} (`service.timeouts_are_billed`): a simulation counts those"
        )];
        if !variant.fallbacks.is_empty() {
            list.push(
                "no request goes on to a fallback: a simulation shows how many do".to_owned(),
            );
        }
        let by_rate = |workload: &&Workload| {
            let plan = variant.plan.workload(&workload.name);
            plan.is_none_or(|plan| plan.volume.is_none())
        };
        let by_rate: Vec<String> = variant
            .workloads
            .iter()
            .filter(by_rate)
            .map(|workload| format!("`{}`", workload.name))
            .collect();
        if !by_rate.is_empty() {
            list.push(format!(
                "{}: a month of 730 hours at the mean rate of the scenario's traffic; set \
                 `plan.workload.NAME.volume` to the requests of a month",
                by_rate.join(", ")
            ));
        }
        let fees = variant.workloads.iter();
        if fees.clone().any(|workload| workload.router_fee.is_some()) {
            list.push(
                "a router's fee is for every request of a workload with routes or a classifier, wherever it goes; \
                 AWS names one per 1,000 requests and its price changes"
                    .to_owned(),
            );
        }
        let guarded = variant.service.guardrails.iter().filter(|spec| {
            let mut workloads = variant.workloads.iter();
            workloads.any(|workload| workload.guardrail.as_ref() == Some(&spec.name))
        });
        for spec in guarded {
            list.push(format!(
                "guardrail `{}`: text units are counted at {} characters a token (`chars_per_token`)",
                spec.name, spec.chars_per_token
            ));
        }
        self.bill.assumptions = list;
    }
}

fn line(
    workload: &Workload,
    lane: &Lane<'_>,
    (tier, class): (PriceTier, BillClass),
    units: u64,
    unit_price: Usd,
) -> BillLine {
    let scope: &Scope = lane.scope;
    BillLine {
        workload: workload.name.clone(),
        lane: lane.kind,
        model: lane.model.to_owned(),
        scope: scope.clone(),
        tier,
        class,
        tags: workload.tags.clone(),
        units,
        unit_price,
        amount: amount(units, unit_price),
    }
}

#[cfg(test)]
mod tests;
