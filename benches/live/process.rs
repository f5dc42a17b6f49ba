//! The program as a process on a core of its own.

use rustix::thread::{CpuSet, sched_setaffinity};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Binds this thread, and what it starts from now on, to a core. Says whether that worked; a
/// machine with a single core measures both sides on it.
pub fn on_core(core: usize) -> bool {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).is_ok()
}

/// A running `bedload`.
pub struct Bedload {
    child: Child,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Bedload {
    /// Starts `bedload` with these words on a core.
    pub fn start(core: usize, words: &[&str]) -> Self {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut child = std::thread::spawn(move || {
            on_core(core);
            Command::new(env!("CARGO_BIN_EXE_bedload"))
                .args(words)
                .stdout(Stdio::piped())
                .spawn()
                .expect("the program starts")
        })
        .join()
        .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            output,
            url: String::new(),
        }
    }

    /// Waits until a server says where it listens.
    pub fn listening(mut self) -> Self {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("the server says where it listens");
        self.url = said["listening"].as_str().unwrap().to_owned();
        self
    }

    /// The address of a server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits for the end of a run, and reads what it printed.
    pub fn summary(mut self) -> Value {
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        self.child.wait().unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// Processor time so far.
    pub fn cpu(&self) -> Duration {
        let stat = self.proc("stat");
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
    }

    /// Resident memory.
    pub fn rss_mib(&self) -> f64 {
        let status = self.proc("status");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .unwrap();
        let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib / 1024.0
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap_or_default()
    }

    /// What a server says of itself in Prometheus' words.
    pub fn metrics(&self) -> String {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        let request = format!(
            "GET /_bedload/metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Bedload {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
