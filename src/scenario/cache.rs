//! `[cache]` and `[workload.cache]`: how the prompt cache works, and what calls keep in it.

use crate::config::{Section, boolean, count, one_of, text, whole};
use crate::domain::{CacheReady, CacheRules, CacheTtl, MOST_LOOKBACK};
use crate::load::spec::{ContextSpec, PointSpec, PrefixSpec, PromptPart};

use super::Workload;

const TTLS: [(&str, CacheTtl); 2] = [("5m", CacheTtl::FiveMinutes), ("1h", CacheTtl::OneHour)];
/// No context window comes near; it keeps token sums far from overflow.
const MAX_TOKENS: i64 = u32::MAX as i64;
const MAX_VARIANTS: i64 = 10_000_000;
/// The most cache points of one request.
const MOST_POINTS: usize = 4;

/// `[cache]`: how the cache works.
pub(super) fn rules(s: &mut Section<'_>) -> Option<CacheRules> {
    let defaults = CacheRules::default();
    let ready = s.or(
        "ready",
        one_of(&[
            ("first_token", CacheReady::FirstToken),
            ("at_once", CacheReady::AtOnce),
        ]),
        defaults.ready.to_string(),
    );
    let refresh = s.or("refresh", boolean(), defaults.refresh);
    let lookback = whole(1..=i64::from(MOST_LOOKBACK));
    let lookback_blocks = s.or(
        "lookback_blocks",
        lookback,
        i64::from(defaults.lookback_blocks),
    );
    let per_region = s.or("per_region", boolean(), defaults.per_region);
    let min_tokens = s.optional("min_tokens", count(1..=MAX_TOKENS));
    Some(CacheRules {
        per_region: per_region?,
        min_tokens,
        ready: ready?,
        refresh: refresh?,
        lookback_blocks: lookback_blocks?,
    })
}

/// `[workload.cache]`: a stable prefix, or points of their own.
pub(super) fn cache(s: &mut Section<'_>) -> Option<(Option<PrefixSpec>, ContextSpec)> {
    let ttl = s.or("ttl", one_of(&TTLS), "5m");
    let marked = s.or("marked", boolean(), true);
    let history = s.or("history", boolean(), false);
    let shared = if s.has("shared") {
        s.required("shared", text()).map(Some)
    } else {
        s.optional("shared", text());
        Some(None)
    };
    let has_points = s.has("point");
    let points = s.tables("point", |s| point(s, ttl));
    let has_prefix = s.has("prefix_tokens") || !(has_points || history == Some(true));
    let prefixes = s.or("prefixes", count(1..=MAX_VARIANTS), 1);
    let prefix = if has_prefix {
        s.required("prefix_tokens", count(1..=MAX_TOKENS)).map(Some)
    } else {
        s.optional("prefix_tokens", count::<u32>(1..=MAX_TOKENS));
        Some(None)
    };
    let (ttl, marked, history) = (ttl?, marked?, history?);
    let (mut points, shared, prefix, prefixes) = (points?, shared?, prefix?, prefixes?);
    if prefix.is_some() && !points.is_empty() {
        s.report(
            "prefix_tokens",
            "`prefix_tokens` does not go with cache points of their own",
            "is one point",
            "make it a `[[workload.cache.point]]` with `part = \"system\"`, in its place",
        );
    }
    check_points(s, &points, history.then_some(ttl));
    let mut prefix = prefix.map(|tokens| PrefixSpec {
        tokens,
        prefixes,
        ttl,
        marked,
    });
    // Beside other points, or where others know it too, a prefix is a point like any other.
    if (history || shared.is_some())
        && let Some(one) = prefix.take()
    {
        points.push(PointSpec {
            part: PromptPart::System,
            tokens: one.tokens,
            variants: one.prefixes,
            ttl,
            per_request: false,
        });
    }
    let context = ContextSpec {
        points,
        marked,
        // Without a mark, what is said is input like any other.
        history: (history && marked).then_some(ttl),
        shared,
        session: None,
    };
    Some((prefix, context))
}

fn point(s: &mut Section<'_>, ttl: Option<CacheTtl>) -> Option<PointSpec> {
    let part = s.required(
        "part",
        one_of(&[
            ("tools", PromptPart::Tools),
            ("system", PromptPart::System),
            ("messages", PromptPart::Messages),
        ]),
    );
    let tokens = s.required("tokens", count(1..=MAX_TOKENS));
    let variants = s.or("variants", count(1..=MAX_VARIANTS), 1);
    let default = match ttl {
        Some(CacheTtl::OneHour) => "1h",
        _ => "5m",
    };
    let ttl = s.or("ttl", one_of(&TTLS), default);
    let per_request = s.or(
        "per",
        one_of(&[("session", false), ("request", true)]),
        "session",
    );
    Some(PointSpec {
        part: part?,
        tokens: tokens?,
        variants: variants?,
        ttl: ttl?,
        per_request: per_request?,
    })
}

/// What Bedrock would refuse.
fn check_points(s: &mut Section<'_>, points: &[PointSpec], history: Option<CacheTtl>) {
    let number = points.len() + usize::from(history.is_some());
    if number > MOST_POINTS {
        s.report(
            "point",
            format!(
                "a request has at most {MOST_POINTS} cache points, and this would have {number}"
            ),
            "too many",
            "join some of them; `history` takes one for the newest message",
        );
    }
    if points.windows(2).any(|two| two[1].part < two[0].part) {
        s.report(
            "point",
            "cache points must stand in the order of the prompt",
            "are not in order",
            "a cache sees tools first, then the system prompt, then messages",
        );
    }
    let lives: Vec<CacheTtl> = points
        .iter()
        .map(|point| point.ttl)
        .chain(history)
        .collect();
    let is_short = |ttl: CacheTtl| ttl == CacheTtl::FiveMinutes;
    if lives
        .windows(2)
        .any(|two| is_short(two[0]) && !is_short(two[1]))
    {
        s.report(
            "point",
            "cache points of an hour must come before those of five minutes",
            "an hour follows five minutes",
            "Bedrock refuses such a call; give the earlier points `ttl = \"1h\"` too",
        );
    }
}

/// Workloads that share content must agree on it.
pub(super) fn check_shared(s: &mut Section<'_>, workloads: &[Workload]) {
    for (index, workload) in workloads.iter().enumerate() {
        let context = &workload.traffic.context;
        let Some(name) = &context.shared else {
            continue;
        };
        let same = |one: &&Workload| one.traffic.context.shared.as_ref() == Some(name);
        let Some(first) = workloads[..index].iter().find(same) else {
            continue;
        };
        let parts = |context: &ContextSpec| -> Vec<_> {
            let points = context.points.iter();
            points.map(|one| (one.part, one.tokens, one.ttl)).collect()
        };
        if parts(context) != parts(&first.traffic.context) {
            s.report(
                "workload",
                format!(
                    "workloads `{}` and `{}` share the cache `{}` and differ in its points",
                    first.name,
                    workload.name,
                    name.escape_debug()
                ),
                "differ in parts, tokens or lives",
                "equal content has equal size: give both the same points, or names of their own",
            );
        }
    }
}
