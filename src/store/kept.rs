//! What hooks keep from one run to the next, and what runs have spent in a day, under the key of their schedule.
//!
//! A row is its version and a text. Each part of what is kept is a row of its own, so that every put is whole and can be
//! replayed. Invariant: what a hook keeps is put in the commit that ends a run, and goes when the schedule is cancelled or
//! has no hook any more. Not here: what a hook makes of it, who may spend what (`engine`).

use std::sync::Arc;

use hashbrown::HashMap;
use redb::WriteTransaction;

use super::codec::{Bytes, Put};
use super::error::{Malformed, StoreError};
use super::reader::Reader;
use super::tables::HOOKS;
use crate::engine::change::Kept;
use crate::id::ScheduleKey;

const VERSION: u8 = 1;

/// The parts by their number in a key.
pub(super) const fn number(part: Kept) -> u8 {
    match part {
        Kept::State => 0,
        Kept::Text => 1,
        Kept::Spent => 2,
    }
}

/// The pair of [`number`].
pub(super) const fn part(number: u8) -> Option<Kept> {
    match number {
        0 => Some(Kept::State),
        1 => Some(Kept::Text),
        2 => Some(Kept::Spent),
        _ => None,
    }
}

/// Puts one part, or removes it.
pub(super) fn write(
    txn: &WriteTransaction,
    (key, part): (ScheduleKey, Kept),
    text: Option<&[u8]>,
) -> Result<(), StoreError> {
    let mut table = txn.open_table(HOOKS)?;
    let key = (key.0, number(part));
    match text {
        Some(text) => {
            let mut row = Vec::with_capacity(text.len() + 1);
            row.byte(VERSION);
            row.raw(text);
            table.insert(key, row.as_slice())?;
        }
        None => drop(table.remove(key)?),
    }
    Ok(())
}

/// The text of a row.
pub(super) fn read(row: &[u8]) -> Result<&str, Malformed> {
    let bytes = &mut Bytes::new(row);
    bytes.version(VERSION)?;
    let text = bytes.raw(row.len() - 1)?;
    str::from_utf8(text).or_else(|_| bytes.wrong("a text that is not UTF-8"))
}

impl Reader {
    /// The map that a schedule's hook keeps, as JSON.
    pub fn hook_state(&self, key: ScheduleKey) -> Result<Option<String>, StoreError> {
        self.kept(key, Kept::State)
    }

    /// The latest text that was made for a schedule, or its beginning, as far as its hook may look back.
    pub fn last_text(&self, key: ScheduleKey) -> Result<Option<String>, StoreError> {
        self.kept(key, Kept::Text)
    }

    /// What was spent for each schedule on the day when something was spent for it last; the start asks.
    pub fn each_spent(&self, mut visit: impl FnMut(ScheduleKey, &str)) -> Result<(), StoreError> {
        let mut unfolded = HashMap::new();
        let disk = {
            let view = self.shared.view();
            for layer in view.layers() {
                for (&(key, part), _) in layer.kept.iter().filter(|((_, part), _)| *part == Kept::Spent) {
                    let text = layer.kept(key, part).flatten().map(|text| String::from_utf8_lossy(text).into_owned());
                    unfolded.entry(key).or_insert(text);
                }
            }
            Arc::clone(&view.disk)
        };
        for row in disk.open_table(HOOKS)?.range((0, 0)..)? {
            let (key, row) = row?;
            let (key, part) = key.value();
            if part == number(Kept::Spent) && !unfolded.contains_key(&ScheduleKey(key)) {
                visit(ScheduleKey(key), read(row.value()).map_err(|why| why.in_row("hooks", key))?);
            }
        }
        for (key, text) in unfolded {
            if let Some(text) = text {
                visit(key, &text);
            }
        }
        Ok(())
    }

    fn kept(&self, key: ScheduleKey, part: Kept) -> Result<Option<String>, StoreError> {
        let disk = {
            let view = self.shared.view();
            if let Some(text) = view.layers().find_map(|layer| layer.kept(key, part)) {
                return Ok(text.map(|text| String::from_utf8_lossy(text).into_owned()));
            }
            Arc::clone(&view.disk)
        };
        let Some(row) = disk.open_table(HOOKS)?.get((key.0, number(part)))? else { return Ok(None) };
        Ok(Some(read(row.value()).map_err(|why| why.in_row("hooks", key.0))?.to_owned()))
    }
}
