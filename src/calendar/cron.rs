//! Cron patterns in two dialects.
//!
//! Units: dues are whole seconds, as `Timestamp`; an instant between two seconds counts as the earlier one.
//! Invariant: a parsed pattern keeps its text, its dialect and its zone, never an offset.
//! Not here: reading fields (`dialect`, `field`), the search (`search`, `fold`), sentences (`describe`).
//! Source: DESIGN section 5; the two dialects differ in weekday numbers, so the dialect is part of the value.

use std::fmt;
use std::ops::Range;

use super::fold::Fold;
use super::matcher::Matcher;
use super::{Zone, describe, dialect};
use crate::time::Timestamp;

/// Which rules a pattern follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// 5 fields, weekdays 0 to 7 with 0 = 7 = Sunday.
    Unix,
    /// 6 or 7 fields, seconds first, weekdays 1 to 7 with 1 = Sunday.
    Quartz,
}

/// How the dialect of a text is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DialectChoice {
    /// By the number of fields.
    #[default]
    Auto,
    /// Unix, whatever the text looks like.
    Unix,
    /// Quartz, whatever the text looks like.
    Quartz,
}

/// A cron pattern in a zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Cron {
    text: String,
    dialect: Dialect,
    zone: Zone,
    matcher: Matcher,
}

/// A text that is not a cron pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronError {
    /// What is wrong, naming the field and the value.
    pub message: String,
    /// Bytes of the text at fault.
    pub at: Range<usize>,
    /// The way out.
    pub hint: Option<String>,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unix => "unix",
            Self::Quartz => "quartz",
        })
    }
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CronError {}

impl Cron {
    /// Bytes of the compiled pattern, in place, without the text, the dialect and the zone kept beside it.
    pub const COMPILED_BYTES: usize = size_of::<Matcher>();

    /// Reads a pattern.
    pub fn parse(text: &str, choice: DialectChoice, zone: Zone) -> Result<Self, CronError> {
        let (dialect, matcher) = dialect::read(text, choice)?;
        Ok(Self { text: text.to_owned(), dialect, zone, matcher })
    }

    /// The text it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its dialect.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Its zone.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// Whether its time of day is fixed: served once a day through clock changes. Otherwise it has a wildcard among
    /// second, minute and hour, and keeps its real-time cadence.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.matcher.fixed
    }

    /// The first match strictly after `after`.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.fold()
            .next_after(whole_second(after))
            .map(Timestamp::from_seconds)
            .filter(|due| *due < Timestamp::HORIZON)
    }

    /// The latest match in `(after, until]`.
    #[must_use]
    pub fn latest_in(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let latest = self.fold().latest_upto(whole_second(until))?;
        (latest > whole_second(after)).then(|| Timestamp::from_seconds(latest))
    }

    /// How many matches lie in `(after, until]`.
    #[must_use]
    pub fn count_in(&self, after: Timestamp, until: Timestamp) -> u64 {
        self.fold().count(whole_second(after), whole_second(until))
    }

    /// A sentence in plain English, without a full stop.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}, {}", describe::pattern(&self.matcher), self.zone.name())
    }

    fn fold(&self) -> Fold<'_> {
        Fold::new(&self.matcher, self.zone.offsets())
    }
}

/// The second an instant lies in, held within the years that patterns cover: one second before 1970 to the horizon.
fn whole_second(instant: Timestamp) -> i64 {
    instant.as_millis().clamp(-1000, Timestamp::HORIZON.as_millis() - 1).div_euclid(1000)
}
