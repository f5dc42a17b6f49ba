//! `plan.discount` and `[[plan.credit]]`: what changes the payments and not the decision.

use crate::config::{Section, share};
use crate::units::{Ratio, Usd};

/// Discounts and credits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CashSpec {
    /// A private discount on everything.
    pub discount: Ratio,
    /// Credits of the account.
    pub credits: Vec<Credit>,
}

/// A credit of the account.
#[derive(Clone, Debug, PartialEq)]
pub struct Credit {
    /// How much.
    pub amount: Usd,
    /// For how many months from the start it can be used; `None` for ever.
    pub months: Option<u32>,
}

/// Reads the keys of `[plan]` about payments.
pub(super) fn cash(s: &mut Section<'_>) -> Option<CashSpec> {
    let discount = s.optional("discount", share()).unwrap_or_default();
    Some(CashSpec {
        discount,
        credits: Vec::new(),
    })
}
