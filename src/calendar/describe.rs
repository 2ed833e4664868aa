//! Says in plain English at which times of the day a pattern is due, and puts the sentence together.
//!
//! Units: the matcher's sets.
//! Invariant: two patterns with equal sets have equal sentences, whatever dialect they were written in; a sentence
//! ends without a full stop and without the zone.
//! Not here: the zone's name (`cron`), days, months and years (`words`).
//! Source: ours; croner's `describe` serves the tests as an oracle of which values must be mentioned.

use super::civil::DAY_SECONDS;
use super::matcher::Matcher;
use super::words::{Days, days, listed, months, ordinal, years};
use crate::time::Span;

/// Times of day that are listed one by one; more are told by their hours and minutes.
pub(super) const LISTED_TIMES: u64 = 6;

/// The shape of a set of values below `size`.
enum Shape {
    All,
    One(u32),
    /// Every `n`th from 0 on.
    Step(u32),
    Range(u32, u32),
    List(Vec<u32>),
}

/// The sentence of a pattern.
pub(super) fn pattern(matcher: &Matcher) -> String {
    let times = listed_times(matcher);
    let is_listed = times.is_some();
    let mut sentence = times.unwrap_or_else(|| time(matcher));
    let mut months = months(matcher.months);
    match days(matcher) {
        Some(Days::Dates(mut days)) => {
            // The 1st of the month, in January, is better known as the 1st of January.
            if let Some(names) = months.as_deref().and_then(|months| months.strip_prefix("in "))
                && let Some(dates) = days.strip_suffix("the month").filter(|dates| !dates.contains("the month"))
            {
                days = format!("{dates}{names}");
                months = None;
            }
            let pause = if sentence.contains(", in ") { "," } else { "" };
            sentence += &format!("{pause} on {days}");
        }
        Some(Days::Weekdays(days)) => sentence += &format!(", {days}"),
        None if is_listed => sentence += " every day",
        None => {}
    }
    for part in [months, years(matcher.years)].into_iter().flatten() {
        sentence += &format!(", {part}");
    }
    sentence
}

/// The sentence of an interval.
pub(super) fn rhythm(period: Span) -> String {
    let units = [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000), ("millisecond", 1)];
    let mut left = period.as_millis();
    let mut counts = Vec::new();
    for (unit, size) in units {
        if left >= size {
            counts.push((left / size, unit));
            left %= size;
        }
    }
    if let [(1, unit)] = counts[..] {
        return format!("Every {unit}");
    }
    let parts = counts.iter().map(|(count, unit)| format!("{count} {unit}{}", plural(*count)));
    format!("Every {}", listed(&parts.collect::<Vec<_>>()))
}

/// `At 09:00 and 17:00`, if the times of a day are few enough to list.
fn listed_times(matcher: &Matcher) -> Option<String> {
    let count = matcher.times_before(DAY_SECONDS as u32);
    if count > LISTED_TIMES {
        return None;
    }
    let first = matcher.time_from(0);
    let times = std::iter::successors(first, |time| matcher.time_from(time + 1)).map(|time| {
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        if matcher.seconds == 1 {
            format!("{hour:02}:{minute:02}")
        } else {
            format!("{hour:02}:{minute:02}:{second:02}")
        }
    });
    Some(format!("At {}", listed(&times.collect::<Vec<_>>())))
}

/// The time of a pattern that is due too often to list.
fn time(matcher: &Matcher) -> String {
    let (seconds, minutes) = (values(matcher.seconds), values(matcher.minutes));
    let hours = values(u64::from(matcher.hours));
    if seconds == [0] {
        return by_minutes(&minutes, &hours);
    }
    let minute_part = match shape(&minutes, 60) {
        Shape::All => None,
        _ => Some(among("minute", &minutes, 60)),
    };
    let hour_part = match shape(&hours, 24) {
        Shape::All => None,
        _ => Some(among("hour", &hours, 24)),
    };
    let mut text = match shape(&seconds, 60) {
        Shape::All => "Every second".to_owned(),
        Shape::Step(step) => format!("Every {step} seconds{}", uneven(step, 60, "minute")),
        _ if minute_part.is_none() => format!("At {} of every minute", among("second", &seconds, 60)),
        _ => format!("At {}", among("second", &seconds, 60)),
    };
    for part in [minute_part, hour_part].into_iter().flatten() {
        text += &format!(", in {part}");
    }
    text
}

/// The time of a pattern that is due on whole minutes, too often to list.
fn by_minutes(minutes: &[u32], hours: &[u32]) -> String {
    let (first, last) = (minutes[0], minutes[minutes.len() - 1]);
    let of_hours = shape(hours, 24);
    let often = match shape(minutes, 60) {
        Shape::All => "Every minute".to_owned(),
        Shape::Step(step) => format!("Every {step} minutes{}", uneven(step, 60, "hour")),
        Shape::One(minute) => {
            return match of_hours {
                Shape::All if minute == 0 => "Every hour".to_owned(),
                Shape::All => format!("At minute {minute} of every hour"),
                Shape::Step(step) if minute == 0 => format!("Every {step} hours{}", uneven(step, 24, "day")),
                Shape::Step(step) => format!("Every {step} hours from 00:{minute:02}"),
                Shape::Range(from, upto) => {
                    format!("Every hour from {from:02}:{minute:02} through {upto:02}:{minute:02}")
                }
                _ => format!("At minute {minute} of {}", among("hour", hours, 24)),
            };
        }
        _ => {
            let minutes = among("minute", minutes, 60);
            return match of_hours {
                Shape::All => format!("At {minutes} of every hour"),
                _ => format!("At {minutes} of {}", among("hour", hours, 24)),
            };
        }
    };
    match of_hours {
        Shape::All => often,
        Shape::One(hour) => format!("{often} from {hour:02}:{first:02} through {hour:02}:{last:02}"),
        Shape::Range(from, upto) => format!("{often} from {from:02}:{first:02} through {upto:02}:{last:02}"),
        _ => format!("{often}, in {}", among("hour", hours, 24)),
    }
}

/// A remark on steps that do not divide the unit they run in, whose last gap is shorter.
fn uneven(step: u32, size: u32, unit: &str) -> String {
    if size.is_multiple_of(step) { String::new() } else { format!(" from the start of each {unit}") }
}

/// `minute 5`, `minutes 10 through 20`, `every 5th minute`, `minutes 1, 2 and 7`.
fn among(unit: &str, values: &[u32], size: u32) -> String {
    match shape(values, size) {
        Shape::All => format!("every {unit}"),
        Shape::One(value) => format!("{unit} {value}"),
        Shape::Step(step) => format!("every {} {unit}", ordinal(step)),
        Shape::Range(from, upto) => format!("{unit}s {from} through {upto}"),
        Shape::List(values) => format!("{unit}s {}", listed(&runs(&values))),
    }
}

/// A list with its runs of three and more abridged: `3 through 39`, `52`.
fn runs(values: &[u32]) -> Vec<String> {
    let chunks = values.chunk_by(|a, b| a + 1 == *b);
    chunks
        .flat_map(|chunk| match chunk {
            [first, _, .., last] if chunk.len() > 2 => vec![format!("{first} through {last}")],
            _ => chunk.iter().map(u32::to_string).collect(),
        })
        .collect()
}

fn shape(values: &[u32], size: u32) -> Shape {
    let (first, last) = (values[0], values[values.len() - 1]);
    let step = if values.len() > 1 { values[1] - first } else { 0 };
    let even = values.windows(2).all(|pair| pair[1] - pair[0] == step);
    match values.len() {
        count if count as u32 == size => Shape::All,
        1 => Shape::One(first),
        2 if step * 2 != size || first != 0 => Shape::List(values.to_vec()),
        _ if even && step == 1 => Shape::Range(first, last),
        _ if even && first == 0 && last + step >= size => Shape::Step(step),
        _ => Shape::List(values.to_vec()),
    }
}

fn values(set: u64) -> Vec<u32> {
    (0..64).filter(|value| set >> value & 1 == 1).collect()
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}
