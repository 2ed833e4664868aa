//! The rolling fold: a layer goes to `state`, `open` and the ledgers in sorted slices.
//!
//! Each slice rides in the transaction of some commit. States go first, in key order, then runs in the order of
//! (day, schedule, due, generation). Writing a row twice is harmless, so a crash between two slices costs nothing:
//! the journal still holds the whole layer.
//! A ledger grows by segments: the settled runs of one layer, sorted, appended behind all earlier ones, because
//! putting each run beside its schedule's older ones would touch about one page per run. A later segment wins.
//! Invariant: what is being folded does not change; newer puts are in the layer above.
//! Not here: when a layer is folded (`writer`).

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};

use super::error::StoreError;
use super::overlay::{Layer, RunEntry};
use super::row::state_row;
use super::tables::{self, OPEN, STATE};

/// A layer on its way to disk.
pub(super) struct Fold {
    layer: Arc<Layer>,
    segment_rows: usize,
    keys: Vec<u64>,
    /// Places of the runs; empty until the states are written, so that one commit does not wait for both sorts.
    order: Vec<u32>,
    states_done: usize,
    runs_done: usize,
    /// The day whose ledger is being appended to, and its segment.
    segment: Option<(i64, u32)>,
}

impl Fold {
    /// A fold of fewer than `segment_rows` rows of one day adds to the day's last segment.
    pub(super) fn new(layer: Arc<Layer>, segment_rows: usize) -> Self {
        let mut keys: Vec<u64> = layer.states.keys().copied().collect();
        keys.sort_unstable();
        Self { layer, segment_rows, keys, order: Vec::new(), states_done: 0, runs_done: 0, segment: None }
    }

    pub(super) fn layer(&self) -> &Arc<Layer> {
        &self.layer
    }

    pub(super) fn into_layer(self) -> Arc<Layer> {
        self.layer
    }

    pub(super) fn is_done(&self) -> bool {
        self.states_done == self.keys.len() && self.runs_done == self.layer.runs.len()
    }

    /// Writes up to `limit` rows; `days` learns of ledgers that begin.
    pub(super) fn write(
        &mut self,
        txn: &WriteTransaction,
        limit: usize,
        history_from: i64,
        days: &mut BTreeSet<i64>,
    ) -> Result<usize, StoreError> {
        let states = self.states_done..self.keys.len().min(self.states_done + limit);
        let mut left = limit - states.len();
        self.write_states(txn, states)?;
        if left > 0 && self.order.is_empty() {
            self.order = order_of(&self.layer);
        }
        while left > 0 && self.runs_done < self.order.len() {
            let day = self.day_of(self.runs_done);
            let all = &self.order[self.runs_done..];
            let of_day = all.partition_point(|&place| self.layer.runs[place as usize].day == day);
            let runs = self.runs_done..self.runs_done + of_day.min(left);
            left -= runs.len();
            self.write_open(txn, runs.clone())?;
            if day >= history_from {
                self.write_ledger(txn, day, of_day, runs.clone(), days)?;
            }
            self.runs_done = runs.end;
        }
        Ok(limit - left)
    }

    fn day_of(&self, place: usize) -> i64 {
        self.layer.runs[self.order[place] as usize].day
    }

    fn write_states(&mut self, txn: &WriteTransaction, range: Range<usize>) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        let mut table = txn.open_table(STATE)?;
        for key in &self.keys[range.clone()] {
            table.insert(key, &state_row(&self.layer.states[key]))?;
        }
        self.states_done = range.end;
        Ok(())
    }

    /// Unsettled runs come in, settled ones go out.
    fn write_open(&self, txn: &WriteTransaction, range: Range<usize>) -> Result<(), StoreError> {
        let mut table = txn.open_table(OPEN)?;
        let mut is_empty = table.is_empty()?;
        for &place in &self.order[range] {
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
        rows: usize,
        range: Range<usize>,
        days: &mut BTreeSet<i64>,
    ) -> Result<(), StoreError> {
        let mut settled = self.order[range]
            .iter()
            .map(|&place| &self.layer.runs[place as usize])
            .filter(|run| run.settled)
            .peekable();
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
                    Some(last) if rows < self.segment_rows => last,
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

fn order_of(layer: &Layer) -> Vec<u32> {
    let sorting_key = |(place, run): (usize, &RunEntry)| {
        let occurrence = run.occurrence;
        (run.day, occurrence.schedule, occurrence.due, occurrence.generation, place as u32)
    };
    let mut keys: Vec<_> = layer.runs.iter().enumerate().map(sorting_key).collect();
    keys.sort_unstable();
    keys.into_iter().map(|(.., place)| place).collect()
}
