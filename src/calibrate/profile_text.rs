//! A fitted law as the text of a latency profile.

use super::fit::{Fitted, NoiseShape, Part};
use crate::domain::{KNOT_Z_MAX, NoiseLaw};
use crate::profile::LatencyNote;
use crate::results::calibration::MetricCheck;
use std::fmt::Write as _;

/// Columns of a comment.
const WIDTH: usize = 96;

/// What a profile says beside its law.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Sentences at its head.
    pub head: Vec<String>,
    /// Where the measurements come from.
    pub source: String,
    /// Of which day they are, `YYYY-MM-DD`.
    pub as_of: String,
    /// Whether each half was accepted: first token, then time per token.
    pub accepted: [bool; 2],
    /// Where the time per token comes from, if it was taken over.
    pub kept: Option<LatencyNote>,
    /// The terms of load: TTFT's share per unit of h, and that of the time per token.
    pub load: (f64, f64),
}

/// The text of `latency/NAME.toml`.
pub fn profile_text(law: &Fitted, about: &About, checks: &[MetricCheck]) -> String {
    let mut text = String::new();
    for sentence in &about.head {
        for line in lines(sentence) {
            let _ = writeln!(text, "{}", format!("# {line}").trim_end());
        }
    }
    let of = |names: [&str; 2]| {
        let named = |name: &&str| checks.iter().find(|check| check.metric == **name);
        names.iter().find_map(named)
    };
    let _ = write!(
        text,
        "\n[ttft]\norigin           = \"{}\"\nbase             = \"{}ms\"\n\
         per_k_input      = \"{}ms\"\nper_k_cached     = \"{}ms\"\n",
        origin(about.accepted[0]),
        millis(law.base_ms),
        millis(law.per_k_input_ms),
        millis(law.per_k_cached_ms),
    );
    part(&mut text, &law.ttft, of(["ttft", "e2e"]), about);
    let _ = write!(
        text,
        "\n[tpot]\norigin           = \"{}\"\nper_output_token = \"{}ms\"\n",
        origin(about.accepted[1]),
        millis(law.per_token_ms),
    );
    part(&mut text, &law.tpot, of(["tpot", "e2e"]), about);
    let _ = write!(
        text,
        "\n# Nothing in the measurements tells how the model slows down under load; the terms are chosen.\n\
         [load]\norigin           = \"assumed\"\nbase             = \"{}ms\"\n\
         per_k_input      = \"{}ms\"\nper_token        = {}\n",
        millis(law.base_ms * about.load.0),
        millis(law.per_k_input_ms * about.load.0),
        digits(about.load.1, 3),
    );
    text
}

fn part(text: &mut String, part: &Part, check: Option<&MetricCheck>, about: &About) {
    noise(text, &part.noise);
    if let Some(note) = about.kept.as_ref().filter(|_| part.samples == 0) {
        let _ = writeln!(text, "samples          = {}", note.samples);
        let _ = writeln!(text, "source           = {}", quoted(&note.source.source));
        let _ = writeln!(text, "as_of            = {}", quoted(&note.source.as_of));
        return;
    }
    let _ = writeln!(text, "samples          = {}", part.samples);
    if let Some(check) = check.filter(|_| part.samples > 0) {
        let shares = check.quantiles.iter().filter_map(|quantile| {
            let error = quantile.error?;
            Some(format!("{} = {}", quantile.percentile, digits(error, 3)))
        });
        let mut shares: Vec<String> = shares.collect();
        shares.extend(check.ks.map(|ks| format!("ks = {}", digits(ks, 3))));
        let _ = writeln!(
            text,
            "holdout          = {{ rows = {}, {} }}",
            check.rows,
            shares.join(", ")
        );
    }
    let _ = writeln!(text, "source           = {}", quoted(&about.source));
    let _ = writeln!(text, "as_of            = {}", quoted(&about.as_of));
}

fn noise(text: &mut String, shape: &NoiseShape) {
    let head = "noise            =";
    match shape {
        NoiseShape::Lognormal { sigma } => {
            let _ = writeln!(
                text,
                "{head} {{ lognormal = {{ sigma = {} }} }}",
                digits(*sigma, 4)
            );
        }
        NoiseShape::TwoSided { below, above } => {
            let (below, above) = (digits(*below, 4), digits(*above, 4));
            let _ = writeln!(
                text,
                "{head} {{ two_sided = {{ below = {below}, above = {above} }} }}"
            );
        }
        NoiseShape::Mixture(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| {
                    format!(
                        "{{ weight = {}, median = {}, sigma = {} }}",
                        digits(part.weight.max(1e-6), 4),
                        digits(part.median, 4),
                        digits(part.sigma, 4)
                    )
                })
                .collect();
            let _ = writeln!(text, "{head} {{ mixture = [{}] }}", parts.join(", "));
        }
        NoiseShape::Knots(law) => knots(text, head, law),
        NoiseShape::Kept(law) => match lognormal(law) {
            Some(sigma) => noise(text, &NoiseShape::Lognormal { sigma }),
            None => knots(text, head, law),
        },
    }
}

/// The spread of a law that is lognormal with median one.
fn lognormal(law: &NoiseLaw) -> Option<f64> {
    let sigma = law.ln_knots.last()? / KNOT_Z_MAX;
    let like = NoiseLaw::lognormal(sigma);
    let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-6;
    let same = law.ln_knots.len() == like.ln_knots.len()
        && law.ln_knots.iter().zip(&like.ln_knots).all(near);
    (same && law.tail_index.is_none()).then_some(sigma)
}

fn knots(text: &mut String, head: &str, law: &NoiseLaw) {
    let values: Vec<String> = law.ln_knots.iter().map(|v| digits(*v, 4)).collect();
    let tail = law.tail_index.map_or_else(String::new, |index| {
        format!(", tail_index = {}", digits(index, 3))
    });
    let rows: Vec<String> = values.chunks(13).map(|row| row.join(", ")).collect();
    let _ = writeln!(
        text,
        "{head} {{ knots = {{ ln_q = [\n  {},\n]{tail} }} }}",
        rows.join(",\n  ")
    );
}

fn origin(accepted: bool) -> &'static str {
    if accepted { "fitted" } else { "assumed" }
}

/// Whole milliseconds where they are many, microseconds where few.
fn millis(ms: f64) -> String {
    match ms {
        v if v >= 100.0 => digits(v, 0),
        v if v >= 10.0 => digits(v, 1),
        v => digits(v, 3),
    }
}

/// A number with so many decimals at most; a float of TOML keeps a point.
fn digits(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text.as_str()
    };
    match text {
        "-0" | "0" => "0.0".to_owned(),
        text if decimals > 0 && !text.contains('.') => format!("{text}.0"),
        text => text.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.replace(['\n', '\r'], " ")).to_string()
}

/// A sentence in lines of a comment.
fn lines(sentence: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in sentence.split_whitespace() {
        let last = lines.last_mut().expect("there is a line");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}
