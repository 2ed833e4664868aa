//! The live feeds as server-sent events: what became of schedules and their occurrences, and what people wrote to agents.
//!
//! Nothing is pushed: a reader is told what an operation reads back from the store, each time there is a commit. So a slow
//! reader costs the loop nothing and only itself falls behind; a cursor survives restarts.
//! Units: `limits` in milliseconds. Source: the HTML standard, section 9.2. Not here: how long changes and messages are
//! known (`store`), whose business they are (`ops/local`).

use std::fmt::Write as _;
use std::time::Duration;

use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

use super::bulk::streamed;
use super::route::Call;
use super::stream::{Gone, Pen, pipe};
use crate::limits;
use crate::problem::Problem;
use crate::spec::tree::shorten;
use crate::surface::error::Error;
use crate::surface::ops::reply::WhatChanged;
use crate::surface::ops::request::{Changes, Inbound};

/// The kind of the answer.
pub(super) const EVENTS: &str = "text/event-stream";
/// The header with which a reader takes up the feed where it lost it.
pub(super) const LAST_ID: &str = "last-event-id";

/// Tells what became of schedules and occurrences.
pub(super) async fn events(call: Call) -> Result<Response, Error> {
    begin(call, Of::Changes).await
}

/// Tells what people wrote.
pub(super) async fn inbound(call: Call) -> Result<Response, Error> {
    begin(call, Of::Inbound).await
}

async fn begin(call: Call, of: Of) -> Result<Response, Error> {
    let room = call.stream_room()?;
    let header = call.headers.get(LAST_ID).and_then(|id| id.to_str().ok()).map(str::trim).filter(|id| !id.is_empty());
    let after = header.map(str::to_owned).or_else(|| call.query.text("after"));
    let commits = call.site.door.meter.commits();
    let ending = call.site().ending.subscribe();
    let begins_now = after.is_none();
    // A cursor that cannot be read still has a status of its own.
    let told = of.next(&call, after).await?;
    let (pen, answer) = pipe(call.leash.clone());
    tokio::spawn(async move {
        let mut feed = Feed { call, of, pen, commits, ending };
        // Whoever is gone is told nothing more.
        let _ = feed.run(told, begins_now).await;
        drop(room);
    });
    Ok(streamed(EVENTS, answer))
}

/// What a feed is of.
#[derive(Clone, Copy)]
enum Of {
    Changes,
    Inbound,
}

/// What a feed tells next, as it is written.
struct Told {
    text: String,
    cursor: String,
    /// There is more by now.
    more: bool,
}

impl Of {
    /// What comes after a cursor; without one, only where the end is now.
    async fn next(self, call: &Call, after: Option<String>) -> Result<Told, Error> {
        match self {
            Self::Changes => changes(call, after).await,
            Self::Inbound => written(call, after).await,
        }
    }
}

async fn changes(call: &Call, after: Option<String>) -> Result<Told, Error> {
    let told = call.ask(Changes { after, limit: Some(limits::FEED_PAGE_ROWS_MAX) }).await?;
    let mut text = String::new();
    if told.reset {
        let why = "what happened after this cursor is not known any more; read the schedules again";
        message(&mut text, &told.cursor, "reset", &json!({"cursor": told.cursor, "detail": why}));
    }
    for change in &told.changes {
        match &change.what {
            WhatChanged::Schedule(line) => message(&mut text, &change.cursor, "schedule", line),
            WhatChanged::Run(run) => message(&mut text, &change.cursor, "run", run),
        }
    }
    Ok(Told { text, cursor: told.cursor, more: told.more })
}

async fn written(call: &Call, after: Option<String>) -> Result<Told, Error> {
    let refused = |text: &str| {
        let problem = Problem::new("after", "is not the id of a message").value(shorten(text));
        Error::bad_input(problem.hint("the id that the feed gave, or 0 for all that are kept"))
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let read = |text: String| text.parse().ok().filter(|_| is_number(&text)).ok_or_else(|| refused(&text));
    let (agent, asked_with) = (call.query.text("agent"), after.map(read).transpose()?);
    let limit = Some(limits::FEED_PAGE_ROWS_MAX);
    let told = call.ask(Inbound { agent, after: asked_with, limit }).await?;
    let mut text = String::new();
    if told.reset {
        let from = told.messages.first().map_or(told.cursor, |first| first.number - 1);
        let why = "some messages after this id are not kept any more; what is kept follows";
        message(&mut text, &from.to_string(), "reset", &json!({"cursor": from.to_string(), "detail": why}));
    }
    for one in &told.messages {
        message(&mut text, &one.number.to_string(), "message", one);
    }
    Ok(Told { text, cursor: told.cursor.to_string(), more: told.more })
}

/// One reader of a feed.
struct Feed {
    call: Call,
    of: Of,
    pen: Pen,
    commits: watch::Receiver<u64>,
    ending: watch::Receiver<bool>,
}

impl Feed {
    async fn run(&mut self, mut told: Told, begins_now: bool) -> Result<(), Gone> {
        if begins_now {
            let mut text = String::new();
            message(&mut text, &told.cursor, "ready", &json!({"cursor": told.cursor}));
            self.pen.write(text).await?;
        }
        loop {
            if !told.text.is_empty() {
                self.pen.write(told.text).await?;
            }
            if !told.more && !self.wait(&told.cursor).await? {
                return Ok(());
            }
            // What is committed from here on wakes the next wait.
            self.commits.borrow_and_update();
            told = match self.next(told.cursor).await {
                Ok(told) => told,
                Err(error) => {
                    tracing::warn!("the live feed broke off: {error}");
                    return Ok(());
                }
            };
        }
    }

    /// What comes next, for whoever still may hear it.
    async fn next(&self, cursor: String) -> Result<Told, Error> {
        self.call.still_may()?;
        self.of.next(&self.call, Some(cursor)).await
    }

    /// Until there is a commit, with a sign of life now and then; `false` when nothing more will come.
    async fn wait(&mut self, cursor: &str) -> Result<bool, Gone> {
        loop {
            let quiet = tokio::time::sleep(Duration::from_millis(limits::FEED_QUIET_MS_MAX));
            tokio::select! {
                news = self.commits.changed() => return Ok(news.is_ok()),
                () = self.pen.gone() => return Err(Gone),
                () = over(&mut self.ending) => return Ok(false),
                // The place goes with it, so that a reader who has nothing to hear for long can still take it up.
                () = quiet => self.pen.write(format!(": quiet\nid: {cursor}\n\n")).await?,
            }
        }
    }
}

/// Until the surface ends.
async fn over(ending: &mut watch::Receiver<bool>) {
    // A sender that is gone means the end, too.
    let _ = ending.wait_for(|ending| *ending).await;
}

fn message(text: &mut String, id: &str, name: &str, body: &impl Serialize) {
    // All of them are maps of texts and numbers, which can always be written, and writing to a String cannot fail.
    let body = serde_json::to_value(body).unwrap_or_default();
    let _ = write!(text, "id: {id}\nevent: {name}\ndata: {body}\n\n");
}
