use super::*;
use crate::config::Source;
use crate::domain::{QuotaRules, Semantics, Window};
use crate::measure::AttemptEnd;
use crate::profile::Catalogue;
use crate::scenario::{Loaded, read};
use crate::sim::{assemble, run};
use crate::units::{Micros, Moment};

const SCENARIO: &str = r#"
name = "probe"
duration = "1m"
[[workload]]
name = "chat"
model = "MODEL"
max_tokens = 4096
arrival.poisson = { rate = "1/s" }
tokens.input = { fixed = 500 }
tokens.output = { fixed = 100 }
[quota]
tpm = "TPM"
"#;

struct NoFiles;

impl crate::scenario::Files for NoFiles {
    fn open(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("none".to_owned())
    }
}

fn loaded(model: &str, tpm: &str) -> Loaded {
    let text = SCENARIO.replace("MODEL", model).replace("TPM", tpm);
    read(&Source::new("probe.toml", text), &[], &NoFiles).unwrap()
}

/// The service brain under one rule, in virtual time; its clock minutes begin `phase` after the probe.
struct Rig {
    loaded: Loaded,
    rules: QuotaRules,
    phase: Micros,
    quota: Quota,
    sent: Vec<Planned>,
}

impl Rig {
    fn new(model: &str, tpm: &str, rule: (Window, Semantics), phase: f64) -> Self {
        let loaded = loaded(model, tpm);
        let catalogue = Catalogue::builtin();
        let book = catalogue.latest_prices().unwrap();
        let assembled = assemble(&loaded, &catalogue, book).unwrap();
        Self {
            quota: quota_of(&loaded, &assembled[0], &catalogue).unwrap(),
            loaded,
            rules: QuotaRules {
                semantics: rule.1,
                token_window: rule.0,
                ..QuotaRules::default()
            },
            phase: Micros::from_secs_f64(phase),
            sent: Vec::new(),
        }
    }

    /// What comes of all calls so far and these, which begin at `from` on the clock of the probe.
    fn send(&mut self, from: Micros, calls: &[Planned]) -> Vec<Seen> {
        let wait = Micros(Micros::MINUTE.0 - self.phase.0);
        self.sent.extend(calls.iter().map(|call| Planned {
            at: call.at + from + wait,
            kind: call.kind,
        }));
        let name = self.loaded.scenario.variants[0].name.clone();
        let probe = probe_of(&self.loaded, &name, &self.quota, &self.sent).unwrap();
        let catalogue = Catalogue::builtin();
        let book = catalogue.latest_prices().unwrap();
        let mut one = assemble(&probe, &catalogue, book).unwrap().remove(0);
        one.setup.record_attempts = true;
        one.setup.endpoint.rules = self.rules;
        let names: Vec<String> = one.setup.workloads.iter().map(|w| w.name.clone()).collect();
        let measures = run(&one.setup, 7);
        let since = |at: Moment| Moment(at.0.saturating_sub(wait.0));
        let mut seen: Vec<Seen> = measures
            .attempts
            .iter()
            .map(|attempt| {
                let kind = Kind::ALL
                    .into_iter()
                    .find(|kind| kind.name() == names[attempt.workload])
                    .unwrap();
                let (_, most, _) = kind.sizes(&self.quota);
                let usage = attempt.usage;
                Seen {
                    sent: since(attempt.sent_at),
                    done: since(attempt.done_at),
                    reserved: attempt.request_input + u64::from(most),
                    settled: u64::from(usage.input) + u64::from(usage.output) * self.quota.burndown,
                    admitted: attempt.end == AttemptEnd::Answered,
                }
            })
            .collect();
        seen.sort_by_key(|call| call.sent);
        seen
    }

    /// A whole probe.
    fn probe(&mut self) -> Told {
        let calls = first(&self.quota);
        let mut seen = self.send(Micros::ZERO, &calls);
        let mut found = told(&weigh(self.quota.tpm, &seen)).unwrap();
        if let Some(boundary) = found.boundary {
            let now = horizon(&self.quota, &calls) + Micros::SECOND;
            let calls = second(&self.quota, Moment(now.0), boundary, &seen);
            seen = self.send(now, &calls);
            found = told(&weigh(self.quota.tpm, &seen)).unwrap();
        }
        found
    }
}

/// Every rule on a quota of this size: the right one remains, and nothing that differs from it.
fn names_every_rule(model: &str, tpm: &str, phases: &[f64]) {
    let mut wrong = Vec::new();
    for window in [Window::Sliding, Window::Fixed, Window::Bucket] {
        for semantics in [Semantics::A, Semantics::B, Semantics::C] {
            for &phase in phases {
                let told = Rig::new(model, tpm, (window, semantics), phase).probe();
                let left: Vec<_> = told
                    .left
                    .iter()
                    .map(|one| (one.window, one.semantics))
                    .collect();
                // Under these windows A and C are the same unless answers take more than a window.
                let same = window != Window::Fixed && semantics != Semantics::B;
                let good = left.contains(&(window, semantics))
                    && told.window == Some(window)
                    && left.len() == if same { 2 } else { 1 }
                    && told.margin > 3.0
                    && told.left[0].explained > 0.97;
                if !good {
                    wrong.push(format!(
                        "{model} {tpm} {window} {semantics} at {phase}: {told:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_probe_names_the_rule_of_a_small_quota() {
    names_every_rule("claude-haiku-4-5", "100k", &[0.0, 3.0, 41.0]);
}

#[test]
fn a_probe_names_the_rule_of_larger_quotas_and_other_models() {
    names_every_rule("nova-lite", "400k", &[29.0]);
    names_every_rule("claude-sonnet-5", "2M", &[11.0]);
    names_every_rule("claude-sonnet-4-6", "6M", &[50.0]);
}

#[test]
fn a_limit_that_is_not_as_stated_is_found() {
    let mut rig = Rig::new(
        "claude-haiku-4-5",
        "100k",
        (Window::Bucket, Semantics::A),
        20.0,
    );
    let calls = first(&rig.quota);
    let seen = rig.send(Micros::ZERO, &calls);
    // Weighed as if twice as much were allowed.
    let best = weigh(2 * rig.quota.tpm, &seen)[0];
    assert_eq!(best.window, Window::Bucket);
    assert!((best.limit_factor / 0.5 - 1.0).abs() < 0.1, "{best:?}");
}

#[test]
fn bought_capacity_and_mantle_are_not_probed() {
    let of = |more: &str| {
        let text = SCENARIO
            .replace("MODEL", "claude-sonnet-4-6")
            .replace("TPM", "1M")
            + more;
        read(&Source::new("probe.toml", text), &[], &NoFiles).unwrap()
    };
    let fails = |loaded: &Loaded| {
        let name = &loaded.scenario.variants[0].name;
        let quota = Rig::new(
            "claude-haiku-4-5",
            "100k",
            (Window::Bucket, Semantics::A),
            0.0,
        )
        .quota;
        probe_of(loaded, name, &quota, &first(&quota)).unwrap_err()
    };
    let bought = of("[capacity.reserved]\ninput_tpm = \"1M\"\noutput_tpm = \"10k\"\n");
    assert!(fails(&bought).message.contains("bought capacity"));
    let mantle = of("[service]\nfamily = \"mantle\"\n");
    assert!(fails(&mantle).message.contains("bedrock-mantle"));
}

#[test]
fn nothing_seen_tells_nothing() {
    let all = weigh(1000, &[]);
    assert_eq!(all.len(), 9);
    let told = told(&all).unwrap();
    assert_eq!((told.window, told.semantics), (None, None));
}
