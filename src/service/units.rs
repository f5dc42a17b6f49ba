//! Provisioned Throughput: model units as shared processors.
//!
//! Units decode `O` tokens per second in total; each stream gets at most `s`, and n streams get
//! min(s, O/n) each. That is processor sharing with a cap (Cohen 1979). Prefill is one queue that
//! works off input tokens in order of arrival. AWS publishes neither the size of a unit nor what
//! happens when it is full.

use crate::units::{Micros, Moment};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZeroU64;

/// Streams that share decode capacity.
///
/// All streams run at the same speed, so one "virtual" amount of work per stream tells who ends
/// when: a stream that starts at virtual work v and needs w ends when the virtual work is v + w.
/// A stream that is slower by nature needs proportionally more work.
#[derive(Clone, Debug)]
pub struct SharedDecoder {
    total_per_s: f64,
    stream_per_s: f64,
    virtual_work: f64,
    updated_at: Moment,
    active: u32,
    ends: BinaryHeap<Reverse<End>>,
    cancelled: rustc_hash::FxHashSet<u64>,
    serial: NonZeroU64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct End {
    at_work: f64,
    ticket: u64,
    owner: u32,
}

impl Eq for End {}
impl PartialOrd for End {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for End {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at_work
            .total_cmp(&other.at_work)
            .then(self.ticket.cmp(&other.ticket))
    }
}

/// A stream that is being decoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stream {
    /// Never zero, so that an optional stream takes no more room.
    ticket: NonZeroU64,
    started_work: f64,
}

impl SharedDecoder {
    /// Capacity `total_per_s` with at most `stream_per_s` for one stream, in tokens per second.
    pub fn new(total_per_s: f64, stream_per_s: f64) -> Self {
        Self {
            total_per_s,
            stream_per_s,
            virtual_work: 0.0,
            updated_at: Moment::ZERO,
            active: 0,
            ends: BinaryHeap::new(),
            cancelled: rustc_hash::FxHashSet::default(),
            serial: NonZeroU64::MIN,
        }
    }

    /// Streams in progress.
    pub fn active(&self) -> u32 {
        self.active
    }

    /// How many streams run at full speed together.
    pub fn full_speed_streams(&self) -> f64 {
        self.total_per_s / self.stream_per_s
    }

    fn speed(&self) -> f64 {
        self.stream_per_s
            .min(self.total_per_s / f64::from(self.active.max(1)))
    }

    fn advance(&mut self, now: Moment) {
        self.virtual_work += self.speed() * now.since(self.updated_at).as_secs_f64();
        self.updated_at = now;
    }

    /// Starts a stream of `work` tokens for `owner`.
    pub fn start(&mut self, now: Moment, work: f64, owner: u32) -> Stream {
        self.advance(now);
        let ticket = self.serial;
        self.serial = ticket.saturating_add(1);
        self.ends.push(Reverse(End {
            at_work: self.virtual_work + work,
            ticket: ticket.get(),
            owner,
        }));
        self.active += 1;
        Stream {
            ticket,
            started_work: self.virtual_work,
        }
    }

    /// Tokens of work that a stream has done by `now`.
    pub fn done(&mut self, now: Moment, stream: Stream) -> f64 {
        self.advance(now);
        self.virtual_work - stream.started_work
    }

    /// Stops a stream.
    pub fn cancel(&mut self, now: Moment, stream: Stream) {
        self.advance(now);
        self.cancelled.insert(stream.ticket.get());
        self.active -= 1;
    }

    /// When the next stream ends if none joins or leaves.
    pub fn next_end(&mut self) -> Option<Moment> {
        while let Some(Reverse(end)) = self.ends.peek() {
            if !self.cancelled.remove(&end.ticket) {
                let seconds = (end.at_work - self.virtual_work).max(0.0) / self.speed();
                // Rounding up keeps the end from being polled before its work is done.
                return Some(self.updated_at + Micros((seconds * 1e6).ceil() as u64));
            }
            self.ends.pop();
        }
        None
    }

    /// Takes out a stream that has ended by `now`, and names its owner.
    pub fn poll(&mut self, now: Moment) -> Option<u32> {
        if self.next_end()? > now {
            return None;
        }
        self.advance(now);
        let Reverse(end) = self.ends.pop()?;
        self.active -= 1;
        Some(end.owner)
    }
}

/// The prefill side of the units: one queue, first come first served.
#[derive(Clone, Debug)]
pub struct PrefillQueue {
    tokens_per_s: f64,
    free_at: Moment,
}

impl PrefillQueue {
    /// A queue that works off `tokens_per_s` input tokens per second.
    pub fn new(tokens_per_s: f64) -> Self {
        Self {
            tokens_per_s,
            free_at: Moment::ZERO,
        }
    }

    /// How long a request that comes at `now` waits before its own prefill begins.
    pub fn wait(&self, now: Moment) -> Micros {
        self.free_at.since(now)
    }

    /// Queues `tokens` and returns the wait before they are begun.
    pub fn push(&mut self, now: Moment, tokens: u32) -> Micros {
        let wait = self.wait(now);
        let work = Micros::from_secs_f64(f64::from(tokens) / self.tokens_per_s);
        self.free_at = now + wait + work;
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Keyed;

    #[test]
    fn streams_share_and_finish_exactly() {
        // 100 tok/s in all, 60 for one stream: alone 60, together 50 each.
        let mut decoder = SharedDecoder::new(100.0, 60.0);
        decoder.start(Moment::ZERO, 120.0, 1);
        let at = |s| Moment::ZERO + Micros::from_secs_f64(s);
        // The first has 60 tokens left at 1 s, when the second joins.
        decoder.start(at(1.0), 50.0, 2);
        assert_eq!(decoder.next_end(), Some(at(2.0)));
        assert_eq!(decoder.poll(at(2.0)), Some(2));
        // 10 tokens are left for the first, alone again at 60 tok/s.
        let end = decoder.next_end().expect("one stream is left");
        assert!((end.as_secs_f64() - (2.0 + 10.0 / 60.0)).abs() < 2e-6);
        assert_eq!(decoder.poll(end), Some(1));
        assert_eq!(decoder.active(), 0);
    }

    #[test]
    fn a_cancelled_stream_leaves_its_capacity_to_the_others() {
        let mut decoder = SharedDecoder::new(100.0, 100.0);
        let first = decoder.start(Moment::ZERO, 100.0, 1);
        decoder.start(Moment::ZERO, 100.0, 2);
        let at = |s| Moment::ZERO + Micros::from_secs_f64(s);
        assert!((decoder.done(at(1.0), first) - 50.0).abs() < 1e-9);
        decoder.cancel(at(1.0), first);
        assert_eq!(decoder.next_end(), Some(at(1.5)));
        assert_eq!(decoder.poll(at(1.5)), Some(2));
        assert_eq!(decoder.next_end(), None);
    }

    /// Mean decode time of Poisson arrivals whose work is `law(u)`, in seconds.
    fn mean_decode_time(law: impl Fn(Keyed, u64) -> f64) -> f64 {
        let (gaps, sizes) = (Keyed::new(3, "gaps"), Keyed::new(3, "sizes"));
        let n = 400_000u32;
        let mut decoder = SharedDecoder::new(200.0, 50.0);
        let mut started = vec![Moment::ZERO; n as usize];
        let (mut clock, mut sum, mut done) = (0.0, 0.0, 0u32);
        let finish = |decoder: &mut SharedDecoder, until: Moment, started: &[Moment]| {
            let (mut sum, mut done) = (0.0, 0);
            while let Some(end) = decoder.next_end().filter(|&end| end <= until) {
                let owner = decoder.poll(end).expect("its end has come");
                sum += end.since(started[owner as usize]).as_secs_f64();
                done += 1;
            }
            (sum, done)
        };
        for owner in 0..n {
            clock += -gaps.uniform(u64::from(owner)).ln() / 0.6;
            let now = Moment::ZERO + Micros::from_secs_f64(clock);
            let (more, ended) = finish(&mut decoder, now, &started);
            (sum, done) = (sum + more, done + ended);
            started[owner as usize] = now;
            decoder.start(now, law(sizes, u64::from(owner)), owner);
        }
        let (more, ended) = finish(&mut decoder, Moment(u64::MAX - 1), &started);
        assert_eq!(done + ended, n);
        (sum + more) / f64::from(n)
    }

    #[test]
    fn decode_time_is_that_of_the_capped_sharing_law_whatever_the_length_law() {
        // O = 200, s = 50, E[out] = 250, λ = 0.6: 7.54717 s (methods 3.5), insensitive.
        let exponential = mean_decode_time(|k, id| -250.0 * k.uniform(id).ln());
        let fixed = mean_decode_time(|_, _| 250.0);
        let lognormal = mean_decode_time(|k, id| 250.0 * (k.normal(id) - 0.5).exp());
        for (name, mean) in [
            ("exp", exponential),
            ("fixed", fixed),
            ("lognormal", lognormal),
        ] {
            assert!((mean / 7.54717 - 1.0).abs() < 0.02, "{name}: {mean} s");
        }
    }

    #[test]
    fn prefill_waits_as_pollaczek_and_khinchine_say() {
        // μ = 1, λ = .8, fixed work: Wq = 2 (M/D/1).
        let gaps = Keyed::new(5, "gaps");
        let mut queue = PrefillQueue::new(1000.0);
        let (mut clock, mut sum, n) = (0.0, 0.0, 1_000_000u64);
        for id in 0..n {
            clock += -gaps.uniform(id).ln() / 0.8;
            let now = Moment::ZERO + Micros::from_secs_f64(clock);
            sum += queue.push(now, 1000).as_secs_f64();
        }
        let mean = sum / n as f64;
        assert!((mean / 2.0 - 1.0).abs() < 0.02, "mean wait {mean} s");
    }
}
