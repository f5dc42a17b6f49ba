//! From a method and a path to the operation that is asked for.

use super::constraints::Violations;
use crate::wire::{ErrorKind, Refused};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The longest model identifier (service model: `modelId` has 1 to 2,048 characters).
pub const MAX_ID_CHARS: usize = 2048;

/// An operation and what its path and query say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// An operation on a model.
    Model {
        /// What the caller wrote as `modelId`, decoded.
        id: String,
        /// Which operation.
        operation: ModelOperation,
    },
    /// `ApplyGuardrail`.
    ApplyGuardrail {
        /// The guardrail's id or ARN, decoded.
        id: String,
        /// Its version, `DRAFT` or a number.
        version: String,
    },
    /// `ListFoundationModels` of the control plane.
    ListFoundationModels(ModelFilter),
    /// `GetFoundationModel` of the control plane.
    GetFoundationModel {
        /// The model's id or ARN, decoded.
        id: String,
    },
    /// `ListInferenceProfiles` of the control plane.
    ListInferenceProfiles(ProfilePage),
    /// `GetInferenceProfile` of the control plane.
    GetInferenceProfile {
        /// The profile's id or ARN, decoded.
        id: String,
    },
}

/// An operation on a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelOperation {
    /// `Converse`.
    Converse,
    /// `ConverseStream`.
    ConverseStream,
    /// `InvokeModel`.
    InvokeModel,
    /// `InvokeModelWithResponseStream`.
    InvokeModelWithResponseStream,
    /// `CountTokens`.
    CountTokens,
}

impl ModelOperation {
    /// The operation's name, as in invocation logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Converse => "Converse",
            Self::ConverseStream => "ConverseStream",
            Self::InvokeModel => "InvokeModel",
            Self::InvokeModelWithResponseStream => "InvokeModelWithResponseStream",
            Self::CountTokens => "CountTokens",
        }
    }

    /// Whether its answer is an event stream.
    pub fn streams(self) -> bool {
        matches!(
            self,
            Self::ConverseStream | Self::InvokeModelWithResponseStream
        )
    }

    fn of_suffix(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "converse" => Self::Converse,
            "converse-stream" => Self::ConverseStream,
            "invoke" => Self::InvokeModel,
            "invoke-with-response-stream" => Self::InvokeModelWithResponseStream,
            "count-tokens" => Self::CountTokens,
            _ => return None,
        })
    }
}

/// Which models `ListFoundationModels` lists; values are as the caller wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFilter {
    /// `byProvider`.
    pub provider: Option<String>,
    /// `byCustomizationType`.
    pub customization: Option<String>,
    /// `byOutputModality`.
    pub output: Option<String>,
    /// `byInferenceType`: `ON_DEMAND` or `PROVISIONED`.
    pub inference: Option<String>,
}

/// Which page of which profiles `ListInferenceProfiles` lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfilePage {
    /// `type`: `SYSTEM_DEFINED` or `APPLICATION`.
    pub kind: Option<String>,
    /// `maxResults`, 1 to 1,000.
    pub max_results: Option<u32>,
    /// `nextToken`, as an earlier answer gave it.
    pub next_token: Option<String>,
}

impl Route {
    /// The operation behind `method` and `path_and_query`.
    ///
    /// An identifier may be percent-encoded or not, so ARNs may carry their `/` raw: the path's
    /// first segment and its ending decide, and what lies between is the identifier.
    ///
    /// # Errors
    /// `UnknownOperationException` for a method or path that no operation has, and
    /// `ValidationException` for an identifier or a page size out of bounds.
    pub fn of(method: &str, path_and_query: &str) -> Result<Self, Refused> {
        let (path, query) = path_and_query
            .split_once('?')
            .unwrap_or((path_and_query, ""));
        let found = match method {
            "POST" => post(path),
            "GET" => get(path, query)?,
            _ => None,
        };
        let route = found.ok_or_else(|| Refused::new(ErrorKind::UnknownOperation, ""))?;
        route.check()?;
        Ok(route)
    }

    fn check(&self) -> Result<(), Refused> {
        let mut violations = Violations::default();
        match self {
            Self::Model { id, .. } => {
                violations.chars(id, 1, MAX_ID_CHARS, format_args!("modelId"));
            }
            Self::GetFoundationModel { id } => {
                violations.chars(id, 1, MAX_ID_CHARS, format_args!("modelIdentifier"));
            }
            Self::GetInferenceProfile { id } => {
                violations.chars(
                    id,
                    1,
                    MAX_ID_CHARS,
                    format_args!("inferenceProfileIdentifier"),
                );
            }
            Self::ApplyGuardrail { id, version } => {
                violations.guardrail_id(id, format_args!("guardrailIdentifier"));
                violations.guardrail_version(version, format_args!("guardrailVersion"));
            }
            Self::ListFoundationModels(_) | Self::ListInferenceProfiles(_) => {}
        }
        violations.finish()
    }
}

fn post(path: &str) -> Option<Route> {
    if let Some(rest) = path.strip_prefix("/model/") {
        let (id, suffix) = rest.rsplit_once('/')?;
        return Some(Route::Model {
            operation: ModelOperation::of_suffix(suffix)?,
            id: decode(id)?,
        });
    }
    let rest = path.strip_prefix("/guardrail/")?.strip_suffix("/apply")?;
    let (id, version) = rest.rsplit_once("/version/")?;
    Some(Route::ApplyGuardrail {
        id: decode(id)?,
        version: decode(version)?,
    })
}

fn get(path: &str, query: &str) -> Result<Option<Route>, Refused> {
    Ok(match path {
        "/foundation-models" => Some(Route::ListFoundationModels(ModelFilter {
            provider: parameter(query, "byProvider"),
            customization: parameter(query, "byCustomizationType"),
            output: parameter(query, "byOutputModality"),
            inference: parameter(query, "byInferenceType"),
        })),
        "/inference-profiles" => Some(Route::ListInferenceProfiles(page(query)?)),
        _ => {
            if let Some(id) = path.strip_prefix("/foundation-models/") {
                decode(id).map(|id| Route::GetFoundationModel { id })
            } else {
                path.strip_prefix("/inference-profiles/")
                    .and_then(decode)
                    .map(|id| Route::GetInferenceProfile { id })
            }
        }
    })
}

fn page(query: &str) -> Result<ProfilePage, Refused> {
    let max_results = match parameter(query, "maxResults") {
        None => None,
        Some(text) => {
            let number: i64 = text.parse().map_err(|_| {
                Refused::new(
                    ErrorKind::Serialization,
                    format!("`maxResults` is not a whole number: {text:?}"),
                )
            })?;
            let mut violations = Violations::default();
            violations.range(number, 1, 1000, format_args!("maxResults"));
            violations.finish()?;
            Some(number as u32)
        }
    };
    Ok(ProfilePage {
        kind: parameter(query, "type"),
        max_results,
        next_token: parameter(query, "nextToken"),
    })
}

/// A part of a path without its percent-encoding; none where that is not UTF-8.
fn decode(part: &str) -> Option<String> {
    percent_decode_str(part)
        .decode_utf8()
        .ok()
        .map(Cow::into_owned)
}

/// The first value of `name` in a query string; `+` stands for a space.
fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name)
            .then(|| decode(&value.replace('+', " ")))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn model(id: &str, operation: ModelOperation) -> Route {
        Route::Model {
            id: id.to_owned(),
            operation,
        }
    }

    #[test]
    fn operations_on_models_are_found() {
        let id = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
        for (suffix, operation) in [
            ("converse", ModelOperation::Converse),
            ("converse-stream", ModelOperation::ConverseStream),
            ("invoke", ModelOperation::InvokeModel),
            (
                "invoke-with-response-stream",
                ModelOperation::InvokeModelWithResponseStream,
            ),
            ("count-tokens", ModelOperation::CountTokens),
        ] {
            for id_in_path in [
                id.to_owned(),
                id.replace(':', "%3A"),
                id.replace(':', "%3a"),
            ] {
                let path = format!("/model/{id_in_path}/{suffix}");
                assert_eq!(Route::of("POST", &path), Ok(model(id, operation)), "{path}");
            }
        }
    }

    #[test]
    fn arns_may_be_encoded_or_raw() {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:custom-model/a.b/abcdefghijkl";
        for path in [arn.to_owned(), arn.replace('/', "%2F").replace(':', "%3A")] {
            let path = format!("/model/{path}/invoke");
            assert_eq!(
                Route::of("POST", &path),
                Ok(model(arn, ModelOperation::InvokeModel))
            );
        }
        let arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc";
        let want = Route::ApplyGuardrail {
            id: arn.to_owned(),
            version: "DRAFT".to_owned(),
        };
        let path = format!("/guardrail/{arn}/version/DRAFT/apply");
        assert_eq!(Route::of("POST", &path), Ok(want));
        let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x.y";
        let want = Route::GetInferenceProfile { id: arn.to_owned() };
        assert_eq!(
            Route::of("GET", &format!("/inference-profiles/{arn}")),
            Ok(want)
        );
    }

    #[test]
    fn the_control_plane_reads_its_query() {
        let want = Route::ListFoundationModels(ModelFilter {
            provider: Some("Meta AI".to_owned()),
            inference: Some("ON_DEMAND".to_owned()),
            ..ModelFilter::default()
        });
        let path = "/foundation-models?byProvider=Meta%20AI&byInferenceType=ON_DEMAND&x";
        assert_eq!(Route::of("GET", path), Ok(want));
        let want = Route::ListInferenceProfiles(ProfilePage {
            kind: Some("SYSTEM_DEFINED".to_owned()),
            max_results: Some(10),
            next_token: Some("a+b".to_owned()),
        });
        let path = "/inference-profiles?type=SYSTEM_DEFINED&maxResults=10&nextToken=a%2Bb";
        assert_eq!(Route::of("GET", path), Ok(want));
        let error = Route::of("GET", "/inference-profiles?maxResults=0").unwrap_err();
        assert!(
            error.message.contains("greater than or equal to 1"),
            "{error}"
        );
        let error = Route::of("GET", "/inference-profiles?maxResults=many").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Serialization);
    }

    #[test]
    fn what_no_operation_has_is_unknown() {
        for (method, path) in [
            ("GET", "/model/a.b/converse"),
            ("POST", "/model/a.b/chat"),
            ("POST", "/model/converse"),
            ("POST", "/foundation-models"),
            ("POST", "/guardrail/a/apply"),
            ("GET", "/"),
            ("GET", ""),
            ("", "/model/%FF/converse"),
            ("POST", "/model/%FF/converse"),
        ] {
            let error = Route::of(method, path).unwrap_err();
            assert_eq!(
                error,
                Refused::new(ErrorKind::UnknownOperation, ""),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn identifiers_have_bounds() {
        let at = |id: &str| Route::of("POST", &format!("/model/{id}/converse"));
        assert!(at(&"é".repeat(2048)).is_ok());
        let error = at(&"x".repeat(2049)).unwrap_err();
        let want = "1 validation error detected: Value at 'modelId' failed to satisfy constraint: \
                    Member must have length less than or equal to 2048";
        assert_eq!(error, Refused::validation(want));
        assert_eq!(at("").unwrap_err().kind, ErrorKind::Validation);
        assert!(Route::of("POST", "/guardrail/abc/version/0/apply").is_err());
    }

    proptest! {
        #[test]
        fn no_path_panics(method in "GET|POST|.{0,5}", path in ".{0,60}|/model/.{0,40}/converse") {
            let _ = Route::of(&method, &path);
        }
    }
}
