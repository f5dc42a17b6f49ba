//! Quantities with their units in the type: time, tokens, money, rates and shares.
//!
//! No bare number crosses a module boundary. Quota and money are integers;
//! floating point appears only where statistics need it.

mod calendar;
mod money;
mod parse;
mod rate;
mod ratio;
mod time;
mod tokens;

pub use calendar::{Date, Month};
pub use money::{PicoPerToken, Usd};
pub use parse::{ParseUnitError, UnitText};
pub use rate::{PerSecond, RequestsPerMinute, TokensPerDay, TokensPerMinute};
pub use ratio::Ratio;
pub use time::{Micros, Moment};
pub use tokens::Tokens;
