//! Finds and counts the civil times that a pattern matches, in a calendar without gaps.
//!
//! Units: civil seconds since 1970-01-01T00:00:00 on the wall clock of some zone.
//! Invariant: a search goes strictly one way and gives up after `SEARCH_YEARS_MAX` years that the pattern's own year
//! field allows, so an impossible date costs a bounded walk over months, never over days.
//! Not here: offsets and clock changes (`fold`).
//! Source: the month mask replaces croner's day-by-day walk, which takes 11 to 63 ms to give up on 30 February.

use super::civil::{DAY_SECONDS, date_of, day_number};
use super::matcher::Matcher;
use crate::limits::SEARCH_YEARS_MAX;

impl Matcher {
    /// The first match strictly after `after`.
    pub(super) fn civil_after(&self, after: i64) -> Option<i64> {
        let from = after + 1;
        let (day, time) = (from.div_euclid(DAY_SECONDS), from.rem_euclid(DAY_SECONDS) as u32);
        let (year, month, date) = date_of(day);
        if self.years.at_or_after(year) == Some(year) && self.has_month(month) {
            let days = self.days_of(year, month);
            if days >> date & 1 == 1
                && let Some(time) = self.time_from(time)
            {
                return Some(day * DAY_SECONDS + i64::from(time));
            }
            let rest = u64::from(days) & (u64::MAX << (date + 1));
            if rest != 0 {
                let later = day + i64::from(rest.trailing_zeros() - date);
                return Some(later * DAY_SECONDS + i64::from(self.first_time()));
            }
        }
        let (day, time) = (self.first_day_after_month(year, month)?, self.first_time());
        Some(day * DAY_SECONDS + i64::from(time))
    }

    /// The last match at or before `upto`.
    pub(super) fn civil_upto(&self, upto: i64) -> Option<i64> {
        let (day, time) = (upto.div_euclid(DAY_SECONDS), upto.rem_euclid(DAY_SECONDS) as u32);
        let (year, month, date) = date_of(day);
        if self.years.at_or_before(year) == Some(year) && self.has_month(month) {
            let days = self.days_of(year, month);
            if days >> date & 1 == 1
                && let Some(time) = self.time_upto(time)
            {
                return Some(day * DAY_SECONDS + i64::from(time));
            }
            if let Some(earlier) = (days & ((1 << date) - 1)).checked_ilog2() {
                let earlier = day - i64::from(date - earlier);
                return Some(earlier * DAY_SECONDS + i64::from(self.last_time()));
            }
        }
        let day = self.last_day_before_month(year, month)?;
        Some(day * DAY_SECONDS + i64::from(self.last_time()))
    }

    /// How many matches lie in `(after, upto]`.
    pub(super) fn civil_count(&self, after: i64, upto: i64) -> u64 {
        if upto <= after {
            return 0;
        }
        let (first, end) = ((after + 1).div_euclid(DAY_SECONDS), (upto + 1).div_euclid(DAY_SECONDS));
        let before_first = (after + 1).rem_euclid(DAY_SECONDS) as u32;
        let in_end = (upto + 1).rem_euclid(DAY_SECONDS) as u32;
        let mut count = self.days_between(first, end) * self.times_before(DAY_SECONDS as u32);
        // The whole first day was counted and the last not at all; mend both ends.
        if in_end > 0 && self.matches_day(end) {
            count += self.times_before(in_end);
        }
        if before_first > 0 && self.matches_day(first) {
            count -= self.times_before(before_first);
        }
        count
    }

    /// How many matching days lie in `[first, end)`.
    fn days_between(&self, first: i64, end: i64) -> u64 {
        if end <= first {
            return 0;
        }
        let (mut year, mut month, from) = date_of(first);
        let (end_year, end_month, end_date) = date_of(end);
        let mut from = u32::MAX << from;
        let mut count = 0;
        loop {
            let at_end = (year, month) == (end_year, end_month);
            let upto = if at_end { (1 << end_date) - 1 } else { u32::MAX };
            if self.years.at_or_after(year) == Some(year) && self.has_month(month) {
                count += u64::from((self.days_of(year, month) & from & upto).count_ones());
            }
            if at_end {
                return count;
            }
            from = u32::MAX;
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        }
    }

    /// Whether any time of a day can match.
    fn matches_day(&self, day: i64) -> bool {
        let (year, month, date) = date_of(day);
        self.years.at_or_after(year) == Some(year)
            && self.has_month(month)
            && self.days_of(year, month) >> date & 1 == 1
    }

    /// The first matching day of any month after the given one.
    fn first_day_after_month(&self, year: i32, month: u32) -> Option<i64> {
        let (mut wanted, mut month) = (year, month + 1);
        for _ in 0..=SEARCH_YEARS_MAX {
            let year = self.years.at_or_after(wanted)?;
            if year != wanted {
                month = 1;
            }
            for month in (month..=12).filter(|month| self.has_month(*month)) {
                let days = self.days_of(year, month);
                if days != 0 {
                    return Some(day_number(year, month, days.trailing_zeros()));
                }
            }
            (wanted, month) = (year + 1, 1);
        }
        None
    }

    /// The last matching day of any month before the given one.
    fn last_day_before_month(&self, year: i32, month: u32) -> Option<i64> {
        let (mut wanted, mut end) = (year, month);
        for _ in 0..=SEARCH_YEARS_MAX {
            let year = self.years.at_or_before(wanted)?;
            if year != wanted {
                end = 13;
            }
            for month in (1..end).rev().filter(|month| self.has_month(*month)) {
                if let Some(date) = self.days_of(year, month).checked_ilog2() {
                    return Some(day_number(year, month, date));
                }
            }
            (wanted, end) = (year - 1, 13);
        }
        None
    }

    fn has_month(&self, month: u32) -> bool {
        self.months >> month & 1 == 1
    }

    fn first_time(&self) -> u32 {
        self.hours.trailing_zeros() * 3600 + self.minutes.trailing_zeros() * 60 + self.seconds.trailing_zeros()
    }

    fn last_time(&self) -> u32 {
        self.hours.ilog2() * 3600 + self.minutes.ilog2() * 60 + self.seconds.ilog2()
    }
}
