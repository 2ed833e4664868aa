//! What the surfaces may ask of the loop, and how it answers.
//!
//! Questions about what is stored do not come here: a [`Reader`](crate::store::Reader) answers them on any thread.
//! Invariant: an answer is given only when what it says is durable.

use std::sync::Arc;

use crate::access::Grant;
use crate::engine::change::State;
use crate::engine::{Figures, Gated};
use crate::id::{OccurrenceId, ScheduleId, ScheduleKey, SessionKey};
use crate::runtime::chain::ChainError;
use crate::runtime::letters::NoRetry;
use crate::runtime::watchdog::Health;
use crate::spec::Schedule;
use crate::time::{Span, Timestamp};

/// A change asked for.
#[derive(Clone, Debug)]
pub enum Op {
    /// A new schedule; refused when its id or name is taken, answered with the first one when its client token is
    /// known.
    Create(Declaration),
    /// What a file declares: created, updated or left alone, whichever makes the store agree with it.
    Declare(Declaration),
    /// A known schedule says something else, provided nobody changed it since it was read.
    Replace {
        /// Which.
        key: ScheduleKey,
        /// The generation of the declaration that the new one was made from.
        read: u32,
        /// The new declaration.
        declaration: Declaration,
    },
    /// Dues pass without a run.
    Pause {
        /// Which.
        key: ScheduleKey,
        /// Why.
        note: Option<Arc<str>>,
    },
    /// The end of a pause.
    Resume(ScheduleKey),
    /// The end of a schedule.
    Cancel(ScheduleKey),
    /// The end of a schedule whose file is gone; the file's return brings it back.
    Prune(ScheduleKey),
    /// One run now.
    RunNow(ScheduleKey),
    /// The end of a session.
    EndSession(SessionKey),
    /// What an agent says in a session that goes on; answered like a create.
    Answer(Answer),
    /// A dead letter is tried again: an occurrence, or one of its deliveries.
    Retry(OccurrenceId),
    /// A dead letter was seen, and is to be listed no more.
    Drop(OccurrenceId),
    /// A token is made, or revoked.
    Grant(Arc<Grant>),
    /// A change that is made only while nobody has updated the schedule since it was read.
    IfRead {
        /// Which.
        key: ScheduleKey,
        /// The generation of the declaration that was read.
        read: u32,
        /// The change.
        op: Box<Op>,
    },
    /// Whether a declaration may wait for whom it names; `key`: that of the schedule which it replaces. Nothing is
    /// changed.
    Judge {
        /// The declaration.
        schedule: Box<Schedule>,
        /// Which it replaces.
        key: Option<ScheduleKey>,
    },
    /// How the loop fares.
    Status,
}

/// A valid schedule and how it starts.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The schedule.
    pub schedule: Schedule,
    /// It waits for a resume.
    pub paused: bool,
    /// Its only time has passed: it is recorded as skipped.
    pub past: bool,
}

/// What an agent says in a session.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Which.
    pub session: SessionKey,
    /// What.
    pub text: String,
    /// Makes a repeated answer one.
    pub client_token: Option<String>,
    /// The id of the schedule that sends it.
    pub id: ScheduleId,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// A schedule was made.
    Created(ScheduleKey, State),
    /// The client token was known: the schedule made with it before.
    Existing(ScheduleKey),
    /// A schedule was changed.
    Changed(ScheduleKey, State),
    /// It was so already.
    Unchanged(ScheduleKey, State),
    /// A run was begun.
    Started(OccurrenceId),
    /// It is written down.
    Noted,
    /// Figures.
    Status(Status),
}

/// How the loop fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The loop's time.
    pub now: Timestamp,
    /// When it started.
    pub started_at: Timestamp,
    /// The engine's figures.
    pub figures: Figures,
    /// Gateways that may not send right now, or not to every chat.
    pub gated: Vec<Gated>,
    /// The next time something is due.
    pub next_wakeup: Option<Timestamp>,
    /// How far the oldest unserved due is behind.
    pub lag: Span,
    /// What the watchdog says.
    pub health: Health,
    /// How often the loop has stood still since the start.
    pub stalls: u64,
    /// Deliveries with a gateway and runs with a runner right now.
    pub in_flight: usize,
    /// Commits since the start.
    pub commits: u64,
    /// How long the longest of them took.
    pub slowest_commit: Span,
}

/// What is more than an agent may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverQuota {
    /// One schedule too many.
    #[error(
        "agent '{agent}' has {has} schedules that have not ended, and may have {most}: cancel one first \
         (agents.{agent}.quota.active)"
    )]
    Active {
        /// Whose.
        agent: String,
        /// How many it has.
        has: u32,
        /// How many it may have.
        most: u32,
    },
    /// Too many dues.
    #[error(
        "agent '{agent}' would have {would} dues in 24 hours, and may have {most}: make it rarer, or cancel others \
         (agents.{agent}.quota.fires_per_day)"
    )]
    Dues {
        /// Whose.
        agent: String,
        /// How many there would be.
        would: u64,
        /// How many it may have.
        most: u32,
    },
    /// Too many answers.
    #[error(
        "session {session} has had {most} answers within a minute, and takes no more in it: wait for the next one"
    )]
    Answers {
        /// Where.
        session: SessionKey,
        /// How many it may have.
        most: u32,
    },
}

/// Why it was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// The id belongs to another schedule.
    #[error("a schedule with the id '{0}' exists already")]
    IdTaken(ScheduleId),
    /// The name belongs to another live schedule of the agent.
    #[error("agent '{agent}' has a schedule named '{name}' already")]
    NameTaken {
        /// Whose.
        agent: String,
        /// Which.
        name: String,
    },
    /// The file declares a schedule that was not made from a file, or by another agent.
    #[error("schedule '{0}' exists already and was not declared by a file")]
    NotFromFile(ScheduleId),
    /// It cannot be started by the schedule that it names.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// It is more than the agent may have.
    #[error(transparent)]
    OverQuota(#[from] OverQuota),
    /// No such schedule.
    #[error("there is no such schedule")]
    NotFound,
    /// It was changed by somebody else meanwhile.
    #[error("the schedule was changed meanwhile; read it again and repeat the change")]
    Conflict,
    /// The schedule has ended.
    #[error("the schedule has ended and cannot be changed this way")]
    Ended(crate::engine::change::Status),
    /// The session is over already.
    #[error("the session is over already")]
    SessionOver,
    /// An earlier run is not over, and the schedule's overlap policy lets no other begin or wait.
    #[error(
        "a run of it is not over, and its overlap_policy lets no other begin now; wait for its end, or allow more with \
         overlap_policy buffer_one, buffer_all, cancel_other or allow_all"
    )]
    Overlaps,
    /// Nothing can be done about the dead letter.
    #[error(transparent)]
    Letter(#[from] NoRetry),
    /// Too many questions wait.
    #[error("the engine is busy; try again")]
    Busy,
    /// The loop has stopped.
    #[error("the engine has stopped{}", .0.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Stopped(Option<Arc<str>>),
    /// The store failed.
    #[error("{0}")]
    Store(Arc<str>),
}
