//! Money: what requests cost, where it went, and when bought capacity pays.

mod bill;
pub mod capacity;
mod ledger;
mod tariff;

pub use bill::{Bill, BillClass, BillLane, BillLine, TokenClass, amount};
pub use ledger::Ledger;
pub use tariff::{Charge, Tariff, UnitPrices};
