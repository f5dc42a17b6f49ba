//! Regret, frontier and tornado of plans whose signs and sums are known.

use super::super::tornado::Bar;
use super::*;
use crate::config::Source;
use crate::plan::purchase::{Demand, Offer, Pool, Schedule, decide, demand, offers, pools, target};
use crate::profile::Catalogue;
use crate::scenario::{Files, Loaded, read};
use crate::sim::assemble;
use proptest::prelude::*;

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no file {path} in this test"))
    }
}

/// A pool with all that decides about it.
struct Made {
    loaded: Loaded,
    assembled: Assembled,
    demand: Demand,
    pool: Pool,
    offers: Vec<Offer>,
}

impl Made {
    /// One workload on Sonnet 4.6 at this rate; `plan` is the body of `[plan]`.
    fn new(rate: &str, tpm: &str, plan: &str) -> Self {
        let text = format!(
            r#"
name = "t"
duration = "20m"
[capacity.on_demand]
scope = "global"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 1000
arrival.constant = {{ rate = "{rate}" }}
cache = {{ prefix_tokens = 2000, prefixes = 400 }}
tokens.input = {{ fixed = 3000 }}
tokens.output = {{ fixed = 400 }}
[quota]
tpm = "{tpm}"
[plan]
{plan}
"#
        );
        let loaded = match read(&Source::new("s.toml", text), &[], &NoFiles) {
            Ok(loaded) => loaded,
            Err(error) => panic!("{error}"),
        };
        let catalogue = Catalogue::builtin();
        let book = catalogue.latest_prices().unwrap();
        let assembled = match assemble(&loaded, &catalogue, book) {
            Ok(mut all) => all.remove(0),
            Err(error) => panic!("{error}"),
        };
        let variant = &loaded.scenario.variants[0];
        let demand = demand(variant, &assembled, 7);
        let pool = pools(variant, &assembled, &demand).remove(0);
        let offers = offers(variant, &pool, &catalogue, book);
        Self {
            loaded,
            assembled,
            demand,
            pool,
            offers,
        }
    }

    fn variant(&self) -> &Variant {
        &self.loaded.scenario.variants[0]
    }

    fn market(&self) -> Market<'_> {
        Market {
            demand: &self.demand,
            pool: &self.pool,
            offers: &self.offers,
            target: target(self.variant()),
            unserved_cost: Usd::ZERO,
        }
    }

    fn tornado(&self) -> Tornado {
        tornado(self.variant(), &self.assembled, &self.market(), 7)
    }
}

const GROWING: &str =
    "months = 6\npaths = 40\ngrowth = { per_month = 0.05, volatility = 0.1, uncertainty = 0.02 }";

fn bar<'a>(tornado: &'a Tornado, input: &str) -> Option<&'a Bar> {
    tornado.bars.iter().find(|bar| bar.input == input)
}

#[test]
fn inputs_are_sorted_by_what_they_move() {
    let mut made = Made::new("5/s", "50M", GROWING);
    // Without anything to buy and with room in the quota the bill is a sum of tokens.
    made.offers.clear();
    let tornado = made.tornado();
    let reach: Vec<f64> = tornado
        .bars
        .iter()
        .map(|bar| bar.reach(tornado.base))
        .collect();
    assert!(reach.windows(2).all(|pair| pair[0] >= pair[1]), "{reach:?}");
    let delta = |input: &str| {
        let bar = bar(&tornado, input).unwrap_or_else(|| panic!("{input}"));
        (
            bar.low.dollars / tornado.base - 1.0,
            bar.high.dollars / tornado.base - 1.0,
        )
    };
    // A fifth more requests, or dearer ones, is a fifth more.
    for input in ["volume", "on-demand price"] {
        let (low, high) = delta(input);
        assert!(
            (low + 0.2).abs() < 1e-6 && (high - 0.2).abs() < 1e-6,
            "{input} {low} {high}"
        );
    }
    // Of the $.0150 of plain tokens, output is $.0060; both are beside what the cache costs.
    let (of_output, of_input) = (delta("output tokens"), delta("input tokens"));
    assert!(
        (of_input.1 / of_output.1 - 1.5).abs() < 1e-6,
        "{of_input:?} {of_output:?}"
    );
    assert!((of_output.0 + of_output.1).abs() < 1e-9);
    // More hits cost less, faster growth costs more, and burstiness costs nothing while there is room.
    let (fewer, more) = delta("cache hit ratio");
    assert!(fewer > 0.0 && more < 0.0, "{fewer} {more}");
    let (slow, fast) = delta("growth");
    assert!(slow < -0.01 && fast > 0.01, "{slow} {fast}");
    assert_eq!(delta("burstiness"), (0.0, 0.0));
    assert_eq!(delta("latency"), (0.0, 0.0));
    assert!(
        bar(&tornado, "price of capacity").is_none(),
        "nothing is sold"
    );
    let growth = bar(&tornado, "growth").unwrap();
    // 5 % less and more by 1.2816 · 2 points of the logarithm.
    assert_eq!(growth.basis, Basis::Scenario);
    assert_eq!(
        (growth.low.label.as_str(), growth.high.label.as_str()),
        ("+2.3 % a month", "+7.7 % a month")
    );
    assert_eq!(bar(&tornado, "volume").unwrap().basis, Basis::Assumed);
}

#[test]
fn what_a_scenario_has_not_is_not_moved() {
    let made = Made::new("5/s", "50M", "months = 3\npaths = 4");
    let tornado = made.tornado();
    assert!(bar(&tornado, "volatility of growth").is_none());
    let growth = bar(&tornado, "growth").unwrap();
    assert_eq!(growth.basis, Basis::Assumed);
    assert_eq!(growth.low.label, "-1.0 % a month");
    // Reserved capacity has a price in the book.
    assert!(bar(&tornado, "price of capacity").is_some());
}

#[test]
fn a_plan_has_nothing_to_regret_where_growth_is_certain() {
    let made = Made::new(
        "5/s",
        "50M",
        "months = 6\npaths = 10\ngrowth = { per_month = 0.05 }",
    );
    let market = made.market();
    let decision = decide(&market);
    for one in regret(&market, &decision) {
        assert!(one.dollars() < 1e-6 * one.best.dollars, "{one:?}");
        assert!((one.growth_factor - 1.05f64.powi(5)).abs() < 1e-9);
    }
}

#[test]
fn capacity_that_nobody_needs_is_regretted() {
    let made = Made::new("5/s", "50M", GROWING);
    let market = made.market();
    let mut decision = decide(&market);
    let place = 0;
    let input_tpm = crate::units::TokensPerMinute(50_000_000);
    let output_tpm = crate::units::TokensPerMinute(5_000_000);
    decision.schedule = Schedule {
        holds: vec![crate::plan::purchase::Hold {
            offer: place,
            from: 0,
            terms: 1,
            months: 1,
            input_tpm,
            output_tpm,
            units: 0,
            per_hour: crate::plan::purchase::price_of(
                made.offers[place].size,
                input_tpm,
                output_tpm,
                0,
            ),
        }],
        headroom: false,
    };
    let price = decision.schedule.holds[0].per_hour.unwrap().dollars();
    for one in regret(&market, &decision) {
        // Its price of a month, less at most what the month costs on demand; beside it stands what a better plan
        // would have saved in the other months.
        assert!(one.dollars() > 0.5 * 730.0 * price, "{one:?}");
        let most = 730.0 * price + one.of_nothing();
        assert!(one.dollars() <= most * 1.000_001, "{one:?}");
    }
}

#[test]
fn serving_more_costs_more() {
    // The quota carries about half of the load, and capacity the rest.
    let made = Made::new("10/s", "1500k", GROWING);
    let market = made.market();
    let decision = decide(&market);
    let points = frontier(&market, &decision);
    assert!(points.len() >= 3, "{points:?}");
    for pair in points.windows(2) {
        assert!(pair[0].per_month <= pair[1].per_month);
        assert!(pair[0].served_share < pair[1].served_share);
        assert!(pair[1].per_extra_request.is_some_and(|each| each >= 0.0));
    }
    let part = sensitivity(made.variant(), &made.assembled, &market, &decision, 7);
    assert_eq!(part.frontier.len(), points.len());
    assert!(
        part.sentences[0].starts_with("The dearest step of the SLA"),
        "{:?}",
        part.sentences
    );
    assert_eq!(part.pool, "Claude Sonnet 4.6 (global)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn regret_is_never_negative(
        hours in prop::collection::vec(0.0..40_000.0f64, 24),
        per_month in -0.1..0.2f64,
        volatility in 0.0..0.4f64,
        quota in 200_000u64..20_000_000,
    ) {
        let plan = format!("months = 4\npaths = 12\ngrowth = {{ per_month = {per_month:.4}, volatility = {volatility:.4} }}");
        let mut made = Made::new("5/s", "50M", &plan);
        made.demand.workloads[0].week = (0..168).map(|hour| hours[hour % 24]).collect();
        made.pool.tpm.0 = quota;
        let market = made.market();
        let decision = decide(&market);
        for one in regret(&market, &decision) {
            prop_assert!(one.dollars() >= 0.0 && one.of_nothing() >= 0.0);
            prop_assert!(one.best.dollars <= one.chosen.dollars && one.best.dollars <= one.nothing.dollars);
        }
        let points = frontier(&market, &decision);
        let rises = points.windows(2).all(|pair| {
            pair[0].per_month <= pair[1].per_month && pair[0].served_share < pair[1].served_share
        });
        prop_assert!(rises, "the frontier is not monotone: {points:?}");
    }
}
