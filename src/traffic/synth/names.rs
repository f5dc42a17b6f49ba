//! Who asks for which model: how many requests each, under other names.

use super::{Draft, shuffle};
use crate::load::trace::{Record, Recorded};
use crate::traffic::tables::LEAST_SUPPORT;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// The most clients and models that are told apart, as numbers of the files.
const MOST_MODELS: usize = u16::MAX as usize;

/// The models and clients of synthetic requests.
pub(super) struct Who {
    pub(super) models: Vec<String>,
    pub(super) clients: Vec<String>,
    /// The class of each model of the source.
    classes: Vec<u16>,
    /// Requests of each class.
    requests: Vec<usize>,
    /// Model and client of each session of the source, or of each of its requests.
    labels: Vec<(u16, u32)>,
}

impl Who {
    pub(super) fn new(
        requests: &[&Record],
        recorded: &Recorded,
        sessions: &[Vec<&Record>],
    ) -> Self {
        let (classes, models) = classes(requests, recorded);
        let mut who = Self {
            models,
            clients: Vec::new(),
            classes,
            requests: Vec::new(),
            labels: Vec::new(),
        };
        who.requests = vec![0; who.models.len()];
        for call in requests {
            let class = usize::from(who.class(call));
            who.requests[class] += 1;
        }
        // Clients by the number of their sessions.
        let mut by_client: BTreeMap<u32, Vec<u16>> = BTreeMap::new();
        for session in sessions {
            let models = by_client.entry(session[0].client).or_default();
            models.push(who.class(session[0]));
        }
        let mut counts: Vec<Vec<u16>> = by_client.into_values().collect();
        counts.sort_by_key(|models| std::cmp::Reverse(models.len()));
        // What clients with few requests ask for is put together and shared out evenly.
        let common = counts.partition_point(|models| models.len() >= LEAST_SUPPORT);
        let rare: Vec<u16> = counts.split_off(common).into_iter().flatten().collect();
        let few = rare.len().div_ceil(LEAST_SUPPORT);
        for client in 0..few {
            counts.push(rare.iter().copied().skip(client).step_by(few).collect());
        }
        for (client, models) in counts.iter().enumerate() {
            who.labels
                .extend(models.iter().map(|model| (*model, client as u32)));
        }
        who.clients = match counts.len() {
            1 => vec![String::new()],
            n => (1..=n).map(|number| format!("client-{number}")).collect(),
        };
        who
    }

    /// The class of sizes of a call of the source.
    pub(super) fn class(&self, call: &Record) -> u16 {
        self.classes
            .get(usize::from(call.model))
            .copied()
            .unwrap_or(0)
    }

    /// Gives each session a model and a client: each model as many requests as it had, the longest sessions first to
    /// the model that lacks most.
    pub(super) fn assign(&self, drafts: &mut [Draft], rng: &mut ChaCha8Rng) {
        let sessions = drafts.iter().map(|draft| draft.session as usize + 1).max();
        let mut lengths = vec![0u32; sessions.unwrap_or(0)];
        for draft in drafts.iter() {
            lengths[draft.session as usize] += 1;
        }
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        shuffle(&mut order, rng);
        order.sort_by_key(|session| std::cmp::Reverse(lengths[*session]));
        let all: usize = self.requests.iter().sum();
        let wanted = |requests: &usize| drafts.len() as f64 * *requests as f64 / all.max(1) as f64;
        let mut lacking: Vec<f64> = self.requests.iter().map(wanted).collect();
        let mut decks: Vec<Vec<u32>> = vec![Vec::new(); lacking.len()];
        let mut dealt = vec![(0u16, 0u32); lengths.len()];
        for session in order {
            let most = (0..lacking.len()).max_by(|a, b| lacking[*a].total_cmp(&lacking[*b]));
            let model = most.unwrap_or(0);
            lacking[model] -= f64::from(lengths[session]);
            let deck = &mut decks[model];
            if deck.is_empty() {
                let own = self
                    .labels
                    .iter()
                    .filter(|label| usize::from(label.0) == model);
                deck.extend(own.map(|label| label.1));
                shuffle(deck, rng);
            }
            dealt[session] = (model as u16, deck.pop().unwrap_or(0));
        }
        for draft in drafts {
            (draft.model, draft.client) = dealt[draft.session as usize];
        }
    }
}

/// The class of each model, and the names of the classes. Models with few requests go with the busiest.
fn classes(requests: &[&Record], recorded: &Recorded) -> (Vec<u16>, Vec<String>) {
    let mut counts = vec![0usize; recorded.models.len().max(1)];
    for call in requests {
        if let Some(count) = counts.get_mut(usize::from(call.model)) {
            *count += 1;
        }
    }
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|model| std::cmp::Reverse(counts[*model]));
    let mut classes = vec![0u16; counts.len()];
    let mut names = Vec::new();
    for model in order {
        // A class of its own needs enough for tables that tell more than one point.
        let is_common = counts[model] >= 2 * LEAST_SUPPORT && names.len() < MOST_MODELS;
        if is_common || names.is_empty() {
            classes[model] = names.len() as u16;
            let name = recorded.models.get(model).map_or("", String::as_str);
            names.push(public(name, names.len() + 1));
        }
    }
    (classes, names)
}

/// The name of a model without account and resource: what stands after the last slash, unless it has a number of
/// an account in it.
fn public(name: &str, number: usize) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    let digits = last
        .as_bytes()
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
    let has_account = digits
        .into_iter()
        .any(|run| run[0].is_ascii_digit() && run.len() >= 12);
    // An id of an application profile is random letters, and no name of a model has none but those.
    let is_model = last.contains(['.', '-']) && !name.contains("application-inference-profile");
    match last {
        "" => String::new(),
        _ if is_model && !has_account => last.to_owned(),
        _ => format!("model-{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_resources_do_not_survive() {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6";
        assert_eq!(public(arn, 1), "us.anthropic.claude-sonnet-4-6");
        let own = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2-c3d4";
        assert_eq!(public(own, 2), "model-2");
        assert_eq!(public("team-123456789012", 3), "model-3");
        assert_eq!(public("", 4), "");
    }
}
