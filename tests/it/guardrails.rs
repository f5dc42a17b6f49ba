//! Guardrails, thinking, the ends of answers and faults over time, in simulations.

use crate::running::{assert_valid, ready};
use bedload::results::{
    GuardrailSummary, QuotaSummary, SUMMARY_JSON_SCHEMA, Summary, VariantSummary,
};
use proptest::prelude::*;

/// A system prompt of 24,000 characters, 2,400 from the user and an answer of 1,200, at four
/// characters a token.
const CHAT: &str = r#"
name = "guarded"
seed = 3
duration = "5m"

[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 1000
guardrail = "house"
arrival.constant = { rate = "4/s" }
tokens.input  = { fixed = 600 }
tokens.output = { fixed = 300 }
cache = { prefix_tokens = 6000 }

[capacity.on_demand]
scope = "us"

[service.latency.fixed]
ttft = "500ms"
per_token = "10ms"

[service]
geo_hop = "0ms"
"#;

const HOUSE: &str = r#"
[[guardrail]]
name = "house"
policies = ["content", "topics", "sensitive", "words"]
units_per_second = 1000
burst = 2000
latency = { p50 = "240ms", p99 = "240ms" }
"#;

fn simulate(house: &str, more: &str) -> Summary {
    let text = CHAT.replace("[service]\n", &format!("[service]\n{more}\n"));
    let text = format!("{text}{HOUSE}{house}");
    let summary = ready(&text, &[])
        .unwrap_or_else(|error| panic!("{error}"))
        .run();
    assert_valid(SUMMARY_JSON_SCHEMA, &summary.to_json());
    summary
}

fn one(house: &str) -> VariantSummary {
    simulate(house, "").variants.remove(0)
}

fn counts(variant: &VariantSummary) -> GuardrailSummary {
    variant.answers.guardrail.unwrap()
}

fn cost(variant: &VariantSummary) -> f64 {
    variant.cost.by_class.guardrail.unwrap()
}

fn near(seen: f64, want: f64) {
    assert!(
        (seen - want).abs() <= 1e-6 + 1e-3 * want.abs(),
        "{seen} is not {want}"
    );
}

#[test]
fn guarding_everything_costs_six_times_the_user_text() {
    for (guard, units, dollars) in [("all", 27, 0.0116), ("user", 3, 0.0020)] {
        let variant = one(&format!("guard = \"{guard}\""));
        let done = variant.requests.completed;
        assert_eq!((done, variant.requests.offered), (1200, 1200));
        let seen = counts(&variant);
        assert_eq!(
            (seen.input_units, seen.output_units),
            (units * done, 2 * done)
        );
        near(cost(&variant), dollars * done as f64);
    }
}

#[test]
fn interventions_are_billed_for_what_was_evaluated() {
    let blocked = one("input_block = 1.0");
    let done = blocked.requests.completed;
    assert_eq!(counts(&blocked).input_blocked, done);
    assert_eq!((blocked.tokens.output, blocked.tokens.input), (0, 0));
    assert_eq!(blocked.tokens.quota_settled, Some(0));
    assert_eq!(blocked.answers.stop_reasons["guardrail_intervened"], done);
    near(cost(&blocked), 27.0 * 0.0004 * done as f64);
    near(blocked.cost.run_usd.unwrap(), cost(&blocked));
    // The guardrail answers after its own 240 ms.
    near(blocked.ttft_ms.p50.unwrap(), 240.0);

    let answers = one("output_block = 1.0");
    let done = answers.requests.completed;
    assert_eq!(answers.tokens.output, 300 * done);
    assert_eq!(counts(&answers).output_blocked, done);
    near(cost(&answers), 29.0 * 0.0004 * done as f64);
    let tokens = answers.cost.by_class;
    assert!(tokens.output.unwrap() > 0.0 && tokens.input.unwrap() > 0.0);
}

#[test]
fn sync_holds_chunks_back_and_async_lets_them_leak() {
    let sync = one("output_block = 0.1\nmask = 0.1");
    let passing = one("output_block = 0.1\nmask = 0.1\nstream = \"async\"");
    // 240 ms before the model, its 500, 49 tokens more of a chunk of 200 characters, 240 ms.
    near(sync.ttft_ms.p50.unwrap(), 240.0 + 500.0 + 490.0 + 240.0);
    near(passing.ttft_ms.p50.unwrap(), 240.0 + 500.0);
    near(sync.e2e_ms.p50.unwrap(), 240.0 + 500.0 + 2990.0 + 240.0);
    near(passing.e2e_ms.p50.unwrap(), 240.0 + 500.0 + 2990.0);
    let (held, leaky) = (counts(&sync), counts(&passing));
    assert!(held.leaked == 0 && held.masked > 50);
    assert!(leaky.leaked == leaky.output_blocked && leaky.leaked > 50 && leaky.masked == 0);
    assert_eq!(
        held.output_blocked, leaky.output_blocked,
        "draws are common to both"
    );
    near(cost(&sync), cost(&passing));
}

#[test]
fn a_guardrail_has_quotas_of_its_own() {
    let text = format!("{CHAT}{HOUSE}").replace("units_per_second = 1000\nburst = 2000", "");
    let text = text.replace("[service]", "[service]\nregion = \"us-east-1\"");
    let variant = ready(&text, &[]).unwrap().run().variants.remove(0);
    // 27 units four times a second are 108; the classic topic policy takes 50 after a burst.
    let refused = counts(&variant).throttled;
    assert!(refused > 300, "{refused}");
    assert_eq!(variant.attempts.throttled, refused);
    let quota = |name: &str| -> QuotaSummary {
        let mut quotas = variant.quota.iter();
        quotas.find(|quota| quota.name == name).unwrap().clone()
    };
    assert_eq!(quota("guardrail_topics").refused, refused);
    assert_eq!(quota("guardrail_content").refused, 0);
    assert_eq!(quota("tpm").refused, 0);
    assert_eq!(quota("guardrail_topics").limit, 1000);
}

#[test]
fn thinking_is_billed_and_counted_and_not_seen() {
    let text = CHAT.replace("guardrail = \"house\"", "thinking = { fixed = 500 }");
    let variant = ready(&text, &[]).unwrap().run().variants.remove(0);
    let done = variant.requests.completed;
    let thinking = variant.answers.thinking.clone().unwrap();
    assert_eq!(
        (thinking.thinking_tokens, thinking.visible_tokens),
        (500 * done, 300 * done)
    );
    assert_eq!(variant.tokens.output, 800 * done);
    near(variant.ttft_ms.p50.unwrap(), 500.0);
    near(thinking.visible_ttft_ms.p50.unwrap(), 500.0 + 5000.0);
    // Burndown of Sonnet 4.6 is five quota tokens for each output token.
    let settled = variant.tokens.quota_settled.unwrap();
    let input = variant.tokens.input + variant.tokens.cache_write;
    assert_eq!(settled - input, 5 * 800 * done);
    // A bound counts thinking too: nothing of the text is left.
    let text = text.replace("max_tokens = 1000", "max_tokens = 500");
    let variant = ready(&text, &[]).unwrap().run().variants.remove(0);
    assert_eq!(variant.answers.thinking.unwrap().visible_tokens, 0);
    assert_eq!(variant.answers.stop_reasons["max_tokens"], done);
    // A share is part of the output that was drawn.
    let text = text.replace("{ fixed = 500 }", "{ share = 0.75 }");
    let variant = ready(&text, &[]).unwrap().run().variants.remove(0);
    let thinking = variant.answers.thinking.unwrap();
    assert_eq!(
        (thinking.thinking_tokens, thinking.visible_tokens),
        (225 * done, 75 * done)
    );
}

#[test]
fn answers_end_for_reasons() {
    let text = CHAT.replace(
        "guardrail = \"house\"",
        "tool_use = 0.5\ncontent_filtered = 0.2",
    );
    let variant = ready(&text, &[]).unwrap().run().variants.remove(0);
    let done = variant.requests.completed;
    let share = |reason: &str| variant.answers.stop_reasons[reason] as f64 / done as f64;
    assert!((share("content_filtered") - 0.2).abs() < 0.04);
    assert!((share("tool_use") - 0.4).abs() < 0.05);
    assert!((share("end_turn") - 0.4).abs() < 0.05);
    assert_eq!(variant.answers.stop_reasons.values().sum::<u64>(), done);
    // A prompt that leaves room for less than the answer, and prompts of which half leave none.
    let with = |input: &str| {
        CHAT.replace("guardrail = \"house\"", "")
            .replace("cache = { prefix_tokens = 6000 }", "")
            .replace("fixed = 600", input)
            .replace("4/s", "0.05/s")
    };
    let variant = ready(&with("fixed = 999_900"), &[]).unwrap().run();
    let variant = &variant.variants[0];
    let ended = &variant.answers.stop_reasons;
    assert_eq!(
        ended.get("model_context_window_exceeded"),
        Some(&variant.requests.offered)
    );
    assert_eq!(variant.tokens.output, 100 * variant.requests.offered);
    let mixed = "quantiles = [[0, 999000], [1, 1001000]]";
    let variant = ready(&with(mixed), &[]).unwrap().run();
    let requests = &variant.variants[0].requests;
    assert!(requests.failed > 0 && requests.completed > 0);
    assert_eq!(requests.failed + requests.completed, requests.offered);
    // None that could be answered is refused before anything runs.
    let Err(error) = ready(&with("fixed = 1_000_001"), &[]) else {
        panic!("a prompt that is always too long was taken");
    };
    assert!(
        error.to_string().contains("reads at most 1000000 tokens"),
        "{error}"
    );
}

#[test]
fn faults_recur_ramp_slow_down_and_take_time() {
    let with = |fault: &str| {
        let text = CHAT.replace("guardrail = \"house\"", "");
        let text = format!("{text}\n[client.retry.none]\n[[fault]]\n{fault}");
        ready(&text, &[])
            .unwrap_or_else(|error| panic!("{error}"))
            .run()
            .variants
            .remove(0)
    };
    let burst = with("kind = \"unavailable\"\nshare = 1.0\nevery = \"1m\"\nfor = \"6s\"");
    assert_eq!(burst.requests.failed, 5 * 6 * 4);
    assert_eq!(burst.attempts.unavailable, 120);
    let ramp = with("kind = \"bad_gateway\"\nshare = 0.0\nshare_to = 0.5\nuntil = \"5m\"");
    let failed = ramp.requests.failed as f64 / ramp.requests.offered as f64;
    assert!((failed - 0.25).abs() < 0.04, "{failed}");
    let slow = with("kind = \"latency\"\nfactor = 3.0");
    near(slow.ttft_ms.p50.unwrap(), 1500.0);
    near(slow.tpot_ms.p50.unwrap(), 30.0);
    let slow = with("kind = \"slow_tokens\"\nfactor = 1.0\nfactor_to = 3.0\nuntil = \"5m\"");
    near(slow.ttft_ms.p50.unwrap(), 500.0);
    let pace = slow.tpot_ms.p50.unwrap();
    assert!((pace - 20.0).abs() < 0.3, "{pace}");
    // A time-out is slow; the client's own clock may be faster.
    let late = with("kind = \"model_timeout\"\nshare = 1.0");
    assert_eq!((late.requests.failed, late.attempts.failed), (1200, 1200));
    assert!(
        late.mean_in_system.unwrap() > 100.0,
        "{:?}",
        late.mean_in_system
    );
    let late = with("kind = \"model_timeout\"\nshare = 1.0\n[client]\ntimeout = \"2s\"");
    assert_eq!(late.requests.timed_out, 1200);
    let other = with("kind = \"internal\"\nshare = 1.0\nmodel = \"nova-lite\"");
    assert_eq!(other.requests.failed, 0);
}

#[test]
fn mistakes_are_told_at_their_place() {
    let wrong = |text: String| ready(&text, &[]).err().unwrap().to_string();
    let told = wrong(CHAT.to_owned());
    assert!(told.contains("no guardrail is named `house`"), "{told}");
    let told = wrong(format!("{CHAT}{HOUSE}mask = 0.8\noutput_block = 0.5"));
    assert!(told.contains("more than all answers"), "{told}");
    let fault = "[[fault]]\nkind = \"internal\"\nshare = 0.1\n";
    for (more, message) in [
        ("workload = \"nobody\"", "no workload is named `nobody`"),
        ("share_to = 0.5", "needs the end of a window"),
        ("every = \"1m\"", "`every` needs `for`"),
        ("every = \"1m\"\nfor = \"2m\"", "at most `every`"),
    ] {
        let told = wrong(format!("{CHAT}{HOUSE}{fault}{more}"));
        assert!(told.contains(message), "{told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn dollars_are_the_units_of_all_requests(
        input_block in 0.0f64..0.5, output_block in 0.0f64..0.5, chars in 1.0f64..9.0,
        passes: bool, timeout in 1u32..6, reset in 0.0f64..0.3,
    ) {
        let mode = if passes { "async" } else { "sync" };
        let house = format!(
            "input_block = {input_block}\noutput_block = {output_block}\nstream = \"{mode}\"\n\
             chars_per_token = {chars}\n[client]\ntimeout = \"{timeout}s\"\n\
             [[fault]]\nkind = \"stream_reset\"\nshare = {reset}\n"
        );
        let variant = one(&house);
        let seen = counts(&variant);
        let units = seen.input_units + seen.output_units;
        let dollars = cost(&variant);
        prop_assert!((dollars - units as f64 * 0.0004).abs() < 1e-5);
        let classes = variant.cost.by_class;
        let sum: f64 = [classes.input, classes.output, classes.cache_write, classes.cache_read,
            classes.reserved, classes.guardrail, classes.wasted].into_iter().flatten().sum();
        prop_assert!((sum - variant.cost.run_usd.unwrap()).abs() < 1e-9 * sum.max(1.0));
        prop_assert!(seen.input_blocked + seen.output_blocked <= seen.evaluated);
    }
}
