//! Tombstones: what the operator has cancelled is not made again by an agent that has not heard of it.
//!
//! An agent with an old list of what it wants declares it once more. For [`TOMBSTONE_MS_MAX`] a schedule of a name that the
//! admin cancelled (on the command line, over HTTP, or with its file) is refused to its agent; the admin may make it at any
//! time. An id is never free again anyway, and a client token says what became of its schedule. What an agent cancels
//! itself, in whichever session, it may make again: whether its user changed their mind nobody else can know. So it may
//! what ended with its process, whoever told of that.
//! The audit says who cancelled what; where it reaches back too far to be looked through, nothing is refused.
//! Not here: names of live schedules (`runtime`).

use std::cell::Cell;

use super::Local;
use crate::access::{Actor, Record};
use crate::engine::change::Status;
use crate::limits::{TOMBSTONE_MS_MAX, TOMBSTONE_RECORDS_COUNT_MAX};
use crate::problem::Problem;
use crate::spec::Schedule;
use crate::surface::error::{Code, Error};
use crate::time::Span;

/// The operation that drops dead letters, as the audit has it.
const DROP: &str = "dead-letters-drop";
/// The operation that cancels with a process, which says nothing against its schedules.
const EXITED: &str = "process-exited";

impl Local {
    /// Refuses to make again what the operator has cancelled.
    pub(super) async fn check_buried(&self, schedule: &Schedule) -> Result<(), Error> {
        if self.caller.identity().is_none() || schedule.name.is_none() {
            return Ok(());
        }
        let schedule = schedule.clone();
        match self.reading(move |local| local.buried(&schedule)).await? {
            None => Ok(()),
            Some(problem) => {
                let message = problem.to_string();
                Err(Error { problems: vec![problem], ..Error::new(Code::Conflict, message) })
            }
        }
    }

    /// Why an agent may not make this schedule yet, if it may not.
    pub(super) fn buried(&self, schedule: &Schedule) -> Result<Option<Problem>, Error> {
        let (Some(identity), Some(name)) = (self.caller.identity(), &schedule.name) else { return Ok(None) };
        let reader = self.handle.reader();
        let Some(key) = reader.by_name(&schedule.agent, name)? else { return Ok(None) };
        let is_cancelled = reader.state(key)?.is_some_and(|state| state.status == Status::Cancelled);
        if !is_cancelled {
            return Ok(None);
        }
        let rest = Span::from_millis(TOMBSTONE_MS_MAX);
        let begin = self.handle.now().minus(rest);
        let seen = Cell::new(0);
        // Nothing changes a schedule after its cancel but that its dead letters are dropped, so the newest record of it
        // besides these is that of the cancel.
        let is_of_it = |record: &Record| record.changed.has(key) && record.operation != DROP;
        let wanted = |record: &Record| {
            seen.set(seen.get() + 1);
            seen.get() > TOMBSTONE_RECORDS_COUNT_MAX || record.at < begin || is_of_it(record)
        };
        let newest = reader.audit(None, 1, wanted)?.pop().map(|(_, record)| record);
        let by_admin =
            |record: &Record| record.actor == Actor::Admin && record.operation != EXITED && is_of_it(record);
        let Some(record) = newest.filter(|record| record.at >= begin && by_admin(record)) else { return Ok(None) };
        let (agent, at, again) = (&identity.agent, record.at, record.at.plus(rest));
        let message = format!("was cancelled by the operator at {at}");
        let hint = format!(
            "agent '{agent}' may make it again from {again} on; until then the operator can, with chimewheel add \
             --agent {agent}; another schedule takes another name"
        );
        Ok(Some(Problem::new("name", message).value(name).hint(hint)))
    }
}
