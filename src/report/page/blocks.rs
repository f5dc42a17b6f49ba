//! What chapters hold: tables, pictures, sliders, definitions.

use super::{anchor, lever, prose, table};
use crate::report::figure;
use crate::results::report::{Block, Figure, Scale, Unit};
use maud::{Markup, PreEscaped, html};

/// A block of a chapter; `half` of the width if it stands beside another one.
pub(super) fn block(block: &Block, half: bool, names: &[String]) -> Markup {
    match block {
        Block::Table(one) => html! {
            section.card id=(anchor(&one.id)) aria-labelledby={ (anchor(&one.id)) "-title" } {
                h3 id={ (anchor(&one.id)) "-title" } { (one.title) }
                (table::compared(one, names))
            }
        },
        Block::Figure(one) => picture(one, half, names),
        Block::Lever(one) => lever::lever(one),
        Block::Definitions(all) => html! { div.card { (definitions(all)) } },
    }
}

/// Whether the block at `at` is a picture that stands beside its neighbour: both are pictures, and
/// neither needs the whole width.
pub(super) fn is_half(blocks: &[Block], at: usize) -> bool {
    let is_small = |at: usize| blocks.get(at).is_some_and(is_small);
    let run = (0..=at).rev().take_while(|&at| is_small(at)).count();
    // The first of a pair has a neighbour behind it, the second one before it.
    match run {
        0 => false,
        odd if !odd.is_multiple_of(2) => is_small(at + 1),
        _ => true,
    }
}

/// Courses over time and pictures with many categories need the whole width.
fn is_small(block: &Block) -> bool {
    const MOST_CATEGORIES: usize = 6;
    match block {
        Block::Figure(figure) => match &figure.x.scale {
            Scale::Category(names) => names.len() <= MOST_CATEGORIES,
            _ => figure.x.unit != Unit::Seconds,
        },
        _ => false,
    }
}

fn picture(one: &Figure, half: bool, names: &[String]) -> Markup {
    let id = anchor(&one.id);
    let title = format!("{id}-title");
    html! {
        figure.card.half[half] id=(id) data-figure=(one.id) aria-labelledby=(title) {
            figcaption {
                h3 id=(title) { (one.title) }
                @if !one.caption.is_empty() { p.caption { (prose(&one.caption)) } }
            }
            div.plot { div.still { (PreEscaped(figure::svg(one))) } }
            @if let Some(thinned) = &one.thinned { p.note { (thinned) } }
            @if !one.table.rows.is_empty() {
                details.behind {
                    summary { "The numbers behind it" }
                    (table::plain(&one.table, &one.title, names))
                }
            }
        }
    }
}

/// Terms with what they mean.
pub(super) fn definitions(all: &[(String, String)]) -> Markup {
    html! {
        dl {
            @for (term, meaning) in all {
                dt { (prose(term)) }
                dd { (prose(meaning)) }
            }
        }
    }
}
