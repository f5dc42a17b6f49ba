//! The load that a workload offers, measured from its own arrivals without a service.

use super::calls::{Cached, SessionCalls};
use super::{SizeFigures, WorkloadPreview};
use crate::cost::{Charge, Ledger};
use crate::domain::{CacheRules, KNOT_Z_MAX, NoiseLaw, ScopeKind, Usage};
use crate::load::burstiness::{Burstiness, WINDOWS};
use crate::load::session::SessionSource;
use crate::load::sizes::SizeSampler;
use crate::load::source::{Arrival, OpenSource, Source};
use crate::load::thinking::ThinkingLaw;
use crate::rng::Keyed;
use crate::service::LatencyModel;
use crate::service::setup::{CounterSetup, TargetSetup};
use crate::service::tiers::TierSpec;
use crate::sim::{WorkloadContext, WorkloadSetup};
use crate::stats::quantile::{min_samples, nearest_rank};
use crate::units::{Micros, Moment, PerSecond, Usd};

/// Arrivals of one workload that are looked at; the span is cut to hold about so many.
pub(super) const MOST_ARRIVALS: u64 = 1_000_000;
/// Draws from which sizes are told where the run itself has fewer requests.
const SIZE_DRAWS: u64 = 20_000;
/// A span may hold more than was expected of it, but not without end.
const MOST_CALLS: usize = 2 * MOST_ARRIVALS as usize;

/// Tokens and requests of one second of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Second {
    /// The second since the run began.
    pub at: u64,
    /// Requests.
    pub requests: f64,
    /// Input tokens that quotas count: uncached and written to the cache.
    pub input: f64,
    /// Input tokens read from the cache.
    pub cache_read: f64,
    /// Output tokens.
    pub output: f64,
}

impl Second {
    fn add(&mut self, usage: Usage) {
        self.requests += 1.0;
        self.input += f64::from(usage.input) + f64::from(usage.cache_write);
        self.cache_read += f64::from(usage.cache_read);
        self.output += f64::from(usage.output);
    }
}

/// A workload as measured.
pub(super) struct Offered {
    /// What readers see.
    pub figures: WorkloadPreview,
    /// Its busy seconds, ascending; one second that stands for all if the rate is steady.
    pub seconds: Vec<Second>,
    /// Whether `seconds` holds one second that stands for all.
    pub steady: bool,
}

/// Sums over the arrivals.
#[derive(Default)]
struct Totals {
    usage: [f64; 4],
    charges: Ledger,
    /// What they cost if none is served as the tier that the workload asks for.
    standard: Ledger,
    inputs: Vec<u32>,
    outputs: Vec<u32>,
    prefix: f64,
    /// Prefix tokens of requests whose prefix can be cached.
    cacheable: f64,
}

impl Totals {
    fn count(&mut self, workload: &Joined<'_>, arrival: &Arrival, usage: Usage) {
        let prefix = f64::from(workload.prefix_of(arrival));
        let said = workload.said_of(arrival);
        self.prefix += prefix - f64::from(said);
        if usage.cache_read + usage.cache_write > 0 {
            self.cacheable += prefix;
        }
        let classes = [
            usage.input,
            usage.cache_write,
            usage.cache_read,
            usage.output,
        ];
        for (sum, tokens) in self.usage.iter_mut().zip(classes) {
            *sum += f64::from(tokens);
        }
        let charge = workload.charge(usage);
        if workload.setup.batch.is_some() {
            self.charges.add_batch(charge);
        } else {
            self.charges.add(charge);
        }
        if workload.optimized.is_some() {
            self.standard.add(workload.standard(usage));
        }
        self.inputs.push(arrival.input.saturating_add(said));
        self.outputs.push(arrival.output);
    }

    fn requests(&self) -> u64 {
        self.inputs.len() as u64
    }

    fn mean(&self, sum: f64) -> f64 {
        sum / (self.requests().max(1) as f64)
    }
}

/// A workload with its side of the service.
pub(super) struct Joined<'a> {
    pub setup: &'a WorkloadSetup,
    pub target: &'a TargetSetup,
    pub context: &'a WorkloadContext,
    pub ambient_load: f64,
    /// Caches over which the calls of a prefix are spread.
    pub caches: usize,
    pub tiers: &'a TierSpec,
    pub cache: CacheRules,
    /// The quota of latency-optimised inference, if it asks for that.
    pub optimized: Option<&'a CounterSetup>,
    pub duration: Micros,
    pub seed: u64,
    pub thinking: Option<ThinkingLaw>,
}

impl Joined<'_> {
    /// Measures the workload.
    pub fn measure(&self) -> Offered {
        match Source::new(&self.setup.traffic, self.seed, &self.setup.name, self.end()) {
            Source::Open(source) => self.open(source),
            Source::Closed(source) => self.closed(source.users()),
            Source::Sessions(source) => self.sessions(source),
        }
    }

    fn end(&self) -> Moment {
        Moment::ZERO + self.duration
    }

    fn charge(&self, usage: Usage) -> Charge {
        let own = self.setup.tier.tariffs.first();
        let tariff = own.or(self.setup.tariffs.first());
        tariff.map_or_else(Charge::default, |(_, tariff)| tariff.charge(usage))
    }

    fn standard(&self, usage: Usage) -> Charge {
        let tariff = self.setup.tariffs.first();
        tariff.map_or_else(Charge::default, |(_, tariff)| tariff.charge(usage))
    }

    /// The share of calls at `rate` that the quota of latency-optimised inference takes.
    fn optimized_share(&self, totals: &Totals, rate: f64) -> Option<f64> {
        let limits = self.optimized?.limits;
        let [input, written, _, output] = totals.usage.map(|sum| totals.mean(sum));
        let settled = input + written + output * self.target.burndown as f64;
        let share = |limit: f64, used: f64| if used > limit { limit / used } else { 1.0 };
        let by_tokens = share(limits.tpm.0 as f64, 60.0 * rate * settled);
        let by_requests = limits
            .rpm
            .map_or(1.0, |rpm| share(rpm.0 as f64, 60.0 * rate));
        Some(by_tokens.min(by_requests))
    }

    /// The span to look at, and its arrivals: all of the run if it is not too long.
    fn span(&self, whole: Source) -> (Micros, Source, f64) {
        let mean_rate = whole.mean_rate();
        let (mut span, mut source) = (self.duration, whole);
        loop {
            let expected = source.mean_rate() * span.as_secs_f64();
            // A span of a microsecond cannot be cut.
            if expected <= MOST_ARRIVALS as f64 || span.0 < 2 {
                return (span, source, mean_rate);
            }
            let share = 0.95 * MOST_ARRIVALS as f64 / expected;
            span = Micros((span.0 as f64 * share) as u64);
            let until = Moment::ZERO + span;
            let spec = &self.setup.traffic;
            source = Source::new(spec, self.seed, &self.setup.name, until);
        }
    }

    fn open(&self, source: OpenSource) -> Offered {
        let (span, source, mean_rate) = self.span(Source::Open(source));
        let mut cached = Cached::new(self, source.clone());
        let calls = match source {
            Source::Open(open) => Some(open),
            Source::Closed(_) | Source::Sessions(_) => None,
        };
        let guarded = calls.into_iter().flatten().take(MOST_CALLS);
        self.tell(
            span,
            mean_rate,
            guarded.map(|arrival| (arrival, cached.usage(self, &arrival))),
        )
    }

    /// Sessions as they would be with answers that take their usual time.
    fn sessions(&self, source: SessionSource) -> Offered {
        let (span, source, mean_rate) = self.span(Source::Sessions(source));
        let calls = SessionCalls::new(self, source);
        self.tell(span, mean_rate, calls.take(MOST_CALLS))
    }

    fn tell(
        &self,
        span: Micros,
        mean_rate: f64,
        calls: impl Iterator<Item = (Arrival, Usage)>,
    ) -> Offered {
        let mut totals = Totals::default();
        let mut seconds: Vec<Second> = Vec::new();
        let times = calls.map(|(arrival, usage)| {
            totals.count(self, &arrival, usage);
            let at = arrival.at.0 / Micros::SECOND.0;
            if seconds.last().is_none_or(|last| last.at != at) {
                seconds.push(Second {
                    at,
                    ..Second::default()
                });
            }
            if let Some(last) = seconds.last_mut() {
                last.add(usage);
            }
            arrival.at
        });
        let burstiness = Burstiness::of(times, span, &WINDOWS);
        let cut = span < self.duration;
        let rate = if cut {
            mean_rate
        } else {
            burstiness.mean_rate.0
        };
        let peak_of = |width| {
            let most = peak(&seconds, width, |second| second.requests);
            (most / span.as_secs_f64().clamp(1.0, width as f64)).max(rate)
        };
        let (peak_minute, peak_second) = (peak_of(60), peak_of(1));
        let scale = self.duration.as_secs_f64() * rate / (totals.requests().max(1) as f64);
        let mut figures = self.figures(&totals, rate, scale);
        figures.measured_span = span;
        figures.peak_minute_rate = PerSecond(peak_minute);
        figures.peak_second_rate = PerSecond(peak_second);
        figures.burstiness = Some(burstiness);
        Offered {
            figures,
            seconds,
            steady: false,
        }
    }

    /// Users who wait and think: N/(R + Z), with R from the latency profile.
    fn closed(&self, users: u32) -> Offered {
        // Without an end, every user always has a next request.
        let spec = &self.setup.traffic;
        let endless = Source::new(spec, self.seed, &self.setup.name, Moment::NEVER);
        let Source::Closed(mut endless) = endless else {
            return self.closed_of(&[], 0.0, users);
        };
        let mut arrivals = Vec::new();
        let mut think = 0.0;
        for i in 0..if users == 0 { 0 } else { SIZE_DRAWS } {
            let user = (i % u64::from(users)) as u32;
            if let Some(arrival) = endless.after(user, Moment::ZERO) {
                think += arrival.at.as_secs_f64();
                arrivals.push(arrival);
            }
        }
        think /= (arrivals.len().max(1)) as f64;
        self.closed_of(&arrivals, think, users)
    }

    fn closed_of(&self, arrivals: &[Arrival], think: f64, users: u32) -> Offered {
        let mut hit_ratio = 0.0;
        let mut rate = 0.0;
        let mut totals = Totals::default();
        let mut mean = Second::default();
        // The rate sets the hit ratio, which sets the latency, which sets the rate.
        for _ in 0..4 {
            totals = Totals::default();
            mean = Second::default();
            let mut due = 0.0;
            for arrival in arrivals {
                // Hits are spread evenly, which is exact for the means.
                due += hit_ratio;
                let hit = due >= 1.0;
                if hit {
                    due -= 1.0;
                }
                let usage = self.usage(arrival, if hit { u32::MAX } else { 0 });
                mean.add(usage);
                totals.count(self, arrival, usage);
            }
            let cycle = think + self.latency_of(&totals, 1.0).as_secs_f64();
            rate = if totals.requests() > 0 && cycle > 0.0 {
                f64::from(users) / cycle
            } else {
                0.0
            };
            let each = rate / self.prefixes() / self.caches.max(1) as f64;
            // h = 1 − e^{−λT} for Poisson use of each prefix in each Region.
            hit_ratio = -(-each * self.target.cache_ttl.as_secs_f64()).exp_m1();
        }
        let per_second = rate / (totals.requests().max(1) as f64);
        let second = Second {
            at: 0,
            requests: rate,
            input: mean.input * per_second,
            cache_read: mean.cache_read * per_second,
            output: mean.output * per_second,
        };
        let scale = self.duration.as_secs_f64() * per_second;
        let mut figures = self.figures(&totals, rate, scale);
        figures.users = Some(users);
        Offered {
            figures,
            seconds: vec![second],
            steady: true,
        }
    }

    /// Tokens of a request before its input.
    pub fn prefix_of(&self, arrival: &Arrival) -> u32 {
        let blocks = arrival.prefix.len.saturating_mul(self.target.block_tokens);
        blocks.saturating_add(arrival.pointed)
    }

    /// Of those, the tokens of what a session has said.
    fn said_of(&self, arrival: &Arrival) -> u32 {
        let points = self.setup.traffic.context.points.iter();
        let before = points.fold(0u32, |sum, point| sum.saturating_add(point.tokens));
        arrival.pointed.saturating_sub(before)
    }

    /// How many different prefixes there are, each equally often.
    fn prefixes(&self) -> f64 {
        let traffic = &self.setup.traffic;
        let points = traffic.context.points.iter();
        let points: f64 = points.map(|point| f64::from(point.variants)).product();
        traffic
            .prefix
            .map_or(points, |prefix| f64::from(prefix.prefixes.max(1)))
    }

    /// The usage of a request of whose prefix so many tokens, at most all, are read from the cache.
    pub fn usage(&self, arrival: &Arrival, read: u32) -> Usage {
        let target = self.target;
        let output = match &self.thinking {
            None => arrival.output,
            Some(law) => law.draw(arrival.seq, arrival.output).0,
        };
        let output = output.min(target.max_tokens);
        let prefix = self.prefix_of(arrival);
        if prefix == 0 || prefix < target.cache_min {
            return Usage {
                input: arrival.input.saturating_add(prefix),
                output,
                ..Usage::default()
            };
        }
        let cache_read = read.min(prefix);
        Usage {
            input: arrival.input,
            cache_read,
            cache_write: prefix - cache_read,
            output,
        }
    }

    /// Mean time in the service. Both laws are linear in the sizes, so means give the mean.
    /// `in_tier` is the share that is served as the tier that the workload asks for.
    fn latency_of(&self, totals: &Totals, in_tier: f64) -> Micros {
        let [input, written, read, output] = totals.usage.map(|sum| totals.mean(sum));
        let profile = &self.target.latency;
        let load = self.ambient_load;
        let h = load / (1.0 - load);
        let us = |span: Micros| span.0 as f64;
        let prompt = (input + written) / 1000.0;
        let ttft = us(profile.ttft_base)
            + prompt * us(profile.ttft_per_k_input)
            + read / 1000.0 * us(profile.ttft_per_k_cached)
            + h * (us(profile.load_base) + prompt * us(profile.load_per_k));
        let per_token = LatencyModel::new(profile, load).per_output_token_us();
        let regions = self.target.destinations.max(1) as f64;
        let hop = us(self.target.hop) * (regions - 1.0) / regions;
        let (first, each) = self.tiers.factors(self.context.tier);
        let blend = |factor: f64| 1.0 + in_tier * (factor - 1.0);
        let (first, each) = (blend(first), blend(each));
        let total = ttft * first * mean_of(&profile.ttft_noise)
            + (output - 1.0).max(0.0) * per_token * each * mean_of(&profile.tpot_noise)
            + hop;
        Micros(total.round() as u64)
    }

    fn figures(&self, totals: &Totals, rate: f64, scale: f64) -> WorkloadPreview {
        let [input, cache_write, cache_read, output] = totals.usage.map(|sum| totals.mean(sum));
        let spec = &self.setup.traffic;
        let law = |spec: Option<&_>, part| {
            let sampler = SizeSampler::new(spec?);
            let keyed = Keyed::new(self.seed, &format!("{}/check/{part}", self.setup.name));
            let draws = (0..SIZE_DRAWS).map(|id| sampler.draw(keyed, id));
            // What is drawn for a session is only a part of what its calls send.
            let is_whole = !self.setup.traffic.has_sessions();
            (is_whole && totals.requests() < SIZE_DRAWS).then(|| draws.collect::<Vec<u32>>())
        };
        let inputs = law(spec.input.as_ref(), "input").unwrap_or_else(|| totals.inputs.clone());
        let outputs = law(spec.output.as_ref(), "output").unwrap_or_else(|| totals.outputs.clone());
        let max_tokens = self.target.max_tokens;
        let truncated = outputs
            .iter()
            .filter(|&&tokens| tokens > max_tokens)
            .count();
        let optimized_share = self.optimized_share(totals, rate);
        let in_tier = optimized_share.unwrap_or(1.0);
        let latency = self.latency_of(totals, in_tier);
        let mut charges = scaled(&totals.charges, in_tier * scale);
        charges.merge(&scaled(&totals.standard, (1.0 - in_tier) * scale));
        let priced = self
            .setup
            .tariffs
            .first()
            .map(|(kind, _): &(ScopeKind, _)| *kind);
        WorkloadPreview {
            name: self.setup.name.clone(),
            model: self.context.model.clone(),
            model_title: self.context.model_title.clone(),
            users: None,
            requests: rate * self.duration.as_secs_f64(),
            measured_span: self.duration,
            mean_rate: PerSecond(rate),
            peak_minute_rate: PerSecond(rate),
            peak_second_rate: PerSecond(rate),
            burstiness: None,
            truncated_share: truncated as f64 / outputs.len().max(1) as f64,
            input: SizeFigures::of(
                totals.mean(totals.inputs.iter().map(|&n| f64::from(n)).sum()),
                inputs,
            ),
            output: SizeFigures::of(
                totals.mean(totals.outputs.iter().map(|&n| f64::from(n)).sum()),
                outputs,
            ),
            prefix_mean: totals.mean(totals.prefix),
            uncached_input: input,
            cache_write,
            cache_read,
            billed_output: output,
            cache_hit_ratio: (totals.cacheable > 0.0).then(|| totals.usage[2] / totals.cacheable),
            max_tokens: u64::from(max_tokens),
            max_tokens_is_set: self.context.max_tokens_is_set,
            latency,
            latency_profile: self.context.latency.clone(),
            latency_origin: self.context.latency_origin,
            in_flight: rate * latency.as_secs_f64(),
            token_cost: priced.map(|_| charges),
            batch: None,
            optimized_share,
        }
    }
}

impl SizeFigures {
    fn of(mean: f64, mut values: Vec<u32>) -> Self {
        values.sort_unstable();
        let at = |share: f64| {
            let enough = values.len() as u64 >= min_samples(share);
            nearest_rank(&values, share).filter(|_| enough)
        };
        Self {
            mean,
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
        }
    }
}

/// The ledger of a whole run from that of the requests looked at.
pub(super) fn scaled(ledger: &Ledger, factor: f64) -> Ledger {
    let of = |usd: Usd| Some(usd.scaled(factor));
    // Scaling gives something of every entry.
    ledger.try_map(of).unwrap_or_default()
}

/// The mean of a noise law: its quantile function against the normal density, by Simpson's rule.
///
/// Cut at z = ±8; what a Pareto tail of index 1.5 has beyond is below 10⁻⁴.
fn mean_of(law: &NoiseLaw) -> f64 {
    const STEPS: u32 = 1024;
    let reach = 2.0 * KNOT_Z_MAX;
    let step = 2.0 * reach / f64::from(STEPS);
    let (mut sum, mut weights) = (0.0, 0.0);
    for i in 0..=STEPS {
        let z = f64::from(i).mul_add(step, -reach);
        let simpson = match i {
            0 | STEPS => 1.0,
            _ if i % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let weight = simpson * (-0.5 * z * z).exp();
        weights += weight;
        sum += weight * law.at(z);
    }
    sum / weights
}

/// The largest sum of `value` over `width` seconds in a row.
pub(super) fn peak(seconds: &[Second], width: u64, value: impl Fn(&Second) -> f64) -> f64 {
    let (mut first, mut sum, mut most) = (0, 0.0, 0.0f64);
    for second in seconds {
        sum += value(second);
        while seconds[first].at + width <= second.at {
            sum -= value(&seconds[first]);
            first += 1;
        }
        most = most.max(sum);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_a_lognormal_noise_is_known() {
        for sigma in [0.0, 0.2, 0.5, 1.0] {
            let want = (0.5f64 * sigma * sigma).exp();
            let got = mean_of(&NoiseLaw::lognormal(sigma));
            assert!((got / want - 1.0).abs() < 1e-6, "{sigma}: {got} for {want}");
        }
    }

    #[test]
    fn a_peak_is_the_busiest_stretch_of_seconds() {
        let second = |at, requests| Second {
            at,
            requests,
            ..Second::default()
        };
        let seconds = [
            second(0, 3.0),
            second(59, 2.0),
            second(60, 4.0),
            second(200, 5.0),
        ];
        let of = |width| peak(&seconds, width, |second| second.requests);
        assert!((of(1) - 5.0).abs() < 1e-12);
        assert!(
            (of(60) - 6.0).abs() < 1e-12,
            "second 0 is over when 60 begins"
        );
        assert!((of(61) - 9.0).abs() < 1e-12);
        assert!(peak(&[], 60, |second| second.requests).abs() < 1e-12);
    }
}
