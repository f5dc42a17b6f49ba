//! What a plan is worth: cost against service, regret, what matters, and the simulated hours.

use super::super::build::{self, Thinning, categories, figure, linear, number, slug, table, text};
use super::Pool;
use crate::results::plan::{TornadoEnd, VerifiedPlanSummary};
use crate::results::report::{Block, Figure, Layer, Section, Unit};

pub(super) fn section(pools: &[Pool<'_>]) -> Option<Section> {
    let mut said: Vec<String> = Vec::new();
    let mut blocks = Vec::new();
    for pool in pools {
        let part = &pool.plan.sensitivity;
        let verified = pool.plan.verification.iter().flat_map(|one| &one.sentences);
        said.extend(part.sentences.iter().chain(verified).cloned());
        blocks.extend(frontier(pool));
        blocks.extend(tornado(pool));
    }
    blocks.push(regret(pools));
    blocks.push(verified(pools));
    build::section(
        "worth",
        "What the plan is worth, and whether it holds",
        build::once(said),
        blocks,
    )
}

fn frontier(pool: &Pool<'_>) -> Option<Block> {
    let plans = &pool.plan.sensitivity.frontier;
    let id = format!("frontier-{}", slug(&pool.label));
    let title = format!("{}: cost against the share of requests served", pool.label);
    let rows = plans.iter().map(|one| {
        vec![
            text(&one.name),
            text(&one.held),
            number(Some(one.month_usd)),
            number(Some(one.bought_month_usd)),
            number(Some(one.served_share)),
            number(one.usd_per_extra_request),
            number(one.capacity_usd_per_extra_request),
        ]
    });
    let table = table(
        &format!("{id}-table"),
        &title,
        &[
            ("plan", Unit::Text),
            ("held", Unit::Text),
            ("cost of a month", Unit::UsdPerMonth),
            ("of it bought", Unit::UsdPerMonth),
            ("served", Unit::Share),
            ("for each request more", Unit::Usd),
            ("of it capacity", Unit::Usd),
        ],
        rows.collect(),
    );
    // One plan that no other beats is no line.
    if plans.len() < 2 {
        return Some(Block::Table(table));
    }
    let points: Vec<(f64, f64)> = plans
        .iter()
        .map(|one| (one.served_share, one.month_usd))
        .collect();
    let mut layers = vec![build::line("", false, points)];
    layers.extend(plans.iter().take(5).map(|one| Layer::Points {
        name: one.name.clone(),
        variant: None,
        points: vec![(one.served_share, one.month_usd)],
    }));
    let drawn = Figure {
        id,
        title,
        caption: "Plans that no other beats in both; steep parts say what the last requests cost."
            .into(),
        x: linear("share of requests served", Unit::Share),
        y: linear("dollars a month", Unit::UsdPerMonth),
        layers,
        table,
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

fn tornado(pool: &Pool<'_>) -> Option<Block> {
    let part = &pool.plan.sensitivity.tornado;
    if part.bars.is_empty() {
        return None;
    }
    let ends = |of: fn(&crate::results::plan::TornadoBarSummary) -> &TornadoEnd| {
        part.bars
            .iter()
            .map(|bar| (0.0, of(bar).delta_usd))
            .collect()
    };
    let names = part.bars.iter().map(|bar| {
        let mark = if bar.basis == "assumed" { "*" } else { "" };
        format!("{}{mark} ({} to {})", bar.input, bar.low.at, bar.high.at)
    });
    let id = format!("tornado-{}", slug(&pool.label));
    let title = format!(
        "{}: what matters for the cost of the whole plan",
        pool.label
    );
    let rows = part.bars.iter().map(|bar| {
        vec![
            text(&bar.input),
            text(&bar.basis),
            text(&bar.low.at),
            number(Some(bar.low.delta_usd)),
            text(&bar.low.verdict),
            text(&bar.high.at),
            number(Some(bar.high.delta_usd)),
            text(&bar.high.verdict),
        ]
    });
    let base = crate::report::number::value(Unit::Usd, part.base_usd);
    let drawn = Figure {
        id: id.clone(),
        title: title.clone(),
        caption: format!(
            "Each input at its 10th and 90th percentile, the others at their median, decided anew; {base} with all at \
             the median. * is assumed: a fifth to either side."
        ),
        x: linear("dollars of the whole plan, more or less", Unit::Usd),
        y: categories(names.collect()),
        layers: vec![
            Layer::Ranges {
                name: "at p10".into(),
                values: ends(|bar| &bar.low),
            },
            Layer::Ranges {
                name: "at p90".into(),
                values: ends(|bar| &bar.high),
            },
        ],
        table: table(
            &format!("{id}-table"),
            &title,
            &[
                ("input", Unit::Text),
                ("basis", Unit::Text),
                ("p10", Unit::Text),
                ("dollars more", Unit::Usd),
                ("decided", Unit::Text),
                ("p90", Unit::Text),
                ("dollars more", Unit::Usd),
                ("decided", Unit::Text),
            ],
            rows.collect(),
        ),
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

fn regret(pools: &[Pool<'_>]) -> Block {
    let rows = pools.iter().flat_map(|pool| {
        pool.plan.sensitivity.regret.iter().map(|one| {
            vec![
                text(&one.growth),
                text(&pool.label),
                number(Some(one.growth_factor)),
                number(Some(one.chosen.usd)),
                number(Some(one.chosen.served_share)),
                number(Some(one.best.usd)),
                text(&one.best_held),
                number(Some(one.regret_usd)),
                number(Some(one.nothing_regret_usd)),
            ]
        })
    });
    Block::Table(table(
        "regret",
        "Regret: what the plan costs beyond the best one, had growth been known; dollars of the whole plan",
        &[
            ("growth", Unit::Text),
            ("for", Unit::Text),
            ("last month over first", Unit::Number),
            ("the plan", Unit::Usd),
            ("served", Unit::Share),
            ("the best", Unit::Usd),
            ("held in the best", Unit::Text),
            ("regret", Unit::Usd),
            ("regret of buying nothing", Unit::Usd),
        ],
        rows.collect(),
    ))
}

fn verified(pools: &[Pool<'_>]) -> Block {
    let mut rows = Vec::new();
    for pool in pools {
        for hour in pool.plan.verification.iter().flat_map(|one| &one.hours) {
            for plan in &hour.plans {
                rows.push(vec![
                    text(&hour.name),
                    text(&pool.label),
                    text(&hour.growth),
                    text(&plan.role),
                    text(&plan.held),
                    text(said(plan)),
                    number(plan.ttft_p99_ms),
                    number(plan.throttled_share),
                    number(plan.attainment),
                    number(plan.bought_share),
                    number(plan.usd_per_hour),
                    number(plan.expected_usd_per_hour),
                ]);
            }
        }
    }
    Block::Table(table(
        "verified",
        "Simulated hours",
        &[
            ("hour", Unit::Text),
            ("for", Unit::Text),
            ("growth", Unit::Text),
            ("plan", Unit::Text),
            ("held", Unit::Text),
            ("SLO", Unit::Text),
            ("TTFT p99", Unit::Millis),
            ("throttled in the end", Unit::Share),
            ("good requests", Unit::Share),
            ("served by what is bought", Unit::Share),
            ("cost of the hour", Unit::Usd),
            ("expected", Unit::Usd),
        ],
        rows,
    ))
}

fn said(plan: &VerifiedPlanSummary) -> String {
    if let Some(error) = &plan.error {
        return error.clone();
    }
    let sure = if plan.is_unsure == Some(true) {
        ", unsure"
    } else {
        ""
    };
    match plan.is_met {
        Some(true) => format!("met{sure}"),
        Some(false) => format!("missed{sure}"),
        None => String::new(),
    }
}
