//! AWS Signature Version 4: whether a request was made by someone with known keys.

use crate::wire::Refused;
use http::HeaderMap;

/// A pair of keys that a client may sign with.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The public half.
    pub id: String,
    /// The secret half.
    pub secret: String,
    /// The session token that temporary keys carry.
    pub session_token: Option<String>,
}

/// What is signed of a request.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query as they came over the wire, still encoded.
    pub path_and_query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

/// Checks signatures of the service `bedrock` in one Region, and API keys.
#[derive(Clone)]
pub struct Verifier {
    /// The Region that must be signed for.
    pub region: String,
    /// The keys that are known.
    pub keys: Vec<AccessKey>,
    /// API keys accepted as `Authorization: Bearer …`.
    pub bearer: Vec<String>,
}

/// Who made a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller<'v> {
    /// The holder of this access key.
    AccessKey(&'v str),
    /// The holder of an API key, by its place in [`Verifier::bearer`].
    Bearer(usize),
}

impl Verifier {
    /// Who made `request`, at `now` in seconds since 1970 (UTC).
    pub fn verify(&self, request: &Signed<'_>, now: u64) -> Result<Caller<'_>, Refused> {
        let _ = (request, now);
        Err(Refused::validation("not yet"))
    }
}
