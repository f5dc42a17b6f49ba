//! Operators: readers of the state and the metrics, and those who switch things.

use super::Soak;
use super::ledger::Dice;
use super::verdict::{of_counters, parse};
use super::wire::Wire;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_local};

/// Starts all of them.
pub fn start(soak: &Soak, clients: &mut Vec<JoinHandle<()>>) {
    clients.push(spawn_local(state(soak.clone())));
    clients.push(spawn_local(metrics(soak.clone())));
    clients.push(spawn_local(switch(soak.clone())));
    clients.push(spawn_local(reset(soak.clone())));
}

/// Asks once, over a new connection.
async fn ask(soak: &Soak, (method, path): (&str, &str), body: &str) -> Option<String> {
    let mut wire = Wire::one(soak, None).await?;
    let answered = async {
        let body = Bytes::from(body.to_owned());
        let answer = wire.send(soak, (method, path), body).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?;
        Ok::<_, hyper::Error>((status, body.to_bytes()))
    };
    match answered.await {
        Ok((status, body)) if status.is_success() => {
            Some(String::from_utf8_lossy(&body).into_owned())
        }
        other => {
            let complaint = format!("{method} {path}: {other:?}");
            soak.ledger.borrow_mut().complain(complaint);
            None
        }
    }
}

/// Reads the state, and holds the buckets to their limits at any moment.
async fn state(soak: Soak) {
    while !soak.is_over() {
        if let Some(text) = ask(&soak, ("GET", "/_bedload/state"), "").await {
            let mut ledger = soak.ledger.borrow_mut();
            ledger.did("state read");
            for fault in parse(&text).map_or_else(|error| vec![error], |state| of_counters(&state))
            {
                ledger.complain(fault);
            }
        }
        soak.pause(soak.effort.sample / 5).await;
    }
}

async fn metrics(soak: Soak) {
    while !soak.is_over() {
        if let Some(text) = ask(&soak, ("GET", "/_bedload/metrics"), "").await {
            let mut ledger = soak.ledger.borrow_mut();
            ledger.did("metrics read");
            if !text.ends_with("# EOF\n") {
                ledger.complain("the metrics do not end".to_owned());
            }
        }
        soak.pause(soak.effort.sample / 3).await;
    }
}

/// Switches faults and quotas.
async fn switch(soak: Soak) {
    const FAULTS: [&str; 4] = [
        "[]",
        r#"[{"kind":"unavailable","share":0.4,"until":"2s"},{"kind":"stream_reset","share":0.02}]"#,
        r#"[{"kind":"slow_start","share":0.3,"delay":"500ms"},{"kind":"connection_reset","share":0.02}]"#,
        r#"[{"kind":"throttled","share":0.05},{"kind":"internal","share":0.05},{"kind":"stream_throttled","share":0.02},{"kind":"model_not_ready","share":0.02,"from":"1s"}]"#,
    ];
    let mut dice = Dice::new("switch", 0);
    let rest = if soak.effort.brief {
        Duration::from_millis(200)
    } else {
        Duration::from_secs(7)
    };
    while !soak.is_over() {
        // What the scenario says has its time first, as it has after every reset.
        soak.pause(rest).await;
        let faults = FAULTS[dice.below(4) as usize];
        let done = ask(&soak, ("POST", "/_bedload/faults"), faults).await;
        let model = ["claude-sonnet-4-6", "nova-lite"][dice.below(2) as usize];
        let tpm = 30_000 + dice.below(20_000_000);
        let quota = format!(r#"{{"model":"{model}","scope":"geo","tpm":{tpm}}}"#);
        let set = ask(&soak, ("POST", "/_bedload/quotas"), &quota).await;
        if done.is_some() && set.is_some() {
            soak.ledger.borrow_mut().did("faults and quotas switched");
        }
    }
}

/// Sets the server back four times, the last time when a third of the run is left.
async fn reset(soak: Soak) {
    for _ in 0..4 {
        soak.pause(soak.effort.length / 6).await;
        soak.ledger.borrow_mut().begin_reset();
        let done = ask(&soak, ("POST", "/_bedload/reset"), "").await;
        soak.ledger.borrow_mut().end_reset();
        if done.is_some() {
            soak.ledger.borrow_mut().did("resets");
        }
    }
}
