//! One attempt on the wire: the request, and the marks of its answer.

use super::failure;
use super::guarded::NamedGuardrail;
use super::plan::LiveWorkload;
use super::sdk_retries::AttemptLog;
use super::talk::{Said, Talk, cache_point};
use crate::clock::Clock;
use crate::domain::{CacheTtl, Failure, PriceTier, StreamFault, Usage};
use crate::load::source::Prefix;
use crate::measure::LatencyHistogram;
use crate::results::LiveMarks;
use crate::service::ServedBy;
use crate::units::{Micros, Moment};
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::types::{
    CacheTtl as WireTtl, ContentBlock, ContentBlockDelta, ConversationRole, ConverseMetrics,
    ConverseStreamMetrics, ConverseStreamOutput, InferenceConfiguration, Message,
    PerformanceConfiguration, ServiceTier, StopReason, SystemContentBlock, TokenUsage,
    ToolConfiguration,
};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// A request as the SDK takes it.
pub(super) struct Wired {
    system: Option<Vec<SystemContentBlock>>,
    messages: Vec<Message>,
    tools: Option<ToolConfiguration>,
    metadata: HashMap<String, String>,
}

/// Which request to build.
#[derive(Clone)]
pub(super) struct Wanted {
    pub seq: u64,
    pub attempt: u32,
    pub input: u32,
    pub output: u32,
    pub prefix: Prefix,
    /// What it says beside that, unless it is a plain one.
    pub said: Option<Box<Said>>,
}

/// A full answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    pub usage: Option<Usage>,
    /// Of the cache writes, the tokens that live for an hour.
    pub write_1h: u32,
    pub truncated: bool,
    pub served_by: ServedBy,
    pub tier: PriceTier,
}

/// Gaps are handed on in batches of this many, so that an open stream holds little.
const GAP_BATCH: usize = 64;

/// What an attempt fills in as it goes, so that it survives being dropped.
pub(super) struct Seen {
    pub marks: LiveMarks,
    gaps: Vec<u32>,
    pool: Arc<Mutex<LatencyHistogram>>,
    /// Who waits for its first content.
    heard: Option<Arc<Notify>>,
}

impl Wired {
    pub(super) fn new(workload: &LiveWorkload, wanted: &Wanted, blocks: &[u32]) -> Self {
        if let Some(said) = &wanted.said {
            return Self::talking(workload, wanted, said, blocks);
        }
        let (system, tail) = if workload.texts.is_empty() {
            let made = workload
                .maker
                .make(wanted.seq, wanted.input, wanted.prefix, blocks);
            (system(made.prefix, workload.cache), made.tail)
        } else {
            let turn = wanted.seq % workload.texts.len() as u64;
            (None, workload.texts[turn as usize].clone())
        };
        let message = Message::builder()
            .role(ConversationRole::User)
            .content(ContentBlock::Text(tail))
            .build()
            .expect("a message has a role and a block");
        Self {
            system,
            messages: vec![message],
            tools: workload.tools.clone(),
            metadata: metadata(workload, wanted),
        }
    }

    /// A call with cache points of its own, or of a session.
    fn talking(workload: &LiveWorkload, wanted: &Wanted, said: &Said, blocks: &[u32]) -> Self {
        let made = workload.maker.make(wanted.seq, 1, wanted.prefix, blocks);
        let bytes = made.prefix.iter().map(String::len).sum();
        let prefix = system(made.prefix, workload.cache);
        let talk = Talk::new(workload, said, (wanted.seq, wanted.input), (prefix, bytes));
        Self {
            system: (!talk.system.is_empty()).then_some(talk.system),
            messages: talk.messages,
            tools: talk.tools,
            metadata: metadata(workload, wanted),
        }
    }
}

/// What a call says of itself.
fn metadata(workload: &LiveWorkload, wanted: &Wanted) -> HashMap<String, String> {
    let mut request = String::with_capacity(16);
    write!(request, "{}.{}", wanted.seq, wanted.attempt).expect("strings take text");
    HashMap::from([
        ("bedload-workload".to_owned(), workload.label.clone()),
        ("bedload-request".to_owned(), request),
        ("bedload-output".to_owned(), wanted.output.to_string()),
    ])
}

fn system(parts: Vec<String>, cache: Option<CacheTtl>) -> Option<Vec<SystemContentBlock>> {
    if parts.is_empty() {
        return None;
    }
    let mut blocks = Vec::with_capacity(parts.len() * 2);
    for part in parts {
        blocks.push(SystemContentBlock::Text(part));
        if let Some(ttl) = cache {
            let point = cache_point(ttl);
            blocks.extend(point.map(SystemContentBlock::CachePoint));
        }
    }
    Some(blocks)
}

/// Fills in what both operations take.
macro_rules! filled {
    ($operation:expr, $workload:expr, $wired:expr) => {{
        let max_tokens = $workload
            .max_tokens
            .map(|n| i32::try_from(n).unwrap_or(i32::MAX));
        let inference = max_tokens.map(|n| InferenceConfiguration::builder().max_tokens(n).build());
        $operation
            .model_id(&$workload.model_id)
            .set_system($wired.system)
            .set_messages(Some($wired.messages))
            .set_inference_config(inference)
            .set_tool_config($wired.tools)
            .set_service_tier($workload.tier.clone())
            .set_performance_config($workload.performance.clone())
            .set_request_metadata(Some($wired.metadata))
    }};
}

/// Makes the call and reads the answer to its end.
pub(super) async fn call(
    client: &Client,
    clock: Clock,
    workload: &LiveWorkload,
    wired: Wired,
    log: Option<AttemptLog>,
    seen: &mut Seen,
) -> Result<Answered, Failure> {
    if workload.stream {
        stream(client, clock, workload, wired, log, seen).await
    } else {
        whole(client, clock, workload, wired, log, seen).await
    }
}

async fn whole(
    client: &Client,
    clock: Clock,
    workload: &LiveWorkload,
    wired: Wired,
    log: Option<AttemptLog>,
    seen: &mut Seen,
) -> Result<Answered, Failure> {
    let operation = filled!(client.converse(), workload, wired)
        .set_guardrail_config(workload.guardrail.as_ref().map(NamedGuardrail::whole));
    let sent = match log {
        None => operation.send().await,
        Some(log) => operation.customize().interceptor(log).send().await,
    };
    let answer = sent.map_err(|error| failure::of_call(&error))?;
    let now = clock.now();
    let marks = &mut seen.marks;
    marks.first_event = Some(now);
    marks.first_content = Some(now);
    marks.last_content = Some(now);
    marks.stop = stop_name(answer.stop_reason());
    marks.service_ms = answer.metrics().map(ConverseMetrics::latency_ms);
    Ok(Answered {
        usage: answer.usage().map(usage),
        write_1h: answer.usage().map_or(0, write_1h),
        truncated: matches!(answer.stop_reason(), StopReason::MaxTokens),
        served_by: workload.served_by(answer.service_tier().map(ServiceTier::r#type)),
        tier: workload.served_as(
            answer.service_tier().map(ServiceTier::r#type),
            answer
                .performance_config()
                .map(PerformanceConfiguration::latency),
        ),
    })
}

async fn stream(
    client: &Client,
    clock: Clock,
    workload: &LiveWorkload,
    wired: Wired,
    log: Option<AttemptLog>,
    seen: &mut Seen,
) -> Result<Answered, Failure> {
    let operation = filled!(client.converse_stream(), workload, wired)
        .set_guardrail_config(workload.guardrail.as_ref().map(NamedGuardrail::streamed));
    let sent = match log {
        None => operation.send().await,
        Some(log) => operation.customize().interceptor(log).send().await,
    };
    let mut answer = sent.map_err(|error| failure::of_call(&error))?;
    let mut answered = Answered {
        usage: None,
        write_1h: 0,
        truncated: false,
        served_by: workload.served_by(None),
        tier: workload.served_as(None, None),
    };
    let mut stopped = false;
    loop {
        let event = match answer.stream.recv().await {
            Ok(Some(event)) => event,
            Ok(None) if stopped => return Ok(answered),
            // The server closed the connection in good order, but not the answer.
            Ok(None) => return Err(Failure::StreamBroken(StreamFault::Reset)),
            Err(error) => return Err(failure::of_stream(&error)),
        };
        let now = clock.now();
        seen.marks.first_event.get_or_insert(now);
        match event {
            ConverseStreamOutput::ContentBlockDelta(block) => {
                if let Some(delta) = block.delta() {
                    seen.content(now, delta);
                }
            }
            ConverseStreamOutput::MessageStop(stop) => {
                stopped = true;
                answered.truncated = matches!(stop.stop_reason(), StopReason::MaxTokens);
                seen.marks.stop = stop_name(stop.stop_reason());
            }
            ConverseStreamOutput::Metadata(metadata) => {
                answered.usage = metadata.usage().map(usage);
                answered.write_1h = metadata.usage().map_or(0, write_1h);
                seen.marks.service_ms = metadata.metrics().map(ConverseStreamMetrics::latency_ms);
                answered.tier = workload.served_as(
                    metadata.service_tier().map(ServiceTier::r#type),
                    metadata
                        .performance_config()
                        .map(PerformanceConfiguration::latency),
                );
                if let Some(tier) = metadata.service_tier() {
                    answered.served_by = workload.served_by(Some(tier.r#type()));
                }
            }
            _ => {}
        }
    }
}

impl Seen {
    pub(super) fn new(due: Moment, pool: &Arc<Mutex<LatencyHistogram>>) -> Self {
        Self {
            marks: LiveMarks {
                due,
                ..LiveMarks::default()
            },
            gaps: Vec::new(),
            pool: Arc::clone(pool),
            heard: None,
        }
    }

    /// The same, and `heard` is told of its first content.
    pub(super) fn telling(mut self, heard: &Arc<Notify>) -> Self {
        self.heard = Some(Arc::clone(heard));
        self
    }

    /// A piece of content came. Bedrock may open a text with an empty piece, which is none.
    fn content(&mut self, now: Moment, delta: &ContentBlockDelta) {
        let is_text = match delta {
            ContentBlockDelta::Text(text) if text.is_empty() => return,
            ContentBlockDelta::Text(_) => true,
            _ => false,
        };
        let marks = &mut self.marks;
        if let Some(last) = marks.last_content {
            let gap = u32::try_from(now.since(last).0).unwrap_or(u32::MAX);
            self.gaps.push(gap);
        }
        marks.chunks += 1;
        if marks.first_content.is_none() {
            marks.first_content = Some(now);
            if let Some(heard) = &self.heard {
                heard.notify_one();
            }
        }
        if is_text {
            marks.first_text.get_or_insert(now);
        }
        marks.last_content = Some(now);
        if self.gaps.len() == GAP_BATCH {
            self.pool_gaps();
        }
    }

    fn pool_gaps(&mut self) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        for gap in self.gaps.drain(..) {
            pool.record(Micros(u64::from(gap)));
        }
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        if !self.gaps.is_empty() {
            self.pool_gaps();
        }
    }
}

/// The tokens of an answer.
pub(super) fn usage(usage: &TokenUsage) -> Usage {
    let tokens = |n: i32| u32::try_from(n).unwrap_or(0);
    Usage {
        input: tokens(usage.input_tokens()),
        cache_read: tokens(usage.cache_read_input_tokens().unwrap_or(0)),
        cache_write: tokens(usage.cache_write_input_tokens().unwrap_or(0)),
        output: tokens(usage.output_tokens()),
    }
}

/// Tokens written to the cache for an hour.
fn write_1h(usage: &TokenUsage) -> u32 {
    let details = usage.cache_details().iter();
    let hours = details.filter(|detail| *detail.ttl() == WireTtl::OneHour);
    let tokens = hours.map(|detail| u32::try_from(detail.input_tokens()).unwrap_or(0));
    tokens.fold(0, u32::saturating_add)
}

fn stop_name(reason: &StopReason) -> &'static str {
    match reason {
        StopReason::EndTurn => "end_turn",
        StopReason::MaxTokens => "max_tokens",
        StopReason::StopSequence => "stop_sequence",
        StopReason::ToolUse => "tool_use",
        StopReason::GuardrailIntervened => "guardrail_intervened",
        StopReason::ContentFiltered => "content_filtered",
        _ => "other",
    }
}
