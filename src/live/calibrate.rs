//! What the client itself adds to a first token: calls of a server in this very process that
//! answers at once.

use super::call::{Seen, Wanted, Wired, call};
use super::plan::LiveWorkload;
use super::target::{ClientOptions, Target, connect};
use crate::clock::Timer;
use crate::load::source::Prefix;
use crate::measure::LatencyHistogram;
use crate::units::{Micros, Moment};
use crate::wire::frame::{EventType, event};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const CALLS: u32 = 200;
const FIRST_CALLS: u32 = 20;
const EVERY: Micros = Micros(2_000);
/// Tokens of a prompt: as small as a chat's.
const INPUT: u32 = 100;
/// The longest that a connection may stay silent; then the run is over or gone.
const SILENCE: Duration = Duration::from_secs(10);
/// The longest that all calls may take: many times what they do.
const PATIENCE: Duration = Duration::from_secs(5);

/// Calls the loopback at a low rate; `None` if it cannot be had, which is no reason not to run.
pub(super) async fn measure(timer: &Timer, like: &LiveWorkload) -> Option<LatencyHistogram> {
    let loopback = Loopback::start().ok()?;
    let calls = call_often(timer, like, loopback.at);
    tokio::time::timeout(PATIENCE, calls).await.ok()?
}

async fn call_often(
    timer: &Timer,
    like: &LiveWorkload,
    at: SocketAddr,
) -> Option<LatencyHistogram> {
    let target = Target::Url(format!("http://{at}"));
    let options = ClientOptions {
        sign: false,
        region: "us-east-1",
        // The loopback talks to one at a time.
        connections: 1,
        retries: None,
    };
    let client = connect(&target, options).await.ok()?.client;
    let workload = like.plain_stream();
    let pool = Arc::new(Mutex::new(LatencyHistogram::new()));
    let mut overhead = LatencyHistogram::new();
    let clock = timer.clock();
    let begin = clock.now();
    for number in 0..CALLS + FIRST_CALLS {
        timer
            .sleep_until(begin + Micros(EVERY.0 * u64::from(number)))
            .await;
        let wanted = Wanted {
            seq: u64::from(number),
            attempt: 1,
            input: INPUT,
            output: 1,
            prefix: Prefix::default(),
            said: None,
        };
        let wired = Wired::new(&workload, &wanted, &[]);
        let sent = clock.now();
        let mut seen = Seen::new(Moment::ZERO, &pool);
        call(&client, clock, &workload, wired, None, &mut seen)
            .await
            .ok()?;
        // The first calls open connections and warm caches.
        if number >= FIRST_CALLS {
            overhead.record(seen.marks.first_content?.since(sent));
        }
    }
    Some(overhead)
}

/// A server on a thread of its own, which serves one connection after the other.
struct Loopback {
    at: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl Loopback {
    fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let at = listener.local_addr()?;
        let answer = answer();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept()
                && !over.load(Ordering::Relaxed)
            {
                // Nobody waits for this thread: a broken connection is the end of that one.
                let _ = serve(stream, &answer);
            }
        });
        Ok(Self { at, is_over })
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // The thread looks up when somebody knocks.
        let _ = TcpStream::connect(self.at);
    }
}

fn serve(mut stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE))?;
    let mut held = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let length = loop {
            if let Some(length) = request_length(&held)
                && held.len() >= length
            {
                break length;
            }
            match stream.read(&mut buffer)? {
                0 => return Ok(()),
                read => held.extend_from_slice(&buffer[..read]),
            }
        };
        held.drain(..length);
        stream.write_all(answer)?;
    }
}

/// The length of the request at the head of `bytes`, once its headers are there.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let body = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Some(end + body.unwrap_or(0))
}

fn answer() -> Vec<u8> {
    let mut body = Vec::new();
    event(
        EventType::MessageStart,
        br#"{"role":"assistant"}"#,
        &mut body,
    );
    let delta = br#"{"contentBlockIndex":0,"delta":{"text":"yes"}}"#;
    event(EventType::ContentBlockDelta, delta, &mut body);
    event(
        EventType::ContentBlockStop,
        br#"{"contentBlockIndex":0}"#,
        &mut body,
    );
    event(
        EventType::MessageStop,
        br#"{"stopReason":"end_turn"}"#,
        &mut body,
    );
    let usage = br#"{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},"metrics":{"latencyMs":0}}"#;
    event(EventType::Metadata, usage, &mut body);
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.append(&mut body);
    answer
}
