//! What is seen of a run. It listens; nothing here can change what happens.

use super::lanes::LaneRole;
use super::measures::RunMeasures;
use super::setup::{RequestBounds, RunSetup, TierSetup};
use super::slab::Request;
use crate::client::Judgement;
use crate::cost::Tariff;
use crate::domain::{Failure, Outcome, PriceTier, RefusalReason, ScopeKind, Usage};
use crate::load::session::{SessionEnd, SessionOver};
use crate::measure::{
    ATTEMPTS_TOLD_APART, AttemptCounts, AttemptEnd, AttemptRecord, Course, HedgeCounts, LaneTally,
    SessionCounts, Tally, Timeline,
};
use crate::service::guardrail::{Screened, Verdict};
use crate::service::{Grant, Pressure, QuotaReport, ServedBy, ServiceTotals};
use crate::units::{Micros, Moment, Usd};

/// The times of an answered request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// From the intended start to the first token.
    pub ttft: Micros,
    /// From the send of the attempt that answered to the first token.
    pub attempt_ttft: Micros,
    /// From the intended start to the last token.
    pub e2e: Micros,
    /// From the send of the attempt that answered to the last token.
    pub attempt_e2e: Micros,
    /// Per output token after the first, if there is more than one.
    pub tpot: Option<Micros>,
}

/// Pressure on quotas is sampled this often in each interval of the timeline.
const SAMPLES_PER_INTERVAL: u64 = 10;

/// The listener of one run.
pub struct Recorder {
    record_attempts: bool,
    timeouts_are_billed: bool,
    bounds: RequestBounds,
    measured_from: Moment,
    workloads: Vec<Recorded>,
    lanes: Vec<RecordedLane>,
    attempts: Vec<AttemptRecord>,
    timeline: Timeline,
    course: Option<Box<Course>>,
    sample_at: Moment,
    sample_every: Micros,
    now: Moment,
    in_system: u64,
    /// Integral of the number in the system over time, in request·µs.
    area: u128,
    /// Sum of times in the system, in µs; equal to `area` by Little's law.
    sojourn: u128,
    simulated: u64,
    /// What all attempts cost, one by one; equal to the sum of the ledgers.
    charged: Usd,
    last_good: bool,
    last_ttft: Option<Micros>,
}

struct Recorded {
    tally: Tally,
    stream: bool,
    block_tokens: u32,
    thinks: bool,
    text_unit: Usd,
    router_fee: Usd,
}

struct RecordedLane {
    tally: LaneTally,
    /// By scope kind: in-Region, geo, global.
    tariffs: [Option<Tariff>; 3],
    /// The same for what is served as the tier that its calls name.
    tier_tariffs: [Option<Tariff>; 3],
    /// Whether its calls come before the attempts at the answer.
    classifies: bool,
    max_tokens: u32,
}

impl Recorded {
    /// Books the text units of an attempt whose answer cost `output_units`; what they cost.
    fn guarded(&mut self, screened: &Screened, output_units: u32) -> Usd {
        let counts = &mut self.tally.guardrail;
        counts.evaluated += 1;
        counts.input_units += u64::from(screened.input_units);
        counts.output_units += u64::from(output_units);
        let units = i128::from(screened.input_units) + i128::from(output_units);
        let cost = Usd(units * self.text_unit.0);
        self.tally.ledger.guardrail += cost;
        cost
    }

    /// Counts what the guardrail decided.
    fn found(&mut self, screened: &Screened) {
        let counts = &mut self.tally.guardrail;
        match screened.verdict {
            Verdict::Passed => {}
            Verdict::InputBlocked => counts.input_blocked += 1,
            Verdict::OutputBlocked => counts.output_blocked += 1,
            Verdict::Masked => counts.masked += 1,
        }
        counts.leaked += u64::from(screened.leaked());
    }

    /// Counts the thinking of an answer, and when its first visible text came.
    #[inline(never)]
    fn thought(&mut self, request: &Request, answer: &Answer) {
        let (output, thinking) = (request.grant.usage.output, request.grant.thinking);
        self.tally.thinking_tokens += u64::from(thinking);
        // An answer that ends within its thinking has no text.
        if self.stream && thinking < output {
            let gap = answer.tpot.unwrap_or(Micros::ZERO);
            let late = Micros(gap.0 * u64::from(thinking));
            self.tally
                .saw_text(answer.ttft + late, answer.attempt_ttft + late);
        }
    }
}

impl RecordedLane {
    fn new(tariffs: &[(ScopeKind, Tariff)], tier: &TierSetup, max_tokens: u32) -> Self {
        Self {
            tally: LaneTally::default(),
            tariffs: by_scope(tariffs),
            tier_tariffs: by_scope(&tier.tariffs),
            classifies: false,
            max_tokens,
        }
    }

    /// What the tokens of an answer cost; `None` where capacity is paid by the hour, and where no
    /// price is known.
    #[inline]
    fn tariff(&self, grant: &Grant) -> Option<&Tariff> {
        let kind = grant.served_by.token_scope()?;
        let tariffs = if grant.tier == PriceTier::Standard {
            &self.tariffs
        } else {
            &self.tier_tariffs
        };
        tariffs[slot(kind)].as_ref()
    }
}

fn by_scope(tariffs: &[(ScopeKind, Tariff)]) -> [Option<Tariff>; 3] {
    let mut places = [const { None }; 3];
    for (kind, tariff) in tariffs {
        places[slot(*kind)] = Some(tariff.clone());
    }
    places
}

fn slot(kind: ScopeKind) -> usize {
    match kind {
        ScopeKind::InRegion => 0,
        ScopeKind::Geo => 1,
        ScopeKind::Global => 2,
    }
}

impl Recorder {
    /// A recorder that has seen nothing.
    pub fn new(setup: &RunSetup) -> Self {
        let timeline = Timeline::for_run(setup.duration);
        let mut lanes: Vec<RecordedLane> = Vec::with_capacity(setup.endpoint.targets.len());
        let mut bounds = setup.endpoint.targets.iter().map(|one| one.max_tokens);
        for (own, most) in setup.workloads.iter().zip(&mut bounds) {
            lanes.push(RecordedLane::new(&own.tariffs, &own.tier, most));
        }
        for (lane, most) in setup.lanes.further.iter().zip(&mut bounds) {
            lanes.push(RecordedLane {
                classifies: lane.role == LaneRole::Classifies,
                ..RecordedLane::new(&lane.tariffs, &lane.tier, most)
            });
        }
        let workloads = setup
            .workloads
            .iter()
            .zip(&setup.endpoint.targets)
            .map(|(workload, target)| {
                let has_sessions = workload.traffic.has_sessions();
                let hedges = setup.client.hedge.is_some() && workload.stream;
                let attempts = AttemptCounts {
                    hedges: hedges.then(HedgeCounts::default),
                    ..AttemptCounts::default()
                };
                Recorded {
                    tally: Tally {
                        sessions: has_sessions.then(SessionCounts::default),
                        attempts,
                        ..Tally::new()
                    },
                    stream: workload.stream,
                    block_tokens: target.block_tokens,
                    thinks: workload.thinking.is_some(),
                    text_unit: workload.text_unit,
                    router_fee: workload.router_fee,
                }
            })
            .collect();
        Self {
            record_attempts: setup.record_attempts,
            timeouts_are_billed: setup.timeouts_are_billed,
            bounds: setup.bounds,
            measured_from: Moment::ZERO + setup.warmup,
            workloads,
            lanes,
            attempts: Vec::new(),
            sample_every: Micros(timeline.width().0 / SAMPLES_PER_INTERVAL),
            timeline,
            course: setup.course.map(|width| Box::new(Course::new(width))),
            sample_at: Moment::ZERO,
            now: Moment::ZERO,
            in_system: 0,
            area: 0,
            sojourn: 0,
            simulated: 0,
            charged: Usd::ZERO,
            last_good: false,
            last_ttft: None,
        }
    }

    /// The moment of the event in hand.
    #[inline]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Time goes on to `now`. Says whether a sample of the state is due: [`Recorder::sample`].
    #[inline]
    pub fn advance(&mut self, now: Moment) -> bool {
        self.area += u128::from(self.in_system) * u128::from(now.since(self.now).0);
        self.now = now;
        now >= self.sample_at
    }

    /// Samples the number in the system and, where quotas can be seen, how much of them is reserved
    /// and settled, as shares.
    pub fn sample(&mut self, pressure: Option<Pressure>) {
        let now = self.now;
        let in_system = self.in_system;
        let interval = self.timeline.at(now);
        let permille = |share: f64| (share * 1000.0).round() as u64;
        if let Some(now) = pressure {
            let keep = |most: &mut u64, share: f64| *most = (*most).max(permille(share));
            keep(&mut interval.reserved_permille, now.reserved);
            keep(&mut interval.settled_permille, now.settled);
            keep(&mut interval.settled_minute_permille, now.settled_minute);
        }
        interval.in_system = interval.in_system.max(in_system);
        self.sample_at = Moment((now.0 / self.sample_every.0 + 1) * self.sample_every.0);
    }

    /// Whether there are lanes beside the workloads' own, so that they are counted apart.
    #[inline]
    fn has_lanes(&self) -> bool {
        self.lanes.len() > self.workloads.len()
    }

    /// What an attempt cost, beside the entry in its ledger.
    #[inline]
    fn charge(&mut self, lane: usize, cost: Usd) {
        self.charged += cost;
        if self.has_lanes() {
            self.lanes[lane].tally.cost += cost;
        }
    }

    #[inline]
    fn is_measured(&self, request: &Request) -> bool {
        request.intended >= self.measured_from
    }

    /// A request is due. Live, `now` may be a little after the moment at which it was: it has been in the system since.
    #[inline]
    pub fn offered(&mut self, now: Moment, request: &Request) {
        self.area += u128::from(now.since(request.intended).0);
        self.in_system += 1;
        self.simulated += 1;
        self.timeline.at(request.intended).offered += 1;
        if let Some(course) = &mut self.course {
            course.offered(request.intended, request.progress.instance);
        }
        if self.is_measured(request) {
            self.workloads[request.workload].tally.requests.offered += 1;
        }
    }

    /// An attempt was sent and, if `refusal` says so, refused.
    #[inline]
    pub fn sent(&mut self, now: Moment, request: &Request, refusal: Option<Failure>) {
        self.timeline.at(now).sent += 1;
        if let Some(course) = &mut self.course {
            course.sent(now);
        }
        if self.has_lanes() || refusal.is_some() {
            self.sent_aside(now, request, refusal);
        } else if self.is_measured(request) {
            self.sent_by_number(request);
        }
    }

    #[inline]
    fn sent_by_number(&mut self, request: &Request) {
        let attempts = &mut self.workloads[request.workload].tally.attempts;
        attempts.sent += 1;
        attempts.sent_by_number[number(request)] += 1;
    }

    /// Counts an attempt that was refused, or is to be counted on its lane too.
    #[inline(never)]
    fn sent_aside(&mut self, now: Moment, request: &Request, refusal: Option<Failure>) {
        let throttled = matches!(refusal, Some(Failure::Throttled(_)));
        self.timeline.at(now).attempts_throttled += u64::from(throttled);
        if !self.is_measured(request) || (self.has_lanes() && self.sent_on_lane(request, refusal)) {
            return;
        }
        self.sent_by_number(request);
        let Some(failure) = refusal else { return };
        let tally = &mut self.workloads[request.workload].tally;
        let by_guardrail = failure == Failure::Throttled(RefusalReason::Guardrail);
        tally.guardrail.throttled += u64::from(by_guardrail);
        match failure {
            Failure::Throttled(_) => tally.attempts.throttled += 1,
            Failure::Unavailable | Failure::TooManyConnections => tally.attempts.unavailable += 1,
            _ => tally.attempts.failed += 1,
        }
        self.keep(now, request, AttemptEnd::Failed(failure), Usage::default());
    }

    /// Counts an attempt on its lane; whether that was all, since it was no attempt at the answer.
    fn sent_on_lane(&mut self, request: &Request, refusal: Option<Failure>) -> bool {
        let lane = &mut self.lanes[request.lane()];
        lane.tally.sent += 1;
        if let Some(failure) = refusal {
            lane.tally.fail(failure);
        }
        lane.classifies
    }

    /// Counts a failure on its lane; whether that was all.
    fn failed_on_lane(&mut self, request: &Request, failure: Failure) -> bool {
        let lane = &mut self.lanes[request.lane()];
        lane.tally.fail(failure);
        lane.classifies
    }

    /// An attempt that was counted as sent came back with an error and without an answer: the live
    /// counterpart of a refusal that [`Recorder::sent`] is told of at once.
    pub fn refused(&mut self, now: Moment, request: &Request, failure: Failure) {
        let throttled = matches!(failure, Failure::Throttled(_));
        self.timeline.at(now).attempts_throttled += u64::from(throttled);
        if !self.is_measured(request) || (self.has_lanes() && self.failed_on_lane(request, failure))
        {
            return;
        }
        let attempts = &mut self.workloads[request.workload].tally.attempts;
        match failure {
            Failure::Throttled(_) => attempts.throttled += 1,
            Failure::Unavailable | Failure::TooManyConnections => attempts.unavailable += 1,
            Failure::ClientTimeout => attempts.timed_out += 1,
            _ => attempts.failed += 1,
        }
        self.keep(now, request, AttemptEnd::Failed(failure), Usage::default());
    }

    /// Keeps a record of an attempt that ended, if the setup asks for it.
    #[inline]
    fn keep(&mut self, now: Moment, request: &Request, end: AttemptEnd, usage: Usage) {
        if self.record_attempts {
            self.keep_record(now, request, end, usage);
        }
    }

    #[inline(never)]
    fn keep_record(&mut self, now: Moment, request: &Request, end: AttemptEnd, usage: Usage) {
        let first = request.grant.first_token_at;
        let block_tokens = self.workloads[request.workload].block_tokens;
        let prefix = u64::from(request.prefix.len) * u64::from(block_tokens);
        self.attempts.push(AttemptRecord {
            workload: request.workload,
            request: request.seq,
            attempt: request.progress.attempts,
            request_input: u64::from(request.input) + u64::from(request.pointed) + prefix,
            request_output: request.output,
            scheduled_at: request.intended,
            sent_at: request.sent_at,
            first_token_at: (usage.output > 0).then_some(first),
            done_at: now,
            end,
            usage,
        });
    }

    fn hedges(&mut self, request: &Request) -> &mut HedgeCounts {
        let attempts = &mut self.workloads[request.workload].tally.attempts;
        attempts.hedges.get_or_insert_default()
    }

    /// A second attempt was sent beside one that was late; [`Recorder::sent`] counts it as an attempt.
    pub fn hedged(&mut self, request: &Request) {
        if self.is_measured(request) {
            self.hedges(request).sent += 1;
        }
    }

    /// The first token of a hedge came first.
    pub fn hedge_won(&mut self, request: &Request) {
        if self.is_measured(request) {
            self.hedges(request).won += 1;
        }
    }

    /// An attempt that had produced `output` tokens was cancelled, because the other attempt of its
    /// request was faster.
    pub fn cancelled(&mut self, now: Moment, request: &Request, output: u32) {
        if self.is_measured(request) {
            self.hedges(request).cancelled += 1;
            self.cut_short(now, request, output, AttemptEnd::Cancelled);
        }
    }

    /// An attempt that had produced `output` tokens was abandoned by the client, or broke off.
    pub fn abandoned(&mut self, now: Moment, request: &Request, output: u32, failure: Failure) {
        if !self.is_measured(request) {
            return;
        }
        let is_aside = self.has_lanes() && self.failed_on_lane(request, failure);
        let attempts = &mut self.workloads[request.workload].tally.attempts;
        if is_aside {
            // It was no attempt at the answer, but it costs.
        } else if failure == Failure::ClientTimeout {
            attempts.timed_out += 1;
        } else {
            attempts.failed += 1;
        }
        self.cut_short(now, request, output, AttemptEnd::Failed(failure));
    }

    /// Books what an attempt cost that ended before its answer did, and keeps its record unless it was a classifier's.
    fn cut_short(&mut self, now: Moment, request: &Request, output: u32, end: AttemptEnd) {
        if let Some(course) = &mut self.course {
            let prompt = request.grant.usage.prompt();
            course.wasted(prompt + u64::from(output));
        }
        let billed = self.timeouts_are_billed;
        let workload = &mut self.workloads[request.workload];
        let usage = Usage {
            output,
            ..request.grant.usage
        };
        let mut cost = Usd::ZERO;
        if billed && let Some(screened) = &request.grant.screened {
            let units = screened.units_of(output, request.grant.usage.output);
            cost += workload.guarded(screened, units);
        }
        let charge = self.lanes[request.lane()]
            .tariff(&request.grant)
            .map(|tariff| tariff.charge_mixed(usage, request.grant.cache_write_1h));
        if billed && let Some(charge) = charge {
            cost += charge.total();
            workload.tally.ledger.waste(charge);
            workload.tally.wasted_tokens += usage.prompt() + u64::from(usage.output);
        }
        self.charge(request.lane(), cost);
        if !self.lanes[request.lane()].classifies {
            self.keep(now, request, end, usage);
        }
    }

    /// A classifier answered with `judgement`; the request goes on.
    pub fn classified(&mut self, request: &Request, judgement: Judgement) {
        if !self.is_measured(request) {
            return;
        }
        let (lane, usage) = (&mut self.lanes[request.lane()], request.grant.usage);
        lane.tally.answered += 1;
        lane.tally.tokens.add(usage);
        let charge = lane
            .tariff(&request.grant)
            .map(|tariff| tariff.charge(usage));
        let tally = &mut self.workloads[request.workload].tally;
        let counts = tally.classifier.get_or_insert_default();
        counts.judged += 1;
        counts.easy += u64::from(!judgement.judged_hard);
        counts.misrouted += u64::from(judgement.hard && !judgement.judged_hard);
        counts.overserved += u64::from(!judgement.hard && judgement.judged_hard);
        if let Some(charge) = charge {
            tally.ledger.add_classifier(charge);
            self.charge(request.lane(), charge.total());
        }
    }

    /// A classifier could not be asked; the request goes on as if there were none.
    pub fn unclassified(&mut self, request: &Request) {
        if self.is_measured(request) {
            let tally = &mut self.workloads[request.workload].tally;
            tally.classifier.get_or_insert_default().failed += 1;
        }
    }

    /// Books a request that ends as a record of a batch job: its whole prompt and its answer, at the price of
    /// the lane. Batch has no prompt cache.
    fn deferred(&mut self, request: &Request) {
        let lane = &mut self.lanes[request.lane()];
        let workload = &mut self.workloads[request.workload];
        let prefix = u64::from(request.prefix.len) * u64::from(workload.block_tokens);
        let input = u64::from(request.input) + u64::from(request.pointed) + prefix;
        let usage = Usage {
            input: u32::try_from(input).unwrap_or(u32::MAX),
            output: request.output.min(lane.max_tokens),
            ..Usage::default()
        };
        lane.tally.deferred += 1;
        lane.tally.tokens.add(usage);
        let tariff = lane.tariffs.iter().flatten().next();
        if let Some(charge) = tariff.map(|tariff| tariff.charge(usage)) {
            workload.tally.ledger.add_batch(charge);
            self.charge(request.lane(), charge.total());
        }
    }

    /// A request was answered; [`Recorder::ended`] follows.
    #[inline]
    pub fn answered(&mut self, now: Moment, request: &Request, answer: &Answer) {
        let measured = self.is_measured(request);
        let workload = &mut self.workloads[request.workload];
        let streams = workload.stream;
        let good = answer.e2e <= self.bounds.e2e
            && (!streams
                || (answer.ttft <= self.bounds.ttft
                    && answer.tpot.is_none_or(|tpot| tpot <= self.bounds.tpot)));
        self.last_good = good;
        self.last_ttft = streams.then_some(answer.ttft);
        if !measured {
            return;
        }
        let (usage, served_by) = (request.grant.usage, request.grant.served_by);
        let write_1h = request.grant.cache_write_1h;
        let tariff = self.lanes[request.lane()].tariff(&request.grant);
        let tally = &mut workload.tally;
        tally.in_tier += u64::from(request.grant.tier != PriceTier::Standard);
        tally.attempts.answered_by_number[number(request)] += 1;
        tally.good += u64::from(good);
        let stopped_early = request.grant.stopped_early;
        tally.truncated += u64::from(request.grant.truncated && !stopped_early);
        tally.stopped_early += u64::from(stopped_early);
        tally.e2e.record(answer.e2e, answer.attempt_e2e);
        if streams {
            tally.ttft.record(answer.ttft, answer.attempt_ttft);
            if let Some(tpot) = answer.tpot {
                tally.tpot.record(tpot);
            }
        }
        tally.tokens.add(usage);
        tally.stops[request.grant.stop as usize] += 1;
        if workload.thinks {
            workload.thought(request, answer);
        }
        let mut cost = Usd::ZERO;
        if let Some(screened) = &request.grant.screened {
            cost += workload.guarded(screened, screened.output_units);
            workload.found(screened);
        }
        let tally = &mut workload.tally;
        match served_by {
            ServedBy::Reserved | ServedBy::ModelUnits => {
                tally.prepaid_tokens.add(usage);
                tally.prepaid_requests += 1;
            }
            _ => {
                if let Some(tariff) = tariff {
                    let charge = tariff.charge_mixed(usage, write_1h);
                    cost += charge.total();
                    tally.ledger.add_split(charge, tariff, usage, write_1h);
                }
            }
        }
        self.charged += cost;
        if self.has_lanes() {
            let lane = &mut self.lanes[request.lane()].tally;
            lane.answered += 1;
            lane.tokens.add(usage);
            lane.cost += cost;
        }
        self.keep(now, request, AttemptEnd::Answered, usage);
    }

    /// A request ended.
    #[inline]
    pub fn ended(&mut self, now: Moment, request: &Request, outcome: Outcome) {
        self.in_system -= 1;
        self.sojourn += u128::from(now.since(request.intended).0);
        let (good, ttft) = match outcome {
            Outcome::Completed => (self.last_good, self.last_ttft),
            _ => (false, None),
        };
        self.timeline.end(now, outcome, good, ttft);
        if good && let Some(course) = &mut self.course {
            course.good(request.intended, request.progress.instance);
        }
        if self.is_measured(request) {
            self.workloads[request.workload].tally.requests.end(outcome);
            if outcome == Outcome::Deferred {
                self.deferred(request);
            }
        }
    }

    /// A session of `workload` is over.
    pub fn session_over(&mut self, workload: usize, over: &SessionOver) {
        if over.began < self.measured_from {
            return;
        }
        let Some(counts) = &mut self.workloads[workload].tally.sessions else {
            return;
        };
        counts.started += 1;
        counts.turns += u64::from(over.turns);
        *match over.end {
            SessionEnd::Completed => &mut counts.completed,
            SessionEnd::Abandoned => &mut counts.abandoned,
            SessionEnd::Unfinished => &mut counts.unfinished,
        } += 1;
    }

    /// The attempts kept since the last call: a shell that runs for long writes them down as they come.
    pub fn take_attempts(&mut self) -> Vec<AttemptRecord> {
        std::mem::take(&mut self.attempts)
    }

    /// How many attempts are kept and not yet taken.
    pub fn kept(&self) -> usize {
        self.attempts.len()
    }

    /// What has been counted of each workload so far.
    pub fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.workloads.iter().map(|workload| &workload.tally)
    }

    /// Requests in the system.
    pub fn in_system(&self) -> u64 {
        self.in_system
    }

    /// Books the fees of routers, which every request of their workloads has passed.
    fn book_router_fees(&mut self) {
        let has_lanes = self.has_lanes();
        for (index, workload) in self.workloads.iter_mut().enumerate() {
            let offered = i128::from(workload.tally.requests.offered);
            let fee = Usd(workload.router_fee.0 * offered);
            workload.tally.ledger.router_fee = fee;
            self.charged += fee;
            if has_lanes {
                self.lanes[index].tally.cost += fee;
            }
        }
    }

    /// The run is over; `quotas` and `totals` are the service's, as far as they are known.
    ///
    /// # Panics
    /// If requests, time or dollars are not conserved.
    pub fn finish(mut self, quotas: Vec<QuotaReport>, totals: ServiceTotals) -> RunMeasures {
        assert_eq!(
            self.area, self.sojourn,
            "Little's law: the integral of the number in the system is the sum of times in it"
        );
        self.book_router_fees();
        let booked: Usd = self.tallies().map(|tally| tally.ledger.total()).sum();
        assert_eq!(
            booked, self.charged,
            "the classes of the ledgers sum to what the attempts cost"
        );
        let by_lane: Usd = self.lanes.iter().map(|lane| lane.tally.cost).sum();
        assert!(
            !self.has_lanes() || by_lane == self.charged,
            "what the lanes cost sums to what the attempts cost"
        );
        for workload in &self.workloads {
            let requests = &workload.tally.requests;
            assert_eq!(
                requests.offered,
                requests.ended(),
                "every request ends in one outcome"
            );
        }
        let has_lanes = self.has_lanes();
        RunMeasures {
            workloads: self
                .workloads
                .into_iter()
                .map(|workload| workload.tally)
                .collect(),
            lanes: if has_lanes {
                self.lanes.into_iter().map(|lane| lane.tally).collect()
            } else {
                Vec::new()
            },
            timeline: self.timeline,
            course: self.course.map(|course| *course),
            attempts: self.attempts,
            quotas,
            pools: Vec::new(),
            totals,
            simulated: self.simulated,
            in_system_area: self.area,
            ran_for: self.now.since(Moment::ZERO),
        }
    }
}

#[inline]
fn number(request: &Request) -> usize {
    (request.progress.attempts as usize - 1).min(ATTEMPTS_TOLD_APART - 1)
}
