//! `[[plan.offer]]`: what may be bought; `plan.target` and `plan.unserved_cost`.

use crate::config::{Section, share, unit};
use crate::domain::{Scope, Term};
use crate::units::{Ratio, TokensPerMinute, Usd};

/// What share of the requests must be served, and what one costs that is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServedSpec {
    /// The share of requests that must be served; `None` is what the SLO allows to be refused.
    pub target: Option<Ratio>,
    /// What a request costs that finds no capacity, beside being missed.
    pub unserved_cost: Option<Usd>,
}

/// Something that may be bought.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedOffer {
    /// Its name in the plan.
    pub name: String,
    /// The model that it is for.
    pub model: String,
    /// What it is.
    pub kind: OfferKind,
}

/// What an offer is.
#[derive(Clone, Debug, PartialEq)]
pub enum OfferKind {
    /// The Reserved tier: tokens per minute of input and output apart.
    Reserved {
        /// Geo or global.
        scope: Scope,
        /// The commitment.
        term: Term,
        /// Dollars per hour and 1,000 input tokens per minute; `None` is the price book's.
        input_price: Option<Usd>,
        /// The same of output.
        output_price: Option<Usd>,
    },
    /// Model units of Provisioned Throughput.
    Provisioned {
        /// The commitment.
        term: Term,
        /// Input tokens per minute of one unit; `None` is solved for.
        unit_input_tpm: Option<TokensPerMinute>,
        /// Output tokens per minute of one unit.
        unit_output_tpm: Option<TokensPerMinute>,
        /// Dollars per unit and hour; `None` is the price book's, or solved for.
        unit_price_per_hour: Option<Usd>,
    },
    /// On-demand quota of another scope, for what the own one has no room for.
    Scope {
        /// The other scope.
        scope: Scope,
    },
}

/// Reads `plan.target` and `plan.unserved_cost`.
pub(super) fn served(s: &mut Section<'_>) -> Option<ServedSpec> {
    Some(ServedSpec {
        target: s.optional("target", share()),
        unserved_cost: s.optional("unserved_cost", unit::<Usd>()),
    })
}

/// Reads `[[plan.offer]]`; without any, all offers count.
pub(super) fn offers(_s: &mut Section<'_>) -> Option<Option<Vec<PlannedOffer>>> {
    Some(None)
}
