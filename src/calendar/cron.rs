//! Cron patterns in two dialects.

use std::fmt;
use std::ops::Range;

use super::Zone;
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

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CronError {}

impl Cron {
    /// Reads a pattern.
    pub fn parse(text: &str, _choice: DialectChoice, zone: Zone) -> Result<Self, CronError> {
        Ok(Self { text: text.to_owned(), dialect: Dialect::Unix, zone })
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

    /// The first match strictly after `after`.
    #[must_use]
    pub fn next_after(&self, _after: Timestamp) -> Option<Timestamp> {
        None
    }
}
