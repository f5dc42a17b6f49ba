//! Reads `profiles/prices/DATE.toml`.

use std::collections::BTreeMap;

use super::figure::{Date, Figure, Figures};
use crate::config::{Problem, Section, float, one_of, unit};
use crate::domain::{
    Fact, GuardrailPrices, LongContext, ModelPrices, PriceBook, PriceTier, ReservedPrice,
    ScopeKind, Term, TierPrices, TokenPrices, UnitPrice,
};
use crate::units::{PicoPerToken, Tokens, Usd};

/// The prefixes of geographic profiles.
const PREFIXES: [&str; 8] = ["us", "eu", "apac", "jp", "au", "ca", "in", "us-gov"];

const SCOPES: [(&str, ScopeKind); 3] = [
    ("in-region", ScopeKind::InRegion),
    ("geo", ScopeKind::Geo),
    ("global", ScopeKind::Global),
];

const TERMS: [(&str, Term); 4] = [
    ("hourly", Term::Hourly),
    ("1-month", Term::OneMonth),
    ("3-month", Term::ThreeMonths),
    ("6-month", Term::SixMonths),
];

/// The dearest price that is taken for one, in dollars per million tokens or per hour.
const DEAREST: f64 = 1e6;

/// Reads the root table of the file `file`, whose stem is `name`.
pub(super) fn read(
    name: &str,
    file: &str,
    s: &mut Section<'_>,
) -> Option<(PriceBook, Vec<Figure>)> {
    let figures = Figures::new(s, file);
    let as_of = s.required("as_of", Date);
    let guardrail = s.optional_table("guardrail", |s| read_guardrail(s, &figures));
    let models = s.required_table("model", |s| s.named_tables(|_, s| read_model(s, &figures)));
    let book = PriceBook {
        name: name.to_owned(),
        as_of: as_of?,
        guardrail,
        models: models?.into_iter().collect::<BTreeMap<_, _>>(),
    };
    Some((book, figures.into_list()))
}

/// Token prices by scope kind, and by prefix where they differ.
#[derive(Default)]
struct ByScope {
    kinds: Vec<(ScopeKind, TokenPrices)>,
    prefixes: Vec<(String, TokenPrices)>,
}

fn read_model(s: &mut Section<'_>, figures: &Figures) -> Option<ModelPrices> {
    let source = figures.shared(s);
    let fact = source.clone().unwrap_or_default();
    let path = s.path().to_owned();
    let tokens = s.required_table("usd_per_million_tokens", |s| {
        let by_scope = read_scopes(s, |scope, prices| {
            let value = format!(
                "{} in, {} out",
                prices.input.dollars_per_million(),
                prices.output.dollars_per_million()
            );
            let what = format!("{path}.usd_per_million_tokens.{scope}");
            figures.push(what, value, fact.clone());
        });
        if s.keys().next().is_none() {
            let problem = Problem::new(s.here(), "`usd_per_million_tokens` has no scope");
            s.push(problem.help("add `geo`, `global` or `in-region`"));
        }
        Some(by_scope)
    });
    let long = s.optional_table("long_context", |s| {
        let above = s.required("above", unit::<Tokens>());
        let prices = read_scopes(s, |_, _| ());
        if let Some(plain) = &tokens {
            let kinds = prices.kinds.iter();
            let lone = kinds.filter(|(k, _)| !plain.kinds.iter().any(|(p, _)| p == k));
            for (kind, _) in lone {
                let message = format!("`{kind}` has a long-context price but no plain one");
                s.report(
                    &kind.to_string(),
                    message,
                    "stands alone",
                    "add the plain price",
                );
            }
        }
        Some((above?, prices))
    });
    let mut plain = tokens;
    if let (Some(plain), Some((above, long))) = (&mut plain, long) {
        attach(&mut plain.kinds, long.kinds, above);
        attach(&mut plain.prefixes, long.prefixes, above);
    }
    let tiers = s.optional_table("tiers", |s| Some(read_tiers(s, figures, plain.as_ref())));
    let reserved = s.optional_table("reserved", |s| read_reserved(s, figures));
    let units = s.optional_table("units", |s| read_units(s, figures));
    let tokens = plain?;
    Some(ModelPrices {
        tokens: tokens.kinds,
        by_prefix: tokens.prefixes,
        source: source?,
        tiers: tiers.unwrap_or_default(),
        reserved: reserved.unwrap_or_default(),
        units: units.unwrap_or_default(),
    })
}

/// Puts each long-context price beside the plain price of its scope.
fn attach<S: PartialEq>(
    plain: &mut [(S, TokenPrices)],
    long: Vec<(S, TokenPrices)>,
    above: Tokens,
) {
    for (scope, prices) in long {
        if let Some((_, below)) = plain.iter_mut().find(|(plain, _)| *plain == scope) {
            below.long_context = Some(Box::new(LongContext { above, prices }));
        }
    }
}

fn read_scopes(s: &mut Section<'_>, mut seen: impl FnMut(&str, &TokenPrices)) -> ByScope {
    let mut by_scope = ByScope::default();
    for (key, kind) in SCOPES {
        if let Some(prices) = s.optional_table(key, read_tokens) {
            seen(key, &prices);
            by_scope.kinds.push((kind, prices));
        }
    }
    let regions: Vec<String> = s
        .keys()
        .filter(|key| is_region(key))
        .map(str::to_owned)
        .collect();
    for prefix in PREFIXES
        .into_iter()
        .chain(regions.iter().map(String::as_str))
    {
        if let Some(prices) = s.optional_table(prefix, read_tokens) {
            seen(prefix, &prices);
            by_scope.prefixes.push((prefix.to_owned(), prices));
        }
    }
    by_scope
}

/// Whether `key` reads like `eu-west-2`.
fn is_region(key: &str) -> bool {
    let mut parts = key.split('-');
    let ends_in_digits = |last: &str| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
    parts.next_back().is_some_and(ends_in_digits) && parts.count() >= 2
}

/// Prices of tiers, stated by scope or as so many times the standard price.
fn read_tiers(s: &mut Section<'_>, figures: &Figures, plain: Option<&ByScope>) -> Vec<TierPrices> {
    let tier = |tier: PriceTier| {
        let prices = s.optional_table(&tier.to_string(), |s| {
            let source = figures.shared(s);
            let times = s.optional("times", float(0.0..=100.0));
            let path = s.path().to_owned();
            let fact = source.clone().unwrap_or_default();
            let own = read_scopes(s, |scope, prices| {
                let value = format!(
                    "{} in, {} out",
                    prices.input.dollars_per_million(),
                    prices.output.dollars_per_million()
                );
                figures.push(format!("{path}.{scope}"), value, fact.clone());
            });
            let mut by_scope = ByScope::default();
            if let (Some(times), Some(plain)) = (times, plain) {
                figures.push(format!("{path}.times"), times.to_string(), fact);
                by_scope = plain.times(times);
            } else if own.kinds.is_empty() && own.prefixes.is_empty() && !s.has("times") {
                let problem = Problem::new(s.here(), format!("`{tier}` has no price"));
                s.push(problem.help("add `times`, such as `0.5`, or prices by scope"));
            }
            overlay(&mut by_scope.kinds, own.kinds);
            overlay(&mut by_scope.prefixes, own.prefixes);
            Some(TierPrices {
                tier,
                tokens: by_scope.kinds,
                by_prefix: by_scope.prefixes,
                source: source?,
            })
        })?;
        Some(prices)
    };
    PriceTier::OWN.into_iter().filter_map(tier).collect()
}

impl ByScope {
    fn times(&self, factor: f64) -> Self {
        Self {
            kinds: scale(&self.kinds, factor),
            prefixes: scale(&self.prefixes, factor),
        }
    }
}

fn scale<S: Clone>(prices: &[(S, TokenPrices)], factor: f64) -> Vec<(S, TokenPrices)> {
    let times = |(scope, prices): &(S, TokenPrices)| (scope.clone(), prices.times(factor));
    prices.iter().map(times).collect()
}

/// Puts `own` over `below`, scope by scope.
fn overlay<S: PartialEq>(below: &mut Vec<(S, TokenPrices)>, own: Vec<(S, TokenPrices)>) {
    for (scope, prices) in own {
        match below.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, below)) => *below = prices,
            None => below.push((scope, prices)),
        }
    }
}

fn read_tokens(s: &mut Section<'_>) -> Option<TokenPrices> {
    let price = || float(0.0..=DEAREST);
    let input = s.required("input", price());
    let output = s.required("output", price());
    let cache_write_5m = s.optional("cache_write_5m", price());
    let cache_write_1h = s.optional("cache_write_1h", price());
    let cache_read = s.optional("cache_read", price());
    let (input, output) = (input?, output?);
    let pico = PicoPerToken::from_dollars_per_million;
    // Without a published price a cached token is charged like a fresh one.
    Some(TokenPrices {
        input: pico(input),
        output: pico(output),
        cache_write_5m: pico(cache_write_5m.unwrap_or(input)),
        cache_write_1h: pico(cache_write_1h.or(cache_write_5m).unwrap_or(input)),
        cache_read: pico(cache_read.unwrap_or(input)),
        long_context: None,
    })
}

fn read_guardrail(s: &mut Section<'_>, figures: &Figures) -> Option<GuardrailPrices> {
    let mut price = |key: &str| {
        let price = figures.required(s, key, float(0.0..=DEAREST));
        price.map(|(dollars, source)| (Usd::from_dollars(dollars), source))
    };
    let content = price("content");
    let topics = price("topics");
    let sensitive = price("sensitive_information");
    let grounding = price("grounding");
    let reasoning = price("automated_reasoning");
    let words = price("words");
    let image = price("image");
    let (content, source) = content?;
    Some(GuardrailPrices {
        content,
        topics: topics?.0,
        sensitive: sensitive?.0,
        grounding: grounding?.0,
        reasoning: reasoning?.0,
        words: words?.0,
        image: image?.0,
        source,
    })
}

fn read_reserved(s: &mut Section<'_>, figures: &Figures) -> Option<Vec<ReservedPrice>> {
    let source = figures.shared(s);
    let min_input = s.required("min_input", unit());
    let min_output = s.required("min_output", unit());
    let path = s.path().to_owned();
    let rows = s.tables("usd_per_hour_per_1k_tpm", |s| {
        let kind = s.required("scope", one_of(&SCOPES));
        let term = s.required("term", one_of(&TERMS));
        let input = s.required("input", float(0.0..=DEAREST));
        let output = s.required("output", float(0.0..=DEAREST));
        Some((kind?, term?, input?, output?))
    });
    let (source, min_input, min_output) = (source?, min_input?, min_output?);
    let price = |(kind, term, input, output): (ScopeKind, Term, f64, f64)| {
        let what = format!("{path}.{kind}.{term}");
        let value = format!("{input} in, {output} out per hour and 1k TPM");
        figures.push(what, value, source.clone());
        ReservedPrice {
            kind,
            term,
            input_per_hour_per_1k_tpm: Usd::from_dollars(input),
            output_per_hour_per_1k_tpm: Usd::from_dollars(output),
            min_input,
            min_output,
            source: source.clone(),
        }
    };
    Some(rows?.into_iter().map(price).collect())
}

fn read_units(s: &mut Section<'_>, figures: &Figures) -> Option<Vec<UnitPrice>> {
    let source: Option<Fact> = figures.shared(s);
    let rows = s.tables("usd_per_hour", |s| {
        let term = s.required("term", one_of(&TERMS));
        let price = s.required("price", float(0.0..=DEAREST));
        Some((term?, price?))
    });
    let source = source?;
    let unit_price = |(term, price)| UnitPrice {
        term,
        per_hour: Usd::from_dollars(price),
        source: source.clone(),
    };
    Some(rows?.into_iter().map(unit_price).collect())
}
