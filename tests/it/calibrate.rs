//! Calibration with the real program: profiles from runs and from published measurements, the twin of a run,
//! and the probe of a served quota.

use crate::running::assert_valid;
use bedload::domain::{LatencyProfile, Origin};
use bedload::profile::{Catalogue, ProfileKind};
use bedload::results::{CALIBRATION_JSON_SCHEMA, PROBE_JSON_SCHEMA, TWIN_JSON_SCHEMA};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

const KNOWN: &str = r#"
[ttft]
origin = "assumed"
base = "420ms"
per_k_input = "65ms"
per_k_cached = "6ms"
noise = { mixture = [{ weight = 0.94, median = 1.0, sigma = 0.3 }, { weight = 0.06, median = 2.2, sigma = 0.4 }] }
source = "a test"
as_of = "2026-11-23"
[tpot]
origin = "assumed"
per_output_token = "12ms"
noise = { lognormal = { sigma = 0.22 } }
source = "a test"
as_of = "2026-11-23"
[load]
per_token = 0.2
"#;

const SCENARIO: &str = r#"
name = "measured"
seed = 11
duration = "10m"

[[workload]]
name = "chat"
model = "claude-haiku-4-5"
max_tokens = 2048
arrival.poisson = { rate = "9/s" }
tokens.input = { lognormal = { p50 = 900, p99 = 9000 } }
tokens.output = { lognormal = { p50 = 180, p99 = 900 } }

[quota]
tpm = "1.4M"

[slo]
error_share = 0.9
"#;

/// A folder of its own in which the program is started.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
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
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn bedload(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_bedload"))
            .args(args)
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Simulates [`SCENARIO`] on [`KNOWN`] and leaves its attempts in `run`.
fn measured() -> Place {
    let place = Place::new();
    place.write("mine/latency/claude-haiku-4-5.toml", KNOWN);
    place.write("chat.toml", SCENARIO);
    let run = [
        "simulate",
        "chat.toml",
        "--profiles",
        "mine",
        "--attempts",
        "--out",
        "run",
        "-q",
    ];
    let output = place.bedload(&run);
    assert!(output.status.success(), "{}", said(&output));
    place
}

#[test]
fn a_simulated_run_gives_back_the_profile_that_made_it() {
    let place = measured();
    let output = place.bedload(&["calibrate", "run", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_valid(CALIBRATION_JSON_SCHEMA, &text);
    assert_eq!(text, place.read("calibrated/calibration.json"));
    let token = json(&text)["groups"][0]["law"]["per_token_ms"]
        .as_f64()
        .unwrap();
    assert!((token / 12.0 - 1.0).abs() < 0.02, "{token}");
    let read = |name: &str, folder: &str| {
        let file = place.path(&format!("{folder}/latency/{name}.toml"));
        let text = fs::read(&file).unwrap();
        let source =
            bedload::config::Source::from_bytes(file.display().to_string(), &text).unwrap();
        let catalogue = Catalogue::load([(ProfileKind::Latency, source)]).unwrap();
        catalogue.latency(name).unwrap().clone()
    };
    let (known, again) = (
        read("claude-haiku-4-5", "mine"),
        read("claude-haiku-4-5", "calibrated"),
    );
    assert_eq!(again.origin, Origin::Fitted);
    // The first token of short and long prompts, and the time per token, from the median to p99.
    for (z, tolerance) in [(0.0, 0.03), (1.2816, 0.05), (1.6449, 0.08), (2.3263, 0.12)] {
        for thousands in [0.5, 2.0, 6.0] {
            let ttft = |law: &LatencyProfile| {
                let slope = law.ttft_per_k_input.as_millis_f64();
                (law.ttft_base.as_millis_f64() + slope * thousands) * law.ttft_noise.at(z)
            };
            let off = ttft(&again) / ttft(&known) - 1.0;
            assert!(
                off.abs() < tolerance + 0.02,
                "first token of {thousands}k at z {z}: off by {off}"
            );
        }
        let off = again.tpot_noise.at(z) / known.tpot_noise.at(z) - 1.0;
        assert!(
            off.abs() < tolerance,
            "time per token at z {z}: off by {off}"
        );
    }
    let page = place.read("calibrated/calibration.md");
    assert!(
        page.starts_with("# Latency laws from measurements\n\n- **`claude-haiku-4-5` is fitted"),
        "{page}"
    );
}

#[test]
fn a_twin_tells_what_happened_and_a_stranger_does_not() {
    let place = measured();
    let output = place.bedload(&["calibrate", "run", "--twin", "run", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_valid(TWIN_JSON_SCHEMA, &text);
    let twin = json(&text);
    assert_eq!(twin["agrees"], Value::Bool(true), "{text}");
    let figures = twin["variants"][0]["figures"].as_array().unwrap();
    let of = |name: &str| {
        figures
            .iter()
            .find(|figure| figure["name"] == name)
            .unwrap()
    };
    assert_eq!(of("requests")["recorded"], of("requests")["simulated"]);
    assert!(
        of("throttled_share")["recorded"].as_f64().unwrap() > 0.01,
        "{figures:#?}"
    );
    // The built-in profile is another model's pace.
    let output = place.bedload(&["calibrate", "--twin", "run", "--out", "other"]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(
        said(&output).contains("does not tell what happened"),
        "{}",
        said(&output)
    );
}

#[test]
fn what_cannot_be_read_is_said_with_help() {
    let place = measured();
    place.write("a.csv", "time,ttft_s\n1,2\n");
    let fails = |args: &[&str], code: i32, part: &str| {
        let mut words = vec!["calibrate"];
        words.extend(args);
        let output = place.bedload(&words);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(part), "{}", said(&output));
        assert!(said(&output).contains("help: "), "{}", said(&output));
    };
    fails(&[], 2, "nothing to calibrate from");
    fails(&["none"], 3, "cannot read");
    fails(&["a.csv"], 3, "--columns");
    fails(&["a.csv", "--columns", "ttft=first"], 3, "the unit");
    fails(
        &["a.csv", "--columns", "ttft=first_s"],
        3,
        "there is no column `first_s`",
    );
    fails(
        &["run", "--start", "nova"],
        2,
        "no latency profile is named `nova`",
    );
    fails(
        &[
            "run",
            "run",
            "run",
            "--columns",
            "ttft=a_s",
            "--columns",
            "ttft=b_s",
        ],
        2,
        "maps of columns",
    );
}

/// The profiles that are made from published measurements, each with its command after `bedload calibrate`.
///
/// `BEDLOAD_UPDATE=1 BEDLOAD_DATA=… cargo test --test it published_measurements` makes them again.
const PUBLISHED: &[(&str, &str)] = &[
    (
        "nova-lite",
        "DATA/llmeter_bedrock/nova_lite_prompt_cache_ttft.csv DATA/bedrock_recorded_calls/requests.csv \
         --columns input=uncached_input_tokens+prefix_tokens,ttft=ttft_s,model=model \
         --columns input=input_tokens+cache_write_tokens,cached=cache_read_tokens,output=output_tokens,latency=latency_ms,model=model_id \
         --model nova-lite --as-of 2026-04-16 --source \"LLMeter example notebooks, Nova Lite prompt caching \
         (github.com/awslabs/llmeter, Apache-2.0); recorded Bedrock calls in open-source test suites \
         (MIT, Apache-2.0)\"",
    ),
    (
        "nova-2-lite",
        "DATA/bedrock_prompt_optimization_ttft/requests.csv DATA/bedrock_recorded_calls/requests.csv \
         --columns input=input_tokens,output=output_tokens,ttft=ttft_s,model=model \
         --columns input=input_tokens+cache_write_tokens,cached=cache_read_tokens,output=output_tokens,latency=latency_ms,model=model_id \
         --model nova-2-lite --as-of 2026-08-21 --source \"Bedrock prompt-optimisation results \
         (github.com/aws-samples/amazon-bedrock-samples, MIT-0); recorded Bedrock calls in open-source \
         test suites (MIT, Apache-2.0)\"",
    ),
];

#[test]
fn published_measurements_give_the_profiles_that_are_shipped() {
    let Some(data) = std::env::var_os("BEDLOAD_DATA") else {
        eprintln!("not run: BEDLOAD_DATA names no folder with published measurements");
        return;
    };
    for (name, command) in PUBLISHED {
        let place = Place::new();
        let words = words(command);
        let words: Vec<String> = words
            .iter()
            .map(|word| match word.strip_prefix("DATA/") {
                Some(rest) => Path::new(&data).join(rest).display().to_string(),
                None => word.clone(),
            })
            .collect();
        let mut args: Vec<&str> = vec!["calibrate"];
        args.extend(words.iter().map(String::as_str));
        let told = format!("bedload calibrate {command}");
        args.extend(["--command", &told]);
        let output = place.bedload(&args);
        assert!(
            matches!(output.status.code(), Some(0 | 5)),
            "{}",
            said(&output)
        );
        let made = place.read(&format!("calibrated/latency/{name}.toml"));
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("profiles/latency/{name}.toml"));
        if std::env::var_os("BEDLOAD_UPDATE").is_some() {
            fs::write(&file, &made).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), made, "{name}");
    }
}

/// Words of a command, quoted ones whole.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in command.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

const PROBED: &str = r#"
name = "probed"
duration = "1m"
[[workload]]
name = "chat"
model = "claude-haiku-4-5"
max_tokens = 4096
arrival.poisson = { rate = "1/s" }
tokens.input = { fixed = 500 }
tokens.output = { fixed = 100 }
[service]
geo_hop = "0s"
[service.latency.fixed]
ttft = "300ms"
per_token = "10ms"
[quota]
tpm = "100k"
"#;

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// Serves [`PROBED`] under one rule, and its URL.
    fn start(place: &Place, window: &str, semantics: &str) -> (Self, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bedload"))
            .args(["serve", "probed.toml", "--listen", "127.0.0.1:0"])
            .args(["--set", &format!("quota.window=\"{window}\"")])
            .args(["--set", &format!("quota.semantics=\"{semantics}\"")])
            .current_dir(place.0.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let url = lines.find_map(|line| {
            let at = line.find("http://")?;
            Some(line[at..].split_whitespace().next()?.to_owned())
        });
        // Whatever else it says has to be read, or it would wait for ever.
        std::thread::spawn(move || lines.count());
        (Self(child), url.expect("a server says where it is"))
    }
}

/// Probes a server and gives the document.
fn probe(window: &str, semantics: &str) -> Value {
    let place = Place::new();
    place.write("probed.toml", PROBED);
    let (_server, url) = Server::start(&place, window, semantics);
    let output = place.bedload(&[
        "probe",
        "probed.toml",
        "--target",
        &url,
        "--format",
        "json",
        "-q",
        "--out",
        "probe",
    ]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_valid(PROBE_JSON_SCHEMA, &text);
    json(&text)
}

/// One live probe takes more than a minute, since the windows of quotas are minutes. All nine rules are told in
/// virtual time by the tests beside the probe; this is the way through sockets.
#[test]
fn a_probe_names_the_rule_of_a_server() {
    let document = probe("bucket", "B");
    assert_eq!(
        document["left"],
        serde_json::json!(["bucket/B"]),
        "{document:#}"
    );
    assert_eq!(document["failed"], 0);
}

#[test]
#[ignore = "nine probes of up to four minutes, at once"]
fn a_probe_names_every_rule_of_a_server() {
    let rules = ["sliding", "fixed", "bucket"]
        .into_iter()
        .flat_map(|window| ["A", "B", "C"].map(|semantics| (window, semantics)));
    let probes: Vec<_> = rules
        .map(|(window, semantics)| {
            (
                window,
                semantics,
                std::thread::spawn(move || probe(window, semantics)),
            )
        })
        .collect();
    for (window, semantics, probe) in probes {
        let document = probe.join().unwrap();
        assert_eq!(document["window"], window, "{document:#}");
        let left: Vec<&str> = document["left"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert!(
            left.contains(&&*format!("{window}/{semantics}")),
            "{document:#}"
        );
        let same = window != "fixed" && semantics != "B";
        assert_eq!(left.len(), if same { 2 } else { 1 }, "{document:#}");
    }
}
