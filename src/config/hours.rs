//! Active hours: the part of every day in which a heartbeat's prompt is run, and its times in them.
//!
//! Units: minutes of the day, on the clock of a zone.
//! Invariants: active hours are a part of the day, never none. The times are the same local times on every day, whatever
//! the clocks do, and the first of them is the beginning of the hours.
//! Not here: what is run at these times (`import/heartbeat`), what a time is on a day of a clock change (`calendar`).

use std::collections::BTreeSet;

use super::Surroundings;
use super::section::{Section, Text};
use crate::limits::EXCEPT_COUNT_MAX;
use crate::problem::Problem;
use crate::time::Span;

const DAY_MINUTES: u32 = 24 * 60;
const MINUTE_MS: u64 = 60_000;

/// A part of every day; it may last past midnight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveHours {
    start: u32,
    end: u32,
    /// Name of the zone whose clock counts; `None`: that of the schedule.
    pub timezone: Option<String>,
}

/// The times of a prompt, as a schedule says them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// Quartz.
    pub cron: String,
    /// Where of what the pattern matches nothing is run.
    pub except: Vec<String>,
}

impl ActiveHours {
    pub(super) fn read(mut section: Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Option<Self> {
        let mut time = |section: &mut Section<'_, '_>, key| {
            let read = section.parsed(text, key, read_time);
            if read.is_none() && !section.has(key) {
                section.refuse(
                    text,
                    key,
                    Problem::new("", "is missing").hint("such as \"08:00\"; the day ends at \"24:00\""),
                );
            }
            read
        };
        let (start, end) = (time(&mut section, "start"), time(&mut section, "end"));
        let timezone = section.parsed(text, "timezone", |given| match given.trim() {
            "" => Ok(None),
            name => (around.zone)(name).map(|()| Some(name.to_owned())),
        });
        let (Some(start), Some(end)) = (start, end) else {
            section.finish(text);
            return None;
        };
        if start == DAY_MINUTES || start == end {
            let what = if start == end { "is also the end, so no hour is active" } else { "is the end of the day" };
            section.refuse(text, "start", Problem::new("", what).hint("for all hours leave active_hours out"));
        }
        section.finish(text);
        Some(Self { start, end, timezone: timezone.flatten() })
    }

    /// When they begin, as `08:00`.
    #[must_use]
    pub fn start(&self) -> String {
        shown(self.start)
    }

    /// When they end, as `24:00`; they end before it.
    #[must_use]
    pub fn end(&self) -> String {
        shown(self.end)
    }

    /// The times of what is run so often in them, counted from their beginning on every day anew.
    pub fn times(&self, period: Span) -> Result<Times, Problem> {
        let length = (self.end + DAY_MINUTES - self.start - 1) % DAY_MINUTES + 1;
        let ms = period.as_millis();
        let (minutes, minute) = (ms / MINUTE_MS, self.start % 60);
        let refuse = |what: &str, hint: &str| Err(Problem::new("", what).value(period.to_string()).hint(hint));
        if minutes >= u64::from(DAY_MINUTES) && ms != u64::from(DAY_MINUTES) * MINUTE_MS {
            let hint = "leave active_hours out, or write a section with '- Cron:' into the file";
            return refuse("is longer than a day, which active_hours cannot have", hint);
        }
        if minutes >= u64::from(length) {
            let cron = format!("0 {minute} {} * * ?", self.start / 60);
            return Ok(Times { cron, except: self.others().into_iter().collect() });
        }
        if ms < MINUTE_MS && MINUTE_MS.is_multiple_of(ms) && ms.is_multiple_of(1000) {
            let seconds = (0..60_u64).filter(|second| (second * 1000).is_multiple_of(ms));
            let cron = format!("{} * * * * ?", listed(seconds));
            return Ok(Times { cron, except: self.others().into_iter().collect() });
        }
        if minutes == 0 || !ms.is_multiple_of(MINUTE_MS) {
            return refuse("is not whole minutes, which active_hours need", "such as 30s, 1m or 30m");
        }
        if 60_u64.is_multiple_of(minutes) {
            let first = u64::from(minute) % minutes;
            let cron = format!("0 {} * * * ?", listed((first..60).step_by(minutes as usize)));
            return Ok(Times { cron, except: self.others().into_iter().collect() });
        }
        let times = self.counted(length, minutes as u32);
        if times.except.len() > EXCEPT_COUNT_MAX {
            return refuse(
                "makes too many times of the day for active_hours",
                "such as 15m, 30m, 45m or whole hours",
            );
        }
        Ok(times)
    }

    /// The times every so many minutes, one by one: the pattern of all their hours and minutes, without what it matches
    /// besides.
    fn counted(&self, length: u32, minutes: u32) -> Times {
        let clock = |after: u32| (self.start + after) % DAY_MINUTES;
        let times = || (0..length).step_by(minutes as usize).map(clock);
        let hours: BTreeSet<u32> = times().map(|time| time / 60).collect();
        let within: BTreeSet<u32> = times().map(|time| time % 60).collect();
        let is_matched = |time: u32| hours.contains(&(time / 60)) && within.contains(&(time % 60));
        let mut except: Vec<String> = self.others().into_iter().collect();
        for time in (0..length).step_by(minutes as usize) {
            let besides: Vec<u32> =
                (time + 1..length.min(time + minutes)).filter(|at| is_matched(clock(*at))).collect();
            if let (Some(first), Some(last)) = (besides.first(), besides.last()) {
                except.push(format!("{}-{}", shown(clock(*first)), shown(clock(last + 1))));
            }
        }
        let cron = format!("0 {} {} * * ?", listed(within.into_iter()), listed(hours.into_iter()));
        Times { cron, except }
    }

    /// All other hours, as an exclusion is written; `None`: there are none.
    fn others(&self) -> Option<String> {
        let end = self.end % DAY_MINUTES;
        (end != self.start).then(|| format!("{}-{}", shown(end), shown(self.start)))
    }
}

fn listed(numbers: impl Iterator<Item = impl ToString>) -> String {
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}

fn shown(minutes: u32) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `HH:MM`, up to `24:00`.
fn read_time(given: &str) -> Result<u32, Problem> {
    let number = |part: &str| {
        let is_number = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| is_number)
    };
    let parts = given.trim().split_once(':').and_then(|(hour, minute)| Some((number(hour)?, number(minute)?)));
    match parts {
        Some((hour, minute)) if hour < 24 && minute < 60 || (hour, minute) == (24, 0) => Ok(hour * 60 + minute),
        Some(_) | None => Err(Problem::new("", "is no time of the day").hint("write HH:MM, from 00:00 to 24:00")),
    }
}
