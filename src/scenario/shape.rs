//! `[workload.shape]`: factors on the rate over time.

use crate::config::{self, Section, Source, float, list, non_negative, pair, text, unit};
use crate::load::spec::ShapeSpec;
use crate::units::Micros;

use super::files::Library;
use super::traffic::{above_zero, report_file};

const SHAPES: [&str; 4] = ["hour_of_week", "ramp", "steps", "spike"];
const HOURS: usize = 168;

/// Reads all shapes of a workload; they multiply each other.
pub(super) fn shapes(s: &mut Section<'_>, library: &Library<'_>) -> Option<Vec<ShapeSpec>> {
    let mut shapes = Some(Vec::new());
    for name in SHAPES {
        if !s.has(name) {
            // Asking makes the name known, for the list of keys in messages.
            s.optional_table(name, |_| Some(()));
            continue;
        }
        let shape = s.optional_table(name, |s| match name {
            "hour_of_week" => hour_of_week(s, library),
            "ramp" => points(s, "points").map(|points| ShapeSpec::Ramp { points }),
            "steps" => points(s, "steps").map(|steps| ShapeSpec::Steps { steps }),
            _ => spike(s),
        });
        match (shape, &mut shapes) {
            (Some(shape), Some(shapes)) => shapes.push(shape),
            _ => shapes = None,
        }
    }
    shapes
}

fn hour_of_week(s: &mut Section<'_>, library: &Library<'_>) -> Option<ShapeSpec> {
    let start_hour = s.or("start_hour", float(0.0..168.0), 0.0);
    let tag = s.tag(&["factors", "file"])?;
    let factors = if tag == "factors" {
        s.required("factors", list(non_negative()))?
    } else {
        let file = s.required("file", text())?;
        match read_factors(&file, library) {
            Ok(factors) => factors,
            Err(reason) => {
                report_file(s, "shape", &file, &reason);
                return None;
            }
        }
    };
    if factors.len() != HOURS {
        s.report(
            tag,
            format!("a week has {HOURS} hours"),
            &format!("has {} factors", factors.len()),
            "give one factor for each hour, Monday 00:00 first",
        );
        return None;
    }
    if factors.iter().sum::<f64>() <= 0.0 {
        s.report(
            tag,
            "the factors of the week are all zero",
            "no hour has traffic",
            "only their ratios count; make at least one positive",
        );
        return None;
    }
    Some(ShapeSpec::HourOfWeek {
        factors,
        start_hour: start_hour?,
    })
}

/// The key `factors` of a shape file.
fn read_factors(file: &str, library: &Library<'_>) -> Result<Vec<f64>, String> {
    let source = Source::new(file, library.text(file)?);
    config::read(&source, |s| {
        s.optional("description", text());
        s.optional("source", text());
        s.required("factors", list(non_negative()))
    })
    .map_err(|error| error.to_string())
}

/// Moments with factors, ascending in time.
fn points(s: &mut Section<'_>, key: &str) -> Option<Vec<(Micros, f64)>> {
    let points = s.required(key, list(pair(unit::<Micros>(), non_negative())))?;
    if points.is_empty() {
        s.report(
            key,
            format!("`{key}` is empty"),
            "no points",
            "write them like `[[\"0s\", 1.0], [\"10m\", 3.0]]`",
        );
        return None;
    }
    if let Some(two) = points.windows(2).find(|two| two[1].0 <= two[0].0) {
        s.report(
            key,
            format!("the moments of `{key}` must ascend"),
            &format!("{} stands after {}", two[1].0, two[0].0),
            "sort them by time, each moment once",
        );
        return None;
    }
    if points.iter().all(|&(_, factor)| factor <= 0.0) {
        s.report(
            key,
            format!("the factors of `{key}` are all zero"),
            "no moment has traffic",
            "make at least one positive",
        );
    }
    Some(points)
}

fn spike(s: &mut Section<'_>) -> Option<ShapeSpec> {
    let at = s.required("at", unit::<Micros>());
    let length = above_zero(s, "length");
    let factor = s.required("factor", float(0.0..=1e6));
    Some(ShapeSpec::Spike {
        at: at?,
        length: length?,
        factor: factor?,
    })
}
