//! What each objective of an SLO reads, with how sure a single sample of requests makes it.
//!
//! [`judge`](super::verdict::judge) says yes or no to what was seen; a search for the highest load that
//! passes has to know how far off chance could have put it.

use super::figures::{Latencies, Latency, over};
use crate::domain::{LatencyMetric, Slo};
use crate::measure::{RequestCounts, Tally};
use crate::stats::quantile::{rank, rank_interval};
use crate::units::Micros;

/// z of a one-sided confidence of 95 %.
const Z_ONE_SIDED: f64 = 1.644_853_627;
/// Two ends that each miss with 5 %.
const BOTH_ENDS: f64 = 0.9;

/// What one objective reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Its name, as in [`ObjectiveSummary::name`](super::ObjectiveSummary::name).
    pub name: String,
    /// Whether it is a latency, in milliseconds; otherwise it is a share.
    pub is_latency: bool,
    /// The bound.
    pub bound: f64,
    /// Whether the bound is a least value; otherwise it is a greatest one.
    pub at_least: bool,
    /// What was seen; infinite where the quantile falls among requests without an answer, `None` if
    /// there was nothing to see.
    pub seen: Option<f64>,
    /// Ends between which it lies with 90 %, 5 % beyond each, if requests were independent of each other.
    /// Requests of a queue are not, so this is the least that is uncertain.
    pub ends: (f64, f64),
}

impl Reading {
    /// Whether a value meets the bound.
    pub fn is_met_by(&self, value: f64) -> bool {
        if self.at_least {
            value >= self.bound
        } else {
            value <= self.bound
        }
    }
}

/// What the objectives of `slo` read over these workloads, in the order in which a verdict lists them;
/// the last one is the share of good requests if the SLO does not bound it.
pub fn readings(slo: &Slo, workloads: &[Tally]) -> Vec<Reading> {
    let latencies = (!slo.latency.is_empty()).then(|| Latencies::of(workloads));
    let of_latency = slo.latency.iter().filter_map(|bound| {
        let latencies = latencies.as_ref()?;
        let latency = match bound.metric {
            LatencyMetric::Ttft => &latencies.ttft,
            LatencyMetric::E2e => &latencies.e2e,
            LatencyMetric::Tpot => &latencies.tpot,
        };
        let share = bound.quantile.share();
        Some(Reading {
            name: format!("{}.{}", bound.metric, bound.quantile.name()),
            is_latency: true,
            bound: bound.at_most.as_millis_f64(),
            at_least: false,
            seen: (latency.requests() > 0).then(|| infinite(latency.at(share))),
            ends: rank_ends(latency, share),
        })
    });
    let (requests, good) = workloads
        .iter()
        .fold((RequestCounts::default(), 0), |sum, one| {
            (added(sum.0, &one.requests), sum.1 + one.good)
        });
    let lost = requests.offered.saturating_sub(requests.completed);
    let shares = [
        (
            "throttled_share",
            slo.throttled_share,
            requests.throttled,
            false,
        ),
        ("error_share", slo.error_share, lost, false),
        ("attainment", slo.attainment, good, true),
    ];
    let of_shares = shares
        .into_iter()
        .filter_map(|(name, bound, count, at_least)| {
            Some(Reading {
                name: name.to_owned(),
                is_latency: false,
                bound: bound?.get(),
                at_least,
                seen: over(count as f64, requests.offered as f64),
                ends: wilson(count, requests.offered),
            })
        });
    of_latency.chain(of_shares).collect()
}

/// The share of good requests with its ends, as in [`Reading::ends`].
pub fn attainment(workloads: &[Tally]) -> (Option<f64>, (f64, f64)) {
    let offered = workloads
        .iter()
        .map(|one| one.requests.offered)
        .sum::<u64>();
    let good = workloads.iter().map(|one| one.good).sum::<u64>();
    (over(good as f64, offered as f64), wilson(good, offered))
}

fn added(mut sum: RequestCounts, one: &RequestCounts) -> RequestCounts {
    sum.offered += one.offered;
    sum.completed += one.completed;
    sum.throttled += one.throttled;
    sum
}

fn infinite(time: Option<Micros>) -> f64 {
    time.map_or(f64::INFINITY, Micros::as_millis_f64)
}

/// The order statistics around a quantile (`methods.md` 5.4); without bounds if there are too few requests.
fn rank_ends(latency: &Latency, share: f64) -> (f64, f64) {
    let requests = latency.requests();
    if requests == 0 {
        return (0.0, f64::INFINITY);
    }
    // Of thousands of requests the binomial law is as good as normal, and its sums take long.
    let (lower, upper) = if requests > 10_000 {
        let centre = rank(share, requests) as f64;
        let half = Z_ONE_SIDED * (requests as f64 * share * (1.0 - share)).sqrt();
        (
            (centre - half).floor().max(1.0) as u64,
            (centre + half).ceil() as u64 + 1,
        )
    } else {
        match rank_interval(requests, share, BOTH_ENDS) {
            Some(ranks) => (ranks.lower, ranks.upper),
            None => return (0.0, f64::INFINITY),
        }
    };
    let at = |rank: u64| infinite(latency.finite.at_rank(rank));
    (at(lower), at(upper))
}

/// Wilson's score interval of a share.
fn wilson(count: u64, of: u64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (n, z2) = (of as f64, Z_ONE_SIDED * Z_ONE_SIDED);
    let share = count as f64 / n;
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half =
        Z_ONE_SIDED / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LatencyBound, Quantile};
    use crate::units::Ratio;

    fn tally(lost: u64) -> Tally {
        let mut tally = Tally::new();
        for n in 1..=1000u64 {
            let time = Micros(n * 1000);
            tally.ttft.record(time, time);
        }
        tally.requests.offered = 1000 + lost;
        tally.requests.completed = 1000;
        tally.requests.throttled = lost;
        tally.good = 900;
        tally
    }

    fn slo() -> Slo {
        Slo {
            latency: vec![LatencyBound {
                metric: LatencyMetric::Ttft,
                quantile: Quantile::P95,
                at_most: Micros::SECOND,
            }],
            throttled_share: Ratio::new(0.01),
            error_share: None,
            attainment: Ratio::new(0.8),
        }
    }

    #[test]
    fn a_quantile_lies_between_order_statistics() {
        let read = readings(&slo(), &[tally(0)]);
        let names: Vec<&str> = read.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["ttft.p95", "throttled_share", "attainment"]);
        // Rank 950 of 1,000, give or take 1.645·√(1000·.95·.05) = 11.3.
        let (low, high) = read[0].ends;
        assert!((read[0].seen.unwrap() - 950.0).abs() < 2.0);
        assert!(
            (937.0..=940.0).contains(&low) && (961.0..=963.5).contains(&high),
            "{low} {high}"
        );
        assert!(read[0].is_met_by(high) && !read[0].is_met_by(1000.5));
    }

    #[test]
    fn lost_requests_are_infinitely_late() {
        let read = readings(&slo(), &[tally(100)]);
        assert_eq!(read[0].seen, Some(f64::INFINITY));
        assert!(read[0].ends.1.is_infinite());
        let few = readings(&slo(), &[]);
        assert_eq!((few[0].seen, few[1].seen), (None, None));
    }

    #[test]
    fn no_event_in_n_still_leaves_a_share_of_a_few_over_n() {
        // Wilson at zero of n: z²/(n + z²).
        let (low, high) = wilson(0, 1000);
        assert!(
            low.abs() < 1e-12 && (high - 0.002_698_2).abs() < 1e-6,
            "{high}"
        );
        let (low, high) = wilson(900, 1000);
        assert!(
            (low - 0.883_29).abs() < 1e-4 && (high - 0.914_53).abs() < 1e-4,
            "{low} {high}"
        );
    }
}
