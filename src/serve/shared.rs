//! What the threads of a server share, and what each has of its own.

use super::Options;
use super::core::Core;
use super::directory::Directory;
use super::pacing::Pacing;
use crate::clock::Timer;
use crate::rng::{Keyed, derive};
use crate::service::spec::AnswerSpec;
use crate::wire::reply::{AnswerSettings, GuardrailSettings};
use crate::wire::request::{TokenRatio, Verifier};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Builder;
use uuid::fmt::Hyphenated;

/// What all threads of a server share.
pub(super) struct Shared {
    pub(super) core: Arc<Core>,
    pub(super) directory: Directory,
    pub(super) options: Options,
    pub(super) pacing: Arc<Pacing>,
    pub(super) guardrail: GuardrailSettings,
    pub(super) verifier: Option<Verifier>,
    /// How the answers of each model look, and how its prompts are counted.
    models: Vec<(AnswerSettings, TokenRatio)>,
    /// The draws of texts.
    pub(super) texts: Keyed,
    /// Connections that are open.
    pub(super) connections: AtomicUsize,
    /// Whether the server is to end.
    pub(super) is_stopping: AtomicBool,
    /// Requests whose connection was dropped or whose bytes made no sense.
    pub(super) broken_connections: AtomicU64,
    /// For each target the number of its next call that brings none of its own.
    next: Vec<AtomicU64>,
    ids: Keyed,
    next_id: AtomicU64,
}

/// Calls without a number of their own are counted from here, so that they never share the draws of
/// those that have one.
const FIRST_NUMBER: u64 = 1 << 40;

impl Shared {
    pub(super) fn new(core: Arc<Core>, options: Options) -> Self {
        let serving = &core.serving;
        let answers = &serving.answers;
        let models = serving.models.iter();
        let models = models.map(|model| settings(answers, model.bytes_per_token));
        let verifier = options.verify.then(|| Verifier {
            region: serving.region.clone(),
            keys: options.access_keys.clone(),
            bearer: options.bearer_tokens.clone(),
        });
        Self {
            directory: Directory::new(serving),
            pacing: Arc::new(Pacing::default()),
            guardrail: GuardrailSettings {
                words: answers.guardrail.words.clone(),
                blocked_input: answers.guardrail.blocked_input.clone(),
                blocked_output: answers.guardrail.blocked_output.clone(),
            },
            verifier,
            models: models.collect(),
            texts: Keyed::new(serving.seed, "serve/text"),
            connections: AtomicUsize::new(0),
            is_stopping: AtomicBool::new(false),
            broken_connections: AtomicU64::new(0),
            next: serving
                .targets
                .iter()
                .map(|_| AtomicU64::new(FIRST_NUMBER))
                .collect(),
            // The ids of two servers with one seed should differ: people look for them in logs.
            ids: Keyed::new(
                derive(serving.seed, &wall_clock().1.to_string()),
                "serve/ids",
            ),
            next_id: AtomicU64::new(0),
            options,
            core,
        }
    }

    /// How the answers of a model look, and how its prompts are counted.
    pub(super) fn of_model(&self, model: usize) -> (&AnswerSettings, TokenRatio) {
        let (settings, ratio) = &self.models[model];
        (settings, *ratio)
    }

    /// The number of the next call of `target` that brings none of its own.
    pub(super) fn next_number(&self, target: usize) -> u64 {
        self.next[target].fetch_add(1, Ordering::Relaxed)
    }

    /// A new request id.
    pub(super) fn request_id(&self) -> RequestId {
        let number = self.next_id.fetch_add(2, Ordering::Relaxed);
        let (high, low) = (self.ids.bits(number), self.ids.bits(number + 1));
        let bits = u128::from(high) << 64 | u128::from(low);
        let id = Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
        let mut text = [0; Hyphenated::LENGTH];
        id.hyphenated().encode_lower(&mut text);
        RequestId(text)
    }
}

/// A request id as text.
pub(super) struct RequestId([u8; Hyphenated::LENGTH]);

impl RequestId {
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn settings(answers: &AnswerSpec, of_model: f64) -> (AnswerSettings, TokenRatio) {
    let bytes_per_token = answers.bytes_per_token.unwrap_or(of_model);
    let settings = AnswerSettings {
        tool_use: answers.tool_use,
        tool_use_again: answers.tool_use_again,
        stop_sequence: answers.stop_sequence,
        bytes_per_token,
    };
    let ratio = TokenRatio::new(bytes_per_token).unwrap_or(TokenRatio::FOUR);
    (settings, ratio)
}

/// Seconds since 1970, and the nanoseconds of the present one.
#[expect(
    clippy::disallowed_methods,
    reason = "signatures carry the time of day; nothing that is simulated depends on it"
)]
pub(super) fn wall_clock() -> (u64, u32) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or((0, 0), |since| (since.as_secs(), since.subsec_nanos()))
}

/// What a thread of a server works with.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) timer: Timer,
}
