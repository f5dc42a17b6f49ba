//! What a model cannot do, and what a simulation cannot.

use super::Joiner;
use crate::client::spec::{RetryPolicy, SdkRetries};
use crate::domain::{CacheTtl, ModelProfile};
use crate::load::spec::TrafficSpec;
use crate::scenario::Workload;

impl Joiner<'_> {
    /// What a simulation cannot do as the scenario asks.
    pub(super) fn note_stand_ins(&mut self) {
        let retry = self.variant.client.retry;
        if let RetryPolicy::Sdk { mode, .. } = retry {
            let stand_in = match mode {
                SdkRetries::Standard => "",
                SdkRetries::Adaptive => " behind the SDK's rate limiter",
            };
            self.notes.push(format!(
                "`client.retry.sdk` hands retries to the AWS SDK for Rust when run live; in virtual \
                 time its `{}` mode as it is by default stands in (`aws_standard_2_0`{stand_in})",
                match mode {
                    SdkRetries::Standard => "standard",
                    SdkRetries::Adaptive => "adaptive",
                }
            ));
        }
    }

    pub(super) fn check_limits(&mut self, workload: &Workload, model: &ModelProfile) {
        if let Some(max_tokens) = workload.max_tokens
            && u64::from(max_tokens) > model.max_output.0
        {
            self.problem(
                &format!("workload.{}.max_tokens", workload.name),
                format!(
                    "{} answers with at most {} tokens",
                    model.title, model.max_output.0
                ),
                "Bedrock refuses more with a ValidationException; lower it, or leave it out to \
                 reserve the model's maximum",
            );
        }
        let Some(cached) = Cached::of(&workload.traffic) else {
            return;
        };
        let path = format!("workload.{}.cache", workload.name);
        match &model.cache {
            None => self.problem(
                &path,
                format!("{} has no prompt cache", model.title),
                "leave out `cache`, or choose another model",
            ),
            Some(cache) if cached.has_hour && !cache.one_hour => self.problem(
                &format!("{path}.ttl"),
                format!(
                    "{} keeps cached prefixes for five minutes only",
                    model.title
                ),
                "write `ttl = \"5m\"`",
            ),
            Some(cache) => {
                let own = cache.min_tokens.0;
                let least = self.variant.service.cache.min_tokens.map(u64::from);
                if let Some(least) = least.filter(|least| *least != own) {
                    let note = format!(
                        "{} caches prefixes of {own} tokens or more; `cache.min_tokens` of the \
                         scenario takes {least} instead",
                        model.title
                    );
                    if !self.notes.contains(&note) {
                        self.notes.push(note);
                    }
                }
                let least = least.unwrap_or(own);
                if cached.most_tokens.is_some_and(|n| n < least) {
                    self.warnings.push(format!(
                        "workload `{}`: a prefix of {} tokens is below the {least} that {} caches; \
                         nothing will be cached",
                        workload.name,
                        cached.most_tokens.unwrap_or_default(),
                        model.title
                    ));
                }
            }
        }
    }
}

/// What a workload wants of the cache.
struct Cached {
    has_hour: bool,
    /// Tokens before its last point; `None` if they grow.
    most_tokens: Option<u64>,
}

impl Cached {
    fn of(traffic: &TrafficSpec) -> Option<Self> {
        if let Some(prefix) = traffic.prefix {
            return prefix.marked.then_some(Self {
                has_hour: prefix.ttl == CacheTtl::OneHour,
                most_tokens: Some(u64::from(prefix.tokens)),
            });
        }
        let context = &traffic.context;
        let lives = context.points.iter().map(|point| point.ttl);
        if !context.marked || (context.points.is_empty() && context.history.is_none()) {
            return None;
        }
        let tokens = context.points.iter().map(|point| u64::from(point.tokens));
        Some(Self {
            has_hour: lives
                .chain(context.history)
                .any(|ttl| ttl == CacheTtl::OneHour),
            most_tokens: context.history.is_none().then(|| tokens.sum()),
        })
    }
}
