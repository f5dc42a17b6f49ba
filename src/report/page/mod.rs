//! The report as one HTML page that needs nothing else: no network, no other file, and no script
//! for what matters.
//!
//! Everything on it comes from the [`Report`], which it also carries as JSON. Its own script draws
//! the pictures anew from that JSON, so that they can be zoomed and fit the screen; without it the
//! pictures are those of [`super::figure`]. Each number stands in an element that carries the value
//! (`data-v`) and its unit (`data-u`), so that what is shown can be checked against the document.

mod blocks;
mod lever;
mod table;

use crate::results::report::{Block, Layer, Origin, Report, Section};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

/// The name of the page in the folder of its result.
pub const REPORT_PAGE: &str = "report.html";

/// A headline of more bytes than this is set smaller.
const LONG_HEADLINE: usize = 80;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page of a report.
pub fn page(report: &Report) -> String {
    let names = variants(report);
    let sections = report.sections.iter();
    let sections: Vec<Markup> = sections.map(|section| chapter(section, &names)).collect();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            (head(report))
            body {
                a.skip href="#verdict" { "Skip to the verdict" }
                (bar(&names))
                div.frame {
                    (contents(report))
                    main {
                        (verdict(report))
                        @for section in &sections { (section) }
                        (origins(&report.origin))
                        footer {
                            p {
                                "Every number on this page stands unrounded in the document that it \
                                 carries; "
                                code { "bedload report --format json" }
                                " prints the same document."
                            }
                        }
                    }
                }
                script type="application/json" id="report" { (PreEscaped(embedded(report))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}

/// Where the page of a result lies, for the end of its view.
pub(super) fn page_in(folder: &str) -> String {
    format!("report in {folder}/{REPORT_PAGE}")
}

/// The document as it may stand within a script element: no tag can begin in it.
fn embedded(report: &Report) -> String {
    let text = serde_json::to_string(report).expect("plain structs always serialise");
    text.replace('<', "\\u003c")
}

/// The policy that lets nothing run or load but what this program wrote.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{}'; \
         script-src 'sha256-{}'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn head(report: &Report) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="generator" content={ "bedload " (env!("CARGO_PKG_VERSION")) };
            title { (report.title) " – Bedload report" }
            style { (PreEscaped(STYLE)) }
        }
    }
}

/// The name, the switches of variants and that of the theme.
fn bar(names: &[String]) -> Markup {
    html! {
        header.bar {
            div.brand { "Bedload " span { "capacity report" } }
            @if names.len() > 1 {
                div.switches.live-only role="group" aria-label="Variants that are shown" {
                    span.word aria-hidden="true" { "Show" }
                    @for (number, name) in names.iter().enumerate() {
                        label class=(colour(number)) {
                            input type="checkbox" checked data-switch=(name);
                            i {}
                            span { (name) }
                        }
                    }
                }
            }
            button.theme.live-only type="button" { "Dark" }
        }
    }
}

/// The class that gives the series with this number its colour.
fn colour(number: usize) -> String {
    format!("c{}", number % 8 + 1)
}

fn contents(report: &Report) -> Markup {
    html! {
        nav.toc aria-label="Contents" {
            h2 { "Contents" }
            ol {
                li { a href="#verdict" { "Verdict" } }
                @for section in &report.sections {
                    li { a href={ "#" (anchor(&section.id)) } { (section.title) } }
                }
                @if !report.origin.is_empty() {
                    li { a href="#origin" { "How to get this again" } }
                }
            }
        }
    }
}

/// The answer, before anything else.
fn verdict(report: &Report) -> Markup {
    let (class, state) = match report.met {
        Some(true) => ("answer met", "Objectives met"),
        Some(false) => ("answer missed", "Objectives missed"),
        None => ("answer", "No objective was judged"),
    };
    html! {
        section.verdict #verdict tabindex="-1" aria-labelledby="title" {
            h1 #title { (report.title) }
            @if !report.question.is_empty() { p.question { (prose(&report.question)) } }
            div class=(class) {
                div.state { (sign(report.met)) span { (state) } }
                @if let Some((first, rest)) = report.verdict.split_first() {
                    @let (head, more) = headline(first);
                    p.first.long[head.len() > LONG_HEADLINE] { (prose(head)) }
                    @if !more.is_empty() { p { (prose(more)) } }
                    @for sentence in rest { p { (prose(sentence)) } }
                }
            }
            @if !report.warnings.is_empty() {
                div.warnings role="note" aria-labelledby="warnings" {
                    h2 #warnings { "Before you trust these figures" }
                    ul { @for warning in &report.warnings { li { (prose(warning)) } } }
                }
            }
        }
    }
}

/// A tick or a cross, so that the state is not told by its colour alone.
fn sign(met: Option<bool>) -> Markup {
    let path = match met {
        Some(true) => "M6 10.5l2.8 2.8L14.2 7.6",
        Some(false) => "M7 7l6 6M13 7l-6 6",
        None => "M6.5 10h7",
    };
    html! {
        svg viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor"
            stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" {
            circle cx="10" cy="10" r="8.6" {}
            path d=(path) {}
        }
    }
}

fn chapter(section: &Section, names: &[String]) -> Markup {
    let id = anchor(&section.id);
    html! {
        section.chapter id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (section.title) }
            @for sentence in &section.text { p { (prose(sentence)) } }
            @if !section.blocks.is_empty() {
                div.blocks {
                    @for (at, block) in section.blocks.iter().enumerate() {
                        (blocks::block(block, blocks::is_half(&section.blocks, at), names))
                    }
                }
            }
        }
    }
}

fn origins(all: &[Origin]) -> Markup {
    html! {
        @if !all.is_empty() {
            section.chapter #origin aria-labelledby="origin-title" {
                h2 #origin-title { "How to get this again" }
                div.blocks { @for (number, one) in all.iter().enumerate() { (origin(one, number)) } }
            }
        }
    }
}

fn origin(one: &Origin, number: usize) -> Markup {
    let title = format!("origin-{number}");
    html! {
        section.card aria-labelledby=(title) {
            h3 id=(title) { (one.result) }
            @if !one.command.is_empty() {
                div.command {
                    pre { code { (one.command) } }
                    button.copy.live-only type="button" data-copy=(one.command) { "Copy" }
                }
            }
            @if !one.facts.is_empty() { (blocks::definitions(&one.facts)) }
        }
    }
}

/// The variants of all pictures, in the order in which they first appear. Their numbers are their
/// colours.
fn variants(report: &Report) -> Vec<String> {
    let blocks = report.sections.iter().flat_map(|section| &section.blocks);
    let figures = blocks.filter_map(|block| match block {
        Block::Figure(figure) => Some(figure),
        _ => None,
    });
    let mut names: Vec<String> = Vec::new();
    for layer in figures.flat_map(|figure| &figure.layers) {
        let (Layer::Line { variant, .. }
        | Layer::Step { variant, .. }
        | Layer::Band { variant, .. }
        | Layer::Points { variant, .. }) = layer
        else {
            continue;
        };
        if let Some(name) = variant
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    }
    names
}

/// The part of an answer that is said large, and the rest of it: a long one is divided after its first
/// sentence or clause.
fn headline(answer: &str) -> (&str, &str) {
    const MOST: usize = 110;
    const LEAST: usize = 20;
    if answer.len() <= MOST {
        return (answer, "");
    }
    let ends = answer.match_indices([';', '.']);
    let mut ends = ends.filter(|(at, _)| *at >= LEAST && answer[at + 1..].starts_with(' '));
    match ends.next() {
        Some((at, ".")) => (&answer[..=at], answer[at + 1..].trim_start()),
        Some((at, _)) => (&answer[..at], answer[at + 1..].trim_start()),
        None => (answer, ""),
    }
}

/// A sentence; what stands between backticks is code, and no line begins with a percent sign.
fn prose(text: &str) -> Markup {
    let text = &text.replace(" %", "\u{a0}%");
    let parts: Vec<&str> = text.split('`').collect();
    // A backtick without its partner is one.
    if parts.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! {
        @for (number, part) in parts.iter().enumerate() {
            @if number.is_multiple_of(2) { (part) } @else { code { (part) } }
        }
    }
}

/// A word that may stand in an address.
fn anchor(id: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    id.chars().map(|c| if plain(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests;
