//! What is expected of schedules: since when a success is waited for, and whether the owner was told that none came.
//!
//! A row is its version, an instant and a flag. Few schedules have one, so it is no part of the fixed rows of `state`.
//! Invariant: a row is put in the commit of the success, or of the notice, that it speaks of, and goes with the end of its
//! schedule. Not here: for how long a success may be waited for (the plan).

use redb::WriteTransaction;

use super::codec::{Bytes, Put};
use super::error::{Malformed, StoreError};
use super::open::Opened;
use super::reader::Reader;
use super::tables::EXPECTED;
use crate::engine::change::{Change, Expected};
use crate::id::ScheduleKey;

const VERSION: u8 = 1;

/// Writes what a batch says, and removes what is expected no more.
pub(super) fn write(txn: &WriteTransaction, batch: &[Change]) -> Result<(), StoreError> {
    for change in batch {
        let Change::Expected { key, expected } = change else { continue };
        let mut table = txn.open_table(EXPECTED)?;
        match expected {
            Some(expected) => drop(table.insert(key.0, row(*expected).as_slice())?),
            None => drop(table.remove(key.0)?),
        }
    }
    Ok(())
}

fn row(expected: Expected) -> Vec<u8> {
    let mut out = Vec::with_capacity(12);
    out.byte(VERSION);
    out.instant(expected.since);
    out.byte(u8::from(expected.told));
    out
}

/// The pair of [`row`].
pub(super) fn read(row: &[u8]) -> Result<Expected, Malformed> {
    let bytes = &mut Bytes::new(row);
    bytes.version(VERSION)?;
    let expected = Expected { since: bytes.instant()?, told: bytes.byte()? > 0 };
    bytes.end()?;
    Ok(expected)
}

impl Reader {
    /// What is expected of a schedule.
    pub fn expected(&self, key: ScheduleKey) -> Result<Option<Expected>, StoreError> {
        let disk = self.disk();
        let Some(row) = disk.open_table(EXPECTED)?.get(key.0)? else { return Ok(None) };
        Ok(Some(read(row.value()).map_err(|why| why.in_row("expected", key.0))?))
    }
}

impl Opened {
    /// Visits what is expected of each schedule, by key.
    pub fn each_expected(&self, mut visit: impl FnMut(ScheduleKey, Expected)) -> Result<(), StoreError> {
        for row in self.reader.disk().open_table(EXPECTED)?.range(0..)? {
            let (key, row) = row?;
            let key = key.value();
            visit(ScheduleKey(key), read(row.value()).map_err(|why| why.in_row("expected", key))?);
        }
        Ok(())
    }
}
