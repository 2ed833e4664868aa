//! The oracle: when a trigger is due, found by brute force and without the engine's calendar.
//!
//! Intervals are arithmetic. A cron pattern is one of a handful of shapes, and every minute is asked whether it
//! matches; local time comes from another implementation of the zone rules (`jiff`) by quarters of an hour.
//! Units: milliseconds since 1970, UTC. Source of the rule for daylight saving: Vixie cron.

use std::sync::Arc;

use chimewheel::calendar::{After, Cron, DialectChoice, Ends, Trigger, Zone};
use chimewheel::time::{Span, Timestamp};
use jiff::tz::TimeZone;

pub const MINUTE: i64 = 60_000;
const QUARTER: i64 = 15 * MINUTE;

/// When something is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    At(i64),
    Every {
        period: i64,
        anchor: i64,
    },
    Cron {
        pattern: &'static Pattern,
        zone: &'static str,
    },
    /// When a run of this schedule has ended so; `check_chain` knows when that was.
    After {
        first: String,
        ends: Ends,
    },
}

/// A pattern as text and as what it means.
#[derive(Debug, PartialEq)]
pub struct Pattern {
    pub text: &'static str,
    minutes: &'static [i64],
    /// Empty: every hour.
    hours: &'static [i64],
    /// 1 is Monday; empty: every day.
    weekdays: &'static [i64],
    /// Empty: every day.
    month_days: &'static [i64],
    /// No field of its time of day begins with a star.
    fixed: bool,
}

pub const ZONES: &[&str] = &["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"];

pub const PATTERNS: &[Pattern] = &[
    Pattern { text: "*/20 * * * *", minutes: &[0, 20, 40], hours: &[], weekdays: &[], month_days: &[], fixed: false },
    Pattern { text: "7 * * * *", minutes: &[7], hours: &[], weekdays: &[], month_days: &[], fixed: false },
    Pattern { text: "30 2 * * *", minutes: &[30], hours: &[2], weekdays: &[], month_days: &[], fixed: true },
    Pattern { text: "15,45 1 * * *", minutes: &[15, 45], hours: &[1], weekdays: &[], month_days: &[], fixed: true },
    Pattern {
        text: "0 9,17 * * 1-5",
        minutes: &[0],
        hours: &[9, 17],
        weekdays: &[1, 2, 3, 4, 5],
        month_days: &[],
        fixed: true,
    },
    Pattern { text: "0 12 1,29 * *", minutes: &[0], hours: &[12], weekdays: &[], month_days: &[1, 29], fixed: true },
];

impl Shape {
    /// Every due in `(after, until]`.
    pub fn dues_in(&self, after: i64, until: i64) -> Vec<i64> {
        match self {
            Self::At(at) => Vec::from_iter((*at > after && *at <= until).then_some(*at)),
            Self::Every { period, anchor } => {
                // An interval begins at its anchor, which is its first due.
                let first = (after - anchor).div_euclid(*period) + 1;
                (first.max(0)..).map(|k| anchor + k * period).take_while(|due| *due <= until).collect()
            }
            Self::Cron { pattern, zone } => pattern.dues_in(zone, after, until),
            Self::After { .. } => Vec::new(),
        }
    }

    /// Whether a clock set back makes it fire again at once.
    pub fn keeps_cadence(&self) -> bool {
        match self {
            Self::At(_) | Self::After { .. } => false,
            Self::Every { .. } => true,
            Self::Cron { pattern, .. } => !pattern.fixed,
        }
    }

    pub fn trigger(&self) -> Trigger {
        match self {
            Self::At(at) => Trigger::At(Timestamp::from_millis(*at)),
            Self::Every { period, anchor } => {
                Trigger::Every { period: Span::from_millis(*period as u64), anchor: Timestamp::from_millis(*anchor) }
            }
            Self::Cron { pattern, zone } => {
                let zone = Zone::parse(zone).expect("a zone");
                Trigger::Cron(Arc::new(Cron::parse(pattern.text, DialectChoice::Unix, zone).expect("a pattern")))
            }
            Self::After { first, ends } => {
                Trigger::After(After { schedule: first.as_str().into(), key: None, ends: *ends })
            }
        }
    }
}

impl Pattern {
    fn dues_in(&self, zone: &str, after: i64, until: i64) -> Vec<i64> {
        let zone = TimeZone::get(zone).expect("a zone");
        let offset = |at: i64| {
            let at = jiff::Timestamp::from_millisecond(at).expect("an instant");
            i64::from(zone.to_offset(at).seconds()) * 1000
        };
        let mut dues = Vec::new();
        let mut quarter = after.div_euclid(QUARTER) * QUARTER;
        let mut before = offset(quarter - MINUTE);
        while quarter <= until {
            let now = offset(quarter);
            for minute in 0..15 {
                let at = quarter + minute * MINUTE;
                if at > after && at <= until && self.is_due(at, now, if minute == 0 { before } else { now }, &offset)
                {
                    dues.push(at);
                }
            }
            before = now;
            quarter += QUARTER;
        }
        dues
    }

    /// `now` and `before` are the offsets at this minute and at the one before it.
    fn is_due(&self, at: i64, now: i64, before: i64, offset: &impl Fn(i64) -> i64) -> bool {
        if !self.fixed {
            return self.matches(at + now);
        }
        // What the clock jumps over happens at the first minute after the gap.
        let skipped = (at + before..at + now).step_by(MINUTE as usize).any(|local| self.matches(local));
        // What the clock shows twice happens the first time: some earlier minute showed the same.
        let repeated = [30 * MINUTE, 60 * MINUTE].iter().any(|back| offset(at - back) == now + back);
        skipped || self.matches(at + now) && !repeated
    }

    fn matches(&self, local: i64) -> bool {
        let (day, minute) = (local.div_euclid(1440 * MINUTE), local.rem_euclid(1440 * MINUTE) / MINUTE);
        let has = |list: &[i64], value: i64| list.is_empty() || list.contains(&value);
        // 1970-01-01 was a Thursday.
        has(self.minutes, minute % 60)
            && has(self.hours, minute / 60)
            && has(self.weekdays, (day + 3).rem_euclid(7) + 1)
            && has(self.month_days, day_of_month(day))
    }
}

/// Counts months off from 1970.
fn day_of_month(day: i64) -> i64 {
    let mut left = day;
    for year in 1970.. {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let year_days = if is_leap { 366 } else { 365 };
        if left >= year_days {
            left -= year_days;
            continue;
        }
        for length in [31, year_days - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if left < length {
                return left + 1;
            }
            left -= length;
        }
    }
    unreachable!("years go on")
}
