//! `[[client.fallback]]`, `[[client.route]]`, `[[workload.route]]` and `[workload.classifier]`: the other
//! endpoints that requests may go to.

use crate::client::{FailureClass, FailureClasses};
use crate::config::{Section, boolean, count, list, one_of, share, text, whole};
use crate::domain::{PriceTier, Scope};
use crate::units::Ratio;

/// The longest chain of fallbacks.
const MOST_STEPS: usize = 8;
const MAX_TOKENS: i64 = u32::MAX as i64;

/// An endpoint by what it has of its own; the rest is that of the workload, or of its route.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneTarget {
    /// Another model.
    pub model: Option<String>,
    /// Another scope.
    pub scope: Option<Scope>,
    /// Another service tier; `Some(None)` is the standard one.
    pub tier: Option<Option<PriceTier>>,
    /// Whether its calls ask for latency-optimised inference.
    pub latency_optimized: Option<bool>,
    /// Another `max_tokens`.
    pub max_tokens: Option<u32>,
    /// The id that its calls name live.
    pub model_id: Option<String>,
}

/// One step of the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct FallbackStep {
    /// Where it leads.
    pub to: LaneTarget,
    /// Whether requests become records of a batch job there.
    pub batch: bool,
    /// After which failures.
    pub on: FailureClasses,
    /// After so many attempts on the lane before; `None` when the retry policy gives up.
    pub after: Option<u32>,
    /// The workloads that it is for; `None` is all.
    pub workloads: Option<Vec<String>>,
}

/// One route: the requests that match all that it says.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteStep {
    /// Where they go.
    pub to: LaneTarget,
    /// So large a share of the requests, by a draw of each.
    pub share: Option<Ratio>,
    /// Prompts of at most so many tokens.
    pub input_at_most: Option<u32>,
    /// Prompts of more tokens than this.
    pub input_above: Option<u32>,
    /// Workloads that carry all of these tags.
    pub when_tag: Vec<(String, String)>,
}

/// A call in front of each request that judges how hard it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifierSpec {
    /// The endpoint that is asked.
    pub at: LaneTarget,
    /// Where requests go that are judged easy.
    pub easy: LaneTarget,
    /// Share of the requests that are hard.
    pub hard_share: Ratio,
    /// Share of the judgements that are right.
    pub accuracy: Ratio,
    /// Input tokens of the call; `None` is the prompt.
    pub input: Option<u32>,
    /// Output tokens of the call.
    pub output: u32,
}

/// The keys of `[client]` that name further endpoints: the chain of fallbacks, and routes by tag.
pub(super) fn of_client(s: &mut Section<'_>) -> Option<(Vec<FallbackStep>, Vec<RouteStep>)> {
    let chain = s.tables("fallback", fallback);
    if let Some(chain) = &chain {
        check_chain(s, chain);
    }
    let routes = routes(s, true);
    Some((chain?, routes?))
}

/// The keys of a workload that say where its requests start.
pub(super) fn of_workload(s: &mut Section<'_>) -> Option<(Vec<RouteStep>, Option<ClassifierSpec>)> {
    let routes = routes(s, false);
    let classifier = s.optional_table("classifier", classifier);
    if s.has("batch") {
        for key in ["route", "classifier"] {
            if s.has(key) {
                s.report(
                    key,
                    format!("`{key}` does not go with `batch`"),
                    "is for calls",
                    "the records of a job have one model; leave one of the two out",
                );
            }
        }
    }
    Some((routes?, classifier))
}

fn check_chain(s: &Section<'_>, chain: &[FallbackStep]) {
    if chain.len() > MOST_STEPS {
        s.report(
            "fallback",
            format!("a chain has at most {MOST_STEPS} fallbacks"),
            &format!("has {}", chain.len()),
            "leave some out",
        );
    }
    let last = chain.len().saturating_sub(1);
    if chain.iter().take(last).any(|step| step.batch) {
        s.report(
            "fallback",
            "`batch` must be the last fallback",
            "goes on after it",
            "a request that became a record of a job has left the client; move the step to the end",
        );
    }
}

fn target(s: &mut Section<'_>) -> LaneTarget {
    let tiers = [
        ("default", None),
        ("flex", Some(PriceTier::Flex)),
        ("priority", Some(PriceTier::Priority)),
    ];
    let to = LaneTarget {
        model: s.optional("model", text()),
        scope: super::service::own_scope(s),
        tier: s.optional("tier", one_of(&tiers)),
        latency_optimized: s.optional("latency_optimized", boolean()),
        max_tokens: s.optional("max_tokens", count(1..=MAX_TOKENS)),
        model_id: s.optional("model_id", text()),
    };
    if to.tier.flatten().is_some() && to.latency_optimized == Some(true) {
        s.report(
            "latency_optimized",
            "`latency_optimized` does not go with a `tier`",
            "names a price of its own",
            "choose one: what the two cost together is published nowhere",
        );
    }
    to
}

/// Reports a step that names nothing that differs.
fn names_something(s: &Section<'_>, what: &str) {
    const KEYS: [&str; 7] = [
        "model",
        "scope",
        "region",
        "tier",
        "latency_optimized",
        "max_tokens",
        "batch",
    ];
    if !KEYS.iter().any(|key| s.has(key)) {
        s.report(
            "",
            format!("the {what} names no endpoint"),
            "leads nowhere else",
            "say what differs: `model`, `scope`, `region`, `tier` or `latency_optimized`",
        );
    }
}

fn fallback(s: &mut Section<'_>) -> Option<FallbackStep> {
    let to = target(s);
    let batch = s.optional("batch", boolean()).unwrap_or(false);
    let kinds = one_of(&[
        ("throttled", FailureClass::Throttled),
        ("unavailable", FailureClass::Unavailable),
        ("timeout", FailureClass::Timeout),
        ("circuit_open", FailureClass::CircuitOpen),
        ("error", FailureClass::Error),
    ]);
    let on = s.optional("on", list(kinds));
    let after = s.optional("after", whole(1..=1000));
    let workloads = s.optional("workloads", list(text()));
    names_something(s, "fallback");
    if on.as_ref().is_some_and(Vec::is_empty) {
        s.report(
            "on",
            "`on` is empty",
            "no failure leads on",
            "leave it out for `[\"throttled\", \"unavailable\", \"circuit_open\"]`",
        );
    }
    if batch {
        for key in ["tier", "latency_optimized"] {
            if s.has(key) {
                s.report(
                    key,
                    format!("`{key}` does not go with `batch`"),
                    "is for calls",
                    "batch jobs have a price of their own; leave one of the two out",
                );
            }
        }
    }
    Some(FallbackStep {
        to,
        batch,
        on: on.map_or(FailureClasses::USUAL, |on| FailureClasses::of(&on)),
        after,
        workloads,
    })
}

/// `[[route]]`, which at the client's may ask for tags.
fn routes(s: &mut Section<'_>, by_tag: bool) -> Option<Vec<RouteStep>> {
    let routes = s.tables("route", |s| route(s, by_tag))?;
    let sum: f64 = routes
        .iter()
        .filter_map(|route| route.share)
        .map(Ratio::get)
        .sum();
    if sum > 1.0 + 1e-9 {
        s.report(
            "route",
            "the shares of the routes must not sum to more than 1",
            &format!("they sum to {sum}"),
            "each is a share of all requests of the workload; what no route takes stays on its own \
             endpoint",
        );
    }
    Some(routes)
}

fn route(s: &mut Section<'_>, by_tag: bool) -> Option<RouteStep> {
    let to = target(s);
    let share = s.optional("share", share());
    let input_at_most = s.optional("input_at_most", count(1..=MAX_TOKENS));
    let input_above = s.optional("input_above", count(0..=MAX_TOKENS));
    let when_tag = if by_tag {
        let tags = s.optional_table("when_tag", |s| s.named_values(&text()));
        tags.unwrap_or_default()
    } else {
        Vec::new()
    };
    names_something(s, "route");
    if let (Some(most), Some(least)) = (input_at_most, input_above)
        && least >= most
    {
        s.report(
            "input_above",
            "`input_above` must be below `input_at_most`",
            &format!("is {least}, `input_at_most` is {most}"),
            "no prompt is both; lower it",
        );
    }
    Some(RouteStep {
        to,
        share,
        input_at_most,
        input_above,
        when_tag,
    })
}

fn classifier(s: &mut Section<'_>) -> Option<ClassifierSpec> {
    let at = target(s);
    if at.model.is_none() {
        s.required("model", text());
    }
    let hard_share = s.required("hard_share", share());
    let accuracy = s.required("accuracy", share());
    let input = s.optional("input_tokens", count(1..=MAX_TOKENS));
    let output = s.or("output_tokens", count(1..=MAX_TOKENS), 10);
    let easy = s.required_table("easy", |s| {
        let to = target(s);
        names_something(s, "`easy` of the classifier");
        Some(to)
    });
    Some(ClassifierSpec {
        easy: easy?,
        hard_share: hard_share?,
        accuracy: accuracy?,
        input,
        output: output?,
        at,
    })
}
