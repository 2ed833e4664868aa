//! Notices when the loop stands still, when a commit does not end, and when dues are served late.
//!
//! The loop leaves a note of each turn; whoever asks compares it with the time, so a loop that stands still need not
//! be asked. A clock that is set forward, or a machine that was suspended, looks like a pause as well: therefore a
//! pause counts only if the heart, which relies on no clock, has beaten meanwhile without a turn.
//! Units: `Timestamp`, `Span`; notes are milliseconds. Not here: the heart (`mod`), what is made of it (`surface`).

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use crate::limits::{DUE_LAG_MS_MAX, STALL_BEATS_MIN, STALL_MS_MAX};
use crate::time::{Span, Timestamp};

/// How the engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It serves what is due when it is due.
    Well,
    /// It serves what is due when it is due, and this many schedules that missed a due are caught up besides.
    CatchingUp(u64),
    /// It works, but the oldest unserved due is so late.
    Behind(Span),
    /// The loop has not turned for so long.
    Stalled(Span),
    /// A commit has been under way for so long: the disk does not answer.
    DiskStalled(Span),
    /// The loop has ended.
    Ended,
}

impl Health {
    /// One word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Well => "ok",
            Self::CatchingUp(_) => "catching-up",
            Self::Behind(_) => "behind",
            Self::Stalled(_) => "stalled",
            Self::DiskStalled(_) => "disk-stalled",
            Self::Ended => "ended",
        }
    }

    /// Whether a question to the loop would be answered.
    #[must_use]
    pub const fn is_answering(self) -> bool {
        matches!(self, Self::Well | Self::CatchingUp(_) | Self::Behind(_))
    }

    /// Whether what is due is served when it is due.
    #[must_use]
    pub const fn is_in_time(self) -> bool {
        matches!(self, Self::Well | Self::CatchingUp(_))
    }
}

impl std::fmt::Display for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Well => f.write_str("dues are served in time"),
            Self::CatchingUp(1) => f.write_str("dues are served in time; 1 schedule that missed one is caught up"),
            Self::CatchingUp(count) => {
                write!(f, "dues are served in time; {count} schedules that missed one are caught up")
            }
            Self::Behind(lag) => write!(f, "the oldest due that is not served yet is {lag} late"),
            Self::Stalled(pause) => write!(f, "the engine's loop has not turned for {pause}"),
            Self::DiskStalled(pause) => {
                write!(f, "a commit has been under way for {pause}; the disk does not answer")
            }
            Self::Ended => f.write_str("the engine has stopped; its log says why"),
        }
    }
}

/// Notes of the loop and of the heart.
#[derive(Debug)]
pub struct Watchdog {
    beats: AtomicU64,
    turn: Note,
    commit: Note,
    is_committing: AtomicBool,
    has_ended: AtomicBool,
    lag_ms: AtomicU64,
    catching_up: AtomicU64,
    stalls: AtomicU64,
}

/// When something was noted, by the clock and by the heart.
#[derive(Debug)]
struct Note {
    ms: AtomicI64,
    beat: AtomicU64,
}

impl Note {
    const fn new(now: Timestamp) -> Self {
        Self { ms: AtomicI64::new(now.as_millis()), beat: AtomicU64::new(0) }
    }

    fn take(&self, now: Timestamp, beat: u64) {
        self.ms.store(now.as_millis(), Ordering::Relaxed);
        self.beat.store(beat, Ordering::Relaxed);
    }

    /// How long ago that was, if that is a stall.
    fn stall(&self, now: Timestamp, beat: u64) -> Option<Span> {
        let pause = now.since(Timestamp::from_millis(self.ms.load(Ordering::Relaxed)));
        let beaten = beat.saturating_sub(self.beat.load(Ordering::Relaxed));
        (beaten >= STALL_BEATS_MIN && pause.as_millis() > STALL_MS_MAX).then_some(pause)
    }
}

impl Watchdog {
    /// Nothing has been noted before `now`.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self {
            beats: AtomicU64::new(0),
            turn: Note::new(now),
            commit: Note::new(now),
            is_committing: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            lag_ms: AtomicU64::new(0),
            catching_up: AtomicU64::new(0),
            stalls: AtomicU64::new(0),
        }
    }

    /// The heart has beaten.
    pub fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// The loop turns at `now` and leaves the oldest due late by `lag`, and so many schedules to be caught up. Answers
    /// how long it had stood still before, if it had.
    pub fn turned(&self, now: Timestamp, lag: Span, catching_up: u64) -> Option<Span> {
        let beat = self.beats.load(Ordering::Relaxed);
        let stall = self.turn.stall(now, beat);
        self.turn.take(now, beat);
        self.lag_ms.store(lag.as_millis(), Ordering::Relaxed);
        self.catching_up.store(catching_up, Ordering::Relaxed);
        self.stalls.fetch_add(u64::from(stall.is_some()), Ordering::Relaxed);
        stall
    }

    /// A commit begins.
    pub fn commit_began(&self, now: Timestamp) {
        self.commit.take(now, self.beats.load(Ordering::Relaxed));
        self.is_committing.store(true, Ordering::Relaxed);
    }

    /// It is done.
    pub fn commit_ended(&self) {
        self.is_committing.store(false, Ordering::Relaxed);
    }

    /// The loop has ended.
    pub fn ended(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }

    /// How often the loop has stood still.
    #[must_use]
    pub fn stalls(&self) -> u64 {
        self.stalls.load(Ordering::Relaxed)
    }

    /// How it is at `now`; the worst counts.
    #[must_use]
    pub fn health(&self, now: Timestamp) -> Health {
        let beat = self.beats.load(Ordering::Relaxed);
        let lag = Span::from_millis(self.lag_ms.load(Ordering::Relaxed));
        if self.has_ended.load(Ordering::Relaxed) {
            return Health::Ended;
        }
        if let Some(pause) = self.turn.stall(now, beat) {
            return Health::Stalled(pause);
        }
        let is_committing = self.is_committing.load(Ordering::Relaxed);
        match self.commit.stall(now, beat).filter(|_| is_committing) {
            Some(pause) => Health::DiskStalled(pause),
            None if lag.as_millis() > DUE_LAG_MS_MAX => Health::Behind(lag),
            None => match self.catching_up.load(Ordering::Relaxed) {
                0 => Health::Well,
                count => Health::CatchingUp(count),
            },
        }
    }
}
