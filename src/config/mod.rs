//! Reading TOML files so that every problem is reported at once, each with its place.
//!
//! A file is parsed into [`Node`]s that remember where they stood, then walked by
//! [`Section`]s. A section knows which keys were asked for, so unknown keys are
//! found without a list of them, and it writes down each value as resolved, so
//! defaults can be shown to the user.
//!
//! ```
//! use bedload::config::{self, Source, positive, unit, whole};
//! use bedload::units::Micros;
//!
//! let source = Source::new("probe.toml", "every = \"250ms\"\nweight = -1.0\ntimes = 3\n");
//! let error = config::read(&source, |s| {
//!     let every: Option<Micros> = s.required("every", unit());
//!     let weight = s.or("weight", positive(), 1.0);
//!     let times: Option<u32> = s.optional("times", whole(1..=10));
//!     Some((every?, weight?, times))
//! })
//! .unwrap_err();
//! assert!(error.to_string().contains("probe.toml:2:10: `weight` must be above 0"));
//! ```

mod kind;
mod merge;
mod overrides;
mod problem;
mod section;
mod source;
mod value;

pub use kind::{
    Kind, Quantity, boolean, count, float, list, non_negative, one_of, pair, positive, share, text,
    unit, unset_or, whole,
};
pub use merge::{MergeRules, merge};
pub use overrides::apply_overrides;
pub use problem::{ConfigError, Problem, Problems};
pub use section::{Section, Trail, nearest};
pub use source::Source;
pub use value::{Entry, Node, Span, Table, Value, parse};

/// Parses `source` and reads its root table with `read`.
///
/// # Errors
/// All problems of the file: its syntax if that is wrong, otherwise whatever the
/// sections found, unknown keys included.
pub fn read<T>(
    source: &Source,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<T, ConfigError> {
    let trail = Trail::default();
    let root = parse(source).map_err(|problems| problems.into_error(source))?;
    let value = Section::root(&trail, &root, read);
    match value {
        Some((value, _)) if trail.problems.is_empty() => Ok(value),
        _ => Err(trail.problems.into_error(source)),
    }
}
