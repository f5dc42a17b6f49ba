//! What a client sends: paths, headers, signatures and bodies into values.

mod constraints;
pub mod model_id;
pub mod route;
pub mod sigv4;
pub mod tokens;

pub use model_id::{ModelRef, ResourceKind};
pub use route::{ModelFilter, ModelOperation, ProfilePage, Route};
pub use tokens::{TokenCount, TokenPoint, TokenRatio, tokens_of};

use super::{GuardrailCheck, ModelCall, Refused};
use http::HeaderMap;

/// Reads the body of `Converse` or `ConverseStream` for the model `id`.
pub fn converse(id: &str, body: &[u8]) -> Result<ModelCall, Refused> {
    let _ = (id, body);
    Err(Refused::validation("not yet"))
}

/// Reads `InvokeModel` or its streaming form, in the dialect of the model's vendor.
///
/// Pass the id of the model behind a profile or resource ARN where the service knows it. Where `id`
/// does not tell the vendor, the fields of the body do.
pub fn invoke(id: &str, headers: &HeaderMap, body: &[u8]) -> Result<ModelCall, Refused> {
    let _ = (id, headers, body);
    Err(Refused::validation("not yet"))
}

/// Reads `CountTokens`: the call whose prompt is to be counted.
pub fn count_tokens(id: &str, body: &[u8]) -> Result<ModelCall, Refused> {
    let _ = (id, body);
    Err(Refused::validation("not yet"))
}

/// Reads the body of `ApplyGuardrail`.
pub fn apply_guardrail(body: &[u8]) -> Result<GuardrailCheck, Refused> {
    let _ = body;
    Err(Refused::validation("not yet"))
}
