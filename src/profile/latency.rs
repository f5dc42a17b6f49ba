//! Reads `profiles/latency/NAME.toml`.

use super::figure::{Date, Figure, STATUS};
use crate::config::{Problem, Section, float, list, one_of, positive, text, unit, whole};
use crate::domain::{
    Fact, FactStatus, KNOT_COUNT, LatencyProfile, LognormalPart, NoiseLaw, Origin,
};
use crate::units::Micros;

/// z at p95: Φ⁻¹(0.95).
const Z_95: f64 = 1.644_853_626_951_472_2;

/// How one part of a latency profile came about.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyNote {
    /// `ttft` or `tpot`.
    pub part: &'static str,
    /// Measured, fitted or assumed.
    pub origin: Origin,
    /// How many measurements it rests on; 0 if none.
    pub samples: u64,
    /// Relative errors of the fit at p50, p90 and p95, on the rows it was made from.
    pub error: Option<[f64; 3]>,
    /// How far the law was from later rows that it had not seen.
    pub holdout: Option<Holdout>,
    /// Where the measurements come from.
    pub source: Fact,
}

/// A law against rows that it had not seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Holdout {
    /// How many rows.
    pub rows: u64,
    /// Relative errors at p50, p90, p95 and p99.
    pub errors: [f64; 4],
    /// The distance of Kolmogorov and Smirnov.
    pub ks: f64,
}

/// A latency profile with what the catalogue keeps beside it.
pub(super) struct LatencyFile {
    pub(super) profile: LatencyProfile,
    pub(super) notes: Vec<LatencyNote>,
    pub(super) figures: Vec<Figure>,
}

const ORIGINS: [(&str, Origin); 3] = [
    ("measured", Origin::Measured),
    ("fitted", Origin::Fitted),
    ("assumed", Origin::Assumed),
];

/// Reads the root table of a file whose stem is `name`.
///
/// The word for the whole is that of the weaker part: TTFT fitted and TPOT assumed is assumed.
pub(super) fn read(name: &str, s: &mut Section<'_>) -> Option<LatencyFile> {
    let ttft = s.required_table("ttft", |s| {
        let base = s.required("base", unit::<Micros>());
        let per_k_input = s.or("per_k_input", unit::<Micros>(), "0ms");
        let per_k_cached = s.or("per_k_cached", unit::<Micros>(), "0ms");
        let noise = s.required_table("noise", read_noise);
        let note = read_note(s, "ttft");
        Some((base?, per_k_input?, per_k_cached?, noise?, note?))
    });
    let tpot = s.required_table("tpot", |s| {
        let per_output_token = s.required("per_output_token", unit::<Micros>());
        let noise = s.required_table("noise", read_noise);
        let note = read_note(s, "tpot");
        Some((per_output_token?, noise?, note?))
    });
    // The origin of the load terms is written for the reader of the file: nothing public
    // measures them, so they never make a profile better than its other parts.
    let load = s.table("load", |s| {
        let _origin = s.or("origin", one_of(&ORIGINS), "assumed");
        let base = s.or("base", unit::<Micros>(), "0ms");
        let per_k_input = s.or("per_k_input", unit::<Micros>(), "0ms");
        let per_token = s.or("per_token", float(0.0..=100.0), 0.0);
        Some((base?, per_k_input?, per_token?))
    });
    let (ttft_base, ttft_per_k_input, ttft_per_k_cached, ttft_noise, ttft_note) = ttft?;
    let (per_output_token, tpot_noise, tpot_note) = tpot?;
    let (load_base, load_per_k, load_per_token) = load?;
    let weaker = if rank(tpot_note.origin) > rank(ttft_note.origin) {
        &tpot_note
    } else {
        &ttft_note
    };
    let profile = LatencyProfile {
        name: name.to_owned(),
        origin: weaker.origin,
        source: weaker.source.clone(),
        ttft_base,
        ttft_per_k_input,
        ttft_per_k_cached,
        load_base,
        load_per_k,
        per_output_token,
        load_per_token,
        ttft_noise,
        tpot_noise,
    };
    let figures = vec![
        figure("latency.ttft.base", ttft_base, &ttft_note),
        figure("latency.ttft.per_k_input", ttft_per_k_input, &ttft_note),
        figure("latency.ttft.per_k_cached", ttft_per_k_cached, &ttft_note),
        figure(
            "latency.tpot.per_output_token",
            per_output_token,
            &tpot_note,
        ),
    ];
    Some(LatencyFile {
        profile,
        notes: vec![ttft_note, tpot_note],
        figures,
    })
}

/// The less sure, the higher.
fn rank(origin: Origin) -> u8 {
    match origin {
        Origin::Measured => 0,
        Origin::Fitted => 1,
        Origin::Assumed => 2,
    }
}

fn figure(what: &str, value: Micros, note: &LatencyNote) -> Figure {
    Figure {
        what: what.to_owned(),
        value: format!(
            "{}ms ({}, n = {})",
            value.as_millis_f64(),
            note.origin,
            note.samples
        ),
        fact: note.source.clone(),
        code: None,
    }
}

fn read_note(s: &mut Section<'_>, part: &'static str) -> Option<LatencyNote> {
    let origin = s.required("origin", one_of(&ORIGINS));
    let samples = s.or("samples", whole::<u64>(0..=i64::MAX), 0);
    let error = s.optional_table("error", |s| {
        let mut share = |key: &str| s.required(key, float(0.0..=1e6));
        let (p50, p90, p95) = (share("p50"), share("p90"), share("p95"));
        Some([p50?, p90?, p95?])
    });
    let holdout = s.optional_table("holdout", |s| {
        let rows = s.required("rows", whole::<u64>(1..=i64::MAX));
        let mut share = |key: &str| s.required(key, float(0.0..=1e6));
        let (p50, p90, p95) = (share("p50"), share("p90"), share("p95"));
        let (p99, ks) = (share("p99"), share("ks"));
        Some(Holdout {
            rows: rows?,
            errors: [p50?, p90?, p95?, p99?],
            ks: ks?,
        })
    });
    let source = s.required("source", text());
    let as_of = s.required("as_of", Date);
    let status = s.optional("status", one_of(STATUS));
    let origin = origin?;
    let status = status.unwrap_or(match origin {
        Origin::Measured => FactStatus::ThirdParty,
        Origin::Fitted => FactStatus::Derived,
        Origin::Assumed => FactStatus::Assumed,
    });
    Some(LatencyNote {
        part,
        origin,
        samples: samples?,
        error,
        holdout,
        source: Fact {
            source: source?,
            as_of: as_of?,
            status,
        },
    })
}

/// The spread of a logarithm: wider than any service, and far from overflow at z = 4.
const WIDEST: f64 = 10.0;

fn read_noise(s: &mut Section<'_>) -> Option<NoiseLaw> {
    match s.tag(&[
        "none",
        "lognormal",
        "two_sided",
        "quantiles",
        "mixture",
        "knots",
    ])? {
        "none" => s.table("none", |_| Some(NoiseLaw::none())),
        "lognormal" => s.table("lognormal", |s| {
            let sigma = s.required("sigma", float(0.0..=WIDEST))?;
            Some(NoiseLaw::lognormal(sigma))
        }),
        "two_sided" => s.table("two_sided", |s| {
            let below = s.required("below", float(0.0..=WIDEST));
            let above = s.required("above", float(0.0..=WIDEST));
            Some(NoiseLaw::two_sided(below?, above?))
        }),
        "quantiles" => s.table("quantiles", |s| {
            let p50 = s.required("p50", positive());
            let p95 = s.required("p95", positive());
            let (p50, p95) = (p50?, p95?);
            if p50 > p95 {
                let message = format!("`p95` must be at least `p50`, which is {p50}");
                s.report(
                    "p95",
                    message,
                    &format!("is {p95}"),
                    "swap them, or measure anew",
                );
                return None;
            }
            Some(NoiseLaw::lognormal(
                (p95 / p50).ln().min(WIDEST * Z_95) / Z_95,
            ))
        }),
        "mixture" => {
            let parts = s.tables("mixture", |s| {
                let weight = s.required("weight", positive());
                let median = s.or("median", float(1e-4..=1e4), 1.0);
                let sigma = s.required("sigma", float(0.001..=WIDEST));
                Some(LognormalPart {
                    weight: weight?,
                    median: median?,
                    sigma: sigma?,
                })
            })?;
            if parts.is_empty() {
                s.report(
                    "mixture",
                    "`mixture` has no parts",
                    "is empty",
                    "add a part, or use `none`",
                );
            }
            Some(NoiseLaw::mixture(&parts))
        }
        _ => s.table("knots", read_knots),
    }
}

fn read_knots(s: &mut Section<'_>) -> Option<NoiseLaw> {
    let ln_knots = s.required("ln_q", list(float(-50.0..=50.0)));
    let tail_index = s.optional("tail_index", float(0.1..=1e3));
    let ln_knots = ln_knots?;
    let mut good = true;
    if ln_knots.len() != KNOT_COUNT {
        let message = format!("`ln_q` needs {KNOT_COUNT} values, at z from -4 to 4");
        let label = format!("has {}", ln_knots.len());
        let problem = Problem::new(s.span("ln_q"), message).label(label);
        s.push(problem.help("give ln of the quantile at z = -4, -3.875, … 4"));
        good = false;
    }
    if let Some(i) = ln_knots.windows(2).position(|pair| pair[1] < pair[0]) {
        let message = "`ln_q` must not fall from one knot to the next";
        let label = format!("value {} is below value {}", i + 2, i + 1);
        s.report(
            "ln_q",
            message,
            &label,
            "quantiles grow with z: sort the values",
        );
        good = false;
    }
    good.then_some(NoiseLaw {
        ln_knots,
        tail_index,
    })
}
