use super::*;
use crate::load::source::Source;
use crate::load::spec::{ArrivalSpec, SizeSpec, TrafficSpec};

fn source(users: u32, think: DurationSpec, until: Moment) -> ClosedSource {
    let spec = TrafficSpec {
        arrival: ArrivalSpec::Closed { users, think },
        shapes: vec![],
        input: Some(SizeSpec::Fixed(7)),
        output: Some(SizeSpec::Fixed(9)),
        rank_correlation: 0.0,
        prefix: None,
        context: crate::load::spec::ContextSpec::default(),
        kept: Ratio::ONE,
    };
    match Source::new(&spec, 2, "users", until) {
        Source::Closed(source) => source,
        Source::Open(_) | Source::Sessions(_) => panic!("closed"),
    }
}

/// Requests of all users when each answer takes `response`.
fn requests(mut source: ClosedSource, response: Micros) -> u64 {
    let mut count = 0;
    for user in 0..source.users() {
        let mut next = source.first(user);
        while let Some(arrival) = next {
            count += 1;
            next = source.after(user, arrival.at + response);
        }
    }
    count
}

#[test]
fn oracle_fifty_users_make_four_requests_a_second() {
    let until = Moment(3_600_000_000 * 5);
    let response = Micros(2_500_000);
    for think in [
        DurationSpec::Fixed(Micros::from_secs(10)),
        DurationSpec::Exponential {
            mean: Micros::from_secs(10),
        },
    ] {
        let rate = requests(source(50, think, until), response) as f64 / until.as_secs_f64();
        assert!((rate - 4.0).abs() < 0.05, "{rate}");
    }
}

#[test]
fn a_lognormal_think_time_has_its_mean() {
    let think = DurationSpec::Lognormal {
        p50: Micros::from_secs(8),
        p99: Micros::from_secs(60),
    };
    let until = Moment(3_600_000_000 * 20);
    let source = source(50, think, until);
    let expected = source.rate_bound();
    let rate = requests(source, Micros::ZERO) as f64 / until.as_secs_f64();
    assert!((rate / expected - 1.0).abs() < 0.03, "{rate} {expected}");
}

#[test]
fn draws_do_not_depend_on_the_order_of_answers() {
    let until = Moment(1_000_000_000);
    let think = DurationSpec::Exponential {
        mean: Micros::SECOND,
    };
    let (mut a, mut b) = (source(2, think, until), source(2, think, until));
    let done = Moment(5_000_000);
    let first = (a.after(0, done), a.after(1, done), a.after(0, done));
    let second = (b.after(1, done), b.after(0, done), b.after(0, done));
    assert_eq!((first.0, first.1, first.2), (second.1, second.0, second.2));
    let numbers: Vec<u64> = [first.0, first.1, first.2]
        .iter()
        .map(|x| x.unwrap().seq)
        .collect();
    assert_eq!(numbers, [2, 3, 4]);
    assert_eq!(a.first(7), None);
    assert_eq!(a.after(7, done), None);
}

#[test]
fn nothing_starts_at_or_after_the_end() {
    let mut source = source(1, DurationSpec::Fixed(Micros::SECOND), Moment(3_000_000));
    assert_eq!(source.after(0, Moment(2_000_000)), None);
    assert!(source.after(0, Moment(1_999_999)).is_some());
    assert_eq!(source.after(0, Moment::NEVER), None);
}
