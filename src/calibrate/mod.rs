//! From measurements to what a simulation assumes: latency profiles, the rules of a quota, and how well
//! a simulation tells what happened.
//!
//! [`fit()`] turns samples of latency into a law, [`checks`] holds it against later ones, and
//! [`calibrate()`] does both for each model and writes profiles. [`probe`] sends calls that tell how a
//! quota forgets and settles. [`twin`] sets a simulation beside the run that it should have foretold.

mod check;
mod document;
mod figures;
mod fit;
mod group;
pub mod probe;
mod profile_text;
mod read;
mod sample;
pub mod twin;

pub use check::checks;
pub use document::{Calibrated, Calibration, HOLDOUT, ProfileFile, Start, calibrate};
pub use fit::{FEW, Fitted, NoiseShape, Part, fit};
pub use group::{Group, HourClass, groups};
pub use profile_text::{About, profile_text};
pub use read::{ColumnMap, SourceError, attempts, columns, csv_samples, records};
pub use sample::{Sample, Samples};

#[cfg(test)]
mod tests;
