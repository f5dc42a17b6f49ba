//! `workload.router_fee`: what sending requests to one endpoint or the other costs.

use crate::config::{Section, unit};
use crate::units::Usd;

/// Reads the fee for 1,000 requests of a workload that a router sends on.
pub(super) fn fee(s: &mut Section<'_>) -> Option<Usd> {
    s.optional("router_fee", unit::<Usd>())
}
