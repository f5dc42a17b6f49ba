//! Which lane a request starts on: shares, rules on its size, or a classifier in front.

use crate::rng::Keyed;

/// The routes of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteSpec {
    /// The rules, in order; the first that matches decides.
    pub rules: Vec<RouteRule>,
    /// Who decides where none matches.
    pub classifier: Option<Classifier>,
    /// The lane of requests that nobody decides about: the workload's own.
    pub own: u32,
}

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RouteRule {
    /// Where its requests go.
    pub lane: u32,
    /// The requests whose draw in `[0, 1)` is from the first on and below the second.
    pub share: Option<(f64, f64)>,
    /// Prompts of at most so many tokens.
    pub at_most: Option<u64>,
    /// Prompts of more tokens than this.
    pub above: Option<u64>,
}

impl RouteRule {
    /// Whether it decides about a request with so many prompt tokens and the draw `u`.
    pub fn matches(&self, input: u64, u: f64) -> bool {
        self.share
            .is_none_or(|(from, below)| (from..below).contains(&u))
            && self.at_most.is_none_or(|most| input <= most)
            && self.above.is_none_or(|least| input > least)
    }
}

/// A call in front of the request that judges how hard it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classifier {
    /// The lane of the call.
    pub lane: u32,
    /// Where requests go that are judged easy; hard ones go to the workload's own lane.
    pub easy: u32,
    /// Share of the requests that are hard indeed.
    pub hard_share: f64,
    /// Share of the judgements that are right, of hard and easy requests alike.
    pub accuracy: f64,
    /// Input tokens of the call; `None` is the prompt itself.
    pub input: Option<u32>,
    /// Output tokens of the call.
    pub output: u32,
}

/// What a classifier said of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether the request is hard.
    pub hard: bool,
    /// Whether it was judged hard.
    pub judged_hard: bool,
}

/// The routes of one workload with their draws, which depend on the request alone.
#[derive(Clone, Debug)]
pub struct Router {
    spec: RouteSpec,
    share: Keyed,
    hard: Keyed,
    right: Keyed,
}

impl Router {
    /// The routes of the workload `name`.
    pub fn new(spec: RouteSpec, seed: u64, name: &str) -> Self {
        let draws = |purpose| Keyed::new(seed, &format!("{name}/{purpose}"));
        Self {
            spec,
            share: draws("route"),
            hard: draws("hard"),
            right: draws("classifier-right"),
        }
    }

    /// The lane on which request number `seq` with so many prompt tokens starts.
    pub fn start(&self, seq: u64, input: u64) -> u32 {
        let u = self.share.uniform(seq);
        let mut rules = self.spec.rules.iter();
        match rules.find(|rule| rule.matches(input, u)) {
            Some(rule) => rule.lane,
            None => self
                .spec
                .classifier
                .map_or(self.spec.own, |classifier| classifier.lane),
        }
    }

    /// The classifier, if there is one.
    pub fn classifier(&self) -> Option<&Classifier> {
        self.spec.classifier.as_ref()
    }

    /// What the classifier says of request number `seq`, and the lane that follows.
    pub fn judge(&self, seq: u64) -> (Judgement, u32) {
        let Some(classifier) = &self.spec.classifier else {
            let hard = Judgement {
                hard: true,
                judged_hard: true,
            };
            return (hard, self.spec.own);
        };
        let hard = self.hard.uniform(seq) < classifier.hard_share;
        let is_right = self.right.uniform(seq) < classifier.accuracy;
        let judged_hard = hard == is_right;
        let lane = if judged_hard {
            self.spec.own
        } else {
            classifier.easy
        };
        (Judgement { hard, judged_hard }, lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(lane: u32) -> RouteRule {
        RouteRule {
            lane,
            share: None,
            at_most: None,
            above: None,
        }
    }

    fn router(rules: Vec<RouteRule>, classifier: Option<Classifier>) -> Router {
        let spec = RouteSpec {
            rules,
            classifier,
            own: 0,
        };
        Router::new(spec, 7, "chat")
    }

    /// Within four standard deviations of a binomial count.
    fn is_near(count: usize, n: u64, share: f64) -> bool {
        let n = n as f64;
        (count as f64 - n * share).abs() <= 4.0 * (n * share * (1.0 - share)).sqrt()
    }

    #[test]
    fn shares_are_disjoint_and_the_rest_stays() {
        let share = |lane, from, below| RouteRule {
            share: Some((from, below)),
            ..rule(lane)
        };
        let router = router(vec![share(1, 0.0, 0.7), share(2, 0.7, 0.9)], None);
        let n = 20_000;
        let lanes: Vec<u32> = (0..n).map(|seq| router.start(seq, 1)).collect();
        for (lane, want) in [(1, 0.7), (2, 0.2), (0, 0.1)] {
            let count = lanes.iter().filter(|&&one| one == lane).count();
            assert!(is_near(count, n, want), "lane {lane}: {count}");
        }
        // The draws are those of the request, whoever asks and when.
        assert!((0..n).all(|seq| router.start(seq, 9) == lanes[seq as usize]));
    }

    #[test]
    fn the_first_rule_on_the_size_decides() {
        let short = RouteRule {
            at_most: Some(2000),
            ..rule(1)
        };
        let long = RouteRule {
            above: Some(1000),
            ..rule(2)
        };
        let router = router(vec![short, long], None);
        assert_eq!([1, 2000, 2001].map(|n| router.start(0, n)), [1, 1, 2]);
    }

    #[test]
    fn a_classifier_is_right_as_often_as_it_says() {
        let classifier = Classifier {
            lane: 2,
            easy: 1,
            hard_share: 0.3,
            accuracy: 0.9,
            input: None,
            output: 5,
        };
        let router = router(Vec::new(), Some(classifier));
        assert_eq!(router.start(3, 10), 2);
        let n = 50_000;
        let said: Vec<(Judgement, u32)> = (0..n).map(|seq| router.judge(seq)).collect();
        let count =
            |of: &dyn Fn(&Judgement) -> bool| said.iter().filter(|(one, _)| of(one)).count();
        assert!(is_near(count(&|one| one.hard), n, 0.3));
        // Hard and missed: 0.3 × 0.1; easy and sent to the large model: 0.7 × 0.1.
        assert!(is_near(count(&|one| one.hard && !one.judged_hard), n, 0.03));
        assert!(is_near(count(&|one| !one.hard && one.judged_hard), n, 0.07));
        assert!(
            said.iter()
                .all(|(one, lane)| *lane == u32::from(!one.judged_hard))
        );
    }
}
