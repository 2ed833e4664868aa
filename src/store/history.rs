//! The runs of one schedule, newest first, whether they are in memory, open, or in the ledger of some day.
//!
//! Order: by due, then by generation, the latest first. One occurrence may be found in several places; the newest
//! wins: filling layer, folding layer, `open`, then the day's ledger with its segments from the last to the first.
//! Each place gives at most `limit` rows below the cursor, which is enough: an occurrence that belongs to the page is
//! among the first `limit` of every place that knows it.
//! A range of dues lies in the ledger of its last due, so that it is kept as long as the newest that it tells of.
//! Not here: dropping history (`writer`).

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable};

use super::deliveries::{self, Side};
use super::error::{Malformed, StoreError};
use super::overlay::Layer;
use super::reader::Reader;
use super::row::read_run;
use super::tables::{self, OPEN};
use crate::engine::change::Run;
use crate::id::{OccurrenceId, ScheduleKey};
use crate::limits;
use crate::time::Timestamp;

/// A place in the runs of one schedule; the next page begins below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunCursor {
    /// Due of the last run seen.
    pub due: Timestamp,
    /// Its generation.
    pub generation: u32,
}

impl From<&Run> for RunCursor {
    fn from(run: &Run) -> Self {
        Self::of(run.occurrence)
    }
}

impl RunCursor {
    const END: Self = Self { due: Timestamp::from_millis(i64::MAX), generation: u32::MAX };

    fn of(occurrence: OccurrenceId) -> Self {
        Self { due: occurrence.due, generation: occurrence.generation }
    }
}

/// Runs found so far; the first to come keeps its place.
struct Page {
    schedule: ScheduleKey,
    before: RunCursor,
    limit: usize,
    found: BTreeMap<RunCursor, Run>,
    /// Settled in memory, but dropped with its history: what the disk says of it does not count.
    dropped: BTreeSet<RunCursor>,
}

impl Reader {
    /// Up to `limit` runs (never more than [`limits::PAGE_ROWS_MAX`]) of a schedule, newest due first; those below
    /// `before`, if it is given. Unsettled ones are among them.
    pub fn runs(
        &self,
        schedule: ScheduleKey,
        limit: usize,
        before: Option<RunCursor>,
    ) -> Result<Vec<Run>, StoreError> {
        let limit = limit.min(limits::PAGE_ROWS_MAX);
        let before = before.unwrap_or(RunCursor::END);
        let mut page = Page { schedule, before, limit, found: BTreeMap::new(), dropped: BTreeSet::new() };
        let (disk, folding, days, history_from) = {
            let view = self.shared.view();
            page.take_layer(&view.filling, view.history_from)?;
            (Arc::clone(&view.disk), view.folding.clone(), Arc::clone(&view.days), view.history_from)
        };
        if let Some(layer) = folding {
            page.take_layer(&layer, history_from)?;
        }
        page.take_open(&disk)?;
        // A range lies in the ledger of its last due, so later days count, too.
        for &day in days.iter().rev() {
            if page.is_full_above(day) {
                break;
            }
            page.take_ledger(&disk, day)?;
        }
        Ok(page.found.into_values().rev().take(limit).collect())
    }

    /// One run, or delivery.
    pub fn run(&self, occurrence: OccurrenceId) -> Result<Option<Run>, StoreError> {
        if occurrence.delivery > 0 {
            return self.delivery(occurrence);
        }
        let (disk, days) = {
            let view = self.shared.view();
            for layer in view.layers() {
                if let Some(entry) = layer.entry(occurrence) {
                    return Ok(if entry.is_dropped(view.history_from) { None } else { Some(layer.read(entry)?) });
                }
            }
            (Arc::clone(&view.disk), Arc::clone(&view.days))
        };
        let (schedule, due, generation) = (occurrence.schedule.0, occurrence.due.as_millis(), occurrence.generation);
        if let Some(row) = disk.open_table(OPEN)?.get((schedule, due, generation))? {
            return Ok(Some(run_of("open", occurrence, row.value())?));
        }
        // Its own day first; a range may lie in any later one.
        for &day in days.range(occurrence.due.day()..) {
            let name = tables::ledger_name(day);
            let table = disk.open_table(tables::ledger(&name))?;
            let last = table.last()?.map(|(key, _)| key.value().0);
            for segment in last.into_iter().flat_map(|last| (0..=last).rev()) {
                if let Some(row) = table.get((segment, schedule, due, generation))? {
                    return Ok(Some(run_of(&name, occurrence, row.value())?));
                }
            }
        }
        Ok(None)
    }
}

impl Reader {
    /// The text that was made for an occurrence or a delivery, as long as its day's history is kept.
    pub fn text(&self, occurrence: OccurrenceId) -> Result<Option<String>, StoreError> {
        let day = occurrence.due.day();
        let name = tables::texts_name(day);
        let read = |bytes: &[u8]| {
            let text = str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
                Malformed { at: error.valid_up_to(), what: "a text that is not UTF-8".to_owned() }
                    .in_row(&name, format!("{occurrence:?}"))
            })?;
            Ok(Some(text))
        };
        let disk = {
            let view = self.shared.view();
            if let Some(bytes) = view.layers().find_map(|layer| layer.text(occurrence)) {
                return read(bytes);
            }
            let days = if occurrence.delivery > 0 { &view.delivery_days } else { &view.text_days };
            if !days.contains(&day) {
                return Ok(None);
            }
            Arc::clone(&view.disk)
        };
        if occurrence.delivery > 0 {
            let row = deliveries::row(&disk, occurrence, Side::Text)?;
            return row.map_or(Ok(None), |row| read(&row));
        }
        let key = (occurrence.schedule.0, occurrence.due.as_millis(), occurrence.generation);
        let row = disk.open_table(tables::texts(&name))?.get(key)?;
        row.map_or(Ok(None), |row| read(row.value()))
    }
}

impl Page {
    fn take_layer(&mut self, layer: &Layer, history_from: i64) -> Result<(), StoreError> {
        let mut entries = Vec::new();
        for entry in layer.runs_of(self.schedule) {
            let place = RunCursor::of(entry.occurrence);
            if place >= self.before || self.found.contains_key(&place) || self.dropped.contains(&place) {
                continue;
            }
            if entry.is_dropped(history_from) {
                self.dropped.insert(place);
            } else {
                entries.push((place, entry));
            }
        }
        entries.sort_unstable_by_key(|&(place, _)| Reverse(place));
        for (place, entry) in entries.into_iter().take(self.limit) {
            self.found.insert(place, layer.read(entry)?);
        }
        Ok(())
    }

    fn take_open(&mut self, disk: &ReadTransaction) -> Result<(), StoreError> {
        let schedule = self.schedule.0;
        let before = (schedule, self.before.due.as_millis(), self.before.generation);
        let mut taken = 0;
        for row in disk.open_table(OPEN)?.range((schedule, i64::MIN, 0)..before)?.rev() {
            if taken == self.limit {
                break;
            }
            let (key, value) = row?;
            let (_, due, generation) = key.value();
            if !self.dropped.contains(&RunCursor { due: Timestamp::from_millis(due), generation }) {
                self.take_row("open", due, generation, value.value())?;
                taken += 1;
            }
        }
        Ok(())
    }

    fn take_ledger(&mut self, disk: &ReadTransaction, day: i64) -> Result<(), StoreError> {
        let name = tables::ledger_name(day);
        let table = disk.open_table(tables::ledger(&name))?;
        let schedule = self.schedule.0;
        let last = table.last()?.map(|(key, _)| key.value().0);
        for segment in last.into_iter().flat_map(|last| (0..=last).rev()) {
            let before = (segment, schedule, self.before.due.as_millis(), self.before.generation);
            for row in table.range((segment, schedule, i64::MIN, 0)..before)?.rev().take(self.limit) {
                let (key, value) = row?;
                let (_, _, due, generation) = key.value();
                self.take_row(&name, due, generation, value.value())?;
            }
        }
        Ok(())
    }

    fn take_row(&mut self, table: &str, due: i64, generation: u32, row: &[u8]) -> Result<(), StoreError> {
        let occurrence = OccurrenceId::new(self.schedule, generation, Timestamp::from_millis(due));
        if let Entry::Vacant(place) = self.found.entry(RunCursor::of(occurrence)) {
            place.insert(run_of(table, occurrence, row)?);
        }
        Ok(())
    }

    /// Whether the page is complete without looking at the ledger of `day` or earlier ones.
    fn is_full_above(&self, day: i64) -> bool {
        let lowest = self.found.keys().rev().nth(self.limit.saturating_sub(1));
        self.limit == 0 || lowest.is_some_and(|lowest| lowest.due.day() > day)
    }
}

fn run_of(table: &str, occurrence: OccurrenceId, row: &[u8]) -> Result<Run, StoreError> {
    Ok(read_run(occurrence, row).map_err(|why| why.in_row(table, format!("{occurrence:?}")))?)
}
