//! Reports of a small real run with a tight and a bought variant.

use super::*;
use crate::results::{Summary, tests::summary};

fn sample() -> Summary {
    let mut summary = summary(1);
    summary.variants[2].mode = "reserved 300K in + 60K out, 1-month, overflow to standard".into();
    summary.variants[1].requests.timed_out = 3;
    for variant in &mut summary.variants {
        variant.notes = vec!["no current Claude sells model units".into()];
    }
    summary.variants[1].warnings = vec!["`max_tokens` is unset".into()];
    summary
}

fn view() -> View {
    View::new(
        &sample(),
        Some("results/runs/20261123T010203Z-test-0a1b2c3d"),
    )
}

#[test]
fn the_terminal_table() {
    for width in [80, 100, 120] {
        let style = Style {
            color: false,
            width,
        };
        let text = terminal(&view(), style);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.unwrap() <= usize::from(width), "{text}");
        insta::assert_snapshot!(format!("terminal_{width}"), text);
    }
}

#[test]
fn the_markdown_page() {
    insta::assert_snapshot!(markdown(&view()));
}

#[test]
fn colour_changes_no_letter() {
    let width = 100;
    let plain = terminal(
        &view(),
        Style {
            color: false,
            width,
        },
    );
    let coloured = terminal(&view(), Style { color: true, width });
    assert_ne!(plain, coloured);
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}
