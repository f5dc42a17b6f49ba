//! `attempts.jsonl`, written by a thread of its own as the run goes.

use crate::measure::AttemptRecord;
use crate::results::{LiveMarks, attempt_line};
use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

/// Attempts that ended, each with its marks.
pub(super) type Batch = (Vec<AttemptRecord>, Vec<LiveMarks>);

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
            let mut out = BufWriter::with_capacity(1 << 16, out);
            let mut line = Vec::with_capacity(1 << 10);
            for (records, marks) in batches {
                for (record, marks) in records.iter().zip(&marks) {
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
