//! The price of one request.

use crate::domain::{CacheTtl, TokenPrices, Usage};
use crate::units::Usd;

/// What one attempt costs, by token class, in pico-dollars (10⁻¹² USD).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Input tokens neither read from nor written to the cache.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Tokens written to the cache.
    pub cache_write: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
}

impl Charge {
    /// The sum of all classes.
    #[inline]
    pub fn total(self) -> Usd {
        Usd(i128::from(self.input)
            + i128::from(self.output)
            + i128::from(self.cache_write)
            + i128::from(self.cache_read))
    }
}

/// Token prices made ready for the inner loop: one time to live, plain integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariff {
    input: u64,
    output: u64,
    cache_write: u64,
    cache_read: u64,
    /// What a token written for an hour costs above `cache_write`.
    hour_extra: u64,
    /// Prompts of more tokens than this pay the prices of `long`.
    above: u64,
    long: Option<Box<Self>>,
}

/// What a token of each class costs, in pico-dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitPrices {
    /// Neither read from nor written to the cache.
    pub input: u64,
    /// Produced.
    pub output: u64,
    /// Written to the cache for five minutes; in a tariff of one hour, for that.
    pub cache_write: u64,
    /// Written to the cache for an hour.
    pub cache_write_1h: u64,
    /// Read from the cache.
    pub cache_read: u64,
}

impl Tariff {
    /// The prices of a request with a prompt of so many tokens.
    pub fn prices_at(&self, prompt: u64) -> UnitPrices {
        let mut tariff = self;
        while prompt > tariff.above {
            match &tariff.long {
                Some(long) => tariff = long,
                None => break,
            }
        }
        UnitPrices {
            input: tariff.input,
            output: tariff.output,
            cache_write: tariff.cache_write,
            cache_write_1h: tariff.cache_write.saturating_add(tariff.hour_extra),
            cache_read: tariff.cache_read,
        }
    }

    /// The prices of requests whose cache points live for `ttl`.
    pub fn new(prices: &TokenPrices, ttl: CacheTtl) -> Self {
        let step = prices.long_context.as_deref();
        Self {
            input: prices.input.0,
            output: prices.output.0,
            cache_write: match ttl {
                CacheTtl::FiveMinutes => prices.cache_write_5m.0,
                CacheTtl::OneHour => prices.cache_write_1h.0,
            },
            cache_read: prices.cache_read.0,
            hour_extra: match ttl {
                CacheTtl::FiveMinutes => {
                    let (short, long) = (prices.cache_write_5m.0, prices.cache_write_1h.0);
                    long.saturating_sub(short)
                }
                CacheTtl::OneHour => 0,
            },
            above: step.map_or(u64::MAX, |step| step.above.0),
            long: step.map(|step| Box::new(Self::new(&step.prices, ttl))),
        }
    }

    /// What an attempt with this usage costs: tokens times price in each class.
    ///
    /// A long prompt moves the whole request to the higher prices. A class saturates only above
    /// 18 million dollars, which no attempt can reach at a price below $4,294 per million tokens.
    #[inline]
    pub fn charge(&self, usage: Usage) -> Charge {
        self.charge_mixed(usage, 0)
    }

    /// Whether the prompt is so long that it has prices of its own.
    #[inline]
    pub fn is_long(&self, usage: Usage) -> bool {
        usage.prompt() > self.above
    }

    /// What the attempt would cost at the prices of short prompts.
    pub fn charge_short(&self, usage: Usage, write_1h: u32) -> Charge {
        self.charge_at(usage, write_1h)
    }

    /// The same where `write_1h` of the written tokens live for an hour; where all do, the tariff
    /// is one of an hour.
    #[inline]
    pub fn charge_mixed(&self, usage: Usage, write_1h: u32) -> Charge {
        let prompt = usage.prompt();
        let mut tariff = self;
        while prompt > tariff.above {
            match &tariff.long {
                Some(long) => tariff = long,
                None => break,
            }
        }
        tariff.charge_at(usage, write_1h)
    }

    /// Tokens times the prices of this step.
    #[inline]
    fn charge_at(&self, usage: Usage, write_1h: u32) -> Charge {
        let price = |tokens: u32, each: u64| u64::from(tokens).saturating_mul(each);
        Charge {
            input: price(usage.input, self.input),
            output: price(usage.output, self.output),
            cache_write: price(usage.cache_write, self.cache_write)
                .saturating_add(price(write_1h, self.hour_extra)),
            cache_read: price(usage.cache_read, self.cache_read),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::LongContext;
    use crate::units::{PicoPerToken, Tokens};
    use proptest::prelude::*;

    /// Prices from dollars per million tokens, with the usual cache ratios.
    pub(in crate::cost) fn prices(input: f64, output: f64) -> TokenPrices {
        let price = PicoPerToken::from_dollars_per_million;
        TokenPrices {
            input: price(input),
            output: price(output),
            cache_write_5m: price(input * 1.25),
            cache_write_1h: price(input * 2.0),
            cache_read: price(input * 0.1),
            long_context: None,
        }
    }

    /// Claude Haiku 5.5: five times the price beyond 100K tokens of prompt.
    fn long_prices() -> TokenPrices {
        TokenPrices {
            long_context: Some(Box::new(LongContext {
                above: Tokens(100_000),
                prices: prices(0.5, 2.5),
            })),
            ..prices(0.1, 0.5)
        }
    }

    /// The tariff of it.
    pub(in crate::cost) fn with_step(ttl: CacheTtl) -> Tariff {
        Tariff::new(&long_prices(), ttl)
    }

    fn usage(input: u32, output: u32) -> Usage {
        Usage {
            input,
            output,
            ..Usage::default()
        }
    }

    #[test]
    fn requests_cost_what_the_price_pages_say() {
        let check = |input_price, output_price, usage, dollars| {
            let tariff = Tariff::new(&prices(input_price, output_price), CacheTtl::FiveMinutes);
            assert_eq!(tariff.charge(usage).total(), Usd::from_dollars(dollars));
        };
        // A classifier call on Haiku 4.5.
        check(1.0, 5.0, usage(300, 5), 0.000_325);
        // A support chat and a summary on Opus 5, a document on Opus 4.1.
        check(5.0, 25.0, usage(6_600, 300), 0.0405);
        check(5.0, 25.0, usage(1_500, 250), 0.01375);
        check(15.0, 75.0, usage(4_500, 300), 0.09);
        check(15.0, 75.0, usage(2_000, 150), 0.04125);
        check(3.0, 15.0, usage(6_600, 300), 0.0243);
    }

    #[test]
    fn a_month_of_support_chats() {
        let tariff = Tariff::new(&prices(5.0, 25.0), CacheTtl::FiveMinutes);
        let chats = tariff.charge(usage(6_600, 300)).total().0 * 630_000;
        let summaries = tariff.charge(usage(1_500, 250)).total().0 * 330_000;
        assert_eq!(Usd(chats), Usd::from_dollars(25_515.0));
        assert_eq!(Usd(summaries), Usd::from_dollars(4_537.5));
        assert_eq!(Usd(chats + summaries), Usd::from_dollars(30_052.5));
    }

    #[test]
    fn cached_requests_cost_the_blend_of_hits_and_misses() {
        // Prefix 6,000, rest 600, output 300 on Sonnet at $3/$15 with 97% hits: $.008721.
        let tariff = Tariff::new(&prices(3.0, 15.0), CacheTtl::FiveMinutes);
        let hit = Usage {
            cache_read: 6_000,
            ..usage(600, 300)
        };
        let miss = Usage {
            cache_write: 6_000,
            ..usage(600, 300)
        };
        let blend = 97 * tariff.charge(hit).total().0 + 3 * tariff.charge(miss).total().0;
        assert_eq!(Usd(blend / 100), Usd::from_dollars(0.008_721));
        let hour = Tariff::new(&prices(3.0, 15.0), CacheTtl::OneHour);
        assert_eq!(hour.charge(miss).cache_write, 36_000_000_000);
    }

    #[test]
    fn long_prompts_pay_the_step_on_the_whole_request() {
        let tariff = Tariff::new(&long_prices(), CacheTtl::FiveMinutes);
        assert_eq!(tariff.charge(usage(100_000, 0)).input, 10_000_000_000);
        assert_eq!(tariff.charge(usage(100_001, 0)).input, 50_000_500_000);
        // Cached tokens count for the length.
        let cached = Usage {
            input: 1,
            cache_read: 100_000,
            output: 10,
            ..Usage::default()
        };
        assert_eq!(tariff.charge(cached).output, 25_000_000);
    }

    #[test]
    fn the_largest_request_fits() {
        let price = PicoPerToken(u64::from(u32::MAX));
        let mut dear = prices(0.0, 0.0);
        dear.input = price;
        let most = Tariff::new(&dear, CacheTtl::FiveMinutes).charge(usage(u32::MAX, 0));
        assert_eq!(u128::from(most.input), u128::from(u32::MAX).pow(2));
        dear.input = PicoPerToken(u64::MAX);
        let beyond = Tariff::new(&dear, CacheTtl::FiveMinutes).charge(usage(2, 0));
        assert_eq!(beyond.input, u64::MAX);
    }

    proptest! {
        #[test]
        fn cost_is_monotone_in_every_token_class(
            tokens in prop::array::uniform4(0u32..150_000), more in 0u32..150_000, class in 0usize..4,
        ) {
            let tariff = Tariff::new(&long_prices(), CacheTtl::OneHour);
            let cost = |t: [u32; 4]| tariff.charge(Usage {
                input: t[0], output: t[1], cache_write: t[2], cache_read: t[3],
            }).total();
            let mut larger = tokens;
            larger[class] += more;
            prop_assert!(cost(larger) >= cost(tokens));
        }
    }
}
