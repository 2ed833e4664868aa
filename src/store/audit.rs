//! The audit: who changed what, by UTC day, dropped 7 days after the history of that day: what the operator cancelled is
//! known as long as an agent is refused it, however short the history is.
//!
//! A row stands under its instant and a number among those of the same instant. It is its version, actor (an absent agent
//! is the admin), session, way in, operation, schedules (how many, then ranges as first and length), token, and from version 2 on the
//! session that was ended or answered in.
//! Invariant: a row is written in the commit of the change that it tells of.
//! Not here: what is worth a row (`runtime`).

use std::sync::Arc;

use redb::{ReadableTable, TableHandle, WriteTransaction};

use super::codec::{Bytes, Put};
use super::error::{Malformed, RowError, StoreError};
use super::reader::Reader;
use super::tables;
use crate::access::{Actor, Record, Touched, Via};
use crate::engine::change::Change;
use crate::id::{ScheduleKey, SessionKey};
use crate::limits;
use crate::time::Timestamp;

const VERSION: u8 = 2;

/// A place in the audit; the next page begins below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditCursor {
    /// Milliseconds of the last record seen.
    pub at_ms: i64,
    /// Its number among those of that instant.
    pub number: u32,
}

/// Writes the records of a batch.
pub(super) fn write(txn: &WriteTransaction, batch: &[Change]) -> Result<(), StoreError> {
    let records =
        batch.iter().filter_map(|change| if let Change::Audit(record) = change { Some(record) } else { None });
    for record in records {
        let name = tables::audit_name(record.at.day());
        let mut table = txn.open_table(tables::audit(&name))?;
        let at = record.at.as_millis();
        let last = table.range((at, 0)..=(at, u32::MAX))?.next_back().transpose()?;
        let number = last.map_or(0, |(key, _)| key.value().1.saturating_add(1));
        table.insert((at, number), row(record).as_slice())?;
    }
    Ok(())
}

/// Drops the days before `from`, but for those that a tombstone may be asked about.
pub(super) fn drop_before(txn: &WriteTransaction, from: i64) -> Result<(), StoreError> {
    let from = from.saturating_sub((limits::TOMBSTONE_MS_MAX / 86_400_000) as i64);
    let names: Vec<String> = txn.list_tables()?.map(|table| table.name().to_owned()).collect();
    for name in names.iter().filter(|name| tables::audit_day(name).is_some_and(|day| day < from)) {
        txn.delete_table(tables::audit(name))?;
    }
    Ok(())
}

fn row(record: &Record) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.byte(VERSION);
    let agent = if let Actor::Agent(agent) = &record.actor { Some(agent) } else { None };
    out.option(agent, |out, agent| out.text(agent));
    out.option(record.session.as_deref(), |out, session| out.text(session));
    let via = Via::ALL.iter().position(|(via, _)| *via == record.via).unwrap_or_default();
    out.byte(via as u8);
    out.text(&record.operation);
    out.number(record.changed.count);
    out.number(record.changed.ranges.len() as u64);
    for (first, last) in &record.changed.ranges {
        out.number(first.0);
        out.number(last.0 - first.0);
    }
    out.option(record.token.as_deref(), |out, token| out.text(token));
    out.option(record.conversation, |out, session| out.number(session.0));
    out
}

/// The pair of [`row`].
pub(super) fn read(at: Timestamp, row: &[u8]) -> Result<Record, Malformed> {
    let bytes = &mut Bytes::new(row);
    let version = bytes.version(VERSION)?;
    let actor = bytes.option(Bytes::string)?.map_or(Actor::Admin, Actor::Agent);
    let session = bytes.option(Bytes::string)?;
    let via = bytes.byte()?;
    let Some(&(via, _)) = Via::ALL.get(usize::from(via)) else {
        return bytes.wrong(format!("no way in is written {via}"));
    };
    let operation = bytes.string()?;
    let mut changed = Touched { count: bytes.number()?, ranges: Vec::new() };
    for _ in 0..bytes.number()? {
        let (first, more) = (bytes.number()?, bytes.number()?);
        let Some(last) = first.checked_add(more) else { return bytes.wrong("a range beyond 64 bits") };
        changed.ranges.push((ScheduleKey(first), ScheduleKey(last)));
    }
    let token = bytes.option(Bytes::string)?;
    let conversation = if version < 2 { None } else { bytes.option(Bytes::number)?.map(SessionKey) };
    let record = Record { at, actor, session, via, operation, changed, token, conversation };
    bytes.end()?;
    Ok(record)
}

/// Reads a row of the table of that name.
pub(super) fn read_in(table: &str, at: i64, number: u32, row: &[u8]) -> Result<Record, Box<RowError>> {
    read(Timestamp::from_millis(at), row).map_err(|why| why.in_row(table, format!("{at}, {number}")))
}

impl Reader {
    /// Up to `limit` records (never more than [`limits::PAGE_ROWS_MAX`]) that are wanted, newest first; those below
    /// `before`, if it is given.
    pub fn audit(
        &self,
        before: Option<AuditCursor>,
        limit: usize,
        wanted: impl Fn(&Record) -> bool,
    ) -> Result<Vec<(AuditCursor, Record)>, StoreError> {
        let disk = Arc::clone(&self.disk());
        let limit = limit.min(limits::PAGE_ROWS_MAX);
        let before = before.map_or((i64::MAX, u32::MAX), |before| (before.at_ms, before.number));
        let mut days = tables::audit_days(&disk)?;
        days.sort_unstable();
        let mut found = Vec::new();
        for day in days.into_iter().rev() {
            let name = tables::audit_name(day);
            for row in disk.open_table(tables::audit(&name))?.range(..before)?.rev() {
                if found.len() == limit {
                    return Ok(found);
                }
                let (key, row) = row?;
                let (at_ms, number) = key.value();
                let record = read_in(&name, at_ms, number, row.value())?;
                if wanted(&record) {
                    found.push((AuditCursor { at_ms, number }, record));
                }
            }
        }
        Ok(found)
    }
}
