//! Sessions and their caches, in virtual time and on the wire.

use crate::running::{Ready, assert_valid, ready, variant};
use bedload::config::Source;
use bedload::domain::{CachePoint, CacheTtl};
use bedload::live::{self, LiveOptions, LivePlan, Target};
use bedload::profile::Catalogue;
use bedload::results::{SUMMARY_JSON_SCHEMA, SessionSummary, VariantSummary};
use bedload::scenario::{Files, read};
use bedload::serve::{Options, Server};
use bedload::service::guardrail::Screening;
use bedload::service::{Call, Endpoint, Prefix};
use bedload::sim::{Serving, assemble};
use bedload::units::Moment;

/// Sixty sessions of ten turns in one Region; the last begins in time to end before the run does.
const SCENARIO: &str = r#"
name = "sessions"
seed = 5
duration = "30m"

[[workload]]
name = "talk"
model = "nova-lite"
max_tokens = 1000
arrival.constant = { rate = "0.1/s" }
shape.steps = { steps = [["0s", 1.0], ["10m", 0.0]] }
tokens.input = { fixed = 100 }
tokens.output = { fixed = 300 }
[workload.session]
turns = { fixed = 10 }
think = { fixed = "10s" }
[workload.cache]
prefix_tokens = 6000
history = true

[capacity.on_demand]
region = "us-east-1"

[service.latency.fixed]
ttft = "100ms"
per_token = "1ms"
"#;

fn run(sets: &[&str]) -> VariantSummary {
    let ready = ready(SCENARIO, sets).unwrap_or_else(|error| panic!("{error}"));
    let summary = ready.run();
    assert_valid(SUMMARY_JSON_SCHEMA, &summary.to_json());
    summary.variants.into_iter().next().unwrap()
}

fn sessions(one: &VariantSummary) -> SessionSummary {
    let sessions = one.workloads[0].sessions.unwrap();
    let ended = sessions.completed + sessions.abandoned + sessions.unfinished;
    assert_eq!(sessions.started, ended, "every session ends in one way");
    sessions
}

#[test]
fn uncached_sessions_send_everything_again() {
    // S = 6000, u = 100, o = 300: ten turns are 79,000 input tokens (methods 1.8).
    let one = run(&["workload.talk.cache.marked=false"]);
    let sessions = sessions(&one);
    assert_eq!((sessions.started, sessions.completed), (60, 60));
    assert_eq!((sessions.turns, one.requests.offered), (600, 600));
    assert_eq!(one.tokens.input, 60 * 79_000);
    assert_eq!(one.tokens.cache_read + one.tokens.cache_write, 0);
}

#[test]
fn a_moving_point_writes_each_token_once() {
    let one = run(&[]);
    assert_eq!(sessions(&one).completed, 60);
    let tokens = one.tokens;
    // One token follows the point of each call.
    assert_eq!(tokens.input, 600);
    assert_eq!(tokens.cache_read + tokens.cache_write, 60 * 79_000);
    // The system prompt is written by the first call of all, the messages once in each session.
    assert_eq!(tokens.cache_write, 6000 + 60 * (100 + 9 * 400));
    // Without a look back, only the point itself could be found.
    let blind = run(&["cache.lookback_blocks=1"]);
    let written = 60 * (79_000 - 10 * 6000) + 6000;
    assert_eq!(blind.tokens.cache_write, written);
}

#[test]
fn thoughts_longer_than_the_cache_lives_lose_the_history() {
    let slow = [
        "duration=2h",
        "workload.talk.session.think={fixed=\"6m\"}",
        "workload.talk.arrival.constant.rate=\"0.02/s\"",
    ];
    let one = run(&slow);
    assert_eq!(sessions(&one).completed, 12);
    // Between the turns of one session others keep the system prompt, which begins a minute apart.
    assert_eq!(one.tokens.cache_write, 12 * (79_000 - 10 * 6000) + 6000);
}

#[test]
fn a_failed_call_ends_its_session() {
    let one = run(&["quota.tpm=\"30k\"", "client.retry={none={}}"]);
    let sessions = sessions(&one);
    assert_eq!(sessions.started, 60);
    assert!(
        sessions.abandoned > 0 && sessions.completed > 0,
        "{sessions:?}"
    );
    assert_eq!(sessions.abandoned, one.requests.throttled);
    assert_eq!(one.requests.offered, sessions.turns + sessions.abandoned);
}

#[test]
fn sessions_are_the_same_in_every_variant() {
    let laws = [
        "workload.talk.session.turns={lognormal={p50=4,p99=20}}",
        "workload.talk.session.think={exponential={mean=\"5s\"}}",
        "workload.talk.tokens.output={lognormal={p50=200,p99=900}}",
        "workload.talk.session.tools={share=0.5,latency={fixed=\"1s\"},result_tokens={fixed=70}}",
    ];
    let cached = run(&laws);
    let mut uncached = laws.to_vec();
    uncached.push("workload.talk.cache.marked=false");
    let uncached = run(&uncached);
    assert_eq!(sessions(&cached), sessions(&uncached));
    assert_eq!(cached.requests.offered, uncached.requests.offered);
    assert_eq!(cached.tokens.output, uncached.tokens.output);
    let prompt = cached.tokens.input + cached.tokens.cache_read + cached.tokens.cache_write;
    assert_eq!(prompt, uncached.tokens.input + cached.requests.offered);
    assert!(cached.requests.offered > cached.workloads[0].sessions.unwrap().turns);
}

#[test]
fn workloads_share_a_cache_only_where_they_say_so() {
    let two = |shared: &str| {
        let one = |name: &str| {
            format!(
                "[[workload]]\nname = \"{name}\"\nmodel = \"nova-lite\"\nmax_tokens = 100\n\
                 arrival.constant = {{ rate = \"1/s\" }}\ntokens.input = {{ fixed = 10 }}\n\
                 tokens.output = {{ fixed = 10 }}\n[workload.cache]\nprefix_tokens = 2000\n{shared}\n"
            )
        };
        let text = format!(
            "name = \"two\"\nduration = \"4m\"\n[service.latency.fixed]\nttft = \"10ms\"\n\
             per_token = \"1ms\"\n[capacity.on_demand]\nregion = \"us-east-1\"\n{}{}",
            one("a"),
            one("b")
        );
        let ready = ready(&text, &["workload.b.arrival.constant.rate=0.9/s"]);
        let summary = ready.unwrap_or_else(|error| panic!("{error}")).run();
        variant(&summary, "base").tokens.cache_write
    };
    assert_eq!(two(""), 4000);
    assert_eq!(two("shared = \"house-rules\""), 2000);
}

#[test]
fn hours_and_minutes_have_prices_of_their_own() {
    let points = "workload.talk.cache={point=[{part=\"tools\",tokens=2000,ttl=\"1h\"},\
                  {part=\"system\",tokens=1000}]}";
    let sets = [
        "workload.talk.model=claude-sonnet-4-6",
        "capacity.on_demand.scope=us",
        "workload.talk.session.turns={fixed=1}",
        "workload.talk.arrival.constant.rate=0.001/s",
        points,
    ];
    let one = run(&sets);
    let ready = ready(SCENARIO, &sets).unwrap_or_else(|error| panic!("{error}"));
    let prices = ready.variants[0].context.workloads[0]
        .prices
        .clone()
        .unwrap();
    assert_eq!(one.requests.completed, 1);
    assert_eq!(one.tokens.cache_write, 3000);
    let classes = &one.cost.by_class;
    for (seen, expected) in [
        (classes.cache_write, 1000 * prices.cache_write_5m.0),
        (classes.cache_write_1h, 2000 * prices.cache_write_1h.0),
    ] {
        let seen = seen.unwrap();
        assert!((seen - expected as f64 / 1e12).abs() < 1e-9, "{seen}");
    }
}

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("no files here".into())
    }
}

/// A server of the scenario with these overrides.
fn server(sets: &[&str]) -> Server {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let loaded = read(&Source::new("s.toml", SCENARIO), &sets, &NoFiles).unwrap();
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    let assembled = assemble(&loaded, &catalogue, book).unwrap();
    let scenario = &loaded.scenario;
    let named = (scenario.name.as_str(), scenario.seed);
    let serving = Serving::new(named, &scenario.variants[0], &assembled[0], &catalogue);
    Server::start(serving, Options::default()).unwrap()
}

fn live_run(ready: &Ready, server: &Server) -> live::LiveRun {
    let scenario = &ready.loaded.scenario;
    let catalogue = Catalogue::builtin();
    let (variant, assembled) = (&scenario.variants[0], &ready.variants[0]);
    let plan = LivePlan::new(variant, assembled, &catalogue, scenario.seed).unwrap();
    let options = LiveOptions {
        target: Target::parse(&server.url()).unwrap(),
        sign: false,
        threads: 1,
        max_in_flight: 100,
        budget: None,
        preflight: false,
        calibrate: false,
        take_interrupts: false,
    };
    live::run(plan, &options, Box::new(std::io::sink()), &mut |_| ()).unwrap()
}

#[test]
fn a_live_run_sends_what_a_simulation_does() {
    let sets = [
        "duration=4s",
        "workload.talk.arrival.constant.rate=5/s",
        "workload.talk.shape.steps.steps=[[\"0s\",1.0],[\"1s\",0.0]]",
        "workload.talk.session={turns={fixed=3},think={fixed=\"50ms\"},\
         tools={share=0.5,latency={fixed=\"20ms\"},result_tokens={fixed=40}}}",
        "workload.talk.tokens.output={fixed=30}",
        "workload.talk.cache={history=true,point=[{part=\"tools\",tokens=1500},\
         {part=\"system\",tokens=2000,variants=2},{part=\"messages\",tokens=50}]}",
        "service.latency.fixed={ttft=\"10ms\",per_token=\"0s\"}",
    ];
    let simulated = run(&sets);
    let ready = ready(SCENARIO, &sets).unwrap_or_else(|error| panic!("{error}"));
    let live = live_run(&ready, &server(&sets));
    let all = live.measures.overall();
    assert_eq!(all.requests.completed, simulated.requests.completed);
    let (seen, expected) = (all.tokens, simulated.tokens);
    assert_eq!(seen.output, expected.output);
    let prompts = |input, read, write| input + read + write;
    assert_eq!(
        prompts(seen.input, seen.cache_read, seen.cache_write),
        prompts(expected.input, expected.cache_read, expected.cache_write),
    );
    assert_eq!(
        (seen.input, seen.cache_read, seen.cache_write),
        (expected.input, expected.cache_read, expected.cache_write),
        "the pace leaves room for each write before the next read"
    );
    let counts = all.sessions.unwrap();
    let expected = sessions(&simulated);
    assert_eq!(
        (counts.completed, counts.turns),
        (expected.completed, expected.turns)
    );
}

#[test]
fn workloads_of_one_model_and_scope_know_each_others_points_and_others_do_not() {
    let one = |name: &str, model: &str| {
        format!(
            "[[workload]]\nname = \"{name}\"\nmodel = \"{model}\"\nmax_tokens = 10\n\
             arrival.poisson = {{ rate = \"1/s\" }}\ntokens.input = {{ fixed = 10 }}\n\
             tokens.output = {{ fixed = 10 }}\ncache.prefix_tokens = 2000\n"
        )
    };
    let text = format!(
        "name = \"three\"\nduration = \"1m\"\ncache.ready = \"at_once\"\n\
         capacity.on_demand = {{ region = \"us-east-1\" }}\n{}{}{}",
        one("a", "nova-lite"),
        one("b", "nova-lite"),
        one("c", "nova-pro")
    );
    let ready = ready(&text, &[]).unwrap_or_else(|error| panic!("{error}"));
    let mut endpoint = Endpoint::new(&ready.variants[0].setup.endpoint, 1);
    let points = [CachePoint {
        id: 77,
        tokens: 2000,
        ttl: CacheTtl::FiveMinutes,
    }];
    let mut read = |target| {
        let call = Call {
            target,
            key: 0,
            input: 1,
            prefix: Prefix::Points(&points, &[]),
            output: 1,
            max_tokens: None,
            thinking: 0,
            screening: Screening::Off,
            tier: None,
            latency_optimized: false,
        };
        let grant = endpoint.admit(Moment::ZERO, &call).unwrap();
        grant.usage.cache_read
    };
    assert_eq!([read(0), read(1), read(2), read(2)], [0, 2000, 0, 2000]);
}
