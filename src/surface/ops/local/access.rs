//! What a caller may see and do.
//!
//! Invariants: an agent's operation reaches its own schedules only; what it may not do is refused before anything is
//! read or changed. The admin may do everything, for any agent.
//! Not here: who the caller is (`caller`, and the surface it came by).

use super::Local;
use crate::problem::Problem;
use crate::spec::{Draft, Schedule};
use crate::surface::error::{Code, Error};
use crate::surface::ops::Request;

impl Local {
    /// Refuses what only the admin may ask.
    pub(super) fn admit(&self, request: &Request) -> Result<(), Error> {
        let of_admin = match request {
            Request::Apply(_) | Request::Backup(_) | Request::Status(_) => true,
            Request::Add(add) => add.file.is_some(),
            Request::List(_)
            | Request::Show(_)
            | Request::Update(_)
            | Request::Cancel(_)
            | Request::Pause(_)
            | Request::Resume(_)
            | Request::RunNow(_)
            | Request::Runs(_)
            | Request::Changes(_)
            | Request::Preview(_)
            | Request::Export(_)
            | Request::Import(_) => false,
        };
        if of_admin && !self.caller.is_admin() {
            let message = format!("'{}' is for the admin; this connection is an agent's", request.name());
            return Err(Error::new(Code::Forbidden, message));
        }
        Ok(())
    }

    /// The agent whose schedules alone this caller meets.
    pub(super) fn own_agent(&self) -> Option<&str> {
        self.caller.identity().map(|identity| identity.agent.as_str())
    }

    /// The agent that a request is about: an agent's own, whichever it names; the admin's choice.
    pub(super) fn agent_of<'a>(&'a self, named: Option<&'a str>) -> Option<&'a str> {
        self.own_agent().or(named)
    }

    /// Whether a schedule is this caller's to see.
    pub(super) fn sees(&self, schedule: &Schedule) -> bool {
        self.own_agent().is_none_or(|own| schedule.agent == own)
    }

    /// Puts the caller's mark on what it declares, or refuses what is not its to declare.
    pub(super) fn permit(&self, draft: Draft) -> Result<Draft, Vec<Problem>> {
        let Some(identity) = self.caller.identity() else { return Ok(draft) };
        if draft.schedule.agent != identity.agent {
            let problem = Problem::new("agent", "is not yours to name").value(&draft.schedule.agent);
            return Err(vec![problem.hint("leave it out: a schedule belongs to the agent that makes it")]);
        }
        let schedule = Schedule { created_by_session: identity.session.clone(), ..draft.schedule };
        Ok(Draft { schedule, ..draft })
    }
}
