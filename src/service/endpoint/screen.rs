//! What a guardrail does to a call, and how a model ends its answers.

use super::{Call, Endpoint, Grant, ServedBy, Target};
use crate::domain::{Failure, StopReason, Usage};
use crate::rng::Keyed;
use crate::service::guardrail::{OutputMode, Screened, Screening, Verdict};
use crate::service::setup::{Behaviour, Route};
use crate::units::{Micros, Moment};

/// How a target's model ends its answers, with the draws.
#[derive(Clone, Debug)]
pub(super) struct Habits {
    behaviour: Behaviour,
    stops: Keyed,
    place: Keyed,
}

impl Habits {
    pub(super) fn new(behaviour: Behaviour, seed: u64, name: &str) -> Option<Self> {
        (behaviour != Behaviour::default()).then(|| Self {
            behaviour,
            stops: Keyed::new(seed, &format!("{name}/stop")),
            place: Keyed::new(seed, &format!("{name}/stop/place")),
        })
    }

    /// Why the answer ends, and after how many of its `output` tokens.
    fn end(&self, key: u64, output: u32) -> Option<(StopReason, u32)> {
        let u = self.stops.uniform(key);
        let filtered = self.behaviour.content_filtered;
        if u < filtered {
            let place = (self.place.uniform(key) * f64::from(output)) as u32;
            return Some((StopReason::ContentFiltered, place.max(1)));
        }
        let uses_tool = u < filtered + (1.0 - filtered) * self.behaviour.tool_use;
        uses_tool.then_some((StopReason::ToolUse, output))
    }
}

impl Target {
    /// Cuts the answer where the model, its bound or its context window ends it.
    #[inline]
    pub(super) fn end_answer(&self, call: &Call<'_>, usage: &mut Usage, bound: u32) -> StopReason {
        let mut stop = if call.output > bound {
            StopReason::MaxTokens
        } else {
            StopReason::EndTurn
        };
        let room = self.max_input.saturating_sub(usage.prompt());
        if u64::from(usage.output) > room {
            usage.output = (room as u32).max(1);
            stop = StopReason::ContextWindowExceeded;
        }
        if let Some(habits) = &self.habits
            && let Some((reason, output)) = habits.end(call.key, usage.output)
            && (stop == StopReason::EndTurn || reason == StopReason::ContentFiltered)
        {
            usage.output = output.min(usage.output);
            stop = reason;
        }
        stop
    }
}

impl Endpoint {
    /// What the call's guardrail decides, before the model is asked; nothing is counted yet.
    pub(super) fn screen(
        &mut self,
        now: Moment,
        call: &Call<'_>,
        usage: Usage,
    ) -> Result<Option<Screened>, Failure> {
        let (guard, given) = match call.screening {
            Screening::Off => return Ok(None),
            Screening::Named {
                guard,
                units,
                found,
            } => (guard, Some((units, found))),
            Screening::AsSet => match self.targets[call.target].guard {
                None => return Ok(None),
                Some(guard) => (guard, None),
            },
        };
        let Some(one) = self.guards.get_mut(guard.guardrail) else {
            return Ok(None);
        };
        let user = u64::from(call.input);
        let prefix = usage.prompt().saturating_sub(user);
        let (units, found) = given.unwrap_or_else(|| (one.input_units(prefix, user), false));
        one.check(now, units)?;
        let shown = usage.output - call.thinking.min(usage.output);
        Ok(Some(one.decide(call.key, guard, (units, found), shown)))
    }

    /// A call whose input is blocked: the guardrail answers, and nothing is reserved.
    pub(super) fn block_input(
        &mut self,
        now: Moment,
        call: &Call<'_>,
        screened: Screened,
    ) -> Grant {
        self.guards[screened.guardrail as usize].take(now, screened.input_units);
        self.totals.in_flight += 1;
        let at = now + screened.input_takes;
        Grant {
            served_by: match self.targets[call.target].route {
                Route::OnDemand { counter } => ServedBy::on_demand(self.counters[counter].kind),
                Route::Reserved { .. } => ServedBy::Reserved,
                Route::Units { .. } => ServedBy::ModelUnits,
                // Records of batch jobs are not calls.
                Route::Batch => ServedBy::default(),
            },
            stop: StopReason::GuardrailIntervened,
            first_token_at: at,
            done_at: Some(at),
            admitted_at: now,
            screened: Some(screened),
            ..Grant::default()
        }
    }

    /// Counts the input of a call that was admitted, and adds the evaluation of its answer.
    pub(super) fn guard_answer(&mut self, now: Moment, grant: &mut Grant, screened: Screened) {
        self.guards[screened.guardrail as usize].take(now, screened.input_units);
        if screened.verdict == Verdict::OutputBlocked {
            grant.stop = StopReason::GuardrailIntervened;
            grant.truncated = false;
        }
        if screened.mode != OutputMode::Async
            && let Some(done_at) = &mut grant.done_at
        {
            *done_at = *done_at + screened.output_takes;
        }
        grant.screened = Some(screened);
    }

    /// Counts the text units of an answer of which `output` tokens came.
    #[inline]
    pub(super) fn settle_guard(&mut self, now: Moment, grant: &Grant, output: u32) {
        if let Some(screened) = &grant.screened {
            let units = screened.units_of(output, grant.usage.output);
            if units > 0 {
                self.guards[screened.guardrail as usize].take(now, units);
            }
        }
    }

    /// `ApplyGuardrail` on a text of `units`: what is found, and how long that takes.
    ///
    /// # Errors
    /// A quota of the guardrail is full, or the text is too long for it.
    pub fn apply_guardrail(
        &mut self,
        now: Moment,
        (guardrail, key): (usize, u64),
        units: u32,
        (is_input, found): (bool, bool),
    ) -> Result<(Verdict, Micros), Failure> {
        let Some(guard) = self.guards.get_mut(guardrail) else {
            return Ok((Verdict::Passed, Micros::ZERO));
        };
        guard.check_apply(now)?;
        guard.check(now, units)?;
        guard.take(now, units);
        Ok(guard.apply(key, is_input, found))
    }
}

impl Grant {
    /// Tokens of the chunks that a guardrail holds back, and how long it takes over each; `None`
    /// where chunks pass at once.
    pub fn held_chunks(&self) -> Option<(u32, Micros)> {
        let screened = self.screened.as_ref()?;
        let holds = screened.mode == OutputMode::Sync && screened.verdict != Verdict::InputBlocked;
        holds.then_some((screened.chunk_tokens, screened.output_takes))
    }

    /// When the first content of any kind reaches the client: later than the first token where a
    /// guardrail holds the first chunk back. Reasoning is not guarded.
    #[inline]
    pub fn first_seen_at(&self) -> Moment {
        match &self.screened {
            Some(screened)
                if screened.mode == OutputMode::Sync
                    && self.thinking == 0
                    && screened.verdict != Verdict::InputBlocked =>
            {
                let tokens = screened.chunk_tokens.min(self.produces());
                let held = f64::from(tokens.saturating_sub(1)) * self.per_token_us;
                self.first_token_at + Micros(held as u64) + screened.output_takes
            }
            _ => self.first_token_at,
        }
    }
}
