//! `manifest.json`: what a run was made of, so that it can be understood and repeated.

use super::error::{ReadError, expect_schema};
use crate::profile::{Catalogue, ProfileKind};
use serde::{Deserialize, Serialize};

/// The schema that this program writes.
pub const MANIFEST_SCHEMA: &str = "bedload.manifest/1";

/// What a run was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_SCHEMA`].
    pub schema: String,
    /// The version of the program.
    pub program_version: String,
    /// The scenario's name.
    pub scenario: String,
    /// The seed of every draw.
    pub seed: u64,
    /// Replications of each variant.
    pub replications: u32,
    /// Whether the run is unfinished or was cut short.
    pub partial: bool,
    /// When it was started, in ISO 8601 with its zone.
    pub started_at: String,
    /// The command line, one entry per word.
    pub command: Vec<String>,
    /// The scenario with its defaults filled in, as TOML.
    pub resolved_scenario: String,
    /// Every profile in use.
    pub profiles: Vec<ProfileUse>,
    /// The machine.
    pub host: HostInfo,
}

/// A profile in use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileUse {
    /// `model`, `price book` or `latency profile`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// SHA-256 of its text, in hexadecimal.
    pub sha256: String,
    /// The date of its source.
    pub as_of: String,
}

/// The machine of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HostInfo {
    /// The operating system.
    pub os: String,
    /// The processor's architecture.
    pub arch: String,
    /// Threads in use.
    pub threads: u32,
}

impl Manifest {
    /// The manifest as it stands in `manifest.json`.
    #[expect(clippy::missing_panics_doc, reason = "it cannot fail")]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain structs always serialise");
        text.push('\n');
        text
    }
}

/// Reads `manifest.json`.
///
/// # Errors
/// If it is not a manifest, is of a newer major version, or lacks a field.
pub fn read_manifest(text: &str) -> Result<Manifest, ReadError> {
    expect_schema(text, MANIFEST_SCHEMA)?;
    serde_json::from_str(text).map_err(|error| ReadError::of_json(MANIFEST_SCHEMA, &error))
}

/// A profile of the catalogue as the manifest lists it; `None` if the name is unknown.
pub fn profile_use(catalogue: &Catalogue, kind: ProfileKind, name: &str) -> Option<ProfileUse> {
    let as_of = match kind {
        ProfileKind::Model => catalogue.model(name).ok()?.source.as_of.clone(),
        ProfileKind::Prices => catalogue.prices(name).ok()?.as_of.clone(),
        ProfileKind::Guardrails => catalogue.guardrails(name).ok()?.as_of.clone(),
        ProfileKind::Latency => catalogue.latency(name).ok()?.source.as_of.clone(),
    };
    Some(ProfileUse {
        kind: kind.to_string(),
        name: name.to_owned(),
        sha256: catalogue.hash_of(kind, name)?.to_owned(),
        as_of,
    })
}
