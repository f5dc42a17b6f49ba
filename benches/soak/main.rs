//! Soak and chaos: `bedload serve` under everything that clients do to a server, for a long time.
//!
//! ```text
//! cargo bench --bench soak          # ten minutes
//! cargo bench --bench soak -- 60    # an hour
//! ```
//!
//! The server is the program itself, with quotas small enough that a good share of the calls is
//! refused, a prompt cache, thirteen kinds of faults at small shares, and short timeouts. At once
//! it meets:
//!
//! - calls of `Converse`, `ConverseStream`, `InvokeModel` and its streaming sister over HTTP/1.1 and
//!   HTTP/2, each answer read to its end and checked;
//! - clients that leave at a random moment: before the answer, or in the middle of it;
//! - readers who pause for seconds, some of them longer than the server waits for them;
//! - bytes that are no HTTP, bodies that break off or never come, bodies and heads that are too
//!   large, connections that stay silent, bodies that are no JSON, paths that do not exist;
//! - operators who read the state and the metrics all the time, and switch faults, quotas, and now
//!   and then the whole server back to its start.
//!
//! Every second it notes the server's memory and descriptors, every ten seconds it prints a line. The
//! run fails if
//!
//! - the server ends, prints a panic, or does not end by itself when it is asked to;
//! - a client is answered otherwise than it should be, or a silent one is not turned out;
//! - memory grows: the median of the last fifth is above that of the second fifth by more than
//!   15 % + 4 MiB (the first fifth is warm-up; runs of a minute or more);
//! - descriptors do not come back to the idle count within ten seconds after all clients have left;
//! - buckets do not conserve: calls in flight, or tokens reserved, when nobody is there any more, or
//!   more tokens available than the limit at any moment;
//! - the tallies since the last reset do not add up, kind by kind: calls that clients saw end, plus at
//!   most those that they left or that the reset overtook.
//!
//! Without `--bench`, as `cargo test` calls it, all of this happens within a few seconds.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod callers;
mod ledger;
mod operators;
#[path = "../common/process.rs"]
#[expect(dead_code, reason = "other benchmarks need more of it")]
mod process;
mod scenario;
mod vandals;
mod verdict;
mod watch;
mod wire;

use ledger::Ledger;
use process::Bedload;
use scenario::Effort;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, LocalSet};
use watch::Watch;

/// What every client knows.
#[derive(Clone)]
pub struct Soak {
    /// Host and port of the server.
    pub address: Rc<str>,
    /// What clients saw.
    pub ledger: Rc<RefCell<Ledger>>,
    /// How long and how hard the server is driven.
    pub effort: Effort,
    /// When the first clients began.
    pub began: Instant,
}

impl Soak {
    /// Whether the time is up, so that nothing new is begun.
    pub fn is_over(&self) -> bool {
        self.began.elapsed() >= self.effort.length
    }

    /// Sleeps, but not beyond the end.
    pub async fn pause(&self, span: Duration) {
        let left = self.effort.length.saturating_sub(self.began.elapsed());
        tokio::time::sleep(span.min(left)).await;
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let minutes = words.iter().find_map(|word| word.parse::<f64>().ok());
    let effort = if words.iter().any(|word| word == "--bench") {
        Effort::full(Duration::from_secs_f64(60.0 * minutes.unwrap_or(10.0)))
    } else {
        Effort::brief()
    };
    let log = scenario::log_file();
    let mut server = scenario::serve(effort, &log);
    // The first answer makes what a server has for its whole life.
    let asked = server.ask("state");
    asked.expect("a server that has just begun answers");
    std::thread::sleep(Duration::from_millis(200));
    let idle = server.descriptors();
    println!(
        "{} for {:.1} min: {:.1} MiB and {idle} descriptors when idle",
        server.url(),
        effort.length.as_secs_f64() / 60.0,
        server.rss_mib()
    );
    let soak = Soak {
        address: server.address().into(),
        ledger: Rc::new(RefCell::new(Ledger::default())),
        effort,
        began: Instant::now(),
    };
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let watch = LocalSet::new().block_on(&runtime, drive(&soak, &mut server));
    // With it go the connections of clients that had ended.
    drop(runtime);
    let ledger = soak.ledger.borrow();
    println!("\n{}", ledger.table());
    let faults = verdict::faults(&mut server, &ledger, &watch, effort, (idle, &log));
    for fault in &faults {
        println!("FAILED: {fault}");
    }
    assert!(faults.is_empty(), "{} checks failed", faults.len());
    println!("all checks passed");
}

/// Sets all clients on the server, and watches it until they are done.
async fn drive(soak: &Soak, server: &mut Bedload) -> Watch {
    let mut clients: Vec<JoinHandle<()>> = Vec::new();
    callers::start(soak, &mut clients);
    vandals::start(soak, &mut clients);
    operators::start(soak, &mut clients);
    let mut watch = Watch::default();
    let mut ticks = tokio::time::interval(soak.effort.sample);
    while !soak.is_over() && server.ended().is_none() {
        ticks.tick().await;
        watch.sample(server, soak);
    }
    for client in clients {
        let complaint = match tokio::time::timeout(soak.effort.patience, client).await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => format!("a client broke: {error}"),
            Err(_) => "a client still waits long after the end".to_owned(),
        };
        soak.ledger.borrow_mut().complain(complaint);
    }
    watch
}
