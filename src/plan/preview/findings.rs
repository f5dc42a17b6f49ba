//! What the figures of a preview mean, in sentences.

use super::words::{count, percent, rate};
use super::{BoughtPreview, Level, QuotaPreview, Verdict, WorkloadPreview};
use crate::plan::Binding;
use crate::sim::Assembled;

/// Answers cut beyond this share are worth a warning.
const MOST_TRUNCATED: f64 = 0.001;
/// A rate lost to reservations beyond this share is worth a sentence.
const NOTABLE_LOSS: f64 = 0.1;

/// The worst that happens, and why.
pub(super) fn verdict(quotas: &[QuotaPreview], bought: Option<&BoughtPreview>) -> Verdict {
    // Where bought capacity overflows, the quotas decide.
    if let Some(bought) = bought.filter(|bought| !bought.overflows) {
        return bought_verdict(bought);
    }
    let Some(worst) = quotas.iter().max_by(|a, b| {
        let use_of = |quota: &QuotaPreview| used_most(quota).1;
        (a.level.cmp(&b.level)).then(use_of(a).total_cmp(&use_of(b)))
    }) else {
        return Verdict {
            level: Level::Fits,
            reason: "nothing limits it".to_owned(),
        };
    };
    Verdict {
        level: worst.level,
        reason: reason(worst),
    }
}

fn bought_verdict(bought: &BoughtPreview) -> Verdict {
    let (input, output) = (bought.input_share, bought.output_share);
    let (side, (mean, peak)) = if input.1 >= output.1 {
        ("input", input)
    } else {
        ("output", output)
    };
    Verdict {
        level: bought.level,
        reason: format!(
            "the {side} side is {} full on average and {} in the busiest minute",
            percent(mean),
            percent(peak)
        ),
    }
}

/// The limit that is used most at the peak (for TPD on average), with its share.
fn used_most(quota: &QuotaPreview) -> (Binding, f64) {
    let result = &quota.headroom;
    let mut most = (Binding::TokensPerMinute, result.tpm_share);
    for (binding, share) in [
        (Binding::RequestsPerMinute, result.rpm_share),
        (Binding::TokensPerDay, result.tpd_share),
    ] {
        if let Some(share) = share
            && share > most.1
        {
            most = (binding, share);
        }
    }
    most
}

fn reason(quota: &QuotaPreview) -> String {
    let result = &quota.headroom;
    if quota.load.reserved(quota.rules) > quota.limits.tpm.0 as f64 {
        return format!(
            "{}: one request reserves {} tokens, more than the whole quota of {}",
            place(quota),
            whole(result.reserved_per_request),
            quota.limits.tpm
        );
    }
    let (binding, share) = used_most(quota);
    let (carried, offered, when) = match binding {
        Binding::TokensPerMinute => (result.tpm_rate, quota.load.peak_rate, "busiest minute"),
        Binding::RequestsPerMinute => (
            result.rpm_rate.unwrap_or_default(),
            quota.peak_request_rate,
            "busiest minute",
        ),
        Binding::TokensPerDay => (
            result.tpd_rate.unwrap_or_default(),
            quota.load.rate,
            "average",
        ),
    };
    let (offered, when) = if quota.level == Level::ThrottlesAlways {
        (quota.load.rate, "average")
    } else {
        (offered, when)
    };
    let of_max = match quota.level {
        Level::Fits => format!(", {} used", percent(share)),
        Level::ThrottlesAtPeaks | Level::ThrottlesAlways => String::new(),
    };
    format!(
        "{}: {} carry {} requests/s, the {when} asks {}{of_max}",
        place(quota),
        in_words(binding),
        rate(carried.0),
        rate(offered.0),
    )
}

fn place(quota: &QuotaPreview) -> String {
    format!("{} ({})", quota.model, quota.kind)
}

fn in_words(binding: Binding) -> &'static str {
    match binding {
        Binding::TokensPerMinute => "tokens per minute",
        Binding::RequestsPerMinute => "requests per minute",
        Binding::TokensPerDay => "tokens per day",
    }
}

/// What a reader can do about the figures.
pub(super) fn findings(
    workloads: &[WorkloadPreview],
    quotas: &[QuotaPreview],
    bought: Option<&BoughtPreview>,
) -> Vec<String> {
    let mut list = Vec::new();
    if let Some(bought) = bought.filter(|bought| bought.overflow_share > 0.0) {
        let fate = if bought.overflows {
            "go on to on-demand quota"
        } else {
            "find it full"
        };
        list.push(format!(
            "{} of requests come in minutes beyond the bought capacity and {fate}",
            percent(bought.overflow_share)
        ));
    }
    list.extend(workloads.iter().filter_map(super::batch::finding));
    list.extend(workloads.iter().filter_map(optimized));
    for quota in quotas {
        reservations(quota, workloads, &mut list);
        readings(quota, &mut list);
    }
    list
}

/// What becomes of calls that ask for latency-optimised inference.
fn optimized(workload: &WorkloadPreview) -> Option<String> {
    let share = workload.optimized_share.filter(|&share| share < 1.0)?;
    Some(format!(
        "the quota of latency-optimised inference takes about {} of `{}`; the rest is served and \
         billed as standard",
        percent(share),
        workload.name
    ))
}

/// What `max_tokens` costs, and what to set it to.
fn reservations(quota: &QuotaPreview, workloads: &[WorkloadPreview], list: &mut Vec<String>) {
    let result = &quota.headroom;
    // No traffic loses nothing.
    if quota.load.rate.0 <= 0.0 {
        return;
    }
    let own: Vec<&WorkloadPreview> = workloads
        .iter()
        .filter(|workload| quota.workloads.contains(&workload.name))
        .collect();
    let max_tokens = match own.as_slice() {
        [one] if one.max_tokens_is_set => format!("max_tokens {}", count(one.max_tokens)),
        [one] => format!("unset max_tokens (the model's {})", count(one.max_tokens)),
        _ => format!("max_tokens (mean {})", count(quota.load.max_tokens)),
    };
    let settled_only = quota.limits.tpm.0 as f64 / (60.0 * result.settled_per_request);
    if let Some(at) = result.throttled_by_max_tokens_at {
        list.push(format!(
            "{}: {max_tokens} alone throttles you at {} requests/s; what answers really use would \
             fit up to {}",
            place(quota),
            rate(at.0),
            rate(settled_only)
        ));
    } else if result.lost_to_reservation > NOTABLE_LOSS {
        list.push(format!(
            "{}: {max_tokens} costs {} of the rate that this quota could carry ({} instead of {} \
             requests/s)",
            place(quota),
            percent(result.lost_to_reservation),
            rate(result.tpm_rate.0),
            rate(settled_only)
        ));
    }
    if result.tpm_share > 1.0 {
        list.push(match (result.fitting_max_tokens, own.len()) {
            (Some(most), 1) => format!(
                "{}: the busiest minute fits with max_tokens up to {}",
                place(quota),
                count(most)
            ),
            (Some(most), _) => format!(
                "{}: the busiest minute fits with a mean max_tokens of up to {}",
                place(quota),
                count(most)
            ),
            (None, _) => format!(
                "{}: no max_tokens makes the busiest minute fit; ask for {} tokens/min, spread the \
                 load, or buy capacity",
                place(quota),
                count((quota.limits.tpm.0 as f64 * result.tpm_share).ceil() as u64)
            ),
        });
    }
    right_size(quota, own.len() == 1, list);
}

/// What to lower `max_tokens` to, and what that gives.
fn right_size(quota: &QuotaPreview, alone: bool, list: &mut Vec<String>) {
    let Some(sizing) = &quota.right_size else {
        return;
    };
    let gain = match sizing.result.gain {
        Some(gain) if gain > 1.01 => format!("+{}", percent(gain - 1.0)),
        None if sizing.result.max_rate.0 > 0.0 => "from nothing".to_owned(),
        _ => return,
    };
    let values: Vec<String> = sizing
        .max_tokens
        .iter()
        .map(|(name, tokens)| {
            if alone {
                count(u64::from(*tokens))
            } else {
                format!("{} for `{name}`", count(u64::from(*tokens)))
            }
        })
        .collect();
    list.push(format!(
        "{}: lower max_tokens to {} (p99.9 of the output): {gain}, {} requests/s",
        place(quota),
        values.join(" and "),
        rate(sizing.result.max_rate.0)
    ));
}

/// Whether the answer hangs on how AWS enforces the quota.
fn readings(quota: &QuotaPreview, list: &mut Vec<String>) {
    let peak = quota.load.peak_rate.0;
    let bounds = quota.tpm_bounds;
    let fits = [bounds.a, bounds.b, bounds.c].map(|bound| peak <= bound.0);
    if fits.contains(&true) && fits.contains(&false) {
        let names: Vec<&str> = ["A", "B", "C"]
            .into_iter()
            .zip(fits)
            .filter_map(|(name, fits)| fits.then_some(name))
            .collect();
        list.push(format!(
            "{}: the busiest minute fits under reading {} of the enforcement only; this scenario \
             assumes {}",
            place(quota),
            names.join(" and "),
            quota.rules.semantics
        ));
    }
}

/// What stands in the way of trusting or running this.
pub(super) fn warnings(assembled: &Assembled, workloads: &[WorkloadPreview]) -> Vec<String> {
    let mut list = Vec::new();
    for workload in workloads {
        let name = &workload.name;
        if workload.truncated_share > MOST_TRUNCATED {
            let p999 = workload.output.p999.map_or_else(
                || "the output is longer at times".to_owned(),
                |tokens| format!("p99.9 of output is {}", count(u64::from(tokens))),
            );
            list.push(format!(
                "workload `{name}`: {p999}, max_tokens {} cuts {} of answers",
                count(workload.max_tokens),
                percent(workload.truncated_share)
            ));
        }
        if workload.measured_span < assembled.setup.duration {
            list.push(format!(
                "workload `{name}`: peaks and sizes are those of its first {}; the run of {} is too \
                 long to draw whole",
                workload.measured_span, assembled.setup.duration
            ));
        }
        if workload.requests < 1.0 {
            list.push(format!("workload `{name}` has no requests in this run"));
        }
        if workload.token_cost.is_none() {
            list.push(format!(
                "price book {} has no token price for {} in this scope: cost is not known",
                assembled.context.price_book.0, workload.model
            ));
        }
    }
    let in_flight: f64 = workloads.iter().map(|workload| workload.in_flight).sum();
    if let Some(most) = assembled.setup.client.concurrency
        && in_flight > f64::from(most)
    {
        list.push(format!(
            "{} requests are in flight on average, but `client.concurrency` is {}: they will queue \
             in the client",
            whole(in_flight),
            count(u64::from(most))
        ));
    }
    list
}

fn whole(value: f64) -> String {
    count(value.round() as u64)
}
