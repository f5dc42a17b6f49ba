//! What to buy for a pool, when, and for how long.
//!
//! Demand is looked at as a shape: hours of the week, the scatter of minutes within them, months, and a few paths that
//! stand for all ([`super::cells`]). Of each kind of capacity the best size and the best terms are found together
//! ([`super::family`]); the kinds are compared with one another and with buying nothing, and what is left is evaluated
//! over all paths.

use super::cells::Cells;
use super::curve::{OfferCurve, difference, full_value, points, ray, smallest_units};
use super::evaluate::{Evaluation, evaluate_cells};
use super::family::{Block, Family, FamilyPlan, Sample, capacity, sold};
use super::schedule::{Capacity, block_words, month_hours, months_of};
use super::verdict::{Advice, advise};
use super::{Market, Offer, Schedule, Size};
use crate::cost::newsvendor::{DemandLaw, LoadCurve, UnitCost};
use crate::units::{Ratio, TokensPerMinute};

/// What to do about a pool, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The model profile's name.
    pub model: String,
    /// The model's name for people.
    pub model_title: String,
    /// The scope of the pool's calls.
    pub scope: crate::domain::Scope,
    /// The verdict with its reason.
    pub advice: Advice,
    /// The best schedule.
    pub schedule: Schedule,
    /// Nothing bought, the own quota alone.
    pub on_demand: Evaluation,
    /// The best schedule over all paths.
    pub best: Evaluation,
    /// What else could be done, the best schedule among it.
    pub alternatives: Vec<Alternative>,
    /// The side of capacity that the pool's mix fills first in the block that is bought, or would be.
    pub binding: Option<Side>,
    /// The last slice that is bought; where nothing is, the first that could be.
    pub marginal: Option<Marginal>,
    /// For each offer that is capacity the highest price at which buying pays.
    pub curves: Vec<OfferCurve>,
    /// The share of requests that must be served.
    pub target: f64,
    /// Whether the best schedule serves it in every month, on the mean over paths.
    pub meets_target: bool,
    /// What a reader should know of these offers and this mix, in sentences.
    pub facts: Vec<String>,
    /// What a reader should know before trusting it.
    pub warnings: Vec<String>,
}

/// One way to serve the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    /// What it is: `all on demand`, `best`, `best single term`, `next smaller`, `next bigger`.
    pub name: String,
    /// What is held.
    pub schedule: Schedule,
    /// What it costs and serves.
    pub evaluation: Evaluation,
}

/// The side of capacity that fills first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Input tokens.
    Input,
    /// Output tokens.
    Output,
    /// Both together.
    Both,
}

impl Side {
    /// Its name in documents: `input`, `output` or `both`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Both => "both",
        }
    }
}

/// The slice that decides: the last one bought, or the first that could be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marginal {
    /// Which offer.
    pub offer: usize,
    /// Whether it is bought.
    pub is_bought: bool,
    /// Input tokens per minute of the slice.
    pub input_tpm: TokensPerMinute,
    /// Output tokens per minute of the slice.
    pub output_tpm: TokensPerMinute,
    /// Its price (p); `None` if none is known.
    pub price_per_hour: Option<f64>,
    /// What an hour of it is worth when it is full (u).
    pub full_per_hour: f64,
    /// p/u: the utilisation from which it pays.
    pub break_even: Option<f64>,
    /// The share of it that is used while it is held, or would be in its best term.
    pub utilisation: f64,
    /// Newsvendor optimum of the first month for this price, without least sizes: input tokens per minute.
    pub first_month_input_tpm: f64,
    /// The same, output tokens per minute.
    pub first_month_output_tpm: f64,
}

/// What to buy for a pool of requests, when, and for how long.
pub fn decide(market: &Market<'_>) -> Decision {
    let cells = Cells::new(market);
    let sample = Sample::new(&cells);
    let made = (&cells, &sample);
    let nothing = Schedule::default();
    let on_demand = evaluate_cells(&cells, market, &nothing);
    let headroom = uses_headroom(market, &cells, &on_demand);
    let mut families = families(market, made, headroom);
    let mut chosen = choose(market, made, &families, headroom);
    let mut schedule = scheduled(&families, chosen, headroom);
    let evaluated = |schedule: &Schedule| {
        if *schedule == nothing {
            on_demand.clone()
        } else {
            evaluate_cells(&cells, market, schedule)
        }
    };
    let mut best = evaluated(&schedule);
    // The few paths that sizes are chosen on may be kinder than all of them: then more is asked for.
    let target = market.target.get();
    let mut asked = target;
    for _ in 0..RAISES {
        let lacks = target - best.worst_served_share;
        if lacks <= TOLERANCE || schedule.is_empty() {
            break;
        }
        asked = (asked + 1.3 * lacks).min(1.0 - 1e-6);
        let stricter = Market {
            target: Ratio::new(asked).unwrap_or(market.target),
            ..market.clone()
        };
        let again = self::families(&stricter, made, headroom);
        let other = choose(&stricter, made, &again, headroom);
        let raised = scheduled(&again, other, headroom);
        let evaluation = evaluated(&raised);
        if evaluation.worst_served_share <= best.worst_served_share {
            break;
        }
        (families, schedule, best) = (again, raised, evaluation);
        chosen = other;
    }
    let plan = chosen.map(|place| (place, &families[place].1));
    let chosen = plan.and_then(|(place, plan)| Some((place, plan.as_ref()?)));
    let mut decision = Decision {
        model: market.pool.model.clone(),
        model_title: market.pool.model_title.clone(),
        scope: market.pool.scope.clone(),
        advice: Advice::default(),
        alternatives: alternatives(
            market,
            &cells,
            (&families, chosen),
            (&schedule, &best, &on_demand),
        ),
        binding: binding(&cells, &families, chosen),
        curves: curves(market, made, &families, headroom),
        target,
        meets_target: best.worst_served_share >= target - TOLERANCE,
        marginal: marginal(market, made, &families, chosen),
        schedule,
        on_demand,
        best,
        facts: Vec::new(),
        warnings: Vec::new(),
    };
    advise(market, &cells, &mut decision);
    decision
}

/// How far the served share may lie below the target: what a few paths cannot tell.
const TOLERANCE: f64 = 1e-4;
/// How often more is asked for than the target, where the few paths are kinder than all.
const RAISES: usize = 2;

/// The family whose plan is best; `None` if buying nothing is.
fn choose(
    market: &Market<'_>,
    (cells, sample): (&Cells<'_>, &Sample),
    families: &Families,
    headroom: bool,
) -> Option<usize> {
    let (alone, served) = sample.months(cells, &Capacity::default(), headroom);
    let alone: f64 = alone.iter().sum();
    let target = market.target.get();
    let alone_serves = served.iter().all(|share| *share >= target - 1e-9);
    (families.iter().enumerate())
        .filter_map(|(place, (_, plan))| Some((place, plan.as_ref()?)))
        .filter(|(_, plan)| !plan.schedule.is_empty())
        .filter(|(_, plan)| !alone_serves || plan.compared < alone * (1.0 - 1e-9))
        .min_by(|a, b| a.1.compared.total_cmp(&b.1.compared))
        .map(|(place, _)| place)
}

fn scheduled(families: &Families, chosen: Option<usize>, headroom: bool) -> Schedule {
    let plan = chosen.and_then(|place| families[place].1.as_ref());
    let schedule = plan.map_or_else(Schedule::default, |plan| plan.schedule.clone());
    Schedule {
        headroom,
        ..schedule
    }
}

/// Whether another scope's quota is used: where the own one does not serve what must be served, or where missing a
/// request costs more than the other scope's price.
fn uses_headroom(market: &Market<'_>, cells: &Cells<'_>, alone: &Evaluation) -> bool {
    if !cells.has_headroom() || alone.worst_served_share >= 1.0 - 1e-9 {
        return false;
    }
    if alone.worst_served_share < market.target.get() {
        return true;
    }
    let with = Schedule {
        headroom: true,
        ..Schedule::default()
    };
    evaluate_cells(cells, market, &with).compared < alone.compared
}

type Families = Vec<(Family, Option<FamilyPlan>)>;
type Chosen<'p> = Option<(usize, &'p FamilyPlan)>;

/// Offers of the same kind together.
fn families(market: &Market<'_>, made: (&Cells<'_>, &Sample), headroom: bool) -> Families {
    let is_alike = |a: &Offer, b: &Offer| match (a.size, b.size) {
        (
            Size::Sides {
                input: a,
                output: x,
            },
            Size::Sides {
                input: b,
                output: y,
            },
        ) => (a.least, x.least) == (b.least, y.least),
        (
            Size::Units {
                input_tpm: a,
                output_tpm: x,
                ..
            },
            Size::Units {
                input_tpm: b,
                output_tpm: y,
                ..
            },
        ) => (a, x) == (b, y),
        _ => false,
    };
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, offer) in market.offers.iter().enumerate() {
        if matches!(offer.size, Size::Headroom { .. }) {
            continue;
        }
        let alike = |of: &&mut Vec<usize>| is_alike(&market.offers[of[0]], offer);
        match groups.iter_mut().find(alike) {
            Some(of) => of.push(place),
            None => groups.push(vec![place]),
        }
    }
    let fitted = |offers: Vec<usize>| {
        let ray = ray(market, &offers, made)?;
        Some(Family::fitted(&offers, ray, market, made, headroom))
    };
    groups.into_iter().filter_map(fitted).collect()
}

/// The ways beside the best one that a buyer would ask about.
fn alternatives(
    market: &Market<'_>,
    cells: &Cells<'_>,
    (families, chosen): (&Families, Chosen<'_>),
    (schedule, best, on_demand): (&Schedule, &Evaluation, &Evaluation),
) -> Vec<Alternative> {
    let mut list = vec![Alternative {
        name: "all on demand".to_owned(),
        schedule: Schedule::default(),
        evaluation: on_demand.clone(),
    }];
    let mut add = |name: &str, mut of: Schedule| {
        of.headroom = schedule.headroom;
        if list.iter().all(|known: &Alternative| known.schedule != of) {
            let evaluation = if of == *schedule {
                best.clone()
            } else {
                evaluate_cells(cells, market, &of)
            };
            list.push(Alternative {
                name: name.to_owned(),
                schedule: of,
                evaluation,
            });
        }
    };
    if schedule.headroom {
        add("on demand with the other scope", Schedule::default());
    }
    if !schedule.is_empty() {
        add("best", schedule.clone());
    }
    let single = families
        .iter()
        .filter_map(|(family, _)| best_single(family, market))
        .min_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((_, of)) = single {
        add("best single term", of);
    }
    if let Some((place, plan)) = chosen {
        let family = &families[place].0;
        for (name, step) in [("next smaller", -1), ("next bigger", 1)] {
            if let Some(of) = stepped(family, market, plan, step) {
                add(name, of);
            }
        }
    }
    list
}

/// The best schedule that buys once.
fn best_single(family: &Family, market: &Market<'_>) -> Option<(f64, Schedule)> {
    let months = family.compared.first()?.len();
    let mut best: Option<(f64, (usize, usize, usize))> = None;
    for &offer in &family.offers {
        let length = months_of(market.offers[offer].term);
        for level in 1..family.levels.len() {
            let Some(price) = family.price(market, offer, level) else {
                continue;
            };
            for from in 0..=months.saturating_sub(length) {
                if from + length > months {
                    continue;
                }
                let saved: f64 = (from..from + length)
                    .map(|month| family.compared[0][month] - family.compared[level][month])
                    .sum();
                let cost = price * month_hours() * length as f64 - saved;
                if best.is_none_or(|(least, _)| cost < least - 1e-6) {
                    best = Some((cost, (level, offer, from)));
                }
            }
        }
    }
    let (cost, (level, offer, from)) = best?;
    Some((cost, family.single(market, level, (offer, from, 1))))
}

/// The schedule with its largest block one slice smaller or bigger.
fn stepped(
    family: &Family,
    market: &Market<'_>,
    plan: &FamilyPlan,
    step: isize,
) -> Option<Schedule> {
    let top = plan.held.iter().copied().max()?;
    let steps = family.steps();
    let place = steps.iter().position(|(_, high)| *high >= top)?;
    let (_, other) = *steps.get(place.checked_add_signed(step)?)?;
    let (now, then) = (family.levels[top], family.levels[other]);
    let mut schedule = plan.schedule.clone();
    // The block that is held while the most is held, and the last of those.
    let month = plan.held.iter().position(|level| *level == top)?;
    let hold = (schedule.holds.iter_mut().rev())
        .find(|hold| (hold.from..hold.from + hold.months).contains(&month))?;
    let change = |of: u64, from: u64, to: u64| (of + to).checked_sub(from);
    hold.input_tpm = TokensPerMinute(change(hold.input_tpm.0, now.input.0, then.input.0)?);
    hold.output_tpm = TokensPerMinute(change(hold.output_tpm.0, now.output.0, then.output.0)?);
    hold.units = (hold.units + then.units).checked_sub(now.units)?;
    let whole = sold(
        Block {
            input: hold.input_tpm,
            output: hold.output_tpm,
            units: hold.units,
        },
        family.is_units,
    );
    (hold.input_tpm, hold.output_tpm) = (whole.input, whole.output);
    if hold.input_tpm.0 + hold.output_tpm.0 == 0 {
        let place = schedule
            .holds
            .iter()
            .position(|hold| hold.input_tpm.0 + hold.output_tpm.0 == 0)?;
        schedule.holds.remove(place);
        return Some(schedule);
    }
    let size = market.offers[hold.offer].size;
    hold.per_hour = super::price_of(size, hold.input_tpm, hold.output_tpm, hold.units);
    Some(schedule)
}

/// The side that fills first in the largest block that is held, or in the first that could be.
fn binding(cells: &Cells<'_>, families: &Families, chosen: Chosen<'_>) -> Option<Side> {
    let (family, level) = match chosen {
        Some((place, plan)) => (&families[place].0, plan.held.iter().copied().max()?),
        None => (&families.first()?.0, 1),
    };
    let block = family.levels.get(level)?;
    let mean = cells.mean_load();
    let of_input = if family.is_units {
        mean.units_input
    } else {
        mean.reserved_input
    };
    let (by_input, by_output) = (
        block.input.0 as f64 / of_input,
        block.output.0 as f64 / mean.output,
    );
    Some(if by_input < 0.98 * by_output {
        Side::Input
    } else if by_output < 0.98 * by_input {
        Side::Output
    } else {
        Side::Both
    })
}

/// The last slice that is bought, or the first that could be.
fn marginal(
    market: &Market<'_>,
    (cells, sample): (&Cells<'_>, &Sample),
    families: &Families,
    chosen: Chosen<'_>,
) -> Option<Marginal> {
    let (family, level, offer) = deciding(market, families, chosen)?;
    let is_bought = chosen.is_some();
    let mut steps = family.steps().into_iter();
    let (below, level) = steps.find(|(_, high)| *high >= level)?;
    let slice = difference(*family.levels.get(below)?, *family.levels.get(level)?);
    let full = full_value(cells, slice, family.is_units);
    let price = |level| family.price(market, offer, level);
    let price = price(level).zip(price(below)).map(|(high, low)| high - low);
    let saved = |month: usize| {
        (family.compared[below][month] - family.compared[level][month]) / month_hours()
    };
    let used = match chosen {
        Some((_, plan)) => {
            let held: Vec<f64> = (plan.held.iter().enumerate())
                .filter(|(_, held)| **held > below)
                .map(|(month, _)| saved(month))
                .collect();
            held.iter().sum::<f64>() / held.len().max(1) as f64
        }
        None => points(family, offer, market, cells)
            .first()
            .map_or(0.0, |first| first.highest_per_hour),
    };
    let (input, output) = price.map_or((0.0, 0.0), |price| {
        newsvendor(
            (cells, sample),
            (slice, family.is_units),
            UnitCost {
                price,
                on_demand: full,
                penalty: 0.0,
            },
        )
    });
    Some(Marginal {
        offer,
        is_bought,
        input_tpm: slice.input,
        output_tpm: slice.output,
        price_per_hour: price,
        full_per_hour: full,
        break_even: price.and_then(|price| (full > 0.0).then(|| price / full)),
        utilisation: if full > 0.0 {
            (used / full).clamp(0.0, 1.0)
        } else {
            0.0
        },
        first_month_input_tpm: input,
        first_month_output_tpm: output,
    })
}

/// The family, level and offer of the slice that decides.
fn deciding<'f>(
    market: &Market<'_>,
    families: &'f Families,
    chosen: Chosen<'_>,
) -> Option<(&'f Family, usize, usize)> {
    let Some((place, plan)) = chosen else {
        let (family, _) = families.first()?;
        return Some((family, 1, cheapest(family, market)?));
    };
    let top = plan.top();
    let month = plan.held.iter().position(|level| *level == top)?;
    let in_force = |hold: &&super::Hold| (hold.from..hold.from + hold.months).contains(&month);
    let hold = plan.schedule.holds.iter().rev().find(in_force)?;
    Some((&families[place].0, top, hold.offer))
}

/// The offer of a family with the least price of its first size; the first where none has a price.
fn cheapest(family: &Family, market: &Market<'_>) -> Option<usize> {
    let price = |offer: &usize| family.price(market, *offer, 1).unwrap_or(f64::INFINITY);
    let mut offers = family.offers.iter().copied();
    let first = offers.next()?;
    Some(offers.fold(first, |best, one| {
        if price(&one) < price(&best) {
            one
        } else {
            best
        }
    }))
}

/// What the newsvendor buys for the first month in blocks of this slice: k* = F⁻¹(1 − p/u).
fn newsvendor(
    (cells, sample): (&Cells<'_>, &Sample),
    (slice, is_units): (Block, bool),
    unit: UnitCost,
) -> (f64, f64) {
    let held = capacity(slice, is_units);
    let mut levels = Vec::new();
    for (hour, load, weight) in sample.first_month() {
        let carried = super::cells::carried(load, &held);
        let needs = if load.requests > 0.0 && carried > 0.0 {
            1.0 / carried
        } else {
            0.0
        };
        let values = cells.scatter(load).values(20);
        let weight = weight * cells.hours[hour] / values.len() as f64;
        levels.extend(values.iter().map(|x| (x * needs, weight)));
    }
    let (units, _) = DemandLaw::Samples(LoadCurve::new(levels)).best(unit);
    (units * slice.input.0 as f64, units * slice.output.0 as f64)
}

fn curves(
    market: &Market<'_>,
    made: (&Cells<'_>, &Sample),
    families: &Families,
    headroom: bool,
) -> Vec<OfferCurve> {
    let curve = |(place, offer): (usize, &Offer)| {
        if matches!(offer.size, Size::Headroom { .. }) {
            return None;
        }
        let family = families
            .iter()
            .find(|(family, _)| family.offers.contains(&place));
        let Some((family, _)) = family else {
            return Some(OfferCurve {
                offer: place,
                points: Vec::new(),
                smallest_unit: smallest_units(place, market, made, headroom),
                break_even: None,
            });
        };
        let mean = made.0.mean_load();
        let block = match offer.size {
            Size::Units { .. } => *family.levels.get(1)?,
            // A block in the proportion of the mix: neither side idles.
            _ => Block {
                input: TokensPerMinute((mean.reserved_input * 1000.0).round() as u64),
                output: TokensPerMinute((mean.output * 1000.0).round() as u64),
                units: 0,
            },
        };
        let price = super::price_of(offer.size, block.input, block.output, block.units);
        let full = full_value(made.0, block, family.is_units);
        Some(OfferCurve {
            offer: place,
            points: points(family, place, market, made.0),
            smallest_unit: Vec::new(),
            break_even: price
                .filter(|_| full > 0.0)
                .map(|price| price.dollars() / full),
        })
    };
    market.offers.iter().enumerate().filter_map(curve).collect()
}

/// A block of an offer in words.
pub(super) fn words(
    market: &Market<'_>,
    offer: usize,
    block: (TokensPerMinute, TokensPerMinute, u32),
) -> String {
    let name = market
        .offers
        .get(offer)
        .map_or("capacity", |offer| offer.name.as_str());
    format!("{} of {name}", block_words(block.0, block.1, block.2))
}
