//! Bought capacity: what it costs, and from which use on it beats paying per token.
//!
//! Sources: the Reserved tier and its break-even per side, bedrock user guide
//! (service-tiers-inference) and the AWS price list; break-even of a model unit,
//! u = h / (60·(a·pᵢ + b·pₒ)).

use crate::domain::{ReservedPrice, UnitPrice};
use crate::units::{Micros, PicoPerToken, TokensPerMinute, Usd};

/// Hours of the accounting month.
pub const HOURS_PER_MONTH: u32 = 730;

/// Tokens per minute that a block of bought capacity sustains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throughput {
    /// Input tokens per minute.
    pub input: TokensPerMinute,
    /// Output tokens per minute.
    pub output: TokensPerMinute,
}

/// The side of a block of capacity that a mix of requests fills first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Input tokens.
    Input,
    /// Output tokens.
    Output,
}

/// The mean request of a mix: what it takes of bought capacity, and its price on demand.
///
/// The caller decides what counts, since this is where caching enters: in the Reserved tier cache
/// writes take capacity and cache reads do not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanRequest {
    /// Input tokens that it takes of the capacity.
    pub input: f64,
    /// Output tokens that it takes of the capacity.
    pub output: f64,
    /// What the same request costs on demand.
    pub on_demand: Usd,
}

/// What a block of capacity is worth when one side of it is full.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FullUse {
    /// The side that is full.
    pub binding: Side,
    /// Requests per minute at that point.
    pub requests_per_minute: f64,
    /// What the same requests cost on demand, per hour.
    pub value_per_hour: Usd,
}

/// The hourly price of a reservation.
///
/// The purchase minima of `price` are not applied: whoever lets a user choose the size checks them.
pub fn reserved_per_hour(price: &ReservedPrice, size: Throughput) -> Usd {
    let side = |per_1k: Usd, tpm: TokensPerMinute| {
        per_1k
            .0
            .saturating_mul(i128::from(tpm.0))
            .saturating_add(500)
            .div_euclid(1000)
    };
    let input = side(price.input_per_hour_per_1k_tpm, size.input);
    let output = side(price.output_per_hour_per_1k_tpm, size.output);
    Usd(input.saturating_add(output))
}

/// The hourly price of `units` model units.
pub fn units_per_hour(price: &UnitPrice, units: u32) -> Usd {
    Usd(price.per_hour.0.saturating_mul(i128::from(units)))
}

/// An hourly price over the month of 730 hours.
pub fn per_month(per_hour: Usd) -> Usd {
    Usd(per_hour.0.saturating_mul(i128::from(HOURS_PER_MONTH)))
}

/// The value of an hour of `size` with both sides full, at on-demand prices: 60·(a·pᵢ + b·pₒ).
pub fn value_per_hour(size: Throughput, input: PicoPerToken, output: PicoPerToken) -> Usd {
    let minute = (input * size.input.0)
        .0
        .saturating_add((output * size.output.0).0);
    Usd(minute.saturating_mul(60))
}

/// What `size` is worth for a mix of requests, which usually fills one side before the other.
///
/// `None` if the request takes nothing of either side.
pub fn full_use(size: Throughput, request: MeanRequest) -> Option<FullUse> {
    let fits = |tpm: TokensPerMinute, tokens: f64| {
        if tokens > 0.0 {
            tpm.0 as f64 / tokens
        } else {
            f64::INFINITY
        }
    };
    let by_input = fits(size.input, request.input);
    let by_output = fits(size.output, request.output);
    let requests_per_minute = by_input.min(by_output);
    if !requests_per_minute.is_finite() {
        return None;
    }
    Some(FullUse {
        binding: if by_input <= by_output {
            Side::Input
        } else {
            Side::Output
        },
        requests_per_minute,
        value_per_hour: request.on_demand.scaled(60.0 * requests_per_minute),
    })
}

/// The utilisation from which capacity pays: its price over its value when full.
///
/// Above 1 it never pays. `None` if the value is zero.
pub fn breakeven_utilisation(price_per_hour: Usd, value_per_hour: Usd) -> Option<f64> {
    (value_per_hour.0 > 0).then(|| price_per_hour.0 as f64 / value_per_hour.0 as f64)
}

/// Break-even of one side of the Reserved tier: u* = r / (60,000·p).
///
/// `per_1k_tpm` is the price per hour of 1,000 tokens per minute, `on_demand` the token price.
pub fn reserved_side_breakeven(per_1k_tpm: Usd, on_demand: PicoPerToken) -> Option<f64> {
    breakeven_utilisation(per_1k_tpm, on_demand * 60_000)
}

/// The highest hourly price at which capacity still pays at this mean utilisation.
pub fn highest_paying_price(value_per_hour: Usd, utilisation: f64) -> Usd {
    value_per_hour.scaled(utilisation)
}

/// The token cost of a run scaled to the month of 730 hours; `None` for a run without length.
pub fn month_usd(cost: Usd, run: Micros) -> Option<Usd> {
    if run == Micros::ZERO {
        return None;
    }
    let length = i128::from(run.0);
    let month = i128::from(Micros::MONTH.0);
    Some(match cost.0.checked_mul(month) {
        Some(product) => Usd(product.saturating_add(length / 2).div_euclid(length)),
        // Beyond 10²² pico-dollars, ten billion dollars, a rounding error does not matter.
        None => cost.scaled(month as f64 / length as f64),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tariff::tests::prices;
    use super::*;
    use crate::domain::{Fact, ScopeKind, Term};
    use proptest::prelude::*;

    fn size(input: u64, output: u64) -> Throughput {
        Throughput {
            input: TokensPerMinute(input),
            output: TokensPerMinute(output),
        }
    }

    fn reserved(input: f64, output: f64) -> ReservedPrice {
        ReservedPrice {
            kind: ScopeKind::Global,
            term: Term::OneMonth,
            input_per_hour_per_1k_tpm: Usd::from_dollars(input),
            output_per_hour_per_1k_tpm: Usd::from_dollars(output),
            min_input: TokensPerMinute(100_000),
            min_output: TokensPerMinute(10_000),
            source: Fact::default(),
        }
    }

    fn dollars(per_million: f64) -> PicoPerToken {
        PicoPerToken::from_dollars_per_million(per_million)
    }

    fn close(got: Option<f64>, want: f64, decimals: i32) {
        let got = got.unwrap();
        let tolerance = 0.5 * 10f64.powi(-decimals) * 1.001;
        assert!((got - want).abs() <= tolerance, "got {got}, want {want}");
    }

    #[test]
    fn smallest_reservations_cost_what_the_price_list_says() {
        for (input, output, month) in [
            (0.06, 0.3, 6_570.0),
            (0.18, 0.9, 19_710.0),
            (0.3, 1.5, 32_850.0),
        ] {
            let hour = reserved_per_hour(&reserved(input, output), size(100_000, 10_000));
            assert_eq!(per_month(hour), Usd::from_dollars(month));
        }
    }

    #[test]
    fn units_are_billed_by_the_hour() {
        let price = UnitPrice {
            term: Term::OneMonth,
            per_hour: Usd::from_dollars(63.0),
            source: Fact::default(),
        };
        assert_eq!(units_per_hour(&price, 2), Usd::from_dollars(126.0));
    }

    #[test]
    fn reserving_sonnet_input_breaks_even_at_full_use() {
        close(
            reserved_side_breakeven(Usd::from_dollars(0.18), dollars(3.0)),
            1.0,
            9,
        );
        close(
            reserved_side_breakeven(Usd::from_dollars(0.162), dollars(3.0)),
            0.9,
            9,
        );
        // Cache writes cost more on demand and count once here.
        close(
            reserved_side_breakeven(Usd::from_dollars(0.18), dollars(3.75)),
            0.8,
            9,
        );
        assert_eq!(
            reserved_side_breakeven(Usd::from_dollars(0.18), dollars(0.0)),
            None
        );
    }

    #[test]
    fn a_thousand_tokens_per_minute_are_worth_this_much() {
        let sonnet = prices(3.0, 15.0);
        let month = |size| per_month(value_per_hour(size, sonnet.input, sonnet.output));
        assert_eq!(month(size(1000, 0)), Usd::from_dollars(131.4));
        assert_eq!(month(size(0, 1000)), Usd::from_dollars(657.0));
    }

    #[test]
    fn break_even_of_a_model_unit() {
        let unit = size(300_000, 20_000);
        let value = value_per_hour(unit, dollars(3.0), dollars(15.0));
        assert_eq!(value, Usd::from_dollars(72.0));
        close(
            breakeven_utilisation(Usd::from_dollars(40.0), value),
            0.556,
            3,
        );
        assert_eq!(highest_paying_price(value, 0.5), Usd::from_dollars(36.0));
        // With 70% of the input cached at a tenth, the unit no longer pays at all.
        let cached = value_per_hour(unit, dollars(1.11), dollars(15.0));
        assert_eq!(cached, Usd::from_dollars(37.98));
        close(
            breakeven_utilisation(Usd::from_dollars(40.0), cached),
            1.05,
            2,
        );
    }

    #[test]
    fn a_mix_fills_one_side_first() {
        // 3,000 in and 100 out at $3/$15 cost $.0105: input is full at 100 requests a minute.
        let request = MeanRequest {
            input: 3000.0,
            output: 100.0,
            on_demand: Usd::from_dollars(0.0105),
        };
        let full = full_use(size(300_000, 20_000), request).unwrap();
        assert_eq!(full.binding, Side::Input);
        assert!((full.requests_per_minute - 100.0).abs() < 1e-9);
        assert_eq!(full.value_per_hour, Usd::from_dollars(63.0));
        let talkative = MeanRequest {
            output: 1000.0,
            ..request
        };
        assert_eq!(
            full_use(size(300_000, 20_000), talkative).unwrap().binding,
            Side::Output
        );
        let nothing = MeanRequest {
            input: 0.0,
            output: 0.0,
            ..request
        };
        assert_eq!(full_use(size(1, 1), nothing), None);
    }

    #[test]
    fn runs_scale_to_the_month() {
        let hour = Micros::HOUR;
        assert_eq!(
            month_usd(Usd::from_dollars(12.0), hour),
            Some(Usd::from_dollars(8760.0))
        );
        assert_eq!(month_usd(Usd(7), Micros::MONTH), Some(Usd(7)));
        assert_eq!(month_usd(Usd(7), Micros::ZERO), None);
        assert!(month_usd(Usd(i128::MAX / 2), Micros::MONTH).is_some());
    }

    proptest! {
        #[test]
        fn a_mix_is_never_worth_more_than_both_sides_full(
            input_tpm in 1u64..10_000_000, output_tpm in 1u64..1_000_000,
            input in 1u32..100_000, output in 1u32..10_000,
        ) {
            let (p_in, p_out) = (dollars(3.0), dollars(15.0));
            let request = MeanRequest {
                input: f64::from(input),
                output: f64::from(output),
                on_demand: p_in * u64::from(input) + p_out * u64::from(output),
            };
            let block = size(input_tpm, output_tpm);
            let mix = full_use(block, request).unwrap().value_per_hour.dollars();
            let both = value_per_hour(block, p_in, p_out).dollars();
            prop_assert!(mix <= both * (1.0 + 1e-9));
        }
    }
}
