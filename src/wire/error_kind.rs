//! The errors of Bedrock Runtime by name and status.

/// The kinds of errors of Bedrock Runtime (botocore 1.44.5, and the user guide's page
/// troubleshooting-api-error-codes for those that the model does not name).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is not valid.
    Validation,
    /// A service quota other than a rate is exceeded.
    ServiceQuotaExceeded,
    /// The request conflicts with the state of a resource.
    Conflict,
    /// The caller may not do this.
    AccessDenied,
    /// The credentials are not known.
    UnrecognizedClient,
    /// The session's credentials have expired.
    ExpiredToken,
    /// The signature does not fit the request.
    InvalidSignature,
    /// A part of the signature is missing.
    IncompleteSignature,
    /// The request carries no credentials.
    MissingAuthenticationToken,
    /// The body is not JSON, or a value in it has the wrong type.
    Serialization,
    /// The model, profile or guardrail does not exist.
    ResourceNotFound,
    /// There is no such operation.
    UnknownOperation,
    /// The model took too long.
    ModelTimeout,
    /// The model failed on the request.
    ModelError,
    /// The model failed in the middle of a stream.
    ModelStreamError,
    /// A quota on the rate is exhausted.
    Throttling,
    /// The model is not loaded yet.
    ModelNotReady,
    /// The service failed.
    InternalServer,
    /// The service lacks capacity.
    ServiceUnavailable,
    /// There is no such action.
    InvalidAction,
    /// The caller has no permission for this action.
    NotAuthorized,
    /// The request reached the service too long after its signature was made.
    RequestExpired,
    /// The access key id does not exist.
    InvalidClientTokenId,
    /// The first-use form of the model's provider is missing.
    FormNotFilled,
    /// The gateway got no valid answer from the service. The service model does not name it.
    BadGateway,
    /// The gateway got no answer in time. The service model does not name it.
    GatewayTimeout,
}

/// Status, name, and name in a stream where the service model has one there.
type Row = (ErrorKind, u16, &'static str, Option<&'static str>);

#[rustfmt::skip]
const TABLE: [Row; 26] = [
    (ErrorKind::Validation, 400, "ValidationException", Some("validationException")),
    (ErrorKind::ServiceQuotaExceeded, 400, "ServiceQuotaExceededException", None),
    (ErrorKind::Conflict, 400, "ConflictException", None),
    (ErrorKind::AccessDenied, 403, "AccessDeniedException", None),
    (ErrorKind::UnrecognizedClient, 403, "UnrecognizedClientException", None),
    (ErrorKind::ExpiredToken, 403, "ExpiredTokenException", None),
    (ErrorKind::InvalidSignature, 403, "InvalidSignatureException", None),
    (ErrorKind::IncompleteSignature, 403, "IncompleteSignatureException", None),
    (ErrorKind::Serialization, 400, "SerializationException", None),
    (ErrorKind::MissingAuthenticationToken, 403, "MissingAuthenticationTokenException", None),
    (ErrorKind::ResourceNotFound, 404, "ResourceNotFoundException", None),
    (ErrorKind::UnknownOperation, 404, "UnknownOperationException", None),
    (ErrorKind::ModelTimeout, 408, "ModelTimeoutException", Some("modelTimeoutException")),
    (ErrorKind::ModelError, 424, "ModelErrorException", None),
    (ErrorKind::ModelStreamError, 424, "ModelStreamErrorException", Some("modelStreamErrorException")),
    (ErrorKind::Throttling, 429, "ThrottlingException", Some("throttlingException")),
    (ErrorKind::ModelNotReady, 429, "ModelNotReadyException", None),
    (ErrorKind::InternalServer, 500, "InternalServerException", Some("internalServerException")),
    (ErrorKind::ServiceUnavailable, 503, "ServiceUnavailableException", Some("serviceUnavailableException")),
    (ErrorKind::InvalidAction, 400, "InvalidAction", None),
    (ErrorKind::NotAuthorized, 400, "NotAuthorized", None),
    (ErrorKind::RequestExpired, 400, "RequestExpired", None),
    (ErrorKind::InvalidClientTokenId, 403, "InvalidClientTokenId", None),
    (ErrorKind::FormNotFilled, 404, "FTUFormNotFilled", None),
    (ErrorKind::BadGateway, 502, "BadGateway", None),
    (ErrorKind::GatewayTimeout, 504, "GatewayTimeout", None),
];

impl ErrorKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> &'static Row {
        let row = TABLE.iter().find(|row| row.0 == self);
        row.expect("the table has a row for every kind")
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.row().1
    }

    /// Its name, as error bodies, headers and SDKs spell it.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// Its name in a stream; `None` where no stream of Bedrock declares it.
    pub fn event_name(self) -> Option<&'static str> {
        self.row().3
    }

    /// Whether the gateway in front of Bedrock raises it, before Bedrock sees the request.
    pub(super) fn of_gateway(self) -> bool {
        matches!(
            self,
            Self::UnrecognizedClient
                | Self::ExpiredToken
                | Self::InvalidSignature
                | Self::IncompleteSignature
                | Self::MissingAuthenticationToken
                | Self::Serialization
                | Self::UnknownOperation
                | Self::InvalidAction
                | Self::NotAuthorized
                | Self::RequestExpired
                | Self::InvalidClientTokenId
        )
    }

    /// Whether the answer names its type: a plain gateway's page does not.
    pub(super) fn is_named(self) -> bool {
        !matches!(self, Self::BadGateway | Self::GatewayTimeout)
    }
}
