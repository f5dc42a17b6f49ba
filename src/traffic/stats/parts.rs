//! Which models and clients the requests are of.

use super::is_answered;
use crate::load::trace::{Record, Recorded};
use crate::results::traffic::{ClientSkew, ModelShare};

/// Models by requests, the most first.
pub(super) fn models(requests: &[&Record], recorded: &Recorded) -> Vec<ModelShare> {
    #[derive(Clone, Copy, Default)]
    struct Sums {
        requests: u64,
        input: u64,
        answered: u64,
        output: u64,
    }
    let mut sums = vec![Sums::default(); recorded.models.len()];
    for call in requests {
        let Some(one) = sums.get_mut(usize::from(call.model)) else {
            continue;
        };
        one.requests += 1;
        one.input += call.input_total();
        if is_answered(call) {
            one.answered += 1;
            one.output += u64::from(call.output);
        }
    }
    let mean = |sum: u64, n: u64| if n > 0 { sum as f64 / n as f64 } else { 0.0 };
    let mut models: Vec<ModelShare> = recorded
        .models
        .iter()
        .zip(&sums)
        .filter(|(_, one)| one.requests > 0)
        .map(|(name, one)| ModelShare {
            name: name.clone(),
            requests: one.requests,
            share: mean(one.requests, requests.len() as u64),
            input_mean: mean(one.input, one.requests),
            output_mean: mean(one.output, one.answered),
        })
        .collect();
    models.sort_by(|a, b| b.requests.cmp(&a.requests).then(a.name.cmp(&b.name)));
    models
}

/// Requests by client, the most first.
pub(super) fn by_client(requests: &[&Record], recorded: &Recorded) -> Vec<u64> {
    let mut counts = vec![0u64; recorded.clients.len()];
    for call in requests {
        if let Some(count) = counts.get_mut(call.client as usize) {
            *count += 1;
        }
    }
    counts.retain(|count| *count > 0);
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

/// How unevenly clients ask.
pub(super) fn clients(requests: &[&Record], recorded: &Recorded) -> Option<ClientSkew> {
    let counts = by_client(requests, recorded);
    let all: u64 = counts.iter().sum();
    if counts.len() < 2 {
        return None;
    }
    let share = |n: usize| counts.iter().take(n).sum::<u64>() as f64 / all as f64;
    let mut sum = 0;
    let fewer = counts.iter().take_while(|count| {
        let is_short = sum * 10 < all * 9;
        sum += **count;
        is_short
    });
    Some(ClientSkew {
        making_90_percent: fewer.count() as u64,
        count: counts.len() as u64,
        top_1_share: share(1),
        top_10_share: share(10),
    })
}
