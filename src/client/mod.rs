//! The client brain: when a request is sent, held back, retried or given up.

mod backoff;
mod injector;
mod lanes;
mod process;
mod route;
pub mod spec;

pub use backoff::{RetryBucket, delay, is_retryable, max_attempts};
pub use injector::{Ask, Due, Heard, Injector, Next, Progress};
pub use lanes::{FailureClass, FailureClasses, Onward};
pub use route::{Classifier, Judgement, RouteRule, RouteSpec, Router};
