//! A model on Bedrock: identifiers, limits, quotas and what can be bought for it.

use crate::units::{RequestsPerMinute, Tokens, TokensPerDay, TokensPerMinute};
use std::fmt;

use super::{Offer, Offers};

/// Where an on-demand request may be routed, which decides its quota counter and its price.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// One Region, called by the bare model id, such as `us-east-1`.
    InRegion(String),
    /// A geographic inference profile, by its prefix: `us`, `eu`, `apac`, `jp`, `au`.
    Geo(String),
    /// The global inference profile.
    Global,
}

/// The three quota counters that Bedrock keeps for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScopeKind {
    /// Calls by the bare model id.
    InRegion,
    /// Calls through a geographic inference profile.
    Geo,
    /// Calls through the global inference profile.
    Global,
}

impl Scope {
    /// The counter that calls in this scope draw on.
    pub fn kind(&self) -> ScopeKind {
        match self {
            Self::InRegion(_) => ScopeKind::InRegion,
            Self::Geo(_) => ScopeKind::Geo,
            Self::Global => ScopeKind::Global,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InRegion(region) => write!(f, "{region}"),
            Self::Geo(geo) => write!(f, "{geo}"),
            Self::Global => write!(f, "global"),
        }
    }
}

impl fmt::Display for ScopeKind {
    /// The names of `summary.json`: `in-region`, `geo`, `global`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InRegion => "in-region",
            Self::Geo => "geo",
            Self::Global => "global",
        })
    }
}

/// Default quotas of one counter. A missing limit is one that Bedrock does not enforce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeQuota {
    /// Which counter.
    pub kind: ScopeKind,
    /// Tokens per minute.
    pub tpm: TokensPerMinute,
    /// Requests per minute, where the model has that quota.
    pub rpm: Option<RequestsPerMinute>,
    /// Tokens per day, where enforced.
    pub tpd: Option<TokensPerDay>,
    /// Source Regions that have this scope; empty where the file does not say.
    pub regions: Vec<String>,
    /// Where the limits come from.
    pub source: Fact,
}

/// Default quotas of the `bedrock-mantle` endpoint, which counts input and output apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MantleQuota {
    /// Input tokens per minute; admission asks it for the input and `max_tokens`.
    pub input_tpm: TokensPerMinute,
    /// Output tokens per minute, counted as they are produced.
    pub output_tpm: TokensPerMinute,
    /// Where the limits come from.
    pub source: Fact,
}

/// Latency-optimised inference of a model: where it runs and its own quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyOptimizedQuota {
    /// Requests per minute, where that quota is known.
    pub rpm: Option<RequestsPerMinute>,
    /// Tokens per minute, where that quota is known.
    pub tpm: Option<TokensPerMinute>,
    /// Source Regions from which it can be called.
    pub regions: Vec<String>,
    /// The longest request, input and output together, where one is stated.
    pub max_tokens: Option<Tokens>,
    /// Where the limits come from.
    pub source: Fact,
}

/// Limits of prompt caching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// A prefix below this many tokens is not cached; the call still succeeds.
    pub min_tokens: Tokens,
    /// Whether the one-hour time to live is offered.
    pub one_hour: bool,
}

/// How sure a figure is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FactStatus {
    /// A primary source states it.
    #[default]
    Documented,
    /// Quoted by a third party.
    ThirdParty,
    /// Derived by a rule from documented figures.
    Derived,
    /// No source settles it; the value is a choice of this project.
    Assumed,
}

/// Where a figure comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// The page, package or file that states it.
    pub source: String,
    /// The date of the source, `YYYY-MM-DD`.
    pub as_of: String,
    /// How sure it is.
    pub status: FactStatus,
}

/// All that the simulator knows of one model, from `profiles/models/NAME.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelProfile {
    /// The file's stem, by which scenarios name the model: `claude-sonnet-4-6`.
    pub name: String,
    /// The name for people: `Claude Sonnet 4.6`.
    pub title: String,
    /// Bedrock's model id without a profile prefix.
    pub model_id: String,
    /// The context window, in tokens.
    pub max_input: Tokens,
    /// The largest output, which Bedrock reserves when `max_tokens` is unset.
    pub max_output: Tokens,
    /// Quota tokens per output token at settlement.
    pub burndown: u64,
    /// Where the burndown rate comes from.
    pub burndown_source: Fact,
    /// Bytes of text that count as one token of a real request. No tokenizer is public; see
    /// `wire::request` for how well this fits recorded calls.
    pub bytes_per_token: f64,
    /// The quota counters that the model has; a scope that is absent cannot be called.
    pub quotas: Vec<ScopeQuota>,
    /// Destination Regions by scope: (`us`, [us-east-1, …]), (`global`, […]).
    pub destinations: Vec<(String, Vec<String>)>,
    /// Prompt caching, if the model has it.
    pub cache: Option<CacheLimits>,
    /// Quotas on the `bedrock-mantle` endpoint, where they are known.
    pub mantle: Option<MantleQuota>,
    /// Latency-optimised inference, where it is offered.
    pub latency_optimized: Option<LatencyOptimizedQuota>,
    /// What can be bought.
    pub offers: Offers,
    /// Where each of the offers, or its absence, comes from.
    pub offer_sources: Vec<(Offer, Fact)>,
    /// Where limits and offers come from.
    pub source: Fact,
    /// The name of its latency profile in `profiles/latency/`.
    pub latency: String,
}

impl ModelProfile {
    /// The default quotas of a counter.
    pub fn quota(&self, kind: ScopeKind) -> Option<&ScopeQuota> {
        self.quotas.iter().find(|quota| quota.kind == kind)
    }
}
