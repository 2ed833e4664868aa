//! What the engine asks to be written: the vocabulary of the journal.
//!
//! Every change is an idempotent put: writing it twice is writing it once, so a journal can be replayed from
//! any point before its end. Units: `Timestamp`.
//! Not here: bytes and tables (`store`).

use std::sync::Arc;

pub use super::kept::{DaySpent, Kept, LastText};
use super::outcome::NOT_RUN_ON;
pub use super::outcome::{Outcome, OutcomeKind, SkipReason};
use crate::access::{Grant, Record};
use crate::calendar::{Except, Trigger};
use crate::id::{OccurrenceId, ScheduleKey, SessionKey};
use crate::money::Spent;
use crate::session::{Heard, Session, Utterance};
use crate::spec::{Bounds, Destination, Policy, Schedule, Tokens};
use crate::time::{Span, Timestamp};

/// Number of a [`Plan`] inside one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanId(pub u32);

/// The queue a delivery waits in: a hash of gateway and chat. Two chats with one hash merely share a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(pub u64);

/// The conversation that runs know: a hash of gateway, chat, thread and agent. Two of one hash merely take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(pub u64);

/// Everything the engine needs to decide about a schedule, shared by all schedules that decide alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The trigger. Of `At` and of `Every`'s anchor the instants are taken out (set to the epoch): they live in
    /// [`State::next_due`], so that a million one-shots share one plan.
    pub trigger: Trigger,
    /// Where dues begin and end.
    pub bounds: Bounds,
    /// Which dues do not count.
    pub except: Option<Except>,
    /// How it behaves.
    pub policy: Policy,
    /// Gateway of the destination; `None`: the result is only recorded.
    pub gateway: Option<String>,
    /// Who makes its texts; `None`: they are literal, and no script looks at them.
    pub maker: Option<Maker>,
    /// The conversation that its runs know, so that one waits for another; `None`: they know none.
    pub converses: Option<ConversationId>,
    /// Its owner is told when no run has succeeded for so long.
    pub expect_every: Option<Span>,
}

/// Who makes the texts of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Maker {
    /// A script alone: a template, or a hook around a literal text.
    Script,
    /// This model, as it was written.
    Model(String),
    /// The model that the config says for this agent.
    UsualModel(String),
}

/// The compact row of a schedule: all of it that changes while it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether it runs.
    pub status: Status,
    /// Raised by every update; part of each occurrence's id.
    pub generation: u32,
    /// What it follows.
    pub plan: PlanId,
    /// Where its deliveries queue.
    pub lane: LaneId,
    /// The earliest due not yet accounted for.
    pub next_due: Option<Timestamp>,
    /// The latest due that was accounted for.
    pub last_due: Option<Timestamp>,
    /// Outcome of the latest settled occurrence.
    pub last_outcome: Option<OutcomeKind>,
    /// Occurrences that ran (skipped ones do not count).
    pub runs: u32,
    /// Failures since the last success.
    pub failures: u16,
}

/// Whether a schedule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is armed.
    Active,
    /// It waits for a resume.
    Paused,
    /// It paused itself after too many failures in a row, and waits for a resume like any other that is paused.
    Failing,
    /// It has no dues left.
    Completed,
    /// Its owner ended it.
    Cancelled,
}

/// The ledger's row: one occurrence, or a range of dues that share one fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which; for a range, its first due.
    pub occurrence: OccurrenceId,
    /// For a range: its last due and how many there are.
    pub range: Option<DueRange>,
    /// Why it ran.
    pub cause: Cause,
    /// Its number among the schedule's runs, from 1; 0 for what never ran.
    pub number: u32,
    /// When the engine took it up.
    pub claimed_at: Timestamp,
    /// Attempts of its delivery that were begun.
    pub attempt: u16,
    /// Somebody had it tried again after it had been given up; attempts are counted from there.
    pub retried: Option<Retried>,
    /// What was done to make its text; none for a literal one.
    pub execution: Option<Box<Execution>>,
    /// How far it is.
    pub phase: Phase,
}

/// A dead letter's second life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retried {
    /// When it was asked for last. The age that ends retries counts from here.
    pub at: Timestamp,
    /// How often it was asked for.
    pub times: u16,
}

/// The part of a run that makes its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Attempts begun; those of the delivery are counted apart.
    pub attempts: u16,
    /// When its turn came; once there is a text, when that was made. The age that ends retries counts from here.
    pub since: Timestamp,
    /// How long its attempts took that ended.
    pub took: Span,
    /// The model that answered last.
    pub model: Option<String>,
    /// What all its answers took, where that was told.
    pub tokens: Option<Tokens>,
    /// What it has taken; of a call that is under way, or that broke off, what that may take at most.
    pub spent: Spent,
    /// What its hook noted, and why it broke off where what it had said by a tool was sent.
    pub notes: Option<Arc<str>>,
    /// Where its text goes, if not to the schedule's destination.
    pub to: Option<Destination>,
    /// How many deliveries it became, each with a record of its own; 0: it is one itself.
    pub deliveries: u16,
}

/// Dues that share one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueRange {
    /// The last of them.
    pub through: Timestamp,
    /// How many.
    pub count: u64,
}

/// Why an occurrence came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Its time came.
    Due,
    /// Its time had passed while nothing ran.
    CatchUp,
    /// Somebody asked for it.
    Manual,
    /// Its schedule paused itself, or has not succeeded for too long, or its hook has something to say, and the owner's chat
    /// is told.
    Notice,
}

/// How far an occurrence is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waits until an earlier run of its schedule is over.
    Buffered,
    /// Its turn has come; its provider has no room yet.
    Waiting,
    /// Given to its runner by the process of this boot epoch.
    Running {
        /// Boot epoch.
        epoch: u32,
    },
    /// Waits to be run again.
    Rerun {
        /// When.
        at: Timestamp,
        /// What went wrong last.
        error: String,
    },
    /// It became several deliveries, and these are not all settled.
    Spread(Spread),
    /// There is a text, literal or composed; not handed to a gateway yet.
    Pending,
    /// Handed to a gateway by the process of this boot epoch.
    Sending {
        /// Boot epoch.
        epoch: u32,
    },
    /// Waits for its next attempt.
    Retry {
        /// When.
        at: Timestamp,
        /// What went wrong last.
        error: String,
    },
    /// Done.
    Settled {
        /// When.
        at: Timestamp,
        /// How.
        outcome: Outcome,
    },
}

/// How far the deliveries of one occurrence are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Not settled yet.
    pub left: u16,
    /// A gateway took them.
    pub delivered: u16,
    /// They were given up.
    pub failed: u16,
    /// Nobody knows whether a gateway took them.
    pub unknown: u16,
    /// They were not sent, because the schedule was cancelled or replaced.
    pub cancelled: u16,
    /// Which of them failed, or are unknown, and why.
    pub errors: String,
}

/// One thing to write.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A plan is used for the first time.
    Plan {
        /// Its number.
        id: PlanId,
        /// What it says.
        plan: Arc<Plan>,
    },
    /// A plan is used no more; its number may be given away again.
    PlanDropped {
        /// Its number.
        id: PlanId,
    },
    /// A schedule is declared: for the first time, or anew under the same key.
    Declare {
        /// Its key.
        key: ScheduleKey,
        /// The declaration.
        schedule: Arc<Schedule>,
        /// Where it starts.
        state: State,
    },
    /// A schedule's compact row.
    State {
        /// Its key.
        key: ScheduleKey,
        /// The row.
        state: State,
    },
    /// A row of the ledger.
    Run(Run),
    /// The text that was made.
    Text {
        /// Of which occurrence, or delivery.
        occurrence: OccurrenceId,
        /// What it says.
        text: Arc<str>,
    },
    /// What a schedule's hook is to find at its next run.
    Kept {
        /// Which.
        key: ScheduleKey,
        /// What of it.
        part: Kept,
        /// What it says; `None`: nothing any more.
        text: Option<Arc<str>>,
    },
    /// What is expected of a schedule.
    Expected {
        /// Which.
        key: ScheduleKey,
        /// What; `None`: nothing any more.
        expected: Option<Expected>,
    },
    /// Why a schedule is paused.
    Note {
        /// Which.
        key: ScheduleKey,
        /// What is said of it; `None`: nothing any more.
        note: Option<Arc<str>>,
    },
    /// A token is made, or revoked.
    Grant(Arc<Grant>),
    /// A request changed something.
    Audit(Arc<Record>),
    /// How a session is now.
    Session {
        /// Which.
        key: SessionKey,
        /// How it is.
        session: Arc<Session>,
    },
    /// A message of a session.
    Uttered {
        /// Which session.
        key: SessionKey,
        /// Its number there.
        number: u64,
        /// What was said.
        said: Arc<Utterance>,
    },
    /// A message came in and was taken.
    Heard {
        /// Its number among all that came in.
        number: u64,
        /// The message.
        heard: Arc<Heard>,
    },
    /// How far a gateway has read its platform's stream.
    Place {
        /// Name of the gateway.
        gateway: Arc<str>,
        /// The place, as the gateway writes it.
        place: Arc<str>,
    },
    /// History older than this is no longer kept.
    DropHistory {
        /// First instant that is kept.
        before: Timestamp,
    },
}

/// A success that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Since when.
    pub since: Timestamp,
    /// Whether the owner was told that it did not come.
    pub told: bool,
}

/// A run that never had a text, and never will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Whose.
    pub key: ScheduleKey,
    /// How often it was begun.
    pub attempts: u16,
    /// The last error, or the limit.
    pub error: String,
    /// Whether only its budget was in the way.
    pub is_over_budget: bool,
}

impl Phase {
    /// Whether there is no text yet: it is to be run, or is being run.
    #[must_use]
    pub const fn is_before_text(&self) -> bool {
        matches!(self, Self::Buffered | Self::Waiting | Self::Running { .. } | Self::Rerun { .. })
    }
}

impl Change {
    /// A run that this says was given up before it had a text.
    #[must_use]
    pub fn given_up(&self) -> Option<GivenUp> {
        let Self::Run(Run { occurrence, attempt: 0, execution: Some(execution), phase, .. }) = self else {
            return None;
        };
        let (error, is_over_budget) = match phase {
            Phase::Settled { outcome: Outcome::Failed { error }, .. } => (error, error.starts_with(NOT_RUN_ON)),
            Phase::Settled { outcome: Outcome::OverBudget { reason }, .. } => (reason, true),
            _ => return None,
        };
        let is_whole = occurrence.delivery == 0 && execution.deliveries == 0;
        let (key, attempts) = (occurrence.schedule, execution.attempts);
        is_whole.then(|| GivenUp { key, attempts, error: error.clone(), is_over_budget })
    }
}

impl Run {
    /// Whether nothing more will become of it.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Settled { .. })
    }

    /// Whether it was given up, seen by somebody or not.
    #[must_use]
    pub const fn is_given_up(&self) -> bool {
        matches!(self.phase, Phase::Settled { outcome: Outcome::Failed { .. } | Outcome::Dropped { .. }, .. })
    }

    /// The last due that it tells of.
    #[must_use]
    pub fn last_due(&self) -> Timestamp {
        let due = self.occurrence.due;
        self.range.map_or(due, |range| range.through.max(due))
    }
}
