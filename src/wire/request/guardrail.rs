//! Bodies of `ApplyGuardrail`.

use super::blocks::GuardContent;
use super::constraints::Violations;
use super::converse::not_json;
use super::text::Text;
use crate::wire::{GuardrailCheck, GuardrailSource, Refused};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow)]
    source: Option<Text<'a>>,
    #[serde(borrow)]
    content: Option<Vec<GuardContent<'a>>>,
    #[serde(borrow)]
    output_scope: Option<Text<'a>>,
}

/// Reads the body of `ApplyGuardrail`.
///
/// # Errors
/// `SerializationException` for what is not JSON of the right types, `ValidationException` for
/// what the service model forbids and for nothing to check.
pub fn apply_guardrail(body: &[u8]) -> Result<GuardrailCheck, Refused> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    let mut violations = Violations::default();
    violations.required(body.source.is_some(), format_args!("source"));
    if let Some(source) = &body.source {
        violations.one_of(source, &["INPUT", "OUTPUT"], format_args!("source"));
    }
    violations.required(body.content.is_some(), format_args!("content"));
    if let Some(scope) = &body.output_scope {
        violations.one_of(
            scope,
            &["INTERVENTIONS", "FULL"],
            format_args!("outputScope"),
        );
    }
    let (mut texts, mut images) = (Vec::new(), 0);
    for (i, block) in body.content.iter().flatten().enumerate() {
        match block {
            GuardContent::Text(text) => {
                let place = format_args!("content.{}.member.text.text", i + 1);
                violations.required(text.text.is_some(), place);
                texts.extend(text.text.as_ref().map(|text| text.to_string()));
            }
            GuardContent::Image(_) => images += 1,
            GuardContent::Unset => {}
        }
    }
    violations.finish()?;
    if texts.is_empty() && images == 0 {
        return Err(Refused::validation(
            "The content field holds no text and no image to check.",
        ));
    }
    Ok(GuardrailCheck {
        source: match body.source.as_deref() {
            Some("OUTPUT") => GuardrailSource::Output,
            _ => GuardrailSource::Input,
        },
        full: body.output_scope.as_deref() == Some("FULL"),
        texts,
        images,
    })
}
