//! Connections: accepted, bounded, served, and closed when the server stops.

use super::handle::handle;
use super::shared::{Shared, Worker};
use crate::clock::Timer;
use crate::wire::reply::ErrorReply;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::future::Future;
use std::io;
use std::net;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Sleep, sleep, timeout};

/// What a server is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Serve.
    Open,
    /// Take no more connections, and let the answers under way end within this time.
    Closing(Duration),
    /// Drop everything.
    Closed,
}

/// Where a thread gets its connections from.
pub(super) enum Source {
    /// It accepts them and hands each thread its share; its own go through its own inbox too.
    Listener(TcpListener, Vec<mpsc::UnboundedSender<net::TcpStream>>),
    /// Another thread accepts them.
    Other,
}

/// Runs one thread of a server until it is to stop.
pub(super) async fn run(
    shared: Arc<Shared>,
    timer: Timer,
    source: Source,
    mut inbox: mpsc::UnboundedReceiver<net::TcpStream>,
    mut phase: watch::Receiver<Phase>,
) {
    let worker = Arc::new(Worker { shared, timer });
    let builder = Arc::new(builder(&worker.shared));
    if let Source::Listener(listener, inboxes) = source {
        tokio::spawn(accept(
            listener,
            inboxes,
            Arc::clone(&worker.shared),
            phase.clone(),
        ));
    }
    // Every connection keeps a sender; when all are gone, the thread has nothing left to do.
    let (open, mut none_open) = mpsc::channel::<()>(1);
    loop {
        tokio::select! {
            changed = phase.changed() => {
                if changed.is_err() || *phase.borrow() != Phase::Open {
                    break;
                }
            }
            stream = inbox.recv() => {
                let Some(stream) = stream else { break };
                let (worker, builder) = (Arc::clone(&worker), Arc::clone(&builder));
                tokio::spawn(connection(worker, builder, stream, phase.clone(), open.clone()));
            }
        }
    }
    drop(open);
    drain(&mut phase, &mut none_open).await;
}

/// Waits until all connections have ended, their time is up, or the server is to stop at once.
async fn drain(phase: &mut watch::Receiver<Phase>, none_open: &mut mpsc::Receiver<()>) {
    let now = *phase.borrow();
    let Phase::Closing(grace) = now else { return };
    tokio::select! {
        _ = timeout(grace, none_open.recv()) => {}
        _ = phase.wait_for(|phase| *phase == Phase::Closed) => {}
    }
}

fn builder(shared: &Shared) -> Builder<TokioExecutor> {
    let limits = &shared.options;
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.max_header)
        .max_headers(MAX_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits.max_header as u32)
        .max_concurrent_streams(MAX_STREAMS)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(limits.header_timeout);
    builder
}

/// Headers of one request; the SDKs send about fifteen.
const MAX_HEADERS: usize = 100;
/// Requests at once on one connection of HTTP/2.
const MAX_STREAMS: u32 = 1000;
/// Bytes that one stream of HTTP/2 may have written and not sent.
const SEND_BUFFER: usize = 32 * 1024;
/// How long to wait when the system has no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

async fn accept(
    listener: TcpListener,
    inboxes: Vec<mpsc::UnboundedSender<net::TcpStream>>,
    shared: Arc<Shared>,
    mut phase: watch::Receiver<Phase>,
) {
    let mut turns = inboxes.iter().cycle();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = phase.changed() => return,
        };
        let Ok((stream, _)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let open = shared.connections.fetch_add(1, Ordering::Relaxed);
        if open >= shared.options.max_connections {
            tokio::spawn(turn_away(stream));
            shared.connections.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let handed = stream.into_std().ok().zip(turns.next());
        let handed = handed.and_then(|(stream, inbox)| inbox.send(stream).ok());
        if handed.is_none() {
            shared.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Answers that there are too many connections, and closes this one.
async fn turn_away(mut stream: TcpStream) {
    let error = ErrorReply::too_many_connections();
    let mut body = Vec::new();
    error.write_body(&mut body);
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nx-amzn-errortype: {}\r\nconnection: close\r\n\r\n",
        body.len(),
        error.error_type()
    )
    .into_bytes();
    answer.append(&mut body);
    let told = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await
    };
    // Who does not listen is not told.
    let _ = timeout(Duration::from_secs(1), told).await;
}

/// Counts a connection as long as it is open.
struct Open(Arc<Worker>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.shared.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connection(
    worker: Arc<Worker>,
    builder: Arc<Builder<TokioExecutor>>,
    stream: net::TcpStream,
    mut phase: watch::Receiver<Phase>,
    _open: mpsc::Sender<()>,
) {
    let _counted = Open(Arc::clone(&worker));
    let Ok(stream) = TcpStream::from_std(stream) else {
        return;
    };
    // Chunks are small, and each is to arrive when it is due.
    let _ = stream.set_nodelay(true);
    let stall = worker.shared.options.stall_timeout;
    let stream = TokioIo::new(Patient {
        stream,
        stall,
        stalled: None,
        silent: Some(Box::pin(sleep(worker.shared.options.header_timeout))),
        heard: 0,
    });
    let service = {
        let worker = Arc::clone(&worker);
        service_fn(move |request| handle(Arc::clone(&worker), request))
    };
    let mut serving = pin!(builder.serve_connection(stream, service));
    let stop = phase.wait_for(|phase| *phase != Phase::Open);
    let mut stop = pin!(stop);
    let mut is_stopping = false;
    let mut watched = false;
    let flag = &worker.shared.is_stopping;
    let ended = std::future::poll_fn(|cx| {
        // The watch is asked once, which registers this task, and then only when it has changed.
        if !is_stopping && (!watched || flag.load(Ordering::Relaxed)) {
            watched = true;
            if stop.as_mut().poll(cx).is_ready() {
                is_stopping = true;
                serving.as_mut().graceful_shutdown();
            }
        }
        serving.as_mut().poll(cx)
    })
    .await;
    if ended.is_err() {
        let broken = &worker.shared.broken_connections;
        broken.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection whose other side may neither be silent nor take nothing for ever.
struct Patient {
    stream: TcpStream,
    stall: Duration,
    /// Set while the other side takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Set until enough has come to tell the version of HTTP; from then on hyper keeps the time.
    silent: Option<Pin<Box<Sleep>>>,
    heard: usize,
}

/// The bytes with which a connection of HTTP/2 begins.
const PREFACE: usize = 24;

impl Patient {
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let Some(silent) = &mut self.silent else {
            return read;
        };
        if read.is_ready() {
            self.heard += buffer.filled().len() - before;
            if self.heard >= PREFACE {
                self.silent = None;
            }
            return read;
        }
        ready!(silent.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
