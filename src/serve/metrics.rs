//! `/_bedload/metrics`: what `CloudWatch` would show, and what it would not, as Prometheus text.

use super::core::Snapshot;
use super::shared::Shared;
use super::tally::{Buckets, Tally};
use crate::service::CounterState;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;

/// Type of the text.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics at this moment.
pub(super) fn text(shared: &Shared) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape::new(shared)));
    let mut text = String::with_capacity(16 * 1024);
    // Writing to a string cannot fail.
    let _ = text::encode(&mut text, &registry);
    text
}

/// All that one scrape shows.
#[derive(Debug)]
struct Scrape {
    /// By the id that is called.
    models: BTreeMap<String, Tally>,
    counters: Vec<CounterState>,
    in_flight: u64,
    cached: usize,
    connections: usize,
    broken_connections: u64,
    lateness: (f64, u64, Vec<(f64, u64)>),
    first_chunk: (f64, u64, Vec<(f64, u64)>),
}

impl Scrape {
    fn new(shared: &Shared) -> Self {
        let snapshot: Snapshot = shared.core.snapshot();
        let serving = &shared.core.serving;
        let mut models: BTreeMap<String, Tally> = BTreeMap::new();
        for (index, tally) in snapshot.tallies.iter().enumerate() {
            // Models that the scenario does not name appear once they are called.
            if serving.targets[index].workload.is_some() || !tally.is_empty() {
                let model = models.entry(serving.call_id(index)).or_default();
                model.merge(tally);
            }
        }
        Self {
            models,
            counters: snapshot.counters,
            in_flight: snapshot.in_flight,
            cached: snapshot.cached,
            connections: shared.connections.load(Ordering::Relaxed),
            broken_connections: shared.broken_connections.load(Ordering::Relaxed),
            lateness: shared.pacing.parts(),
            first_chunk: shared.pacing.first_chunk_parts(),
        }
    }
}

/// A counter by model: its name, what it counts, and where.
type Count = (&'static str, &'static str, fn(&Tally) -> u64);

/// The counters, under `CloudWatch`'s names (user guide, "Monitoring Amazon Bedrock").
const COUNTS: [Count; 9] = [
    ("Invocations", "Successful calls only", |t| t.invocations),
    (
        "InvocationThrottles",
        "Throttled attempts, retries included; not in Invocations nor in the errors",
        |t| t.throttles,
    ),
    (
        "InvocationClientErrors",
        "Calls with an error of the client's",
        |t| t.client_errors,
    ),
    (
        "InvocationServerErrors",
        "Calls with an error of the service's",
        |t| t.server_errors,
    ),
    (
        "InputTokenCount",
        "Input tokens, cached ones not in it",
        |t| t.input,
    ),
    ("OutputTokenCount", "Output tokens", |t| t.output),
    (
        "CacheReadInputTokenCount",
        "Input tokens read from the cache",
        |t| t.cache_read,
    ),
    (
        "CacheWriteInputTokenCount",
        "Input tokens written to the cache",
        |t| t.cache_write,
    ),
    (
        "EstimatedTPMQuotaUsage",
        "Quota tokens settled; reservations are not in it, so throttling can occur while it looks low",
        |t| t.quota_tokens,
    ),
];

/// A histogram by model: its name, what it holds, and where.
type Spread = (&'static str, &'static str, fn(&Tally) -> &Buckets);

const SPREADS: [Spread; 2] = [
    (
        "InvocationLatency",
        "Milliseconds from a call to the end of its answer",
        |t| &t.latency,
    ),
    (
        "TimeToFirstToken",
        "Milliseconds from a streaming call to its first token",
        |t| &t.first_token,
    ),
];

/// A gauge of a quota counter.
type Level = (&'static str, &'static str, fn(&CounterState) -> Option<i64>);

const LEVELS: [Level; 8] = [
    (
        "bedload_quota_tpm_limit",
        "Tokens per minute allowed",
        |c| Some(c.limits.tpm.0 as i64),
    ),
    (
        "bedload_quota_tpm_available",
        "Tokens per minute that admission may still reserve; negative in debt",
        |c| Some(c.tpm_available),
    ),
    (
        "bedload_quota_tpm_reserved",
        "Tokens reserved by calls in flight",
        |c| Some(c.held),
    ),
    (
        "bedload_quota_tpm_settled",
        "Tokens settled in this clock minute",
        |c| Some(c.settled_this_minute as i64),
    ),
    (
        "bedload_quota_rpm_limit",
        "Requests per minute allowed",
        |c| c.limits.rpm.map(|rpm| rpm.0 as i64),
    ),
    (
        "bedload_quota_rpm_available",
        "Requests per minute that admission may still take",
        |c| c.rpm_available,
    ),
    ("bedload_quota_tpd_limit", "Tokens per day allowed", |c| {
        c.limits.tpd.map(|tpd| tpd.0 as i64)
    }),
    (
        "bedload_quota_tpd_available",
        "Tokens per day that admission may still reserve",
        |c| c.tpd_available,
    ),
];

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for (name, help, count) in COUNTS {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (model, tally) in &self.models {
                let labels = [("ModelId", model.as_str())];
                ConstCounter::new(count(tally)).encode(metric.encode_family(&labels)?)?;
            }
        }
        for (name, help, spread) in SPREADS {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            for (model, tally) in &self.models {
                let labels = [("ModelId", model.as_str())];
                let (sum, count, buckets) = spread(tally).parts();
                let mut one = metric.encode_family(&labels)?;
                one.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
        }
        for (name, help, level) in LEVELS {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for counter in &self.counters {
                let Some(value) = level(counter) else {
                    continue;
                };
                let kind = match &counter.region {
                    None => counter.kind.to_string(),
                    Some(region) => format!("{} {region}", counter.kind),
                };
                let labels = [("model", counter.model.as_str()), ("scope", kind.as_str())];
                ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
            }
        }
        self.encode_rest(&mut encoder)
    }
}

impl Scrape {
    fn encode_rest(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        for (name, help, value) in [
            (
                "bedload_in_flight",
                "Calls admitted and not yet settled",
                self.in_flight,
            ),
            (
                "bedload_connections",
                "Connections that are open",
                self.connections as u64,
            ),
            (
                "bedload_cached_prefixes",
                "Prefixes, and parts of them, that are cached",
                self.cached as u64,
            ),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value as i64).encode(metric)?;
        }
        let abandoned: u64 = self.models.values().map(|tally| tally.abandoned).sum();
        for (name, help, value) in [
            (
                "bedload_abandoned_calls",
                "Calls whose client left before the end; what was produced is settled",
                abandoned,
            ),
            (
                "bedload_broken_connections",
                "Connections that ended with an error",
                self.broken_connections,
            ),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(metric)?;
        }
        for (name, help, (sum, count, buckets)) in [
            (
                "bedload_chunk_lateness_seconds",
                "How late chunks of streams are written, against the moments at which they are due",
                &self.lateness,
            ),
            (
                "bedload_first_chunk_seconds",
                "From the arrival of a streaming call to the write of its first chunk of content",
                &self.first_chunk,
            ),
        ] {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            metric.encode_histogram::<NoLabelSet>(*sum, *count, buckets, None)?;
        }
        Ok(())
    }
}
