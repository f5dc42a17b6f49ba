//! Batch workloads in virtual time: arrivals into records, jobs into answers.
//!
//! They meet no quota and no client policy, so they run beside the engine and share nothing with it
//! but the seed.

use super::measures::RunMeasures;
use super::setup::{RunSetup, WorkloadSetup};
use crate::cost::Tariff;
use crate::domain::{Outcome, Usage};
use crate::load::context::Context;
use crate::load::source::{Arrival, OpenSource, Source};
use crate::load::thinking::ThinkingLaw;
use crate::measure::{BatchTally, Tally};
use crate::service::batch::{BatchJob, BatchQueue, BatchRecord, BatchSetup, JobState};
use crate::service::setup::TargetSetup;
use crate::units::{Micros, Moment};

/// A batch workload that runs.
struct Running<'a> {
    /// Its place among the workloads of the run.
    index: usize,
    target: &'a TargetSetup,
    tariff: Option<&'a Tariff>,
    deadline: Micros,
    thinking: Option<ThinkingLaw>,
    source: Option<OpenSource>,
    /// Tokens of cache points before the messages, which are input like any other here.
    points: u32,
    ahead: Option<Arrival>,
    first_submission: Option<Moment>,
    last_end: Moment,
}

/// Records in the system over time, for Little's law.
#[derive(Default)]
struct Balance {
    now: Moment,
    inside: u64,
    area: u128,
    sojourn: u128,
}

impl Balance {
    fn advance(&mut self, now: Moment) {
        self.area += u128::from(self.inside) * u128::from(now.since(self.now).0);
        self.now = now;
    }
}

/// Runs the batch workloads of a variant and adds what they did to `measures`.
///
/// # Panics
/// If a record ends twice or never: that is a bug of the program.
pub(super) fn run(setup: &RunSetup, seed: u64, measures: &mut RunMeasures) {
    let parts = setup.workloads.iter().zip(&setup.endpoint.targets);
    let (mut batches, mut setups) = (Vec::new(), Vec::new());
    for (index, (workload, target)) in parts.enumerate() {
        if let Some(batch) = &workload.batch {
            batches.push(running(index, workload, (target, batch), setup, seed));
            setups.push(batch.clone());
        }
    }
    if batches.is_empty() {
        return;
    }
    let mut queue = BatchQueue::new(&setups, seed);
    let mut balance = Balance::default();
    let measured_from = Moment::ZERO + setup.warmup;
    loop {
        let (arrives_at, next) = next_arrival(&batches);
        if arrives_at == Moment::NEVER {
            queue.finish();
        }
        let wakes_at = queue.next_wake().map(|at| at.max(balance.now));
        match wakes_at {
            // Ends come before beginnings.
            Some(at) if at <= arrives_at => {
                balance.advance(at);
                while let Some(job) = queue.poll(at) {
                    let batch = &mut batches[job.workload];
                    let tally = &mut measures.workloads[batch.index];
                    end(batch, &job, measured_from, (tally, &mut balance));
                }
            }
            _ if arrives_at < Moment::NEVER => {
                balance.advance(arrives_at);
                balance.inside += 1;
                measures.simulated += 1;
                let batch = &mut batches[next];
                let record = record(batch);
                if record.due >= measured_from {
                    measures.workloads[batch.index].requests.offered += 1;
                }
                queue.add(arrives_at, next, record);
            }
            _ => break,
        }
    }
    assert_eq!(balance.inside, 0, "a record of a batch never ended");
    assert_eq!(balance.area, balance.sojourn, "Little's law of batches");
    for (workload, batch) in batches.iter().enumerate() {
        let tally = &mut measures.workloads[batch.index];
        let requests = &tally.requests;
        assert_eq!(requests.offered, requests.ended(), "a record ends once");
        let peaks = queue.peaks(workload);
        let own = tally.batch.get_or_insert_default();
        own.waiting_peak = peaks.waiting;
        own.in_progress_peak = peaks.in_progress;
        let first = batch.first_submission.unwrap_or(batch.last_end);
        own.makespan = batch.last_end.since(first);
    }
}

fn running<'a>(
    index: usize,
    workload: &'a WorkloadSetup,
    (target, batch): (&'a TargetSetup, &BatchSetup),
    setup: &RunSetup,
    seed: u64,
) -> Running<'a> {
    let until = Moment::ZERO + setup.duration;
    let source = Source::new(&workload.traffic, seed, &workload.name, until);
    let points = source.context().map_or(0, Context::tokens);
    let mut source = match source {
        Source::Open(open) => Some(open),
        // Users who wait for their answers make no batches; scenarios refuse them.
        Source::Closed(_) | Source::Sessions(_) => None,
    };
    Running {
        index,
        target,
        tariff: workload.tariffs.first().map(|(_, tariff)| tariff),
        deadline: batch.spec.deadline,
        thinking: workload
            .thinking
            .as_ref()
            .map(|spec| ThinkingLaw::new(spec, seed, &workload.name)),
        points,
        ahead: source.as_mut().and_then(Iterator::next),
        source,
        first_submission: None,
        last_end: Moment::ZERO,
    }
}

fn next_arrival(batches: &[Running<'_>]) -> (Moment, usize) {
    let mut next = (Moment::NEVER, 0);
    for (index, batch) in batches.iter().enumerate() {
        if let Some(arrival) = &batch.ahead
            && arrival.at < next.0
        {
            next = (arrival.at, index);
        }
    }
    next
}

/// The arrival in hand as a record: a batch has no cache, so all of the prompt is plain input.
fn record(batch: &mut Running<'_>) -> BatchRecord {
    let arrival = batch.ahead.take();
    batch.ahead = batch.source.as_mut().and_then(Iterator::next);
    let arrival = arrival.expect("it was the next one");
    let prefix = arrival.prefix.len.saturating_mul(batch.target.block_tokens);
    let output = match &batch.thinking {
        None => arrival.output,
        Some(law) => law.draw(arrival.seq, arrival.output).0,
    };
    BatchRecord {
        due: arrival.at,
        usage: Usage {
            input: arrival
                .input
                .saturating_add(prefix)
                .saturating_add(batch.points),
            output: output.min(batch.target.max_tokens),
            ..Usage::default()
        },
        truncated: output > batch.target.max_tokens,
    }
}

/// Counts the end of a job, record by record.
fn end(
    batch: &mut Running<'_>,
    job: &BatchJob,
    measured_from: Moment,
    (tally, balance): (&mut Tally, &mut Balance),
) {
    let at = job.ended_at;
    let is_submitted = job.state != JobState::TooSmall;
    if is_submitted {
        let first = batch.first_submission.unwrap_or(job.submitted_at);
        batch.first_submission = Some(first.min(job.submitted_at));
        batch.last_end = batch.last_end.max(at);
    }
    let mut measured = 0;
    for (index, record) in job.records.iter().enumerate() {
        balance.inside -= 1;
        balance.sojourn += u128::from(balance.now.since(record.due).0);
        if record.due < measured_from {
            continue;
        }
        measured += 1;
        let outcome = if is_submitted {
            tally.attempts.sent += 1;
            tally.attempts.sent_by_number[0] += 1;
            submitted(batch, record, (index < job.processed, at), tally)
        } else {
            tally.batch.get_or_insert_default().too_few += 1;
            Outcome::NotSent
        };
        tally.requests.end(outcome);
    }
    if measured > 0 && is_submitted {
        count(job, tally.batch.get_or_insert_default());
        tally.batch.get_or_insert_default().records += measured;
    }
}

fn count(job: &BatchJob, own: &mut BatchTally) {
    own.jobs += 1;
    own.files += u64::from(job.files);
    *match job.state {
        JobState::Completed | JobState::TooSmall => &mut own.completed_jobs,
        JobState::PartiallyCompleted => &mut own.partial_jobs,
        JobState::Expired => &mut own.expired_jobs,
    } += 1;
}

/// Counts the end of a record of a job that was submitted.
fn submitted(
    batch: &Running<'_>,
    record: &BatchRecord,
    (is_processed, at): (bool, Moment),
    tally: &mut Tally,
) -> Outcome {
    let own = tally.batch.get_or_insert_default();
    if !is_processed {
        own.expired += 1;
        tally.attempts.failed += 1;
        return Outcome::Failed;
    }
    // The service answers such a record with an error, and bills nothing.
    if record.usage.prompt() > batch.target.max_input {
        own.errors += 1;
        tally.attempts.failed += 1;
        return Outcome::Failed;
    }
    let after = at.since(record.due);
    own.completed(after);
    own.tokens.add(record.usage);
    let is_late = after > batch.deadline;
    own.late += u64::from(is_late);
    tally.good += u64::from(!is_late);
    tally.attempts.answered_by_number[0] += 1;
    tally.truncated += u64::from(record.truncated);
    tally.tokens.add(record.usage);
    if let Some(tariff) = batch.tariff {
        tally.ledger.add_batch(tariff.charge(record.usage));
    }
    Outcome::Completed
}

#[cfg(test)]
mod tests;
