//! How many tokens a request has.
//!
//! Sizes are keyed draws: they depend on the seed and the request's number only. Input and output
//! are joined by a Gaussian copula, whose parameter for a Spearman correlation ρ is
//! r = 2 sin(πρ/6); at ρ = 0 the two are drawn apart, which is cheaper.

mod ahead;

pub(super) use ahead::SizesAhead;

use statrs::function::erf::erfc;

use super::spec::SizeSpec;
use crate::rng::Keyed;

/// The 99 % quantile of the standard normal law.
pub(super) const Z_P99: f64 = 2.326_347_874_040_840_8;

/// Cells of the guide table of a [`QuantileTable`].
const GUIDE_CELLS: usize = 1024;

/// A law of token counts, ready to be drawn from.
#[derive(Clone, Debug)]
pub struct SizeSampler(Law);

#[derive(Clone, Debug)]
enum Law {
    Fixed(u32),
    Lognormal {
        mu: f64,
        sigma: f64,
    },
    Table(QuantileTable),
    /// Cumulated weight, the last being 1, and law of each part.
    Mixture(Vec<(f64, SizeSampler)>),
}

impl SizeSampler {
    /// The law of a size specification.
    pub fn new(spec: &SizeSpec) -> Self {
        Self(match spec {
            SizeSpec::Fixed(tokens) => Law::Fixed((*tokens).max(1)),
            SizeSpec::Lognormal { p50, p99 } => {
                let (mu, sigma) = lognormal(*p50, *p99);
                Law::Lognormal { mu, sigma }
            }
            SizeSpec::Quantiles(points) => Law::Table(QuantileTable::new(points)),
            SizeSpec::Mixture(parts) => {
                let total: f64 = parts.iter().map(|p| p.0.max(0.0)).sum();
                let mut sum = 0.0;
                let parts: Vec<_> = parts
                    .iter()
                    .map(|(weight, law)| {
                        sum += weight.max(0.0) / total;
                        (sum, Self::new(law))
                    })
                    .collect();
                debug_assert!(total > 0.0, "a mixture has a part of positive weight");
                if parts.is_empty() {
                    Law::Fixed(1)
                } else {
                    Law::Mixture(parts)
                }
            }
        })
    }

    /// The law given by quantiles `(share, tokens)`, as in a recording.
    pub fn table(points: &[(f64, f64)]) -> Self {
        Self(Law::Table(QuantileTable::new(points)))
    }

    /// Tokens of thing number `id`.
    #[inline]
    pub fn draw(&self, keyed: Keyed, id: u64) -> u32 {
        match &self.0 {
            Law::Fixed(tokens) => *tokens,
            Law::Lognormal { mu, sigma } => whole((mu + sigma * keyed.normal(id)).exp()),
            Law::Table(table) => whole(table.at(keyed.uniform(id))),
            Law::Mixture(parts) => {
                let (chosen, part) = pick(parts, keyed.uniform(id));
                // The part's own draw must not reuse the bits that chose it.
                part.draw(keyed, !id ^ ((chosen as u64 + 1) << 56))
            }
        }
    }

    /// Tokens before rounding at the standard normal score `z`.
    fn at_score(&self, z: f64) -> f64 {
        match &self.0 {
            Law::Fixed(tokens) => f64::from(*tokens),
            Law::Lognormal { mu, sigma } => (mu + sigma * z).exp(),
            Law::Table(table) => table.at(phi(z)),
            // `invertible` has replaced mixtures by tables.
            Law::Mixture(parts) => parts[0].1.at_score(z),
        }
    }

    /// The share of draws below `tokens`, before rounding.
    fn share_below(&self, tokens: f64) -> f64 {
        match &self.0 {
            Law::Fixed(n) => f64::from(u8::from(f64::from(*n) <= tokens)),
            Law::Lognormal { mu, sigma } if *sigma > 0.0 => phi((tokens.ln() - mu) / sigma),
            Law::Lognormal { mu, .. } => f64::from(u8::from(mu.exp() <= tokens)),
            Law::Table(table) => table.share_below(tokens),
            Law::Mixture(parts) => {
                let mut before = 0.0;
                parts
                    .iter()
                    .map(|(sum, part)| {
                        let weight = sum - before;
                        before = *sum;
                        weight * part.share_below(tokens)
                    })
                    .sum()
            }
        }
    }

    /// The same law with a mixture replaced by its quantiles at normal scores 0.004 apart.
    fn invertible(self) -> Self {
        if !matches!(self.0, Law::Mixture(_)) {
            return self;
        }
        let points: Vec<(f64, f64)> = (-1500..=1500)
            .map(|i| {
                let share = phi(f64::from(i) * 0.004);
                let (mut low, mut high) = (0.0f64, f64::from(u32::MAX).ln());
                for _ in 0..50 {
                    let middle = 0.5 * (low + high);
                    if self.share_below(middle.exp()) < share {
                        low = middle;
                    } else {
                        high = middle;
                    }
                }
                (share, high.exp())
            })
            .collect();
        Self::table(&points)
    }
}

/// μ and σ of the lognormal law through a median and a 99th percentile.
pub(super) fn lognormal(p50: f64, p99: f64) -> (f64, f64) {
    debug_assert!(p50 > 0.0 && p99 >= p50, "0 < p50 ≤ p99");
    let mu = p50.max(1e-9).ln();
    (mu, ((p99.max(1e-9).ln() - mu) / Z_P99).max(0.0))
}

/// Rounds to whole tokens, at least 1. The cast saturates and maps NaN to zero.
#[inline]
fn whole(tokens: f64) -> u32 {
    ((tokens + 0.5) as u32).max(1)
}

fn pick(parts: &[(f64, SizeSampler)], u: f64) -> (usize, &SizeSampler) {
    let i = parts
        .iter()
        .take_while(|p| p.0 <= u)
        .count()
        .min(parts.len() - 1);
    (i, &parts[i].1)
}

/// Quantiles joined by straight lines, with a guide table that finds the line in constant time.
#[derive(Clone, Debug)]
pub struct QuantileTable {
    knots: Vec<Knot>,
    /// For each cell of shares the last knot at or before its start.
    guide: Box<[u32]>,
}

#[derive(Clone, Copy, Debug)]
struct Knot {
    share: f64,
    value: f64,
    slope: f64,
}

impl QuantileTable {
    /// From `(share, tokens)` ascending in both. Points that are not finite are left out, and a
    /// table without points gives 1 token; the readers refuse both.
    pub fn new(points: &[(f64, f64)]) -> Self {
        let finite = |p: &&(f64, f64)| p.0.is_finite() && p.1.is_finite();
        let mut knots: Vec<Knot> = points
            .iter()
            .filter(finite)
            .map(|&(share, value)| Knot {
                share,
                value,
                slope: 0.0,
            })
            .collect();
        knots.sort_by(|a, b| a.share.total_cmp(&b.share));
        if knots.is_empty() {
            knots.push(Knot {
                share: 0.0,
                value: 1.0,
                slope: 0.0,
            });
        }
        for i in 1..knots.len() {
            let (run, rise) = (
                knots[i].share - knots[i - 1].share,
                knots[i].value - knots[i - 1].value,
            );
            knots[i - 1].slope = if run > 0.0 { rise / run } else { 0.0 };
        }
        let guide = (0..GUIDE_CELLS)
            .map(|cell| {
                let share = cell as f64 / GUIDE_CELLS as f64;
                knots
                    .partition_point(|k| k.share <= share)
                    .saturating_sub(1) as u32
            })
            .collect();
        Self { knots, guide }
    }

    /// The quantile at share `u` in `[0, 1]`.
    #[inline]
    pub fn at(&self, u: f64) -> f64 {
        let cell = ((u * GUIDE_CELLS as f64) as usize).min(GUIDE_CELLS - 1);
        let mut i = self.guide[cell] as usize;
        while i + 1 < self.knots.len() && self.knots[i + 1].share <= u {
            i += 1;
        }
        let knot = self.knots[i];
        knot.value + (u - knot.share).max(0.0) * knot.slope
    }

    fn share_below(&self, value: f64) -> f64 {
        let next = self.knots.partition_point(|k| k.value <= value);
        match next.checked_sub(1).map(|i| self.knots[i]) {
            None => 0.0,
            Some(_) if next == self.knots.len() => 1.0,
            Some(k) if k.slope > 0.0 => k.share + (value - k.value) / k.slope,
            Some(k) => k.share,
        }
    }
}

/// The standard normal distribution function.
fn phi(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

/// A law tabulated over the standard normal score, with straight lines between scores 1/256
/// apart: one lookup instead of Φ and a search, where two sizes are drawn jointly.
#[derive(Clone, Debug)]
struct ScoreTable(Box<[f64]>);

impl ScoreTable {
    const REACH: f64 = 6.0;
    const CELLS_PER_UNIT: f64 = 256.0;

    fn new(law: &SizeSampler) -> Self {
        let cells = (2.0 * Self::REACH * Self::CELLS_PER_UNIT) as usize;
        let score = |i: usize| i as f64 / Self::CELLS_PER_UNIT - Self::REACH;
        Self((0..=cells).map(|i| law.at_score(score(i))).collect())
    }

    #[inline]
    fn tokens(&self, z: f64) -> u32 {
        let position = (z + Self::REACH) * Self::CELLS_PER_UNIT;
        let cell = (position as u32).min(self.0.len() as u32 - 2);
        let (a, b) = (self.0[cell as usize], self.0[cell as usize + 1]);
        whole(a + (b - a) * (position - f64::from(cell)).clamp(0.0, 1.0))
    }
}

/// The copula parameter r for a Spearman rank correlation: 2 sin(πρ/6).
pub fn copula_r(rank_correlation: f64) -> f64 {
    2.0 * (std::f64::consts::PI * rank_correlation / 6.0).sin()
}

/// Input and output sizes of requests. A side that is `None` is told by the trace row.
#[derive(Clone, Debug)]
pub(super) struct SizePair {
    input: Option<SizeSampler>,
    output: Option<SizeSampler>,
    input_key: Keyed,
    output_key: Keyed,
    copula: Option<Copula>,
}

#[derive(Clone, Debug)]
struct Copula {
    r: f64,
    rest: f64,
    input: ScoreTable,
    output: ScoreTable,
}

impl SizePair {
    pub(super) fn new(
        input: Option<SizeSampler>,
        output: Option<SizeSampler>,
        rank_correlation: f64,
        seed: u64,
        workload: &str,
    ) -> Self {
        debug_assert!((-1.0..=1.0).contains(&rank_correlation), "a correlation");
        let r = copula_r(rank_correlation).clamp(-1.0, 1.0);
        let copula = match (&input, &output) {
            (Some(input), Some(output)) if r != 0.0 => Some(Copula {
                r,
                rest: (1.0 - r * r).max(0.0).sqrt(),
                input: ScoreTable::new(&input.clone().invertible()),
                output: ScoreTable::new(&output.clone().invertible()),
            }),
            _ => None,
        };
        Self {
            input,
            output,
            input_key: Keyed::new(seed, &format!("{workload}/input-tokens")),
            output_key: Keyed::new(seed, &format!("{workload}/output-tokens")),
            copula,
        }
    }

    /// Input and output tokens of request `seq`; `row` is what the trace says.
    #[inline]
    pub(super) fn draw(&self, seq: u64, row: (u32, u32)) -> (u32, u32) {
        if let Some(copula) = &self.copula {
            let (a, b) = self.input_key.normal_pair(seq);
            return copula.tokens(a, b);
        }
        let input = self
            .input
            .as_ref()
            .map_or(row.0, |law| law.draw(self.input_key, seq));
        let output = self
            .output
            .as_ref()
            .map_or(row.1, |law| law.draw(self.output_key, seq));
        (input, output)
    }

    /// The sizes of the requests from `first` on, each as [`SizePair::draw`] draws it; a side without a law is
    /// left as it is.
    fn fill(&self, first: u64, sizes: &mut [(u32, u32)]) {
        if let Some(copula) = &self.copula {
            return copula.fill(self.input_key, first, sizes);
        }
        if let Some(law) = &self.input {
            for (size, seq) in sizes.iter_mut().zip(first..) {
                size.0 = law.draw(self.input_key, seq);
            }
        }
        if let Some(law) = &self.output {
            for (size, seq) in sizes.iter_mut().zip(first..) {
                size.1 = law.draw(self.output_key, seq);
            }
        }
    }
}

impl Copula {
    /// Both sizes of a request whose standard normal numbers are `a` and `b`.
    #[inline]
    fn tokens(&self, a: f64, b: f64) -> (u32, u32) {
        let z = self.r * a + self.rest * b;
        (self.input.tokens(a), self.output.tokens(z))
    }

    /// The numbers of a few requests first, then their sizes: neither loop keeps a processor waiting for the
    /// other's tables.
    fn fill(&self, key: Keyed, first: u64, sizes: &mut [(u32, u32)]) {
        let mut first = first;
        for sizes in sizes.chunks_mut(16) {
            let mut numbers = [(0.0, 0.0); 16];
            for (pair, seq) in numbers.iter_mut().zip(first..) {
                *pair = key.normal_pair(seq);
            }
            for (size, &(a, b)) in sizes.iter_mut().zip(&numbers) {
                *size = self.tokens(a, b);
            }
            first = first.wrapping_add(16);
        }
    }
}

#[cfg(test)]
mod tests;
