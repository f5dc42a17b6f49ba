//! The variants of all folders, each with a name of its own and a colour that it keeps.

use super::folder::ResultFolder;
use crate::results::{Summary, VariantSummary};

/// One variant of one folder.
pub(super) struct Run<'a> {
    pub folder: &'a ResultFolder,
    pub summary: &'a Summary,
    pub variant: &'a VariantSummary,
    /// What it is called in the report, unlike any other.
    pub label: String,
}

/// What folders are called in the report: nothing if there is one, unlike each other otherwise.
pub(super) fn prefixes(folders: &[ResultFolder]) -> Vec<String> {
    /// Longer names would fill the legends.
    const LONGEST: usize = 24;
    if folders.len() < 2 {
        return vec![String::new(); folders.len()];
    }
    let last = |folder: &ResultFolder| {
        let name = folder.name.trim_end_matches(['/', '\\']);
        name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned()
    };
    let mut names: Vec<String> = folders
        .iter()
        .map(|folder| match last(folder) {
            name if name.is_empty() || name.chars().count() > LONGEST => {
                folder.scenario().to_owned()
            }
            name => name,
        })
        .collect();
    for place in 0..names.len() {
        let same: Vec<usize> = (0..names.len())
            .filter(|&n| names[n] == names[place])
            .collect();
        if same.len() > 1 {
            for (number, &n) in same.iter().enumerate() {
                names[n] = format!("{} ({})", names[n], number + 1);
            }
        }
    }
    names
}

/// Every variant that was run, in the order of the folders.
pub(super) fn runs<'a>(folders: &'a [ResultFolder], prefixes: &[String]) -> Vec<Run<'a>> {
    let mut runs = Vec::new();
    for (folder, prefix) in folders.iter().zip(prefixes) {
        let Some(summary) = &folder.summary else {
            continue;
        };
        for variant in &summary.variants {
            runs.push(Run {
                folder,
                summary,
                variant,
                label: labelled(prefix, &variant.name),
            });
        }
    }
    runs
}

/// The name of something in a folder.
pub(super) fn labelled(prefix: &str, name: &str) -> String {
    match (prefix.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => prefix.to_owned(),
        _ => format!("{prefix}: {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_name_are_told_apart() {
        let folder = |name: &str| ResultFolder {
            name: name.to_owned(),
            ..ResultFolder::default()
        };
        let names = |names: &[&str]| {
            let folders: Vec<ResultFolder> = names.iter().map(|name| folder(name)).collect();
            prefixes(&folders)
        };
        assert_eq!(names(&["runs/a"]), [""]);
        assert_eq!(names(&["x/a/", "y/b"]), ["a", "b"]);
        assert_eq!(names(&["x/a", "y/a", "b"]), ["a (1)", "a (2)", "b"]);
    }
}
