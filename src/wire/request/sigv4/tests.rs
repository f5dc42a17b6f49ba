use super::super::timestamp;
use super::{AccessKey, Caller, Signed, Verifier};
use crate::wire::{ErrorKind, Refused};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_types::DateTime;
use http::{HeaderMap, HeaderName, HeaderValue};

const NOW: u64 = 1_790_000_000;
const PATH: &str = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse";
const HOST: &str = "bedrock-runtime.us-east-1.amazonaws.com";

fn verifier() -> Verifier {
    let key = |id: &str, secret: &str, token: Option<&str>| AccessKey {
        id: id.to_owned(),
        secret: secret.to_owned(),
        session_token: token.map(str::to_owned),
    };
    Verifier {
        region: "us-east-1".to_owned(),
        keys: vec![
            key("AKID", "secret", None),
            key("ASIA", "other", Some("token")),
        ],
        bearer: vec!["first".to_owned(), "second".to_owned()],
    }
}

/// A request with these headers, signed as the SDK does it.
fn signed(
    key: &AccessKey,
    (method, path, body): (&str, &str, &[u8]),
    (region, service, at): (&str, &str, u64),
) -> HeaderMap {
    let token = key.session_token.clone();
    let identity = Credentials::new(&key.id, &key.secret, token, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(DateTime::from_secs(at.cast_signed()).try_into().unwrap())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let mut headers = vec![
        ("host", HOST),
        ("content-type", "application/json"),
        ("x-amz-user-agent", "some  sdk"),
    ];
    let uri = format!("https://{HOST}{path}");
    let request = SignableRequest::new(
        method,
        &uri,
        headers.iter().copied(),
        SignableBody::Bytes(body),
    )
    .unwrap();
    let (instructions, _) = sign(request, &params).unwrap().into_parts();
    headers.push(("user-agent", "not signed"));
    let mut map = HeaderMap::new();
    for (name, value) in headers.into_iter().chain(instructions.headers()) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, HeaderValue::from_str(value).unwrap());
    }
    map
}

fn verify(headers: &HeaderMap, path: &str, body: &[u8], now: u64) -> Result<String, Refused> {
    let request = Signed {
        method: "POST",
        path_and_query: path,
        headers,
        body,
    };
    let verifier = verifier();
    let caller = verifier.verify(&request, now)?;
    Ok(match caller {
        Caller::AccessKey(id) => id.to_owned(),
        Caller::Bearer(at) => format!("bearer {at}"),
    })
}

fn good() -> HeaderMap {
    let scope = ("us-east-1", "bedrock", NOW);
    signed(&verifier().keys[0], ("POST", PATH, b"{}"), scope)
}

fn refused(headers: &HeaderMap, kind: ErrorKind, message: &str) {
    let error = verify(headers, PATH, b"{}", NOW).unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.message.contains(message), "{error}");
}

#[test]
fn what_the_sdk_signs_is_accepted() {
    assert_eq!(verify(&good(), PATH, b"{}", NOW), Ok("AKID".to_owned()));
    for (path, body) in [
        (
            "/model/anthropic.claude-3-haiku-20240307-v1:0/invoke",
            "{\"a\":1}",
        ),
        (
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aprovisioned-model%2Fabc/invoke",
            "",
        ),
        (
            "/foundation-models?byProvider=Meta%20AI&byInferenceType=ON_DEMAND",
            "",
        ),
        ("/", "x"),
    ] {
        for key in &verifier().keys {
            let request = ("POST", path, body.as_bytes());
            let headers = signed(key, request, ("us-east-1", "bedrock", NOW));
            assert_eq!(
                verify(&headers, path, body.as_bytes(), NOW),
                Ok(key.id.clone()),
                "{path}"
            );
        }
    }
}

#[test]
fn any_change_breaks_the_signature() {
    let mismatch = "The request signature we calculated does not match";
    let is_mismatch = |result: Result<String, Refused>| {
        let error = result.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidSignature);
        assert!(error.message.starts_with(mismatch), "{error}");
    };
    is_mismatch(verify(&good(), PATH, b"{ }", NOW));
    is_mismatch(verify(&good(), &PATH.replace("%3A", ":"), b"{}", NOW));
    is_mismatch(verify(&good(), &format!("{PATH}?a=b"), b"{}", NOW));
    let mut headers = good();
    headers.insert("content-type", HeaderValue::from_static("text/plain"));
    is_mismatch(verify(&headers, PATH, b"{}", NOW));
    let mut headers = good();
    let value = headers["authorization"].to_str().unwrap().to_owned();
    let shorter = HeaderValue::from_str(&value[..value.len() - 1]).unwrap();
    headers.insert("authorization", shorter);
    is_mismatch(verify(&headers, PATH, b"{}", NOW));
}

#[test]
fn clocks_may_be_five_minutes_apart() {
    assert!(verify(&good(), PATH, b"{}", NOW + 300).is_ok());
    assert!(verify(&good(), PATH, b"{}", NOW - 300).is_ok());
    let late = verify(&good(), PATH, b"{}", NOW + 301).unwrap_err();
    let show = timestamp::format;
    // The form of a recorded refusal.
    let want = format!(
        "Signature expired: {} is now earlier than {} ({} - 5 min.)",
        show(NOW),
        show(NOW + 1),
        show(NOW + 301)
    );
    assert_eq!(late, Refused::new(ErrorKind::InvalidSignature, want));
    let early = verify(&good(), PATH, b"{}", NOW - 301).unwrap_err();
    assert!(
        early.message.starts_with("Signature not yet current: "),
        "{early}"
    );
}

#[test]
fn scopes_of_elsewhere_are_refused() {
    let key = &verifier().keys[0];
    let request = ("POST", PATH, b"{}".as_slice());
    let invalid = ErrorKind::InvalidSignature;
    let headers = signed(key, request, ("eu-west-1", "bedrock", NOW));
    refused(
        &headers,
        invalid,
        "Credential should be scoped to a valid region.",
    );
    let headers = signed(key, request, ("us-east-1", "bedrock-runtime", NOW));
    refused(
        &headers,
        invalid,
        "Credential should be scoped to correct service: 'bedrock'.",
    );
    let mut headers = signed(key, request, ("us-east-1", "bedrock", NOW - 100_000));
    let today = HeaderValue::from_str(&timestamp::format(NOW)).unwrap();
    headers.insert("x-amz-date", today);
    refused(&headers, invalid, "Date in Credential scope does not match");
}

#[test]
fn unknown_keys_and_tokens_are_refused() {
    let request = ("POST", PATH, b"{}".as_slice());
    let scope = ("us-east-1", "bedrock", NOW);
    let [mut stranger, mut expired] = [verifier().keys[0].clone(), verifier().keys[1].clone()];
    stranger.id = "AKIX".to_owned();
    expired.session_token = Some("another".to_owned());
    for key in [stranger, expired] {
        let headers = signed(&key, request, scope);
        let message = "The security token included in the request is invalid.";
        refused(&headers, ErrorKind::UnrecognizedClient, message);
    }
}

#[test]
fn api_keys_are_accepted() {
    let with = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(value).unwrap());
        headers
    };
    assert_eq!(
        verify(&with("Bearer second"), PATH, b"", NOW),
        Ok("bearer 1".to_owned())
    );
    for value in ["Bearer third", "Bearer ", "Bearer firs"] {
        let message = "Authentication failed: Please make sure your API Key is valid.";
        refused(&with(value), ErrorKind::AccessDenied, message);
    }
}

#[test]
fn incomplete_signatures_say_what_is_missing() {
    refused(
        &HeaderMap::new(),
        ErrorKind::MissingAuthenticationToken,
        "Missing Authentication Token",
    );
    let check = |value: &str, message: &str| {
        let mut headers = good();
        headers.insert("authorization", HeaderValue::from_str(value).unwrap());
        refused(&headers, ErrorKind::IncompleteSignature, message);
    };
    check("Basic abc", "Unsupported AWS 'algorithm': 'Basic'.");
    check("AWS4-HMAC-SHA256", "Unsupported AWS 'algorithm'");
    check(
        "AWS4-HMAC-SHA256 x",
        "not a valid key=value pair (missing equal-sign)",
    );
    check(
        "AWS4-HMAC-SHA256 Credential=a/b",
        "Authorization header requires 'Signature' parameter. Authorization header requires \
         'SignedHeaders' parameter.",
    );
    check(
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=1",
        "Credential must have exactly 5 slash-delimited elements",
    );
    let mut headers = good();
    headers.remove("x-amz-date");
    let message = "requires existence of either a 'X-Amz-Date'";
    refused(&headers, ErrorKind::IncompleteSignature, message);
}

#[test]
fn headers_that_matter_must_be_signed_and_true() {
    let mut headers = good();
    headers.insert("x-amz-other", HeaderValue::from_static("1"));
    let message = "'x-amz-other' must be a 'SignedHeader'";
    refused(&headers, ErrorKind::InvalidSignature, message);
    let mut headers = good();
    let value = headers["authorization"]
        .to_str()
        .unwrap()
        .replace("host;", "");
    headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
    refused(
        &headers,
        ErrorKind::InvalidSignature,
        "'Host' or ':authority' must be",
    );
}

#[test]
fn debug_output_keeps_secrets() {
    let text = format!("{:?}", verifier());
    assert!(
        text.contains("AKID") && !text.contains("secret\"") && !text.contains("second"),
        "{text}"
    );
}
