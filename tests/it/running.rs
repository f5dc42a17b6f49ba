//! Runs scenarios as the command line does, without a process and without files of its own.

use bedload::config::{ConfigError, Source};
use bedload::profile::Catalogue;
use bedload::results::{EngineInfo, ScenarioInfo, Summary, VariantSummary, summarise};
use bedload::scenario::{Files, Loaded, read};
use bedload::sim::{Assembled, RunSetup, VariantContext, assemble, run_all};
use bedload::units::Micros;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder from which a scenario names its files.
struct Folder(PathBuf);

impl Files for Folder {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(|error| error.to_string())
    }
}

/// A scenario joined with the built-in profiles.
pub struct Ready {
    pub loaded: Loaded,
    pub variants: Vec<Assembled>,
}

/// The scenario files that come with the program.
pub fn gallery() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Reads a scenario of the gallery.
pub fn ready_of(name: &str, sets: &[&str]) -> Ready {
    let text = fs::read_to_string(gallery().join(format!("{name}.toml"))).unwrap();
    ready(&text, sets).unwrap_or_else(|error| panic!("{error}"))
}

/// Reads a scenario, which names its files as those of the gallery do.
pub fn ready(text: &str, sets: &[&str]) -> Result<Ready, ConfigError> {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    let loaded = read(&Source::new("test.toml", text), &sets, &Folder(gallery()))?;
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    let variants = assemble(&loaded, &catalogue, book)?;
    Ok(Ready { loaded, variants })
}

impl Ready {
    /// Only the variant of this name.
    pub fn only(mut self, name: &str) -> Self {
        self.variants.retain(|one| one.context.name == name);
        assert_eq!(self.variants.len(), 1, "{name}");
        self
    }

    /// Runs it on the threads of the present pool.
    pub fn run(self) -> Summary {
        let scenario = &self.loaded.scenario;
        let (setups, contexts): (Vec<RunSetup>, Vec<VariantContext>) = self
            .variants
            .into_iter()
            .map(|one| (one.setup, one.context))
            .unzip();
        let measures = run_all(&setups, scenario.seed, scenario.replications, &|| ());
        let info = ScenarioInfo {
            name: scenario.name.clone(),
            description: scenario.description.clone(),
            seed: scenario.seed,
            replications: scenario.replications,
        };
        let engine = EngineInfo {
            wall: Micros::ZERO,
            threads: 1,
        };
        summarise(&info, &contexts, &measures, engine, false)
    }

    /// Runs it on a pool of `threads`.
    pub fn run_on(self, threads: usize) -> Summary {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| self.run())
    }
}

/// The variant of this name.
pub fn variant<'s>(summary: &'s Summary, name: &str) -> &'s VariantSummary {
    let mut variants = summary.variants.iter();
    variants.find(|one| one.name == name).unwrap()
}

/// Share of offered requests that ended throttled.
pub fn throttled_share(variant: &VariantSummary) -> f64 {
    variant.requests.throttled as f64 / variant.requests.offered as f64
}

/// A document that has to follow a JSON Schema.
pub fn assert_valid(schema: &str, document: &str) {
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}
