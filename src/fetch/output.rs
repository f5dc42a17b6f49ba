//! Where an import goes: a folder that appears when it is whole, or one file.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The file by which a folder of an earlier import is known.
const MARK: &str = "import.json";
const PARTIAL: &str = ".partial";

/// Why an import could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}; choose another place with `--out`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The folder holds something else.
    #[error(
        "`{}` is not empty and holds no earlier import: name a new folder or empty it first",
        path.display()
    )]
    NotAnImport {
        /// The path.
        path: PathBuf,
    },
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OutputError {
    let path = path.to_owned();
    move |source| OutputError::Io {
        action,
        path,
        source,
    }
}

/// Where an import goes. What is not finished is removed when it is dropped.
#[derive(Debug)]
pub struct Output {
    /// The folder in which files grow.
    work: PathBuf,
    target: PathBuf,
    /// Whether only the trace is wanted, as one file.
    is_file: bool,
    finished: bool,
}

impl Output {
    /// Begins an import at `target`: a file if its name ends in `.csv` or `.csv.gz`, or else a folder.
    ///
    /// # Errors
    /// A place that cannot be written, or a folder that holds something else.
    pub fn begin(target: &Path) -> Result<Self, OutputError> {
        let target: PathBuf = target.components().collect();
        let name = target
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let Some(name) = name else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "it cannot be replaced");
            return Err(io("use", &target)(source));
        };
        let is_file = is_trace(&name);
        if !is_file {
            let taken = match fs::read_dir(&target) {
                Ok(mut entries) => entries.next().is_some(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(io("use the folder", &target)(error)),
            };
            if taken && !target.join(MARK).is_file() {
                return Err(OutputError::NotAnImport { path: target });
            }
        }
        let work = target.with_file_name(format!("{name}{PARTIAL}"));
        if work.exists() {
            // Only imports make folders of such names, and one that was killed leaves it behind.
            fs::remove_dir_all(&work).map_err(io("remove the unfinished import", &work))?;
        }
        fs::create_dir_all(&work).map_err(io("create the folder", &work))?;
        Ok(Self {
            work,
            target,
            is_file,
            finished: false,
        })
    }

    /// Whether only the trace is wanted.
    pub fn is_file(&self) -> bool {
        self.is_file
    }

    /// Whether the trace is to be packed with gzip.
    pub fn is_packed(&self) -> bool {
        self.target
            .extension()
            .is_some_and(|extension| extension == "gz")
    }

    /// The path that a file will have in the end.
    pub fn path(&self, name: &str) -> PathBuf {
        if self.is_file {
            self.target.clone()
        } else {
            self.target.join(name)
        }
    }

    /// The path at which a file grows.
    pub fn draft(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    /// Creates a file that grows.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn create(&self, name: &str) -> Result<File, OutputError> {
        let path = self.draft(name);
        File::create(&path).map_err(io("write", &path))
    }

    /// Writes a whole file.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        let path = self.draft(name);
        fs::write(&path, bytes).map_err(io("write", &path))
    }

    /// An error of writing to a file that grows.
    pub fn refused(&self, name: &str, source: io::Error) -> OutputError {
        io("write", &self.path(name))(source)
    }

    /// Gives everything its name. `trace` is the file that stays if only one is wanted.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn finish(mut self, trace: &str) -> Result<PathBuf, OutputError> {
        if self.is_file {
            let draft = self.draft(trace);
            fs::rename(&draft, &self.target).map_err(io("write", &self.target))?;
            // Only drafts are left in it.
            let _ = fs::remove_dir_all(&self.work);
        } else {
            if self.target.exists() {
                fs::remove_dir_all(&self.target).map_err(io("replace", &self.target))?;
            }
            fs::rename(&self.work, &self.target).map_err(io("create the folder", &self.target))?;
        }
        self.finished = true;
        Ok(self.target.clone())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed is replaced by the next import.
            let _ = fs::remove_dir_all(&self.work);
        }
    }
}

fn is_trace(name: &str) -> bool {
    let stem = name.strip_suffix(".gz").unwrap_or(name);
    Path::new(stem)
        .extension()
        .is_some_and(|extension| extension == "csv")
}
