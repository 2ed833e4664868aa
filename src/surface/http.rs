//! The loopback HTTP surface: `POST /v1/ops/NAME` and `GET /healthz`.
//!
//! Every error is a problem document (RFC 9457), those of unknown addresses and methods too. `Host` and `Origin`
//! must be local names, so that a web page cannot reach the daemon through a browser; operations need the token.
//! Not here: what operations do; asking a daemon (`remote`).

use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Path, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde_json::json;

use super::error::{Code, Error};
use super::keys::Keys;
use super::mcp::{self, Offer};
use super::ops::{Caller, Operations, Request};
use super::tools::door as tools;
use crate::limits;
use crate::problem::Problem;
use crate::runtime::watchdog::Health;

/// The header by which whoever has a token says for whom it asks: `agent=…&session=…&gateway=…&chat_id=…`. The admin
/// may name any agent, an agent itself.
pub const CALLER_HEADER: &str = "chimewheel-caller";

/// What the surface needs: who performs operations, and whose tokens are whose.
#[derive(Clone)]
pub struct Door {
    /// Performs operations.
    pub operations: Arc<dyn Operations>,
    /// Knows whose token is shown.
    pub keys: Arc<dyn Keys>,
    /// Says how the engine is, without asking its loop.
    pub health: Arc<dyn Fn() -> Health + Send + Sync>,
    /// What agents are offered.
    pub offer: Offer,
}

/// The whole surface.
pub fn router(door: Door) -> Router {
    let operations = Router::new()
        .route("/v1/ops/{name}", post(operate))
        .merge(tools::router(Arc::clone(&door.operations), Arc::clone(&door.offer.toolbox)))
        .merge(mcp::router(Arc::clone(&door.operations), door.offer.clone()));
    guarded(door, operations)
}

/// Routes behind the door: they are reached with the token, and by local names only.
pub fn guarded(door: Door, routes: Router<Door>) -> Router {
    let routes = routes
        .method_not_allowed_fallback(wrong_method)
        .route_layer(middleware::from_fn_with_state(door.clone(), require_token));
    Router::new()
        .route("/healthz", get(health))
        .merge(routes)
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing_here)
        .layer(middleware::from_fn(require_local))
        .with_state(door)
}

/// Answers on a listener until `stop` is done; requests under way are answered first.
pub async fn serve(
    listener: tokio::net::TcpListener,
    door: Door,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(door)).with_graceful_shutdown(stop).await
}

async fn health(State(door): State<Door>) -> Response {
    let health = (door.health)();
    let mut body = json!({"status": health.word(), "version": env!("CARGO_PKG_VERSION")});
    if health != Health::Well {
        body["detail"] = json!(health.to_string());
    }
    let status = if health.is_in_time() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, "application/json", &body)
}

async fn operate(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let body = match read_body(&headers, body).await {
        Ok(body) => body,
        Err(error) => return refuse(&error),
    };
    let reply = match Request::read(&name, &body) {
        Ok(request) => door.operations.call(&caller, request).await.and_then(|reply| reply.to_json()),
        Err(error) => Err(error),
    };
    match reply {
        Ok(reply) => answer(StatusCode::OK, "application/json", &reply),
        Err(error) => {
            if let Some(detail) = &error.detail {
                tracing::warn!(operation = name, code = error.code.word(), detail, "{}", error.message);
            }
            refuse(&error)
        }
    }
}

/// Who asks: whoever holds the token that is shown, or whom it says that it asks for.
fn caller(headers: &HeaderMap, keys: &dyn Keys) -> Result<Caller, Error> {
    let holder = bearer(headers).and_then(|token| keys.caller(token)).ok_or_else(|| {
        let message = "the token is missing, wrong, expired or revoked; the admin's is in the file admin.token of the \
                       data folder, and `chimewheel token new --agent NAME` makes one for an agent";
        Error::new(Code::Unauthorized, message)
    })?;
    let Some(given) = headers.get(CALLER_HEADER) else { return Ok(holder) };
    let said = given.to_str().ok().and_then(Caller::from_header).ok_or_else(|| {
        let problem = Problem::new(CALLER_HEADER, "this header names no agent");
        Error::bad_input(problem.hint("such as agent=ada&session=s1&gateway=telegram&chat_id=42"))
    })?;
    keys.speaking(&holder, said)
}

pub(super) async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, Error> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Error::new(Code::MediaType, "the body must be JSON, with content-type application/json"));
    }
    let too_large = || Error::new(Code::TooLarge, format!("a request may hold {} bytes", limits::REQUEST_BYTES_MAX));
    if body.size_hint().lower() > limits::REQUEST_BYTES_MAX as u64 {
        return Err(too_large());
    }
    axum::body::to_bytes(body, limits::REQUEST_BYTES_MAX).await.map_err(|error| too_large().detail(error))
}

/// Lets a request pass only if it shows somebody's token, and notes whose.
async fn require_token(State(door): State<Door>, mut request: HttpRequest, next: Next) -> Response {
    match caller(request.headers(), &*door.keys) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => {
            let mut response = refuse(&error);
            if error.code == Code::Unauthorized {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

/// Lets a request pass only if it was addressed to this machine by a local name, and by no foreign web page.
async fn require_local(request: HttpRequest, next: Next) -> Response {
    match foreign(&request) {
        None => next.run(request).await,
        Some(message) => refuse(&Error::new(Code::Forbidden, message)),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = given.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Why a request is not from here.
fn foreign(request: &HttpRequest) -> Option<&'static str> {
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

async fn nothing_here(request: HttpRequest) -> Response {
    refuse(&Error::new(Code::NotFound, format!("there is nothing at {}", request.uri().path())))
}

async fn wrong_method(request: HttpRequest) -> Response {
    refuse(&Error::new(Code::Method, format!("{} is not allowed here", request.method())))
}

pub(super) fn refuse(error: &Error) -> Response {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(status, "application/problem+json", &error.to_json())
}

pub(super) fn answer(status: StatusCode, kind: &'static str, body: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], body.to_string()).into_response()
}
