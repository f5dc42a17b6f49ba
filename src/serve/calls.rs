//! Calls of models: counted, admitted, paced, answered.

use super::body::{Closing, ReplyBody, StreamBody};
use super::core::Running;
use super::guarded;
use super::handle::{Reply, Unanswered, streamed, whole};
use super::shared::{RequestId, Shared, Worker};
use super::tally::End;
use super::tiers::Asked as AskedTier;
use crate::domain::{CachePoint, Failure, StopReason, StreamFault};
use crate::service::guardrail::{Screening, Verdict};
use crate::service::{Call, Prefix};
use crate::units::{Micros, Moment};
use crate::wire::reply::{
    Answer, AnswerPlan, ErrorReply, Finish, Operation, StreamWriter, write_body, write_token_count,
};
use crate::wire::request::{ModelOperation, TokenCount, converse, count_tokens, invoke, tokens_of};
use crate::wire::{ErrorKind, ModelCall};
use hyper::HeaderMap;
use hyper::body::Bytes;
use std::sync::Arc;

/// A call as it came.
pub(super) struct Asked<'a> {
    /// What stands where the model is named.
    pub(super) id: &'a str,
    pub(super) operation: ModelOperation,
    pub(super) headers: &'a HeaderMap,
    /// Dropped as soon as it is read, for prompts are long and answers take their time.
    pub(super) body: Bytes,
    pub(super) arrived: Moment,
    pub(super) request_id: &'a RequestId,
}

/// A call that is read and has its target.
struct Read<'a> {
    asked: Asked<'a>,
    call: ModelCall,
    target: usize,
    /// The number of its draws, and the key of this attempt.
    number: u64,
    key: u64,
}

/// Answers a call of a model.
pub(super) async fn answer(
    worker: &Arc<Worker>,
    mut asked: Asked<'_>,
) -> Result<Reply, Unanswered> {
    let shared = &worker.shared;
    let body = std::mem::take(&mut asked.body);
    let found = shared.directory.find(asked.id)?;
    let model = shared.core.serving.targets[found].model;
    let profile = &shared.core.serving.models[model];
    let read = match asked.operation {
        ModelOperation::Converse | ModelOperation::ConverseStream => converse(asked.id, &body),
        ModelOperation::InvokeModel | ModelOperation::InvokeModelWithResponseStream => {
            invoke(&profile.model_id, asked.headers, &body)
        }
        ModelOperation::CountTokens => {
            let call = count_tokens(&profile.model_id, &body)?;
            let count = tokens_of(&call.prompt, shared.of_model(model).1);
            let mut out = Vec::with_capacity(32);
            write_token_count(count.total().0, &mut out);
            let finish = Finish::default();
            return Ok(whole(Operation::Other, asked.request_id, &finish, out));
        }
    };
    drop(body);
    let call = read.inspect_err(|_| shared.core.refused(found))?;
    let target = shared.directory.refine(found, &call.metadata);
    check_bound(&call, profile.max_output.0).inspect_err(|_| shared.core.refused(target))?;
    let (number, key) = if let Some((seq, attempt)) = call.metadata.request {
        // The same key as that of the attempt in a simulation.
        (seq, seq.wrapping_mul(64).wrapping_add(u64::from(attempt)))
    } else {
        let number = shared.next_number(target);
        (number, number)
    };
    let read = Read {
        asked,
        call,
        target,
        number,
        key,
    };
    let (mut running, answer, closing) = decide(shared, &read)?;
    if let Some(running) = &mut running
        && let Some(failure) = running.grant.refused
    {
        if let Some(at) = running.grant.done_at {
            worker.timer.sleep_until(at).await;
        }
        running.finish(0, End::Refused(failure));
        return Err(unanswered(failure, read.asked.id));
    }
    if read.asked.operation.streams() {
        let mut running = running;
        fail_before_first_token(worker, &read, running.as_mut()).await?;
        stream(worker, &read, running, answer, closing).await
    } else {
        all_at_once(worker, &read, running, answer, closing).await
    }
}

/// Bedrock names the model's limit where a call asks for more (quoted in public issue trackers).
fn check_bound(call: &ModelCall, limit: u64) -> Result<(), ErrorReply> {
    match call.max_tokens {
        Some(asked) if u64::from(asked) > limit => {
            let message = format!(
                "The maximum tokens you requested exceeds the model limit of {limit}. Try again \
                 with a maximum tokens value that is lower than {limit}."
            );
            Err(ErrorReply::new(ErrorKind::Validation, message))
        }
        _ => Ok(()),
    }
}

/// What a call gets: the admitted call unless a guardrail answers, the answer, and how it ends.
fn decide(
    shared: &Shared,
    read: &Read<'_>,
) -> Result<(Option<Running>, Answer, Closing), Unanswered> {
    let call = &read.call;
    let asked = AskedTier::of(shared, call, read.target)
        .inspect_err(|_| shared.core.refused(read.target))?;
    let mut closing = Closing {
        tier: asked.name,
        latency_optimized: asked.latency_optimized.then_some(true),
        ..Closing::default()
    };
    let mut screening = Screening::Off;
    if let Some(guardrail) = &call.guardrail {
        let mut report = shared.guardrail.check_input(guardrail, 0);
        if let Some(met) = guarded::met(shared, guardrail, read.asked.operation.streams()) {
            screening = met.screening(call, guardrail, &mut report);
        } else if report.intervened() {
            shared.core.answered_without_model(read.target);
            let text = &shared.guardrail.blocked_input;
            let answer = Answer::blocked_input(text, shared.texts, read.key);
            closing.guardrail = Some(report);
            return Ok((None, answer, closing));
        }
        closing.guardrail = Some(report);
    }
    let target = &shared.core.serving.targets[read.target];
    let (settings, ratio) = shared.of_model(target.model);
    let wanted = call.metadata.output;
    let wanted = wanted.unwrap_or_else(|| target.output.draw(read.number));
    // One more than the model can say is as good as any number, and costs no more to plan.
    let wanted = wanted.min(small(
        shared.core.serving.models[target.model].max_output.0 + 1,
    ));
    let (all, thinking) = target.thinks(read.number, wanted);
    let plan = AnswerPlan::new(call, all - thinking, shared.texts, read.key, settings);
    let plan = plan.after_thinking(thinking);
    let count = tokens_of(&call.prompt, ratio);
    let points = points(&count);
    let admitted = shared.core.admit(
        &Call {
            target: read.target,
            key: read.key,
            input: small(count.rest.0),
            prefix: Prefix::Points(&points, &count.boundaries),
            output: plan.output_tokens(),
            max_tokens: call.max_tokens,
            thinking,
            screening,
            tier: asked.tier,
            latency_optimized: asked.latency_optimized,
        },
        read.asked.arrived,
        read.asked.operation.streams(),
    );
    let running = admitted.map_err(|failure| unanswered(failure, read.asked.id))?;
    asked.served(&running.grant, &mut closing);
    closing.usage = running.grant.usage;
    closing.cache_write_1h = running.grant.cache_write_1h;
    let grant = &running.grant;
    if let Some(screened) = &grant.screened
        && screened.verdict == Verdict::InputBlocked
    {
        if let Some(report) = &mut closing.guardrail {
            guarded::blocked_input(screened, report);
        }
        let text = &shared.guardrail.blocked_input;
        let answer = Answer::blocked_input(text, shared.texts, read.key);
        return Ok((Some(running), answer, closing));
    }
    let mut answer = plan.cut(grant.usage.output, grant.truncated);
    if matches!(
        grant.stop,
        StopReason::ContentFiltered | StopReason::ContextWindowExceeded
    ) {
        answer = answer.ended_by(grant.stop);
    }
    if let Some(report) = &mut closing.guardrail {
        answer = guarded::checked_output(shared, grant.screened.as_ref(), answer, report);
    }
    Ok((Some(running), answer, closing))
}

fn unanswered(failure: Failure, model_id: &str) -> Unanswered {
    match failure {
        Failure::Connection => Unanswered::Dropped,
        failure => ErrorReply::from(failure).of_model(model_id).into(),
    }
}

fn points(count: &TokenCount) -> Vec<CachePoint> {
    let points = count.points.iter();
    let points = points.map(|point| CachePoint {
        id: point.hash,
        tokens: small(point.tokens.0),
        ttl: point.ttl,
    });
    points.collect()
}

/// Counts beyond this are beyond every model, and are refused as too long.
fn small(tokens: u64) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

async fn stream(
    worker: &Arc<Worker>,
    read: &Read<'_>,
    mut running: Option<Running>,
    answer: Answer,
    closing: Closing,
) -> Result<Reply, Unanswered> {
    let shared = &worker.shared;
    if let Some(running) = &mut running {
        // Headers go out with the first event: until the model speaks, an error can still take
        // their place.
        worker.timer.sleep_until(running.grant.first_token_at).await;
        running.start();
        // A chunk that a guardrail holds back holds back the headers too.
        worker
            .timer
            .sleep_until(running.grant.first_seen_at())
            .await;
    }
    let operation = match read.asked.operation {
        ModelOperation::ConverseStream => Operation::ConverseStream,
        _ => Operation::InvokeStream,
    };
    let writer = StreamWriter::new(&read.call, read.asked.id, answer, true);
    let request_id = read.asked.request_id;
    let known = streamed(
        operation,
        request_id,
        &closing,
        ReplyBody::Whole(Bytes::new()),
    );
    let clock = shared.core.clock;
    let body = StreamBody::new(
        writer,
        closing,
        running,
        (read.asked.arrived, clock),
        worker.timer.sleep_until(Moment::ZERO),
        (
            Arc::clone(&shared.pacing),
            shared.core.serving.answers.chunk_tokens,
        ),
    );
    Ok(known.map(|_| ReplyBody::Stream(Box::new(body))))
}

/// Waits for the end of a stream that breaks off before its first token: its error comes in place of the
/// headers, as they go out with the first event.
async fn fail_before_first_token(
    worker: &Arc<Worker>,
    read: &Read<'_>,
    running: Option<&mut Running>,
) -> Result<(), Unanswered> {
    let Some(running) = running else {
        return Ok(());
    };
    let Some((0, fault)) = running.grant.broken else {
        return Ok(());
    };
    wait_for_end(worker, running).await;
    running.finish(0, End::Broken(fault));
    Err(ErrorReply::from(fault).of_model(read.asked.id).into())
}

async fn all_at_once(
    worker: &Arc<Worker>,
    read: &Read<'_>,
    running: Option<Running>,
    answer: Answer,
    closing: Closing,
) -> Result<Reply, Unanswered> {
    let arrived = read.asked.arrived;
    let (mut first, mut now) = (arrived, arrived);
    if let Some(mut running) = running {
        first = running.grant.first_seen_at();
        wait_for_end(worker, &mut running).await;
        if let Some((after, fault)) = running.grant.broken {
            running.finish(after, End::Broken(fault));
            if fault == StreamFault::Reset {
                return Err(Unanswered::Dropped);
            }
            return Err(ErrorReply::from(fault).of_model(read.asked.id).into());
        }
        now = running.finish(running.grant.usage.output, End::Answered);
    }
    let operation = match read.asked.operation {
        ModelOperation::Converse => Operation::Converse,
        _ => Operation::Invoke,
    };
    let finish = closing.finish(arrived, first, now);
    let mut out = Vec::with_capacity(1024);
    write_body(&read.call, read.asked.id, &answer, &finish, &mut out);
    Ok(whole(operation, read.asked.request_id, &finish, out))
}

/// Sleeps until the last token of a call has come.
async fn wait_for_end(worker: &Worker, running: &mut Running) {
    if let Some(done_at) = running.grant.done_at {
        worker.timer.sleep_until(done_at).await;
        return;
    }
    worker.timer.sleep_until(running.grant.first_token_at).await;
    running.start();
    loop {
        let progress = running.progress(Micros::from_millis(50));
        if progress.is_done {
            return;
        }
        worker.timer.sleep_until(progress.look_again).await;
    }
}
