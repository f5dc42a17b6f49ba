//! An attempt whose first content is late, and the second one beside it.

use super::call::{Answered, Seen, Wanted, Wired, call};
use super::drive::follow_up;
use super::hub::{Finished, Hub, is_refusal};
use super::plan::LiveWorkload;
use crate::domain::Failure;
use crate::results::LiveMarks;
use crate::service::Grant;
use crate::sim::Request;
use crate::units::{Micros, Moment, Usd};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{Notify, SemaphorePermit};

type Calling<'a> = Pin<Box<dyn Future<Output = Result<Answered, Failure>> + Send + 'a>>;

/// An attempt that was sent.
pub(super) struct Leg {
    pub request: Request,
    pub worst: Usd,
    pub due: Moment,
    /// Whether it is the second one.
    pub is_hedge: bool,
}

/// What ended the wait for the first attempt.
enum Alone {
    Over(Result<Answered, Failure>),
    Heard,
    Late,
}

/// What ended the race of two attempts.
enum Raced {
    /// The first attempt has content, or even its answer.
    FirstLeads(Option<Answered>),
    SecondLeads(Option<Answered>),
    FirstFailed(Failure),
    SecondFailed(Failure),
}

/// Makes the call of `leg`, and a second one if after the span `after` it has no content; returns when the next
/// attempt is due, if there is to be one.
pub(super) async fn send_hedged(
    hub: &Arc<Hub>,
    id: u32,
    workload: &LiveWorkload,
    (wanted, wired): (Wanted, Wired),
    leg: Leg,
    after: Micros,
) -> Option<Moment> {
    let heard = Arc::new(Notify::new());
    let mut seen = Seen::new(leg.due, &hub.gaps).telling(&heard);
    let mut first = calling(hub, workload, wired, &mut seen, &leg.request);
    let late_at = leg.request.sent_at + after;
    let alone = tokio::select! {
        biased;
        result = &mut first => Alone::Over(result),
        () = heard.notified() => Alone::Heard,
        () = hub.timer.sleep_until(late_at) => Alone::Late,
    };
    let hedge = match alone {
        Alone::Over(result) => {
            drop(first);
            return finish(hub, id, &leg, &seen, result);
        }
        Alone::Heard => None,
        Alone::Late => hedge(hub, id),
    };
    let Some((place, worst)) = hedge else {
        let result = first.await;
        return finish(hub, id, &leg, &seen, result);
    };
    let attempt = leg.request.progress.attempts + 1;
    let wanted = Wanted { attempt, ..wanted };
    let wired = Wired::new(workload, &wanted, &hub.blocks[leg.request.workload]);
    let second_leg = Leg {
        request: hub.hedge_sent(id, late_at),
        worst,
        due: late_at,
        is_hedge: true,
    };
    let heard_too = Arc::new(Notify::new());
    let mut seen_too = Seen::new(late_at, &hub.gaps).telling(&heard_too);
    let mut second = calling(hub, workload, wired, &mut seen_too, &second_leg.request);
    let raced = tokio::select! {
        biased;
        result = &mut first => match result {
            Ok(answered) => Raced::FirstLeads(Some(answered)),
            Err(failure) => Raced::FirstFailed(failure),
        },
        result = &mut second => match result {
            Ok(answered) => Raced::SecondLeads(Some(answered)),
            Err(failure) => Raced::SecondFailed(failure),
        },
        () = heard.notified() => Raced::FirstLeads(None),
        () = heard_too.notified() => Raced::SecondLeads(None),
    };
    // A call that is dropped closes its stream.
    match raced {
        Raced::FirstLeads(answered) => {
            drop(second);
            over(hub, id, &second_leg, &seen_too, None);
            drop(place);
            let result = rest(first, answered).await;
            finish(hub, id, &leg, &seen, result)
        }
        Raced::SecondFailed(failure) => {
            drop(second);
            over(hub, id, &second_leg, &seen_too, Some(failure));
            drop(place);
            let result = first.await;
            finish(hub, id, &leg, &seen, result)
        }
        Raced::SecondLeads(answered) => {
            drop(first);
            over(hub, id, &leg, &seen, None);
            let result = rest(second, answered).await;
            finish(hub, id, &second_leg, &seen_too, result)
        }
        Raced::FirstFailed(failure) => {
            drop(first);
            over(hub, id, &leg, &seen, Some(failure));
            let result = second.await;
            finish(hub, id, &second_leg, &seen_too, result)
        }
    }
}

/// The call of an attempt, until the client's clock runs out on it.
fn calling<'a>(
    hub: &'a Hub,
    workload: &'a LiveWorkload,
    wired: Wired,
    seen: &'a mut Seen,
    request: &Request,
) -> Calling<'a> {
    let gives_up_at = hub.gives_up_at(request);
    Box::pin(async move {
        let calling = call(&hub.client, hub.clock, workload, wired, None, seen);
        tokio::select! {
            biased;
            result = calling => result,
            () = hub.timer.sleep_until(gives_up_at), if gives_up_at < Moment::NEVER => {
                Err(Failure::ClientTimeout)
            }
        }
    })
}

/// What is left of a call that leads, if it has not come to its end yet.
async fn rest(calling: Calling<'_>, answered: Option<Answered>) -> Result<Answered, Failure> {
    match answered {
        Some(answered) => Ok(answered),
        None => calling.await,
    }
}

/// A place on the wire and what is set aside for a second attempt of `id`, if it may be sent.
fn hedge(hub: &Hub, id: u32) -> Option<(SemaphorePermit<'_>, Usd)> {
    let place = hub.places.try_acquire().ok()?;
    let worst = hub.may_hedge(id)?;
    Some((place, worst))
}

/// One of two attempts is over: cancelled, or failed.
fn over(hub: &Arc<Hub>, id: u32, leg: &Leg, seen: &Seen, failure: Option<Failure>) {
    hub.hedge_over(id, leg, seen.marks, failure);
    follow_up(hub);
}

fn finish(
    hub: &Hub,
    id: u32,
    leg: &Leg,
    seen: &Seen,
    result: Result<Answered, Failure>,
) -> Option<Moment> {
    let finished = Finished {
        request: leg.request,
        worst: leg.worst,
        seen,
        result,
        is_hedge: leg.is_hedge,
    };
    hub.finished(id, &finished)
}

impl Hub {
    /// After how long the attempt of `request`, which was just sent, is late; `None` if it is never hedged.
    pub(super) fn late_after(&self, request: &Request) -> Option<Micros> {
        self.plan.setup.client.hedge?;
        if !self.plan.workloads[request.workload].stream {
            return None;
        }
        let progress = &request.progress;
        self.lock().injector.hedge_after(progress, request.workload)
    }

    /// The attempt of `id` is late: what is set aside for a second one, if it may be sent.
    fn may_hedge(&self, id: u32) -> Option<Usd> {
        let (mut state, now) = self.at_now();
        if state.closed || state.stopping {
            return None;
        }
        let worst = state.set_aside(id)?;
        let ask = state.ask(id);
        let intended = state.requests[id].intended;
        if state.injector.may_hedge(now, intended, &ask) {
            return Some(worst);
        }
        state.settle(worst, Usd::ZERO);
        None
    }

    /// The second attempt of `id`, late since `late_at`, goes on the wire.
    fn hedge_sent(&self, id: u32, late_at: Moment) -> Request {
        let (mut state, now) = self.at_now();
        let request = &mut state.requests[id];
        request.progress.attempts += 1;
        request.progress.hedges += 1;
        let hedge = Request {
            sent_at: now,
            ..*request
        };
        if !state.closed {
            state.recorder.hedged(&hedge);
            state.recorder.sent(now, &hedge, None);
            state.gauges.went_out(now, late_at);
        }
        hedge
    }

    /// One of the two attempts of `id` is over, and the other goes on: it failed, or was cancelled (`None`)
    /// because the other has the first content.
    fn hedge_over(&self, id: u32, leg: &Leg, marks: LiveMarks, failure: Option<Failure>) {
        let (mut state, now) = self.at_now();
        if state.closed {
            return;
        }
        state.gauges.open -= 1;
        let mut request = leg.request;
        request.grant = Grant::default();
        let refused = failure.is_some_and(is_refusal);
        match failure {
            Some(failure) => state.recorder.refused(now, &request, failure),
            None => state.recorder.cancelled(now, &request, 0),
        }
        state.keep(marks);
        if failure.is_none() && !leg.is_hedge {
            let waited = now.since(request.sent_at);
            state.recorder.hedge_won(&request);
            state
                .injector
                .heard_first_token(&request.progress, request.workload, waited);
        }
        let spent = if refused { Usd::ZERO } else { leg.worst };
        state.settle(leg.worst, spent);
        let throttled = matches!(failure, Some(Failure::Throttled(_)));
        state.gauges.unaccounted += u64::from(!refused);
        state.gauges.throttled += u64::from(throttled);
        let progress = state.requests[id].progress;
        state.injector.hedge_over(now, &progress, failure);
    }
}
