//! `bedload serve`: the service brain behind the wire protocol of Bedrock Runtime.
//!
//! The shell holds the sockets and the clock, and decides nothing: `directory` finds the target that
//! a call names, `core` asks the service brain under a lock, `calls` and `body` wait and write. The
//! lock is held for as long as an admission or a settlement takes, never while bytes are read or
//! written.
//!
//! A server offers the workloads of one variant with the same targets, in the same order and under
//! the same names as a simulation of it, so that a call which brings its number meets the same draws.
//! Every other model of the catalogue is offered beside them.

mod admin;
mod body;
mod calls;
mod connection;
mod control;
mod core;
mod directory;
mod guarded;
mod handle;
mod metrics;
mod pacing;
mod shared;
mod tally;
mod tiers;

pub use admin::{STATE_JSON_SCHEMA, STATE_SCHEMA};

use crate::clock::{Clock, Timer};
use crate::sim::Serving;
use crate::wire::request::{AccessKey, MAX_BODY_BYTES};
use connection::{Phase, Source};
use shared::Shared;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How a server works.
#[derive(Clone)]
pub struct Options {
    /// Where it listens; port 0 takes one that is free.
    pub listen: SocketAddr,
    /// Threads that serve connections; at least 1.
    pub threads: usize,
    /// Whether requests must be signed with a known key, or carry a known token.
    pub verify: bool,
    /// The keys that are known.
    pub access_keys: Vec<AccessKey>,
    /// The bearer tokens that are known.
    pub bearer_tokens: Vec<String>,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// The largest head of a request, in bytes; at least 8,192.
    pub max_header: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// How long the head of a request may take to arrive, idle time before it inside.
    pub header_timeout: Duration,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long a reader may take nothing of what is sent to it.
    pub stall_timeout: Duration,
}

impl Default for Options {
    /// One thread on a free port of the loopback interface, and no verification.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            threads: 1,
            verify: false,
            access_keys: Vec::new(),
            bearer_tokens: Vec::new(),
            max_body: MAX_BODY_BYTES,
            max_header: 64 * 1024,
            max_connections: 10_000,
            header_timeout: Duration::from_mins(1),
            body_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_mins(1),
        }
    }
}

/// What a server did until it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls answered in full.
    pub invocations: u64,
    /// Calls refused with 429.
    pub throttles: u64,
    /// Calls refused with another error of the client's.
    pub client_errors: u64,
    /// Calls that met an error of the service.
    pub server_errors: u64,
    /// Calls whose client left before the end.
    pub abandoned: u64,
    /// Input tokens, cached ones apart.
    pub input: u64,
    /// Input tokens read from the cache.
    pub cache_read: u64,
    /// Input tokens written to the cache.
    pub cache_write: u64,
    /// Output tokens.
    pub output: u64,
}

/// A server that runs on threads of its own. Dropping it stops it at once.
pub struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts serving.
    ///
    /// # Errors
    /// If the address cannot be listened on, or the system refuses threads or timers.
    pub fn start(serving: Serving, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let threads = options.threads.max(1);
        let clock = Clock::begin();
        let core = Arc::new(core::Core::new(serving, clock));
        let shared = Arc::new(Shared::new(core, options));
        let (phase, watched) = watch::channel(Phase::Open);
        let (inboxes, outlets): (Vec<_>, Vec<_>) =
            (0..threads).map(|_| mpsc::unbounded_channel()).unzip();
        let mut server = Self {
            addr,
            shared,
            phase,
            threads: Vec::new(),
        };
        let mut accepting = Some((listener, inboxes));
        for (index, inbox) in outlets.into_iter().enumerate() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let (source, timer) = {
                let _guard = runtime.enter();
                let source = match accepting.take() {
                    Some((listener, inboxes)) => {
                        Source::Listener(tokio::net::TcpListener::from_std(listener)?, inboxes)
                    }
                    None => Source::Other,
                };
                (source, Timer::start(clock)?)
            };
            let work = connection::run(
                Arc::clone(&server.shared),
                timer,
                source,
                inbox,
                watched.clone(),
            );
            let thread = thread::Builder::new()
                .name(format!("serve-{index}"))
                .spawn(move || runtime.block_on(work))?;
            server.threads.push(thread);
        }
        Ok(server)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its address as clients take it.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What it has done so far, since the last reset.
    pub fn totals(&self) -> Totals {
        let mut all = tally::Tally::default();
        for tally in &self.shared.core.snapshot().tallies {
            all.merge(tally);
        }
        Totals {
            invocations: all.invocations,
            throttles: all.throttles,
            client_errors: all.client_errors,
            server_errors: all.server_errors,
            abandoned: all.abandoned,
            input: all.input,
            cache_read: all.cache_read,
            cache_write: all.cache_write,
            output: all.output,
        }
    }

    /// Takes no more connections from now on; answers under way have `grace` to end.
    pub fn close(&self, grace: Duration) {
        self.change(Phase::Closing(grace));
    }

    /// Whether all its threads have ended.
    pub fn has_ended(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Closes it, waits until it has ended, and says what it did. Without `grace` everything is
    /// dropped, even what an earlier [`Server::close`] left time for.
    pub fn stop(mut self, grace: Duration) -> Totals {
        if grace.is_zero() {
            self.change(Phase::Closed);
        } else {
            self.close(grace);
        }
        self.join();
        self.totals()
    }

    fn change(&self, phase: Phase) {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
        self.phase.send_replace(phase);
    }

    fn join(&mut self) {
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; there is nothing left to stop.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.change(Phase::Closed);
        self.join();
    }
}
