//! Clients that speak the protocol: well-behaved ones, those that leave, and slow readers.

use super::Soak;
use super::ledger::{Dice, Outcome};
use super::wire::{Wire, read};
use bytes::Bytes;
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_local};

/// A Claude, whose prompts can be cached, and a Nova.
const CLAUDE: &str = "us.anthropic.claude-sonnet-4-6";
const NOVA: &str = "us.amazon.nova-lite-v1:0";

/// How long a client waits after a refusal.
const AFTER_REFUSAL: Duration = Duration::from_millis(30);

/// Calls at once on one connection of HTTP/2.
const SHARING: u32 = 16;

/// Starts all of them.
pub fn start(soak: &Soak, clients: &mut Vec<JoinHandle<()>>) {
    let callers = soak.effort.callers;
    for client in 0..callers {
        clients.push(spawn_local(one(soak.clone(), client)));
        if client % 4 == 0 {
            clients.push(spawn_local(leaver(soak.clone(), client)));
            clients.push(spawn_local(slow(soak.clone(), client)));
        }
    }
    for client in 0..callers / SHARING {
        clients.push(spawn_local(two(soak.clone(), client)));
    }
}

/// Calls one by one over HTTP/1.1.
async fn one(soak: Soak, client: u32) {
    let mut dice = Dice::new("one", client);
    while !soak.is_over() {
        let Some(mut wire) = Wire::one(&soak, None).await else {
            continue;
        };
        calls(&soak, &mut wire, "HTTP/1.1", &mut dice).await;
    }
}

/// Many calls at once over a connection of HTTP/2; one in four of them leaves.
async fn two(soak: Soak, client: u32) {
    while !soak.is_over() {
        let Some((sender, closing)) = Wire::two(&soak).await else {
            continue;
        };
        let mut sharing = Vec::new();
        for call in 0..SHARING {
            let (soak, mut wire) = (soak.clone(), Wire::Two(sender.clone()));
            let mut dice = Dice::new("two", client * SHARING + call);
            sharing.push(spawn_local(async move {
                if call % 4 == 0 {
                    while !soak.is_over() && wire.is_ready().await {
                        leave(&soak, &mut wire, "HTTP/2, leaves", &mut dice).await;
                    }
                } else {
                    calls(&soak, &mut wire, "HTTP/2", &mut dice).await;
                }
            }));
        }
        for call in sharing {
            if let Err(error) = call.await {
                soak.ledger
                    .borrow_mut()
                    .complain(format!("client: {error}"));
            }
        }
        drop(closing);
    }
}

/// Calls until the connection or the run ends.
async fn calls(soak: &Soak, wire: &mut Wire, kind: &'static str, dice: &mut Dice) {
    while !soak.is_over() && wire.is_ready().await {
        let begun = soak.ledger.borrow().begin();
        let outcome = call(soak, wire, dice).await;
        soak.ledger.borrow_mut().end(kind, begun, outcome);
        if outcome != Outcome::Answered {
            soak.pause(AFTER_REFUSAL).await;
        }
        // Now and then a connection is closed between two calls, as clients do.
        if wire.is_closed() || (matches!(wire, Wire::One(..)) && dice.below(50) == 0) {
            return;
        }
    }
}

async fn call(soak: &Soak, wire: &mut Wire, dice: &mut Dice) -> Outcome {
    let (path, body) = request(dice);
    match wire.send(soak, ("POST", &path), body).await {
        Ok(answer) => read(soak, answer, &path, None).await,
        Err(_) => Outcome::Dropped,
    }
}

/// Calls over HTTP/1.1 and closes the connection before the answer, or in the middle of it.
async fn leaver(soak: Soak, client: u32) {
    let mut dice = Dice::new("leaver", client);
    while !soak.is_over() {
        if let Some(mut wire) = Wire::one(&soak, None).await {
            leave(&soak, &mut wire, "HTTP/1.1, leaves", &mut dice).await;
        }
    }
}

/// One call that is given up after a random time; some are through before.
async fn leave(soak: &Soak, wire: &mut Wire, kind: &'static str, dice: &mut Dice) {
    let begun = soak.ledger.borrow().begin();
    let patience = dice.span(Duration::from_millis(200));
    let ended = tokio::time::timeout(patience, call(soak, wire, dice)).await;
    let outcome = ended.unwrap_or(Outcome::Left);
    soak.ledger.borrow_mut().end(kind, begun, outcome);
    soak.pause(AFTER_REFUSAL * 3).await;
}

/// Reads long answers with pauses, the longest of which the server does not bear.
async fn slow(soak: Soak, client: u32) {
    let mut dice = Dice::new("slow", client);
    let tokens = if soak.effort.brief { 400 } else { 3000 };
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":[{{"text":"Tell all about rivers."}}]}}],"inferenceConfig":{{"maxTokens":{tokens}}},"requestMetadata":{{"bedload-output":"{tokens}"}}}}"#
    );
    let body = Bytes::from(body);
    let path = format!("/model/{NOVA}/converse-stream");
    // Beyond this nobody waits for the rest; a paused answer may be long.
    let longest = soak.effort.timeout * 6;
    while !soak.is_over() {
        let Some(mut wire) = Wire::one(&soak, Some(4096)).await else {
            continue;
        };
        let begun = soak.ledger.borrow().begin();
        let pause = soak.effort.timeout.mul_f64(1.6);
        let whole = async {
            match wire.send(&soak, ("POST", &path), body.clone()).await {
                Ok(answer) => read(&soak, answer, &path, Some((pause, &mut dice))).await,
                Err(_) => Outcome::Dropped,
            }
        };
        let outcome = tokio::time::timeout(longest, whole).await;
        let outcome = outcome.unwrap_or(Outcome::Left);
        soak.ledger.borrow_mut().end("slow reader", begun, outcome);
        if outcome != Outcome::Answered {
            soak.pause(AFTER_REFUSAL * 10).await;
        }
    }
}

/// A call of a random operation, its path and its body.
fn request(dice: &mut Dice) -> (String, Bytes) {
    let text = format!(
        "Say something about river {}, in few words, please.",
        dice.below(1000)
    );
    let bound = 64 + dice.below(192);
    let stream = dice.below(2) == 0;
    match dice.below(10) {
        0 => {
            let verb = if stream {
                "invoke-with-response-stream"
            } else {
                "invoke"
            };
            let body = format!(
                r#"{{"anthropic_version":"bedrock-2023-05-31","max_tokens":{bound},"messages":[{{"role":"user","content":"{text}"}}]}}"#
            );
            (format!("/model/{CLAUDE}/{verb}"), body.into())
        }
        kind => {
            let verb = if stream {
                "converse-stream"
            } else {
                "converse"
            };
            let model = if kind <= 3 { NOVA } else { CLAUDE };
            let system = if kind == 9 {
                prefix(dice)
            } else {
                String::new()
            };
            let body = format!(
                r#"{{{system}"messages":[{{"role":"user","content":[{{"text":"{text}"}}]}}],"inferenceConfig":{{"maxTokens":{bound}}}}}"#
            );
            (format!("/model/{model}/{verb}"), body.into())
        }
    }
}

/// A system prompt that is cached: mostly one of forty, so that the cache is read too, and seldom a
/// new one, so that it has something to forget.
fn prefix(dice: &mut Dice) -> String {
    let number = if dice.below(50) == 0 {
        dice.below(u64::MAX)
    } else {
        dice.below(40)
    };
    let rules = format!("Rule {number}: speak of water and of nothing else. ").repeat(110);
    format!(r#""system":[{{"text":"{rules}"}},{{"cachePoint":{{"type":"default"}}}}],"#)
}
