//! What is paid month by month, after a private discount and credits.

use serde::{Deserialize, Serialize};

/// What is paid over the months of a plan. It changes payments, not what is best.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CashSummary {
    /// The private discount, as a share of every bill.
    pub discount_share: f64,
    /// Dollars of all credits.
    pub credits_usd: f64,
    /// Dollars of all bills.
    pub bill_usd: f64,
    /// Dollars that the discount takes off.
    pub discount_usd: f64,
    /// Dollars that credits pay.
    pub credit_used_usd: f64,
    /// Dollars that are paid.
    pub paid_usd: f64,
    /// Dollars of credits that expire unused.
    pub expired_usd: f64,
    /// Dollars of credits that are left after the last month.
    pub credit_left_usd: f64,
    /// The month, from 1, in which the last credit is used or expires; `null` while some is left, and without any.
    pub used_up_month: Option<u32>,
    /// The same as a month of the calendar; `null` if months are only numbered.
    pub used_up_label: Option<String>,
    /// Month by month.
    pub months: Vec<CashMonthSummary>,
}

/// One month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CashMonthSummary {
    /// The month, from 1.
    pub month: u32,
    /// The month of the calendar, such as `2027-01`; `null` if months are only numbered.
    pub label: Option<String>,
    /// Dollars of the bill.
    pub bill_usd: f64,
    /// Dollars that the discount takes off.
    pub discount_usd: f64,
    /// Dollars that credits pay.
    pub credit_used_usd: f64,
    /// Dollars that are paid.
    pub paid_usd: f64,
    /// Dollars of credits that expire unused at its end.
    pub expired_usd: f64,
    /// Dollars of credits that are left at its end.
    pub credit_left_usd: f64,
}
