//! The metrics that a run is read by.

use crate::results::report::Unit;
use crate::results::{RunMetrics, RunPercentiles};

/// One metric of a run.
#[derive(Clone, Copy, Debug)]
pub struct MetricSpec {
    /// Its name, such as `ttft.p50`.
    pub name: &'static str,
    /// The unit of its readings.
    pub unit: Unit,
    /// Whether it is compared by ratio; otherwise by difference.
    pub relative: bool,
    /// Whether more of it is better.
    pub higher_is_better: bool,
    /// The reading of one run.
    pub read: fn(&RunMetrics) -> Option<f64>,
    /// Requests that a percentile needs before it is read; 0 for what is no percentile.
    pub needs: u64,
    /// Requests that have it.
    pub count: fn(&RunMetrics) -> u64,
}

/// Metrics on which the gate fails unless told otherwise. p99 needs far more requests than p95 to tell
/// anything, so it is reported and not gated (`methods.md` 6.2).
pub const DEFAULT_GATE: [&str; 7] = [
    "ttft.p50",
    "ttft.p95",
    "e2e.p50",
    "e2e.p95",
    "throttled_share",
    "error_share",
    "cost_per_request",
];

const fn latency(
    name: &'static str,
    needs: u64,
    read: fn(&RunMetrics) -> Option<f64>,
    count: fn(&RunMetrics) -> u64,
) -> MetricSpec {
    MetricSpec {
        name,
        unit: Unit::Millis,
        relative: true,
        higher_is_better: false,
        read,
        needs,
        count,
    }
}

const fn share(
    name: &'static str,
    higher_is_better: bool,
    read: fn(&RunMetrics) -> Option<f64>,
) -> MetricSpec {
    MetricSpec {
        name,
        unit: Unit::Share,
        relative: false,
        higher_is_better,
        read,
        needs: 0,
        count: |run| run.offered,
    }
}

macro_rules! latencies {
    ($($name:literal $field:ident),*) => {
        [$(
            latency(concat!($name, ".p50"), 5, |run| run.$field.p50, |run| count(&run.$field)),
            latency(concat!($name, ".p95"), 59, |run| run.$field.p95, |run| count(&run.$field)),
            latency(concat!($name, ".p99"), 299, |run| run.$field.p99, |run| count(&run.$field)),
        )*]
    };
}

fn count(of: &RunPercentiles) -> u64 {
    of.count
}

const LATENCIES: [MetricSpec; 12] =
    latencies!("ttft" ttft_ms, "attempt_ttft" attempt_ttft_ms, "e2e" e2e_ms, "tpot" tpot_ms);

/// Every metric, in the order of reading.
pub const METRICS: [MetricSpec; 17] = {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = LATENCIES;
    [
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        i,
        j,
        k,
        l,
        share("throttled_share", false, |run| run.throttled_share),
        share("error_share", false, |run| run.error_share),
        share("attainment", true, |run| run.attainment),
        MetricSpec {
            name: "goodput",
            unit: Unit::PerSecond,
            relative: true,
            higher_is_better: true,
            read: |run| run.goodput_rps,
            needs: 0,
            count: |run| run.offered,
        },
        MetricSpec {
            name: "cost_per_request",
            unit: Unit::Usd,
            relative: true,
            higher_is_better: false,
            read: |run| run.cost_per_request_usd,
            needs: 0,
            count: |run| run.completed,
        },
    ]
};

/// The metric of this name.
pub fn metric_named(name: &str) -> Option<&'static MetricSpec> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// `chat/ttft.p50`; without a workload the metric alone.
pub(super) fn full_name(workload: Option<&str>, metric: &str) -> String {
    match workload {
        Some(workload) => format!("{workload}/{metric}"),
        None => metric.to_owned(),
    }
}

impl MetricSpec {
    /// A reading on the scale on which it is compared; `None` if it has no logarithm and needs one.
    pub(super) fn scaled(&self, reading: f64) -> Option<f64> {
        if !self.relative {
            return Some(reading);
        }
        (reading > 0.0).then(|| reading.ln())
    }

    /// A value of that scale as a reading.
    pub(super) fn unscaled(&self, value: f64) -> f64 {
        if self.relative { value.exp() } else { value }
    }

    /// A difference of that scale as an effect: a relative change, or the difference itself.
    pub(super) fn effect(&self, difference: f64) -> f64 {
        if self.relative {
            difference.exp_m1()
        } else {
            difference
        }
    }

    /// An effect as a difference of that scale.
    pub(super) fn difference(&self, effect: f64) -> f64 {
        if self.relative {
            effect.ln_1p()
        } else {
            effect
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gated_metric_exists_and_names_are_unique() {
        for name in DEFAULT_GATE {
            assert!(metric_named(name).is_some(), "{name}");
        }
        for (index, metric) in METRICS.iter().enumerate() {
            assert!(METRICS[..index].iter().all(|one| one.name != metric.name));
        }
        let run = RunMetrics {
            e2e_ms: RunPercentiles {
                p95: Some(7.0),
                ..RunPercentiles::default()
            },
            ..RunMetrics::default()
        };
        let read = |name: &str| (metric_named(name).unwrap().read)(&run);
        assert_eq!((read("e2e.p95"), read("ttft.p95")), (Some(7.0), None));
    }

    #[test]
    fn scales_turn_back() {
        let time = metric_named("ttft.p50").unwrap();
        assert!((time.unscaled(time.scaled(812.0).unwrap()) - 812.0).abs() < 1e-9);
        assert!((time.effect(time.difference(0.05)) - 0.05).abs() < 1e-12);
        assert_eq!(time.scaled(0.0), None);
        let share = metric_named("error_share").unwrap();
        assert_eq!(share.scaled(0.0), Some(0.0));
    }
}
