//! What to buy: the verdict first, then the ways that were compared, then what each offer may cost.

use crate::report::markdown::{escaped, table as markdown_table};
use crate::report::number::{count, money, optional, percent};
use crate::report::terminal::{Style, heading, table, wrapped};
use crate::results::plan::{AlternativeSummary, DecisionSummary, OfferSummary, PricePoint};
use std::fmt::Write;

const COLUMNS: [&str; 8] = [
    "way", "held", "a month", "p10", "p90", "saves", "used", "served",
];
/// Columns that hold text.
const TEXTS: usize = 2;
/// Columns of what an offer may cost.
const PRICES: [&str; 6] = ["up to", "pays below", "price", "used", "from month", ""];
/// Slices of an offer that are shown.
const SLICES: usize = 8;
/// Characters of the longest bar.
const BAR: usize = 24;

/// The part as lines of text.
pub(super) fn terminal(part: &DecisionSummary, style: Style, lines: &mut Vec<String>) {
    lines.push(heading(&title(part), style));
    for sentence in sentences(part) {
        lines.extend(wrapped(&sentence, "  ", style.width));
    }
    lines.push(String::new());
    let mut rows = table(COLUMNS.len(), TEXTS, style.width);
    rows.set_header(COLUMNS.to_vec());
    for one in &part.alternatives {
        rows.add_row(cells(one));
    }
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
    for offer in &part.offers {
        lines.push(heading(&offer_title(offer), style));
        if !offer.highest_prices.is_empty() {
            let mut rows = table(PRICES.len(), 1, style.width);
            rows.set_header(PRICES.to_vec());
            for row in price_rows(offer) {
                rows.add_row(row);
            }
            lines.extend(rows.trim_fmt().lines().map(str::to_owned));
        }
        for line in unit_lines(offer) {
            lines.extend(wrapped(&line, "  ", style.width));
        }
        lines.push(String::new());
    }
    for (title, texts) in [("Offers", notes(part)), ("Warnings", part.warnings.clone())] {
        if texts.is_empty() {
            continue;
        }
        lines.push(heading(title, style));
        for text in texts {
            lines.extend(wrapped(&text, "  ", style.width));
        }
        lines.push(String::new());
    }
}

/// What to do if no more quota is granted, as lines of text.
pub(super) fn terminal_within(part: &DecisionSummary, style: Style, lines: &mut Vec<String>) {
    lines.push(heading(&within_title(part), style));
    lines.extend(wrapped(&part.sentence, "  ", style.width));
    lines.push(String::new());
    let mut rows = table(COLUMNS.len(), TEXTS, style.width);
    rows.set_header(COLUMNS.to_vec());
    for one in &part.alternatives {
        rows.add_row(cells(one));
    }
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
}

/// The same as Markdown.
pub(super) fn markdown_within(part: &DecisionSummary, text: &mut String) {
    let _ = write!(
        text,
        "### {}\n\n- {}\n\n",
        within_title(part),
        part.sentence
    );
    let rows: Vec<Vec<String>> = (part.alternatives.iter())
        .map(|one| cells(one).iter().map(|cell| escaped(cell)).collect())
        .collect();
    markdown_table(&COLUMNS.map(str::to_owned), TEXTS, &rows, text);
}

fn within_title(part: &DecisionSummary) -> String {
    format!(
        "If no more quota is granted for {} ({})",
        part.model_title, part.scope
    )
}

/// The part as Markdown.
pub(super) fn markdown(part: &DecisionSummary, text: &mut String) {
    let _ = write!(text, "### {}\n\n", title(part));
    for sentence in sentences(part) {
        let _ = writeln!(text, "- {sentence}");
    }
    text.push('\n');
    let rows: Vec<Vec<String>> = (part.alternatives.iter())
        .map(|one| cells(one).iter().map(|cell| escaped(cell)).collect())
        .collect();
    markdown_table(&COLUMNS.map(str::to_owned), TEXTS, &rows, text);
    for offer in &part.offers {
        let _ = write!(text, "#### {}\n\n", offer_title(offer));
        if !offer.highest_prices.is_empty() {
            let rows: Vec<Vec<String>> = price_rows(offer)
                .iter()
                .map(|row| row.iter().map(|cell| escaped(cell)).collect())
                .collect();
            markdown_table(&PRICES.map(str::to_owned), 1, &rows, text);
        }
        for line in unit_lines(offer) {
            let _ = writeln!(text, "- {line}");
        }
    }
    for (title, items) in [("Offers", notes(part)), ("Warnings", part.warnings.clone())] {
        if items.is_empty() {
            continue;
        }
        let _ = write!(text, "#### {title}\n\n");
        for item in items {
            let _ = writeln!(text, "- {item}");
        }
        text.push('\n');
    }
}

fn title(part: &DecisionSummary) -> String {
    format!("What to buy for {} ({})", part.model_title, part.scope)
}

/// The verdict, and the figures behind it.
fn sentences(part: &DecisionSummary) -> Vec<String> {
    let mut list = vec![part.sentence.clone()];
    if let Some(last) = &part.marginal {
        let which = if last.is_bought {
            "The last slice bought"
        } else {
            "The first slice that could be bought"
        };
        let pays = optional(last.break_even_utilisation, percent);
        list.push(format!(
            "{which} ({} in + {} out a minute of {}) costs {} an hour, is worth {} on demand when it is full, pays from \
             {pays} of use on, and {} of it {} used.",
            count(last.input_tpm),
            count(last.output_tpm),
            last.offer,
            money(last.price_usd_per_hour),
            money(Some(last.full_usd_per_hour)),
            percent(last.utilisation),
            if last.is_bought { "is" } else { "would be" },
        ));
        if last.first_month_input_tpm + last.first_month_output_tpm > 0.0 {
            list.push(format!(
                "For the first month alone, this price buys {} in + {} out a minute (newsvendor, without least sizes and \
                 terms).",
                count(last.first_month_input_tpm.round() as u64),
                count(last.first_month_output_tpm.round() as u64),
            ));
        }
    }
    if let Some(side) = &part.binding {
        list.push(match side.as_str() {
            "both" => "The mix fills input and output of a block together.".to_owned(),
            side => format!("The mix fills the {side} side of a block first."),
        });
    }
    list
}

fn cells(one: &AlternativeSummary) -> Vec<String> {
    let saves = match one.saving_month_usd {
        _ if one.name == "all on demand" => String::new(),
        saves => money(Some(saves)),
    };
    vec![
        one.name.clone(),
        one.schedule.clone(),
        money(Some(one.month_usd)),
        money(Some(one.month_usd_p10)),
        money(Some(one.month_usd_p90)),
        saves,
        optional(one.utilisation, percent),
        percent(one.served_share),
    ]
}

fn offer_title(offer: &OfferSummary) -> String {
    let from = offer
        .break_even_utilisation
        .map_or_else(String::new, |from| {
            format!("; at its own from {} of use on", percent(from))
        });
    format!("Below which price {} pays{from}", offer.name)
}

/// The slices of an offer, not all of them, each with a bar as long as its highest price is high.
fn price_rows(offer: &OfferSummary) -> Vec<Vec<String>> {
    let points = &offer.highest_prices;
    let step = points.len().div_ceil(SLICES).max(1);
    let shown: Vec<&PricePoint> = points.iter().step_by(step).collect();
    let each = |point: &PricePoint| point.utilisation;
    let largest = shown.iter().map(|point| each(point)).fold(0.0, f64::max);
    let row = |point: &&PricePoint| {
        let size = match point.units {
            0 => format!(
                "{} in + {} out",
                count(point.input_tpm),
                count(point.output_tpm)
            ),
            1 => "1 unit".to_owned(),
            n => format!("{n} units"),
        };
        let length = if largest > 0.0 {
            (BAR as f64 * each(point) / largest).round() as usize
        } else {
            0
        };
        vec![
            size,
            below(point),
            optional(point.price_usd_per_hour, |price| {
                format!("{}/h", money(Some(price)))
            }),
            percent(point.utilisation),
            point.best_from_month.to_string(),
            "█".repeat(length),
        ]
    };
    shown.iter().map(row).collect()
}

/// Below which price a slice pays, in the terms in which it is sold.
fn below(point: &PricePoint) -> String {
    let sides = (
        point.highest_input_usd_per_1k_tpm_hour,
        point.highest_output_usd_per_1k_tpm_hour,
    );
    match (point.highest_usd_per_unit_hour, sides) {
        (Some(unit), _) => format!("{} a unit-hour", money(Some(unit))),
        (None, (Some(input), Some(output))) => format!(
            "{}/h ({input:.3} in, {output:.3} out per 1K)",
            money(Some(point.highest_usd_per_hour))
        ),
        _ => format!("{}/h", money(Some(point.highest_usd_per_hour))),
    }
}

/// How large a unit must be to pay.
fn unit_lines(offer: &OfferSummary) -> Vec<String> {
    let line = |point: &crate::results::plan::UnitSizePoint| {
        let price = money(Some(point.price_usd_per_hour));
        match (point.input_tpm, point.output_tpm) {
            (Some(input), Some(output)) => format!(
                "At {price} an hour the first unit pays if it carries at least {} in + {} out a minute.",
                count(input),
                count(output)
            ),
            _ => format!("At {price} an hour no unit pays, however large."),
        }
    };
    offer.smallest_units.iter().map(line).collect()
}

fn notes(part: &DecisionSummary) -> Vec<String> {
    part.facts.iter().chain(&part.not_sold).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> DecisionSummary {
        let way = |name: &str, usd: f64| AlternativeSummary {
            name: name.to_owned(),
            schedule: name.to_owned(),
            month_usd: usd,
            month_usd_p10: usd,
            month_usd_p90: usd,
            saving_month_usd: 1000.0 - usd,
            served_share: 1.0,
            ..AlternativeSummary::default()
        };
        DecisionSummary {
            model_title: "M".to_owned(),
            scope: "global".to_owned(),
            sentence: "M (global): buy now.".to_owned(),
            binding: Some("input".to_owned()),
            alternatives: vec![way("all on demand", 1000.0), way("best", 900.0)],
            offers: vec![OfferSummary {
                name: "model units 1-month".to_owned(),
                break_even_utilisation: Some(0.556),
                highest_prices: (1..=20)
                    .map(|units| PricePoint {
                        units,
                        utilisation: 1.0 / f64::from(units),
                        highest_usd_per_unit_hour: Some(72.0 / f64::from(units)),
                        best_from_month: 1,
                        ..PricePoint::default()
                    })
                    .collect(),
                ..OfferSummary::default()
            }],
            not_sold: vec!["M has no batch".to_owned()],
            ..DecisionSummary::default()
        }
    }

    #[test]
    fn the_verdict_comes_first_and_nothing_is_lost() {
        let style = Style {
            color: false,
            width: 100,
        };
        let mut lines = Vec::new();
        terminal(&part(), style, &mut lines);
        assert_eq!(lines[0], "What to buy for M (global)");
        assert!(lines[1].contains("buy now"));
        let text = lines.join("\n");
        for want in [
            "$1,000",
            "$100",
            "$72.00 a unit-hour",
            "56 %",
            "M has no batch",
            "████",
        ] {
            assert!(text.contains(want), "{want} in {text}");
        }
        assert!(
            lines.iter().all(|line| line.chars().count() <= 100),
            "{text}"
        );
        let mut page = String::new();
        markdown(&part(), &mut page);
        for want in ["### What to buy", "| best", "1 unit", "M has no batch"] {
            assert!(page.contains(want), "{want} in {page}");
        }
    }
}
