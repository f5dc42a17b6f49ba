//! What levers are worth, for people: the waterfall in bars, every other figure beside it.

use super::super::markdown::{escaped, table as markdown_table};
use super::super::number::{count, money};
use super::super::terminal::{Style, heading, table, wrapped};
use crate::results::plan::{LeverStepSummary, LeversSummary};
use std::fmt::Write;

/// The longest bar of a waterfall, in Markdown.
const BARS: usize = 40;
/// Columns of the table of levers.
const COLUMNS: [&str; 7] = [
    "lever",
    "saves, in order",
    "left",
    "saves, reversed",
    "alone",
    "last",
    "Shapley",
];

/// The section as lines of text.
pub fn terminal(part: &LeversSummary, style: Style, lines: &mut Vec<String>) {
    lines.push(heading(&title(part), style));
    lines.extend(wrapped(&part.verdict, "  ", style.width));
    lines.extend(wrapped(&basis(part), "  ", style.width));
    lines.push(String::new());
    let longest = widest(part);
    // What names and figures take beside the bars.
    let room = usize::from(style.width)
        .saturating_sub(longest + 32)
        .clamp(10, 60);
    let bars = waterfall(part, room);
    if !bars.is_empty() {
        lines.extend(bars.into_iter().map(|line| format!("  {line}")));
        lines.push(String::new());
        let mut rows = table(COLUMNS.len(), 1, style.width);
        rows.set_header(COLUMNS.to_vec());
        for row in cells(part) {
            rows.add_row(row);
        }
        lines.extend(rows.trim_fmt().lines().map(str::to_owned));
        lines.push(String::new());
    }
    for text in part.findings.iter().chain(&part.caveats) {
        lines.extend(wrapped(text, "  ", style.width));
    }
    lines.push(String::new());
}

/// The section as Markdown.
pub fn markdown(part: &LeversSummary, text: &mut String) {
    let _ = write!(
        text,
        "## {}\n\n**{}**\n\n{}\n\n",
        escaped(&title(part)),
        part.verdict,
        basis(part)
    );
    let bars = waterfall(part, BARS);
    if !bars.is_empty() {
        let _ = write!(text, "```text\n{}\n```\n\n", bars.join("\n"));
        let rows: Vec<Vec<String>> = cells(part)
            .into_iter()
            .map(|row| row.iter().map(|cell| escaped(cell)).collect())
            .collect();
        markdown_table(&COLUMNS.map(str::to_owned), 1, &rows, text);
    }
    for sentence in part.findings.iter().chain(&part.caveats) {
        let _ = writeln!(text, "- {}", escaped(sentence));
    }
    text.push('\n');
}

fn title(part: &LeversSummary) -> String {
    format!("What each lever is worth: {}", part.variant)
}

/// The volumes and the price book of all figures.
fn basis(part: &LeversSummary) -> String {
    let volumes: Vec<String> = part
        .volumes
        .iter()
        .map(|one| match one.requests_per_month {
            Some(volume) => format!("{} {}", count(volume.round() as u64), one.workload),
            None => format!("{} at the rate of the scenario", one.workload),
        })
        .collect();
    format!(
        "In a month of 730 hours: {}. Prices: book {}, read on {}.",
        volumes.join(", "),
        part.price_book,
        part.prices_as_of
    )
}

fn widest(part: &LeversSummary) -> usize {
    let names = part.waterfall.iter().map(|step| step.lever.chars().count());
    names.max().unwrap_or(0).max("start".len())
}

/// The waterfall as lines: the start, each step with what it takes off or adds, the end.
fn waterfall(part: &LeversSummary, room: usize) -> Vec<String> {
    let (Some(base), Some(all)) = (part.base_usd, part.all_usd) else {
        return Vec::new();
    };
    let left = part.waterfall.iter().map(|step| step.left_usd);
    let largest = left.fold(base, f64::max);
    let name = widest(part);
    let line = |what: &str, before: f64, after: f64, saves: Option<f64>| {
        let bar = bar(before / largest, after / largest, room);
        let figure = money(Some(after));
        let saves = saves.map_or_else(String::new, |saves| {
            let sign = if saves < 0.0 { '+' } else { '-' };
            format!("  {sign}{}", money(Some(saves.abs())))
        });
        format!("{what:name$}  {bar:room$}  {figure:>10}{saves}")
            .trim_end()
            .to_owned()
    };
    let mut lines = vec![line("start", base, base, None)];
    let mut before = base;
    for LeverStepSummary {
        lever,
        saves_usd,
        left_usd,
    } in &part.waterfall
    {
        lines.push(line(lever, before, *left_usd, Some(*saves_usd)));
        before = *left_usd;
    }
    lines.push(line("end", all, all, None));
    lines
}

/// What is left in full blocks, what goes in light ones, what comes on top in dark ones.
fn bar(before: f64, after: f64, room: usize) -> String {
    let blocks = |share: f64| (share.clamp(0.0, 1.0) * room as f64).round() as usize;
    let (before, after) = (blocks(before), blocks(after));
    let kept = before.min(after);
    let rest = if after < before { "░" } else { "▓" };
    format!(
        "{}{}",
        "█".repeat(kept),
        rest.repeat(before.abs_diff(after))
    )
}

/// One row for each lever, and their sums.
fn cells(part: &LeversSummary) -> Vec<Vec<String>> {
    let dollars = |value: f64| money(Some(value));
    let mut rows: Vec<Vec<String>> = Vec::new();
    for lever in &part.levers {
        let of = |steps: &[LeverStepSummary]| {
            let mut steps = steps.iter();
            steps.find(|step| step.lever == lever.name).cloned()
        };
        let (forward, reverse) = (of(&part.waterfall), of(&part.reverse));
        let saves = |step: &Option<LeverStepSummary>| money(step.as_ref().map(|one| one.saves_usd));
        rows.push(vec![
            lever.name.clone(),
            saves(&forward),
            money(forward.as_ref().map(|one| one.left_usd)),
            saves(&reverse),
            dollars(lever.alone_usd),
            dollars(lever.last_usd),
            dollars(lever.shapley_usd),
        ]);
    }
    if let (Some(base), Some(all)) = (part.base_usd, part.all_usd) {
        let whole = dollars(base - all);
        let none = super::super::number::NONE;
        rows.push(vec![
            "together".to_owned(),
            whole.clone(),
            dollars(all),
            whole.clone(),
            none.to_owned(),
            none.to_owned(),
            whole,
        ]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::plan::{LeverSummary, LeverVolumeSummary};

    fn part() -> LeversSummary {
        let lever = |name: &str, alone_usd, last_usd, shapley_usd| LeverSummary {
            name: name.to_owned(),
            alone_usd,
            last_usd,
            shapley_usd,
        };
        let step = |lever: &str, saves_usd, left_usd| LeverStepSummary {
            lever: lever.to_owned(),
            saves_usd,
            left_usd,
        };
        LeversSummary {
            variant: "today".to_owned(),
            verdict: "With `a` and `b` together a month costs $100.00 instead of $1,000.00."
                .to_owned(),
            findings: vec!["`a` and `b` weaken each other.".to_owned()],
            caveats: Vec::new(),
            price_book: "2026-11-22".to_owned(),
            prices_as_of: "2026-11-22".to_owned(),
            volumes: vec![
                LeverVolumeSummary {
                    workload: "chats".to_owned(),
                    requests_per_month: Some(630_000.0),
                },
                LeverVolumeSummary {
                    workload: "rest".to_owned(),
                    requests_per_month: None,
                },
            ],
            base_usd: Some(1000.0),
            all_usd: Some(100.0),
            levers: vec![
                lever("a", 500.0, 100.0, 300.0),
                lever("b", 800.0, 400.0, 600.0),
            ],
            waterfall: vec![step("a", 500.0, 500.0), step("b", 400.0, 100.0)],
            reverse: vec![step("b", 800.0, 200.0), step("a", 100.0, 100.0)],
            pairs: Vec::new(),
            cache_or_batch: Vec::new(),
            subsets: Vec::new(),
        }
    }

    #[test]
    fn the_waterfall_in_text() {
        let style = Style {
            color: false,
            width: 80,
        };
        let mut lines = Vec::new();
        terminal(&part(), style, &mut lines);
        insta::assert_snapshot!(lines.join("\n"));
        assert!(lines.iter().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn the_waterfall_in_markdown() {
        let mut text = String::new();
        markdown(&part(), &mut text);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn bars_show_what_goes_and_what_comes() {
        assert_eq!(bar(1.0, 0.5, 4), "██░░");
        assert_eq!(bar(0.5, 1.0, 4), "██▓▓");
        assert_eq!(bar(0.0, 0.0, 4), "");
    }

    #[test]
    fn without_prices_only_the_sentences_are_shown() {
        let part = LeversSummary {
            base_usd: None,
            all_usd: None,
            levers: Vec::new(),
            waterfall: Vec::new(),
            reverse: Vec::new(),
            ..part()
        };
        let mut text = String::new();
        markdown(&part, &mut text);
        assert!(!text.contains("```") && text.contains(&part.verdict));
    }
}
