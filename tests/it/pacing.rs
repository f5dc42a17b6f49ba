//! Limits and pacing as users write them, and live against a scripted server.

use crate::running::ready;
use crate::scripted::{Answer, Reply, Scripted, Seen};
use bedload::client::spec::{AdaptSpec, PacingSpec};
use bedload::live::{self, LiveOptions, LivePlan, LiveRun, Target};
use bedload::profile::Catalogue;
use bedload::sim::RunSetup;
use bedload::units::Micros;

const SCENARIO: &str = r#"
name = "paced"
seed = 3
duration = "1s"

[[workload]]
name = "chat"
model = "claude-haiku-4-5"
max_tokens = 64
arrival.constant = { rate = "100/s" }
tokens.input = { fixed = 200 }
tokens.output = { fixed = 8 }

[client.retry.none]
"#;

fn setup(sets: &[&str]) -> RunSetup {
    let ready = ready(SCENARIO, sets).unwrap_or_else(|error| panic!("{error}"));
    ready.variants[0].setup.clone()
}

fn complaint(sets: &[&str]) -> String {
    match ready(SCENARIO, sets) {
        Ok(_) => panic!("{sets:?} was accepted"),
        Err(error) => error.to_string(),
    }
}

fn run(sets: &[&str], script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> LiveRun {
    let server = Scripted::start(script);
    let options = LiveOptions {
        target: Target::parse(&server.url()).unwrap(),
        sign: false,
        threads: 1,
        max_in_flight: 1000,
        budget: None,
        preflight: false,
        calibrate: false,
        take_interrupts: false,
    };
    let ready = ready(SCENARIO, sets).unwrap_or_else(|error| panic!("{error}"));
    let scenario = &ready.loaded.scenario;
    let (variant, assembled) = (&scenario.variants[0], &ready.variants[0]);
    let plan = LivePlan::new(variant, assembled, &Catalogue::builtin(), scenario.seed).unwrap();
    live::run(plan, &options, Box::new(std::io::sink()), &mut |_| ()).unwrap()
}

#[test]
fn every_form_of_limit_is_read() {
    let limits = |sets: &[&str]| {
        let client = setup(sets).client;
        (client.concurrency, client.adapt)
    };
    assert_eq!(limits(&[]), (None, None));
    assert_eq!(limits(&["client.concurrency=400"]), (Some(400), None));
    assert_eq!(limits(&["client.concurrency=unset"]), (None, None));
    assert_eq!(
        limits(&["client.concurrency.fixed.limit=400"]),
        (Some(400), None)
    );
    let (most, adapt) = limits(&["client.concurrency.aimd.max=50"]);
    let Some(AdaptSpec::Aimd(aimd)) = adapt else {
        panic!("{adapt:?}");
    };
    assert_eq!((most, aimd.initial, aimd.min), (Some(50), 20, 1));
    let (most, adapt) = limits(&["client.concurrency=gradient"]);
    let Some(AdaptSpec::Gradient(gradient)) = adapt else {
        panic!("{adapt:?}");
    };
    assert_eq!((most, gradient.initial, gradient.min), (Some(200), 20, 20));
    // The quota in force is known to the clients.
    let setup = setup(&["client.pacing=tokens", "quota.tpm=123456"]);
    assert!(matches!(setup.client.pacing, Some(PacingSpec::Tokens(_))));
    let known = setup.known_quotas()[setup.quota_of(0) as usize];
    assert_eq!(known.tpm.unwrap().0, 123_456);
    assert!(known.burndown >= 1);
}

#[test]
fn bad_limits_are_refused_with_the_reason() {
    for (sets, why) in [
        (
            &["client.concurrency=0"][..],
            "`concurrency` must be at least 1",
        ),
        (
            &["client.concurrency.fixed.limit=0"],
            "`limit` must be at least 1",
        ),
        (&["client.concurrency.fixed={}"], "`fixed` needs `limit`"),
        (&["client.concurrency=aimdd"], "aimdd"),
        (
            &["client.concurrency.aimd.min=300"],
            "`min` must not be above `max`",
        ),
        (
            &["client.concurrency.gradient.initial=5"],
            "`initial` must lie between `min` and `max`",
        ),
        (
            &["client.concurrency.aimd.throttled=1.5"],
            "`throttled` must be",
        ),
        (
            &["client.concurrency.gradient.tolerance=0.5"],
            "`tolerance` must be",
        ),
        (&["client.queue=5"], "`queue` needs `concurrency`"),
        (
            &["client.queue_order=lifo"],
            "`queue_order` needs `concurrency`",
        ),
        (
            &["client.queue_for=5s"],
            "`queue_for` needs `concurrency` or `pacing`",
        ),
        (
            &["client.expected=5s"],
            "`expected` must be below `deadline`",
        ),
        (
            &["client.expected=5s", "client.deadline=5s"],
            "`expected` must be below `deadline`",
        ),
        (&["client.pacing.rate.burst=2"], "`rate` needs `rate`"),
        (
            &["client.pacing.rate.rate=0/s"],
            "`rate` must be above zero",
        ),
        (
            &["client.pacing.rate.rate=1/s", "client.pacing.rate.burst=0"],
            "`burst` must be at least 1",
        ),
        (
            &[
                "client.pacing.ramp.target=1/s",
                "client.pacing.ramp.from=2/s",
            ],
            "`from` must not be above `target`",
        ),
        (
            &[
                "client.pacing.ramp.target=1/s",
                "client.pacing.ramp.min=2/s",
            ],
            "`min` must not be above `from`",
        ),
        (
            &[
                "client.pacing.ramp.target=1/s",
                "client.pacing.ramp.hold=0s",
            ],
            "`hold` must be above zero",
        ),
        (&["client.pacing.tokens.share=1.1"], "`share`"),
        (
            &["client.pacing.tokens.share=0"],
            "`share` must be above zero",
        ),
        (&["client.pacing.tokens.tpm=0"], "`tpm` must be above zero"),
        (
            &["client.pacing={tokens={share=1.0},rate={rate='1/s'}}"],
            "`pacing` cannot be both",
        ),
    ] {
        let complaint = complaint(sets);
        assert!(complaint.contains(why), "{sets:?}: {complaint}");
    }
}

#[test]
fn a_live_run_sends_at_its_pace() {
    // A hundred requests of one second, at fifty a second.
    let sets = ["client.pacing.rate.rate=50/s"];
    let run = run(&sets, |_, _| Reply::Answer(Answer::QUICK));
    let requests = run.measures.total.workloads[0].requests;
    assert_eq!((requests.offered, requests.completed), (100, 100));
    let ran_for = run.measures.total.ran_for.as_secs_f64();
    assert!((1.97..2.5).contains(&ran_for), "{ran_for}");
    let half = run.measures.overall().ttft.logical().quantile(0.5).unwrap();
    assert!(half >= Micros::from_millis(450), "{half}");
}

#[test]
fn a_live_limit_falls_when_a_call_is_throttled_and_grows_with_answers() {
    // A hundred requests within a second, and answers after 200 ms. The first call is refused, so eight places
    // become four; one more with each round of answers makes eleven rounds, where four alone would make 25.
    let slow = Answer {
        ttft: Micros::from_millis(200),
        ..Answer::QUICK
    };
    let sets = [
        "client.concurrency.aimd.initial=8",
        "client.concurrency.aimd.throttled=0.5",
    ];
    let run = run(&sets, move |number, _| match number {
        0 => Reply::Error(429, "ThrottlingException", "Too many tokens"),
        _ => Reply::Answer(slow),
    });
    let requests = run.measures.total.workloads[0].requests;
    assert_eq!((requests.offered, requests.throttled), (100, 1));
    assert_eq!(requests.completed, 99);
    let ran_for = run.measures.total.ran_for.as_secs_f64();
    assert!((1.5..4.0).contains(&ran_for), "{ran_for}");
}
