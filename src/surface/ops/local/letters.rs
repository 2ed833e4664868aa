//! `dead-letters`: what was given up, for whoever it is the business of.
//!
//! Not here: how far is looked (`store`).

use super::super::reply::DeadLettersListed;
use super::super::request::DeadLetters;
use super::{Local, view};
use crate::problem::Problem;
use crate::store::{LetterCursor, LetterFilter};
use crate::surface::error::Error;
use crate::time::Timestamp;

/// Dead letters that are shown when nobody says how many.
const DEFAULT: usize = 50;

impl Local {
    pub(super) fn dead_letters(&self, asked: &DeadLetters) -> Result<DeadLettersListed, Error> {
        let limit = view::limit(asked.limit, DEFAULT)?;
        let before = asked.cursor.as_deref().map(read_cursor).transpose()?;
        let reader = self.handle.reader();
        let filter = LetterFilter { agent: self.agent_of(asked.agent.as_deref()), ..LetterFilter::default() };
        let letters = reader.dead_letters(&filter, limit, before)?;
        let mut dead_letters = Vec::with_capacity(letters.runs.len());
        for run in &letters.runs {
            if let Some((_, schedule)) = reader.schedule(run.occurrence.schedule)? {
                dead_letters.push(view::run_told(&schedule, run));
            }
        }
        Ok(DeadLettersListed { dead_letters, cursor: letters.next.map(write_cursor), cut: letters.cut })
    }
}

fn write_cursor(cursor: LetterCursor) -> String {
    format!("{}.{}.{}", cursor.due.as_millis(), cursor.schedule, cursor.generation)
}

fn read_cursor(text: &str) -> Result<LetterCursor, Error> {
    let read = || {
        let (due, rest) = text.split_once('.')?;
        let (schedule, generation) = rest.split_once('.')?;
        let due = Timestamp::from_millis(due.parse().ok()?);
        Some(LetterCursor { due, schedule: schedule.parse().ok()?, generation: generation.parse().ok()? })
    };
    read().ok_or_else(|| Error::bad_input(Problem::new("cursor", "is not one of ours").value(text)))
}
