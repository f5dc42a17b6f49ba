//! What retries do to load, in closed form.
//!
//! Sources: geometric sums for independent failures; the fixed point of cheap refusals at a full service (offered load λ
//! above capacity C) from C = λ·(1 − pⁿ), since who gives up after n refusals is what is lost; Bronson et al.,
//! "Metastable failures in distributed systems" (`HotOS` 2021) for the edge. Arguments without a meaning give NaN.

/// Mean attempts of a request that fails each time with probability `p` and is tried at most `attempts`
/// times: (1 − pⁿ) / (1 − p).
pub fn amplification(p: f64, attempts: u32) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 1.0 {
        return f64::from(attempts);
    }
    (1.0 - p.powf(f64::from(attempts))) / (1.0 - p)
}

/// Where retries settle against a service that refuses at no cost what exceeds its capacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedPoint {
    /// The share of attempts that is refused: p = (1 − C/λ)^(1/n).
    pub refused: f64,
    /// Attempts per unit of capacity: 1 / (1 − p).
    pub attempts_per_capacity: f64,
}

/// The fixed point for an offered load of `load` times the capacity and `attempts` in all; nothing is refused
/// below capacity.
pub fn refusal_fixed_point(load: f64, attempts: u32) -> FixedPoint {
    if !(load >= 0.0 && attempts > 0) {
        return FixedPoint {
            refused: f64::NAN,
            attempts_per_capacity: f64::NAN,
        };
    }
    if load <= 1.0 {
        return FixedPoint {
            refused: 0.0,
            attempts_per_capacity: load,
        };
    }
    let refused = (1.0 - 1.0 / load).powf(f64::from(attempts).recip());
    FixedPoint {
        refused,
        attempts_per_capacity: (1.0 - refused).recip(),
    }
}

/// The utilisation above which a service whose capacity failures use up can stay overloaded after a spike: 1/n
/// with `attempts` in all.
pub fn metastable_above(attempts: u32) -> f64 {
    f64::from(attempts).recip()
}

/// The same with a retry budget of `ratio` retries per request: 1 / (1 + b).
pub fn metastable_above_with_budget(ratio: f64) -> f64 {
    (1.0 + ratio).recip()
}

/// The most retries per clean success that a retry quota sustains while retries fail: each success
/// earns `refund`, each retry costs `cost`.
pub fn sustained_retries(refund: f64, cost: f64) -> f64 {
    refund / cost
}

/// The most attempts per request under a retry budget: 1 + b.
pub fn amplification_with_budget(ratio: f64) -> f64 {
    1.0 + ratio
}

#[cfg(test)]
mod tests {
    use super::super::check::shown;
    use super::*;

    #[test]
    fn independent_failures_amplify_by_the_geometric_sum() {
        shown(amplification(0.3, 3), 1.39, 2);
        assert_eq!(amplification(0.0, 5), 1.0);
        assert_eq!(amplification(1.0, 5), 5.0);
        assert!(amplification(1.1, 2).is_nan());
    }

    #[test]
    fn cheap_refusals_settle_at_the_fixed_point() {
        // methods 4.3
        for (load, attempts, refused, per_capacity) in [
            (1.1, 3, 0.4496, 1.8170),
            (1.1, 5, 0.6190, 2.6250),
            (1.5, 3, 0.6934, 3.2612),
            (2.0, 5, 0.8706, 7.7250),
        ] {
            let point = refusal_fixed_point(load, attempts);
            shown(point.refused, refused, 4);
            shown(point.attempts_per_capacity, per_capacity, 4);
            // Goodput stays the capacity: λ (1 − pⁿ) = C.
            let done = load * (1.0 - point.refused.powf(f64::from(attempts)));
            shown(done, 1.0, 9);
        }
        assert_eq!(refusal_fixed_point(0.7, 3).attempts_per_capacity, 0.7);
        assert!(refusal_fixed_point(-1.0, 3).refused.is_nan());
    }

    #[test]
    fn edges_and_quotas() {
        shown(metastable_above(3), 0.3333, 4);
        shown(metastable_above_with_budget(0.1), 0.909, 3);
        shown(sustained_retries(1.0, 5.0), 0.2, 9);
        shown(sustained_retries(1.0, 14.0), 1.0 / 14.0, 9);
        shown(amplification_with_budget(0.2), 1.2, 9);
    }
}
