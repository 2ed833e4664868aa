//! The resource of dead letters: listed, shown, tried again, taken off the list.
//!
//! Not here: reading requests (`call`), what is done about them (`ops`).

use axum::http::{StatusCode, header};
use axum::response::Response;

use super::answer::{json_answer, with};
use super::route::Call;
use super::schedules::linked;
use crate::problem::Problem;
use crate::surface::error::Error;
use crate::surface::ops::letters::Chosen;
use crate::surface::ops::request::{DeadLetterShow, DeadLetters, DeadLettersDrop, DeadLettersRetry};

pub(super) async fn list(call: Call) -> Result<Response, Error> {
    let query = &call.query;
    let asked = DeadLetters {
        agent: query.text("agent"),
        schedule: query.text("schedule"),
        gateway: query.text("gateway"),
        since: query.text("since"),
        limit: query.count("limit"),
        cursor: query.text("cursor"),
    };
    let listed = call.ask(asked).await?;
    let response = json_answer(StatusCode::OK, &listed)?;
    Ok(linked(response, &call, call.route.path, listed.cursor.as_deref()))
}

pub(super) async fn show(call: Call) -> Result<Response, Error> {
    json_answer(StatusCode::OK, &call.ask(DeadLetterShow { id: call.name.clone() }).await?)
}

/// The one that the address names.
fn one(call: &Call) -> Chosen {
    Chosen { id: Some(call.name.clone()), dry_run: call.query.flag("dry_run"), ..Chosen::default() }
}

pub(super) async fn retry(call: Call) -> Result<Response, Error> {
    let done = call.ask(DeadLettersRetry(one(&call))).await?;
    let response = json_answer(StatusCode::ACCEPTED, &done)?;
    Ok(with(response, header::LOCATION, &format!("/v1/dead-letters/{}", call.name)))
}

pub(super) async fn drop_one(call: Call) -> Result<Response, Error> {
    json_answer(StatusCode::OK, &call.ask(DeadLettersDrop(one(&call))).await?)
}

/// What a body asks for.
fn said(call: &mut Call) -> Result<Chosen, Error> {
    serde_json::from_value(call.take_json()).map_err(|error| Error::bad_input(Problem::new("", error.to_string())))
}

pub(super) async fn retry_all(mut call: Call) -> Result<Response, Error> {
    let chosen = said(&mut call)?;
    json_answer(StatusCode::ACCEPTED, &call.ask(DeadLettersRetry(chosen)).await?)
}

pub(super) async fn drop_all(mut call: Call) -> Result<Response, Error> {
    let chosen = said(&mut call)?;
    json_answer(StatusCode::OK, &call.ask(DeadLettersDrop(chosen)).await?)
}
