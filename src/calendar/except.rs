//! Exclusions: stretches of the wall clock in which a schedule's dues do not count.
//!
//! Units: whole seconds of wall-clock readings inside, `Timestamp` at the door; an instant between two seconds is
//! covered when its second is.
//! Invariant: whether an instant is covered depends on what the clock of the zone shows at it and on nothing else: so
//! hours that a spring change leaves out cover nothing, and hours that an autumn change shows twice are covered twice.
//! `free_from` and `covered_from` never answer with an earlier instant, so every walk ends.
//! Not here: the form of one entry (`exclusion`), what becomes of dues that do not count (`engine`).

use super::civil::DAY_SECONDS;
use super::exclusion::{ExceptError, Exclusion};
use super::words::listed;
use super::{Trigger, Zone};
use crate::limits::EXCEPT_STEPS_COUNT_MAX;
use crate::time::{Span, Timestamp};

const WEEK_SECONDS: i64 = 7 * DAY_SECONDS;
/// 1970-01-01 was a Thursday; weeks are counted from Sunday.
const FIRST_SUNDAY: i64 = 4 * DAY_SECONDS;
const MS: Span = Span::from_millis(1);

/// A list of exclusions in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Except {
    texts: Vec<String>,
    zone: Zone,
    entries: Vec<Exclusion>,
    /// Stretches of dates, as readings: sorted, apart from each other, their ends excluded.
    dates: Vec<(i64, i64)>,
    /// The same within one week from Sunday on.
    week: Vec<(i64, i64)>,
}

/// A part of a stretch of time, `(after, until]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// It begins after this.
    pub after: Timestamp,
    /// It ends with this.
    pub until: Timestamp,
    /// Whether exclusions cover it.
    pub covered: bool,
}

impl Except {
    /// Reads a list, or says which entries are wrong, by their places.
    pub fn read(texts: &[String], zone: Zone) -> Result<Self, Vec<(usize, ExceptError)>> {
        let (mut entries, mut errors) = (Vec::new(), Vec::new());
        for (place, text) in texts.iter().enumerate() {
            match Exclusion::read(text) {
                Ok(entry) => entries.push(entry),
                Err(error) => errors.push((place, error)),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let (mut dates, mut week) = (Vec::new(), Vec::new());
        for entry in &entries {
            match *entry {
                Exclusion::Dates { first, last } => dates.push((first * DAY_SECONDS, (last + 1) * DAY_SECONDS)),
                Exclusion::Hours { weekdays, from, length } => {
                    for day in (0..7).filter(|day| weekdays >> day & 1 == 1) {
                        let start = day * DAY_SECONDS + from;
                        let end = start + length;
                        week.push((start, end.min(WEEK_SECONDS)));
                        if end > WEEK_SECONDS {
                            week.push((0, end - WEEK_SECONDS));
                        }
                    }
                }
            }
        }
        let texts = texts.iter().map(|text| text.trim().to_owned()).collect();
        Ok(Self { texts, zone, entries, dates: merged(dates), week: merged(week) })
    }

    /// The entries as written.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The zone whose clock counts.
    #[must_use]
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// `except Saturday and Sunday, and 22:00 to 07:00`.
    #[must_use]
    pub fn describe(&self) -> String {
        let entries: Vec<String> = self.entries.iter().map(|entry| entry.describe()).collect();
        match entries.as_slice() {
            // Two entries with an `and` inside would run into each other.
            [rest @ .., last] if !rest.is_empty() && entries.iter().any(|entry| entry.contains(" and ")) => {
                format!("except {}, and {last}", rest.join(", "))
            }
            all => format!("except {}", listed(all)),
        }
    }

    /// Whether an instant is covered.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.is_covered(i64::from(self.zone.local(at).offset_seconds) + second_of(at))
    }

    /// The first instant at or after this one that is not covered.
    #[must_use]
    pub fn free_from(&self, at: Timestamp) -> Option<Timestamp> {
        self.first_from(at, |reading| self.free_reading(reading))
    }

    /// The first instant at or after this one that is covered.
    #[must_use]
    pub fn covered_from(&self, at: Timestamp) -> Option<Timestamp> {
        self.first_from(at, |reading| self.covered_reading(reading))
    }

    /// The parts of `(after, until]`, covered and not in turn.
    pub fn stretches(&self, after: Timestamp, until: Timestamp) -> impl Iterator<Item = Stretch> {
        let mut from = Some(after.plus(MS));
        std::iter::from_fn(move || {
            let begin = from.filter(|begin| *begin <= until)?;
            let covered = self.covers(begin);
            let end = if covered { self.free_from(begin) } else { self.covered_from(begin) };
            from = end;
            let until = end.map_or(until, |end| until.min(end.minus(MS)));
            Some(Stretch { after: begin.minus(MS), until, covered })
        })
    }

    /// Carries a search among readings onto the time line, era by era.
    fn first_from(&self, at: Timestamp, search: impl Fn(i64) -> Option<i64>) -> Option<Timestamp> {
        let offsets = self.zone.offsets();
        let second = second_of(at);
        let mut era = offsets.era_at(second);
        let mut reading = second.saturating_add(offsets.offset(era));
        loop {
            if let Some(found) = search(reading).filter(|found| *found < offsets.end_reading(era)) {
                let found = Timestamp::from_seconds(found - offsets.offset(era)).max(at);
                return Some(found).filter(|found| *found < Timestamp::HORIZON);
            }
            era += 1;
            if era == offsets.len() {
                return None;
            }
            reading = offsets.first_reading(era);
        }
    }

    fn is_covered(&self, reading: i64) -> bool {
        end_of(&self.dates, reading).is_some() || end_of(&self.week, second_of_week(reading)).is_some()
    }

    fn free_reading(&self, from: i64) -> Option<i64> {
        if self.week == [(0, WEEK_SECONDS)] {
            return None;
        }
        let mut reading = from;
        loop {
            let of_week = second_of_week(reading);
            if let Some(end) = end_of(&self.dates, reading) {
                reading = end;
            } else if let Some(end) = end_of(&self.week, of_week) {
                reading += end - of_week;
            } else {
                return Some(reading);
            }
        }
    }

    fn covered_reading(&self, reading: i64) -> Option<i64> {
        if self.is_covered(reading) {
            return Some(reading);
        }
        let of_week = second_of_week(reading);
        let date = start_after(&self.dates, reading);
        let this_week = start_after(&self.week, of_week).map(|start| reading + start - of_week);
        let next_week = self.week.first().map(|(start, _)| reading + start + WEEK_SECONDS - of_week);
        date.into_iter().chain(this_week).chain(next_week).min()
    }
}

impl Trigger {
    /// The first due strictly after `after` that no exclusion covers; `None` also when the first
    /// [`EXCEPT_STEPS_COUNT_MAX`] stretches in which it is due are all covered.
    #[must_use]
    pub fn next_free(&self, except: Option<&Except>, after: Timestamp) -> Option<Timestamp> {
        let mut due = self.next_after(after)?;
        let Some(except) = except else { return Some(due) };
        for _ in 0..EXCEPT_STEPS_COUNT_MAX {
            let free = except.free_from(due)?;
            if free == due {
                return Some(due);
            }
            due = self.next_after(free.minus(MS))?;
        }
        None
    }
}

/// Sorted, with what touches joined.
fn merged(mut pieces: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    pieces.sort_unstable();
    let mut apart: Vec<(i64, i64)> = Vec::new();
    for (start, end) in pieces {
        match apart.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            Some(_) | None => apart.push((start, end)),
        }
    }
    apart
}

/// The end of the piece that holds a point.
fn end_of(pieces: &[(i64, i64)], point: i64) -> Option<i64> {
    let place = pieces.partition_point(|(start, _)| *start <= point).checked_sub(1)?;
    Some(pieces[place].1).filter(|end| *end > point)
}

/// The first start of a piece after a point.
fn start_after(pieces: &[(i64, i64)], point: i64) -> Option<i64> {
    pieces.get(pieces.partition_point(|(start, _)| *start <= point)).map(|(start, _)| *start)
}

fn second_of_week(reading: i64) -> i64 {
    (reading + FIRST_SUNDAY).rem_euclid(WEEK_SECONDS)
}

fn second_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}
