//! One request of one route: read by the table, handled, answered.
//!
//! Order: address, query, form of the answer, body, operation. What the description forbids is 400 and below; what it
//! allows and cannot be meant is 422. Invariant: every way out is an answer of JSON or a problem document.
//! Not here: who may come in (`guard`), what the routes do.

use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequestParts as _, RawPathParams, Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Response;

use super::Shared;
use super::accept::Leash;
use super::answer::{refuse, refuse_as};
use super::body::{Note, Text, check_kind, read_as, read_object, read_schedule, read_up_to, read_whole};
use super::query::Query;
use super::route::{Admits, Call, Content, Route, Taken};
use crate::limits;
use crate::problem::Problem;
use crate::surface::error::{Code, Error};
use crate::surface::ops::{Caller, Request as Asked};

/// Serves one request.
pub(super) async fn serve(route: &'static Route, State(site): State<Shared>, request: Request) -> Response {
    let call = match read(route, site, request).await {
        Ok(call) => call,
        Err(error) => return refuse(&error),
    };
    // Its operation may copy the whole store.
    let patience =
        if matches!(route.takes, Taken::Any) { limits::REMOTE_COPY_MS_MAX } else { limits::HTTP_REQUEST_MS_MAX };
    match tokio::time::timeout(Duration::from_millis(patience), (route.handle)(call)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if error.code == Code::BadInput && !route.hidden => refuse_as(&error, 422),
        Ok(Err(error)) => refuse(&error),
        Err(_) => {
            let message =
                format!("this took longer than {patience} ms; it may still be done: look before you repeat it");
            refuse(&Error::new(Code::Unreachable, message))
        }
    }
}

async fn read(route: &'static Route, site: Shared, request: Request) -> Result<Call, Error> {
    let (mut parts, body) = request.into_parts();
    let name = name(&mut parts).await?;
    let query = Query::read(parts.uri.query(), route.query)?;
    check_accept(&parts, route)?;
    let content = content(&parts, route, body).await?;
    let leash = parts.extensions.get::<Leash>().cloned().unwrap_or_default();
    // A route that needs no token serves whoever comes.
    let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_else(|| Caller::agent(""));
    Ok(Call { site, caller, route, name, query, headers: parts.headers, content, leash })
}

/// The part of the address that varies.
async fn name(parts: &mut Parts) -> Result<String, Error> {
    let read = RawPathParams::from_request_parts(parts, &()).await;
    let refused = |_| Error::bad_input(Problem::new("path", "is not UTF-8"));
    Ok(read.map_err(refused)?.iter().next().map(|(_, value)| value.to_owned()).unwrap_or_default())
}

/// Refuses a caller that takes no form in which this is answered.
fn check_accept(parts: &Parts, route: &Route) -> Result<(), Error> {
    if route.admits == Admits::Platforms {
        return Ok(());
    }
    let offered = route.gives.kind();
    let given: Vec<&str> =
        parts.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    if given.is_empty() || given.iter().flat_map(|list| list.split(',')).any(|range| takes(range, offered)) {
        return Ok(());
    }
    let offered = offered.split(';').next().unwrap_or(offered);
    Err(Error::new(Code::NotAcceptable, format!("this is answered as {offered} only; accept that")))
}

/// Whether a range of `Accept` holds a kind.
fn takes(range: &str, offered: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let refused =
        parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.trim_end_matches(['0', '.']).is_empty()));
    let offered = offered.split(';').next().unwrap_or(offered);
    let family = offered.split('/').next().unwrap_or_default();
    let holds = range == "*/*"
        || range.eq_ignore_ascii_case(offered)
        || range.strip_suffix("/*").is_some_and(|range| range.eq_ignore_ascii_case(family));
    holds && !refused
}

async fn content(parts: &Parts, route: &Route, body: Body) -> Result<Content, Error> {
    if matches!(route.takes, Taken::Nothing) {
        let empty = body.is_end_stream() || read_whole(body).await?.is_empty();
        let problem = || Problem::new("", "there is a body, and nothing here would read it").hint("send none");
        return if empty { Ok(Content::Nothing) } else { Err(Error::bad_input(problem())) };
    }
    if matches!(route.takes, Taken::Note) && body.is_end_stream() {
        return Ok(Content::Nothing);
    }
    if matches!(route.takes, Taken::Posted) {
        // Whoever posts here has shown nothing yet, and keeps a place that others need.
        let patience = Duration::from_millis(limits::POSTED_MS_MAX);
        let read = tokio::time::timeout(patience, read_up_to(body, limits::POSTED_BYTES_MAX)).await;
        let slow = || Error::new(Code::Slow, format!("the body took longer than {} ms", limits::POSTED_MS_MAX));
        return Ok(Content::Bytes(read.map_err(|_| slow())??));
    }
    check_kind(&parts.headers, &route.takes)?;
    if matches!(route.takes, Taken::Lines) {
        return Ok(Content::Stream(Mutex::new(body)));
    }
    let bytes = read_whole(body).await?;
    Ok(match route.takes {
        Taken::Schedule => Content::Json(read_schedule(&bytes)?),
        Taken::Patch => Content::Json(read_object(&bytes)?),
        Taken::Note => Content::Json(read_as::<Note>(&bytes)?),
        Taken::Text => Content::Json(read_as::<Text>(&bytes)?),
        Taken::Request => {
            // Read for its shape here, so that what follows is about its meaning.
            let value = read_object(&bytes)?;
            Asked::read(route.operation.unwrap_or_default(), value.to_string().as_bytes())?;
            Content::Json(value)
        }
        Taken::Any | Taken::Nothing | Taken::Lines | Taken::Posted => Content::Bytes(bytes),
    })
}
