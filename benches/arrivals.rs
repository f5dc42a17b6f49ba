//! Time per arrival of open traffic; the simulator needs it to stay below 40 ns.

use std::hint::black_box;
use std::sync::Arc;

use bedload::load::source::Source;
use bedload::load::spec::{
    ArrivalSpec, RecordedReplay, ReplayScale, ShapeSpec, SizeSpec, TrafficSpec,
};
use bedload::load::trace::Recording;
use bedload::units::{Micros, Moment, PerSecond};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const BATCH: u64 = 100_000;

fn spec(arrival: ArrivalSpec) -> TrafficSpec {
    let table = |top: f64| {
        let points = (0..=100).map(|i| f64::from(i) / 100.0);
        SizeSpec::Quantiles(points.map(|u| (u, 1.0 + u * u * top)).collect())
    };
    TrafficSpec {
        arrival,
        shapes: vec![],
        input: Some(table(7000.0)),
        output: Some(table(500.0)),
        rank_correlation: 0.0,
        prefix: None,
        context: bedload::load::spec::ContextSpec::default(),
        kept: bedload::units::Ratio::ONE,
    }
}

fn recording() -> ArrivalSpec {
    ArrivalSpec::Recorded(RecordedReplay {
        recording: Arc::new(Recording {
            interval: Micros::SECOND,
            counts: (0..3600).map(|i| i % 7 * (i % 11)).collect(),
            ..Recording::default()
        }),
        scale: ReplayScale {
            copies: 10,
            repeat: true,
            ..ReplayScale::default()
        },
    })
}

fn arrivals(c: &mut Criterion) {
    let rate = PerSecond(1000.0);
    let mut correlated = spec(recording());
    correlated.rank_correlation = 0.3;
    let mut weekly = spec(ArrivalSpec::Poisson { rate });
    weekly.shapes.push(ShapeSpec::HourOfWeek {
        factors: (0..168).map(|h| 1.0 + f64::from(h % 24) / 24.0).collect(),
        start_hour: 0.0,
    });
    let cases = [
        ("constant", spec(ArrivalSpec::Constant { rate })),
        ("poisson", spec(ArrivalSpec::Poisson { rate })),
        ("poisson_weekly", weekly),
        ("gamma_cv3", spec(ArrivalSpec::Gamma { rate, cv: 3.0 })),
        ("weibull_cv3", spec(ArrivalSpec::Weibull { rate, cv: 3.0 })),
        ("recording", spec(recording())),
        ("recording_correlated", correlated),
    ];
    let mut group = c.benchmark_group("arrivals");
    group.throughput(Throughput::Elements(BATCH));
    for (name, spec) in cases {
        let Source::Open(mut source) = Source::new(&spec, 1, "bench", Moment::NEVER) else {
            continue;
        };
        group.bench_function(name, |b| {
            b.iter(|| {
                let batch = source.by_ref().take(BATCH as usize);
                black_box(
                    batch
                        .map(|a| a.at.0 ^ u64::from(a.input + a.output))
                        .fold(0, |a, b| a ^ b),
                )
            });
        });
    }
    group.finish();
}

criterion_group!(benches, arrivals);
criterion_main!(benches);
