//! What a call says of itself in its request metadata.

use super::constraints::Violations;
use super::text::Pairs;
use crate::wire::CallMetadata;

/// Checks the pairs against the service model: 1 to 16, keys of 1 to 256 and values of up to 256
/// characters of a small alphabet.
pub(super) fn check(violations: &mut Violations, pairs: &Pairs<'_>) {
    let place = format_args!("requestMetadata");
    violations.length(pairs.0.len(), 1, 16, place);
    for (key, value) in &pairs.0 {
        violations.chars(key, 1, 256, place);
        violations.chars(value, 0, 256, place);
        for text in [key, value] {
            let pattern = r"[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}";
            violations.pattern(text, text.chars().all(is_allowed), pattern, place);
        }
    }
}

/// The pattern as written: `,-.` is a range of three characters.
fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || " \t\n\u{b}\u{c}\r:_@$#=/+,-.".contains(c)
}

/// The pairs that the load generator sets; what does not read as one of them is somebody else's.
pub(super) fn read(pairs: &Pairs<'_>) -> CallMetadata {
    let mut metadata = CallMetadata::default();
    for (key, value) in &pairs.0 {
        match &**key {
            "bedload-workload" => metadata.workload = Some(value.to_string()),
            "bedload-request" => metadata.request = request(value),
            "bedload-output" => metadata.output = value.parse().ok(),
            _ => {}
        }
    }
    metadata
}

/// `12.1`: the number of the request and of the attempt.
fn request(text: &str) -> Option<(u64, u32)> {
    let (request, attempt) = text.split_once('.')?;
    Some((request.parse().ok()?, attempt.parse().ok()?))
}
