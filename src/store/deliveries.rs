//! Deliveries of occurrences that have several: their records and texts, in tables of their own.
//!
//! They are few beside runs, and are found by way of their occurrence, which says how many it has. So no key, row or
//! page of runs knows of them. A table holds those of one UTC day, settled or not: what is left of them at boot is found
//! through the open occurrences that wait for them.
//! Invariant: a delivery lies under the day on which its occurrence is due. Not here: what a row says (`row`).

use std::sync::Arc;

use redb::{ReadTransaction, WriteTransaction};

use super::error::StoreError;
use super::overlay::{Layer, View};
use super::reader::Reader;
use super::row::read_run;
use super::tables;
use crate::engine::change::{Phase, Run};
use crate::id::OccurrenceId;

/// What a row of a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// How far it is.
    Record = 0,
    /// What it says.
    Text = 1,
}

/// Where a row of a delivery stands in its day's table.
pub(super) fn key_of(delivery: OccurrenceId, side: Side) -> tables::DeliveryKey {
    let OccurrenceId { schedule, generation, due, delivery } = delivery;
    (schedule.0, due.as_millis(), generation, delivery, side as u8)
}

/// Writes a row of a delivery.
pub(super) fn write(txn: &WriteTransaction, of: OccurrenceId, side: Side, row: &[u8]) -> Result<(), StoreError> {
    let name = tables::deliveries_name(of.due.day());
    txn.open_table(tables::deliveries(&name))?.insert(key_of(of, side), row)?;
    Ok(())
}

/// A row of a delivery whose day has a table.
pub(super) fn row(disk: &ReadTransaction, of: OccurrenceId, side: Side) -> Result<Option<Vec<u8>>, StoreError> {
    let name = tables::deliveries_name(of.due.day());
    let row = disk.open_table(tables::deliveries(&name))?.get(key_of(of, side))?;
    Ok(row.map(|row| row.value().to_vec()))
}

impl Reader {
    /// The deliveries of an occurrence that has several, in their order.
    pub fn deliveries(&self, run: &Run) -> Result<Vec<Run>, StoreError> {
        let count = run.execution.as_ref().map_or(0, |execution| execution.deliveries);
        let mut found = Vec::with_capacity(usize::from(count));
        for one in run.occurrence.deliveries(count) {
            found.extend(self.delivery(one)?);
        }
        Ok(found)
    }

    /// One delivery.
    pub(super) fn delivery(&self, of: OccurrenceId) -> Result<Option<Run>, StoreError> {
        let disk = {
            let view = self.shared.view();
            for layer in view.layers() {
                if let Some(entry) = layer.deliveries.get(&of) {
                    return Ok(Some(layer.read(entry)?));
                }
            }
            if !view.delivery_days.contains(&of.due.day()) {
                return Ok(None);
            }
            Arc::clone(&view.disk)
        };
        on_disk(&disk, of)
    }
}

/// Those of an open occurrence that are not settled, as boot finds them.
pub(super) fn each_open(view: &View, run: &Run, visit: &mut impl FnMut(Run)) -> Result<(), StoreError> {
    let Some(execution) = run.execution.as_ref().filter(|_| matches!(run.phase, Phase::Spread(_))) else {
        return Ok(());
    };
    let layer: &Layer = &view.filling;
    for one in run.occurrence.deliveries(execution.deliveries) {
        let found = match layer.deliveries.get(&one) {
            Some(entry) => Some(layer.read(entry)?),
            None if view.delivery_days.contains(&one.due.day()) => on_disk(&view.disk, one)?,
            None => None,
        };
        found.into_iter().filter(|one| !one.is_settled()).for_each(&mut *visit);
    }
    Ok(())
}

fn on_disk(disk: &ReadTransaction, of: OccurrenceId) -> Result<Option<Run>, StoreError> {
    let Some(row) = row(disk, of, Side::Record)? else { return Ok(None) };
    let read = read_run(of, &row).map_err(|why| why.in_row(tables::deliveries_name(of.due.day()), format!("{of:?}")));
    Ok(Some(read?))
}
