//! From the text of a scenario to its variants.

use std::collections::BTreeMap;

use crate::config::{
    self, ConfigError, MergeRules, Node, Problem, Problems, Section, Source, Span, Table, Trail,
    Value, apply_overrides, merge, text, unit, whole,
};
use crate::domain::LatencyMetric;
use crate::load::spec::ArrivalSpec;
use crate::units::Micros;

use super::files::Library;
use super::levers::LeverSet;
use super::{
    Files, Origins, Scenario, SpikeSpec, Variant, client, lanes, plan, service, slo, spike,
    workload,
};

pub(super) const RULES: MergeRules = MergeRules {
    choices: &[
        "arrival",
        "think",
        "retry",
        "concurrency",
        "pacing",
        "capacity",
        "on_demand",
        "input",
        "output",
        "thinking",
        "turns",
        "user",
        "latency",
        "result_tokens",
    ],
    by_name: &["workload", "guardrail", "lever"],
};
/// Keys that hold for all variants alike, so that the variants can be compared.
pub(super) const COMMON: [&str; 3] = ["description", "seed", "replications"];
const MAX_VARIANTS: usize = 1000;

/// A scenario with the places of its values.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// Where its values stood.
    pub origins: Origins,
    /// The levers of each variant.
    pub(super) levers: Vec<LeverSet>,
}

/// The keys that hold for all variants.
pub(super) struct Header {
    name: String,
    description: String,
    seed: u64,
    replications: u32,
}

/// A variant as it stands in the file: its name and the whole scenario as it sees it.
struct Layer {
    name: String,
    root: Node,
}

/// Reads a scenario with the overrides `sets`, each `path=value`, applied to it.
///
/// # Errors
/// Every problem of the file, of the overrides and of the files that it names.
pub fn read(source: &Source, sets: &[String], files: &dyn Files) -> Result<Loaded, ConfigError> {
    let mut source = source.clone();
    let mut root = config::parse(&source).map_err(|problems| problems.into_error(&source))?;
    if let Err(problems) = apply_overrides(&mut source, &mut root, sets, RULES) {
        return Err(problems.into_error(&source));
    }
    let problems = Problems::default();
    let (layers, implied) = layers(root, &problems);
    let library = Library::new(files);
    let mut header = None;
    let mut variants = Vec::new();
    let mut resolved = Vec::new();
    let mut spans: BTreeMap<String, BTreeMap<String, Span>> = BTreeMap::new();
    let mut levers = Vec::new();
    for mut layer in layers {
        let set = LeverSet::take(&layer.name, &mut layer.root, &problems);
        let (read, places) = read_layer(&layer.name, &layer.root, &library, &problems);
        if let Some((common, variant, mut table)) = read {
            set.check(&library, &problems);
            set.resolve(&mut table);
            header = Some(common);
            variants.push(variant);
            resolved.push(table);
        }
        levers.push(set);
        spans.insert(layer.name, places);
    }
    match header {
        Some(header) if problems.is_empty() => {
            let scenario = Scenario {
                name: header.name,
                description: header.description,
                seed: header.seed,
                replications: header.replications,
                resolved: resolved_whole(resolved, &variants, implied),
                variants,
            };
            let origins = Origins { source, spans };
            Ok(Loaded {
                scenario,
                origins,
                levers,
            })
        }
        _ => Err(problems.into_error(&source)),
    }
}

/// What is read of one variant: the keys of the whole scenario, the variant, and its resolved table.
pub(super) type ReadLayer = (Header, Variant, toml::Table);

/// Reads the whole scenario as one variant sees it, and where its values stood.
pub(super) fn read_layer(
    name: &str,
    root: &Node,
    library: &Library<'_>,
    problems: &Problems,
) -> (Option<ReadLayer>, BTreeMap<String, Span>) {
    let trail = Trail::default();
    let read = Section::root(&trail, root, |s| {
        let header = header(s);
        let variant = variant(s, name, library);
        Some((header?, variant?))
    });
    let (more, places) = trail.into_parts();
    problems.extend(more);
    let read = read.map(|((header, variant), table)| (header, variant, table));
    (read, places)
}

/// Lays each variant over the scenario; the flag says that there was none.
fn layers(root: Node, problems: &Problems) -> (Vec<Layer>, bool) {
    let Value::Table(mut base) = root.value else {
        return (Vec::new(), true);
    };
    let Some(entry) = base.remove("variant") else {
        let root = Node {
            value: Value::Table(base),
            span: root.span,
        };
        let name = "base".to_owned();
        return (vec![Layer { name, root }], true);
    };
    let mut layers: Vec<Layer> = Vec::new();
    let nodes = match entry.node.value {
        Value::Array(nodes) if !nodes.is_empty() && nodes.len() <= MAX_VARIANTS => nodes,
        other => {
            let message = match &other {
                Value::Array(nodes) if nodes.is_empty() => "`variant` is empty".to_owned(),
                Value::Array(nodes) => {
                    format!("{} variants are more than {MAX_VARIANTS}", nodes.len())
                }
                _ => format!("expected `[[variant]]` tables, found {}", other.found()),
            };
            let problem = Problem::new(entry.node.span, message);
            problems.push(problem.help("head each variant with `[[variant]]` in double brackets"));
            return (layers, false);
        }
    };
    for node in &nodes {
        let Some((name, over)) = variant_parts(node, problems) else {
            continue;
        };
        if layers.iter().any(|layer| layer.name == name) {
            let message = format!("two variants are named `{}`", name.escape_debug());
            let span = name_span(node);
            let problem = Problem::new(span, message).label("second variant of this name");
            problems.push(problem.help("results are told apart by name; rename one"));
            continue;
        }
        let mut table = base.clone();
        merge(&mut table, &over, RULES, problems);
        let root = Node {
            value: Value::Table(table),
            span: root.span.clone(),
        };
        layers.push(Layer { name, root });
    }
    (layers, false)
}

fn name_span(node: &Node) -> Span {
    match &node.value {
        Value::Table(table) => table
            .get("name")
            .map_or(node.span.clone(), |entry| entry.node.span.clone()),
        _ => node.span.clone(),
    }
}

/// The name of a variant, and what it changes.
fn variant_parts(node: &Node, problems: &Problems) -> Option<(String, Table)> {
    let Value::Table(table) = &node.value else {
        let message = format!("expected a variant, found {}", node.value.found());
        problems.push(Problem::new(node.span.clone(), message).help("write `[[variant]]`"));
        return None;
    };
    let mut over = table.clone();
    for key in COMMON {
        if let Some(entry) = over.remove(key) {
            let problem = Problem::new(entry.key_span, format!("a variant cannot change `{key}`"));
            let problem = problem.label("holds for the whole scenario");
            problems.push(problem.help("move it above the first `[[workload]]`"));
        }
    }
    if let Some(entry) = over.remove("variant") {
        let problem = Problem::new(entry.key_span, "a variant cannot have variants");
        problems.push(problem.help("write them one after the other, each complete"));
    }
    match over.remove("name").map(|entry| entry.node) {
        Some(Node {
            value: Value::Text(name),
            ..
        }) if !name.trim().is_empty() && !name.chars().any(char::is_control) => Some((name, over)),
        Some(node) => {
            let message = format!("a variant cannot be named {}", node.value.found());
            let problem = Problem::new(node.span, message).label("is no name");
            problems.push(problem.help("write a text of one line that is not empty"));
            None
        }
        None => {
            let problem = Problem::new(node.span.clone(), "a variant needs `name`");
            let problem = problem.label("`name` is missing");
            problems.push(problem.help("add `name = \"…\"` below `[[variant]]`"));
            None
        }
    }
}

fn header(s: &mut Section<'_>) -> Option<Header> {
    let name = s.required("name", text());
    let description = s.optional("description", text()).unwrap_or_default();
    let seed = s.or("seed", whole(0..=i64::MAX), 1);
    let replications = s.or("replications", whole(1..=100_000), 1);
    Some(Header {
        name: name?,
        description,
        seed: seed?,
        replications: replications?,
    })
}

fn variant(s: &mut Section<'_>, name: &str, library: &Library<'_>) -> Option<Variant> {
    let duration = if s.has("duration") {
        super::traffic::above_zero(s, "duration").map(Some)
    } else {
        s.optional("duration", unit::<Micros>());
        Some(None)
    };
    // Variants are laid over the scenario before; here the key is only known, for messages.
    s.optional("variant", text());
    let warmup = s.or("warmup", unit::<Micros>(), "0s");
    let workloads = workloads(s, library);
    let slo = s.table("slo", |s| Some(slo::slo(s)));
    let client = s.table("client", |s| {
        let lanes = lanes::of_client(s);
        Some((client::client(s)?, lanes?))
    });
    let service = service::service(s);
    let price_book = s.optional("price_book", text());
    // One that is wrong has been reported.
    let plan = s
        .optional_table("plan", |s| {
            plan::plan(s, library, &models_of(workloads.as_deref()))
        })
        .unwrap_or_default();
    let around = spike::Around {
        duration: duration.flatten(),
        warmup,
        workloads: workloads.as_deref(),
        service: service.as_ref(),
    };
    let spike = spike::spike(s, &around);
    let workloads = workloads?;
    plan::check_names(s, &plan, &workloads);
    let duration = match duration? {
        Some(duration) => duration,
        None => replay_duration(s, &workloads)?,
    };
    let (warmup, slo) = (warmup?, slo?);
    let (client, (fallbacks, routes)) = client?;
    if warmup >= duration {
        s.report(
            "warmup",
            "`warmup` must be shorter than `duration`",
            &format!("is {warmup}, `duration` is {duration}"),
            "requests that start in the warm-up are not measured, so none would be",
        );
    }
    let of_first_token = |metric| metric == LatencyMetric::Ttft;
    if slo.latency.iter().any(|bound| of_first_token(bound.metric))
        && workloads.iter().all(|workload| !workload.stream)
    {
        s.report(
            "slo",
            "a bound on `ttft` needs a workload that streams",
            "no first token is seen",
            "set `stream = true`, or bound `e2e` instead",
        );
    }
    let streams = workloads.iter().any(|workload| workload.stream);
    super::client_hedge::check(s, client.hedge.is_some(), streams);
    let (mut workloads, mut service) = (workloads, service?);
    if let Some(spike) = &spike {
        spike::apply(spike, &mut workloads, &mut service);
    }
    let spike = spike.or_else(|| SpikeSpec::of_shapes(&workloads));
    Some(Variant {
        name: name.to_owned(),
        duration,
        warmup,
        workloads,
        client,
        fallbacks,
        routes,
        slo,
        service,
        spike,
        price_book,
        plan,
    })
}

/// The models that workloads call, each once, in their order.
fn models_of(workloads: Option<&[super::Workload]>) -> Vec<&str> {
    let mut models: Vec<&str> = Vec::new();
    for workload in workloads.unwrap_or_default() {
        if !models.contains(&workload.model.as_str()) {
            models.push(&workload.model);
        }
    }
    models
}

fn workloads(s: &mut Section<'_>, library: &Library<'_>) -> Option<Vec<super::Workload>> {
    let mut names: Vec<String> = Vec::new();
    let workloads = s.tables("workload", |s| {
        let workload = workload::workload(s, library)?;
        if names.contains(&workload.name) {
            s.report(
                "name",
                format!("two workloads are named `{}`", workload.name.escape_debug()),
                "second workload of this name",
                "results are told apart by name; rename one",
            );
        }
        names.push(workload.name.clone());
        Some(workload)
    })?;
    if workloads.is_empty() {
        s.report(
            "workload",
            "the scenario has no workload",
            "",
            "add a `[[workload]]` with `name`, `model`, `arrival` and `tokens`",
        );
        return None;
    }
    super::cache::check_shared(s, &workloads);
    Some(workloads)
}

/// The length of the longest replay, for scenarios that name no duration.
fn replay_duration(s: &mut Section<'_>, workloads: &[super::Workload]) -> Option<Micros> {
    let longest = workloads
        .iter()
        .filter_map(|workload| match &workload.traffic.arrival {
            ArrivalSpec::Trace(replay) => {
                let last = replay.trace.rows.last()?.at;
                Some(last.as_secs_f64() / replay.scale.speed)
            }
            ArrivalSpec::Recorded(replay) => {
                let intervals = replay.recording.counts.len() as f64;
                let length = replay.recording.interval.as_secs_f64();
                Some(intervals * length / replay.scale.speed)
            }
            _ => None,
        })
        .fold(None, |longest: Option<f64>, span| {
            Some(longest.map_or(span, |longest| longest.max(span)))
        });
    let Some(longest) = longest else {
        s.report(
            "duration",
            "the scenario needs `duration`",
            "",
            "add `duration = \"1h\"`; only replays of recorded traffic know their own length",
        );
        return None;
    };
    // The next whole second, so that the last request of a trace starts within.
    let seconds = longest.floor() as u64 + 1;
    s.resolve("duration", format!("{seconds}s"));
    Some(Micros::from_secs(seconds))
}

/// The scenario with all defaults; reading it again gives the same scenario.
pub(super) fn resolved_whole(
    mut tables: Vec<toml::Table>,
    variants: &[Variant],
    implied: bool,
) -> toml::Table {
    if implied {
        return tables.pop().unwrap_or_default();
    }
    let mut whole = toml::Table::new();
    let mut layers = Vec::with_capacity(tables.len());
    for (mut table, variant) in tables.into_iter().zip(variants) {
        let mut layer = toml::Table::new();
        layer.insert("name".to_owned(), variant.name.clone().into());
        for key in std::iter::once("name").chain(COMMON) {
            if let Some(value) = table.remove(key) {
                whole.insert(key.to_owned(), value);
            }
        }
        layer.extend(table);
        layers.push(toml::Value::Table(layer));
    }
    whole.insert("variant".to_owned(), toml::Value::Array(layers));
    whole
}
