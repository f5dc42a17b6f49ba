//! Recorded exchanges of public test suites: every request is read, and token counts are compared.
//!
//! They need the folder that `BEDLOAD_DATA` names.

use bedload::wire::request::{ModelRef, TokenRatio, converse, invoke, tokens_of};
use bedload::wire::{ModelCall, Refused};
use http::HeaderMap;
use serde_json::Value;
use std::path::PathBuf;

struct Recorded {
    model: String,
    operation: String,
    status: u64,
    request: Value,
    /// All input tokens, cached ones included, as far as the answer told.
    tokens: Option<u64>,
}

fn load() -> Option<Vec<Recorded>> {
    let Some(folder) = std::env::var_os("BEDLOAD_DATA") else {
        eprintln!("not run: BEDLOAD_DATA names no folder of recorded data");
        return None;
    };
    let folder = PathBuf::from(folder).join("bedrock_api_fixtures");
    let text = std::fs::read_to_string(folder.join("converse_invoke_pairs.jsonl")).unwrap();
    let mut all: Vec<Recorded> = text.lines().map(pair).collect();
    let mut streams = csv::Reader::from_path(folder.join("eventstream/index.csv")).unwrap();
    for row in streams.deserialize::<std::collections::BTreeMap<String, String>>() {
        let row = row.unwrap();
        all.push(Recorded {
            model: row["model_id"].clone(),
            operation: row["operation"].clone(),
            status: 200,
            request: serde_json::from_str(&row["request"]).unwrap(),
            tokens: row["input_tokens"].parse().ok(),
        });
    }
    Some(all)
}

fn pair(line: &str) -> Recorded {
    let row: Value = serde_json::from_str(line).unwrap();
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let usage = &row["response"]["usage"];
    let headers = &row["response_headers"];
    let sum = |from: &Value, names: &[&str]| {
        let first = number(&from[names[0]])?;
        let cached: u64 = names[1..]
            .iter()
            .filter_map(|name| number(&from[*name]))
            .sum();
        Some(first + cached)
    };
    let tokens = sum(
        usage,
        &[
            "inputTokens",
            "cacheReadInputTokens",
            "cacheWriteInputTokens",
        ],
    );
    let from_headers = [
        "x-amzn-bedrock-input-token-count",
        "x-amzn-bedrock-cache-read-input-token-count",
        "x-amzn-bedrock-cache-write-input-token-count",
    ];
    Recorded {
        model: row["model_id"].as_str().unwrap().to_owned(),
        operation: row["operation"].as_str().unwrap().to_owned(),
        status: number(&row["status"]).unwrap(),
        request: row["request"].clone(),
        tokens: tokens.or_else(|| sum(headers, &from_headers)),
    }
}

fn read(recorded: &Recorded) -> Result<ModelCall, Refused> {
    let body = recorded.request.to_string();
    if recorded.operation.starts_with("converse") {
        converse(&recorded.model, body.as_bytes())
    } else {
        invoke(&recorded.model, &HeaderMap::new(), body.as_bytes())
    }
}

#[test]
fn every_recorded_request_is_read() {
    let Some(all) = load() else { return };
    let (mut calls, mut elsewhere, mut refused, mut lost) = (0, 0, 0, 0);
    for recorded in &all {
        // Two requests were recorded without their body.
        if recorded.request.is_null() {
            lost += 1;
            continue;
        }
        match read(recorded) {
            Ok(call) => {
                calls += 1;
                let wanted = &recorded.request;
                let bound = &wanted["inferenceConfig"]["maxTokens"];
                let bounds = [bound, &wanted["max_tokens"], &wanted["max_gen_len"]];
                let bound = bounds.iter().find_map(|value| value.as_u64());
                assert_eq!(
                    call.max_tokens.map(u64::from),
                    bound,
                    "{}",
                    recorded.request
                );
                assert_eq!(
                    call.guardrail.is_some(),
                    wanted.get("guardrailConfig").is_some()
                );
            }
            Err(error) if error.message.contains("use Converse.") => elsewhere += 1,
            Err(_) if recorded.status >= 400 => refused += 1,
            // These were made up: no model answered them.
            Err(error) if recorded.request.get("max_tokens_to_sample").is_some() => {
                assert!(error.message.contains("required key"), "{error}");
                elsewhere += 1;
            }
            Err(error) => panic!("{} {}: {error}", recorded.model, recorded.request),
        }
    }
    eprintln!(
        "{calls} read, {elsewhere} of other vendors or older bodies, {refused} refused as the \
         service did, {lost} without a body"
    );
    assert!(calls > 100);
}

#[test]
fn counted_tokens_stay_near_the_recorded_ones() {
    let Some(all) = load() else { return };
    for vendor in ["anthropic", "amazon", "meta"] {
        let mut ratios = Vec::new();
        for recorded in &all {
            let model = ModelRef::parse(&recorded.model);
            let nova = model
                .model_id()
                .is_some_and(|id| id.starts_with("amazon.nova"));
            if model.vendor() != Some(vendor) || (vendor == "amazon" && !nova) {
                continue;
            }
            let (Ok(call), Some(tokens)) = (read(recorded), recorded.tokens) else {
                continue;
            };
            let fixed: u64 = call.prompt.points.iter().map(|point| point.tokens).sum();
            if call.tools.is_some() || fixed + call.prompt.rest_tokens > 0 || tokens == 0 {
                continue;
            }
            let bytes: u64 = call.prompt.points.iter().map(|point| point.bytes).sum();
            let bytes = bytes + call.prompt.rest_bytes;
            ratios.push((bytes as f64 / tokens as f64, bytes, tokens));
            let counted = tokens_of(&call.prompt, TokenRatio::CLAUDE).total();
            assert!(counted.0 >= bytes / 4);
        }
        ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
        let of = |all: &[(f64, u64, u64)], q: f64| all[((all.len() - 1) as f64 * q) as usize].0;
        let show = |name: &str, all: &[(f64, u64, u64)]| {
            if !all.is_empty() {
                let (p10, p50, p90) = (of(all, 0.1), of(all, 0.5), of(all, 0.9));
                eprintln!("{vendor} {name}: {} {p10:.2} {p50:.2} {p90:.2}", all.len());
            }
        };
        show("all", &ratios);
        let long: Vec<_> = ratios.iter().copied().filter(|r| r.2 >= 100).collect();
        show("100 tokens or more", &long);
        eprintln!("{ratios:.2?}");
    }
}
