//! What `bedload run` reports of a service whose latency is known, against what the service itself measured in
//! the same run.

use super::process::{Awake, Bedload, in_real_time, on_core};
use super::scenario::Scenario;
use super::{CLIENT_CORE, Effort, SERVER_CORE, bare, completed_per_second, lateness};
use serde_json::Value;
use std::time::Duration;

/// The median and the 99th percentile, in milliseconds.
#[derive(Clone, Copy)]
struct Pair([f64; 2]);

impl Pair {
    fn of(value: &Value) -> Self {
        Self(["p50", "p99"].map(|key| value[key].as_f64().unwrap_or(f64::NAN)))
    }

    fn text(self) -> String {
        format!("{:.2} / {:.2}", self.0[0], self.0[1])
    }

    fn above(self, truth: Self) -> String {
        let above = [0, 1].map(|i| self.0[i] - truth.0[i]);
        format!("{:+.2} / {:+.2}", above[0], above[1])
    }
}

/// A row for each rate. Server and client run before whatever else wants their cores, and these do not fall
/// asleep, unless that is forbidden, or is to be `plain`: a kernel thread that takes a core for some milliseconds,
/// and a virtual core that takes as long to wake, would be measured with them.
pub fn table(effort: Effort, plain: bool) {
    println!("\nTTFT in ms, p50 / p99, of a server that answers after 50 ms and then every 5 ms");
    println!(
        "truth: from the arrival of a call at the server to the write of its first chunk, as the"
    );
    println!(
        "server measured it in the same run; adds: what the client reports above that, counted"
    );
    println!(
        "from the moment at which the call was due; bare: a loop on the AWS SDK with the same timer"
    );
    undisturbed(plain, || rows(effort));
}

/// Does `work` with real-time priority on cores that are kept awake, unless that is forbidden, or is to be `plain`.
pub fn undisturbed(plain: bool, work: impl FnOnce() + Send) {
    if plain {
        return work();
    }
    let _awake = [SERVER_CORE, CLIENT_CORE].map(Awake::keep);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            if in_real_time() {
                println!(
                    "server and clients have real-time priority, and their cores are kept awake"
                );
            }
            work();
        });
    });
}

fn rows(effort: Effort) {
    println!(
        "{:>7} {:>7} {:>15} {:>15} {:>15} {:>15} {:>15} {:>15} {:>13} {:>13} {:>11} {:>5}",
        "asked/s",
        "done/s",
        "run reports",
        "its truth",
        "run adds",
        "bare reports",
        "its truth",
        "bare adds",
        "gap",
        "send lag",
        "late <=",
        "valid"
    );
    let rates: &[(u32, u32)] = if effort.brief {
        &[(20, 1)]
    } else {
        // Slow ones take longer, for a 99th percentile needs a thousand of them.
        &[(20, 6), (100, 2), (500, 1), (1_000, 1), (2_000, 1)]
    };
    for &(rate, times) in rates {
        row(rate, effort.row * times);
    }
}

fn row(rate: u32, lasts: Duration) {
    let served = Scenario::served(50.0, 5.0, 16).serve(SERVER_CORE);
    let (summary, truth) = beside_truth(&served, rate, lasts, || {
        Scenario::open(rate, 16, lasts).run(served.url(), CLIENT_CORE)
    });
    let late = lateness(&served);
    let (bare, bare_truth) = beside_truth(&served, rate, lasts, || {
        Pair(bare::first_token_ms(CLIENT_CORE, served.url(), rate, lasts))
    });
    let variant = &summary["variants"][0];
    let run = Pair::of(&variant["ttft_ms"]);
    println!(
        "{rate:>7} {:>7.0} {:>15} {:>15} {:>15} {:>15} {:>15} {:>15} {:>13} {:>13} {:>11} {:>5}",
        completed_per_second(&summary),
        run.text(),
        truth.text(),
        run.above(truth),
        bare.text(),
        bare_truth.text(),
        bare.above(bare_truth),
        Pair::of(&variant["live"]["chunk_gap_ms"]).text(),
        Pair::of(&variant["live"]["send_lag_ms"]).text(),
        late,
        summary["valid"]
    );
}

/// What a client found, and what the server itself measured of the same calls but for the first fifth, which
/// the client leaves out too.
fn beside_truth<T>(
    served: &Bedload,
    rate: u32,
    lasts: Duration,
    client: impl FnOnce() -> T,
) -> (T, Pair) {
    served.reset();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            on_core(SERVER_CORE);
            let warm = u64::from(rate) * lasts.as_millis() as u64 / 5000;
            std::thread::sleep(lasts / 5);
            while served.state()["first_chunk_ms"]["count"].as_u64() < Some(warm) {
                std::thread::sleep(Duration::from_millis(20));
            }
            served.reset();
        });
        let found = client();
        (found, Pair::of(&served.state()["first_chunk_ms"]))
    })
}
