//! Pictures as SVG.

use super::axis::scale_word;
use super::layout::scene;
use super::paint::{Medium, paint};
use super::palette::SURFACE;
use super::scene::{Group, Scene};
use crate::results::report::{Figure, Layer};
use plotters::backend::SVGBackend;
use std::fmt::Write as _;

/// Backend units of one unit of the scene: the backend counts in whole ones.
const FINE: f64 = 4.0;
/// What the backend makes of a font's size.
const MEDIUM: Medium = Medium {
    factor: FINE,
    font: 1.24,
    base: 0.0,
    joints: false,
};
/// The fonts of a picture that stands alone.
const FONTS: &str = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/// The figure as SVG for a page: transparent, without its title and caption, which the page shows.
pub fn svg(figure: &Figure) -> String {
    written(figure, &scene(figure, false), None)
}

/// The figure as an SVG that stands alone: on white, with its title and caption.
pub fn svg_file(figure: &Figure) -> String {
    written(figure, &scene(figure, true), Some(SURFACE))
}

fn written(figure: &Figure, scene: &Scene, ground: Option<&str>) -> String {
    let (width, height) = (scene.width.ceil(), scene.height.ceil());
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\" font-family=\"{FONTS}\" stroke-linejoin=\"round\"",
        FINE * width,
        FINE * height
    );
    data_attributes(figure, scene, &mut text);
    let _ = write!(
        text,
        ">\n<title>{}</title>\n<desc>{}</desc>\n",
        escaped(&figure.title),
        escaped(&figure.caption)
    );
    if let Some(colour) = ground {
        let _ = writeln!(
            text,
            "<rect width=\"100%\" height=\"100%\" fill=\"{colour}\"/>"
        );
    }
    for group in &scene.groups {
        let _ = write!(text, "<g class=\"{}\"", group.class);
        if let Some(variant) = &group.variant {
            let _ = write!(text, " data-variant=\"{}\"", escaped(variant));
        }
        if let Some(name) = &group.name {
            let _ = write!(text, " data-name=\"{}\"", escaped(name));
        }
        if let Some((on, off)) = group.dash {
            let _ = write!(text, " stroke-dasharray=\"{} {}\"", FINE * on, FINE * off);
        }
        let _ = writeln!(text, ">\n{}</g>", painted(group, (width, height)));
    }
    text.push_str("</svg>\n");
    text
}

/// Where the data lies and which values the ends of the axes have, for pages that draw a part of it anew.
fn data_attributes(figure: &Figure, scene: &Scene, text: &mut String) {
    let [left, top, width, height] = scene.plot.map(|place| FINE * place);
    let _ = write!(
        text,
        " data-figure=\"{}\" data-plot=\"{left:.0} {top:.0} {width:.0} {height:.0}\"",
        escaped(&figure.id)
    );
    let over_numbers = |layer: &Layer| {
        !matches!(
            layer,
            Layer::Bars { .. } | Layer::Waterfall { .. } | Layer::Ranges { .. }
        )
    };
    if !figure.layers.iter().all(over_numbers) {
        return;
    }
    let (x, y) = &scene.ends;
    let _ = write!(
        text,
        " data-x=\"{} {}\" data-x-scale=\"{}\" data-y=\"{} {}\" data-y-scale=\"{}\"",
        x.0,
        x.1,
        scale_word(&figure.x.scale),
        y.0,
        y.1,
        scale_word(&figure.y.scale)
    );
}

/// The shapes of a group, without what the backend writes around a whole picture and what is as
/// everyone assumes.
fn painted(group: &Group, (width, height): (f64, f64)) -> String {
    let mut text = String::new();
    {
        let size = ((FINE * width) as u32, (FINE * height) as u32);
        let mut backend = SVGBackend::with_string(&mut text, size);
        paint(&mut backend, group, MEDIUM);
    }
    let inner = text.find(">\n").map_or("", |at| &text[at + 2..]);
    let inner = inner.strip_suffix("</svg>\n").unwrap_or(inner);
    inner
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        .replace(" dy=\"0.76em\"", "")
        .replace(" text-anchor=\"start\"", "")
        .replace(" font-family=\"sans-serif\"", "")
        .replace(" \"/>", "\"/>")
        .replace(">\n", ">")
        .replace("\n</text>", "</text>")
        .replace("/>", "/>\n")
        .replace("</text>", "</text>\n")
}

/// Text that SVG takes as such.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
