//! What must hold of the built-in catalogue as a whole.

use super::super::*;
use crate::domain::{Fact, ModelPrices, Offer, PriceTier, Scope, ScopeKind, TokenPrices};
use crate::units::{PicoPerToken, RequestsPerMinute, Tokens, TokensPerMinute, Usd};
use std::collections::BTreeSet;

const BOOK: &str = "2026-11-22";

/// Claude of before the 4.5 generation, whose geographic profiles cost what the bare id does.
fn is_before_4_5(name: &str) -> bool {
    name.starts_with("claude-3-")
        || ["claude-sonnet-4", "claude-opus-4", "claude-opus-4-1"].contains(&name)
}

fn prices_of<'c>(catalogue: &'c Catalogue, model: &str) -> &'c ModelPrices {
    &catalogue.prices(BOOK).unwrap().models[model]
}

/// The prices of a scope, and those of its long prompts.
fn steps(prices: &TokenPrices) -> Vec<&TokenPrices> {
    let long = prices.long_context.as_deref().map(|long| &long.prices);
    std::iter::once(prices).chain(long).collect()
}

#[test]
fn models_and_prices_are_the_same_set() {
    let catalogue = Catalogue::builtin();
    let priced: Vec<&str> = catalogue
        .prices(BOOK)
        .unwrap()
        .models
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(priced, catalogue.names(ProfileKind::Model));
    assert_eq!(priced.len(), 35);
}

#[test]
fn ids_titles_and_quota_codes_are_unique() {
    let catalogue = Catalogue::builtin();
    let mut seen = BTreeSet::new();
    for name in catalogue.names(ProfileKind::Model) {
        let model = catalogue.model(name).unwrap();
        assert!(seen.insert(model.model_id.clone()), "{}", model.model_id);
        assert!(seen.insert(model.title.clone()), "{}", model.title);
        for figure in catalogue.figures(ProfileKind::Model, name) {
            let code = figure.code.clone();
            assert!(
                code.is_none_or(|code| seen.insert(code)),
                "{name} {}",
                figure.what
            );
        }
        let first_word = model.title.split(' ').next().unwrap();
        let provider = match first_word {
            "Claude" => "anthropic.",
            "Amazon" => "amazon.",
            "Llama" => "meta.",
            _ => "openai.",
        };
        assert!(model.model_id.starts_with(provider), "{name}");
    }
}

#[test]
fn every_figure_has_a_source_and_a_day() {
    let catalogue = Catalogue::builtin();
    for kind in ProfileKind::ALL {
        for name in catalogue.names(kind) {
            for figure in catalogue.figures(kind, name) {
                let Fact { source, as_of, .. } = &figure.fact;
                assert!(!source.is_empty(), "{name} {}", figure.what);
                // Nothing rests on the file itself, which is what a bare figure does.
                assert!(!source.starts_with("profiles/"), "{name} {}", figure.what);
                assert_eq!(as_of.len(), 10, "{name} {}: {as_of}", figure.what);
            }
        }
    }
}

#[test]
fn limits_are_in_order() {
    let catalogue = Catalogue::builtin();
    for name in catalogue.names(ProfileKind::Model) {
        let model = catalogue.model(name).unwrap();
        assert!(model.max_output <= model.max_input, "{name}");
        assert!(
            [1, 5, 10, 15].contains(&model.burndown),
            "{name}: {}",
            model.burndown
        );
        for quota in &model.quotas {
            let Some(tpd) = quota.tpd else { continue };
            assert_eq!(tpd.0, quota.tpm.0 * 1_440, "{name} {}", quota.kind);
        }
        let has = |kind| model.quota(kind).is_some();
        let routes = |want: fn(&str) -> bool| model.destinations.iter().any(|(p, _)| want(p));
        assert_eq!(has(ScopeKind::Geo), routes(|p| p != "global"), "{name}");
        assert_eq!(has(ScopeKind::Global), routes(|p| p == "global"), "{name}");
        if let (Some(geo), Some(region)) = (
            model.quota(ScopeKind::Geo),
            model.quota(ScopeKind::InRegion),
        ) {
            assert_eq!(geo.tpm.0, region.tpm.0 * 2, "{name}");
        }
    }
}

#[test]
fn claude_prices_keep_their_ratios() {
    let catalogue = Catalogue::builtin();
    let is_claude = |name: &&str| name.starts_with("claude");
    for name in catalogue
        .names(ProfileKind::Model)
        .into_iter()
        .filter(is_claude)
    {
        let prices = prices_of(&catalogue, name);
        let geo = prices.tokens_in(ScopeKind::Geo).unwrap();
        if let Some(global) = prices.tokens_in(ScopeKind::Global) {
            let premium = if is_before_4_5(name) { 10 } else { 11 };
            ratio(name, global, geo, premium);
            let gov = prices.by_prefix.iter().find(|(p, _)| p == "us-gov");
            if let Some((_, gov)) = gov {
                ratio(name, global, gov, 12);
            }
        }
        let caches = catalogue.model(name).unwrap().cache.as_ref();
        let Some(cache) = caches else { continue };
        // Of the input price, in thousandths.
        let read = match name {
            "claude-opus-5-5" | "claude-sonnet-5-5" => 50,
            "claude-fable-5-1" => 25,
            _ => 100,
        };
        let kinds = prices.tokens.iter().map(|(_, prices)| prices);
        for p in kinds
            .chain(prices.by_prefix.iter().map(|(_, prices)| prices))
            .flat_map(steps)
        {
            assert_eq!(p.cache_write_5m.0 * 4, p.input.0 * 5, "{name}");
            assert_eq!(p.cache_read.0 * 1000, p.input.0 * read, "{name}");
            if cache.one_hour {
                assert_eq!(p.cache_write_1h.0, p.input.0 * 2, "{name}");
            }
        }
    }
}

/// That `dear` costs so many tenths of `cheap`, class by class and step by step.
fn ratio(name: &str, cheap: &TokenPrices, dear: &TokenPrices, tenths: u64) {
    assert_eq!(steps(cheap).len(), steps(dear).len(), "{name}");
    for (cheap, dear) in steps(cheap).into_iter().zip(steps(dear)) {
        for class in [
            |p: &TokenPrices| p.input,
            |p: &TokenPrices| p.output,
            |p: &TokenPrices| p.cache_write_5m,
            |p: &TokenPrices| p.cache_read,
        ] {
            assert_eq!(class(dear).0 * 10, class(cheap).0 * tenths, "{name}");
        }
    }
}

#[test]
fn long_prompts_cost_what_the_price_list_says() {
    let catalogue = Catalogue::builtin();
    let global = |name: &str| {
        prices_of(&catalogue, name)
            .tokens_in(ScopeKind::Global)
            .unwrap()
    };
    let haiku = global("claude-haiku-5-5");
    let step = haiku.long_context.as_ref().unwrap();
    assert_eq!(step.above, Tokens(100_000));
    assert_eq!(
        step.prices,
        TokenPrices {
            long_context: None,
            ..haiku.times(5.0)
        }
    );
    for name in ["claude-sonnet-4", "claude-sonnet-4-5"] {
        let step = global(name).long_context.as_ref().unwrap();
        assert_eq!(step.above, Tokens(200_000), "{name}");
        assert_eq!(
            step.prices.input,
            PicoPerToken::from_dollars_per_million(6.0),
            "{name}"
        );
    }
    let terra = global("gpt-5-6-terra").long_context.as_ref().unwrap();
    assert_eq!(terra.above, Tokens(272_000));
    assert!(global("claude-opus-5").long_context.is_none());
}

#[test]
fn what_is_offered_has_a_price() {
    let catalogue = Catalogue::builtin();
    for name in catalogue.names(ProfileKind::Model) {
        let offers = catalogue.model(name).unwrap().offers;
        let prices = prices_of(&catalogue, name);
        for tier in PriceTier::OWN {
            let priced = prices.tiers.iter().any(|own| own.tier == tier);
            assert_eq!(priced, offers.has(tier.offer().unwrap()), "{name} {tier}");
        }
        assert_eq!(offers.reserved, !prices.reserved.is_empty(), "{name}");
        let model = catalogue.model(name).unwrap();
        assert_eq!(
            offers.latency_optimized,
            model.latency_optimized.is_some(),
            "{name}"
        );
    }
}

#[test]
fn tiers_cost_so_many_times_the_standard_price() {
    let catalogue = Catalogue::builtin();
    let nova = prices_of(&catalogue, "nova-pro");
    let input = |tier, scope: &Scope| nova.tokens_as(tier, scope).map(|p| p.input.0);
    let (us, eu) = (Scope::Geo("us".into()), Scope::Geo("eu".into()));
    assert_eq!(input(PriceTier::Standard, &us), Some(800_000));
    assert_eq!(input(PriceTier::Flex, &us), Some(400_000));
    assert_eq!(input(PriceTier::Priority, &us), Some(1_400_000));
    assert_eq!(input(PriceTier::Batch, &eu), Some(525_000));
    assert_eq!(input(PriceTier::LatencyOptimized, &us), Some(1_000_000));
    assert_eq!(input(PriceTier::LatencyOptimized, &Scope::Global), None);
    let gov = Scope::InRegion("us-gov-west-1".into());
    assert_eq!(input(PriceTier::Standard, &gov), Some(960_000));
    assert_eq!(input(PriceTier::Flex, &gov), Some(480_000));
    let home = Scope::InRegion("us-east-1".into());
    assert_eq!(input(PriceTier::Standard, &home), Some(800_000));
    // The long-context step of a batch is halved too.
    let sonnet = prices_of(&catalogue, "claude-sonnet-4-5");
    let batch = sonnet.tokens_as(PriceTier::Batch, &Scope::Global).unwrap();
    assert_eq!(batch.input.0, 1_500_000);
    assert_eq!(
        batch.long_context.as_ref().unwrap().prices.input.0,
        3_000_000
    );
}

#[test]
fn guardrails_cost_what_the_price_page_says() {
    let catalogue = Catalogue::builtin();
    let guardrail = catalogue.prices(BOOK).unwrap().guardrail.as_ref().unwrap();
    assert_eq!(guardrail.content, Usd::from_dollars(0.000_15));
    assert_eq!(guardrail.topics, Usd::from_dollars(0.000_15));
    assert_eq!(guardrail.sensitive, Usd::from_dollars(0.000_1));
    assert_eq!(guardrail.grounding, Usd::from_dollars(0.000_1));
    assert_eq!(guardrail.reasoning, Usd::from_dollars(0.000_17));
    assert_eq!(guardrail.words, Usd::ZERO);
    assert_eq!(guardrail.image, Usd::from_dollars(0.000_75));
}

#[test]
fn mantle_and_latency_optimised_quotas_are_read() {
    let catalogue = Catalogue::builtin();
    let mantle = |name: &str| {
        let mantle = catalogue.model(name).unwrap().mantle.clone();
        mantle.map(|quota| (quota.input_tpm.0, quota.output_tpm.0))
    };
    assert_eq!(mantle("claude-opus-4-8"), Some((20_000_000, 2_000_000)));
    assert_eq!(mantle("claude-fable-5"), Some((2_000_000, 200_000)));
    assert_eq!(mantle("claude-haiku-4-5"), None);
    let llama = catalogue.model("llama-3-1-405b").unwrap();
    let optimized = llama.latency_optimized.as_ref().unwrap();
    assert_eq!(optimized.rpm, Some(RequestsPerMinute(100)));
    assert_eq!(optimized.tpm, Some(TokensPerMinute(40_000)));
    assert_eq!(optimized.regions, ["us-east-2"]);
    assert_eq!(optimized.max_tokens, Some(Tokens(11_000)));
    let opus = catalogue.model("claude-opus-5-5").unwrap();
    assert_eq!(
        opus.quota(ScopeKind::InRegion).unwrap().regions,
        ["eu-west-2"]
    );
}

#[test]
fn what_a_model_lacks_is_said_with_its_source() {
    let catalogue = Catalogue::builtin();
    let refusal = |name: &str, offer| catalogue.model(name).unwrap().refuses(offer).unwrap();
    insta::assert_snapshot!(
        [
            refusal("claude-opus-5-5", Offer::Batch),
            refusal("claude-sonnet-5", Offer::Provisioned),
            refusal("claude-3-5-haiku", Offer::Provisioned),
            refusal("claude-opus-5", Offer::Flex),
            refusal("claude-opus-5", Offer::Reserved),
            refusal("nova-lite", Offer::Priority),
            refusal("claude-opus-4-8", Offer::Batch),
            refusal("claude-haiku-4-5", Offer::LatencyOptimized),
        ]
        .join("\n"),
        @"
    Claude Opus 5.5 has no batch inference (docs.aws.amazon.com/bedrock/latest/userguide/model-card-anthropic-claude-opus-5-5.html, read 2026-10-01)
    Claude Sonnet 5 sells no model units: no current Claude can buy Provisioned Throughput (docs.aws.amazon.com/bedrock/latest/userguide/prov-thru-supported.html, read 2026-10-01)
    Claude 3.5 Haiku sells no model units of Provisioned Throughput (docs.aws.amazon.com/bedrock/latest/userguide/prov-thru-supported.html, read 2026-10-01)
    Claude Opus 5 supports neither Priority nor Flex (docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html and the model cards, read 2026-10-01)
    Claude Opus 5 is not in the Reserved tier (docs.aws.amazon.com/bedrock/latest/userguide, model cards, read 2026-10-01)
    Amazon Nova Lite supports neither Priority nor Flex (derived: litellm 1.109.1, model_prices_and_context_window_backup.json, read 2026-11-22)
    Claude Opus 4.8 has no batch inference (derived: docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-supported.html, read 2026-10-01)
    Claude Haiku 4.5 has no latency-optimised inference (docs.aws.amazon.com/bedrock/latest/userguide/latency-optimized-inference.html, read 2026-10-01)
    "
    );
    for name in catalogue.names(ProfileKind::Model) {
        let model = catalogue.model(name).unwrap();
        for offer in Offer::ALL {
            assert_eq!(
                model.refuses(offer).is_none(),
                model.offers.has(offer),
                "{name}"
            );
            assert_eq!(model.offer_sources.len(), Offer::ALL.len(), "{name}");
        }
    }
}
