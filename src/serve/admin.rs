//! `/_bedload/…`: the state of the server, and what can be changed while it runs.

use super::body::ReplyBody;
use super::handle::Reply;
use super::metrics;
use super::shared::Shared;
use crate::config::Source;
use crate::scenario::read_faults;
use crate::service::spec::{FaultKind, FaultSpec};
use crate::service::{CounterLimits, CounterState, PoolReport};
use crate::units::{Micros, Moment, RequestsPerMinute, TokensPerDay, TokensPerMinute, UnitText};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

/// The name of the state document.
pub const STATE_SCHEMA: &str = "bedload.serve-state/1";

/// The JSON Schema of the state document.
pub const STATE_JSON_SCHEMA: &str = include_str!("state.schema.json");

/// What is wrong with a request for a change, and how to mend it.
struct Wrong {
    status: StatusCode,
    message: String,
    help: String,
}

impl Wrong {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            help: help.into(),
        }
    }
}

/// Answers a request for `path` below `/_bedload/`.
pub(super) fn answer(shared: &Shared, method: &Method, path: &str, body: &[u8]) -> Reply {
    let path = path.split('?').next().unwrap_or(path);
    let done = match (method, path) {
        (&Method::GET, "metrics") => {
            let text = metrics::text(shared);
            return reply(StatusCode::OK, metrics::CONTENT_TYPE, text);
        }
        (&Method::GET, "health") => Ok(json!({"status": "ok"})),
        (&Method::GET, "state") => Ok(state(shared)),
        (&Method::POST, "faults") => set_faults(shared, body),
        (&Method::POST, "quotas") => set_quotas(shared, body),
        (&Method::POST, "reset") => {
            shared.core.reset();
            shared.pacing.reset();
            Ok(state(shared))
        }
        _ => Err(no_such(path)),
    };
    let (status, document) = match done {
        Ok(document) => (StatusCode::OK, document),
        Err(wrong) => {
            let error = json!({"error": wrong.message, "help": wrong.help});
            (wrong.status, error)
        }
    };
    reply(status, "application/json", document.to_string() + "\n")
}

fn no_such(path: &str) -> Wrong {
    let is_known = ["metrics", "health", "state", "faults", "quotas", "reset"].contains(&path);
    Wrong {
        status: if is_known {
            StatusCode::METHOD_NOT_ALLOWED
        } else {
            StatusCode::NOT_FOUND
        },
        message: format!("nothing to do for `/_bedload/{}`", path.escape_debug()),
        help: "GET metrics, state or health; POST faults, quotas or reset".to_owned(),
    }
}

fn reply(status: StatusCode, content_type: &'static str, body: String) -> Reply {
    let mut reply = Response::new(ReplyBody::Whole(Bytes::from(body)));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// The state document.
fn state(shared: &Shared) -> Value {
    let snapshot = shared.core.snapshot();
    let serving = &shared.core.serving;
    let seconds = |from: Moment, to: Moment| to.since(from).as_secs_f64();
    let targets = serving.targets.iter().enumerate();
    let targets: Vec<Value> = targets
        .filter(|(index, target)| target.workload.is_some() || !snapshot.tallies[*index].is_empty())
        .map(|(index, target)| {
            let tally = &snapshot.tallies[index];
            json!({
                "workload": target.workload,
                "model": serving.models[target.model].name,
                "model_id": serving.call_id(index),
                "invocations": tally.invocations,
                "throttles": tally.throttles,
                "client_errors": tally.client_errors,
                "server_errors": tally.server_errors,
                "abandoned": tally.abandoned,
                "input_tokens": tally.input,
                "cache_read_tokens": tally.cache_read,
                "cache_write_tokens": tally.cache_write,
                "output_tokens": tally.output,
                "quota_tokens": tally.quota_tokens,
            })
        })
        .collect();
    let faults = snapshot.faults.iter();
    json!({
        "schema": STATE_SCHEMA,
        "scenario": serving.scenario,
        "variant": serving.variant,
        "seed": serving.seed,
        "region": serving.region,
        "uptime_seconds": seconds(Moment::ZERO, snapshot.now),
        "since_reset_seconds": seconds(snapshot.began, snapshot.now),
        "resets": snapshot.generation,
        "in_flight": snapshot.in_flight,
        "cached_prefixes": snapshot.cached,
        "first_chunk_ms": first_chunk(shared),
        "targets": targets,
        "quotas": snapshot.counters.iter().map(quota).collect::<Vec<_>>(),
        "account_tpd": snapshot.account.map(|(limit, available)| json!({
            "limit": limit,
            "available": available,
        })),
        "pools": snapshot.pools.iter().map(pool).collect::<Vec<_>>(),
        "faults": faults.map(|one| fault(one, snapshot.now)).collect::<Vec<_>>(),
    })
}

/// How long after the arrival of a call its first chunk was really written.
fn first_chunk(shared: &Shared) -> Value {
    let spans = shared.pacing.first_chunk();
    let at = |share: f64| spans.quantile(share).map(Micros::as_millis_f64);
    json!({
        "count": spans.count(),
        "p50": at(0.5),
        "p90": at(0.9),
        "p99": at(0.99),
        "max": spans.max().map(Micros::as_millis_f64),
    })
}

/// The pool of a Region: what it gives, what it is giving, and what it saw.
fn pool(pool: &PoolReport) -> Value {
    json!({
        "model": pool.model,
        "region": pool.region,
        "streams": pool.streams,
        "ambient": pool.ambient,
        "in_flight": pool.in_flight,
        "lost": pool.lost,
        "calls": pool.stats.calls,
        "spilled": pool.stats.spilled,
        "unavailable": pool.stats.unavailable,
        "broken": pool.stats.broken,
        "cache_read_tokens": pool.stats.cache_read,
        "cache_write_tokens": pool.stats.cache_write,
        "peak_in_flight": pool.stats.peak,
    })
}

fn quota(counter: &CounterState) -> Value {
    json!({
        "model": counter.model,
        "scope": counter.kind.to_string(),
        "region": counter.region,
        "output_tpm": counter.output.map(|(limit, available)| json!({
            "limit": limit,
            "available": available,
        })),
        "tpm": {
            "limit": counter.limits.tpm.0,
            "available": counter.tpm_available,
            "reserved": counter.held,
            "settled_this_minute": counter.settled_this_minute,
        },
        "rpm": counter.limits.rpm.map(|limit| json!({
            "limit": limit.0,
            "available": counter.rpm_available,
        })),
        "tpd": counter.limits.tpd.map(|limit| json!({
            "limit": limit.0,
            "available": counter.tpd_available,
        })),
    })
}

/// A fault in the words of a scenario, its times in seconds from now.
fn fault(spec: &FaultSpec, now: Moment) -> Value {
    let seconds = |at: u64| (at as f64 - now.0 as f64) / 1e6;
    let mut fault = json!({
        "kind": spec.kind.word(),
        "share": spec.share.get(),
        "from_seconds": seconds(spec.from.0),
        "until_seconds": spec.until.map(|until| seconds(until.0)),
    });
    if let FaultKind::SlowStart(delay) = spec.kind {
        fault["delay_seconds"] = json!(delay.as_secs_f64());
    }
    if let FaultKind::Slow(slowness) = spec.kind {
        fault["factor"] = json!(slowness.factor);
        if let Some(to) = slowness.factor_to {
            fault["factor_to"] = json!(to);
        }
    }
    if let Some(share) = spec.share_to {
        fault["share_to"] = json!(share.get());
    }
    if let Some(recurs) = spec.recurs {
        fault["every_seconds"] = json!(recurs.every.as_secs_f64());
        fault["for_seconds"] = json!(recurs.length.as_secs_f64());
    }
    if spec.after > Micros::ZERO {
        fault["after_seconds"] = json!(spec.after.as_secs_f64());
    }
    for (key, name) in [("workload", &spec.workload), ("model", &spec.model)] {
        if let Some(name) = name {
            fault[key] = json!(name);
        }
    }
    fault
}

fn parse(body: &[u8]) -> Result<Value, Wrong> {
    serde_json::from_slice(body).map_err(|error| {
        Wrong::new(
            format!("the body is not JSON: {error}"),
            "send a JSON document",
        )
    })
}

/// Replaces the faults by a list in the words of `[[fault]]`.
fn set_faults(shared: &Shared, body: &[u8]) -> Result<Value, Wrong> {
    const HELP: &str = "send a list such as [{\"kind\": \"unavailable\", \"share\": 0.1, \"until\": \
                        \"30s\"}]; an empty list clears all faults, and times count from now";
    let list = parse(body)?;
    let Value::Array(list) = list else {
        return Err(Wrong::new("the body is not a list", HELP));
    };
    // The reader of scenarios knows all about faults; it reads TOML.
    let mut text = String::new();
    for (index, one) in list.iter().enumerate() {
        let table = toml::to_string(one)
            .map_err(|error| Wrong::new(format!("fault {}: {error}", index + 1), HELP))?;
        text.push_str("[[fault]]\n");
        text.push_str(&table);
    }
    let faults = read_faults(&Source::new("faults", text)).map_err(|error| {
        let problems: Vec<String> = error
            .problems()
            .map(|problem| match &problem.help {
                Some(help) => format!("{} ({help})", problem.message),
                None => problem.message.clone(),
            })
            .collect();
        Wrong::new(problems.join("; "), HELP)
    })?;
    for fault in &faults {
        let serving = &shared.core.serving;
        let targets = &serving.targets;
        let known = |name: &String| {
            targets
                .iter()
                .any(|one| one.workload.as_ref() == Some(name))
        };
        if let Some(name) = fault.workload.as_ref().filter(|name| !known(name)) {
            let message = format!("no workload is named `{}`", name.escape_debug());
            return Err(Wrong::new(message, "GET /_bedload/state lists them"));
        }
        let known = |name: &String| serving.models.iter().any(|model| model.name == *name);
        if let Some(name) = fault.model.as_ref().filter(|name| !known(name)) {
            let message = format!("no model is named `{}`", name.escape_debug());
            return Err(Wrong::new(message, "use the name of its profile"));
        }
    }
    shared.core.set_faults(&faults);
    Ok(state(shared))
}

/// Changes the limits of one quota counter.
fn set_quotas(shared: &Shared, body: &[u8]) -> Result<Value, Wrong> {
    const HELP: &str = "send {\"model\": \"claude-haiku-4-5\", \"scope\": \"global\", \"tpm\": \
                        \"2M\"}, with any of `tpm`, `rpm` and `tpd`";
    let Value::Object(change) = parse(body)? else {
        return Err(Wrong::new("the body is not an object", HELP));
    };
    let known = ["model", "scope", "tpm", "rpm", "tpd"];
    if let Some(key) = change.keys().find(|key| !known.contains(&key.as_str())) {
        let message = format!("unknown key `{}`", key.escape_debug());
        return Err(Wrong::new(message, HELP));
    }
    let word = |key: &str| change.get(key).and_then(Value::as_str);
    let (Some(model), Some(scope)) = (word("model"), word("scope")) else {
        return Err(Wrong::new("`model` and `scope` are needed", HELP));
    };
    let tpm = limit::<TokensPerMinute>(&change, "tpm", |n| TokensPerMinute(n.max(1)))?;
    let rpm = limit::<RequestsPerMinute>(&change, "rpm", RequestsPerMinute)?;
    let tpd = limit::<TokensPerDay>(&change, "tpd", TokensPerDay)?;
    if matches!(tpm, Change::Lift) {
        return Err(Wrong::new(
            "a quota of tokens per minute cannot be lifted",
            HELP,
        ));
    }
    let models = &shared.core.serving.models;
    let name = models
        .iter()
        .find(|known| known.name == model || known.model_id == model);
    let name = name.map_or(model, |known| known.name.as_str());
    let changed = shared.core.set_limits(
        |counter| counter.model == name && counter.kind.to_string() == scope,
        |limits| CounterLimits {
            tpm: tpm.over(Some(limits.tpm)).unwrap_or(limits.tpm),
            rpm: rpm.over(limits.rpm),
            tpd: tpd.over(limits.tpd),
        },
    );
    changed.map(|counter| quota(&counter)).ok_or_else(|| {
        let message = format!(
            "no quota of `{}` in scope `{}`",
            model.escape_debug(),
            scope.escape_debug()
        );
        Wrong::new(
            message,
            "GET /_bedload/state lists them; scopes are in-region, geo and global",
        )
    })
}

/// What is to become of a limit.
#[derive(Clone, Copy)]
enum Change<T> {
    Keep,
    Lift,
    To(T),
}

impl<T: Copy> Change<T> {
    fn over(self, limit: Option<T>) -> Option<T> {
        match self {
            Self::Keep => limit,
            Self::Lift => None,
            Self::To(new) => Some(new),
        }
    }
}

/// A limit as a whole number or a text with a unit; `null` lifts it.
fn limit<T: UnitText>(
    change: &Map<String, Value>,
    key: &str,
    of: impl Fn(u64) -> T,
) -> Result<Change<T>, Wrong> {
    let wrong = |reason: String| {
        let message = format!("`{key}` {reason}");
        Wrong::new(message, format!("write it like {}", T::EXAMPLES))
    };
    match change.get(key) {
        None => Ok(Change::Keep),
        Some(Value::Null) => Ok(Change::Lift),
        Some(Value::String(text)) => T::parse_unit(text)
            .map(Change::To)
            .map_err(|error| wrong(error.to_string())),
        Some(value) => value
            .as_u64()
            .map(|number| Change::To(of(number)))
            .ok_or_else(|| wrong("is not a whole number".to_owned())),
    }
}
