//! A thread loop on boto3.

use super::process::on_core;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LOOP: &str = r#"
import sys, threading, time, boto3
from botocore.config import Config
url, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
config = Config(max_pool_connections=threads)
client = boto3.client("bedrock-runtime", endpoint_url=url, region_name="us-east-1",
    aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", config=config)
end, counts = time.monotonic() + seconds, [0] * threads
def work(i):
    messages = [{"role": "user", "content": [{"text": "Say something about rivers."}]}]
    while time.monotonic() < end:
        for event in client.converse_stream(modelId="us.anthropic.claude-sonnet-4-6",
                messages=messages)["stream"]:
            pass
        counts[i] += 1
all = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
[t.start() for t in all]; [t.join() for t in all]
print(sum(counts) / seconds)
"#;

/// Streams per second with `threads` threads; `None` without a Python that has boto3.
pub fn calls_per_second(core: usize, url: &str, threads: u32, for_time: Duration) -> Option<f64> {
    let python = python()?;
    let words = [
        url.to_owned(),
        threads.to_string(),
        for_time.as_secs_f64().to_string(),
    ];
    let output = std::thread::spawn(move || {
        on_core(core);
        Command::new(python).args(["-c", LOOP]).args(words).output()
    })
    .join()
    .unwrap()
    .ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The Python of the tests, or the system's.
fn python() -> Option<PathBuf> {
    let of_tests = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boto3/bin/python");
    [of_tests, PathBuf::from("python3")]
        .into_iter()
        .find(|python| {
            let found = Command::new(python).args(["-c", "import boto3"]).output();
            found.is_ok_and(|output| output.status.success())
        })
}
