//! The live feed as server-sent events: what became of occurrences, and changes of schedules.
//!
//! Nothing is pushed: a reader is told what the operation `changes` reads back from the journal, each time there is a
//! commit. So a slow reader costs the loop nothing and only itself falls behind; a cursor survives restarts.
//! Units: `limits` in milliseconds. Source: the HTML standard, section 9.2. Not here: how long changes are known
//! (`store`), whose business they are (`ops/local/changes`).

use std::fmt::Write as _;
use std::time::Duration;

use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::bulk::streamed;
use super::route::Call;
use super::stream::{Gone, Pen, pipe};
use crate::limits;
use crate::surface::error::Error;
use crate::surface::ops::reply::{ChangesTold, WhatChanged};
use crate::surface::ops::request::Changes;

/// The kind of the answer.
pub(super) const EVENTS: &str = "text/event-stream";
/// The header with which a reader takes up the feed where it lost it.
pub(super) const LAST_ID: &str = "last-event-id";

pub(super) async fn events(call: Call) -> Result<Response, Error> {
    let room = call.stream_room()?;
    let header = call.headers.get(LAST_ID).and_then(|id| id.to_str().ok()).map(str::trim).filter(|id| !id.is_empty());
    let after = header.map(str::to_owned).or_else(|| call.query.text("after"));
    let commits = call.site.door.meter.commits();
    let ending = call.site().ending.subscribe();
    let begins_now = after.is_none();
    // A cursor that cannot be read still has a status of its own.
    let told = call.ask(asked(after)).await?;
    let (pen, answer) = pipe(call.leash.clone());
    tokio::spawn(async move {
        let mut feed = Feed { call, pen, commits, ending };
        // Whoever is gone is told nothing more.
        let _ = feed.run(told, begins_now).await;
        drop(room);
    });
    Ok(streamed(EVENTS, answer))
}

fn asked(after: Option<String>) -> Changes {
    Changes { after, limit: Some(limits::FEED_PAGE_ROWS_MAX) }
}

/// One reader of the feed.
struct Feed {
    call: Call,
    pen: Pen,
    commits: watch::Receiver<u64>,
    ending: watch::Receiver<bool>,
}

impl Feed {
    async fn run(&mut self, mut told: ChangesTold, begins_now: bool) -> Result<(), Gone> {
        if begins_now {
            self.pen.write(message(&told.cursor, "ready", &json!({"cursor": told.cursor}))).await?;
        }
        loop {
            let text = written(&told);
            if !text.is_empty() {
                self.pen.write(text).await?;
            }
            if !told.more && !self.wait(&told.cursor).await? {
                return Ok(());
            }
            // What is committed from here on wakes the next wait.
            self.commits.borrow_and_update();
            told = match self.call.ask_on(asked(Some(told.cursor))).await {
                Ok(told) => told,
                Err(error) => {
                    tracing::warn!("the live feed broke off: {error}");
                    return Ok(());
                }
            };
        }
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

fn written(told: &ChangesTold) -> String {
    if told.reset {
        let why = "what happened after this cursor is not known any more; read the schedules again";
        return message(&told.cursor, "reset", &json!({"cursor": told.cursor, "detail": why}));
    }
    let mut text = String::new();
    for change in &told.changes {
        let (name, body) = match &change.what {
            WhatChanged::Schedule(line) => ("schedule", serde_json::to_value(line)),
            WhatChanged::Run(run) => ("run", serde_json::to_value(run)),
        };
        // Both are maps of texts and numbers, which can always be written.
        text.push_str(&message(&change.cursor, name, &body.unwrap_or_default()));
    }
    text
}

fn message(id: &str, name: &str, body: &Value) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write!(text, "id: {id}\nevent: {name}\ndata: {body}\n\n");
    text
}
