//! Where calls go, and the SDK client that makes them.

use super::advice::Refusal;
use super::gate::Gated;
use crate::client::spec::SdkRetries;
use crate::units::Micros;
use aws_config::BehaviorVersion;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::config::{
    Builder, Config, Credentials, Region, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::pool::{
    Client as PoolClient, ConnectionEvent, ConnectionEventListener, ConnectionPool, DriverSpawner,
    Partition, PartitionId,
};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Amazon Bedrock, in the Region of the environment.
    Bedrock,
    /// Whatever listens at this URL.
    Url(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bedrock => f.write_str("bedrock"),
            Self::Url(url) => f.write_str(url),
        }
    }
}

impl Target {
    /// Reads `bedrock` or an `http://` or `https://` URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "bedrock" {
            return Ok(Self::Bedrock);
        }
        let wrong =
            || format!("`{text}` is neither `bedrock` nor a URL such as http://127.0.0.1:9000");
        let uri: http::Uri = text.parse().map_err(|_| wrong())?;
        match (uri.scheme_str(), uri.authority()) {
            // What a URL says of its user would end up in the results.
            (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
                Err(format!(
                    "`{}` in a URL: give credentials in the environment",
                    "user:password@"
                ))
            }
            (Some("http" | "https"), Some(_)) => {
                Ok(Self::Url(text.trim_end_matches('/').to_owned()))
            }
            _ => Err(wrong()),
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self, Self::Url(url) if url.starts_with("http://"))
    }
}

/// The time in which a connection must be made: that of the SDK since 2026.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);

/// Counts connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<AtomicU64>);

impl Connections {
    /// Connections opened so far.
    pub(super) fn opened(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl ConnectionEventListener for Connections {
    fn on_event(&self, event: &ConnectionEvent<'_>) {
        if matches!(event, ConnectionEvent::Opened(_)) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// How a client is built, but for its target.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientOptions<'a> {
    /// Sign with the credentials of the environment; a URL gets made-up ones otherwise.
    pub sign: bool,
    /// The Region if the environment names none.
    pub region: &'a str,
    /// The most connections at once.
    pub connections: usize,
    /// The SDK's own retries, if it is to make them, and the timeout of its attempts.
    pub retries: Option<(SdkRetries, u32, Option<Micros>)>,
}

/// A client with the Region that it signs for.
pub(super) struct Connected {
    pub client: Client,
    pub connections: Connections,
    pub region: String,
}

/// Builds the SDK's client: its retries off unless asked for, without timeouts but the one for
/// connecting, and without its watch over stalled streams, since the client brain decides both.
pub(super) async fn connect(
    target: &Target,
    options: ClientOptions<'_>,
) -> Result<Connected, Refusal> {
    let connections = Connections::default();
    let builder = match target {
        Target::Url(_) if !options.sign => Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(options.region.to_owned()))
            .credentials_provider(Credentials::new(
                "bedload", "bedload", None, None, "bedload",
            )),
        _ => from_environment(options).await?,
    };
    let builder = match target {
        Target::Bedrock => builder,
        Target::Url(url) => builder.endpoint_url(url),
    };
    let config = retries(builder, options)
        .http_client(Gated(http_client(target, options, &connections)?))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build();
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    Ok(Connected {
        client: Client::from_conf(config),
        connections,
        region,
    })
}

fn retries(builder: Builder, options: ClientOptions<'_>) -> Builder {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
    match options.retries {
        None => builder
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build()),
        Some((mode, attempts, timeout)) => {
            let retries = match mode {
                SdkRetries::Standard => RetryConfig::standard(),
                SdkRetries::Adaptive => RetryConfig::adaptive(),
            };
            let timeouts = match timeout {
                None => timeouts,
                Some(timeout) => {
                    timeouts.operation_attempt_timeout(Duration::from_micros(timeout.0))
                }
            };
            builder
                .retry_config(retries.with_max_attempts(attempts))
                .timeout_config(timeouts.build())
        }
    }
}

/// Region and credentials by the SDK's usual chain; a bearer token for Bedrock among them.
async fn from_environment(options: ClientOptions<'_>) -> Result<Builder, Refusal> {
    // The chain may call the token service, which is not at the target.
    let http = http_client(&Target::Bedrock, options, &Connections::default())?;
    let chain = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    let loaded = chain.load().await;
    let region = loaded.region().cloned();
    let region = region.unwrap_or_else(|| Region::new(options.region.to_owned()));
    Ok(Builder::from(&loaded).region(region))
}

fn http_client(
    target: &Target,
    options: ClientOptions<'_>,
    connections: &Connections,
) -> Result<PoolClient, Refusal> {
    // Connections live on the runtime of the run.
    let runtime = tokio::runtime::Handle::current();
    let spawner = DriverSpawner::from_fn(move |driver| {
        runtime.spawn(driver);
    });
    let partition = PartitionId::from_index(0);
    let builder = ConnectionPool::builder()
        .partitions([Partition::new(partition, spawner)])
        .max_connections_per_host(options.connections)
        .idle_timeout(Duration::from_mins(1))
        .event_listener(connections.clone());
    let pool = if target.is_plain() {
        builder.build_http()
    } else {
        builder
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https()
    };
    let pool = pool.map_err(|error| Refusal::other(&error.to_string()))?;
    PoolClient::from_partition(&pool, partition).map_err(|error| Refusal::other(&error.to_string()))
}
