//! Answers in their final form: JSON, problem documents, and the headers that go with them.
//!
//! Source: RFC 9457 for problems, RFC 9110 for entity tags. Not here: which answer (`call`, `schedules`).

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::surface::error::{Code, Error};

/// The kind of a body of JSON.
pub(super) const JSON: &str = "application/json";
/// The kind of a problem document.
pub(super) const PROBLEM: &str = "application/problem+json";

/// A body of JSON.
pub(in crate::surface) fn json_answer(status: StatusCode, body: &impl Serialize) -> Result<Response, Error> {
    let body = serde_json::to_value(body)
        .map_err(|error| Error::new(Code::Failed, "this cannot be written as JSON").detail(error))?;
    Ok(text_answer(status, JSON, body.to_string()))
}

/// A body of text of some kind.
pub(super) fn text_answer(status: StatusCode, kind: &'static str, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

/// A refusal with the status of its code.
pub(in crate::surface) fn refuse(error: &Error) -> Response {
    refuse_as(error, error.code.status())
}

/// A refusal with another status.
pub(super) fn refuse_as(error: &Error, status: u16) -> Response {
    if let Some(detail) = &error.detail {
        tracing::warn!(code = error.code.word(), detail, "{}", error.message);
    }
    let mut document = error.to_json();
    document["status"] = json!(status);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = text_answer(status, PROBLEM, document.to_string());
    let headers = response.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

/// The same answer with a header more; a value that is not fit for a header is left out.
pub(super) fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// The tag of a schedule as it is shown: its generation, which an `If-Match` is compared by, and the digest of what is
/// shown, which also changes when a due passes.
pub(super) fn tag_of(generation: u32, shown: &Value) -> String {
    let digest = Sha256::digest(shown.to_string().as_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{generation}-{short}\"")
}

/// Whether `If-None-Match` names a tag.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|list| list.split(',')).any(|given| {
        let given = given.trim();
        given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag
    })
}

/// The generation that `If-Match` names; `None` when any will do.
pub(super) fn expected(headers: &HeaderMap) -> Result<Option<u32>, Error> {
    let Some(given) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = given.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
    let generation = inside.split('-').next().and_then(|generation| generation.parse().ok());
    // What is none of our tags matches no schedule.
    generation.map(Some).ok_or_else(|| {
        Error::new(
            Code::Stale,
            "If-Match names no tag of ours; give the ETag of a GET, such as \"3-5d41402abc4b2a76\"",
        )
    })
}
