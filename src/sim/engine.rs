//! The simulation: the two brains joined in virtual time.
//!
//! Arrivals are drawn one ahead; the queue holds only what is in flight. The engine decides
//! nothing: it carries calls from the client brain to the service brain and answers back, and
//! tells the recorder what it saw.

mod hedging;

use super::measures::RunMeasures;
use super::queue::{Class, Event, EventQueue};
use super::recorder::{Answer, Recorder};
use super::setup::{RunSetup, TierSetup};
use super::slab::{Request, Slab};
use crate::client::{Ask, Classifier, Due, Heard, Held, Injector, Next, Router};
use crate::domain::{Failure, Outcome, PriceTier};
use crate::load::context::PromptPoints;
use crate::load::session::Continued;
use crate::load::source::{Arrival, Source};
use crate::load::thinking::ThinkingLaw;
use crate::rng::Keyed;
use crate::service::guardrail::Screening;
use crate::service::setup::TargetSetup;
use crate::service::{Call, Endpoint, Prefix};
use crate::units::{Micros, Moment};
use hedging::Pairs;
use std::sync::Arc;

/// Runs one variant with one seed until every request has ended.
///
/// # Panics
/// If a law that must hold on every run does not (Little's law, conservation of tokens and
/// requests): that is a bug of the program.
pub fn run(setup: &RunSetup, seed: u64) -> RunMeasures {
    let mut engine = Engine::new(setup, seed);
    engine.run();
    let mut measures = engine.finish();
    super::batch::run(setup, seed, &mut measures);
    measures
}

/// The least time after which a user asks again: a refusal, too, takes a round trip. Without it,
/// users who do not think would ask and be refused for ever within one moment. Assumed.
pub const REFUSAL_TAKES: Micros = Micros(10_000);

struct Engine {
    sources: Vec<WorkloadSource>,
    /// The workloads' own lanes first; a lane's number is that of its target.
    lanes: Vec<Lane>,
    /// Where requests start, by workload; empty if all start on their own lane.
    routers: Vec<Option<Router>>,
    injector: Injector,
    endpoint: Endpoint,
    queue: EventQueue,
    requests: Slab,
    /// The cache points of the call in hand.
    points: PromptPoints,
    wake_at: Moment,
    /// Serial of the wake event that counts.
    wake_serial: u64,
    /// The same for the client brain.
    gate_at: Moment,
    gate_serial: u64,
    recorder: Recorder,
    /// Requests with two attempts on their way; `None` where the client never hedges.
    pairs: Option<Box<Pairs>>,
}

struct WorkloadSource {
    source: Source,
    /// The next arrival of an open source, drawn one ahead.
    ahead: Option<Arrival>,
    blocks: Arc<[u32]>,
    /// Whether its prompts have cache points of their own instead of blocks.
    has_points: bool,
    block_tokens: u32,
    jitter: Keyed,
    thinking: Option<ThinkingLaw>,
}

struct Lane {
    /// What its calls have reserved for their answers.
    max_tokens: u64,
    /// Which of the quotas that clients know its calls use.
    quota: u32,
    tier: Option<PriceTier>,
    latency_optimized: bool,
    /// The classifier whose calls it takes.
    classifier: Option<Classifier>,
}

impl Lane {
    fn all(setup: &RunSetup) -> Vec<Self> {
        let targets = setup.endpoint.targets.iter();
        let lanes = setup.tiers().zip(targets).enumerate();
        let lane = |(index, (tier, target)): (usize, (&TierSetup, &TargetSetup))| Self {
            max_tokens: u64::from(target.max_tokens),
            quota: setup.quota_of(index),
            tier: tier.asks,
            latency_optimized: tier.latency_optimized,
            classifier: setup.lanes.classifier(setup.workloads.len(), index),
        };
        lanes.map(lane).collect()
    }
}

impl Engine {
    fn new(setup: &RunSetup, seed: u64) -> Self {
        let until = Moment::ZERO + setup.duration;
        let sources = setup
            .workloads
            .iter()
            .zip(&setup.endpoint.targets)
            .map(|(workload, target)| {
                let mut source = Source::new(&workload.traffic, seed, &workload.name, until);
                let ahead = match &mut source {
                    // Batch jobs run beside the engine.
                    _ if workload.batch.is_some() => None,
                    Source::Open(open) => open.next(),
                    Source::Closed(_) => None,
                    Source::Sessions(sessions) => sessions.next_start(),
                };
                let has_points = source.context().is_some();
                let blocks = source.blocks().clone();
                let jitter = Keyed::new(seed, &format!("{}/retry", workload.name));
                WorkloadSource {
                    source,
                    ahead,
                    blocks,
                    has_points,
                    block_tokens: target.block_tokens,
                    jitter,
                    thinking: workload
                        .thinking
                        .as_ref()
                        .map(|spec| ThinkingLaw::new(spec, seed, &workload.name)),
                }
            })
            .collect();
        Self {
            sources,
            lanes: Lane::all(setup),
            routers: setup.routers(seed),
            injector: setup.injector(),
            endpoint: Endpoint::new(&setup.endpoint, seed),
            queue: EventQueue::new(),
            requests: Slab::new(),
            points: PromptPoints::default(),
            wake_at: Moment::NEVER,
            wake_serial: u64::MAX,
            gate_at: Moment::NEVER,
            gate_serial: u64::MAX,
            recorder: Recorder::new(setup),
            pairs: setup.client.hedge.map(|_| Box::new(Pairs::new(setup))),
        }
    }

    fn run(&mut self) {
        self.start_closed_loops();
        loop {
            let event_at = self.queue.next_at().unwrap_or(Moment::NEVER);
            let (arrival_at, workload) = self.next_arrival();
            // At the same moment events come before arrivals: they free quota and places.
            if arrival_at < event_at {
                self.advance(arrival_at);
                self.arrive(workload);
            } else if let Some(event) = self.queue.pop() {
                self.advance(event.at);
                self.handle(event);
            } else {
                break;
            }
            self.drain_ready();
            self.schedule_wake();
        }
    }

    fn finish(self) -> RunMeasures {
        assert_eq!(self.requests.in_use(), 0, "a request never ended");
        assert_eq!(
            self.endpoint.held(),
            0,
            "quota tokens are still reserved after the last answer"
        );
        assert_eq!(
            self.endpoint.totals().in_flight,
            0,
            "a call was never settled"
        );
        let pools = self.endpoint.pools(self.recorder.now());
        assert!(
            pools.iter().all(|pool| pool.in_flight == 0),
            "an answer never left its pool"
        );
        let (reports, totals) = (self.endpoint.reports(), self.endpoint.totals());
        let mut measures = self.recorder.finish(reports, totals);
        measures.pools = pools;
        measures
    }

    #[inline]
    fn advance(&mut self, now: Moment) {
        if self.recorder.advance(now) {
            self.recorder.sample(Some(self.endpoint.pressure(now)));
        }
    }

    fn start_closed_loops(&mut self) {
        for workload in 0..self.sources.len() {
            let users = match &self.sources[workload].source {
                Source::Closed(closed) => closed.users(),
                Source::Open(_) | Source::Sessions(_) => 0,
            };
            for user in 0..users {
                let Source::Closed(closed) = &mut self.sources[workload].source else {
                    continue;
                };
                if let Some(arrival) = closed.first(user) {
                    self.schedule_user(workload, user, &arrival);
                }
            }
        }
    }

    fn schedule_user(&mut self, workload: usize, user: u32, arrival: &Arrival) {
        let serial = self.queue.next_serial();
        let id = self.requests.insert(workload, Some(user), arrival, serial);
        self.push(arrival.at, Class::Due, id);
    }

    #[inline]
    fn next_arrival(&self) -> (Moment, usize) {
        let mut next = (Moment::NEVER, 0);
        for (workload, source) in self.sources.iter().enumerate() {
            if let Some(arrival) = &source.ahead
                && arrival.at < next.0
            {
                next = (arrival.at, workload);
            }
        }
        next
    }

    #[inline]
    fn arrive(&mut self, workload: usize) {
        let source = &mut self.sources[workload];
        let Some(arrival) = &source.ahead else {
            return;
        };
        let at = arrival.at;
        let user = match &mut source.source {
            Source::Sessions(sessions) => Some(sessions.begin(arrival)),
            Source::Open(_) | Source::Closed(_) => None,
        };
        let serial = self.queue.next_serial();
        let id = self.requests.insert(workload, user, arrival, serial);
        match &mut source.source {
            Source::Open(open) => open.next_into(&mut source.ahead),
            Source::Sessions(sessions) => source.ahead = sessions.next_start(),
            Source::Closed(_) => source.ahead = None,
        }
        self.due(at, id);
    }

    #[inline]
    fn due(&mut self, now: Moment, id: u32) {
        let request = &mut self.requests[id];
        request.progress.instance = self.injector.instance_of(request.seq);
        request.progress.lane = request.workload as u32;
        self.recorder.offered(now, request);
        if !self.routers.is_empty() {
            self.route(id);
        }
        if self.injector.starts_at_once() {
            self.attempt(now, id);
        } else {
            self.due_within_limits(now, id);
        }
    }

    #[inline(never)]
    fn due_within_limits(&mut self, now: Moment, id: u32) {
        let ask = self.ask(id);
        let due = self.injector.due(now, ask);
        self.go(now, id, due);
    }

    /// Puts a request on the lane where its routes start.
    #[inline(never)]
    fn route(&mut self, id: u32) {
        let input = self.prompt_of(&self.requests[id]);
        let request = &mut self.requests[id];
        if let Some(router) = &self.routers[request.workload] {
            let lane = router.start(request.seq, input);
            self.injector.enter(&mut request.progress, lane);
        }
    }

    /// A backoff is over.
    fn again(&mut self, now: Moment, id: u32) {
        let ask = self.ask(id);
        let due = self.injector.again(now, ask);
        self.go(now, id, due);
    }

    #[inline]
    fn go(&mut self, now: Moment, id: u32, due: Due) {
        match due {
            Due::Send => self.attempt(now, id),
            Due::Wait => {}
            Due::Shed => {
                let outcome = self.requests[id].progress.dropped_as();
                self.end(now, id, outcome);
            }
            Due::Open => self.failed(now, id, Failure::CircuitOpen),
        }
    }

    /// What the client brain is told of a request that wants to be sent.
    #[inline]
    fn ask(&mut self, id: u32) -> Ask {
        if self.injector.is_gated() {
            let request = &self.requests[id];
            let lane = &self.lanes[request.lane()];
            let own = lane.classifier.and_then(|classifier| classifier.input);
            let prompt = own.map_or_else(|| self.prompt_of(request), u64::from);
            let held = Held {
                quota: lane.quota,
                tokens: prompt + lane.max_tokens,
            };
            self.requests[id].progress.held = held;
        }
        let request = &self.requests[id];
        request.progress.ask(id, request.intended)
    }

    /// Tokens of a request's prompt.
    #[inline]
    fn prompt_of(&self, request: &Request) -> u64 {
        let block_tokens = self.sources[request.workload].block_tokens;
        u64::from(request.input)
            + u64::from(request.pointed)
            + u64::from(request.prefix.len) * u64::from(block_tokens)
    }

    #[inline]
    fn push(&mut self, at: Moment, class: Class, id: u32) {
        self.queue.push(at, class, id);
    }

    fn handle(&mut self, event: Event) {
        let (now, id) = (event.at, event.id);
        if event.class == Class::Wake {
            if event.serial == self.wake_serial {
                self.wake(now);
            }
            return;
        }
        if event.class == Class::Gate {
            if event.serial == self.gate_serial {
                self.gate_at = Moment::NEVER;
            }
            return;
        }
        if event.serial < self.requests[id].valid_from {
            return;
        }
        if self.pairs.is_some() && self.raced(now, id, event.class) {
            return;
        }
        match event.class {
            Class::Done => self.answered(now, id),
            Class::GiveUp => self.give_up(now, id),
            Class::Retry => self.again(now, id),
            Class::Due => self.due(now, id),
            Class::FirstToken => {
                let request = &mut self.requests[id];
                self.endpoint
                    .start_stream(now, request.lane(), &mut request.grant, id);
            }
            Class::Hedge => self.late(now, id),
            Class::Wake | Class::Gate => {}
        }
    }

    /// Sends an attempt.
    #[inline]
    fn attempt(&mut self, now: Moment, id: u32) {
        let sent = self.send(now, id);
        let late_after = match self.pairs {
            None => None,
            Some(_) => self.late_after(id),
        };
        match sent {
            Ok(()) => {
                self.expect(id);
                if let Some(after) = late_after {
                    self.expect_late(id, after);
                }
            }
            Err(failure) => self.failed(now, id, failure),
        }
    }

    /// Puts the call of an attempt to the service.
    #[inline]
    fn send(&mut self, now: Moment, id: u32) -> Result<(), Failure> {
        let request = &mut self.requests[id];
        request.progress.attempts += 1;
        request.sent_at = now;
        let source = &self.sources[request.workload];
        let lane = &self.lanes[request.lane()];
        let (output, thinking) = match &source.thinking {
            None => (request.output, 0),
            Some(law) => law.draw(request.seq, request.output),
        };
        let prefix = if source.has_points {
            let points = &mut self.points;
            source.source.points(request.seq, request.user, points);
            Prefix::Points(&points.points, &points.boundaries)
        } else {
            let (start, len) = (request.prefix.start as usize, request.prefix.len as usize);
            Prefix::Blocks(&source.blocks[start..start + len])
        };
        let mut call = Call {
            target: request.lane(),
            key: request.draw_key(),
            input: request.input,
            prefix,
            output,
            max_tokens: None,
            thinking,
            screening: Screening::AsSet,
            tier: lane.tier,
            latency_optimized: lane.latency_optimized,
        };
        if let Some(classifier) = &lane.classifier {
            judge_instead(&mut call, request, source.block_tokens, classifier);
        }
        let admitted = self.endpoint.admit_into(now, &call, &mut request.grant);
        self.recorder.sent(now, request, admitted.err());
        admitted
    }

    /// Schedules what comes of an attempt that was admitted.
    #[inline]
    fn expect(&mut self, id: u32) {
        let request = &self.requests[id];
        let (first_token_at, done_at) = (request.grant.first_token_at, request.grant.done_at);
        let gives_up_at = self.injector.gives_up_at(request.sent_at, request.intended);
        match done_at {
            Some(done_at) if done_at <= gives_up_at => self.push(done_at, Class::Done, id),
            Some(_) => self.push(gives_up_at, Class::GiveUp, id),
            None => {
                if request.grant.waits_for_first_token() {
                    self.push(first_token_at, Class::FirstToken, id);
                }
                if gives_up_at < Moment::NEVER {
                    self.push(gives_up_at, Class::GiveUp, id);
                }
            }
        }
    }

    #[inline(never)]
    fn failed(&mut self, now: Moment, id: u32, failure: Failure) {
        if self.pairs.is_some() {
            self.leave_race(id);
        }
        let request = &mut self.requests[id];
        request.valid_from = self.queue.next_serial();
        let lane = request.lane();
        let u = self.sources[request.workload]
            .jitter
            .uniform(request.draw_key());
        let next = self
            .injector
            .failed(now, request.intended, &mut request.progress, failure, u);
        if request.lane() != lane && self.lanes[lane].classifier.is_some() {
            self.recorder.unclassified(request);
        }
        match next {
            Next::RetryAt(at) => self.push(at, Class::Retry, id),
            Next::GiveUp(outcome) => {
                self.end(now, id, outcome);
                self.free(now);
            }
        }
    }

    /// The client's clock runs out on an attempt.
    fn give_up(&mut self, now: Moment, id: u32) {
        let request = &self.requests[id];
        let produced = self.endpoint.cut_short(now, request.lane(), &request.grant);
        self.endpoint
            .settle(now, request.lane(), &request.grant, produced);
        self.recorder
            .abandoned(now, request, produced, Failure::ClientTimeout);
        self.failed(now, id, Failure::ClientTimeout);
    }

    /// The last token of an attempt has come.
    #[inline]
    fn answered(&mut self, now: Moment, id: u32) {
        let request = &self.requests[id];
        if let Some(failure) = request.grant.refused {
            self.endpoint.settle(now, request.lane(), &request.grant, 0);
            self.recorder.refused(now, request, failure);
            self.failed(now, id, failure);
            return;
        }
        if let Some((produced, failure)) = request.grant.failure() {
            self.endpoint
                .settle(now, request.lane(), &request.grant, produced);
            self.recorder.abandoned(now, request, produced, failure);
            self.failed(now, id, failure);
            return;
        }
        self.endpoint.settle(
            now,
            request.lane(),
            &request.grant,
            request.grant.usage.output,
        );
        let answer = Answer::of(request, now);
        let heard = Heard {
            ttft: answer.attempt_ttft,
            usage: request.grant.usage,
        };
        self.injector.succeeded(now, &request.progress, heard);
        if self.lanes[request.lane()].classifier.is_some() {
            self.judged(now, id);
            return;
        }
        if self.pairs.is_some() {
            self.heard_first_token(id, heard.ttft);
        }
        let request = &self.requests[id];
        self.recorder.answered(now, request, &answer);
        self.end(now, id, Outcome::Completed);
        self.free(now);
    }

    /// A classifier has answered: the request itself is sent.
    fn judged(&mut self, now: Moment, id: u32) {
        let request = &mut self.requests[id];
        request.valid_from = self.queue.next_serial();
        if let Some(router) = &self.routers[request.workload] {
            let (judgement, lane) = router.judge(request.seq);
            self.recorder.classified(request, judgement);
            request.progress.attempts = 0;
            self.injector.enter(&mut request.progress, lane);
        }
        self.again(now, id);
    }

    fn wake(&mut self, now: Moment) {
        self.wake_at = Moment::NEVER;
        while let Some(id) = self.endpoint.poll(now) {
            if self.pairs.is_none() || !self.raced(now, id, Class::Done) {
                self.answered(now, id);
            }
        }
    }

    /// Keeps one valid wake event for the service brain in the queue.
    #[inline]
    fn schedule_wake(&mut self) {
        let Some(wake_at) = self.endpoint.next_wake() else {
            return;
        };
        if wake_at != self.wake_at {
            self.wake_at = wake_at;
            self.wake_serial = self.queue.push(wake_at, Class::Wake, 0);
        }
    }

    /// Ends a request; its place is freed by the caller if it had one.
    #[inline]
    fn end(&mut self, now: Moment, id: u32, outcome: Outcome) {
        self.requests.free(id);
        let request = &self.requests[id];
        self.recorder.ended(now, request, outcome);
        if let Some(user) = request.user {
            let workload = request.workload;
            let heard_at = now.max(request.intended + REFUSAL_TAKES);
            let is_answered = outcome == Outcome::Completed;
            let answer = is_answered.then_some(request.grant.usage.output);
            let source = &mut self.sources[workload].source;
            match source.after(user, heard_at, answer) {
                Some(Continued::Next(arrival)) => self.schedule_user(workload, user, &arrival),
                Some(Continued::Over(over)) => self.recorder.session_over(workload, &over),
                None => {}
            }
        }
    }

    #[inline]
    fn free(&mut self, now: Moment) {
        self.injector.free(now);
    }

    /// Sends what the client brain lets go. A refusal frees the place again, so this goes on until
    /// nobody waits or a place is taken; the brain's own list keeps that from being a recursion.
    #[inline]
    fn drain_ready(&mut self) {
        let now = self.recorder.now();
        while let Some((id, due)) = self.injector.poll(now) {
            self.go(now, id, due);
        }
        self.schedule_gate();
    }

    /// Keeps one valid event for the client brain in the queue while somebody waits for time to pass.
    #[inline]
    fn schedule_gate(&mut self) {
        let at = self.injector.next_wake();
        if at != self.gate_at {
            self.gate_at = at;
            if at < Moment::NEVER {
                self.gate_serial = self.queue.push(at, Class::Gate, 0);
            }
        }
    }
}

/// Makes `call` the one in front of `request`: a prompt without cache points, and a short answer.
fn judge_instead(
    call: &mut Call<'_>,
    request: &Request,
    block_tokens: u32,
    classifier: &Classifier,
) {
    let prefix = u64::from(request.prefix.len) * u64::from(block_tokens);
    let prompt = u64::from(request.input) + u64::from(request.pointed) + prefix;
    let prompt = u32::try_from(prompt).unwrap_or(u32::MAX);
    call.input = classifier.input.unwrap_or(prompt);
    call.prefix = Prefix::Blocks(&[]);
    call.output = classifier.output;
    call.thinking = 0;
}

impl Answer {
    fn of(request: &Request, done_at: Moment) -> Self {
        let first = request.grant.first_seen_at().min(done_at);
        let after_first = done_at.since(first).0;
        let gaps = u64::from(request.grant.usage.output.saturating_sub(1));
        Self {
            ttft: first.since(request.intended),
            attempt_ttft: first.since(request.sent_at),
            e2e: done_at.since(request.intended),
            attempt_e2e: done_at.since(request.sent_at),
            tpot: (gaps > 0).then(|| Micros(after_first / gaps.max(1))),
        }
    }
}
