//! What the levers are worth, and the bill and payments of a plan.

use super::super::build::{
    self, Thinning, categories, counted, figure, linear, number, slug, table, text,
};
use super::labelled;
use crate::results::plan::{BillSummary, LeversSummary, PlanVariant};
use crate::results::report::{Block, Figure, Layer, Section, Unit};

/// What the levers are worth.
pub(super) fn levers(variants: &[(String, &PlanVariant)]) -> Option<Section> {
    let mut said = Vec::new();
    let mut blocks = Vec::new();
    for (label, variant) in variants {
        let Some(part) = &variant.levers else {
            continue;
        };
        said.push(labelled(label, &part.verdict));
        said.extend(
            part.findings
                .iter()
                .chain(&part.caveats)
                .map(|one| labelled(label, one)),
        );
        blocks.extend(waterfall(label, part));
        blocks.push(single(label, part));
    }
    build::section(
        "levers",
        "What each lever is worth",
        build::once(said),
        blocks,
    )
}

fn waterfall(label: &str, part: &LeversSummary) -> Option<Block> {
    let (base, all) = (part.base_usd?, part.all_usd?);
    let mut names = vec!["without levers".to_owned()];
    let mut values = vec![base];
    let mut totals = vec![true];
    let mut rows = vec![vec![
        text("without levers"),
        number(None),
        number(Some(base)),
    ]];
    for step in &part.waterfall {
        names.push(step.lever.clone());
        values.push(-step.saves_usd);
        totals.push(false);
        rows.push(vec![
            text(&step.lever),
            number(Some(step.saves_usd)),
            number(Some(step.left_usd)),
        ]);
    }
    names.push("with all".to_owned());
    values.push(all);
    totals.push(true);
    let id = format!("waterfall-{}", slug(label));
    let title = labelled(
        label,
        "what each lever takes off the bill, in the order of the scenario",
    );
    let drawn = Figure {
        id: id.clone(),
        title: title.clone(),
        caption: "What a lever saves depends on those pulled before it; the table of single levers says how far."
            .into(),
        x: linear("dollars a month", Unit::UsdPerMonth),
        y: categories(names),
        layers: vec![Layer::Waterfall { values, totals }],
        table: table(
            &format!("{id}-table"),
            &title,
            &[
                ("lever", Unit::Text),
                ("saves at its turn", Unit::UsdPerMonth),
                ("left", Unit::UsdPerMonth),
            ],
            rows,
        ),
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

fn single(label: &str, part: &LeversSummary) -> Block {
    let rows = part.levers.iter().map(|one| {
        vec![
            text(&one.name),
            number(Some(one.alone_usd)),
            number(Some(one.last_usd)),
            number(Some(one.shapley_usd)),
        ]
    });
    let title = labelled(label, "single levers, dollars a month");
    Block::Table(table(
        &format!("levers-{}", slug(label)),
        &title,
        &[
            ("lever", Unit::Text),
            ("saves alone", Unit::UsdPerMonth),
            ("saves on top of all others", Unit::UsdPerMonth),
            ("Shapley value", Unit::UsdPerMonth),
        ],
        rows.collect(),
    ))
}

/// The bill of a month, and what is paid.
pub(super) fn section(variants: &[(String, &PlanVariant)]) -> Option<Section> {
    let mut blocks: Vec<Block> = by_class(variants).into_iter().collect();
    for (label, variant) in variants {
        blocks.push(sums(label, "workload", &variant.bill));
        blocks.push(sums(label, "model", &variant.bill));
        blocks.push(tags(label, &variant.bill));
        blocks.push(lines(label, &variant.bill));
        blocks.push(cash(label, variant));
    }
    let unpriced = variants.iter().flat_map(|(_, one)| &one.bill.unpriced);
    let unpriced =
        unpriced.map(|what| format!("The price of {what} is not known; it is in no sum."));
    let assumed = variants
        .iter()
        .flat_map(|(_, one)| one.bill.assumptions.clone());
    let said = build::once(unpriced.chain(assumed));
    build::section("bill", "The bill of a month", said, blocks)
}

fn by_class(variants: &[(String, &PlanVariant)]) -> Option<Block> {
    let mut classes: Vec<&str> = Vec::new();
    for sum in variants.iter().flat_map(|(_, one)| &one.bill.by_class) {
        if !classes.contains(&sum.name.as_str()) {
            classes.push(&sum.name);
        }
    }
    let of = |one: &PlanVariant, class: &str| {
        let found = one.bill.by_class.iter().find(|sum| sum.name == class);
        found.map(|sum| sum.usd)
    };
    let named = |(label, one): &(String, &PlanVariant)| match label.as_str() {
        "" => one.name.clone(),
        label => label.to_owned(),
    };
    let layers = classes.iter().map(|class| Layer::Bars {
        name: class.replace('_', " "),
        values: variants
            .iter()
            .map(|(_, one)| of(one, class).unwrap_or(0.0))
            .collect(),
    });
    let heads: Vec<String> = classes
        .iter()
        .map(|class| class.replace('_', " "))
        .collect();
    let mut columns = vec![("variant", Unit::Text)];
    columns.extend(heads.iter().map(|head| (head.as_str(), Unit::UsdPerMonth)));
    columns.push(("total", Unit::UsdPerMonth));
    let rows = variants.iter().map(|entry| {
        let mut row = vec![text(named(entry))];
        row.extend(classes.iter().map(|class| number(of(entry.1, class))));
        row.push(number(entry.1.bill.month_usd));
        row
    });
    let title = "The bill of a month by class, in closed form";
    let drawn = Figure {
        id: "bill-by-class".into(),
        title: title.into(),
        caption: "The first month of the plan, as it is asked for today.".into(),
        x: linear("dollars a month", Unit::UsdPerMonth),
        y: categories(variants.iter().map(named).collect()),
        layers: layers.collect(),
        table: table("bill-by-class-table", title, &columns, rows.collect()),
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

fn sums(label: &str, what: &str, bill: &BillSummary) -> Block {
    let sums = if what == "model" {
        &bill.by_model
    } else {
        &bill.by_workload
    };
    // A single sum says what the total says.
    let rows = sums.iter().filter(|_| sums.len() > 1).map(|one| {
        let name = if one.name.is_empty() {
            "shared by all"
        } else {
            &one.name
        };
        vec![text(name), number(Some(one.usd))]
    });
    let title = labelled(label, &format!("by {what}"));
    Block::Table(table(
        &format!("bill-by-{what}-{}", slug(label)),
        &title,
        &[(what, Unit::Text), ("a month", Unit::UsdPerMonth)],
        rows.collect(),
    ))
}

fn tags(label: &str, bill: &BillSummary) -> Block {
    let rows = bill.by_tag.iter().map(|one| {
        vec![
            text(&one.tag),
            text(one.value.clone().unwrap_or_else(|| "without it".to_owned())),
            number(Some(one.usd)),
        ]
    });
    Block::Table(table(
        &format!("bill-by-tag-{}", slug(label)),
        &labelled(label, "by tag"),
        &[
            ("tag", Unit::Text),
            ("value", Unit::Text),
            ("a month", Unit::UsdPerMonth),
        ],
        rows.collect(),
    ))
}

fn lines(label: &str, bill: &BillSummary) -> Block {
    let rows = bill.lines.iter().map(|one| {
        let class = one.class.replace('_', " ");
        vec![
            text(if one.workload.is_empty() {
                "shared by all"
            } else {
                &one.workload
            }),
            text(&one.model),
            text(&one.scope),
            text(one.tier.replace('_', " ")),
            text(match &one.of {
                Some(of) => format!("{class}: {}", of.replace('_', " ")),
                None => class,
            }),
            counted(one.units),
            text(&one.unit),
            // Dollars of one token have more digits than a view shows.
            number(Some(one.unit_usd * 1e6)),
            number(Some(one.usd)),
        ]
    });
    Block::Table(table(
        &format!("bill-lines-{}", slug(label)),
        &labelled(label, "line by line"),
        &[
            ("workload", Unit::Text),
            ("model", Unit::Text),
            ("scope", Unit::Text),
            ("tier", Unit::Text),
            ("class", Unit::Text),
            ("units", Unit::Count),
            ("of", Unit::Text),
            ("price of a million", Unit::Usd),
            ("a month", Unit::UsdPerMonth),
        ],
        rows.collect(),
    ))
}

fn cash(label: &str, variant: &PlanVariant) -> Block {
    let cash = &variant.cash;
    let plain = cash.discount_share == 0.0 && cash.credits_usd == 0.0;
    // Without discounts and credits what is paid is the bill.
    let rows = cash.months.iter().filter(|_| !plain).map(|one| {
        vec![
            text(one.label.clone().unwrap_or_else(|| one.month.to_string())),
            number(Some(one.bill_usd)),
            number(Some(one.discount_usd)),
            number(Some(one.credit_used_usd)),
            number(Some(one.paid_usd)),
            number(Some(one.expired_usd)),
            number(Some(one.credit_left_usd)),
        ]
    });
    Block::Table(table(
        &format!("cash-{}", slug(label)),
        &labelled(label, "what is paid month by month"),
        &[
            ("month", Unit::Text),
            ("bill", Unit::UsdPerMonth),
            ("discount", Unit::UsdPerMonth),
            ("paid from credits", Unit::UsdPerMonth),
            ("paid", Unit::UsdPerMonth),
            ("credits that expire", Unit::Usd),
            ("credits left", Unit::Usd),
        ],
        rows.collect(),
    ))
}
