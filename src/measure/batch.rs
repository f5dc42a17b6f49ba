//! What is counted of the batch jobs of one workload.

use super::histogram::LatencyHistogram;
use super::tally::TokenCounts;
use crate::units::Micros;

/// Jobs and records of one workload, or of several merged.
#[derive(Clone, Debug)]
pub struct BatchTally {
    /// Jobs submitted.
    pub jobs: u64,
    /// Of them, those that processed all of their records.
    pub completed_jobs: u64,
    /// Those that expired with some records processed.
    pub partial_jobs: u64,
    /// Those that expired with none.
    pub expired_jobs: u64,
    /// Input files.
    pub files: u64,
    /// Records submitted.
    pub records: u64,
    /// Records that completed after their deadline.
    pub late: u64,
    /// Records not processed when their job expired.
    pub expired: u64,
    /// Records with an error of their own.
    pub errors: u64,
    /// Records that never were enough for a job.
    pub too_few: u64,
    /// Tokens of completed records.
    pub tokens: TokenCounts,
    /// From the intended time of a completed record to the end of its job, with a millisecond in
    /// the place of a microsecond: the range of the histogram then ends at 41 days, not at an hour.
    pub completion: LatencyHistogram,
    /// From the first submission to the end of the last job; of the longest run if merged.
    pub makespan: Micros,
    /// Most jobs of the model that waited for a place.
    pub waiting_peak: u64,
    /// Most jobs of the model that were submitted or in progress.
    pub in_progress_peak: u64,
}

impl Default for BatchTally {
    fn default() -> Self {
        Self {
            jobs: 0,
            completed_jobs: 0,
            partial_jobs: 0,
            expired_jobs: 0,
            files: 0,
            records: 0,
            late: 0,
            expired: 0,
            errors: 0,
            too_few: 0,
            tokens: TokenCounts::default(),
            completion: LatencyHistogram::new(),
            makespan: Micros::ZERO,
            waiting_peak: 0,
            in_progress_peak: 0,
        }
    }
}

impl BatchTally {
    /// Counts a record that completed `after` its intended time.
    pub fn completed(&mut self, after: Micros) {
        self.completion.record(Micros(after.0 / 1000));
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        self.jobs += other.jobs;
        self.completed_jobs += other.completed_jobs;
        self.partial_jobs += other.partial_jobs;
        self.expired_jobs += other.expired_jobs;
        self.files += other.files;
        self.records += other.records;
        self.late += other.late;
        self.expired += other.expired;
        self.errors += other.errors;
        self.too_few += other.too_few;
        self.tokens.merge(&other.tokens);
        self.completion.merge(&other.completion);
        self.makespan = self.makespan.max(other.makespan);
        self.waiting_peak = self.waiting_peak.max(other.waiting_peak);
        self.in_progress_peak = self.in_progress_peak.max(other.in_progress_peak);
    }
}
