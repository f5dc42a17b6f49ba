//! tmp
use bedload::client::spec::*;
use bedload::cost::Tariff;
use bedload::domain::*;
use bedload::load::spec::*;
use bedload::service::CounterLimits;
use bedload::service::setup::*;
use bedload::sim::*;
use bedload::units::*;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let rate: f64 = args.get(1).and_then(|a| a.parse().ok()).unwrap_or(100.0);
    let n = 5e6;
    let p = |x: f64| PicoPerToken::from_dollars_per_million(x);
    let prices = TokenPrices {
        input: p(3.0),
        output: p(15.0),
        cache_write_5m: p(3.75),
        cache_write_1h: p(6.0),
        cache_read: p(0.3),
        long_context: None,
    };
    for cache in [false, true] {
        let setup = RunSetup {
            duration: Micros::from_secs_f64(n / rate),
            warmup: Micros::ZERO,
            workloads: vec![WorkloadSetup {
                name: "w".into(),
                traffic: TrafficSpec {
                    arrival: ArrivalSpec::Gamma {
                        rate: PerSecond(rate),
                        cv: 2.0,
                    },
                    shapes: vec![],
                    input: Some(SizeSpec::Lognormal {
                        p50: 900.0,
                        p99: 6000.0,
                    }),
                    output: Some(SizeSpec::Lognormal {
                        p50: 220.0,
                        p99: 900.0,
                    }),
                    rank_correlation: 0.0,
                    prefix: cache.then_some(PrefixSpec {
                        tokens: 6000,
                        prefixes: 40,
                        ttl: CacheTtl::FiveMinutes,
                        marked: true,
                    }),
                },
                stream: true,
                tariffs: vec![(ScopeKind::Geo, Tariff::new(&prices, CacheTtl::FiveMinutes))],
            }],
            client: ClientPolicy {
                timeout: Some(Micros::from_secs(60)),
                ..ClientPolicy::default()
            },
            endpoint: EndpointSetup {
                targets: vec![TargetSetup {
                    name: "w".into(),
                    route: Route::OnDemand { counter: 0 },
                    latency: LatencyProfile {
                        name: "t".into(),
                        origin: Origin::Assumed,
                        source: Fact::default(),
                        ttft_base: Micros::from_millis(800),
                        ttft_per_k_input: Micros::from_millis(80),
                        ttft_per_k_cached: Micros::from_millis(8),
                        load_base: Micros::ZERO,
                        load_per_k: Micros::ZERO,
                        per_output_token: Micros::from_millis(16),
                        load_per_token: 0.0,
                        ttft_noise: NoiseLaw::lognormal(0.4),
                        tpot_noise: NoiseLaw::lognormal(0.2),
                    },
                    burndown: 5,
                    max_tokens: 1024,
                    cache_min: 1024,
                    block_tokens: 6000,

                    cache_ttl: Micros::from_secs(300),
                    destinations: 3,
                    hop: Micros::from_millis(20),
                }],
                counters: vec![CounterSetup {
                    model: "m".into(),
                    kind: ScopeKind::Geo,
                    limits: CounterLimits {
                        tpm: TokensPerMinute((rate * 60.0 * 2600.0) as u64),
                        rpm: Some(RequestsPerMinute((rate * 66.0) as u64)),
                        tpd: None,
                    },
                }],
                rules: QuotaRules::default(),
                reserved: None,
                units: None,
                faults: vec![],
                ambient_load: 0.0,
            },
            bounds: RequestBounds {
                ttft: Micros::from_secs(2),
                e2e: Micros::MAX,
                tpot: Micros::MAX,
            },
            timeouts_are_billed: true,
        };
        for seed in 0..3 {
            let t = std::time::Instant::now();
            let m = run(&setup, seed);
            let s = t.elapsed().as_secs_f64();
            let w = &m.workloads[0];
            println!(
                "cache {cache}: {:.2} M req/s  {:.0} ns/req; attempts/req {:.3} completed {} throttled {} in system {:.0}",
                m.simulated as f64 / s / 1e6,
                s * 1e9 / m.simulated as f64,
                w.attempts.sent as f64 / w.requests.offered as f64,
                w.requests.completed,
                w.requests.throttled,
                m.mean_in_system()
            );
        }
    }
}
