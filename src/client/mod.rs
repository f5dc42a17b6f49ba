//! The client brain: when a request is sent, held back, retried or given up.

mod backoff;
mod injector;
mod limit;
mod pacing;
mod process;
pub mod spec;

pub use backoff::{RetryBucket, delay, is_retryable, max_attempts};
pub use injector::{Ask, Due, Heard, Injector, Next, Progress};
pub use pacing::Held;
