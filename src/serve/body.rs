//! The bodies of answers: whole ones, and streams that are paced as the model's tokens come.

use super::core::Running;
use super::pacing::Pacing;
use super::tally::End;
use crate::clock::{Clock, Sleep};
use crate::domain::{StreamFault, Usage};
use crate::units::{Micros, Moment};
use crate::wire::reply::{ErrorReply, Finish, GuardrailReport, StreamWriter};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The connection ends here, without another byte.
#[derive(Debug)]
pub(super) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was dropped, as a fault asks")
    }
}

impl std::error::Error for Dropped {}

/// The body of an answer.
pub(super) enum ReplyBody {
    /// All of it at once.
    Whole(Bytes),
    /// An event stream.
    Stream(Box<StreamBody>),
}

/// What an answer says at its end besides its tokens.
#[derive(Default)]
pub(super) struct Closing {
    pub(super) tier: Option<&'static str>,
    pub(super) latency_optimized: Option<bool>,
    pub(super) guardrail: Option<GuardrailReport>,
    /// Zero where no model was asked.
    pub(super) usage: Usage,
    pub(super) cache_write_1h: u32,
}

impl Closing {
    /// What is known at `now` of a call that arrived at `arrived` and whose first token came at
    /// `first`.
    pub(super) fn finish(&self, arrived: Moment, first: Moment, now: Moment) -> Finish<'_> {
        Finish {
            usage: self.usage,
            cache_write_1h: self.cache_write_1h,
            latency_ms: now.since(arrived).0 / 1000,
            first_byte_ms: first.since(arrived).0 / 1000,
            service_tier: self.tier,
            latency_optimized: self.latency_optimized,
            guardrail: self.guardrail.as_ref(),
        }
    }
}

/// A streamed answer.
pub(super) struct StreamBody {
    writer: StreamWriter,
    closing: Closing,
    /// The admitted call; `None` where a guardrail answered without the model.
    running: Option<Running>,
    arrived: Moment,
    clock: Clock,
    sleep: Sleep,
    pacing: Arc<Pacing>,
    stage: Stage,
    /// The reader's turn comes before the next chunk of an answer that is not paced.
    must_flush: bool,
    /// Output tokens written so far.
    sent: u32,
    /// Output tokens that come.
    total: u32,
    /// Output tokens of one chunk.
    chunk: u32,
    per_token_us: f64,
    /// How long a guardrail holds each chunk back.
    held: Micros,
}

/// How far a streamed answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is written yet.
    Silent,
    /// It has begun.
    Speaking,
    /// What is left is to drop the connection, once the reader has what was written.
    Dropping,
    /// All is written.
    Over,
}

/// Below this many microseconds per token an answer counts as not paced, and its chunks come one
/// by one without a wait.
const NOT_PACED_US: f64 = 0.01;

impl StreamBody {
    pub(super) fn new(
        writer: StreamWriter,
        closing: Closing,
        running: Option<Running>,
        (arrived, clock): (Moment, Clock),
        sleep: Sleep,
        (pacing, chunk): (Arc<Pacing>, u32),
    ) -> Self {
        let total = running.as_ref().map_or(0, |run| run.grant.produces());
        let per_token_us = running.as_ref().map_or(0.0, |run| run.grant.per_token_us());
        let (chunk, held) = running
            .as_ref()
            .and_then(|run| run.grant.held_chunks())
            .map_or((chunk, Micros::ZERO), |(tokens, takes)| {
                (chunk.max(tokens), takes)
            });
        Self {
            writer,
            closing,
            running,
            arrived,
            clock,
            sleep,
            pacing,
            stage: Stage::Silent,
            must_flush: false,
            sent: 0,
            total,
            chunk: chunk.max(1),
            per_token_us,
            held,
        }
    }

    fn first_token_at(&self) -> Moment {
        let first = self.running.as_ref().map(|run| run.grant.first_token_at);
        first.unwrap_or(self.arrived)
    }

    /// Whether the end is known from the beginning; otherwise the brain is asked on the way.
    fn is_planned(&self) -> bool {
        self.running
            .as_ref()
            .is_none_or(|run| run.grant.done_at.is_some())
    }

    /// Writes what is due; when the next chunk is, unless the answer is over.
    fn write_due(&mut self, out: &mut Vec<u8>) -> Moment {
        if self.stage == Stage::Silent {
            self.stage = Stage::Speaking;
            self.writer.start(self.closing.usage, out);
        }
        let next = if self.is_planned() {
            self.write_planned(out)
        } else {
            self.write_shared(out)
        };
        next.unwrap_or_else(|| {
            self.end(out);
            Moment::ZERO
        })
    }

    /// Writes the chunks whose moments have passed; `None` after the last.
    fn write_planned(&mut self, out: &mut Vec<u8>) -> Option<Moment> {
        let now = self.clock.now();
        let first = self.first_token_at();
        let is_paced = self.per_token_us > NOT_PACED_US;
        while self.sent < self.total {
            let upto = self.sent.saturating_add(self.chunk).min(self.total);
            let due = first + Micros((f64::from(upto - 1) * self.per_token_us) as u64) + self.held;
            if now < due {
                return Some(due);
            }
            if is_paced {
                self.pacing.note(now.since(due));
            } else if self.must_flush {
                return Some(Moment::ZERO);
            }
            self.note_first(now);
            self.writer.tokens(upto, out);
            self.sent = upto;
            self.must_flush = !is_paced && upto < self.total;
        }
        // What breaks off may do so between two tokens.
        let grant = &self.running.as_ref()?.grant;
        grant.broken?;
        grant.done_at.filter(|&done_at| now < done_at)
    }

    /// Writes the whole chunks that streams on shared units have produced; `None` after the last.
    fn write_shared(&mut self, out: &mut Vec<u8>) -> Option<Moment> {
        let step = Micros((self.per_token_us * f64::from(self.chunk)).max(200.0) as u64);
        let progress = self.running.as_ref()?.progress(step);
        let produced = progress.produced.min(self.total);
        while self.sent < produced {
            let upto = self.sent.saturating_add(self.chunk).min(self.total);
            if upto > produced {
                break;
            }
            self.note_first(self.clock.now());
            self.writer.tokens(upto, out);
            self.sent = upto;
        }
        (!progress.is_done).then_some(progress.look_again)
    }

    /// A chunk is written at `now`; the first one counts.
    fn note_first(&self, now: Moment) {
        if self.sent == 0 {
            self.pacing.note_first(now.since(self.arrived));
        }
    }

    /// Ends the answer: its last events, or the fault that breaks it off.
    fn end(&mut self, out: &mut Vec<u8>) {
        self.stage = Stage::Over;
        let first = self.first_token_at();
        let mut now = self.clock.now();
        if let Some(running) = &mut self.running {
            if let Some((after, fault)) = running.grant.broken {
                running.finish(after, End::Broken(fault));
                if fault == StreamFault::Reset {
                    self.stage = Stage::Dropping;
                    // Without a pause the bytes before it would be dropped too.
                    self.must_flush = true;
                } else {
                    ErrorReply::from(fault).in_stream().write_frame(out);
                }
                return;
            }
            now = running.finish(self.total, End::Answered);
        }
        let finish = self.closing.finish(self.arrived, first, now);
        self.writer.finish(&finish, out);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if self.stage == Stage::Over {
            return Poll::Ready(None);
        }
        if self.must_flush {
            self.must_flush = false;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.stage == Stage::Dropping {
            self.stage = Stage::Over;
            return Poll::Ready(Some(Err(Dropped)));
        }
        loop {
            if Pin::new(&mut self.sleep).poll(cx).is_pending() {
                return Poll::Pending;
            }
            let mut out = Vec::with_capacity(512);
            let next = self.write_due(&mut out);
            self.sleep.reset(next);
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from(out)))));
            }
            if self.stage == Stage::Dropping {
                self.stage = Stage::Over;
                return Poll::Ready(Some(Err(Dropped)));
            }
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(stream) => stream.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream(stream) => stream.stage == Stage::Over,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
