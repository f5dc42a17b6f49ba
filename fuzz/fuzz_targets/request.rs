//! Any bytes as a request of a client: a first line of method and path, then the body. It is read
//! or refused with a message, and nothing panics.
#![no_main]

use bedload::wire::Refused;
use bedload::wire::request::{
    ModelOperation, ModelRef, Route, TokenRatio, apply_guardrail, converse, count_tokens, invoke,
    tokens_of,
};
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;

const READERS: [fn(&str, &[u8]) -> Result<(), Refused>; 4] = [
    |id, body| converse(id, body).map(|call| drop(tokens_of(&call.prompt, TokenRatio::FOUR))),
    |id, body| invoke(id, &HeaderMap::new(), body).map(drop),
    |id, body| count_tokens(id, body).map(drop),
    |_, body| apply_guardrail(body).map(drop),
];

fuzz_target!(|bytes: &[u8]| {
    let end = bytes
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(bytes.len());
    let line = String::from_utf8_lossy(&bytes[..end]);
    let body = bytes.get(end + 1..).unwrap_or_default();
    let (method, path) = line.split_once(' ').unwrap_or((&line, ""));
    match Route::of(method, path) {
        Ok(Route::Model { id, operation }) => {
            let _ = ModelRef::parse(&id).vendor();
            let reader = match operation {
                ModelOperation::Converse | ModelOperation::ConverseStream => READERS[0],
                ModelOperation::CountTokens => READERS[2],
                _ => READERS[1],
            };
            let _ = reader(&id, body);
        }
        Ok(Route::ApplyGuardrail { id, .. }) => drop(READERS[3](&id, body)),
        _ => {
            for reader in READERS {
                let _ = reader("anthropic.claude", body);
            }
        }
    }
});
