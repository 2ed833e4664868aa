//! Sessions as resources, and what platforms post.
//!
//! Each is one operation with another face: an `Idempotency-Key` is the answer's `client_token`. What a platform posts is
//! judged by its gateway, which knows the platform's signature. Not here: the feed of messages (`events`), what becomes of
//! a message (`runtime`).

use axum::http::{StatusCode, header};
use axum::response::Response;

use super::answer::{json_answer, text_answer, with};
use super::body::Text;
use super::route::{Call, Content};
use super::schedules::{IDEMPOTENCY_KEY, REPLAYED, address, linked};
use crate::gateway::{Posted, Unheard};
use crate::problem::Problem;
use crate::runtime::Answered;
use crate::spec::tree::shorten;
use crate::surface::error::{Code, Error};
use crate::surface::ops::request::{Session, SessionAnswer, SessionEnd, SessionMessages, Sessions};

/// The kind of what a platform is told.
pub(super) const PLAIN: &str = "text/plain; charset=utf-8";

pub(super) async fn list(call: Call) -> Result<Response, Error> {
    let query = &call.query;
    let listed = call
        .ask(Sessions {
            agent: query.text("agent"),
            gateway: query.text("gateway"),
            chat_id: query.text("chat_id"),
            active: query.flag("active"),
            limit: query.count("limit"),
            cursor: query.text("cursor"),
        })
        .await?;
    let response = json_answer(StatusCode::OK, &listed)?;
    Ok(linked(response, &call, call.route.path, listed.cursor.as_deref()))
}

pub(super) async fn show(call: Call) -> Result<Response, Error> {
    json_answer(StatusCode::OK, &call.ask(Session { session: call.name.clone() }).await?)
}

pub(super) async fn end(call: Call) -> Result<Response, Error> {
    json_answer(StatusCode::OK, &call.ask(SessionEnd { session: call.name.clone() }).await?)
}

pub(super) async fn messages(call: Call) -> Result<Response, Error> {
    let (limit, before) = (call.query.count("limit"), call.query.count("before"));
    let asked = SessionMessages { session: call.name.clone(), limit, before: before.map(|before| before as u64) };
    json_answer(StatusCode::OK, &call.ask(asked).await?)
}

pub(super) async fn answer(mut call: Call) -> Result<Response, Error> {
    let Text { text } = serde_json::from_value(call.take_json())
        .map_err(|error| Error::bad_input(Problem::new("", error.to_string())))?;
    let client_token = call.idempotency_key().map(str::to_owned);
    let answered = call.ask(SessionAnswer { session: call.name.clone(), text, client_token }).await?;
    let status = if answered.existing { StatusCode::OK } else { StatusCode::CREATED };
    let response = with(json_answer(status, &answered)?, header::LOCATION, &address(&answered.schedule));
    Ok(if answered.existing { with(response, REPLAYED, "true") } else { response })
}

impl Call {
    /// The key that makes a repeated create harmless.
    pub(super) fn idempotency_key(&self) -> Option<&str> {
        let key = self.headers.get(IDEMPOTENCY_KEY)?.to_str().unwrap_or_default().trim();
        Some(key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key))
    }
}

/// Takes what a platform posts to a gateway. A gateway that is closed is answered like one that is not there.
pub(super) async fn posted(call: Call) -> Result<Response, Error> {
    let Content::Bytes(body) = &call.content else { return Err(Error::new(Code::Failed, "the body was not read")) };
    let nobody = || {
        let message = format!("nothing can be posted to a gateway '{}'", shorten(&call.name));
        Err(Error::new(Code::NotFound, message))
    };
    let Some(ears) = &call.site.door.ears else { return nobody() };
    let header = |name: &'static str| call.headers.get(name).and_then(|value| value.to_str().ok());
    let posted = Posted { header: &header, body, now: ears.now() };
    match ears.hear(&call.name, &posted).await {
        None | Some(Err(Unheard::Closed)) => nobody(),
        Some(Ok(Answered::Taken)) => Ok(text_answer(StatusCode::OK, PLAIN, String::new())),
        Some(Ok(Answered::Text(text))) => Ok(text_answer(StatusCode::OK, PLAIN, text)),
        Some(Ok(Answered::Later)) => Err(Error::new(Code::Unreachable, "the daemon is ending; come again")),
        Some(Err(why @ Unheard::Forged(_))) => Err(Error::new(Code::Unauthorized, why.to_string())),
        Some(Err(why @ Unheard::Unreadable(_))) => Err(Error::bad_input(Problem::new("", why.to_string()))),
    }
}
