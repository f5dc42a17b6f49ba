//! How fast invocation logs are imported, and in how much memory: synthetic records of about 2 KB with their bodies,
//! packed and plain, over 24 files and in one.
//!
//! ```text
//! cargo bench --bench import [-- RECORDS]
//! ```
//!
//! A million records by default. Without `--bench`, as `cargo test` calls it, it imports a few thousand once.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Hours of the log.
const HOURS: u64 = 24;
/// A day that is imported in one go, for which the figures are extrapolated.
const DAY: f64 = 10e6;

fn main() {
    let full = std::env::args().any(|word| word == "--bench");
    let wanted = std::env::args().find_map(|word| word.parse::<u64>().ok());
    let records = wanted.unwrap_or(if full { 1_000_000 } else { 5_000 });
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-import");
    let _ = fs::remove_dir_all(&root);
    println!("{records} records");
    for (name, packed, files) in [
        ("24 files, gzip", true, HOURS),
        ("24 files, plain", false, HOURS),
        ("1 file, plain", false, 1),
    ] {
        let folder = root.join(name.replace([' ', ','], "-"));
        let (lying, plain) = make(&folder, records, packed, files);
        let (seconds, peak_kb, sorted) = import(&folder, &root.join("out"));
        let per_second = records as f64 / seconds;
        println!(
            "{name:<16} {seconds:>7.2} s {per_second:>9.0} records/s {:>7.0} MB/s as they lie {:>7.0} MB/s of JSON, \
             peak {:>5.0} MB, sorted on disk {:>5.0} MB; 10 million: {:.1} min",
            lying as f64 / seconds / 1e6,
            plain as f64 / seconds / 1e6,
            peak_kb as f64 / 1e3,
            sorted as f64 / 1e6,
            DAY / per_second / 60.0,
        );
        fs::remove_dir_all(&folder).unwrap();
    }
    let _ = fs::remove_dir_all(&root);
}

/// Writes a log: bytes as they lie, and of plain JSON.
fn make(folder: &Path, records: u64, packed: bool, files: u64) -> (u64, u64) {
    fs::create_dir_all(folder).unwrap();
    let (mut lying, mut plain) = (0, 0);
    for file in 0..files {
        let path = folder.join(format!("{file:02}.json{}", if packed { ".gz" } else { "" }));
        let out = BufWriter::new(File::create(&path).unwrap());
        let mine = file * records / files..(file + 1) * records / files;
        plain += if packed {
            let mut gzip = GzEncoder::new(out, Compression::fast());
            let bytes = write(&mut gzip, mine, records);
            gzip.finish().unwrap().flush().unwrap();
            bytes
        } else {
            let mut out = out;
            let bytes = write(&mut out, mine, records);
            out.flush().unwrap();
            bytes
        };
        lying += path.metadata().unwrap().len();
    }
    (lying, plain)
}

fn write(out: &mut impl Write, mine: std::ops::Range<u64>, records: u64) -> u64 {
    const TEXT: &str =
        "The quarterly figures of the northern region were again above what had been expected. ";
    let mut bytes = 0;
    for n in mine {
        let second = n * HOURS * 3600 / records;
        // Conversations of three calls, in which each prompt holds the ones before.
        let (session, turn) = (n / 3, n % 3);
        let said: Vec<String> = (0..=2 * turn)
            .map(|m| {
                let role = if m % 2 == 0 { "user" } else { "assistant" };
                format!(
                    "{{\"role\":\"{role}\",\"content\":[{{\"text\":\"{session} {m} {TEXT}\"}}]}}"
                )
            })
            .collect();
        let line = format!(
            "{{\"schemaType\":\"ModelInvocationLog\",\"schemaVersion\":\"1.0\",\"timestamp\":\
             \"2026-11-01T{:02}:{:02}:{:02}Z\",\"accountId\":\"123456789012\",\"region\":\"us-east-1\",\
             \"requestId\":\"{:08x}-0000-4000-8000-{n:012x}\",\"operation\":\"ConverseStream\",\
             \"modelId\":\"us.anthropic.claude-haiku-4-5-20251001-v1:0\",\
             \"identity\":{{\"arn\":\"arn:aws:sts::123456789012:assumed-role/app/user-{}\"}},\
             \"input\":{{\"inputContentType\":\"application/json\",\"inputBodyJson\":{{\"messages\":[{}],\
             \"system\":[{{\"text\":\"{}\"}},{{\"cachePoint\":{{\"type\":\"default\"}}}}],\
             \"inferenceConfig\":{{\"maxTokens\":1024}}}},\"inputTokenCount\":{}}},\
             \"output\":{{\"outputContentType\":\"application/json\",\"outputBodyJson\":{{\"output\":{{\"message\":\
             {{\"role\":\"assistant\",\"content\":[{{\"text\":\"{}\"}}]}}}},\"stopReason\":\"end_turn\",\
             \"metrics\":{{\"latencyMs\":{}}},\"usage\":{{\"inputTokens\":300,\"outputTokens\":90}}}},\
             \"outputTokenCount\":90}}}}\n",
            second / 3600,
            second / 60 % 60,
            second % 60,
            n.wrapping_mul(2_654_435_761) as u32,
            session % 500,
            said.join(","),
            TEXT.repeat(6),
            300 + 60 * turn,
            TEXT.repeat(4),
            500 + n % 3000,
        );
        bytes += line.len() as u64;
        out.write_all(line.as_bytes()).unwrap();
    }
    bytes
}

/// Seconds of one import as a process, its largest memory in kB, and what it sorted on disk.
fn import(folder: &Path, out: &Path) -> (f64, u64, u64) {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bedload"))
        .args(["trace", "import", "--format", "json", "--quiet", "--out"])
        .arg(out)
        .arg(folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        // Where there is no such file, the peak is told as zero.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kb = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(kb.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    };
    let seconds = begun.elapsed().as_secs_f64();
    assert!(ended.success());
    let text = fs::read_to_string(out.join("import.json")).unwrap();
    let import = bedload::results::read_import(&text).unwrap();
    assert!(import.calls > 0 && import.skipped.is_empty());
    (seconds, peak, import.engine.sorted_on_disk_bytes)
}
