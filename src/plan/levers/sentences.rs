//! What follows from the costs of all subsets, in plain sentences.

use super::{Batched, Study};
use crate::cost::attribution::Costs;
use crate::units::Usd;

/// Levers whose common effect is a smaller share of the bill than this leave each other alone.
const APART: f64 = 0.005;

/// Pairs that are told in sentences; the document has all.
const MOST_PAIRS: usize = 4;

/// Dollars with cents where those can be told apart.
pub(super) fn usd(dollars: f64) -> String {
    if dollars.abs() >= 100_000.0 {
        return Usd::from_dollars(dollars.round()).to_string();
    }
    let cents = format!("{:.2}", dollars.abs());
    let (whole, cents) = cents.split_once('.').unwrap_or((&cents, "00"));
    let whole = super::super::preview::words::count(whole.parse().unwrap_or_default());
    let sign = if dollars < -0.004 { "-" } else { "" };
    format!("{sign}${whole}.{cents}")
}

/// Names as a list: `a`, `b` and `c`.
fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "no lever".to_owned(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

impl Study {
    /// The answer in a sentence, without its full stop.
    pub fn verdict(&self) -> String {
        let Some(costs) = &self.costs else {
            let why = self.missing.first().map_or("", |one| one.reason.as_str());
            return format!("what the levers are worth cannot be told: {why}");
        };
        let (base, all) = (costs.base(), costs.all());
        let names = list(&self.names_of(usize::MAX));
        let together = if self.names.len() > 1 {
            " together"
        } else {
            ""
        };
        let begins = format!(
            "with {names}{together} a month costs {} instead of {}",
            usd(all),
            usd(base)
        );
        if base - all < 0.005 * base.abs().max(0.01) {
            return format!("{begins}: nothing is saved");
        }
        let times = if all > 0.0 {
            format!(" ({:.1} times)", base / all)
        } else {
            String::new()
        };
        format!("{begins}: {} less{times}", percent(1.0 - all / base))
    }

    /// What else follows.
    pub fn findings(&self) -> Vec<String> {
        let Some(costs) = &self.costs else {
            return Vec::new();
        };
        let mut found = Vec::new();
        found.extend(self.largest(costs));
        found.extend(self.order_matters(costs));
        found.extend(self.pairs(costs));
        found.extend(self.batched.iter().filter_map(against_batch));
        found
    }

    /// What a reader should know before trusting the figures.
    pub fn caveats(&self) -> Vec<String> {
        let mut said = self.missing_said();
        if !self.other_models.is_empty() {
            let names: Vec<&str> = self
                .other_models
                .iter()
                .map(|&i| self.names[i].as_str())
                .collect();
            let send = if names.len() > 1 { "send" } else { "sends" };
            said.push(format!(
                "{} {send} requests to other models: what that does to the answers is in none of these \
                 figures, so measure it first",
                list(&names)
            ));
        }
        said
    }

    fn largest(&self, costs: &Costs) -> Option<String> {
        let whole = costs.base() - costs.all();
        let shapley = costs.shapley();
        let (lever, value) = shapley
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1))?;
        if self.names.len() < 2 || whole <= 0.0 {
            return None;
        }
        Some(format!(
            "in the mean over all orders (Shapley value) `{}` saves most: {} of {}, {}",
            self.names[lever],
            usd(*value),
            usd(whole),
            percent(value / whole)
        ))
    }

    /// The lever that depends most on its turn.
    fn order_matters(&self, costs: &Costs) -> Option<String> {
        let spread = |lever: usize| costs.alone(lever) - costs.last(lever);
        let lever =
            (0..self.names.len()).max_by(|&a, &b| spread(a).abs().total_cmp(&spread(b).abs()))?;
        if spread(lever).abs() < APART * costs.base() {
            return None;
        }
        Some(format!(
            "the order matters: `{}` saves {} pulled first and {} pulled last, so none of these is a \
             figure of its own",
            self.names[lever],
            usd(costs.alone(lever)),
            usd(costs.last(lever))
        ))
    }

    /// Pairs that weaken or strengthen each other, the strongest first.
    fn pairs(&self, costs: &Costs) -> Vec<String> {
        let levers = self.names.len();
        let mut pairs: Vec<(f64, usize, usize)> = (0..levers)
            .flat_map(|a| (a + 1..levers).map(move |b| (a, b)))
            .map(|(a, b)| (costs.together(a, b), a, b))
            .filter(|(together, ..)| together.abs() >= APART * costs.base())
            .collect();
        pairs.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
        let said = |&(together, a, b): &(f64, usize, usize)| {
            let (a, b) = (&self.names[a], &self.names[b]);
            let amount = usd(together.abs());
            if together < 0.0 {
                format!(
                    "`{a}` and `{b}` weaken each other: together they save {amount} less than apart"
                )
            } else {
                format!(
                    "`{a}` and `{b}` strengthen each other: together they save {amount} more than apart"
                )
            }
        };
        pairs.iter().take(MOST_PAIRS).map(said).collect()
    }

    /// Subsets that cannot be had, each reason once, with the smallest subset that it stops.
    fn missing_said(&self) -> Vec<String> {
        let mut said: Vec<(&str, usize)> = Vec::new();
        for one in &self.missing {
            let same = said.iter_mut().find(|(reason, _)| *reason == one.reason);
            match same {
                Some((_, smallest)) if one.subset.count_ones() < smallest.count_ones() => {
                    *smallest = one.subset;
                }
                Some(_) => {}
                None => said.push((&one.reason, one.subset)),
            }
        }
        let sentence = |&(reason, subset): &(&str, usize)| {
            let names = self.names_of(subset);
            let what = match names.len() {
                0 => return reason.to_owned(),
                1 => format!("{} alone cannot be had", list(&names)),
                _ => format!("{} cannot be had together", list(&names)),
            };
            format!("{what}: {reason}; such a set is counted with one lever less")
        };
        said.iter().map(sentence).collect()
    }
}

/// Batch has no prompt cache, so a workload has one or the other.
fn against_batch(one: &Batched) -> Option<String> {
    if !one.is_sold {
        return None;
    }
    let (cached, batch) = (usd(one.cached_usd), usd(one.batch_usd));
    let name = &one.workload;
    Some(if one.batch_usd >= one.cached_usd {
        format!(
            "cache and batch do not stack, since batch has no prompt cache: batching `{name}` would add \
             nothing, its calls cost {cached} a month cached and would cost {batch} in batch"
        )
    } else {
        format!(
            "cache and batch do not stack, since batch has no prompt cache: for `{name}` batch would be \
             the cheaper of the two, {batch} a month instead of {cached}, if its answers may wait"
        )
    })
}
