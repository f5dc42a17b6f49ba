//! What to buy: demand by the hour against what is held, cost by month, and the price at which it pays.

use super::super::build::{
    self, Thinning, counted, figure, level, line, linear, number, slug, table, text,
};
use super::Pool;
use crate::results::plan::{HoldSummary, OfferSummary, PricePoint};
use crate::results::report::{Block, Figure, Layer, Lever, Mark, Outcome, Section, Unit};

/// Hours of a month, as the plan counts them.
const HOURS_PER_MONTH: f64 = 730.0;

pub(super) fn section(pools: &[Pool<'_>]) -> Option<Section> {
    let mut blocks = vec![alternatives(pools)];
    for pool in pools {
        blocks.extend(months(pool));
        blocks.extend(fan(pool));
        blocks.extend(super::duration::curve(pool));
        let decision = &pool.plan.decision;
        blocks.extend(
            decision
                .offers
                .iter()
                .filter_map(|offer| price_curve(pool, offer)),
        );
        blocks.extend(break_even(pool));
        blocks.extend(
            decision
                .offers
                .iter()
                .filter_map(|offer| price_lever(pool, offer)),
        );
        blocks.extend(
            decision
                .offers
                .iter()
                .filter_map(|offer| level_lever(pool, offer)),
        );
    }
    blocks.push(holds(pools));
    build::section("purchase", "What to buy, and when", Vec::new(), blocks)
}

fn alternatives(pools: &[Pool<'_>]) -> Block {
    let rows = pools.iter().flat_map(|pool| {
        pool.plan.decision.alternatives.iter().map(|one| {
            vec![
                text(&one.name),
                text(&pool.label),
                text(&one.schedule),
                number(Some(one.month_usd)),
                number(Some(one.month_usd_p10)),
                number(Some(one.month_usd_p90)),
                number(Some(one.saving_month_usd)),
                number(one.utilisation),
                number(Some(one.served_share)),
            ]
        })
    });
    Block::Table(table(
        "alternatives",
        "Ways to serve the requests; dollars of a month on the mean over months and paths of demand",
        &[
            ("way", Unit::Text),
            ("for", Unit::Text),
            ("held", Unit::Text),
            ("cost of a month", Unit::UsdPerMonth),
            ("p10 over paths", Unit::UsdPerMonth),
            ("p90 over paths", Unit::UsdPerMonth),
            ("saved against all on demand", Unit::UsdPerMonth),
            ("use of what is bought", Unit::Share),
            ("served", Unit::Share),
        ],
        rows.collect(),
    ))
}

fn holds(pools: &[Pool<'_>]) -> Block {
    let rows = pools.iter().flat_map(|pool| {
        pool.plan.decision.holds.iter().map(|one| {
            vec![
                text(&one.offer),
                text(&pool.label),
                counted(u64::from(one.from_month)),
                counted(u64::from(one.months)),
                counted(one.input_tpm),
                counted(one.output_tpm),
                number((one.units > 0).then(|| f64::from(one.units))),
                number(one.month_usd),
            ]
        })
    });
    Block::Table(table(
        "holds",
        "What is bought, block by block",
        &[
            ("offer", Unit::Text),
            ("for", Unit::Text),
            ("from month", Unit::Months),
            ("months", Unit::Months),
            ("input", Unit::TokensPerMinute),
            ("output", Unit::TokensPerMinute),
            ("model units", Unit::Count),
            ("price", Unit::UsdPerMonth),
        ],
        rows.collect(),
    ))
}

/// Cost by class and month.
fn months(pool: &Pool<'_>) -> Option<Block> {
    let months = &pool.plan.decision.months;
    let names = months.iter().map(|one| name_of(pool, one.month)).collect();
    let tokens = |one: &crate::results::plan::DecisionMonth| {
        (one.usd - one.bought_usd - one.batch_usd).max(0.0)
    };
    let bars = |name: &str, values: Vec<f64>| Layer::Bars {
        name: name.to_owned(),
        values,
    };
    let title = format!("{}: cost by class and month", pool.label);
    let id = format!("months-{}", slug(&pool.label));
    let rows = months.iter().map(|one| {
        vec![
            text(name_of(pool, one.month)),
            number(Some(one.bought_usd)),
            number(Some(tokens(one))),
            number(Some(one.batch_usd)),
            number(Some(one.usd)),
            number(Some(one.on_demand_usd)),
            number(Some(one.requests)),
            number(one.utilisation),
            number(Some(one.served_share)),
        ]
    });
    let drawn = Figure {
        id: id.clone(),
        title: title.clone(),
        caption: "The best schedule, on the mean over the paths of demand.".into(),
        x: build::categories(names),
        y: linear("dollars a month", Unit::UsdPerMonth),
        layers: vec![
            bars(
                "bought capacity",
                months.iter().map(|one| one.bought_usd).collect(),
            ),
            bars("on demand", months.iter().map(tokens).collect()),
            bars("batch", months.iter().map(|one| one.batch_usd).collect()),
        ],
        table: table(
            &format!("{id}-table"),
            &title,
            &[
                ("month", Unit::Text),
                ("bought capacity", Unit::UsdPerMonth),
                ("on demand", Unit::UsdPerMonth),
                ("batch", Unit::UsdPerMonth),
                ("all", Unit::UsdPerMonth),
                ("if all were on demand", Unit::UsdPerMonth),
                ("requests", Unit::Count),
                ("use of what is bought", Unit::Share),
                ("served", Unit::Share),
            ],
            rows.collect(),
        ),
        order: ["bought capacity", "on demand", "batch"]
            .map(str::to_owned)
            .to_vec(),
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

fn name_of(pool: &Pool<'_>, month: u32) -> String {
    let labels = &pool.variant.demand.months;
    let label = labels
        .iter()
        .find(|one| one.month == month)
        .and_then(|one| one.label.clone());
    label.unwrap_or_else(|| month.to_string())
}

/// The spread over the paths of demand.
fn fan(pool: &Pool<'_>) -> Option<Block> {
    let months = &pool.plan.decision.months;
    // With one path of demand there is no spread to show.
    if months
        .iter()
        .all(|one| one.usd_p90 - one.usd_p10 <= 1e-6 * one.usd.abs())
        || months.len() < 2
    {
        return None;
    }
    let at = |month: u32| f64::from(month);
    let title = format!("{}: what the months may cost", pool.label);
    let id = format!("fan-{}", slug(&pool.label));
    let rows = months.iter().map(|one| {
        vec![
            text(name_of(pool, one.month)),
            number(Some(one.usd_p10)),
            number(Some(one.usd_p50)),
            number(Some(one.usd_p90)),
            number(Some(one.on_demand_usd)),
        ]
    });
    let first_buys = pool.plan.decision.holds.iter().map(|one| Mark::Moment {
        label: bought(one),
        at: at(one.from_month),
    });
    let drawn = Figure {
        id: id.clone(),
        title: title.clone(),
        caption: format!(
            "Between the lines of the band lie eight of ten of the {} paths of demand.",
            crate::report::number::value(Unit::Count, f64::from(pool.variant.paths))
        ),
        x: linear("month of the plan", Unit::Months),
        y: linear("dollars a month", Unit::UsdPerMonth),
        layers: vec![
            Layer::Band {
                name: "p10 to p90".into(),
                variant: None,
                points: months
                    .iter()
                    .map(|one| (at(one.month), one.usd_p10, one.usd_p90))
                    .collect(),
            },
            line(
                "median",
                false,
                months
                    .iter()
                    .map(|one| (at(one.month), one.usd_p50))
                    .collect(),
            ),
            line(
                "all on demand, mean",
                true,
                months
                    .iter()
                    .map(|one| (at(one.month), one.on_demand_usd))
                    .collect(),
            ),
        ],
        marks: first_buys.collect(),
        table: table(
            &format!("{id}-table"),
            &title,
            &[
                ("month", Unit::Text),
                ("p10", Unit::UsdPerMonth),
                ("median", Unit::UsdPerMonth),
                ("p90", Unit::UsdPerMonth),
                ("all on demand, mean", Unit::UsdPerMonth),
            ],
            rows.collect(),
        ),
        order: ["median", "all on demand, mean"]
            .map(str::to_owned)
            .to_vec(),
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

fn bought(hold: &HoldSummary) -> String {
    let tokens = |count: u64| crate::report::number::value(Unit::Tokens, count as f64);
    if hold.units > 0 {
        return format!("{} × {}", hold.units, hold.offer);
    }
    format!(
        "{} in + {} out, {}",
        tokens(hold.input_tpm),
        tokens(hold.output_tpm),
        hold.offer
    )
}

/// What a level of capacity is told in.
#[derive(Clone, Copy)]
enum Held {
    Units,
    Input,
    Output,
}

impl Held {
    /// Units where it is sold in such, otherwise the side that grows more from the first slice to the last.
    fn of(points: &[PricePoint]) -> Self {
        if points.iter().all(|one| one.units > 0) {
            return Self::Units;
        }
        let growth = |side: fn(&PricePoint) -> u64| {
            let (first, last) = (
                points.first().map_or(0, side),
                points.last().map_or(0, side),
            );
            last as f64 / first.max(1) as f64
        };
        if growth(|one| one.output_tpm) > growth(|one| one.input_tpm) {
            Self::Output
        } else {
            Self::Input
        }
    }

    fn at(self, one: &PricePoint) -> f64 {
        match self {
            Self::Units => f64::from(one.units),
            Self::Input => one.input_tpm as f64,
            Self::Output => one.output_tpm as f64,
        }
    }

    fn of_hold(self, hold: &HoldSummary) -> f64 {
        match self {
            Self::Units => f64::from(hold.units),
            Self::Input => hold.input_tpm as f64,
            Self::Output => hold.output_tpm as f64,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Units => "model units held",
            Self::Input => "input tokens a minute held",
            Self::Output => "output tokens a minute held",
        }
    }

    fn unit(self) -> Unit {
        match self {
            Self::Units => Unit::Count,
            Self::Input | Self::Output => Unit::TokensPerMinute,
        }
    }
}

/// How the price of an offer is told: over the quoted one, or in dollars where none is quoted.
struct Priced<'a> {
    points: &'a [PricePoint],
    label: &'static str,
    unit: Unit,
    /// By slice: dollars of an hour at the price of one.
    sizes: Vec<f64>,
    /// The present price, in the same.
    now: Option<f64>,
}

impl<'a> Priced<'a> {
    fn of(offer: &'a OfferSummary) -> Option<Self> {
        let points = offer.highest_prices.as_slice();
        points.first()?;
        let quoted: Option<Vec<f64>> = points.iter().map(|one| one.price_usd_per_hour).collect();
        let made = |label, unit, sizes, now| Self {
            points,
            label,
            unit,
            sizes,
            now,
        };
        if let Some(sizes) = quoted {
            return Some(made(
                "price over the quoted one",
                Unit::Share,
                sizes,
                Some(1.0),
            ));
        }
        let mut before = 0.0;
        let by_units = points.iter().all(|one| one.units > 0);
        let sizes = points.iter().map(|one| {
            let all = if by_units {
                f64::from(one.units)
            } else {
                one.input_tpm as f64 / 1000.0
            };
            let own = all - before;
            before = all;
            own.max(0.0)
        });
        let label = if by_units {
            "price of a model unit and hour"
        } else {
            "price of 1,000 input tokens a minute, their output inside, for an hour"
        };
        Some(made(label, Unit::Usd, sizes.collect(), None))
    }

    /// The price of a slice at which it pays no longer.
    fn highest(&self, slice: usize) -> Option<f64> {
        let size = self.sizes.get(slice).copied().filter(|size| *size > 0.0)?;
        Some(self.points[slice].highest_usd_per_hour / size)
    }
}

/// By how much is held: the highest price at which each slice more pays.
fn price_curve(pool: &Pool<'_>, offer: &OfferSummary) -> Option<Block> {
    let priced = Priced::of(offer)?;
    let held = Held::of(priced.points);
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut before = 0.0;
    for (slice, one) in priced.points.iter().enumerate() {
        if let Some(highest) = priced.highest(slice) {
            points.push((before, highest));
            before = held.at(one);
        }
    }
    let &(_, last) = points.last()?;
    points.push((before, last));
    let id = format!("price-{}-{}", slug(&pool.label), slug(&offer.name));
    let title = format!(
        "{}, {}: the highest price at which each slice pays",
        pool.label, offer.name
    );
    let rows = priced.points.iter().enumerate().map(|(slice, one)| {
        vec![
            number(Some(one.input_tpm as f64)),
            number(Some(one.output_tpm as f64)),
            number((one.units > 0).then(|| f64::from(one.units))),
            number(Some(one.highest_usd_per_hour)),
            number(one.price_usd_per_hour),
            number(priced.highest(slice).filter(|_| priced.now.is_some())),
            number(Some(one.utilisation)),
            counted(u64::from(one.best_from_month)),
        ]
    });
    let drawn = Figure {
        id: id.clone(),
        title: title.clone(),
        caption: format!(
            "Buy up to where the line falls below the price. Each slice stands at its own best month to begin. Prices: \
             {}, {}{}.",
            offer.status,
            offer.source.trim_end_matches('.'),
            if offer.as_of.is_empty() {
                String::new()
            } else {
                format!(", {}", offer.as_of)
            }
        ),
        x: linear(held.label(), held.unit()),
        y: linear(priced.label, priced.unit),
        layers: vec![Layer::Step {
            name: "highest price that pays".into(),
            variant: None,
            points,
        }],
        marks: priced
            .now
            .map(|now| level("quoted price", now))
            .into_iter()
            .collect(),
        table: table(
            &format!("{id}-table"),
            &title,
            &[
                ("input held", Unit::TokensPerMinute),
                ("output held", Unit::TokensPerMinute),
                ("model units", Unit::Count),
                ("highest price of the slice and hour", Unit::Usd),
                ("its price", Unit::Usd),
                ("highest over quoted", Unit::Share),
                ("use in its best term", Unit::Share),
                ("best from month", Unit::Months),
            ],
            rows.collect(),
        ),
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

/// What an hour of the deciding slice is worth by its use, against its price.
fn break_even(pool: &Pool<'_>) -> Option<Block> {
    let one = pool.plan.decision.marginal.as_ref()?;
    let full = one.full_usd_per_hour;
    let price = one.price_usd_per_hour?;
    let mut marks = Vec::new();
    if let Some(from) = one.break_even_utilisation.filter(|from| *from <= 1.0) {
        marks.push(Mark::Moment {
            label: "break-even".into(),
            at: from,
        });
    }
    marks.push(Mark::Moment {
        label: if one.is_bought {
            "its use"
        } else {
            "its use, were it bought"
        }
        .into(),
        at: one.utilisation,
    });
    let id = format!("slice-{}", slug(&pool.label));
    let title = format!("{}: the slice that decides, by its use", pool.label);
    let row = vec![
        text(&one.offer),
        number(Some(one.input_tpm as f64)),
        number(Some(one.output_tpm as f64)),
        number(Some(price)),
        number(Some(full)),
        number(one.break_even_utilisation),
        number(Some(one.utilisation)),
        text(if one.is_bought { "yes" } else { "no" }),
    ];
    let drawn = Figure {
        id: id.clone(),
        title: title.clone(),
        caption: "The last slice that is bought or, where nothing is, the first that could be. It pays where its use \
                  on demand would cost more than its price."
            .into(),
        x: linear("use of the slice", Unit::Share),
        y: linear("dollars an hour", Unit::Usd),
        layers: vec![
            line("the same on demand", false, vec![(0.0, 0.0), (1.0, full)]),
            line("its price", false, vec![(0.0, price), (1.0, price)]),
        ],
        marks,
        table: table(
            &format!("{id}-table"),
            &title,
            &[
                ("offer", Unit::Text),
                ("input", Unit::TokensPerMinute),
                ("output", Unit::TokensPerMinute),
                ("price of an hour", Unit::Usd),
                ("worth when full", Unit::Usd),
                ("break-even use", Unit::Share),
                ("use", Unit::Share),
                ("bought", Unit::Text),
            ],
            vec![row],
        ),
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

/// At another price another number of slices is best: what is saved then is the greatest of straight lines.
fn price_lever(pool: &Pool<'_>, offer: &OfferSummary) -> Option<Block> {
    let priced = Priced::of(offer)?;
    let worth: Vec<f64> = priced
        .points
        .iter()
        .map(|one| one.highest_usd_per_hour)
        .collect();
    let greatest = (0..worth.len())
        .filter_map(|slice| priced.highest(slice))
        .fold(0.0, f64::max);
    let most = priced
        .now
        .map_or(1.25 * greatest, |now| (1.25 * greatest).max(2.0 * now));
    if most <= 0.0 {
        return None;
    }
    let points = best_of(&worth, &priced.sizes, most);
    let points = points
        .into_iter()
        .map(|(price, usd)| (price, HOURS_PER_MONTH * usd));
    Some(Block::Lever(Lever {
        id: format!("price-lever-{}-{}", slug(&pool.label), slug(&offer.name)),
        title: format!("{}: at which price does {} pay?", pool.label, offer.name),
        label: priced.label.to_owned(),
        unit: priced.unit,
        range: [0.0, most, priced.now.unwrap_or(greatest)],
        outcomes: vec![Outcome {
            label: "saved in a month with the best number of slices, each in its best term".into(),
            unit: Unit::UsdPerMonth,
            points: points.collect(),
        }],
    }))
}

/// The corners, from a price of 0 to `most`, of the most that any number of first slices saves, where slice `i` is
/// worth `worth[i]` and costs the price times `sizes[i]`.
fn best_of(worth: &[f64], sizes: &[f64], most: f64) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0)];
    for (worth, size) in worth.iter().zip(sizes) {
        let (all, of) = sums[sums.len() - 1];
        sums.push((all + worth, of + size));
    }
    let saved = |(worth, size): (f64, f64), price: f64| worth - price * size;
    // At a price of nothing all slices are best.
    let mut best = sums[sums.len() - 1];
    let mut corners = vec![(0.0, best.0)];
    let mut price = 0.0;
    loop {
        // The next price at which fewer slices are as good.
        let fewer = sums.iter().filter(|one| one.1 < best.1 - 1e-12);
        let next = fewer
            .map(|one| ((best.0 - one.0) / (best.1 - one.1), *one))
            .filter(|(at, _)| *at >= price - 1e-12)
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.1.total_cmp(&b.1.1)));
        let Some((at, one)) = next.filter(|(at, _)| *at < most) else {
            break;
        };
        price = at.max(price);
        corners.push((price, saved(one, price).max(0.0)));
        best = one;
    }
    corners.push((most, saved(best, most).max(0.0)));
    corners
}

/// What holding up to a level saves, or is worth where no price is known.
fn level_lever(pool: &Pool<'_>, offer: &OfferSummary) -> Option<Block> {
    let points = offer.highest_prices.as_slice();
    let held_as = Held::of(points);
    let is_priced = points.iter().all(|one| one.price_usd_per_hour.is_some());
    let mut saved = vec![(0.0, 0.0)];
    let mut worth = vec![(0.0, 0.0)];
    let (mut sum, mut all) = (0.0, 0.0);
    for one in points {
        all += HOURS_PER_MONTH * one.highest_usd_per_hour;
        sum += HOURS_PER_MONTH * (one.highest_usd_per_hour - one.price_usd_per_hour.unwrap_or(0.0));
        saved.push((held_as.at(one), sum));
        worth.push((held_as.at(one), all));
    }
    let most = held_as.at(points.last()?);
    let held: f64 = pool
        .plan
        .decision
        .holds
        .iter()
        .filter(|one| one.offer == offer.name)
        .map(|one| held_as.of_hold(one))
        .sum();
    let mut outcomes = vec![Outcome {
        label: "worth in a month at on-demand prices".into(),
        unit: Unit::UsdPerMonth,
        points: worth,
    }];
    if is_priced {
        outcomes.insert(
            0,
            Outcome {
                label: "saved in a month against all on demand".into(),
                unit: Unit::UsdPerMonth,
                points: saved,
            },
        );
    }
    Some(Block::Lever(Lever {
        id: format!("level-lever-{}-{}", slug(&pool.label), slug(&offer.name)),
        title: format!("{}: how much of {} is best?", pool.label, offer.name),
        label: held_as.label().to_owned(),
        unit: held_as.unit(),
        range: [0.0, most, held.min(most)],
        outcomes,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two slices worth 10 and 4, each of size 1: both up to 4, one up to 10, none beyond.
    #[test]
    fn the_best_number_of_slices_falls_with_the_price() {
        let corners = best_of(&[10.0, 4.0], &[1.0, 1.0], 12.0);
        assert_eq!(corners, [(0.0, 14.0), (4.0, 6.0), (10.0, 0.0), (12.0, 0.0)]);
    }

    /// A first slice that is worth little is bought for the sake of the second: 2 + 10 pays up to 6 each.
    #[test]
    fn a_bad_first_slice_may_pay_with_the_next() {
        let corners = best_of(&[2.0, 10.0], &[1.0, 1.0], 8.0);
        assert_eq!(corners, [(0.0, 12.0), (6.0, 0.0), (8.0, 0.0)]);
    }
}
