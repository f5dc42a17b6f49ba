//! One request: what it asks, and its answer.

use super::admin;
use super::body::{Closing, Dropped, ReplyBody};
use super::shared::{RequestId, Worker, wall_clock};
use super::{calls, guarded};
use crate::service::guardrail::Policy;
use crate::units::Moment;
use crate::wire::reply::{
    ErrorReply, Finish, GuardrailSource, Operation, error_headers, reply_headers,
    write_apply_guardrail,
};
use crate::wire::request::{Route, Signed, apply_guardrail};
use crate::wire::{self, ErrorKind, Refused};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use hyper::{HeaderMap, Request, Response, StatusCode};
use std::sync::Arc;
use tokio::time::timeout;

/// An answer of the service.
pub(super) type Reply = Response<ReplyBody>;

/// The part of the path space that is none of AWS's.
const OWN_PATHS: &str = "/_bedload/";

/// Answers one request.
pub(super) async fn handle(
    worker: Arc<Worker>,
    request: Request<Incoming>,
) -> Result<Reply, Dropped> {
    let arrived = worker.shared.core.clock.now();
    let id = worker.shared.request_id();
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let body = match read_body(&worker, body).await {
        Ok(body) => body,
        Err(error) => return Ok(refuse(&error, &id)),
    };
    if let Some(own) = path.strip_prefix(OWN_PATHS) {
        return Ok(admin::answer(&worker.shared, &head.method, own, &body));
    }
    if let Err(refused) = verify(&worker, &head.method, path, &head.headers, &body) {
        return Ok(refuse(&refused.into(), &id));
    }
    let route = match Route::of(head.method.as_str(), path) {
        Ok(route) => route,
        Err(refused) => return Ok(refuse(&refused.into(), &id)),
    };
    match answer(&worker, route, &head.headers, body, (arrived, &id)).await {
        Ok(reply) => Ok(reply),
        Err(Unanswered::Error(error)) => Ok(refuse(&error, &id)),
        Err(Unanswered::Dropped) => Err(Dropped),
    }
}

/// Why a request has no answer of its own.
pub(super) enum Unanswered {
    /// It gets an error.
    Error(ErrorReply),
    /// The connection is dropped.
    Dropped,
}

impl From<ErrorReply> for Unanswered {
    fn from(error: ErrorReply) -> Self {
        Self::Error(error)
    }
}

impl From<Refused> for Unanswered {
    fn from(refused: Refused) -> Self {
        Self::Error(refused.into())
    }
}

async fn answer(
    worker: &Arc<Worker>,
    route: Route,
    headers: &HeaderMap,
    body: Bytes,
    (arrived, request_id): (Moment, &RequestId),
) -> Result<Reply, Unanswered> {
    let mut out = Vec::new();
    match route {
        Route::Model { id, operation } => {
            let asked = calls::Asked {
                id: &id,
                operation,
                headers,
                body,
                arrived,
                request_id,
            };
            return calls::answer(worker, asked).await;
        }
        Route::ApplyGuardrail { id, .. } => {
            apply(worker, &id, &body, arrived, &mut out).await?;
        }
        route => super::control::answer(&worker.shared.core.serving, &route, &mut out)?,
    }
    Ok(whole(Operation::Other, request_id, &Finish::default(), out))
}

/// Answers `ApplyGuardrail`.
async fn apply(
    worker: &Arc<Worker>,
    id: &str,
    body: &[u8],
    arrived: Moment,
    out: &mut Vec<u8>,
) -> Result<(), Unanswered> {
    let check = apply_guardrail(body)?;
    let is_input = check.source == wire::GuardrailSource::Input;
    let shared = &worker.shared;
    let mut verdict = shared.guardrail.check_all(&check.texts, 0);
    if let Some(guardrail) = shared.guardrail_of(id) {
        let spec = shared.guardrail_spec(guardrail);
        verdict.policies = guarded::policies(spec);
        if !spec.policies.contains(&Policy::Words) {
            verdict.words.clear();
        }
        let found = verdict.blocked();
        let units = u32::try_from(verdict.units()).unwrap_or(u32::MAX);
        let (decided, takes) = shared
            .core
            .apply_guardrail(guardrail, units, (is_input, found))
            .map_err(ErrorReply::from)?;
        if !found {
            verdict.found = guarded::action(decided);
        }
        verdict.latency_ms = takes.0 / 1000;
        worker.timer.sleep_until(arrived + takes).await;
    }
    let source = if is_input {
        GuardrailSource::Input
    } else {
        GuardrailSource::Output
    };
    write_apply_guardrail(&shared.guardrail, source, &verdict, out);
    Ok(())
}

/// An answer that is all there.
pub(super) fn whole(
    operation: Operation,
    request_id: &RequestId,
    finish: &Finish<'_>,
    body: Vec<u8>,
) -> Reply {
    let mut reply = Response::new(ReplyBody::Whole(Bytes::from(body)));
    *reply.headers_mut() = reply_headers(operation, request_id.as_str(), finish);
    reply
}

/// An answer that has just begun.
pub(super) fn streamed(
    operation: Operation,
    request_id: &RequestId,
    closing: &Closing,
    body: ReplyBody,
) -> Reply {
    let known = closing.finish(Moment::ZERO, Moment::ZERO, Moment::ZERO);
    let headers = reply_headers(operation, request_id.as_str(), &known);
    let mut reply = Response::new(body);
    *reply.headers_mut() = headers;
    reply
}

/// The answer of an error.
pub(super) fn refuse(error: &ErrorReply, request_id: &RequestId) -> Reply {
    let mut body = Vec::with_capacity(128);
    error.write_body(&mut body);
    let mut reply = Response::new(ReplyBody::Whole(Bytes::from(body)));
    let status = StatusCode::from_u16(error.status());
    *reply.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *reply.headers_mut() = error_headers(error, request_id.as_str());
    reply
}

fn verify(
    worker: &Worker,
    method: &hyper::Method,
    path_and_query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Refused> {
    let Some(verifier) = &worker.shared.verifier else {
        return Ok(());
    };
    let signed = Signed {
        method: method.as_str(),
        path_and_query,
        headers,
        body,
    };
    verifier.verify(&signed, wall_clock().0).map(|_| ())
}

/// Reads a body within the limits on its size and its time.
async fn read_body(worker: &Worker, mut body: Incoming) -> Result<Bytes, ErrorReply> {
    let limits = &worker.shared.options;
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limits.max_body as u64 {
        return Err(too_large(limits.max_body));
    }
    // A body that is already here needs no timer.
    let collect = async {
        let mut first = Bytes::new();
        let mut all: Option<Vec<u8>> = None;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| ())?.into_data() else {
                continue;
            };
            let so_far = all.as_ref().map_or(first.len(), Vec::len);
            if so_far + data.len() > limits.max_body {
                return Ok(Err(too_large(limits.max_body)));
            }
            if so_far == 0 {
                first = data;
            } else {
                let whole = all.get_or_insert_with(|| first.to_vec());
                whole.extend_from_slice(&data);
            }
        }
        Ok(Ok(all.map_or(first, Bytes::from)))
    };
    match timeout(limits.body_timeout, collect).await {
        Ok(Ok(read)) => read,
        // The client's own fault in both cases; it seldom waits for the answer.
        Ok(Err(())) => Err(incomplete("The request body could not be read.")),
        Err(_) => Err(incomplete("The request body did not arrive in time.")),
    }
}

fn incomplete(message: &'static str) -> ErrorReply {
    ErrorReply::new(ErrorKind::Validation, message)
}

/// The service model bounds bodies, and names the bound in its own form.
fn too_large(limit: usize) -> ErrorReply {
    let message = format!(
        "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must \
         have length less than or equal to {limit}"
    );
    ErrorReply::new(ErrorKind::Validation, message)
}
