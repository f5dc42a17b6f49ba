//! The program as a process, as benchmarks start and watch it.

use rustix::thread::{CpuSet, sched_setaffinity};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Binds this thread, and what it starts from now on, to a core. Says whether that worked; a
/// machine with a single core measures both sides on it.
pub fn on_core(core: usize) -> bool {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).is_ok()
}

/// Lets this thread, and what it starts from now on, run before everything that has no real-time priority. Says
/// whether that is allowed, and `chrt` is there.
pub fn in_real_time() -> bool {
    scheduled(["--fifo", "--pid", "1"])
}

/// Keeps a core from falling asleep as long as it lives, and takes time from nobody: a virtual core may be some
/// milliseconds late to wake.
pub struct Awake(Arc<AtomicBool>);

impl Awake {
    /// Begins with it.
    pub fn keep(core: usize) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        std::thread::spawn(move || {
            // With any other priority it would take time from what is measured.
            if on_core(core) && scheduled(["--idle", "--pid", "0"]) {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            }
        });
        Self(is_over)
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Has `chrt` set how this thread is scheduled.
fn scheduled(words: [&str; 3]) -> bool {
    let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
    let mut chrt = Command::new("chrt");
    chrt.args(words).arg(&thread).stderr(Stdio::null());
    chrt.status().is_ok_and(|status| status.success())
}

/// Writes a scenario into a folder that benchmarks may fill.
pub fn scenario_file(folder: &str, name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{name}.toml"));
    std::fs::write(&file, text).unwrap();
    file
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
        std::thread::spawn(move || {
            on_core(core);
            Self::spawn(&words, Stdio::inherit())
        })
        .join()
        .unwrap()
    }

    /// Serves a scenario on a core.
    pub fn serve(core: usize, scenario: &Path) -> Self {
        let words = serving(scenario);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Self::start(core, &words).listening()
    }

    /// Serves a scenario on any core, with `more` flags; what it complains of goes to a file.
    pub fn serve_logged(scenario: &Path, more: &[&str], log: &Path) -> Self {
        let mut words = serving(scenario);
        words.extend(more.iter().map(|word| (*word).to_owned()));
        let log = std::fs::File::create(log).unwrap();
        Self::spawn(&words, log.into()).listening()
    }

    fn spawn(words: &[String], complaints: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bedload"))
            .args(words)
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()
            .expect("the program starts");
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
        said["listening"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.url);
        self
    }

    /// Host and port of a server.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
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
        let line = status.lines().find(|line| line.starts_with("VmRSS"));
        // A process that has ended has none.
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
    }

    /// Open descriptors.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap_or_default()
    }

    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Asks the process to end; how it did, if it does within `patience`.
    pub fn interrupt(&mut self, patience: Duration) -> Option<ExitStatus> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).ok()?;
        let end = Instant::now() + patience;
        while Instant::now() < end {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// What a server says of itself in Prometheus' words.
    pub fn metrics(&self) -> String {
        self.ask("metrics").unwrap()
    }

    /// What a server answers to `GET /_bedload/…`, without the head.
    pub fn ask(&self, what: &str) -> std::io::Result<String> {
        self.tell("GET", what)
    }

    /// What a server says of its state.
    pub fn state(&self) -> Value {
        serde_json::from_str(&self.ask("state").unwrap()).unwrap()
    }

    /// Lets a server begin anew.
    pub fn reset(&self) {
        self.tell("POST", "reset").unwrap();
    }

    fn tell(&self, method: &str, what: &str) -> std::io::Result<String> {
        let address = self.address();
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let request = format!(
            "{method} /_bedload/{what} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let body = text.split_once("\r\n\r\n");
        Ok(body.map_or(text.clone(), |(_, body)| body.to_owned()))
    }
}

/// The words that serve a scenario on a free port.
fn serving(scenario: &Path) -> Vec<String> {
    let file = scenario.display().to_string();
    let words = ["serve", &file, "--listen", "127.0.0.1:0"];
    let quiet = ["--format", "json", "--quiet"];
    words
        .iter()
        .chain(&quiet)
        .map(|&word| word.to_owned())
        .collect()
}

impl Drop for Bedload {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
