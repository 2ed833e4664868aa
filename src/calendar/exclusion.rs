//! One exclusion as somebody writes it: dates, weekdays, or hours of the day.
//!
//! Forms: `2026-12-24`, `2026-12-24..2026-12-26` (both days included), `SAT,SUN`, `FRI-MON`, `22:00-07:00` (every
//! day), `MON-FRI 22:00-07:00`. Hours begin included and end excluded; hours that end before they begin last into
//! the next day and belong to the day on which they begin.
//! Units: days since 1970-01-01, weekdays with 0 = Sunday, seconds of the day.
//! Not here: zones, and what several exclusions cover together (`except`).

use super::civil::{DAY_SECONDS, date_of, day_number, month_length};
use super::field::WEEKDAYS;
use super::words::every_weekday;

const EVERY_DAY: u8 = 0x7f;

/// What one entry of a list covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exclusion {
    /// Whole days, both ends included.
    Dates { first: i64, last: i64 },
    /// On these weekdays, one bit each: from a second of the day on, for so many seconds.
    Hours { weekdays: u8, from: i64, length: i64 },
}

/// A text that is not an exclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

const FORMS: &str = "write a date 2026-12-24, dates 2026-12-24..2026-12-26, weekdays SAT,SUN, hours 22:00-07:00, or \
                     weekdays with hours, MON-FRI 22:00-07:00";

impl Exclusion {
    /// Reads one entry.
    pub(super) fn read(text: &str) -> Result<Self, ExceptError> {
        let text = text.trim().replace(", ", ",");
        let parts: Vec<&str> = text.split_whitespace().collect();
        match parts[..] {
            [dates] if dates.starts_with(|c: char| c.is_ascii_digit()) && !dates.contains(':') => read_dates(dates),
            [hours] if hours.contains(':') => read_hours(EVERY_DAY, hours),
            [days] => Ok(Self::Hours { weekdays: read_weekdays(days)?, from: 0, length: DAY_SECONDS }),
            [days, hours] if hours.contains(':') && !days.starts_with(|c: char| c.is_ascii_digit()) => {
                read_hours(read_weekdays(days)?, hours)
            }
            _ => Err(refused("is no exclusion", FORMS)),
        }
    }

    /// The entry in plain English.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Dates { first, last } if first == last => date(first),
            Self::Dates { first, last } => format!("{} through {}", date(first), date(last)),
            Self::Hours { weekdays, length: DAY_SECONDS, .. } => every_weekday(weekdays),
            Self::Hours { weekdays: EVERY_DAY, from, length } => hours(from, length),
            Self::Hours { weekdays, from, length } => format!("{} {}", every_weekday(weekdays), hours(from, length)),
        }
    }
}

fn refused(message: impl Into<String>, hint: &str) -> ExceptError {
    ExceptError { message: message.into(), hint: Some(hint.to_owned()) }
}

fn read_dates(text: &str) -> Result<Exclusion, ExceptError> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last) = (read_date(first)?, read_date(last)?);
    if last < first {
        return Err(refused(format!("ends before it begins: {} is before {}", date(last), date(first)), FORMS));
    }
    Ok(Exclusion::Dates { first, last })
}

fn read_date(text: &str) -> Result<i64, ExceptError> {
    let number = |part: Option<&str>, width: usize| {
        part.filter(|part| part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|part| part.parse::<u32>().ok())
    };
    let mut parts = text.split('-');
    let read = (number(parts.next(), 4), number(parts.next(), 2), number(parts.next(), 2), parts.next());
    let (Some(year), Some(month), Some(day), None) = read else {
        return Err(refused(format!("'{text}' is not a date"), FORMS));
    };
    let year = year as i32;
    if !(1..=12).contains(&month) || !(1..=month_length(year, month)).contains(&day) {
        return Err(refused(format!("there is no {text}"), "write a date of the calendar"));
    }
    Ok(day_number(year, month, day))
}

fn read_weekdays(text: &str) -> Result<u8, ExceptError> {
    let mut weekdays = 0;
    for item in text.split(',') {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        let (mut day, last) = (read_weekday(first)?, read_weekday(last)?);
        weekdays |= 1 << day;
        while day != last {
            day = (day + 1) % 7;
            weekdays |= 1 << day;
        }
    }
    Ok(weekdays)
}

fn read_weekday(text: &str) -> Result<usize, ExceptError> {
    if let Some(day) = WEEKDAYS.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(day);
    }
    let short = text.get(..3).unwrap_or_default().to_ascii_uppercase();
    let near = WEEKDAYS.iter().find(|name| **name == short).map(|name| format!("did you mean {name}?"));
    let hint = near.unwrap_or_else(|| FORMS.to_owned());
    Err(ExceptError { message: format!("'{text}' is not a weekday"), hint: Some(hint) })
}

fn read_hours(weekdays: u8, text: &str) -> Result<Exclusion, ExceptError> {
    let ends = text.split_once('-').and_then(|(from, to)| Some((read_time(from)?, read_time(to)?)));
    let Some((from, to)) = ends.filter(|(from, _)| *from < DAY_SECONDS) else {
        return Err(refused(format!("'{text}' are no hours of a day"), "write for example 22:00-07:00"));
    };
    if from == to {
        return Err(refused(format!("'{text}' ends when it begins"), "for whole days leave the hours out"));
    }
    let length = if to > from { to - from } else { to + DAY_SECONDS - from };
    Ok(Exclusion::Hours { weekdays, from, length })
}

/// `HH:MM` up to `24:00` as seconds of the day.
fn read_time(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let is_number = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let (true, true) = (is_number(hour), is_number(minute)) else { return None };
    let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
    let seconds = hour * 3600 + minute * 60;
    (minute < 60 && seconds <= DAY_SECONDS).then_some(seconds)
}

fn date(number: i64) -> String {
    let (year, month, day) = date_of(number);
    format!("{year:04}-{month:02}-{day:02}")
}

fn hours(from: i64, length: i64) -> String {
    let time = |second: i64| format!("{:02}:{:02}", second / 3600, second / 60 % 60);
    let end = from + length;
    format!("{} to {}", time(from), time(if end > DAY_SECONDS { end - DAY_SECONDS } else { end }))
}
