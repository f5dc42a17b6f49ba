//! What an error of the SDK means: outcomes are data.

use crate::domain::{Failure, RefusalReason, StreamFault};
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::types::error::ConverseStreamOutputError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// Why a call was not answered.
pub(super) fn of_call<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Failure {
    match error {
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            of_status(service.raw().status().as_u16(), meta.code(), meta.message())
        }
        SdkError::ResponseError(response) => match response.raw().status().as_u16() {
            // A body that does not read as an answer, or an error page of something in between.
            200..=299 => Failure::Connection,
            status => of_status(status, None, None),
        },
        SdkError::TimeoutError(_) => Failure::ClientTimeout,
        // Credentials that cannot be had surface before anything is sent.
        SdkError::ConstructionFailure(_) => Failure::Denied,
        SdkError::DispatchFailure(dispatch) => {
            if dispatch.is_io() || dispatch.is_timeout() {
                Failure::Connection
            } else if dispatch.is_user() {
                Failure::Denied
            } else {
                Failure::Connection
            }
        }
        _ => Failure::Connection,
    }
}

/// The failure that a status stands for, told apart by the error's name and words where one
/// status stands for several.
pub(super) fn of_status(status: u16, code: Option<&str>, message: Option<&str>) -> Failure {
    match (status, code.unwrap_or_default()) {
        (_, "ModelNotReadyException") => Failure::NotReady,
        (429, _) | (_, "ThrottlingException") => Failure::Throttled(reason(message)),
        (503, _) if message.is_some_and(|text| text.starts_with("Too many connections")) => {
            Failure::TooManyConnections
        }
        (503, _) => Failure::Unavailable,
        (502, _) => Failure::BadGateway,
        (504, _) => Failure::GatewayTimeout,
        (408, _) => Failure::ModelTimeout,
        (424, _) => Failure::ModelError,
        (401 | 403 | 404, _) => Failure::Denied,
        (400..=499, code) if is_denial(code) => Failure::Denied,
        (400..=499, _) => Failure::Validation,
        _ => Failure::Internal,
    }
}

fn is_denial(code: &str) -> bool {
    matches!(
        code,
        "ExpiredTokenException"
            | "ExpiredToken"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignature"
            | "MissingAuthenticationTokenException"
            | "NotAuthorized"
    )
}

/// The limit that a message of a 429 names.
fn reason(message: Option<&str>) -> RefusalReason {
    match message {
        Some(text) if text.contains("tokens per day") => RefusalReason::TokensPerDay,
        Some(text) if text.contains("Too many tokens") => RefusalReason::TokensPerMinute,
        Some(text) if text.contains("Too many requests") => RefusalReason::RequestsPerMinute,
        _ => RefusalReason::RequestRate,
    }
}

/// Why a stream broke off.
pub(super) fn of_stream<R>(error: &SdkError<ConverseStreamOutputError, R>) -> Failure {
    use ConverseStreamOutputError as Event;
    let SdkError::ServiceError(service) = error else {
        return Failure::StreamBroken(StreamFault::Reset);
    };
    match service.err() {
        Event::ThrottlingException(_) => Failure::StreamBroken(StreamFault::Throttled),
        Event::ServiceUnavailableException(_) => Failure::StreamBroken(StreamFault::Unavailable),
        Event::InternalServerException(_) => Failure::StreamBroken(StreamFault::Internal),
        Event::ValidationException(_) => Failure::Validation,
        _ => Failure::StreamBroken(StreamFault::ModelStreamError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_words_become_failures() {
        let check = |status, code, message: &str, want| {
            assert_eq!(of_status(status, Some(code), Some(message)), want);
        };
        let throttled = |reason| Failure::Throttled(reason);
        for reason in [
            RefusalReason::TokensPerMinute,
            RefusalReason::RequestsPerMinute,
            RefusalReason::TokensPerDay,
            RefusalReason::RequestRate,
        ] {
            check(
                429,
                "ThrottlingException",
                reason.message(),
                throttled(reason),
            );
        }
        check(429, "ModelNotReadyException", "", Failure::NotReady);
        check(503, "ServiceUnavailableException", "", Failure::Unavailable);
        check(502, "", "", Failure::BadGateway);
        check(504, "", "", Failure::GatewayTimeout);
        check(500, "InternalServerException", "", Failure::Internal);
        check(424, "ModelErrorException", "", Failure::ModelError);
        check(408, "ModelTimeoutException", "", Failure::ModelTimeout);
        check(400, "ValidationException", "", Failure::Validation);
        check(403, "AccessDeniedException", "", Failure::Denied);
        check(404, "ResourceNotFoundException", "", Failure::Denied);
        check(400, "ExpiredTokenException", "", Failure::Denied);
    }
}
