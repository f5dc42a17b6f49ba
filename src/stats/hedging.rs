//! What a second attempt after a delay does to the tail, in closed form.
//!
//! With S(t) the share of attempts that take longer than `t`, attempts being independent, a request that is
//! sent again after `d` takes longer than `t` with the chance S(t)·S(t − d), and a share S(d) is sent again.
//! Source: Dean and Barroso, "The tail at scale", CACM 56 (2013).

/// The share of requests that take longer than `t` when those that take longer than `delay` are sent again;
/// `survival` is the share of attempts that take longer than its argument.
pub fn hedged_survival(survival: impl Fn(f64) -> f64, delay: f64, t: f64) -> f64 {
    let twin = if t > delay { survival(t - delay) } else { 1.0 };
    survival(t) * twin
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::check::shown;

    #[test]
    fn an_exponential_tail_is_squared_beyond_the_delay() {
        // Methods 4.4: Exp(1), d = 3, t = 6.
        let survival = |t: f64| (-t).exp();
        shown(1e3 * survival(6.0), 2.4788, 4);
        shown(1e4 * hedged_survival(survival, 3.0, 6.0), 1.2341, 4);
        shown(hedged_survival(survival, 3.0, 3.0), survival(3.0), 15);
        // The extra load.
        shown(survival(3.0), 0.050, 3);
    }
}
