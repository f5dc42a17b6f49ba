//! The regression gate as its users start it: baselines, verdicts, exit codes, files for other tools.

use crate::running::assert_valid;
use crate::scripted::{Answer, Reply, Scripted};
use bedload::results::compare::{CompareSummary, Method, Verdict, read_compare};
use bedload::results::{
    BASELINE_JSON_SCHEMA, COMPARE_JSON_SCHEMA, RunKind, read_baseline, read_summary,
};
use bedload::units::Micros;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Two workloads on two variants, a minute each.
const SCENARIO: &str = r#"
name = "support"
seed = 7
duration = "1m"

[[workload]]
name = "chat"
model = "claude-haiku-4-5"
max_tokens = 512
arrival.poisson = { rate = "8/s" }
tokens.input = { lognormal = { p50 = 900, p99 = 6000 } }
tokens.output = { lognormal = { p50 = 120, p99 = 400 } }

[[workload]]
name = "digest"
model = "claude-haiku-4-5"
max_tokens = 512
stream = false
arrival.poisson = { rate = "3/s" }
tokens.input = { lognormal = { p50 = 900, p99 = 6000 } }
tokens.output = { lognormal = { p50 = 120, p99 = 400 } }

[[variant]]
name = "first"
[[variant]]
name = "second"
client.timeout = "60s"
"#;

/// A folder of its own in which the program is started.
struct Place(TempDir);

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("chat.toml", SCENARIO);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedload"));
        command.args(args).current_dir(self.0.path());
        command
            .env_remove("GITHUB_STEP_SUMMARY")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program and asserts its exit code.
    fn bedload(&self, args: &[&str], code: i32) -> Ended {
        let output = self.command(args).output().unwrap();
        let ended = Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        let told = format!(
            "{args:?}\nstdout: {}\nstderr: {}",
            ended.stdout, ended.stderr
        );
        assert_eq!(ended.code, Some(code), "{told}");
        assert!(!ended.stderr.contains("panicked"), "{told}");
        ended
    }

    /// Simulates into `out`, with more arguments.
    fn simulate(&self, out: &str, more: &[&str]) {
        let args = ["simulate", "chat.toml", "--quiet", "--out", out];
        self.bedload(&[&args, more].concat(), 0);
    }

    fn compare(&self, args: &[&str], code: i32) -> CompareSummary {
        let all = [&["compare"], args, &["--format", "json"]].concat();
        let text = self.bedload(&all, code).stdout;
        assert_valid(COMPARE_JSON_SCHEMA, &text);
        read_compare(&text).unwrap()
    }
}

const TEN: [&str; 2] = ["--replications", "10"];
/// A slower model; the scenario's hash differs then, as it does in a pull request that changes a policy.
const SLOWER: &str = "workload.chat.model=claude-sonnet-4-6";

#[test]
fn a_baseline_is_made_and_passed_and_missed() {
    let place = Place::new();
    place.simulate("old", &TEN);
    let made = place.bedload(&["compare", "main", "old", "--update-baseline"], 0);
    assert!(
        made.stdout.contains("results/baselines/main.json: 10 runs"),
        "{}",
        made.stdout
    );
    let text = place.read("results/baselines/main.json");
    assert_valid(BASELINE_JSON_SCHEMA, &text);
    let baseline = read_baseline(&text).unwrap();
    assert_eq!(
        (baseline.name.as_str(), baseline.kind),
        ("main", RunKind::Simulated)
    );
    assert_eq!(baseline.variants.len(), 2);
    assert_eq!(baseline.variants[0].runs.len(), 10);
    assert_eq!(baseline.variants[0].runs[3].metrics.len(), 3);
    let kept: Vec<&String> = baseline.variants[0].histograms.keys().collect();
    assert_eq!(kept, ["attempt_e2e", "attempt_ttft", "e2e", "tpot", "ttft"]);
    assert!(text.len() < 300_000, "{}", text.len());
    assert!(!text.contains(place.0.path().to_str().unwrap()));
    assert!(!place.path("results/baselines/main.json.tmp").exists());

    place.simulate("again", &TEN);
    let same = place.compare(&["main", "again"], 0);
    assert_eq!(same.verdict, Some(Verdict::Same));
    let metrics = || same.variants.iter().flat_map(|variant| &variant.metrics);
    assert!(metrics().all(|one| one.method == Method::Identical && one.effect == Some(0.0)));
    assert!(metrics().any(|one| one.workload.as_deref() == Some("digest")));
    assert!(
        !metrics().any(|one| one.workload.as_deref() == Some("digest") && one.metric == "ttft.p50")
    );
    // The figures of both sides lie on each other.
    assert_eq!(same.figures.len(), 4);

    place.simulate("slow", &[&TEN[..], &["--set", SLOWER]].concat());
    let refused = place.bedload(&["compare", "main", "slow"], 6);
    assert!(
        refused.stderr.contains("--allow-different-scenario"),
        "{}",
        refused.stderr
    );
    let args = ["main", "slow", "--allow-different-scenario"];
    let worse = place.compare(&args, 5);
    assert_eq!(worse.verdict, Some(Verdict::Regressed));
    let chat = &worse.variants[0].metrics[0];
    assert_eq!(
        (chat.metric.as_str(), chat.method),
        ("ttft.p50", Method::Paired)
    );
    assert!(chat.effect.unwrap() > 0.1, "{chat:?}");
    let shown = place.bedload(&[&["compare"], &args[..]].concat(), 5).stdout;
    assert!(
        shown.contains("REGRESSED: ") && shown.contains("chat/ttft.p50"),
        "{shown}"
    );
}

#[test]
fn files_for_other_tools_say_the_same() {
    let place = Place::new();
    place.simulate("old", &TEN);
    place.simulate("slow", &[&TEN[..], &["--set", SLOWER]].concat());
    let mut command = place.command(&[
        "compare",
        "old",
        "slow",
        "--allow-different-scenario",
        "--variant",
        "first",
        "--junit",
        "out/gate.xml",
        "--markdown",
        "gate.md",
        "--github",
        "--assert",
        "ttft.p99 < 1ms",
        "--format",
        "markdown",
    ]);
    let output = command
        .env("GITHUB_STEP_SUMMARY", place.path("summary.md"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5));
    let (stdout, stderr) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert_eq!(place.read("gate.md"), stdout);
    assert_eq!(place.read("summary.md").trim_end(), stdout.trim_end());
    assert!(
        stdout.starts_with("# support: slow against old\n\n**REGRESSED: "),
        "{stdout}"
    );
    assert!(stdout.contains("| chat/ttft.p50 | REGRESSED |"), "{stdout}");
    assert!(
        stderr.starts_with("::error title=bedload compare::REGRESSED: "),
        "{stderr}"
    );
    assert!(
        stderr.lines().all(|line| line.starts_with("::")),
        "{stderr}"
    );
    let xml = place.read("out/gate.xml");
    let report = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    let suites: Vec<&str> = report
        .test_suites
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(suites, ["first", "thresholds"]);
    assert!(report.failures >= 3, "{xml}");
    assert!(
        xml.contains("%: worse by at least 5.0 %, and not by chance\" type=\"regressed\""),
        "{xml}"
    );
}

#[test]
fn thresholds_need_no_baseline() {
    let place = Place::new();
    place.simulate("run", &[]);
    let passed = place.compare(
        &[
            "-",
            "run",
            "--assert",
            "ttft.p99 < 60s",
            "--assert",
            "digest/e2e.p50 <= 60s",
        ],
        0,
    );
    assert_eq!(passed.verdict, Some(Verdict::Same));
    assert_eq!(passed.assertions.len(), 4);
    let summary = read_summary(&place.read("run/summary.json")).unwrap();
    assert_eq!(passed.assertions[0].seen, summary.variants[0].ttft_ms.p99);
    let args = [
        "-",
        "run",
        "--variant",
        "first",
        "--assert",
        "throttled_share < 0.1%",
    ];
    let missed = [&args[..], &["--assert", "chat/ttft.p50 < 1ms"]].concat();
    assert_eq!(place.compare(&missed, 5).assertions[1].holds, Some(false));
    // Too few requests for it, and no first token without streaming.
    for text in ["digest/e2e.p999 < 60s", "digest/ttft.p50 < 60s"] {
        let open = place.compare(&[&args[..], &["--assert", text]].concat(), 6);
        assert_eq!(open.assertions[1].holds, None);
    }
    for (more, words) in [
        (["--assert", "nobody/ttft.p50 < 1s"], "chat, digest"),
        (["--assert", "ttft.p50"], "2.5s"),
        (["--metric", "ttft.p42"], "attempt_ttft.p50"),
        (["--detect", "2%"], "--threshold"),
        (["--threshold", "5"], "5%"),
    ] {
        let all = [&["compare"], &args[..], &more].concat();
        let ended = place.bedload(&all, 2);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn what_is_no_result_is_told() {
    let place = Place::new();
    place.simulate("run", &[]);
    place.write("other.json", "{\"schema\": \"bedload.plan/1\"}");
    place.write("newer.json", "{\"schema\": \"bedload.baseline/2\"}");
    place.write("broken/summary.json", "{");
    place.write("empty/readme.txt", "nothing");
    place.write("killed/manifest.json", "{}");
    for (args, code, words) in [
        (["nowhere", "run"].as_slice(), 3, "--update-baseline"),
        (&["other.json", "run"], 7, "bedload.plan/1"),
        (&["newer.json", "run"], 7, "newer"),
        (&["run", "broken"], 7, "broken/summary.json"),
        (&["run", "empty"], 3, "no run in"),
        (&["run", "absent"], 3, "absent"),
        (&["run", "killed"], 6, "cut short"),
        (&["run"], 2, "no result"),
        (&["-", "run"], 2, "--assert"),
        (&["-", "run", "--update-baseline"], 2, "name"),
        (&["run", "run", "--variant", "third"], 2, "first, second"),
        (
            &["run", "--history", "--assert", "ttft.p50 < 1s"],
            2,
            "--history",
        ),
    ] {
        let ended = place.bedload(&[&["compare"], args].concat(), code);
        assert!(ended.stderr.contains(words), "{args:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
    // A run that was cut short or is not valid passes no gate, and becomes no baseline.
    let text = place.read("run/summary.json");
    for (from, to) in [
        ("\"partial\": false", "\"partial\": true"),
        ("\"valid\": true", "\"valid\": false"),
    ] {
        place.simulate("bad", &[]);
        place.write("bad/summary.json", &text.replacen(from, to, 1));
        let document = place.compare(&["run", "bad"], 6);
        assert_eq!(document.result.unwrap().spoilt.len(), 2);
        place.compare(&["-", "bad", "--assert", "ttft.p99 < 60s"], 6);
        let refused = place.bedload(&["compare", "main", "bad", "--update-baseline"], 6);
        assert!(
            refused.stderr.contains("cannot be part of a baseline"),
            "{}",
            refused.stderr
        );
        assert!(!place.path("results").exists());
    }
}

#[test]
fn few_seeds_and_other_seeds_are_told_from_enough() {
    let place = Place::new();
    place.simulate("one", &[]);
    place.simulate("other", &["--set", SLOWER]);
    let few = place.compare(&["one", "other", "--allow-different-scenario"], 6);
    assert!(
        few.sentences[1].contains("--replications 10"),
        "{:?}",
        few.sentences
    );
    place.simulate("ten", &TEN);
    place.simulate("seeds", &[&TEN[..], &["--seed", "1234567"]].concat());
    let unpaired = place.compare(
        &["ten", "seeds", "--metric", "e2e.p50", "--variant", "first"],
        0,
    );
    let e2e = unpaired.variants[0]
        .metrics
        .iter()
        .find(|one| one.gated)
        .unwrap();
    assert_eq!(
        (e2e.method, e2e.verdict),
        (Method::Welch, Some(Verdict::Same))
    );
    assert!(e2e.noise_floor.unwrap() > 0.0);
    let noise = place.compare(&["ten", "--calibrate", "-k", "3"], 0);
    assert_eq!((noise.verdict, noise.calibration[0].runs), (None, 3));
}

#[test]
fn a_history_tells_when_it_changed() {
    let place = Place::new();
    let run = |number: usize, slow: bool| {
        let out = format!("runs/{number:02}");
        let seed = format!("{}", 100 + number);
        let mut args = vec!["--seed", seed.as_str(), "--variant", "first"];
        if slow {
            args.extend(["--set", SLOWER]);
        }
        place.simulate(&out, &args);
        // Runs of the same second are in the order of their names, and the scenario is the same.
        let text = place.read(&format!("{out}/manifest.json"));
        place.write(
            &format!("{out}/manifest.json"),
            &text.replace("claude-sonnet-4-6", "claude-haiku-4-5"),
        );
    };
    for number in 0..14 {
        run(number, number >= 8);
    }
    let document = place.compare(&["--history", "runs"], 0);
    let series = document
        .history
        .iter()
        .find(|one| one.metric == "e2e.p50")
        .unwrap();
    assert_eq!(series.points.len(), 14);
    assert_eq!(series.changes.len(), 1, "{series:#?}");
    assert_eq!(
        (series.changes[0].source.as_str(), series.changes[0].worse),
        ("08", true)
    );
    assert!(document.figures.iter().any(|one| !one.marks.is_empty()));
    let shown = place.bedload(&["compare", "--history", "runs"], 0).stdout;
    assert!(
        shown.contains('│') && shown.contains("is worse from `08`"),
        "{shown}"
    );
}

/// A scenario for live runs against a scripted server: 60 requests in 300 ms.
const LIVE: &str = r#"
name = "live"
seed = 3
duration = "300ms"

[[workload]]
name = "chat"
model = "claude-haiku-4-5"
max_tokens = 64
arrival.constant = { rate = "200/s" }
tokens.input = { fixed = 200 }
tokens.output = { fixed = 8 }

[client.retry.none]
"#;

#[test]
fn live_runs_take_turns_and_are_compared() {
    let place = Place::new();
    place.write("base.toml", LIVE);
    place.write(
        "new.toml",
        &LIVE.replace("max_tokens = 64", "max_tokens = 65"),
    );
    let server = Scripted::start(|_, seen| {
        let slow = seen.body["inferenceConfig"]["maxTokens"] == 65;
        Reply::Answer(Answer {
            ttft: Micros::from_millis(if slow { 60 } else { 30 }),
            ..Answer::QUICK
        })
    });
    let url = server.url();
    let args = [
        "--target",
        &url,
        "--no-calibration",
        "--quiet",
        "--out",
        "ab",
        "--format",
        "json",
    ];
    let run = [
        &["run", "base.toml", "--interleave", "new.toml", "-k", "3"],
        &args[..],
    ]
    .concat();
    let output = place.command(&run).output().unwrap();
    let document = read_compare(&String::from_utf8(output.stdout).unwrap()).unwrap();
    // A crowded machine may spoil runs; what became of them is then not this test's.
    let sides = [
        document.baseline.as_ref().unwrap(),
        document.result.as_ref().unwrap(),
    ];
    if sides.iter().all(|side| side.spoilt.is_empty()) {
        let ttft = &document.variants[0].metrics[0];
        assert!(ttft.effect.unwrap() > 0.5, "{ttft:?}");
    }
    for name in ["ab/base/01", "ab/base/03", "ab/new/01", "ab/new/03"] {
        let summary = read_summary(&place.read(&format!("{name}/summary.json"))).unwrap();
        assert_eq!(summary.variants[0].requests.offered, 60);
        assert!(summary.variants[0].live.is_some());
    }
    let seed = |name: &str| {
        read_summary(&place.read(&format!("ab/{name}/summary.json")))
            .unwrap()
            .seed
    };
    assert_eq!((seed("base/01"), seed("new/01")), (3, 3));
    assert_eq!(seed("base/02"), seed("new/02"));
    assert_ne!(seed("base/02"), seed("base/03"));
    // The turns: base, new, new, base, base, new.
    let order: Vec<u64> = server
        .seen()
        .chunks(60)
        .map(|run| {
            run[30].body["inferenceConfig"]["maxTokens"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(order, [64, 65, 65, 64, 64, 65]);
    // The folders can be compared again, and are not written over.
    let again = place
        .command(&["compare", "ab/base", "ab/new", "--quiet"])
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(6), "the scenarios differ");
    let over = place.bedload(&run, 2);
    assert!(over.stderr.contains("is not empty"), "{}", over.stderr);
}

#[test]
fn repeated_live_runs_show_their_noise_and_share_a_budget() {
    let place = Place::new();
    place.write("base.toml", LIVE);
    let server = Scripted::start(|_, _| Reply::Answer(Answer::QUICK));
    let url = server.url();
    let args = [
        "run",
        "base.toml",
        "--target",
        &url,
        "--no-calibration",
        "--quiet",
    ];
    let run = |more: &[&str]| place.command(&[&args[..], more].concat()).output().unwrap();
    let output = run(&["-k", "3", "--out", "three", "--format", "json"]);
    let document = read_compare(&String::from_utf8(output.stdout).unwrap()).unwrap();
    assert_eq!(document.verdict, None);
    assert!(place.path("three/03/summary.json").exists());
    // A run costs about $0.0012: two runs and a bit.
    let output = run(&["-k", "5", "--out", "few", "--budget", "$0.003"]);
    assert_eq!(output.status.code(), Some(6));
    assert!(place.path("few/01/summary.json").exists());
    assert!(!place.path("few/05").exists());
}

#[test]
fn the_ready_made_workflow_runs() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("scenarios/ci/bedload-gate.yml")).unwrap();
    let steps = run_steps(&text);
    assert_eq!(steps.len(), 4, "{steps:#?}");
    assert!(steps[0].starts_with("cargo install bedload"));
    let place = Place::new();
    place.write("scenarios/chat.toml", SCENARIO);
    // What the comment at its top says to do once.
    let comment: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("#     "))
        .filter(|line| line.starts_with("bedload "))
        .map(str::to_owned)
        .collect();
    assert_eq!(comment.len(), 2);
    let built = PathBuf::from(env!("CARGO_BIN_EXE_bedload"));
    let path = format!(
        "{}:{}",
        built.parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let shell = |step: &str| {
        let output = Command::new("bash")
            .args(["-eo", "pipefail", "-c", step])
            .current_dir(place.0.path())
            .env("PATH", &path)
            .env("GITHUB_STEP_SUMMARY", place.path("summary.md"))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), told)
    };
    for step in comment.iter().chain(&steps[1..]) {
        let (code, told) = shell(step);
        assert_eq!(code, Some(0), "{step}\n{told}");
    }
    assert!(place.read("summary.md").contains("**SAME: "));
    assert!(place.read("gate.xml").contains("<testsuites"));
    // A pull request that makes answers longer fails at the gate and nowhere else.
    place.write(
        "scenarios/chat.toml",
        &SCENARIO.replace("p50 = 120", "p50 = 160"),
    );
    assert_eq!(shell(&steps[2]).0, Some(0));
    let (code, told) = shell(&steps[3]);
    assert_eq!(code, Some(5), "{told}");
    assert!(
        told.contains("::error title=bedload compare::REGRESSED: "),
        "{told}"
    );
}

/// The `run:` steps of a workflow: a command behind the key, or a block below it.
fn run_steps(text: &str) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let mut block: Option<usize> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if let Some(outer) = block {
            if indent > outer || line.trim().is_empty() {
                let step = steps.last_mut().unwrap();
                step.push_str(line.trim_start());
                step.push('\n');
                continue;
            }
            block = None;
        }
        let Some(command) = line
            .trim_start()
            .trim_start_matches("- ")
            .strip_prefix("run:")
        else {
            continue;
        };
        if command.trim() == "|" {
            block = Some(indent);
            steps.push(String::new());
        } else {
            steps.push(command.trim().to_owned());
        }
    }
    steps
}
