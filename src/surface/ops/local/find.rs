//! The schedule that somebody means by an id or a name.
//!
//! An id is one schedule's; a name is one of its agent's, so a name alone is the default agent's. Invariant: what is
//! not found is never guessed; the answer only says what may have been meant.
//! Not here: what is done with it.

use std::sync::Arc;

use super::super::request::Selector;
use super::{AGENT_DEFAULT, Local};
use crate::engine::change::State;
use crate::id::ScheduleKey;
use crate::limits;
use crate::problem::nearest;
use crate::spec::Schedule;
use crate::spec::tree::shorten;
use crate::surface::error::{Code, Error};

/// A schedule that was asked for.
pub(super) struct Found {
    pub(super) key: ScheduleKey,
    pub(super) generation: u32,
    pub(super) schedule: Arc<Schedule>,
    pub(super) state: State,
}

impl Local {
    pub(super) fn find(&self, selector: &Selector) -> Result<Found, Error> {
        let reader = self.handle.reader();
        let agent = self.agent_of(selector.agent.as_deref());
        let named = |agent| reader.by_name(agent, &selector.schedule);
        let keys = [reader.key_of(&selector.schedule)?, named(agent.unwrap_or(AGENT_DEFAULT))?];
        for key in keys.into_iter().flatten() {
            let (Some((generation, schedule)), Some(state)) = (reader.schedule(key)?, reader.state(key)?) else {
                continue;
            };
            if agent.is_none_or(|agent| schedule.agent == agent) && self.sees(&schedule) {
                return match selector.generation {
                    Some(expected) if expected != generation => Err(stale(expected, generation)),
                    Some(_) | None => Ok(Found { key, generation, schedule, state }),
                };
            }
        }
        Err(self.unknown(selector)?)
    }

    /// The error for what is not there. It looks for what may have been meant in one page of schedules, no further.
    fn unknown(&self, selector: &Selector) -> Result<Error, Error> {
        let (asked, agent) = (selector.schedule.as_str(), self.agent_of(selector.agent.as_deref()));
        let whose = agent
            .filter(|_| self.caller.is_admin())
            .map(|agent| format!(" of agent '{}'", shorten(agent)))
            .unwrap_or_default();
        let message = format!("schedule not found: {}{whose}", shorten(asked));
        let mut known = self.handle.reader().list(agent, None, limits::PAGE_ROWS_MAX)?;
        known.retain(|row| self.sees(&row.schedule));
        let mut owners: Vec<&str> = known
            .iter()
            .filter(|row| row.schedule.name.as_deref() == Some(asked))
            .map(|row| row.schedule.agent.as_str())
            .collect();
        owners.sort_unstable();
        owners.dedup();
        if !owners.is_empty() && self.caller.is_admin() {
            let owners = owners.into_iter().take(OWNERS_SHOWN).collect::<Vec<_>>().join(", ");
            let message = format!("{message}; a name belongs to its agent: say which agent's ({owners})");
            return Ok(Error::new(Code::NotFound, message));
        }
        let words = known.iter().flat_map(|row| {
            let name = row.schedule.name.as_deref();
            std::iter::once(row.schedule.id.as_str()).chain(name)
        });
        // What is longer than any name is a mistyping of none.
        let meant = if asked.len() <= limits::NAME_BYTES_MAX { nearest(asked, words) } else { None };
        Ok(Error::new(
            Code::NotFound,
            match meant {
                Some(meant) => format!("{message}; did you mean '{meant}'?"),
                None => message,
            },
        ))
    }
}

fn stale(expected: u32, generation: u32) -> Error {
    let message = format!(
        "the schedule was changed: its declaration is of generation {generation}, not {expected}; read it again and \
         repeat the change"
    );
    Error::new(Code::Stale, message)
}

/// Agents that are named when a name is several agents'.
const OWNERS_SHOWN: usize = 5;
