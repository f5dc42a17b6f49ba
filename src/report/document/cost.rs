//! What runs cost, and whether bought capacity pays with their use.

use super::build::{
    Thinning, categories, column, figure, line, linear, number, section, slug, table, text,
};
use super::run::Run;
use crate::results::report::{Block, Figure, Layer, Lever, Mark, Outcome, Section, Table, Unit};
use crate::results::{BreakEvenSummary, CostClasses};

/// A class of costs with its name.
type Class = (&'static str, fn(&CostClasses) -> Option<f64>);

const CLASSES: [Class; 12] = [
    ("input", |one| one.input),
    ("output", |one| one.output),
    ("cache writes", |one| one.cache_write),
    ("cache reads", |one| one.cache_read),
    ("bought capacity", |one| one.reserved),
    ("guardrails", |one| one.guardrail),
    ("wasted attempts", |one| one.wasted),
    ("batch", |one| one.batch),
    ("cache writes, 1 h", |one| one.cache_write_1h),
    ("long context", |one| one.long_context),
    ("classifier", |one| one.classifier),
    ("router fees", |one| one.router_fee),
];

/// The bill of a month of each variant, and break-even of bought capacity.
pub(super) fn cost(runs: &[Run<'_>]) -> Option<Section> {
    let mut blocks: Vec<Block> = Vec::new();
    blocks.extend(by_class(runs));
    blocks.push(by_tag(runs));
    let mut bought: Vec<(&str, Option<f64>)> = Vec::new();
    for run in runs {
        if let Some(even) = &run.variant.break_even {
            // Policies are often compared on the same purchase; one picture says it.
            let purchase = (even.what.as_str(), even.month_usd);
            if !bought.contains(&purchase) {
                bought.push(purchase);
                blocks.extend(break_even(run, even));
            }
        }
    }
    let said = "A month is 730 hours like the measured span: tokens scale with time, bought capacity is paid \
                for every hour.";
    section("cost", "Cost", vec![said.to_owned()], blocks)
}

fn by_class(runs: &[Run<'_>]) -> Option<Block> {
    let spent = |class: &Class| {
        let of = |run: &Run<'_>| (class.1)(&run.variant.cost.month_by_class);
        runs.iter().any(|run| of(run).is_some_and(|usd| usd > 0.0))
    };
    let classes: Vec<&Class> = CLASSES.iter().filter(|class| spent(class)).collect();
    let layers = classes.iter().map(|(name, of)| Layer::Bars {
        name: (*name).to_owned(),
        values: runs
            .iter()
            .map(|run| of(&run.variant.cost.month_by_class).unwrap_or(0.0))
            .collect(),
    });
    let title = "Cost of a month by class";
    let mut columns = vec![column("variant", Unit::Text)];
    columns.extend(
        classes
            .iter()
            .map(|(name, _)| column(*name, Unit::UsdPerMonth)),
    );
    columns.push(column("total", Unit::UsdPerMonth));
    let rows = runs.iter().map(|run| {
        let mut row = vec![text(&run.label)];
        row.extend(
            classes
                .iter()
                .map(|(_, of)| number(of(&run.variant.cost.month_by_class))),
        );
        row.push(number(run.variant.cost.month_usd));
        row
    });
    let unknown: Vec<&str> = runs
        .iter()
        .filter(|run| run.variant.cost.month_usd.is_none())
        .map(|run| run.label.as_str())
        .collect();
    let caption = if unknown.is_empty() {
        "The figure at the end of a bar is the whole bill.".to_owned()
    } else {
        format!(
            "A price is not known for {}: its bar lacks that part, and it has no total.",
            unknown.join(", ")
        )
    };
    let drawn = Figure {
        id: "cost-by-class".into(),
        title: title.into(),
        caption,
        x: linear("dollars a month", Unit::UsdPerMonth),
        y: categories(runs.iter().map(|run| run.label.clone()).collect()),
        layers: layers.collect(),
        table: Table {
            id: "cost-by-class-table".into(),
            title: title.into(),
            columns,
            rows: rows.collect(),
        },
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

fn by_tag(runs: &[Run<'_>]) -> Block {
    let rows = runs.iter().flat_map(|run| {
        run.variant.cost_by_tag.iter().map(|one| {
            vec![
                text(&one.tag),
                text(one.value.clone().unwrap_or_else(|| "without it".to_owned())),
                text(&run.label),
                number(one.month_usd),
            ]
        })
    });
    Block::Table(table(
        "cost-by-tag",
        "Cost of a month by tag, bought capacity apart",
        &[
            ("tag", Unit::Text),
            ("value", Unit::Text),
            ("variant", Unit::Text),
            ("cost of a month", Unit::UsdPerMonth),
        ],
        rows.collect(),
    ))
}

/// Cost by use against its price, and what follows from another price.
fn break_even(run: &Run<'_>, even: &BreakEvenSummary) -> Vec<Block> {
    let Some(full) = even.full_use_month_usd else {
        return Vec::new();
    };
    let id = format!("break-even-{}", slug(&run.label));
    let title = format!("{}: what its use is worth, and what it costs", run.label);
    let side = even.binding.as_deref().unwrap_or("binding");
    let ends = vec![(0.0, 0.0), (1.0, full)];
    let mut layers = vec![line("the same tokens on demand", false, ends)];
    if let Some(price) = even.month_usd {
        layers.push(line("bought", false, vec![(0.0, price), (1.0, price)]));
    }
    let mut marks = Vec::new();
    if let Some(from) = even.break_even_utilisation.filter(|from| *from <= 1.0) {
        marks.push(Mark::Moment {
            label: "break-even".into(),
            at: from,
        });
    }
    if let Some(used) = even.utilisation {
        marks.push(Mark::Moment {
            label: "this run".into(),
            at: used,
        });
    }
    let row = vec![
        text(&even.what),
        number(even.month_usd),
        number(Some(full)),
        number(even.break_even_utilisation),
        number(even.utilisation),
        number(even.highest_paying_month_usd),
    ];
    let drawn = Figure {
        id: id.clone(),
        title: title.clone(),
        caption: even.sentence.clone(),
        x: linear(&format!("mean use of the {side} side"), Unit::Share),
        y: linear("dollars a month", Unit::UsdPerMonth),
        layers,
        marks,
        table: table(
            &format!("{id}-table"),
            &title,
            &[
                ("bought", Unit::Text),
                ("price", Unit::UsdPerMonth),
                ("worth when full", Unit::UsdPerMonth),
                ("break-even use", Unit::Share),
                ("use in this run", Unit::Share),
                ("highest price that pays", Unit::UsdPerMonth),
            ],
            vec![row],
        ),
        ..Figure::default()
    };
    let mut blocks: Vec<Block> = figure(drawn, Thinning::Shape)
        .map(Block::Figure)
        .into_iter()
        .collect();
    blocks.extend(levers(run, even, full, side));
    blocks
}

/// What follows from another price, and from another use.
fn levers(run: &Run<'_>, even: &BreakEvenSummary, full: f64, side: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let (Some(used), Some(highest)) = (even.utilisation, even.highest_paying_month_usd) {
        let most = (1.5 * highest.max(even.month_usd.unwrap_or(0.0))).max(1.0);
        let now = even.month_usd.unwrap_or(highest);
        blocks.push(Block::Lever(Lever {
            id: format!("price-{}", slug(&run.label)),
            title: format!("{}: at which price does it pay?", run.label),
            label: "price of a month".into(),
            unit: Unit::UsdPerMonth,
            range: [0.0, most, now],
            outcomes: vec![
                straight(
                    "saved in a month with the use of this run",
                    Unit::UsdPerMonth,
                    (0.0, highest),
                    (most, highest - most),
                ),
                straight(
                    "use from which it pays",
                    Unit::Share,
                    (0.0, 0.0),
                    (most, most / full),
                ),
            ],
        }));
        if let Some(price) = even.month_usd {
            blocks.push(Block::Lever(Lever {
                id: format!("use-{}", slug(&run.label)),
                title: format!("{}: what if more or less of it is used?", run.label),
                label: format!("mean use of the {side} side"),
                unit: Unit::Share,
                range: [0.0, 1.0, used],
                outcomes: vec![
                    straight(
                        "saved in a month",
                        Unit::UsdPerMonth,
                        (0.0, -price),
                        (1.0, full - price),
                    ),
                    straight(
                        "highest price that pays",
                        Unit::UsdPerMonth,
                        (0.0, 0.0),
                        (1.0, full),
                    ),
                ],
            }));
        }
    }
    blocks
}

/// An outcome that is a straight line.
fn straight(label: &str, unit: Unit, from: (f64, f64), to: (f64, f64)) -> Outcome {
    Outcome {
        label: label.to_owned(),
        unit,
        points: vec![from, to],
    }
}
