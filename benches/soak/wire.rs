//! Connections, and calls over them.

use super::Soak;
use super::ledger::{Dice, Outcome};
use bedload::wire::frame::{FrameError, FrameReader};
use bytes::Bytes;
use http::response::Parts;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::AbortHandle;

/// A connection on which calls are made; dropping one of HTTP/1.1 closes it at once.
pub enum Wire {
    One(
        http1::SendRequest<Full<Bytes>>,
        #[expect(dead_code, reason = "it acts when it is dropped")] Closing,
    ),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// Closes a connection by force.
pub struct Closing(AbortHandle);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Wire {
    /// Over HTTP/1.1. A reader who is to be slow has a small `window`.
    pub async fn one(soak: &Soak, window: Option<u32>) -> Option<Self> {
        let stream = connect(soak, window).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        let task = tokio::task::spawn_local(async move { drop(connection.await) });
        Some(Self::One(sender, Closing(task.abort_handle())))
    }

    /// Over HTTP/2; its clones share the connection.
    pub async fn two(soak: &Soak) -> Option<(http2::SendRequest<Full<Bytes>>, Closing)> {
        let stream = connect(soak, None).await?;
        let io = TokioIo::new(stream);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.ok()?;
        let task = tokio::task::spawn_local(async move { drop(connection.await) });
        Some((sender, Closing(task.abort_handle())))
    }

    /// Whether no more calls can be made on it.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::One(sender, _) => sender.is_closed(),
            Self::Two(sender) => sender.is_closed(),
        }
    }

    /// Waits until a call can be made.
    pub async fn is_ready(&mut self) -> bool {
        match self {
            Self::One(sender, _) => sender.ready().await.is_ok(),
            Self::Two(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Sends a request, whose answer begins.
    pub async fn send(
        &mut self,
        soak: &Soak,
        (method, path): (&str, &str),
        body: Bytes,
    ) -> hyper::Result<Response<Incoming>> {
        let request = Request::builder().method(method);
        let (request, uri) = match self {
            Self::One(..) => (request.header("host", &*soak.address), path.to_owned()),
            Self::Two(_) => (request, format!("http://{}{path}", soak.address)),
        };
        let request = request
            .uri(uri)
            .header("content-type", "application/json")
            .body(Full::new(body))
            .unwrap();
        match self {
            Self::One(sender, _) => sender.send_request(request).await,
            Self::Two(sender) => sender.send_request(request).await,
        }
    }
}

/// A connection to the server; `None` (and a complaint) where it takes none.
pub async fn connect(soak: &Soak, window: Option<u32>) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(bytes) = window {
        socket.set_recv_buffer_size(bytes).unwrap();
    }
    match socket.connect(soak.address.parse().unwrap()).await {
        Ok(stream) => {
            stream.set_nodelay(true).ok()?;
            Some(stream)
        }
        Err(error) => {
            let complaint = format!("the server takes no connection: {error}");
            soak.ledger.borrow_mut().complain(complaint);
            soak.pause(Duration::from_millis(100)).await;
            None
        }
    }
}

/// The type of event streams.
const EVENT_STREAM: &[u8] = b"application/vnd.amazon.eventstream";

/// A body as far as it came.
#[derive(Default)]
struct Taken {
    /// All bytes of an answer that is no stream.
    whole: Vec<u8>,
    reader: FrameReader,
    /// The last event's name.
    last: String,
    /// The exception that ended a stream.
    thrown: Option<String>,
}

impl Taken {
    /// Takes the next piece of a stream.
    fn push(&mut self, data: &[u8]) -> Result<(), FrameError> {
        self.reader.push(data);
        while let Some(frame) = self.reader.next_frame()? {
            self.thrown = frame.header(":exception-type").map(str::to_owned);
            let event = frame.header(":event-type").unwrap_or_default();
            event.clone_into(&mut self.last);
        }
        Ok(())
    }
}

/// Reads an answer to its end. A slow reader pauses after one piece in four hundred, for up to the
/// time given.
pub async fn read(
    soak: &Soak,
    answer: Response<Incoming>,
    path: &str,
    mut slow: Option<(Duration, &mut Dice)>,
) -> Outcome {
    let (head, mut body) = answer.into_parts();
    let kind = head.headers.get("content-type");
    let is_stream = kind.is_some_and(|kind| kind.as_bytes() == EVENT_STREAM);
    let mut taken = Taken::default();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            // Who is too slow is cut off, which the server counts as a client that left.
            return match slow {
                Some(_) => Outcome::Left,
                None => Outcome::ServerError,
            };
        };
        let data = frame.into_data().unwrap_or_default();
        if !is_stream {
            taken.whole.extend_from_slice(&data);
        } else if let Err(error) = taken.push(&data) {
            let complaint = format!("{path}: {error}");
            soak.ledger.borrow_mut().complain(complaint);
            return Outcome::ServerError;
        }
        if let Some((longest, dice)) = &mut slow
            && dice.below(400) == 0
        {
            soak.pause(dice.span(*longest)).await;
        }
    }
    match judge(&head, path, is_stream, &taken) {
        Ok(outcome) => outcome,
        Err((outcome, complaint)) => {
            let complaint = format!("{path}: {complaint}");
            soak.ledger.borrow_mut().complain(complaint);
            outcome
        }
    }
}

/// How a call ended whose answer came to its end, and what is wrong with the answer.
fn judge(
    head: &Parts,
    path: &str,
    is_stream: bool,
    taken: &Taken,
) -> Result<Outcome, (Outcome, String)> {
    if let Some(exception) = &taken.thrown {
        return Ok(match exception.as_str() {
            "throttlingException" => Outcome::Throttled,
            _ => Outcome::ServerError,
        });
    }
    if !head.status.is_success() {
        let kind = head.headers.get("x-amzn-errortype");
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        return of_error(kind.split(':').next().unwrap_or_default()).ok_or_else(|| {
            let text = String::from_utf8_lossy(&taken.whole);
            let complaint = format!("status {} without a known error: {text}", head.status);
            (Outcome::ServerError, complaint)
        });
    }
    let is_whole = if is_stream {
        let has_end = taken.last == "metadata" || !path.ends_with("/converse-stream");
        has_end && taken.reader.pending() == 0
    } else {
        serde_json::from_slice::<serde_json::Value>(&taken.whole).is_ok()
    };
    if is_whole {
        Ok(Outcome::Answered)
    } else {
        let complaint = "an answer that ended well is not whole".to_owned();
        Err((Outcome::Answered, complaint))
    }
}

/// The kind under which the server counts an error.
fn of_error(name: &str) -> Option<Outcome> {
    match name {
        "ThrottlingException" => Some(Outcome::Throttled),
        "ModelErrorException"
        | "ModelStreamErrorException"
        | "InternalServerException"
        | "ServiceUnavailableException" => Some(Outcome::ServerError),
        "ModelTimeoutException"
        | "ModelNotReadyException"
        | "ValidationException"
        | "SerializationException"
        | "ResourceNotFoundException"
        | "UnknownOperationException" => Some(Outcome::ClientError),
        _ => None,
    }
}
