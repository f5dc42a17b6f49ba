//! A server that answers every call with the same bytes at once.

use super::process::on_core;
use bedload::wire::frame::{self, EventType};
use std::sync::mpsc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

/// A running server; it ends with the program.
pub struct Canned {
    pub url: String,
}

impl Canned {
    /// Starts it on a core; its answers are streams of `tokens` chunks in one write.
    pub fn start(core: usize, tokens: u32) -> Self {
        let (say, hear) = mpsc::channel();
        std::thread::spawn(move || {
            on_core(core);
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                say.send(listener.local_addr().unwrap()).unwrap();
                let answer: &'static [u8] = answer(tokens).leak();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    tokio::spawn(serve(stream, answer));
                }
            });
        });
        Self {
            url: format!("http://{}", hear.recv().unwrap()),
        }
    }
}

async fn serve(mut stream: TcpStream, answer: &'static [u8]) -> Option<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    loop {
        while let Some(length) = whole_request(&buffer[..filled]) {
            buffer.copy_within(length..filled, 0);
            filled -= length;
            stream.write_all(answer).await.ok()?;
        }
        let read = stream.read(&mut buffer[filled..]).await.ok()?;
        if read == 0 {
            return None;
        }
        filled += read;
    }
}

/// The length of the request at the beginning of `bytes`, if all of it is there.
fn whole_request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let body = bytes[..head]
        .split(|&byte| byte == b'\n')
        .find_map(|line| {
            let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        })
        .unwrap_or(0);
    (head + body <= bytes.len()).then_some(head + body)
}

fn answer(tokens: u32) -> Vec<u8> {
    let mut body = Vec::new();
    let mut put = |event, payload: &str| frame::event(event, payload.as_bytes(), &mut body);
    put(
        EventType::MessageStart,
        r#"{"p":"abcd","role":"assistant"}"#,
    );
    for _ in 0..tokens {
        put(
            EventType::ContentBlockDelta,
            r#"{"contentBlockIndex":0,"delta":{"text":"word"},"p":"abcdefgh"}"#,
        );
    }
    put(
        EventType::ContentBlockStop,
        r#"{"contentBlockIndex":0,"p":"abcd"}"#,
    );
    put(
        EventType::MessageStop,
        r#"{"p":"abcdef","stopReason":"end_turn"}"#,
    );
    put(
        EventType::Metadata,
        &format!(
            r#"{{"metrics":{{"latencyMs":1}},"p":"ab","usage":{{"inputTokens":20,"outputTokens":{tokens},"totalTokens":{}}}}}"#,
            20 + tokens
        ),
    );
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n\
         x-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    answer
}
