//! Requests with two attempts on their way: the first, which was late, and its hedge.
//!
//! The hedge has a place of its own among the requests, as their twin, until one of the two shows a first
//! token or fails. What is left of the pair is then in the place of the request itself, so that nothing
//! else in the engine knows of twins.

use super::{Engine, RunSetup};
use crate::client::Progress;
use crate::domain::Failure;
use crate::sim::queue::Class;
use crate::units::{Micros, Moment};

/// Which requests race.
pub(super) struct Pairs {
    /// By place among the requests.
    standing: Vec<Standing>,
    /// By workload.
    streams: Vec<bool>,
}

/// How a place among the requests takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// It does not.
    #[default]
    Alone,
    /// Its attempt is late, and this is the place of the hedge.
    Late(u32),
    /// It is the hedge of the request in this place.
    Hedge(u32),
    /// Its hedge is over: the number after that of its attempt is taken.
    Outlived,
    /// Its attempt was the hedge.
    Replaced,
}

impl Pairs {
    pub(super) fn new(setup: &RunSetup) -> Self {
        Self {
            standing: Vec::new(),
            streams: setup.workloads.iter().map(|one| one.stream).collect(),
        }
    }

    fn of(&self, id: u32) -> Standing {
        let standing = self.standing.get(id as usize);
        standing.copied().unwrap_or_default()
    }

    fn set(&mut self, id: u32, standing: Standing) {
        let place = id as usize;
        if self.standing.len() <= place {
            if standing == Standing::Alone {
                return;
            }
            self.standing.resize(place + 1, Standing::Alone);
        }
        self.standing[place] = standing;
    }
}

impl Engine {
    fn standing(&self, id: u32) -> Standing {
        self.pairs
            .as_ref()
            .map_or(Standing::Alone, |pairs| pairs.of(id))
    }

    fn set_standing(&mut self, id: u32, standing: Standing) {
        if let Some(pairs) = &mut self.pairs {
            pairs.set(id, standing);
        }
    }

    /// After how long the attempt of `id`, which was just sent, is late.
    pub(super) fn late_after(&mut self, id: u32) -> Option<Micros> {
        let request = &self.requests[id];
        let (progress, workload) = (request.progress, request.workload);
        let pairs = self.pairs.as_ref()?;
        // What a classifier says is short, and waited for as a whole.
        if !pairs.streams[workload] || self.lanes[request.lane()].classifier.is_some() {
            return None;
        }
        self.injector.hedge_after(&progress, workload)
    }

    /// Schedules the moment at which the attempt of `id` is late, unless its first token comes before.
    pub(super) fn expect_late(&mut self, id: u32, after: Micros) {
        let request = &self.requests[id];
        let late_at = request.sent_at + after;
        if late_at < self.first_seen_at(id).unwrap_or(Moment::NEVER) {
            self.push(late_at, Class::Hedge, id);
        }
    }

    /// When the client sees the first token of the attempt of `id`, if it ever does.
    fn first_seen_at(&self, id: u32) -> Option<Moment> {
        let grant = &self.requests[id].grant;
        let fails = grant.refused.is_some() || matches!(grant.failure(), Some((0, _)));
        (!fails).then(|| {
            let seen = grant.first_seen_at();
            grant.done_at.map_or(seen, |done_at| seen.min(done_at))
        })
    }

    /// The attempt of `id` is late: a second one is sent, if the client brain allows it.
    pub(super) fn late(&mut self, now: Moment, id: u32) {
        if self.standing(id) != Standing::Alone {
            return;
        }
        let ask = self.ask(id);
        let intended = self.requests[id].intended;
        if !self.injector.may_hedge(now, intended, &ask) {
            return;
        }
        self.requests[id].progress.hedges += 1;
        let hedge = self.requests.twin(id, self.queue.next_serial());
        self.recorder.hedged(&self.requests[id]);
        self.set_standing(id, Standing::Late(hedge));
        self.set_standing(hedge, Standing::Hedge(id));
        match self.send(now, hedge) {
            Ok(()) => {
                self.expect(hedge);
                self.expect_first_token(now, id);
                self.expect_first_token(now, hedge);
            }
            Err(failure) => self.one_failed(now, hedge, failure),
        }
    }

    /// Schedules the end of a race where no other event would be its end.
    fn expect_first_token(&mut self, now: Moment, id: u32) {
        let shares_units = self.requests[id].grant.done_at.is_none();
        if !shares_units && let Some(seen_at) = self.first_seen_at(id) {
            self.push(seen_at.max(now), Class::Hedge, id);
        }
    }

    /// Takes an event of an attempt that races; `false` if it does not, and the event is one like others.
    pub(super) fn raced(&mut self, now: Moment, id: u32, class: Class) -> bool {
        let request_id = match self.standing(id) {
            Standing::Late(_) => id,
            Standing::Hedge(of) => of,
            // What is left of a race shows its first token to nobody who waits for it.
            Standing::Outlived | Standing::Replaced => return class == Class::Hedge,
            Standing::Alone => return false,
        };
        match class {
            Class::Done => self.race_done(now, id, request_id),
            Class::GiveUp => {
                let request = &self.requests[id];
                let (lane, grant) = (request.lane(), &request.grant);
                let produced = self.endpoint.cut_short(now, lane, grant);
                self.endpoint.settle(now, lane, grant, produced);
                let failure = Failure::ClientTimeout;
                self.recorder.abandoned(now, request, produced, failure);
                self.one_failed(now, id, failure);
            }
            Class::FirstToken => {
                if self.first_seen_at(id).is_none() {
                    let request = &self.requests[id];
                    self.endpoint.cut_short(now, request.lane(), &request.grant);
                    self.race_fails(now, id);
                    return true;
                }
                self.first_token(now, id);
                // A hedge that has won has its first token again, in the place of its request.
                if id == request_id {
                    let request = &mut self.requests[id];
                    let lane = request.lane();
                    self.endpoint
                        .start_stream(now, lane, &mut request.grant, id);
                }
            }
            Class::Hedge => self.first_token(now, id),
            Class::Wake | Class::Retry | Class::Gate | Class::Due => {}
        }
        true
    }

    /// An attempt that races has come to its end.
    fn race_done(&mut self, now: Moment, id: u32, request_id: u32) {
        if self.first_seen_at(id).is_some() {
            // Its first token is its last, or as good as that.
            self.first_token(now, id);
            self.answered(now, request_id);
        } else {
            self.race_fails(now, id);
        }
    }

    /// An attempt that races ends without a token.
    fn race_fails(&mut self, now: Moment, id: u32) {
        let request = &self.requests[id];
        self.endpoint.settle(now, request.lane(), &request.grant, 0);
        let failure = match (request.grant.refused, request.grant.failure()) {
            (Some(failure), _) => {
                self.recorder.refused(now, request, failure);
                failure
            }
            (None, Some((_, failure))) => {
                self.recorder.abandoned(now, request, 0, failure);
                failure
            }
            (None, None) => return,
        };
        self.one_failed(now, id, failure);
    }

    /// The first token of one of two attempts has come: the other is cancelled.
    fn first_token(&mut self, now: Moment, id: u32) {
        match self.standing(id) {
            Standing::Late(hedge) => {
                self.cancel(now, hedge);
                self.drop_hedge(id, hedge);
            }
            Standing::Hedge(of) => {
                let late = &self.requests[of];
                let (progress, workload) = (late.progress, late.workload);
                let waited = now.since(late.sent_at);
                self.injector.heard_first_token(&progress, workload, waited);
                self.cancel(now, of);
                self.replace_by_hedge(of, id);
                self.recorder.hedge_won(&self.requests[of]);
            }
            Standing::Alone | Standing::Outlived | Standing::Replaced => {}
        }
    }

    /// Cancels the attempt of `id`.
    fn cancel(&mut self, now: Moment, id: u32) {
        let request = &self.requests[id];
        let (lane, grant) = (request.lane(), &request.grant);
        let produced = self.endpoint.cut_short(now, lane, grant);
        self.endpoint.settle(now, lane, grant, produced);
        self.recorder.cancelled(now, request, produced);
        let progress = request.progress;
        self.injector.hedge_over(now, &progress, None);
    }

    /// One of two attempts has failed: the other goes on alone.
    fn one_failed(&mut self, now: Moment, id: u32, failure: Failure) {
        let progress: Progress = self.requests[id].progress;
        self.injector.hedge_over(now, &progress, Some(failure));
        match self.standing(id) {
            Standing::Late(hedge) => self.replace_by_hedge(id, hedge),
            Standing::Hedge(of) => self.drop_hedge(of, id),
            Standing::Alone | Standing::Outlived | Standing::Replaced => {}
        }
    }

    /// The hedge is over.
    fn drop_hedge(&mut self, id: u32, hedge: u32) {
        self.requests.free(hedge);
        self.set_standing(hedge, Standing::Alone);
        self.set_standing(id, Standing::Outlived);
    }

    /// The first attempt is over: the hedge takes its place.
    fn replace_by_hedge(&mut self, id: u32, hedge: u32) {
        let twin = self.requests[hedge];
        self.requests.free(hedge);
        let request = &mut self.requests[id];
        request.sent_at = twin.sent_at;
        request.progress.attempts = twin.progress.attempts;
        request.grant = twin.grant;
        request.valid_from = self.queue.next_serial();
        self.set_standing(hedge, Standing::Alone);
        self.set_standing(id, Standing::Replaced);
        self.expect(id);
    }

    /// The attempt of `id` has failed, and no other is on its way.
    pub(super) fn leave_race(&mut self, id: u32) {
        if self.standing(id) == Standing::Outlived {
            self.requests[id].progress.attempts += 1;
        }
        self.set_standing(id, Standing::Alone);
    }

    /// A request was answered.
    pub(super) fn heard_first_token(&mut self, id: u32, ttft: Micros) {
        let request = &self.requests[id];
        let (progress, workload) = (request.progress, request.workload);
        let streams = self
            .pairs
            .as_ref()
            .is_some_and(|pairs| pairs.streams[workload]);
        if streams && self.standing(id) != Standing::Replaced {
            self.injector.heard_first_token(&progress, workload, ttft);
        }
        self.set_standing(id, Standing::Alone);
    }
}
