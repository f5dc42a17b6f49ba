//! `[slo]`: what a run has to meet.

use crate::config::{Section, share, unit};
use crate::domain::{LatencyBound, LatencyMetric, Quantile, Slo};
use crate::units::Micros;

/// Reads `[slo]`; all keys may be left out.
pub(super) fn slo(s: &mut Section<'_>) -> Slo {
    let mut latency = Vec::new();
    for metric in [LatencyMetric::Ttft, LatencyMetric::E2e, LatencyMetric::Tpot] {
        let key = metric.to_string();
        let bounds = s.optional_table(&key, |s| Some(bounds(s, metric)));
        latency.extend(bounds.unwrap_or_default());
    }
    Slo {
        latency,
        throttled_share: s.optional("throttled_share", share()),
        error_share: s.optional("error_share", share()),
        attainment: s.optional("attainment", share()),
    }
}

fn bounds(s: &mut Section<'_>, metric: LatencyMetric) -> Vec<LatencyBound> {
    let mut bounds: Vec<LatencyBound> = Vec::new();
    for quantile in Quantile::ALL {
        let Some(at_most) = s.optional(quantile.name(), unit::<Micros>()) else {
            continue;
        };
        if at_most == Micros::ZERO {
            s.report(
                quantile.name(),
                format!("the bound on `{metric}` must be above zero"),
                "is zero",
                "no answer takes no time",
            );
        }
        if let Some(lower) = bounds.last()
            && lower.at_most > at_most
        {
            s.report(
                quantile.name(),
                format!(
                    "`{}` of `{metric}` must not be below its `{}`",
                    quantile.name(),
                    lower.quantile.name()
                ),
                &format!("is {at_most}, below {}", lower.at_most),
                "a higher percentile is never shorter; swap the two bounds or drop one",
            );
        }
        bounds.push(LatencyBound {
            metric,
            quantile,
            at_most,
        });
    }
    bounds
}
