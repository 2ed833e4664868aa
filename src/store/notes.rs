//! Notes: why a schedule is paused, in the commit that pauses it.
//!
//! A row is its version and a text. Few schedules have one, so it is no part of the fixed rows of `state`. Invariant: a
//! note goes with the pause that it speaks of; what it means depends on who paused (`surface`).
//! Not here: when there is one (`engine`).

use redb::WriteTransaction;

use super::codec::{Bytes, Put};
use super::error::{Malformed, StoreError};
use super::reader::Reader;
use super::tables::NOTES;
use crate::engine::change::Change;
use crate::id::ScheduleKey;

const VERSION: u8 = 1;

/// Writes the notes of a batch, and removes those that are over.
pub(super) fn write(txn: &WriteTransaction, batch: &[Change]) -> Result<(), StoreError> {
    for change in batch {
        match change {
            Change::Note { key, note: Some(note) } => {
                txn.open_table(NOTES)?.insert(key.0, row(note).as_slice())?;
            }
            Change::Note { key, note: None } => {
                txn.open_table(NOTES)?.remove(key.0)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn row(note: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(note.len() + 3);
    out.byte(VERSION);
    out.text(note);
    out
}

/// The pair of [`row`].
pub(super) fn read(row: &[u8]) -> Result<String, Malformed> {
    let bytes = &mut Bytes::new(row);
    bytes.version(VERSION)?;
    let note = bytes.string()?;
    bytes.end()?;
    Ok(note)
}

impl Reader {
    /// Why a schedule is paused, where that was said.
    pub fn note(&self, key: ScheduleKey) -> Result<Option<String>, StoreError> {
        let disk = self.disk();
        let Some(row) = disk.open_table(NOTES)?.get(key.0)? else { return Ok(None) };
        Ok(Some(read(row.value()).map_err(|why| why.in_row("notes", key.0))?))
    }
}
