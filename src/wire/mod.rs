//! The wire protocol of Bedrock Runtime: bytes into values and values into bytes, without sockets.
//!
//! [`request`] reads what a client sends, [`reply`] writes what the service answers, and
//! [`frame`] is the event stream between them. Nothing here decides whether a call is admitted or
//! how long it takes: that is the service brain's.
//!
//! Sources: the service models of botocore 1.44.5 (bedrock-runtime 2023-09-30, bedrock
//! 2023-04-20), and exchanges recorded by public test suites.

mod call;
mod error_kind;
pub mod frame;
pub mod reply;
pub mod request;

pub use call::{
    CallMetadata, Dialect, GuardrailCheck, GuardrailSource, GuardrailUse, ModelCall, Prompt,
    PromptBoundary, PromptPoint, Refused, Tool, ToolChoice, ToolUse,
};
pub use error_kind::ErrorKind;
