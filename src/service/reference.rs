//! Quota counters against a slow and obvious one, which keeps everything that ever happened and
//! works it out anew each time it is asked.

use super::quota::{Counter, CounterLimits};
use crate::domain::{QuotaRules, RefusalReason, ScopeKind, Semantics, Window};
use crate::units::{Micros, Moment, RequestsPerMinute, TokensPerDay, TokensPerMinute};
use proptest::prelude::*;

/// Something that happened to a quota.
#[derive(Clone, Copy, Debug)]
enum Event {
    Take(i64),
    /// Tokens that were taken at that moment come back.
    Give(i64, Moment),
    Limit(i64),
}

/// One quota with its history.
struct Quota {
    window: Window,
    semantics: Semantics,
    span: u64,
    first_limit: i64,
    events: Vec<(Moment, Event)>,
    /// Calls in flight: when admitted, and what is reserved for them.
    running: Vec<(usize, Moment, i64)>,
}

impl Quota {
    fn limit(&self) -> i64 {
        let limits = self.events.iter().rev().find_map(|(_, event)| match event {
            Event::Limit(limit) => Some(*limit),
            _ => None,
        });
        limits.unwrap_or(self.first_limit)
    }

    fn held(&self) -> i64 {
        self.running.iter().map(|(_, _, tokens)| tokens).sum()
    }

    fn same_window(&self, a: Moment, b: Moment) -> bool {
        match self.window {
            Window::Fixed => a.0 / self.span == b.0 / self.span,
            _ => b.0 - a.0 < self.span,
        }
    }

    fn available(&self, now: Moment) -> i64 {
        let metered = match self.window {
            Window::Fixed => {
                let mut used = 0;
                for (at, event) in &self.events {
                    if at.0 / self.span == now.0 / self.span {
                        match event {
                            Event::Take(tokens) => used += tokens,
                            Event::Give(tokens, _) => used = (used - tokens).max(0),
                            Event::Limit(_) => {}
                        }
                    }
                }
                self.limit() - used
            }
            Window::Sliding => {
                // A tick counts until its last microsecond is a whole window old.
                let tick = self.span / 60_000;
                let counts = |at: Moment, now: Moment| now.0 < (at.0 / tick + 60_000 + 1) * tick;
                let mut used = 0;
                for (at, event) in &self.events {
                    match event {
                        Event::Take(tokens) if counts(*at, now) => used += tokens,
                        Event::Give(tokens, taken_at)
                            if counts(*taken_at, *at) && counts(*taken_at, now) =>
                        {
                            used -= tokens;
                        }
                        _ => {}
                    }
                }
                self.limit() - used
            }
            Window::Bucket => {
                let span = i128::from(self.span);
                let mut limit = i128::from(self.first_limit);
                let (mut level, mut last) = (limit * span, 0u64);
                for (at, event) in &self.events {
                    level = (level + limit * i128::from(at.0 - last)).min(limit * span);
                    last = at.0;
                    match event {
                        Event::Take(tokens) => level -= i128::from(*tokens) * span,
                        Event::Give(tokens, _) => {
                            level = (level + i128::from(*tokens) * span).min(limit * span);
                        }
                        Event::Limit(new) => {
                            level += (i128::from(*new) - limit) * span;
                            limit = i128::from(*new);
                        }
                    }
                }
                level = (level + limit * i128::from(now.0 - last)).min(limit * span);
                level.div_euclid(span) as i64
            }
        };
        match self.semantics {
            Semantics::B => metered - self.held(),
            Semantics::A | Semantics::C => metered,
        }
    }

    fn reserve(&mut self, now: Moment, id: usize, tokens: i64) {
        self.running.push((id, now, tokens));
        if self.semantics != Semantics::B {
            self.events.push((now, Event::Take(tokens)));
        }
    }

    /// What is reserved becomes `tokens`; `ends` says that this is what the call used in the end.
    fn replace(&mut self, now: Moment, id: usize, tokens: i64, ends: bool) {
        let place = self.running.iter().position(|(own, ..)| *own == id);
        let place = place.expect("it runs");
        let (_, taken_at, reserved) = self.running[place];
        if ends {
            self.running.remove(place);
        } else {
            self.running[place].2 = tokens;
        }
        let surplus = reserved - tokens;
        match self.semantics {
            Semantics::B if ends => self.events.push((now, Event::Take(tokens))),
            Semantics::B => {}
            Semantics::C if surplus >= 0 && !self.same_window(taken_at, now) => {
                // It stays reserved until the end, and is forgotten then.
                if !ends {
                    self.running[place].2 = reserved;
                }
            }
            Semantics::A | Semantics::C if surplus >= 0 => {
                self.events.push((now, Event::Give(surplus, taken_at)));
            }
            Semantics::A | Semantics::C => self.events.push((now, Event::Take(-surplus))),
        }
    }
}

/// A whole counter: tokens per minute and day, requests per minute.
struct Reference {
    tpm: Quota,
    rpm: Quota,
    tpd: Quota,
}

impl Reference {
    fn new(rules: QuotaRules, limits: (u64, u64, u64)) -> Self {
        let quota = |window, semantics, span: Micros, limit: u64| Quota {
            window,
            semantics,
            span: span.0,
            first_limit: limit as i64,
            events: Vec::new(),
            running: Vec::new(),
        };
        let tokens = (rules.token_window, rules.semantics);
        Self {
            tpm: quota(tokens.0, tokens.1, Micros::MINUTE, limits.0),
            rpm: quota(rules.request_window, Semantics::A, Micros::MINUTE, limits.1),
            tpd: quota(tokens.0, tokens.1, Micros::DAY, limits.2),
        }
    }

    fn admit(&mut self, now: Moment, id: usize, tokens: i64) -> Result<(), RefusalReason> {
        if self.tpm.available(now) < tokens {
            return Err(RefusalReason::TokensPerMinute);
        }
        if self.rpm.available(now) < 1 {
            return Err(RefusalReason::RequestsPerMinute);
        }
        if self.tpd.available(now) < tokens {
            return Err(RefusalReason::TokensPerDay);
        }
        self.tpm.reserve(now, id, tokens);
        self.tpd.reserve(now, id, tokens);
        self.rpm.events.push((now, Event::Take(1)));
        Ok(())
    }
}

/// One thing that is done to a counter.
#[derive(Clone, Debug)]
enum Step {
    Admit(i64),
    /// A call in flight ends: the settlement of an answer, or of one that was cut short.
    End(usize, i64),
    Adjust(usize, i64),
    Limits(u64, u64, u64),
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let gap = prop_oneof![
        4 => 0u64..2_000,
        4 => 0u64..5_000_000,
        2 => 0u64..50_000_000,
        1 => 50_000_000u64..130_000_000,
        1 => 10_000_000_000u64..60_000_000_000,
    ];
    let step = prop_oneof![
        6 => (1i64..6_000).prop_map(Step::Admit),
        5 => (any::<usize>(), 0i64..9_000).prop_map(|(i, used)| Step::End(i, used)),
        3 => (any::<usize>(), 0i64..9_000).prop_map(|(i, now)| Step::Adjust(i, now)),
        1 => (1u64..40_000, 1u64..40, 1u64..200_000).prop_map(|(a, b, c)| Step::Limits(a, b, c)),
    ];
    prop::collection::vec((gap, step), 1..80)
}

fn rules() -> impl Strategy<Value = QuotaRules> {
    let window = || {
        prop_oneof![
            Just(Window::Sliding),
            Just(Window::Fixed),
            Just(Window::Bucket)
        ]
    };
    let semantics = prop_oneof![Just(Semantics::A), Just(Semantics::B), Just(Semantics::C)];
    (window(), window(), semantics).prop_map(|(token_window, request_window, semantics)| {
        QuotaRules {
            semantics,
            token_window,
            request_window,
            ..QuotaRules::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn counters_agree_with_the_slow_one(rules in rules(), steps in steps()) {
        let first = (20_000, 20, 120_000);
        let limits = |(tpm, rpm, tpd)| CounterLimits {
            tpm: TokensPerMinute(tpm),
            rpm: Some(RequestsPerMinute(rpm)),
            tpd: Some(TokensPerDay(tpd)),
        };
        let mut counter = Counter::new("m", ScopeKind::Geo, limits(first), rules);
        let mut slow = Reference::new(rules, first);
        let mut now = Moment::ZERO;
        // Calls in flight with what the fast counter says is reserved for them.
        let mut running: Vec<(usize, Moment, i64)> = Vec::new();
        let (mut reserved, mut settled, mut returned) = (0i64, 0i64, 0i64);
        for (id, (gap, step)) in steps.into_iter().enumerate() {
            now = now + Micros(gap);
            match step {
                Step::Admit(tokens) => {
                    let admitted = counter.admit(now, tokens);
                    prop_assert_eq!(admitted, slow.admit(now, id, tokens));
                    if admitted.is_ok() {
                        running.push((id, now, tokens));
                        reserved += tokens;
                    }
                }
                Step::End(which, used) if !running.is_empty() => {
                    let (own, at, tokens) = running.remove(which % running.len());
                    counter.settle(now, at, tokens, used);
                    slow.tpm.replace(now, own, used, true);
                    slow.tpd.replace(now, own, used, true);
                    settled += used;
                    returned += tokens - used;
                }
                Step::Adjust(which, to) if !running.is_empty() => {
                    let place = which % running.len();
                    let (own, at, tokens) = running[place];
                    let becomes = counter.adjust(now, at, tokens, to);
                    // What the minute cannot take back, the day keeps too.
                    if becomes == to {
                        slow.tpm.replace(now, own, to, false);
                        slow.tpd.replace(now, own, to, false);
                    } else {
                        prop_assert_eq!(becomes, tokens);
                        prop_assert!(rules.semantics == Semantics::C && to < tokens);
                        prop_assert!(!slow.tpm.same_window(at, now));
                    }
                    running[place].2 = becomes;
                    reserved += becomes - tokens;
                }
                Step::Limits(a, b, c) => {
                    counter.set_limits(now, limits((a, b, c)));
                    slow.tpm.events.push((now, Event::Limit(a as i64)));
                    slow.rpm.events.push((now, Event::Limit(b as i64)));
                    slow.tpd.events.push((now, Event::Limit(c as i64)));
                }
                Step::End(..) | Step::Adjust(..) => {}
            }
            let state = counter.state(now);
            prop_assert_eq!(state.tpm_available, slow.tpm.available(now));
            prop_assert_eq!(state.rpm_available, Some(slow.rpm.available(now)));
            prop_assert_eq!(state.tpd_available, Some(slow.tpd.available(now)));
            let in_flight: i64 = running.iter().map(|(_, _, tokens)| tokens).sum();
            prop_assert_eq!(counter.held(), in_flight);
            prop_assert!(counter.held() >= 0);
            prop_assert_eq!(reserved, settled + returned + in_flight);
        }
    }
}
