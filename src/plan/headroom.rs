//! Sustained throughput under Bedrock's quotas, in closed form.
//!
//! Admission reserves R = `max_tokens` + uncached input + cache writes (and cache reads, if the
//! rules say so); settlement counts F = uncached input + cache writes + burndown × output
//! (user guide, quotas-token-burndown). With the quota Q per minute and the latency L in seconds:
//!
//! | semantics | highest sustained rate |
//! |---|---|
//! | A: tokens refill while they are held | Q / (60·F) |
//! | B: held + settled in the last minute ≤ Q | Q / (60·F + L·R) |
//! | C: fixed minute with refund inside it | ≈ Q / (60·F + L·(R − F)) |
//!
//! RPM/60 and TPD/(86,400·F) bound each of them. C is an approximation, 6–11% below simulation.

use crate::domain::{QuotaRules, Semantics};
use crate::units::{Micros, PerSecond, RequestsPerMinute, TokensPerDay, TokensPerMinute};

const SECONDS_PER_DAY: f64 = 86_400.0;

/// The load on one quota counter: rates and the mean request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadPoint {
    /// Requests per second on average.
    pub rate: PerSecond,
    /// Requests per second in the busiest minute.
    pub peak_rate: PerSecond,
    /// Mean input tokens neither read from nor written to the cache.
    pub uncached_input: f64,
    /// Mean tokens written to the cache.
    pub cache_write: f64,
    /// Mean tokens read from the cache.
    pub cache_read: f64,
    /// Mean output tokens.
    pub output: f64,
    /// `max_tokens` of each request; the model's maximum where a request leaves it unset.
    pub max_tokens: u64,
    /// Mean time that a request holds its reservation.
    pub latency: Micros,
    /// Quota tokens per output token at settlement.
    pub burndown: u64,
}

/// The limits of one quota counter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuotaPoint {
    /// Tokens per minute.
    pub tpm: TokensPerMinute,
    /// Requests per minute, where the model has that quota.
    pub rpm: Option<RequestsPerMinute>,
    /// Tokens per day, where enforced.
    pub tpd: Option<TokensPerDay>,
    /// How the limits are enforced.
    pub rules: QuotaRules,
}

/// The quota that bounds the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Tokens per minute.
    TokensPerMinute,
    /// Requests per minute.
    RequestsPerMinute,
    /// Tokens per day.
    TokensPerDay,
}

/// The highest sustained rate under each reading of the enforcement, all quotas together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SustainedBounds {
    /// Semantics A, the optimistic bound.
    pub a: PerSecond,
    /// Semantics B, the conservative default.
    pub b: PerSecond,
    /// Semantics C.
    pub c: PerSecond,
}

/// How a load stands to its quotas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Headroom {
    /// Quota tokens that admission reserves for the mean request (R).
    pub reserved_per_request: f64,
    /// Quota tokens that the mean request settles at (F).
    pub settled_per_request: f64,
    /// The highest sustained rate under the given rules.
    pub max_rate: PerSecond,
    /// The quota that sets `max_rate`.
    pub binding: Binding,
    /// The rate that TPM alone would carry.
    pub tpm_rate: PerSecond,
    /// The rate that RPM alone would carry, where it exists.
    pub rpm_rate: Option<PerSecond>,
    /// The mean rate that TPD alone would carry, where it is enforced.
    pub tpd_rate: Option<PerSecond>,
    /// The spread over the readings of the enforcement.
    pub bounds: SustainedBounds,
    /// Requests in flight at the mean rate (Little's law, λL).
    pub in_flight: f64,
    /// Requests in flight at the peak rate.
    pub peak_in_flight: f64,
    /// Share of TPM held by reservations of requests in flight at the peak rate: λ·L·R/Q.
    pub held_share: f64,
    /// Share of TPM that a minute's requests settle at, at the peak rate: 60·λ·F/Q.
    pub settled_share: f64,
    /// Share of TPM that the limiter counts at the peak rate; above 1 it refuses.
    pub tpm_share: f64,
    /// Share of RPM in use at the peak rate.
    pub rpm_share: Option<f64>,
    /// Share of TPD in use at the mean rate.
    pub tpd_share: Option<f64>,
    /// Whether the offered load fits all quotas.
    pub fits: bool,
    /// Share of the rate that reservations cost, compared with quotas that count settled use only.
    pub lost_to_reservation: f64,
    /// The rate at which `max_tokens` throttles, where actual use alone would have fitted the peak.
    pub throttled_by_max_tokens_at: Option<PerSecond>,
    /// The largest `max_tokens` with which the peak rate fits TPM; `None` if no value makes it fit.
    pub fitting_max_tokens: Option<u64>,
}

/// What a smaller (or larger) `max_tokens` would do to the sustained rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RightSize {
    /// The value tried, such as the p99.9 of the output.
    pub max_tokens: u64,
    /// The highest sustained rate with it.
    pub max_rate: PerSecond,
    /// That rate over the present one; `None` if nothing passes at present.
    pub gain: Option<f64>,
}

impl LoadPoint {
    /// What admission reserves apart from `max_tokens`.
    fn reserved_input(&self, rules: QuotaRules) -> f64 {
        let reads = if rules.reserve_counts_cache_read {
            self.cache_read
        } else {
            0.0
        };
        self.uncached_input + self.cache_write + reads
    }

    /// Quota tokens that admission reserves for the mean request (R).
    pub fn reserved(&self, rules: QuotaRules) -> f64 {
        self.reserved_input(rules) + self.max_tokens as f64
    }

    /// Quota tokens that the mean request settles at (F).
    pub fn settled(&self) -> f64 {
        self.uncached_input + self.cache_write + self.burndown as f64 * self.output
    }
}

/// How `load` stands to `quota`.
pub fn headroom(load: &LoadPoint, quota: &QuotaPoint) -> Headroom {
    let limit = quota.tpm.0 as f64;
    let reserved = load.reserved(quota.rules);
    let settled = load.settled();
    let latency = load.latency.as_secs_f64();
    let (rate, peak) = (load.rate.0, load.peak_rate.0);
    let tpm_rate = tpm_rate(load, quota, quota.rules.semantics);
    let settled_rate = share(limit, 60.0 * settled);
    let (max_rate, binding) = bound(load, quota, tpm_rate);
    let rpm_rate = rpm_rate(quota);
    let tpd_rate = tpd_rate(load, quota);
    let tpm_share = share(peak, tpm_rate);
    let rpm_share = rpm_rate.map(|rpm| share(peak, rpm));
    let tpd_share = tpd_rate.map(|tpd| share(rate, tpd));
    let other = |semantics| bound(load, quota, self::tpm_rate(load, quota, semantics)).0;
    Headroom {
        reserved_per_request: reserved,
        settled_per_request: settled,
        max_rate: PerSecond(max_rate),
        binding,
        tpm_rate: PerSecond(tpm_rate),
        rpm_rate: rpm_rate.map(PerSecond),
        tpd_rate: tpd_rate.map(PerSecond),
        bounds: SustainedBounds {
            a: PerSecond(other(Semantics::A)),
            b: PerSecond(other(Semantics::B)),
            c: PerSecond(other(Semantics::C)),
        },
        in_flight: rate * latency,
        peak_in_flight: peak * latency,
        held_share: share(peak * latency * reserved, limit),
        settled_share: share(60.0 * peak * settled, limit),
        tpm_share,
        rpm_share,
        tpd_share,
        fits: tpm_share <= 1.0
            && rpm_share.is_none_or(|used| used <= 1.0)
            && tpd_share.is_none_or(|used| used <= 1.0),
        lost_to_reservation: (1.0 - share(tpm_rate, settled_rate)).clamp(0.0, 1.0),
        throttled_by_max_tokens_at: (peak > tpm_rate && peak <= settled_rate)
            .then_some(PerSecond(tpm_rate)),
        fitting_max_tokens: fitting_max_tokens(load, quota),
    }
}

/// The highest sustained rate of `load` under all of `quota`, and the quota that sets it.
pub fn sustained_rate(load: &LoadPoint, quota: &QuotaPoint) -> (PerSecond, Binding) {
    let (rate, binding) = bound(load, quota, tpm_rate(load, quota, quota.rules.semantics));
    (PerSecond(rate), binding)
}

/// The sustained rate if every request asked for `max_tokens`, usually the p99.9 of its output.
pub fn right_size(load: &LoadPoint, quota: &QuotaPoint, max_tokens: u64) -> RightSize {
    let (now, _) = sustained_rate(load, quota);
    let sized = LoadPoint {
        max_tokens,
        ..*load
    };
    let (max_rate, _) = sustained_rate(&sized, quota);
    RightSize {
        max_tokens,
        max_rate,
        gain: (now.0 > 0.0).then(|| share(max_rate.0, now.0)),
    }
}

/// The rate that TPM carries, in requests per second.
fn tpm_rate(load: &LoadPoint, quota: &QuotaPoint, semantics: Semantics) -> f64 {
    let limit = quota.tpm.0 as f64;
    let reserved = load.reserved(quota.rules);
    // A reservation above the whole quota is refused at any rate.
    if reserved > limit {
        return 0.0;
    }
    let settled = load.settled();
    let latency = load.latency.as_secs_f64();
    let held = match semantics {
        Semantics::A => 0.0,
        Semantics::B => latency * reserved,
        // A request that settles above its reservation holds nothing back from the minute.
        Semantics::C => latency * (reserved - settled).max(0.0),
    };
    share(limit, 60.0 * settled + held)
}

/// The rate that RPM carries, in requests per second.
fn rpm_rate(quota: &QuotaPoint) -> Option<f64> {
    quota.rpm.map(|rpm| rpm.0 as f64 / 60.0)
}

/// The mean rate that TPD carries, in requests per second.
fn tpd_rate(load: &LoadPoint, quota: &QuotaPoint) -> Option<f64> {
    quota
        .tpd
        .filter(|_| quota.rules.enforce_tpd)
        .map(|tpd| share(tpd.0 as f64, SECONDS_PER_DAY * load.settled()))
}

/// The least of the three rates and where it comes from.
fn bound(load: &LoadPoint, quota: &QuotaPoint, tpm_rate: f64) -> (f64, Binding) {
    let mut least = (tpm_rate, Binding::TokensPerMinute);
    let others = [
        (rpm_rate(quota), Binding::RequestsPerMinute),
        (tpd_rate(load, quota), Binding::TokensPerDay),
    ];
    for (rate, binding) in others {
        if let Some(rate) = rate
            && rate < least.0
        {
            least = (rate, binding);
        }
    }
    least
}

/// The largest `max_tokens` with which TPM carries the peak rate: the closed forms solved for R.
fn fitting_max_tokens(load: &LoadPoint, quota: &QuotaPoint) -> Option<u64> {
    let limit = quota.tpm.0 as f64;
    let settled = load.settled();
    let latency = load.latency.as_secs_f64();
    // Tokens of the quota that each request may hold on average.
    let per_request = share(limit, load.peak_rate.0);
    let spare = per_request - 60.0 * settled;
    let by_rate = match quota.rules.semantics {
        Semantics::A if spare >= 0.0 => f64::INFINITY,
        Semantics::B if spare >= 0.0 => share(spare, latency),
        Semantics::C if spare >= 0.0 => settled + share(spare, latency),
        _ => return None,
    };
    // One reservation has to fit the quota whatever the rate.
    let room = by_rate.min(limit) - load.reserved_input(quota.rules);
    // The margin keeps a value that is whole but for a rounding error.
    (room >= 1.0).then(|| (room + 1e-6).floor() as u64)
}

/// `part / whole`, where nothing of nothing is nothing and something of nothing is without bound.
fn share(part: f64, whole: f64) -> f64 {
    if part == 0.0 && whole == 0.0 {
        0.0
    } else {
        part / whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 3,000 tokens in, 400 out, burndown 5, 10 s: F = 5,000.
    fn load(max_tokens: u64) -> LoadPoint {
        LoadPoint {
            rate: PerSecond(2.0),
            peak_rate: PerSecond(3.0),
            uncached_input: 3000.0,
            cache_write: 0.0,
            cache_read: 0.0,
            output: 400.0,
            max_tokens,
            latency: Micros::from_secs(10),
            burndown: 5,
        }
    }

    fn quota(tpm: u64) -> QuotaPoint {
        QuotaPoint {
            tpm: TokensPerMinute(tpm),
            rpm: None,
            tpd: None,
            rules: QuotaRules::default(),
        }
    }

    fn under(semantics: Semantics) -> QuotaPoint {
        QuotaPoint {
            rules: QuotaRules {
                semantics,
                ..QuotaRules::default()
            },
            ..quota(2_000_000)
        }
    }

    fn shown(got: f64, want: f64) {
        assert!((got - want).abs() <= 0.000_501, "got {got}, want {want}");
    }

    #[test]
    fn sustained_rates_of_the_three_semantics() {
        for (max_tokens, [a, b, c]) in [
            (4_096, [6.667, 5.391, 6.231]),
            (64_000, [6.667, 2.062, 2.174]),
        ] {
            let result = headroom(&load(max_tokens), &quota(2_000_000));
            shown(result.bounds.a.0, a);
            shown(result.bounds.b.0, b);
            shown(result.bounds.c.0, c);
            assert_eq!(result.max_rate, result.bounds.b);
            assert_eq!(result.binding, Binding::TokensPerMinute);
            for (semantics, want) in [(Semantics::A, a), (Semantics::B, b), (Semantics::C, c)] {
                shown(
                    sustained_rate(&load(max_tokens), &under(semantics)).0.0,
                    want,
                );
            }
        }
    }

    #[test]
    fn worked_example_of_the_user_guide() {
        let example = |max_tokens| LoadPoint {
            cache_write: 1000.0,
            cache_read: 4000.0,
            output: 1000.0,
            ..load(max_tokens)
        };
        let result = headroom(&example(32_000), &quota(2_000_000));
        shown(result.reserved_per_request, 36_000.0);
        shown(result.settled_per_request, 9_000.0);
        let small = headroom(&example(1_250), &quota(2_000_000));
        shown(small.reserved_per_request, 5_250.0);
        shown(small.settled_per_request, 9_000.0);
        let mut counted = quota(2_000_000);
        counted.rules.reserve_counts_cache_read = true;
        shown(
            headroom(&example(32_000), &counted).reserved_per_request,
            40_000.0,
        );
    }

    #[test]
    fn ceilings_of_two_models_from_the_fact_sheet() {
        // 2,000 in and 500 out against 30M TPM: 3,157 calls a minute at 15x, 4,285 at 10x.
        let mut optimistic = quota(30_000_000);
        optimistic.rules.semantics = Semantics::A;
        for (burndown, calls) in [(15, 3157.0), (10, 4285.0)] {
            let point = LoadPoint {
                uncached_input: 2000.0,
                output: 500.0,
                burndown,
                ..load(4096)
            };
            let (rate, _) = sustained_rate(&point, &optimistic);
            assert!(((rate.0 * 60.0).floor() - calls).abs() < 1e-9);
        }
    }

    #[test]
    fn the_tightest_quota_binds() {
        let mut limited = quota(2_000_000);
        limited.rpm = Some(RequestsPerMinute(60));
        let result = headroom(&load(4_096), &limited);
        assert_eq!(
            (result.binding, result.max_rate.0),
            (Binding::RequestsPerMinute, 1.0)
        );
        shown(result.rpm_share.unwrap(), 3.0);
        assert!(!result.fits);
        limited.tpd = Some(TokensPerDay(216_000_000));
        let result = headroom(&load(4_096), &limited);
        assert_eq!(result.binding, Binding::TokensPerDay);
        shown(result.max_rate.0, 0.5);
        shown(result.tpd_share.unwrap(), 4.0);
        limited.rules.enforce_tpd = false;
        assert_eq!(headroom(&load(4_096), &limited).tpd_rate, None);
    }

    #[test]
    fn an_oversized_max_tokens_is_named() {
        // At 3/s actual use is 45% of the quota, and 64,000 tokens of max_tokens refuse from 2.06/s.
        let result = headroom(&load(64_000), &quota(2_000_000));
        shown(result.settled_share, 0.45);
        shown(result.held_share, 1.005);
        shown(result.tpm_share, 1.455);
        shown(result.throttled_by_max_tokens_at.unwrap().0, 2.062);
        shown(result.lost_to_reservation, 0.691);
        shown(result.in_flight, 20.0);
        shown(result.peak_in_flight, 30.0);
        // 2M/3 − 300,000 over 10 s, less the input: 33,666 fits and one more does not.
        assert_eq!(result.fitting_max_tokens, Some(33_666));
        assert!(headroom(&load(33_666), &quota(2_000_000)).fits);
        assert!(!headroom(&load(33_667), &quota(2_000_000)).fits);
        let sized = right_size(&load(64_000), &quota(2_000_000), 4_096);
        shown(sized.max_rate.0, 5.391);
        shown(sized.gain.unwrap(), 2.615);
    }

    #[test]
    fn a_reservation_above_the_quota_never_passes() {
        let result = headroom(&load(64_000), &quota(50_000));
        assert_eq!(result.max_rate, PerSecond(0.0));
        assert!(!result.fits);
        assert_eq!(right_size(&load(64_000), &quota(50_000), 1_000).gain, None);
    }

    #[test]
    fn no_load_and_no_quota_do_not_panic() {
        let mut idle = load(0);
        idle.rate = PerSecond(0.0);
        idle.peak_rate = PerSecond(0.0);
        assert!(headroom(&idle, &quota(2_000_000)).fits);
        assert!(!headroom(&load(1), &quota(0)).fits);
        let nothing = LoadPoint {
            uncached_input: 0.0,
            output: 0.0,
            ..idle
        };
        assert!(headroom(&nothing, &quota(0)).max_rate.0 >= 0.0);
    }

    proptest! {
        #[test]
        fn the_named_max_tokens_is_the_largest_that_fits(
            peak in 0.1..20.0f64, max_tokens in 1u64..128_000, tpm in 10_000u64..30_000_000,
            latency_ms in 100u64..60_000, kind in 0usize..3,
        ) {
            let mut quota = quota(tpm);
            quota.rules.semantics = [Semantics::A, Semantics::B, Semantics::C][kind];
            let point = LoadPoint {
                peak_rate: PerSecond(peak),
                latency: Micros::from_millis(latency_ms),
                ..load(max_tokens)
            };
            let fits = |max_tokens| {
                headroom(&LoadPoint { max_tokens, ..point }, &quota).tpm_share <= 1.0 + 1e-9
            };
            match headroom(&point, &quota).fitting_max_tokens {
                Some(most) => {
                    prop_assert!(fits(most));
                    prop_assert!(!fits(most + 2));
                }
                None => prop_assert!(!fits(2)),
            }
        }

        #[test]
        fn the_conservative_reading_is_the_lowest(
            max_tokens in 0u64..128_000, output in 0.0..10_000.0f64, latency_ms in 0u64..100_000,
        ) {
            let point = LoadPoint {
                output,
                latency: Micros::from_millis(latency_ms),
                ..load(max_tokens)
            };
            let bounds = headroom(&point, &quota(2_000_000)).bounds;
            prop_assert!(bounds.b <= bounds.c && bounds.c <= bounds.a);
        }
    }
}
