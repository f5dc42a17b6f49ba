//! When a prompt cache pays, in closed form.
//!
//! A prefix is read again if the next request that has it comes before its time to live is over.
//! With Poisson arrivals of rate λ and a life of T, renewed by each read, that is 1 − e^(−λT); of a
//! life that counts from the write, λT/(1 + λT) (renewal theory: λT reads for each write). A
//! prefix can be read only δ after its write, the time to the first token, so the requests of that
//! time miss too: 1 − (1 + λδ)·e^(−λT). A cache is of one Region: drawn among N at random, each sees λ/N.
//!
//! Prices are in multiples of the input price: a write costs w (1.25 for five minutes, 2 for an
//! hour), a read r (0.1 or less), so caching pays from a share of reads of (w − 1)/(w − r) on.

/// How often the prefix is asked for, and how long it lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reuse {
    /// Requests per second with this prefix, over all Regions.
    pub per_s: f64,
    /// The time to live in seconds.
    pub ttl_s: f64,
    /// From a write until it can be read, in seconds.
    pub ready_s: f64,
    /// Regions among which requests are drawn; at least 1.
    pub regions: u32,
}

impl Reuse {
    /// A prefix in one Region that can be read at once.
    pub fn of(per_s: f64, ttl_s: f64) -> Self {
        Self {
            per_s,
            ttl_s,
            ready_s: 0.0,
            regions: 1,
        }
    }

    /// Requests in a time to live, of one Region: λT/N.
    pub fn in_a_life(&self) -> f64 {
        self.per_s * self.ttl_s / f64::from(self.regions.max(1))
    }

    /// The share of requests that read the cache where each read renews its life.
    pub fn hits_refreshed(&self) -> f64 {
        let waiting = self.per_s * self.ready_s / f64::from(self.regions.max(1));
        (1.0 - (1.0 + waiting) * (-self.in_a_life()).exp()).max(0.0)
    }

    /// The share of requests that read the cache where its life counts from the write.
    pub fn hits_fixed(&self) -> f64 {
        let expected = self.in_a_life();
        // Those that come while the write is not ready write again and read nothing.
        let waiting = self.per_s * self.ready_s / f64::from(self.regions.max(1));
        ((expected - waiting) / (1.0 + expected)).max(0.0)
    }
}

/// What cached tokens cost, in multiples of the input price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CachePrices {
    /// A written token: 1.25 for five minutes, 2 for an hour.
    pub write: f64,
    /// A read token: 0.1 of most models, 0.05 or 0.025 of some.
    pub read: f64,
}

impl CachePrices {
    /// The mean price of a token of the prefix: c̄ = h·r + (1 − h)·w.
    pub fn mean(&self, hits: f64) -> f64 {
        hits * self.read + (1.0 - hits) * self.write
    }

    /// The share of reads from which caching is cheaper than none: (w − 1)/(w − r).
    ///
    /// Zero where a write costs no more than input; `None` where a read costs as much.
    pub fn break_even(&self) -> Option<f64> {
        (self.read < 1.0).then(|| ((self.write - 1.0) / (self.write - self.read)).max(0.0))
    }

    /// The longest mean time in seconds between requests at which caching still pays, with a life
    /// renewed by each read and Poisson arrivals; `None` where it never does.
    pub fn longest_gap_s(&self, ttl_s: f64) -> Option<f64> {
        let hits = self.break_even()?;
        Some(ttl_s / -(1.0 - hits).ln())
    }

    /// For how many lives a ping at the end of each is cheaper than one write later on:
    /// (w − r)/r.
    ///
    /// A ping is a request for the sake of its read; what it costs beside the prefix is not counted.
    pub fn pings_worth_a_write(&self) -> Option<f64> {
        (self.read > 0.0).then(|| (self.write - self.read) / self.read)
    }
}

/// The mean time in seconds between requests below which the longer life is the cheaper one, for
/// Poisson arrivals and lives renewed by each read.
///
/// Found by bisection, to a second; `None` if one of the two is cheaper at any rate. Bursts that never come
/// back are another matter: they pay a write each time, so that the shorter life is cheaper.
pub fn longer_life_pays_below_s(
    short: (CachePrices, f64),
    long: (CachePrices, f64),
) -> Option<f64> {
    let cost = |(prices, ttl_s): (CachePrices, f64), gap_s: f64| {
        prices.mean(Reuse::of(1.0 / gap_s, ttl_s).hits_refreshed())
    };
    let is_cheaper = |gap_s: f64| cost(long, gap_s) < cost(short, gap_s);
    // Below a few seconds both lives read nearly everything and differ by rounding only.
    let (mut low, mut high) = (short.1 / 10.0, long.1 * 100.0);
    if !is_cheaper(low) || is_cheaper(high) {
        return None;
    }
    while high - low > 1.0 {
        let middle = f64::midpoint(low, high);
        if is_cheaper(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

/// A request with a prefix, and what its tokens cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prompted {
    /// Tokens of the prefix (P).
    pub prefix: f64,
    /// Other input tokens (I).
    pub input: f64,
    /// Output tokens (O).
    pub output: f64,
    /// The price of an output token over that of an input token.
    pub output_ratio: f64,
}

impl Prompted {
    /// What it costs in tokens of input, where a token of the prefix costs `prefix_price` of one.
    pub fn cost(&self, prefix_price: f64) -> f64 {
        self.prefix * prefix_price + self.input + self.output * self.output_ratio
    }

    /// How much cheaper a record of a batch job is than a call with a cached prefix, in tokens of
    /// input; below zero the call is cheaper. Batch jobs have no prompt cache.
    ///
    /// `batch_price` is what batch costs of the price on demand, usually 0.5; at a half, batch is cheaper
    /// iff P·(½ − c̄) < ½·(I + O·pₒ/pᵢ).
    pub fn batch_saves(&self, mean_prefix_price: f64, batch_price: f64) -> f64 {
        self.cost(mean_prefix_price) - batch_price * self.cost(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIVE: CachePrices = CachePrices {
        write: 1.25,
        read: 0.1,
    };
    const HOUR: CachePrices = CachePrices {
        write: 2.0,
        read: 0.1,
    };

    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance, "got {got}, want {want}");
    }

    #[test]
    fn hits_follow_from_the_rate_and_the_life() {
        for (per_minute, refreshed, fixed) in [
            (0.2, 0.63212, 0.5),
            (1.0, 0.99326, 0.83333),
            (2.0, 0.99995, 0.90909),
            (10.0, 1.0, 0.98039),
        ] {
            let reuse = Reuse::of(per_minute / 60.0, 300.0);
            close(reuse.hits_refreshed(), refreshed, 5.1e-6);
            close(reuse.hits_fixed(), fixed, 5.1e-6);
        }
    }

    #[test]
    fn those_that_come_before_the_prefix_is_ready_miss_too() {
        for (per_minute, misses) in [(1.0, 0.00730), (0.5, 0.0855)] {
            let reuse = Reuse {
                ready_s: 5.0,
                ..Reuse::of(per_minute / 60.0, 300.0)
            };
            close(1.0 - reuse.hits_refreshed(), misses, 5e-5);
            assert!(reuse.hits_fixed() < Reuse::of(per_minute / 60.0, 300.0).hits_fixed());
        }
    }

    #[test]
    fn each_region_sees_its_part_of_the_rate() {
        let spread = Reuse {
            regions: 23,
            ..Reuse::of(2.0 / 60.0, 300.0)
        };
        let one = Reuse::of(2.0 / 60.0 / 23.0, 300.0);
        close(spread.hits_refreshed(), one.hits_refreshed(), 1e-12);
        close(spread.hits_refreshed(), 0.353, 5e-4);
    }

    #[test]
    fn caching_breaks_even_as_published() {
        let check = |prices: CachePrices, ttl_s: f64, hits: f64, expected: f64, gap_min: f64| {
            close(prices.break_even().unwrap(), hits, 5.1e-5);
            let gap = prices.longest_gap_s(ttl_s).unwrap();
            close(ttl_s / gap, expected, 5.1e-5);
            close(gap / 60.0, gap_min, 0.051);
        };
        check(FIVE, 300.0, 0.2174, 0.2451, 20.4);
        check(HOUR, 3600.0, 0.5263, 0.7472, 80.3);
        for (read, five, hour) in [(0.05, 0.2083, 0.5128), (0.025, 0.2041, 0.5063)] {
            close(
                CachePrices { read, ..FIVE }.break_even().unwrap(),
                five,
                5.1e-5,
            );
            close(
                CachePrices { read, ..HOUR }.break_even().unwrap(),
                hour,
                5.1e-5,
            );
        }
        let dear = CachePrices {
            write: 1.25,
            read: 1.0,
        };
        assert_eq!(dear.break_even(), None);
    }

    #[test]
    fn an_hour_beats_five_minutes_wherever_poisson_caching_pays() {
        let below = longer_life_pays_below_s((FIVE, 300.0), (HOUR, 3600.0)).unwrap() / 60.0;
        close(below, 109.5, 0.1);
        assert!(below > HOUR.longest_gap_s(3600.0).unwrap() / 60.0);
        // A burst that never comes back pays its writes.
        assert!(FIVE.mean(0.0) < HOUR.mean(0.0));
        assert_eq!(longer_life_pays_below_s((FIVE, 300.0), (FIVE, 300.0)), None);
    }

    #[test]
    fn a_ping_is_worth_it_for_eleven_lives() {
        close(FIVE.pings_worth_a_write().unwrap(), 11.5, 1e-9);
        let free = CachePrices {
            write: 1.25,
            read: 0.0,
        };
        assert_eq!(free.pings_worth_a_write(), None);
    }

    #[test]
    fn a_cached_chat_is_cheaper_than_a_batch() {
        let chat = Prompted {
            prefix: 6_000.0,
            input: 600.0,
            output: 300.0,
            output_ratio: 5.0,
        };
        let mean = FIVE.mean(0.97);
        close(chat.prefix * (0.5 - mean), 2_193.0, 1e-9);
        close(0.5 * (chat.input + 5.0 * chat.output), 1_050.0, 1e-9);
        assert!(chat.batch_saves(mean, 0.5) < 0.0);
        // On Sonnet at $3/$15.
        close(3e-6 * chat.cost(mean), 0.008_721, 5e-10);
        close(3e-6 * 0.5 * chat.cost(1.0), 0.012_150, 5e-10);
        close(3e-6 * chat.cost(1.0), 0.024_300, 5e-10);
    }

    proptest! {
        #[test]
        fn the_rule_of_batch_is_the_difference_of_the_two_bills(
            prefix in 0.0..50_000.0f64, input in 0.0..20_000.0f64, output in 1.0..4_000.0f64,
            ratio in 1.0..8.0f64, hits in 0.0..1.0f64,
        ) {
            let one = Prompted { prefix, input, output, output_ratio: ratio };
            let mean = FIVE.mean(hits);
            let by_rule = prefix * (0.5 - mean) < 0.5 * (input + output * ratio);
            let saves = one.batch_saves(mean, 0.5);
            prop_assert!(saves.abs() < 1e-6 || by_rule == (saves > 0.0));
        }

        #[test]
        fn hits_lie_between_none_and_all(
            per_s in 0.0..100.0f64, ttl_s in 1.0..4000.0f64, ready_s in 0.0..10.0f64,
            regions in 1u32..40,
        ) {
            let reuse = Reuse { per_s, ttl_s, ready_s, regions };
            for hits in [reuse.hits_refreshed(), reuse.hits_fixed()] {
                prop_assert!((0.0..=1.0).contains(&hits));
            }
            prop_assert!(reuse.hits_refreshed() >= reuse.hits_fixed() - 1e-9 || ready_s > 0.0);
        }
    }
}
