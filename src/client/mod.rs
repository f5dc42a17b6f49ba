//! The client brain: when a request is sent, held back, retried or given up.

mod adaptive;
mod backoff;
mod breaker;
mod budget;
mod guards;
mod injector;
mod process;
pub mod spec;
mod throttle;
mod windowed;

pub use backoff::{RetryBucket, delay, is_retryable, max_attempts, retries, retry_at};
pub use injector::{Ask, Due, Heard, Injector, Next, Progress};
