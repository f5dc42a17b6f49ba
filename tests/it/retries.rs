//! The retry presets beside the clients whose names they bear: the AWS SDKs for Rust, Python and JavaScript call a server
//! that refuses as a script says, and the moments at which it hears them are compared with what the preset does.
//!
//! What is compared: attempts of each call, exactly; the delays between attempts, by a Kolmogorov-Smirnov test at
//! p = 10⁻⁴ against the law of the preset; the retry quota, by what is left to calls that keep failing, exactly; the
//! rate limiter of `adaptive` mode, by how many calls come through after throttles.

mod foreign;
mod rust_sdk;

use super::scripted::{Answer, Reply, Scripted};
use bedload::client::spec::{ClientPolicy, RetryPolicy};
use bedload::client::{Ask, Due, Heard, Injector, Next, Progress};
use bedload::domain::{Failure, RefusalReason, Usage};
use bedload::units::{Micros, Moment};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

const THROTTLED: Failure = Failure::Throttled(RefusalReason::TokensPerMinute);

/// A refusal on the wire as Bedrock gives it: without a word of when to come back.
fn refusal(failure: Failure) -> Reply {
    match failure {
        Failure::Throttled(_) => Reply::Error(429, "ThrottlingException", "Too many tokens."),
        _ => Reply::Error(503, "ServiceUnavailableException", "Try later."),
    }
}

/// A scripted server that notes when it hears whom.
struct Tape {
    server: Scripted,
    heard: Arc<Mutex<BTreeMap<String, Vec<f64>>>>,
}

impl Tape {
    /// `reply` gets the name of the call, which attempt of it this is, and which attempt of all, from 0.
    fn start(reply: impl Fn(&str, usize, usize) -> Reply + Send + Sync + 'static) -> Self {
        let heard: Arc<Mutex<BTreeMap<String, Vec<f64>>>> = Arc::default();
        let noted = Arc::clone(&heard);
        let begin = Instant::now();
        let server = Scripted::start(move |number, seen| {
            let case = seen.metadata("case");
            let attempt = {
                let mut noted = noted.lock().unwrap();
                let times = noted.entry(case.to_owned()).or_default();
                times.push(begin.elapsed().as_secs_f64());
                times.len() - 1
            };
            reply(case, attempt, number)
        });
        Self { server, heard }
    }

    /// The moments of each call's attempts, in seconds.
    fn heard(&self) -> Vec<Vec<f64>> {
        let mut calls: Vec<_> = self.heard.lock().unwrap().clone().into_iter().collect();
        // By client, task and call as numbers.
        calls.sort_by_key(|(case, _)| {
            let numbers = case.split('-').map(|word| word.parse::<u32>().unwrap());
            numbers.collect::<Vec<_>>()
        });
        calls.into_iter().map(|(_, times)| times).collect()
    }

    /// All attempts in their order.
    fn moments(&self) -> Vec<f64> {
        let mut all: Vec<f64> = self.heard().into_iter().flatten().collect();
        all.sort_by(f64::total_cmp);
        all
    }
}

/// Checks that every call made `attempts` and that its delays, as shares of `longest` doubled with each, are uniform
/// between 0 and 1.
fn assert_full_jitter(what: &str, calls: &[Vec<f64>], attempts: usize, longest: f64) {
    assert!(calls.len() >= 40, "{what}: {} calls", calls.len());
    let mut shares = Vec::new();
    for times in calls {
        assert_eq!(times.len(), attempts, "{what}: attempts");
        for (n, pair) in times.windows(2).enumerate() {
            shares.push((pair[1] - pair[0]) / (longest * 2f64.powi(n as i32)));
        }
    }
    let (distance, p) = uniform_test(&mut shares);
    eprintln!(
        "{what}: {} delays, D = {distance:.4}, p = {p:.3}",
        shares.len()
    );
    assert!(p > 1e-4, "{what}: D = {distance}, p = {p}");
}

/// Checks that every call made `attempts` and that the delays are those of a base of 50 ms: far below those of a base of a
/// second, though they are too short for their law to show beside what the machine adds.
fn assert_quick(what: &str, calls: &[Vec<f64>], attempts: usize) {
    assert!(calls.len() >= 40, "{what}: {} calls", calls.len());
    let mut over = 0;
    let mut total = 0.0;
    for times in calls {
        assert_eq!(times.len(), attempts, "{what}: attempts");
        for (n, pair) in times.windows(2).enumerate() {
            let delay = pair[1] - pair[0];
            total += delay;
            over += u32::from(delay > 0.05 * 2f64.powi(n as i32) + 0.15);
        }
    }
    let delays = calls.len() * (attempts - 1);
    let mean = 1000.0 * total / delays as f64;
    eprintln!("{what}: {delays} delays, mean {mean:.1} ms, {over} late");
    assert!(over as usize * 10 <= delays, "{what}: {over} of {delays}");
}

/// Kolmogorov's distance from the uniform law on (0, 1), and its asymptotic p value (Stephens 1970).
fn uniform_test(values: &mut [f64]) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let distance = values.iter().enumerate().fold(0f64, |most, (i, &value)| {
        let value = value.clamp(0.0, 1.0);
        let above = (i as f64 + 1.0) / n - value;
        most.max(above).max(value - i as f64 / n)
    });
    let scaled = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * scaled * scaled).exp()
    };
    (distance, (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0))
}

/// The brain of one process with a policy.
fn brain(retry: RetryPolicy) -> Injector {
    Injector::new(ClientPolicy {
        retry,
        ..ClientPolicy::default()
    })
}

/// What an answer shows; the policies under test do not look at it.
fn heard() -> Heard {
    Heard {
        ttft: Micros::ZERO,
        usage: Usage::default(),
    }
}

/// How often the preset tries calls that come one after the other and fail so many times before they succeed.
fn preset_attempts(retry: RetryPolicy, failure: Failure, failures: &[usize]) -> Vec<usize> {
    let mut brain = brain(retry);
    let now = Moment::ZERO;
    let one = |&failures: &usize| {
        let mut progress = Progress::default();
        for failed in 0.. {
            progress.attempts += 1;
            if failed == failures {
                brain.succeeded(now, &progress, heard());
                break;
            }
            let next = brain.failed(now, now, &mut progress, failure, 0.5);
            if matches!(next, Next::GiveUp(_)) {
                break;
            }
        }
        progress.attempts as usize
    };
    failures.iter().map(one).collect()
}

/// Calls one after the other that need so many refusals before they succeed, chosen so that the quota runs out: the
/// cost of all retries but the last is lost.
fn hard_calls(calls: usize) -> Vec<usize> {
    let pattern = [2, 2, 1, 2, 3, 0, 2];
    (0..calls)
        .map(|call| pattern[call % pattern.len()])
        .collect()
}

/// A server for [`hard_calls`].
fn hard_server(calls: usize) -> Tape {
    let failures = hard_calls(calls);
    Tape::start(move |case, attempt, _| {
        let call: usize = case.rsplit('-').next().unwrap().parse().unwrap();
        if attempt < failures[call] {
            refusal(Failure::Unavailable)
        } else {
            Reply::Answer(Answer::QUICK)
        }
    })
}

/// Compares the attempts of the calls of [`hard_server`] with those of the preset.
fn assert_same_attempts(what: &str, tape: &Tape, retry: RetryPolicy, calls: usize) {
    let made: Vec<usize> = tape.heard().iter().map(Vec::len).collect();
    let preset = preset_attempts(retry, Failure::Unavailable, &hard_calls(calls));
    eprintln!(
        "{what}: {} attempts of {calls} calls",
        made.iter().sum::<usize>()
    );
    assert_eq!(made, preset, "{what}");
    // Some calls gave up early, so the comparison says something of the quota.
    let given_up = |(made, fails): (&usize, &usize)| made <= fails && *made < 3;
    assert!(made.iter().zip(&hard_calls(calls)).any(given_up), "{what}");
}

/// How many retries the preset leaves to calls that never succeed.
fn preset_retries(retry: RetryPolicy, failure: Failure, calls: usize) -> usize {
    let attempts = preset_attempts(retry, failure, &vec![usize::MAX; calls]);
    attempts.iter().sum::<usize>() - calls
}

/// Attempts from this one on, of all, are throttled by [`adaptive_server`].
const REFUSED: std::ops::Range<usize> = 15..21;
/// How long its answers take.
const ANSWERS_TAKE: Micros = Micros::from_millis(50);

/// A server that throttles a few attempts in a row, and answers the others in 50 ms.
fn adaptive_server() -> Tape {
    Tape::start(|_, _, number| {
        if REFUSED.contains(&number) {
            refusal(THROTTLED)
        } else {
            Reply::Answer(Answer {
                ttft: ANSWERS_TAKE,
                ..Answer::QUICK
            })
        }
    })
}

/// When the preset sends the calls of one closed loop, which are never tried again, to [`adaptive_server`]; an answer takes
/// `rtt` seconds and the loop starts at `start`.
fn preset_loop(retry: RetryPolicy, rtt: f64, start: f64, until: f64) -> Vec<f64> {
    let mut brain = brain(retry);
    let mut sent = Vec::new();
    let mut now = Moment::ZERO + Micros::from_secs_f64(start);
    let refusal_takes = (rtt - ANSWERS_TAKE.as_secs_f64()).max(0.001);
    while now.as_secs_f64() < start + until {
        let ask = Ask::default();
        let mut due = brain.due(now, ask);
        while due == Due::Wait {
            now = now.max(brain.next_wake());
            if let Some((_, verdict)) = brain.poll(now) {
                due = verdict;
            }
        }
        assert_eq!(due, Due::Send);
        let mut progress = Progress {
            attempts: 1,
            ..Progress::default()
        };
        let is_refused = REFUSED.contains(&sent.len());
        sent.push(now.as_secs_f64() - start);
        if is_refused {
            now = now + Micros::from_secs_f64(refusal_takes);
            let next = brain.failed(now, now, &mut progress, THROTTLED, 0.5);
            assert!(matches!(next, Next::GiveUp(_)));
        } else {
            now = now + Micros::from_secs_f64(rtt);
            brain.succeeded(now, &progress, heard());
        }
        brain.free(now);
    }
    sent
}

/// Compares the attempts that a closed loop of an SDK in adaptive mode sent with those of the preset.
///
/// Where the half seconds of the SDK's clock begin is not known, so the preset's counts are a range over ten beginnings.
fn assert_same_rate(what: &str, tape: &Tape, retry: RetryPolicy) {
    let sent = tape.moments();
    let first = REFUSED.start;
    assert!(sent.len() > REFUSED.end, "{what}: {} attempts", sent.len());
    let rtt = (sent[first - 1] - sent[2]) / (first - 3) as f64;
    for after in [2.0, 4.0, 6.0] {
        let count = |sent: &[f64]| {
            let begin = sent[first];
            sent.iter()
                .filter(|&&at| at > begin && at <= begin + after)
                .count() as f64
        };
        let preset: Vec<f64> = (0..10)
            .map(|tenth| count(&preset_loop(retry, rtt, f64::from(tenth) / 10.0, 9.0)))
            .collect();
        let least = preset.iter().fold(f64::MAX, |a, &b| a.min(b));
        let most = preset.iter().fold(0f64, |a, &b| a.max(b));
        let made = count(&sent);
        let free = after / rtt;
        eprintln!(
            "{what}: {made} attempts in {after} s after the first throttle; the preset {least} to {most}; \
             {free:.0} without a limiter (answers in {:.0} ms)",
            1000.0 * rtt
        );
        assert!(
            made >= 0.8 * least - 2.0 && made <= 1.2 * most + 2.0,
            "{what}: {made} in {after} s, the preset {least} to {most}"
        );
    }
}
