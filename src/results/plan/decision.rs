//! What to buy for one model in one scope, and what else could be done.

use serde::{Deserialize, Serialize};

/// What to buy, when and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DecisionSummary {
    /// The model profile's name.
    pub model: String,
    /// The model's name for people.
    pub model_title: String,
    /// The scope of the calls.
    pub scope: String,
    /// `buy_now`, `wait`, `never_at_this_price`, `name_your_price` or `nothing_to_buy`.
    pub verdict: String,
    /// The verdict in one sentence, with its figures.
    pub sentence: String,
    /// The month from which to buy, from 1; `null` if nothing is bought.
    pub from_month: Option<u32>,
    /// The best schedule in words.
    pub schedule: String,
    /// The same, block by block.
    pub holds: Vec<HoldSummary>,
    /// Whether the quota of another scope carries what the own one has no room for.
    pub headroom: bool,
    /// The share of requests that must be served.
    pub target: f64,
    /// Whether the best schedule serves it in every month, on the mean over paths.
    pub meets_target: bool,
    /// The side of capacity that the mix fills first: `input`, `output` or `both`; `null` without offers.
    pub binding: Option<String>,
    /// The last slice that is bought; where nothing is, the first that could be.
    pub marginal: Option<MarginalSummary>,
    /// The ways that were compared, `all on demand` first.
    pub alternatives: Vec<AlternativeSummary>,
    /// The best schedule month by month.
    pub months: Vec<DecisionMonth>,
    /// What is sold, with the highest price at which each slice pays.
    pub offers: Vec<OfferSummary>,
    /// What is not sold, and who says so.
    pub not_sold: Vec<String>,
    /// What is known of these offers and this mix.
    pub facts: Vec<String>,
    /// What a reader should know before trusting it.
    pub warnings: Vec<String>,
}

/// A block that is held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HoldSummary {
    /// The offer's name.
    pub offer: String,
    /// The first month, from 1.
    pub from_month: u32,
    /// Terms in a row.
    pub terms: u32,
    /// Months in all.
    pub months: u32,
    /// Input tokens per minute.
    pub input_tpm: u64,
    /// Output tokens per minute.
    pub output_tpm: u64,
    /// Model units; 0 where the sides are bought apart.
    pub units: u32,
    /// Dollars of a month; `null` if no price is known.
    pub month_usd: Option<f64>,
}

/// The slice that decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MarginalSummary {
    /// The offer's name.
    pub offer: String,
    /// Whether it is bought.
    pub is_bought: bool,
    /// Input tokens per minute of the slice.
    pub input_tpm: u64,
    /// Output tokens per minute of the slice.
    pub output_tpm: u64,
    /// Its price in an hour; `null` if none is known.
    pub price_usd_per_hour: Option<f64>,
    /// What an hour of it is worth on demand when it is full.
    pub full_usd_per_hour: f64,
    /// The utilisation from which it pays; above 1 it never does.
    pub break_even_utilisation: Option<f64>,
    /// The share of it that is used while it is held, or would be in its best term.
    pub utilisation: f64,
    /// What the newsvendor buys for the first month at this price, without least sizes: input tokens per minute.
    pub first_month_input_tpm: f64,
    /// The same, output tokens per minute.
    pub first_month_output_tpm: f64,
}

/// One way to serve the requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AlternativeSummary {
    /// `all on demand`, `best`, `best single term`, `next smaller` or `next bigger`.
    pub name: String,
    /// What is held, in words.
    pub schedule: String,
    /// Dollars of a month, the mean over months and paths.
    pub month_usd: f64,
    /// The same at the 10th percentile of paths.
    pub month_usd_p10: f64,
    /// The same at the median.
    pub month_usd_p50: f64,
    /// The same at the 90th percentile.
    pub month_usd_p90: f64,
    /// Dollars of a month less than all on demand; negative is more.
    pub saving_month_usd: f64,
    /// Mean use of what is bought; `null` if nothing is.
    pub utilisation: Option<f64>,
    /// Share of requests that are served.
    pub served_share: f64,
    /// The same in the worst month.
    pub worst_month_served_share: f64,
}

/// One month of the best schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DecisionMonth {
    /// Its number, from 1.
    pub month: u32,
    /// Dollars if everything is on demand, the mean over paths.
    pub on_demand_usd: f64,
    /// Dollars paid, the mean over paths.
    pub usd: f64,
    /// 10th percentile over paths.
    pub usd_p10: f64,
    /// Median over paths.
    pub usd_p50: f64,
    /// 90th percentile over paths.
    pub usd_p90: f64,
    /// Of the mean, dollars of bought capacity.
    pub bought_usd: f64,
    /// Of the mean, dollars of batch jobs.
    pub batch_usd: f64,
    /// Of the mean, what requests cost that were not served.
    pub unserved_usd: f64,
    /// Requests, the mean over paths.
    pub requests: f64,
    /// Input tokens per minute that are held.
    pub input_tpm: f64,
    /// Output tokens per minute that are held.
    pub output_tpm: f64,
    /// Mean use of what is held; `null` if nothing is.
    pub utilisation: Option<f64>,
    /// Share of requests that bought capacity serves.
    pub bought_share: f64,
    /// Share of requests that are served.
    pub served_share: f64,
}

/// An offer, and what it may cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OfferSummary {
    /// Its name.
    pub name: String,
    /// `hourly`, `1-month`, `3-month` or `6-month`.
    pub term: String,
    /// The utilisation from which it pays in this mix; `null` without a price or a size.
    pub break_even_utilisation: Option<f64>,
    /// Where price and size come from.
    pub source: String,
    /// The date of the source; empty for figures of the scenario.
    pub as_of: String,
    /// How sure they are.
    pub status: String,
    /// The highest price at which each slice pays, from the first slice on.
    pub highest_prices: Vec<PricePoint>,
    /// Where the size of a unit is not known: the smallest of which the first one pays, by price.
    pub smallest_units: Vec<UnitSizePoint>,
}

/// One slice of an offer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PricePoint {
    /// Input tokens per minute with this slice.
    pub input_tpm: u64,
    /// Output tokens per minute with this slice.
    pub output_tpm: u64,
    /// Model units with this slice; 0 where the sides are bought apart.
    pub units: u32,
    /// The highest price of the slice in an hour at which it pays in its best term.
    pub highest_usd_per_hour: f64,
    /// The same for a term that begins now.
    pub highest_now_usd_per_hour: f64,
    /// Its price; `null` if none is known.
    pub price_usd_per_hour: Option<f64>,
    /// The first month of its best term, from 1.
    pub best_from_month: u32,
    /// The share of the slice that is used in its best term.
    pub utilisation: f64,
    /// The highest price of one unit; `null` where the sides are bought apart.
    pub highest_usd_per_unit_hour: Option<f64>,
    /// The highest price of 1,000 input tokens per minute for an hour, where the sides are bought apart.
    pub highest_input_usd_per_1k_tpm_hour: Option<f64>,
    /// The same of output.
    pub highest_output_usd_per_1k_tpm_hour: Option<f64>,
}

/// The smallest unit that pays at a price.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnitSizePoint {
    /// Dollars of a unit and hour.
    pub price_usd_per_hour: f64,
    /// Input tokens per minute; `null` if no size pays.
    pub input_tpm: Option<u64>,
    /// Output tokens per minute.
    pub output_tpm: Option<u64>,
}
