//! Reading what a command names: scenarios, the files beside them, profiles.

use super::args::Shared;
use super::exit::Exit;
use super::term::{Term, talk};
use crate::config::{ConfigError, Source};
use crate::domain::PriceBook;
use crate::profile::{Catalogue, ProfileKind, UnknownProfile};
use crate::scenario::{self, Files, Loaded};
use crate::sim::{Assembled, assemble};
use std::fs;
use std::path::{Path, PathBuf};

/// A command that cannot go on; it has said why.
pub type Stopped = Exit;

/// A scenario that is ready to run.
pub struct Prepared {
    /// The scenario and the places of its values.
    pub loaded: Loaded,
    /// Its variants joined with profiles, those that were asked for.
    pub assembled: Vec<Assembled>,
}

/// The folder of a scenario, from which it names other files.
pub struct Folder(PathBuf);

/// The folder of the scenario at `path`.
pub fn folder_of(path: &Path) -> Folder {
    Folder(path.parent().map(Path::to_path_buf).unwrap_or_default())
}

impl Files for Folder {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(|error| reason(&error))
    }
}

/// Why the file system refused, as a fragment.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

/// The built-in profiles and the user's own over them.
///
/// # Errors
/// Said on stderr: a folder without profiles, or files that are invalid.
pub fn catalogue(shared: &Shared, term: Term) -> Result<Catalogue, Stopped> {
    catalogue_of(&shared.profiles, term)
}

/// The built-in profiles and those of `folders` over them.
///
/// # Errors
/// As [`catalogue`].
pub fn catalogue_of(folders: &[PathBuf], term: Term) -> Result<Catalogue, Stopped> {
    let mut sources = Vec::new();
    for folder in folders {
        let found = profiles_in(folder, term)?;
        if found.is_empty() {
            talk(&format!(
                "error: no profiles in `{}`\n  help: put files into models/, prices/ or latency/ \
                 below it",
                folder.display()
            ));
            return Err(Exit::InvalidFile);
        }
        sources.extend(found);
    }
    Catalogue::load(sources).map_err(|errors| {
        for error in &errors {
            show(error, term);
        }
        Exit::InvalidFile
    })
}

fn profiles_in(folder: &Path, term: Term) -> Result<Vec<(ProfileKind, Source)>, Stopped> {
    let mut sources = Vec::new();
    for kind in [
        ProfileKind::Guardrails,
        ProfileKind::Latency,
        ProfileKind::Model,
        ProfileKind::Prices,
    ] {
        let Ok(entries) = fs::read_dir(folder.join(kind.folder())) else {
            continue;
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        });
        paths.sort();
        for path in paths {
            sources.push((kind, source(&path, term)?));
        }
    }
    Ok(sources)
}

fn source(path: &Path, term: Term) -> Result<Source, Stopped> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| {
        talk(&format!("error: cannot read `{name}`: {}", reason(&error)));
        Exit::InvalidFile
    })?;
    Source::from_bytes(&name, &bytes).map_err(|error| {
        show(&error, term);
        Exit::InvalidFile
    })
}

/// The price book that the command asks for, or the latest.
///
/// # Errors
/// Said on stderr: there is no such book.
pub fn price_book<'c>(catalogue: &'c Catalogue, shared: &Shared) -> Result<&'c PriceBook, Stopped> {
    let book = match &shared.prices {
        Some(name) => catalogue.prices(name),
        None => Ok(catalogue.latest_prices().expect("a price book is built in")),
    };
    book.map_err(|unknown: UnknownProfile| {
        talk(&format!("error: {unknown}\n  help: {}", unknown.help()));
        Exit::Usage
    })
}

/// Reads a scenario and joins it with profiles and prices.
///
/// # Errors
/// Said on stderr, every problem at its place.
pub fn prepare(
    path: &Path,
    shared: &Shared,
    more_sets: &[String],
    catalogue: &Catalogue,
    book: &PriceBook,
    term: Term,
) -> Result<Prepared, Stopped> {
    let source = source(path, term)?;
    let folder = folder_of(path);
    let mut sets = shared.set.clone();
    sets.extend(shared.seed.map(|seed| format!("seed={seed}")));
    sets.extend_from_slice(more_sets);
    let invalid = |error: ConfigError| {
        show(&error, term);
        Exit::InvalidFile
    };
    let mut loaded = scenario::read(&source, &sets, &folder).map_err(invalid)?;
    if shared.prices.is_some() {
        // The command line beats the scenario, and all that is made of it later.
        for variant in &mut loaded.scenario.variants {
            variant.price_book = None;
        }
    }
    let mut assembled = assemble(&loaded, catalogue, book).map_err(invalid)?;
    choose(&mut assembled, &shared.variants)?;
    Ok(Prepared { loaded, assembled })
}

fn choose(assembled: &mut Vec<Assembled>, wanted: &[String]) -> Result<(), Stopped> {
    for name in wanted {
        if !assembled.iter().any(|one| one.context.name == *name) {
            let known: Vec<&str> = assembled
                .iter()
                .map(|one| one.context.name.as_str())
                .collect();
            talk(&format!(
                "error: the scenario has no variant `{name}`\n  help: it has: {}",
                known.join(", ")
            ));
            return Err(Exit::Usage);
        }
    }
    if !wanted.is_empty() {
        assembled.retain(|one| wanted.contains(&one.context.name));
    }
    Ok(())
}

/// Shows the problems of a file on stderr.
fn show(error: &ConfigError, term: Term) {
    talk(&error.render(usize::from(term.width), term.colour_errors));
}
