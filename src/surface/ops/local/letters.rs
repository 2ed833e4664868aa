//! `dead-letters`: what was given up, for whoever it is the business of.
//!
//! Invariant: another agent's dead letter is answered like one that nobody has.
//! Not here: how far is looked (`store`), what is done about them (`revive`).

use std::sync::Arc;

use super::super::reply::{DeadLettersListed, LetterLine, LetterPart, LetterShown};
use super::super::request::{DeadLetters, Selector};
use super::{Local, view};
use crate::engine::Again;
use crate::engine::change::{Cause, Run, Status};
use crate::id::{self, OccurrenceId};
use crate::problem::Problem;
use crate::runtime::{NoRetry, letter, what_again};
use crate::spec::tree::shorten;
use crate::spec::{Payload, Schedule};
use crate::store::{LetterCursor, LetterFilter};
use crate::surface::error::{Code, Error};
use crate::time::Timestamp;

/// Dead letters that are shown when nobody says how many.
const DEFAULT: usize = 50;

/// A dead letter that was asked for.
pub(super) struct FoundLetter {
    /// Which, or which of its deliveries.
    pub(super) of: OccurrenceId,
    /// The generation of its schedule's latest declaration.
    pub(super) declared: u32,
    pub(super) schedule: Arc<Schedule>,
    pub(super) run: Run,
}

/// Which dead letters somebody asks for, once names have been looked up.
pub(super) struct Asked<'a> {
    pub(super) agent: Option<&'a str>,
    pub(super) schedule: Option<&'a str>,
    pub(super) gateway: Option<&'a str>,
    pub(super) since: Option<&'a str>,
}

impl Local {
    pub(super) fn dead_letters(&self, asked: &DeadLetters) -> Result<DeadLettersListed, Error> {
        let limit = view::limit(asked.limit, DEFAULT)?;
        let before = asked.cursor.as_deref().map(read_cursor).transpose()?;
        let DeadLetters { agent, schedule, gateway, since, .. } = asked;
        let (agent, schedule) = (agent.as_deref(), schedule.as_deref());
        let asked = Asked { agent, schedule, gateway: gateway.as_deref(), since: since.as_deref() };
        let reader = self.handle.reader();
        let letters = reader.dead_letters(&self.filter(&asked)?, limit, before)?;
        let mut dead_letters = Vec::with_capacity(letters.runs.len());
        for run in &letters.runs {
            if let Some((_, schedule)) = reader.schedule(run.occurrence.schedule)? {
                dead_letters.push(line(&schedule, run));
            }
        }
        Ok(DeadLettersListed { dead_letters, cursor: letters.next.map(write_cursor), cut: letters.cut })
    }

    /// What is asked for, as the store is asked.
    pub(super) fn filter<'a>(&'a self, asked: &Asked<'a>) -> Result<LetterFilter<'a>, Error> {
        let schedule = match asked.schedule {
            Some(schedule) => {
                let agent = asked.agent.map(str::to_owned);
                Some(self.find(&Selector { schedule: schedule.to_owned(), agent, generation: None })?.key)
            }
            None => None,
        };
        let since = asked.since.map(|text| view::read_since("since", text, self.handle.now())).transpose()?;
        Ok(LetterFilter { agent: self.agent_of(asked.agent), schedule, gateway: asked.gateway, since })
    }

    pub(super) fn letter_show(&self, id: &str) -> Result<LetterShown, Error> {
        let found = self.find_letter(id)?;
        let FoundLetter { schedule, run, .. } = &found;
        let reader = self.handle.reader();
        let text = reader.text(run.occurrence)?;
        let mut parts = Vec::new();
        for one in reader.deliveries(run)? {
            let text = reader.text(one.occurrence)?;
            let delivery = view::delivery(schedule, &one, text);
            parts.push(LetterPart {
                id: id_of(schedule, one.occurrence),
                key: key_of(schedule, one.occurrence),
                delivery,
            });
        }
        let is_one = parts.is_empty();
        let to = run.execution.as_ref().and_then(|execution| execution.to.as_ref());
        let to = to.or(schedule.destination.as_ref()).map(ToString::to_string);
        let is_same_wording = found.declared <= run.occurrence.generation;
        let message = match &schedule.payload {
            Payload::Message(text) if schedule.hook.is_none() && is_same_wording && run.cause != Cause::Notice => {
                Some(text.clone())
            }
            _ => text,
        };
        let (retry, refused) = match self.prospect(&found)? {
            Ok(Again::Run) => (Some("run".to_owned()), None),
            Ok(Again::Send | Again::Deliveries { .. }) => (Some("send".to_owned()), None),
            Err(why) => (None, Some(why)),
        };
        Ok(LetterShown {
            line: Box::new(line(schedule, run)),
            destination: to.filter(|_| is_one),
            key: is_one.then(|| key_of(schedule, run.occurrence)),
            message: message.filter(|_| is_one),
            parts,
            retry,
            refused,
        })
    }

    /// What trying a dead letter again means, or why it cannot be; what the loop knows besides is not asked.
    pub(super) fn prospect(&self, found: &FoundLetter) -> Result<Result<Again, String>, Error> {
        let reader = self.handle.reader();
        let state = reader.state(found.of.schedule)?;
        if state.is_some_and(|state| state.status == Status::Cancelled) {
            return Ok(Err(CANCELLED.to_owned()));
        }
        if found.declared > found.of.generation {
            return Ok(Err(NoRetry::Replaced.to_string()));
        }
        let run = match letter(reader, found.of)? {
            Ok(run) => run,
            Err(why) => return Ok(Err(why.to_string())),
        };
        let again = what_again(reader, &found.schedule, &run, found.of.delivery)?;
        Ok(again.map_err(|why| why.to_string()))
    }

    /// The dead letter of an id: one that was given up, or has been.
    pub(super) fn find_letter(&self, id: &str) -> Result<FoundLetter, Error> {
        let unknown = || {
            let message = format!("dead letter not found: {}; `dead-letters list` tells their ids", shorten(id));
            Error::new(Code::NotFound, message)
        };
        let (schedule, generation, due, delivery) = read_id(id).ok_or_else(unknown)?;
        let reader = self.handle.reader();
        let key = reader.key_of(schedule)?.ok_or_else(unknown)?;
        let (declared, schedule) = reader.schedule(key)?.ok_or_else(unknown)?;
        if !self.sees(&schedule) {
            return Err(unknown());
        }
        let of = OccurrenceId { delivery, ..OccurrenceId::new(key, generation, due) };
        let run = reader.run(of.whole())?.filter(|run| run.is_given_up() || run.retried.is_some());
        let run = run.ok_or_else(unknown)?;
        let count = run.execution.as_ref().map_or(0, |execution| execution.deliveries);
        if delivery > count { Err(unknown()) } else { Ok(FoundLetter { of, declared, schedule, run }) }
    }
}

/// Why nothing of a cancelled schedule is tried again.
pub(super) const CANCELLED: &str = "its schedule was cancelled, and nothing of it is sent any more";

fn line(schedule: &Schedule, run: &Run) -> LetterLine {
    LetterLine { id: id_of(schedule, run.occurrence), told: view::run_told(schedule, run) }
}

/// What names a dead letter.
pub(super) fn id_of(schedule: &Schedule, of: OccurrenceId) -> String {
    let OccurrenceId { generation, due, delivery, .. } = of;
    let part = if delivery > 0 { format!(":{delivery}") } else { String::new() };
    format!("{}:{generation}:{}{part}", schedule.id, due.as_millis())
}

fn read_id(id: &str) -> Option<(&str, u32, Timestamp, u16)> {
    let mut parts = id.split(':');
    let (schedule, generation, due) = (parts.next()?, parts.next()?, parts.next()?);
    let delivery = parts.next().map_or(Some(0), |number| number.parse().ok().filter(|number| *number > 0))?;
    let due = Timestamp::from_millis(due.parse().ok()?);
    if parts.next().is_some() { None } else { Some((schedule, generation.parse().ok()?, due, delivery)) }
}

fn key_of(schedule: &Schedule, of: OccurrenceId) -> String {
    id::delivery_key(&schedule.id, of.generation, of.due, of.delivery, 0)
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
