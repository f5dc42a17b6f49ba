//! Shapes onto a backend of the crate plotters, whichever it is.

use super::palette::rgb;
use super::scene::{Anchor, FAMILY, Group, Point, Shape, dashes};
use plotters::backend::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBAColor, ShapeStyle, TextStyle};

/// What differs between backends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Medium {
    /// Backend units of one unit of the scene.
    pub factor: f64,
    /// The size that the backend wants for a font whose em is 1.
    pub font: f64,
    /// How far below the place of a text the backend puts its base line, in ems.
    pub base: f64,
    /// Whether thick lines are painted stroke by stroke with round joints, because the backend's own
    /// outline of a jagged line has holes, and dashes one by one, because it has none.
    pub joints: bool,
}

/// Paints the shapes of a group.
pub(super) fn paint<B: DrawingBackend>(backend: &mut B, group: &Group, medium: Medium) {
    for shape in &group.shapes {
        if let (
            Some(dash),
            true,
            Shape::Line {
                points,
                colour,
                width,
            },
        ) = (group.dash, medium.joints, shape)
        {
            for points in dashes(points, dash) {
                let (colour, width) = (*colour, *width);
                let stroke = Shape::Line {
                    points,
                    colour,
                    width,
                };
                assert!(
                    is_painted(backend, &stroke, medium),
                    "painting in memory cannot fail"
                );
            }
            continue;
        }
        // A string and a buffer in memory take whatever is painted.
        assert!(
            is_painted(backend, shape, medium),
            "painting in memory cannot fail"
        );
    }
}

fn is_painted<B: DrawingBackend>(backend: &mut B, shape: &Shape, medium: Medium) -> bool {
    let whole = |value: f64| (value * medium.factor).round() as i32;
    let place = |at: Point| (whole(at.0), whole(at.1));
    match shape {
        Shape::Line {
            points,
            colour,
            width,
        } => {
            let wide = whole(*width).max(1) as u32;
            let style = filled(colour, 1.0).stroke_width(wide);
            let path: Vec<(i32, i32)> = points.iter().map(|&at| place(at)).collect();
            if !medium.joints {
                return backend.draw_path(path, &style).is_ok();
            }
            let strokes = path.windows(2);
            let are_done = strokes
                .map(|two| backend.draw_line(two[0], two[1], &style).is_ok())
                .fold(true, |all, one| all & one);
            let mut joints = path.iter().skip(1).rev().skip(1);
            are_done && joints.all(|&at| backend.draw_circle(at, wide / 2, &style, true).is_ok())
        }
        Shape::Area {
            points,
            colour,
            opacity,
        } => {
            let path: Vec<(i32, i32)> = points.iter().map(|&at| place(at)).collect();
            backend
                .fill_polygon(path, &filled(colour, *opacity))
                .is_ok()
        }
        Shape::Rect {
            at: [left, top, width, height],
            colour,
            opacity,
        } => {
            let ends = (place((*left, *top)), place((left + width, top + height)));
            let style = filled(colour, *opacity);
            backend.draw_rect(ends.0, ends.1, &style, true).is_ok()
        }
        Shape::Disc { at, radius, colour } => {
            let radius = whole(*radius).max(1) as u32;
            let style = filled(colour, 1.0);
            backend
                .draw_circle(place(*at), radius, &style, true)
                .is_ok()
        }
        Shape::Text {
            at,
            anchor,
            text,
            size,
            colour,
            bold,
        } => {
            let style = font(*anchor, *size, colour, *bold, medium);
            let place = place((at.0, at.1 - medium.base * size));
            // The one font of bitmaps is light, so what is bold is painted twice.
            let bolder = (place.0 + whole(0.04 * size).max(1), place.1);
            let again =
                !(medium.joints && *bold) || backend.draw_text(text, &style, bolder).is_ok();
            again && backend.draw_text(text, &style, place).is_ok()
        }
    }
}

fn filled(colour: &str, opacity: f64) -> ShapeStyle {
    let (red, green, blue) = rgb(colour);
    ShapeStyle::from(RGBAColor(red, green, blue, opacity)).filled()
}

fn font<'a>(anchor: Anchor, size: f64, colour: &str, bold: bool, medium: Medium) -> TextStyle<'a> {
    let style = if bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    let across = match anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let (red, green, blue) = rgb(colour);
    let size = size * medium.font * medium.factor;
    let font = FontDesc::new(FontFamily::Name(FAMILY), size, style);
    let mut text = TextStyle::from(font).pos(Pos::new(across, VPos::Top));
    text.color = RGBAColor(red, green, blue, 1.0).to_backend_color();
    text
}
