//! What `bedload check` prints: the preview of each variant as text or as a document.

mod document;

pub use document::{SCHEMA, SCHEMA_NAME, json};

use crate::domain::Semantics;
use crate::plan::Preview;
use crate::plan::preview::words::{count, percent, rate};
use crate::plan::preview::{BoughtPreview, Level, QuotaPreview, WorkloadPreview};
use crate::units::Tokens;
use comfy_table::{
    Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, presets,
};
use owo_colors::OwoColorize;
use std::fmt::Write as _;

/// Terminals of this many columns hold the tables without wrapped figures.
const ROOMY: u16 = 90;

/// How text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckStyle {
    /// Columns of the terminal.
    pub width: u16,
    /// Whether verdicts are coloured. Nothing is told by colour alone.
    pub color: bool,
}

/// The previews of a scenario's variants for people.
pub fn terminal(name: &str, previews: &[(String, Preview)], style: CheckStyle) -> String {
    let mut out = String::new();
    line(&mut out, style, "", name);
    for (variant, preview) in previews {
        out.push('\n');
        variant_text(&mut out, variant, preview, style);
    }
    out.push('\n');
    footer(&mut out, previews, style);
    out
}

fn variant_text(out: &mut String, variant: &str, preview: &Preview, style: CheckStyle) {
    let level = preview.verdict.level;
    let verdict = colored(&level.to_string(), level, style);
    let head = format!(
        "{variant} · {} · {} of traffic · {verdict}",
        preview.mode, preview.duration
    );
    out.push_str(&head);
    out.push('\n');
    line(out, style, "  ", &preview.verdict.reason);
    table(out, &workload_table(&preview.workloads, style));
    if let Some(bought) = &preview.bought {
        line(out, style, "  ", &bought.what);
        table(out, &bought_table(bought, style));
    }
    for quota in &preview.quotas {
        line(out, style, "  ", &quota_line(quota));
        table(out, &quota_table(quota, style));
    }
    for finding in &preview.findings {
        line(out, style, "  → ", finding);
    }
    line(out, style, "  ", &cost_line(preview));
    for warning in &preview.warnings {
        line(out, style, "  ! ", warning);
    }
    for note in &preview.notes {
        line(out, style, "  · ", note);
    }
}

fn colored(text: &str, level: Level, style: CheckStyle) -> String {
    if !style.color {
        return text.to_owned();
    }
    match level {
        Level::Fits => text.green().to_string(),
        Level::ThrottlesAtPeaks => text.yellow().to_string(),
        Level::ThrottlesAlways => text.red().to_string(),
    }
}

fn workload_table(workloads: &[WorkloadPreview], style: CheckStyle) -> Table {
    let mut table = plain(style);
    head(
        &mut table,
        &[
            "workload",
            "req/s",
            "peak min",
            "IDC 1/10/60s",
            "in p50/p99",
            "out p50/p99",
            "max_tokens",
            "latency",
            "cached",
        ],
    );
    for one in workloads {
        add(
            &mut table,
            &[
                one.name.clone(),
                rate(one.mean_rate.0),
                rate(one.peak_minute_rate.0),
                dispersion(one),
                quantiles(one.input.p50, one.input.p99),
                quantiles(one.output.p50, one.output.p99),
                if one.max_tokens_is_set {
                    count(one.max_tokens)
                } else {
                    format!("unset {}", count(one.max_tokens))
                },
                format!("{} s", rate(one.latency.as_secs_f64())),
                one.cache_hit_ratio.map_or_else(|| "–".to_owned(), percent),
            ],
        );
    }
    // A column of dashes tells nothing.
    if workloads.iter().all(|one| one.cache_hit_ratio.is_none())
        && let Some(cached) = table.column_iter_mut().last()
    {
        cached.set_constraint(ColumnConstraint::Hidden);
    }
    fixed(table, style)
}

fn dispersion(one: &WorkloadPreview) -> String {
    let Some(burstiness) = &one.burstiness else {
        return "closed".to_owned();
    };
    let at = |seconds: u64| {
        let windows = burstiness.windows.iter();
        let mut own = windows.filter(|w| w.window.0 == seconds * 1_000_000);
        own.next()
            .map_or_else(|| "–".to_owned(), |window| rate_short(window.idc))
    };
    format!("{}/{}/{}", at(1), at(10), at(60))
}

fn rate_short(value: f64) -> String {
    if value >= 99.5 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

fn quantiles(p50: Option<u32>, p99: Option<u32>) -> String {
    let text = |value: Option<u32>| {
        value.map_or_else(|| "too few".to_owned(), |tokens| count(u64::from(tokens)))
    };
    if p50 == p99 {
        return text(p50);
    }
    format!("{}/{}", text(p50), text(p99))
}

fn quota_line(quota: &QuotaPreview) -> String {
    let what = if quota.overflow { "overflow of " } else { "" };
    let result = &quota.headroom;
    format!(
        "{} ({}): {what}{}; {} req/s, busiest minute {} ({} by tokens), {} in flight; a request \
         reserves {} and settles {}",
        quota.model,
        quota.kind,
        quota.workloads.join(" + "),
        rate(quota.load.rate.0),
        rate(quota.peak_request_rate.0),
        rate(quota.load.peak_rate.0),
        rate(result.in_flight),
        count(result.reserved_per_request.round() as u64),
        count(result.settled_per_request.round() as u64),
    )
}

fn quota_table(quota: &QuotaPreview, style: CheckStyle) -> Table {
    let mut table = plain(style);
    head(
        &mut table,
        &[
            "quota",
            "limit",
            "A / B / C, req/s",
            "mean = held + settled",
            "busiest minute",
            "verdict",
        ],
    );
    let result = &quota.headroom;
    let mean = quota.load.rate.0;
    let bounds = quota.tpm_bounds;
    let carried = [bounds.a, bounds.b, bounds.c].map(|bound| rate(bound.0));
    let tpm_mean = of(mean, result.tpm_rate.0);
    let split = |all: f64, held: f64, settled: f64| match quota.rules.semantics {
        // Only this reading counts both at once; the others would not add up.
        Semantics::B => format!(
            "{} = {} + {}",
            percent(all),
            percent(held),
            percent(settled)
        ),
        Semantics::A | Semantics::C => percent(all),
    };
    judged(
        &mut table,
        &[
            "TPM".to_owned(),
            Tokens(quota.limits.tpm.0).to_string(),
            carried.join(" / "),
            split(tpm_mean, quota.mean_held_share, quota.mean_settled_share),
            split(result.tpm_share, result.held_share, result.settled_share),
        ],
        (Level::of(tpm_mean, result.tpm_share), style),
    );
    let requests = (quota.limits.rpm, result.rpm_rate, result.rpm_share);
    if let (Some(limit), Some(carried), Some(peak)) = requests {
        let used = of(mean, carried.0);
        judged(
            &mut table,
            &[
                "RPM".to_owned(),
                Tokens(limit.0).to_string(),
                rate(carried.0),
                percent(used),
                percent(peak),
            ],
            (Level::of(used, peak), style),
        );
    }
    let day = (quota.limits.tpd, result.tpd_rate, result.tpd_share);
    if let (Some(limit), Some(carried), Some(used)) = day {
        judged(
            &mut table,
            &[
                "TPD".to_owned(),
                Tokens(limit.0).to_string(),
                rate(carried.0),
                percent(used),
                "–".to_owned(),
            ],
            (Level::of(used, used), style),
        );
    }
    fixed(table, style)
}

fn of(part: f64, whole: f64) -> f64 {
    if part == 0.0 { 0.0 } else { part / whole }
}

fn bought_table(bought: &BoughtPreview, style: CheckStyle) -> Table {
    let mut table = plain(style);
    head(
        &mut table,
        &["side", "tokens/min", "mean", "busiest minute"],
    );
    for (side, limit, (mean, peak)) in [
        ("input", bought.input_tpm, bought.input_share),
        ("output", bought.output_tpm, bought.output_share),
    ] {
        add(
            &mut table,
            &[
                side.to_owned(),
                count(limit.0),
                percent(mean),
                percent(peak),
            ],
        );
    }
    fixed(table, style)
}

fn cost_line(preview: &Preview) -> String {
    let cost = &preview.cost;
    let unknown = || "cost: not known, a price is missing".to_owned();
    let Some(run) = cost.run else {
        return unknown();
    };
    let mut text = format!("cost: {run} for the run");
    if let Some(month) = cost.month {
        let _ = write!(text, ", {month} per month of 730 h");
    }
    let mut classes = Vec::new();
    if let Some(tokens) = &cost.tokens_month {
        for (name, amount) in [
            ("input", tokens.input),
            ("output", tokens.output),
            ("cache writes", tokens.cache_write),
            ("cache reads", tokens.cache_read),
            ("batch", tokens.batch),
        ] {
            if amount.0 > 0 {
                classes.push(format!("{name} {amount}"));
            }
        }
    }
    if let Some(hour) = cost.bought_per_hour.filter(|hour| hour.0 > 0) {
        classes.push(format!(
            "bought capacity {}",
            crate::cost::capacity::per_month(hour)
        ));
    }
    if !classes.is_empty() {
        let _ = write!(text, " ({})", classes.join(", "));
    }
    text.push_str("; retries and wasted answers are not inside");
    text
}

/// The facts that the figures rest on, once for all variants.
fn footer(out: &mut String, previews: &[(String, Preview)], style: CheckStyle) {
    let all = || previews.iter().map(|(_, preview)| preview);
    let quotas = all().flat_map(|preview| &preview.quotas);
    let sources = unique(quotas.filter_map(|quota| quota.source.clone()));
    if !sources.is_empty() {
        line(out, style, "", &format!("quotas: {}", sources.join("; ")));
    }
    let books = unique(all().map(|p| format!("book {} ({})", p.price_book.0, p.price_book.1)));
    let latencies = unique(
        all()
            .flat_map(|preview| &preview.workloads)
            .map(|workload| format!("{} ({})", workload.latency_profile, workload.latency_origin)),
    );
    let text = format!(
        "prices: {}; latency: {}",
        books.join(", "),
        latencies.join(", ")
    );
    line(out, style, "", &text);
    let choices = unique(
        all()
            .flat_map(|preview| &preview.assumptions)
            .map(|assumption| format!("{} = {}", assumption.name, assumption.value)),
    );
    line(out, style, "", &format!("assumed: {}", choices.join(", ")));
    line(
        out,
        style,
        "",
        "A tokens refill while held; B held + settled of the last minute; C fixed minute. IDC: \
         variance over mean of the starts in windows of 1, 10 and 60 s; 1 is Poisson, more is \
         bursts. Closed forms: `bedload simulate` tells what retries and queues make of it.",
    );
}

/// Each text once, in order of first appearance.
fn unique(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for text in texts {
        if !list.contains(&text) {
            list.push(text);
        }
    }
    list
}

fn plain(style: CheckStyle) -> Table {
    let mut table = Table::new();
    if style.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        // Four blanks stand before the table; the two after its last column are cut.
        .set_width(style.width.saturating_sub(2).max(20));
    table
}

fn head(table: &mut Table, names: &[&str]) {
    table.set_header(names.iter().enumerate().map(|(i, name)| aligned(i, name)));
}

/// The table with two blanks between columns and, where there is room, no wrapped figures.
fn fixed(mut table: Table, style: CheckStyle) -> Table {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
        if style.width >= ROOMY && column.index > 0 && !column.is_hidden() {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
}

fn add(table: &mut Table, cells: &[String]) {
    table.add_row(cells.iter().enumerate().map(|(i, text)| aligned(i, text)));
}

/// A row that ends in a verdict.
fn judged(table: &mut Table, cells: &[String], (level, style): (Level, CheckStyle)) {
    let left = cells.iter().enumerate().map(|(i, text)| aligned(i, text));
    let verdict = Cell::new(level);
    let verdict = match level {
        _ if !style.color => verdict,
        Level::Fits => verdict.fg(Color::Green),
        Level::ThrottlesAtPeaks => verdict.fg(Color::Yellow),
        Level::ThrottlesAlways => verdict.fg(Color::Red),
    };
    table.add_row(left.chain([verdict]));
}

/// Names to the left, figures to the right.
fn aligned(column: usize, text: &str) -> Cell {
    let cell = Cell::new(text);
    if column == 0 {
        cell
    } else {
        cell.set_alignment(CellAlignment::Right)
    }
}

fn table(out: &mut String, table: &Table) {
    for row in table.lines() {
        let _ = writeln!(out, "    {}", row.trim_end());
    }
}

/// A paragraph wrapped at the width, its later lines below the text of the first.
fn line(out: &mut String, style: CheckStyle, prefix: &str, text: &str) {
    let indent = prefix.chars().count();
    let width = usize::from(style.width).max(indent + 20);
    out.push_str(prefix);
    let mut column = indent;
    let mut start = true;
    for word in text.split(' ') {
        let length = word.chars().count();
        if !start && column + 1 + length > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if !start {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
        start = false;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests;
