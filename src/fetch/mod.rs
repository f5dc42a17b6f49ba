//! Where recorded traffic comes from: files and folders.

mod output;

pub use output::{Output, OutputError};
