//! Money: what requests cost, where it went, and when bought capacity pays.

pub mod attribution;
pub mod caching;
pub mod capacity;
mod ledger;
mod tariff;

pub use ledger::Ledger;
pub use tariff::{Charge, Tariff};
