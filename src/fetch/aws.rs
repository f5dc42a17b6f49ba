//! The AWS SDK for buckets and metrics: Region, credentials, and what is wrong with them.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;
use std::future::Future;
use std::io;
use thiserror::Error;
use tokio::runtime::Runtime;

/// Why AWS could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AwsError {
    /// The system refuses what calls need.
    #[error("cannot start what calls need: {0}")]
    System(String),
    /// Nothing accepts connections there.
    #[error("nothing listens at {0}")]
    NothingListens(String),
    /// The name does not resolve.
    #[error("the host of {0} is unknown")]
    UnknownHost(String),
    /// The environment has no credentials.
    #[error("no AWS credentials were found")]
    NoCredentials,
    /// Neither the environment nor the command names a Region.
    #[error("no Region is named")]
    NoRegion,
    /// The session's token has run out.
    #[error("the AWS session has expired")]
    ExpiredToken,
    /// AWS does not know the key, or the signature does not fit it.
    #[error("AWS does not accept the key: {0}")]
    InvalidKey(String),
    /// The caller may not do it.
    #[error("access is denied: {0}")]
    AccessDenied(String),
    /// There is no such bucket.
    #[error("there is no bucket `{0}`")]
    NoSuchBucket(String),
    /// The bucket lies in another Region.
    #[error("the bucket lies in another Region: {0}")]
    OtherRegion(String),
    /// An address that is none.
    #[error("`{0}` is no address of a bucket")]
    NoAddress(String),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

impl AwsError {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::System(_) => "free memory or file handles and try again",
            Self::NothingListens(_) => "start the server at `--endpoint-url`, or mend its port",
            Self::UnknownHost(_) => "mend `--endpoint-url` or the Region, and check the network",
            Self::NoCredentials => {
                "log in (`aws sso login`, `aws configure`), or set AWS_PROFILE or the AWS_ACCESS_KEY_ID family"
            }
            Self::NoRegion => "name it with `--region`, or set AWS_REGION",
            Self::ExpiredToken => "log in again (`aws sso login`) or renew the session's variables",
            Self::InvalidKey(_) => {
                "check AWS_PROFILE, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: they \
                 must belong together and to a live key"
            }
            Self::AccessDenied(_) => {
                "allow s3:ListBucket on the bucket and s3:GetObject on its objects (and kms:Decrypt on their \
                 key), or cloudwatch:ListMetrics and cloudwatch:GetMetricData"
            }
            Self::NoSuchBucket(_) => {
                "mend the name; the settings of model invocation logging name the bucket"
            }
            Self::OtherRegion(_) => "name the Region of the bucket with `--region`",
            Self::NoAddress(_) => "write it as s3://BUCKET or s3://BUCKET/PREFIX",
            Self::Other(_) => "the message above is AWS's or the SDK's own",
        }
    }
}

/// A runtime and what all clients share.
#[derive(Debug)]
pub struct Aws {
    runtime: Runtime,
    pub(super) config: SdkConfig,
    /// The endpoint in words.
    pub(super) place: String,
    pub(super) has_endpoint: bool,
}

impl Aws {
    /// Region and credentials by the SDK's usual chain; `region` goes over that of the environment.
    ///
    /// # Errors
    /// No Region is named, or the system refuses what calls need.
    pub fn new(region: Option<&str>, endpoint: Option<&str>) -> Result<Self, AwsError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error: io::Error| AwsError::System(error.to_string()))?;
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut chain = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
        if let Some(region) = region {
            chain = chain.region(Region::new(region.to_owned()));
        }
        if let Some(endpoint) = endpoint {
            chain = chain.endpoint_url(endpoint);
        }
        let config = runtime.block_on(chain.load());
        let Some(named) = config.region() else {
            return Err(AwsError::NoRegion);
        };
        let place = endpoint.map_or_else(|| format!("AWS in {named}"), str::to_owned);
        Ok(Self {
            runtime,
            place,
            has_endpoint: endpoint.is_some(),
            config,
        })
    }

    /// Waits for something.
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

/// What is wrong, by an error of the SDK.
pub(super) fn aws_error<E>(error: &SdkError<E, HttpResponse>, place: &str, bucket: &str) -> AwsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let SdkError::ServiceError(service) = error else {
        return of_transport(&DisplayErrorContext(error).to_string(), place);
    };
    let meta = service.err().meta();
    let message = meta.message().unwrap_or("no message").to_owned();
    let status = service.raw().status().as_u16();
    match meta.code().unwrap_or_default() {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => AwsError::ExpiredToken,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "MissingAuthenticationToken" => AwsError::InvalidKey(message),
        "NoSuchBucket" => AwsError::NoSuchBucket(bucket.to_owned()),
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => AwsError::OtherRegion(message),
        "AccessDenied" | "AccessDeniedException" => AwsError::AccessDenied(message),
        _ if status == 301 => AwsError::OtherRegion(message),
        _ if status == 401 || status == 403 => AwsError::AccessDenied(message),
        code => AwsError::Other(format!("{place} answered {status} {code}: {message}")),
    }
}

fn of_transport(text: &str, place: &str) -> AwsError {
    let lower = text.to_lowercase();
    if lower.contains("connection refused") {
        AwsError::NothingListens(place.to_owned())
    } else if lower.contains("dns error") || lower.contains("failed to lookup") {
        AwsError::UnknownHost(place.to_owned())
    } else if lower.contains("credentials") && lower.contains("expired") {
        AwsError::ExpiredToken
    } else if lower.contains("credential") || lower.contains("identity") {
        AwsError::NoCredentials
    } else {
        AwsError::Other(format!("cannot reach {place}: {text}"))
    }
}
