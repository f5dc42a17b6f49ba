//! Pictures of made-up series: what they must hold whatever is drawn, and a few of them byte by byte.
//!
//! With `BEDLOAD_PICTURES=DIR` the samples are written there to be looked at.

use super::*;
use crate::results::report::{Axis, Figure, Layer, Mark, Scale, Unit};
use proptest::prelude::*;

fn axis(label: &str, unit: Unit, scale: Scale) -> Axis {
    Axis {
        label: label.to_owned(),
        unit,
        scale,
        range: None,
    }
}

fn line(name: &str, points: &[(f64, f64)], dashed: bool) -> Layer {
    Layer::Line {
        name: name.to_owned(),
        variant: (!dashed).then(|| name.to_owned()),
        dashed,
        points: points.to_vec(),
    }
}

fn curve(name: &str, factor: f64) -> Layer {
    let shares = [0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999];
    let points: Vec<(f64, f64)> = shares
        .iter()
        .map(|&share: &f64| (share, factor * 300.0 * (1.0 - share).powf(-0.25)))
        .collect();
    line(name, &points, false)
}

fn percentiles() -> Figure {
    Figure {
        id: "ttft".into(),
        title: "Time to first token".into(),
        caption: "Completed requests; the bound is that of the SLO.".into(),
        x: axis("percentile", Unit::Share, Scale::Nines),
        y: axis("TTFT", Unit::Millis, Scale::Log),
        layers: vec![
            curve("on-demand", 1.0),
            curve("cross-region", 0.9),
            curve("reserved <1-month>", 1.6),
        ],
        marks: vec![Mark::Level {
            label: "SLO p99 ≤ 1.2 s".into(),
            at: 1200.0,
        }],
        ..Figure::default()
    }
}

fn stacked() -> Figure {
    let bars = |name: &str, values: [f64; 3]| Layer::Bars {
        name: name.to_owned(),
        values: values.to_vec(),
    };
    let names = [
        "on-demand",
        "global profile",
        "reserved 300K in + 60K out, 1-month",
    ];
    Figure {
        id: "cost".into(),
        title: "Cost of a month by class".into(),
        x: axis("dollars a month", Unit::UsdPerMonth, Scale::Linear),
        y: axis(
            "",
            Unit::Text,
            Scale::Category(names.map(str::to_owned).to_vec()),
        ),
        layers: vec![
            bars("input", [3200.0, 2900.0, 800.0]),
            bars("output", [5100.0, 4600.0, 1100.0]),
            bars("bought capacity", [0.0, 0.0, 9000.0]),
        ],
        ..Figure::default()
    }
}

fn waterfall() -> Figure {
    let names = [
        "today",
        "prompt cache",
        "batch for reports",
        "smaller model",
        "with all",
    ];
    Figure {
        id: "levers".into(),
        title: "What each lever takes off the bill".into(),
        x: axis("dollars a month", Unit::UsdPerMonth, Scale::Linear),
        y: axis(
            "",
            Unit::Text,
            Scale::Category(names.map(str::to_owned).to_vec()),
        ),
        layers: vec![Layer::Waterfall {
            values: vec![42_000.0, -11_000.0, -6_500.0, -1200.0, 23_300.0],
            totals: vec![true, false, false, false, true],
        }],
        ..Figure::default()
    }
}

fn bands() -> Figure {
    let months = (1..=12).map(f64::from);
    let grown = |month: f64, factor: f64| 40_000.0 * factor.powf(month);
    Figure {
        id: "fan".into(),
        title: "What is paid month by month".into(),
        caption: "Median over the paths of demand, and the span between the 10th and the 90th percentile.".into(),
        x: axis("month of the plan", Unit::Months, Scale::Linear),
        y: axis("paid", Unit::UsdPerMonth, Scale::Linear),
        layers: vec![
            Layer::Band {
                name: "p10 to p90".into(),
                variant: None,
                points: months.clone().map(|m| (m, grown(m, 1.01), grown(m, 1.07))).collect(),
            },
            line("all on demand", &months.clone().map(|m| (m, grown(m, 1.05))).collect::<Vec<_>>(), true),
            Layer::Step {
                name: "the plan".into(),
                variant: None,
                points: months.map(|m| (m, grown(m, 1.035))).collect(),
            },
        ],
        marks: vec![
            Mark::Moment { label: "buy 2M in + 200K out".into(), at: 4.0 },
            Mark::Span { label: "credits".into(), from: 6.0, to: 9.0 },
        ],
        ..Figure::default()
    }
}

fn samples() -> Vec<Figure> {
    vec![percentiles(), stacked(), waterfall(), bands()]
}

#[test]
fn samples_are_drawn_as_they_were() {
    for figure in samples() {
        let text = svg(&figure);
        if let Some(folder) = std::env::var_os("BEDLOAD_PICTURES") {
            let folder = std::path::PathBuf::from(folder);
            std::fs::write(folder.join(format!("sample-{}.svg", figure.id)), &text).unwrap();
            let bytes = png(&figure, 1.5);
            std::fs::write(folder.join(format!("sample-{}.png", figure.id)), bytes).unwrap();
        }
        insta::assert_snapshot!(format!("svg_{}", figure.id), text);
    }
}

#[test]
fn every_colour_is_one_of_the_palette() {
    for figure in samples() {
        let text = svg(&figure);
        for at in text.match_indices("=\"#").map(|(at, _)| at + 2) {
            let colour = &text[at..at + 7];
            let known = [
                palette::INK,
                palette::MUTED,
                palette::GRID,
                palette::SURFACE,
            ];
            assert!(
                known.contains(&colour) || palette::SERIES.contains(&colour),
                "{colour}"
            );
        }
        assert!(
            !text.contains("<rect width=\"100%\""),
            "the page shows through"
        );
        assert!(
            svg_file(&figure).contains("<rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>")
        );
    }
}

#[test]
fn groups_name_their_variants() {
    let text = svg(&percentiles());
    assert!(
        text.contains("<g class=\"layer\" data-variant=\"on-demand\" data-name=\"on-demand\">")
    );
    assert!(
        text.contains("data-name=\"reserved &lt;1-month&gt;\""),
        "{text}"
    );
    assert!(text.contains("<title>Time to first token</title>"));
    assert!(text.contains("role=\"img\"") && text.contains("viewBox=\"0 0 2880 "));
    assert!(text.contains("data-x-scale=\"nines\" data-y="));
}

/// The check sums and lengths of its parts are right if a reader of another making takes it.
#[test]
fn a_png_has_its_parts() {
    let bytes = png(&percentiles(), 1.0);
    assert_eq!(&bytes[1..4], b"PNG");
    assert_eq!(bytes[16..20], 720_u32.to_be_bytes());
    // The check sum of an empty end, as every PNG has it.
    assert_eq!(bytes[bytes.len() - 4..], [0xae, 0x42, 0x60, 0x82]);
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -1e6..1e6_f64,
        1 => Just(0.0),
        1 => prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(f64::MAX), Just(f64::MIN), Just(f64::MIN_POSITIVE),
        ],
    ]
}

fn some_axis() -> impl Strategy<Value = Axis> {
    let units = prop_oneof![
        Just(Unit::Number),
        Just(Unit::Count),
        Just(Unit::Share),
        Just(Unit::Millis),
        Just(Unit::Seconds),
        Just(Unit::Hours),
        Just(Unit::Months),
        Just(Unit::PerSecond),
        Just(Unit::Tokens),
        Just(Unit::Usd),
    ];
    let scales = prop_oneof![
        Just(Scale::Linear),
        Just(Scale::Log),
        Just(Scale::Nines),
        prop::collection::vec("[a-z ]{0,40}", 0..5).prop_map(Scale::Category),
    ];
    let range = prop::option::of((value(), value()));
    ("[a-zé<& ]{0,20}", units, scales, range).prop_map(|(label, unit, scale, range)| Axis {
        label,
        unit,
        scale,
        range,
    })
}

fn some_layer() -> impl Strategy<Value = Layer> {
    let points = || prop::collection::vec((value(), value()), 0..30);
    let values = || prop::collection::vec(value(), 0..7);
    let name = || "[a-zß ]{0,30}";
    let variant = || prop::option::of("[ab]");
    prop_oneof![
        (name(), variant(), any::<bool>(), points()).prop_map(|(name, variant, dashed, points)| {
            Layer::Line {
                name,
                variant,
                dashed,
                points,
            }
        }),
        (name(), variant(), points()).prop_map(|(name, variant, points)| Layer::Step {
            name,
            variant,
            points
        }),
        (name(), variant(), points()).prop_map(|(name, variant, points)| Layer::Points {
            name,
            variant,
            points
        }),
        (
            name(),
            prop::collection::vec((value(), value(), value()), 0..9)
        )
            .prop_map(|(name, points)| Layer::Band {
                name,
                variant: None,
                points
            }),
        (name(), values()).prop_map(|(name, values)| Layer::Bars { name, values }),
        (name(), prop::collection::vec((value(), value()), 0..7))
            .prop_map(|(name, values)| Layer::Ranges { name, values }),
        (values(), prop::collection::vec(any::<bool>(), 0..7))
            .prop_map(|(values, totals)| Layer::Waterfall { values, totals }),
    ]
}

fn some_mark() -> impl Strategy<Value = Mark> {
    let label = || "[a-z ]{0,60}";
    prop_oneof![
        (label(), value()).prop_map(|(label, at)| Mark::Level { label, at }),
        (label(), value()).prop_map(|(label, at)| Mark::Moment { label, at }),
        (label(), value(), value()).prop_map(|(label, from, to)| Mark::Span { label, from, to }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn anything_can_be_drawn(
        x in some_axis(), y in some_axis(), layers in prop::collection::vec(some_layer(), 0..8),
        marks in prop::collection::vec(some_mark(), 0..6), caption in ".{0,200}",
    ) {
        let figure = Figure { id: "any".into(), caption, x, y, layers, marks, ..Figure::default() };
        for text in [svg(&figure), svg_file(&figure)] {
            prop_assert!(text.len() < 200_000);
            prop_assert_eq!(text.matches("<g ").count(), text.matches("</g>").count());
            prop_assert!(!text.contains("NaN"));
        }
    }
}

#[test]
fn a_picture_without_anything_is_a_png() {
    for figure in [
        Figure::default(),
        Figure {
            layers: vec![line("one", &[(1.0, 1.0)], false)],
            ..Figure::default()
        },
    ] {
        assert!(png(&figure, 0.5).len() > 200 && svg(&figure).len() > 200);
    }
}

/// A week second by second is no larger than what a screen can show.
#[test]
fn long_series_stay_small() {
    let points: Vec<(f64, f64)> = (0..604_800)
        .map(|s| (f64::from(s), f64::from(s % 977)))
        .collect();
    let layers = ["a", "b", "c"]
        .map(|name| line(name, &points, false))
        .to_vec();
    let figure = Figure {
        layers,
        ..Figure::default()
    };
    assert!(svg(&figure).len() < 70_000, "{}", svg(&figure).len());
}
