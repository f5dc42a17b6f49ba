//! Pure statistics and queueing theory, each formula with its source.
//!
//! Nothing here knows of Bedrock. Arguments and results are plain numbers,
//! because the formulas hold in any unit; callers say which one they use.

pub mod change_points;
pub mod correction;
pub mod empirical;
pub mod gap_laws;
pub mod growth;
pub mod hedging;
pub mod intervals;
pub mod mixture;
pub mod permutation;
pub mod power;
pub mod quantile;
pub mod queueing;
pub mod retries;
pub mod robust;
pub mod steady;
pub mod thinning;
pub mod welch;

#[cfg(test)]
mod check {
    /// Asserts that `got` shows the same digits as `want` with `decimals` digits after the point.
    pub(super) fn shown(got: f64, want: f64, decimals: i32) {
        let tolerance = 0.5 * 10f64.powi(-decimals) * 1.001;
        assert!(
            (got - want).abs() <= tolerance,
            "got {got}, want {want} to {decimals} decimals"
        );
    }
}
