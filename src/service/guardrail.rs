//! Guardrails: text units, their quotas, how long an evaluation takes, and what it decides.
//!
//! A text unit is up to 1,000 characters and each text is rounded up; the policies of a guardrail
//! look at a text at the same time. An input that is blocked costs its evaluation and no token of
//! the model; an answer that is blocked costs both evaluations and the call (user guide, "How
//! Amazon Bedrock Guardrails works").

use super::meter::Meter;
use super::quota::{QuotaReport, QuotaStats};
use crate::domain::{Failure, RefusalReason, ScopeKind, Window};
use crate::rng::Keyed;
use crate::units::{Micros, Moment, Ratio, Usd};

/// Characters in one text unit.
pub const UNIT_CHARACTERS: u64 = 1_000;

/// The 99 % quantile of the standard normal law.
const Z_P99: f64 = 2.326_347_874_040_840_8;

/// The text units of one text.
pub fn text_units(characters: u64) -> u32 {
    u32::try_from(characters.div_ceil(UNIT_CHARACTERS)).unwrap_or(u32::MAX)
}

/// What a guardrail can look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Policy {
    /// Harmful content.
    Content,
    /// Denied topics.
    Topics,
    /// Sensitive information, found by a model.
    Sensitive,
    /// Words and regular expressions.
    Words,
    /// Contextual grounding.
    Grounding,
    /// Automated reasoning.
    Reasoning,
}

impl Policy {
    /// All policies with their words in a scenario.
    pub const ALL: [(&str, Self); 6] = [
        ("content", Self::Content),
        ("topics", Self::Topics),
        ("sensitive", Self::Sensitive),
        ("words", Self::Words),
        ("grounding", Self::Grounding),
        ("reasoning", Self::Reasoning),
    ];

    /// Its word in a scenario.
    pub fn word(self) -> &'static str {
        let row = Self::ALL.iter().find(|row| row.1 == self);
        row.map_or("", |row| row.0)
    }

    /// The name of its quota in results.
    fn quota_name(self) -> &'static str {
        match self {
            Self::Content => "guardrail_content",
            Self::Topics => "guardrail_topics",
            Self::Sensitive => "guardrail_sensitive",
            Self::Words => "guardrail_words",
            Self::Grounding => "guardrail_grounding",
            Self::Reasoning => "guardrail_reasoning",
        }
    }
}

/// The tier of the content and topic policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GuardTier {
    /// The older one, in one Region.
    #[default]
    Classic,
    /// The newer one, which routes across Regions.
    Standard,
}

/// Which part of a prompt is guarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GuardedText {
    /// All of it.
    #[default]
    All,
    /// What the user says, without the system prompt and the stable prefix.
    User,
}

/// How an answer meets its guardrail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OutputMode {
    /// It is not streamed, and is evaluated when it is whole.
    #[default]
    Whole,
    /// Chunks of a stream are held back until they are evaluated.
    Sync,
    /// Chunks pass at once. What is found is found too late, and nothing can be masked.
    Async,
}

/// A guardrail as a scenario describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardSpec {
    /// Its name, which is also its id in calls.
    pub name: String,
    /// The version that live calls name.
    pub version: String,
    /// What it looks for.
    pub policies: Vec<Policy>,
    /// The tier of its content and topic policies.
    pub tier: GuardTier,
    /// Which part of a prompt it looks at.
    pub guard: GuardedText,
    /// Share of inputs that it blocks.
    pub input_block: Ratio,
    /// Share of answers that it blocks.
    pub output_block: Ratio,
    /// Share of answers in which it masks something; they are not among the blocked ones.
    pub mask: Ratio,
    /// How streams meet it: [`OutputMode::Sync`] or [`OutputMode::Async`].
    pub stream: OutputMode,
    /// Median and 99th percentile of one evaluation.
    pub latency: (Micros, Micros),
    /// Characters of a chunk that `sync` holds back.
    pub chunk_chars: u32,
    /// Characters of one token.
    pub chars_per_token: f64,
    /// Text units per second of every policy, where the account has others than the defaults.
    pub units_per_second: Option<u64>,
    /// Text units of a burst, likewise.
    pub burst: Option<u64>,
}

impl GuardSpec {
    /// Text units of the guarded part of a prompt of `user` tokens after a prefix of `prefix`.
    pub fn input_units(&self, prefix: u64, user: u64) -> u32 {
        let tokens = match self.guard {
            GuardedText::All => prefix + user,
            GuardedText::User => user,
        };
        self.units_of(tokens)
    }

    /// Text units of a text of `tokens`.
    pub fn units_of(&self, tokens: u64) -> u32 {
        // Rounding must not make a unit of what falls short of a character.
        text_units((tokens as f64 * self.chars_per_token + 1e-6) as u64)
    }
}

/// Text units per second with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitQuota {
    /// Text units that come back in a second.
    pub per_second: u64,
    /// Text units that can be taken at once.
    pub burst: u64,
}

/// A guardrail with the quotas and prices of its Region.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardSetup {
    /// What it is.
    pub spec: GuardSpec,
    /// The quota of each of its policies that has one.
    pub quotas: Vec<(Policy, UnitQuota)>,
    /// The most text units of one input.
    pub max_input_units: u32,
    /// Calls of `ApplyGuardrail` per second.
    pub applies_per_second: u64,
    /// Dollars for one text unit through all policies; `None` if a price is not known.
    pub per_unit: Option<Usd>,
    /// The same by policy; empty if no price is known.
    pub prices: Vec<(Policy, Usd)>,
}

/// The guardrail of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetGuard {
    /// An index into the guardrails of the endpoint.
    pub guardrail: usize,
    /// How its answers meet it.
    pub mode: OutputMode,
}

/// Which guardrail a call meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screening {
    /// That of its target, by the sizes of the call.
    #[default]
    AsSet,
    /// None.
    Off,
    /// The one that the call names.
    Named {
        /// Which, and how the answer meets it.
        guard: TargetGuard,
        /// Text units of the guarded input.
        units: u32,
        /// Whether a word of the guardrail stands in it.
        found: bool,
    },
}

/// What a guardrail decides about a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found.
    #[default]
    Passed,
    /// The input is blocked: the model is not asked.
    InputBlocked,
    /// The answer is blocked.
    OutputBlocked,
    /// Something in the answer is masked.
    Masked,
}

/// How a call meets its guardrail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screened {
    /// The guardrail, an index into those of the endpoint.
    pub guardrail: u32,
    /// Text units of the input.
    pub input_units: u32,
    /// Text units of the whole answer.
    pub output_units: u32,
    /// What is decided.
    pub verdict: Verdict,
    /// How the answer meets it.
    pub mode: OutputMode,
    /// How long the evaluation of the input takes.
    pub input_takes: Micros,
    /// How long the evaluation of the answer, or of each chunk of it, takes.
    pub output_takes: Micros,
    /// Tokens of a chunk that is held back.
    pub chunk_tokens: u32,
}

impl Screened {
    /// Text units that an answer cost of which `produced` of `output` tokens came.
    pub fn units_of(&self, produced: u32, output: u32) -> u32 {
        if produced >= output {
            return self.output_units;
        }
        let share = u64::from(self.output_units) * u64::from(produced);
        share.div_ceil(u64::from(output.max(1))) as u32
    }

    /// Whether the client saw what was blocked afterwards.
    pub fn leaked(&self) -> bool {
        self.verdict == Verdict::OutputBlocked && self.mode == OutputMode::Async
    }
}

/// A guardrail at work.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    spec: GuardSpec,
    meters: Vec<UnitMeter>,
    applies: Meter,
    max_input: u32,
    /// Mean and deviation of the logarithm of an evaluation's microseconds.
    law: (f64, f64),
    chunk_tokens: u32,
    input: Keyed,
    output: Keyed,
    time: Keyed,
}

/// A policy's text units.
#[derive(Clone, Debug)]
struct UnitMeter {
    policy: Policy,
    meter: Meter,
    refused: u64,
}

/// A bucket that holds `burst` and refills at `per_second`.
fn bucket(quota: UnitQuota) -> Meter {
    let burst = quota.burst.max(1);
    let span = burst.saturating_mul(1_000_000) / quota.per_second.max(1);
    Meter::new(Window::Bucket, burst, Micros(span.max(1)))
}

impl Guard {
    pub(super) fn new(setup: &GuardSetup, seed: u64) -> Self {
        let spec = setup.spec.clone();
        let (p50, p99) = (
            spec.latency.0.0.max(1) as f64,
            spec.latency.1.0.max(1) as f64,
        );
        let per_token = spec.chars_per_token.max(0.01);
        let keyed = |what: &str| Keyed::new(seed, &format!("guardrail/{}/{what}", spec.name));
        Self {
            meters: setup
                .quotas
                .iter()
                .map(|&(policy, quota)| UnitMeter {
                    policy,
                    meter: bucket(quota),
                    refused: 0,
                })
                .collect(),
            applies: bucket(UnitQuota {
                per_second: setup.applies_per_second,
                burst: setup.applies_per_second,
            }),
            max_input: setup.max_input_units,
            law: (p50.ln(), (p99 / p50).ln().max(0.0) / Z_P99),
            chunk_tokens: ((f64::from(spec.chunk_chars) / per_token).ceil() as u32).max(1),
            input: keyed("input"),
            output: keyed("output"),
            time: keyed("latency"),
            spec,
        }
    }

    /// Text units of the guarded part of a prompt of `user` tokens after a prefix of `prefix`.
    pub(super) fn input_units(&self, prefix: u64, user: u64) -> u32 {
        self.spec.input_units(prefix, user)
    }

    fn units_of(&self, tokens: u64) -> u32 {
        self.spec.units_of(tokens)
    }

    fn takes(&self, z: f64) -> Micros {
        Micros((self.law.0 + self.law.1 * z).exp().round() as u64)
    }

    /// Whether every policy has room for `units`. An input larger than a burst needs a full one.
    pub(super) fn check(&mut self, now: Moment, units: u32) -> Result<(), Failure> {
        if units > self.max_input {
            return Err(Failure::Validation);
        }
        let units = i64::from(units);
        for one in &mut self.meters {
            if one.meter.available(now) < units.min(one.meter.limit()) {
                one.refused += 1;
                return Err(Failure::Throttled(RefusalReason::Guardrail));
            }
        }
        Ok(())
    }

    /// Whether a call of `ApplyGuardrail` may be made at all.
    pub(super) fn check_apply(&mut self, now: Moment) -> Result<(), Failure> {
        if !self.applies.fits(now, 1) {
            return Err(Failure::Throttled(RefusalReason::Guardrail));
        }
        self.applies.take(now, 1);
        Ok(())
    }

    /// Counts `units` against every policy.
    pub(super) fn take(&mut self, now: Moment, units: u32) {
        for one in &mut self.meters {
            one.meter.take_noting_peak(now, i64::from(units));
        }
    }

    /// What becomes of a call whose guarded input has `units` and whose answer shows `output`
    /// tokens. A word that was found blocks whatever the draw says.
    pub(super) fn decide(
        &self,
        key: u64,
        guard: TargetGuard,
        (units, found): (u32, bool),
        output: u32,
    ) -> Screened {
        let z = self.time.normal_pair(key);
        let mut screened = Screened {
            guardrail: guard.guardrail as u32,
            input_units: units,
            mode: guard.mode,
            input_takes: self.takes(z.0),
            chunk_tokens: self.chunk_tokens,
            ..Screened::default()
        };
        if found || self.input.uniform(key) < self.spec.input_block.get() {
            screened.verdict = Verdict::InputBlocked;
            return screened;
        }
        screened.output_units = self.units_of(u64::from(output));
        screened.output_takes = self.takes(z.1);
        screened.verdict = self.output_verdict(key, guard.mode);
        screened
    }

    fn output_verdict(&self, key: u64, mode: OutputMode) -> Verdict {
        let u = self.output.uniform(key);
        let blocked = self.spec.output_block.get();
        if u < blocked {
            Verdict::OutputBlocked
        } else if mode != OutputMode::Async && u < blocked + self.spec.mask.get() {
            Verdict::Masked
        } else {
            Verdict::Passed
        }
    }

    /// What `ApplyGuardrail` finds in a text, and how long that takes.
    pub(super) fn apply(&self, key: u64, is_input: bool, found: bool) -> (Verdict, Micros) {
        let takes = self.takes(self.time.normal(key));
        let verdict = if is_input {
            let blocked = found || self.input.uniform(key) < self.spec.input_block.get();
            if blocked {
                Verdict::InputBlocked
            } else {
                Verdict::Passed
            }
        } else if found {
            Verdict::OutputBlocked
        } else {
            self.output_verdict(key, OutputMode::Whole)
        };
        (verdict, takes)
    }

    pub(super) fn reports(&self) -> impl Iterator<Item = QuotaReport> + '_ {
        self.meters.iter().map(|one| QuotaReport {
            name: one.policy.quota_name(),
            model: self.spec.name.clone(),
            kind: ScopeKind::InRegion,
            region: None,
            limit: one.meter.limit() as u64,
            stats: QuotaStats {
                peak_reserved: one.meter.peak_use(),
                peak_settled: one.meter.peak_use(),
                refused: one.refused,
            },
        })
    }
}

#[cfg(test)]
mod tests;
