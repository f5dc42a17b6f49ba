//! `bedload trace import` as its users start it: damaged logs, real ones, a bucket and metrics.

use crate::clients::{CLIENTS, moto};
use bedload::load::trace::{CallEnd, ReadOptions, Recorded, TraceFormat, read_all};
use bedload::results::{ImportSummary, read_import};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A log line: request, second of the day, prompt of so many messages.
fn line(id: &str, second: u32, messages: u32) -> String {
    let said: Vec<String> = (0..messages)
        .map(|n| {
            let role = ["user", "assistant"][n as usize % 2];
            format!("{{\"role\":\"{role}\",\"content\":[{{\"text\":\"message {n} of {id:.1}\"}}]}}")
        })
        .collect();
    format!(
        "{{\"schemaType\":\"ModelInvocationLog\",\"schemaVersion\":\"1.0\",\"timestamp\":\
         \"2026-11-01T{:02}:{:02}:{:02}Z\",\"accountId\":\"123456789012\",\"region\":\"us-east-1\",\
         \"requestId\":\"{id}\",\"operation\":\"ConverseStream\",\
         \"modelId\":\"us.anthropic.claude-haiku-4-5-20251001-v1:0\",\
         \"identity\":{{\"arn\":\"arn:aws:sts::123456789012:assumed-role/app/secret-name\"}},\
         \"input\":{{\"inputContentType\":\"application/json\",\"inputBodyJson\":{{\"messages\":[{}],\
         \"system\":[{{\"text\":\"a secret system prompt\"}},{{\"cachePoint\":{{\"type\":\"default\"}}}}],\
         \"inferenceConfig\":{{\"maxTokens\":512}}}},\"inputTokenCount\":{}}},\
         \"output\":{{\"outputBodyJson\":{{\"stopReason\":\"end_turn\",\"metrics\":{{\"latencyMs\":900}}}},\
         \"outputTokenCount\":38}}}}\n",
        second / 3600,
        second / 60 % 60,
        second % 60,
        said.join(","),
        1000 + 100 * messages,
    )
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(text).unwrap();
    gz.finish().unwrap()
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedload"));
        command
            .args(["trace", "import"])
            .args(args)
            .current_dir(self.0.path());
        for name in [
            "AWS_PROFILE",
            "AWS_SESSION_TOKEN",
            "AWS_CONFIG_FILE",
            "AWS_REGION",
        ] {
            command.env_remove(name);
        }
        command
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null());
        command
    }

    fn import(&self, args: &[&str], code: i32) -> Output {
        let output = self.command(args).output().unwrap();
        let told = || {
            format!(
                "{}\n{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
        };
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{}", told());
        output
    }

    /// Imports into the folder `out` and reads back what was written.
    fn imported(&self, args: &[&str]) -> (ImportSummary, Recorded) {
        let mut all = args.to_vec();
        all.extend(["--out", "out", "--quiet"]);
        self.import(&all, 0);
        let summary = fs::read_to_string(self.path("out/import.json")).unwrap();
        let summary = read_import(&summary).unwrap();
        (summary, trace(&self.path("out/trace.csv")))
    }
}

fn trace(path: &Path) -> Recorded {
    let bytes = fs::read(path).unwrap();
    let reading = read_all(
        TraceFormat::Bedload,
        &ReadOptions::default(),
        bytes.as_slice(),
    );
    let reading = reading.unwrap_or_else(|error| panic!("{error}"));
    assert!(reading.problems.problems.is_empty(), "{}", reading.problems);
    reading.recorded
}

#[test]
fn damaged_logs_are_read_with_counts() {
    let place = Place::new();
    let hour = "AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/2026/11/01/12";
    let noon = 12 * 3600;
    place.write(
        &format!("{hour}/a.json.gz"),
        &gzip(
            [
                line("a1", noon, 1),
                line("a2", noon + 60, 3),
                line("b1", noon + 30, 1),
            ]
            .concat()
            .as_bytes(),
        ),
    );
    let whole = gzip(
        (0..3000)
            .map(|n| line(&format!("t{n}"), noon + n / 2, 1))
            .collect::<String>()
            .as_bytes(),
    );
    place.write(&format!("{hour}/b.json.gz"), &whole[..whole.len() * 2 / 3]);
    let mut mixed = Vec::new();
    mixed.extend_from_slice(line("a1", noon, 1).as_bytes());
    mixed.extend_from_slice(b"{\"schemaType\":\"Something\",\"modelId\":\"x\",\"timestamp\":\"2026-11-01T12:00:00Z\"}\n");
    mixed.extend_from_slice(
        b"{\"schemaType\":\"ModelInvocationLog\",\"modelId\":\"x\",\"timestamp\":7}\n",
    );
    mixed.extend_from_slice(b"\0\0\0\0\n");
    mixed.extend_from_slice(b"\xff\xfe\xfd\n\n");
    mixed.extend_from_slice(b"{\"schemaType\":\"ModelInvocationLog\",\"modelId\"\n");
    // Wrong types below the record are no reason to lose it.
    mixed.extend_from_slice(
        b"{\"schemaType\":\"ModelInvocationLog\",\"schemaVersion\":\"9.9\",\"modelId\":\"amazon.nova-lite-v1:0\",\
        \"timestamp\":\"2026-11-01T12:00:01Z\",\"requestId\":5,\"input\":[],\"output\":{\"outputTokenCount\":\"12\",\
        \"outputBodyJson\":7},\"identity\":null,\"errorCode\":\"ThrottlingException\"}\n",
    );
    mixed.extend(std::iter::repeat_n(b'x', 20 << 20));
    mixed.push(b'\n');
    mixed.extend_from_slice(line("c1", noon + 5, 1).trim_end().as_bytes());
    place.write(&format!("{hour}/c.json"), &mixed);
    place.write(&format!("{hour}/empty.json.gz"), b"");
    place.write(&format!("{hour}/notes.md"), b"# none\n");
    place.write(&format!("{hour}/data/a1_input.json.gz"), &gzip(b"{}"));
    place.write(
        "AWSLogs/123456789012/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check",
        b"",
    );
    let (summary, recorded) = place.imported(&["AWSLogs", "--salt", "x"]);
    let skipped = |reason: &str| summary.skipped.get(reason).copied().unwrap_or(0);
    assert_eq!(skipped("a copy of an earlier record"), 1);
    assert_eq!(skipped("JSON, but no record of an invocation log"), 1);
    assert_eq!(skipped("no time stamp that can be read"), 1);
    assert_eq!(skipped("not JSON"), 1);
    assert_eq!(skipped("the line is not UTF-8"), 1);
    assert_eq!(skipped("the line is longer than 16 MiB"), 1);
    assert_eq!(skipped("the file breaks off"), 1);
    assert_eq!(
        skipped("the JSON object is cut off"),
        2,
        "{:?}",
        summary.skipped
    );
    assert_eq!(summary.files.read, 3);
    assert_eq!(summary.files.ignored["permission checks of the log"], 1);
    assert_eq!(summary.files.ignored["bodies in files of their own"], 1);
    assert_eq!(summary.files.ignored["empty files"], 1);
    assert_eq!(summary.files.ignored["files of another kind"], 1);
    assert!(summary.out_of_order >= 1);
    assert_eq!(summary.ends["throttled"], 1);
    assert!(
        summary.calls > 1000 && summary.calls < 3005,
        "{}",
        summary.calls
    );
    assert_eq!(recorded.calls.len() as u64, summary.calls);
    assert!(recorded.calls.is_sorted_by_key(|call| call.at));
    assert_eq!(summary.first.as_deref(), Some("2026-11-01T12:00:00Z"));
    let problem = summary
        .problems
        .iter()
        .find(|p| p.contains("c.json:3: "))
        .unwrap();
    assert!(problem.contains("help:"), "{problem}");
    for name in ["out/trace.csv", "out/import.json"] {
        let text = fs::read_to_string(place.path(name)).unwrap();
        for secret in ["secret", "message 0", "123456789012:", "a1_"] {
            assert!(!text.contains(secret), "{name} holds `{secret}`");
        }
    }
    // The same salt gives the same bytes, whatever the number of threads.
    let before = fs::read(place.path("out/trace.csv")).unwrap();
    place.imported(&["AWSLogs", "--salt", "x", "--threads", "3"]);
    assert_eq!(fs::read(place.path("out/trace.csv")).unwrap(), before);
    let strict = place.import(&["AWSLogs", "--strict", "--out", "strict"], 3);
    assert!(String::from_utf8_lossy(&strict.stderr).contains("error: "));
    assert!(!place.path("strict").exists());
}

#[test]
fn an_import_is_replayed_by_its_scenario() {
    let place = Place::new();
    let mut text: String = (0..200)
        .map(|n| line(&format!("r{n}"), n, 1 + 2 * (n % 3)))
        .collect();
    text += &line("n1", 300, 1).replace(
        "anthropic.claude-haiku-4-5-20251001-v1:0",
        "amazon.nova-lite-v1:0",
    );
    text += &line("n2", 301, 1).replace(
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc",
    );
    place.write("log.jsonl", text.as_bytes());
    let (summary, recorded) = place.imported(&[
        "log.jsonl",
        "--profile",
        "application-inference-profile/abc=nova-lite",
    ]);
    assert_eq!(summary.calls, 202);
    assert_eq!(summary.models[0].name, "claude-haiku-4-5");
    assert_eq!(
        (&*summary.models[1].name, summary.models[1].calls),
        ("nova-lite", 2)
    );
    assert_eq!(summary.models[0].max_tokens, Some(512));
    assert_eq!(recorded.places.len(), 2);
    let simulated = Command::new(env!("CARGO_BIN_EXE_bedload"))
        .args([
            "simulate",
            "out/scenario-replay.toml",
            "--format",
            "json",
            "--out",
            "run",
        ])
        .current_dir(place.0.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&simulated.stderr);
    let document: serde_json::Value =
        serde_json::from_slice(&simulated.stdout).unwrap_or_else(|_| panic!("{told}"));
    assert_eq!(document["variants"][0]["requests"]["offered"], 202);
    let checked = Command::new(env!("CARGO_BIN_EXE_bedload"))
        .args(["check", "out/scenario-like.toml", "--brief"])
        .current_dir(place.0.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{told}");
}

#[test]
fn the_trace_alone_can_be_packed() {
    let place = Place::new();
    place.write("log.jsonl", line("r", 0, 1).as_bytes());
    place.import(&["log.jsonl", "--out", "calls.csv.gz", "--quiet"], 0);
    let packed = fs::read(place.path("calls.csv.gz")).unwrap();
    assert_eq!(packed[..2], [0x1f, 0x8b]);
    let recorded = trace(&place.path("calls.csv.gz"));
    assert_eq!(
        (recorded.calls.len(), recorded.calls[0].end),
        (1, CallEnd::Answered)
    );
    let names: Vec<_> = fs::read_dir(place.0.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn what_cannot_be_imported_is_told() {
    let place = Place::new();
    place.write("x.bin", b"nothing known");
    place.write("log.jsonl", b"{\"schemaType\":\"ModelInvocationLog\"}\n");
    place.write("a.csv", b"a,b\n1,2\n");
    place.write("full/thesis.tex", b"x");
    for (args, code, said) in [
        (&["missing"][..], 3, "cannot read `missing`"),
        (&["x.bin"], 3, "name it with `--as`"),
        (&["log.jsonl"], 3, "no call was found"),
        (&["a.csv"], 2, "--at NAME"),
        (
            &["a.csv", "--at", "a", "--input", "b", "--output", "c"],
            3,
            "the column is missing",
        ),
        (
            &["log.jsonl", "--from", "yesterday"],
            2,
            "`--from yesterday` is no moment",
        ),
        (
            &["log.jsonl", "--out", "full"],
            1,
            "holds no earlier import",
        ),
        (&["cloudwatch"], 2, "for a span"),
        (&["s3://"], 2, "s3://BUCKET"),
        (
            &["s3://b", "--endpoint-url", "http://127.0.0.1:9"],
            2,
            "--region",
        ),
        (
            &[
                "s3://b",
                "--endpoint-url",
                "http://127.0.0.1:9",
                "--region",
                "us-east-1",
            ],
            4,
            "nothing listens",
        ),
    ] {
        let output = place.import(args, code);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(said), "{args:?}: {told}");
    }
    assert!(place.path("full/thesis.tex").exists());
}

/// The data folder; `None` after saying that the test did not run.
fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("BEDLOAD_DATA");
    if folder.is_none() {
        eprintln!("not run: BEDLOAD_DATA names no folder of recorded traffic");
    }
    folder.map(PathBuf::from)
}

#[test]
fn real_traces_are_imported() {
    let Some(data) = data() else {
        return;
    };
    let place = Place::new();
    let import = |name: &str, more: &[&str]| {
        let path = data.join(name);
        let mut args = vec![path.to_str().unwrap()];
        args.extend(more);
        place.imported(&args)
    };
    // The figures of the folders' READMEs.
    let (summary, recorded) = import(
        "bedrock_invocation_logs/claude_sonnet4_invokemodel.jsonl",
        &[],
    );
    assert_eq!(
        (summary.calls, &*summary.models[0].name),
        (18, "claude-sonnet-4")
    );
    assert_eq!(summary.ends.get("blocked"), Some(&3));
    assert_eq!(summary.models[0].max_tokens, Some(512));
    assert!(
        recorded
            .calls
            .iter()
            .filter(|c| c.end == CallEnd::Answered)
            .all(|c| c.input == 219)
    );
    let (summary, _) = import("bedrock_invocation_logs/insights_query_result.json", &[]);
    assert!(summary.calls >= 2, "{}", summary.calls);
    assert_eq!(summary.format, "bedrock-log");
    let (summary, recorded) = import(
        "bedrock_invocation_logs/single_published_records.jsonl",
        &[],
    );
    assert_eq!(summary.calls, 2);
    assert_eq!(
        summary.skipped["no time stamp that can be read"], 1,
        "its author masked it"
    );
    assert_eq!(recorded.calls[0].latency.map(|l| l.0), Some(302_000));
    let (summary, _) = import("azure_llm_2023/AzureLLMInferenceTrace_code.csv", &[]);
    assert_eq!((summary.calls, &*summary.format), (8819, "azure"));
    assert!((summary.span_s - 3436.0).abs() < 0.5);
    let (summary, recorded) = import("mooncake/conversation_trace.jsonl.gz", &[]);
    assert_eq!((summary.calls, recorded.block_tokens), (12_031, 512));
    let (summary, recorded) = import("claude_code_sessions/requests.csv.gz", &[]);
    assert_eq!(summary.skipped["a copy of an earlier row"], 1299);
    assert_eq!(summary.calls, 24_665 - 1299);
    assert!(summary.session_clock && recorded.session_clock);
    let (summary, recorded) = import("agent_selfhosted_qwen3/requests.csv", &[]);
    assert_eq!(summary.calls, 17);
    assert!(recorded.calls.iter().any(|call| call.cache_read == 5232));
    let (summary, recorded) = import(
        "servegen/deepseek-r1_day1_odd_clients_client_rates.csv.gz",
        &["--from", "0", "--to", "7200"],
    );
    // 600 s windows of that pool: its total_rate table tells the requests of the first two hours.
    let rates =
        fs::read_to_string(data.join("servegen/deepseek-r1_day1_odd_clients_total_rate.csv"))
            .unwrap();
    let expected: f64 = rates
        .lines()
        .skip(1)
        .take(12)
        .map(|line| line.split(',').nth(1).unwrap().parse::<f64>().unwrap() * 600.0)
        .sum();
    assert!(
        (summary.calls as f64 / expected - 1.0).abs() < 0.01,
        "{} {expected}",
        summary.calls
    );
    let mean = recorded
        .calls
        .iter()
        .map(|c| f64::from(c.output))
        .sum::<f64>()
        / summary.calls as f64;
    assert!((mean / 1675.0 - 1.0).abs() < 0.05, "{mean}");
}

/// A server of S3 and one of `CloudWatch`.
struct Moto {
    child: Child,
    url: String,
    cloudwatch: String,
}

impl Moto {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(moto().join("bin/python"))
            .arg("-B")
            .arg(Path::new(CLIENTS).join("moto_server.py"))
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = || {
            let url = lines.next().unwrap().unwrap();
            assert!(url.starts_with("http://"), "moto said `{url}`");
            url
        };
        let (url, cloudwatch) = (next(), next());
        Self {
            child,
            url,
            cloudwatch,
        }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[test]
fn buckets_and_metrics_are_imported() {
    let place = Place::new();
    let below = "p/AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/2026/11/01";
    for hour in 10..14u32 {
        let text: String = (0..50)
            .map(|n| line(&format!("h{hour}n{n}"), hour * 3600 + n * 60, 1))
            .collect();
        let name = format!("bucket/{below}/{hour}/20261101T{hour}0000Z_x.json.gz");
        place.write(&name, &gzip(text.as_bytes()));
    }
    // A request too large for its line lies in a file of its own.
    let large = "{\"schemaType\":\"ModelInvocationLog\",\"timestamp\":\"2026-11-01T12:30:00.5Z\",\
        \"requestId\":\"big\",\"operation\":\"Converse\",\"modelId\":\"amazon.nova-lite-v1:0\",\"input\":\
        {\"inputBodyS3Path\":\"s3://logs/KEY\",\"inputTokenCount\":90000},\"output\":{\"outputTokenCount\":9}}\n";
    let body = format!("{below}/12/data/big_input.json.gz");
    place.write(
        &format!("bucket/{below}/12/large.json"),
        large.replace("KEY", &body).as_bytes(),
    );
    place.write(
        &format!("bucket/{body}"),
        &gzip(b"{\"messages\":[{\"content\":[{\"text\":\"x\"}]}],\"inferenceConfig\":{\"maxTokens\":77}}"),
    );
    place.write("bucket/p/AWSLogs/123456789012/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check", b"");
    let moto = Moto::start(&place.path("bucket"));
    let at = ["--endpoint-url", &*moto.url, "--region", "us-east-1"];
    let mut args = vec!["s3://logs/p"];
    args.extend(at);
    let (summary, _) = place.imported(&args);
    assert_eq!((summary.calls, summary.files.read), (201, 5));
    assert_eq!(summary.files.ignored["permission checks of the log"], 1);
    let log = summary.log.unwrap();
    assert_eq!((log.bodies_read, log.bodies_missing), (1, 0));
    let nova = summary
        .models
        .iter()
        .find(|model| model.name == "nova-lite")
        .unwrap();
    assert_eq!(nova.max_tokens, Some(77));
    args.extend(["--from", "2026-11-01T12", "--to", "2026-11-01T13"]);
    let (summary, _) = place.imported(&args);
    assert_eq!(
        (summary.calls, summary.first.as_deref()),
        (51, Some("2026-11-01T12:00:00Z"))
    );
    assert_eq!(
        summary.files.read, 4,
        "an hour before and after, since delivery lags"
    );
    let mut nowhere = vec!["s3://nowhere/p", "--out", "none"];
    nowhere.extend(at);
    let told = place.import(&nowhere, 4);
    assert!(String::from_utf8_lossy(&told.stderr).contains("no bucket `nowhere`"));

    let mut args = vec![
        "cloudwatch",
        "--model",
        "claude-haiku-4-5",
        "--out",
        "demand",
        "--format",
        "json",
    ];
    args.extend(["--from", "2026-11-01T00", "--to", "2026-11-03T00"]);
    args.extend(["--endpoint-url", &*moto.cloudwatch, "--region", "us-east-1"]);
    let told = place.import(&args, 0);
    let document: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(document["hours"], 48);
    assert_eq!(document["requests"], f64::from(48 * 100 + 47 * 24 + 48 * 3));
    assert_eq!(document["totals"]["TimeToFirstToken"], 800.0);
    assert_eq!(
        document["called_as"][0],
        "us.anthropic.claude-haiku-4-5-20251001-v1:0"
    );
    let checked = Command::new(env!("CARGO_BIN_EXE_bedload"))
        .args(["check", "demand/scenario-demand.toml", "--brief"])
        .current_dir(place.0.path())
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}
