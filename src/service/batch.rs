//! Batch inference: records collected into jobs, and a queue of jobs.
//!
//! Records never touch the on-demand quota. A job takes at least 100 records, and so many jobs of a
//! model are submitted or in progress at a time (Bedrock endpoints and quotas); the others wait.
//! Outputs appear when the whole job ends. How long that takes is published nowhere: it is a law
//! from submission to the end, and an optional throughput that the jobs of a model share in turn.

use crate::domain::Usage;
use crate::rng::Keyed;
use crate::units::{Micros, Moment};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// How the requests of a workload become jobs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchSpec {
    /// A job is closed at least this often, at multiples of this span.
    pub every: Micros,
    /// The least records of a job; documented. A smaller one waits for more.
    pub min_records: u32,
    /// The most records of a job; the quota names the same number for a file.
    pub max_records: u32,
    /// The most bytes of an input file; a larger job has several.
    pub file_bytes: u64,
    /// The most bytes of all input files of a job.
    pub job_bytes: u64,
    /// Jobs of the model that are submitted or in progress at a time.
    pub jobs: u32,
    /// After this time a job expires; what it has processed by then is kept, and paid for.
    pub timeout: Micros,
    /// Time from submission to the end that half of the jobs keep. An assumption.
    pub completion_p50: Micros,
    /// The same that 99 % keep. Between them the law is lognormal.
    pub completion_p99: Micros,
    /// Tokens per second that the jobs of the model get together, in turn; `None` is no bound.
    pub tokens_per_s: Option<f64>,
    /// A record that is answered later than this after its intended time is late.
    pub deadline: Micros,
}

/// The batch side of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchSetup {
    /// The workload's name, which names its draws.
    pub name: String,
    /// The model, whose queue it shares with other workloads.
    pub model: String,
    /// How its requests become jobs.
    pub spec: BatchSpec,
    /// Bytes of text per token, for the limits on files.
    pub bytes_per_token: f64,
}

/// One record of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRecord {
    /// When the request was due.
    pub due: Moment,
    /// Its tokens; a batch has no cache, so a prefix is plain input.
    pub usage: Usage,
    /// Whether `max_tokens` cuts its answer short.
    pub truncated: bool,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// All records are processed.
    Completed,
    /// It expired with some records processed.
    PartiallyCompleted,
    /// It expired with none.
    Expired,
    /// It never had enough records to be submitted.
    TooSmall,
}

/// A job from its first record to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchJob {
    /// The workload, an index into the setups of the queue.
    pub workload: usize,
    /// Its number among the jobs of the workload.
    pub number: u64,
    /// Its records in order of arrival.
    pub records: Vec<BatchRecord>,
    /// Estimated bytes of its input.
    pub bytes: u64,
    /// Input files that these bytes fill.
    pub files: u32,
    /// When it was submitted; for one that is too small, when that was known.
    pub submitted_at: Moment,
    /// When it ended.
    pub ended_at: Moment,
    /// Records processed, the first ones.
    pub processed: usize,
    /// How it ended.
    pub state: JobState,
}

/// What a record needs around its prompt in JSON. Assumed.
const RECORD_BYTES: u64 = 200;
/// The standard normal quantile of 99 %.
const Z_P99: f64 = 2.326_347_874_040_841;

/// Records that gather for the next job of a workload.
#[derive(Clone, Debug, Default)]
struct Gathering {
    records: Vec<BatchRecord>,
    bytes: u64,
    /// Bytes of the file that is being filled, and the files before it.
    file: (u64, u32),
    closes_at: Moment,
    jobs: u64,
}

/// The jobs of one model.
#[derive(Clone, Debug, Default)]
struct ModelQueue {
    model: String,
    waiting: VecDeque<BatchJob>,
    running: u32,
    /// When the shared throughput has worked off all that was submitted.
    free_at: Moment,
}

/// What the queue of a workload's model has seen at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchPeaks {
    /// Jobs closed and not yet submitted.
    pub waiting: u64,
    /// Jobs submitted or in progress.
    pub in_progress: u64,
}

/// The batch side of the service: workloads that gather records, and the queues of their models.
#[derive(Clone, Debug)]
pub struct BatchQueue {
    setups: Vec<BatchSetup>,
    draws: Vec<Keyed>,
    gathering: Vec<Gathering>,
    models: Vec<ModelQueue>,
    /// The queue of each workload.
    model_of: Vec<usize>,
    peaks: Vec<BatchPeaks>,
    /// Ends of jobs in progress, and where each job is kept.
    ends: BinaryHeap<Reverse<(Moment, u64, usize)>>,
    running: Vec<Option<BatchJob>>,
    vacant: Vec<usize>,
    submissions: u64,
    over: bool,
}

impl BatchQueue {
    /// Empty queues for workloads with these setups.
    pub fn new(setups: &[BatchSetup], seed: u64) -> Self {
        let mut models: Vec<ModelQueue> = Vec::new();
        let model_of = setups
            .iter()
            .map(|setup| {
                let known = models.iter().position(|queue| queue.model == setup.model);
                known.unwrap_or_else(|| {
                    models.push(ModelQueue {
                        model: setup.model.clone(),
                        ..ModelQueue::default()
                    });
                    models.len() - 1
                })
            })
            .collect();
        let draws = setups.iter();
        let draws = draws.map(|setup| Keyed::new(seed, &format!("{}/batch", setup.name)));
        Self {
            draws: draws.collect(),
            gathering: vec![Gathering::default(); setups.len()],
            peaks: vec![BatchPeaks::default(); models.len()],
            models,
            model_of,
            setups: setups.to_vec(),
            ends: BinaryHeap::new(),
            running: Vec::new(),
            vacant: Vec::new(),
            submissions: 0,
            over: false,
        }
    }

    /// Adds a record that comes at `now` to the next job of `workload`.
    pub fn add(&mut self, now: Moment, workload: usize, record: BatchRecord) {
        let setup = &self.setups[workload];
        let spec = setup.spec;
        let text = record.usage.prompt() as f64 * setup.bytes_per_token;
        let bytes = (text as u64).saturating_add(RECORD_BYTES);
        // One that does not fit into the job in hand goes to the next.
        if !self.gathering[workload].records.is_empty()
            && self.gathering[workload].bytes.saturating_add(bytes) > spec.job_bytes
        {
            self.close(now, workload);
        }
        let gathering = &mut self.gathering[workload];
        if gathering.records.is_empty() {
            gathering.closes_at = Moment((now.0 / spec.every.0 + 1) * spec.every.0);
            gathering.file = (0, 1);
        }
        if gathering.file.0 > 0 && gathering.file.0.saturating_add(bytes) > spec.file_bytes {
            gathering.file = (0, gathering.file.1 + 1);
        }
        gathering.file.0 += bytes;
        gathering.bytes += bytes;
        gathering.records.push(record);
        let records = gathering.records.len();
        let overdue = now >= gathering.closes_at && records >= spec.min_records as usize;
        if overdue || records >= spec.max_records as usize {
            self.close(now, workload);
        }
    }

    /// No more records come; what has gathered is submitted when its time comes, or is too small.
    pub fn finish(&mut self) {
        self.over = true;
    }

    /// When something happens next without another record.
    pub fn next_wake(&self) -> Option<Moment> {
        let closes = (0..self.gathering.len()).filter_map(|workload| self.closes_at(workload));
        let ends = self.ends.peek().map(|Reverse((at, ..))| *at);
        closes.chain(ends).min()
    }

    /// Takes out a job that has ended by `now`.
    pub fn poll(&mut self, now: Moment) -> Option<BatchJob> {
        loop {
            let closing = (0..self.gathering.len())
                .filter_map(|workload| Some((self.closes_at(workload)?, workload)))
                .min();
            let ending = self.ends.peek().map(|Reverse((at, ..))| *at);
            // Ends come first: they make room for the jobs that are submitted at the same moment.
            match (closing, ending) {
                (_, Some(at)) if at <= now && closing.is_none_or(|(closes, _)| at <= closes) => {
                    return self.end(at);
                }
                (Some((at, workload)), _) if at <= now => {
                    let least = self.setups[workload].spec.min_records as usize;
                    if self.gathering[workload].records.len() < least {
                        return Some(self.too_small(now, workload));
                    }
                    self.close(at, workload);
                }
                _ => return None,
            }
        }
    }

    /// What the queue of a workload's model has seen.
    pub fn peaks(&self, workload: usize) -> BatchPeaks {
        self.peaks[self.model_of[workload]]
    }

    /// When the records that gather for a workload are due as a job; one that is too small waits.
    fn closes_at(&self, workload: usize) -> Option<Moment> {
        let gathering = &self.gathering[workload];
        let records = gathering.records.len();
        let enough = records >= self.setups[workload].spec.min_records as usize;
        (records > 0 && (enough || self.over)).then_some(gathering.closes_at)
    }

    fn take(&mut self, workload: usize) -> BatchJob {
        let gathering = &mut self.gathering[workload];
        let jobs = gathering.jobs;
        let taken = std::mem::take(gathering);
        self.gathering[workload].jobs = jobs + 1;
        BatchJob {
            workload,
            number: jobs,
            records: taken.records,
            bytes: taken.bytes,
            files: taken.file.1,
            submitted_at: Moment::ZERO,
            ended_at: Moment::ZERO,
            processed: 0,
            state: JobState::Completed,
        }
    }

    fn too_small(&mut self, now: Moment, workload: usize) -> BatchJob {
        let job = self.take(workload);
        BatchJob {
            submitted_at: now,
            ended_at: now,
            state: JobState::TooSmall,
            ..job
        }
    }

    fn close(&mut self, now: Moment, workload: usize) {
        let job = self.take(workload);
        let model = self.model_of[workload];
        self.models[model].waiting.push_back(job);
        self.submit(now, model);
        let waiting = self.models[model].waiting.len() as u64;
        self.peaks[model].waiting = self.peaks[model].waiting.max(waiting);
    }

    /// Submits waiting jobs of a model while there is room.
    fn submit(&mut self, now: Moment, model: usize) {
        loop {
            let queue = &mut self.models[model];
            let room = |job: &BatchJob| queue.running < self.setups[job.workload].spec.jobs;
            if !queue.waiting.front().is_some_and(room) {
                return;
            }
            let Some(mut job) = queue.waiting.pop_front() else {
                return;
            };
            queue.running += 1;
            let running = u64::from(queue.running);
            self.peaks[model].in_progress = self.peaks[model].in_progress.max(running);
            self.schedule(now, model, &mut job);
            self.submissions += 1;
            let at = job.ended_at;
            let place = self.vacant.pop().unwrap_or_else(|| {
                self.running.push(None);
                self.running.len() - 1
            });
            self.running[place] = Some(job);
            self.ends.push(Reverse((at, self.submissions, place)));
        }
    }

    /// When a job that is submitted at `now` ends, and how far it comes.
    fn schedule(&mut self, now: Moment, model: usize, job: &mut BatchJob) {
        let spec = self.setups[job.workload].spec;
        let z = self.draws[job.workload].normal(job.number);
        let (p50, p99) = (
            spec.completion_p50.as_secs_f64(),
            spec.completion_p99.as_secs_f64(),
        );
        let sigma = (p99 / p50).ln() / Z_P99;
        let mut done_at = now + Micros::from_secs_f64(p50 * (sigma * z).exp());
        // Without a bound records are processed evenly from the submission to the end.
        let mut begins_at = now;
        let expires_at = now + spec.timeout;
        if let Some(per_s) = spec.tokens_per_s {
            let tokens = |record: &BatchRecord| {
                record.usage.prompt() as f64 + f64::from(record.usage.output)
            };
            let work: f64 = job.records.iter().map(tokens).sum();
            let free_at = &mut self.models[model].free_at;
            let starts_at = (*free_at).max(now);
            let worked_off_at = starts_at + Micros::from_secs_f64(work / per_s);
            if worked_off_at > done_at {
                (begins_at, done_at) = (starts_at, worked_off_at);
            }
            // A job that expires leaves the rest of its share to the next.
            *free_at = worked_off_at.min(expires_at.max(starts_at));
        }
        let records = job.records.len();
        job.submitted_at = now;
        job.ended_at = done_at.min(expires_at);
        (job.processed, job.state) = if done_at <= expires_at {
            (records, JobState::Completed)
        } else {
            let whole = done_at.since(begins_at).as_secs_f64();
            let share = expires_at.since(begins_at).as_secs_f64() / whole;
            match (records as f64 * share) as usize {
                0 => (0, JobState::Expired),
                some => (some.min(records), JobState::PartiallyCompleted),
            }
        };
    }

    fn end(&mut self, at: Moment) -> Option<BatchJob> {
        let Reverse((_, _, place)) = self.ends.pop()?;
        let job = self.running[place].take()?;
        self.vacant.push(place);
        let model = self.model_of[job.workload];
        self.models[model].running -= 1;
        self.submit(at, model);
        Some(job)
    }
}

#[cfg(test)]
mod tests;
