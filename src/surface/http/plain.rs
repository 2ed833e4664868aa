//! The small routes: health, status, the description, operations by name, and what is answered where nothing is.
//!
//! Not here: metrics (`metrics`).

use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::answer::{JSON, json_answer, refuse, text_answer};
use super::openapi::document;
use super::route::{Call, Content};
use crate::runtime::watchdog::Health;
use crate::surface::error::{Code, Error};
use crate::surface::ops::{Request as Asked, request};

pub(super) async fn health(call: Call) -> Result<Response, Error> {
    let health = (call.site.door.health)();
    let mut body = json!({"status": health.word(), "version": env!("CARGO_PKG_VERSION")});
    if health != Health::Well {
        body["detail"] = json!(health.to_string());
    }
    let status = if health.is_in_time() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_answer(status, &body)
}

pub(super) async fn status(call: Call) -> Result<Response, Error> {
    json_answer(StatusCode::OK, &call.ask(request::Status {}).await?)
}

pub(super) async fn description(_call: Call) -> Result<Response, Error> {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    Ok(text_answer(StatusCode::OK, JSON, TEXT.clone()))
}

/// Performs the operation that is named, as the command line asks for it.
pub(super) async fn operate(call: Call) -> Result<Response, Error> {
    let Content::Bytes(body) = &call.content else { return Err(Error::new(Code::Failed, "the body was not read")) };
    let asked = Asked::read(&call.name, body)?;
    let reply = call.site.door.operations.call(&call.caller, asked).await?;
    json_answer(StatusCode::OK, &reply.to_json()?)
}

pub(super) async fn nothing_here(request: Request) -> Response {
    refuse(&Error::new(Code::NotFound, format!("there is nothing at {}", request.uri().path())))
}

pub(super) async fn wrong_method(request: Request) -> Response {
    refuse(&Error::new(Code::Method, format!("{} is not allowed here", request.method())))
}
