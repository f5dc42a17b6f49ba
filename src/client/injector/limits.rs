//! Queues, deadlines and pacing, from a request that is due to its end.

use super::*;
use crate::client::spec::{AdaptSpec, AimdSpec, RateSpec, RetryPolicy, TokenPacingSpec};
use crate::domain::RefusalReason;
use crate::units::{PerSecond, TokensPerMinute};

fn policy() -> ClientPolicy {
    ClientPolicy {
        retry: RetryPolicy::None,
        ..ClientPolicy::default()
    }
}

fn at(seconds: u64) -> Moment {
    Moment::ZERO + Micros::from_secs(seconds)
}

fn ask(id: u32, seconds: u64) -> Ask {
    Ask {
        id,
        intended: at(seconds),
        ..Ask::default()
    }
}

fn drain(injector: &mut Injector, now: Moment) -> Vec<(u32, Due)> {
    std::iter::from_fn(|| injector.poll(now)).collect()
}

#[test]
fn a_full_queue_that_takes_the_newest_first_drops_the_oldest() {
    let mut injector = Injector::new(ClientPolicy {
        concurrency: Some(1),
        queue: Some(2),
        queue_order: QueueOrder::Lifo,
        ..policy()
    });
    let verdicts = [1, 2, 3, 4].map(|id| injector.due(at(0), ask(id, 0)));
    assert_eq!(verdicts, [Due::Send, Due::Wait, Due::Wait, Due::Wait]);
    assert_eq!(drain(&mut injector, at(0)), [(2, Due::Shed)]);
    injector.free(at(1));
    assert_eq!(drain(&mut injector, at(1)), [(4, Due::Send)]);
    injector.free(at(2));
    assert_eq!(drain(&mut injector, at(2)), [(3, Due::Send)]);
    injector.free(at(3));
    assert_eq!(injector.load(), (0, 0));
}

#[test]
fn who_waited_too_long_for_a_place_is_dropped_when_its_turn_comes() {
    let mut injector = Injector::new(ClientPolicy {
        concurrency: Some(1),
        queue_for: Some(Micros::from_secs(10)),
        ..policy()
    });
    assert_eq!(injector.due(at(0), ask(1, 0)), Due::Send);
    assert_eq!(injector.due(at(1), ask(2, 1)), Due::Wait);
    assert_eq!(injector.due(at(3), ask(3, 3)), Due::Wait);
    injector.free(at(12));
    let told = drain(&mut injector, at(12));
    assert_eq!(told, [(2, Due::Shed), (3, Due::Send)]);
    assert_eq!(injector.load(), (1, 0));
}

#[test]
fn an_attempt_that_cannot_end_in_time_is_not_made() {
    let mut injector = Injector::new(ClientPolicy {
        concurrency: Some(1),
        deadline: Some(Micros::from_secs(10)),
        expected: Some(Micros::from_secs(3)),
        retry: RetryPolicy::Exponential {
            max_attempts: 5,
            base: Micros::SECOND,
            cap: Micros::SECOND,
            jitter: crate::client::spec::Jitter::None,
        },
        ..policy()
    });
    let mut progress = Progress {
        attempts: 1,
        ..Progress::default()
    };
    injector.due(at(0), ask(1, 0));
    let mut failed = |injector: &mut Injector, now: Moment| {
        injector.failed(now, at(0), &mut progress, Failure::Unavailable, 0.5)
    };
    // 1 s of backoff and 3 s of service must fit before 10 s.
    let almost = Moment(5_999_999);
    assert_eq!(
        failed(&mut injector, almost),
        Next::RetryAt(almost + Micros::SECOND)
    );
    assert_eq!(failed(&mut injector, at(6)), Next::GiveUp(Outcome::Failed));
    // The same for those that waited.
    injector.due(at(0), ask(2, 0));
    injector.due(at(1), ask(3, 1));
    injector.free(Moment(7_500_000));
    let told = drain(&mut injector, Moment(7_500_000));
    assert_eq!(told, [(2, Due::Shed), (3, Due::Send)]);
}

#[test]
fn pacing_holds_attempts_back_in_order_and_gives_places_back_of_those_it_drops() {
    let mut injector = Injector::new(ClientPolicy {
        concurrency: Some(4),
        queue_for: Some(Micros::from_secs(2)),
        pacing: Some(PacingSpec::Rate(RateSpec {
            rate: PerSecond(0.5),
            burst: 1,
        })),
        ..policy()
    });
    let verdicts = [1, 2, 3, 4, 5].map(|id| injector.due(at(0), ask(id, 0)));
    assert_eq!(
        verdicts,
        [Due::Send, Due::Wait, Due::Wait, Due::Wait, Due::Wait]
    );
    assert_eq!((injector.load(), injector.next_wake()), ((4, 1), at(2)));
    assert_eq!(drain(&mut injector, at(1)), []);
    assert_eq!(drain(&mut injector, at(2)), [(2, Due::Send)]);
    assert_eq!(injector.next_wake(), at(4));
    // Three, four and then five waited four seconds: all are dropped, and their places are free.
    let told = drain(&mut injector, at(4));
    assert_eq!(told, [(3, Due::Shed), (5, Due::Shed), (4, Due::Shed)]);
    assert_eq!(
        (injector.load(), injector.next_wake()),
        ((2, 0), Moment::NEVER)
    );
}

#[test]
fn the_end_of_a_call_lets_the_next_go_where_tokens_are_counted() {
    let spec = TokenPacingSpec {
        tpm: Some(TokensPerMinute(1000)),
        rpm: None,
        share: 1.0,
        burndown: None,
    };
    let quota = KnownQuota {
        tpm: None,
        rpm: None,
        burndown: 2,
    };
    let paced = ClientPolicy {
        pacing: Some(PacingSpec::Tokens(spec)),
        ..policy()
    };
    let mut injector = Injector::with_quotas(paced, &[quota; 2]);
    let mut progress = injector.begin(0);
    progress.attempts = 1;
    progress.held = Held {
        quota: 0,
        tokens: 800,
    };
    let other = Progress {
        held: Held {
            quota: 1,
            tokens: 800,
        },
        ..progress
    };
    assert_eq!(injector.due(at(0), progress.ask(1, at(0))), Due::Send);
    assert_eq!(injector.due(at(0), progress.ask(2, at(0))), Due::Wait);
    // Another model has a quota of its own, and nobody waits for somebody else's.
    assert_eq!(injector.due(at(0), other.ask(3, at(0))), Due::Send);
    assert_eq!(injector.next_wake(), Moment::NEVER);
    let throttled = Failure::Throttled(RefusalReason::TokensPerMinute);
    let next = injector.failed(at(1), at(0), &mut progress, throttled, 0.5);
    assert_eq!(next, Next::GiveUp(Outcome::Throttled));
    // Nothing was used, so the second goes at once.
    assert_eq!(drain(&mut injector, at(1)), [(2, Due::Send)]);
    assert_eq!(injector.due(at(2), progress.ask(4, at(2))), Due::Wait);
    let heard = Heard {
        ttft: Micros::SECOND,
        usage: Usage {
            input: 100,
            output: 100,
            ..Usage::default()
        },
    };
    // 100 and twice 100 were used: 700 are left until that is forgotten.
    injector.succeeded(at(3), &progress, heard);
    assert_eq!(drain(&mut injector, at(3)), []);
    let forgotten = at(63) + Micros(100_000);
    assert_eq!(injector.next_wake(), forgotten);
    assert_eq!(drain(&mut injector, forgotten), [(4, Due::Send)]);
    injector.unsent(forgotten, &progress);
    assert_eq!(injector.due(forgotten, progress.ask(5, at(9))), Due::Send);
}

#[test]
fn a_limit_that_grows_lets_several_go() {
    let mut injector = Injector::new(ClientPolicy {
        concurrency: Some(100),
        adapt: Some(AdaptSpec::Aimd(AimdSpec {
            initial: 1,
            min: 1,
            failed: 0.9,
            throttled: 0.5,
        })),
        ..policy()
    });
    assert_eq!(injector.due(at(0), ask(1, 0)), Due::Send);
    for id in 2..9 {
        assert_eq!(injector.due(at(0), ask(id, 0)), Due::Wait);
    }
    let progress = injector.begin(0);
    let heard = Heard {
        ttft: Micros::SECOND,
        usage: Usage::default(),
    };
    injector.succeeded(at(1), &progress, heard);
    injector.free(at(1));
    let told = drain(&mut injector, at(1));
    assert_eq!(told, [(2, Due::Send), (3, Due::Send)]);
}
