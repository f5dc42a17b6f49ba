//! The queue of jobs: its rules one by one, and all of them against a slow reference.

use super::*;
use proptest::prelude::*;

const HOUR: Micros = Micros::HOUR;

fn spec() -> BatchSpec {
    BatchSpec {
        every: HOUR,
        min_records: 3,
        max_records: 5,
        file_bytes: 1_000_000,
        job_bytes: 5_000_000,
        jobs: 2,
        timeout: Micros(24 * HOUR.0),
        completion_p50: Micros(2 * HOUR.0),
        completion_p99: Micros(2 * HOUR.0),
        tokens_per_s: None,
        deadline: Micros(24 * HOUR.0),
    }
}

fn setup(spec: BatchSpec) -> BatchSetup {
    BatchSetup {
        name: "w".into(),
        model: "m".into(),
        spec,
        bytes_per_token: 4.0,
    }
}

fn record(due: Moment) -> BatchRecord {
    BatchRecord {
        due,
        usage: Usage {
            input: 800,
            output: 200,
            ..Usage::default()
        },
        truncated: false,
    }
}

/// A moment so many hours after the start.
fn at(hours: f64) -> Moment {
    Moment::ZERO + Micros::from_secs_f64(hours * 3600.0)
}

/// Runs arrivals, in order, through a queue to its end.
fn run(spec: BatchSpec, arrivals: &[Moment]) -> (Vec<BatchJob>, BatchPeaks) {
    let mut queue = BatchQueue::new(&[setup(spec)], 7);
    let mut jobs = Vec::new();
    let mut now = Moment::ZERO;
    let mut until = |queue: &mut BatchQueue, end: Moment| {
        while let Some(at) = queue.next_wake().filter(|&at| at <= end) {
            now = now.max(at);
            while let Some(job) = queue.poll(now) {
                jobs.push(job);
            }
        }
        now = now.max(end.min(Moment(u64::MAX / 2)));
    };
    for &arrival in arrivals {
        until(&mut queue, arrival);
        queue.add(arrival, 0, record(arrival));
    }
    queue.finish();
    until(&mut queue, Moment::NEVER);
    let peaks = queue.peaks(0);
    (jobs, peaks)
}

#[test]
fn a_job_is_submitted_at_the_next_multiple_of_its_span() {
    let (jobs, _) = run(spec(), &[at(0.1), at(0.2), at(0.9), at(1.0)]);
    // The record that comes at the hour itself belongs to the next job, and is too small for one.
    let times: Vec<_> = jobs
        .iter()
        .map(|job| (job.state, job.records.len(), job.submitted_at, job.ended_at))
        .collect();
    assert_eq!(
        times,
        [
            (JobState::TooSmall, 1, at(2.0), at(2.0)),
            (JobState::Completed, 3, at(1.0), at(3.0)),
        ]
    );
}

#[test]
fn a_small_job_waits_for_its_least_records_and_a_full_one_goes_at_once() {
    let (jobs, _) = run(spec(), &[at(0.5), at(0.6), at(4.25)]);
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].submitted_at, at(4.25));
    let full: Vec<Moment> = (1u32..=5).map(|i| at(0.1 * f64::from(i))).collect();
    let (jobs, _) = run(spec(), &full);
    assert_eq!((jobs[0].submitted_at, jobs[0].records.len()), (at(0.5), 5));
}

#[test]
fn jobs_beyond_the_limit_wait_for_an_end() {
    let arrivals: Vec<Moment> = (0u32..20).map(|i| at(f64::from(i) / 1000.0)).collect();
    let (jobs, peaks) = run(spec(), &arrivals);
    let submitted: Vec<Moment> = jobs.iter().map(|job| job.submitted_at).collect();
    // Four full jobs: two at once, and two when those end.
    let first = [at(0.004), at(0.009)];
    let two_hours = Micros(2 * HOUR.0);
    assert_eq!(
        submitted,
        [
            first[0],
            first[1],
            first[0] + two_hours,
            first[1] + two_hours
        ]
    );
    assert_eq!((peaks.waiting, peaks.in_progress), (2, 2));
}

#[test]
fn files_and_jobs_are_cut_at_their_bytes() {
    // 800 tokens of four bytes and what JSON needs: 3,400 bytes.
    let small = BatchSpec {
        max_records: 1000,
        file_bytes: 7_000,
        job_bytes: 14_000,
        ..spec()
    };
    let arrivals: Vec<Moment> = (0..9).map(|i| Moment(i * 1000)).collect();
    let (jobs, _) = run(small, &arrivals);
    let sizes: Vec<_> = jobs
        .iter()
        .map(|job| (job.records.len(), job.files))
        .collect();
    // Four fit into a job, two into a file; the ninth is too few for a job.
    assert_eq!(sizes, [(1, 1), (4, 2), (4, 2)]);
    assert_eq!(jobs[1].bytes, 4 * 3_400);
}

#[test]
fn a_job_that_takes_too_long_expires_with_what_it_has() {
    let slow = |hours: u64| BatchSpec {
        completion_p50: Micros(hours * HOUR.0),
        completion_p99: Micros(hours * HOUR.0),
        ..spec()
    };
    let five: Vec<Moment> = (0..5).map(Moment).collect();
    let check = |hours, state, processed| {
        let (jobs, _) = run(slow(hours), &five);
        let job = &jobs[0];
        assert_eq!((job.state, job.processed), (state, processed), "{hours} h");
        assert_eq!(
            job.ended_at,
            job.submitted_at + Micros(hours.min(24) * HOUR.0)
        );
    };
    check(24, JobState::Completed, 5);
    check(40, JobState::PartiallyCompleted, 3);
    check(121, JobState::Expired, 0);
}

#[test]
fn a_throughput_is_shared_in_turn() {
    // A job of five records has 5,000 tokens: 5,000 s at one token a second.
    let bound = BatchSpec {
        tokens_per_s: Some(1.0),
        completion_p50: Micros(1),
        completion_p99: Micros(1),
        ..spec()
    };
    let arrivals: Vec<Moment> = (0..10).map(Moment).collect();
    let (jobs, _) = run(bound, &arrivals);
    let ends: Vec<f64> = jobs.iter().map(|job| job.ended_at.as_secs_f64()).collect();
    assert!((ends[0] - 5_000.0).abs() < 1e-3 && (ends[1] - 10_000.0).abs() < 1e-3);
    // Far beyond the timeout both expire, the second without its turn.
    let slower = BatchSpec {
        tokens_per_s: Some(0.01),
        ..bound
    };
    let (jobs, _) = run(slower, &arrivals);
    let ended: Vec<_> = jobs.iter().map(|job| (job.state, job.processed)).collect();
    // 500,000 s are needed and 86,400 s are there: 17 % of five records are none whole.
    assert_eq!(ended, [(JobState::Expired, 0), (JobState::Expired, 0)]);
}

#[test]
fn completion_follows_its_law() {
    let law = BatchSpec {
        min_records: 1,
        max_records: 1,
        jobs: 1_000_000,
        timeout: Micros(168 * HOUR.0),
        completion_p99: Micros(20 * HOUR.0),
        ..spec()
    };
    let arrivals: Vec<Moment> = (0..20_000).map(Moment).collect();
    let (jobs, _) = run(law, &arrivals);
    let mut hours: Vec<f64> = jobs
        .iter()
        .map(|job| job.ended_at.since(job.submitted_at).as_secs_f64() / 3600.0)
        .collect();
    hours.sort_by(f64::total_cmp);
    // 20,000 draws of a lognormal: 3 % at the median, 8 % at the 99th percentile.
    assert!(
        (hours[10_000] / 2.0 - 1.0).abs() < 0.03,
        "{}",
        hours[10_000]
    );
    assert!(
        (hours[19_800] / 20.0 - 1.0).abs() < 0.08,
        "{}",
        hours[19_800]
    );
}

#[test]
fn workloads_of_one_model_share_its_places() {
    let one = BatchSpec { jobs: 1, ..spec() };
    let other = |name: &str, model: &str| BatchSetup {
        name: name.into(),
        model: model.into(),
        ..setup(one)
    };
    let setups = [other("a", "m"), other("b", "m"), other("c", "n")];
    let mut queue = BatchQueue::new(&setups, 7);
    for workload in 0..3 {
        for i in 0..5 {
            queue.add(Moment(i), workload, record(Moment(i)));
        }
    }
    assert_eq!((queue.peaks(0).waiting, queue.peaks(1).waiting), (1, 1));
    assert_eq!((queue.peaks(2).waiting, queue.peaks(2).in_progress), (0, 1));
}

/// What the reference tells of a job.
type Told = (usize, Moment, Moment, usize, JobState);

/// The same rules in the plainest form: whole lists, walked again for each question.
fn reference(spec: BatchSpec, arrivals: &[Moment]) -> Vec<Told> {
    let mut closed: Vec<(Moment, usize)> = Vec::new();
    let mut left: Vec<Moment> = arrivals.to_vec();
    let mut told = Vec::new();
    while let Some(&first) = left.first() {
        let tick = Moment((first.0 / spec.every.0 + 1) * spec.every.0);
        let full = left.get(spec.max_records as usize - 1).copied();
        // Ends of spans come before arrivals of the same moment.
        let by_tick = left.iter().filter(|&&at| at < tick).count();
        if let Some(full) = full.filter(|_| by_tick >= spec.max_records as usize) {
            closed.push((full, spec.max_records as usize));
            left.drain(..spec.max_records as usize);
        } else if by_tick >= spec.min_records as usize {
            closed.push((tick, by_tick));
            left.drain(..by_tick);
        } else if left.len() >= spec.min_records as usize {
            closed.push((
                left[spec.min_records as usize - 1],
                spec.min_records as usize,
            ));
            left.drain(..spec.min_records as usize);
        } else {
            let known = tick.max(*arrivals.last().expect("there was a first"));
            told.push((left.len(), known, known, 0, JobState::TooSmall));
            left.clear();
        }
    }
    let mut running: Vec<Moment> = Vec::new();
    let draws = Keyed::new(7, "w/batch");
    let ratio = spec.completion_p99.as_secs_f64() / spec.completion_p50.as_secs_f64();
    let mut earliest = Moment::ZERO;
    for (number, (ready, records)) in closed.into_iter().enumerate() {
        let mut start = ready.max(earliest);
        loop {
            let busy = running.iter().filter(|&&end| end > start).count();
            if busy < spec.jobs as usize {
                break;
            }
            let next = running.iter().filter(|&&end| end > start).min();
            start = *next.expect("one is busy");
        }
        earliest = start;
        let z = draws.normal(number as u64);
        let law = spec.completion_p50.as_secs_f64() * (ratio.ln() / Z_P99 * z).exp();
        let done = start + Micros::from_secs_f64(law);
        let expires = start + spec.timeout;
        let processed = if done <= expires {
            records
        } else {
            let share = spec.timeout.as_secs_f64() / done.since(start).as_secs_f64();
            (records as f64 * share) as usize
        };
        let state = match processed {
            _ if done <= expires => JobState::Completed,
            0 => JobState::Expired,
            _ => JobState::PartiallyCompleted,
        };
        let end = done.min(expires);
        running.push(end);
        told.push((records, start, end, processed, state));
    }
    told.sort_by_key(|job| (job.1, job.2, job.0));
    told
}

proptest! {
    #[test]
    fn the_queue_does_what_the_reference_does(
        gaps in prop::collection::vec(0u64..2_000, 0..200),
        every in 1u64..4_000,
        (least, more, jobs) in (1u32..6, 0u32..6, 1u32..4),
        (p50, spread, timeout) in (1u64..20_000, 1u64..12, 1_000u64..60_000),
    ) {
        let spec = BatchSpec {
            every: Micros(every),
            min_records: least,
            max_records: least + more,
            jobs,
            timeout: Micros(timeout),
            completion_p50: Micros(p50),
            completion_p99: Micros(p50 * spread),
            ..spec()
        };
        let arrivals: Vec<Moment> = gaps
            .iter()
            .scan(0, |sum, gap| {
                *sum += gap;
                Some(Moment(*sum))
            })
            .collect();
        let (jobs, peaks) = run(spec, &arrivals);
        prop_assert!(peaks.in_progress <= u64::from(spec.jobs));
        let records: usize = jobs.iter().map(|job| job.records.len()).sum();
        prop_assert_eq!(records, arrivals.len(), "every record is in one job");
        let mut told: Vec<Told> = jobs
            .iter()
            .map(|job| {
                (job.records.len(), job.submitted_at, job.ended_at, job.processed, job.state)
            })
            .collect();
        told.sort_by_key(|job| (job.1, job.2, job.0));
        prop_assert_eq!(told, reference(spec, &arrivals));
    }
}
