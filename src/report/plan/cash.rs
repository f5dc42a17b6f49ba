//! What is paid month by month, for people.

use super::super::markdown::{escaped, table as markdown_table};
use super::super::number::{money, percent};
use super::super::terminal::{Style, heading, table, wrapped};
use crate::results::plan::{CashMonthSummary, CashSummary};
use std::fmt::Write;

const TITLE: &str = "What is paid";
const COLUMNS: [&str; 6] = [
    "month",
    "bill",
    "discount",
    "credits used",
    "paid",
    "credits left",
];

/// The section as lines of text.
pub fn terminal(part: &CashSummary, style: Style, lines: &mut Vec<String>) {
    lines.push(heading(TITLE, style));
    for text in sentences(part) {
        lines.extend(wrapped(&text, "  ", style.width));
    }
    lines.push(String::new());
    let mut rows = table(COLUMNS.len(), 1, style.width);
    rows.set_header(COLUMNS.to_vec());
    for month in &part.months {
        rows.add_row(cells(month));
    }
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
}

/// The section as Markdown.
pub fn markdown(part: &CashSummary, text: &mut String) {
    let _ = write!(text, "## {TITLE}\n\n");
    for sentence in sentences(part) {
        let _ = write!(text, "{}\n\n", escaped(&sentence));
    }
    let rows: Vec<Vec<String>> = part.months.iter().map(|one| cells(one).to_vec()).collect();
    markdown_table(&COLUMNS.map(str::to_owned), 1, &rows, text);
}

/// What the discount and the credits come to, and how long the credits last.
fn sentences(part: &CashSummary) -> Vec<String> {
    let usd = |dollars: f64| money(Some(dollars));
    let mut first = format!(
        "Over {} months the bills are {}, and {} is paid",
        part.months.len(),
        usd(part.bill_usd),
        usd(part.paid_usd)
    );
    if part.discount_share > 0.0 {
        let _ = write!(
            first,
            ", after a discount of {} ({})",
            percent(part.discount_share),
            usd(part.discount_usd)
        );
    }
    if part.credits_usd > 0.0 {
        let word = if part.discount_share > 0.0 {
            "and"
        } else {
            "after"
        };
        let _ = write!(first, " {word} {} of credits", usd(part.credit_used_usd));
    }
    let mut list = vec![first + "."];
    if part.credits_usd > 0.0 {
        list.push(match part.used_up_month {
            Some(month) => {
                let label = part.used_up_label.as_ref();
                let when = label.map_or_else(|| format!("month {month}"), Clone::clone);
                format!(
                    "Runway: credits of {} last until {when}.",
                    usd(part.credits_usd)
                )
            }
            None => format!(
                "Runway: {} of credits of {} is left at the end.",
                usd(part.credit_left_usd),
                usd(part.credits_usd)
            ),
        });
    }
    if part.expired_usd > 0.0 {
        list.push(format!(
            "{} of credits expires unused.",
            usd(part.expired_usd)
        ));
    }
    list.push("Discounts and credits change what is paid, not what is best to buy.".to_owned());
    list
}

fn cells(month: &CashMonthSummary) -> [String; 6] {
    let usd = |dollars: f64| money(Some(dollars));
    [
        month
            .label
            .clone()
            .unwrap_or_else(|| month.month.to_string()),
        usd(month.bill_usd),
        usd(month.discount_usd),
        usd(month.credit_used_usd),
        usd(month.paid_usd),
        usd(month.credit_left_usd),
    ]
}
