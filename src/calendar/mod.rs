//! Triggers: at which instants a schedule is due.
//!
//! Units: zone-local civil fields inside, `Timestamp` at the door. Rounding: dues are whole milliseconds; cron
//! dues are whole seconds.
//! Invariant: `next_after(t)` is strictly later than `t`, so every walk ends; `latest_in` and `count_in` agree with
//! that walk; no due lies at or beyond `Timestamp::HORIZON`, no cron due before 1970.
//! Reading order: `cron`, `dialect`, `field` (text in), `matcher` (the compiled pattern), `search` (civil time),
//! `fold` and `offsets` (clock changes), `describe` (text out); `grid` (dues from a known one on); `except` (dues that do not
//! count); `phrase` (triggers
//! in plain words); `after` (another schedule's ends).
//! Not here: jitter, bounds and misfires (`engine`), the current time (callers pass it).
//! Source: POSIX crontab, OCPS 1.4, Quartz `CronExpression`; Debian's cron for daylight saving.

mod after;
mod civil;
mod cron;
mod describe;
mod dialect;
mod every;
mod except;
mod exclusion;
mod field;
mod fold;
mod grid;
mod matcher;
mod offsets;
mod patterns;
mod phrase;
mod piece;
mod search;
mod words;
mod years;
mod zone;

use std::sync::Arc;

pub use after::{After, End, Ends};
pub use cron::{Cron, CronError, Dialect, DialectChoice};
pub use except::{Except, Stretch};
pub use exclusion::ExceptError;
pub use grid::Grid;
pub use patterns::Patterns;
pub use phrase::{Meaning, PHRASE_EXAMPLES, Phrase, PhraseError};
pub use zone::{Local, ZONE_DATA_VERSION, Zone, ZoneError};

use crate::time::{Span, Timestamp};
use every::Rhythm;

/// When a schedule is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// Once.
    At(Timestamp),
    /// At `anchor + k * period` for every k >= 0; never drifts.
    Every {
        /// Distance between two dues.
        period: Span,
        /// The first due.
        anchor: Timestamp,
    },
    /// By a cron pattern in a zone.
    Cron(Arc<Cron>),
    /// When a run of another schedule has ended; none of its dues is known ahead.
    After(After),
}

impl Trigger {
    /// The first due strictly after `after`.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(*at).filter(|at| *at > after && *at < Timestamp::HORIZON),
            Self::Every { period, anchor } => Rhythm::new(*period, *anchor).next_after(after),
            Self::Cron(cron) => cron.next_after(after),
            Self::After(_) => None,
        }
    }

    /// The latest due in `(after, until]`, found without walking the dues between.
    #[must_use]
    pub fn latest_in(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(*at).filter(|at| *at > after && *at <= until && *at < Timestamp::HORIZON),
            Self::Every { period, anchor } => {
                Rhythm::new(*period, *anchor).latest_upto(until).filter(|due| *due > after)
            }
            Self::Cron(cron) => cron.latest_in(after, until),
            Self::After(_) => None,
        }
    }

    /// How many dues lie in `(after, until]`, counted without walking them one by one.
    #[must_use]
    pub fn count_in(&self, after: Timestamp, until: Timestamp) -> u64 {
        match self {
            Self::At(_) => u64::from(self.latest_in(after, until).is_some()),
            Self::Every { period, anchor } => Rhythm::new(*period, *anchor).count(after, until),
            Self::Cron(cron) => cron.count_in(after, until),
            Self::After(_) => 0,
        }
    }

    /// Whether it keeps a real-time cadence through clock changes: `every`, and cron with a wildcard time.
    #[must_use]
    pub fn keeps_cadence(&self) -> bool {
        match self {
            Self::At(_) | Self::After(_) => false,
            Self::Every { .. } => true,
            Self::Cron(cron) => !cron.is_fixed(),
        }
    }

    /// Whether it can be due more than once.
    #[must_use]
    pub fn is_recurring(&self) -> bool {
        !matches!(self, Self::At(_))
    }

    /// What it waits for, if that is the end of another schedule's run.
    #[must_use]
    pub const fn after(&self) -> Option<&After> {
        match self {
            Self::After(after) => Some(after),
            Self::At(_) | Self::Every { .. } | Self::Cron(_) => None,
        }
    }

    /// A sentence in plain English, without a full stop; times of `at` are shown in `zone`.
    #[must_use]
    pub fn describe(&self, zone: Zone) -> String {
        match self {
            Self::At(at) => format!("Once at {}, {zone}", zone.format_civil(*at)),
            Self::Every { period, .. } => describe::rhythm(*period),
            Self::Cron(cron) => cron.describe(),
            Self::After(after) => after.describe(),
        }
    }
}
