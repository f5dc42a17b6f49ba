//! The calls of a probe.

use super::weigh::{Hypothesis, Seen};
use crate::domain::Window;
use crate::units::{Micros, Moment};

/// What is known of the quota and the model behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quota {
    /// Tokens per minute.
    pub tpm: u64,
    /// Requests per minute, where there is such a quota.
    pub rpm: Option<u64>,
    /// Quota tokens of an output token at settlement.
    pub burndown: u64,
    /// The longest prompt.
    pub max_input: u64,
    /// The longest answer.
    pub max_output: u32,
    /// Milliseconds to a first token.
    pub ttft_ms: f64,
    /// Milliseconds that a thousand input tokens add to it.
    pub per_k_input_ms: f64,
    /// Milliseconds per output token.
    pub per_token_ms: f64,
}

/// A kind of calls; each is a workload of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Uses about what it reserves, and takes its time.
    Fill,
    /// Small and quick.
    Tick,
    /// Reserves much, uses little, and takes its time.
    Hold,
    /// Uses what it reserves at once.
    Wall,
}

impl Kind {
    /// All kinds, in the order of their workloads.
    pub const ALL: [Self; 4] = [Self::Fill, Self::Tick, Self::Hold, Self::Wall];

    /// The name of its workload.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fill => "fill",
            Self::Tick => "tick",
            Self::Hold => "hold",
            Self::Wall => "wall",
        }
    }

    /// Input tokens, `max_tokens`, and the output tokens that are wanted.
    pub fn sizes(self, quota: &Quota) -> (u32, u32, u32) {
        let (fills, fill_output) = quota.fill();
        let part = |n: u64| quota.tpm / n.max(1);
        let whole = |tokens: u64| u32::try_from(tokens.max(1)).unwrap_or(u32::MAX);
        match self {
            Self::Fill => {
                let input = part(fills).saturating_sub(u64::from(fill_output));
                (
                    whole(input.min(quota.longest_prompt())),
                    fill_output,
                    fill_output,
                )
            }
            Self::Tick => {
                let input = part(TICKS_IN_QUOTA)
                    .saturating_sub(u64::from(QUICK))
                    .max(20);
                (whole(input.min(quota.longest_prompt())), QUICK, QUICK / 2)
            }
            Self::Hold => {
                let holds = part(HOLDS_IN_QUOTA).min(u64::from(quota.max_output) + HOLD_INPUT);
                let most = whole(holds.saturating_sub(HOLD_INPUT).max(16));
                let settled = u64::from(most) * 3 / 10 / quota.burndown.max(1);
                let output = whole(settled).min(quota.slow_output()).min(most);
                (HOLD_INPUT as u32, most, output)
            }
            Self::Wall => {
                let input = part(fills).saturating_sub(u64::from(QUICK));
                (whole(input.min(quota.longest_prompt())), QUICK, QUICK / 2)
            }
        }
    }

    /// How long an answer of this kind takes, in seconds.
    pub fn takes_s(self, quota: &Quota) -> f64 {
        let (input, _, output) = self.sizes(quota);
        let prompt = f64::from(input) / 1000.0 * quota.per_k_input_ms;
        (quota.ttft_ms + prompt + f64::from(output) * quota.per_token_ms) / 1000.0
    }
}

/// A slow answer takes so long.
const SLOW_S: f64 = 9.0;
/// `max_tokens` of quick calls.
const QUICK: u32 = 16;
/// Input of a call that holds.
const HOLD_INPUT: u64 = 60;
/// So many holds do so, if answers may be that long: several, so that some find room.
const HOLDS_IN_QUOTA: u64 = 12;
/// A prompt is at most so long that it delays its answer by this much.
const PROMPT_MS: f64 = 1000.0;
/// But at least so long.
const LEAST_PROMPT: u64 = 4000;
/// So many ticks fill the quota.
const TICKS_IN_QUOTA: u64 = 40;
/// One tick each second.
const TICK_EVERY: Micros = Micros(1_000_000);
/// Calls of a burst follow each other.
const BURST_EVERY: Micros = Micros(20_000);
/// What a burst reserves that is a little too much for the quota, as a share of it.
const OVER: f64 = 1.2;
/// What each of two bursts reserves that together fill it.
const HALF: f64 = 0.5;
/// The most calls of one burst.
const MOST_IN_BURST: u64 = 200;
/// The length of a window.
const WINDOW: Micros = Micros::MINUTE;

impl Quota {
    /// Tokens of a slow answer.
    fn slow_output(&self) -> u32 {
        let tokens = (1000.0 * SLOW_S - self.ttft_ms) / self.per_token_ms.max(0.01);
        (tokens.max(16.0) as u32).min(self.max_output.max(1))
    }

    fn longest_prompt(&self) -> u64 {
        let quick = (1000.0 * PROMPT_MS / self.per_k_input_ms.max(0.1)) as u64;
        (self.max_input * 6 / 10)
            .min(quick.max(LEAST_PROMPT))
            .max(1)
    }

    /// Into how many fills the quota is parted, and the output tokens of each: as many parts as leave room
    /// for a slow answer that settles at little more than its reservation.
    fn fill(&self) -> (u64, u32) {
        let slow = self.slow_output();
        let least = self.tpm.div_ceil(self.longest_prompt() + u64::from(slow));
        let room = |parts: u64| self.tpm / parts / 5 / self.burndown.max(1);
        let parts = [10, 6, 4, 3]
            .into_iter()
            .find(|&n| room(n) >= u64::from(slow));
        let parts = parts.unwrap_or(3).max(least).min(MOST_IN_BURST);
        let output = room(parts).clamp(2, u64::from(slow));
        (parts, output as u32)
    }

    /// Calls of a burst that reserves this share of the quota.
    fn burst(&self, kind: Kind, share: f64) -> u64 {
        let (input, most, _) = kind.sizes(self);
        let each = u64::from(input) + u64::from(most);
        let calls = (self.tpm as f64 * share / each as f64).ceil() as u64;
        let by_rpm = self.rpm.map_or(u64::MAX, |rpm| (rpm / 2).max(2));
        calls.clamp(1, MOST_IN_BURST).min(by_rpm)
    }

    /// Between ticks, so that requests per minute are not what refuses.
    fn tick_every(&self) -> Micros {
        let by_rpm = self.rpm.map_or(0, |rpm| 60_000_000 * 10 / (4 * rpm.max(1)));
        Micros(TICK_EVERY.0.max(by_rpm))
    }
}

/// A call to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Planned {
    /// When, from the start of its series.
    pub at: Micros,
    /// Of which kind.
    pub kind: Kind,
}

fn burst(calls: &mut Vec<Planned>, quota: &Quota, (kind, share): (Kind, f64), from: Micros) {
    calls.extend((0..quota.burst(kind, share)).map(|i| Planned {
        at: from + Micros(i * BURST_EVERY.0),
        kind,
    }));
}

fn ticks(calls: &mut Vec<Planned>, quota: &Quota, from: Micros, until: Micros) {
    let every = quota.tick_every();
    // Half a step late, so that a tick does not race with the end of a window.
    let mut at = from + Micros(every.0 / 2);
    while at < until {
        calls.push(Planned {
            at,
            kind: Kind::Tick,
        });
        at += every;
    }
}

/// The first series: the quota is filled by answers that take their time, and asked for room every second for
/// a little more than a minute.
pub fn first(quota: &Quota) -> Vec<Planned> {
    let mut calls = Vec::new();
    burst(&mut calls, quota, (Kind::Fill, OVER), Micros::ZERO);
    let slow = Micros::from_secs_f64(Kind::Fill.takes_s(quota) + 6.0);
    ticks(&mut calls, quota, Micros::SECOND, WINDOW + slow);
    calls.sort();
    calls
}

/// The second series, which is needed where a clock minute may be at work. Half of the quota is used up and
/// settled before a boundary, and the other half reserved by answers under way across it, which use little of
/// it. A burst behind the boundary asks how much the new window has: all of it, what is not held, or
/// nothing. Ticks tell what the ends of the answers give back. `now` is the present moment of the probe,
/// `phase` the moment of a boundary.
pub fn second(quota: &Quota, now: Moment, phase: Micros, seen: &[Seen]) -> Vec<Planned> {
    let takes = Kind::Hold.takes_s(quota);
    let lead = Micros::from_secs_f64((takes / 2.0).clamp(0.2, 3.0));
    let ready = now.0 + lead.0 + 1_000_000;
    let mut boundary = phase.0 % WINDOW.0;
    while boundary < ready || is_used(quota, boundary, seen) {
        boundary += WINDOW.0;
    }
    let crossing = Micros(boundary - now.0);
    let mut calls = Vec::new();
    let before = Micros(crossing.0 - lead.0);
    burst(&mut calls, quota, (Kind::Hold, HALF), before);
    let after_holds = before + Micros(300_000);
    burst(&mut calls, quota, (Kind::Wall, HALF), after_holds);
    burst(
        &mut calls,
        quota,
        (Kind::Wall, OVER),
        crossing + Micros(1_200_000),
    );
    let end = Micros::from_secs_f64(takes + 8.0);
    ticks(
        &mut calls,
        quota,
        crossing + Micros(1_500_000),
        crossing + end,
    );
    calls.sort();
    calls
}

/// Whether the window before a boundary has little room left.
fn is_used(quota: &Quota, boundary: u64, seen: &[Seen]) -> bool {
    let window = |call: &&Seen| call.sent.0 + WINDOW.0 > boundary && call.sent.0 < boundary;
    let used = seen.iter().filter(|call| call.admitted).filter(window);
    let used: u64 = used.map(|call| call.reserved.max(call.settled)).sum();
    3 * used > quota.tpm
}

/// How long a series takes, with its answers.
pub fn horizon(quota: &Quota, calls: &[Planned]) -> Micros {
    let ends = calls
        .iter()
        .map(|call| call.at.as_secs_f64() + call.kind.takes_s(quota));
    Micros::from_secs_f64(ends.fold(0.0, f64::max))
}

/// Whether a clock minute is among what the first series leaves, and where its boundary then is.
pub(super) fn boundary(left: &[&Hypothesis]) -> Option<Micros> {
    let fixed = left.iter().filter(|one| one.window == Window::Fixed);
    let best = fixed.max_by(|a, b| a.log_likelihood.total_cmp(&b.log_likelihood))?;
    best.phase
}
