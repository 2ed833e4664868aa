//! One run as its script sees it: what is known, what is kept, what it notes.
//!
//! Invariants: facts never change; the state changes only through [`Run::put_state`] and is committed by
//! `settle_state` at the end of a call that went well, else it is as before that call.
//! Units: `Timestamp`; sizes in bytes. Not here: how fields are named (`view`).

use std::cmp::Ordering;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rhai::{Dynamic, Map};

use super::guard::{Deadline, Outcome};
use super::json;
use super::moment::Parts;
use super::text::clipped;
use crate::limits;
use crate::spec::Schedule;
use crate::time::Timestamp;

/// What is known about a run.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whose run it is.
    pub schedule: Arc<Schedule>,
    /// The instant its trigger asked for.
    pub due: Timestamp,
    /// The instant at which it began.
    pub actual: Timestamp,
    /// Which run of the schedule it is, from 1.
    pub number: u32,
    /// Which attempt, from 1.
    pub attempt: u16,
    /// Whether somebody asked for it.
    pub by_hand: bool,
    /// What became of the run before it.
    pub last: Last,
    /// The conversation that its text goes to.
    pub session: SessionFacts,
    /// What the schedule's script keeps between runs: a JSON object.
    pub state: Option<Arc<str>>,
}

/// What became of the run before.
#[derive(Clone, Debug, Default)]
pub struct Last {
    /// How it ended; `None`: there was none.
    pub status: Option<LastStatus>,
    /// The text that it made.
    pub text: Option<Arc<str>>,
    /// When its text was made.
    pub at: Option<Timestamp>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastStatus {
    /// Its text was delivered, or recorded where there is no destination.
    Delivered,
    /// It had nothing to say.
    Silent,
    /// It was not begun.
    Skipped,
    /// It was given up.
    Failed,
    /// It was called off.
    Cancelled,
    /// It was sent once, and nobody knows whether it arrived.
    Unknown,
}

impl LastStatus {
    /// As scripts see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Silent => "silent",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }
}

/// The conversation that a run's text goes to.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionFacts {
    /// Whether there is an active one.
    pub active: bool,
    /// When its user last said something.
    pub last_user_at: Option<Timestamp>,
}

/// One run: its facts, its state while it changes, its notes.
///
/// Cheap to make; one is used for all calls of a run, so that what one function keeps the next one finds.
#[derive(Clone, Debug)]
pub struct Scene(pub(super) Arc<Run>);

impl Scene {
    /// A run of which this is known, and whose calls all end by the deadline.
    #[must_use]
    pub fn new(facts: Facts, deadline: Deadline) -> Self {
        Self(Arc::new(Run {
            facts,
            deadline,
            operations: AtomicU64::new(0),
            local: OnceLock::new(),
            vars: OnceLock::new(),
            labels: OnceLock::new(),
            kept: Mutex::new(Kept { json: None, live: None, is_touched: false }),
            notes: Mutex::new(Vec::new()),
        }))
    }

    /// The state as a JSON object, where the calls so far changed it.
    #[must_use]
    pub fn state(&self) -> Option<Arc<str>> {
        self.0.kept().json.clone()
    }

    /// Which attempt of the run it is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u16 {
        self.0.facts.attempt
    }

    /// When the run began.
    #[must_use]
    pub fn actual(&self) -> Timestamp {
        self.0.facts.actual
    }

    /// What the calls so far noted, in their order.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Operations of all calls so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.0.operations.load(Relaxed)
    }
}

/// What a scene holds, shared with the values that stand for it in a script.
#[derive(Debug)]
pub(super) struct Run {
    pub facts: Facts,
    pub deadline: Deadline,
    pub operations: AtomicU64,
    local: OnceLock<Parts>,
    vars: OnceLock<Map>,
    labels: OnceLock<Map>,
    kept: Mutex<Kept>,
    notes: Mutex<Vec<String>>,
}

/// The state: as it was committed by the last good call, and as the present call has it.
#[derive(Debug)]
struct Kept {
    json: Option<Arc<str>>,
    live: Option<Map>,
    is_touched: bool,
}

impl Run {
    /// The local parts of the run's due.
    pub(super) fn local(&self) -> &Parts {
        self.local.get_or_init(|| Parts::new(self.facts.due, self.facts.schedule.zone))
    }

    /// The schedule's variables.
    pub(super) fn vars(&self) -> &Map {
        let vars = &self.facts.schedule.vars;
        self.vars
            .get_or_init(|| vars.iter().map(|(key, value)| (key.as_str().into(), json::to_dynamic(value))).collect())
    }

    /// The schedule's labels.
    pub(super) fn labels(&self) -> &Map {
        let labels = &self.facts.schedule.labels;
        self.labels
            .get_or_init(|| labels.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect())
    }

    /// Looks at the state.
    pub(super) fn with_state<T>(&self, look: impl FnOnce(&Map) -> T) -> Outcome<T> {
        let mut kept = self.kept();
        Ok(look(self.live(&mut kept)?))
    }

    /// Changes the state.
    pub(super) fn change_state<T>(&self, change: impl FnOnce(&mut Map) -> T) -> Outcome<T> {
        let mut kept = self.kept();
        kept.is_touched = true;
        Ok(change(self.live(&mut kept)?))
    }

    /// The call is over: commits what it kept if it went well, else forgets it. An error is why it cannot be kept.
    pub(super) fn settle_state(&self, went_well: bool) -> Result<(), String> {
        let mut kept = self.kept();
        if !kept.is_touched {
            return Ok(());
        }
        kept.is_touched = false;
        let live = kept.live.take().unwrap_or_default();
        if !went_well {
            return Ok(());
        }
        let text =
            json::map_to_text(&live, limits::SCRIPT_STATE_BYTES_MAX).map_err(|why| format!("the state {why}"))?;
        if kept.json.as_deref().or(self.facts.state.as_deref()).unwrap_or("{}") != text {
            kept.json = Some(text.into());
        }
        Ok(())
    }

    /// Adds to the run's record.
    pub(super) fn note(&self, text: &str) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        match notes.len().cmp(&limits::SCRIPT_NOTES_COUNT_MAX) {
            Ordering::Less => notes.push(clipped(text, limits::NOTE_BYTES_MAX)),
            Ordering::Equal => notes.push("further notes were left out".to_owned()),
            Ordering::Greater => {}
        }
    }

    fn live<'a>(&self, kept: &'a mut Kept) -> Outcome<&'a mut Map> {
        if kept.live.is_none() {
            let text = kept.json.as_deref().or(self.facts.state.as_deref()).unwrap_or("{}");
            let map = json::from_text(text).ok().and_then(Dynamic::try_cast::<Map>);
            kept.live = Some(map.ok_or("the state that was kept is not a JSON object")?);
        }
        Ok(kept.live.get_or_insert_default())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
