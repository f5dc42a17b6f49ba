//! Metrics of AWS/Bedrock from `CloudWatch`.

use super::aws::{Aws, AwsError, aws_error};
use crate::load::trace::model_name;
use crate::recorded::{Metric, Metrics};
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric as Named, MetricDataQuery, MetricStat};
use std::collections::BTreeSet;

const NAMESPACE: &str = "AWS/Bedrock";
const MODEL: &str = "ModelId";
/// Queries of one call (API reference, `GetMetricData`).
const QUERIES_MAX: usize = 500;
/// Seconds of a period: hours are kept for 15 months.
const PERIOD_S: i32 = 3600;
/// Scopes under which a model may have been called, for models that were not called lately.
const SCOPES: [&str; 7] = ["us", "eu", "apac", "jp", "au", "us-gov", "global"];

/// The values of a model in a span, with the ids under which it was called. `names` are model ids, without profile
/// prefixes or just as they were called.
///
/// # Errors
/// AWS cannot be asked, or refuses.
pub fn fetch_metrics(
    aws: &Aws,
    names: &[String],
    from_us: i64,
    to_us: i64,
) -> Result<(Metrics, Vec<String>), AwsError> {
    let client = Client::new(&aws.config);
    aws.wait(async {
        let ids = model_ids(&client, names, &aws.place).await?;
        let mut metrics = Metrics::default();
        let mut seen = BTreeSet::new();
        let all: Vec<(Metric, &String)> = ids
            .iter()
            .flat_map(|id| Metric::ALL.map(|metric| (metric, id)))
            .collect();
        for part in all.chunks(QUERIES_MAX) {
            fetch(
                &client,
                part,
                (from_us, to_us),
                &aws.place,
                &mut metrics,
                &mut seen,
            )
            .await?;
        }
        Ok((metrics, seen.into_iter().collect()))
    })
}

/// The ids under which the models were called: those that `CloudWatch` lists, and those that they may have.
async fn model_ids(
    client: &Client,
    names: &[String],
    place: &str,
) -> Result<BTreeSet<String>, AwsError> {
    let mut ids: BTreeSet<String> = names.iter().cloned().collect();
    for name in names
        .iter()
        .filter(|name| !name.starts_with("arn:") && !name.contains('/'))
    {
        ids.extend(SCOPES.map(|scope| format!("{scope}.{name}")));
    }
    let mut next = None;
    loop {
        let answer = client
            .list_metrics()
            .namespace(NAMESPACE)
            .metric_name(Metric::Invocations.name())
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| aws_error(&error, place, ""))?;
        for metric in answer.metrics() {
            let models = metric
                .dimensions()
                .iter()
                .filter(|d| d.name() == Some(MODEL));
            for id in models.filter_map(Dimension::value) {
                let named = model_name(id);
                if names.iter().any(|name| name == id || name == named.id) {
                    ids.insert(id.to_owned());
                }
            }
        }
        next = answer.next_token().map(str::to_owned);
        if next.is_none() {
            return Ok(ids);
        }
    }
}

async fn fetch(
    client: &Client,
    wanted: &[(Metric, &String)],
    (from_us, to_us): (i64, i64),
    place: &str,
    metrics: &mut Metrics,
    seen: &mut BTreeSet<String>,
) -> Result<(), AwsError> {
    let queries: Vec<MetricDataQuery> = wanted
        .iter()
        .enumerate()
        .map(|(index, (metric, id))| {
            let model = Dimension::builder().name(MODEL).value(*id).build();
            let named = Named::builder()
                .namespace(NAMESPACE)
                .metric_name(metric.name())
                .dimensions(model)
                .build();
            let stat = MetricStat::builder()
                .metric(named)
                .period(PERIOD_S)
                .stat(metric.statistic())
                .build();
            MetricDataQuery::builder()
                .id(format!("q{index}"))
                .metric_stat(stat)
                .build()
        })
        .collect();
    let mut next = None;
    loop {
        let answer = client
            .get_metric_data()
            .set_metric_data_queries(Some(queries.clone()))
            .start_time(DateTime::from_secs(from_us.div_euclid(1_000_000)))
            .end_time(DateTime::from_secs(to_us.div_euclid(1_000_000)))
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| aws_error(&error, place, ""))?;
        for result in answer.metric_data_results() {
            let index = result
                .id()
                .and_then(|id| id.strip_prefix('q')?.parse::<usize>().ok());
            let Some((metric, id)) = index.and_then(|index| wanted.get(index)) else {
                continue;
            };
            for (at, value) in result.timestamps().iter().zip(result.values()) {
                metrics.add(*metric, at.secs().saturating_mul(1_000_000), *value);
                if *value > 0.0 {
                    seen.insert((*id).clone());
                }
            }
        }
        next = answer.next_token().map(str::to_owned);
        if next.is_none() {
            return Ok(());
        }
    }
}
