//! What a phrase means that happens once: the instant.
//!
//! Units: civil fields in, `Timestamp` out. Rounding: none. A time in a gap of daylight saving is the first instant
//! after it, one that comes twice is the first of the two, as everywhere in the calendar.
//! Invariant: a time without a date is the next one; a date is never moved.
//! Not here: refusing what is past (`spec`).

use super::clock::Time;
use super::pieces::{Days, Said};
use super::scan::{month_name, weekday_name};
use super::{Meaning, PHRASE_EXAMPLES, PhraseError, Setting};
use crate::calendar::civil::{date_of, day_number, month_length, weekday_of};
use crate::time::Timestamp;

/// Milliseconds of a day that has no clock change.
const DAY_MS: u64 = 86_400_000;

pub(super) fn meaning(said: Said, setting: Setting<'_>, notes: &mut Vec<String>) -> Result<Meaning, PhraseError> {
    let Said { span, cycle: _, times, part, days } = said;
    let mut days = days;
    if let Some(span) = span {
        let is_dated = days.is_some();
        if times.is_empty() && part.is_none() && !is_dated {
            return Ok(Meaning::Once { at: setting.now.plus(span), instead: None });
        }
        if is_dated || !span.as_millis().is_multiple_of(DAY_MS) {
            return setting.refuse("names a span and another time", "write 'in 2 hours', or 'in 3 days at 9'");
        }
        days = Some(Days::Ahead(i64::try_from(span.as_millis() / DAY_MS).unwrap_or(i64::MAX)));
    }
    let time = match times.as_slice() {
        [] => match part {
            Some(part) => part.time(notes),
            None => {
                let hint = format!("add one, as in '{} at 9am'", setting.whole);
                return setting.refuse("names no time of day", hint);
            }
        },
        [clock] => match clock.settle(part, notes) {
            Ok(time) => time,
            Err(wrong) => return setting.refuse(wrong, PHRASE_EXAMPLES),
        },
        [_, _, ..] => {
            return setting.refuse("names several times of one day", "make a schedule of each, or say 'every …'");
        }
    };
    let day = Day { setting, time, today: today(setting) };
    match days {
        None => day.next_of(0..=1, |_| true, notes),
        Some(Days::Ahead(ahead)) => day.ahead(ahead, notes),
        Some(Days::Weekdays { set, next, .. }) => day.weekday(set, next, notes),
        Some(Days::Date { year: Some(year), month, day: date }) => {
            let at = day.at(day_number(year, month, date), notes)?;
            Ok(Meaning::Once { at, instead: None })
        }
        Some(Days::Date { year: None, month, day: date }) => day.date(month, date, notes),
        Some(Days::OfMonth { .. }) => setting.refuse("does not say of which month", PHRASE_EXAMPLES),
    }
}

fn today(setting: Setting<'_>) -> i64 {
    let local = setting.zone.local(setting.now);
    day_number(local.year, local.month, local.day)
}

/// A time of day whose date is being looked for.
#[derive(Clone, Copy)]
struct Day<'t> {
    setting: Setting<'t>,
    time: Time,
    /// The date of now, as a day number.
    today: i64,
}

impl Day<'_> {
    /// The instant on a date.
    fn at(self, day: i64, notes: &mut Vec<String>) -> Result<Timestamp, PhraseError> {
        let Time { hour, minute, second, next_day } = self.time;
        let zone = self.setting.zone;
        let (year, month, day) = date_of(day.saturating_add(i64::from(next_day)).min(100_000));
        let clock = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        let Some(at) = zone.parse_local(&clock).filter(|at| *at < Timestamp::HORIZON) else {
            return self.setting.refuse("lies after the year 2199", PHRASE_EXAMPLES);
        };
        if zone.format_civil(at) != clock {
            notes.push(format!("{clock} does not exist in {zone}: read as {}", zone.format_civil(at)));
        }
        Ok(at)
    }

    fn ahead(self, days: i64, notes: &mut Vec<String>) -> Result<Meaning, PhraseError> {
        let at = self.at(self.today.saturating_add(days.min(100_000)), notes)?;
        let Time { hour, minute, .. } = self.time;
        let instead = (days == 0).then(|| format!("tomorrow at {hour:02}:{minute:02}"));
        Ok(Meaning::Once { at, instead })
    }

    /// The first day ahead that is wanted and whose time is still to come.
    fn next_of(
        self,
        mut days: impl Iterator<Item = i64>,
        wanted: impl Fn(i64) -> bool,
        notes: &mut Vec<String>,
    ) -> Result<Meaning, PhraseError> {
        let known = notes.len();
        let found = days.find_map(|ahead| {
            let day = self.today + ahead;
            if !wanted(day) {
                return None;
            }
            notes.truncate(known);
            match self.at(day, notes) {
                Ok(at) if at <= self.setting.now => None,
                other => Some(other),
            }
        });
        match found {
            Some(at) => Ok(Meaning::Once { at: at?, instead: None }),
            None => self.setting.refuse("never comes", PHRASE_EXAMPLES),
        }
    }

    fn weekday(self, set: u8, next: bool, notes: &mut Vec<String>) -> Result<Meaning, PhraseError> {
        let days = if next { 1..=8 } else { 0..=7 };
        let meaning = self.next_of(days, |day| set >> weekday_of(day) & 1 == 1, notes)?;
        let Meaning::Once { at, .. } = meaning else { return Ok(meaning) };
        let name = weekday_name(set.trailing_zeros());
        let date = self.setting.zone.format_civil(at);
        let date = date.split(' ').next().unwrap_or_default();
        if next {
            notes.push(format!("'next {name}' is read as the first {name} after today, {date}"));
        } else if set >> weekday_of(self.today) & 1 == 1 {
            notes.push(format!("today is {name}: '{name}' is read as {date}"));
        }
        Ok(meaning)
    }

    /// A date without a year: the next one.
    fn date(self, month: u32, date: u32, notes: &mut Vec<String>) -> Result<Meaning, PhraseError> {
        let (this_year, ..) = date_of(self.today);
        // Two leap years may lie 8 years apart, around a century.
        let years = (this_year..=this_year + 8).filter(|year| date <= month_length(*year, month));
        let days: Vec<i64> = years.map(|year| day_number(year, month, date) - self.today).collect();
        let meaning = self.next_of(days.iter().copied(), |_| true, notes)?;
        if let Meaning::Once { at, .. } = meaning {
            let year = self.setting.zone.local(at).year;
            if year != this_year {
                notes.push(format!("{date} {} is read as that of {year}", month_name(month)));
            }
        }
        Ok(meaning)
    }
}
