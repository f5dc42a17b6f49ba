//! Offers and pools of real profiles, and how fast a decision is.

use super::*;
use crate::config::Source;
use crate::profile::Catalogue;
use crate::scenario::{Files, Loaded, read};
use crate::sim::assemble;

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("no files here".to_owned())
    }
}

fn scenario(model: &str, more: &str) -> Loaded {
    let text = format!(
        "name = \"w\"\nduration = \"1h\"\n[[workload]]\nname = \"chat\"\nmodel = \"{model}\"\nmax_tokens = 1024\n\
         arrival.poisson = {{ rate = \"5/s\" }}\ntokens.input = {{ fixed = 900 }}\n\
         tokens.output = {{ fixed = 200 }}\n[capacity.on_demand]\nscope = \"global\"\n{more}\n"
    );
    read(&Source::new("w.toml", text.as_str()), &[], &NoFiles).unwrap()
}

/// What is sold in this scenario, and its decision.
fn sold(model: &str, more: &str) -> (Offered, Decision) {
    let loaded = scenario(model, more);
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    let assembled = assemble(&loaded, &catalogue, book).unwrap();
    let variant = &loaded.scenario.variants[0];
    let demand = demand(variant, &assembled[0], 1);
    let pools = pools(variant, &assembled[0], &demand);
    assert_eq!(pools.len(), 1);
    let offered = offered(variant, &pools[0], &catalogue, book);
    let market = Market {
        demand: &demand,
        pool: &pools[0],
        offers: &offered.offers,
        target: target(variant),
        unserved_cost: variant.plan.served.unserved_cost.unwrap_or_default(),
    };
    let decision = decide(&market);
    (offered, decision)
}

#[test]
fn everything_that_is_sold_and_priced_is_weighed() {
    let (offered, decision) = sold("claude-sonnet-4-6", "");
    let names: Vec<&str> = offered.offers.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["reserved 1-month", "reserved 3-month"]);
    assert!(
        offered.notes[0].contains("no current Claude can buy Provisioned Throughput"),
        "{:?}",
        offered.notes
    );
    // At parity, whatever the mix.
    for (curve, want) in decision.curves.iter().zip([1.0, 0.9]) {
        assert!((curve.break_even.unwrap() - want).abs() < 1e-6);
    }
    let (offered, decision) = sold("claude-opus-5", "");
    assert!(offered.offers.is_empty());
    assert!(offered.notes[0].contains("not in the Reserved tier"));
    assert_eq!(decision.advice.kind, Kind::NothingToBuy);
}

#[test]
fn offers_of_the_scenario_come_before_the_book() {
    let listed = "[[plan.offer]]\nreserved = { scope = \"global\", term = \"3-month\", input_price = \"$0.05\", \
                  output_price = \"$0.25\" }\n[[plan.offer]]\nreserved = { scope = \"us\", term = \"1-month\" }\n\
                  [[plan.offer]]\nscope = { scope = \"us\" }\n[[plan.offer]]\n\
                  provisioned = { term = \"1-month\" }\n";
    let (offered, decision) = sold("claude-sonnet-4-6", listed);
    let names: Vec<&str> = offered.offers.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["reserved 3-month (global)", "on demand (us)"]);
    assert_eq!(offered.notes.len(), 2, "{:?}", offered.notes);
    let Size::Headroom { times, .. } = offered.offers[1].size else {
        unreachable!()
    };
    assert!((times - 1.1).abs() < 1e-9);
    // At less than a third of parity it pays at once.
    assert_eq!(
        decision.advice.kind,
        Kind::BuyNow,
        "{}",
        decision.advice.sentence
    );
    let usual = target(&scenario("claude-sonnet-4-6", "").scenario.variants[0]);
    assert!((usual.get() - 0.999).abs() < 1e-12);
}

#[test]
fn unknown_models_are_refused_where_they_stand() {
    let loaded = scenario(
        "claude-sonnet-4-6",
        "[[plan.offer]]\nmodel = \"claude-sonnet-4-7\"\nscope = { scope = \"us\" }\n",
    );
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    let error = assemble(&loaded, &catalogue, book).unwrap_err().to_string();
    assert!(
        error.contains("w.toml:13:9") && error.contains("did you mean `claude-sonnet-4-6`"),
        "{error}"
    );
}
