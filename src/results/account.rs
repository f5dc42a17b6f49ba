//! Whether a day at the rate of a run would exceed the account's tokens per day.

use super::summary::AssumptionSummary;
use crate::measure::Tally;
use crate::sim::{AccountUse, VariantContext};
use crate::units::Micros;

/// What is assumed where the documented quota is not enforced and would not be enough.
pub(super) fn not_enforced(
    context: &VariantContext,
    all: &Tally,
    measured: Micros,
) -> Option<AssumptionSummary> {
    let tokens = &all.tokens;
    let prepaid = &all.prepaid_tokens;
    let sum = |tokens: &crate::measure::TokenCounts| {
        tokens.input + tokens.cache_read + tokens.cache_write + tokens.output
    };
    // Batch jobs use no quota of calls.
    let jobs = all.batch.as_ref().map_or(0, |batch| sum(&batch.tokens));
    let billed = sum(tokens).saturating_sub(sum(prepaid) + jobs) as f64;
    let why = AccountUse {
        billed_tokens: billed,
        cost: all.ledger.tokens() - all.ledger.batch,
        span: measured,
    }
    .warning(&context.account)?;
    Some(AssumptionSummary {
        name: "quota.account_tpd".to_owned(),
        value: "unset".to_owned(),
        why,
    })
}
