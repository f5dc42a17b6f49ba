//! A latency law from samples: robust regression, then the noise around it.

use super::sample::Sample;
use crate::domain::{KNOT_COUNT, KNOT_Z_MAX, LatencyProfile, LognormalPart, NoiseLaw};
use crate::stats::empirical::{knots, ks_bound, ks_distance, quantile_error, quantile_noise};
use crate::stats::mixture;
use crate::stats::quantile::{interpolated, min_samples};
use crate::stats::robust::{Term, relative_fit};
use statrs::distribution::{ContinuousCDF, Normal};

/// Below so many samples a fit keeps near the profile that it starts from, and its noise matches p5, p50
/// and p95 alone.
pub const FEW: usize = 200;
/// A part is fitted to rows that show it if there are so many.
const LEAST: usize = 20;
/// Fewer samples than this say nothing.
pub const LEAST_OF_ALL: usize = 5;
/// Answers this long show the time per token well.
const LONG: f64 = 20.0;
/// Growth with the prompt is fitted where prompts differ by this many thousand tokens (p5 to p95).
const LEAST_SPREAD_K: f64 = 0.2;
/// How far the coefficients of few samples may be from the profile that the fit starts from, relative.
const SPREAD_OF_FEW: f64 = 0.5;
/// The same for slopes of many.
const SPREAD_OF_MANY: f64 = 2.0;
/// Parts of a mixture at most.
const MOST_PARTS: usize = 3;
/// The least spread of a noise.
const SIGMA_FLOOR: f64 = 0.02;
/// From this share of the whole on, a part of an answer is seen in its total.
const DOMINANT: f64 = 0.6;
/// z at p95.
const Z_95: f64 = 1.644_853_626_951_472_2;

/// The form of a noise law.
#[derive(Clone, Debug, PartialEq)]
pub enum NoiseShape {
    /// Lognormal with median one.
    Lognormal {
        /// The standard deviation of the logarithm.
        sigma: f64,
    },
    /// Lognormal halves below and above the median.
    TwoSided {
        /// The standard deviation of the logarithm below it.
        below: f64,
        /// The same above it.
        above: f64,
    },
    /// A mixture of lognormal laws.
    Mixture(Vec<LognormalPart>),
    /// The quantile function as knots.
    Knots(NoiseLaw),
    /// That of the profile from which the fit starts.
    Kept(NoiseLaw),
}

impl NoiseShape {
    /// The law to draw from.
    pub fn law(&self) -> NoiseLaw {
        match self {
            Self::Lognormal { sigma } => NoiseLaw::lognormal(*sigma),
            Self::TwoSided { below, above } => NoiseLaw::two_sided(*below, *above),
            Self::Mixture(parts) => NoiseLaw::mixture(parts),
            Self::Knots(law) | Self::Kept(law) => law.clone(),
        }
    }

    /// The word for it in documents.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lognormal { .. } => "lognormal",
            Self::TwoSided { .. } => "two_sided",
            Self::Mixture(_) => "mixture",
            Self::Knots(_) => "knots",
            Self::Kept(_) => "kept",
        }
    }
}

/// How one half of a law came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Samples that show it.
    pub samples: usize,
    /// Its noise.
    pub noise: NoiseShape,
    /// Whether it was read from whole answers, whose first token nobody timed.
    pub from_totals: bool,
    /// Coefficients that samples could not tell and that were taken over.
    pub held: Vec<&'static str>,
}

/// A fitted law, times in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// TTFT of an empty prompt.
    pub base_ms: f64,
    /// TTFT per 1,000 uncached input tokens.
    pub per_k_input_ms: f64,
    /// TTFT per 1,000 input tokens read from a cache.
    pub per_k_cached_ms: f64,
    /// Time per output token.
    pub per_token_ms: f64,
    /// The time to the first token.
    pub ttft: Part,
    /// The time per output token.
    pub tpot: Part,
}

impl Fitted {
    /// The median TTFT of a request.
    pub fn ttft_ms(&self, sample: &Sample) -> f64 {
        self.base_ms
            + self.per_k_input_ms * sample.uncached_k
            + self.per_k_cached_ms * sample.cached_k
    }
}

/// What a law may be fitted from: the rows, and the profile that it starts from.
struct Ground<'a> {
    rows: &'a [&'a Sample],
    base: Option<&'a LatencyProfile>,
}

/// Fits a law to samples, starting from the profile `base` where there is one.
///
/// `None` if there are fewer than five samples, or neither they nor a profile tell one of the
/// two halves of the law.
pub fn fit(rows: &[&Sample], base: Option<&LatencyProfile>) -> Option<Fitted> {
    if rows.len() < LEAST_OF_ALL {
        return None;
    }
    let ground = Ground { rows, base };
    let timed = rows.iter().filter(|row| row.ttft_ms.is_some()).count();
    if timed >= LEAST_OF_ALL && (timed >= LEAST || timed * 2 >= rows.len()) {
        ground.by_first_tokens()
    } else {
        ground.by_totals()
    }
}

/// A coefficient of the profile that a fit starts from.
fn known(base: Option<&LatencyProfile>, of: impl Fn(&LatencyProfile) -> f64) -> Option<f64> {
    base.map(of)
}

/// The expectation of a coefficient: none, around that of the starting profile, or held where the
/// samples do not vary.
fn slope(rows: &[&Sample], size: impl Fn(&Sample) -> f64, known: Option<f64>) -> Term {
    let mut sizes: Vec<f64> = rows.iter().map(|row| size(row)).collect();
    sizes.sort_by(f64::total_cmp);
    let at = |share| interpolated(&sizes, share).unwrap_or(0.0);
    if at(0.95) - at(0.05) < LEAST_SPREAD_K {
        return Term::Held(known.unwrap_or(0.0));
    }
    let spread = if rows.len() < FEW {
        SPREAD_OF_FEW
    } else {
        SPREAD_OF_MANY
    };
    match known {
        Some(mean) if mean > 0.0 => Term::Around {
            mean,
            spread: spread * mean,
        },
        _ => Term::Free,
    }
}

/// The expectation of a level: around that of the starting profile where samples are few.
fn level(samples: usize, known: Option<f64>) -> Term {
    match known {
        Some(mean) if mean > 0.0 && samples < FEW => Term::Around {
            mean,
            spread: SPREAD_OF_FEW * mean,
        },
        _ => Term::Free,
    }
}

impl Ground<'_> {
    fn slopes(&self, rows: &[&Sample]) -> [Term; 2] {
        let ms = |us: u64| us as f64 / 1000.0;
        [
            slope(
                rows,
                |row| row.uncached_k,
                known(self.base, |p| ms(p.ttft_per_k_input.0)),
            ),
            slope(
                rows,
                |row| row.cached_k,
                known(self.base, |p| ms(p.ttft_per_k_cached.0)),
            ),
        ]
    }

    /// Where first tokens were timed.
    fn by_first_tokens(&self) -> Option<Fitted> {
        let timed: Vec<&Sample> = self
            .rows
            .iter()
            .copied()
            .filter(|r| r.ttft_ms.is_some())
            .collect();
        let y: Vec<f64> = timed.iter().filter_map(|row| row.ttft_ms).collect();
        let x: Vec<[f64; 3]> = timed
            .iter()
            .map(|row| [1.0, row.uncached_k, row.cached_k])
            .collect();
        let base = known(self.base, |p| p.ttft_base.as_millis_f64());
        let [input, cached] = self.slopes(&timed);
        let terms = [level(timed.len(), base), input, cached];
        let beta = centred(&x, &y, terms, relative_fit(&x, &y, terms)?);
        let (noise, _) = noise_of(of_fit(&x, &y, &beta), self.base.map(|p| &p.ttft_noise))?;
        let mut law = Fitted {
            base_ms: beta[0],
            per_k_input_ms: beta[1],
            per_k_cached_ms: beta[2],
            per_token_ms: 0.0,
            ttft: Part {
                samples: timed.len(),
                noise,
                from_totals: false,
                held: held(input, cached),
            },
            tpot: self.kept_tpot(),
        };
        self.fit_tpot(&mut law)?;
        Some(law)
    }

    fn kept_tpot(&self) -> Part {
        let law = self
            .base
            .map_or_else(NoiseLaw::none, |p| p.tpot_noise.clone());
        Part {
            samples: 0,
            noise: NoiseShape::Kept(law),
            from_totals: false,
            held: vec!["per_output_token"],
        }
    }

    /// The time per token: between first and last, or what is left of a total, or the profile's.
    fn fit_tpot(&self, law: &mut Fitted) -> Option<()> {
        let direct = |least: f64| -> Vec<f64> {
            let long = self.rows.iter().filter(|row| row.output >= least);
            long.filter_map(|row| row.per_token_ms()).collect()
        };
        let mut speeds = direct(LONG);
        if speeds.len() < LEAST {
            speeds = direct(2.0);
        }
        let mut from_totals = false;
        if speeds.len() < LEAST {
            let rest = |row: &&&Sample| -> Option<f64> {
                let left = row.total_ms? - law.ttft_ms(row);
                (row.ttft_ms.is_none() && row.output >= LONG && left > 0.0)
                    .then(|| left / row.later_tokens())
            };
            let left: Vec<f64> = self.rows.iter().filter_map(|row| rest(&row)).collect();
            if left.len() > speeds.len() {
                speeds = left;
                from_totals = true;
            }
        }
        let base = known(self.base, |p| p.per_output_token.as_millis_f64());
        if speeds.len() < LEAST_OF_ALL {
            law.per_token_ms = base?;
            return Some(());
        }
        let ones = vec![[1.0]; speeds.len()];
        let [level] = relative_fit(&ones, &speeds, [level(speeds.len(), base)])?;
        let samples = speeds.len();
        let own = self.base.map(|p| &p.tpot_noise);
        let (noise, median) = noise_of(ratios(&speeds, &vec![level; samples]), own)?;
        law.per_token_ms = level * median;
        law.tpot = Part {
            samples,
            noise,
            from_totals,
            held: Vec::new(),
        };
        Some(())
    }

    /// Where only whole answers were timed: their time against their tokens.
    fn by_totals(&self) -> Option<Fitted> {
        let rows: Vec<&Sample> = self
            .rows
            .iter()
            .copied()
            .filter(|r| r.total_ms.is_some())
            .collect();
        let y: Vec<f64> = rows.iter().filter_map(|row| row.total_ms).collect();
        let x: Vec<[f64; 4]> = rows
            .iter()
            .map(|row| [1.0, row.uncached_k, row.cached_k, row.later_tokens()])
            .collect();
        let [input, cached] = self.slopes(&rows);
        let base = known(self.base, |p| p.ttft_base.as_millis_f64());
        let token = known(self.base, |p| p.per_output_token.as_millis_f64());
        let n = rows.len();
        let terms = [level(n, base), input, cached, level(n, token)];
        let beta = relative_fit(&x, &y, terms)?;
        let first: Vec<f64> = x
            .iter()
            .map(|x| beta[0] + beta[1] * x[1] + beta[2] * x[2])
            .collect();
        let decode: Vec<f64> = x.iter().map(|x| beta[3] * x[3]).collect();
        let whole: Vec<f64> = first.iter().zip(&decode).map(|(a, b)| a + b).collect();
        let all = ratios(&y, &whole);
        let seen_in = |part: &[f64]| -> Vec<f64> {
            let share = part.iter().zip(&whole).map(|(part, whole)| part / whole);
            let picked = all
                .iter()
                .zip(share)
                .filter(|(_, share)| *share >= DOMINANT);
            picked.map(|(ratio, _)| *ratio).collect()
        };
        let noise = |seen: Vec<f64>, own: Option<&NoiseLaw>| {
            let samples = seen.len();
            if samples >= LEAST {
                noise_of(seen, own).map(|(noise, median)| (noise, median, samples))
            } else {
                let kept = own.cloned().map(NoiseShape::Kept);
                let fallback = || noise_of(all.clone(), None).map(|(noise, _)| noise);
                kept.or_else(fallback).map(|noise| (noise, 1.0, samples))
            }
        };
        let (ttft, of_ttft, short) = noise(seen_in(&first), self.base.map(|p| &p.ttft_noise))?;
        let (tpot, of_tpot, long) = noise(seen_in(&decode), self.base.map(|p| &p.tpot_noise))?;
        let part = |noise, samples, held| Part {
            samples,
            noise,
            from_totals: true,
            held,
        };
        Some(Fitted {
            base_ms: beta[0] * of_ttft,
            per_k_input_ms: scaled(input, beta[1], of_ttft),
            per_k_cached_ms: scaled(cached, beta[2], of_ttft),
            per_token_ms: beta[3] * of_tpot,
            ttft: part(ttft, short, held(input, cached)),
            tpot: part(tpot, long, Vec::new()),
        })
    }
}

/// A coefficient times a factor, unless it is held.
fn scaled(term: Term, value: f64, factor: f64) -> f64 {
    match term {
        Term::Held(_) => value,
        Term::Free | Term::Around { .. } => value * factor,
    }
}

/// Ratios of measured values to fitted ones.
fn of_fit<const N: usize>(x: &[[f64; N]], y: &[f64], beta: &[f64; N]) -> Vec<f64> {
    let fitted = x
        .iter()
        .map(|x| x.iter().zip(beta).map(|(a, b)| a * b).sum());
    ratios(y, &fitted.collect::<Vec<f64>>())
}

/// Scales what was fitted, and not what is held, so that the median of the ratios is one.
fn centred<const N: usize>(
    x: &[[f64; N]],
    y: &[f64],
    terms: [Term; N],
    beta: [f64; N],
) -> [f64; N] {
    const STEPS: usize = 60;
    let mut beta = beta;
    for _ in 0..STEPS {
        let mut off = of_fit(x, y, &beta);
        off.sort_by(f64::total_cmp);
        let median = interpolated(&off, 0.5).unwrap_or(1.0);
        if (median - 1.0).abs() < 1e-9 {
            break;
        }
        for (value, term) in beta.iter_mut().zip(terms) {
            if !matches!(term, Term::Held(_)) {
                *value *= median;
            }
        }
    }
    beta
}

fn held(input: Term, cached: Term) -> Vec<&'static str> {
    let terms = [("per_k_input", input), ("per_k_cached", cached)];
    let held = terms
        .into_iter()
        .filter(|(_, term)| matches!(term, Term::Held(_)));
    held.map(|(name, _)| name).collect()
}

fn ratios(y: &[f64], fitted: &[f64]) -> Vec<f64> {
    let pairs = y.iter().zip(fitted).filter(|(_, m)| **m > 0.0);
    pairs.map(|(y, m)| y / m).collect()
}

/// The noise of ratios to a fit, and their median, by which the fit is still off.
fn noise_of(mut ratios: Vec<f64>, own: Option<&NoiseLaw>) -> Option<(NoiseShape, f64)> {
    ratios.retain(|r| r.is_finite() && *r > 0.0);
    ratios.sort_by(f64::total_cmp);
    let median = interpolated(&ratios, 0.5)?;
    for ratio in &mut ratios {
        *ratio /= median;
    }
    let n = ratios.len();
    if n < FEW {
        let enough = n as u64 >= min_samples(0.95);
        let spread = |share: f64| {
            let quantile = interpolated(&ratios, share)?;
            Some((quantile.ln().abs() / Z_95).max(SIGMA_FLOOR))
        };
        let (below, above) = (spread(0.05)?, spread(0.95)?);
        let shape = match own {
            Some(law) if !enough => NoiseShape::Kept(law.clone()),
            _ => NoiseShape::TwoSided { below, above },
        };
        return Some((shape, median));
    }
    let logs: Vec<f64> = ratios.iter().map(|r| r.ln()).collect();
    let parts = mixture::best(&logs, MOST_PARTS)?;
    let parts: Vec<LognormalPart> = parts
        .parts
        .iter()
        .map(|part| LognormalPart {
            weight: part.weight,
            median: part.mean.exp(),
            sigma: part.sd,
        })
        .collect();
    let law = NoiseLaw::mixture(&parts);
    // Where few parts do not describe the sample, its own quantiles do.
    let grid: Vec<f64> = quantiles(&law, n.max(2000)).collect();
    if ks_distance(&grid, &ratios)? <= ks_bound(n, n) && follows(&grid, &ratios) {
        let shape = match parts[..] {
            [one] if (one.median - 1.0).abs() < 0.02 => NoiseShape::Lognormal { sigma: one.sigma },
            _ => NoiseShape::Mixture(parts),
        };
        return Some((shape, median));
    }
    let found = knots(&ratios, KNOT_COUNT, KNOT_Z_MAX)?;
    let law = NoiseLaw {
        ln_knots: found.ln_q,
        tail_index: Some(found.tail_index),
    };
    Some((NoiseShape::Knots(law), median))
}

/// Shares at which a law has to be as near to a sample as the sample is to itself.
const TAIL: [f64; 3] = [0.9, 0.95, 0.99];

/// Whether a law follows the tail of a sample as far as the sample is certain of it.
fn follows(grid: &[f64], ratios: &[f64]) -> bool {
    let logs = ratios.iter().map(|r| r.ln().powi(2)).sum::<f64>();
    let sigma = (logs / ratios.len() as f64).sqrt();
    TAIL.iter().all(|&share| {
        let error = quantile_error(grid, ratios, share).unwrap_or(0.0);
        error <= quantile_noise(share, sigma, ratios.len())
    })
}

/// `count` quantiles of a law, evenly spaced in probability.
pub(super) fn quantiles(law: &NoiseLaw, count: usize) -> impl Iterator<Item = f64> {
    let normal = Normal::standard();
    (0..count).map(move |i| law.at(normal.inverse_cdf((i as f64 + 0.5) / count as f64)))
}
