//! Which policy is better, criterion by criterion, and whether that is more than noise.
//!
//! Policies meet the same requests, so that their differences are taken run by run and averaged: the
//! noise that they share cancels (common random numbers; Law, *Simulation Modeling and Analysis*, 11.2).
//! Policies that a criterion cannot tell apart go on to the next one.

use crate::stats::intervals::{Interval, mean_interval};
use std::cmp::Ordering;

/// What one run of a policy is ranked by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Whether it came back after the spike.
    pub comes_back: bool,
    /// Good requests per second.
    pub goodput: f64,
    /// 99th percentile of the time to the last token in seconds; infinite if never.
    pub p99: f64,
    /// Attempts over requests.
    pub amplification: f64,
}

/// What tells two policies apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// One comes back after the spike, the other does not.
    ComesBack,
    /// Goodput under the SLO.
    Goodput,
    /// The 99th percentile over all requests.
    P99,
    /// Attempts over requests.
    Amplification,
}

impl Criterion {
    /// In the order in which they decide.
    const ALL: [Self; 4] = [
        Self::ComesBack,
        Self::Goodput,
        Self::P99,
        Self::Amplification,
    ];

    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::ComesBack => "comes_back",
            Self::Goodput => "goodput",
            Self::P99 => "p99",
            Self::Amplification => "amplification",
        }
    }

    /// Its value, better if larger.
    fn value(self, score: &Score) -> f64 {
        match self {
            Self::ComesBack => f64::from(u8::from(score.comes_back)),
            Self::Goodput => score.goodput,
            // On a logarithm differences are ratios; a wait without end is longer than any other.
            Self::P99 => -score.p99.clamp(1e-6, 1e9).ln(),
            Self::Amplification => -score.amplification,
        }
    }

    /// Differences below this are of no interest to anyone, however sure.
    fn even(self, larger: f64) -> f64 {
        match self {
            Self::ComesBack => 0.5,
            Self::Goodput => 5e-3 * larger.abs(),
            Self::P99 | Self::Amplification => 1e-2,
        }
    }
}

/// A policy in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Which policy.
    pub index: usize,
    /// What tells it from the one before; `None` if it is the first, or nothing does.
    pub behind_by: Option<Criterion>,
    /// By how much the goodput of the one before is larger; `None` for the first, and below two runs.
    pub goodput_behind: Option<Interval>,
    /// Its place, from 1, in each single run.
    pub ranks: Vec<u32>,
}

impl Placed {
    /// The share of runs in which it has the place `rank`.
    pub fn stability(&self, rank: u32) -> f64 {
        let same = self.ranks.iter().filter(|one| **one == rank).count();
        same as f64 / self.ranks.len().max(1) as f64
    }
}

/// The policies from best to worst. Each has one score for each run, in the same order of seeds, and a
/// verdict over all of them: whether it comes back.
///
/// # Panics
/// If the policies have different numbers of scores.
pub fn rank(policies: &[(bool, Vec<Score>)]) -> Vec<Placed> {
    let runs = policies.first().map_or(0, |(_, scores)| scores.len());
    let pooled: Vec<Vec<Score>> = policies
        .iter()
        .map(|(comes_back, scores)| {
            let of_all = |score: &Score| Score {
                comes_back: *comes_back,
                ..*score
            };
            scores.iter().map(of_all).collect()
        })
        .collect();
    let order = ordered(&pooled);
    let mut placed: Vec<Placed> = order
        .iter()
        .map(|&(index, behind_by)| Placed {
            index,
            behind_by,
            goodput_behind: None,
            ranks: vec![0; runs],
        })
        .collect();
    for run in 0..runs {
        let single: Vec<Vec<Score>> = policies.iter().map(|(_, all)| vec![all[run]]).collect();
        for ((index, _), place) in ordered(&single).into_iter().zip(1..) {
            let own = placed.iter_mut().find(|one| one.index == index);
            own.expect("every policy has a place").ranks[run] = place;
        }
    }
    for at in 1..placed.len() {
        let (ahead, own) = (placed[at - 1].index, placed[at].index);
        let behind = differences(&pooled[ahead], &pooled[own], Criterion::Goodput);
        placed[at].goodput_behind = mean_interval(&behind, 0.95);
    }
    placed
}

fn ordered(policies: &[Vec<Score>]) -> Vec<(usize, Option<Criterion>)> {
    let mut out = Vec::with_capacity(policies.len());
    let all: Vec<usize> = (0..policies.len()).collect();
    sort(policies, all, &Criterion::ALL, &mut out);
    out
}

/// Puts `group` in order by the first criterion; whom it cannot tell from the best of those that are
/// left goes with it to the next.
fn sort(
    policies: &[Vec<Score>],
    mut group: Vec<usize>,
    criteria: &[Criterion],
    out: &mut Vec<(usize, Option<Criterion>)>,
) {
    let Some((&criterion, rest)) = criteria.split_first() else {
        out.extend(group.into_iter().map(|index| (index, None)));
        return;
    };
    let mean = |index: usize| {
        let scores = &policies[index];
        scores.iter().map(|one| criterion.value(one)).sum::<f64>() / scores.len().max(1) as f64
    };
    // The sort is stable: policies that are equal stay in the order of the scenario.
    group.sort_by(|&a, &b| mean(b).partial_cmp(&mean(a)).unwrap_or(Ordering::Equal));
    let mut first = true;
    while let Some(&leader) = group.first() {
        let (alike, others): (Vec<usize>, Vec<usize>) = group.iter().partition(|&&one| {
            one == leader || is_even(&policies[leader], &policies[one], criterion)
        });
        let start = out.len();
        // Within the group the order of the scenario decides what nothing else does.
        let mut alike = alike;
        alike.sort_unstable();
        sort(policies, alike, rest, out);
        if !first {
            out[start].1 = Some(criterion);
        }
        first = false;
        group = others;
    }
}

fn differences(ahead: &[Score], behind: &[Score], criterion: Criterion) -> Vec<f64> {
    ahead
        .iter()
        .zip(behind)
        .map(|(a, b)| criterion.value(a) - criterion.value(b))
        .collect()
}

fn is_even(ahead: &[Score], behind: &[Score], criterion: Criterion) -> bool {
    let differences = differences(ahead, behind, criterion);
    let count = differences.len().max(1) as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let larger = ahead.iter().map(|one| criterion.value(one)).sum::<f64>() / count;
    mean.abs() <= criterion.even(larger)
        || mean_interval(&differences, 0.95).is_some_and(|interval| interval.contains(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn score(goodput: f64, p99: f64, amplification: f64) -> Score {
        Score {
            comes_back: true,
            goodput,
            p99,
            amplification,
        }
    }

    fn names(placed: &[Placed]) -> Vec<(usize, Option<Criterion>)> {
        placed
            .iter()
            .map(|one| (one.index, one.behind_by))
            .collect()
    }

    #[test]
    fn goodput_decides_then_the_tail_then_the_attempts() {
        use Criterion::{Amplification, ComesBack, Goodput, P99};
        let noisy = |offset: f64| [10.0 + offset, 11.0 + offset, 12.0 + offset];
        let policy = |goodput: [f64; 3], p99: f64, amplification: f64| {
            let scores = goodput.map(|good| score(good, p99, amplification));
            (true, scores.to_vec())
        };
        let placed = rank(&[
            policy(noisy(0.0), 9.0, 1.0),
            policy(noisy(0.0), 5.0, 1.4),
            policy(noisy(0.0), 5.0, 1.2),
            policy(noisy(3.0), f64::INFINITY, 3.0),
            (false, vec![score(99.0, 1.0, 1.0); 3]),
            policy(noisy(0.0), 5.0, 1.2),
        ]);
        let want = [
            (3, None),
            (2, Some(Goodput)),
            (5, None),
            (1, Some(Amplification)),
            (0, Some(P99)),
            (4, Some(ComesBack)),
        ];
        assert_eq!(names(&placed), want);
        // The common noise of one request a second between runs has cancelled.
        let behind = placed[1].goodput_behind.unwrap();
        assert!((behind.estimate - 3.0).abs() < 1e-9 && behind.high - behind.low < 1e-9);
        let stable: Vec<f64> = placed
            .iter()
            .zip(1..)
            .map(|(one, at)| one.stability(at))
            .collect();
        // In single runs the one that came back in each is first; none other moves against the rest.
        assert!(stable.iter().all(|share| *share < 1e-9), "{stable:?}");
        assert_eq!(placed[5].ranks, [1; 3]);
    }

    #[test]
    fn what_differs_by_noise_only_is_even() {
        let a = [10.0, 12.0, 11.0, 9.0].map(|good| score(good, 1.0, 1.0));
        let b = [10.4, 11.7, 11.2, 8.9].map(|good| score(good, 1.0, 1.0));
        let placed = rank(&[(true, a.to_vec()), (true, b.to_vec())]);
        assert_eq!(names(&placed), [(0, None), (1, None)]);
        let behind = placed[1].goodput_behind.unwrap();
        assert!(behind.contains(0.0));
    }

    proptest! {
        #[test]
        fn every_policy_has_one_place_in_each_run(
            scores in prop::collection::vec(
                (any::<bool>(), prop::collection::vec((0.0f64..100.0, 0.1f64..100.0, 1.0f64..9.0), 3)), 1..8),
        ) {
            let policies: Vec<(bool, Vec<Score>)> = scores
                .iter()
                .map(|(back, runs)| (*back, runs.iter().map(|&(g, p, a)| score(g, p, a)).collect()))
                .collect();
            let placed = rank(&policies);
            for run in 0..3 {
                let mut places: Vec<u32> = placed.iter().map(|one| one.ranks[run]).collect();
                places.sort_unstable();
                prop_assert!(places.iter().zip(1..).all(|(a, b)| *a == b));
            }
            // Whoever does not come back is behind all who do.
            let back: Vec<bool> = placed.iter().map(|one| policies[one.index].0).collect();
            prop_assert!(back.windows(2).all(|two| two[0] || !two[1]));
        }
    }
}
