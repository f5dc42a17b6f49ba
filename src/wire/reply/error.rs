//! What the service answers when it does not answer.

use super::json::{count, raw, string};
use crate::domain::{Failure, RefusalReason, Rejection, StreamFault};
use crate::wire::{ErrorKind, Refused, frame};
use std::borrow::Cow;

/// An error as the service answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReply {
    /// Its kind.
    pub kind: ErrorKind,
    /// What it says.
    pub message: Cow<'static, str>,
    /// The status of the model's own server (`ModelErrorException`, `ModelStreamErrorException`).
    pub original_status: Option<u16>,
    /// The ARN or id of the model (`ModelErrorException`).
    pub resource: Option<String>,
}

impl ErrorReply {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            original_status: None,
            resource: None,
        }
    }

    /// A model that can only be called through an inference profile
    /// (anthropics/claude-code#1466).
    pub fn profile_needed(model_id: &str) -> Self {
        Self::new(
            ErrorKind::Validation,
            format!(
                "Invocation of model ID {model_id} with on-demand throughput isn't supported. \
                 Retry your request with the ID or ARN of an inference profile that contains \
                 this model."
            ),
        )
    }

    /// An id that names no model (recorded).
    pub fn unknown_model() -> Self {
        Self::new(
            ErrorKind::Validation,
            "The provided model identifier is invalid.",
        )
    }

    /// Too many connections at once (anthropics/claude-code#562).
    pub fn too_many_connections() -> Self {
        Self::new(
            ErrorKind::ServiceUnavailable,
            "Too many connections, please wait before trying again.",
        )
    }

    /// The same error of the model `resource`, which `ModelErrorException` names.
    #[must_use]
    pub fn of_model(mut self, resource: &str) -> Self {
        if self.kind == ErrorKind::ModelError {
            self.resource = Some(resource.to_owned());
        }
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.kind.status()
    }

    /// The value of `x-amzn-ErrorType` in its long form, as recorded.
    pub fn error_type(&self) -> String {
        let namespace = if self.kind.of_gateway() {
            "com.amazon.coral.service"
        } else {
            "com.amazon.bedrock"
        };
        format!(
            "{}:http://internal.amazon.com/coral/{namespace}/",
            self.kind.name()
        )
    }

    /// Appends the JSON body.
    pub fn write_body(&self, out: &mut Vec<u8>) {
        raw("{\"message\":", out);
        string(&self.message, out);
        let of_model = matches!(
            self.kind,
            ErrorKind::ModelError | ErrorKind::ModelStreamError
        );
        if let Some(status) = self.original_status.filter(|_| of_model) {
            count(",\"originalStatusCode\":", u64::from(status), out);
        }
        if self.kind == ErrorKind::ModelStreamError {
            raw(",\"originalMessage\":", out);
            string(&self.message, out);
        }
        if let Some(resource) = &self.resource {
            raw(",\"resourceName\":", out);
            string(resource, out);
        }
        out.push(b'}');
    }

    /// Appends the frame that ends a stream with this error: an exception where streams declare
    /// it, otherwise an unmodelled error.
    pub fn write_frame(&self, out: &mut Vec<u8>) {
        match self.kind.event_name() {
            Some(name) => {
                let mut payload = Vec::new();
                self.write_body(&mut payload);
                frame::exception(name, &payload, out);
            }
            None => frame::error(self.kind.name(), &self.message, out),
        }
    }

    /// The failure of a model in the middle of its stream.
    #[must_use]
    pub fn in_stream(self) -> Self {
        match self.kind {
            ErrorKind::ModelError => Self {
                kind: ErrorKind::ModelStreamError,
                resource: None,
                ..self
            },
            _ => self,
        }
    }
}

impl From<RefusalReason> for ErrorReply {
    fn from(reason: RefusalReason) -> Self {
        Self::new(ErrorKind::Throttling, reason.message())
    }
}

impl From<Failure> for ErrorReply {
    /// What the service answers for a failure. A client's own timeout is none of the service's;
    /// it reads as the model's.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Throttled(reason) => reason.into(),
            // darko-mesaros/bedrust#47
            Failure::Unavailable => Self::new(
                ErrorKind::ServiceUnavailable,
                "Bedrock is unable to process your request.",
            ),
            Failure::Internal => Self::new(
                ErrorKind::InternalServer,
                "The system encountered an unexpected error during processing. Try your request again.",
            ),
            Failure::ModelError => Self {
                original_status: Some(500),
                ..Self::new(
                    ErrorKind::ModelError,
                    "The system encountered an unexpected error during processing. Try your request again.",
                )
            },
            Failure::ModelTimeout | Failure::ClientTimeout => Self::new(
                ErrorKind::ModelTimeout,
                "Model has timed out in processing the request. Try your request again.",
            ),
            Failure::Validation => Self::new(
                ErrorKind::Validation,
                "Input is too long for requested model.",
            ),
            // The service model's own words for it: "The model specified in the request is not
            // ready to serve inference requests."
            Failure::NotReady => Self::new(
                ErrorKind::ModelNotReady,
                "The model specified in the request is not ready to serve inference requests.",
            ),
            Failure::Denied => Self::new(
                ErrorKind::AccessDenied,
                "You don't have access to the model with the specified model ID.",
            ),
            Failure::Rejected(rejection) => rejection.into(),
            Failure::BadGateway => Self::new(ErrorKind::BadGateway, "Bad Gateway"),
            Failure::GatewayTimeout => Self::new(ErrorKind::GatewayTimeout, "Gateway Timeout"),
            Failure::TooManyConnections => Self::too_many_connections(),
            // Nothing is answered where the connection is lost, and nobody asks while a circuit is open; who does
            // all the same gets a 500.
            Failure::Connection | Failure::CircuitOpen => Failure::Internal.into(),
            Failure::StreamBroken(fault) => fault.into(),
        }
    }
}

impl From<Rejection> for ErrorReply {
    /// The texts are those of the user guide's page on error codes and of IAM where one is
    /// published; captured ones would be better.
    fn from(rejection: Rejection) -> Self {
        let (kind, message) = match rejection {
            Rejection::Malformed => (
                ErrorKind::Validation,
                "The input fails to satisfy the constraints specified by an AWS service.",
            ),
            Rejection::ServiceQuota => (
                ErrorKind::ServiceQuotaExceeded,
                "Your request exceeds the service quota for your account.",
            ),
            Rejection::Conflict => (
                ErrorKind::Conflict,
                "Error occurred because of a conflict while performing an operation.",
            ),
            Rejection::IncompleteSignature => (
                ErrorKind::IncompleteSignature,
                "The request signature does not conform to AWS standards.",
            ),
            Rejection::InvalidAction => (
                ErrorKind::InvalidAction,
                "The action or operation requested is invalid.",
            ),
            Rejection::NotAuthorized => (
                ErrorKind::NotAuthorized,
                "You do not have permission to perform this action.",
            ),
            Rejection::RequestExpired => (
                ErrorKind::RequestExpired,
                "The request reached the service more than 15 minutes after the date stamp on the \
                 request.",
            ),
            Rejection::ExpiredToken => (
                ErrorKind::ExpiredToken,
                "The security token included in the request is expired",
            ),
            Rejection::InvalidClientToken => (
                ErrorKind::InvalidClientTokenId,
                "The X.509 certificate or AWS access key ID provided does not exist in our records.",
            ),
            Rejection::NotFound => (
                ErrorKind::ResourceNotFound,
                "The specified resource ARN was not found. Check the ARN and try your request again.",
            ),
            Rejection::FormNotFilled => (
                ErrorKind::FormNotFilled,
                "Model use case details have not been submitted for this account.",
            ),
        };
        Self::new(kind, message)
    }
}

impl From<StreamFault> for ErrorReply {
    /// What an answer says that breaks off; [`ErrorReply::in_stream`] gives it the name that streams
    /// have for it.
    fn from(fault: StreamFault) -> Self {
        match fault {
            StreamFault::ModelStreamError => Failure::ModelError,
            StreamFault::Throttled => Failure::Throttled(RefusalReason::RequestRate),
            StreamFault::Internal | StreamFault::Reset => Failure::Internal,
            StreamFault::Unavailable => Failure::Unavailable,
        }
        .into()
    }
}

impl From<Refused> for ErrorReply {
    fn from(refused: Refused) -> Self {
        Self::new(refused.kind, refused.message)
    }
}

#[cfg(test)]
mod tests;
