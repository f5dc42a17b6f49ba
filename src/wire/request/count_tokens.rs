//! Bodies of `CountTokens`.

use super::constraints::Violations;
use super::converse::{self, not_json};
use super::invoke::invoke;
use super::text::Text;
use crate::wire::{ModelCall, Refused};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    input: Option<Input<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input<'a> {
    #[serde(borrow)]
    converse: Option<converse::Body<'a>>,
    #[serde(borrow)]
    invoke_model: Option<InvokeModel<'a>>,
}

#[derive(Debug, Deserialize)]
struct InvokeModel<'a> {
    #[serde(borrow)]
    body: Option<Text<'a>>,
}

/// Reads `CountTokens`: the call whose prompt is to be counted.
///
/// # Errors
/// As [`converse()`](super::converse()) and [`invoke()`](super::invoke()).
pub fn count_tokens(id: &str, body: &[u8]) -> Result<ModelCall, Refused> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    let Some(input) = body.input else {
        return Err(Violations::null(format_args!("input")));
    };
    match (input.converse, input.invoke_model) {
        (Some(converse), None) => converse.into_call(id),
        (None, Some(InvokeModel { body: Some(text) })) => {
            let body = STANDARD.decode(&*text).map_err(|error| {
                Refused::validation(format!("input.invokeModel.body is not base64: {error}"))
            })?;
            invoke(id, &HeaderMap::new(), &body)
        }
        (None, Some(InvokeModel { body: None })) => {
            Err(Violations::null(format_args!("input.invokeModel.body")))
        }
        _ => Err(Refused::validation(
            "CountTokensInput object at input must set one of the following keys: invokeModel, \
             converse.",
        )),
    }
}
