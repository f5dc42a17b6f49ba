//! `[[workload]]`: one traffic stream with its sizes and cache.

use crate::config::{
    Section, boolean, count, float, list, pair, positive, share, text, unset_or, whole,
};
use crate::load::spec::{
    ArrivalSpec, ContextSpec, ReplaySessions, SizeSpec, ThinkingSpec, TrafficSpec,
};
use crate::units::Ratio;
use std::sync::Arc;

use super::cache::cache;
use super::files::Library;
use super::offers::offer;
use super::session::session;
use super::shape::shapes;
use super::traffic::arrival;
use super::{PromptSpec, Workload};

const SIZES: [&str; 4] = ["fixed", "lognormal", "quantiles", "mixture"];
/// No context window comes near; it keeps token sums far from overflow.
const MAX_TOKENS: i64 = u32::MAX as i64;

/// Reads one workload.
pub(super) fn workload(s: &mut Section<'_>, library: &Library<'_>) -> Option<Workload> {
    let name = s.required("name", text());
    let model = s.required("model", text());
    let max_tokens = s.or("max_tokens", unset_or(count(1..=MAX_TOKENS)), "unset");
    let stream = s.or("stream", boolean(), true);
    let scope = super::service::own_scope(s);
    let tags = s.table("tags", |s| s.named_values(&text()));
    let traffic = traffic(s, library);
    let model_id = s.optional("model_id", text());
    let offer = offer(s);
    if offer.batch.is_some()
        && traffic
            .as_ref()
            .is_some_and(|one| one.context.session.is_none() && one.has_sessions())
    {
        s.report(
            "batch",
            "`batch` does not go with a trace whose sessions are `dependent`",
            "answers within hours",
            "the next call of a session needs the answer to the last; leave `sessions` out",
        );
    }
    // One that is wrong has been reported.
    let prompts = s
        .optional_table("prompts", |s| prompts(s, library))
        .unwrap_or_default();
    let guardrail = s.optional("guardrail", text());
    let thinking = s.optional_table("thinking", thinking);
    let tool_use = share_or_none(s, "tool_use");
    let content_filtered = share_or_none(s, "content_filtered");
    let lanes = super::lanes::of_workload(s);
    let (routes, classifier) = lanes?;
    let router_fee = super::router::fee(s);
    Some(Workload {
        name: name?,
        model: model?,
        max_tokens: max_tokens?,
        stream: stream?,
        scope,
        tags: tags?,
        traffic: traffic?,
        model_id,
        prompts,
        guardrail: guardrail.filter(|name| name != "none"),
        thinking,
        tool_use,
        content_filtered,
        offer,
        routes,
        classifier,
        router_fee,
    })
}

/// A share that is nothing where the scenario is silent; one that is wrong has been reported.
fn share_or_none(s: &mut Section<'_>, key: &str) -> Ratio {
    s.optional(key, share()).unwrap_or(Ratio::ZERO)
}

/// A share of the output, or a law of tokens on top of it.
fn thinking(s: &mut Section<'_>) -> Option<ThinkingSpec> {
    if s.has("share") {
        return s.required("share", share()).map(ThinkingSpec::Share);
    }
    size(s).map(ThinkingSpec::Tokens)
}

/// `[workload.prompts]`: a file of prompts, and how many tools the calls declare.
fn prompts(s: &mut Section<'_>, library: &Library<'_>) -> Option<PromptSpec> {
    let tools = s.or("tools", whole(0..=64), 0);
    let texts = match s.optional("file", text()) {
        None => Some(Arc::from([])),
        Some(path) => match library.prompts(&path) {
            Ok(texts) => Some(texts),
            Err(message) => {
                s.report(
                    "file",
                    format!("cannot read the prompts: {message}"),
                    "names the file",
                    "write one JSON string, or one object with the member `prompt`, on each line; \
                     the path is relative to the scenario",
                );
                None
            }
        },
    };
    Some(PromptSpec {
        texts: texts?,
        tools: tools?,
    })
}

fn traffic(s: &mut Section<'_>, library: &Library<'_>) -> Option<TrafficSpec> {
    let arrival = s.required_table("arrival", |s| arrival(s, library));
    let shapes = s.table("shape", |s| shapes(s, library));
    let own_pace = match s.chosen("arrival") {
        Some(tag @ ("trace" | "recorded")) => Some((
            tag.to_owned(),
            "scale a replay with `speed`, `keep` and `copies`",
        )),
        Some("closed") => Some((
            "closed".to_owned(),
            "users who think set their own pace; use another arrival",
        )),
        _ => None,
    };
    if let Some((tag, help)) = &own_pace
        && s.has("shape")
    {
        s.report(
            "shape",
            format!("`shape` does not go with `{tag}` arrivals"),
            "multiplies no rate",
            help,
        );
    }
    let replays = own_pace.is_some_and(|(tag, _)| tag != "closed");
    let sizes = if replays {
        s.table("tokens", |s| {
            let input = s.optional_table("input", size);
            let output = s.optional_table("output", size);
            let recorded = match &arrival {
                Some(ArrivalSpec::Recorded(replay)) => replay.recording.rank_correlation,
                _ => 0.0,
            };
            Some((input, output, rank_correlation(s, recorded)?))
        })
    } else {
        s.required_table("tokens", |s| {
            let input = s.required_table("input", size);
            let output = s.required_table("output", size);
            let rank = rank_correlation(s, 0.0);
            Some((Some(input?), Some(output?), rank?))
        })
    };
    let has_session = s.has("session");
    // One that is wrong has been reported.
    let (prefix, mut context) = s.optional_table("cache", cache).unwrap_or_default();
    context.session = s.optional_table("session", session);
    let follows = match &arrival {
        Some(ArrivalSpec::Trace(replay)) => replay.sessions != ReplaySessions::AsRecorded,
        _ => false,
    };
    check_context(s, arrival.as_ref(), &context, (has_session, follows));
    let (input, output, rank_correlation) = sizes?;
    Some(TrafficSpec {
        arrival: arrival?,
        shapes: shapes?,
        input,
        output,
        rank_correlation,
        prefix,
        context,
        kept: Ratio::ONE,
    })
}

/// Sessions begin with arrivals that do not wait; only they have a history.
fn check_context(
    s: &mut Section<'_>,
    arrival: Option<&ArrivalSpec>,
    context: &ContextSpec,
    (has_session, follows): (bool, bool),
) {
    let tag = match arrival {
        Some(ArrivalSpec::Closed { .. }) => Some("closed"),
        Some(ArrivalSpec::Trace(_)) => Some("trace"),
        _ => None,
    };
    if let (true, Some(tag)) = (has_session, tag) {
        s.report(
            "session",
            format!("`session` does not go with `{tag}` arrivals"),
            "needs starts that do not wait",
            "use an arrival with a rate; each of its requests begins a session",
        );
    }
    if context.history.is_some() && !has_session && !follows {
        s.report(
            "cache",
            "`history` of `cache` needs `[workload.session]`",
            "there is no history to cache",
            "add `[workload.session]`, or leave out `history`",
        );
    }
}

fn rank_correlation(s: &mut Section<'_>, default: f64) -> Option<f64> {
    s.or(
        "rank_correlation",
        float(-1.0..=1.0),
        default.clamp(-1.0, 1.0),
    )
}

/// A table that chooses a law of token counts.
pub(super) fn size(s: &mut Section<'_>) -> Option<SizeSpec> {
    match s.tag(&SIZES)? {
        "fixed" => s
            .required("fixed", count(1..=MAX_TOKENS))
            .map(SizeSpec::Fixed),
        "lognormal" => s.required_table("lognormal", lognormal),
        "quantiles" => quantiles(s),
        _ => mixture(s),
    }
}

fn lognormal(s: &mut Section<'_>) -> Option<SizeSpec> {
    let tokens = || float(1.0..=MAX_TOKENS as f64);
    let (p50, p99) = (s.required("p50", tokens()), s.required("p99", tokens()));
    let (p50, p99) = (p50?, p99?);
    if p50 > p99 {
        s.report(
            "p50",
            "`p50` must not be above `p99`",
            &format!("is {p50}, `p99` is {p99}"),
            "swap the two, or raise `p99`",
        );
        return None;
    }
    Some(SizeSpec::Lognormal { p50, p99 })
}

fn quantiles(s: &mut Section<'_>) -> Option<SizeSpec> {
    let tokens = float(0.0..=MAX_TOKENS as f64);
    let rows = s.required("quantiles", list(pair(float(0.0..=1.0), tokens)))?;
    let wrong = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) if rows.len() >= 2 => {
            if first.0 > 0.0 || last.0 < 1.0 {
                Some(format!("goes from share {} to {}", first.0, last.0))
            } else {
                rows.windows(2)
                    .find(|two| two[1].0 <= two[0].0 || two[1].1 < two[0].1)
                    .map(|two| {
                        format!(
                            "[{}, {}] stands after [{}, {}]",
                            two[1].0, two[1].1, two[0].0, two[0].1
                        )
                    })
            }
        }
        _ => Some("has fewer than two rows".to_owned()),
    };
    if let Some(label) = wrong {
        s.report(
            "quantiles",
            "`quantiles` must ascend from share 0 to share 1",
            &label,
            "write `[[0, LEAST], [0.5, MEDIAN], …, [1, MOST]]`",
        );
        return None;
    }
    Some(SizeSpec::Quantiles(rows))
}

fn mixture(s: &mut Section<'_>) -> Option<SizeSpec> {
    let parts = s.tables("mixture", |s| {
        let weight = s.required("weight", positive());
        let law = size(s);
        Some((weight?, law?))
    })?;
    if parts.is_empty() {
        s.report(
            "mixture",
            "`mixture` has no parts",
            "is empty",
            "write `[{ weight = 0.8, lognormal = { … } }, { weight = 0.2, fixed = 12 }]`",
        );
        return None;
    }
    Some(SizeSpec::Mixture(parts))
}
