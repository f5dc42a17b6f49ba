//! Names of models: what stands in a log, without accounts, Regions and profiles.

/// Prefixes of inference profiles (user guide, inference-profiles-support, and its older names).
const SCOPES: [&str; 14] = [
    "us", "us-gov", "eu", "apac", "jp", "au", "ca", "global", "sa", "me", "af", "in", "uk", "mx",
];

/// A model as a log names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelName<'a> {
    /// The scope of its inference profile, such as `us`; empty if it was called without one.
    pub scope: &'a str,
    /// The model id, or the kind and number of what stands for one, such as
    /// `application-inference-profile/a1b2c3`.
    pub id: &'a str,
}

/// Splits a model id or an ARN.
///
/// ```
/// use bedload::load::trace::model_name;
/// let name = model_name("arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-lite-v1:0");
/// assert_eq!((name.scope, name.id), ("us", "amazon.nova-lite-v1:0"));
/// ```
pub fn model_name(text: &str) -> ModelName<'_> {
    let resource = if text.starts_with("arn:") {
        text.splitn(6, ':').nth(5).unwrap_or(text)
    } else {
        text
    };
    let id = ["foundation-model/", "inference-profile/"]
        .iter()
        .find_map(|kind| resource.strip_prefix(kind))
        .unwrap_or(resource);
    match id.split_once('.') {
        Some((scope, rest)) if SCOPES.contains(&scope) && rest.contains('.') => {
            ModelName { scope, id: rest }
        }
        _ => ModelName { scope: "", id },
    }
}
