//! The client brain: when a request is sent, held back, retried or given up.

mod adaptive;
mod backoff;
mod breaker;
mod budget;
mod guards;
mod hedge;
mod injector;
mod lanes;
mod limit;
mod pacing;
mod process;
mod route;
pub mod spec;
mod throttle;
mod windowed;

pub use backoff::{RetryBucket, delay, is_retryable, max_attempts, retries, retry_at};
pub use hedge::most_hedges;
pub use injector::{Ask, Due, Heard, Injector, Next, Progress};
pub use lanes::{FailureClass, FailureClasses, Onward};
pub use pacing::Held;
pub use route::{Classifier, Judgement, RouteRule, RouteSpec, Router};
