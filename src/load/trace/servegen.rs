//! `ServeGen` client pools: not requests but, for each client and each ten minutes, its rate and the law of its
//! gaps. Requests are drawn from them.
//!
//! The file is a table of rates, `client,t_s,rate_rps,interarrival_cv,fit,fit_a,fit_b`, and behind it, if sizes are
//! to be drawn too, a table `kind,tokens,requests`. The two files of a pool one after the other are such a file.
//! As its authors do, gaps are drawn from the fitted law and then stretched until the window holds its requests
//! (`ServeGen`, arXiv 2505.09999). Input and output of a request are drawn apart.

use std::collections::BTreeMap;
use std::io::BufRead;

use rand::{Rng, RngExt as _};
use rand_distr::{Distribution, Exp1, Gamma, Weibull};

use super::error::{RowProblem, TraceError};
use super::record::Record;
use super::rows::{Lines, csv_fields, field};
use super::sink::{Reading, RecordSink};
use crate::rng::stream;

/// Seconds of a window.
const WINDOW_S: f64 = 600.0;
/// More requests than this are asked for in pieces.
const REQUESTS_MAX: f64 = 20e6;

/// The fitted law of gaps.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fit {
    Gamma(f64, f64),
    Weibull(f64, f64),
    None,
}

#[derive(Clone, Debug)]
struct Window {
    client: String,
    begin_s: f64,
    rate: f64,
    fit: Fit,
}

/// What is drawn of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PoolOptions {
    /// The seed of every draw.
    pub seed: u64,
    /// From this second of the pool on.
    pub from_s: Option<f64>,
    /// Before this second of the pool.
    pub to_s: Option<f64>,
}

/// Tokens with their cumulated weights.
type Sizes = Vec<(u32, f64)>;

/// Reads a pool and draws its requests.
pub(super) fn read(options: PoolOptions, bytes: impl BufRead) -> Result<Reading, TraceError> {
    let mut sink = RecordSink::default();
    let (windows, sizes) = tables(bytes, &mut sink)?;
    let (from, to) = (
        options.from_s.unwrap_or(0.0),
        options.to_s.unwrap_or(f64::INFINITY),
    );
    let windows: Vec<Window> = windows
        .into_iter()
        .filter(|window| window.begin_s < to && window.begin_s + WINDOW_S > from)
        .collect();
    let expected: f64 = windows.iter().map(|window| window.rate * WINDOW_S).sum();
    if expected > REQUESTS_MAX {
        return Err(RowProblem::new(
            format!("the pool makes about {expected:.0} requests, more than 20 million"),
            "choose a part of it, such as `--from 0 --to 3600` (seconds)",
        )
        .into());
    }
    let mut rng = stream(options.seed, "servegen");
    for window in &windows {
        let client = sink.clients.of(&window.client);
        for second in starts(window, &mut rng) {
            let size = |kinds: &[&str], rng: &mut _| -> u32 {
                let drawn = kinds.iter().filter_map(|kind| sizes.get(*kind));
                drawn.fold(0, |sum: u32, sizes| sum.saturating_add(draw(sizes, rng)))
            };
            // Pools for pictures count text and pictures apart.
            let input = size(&["input_tokens", "text_tokens", "image_tokens"], &mut rng);
            let output = size(&["output_tokens"], &mut rng);
            if second < from || second >= to {
                continue;
            }
            let session = sink.session(None);
            let call = Record {
                client,
                session,
                input: input.max(1),
                output: output.max(1),
                ..Record::default()
            };
            sink.take((second * 1e9) as i128, call, &[]);
        }
    }
    let mut reading = sink.finish()?;
    // They were drawn client by client.
    reading.recorded.out_of_order = 0;
    Ok(reading)
}

/// The starts in one window, in seconds of the pool.
fn starts(window: &Window, rng: &mut impl Rng) -> Vec<f64> {
    let expected = window.rate * WINDOW_S;
    // The fraction of a request is one with that probability.
    let whole = expected.floor() + f64::from(u8::from(rng.random::<f64>() < expected.fract()));
    let mut at = 0.0;
    let mut sums: Vec<f64> = (0..=whole as usize)
        .map(|_| {
            at += gap(window.fit, rng);
            at
        })
        .collect();
    let Some(all) = sums.pop().filter(|all| *all > 0.0) else {
        return Vec::new();
    };
    for sum in &mut sums {
        *sum = window.begin_s + *sum / all * WINDOW_S;
    }
    sums
}

fn gap(fit: Fit, rng: &mut impl Rng) -> f64 {
    let drawn = match fit {
        Fit::Gamma(shape, scale) => Gamma::new(shape, scale).ok().map(|law| law.sample(rng)),
        Fit::Weibull(shape, scale) => Weibull::new(scale, shape).ok().map(|law| law.sample(rng)),
        Fit::None => None,
    };
    drawn.unwrap_or_else(|| Exp1.sample(rng))
}

fn draw(sizes: &Sizes, rng: &mut impl Rng) -> u32 {
    let all = sizes.last().map_or(0.0, |(_, sum)| *sum);
    let at = rng.random::<f64>() * all;
    let index = sizes.partition_point(|(_, sum)| *sum <= at);
    sizes
        .get(index)
        .or(sizes.last())
        .map_or(0, |(tokens, _)| *tokens)
}

/// The two tables of a file.
fn tables(
    bytes: impl BufRead,
    sink: &mut RecordSink,
) -> Result<(Vec<Window>, BTreeMap<String, Sizes>), TraceError> {
    let mut lines = Lines::new(bytes);
    let mut windows = Vec::new();
    let mut sizes: BTreeMap<String, Sizes> = BTreeMap::new();
    let mut in_sizes = None;
    loop {
        match lines.next() {
            Ok(None) => break,
            Ok(Some((_, text))) if text.starts_with("client,t_s,") => in_sizes = Some(false),
            Ok(Some((_, text))) if text.starts_with("kind,tokens,") => in_sizes = Some(true),
            Ok(Some((line, text))) => {
                let taken = match in_sizes {
                    Some(false) => window(text).map(|window| windows.push(window)),
                    Some(true) => size(text).map(|(kind, tokens, weight)| {
                        let of_kind = sizes.entry(kind).or_default();
                        let before = of_kind.last().map_or(0.0, |(_, sum)| *sum);
                        of_kind.push((tokens, before + weight));
                    }),
                    None => Err(RowProblem::new(
                        "not a client pool",
                        "the first line is `client,t_s,rate_rps,interarrival_cv,fit,fit_a,fit_b`",
                    )
                    .value(text)),
                };
                match taken {
                    Ok(()) => {}
                    Err(problem) if in_sizes.is_none() => return Err(problem.line(line).into()),
                    Err(problem) => sink.skip(problem.line(line)),
                }
            }
            Err(problem) => {
                let readable = problem.line.is_some();
                sink.skip(problem);
                if !readable {
                    break;
                }
            }
        }
    }
    Ok((windows, sizes))
}

fn number(text: &str, name: &str) -> Result<f64, RowProblem> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err(
            RowProblem::new("not a number from zero on", "mend the value")
                .field(name)
                .value(text),
        ),
    }
}

fn window(text: &str) -> Result<Window, RowProblem> {
    let fields = csv_fields(text)?;
    let at = |index: usize, name: &str| number(field(&fields, index, name)?, name);
    let positive = |index: usize, name: &str| at(index, name).ok().filter(|value| *value > 0.0);
    let fit = match field(&fields, 4, "fit")? {
        "Gamma" => positive(5, "fit_a")
            .zip(positive(6, "fit_b"))
            .map(|(a, b)| Fit::Gamma(a, b)),
        "Weibull" => positive(5, "fit_a")
            .zip(positive(6, "fit_b"))
            .map(|(a, b)| Fit::Weibull(a, b)),
        _ => None,
    };
    Ok(Window {
        client: field(&fields, 0, "client")?.to_owned(),
        begin_s: at(1, "t_s")?,
        rate: at(2, "rate_rps")?,
        fit: fit.unwrap_or(Fit::None),
    })
}

fn size(text: &str) -> Result<(String, u32, f64), RowProblem> {
    let fields = csv_fields(text)?;
    let tokens = number(field(&fields, 1, "tokens")?, "tokens")?;
    let weight = number(field(&fields, 2, "requests")?, "requests")?;
    Ok((field(&fields, 0, "kind")?.to_owned(), tokens as u32, weight))
}
