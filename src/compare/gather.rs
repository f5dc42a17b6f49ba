//! From result folders to runs that can be compared.

use crate::measure::{LatencyHistogram, encode, read_interval_log};
use crate::results::{
    BASELINE_SCHEMA, Baseline, BaselineRun, BaselineVariant, Manifest, RunKind, Summary,
    VariantSummary,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use thiserror::Error;

/// The documents of one result folder.
#[derive(Clone, Debug)]
pub struct FolderText {
    /// The folder, as the user named it.
    pub name: String,
    /// What it was made of.
    pub manifest: Manifest,
    /// What was measured.
    pub summary: Summary,
    /// Its `histograms.hlog`, if it has one.
    pub histograms: Option<Vec<u8>>,
}

/// Why folders do not make one side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GatherError {
    /// There is nothing.
    #[error("there is no result to read")]
    Empty,
    /// An older program wrote it.
    #[error("`{folder}` was written by bedload {version}, which did not keep what each run reads")]
    Old {
        /// The folder.
        folder: String,
        /// The version that wrote it.
        version: String,
    },
    /// Simulations and live runs.
    #[error("`{folder}` is {is} and `{first}` {was}")]
    Kinds {
        /// The folder.
        folder: String,
        /// What it is.
        is: &'static str,
        /// The folder before.
        first: String,
        /// What that is.
        was: &'static str,
    },
    /// Runs of two scenarios.
    #[error("`{folder}` and `{first}` are runs of different scenarios (variant `{variant}`)")]
    Scenarios {
        /// The folder.
        folder: String,
        /// The folder before.
        first: String,
        /// The variant in which they differ.
        variant: String,
    },
}

impl GatherError {
    /// The way out.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Empty => "name the folder of a run, or a folder of such folders",
            Self::Old { .. } => "run it again with this version",
            Self::Kinds { .. } => {
                "compare simulations with simulations and live runs with live runs"
            }
            Self::Scenarios { .. } => {
                "all results of one side have to be runs of the same scenario; name those of the \
                 other one as BASELINE"
            }
        }
    }
}

/// One side of a comparison from its folders.
///
/// # Errors
/// If they are no runs of one scenario, or an older version wrote one of them.
pub fn gather(name: &str, folders: &[FolderText]) -> Result<Baseline, GatherError> {
    let each: Result<Vec<Baseline>, GatherError> = folders.iter().map(one_folder).collect();
    let mut all = joined(each?)?;
    name.clone_into(&mut all.name);
    for variant in &mut all.variants {
        variant.histograms = histograms(folders, &variant.name);
    }
    Ok(all)
}

/// Several baselines as one; their runs come in order of time.
///
/// # Errors
/// If they are no runs of one scenario.
pub fn gather_baselines(name: &str, all: Vec<Baseline>) -> Result<Baseline, GatherError> {
    let mut all = joined(all)?;
    name.clone_into(&mut all.name);
    Ok(all)
}

fn joined(all: Vec<Baseline>) -> Result<Baseline, GatherError> {
    let mut each = all.into_iter();
    let mut sum = each.next().ok_or(GatherError::Empty)?;
    let first = sum.name.clone();
    for one in each {
        if one.kind != sum.kind {
            return Err(GatherError::Kinds {
                folder: one.name,
                is: super::kind_word(one.kind),
                first,
                was: super::kind_word(sum.kind),
            });
        }
        for variant in one.variants {
            let known = sum.variants.iter_mut().find(|own| own.name == variant.name);
            match known {
                Some(known) if known.scenario_sha256 != variant.scenario_sha256 => {
                    return Err(GatherError::Scenarios {
                        folder: one.name,
                        first,
                        variant: variant.name,
                    });
                }
                Some(known) => {
                    known.runs.extend(variant.runs);
                    // What was measured of fewer runs does not hold of all of them.
                    known.noise.clear();
                    known.histograms.clear();
                }
                None => sum.variants.push(variant),
            }
        }
        if one.created_at > sum.created_at {
            sum.created_at = one.created_at;
            sum.program_version = one.program_version;
            sum.host = one.host;
            sum.profiles = one.profiles;
        }
    }
    for variant in &mut sum.variants {
        variant
            .runs
            .sort_by(|a, b| (&a.started_at, &a.source).cmp(&(&b.started_at, &b.source)));
    }
    Ok(sum)
}

fn one_folder(folder: &FolderText) -> Result<Baseline, GatherError> {
    let (manifest, summary) = (&folder.manifest, &folder.summary);
    let live = summary.variants.iter().find_map(|one| one.live.as_ref());
    let resolved: toml::Table = manifest.resolved_scenario.parse().unwrap_or_default();
    let variant = |of: &VariantSummary| {
        Ok(BaselineVariant {
            name: of.name.clone(),
            scenario_sha256: hash_of(&resolved, &of.name),
            runs: runs(folder, of)?,
            noise: Vec::new(),
            histograms: BTreeMap::new(),
        })
    };
    let variants: Result<Vec<_>, GatherError> = summary.variants.iter().map(variant).collect();
    Ok(Baseline {
        schema: BASELINE_SCHEMA.to_owned(),
        name: folder.name.clone(),
        created_at: manifest.started_at.clone(),
        program_version: manifest.program_version.clone(),
        kind: if live.is_some() {
            RunKind::Live
        } else {
            RunKind::Simulated
        },
        target: live.map(|live| live.target.clone()),
        scenario: summary.scenario.clone(),
        host: manifest.host.clone(),
        profiles: manifest.profiles.clone(),
        variants: variants?,
    })
}

fn runs(folder: &FolderText, variant: &VariantSummary) -> Result<Vec<BaselineRun>, GatherError> {
    let count = variant.replications.len().max(1) as f64;
    let spoilt = spoilt(folder, variant);
    let source = last_part(&folder.name);
    let run = |one: &crate::results::ReplicationSummary| {
        if one.metrics.is_empty() {
            return Err(GatherError::Old {
                folder: folder.name.clone(),
                version: folder.manifest.program_version.clone(),
            });
        }
        Ok(BaselineRun {
            source: source.to_owned(),
            started_at: folder.manifest.started_at.clone(),
            seed: one.seed,
            measured_s: variant.measured_s / count,
            spoilt: spoilt.clone(),
            spent_usd: match &variant.live {
                Some(live) => live.spent_usd,
                None => Some(0.0),
            },
            metrics: one.metrics.clone(),
        })
    };
    variant.replications.iter().map(run).collect()
}

/// A path may say more of a machine than belongs into a committed file.
fn last_part(path: &str) -> &str {
    let path = path.trim_end_matches(['/', '\\']);
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Why the figures of a run cannot be relied on.
fn spoilt(folder: &FolderText, variant: &VariantSummary) -> Option<String> {
    let stopped = variant
        .live
        .as_ref()
        .and_then(|live| live.stopped.as_deref());
    if let Some(by) = stopped {
        let by = match by {
            "budget" => "by its budget",
            "interrupted" => "by an interruption",
            other => other,
        };
        return Some(format!("it was cut short {by}"));
    }
    if folder.summary.partial || folder.manifest.partial {
        return Some("it was cut short".to_owned());
    }
    if variant.live.as_ref().is_some_and(|live| !live.valid) {
        return Some("its load generator could not keep up".to_owned());
    }
    if !folder.summary.valid && variant.live.is_none() {
        return Some("its figures are not valid".to_owned());
    }
    (variant.requests.offered == 0).then(|| "it is too short: no request was measured".to_owned())
}

/// The hash of the scenario as one variant sees it, without what tells only repetitions apart or is only words.
fn hash_of(resolved: &toml::Table, variant: &str) -> String {
    const LEFT_OUT: [&str; 5] = ["name", "description", "seed", "replications", "variant"];
    let layers = resolved.get("variant").and_then(toml::Value::as_array);
    let of_name = |layer: &&toml::Value| {
        // Variants of `--spread` carry the semantics behind their name.
        let name = layer.get("name").and_then(toml::Value::as_str);
        name.is_some_and(|name| variant == name || variant.starts_with(&format!("{name} [")))
    };
    let layer = layers
        .and_then(|layers| layers.iter().find(of_name))
        .and_then(toml::Value::as_table);
    let mut seen: BTreeMap<&str, &toml::Value> = BTreeMap::new();
    for (key, value) in resolved.iter().chain(layer.into_iter().flatten()) {
        if !LEFT_OUT.contains(&key.as_str()) {
            seen.insert(key, value);
        }
    }
    let text = seen.iter().fold(String::new(), |mut text, (key, value)| {
        let _ = writeln!(text, "{key} = {value}");
        text
    });
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The latencies of all folders together. A log that does not read is left out: nothing is judged by it.
fn histograms(folders: &[FolderText], variant: &str) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, LatencyHistogram> = BTreeMap::new();
    let tag = format!("{variant}/").replace(
        |c: char| c == ',' || c.is_whitespace() || c.is_control(),
        "_",
    );
    for folder in folders {
        let log = folder.histograms.as_deref().unwrap_or_default();
        for (name, histogram) in read_interval_log(log).unwrap_or_default() {
            let metric = name.strip_prefix(&tag).filter(|rest| !rest.contains('/'));
            if let Some(metric) = metric.filter(|_| histogram.count() > 0) {
                all.entry(metric.to_owned()).or_default().merge(&histogram);
            }
        }
    }
    let encoded = |(metric, histogram): (String, LatencyHistogram)| {
        encode(&histogram).ok().map(|text| (metric, text))
    };
    all.into_iter().filter_map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> toml::Table {
        text.parse().unwrap()
    }

    #[test]
    fn the_hash_knows_what_changes_a_run_and_nothing_else() {
        let base = "name = 'a'\nseed = 1\nduration = '1m'\n[slo]\nerror_share = 0.1\n";
        let hash = hash_of(&table(base), "base");
        let same = base.replace("seed = 1", "seed = 2").replace("'a'", "'b'");
        assert_eq!(hash_of(&table(&same), "base"), hash);
        assert_eq!(hash.len(), 64);
        let other = base.replace("1m", "2m");
        assert_ne!(hash_of(&table(&other), "base"), hash);
    }

    #[test]
    fn variants_have_hashes_of_their_own() {
        let two = table(
            "name = 'a'\n[[variant]]\nname = 'x'\nduration = '1m'\n[[variant]]\nname = 'y'\nduration = '2m'\n",
        );
        let one = table("name = 'a'\n[[variant]]\nname = 'y'\nduration = '2m'\n");
        assert_eq!(hash_of(&two, "y"), hash_of(&one, "y"));
        assert_ne!(hash_of(&two, "x"), hash_of(&two, "y"));
        assert_eq!(hash_of(&two, "y [B]"), hash_of(&two, "y"));
    }

    #[test]
    fn sources_are_names_and_not_paths() {
        assert_eq!(last_part("some/runs/1/"), "1");
        assert_eq!(last_part("C:\\runs\\2"), "2");
        assert_eq!(last_part("3"), "3");
    }

    #[test]
    fn nothing_is_no_side() {
        assert_eq!(gather("x", &[]).unwrap_err(), GatherError::Empty);
    }
}
