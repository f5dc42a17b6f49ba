//! Renderers: from plans and results to text, tables and documents.

pub mod check;
