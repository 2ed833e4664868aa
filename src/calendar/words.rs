//! Says in plain English on which days, in which months and in which years a pattern is due.
//!
//! Units: the matcher's sets; weekdays from 0 = Sunday.
//! Invariant: a field that allows everything says nothing.
//! Not here: times of day and the whole sentence (`describe`).
//! Source: ours.

use super::matcher::{self, ALL_DAYS, Matcher, Weekdays, bits};
use super::years::Years;
use super::zone::{MONTH_NAMES as MONTHS, WEEKDAY_NAMES as WEEKDAYS};
use crate::limits::CRON_YEAR_MAX;

const EVERY_WEEKDAY: u8 = 0x7f;

/// The days of a pattern in words.
pub(super) enum Days {
    /// Counted within the month; to be read after `on`.
    Dates(String),
    /// Days of the week alone: `Monday through Friday`.
    Weekdays(String),
}

/// The days, if not every one.
pub(super) fn days(matcher: &Matcher) -> Option<Days> {
    let weekdays = matcher.weekdays;
    if matcher.days.dates == ALL_DAYS || weekdays.every == EVERY_WEEKDAY {
        return None;
    }
    let dates = format!("{} of the month", dates(matcher.days));
    if weekdays == Weekdays::default() {
        return Some(Days::Dates(dates));
    }
    if matcher.days != matcher::Days::default() {
        return Some(Days::Dates(format!("{dates} and on {}", weekdays_of_month(weekdays))));
    }
    if weekdays != (Weekdays { every: weekdays.every, ..Weekdays::default() }) {
        return Some(Days::Dates(weekdays_of_month(weekdays)));
    }
    let alone = if weekdays.every.is_power_of_two() { "every " } else { "" };
    Some(Days::Weekdays(format!("{alone}{}", every_weekday(weekdays.every))))
}

/// The months, if not every one: `in June and July`, or `June through August`.
pub(super) fn months(set: u16) -> Option<String> {
    let months: Vec<u32> = bits(u32::from(set)).map(|month| month - 1).collect();
    let name = |month: u32| MONTHS[month as usize].to_owned();
    match run_around(&months, 12) {
        _ if months.len() == 12 => None,
        Some((first, last)) => Some(format!("{} through {}", name(first), name(last))),
        None => Some(format!("in {}", listed(&months.into_iter().map(name).collect::<Vec<_>>()))),
    }
}

/// The years, if not every one.
pub(super) fn years(years: Years) -> Option<String> {
    if years.is_all() {
        return None;
    }
    let mut parts = Vec::new();
    for (first, last, step) in years.spans() {
        match (last - first) / step {
            0..=3 if step > 1 || last - first == 1 => {
                parts.extend((first..=last).step_by(step as usize).map(|year| year.to_string()))
            }
            0 => parts.push(first.to_string()),
            _ if step == 1 => parts.push(format!("{first} through {last}")),
            _ if last + step > CRON_YEAR_MAX => {
                parts.push(format!("every {} year from {first}", ordinal(step as u32)))
            }
            _ => parts.push(format!("every {} year from {first} through {last}", ordinal(step as u32))),
        }
    }
    match (years.spans().count(), parts.first()) {
        (1, Some(range)) if range.contains(" through ") && !range.starts_with("every") => {
            Some(format!("from {range}"))
        }
        _ => Some(format!("in {}", listed(&parts))),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// `1st`, `2nd`, `11th`, `23rd`.
pub(super) fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `the 1st, the 15th and the last day`, to be followed by `of the month`.
fn dates(days: matcher::Days) -> String {
    let plain: Vec<u32> = bits(days.dates).collect();
    let mut parts = Vec::new();
    let step = if plain.len() > 2 { plain[1] - plain[0] } else { 0 };
    let even = plain.len() > 4 && plain.windows(2).all(|pair| pair[1] - pair[0] == step);
    match plain[..] {
        [first, _, .., last] if is_run(&plain) => {
            parts.push(format!("the {} through {}", ordinal(first), ordinal(last)))
        }
        [1, .., last] if even && last + step > 31 => parts.push(format!("every {} day", ordinal(step))),
        [first, .., last] if even && last + step > 31 => {
            parts.push(format!("every {} day from the {}", ordinal(step), ordinal(first)));
        }
        _ => parts.extend(plain.iter().map(|day| format!("the {}", ordinal(*day)))),
    }
    parts.extend(bits(days.nearest).map(|day| format!("the weekday nearest to the {}", ordinal(day))));
    parts.extend(bits(days.nearest_last).map(|before| match before {
        0 => "the last weekday".to_owned(),
        before => format!("the weekday nearest to {}", before_last(before)),
    }));
    // The last days come in the order of the calendar: the earliest has the largest bit.
    let mut last: Vec<u32> = bits(days.last).collect();
    last.reverse();
    parts.extend(last.into_iter().map(before_last));
    listed(&parts)
}

fn before_last(before: u32) -> String {
    match before {
        0 => "the last day".to_owned(),
        1 => "the day before the last day".to_owned(),
        before => format!("the {} day before the last day", ordinal(before)),
    }
}

/// Weekdays alone: `Monday through Friday`, `Saturday and Sunday`.
pub(super) fn every_weekday(set: u8) -> String {
    // The week is told from Monday on.
    let days: Vec<u32> = (1..=7).map(|day| day % 7).filter(|day| set >> day & 1 == 1).collect();
    let name = |day: u32| WEEKDAYS[day as usize].to_owned();
    if let Some((first, last)) = run_around(&days, 7) {
        return format!("{} through {}", name(first), name(last));
    }
    listed(&days.into_iter().map(name).collect::<Vec<_>>())
}

/// Weekdays counted within the month, with any plain ones after them.
fn weekdays_of_month(weekdays: Weekdays) -> String {
    let names = |set: u8| bits(u32::from(set)).map(|day| WEEKDAYS[day as usize]);
    let mut parts = Vec::new();
    for (week, set) in (1..).zip(weekdays.nth) {
        parts.extend(names(set).map(|name| format!("the {} {name}", ordinal(week))));
    }
    parts.extend(names(weekdays.last).map(|name| format!("the last {name}")));
    let counted = if parts.is_empty() { String::new() } else { format!("{} of the month", listed(&parts)) };
    match (weekdays.every, counted.is_empty()) {
        (0, _) => counted,
        (every, true) => format!("every {}", every_weekday(every)),
        (every, false) => format!("{counted} and on every {}", every_weekday(every)),
    }
}

/// The ends of a run of at least three values that may cross the end of a circle of `size`, as Friday through Monday
/// does.
fn run_around(values: &[u32], size: u32) -> Option<(u32, u32)> {
    let mut starts = values.iter().copied().filter(|value| !values.contains(&((value + size - 1) % size)));
    let first = starts.next()?;
    (starts.next().is_none() && values.len() > 2).then(|| (first, (first + values.len() as u32 - 1) % size))
}

/// Whether at least three values follow each other without a hole.
fn is_run(values: &[u32]) -> bool {
    values.len() > 2 && values.windows(2).all(|pair| pair[1] - pair[0] == 1)
}
