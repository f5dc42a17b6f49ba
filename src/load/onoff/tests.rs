use super::*;
use crate::load::burstiness::Burstiness;
use crate::load::source::Source;
use crate::load::spec::{ArrivalSpec, SizeSpec, TrafficSpec};
use crate::units::{Micros, Moment, PerSecond};

fn oracle() -> OnOffSpec {
    OnOffSpec {
        rate: PerSecond(5.0),
        burst_factor: 4.0,
        burst_share: 1.0 / 6.0,
        burst_length: Micros::from_secs(10),
    }
}

#[test]
fn oracle_closed_forms() {
    let process = Mmpp::of(&oracle());
    for (value, expected) in [
        (process.rates[0], 20.0),
        (process.rates[1], 2.0),
        (process.leave[0], 0.1),
        (process.leave[1], 0.02),
        (process.mean(), 5.0),
        (process.idc(10.0), 63.649),
        (process.idc(60.0), 130.182),
        (process.idc(1e12), 151.0),
    ] {
        assert!((value - expected).abs() < 1e-3, "{value} is not {expected}");
    }
}

#[test]
fn oracle_dispersion_by_simulation() {
    let until = Moment(600_000 * 1_000_000);
    let spec = TrafficSpec {
        arrival: ArrivalSpec::OnOff(oracle()),
        shapes: vec![],
        input: Some(SizeSpec::Fixed(1)),
        output: Some(SizeSpec::Fixed(1)),
        rank_correlation: 0.0,
        prefix: None,
        context: crate::load::spec::ContextSpec::default(),
        kept: crate::units::Ratio::ONE,
    };
    let Source::Open(source) = Source::new(&spec, 4, "burst", until) else {
        panic!("open")
    };
    let windows = [Micros::from_secs(10), Micros::MINUTE];
    let found = Burstiness::of(source.map(|a| a.at), Micros(until.0), &windows);
    // Ten thousand cycles of on and off: the mean is known to about 1 %, the dispersion to 4 %.
    assert!(
        (found.mean_rate.0 - 5.0).abs() < 0.15,
        "{}",
        found.mean_rate
    );
    assert!(
        (found.windows[0].idc / 63.649 - 1.0).abs() < 0.1,
        "{:?}",
        found.windows
    );
    assert!(
        (found.windows[1].idc / 130.182 - 1.0).abs() < 0.1,
        "{:?}",
        found.windows
    );
}
