//! What the program itself does with a message: the schedule that hands it to an agent, and the words of its own answers.
//!
//! Each is due once, at once, and never pauses itself. Not here: when that happens (`conversation`).

use std::collections::BTreeMap;

use crate::access::{ChatKind, Destination};
use crate::calendar::{Trigger, Zone};
use crate::config::Agents;
use crate::id::{ScheduleId, SessionKey};
use crate::limits::{HAND_OVER_MS_MAX, TRANSCRIPT_TEXT_BYTES_MAX, within};
use crate::runtime::conversation::id_of;
use crate::session::{Conversation, Heard, Session};
use crate::spec::{OnHookError, Payload, Policy, RetryPolicy, RunSession, Schedule, Silence, Talk, Task};
use crate::time::{Span, Timestamp};

/// The answer to `/new`.
pub(super) const ENDED: &str = "The conversation is over. Your next message begins a new one.";
/// The answer to `/new` where there is nothing to end.
pub(super) const NOTHING_TO_END: &str = "There is no conversation to end. Your next message begins one.";

/// What is said instead of an answer that could cost more than may be spent.
pub(super) const TOO_DEAR: &str =
    "I could not answer this: what my model may cost today is used up. Please write again tomorrow.";

/// What is said instead of an answer: the reason is in the log and in the record, with what concerns nobody in a chat.
pub(super) const fn unanswered(was_tried_again: bool) -> &'static str {
    if was_tried_again {
        "I could not answer this now: my model did not answer, also when it was asked again. Please write again later."
    } else {
        "I could not answer this: my model refused, or gave no answer that can be sent. Whoever runs me finds the \
         reason in the log."
    }
}

/// The answer to `/status`.
pub(super) fn status(of: &Conversation, active: Option<&(SessionKey, Session)>, idle: Span) -> String {
    let agent = &of.agent;
    let Some((key, session)) = active else {
        return format!("No conversation with {agent} is under way here. Your next message begins one.");
    };
    let messages = if session.next == 1 { "1 message".to_owned() } else { format!("{} messages", session.next) };
    format!(
        "Conversation {key} with {agent}: {messages} since {}. It ends with /new, or after {idle} without a message.",
        session.started_at
    )
}

/// Sends what the program says for itself.
pub(super) fn aside(id: ScheduleId, now: Timestamp, of: &Conversation, text: String) -> Schedule {
    Schedule {
        destination: Some(of.place.clone()),
        payload: Payload::Message(text),
        talk: Some(Talk::Aside),
        ..at_once(id, now, &of.agent)
    }
}

/// Sends what an agent says in a session.
pub(super) fn answer(
    id: ScheduleId,
    now: Timestamp,
    session: SessionKey,
    of: Conversation,
    text: String,
) -> Schedule {
    let Conversation { place, agent } = of;
    Schedule {
        created_by_session: Some(session.to_string()),
        destination: Some(place),
        payload: Payload::Message(text),
        talk: Some(Talk::Answer),
        ..at_once(id, now, &agent)
    }
}

/// Hands a message to whoever answers for its agent: its program, or a model; `None`: it is left to be fetched.
pub(super) fn hand_over(agents: &Agents, session: SessionKey, number: u64, heard: &Heard) -> Option<Schedule> {
    let Heard { at, of, message_id, text, .. } = heard;
    let Conversation { place, agent } = of;
    let rules = agents.get(agent)?;
    let (destination, payload, retry) = if rules.webhook.is_some() {
        let retry = RetryPolicy {
            max_attempts: u16::MAX,
            max_age: Span::from_millis(HAND_OVER_MS_MAX),
            ..RetryPolicy::default()
        };
        (door(agent, place), Payload::Message(text.clone()), retry)
    } else if rules.system.is_some() {
        let who = heard.sender.name.as_ref().unwrap_or(&heard.sender.id);
        let text = within(text, TRANSCRIPT_TEXT_BYTES_MAX);
        let instruction = if heard.chat == ChatKind::Direct { text.to_owned() } else { format!("{who}: {text}") };
        // Whoever writes wants an answer, whatever it looks like.
        let task =
            Task { instruction, session: RunSession::Conversation, silence: Silence::Never, ..Task::default() };
        (place.clone(), Payload::Task(task), RetryPolicy::default())
    } else {
        return None;
    };
    Some(Schedule {
        created_by_session: Some(session.to_string()),
        destination: Some(destination),
        payload,
        policy: Policy { retry, pause_after: Some(0), ..Policy::default() },
        talk: Some(Talk::Heard(number)),
        ..at_once(id_of(*at, place, message_id, "hand over"), *at, agent)
    })
}

/// Where an agent's program is handed what is said in a chat: all of one conversation stand in one lane.
fn door(agent: &str, place: &Destination) -> Destination {
    let thread = place.thread.as_ref().map(|thread| format!("/{thread}")).unwrap_or_default();
    Destination {
        gateway: door_of(agent),
        chat_id: format!("{}/{}{thread}", place.gateway, place.chat_id),
        thread: None,
    }
}

/// The gateway that leads to an agent's program; no other gateway can have this name.
#[must_use]
pub fn door_of(agent: &str) -> String {
    format!("agent:{agent}")
}

fn at_once(id: ScheduleId, now: Timestamp, agent: &str) -> Schedule {
    Schedule {
        id,
        name: None,
        agent: agent.to_owned(),
        created_by_session: None,
        created_at: now,
        zone: Zone::UTC,
        destination: None,
        trigger: Trigger::At(now),
        payload: Payload::Message(String::new()),
        hook: None,
        on_hook_error: OnHookError::Fail,
        bounds: Default::default(),
        except: None,
        policy: Policy { pause_after: Some(0), ..Policy::default() },
        labels: BTreeMap::new(),
        vars: BTreeMap::new(),
        client_token: None,
        process_handle: None,
        source: None,
        expect_every: None,
        talk: None,
    }
}
