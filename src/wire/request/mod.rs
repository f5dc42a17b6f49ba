//! What a client sends: paths, headers, signatures and bodies into values.
//!
//! Bodies are read once and borrowed from; prompts are measured and hashed, never kept. Errors are
//! worded as AWS words them where that is known: constraints of the service model in the form
//! `N validation errors detected: …`, rules of a conversation as users quote them in public issue
//! trackers. Sentences without such a source are this project's own and say so where they are made.

mod anthropic;
mod anthropic_blocks;
mod blocks;
mod constraints;
mod conversation;
mod converse;
mod converse_checks;
mod converse_prompt;
mod count_tokens;
mod guardrail;
mod invoke;
mod llama;
mod metadata;
mod model_id;
mod nova;
mod prompt;
mod route;
mod sigv4;
mod text;
mod timestamp;
mod tokens;

#[cfg(test)]
mod tests;

pub use converse::converse;
pub use count_tokens::count_tokens;
pub use guardrail::apply_guardrail;
pub use invoke::{MAX_BODY_BYTES, invoke};
pub use model_id::{ModelRef, ResourceKind};
pub use prompt::MEDIA_TOKENS;
pub use route::{MAX_ID_CHARS, ModelFilter, ModelOperation, ProfilePage, Route};
pub use sigv4::{AccessKey, Caller, Signed, Verifier};
pub use tokens::{TokenCount, TokenPoint, TokenRatio, tokens_of};
