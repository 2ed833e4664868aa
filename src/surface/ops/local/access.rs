//! What a caller may see and do.
//!
//! Invariants: an agent's operation reaches its own schedules only; what it may not do is refused before anything is
//! read or changed. The admin may do everything, for any agent.
//! Not here: who the caller is (`caller`, and the surface it came by); how many schedules an agent has, which is judged
//! where ids and names are (`runtime`).

use super::Local;
use crate::access::{Destination, Via};
use crate::calendar::Trigger;
use crate::config::Agent;
use crate::limits;
use crate::problem::Problem;
use crate::spec::tree::shorten;
use crate::spec::{Draft, Payload, Schedule};
use crate::surface::error::{Code, Error};
use crate::surface::ops::{Identity, Request};
use crate::surface::tools::TABLE;
use crate::time::{Span, Timestamp};

impl Local {
    /// Refuses what only the admin may ask.
    pub(super) fn admit(&self, request: &Request) -> Result<(), Error> {
        let of_admin = match request {
            Request::Apply(_)
            | Request::Backup(_)
            | Request::Verify(_)
            | Request::TokenNew(_)
            | Request::TokenList(_)
            | Request::TokenRevoke(_)
            | Request::Status(_) => true,
            Request::Add(add) => add.file.is_some(),
            Request::List(_)
            | Request::Show(_)
            | Request::Update(_)
            | Request::Cancel(_)
            | Request::Pause(_)
            | Request::Resume(_)
            | Request::RunNow(_)
            | Request::Runs(_)
            | Request::DeadLetters(_)
            | Request::DeadLetterShow(_)
            | Request::DeadLettersRetry(_)
            | Request::DeadLettersDrop(_)
            | Request::Costs(_)
            | Request::Changes(_)
            | Request::Preview(_)
            | Request::Export(_)
            | Request::Import(_)
            | Request::ProcessExited(_)
            | Request::Sessions(_)
            | Request::Session(_)
            | Request::SessionMessages(_)
            | Request::SessionAnswer(_)
            | Request::SessionEnd(_)
            | Request::Inbound(_)
            | Request::Audit(_) => false,
        };
        if let (Some(agent), None) = (self.own_agent(), &self.rules) {
            let message =
                format!("agent '{}' is not in the config; the operator adds [agents.NAME] for it", shorten(agent));
            return Err(Error::new(Code::Forbidden, message));
        }
        if of_admin && !self.caller.is_admin() {
            let message = format!("'{}' is for the admin; this connection is an agent's", request.name());
            return Err(Error::new(Code::Forbidden, message));
        }
        self.admit_by_tools(request)
    }

    /// Refuses a change for which the agent has no tool, by whichever way it asks.
    fn admit_by_tools(&self, request: &Request) -> Result<(), Error> {
        let Some(names) = self.rules.as_ref().and_then(|rules| rules.tools.as_ref()) else { return Ok(()) };
        let operation = request.name();
        let mut tools = TABLE.iter().filter(|tool| tool.changes().contains(&operation)).peekable();
        if tools.peek().is_none() || tools.any(|tool| names.iter().any(|name| name == tool.name)) {
            return Ok(());
        }
        let agent = shorten(self.own_agent().unwrap_or_default());
        let message =
            format!("agent '{agent}' has no tool for '{operation}'; the operator adds one to agents.{agent}.tools");
        Err(Error::new(Code::Forbidden, message))
    }

    /// The agent whose schedules alone this caller meets.
    pub(super) fn own_agent(&self) -> Option<&str> {
        self.caller.identity().map(|identity| identity.agent.as_str())
    }

    /// The agent that a request is about: an agent's own, whichever it names; the admin's choice.
    pub(super) fn agent_of<'a>(&'a self, named: Option<&'a str>) -> Option<&'a str> {
        self.own_agent().or(named)
    }

    /// Whether a schedule is this caller's to see. Whoever writes in one chat is not whoever writes in another, though
    /// one agent answers both: what a chat asks for meets what is sent there, or was made in its session.
    pub(super) fn sees(&self, schedule: &Schedule) -> bool {
        let Some(identity) = self.caller.identity() else { return true };
        let chat = identity.destination.as_ref().filter(|_| identity.via == Some(Via::Chat) && !self.chats_share());
        let is_of_chat = |own: &Destination| {
            schedule.destination.as_ref().is_some_and(|place| is_in(own, place))
                || identity.session.is_some() && schedule.created_by_session == identity.session
        };
        schedule.agent == identity.agent && chat.is_none_or(is_of_chat)
    }

    fn chats_share(&self) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.chats_share)
    }

    /// Puts the caller's mark on what it declares, or refuses what is not its to declare. Of a change to what is
    /// `known` only what differs is judged: the rest was allowed when it was made.
    pub(super) fn permit(&self, draft: Draft, known: Option<&Schedule>) -> Result<Draft, Vec<Problem>> {
        let (Some(identity), Some(rules)) = (self.caller.identity(), self.rules.as_deref()) else { return Ok(draft) };
        let Draft { mut schedule, mut warnings, .. } = draft;
        let mut problems = Vec::new();
        if schedule.agent != identity.agent {
            let problem = Problem::new("agent", "is not yours to name").value(&schedule.agent);
            problems.push(problem.hint("leave it out: a schedule belongs to the agent that makes it"));
        }
        let judged = Judged { identity, rules, schedule: &schedule, known };
        problems.extend(
            [judged.destination(), judged.interval(self.handle.now()), judged.payload()].into_iter().flatten(),
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        if known.is_none() {
            schedule.created_by_session.clone_from(&identity.session);
        }
        let is_new = known.is_none_or(|known| known.bounds.end_at.is_some() || known.trigger != schedule.trigger);
        if let Some(span) = rules.expires.filter(|_| is_new && schedule.trigger.is_recurring())
            && schedule.bounds.end_at.is_none()
        {
            let end = schedule.created_at.max(self.handle.now()).plus(span);
            schedule.bounds.end_at = Some(end);
            let agent = &identity.agent;
            warnings.push(format!(
                "it ends at {end}: recurring schedules of agent '{agent}' end {span} after they are made, unless they \
                 name an end_at (agents.{agent}.expires)"
            ));
        }
        Ok(Draft { schedule, warnings, ..draft })
    }

    /// Refuses to let a stored schedule go on, or run, that its agent might not declare today. Where it sends to was
    /// allowed when it was declared.
    pub(super) fn permit_again(&self, schedule: &Schedule) -> Result<(), Error> {
        let (Some(identity), Some(rules)) = (self.caller.identity(), self.rules.as_deref()) else { return Ok(()) };
        let judged = Judged { identity, rules, schedule, known: None };
        let problems: Vec<Problem> =
            [judged.interval(self.handle.now()), judged.payload()].into_iter().flatten().collect();
        if problems.is_empty() { Ok(()) } else { Err(Error::problems(problems)) }
    }
}

/// Whether a place is this chat, or a thread of it.
fn is_in(chat: &Destination, place: &Destination) -> bool {
    let thread = chat.thread.is_none() || chat.thread == place.thread;
    chat.gateway == place.gateway && chat.chat_id == place.chat_id && thread
}

/// A schedule that an agent declares, and what is said of the agent.
struct Judged<'a> {
    identity: &'a Identity,
    rules: &'a Agent,
    schedule: &'a Schedule,
    known: Option<&'a Schedule>,
}

impl Judged<'_> {
    fn destination(&self) -> Option<Problem> {
        let place = self.schedule.destination.as_ref()?;
        let own = self.identity.destination.as_ref();
        let is_own = own.is_some_and(|own| is_in(own, place));
        let is_kept = self.known.is_some_and(|known| known.destination.as_ref() == Some(place));
        if is_own || is_kept || self.rules.destinations.iter().any(|pattern| pattern.allows(place)) {
            return None;
        }
        let agent = &self.identity.agent;
        let own = own.map(|own| format!("{own} (this conversation)"));
        let allowed: Vec<String> =
            own.into_iter().chain(self.rules.destinations.iter().map(ToString::to_string)).collect();
        let allowed = if allowed.is_empty() { "nowhere so far".to_owned() } else { allowed.join(", ") };
        let problem =
            Problem::new("destination", format!("agent '{agent}' may not send there")).value(place.to_string());
        Some(
            problem.hint(format!("it may send to: {allowed}; the operator adds more to agents.{agent}.destinations")),
        )
    }

    fn interval(&self, now: Timestamp) -> Option<Problem> {
        let least = self.rules.quota.min_interval;
        if self.known.is_some_and(|known| known.trigger == self.schedule.trigger) {
            return None;
        }
        let gap = smallest_gap(&self.schedule.trigger, now, least).filter(|gap| *gap < least)?;
        let agent = &self.identity.agent;
        let message = format!("is due again after {gap}; agent '{agent}' must leave {least} between two dues");
        let hint = format!("make it rarer; the limit is agents.{agent}.quota.min_interval");
        Some(Problem::new("schedule", message).value(self.schedule.describe()).hint(hint))
    }

    fn payload(&self) -> Option<Problem> {
        let (path, text) = match &self.schedule.payload {
            Payload::Message(text) => ("payload.message", text),
            Payload::Template(text) => ("payload.template", text),
            Payload::Task(task) => ("payload.task", &task.instruction),
        };
        let (bytes, most) = (text.len(), self.rules.quota.payload_bytes);
        if bytes <= most || self.known.is_some_and(|known| known.payload == self.schedule.payload) {
            return None;
        }
        let agent = &self.identity.agent;
        let message = format!("is {bytes} bytes long; agent '{agent}' may send {most}");
        let hint = format!("shorten it; the limit is agents.{agent}.quota.payload_bytes");
        Some(Problem::new(path, message).hint(hint))
    }
}

/// The shortest time between two of the next dues, or the first that is shorter than `least`.
fn smallest_gap(trigger: &Trigger, now: Timestamp, least: Span) -> Option<Span> {
    if let Trigger::Every { period, .. } = trigger {
        return Some(*period);
    }
    let mut due = trigger.next_after(now)?;
    let mut smallest = None;
    for _ in 0..limits::AGENT_DUES_COUNT_MAX {
        let Some(next) = trigger.next_after(due) else { break };
        let gap = next.since(due);
        smallest = Some(smallest.map_or(gap, |smallest: Span| smallest.min(gap)));
        if gap < least {
            break;
        }
        due = next;
    }
    smallest
}
