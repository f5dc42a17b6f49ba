//! One alarm that can be set again and again: a timer of the operating system where it has an exact
//! one, otherwise the runtime's.
//!
//! Timers of tokio lie on a wheel of one millisecond, and fire about one late. A `timerfd` is
//! late by some tens of microseconds.

#[cfg(target_os = "linux")]
pub(super) use linux::Alarm;
#[cfg(not(target_os = "linux"))]
pub(super) use other::Alarm;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::io::read;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;
    use tokio::io::unix::AsyncFd;

    /// A `timerfd`.
    pub(in super::super) struct Alarm(AsyncFd<OwnedFd>);

    impl Alarm {
        /// An alarm that is not set.
        #[expect(
            deprecated,
            reason = "`register` is unsafe because a type may lend a descriptor that it does not \
                      own; an `OwnedFd` owns its own"
        )]
        pub(in super::super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            Ok(Self(AsyncFd::new(timerfd_create(
                TimerfdClockId::Monotonic,
                flags,
            )?)?))
        }

        /// Sets it to go off after `delay`, instead of when it was set to before.
        pub(in super::super) fn set(&self, delay: Duration) {
            let zero = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let value = Timespec {
                tv_sec: i64::try_from(delay.as_secs()).unwrap_or(i64::MAX),
                // Zero would switch it off.
                tv_nsec: i64::from(delay.subsec_nanos().max(1)),
            };
            let spec = Itimerspec {
                it_interval: zero,
                it_value: value,
            };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &spec)
                .expect("the descriptor is a timer and the time is valid");
        }

        /// Waits until it goes off.
        pub(in super::super) async fn wait(&self) {
            loop {
                let Ok(mut guard) = self.0.readable().await else {
                    // The runtime is shutting down, and nobody waits any more.
                    return std::future::pending().await;
                };
                let mut count = [0u8; 8];
                let done = guard.try_io(|fd| Ok(read(fd.get_ref(), &mut count)?));
                if done.is_ok() {
                    return;
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::io;
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;
    use tokio::sync::Notify;
    use tokio::time::{Instant, sleep_until};

    /// A timer of the runtime.
    #[derive(Default)]
    pub(in super::super) struct Alarm {
        at: Mutex<Option<Instant>>,
        changed: Notify,
    }

    impl Alarm {
        /// An alarm that is not set.
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self::default())
        }

        /// Sets it to go off after `delay`, instead of when it was set to before.
        #[expect(clippy::disallowed_methods, reason = "the runtime's own clock")]
        pub(in super::super) fn set(&self, delay: Duration) {
            *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + delay);
            self.changed.notify_one();
        }

        /// Waits until it goes off.
        pub(in super::super) async fn wait(&self) {
            loop {
                let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(at) = at else {
                    self.changed.notified().await;
                    continue;
                };
                tokio::select! {
                    () = sleep_until(at) => {
                        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = None;
                        return;
                    }
                    () = self.changed.notified() => {}
                }
            }
        }
    }
}
