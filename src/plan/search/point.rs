//! One load, measured until it is clear whether it passes.

use super::{SearchOptions, Step};
use crate::domain::Slo;
use crate::load::source::Source;
use crate::load::spec::ArrivalSpec;
use crate::results::{Reading, attainment, readings};
use crate::sim::{RunMeasures, RunSetup, VariantMeasures, replication_seed, run};
use crate::stats::intervals::{Interval, log_mean_interval, mean_interval};
use crate::units::Moment;
use rayon::prelude::*;

/// Ends that each miss with 5 %: what passes, passes with 95 %.
const BOTH_ENDS: f64 = 0.9;
/// How often a point that is not decided is measured with twice as many runs: 1, 2, 4, 8, 16 times.
const ROUNDS: u32 = 5;
/// Requests after which a point is not measured any further.
const MOST_REQUESTS: u64 = 30_000_000;
/// Runs that are held in memory at once.
const BATCH: usize = 16;

/// A variant whose load can be set.
pub(in crate::plan) struct Subject<'a> {
    /// What it runs at the scenario's own load.
    pub setup: &'a RunSetup,
    /// What it has to meet.
    pub slo: &'a Slo,
    pub seed: u64,
    /// Its name, and what is tried with it, for progress.
    pub name: &'a str,
    pub trying: &'a str,
}

/// Whether a load passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Verdict {
    /// Every objective is met, and chance hardly made it so.
    Passes,
    /// One is missed, and chance hardly made it so.
    Fails,
    /// It was not decided within the runs allowed, and counts as a failure.
    Undecided,
}

/// One objective at a load.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::plan) struct Estimated {
    pub reading: Reading,
    /// Ends that each miss with 5 %.
    pub low: f64,
    pub high: f64,
}

/// A load as measured.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Measured {
    /// The load over the scenario's own.
    pub factor: f64,
    /// In requests per second.
    pub rps: f64,
    pub verdict: Verdict,
    pub objectives: Vec<Estimated>,
    /// The share of good requests with its ends.
    pub attainment: Option<Interval>,
    pub measures: VariantMeasures,
    /// What was run.
    pub setup: RunSetup,
}

impl Measured {
    pub(in crate::plan) fn passes(&self) -> bool {
        self.verdict == Verdict::Passes
    }

    /// The objectives that are not met for certain, the worst first: what was seen misses its bound.
    pub(in crate::plan) fn missed(&self) -> Vec<&Estimated> {
        let mut missed: Vec<&Estimated> = self
            .objectives
            .iter()
            .filter(|one| one.verdict() != Verdict::Passes)
            .collect();
        missed.sort_by_key(|one| {
            let seen = one.reading.seen;
            seen.is_none_or(|seen| one.reading.is_met_by(seen))
        });
        missed
    }
}

impl Estimated {
    /// Joins the spread over runs with the least that is uncertain of the pooled requests.
    fn of(reading: Reading, runs: &[Option<f64>]) -> Self {
        let values: Vec<f64> = runs.iter().copied().flatten().collect();
        let (mut low, mut high) = reading.ends;
        let infinite = values.iter().filter(|value| value.is_infinite()).count();
        if infinite > 0 {
            high = f64::INFINITY;
            if infinite == values.len() {
                low = f64::INFINITY;
            }
        } else {
            let over_runs = if reading.is_latency {
                log_mean_interval(&values, BOTH_ENDS)
            } else {
                mean_interval(&values, BOTH_ENDS)
            };
            if let Some(over_runs) = over_runs {
                low = low.min(over_runs.low);
                high = high.max(over_runs.high);
            }
        }
        if !reading.is_latency {
            (low, high) = (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0));
        }
        Self { reading, low, high }
    }

    pub(in crate::plan) fn verdict(&self) -> Verdict {
        // A latency that no request has cannot be missed.
        if self.reading.seen.is_none() && self.reading.is_latency {
            return Verdict::Passes;
        }
        let met = [self.low, self.high].map(|end| self.reading.is_met_by(end));
        match met {
            [true, true] => Verdict::Passes,
            [false, false] => Verdict::Fails,
            _ => Verdict::Undecided,
        }
    }
}

impl Subject<'_> {
    /// Requests per second at the scenario's own load; users of closed loops count as if answers took no
    /// time, and then `false` says that the rate has to be measured.
    pub(in crate::plan) fn rate(&self) -> (f64, bool) {
        let until = Moment::ZERO + self.setup.duration;
        let mut rate = 0.0;
        let mut is_open = true;
        for workload in &self.setup.workloads {
            is_open &= !matches!(workload.traffic.arrival, ArrivalSpec::Closed { .. });
            rate += Source::new(&workload.traffic, self.seed, &workload.name, until).mean_rate();
        }
        (rate, is_open)
    }

    /// The variant at another load, coupled to what it is at any load up to `ceiling`.
    fn at(&self, ceiling: f64, factor: f64) -> RunSetup {
        let mut setup = self.setup.clone();
        for workload in &mut setup.workloads {
            workload.traffic = workload.traffic.within(ceiling, factor);
        }
        setup
    }

    /// Measures a load, with more and more runs until it is decided.
    pub(in crate::plan) fn measure(
        &self,
        load: (f64, f64),
        own_rate: (f64, bool),
        options: &SearchOptions,
        watch: &(dyn Fn(&Step<'_>) + Sync),
    ) -> Measured {
        let step = Step {
            variant: self.name,
            trying: self.trying,
            rps: own_rate.0 * load.1,
        };
        let rounds = (options.seeds.max(1), ROUNDS);
        self.measure_in(rounds, load, own_rate, &|| watch(&step))
    }

    /// The same with so many seeds at first, and at most so many rounds; `done` is called after each run.
    pub(in crate::plan) fn measure_in(
        &self,
        (seeds, rounds): (u32, u32),
        (ceiling, factor): (f64, f64),
        own_rate: (f64, bool),
        done: &(impl Fn() + Sync),
    ) -> Measured {
        let setup = self.at(ceiling, factor);
        let mut runs = Runs::default();
        for round in 0..rounds {
            runs.extend(&setup, self, seeds << round, done);
            if runs.judge(self.slo).0 != Verdict::Undecided || runs.simulated() > MOST_REQUESTS {
                break;
            }
        }
        let (verdict, objectives) = runs.judge(self.slo);
        let attainment = runs.attainment();
        let measures = runs.total.expect("at least one seed was run");
        let rps = if own_rate.1 {
            own_rate.0 * factor
        } else {
            let offered = measures.overall().requests.offered as f64;
            offered / measures.measured_time().as_secs_f64().max(1e-6)
        };
        Measured {
            factor,
            rps,
            verdict,
            objectives,
            attainment,
            measures,
            setup,
        }
    }
}

/// The runs of one load so far.
#[derive(Default)]
struct Runs {
    total: Option<VariantMeasures>,
    /// What each objective read in each run.
    seen: Vec<Vec<Option<f64>>>,
    good: Vec<Option<f64>>,
}

impl Runs {
    /// Runs the seeds up to number `upto` that have not been run.
    fn extend(
        &mut self,
        setup: &RunSetup,
        subject: &Subject<'_>,
        upto: u32,
        done: &(impl Fn() + Sync),
    ) {
        let span = setup.duration - setup.warmup;
        let indices: Vec<u32> = (self.good.len() as u32..upto).collect();
        // Taken up batch by batch and in order, so that neither memory nor bytes depend on threads.
        for batch in indices.chunks(BATCH) {
            let runs: Vec<(u64, RunMeasures)> = batch
                .par_iter()
                .map(|&index| {
                    let seed = replication_seed(subject.seed, index);
                    let measures = run(setup, seed);
                    done();
                    (seed, measures)
                })
                .collect();
            for (seed, run) in runs {
                let readings = readings(subject.slo, &run.workloads);
                self.seen
                    .push(readings.into_iter().map(|one| one.seen).collect());
                self.good.push(attainment(&run.workloads).0);
                match &mut self.total {
                    Some(total) => total.add(seed, &run),
                    None => self.total = Some(VariantMeasures::of_one(seed, span, run)),
                }
            }
        }
    }

    fn simulated(&self) -> u64 {
        self.total.as_ref().map_or(0, |total| total.total.simulated)
    }

    fn judge(&self, slo: &Slo) -> (Verdict, Vec<Estimated>) {
        let Some(total) = &self.total else {
            return (Verdict::Undecided, Vec::new());
        };
        let objectives: Vec<Estimated> = readings(slo, &total.total.workloads)
            .into_iter()
            .enumerate()
            .map(|(index, reading)| {
                let runs: Vec<Option<f64>> = self.seen.iter().map(|run| run[index]).collect();
                Estimated::of(reading, &runs)
            })
            .collect();
        let all = |wanted: Verdict| objectives.iter().all(|one| one.verdict() == wanted);
        let verdict = if total.overall().requests.offered == 0 {
            Verdict::Undecided
        } else if all(Verdict::Passes) {
            Verdict::Passes
        } else if objectives.iter().any(|one| one.verdict() == Verdict::Fails) {
            Verdict::Fails
        } else {
            Verdict::Undecided
        };
        (verdict, objectives)
    }

    fn attainment(&self) -> Option<Interval> {
        let total = self.total.as_ref()?;
        let (seen, ends) = attainment(&total.total.workloads);
        let reading = Reading {
            name: String::new(),
            is_latency: false,
            bound: 0.0,
            at_least: true,
            seen,
            ends,
        };
        let Estimated { low, high, .. } = Estimated::of(reading, &self.good);
        Some(Interval {
            estimate: seen?,
            low,
            high,
        })
    }
}
