//! The client brain: when a request is sent, held back, retried or given up.

mod backoff;
mod hedge;
mod injector;
mod process;
pub mod spec;

pub use backoff::{RetryBucket, delay, is_retryable, max_attempts};
pub use hedge::most_hedges;
pub use injector::{Ask, Due, Heard, Injector, Next, Progress};
