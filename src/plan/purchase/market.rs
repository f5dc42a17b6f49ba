//! What is sold to a pool of requests, and what it must be given.

use super::Demand;
use crate::domain::{Fact, Scope, Term};
use crate::units::{Ratio, TokensPerMinute, Usd};

/// Requests of one model in one scope: they draw on one quota, and on the same bought capacity.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// The model profile's name.
    pub model: String,
    /// The model's name for people.
    pub model_title: String,
    /// The scope of the calls.
    pub scope: Scope,
    /// The workloads, as places in [`Demand::workloads`]; batch workloads are in no pool.
    pub workloads: Vec<usize>,
    /// The on-demand quota in tokens per minute.
    pub tpm: TokensPerMinute,
    /// The on-demand quota in requests per minute, where the model has it.
    pub rpm: Option<u64>,
}

/// One pool with all that decides what to buy for it.
#[derive(Clone, Debug)]
pub struct Market<'a> {
    /// The demand of all workloads.
    pub demand: &'a Demand,
    /// The pool.
    pub pool: &'a Pool,
    /// What is sold.
    pub offers: &'a [Offer],
    /// The share of requests that must be served.
    pub target: Ratio,
    /// What a request costs that finds no capacity, beside being missed.
    pub unserved_cost: Usd,
}

/// Something that can be bought for a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Its name in the plan, such as `reserved 1-month`.
    pub name: String,
    /// For how long one buys.
    pub term: Term,
    /// What one buys.
    pub size: Size,
    /// Where price and size come from.
    pub source: Fact,
}

/// What one buys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// Tokens per minute of input and output, bought apart.
    Sides {
        /// Dollars per hour and 1,000 input tokens per minute; `None` is solved for.
        input: Price,
        /// The same of output.
        output: Price,
    },
    /// Whole units.
    Units {
        /// Input tokens per minute of a unit; `None` is solved for.
        input_tpm: Option<TokensPerMinute>,
        /// Output tokens per minute of a unit; `None` is solved for.
        output_tpm: Option<TokensPerMinute>,
        /// Dollars per unit and hour; `None` is solved for.
        per_hour: Option<Usd>,
    },
    /// On-demand quota of another scope, which takes what the own one has no room for.
    Headroom {
        /// Its tokens per minute.
        tpm: TokensPerMinute,
        /// Its requests per minute, where it has that quota.
        rpm: Option<u64>,
        /// Its price over that of the pool's own scope.
        times: f64,
    },
}

/// The price of one side of the Reserved tier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Dollars per hour and 1,000 tokens per minute; `None` is solved for.
    pub per_hour_per_1k_tpm: Option<Usd>,
    /// The least that can be bought.
    pub least: TokensPerMinute,
}
