//! A compiled pattern: which days of a month and which seconds of a day match.
//!
//! Units: bit `n` of a set stands for value `n`; weekdays count from 0 = Sunday; times are seconds of the day.
//! Invariant: `seconds`, `minutes` and `hours` are never empty; a day matches when its date or its weekday does,
//! and the field that was left open is empty unless both were.
//! Not here: walking from day to day (`search`), zones (`fold`), text (`dialect`, `field`).
//! Source: OCPS 1.4 for L, W and #; Quartz for L-n and L-nW.

use super::civil::{day_number, month_length, weekday_of};
use super::years::Years;

/// Every day of the longest month.
pub(super) const ALL_DAYS: u32 = 0xffff_fffe;
/// One bit for each of the five weeks' first days; times a seven-day set it tiles that set over a month.
const WEEKS: u64 = 0x1020_4081;

/// Everything a pattern says, in one cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Matcher {
    /// Seconds, 0 to 59.
    pub(super) seconds: u64,
    /// Minutes, 0 to 59.
    pub(super) minutes: u64,
    /// Hours, 0 to 23.
    pub(super) hours: u32,
    /// Days of the month.
    pub(super) days: Days,
    /// Days of the week.
    pub(super) weekdays: Weekdays,
    /// Months, 1 to 12.
    pub(super) months: u16,
    /// Years.
    pub(super) years: Years,
    /// Whether the time of day is fixed: no wildcard among hour, minute and second.
    pub(super) fixed: bool,
}

/// Days given by their date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Days {
    /// Days 1 to 31.
    pub(super) dates: u32,
    /// `L-n`: bit `n` is the day `n` before the last.
    pub(super) last: u32,
    /// `nW`: bit `n` is the weekday nearest to day `n`.
    pub(super) nearest: u32,
    /// `L-nW`: bit `n` is the weekday nearest to the day `n` before the last.
    pub(super) nearest_last: u32,
}

/// Days given by their weekday, seven bits each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weekdays {
    /// Every one.
    pub(super) every: u8,
    /// `d#n`: element `n - 1` holds the weekdays whose `n`th of the month matches.
    pub(super) nth: [u8; 5],
    /// `dL`: the last of the month.
    pub(super) last: u8,
}

const _: () = assert!(size_of::<Matcher>() <= 64, "a pattern fits one cache line");

impl Matcher {
    /// The matching days of a month; bit `d` is day `d`.
    pub(super) fn days_of(&self, year: i32, month: u32) -> u32 {
        let length = month_length(year, month);
        let real = ((2u64 << length) - 2) as u32;
        let dates = self.days.dates & real;
        if self.days.is_plain() && self.weekdays == Weekdays::default() {
            return dates;
        }
        let first = weekday_of(day_number(year, month, 1));
        let special = if self.days.is_plain() { 0 } else { self.days.special(length, first) };
        (dates | special | self.weekdays.of(length, first)) & real
    }

    /// The first matching second of the day at or after `from`.
    pub(super) fn time_from(&self, from: u32) -> Option<u32> {
        let (hour, minute, second) = (from / 3600, from / 60 % 60, from % 60);
        let first_second = self.seconds.trailing_zeros();
        if self.hours >> hour & 1 == 1 {
            if self.minutes >> minute & 1 == 1
                && let Some(second) = at_or_after(self.seconds, second)
            {
                return Some(hour * 3600 + minute * 60 + second);
            }
            if let Some(minute) = at_or_after(self.minutes, minute + 1) {
                return Some(hour * 3600 + minute * 60 + first_second);
            }
        }
        let hour = at_or_after(u64::from(self.hours), hour + 1)?;
        Some(hour * 3600 + self.minutes.trailing_zeros() * 60 + first_second)
    }

    /// The last matching second of the day at or before `upto`.
    pub(super) fn time_upto(&self, upto: u32) -> Option<u32> {
        let (hour, minute, second) = (upto / 3600, upto / 60 % 60, upto % 60);
        let last_second = self.seconds.ilog2();
        if self.hours >> hour & 1 == 1 {
            if self.minutes >> minute & 1 == 1
                && let Some(second) = below(self.seconds, second + 1)
            {
                return Some(hour * 3600 + minute * 60 + second);
            }
            if let Some(minute) = below(self.minutes, minute) {
                return Some(hour * 3600 + minute * 60 + last_second);
            }
        }
        let hour = below(u64::from(self.hours), hour)?;
        Some(hour * 3600 + self.minutes.ilog2() * 60 + last_second)
    }

    /// How many seconds of the day before `end` match.
    pub(super) fn times_before(&self, end: u32) -> u64 {
        let (hour, minute, second) = (end / 3600, end / 60 % 60, end % 60);
        let per_minute = u64::from(self.seconds.count_ones());
        let per_hour = u64::from(self.minutes.count_ones()) * per_minute;
        let mut count = count_below(u64::from(self.hours), hour) * per_hour;
        if hour < 24 && self.hours >> hour & 1 == 1 {
            count += count_below(self.minutes, minute) * per_minute;
            if self.minutes >> minute & 1 == 1 {
                count += count_below(self.seconds, second);
            }
        }
        count
    }
}

impl Days {
    /// Whether only plain dates are named.
    pub(super) fn is_plain(self) -> bool {
        self.last | self.nearest | self.nearest_last == 0
    }

    /// The days that L and W select in a month of `length` days that begins on weekday `first`.
    fn special(self, length: u32, first: u32) -> u32 {
        let from_end = |bit: u32| length.checked_sub(bit).filter(|day| *day >= 1);
        let mut days = bits(self.last).filter_map(from_end).fold(0, |days, day| days | 1 << day);
        for day in bits(self.nearest).filter(|day| *day <= length).chain(bits(self.nearest_last).filter_map(from_end))
        {
            days |= 1 << nearest_weekday(day, length, first);
        }
        days
    }
}

impl Weekdays {
    /// The days these select in a month of `length` days that begins on weekday `first`.
    fn of(self, length: u32, first: u32) -> u32 {
        let mut days = (u64::from(rotate(self.every, first)) * WEEKS) << 1;
        for (week, weekdays) in self.nth.into_iter().enumerate().filter(|(_, weekdays)| *weekdays != 0) {
            days |= u64::from(rotate(weekdays, first)) << (7 * week + 1);
        }
        if self.last != 0 {
            days |= u64::from(rotate(self.last, (first + length - 7) % 7)) << (length - 6);
        }
        days as u32
    }
}

/// The working day nearest to `day` without leaving the month: Saturday goes back and Sunday forward, the other way
/// round at the month's edge.
fn nearest_weekday(day: u32, length: u32, first: u32) -> u32 {
    match (first + day - 1) % 7 {
        6 if day == 1 => 3,
        6 => day - 1,
        0 if day == length => day - 2,
        0 => day + 1,
        _ => day,
    }
}

/// A seven-day set turned so that bit 0 is weekday `first`.
fn rotate(weekdays: u8, first: u32) -> u8 {
    let wide = u16::from(weekdays);
    ((wide >> first | wide << (7 - first)) & 0x7f) as u8
}

/// The values of a set in ascending order.
pub(super) fn bits(mut set: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros());
        set &= set.wrapping_sub(1);
        lowest
    })
}

/// The smallest value of a set at or after `from`, which is at most 63.
fn at_or_after(set: u64, from: u32) -> Option<u32> {
    let rest = set & (u64::MAX << from);
    (rest != 0).then(|| rest.trailing_zeros())
}

/// The largest value of a set below `end`, which is at most 63.
fn below(set: u64, end: u32) -> Option<u32> {
    (set & !(u64::MAX << end)).checked_ilog2()
}

/// How many values of a set lie below `end`, which is at most 63.
fn count_below(set: u64, end: u32) -> u64 {
    u64::from((set & !(u64::MAX << end)).count_ones())
}
