//! Dead letters: occurrences of any schedule that were given up, newest due first.
//!
//! There is no index of them: they are few, and stand in the ledgers of their days, which are walked from the newest
//! on, as far as [`limits::DEAD_LETTER_ROWS_MAX`] rows. What is not folded yet hides what the ledgers say.
//! One that was dropped is none, nor is one that is being tried again.
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

/// Which dead letters are wanted; all that is said must hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct LetterFilter<'a> {
    /// Those of this agent.
    pub agent: Option<&'a str>,
    /// Those of this schedule.
    pub schedule: Option<ScheduleKey>,
    /// Those that were for a chat of this gateway; of several deliveries one of those that failed.
    pub gateway: Option<&'a str>,
    /// Those due then or later.
    pub since: Option<Timestamp>,
}

/// Letters found so far: the newest of them, and one more, which tells of another page.
struct Page {
    before: LetterCursor,
    limit: usize,
    found: BTreeMap<LetterCursor, Run>,
}

impl Reader {
    /// Up to `limit` dead letters (never more than [`limits::PAGE_ROWS_MAX`]) below `before`, if it is given.
    pub fn dead_letters(
        &self,
        filter: &LetterFilter<'_>,
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
        let is_wanted = |run: &Run| self.is_wanted(filter, run);
        let oldest = filter.since.map_or(i64::MIN, Timestamp::day);
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
        for &day in days.range(oldest..).filter(|day| **day <= before.due.day()).rev() {
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

impl Reader {
    fn is_wanted(&self, filter: &LetterFilter<'_>, run: &Run) -> Result<bool, StoreError> {
        let OccurrenceId { schedule, due, .. } = run.occurrence;
        if filter.schedule.is_some_and(|wanted| wanted != schedule) || filter.since.is_some_and(|since| due < since) {
            return Ok(false);
        }
        if let Some(agent) = filter.agent
            && self.disk().open_table(BY_AGENT)?.get((agent, schedule.0))?.is_none()
        {
            return Ok(false);
        }
        filter.gateway.map_or(Ok(true), |gateway| self.was_for(run, gateway))
    }

    /// Whether some of what failed was for a chat of this gateway.
    fn was_for(&self, run: &Run, gateway: &str) -> Result<bool, StoreError> {
        let usual = self.schedule(run.occurrence.schedule)?.and_then(|(_, schedule)| schedule.destination.clone());
        let is_its = |run: &Run| {
            let to = run.execution.as_ref().and_then(|execution| execution.to.as_ref()).or(usual.as_ref());
            is_dead(run) && to.is_some_and(|to| to.gateway == gateway)
        };
        let deliveries = self.deliveries(run)?;
        Ok(if deliveries.is_empty() { is_its(run) } else { deliveries.iter().any(is_its) })
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

    fn put(&mut self, run: Run, is_wanted: impl Fn(&Run) -> Result<bool, StoreError>) -> Result<(), StoreError> {
        if is_dead(&run) && is_wanted(&run)? {
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
