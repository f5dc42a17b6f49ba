//! Why a target cannot be called, and what to do about it.

use aws_sdk_bedrockruntime::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::error::Error;
use thiserror::Error;

/// Why a target cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing accepts connections there.
    #[error("nothing listens at {0}")]
    NothingListens(String),
    /// The name does not resolve.
    #[error("the host of {0} is unknown")]
    UnknownHost(String),
    /// The environment has no credentials.
    #[error("no AWS credentials were found")]
    NoCredentials,
    /// The session's token has run out.
    #[error("the AWS session has expired")]
    ExpiredToken,
    /// AWS does not know the key, or the signature does not fit it.
    #[error("AWS does not accept the key: {0}")]
    InvalidKey(String),
    /// The caller may not call the model.
    #[error("access to the model `{model}` is denied: {message}")]
    AccessDenied {
        /// The model id.
        model: String,
        /// What AWS said.
        message: String,
    },
    /// The account has not been given the model, or has not agreed to its terms.
    #[error("the account has no access to the model `{model}`: {message}")]
    NotEnabled {
        /// The model id.
        model: String,
        /// What AWS said.
        message: String,
    },
    /// The Region does not have the model under this id.
    #[error("the Region {region} has no model `{model}`: {message}")]
    NoSuchModel {
        /// The model id.
        model: String,
        /// The Region.
        region: String,
        /// What AWS said.
        message: String,
    },
    /// A quota refused the first request.
    #[error("the first request was throttled: {0}")]
    Throttled(String),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

impl Refusal {
    pub(super) fn other(text: &str) -> Self {
        Self::Other(text.to_owned())
    }

    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NothingListens(_) => {
                "start the server first (such as `bedload serve SCENARIO`), or mend the port"
            }
            Self::UnknownHost(_) => {
                "mend the URL, or the Region in AWS_REGION, and check the network"
            }
            Self::NoCredentials => {
                "log in (`aws sso login`, `aws configure`), or set AWS_PROFILE, the AWS_ACCESS_KEY_ID \
                 family or AWS_BEARER_TOKEN_BEDROCK"
            }
            Self::ExpiredToken => "log in again (`aws sso login`) or renew the session's variables",
            Self::InvalidKey(_) => {
                "check AWS_PROFILE, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: \
                 they must belong together and to a live key"
            }
            Self::AccessDenied { .. } => {
                "allow bedrock:InvokeModel and bedrock:InvokeModelWithResponseStream on the model and \
                 on its inference profile, and see whether a service control policy denies a \
                 destination Region"
            }
            Self::NotEnabled { .. } => {
                "open the model once in the Bedrock console of this account: agree to its terms, and \
                 fill in the form of first use where the provider asks for one"
            }
            Self::NoSuchModel { .. } => {
                "set AWS_REGION to a Region that has the model, or choose another scope \
                 (`capacity.on_demand = { scope = \"us\" }`) or `workload.model_id`"
            }
            Self::Throttled(_) => {
                "the account's quota is zero or in use already: look at Service Quotas for this \
                 model, wait a minute, or ask for more"
            }
            Self::Other(_) => "the message above is the target's or the SDK's own",
        }
    }
}

/// The refusal behind an error of the SDK. `place` is the target in words.
pub(super) fn refusal<E>(
    error: &SdkError<E, HttpResponse>,
    place: &str,
    model: &str,
    region: &str,
) -> Refusal
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let SdkError::ServiceError(service) = error else {
        return of_transport(&DisplayErrorContext(error).to_string(), place);
    };
    let meta = service.err().meta();
    let message = meta.message().unwrap_or("no message").to_owned();
    let lower = message.to_lowercase();
    let model = model.to_owned();
    let status = service.raw().status().as_u16();
    match meta.code().unwrap_or_default() {
        "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" => Refusal::ExpiredToken,
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException" => Refusal::InvalidKey(message),
        _ if lower.contains("security token") && lower.contains("expired") => Refusal::ExpiredToken,
        _ if lower.contains("security token") && lower.contains("invalid") => {
            Refusal::InvalidKey(message)
        }
        "FTUFormNotFilled" => Refusal::NotEnabled { model, message },
        "AccessDeniedException" | "ResourceNotFoundException" if speaks_of_access(&lower) => {
            Refusal::NotEnabled { model, message }
        }
        "AccessDeniedException" | "NotAuthorized" => Refusal::AccessDenied { model, message },
        "ResourceNotFoundException" => no_model(model, region, message),
        "ValidationException" if speaks_of_model(&lower) => no_model(model, region, message),
        "ThrottlingException" => Refusal::Throttled(message),
        _ if status == 429 => Refusal::Throttled(message),
        _ if status == 401 || status == 403 => Refusal::AccessDenied { model, message },
        code => Refusal::Other(format!("{place} answered {status} {code}: {message}")),
    }
}

fn no_model(model: String, region: &str, message: String) -> Refusal {
    Refusal::NoSuchModel {
        model,
        region: region.to_owned(),
        message,
    }
}

/// "You don't have access to the model with the specified model ID", "Model use case details have
/// not been submitted", Marketplace subscriptions and agreements.
fn speaks_of_access(message: &str) -> bool {
    [
        "access to the model",
        "use case details",
        "subscription",
        "agreement",
        "marketplace",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// "The provided model identifier is invalid", "on-demand throughput isn't supported".
fn speaks_of_model(message: &str) -> bool {
    ["model identifier", "on-demand throughput", "model id"]
        .iter()
        .any(|words| message.contains(words))
}

fn of_transport(text: &str, place: &str) -> Refusal {
    let lower = text.to_lowercase();
    if lower.contains("connection refused") {
        Refusal::NothingListens(place.to_owned())
    } else if lower.contains("dns error") || lower.contains("failed to lookup") {
        Refusal::UnknownHost(place.to_owned())
    } else if lower.contains("credentials") && lower.contains("expired") {
        Refusal::ExpiredToken
    } else if lower.contains("credential") || lower.contains("identity") {
        Refusal::NoCredentials
    } else {
        Refusal::Other(format!("cannot reach {place}: {text}"))
    }
}
