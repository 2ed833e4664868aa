//! Dead letters: what the store knows of one, and whether it can be tried again.
//!
//! Asked in the loop, where what is declared but not yet durable is known, too; what is open, and so no dead letter any
//! more, the engine knows. A delivery goes by its number, a whole occurrence by 0.
//! Invariant: what is tried again has its text, or never had one.
//! Not here: what trying again does (`engine`), which dead letters there are (`store`).

use crate::engine::change::{Cause, Outcome, Phase, Run};
use crate::engine::{Again, Input, Letter};
use crate::id::OccurrenceId;
use crate::runtime::ops::OpError;
use crate::runtime::turn::{Begun, Turns};
use crate::spec::{Payload, Schedule};
use crate::store::{Reader, StoreError};

/// Why nothing can be done about a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRetry {
    /// There is no such occurrence, or no such delivery of it.
    #[error("there is no such dead letter")]
    Unknown,
    /// It did not fail.
    #[error("it is no dead letter: it was not given up, or has been tried again since")]
    NotDead,
    /// It is under way.
    #[error("it is being tried again already; `runs` tells how far it is")]
    Open,
    /// Another wording took its place.
    #[error(
        "its schedule was changed since, and what it said then is not sent any more; `run-now` sends what it says now"
    )]
    Replaced,
    /// The text has gone.
    #[error("its text is not kept any more, and making it anew would be another message; `run-now` begins a new run")]
    NoText,
    /// The whole day goes.
    #[error("it is as old as the history that is kept, and goes with it")]
    Gone,
    /// It told of a pause.
    #[error("it told that its schedule had paused itself, which may be over; `show` tells how the schedule is")]
    Notice,
}

impl Turns {
    pub(super) fn retry(&mut self, of: OccurrenceId) -> Result<Begun, OpError> {
        let key = of.schedule;
        let (declared, schedule) = self.declared(key)?.ok_or(OpError::NotFound)?;
        let run = letter(&self.reader, of)??;
        if declared > of.generation {
            return Err(NoRetry::Replaced.into());
        }
        let again = what_again(&self.reader, &schedule, &run, of.delivery)??;
        self.check_by_hand(key)?;
        let letter = Box::new(Letter { run, again });
        self.plain(key, move |op| Input::Retry { op, letter })
    }

    pub(super) fn drop_letter(&mut self, of: OccurrenceId) -> Result<Begun, OpError> {
        let run = Box::new(letter(&self.reader, of.whole())??);
        self.plain(of.schedule, move |op| Input::Drop { op, run })
    }
}

/// The record of an occurrence that was given up; of a delivery, that of its occurrence.
pub fn letter(reader: &Reader, of: OccurrenceId) -> Result<Result<Run, NoRetry>, StoreError> {
    let Some(run) = reader.run(of.whole())? else { return Ok(Err(NoRetry::Unknown)) };
    Ok(if run.is_given_up() {
        Ok(run)
    } else if run.is_settled() {
        Err(NoRetry::NotDead)
    } else {
        Err(NoRetry::Open)
    })
}

/// What trying it again means; `delivery`: only this one of several.
pub fn what_again(
    reader: &Reader,
    schedule: &Schedule,
    run: &Run,
    delivery: u16,
) -> Result<Result<Again, NoRetry>, StoreError> {
    let count = run.execution.as_ref().map_or(0, |execution| execution.deliveries);
    if count > 0 {
        return parts_again(reader, run, delivery);
    }
    if delivery > 0 {
        return Ok(Err(NoRetry::Unknown));
    }
    let is_literal = matches!(schedule.payload, Payload::Message(_)) && schedule.hook.is_none();
    if is_literal && run.cause != Cause::Notice || reader.text(run.occurrence)?.is_some() {
        return Ok(Ok(Again::Send));
    }
    Ok(match run.cause {
        Cause::Notice => Err(NoRetry::Notice),
        // It was with a gateway, so there was a text.
        Cause::Due | Cause::CatchUp | Cause::Manual if run.attempt > 0 => Err(NoRetry::NoText),
        Cause::Due | Cause::CatchUp | Cause::Manual => Ok(Again::Run),
    })
}

fn parts_again(reader: &Reader, run: &Run, delivery: u16) -> Result<Result<Again, NoRetry>, StoreError> {
    let all = reader.deliveries(run)?;
    let is_failed = |one: &&Run| matches!(&one.phase, Phase::Settled { outcome: Outcome::Failed { .. }, .. });
    let failed: Vec<u16> = all.iter().filter(is_failed).map(|one| one.occurrence.delivery).collect();
    let is_there = delivery == 0 || all.iter().any(|one| one.occurrence.delivery == delivery);
    let chosen: Vec<u16> = failed.into_iter().filter(|number| delivery == 0 || delivery == *number).collect();
    if chosen.is_empty() {
        return Ok(Err(if is_there { NoRetry::NotDead } else { NoRetry::Unknown }));
    }
    for one in all.iter().filter(|one| chosen.contains(&one.occurrence.delivery)) {
        if reader.text(one.occurrence)?.is_none() {
            return Ok(Err(NoRetry::NoText));
        }
    }
    Ok(Ok(Again::Deliveries { all, chosen }))
}
