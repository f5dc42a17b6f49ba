//! A raw HTTP client, which costs far less than the server that it drives.

use super::process::on_core;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

const BODY: &str = r#"{"messages":[{"role":"user","content":[{"text":"Say something about rivers and their beds, in few words, please."}]}],"inferenceConfig":{"maxTokens":64}}"#;

/// Calls answered over `connections` connections.
pub fn calls(core: usize, url: &str, operation: &str, connections: u32, for_time: Duration) -> u64 {
    let address = url.trim_start_matches("http://").to_owned();
    let path = format!("/model/us.anthropic.claude-sonnet-4-6/{operation}");
    std::thread::spawn(move || {
        on_core(core);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, drive(address, path, connections, for_time))
    })
    .join()
    .unwrap()
}

async fn drive(address: String, path: String, connections: u32, for_time: Duration) -> u64 {
    let calls = Rc::new(Cell::new(0));
    let end = Instant::now() + for_time;
    let mut all = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(&address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::task::spawn_local(connection);
        let (address, path, calls) = (address.clone(), path.clone(), Rc::clone(&calls));
        all.push(tokio::task::spawn_local(async move {
            let mut sender = sender;
            while Instant::now() < end {
                call(&mut sender, &address, &path).await;
                calls.set(calls.get() + 1);
            }
        }));
    }
    for one in all {
        one.await.unwrap();
    }
    calls.get()
}

async fn call(sender: &mut SendRequest<Full<Bytes>>, address: &str, path: &str) {
    let request = Request::post(path)
        .header("host", address)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(BODY.as_bytes())))
        .unwrap();
    sender.ready().await.unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        frame.unwrap();
    }
}
