//! The resources: schedules, their runs and their times.
//!
//! Each is one operation with another face: an `If-Match` is the operation's `generation`, an `Idempotency-Key` the
//! schedule's `client_token`, a `Link` the reply's cursor.
//! Not here: reading requests (`call`), many schedules at once (`bulk`).

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::answer::{expected, is_known, json_answer, tag_of, with};
use super::body::Note;
use super::route::Call;
use crate::problem::Problem;
use crate::surface::error::{Code, Error};
use crate::surface::ops::Operation;
use crate::surface::ops::reply::{Changed, Created};
use crate::surface::ops::request::{
    Add, Cancel, Costs, List, Pause, Preview, Resume, RunNow, Runs, Selector, Show, Update,
};

/// The header that makes a repeated create harmless.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Marks the answer to a create that had been done before.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

pub(super) async fn list(call: Call) -> Result<Response, Error> {
    let query = &call.query;
    let listed = call
        .ask(List {
            agent: query.text("agent"),
            status: query.text("status"),
            name: query.text("name"),
            label: query.text("label"),
            outcome: query.text("outcome"),
            all: query.flag("all"),
            limit: Some(query.count("limit").unwrap_or(LIST_DEFAULT)),
            cursor: query.text("cursor"),
            declarations: false,
        })
        .await?;
    let response = json_answer(StatusCode::OK, &listed)?;
    Ok(linked(response, &call, call.route.path, listed.cursor.as_deref()))
}

/// Schedules on a page when nobody says how many.
const LIST_DEFAULT: usize = 100;

/// The same answer with the address of the next page.
pub(super) fn linked(response: Response, call: &Call, path: &str, cursor: Option<&str>) -> Response {
    match cursor {
        Some(cursor) => {
            let next = format!("<{path}?{}>; rel=\"next\"", call.query.with_cursor(cursor));
            with(response, header::LINK, &next)
        }
        None => response,
    }
}

pub(super) async fn create(mut call: Call) -> Result<Response, Error> {
    let mut schedule = call.take_json();
    if let Some(key) = call.idempotency_key() {
        put_token(&mut schedule, key)?;
    }
    let dry_run = call.query.flag("dry_run");
    let added = call.ask(Add { schedule: Some(schedule), dry_run, ..Add::default() }).await?;
    let created = added.schedules.into_iter().next();
    let created = created.ok_or_else(|| Error::new(Code::Failed, "nothing was created"))?;
    let is_new = !dry_run && !created.existing;
    let response = json_answer(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &created)?;
    if dry_run {
        return Ok(response);
    }
    let response = if created.existing { with(response, REPLAYED, "true") } else { response };
    Ok(with(tagged(response, &created), header::LOCATION, &address(&created.id)))
}

/// The address of a schedule; ids are slugs and need no escapes.
pub(super) fn address(id: &str) -> String {
    format!("/v1/schedules/{id}")
}

/// The same answer with the tag that an `If-Match` can name.
fn tagged(response: Response, created: &Created) -> Response {
    with(response, header::ETAG, &format!("\"{}\"", created.generation))
}

/// The key of the request becomes the token of the schedule.
fn put_token(schedule: &mut Value, key: &str) -> Result<(), Error> {
    let problem = if key.is_empty() {
        Problem::new(IDEMPOTENCY_KEY, "is empty").hint("give a text of your own for each create, such as a UUID")
    } else {
        match schedule.get("client_token").and_then(Value::as_str) {
            Some(token) if token != key => {
                let problem = Problem::new(IDEMPOTENCY_KEY, "says something else than client_token").value(key);
                problem.hint("give one of them, or both the same")
            }
            Some(_) | None => {
                schedule["client_token"] = json!(key);
                return Ok(());
            }
        }
    };
    Err(Error::bad_input(problem))
}

impl Call {
    /// The schedule that the address names, as `If-Match` expects it.
    fn selector(&self) -> Result<Selector, Error> {
        let generation = if heeds(self, "if-match") { expected(&self.headers)? } else { None };
        Ok(Selector { schedule: self.name.clone(), agent: None, generation })
    }

    /// What is shown of a schedule, with its tag.
    async fn shown(&self) -> Result<(Value, String), Error> {
        let one = Selector { schedule: self.name.clone(), ..Selector::default() };
        let shown = self.ask(Show(one)).await?;
        let generation = shown.generation;
        let shown = serde_json::to_value(shown)
            .map_err(|error| Error::new(Code::Failed, "this cannot be written as JSON").detail(error))?;
        let tag = tag_of(generation, &shown);
        Ok((shown, tag))
    }
}

fn heeds(call: &Call, name: &str) -> bool {
    call.route.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name))
}

pub(super) async fn show(call: Call) -> Result<Response, Error> {
    let (shown, tag) = call.shown().await?;
    if is_known(&call.headers, &tag) {
        return Ok(with(StatusCode::NOT_MODIFIED.into_response(), header::ETAG, &tag));
    }
    Ok(with(json_answer(StatusCode::OK, &shown)?, header::ETAG, &tag))
}

/// A refusal because of what was expected tells the tag of what is there.
async fn or_tag(call: &Call, done: Result<Response, Error>) -> Result<Response, Error> {
    match done {
        Err(error) if error.code == Code::Stale => {
            let response = super::answer::refuse(&error);
            Ok(match call.shown().await {
                Ok((_, tag)) => with(response, header::ETAG, &tag),
                Err(_) => response,
            })
        }
        done => done,
    }
}

pub(super) async fn update(mut call: Call) -> Result<Response, Error> {
    let patch = call.take_json();
    let done = async {
        let Selector { schedule, agent, generation } = call.selector()?;
        let dry_run = call.query.flag("dry_run");
        let updated = call.ask(Update { schedule, agent, patch, generation, dry_run }).await?;
        let response = json_answer(StatusCode::OK, &updated)?;
        Ok(if dry_run { response } else { tagged(response, &updated.schedule) })
    };
    let done = done.await;
    or_tag(&call, done).await
}

/// Sets a schedule's status.
async fn set<O: Operation<Reply = Changed>>(
    call: Call,
    operation: impl FnOnce(Selector) -> O,
) -> Result<Response, Error> {
    let done = async {
        let changed = call.ask(operation(call.selector()?)).await?;
        json_answer(StatusCode::OK, &changed)
    };
    let done = done.await;
    or_tag(&call, done).await
}

pub(super) async fn cancel(call: Call) -> Result<Response, Error> {
    set(call, Cancel).await
}

pub(super) async fn pause(mut call: Call) -> Result<Response, Error> {
    let said: Option<Note> = serde_json::from_value(call.take_json())
        .map_err(|error| Error::bad_input(Problem::new("", error.to_string())))?;
    let note = said.and_then(|said| said.note);
    set(call, |one| Pause { note, ..one.into() }).await
}

pub(super) async fn resume(call: Call) -> Result<Response, Error> {
    set(call, Resume).await
}

pub(super) async fn run(call: Call) -> Result<Response, Error> {
    let done = async {
        let started = call.ask(RunNow(call.selector()?)).await?;
        let runs = format!("{}/runs", address(&started.id));
        Ok(with(json_answer(StatusCode::ACCEPTED, &started)?, header::LOCATION, &runs))
    };
    let done = done.await;
    or_tag(&call, done).await
}

pub(super) async fn runs(call: Call) -> Result<Response, Error> {
    let query = &call.query;
    let listed = call
        .ask(Runs {
            schedule: call.name.clone(),
            agent: None,
            limit: query.count("limit"),
            outcome: query.text("outcome"),
            since: query.text("since"),
            cursor: query.text("cursor"),
        })
        .await?;
    let response = json_answer(StatusCode::OK, &listed)?;
    let path = format!("{}/runs", address(&listed.id));
    Ok(linked(response, &call, &path, listed.cursor.as_deref()))
}

pub(super) async fn costs(call: Call) -> Result<Response, Error> {
    let query = &call.query;
    let (by, since, agent) = (query.text("by"), query.text("since"), query.text("agent"));
    let told = call.ask(Costs { by, since, agent }).await?;
    json_answer(StatusCode::OK, &told)
}

pub(super) async fn occurrences(call: Call) -> Result<Response, Error> {
    let query = &call.query;
    let asked = Preview {
        schedule: Some(call.name.clone()),
        n: query.count("n"),
        from: query.text("from"),
        timezone: query.text("timezone"),
        ..Preview::default()
    };
    json_answer(StatusCode::OK, &call.ask(asked).await?)
}

pub(super) async fn preview(mut call: Call) -> Result<Response, Error> {
    let asked: Preview = serde_json::from_value(call.take_json())
        .map_err(|error| Error::bad_input(Problem::new("", error.to_string())))?;
    json_answer(StatusCode::OK, &call.ask(asked).await?)
}
