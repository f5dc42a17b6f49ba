//! What a report shows, independent of the medium: every figure as text, in its place.

use super::number::{NONE, count, money, optional, percent, percentile, time};
use super::page::page_in;
use crate::results::{CostClasses, Percentiles, Summary, VariantSummary, WorkloadSummary};

/// What a report shows.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The scenario.
    pub title: String,
    /// Its question; may be empty.
    pub question: String,
    /// The variants' names, one for each column of figures.
    pub variants: Vec<String>,
    /// The figures.
    pub groups: Vec<Group>,
    /// Workload by workload, if there is more than one.
    pub workloads: Vec<WorkloadRow>,
    /// Load and refusals over time.
    pub course: Vec<CourseLine>,
    /// What a search for the highest load has to say.
    pub sections: Vec<Section>,
    /// Whether bought capacity pays, one sentence for each variant that buys it.
    pub break_even: Vec<String>,
    /// What a reader should know before trusting the figures.
    pub warnings: Vec<String>,
    /// Plain remarks.
    pub notes: Vec<String>,
    /// Seed, speed, dates, folder.
    pub footer: Vec<String>,
}

/// Sentences under one heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// The sentences.
    pub lines: Vec<String>,
}

/// Rows under one heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The heading.
    pub title: String,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One figure of every variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub label: String,
    /// One cell for each variant.
    pub cells: Vec<String>,
}

/// One workload of one variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadRow {
    /// The cells, in the order of [`View::WORKLOAD_COLUMNS`].
    pub cells: Vec<String>,
}

/// One line over time.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseLine {
    /// What it is.
    pub label: String,
    /// The values in equal steps.
    pub values: Vec<f64>,
    /// The top of the scale, common to comparable lines.
    pub largest: f64,
    /// The line's own peak in words.
    pub peak: String,
}

/// One class of costs.
type ClassOf = fn(&CostClasses) -> Option<f64>;

impl View {
    /// The columns of the table of workloads.
    pub const WORKLOAD_COLUMNS: [&'static str; 7] = [
        "workload",
        "variant",
        "offered",
        "throttled",
        "TTFT p50",
        "TTFT p99",
        "e2e p99",
    ];

    /// The view of a summary, stored in `folder` if it is.
    pub fn new(summary: &Summary, folder: Option<&str>) -> Self {
        let variants = &summary.variants;
        let several = variants.iter().any(|one| one.workloads.len() > 1);
        Self {
            title: summary.scenario.clone(),
            question: summary.description.clone(),
            variants: variants.iter().map(|one| one.name.clone()).collect(),
            groups: [
                super::search::group(variants),
                requests(variants),
                latency(variants),
                super::offers::tiers(variants),
                super::offers::batch(variants),
                live(variants),
                objectives(variants),
                quotas(variants),
                super::regions::group(variants),
                super::lanes::group(variants),
                super::answers::thinking(variants),
                super::answers::guardrails(variants),
                costs(variants),
                super::tags::group(variants),
            ]
            .into_iter()
            .filter(|group| !group.rows.is_empty())
            .collect(),
            workloads: if several {
                workloads(variants)
            } else {
                Vec::new()
            },
            course: course(variants),
            sections: super::search::sections(variants),
            break_even: variants
                .iter()
                .filter_map(|one| {
                    Some(format!(
                        "{}: {}",
                        one.name,
                        one.break_even.as_ref()?.sentence
                    ))
                })
                .collect(),
            warnings: {
                let mut all = said(summary.warnings.clone(), variants, |one| &one.warnings);
                all.extend(super::search::warnings(variants));
                all
            },
            notes: said(Vec::new(), variants, |one| &one.notes),
            footer: footer(summary, folder),
        }
    }
}

fn row(label: &str, variants: &[VariantSummary], cell: impl Fn(&VariantSummary) -> String) -> Row {
    Row {
        label: label.to_owned(),
        cells: variants.iter().map(cell).collect(),
    }
}

fn of_offered(variant: &VariantSummary, part: u64) -> String {
    let offered = variant.requests.offered;
    if offered == 0 {
        return NONE.into();
    }
    percent(part as f64 / offered as f64)
}

fn requests(variants: &[VariantSummary]) -> Group {
    let mut rows = vec![
        row("capacity", variants, |one| one.mode.clone()),
        row("offered", variants, |one| count(one.requests.offered)),
        row("throttled in the end", variants, |one| {
            of_offered(one, one.requests.throttled)
        }),
    ];
    let mut lost = |label: &str, of: fn(&VariantSummary) -> u64| {
        if variants.iter().any(|one| of(one) > 0) {
            rows.push(row(label, variants, |one| of_offered(one, of(one))));
        }
    };
    lost("failed", |one| one.requests.failed);
    lost("timed out", |one| one.requests.timed_out);
    lost("not sent", |one| one.requests.not_sent);
    lost("deferred to batch", |one| one.requests.deferred);
    rows.push(row("attempts per request", variants, |one| {
        optional(one.attempts.amplification, |value| format!("{value:.3}"))
    }));
    rows.extend(hedges(variants));
    rows.extend(sessions(variants));
    rows.extend(cached(variants));
    let errors = |one: &VariantSummary| one.attempts.unavailable + one.attempts.failed;
    if variants.iter().any(|one| errors(one) > 0) {
        rows.push(row("attempts with an error", variants, |one| {
            count(errors(one))
        }));
    }
    if variants.iter().any(|one| one.truncated > 0) {
        rows.push(row("answers cut off", variants, |one| count(one.truncated)));
    }
    if variants.iter().any(|one| one.stopped_early > 0) {
        rows.push(row("stopped for output quota", variants, |one| {
            count(one.stopped_early)
        }));
    }
    Group {
        title: "Requests".into(),
        rows,
    }
}

/// What hedging did, where some variant hedges.
fn hedges(variants: &[VariantSummary]) -> Vec<Row> {
    if variants.iter().all(|one| one.attempts.hedged.is_none()) {
        return Vec::new();
    }
    let share_of = |part: Option<u64>, whole: Option<u64>| match (part, whole) {
        (Some(part), Some(whole)) if whole > 0 => percent(part as f64 / whole as f64),
        _ => NONE.into(),
    };
    let hedged = row("hedged", variants, |one| {
        share_of(one.attempts.hedged, Some(one.requests.offered))
    });
    let won = row("hedges that came first", variants, |one| {
        share_of(one.attempts.hedges_won, one.attempts.hedged)
    });
    vec![hedged, won]
}

/// Sessions that came to their end, over all workloads that have some.
fn sessions(variants: &[VariantSummary]) -> Option<Row> {
    let of = |one: &VariantSummary| {
        let sessions = one
            .workloads
            .iter()
            .filter_map(|workload| workload.sessions);
        sessions.fold((0, 0), |sum, one| {
            (sum.0 + one.completed, sum.1 + one.started)
        })
    };
    let any = |one: &VariantSummary| one.workloads.iter().any(|own| own.sessions.is_some());
    variants.iter().any(any).then(|| {
        row("sessions finished", variants, |one| match of(one) {
            (_, 0) => NONE.into(),
            (completed, started) => format!("{} of {}", count(completed), count(started)),
        })
    })
}

/// The share of all prompts that was read from the cache, where there is one.
fn cached(variants: &[VariantSummary]) -> Option<Row> {
    let uses = |one: &VariantSummary| one.tokens.cache_read + one.tokens.cache_write > 0;
    variants.iter().any(uses).then(|| {
        row("prompt from cache", variants, |one| {
            let tokens = &one.tokens;
            match tokens.input + tokens.cache_read + tokens.cache_write {
                0 => NONE.into(),
                prompt => percent(tokens.cache_read as f64 / prompt as f64),
            }
        })
    })
}

fn latency(variants: &[VariantSummary]) -> Group {
    let mut rows = Vec::new();
    let mut add = |label: &str, name: &str, of: fn(&VariantSummary) -> &Percentiles| {
        rows.push(row(label, variants, |one| percentile(of(one), name)));
    };
    add("TTFT p50", "p50", |one| &one.ttft_ms);
    add("TTFT p95", "p95", |one| &one.ttft_ms);
    add("TTFT p99", "p99", |one| &one.ttft_ms);
    add("TTFT p99 incl. lost", "p99", |one| &one.ttft_all_ms);
    add("e2e p50", "p50", |one| &one.e2e_ms);
    add("e2e p99", "p99", |one| &one.e2e_ms);
    rows.push(row("figures are", variants, origins));
    Group {
        title: "Latency".into(),
        rows,
    }
}

/// What the load generator says of itself.
fn live(variants: &[VariantSummary]) -> Group {
    let mut rows = Vec::new();
    if variants.iter().any(|one| one.live.is_some()) {
        let mut add = |label: &str, show: &dyn Fn(&crate::results::LiveSummary) -> String| {
            rows.push(row(label, variants, |one| {
                one.live.as_ref().map_or_else(|| NONE.into(), show)
            }));
        };
        add("sent per second", &|live| {
            optional(live.achieved_rps, |rps| format!("{rps:.1}/s"))
        });
        add("send lag p99", &|live| percentile(&live.send_lag_ms, "p99"));
        add("gap between chunks p99", &|live| {
            percentile(&live.chunk_gap_ms, "p99")
        });
        add("connections", &|live| count(live.connections_opened));
        add("generator's processor", &|live| {
            optional(live.cpu_share, percent)
        });
        add("client overhead p50", &|live| match &live.calibration {
            Some(calibration) => percentile(&calibration.before_ms, "p50"),
            None => NONE.into(),
        });
    }
    Group {
        title: "Generator".into(),
        rows,
    }
}

fn origins(variant: &VariantSummary) -> String {
    let mut words: Vec<&str> = Vec::new();
    for latency in &variant.latency {
        if !words.contains(&latency.origin.as_str()) {
            words.push(&latency.origin);
        }
    }
    if words.is_empty() {
        NONE.into()
    } else {
        words.join(", ")
    }
}

fn objectives(variants: &[VariantSummary]) -> Group {
    let verdict = |one: &VariantSummary| match (one.slo.met, one.slo.objectives.is_empty()) {
        (true, true) => "no SLO".to_owned(),
        (true, false) => "met".to_owned(),
        (false, _) => format!("missed: {}", one.slo.missed.join(", ")),
    };
    let mut rows = vec![
        row("verdict", variants, verdict),
        row("good requests", variants, |one| {
            optional(one.slo.attainment, percent)
        }),
        row("goodput", variants, |one| {
            optional(one.goodput_rps, |rps| format!("{rps:.2}/s"))
        }),
    ];
    let first = variants.first().map_or(&[][..], |one| &one.slo.objectives);
    for objective in first {
        let show = |value: f64| match objective.unit.as_str() {
            "ms" => time(value),
            _ => percent(value),
        };
        let sign = if objective.name == "attainment" {
            '≥'
        } else {
            '≤'
        };
        let name = objective.name.replace('_', " ");
        let label = format!("{name} {sign} {}", show(objective.bound));
        rows.push(row(&label, variants, |one| {
            let own = one
                .slo
                .objectives
                .iter()
                .find(|own| own.name == objective.name);
            own.map_or_else(
                || NONE.into(),
                |own| own.seen.map_or_else(|| "never".into(), show),
            )
        }));
    }
    Group {
        title: "SLO".into(),
        rows,
    }
}

/// Quotas whose peak stayed below this share in every variant are left out of the table.
const QUOTA_WORTH_SHOWING: f64 = 0.5;

fn quotas(variants: &[VariantSummary]) -> Group {
    let mut names: Vec<(&str, &str, Option<String>)> = Vec::new();
    for one in variants {
        for quota in &one.quota {
            let name = (
                quota.name.as_str(),
                quota.model.as_str(),
                own_scope(one, quota),
            );
            // Those of guardrails have their own section.
            if !quota.name.starts_with("guardrail_") && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let mut rows = Vec::new();
    // A quota that nothing came near to would only hide the one that binds.
    names.retain(|&(name, model, _)| {
        let own = |q: &&crate::results::QuotaSummary| q.name == name && q.model == model;
        let busy = |q: &crate::results::QuotaSummary| {
            let near = |share: Option<f64>| share.is_none_or(|share| share >= QUOTA_WORTH_SHOWING);
            q.refused > 0 || near(q.peak_reserved_share) || near(q.peak_settled_share)
        };
        ["tpm", "input_tpm", "output_tpm"].contains(&name)
            || variants
                .iter()
                .any(|one| one.quota.iter().filter(own).any(busy))
    });
    let several = |name: &str| {
        let mut models = names.iter().filter(|(own, ..)| *own == name);
        let first = models.next().map(|(_, model, _)| *model);
        models.any(|(_, model, _)| Some(*model) != first)
    };
    for (name, model, scope) in &names {
        let (name, model) = (*name, *model);
        let title = match name {
            "reserved_input_tpm" => "bought input".to_owned(),
            "reserved_output_tpm" => "bought output".to_owned(),
            "model_units_streams" => "full-speed streams".to_owned(),
            "latency_optimized_tpm" => "latency-optimised TPM".to_owned(),
            "latency_optimized_rpm" => "latency-optimised RPM".to_owned(),
            "input_tpm" => "input TPM".to_owned(),
            "output_tpm" => "output TPM".to_owned(),
            "account_tpd" => "account TPD".to_owned(),
            other => other.to_uppercase(),
        };
        let title = if several(name) {
            format!("{title} {model}")
        } else {
            title
        };
        let title = match scope {
            Some(scope) => format!("{title} {scope}"),
            None => title,
        };
        let of = |one: &VariantSummary, show: &dyn Fn(&crate::results::QuotaSummary) -> String| {
            let own = one
                .quota
                .iter()
                .filter(|q| (q.name.as_str(), q.model.as_str()) == (name, model))
                .find(|q| own_scope(one, q) == *scope);
            own.map_or_else(|| NONE.into(), show)
        };
        rows.push(row(&format!("{title} reserved"), variants, |one| {
            of(one, &|quota| optional(quota.peak_reserved_share, percent))
        }));
        rows.push(row(&format!("{title} used"), variants, |one| {
            of(one, &|quota| optional(quota.peak_settled_share, percent))
        }));
        rows.push(row(&format!("{title} refusals"), variants, |one| {
            of(one, &|quota| count(quota.refused))
        }));
    }
    Group {
        title: "Quota peaks".into(),
        rows,
    }
}

/// The scope of a quota where the variant has several of its name and model side by side.
fn own_scope(variant: &VariantSummary, quota: &crate::results::QuotaSummary) -> Option<String> {
    let alike = |other: &&crate::results::QuotaSummary| {
        (&other.name, &other.model) == (&quota.name, &quota.model)
    };
    if variant.quota.iter().filter(alike).count() < 2 {
        return None;
    }
    Some(match &quota.region {
        Some(region) => format!("({} {region})", quota.scope),
        None => format!("({})", quota.scope),
    })
}

fn costs(variants: &[VariantSummary]) -> Group {
    let mut rows = vec![
        row("this run", variants, |one| money(one.cost.run_usd)),
        row("per month", variants, |one| money(one.cost.month_usd)),
    ];
    let classes: [(&str, ClassOf); 12] = [
        ("  input", |c| c.input),
        ("  output", |c| c.output),
        ("  cache writes", |c| c.cache_write),
        ("  cache writes, 1h", |c| c.cache_write_1h),
        ("  cache reads", |c| c.cache_read),
        ("  long prompts", |c| c.long_context),
        ("  bought capacity", |c| c.reserved),
        ("  guardrails", |c| c.guardrail),
        ("  classifiers", |c| c.classifier),
        ("  router fees", |c| c.router_fee),
        ("  wasted", |c| c.wasted),
        ("  batch", |c| c.batch),
    ];
    for (label, of) in classes {
        if variants
            .iter()
            .any(|one| of(&one.cost.month_by_class) != Some(0.0))
        {
            rows.push(row(label, variants, |one| {
                money(of(&one.cost.month_by_class))
            }));
        }
    }
    Group {
        title: "Cost".into(),
        rows,
    }
}

fn workloads(variants: &[VariantSummary]) -> Vec<WorkloadRow> {
    let cells = |variant: &str, one: &WorkloadSummary| {
        let offered = one.requests.offered;
        let throttled = one.requests.throttled as f64 / offered.max(1) as f64;
        vec![
            one.name.clone(),
            variant.to_owned(),
            count(offered),
            percent(throttled),
            percentile(&one.ttft_ms, "p50"),
            percentile(&one.ttft_ms, "p99"),
            percentile(&one.e2e_ms, "p99"),
        ]
    };
    let most = variants.iter().map(|one| one.workloads.len()).max();
    let mut rows = Vec::new();
    for index in 0..most.unwrap_or(0) {
        for variant in variants {
            if let Some(workload) = variant.workloads.get(index) {
                let cells = cells(&variant.name, workload);
                rows.push(WorkloadRow { cells });
            }
        }
    }
    rows
}

fn course(variants: &[VariantSummary]) -> Vec<CourseLine> {
    let peak = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let mut lines = Vec::new();
    let courses = || {
        variants
            .iter()
            .filter_map(|one| Some((one, one.course.as_ref()?)))
    };
    let first = courses().next().map(|(_, course)| &course.offered_rps);
    let common = courses().all(|(_, course)| Some(&course.offered_rps) == first);
    let shown = if common { 1 } else { variants.len() };
    let largest = courses()
        .map(|(_, course)| peak(&course.offered_rps))
        .fold(0.0, f64::max);
    for (variant, course) in courses().take(shown) {
        let label = if common { "all" } else { &variant.name };
        lines.push(CourseLine {
            label: format!("load, {label}"),
            values: course.offered_rps.clone(),
            largest,
            peak: format!("peak {:.1}/s", peak(&course.offered_rps)),
        });
    }
    for (variant, course) in courses() {
        let values: Vec<f64> = course
            .refused_share
            .iter()
            .map(|one| one.unwrap_or(0.0))
            .collect();
        lines.push(CourseLine {
            label: format!("refused, {}", variant.name),
            peak: format!("peak {}", percent(peak(&values))),
            values,
            largest: 1.0,
        });
    }
    lines
}

/// Remarks of variants: once if all of them say it, with names otherwise.
fn said(
    mut lines: Vec<String>,
    variants: &[VariantSummary],
    of: fn(&VariantSummary) -> &Vec<String>,
) -> Vec<String> {
    let mut seen: Vec<&String> = Vec::new();
    for text in variants.iter().flat_map(of) {
        if seen.contains(&text) {
            continue;
        }
        seen.push(text);
        let who: Vec<&str> = variants
            .iter()
            .filter(|one| of(one).contains(text))
            .map(|one| one.name.as_str())
            .collect();
        lines.push(if who.len() == variants.len() {
            text.clone()
        } else {
            format!("{}: {text}", who.join(", "))
        });
    }
    lines
}

fn footer(summary: &Summary, folder: Option<&str>) -> Vec<String> {
    let engine = &summary.engine;
    let mut lines = vec![format!(
        "seed {}, {} replication{}",
        summary.seed,
        summary.replications,
        if summary.replications == 1 { "" } else { "s" }
    )];
    let speed = optional(engine.requests_per_wall_s, |rps| count(rps as u64));
    let live = summary.variants.iter().find_map(|one| one.live.as_ref());
    let how = match live {
        Some(live) => format!("sent to {}", live.target),
        None => "simulated".to_owned(),
    };
    lines.push(format!(
        "{} requests {how} in {} ({speed}/s, {} threads)",
        count(engine.requests),
        time(1000.0 * engine.wall_s),
        engine.threads
    ));
    lines.extend(books(summary));
    if let Some(folder) = folder {
        lines.push(format!("results in {folder}"));
        lines.push(page_in(folder));
    }
    lines
}

/// The price books in force, with their variants where those differ.
fn books(summary: &Summary) -> Vec<String> {
    let said = |one: &VariantSummary| {
        let book = one.price_book.as_ref()?;
        Some(format!("prices of {} (book {})", book.as_of, book.name))
    };
    let mut known: Vec<String> = Vec::new();
    for text in summary.variants.iter().filter_map(said) {
        if !known.contains(&text) {
            known.push(text);
        }
    }
    if known.len() < 2 {
        return known;
    }
    let named = known.into_iter().map(|text| {
        let of = summary.variants.iter();
        let of = of.filter(|one| said(one).as_ref() == Some(&text));
        let names: Vec<&str> = of.map(|one| one.name.as_str()).collect();
        format!("{}: {text}", names.join(", "))
    });
    named.collect()
}
