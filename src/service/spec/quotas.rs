//! What a scenario says of quotas beyond the limits that hold for all models.

use super::QuotaLimits;
use crate::domain::ScopeKind;
use crate::units::{Micros, PicoPerToken, TokensPerDay, TokensPerMinute};

/// Which of Bedrock's two runtime families is called; each has quotas of its own
/// (Bedrock user guide, "quotas-runtime" and "quotas-mantle").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// `bedrock-runtime`: one quota of tokens per minute, output weighted by a burndown rate.
    #[default]
    Runtime,
    /// `bedrock-mantle`: input and output tokens per minute apart, no burndown, no request quota.
    Mantle,
}

/// Quotas beyond the limits that hold for all models.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuotaSpec {
    /// Limits of single counters.
    pub limits: Vec<CounterLimit>,
    /// Limits that change while the service runs.
    pub changes: Vec<QuotaChange>,
    /// Tokens per day over all models of the account.
    pub account: AccountSpec,
    /// How often a reservation is set to what its answer has used so far; `None` is never. AWS says
    /// "periodically" and no more.
    pub adjust_every: Option<Micros>,
    /// Input tokens per minute of the mantle family, where they differ from the model's.
    pub input_tpm: Option<TokensPerMinute>,
    /// Output tokens per minute of the mantle family, where they differ from the model's.
    pub output_tpm: Option<TokensPerMinute>,
}

/// The counters that a setting concerns: all those that it does not exclude.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CounterFilter {
    /// Only those of this model.
    pub model: Option<String>,
    /// Only those of this scope.
    pub scope: Option<ScopeKind>,
}

impl CounterFilter {
    /// Whether the counter of `model` in `scope` is meant.
    pub fn means(&self, model: &str, scope: ScopeKind) -> bool {
        self.model.as_deref().is_none_or(|own| own == model)
            && self.scope.is_none_or(|own| own == scope)
    }
}

/// Limits of single counters, in place of the account's.
#[derive(Clone, Debug, PartialEq)]
pub struct CounterLimit {
    /// Which counters.
    pub filter: CounterFilter,
    /// Their limits, where stated.
    pub limits: QuotaLimits,
}

/// An increase or a cut of limits at a moment; what was used stays used.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaChange {
    /// When, from the beginning.
    pub at: Micros,
    /// Which counters.
    pub filter: CounterFilter,
    /// What they become.
    pub to: NewLimits,
}

/// What limits become.
#[derive(Clone, Debug, PartialEq)]
pub enum NewLimits {
    /// These, where stated.
    Set(QuotaLimits),
    /// All limits in force at that moment, times this.
    Times(f64),
}

/// "Cross-Model Account-Level Tokens Per Day": counted in billed tokens weighted by on-demand price
/// (Bedrock user guide, "quotas-token-burndown"); the weighting is not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountSpec {
    /// The limit that is enforced; `None` enforces nothing.
    pub limit: Option<TokensPerDay>,
    /// How tokens are weighted.
    pub weight: AccountWeight,
    /// The price whose tokens count as one.
    pub reference: PicoPerToken,
}

impl AccountSpec {
    /// The documented quota, which cannot be raised.
    pub const DOCUMENTED: TokensPerDay = TokensPerDay(700_000_000);
    /// Three dollars per million: the input of Claude Sonnet 4.6, the model of middle size.
    pub const REFERENCE: PicoPerToken = PicoPerToken(3_000_000);
}

impl Default for AccountSpec {
    fn default() -> Self {
        Self {
            limit: None,
            weight: AccountWeight::Price,
            reference: Self::REFERENCE,
        }
    }
}

/// How billed tokens are weighted in the account's tokens per day. Assumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AccountWeight {
    /// By the price of their class over a reference price.
    #[default]
    Price,
    /// Each billed token counts one.
    None,
}
