//! The bracket: between a load that passes and one that fails.
//!
//! Double or halve until one passes and one fails, then halve the gap on the logarithm until the ratio
//! of both is small (`methods.md` 7.1). A system that is worse at some load than at a higher one has
//! several such places; below the one that was found, some loads are tried too, and the lowest counts.

/// Where to search, as factors of some load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Field {
    /// The first guess.
    pub start: f64,
    /// Lower loads are not tried.
    pub least: f64,
    /// Higher loads are not tried.
    pub most: f64,
    /// The bracket's ratio at the end is at most 1 + this.
    pub precision: f64,
    /// Whether to look for failures below what passes.
    pub looks_below: bool,
}

/// Loads that are tried below the highest one that passes, as parts of it.
const BELOW: [f64; 3] = [0.25, 0.5, 0.75];
/// One that was tried within this ratio will do.
const NEAR: f64 = 1.15;

/// The loads that were tried.
#[derive(Clone, Debug)]
pub(super) struct Tried<P> {
    /// Each with what it gave, ascending.
    pub points: Vec<(f64, P)>,
    /// The highest load below all failures that passes, an index.
    pub pass: Option<usize>,
    /// The lowest that fails, an index.
    pub fail: Option<usize>,
    /// Whether a load passes above one that fails.
    pub comes_back: bool,
}

struct Search<'a, P> {
    points: Vec<(f64, P)>,
    probe: &'a mut dyn FnMut(f64) -> P,
    passes: &'a dyn Fn(&P) -> bool,
}

/// Finds the bracket of what `probe` measures.
pub(super) fn bracket<P>(
    field: &Field,
    probe: &mut dyn FnMut(f64) -> P,
    passes: &dyn Fn(&P) -> bool,
) -> Tried<P> {
    let mut search = Search {
        points: Vec::new(),
        probe,
        passes,
    };
    let mut at = field.start.clamp(field.least, field.most);
    let (mut low, mut high) = (None, None);
    while low.is_none() || high.is_none() {
        if search.passes(at) {
            low = Some(at);
            if at >= field.most {
                break;
            }
            at = (2.0 * at).min(field.most);
        } else {
            high = Some(at);
            if at <= field.least {
                break;
            }
            at = (0.5 * at).max(field.least);
        }
    }
    if let (Some(low), Some(high)) = (low, high) {
        search.narrow(low, high, field.precision);
    }
    if field.looks_below {
        search.look_below(field);
    }
    search.told()
}

impl<P> Search<'_, P> {
    fn passes(&mut self, at: f64) -> bool {
        let point = (self.probe)(at);
        let passes = (self.passes)(&point);
        let place = self.points.partition_point(|(other, _)| *other < at);
        self.points.insert(place, (at, point));
        passes
    }

    fn narrow(&mut self, mut low: f64, mut high: f64, precision: f64) {
        while high / low > 1.0 + precision {
            let middle = (low * high).sqrt();
            if self.passes(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
    }

    /// The second search, from below: the first failure on the way up is narrowed in its turn.
    fn look_below(&mut self, field: &Field) {
        let Some(found) = self.ends().0.map(|index| self.points[index].0) else {
            return;
        };
        let mut low = None;
        for part in BELOW {
            let at = part * found;
            if at < field.least {
                continue;
            }
            let is_near = |other: f64| (other / at).max(at / other) < NEAR;
            let near = self.points.iter().find(|(other, _)| is_near(*other));
            let (at, passes) = match near {
                Some((other, point)) => (*other, (self.passes)(point)),
                None => (at, self.passes(at)),
            };
            if passes {
                low = Some(at);
                continue;
            }
            let mut high = at;
            while low.is_none() && high > field.least {
                let lower = (0.5 * high).max(field.least);
                if self.passes(lower) {
                    low = Some(lower);
                } else {
                    high = lower;
                }
            }
            if let Some(low) = low {
                self.narrow(low, high, field.precision);
            }
            return;
        }
    }

    /// The highest that passes below every failure, and the lowest failure.
    fn ends(&self) -> (Option<usize>, Option<usize>) {
        let fail = self
            .points
            .iter()
            .position(|(_, point)| !(self.passes)(point));
        let below = fail.unwrap_or(self.points.len());
        (below.checked_sub(1), fail)
    }

    fn told(self) -> Tried<P> {
        let (pass, fail) = self.ends();
        let above = fail.map_or(&[][..], |fail| &self.points[fail..]);
        let comes_back = above.iter().any(|(_, point)| (self.passes)(point));
        Tried {
            pass,
            fail,
            comes_back,
            points: self.points,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(start: f64) -> Field {
        Field {
            start,
            least: 1e-3,
            most: 1e3,
            precision: 0.02,
            looks_below: true,
        }
    }

    fn search(start: f64, passes: impl Fn(f64) -> bool) -> Tried<bool> {
        bracket(&field(start), &mut |at| passes(at), &|passes| *passes)
    }

    fn loads(tried: &Tried<bool>) -> (Option<f64>, Option<f64>) {
        let at = |index: usize| tried.points[index].0;
        (tried.pass.map(at), tried.fail.map(at))
    }

    proptest! {
        #[test]
        fn the_bracket_holds_the_threshold(ln in -6.0..6.0f64, start_ln in -6.0..6.0f64) {
            let threshold = ln.exp();
            let tried = search(start_ln.exp(), |at| at <= threshold);
            let (Some(pass), Some(fail)) = loads(&tried) else { panic!("both are in the field") };
            prop_assert!(pass <= threshold && threshold < fail);
            prop_assert!(fail / pass <= 1.02 + 1e-12);
            prop_assert!(!tried.comes_back);
            // Doubling over the distance, halving a gap of two down to 2 %, and a few below.
            let most = (start_ln - ln).abs() / 2f64.ln() + 2.0 + 6.0 + 3.0;
            prop_assert!(tried.points.len() as f64 <= most, "{} points", tried.points.len());
            prop_assert!(tried.points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }

    #[test]
    fn all_or_nothing_has_one_end() {
        assert_eq!(loads(&search(1.0, |_| true)), (Some(1e3), None));
        assert_eq!(loads(&search(1.0, |_| false)), (None, Some(1e-3)));
    }

    #[test]
    fn of_two_thresholds_the_lower_counts() {
        // Passes up to 10, and again between 30 and 100: the guess starts in the upper part.
        let tried = search(64.0, |at| at <= 10.0 || (30.0..=100.0).contains(&at));
        let (pass, fail) = loads(&tried);
        let (pass, fail) = (pass.unwrap(), fail.unwrap());
        assert!(
            pass <= 10.0 && fail > 10.0 && fail / pass <= 1.0201,
            "{pass} {fail}"
        );
        assert!(tried.comes_back);
    }
}
