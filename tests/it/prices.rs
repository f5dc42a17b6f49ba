//! The built-in price book against the price table it was taken from.
//!
//! Reads `prices.json` of the folder named by `BEDLOAD_DATA`; without it nothing is compared.

use bedload::domain::{ModelPrices, ScopeKind, Term, TokenPrices};
use bedload::profile::{Catalogue, ProfileKind};
use bedload::units::{PicoPerToken, TokensPerMinute, Usd};
use serde_json::Value;
use std::path::Path;

#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
fn data() -> Option<Value> {
    let Some(folder) = std::env::var_os("BEDLOAD_DATA") else {
        eprintln!("not run: BEDLOAD_DATA names no folder with prices.json");
        return None;
    };
    let path = Path::new(&folder).join("prices.json");
    let text = std::fs::read_to_string(path).expect("prices.json can be read");
    Some(serde_json::from_str(&text).expect("prices.json is JSON"))
}

fn compare(what: &str, row: &Value, ours: &TokenPrices) {
    let classes = [
        ("input", ours.input),
        ("output", ours.output),
        ("cache_write_5m", ours.cache_write_5m),
        ("cache_write_1h", ours.cache_write_1h),
        ("cache_read", ours.cache_read),
    ];
    for (class, price) in classes {
        if let Some(dollars) = row[class].as_f64() {
            let want = PicoPerToken::from_dollars_per_million(dollars);
            assert_eq!(price, want, "{what} {class}");
        }
    }
}

/// Our prices for a scope of the table, such as `geo-cris:eu`.
fn ours<'p>(prices: &'p ModelPrices, scope: &str) -> Option<&'p TokenPrices> {
    match scope {
        "global-cris" => prices.tokens_in(ScopeKind::Global),
        "base (unprefixed id)" => prices
            .tokens_in(ScopeKind::Global)
            .or_else(|| prices.tokens_in(ScopeKind::InRegion)),
        "geo-cris:us-gov" => None,
        other => {
            let prefix = other.strip_prefix("geo-cris:")?;
            prices.tokens_for(&bedload::domain::Scope::Geo(prefix.to_owned()))
        }
    }
}

#[test]
fn token_prices_agree_with_the_table() {
    let Some(data) = data() else { return };
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    for name in catalogue.names(ProfileKind::Model) {
        let id = &catalogue.model(name).unwrap().model_id;
        let prices = &book.models[name];
        let mut compared = 0;
        for row in data["token_prices"].as_array().unwrap() {
            let of_model = row["model_id"].as_str().unwrap();
            let (scope, endpoint) = (&row["scope"], &row["endpoint"]);
            if endpoint != "runtime" || !(of_model == id || of_model.ends_with(&format!(".{id}"))) {
                continue;
            }
            let Some(ours) = ours(prices, scope.as_str().unwrap()) else {
                continue;
            };
            let what = format!("{of_model} {scope}");
            let dollars = &row["usd_per_million_tokens"];
            compare(&what, &dollars["standard"], ours);
            let long = &dollars["prompt_above_200k"];
            assert_eq!(long.is_object(), ours.long_context.is_some(), "{what}");
            if let Some(step) = &ours.long_context {
                compare(&what, long, &step.prices);
            }
            compared += 1;
        }
        assert!(compared >= 2, "{name}: {compared} rows");
    }
}

#[test]
fn reserved_prices_agree_with_the_table() {
    let Some(data) = data() else { return };
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    for name in catalogue.names(ProfileKind::Model) {
        let title = &catalogue.model(name).unwrap().title;
        let rows = data["reserved_tier_prices"].as_array().unwrap().iter();
        let rows: Vec<&Value> = rows.filter(|row| row["model"] == title.as_str()).collect();
        let reserved = &book.models[name].reserved;
        assert_eq!(rows.len(), reserved.len(), "{name}");
        for row in rows {
            let months = match row["term_months"].as_u64() {
                Some(1) => Term::OneMonth,
                _ => Term::ThreeMonths,
            };
            let ours = reserved
                .iter()
                .find(|price| row["scope"] == price.kind.to_string() && price.term == months)
                .unwrap();
            let dollars = |key: &str| Usd::from_dollars(row[key].as_f64().unwrap());
            let input = dollars("usd_per_hour_per_1k_input_tpm");
            let output = dollars("usd_per_hour_per_1k_output_tpm");
            assert_eq!(ours.input_per_hour_per_1k_tpm, input, "{row}");
            assert_eq!(ours.output_per_hour_per_1k_tpm, output, "{row}");
        }
    }
}

#[test]
fn quotas_and_limits_agree_with_the_table() {
    let Some(data) = data() else { return };
    let catalogue = Catalogue::builtin();
    for name in catalogue.names(ProfileKind::Model) {
        let model = catalogue.model(name).unwrap();
        let rows = data["runtime_default_quotas"].as_array().unwrap().iter();
        // Variants by context length and Regions outside the US are described in the files.
        let row = rows
            .filter(|row| row["variant"].is_null() && row["regions"] != "outside US")
            .find(|row| {
                let ids = row["model_ids"].as_array().unwrap();
                ids.iter().any(|id| *id == model.model_id.as_str())
            })
            .unwrap();
        for (kind, tpm, rpm) in [
            (ScopeKind::Geo, "geo_cris_tpm", "geo_cris_rpm"),
            (ScopeKind::Global, "global_cris_tpm", "global_cris_rpm"),
        ] {
            let quota = model.quota(kind);
            let want = row[tpm].as_u64().map(TokensPerMinute);
            assert_eq!(quota.map(|q| q.tpm), want, "{name} {tpm}");
            let ours = quota.and_then(|q| q.rpm).map(|rpm| rpm.0);
            assert_eq!(ours, row[rpm].as_u64(), "{name} {rpm}");
        }
        if let Some(tpm) = row["in_region_tpm"].as_u64() {
            assert_eq!(
                model.quota(ScopeKind::InRegion).unwrap().tpm.0,
                tpm,
                "{name}"
            );
        }
        for (what, code) in row["quota_codes"].as_object().into_iter().flatten() {
            let what = what.replace("_cris_", ".");
            let figures = catalogue.figures(ProfileKind::Model, name);
            let figure = figures.iter().find(|f| f.what == format!("quota.{what}"));
            assert_eq!(
                figure.unwrap().code.as_deref(),
                code.as_str(),
                "{name} {what}"
            );
        }
    }
}
