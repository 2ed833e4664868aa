//! What a schedule is once it is valid, and the one way to become valid.
//!
//! Every written form becomes a `tree`; `read` turns it into `raw`, which is what a user may write, and notes where
//! each part stands; `validate` turns that into a [`Schedule`] or into every problem at once; `overlay` goes back, for
//! updates and exports.
//! Units: `Timestamp` and `Span`. Invariant: a `Schedule` cannot be wrong; nothing below checks it again.
//! Not here: reading files (`surface/files`), ids already taken (`runtime`, which owns the store).

mod overlay;
pub mod raw;
mod read;
pub mod tree;
mod validate;

use std::collections::BTreeMap;

use crate::calendar::{Except, Trigger, Zone};
use crate::id::ScheduleId;
use crate::limits::LITERAL_BYTES_MAX;
use crate::money::Cost;
use crate::time::{Span, Timestamp};

pub use crate::access::Destination;
pub use overlay::{from_schedule, merge};
pub use raw::RawSchedule;
pub use read::{Reading, read};
pub use validate::{Context, Draft, NoScripts, Origin, Scripts, judge_name, validate, validate_reading};

/// A valid schedule, as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Public id.
    pub id: ScheduleId,
    /// Name, unique among the live schedules of one agent.
    pub name: Option<String>,
    /// Owner.
    pub agent: String,
    /// The session whose tool call made it.
    pub created_by_session: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// The zone its times are read and shown in.
    pub zone: Zone,
    /// Where its text goes; without one it is only recorded.
    pub destination: Option<Destination>,
    /// When it is due.
    pub trigger: Trigger,
    /// What is sent.
    pub payload: Payload,
    /// Name of the script that shapes its runs.
    pub hook: Option<String>,
    /// What becomes of a run whose script fails.
    pub on_hook_error: OnHookError,
    /// Where its dues begin and end.
    pub bounds: Bounds,
    /// Which of its dues do not count.
    pub except: Option<Except>,
    /// How it behaves when things go wrong.
    pub policy: Policy,
    /// Its owner is told when none of its runs has succeeded for so long.
    pub expect_every: Option<Span>,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Values for hooks and templates.
    pub vars: BTreeMap<String, serde_json::Value>,
    /// Makes a repeated create answer with the first one's schedule.
    pub client_token: Option<String>,
    /// The process whose end cancels it.
    pub process_handle: Option<String>,
    /// The file that declares it.
    pub source: Option<Source>,
    /// What it does in a conversation, where nobody planned it.
    pub talk: Option<Talk>,
}

/// What a schedule does in a conversation: it is due once, at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// It hands a message that came in to the agent that is to answer: its number in the store.
    Heard(u64),
    /// It sends an agent's answer.
    Answer,
    /// It sends what the program says for itself, which is no part of the conversation.
    Aside,
}

impl Schedule {
    /// When it is due, in plain English, without a full stop.
    #[must_use]
    pub fn describe(&self) -> String {
        let times = self.trigger.describe(self.zone);
        self.except.as_ref().map_or_else(|| times.clone(), |except| format!("{times}, {}", except.describe()))
    }

    /// What it is called where people are told of it.
    #[must_use]
    pub fn title(&self) -> String {
        let id = &self.id;
        self.name.as_ref().map_or_else(|| format!("'{id}'"), |name| format!("'{name}' ({id})"))
    }

    /// Whether scripts have a say in its runs.
    #[must_use]
    pub const fn uses_scripts(&self) -> bool {
        self.hook.is_some() || matches!(self.payload, Payload::Template(_))
    }

    /// Its text, if nobody but its author has a say in it.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match &self.payload {
            Payload::Message(text) if self.hook.is_none() => Some(text),
            Payload::Message(_) | Payload::Template(_) | Payload::Task(_) => None,
        }
    }

    /// Whether each due of it is a run, which makes its texts; else its literal text is sent as it stands. What is handed
    /// over to an agent is, however long, and stays in order.
    #[must_use]
    pub fn is_run(&self) -> bool {
        let is_handed_over = matches!(self.talk, Some(Talk::Heard(_)));
        !is_handed_over && self.literal().is_none_or(|text| text.len() > LITERAL_BYTES_MAX)
    }

    /// The first due strictly after `after` that counts; bounds are not looked at.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.trigger.next_free(self.except.as_ref(), after)
    }
}

/// What a run delivers.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// This text, literally.
    Message(String),
    /// This text, with what its `${…}` come to.
    Template(String),
    /// What a model answers to this.
    Task(Task),
}

/// An instruction for a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// What it is told.
    pub instruction: String,
    /// Who answers, as it was written; `None`: as the config says when it runs.
    pub model: Option<String>,
    /// What the model knows of what was said before.
    pub session: RunSession,
    /// How an answer may say that there is nothing to send.
    pub silence: Silence,
    /// What it may take.
    pub budget: Budget,
}

/// What a run's model knows of what was said before. What it delivers is part of its chat's conversation either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RunSession {
    /// The latest results of its own schedule.
    #[default]
    Isolated,
    /// The conversation of its chat; no other run that knows it goes on at the same time.
    Conversation,
}

/// What the runs of a task may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Tokens of one run, those that the model is given included, all attempts together.
    pub max_tokens_per_run: Option<u32>,
    /// Money in one day, of UTC.
    pub max_cost_per_day: Option<Cost>,
}

/// How a model may keep its answer from being sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Silence {
    /// By an answer that is one JSON object with `"silent": true`.
    #[default]
    Json,
    /// By calling no tool that delivers: only what is said by such a tool is sent.
    Tool,
    /// Not at all: every answer is sent.
    Never,
    /// As with [`Silence::Json`], or by the word of a heartbeat that has nothing to tell.
    Heartbeat,
}

/// What becomes of a run whose hook or template fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnHookError {
    /// The run fails, and says where the script went wrong.
    #[default]
    Fail,
    /// It goes on as if the function that failed were not there; of a template that fails its own words are sent.
    DeliverPlain,
}

/// What an answer took of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Tokens that it was given.
    pub input: u32,
    /// Tokens that it made.
    pub output: u32,
}

impl Tokens {
    /// Both together; what is not known of one is what is known of the other.
    #[must_use]
    pub fn sum(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
        Some(Self { input: one.input.saturating_add(other.input), output: one.output.saturating_add(other.output) })
    }
}

/// The dues of a trigger that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// No due earlier than this.
    pub start_at: Option<Timestamp>,
    /// No due later than this.
    pub end_at: Option<Timestamp>,
    /// Completed after so many runs; skipped dues do not count.
    pub max_runs: Option<u32>,
}

/// How a schedule behaves around its dues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Each due is put off by up to this much, the same amount every time it is asked.
    pub jitter: Span,
    /// What becomes of dues missed while nothing ran.
    pub misfire: MisfirePolicy,
    /// A missed due older than this is skipped.
    pub catchup_window: Span,
    /// What becomes of a due whose predecessor still runs. Literal messages take no time, so they never overlap.
    pub overlap: OverlapPolicy,
    /// How failed deliveries are tried again.
    pub retry: RetryPolicy,
    /// What an unanswered attempt means.
    pub delivery: DeliveryGuarantee,
    /// Failures in a row after which it pauses itself; 0: never; `None`: as the config says.
    pub pause_after: Option<u16>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            jitter: Span::ZERO,
            misfire: MisfirePolicy::FireOnce,
            catchup_window: Span::from_seconds(86_400),
            overlap: OverlapPolicy::Skip,
            retry: RetryPolicy::default(),
            delivery: DeliveryGuarantee::AtLeastOnce,
            pause_after: None,
        }
    }
}

/// What becomes of dues that passed while nothing ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MisfirePolicy {
    /// One run, for the latest of them.
    FireOnce,
    /// None.
    Skip,
    /// Every one, up to a cap.
    FireAll,
}

/// What becomes of a due whose predecessor still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverlapPolicy {
    /// It is skipped.
    Skip,
    /// One waits.
    BufferOne,
    /// All wait.
    BufferAll,
    /// The one that runs is cancelled.
    CancelOther,
    /// Both run.
    AllowAll,
}

/// How a failed delivery is tried again: full-jitter exponential backoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included.
    pub max_attempts: u16,
    /// Given up when the occurrence is older than this.
    pub max_age: Span,
    /// Base of the backoff.
    pub backoff_min: Span,
    /// Cap of the backoff.
    pub backoff_max: Span,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            max_age: Span::from_seconds(3600),
            backoff_min: Span::from_seconds(1),
            backoff_max: Span::from_seconds(300),
        }
    }
}

/// What an attempt without an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryGuarantee {
    /// It is sent again with the same key.
    AtLeastOnce,
    /// It is recorded as unknown and not sent again.
    AtMostOnce,
}

/// The file a schedule came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path as given to `apply`, normalised, relative to the folder's parent where possible.
    pub file: String,
    /// Hash of the schedule's own part of the file; `None` once `apply --prune` has cancelled it.
    pub content: Option<u128>,
}
