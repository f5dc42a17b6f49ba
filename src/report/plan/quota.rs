//! Quotas for people: when each is used up, what to ask for, and the sheet for the request.

use super::super::markdown::{escaped, table as markdown_table};
use super::super::number::{NONE, count, optional, percent};
use super::super::terminal::{Style, heading, table, wrapped};
use crate::results::plan::{
    QuotaLimitSummary, QuotaOutlookSummary, QuotaRequestSummary, RateSummary,
};
use std::fmt::Write as _;

const TITLE: &str = "Quotas";
const COLUMNS: [&str; 9] = [
    "month", "need p50", "need p95", "settled", "billed", "of quota", "above", "growth", "burst",
];

/// The share of a limit from which its months are shown.
const NEAR: f64 = 0.5;

/// The section as lines of text.
pub fn terminal(part: &[QuotaOutlookSummary], style: Style, lines: &mut Vec<String>) {
    lines.push(heading(TITLE, style));
    for counter in part {
        for quota in &counter.quotas {
            lines.extend(wrapped(&sentence(counter, quota), "", style.width));
        }
    }
    lines.push(String::new());
    for counter in part {
        for quota in counter.quotas.iter().filter(|quota| is_shown(quota)) {
            let title = format!("{}: {} ({})", name(counter), unit(quota), factors(quota));
            lines.extend(wrapped(&title, "", style.width));
            let mut rows = table(COLUMNS.len(), 1, style.width);
            rows.set_header(COLUMNS.to_vec());
            for cells in months(quota) {
                rows.add_row(cells);
            }
            lines.extend(rows.trim_fmt().lines().map(str::to_owned));
            lines.push(String::new());
        }
    }
}

/// The section as Markdown, the sheets of quota requests inside.
pub fn markdown(part: &[QuotaOutlookSummary], text: &mut String) {
    let _ = write!(text, "## {TITLE}\n\n");
    for counter in part {
        for quota in &counter.quotas {
            let _ = writeln!(text, "- {}", escaped(&sentence(counter, quota)));
        }
    }
    text.push('\n');
    for counter in part {
        for quota in counter.quotas.iter().filter(|quota| is_shown(quota)) {
            let _ = write!(
                text,
                "{}: {} ({})\n\n",
                name(counter),
                unit(quota),
                factors(quota)
            );
            markdown_table(&COLUMNS.map(str::to_owned), 1, &months(quota), text);
        }
    }
    for sheet in part.iter().filter_map(sheet) {
        text.push_str(&sheet);
    }
}

/// The sheet for one counter's quota request, as Markdown; `None` if its quotas will do.
pub fn sheet(counter: &QuotaOutlookSummary) -> Option<String> {
    let request = counter.request.as_ref()?;
    let mut text = format!("## Quota request: {}\n\n", name(counter));
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |what: String, value: String| rows.push(vec![escaped(&what), escaped(&value)]);
    row("Service".into(), "Amazon Bedrock (Service Quotas)".into());
    row("Model".into(), counter.model_title.clone());
    row("Region".into(), counter.region.clone());
    row("Scope".into(), scope(counter));
    for quota in &counter.quotas {
        row("Quota".into(), quota_name(counter, quota));
        row("  current limit".into(), amount(quota.limit));
        row(
            "  desired limit".into(),
            quota
                .ask
                .map_or_else(|| "the current one will do".to_owned(), amount),
        );
        if let Some(by) = when(quota) {
            row("  ask by".into(), by);
        }
    }
    rates(request, &mut row);
    row("Mean input tokens".into(), input(request));
    row("Mean output tokens".into(), amount(request.output_tokens));
    row("Mean `max_tokens`".into(), amount(request.max_tokens));
    row("Growth".into(), request.growth.join("; "));
    row("Use case".into(), request.use_case.clone());
    let header = ["asked".to_owned(), "answer".to_owned()];
    markdown_table(&header, 2, &rows, &mut text);
    text.push_str("Evidence:\n\n");
    for line in &request.evidence {
        let _ = writeln!(text, "- {}", escaped(line));
    }
    text.push('\n');
    Some(text)
}

fn rates(request: &QuotaRequestSummary, row: &mut impl FnMut(String, String)) {
    let side = |rate: &RateSummary| {
        [
            format!(
                "{} now, {} in the last month",
                amount(rate.steady),
                amount(rate.steady_at_end)
            ),
            format!(
                "{} now, up to {} within the plan (p95)",
                amount(rate.peak),
                amount(rate.peak_at_end)
            ),
        ]
    };
    let [steady, peak] = side(&request.tokens_per_minute);
    row("Steady tokens per minute".into(), steady);
    row("Peak tokens per minute".into(), peak);
    let [steady, peak] = side(&request.requests_per_minute);
    row("Steady requests per minute".into(), steady);
    row("Peak requests per minute".into(), peak);
}

fn input(request: &QuotaRequestSummary) -> String {
    let mut text = amount(request.input_tokens);
    if request.cached_share > 0.0 {
        let _ = write!(
            text,
            ", {} of them read from the prompt cache",
            percent(request.cached_share)
        );
    }
    text
}

fn name(counter: &QuotaOutlookSummary) -> String {
    format!("{} {}", counter.model_title, counter.scope)
}

fn scope(counter: &QuotaOutlookSummary) -> String {
    match counter.kind.as_str() {
        "global" => "global cross-Region inference".to_owned(),
        "geo" => format!("cross-Region inference, profile `{}`", counter.scope),
        _ => format!("on-demand in {}", counter.scope),
    }
}

fn unit(quota: &QuotaLimitSummary) -> &'static str {
    match quota.unit.as_str() {
        "tpm" => "tokens per minute",
        "rpm" => "requests per minute",
        "tpd" => "tokens per day",
        _ => "output tokens per minute",
    }
}

/// The quota as Service Quotas names it, with its code.
fn quota_name(counter: &QuotaOutlookSummary, quota: &QuotaLimitSummary) -> String {
    let kind = match counter.kind.as_str() {
        "global" => "Global cross-region",
        "geo" => "Cross-region",
        _ => "On-demand",
    };
    let code = quota.code.as_ref().map_or_else(
        || "code not known".to_owned(),
        |code| format!("code {code}"),
    );
    format!(
        "{kind} model inference {} for {} ({code})",
        unit(quota),
        counter.model_title
    )
}

fn busiest(quota: &QuotaLimitSummary) -> &'static str {
    if quota.unit == "tpd" {
        "busiest day"
    } else {
        "busiest minute"
    }
}

/// When a quota is used up and what to do, as a sentence.
fn sentence(counter: &QuotaOutlookSummary, quota: &QuotaLimitSummary) -> String {
    let end = &quota.exhaustion;
    let subject = format!("{}, {} {}", name(counter), amount(quota.limit), unit(quota));
    let most = quota
        .months
        .iter()
        .map(|month| month.need_p95)
        .fold(0.0, f64::max);
    let Some(ask) = quota.ask else {
        return format!(
            "{subject}: enough for the whole plan; the {} needs {} at most (p95).",
            busiest(quota),
            compact(most)
        );
    };
    let month =
        |month: Option<u32>| month.map_or_else(|| "later".to_owned(), |at| label(quota, at));
    let never = if end.never_share > 0.0 {
        format!(
            ", never within the plan on {} of the paths",
            percent(end.never_share)
        )
    } else {
        String::new()
    };
    let by = match (when(quota), end.ask_within_days) {
        (Some(_), Some(days)) if days < 0 => {
            format!(
                "ask now: a lead time of {:.0} days has begun already",
                counter.lead_time_days
            )
        }
        (Some(by), _) => format!("ask by {by}"),
        (None, _) => "no request is urgent".to_owned(),
    };
    format!(
        "{subject}: used up in {} (p50; p10 {}, p90 {}{never}). Ask for {}; {by}.",
        month(end.p50_month),
        month(end.p10_month),
        month(end.p90_month),
        amount(ask),
    )
}

/// The last safe day for a request.
fn when(quota: &QuotaLimitSummary) -> Option<String> {
    let end = &quota.exhaustion;
    let days = end.ask_within_days?;
    Some(end.ask_by.clone().unwrap_or_else(|| match days {
        d if d < 0 => format!("{} days before the plan begins", -d),
        d => format!("day {d} of the plan"),
    }))
}

fn label(quota: &QuotaLimitSummary, month: u32) -> String {
    let own = quota.months.iter().find(|one| one.month == month);
    let name = own.and_then(|one| one.label.clone());
    name.unwrap_or_else(|| format!("month {month}"))
}

/// The factors of the last month's need, as a product.
fn factors(quota: &QuotaLimitSummary) -> String {
    let Some(last) = quota.months.last() else {
        return format!("mean {}", compact(quota.mean));
    };
    let (mean, need) = (compact(quota.mean), compact(last.need_p95));
    let (peak, growth) = (last.peak_factor, last.growth_factor_p95);
    if quota.unit == "tpd" {
        return format!(
            "last month: mean {mean} × peak day {peak:.2} × growth {growth:.2} = {need}"
        );
    }
    format!(
        "last month: mean {mean} × peak hour {peak:.2} × growth {growth:.2} × busiest minute {:.2} = {need}",
        last.burst_factor,
    )
}

/// Whether the months of a quota are worth a table: it is the one that counts, or comes near its limit.
fn is_shown(quota: &QuotaLimitSummary) -> bool {
    let near = quota
        .months
        .iter()
        .any(|month| month.share_p95.is_some_and(|share| share >= NEAR));
    quota.unit == "tpm" || near
}

fn months(quota: &QuotaLimitSummary) -> Vec<Vec<String>> {
    quota
        .months
        .iter()
        .map(|month| {
            vec![
                month
                    .label
                    .clone()
                    .unwrap_or_else(|| month.month.to_string()),
                compact(month.need_p50),
                compact(month.need_p95),
                month.settled_p95.map_or_else(|| NONE.to_owned(), compact),
                month.billed_p95.map_or_else(|| NONE.to_owned(), compact),
                optional(month.share_p95, percent),
                percent(month.chance_above),
                format!("{:.2}×", month.growth_factor_p95),
                format!("{:.2}×", month.burst_factor),
            ]
        })
        .collect()
}

/// An amount with the digits that matter.
fn compact(value: f64) -> String {
    match value {
        v if v >= 999.5e6 => format!("{:.2}G", v / 1e9),
        v if v >= 999.5e3 => format!("{:.2}M", v / 1e6),
        v => amount(v),
    }
}

/// An amount in the unit of a quota.
fn amount(value: f64) -> String {
    if value > 0.0 && value < 9.95 {
        return format!("{value:.1}");
    }
    count(value.round() as u64)
}
