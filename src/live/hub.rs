//! The state that all requests of a run share: the client brain, the recorder and the gauges,
//! behind one lock that is held for a few hundred nanoseconds at a time.

use super::budget::{Budget, Priced};
use super::call::{Answered, Seen, Wanted};
use super::gauges::{Gauges, Snapshot};
use super::log::Batch;
use super::plan::LivePlan;
use super::talk::Said;
use crate::client::{Ask, Classifier, Due, Heard, Held, Injector, Next, Router};
use crate::clock::{Clock, Timer};
use crate::domain::{Failure, Outcome, StopReason, Usage};
use crate::load::session::{Continued, SessionEnd};
use crate::load::source::{Arrival, Prefix, Source};
use crate::measure::LatencyHistogram;
use crate::results::LiveMarks;
use crate::rng::Keyed;
use crate::sim::{Answer, REFUSAL_TAKES, Recorder, Request, RunMeasures, Slab};
use crate::units::{Micros, Moment, Usd};
use aws_sdk_bedrockruntime::Client;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore, watch};

/// All that a run shares.
pub(super) struct Hub {
    pub plan: LivePlan,
    pub client: Client,
    pub clock: Clock,
    pub timer: Timer,
    /// Block ids of each workload's prefixes.
    pub blocks: Vec<Arc<[u32]>>,
    /// Places on the wire.
    pub places: Semaphore,
    /// Becomes true when nothing new is to be sent.
    pub stopping: watch::Sender<bool>,
    /// Something happened that may be the end.
    pub idle: Notify,
    /// The client brain holds something back that it did not before.
    pub held_back: Notify,
    pub gaps: Arc<Mutex<LatencyHistogram>>,
    state: Mutex<State>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each says whether one thing has happened"
)]
pub(super) struct State {
    pub recorder: Recorder,
    pub gauges: Gauges,
    pub(super) injector: Injector,
    pub(super) requests: Slab,
    pub(super) sources: Vec<Source>,
    jitters: Vec<Keyed>,
    /// By lane.
    priced: Vec<Priced>,
    /// Where requests start, by workload; empty if all start on their own lane.
    pub(super) routers: Vec<Option<Router>>,
    /// The classifiers, by lane; empty if there are none.
    classifiers: Vec<Option<Classifier>>,
    budget: Option<Budget>,
    marks: Vec<LiveMarks>,
    /// Users whose next request is due later.
    users: Vec<(usize, u32, Arrival)>,
    /// Users between two requests, and requests that are built ahead of their moment.
    pub(super) thinking: usize,
    pub pacing_done: bool,
    pub stopping: bool,
    pub over_budget: bool,
    pub(super) closed: bool,
}

/// What a task is to do with an attempt that it wants to send.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for a moment, and a box would cost each attempt one"
)]
pub(super) enum Go {
    /// Send it; the request as it stands, and what is set aside for it.
    Send(Request, Usd),
    /// The request has ended.
    Ended,
}

/// What follows when the client brain has been asked for another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It is sent now.
    Send,
    /// It failed without being sent, and the next is due at this moment.
    At(Moment),
    /// Nothing is left to do for the task: the request waits in the client brain, or has ended.
    Later,
}

/// What has become ready.
#[derive(Default)]
pub(super) struct Work {
    /// Requests to send an attempt of.
    pub ready: Vec<u32>,
    /// Requests whose next attempt is due at a moment.
    pub later: Vec<(u32, Moment)>,
    /// Users whose next request is due.
    pub users: Vec<(usize, u32, Arrival)>,
}

/// What became of an attempt.
pub(super) struct Finished<'a> {
    pub request: Request,
    pub worst: Usd,
    pub seen: &'a Seen,
    pub result: Result<Answered, Failure>,
    /// Whether it is the second attempt beside one that was late.
    pub is_hedge: bool,
}

impl Hub {
    pub(super) fn new(
        plan: LivePlan,
        client: Client,
        timer: Timer,
        sources: Vec<Source>,
        places: usize,
        budget: Option<Usd>,
    ) -> Self {
        let jitter = |source: &crate::sim::WorkloadSetup| {
            Keyed::new(plan.seed, &format!("{}/retry", source.name))
        };
        let own = plan.workloads.len();
        let priced = (0..plan.lanes()).map(|lane| Priced::new(&plan, lane));
        let classifiers = (0..plan.lanes()).map(|lane| plan.setup.lanes.classifier(own, lane));
        let state = State {
            recorder: Recorder::new(&plan.setup),
            gauges: Gauges::default(),
            injector: plan.setup.injector(),
            routers: plan.setup.routers(plan.seed),
            classifiers: classifiers.collect(),
            requests: Slab::new(),
            jitters: plan.setup.workloads.iter().map(jitter).collect(),
            priced: priced.collect(),
            budget: budget.map(Budget::new),
            marks: Vec::new(),
            users: Vec::new(),
            thinking: 0,
            pacing_done: false,
            stopping: false,
            over_budget: false,
            closed: false,
            sources,
        };
        Self {
            blocks: state
                .sources
                .iter()
                .map(|one| one.blocks().clone())
                .collect(),
            clock: timer.clock(),
            places: Semaphore::new(places),
            stopping: watch::Sender::new(false),
            idle: Notify::new(),
            held_back: Notify::new(),
            gaps: Arc::default(),
            state: Mutex::new(state),
            plan,
            client,
            timer,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state at this moment of the clock, which the recorder then knows.
    pub(super) fn at_now(&self) -> (MutexGuard<'_, State>, Moment) {
        let mut state = self.lock();
        let now = self.clock.now().max(state.recorder.now());
        if state.recorder.advance(now) {
            state.recorder.sample(None);
        }
        (state, now)
    }

    /// Whether the client brain may hold attempts back until a moment comes.
    pub(super) fn is_gated(&self) -> bool {
        self.lock().injector.is_gated()
    }

    /// When the client brain may let go what it held back.
    pub(super) fn next_wake(&self) -> Moment {
        self.lock().injector.next_wake()
    }

    /// The backoff of `id` is over; whether its next attempt is sent now.
    pub(super) fn again(&self, id: u32) -> Again {
        let (mut state, now) = self.at_now();
        if state.closed {
            return Again::Later;
        }
        let ask = state.ask(id);
        let due = state.injector.again(now, ask);
        let again = state.go(now, id, due);
        if due == Due::Wait {
            self.held_back.notify_one();
        }
        again
    }

    /// A request is due; returns it if it is to be sent at once.
    pub(super) fn due(&self, workload: usize, user: Option<u32>, arrival: &Arrival) -> Option<u32> {
        self.due_of(workload, user, arrival, user.is_some())
    }

    /// The same; one that was expected is so no more.
    pub(super) fn due_of(
        &self,
        workload: usize,
        user: Option<u32>,
        arrival: &Arrival,
        was_expected: bool,
    ) -> Option<u32> {
        let (mut state, now) = self.at_now();
        if was_expected {
            state.thinking -= 1;
        }
        if state.stopping {
            return None;
        }
        let ready = state.due(now, workload, user, arrival);
        if ready.is_none() {
            self.held_back.notify_one();
        }
        ready
    }

    /// What the next attempt of `id` has to say, of which workload it is, and on which lane.
    pub(super) fn wanted(&self, id: u32) -> (usize, usize, Wanted) {
        let state = self.lock();
        let request = &state.requests[id];
        let attempt = request.progress.attempts + 1;
        let mut wanted = Wanted {
            seq: request.seq,
            attempt,
            input: request.input,
            output: request.output,
            prefix: request.prefix,
            said: None,
        };
        match state.classifiers[request.lane()] {
            None => {
                let source = &state.sources[request.workload];
                wanted.said = Said::of(source, request.seq, request.user);
            }
            // The text is made up, and as long as the prompt or as the scenario says.
            Some(classifier) => {
                wanted.input = state.asks_of(request, &classifier);
                wanted.output = classifier.output;
                wanted.prefix = Prefix::default();
            }
        }
        (request.workload, request.lane(), wanted)
    }

    /// An attempt of `id` that was due at `due` has its place on the wire.
    pub(super) fn go(&self, id: u32, due: Moment) -> Go {
        let (mut state, now) = self.at_now();
        if state.closed {
            return Go::Ended;
        }
        if state.stopping {
            let outcome = state.last_outcome(id);
            state.end(now, id, outcome);
            state.free(now);
            return Go::Ended;
        }
        let Some(worst) = state.set_aside(id) else {
            state.over_budget = true;
            let outcome = state.last_outcome(id);
            state.end(now, id, outcome);
            state.free(now);
            drop(state);
            self.stop();
            return Go::Ended;
        };
        let request = &mut state.requests[id];
        request.progress.attempts += 1;
        request.sent_at = now;
        let request = *request;
        if self.plan.sdk_retries.is_none() {
            state.recorder.sent(now, &request, None);
        }
        state.gauges.went_out(now, due);
        Go::Send(request, worst)
    }

    /// Whether an attempt of `id` was sent before.
    pub(super) fn has_tried(&self, id: u32) -> bool {
        self.lock().requests[id].progress.attempts > 0
    }

    /// The request found no place on the wire in time.
    pub(super) fn crowded_out(&self, id: u32) {
        let (mut state, now) = self.at_now();
        if state.closed {
            return;
        }
        state.gauges.crowded_out += 1;
        let progress = state.requests[id].progress;
        state.injector.unsent(now, &progress);
        state.end(now, id, Outcome::NotSent);
        state.free(now);
    }

    /// When the attempt of `request` is to be abandoned.
    pub(super) fn gives_up_at(&self, request: &Request) -> Moment {
        self.lock()
            .injector
            .gives_up_at(request.sent_at, request.intended)
    }

    /// An attempt came to its end; returns the moment of the next one, if there is to be one.
    pub(super) fn finished(&self, id: u32, finished: &Finished<'_>) -> Option<Moment> {
        let (mut state, now) = self.at_now();
        if state.closed {
            return None;
        }
        state.gauges.open -= 1;
        match finished.result {
            Ok(answered) => state.answered(now, id, finished, answered),
            Err(failure) => {
                let next = state.failed(now, id, finished, failure);
                // What it held may be what another one waits for.
                if state.injector.next_wake() <= now {
                    self.held_back.notify_one();
                }
                next
            }
        }
    }

    /// Nothing new is sent from now on.
    pub(super) fn stop(&self) {
        let (mut state, now) = self.at_now();
        state.stopping = true;
        for id in state.injector.let_all_go() {
            let outcome = state.last_outcome(id);
            state.end(now, id, outcome);
            state.free(now);
        }
        drop(state);
        self.stopping.send_replace(true);
        self.idle.notify_one();
    }

    /// What has become ready since the last call: requests to send, users who think, attempts to
    /// write down.
    pub(super) fn take_work(&self) -> Work {
        let (mut state, now) = self.at_now();
        if state.recorder.in_system() == 0 {
            self.idle.notify_one();
        }
        let mut work = Work::default();
        if state.closed {
            return work;
        }
        state.let_go(now, &mut work);
        work.users = std::mem::take(&mut state.users);
        work
    }

    /// Whether every request has ended and none is to come.
    pub(super) fn is_done(&self) -> bool {
        let state = self.lock();
        let none_to_come = state.stopping || (state.pacing_done && state.thinking == 0);
        none_to_come && state.recorder.in_system() == 0
    }

    /// Attempts that ended since the last call.
    pub(super) fn take_attempts(&self) -> Batch {
        let mut state = self.lock();
        let marks = std::mem::take(&mut state.marks);
        (state.recorder.take_attempts(), marks)
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let (mut state, now) = self.at_now();
        let recent = std::mem::take(&mut state.gauges.recent);
        let gauges = &state.gauges;
        Snapshot {
            at: now,
            duration: self.plan.setup.duration,
            offered: gauges.completed + gauges.lost + state.recorder.in_system(),
            completed: gauges.completed,
            sent: gauges.sent,
            throttled: gauges.throttled,
            lost: gauges.lost,
            in_system: state.recorder.in_system(),
            open: gauges.open,
            recent,
            spent: gauges.spent,
            draining: state.stopping || state.pacing_done,
        }
    }

    /// Ends what is still on its way, and the run.
    pub(super) fn close(&self) -> (RunMeasures, Gauges, Batch) {
        let (mut state, now) = self.at_now();
        for id in state.requests.names() {
            let outcome = match state.requests[id].progress.attempts {
                0 => Outcome::NotSent,
                _ => Outcome::TimedOut,
            };
            state.gauges.cut_off += 1;
            state.end(now, id, outcome);
        }
        state.close_sessions();
        state.closed = true;
        let marks = std::mem::take(&mut state.marks);
        let attempts = state.recorder.take_attempts();
        let gauges = std::mem::take(&mut state.gauges);
        let fresh = Recorder::new(&self.plan.setup);
        let recorder = std::mem::replace(&mut state.recorder, fresh);
        let measures = recorder.finish(Vec::new(), crate::service::ServiceTotals::default());
        (measures, gauges, (attempts, marks))
    }

    /// Sets the users of closed loops going.
    pub(super) fn start_users(&self) {
        let mut state = self.lock();
        for workload in 0..state.sources.len() {
            let users = match &state.sources[workload] {
                Source::Closed(closed) => closed.users(),
                Source::Open(_) | Source::Sessions(_) => 0,
            };
            for user in 0..users {
                let first = match &mut state.sources[workload] {
                    Source::Closed(closed) => closed.first(user),
                    Source::Open(_) | Source::Sessions(_) => None,
                };
                if let Some(arrival) = first {
                    state.thinking += 1;
                    state.users.push((workload, user, arrival));
                }
            }
        }
    }
}

impl State {
    fn due(
        &mut self,
        now: Moment,
        workload: usize,
        user: Option<u32>,
        arrival: &Arrival,
    ) -> Option<u32> {
        let user = user.or_else(|| match &mut self.sources[workload] {
            Source::Sessions(sessions) => Some(sessions.begin(arrival)),
            Source::Open(_) | Source::Closed(_) => None,
        });
        let id = self.requests.insert(workload, user, arrival, 0);
        let request = &mut self.requests[id];
        request.progress = self.injector.begin(request.seq);
        request.progress.lane = request.workload as u32;
        self.recorder.offered(now, request);
        if !self.routers.is_empty() {
            self.route(id);
        }
        let ask = self.ask(id);
        let due = self.injector.due(now, ask);
        (self.go(now, id, due) == Again::Send).then_some(id)
    }

    /// Puts a request on the lane where its routes start.
    fn route(&mut self, id: u32) {
        let request = &mut self.requests[id];
        let prompt = self.priced[request.workload].prompt(request);
        if let Some(router) = &self.routers[request.workload] {
            let lane = router.start(request.seq, prompt);
            self.injector.enter(&mut request.progress, lane);
        }
    }

    /// Input tokens of the call of a classifier in front of `request`.
    fn asks_of(&self, request: &Request, classifier: &Classifier) -> u32 {
        let prompt = self.priced[request.workload].prompt(request);
        let prompt = u32::try_from(prompt).unwrap_or(u32::MAX);
        classifier.input.unwrap_or(prompt)
    }

    /// Input tokens, blocks of prefix and tokens with points of the next call of a request.
    fn sizes(&self, request: &Request) -> (u32, u32, u32) {
        match &self.classifiers[request.lane()] {
            None => (request.input, request.prefix.len, request.pointed),
            Some(classifier) => (self.asks_of(request, classifier), 0, 0),
        }
    }

    /// What the client brain is told of a request that wants to be sent.
    pub(super) fn ask(&mut self, id: u32) -> Ask {
        if self.injector.is_gated() {
            let request = &self.requests[id];
            let (input, blocks, pointed) = self.sizes(request);
            let lane = &self.priced[request.lane()];
            let held = Held {
                quota: lane.quota,
                tokens: lane.reserves(input, blocks, pointed),
            };
            self.requests[id].progress.held = held;
        }
        let request = &self.requests[id];
        request.progress.ask(id, request.intended)
    }

    /// Does what the client brain said of an attempt.
    fn go(&mut self, now: Moment, id: u32, due: Due) -> Again {
        match due {
            Due::Send => Again::Send,
            Due::Wait => Again::Later,
            Due::Shed => {
                let outcome = self.requests[id].progress.dropped_as();
                self.end(now, id, outcome);
                Again::Later
            }
            Due::Open => match self.next(now, id, Failure::CircuitOpen) {
                Some(at) => Again::At(at),
                None => Again::Later,
            },
        }
    }

    /// Takes what the client brain lets go.
    fn let_go(&mut self, now: Moment, work: &mut Work) {
        while let Some((id, due)) = self.injector.poll(now) {
            if self.stopping && due != Due::Shed {
                let progress = self.requests[id].progress;
                self.end(now, id, progress.dropped_as());
                self.injector.unsent(now, &progress);
                self.free(now);
                continue;
            }
            match self.go(now, id, due) {
                Again::Send => work.ready.push(id),
                Again::At(at) => work.later.push((id, at)),
                Again::Later => {}
            }
        }
    }

    /// Ends the sessions that the end of the run cuts short.
    fn close_sessions(&mut self) {
        for (workload, source) in self.sources.iter_mut().enumerate() {
            let Source::Sessions(sessions) = source else {
                continue;
            };
            for name in sessions.names() {
                let over = sessions.close(name, SessionEnd::Unfinished);
                self.recorder.session_over(workload, &over);
            }
        }
    }

    /// How a request ends that is not tried again because the run stops.
    fn last_outcome(&self, id: u32) -> Outcome {
        match self.requests[id].progress.attempts {
            0 => Outcome::NotSent,
            _ => Outcome::Failed,
        }
    }

    /// Sets the worst cost of the next attempt aside; `None` if the budget does not allow it.
    pub(super) fn set_aside(&mut self, id: u32) -> Option<Usd> {
        if self.budget.is_none() {
            return Some(Usd::ZERO);
        }
        let request = &self.requests[id];
        let (input, blocks, pointed) = self.sizes(request);
        let worst = self.priced[request.lane()].worst(input, blocks, pointed)?;
        let budget = self.budget.as_mut()?;
        budget.reserve(worst).then_some(worst)
    }

    /// An attempt was answered; the moment of the next one, if it was only the classifier's.
    fn answered(
        &mut self,
        now: Moment,
        id: u32,
        finished: &Finished<'_>,
        answered: Answered,
    ) -> Option<Moment> {
        let marks = finished.seen.marks;
        let request = &mut self.requests[id];
        request.progress.attempts = finished.request.progress.attempts;
        request.sent_at = finished.request.sent_at;
        let first = marks.first_content.unwrap_or(now);
        let last = marks.last_content.unwrap_or(now);
        request.grant.usage = answered.usage.unwrap_or_default();
        request.grant.cache_write_1h = answered.write_1h;
        request.grant.first_token_at = first;
        request.grant.done_at = Some(last);
        request.grant.truncated = answered.truncated;
        request.grant.stop = StopReason::named(marks.stop);
        request.grant.served_by = answered.served_by;
        request.grant.tier = answered.tier;
        let request = *request;
        let answer = answer(&request, first, last);
        let heard = Heard {
            ttft: answer.attempt_ttft,
            usage: request.grant.usage,
        };
        self.injector.succeeded(now, &request.progress, heard);
        let judges = self.classifiers[request.lane()].is_some();
        if !judges && !finished.is_hedge && self.injector.is_hedging() {
            let (progress, workload) = (request.progress, request.workload);
            self.injector
                .heard_first_token(&progress, workload, heard.ttft);
        }
        if !judges {
            self.recorder.answered(now, &request, &answer);
            self.keep(marks);
        }
        let spent = self.priced[request.lane()].charge(request.grant.usage, answered.write_1h);
        let spent = match request.grant.served_by.token_scope() {
            Some(_) => spent.unwrap_or(Usd::ZERO),
            None => Usd::ZERO,
        };
        // Without usage the worst has to be believed.
        let settled = match answered.usage {
            Some(_) => spent,
            None => finished.worst,
        };
        if let Some(budget) = &mut self.budget {
            budget.settle(finished.worst, settled);
        }
        let gauges = &mut self.gauges;
        gauges.spent += spent;
        gauges.without_usage += u64::from(answered.usage.is_none());
        if judges {
            self.judged(id);
            return Some(now);
        }
        if let Some(event) = marks.first_event {
            gauges.first_event.record(event.since(request.sent_at));
        }
        if let Some(text) = marks.first_text {
            gauges.first_text.record(text.since(request.sent_at));
        }
        gauges.recent.record(answer.ttft);
        self.end(now, id, Outcome::Completed);
        self.free(now);
        None
    }

    /// A classifier has answered: the request goes on to its lane.
    fn judged(&mut self, id: u32) {
        let request = &mut self.requests[id];
        if let Some(router) = &self.routers[request.workload] {
            let (judgement, lane) = router.judge(request.seq);
            self.recorder.classified(request, judgement);
            request.progress.attempts = 0;
            self.injector.enter(&mut request.progress, lane);
        }
    }

    fn failed(
        &mut self,
        now: Moment,
        id: u32,
        finished: &Finished<'_>,
        failure: Failure,
    ) -> Option<Moment> {
        let request = &mut self.requests[id];
        let sent = request.progress.attempts;
        request.progress.attempts = finished.request.progress.attempts;
        request.sent_at = finished.request.sent_at;
        request.grant.usage = Usage::default();
        let copy = *request;
        // The number of a hedge that was sent later is taken.
        request.progress.attempts = sent.max(copy.progress.attempts);
        self.recorder.refused(now, &copy, failure);
        self.keep(finished.seen.marks);
        let refused = is_refusal(failure);
        if let Some(budget) = &mut self.budget {
            let spent = if refused { Usd::ZERO } else { finished.worst };
            budget.settle(finished.worst, spent);
        }
        self.gauges.unaccounted += u64::from(!refused);
        self.gauges.throttled += u64::from(matches!(failure, Failure::Throttled(_)));
        self.next(now, id, failure)
    }

    /// What follows the failure of an attempt; the moment of the next one, if there is to be one.
    fn next(&mut self, now: Moment, id: u32, failure: Failure) -> Option<Moment> {
        let request = &mut self.requests[id];
        let u = self.jitters[request.workload].uniform(request.draw_key());
        let (intended, lane) = (request.intended, request.lane());
        let next = self
            .injector
            .failed(now, intended, &mut request.progress, failure, u);
        if request.lane() != lane && self.classifiers[lane].is_some() {
            self.recorder.unclassified(request);
        }
        match next {
            Next::RetryAt(at) => Some(at),
            Next::GiveUp(outcome) => {
                self.end(now, id, outcome);
                self.free(now);
                None
            }
        }
    }

    /// Replaces what was set aside for an attempt by what it is settled at.
    pub(super) fn settle(&mut self, worst: Usd, spent: Usd) {
        if let Some(budget) = &mut self.budget {
            budget.settle(worst, spent);
        }
    }

    /// Puts the marks of an attempt beside its record, if the recorder kept one.
    pub(super) fn keep(&mut self, marks: LiveMarks) {
        if self.recorder.kept() > self.marks.len() {
            self.marks.push(marks);
        }
    }

    fn end(&mut self, now: Moment, id: u32, outcome: Outcome) {
        let request = self.requests[id];
        self.requests.free(id);
        self.recorder.ended(now, &request, outcome);
        match outcome {
            Outcome::Completed => self.gauges.completed += 1,
            _ => self.gauges.lost += 1,
        }
        let Some(user) = request.user else { return };
        if self.stopping {
            return;
        }
        // A refusal of the client's own takes no round trip, and must not be repeated at once.
        let heard_at = match outcome {
            Outcome::NotSent => now.max(request.intended + REFUSAL_TAKES),
            _ => now,
        };
        let is_answered = outcome == Outcome::Completed;
        let answer = is_answered.then_some(request.grant.usage.output);
        match self.sources[request.workload].after(user, heard_at, answer) {
            Some(Continued::Next(arrival)) => {
                self.thinking += 1;
                self.users.push((request.workload, user, arrival));
            }
            Some(Continued::Over(over)) => self.recorder.session_over(request.workload, &over),
            None => {}
        }
    }

    fn free(&mut self, now: Moment) {
        self.injector.free(now);
    }
}

/// Whether nothing was served, and so nothing is billed.
pub(super) fn is_refusal(failure: Failure) -> bool {
    !matches!(
        failure,
        Failure::StreamBroken(_)
            | Failure::ClientTimeout
            | Failure::Connection
            | Failure::ModelTimeout
            | Failure::ModelError
    )
}

/// The times of an answer whose first content came at `first` and whose last at `last`.
fn answer(request: &Request, first: Moment, last: Moment) -> Answer {
    let gaps = u64::from(request.grant.usage.output.saturating_sub(1));
    let after_first = last.since(first).0;
    Answer {
        ttft: first.since(request.intended),
        attempt_ttft: first.since(request.sent_at),
        e2e: last.since(request.intended),
        attempt_e2e: last.since(request.sent_at),
        tpot: (gaps > 0).then(|| Micros(after_first / gaps)),
    }
}
