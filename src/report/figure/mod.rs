//! Pictures: a [`Figure`](crate::results::report::Figure) as SVG text or as the bytes of a PNG.
//!
//! A figure is laid out once into shapes with places, and painted with the crate plotters onto the backend
//! of the medium. An SVG is `role="img"` with its title and caption for people who do not see it, scales
//! with its view box, and has few colours, those of [`palette`], so that a page can restyle it. Each series
//! is a group with `data-variant` and `data-name`, which a page shows and hides.

mod axis;
mod bars;
mod layout;
mod marks;
mod paint;
pub mod palette;
mod png;
mod scene;
mod series;
mod svg;

pub use png::png;
pub use svg::{svg, svg_file};

#[cfg(test)]
mod tests;
