//! AWS Signature Version 4: whether a request was made by someone with known keys.
//!
//! Source of the procedure: "Create a signed AWS API request" of the IAM user guide. The canonical
//! request is built here from what came over the wire, and `aws-sigv4` makes the signature, so that
//! the tests can hold it against requests that the SDK signed.

use super::timestamp;
use crate::wire::{ErrorKind, Refused};
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use aws_smithy_types::DateTime;
use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};
use std::fmt;

/// The service name in the credential scope, of runtime and control plane alike.
const SERVICE: &str = "bedrock";
/// How far the clocks of client and service may be apart, in seconds.
const MAX_SKEW: u64 = 5 * 60;
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What is not encoded in a canonical request: RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

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

impl fmt::Debug for AccessKey {
    /// Without the secret and the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What is signed of a request.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query as they came over the wire, still encoded.
    pub path_and_query: &'a str,
    /// All headers. HTTP/2 has `:authority` instead of `host`: add it as `host`.
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

impl fmt::Debug for Verifier {
    /// Without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("region", &self.region)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
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
    ///
    /// # Errors
    /// The refusals of AWS for a missing, incomplete, outdated or wrong signature and for keys
    /// that nobody has.
    pub fn verify(&self, request: &Signed<'_>, now: u64) -> Result<Caller<'_>, Refused> {
        let Some(value) = request.headers.get(http::header::AUTHORIZATION) else {
            return Err(Refused::new(
                ErrorKind::MissingAuthenticationToken,
                "Missing Authentication Token",
            ));
        };
        let value = value.to_str().unwrap_or_default();
        if let Some(key) = value.strip_prefix("Bearer ") {
            return self.api_key(key.trim());
        }
        let parts = Authorization::parse(value, request.headers)?;
        let scope = parts.scope()?;
        self.check_scope(&scope, parts.date)?;
        let signed_at = check_age(parts.date, now)?;
        let key = self.key(scope.key_id, request.headers)?;
        check_signed_headers(&parts, request.headers)?;
        let body_hash = hash(request.body);
        check_body_hash(request.headers, &body_hash)?;

        let canonical = canonical_request(request, parts.signed_headers, &body_hash);
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{}/{}/{}/{}\n{}",
            parts.date,
            scope.date,
            scope.region,
            scope.service,
            scope.terminator,
            hash(canonical.as_bytes())
        );
        let Ok(time) = DateTime::from_secs(signed_at.cast_signed()).try_into() else {
            return Err(unreadable_date(parts.date));
        };
        let signing_key = generate_signing_key(&key.secret, time, scope.region, scope.service);
        let expected = calculate_signature(signing_key, to_sign.as_bytes());
        if same(expected.as_bytes(), parts.signature.as_bytes()) {
            return Ok(Caller::AccessKey(&key.id));
        }
        Err(invalid(
            "The request signature we calculated does not match the signature you provided. Check \
             your AWS Secret Access Key and signing method. Consult the service documentation for \
             details.",
        ))
    }

    fn api_key(&self, given: &str) -> Result<Caller<'_>, Refused> {
        let known = self
            .bearer
            .iter()
            .position(|key| same(&Sha256::digest(key), &Sha256::digest(given)));
        known.map(Caller::Bearer).ok_or_else(|| {
            Refused::new(
                ErrorKind::AccessDenied,
                "Authentication failed: Please make sure your API Key is valid.",
            )
        })
    }

    fn check_scope(&self, scope: &Scope<'_>, date: &str) -> Result<(), Refused> {
        if scope.terminator != "aws4_request" {
            return Err(invalid(
                "Credential should be scoped with a valid terminator: 'aws4_request'.",
            ));
        }
        if scope.service != SERVICE {
            return Err(invalid(format!(
                "Credential should be scoped to correct service: '{SERVICE}'. "
            )));
        }
        if scope.region != self.region {
            return Err(invalid("Credential should be scoped to a valid region. "));
        }
        if !date.starts_with(scope.date) || scope.date.len() != 8 {
            return Err(invalid(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date \
                 from HTTP: '{}' != '{}', from '{date}'.",
                scope.date,
                date.get(..8).unwrap_or(date)
            )));
        }
        Ok(())
    }

    /// The key of this id; with its session token, if it is a temporary one.
    fn key(&self, id: &str, headers: &HeaderMap) -> Result<&AccessKey, Refused> {
        let token = headers
            .get("x-amz-security-token")
            .map(http::HeaderValue::as_bytes);
        let fits = |key: &&AccessKey| match (&key.session_token, token) {
            (None, None) => true,
            (Some(own), Some(given)) => same(own.as_bytes(), given),
            _ => false,
        };
        let key = self.keys.iter().filter(|key| key.id == id).find(fits);
        key.ok_or_else(|| {
            Refused::new(
                ErrorKind::UnrecognizedClient,
                "The security token included in the request is invalid.",
            )
        })
    }
}

/// The parts of an `Authorization` header, and the date that goes with it.
struct Authorization<'h> {
    credential: &'h str,
    signed_headers: &'h str,
    signature: &'h str,
    /// `20260131T235959Z`.
    date: &'h str,
}

/// `KEY/20260131/us-east-1/bedrock/aws4_request`.
struct Scope<'h> {
    key_id: &'h str,
    date: &'h str,
    region: &'h str,
    service: &'h str,
    terminator: &'h str,
}

impl<'h> Authorization<'h> {
    fn parse(value: &'h str, headers: &'h HeaderMap) -> Result<Self, Refused> {
        let Some(fields) = value.strip_prefix(ALGORITHM).filter(|f| f.starts_with(' ')) else {
            let algorithm = value.split(' ').next().unwrap_or_default();
            return Err(incomplete(format!(
                "Unsupported AWS 'algorithm': '{algorithm}'."
            )));
        };
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for field in fields.split(',').map(str::trim) {
            let Some((name, text)) = field.split_once('=') else {
                return Err(incomplete(format!(
                    "'{field}' not a valid key=value pair (missing equal-sign) in Authorization \
                     header."
                )));
            };
            match name {
                "Credential" => credential = Some(text),
                "SignedHeaders" => signed_headers = Some(text),
                "Signature" => signature = Some(text),
                _ => {}
            }
        }
        let date = headers
            .get("x-amz-date")
            .and_then(|date| date.to_str().ok());
        let missing = [
            (
                credential.is_none(),
                "Authorization header requires 'Credential' parameter. ",
            ),
            (
                signature.is_none(),
                "Authorization header requires 'Signature' parameter. ",
            ),
            (
                signed_headers.is_none(),
                "Authorization header requires 'SignedHeaders' parameter. ",
            ),
            (
                date.is_none(),
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' \
                 header. ",
            ),
        ];
        let (Some(credential), Some(signed_headers), Some(signature), Some(date)) =
            (credential, signed_headers, signature, date)
        else {
            let told = missing.iter().filter(|(is_missing, _)| *is_missing);
            let told: String = told.map(|(_, sentence)| *sentence).collect();
            return Err(incomplete(told.trim_end()));
        };
        Ok(Self {
            credential,
            signed_headers,
            signature,
            date,
        })
    }

    fn scope(&self) -> Result<Scope<'h>, Refused> {
        let parts: Vec<&str> = self.credential.split('/').collect();
        let &[key_id, date, region, service, terminator] = parts.as_slice() else {
            return Err(incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term, got '{}'.",
                self.credential
            )));
        };
        Ok(Scope {
            key_id,
            date,
            region,
            service,
            terminator,
        })
    }
}

/// The moment of signing, if it is close enough to `now`.
fn check_age(date: &str, now: u64) -> Result<u64, Refused> {
    let Some(signed_at) = timestamp::parse(date) else {
        return Err(unreadable_date(date));
    };
    let shown = timestamp::format;
    if signed_at.saturating_add(MAX_SKEW) < now {
        return Err(invalid(format!(
            "Signature expired: {date} is now earlier than {} ({} - 5 min.)",
            shown(now - MAX_SKEW),
            shown(now)
        )));
    }
    if signed_at > now.saturating_add(MAX_SKEW) {
        return Err(invalid(format!(
            "Signature not yet current: {date} is still later than {} ({} + 5 min.)",
            shown(now.saturating_add(MAX_SKEW)),
            shown(now)
        )));
    }
    Ok(signed_at)
}

/// The host, and every `x-amz-` header of the request, must be signed.
fn check_signed_headers(parts: &Authorization<'_>, headers: &HeaderMap) -> Result<(), Refused> {
    let signed = |name: &str| parts.signed_headers.split(';').any(|other| other == name);
    if !signed("host") {
        return Err(invalid(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    for name in headers.keys().map(http::HeaderName::as_str) {
        // Some signers add the token after signing.
        let must = name.starts_with("x-amz-") && name != "x-amz-security-token";
        if must && !signed(name) {
            return Err(invalid(format!(
                "'{name}' must be a 'SignedHeader' in the AWS Authorization."
            )));
        }
    }
    Ok(())
}

fn check_body_hash(headers: &HeaderMap, body_hash: &str) -> Result<(), Refused> {
    let Some(given) = headers.get("x-amz-content-sha256") else {
        return Ok(());
    };
    if same(given.as_bytes(), body_hash.as_bytes()) {
        return Ok(());
    }
    Err(invalid(
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    ))
}

fn canonical_request(request: &Signed<'_>, signed_headers: &str, body_hash: &str) -> String {
    let (path, query) = request
        .path_and_query
        .split_once('?')
        .unwrap_or((request.path_and_query, ""));
    // The path came encoded and is encoded once more: only S3 signs it as it is.
    let path = if path.is_empty() { "/" } else { path };
    let mut text = format!(
        "{}\n{}\n{}\n",
        request.method,
        utf8_percent_encode(path, RESERVED_IN_PATH),
        canonical_query(query)
    );
    for name in signed_headers.split(';') {
        text.push_str(name);
        text.push(':');
        for (i, value) in request.headers.get_all(name).iter().enumerate() {
            if i > 0 {
                text.push(',');
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            for (j, word) in value.split_ascii_whitespace().enumerate() {
                if j > 0 {
                    text.push(' ');
                }
                text.push_str(word);
            }
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(signed_headers);
    text.push('\n');
    text.push_str(body_hash);
    text
}

fn canonical_query(query: &str) -> String {
    let encode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        utf8_percent_encode(&decoded, RESERVED).to_string()
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode(name), encode(value))
        })
        .collect();
    pairs.sort_unstable();
    let joined: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    joined.join("&")
}

/// SHA-256 in lower-case hexadecimal digits.
fn hash(bytes: &[u8]) -> String {
    use fmt::Write;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Whether two texts are equal, in a time that does not depend on where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0, |bits, (x, y)| bits | (x ^ y));
    a.len() == b.len() && std::hint::black_box(differences) == 0
}

fn invalid(message: impl Into<String>) -> Refused {
    Refused::new(ErrorKind::InvalidSignature, message)
}

fn unreadable_date(date: &str) -> Refused {
    incomplete(format!(
        "Date must be in ISO-8601 'basic format'. Got '{date}'. See \
         http://en.wikipedia.org/wiki/ISO_8601"
    ))
}

fn incomplete(message: impl Into<String>) -> Refused {
    Refused::new(ErrorKind::IncompleteSignature, message)
}

#[cfg(test)]
mod tests;
