//! `changes`: what has changed since a cursor, for whoever it is the business of.
//!
//! Invariant: the cursor moves past what is not the caller's, so that asking again always gets on.
//! Not here: waiting for more (`http`), how long changes are known (`store`).

use super::super::reply::{ChangeTold, ChangesTold, WhatChanged};
use super::super::request::Changes;
use super::{Local, view};
use crate::engine::change::Status;
use crate::limits;
use crate::problem::Problem;
use crate::store::{FeedCursor, Piece, What};
use crate::surface::error::Error;

impl Local {
    pub(super) fn changes(&self, asked: &Changes) -> Result<ChangesTold, Error> {
        let limit = view::limit(asked.limit, limits::PAGE_ROWS_MAX)?;
        let after = asked.after.as_deref().map(read_cursor).transpose()?;
        let reader = self.handle.reader();
        let fed = match after {
            Some(after) => reader.feed(after, limit)?,
            None => None,
        };
        let Some(fed) = fed else {
            let cursor = write_cursor(reader.feed_end()?);
            return Ok(ChangesTold { cursor, reset: after.is_some(), ..ChangesTold::default() });
        };
        let mut changes = Vec::new();
        for piece in fed.pieces {
            changes.extend(self.change_told(piece)?);
        }
        Ok(ChangesTold { changes, cursor: write_cursor(fed.cursor), more: fed.more, reset: false })
    }

    /// A piece in the form of a reply; nothing if it is not the caller's, or only says that time goes on.
    fn change_told(&self, piece: Piece) -> Result<Option<ChangeTold>, Error> {
        let key = match &piece.what {
            What::State(key, _) => *key,
            // What its run did to a schedule is told by the run, unless it ended or paused it.
            What::StateOfRun(_, state) if state.status == Status::Active => return Ok(None),
            What::StateOfRun(key, _) => *key,
            What::Run(run) => run.occurrence.schedule,
        };
        let Some((_, schedule)) = self.handle.reader().schedule(key)? else { return Ok(None) };
        // What a conversation makes is told by its session.
        if !self.sees(&schedule) || schedule.talk.is_some() {
            return Ok(None);
        }
        let what = match piece.what {
            What::State(_, state) | What::StateOfRun(_, state) => {
                let note = self.note(key, &state)?;
                WhatChanged::Schedule(view::line(&schedule, &state, note, self.handle.now()))
            }
            What::Run(run) => WhatChanged::Run(view::run_told(&schedule, &run)),
        };
        Ok(Some(ChangeTold { cursor: write_cursor(piece.cursor), what }))
    }
}

fn write_cursor(cursor: FeedCursor) -> String {
    match cursor.told {
        Some(told) => format!("{}.{told}", cursor.commit),
        None => cursor.commit.to_string(),
    }
}

fn read_cursor(text: &str) -> Result<FeedCursor, Error> {
    let read = || {
        Some(match text.split_once('.') {
            Some((commit, told)) => FeedCursor { commit: commit.parse().ok()?, told: Some(told.parse().ok()?) },
            None => FeedCursor { commit: text.parse().ok()?, told: None },
        })
    };
    read().ok_or_else(|| Error::bad_input(Problem::new("after", "is not one of our cursors").value(text)))
}
