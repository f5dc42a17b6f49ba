//! Metrics of AWS/Bedrock: demand by the hour for `plan`, and a rate with its shape for `simulate`.

use super::super::super::args::Format;
use super::super::super::exit::Exit;
use super::super::super::term::{data, talk};
use super::{Import, Stopped, aws_failed, begin, invalid, moment, refused, unreadable, usage};
use crate::fetch::{Aws, fetch_metrics};
use crate::recorded::{Metric, Metrics, STAND_IN, demand_scenario, read_metrics};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The schema of what is printed.
const SCHEMA: &str = "bedload.demand/1";
const CSV: &str = "demand.csv";
const SHAPE: &str = "shape.toml";
const SCENARIO: &str = "scenario-demand.toml";

/// Reads metrics from the service, or from the files behind the word `cloudwatch`.
pub(super) fn run(import: &Import<'_>) -> Result<Exit, Stopped> {
    let args = import.args;
    let files = &args.sources[1..];
    let mut metrics = Metrics::default();
    let mut called = Vec::new();
    let source = if files.is_empty() {
        let (from, to) = span(import)?;
        let ids = model_ids(import)?;
        let aws = Aws::new(args.region.as_deref(), args.endpoint_url.as_deref());
        let aws = aws.map_err(|error| aws_failed(&error))?;
        let found = fetch_metrics(&aws, &ids, from, to).map_err(|error| aws_failed(&error))?;
        (metrics, called) = found;
        format!("CloudWatch AWS/Bedrock, {}", args.models.join(", "))
    } else {
        for file in files {
            let bytes = fs::read(file).map_err(|error| unreadable(Path::new(file), &error))?;
            let text = String::from_utf8_lossy(&bytes);
            read_metrics(&mut metrics, &text).map_err(|error| invalid(file, &error))?;
        }
        files.join(", ")
    };
    if metrics.requests_total() <= 0.0 {
        talk(&format!(
            "error: no request was counted in {source}\n  help: check the model, the Region and the span; \
             CloudWatch keeps hours for 15 months"
        ));
        return Err(Exit::InvalidFile);
    }
    write(import, &metrics, &source, &called)
}

fn write(
    import: &Import<'_>,
    metrics: &Metrics,
    source: &str,
    called: &[String],
) -> Result<Exit, Stopped> {
    let output = begin(import.args, &import.started_at)?;
    let mut written = vec![CSV];
    let text = metrics.hourly_csv();
    output
        .write(CSV, text.as_bytes())
        .map_err(|e| refused(&e))?;
    if !output.is_file() {
        let shape = metrics
            .shape(source)
            .map_err(|error| invalid(source, &error))?;
        let model = import
            .args
            .models
            .first()
            .map(|name| import.model_name(name));
        let model = model.filter(|name| import.is_known(name));
        let model = model.as_deref().unwrap_or(STAND_IN);
        let scenario = demand_scenario(model, metrics, CSV, SHAPE);
        output
            .write(SHAPE, shape.as_bytes())
            .map_err(|e| refused(&e))?;
        output
            .write(SCENARIO, scenario.as_bytes())
            .map_err(|e| refused(&e))?;
        written.extend([SHAPE, SCENARIO]);
    }
    let written: Vec<String> = written
        .iter()
        .map(|name| output.path(name).display().to_string())
        .collect();
    let document = document(metrics, source, called, &written);
    if !output.is_file() {
        let text = serde_json::to_string_pretty(&document).unwrap_or_default() + "\n";
        output
            .write(super::SUMMARY, text.as_bytes())
            .map_err(|e| refused(&e))?;
    }
    output.finish(CSV).map_err(|e| refused(&e))?;
    Ok(data(&match import.args.format {
        Format::Json => serde_json::to_string_pretty(&document).unwrap_or_default() + "\n",
        Format::Text | Format::Markdown => told(metrics, source, called, &written),
    }))
}

fn document(metrics: &Metrics, source: &str, called: &[String], written: &[String]) -> Value {
    let totals: serde_json::Map<String, Value> = Metric::ALL
        .iter()
        .map(|metric| (metric.name().to_owned(), json!(metrics.total(*metric))))
        .collect();
    json!({
        "schema": SCHEMA,
        "source": source,
        "called_as": called,
        "first": metrics.first(),
        "hours": metrics.span_hours(),
        "requests": metrics.requests_total(),
        "requests_busiest_hour": metrics.requests_peak(),
        "totals": totals,
        "written": written,
    })
}

fn told(metrics: &Metrics, source: &str, called: &[String], written: &[String]) -> String {
    let hours = metrics.span_hours();
    let all = metrics.requests_total();
    let mut lines = vec![
        format!("Demand of {source}"),
        format!(
            "{all:.0} requests in {hours} hours from {}, {:.4}/s in the mean, {:.0} in the busiest hour.",
            metrics.first().unwrap_or_default(),
            all / (hours as f64 * 3600.0),
            metrics.requests_peak()
        ),
        "Throttled attempts and errors count as demand, retries among them.".to_owned(),
        String::new(),
    ];
    for metric in Metric::ALL {
        let value = metrics.total(metric);
        lines.push(match value {
            None => format!("  {:<26} –", metric.name()),
            Some(value) if metric.is_mean() => {
                format!("  {:<26} {value:.1} ms, mean of hours", metric.name())
            }
            Some(value) => format!("  {:<26} {value:.0}", metric.name()),
        });
    }
    if !called.is_empty() {
        lines.push(format!("\nCalled as {}", called.join(", ")));
    }
    lines.push("\nWritten".to_owned());
    lines.extend(written.iter().map(|path| format!("  {path}")));
    lines.join("\n") + "\n"
}

fn span(import: &Import<'_>) -> Result<(i64, i64), Stopped> {
    let args = import.args;
    let from = moment("--from", args.from.as_deref())?;
    let to = moment("--to", args.to.as_deref())?;
    match (from, to) {
        (Some(from), Some(to)) if from < to => Ok((from, to)),
        _ => Err(usage(
            "metrics are fetched for a span",
            "name it with `--from 2026-10-01T00 --to 2026-11-01T00`, or name exported files",
        )),
    }
}

/// The model ids of what the command names.
fn model_ids(import: &Import<'_>) -> Result<Vec<String>, Stopped> {
    let models = &import.args.models;
    if models.is_empty() {
        return Err(usage(
            "metrics are fetched for a model",
            "name it with `--model`, by its profile or its model id",
        ));
    }
    let id = |name: &String| {
        let known = import.catalogue.model(name);
        known.map_or_else(|_| name.clone(), |model| model.model_id.clone())
    };
    Ok(models.iter().map(id).collect())
}
