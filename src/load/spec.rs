//! What a scenario says of its traffic: plain data, read by `scenario`, run by the rest of `load`.

use crate::domain::CacheTtl;
use crate::units::{Micros, PerSecond, Ratio};
use std::sync::Arc;

use super::trace::{Recording, Trace};

/// One traffic stream of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct TrafficSpec {
    /// The law of request starts.
    pub arrival: ArrivalSpec,
    /// Factors on the rate over time; they multiply each other.
    pub shapes: Vec<ShapeSpec>,
    /// Input tokens of a request, the cached prefix apart. `None`: as the trace says.
    pub input: Option<SizeSpec>,
    /// Output tokens that the model would produce if `max_tokens` did not stop it.
    pub output: Option<SizeSpec>,
    /// Spearman rank correlation of input and output, in [−1, 1].
    pub rank_correlation: f64,
    /// A stable prefix in front of the input, marked with a cache point.
    pub prefix: Option<PrefixSpec>,
    /// What else its prompts are made of: cache points of their own, and what a session has said.
    pub context: ContextSpec,
    /// The share of the starts (for a closed loop, of the users) that take place, chosen one by one by
    /// keyed draws. What is kept at a smaller share is kept at a larger one too, as the same request.
    pub kept: Ratio,
}

impl TrafficSpec {
    /// Whether some of its requests wait for the answers to others: drawn sessions, or recorded ones.
    pub fn has_sessions(&self) -> bool {
        let follows = match &self.arrival {
            ArrivalSpec::Trace(replay) => replay.sessions != ReplaySessions::AsRecorded,
            _ => false,
        };
        follows || self.context.session.is_some()
    }
}

/// A stable prefix that requests share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixSpec {
    /// Tokens of the prefix; they come on top of the input tokens.
    pub tokens: u32,
    /// How many different prefixes are in use, each equally often.
    pub prefixes: u32,
    /// How long a cached prefix lives after its last use.
    pub ttl: CacheTtl,
    /// Whether it carries a cache point; without one it is sent, but not cached.
    pub marked: bool,
}

/// The law of request starts.
#[derive(Clone, Debug, PartialEq)]
pub enum ArrivalSpec {
    /// Evenly spaced.
    Constant {
        /// Mean rate before shapes.
        rate: PerSecond,
    },
    /// Independent starts.
    Poisson {
        /// Mean rate before shapes.
        rate: PerSecond,
    },
    /// Gamma-distributed gaps.
    Gamma {
        /// Mean rate before shapes.
        rate: PerSecond,
        /// Coefficient of variation of the gaps; 1 is Poisson, more is burstier.
        cv: f64,
    },
    /// Weibull-distributed gaps.
    Weibull {
        /// Mean rate before shapes.
        rate: PerSecond,
        /// Coefficient of variation of the gaps.
        cv: f64,
    },
    /// Two-state Markov-modulated Poisson process.
    OnOff(OnOffSpec),
    /// Poisson starts whose rate goes in a straight line from one value to another and stays there.
    Ramp {
        /// Rate at the start.
        from: PerSecond,
        /// Rate at the end of the ramp.
        to: PerSecond,
        /// Length of the ramp.
        over: Micros,
    },
    /// A fixed number of users who think between answers.
    Closed {
        /// Users.
        users: u32,
        /// Law of the think time, in microseconds.
        think: DurationSpec,
    },
    /// Recorded requests, one by one.
    Trace(TraceReplay),
    /// Recorded traffic as counts per interval with token quantile tables.
    Recorded(RecordedReplay),
}

/// On-off traffic in the form that people think of it (`mean`, burst factor, share, length).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnOffSpec {
    /// Mean rate over both states.
    pub rate: PerSecond,
    /// Rate in a burst over the mean rate, above 1.
    pub burst_factor: f64,
    /// Share of time in bursts; `burst_factor × burst_share < 1`.
    pub burst_share: f64,
    /// Mean length of a burst.
    pub burst_length: Micros,
}

/// A law of durations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DurationSpec {
    /// Always the same.
    Fixed(Micros),
    /// Exponential with this mean.
    Exponential {
        /// The mean.
        mean: Micros,
    },
    /// Lognormal through two quantiles.
    Lognormal {
        /// Median.
        p50: Micros,
        /// 99th percentile.
        p99: Micros,
    },
}

/// How a trace is scaled (`time compression`, `thinning by session`, `superposition`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplayScale {
    /// Time compression: 2 plays the trace in half its time.
    pub speed: f64,
    /// Share of sessions kept, chosen by hash of the session; requests without one count singly.
    pub keep: Ratio,
    /// Copies laid over each other, each session of a copy shifted as a whole.
    pub copies: u32,
    /// The largest shift of a session of a further copy, to either side.
    pub shift: Micros,
    /// Start again from the beginning when the trace ends before the run does.
    pub repeat: bool,
}

impl Default for ReplayScale {
    fn default() -> Self {
        Self {
            speed: 1.0,
            keep: Ratio::ONE,
            copies: 1,
            shift: Micros::MINUTE,
            repeat: false,
        }
    }
}

/// A replay of recorded requests.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceReplay {
    /// The requests.
    pub trace: Arc<Trace>,
    /// How they are scaled.
    pub scale: ReplayScale,
    /// When the later calls of a session start.
    pub sessions: ReplaySessions,
}

/// When the later calls of a recorded session start.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ReplaySessions {
    /// When they did, whatever becomes of the answers before them.
    #[default]
    AsRecorded,
    /// After the answer to the call before them, as people and agents do who wait for it.
    Dependent {
        /// How long the answer to each row took when it was recorded. Where it is unknown (`None`, or the list
        /// is too short), the next call starts as long after this one as it did, and not before its answer.
        took: Arc<[Option<Micros>]>,
    },
}

/// A replay of recorded counts per interval.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedReplay {
    /// The figures.
    pub recording: Arc<Recording>,
    /// How they are scaled; `keep` thins each interval's count by request, as no sessions are known.
    pub scale: ReplayScale,
}

/// A factor on the rate over time.
#[derive(Clone, Debug, PartialEq)]
pub enum ShapeSpec {
    /// 168 factors, Monday 00:00 first, joined by straight lines, scaled to mean 1.
    HourOfWeek {
        /// The factors, one for the middle of each hour.
        factors: Vec<f64>,
        /// Hour of the week at which the run begins, in `[0, 168)`.
        start_hour: f64,
    },
    /// Points joined by straight lines; constant before the first and after the last.
    Ramp {
        /// Moments since the run began, ascending, with the factor there.
        points: Vec<(Micros, f64)>,
    },
    /// Steps: from each moment on, the factor; 1 before the first.
    Steps {
        /// Moments since the run began, ascending, with the factor from there on.
        steps: Vec<(Micros, f64)>,
    },
    /// A spike: the factor between `at` and `at + length`, 1 elsewhere.
    Spike {
        /// When it begins.
        at: Micros,
        /// How long it lasts.
        length: Micros,
        /// The factor while it lasts.
        factor: f64,
    },
}

/// How much a model thinks before it answers.
#[derive(Clone, Debug, PartialEq)]
pub enum ThinkingSpec {
    /// A share of the output tokens.
    Share(Ratio),
    /// Tokens that come on top of the output.
    Tokens(SizeSpec),
}

/// A law of token counts. Draws are rounded to whole tokens, at least 1.
#[derive(Clone, Debug, PartialEq)]
pub enum SizeSpec {
    /// Always the same.
    Fixed(u32),
    /// Lognormal through two quantiles.
    Lognormal {
        /// Median.
        p50: f64,
        /// 99th percentile.
        p99: f64,
    },
    /// Quantiles `(share, tokens)` ascending in both, joined by straight lines in tokens.
    /// The first share is 0 and the last is 1.
    Quantiles(Vec<(f64, f64)>),
    /// A mixture: weight and law of each part; weights are positive and need not sum to 1.
    Mixture(Vec<(f64, SizeSpec)>),
}

/// What prompts are made of beside their input tokens and a single prefix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContextSpec {
    /// Cache points in the order of the prompt; they take the place of [`TrafficSpec::prefix`].
    pub points: Vec<PointSpec>,
    /// Whether points are marked; otherwise their tokens are sent, and not cached.
    pub marked: bool,
    /// The life of a cache point that moves along with the newest message of a session, if it has one.
    pub history: Option<CacheTtl>,
    /// The name under which workloads share content; without one each has its own.
    pub shared: Option<String>,
    /// Whether each arrival begins a session, and how it goes on.
    pub session: Option<SessionSpec>,
}

/// A part of a prompt that ends in a cache point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointSpec {
    /// Where it stands.
    pub part: PromptPart,
    /// Its tokens; they come on top of the input tokens.
    pub tokens: u32,
    /// How many different contents it has, each equally often.
    pub variants: u32,
    /// How long it lives in the cache.
    pub ttl: CacheTtl,
    /// Whether each request of a session draws its content anew.
    pub per_request: bool,
}

/// A part of a prompt, in the order in which a cache sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PromptPart {
    /// The declared tools.
    Tools,
    /// The system prompt.
    System,
    /// The messages.
    Messages,
}

/// Sessions: each answer and each next message stay in the prompt.
///
/// Turn n sends S + n·u + (n−1)·o tokens, where S is before the messages, u are the tokens of a
/// message and o those of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionSpec {
    /// How many turns it has, at most [`MOST_TURNS`].
    pub turns: SizeSpec,
    /// From an answer to the user's next message.
    pub think: DurationSpec,
    /// Tokens of the user's later messages; `None`: as those of the first, [`TrafficSpec::input`].
    pub user: Option<SizeSpec>,
    /// The model's use of tools, if it has some.
    pub tools: Option<ToolLoopSpec>,
}

/// Use of tools: the answer asks for one, and its result begins the next call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolLoopSpec {
    /// The share of answers that use a tool.
    pub share: Ratio,
    /// From such an answer to the call that brings the result.
    pub latency: DurationSpec,
    /// Tokens of the result.
    pub result: SizeSpec,
    /// The most uses in one turn, at most [`MOST_TOOL_CALLS`].
    pub max_calls: u32,
}

/// The most turns of a session.
pub const MOST_TURNS: u32 = 1000;
/// The most uses of tools in one turn.
pub const MOST_TOOL_CALLS: u32 = 64;
