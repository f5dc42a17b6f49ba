//! From counted measures to the figures of `summary.json`.

use super::summary::{Absence, CostClasses, CostSummary, Percentiles};
use crate::cost::{Ledger, capacity};
use crate::measure::{LatencyHistogram, Tally};
use crate::stats::quantile::{min_samples, rank};
use crate::units::{Micros, Usd};

/// The number rounded to six significant digits, so that files stay readable and stable.
pub(super) fn sig(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// A share or a mean; `None` where nothing was counted.
pub(super) fn over(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0 && part.is_finite()).then(|| sig(part / whole))
}

pub(super) fn millis(time: Micros) -> f64 {
    sig(time.as_millis_f64())
}

/// A latency with the requests that have none because they were never answered.
pub(super) struct Latency {
    pub finite: LatencyHistogram,
    pub lost: u64,
    applies: bool,
}

/// All latencies of one workload, or of several merged.
pub(super) struct Latencies {
    pub ttft: Latency,
    pub attempt_ttft: Latency,
    pub e2e: Latency,
    pub attempt_e2e: Latency,
    pub tpot: Latency,
}

impl Latencies {
    pub(super) fn of(workloads: &[Tally]) -> Self {
        Self {
            ttft: Latency::merged(workloads, |tally| tally.ttft.logical()),
            attempt_ttft: Latency::merged(workloads, |tally| tally.ttft.attempt()),
            e2e: Latency::merged(workloads, |tally| tally.e2e.logical()),
            attempt_e2e: Latency::merged(workloads, |tally| tally.e2e.attempt()),
            tpot: Latency::merged(workloads, |tally| tally.tpot.clone()),
        }
    }
}

impl Latency {
    /// A latency of which nothing can be lost.
    pub(super) fn plain(finite: LatencyHistogram) -> Self {
        Self {
            applies: finite.count() > 0,
            finite,
            lost: 0,
        }
    }

    fn merged(workloads: &[Tally], of: impl Fn(&Tally) -> LatencyHistogram) -> Self {
        let mut all = Self {
            finite: LatencyHistogram::new(),
            lost: 0,
            applies: false,
        };
        // Batch records are answered within hours, and have a table of their own.
        for tally in workloads.iter().filter(|tally| tally.batch.is_none()) {
            let own = of(tally);
            let requests = &tally.requests;
            // Where requests completed without this latency, it does not exist for the workload:
            // answers that are not streamed have no first token, single tokens no pace.
            if own.count() > 0 || requests.completed == 0 {
                all.applies |= requests.offered > 0;
                all.lost += requests.offered - requests.completed.min(requests.offered);
            }
            all.finite.merge(&own);
        }
        all
    }

    /// Requests that have this latency or would have had it.
    pub(super) fn requests(&self) -> u64 {
        self.finite.count() + self.lost
    }

    /// The quantile over all requests, whatever their number; `None` if it is infinite.
    pub(super) fn at(&self, share: f64) -> Option<Micros> {
        self.finite.at_rank(rank(share, self.requests()))
    }

    /// Percentiles of completed requests.
    pub(super) fn completed(&self) -> Percentiles {
        self.percentiles(0)
    }

    /// Percentiles of all requests, those without an answer as infinite.
    pub(super) fn all(&self) -> Percentiles {
        self.percentiles(self.lost)
    }

    fn percentiles(&self, lost: u64) -> Percentiles {
        let count = self.finite.count() + lost;
        let mut absent = std::collections::BTreeMap::new();
        let mut keep = |name: &str, value: Result<f64, Absence>| {
            value
                .map_err(|absence| absent.insert(name.to_owned(), absence))
                .ok()
        };
        let quantile = |share: f64| {
            if !self.applies {
                Err(Absence::NotApplicable)
            } else if count < min_samples(share).max(1) {
                Err(Absence::TooFew)
            } else {
                let value = self.finite.at_rank(rank(share, count));
                value.map(millis).ok_or(Absence::Never)
            }
        };
        let whole = |value: Option<f64>| match value {
            _ if !self.applies => Err(Absence::NotApplicable),
            _ if count == 0 => Err(Absence::TooFew),
            Some(value) if lost == 0 => Ok(value),
            _ => Err(Absence::Never),
        };
        Percentiles {
            p50: keep("p50", quantile(0.5)),
            p90: keep("p90", quantile(0.9)),
            p95: keep("p95", quantile(0.95)),
            p99: keep("p99", quantile(0.99)),
            p999: keep("p999", quantile(0.999)),
            mean: keep("mean", whole(self.finite.mean().map(|us| sig(us / 1000.0)))),
            max: keep("max", whole(self.finite.max().map(millis))),
            count,
            absent,
        }
    }
}

/// Bought capacity as an item of cost.
#[derive(Clone, Copy)]
pub(super) enum Bought {
    /// None was bought.
    Nothing,
    /// Its price is not known.
    Unpriced,
    /// Its price per hour.
    PerHour(Usd),
}

/// Whole micro-dollars: classes rounded one by one still sum exactly to their total.
fn micro_dollars(usd: Usd) -> i128 {
    usd.0.saturating_add(500_000).div_euclid(1_000_000)
}

/// Dollars to the millionth.
pub(super) fn dollars(usd: Usd) -> f64 {
    micro_dollars(usd) as f64 / 1e6
}

fn classes(tokens: Option<&Ledger>, reserved: Option<Usd>) -> (CostClasses, Option<f64>) {
    let class = |of: fn(&Ledger) -> Usd| tokens.map(of);
    let parts = [
        class(|l| l.input),
        class(|l| l.output),
        class(|l| l.cache_write),
        class(|l| l.cache_read),
        reserved,
        class(|l| l.guardrail),
        class(|l| l.wasted),
        class(|l| l.batch),
        class(|l| l.cache_write_1h),
        class(|l| l.long_context),
        class(|l| l.classifier),
        class(|l| l.router_fee),
    ];
    let total = parts
        .iter()
        .map(|part| part.map(micro_dollars))
        .sum::<Option<i128>>();
    let [
        input,
        output,
        cache_write,
        cache_read,
        reserved,
        guardrail,
        wasted,
        batch,
        cache_write_1h,
        long_context,
        classifier,
        router_fee,
    ] = parts.map(|part| part.map(dollars));
    let classes = CostClasses {
        input,
        output,
        cache_write,
        cache_read,
        reserved,
        guardrail,
        wasted,
        batch,
        cache_write_1h,
        long_context,
        classifier,
        router_fee,
    };
    (classes, total.map(|micro| micro as f64 / 1e6))
}

/// The cost of a measured span, and of a month of 730 hours like it.
///
/// Tokens scale with time; bought capacity is paid for every hour, used or not.
/// `tokens` is `None` if a price of a token that was paid for is unknown.
pub(super) fn cost(tokens: Option<&Ledger>, bought: Bought, measured: Micros) -> CostSummary {
    let for_span = |per_hour: Usd| {
        let hours = measured.as_secs_f64() / Micros::HOUR.as_secs_f64();
        per_hour.scaled(hours)
    };
    let reserved = |of: &dyn Fn(Usd) -> Usd| match bought {
        Bought::Nothing => Some(Usd::ZERO),
        Bought::Unpriced => None,
        Bought::PerHour(price) => Some(of(price)),
    };
    let (by_class, run_usd) = classes(tokens, reserved(&for_span));
    let month = tokens.and_then(|ledger| scaled_to_month(ledger, measured));
    let (month_by_class, month_usd) = classes(month.as_ref(), reserved(&capacity::per_month));
    CostSummary {
        run_usd,
        month_usd,
        by_class,
        month_by_class,
    }
}

fn scaled_to_month(ledger: &Ledger, measured: Micros) -> Option<Ledger> {
    let month = |usd| capacity::month_usd(usd, measured);
    ledger.try_map(month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn six_digits_are_kept() {
        let check = |value: f64, want: f64| assert!((sig(value) - want).abs() < 1e-12 * want.abs());
        check(1.234_567_89, 1.234_57);
        check(123_456.789, 123_457.0);
        check(-0.000_123_456_789, -0.000_123_457);
        assert_eq!(sig(f64::NAN).to_bits(), 0);
        assert_eq!(over(1.0, 0.0), None);
    }

    proptest! {
        #[test]
        fn classes_sum_to_the_total(parts in prop::array::uniform5(0i64..1 << 60), hour in 0i64..1 << 60) {
            let usd = parts.map(|part| Usd(i128::from(part)));
            let ledger = Ledger { input: usd[0], output: usd[1], cache_write: usd[2],
                cache_read: usd[3], wasted: usd[4], batch: usd[1], cache_write_1h: usd[2],
                long_context: usd[0], classifier: usd[3], router_fee: usd[4], ..Ledger::default() };
            let measured = Micros::from_secs(1234);
            let cost = cost(Some(&ledger), Bought::PerHour(Usd(i128::from(hour))), measured);
            for (classes, total) in [(cost.by_class, cost.run_usd), (cost.month_by_class, cost.month_usd)] {
                let c = classes;
                let sum: f64 = [c.input, c.output, c.cache_write, c.cache_read, c.reserved, c.guardrail, c.wasted, c.batch,
                    c.cache_write_1h, c.long_context, c.classifier, c.router_fee]
                    .into_iter().map(Option::unwrap).sum();
                let total = total.unwrap();
                prop_assert!((sum - total).abs() <= 1e-9 * total.max(1.0));
            }
        }
    }

    #[test]
    fn a_price_that_is_unknown_leaves_no_total() {
        let ledger = Ledger {
            input: Usd::from_dollars(2.0),
            ..Ledger::default()
        };
        let unpriced = cost(Some(&ledger), Bought::Unpriced, Micros::HOUR);
        assert_eq!((unpriced.run_usd, unpriced.month_usd), (None, None));
        assert_eq!(unpriced.by_class.input, Some(2.0));
        assert_eq!(unpriced.month_by_class.input, Some(1460.0));
        let bought = cost(
            Some(&ledger),
            Bought::PerHour(Usd::from_dollars(10.0)),
            Micros(Micros::HOUR.0 / 2),
        );
        assert_eq!(bought.run_usd, Some(7.0));
        assert_eq!(bought.month_usd, Some(2.0 * 1460.0 + 7300.0));
    }
}
