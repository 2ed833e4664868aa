//! Time zones: the only door to the zone data.
//!
//! Units: `Timestamp` outside, seconds east of UTC and civil fields inside. Rounding: reading text finer than a
//! millisecond rounds up, fields of an instant round down.
//! Invariant: `parse_local(format_civil(t)) == t` wherever the clock shows a time only once.
//! Not here: patterns (`cron`), the history of offsets (`offsets`).
//! Source: the IANA time zone database, built in through chrono-tz.

use std::fmt;

use chrono::{DateTime, LocalResult, Offset, TimeZone};
use chrono_tz::{OffsetName as _, TZ_VARIANTS, Tz};

use super::civil::{DAY_SECONDS, date_of, day_number, month_length, weekday_of};
use super::fold::instant_of;
use super::offsets::{Offsets, offset_at};
use crate::problem::nearest;
use crate::time::Timestamp;

/// Version of the zone data built into the program.
pub const ZONE_DATA_VERSION: &str = chrono_tz::IANA_TZDB_VERSION;

/// English names of the weekdays, from Sunday.
pub(super) const WEEKDAY_NAMES: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// English names of the months.
pub(super) const MONTH_NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// An IANA time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone(Tz);

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

impl Local {
    /// The English name of the weekday.
    #[must_use]
    pub fn weekday_name(&self) -> &'static str {
        WEEKDAY_NAMES[self.weekday as usize]
    }

    /// The English name of the month.
    #[must_use]
    pub fn month_name(&self) -> &'static str {
        MONTH_NAMES[self.month as usize - 1]
    }

    /// The day of the year, from 1.
    #[must_use]
    pub fn day_of_year(&self) -> u32 {
        (day_number(self.year, self.month, self.day) - day_number(self.year, 1, 1)) as u32 + 1
    }
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
        if let Ok(zone) = name.parse::<Tz>() {
            return Ok(Self(zone));
        }
        let found = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name));
        found.map(|zone| Self(*zone)).ok_or_else(|| ZoneError { name: name.to_owned(), suggestion: suggestion(name) })
    }

    /// Every zone there is, by name.
    pub fn all() -> impl Iterator<Item = Self> {
        TZ_VARIANTS.iter().map(|zone| Self(*zone))
    }

    /// The IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The civil fields of an instant.
    #[must_use]
    pub fn local(self, at: Timestamp) -> Local {
        let instant = at.as_millis().div_euclid(1000);
        let offset = offset_at(self.0, instant);
        let reading = instant.saturating_add(offset);
        let (number, time) = (reading.div_euclid(DAY_SECONDS), reading.rem_euclid(DAY_SECONDS) as u32);
        let (year, month, day) = date_of(number);
        Local {
            year,
            month,
            day,
            hour: time / 3600,
            minute: time / 60 % 60,
            second: time % 60,
            weekday: weekday_of(number),
            offset_seconds: offset as i32,
        }
    }

    /// RFC 3339 with this zone's offset, `Z` in UTC itself; milliseconds only where there are any.
    #[must_use]
    pub fn format(self, at: Timestamp) -> String {
        let offset = self.local(at).offset_seconds;
        let civil = self.civil_text(at, 'T');
        if matches!(self.0, Tz::UTC | Tz::Etc__UTC | Tz::Zulu | Tz::Etc__Zulu) {
            return civil + "Z";
        }
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs() / 60);
        format!("{civil}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// The wall clock at an instant, `2026-01-30 17:00:00`, in the form that [`Zone::parse_local`] reads;
    /// milliseconds only where there are any.
    #[must_use]
    pub fn format_civil(self, at: Timestamp) -> String {
        self.civil_text(at, ' ')
    }

    /// The wall clock at an instant with weekday and the zone's abbreviation, `Mon Feb 27 09:00:00 UTC 2026`; an offset
    /// where the zone data has no abbreviation.
    #[must_use]
    pub fn format_dated(self, at: Timestamp) -> String {
        let local = self.local(at);
        let Local { year, day, hour, minute, second, .. } = local;
        let (weekday, month) = (&local.weekday_name()[..3], &local.month_name()[..3]);
        let instant = DateTime::from_timestamp(at.as_millis().div_euclid(1000), 0).unwrap_or_default().naive_utc();
        let offset = self.0.offset_from_utc_datetime(&instant);
        let shown = offset.abbreviation().map_or_else(|| offset.fix().to_string(), str::to_owned);
        format!("{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02} {shown} {year:04}")
    }

    /// The English name of the weekday of an instant.
    #[must_use]
    pub fn weekday_name(self, at: Timestamp) -> &'static str {
        self.local(at).weekday_name()
    }

    /// Reads `2026-01-30 16:00[:00[.5]]` (or with a `T`) as a time in this zone. In a gap: the first instant after
    /// it; in an overlap: the first of the two.
    #[must_use]
    pub fn parse_local(self, text: &str) -> Option<Timestamp> {
        let (reading, ms) = civil_reading(text.trim())?;
        let civil = DateTime::from_timestamp(reading, 0)?.naive_utc();
        let instant = match self.0.offset_from_local_datetime(&civil) {
            LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => {
                reading - i64::from(offset.fix().local_minus_utc())
            }
            // Nothing of a fraction is left over: the gap ends at a whole second.
            LocalResult::None => return Some(Timestamp::from_seconds(instant_of(self.offsets(), reading))),
        };
        Some(Timestamp::from_millis(instant * 1000 + ms))
    }

    /// The history of offsets from 1970 on.
    pub(super) fn offsets(self) -> &'static Offsets {
        Offsets::of(self.0)
    }

    fn civil_text(self, at: Timestamp, between: char) -> String {
        let Local { year, month, day, hour, minute, second, .. } = self.local(at);
        let mut text = format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}");
        let ms = at.as_millis().rem_euclid(1000);
        if ms != 0 {
            text.push_str(&format!(".{ms:03}"));
        }
        text
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A real name near to what was given: by its city alone, else by spelling.
fn suggestion(name: &str) -> Option<String> {
    let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
    let city = name.replace(' ', "_");
    names()
        .find(|known| known.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&city)))
        .or_else(|| nearest(name, names()))
        .map(str::to_owned)
}

/// Seconds since 1970-01-01T00:00:00 of a civil time, and milliseconds beyond them.
fn civil_reading(text: &str) -> Option<(i64, i64)> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (year, month_day) = date.split_once('-')?;
    let (month, day) = month_day.split_once('-')?;
    let (year, month, day) = (digits(year, 4)? as i32, digits(month, 2)?, digits(day, 2)?);
    if !(1..=12).contains(&month) || !(1..=month_length(year, month)).contains(&day) {
        return None;
    }
    let (hour, rest) = time.split_once(':')?;
    let (minute, rest) = rest.split_once(':').unwrap_or((rest, "00"));
    let (second, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let time = i64::from(hour * 3600 + minute * 60 + second);
    Some((day_number(year, month, day) * DAY_SECONDS + time, milliseconds(fraction)?))
}

/// A number of exactly `width` digits.
fn digits(text: &str, width: usize) -> Option<u32> {
    (text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The digits after a decimal point as milliseconds, rounded up so that nothing is due early.
fn milliseconds(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanoseconds: i64 = format!("{fraction:0<9}").parse().ok()?;
    Some((nanoseconds + 999_999) / 1_000_000)
}
