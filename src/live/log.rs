//! `attempts.jsonl`, written by a thread of its own as the run goes.

use crate::measure::AttemptRecord;
use crate::results::{LiveMarks, attempt_line};
use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

/// Attempts that ended, each with its marks.
pub(super) type Batch = (Vec<AttemptRecord>, Vec<LiveMarks>);

/// A thread that shares the core of those that send lets them go first after so many lines; what takes
/// longer makes them late by a time slice, which is some milliseconds.
const LINES_IN_A_ROW: usize = 8;

/// The thread that writes.
pub(super) struct AttemptWriter {
    to: Sender<Batch>,
    thread: JoinHandle<io::Result<()>>,
}

impl AttemptWriter {
    /// Writes lines of `variant`, whose workloads have these names.
    pub(super) fn start(
        out: Box<dyn Write + Send>,
        variant: String,
        workloads: Vec<String>,
    ) -> Self {
        let (to, batches) = channel::<Batch>();
        let thread = std::thread::spawn(move || {
            step_back();
            let mut out = BufWriter::with_capacity(1 << 16, out);
            let mut line = Vec::with_capacity(1 << 10);
            for (records, marks) in batches {
                for (number, (record, marks)) in records.iter().zip(&marks).enumerate() {
                    if number % LINES_IN_A_ROW == 0 {
                        std::thread::yield_now();
                    }
                    line.clear();
                    attempt_line(
                        &mut line,
                        &variant,
                        &workloads[record.workload],
                        record,
                        Some(marks),
                    );
                    out.write_all(&line)?;
                }
                // Whole lines reach the file batch by batch, so that a kill leaves a readable one.
                out.flush()?;
            }
            out.flush()
        });
        Self { to, thread }
    }

    /// Hands on a batch. If the thread has failed, [`AttemptWriter::finish`] says why.
    pub(super) fn write(&self, batch: Batch) {
        let _ = self.to.send(batch);
    }

    /// Waits for the last line.
    pub(super) fn finish(self) -> io::Result<()> {
        drop(self.to);
        match self.thread.join() {
            Ok(written) => written,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Gives this thread the least of the processor that there is. A system that refuses leaves things as they
/// are.
fn step_back() {
    // On Linux a priority belongs to a thread.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19);
}
