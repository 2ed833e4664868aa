//! Carries a pattern's civil matches onto the time line: what clock changes do to them.
//!
//! Units: whole UTC seconds at the door, wall-clock readings inside.
//! Invariant: a fixed time is served at `instant_of(reading)`, which never decreases with the reading; so every walk,
//! from wherever it starts, meets the same instants in the same order, each once.
//! The rule, for both dialects: a fixed time in a gap is served once at the first instant after the gap, several
//! together; in an overlap once, the first time. A wildcard time is served at every instant whose reading matches.
//! Not here: the calendar (`search`), where offsets change (`offsets`).
//! Source: Debian's cron (Vixie), which Quartz contradicts: it loses the gap run and is silent in an overlap.

use super::matcher::Matcher;
use super::offsets::Offsets;
use crate::planted::{self, Bug};

/// A pattern bound to a zone's history for one question.
#[derive(Clone, Copy)]
pub(super) struct Fold<'a> {
    matcher: &'a Matcher,
    offsets: &'a Offsets,
}

impl<'a> Fold<'a> {
    pub(super) fn new(matcher: &'a Matcher, offsets: &'a Offsets) -> Self {
        Self { matcher, offsets }
    }

    /// The first due strictly after an instant.
    pub(super) fn next_after(self, after: i64) -> Option<i64> {
        if self.matcher.fixed { self.next_fixed(after) } else { self.next_wildcard(after) }
    }

    /// The last due at or before an instant.
    pub(super) fn latest_upto(self, upto: i64) -> Option<i64> {
        if self.matcher.fixed { self.latest_fixed(upto) } else { self.latest_wildcard(upto) }
    }

    /// How many dues lie in `(after, upto]`.
    pub(super) fn count(self, after: i64, upto: i64) -> u64 {
        if upto <= after {
            return 0;
        }
        (self.offsets.era_at(after + 1)..=self.offsets.era_at(upto))
            .map(|era| {
                // Only the part of the era that lies in `(after, upto]`.
                let end = self.offsets.end_reading(era).saturating_sub(1);
                let last = end.min(upto.saturating_add(self.offsets.offset(era)));
                let before = self.offsets.first_reading(era).saturating_sub(1);
                let before = before.max(after.saturating_add(self.offsets.offset(era)));
                if self.matcher.fixed {
                    self.count_fixed(era, before, last, after)
                } else {
                    self.matcher.civil_count(before, last)
                }
            })
            .sum()
    }

    fn next_fixed(self, after: i64) -> Option<i64> {
        let era = self.offsets.era_at(after);
        let reading = self.matcher.civil_after(self.served_reading(era, after))?;
        // Nearly always the next due lies in the era we are in; only else is the era searched for.
        if reading >= self.offsets.first_reading(era) && reading < self.offsets.end_reading(era) {
            return Some(reading - self.offsets.offset(era));
        }
        let due = instant_of(self.offsets, reading);
        if planted::is(Bug::GapDropped) && due + self.offsets.offset(self.offsets.era_at(due)) != reading {
            return self.next_fixed(due);
        }
        Some(due)
    }

    fn latest_fixed(self, upto: i64) -> Option<i64> {
        let reading = self.matcher.civil_upto(self.served_reading(self.offsets.era_at(upto), upto))?;
        Some(instant_of(self.offsets, reading))
    }

    /// The last reading whose fixed times have all been served by an instant: the wall clock, except in the second
    /// pass of an overlap, where the first pass has already shown more.
    fn served_reading(self, era: usize, instant: i64) -> i64 {
        let reading = instant.saturating_add(self.offsets.offset(era));
        reading.max(self.offsets.seen_before(era).saturating_sub(1))
    }

    fn next_wildcard(self, after: i64) -> Option<i64> {
        let mut era = self.offsets.era_at(after);
        let mut searched_from = after.saturating_add(self.offsets.offset(era));
        let mut reading = self.matcher.civil_after(searched_from);
        loop {
            if let Some(reading) = reading.filter(|reading| *reading < self.offsets.end_reading(era)) {
                return Some(reading - self.offsets.offset(era));
            }
            era += 1;
            if era == self.offsets.len() {
                return None;
            }
            // A reading found before holds as long as the clock neither fell behind the search nor jumped over it.
            let before = self.offsets.first_reading(era) - 1;
            if before < searched_from || reading.is_some_and(|reading| reading <= before) {
                reading = self.matcher.civil_after(before);
            }
            searched_from = before;
        }
    }

    fn latest_wildcard(self, upto: i64) -> Option<i64> {
        let mut era = self.offsets.era_at(upto);
        let mut searched_from = upto.saturating_add(self.offsets.offset(era));
        let mut reading = self.matcher.civil_upto(searched_from);
        loop {
            if let Some(reading) = reading.filter(|reading| *reading >= self.offsets.first_reading(era)) {
                return Some(reading - self.offsets.offset(era));
            }
            era = era.checked_sub(1)?;
            let last = self.offsets.end_reading(era) - 1;
            if last > searched_from || reading.is_some_and(|reading| reading > last) {
                reading = self.matcher.civil_upto(last);
            }
            searched_from = last;
        }
    }

    /// The fixed dues of one era with readings in `(before, last]`, and the one at its first instant that stands for
    /// the gap before it, if that instant is later than `after`.
    fn count_fixed(self, era: usize, before: i64, last: i64, after: i64) -> u64 {
        let (first, seen) = (self.offsets.first_reading(era), self.offsets.seen_before(era));
        let count = self.matcher.civil_count(before.max(seen.saturating_sub(1)), last);
        let gap_due = seen < first
            && era > 0
            && self.offsets.start(era) > after
            && self.matcher.civil_after(seen - 1).is_some_and(|reading| reading < first)
            // A match on the very instant after the gap is that same due.
            && self.matcher.civil_after(first - 1) != Some(first);
        count + u64::from(gap_due)
    }
}

/// The instant at which a wall clock shows a reading: in a gap the first instant after it, in an overlap the first.
pub(super) fn instant_of(offsets: &Offsets, reading: i64) -> i64 {
    let era = offsets.era_showing(reading);
    if reading < offsets.first_reading(era) { offsets.start(era) } else { reading - offsets.offset(era) }
}
