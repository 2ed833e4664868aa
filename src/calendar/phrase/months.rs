//! Dates, and days counted within a month.
//!
//! Units: weekdays count from 0 = Sunday, months and days from 1.
//! Invariant: a number is part of one group only; a group that begins and does not fit is refused, not passed over.
//! Not here: which of the groups fit together (`once`, `again`).

use super::clock::{CLOCK_HINT, Clock};
use super::pieces::{Days, Reader};
use super::scan::{month, month_name, ordinal, weekday};
use super::{PHRASE_EXAMPLES, PhraseError};
use crate::calendar::civil::month_length;

/// A day counted within its month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayOfMonth {
    /// The 15th.
    Day(u32),
    /// The last day.
    Last,
    /// The last of Monday to Friday.
    LastWorkday,
    /// The second Tuesday.
    Nth(u32, u32),
    /// The last Friday.
    LastOf(u32),
}

/// `first`, `2nd` or `last`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Count {
    Nth(u32),
    Last,
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Noun {
    Day,
    Workday,
    Weekday(u32),
}

impl Reader<'_> {
    /// `2026-12-24`, `24 December`, `December 24th, 2026`, `24th of December`.
    pub(super) fn date(&mut self) -> Result<bool, PhraseError> {
        let from = self.place;
        if self.iso_date()? {
            return Ok(true);
        }
        let the = usize::from(self.peek(0) == "the");
        let day_of = |text: &str| {
            let plain = text.parse::<u32>().ok().filter(|_| text.len() <= 2 && !text.starts_with('+'));
            plain.or_else(|| ordinal(text))
        };
        let of = usize::from(self.peek(the + 1) == "of");
        let (day, month, words) = if let Some(month) = month(self.peek(0)) {
            let the = usize::from(self.peek(1) == "the");
            let Some(day) = day_of(self.peek(1 + the)) else {
                self.place += 1;
                return self.refuse(from, "names a month without a day", "write for example 'on 1 April at 9'");
            };
            (day, month, 2 + the)
        } else {
            let day = day_of(self.peek(the));
            let (Some(day), Some(month)) = (day, month(self.peek(the + 1 + of))) else { return Ok(false) };
            (day, month, the + of + 2)
        };
        self.place += words;
        let year = self.peek(0).parse::<i32>().ok().filter(|year| (1970..=2199).contains(year));
        self.place += usize::from(year.is_some());
        self.checked_date(from, year, month, day)
    }

    /// `2026-12-24`, `2026-12-24T18:00`.
    pub(super) fn iso_date(&mut self) -> Result<bool, PhraseError> {
        let (from, word) = (self.place, self.peek(0).to_owned());
        let (date, time) = word.split_once('t').map_or((word.as_str(), None), |(date, time)| (date, Some(time)));
        let parts: Vec<&str> = date.split('-').collect();
        let [year, month, day] = parts[..] else { return Ok(false) };
        let digits = |text: &str, width| text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
        if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
            return Ok(false);
        }
        let value = |text: &str| text.parse::<u32>().unwrap_or(0);
        let (year, month, day) = (value(year) as i32, value(month), value(day));
        self.place += 1;
        if let Some(time) = time {
            let local = format!("2000-01-01T{time}");
            if crate::calendar::Zone::UTC.parse_local(&local).is_none()
                || time.contains('.')
                || !self.said.times.is_empty()
            {
                return self.refuse(from, format!("'{time}' is not a time of day"), CLOCK_HINT);
            }
            let part = |index| time.split(':').nth(index).map_or(0, value);
            let (hour, minute, second) = (part(0), part(1), part(2));
            let text = time.to_owned();
            self.said.times = vec![Clock { hour, minute, second, open: false, midnight: false, text }];
        }
        self.checked_date(from, Some(year), month, day)
    }

    fn checked_date(&mut self, from: usize, year: Option<i32>, month: u32, day: u32) -> Result<bool, PhraseError> {
        // Without a year the 29th of February is a date, every fourth year.
        let days = if (1..=12).contains(&month) { month_length(year.unwrap_or(2000), month) } else { 0 };
        if !(1..=days).contains(&day) || year.is_some_and(|year| !(1970..=2199).contains(&year)) {
            let hint = match days {
                0 => "months are 1 to 12".to_owned(),
                days => format!("{} has {days} days, and years are 1970 to 2199", month_name(month)),
            };
            return self.refuse(from, "is not a date", hint);
        }
        self.set_days(from, Days::Date { year, month, day })
    }

    /// `the 1st and the 15th of the month`, `last friday of every month`, `first monday`.
    pub(super) fn of_month(&mut self) -> Result<bool, PhraseError> {
        let from = self.place;
        let mut items: Vec<(Count, Option<Noun>)> = Vec::new();
        loop {
            let before = self.place;
            let listed = self.words.get(self.place).is_some_and(|word| word.listed);
            let joined = items.is_empty() || self.took(&["and"]) || listed;
            self.took(&["the"]);
            let count = match self.peek(0) {
                "last" => Some(Count::Last),
                word => ordinal(word).map(Count::Nth),
            };
            let Some(count) = count.filter(|_| joined) else {
                self.place = before;
                break;
            };
            self.place += 1;
            let noun = match self.peek(0) {
                "day" => Some(Noun::Day),
                "weekday" | "workday" => Some(Noun::Workday),
                word => weekday(word).map(|(day, _)| Noun::Weekday(day)),
            };
            self.place += usize::from(noun.is_some());
            items.push((count, noun));
            if let (Count::Nth(first), true) = (count, noun.is_none() && matches!(self.peek(0), "to" | "through"))
                && let the = usize::from(self.peek(1) == "the")
                && let Some(last) = ordinal(self.peek(1 + the)).filter(|last| (first + 1..=31).contains(last))
            {
                self.place += 2 + the;
                items.extend((first + 1..=last).map(|day| (Count::Nth(day), Some(Noun::Day))));
            }
        }
        if items.is_empty() {
            return Ok(false);
        }
        let said = self.peek(0) == "of";
        if said {
            self.place += 1;
            self.took(&["the", "every", "each"]);
            if !self.took(&["month", "months"]) {
                return self.refuse(from, "does not say of which month", "write for example 'the 1st of the month'");
            }
        }
        let days = self.counted(from, &items)?;
        self.set_days(from, Days::OfMonth { days, said })
    }

    /// `first and third monday`: what is counted is said once, at the end.
    fn counted(&self, from: usize, items: &[(Count, Option<Noun>)]) -> Result<Vec<DayOfMonth>, PhraseError> {
        let mut noun = None;
        let mut days = Vec::new();
        for (count, own) in items.iter().rev() {
            // The 15th and the first Monday: what can only be a date is one.
            noun = own.or(noun).filter(|noun| own.is_some() || !beyond_weeks(*count, *noun));
            days.push(match (count, noun) {
                (Count::Nth(day @ 1..=31), None | Some(Noun::Day)) => DayOfMonth::Day(*day),
                (Count::Last, Some(Noun::Day)) => DayOfMonth::Last,
                (Count::Last, Some(Noun::Workday)) => DayOfMonth::LastWorkday,
                (Count::Last, Some(Noun::Weekday(day))) => DayOfMonth::LastOf(day),
                (Count::Nth(week @ 1..=5), Some(Noun::Weekday(day))) => DayOfMonth::Nth(*week, day),
                (Count::Nth(_), Some(Noun::Workday)) => {
                    let hint = "write it as cron, such as 0 0 9 1W * ? for the first one";
                    return self.refuse(from, "cannot count weekdays from the beginning of the month", hint);
                }
                (Count::Nth(_) | Count::Last, _) => {
                    return self.refuse(from, "is not a day of the month", PHRASE_EXAMPLES);
                }
            });
        }
        days.reverse();
        Ok(days)
    }
}

const fn beyond_weeks(count: Count, noun: Noun) -> bool {
    matches!((count, noun), (Count::Nth(6..), Noun::Weekday(_)))
}
