//! How fast a platform may be written to: paces, the buckets of tokens that keep them, and whom a refusal is about.
//!
//! A bucket is one instant: when it would be full again. That is all the arithmetic there is, and a clock that is set
//! moves it like any other instant.
//! Units: `Timestamp`, `Span`. Rounding: a rate becomes the wait for one token, rounded up, so nothing is faster than
//! its pace.
//! Not here: who waits for a token (`engine`), what the platforms allow (`gateway`).
//! Source: GCRA, the "virtual scheduling" form of ITU-T I.371.

use std::fmt;

use crate::limits::PACE_BURST_COUNT_MAX;
use crate::time::{Span, Timestamp};

/// In milliseconds.
const UNITS: [(&str, u64); 3] = [("s", 1000), ("m", 60_000), ("h", 3_600_000)];

/// So many tokens at most, and one more each time a span has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// What has to pass for one token.
    pub every: Span,
    /// Tokens that a full bucket holds; at least 1.
    pub burst: u16,
}

/// What a gateway keeps to; `None`: whatever comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paces {
    /// All that it sends.
    pub account: Option<Pace>,
    /// What it sends to one chat.
    pub chat: Option<Pace>,
}

/// Whom a platform's refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One chat; the others may go on.
    Chat,
    /// Everything that is sent with this token.
    Account,
}

/// Tokens that come back by themselves. A new one is full.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    full_at: Timestamp,
}

impl Pace {
    /// One each time a span has passed, and not sooner.
    #[must_use]
    pub const fn even(every: Span) -> Self {
        Self { every, burst: 1 }
    }

    /// Reads `30/s`, `20/m` or `100/h`: so many, evenly spread; and `1/s burst 5`.
    pub fn parse(text: &str) -> Result<Self, PaceError> {
        let (rate, burst) = match text.split_once("burst") {
            Some((rate, burst)) => (rate.trim(), burst.trim()),
            None => (text.trim(), "1"),
        };
        let (count, unit) = rate.split_once('/').ok_or(PaceError::Shape)?;
        let (_, unit) = UNITS.into_iter().find(|(name, _)| *name == unit.trim()).ok_or(PaceError::Shape)?;
        let count: u64 = count.trim().parse().map_err(|_| PaceError::Shape)?;
        let burst: u16 = burst.parse().map_err(|_| PaceError::Shape)?;
        if count == 0 {
            return Err(PaceError::Never);
        }
        if count > unit {
            return Err(PaceError::TooFast);
        }
        if !(1..=PACE_BURST_COUNT_MAX).contains(&burst) {
            return Err(PaceError::Burst);
        }
        Ok(Self { every: Span::from_millis(unit.div_ceil(count)), burst })
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = self.every.as_millis().max(1);
        // The unit in which it reads the same.
        let is_same = |unit: &u64| unit.div_ceil(unit.div_ceil(every)) == every;
        match UNITS.into_iter().find(|(_, ms)| is_same(ms)) {
            Some((unit, ms)) => write!(f, "{}/{unit}", ms.div_ceil(every))?,
            None => write!(f, "one in {}", self.every)?,
        }
        if self.burst > 1 { write!(f, " burst {}", self.burst) } else { Ok(()) }
    }
}

/// Why a text is no pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaceError {
    /// It looks otherwise.
    #[error("is not a pace; write it like '30/s', '20/m' or '1/s burst 5'")]
    Shape,
    /// Nothing would ever be sent.
    #[error("would let nothing through; to send nothing, pause the schedules")]
    Never,
    /// More than the clock can tell apart.
    #[error("is more than 1000 a second, which is not paced; leave it out")]
    TooFast,
    /// A burst that is none, or has no end.
    #[error("has a burst out of range: 1 to {PACE_BURST_COUNT_MAX}")]
    Burst,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { full_at: Timestamp::from_millis(i64::MIN) }
    }
}

impl Bucket {
    /// From when on there is a token.
    #[must_use]
    pub fn next_at(&self, pace: Pace) -> Timestamp {
        let others = pace.every.as_millis().saturating_mul(u64::from(pace.burst.saturating_sub(1)));
        self.full_at.minus(Span::from_millis(others))
    }

    /// Takes a token out.
    pub fn take(&mut self, pace: Pace, now: Timestamp) {
        self.full_at = self.full_at.max(now).plus(pace.every);
    }

    /// From when on it is as a new one.
    #[must_use]
    pub const fn full_at(&self) -> Timestamp {
        self.full_at
    }

    /// The clock was set back.
    pub fn shift(&mut self, step: Span) {
        self.full_at = self.full_at.minus(step);
    }
}
