//! The bill of a month for people: its lines, and what they sum to.

use super::super::markdown::{escaped, table as markdown_table};
use super::super::number::{count, money};
use super::super::terminal::{Style, heading, table, wrapped};
use crate::results::plan::{BillLineSummary, BillSumSummary, BillSummary, FigureAgeSummary};
use crate::units::Usd;
use std::fmt::Write;

const TITLE: &str = "The bill of a month";
const COLUMNS: [&str; 6] = ["workload", "model", "class", "units", "price", "amount"];
/// So many columns of the table are text.
const TEXTS: usize = 3;

/// The section as lines of text.
pub fn terminal(part: &BillSummary, style: Style, lines: &mut Vec<String>) {
    lines.push(heading(TITLE, style));
    for text in sentences(part) {
        lines.extend(wrapped(&text, "  ", style.width));
    }
    lines.push(String::new());
    let mut rows = table(COLUMNS.len(), TEXTS, style.width);
    rows.set_header(COLUMNS.to_vec());
    for line in &part.lines {
        rows.add_row(cells(line));
    }
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
    for text in part.unpriced.iter().chain(&part.assumptions) {
        lines.extend(wrapped(text, "  ", style.width));
    }
    lines.push(String::new());
}

/// The section as Markdown.
pub fn markdown(part: &BillSummary, text: &mut String) {
    let _ = write!(text, "## {TITLE}\n\n");
    for sentence in sentences(part) {
        let _ = write!(text, "{}\n\n", escaped(&sentence));
    }
    let rows: Vec<Vec<String>> = part
        .lines
        .iter()
        .map(|line| cells(line).iter().map(|cell| escaped(cell)).collect())
        .collect();
    markdown_table(&COLUMNS.map(str::to_owned), TEXTS, &rows, text);
    for sentence in part.unpriced.iter().chain(&part.assumptions) {
        let _ = writeln!(text, "- {}", escaped(sentence));
    }
    text.push('\n');
}

/// The total, the sums that say more than it, and how old the prices are.
fn sentences(part: &BillSummary) -> Vec<String> {
    let total = match part.month_usd {
        Some(usd) => format!("A month of 730 hours costs {}.", money(Some(usd))),
        None => format!(
            "What has a price costs {} in a month of 730 hours; the whole is not known.",
            money(Some(part.priced_usd))
        ),
    };
    let mut list = vec![total];
    for (what, sums) in [
        ("By workload", &part.by_workload),
        ("By model", &part.by_model),
        ("By class", &part.by_class),
    ] {
        if sums.len() > 1 {
            list.push(format!("{what}: {}.", named(sums)));
        }
    }
    list.extend(tags(part));
    list.extend(ages(&part.figures));
    list
}

fn named(sums: &[BillSumSummary]) -> String {
    let one = |sum: &BillSumSummary| {
        let name = if sum.name.is_empty() {
            "shared by all".to_owned()
        } else {
            sum.name.replace('_', " ")
        };
        format!("{name} {}", money(Some(sum.usd)))
    };
    let all: Vec<String> = sums.iter().map(one).collect();
    all.join(", ")
}

/// What each value of a tag costs, for tags that tell something apart.
fn tags(part: &BillSummary) -> Vec<String> {
    let mut keys: Vec<&str> = part.by_tag.iter().map(|one| one.tag.as_str()).collect();
    keys.dedup();
    let of_key = |key: &&str| {
        let values: Vec<String> = part
            .by_tag
            .iter()
            .filter(|one| one.tag == **key)
            .map(|one| {
                let value = one.value.as_deref().unwrap_or("without");
                format!("{value} {}", money(Some(one.usd)))
            })
            .collect();
        (values.len() > 1).then(|| format!("By {key}: {}.", values.join(", ")))
    };
    keys.iter().filter_map(of_key).collect()
}

/// From when to when the prices are, in days.
fn ages(figures: &[FigureAgeSummary]) -> Option<String> {
    let dated = || figures.iter().filter_map(|one| Some((one.age_days?, one)));
    let (youngest, _) = dated().min_by_key(|one| one.0)?;
    let (oldest, of) = dated().max_by_key(|one| one.0)?;
    let days = |days: i64| {
        let plural = if days == 1 { "" } else { "s" };
        format!("{days} day{plural}")
    };
    let what = if of.model.is_empty() {
        format!("guardrail {}", of.what)
    } else {
        format!("{} of {}", of.what, of.model)
    };
    Some(if youngest == oldest {
        format!("The prices that it rests on are {} old.", days(oldest))
    } else {
        format!(
            "The prices that it rests on are {youngest} to {} old; the oldest is {what}, of {} ({}).",
            days(oldest),
            of.as_of,
            of.source
        )
    })
}

fn cells(line: &BillLineSummary) -> [String; 6] {
    let mut model = format!("{} {}", line.model, line.scope);
    if line.tier != "standard" {
        let _ = write!(model, " {}", line.tier.replace('_', "-"));
    }
    let mut class = line.class.replace('_', " ");
    if let Some(of) = &line.of {
        let _ = write!(class, " ({})", of.replace('_', " "));
    }
    [
        if line.workload.is_empty() {
            "all".to_owned()
        } else {
            line.workload.clone()
        },
        model,
        class,
        format!("{} {}", count(line.units), line.unit),
        price(line),
        money(Some(line.usd)),
    ]
}

/// The unit price in the unit of price lists.
fn price(line: &BillLineSummary) -> String {
    let per = |scale: f64, what: &str| {
        let dollars = line.unit_usd * scale;
        // Prices have as many digits as they need, and at least two.
        let text = format!("{dollars:.6}");
        let short = text.trim_end_matches('0');
        let decimals = short.rsplit_once('.').map_or(0, |(_, digits)| digits.len());
        let figure = if decimals < 2 {
            format!("{dollars:.2}")
        } else {
            short.to_owned()
        };
        format!("${figure} per {what}")
    };
    match line.unit.as_str() {
        "tokens" => per(1e6, "1M"),
        "text units" | "requests" => per(1e3, "1K"),
        _ => format!("{} per hour", Usd::from_dollars(line.unit_usd)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::plan::BillTagSummary;

    fn line(class: &str, units: u64, unit: &str, unit_usd: f64) -> BillLineSummary {
        BillLineSummary {
            workload: "chat".into(),
            lane: "own".into(),
            model: "claude-haiku-4-5".into(),
            scope: "us".into(),
            tier: "batch".into(),
            class: class.into(),
            of: None,
            unit: unit.into(),
            units,
            unit_usd,
            usd: units as f64 * unit_usd,
        }
    }

    fn tag(value: Option<&str>, usd: f64) -> BillTagSummary {
        BillTagSummary {
            tag: "customer".into(),
            value: value.map(str::to_owned),
            usd,
        }
    }

    fn figure(what: &str, age_days: i64) -> FigureAgeSummary {
        FigureAgeSummary {
            model: "m".into(),
            what: what.into(),
            value: "1".into(),
            source: "a table".into(),
            as_of: "2026-09-22".into(),
            age_days: Some(age_days),
            status: "documented".into(),
        }
    }

    #[test]
    fn a_bill_shows_lines_sums_and_the_age_of_its_prices() {
        let part = BillSummary {
            month_usd: None,
            priced_usd: 1_234.5,
            lines: vec![
                line("cache_read", 2_000_000, "tokens", 0.1e-6),
                line("guardrail", 29_000, "text units", 0.15e-3),
                line("capacity", 730, "hours", 63.0),
            ],
            by_workload: Vec::new(),
            by_model: Vec::new(),
            by_class: Vec::new(),
            by_tag: vec![tag(Some("acme"), 5.0), tag(None, 7.0)],
            unpriced: vec!["no price of this".into()],
            assumptions: Vec::new(),
            figures: vec![figure("tokens", 2), figure("reserved", 61)],
        };
        let mut lines = Vec::new();
        let style = Style {
            color: false,
            width: 120,
        };
        terminal(&part, style, &mut lines);
        let text = lines.join("\n");
        for part in [
            "$1,235 in a month of 730 hours; the whole is not known",
            "2,000,000 tokens",
            "$0.10 per 1M",
            "$0.15 per 1K",
            "$63.00 per hour",
            "By customer: acme $5.00, without $7.00.",
            "2 to 61 days old; the oldest is reserved of m, of 2026-09-22 (a table)",
            "no price of this",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        let mut page = String::new();
        markdown(&part, &mut page);
        assert!(
            page.contains("| chat | claude-haiku-4-5 us batch | cache read |"),
            "{page}"
        );
    }
}
