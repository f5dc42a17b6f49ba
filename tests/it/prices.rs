//! The built-in price book against the price table it was taken from.
//!
//! Reads `prices.json` of the folder named by `BEDLOAD_DATA`; without it nothing is compared.

use bedload::domain::{ModelPrices, PriceTier, Scope, ScopeKind, Term, TokenPrices};
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

/// Our scope for one of the table, such as `geo-cris:eu` or `region:us-gov-west-1`.
fn scope_of(prices: &ModelPrices, scope: &str) -> Option<Scope> {
    match scope {
        "global-cris" => Some(Scope::Global),
        "base (unprefixed id)" if prices.tokens_in(ScopeKind::Global).is_some() => {
            Some(Scope::Global)
        }
        "base (unprefixed id)" if prices.tokens_in(ScopeKind::InRegion).is_none() => {
            Some(Scope::Geo("us".to_owned()))
        }
        "base (unprefixed id)" => Some(Scope::InRegion("us-east-1".to_owned())),
        other => match other.split_once(':')? {
            ("geo-cris", prefix) => Some(Scope::Geo(prefix.to_owned())),
            (_, region) => Some(Scope::InRegion(region.to_owned())),
        },
    }
}

/// Long-context prices of the table, and from how many tokens on.
const STEPS: [(&str, u64); 3] = [
    ("prompt_above_100k", 100_000),
    ("prompt_above_200k", 200_000),
    ("prompt_above_272k", 272_000),
];

#[test]
fn token_prices_agree_with_the_table() {
    let Some(data) = data() else { return };
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    for name in catalogue.names(ProfileKind::Model) {
        let model = catalogue.model(name).unwrap();
        let (id, prices) = (&model.model_id, &book.models[name]);
        let (mut compared, mut tiers) = (0, 0);
        for row in data["token_prices"].as_array().unwrap() {
            let of_model = row["model_id"].as_str().unwrap();
            let (scope, endpoint) = (&row["scope"], &row["endpoint"]);
            if endpoint != "runtime" || !(of_model == id || of_model.ends_with(&format!(".{id}"))) {
                continue;
            }
            let Some(scope) = scope_of(prices, scope.as_str().unwrap()) else {
                continue;
            };
            let Some(ours) = prices.tokens_for(&scope) else {
                continue;
            };
            let what = format!("{of_model} {scope}");
            let dollars = &row["usd_per_million_tokens"];
            compare(&what, &dollars["standard"], ours);
            let step = ours.long_context.as_ref();
            for (key, above) in STEPS {
                let ours = step.filter(|step| step.above.0 == above);
                // Rows of GovCloud Regions leave out the step of the profile beside them.
                if !dollars[key].is_object() && matches!(scope, Scope::InRegion(_)) {
                    continue;
                }
                assert_eq!(dollars[key].is_object(), ours.is_some(), "{what} {key}");
                if let Some(step) = ours {
                    compare(&what, &dollars[key], &step.prices);
                }
            }
            for tier in [PriceTier::Flex, PriceTier::Priority, PriceTier::Batch] {
                let listed = &dollars[tier.to_string()];
                if !listed.is_object() {
                    continue;
                }
                let ours = prices.tokens_as(tier, &scope);
                let ours = ours.unwrap_or_else(|| panic!("{what} has no {tier} price"));
                compare(&format!("{what} {tier}"), listed, ours);
                tiers += 1;
            }
            compared += 1;
        }
        // The table has dropped Claude 3 Haiku, and has one row of Nova Premier.
        let least = match name {
            "claude-3-haiku" => 0,
            "nova-premier" => 1,
            _ => 2,
        };
        assert!(compared >= least, "{name}: {compared} rows");
        let is_nova = name == "nova-pro" || name == "nova-2-lite";
        assert!(!is_nova || tiers >= 4, "{name}: {tiers} prices of tiers");
    }
}

#[test]
fn guardrail_prices_agree_with_the_table() {
    let Some(data) = data() else { return };
    let catalogue = Catalogue::builtin();
    let ours = catalogue.latest_prices().unwrap().guardrail.clone();
    let ours = ours.unwrap();
    for row in data["guardrail_prices"].as_array().unwrap() {
        let (price, key) = match row["policy"].as_str().unwrap() {
            "content filter (text)" => (ours.content, "usd_per_text_unit"),
            "content filter (image)" => (ours.image, "usd_per_image"),
            "denied topics" => (ours.topics, "usd_per_text_unit"),
            "sensitive information (ML PII)" => (ours.sensitive, "usd_per_text_unit"),
            "contextual grounding" => (ours.grounding, "usd_per_text_unit"),
            "automated reasoning" => (ours.reasoning, "usd_per_text_unit"),
            "word filter" | "sensitive information (regex)" => (ours.words, "usd_per_text_unit"),
            other => panic!("{other} is not priced"),
        };
        assert_eq!(
            price,
            Usd::from_dollars(row[key].as_f64().unwrap()),
            "{row}"
        );
    }
}

#[test]
fn mantle_quotas_agree_with_the_table() {
    let Some(data) = data() else { return };
    let catalogue = Catalogue::builtin();
    let rows = data["mantle_default_quotas"].as_array().unwrap();
    for name in catalogue.names(ProfileKind::Model) {
        let model = catalogue.model(name).unwrap();
        let row = rows.iter().find(|row| row["model"] == model.title.as_str());
        let ours = model.mantle.as_ref();
        let ours = ours.map(|quota| (quota.input_tpm.0, quota.output_tpm.0));
        let want = row.map(|row| {
            let tpm = |key: &str| row[key].as_u64().unwrap();
            (tpm("input_tpm"), tpm("output_tpm"))
        });
        assert_eq!(ours, want, "{name}");
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
            });
        let Some(row) = row else {
            // Claude Haiku 5.5, whose quotas no source states.
            assert_eq!(name, "claude-haiku-5-5");
            continue;
        };
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
