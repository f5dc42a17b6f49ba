//! The value of the SLA: what it costs to serve a larger share of the requests.
//!
//! A single target hides what the last few requests cost. So plans are made for a ladder of targets and for a
//! ladder of sizes, and the ones that nothing beats are put in order (`methods.md` 7.6).

use super::{Decision, Evaluation, Hold, Market, Schedule, decide, evaluate, price_of};
use crate::units::{Ratio, TokensPerMinute};
use rayon::prelude::*;

/// Shares of requests that plans are made for.
pub const TARGETS: [f64; 5] = [0.9, 0.95, 0.99, 0.999, 0.9999];
/// Sizes that are tried, over those of the plan.
const SIZES: [f64; 6] = [0.25, 0.5, 0.75, 1.25, 1.5, 2.0];
/// Shares that differ by less are the same: a request in ten million.
const SAME_SHARE: f64 = 1e-7;

/// One plan that no other beats in both cost and share served.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontierPoint {
    /// What it is: `all on demand`, `the plan`, `made for 99.9 %`, `× 1.5`.
    pub name: String,
    /// What is held.
    pub schedule: Schedule,
    /// Dollars paid in a month, penalties apart, on the mean over paths and months.
    pub per_month: f64,
    /// Dollars of bought capacity in a month.
    pub bought_per_month: f64,
    /// Requests served over those offered.
    pub served_share: f64,
    /// Requests served in a month.
    pub served_per_month: f64,
    /// What each request costs that is served beyond the point before.
    pub per_extra_request: Option<f64>,
    /// The same of bought capacity alone, which is what the SLA costs beside the requests themselves.
    pub capacity_per_extra_request: Option<f64>,
}

/// The plans that nothing beats, the cheapest first.
pub fn frontier(market: &Market<'_>, decision: &Decision) -> Vec<FrontierPoint> {
    let mut tried = vec![
        ("all on demand".to_owned(), Schedule::default()),
        ("the plan".to_owned(), decision.schedule.clone()),
    ];
    let of_targets: Vec<(String, Schedule)> = TARGETS
        .par_iter()
        .filter_map(|share| {
            let target = Ratio::new(*share)?;
            let other = Market {
                target,
                ..market.clone()
            };
            // What is told is the target's own figures: 99.9 % stays 99.9 %.
            let name = format!("made for {} %", (share * 1e6).round() / 1e4);
            Some((name, decide(&other).schedule))
        })
        .collect();
    tried.extend(of_targets);
    for times in SIZES {
        let sized = sized(market, &decision.schedule, times);
        tried.extend(sized.map(|schedule| (format!("the plan × {times}"), schedule)));
    }
    let mut plans: Vec<(String, Schedule)> = Vec::new();
    for (name, schedule) in tried {
        // A size without a price has no cost to compare.
        let is_priced = schedule.holds.iter().all(|hold| hold.per_hour.is_some());
        if is_priced && plans.iter().all(|(_, known)| *known != schedule) {
            plans.push((name, schedule));
        }
    }
    let points = plans
        .into_par_iter()
        .map(|(name, schedule)| {
            let evaluation = evaluate(market, &schedule);
            point(name, schedule, &evaluation)
        })
        .collect();
    undominated(points)
}

fn point(name: String, schedule: Schedule, evaluation: &Evaluation) -> FrontierPoint {
    let months = evaluation.months.len().max(1) as f64;
    let mean = |of: fn(&super::MonthFigures) -> f64| {
        evaluation.months.iter().map(of).sum::<f64>() / months
    };
    FrontierPoint {
        name,
        schedule,
        per_month: mean(|month| month.cost.mean - month.penalty),
        bought_per_month: mean(|month| month.bought),
        served_share: evaluation.served_share,
        served_per_month: mean(|month| month.requests * month.served_share),
        per_extra_request: None,
        capacity_per_extra_request: None,
    }
}

/// The schedule with its blocks `times` as large, where that can be bought.
fn sized(market: &Market<'_>, schedule: &Schedule, times: f64) -> Option<Schedule> {
    if schedule.is_empty() {
        return None;
    }
    let holds: Option<Vec<Hold>> = schedule
        .holds
        .iter()
        .map(|hold| {
            let size = market.offers.get(hold.offer)?.size;
            let mut sized = hold.clone();
            if hold.units > 0 {
                let units = (f64::from(hold.units) * times).round().max(1.0) as u32;
                let each = |tpm: TokensPerMinute| tpm.0 / u64::from(hold.units) * u64::from(units);
                sized.units = units;
                sized.input_tpm = TokensPerMinute(each(hold.input_tpm));
                sized.output_tpm = TokensPerMinute(each(hold.output_tpm));
            } else {
                let (mut least_in, mut least_out) = (TokensPerMinute(0), TokensPerMinute(0));
                if let super::Size::Sides { input, output } = size {
                    (least_in, least_out) = (input.least, output.least);
                }
                let side = |tpm: TokensPerMinute, least: TokensPerMinute| {
                    // What adds to another block may be smaller than the least that begins.
                    let least = least.0.min(tpm.0) as f64;
                    TokensPerMinute((tpm.0 as f64 * times).max(least).round() as u64)
                };
                sized.input_tpm = side(hold.input_tpm, least_in);
                sized.output_tpm = side(hold.output_tpm, least_out);
            }
            sized.per_hour = price_of(size, sized.input_tpm, sized.output_tpm, sized.units);
            Some(sized)
        })
        .collect();
    Some(Schedule {
        holds: holds?,
        headroom: schedule.headroom,
    })
}

/// In the order of cost, without points that cost as much as another and serve no more.
fn undominated(mut points: Vec<FrontierPoint>) -> Vec<FrontierPoint> {
    points.sort_by(|a, b| {
        let cost = a.per_month.total_cmp(&b.per_month);
        cost.then(b.served_share.total_cmp(&a.served_share))
    });
    let mut kept: Vec<FrontierPoint> = Vec::new();
    for mut point in points {
        if let Some(last) = kept.last() {
            if point.served_share <= last.served_share + SAME_SHARE {
                continue;
            }
            let extra = point.served_per_month - last.served_per_month;
            let each = |dollars: f64| (extra > 0.0).then(|| dollars / extra);
            point.per_extra_request = each(point.per_month - last.per_month);
            point.capacity_per_extra_request = each(point.bought_per_month - last.bought_per_month);
        }
        kept.push(point);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(per_month: f64, served_share: f64) -> FrontierPoint {
        FrontierPoint {
            name: String::new(),
            schedule: Schedule::default(),
            per_month,
            bought_per_month: 0.5 * per_month,
            served_share,
            served_per_month: 1e6 * served_share,
            per_extra_request: None,
            capacity_per_extra_request: None,
        }
    }

    #[test]
    fn what_another_beats_is_left_out() {
        let kept = undominated(vec![
            plain(300.0, 0.99),
            plain(100.0, 0.9),
            plain(200.0, 0.89),
            plain(100.0, 0.8),
        ]);
        let seen: Vec<(f64, f64)> = kept
            .iter()
            .map(|one| (one.per_month, one.served_share))
            .collect();
        assert_eq!(seen, [(100.0, 0.9), (300.0, 0.99)]);
        // $200 for 90,000 requests more, half of it for capacity.
        let each = kept[1].per_extra_request.unwrap();
        assert!((each - 200.0 / 90_000.0).abs() < 1e-12, "{each}");
        let capacity = kept[1].capacity_per_extra_request.unwrap();
        assert!((capacity - 100.0 / 90_000.0).abs() < 1e-12, "{capacity}");
    }

    proptest! {
        #[test]
        fn more_cost_serves_more(points in prop::collection::vec((0.0..1e6f64, 0.0..=1.0f64), 1..20)) {
            let kept = undominated(points.iter().map(|(cost, share)| plain(*cost, *share)).collect());
            prop_assert!(!kept.is_empty());
            for pair in kept.windows(2) {
                prop_assert!(pair[0].per_month <= pair[1].per_month);
                prop_assert!(pair[0].served_share < pair[1].served_share);
            }
            let most = points.iter().map(|(_, share)| *share).fold(0.0, f64::max);
            prop_assert!(kept[kept.len() - 1].served_share >= most - SAME_SHARE * points.len() as f64);
        }
    }
}
