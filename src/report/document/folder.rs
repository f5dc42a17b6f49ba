//! What a results folder holds, out of the texts of its files.

use super::timeline::Timeline;
use crate::measure::{LatencyHistogram, read_interval_log};
use crate::results::plan::{PlanSummary, read_plan};
use crate::results::{
    LabSummary, Manifest, ReadError, Summary, read_lab, read_manifest, read_summary,
};
use thiserror::Error;

/// A results folder as parsed documents.
#[derive(Clone, Debug, Default)]
pub struct ResultFolder {
    /// Its name, as the user gave it.
    pub name: String,
    /// `manifest.json`.
    pub manifest: Option<Manifest>,
    /// `summary.json`.
    pub summary: Option<Summary>,
    /// `lab.json`.
    pub lab: Option<LabSummary>,
    /// `plan.json`.
    pub plan: Option<PlanSummary>,
    /// `timeline.csv`.
    pub timeline: Option<Timeline>,
    /// `histograms.hlog`: tags with their latencies.
    pub histograms: Vec<(String, LatencyHistogram)>,
}

/// The bytes of the files of a results folder; those that are not there are `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FolderFiles<'a> {
    /// `manifest.json`.
    pub manifest: Option<&'a str>,
    /// `summary.json`.
    pub summary: Option<&'a str>,
    /// `lab.json`.
    pub lab: Option<&'a str>,
    /// `plan.json`.
    pub plan: Option<&'a str>,
    /// `timeline.csv`.
    pub timeline: Option<&'a str>,
    /// `histograms.hlog`.
    pub histograms: Option<&'a [u8]>,
}

/// Why a results folder cannot be reported on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A document does not read.
    #[error("{file}: {error}")]
    Document {
        /// The file's name in the folder.
        file: &'static str,
        /// What is wrong with it.
        error: ReadError,
    },
    /// A file that is not JSON does not read.
    #[error("{file}: {what}; make the run again to replace it")]
    Damaged {
        /// The file's name in the folder.
        file: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// It has no document with results.
    #[error(
        "there is no summary.json, lab.json or plan.json; name a folder that `simulate`, `run`, `search`, \
         `lab` or `plan` wrote"
    )]
    NoResult,
}

impl ResultFolder {
    /// Reads what is there.
    ///
    /// # Errors
    /// If a file is there and does not read, or none has results.
    pub fn read(name: &str, files: FolderFiles<'_>) -> Result<Self, FolderError> {
        fn document<T>(
            file: &'static str,
            text: Option<&str>,
            read: impl Fn(&str) -> Result<T, ReadError>,
        ) -> Result<Option<T>, FolderError> {
            let done = text.map(read).transpose();
            done.map_err(|error| FolderError::Document { file, error })
        }
        let damaged = |file: &'static str, what: String| FolderError::Damaged { file, what };
        let folder = Self {
            name: name.to_owned(),
            manifest: document("manifest.json", files.manifest, read_manifest)?,
            summary: document("summary.json", files.summary, read_summary)?,
            lab: document("lab.json", files.lab, read_lab)?,
            plan: document("plan.json", files.plan, read_plan)?,
            timeline: files
                .timeline
                .map(Timeline::read)
                .transpose()
                .map_err(|what| damaged("timeline.csv", what))?,
            histograms: files
                .histograms
                .map(read_interval_log)
                .transpose()
                .map_err(|error| damaged("histograms.hlog", error.to_string()))?
                .unwrap_or_default(),
        };
        if folder.summary.is_none() && folder.lab.is_none() && folder.plan.is_none() {
            return Err(FolderError::NoResult);
        }
        Ok(folder)
    }

    /// The latencies of a metric of a variant, if the folder has them.
    pub(super) fn histogram(&self, variant: &str, metric: &str) -> Option<&LatencyHistogram> {
        let tag = crate::results::histogram_tag(variant, metric);
        let found = self.histograms.iter().find(|(known, _)| *known == tag);
        found.map(|(_, histogram)| histogram)
    }

    /// The scenario's name.
    pub(super) fn scenario(&self) -> &str {
        let of_summary = self.summary.as_ref().map(|one| one.scenario.as_str());
        let of_lab = self.lab.as_ref().map(|one| one.scenario.as_str());
        let of_plan = self.plan.as_ref().map(|one| one.scenario.as_str());
        of_summary.or(of_lab).or(of_plan).unwrap_or(&self.name)
    }

    /// The question of the scenario; may be empty.
    pub(super) fn question(&self) -> &str {
        let of_summary = self.summary.as_ref().map(|one| one.description.as_str());
        let of_lab = self.lab.as_ref().map(|one| one.description.as_str());
        let of_plan = self.plan.as_ref().map(|one| one.description.as_str());
        of_summary.or(of_lab).or(of_plan).unwrap_or_default()
    }
}
