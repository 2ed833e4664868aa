//! Instants and spans: the two units of time that every module shares.
//!
//! Units: milliseconds, UTC for instants. Rounding: reading text finer than a millisecond rounds up,
//! so that nothing is ever due early.
//! Not here: zones and calendars (`calendar`), the current time (`runtime/clock.rs`).

use std::fmt;

use chrono::{DateTime, SecondsFormat, Timelike, Utc};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);
    /// 2200-01-01T00:00:00Z: no due lies at or beyond it.
    pub const HORIZON: Self = Self(7_258_118_400_000);

    /// The instant `ms` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// The instant `seconds` seconds after the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The wheel's tick for this instant: the same milliseconds, with everything before 1970 at tick 0.
    #[must_use]
    pub const fn tick(self) -> u64 {
        if self.0 < 0 { 0 } else { self.0 as u64 }
    }

    /// The instant of a wheel tick.
    #[must_use]
    pub const fn from_tick(tick: u64) -> Self {
        Self(if tick > i64::MAX as u64 { i64::MAX } else { tick as i64 })
    }

    /// Reads an RFC 3339 time with an offset; a fraction finer than a millisecond rounds up.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let parsed = DateTime::parse_from_rfc3339(text).ok()?;
        let rest = i64::from(!parsed.nanosecond().is_multiple_of(1_000_000));
        Some(Self(parsed.timestamp_millis() + rest))
    }

    /// This instant plus a span, held at the ends of the range.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0 as i64))
    }

    /// This instant minus a span, held at the ends of the range.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0 as i64))
    }

    /// How much later this instant is than `earlier`; zero when it is not later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        let ms = self.0.saturating_sub(earlier.0);
        Span(if ms < 0 { 0 } else { ms as u64 })
    }

    /// Days since 1970-01-01 in UTC, rounded down: the history partition this instant belongs to.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC; milliseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_millis(self.0) {
            Some(time) => f.pad(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{} ms", self.0),
        }
    }
}

/// A length of time in whole milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span that still fits an instant: about 292 million years.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// A span of `ms` milliseconds, held at [`Span::MAX`].
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        if ms > Self::MAX.0 { Self::MAX } else { Self(ms) }
    }

    /// A span of `seconds` seconds, held at [`Span::MAX`].
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The same span for the standard library.
    #[must_use]
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }

    /// Reads `2h30m`, `90m`, `1d 12h`, `500ms`; months and years are refused because they have no fixed
    /// length. Finer than a millisecond rounds up.
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        let text = text.trim();
        let refused = |why| SpanError { text: text.to_owned(), why };
        if text.is_empty() {
            return Err(refused("is empty"));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refused("has no unit; write for example 30s, 5m, 2h or 1d"));
        }
        let mut unit = String::new();
        for c in text.chars().chain([' ']) {
            if c.is_alphabetic() {
                unit.push(c);
                continue;
            }
            if matches!(unit.as_str(), "M" | "month" | "months" | "y" | "yr" | "yrs" | "year" | "years") {
                return Err(refused("uses months or years, which have no fixed length; use days, or cron"));
            }
            unit.clear();
        }
        let parsed = humantime::parse_duration(text)
            .map_err(|_| refused("is not a duration; write for example 30s, 5m, 2h30m or 1d"))?;
        let rest = u128::from(!parsed.subsec_nanos().is_multiple_of(1_000_000));
        let ms = u64::try_from(parsed.as_millis() + rest).map_err(|_| refused("is too long"))?;
        Ok(Self::from_millis(ms))
    }

    /// Reads the durations of ISO 8601, `PT30M`, `P1DT12H`, `PT1.5S`, `P2W`: weeks, days, hours, minutes and seconds,
    /// each once and in that order. What [`Span::parse`] says of months, years and what is finer holds here as well.
    pub fn parse_iso(text: &str) -> Result<Self, SpanError> {
        const FORM: &str = "is not an ISO 8601 duration; write for example PT30M, PT1H30M or P1D";
        let refused = |why| SpanError { text: text.trim().to_owned(), why };
        let given = text.trim().to_ascii_uppercase();
        let parts = given.strip_prefix('P').filter(|parts| !parts.is_empty()).ok_or_else(|| refused(FORM))?;
        let (date, time) = parts.split_once('T').map_or((parts, None), |(date, time)| (date, Some(time)));
        if date.contains(['Y', 'M']) {
            return Err(refused("uses months or years, which have no fixed length; use days, or cron"));
        }
        if time == Some("") {
            return Err(refused(FORM));
        }
        let (days, hours) = ([("W", 604_800_000), ("D", 86_400_000)], [("H", 3_600_000), ("M", 60_000), ("S", 1000)]);
        let mut ms: u64 = 0;
        for (mut left, units) in [(date, &days[..]), (time.unwrap_or(""), &hours[..])] {
            for (unit, size) in units {
                let Some((number, rest)) = left.split_once(unit) else { continue };
                let (whole, part) = number.split_once(['.', ',']).unwrap_or((number, "0"));
                let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                if !digits(whole) || !digits(part) || part != "0" && *unit != "S" {
                    return Err(refused(FORM));
                }
                let thousandths = part.bytes().chain(*b"000").take(3);
                let thousandths = thousandths.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
                let is_finer = part.bytes().skip(3).any(|digit| digit != b'0');
                let whole = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(*size));
                let sum = whole.and_then(|whole| whole.checked_add(ms));
                let sum = sum.and_then(|sum| sum.checked_add(thousandths + u64::from(is_finer)));
                ms = sum.ok_or_else(|| refused("is too long"))?;
                left = rest;
            }
            if !left.is_empty() {
                return Err(refused(FORM));
            }
        }
        Ok(Self::from_millis(ms))
    }
}

impl fmt::Display for Span {
    /// `1d 2h 5m`, `90s` as `1m 30s`, `0s`: the form that [`Span::parse`] reads back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
        let mut left = self.0;
        let mut text = String::new();
        for (size, unit) in units {
            if left >= size {
                let gap = if text.is_empty() { "" } else { " " };
                text.push_str(&format!("{gap}{}{unit}", left / size));
                left %= size;
            }
        }
        f.pad(if text.is_empty() { "0s" } else { &text })
    }
}

/// A text that is not a span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' {why}")]
pub struct SpanError {
    /// What was given.
    pub text: String,
    /// What is wrong with it, as the rest of the sentence.
    pub why: &'static str,
}
