//! A picture as shapes with places: what the layout makes, and what the backends paint.

use super::palette::Colour;
use epaint_default_fonts::UBUNTU_LIGHT;
use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};
use std::sync::Once;

/// Across, then downwards from the top.
pub(super) type Point = (f64, f64);

/// The family of all texts. Pages choose their own; it is what widths are measured with.
pub(super) const FAMILY: &str = "sans-serif";
/// The height of the font's line over that of its em.
pub(super) const LINE_PER_EM: f64 = 1.121;
/// Fonts of pages are wider than the one that is measured.
const WIDER: f64 = 1.09;

/// Which part of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// One shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// A line through points.
    Line {
        points: Vec<Point>,
        colour: Colour,
        width: f64,
    },
    /// A filled area.
    Area {
        points: Vec<Point>,
        colour: Colour,
        opacity: f64,
    },
    /// A filled rectangle: left, top, width, height.
    Rect {
        at: [f64; 4],
        colour: Colour,
        opacity: f64,
    },
    /// A filled circle.
    Disc {
        at: Point,
        radius: f64,
        colour: Colour,
    },
    /// A line of text; its place is on the base line.
    Text {
        at: Point,
        anchor: Anchor,
        text: String,
        size: f64,
        colour: Colour,
        bold: bool,
    },
}

/// Shapes that belong together, and that a page may show and hide together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Group {
    /// What it is: `axes`, `layer`, `legend` or `marks`.
    pub class: &'static str,
    /// The variant that it belongs to, if to one.
    pub variant: Option<String>,
    /// The name of the series that it shows, if it is one.
    pub name: Option<String>,
    /// Strokes and gaps of its lines, if they are dashed.
    pub dash: Option<(f64, f64)>,
    /// Back to front.
    pub shapes: Vec<Shape>,
}

/// A whole picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scene {
    pub width: f64,
    pub height: f64,
    /// Left, top, width and height of the area of the data.
    pub plot: [f64; 4],
    /// The values at the ends of the axis across and of the one upwards.
    pub ends: ((f64, f64), (f64, f64)),
    /// Back to front.
    pub groups: Vec<Group>,
}

impl Group {
    pub fn new(class: &'static str) -> Self {
        Self {
            class,
            ..Self::default()
        }
    }

    pub fn line(&mut self, points: Vec<Point>, colour: Colour, width: f64) {
        self.shapes.push(Shape::Line {
            points,
            colour,
            width,
        });
    }

    /// A dashed line; all lines of its group are dashed alike.
    pub fn dashed(&mut self, points: &[Point], colour: Colour, width: f64, dash: (f64, f64)) {
        self.dash = Some(dash);
        self.line(points.to_vec(), colour, width);
    }

    pub fn rect(&mut self, at: [f64; 4], colour: Colour, opacity: f64) {
        self.shapes.push(Shape::Rect {
            at,
            colour,
            opacity,
        });
    }

    pub fn text(&mut self, at: Point, anchor: Anchor, text: &str, size: f64, colour: Colour) {
        self.shapes.push(Shape::Text {
            at,
            anchor,
            text: text.to_owned(),
            size,
            colour,
            bold: false,
        });
    }
}

/// How wide a text is, at least in the fonts that are usual.
pub(super) fn width_of(text: &str, size: f64) -> f64 {
    register();
    let family = FontFamily::Name(FAMILY);
    // Layouts are in whole pixels, so they are asked for a thousand times larger than needed.
    let font = FontDesc::new(family, 1000.0 * LINE_PER_EM, FontStyle::Normal);
    let ems = match font.box_size(text) {
        Ok((width, _)) => f64::from(width) / 1000.0,
        Err(_) => 0.6 * text.chars().count() as f64,
    };
    ems * size * WIDER
}

/// Makes the font known, once. Every picture measures a text before it is painted.
fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let known = register_font(FAMILY, FontStyle::Normal, UBUNTU_LIGHT);
        assert!(known.is_ok(), "the font in the program is one");
    });
}

/// The text with an ellipsis where it is too wide.
pub(super) fn shortened(text: &str, size: f64, room: f64) -> String {
    if width_of(text, size) <= room {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    // Widths grow with every character, so the longest that fits is found by halving.
    let (mut fits, mut over) = (0, chars.len());
    while over - fits > 1 {
        let middle = usize::midpoint(fits, over);
        let start: String = chars[..middle].iter().collect();
        if width_of(&format!("{start}…"), size) <= room {
            fits = middle;
        } else {
            over = middle;
        }
    }
    let start: String = chars[..fits].iter().collect();
    format!("{}…", start.trim_end())
}

/// The text in lines no wider than `room`, at most `most` of them.
pub(super) fn wrapped(text: &str, size: f64, room: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let longer = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if line.is_empty() || width_of(&longer, size) <= room {
            line = longer;
            continue;
        }
        if lines.len() + 1 == most {
            let rest: Vec<&str> = words.collect();
            line = format!("{longer} {}", rest.join(" "));
            break;
        }
        lines.push(std::mem::replace(&mut line, word.to_owned()));
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
        .iter()
        .map(|line| shortened(line, size, room))
        .collect()
}

/// The strokes of a dashed line.
pub(super) fn dashes(points: &[Point], (on, off): (f64, f64)) -> Vec<Vec<Point>> {
    let mut strokes = Vec::new();
    let mut stroke: Vec<Point> = points.first().copied().into_iter().collect();
    let (mut is_on, mut left) = (true, on);
    for two in points.windows(2) {
        let (mut from, to) = (two[0], two[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            if length < left {
                left -= length;
                if is_on {
                    stroke.push(to);
                }
                break;
            }
            let share = if length > 0.0 { left / length } else { 1.0 };
            from = (
                from.0 + share * (to.0 - from.0),
                from.1 + share * (to.1 - from.1),
            );
            if is_on {
                stroke.push(from);
                strokes.push(std::mem::take(&mut stroke));
            } else {
                stroke = vec![from];
            }
            is_on = !is_on;
            left = if is_on { on } else { off };
        }
    }
    if is_on && stroke.len() > 1 {
        strokes.push(stroke);
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_turn_corners() {
        let corner = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)];
        let strokes = dashes(&corner, (4.0, 4.0));
        let ends: Vec<(Point, Point)> = strokes
            .iter()
            .map(|one| (one[0], one[one.len() - 1]))
            .collect();
        assert_eq!(
            ends,
            [
                ((0.0, 0.0), (4.0, 0.0)),
                ((8.0, 0.0), (10.0, 2.0)),
                ((10.0, 6.0), (10.0, 10.0))
            ]
        );
        assert_eq!(strokes[1].len(), 3, "it bends at the corner");
    }

    #[test]
    fn long_texts_are_shortened_to_their_room() {
        let short = shortened("reserved 300K in + 60K out, 1-month", 12.0, 100.0);
        assert!(
            short.ends_with('…') && width_of(&short, 12.0) <= 100.0,
            "{short}"
        );
        let lines = wrapped("one two three four five six seven", 12.0, 60.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…'), "{lines:?}");
    }
}
