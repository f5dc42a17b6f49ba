//! What a variant was made of, in the words and figures that results show beside its measures.

use crate::domain::{Origin, PriceTier, Slo, TokenPrices};
use crate::service::spec::{AccountSpec, AccountWeight};
use crate::units::{Micros, TokensPerDay, TokensPerMinute, Usd};

/// One variant's ingredients.
#[derive(Clone, Debug, PartialEq)]
pub struct VariantContext {
    /// The variant's name.
    pub name: String,
    /// Its capacity mode in a few words, such as `on-demand, us profile`.
    pub mode: String,
    /// For how long requests start in one replication.
    pub duration: Micros,
    /// The unmeasured span at its start.
    pub warmup: Micros,
    /// What it has to meet.
    pub slo: Slo,
    /// Its workloads, in order.
    pub workloads: Vec<WorkloadContext>,
    /// All lanes, the workloads' own first; empty where there are no others.
    pub lanes: Vec<LaneContext>,
    /// What its bought capacity costs, if it has any.
    pub bought: Option<BoughtCapacity>,
    /// The account's tokens per day, and how tokens count in it.
    pub account: AccountSpec,
    /// The price book's name and date.
    pub price_book: (String, String),
    /// Assumptions in force: name, value, and why.
    pub assumptions: Vec<Assumption>,
    /// Things that a reader should know before trusting the figures.
    pub warnings: Vec<String>,
    /// Plain remarks, such as what a model does not sell.
    pub notes: Vec<String>,
}

/// One workload's ingredients.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadContext {
    /// Its name.
    pub name: String,
    /// The model profile's name.
    pub model: String,
    /// The model's name for people.
    pub model_title: String,
    /// Its tags, such as feature or customer.
    pub tags: Vec<(String, String)>,
    /// `max_tokens` in force.
    pub max_tokens: u64,
    /// Whether the scenario set it; otherwise it is the model's maximum.
    pub max_tokens_is_set: bool,
    /// The latency profile's name.
    pub latency: String,
    /// Whether latency is measured, fitted or assumed.
    pub latency_origin: Origin,
    /// Where the latency profile comes from.
    pub latency_source: String,
    /// Prices per token in the scope that serves it (or takes its overflow), as it asks: batch
    /// prices for batch jobs.
    pub prices: Option<TokenPrices>,
    /// What it asks for beside plain on-demand use; `Standard` if nothing.
    pub tier: PriceTier,
    /// Prices per token of calls that are served as that tier; `None` if standard, or unknown.
    pub tier_prices: Option<TokenPrices>,
    /// Prices per token of plain on-demand use, whatever it asks for.
    pub standard_prices: Option<TokenPrices>,
    /// Prices per token of records of batch jobs; `None` if the model has no batch, or no price of it.
    pub batch_prices: Option<TokenPrices>,
}

/// One lane's ingredients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneContext {
    /// Its name, such as `chat: claude-haiku-4-5 global`; lanes of one name are shown together.
    pub name: String,
    /// The workload whose requests it takes.
    pub workload: String,
    /// The model profile's name.
    pub model: String,
    /// Where its calls go in a few words: scope and tier.
    pub how: String,
    /// `own`, `answers`, `classifies` or `defers`.
    pub role: &'static str,
    /// The latency profile's name, and whether it is measured, fitted or assumed.
    pub latency: (String, Origin),
    /// Whether the price of its tokens is known.
    pub is_priced: bool,
}

/// Capacity that is paid by the hour.
#[derive(Clone, Debug, PartialEq)]
pub struct BoughtCapacity {
    /// What was bought, in a few words.
    pub what: String,
    /// Its price per hour; `None` where no price is known, and then cost is not either.
    pub per_hour: Option<Usd>,
    /// Input tokens per minute that it sustains.
    pub input_tpm: TokensPerMinute,
    /// Output tokens per minute that it sustains.
    pub output_tpm: TokensPerMinute,
    /// How many of them one output token takes; 1 but where burndown is assumed to count.
    pub burndown: u64,
}

/// A choice that no source settles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// The key of the setting, such as `quota.semantics`.
    pub name: String,
    /// Its value in this variant.
    pub value: String,
    /// What is known, and why this value.
    pub why: String,
}

impl Assumption {
    /// The choice of `value` for `name`, with its reason.
    pub fn new(name: &str, value: String, why: &str) -> Self {
        Self {
            name: name.to_owned(),
            value,
            why: why.to_owned(),
        }
    }
}

/// What an account used, or will, in a span of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccountUse {
    /// Billed tokens of all classes.
    pub billed_tokens: f64,
    /// What they cost.
    pub cost: Usd,
    /// In how long.
    pub span: Micros,
}

impl AccountUse {
    /// Tokens of a day at this rate, as the account's quota counts them; `None` for a span of no length.
    pub fn per_day(&self, account: &AccountSpec) -> Option<f64> {
        let days = self.span.as_secs_f64() / Micros::DAY.as_secs_f64();
        // Tokens times price over a reference price, summed, are dollars over that price.
        let tokens = match account.weight {
            AccountWeight::Price => self.cost.0 as f64 / account.reference.0 as f64,
            AccountWeight::None => self.billed_tokens,
        };
        (days > 0.0).then(|| tokens / days)
    }

    /// What to say where a day at this rate exceeds the quota that is enforced, or else the documented one.
    pub fn warning(&self, account: &AccountSpec) -> Option<String> {
        let limit = account.limit.unwrap_or(AccountSpec::DOCUMENTED);
        let per_day = self.per_day(account)?;
        if per_day <= limit.0 as f64 {
            return None;
        }
        let per_day = TokensPerDay((per_day / 1e6).round() as u64 * 1_000_000);
        let weighted = match account.weight {
            AccountWeight::Price => format!(
                " (weighted by price, ${} per million counts one)",
                account.reference.dollars_per_million()
            ),
            AccountWeight::None => String::new(),
        };
        Some(match account.limit {
            None => format!(
                "at this rate the account bills {per_day}{weighted}; the documented quota over all \
                 models is {limit}, not adjustable, and not enforced here: set `quota.account_tpd`"
            ),
            Some(_) => format!(
                "at this rate the account would bill {per_day}{weighted}; `quota.account_tpd` allows \
                 {limit}, and refuses calls once they are used"
            ),
        })
    }
}
