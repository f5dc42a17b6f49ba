//! Where recorded traffic comes from and goes to: files and folders, buckets, metrics.

mod aws;
mod bucket;
mod chunks;
mod cloudwatch;
mod logs;
mod output;
mod sort;
mod store;

pub use aws::{Aws, AwsError};
pub use bucket::{Address, Bucket};
pub use cloudwatch::fetch_metrics;
pub use logs::{LogOptions, LogRead, Woven, read_logs, write_trace};
pub use output::{Output, OutputError};
pub use store::{BodyName, Folders, LogStore, hour_of_key, ignored, may_hold};
