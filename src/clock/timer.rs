//! Many sleepers on one alarm.

use super::Clock;
use super::alarm::Alarm;
use crate::units::{Micros, Moment};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Wakes tasks at moments of a clock. Clones share one alarm.
#[derive(Clone)]
pub struct Timer(Arc<Inner>);

struct Inner {
    clock: Clock,
    alarm: Alarm,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    /// Moment and ticket of each sleeper, and of some that have gone.
    due: BinaryHeap<Reverse<(Moment, u64)>>,
    sleepers: FxHashMap<u64, Waker>,
    next_ticket: u64,
    /// When the alarm goes off; [`Moment::NEVER`] if it is not set.
    alarm_at: Moment,
}

/// The alarm is set early by this much where the processor has time to fall asleep before it, and what is
/// left is spun away: a virtual processor takes 50 to 100 microseconds to wake.
const HEAD_START: Micros = Micros(100);
/// From this wait on. It bounds what is spent on spinning to a sixth of the time of one processor.
const LONG_WAIT: Duration = Duration::from_micros(600);

/// Entries of sleepers that have gone are swept out when they are more than the others and this.
const SWEEP_FLOOR: usize = 4096;

impl Timer {
    /// A timer that works as long as the present runtime does.
    ///
    /// # Errors
    /// If the system has no more timers.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its drivers enabled.
    pub fn start(clock: Clock) -> io::Result<Self> {
        let inner = Arc::new(Inner {
            clock,
            alarm: Alarm::new()?,
            queue: Mutex::new(Queue {
                alarm_at: Moment::NEVER,
                ..Queue::default()
            }),
        });
        let driven = Arc::clone(&inner);
        tokio::spawn(async move {
            loop {
                driven.alarm.wait().await;
                driven.spin_to_due();
                driven.wake_due();
            }
        });
        Ok(Self(inner))
    }

    /// Sleeps until `at`; not at all if it has passed.
    pub fn sleep_until(&self, at: Moment) -> Sleep {
        Sleep {
            timer: self.clone(),
            at,
            ticket: None,
        }
    }

    /// The clock of its moments.
    pub fn clock(&self) -> Clock {
        self.0.clock
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits out what is left of a head start.
    fn spin_to_due(&self) {
        let first = self.lock().due.peek().map(|&Reverse((at, _))| at);
        let Some(first) = first else { return };
        if first.since(self.clock.now()) <= HEAD_START {
            while self.clock.now() < first {
                std::hint::spin_loop();
            }
        }
    }

    fn wake_due(&self) {
        let mut woken = Vec::new();
        let mut queue = self.lock();
        let now = self.clock.now();
        while let Some(&Reverse((at, ticket))) = queue.due.peek() {
            if at > now {
                break;
            }
            queue.due.pop();
            woken.extend(queue.sleepers.remove(&ticket));
        }
        queue.alarm_at = Moment::NEVER;
        self.set_alarm(&mut queue);
        drop(queue);
        for waker in woken {
            waker.wake();
        }
    }

    fn set_alarm(&self, queue: &mut Queue) {
        let Some(&Reverse((first, _))) = queue.due.peek() else {
            return;
        };
        if first < queue.alarm_at {
            queue.alarm_at = first;
            let wait = self.clock.until(first);
            let early = if wait >= LONG_WAIT {
                Duration::from_micros(HEAD_START.0)
            } else {
                Duration::ZERO
            };
            self.alarm.set(wait.saturating_sub(early));
        }
    }
}

/// A sleep: [`Timer::sleep_until`].
#[must_use = "a sleep that is not awaited does not sleep"]
pub struct Sleep {
    timer: Timer,
    at: Moment,
    ticket: Option<u64>,
}

impl Sleep {
    /// Sleeps until another moment from now on.
    pub fn reset(&mut self, at: Moment) {
        self.forget();
        self.at = at;
    }

    fn forget(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let mut queue = self.timer.0.lock();
            if queue.sleepers.remove(&ticket).is_some()
                && queue.due.len() > SWEEP_FLOOR.max(queue.sleepers.len() * 2)
            {
                let Queue { due, sleepers, .. } = &mut *queue;
                due.retain(|Reverse((_, ticket))| sleepers.contains_key(ticket));
            }
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let inner = Arc::clone(&self.timer.0);
        if self.at <= inner.clock.now() {
            self.forget();
            return Poll::Ready(());
        }
        let mut queue = inner.lock();
        if let Some(ticket) = self.ticket
            && let Some(waker) = queue.sleepers.get_mut(&ticket)
        {
            waker.clone_from(context.waker());
            return Poll::Pending;
        }
        let ticket = queue.next_ticket;
        queue.next_ticket += 1;
        queue.sleepers.insert(ticket, context.waker().clone());
        queue.due.push(Reverse((self.at, ticket)));
        inner.set_alarm(&mut queue);
        drop(queue);
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_runtime(work: impl AsyncFnOnce(Timer)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let timer = Timer::start(Clock::begin()).unwrap();
            work(timer).await;
        });
    }

    #[test]
    fn sleepers_wake_in_the_order_of_their_moments() {
        on_runtime(async |timer| {
            let order = Arc::new(Mutex::new(Vec::new()));
            let tasks: Vec<_> = [30u64, 10, 20]
                .map(|ms| {
                    let (timer, order) = (timer.clone(), Arc::clone(&order));
                    tokio::spawn(async move {
                        let at = Moment::ZERO + Micros::from_millis(ms);
                        timer.sleep_until(at).await;
                        assert!(timer.clock().now() >= at, "it woke before its moment");
                        order.lock().unwrap().push(ms);
                    })
                })
                .into();
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(*order.lock().unwrap(), [10, 20, 30]);
        });
    }

    #[test]
    fn a_dropped_sleep_leaves_nothing_behind_and_wakes_nobody() {
        on_runtime(async |timer| {
            for _ in 0..3 * SWEEP_FLOOR {
                let mut sleep = timer.sleep_until(Moment::ZERO + Micros::HOUR);
                std::future::poll_fn(|context| {
                    assert!(Pin::new(&mut sleep).poll(context).is_pending());
                    Poll::Ready(())
                })
                .await;
            }
            let queue = timer.0.lock();
            assert_eq!(queue.sleepers.len(), 0);
            assert!(queue.due.len() <= SWEEP_FLOOR + 1, "{}", queue.due.len());
        });
    }

    #[test]
    fn what_has_passed_is_not_slept_for() {
        on_runtime(async |timer| {
            timer.sleep_until(Moment::ZERO).await;
            assert!(timer.0.lock().sleepers.is_empty());
        });
    }
}
