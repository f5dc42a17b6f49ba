//! What a request uses on a lane, class by class.

use super::lanes::Lane;
use crate::client::Classifier;
use crate::cost::{BillClass, Tariff, TokenClass};
use crate::domain::{CacheTtl, PriceTier};
use crate::load::source::Arrival;
use crate::load::spec::TrafficSpec;
use crate::load::thinking::ThinkingLaw;
use std::collections::BTreeMap;

/// Units by tier, class and unit price in pico-dollars, of the requests looked at.
#[derive(Default)]
pub(super) struct Metered {
    pub units: BTreeMap<(PriceTier, BillClass, i128), f64>,
    /// Whether tokens were used that have no price.
    pub unpriced: bool,
    /// Whether text units were used that have no price.
    pub unpriced_guard: bool,
}

/// A request by its sizes.
pub(super) struct Sized {
    /// Tokens before its input.
    prefix: u64,
    /// Of those, the tokens that end in cache points.
    pointed: u64,
    input: u64,
    output: u64,
    thinking: u64,
}

/// How a request is shared out.
pub(super) struct Share {
    /// The share of it that comes to the lane.
    pub weight: f64,
    /// Of that, what is paid by the token.
    pub metered: f64,
    /// Of that, what is served as the lane asks; the rest is standard.
    pub in_tier: f64,
    /// The share of cacheable tokens that are read.
    pub hits: f64,
}

/// Tokens by class, in the order of [`TokenClass::ALL`].
type Tokens = [f64; 5];

impl Sized {
    /// The sizes of an arrival on the workload's own lane.
    pub fn of(arrival: &Arrival, own: &Lane<'_>, thinking: Option<&ThinkingLaw>) -> Self {
        let blocks = u64::from(arrival.prefix.len) * u64::from(own.target.block_tokens);
        let (output, thinking) = match thinking {
            None => (arrival.output, 0),
            Some(law) => law.draw(arrival.seq, arrival.output),
        };
        Self {
            prefix: blocks + u64::from(arrival.pointed),
            pointed: u64::from(arrival.pointed),
            input: u64::from(arrival.input),
            output: u64::from(output),
            thinking: u64::from(thinking),
        }
    }

    /// All tokens of the prompt.
    pub fn prompt(&self) -> u64 {
        self.prefix + self.input
    }

    /// Tokens of the answer on a lane: cut at `max_tokens` and where the context window ends.
    fn answer(&self, lane: &Lane<'_>) -> u64 {
        let target = lane.target;
        let room = target.max_input.saturating_sub(self.prompt()).max(1);
        self.output.min(u64::from(target.max_tokens)).min(room)
    }

    /// Tokens that a lane's cache can hold, and how many of them live for an hour.
    fn cacheable(&self, lane: &Lane<'_>, traffic: &TrafficSpec) -> (u64, u64) {
        let least = u64::from(lane.target.cache_min);
        let context = &traffic.context;
        if context.points.is_empty() && context.history.is_none() {
            if self.prefix == 0 || self.prefix < least {
                return (0, 0);
            }
            let hour = traffic
                .prefix
                .is_some_and(|prefix| prefix.ttl == CacheTtl::OneHour);
            return (self.prefix, if hour { self.prefix } else { 0 });
        }
        let (mut upto, mut covered, mut hours) = (0u64, 0u64, 0u64);
        for point in &context.points {
            upto += u64::from(point.tokens);
            if upto >= least {
                covered = upto;
                hours = if point.ttl == CacheTtl::OneHour {
                    upto
                } else {
                    hours
                };
            }
        }
        // The point after the newest message covers all that was said.
        if let Some(ttl) = context.history
            && self.pointed >= least
        {
            covered = self.pointed;
            hours = if ttl == CacheTtl::OneHour {
                covered
            } else {
                hours
            };
        }
        (covered, hours)
    }
}

impl Metered {
    fn add(&mut self, tier: PriceTier, class: BillClass, price: i128, units: f64) {
        if units > 0.0 {
            *self.units.entry((tier, class, price)).or_default() += units;
        }
    }

    /// Counts a call on a lane.
    pub fn call(
        &mut self,
        lane: &Lane<'_>,
        (traffic, sized): (&TrafficSpec, &Sized),
        share: &Share,
    ) {
        let mut answer = sized.answer(lane) as f64;
        // What a model's own filter ends, it ends somewhere on its way.
        answer *= 1.0 - 0.5 * lane.target.behaviour.content_filtered;
        let (covered, hours) = sized.cacheable(lane, traffic);
        let missed = 1.0 - share.hits;
        let tokens: Tokens = [
            (sized.prompt() - covered) as f64,
            answer,
            (covered - hours) as f64 * missed,
            hours as f64 * missed,
            covered as f64 * share.hits,
        ];
        let mut served = share.weight;
        if let Some(guard) = lane.guard {
            let blocked = guard.spec.input_block.get();
            served *= 1.0 - blocked;
            let shown = sized.answer(lane) - sized.thinking.min(sized.answer(lane));
            let input = f64::from(guard.spec.input_units(sized.prefix, sized.input));
            let output = f64::from(guard.spec.units_of(shown));
            let units = share.weight * input + served * output;
            self.unpriced_guard |= guard.prices.is_empty();
            for &(policy, price) in &guard.prices {
                let class = BillClass::Guardrail(policy.word());
                self.add(lane.tier, class, price.0, units);
            }
        }
        let metered = served * share.metered;
        let parts = [
            (lane.tier, lane.asked, metered * share.in_tier),
            (
                PriceTier::Standard,
                lane.standard,
                metered * (1.0 - share.in_tier),
            ),
        ];
        for (tier, tariff, weight) in parts {
            let of = |class| BillClass::Tokens(class);
            self.tokens((tier, tariff), sized.prompt(), &tokens, (weight, &of));
        }
    }

    /// Counts the call of a classifier.
    pub fn judge(&mut self, lane: &Lane<'_>, sized: &Sized, judge: Classifier, weight: f64) {
        let input = judge.input.map_or(sized.prompt(), u64::from);
        let output = judge.output.min(lane.target.max_tokens);
        let tokens: Tokens = [input as f64, f64::from(output), 0.0, 0.0, 0.0];
        let of = |class| BillClass::Classifier(class);
        self.tokens((lane.tier, lane.asked), input, &tokens, (weight, &of));
    }

    fn tokens(
        &mut self,
        (tier, tariff): (PriceTier, Option<&Tariff>),
        prompt: u64,
        tokens: &Tokens,
        (weight, of): (f64, &dyn Fn(TokenClass) -> BillClass),
    ) {
        if weight <= 0.0 {
            return;
        }
        let Some(tariff) = tariff else {
            self.unpriced = true;
            return;
        };
        let (short, own) = (by_class(tariff, 0), by_class(tariff, prompt));
        for (place, class) in TokenClass::ALL.into_iter().enumerate() {
            let units = tokens[place] * weight;
            self.add(tier, of(class), short[place], units);
            let premium = own[place] - short[place];
            if premium != 0 {
                self.add(tier, BillClass::LongContext(class), premium, units);
            }
        }
    }
}

/// Prices in the order of [`TokenClass::ALL`].
fn by_class(tariff: &Tariff, prompt: u64) -> [i128; 5] {
    let prices = tariff.prices_at(prompt);
    let five = [
        prices.input,
        prices.output,
        prices.cache_write,
        prices.cache_write_1h,
        prices.cache_read,
    ];
    five.map(i128::from)
}
