//! A server that answers Converse and ConverseStream as a script says: statuses, delays, streams
//! with known moments, broken ones, resets and silence. It knows no quota and no model.

use bedload::clock::{Clock, Timer};
use bedload::units::{Micros, Moment};
use bedload::wire::frame::{EventType, event, exception};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A call as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The path, encoded.
    pub path: String,
    /// The headers as sent.
    pub head: String,
    /// The body.
    pub body: Value,
}

impl Seen {
    /// A value of the request metadata.
    pub fn metadata(&self, key: &str) -> &str {
        self.body["requestMetadata"][key].as_str().unwrap_or("")
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An error by status, type and message.
    Error(u16, &'static str, &'static str),
    /// An answer in full, whole or streamed as the call asks.
    Answer(Answer),
    /// The connection is closed without a word.
    Reset,
    /// Silence.
    Hang,
}

/// A full answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// From the last byte of the request to the first text.
    pub ttft: Micros,
    /// Between texts.
    pub gap: Micros,
    /// Texts, one token each.
    pub chunks: u32,
    /// After how many texts the stream breaks off: with this exception, or by a reset if it is empty.
    pub breaks: Option<(u32, &'static str)>,
}

impl Answer {
    /// An answer of one piece at once.
    pub const QUICK: Self = Self {
        ttft: Micros::ZERO,
        gap: Micros::ZERO,
        chunks: 1,
        breaks: None,
    };
}

type Script = dyn Fn(usize, &Seen) -> Reply + Send + Sync;

/// A running server; it ends with the process.
pub struct Scripted {
    at: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Scripted {
    /// Starts a server on a thread of its own. `script` gets the number of the call, from 0.
    pub fn start(script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (tell, told) = std::sync::mpsc::channel();
        let noted = Arc::clone(&seen);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let timer = Timer::start(Clock::begin()).unwrap();
                let script: Arc<Script> = Arc::new(script);
                while let Ok((stream, _)) = listener.accept().await {
                    let connection = Connection {
                        stream,
                        timer: timer.clone(),
                        script: Arc::clone(&script),
                        seen: Arc::clone(&noted),
                    };
                    tokio::spawn(connection.serve());
                }
            });
        });
        Self {
            at: told.recv().unwrap(),
            seen,
        }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The calls so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

struct Connection {
    stream: TcpStream,
    timer: Timer,
    script: Arc<Script>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Connection {
    async fn serve(mut self) {
        self.stream.set_nodelay(true).unwrap();
        let mut held = Vec::new();
        while let Some((seen, used)) = self.request(&mut held).await {
            held.drain(..used);
            let number = {
                let mut all = self.seen.lock().unwrap();
                all.push(seen.clone());
                all.len() - 1
            };
            let reply = (self.script)(number, &seen);
            if self.answer(&seen, reply).await.is_none() {
                return;
            }
        }
    }

    async fn request(&mut self, held: &mut Vec<u8>) -> Option<(Seen, usize)> {
        loop {
            if let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&held[..end]).into_owned();
                let length: usize = head
                    .lines()
                    .find_map(|line| {
                        let (name, value) = line.split_once(':')?;
                        let is_length = name.eq_ignore_ascii_case("content-length");
                        is_length.then(|| value.trim().parse().unwrap())
                    })
                    .unwrap_or(0);
                let used = end + 4 + length;
                if held.len() >= used {
                    let seen = Seen {
                        path: head.split_whitespace().nth(1)?.to_owned(),
                        body: serde_json::from_slice(&held[end + 4..used]).unwrap_or_default(),
                        head,
                    };
                    return Some((seen, used));
                }
            }
            if self.stream.read_buf(held).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn answer(&mut self, seen: &Seen, reply: Reply) -> Option<()> {
        let begin = self.timer.clock().now();
        match reply {
            Reply::Reset => None,
            Reply::Hang => {
                self.timer.sleep_until(Moment::NEVER).await;
                None
            }
            Reply::Error(status, kind, message) => {
                let body = serde_json::json!({ "message": message }).to_string();
                let type_ = format!("x-amzn-ErrorType: {kind}\r\n");
                self.whole(status, &type_, body.as_bytes()).await
            }
            Reply::Answer(answer) if seen.path.ends_with("/converse-stream") => {
                self.stream_out(begin, answer).await
            }
            Reply::Answer(answer) => {
                let last = u64::from(answer.chunks.saturating_sub(1)) * answer.gap.0;
                let at = begin + answer.ttft + Micros(last);
                self.timer.sleep_until(at).await;
                let body = serde_json::json!({
                    "output": {"message": {"role": "assistant", "content": [{"text": "words"}]}},
                    "stopReason": "end_turn",
                    "usage": {"inputTokens": 10, "outputTokens": answer.chunks,
                        "totalTokens": 10 + answer.chunks},
                    "metrics": {"latencyMs": 1},
                });
                self.whole(200, "", body.to_string().as_bytes()).await
            }
        }
    }

    async fn whole(&mut self, status: u16, more: &str, body: &[u8]) -> Option<()> {
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{more}content-length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(head.as_bytes()).await.ok()?;
        self.stream.write_all(body).await.ok()
    }

    async fn stream_out(&mut self, begin: Moment, answer: Answer) -> Option<()> {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n\
                    transfer-encoding: chunked\r\n\r\n";
        self.stream.write_all(head.as_bytes()).await.ok()?;
        let mut frames = Vec::new();
        event(
            EventType::MessageStart,
            br#"{"role":"assistant"}"#,
            &mut frames,
        );
        for number in 0..answer.chunks {
            if let Some((after, kind)) = answer.breaks
                && number == after
            {
                if !kind.is_empty() {
                    exception(kind, br#"{"message":"broke off"}"#, &mut frames);
                    self.chunk(&mut frames).await?;
                    self.stream.write_all(b"0\r\n\r\n").await.ok()?;
                }
                return None;
            }
            let delta = br#"{"contentBlockIndex":0,"delta":{"text":"word "},"p":"abc"}"#;
            event(EventType::ContentBlockDelta, delta, &mut frames);
            let at = begin + answer.ttft + Micros(u64::from(number) * answer.gap.0);
            if at > self.timer.clock().now() {
                self.timer.sleep_until(at).await;
            }
            self.chunk(&mut frames).await?;
        }
        event(
            EventType::ContentBlockStop,
            br#"{"contentBlockIndex":0}"#,
            &mut frames,
        );
        event(
            EventType::MessageStop,
            br#"{"stopReason":"end_turn"}"#,
            &mut frames,
        );
        let metadata = format!(
            r#"{{"usage":{{"inputTokens":10,"outputTokens":{0},"totalTokens":1}},"metrics":{{"latencyMs":1}}}}"#,
            answer.chunks
        );
        event(EventType::Metadata, metadata.as_bytes(), &mut frames);
        self.chunk(&mut frames).await?;
        self.stream.write_all(b"0\r\n\r\n").await.ok()
    }

    async fn chunk(&mut self, frames: &mut Vec<u8>) -> Option<()> {
        let mut out = format!("{:x}\r\n", frames.len()).into_bytes();
        out.append(frames);
        out.extend_from_slice(b"\r\n");
        self.stream.write_all(&out).await.ok()
    }
}
