use super::{Style, figures, markdown, synth_markdown, synth_terminal, terminal};
use crate::load::trace::{Record, Recorded};
use crate::results::report::{Cell, Layer};
use crate::results::traffic::TraceStats;
use crate::rng::Keyed;
use crate::traffic::{StatsOptions, SynthOptions, closeness, stats, synth};
use crate::units::Micros;

const STYLE: Style = Style {
    color: false,
    width: 100,
};

fn log() -> Recorded {
    let draws = Keyed::new(9, "log");
    let call = |n: u32| Record {
        at: Micros(u64::from(n) * 400_000),
        model: u16::from(n.is_multiple_of(4)),
        client: n % 3,
        session: n / 3,
        input: 100 + n % 700,
        cache_read: 60 * u32::from(!n.is_multiple_of(3)),
        output: 10 + (90.0 * draws.uniform(u64::from(n))) as u32,
        max_tokens: Some(500),
        ttft: Some(Micros::from_millis(300 + u64::from(n % 50))),
        latency: Some(Micros::from_millis(900)),
        attempt: 1,
        ..Record::default()
    };
    Recorded {
        calls: (0..3000).map(call).collect(),
        models: vec!["claude-a".to_owned(), "claude-b".to_owned()],
        clients: vec!["one".to_owned(), "two".to_owned(), "three".to_owned()],
        ..Recorded::default()
    }
}

fn told() -> TraceStats {
    stats(&log(), "log.csv", &StatsOptions::default())
}

#[test]
fn statistics_read_well() {
    insta::assert_snapshot!(terminal(&told(), STYLE));
    let page = markdown(&told());
    assert!(page.starts_with("# log.csv\n"));
    for title in [
        "## Requests",
        "## Sizes",
        "## Prompt cache",
        "## Sessions",
        "## Who",
    ] {
        assert!(page.contains(title), "{title}");
    }
}

#[test]
fn closeness_reads_well() {
    let made = synth(&log(), &SynthOptions::default()).unwrap();
    let mut close = closeness(&log(), &made);
    "log.csv".clone_into(&mut close.source);
    "made.csv".clone_into(&mut close.out);
    insta::assert_snapshot!(synth_terminal(&close, STYLE));
    assert!(synth_markdown(&close).contains("| requests | 3000 | 3000 | 0.0 % | 1.0 % |"));
}

#[test]
fn each_picture_has_its_table() {
    let all = figures(&told());
    let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(
        ids,
        ["trace-rate", "trace-idc", "trace-sizes", "trace-quota"]
    );
    for figure in &all {
        let columns = figure.table.columns.len();
        assert!(!figure.table.rows.is_empty(), "{}", figure.id);
        assert!(figure.table.rows.iter().all(|row| row.len() == columns));
        let is_told = |row: &Vec<Cell>| row.iter().skip(1).any(|cell| *cell != Cell::Absent);
        assert!(figure.table.rows.iter().all(is_told));
        for layer in &figure.layers {
            let (Layer::Line { points, .. } | Layer::Step { points, .. }) = layer else {
                panic!("only lines and steps are drawn");
            };
            assert!(points.is_sorted_by(|a, b| a.0 <= b.0));
        }
    }
    assert!(figures(&TraceStats::default()).is_empty());
}
