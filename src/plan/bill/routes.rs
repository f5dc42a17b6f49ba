//! The shares in which routes and classifiers spread requests, multiplied out.

use crate::client::RouteSpec;

/// The lanes that a request of workload number `own` with a prompt of so many tokens is sent to, each with its
/// share. A classifier is in front of what it judges, so the shares of all but its own sum to 1.
pub(super) fn weights(route: Option<&RouteSpec>, own: usize, prompt: u64) -> Vec<(usize, f64)> {
    let Some(route) = route else {
        return vec![(own, 1.0)];
    };
    let mut shares: Vec<(usize, f64)> = Vec::new();
    let mut add = |lane: u32, share: f64| {
        let lane = lane as usize;
        match shares.iter_mut().find(|(known, _)| *known == lane) {
            Some((_, sum)) => *sum += share,
            None => shares.push((lane, share)),
        }
    };
    // The first rule that matches decides, so shares are cut where a rule's begins or ends.
    let rules = route.rules.iter();
    let mut cuts: Vec<f64> = rules
        .filter_map(|rule| rule.share)
        .flat_map(|(from, below)| [from, below])
        .chain([0.0, 1.0])
        .map(|cut| cut.clamp(0.0, 1.0))
        .collect();
    cuts.sort_by(f64::total_cmp);
    for cut in cuts.windows(2) {
        let width = cut[1] - cut[0];
        if width <= 0.0 {
            continue;
        }
        let middle = f64::midpoint(cut[0], cut[1]);
        let mut rules = route.rules.iter();
        match rules.find(|rule| rule.matches(prompt, middle)) {
            Some(rule) => add(rule.lane, width),
            None => match &route.classifier {
                None => add(route.own, width),
                Some(judge) => {
                    let (hard, right) = (judge.hard_share, judge.accuracy);
                    let judged_hard = hard * right + (1.0 - hard) * (1.0 - right);
                    add(judge.lane, width);
                    add(route.own, width * judged_hard);
                    add(judge.easy, width * (1.0 - judged_hard));
                }
            },
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Classifier, RouteRule};

    fn rule(lane: u32, share: Option<(f64, f64)>, at_most: Option<u64>) -> RouteRule {
        RouteRule {
            lane,
            share,
            at_most,
            above: None,
        }
    }

    fn near(got: &[(usize, f64)], want: &[(usize, f64)]) {
        assert_eq!(got.len(), want.len(), "{got:?}");
        for (got, want) in got.iter().zip(want) {
            assert_eq!(got.0, want.0);
            assert!((got.1 - want.1).abs() < 1e-12, "{got:?} {want:?}");
        }
    }

    #[test]
    fn shares_are_exact_and_the_rest_stays() {
        let route = RouteSpec {
            rules: vec![
                rule(1, Some((0.0, 0.6)), Some(1000)),
                rule(2, Some((0.6, 0.8)), None),
            ],
            classifier: None,
            own: 0,
        };
        near(
            &weights(Some(&route), 0, 500),
            &[(1, 0.6), (2, 0.2), (0, 0.2)],
        );
        near(&weights(Some(&route), 0, 1001), &[(0, 0.8), (2, 0.2)]);
        near(&weights(None, 3, 1), &[(3, 1.0)]);
    }

    #[test]
    fn a_classifier_is_asked_about_all_that_no_rule_takes() {
        let judge = Classifier {
            lane: 2,
            easy: 1,
            hard_share: 0.4,
            accuracy: 0.9,
            input: Some(300),
            output: 5,
        };
        let route = RouteSpec {
            rules: vec![rule(1, Some((0.0, 0.5)), None)],
            classifier: Some(judge),
            own: 0,
        };
        // Judged hard: .4 × .9 + .6 × .1 = .42.
        near(
            &weights(Some(&route), 0, 1),
            &[(1, 0.5 + 0.5 * 0.58), (2, 0.5), (0, 0.5 * 0.42)],
        );
    }
}
