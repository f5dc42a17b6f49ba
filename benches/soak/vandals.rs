//! Clients that do what no client should.

use super::Soak;
use super::ledger::{Dice, Outcome};
use super::scenario::{MAX_BODY, MAX_HEAD};
use super::wire::{Wire, connect, read};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;

/// Between two deeds of one vandal.
const REST: Duration = Duration::from_millis(100);

const PATH: &str = "/model/us.amazon.nova-lite-v1:0/converse";

/// What garbage begins with.
const BEGINNINGS: [&[u8]; 4] = [
    b"",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST /model/x/converse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET / HTTP/1.1\r\n",
];

/// A count of tokens.
const COUNT: &str =
    r#"{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"How long?"}]}]}}}"#;

/// Strange requests, and the status that each gets.
const CASES: [(&str, &str, &str, u16); 9] = [
    ("GET", "/", "", 404),
    ("POST", "/model/us.amazon.nova-lite-v1:0/sing", "{}", 404),
    ("POST", "/model/nobody.knows-v1:0/converse", "{}", 400),
    ("POST", "/model/%ff%00/converse", "{}", 404),
    ("GET", "/_bedload/nothing", "", 404),
    ("DELETE", "/_bedload/state", "", 405),
    ("POST", "/_bedload/faults", "{]", 400),
    (
        "POST",
        "/model/us.anthropic.claude-sonnet-4-6/count-tokens",
        COUNT,
        200,
    ),
    ("GET", "/foundation-models", "", 200),
];

/// What an unreadable body is made of.
const GOOD: &str = r#"{"messages":[{"role":"user","content":[{"text":"How long is it?"}]}]}"#;

/// Starts some of each.
pub fn start(soak: &Soak, clients: &mut Vec<JoinHandle<()>>) {
    for client in 0..4 {
        clients.push(spawn_local(garbage(soak.clone(), client)));
        clients.push(spawn_local(broken_bodies(soak.clone(), client)));
        clients.push(spawn_local(too_large(soak.clone(), client)));
        clients.push(spawn_local(strange(soak.clone(), client)));
        clients.push(spawn_local(invalid(soak.clone(), client)));
    }
    for client in 0..12 {
        clients.push(spawn_local(silent(soak.clone(), client)));
    }
}

/// Bytes that are no HTTP, some after a good beginning.
async fn garbage(soak: Soak, client: u32) {
    let mut dice = Dice::new("garbage", client);
    while !soak.is_over() {
        let Some(mut stream) = connect(&soak, None).await else {
            continue;
        };
        let mut bytes = BEGINNINGS[dice.below(4) as usize].to_vec();
        for _ in 0..=dice.below(2000) {
            bytes.push(dice.below(256) as u8);
        }
        // The server may have had enough before all of it is written.
        let _ = stream.write_all(&bytes).await;
        if dice.below(2) == 0 {
            let _ = timeout(dice.span(REST), first_bytes(&mut stream)).await;
        }
        soak.ledger.borrow_mut().did("bytes that are no HTTP");
        soak.pause(REST).await;
    }
}

/// Bodies that are shorter than their length says, or stop coming.
async fn broken_bodies(soak: Soak, client: u32) {
    let mut dice = Dice::new("broken", client);
    while !soak.is_over() {
        let Some(mut stream) = connect(&soak, None).await else {
            continue;
        };
        let length = 100 + dice.below(50_000);
        let part = vec![b' '; dice.below(length) as usize];
        let sent = stream.write_all(head(length).as_bytes()).await.is_ok()
            && stream.write_all(&part).await.is_ok();
        match dice.below(20) {
            // It stops coming: the server is to give up by itself.
            0 => {
                closes_in_time(&soak, &mut stream, "a body that stops coming").await;
                soak.ledger.borrow_mut().did("bodies that stop coming");
            }
            1..8 => {
                let _ = stream.shutdown().await;
                let answer = timeout(soak.effort.patience / 2, first_bytes(&mut stream)).await;
                let answer = answer.unwrap_or_default();
                if sent && !answer.is_empty() && !answer.starts_with(b"HTTP/1.1 400") {
                    complain(&soak, "half a body", &answer);
                }
                soak.ledger.borrow_mut().did("half bodies, then waits");
            }
            _ => soak.ledger.borrow_mut().did("half bodies, then gone"),
        }
        soak.pause(REST).await;
    }
}

fn head(length: u64) -> String {
    format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

/// Bodies and heads beyond what the server takes.
async fn too_large(soak: Soak, client: u32) {
    let mut dice = Dice::new("large", client);
    while !soak.is_over() {
        let Some(mut stream) = connect(&soak, None).await else {
            continue;
        };
        match dice.below(3) {
            0 => {
                let _ = stream.write_all(head(MAX_BODY as u64 + 1).as_bytes()).await;
                expect_status(&soak, &mut stream, "too large a body", &["400"]).await;
            }
            1 => {
                let begun = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
                let _ = stream.write_all(begun.as_bytes()).await;
                let chunk = [b"2000\r\n".as_slice(), &[b'x'; 0x2000], b"\r\n"].concat();
                for _ in 0..2 * MAX_BODY / 0x2000 {
                    // The server closes in the middle of it.
                    if stream.write_all(&chunk).await.is_err() {
                        break;
                    }
                }
            }
            _ => {
                let value = "v".repeat(MAX_HEAD + 100);
                let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {value}\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
                // Unread bytes turn the answer into a reset now and then.
                let answer = timeout(soak.effort.patience / 2, first_bytes(&mut stream)).await;
                let answer = answer.unwrap_or_default();
                if !answer.is_empty() && !answer.starts_with(b"HTTP/1.1 431") {
                    complain(&soak, "too large a head", &answer);
                }
            }
        }
        soak.ledger.borrow_mut().did("bodies and heads too large");
        soak.pause(REST).await;
    }
}

/// Connections on which nothing comes, or nothing after a beginning.
async fn silent(soak: Soak, client: u32) {
    let mut dice = Dice::new("silent", client);
    while !soak.is_over() {
        let Some(mut stream) = connect(&soak, None).await else {
            continue;
        };
        let head = head(10);
        let part = &head.as_bytes()[..dice.below(head.len() as u64 / 2) as usize];
        let part = if dice.below(2) == 0 { &[] } else { part };
        let _ = stream.write_all(part).await;
        closes_in_time(&soak, &mut stream, "a silent connection").await;
        soak.ledger.borrow_mut().did("silent connections");
    }
}

/// Calls that are well-formed and name what does not exist, or ask for something else than a model.
async fn strange(soak: Soak, client: u32) {
    let mut dice = Dice::new("strange", client);
    while !soak.is_over() {
        let Some(mut wire) = Wire::one(&soak, None).await else {
            continue;
        };
        while !soak.is_over() && wire.is_ready().await {
            let (method, path, body, status) = CASES[dice.below(9) as usize];
            let Ok(answer) = wire.send(&soak, (method, path), Bytes::from(body)).await else {
                break;
            };
            if answer.status() != status {
                let complaint = format!("{method} {path}: {}, not {status}", answer.status());
                soak.ledger.borrow_mut().complain(complaint);
            }
            let _ = answer.into_body().collect().await;
            soak.ledger.borrow_mut().did("strange requests");
            soak.pause(REST).await;
        }
    }
}

/// Calls of models with bodies that cannot be read; the server counts them.
async fn invalid(soak: Soak, client: u32) {
    let mut dice = Dice::new("invalid", client);
    while !soak.is_over() {
        let Some(mut wire) = Wire::one(&soak, None).await else {
            continue;
        };
        while !soak.is_over() && wire.is_ready().await {
            let mut body = GOOD.as_bytes().to_vec();
            match dice.below(3) {
                0 => body.truncate(dice.below(body.len() as u64) as usize),
                1 => body = br#"{"messages":17}"#.to_vec(),
                _ => body = b"[".repeat(1 + dice.below(20_000) as usize),
            }
            let begun = soak.ledger.borrow().begin();
            let outcome = match wire.send(&soak, ("POST", PATH), body.into()).await {
                Ok(answer) => read(&soak, answer, PATH, None).await,
                Err(_) => Outcome::Dropped,
            };
            if !matches!(outcome, Outcome::ClientError | Outcome::Dropped) {
                let complaint = format!("a body that is no request: {outcome:?}");
                soak.ledger.borrow_mut().complain(complaint);
            }
            soak.ledger
                .borrow_mut()
                .end("unreadable body", begun, outcome);
            soak.pause(REST).await;
        }
    }
}

/// What the server says, as far as it comes at once; empty where it closes the connection.
async fn first_bytes(stream: &mut TcpStream) -> Vec<u8> {
    let mut buffer = [0; 512];
    let read = stream.read(&mut buffer).await.unwrap_or(0);
    buffer[..read].to_vec()
}

async fn expect_status(soak: &Soak, stream: &mut TcpStream, what: &str, known: &[&str]) {
    let answer = timeout(soak.effort.patience / 2, first_bytes(stream)).await;
    let answer = answer.unwrap_or_default();
    let status = answer.get(9..12).unwrap_or_default();
    if !known.iter().any(|known| known.as_bytes() == status) {
        complain(soak, what, &answer);
    }
}

fn complain(soak: &Soak, what: &str, answer: &[u8]) {
    let answer = String::from_utf8_lossy(answer);
    let complaint = format!("{what} was answered with {answer:?}");
    soak.ledger.borrow_mut().complain(complaint);
}

/// The server closes the connection once its patience is over, and not much later.
async fn closes_in_time(soak: &Soak, stream: &mut TcpStream, what: &str) {
    let begun = Instant::now();
    let longest = soak.effort.timeout + soak.effort.patience / 2;
    let closed = timeout(longest, async {
        while !first_bytes(stream).await.is_empty() {}
    });
    if closed.await.is_err() {
        let complaint = format!("{what} is still open after {:?}", begun.elapsed());
        soak.ledger.borrow_mut().complain(complaint);
    }
}
