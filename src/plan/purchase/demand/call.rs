//! The mean request of a workload, from the closed forms of a look before a run.

use super::MeanCall;
use super::week::Week;
use crate::cost::{Ledger, Tariff};
use crate::domain::{CacheTtl, ScopeKind, TokenPrices};
use crate::load::spec::TrafficSpec;
use crate::plan::LoadPoint;
use crate::plan::preview::{WorkloadPreview, preview};
use crate::sim::{Assembled, TierSetup};
use crate::units::{Micros, PerSecond, PicoPerToken, Ratio, Usd};

/// Traffic of the workload `index` of a variant, and what measures it.
#[derive(Clone, Debug)]
pub(super) struct Sample<'a> {
    /// The variant.
    pub assembled: &'a Assembled,
    /// The workload's place.
    pub index: usize,
    /// The seed of all draws.
    pub seed: u64,
    /// Its traffic: as in the scenario, or at the mean rate of a typical week and without events.
    pub traffic: TrafficSpec,
    /// For how long its arrivals are looked at.
    pub duration: Micros,
}

impl Sample<'_> {
    /// The workload alone with this traffic, looked at without a run.
    pub fn look(&self) -> WorkloadPreview {
        self.look_with(|_| {})
    }

    fn look_with(&self, change: impl FnOnce(&mut Assembled)) -> WorkloadPreview {
        let mut one = self.assembled.clone();
        let (setup, context) = (&mut one.setup, &mut one.context);
        setup.workloads = vec![setup.workloads[self.index].clone()];
        setup.workloads[0].traffic = self.traffic.clone();
        setup.endpoint.targets = vec![setup.endpoint.targets[self.index].clone()];
        setup.duration = self.duration;
        setup.warmup = Micros::ZERO;
        context.workloads = vec![context.workloads[self.index].clone()];
        context.bought = None;
        change(&mut one);
        let mut seen = preview(&one, self.seed);
        seen.workloads.swap_remove(0)
    }

    /// What its mean request costs at `prices`, request by request, for prices that step with the prompt.
    fn priced(&self, prices: &TokenPrices, ttl: CacheTtl, cached: bool) -> Option<Usd> {
        let seen = self.look_with(|one| {
            let workload = &mut one.setup.workloads[0];
            // The kind of scope names the tariff; only the first is looked at.
            workload.tariffs = vec![(ScopeKind::Geo, Tariff::new(prices, ttl))];
            workload.tier = TierSetup::default();
            workload.batch = None;
            if !cached {
                one.setup.endpoint.targets[0].cache_min = u32::MAX;
            }
        });
        let paid = seen.token_cost?.tokens();
        (seen.requests > 0.0).then(|| paid.scaled(1.0 / seen.requests))
    }
}

/// The mean request of the workload, and what a reader should know of it.
///
/// `hit_ratio` takes the place of the split of cacheable tokens into reads and writes that the arrivals give.
pub(super) fn mean_call(week: &Week<'_>, hit_ratio: Option<Ratio>) -> (MeanCall, Option<String>) {
    let figures = &week.figures;
    let (assembled, index) = (week.sample.assembled, week.sample.index);
    let (target, context) = (
        &assembled.setup.endpoint.targets[index],
        &assembled.context.workloads[index],
    );
    let is_batch = assembled.setup.workloads[index].batch.is_some();
    let cacheable = figures.cache_read + figures.cache_write;
    let (cache_read, cache_write, warning) = match hit_ratio {
        Some(_) if cacheable <= 0.0 => (
            0.0,
            0.0,
            Some("`hit_ratio` has no effect, since nothing of its prompts is cached".to_owned()),
        ),
        Some(ratio) => (
            cacheable * ratio.get(),
            cacheable * (1.0 - ratio.get()),
            None,
        ),
        None => (figures.cache_read, figures.cache_write, None),
    };
    let load = LoadPoint {
        rate: PerSecond(0.0),
        peak_rate: PerSecond(0.0),
        uncached_input: figures.uncached_input,
        cache_write,
        cache_read,
        output: figures.billed_output,
        max_tokens: u64::from(target.max_tokens),
        latency: figures.latency,
        burndown: target.burndown,
    };
    let mut call = MeanCall {
        input: load.uncached_input,
        cache_write,
        cache_read,
        output: load.output,
        ..MeanCall::default()
    };
    // Records of batch jobs draw on no quota of tokens.
    if !is_batch {
        call.reserved = load.reserved(assembled.setup.endpoint.rules);
        call.settled = load.settled();
        call.held = figures.latency;
    }
    let ttl = if target.cache_ttl == CacheTtl::OneHour.span() {
        CacheTtl::OneHour
    } else {
        CacheTtl::FiveMinutes
    };
    let measured = Measured {
        tokens: [
            figures.uncached_input,
            figures.cache_write,
            figures.cache_read,
            figures.billed_output,
        ],
        requests: figures.requests,
        ledger: figures.token_cost,
    };
    let own = context.tier_prices.as_ref().or(context.prices.as_ref());
    let standard = context.standard_prices.as_ref();
    call.on_demand = if is_batch {
        standard.and_then(|prices| match &prices.long_context {
            None => Some(listed(prices, &call, ttl)),
            Some(_) => week.sample.priced(prices, ttl, true),
        })
    } else {
        own.and_then(|prices| measured.each(prices, &call, ttl))
    };
    // A batch job has no prompt cache: all of the prompt is plain input.
    let record = MeanCall {
        input: call.input + call.cache_read + call.cache_write,
        cache_read: 0.0,
        cache_write: 0.0,
        ..call
    };
    let in_batch = context.batch_prices.as_ref();
    call.batch = in_batch.and_then(|prices| match &prices.long_context {
        None => Some(listed(prices, &record, ttl)),
        Some(_) => week.sample.priced(prices, ttl, false),
    });
    (call, warning)
}

/// What was measured of the requests of a week: tokens and dollars by class.
struct Measured {
    tokens: [f64; 4],
    requests: f64,
    ledger: Option<Ledger>,
}

impl Measured {
    /// The price of `call`: each class at what its tokens cost on average, long prompts inside. A class of which
    /// there were none costs what is listed.
    fn each(&self, prices: &TokenPrices, call: &MeanCall, ttl: CacheTtl) -> Option<Usd> {
        let ledger = self.ledger.as_ref()?;
        let paid = [
            ledger.input,
            ledger.cache_write,
            ledger.cache_read,
            ledger.output,
        ];
        let mut total = 0.0;
        for (class, (tokens, list)) in classes(prices, call, ttl).into_iter().enumerate() {
            let measured = self.tokens[class] * self.requests;
            let price = if measured > 0.0 {
                paid[class].0 as f64 / measured
            } else {
                list.0 as f64
            };
            total += tokens * price;
        }
        Some(Usd(total.round() as i128))
    }
}

/// Tokens of the mean request with their list price, by class.
fn classes(prices: &TokenPrices, call: &MeanCall, ttl: CacheTtl) -> [(f64, PicoPerToken); 4] {
    let write = match ttl {
        CacheTtl::FiveMinutes => prices.cache_write_5m,
        CacheTtl::OneHour => prices.cache_write_1h,
    };
    [
        (call.input, prices.input),
        (call.cache_write, write),
        (call.cache_read, prices.cache_read),
        (call.output, prices.output),
    ]
}

/// The price of `call` at list prices, without steps for long prompts.
fn listed(prices: &TokenPrices, call: &MeanCall, ttl: CacheTtl) -> Usd {
    let each = classes(prices, call, ttl);
    let total: f64 = each
        .iter()
        .map(|(tokens, price)| tokens * price.0 as f64)
        .sum();
    Usd(total.round() as i128)
}
