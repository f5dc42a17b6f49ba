//! Money: what requests cost, where it went, and when bought capacity pays.

pub mod attribution;
mod bill;
pub mod caching;
pub mod capacity;
mod ledger;
pub mod newsvendor;
mod tariff;
pub mod terms;
pub mod valley;

pub use bill::{Bill, BillClass, BillLane, BillLine, TokenClass, amount};
pub use ledger::Ledger;
pub use tariff::{Charge, Tariff, UnitPrices};
