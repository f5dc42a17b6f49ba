//! Run folders: each file whole or absent, the folder under its final name only when complete.
//!
//! A run is written into a sibling folder that ends in `.partial` and takes its own name at the
//! end. A kill at any moment leaves a readable folder that says that it is partial.

use crate::report::{FolderError, FolderFiles, ResultFolder};
use crate::results::{Manifest, read_manifest};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use thiserror::Error;

const MANIFEST: &str = "manifest.json";
const PARTIAL: &str = ".partial";
/// Folders of equal names that are told apart by a number.
const MOST_COLLISIONS: u32 = 1000;

/// Why a run could not be stored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}; choose another folder with `--out DIR`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The folder named by the user holds something else.
    #[error(
        "`{}` is not empty and holds no bedload run: name a new folder or empty it first",
        path.display()
    )]
    NotARun {
        /// The path.
        path: PathBuf,
    },
}

/// Why a results folder could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResultError {
    /// There is no such folder, or no run in it.
    #[error("{why}")]
    NotThere {
        /// What is missing.
        why: String,
    },
    /// A file of it could not be read.
    #[error("cannot read `{file}`: {source}")]
    Io {
        /// The file's name in the folder.
        file: &'static str,
        /// The reason.
        source: io::Error,
    },
    /// A file of it does not say what it should.
    #[error(transparent)]
    Content(#[from] FolderError),
}

impl ResultError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NotThere { .. } | Self::Content(FolderError::NoResult) => {
                "name a folder that `simulate`, `run`, `search`, `lab` or `plan` left"
            }
            Self::Io { .. } => "see that you may read it",
            Self::Content(_) => "make the run again, with this version of bedload",
        }
    }
}

/// Reads a results folder, which may be named by a file in it.
///
/// # Errors
/// If it is none, or a file of it is damaged.
pub fn read_result(path: &Path) -> Result<ResultFolder, ResultError> {
    let folder = match path.parent() {
        Some(parent) if path.is_file() => parent,
        _ => path,
    };
    if !folder.is_dir() {
        return Err(ResultError::NotThere {
            why: "there is no such folder".to_owned(),
        });
    }
    let bytes = |file: &'static str| match fs::read(folder.join(file)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ResultError::Io { file, source }),
    };
    // What is no text fails where it is read as what it should be, with its place.
    let text = |file| {
        let bytes: Result<Option<Vec<u8>>, ResultError> = bytes(file);
        bytes.map(|bytes| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let Some(manifest) = text(MANIFEST)? else {
        return Err(ResultError::NotThere {
            why: format!("it is no result of bedload: it has no {MANIFEST}"),
        });
    };
    let (summary, lab) = (text("summary.json")?, text("lab.json")?);
    let (plan, timeline) = (text("plan.json")?, text("timeline.csv")?);
    let histograms = bytes("histograms.hlog")?;
    let files = FolderFiles {
        manifest: Some(&manifest),
        summary: summary.as_deref(),
        lab: lab.as_deref(),
        plan: plan.as_deref(),
        timeline: timeline.as_deref(),
        histograms: histograms.as_deref(),
    };
    Ok(ResultFolder::read(&folder.display().to_string(), files)?)
}

/// Writes a file outside of run folders, whole or not at all, with the folders above it.
///
/// # Errors
/// If the operating system refuses.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).map_err(io("create the folder", folder))?;
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(".tmp");
    let draft = PathBuf::from(draft);
    write_whole(path, &draft, bytes)
}

fn write_whole(path: &Path, draft: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let written = (|| {
        let mut file = File::create(draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(draft, path)
    })();
    written.map_err(|source| {
        // What cannot be removed is named as what it is.
        let _ = fs::remove_file(draft);
        io("write", path)(source)
    })
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io {
        action,
        path,
        source,
    }
}

/// A run being written.
#[derive(Debug)]
pub struct RunFolder {
    work: PathBuf,
    target: PathBuf,
    manifest: Manifest,
    replaces: bool,
}

impl RunFolder {
    /// Begins a run below `runs`, named by its time, scenario and the short hash of `manifest`.
    ///
    /// `timestamp` is the caller's, such as `20261123T010203Z`.
    pub fn create(runs: &Path, timestamp: &str, manifest: Manifest) -> Result<Self, StoreError> {
        let name = format!(
            "{}-{}-{}",
            file_name(timestamp),
            file_name(&manifest.scenario),
            short_hash(&manifest)
        );
        fs::create_dir_all(runs).map_err(io("create the folder", runs))?;
        for number in 1..MOST_COLLISIONS {
            let target = match number {
                1 => runs.join(&name),
                _ => runs.join(format!("{name}-{number}")),
            };
            let work = with_suffix(&target);
            if target.exists() {
                continue;
            }
            match fs::create_dir(&work) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => {
                    made.map_err(io("create the folder", &work))?;
                    return Self::begin(work, target, manifest, false);
                }
            }
        }
        let source = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(io("create the folder", &runs.join(name))(source))
    }

    /// Begins a run in the folder that the user named; an earlier run in it is replaced when
    /// this one is complete, and anything else is left alone.
    pub fn create_at(target: &Path, manifest: Manifest) -> Result<Self, StoreError> {
        // Without a slash at its end, so that the unfinished run lies beside it and not within.
        let target: &Path = &target.components().collect::<PathBuf>();
        if target.file_name().is_none() {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "it cannot be replaced");
            return Err(io("use the folder", target)(source));
        }
        let is_run = |path: &Path| {
            fs::read_to_string(path.join(MANIFEST)).is_ok_and(|text| read_manifest(&text).is_ok())
        };
        let taken = match fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(io("use the folder", target)(error)),
        };
        if taken && !is_run(target) {
            return Err(StoreError::NotARun {
                path: target.to_owned(),
            });
        }
        let work = with_suffix(target);
        if work.exists() {
            if !is_run(&work) {
                return Err(StoreError::NotARun { path: work });
            }
            fs::remove_dir_all(&work).map_err(io("remove the unfinished run", &work))?;
        }
        fs::create_dir_all(&work).map_err(io("create the folder", &work))?;
        Self::begin(work, target.to_owned(), manifest, target.exists())
    }

    fn begin(
        work: PathBuf,
        target: PathBuf,
        manifest: Manifest,
        replaces: bool,
    ) -> Result<Self, StoreError> {
        let folder = Self {
            work,
            target,
            manifest,
            replaces,
        };
        let unfinished = Manifest {
            partial: true,
            ..folder.manifest.clone()
        };
        folder.write(MANIFEST, unfinished.to_json().as_bytes())?;
        Ok(folder)
    }

    /// What the run is made of; `partial` if it was cut short.
    pub fn manifest(&self, partial: bool) -> Manifest {
        Manifest {
            partial,
            ..self.manifest.clone()
        }
    }

    /// The name that the folder will have.
    pub fn path(&self) -> &Path {
        &self.target
    }

    /// Writes one file, whole or not at all.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.work.join(name);
        let draft = self.work.join(format!("{name}.tmp"));
        write_whole(&path, &draft, bytes)
    }

    /// Opens a file that grows as the run goes; what was written of it stays readable.
    pub fn stream(&self, name: &str) -> Result<File, StoreError> {
        let path = self.work.join(name);
        File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(io("write", &path))
    }

    /// Removes a run that never began.
    pub fn discard(self) {
        // What cannot be removed stays as what it is: a run marked partial.
        let _ = fs::remove_dir_all(&self.work);
    }

    /// Gives the folder its name and returns it. `partial` stays in the manifest of a run that
    /// was cut short.
    pub fn finish(self, partial: bool) -> Result<PathBuf, StoreError> {
        let manifest = Manifest {
            partial,
            ..self.manifest.clone()
        };
        self.write(MANIFEST, manifest.to_json().as_bytes())?;
        if self.replaces {
            fs::remove_dir_all(&self.target).map_err(io("replace", &self.target))?;
        }
        fs::rename(&self.work, &self.target).map_err(io("create the folder", &self.target))?;
        Ok(self.target)
    }
}

fn with_suffix(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(PARTIAL);
    PathBuf::from(name)
}

/// Letters, digits, dots and dashes; anything else becomes a dash.
fn file_name(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    text.chars()
        .take(60)
        .map(|c| if plain(c) { c } else { '-' })
        .collect()
}

/// Tells apart runs of the same second by what they were made of.
fn short_hash(manifest: &Manifest) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write as _;
    let digest = Sha256::digest(manifest.to_json().as_bytes());
    digest.iter().take(4).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::manifest;

    #[test]
    fn a_run_appears_only_when_it_is_whole() {
        let place = tempfile::tempdir().unwrap();
        let runs = place.path().join("runs");
        let run = RunFolder::create(&runs, "20261123T010203Z", manifest(false)).unwrap();
        let target = run.path().to_owned();
        assert!(!target.exists());
        let unfinished = fs::read_to_string(with_suffix(&target).join(MANIFEST)).unwrap();
        assert!(read_manifest(&unfinished).unwrap().partial);
        run.write("summary.json", b"{}").unwrap();
        assert_eq!(run.finish(false).unwrap(), target);
        let whole = fs::read_to_string(target.join(MANIFEST)).unwrap();
        assert!(!read_manifest(&whole).unwrap().partial);
        let names: Vec<_> = fs::read_dir(&runs).unwrap().collect();
        assert_eq!(names.len(), 1);
        let name = target.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("20261123T010203Z-test-"), "{name}");
    }

    #[test]
    fn equal_names_are_numbered() {
        let place = tempfile::tempdir().unwrap();
        let create = || RunFolder::create(place.path(), "t", manifest(false)).unwrap();
        let first = create().finish(false).unwrap();
        let (second, third) = (create(), create());
        assert_eq!(
            second.path().to_str().unwrap(),
            format!("{}-2", first.display())
        );
        assert_eq!(
            third.path().to_str().unwrap(),
            format!("{}-3", first.display())
        );
    }

    #[test]
    fn what_is_not_a_run_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("out");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("thesis.tex"), "x").unwrap();
        let error = RunFolder::create_at(&target, manifest(false)).unwrap_err();
        assert!(matches!(error, StoreError::NotARun { .. }));
        assert!(error.to_string().contains("holds no bedload run"));
        assert!(target.join("thesis.tex").exists());
    }

    #[test]
    fn an_earlier_run_is_replaced_when_the_new_one_is_whole() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("out");
        let run = RunFolder::create_at(&target, manifest(false)).unwrap();
        run.write("old", b"1").unwrap();
        run.finish(false).unwrap();
        let again = RunFolder::create_at(&target, manifest(false)).unwrap();
        assert!(target.join("old").exists());
        drop(again);
        let again = RunFolder::create_at(&target, manifest(false)).unwrap();
        again.finish(true).unwrap();
        assert!(!target.join("old").exists());
        let text = fs::read_to_string(target.join(MANIFEST)).unwrap();
        assert!(read_manifest(&text).unwrap().partial);
    }

    #[test]
    fn a_slash_at_the_end_is_the_same_folder() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("out/");
        for _ in 0..2 {
            let run = RunFolder::create_at(&target, manifest(false)).unwrap();
            assert!(place.path().join("out.partial").exists());
            run.finish(false).unwrap();
            assert!(target.join(MANIFEST).exists());
        }
        let error = RunFolder::create_at(Path::new("."), manifest(false)).unwrap_err();
        assert!(error.to_string().contains("--out DIR"));
    }

    #[test]
    fn failures_name_the_path_and_leave_nothing() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "x").unwrap();
        for error in [
            RunFolder::create(&file.join("runs"), "t", manifest(false)).unwrap_err(),
            RunFolder::create_at(&file, manifest(false)).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(
                text.contains("file") && text.contains("--out DIR"),
                "{text}"
            );
        }
        let run = RunFolder::create(place.path(), "t", manifest(false)).unwrap();
        fs::create_dir(run.work.join("summary.json")).unwrap();
        run.write("summary.json", b"{}").unwrap_err();
        assert!(!run.path().exists());
        fs::create_dir(run.path()).unwrap();
        fs::write(run.path().join("other"), "x").unwrap();
        let target = run.path().to_owned();
        run.finish(false).unwrap_err();
        assert!(target.join("other").exists());
    }
}
