//! The first attempt of a request whose moment is known: all of it is ready when that moment comes.

use super::call::{Seen, Wanted, Wired, call};
use super::drive::{drive, follow_up, later};
use super::gate::Gate;
use super::hub::{Finished, Go, Hub};
use super::talk::Said;
use crate::domain::Failure;
use crate::load::source::Arrival;
use crate::units::{Micros, Moment};
use std::pin::pin;
use std::sync::Arc;

/// How long before its moment a call is built and signed: several times what that takes.
pub(super) const LEAD: Micros = Micros(1_000);

/// One request of an open source, from the time at which it is built.
pub(super) async fn early(hub: Arc<Hub>, workload: usize, arrival: Arrival) {
    let due = arrival.at;
    let lane = hub.plan.lane(workload);
    let wanted = hub.wanted_early(workload, &arrival);
    let wired = Wired::new(lane, &wanted, &hub.blocks[workload]);
    let gate = Gate::default();
    let mut seen = Seen::new(due, &hub.gaps);
    let (id, request, worst, result, place) = {
        let calling = gate.before(call(&hub.client, hub.clock, lane, wired, None, &mut seen));
        let mut calling = pin!(calling);
        let mut sleep = pin!(hub.timer.sleep_until(due));
        let failed = tokio::select! {
            biased;
            result = &mut calling => Some(result),
            () = &mut sleep => None,
        };
        if failed.is_some() {
            sleep.await;
        }
        let Some(id) = hub.due_of(workload, None, &arrival, true) else {
            return;
        };
        let Ok(place) = hub.places.try_acquire() else {
            tokio::spawn(drive(Arc::clone(&hub), id, due));
            return;
        };
        let Go::Send(request, worst) = hub.go(id, due) else {
            drop(place);
            follow_up(&hub);
            return;
        };
        gate.open();
        let gives_up_at = hub.gives_up_at(&request);
        let result = match failed {
            Some(result) => result,
            None if gives_up_at == Moment::NEVER => calling.await,
            None => tokio::select! {
                biased;
                result = calling => result,
                () = hub.timer.sleep_until(gives_up_at) => Err(Failure::ClientTimeout),
            },
        };
        (id, request, worst, result, place)
    };
    let finished = Finished {
        request,
        worst,
        seen: &seen,
        result,
        is_hedge: false,
    };
    let again = hub.finished(id, &finished);
    drop(place);
    if let Some(at) = again {
        tokio::spawn(later(Arc::clone(&hub), id, at));
    } else {
        follow_up(&hub);
    }
}

impl Hub {
    /// Whether requests of open sources can be built ahead: what they say and where they go depends on nothing
    /// that happens until they are due, and each is one attempt at a time.
    pub(super) fn builds_ahead(&self) -> bool {
        let no_routes = self.lock().routers.is_empty();
        no_routes && self.plan.setup.client.hedge.is_none() && self.plan.sdk_retries.is_none()
    }

    /// A request is built ahead of its moment, and expected until [`Hub::due_of`] is told of it.
    pub(super) fn expect_one(&self) {
        self.lock().thinking += 1;
    }

    /// What the first attempt of a request of an open source has to say.
    fn wanted_early(&self, workload: usize, arrival: &Arrival) -> Wanted {
        let state = self.lock();
        Wanted {
            seq: arrival.seq,
            attempt: 1,
            input: arrival.input,
            output: arrival.output,
            prefix: arrival.prefix,
            said: Said::of(&state.sources[workload], arrival.seq, None),
        }
    }
}
