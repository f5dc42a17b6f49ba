//! How demand stands to the quotas, and what to ask for.

use super::super::build::{
    self, Thinning, counted, figure, level, line, linear, number, slug, table, text,
};
use crate::results::plan::{PlanVariant, QuotaLimitSummary, QuotaOutlookSummary};
use crate::results::report::{Block, Figure, Layer, Section, Unit};

pub(super) fn section(variants: &[(String, &PlanVariant)]) -> Option<Section> {
    let mut blocks = vec![outlook(variants)];
    for (label, variant) in variants {
        for counter in &variant.quotas {
            // One picture for each counter: that of the quota that is used most.
            let most = counter
                .quotas
                .iter()
                .max_by(|a, b| share(a).total_cmp(&share(b)));
            blocks.extend(most.and_then(|quota| needs(label, counter, quota)));
        }
    }
    build::section("quotas", "How long the quotas last", Vec::new(), blocks)
}

fn share(quota: &QuotaLimitSummary) -> f64 {
    let shares = quota.months.iter().filter_map(|month| month.share_p95);
    shares.fold(0.0, f64::max)
}

fn unit_of(quota: &QuotaLimitSummary) -> Unit {
    match quota.unit.as_str() {
        "tpm" | "output_tpm" => Unit::TokensPerMinute,
        "tpd" => Unit::Tokens,
        _ => Unit::Count,
    }
}

fn name_of(label: &str, counter: &QuotaOutlookSummary, quota: &QuotaLimitSummary) -> String {
    let of = format!(
        "{} ({}) {}",
        counter.model_title,
        counter.scope,
        quota.unit.to_uppercase()
    );
    super::labelled(label, &of)
}

fn outlook(variants: &[(String, &PlanVariant)]) -> Block {
    let mut rows = Vec::new();
    for (label, variant) in variants {
        for counter in &variant.quotas {
            for quota in &counter.quotas {
                let ends = [quota.months.first(), quota.months.last()];
                let [first, last] = ends.map(|month| month.and_then(|one| one.share_p95));
                let by = |month: Option<u32>| number(month.map(f64::from));
                let end = &quota.exhaustion;
                rows.push(vec![
                    text(name_of(label, counter, quota)),
                    number(Some(quota.limit)),
                    text(quota.code.clone().unwrap_or_default()),
                    number(first),
                    number(last),
                    by(end.p10_month),
                    by(end.p50_month),
                    by(end.p90_month),
                    number(Some(end.never_share)),
                    number(quota.ask),
                    text(end.ask_by.clone().unwrap_or_default()),
                    number(end.ask_within_days.map(|days| days as f64)),
                    counted(counter.lead_time_days as u64),
                ]);
            }
        }
    }
    Block::Table(table(
        "quota-outlook",
        "Quotas over the months of the plan",
        &[
            ("quota", Unit::Text),
            ("limit", Unit::Tokens),
            ("code", Unit::Text),
            ("need in the first month, p95", Unit::Share),
            ("need in the last month, p95", Unit::Share),
            ("used up by month, p10", Unit::Months),
            ("p50", Unit::Months),
            ("p90", Unit::Months),
            ("paths that never pass it", Unit::Share),
            ("ask for", Unit::Tokens),
            ("ask by", Unit::Text),
            ("ask within days", Unit::Count),
            ("lead time in days", Unit::Count),
        ],
        rows,
    ))
}

fn needs(label: &str, counter: &QuotaOutlookSummary, quota: &QuotaLimitSummary) -> Option<Block> {
    let name = name_of(label, counter, quota);
    let unit = unit_of(quota);
    let at = |month: u32| f64::from(month);
    let rows = quota.months.iter().map(|one| {
        vec![
            text(one.label.clone().unwrap_or_else(|| one.month.to_string())),
            number(Some(one.need_p50)),
            number(Some(one.need_p95)),
            number(one.settled_p95),
            number(one.billed_p95),
            number(Some(one.chance_above)),
        ]
    });
    let id = format!("need-{}", slug(&name));
    let title = format!("{name}: need against the limit");
    let limit = crate::report::number::value(unit, quota.limit);
    let mut marks = vec![level(format!("limit: {limit}"), quota.limit)];
    if let Some(ask) = quota.ask {
        marks.push(level(
            format!("ask for: {}", crate::report::number::value(unit, ask)),
            ask,
        ));
    }
    let drawn = Figure {
        id: id.clone(),
        title: title.clone(),
        caption: format!(
            "What the busiest {} needs; half of the paths of demand stay below the line, 95 % below the band. \
             Reservations count, not what is billed.",
            if quota.unit == "tpd" { "day" } else { "minute" }
        ),
        x: linear("month of the plan", Unit::Months),
        y: linear("need", unit),
        layers: vec![
            Layer::Band {
                name: "p50 to p95".into(),
                variant: None,
                points: quota
                    .months
                    .iter()
                    .map(|one| (at(one.month), one.need_p50, one.need_p95))
                    .collect(),
            },
            line(
                "p50",
                false,
                quota
                    .months
                    .iter()
                    .map(|one| (at(one.month), one.need_p50))
                    .collect(),
            ),
        ],
        marks,
        table: table(
            &format!("{id}-table"),
            &title,
            &[
                ("month", Unit::Text),
                ("need p50", unit),
                ("need p95", unit),
                ("of it settled", unit),
                ("billed", unit),
                ("paths above the limit", Unit::Share),
            ],
            rows.collect(),
        ),
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}
