//! Plans: what load a quota carries, what to ask for and what to buy.

pub mod bill;
mod headroom;
pub mod lab;
pub mod levers;
pub mod preview;
pub mod purchase;
pub mod review;
pub mod search;

pub use headroom::{
    Binding, Headroom, LoadPoint, QuotaPoint, RightSize, SustainedBounds, headroom, right_size,
    sustained_rate,
};
pub use preview::{Level, Preview, Verdict, preview};
pub use search::{SearchOptions, Searched, Sources, Step, search};
