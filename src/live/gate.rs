//! Calls that are built and signed before they are due, and wait in front of their connection until then.
//!
//! The SDK takes 60 to 350 microseconds to turn a call into bytes, the longer the colder the processor's caches
//! are. Spent after the call is due, that time would count as the service's.

use aws_smithy_http_client::pool::Client as PoolClient;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::ConfigBag;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    /// The gate that the call at hand must pass.
    static GATE: Gate;
}

/// What a call waits at before it goes to its connection. Whoever opens it polls the call next: the call itself
/// asks for no wake-up.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate(Arc<AtomicBool>);

impl Gate {
    /// `call` with this gate in its way.
    pub(super) fn before<F: Future>(&self, call: F) -> TaskLocalFuture<Self, F> {
        GATE.scope(self.clone(), call)
    }

    /// Lets the call through.
    pub(super) fn open(&self) {
        self.0.store(true, Ordering::Release);
    }

    async fn passed(&self) {
        let is_open = || {
            if self.0.load(Ordering::Acquire) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        };
        poll_fn(|_| is_open()).await;
    }
}

/// The SDK's HTTP client, which calls with a gate reach through it.
#[derive(Debug)]
pub(super) struct Gated(pub PoolClient);

impl HttpClient for Gated {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = self.0.http_connector(settings, components);
        match GATE.try_with(Gate::clone) {
            Ok(gate) => SharedHttpConnector::new(Behind { gate, connector }),
            Err(_) => connector,
        }
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

/// A way to the connections that leads through a gate.
#[derive(Debug)]
struct Behind {
    gate: Gate,
    connector: SharedHttpConnector,
}

impl HttpConnector for Behind {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (gate, connector) = (self.gate.clone(), self.connector.clone());
        HttpConnectorFuture::new(async move {
            gate.passed().await;
            connector.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use std::pin::pin;
    use std::sync::atomic::AtomicU32;
    use std::task::{Context, Waker};

    /// Counts the requests that reach it.
    #[derive(Clone, Debug, Default)]
    struct Reached(Arc<AtomicU32>);

    impl HttpConnector for Reached {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            self.0.fetch_add(1, Ordering::Relaxed);
            HttpConnectorFuture::ready(Err(ConnectorError::user("reached".into())))
        }
    }

    #[test]
    fn nothing_reaches_the_connection_before_the_gate_is_open() {
        let reached = Reached::default();
        let connector = SharedHttpConnector::new(reached.clone());
        let gate = Gate::default();
        let call = gate.before(async {
            let gate = GATE.with(Gate::clone);
            Behind { gate, connector }.call(HttpRequest::empty()).await
        });
        let mut call = pin!(call);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(call.as_mut().poll(&mut context).is_pending());
            assert_eq!(reached.0.load(Ordering::Relaxed), 0);
        }
        gate.open();
        assert!(call.as_mut().poll(&mut context).is_ready());
        assert_eq!(reached.0.load(Ordering::Relaxed), 1);
    }
}
