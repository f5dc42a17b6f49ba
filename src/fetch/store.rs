//! Where log files lie: in folders, or in a bucket.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The file that Bedrock writes to see whether it may.
const PERMISSION_CHECK: &str = "amazon-bedrock-logs-permission-check";

/// Log files that can be opened by number.
pub trait LogStore: Sync {
    /// How many files there are.
    fn files(&self) -> usize;

    /// The name of a file, for messages.
    fn name(&self, file: usize) -> String;

    /// The bytes of a file as they lie.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&self, file: usize) -> io::Result<Box<dyn BufRead + Send + '_>>;

    /// The body of a request or an answer that was too large for its line, as it lies; `None` if it is not there.
    fn body(&self, file: usize, wanted: &BodyName<'_>) -> Option<Vec<u8>>;

    /// Whether there may be bodies beside a file, also for lines that name none.
    fn has_bodies(&self, file: usize) -> bool;

    /// How many files are best open at once, with so many threads.
    fn open_at_once(&self, threads: usize) -> usize;

    /// Bytes read so far.
    fn bytes_read(&self) -> u64;
}

/// The body of a call in a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyName<'a> {
    /// The request.
    pub request_id: &'a str,
    /// The address that the line gives, such as `s3://bucket/key`; may be empty.
    pub path: &'a str,
    /// Whether it is the answer.
    pub is_output: bool,
}

impl BodyName<'_> {
    /// The file's name (user guide, model-invocation-logging).
    pub fn file_name(&self) -> String {
        let from_path = self.path.rsplit('/').next().unwrap_or_default();
        if from_path.is_empty() {
            let kind = if self.is_output { "output" } else { "input" };
            format!("{}_{kind}.json.gz", self.request_id)
        } else {
            from_path.to_owned()
        }
    }
}

/// The hour, in hours since 1970, in whose folder a log file lies: `…/YYYY/MM/DD/HH/name`.
pub fn hour_of_key(key: &str) -> Option<i64> {
    let mut parts = key.rsplit('/').skip(1);
    let mut number = |digits: usize| -> Option<u32> {
        let part = parts.next()?;
        let plain = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse().ok()).flatten()
    };
    let (hour, day, month, year) = (number(2)?, number(2)?, number(2)?, number(4)?);
    let date = crate::units::Date::parse(&format!("{year:04}-{month:02}-{day:02}"))?;
    let days = date.days_since(crate::units::Date::from_days(0));
    (hour < 24).then(|| days * 24 + i64::from(hour))
}

/// Whether the folder of a file can hold calls of a span. Records may be delivered in the hour after their own.
pub fn may_hold(key: &str, from_us: Option<i64>, to_us: Option<i64>) -> bool {
    const HOUR_US: i64 = 3_600_000_000;
    let Some(hour) = hour_of_key(key) else {
        return true;
    };
    from_us.is_none_or(|from| hour + 1 > from.div_euclid(HOUR_US) - 1)
        && to_us.is_none_or(|to| hour - 1 <= (to - 1).div_euclid(HOUR_US))
}

/// Why a key or a path is no file of records; `None` if it may be one.
pub fn ignored(key: &str, bytes: u64) -> Option<&'static str> {
    let name = key.rsplit('/').next().unwrap_or(key);
    let is_body = name.contains("_input.json") || name.contains("_output.json");
    if name.contains(PERMISSION_CHECK) {
        Some("permission checks of the log")
    } else if is_body && key.contains("data/") {
        // They are read where a record names them.
        Some("bodies in files of their own")
    } else if bytes == 0 {
        Some("empty files")
    } else if name.starts_with('.') || !has_log_name(name) {
        Some("files of another kind")
    } else {
        None
    }
}

fn has_log_name(name: &str) -> bool {
    let stem = name.strip_suffix(".gz").unwrap_or(name);
    match Path::new(stem).extension().and_then(|e| e.to_str()) {
        None => true,
        Some(extension) => ["json", "jsonl", "ndjson", "log", "txt"].contains(&extension),
    }
}

/// Log files in folders.
#[derive(Debug, Default)]
pub struct Folders {
    files: Vec<PathBuf>,
    bytes: u64,
    ignored: BTreeMap<String, u64>,
    read: AtomicU64,
}

impl Folders {
    /// The log files at `paths`, in folders and below; those outside of the span by their folder are left out.
    ///
    /// # Errors
    /// A path that cannot be read, with its reason.
    pub fn find(
        paths: &[PathBuf],
        from_us: Option<i64>,
        to_us: Option<i64>,
    ) -> Result<Self, (PathBuf, io::Error)> {
        let mut found = Self::default();
        for path in paths {
            let about = fs::metadata(path).map_err(|error| (path.clone(), error))?;
            if about.is_dir() {
                found.walk(path, from_us, to_us)?;
            } else {
                // A file that the user names is read whatever it is called.
                found.bytes += about.len();
                found.files.push(path.clone());
            }
        }
        Ok(found)
    }

    fn walk(
        &mut self,
        folder: &Path,
        from_us: Option<i64>,
        to_us: Option<i64>,
    ) -> Result<(), (PathBuf, io::Error)> {
        let failed = |error| (folder.to_owned(), error);
        let entries = fs::read_dir(folder).map_err(failed)?;
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<_>>()
            .map_err(failed)?;
        paths.sort();
        for path in paths {
            let about = fs::metadata(&path).map_err(|error| (path.clone(), error))?;
            if about.is_dir() {
                self.walk(&path, from_us, to_us)?;
                continue;
            }
            let key = path.to_string_lossy().replace('\\', "/");
            let reason = ignored(&key, about.len())
                .or_else(|| (!may_hold(&key, from_us, to_us)).then_some("files of other hours"));
            if let Some(reason) = reason {
                *self.ignored.entry(reason.to_owned()).or_insert(0) += 1;
            } else {
                self.bytes += about.len();
                self.files.push(path);
            }
        }
        Ok(())
    }

    /// The files in their order.
    pub fn paths(&self) -> &[PathBuf] {
        &self.files
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Files left out, by reason.
    pub fn ignored(&self) -> &BTreeMap<String, u64> {
        &self.ignored
    }

    fn data_folder(&self, file: usize) -> Option<PathBuf> {
        Some(self.files.get(file)?.parent()?.join("data"))
    }
}

impl LogStore for Folders {
    fn files(&self) -> usize {
        self.files.len()
    }

    fn name(&self, file: usize) -> String {
        self.files
            .get(file)
            .map(|path| path.display().to_string())
            .unwrap_or_default()
    }

    fn open(&self, file: usize) -> io::Result<Box<dyn BufRead + Send + '_>> {
        let path = self.files.get(file).ok_or(io::ErrorKind::NotFound)?;
        let counted = Counted {
            inner: File::open(path)?,
            read: &self.read,
        };
        Ok(Box::new(BufReader::with_capacity(1 << 18, counted)))
    }

    fn body(&self, file: usize, wanted: &BodyName<'_>) -> Option<Vec<u8>> {
        let folder = self.data_folder(file)?;
        let name = wanted.file_name();
        // A name is no way out of the folder.
        let plain = !name.contains(['/', '\\']) && name != "..";
        plain.then(|| fs::read(folder.join(name)).ok()).flatten()
    }

    fn has_bodies(&self, file: usize) -> bool {
        self.data_folder(file).is_some_and(|folder| folder.is_dir())
    }

    fn open_at_once(&self, threads: usize) -> usize {
        threads
    }

    fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// Counts what is read.
struct Counted<'a, R> {
    inner: R,
    read: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(out)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_keys() {
        let key = "p/AWSLogs/1/BedrockModelInvocationLogs/us-east-1/2026/11/01/12/20261101T120000Z_a.json.gz";
        let hour = 1_793_534_400 / 3600;
        assert_eq!(hour_of_key(key), Some(hour));
        assert_eq!(hour_of_key("2026/11/01/25/x"), None);
        assert_eq!(hour_of_key("x.json"), None);
        let at = |hours: i64| Some((hour + hours) * 3_600_000_000);
        assert!(may_hold(key, at(0), at(1)));
        assert!(may_hold(key, at(1), None), "delivered in the hour before");
        assert!(may_hold(key, None, at(0)), "delivered in the hour after");
        assert!(!may_hold(key, at(2), None));
        assert!(!may_hold(key, None, at(-1)));
    }

    #[test]
    fn what_is_no_log() {
        assert_eq!(ignored("a/b.json.gz", 5), None);
        assert_eq!(ignored("a/b.json.gz", 0), Some("empty files"));
        assert_eq!(
            ignored("a/amazon-bedrock-logs-permission-check", 0),
            Some("permission checks of the log")
        );
        assert_eq!(
            ignored("a/12/data/r1_input.json.gz", 5),
            Some("bodies in files of their own")
        );
        assert_eq!(ignored("a/README.md", 5), Some("files of another kind"));
    }
}
