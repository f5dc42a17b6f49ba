//! `[[guardrail]]`: what guardrails look for, what they find, and how long they take.

use crate::config::{Section, count, list, one_of, positive, share, text, unit, whole};
use crate::service::guardrail::{GuardSpec, GuardTier, GuardedText, OutputMode, Policy};
use crate::units::{Micros, Ratio};

/// Reads one guardrail.
pub(super) fn guardrail(s: &mut Section<'_>) -> Option<GuardSpec> {
    let name = s.required("name", text());
    if let Some(name) = &name
        && (name == "none" || name.is_empty() || !name.bytes().all(is_of_an_id))
    {
        s.report(
            "name",
            "`name` cannot be the id of a guardrail",
            "has not the form of one",
            "use lower-case letters and digits, but not `none`",
        );
    }
    let version = s.or("version", text(), "DRAFT");
    let policies = s.or("policies", list(one_of(&Policy::ALL)), vec!["content"]);
    let tier = s.or(
        "tier",
        one_of(&[
            ("classic", GuardTier::Classic),
            ("standard", GuardTier::Standard),
        ]),
        "classic",
    );
    let guard = s.or(
        "guard",
        one_of(&[("all", GuardedText::All), ("user", GuardedText::User)]),
        "all",
    );
    let input_block = s.or("input_block", share(), 0.0);
    let output_block = s.or("output_block", share(), 0.0);
    let mask = s.or("mask", share(), 0.0);
    let stream = s.or(
        "stream",
        one_of(&[("sync", OutputMode::Sync), ("async", OutputMode::Async)]),
        "sync",
    );
    let latency = s.table("latency", latency);
    let chunk_chars = s.or("chunk_chars", count(1..=1_000_000), 200);
    let chars_per_token = s.or("chars_per_token", positive(), 4.0);
    let units_per_second = s.optional("units_per_second", whole(1..=1_000_000));
    let burst = s.optional("burst", whole(1..=100_000_000));
    let mut policies = policies?;
    policies.sort_unstable();
    policies.dedup();
    if policies.is_empty() {
        s.report(
            "policies",
            "`policies` is empty",
            "looks for nothing",
            "name at least one: `[\"content\", \"sensitive\"]`",
        );
    }
    if let (Some(blocked), Some(masked)) = (output_block, mask) {
        check_mask(s, blocked, masked, &policies);
    }
    Some(GuardSpec {
        name: name?,
        version: version?,
        policies,
        tier: tier?,
        guard: guard?,
        input_block: input_block?,
        output_block: output_block?,
        mask: mask?,
        stream: stream?,
        latency: latency?,
        chunk_chars: chunk_chars?,
        chars_per_token: chars_per_token?,
        units_per_second,
        burst,
    })
}

fn is_of_an_id(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn check_mask(s: &mut Section<'_>, blocked: Ratio, masked: Ratio, policies: &[Policy]) {
    if blocked.get() + masked.get() > 1.0 {
        s.report(
            "mask",
            "`output_block` and `mask` are more than all answers together",
            &format!("is {masked}, `output_block` is {blocked}"),
            "an answer is blocked or masked, not both",
        );
    }
    if masked.get() > 0.0 && !policies.contains(&Policy::Sensitive) {
        s.report(
            "mask",
            "`mask` needs the policy `sensitive`",
            "masks nothing",
            "only sensitive information is masked; add `\"sensitive\"` to `policies`",
        );
    }
}

/// The guide's sample shows 240 ms of 721 for the guardrail; the spread is an assumption.
fn latency(s: &mut Section<'_>) -> Option<(Micros, Micros)> {
    let p50 = s.or("p50", unit::<Micros>(), "240ms");
    let p99 = s.or("p99", unit::<Micros>(), "600ms");
    let (p50, p99) = (p50?, p99?);
    if p99 < p50 {
        s.report(
            "p99",
            "`p99` must be at least `p50`",
            &format!("is {p99}, `p50` is {p50}"),
            "write the median and the 99th percentile of one evaluation",
        );
        return None;
    }
    Some((p50, p99))
}

/// Reports guardrails of one name.
pub(super) fn check_names(s: &Section<'_>, guardrails: &[GuardSpec]) {
    for (index, one) in guardrails.iter().enumerate() {
        if guardrails[..index]
            .iter()
            .any(|other| other.name == one.name)
        {
            s.report(
                "guardrail",
                format!("two guardrails are named `{}`", one.name.escape_debug()),
                "hold one of this name twice",
                "workloads name their guardrail; rename one",
            );
        }
    }
}
