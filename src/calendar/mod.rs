//! Triggers: at which instants a schedule is due.
//!
//! Units: zone-local civil fields inside, `Timestamp` at the door. Rounding: dues are whole milliseconds; cron
//! dues are whole seconds.
//! Invariant: `next_after(t)` is strictly later than `t`, so every walk ends.
//! Not here: jitter, bounds and misfires (`engine`), the current time (callers pass it).
//! Source: POSIX crontab, OCPS 1.4, Quartz `CronExpression`; Debian's cron for daylight saving.

mod cron;
mod zone;

use std::sync::Arc;

pub use cron::{Cron, CronError, Dialect, DialectChoice};
pub use zone::{Local, ZONE_DATA_VERSION, Zone, ZoneError};

use crate::time::{Span, Timestamp};

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
}

impl Trigger {
    /// The first due strictly after `after`.
    #[must_use]
    pub fn next_after(&self, _after: Timestamp) -> Option<Timestamp> {
        None
    }

    /// The latest due in `(after, until]`, found without walking the dues between.
    #[must_use]
    pub fn latest_in(&self, _after: Timestamp, _until: Timestamp) -> Option<Timestamp> {
        None
    }

    /// How many dues lie in `(after, until]`, counted without walking them one by one.
    #[must_use]
    pub fn count_in(&self, _after: Timestamp, _until: Timestamp) -> u64 {
        0
    }

    /// Whether it keeps a real-time cadence through clock changes: `every`, and cron with a wildcard time.
    #[must_use]
    pub fn keeps_cadence(&self) -> bool {
        false
    }

    /// Whether it can be due more than once.
    #[must_use]
    pub fn is_recurring(&self) -> bool {
        !matches!(self, Self::At(_))
    }

    /// A sentence in plain English, without a full stop; times of `at` are shown in `zone`.
    #[must_use]
    pub fn describe(&self, _zone: Zone) -> String {
        String::new()
    }
}
