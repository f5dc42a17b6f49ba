//! A scenario against a real endpoint: the client brain, the wall clock and the AWS SDK.
//!
//! [`run`] sends the requests that a simulation of the same scenario and seed would send, at the
//! same moments, through `aws-sdk-bedrockruntime`, and feeds what it sees to the recorder of the
//! simulation. Only the endpoint tells Amazon Bedrock from a server on one's own desk.
//!
//! - [`plan`] says what is called: model ids, prompts, tools.
//! - `hub` is the state that all requests share, behind one lock; `drive` takes one request
//!   through its attempts, and `early` has the first of them ready when it is due; `call` is one
//!   attempt on the wire, `gate` what it waits at; `talk` makes up what sessions say.
//! - `calibrate` measures what the client itself adds; `preflight` finds out whether the target
//!   can be called at all, and says what to do if not.

mod advice;
mod budget;
mod calibrate;
mod call;
mod drive;
mod early;
mod failure;
mod gate;
mod gauges;
mod guarded;
mod hedge;
mod hub;
mod log;
pub mod plan;
mod preflight;
mod prompt;
mod run;
mod sdk_retries;
mod talk;
mod target;
mod tiers;

pub use advice::Refusal;
pub use budget::{WorstCase, worst_case};
pub use gauges::Snapshot;
pub use plan::{LivePlan, PlanError};
pub use run::{LiveError, LiveOptions, LiveRun, Stop, run};
pub use target::Target;
