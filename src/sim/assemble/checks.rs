//! What a model cannot do, and what a simulation cannot.

use super::Joiner;
use crate::client::spec::{RetryPolicy, SdkRetries};
use crate::domain::{CacheTtl, ModelProfile};
use crate::scenario::Workload;

impl Joiner<'_> {
    /// What a simulation cannot do as the scenario asks.
    pub(super) fn note_stand_ins(&mut self) {
        let retry = self.variant.client.retry;
        if let RetryPolicy::Sdk { mode, .. } = retry {
            let stand_in = match mode {
                SdkRetries::Standard => "its `standard` mode as it is by default",
                SdkRetries::Adaptive => {
                    "its `standard` mode, without the rate limiter of `adaptive`"
                }
            };
            self.notes.push(format!(
                "`client.retry.sdk` hands retries to the AWS SDK for Rust when run live; in virtual \
                 time {stand_in} stands in (`aws_standard_2_0`)"
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
        let Some(prefix) = workload.traffic.prefix.filter(|prefix| prefix.marked) else {
            return;
        };
        let path = format!("workload.{}.cache", workload.name);
        match &model.cache {
            None => self.problem(
                &path,
                format!("{} has no prompt cache", model.title),
                "leave out `cache`, or choose another model",
            ),
            Some(cache) if prefix.ttl == CacheTtl::OneHour && !cache.one_hour => self.problem(
                &format!("{path}.ttl"),
                format!(
                    "{} keeps cached prefixes for five minutes only",
                    model.title
                ),
                "write `ttl = \"5m\"`",
            ),
            Some(cache) if u64::from(prefix.tokens) < cache.min_tokens.0 => {
                self.warnings.push(format!(
                    "workload `{}`: a prefix of {} tokens is below the {} that {} caches; nothing \
                     will be cached",
                    workload.name, prefix.tokens, cache.min_tokens.0, model.title
                ));
            }
            Some(_) => {}
        }
    }
}
