//! One request through its attempts, and the tasks that drive all of them.

use super::call::{Seen, Wired, call};
use super::early::{LEAD, early};
use super::failure;
use super::hedge::{Leg, send_hedged};
use super::hub::{Again, Finished, Go, Hub};
use super::sdk_retries::AttemptLog;
use crate::domain::Failure;
use crate::load::session::SessionSource;
use crate::load::source::{Arrival, OpenSource, Source};
use crate::results::LiveMarks;
use crate::sim::Request;
use crate::units::{Micros, Moment};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::SemaphorePermit;

/// A first attempt that finds no place on the wire within this time is not sent.
const MOST_LATE: Micros = Micros::SECOND;

/// Requests that are started without a look at anything else.
const MOST_IN_A_ROW: u32 = 64;

/// Sends the requests of open sources at their moments; those that can be built ahead get their task before.
pub(super) async fn pace(hub: Arc<Hub>, mut sources: Vec<(usize, Starts)>) {
    let mut ahead: Vec<Option<Arrival>> = sources.iter_mut().map(|(_, one)| one.next()).collect();
    let mut stopping = hub.stopping.subscribe();
    let mut in_a_row = 0;
    let builds_ahead = hub.builds_ahead();
    let leads = sources.iter().map(|(_, source)| match source {
        Starts::Open(_) if builds_ahead => LEAD,
        Starts::Open(_) | Starts::Sessions(_) => Micros::ZERO,
    });
    let leads: Vec<Micros> = leads.collect();
    let start = |at: Moment, lead: Micros| Moment(at.0.saturating_sub(lead.0));
    loop {
        let next = ahead
            .iter()
            .enumerate()
            .filter_map(|(index, arrival)| Some((start(arrival.as_ref()?.at, leads[index]), index)))
            .min();
        let Some((at, index)) = next else { break };
        if hub.clock.now() < at {
            in_a_row = 0;
            tokio::select! {
                () = hub.timer.sleep_until(at) => {}
                _ = stopping.wait_for(|stop| *stop) => break,
            }
        } else if in_a_row == MOST_IN_A_ROW {
            // A backlog must not keep the answers waiting that would free places for it.
            in_a_row = 0;
            tokio::task::yield_now().await;
        } else if *stopping.borrow() {
            break;
        }
        in_a_row += 1;
        let (workload, source) = &mut sources[index];
        let Some(arrival) = std::mem::replace(&mut ahead[index], source.next()) else {
            break;
        };
        if leads[index] > Micros::ZERO {
            hub.expect_one();
            tokio::spawn(early(Arc::clone(&hub), *workload, arrival));
        } else if let Some(id) = hub.due(*workload, None, &arrival) {
            tokio::spawn(drive(Arc::clone(&hub), id, arrival.at));
        }
    }
    hub.lock().pacing_done = true;
    hub.idle.notify_one();
}

/// Requests that wait for no answer: those of open sources, and the first of each session.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one per workload, and a box would cost each start a jump"
)]
pub(super) enum Starts {
    Open(OpenSource),
    Sessions(SessionSource),
}

impl Starts {
    fn next(&mut self) -> Option<Arrival> {
        match self {
            Self::Open(open) => open.next(),
            Self::Sessions(sessions) => sessions.next_start(),
        }
    }
}

/// What starts without waiting; what is left makes closed loops.
pub(super) fn open_sources(sources: &[Source]) -> Vec<(usize, Starts)> {
    let open = sources
        .iter()
        .enumerate()
        .filter_map(|(index, source)| match source {
            Source::Open(open) => Some((index, Starts::Open(open.clone()))),
            Source::Sessions(sessions) => Some((index, Starts::Sessions(sessions.clone()))),
            Source::Closed(_) => None,
        });
    open.collect()
}

/// Starts tasks for what has become ready.
pub(super) fn follow_up(hub: &Arc<Hub>) {
    while let Some((id, due)) = next_ready(hub) {
        tokio::spawn(drive(Arc::clone(hub), id, due));
    }
}

/// Starts tasks for what has become ready but for one request that is due now, which is returned: the caller
/// has a task for it already, and a task costs as much as a good part of a call.
fn next_ready(hub: &Arc<Hub>) -> Option<(u32, Moment)> {
    let work = hub.take_work();
    let now = hub.clock.now();
    let mut mine = None;
    let mut start = |id, due| {
        if mine.is_none() {
            mine = Some((id, due));
        } else {
            tokio::spawn(drive(Arc::clone(hub), id, due));
        }
    };
    for id in work.ready {
        start(id, now);
    }
    for (id, at) in work.later {
        tokio::spawn(later(Arc::clone(hub), id, at));
    }
    for (workload, user, arrival) in work.users {
        if arrival.at > now {
            tokio::spawn(think(Arc::clone(hub), workload, user, arrival));
        } else if let Some(id) = hub.due(workload, Some(user), &arrival) {
            start(id, arrival.at);
        }
    }
    mine
}

async fn think(hub: Arc<Hub>, workload: usize, user: u32, arrival: Arrival) {
    hub.timer.sleep_until(arrival.at).await;
    match hub.due(workload, Some(user), &arrival) {
        Some(id) => {
            tokio::spawn(drive(Arc::clone(&hub), id, arrival.at));
        }
        None => follow_up(&hub),
    }
}

/// Starts tasks for what the client brain lets go as time passes.
pub(super) async fn keep_gate(hub: Arc<Hub>) {
    loop {
        let at = hub.next_wake();
        if at == Moment::NEVER {
            hub.held_back.notified().await;
            continue;
        }
        tokio::select! {
            () = hub.timer.sleep_until(at) => follow_up(&hub),
            () = hub.held_back.notified() => {}
        }
    }
}

/// The next attempt of a request that no task has in hand.
pub(super) async fn later(hub: Arc<Hub>, id: u32, at: Moment) {
    if let Some(due) = backoff(&hub, id, at).await {
        drive(hub, id, due).await;
    } else {
        follow_up(&hub);
    }
}

/// A request from its next attempt to its end, and then what its end made ready.
pub(super) async fn drive(hub: Arc<Hub>, id: u32, due: Moment) {
    let mut next = Some((id, due));
    while let Some((id, due)) = next {
        attempts(&hub, id, due).await;
        next = next_ready(&hub);
    }
}

/// One request from its next attempt to its end, or until the client brain holds it back.
async fn attempts(hub: &Arc<Hub>, id: u32, due: Moment) {
    let mut due = due;
    loop {
        let Some(place) = place(hub, id, due).await else {
            hub.crowded_out(id);
            return;
        };
        let again = send(hub, id, due).await;
        drop(place);
        let Some(at) = again else { return };
        let Some(at) = backoff(hub, id, at).await else {
            return;
        };
        due = at;
    }
}

/// Waits until the next attempt of `id` is due, first at `at`; `None` if the client brain holds it back then, or
/// has ended it.
async fn backoff(hub: &Arc<Hub>, id: u32, at: Moment) -> Option<Moment> {
    let mut at = at;
    loop {
        let mut stopping = hub.stopping.subscribe();
        tokio::select! {
            () = hub.timer.sleep_until(at) => {}
            _ = stopping.wait_for(|stop| *stop) => return Some(at),
        }
        match hub.again(id) {
            Again::Send => return Some(at),
            Again::At(next) => at = next,
            Again::Later => return None,
        }
    }
}

/// A place on the wire, or none in time.
async fn place(hub: &Hub, id: u32, due: Moment) -> Option<SemaphorePermit<'_>> {
    if let Ok(place) = hub.places.try_acquire() {
        return Some(place);
    }
    let waiting = hub.places.acquire();
    if hub.has_tried(id) {
        return waiting.await.ok();
    }
    tokio::select! {
        place = waiting => place.ok(),
        () = hub.timer.sleep_until(due + MOST_LATE) => None,
    }
}

/// One attempt; returns when the next is due, if there is to be one.
async fn send(hub: &Arc<Hub>, id: u32, due: Moment) -> Option<Moment> {
    // The prompt is ready before the clock of the attempt starts.
    let (index, lane, wanted) = hub.wanted(id);
    let workload = hub.plan.lane(lane);
    let wired = Wired::new(workload, &wanted, &hub.blocks[index]);
    let (mut request, worst) = match hub.go(id, due) {
        Go::Send(request, worst) => (request, worst),
        Go::Ended => return None,
    };
    if let Some(after) = hub.late_after(&request) {
        let leg = Leg {
            request,
            worst,
            due,
            is_hedge: false,
        };
        return send_hedged(hub, id, workload, (wanted, wired), leg, after).await;
    }
    let log = hub.plan.sdk_retries.map(|_| AttemptLog::new(hub.clock));
    let mut seen = Seen::new(due, &hub.gaps);
    let gives_up_at = hub.gives_up_at(&request);
    let result = {
        let calling = call(
            &hub.client,
            hub.clock,
            workload,
            wired,
            log.clone(),
            &mut seen,
        );
        if gives_up_at == Moment::NEVER {
            calling.await
        } else {
            let calling = pin!(calling);
            tokio::select! {
                biased;
                result = calling => result,
                () = hub.timer.sleep_until(gives_up_at) => Err(Failure::ClientTimeout),
            }
        }
    };
    if let Some(log) = log {
        note_sdk_attempts(hub, &mut request, &log);
    }
    let finished = Finished {
        request,
        worst,
        seen: &seen,
        result,
        is_hedge: false,
    };
    hub.finished(id, &finished)
}

/// Records the attempts that the SDK made; `request` becomes the last of them.
fn note_sdk_attempts(hub: &Hub, request: &mut Request, log: &AttemptLog) {
    let attempts = log.attempts();
    let Some((last, earlier)) = attempts.split_last() else {
        // It failed before anything was sent, which counts as an attempt all the same.
        hub.sdk_attempt(request, None);
        return;
    };
    for attempt in earlier {
        request.sent_at = attempt.sent_at;
        let failure = match attempt.status {
            Some(status) => failure::of_status(status, None, None),
            None => Failure::Connection,
        };
        hub.sdk_attempt(request, Some(failure));
        request.progress.attempts += 1;
    }
    request.sent_at = last.sent_at;
    hub.sdk_attempt(request, None);
}

impl Hub {
    /// Attempts that the SDK made before the last one of a call.
    fn sdk_attempt(&self, request: &Request, failure: Option<Failure>) {
        let (mut state, now) = self.at_now();
        if state.closed {
            return;
        }
        state.recorder.sent(request.sent_at, request, None);
        if let Some(failure) = failure {
            state.gauges.sent += 1;
            state.gauges.throttled += u64::from(matches!(failure, Failure::Throttled(_)));
            state.recorder.refused(now, request, failure);
            let marks = LiveMarks {
                due: request.sent_at,
                ..LiveMarks::default()
            };
            state.keep(marks);
        }
    }
}
