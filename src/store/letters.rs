//! Dead letters: occurrences of any schedule that were given up, newest due first.
//!
//! There is no index of them: they are few, and stand in the ledgers of their days, which are walked from the newest
//! on, as far as [`limits::DEAD_LETTER_ROWS_MAX`] rows. What is not folded yet hides what the ledgers say.
//! Invariant: a page that ends early says where the next one begins, so that asking on always gets further.
//! Not here: one schedule's history (`history`).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use redb::ReadableTable;

use super::error::StoreError;
use super::overlay::Layer;
use super::reader::Reader;
use super::row::read_run;
use super::tables::{self, BY_AGENT};
use crate::engine::change::{Outcome, Phase, Run};
use crate::id::{OccurrenceId, ScheduleKey};
use crate::limits;
use crate::time::Timestamp;

/// A place among dead letters: due, schedule, generation. The next page begins below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterCursor {
    /// Due of the last one.
    pub due: Timestamp,
    /// Its schedule.
    pub schedule: u64,
    /// Its generation.
    pub generation: u32,
}

/// A page of dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letters {
    /// Newest due first.
    pub runs: Vec<Run>,
    /// Where the next page begins, if there may be one.
    pub next: Option<LetterCursor>,
    /// A day had more rows than are looked at, so older ones of that day are missing here.
    pub cut: bool,
}

/// Letters found so far: the newest of them, and one more, which tells of another page.
struct Page {
    before: LetterCursor,
    limit: usize,
    found: BTreeMap<LetterCursor, Run>,
}

impl Reader {
    /// Up to `limit` dead letters (never more than [`limits::PAGE_ROWS_MAX`]) below `before`, if it is given; of one
    /// agent, or of all.
    pub fn dead_letters(
        &self,
        agent: Option<&str>,
        limit: usize,
        before: Option<LetterCursor>,
    ) -> Result<Letters, StoreError> {
        let before = before.unwrap_or(LetterCursor::of_day(i64::MAX));
        let mut page = Page { before, limit: limit.min(limits::PAGE_ROWS_MAX), found: BTreeMap::new() };
        let (disk, filling, folding, days, history_from) = {
            let view = self.shared.view();
            let (disk, days) = (Arc::clone(&view.disk), Arc::clone(&view.days));
            (disk, view.filling.runs_alone(), view.folding.clone(), days, view.history_from)
        };
        let of_agent = disk.open_table(BY_AGENT)?;
        let is_wanted = |schedule: ScheduleKey| match agent {
            Some(agent) => Ok::<_, StoreError>(of_agent.get((agent, schedule.0))?.is_some()),
            None => Ok(true),
        };
        let mut unfolded = HashSet::new();
        let layers: [Option<&Layer>; 2] = [Some(&filling), folding.as_deref()];
        for layer in layers.into_iter().flatten() {
            for entry in &layer.runs {
                let is_newest = unfolded.insert(entry.occurrence);
                if is_newest && entry.settled && !entry.is_dropped(history_from) && page.takes(entry.occurrence) {
                    page.put(layer.read(entry)?, is_wanted)?;
                }
            }
        }
        let mut left = limits::DEAD_LETTER_ROWS_MAX;
        for &day in days.range(..=before.due.day()).rev() {
            if page.is_full_above(day) {
                break;
            }
            if left == 0 {
                return Ok(page.ends_at(LetterCursor::of_day(day + 1), false));
            }
            let name = tables::ledger_name(day);
            for row in disk.open_table(tables::ledger(&name))?.iter()?.rev() {
                if left == 0 {
                    return Ok(page.ends_at(LetterCursor::of_day(day), true));
                }
                left -= 1;
                let (key, row) = row?;
                let (_, schedule, due, generation) = key.value();
                let (schedule, due) = (ScheduleKey(schedule), Timestamp::from_millis(due));
                let occurrence = OccurrenceId::new(schedule, generation, due);
                if page.takes(occurrence) && !unfolded.contains(&occurrence) {
                    let read = read_run(occurrence, row.value());
                    let run = read.map_err(|why| why.in_row(&name, format!("{occurrence:?}")))?;
                    // A later segment may say otherwise.
                    if is_dead(&run)
                        && let Some(run) = self.run(occurrence)?
                    {
                        page.put(run, is_wanted)?;
                    }
                }
            }
        }
        Ok(page.whole())
    }
}

fn is_dead(run: &Run) -> bool {
    matches!(run.phase, Phase::Settled { outcome: Outcome::Failed { .. }, .. })
}

impl LetterCursor {
    /// Below it lies what was due before that UTC day.
    const fn of_day(day: i64) -> Self {
        Self { due: Timestamp::from_millis(day.saturating_mul(DAY_MS)), schedule: 0, generation: 0 }
    }

    fn of(occurrence: OccurrenceId) -> Self {
        let OccurrenceId { schedule, generation, due, .. } = occurrence;
        Self { due, schedule: schedule.0, generation }
    }
}

const DAY_MS: i64 = 86_400_000;

impl From<&Run> for LetterCursor {
    fn from(run: &Run) -> Self {
        Self::of(run.occurrence)
    }
}

impl Page {
    /// Whether an occurrence could be on the page.
    fn takes(&self, occurrence: OccurrenceId) -> bool {
        let place = LetterCursor::of(occurrence);
        let lowest = self.found.keys().next().filter(|_| self.found.len() > self.limit);
        place < self.before && lowest.is_none_or(|lowest| place > *lowest) && !self.found.contains_key(&place)
    }

    fn put(
        &mut self,
        run: Run,
        is_wanted: impl Fn(ScheduleKey) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        if is_dead(&run) && is_wanted(run.occurrence.schedule)? {
            self.found.insert(LetterCursor::from(&run), run);
            if self.found.len() > self.limit + 1 {
                self.found.pop_first();
            }
        }
        Ok(())
    }

    /// Whether nothing of that day or an earlier one could be on the page.
    fn is_full_above(&self, day: i64) -> bool {
        self.found.len() > self.limit && self.found.keys().next().is_some_and(|lowest| lowest.due.day() > day)
    }

    /// The page when nothing below `end` has been looked at.
    fn ends_at(mut self, end: LetterCursor, cut: bool) -> Letters {
        // What is not folded yet may lie below, among others that have not been seen.
        self.found = self.found.split_off(&end);
        let letters = self.whole();
        Letters { next: letters.next.or(Some(end)), cut, ..letters }
    }

    fn whole(self) -> Letters {
        let more = self.found.len() > self.limit;
        let runs: Vec<Run> = self.found.into_values().rev().take(self.limit).collect();
        Letters { next: runs.last().filter(|_| more).map(LetterCursor::from), runs, cut: false }
    }
}
