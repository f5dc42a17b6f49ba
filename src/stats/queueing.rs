//! Queueing formulas: blocking, waiting and slowing-down in closed form.
//!
//! Sources: Kleinrock, *Queueing Systems* vol. 1–2; Kingman 1961; Allen & Cunneen;
//! Fredericks, BSTJ 1980 (Hayward); Cohen, Acta Informatica 12 (1979).
//! Loads are in Erlang (arrival rate × mean service time). An unstable queue
//! waits for ever: its mean is `f64::INFINITY`. Arguments without a meaning give NaN.

use statrs::function::gamma::{gamma_lr, gamma_ur, ln_gamma};

/// Erlang B: the share of Poisson arrivals that find all `servers` busy and are lost.
///
/// Recursion B₀ = 1, Bₖ = a·Bₖ₋₁ / (k + a·Bₖ₋₁) with the load `a`.
pub fn erlang_b(servers: u32, load: f64) -> f64 {
    erlang_b_real(f64::from(servers), load)
}

/// Erlang B for a number of servers that need not be whole.
///
/// The analytic continuation 1/B(x, a) = Γ(x+1, a)·a⁻ˣ·eᵃ gives the fractional start of the
/// recursion, so whole numbers agree with [`erlang_b`].
pub fn erlang_b_real(servers: f64, load: f64) -> f64 {
    if !(servers >= 0.0 && servers.is_finite() && load >= 0.0 && load.is_finite()) {
        return f64::NAN;
    }
    if load == 0.0 {
        return if servers == 0.0 { 1.0 } else { 0.0 };
    }
    let mut at = servers.fract();
    let mut blocking = fractional_start(at, load);
    while at < servers {
        at += 1.0;
        blocking = load * blocking / (at + load * blocking);
        // Beyond this point more servers can only block less.
        if blocking == 0.0 {
            break;
        }
    }
    blocking
}

/// B(x, a) for `0 ≤ x < 1`.
fn fractional_start(x: f64, load: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    if load < 100.0 {
        let ln_density = x * load.ln() - load - ln_gamma(x + 1.0);
        return ln_density.exp() / gamma_ur(x + 1.0, load);
    }
    // Both factors above vanish for large loads; the asymptotic series of Γ(x+1, a) does not.
    let mut term = 1.0;
    let mut inverse = 1.0;
    for k in 0..8 {
        term *= (x - f64::from(k)) / load;
        inverse += term;
    }
    1.0 / inverse
}

/// Erlang C: the share of Poisson arrivals that wait in M/M/c; 1 when the queue is unstable.
///
/// C = B / (1 − ρ(1 − B)).
pub fn erlang_c(servers: u32, load: f64) -> f64 {
    erlang_c_real(f64::from(servers), load)
}

/// Erlang C for a number of servers that need not be whole.
pub fn erlang_c_real(servers: f64, load: f64) -> f64 {
    if load >= servers && load.is_finite() {
        return 1.0;
    }
    let blocking = erlang_b_real(servers, load);
    blocking / (1.0 - load / servers * (1.0 - blocking))
}

/// The load at which `servers` lose the share `blocking` of Poisson arrivals (inverse of Erlang B).
///
/// NaN unless there is a server and `0 < blocking < 1`.
pub fn load_for_blocking(servers: u32, blocking: f64) -> f64 {
    if servers == 0 || !(blocking > 0.0 && blocking < 1.0) {
        return f64::NAN;
    }
    // Lost load a·B exceeds a − c, hence a < c / (1 − B).
    let high = f64::from(servers) / (1.0 - blocking);
    bisect(0.0, high, |load| erlang_b(servers, load) < blocking)
}

/// Hayward's approximation: loss of peaky traffic on `servers` slots.
///
/// B(c/z, a/z) with the peakedness `z`; for renewal arrivals z ≈ (1 + CV²)/2.
pub fn hayward_blocking(servers: f64, load: f64, peakedness: f64) -> f64 {
    erlang_b_real(servers / peakedness, load / peakedness)
}

/// Peakedness of renewal arrivals with the coefficient of variation `cv`: (1 + CV²)/2.
pub fn peakedness(cv: f64) -> f64 {
    f64::midpoint(1.0, cv * cv)
}

/// Square-root headroom: servers for a load, c = a + β√(a·z) (Halfin & Whitt 1981, with peakedness).
pub fn square_root_servers(load: f64, beta: f64, peakedness: f64) -> f64 {
    load + beta * (load * peakedness).sqrt()
}

/// Mean wait before service in M/M/1.
pub fn mm1_wait(arrival_rate: f64, service_rate: f64) -> f64 {
    mg1_wait(arrival_rate, 1.0 / service_rate, 1.0)
}

/// Mean time in system (wait and service) in M/M/1.
pub fn mm1_sojourn(arrival_rate: f64, service_rate: f64) -> f64 {
    mm1_wait(arrival_rate, service_rate) + 1.0 / service_rate
}

/// The `share` quantile of the time in system in M/M/1: −ln(1 − p)/(μ − λ).
pub fn mm1_sojourn_quantile(arrival_rate: f64, service_rate: f64, share: f64) -> f64 {
    if arrival_rate >= service_rate {
        return f64::INFINITY;
    }
    -(-share).ln_1p() / (service_rate - arrival_rate)
}

/// Mean wait before service in M/D/1.
pub fn md1_wait(arrival_rate: f64, service_time: f64) -> f64 {
    mg1_wait(arrival_rate, service_time, 0.0)
}

/// Mean wait before service in M/G/1 (Pollaczek–Khinchine): λE\[S²\] / (2(1 − ρ)).
///
/// `service_scv` is the squared coefficient of variation of the service time.
pub fn mg1_wait(arrival_rate: f64, mean_service: f64, service_scv: f64) -> f64 {
    let load = arrival_rate * mean_service;
    if load >= 1.0 {
        return f64::INFINITY;
    }
    let second_moment = mean_service * mean_service * (1.0 + service_scv);
    arrival_rate * second_moment / (2.0 * (1.0 - load))
}

/// Mean wait before service in M/M/c: C(c, a)·E\[S\] / (c − a).
pub fn mmc_wait(servers: u32, load: f64, mean_service: f64) -> f64 {
    if load >= f64::from(servers) {
        return f64::INFINITY;
    }
    erlang_c(servers, load) * mean_service / (f64::from(servers) - load)
}

/// The share of arrivals that wait longer than `wait` in M/M/c: C·e^{−(c − a)·t/E\[S\]}.
pub fn mmc_wait_tail(servers: u32, load: f64, mean_service: f64, wait: f64) -> f64 {
    if load >= f64::from(servers) {
        return 1.0;
    }
    erlang_c(servers, load) * (-(f64::from(servers) - load) * wait / mean_service).exp()
}

/// Kingman's approximation of the mean wait in G/G/1: ρ/(1 − ρ)·(cₐ² + cₛ²)/2·E\[S\].
pub fn kingman_wait(load: f64, arrival_scv: f64, service_scv: f64, mean_service: f64) -> f64 {
    if load >= 1.0 {
        return f64::INFINITY;
    }
    load / (1.0 - load) * f64::midpoint(arrival_scv, service_scv) * mean_service
}

/// The Allen–Cunneen approximation of the mean wait in G/G/c: M/M/c scaled by (cₐ² + cₛ²)/2.
pub fn allen_cunneen_wait(
    servers: u32,
    load: f64,
    arrival_scv: f64,
    service_scv: f64,
    mean_service: f64,
) -> f64 {
    mmc_wait(servers, load, mean_service) * f64::midpoint(arrival_scv, service_scv)
}

/// Steady state of processor sharing with a cap per job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharing {
    /// Mean number of jobs in service.
    pub jobs: f64,
    /// Mean time of a job in service.
    pub time: f64,
    /// The share of jobs that find the processor full, so that they run below the cap.
    pub slowed: f64,
}

/// Jobs that share `capacity` (work per time), each at most `cap`: n jobs get min(cap, capacity/n).
///
/// The number of jobs has the law of M/M/c* with c* = capacity/cap, whatever the law of the work
/// (Cohen 1979): E\[N\] = a + C(c*, a)·ρ/(1 − ρ) with a = λE\[work\]/cap.
/// A c* that is not whole uses the analytic continuation of Erlang C.
pub fn processor_sharing(arrival_rate: f64, mean_work: f64, capacity: f64, cap: f64) -> Sharing {
    let servers = capacity / cap;
    let load = arrival_rate * mean_work / cap;
    let slowed = erlang_c_real(servers, load);
    if load >= servers {
        return Sharing {
            jobs: f64::INFINITY,
            time: f64::INFINITY,
            slowed,
        };
    }
    let utilisation = load / servers;
    let jobs = load + slowed * utilisation / (1.0 - utilisation);
    let time = if arrival_rate > 0.0 {
        jobs / arrival_rate
    } else {
        mean_work / cap
    };
    Sharing { jobs, time, slowed }
}

/// The share of Poisson arrivals that a fixed window refuses, with `offered` per window on average.
///
/// \[m·P(N ≥ q) − q·P(N ≥ q+1)\] / m with N ~ Poisson(m) and the limit q.
pub fn fixed_window_loss(offered: f64, limit: u64) -> f64 {
    if !(offered > 0.0 && offered.is_finite()) {
        return if offered == 0.0 { 0.0 } else { f64::NAN };
    }
    let limit_f = limit as f64;
    // P(N ≥ k) is the lower regularised incomplete gamma function P(k, m).
    let at_least_limit = if limit == 0 {
        1.0
    } else {
        gamma_lr(limit_f, offered)
    };
    let above_limit = gamma_lr(limit_f + 1.0, offered);
    ((offered * at_least_limit - limit_f * above_limit) / offered).clamp(0.0, 1.0)
}

/// The share that a token bucket of depth one refuses at the fraction ρ of its rate: ρ/(1 + ρ).
///
/// With Poisson arrivals each admitted request closes the bucket for one refill time.
pub fn bucket_loss_depth_one(utilisation: f64) -> f64 {
    utilisation / (1.0 + utilisation)
}

/// The rate θ at which the loss of a deep token bucket decays with its depth k: loss ~ e^{−θk}.
///
/// The positive root of ρ(e^θ − 1) = θ for Poisson arrivals at the fraction ρ of the refill rate;
/// zero from ρ = 1 on, where no depth helps.
pub fn bucket_loss_decay(utilisation: f64) -> f64 {
    if utilisation >= 1.0 {
        return 0.0;
    }
    if utilisation.is_nan() || utilisation <= 0.0 {
        return f64::NAN;
    }
    let below_root = |theta: f64| utilisation * theta.exp_m1() < theta;
    // The left side is convex and starts below, so beyond the root it stays above.
    let mut high = 1.0;
    while below_root(high) {
        high *= 2.0;
    }
    // Close to ρ = 1 the root tends to 2(1 − ρ), so zero itself must be excluded.
    bisect(1e-12, high, below_root)
}

/// The point where `below` turns false, for a predicate that is first true and then false.
fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::super::check::shown;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn erlang_formulas_match_the_tables() {
        shown(erlang_b(5, 3.0), 0.110_054, 6);
        shown(erlang_b(10, 8.0), 0.121_661, 6);
        shown(erlang_b(100, 90.0), 0.026_957, 6);
        shown(erlang_c(1, 0.8), 0.8, 6);
        shown(erlang_c(5, 3.0), 0.236_152, 6);
        shown(erlang_c(10, 8.0), 0.409_180, 6);
        shown(erlang_c(100, 90.0), 0.216_940, 6);
        shown(load_for_blocking(10, 0.01), 4.46118, 5);
        shown(load_for_blocking(100, 0.01), 84.0642, 4);
    }

    #[test]
    fn one_pool_loses_less_than_three() {
        shown(erlang_b(20, 18.0), 0.109_213, 6);
        shown(erlang_b(60, 54.0), 0.045_849, 6);
    }

    #[test]
    fn single_server_waits() {
        shown(mm1_wait(0.8, 1.0), 4.0, 9);
        shown(mm1_sojourn(0.8, 1.0), 5.0, 9);
        shown(mm1_sojourn_quantile(0.8, 1.0, 0.95), 14.9787, 4);
        shown(md1_wait(0.8, 1.0), 2.0, 9);
        shown(mg1_wait(0.8, 1.0, std::f64::consts::E - 1.0), 5.43656, 5);
        shown(kingman_wait(0.5, 16.0, 1.0, 1.0), 8.5, 9);
        shown(mmc_wait(1, 0.8, 1.0), 4.0, 9);
        // The highest M/M/1 rate whose p95 time in system is at most 10.
        shown(mm1_sojourn_quantile(0.700_427, 1.0, 0.95), 10.0, 4);
    }

    #[test]
    fn many_server_waits() {
        shown(allen_cunneen_wait(10, 8.0, 4.0, 1.0, 1.0), 0.511_475, 6);
        shown(mmc_wait_tail(10, 8.0, 1.0, 0.0), 0.409_180, 6);
        shown(peakedness(7f64.sqrt()), 4.0, 9);
        shown(hayward_blocking(100.0, 80.0, 4.0), 0.050_222, 6);
        shown(erlang_b(100, 80.0), 0.003_992, 6);
        shown(square_root_servers(100.0, 1.0, 4.0), 120.0, 9);
    }

    #[test]
    fn shared_processor_of_four_streams() {
        let sharing = processor_sharing(0.6, 250.0, 200.0, 50.0);
        shown(sharing.slowed, 0.509_434, 6);
        shown(sharing.jobs, 4.52830, 5);
        shown(sharing.time, 7.54717, 5);
        shown(processor_sharing(0.0, 250.0, 200.0, 50.0).time, 5.0, 9);
        assert!(
            processor_sharing(1.0, 250.0, 200.0, 50.0)
                .time
                .is_infinite()
        );
    }

    #[test]
    fn window_and_bucket_losses() {
        shown(fixed_window_loss(54.0, 60), 0.01654, 5);
        shown(fixed_window_loss(57.0, 60), 0.03100, 5);
        shown(fixed_window_loss(60.0, 60), 0.05143, 5);
        shown(fixed_window_loss(66.0, 60), 0.10675, 5);
        shown(fixed_window_loss(100.0, 100), 0.03986, 5);
        shown(fixed_window_loss(950.0, 1000), 0.00075, 5);
        shown(bucket_loss_depth_one(0.9), 0.47368, 5);
        shown(bucket_loss_decay(0.7), 0.67547, 5);
        shown(bucket_loss_decay(0.8), 0.43084, 5);
        shown(bucket_loss_decay(0.9), 0.20715, 5);
        shown(bucket_loss_decay(0.95), 0.10172, 5);
    }

    #[test]
    fn odd_arguments_do_not_panic() {
        assert!(erlang_b(3, f64::NAN).is_nan());
        assert!(erlang_b_real(-1.0, 1.0).is_nan());
        assert!((erlang_b(0, 0.0) - 1.0).abs() < f64::EPSILON);
        assert!((erlang_c(2, 5.0) - 1.0).abs() < f64::EPSILON);
        assert!(mm1_wait(2.0, 1.0).is_infinite());
        assert!(fixed_window_loss(f64::NAN, 1).is_nan());
        assert!(bucket_loss_decay(0.0).is_nan());
        assert!(load_for_blocking(0, 0.1).is_nan());
    }

    proptest! {
        #[test]
        fn blocking_falls_with_servers_and_rises_with_load(
            servers in 0.0..200.0f64, more in 0.01..3.0f64, load in 0.01..300.0f64,
        ) {
            let here = erlang_b_real(servers, load);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&here));
            prop_assert!(erlang_b_real(servers + more, load) <= here + 1e-9);
            prop_assert!(erlang_b_real(servers, load + more) >= here - 1e-9);
        }

        #[test]
        fn inverse_of_erlang_b_round_trips(servers in 1u32..200, blocking in 0.001..0.9f64) {
            let load = load_for_blocking(servers, blocking);
            prop_assert!((erlang_b(servers, load) - blocking).abs() < 1e-9);
        }
    }
}
