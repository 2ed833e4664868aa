//! Bodies of requests: of the right kind, not too large, not too slow, and read strictly.
//!
//! Units: bytes, and milliseconds between two pieces. Invariant: what the description of a route does not allow is
//! refused here, before any operation; what it allows and cannot be meant is the operation's to refuse.
//! Not here: bulks, which are read as they come (`bulk`).

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::route::Taken;
use crate::limits;
use crate::problem::Problem;
use crate::spec::tree::Node;
use crate::spec::{RawSchedule, read};
use crate::surface::error::{Code, Error};

/// Reads the next piece of a body; `None` at its end.
pub(super) async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, Error> {
    loop {
        let patience = Duration::from_millis(limits::HTTP_IDLE_MS_MAX);
        let Ok(frame) = tokio::time::timeout(patience, body.frame()).await else {
            let message = format!("no byte of the body came for {} ms", limits::HTTP_IDLE_MS_MAX);
            return Err(Error::new(Code::Slow, message));
        };
        let Some(frame) = frame else { return Ok(None) };
        let broken = |error| Error::bad_input(Problem::new("", "the body broke off")).detail(error);
        // What is no data is a trailer, which says nothing here.
        if let Ok(data) = frame.map_err(broken)?.into_data() {
            return Ok(Some(data));
        }
    }
}

/// Reads a whole body.
pub(super) async fn read_whole(body: Body) -> Result<Vec<u8>, Error> {
    read_up_to(body, limits::REQUEST_BYTES_MAX).await
}

/// Reads a whole body of no more than so many bytes.
pub(super) async fn read_up_to(mut body: Body, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let too_large = || Error::new(Code::TooLarge, format!("a request may hold {bytes_max} bytes"));
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    let mut whole = Vec::new();
    while let Some(piece) = next_piece(&mut body).await? {
        if whole.len() + piece.len() > bytes_max {
            return Err(too_large());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

/// Reads a whole body of JSON, for routes that are not in the table.
pub(in crate::surface) async fn read_body(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Error> {
    check_kind(headers, &Taken::Request)?;
    read_whole(body).await
}

/// Refuses a body of a kind that the route does not take.
pub(super) fn check_kind(headers: &HeaderMap, taken: &Taken) -> Result<(), Error> {
    let kinds = taken.kinds();
    let given = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let given = given.split(';').next().unwrap_or_default().trim();
    if kinds.iter().any(|kind| kind.eq_ignore_ascii_case(given)) {
        return Ok(());
    }
    let what = if matches!(taken, Taken::Lines) { "JSON Lines" } else { "JSON" };
    let message = format!("the body must be {what}, with content-type {}", kinds.join(" or "));
    Err(Error::new(Code::MediaType, message))
}

/// Reads a body of JSON.
fn read_json(bytes: &[u8]) -> Result<Value, Error> {
    let refused = |error: serde_json::Error| Error::bad_input(Problem::new("", format!("is not JSON: {error}")));
    let mut value: Value = serde_json::from_slice(bytes).map_err(refused)?;
    make_whole(&mut value);
    Ok(value)
}

/// In JSON Schema 5.0 is a whole number, so here it is one, too; but variables are passed on as they are.
fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0);
            if let Some(whole) = float.filter(|float| float.abs() < WHOLE_MAX) {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(make_whole),
        Value::Object(map) => {
            map.iter_mut().filter(|(key, _)| *key != "vars").for_each(|(_, value)| make_whole(value))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Up to here a float holds every whole number exactly: 2 to the power of 53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Reads a JSON object.
pub(super) fn read_object(bytes: &[u8]) -> Result<Value, Error> {
    let value = read_json(bytes)?;
    if value.is_object() {
        return Ok(value);
    }
    Err(Error::bad_input(Problem::new("", "the body is no object").hint("write a JSON object")))
}

/// The body of a pause.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    pub note: Option<String>,
}

/// The body of an answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    pub text: String,
}

/// Reads a body of one of these shapes, and leaves what it means to the operation.
pub(super) fn read_as<T: DeserializeOwned>(bytes: &[u8]) -> Result<Value, Error> {
    let value = read_object(bytes)?;
    match serde_json::from_value::<T>(value.clone()) {
        Ok(_) => Ok(value),
        Err(error) => Err(Error::bad_input(Problem::new("", error.to_string()))),
    }
}

/// Reads a schedule in its one strict shape, and leaves what it means to the operation.
pub(super) fn read_schedule(bytes: &[u8]) -> Result<Value, Error> {
    let value = read_object(bytes)?;
    let Err(error) = serde_json::from_value::<RawSchedule>(value.clone()) else { return Ok(value) };
    // The lenient reader says more about a mistake than the strict one, where it finds any.
    let problems = read(&Node::from_json(&value), "").problems;
    if problems.is_empty() {
        return Err(Error::bad_input(Problem::new("", error.to_string())));
    }
    Err(Error::problems(problems))
}
