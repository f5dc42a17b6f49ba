//! A picture as data: what is drawn, in which units, with the table behind it.

use serde::{Deserialize, Serialize};

/// What a number counts. Views write it with its unit; axes choose round steps of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A bare number.
    #[default]
    Number,
    /// A count of things.
    Count,
    /// A share in `[0, 1]`, written in percent.
    Share,
    /// Milliseconds; written in ms, s or minutes as they are large.
    Millis,
    /// Seconds since the start; written as clock time of the run.
    Seconds,
    /// Hours.
    Hours,
    /// Months from the beginning of a plan.
    Months,
    /// Requests per second.
    PerSecond,
    /// Tokens.
    Tokens,
    /// Tokens per minute.
    TokensPerMinute,
    /// Dollars.
    Usd,
    /// Dollars a month.
    UsdPerMonth,
    /// Words of a category axis or column.
    Text,
}

/// How an axis is divided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Even steps.
    #[default]
    Linear,
    /// Even ratios.
    Log,
    /// Percentiles, spaced by nines: p50, p90, p99, p99.9; values are shares.
    Nines,
    /// Named places at 0, 1, 2, …
    Category(Vec<String>),
}

/// One axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Axis {
    /// What it shows, without the unit.
    pub label: String,
    /// The unit of its values.
    pub unit: Unit,
    /// How it is divided.
    pub scale: Scale,
    /// Ends that are wanted; chosen from the values where absent.
    pub range: Option<(f64, f64)>,
}

/// One set of marks of a picture. `variant` is the name that the page's switches show and hide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Layer {
    /// A line through points.
    Line {
        /// Its name in the legend.
        name: String,
        /// The variant that it belongs to, if to one.
        variant: Option<String>,
        /// Whether it is dashed, as bounds and forecasts are.
        dashed: bool,
        /// Points, ascending in x.
        points: Vec<(f64, f64)>,
    },
    /// A line of steps: each value holds until the next point.
    Step {
        /// Its name in the legend.
        name: String,
        /// The variant that it belongs to, if to one.
        variant: Option<String>,
        /// Points, ascending in x.
        points: Vec<(f64, f64)>,
    },
    /// An area between two values: `(x, low, high)`.
    Band {
        /// Its name in the legend.
        name: String,
        /// The variant that it belongs to, if to one.
        variant: Option<String>,
        /// Low and high by x, ascending.
        points: Vec<(f64, f64, f64)>,
    },
    /// Bars on a category axis, stacked in the order of the layers. They lie where the category axis is the
    /// one upwards.
    Bars {
        /// Its name in the legend.
        name: String,
        /// One value for each category.
        values: Vec<f64>,
    },
    /// Bars that begin where the one before ended; a total stands on the axis.
    Waterfall {
        /// Change by category; for a total the value itself.
        values: Vec<f64>,
        /// Which categories are totals.
        totals: Vec<bool>,
    },
    /// Bars from one value to another on a category axis, such as what an input at both its ends does.
    Ranges {
        /// Its name in the legend.
        name: String,
        /// Both ends for each category, in any order.
        values: Vec<(f64, f64)>,
    },
    /// Single points.
    Points {
        /// Its name in the legend.
        name: String,
        /// The variant that it belongs to, if to one.
        variant: Option<String>,
        /// The points.
        points: Vec<(f64, f64)>,
    },
}

/// A line across the picture with a word at it, such as a bound, a level or a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Mark {
    /// At a height.
    Level {
        /// What it says.
        label: String,
        /// Where.
        at: f64,
    },
    /// At a place on the x axis.
    Moment {
        /// What it says.
        label: String,
        /// Where.
        at: f64,
    },
    /// From one place on the x axis to another, such as a fault.
    Span {
        /// What it says.
        label: String,
        /// Where it begins.
        from: f64,
        /// Where it ends.
        to: f64,
    },
}

/// A picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Figure {
    /// A word for links and file names, unique in the report.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// What a reader should see in it, in a sentence; said to people who do not see it as well.
    pub caption: String,
    /// The axis across.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// What is drawn, from back to front.
    pub layers: Vec<Layer>,
    /// Lines across it.
    pub marks: Vec<Mark>,
    /// The table behind it.
    pub table: super::Table,
    /// Variants or names of series in the order of their colours, so that one has the same colour in every
    /// picture; those that are not in it take the colours after them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// How series were thinned, if they were, such as "1,000 of 604,800 points (LTTB)".
    pub thinned: Option<String>,
}
