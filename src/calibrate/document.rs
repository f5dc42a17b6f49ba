//! Groups into laws, laws against later rows, both into a document and profiles.

use super::check::{LEAST_HELD_OUT, checks};
use super::figures::figures;
use super::fit::{Fitted, LEAST_OF_ALL, Part, fit, quantiles};
use super::group::{Group, groups};
use super::profile_text::{About, profile_text};
use super::sample::{Sample, Samples};
use crate::domain::LatencyProfile;
use crate::profile::{Catalogue, ProfileKind};
use crate::results::calibration::{
    CALIBRATION_SCHEMA, CalibrationDocument, CalibrationGroup, CalibrationLaw, CalibrationPart,
    CalibrationSource, MetricCheck,
};
use crate::stats::empirical::rank_correlation;

/// The share of rows, the last ones, that judge.
pub const HOLDOUT: f64 = 0.3;
/// A correlation of lateness with load from which on it is told.
const TOLD_CORRELATION: f64 = 0.2;
/// What the load does where the profile does not say: at h = 1 answers start 20% later and run 20% slower.
const LOAD: (f64, f64) = (0.2, 0.2);

/// From which profile fits start.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Start {
    /// That of each model.
    #[default]
    OfModel,
    /// This one.
    Named(String),
    /// None.
    Nothing,
}

/// What to calibrate from.
pub struct Calibration<'a> {
    /// The measurements.
    pub samples: &'a Samples,
    /// What they were read from.
    pub sources: Vec<CalibrationSource>,
    /// The profiles that are known.
    pub catalogue: &'a Catalogue,
    /// From which profile fits start.
    pub start: Start,
    /// The model to fit, where not all are wanted; that of rows that name none.
    pub model: Option<String>,
    /// The name of the profile, where one model is fitted.
    pub profile: Option<String>,
    /// Where the measurements come from, for the profiles.
    pub source: String,
    /// Of which day they are, `YYYY-MM-DD`.
    pub as_of: String,
    /// The command that makes the profiles again; may be empty.
    pub command: String,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// The findings.
    pub document: CalibrationDocument,
    /// The profiles.
    pub profiles: Vec<ProfileFile>,
}

/// A profile to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileFile {
    /// Its name, the stem of the file.
    pub name: String,
    /// The text of the file.
    pub text: String,
    /// Its group in the document.
    pub group: usize,
}

/// Fits a law to each group of samples, judges it by the last rows of the group, and writes profiles.
pub fn calibrate(input: &Calibration<'_>) -> Calibrated {
    let wanted = input.model.as_deref().map(|model| input.name(model));
    let all = groups(input.samples, |model| match (&wanted, model) {
        (Some(wanted), "") => wanted.clone(),
        (_, model) => input.name(model),
    });
    let all = all.into_iter().filter(|group| {
        let is_wanted = wanted.as_ref().is_none_or(|wanted| group.model == *wanted);
        is_wanted && !group.rows.is_empty()
    });
    let mut found = Vec::new();
    let mut profiles = Vec::new();
    for (index, group) in all.enumerate() {
        let (entry, text) = input.group(&group);
        profiles.extend(text.map(|text| ProfileFile {
            name: entry.profile.clone(),
            text,
            group: index,
        }));
        found.push(entry);
    }
    let timed = input.samples.is_timed();
    let mut document = CalibrationDocument {
        schema: CALIBRATION_SCHEMA.to_owned(),
        verdict: found.iter().map(sentence).collect(),
        fitted: !found.is_empty() && found.iter().all(|group| group.origin == "fitted"),
        sources: input.sources.clone(),
        skipped: input.samples.skipped.clone().into_iter().collect(),
        split: if timed { "time" } else { "order" }.to_owned(),
        holdout_share: HOLDOUT,
        warnings: warnings(input, &found),
        notes: notes(timed),
        figures: figures(&found),
        groups: found,
    };
    if document.groups.is_empty() {
        document.verdict = vec!["No measured answer could be used: nothing was fitted.".to_owned()];
    }
    Calibrated { document, profiles }
}

impl Calibration<'_> {
    /// The name under which a model's rows count: the catalogue's where it has one.
    fn name(&self, id: &str) -> String {
        let (id, _) = super::read::named(id);
        let names = self.catalogue.names(ProfileKind::Model);
        if names.contains(&id.as_str()) {
            return id;
        }
        let of_id = |name: &&&str| {
            let model = self.catalogue.model(name);
            model.is_ok_and(|model| model.model_id == id)
        };
        match names.iter().find(of_id) {
            Some(name) => (*name).to_owned(),
            None => id,
        }
    }

    fn base(&self, model: &str) -> Option<&LatencyProfile> {
        match &self.start {
            Start::Nothing => None,
            Start::Named(name) => self.catalogue.latency(name).ok(),
            Start::OfModel => {
                let model = self.catalogue.model(model).ok()?;
                self.catalogue.latency(&model.latency).ok()
            }
        }
    }

    /// The name of a group's profile. That of a whole model takes the place of the one that the model names.
    fn profile_name(&self, group: &Group<'_>) -> String {
        let model = self.catalogue.model(&group.model);
        let own = model.map_or_else(|_| slug(&group.model), |model| model.latency.clone());
        let mut name = self.profile.clone().unwrap_or(own);
        let hours = group.hours.map(|hours| hours.to_string());
        for part in [&group.region, &group.tier, &hours].into_iter().flatten() {
            if !part.is_empty() {
                name.push_str("--");
                name.push_str(&slug(part));
            }
        }
        name
    }

    fn group(&self, group: &Group<'_>) -> (CalibrationGroup, Option<String>) {
        let base = self.base(&group.model);
        let (earlier, later) = split(&group.rows, self.samples.is_timed());
        let law = fit(&group.rows, base);
        let judged = fit(&earlier, base).map(|law| checks(&law, &later));
        let checks = judged.unwrap_or_default();
        let (accepted, reasons) = judge(law.as_ref(), &checks, base);
        let origin = match &law {
            None => "none",
            Some(_) if accepted == [true; 2] => "fitted",
            Some(_) => "assumed",
        };
        let entry = CalibrationGroup {
            model: group.model.clone(),
            region: group.region.clone(),
            tier: group.tier.clone(),
            hours: group.hours.map(|hours| hours.to_string()),
            profile: self.profile_name(group),
            file: None,
            origin: origin.to_owned(),
            reasons,
            rows: group.rows.len() as u64,
            holdout_rows: later.len() as u64,
            started_from: base.map(|base| base.name.clone()),
            load_correlation: law.as_ref().and_then(|law| lateness(law, &group.rows)),
            mean_in_flight: mean_in_flight(&group.rows),
            law: law.as_ref().map(|law| law_of(law, accepted)),
            checks,
        };
        let text = law.map(|law| {
            let about = About {
                head: self.head(&entry),
                source: self.source.clone(),
                as_of: self.as_of.clone(),
                accepted,
                kept: base.and_then(|base| {
                    let mut notes = self.catalogue.latency_notes(&base.name).iter();
                    notes.find(|note| note.part == "tpot").cloned()
                }),
                load: base.map_or(LOAD, load_of),
            };
            profile_text(&law, &about, &entry.checks)
        });
        (entry, text)
    }

    fn head(&self, group: &CalibrationGroup) -> Vec<String> {
        let mut head = vec![format!("Latency of {}.", title(group, self.catalogue))];
        head.push(String::new());
        head.push(format!(
            "From {} measured answers by `bedload calibrate`, judged by the last {} of them. {}",
            group.rows,
            group.holdout_rows,
            reason(group)
        ));
        if let Some(law) = &group.law {
            let held = [&law.ttft, &law.tpot];
            let held: Vec<&str> = held
                .iter()
                .flat_map(|part| part.held.iter().map(String::as_str))
                .collect();
            if !held.is_empty() {
                let from = match &group.started_from {
                    Some(name) => format!("taken over from the profile {name} as it was"),
                    None => "taken as zero".to_owned(),
                };
                head.push(format!(
                    "The measurements do not tell {}: {from}.",
                    held.join(" and ")
                ));
            }
        }
        if !self.command.is_empty() {
            head.push(format!("Made by: {}", self.command));
        }
        head
    }
}

fn title(group: &CalibrationGroup, catalogue: &Catalogue) -> String {
    let model = catalogue.model(&group.model);
    let mut title = model.map_or_else(|_| group.model.clone(), |model| model.title.clone());
    for part in [&group.region, &group.tier, &group.hours]
        .into_iter()
        .flatten()
    {
        if !part.is_empty() {
            title.push_str(", ");
            title.push_str(part);
        }
    }
    title
}

/// The earlier rows and the later ones. Rows without a time are split source by source, in their order.
fn split<'a>(rows: &[&'a Sample], timed: bool) -> (Vec<&'a Sample>, Vec<&'a Sample>) {
    let cut = |count: usize| ((1.0 - HOLDOUT) * count as f64).round() as usize;
    if timed {
        let (earlier, later) = rows.split_at(cut(rows.len()));
        return (earlier.to_vec(), later.to_vec());
    }
    let (mut earlier, mut later) = (Vec::new(), Vec::new());
    let sources = rows.iter().map(|row| row.source).max().unwrap_or(0);
    for source in 0..=sources {
        let own: Vec<&Sample> = rows
            .iter()
            .copied()
            .filter(|r| r.source == source)
            .collect();
        let (a, b) = own.split_at(cut(own.len()));
        earlier.extend(a);
        later.extend(b);
    }
    (earlier, later)
}

/// Whether each half of the law is accepted, and why one is not.
fn judge(
    law: Option<&Fitted>,
    checks: &[MetricCheck],
    base: Option<&LatencyProfile>,
) -> ([bool; 2], Vec<String>) {
    let Some(law) = law else {
        let reason = format!(
            "fewer than {LEAST_OF_ALL} measured answers, or they do not tell the time per token and no profile does"
        );
        return ([false; 2], vec![reason]);
    };
    let mut reasons = Vec::new();
    let check = |name: &str| checks.iter().find(|check| check.metric == name);
    let mut half = |part: &Part, own: &str, what: &str| -> bool {
        if part.samples == 0 {
            let kept = base.map(|base| format!("; that of {} stands", base.name));
            reasons.push(format!("no row shows {what}{}", kept.unwrap_or_default()));
            return false;
        }
        let name = if part.from_totals { "e2e" } else { own };
        let Some(check) = check(name) else {
            reasons.push(format!("no later row shows {what}"));
            return false;
        };
        match check.passed {
            None => {
                reasons.push(format!(
                    "{} later rows are too few to judge {what} ({LEAST_HELD_OUT} are needed)",
                    check.rows
                ));
                false
            }
            Some(true) => true,
            Some(false) => {
                reasons.extend(failures(check, what));
                false
            }
        }
    };
    let ttft = half(&law.ttft, "ttft", "the time to the first token");
    let tpot = half(&law.tpot, "tpot", "the time per token");
    reasons.dedup();
    let whole = check("e2e").filter(|check| check.passed == Some(false));
    if let Some(check) = whole.filter(|_| ttft && tpot) {
        reasons.extend(failures(check, "the whole answer"));
        return ([false; 2], reasons);
    }
    ([ttft, tpot], reasons)
}

/// The bounds that do not hold.
fn failures(check: &MetricCheck, what: &str) -> Vec<String> {
    let quantiles = check.quantiles.iter().filter_map(|quantile| {
        let error = quantile.error.filter(|error| *error > quantile.bound)?;
        Some(format!(
            "{} of {what} is off by {} on later rows (at most {})",
            quantile.percentile,
            percent(error),
            percent(quantile.bound)
        ))
    });
    let mut found: Vec<String> = quantiles.collect();
    if let Some(ks) = check.ks.filter(|ks| *ks > check.ks_bound) {
        found.push(format!(
            "the distribution of {what} is off by {ks:.3} on later rows (KS, at most {:.3})",
            check.ks_bound
        ));
    }
    found
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn law_of(law: &Fitted, accepted: [bool; 2]) -> CalibrationLaw {
    let part = |part: &Part, accepted: bool| {
        let all: Vec<f64> = quantiles(&part.noise.law(), 1000).collect();
        CalibrationPart {
            origin: if accepted { "fitted" } else { "assumed" }.to_owned(),
            samples: part.samples as u64,
            from_totals: part.from_totals,
            held: part.held.iter().map(|&name| name.to_owned()).collect(),
            noise: part.noise.name().to_owned(),
            noise_quantiles: [50, 500, 950, 990].map(|i| all[i]),
        }
    };
    CalibrationLaw {
        base_ms: law.base_ms,
        per_k_input_ms: law.per_k_input_ms,
        per_k_cached_ms: law.per_k_cached_ms,
        per_token_ms: law.per_token_ms,
        ttft: part(&law.ttft, accepted[0]),
        tpot: part(&law.tpot, accepted[1]),
    }
}

/// Rank correlation of how late first tokens were with attempts on the wire.
fn lateness(law: &Fitted, rows: &[&Sample]) -> Option<f64> {
    let seen = rows.iter().filter_map(|row| {
        let late = row.ttft_ms? / law.ttft_ms(row);
        Some((late, f64::from(row.in_flight?)))
    });
    let (late, load): (Vec<f64>, Vec<f64>) = seen.unzip();
    rank_correlation(&late, &load)
}

fn mean_in_flight(rows: &[&Sample]) -> Option<f64> {
    let seen: Vec<f64> = rows
        .iter()
        .filter_map(|row| row.in_flight.map(f64::from))
        .collect();
    (!seen.is_empty()).then(|| seen.iter().sum::<f64>() / seen.len() as f64)
}

/// What the load does by a profile, as shares of its TTFT and of its time per token.
fn load_of(base: &LatencyProfile) -> (f64, f64) {
    let of = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { LOAD.0 };
    let share = of(
        base.load_base.as_millis_f64(),
        base.ttft_base.as_millis_f64(),
    );
    // Rounded, so that a law that starts from itself stays what it is.
    ((100.0 * share).round() / 100.0, base.load_per_token)
}

/// Whether a profile is accepted, and why not.
fn reason(group: &CalibrationGroup) -> String {
    if group.origin == "fitted" {
        "They agree with the law of the earlier ones, so it counts as fitted.".to_owned()
    } else {
        format!("It stays assumed: {}.", group.reasons.join("; "))
    }
}

/// One group in a sentence.
fn sentence(group: &CalibrationGroup) -> String {
    let errors = |metric: &str| {
        let check = group.checks.iter().find(|check| check.metric == metric)?;
        let of = |q: &crate::results::calibration::QuantileCheck| {
            Some(format!("{} {}", q.percentile, percent(q.error?)))
        };
        let errors: Vec<String> = check.quantiles.iter().filter_map(of).collect();
        let name = match metric {
            "ttft" => "first token",
            "tpot" => "time per token",
            _ => "whole answer",
        };
        Some(format!("{name} {}", errors.join(", ")))
    };
    let checks: Vec<String> = ["ttft", "tpot", "e2e"]
        .iter()
        .filter_map(|m| errors(m))
        .collect();
    let checks = if checks.is_empty() {
        String::new()
    } else {
        format!(
            " Errors on the last {} answers: {}.",
            group.holdout_rows,
            checks.join("; ")
        )
    };
    let name = profile_words(group);
    match group.origin.as_str() {
        "fitted" => format!("{name} is fitted: later answers agree.{checks}"),
        "none" => format!("{name} has no law: {}.", group.reasons.join("; ")),
        _ => format!(
            "{name} stays assumed: {}.{checks}",
            group.reasons.join("; ")
        ),
    }
}

fn profile_words(group: &CalibrationGroup) -> String {
    format!("`{}`", group.profile)
}

fn warnings(input: &Calibration<'_>, groups: &[CalibrationGroup]) -> Vec<String> {
    let mut found = Vec::new();
    let unnamed = input
        .samples
        .rows
        .iter()
        .filter(|row| row.model.is_empty())
        .count();
    if unnamed > 0 && input.model.is_none() {
        found.push(format!(
            "{unnamed} rows name no model: say which one with `--model NAME`"
        ));
    }
    for group in groups {
        let told = group.load_correlation.filter(|r| *r > TOLD_CORRELATION);
        if let Some(r) = told {
            found.push(format!(
                "{}: answers start later the more are under way (rank correlation {r:.2}); the law is that \
                 of the mean load, {:.1} at once",
                profile_words(group),
                group.mean_in_flight.unwrap_or(0.0)
            ));
        }
    }
    found
}

fn notes(timed: bool) -> Vec<String> {
    let split = if timed {
        "The law that is judged was fitted to the first 70 % of the rows by time, and judged by the rest. \
         The law that is written was fitted to all of them."
    } else {
        "Not every row has a time, so the rows were split in the order of their sources: the law that is \
         judged was fitted to the first 70 % of each and judged by the rest. The law that is written was \
         fitted to all of them."
    };
    vec![
        split.to_owned(),
        "Accepted is an error of at most 5 % at p50, 10 % at p90 and p95, at p99 15 % or what the \
         measurement itself is uncertain by, and a distance (KS) of at most 0.05 or the bound at which \
         two samples of one law differ in one case of twenty."
            .to_owned(),
    ]
}

/// Lower-case letters, digits and dashes.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "model" } else { slug }.to_owned()
}
