//! Batch workloads from arrivals to dollars.

use super::super::run;
use super::super::tests::setup as plain_setup;
use super::*;
use crate::domain::{CacheTtl, NoiseLaw, ScopeKind, TokenPrices};
use crate::load::spec::{SizeSpec, ThinkingSpec};
use crate::service::batch::BatchSpec;
use crate::units::{PicoPerToken, Usd};
use proptest::prelude::*;

const SEED: u64 = 11;

fn prices(input: f64, output: f64) -> TokenPrices {
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

fn spec() -> BatchSpec {
    BatchSpec {
        every: Micros::HOUR,
        min_records: 100,
        max_records: 100_000,
        file_bytes: 1_000_000_000,
        job_bytes: 5_000_000_000,
        jobs: 100,
        timeout: Micros(24 * Micros::HOUR.0),
        completion_p50: Micros(2 * Micros::HOUR.0),
        completion_p99: Micros(20 * Micros::HOUR.0),
        tokens_per_s: None,
        deadline: Micros(12 * Micros::HOUR.0),
    }
}

/// One batch workload at the batch price of Sonnet: $1.50 and $7.50 per million.
fn batches(rate: f64, spec: BatchSpec, duration: Micros) -> RunSetup {
    let latency = super::super::tests::latency(Micros::from_millis(500), NoiseLaw::none());
    let mut setup = plain_setup(rate, latency, duration);
    let workload = &mut setup.workloads[0];
    workload.tariffs = vec![(
        ScopeKind::Geo,
        Tariff::new(&prices(3.0, 15.0).times(0.5), CacheTtl::FiveMinutes),
    )];
    workload.batch = Some(BatchSetup {
        name: workload.name.clone(),
        model: "m".into(),
        spec,
        bytes_per_token: 4.0,
    });
    setup
}

#[test]
fn a_batch_uses_no_quota_and_costs_half() {
    let setup = batches(0.5, spec(), Micros(6 * Micros::HOUR.0));
    let measures = run(&setup, SEED);
    let tally = &measures.workloads[0];
    let own = tally.batch.as_ref().unwrap();
    assert_eq!(measures.totals.reserved, 0);
    assert!(
        measures
            .quotas
            .iter()
            .all(|quota| quota.stats.peak_reserved == 0)
    );
    assert!(tally.requests.offered > 10_000);
    assert_eq!(own.jobs, 6);
    assert_eq!(own.records + own.too_few, tally.requests.offered);
    // One token in and one out at half of $3 and $15 per million.
    let each = Usd::from_dollars(0.000_009).0;
    assert_eq!(
        tally.ledger.batch.0,
        each * i128::from(tally.requests.completed)
    );
    assert_eq!(tally.ledger.total(), tally.ledger.batch);
    assert_eq!(
        tally.ttft.logical().count() + tally.e2e.logical().count(),
        0
    );
    assert_eq!(own.completion.count(), tally.requests.completed);
}

#[test]
fn warm_up_is_not_measured_and_the_same_seed_gives_the_same() {
    let mut setup = batches(0.5, spec(), Micros(6 * Micros::HOUR.0));
    let whole = run(&setup, SEED).workloads.remove(0);
    setup.warmup = Micros(2 * Micros::HOUR.0);
    let part = run(&setup, SEED).workloads.remove(0);
    let again = run(&setup, SEED).workloads.remove(0);
    assert!(part.requests.offered < whole.requests.offered);
    assert_eq!(part.batch.as_ref().unwrap().jobs, 4);
    assert_eq!(part.requests, again.requests);
    assert_eq!(part.ledger, again.ledger);
    assert_eq!(
        part.batch.as_ref().unwrap().completion.max(),
        again.batch.as_ref().unwrap().completion.max()
    );
}

#[test]
fn a_prefix_is_plain_input_and_a_prompt_beyond_the_window_is_an_error() {
    let mut setup = batches(1.0, spec(), Micros::HOUR);
    setup.workloads[0].traffic.prefix = Some(crate::load::spec::PrefixSpec {
        tokens: 6000,
        prefixes: 1,
        ttl: CacheTtl::FiveMinutes,
        marked: true,
    });
    setup.endpoint.targets[0].block_tokens = 6000;
    let tally = run(&setup, SEED).workloads.remove(0);
    assert_eq!(tally.tokens.input, 6001 * tally.requests.completed);
    assert_eq!(tally.tokens.cache_read + tally.tokens.cache_write, 0);
    let thought = SizeSpec::Fixed(500);
    setup.workloads[0].thinking = Some(ThinkingSpec::Tokens(thought));
    let thinks = run(&setup, SEED).workloads.remove(0);
    assert_eq!(thinks.tokens.output, 501 * thinks.requests.completed);
    setup.endpoint.targets[0].max_input = 5000;
    let tally = run(&setup, SEED).workloads.remove(0);
    assert_eq!(tally.requests.failed, tally.requests.offered);
    assert_eq!(tally.batch.unwrap().errors, tally.requests.failed);
    assert_eq!(tally.ledger.total(), Usd::ZERO);
}

#[test]
fn batch_or_cache_is_decided_by_the_size_of_the_prefix() {
    // Prefix 6,000, rest 600, output 300 at $3/$15: a batch costs $.012150, calls with 97 % hits
    // $.008721, calls without a cache $.0243.
    let usage = |input, read| Usage {
        input,
        cache_read: read,
        output: 300,
        ..Usage::default()
    };
    let standard = Tariff::new(&prices(3.0, 15.0), CacheTtl::FiveMinutes);
    let batch = Tariff::new(&prices(3.0, 15.0).times(0.5), CacheTtl::FiveMinutes);
    assert_eq!(
        batch.charge(usage(6600, 0)).total(),
        Usd::from_dollars(0.012_15)
    );
    assert_eq!(
        standard.charge(usage(6600, 0)).total(),
        Usd::from_dollars(0.0243)
    );
    let miss = Usage {
        cache_write: 6000,
        ..usage(600, 0)
    };
    let cached =
        97 * standard.charge(usage(600, 6000)).total().0 + 3 * standard.charge(miss).total().0;
    assert_eq!(Usd(cached / 100), Usd::from_dollars(0.008_721));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_record_ends_once_and_money_is_the_sum(
        rate in 0.002f64..0.5,
        (every, least, jobs) in (1u64..180, 1u32..200, 1u32..4),
        (p50, spread, deadline) in (1u64..40, 1u64..20, 1u64..48),
        bound in prop::option::of(0.01f64..2.0),
        seed in any::<u64>(),
    ) {
        let hours = |n: u64| Micros(n * Micros::HOUR.0);
        let spec = BatchSpec {
            every: Micros(every * Micros::MINUTE.0),
            min_records: least,
            max_records: least + 50,
            jobs,
            completion_p50: hours(p50),
            completion_p99: hours(p50 * spread),
            tokens_per_s: bound,
            deadline: hours(deadline),
            ..spec()
        };
        // Little's law and the ends of requests are asserted by every run.
        let measures = run(&batches(rate, spec, hours(3)), seed);
        let tally = &measures.workloads[0];
        let requests = &tally.requests;
        prop_assert_eq!(requests.offered, requests.completed + requests.failed + requests.not_sent);
        prop_assert_eq!(tally.attempts.sent, requests.completed + requests.failed);
        if let Some(own) = &tally.batch {
            prop_assert_eq!(own.records, requests.completed + own.expired + own.errors);
            prop_assert_eq!(own.jobs, own.completed_jobs + own.partial_jobs + own.expired_jobs);
            prop_assert_eq!(own.too_few, requests.not_sent);
            prop_assert_eq!(tally.good + own.late, requests.completed);
            prop_assert!(own.in_progress_peak <= u64::from(jobs));
        }
        let each = Usd::from_dollars(0.000_009).0;
        prop_assert_eq!(tally.ledger.total().0, each * i128::from(requests.completed));
    }
}
