//! When to buy capacity: demand as a shape with its growth, what is sold, and what is best.
//!
//! Quotas and cost are kept apart throughout. What admission reserves and what settles decides how much quota is
//! needed ([`MeanCall::reserved`], [`MeanCall::settled`]); billed tokens decide what it costs.

mod cells;
mod curve;
mod decide;
pub mod demand;
mod document;
mod evaluate;
mod family;
mod frontier;
pub mod market;
pub mod outlook;
mod pools;
mod ray;
mod regret;
mod scatter;
mod schedule;
mod sensitivity;
mod tornado;
mod verdict;
pub mod verify;

pub use curve::{CurvePoint, OfferCurve, UnitPoint};
pub use decide::{Alternative, Decision, Marginal, Side, decide};
pub use demand::{Demand, HOURS_OF_WEEK, MeanCall, PathGrowth, Paths, WorkloadDemand, demand};
pub use document::summary;
pub use evaluate::{Evaluation, MonthFigures, Spread, evaluate};
pub use frontier::{FrontierPoint, TARGETS, frontier};
pub use market::{Market, Offer, Pool, Price, Size};
pub use outlook::{CounterOutlook, Outlook, QuotaOutlook, QuotaRequest, QuotaUnit, outlook};
pub use pools::{Offered, offered, offers, pools, target};
pub use regret::{GROWTH, Regret, Weighed, regret};
pub use schedule::{Capacity, Hold, Schedule, price_of};
pub use sensitivity::sensitivity;
pub use tornado::{Bar, Basis, End, Tornado, tornado};
pub use verdict::{Advice, Kind};

#[cfg(test)]
mod tests;
