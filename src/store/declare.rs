//! Declarations: the schedules' rows and the indexes, written in the declaring commit itself.
//!
//! Invariants: an index row stands exactly for what the latest declaration of its key says; `by_name` and `by_token`
//! point at the latest declarer, so a name whose schedule has ended can be taken over. Each index is written in its
//! own order, because scattered inserts are what this kind of file is slow at.
//! Not here: whether a name is free (`names`, `runtime`).

use std::collections::BTreeMap;

use hashbrown::HashMap;
use redb::{Key, ReadableTable, Table, TableDefinition, Value, WriteTransaction};

use super::declaration::{plan_row, read_schedule, schedule_row};
use super::error::StoreError;
use super::tables::{BY_AGENT, BY_FILE, BY_ID, BY_NAME, BY_PROCESS, BY_TOKEN, PLANS, SCHEDULES};
use crate::calendar::Patterns;
use crate::engine::change::Change;
use crate::spec::Schedule;

/// Writes the declarations and plans of a batch; `next_key` is the number that no schedule has had yet. Returns the
/// next one.
pub(super) fn write(
    txn: &WriteTransaction,
    batch: &[Change],
    next_key: u64,
    crons: &Patterns,
) -> Result<u64, StoreError> {
    let mut declared: Vec<(u64, u32, &Schedule)> = Vec::new();
    for change in batch {
        match change {
            Change::Declare { key, schedule, state } => declared.push((key.0, state.generation, schedule)),
            Change::Plan { id, plan } => {
                txn.open_table(PLANS)?.insert(id.0, plan_row(plan).as_slice())?;
            }
            Change::PlanDropped { id } => {
                txn.open_table(PLANS)?.remove(id.0)?;
            }
            Change::State { .. }
            | Change::Run(_)
            | Change::Text { .. }
            | Change::Kept { .. }
            | Change::Note { .. }
            | Change::Grant(_)
            | Change::Audit(_)
            | Change::Session { .. }
            | Change::Uttered { .. }
            | Change::Heard { .. }
            | Change::Place { .. }
            | Change::DropHistory { .. } => {}
        }
    }
    if declared.is_empty() {
        return Ok(next_key);
    }
    keep_latest(&mut declared);
    unindex(txn, &declared, next_key, crons)?;
    index(txn, &declared)?;
    let highest = declared.iter().map(|&(key, ..)| key).max().unwrap_or_default();
    Ok(next_key.max(highest.saturating_add(1)))
}

/// Of a key declared twice in one batch only the latter counts, at its place.
fn keep_latest(declared: &mut Vec<(u64, u32, &Schedule)>) {
    let mut last: HashMap<u64, usize> = HashMap::with_capacity(declared.len());
    for (place, &(key, ..)) in declared.iter().enumerate() {
        last.insert(key, place);
    }
    if last.len() < declared.len() {
        let mut place = 0..;
        declared.retain(|&(key, ..)| place.next() == last.get(&key).copied());
    }
}

/// Takes out the index rows of earlier declarations that the new ones no longer say.
fn unindex(
    txn: &WriteTransaction,
    declared: &[(u64, u32, &Schedule)],
    next_key: u64,
    crons: &Patterns,
) -> Result<(), StoreError> {
    let again: BTreeMap<u64, &Schedule> =
        declared.iter().filter(|&&(key, ..)| key < next_key).map(|&(key, _, schedule)| (key, schedule)).collect();
    if again.is_empty() {
        return Ok(());
    }
    let schedules = txn.open_table(SCHEDULES)?;
    for (key, new) in again {
        let Some(row) = schedules.get(key)? else { continue };
        let (_, old) = read_schedule(row.value(), crons).map_err(|why| why.in_row("schedules", key))?;
        if old.id != new.id {
            remove_if(&mut txn.open_table(BY_ID)?, old.id.as_str(), key)?;
        }
        if let Some(name) = old.name.as_deref()
            && (old.agent != new.agent || new.name.as_deref() != Some(name))
        {
            remove_if(&mut txn.open_table(BY_NAME)?, (old.agent.as_str(), name), key)?;
        }
        if let Some(token) = old.client_token.as_deref()
            && (old.agent != new.agent || new.client_token.as_deref() != Some(token))
        {
            remove_if(&mut txn.open_table(BY_TOKEN)?, (old.agent.as_str(), token), key)?;
        }
        if old.agent != new.agent {
            txn.open_table(BY_AGENT)?.remove((old.agent.as_str(), key))?;
        }
        if let Some(handle) = old.process_handle.as_deref()
            && (old.agent != new.agent || new.process_handle.as_deref() != Some(handle))
        {
            txn.open_table(BY_PROCESS)?.remove((old.agent.as_str(), handle, key))?;
        }
        if let Some(source) = &old.source
            && new.source.as_ref().is_none_or(|now| now.file != source.file)
        {
            txn.open_table(BY_FILE)?.remove((source.file.as_str(), key))?;
        }
    }
    Ok(())
}

fn remove_if<'k, K: Key>(table: &mut Table<'_, K, u64>, name: K::SelfType<'k>, key: u64) -> Result<(), StoreError> {
    let points_here = table.get(&name)?.is_some_and(|found| found.value() == key);
    if points_here {
        table.remove(&name)?;
    }
    Ok(())
}

fn index(txn: &WriteTransaction, declared: &[(u64, u32, &Schedule)]) -> Result<(), StoreError> {
    let all = || declared.iter().map(|&(key, _, schedule)| (key, schedule));
    {
        let mut order: Vec<_> = declared.iter().collect();
        order.sort_by_key(|&&(key, ..)| key);
        let mut table = txn.open_table(SCHEDULES)?;
        for &(key, generation, schedule) in order {
            table.insert(key, schedule_row(generation, schedule).as_slice())?;
        }
    }
    insert_sorted(txn, BY_ID, all().map(|(key, schedule)| (schedule.id.as_str(), key)).collect())?;
    let named = all().filter_map(|(key, one)| Some(((one.agent.as_str(), one.name.as_deref()?), key)));
    insert_sorted(txn, BY_NAME, named.collect())?;
    let tokens = all().filter_map(|(key, one)| Some(((one.agent.as_str(), one.client_token.as_deref()?), key)));
    insert_sorted(txn, BY_TOKEN, tokens.collect())?;
    insert_sorted(txn, BY_AGENT, all().map(|(key, one)| ((one.agent.as_str(), key), ())).collect())?;
    let owned = all().filter_map(|(key, one)| Some(((one.agent.as_str(), one.process_handle.as_deref()?, key), ())));
    insert_sorted(txn, BY_PROCESS, owned.collect())?;
    let files = all().filter_map(|(key, one)| Some(((one.source.as_ref()?.file.as_str(), key), ())));
    insert_sorted(txn, BY_FILE, files.collect())
}

/// Inserts in key order; of two rows with one key, the later in the batch stays.
fn insert_sorted<'a, K, V>(
    txn: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
    mut rows: Vec<(K::SelfType<'a>, V::SelfType<'a>)>,
) -> Result<(), StoreError>
where
    K: Key + 'static,
    V: Value + 'static,
    K::SelfType<'a>: Ord,
{
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    let mut table = txn.open_table(table)?;
    for (key, value) in &rows {
        table.insert(key, value)?;
    }
    Ok(())
}
