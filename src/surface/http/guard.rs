//! What every request meets before its route: a local name, room, a token, and its caller's rate.
//!
//! Invariant: a request that is turned away here has cost no operation. Not here: the body (`body`).

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;

use super::answer::refuse;
use super::rate::Rates;
use super::{Shared, auth};
use crate::limits;
use crate::runtime::clock::Stopwatch;
use crate::surface::error::{Code, Error};
use crate::surface::ops::Caller;

/// Who is inside, and how often they have asked.
pub(super) struct Gate {
    requests: Semaphore,
    /// Room for answers that go on: the feed, bulks and exports.
    pub streams: Arc<Semaphore>,
    rates: Mutex<Rates>,
    watch: Stopwatch,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            requests: Semaphore::new(limits::HTTP_REQUESTS_COUNT_MAX),
            streams: Arc::new(Semaphore::new(limits::HTTP_STREAMS_COUNT_MAX)),
            rates: Mutex::default(),
            watch: Stopwatch::start(),
        }
    }
}

impl Gate {
    fn may_ask(&self, caller: &Caller) -> bool {
        let name = match caller.identity() {
            None => "",
            Some(identity) => &identity.agent,
        };
        // A panic while the lock was held leaves a bucket a little fuller at worst.
        self.rates.lock().unwrap_or_else(PoisonError::into_inner).take(name, self.watch.elapsed())
    }
}

/// Lets a request pass only if it carries a token, and not too often; its route finds the caller as an extension.
pub(super) async fn require_caller(State(site): State<Shared>, mut request: Request, next: Next) -> Response {
    let caller = match auth::caller(&site.door, request.headers()) {
        Ok(caller) => caller,
        Err(error) => return refuse(&error),
    };
    if !site.gate.may_ask(&caller) {
        let most = limits::RATE_PER_SECOND_COUNT_MAX;
        let message =
            format!("more than {most} requests a second for a while; wait, or send many schedules in one bulk");
        return refuse(&Error::new(Code::TooMany, message));
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// Lets so many requests pass at a time.
pub(super) async fn require_room(State(site): State<Shared>, request: Request, next: Next) -> Response {
    match site.gate.requests.try_acquire() {
        Ok(_inside) => next.run(request).await,
        Err(_) => {
            let most = limits::HTTP_REQUESTS_COUNT_MAX;
            refuse(&Error::new(Code::Unreachable, format!("{most} requests are under way; try again")))
        }
    }
}

/// Lets a request pass only if it was addressed to this machine by a local name, and by no foreign web page.
pub(super) async fn require_local(request: Request, next: Next) -> Response {
    match foreign(&request) {
        Some(message) => refuse(&Error::new(Code::Forbidden, message)),
        None => next.run(request).await,
    }
}

/// Lets a request pass only if it is one of few words.
pub(super) async fn require_few_words(request: Request, next: Next) -> Response {
    let address = request.uri().path_and_query().map_or(0, |whole| whole.as_str().len());
    if address > limits::URL_BYTES_MAX {
        let message = format!("the address has {address} bytes; {} are read", limits::URL_BYTES_MAX);
        return refuse(&Error::new(Code::TooLong, message));
    }
    let headers = size(request.headers());
    if headers > limits::HEADERS_BYTES_MAX {
        let message = format!("the headers have {headers} bytes; {} are read", limits::HEADERS_BYTES_MAX);
        return refuse(&Error::new(Code::HeadersTooLarge, message));
    }
    next.run(request).await
}

fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// Why a request is not from here.
fn foreign(request: &Request) -> Option<&'static str> {
    let text = |name| request.headers().get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    let host = text(header::HOST).or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    if !host.is_some_and(is_local) {
        return Some("the Host header must be a loopback name");
    }
    let origin = text(header::ORIGIN)?;
    let local_page = origin.strip_prefix("http://").is_some_and(is_local);
    (!local_page).then_some("the Origin header names a foreign page")
}

/// Whether `host[:port]` is a loopback name.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) if port.is_empty() || port.strip_prefix(':').is_some_and(is_port) => name,
            Some(_) | None => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if is_port(port) => name,
            Some(_) => return false,
            None => host,
        },
    };
    matches!(name, "127.0.0.1" | "::1") || name.eq_ignore_ascii_case("localhost")
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}
