//! What breaks first, told by what was counted at the load that fails.

use super::point::{Estimated, Measured};
use crate::domain::{LatencyBound, LatencyMetric, Slo};
use crate::measure::Tally;
use crate::plan::Preview;
use crate::plan::preview::words::{count, percent, rate};
use crate::results::BindsSummary;
use crate::service::QuotaReport;
use crate::sim::RunSetup;
use crate::units::Micros;

/// What breaks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Cause {
    /// Tokens per minute, held by reservations for answers that are shorter.
    TpmReservation,
    /// Tokens per minute, used.
    Tpm,
    /// Requests per minute.
    Rpm,
    /// Tokens per day.
    Tpd,
    /// The account's tokens per day.
    AccountTpd,
    /// What was bought.
    Bought,
    /// Answers at the same time that Regions give.
    Regions,
    /// A quota of a guardrail.
    Guardrail,
    /// Places of the client, for which requests wait.
    Concurrency,
    /// The client's queue, from which requests fall.
    Queue,
    /// The client's clock.
    Timeout,
    /// Server errors.
    Errors,
    /// Prompts beyond the context window.
    Context,
    /// The service's own time.
    Latency,
}

/// What breaks first, with its evidence.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Binds {
    pub cause: Cause,
    /// In a few words, with the model.
    pub what: String,
    pub evidence: String,
    /// The quota, where it is one.
    pub quota: Option<QuotaReport>,
}

/// A right-sized `max_tokens` that carries this much more says that reservations fill the quota.
const NOTABLE_GAIN: f64 = 1.1;

impl Binds {
    /// The same with what the closed forms know: a quota that a fitting `max_tokens` would relieve is
    /// full of reservations, whatever its peaks were.
    pub(in crate::plan) fn refined(mut self, preview: &Preview) -> Self {
        let Some(quota) = self.quota.as_ref().filter(|_| self.cause == Cause::Tpm) else {
            return self;
        };
        let mut own = preview
            .quotas
            .iter()
            .filter(|one| (&one.model, one.kind) == (&quota.model, quota.kind));
        let relieved = own.any(|one| {
            let sized = one.right_size.as_ref();
            sized.is_some_and(|sized| sized.result.gain.is_some_and(|gain| gain >= NOTABLE_GAIN))
        });
        if relieved {
            self.cause = Cause::TpmReservation;
            self.cause.words().clone_into(&mut self.what);
        }
        self
    }

    pub(in crate::plan) fn summary(&self) -> BindsSummary {
        BindsSummary {
            kind: self.cause.name().to_owned(),
            what: self.what.clone(),
            evidence: self.evidence.clone(),
        }
    }
}

impl Cause {
    fn name(self) -> &'static str {
        match self {
            Self::TpmReservation => "tpm_reservation",
            Self::Tpm => "tpm",
            Self::Rpm => "rpm",
            Self::Tpd => "tpd",
            Self::AccountTpd => "account_tpd",
            Self::Bought => "bought_capacity",
            Self::Regions => "region_capacity",
            Self::Guardrail => "guardrail",
            Self::Concurrency => "client_concurrency",
            Self::Queue => "client_queue",
            Self::Timeout => "client_timeout",
            Self::Errors => "errors",
            Self::Context => "context",
            Self::Latency => "latency",
        }
    }

    /// In a few words.
    fn words(self) -> &'static str {
        match self {
            Self::TpmReservation => "TPM, by reservation",
            Self::Tpm => "TPM",
            Self::Rpm => "RPM",
            Self::Tpd => "tokens per day",
            Self::AccountTpd => "account tokens/day",
            Self::Bought => "bought capacity",
            Self::Regions => "Region capacity",
            Self::Guardrail => "guardrail quota",
            Self::Concurrency => "client concurrency",
            Self::Queue => "client queue",
            Self::Timeout => "client timeout",
            Self::Errors => "server errors",
            Self::Context => "context window",
            Self::Latency => "latency",
        }
    }
}

/// Below this part of what admission counted, what a dashboard shows was not what filled the quota.
const MOSTLY_USED: f64 = 0.8;

/// What breaks at a load that fails.
pub(in crate::plan) fn binds(failing: &Measured, slo: &Slo) -> Binds {
    let all = failing.measures.overall();
    let missed = failing.missed().into_iter().next();
    let lost = losses(failing, &all).into_iter().max_by_key(|one| one.0);
    let bound = missed.and_then(|missed| bound_of(slo, missed));
    let by_loss = match (bound, &lost) {
        (_, None) => false,
        (None, Some(_)) => true,
        // Refusals that come as often as the quantile's tail delay or end it.
        (Some(bound), Some((lost, _))) => {
            let tail = 1.0 - bound.quantile.share();
            *lost as f64 >= 0.5 * tail * all.requests.offered as f64
        }
    };
    match lost {
        Some((_, binds)) if by_loss => binds,
        _ => by_time(failing, &all, missed, bound),
    }
}

fn bound_of(slo: &Slo, missed: &Estimated) -> Option<LatencyBound> {
    let name = |bound: &&LatencyBound| {
        format!("{}.{}", bound.metric, bound.quantile.name()) == missed.reading.name
    };
    slo.latency.iter().find(name).copied()
}

/// What refused, dropped or ended how many attempts.
fn losses(failing: &Measured, all: &Tally) -> Vec<(u64, Binds)> {
    let total = &failing.measures.total;
    let mut losses = Vec::new();
    for quota in &total.quotas {
        let refused = quota.stats.refused;
        if refused > 0
            && let Some(cause) = cause_of(quota, &failing.setup)
        {
            losses.push((refused, by_quota(failing, all, cause, quota)));
        }
    }
    let pools: u64 = total.pools.iter().map(|pool| pool.stats.unavailable).sum();
    let attempts = &all.attempts;
    let errors = attempts.unavailable.saturating_sub(pools) + attempts.failed;
    let has_faults = !failing.setup.endpoint.faults.is_empty();
    let cause = if has_faults || attempts.failed < all.requests.failed {
        Cause::Errors
    } else {
        Cause::Context
    };
    let of_attempts = |n: u64, what: &str| {
        format!(
            "{} of {} attempts {what} at {} requests/s",
            percent(n as f64 / attempts.sent.max(1) as f64),
            count(attempts.sent),
            rate(failing.rps)
        )
    };
    let of_requests = |n: u64, what: &str| {
        format!(
            "{} of {} requests {what} at {} requests/s",
            percent(n as f64 / all.requests.offered.max(1) as f64),
            count(all.requests.offered),
            rate(failing.rps)
        )
    };
    let others = [
        (
            Cause::Regions,
            pools,
            of_attempts(pools, "found no room in any Region (503)"),
        ),
        (cause, errors, of_attempts(errors, "failed with an error")),
        (
            Cause::Queue,
            all.requests.not_sent,
            of_requests(
                all.requests.not_sent,
                "were never sent: the client's queue was full or too slow",
            ),
        ),
        (
            Cause::Timeout,
            attempts.timed_out.max(all.requests.timed_out),
            of_attempts(attempts.timed_out, "were given up by the client's clock"),
        ),
    ];
    for (cause, lost, evidence) in others {
        if lost > 0 {
            losses.push((lost, plain(cause, evidence)));
        }
    }
    losses
}

fn plain(cause: Cause, evidence: String) -> Binds {
    Binds {
        cause,
        what: cause.words().to_owned(),
        evidence,
        quota: None,
    }
}

/// What a refusal by this quota means; `None` if what it refuses is served elsewhere.
fn cause_of(quota: &QuotaReport, setup: &RunSetup) -> Option<Cause> {
    let overflows = || {
        let mut routes = setup.endpoint.targets.iter().map(|target| target.route);
        routes.any(|route| route.counter().is_some())
    };
    match quota.name {
        "tpm" | "input_tpm" | "output_tpm" => {
            let stats = &quota.stats;
            let used = stats.peak_settled as f64 / (stats.peak_reserved.max(1)) as f64;
            Some(if used < MOSTLY_USED {
                Cause::TpmReservation
            } else {
                Cause::Tpm
            })
        }
        "rpm" => Some(Cause::Rpm),
        "tpd" => Some(Cause::Tpd),
        "account_tpd" => Some(Cause::AccountTpd),
        name if name.starts_with("guardrail") => Some(Cause::Guardrail),
        // What it does not take is served as standard.
        name if name.starts_with("latency_optimized") => None,
        _ => (!overflows()).then_some(Cause::Bought),
    }
}

fn by_quota(failing: &Measured, all: &Tally, cause: Cause, quota: &QuotaReport) -> Binds {
    let share = |peak: u64| percent(peak as f64 / quota.limit.max(1) as f64);
    let peaks = match cause {
        Cause::TpmReservation | Cause::Tpm => format!(
            "; at its peak it was {} reserved, and a dashboard would have shown {} used",
            share(quota.stats.peak_reserved),
            share(quota.stats.peak_settled)
        ),
        _ => String::new(),
    };
    let name = match quota.name {
        "account_tpd" => "the account's tokens per day".to_owned(),
        "tpm" | "rpm" | "tpd" => format!(
            "{} of {} ({})",
            quota.name.to_uppercase(),
            quota.model,
            quota.kind
        ),
        other if quota.model.is_empty() => other.replace('_', " "),
        other => format!("{} of {}", other.replace('_', " "), quota.model),
    };
    Binds {
        cause,
        what: cause.words().to_owned(),
        evidence: format!(
            "{name} refused {} of {} attempts at {} requests/s{peaks}",
            percent(quota.stats.refused as f64 / all.attempts.sent.max(1) as f64),
            count(all.attempts.sent),
            rate(failing.rps)
        ),
        quota: Some(quota.clone()),
    }
}

/// Nothing was lost to speak of: time it is, the client's or the service's.
fn by_time(
    failing: &Measured,
    all: &Tally,
    missed: Option<&Estimated>,
    bound: Option<LatencyBound>,
) -> Binds {
    let (Some(missed), Some(bound)) = (missed, bound) else {
        let what = missed.map_or("the objectives", |missed| missed.reading.name.as_str());
        let evidence = format!(
            "{what} could not be told apart from its bound in {} requests at {} requests/s",
            count(all.requests.offered),
            rate(failing.rps)
        );
        return plain(Cause::Latency, evidence);
    };
    let share = bound.quantile.share();
    let of_attempt = match bound.metric {
        LatencyMetric::Ttft => all.ttft.attempt().quantile(share),
        LatencyMetric::E2e => all.e2e.attempt().quantile(share),
        LatencyMetric::Tpot => all.tpot.quantile(share),
    };
    let seen = match missed.reading.seen {
        Some(ms) if ms.is_finite() => format!("{} s", rate(ms / 1000.0)),
        _ => "without end".to_owned(),
    };
    let name = missed.reading.name.replace('.', " ");
    let at = rate(failing.rps);
    let alone = of_attempt.map_or(f64::INFINITY, Micros::as_secs_f64);
    let waits = failing.setup.client.concurrency.is_some()
        && missed
            .reading
            .seen
            .is_some_and(|ms| ms / 1000.0 > 1.1 * alone);
    if waits {
        let evidence = format!(
            "{name} was {seen} at {at} requests/s, and {} s without the wait for a free place of the client",
            rate(alone)
        );
        return plain(Cause::Concurrency, evidence);
    }
    let is_full = |quota: &&QuotaReport| {
        quota.name == "model_units_streams" && quota.stats.peak_reserved >= quota.limit
    };
    if failing
        .measures
        .total
        .quotas
        .iter()
        .any(|quota| is_full(&quota))
    {
        let evidence =
            format!("{name} was {seen} at {at} requests/s, as answers shared the model units");
        return plain(Cause::Bought, evidence);
    }
    plain(
        Cause::Latency,
        format!("{name} was {seen} at {at} requests/s, and hardly anything was refused"),
    )
}
