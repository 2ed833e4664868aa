//! Tools over HTTP: `GET /v1/tools` lists them, `POST /v1/tools/{name}` uses one.
//!
//! The body is the tool's arguments; the answer is `{text, structured, is_error}` with status 200, because a tool that
//! was used has answered, whatever it says. Who asks is in the request's extensions.
//! Not here: who may come in (`http`), what tools do.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Toolbox;
use super::export::{Form, export};
use crate::problem::Problem;
use crate::surface::error::Error;
use crate::surface::http::{json_answer, read_body, refuse};
use crate::surface::ops::{Caller, Operations};

#[derive(Clone)]
struct Door {
    operations: Arc<dyn Operations>,
    toolbox: Arc<Toolbox>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    format: Option<String>,
}

/// The routes.
pub fn router<S: Clone + Send + Sync + 'static>(operations: Arc<dyn Operations>, toolbox: Arc<Toolbox>) -> Router<S> {
    Router::new()
        .route("/v1/tools", get(list))
        .route("/v1/tools/{name}", post(call))
        .with_state(Door { operations, toolbox })
}

async fn list(State(door): State<Door>, Extension(caller): Extension<Caller>, RawQuery(query): RawQuery) -> Response {
    let asked = serde_urlencoded::from_str::<Asked>(query.as_deref().unwrap_or_default());
    let asked = asked.map_err(|error| Problem::new("", error.to_string()).hint("such as ?format=openai"));
    let form = asked.and_then(|asked| asked.format.as_deref().map_or(Ok(Form::default()), Form::read));
    match form {
        Ok(form) => json_answer(StatusCode::OK, &export(door.toolbox.tools(&caller), form))
            .unwrap_or_else(|error| refuse(&error)),
        Err(problem) => refuse(&Error::bad_input(problem)),
    }
}

async fn call(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Ok(Path(name)) = name else { return refuse(&Error::bad_input(Problem::new("path", "is not UTF-8"))) };
    let arguments = match read_body(&headers, body).await {
        Ok(body) if body.trim_ascii().is_empty() => Ok(Value::Null),
        Ok(body) => {
            serde_json::from_slice(&body).map_err(|error| Error::bad_input(Problem::new("", error.to_string())))
        }
        Err(error) => Err(error),
    };
    let outcome = match arguments {
        Ok(arguments) => door.toolbox.call(&caller, door.operations.as_ref(), &name, arguments).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(outcome) => {
            let body =
                json!({"text": outcome.whole(), "structured": outcome.structured, "is_error": outcome.is_error});
            json_answer(StatusCode::OK, &body).unwrap_or_else(|error| refuse(&error))
        }
        Err(error) => refuse(&error),
    }
}
