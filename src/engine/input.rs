//! What the engine is told, and what it wants done: two closed lists.
//!
//! Units: `Timestamp` and `Span`. Not here: what follows from an input (`mod` names the files).

use std::sync::Arc;

use crate::engine::change::{Change, Run, State};
use crate::engine::{Letter, Limit, Window};
use crate::id::{OccurrenceId, ScheduleKey};
use crate::money::{Cost, Spent};
use crate::pace::Scope;
use crate::spec::{Destination, Schedule, Tokens};
use crate::time::{Span, Timestamp};

/// What the engine is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// Look at the time, and serve what is due.
    Tick,
    /// Look at the time only: what was served before waits for the disk, and more would only wait behind it.
    Wait,
    /// A new schedule, or a cancelled one declared anew, under a key that has no slot.
    Create {
        /// Who is to be answered.
        op: OpId,
        /// Its key.
        key: ScheduleKey,
        /// The declaration.
        schedule: Arc<Schedule>,
        /// How it starts.
        start: Start,
        /// One above the generations used before under this key; 1 for a new key.
        generation: u32,
    },
    /// A known schedule says something else from now on.
    Update {
        /// Who is to be answered.
        op: OpId,
        /// Its key.
        key: ScheduleKey,
        /// The new declaration.
        schedule: Arc<Schedule>,
        /// Whether its times changed.
        timing: Timing,
        /// Paused or not from now on; `None`: as it was.
        paused: Option<bool>,
    },
    /// Its dues are skipped until a resume.
    Pause {
        /// Who is to be answered.
        op: OpId,
        /// Which.
        key: ScheduleKey,
        /// Why; of one that is paused already, `None` leaves what was said.
        note: Option<Arc<str>>,
    },
    /// The end of a pause.
    Resume {
        /// Who is to be answered.
        op: OpId,
        /// Which.
        key: ScheduleKey,
    },
    /// The end of a schedule.
    Cancel {
        /// Who is to be answered.
        op: OpId,
        /// Which.
        key: ScheduleKey,
    },
    /// One run outside the schedule's times.
    RunNow {
        /// Who is to be answered.
        op: OpId,
        /// Which.
        key: ScheduleKey,
    },
    /// A dead letter is to be tried again.
    Retry {
        /// Who is to be answered.
        op: OpId,
        /// Which.
        letter: Box<Letter>,
    },
    /// A dead letter was seen, and is to be listed no more.
    Drop {
        /// Who is to be answered.
        op: OpId,
        /// Its record, which is settled.
        run: Box<Run>,
    },
    /// What became of an attempt.
    Answered {
        /// Whose.
        occurrence: OccurrenceId,
        /// The answer.
        answer: Answer,
    },
    /// What became of an attempt to run.
    Ran {
        /// Whose.
        occurrence: OccurrenceId,
        /// The end of it.
        ran: Ran,
    },
    /// A run that is under way wants to ask a model that costs something, or whose tokens are counted; answered with
    /// [`Effect::Judged`].
    Reserve {
        /// Which run.
        occurrence: OccurrenceId,
        /// What that may take.
        bid: Bid,
    },
    /// The row of a schedule the engine had forgotten, because somebody asks for it.
    Recall {
        /// Its key.
        key: ScheduleKey,
        /// Its row.
        state: State,
        /// Its declaration.
        schedule: Arc<Schedule>,
    },
    /// The last row of a finished schedule is durable: its slot may go.
    Forget {
        /// Its key.
        key: ScheduleKey,
    },
}

/// How a new schedule starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Armed.
    Active,
    /// Waiting for a resume.
    Paused,
    /// Its only time had passed when it was declared: recorded as skipped.
    Past,
}

/// Whether an update changes when a schedule is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Its dues stay.
    Keep,
    /// Its dues are reckoned from now.
    Renew,
}

/// What became of one attempt to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The gateway took it.
    Delivered {
        /// The platform's id of the message.
        message_id: Option<String>,
    },
    /// Trying again may help.
    Retry {
        /// What happened.
        error: String,
        /// The provider asks to wait at least this long.
        after: Option<Span>,
    },
    /// It was not taken, because the chat or the account is sent to too fast. That is no attempt.
    Limited {
        /// What happened.
        error: String,
        /// How long the platform asks to wait, if it says.
        after: Option<Span>,
        /// Who is to wait.
        scope: Scope,
    },
    /// It was not taken, and nothing else would be: the account is of no use now. That is no attempt either.
    Shut {
        /// What is wrong.
        error: String,
    },
    /// Trying again cannot help.
    Permanent {
        /// What happened.
        error: String,
    },
    /// The gateway may or may not have taken it.
    Ambiguous {
        /// What happened.
        error: String,
    },
    /// It was not tried, because one before it in the same chat has to be tried again first.
    NotTried,
    /// It was not tried, because its schedule was cancelled or replaced meanwhile.
    Superseded,
}

impl Answer {
    /// Whether it has to be tried again, and what stands behind it in its window is not tried.
    #[must_use]
    pub const fn halts(&self) -> bool {
        match self {
            Self::Retry { .. } | Self::Limited { .. } | Self::Shut { .. } | Self::Ambiguous { .. } => true,
            Self::Delivered { .. } | Self::Permanent { .. } | Self::NotTried | Self::Superseded => false,
        }
    }
}

/// The end of one attempt to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How long it took.
    pub took: Span,
    /// How it ended.
    pub end: RunEnd,
    /// What its hook said besides, which counts once the run is over.
    pub said: Option<Box<Said>>,
    /// What models took for it, however it ended.
    pub paid: Paid,
}

/// What models took for an attempt to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The one that answered last.
    pub model: Option<String>,
    /// What their answers took, where that was told.
    pub tokens: Option<Tokens>,
    /// What was taken since the last [`Input::Reserve`]; `None`: nobody knows, so all that was reserved counts.
    pub spent: Option<Spent>,
}

impl Paid {
    /// No model was asked.
    pub const NOTHING: Self = Self { model: None, tokens: None, spent: Some(Spent::ZERO) };
    /// Nobody knows what was asked, and what that took.
    pub const UNKNOWN: Self = Self { model: None, tokens: None, spent: None };
}

/// In whose name money is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payer {
    /// What the schedule is called where people are told of it; `None`: it answers what somebody wrote, and whoever that
    /// is hears of it in another way.
    pub title: Option<Arc<str>>,
    /// The schedule's agent.
    pub agent: Arc<str>,
}

/// Why a model was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which limit is in the way.
    pub limit: Limit,
    /// The same in words.
    pub reason: String,
    /// Whether another day changes nothing: a single call may cost more than the limit.
    pub is_lasting: bool,
    /// In whose name it was to be asked.
    pub payer: Payer,
}

/// What one call to a model may take at most, and in whose name it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bid {
    /// Whose it is.
    pub payer: Payer,
    /// What the schedule's runs may cost in one day.
    pub limit: Option<Cost>,
    /// What earlier calls of the same attempt have taken since the last bid; `None`: all that was reserved.
    pub spent: Option<Spent>,
    /// What this one may take.
    pub most: Spent,
}

/// What becomes of a bid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is reserved, and that is durable: the call may be made.
    Granted,
    /// It would be more than may be spent.
    Refused(Refusal),
    /// Nobody wants the run any more, or the process is ending.
    NotNow,
}

/// What a hook says besides the text of its run. Texts that are too long are cut, but for the state: a run whose state
/// is longer than [`crate::limits::SCRIPT_STATE_BYTES_MAX`] fails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What it keeps for the next run, as JSON; `None`: what it kept before.
    pub state: Option<Arc<str>>,
    /// The text that the next run may look back at; `None`: the one before.
    pub text: Option<Arc<str>>,
    /// When its schedule is to be due next; see `wish`.
    pub next: Option<Timestamp>,
    /// What is to stand in the run's record.
    pub notes: Option<Arc<str>>,
    /// What its schedule's owner is to be told, by a notice of its own; several are parts of one text.
    pub tell: Vec<Arc<str>>,
}

/// A text on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// What it says.
    pub text: Arc<str>,
    /// Where it goes; `None`: to the schedule's destination.
    pub to: Option<Destination>,
}

/// How an attempt to run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// There is a text, or several, up to [`crate::limits::DELIVERIES_COUNT_MAX`].
    Composed {
        /// The texts; each of several is delivered by itself.
        texts: Vec<Outgoing>,
    },
    /// It ran, and nothing is to be sent.
    Silent {
        /// Why.
        reason: String,
    },
    /// Its hook held it back before anything was made of it.
    Gated {
        /// Why.
        reason: String,
    },
    /// A model was not asked, because it could have cost more than may be spent.
    OverBudget(Refusal),
    /// Trying again may help.
    Retry {
        /// What happened.
        error: String,
        /// The provider asks to wait at least this long.
        after: Option<Span>,
    },
    /// Trying again cannot help.
    Permanent {
        /// What happened.
        error: String,
    },
    /// It may have done its work, or part of it, but nobody has the text.
    Ambiguous {
        /// What happened.
        error: String,
    },
    /// It was not begun.
    NotBegun,
}

/// What the engine wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write this; nothing later in the queue may happen before it is durable.
    Persist(Change),
    /// Try to send these, one after the other.
    Send(Window),
    /// Run it, whoever makes its text, which answers with [`Input::Ran`].
    Run {
        /// Which.
        occurrence: OccurrenceId,
        /// Attempt, from 1.
        attempt: u16,
    },
    /// End this run, which nobody wants any more, wherever it is; its [`Input::Ran`] comes all the same.
    EndRun {
        /// Which.
        occurrence: OccurrenceId,
    },
    /// Tell a run what became of its [`Input::Reserve`].
    Judged {
        /// Which run.
        occurrence: OccurrenceId,
        /// What.
        verdict: Verdict,
    },
    /// Tell whoever asked.
    Reply {
        /// Who asked.
        op: OpId,
        /// The answer.
        reply: Reply,
    },
    /// Answer with [`Input::Forget`] once everything before this is durable.
    Forget {
        /// A finished schedule.
        key: ScheduleKey,
    },
}

/// Names a question until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u64);

/// An answer to whoever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is done; the schedule's row as it is now.
    Done(State),
    /// A run was begun.
    Started(OccurrenceId),
    /// It was so already.
    Unchanged(State),
    /// The schedule has ended, and this cannot be asked of an ended one.
    Ended(State),
    /// No such schedule.
    NotFound,
    /// A run was not begun, because an earlier one is not over.
    Overlaps,
    /// The dead letter is one no more: it is being tried again.
    Open,
    /// The dead letter goes with its history right now.
    Gone,
}
