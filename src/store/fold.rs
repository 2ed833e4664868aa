//! The rolling fold: a layer goes to `state`, `open` and the ledgers in sorted slices.
//!
//! Each slice rides in the transaction of some commit, and is sorted when it comes to it. States go first, in key order, then runs in the order of
//! (day, schedule, due, generation), then composed texts and deliveries in the same order, then what hooks keep. Writing a row twice is harmless, so a crash between two slices costs nothing:
//! the journal still holds the whole layer.
//! A ledger grows by segments: the settled runs of one layer, sorted, appended behind all earlier ones, because
//! putting each run beside its schedule's older ones would touch about one page per run. A later segment wins.
//! Invariant: what is being folded does not change; newer puts are in the layer above.
//! Not here: when a layer is folded (`writer`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};

use super::deliveries::{self, Side};
use super::error::StoreError;
use super::kept;
use super::overlay::{Layer, RunEntry};
use super::row::state_row;
use super::sorting::Sorting;
use super::tables::{self, OPEN, STATE};
use super::writer::Marks;
use crate::engine::change::Kept;
use crate::id::{OccurrenceId, ScheduleKey};
use crate::time::Timestamp;

/// A layer on its way to disk.
pub(super) struct Fold {
    layer: Arc<Layer>,
    segment_rows: usize,
    /// Keys of the states with their places.
    keys: Sorting<(u64, u32)>,
    /// The runs; none until the states are written, so that one commit does not wait for both lists.
    order: Option<Sorting<RunPlace>>,
    /// How many of them are of each day.
    of_days: BTreeMap<i64, usize>,
    /// What is rare, in its order.
    rest: Vec<Rest>,
    states_done: usize,
    runs_done: usize,
    rest_done: usize,
    /// The day whose ledger is being appended to, and its segment.
    segment: Option<(i64, u32)>,
}

impl Fold {
    /// A fold of fewer than `segment_rows` rows of one day adds to the day's last segment.
    pub(super) fn new(layer: Arc<Layer>, segment_rows: usize) -> Self {
        let keys = Sorting::new((0..).zip(&layer.states).map(|(place, &(key, _))| (key, place)).collect());
        let rest = Rest::of(&layer);
        Self {
            layer,
            segment_rows,
            keys,
            order: None,
            of_days: BTreeMap::new(),
            rest,
            states_done: 0,
            runs_done: 0,
            rest_done: 0,
            segment: None,
        }
    }

    pub(super) fn layer(&self) -> &Arc<Layer> {
        &self.layer
    }

    pub(super) fn into_layer(self) -> Arc<Layer> {
        self.layer
    }

    pub(super) fn is_done(&self) -> bool {
        let rows_done = self.states_done == self.keys.len() && self.runs_done == self.layer.runs.len();
        rows_done && self.rest_done == self.rest.len()
    }

    /// Writes up to `limit` rows; `marks` learn of days that begin.
    pub(super) fn write(
        &mut self,
        txn: &WriteTransaction,
        limit: usize,
        marks: &mut Marks,
    ) -> Result<usize, StoreError> {
        let states = self.states_done..self.keys.len().min(self.states_done + limit);
        let mut left = limit - states.len();
        self.write_states(txn, states)?;
        while left > 0 && self.runs_done < self.layer.runs.len() {
            let (day, places) = self.next_runs(left);
            left -= places.len();
            self.write_open(txn, &places)?;
            if day >= marks.history_from {
                self.write_ledger(txn, day, &places, &mut marks.days)?;
            }
            self.runs_done += places.len();
        }
        left -= self.write_rest(txn, left, marks)?;
        Ok(limit - left)
    }

    /// The next runs of one day, at most `limit`, with the day.
    fn next_runs(&mut self, limit: usize) -> (i64, Vec<u32>) {
        let order = self.order.get_or_insert_with(|| {
            let places: Vec<RunPlace> = (0..).zip(&self.layer.runs).map(RunPlace::of).collect();
            places.iter().for_each(|run| *self.of_days.entry(run.day).or_default() += 1);
            Sorting::new(places)
        });
        let end = order.len().min(self.runs_done + limit);
        let next = &order.sorted_to(end)[self.runs_done..end];
        let day = next.first().map_or(0, |run| run.day);
        (day, next.iter().take_while(|run| run.day == day).map(|run| run.place).collect())
    }

    fn write_states(&mut self, txn: &WriteTransaction, range: Range<usize>) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        let mut table = txn.open_table(STATE)?;
        for (key, place) in &self.keys.sorted_to(range.end)[range.clone()] {
            table.insert(key, &state_row(&self.layer.states[*place as usize].1))?;
        }
        self.states_done = range.end;
        Ok(())
    }

    fn write_rest(&mut self, txn: &WriteTransaction, limit: usize, marks: &mut Marks) -> Result<usize, StoreError> {
        let end = self.rest.len().min(self.rest_done + limit);
        for &one in &self.rest[self.rest_done..end] {
            match one {
                Rest::Text { day, schedule, due, generation } => {
                    let one = OccurrenceId::new(schedule, generation, due);
                    let name = tables::texts_name(day);
                    let mut table = txn.open_table(tables::texts(&name))?;
                    marks.text_days.insert(day);
                    let key = (schedule.0, due.as_millis(), generation);
                    table.insert(key, self.layer.text(one).unwrap_or_default())?;
                }
                Rest::Delivery { day, of } => {
                    marks.delivery_days.insert(day);
                    if let Some(entry) = self.layer.deliveries.get(&of) {
                        deliveries::write(txn, of, Side::Record, self.layer.row_of(entry))?;
                    }
                    if let Some(text) = self.layer.text(of) {
                        deliveries::write(txn, of, Side::Text, text)?;
                    }
                }
                Rest::Kept { key, part } => {
                    kept::write(txn, (key, part), self.layer.kept(key, part).flatten())?;
                }
            }
        }
        let written = end - self.rest_done;
        self.rest_done = end;
        Ok(written)
    }

    /// Unsettled runs come in, settled ones go out.
    fn write_open(&self, txn: &WriteTransaction, places: &[u32]) -> Result<(), StoreError> {
        let mut table = txn.open_table(OPEN)?;
        let mut is_empty = table.is_empty()?;
        for &place in places {
            let entry = &self.layer.runs[place as usize];
            let occurrence = entry.occurrence;
            let key = (occurrence.schedule.0, occurrence.due.as_millis(), occurrence.generation);
            if !entry.settled {
                table.insert(key, self.layer.row_of(entry))?;
                is_empty = false;
            } else if !is_empty {
                table.remove(key)?;
            }
        }
        Ok(())
    }

    fn write_ledger(
        &mut self,
        txn: &WriteTransaction,
        day: i64,
        places: &[u32],
        days: &mut BTreeSet<i64>,
    ) -> Result<(), StoreError> {
        let mut settled =
            places.iter().map(|&place| &self.layer.runs[place as usize]).filter(|run| run.settled).peekable();
        if settled.peek().is_none() {
            return Ok(());
        }
        days.insert(day);
        let name = tables::ledger_name(day);
        let mut table = txn.open_table(tables::ledger(&name))?;
        let segment = match self.segment {
            Some((of, segment)) if of == day => segment,
            _ => {
                let last = table.last()?.map(|(key, _)| key.value().0);
                match last {
                    None => 0,
                    // Few rows go among those of the last segment, so that segments stay few.
                    Some(last) if self.of_days.get(&day).is_none_or(|rows| *rows < self.segment_rows) => last,
                    Some(last) => last.saturating_add(1),
                }
            }
        };
        for entry in settled {
            let occurrence = entry.occurrence;
            let key = (segment, occurrence.schedule.0, occurrence.due.as_millis(), occurrence.generation);
            table.insert(key, self.layer.row_of(entry))?;
        }
        self.segment = Some((day, segment));
        Ok(())
    }
}

/// What stands beside runs, in the order in which it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rest {
    Text { day: i64, schedule: ScheduleKey, due: Timestamp, generation: u32 },
    Delivery { day: i64, of: OccurrenceId },
    Kept { key: ScheduleKey, part: Kept },
}

impl Rest {
    fn of(layer: &Layer) -> Vec<Self> {
        // A delivery's text is put with its first record.
        let texts = layer.texts.keys().filter(|one| one.delivery == 0);
        let mut rest: Vec<Self> = texts
            .map(|one| {
                let OccurrenceId { schedule, due, generation, .. } = *one;
                Self::Text { day: due.day(), schedule, due, generation }
            })
            .collect();
        rest.extend(layer.deliveries.keys().map(|&of| Self::Delivery { day: of.due.day(), of }));
        rest.extend(layer.kept.keys().map(|&(key, part)| Self::Kept { key, part }));
        rest.sort_unstable();
        rest
    }
}

/// Where a run goes, and where it is in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RunPlace {
    day: i64,
    schedule: ScheduleKey,
    due: Timestamp,
    generation: u32,
    place: u32,
}

impl RunPlace {
    fn of((place, run): (u32, &RunEntry)) -> Self {
        let OccurrenceId { schedule, generation, due, .. } = run.occurrence;
        Self { day: run.day, schedule, due, generation, place }
    }
}
