//! The tables of the file, and the few facts kept in `meta`.
//!
//! Invariant: every table but the ledgers, texts, deliveries and audits exists from the moment the store is created, so that no
//! reader has to ask. Keys sort as their parts do.
//! Not here: the bytes of the rows (`row`, `declaration`, `journal`).

use std::collections::BTreeSet;

use redb::{ReadTransaction, TableDefinition, TableError, TableHandle, WriteTransaction};

use super::error::{Malformed, StoreError};
use super::row::STATE_BYTES;

/// Format of the file; see the front page of `store`.
pub(super) const FORMAT: u64 = 4;

pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
pub(super) const SCHEDULES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("schedules");
pub(super) const PLANS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("plans");
pub(super) const JOURNAL: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("journal");
pub(super) const STATE: TableDefinition<'_, u64, &[u8; STATE_BYTES]> = TableDefinition::new("state");
pub(super) const OPEN: TableDefinition<'_, OpenKey, &[u8]> = TableDefinition::new("open");
pub(super) const BY_ID: TableDefinition<'_, &str, u64> = TableDefinition::new("by_id");
pub(super) const BY_NAME: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("by_name");
pub(super) const BY_TOKEN: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("by_token");
pub(super) const BY_AGENT: TableDefinition<'_, (&str, u64), ()> = TableDefinition::new("by_agent");
pub(super) const BY_FILE: TableDefinition<'_, (&str, u64), ()> = TableDefinition::new("by_file");
pub(super) const BY_PROCESS: TableDefinition<'_, (&str, &str, u64), ()> = TableDefinition::new("by_process");
pub(super) const NOTES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("notes");
pub(super) const HOOKS: TableDefinition<'_, (u64, u8), &[u8]> = TableDefinition::new("hooks");
pub(super) const TOKENS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("tokens");

pub(super) const SESSIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("sessions");
pub(super) const BY_CHAT: TableDefinition<'_, ChatKey<'_>, u64> = TableDefinition::new("by_chat");
pub(super) const TRANSCRIPTS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("transcripts");
pub(super) const INBOUND: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("inbound");
pub(super) const BY_MESSAGE: TableDefinition<'_, MessageKey<'_>, u64> = TableDefinition::new("by_message");
pub(super) const PLACES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("places");

/// Every table but the ledgers, texts, deliveries and audits.
pub(super) const NAMES: [&str; 21] = [
    "meta",
    "schedules",
    "plans",
    "journal",
    "state",
    "open",
    "by_id",
    "by_name",
    "by_token",
    "by_agent",
    "by_file",
    "by_process",
    "notes",
    "hooks",
    "tokens",
    "sessions",
    "by_chat",
    "transcripts",
    "inbound",
    "by_message",
    "places",
];

/// Gateway, chat, thread (empty: none), agent.
pub(super) type ChatKey<'a> = (&'a str, &'a str, &'a str, &'a str);
/// Gateway, chat, thread (empty: none), the platform's id.
pub(super) type MessageKey<'a> = (&'a str, &'a str, &'a str, &'a str);
/// Schedule, due in milliseconds, generation.
pub(super) type OpenKey = (u64, i64, u32);
/// As [`OpenKey`], then the delivery's number and which side of it the row is.
pub(super) type DeliveryKey = (u64, i64, u32, u16, u8);
/// Segment, then as [`OpenKey`].
pub(super) type LedgerKey = (u32, u64, i64, u32);

/// Milliseconds, then a number among those of the same instant.
pub(super) type AuditKey = (i64, u32);

const LEDGER_PREFIX: &str = "ledger-";
const TEXTS_PREFIX: &str = "texts-";
const DELIVERIES_PREFIX: &str = "deliveries-";
const AUDIT_PREFIX: &str = "audit-";

pub(super) mod meta {
    //! Names of the rows of `meta`.
    pub(in crate::store) const FORMAT: &str = "format";
    pub(in crate::store) const EPOCH: &str = "epoch";
    pub(in crate::store) const FOLDED_THROUGH: &str = "folded_through";
    pub(in crate::store) const NEXT_KEY: &str = "next_key";
    pub(in crate::store) const HISTORY_FROM: &str = "history_from";
    pub(in crate::store) const ZONE_DATA: &str = "zone_data";
}

/// Name of the audit of one UTC day.
pub(super) fn audit_name(day: i64) -> String {
    format!("{AUDIT_PREFIX}{day}")
}

/// The day whose audit has this name.
pub(super) fn audit_day(name: &str) -> Option<i64> {
    name.strip_prefix(AUDIT_PREFIX)?.parse().ok()
}

/// The audit of that name.
pub(super) fn audit(name: &str) -> TableDefinition<'_, AuditKey, &'static [u8]> {
    TableDefinition::new(name)
}

/// Days that have an audit.
pub(super) fn audit_days(txn: &ReadTransaction) -> Result<Vec<i64>, StoreError> {
    Ok(txn.list_tables()?.filter_map(|table| audit_day(table.name())).collect())
}

/// Name of the ledger of one UTC day.
pub(super) fn ledger_name(day: i64) -> String {
    format!("{LEDGER_PREFIX}{day}")
}

/// The ledger of that name.
pub(super) fn ledger(name: &str) -> TableDefinition<'_, LedgerKey, &'static [u8]> {
    TableDefinition::new(name)
}

/// Name of the table of the texts composed for the occurrences of one UTC day.
pub(super) fn texts_name(day: i64) -> String {
    format!("{TEXTS_PREFIX}{day}")
}

/// The texts of that name.
pub(super) fn texts(name: &str) -> TableDefinition<'_, OpenKey, &'static [u8]> {
    TableDefinition::new(name)
}

/// Name of the table of the deliveries of one UTC day.
pub(super) fn deliveries_name(day: i64) -> String {
    format!("{DELIVERIES_PREFIX}{day}")
}

/// The deliveries of that name.
pub(super) fn deliveries(name: &str) -> TableDefinition<'_, DeliveryKey, &'static [u8]> {
    TableDefinition::new(name)
}

/// Days that have deliveries.
pub(super) fn delivery_days(txn: &ReadTransaction) -> Result<BTreeSet<i64>, StoreError> {
    days(txn, DELIVERIES_PREFIX)
}

/// Days that have a ledger.
pub(super) fn ledger_days(txn: &ReadTransaction) -> Result<BTreeSet<i64>, StoreError> {
    days(txn, LEDGER_PREFIX)
}

/// Days that have composed texts.
pub(super) fn text_days(txn: &ReadTransaction) -> Result<BTreeSet<i64>, StoreError> {
    days(txn, TEXTS_PREFIX)
}

fn days(txn: &ReadTransaction, prefix: &str) -> Result<BTreeSet<i64>, StoreError> {
    let names = txn.list_tables()?;
    Ok(names.filter_map(|table| table.name().strip_prefix(prefix)?.parse().ok()).collect())
}

/// Creates what every reader expects to find, in a new file or in one of an earlier format.
pub(super) fn create_all(txn: &WriteTransaction) -> Result<(), StoreError> {
    txn.open_table(SCHEDULES)?;
    txn.open_table(PLANS)?;
    txn.open_table(JOURNAL)?;
    txn.open_table(STATE)?;
    txn.open_table(OPEN)?;
    txn.open_table(BY_ID)?;
    txn.open_table(BY_NAME)?;
    txn.open_table(BY_TOKEN)?;
    txn.open_table(BY_AGENT)?;
    txn.open_table(BY_FILE)?;
    txn.open_table(BY_PROCESS)?;
    txn.open_table(NOTES)?;
    txn.open_table(HOOKS)?;
    txn.open_table(TOKENS)?;
    txn.open_table(SESSIONS)?;
    txn.open_table(BY_CHAT)?;
    txn.open_table(TRANSCRIPTS)?;
    txn.open_table(INBOUND)?;
    txn.open_table(BY_MESSAGE)?;
    txn.open_table(PLACES)?;
    put_number(txn, meta::FORMAT, FORMAT)
}

/// Writes a number of `meta`.
pub(super) fn put_number(txn: &WriteTransaction, name: &str, value: u64) -> Result<(), StoreError> {
    txn.open_table(META)?.insert(name, value.to_le_bytes().as_slice())?;
    Ok(())
}

/// Writes a text of `meta`.
pub(super) fn put_text(txn: &WriteTransaction, name: &str, text: &str) -> Result<(), StoreError> {
    txn.open_table(META)?.insert(name, text.as_bytes())?;
    Ok(())
}

/// Reads a number of `meta`; `None` when it was never written.
pub(super) fn number(txn: &ReadTransaction, name: &str) -> Result<Option<u64>, StoreError> {
    let table = txn.open_table(META)?;
    let Some(row) = table.get(name)? else { return Ok(None) };
    match row.value().try_into() {
        Ok(bytes) => Ok(Some(u64::from_le_bytes(bytes))),
        Err(_) => {
            let wrong = Malformed { at: 0, what: format!("{} bytes instead of 8", row.value().len()) };
            Err(wrong.in_row("meta", name).into())
        }
    }
}

/// Reads a text of `meta`.
pub(super) fn text(txn: &ReadTransaction, name: &str) -> Result<Option<String>, StoreError> {
    let table = txn.open_table(META)?;
    let row = table.get(name)?;
    Ok(row.map(|row| String::from_utf8_lossy(row.value()).into_owned()))
}

/// Whether every table is there that readers expect.
pub(super) fn has_all(txn: &ReadTransaction) -> Result<bool, StoreError> {
    let there: BTreeSet<String> = txn.list_tables()?.map(|table| table.name().to_owned()).collect();
    Ok(NAMES.iter().all(|name| there.contains(*name)))
}

/// Whether the file has been laid out; a file with no table at all is one whose creation was interrupted.
pub(super) fn is_laid_out(txn: &ReadTransaction) -> Result<bool, StoreError> {
    match txn.open_table(META) {
        Ok(_) => Ok(true),
        Err(TableError::TableDoesNotExist(_)) if txn.list_tables()?.next().is_none() => Ok(false),
        Err(error) => Err(error.into()),
    }
}
