//! Needs, months and requests against known figures.
