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
