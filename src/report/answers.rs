//! The sections on thinking and on guardrails.

use super::number::{NONE, count, money, optional, percent, percentile};
use super::view::{Group, Row};
use crate::results::{GuardrailSummary, ThinkingSummary, VariantSummary};

fn row(label: &str, cells: Vec<String>) -> Row {
    Row {
        label: label.to_owned(),
        cells,
    }
}

/// What was thought and never shown.
pub(super) fn thinking(variants: &[VariantSummary]) -> Group {
    let of = |show: &dyn Fn(&VariantSummary, &ThinkingSummary) -> String| {
        let cell = |one: &VariantSummary| {
            let thinking = one.answers.thinking.as_ref();
            thinking.map_or_else(|| NONE.into(), |thinking| show(one, thinking))
        };
        variants.iter().map(cell).collect()
    };
    let mut rows = Vec::new();
    if variants.iter().any(|one| one.answers.thinking.is_some()) {
        rows = vec![
            row(
                "thinking tokens",
                of(&|_, thinking| count(thinking.thinking_tokens)),
            ),
            row(
                "visible tokens",
                of(&|_, thinking| count(thinking.visible_tokens)),
            ),
            row(
                "first text p50",
                of(&|_, thinking| percentile(&thinking.visible_ttft_ms, "p50")),
            ),
            row(
                "first text p99",
                of(&|_, thinking| percentile(&thinking.visible_ttft_ms, "p99")),
            ),
        ];
    }
    Group {
        title: "Thinking".into(),
        rows,
    }
}

/// What guardrails did and cost.
pub(super) fn guardrails(variants: &[VariantSummary]) -> Group {
    let of = |show: &dyn Fn(&VariantSummary, &GuardrailSummary) -> String| {
        let cell = |one: &VariantSummary| {
            let guardrail = one.answers.guardrail.as_ref();
            guardrail.map_or_else(|| NONE.into(), |guardrail| show(one, guardrail))
        };
        variants.iter().map(cell).collect::<Vec<String>>()
    };
    let share = |one: &VariantSummary, part: u64| {
        let completed = one.requests.completed;
        if completed == 0 {
            return NONE.into();
        }
        percent(part as f64 / completed as f64)
    };
    let mut rows = Vec::new();
    if variants.iter().any(|one| one.answers.guardrail.is_some()) {
        rows = vec![
            row("text units in", of(&|_, guard| count(guard.input_units))),
            row("text units out", of(&|_, guard| count(guard.output_units))),
            row(
                "inputs blocked",
                of(&|one, guard| share(one, guard.input_blocked)),
            ),
            row(
                "answers blocked",
                of(&|one, guard| share(one, guard.output_blocked)),
            ),
        ];
        let mut some = |label: &str, part: fn(&GuardrailSummary) -> u64| {
            let mut guards = variants.iter().filter_map(|one| one.answers.guardrail);
            if guards.any(|guard| part(&guard) > 0) {
                rows.push(row(label, of(&|_, guard| count(part(guard)))));
            }
        };
        some("answers masked", |guard| guard.masked);
        some("answers leaked first", |guard| guard.leaked);
        some("refused by its quota", |guard| guard.throttled);
        rows.push(row(
            "of the bill",
            of(&|one, _| {
                let part = one.cost.by_class.guardrail;
                let share = part.zip(one.cost.run_usd).filter(|(_, all)| *all > 0.0);
                optional(share.map(|(part, all)| part / all), percent)
            }),
        ));
        rows.push(row(
            "per month",
            of(&|one, _| money(one.cost.month_by_class.guardrail)),
        ));
    }
    Group {
        title: "Guardrails".into(),
        rows,
    }
}
