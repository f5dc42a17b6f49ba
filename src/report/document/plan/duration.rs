//! The load-duration curve: the hours of a week from the busiest down, against what is held.

use super::super::build::{Thinning, column, figure, level, linear, number, slug};
use super::Pool;
use crate::results::plan::{DecisionSummary, HoldSummary};
use crate::results::report::{Block, Figure, Layer, Mark, Table, Unit};

/// Which side of a call and of a hold is counted.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Input,
    Output,
}

impl Side {
    fn of(decision: &DecisionSummary) -> Self {
        match decision.binding.as_deref() {
            Some("output") => Self::Output,
            _ => Self::Input,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }

    fn held(self, hold: &HoldSummary) -> f64 {
        match self {
            Self::Input => hold.input_tpm as f64,
            Self::Output => hold.output_tpm as f64,
        }
    }
}

/// The hours of a typical week from the busiest down, against what is held.
pub(super) fn curve(pool: &Pool<'_>) -> Option<Block> {
    let decision = &pool.plan.decision;
    let side = Side::of(decision);
    let demand = &pool.variant.demand;
    let own = demand
        .workloads
        .iter()
        .filter(|one| one.model == decision.model && one.scope == decision.scope && !one.is_batch);
    let mut hours = vec![0.0; 168];
    for workload in own {
        let call = &workload.call;
        let tokens = match side {
            // Reads from the cache do not count against what is held.
            Side::Input => call.input_tokens + call.cache_write_tokens,
            Side::Output => call.output_tokens,
        };
        for (hour, requests) in hours.iter_mut().zip(&workload.week_requests) {
            *hour += requests * tokens / 60.0;
        }
    }
    hours.sort_by(|a, b| b.total_cmp(a));
    if hours.first().is_none_or(|most| *most <= 0.0) {
        return None;
    }
    let first = demand.months.first()?;
    let last = demand.months.last()?;
    let growth = last.requests_mean / first.requests_mean;
    let mut layers = vec![stepped(&format!("month {}", first.month), &hours, 1.0)];
    let mut columns = vec![
        column("hours of the week", Unit::Hours),
        column(format!("month {}", first.month), Unit::TokensPerMinute),
    ];
    let grows = growth.is_finite() && last.month != first.month && (growth - 1.0).abs() > 1e-6;
    if grows {
        layers.push(stepped(&format!("month {}", last.month), &hours, growth));
        columns.push(column(
            format!("month {}", last.month),
            Unit::TokensPerMinute,
        ));
    }
    let marks = held(decision, side, first.month, last.month);
    let rows = (0..168).step_by(12).map(|n| {
        let mut row = vec![number(Some(n as f64 + 1.0)), number(Some(hours[n]))];
        if grows {
            row.push(number(Some(hours[n] * growth)));
        }
        row
    });
    let id = format!("duration-{}", slug(&pool.label));
    let title = format!(
        "{}: {} tokens by the hour, the busiest first",
        pool.label,
        side.word()
    );
    let drawn = Figure {
        id: id.clone(),
        title: title.clone(),
        caption: format!(
            "A typical week, at the mean of each hour; the last month is the first one times the growth of the mean \
             over paths. What lies under the level is served by what is held, what lies above by quota on demand. {}",
            match side {
                Side::Input => "Input counts without what is read from the cache.",
                Side::Output => "Output counts as billed.",
            }
        ),
        x: linear("hours of the week with at least this load", Unit::Hours),
        y: linear(
            &format!("{} tokens per minute", side.word()),
            Unit::TokensPerMinute,
        ),
        layers,
        marks,
        table: Table {
            id: format!("{id}-table"),
            title,
            columns,
            rows: rows.collect(),
        },
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

/// What is held in the first and in the last month.
fn held(decision: &DecisionSummary, side: Side, first: u32, last: u32) -> Vec<Mark> {
    let held_in = |month: u32| {
        let holds = decision.holds.iter();
        let active = holds
            .filter(|one| one.from_month <= month && month < one.from_month + one.months.max(1));
        active.map(|one| side.held(one)).sum::<f64>()
    };
    let mut marks: Vec<Mark> = Vec::new();
    let mut levels: Vec<(u32, f64)> = vec![(first, held_in(first)), (last, held_in(last))];
    levels.dedup_by(|a, b| (a.1 - b.1).abs() < 0.5);
    for &(month, held) in levels.iter().filter(|(_, held)| *held > 0.0) {
        let amount = crate::report::number::value(Unit::TokensPerMinute, held);
        let label = if levels.len() > 1 {
            format!("held in month {month}: {amount}")
        } else {
            format!("held: {amount}")
        };
        marks.push(level(label, held));
    }
    marks
}

fn stepped(name: &str, hours: &[f64], factor: f64) -> Layer {
    let mut points: Vec<(f64, f64)> = hours
        .iter()
        .enumerate()
        .map(|(n, one)| (n as f64, one * factor))
        .collect();
    if let Some(&(_, last)) = points.last() {
        points.push((hours.len() as f64, last));
    }
    Layer::Step {
        name: name.to_owned(),
        variant: None,
        points,
    }
}
