//! What a plan is worth, for people: sentences, the frontier, regret, and what matters as bars.

use super::super::markdown::{escaped, table as markdown_table};
use super::super::number::{NONE, money, optional, percent};
use super::super::terminal::{Style, heading, table, wrapped};
use crate::results::plan::{SensitivitySummary, TornadoBarSummary, TornadoSummary};
use crate::units::Usd;
use std::fmt::Write;

const FRONTIER: [&str; 6] = [
    "plan",
    "what is held",
    "served",
    "a month",
    "a request more",
    "of that, capacity",
];
const FRONTIER_TEXTS: usize = 2;
const REGRET: [&str; 7] = [
    "growth",
    "best, had one known",
    "demand grows",
    "plan",
    "best",
    "regret",
    "of buying nothing",
];
const REGRET_TEXTS: usize = 2;
/// Characters of one half of the bars, in Markdown.
const HALF: usize = 24;

const FRONTIER_TITLE: &str = "What it costs to serve more";
const REGRET_TITLE: &str = "Regret, over the whole plan";

/// The section as lines of text.
pub fn terminal(part: &SensitivitySummary, style: Style, lines: &mut Vec<String>) {
    lines.push(heading(&format!("What matters: {}", part.pool), style));
    for sentence in &part.sentences {
        lines.extend(wrapped(sentence, "  ", style.width));
    }
    lines.push(String::new());
    let parts = [
        (
            FRONTIER_TITLE,
            &FRONTIER[..],
            FRONTIER_TEXTS,
            frontier(part),
        ),
        (REGRET_TITLE, &REGRET[..], REGRET_TEXTS, regret(part)),
    ];
    for (title, header, texts, body) in parts {
        if body.is_empty() {
            continue;
        }
        lines.push(heading(title, style));
        let mut rows = table(header.len(), texts, style.width);
        rows.set_header(header.to_vec());
        for row in body {
            rows.add_row(row);
        }
        lines.extend(rows.trim_fmt().lines().map(str::to_owned));
        lines.push(String::new());
    }
    if !part.tornado.bars.is_empty() {
        lines.push(heading(&tornado_title(&part.tornado), style));
        let taken = 2 + label_width(&part.tornado) + 2 * figure_width(&part.tornado) + 6;
        let half = usize::from(style.width).saturating_sub(taken) / 2;
        let bars = bars(&part.tornado, half.clamp(6, 30));
        lines.extend(bars.into_iter().map(|line| format!("  {line}")));
        lines.push(String::new());
    }
    for text in &part.notes {
        lines.extend(wrapped(text, "  ", style.width));
    }
    lines.push(String::new());
}

/// The section as Markdown.
pub fn markdown(part: &SensitivitySummary, text: &mut String) {
    let _ = write!(text, "## What matters: {}\n\n", escaped(&part.pool));
    for sentence in &part.sentences {
        let _ = writeln!(text, "- {}", escaped(sentence));
    }
    text.push('\n');
    let parts = [
        (
            FRONTIER_TITLE,
            &FRONTIER[..],
            FRONTIER_TEXTS,
            frontier(part),
        ),
        (REGRET_TITLE, &REGRET[..], REGRET_TEXTS, regret(part)),
    ];
    for (title, header, texts, body) in parts {
        if body.is_empty() {
            continue;
        }
        let _ = write!(text, "### {title}\n\n");
        let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
        let rows: Vec<Vec<String>> = body
            .iter()
            .map(|row| row.iter().map(|cell| escaped(cell)).collect())
            .collect();
        markdown_table(&header, texts, &rows, text);
    }
    if !part.tornado.bars.is_empty() {
        let _ = write!(text, "### {}\n\n```text\n", tornado_title(&part.tornado));
        for line in bars(&part.tornado, HALF) {
            let _ = writeln!(text, "{line}");
        }
        text.push_str("```\n\n");
    }
    for note in &part.notes {
        let _ = writeln!(text, "- {}", escaped(note));
    }
    text.push('\n');
}

fn frontier(part: &SensitivitySummary) -> Vec<Vec<String>> {
    let each = |usd: Option<f64>| optional(usd, |usd| Usd::from_dollars(usd).to_string());
    let rows = part.frontier.iter().map(|one| {
        vec![
            one.name.clone(),
            one.held.clone(),
            served(one.served_share),
            money(Some(one.month_usd)),
            each(one.usd_per_extra_request),
            each(one.capacity_usd_per_extra_request),
        ]
    });
    rows.collect()
}

/// A share with the nines that tell targets apart.
fn served(share: f64) -> String {
    if share > 0.99 && share < 1.0 {
        return format!("{:.3} %", 100.0 * share);
    }
    percent(share)
}

fn regret(part: &SensitivitySummary) -> Vec<Vec<String>> {
    let rows = part.regret.iter().map(|one| {
        let short = one.chosen.served_share < one.best.served_share - 1e-6;
        let plan = if short {
            format!(
                "{} (serves {})",
                money(Some(one.chosen.usd)),
                served(one.chosen.served_share)
            )
        } else {
            money(Some(one.chosen.usd))
        };
        let share = optional(one.regret_share, percent);
        let regret = match one.regret_usd {
            dollars if dollars < 0.5 => "none".to_owned(),
            dollars => format!("{} ({share})", money(Some(dollars))),
        };
        vec![
            one.growth.clone(),
            one.best_held.clone(),
            format!("× {:.2}", one.growth_factor),
            plan,
            money(Some(one.best.usd)),
            regret,
            money(Some(one.nothing_regret_usd)),
        ]
    });
    rows.collect()
}

fn tornado_title(tornado: &TornadoSummary) -> String {
    format!(
        "Inputs at p10 and p90, the others at p50 ({} over the whole plan)",
        money(Some(tornado.base_usd))
    )
}

fn label(bar: &TornadoBarSummary, verdict: &str) -> String {
    let mark = if bar.basis == "assumed" { "*" } else { "" };
    let turns = bar.low.verdict != verdict || bar.high.verdict != verdict;
    let turns = if turns { ", turns the verdict" } else { "" };
    format!(
        "{}{mark} ({} to {}){turns}",
        bar.input, bar.low.at, bar.high.at
    )
}

fn label_width(tornado: &TornadoSummary) -> usize {
    let bars = tornado.bars.iter();
    let widths = bars.map(|bar| label(bar, &tornado.verdict).chars().count());
    widths.max().unwrap_or(0)
}

/// Dollars with their sign.
fn delta(usd: f64) -> String {
    if usd.abs() < 0.5 {
        return NONE.to_owned();
    }
    let sign = if usd < 0.0 { "−" } else { "+" };
    format!("{sign}{}", money(Some(usd.abs())))
}

fn figure_width(tornado: &TornadoSummary) -> usize {
    let ends = tornado.bars.iter().flat_map(|bar| [&bar.low, &bar.high]);
    let widths = ends.map(|end| delta(end.delta_usd).chars().count());
    widths.max().unwrap_or(0)
}

/// One line for each input: what lies below the base to the left of the stroke, what lies above to the right.
fn bars(tornado: &TornadoSummary, half: usize) -> Vec<String> {
    let ends = tornado.bars.iter().flat_map(|bar| [&bar.low, &bar.high]);
    let most = ends.map(|end| end.delta_usd.abs()).fold(0.0, f64::max);
    let (labels, figures) = (label_width(tornado), figure_width(tornado));
    let length = |usd: f64| {
        let share = if most > 0.0 { usd / most } else { 0.0 };
        // Anything that would be shown as a figure is seen.
        let least = usize::from(usd >= 0.5);
        ((share * half as f64).round() as usize).clamp(least, half.max(1))
    };
    let line = |bar: &TornadoBarSummary| {
        let (low, high) = (bar.low.delta_usd, bar.high.delta_usd);
        let (less, more) = (low.min(high), low.max(high));
        let left = length((-less).max(0.0));
        let right = length(more.max(0.0));
        // ░ is p10 and █ is p90.
        let (of_less, of_more) = if low <= high {
            ('░', '█')
        } else {
            ('█', '░')
        };
        let left: String = std::iter::repeat_n(of_less, left).collect();
        let right: String = std::iter::repeat_n(of_more, right).collect();
        let name = label(bar, &tornado.verdict);
        let text = format!(
            "{name:labels$}  {:>figures$} {left:>half$}│{right:<half$} {}",
            delta(less),
            delta(more)
        );
        text.trim_end().to_owned()
    };
    let mut lines: Vec<String> = tornado.bars.iter().map(line).collect();
    lines.push("░ at p10, █ at p90".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::plan::TornadoEnd;

    fn bar(input: &str, low: f64, high: f64) -> TornadoBarSummary {
        let end = |at: &str, delta_usd: f64| TornadoEnd {
            at: at.to_owned(),
            usd: 1000.0 + delta_usd,
            delta_usd,
            verdict: "wait".to_owned(),
        };
        TornadoBarSummary {
            input: input.to_owned(),
            basis: "assumed".to_owned(),
            low: end("-20 %", low),
            high: end("+20 %", high),
        }
    }

    #[test]
    fn bars_are_as_long_as_their_dollars() {
        let tornado = TornadoSummary {
            base_usd: 1000.0,
            verdict: "wait".to_owned(),
            paths: 1,
            bars: vec![bar("volume", -200.0, 200.0), bar("hit ratio", 100.0, -50.0)],
        };
        let expected = "\
volume* (-20 % to +20 %)       −$200 ░░░░░░░░│████████ +$200
hit ratio* (-20 % to +20 %)  −$50.00       ██│░░░░     +$100
░ at p10, █ at p90";
        assert_eq!(bars(&tornado, 8).join("\n"), expected);
    }
}
