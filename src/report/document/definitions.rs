//! What each metric means, in one place.

use super::build;
use crate::results::report::{Block, Section};

/// Metrics with their definitions, in the words of the results' documents.
pub const METRICS: &[(&str, &str)] = &[
    (
        "TTFT",
        "Time to first token: from when a request was due until the first content of any kind (text, reasoning or \
         tool input) of its answer. Queueing in the client, every retry and every backoff are inside.",
    ),
    (
        "attempt TTFT",
        "The same from the sending of the attempt that answered: what the service took, without what came before.",
    ),
    (
        "e2e",
        "From when a request was due until the last content of its answer.",
    ),
    (
        "attempt e2e",
        "From the sending of the attempt that answered until the last content.",
    ),
    (
        "time per output token",
        "What a request's answer took after its first token, over the tokens after it.",
    ),
    (
        "percentile",
        "The nearest rank in a histogram of three significant digits. Histograms are merged and then read; \
         percentiles are never averaged. Below the least number of requests for a bound of 95 % (29 for p90, 299 for \
         p99, 2,995 for p99.9) there is none.",
    ),
    (
        "lost ones inside",
        "Percentiles over all requests that were due; those never answered are infinitely late. A dash stands where \
         the rank falls among them.",
    ),
    (
        "offered",
        "Requests that were due in the measured span, after the warm-up.",
    ),
    (
        "throttled in the end",
        "Requests given up after a quota refused them (429), over those offered; a refusal that a retry heals does \
         not count.",
    ),
    (
        "attempts per request",
        "Attempts sent over requests offered: above 1 by what retries and hedges add.",
    ),
    (
        "good requests",
        "Requests that were answered in full and met every latency bound of the SLO, over those offered. Also called \
         attainment.",
    ),
    ("goodput", "Good requests per second of the measured span."),
    (
        "reserved",
        "Quota tokens that admission takes from the quota when a request comes: its input and its max_tokens, by \
         the rules of the model.",
    ),
    (
        "settled",
        "Quota tokens that are left of a reservation when the request ends: what it really used, output times the \
         model's burndown.",
    ),
    (
        "share of a quota",
        "The most that counted against its limit at a time; above 100 % with debt.",
    ),
    (
        "cost of a month",
        "730 hours like the measured span, at the prices of the price book. Tokens scale with time; bought capacity \
         is paid for every hour, used or not.",
    ),
    (
        "wasted",
        "What attempts cost whose answers nobody got, such as those abandoned at a timeout.",
    ),
    (
        "break-even use",
        "The mean use of the side that fills first from which bought capacity costs less than the same tokens on \
         demand. Above 100 % it never does.",
    ),
    (
        "recovery",
        "The time from the release of a spike until the good share of requests is back and stays so.",
    ),
    (
        "hysteresis",
        "The good share in the last third after the release over that before the spike: 1 is as before.",
    ),
    (
        "served share",
        "Requests that a plan serves over those asked for, on the mean over paths of demand.",
    ),
    (
        "Shapley value",
        "What a lever saves on the mean over all orders in which levers can be pulled; these sum to what all save.",
    ),
    (
        "measured, fitted, assumed",
        "Where a latency comes from: measurements of this service, a law fitted to such, or a stated assumption.",
    ),
];

pub(super) fn section() -> Option<Section> {
    let terms = METRICS
        .iter()
        .map(|(term, meaning)| ((*term).to_owned(), (*meaning).to_owned()));
    let block = Block::Definitions(terms.collect());
    build::section(
        "definitions",
        "What the words mean",
        Vec::new(),
        vec![block],
    )
}
