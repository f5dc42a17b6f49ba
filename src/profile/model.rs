//! Reads `profiles/models/NAME.toml`.

use super::figure::{Figure, Figures};
use crate::config::{Problem, Section, Span, boolean, list, positive, text, unit, whole};
use crate::domain::{
    CacheLimits, Fact, LatencyOptimizedQuota, MantleQuota, ModelProfile, Offer, Offers, ScopeKind,
    ScopeQuota,
};
use crate::units::Tokens;

/// A model with what the catalogue keeps beside it.
pub(super) struct ModelFile {
    pub(super) profile: ModelProfile,
    pub(super) figures: Vec<Figure>,
    /// Where the name of the latency profile stands.
    pub(super) latency_span: Span,
}

/// For a profile that does not say; see `wire::request` for how well it fits recorded calls.
const USUAL_BYTES_PER_TOKEN: f64 = 4.0;

/// The keys of `[quota]`.
const SCOPES: [(&str, ScopeKind); 3] = [
    ("in-region", ScopeKind::InRegion),
    ("geo", ScopeKind::Geo),
    ("global", ScopeKind::Global),
];

/// Reads the root table of the file `file`, whose stem is `name`.
pub(super) fn read(name: &str, file: &str, s: &mut Section<'_>) -> Option<ModelFile> {
    let figures = Figures::new(s, file);
    let title = s.required("title", text());
    let latency = s.required("latency", text());
    let latency_span = s.span("latency");
    let limits = s.required_table("limits", |s| {
        let model_id = figures.required(s, "model_id", text());
        let max_input = figures.required(s, "max_input", unit::<Tokens>());
        let max_output = figures.required(s, "max_output", unit::<Tokens>());
        let burndown = figures.required(s, "burndown", whole::<u64>(1..=1000));
        let bytes_per_token = figures.optional(s, "bytes_per_token", positive());
        Some((
            model_id?.0,
            max_input?,
            max_output?,
            burndown?,
            bytes_per_token.map_or(USUAL_BYTES_PER_TOKEN, |(bytes, _)| bytes),
        ))
    });
    let quotas = s.required_table("quota", |s| Some(read_quotas(s, &figures)));
    let cache = s.optional_table("cache", |s| {
        let min_tokens = figures.required(s, "min_tokens", unit());
        let one_hour = figures.required(s, "one_hour", boolean());
        Some(CacheLimits {
            min_tokens: min_tokens?.0,
            one_hour: one_hour?.0,
        })
    });
    let offers = s.required_table("offers", |s| read_offers(s, &figures));
    let destinations = s.required_table("destinations", |s| Some(read_destinations(s, &figures)));
    let (model_id, (max_input, _), (max_output, source), burndown, bytes_per_token) = limits?;
    let (burndown, burndown_source) = burndown;
    let (offers, offer_sources) = offers?;
    let quotas = quotas?;
    let profile = ModelProfile {
        name: name.to_owned(),
        title: title?,
        model_id,
        max_input,
        max_output,
        burndown,
        burndown_source,
        bytes_per_token,
        quotas: quotas.scopes,
        destinations: destinations?,
        cache,
        mantle: quotas.mantle,
        latency_optimized: quotas.latency_optimized,
        offers,
        offer_sources,
        source,
        latency: latency?,
    };
    Some(ModelFile {
        profile,
        figures: figures.into_list(),
        latency_span,
    })
}

/// The answers of `[offers]`, and where each comes from.
fn read_offers(s: &mut Section<'_>, figures: &Figures) -> Option<(Offers, Vec<(Offer, Fact)>)> {
    let mut offers = Offers::default();
    let mut sources = Vec::with_capacity(Offer::ALL.len());
    let mut complete = true;
    for offer in Offer::ALL {
        // A file from before the tiers were known says nothing of them.
        let answer = match offer {
            Offer::Provisioned | Offer::Reserved | Offer::Batch => {
                let answer = figures.required(s, offer.key(), boolean());
                complete &= answer.is_some();
                answer
            }
            Offer::Flex | Offer::Priority | Offer::LatencyOptimized => {
                figures.optional(s, offer.key(), boolean())
            }
        };
        if let Some((sold, source)) = answer {
            offers.set(offer, sold);
            sources.push((offer, source));
        }
    }
    complete.then_some((offers, sources))
}

/// What `[quota]` holds.
struct Quotas {
    scopes: Vec<ScopeQuota>,
    mantle: Option<MantleQuota>,
    latency_optimized: Option<LatencyOptimizedQuota>,
}

fn read_quotas(s: &mut Section<'_>, figures: &Figures) -> Quotas {
    let mut scopes = Vec::new();
    for (key, kind) in SCOPES {
        let quota = s.optional_table(key, |s| {
            let tpm = figures.required(s, "tpm", unit());
            let rpm = figures.optional(s, "rpm", unit());
            let tpd = figures.optional(s, "tpd", unit());
            let regions = figures.optional(s, "regions", list(text()));
            let (tpm, source) = tpm?;
            Some(ScopeQuota {
                kind,
                tpm,
                rpm: rpm.map(|(rpm, _)| rpm),
                tpd: tpd.map(|(tpd, _)| tpd),
                regions: regions.map_or_else(Vec::new, |(regions, _)| regions),
                source,
            })
        });
        scopes.extend(quota);
    }
    let mantle = s.optional_table("mantle", |s| {
        let input_tpm = figures.required(s, "input_tpm", unit());
        let output_tpm = figures.required(s, "output_tpm", unit());
        let (input_tpm, source) = input_tpm?;
        Some(MantleQuota {
            input_tpm,
            output_tpm: output_tpm?.0,
            source,
        })
    });
    let latency_optimized = s.optional_table("latency_optimized", |s| {
        let regions = figures.required(s, "regions", list(text()));
        let rpm = figures.optional(s, "rpm", unit());
        let tpm = figures.optional(s, "tpm", unit());
        let max_tokens = figures.optional(s, "max_tokens", unit());
        let (regions, source) = regions?;
        Some(LatencyOptimizedQuota {
            rpm: rpm.map(|(rpm, _)| rpm),
            tpm: tpm.map(|(tpm, _)| tpm),
            regions,
            max_tokens: max_tokens.map(|(tokens, _)| tokens),
            source,
        })
    });
    if s.keys().next().is_none() {
        let problem = Problem::new(s.here(), "`quota` has no scope");
        s.push(problem.help("add `[quota.geo]`, `[quota.global]` or `[quota.in-region]`"));
    }
    Quotas {
        scopes,
        mantle,
        latency_optimized,
    }
}

fn read_destinations(s: &mut Section<'_>, figures: &Figures) -> Vec<(String, Vec<String>)> {
    let scopes: Vec<String> = s.keys().map(str::to_owned).collect();
    let mut destinations = Vec::with_capacity(scopes.len());
    for scope in scopes {
        let Some((regions, _)) = figures.optional(s, &scope, list(text())) else {
            continue;
        };
        if regions.is_empty() {
            s.report(
                &scope,
                format!("`{scope}` has no destination"),
                "is empty",
                "name at least one Region",
            );
        }
        destinations.push((scope, regions));
    }
    destinations
}
