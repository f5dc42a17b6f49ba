//! The resilience lab: which policy survives a spike, by how much, and how sure that is.
//!
//! A system runs at its base load, something hits it, and lets go. Where failures use up capacity, by
//! time-outs or by refused attempts that count, retries can hold a system down although the base load
//! alone would fit (Bronson et al. 2021; Huang et al. 2022, "Metastable failures"). All policies meet the same
//! requests (common random numbers), so that differences between them are paired.

mod advice;
mod document;
mod rank;
mod recovery;
mod seed;
mod tip;

pub use document::{LabInput, LabPolicy, document};
pub use rank::{Criterion, Placed, Score, rank};
pub use recovery::{Phase, Phases, Verdict, Window, phases, recovery};
pub use seed::SeedFigures;
pub use tip::{Tip, tip};

#[cfg(test)]
mod tests;
