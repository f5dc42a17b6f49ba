//! The wall clock of the shells that work live, and timers that are exact to well below a
//! millisecond.

mod alarm;
mod timer;

pub use timer::{Sleep, Timer};

use crate::units::Moment;
use std::time::{Duration, Instant};

/// Wall time since a run or a server began, in the units of the brains. It never goes back.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that begins now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where live shells read a clock"
    )]
    pub fn begin() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Time since the beginning, in whole microseconds.
    #[inline]
    pub fn now(self) -> Moment {
        Moment(self.start.elapsed().as_micros() as u64)
    }

    /// From now to `at`; zero if it has passed.
    pub fn until(self, at: Moment) -> Duration {
        Duration::from_micros(at.0).saturating_sub(self.start.elapsed())
    }
}

/// Asks the system for memory in small pages from now on: it clears a huge one of 2 MiB at the moment of first
/// use, which stopped every timer of a process for 6 to 8 ms on a virtual machine.
pub fn avoid_huge_pages() {
    // Where that is refused, or unknown, timers are late now and then.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
