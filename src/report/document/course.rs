//! Load, refusals, latency and quota over time.

use super::build::{
    Thinning, axis, column, figure, level, line, line_of, linear, number, section, slug,
};
use super::run::Run;
use crate::results::report::{Block, Cell, Figure, Layer, Scale, Section, Table, Unit};

/// Rows of the table behind a picture over time.
const ROWS: usize = 24;
/// Pictures of quota, one for each variant.
const MOST_QUOTAS: usize = 8;

/// A series by time; nothing where nothing was seen.
type Series = Vec<(f64, Option<f64>)>;

/// The course of all runs that have one.
pub(super) fn course(runs: &[Run<'_>], order: &[String]) -> Option<Section> {
    let mut blocks = Vec::new();
    blocks.extend(load(runs, order));
    blocks.extend(refused(runs, order));
    blocks.extend(ttft(runs, order));
    blocks.extend(in_system(runs, order));
    let quotas = runs.iter().filter_map(quota).take(MOST_QUOTAS);
    blocks.extend(quotas);
    let is_empty = blocks.is_empty();
    let said = "From the beginning of the run, its warm-up inside. Counts stand where requests ended, \
                arrivals where they were due.";
    (!is_empty)
        .then(|| {
            section(
                "course",
                "Load, refusals and quota over time",
                vec![said.into()],
                blocks,
            )
        })
        .flatten()
}

/// A column as it stands.
fn seen(run: &Run<'_>, name: &str) -> Series {
    let timeline = run.folder.timeline.as_ref();
    timeline.map_or_else(Vec::new, |one| one.column(&run.variant.name, name))
}

/// A column of counts as a rate: counts are sums over replications.
fn rate(run: &Run<'_>, name: &str) -> Series {
    let timeline = run.folder.timeline.as_ref();
    let Some(width) = timeline.and_then(|one| one.width(&run.variant.name)) else {
        return Vec::new();
    };
    let over = width * f64::from(run.summary.replications.max(1));
    let counts = seen(run, name).into_iter();
    counts
        .map(|(time, count)| (time, count.map(|count| count / over)))
        .collect()
}

/// The parts of a series in which something was seen, as lines of one name.
fn broken(series: &Series, make: impl Fn(Vec<(f64, f64)>) -> Layer) -> Vec<Layer> {
    let parts = series.split(|(_, value)| value.is_none());
    parts
        .map(|part| {
            part.iter()
                .filter_map(|&(time, value)| Some((time, value?)))
                .collect()
        })
        .filter(|part: &Vec<(f64, f64)>| !part.is_empty())
        .map(make)
        .collect()
}

/// How a step of a table sums up the intervals in it.
#[derive(Clone, Copy)]
enum Step {
    /// Rates of intervals of one width: the rate of all of them.
    Mean,
    /// The largest; percentiles are never averaged.
    Most,
}

/// The table behind series over time, in at most [`ROWS`] steps.
fn stepped(id: &str, title: &str, unit: Unit, step: Step, series: &[(String, Series)]) -> Table {
    let longest = series.iter().map(|(_, own)| own.len()).max().unwrap_or(0);
    let each = longest.div_ceil(ROWS).max(1);
    let how = match step {
        Step::Mean => "mean of each step",
        Step::Most => "most of each step",
    };
    let mut columns = vec![column("from", Unit::Seconds)];
    columns.extend(series.iter().map(|(name, _)| column(name, unit)));
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for first in (0..longest).step_by(each) {
        let time = series
            .iter()
            .find_map(|(_, own)| own.get(first))
            .map(|one| one.0);
        let mut row = vec![number(time)];
        for (_, own) in series {
            let part = own.iter().skip(first).take(each);
            let values: Vec<f64> = part.filter_map(|(_, value)| *value).collect();
            let summed = match step {
                _ if values.is_empty() => None,
                Step::Mean => Some(values.iter().sum::<f64>() / values.len() as f64),
                Step::Most => values.iter().copied().reduce(f64::max),
            };
            row.push(number(summed));
        }
        rows.push(row);
    }
    Table {
        id: format!("{id}-table"),
        title: format!("{title}, {how}"),
        columns,
        rows,
    }
}

/// A picture over time.
struct Over {
    id: String,
    title: String,
    caption: &'static str,
    label: &'static str,
    unit: Unit,
    scale: Scale,
    step: Step,
}

impl Over {
    fn block(
        &self,
        layers: Vec<Layer>,
        series: &[(String, Series)],
        order: &[String],
    ) -> Option<Figure> {
        figure(
            Figure {
                id: self.id.clone(),
                title: self.title.clone(),
                caption: self.caption.to_owned(),
                x: linear("time since the beginning of the run", Unit::Seconds),
                y: axis(self.label, self.unit, self.scale.clone()),
                layers,
                table: stepped(&self.id, &self.title, self.unit, self.step, series),
                order: order.to_vec(),
                ..Figure::default()
            },
            Thinning::Peaks,
        )
    }
}

fn load(runs: &[Run<'_>], order: &[String]) -> Option<Block> {
    let mut layers = Vec::new();
    let mut series: Vec<(String, Series)> = Vec::new();
    let offered: Vec<Series> = runs.iter().map(|run| rate(run, "offered")).collect();
    // Variants of one scenario get the same arrivals, so their load is one line.
    let mut known: Vec<&Series> = Vec::new();
    for (run, own) in runs.iter().zip(&offered) {
        if own.is_empty() || known.iter().any(|one| is_same_load(one, own)) {
            continue;
        }
        known.push(own);
        let is_common = offered.iter().all(|one| is_same_load(one, own));
        let name = if is_common {
            "offered".to_owned()
        } else {
            format!("offered to {}", run.label)
        };
        layers.extend(broken(own, |points| line(&name, true, points)));
        series.push((name, own.clone()));
    }
    for run in runs {
        let own = rate(run, "completed");
        layers.extend(broken(&own, |points| line_of(&run.label, points)));
        series.push((format!("{} answered", run.label), own));
    }
    let over = Over {
        id: "load".into(),
        title: "Requests offered, and requests answered".into(),
        caption: "Where an answered line falls below the load, requests wait or are lost; where it lies above, \
                  a backlog is worked off.",
        label: "requests per second",
        unit: Unit::PerSecond,
        scale: Scale::Linear,
        step: Step::Mean,
    };
    series.retain(|(_, own)| !own.is_empty());
    over.block(layers, &series, order).map(Block::Figure)
}

/// Whether two loads are the same as far as both go; what is beyond is a wait for the last answers.
fn is_same_load(one: &Series, other: &Series) -> bool {
    let common = one.len().min(other.len());
    let idle = |rest: &[(f64, Option<f64>)]| {
        rest.iter()
            .all(|(_, rate)| rate.is_none_or(|rate| rate == 0.0))
    };
    one[..common] == other[..common] && idle(&one[common..]) && idle(&other[common..])
}

fn refused(runs: &[Run<'_>], order: &[String]) -> Option<Block> {
    let of_run = runs
        .iter()
        .map(|run| (run.label.clone(), rate(run, "attempts_throttled")));
    let series: Vec<(String, Series)> = of_run.filter(|(_, own)| !own.is_empty()).collect();
    let any =
        |(_, own): &(String, Series)| own.iter().any(|(_, value)| value.is_some_and(|v| v > 0.0));
    if !series.iter().any(any) {
        return None;
    }
    let layers = series
        .iter()
        .flat_map(|(name, own)| broken(own, |points| line_of(name, points)))
        .collect();
    let over = Over {
        id: "throttles".into(),
        title: "Attempts that a quota refused".into(),
        caption: "Each is a 429; what becomes of its request is up to the client's retries.",
        label: "refused attempts per second",
        unit: Unit::PerSecond,
        scale: Scale::Linear,
        step: Step::Mean,
    };
    over.block(layers, &series, order).map(Block::Figure)
}

fn ttft(runs: &[Run<'_>], order: &[String]) -> Option<Block> {
    let of_run = runs
        .iter()
        .map(|run| (run.label.clone(), seen(run, "ttft_p99_ms")));
    let some = |own: &Series| own.iter().any(|(_, value)| value.is_some());
    let series: Vec<(String, Series)> = of_run.filter(|(_, own)| some(own)).collect();
    let layers = series
        .iter()
        .flat_map(|(name, own)| broken(own, |points| line_of(name, points)))
        .collect();
    let over = Over {
        id: "ttft-over-time".into(),
        title: "Time to first token over time, p99 of each interval".into(),
        caption: "Of the requests answered in the interval, within 3 %. A gap is an interval without answers.",
        label: "TTFT p99",
        unit: Unit::Millis,
        scale: Scale::Log,
        step: Step::Most,
    };
    let mut drawn = over.block(layers, &series, order)?;
    let bounds = runs.iter().flat_map(|run| &run.variant.slo.objectives);
    for objective in bounds.filter(|one| one.name == "ttft.p99") {
        let label = crate::report::number::value(Unit::Millis, objective.bound);
        let mark = level(format!("SLO: p99 ≤ {label}"), objective.bound);
        if !drawn.marks.contains(&mark) {
            drawn.marks.push(mark);
        }
    }
    Some(Block::Figure(drawn))
}

fn in_system(runs: &[Run<'_>], order: &[String]) -> Option<Block> {
    let of_run = runs
        .iter()
        .map(|run| (run.label.clone(), seen(run, "in_system")));
    let series: Vec<(String, Series)> = of_run.filter(|(_, own)| !own.is_empty()).collect();
    let layers = series
        .iter()
        .flat_map(|(name, own)| broken(own, |points| line_of(name, points)))
        .collect();
    let over = Over {
        id: "in-system".into(),
        title: "Requests in the system, the most of each interval".into(),
        caption: "Those being answered, waiting and backing off. A hump that stays after a peak of load is a \
                  queue that does not drain.",
        label: "requests at a time",
        unit: Unit::Count,
        scale: Scale::Linear,
        step: Step::Most,
    };
    over.block(layers, &series, order).map(Block::Figure)
}

/// Reserved against settled, as shares of the quota's limit.
fn quota(run: &Run<'_>) -> Option<Block> {
    let mut series: Vec<(String, Series)> = [
        ("reserved at admission", "reserved_share"),
        ("settled in a minute", "settled_minute_share"),
    ]
    .map(|(name, column)| (name.to_owned(), seen(run, column)))
    .to_vec();
    // Runs of older versions know the minute until the sample only, which may have just begun.
    series.retain(|(_, own)| !own.is_empty());
    let some = |own: &Series| own.iter().any(|(_, value)| value.is_some_and(|v| v > 0.0));
    if !series.iter().any(|(_, own)| some(own)) {
        return None;
    }
    let layers = series
        .iter()
        .flat_map(|(name, own)| {
            broken(own, |points| Layer::Line {
                name: name.clone(),
                variant: None,
                dashed: false,
                points,
            })
        })
        .collect();
    let over = Over {
        id: format!("quota-{}", slug(&run.label)),
        title: format!("Token quota of {}: reserved against settled", run.label),
        caption: "Of the quota nearest to its limit. Admission counts what is reserved, for all of max_tokens; dashboards \
                  show what is settled in whole clock minutes. The space between them is reserved for nothing.",
        label: "share of the limit",
        unit: Unit::Share,
        scale: Scale::Linear,
        step: Step::Most,
    };
    let order = series
        .iter()
        .map(|(name, _)| name.clone())
        .collect::<Vec<String>>();
    let mut drawn = over.block(layers, &series, &order)?;
    let limits = run
        .variant
        .quota
        .iter()
        .filter(|one| one.name.contains("tpm"));
    let limits: Vec<u64> = limits.map(|one| one.limit).collect();
    let label = match limits.as_slice() {
        [only] => {
            let limit = crate::report::number::value(Unit::TokensPerMinute, *only as f64);
            format!("limit: {limit}")
        }
        _ => "limit".to_owned(),
    };
    drawn.marks.push(level(label, 1.0));
    Some(Block::Figure(drawn))
}
