//! Rows that are not what they should be: each is an error that names its table and key, or it is read; never a
//! panic.
//!
//! Rows are damaged through redb itself, behind the store's back.

use std::fs;
use std::path::Path;

use chimewheel::engine::change::{Plan, PlanId, Run, State};
use chimewheel::id::ScheduleKey;
use chimewheel::store::{FILE, Opened, Options, Store, StoreError};
use proptest::prelude::*;
use redb::{Database, ReadableTable, TableDefinition, TableHandle};

use super::chance::Chance;
use super::model::{Model, options};

const SCHEDULES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("schedules");
const PLANS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("plans");
const JOURNAL: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("journal");
const STATE: TableDefinition<'_, u64, &[u8; 40]> = TableDefinition::new("state");
const OPEN: TableDefinition<'_, (u64, i64, u32), &[u8]> = TableDefinition::new("open");

/// A store with every kind of row, some of them still in the journal.
fn make(data: &Path) {
    let (mut model, mut chance) = (Model::default(), Chance(17));
    let mut opened = Store::open(data, &options()).unwrap();
    for _ in 0..40 {
        let batch = model.batch(&mut chance);
        opened.writer.commit(&batch).unwrap();
        model.apply(&batch);
    }
}

/// Changes each row of a table with byte strings; the key type differs, so this is not a function.
macro_rules! damage {
    ($txn:expr, $table:expr, $change:expr) => {{
        let mut table = $txn.open_table($table).unwrap();
        let mut rows = Vec::new();
        for row in table.iter().unwrap() {
            let (key, value) = row.unwrap();
            rows.push((key.value(), value.value().to_vec()));
        }
        for (key, mut bytes) in rows {
            $change(&mut bytes);
            table.insert(key, bytes.as_slice()).unwrap();
        }
    }};
}

fn scramble(chance: &mut Chance, bytes: &mut Vec<u8>) {
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len() as u64 + 1) as usize;
        match chance.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, chance.next() as u8),
            2 => bytes.extend((0..chance.below(9)).map(|n| n as u8)),
            _ if at < bytes.len() => bytes[at] = chance.pick(&[0, 1, 2, 0x7F, 0x80, 0xFF]),
            _ => {}
        }
    }
}

/// Reads all there is; every error must say where it is.
fn read_all(opened: &Opened) -> usize {
    let mut errors = Vec::new();
    errors.extend(opened.each_state(|_: ScheduleKey, _: State| ()).err());
    errors.extend(opened.each_plan(|_: PlanId, _: Plan| ()).err());
    errors.extend(opened.each_open(|_: Run| ()).err());
    for key in (0..opened.next_key).map(ScheduleKey) {
        errors.extend(opened.reader.schedule(key).err());
        errors.extend(opened.reader.state(key).err());
        errors.extend(opened.reader.runs(key, 100, None).err());
        errors.extend(opened.reader.list(None, Some(key), 1).err());
    }
    for error in &errors {
        assert!(matches!(error, StoreError::Row(row) if !row.table.is_empty()), "{error}");
        assert!(error.to_string().starts_with("row "), "{error}");
    }
    errors.len()
}

#[test]
fn damaged_rows_are_errors_with_table_and_key() {
    let original = tempfile::tempdir().unwrap();
    make(original.path());
    let mut errors = 0;
    for seed in 0..60 {
        let mut chance = Chance(seed);
        let data = tempfile::tempdir().unwrap();
        fs::copy(original.path().join(FILE), data.path().join(FILE)).unwrap();
        {
            let db = Database::open(data.path().join(FILE)).unwrap();
            let ledgers: Vec<String> = {
                let names = redb::ReadableDatabase::begin_read(&db).unwrap();
                let names = names.list_tables().unwrap().map(|table| table.name().to_owned());
                names.filter(|name| name.starts_with("ledger-")).collect()
            };
            let txn = db.begin_write().unwrap();
            damage!(txn, SCHEDULES, |bytes: &mut Vec<u8>| scramble(&mut chance, bytes));
            damage!(txn, PLANS, |bytes: &mut Vec<u8>| scramble(&mut chance, bytes));
            damage!(txn, OPEN, |bytes: &mut Vec<u8>| scramble(&mut chance, bytes));
            for name in &ledgers {
                let table: TableDefinition<'_, (u32, u64, i64, u32), &[u8]> = TableDefinition::new(name);
                damage!(txn, table, |bytes: &mut Vec<u8>| scramble(&mut chance, bytes));
            }
            // A damaged journal is refused at open, so that it must be whole for the rest to be looked at.
            if seed % 3 == 0 {
                damage!(txn, JOURNAL, |bytes: &mut Vec<u8>| scramble(&mut chance, bytes));
            }
            let mut states = txn.open_table(STATE).unwrap();
            let keys: Vec<u64> = states.iter().unwrap().map(|row| row.unwrap().0.value()).collect();
            for key in keys {
                let row: [u8; 40] = std::array::from_fn(|_| chance.next() as u8);
                states.insert(key, &row).unwrap();
            }
            drop(states);
            txn.commit().unwrap();
        }
        match Store::open(data.path(), &Options { raise_epoch: false, ..options() }) {
            Ok(opened) => errors += read_all(&opened),
            Err(refused) => {
                assert!(refused.to_string().contains("of table 'journal' cannot be read"), "{refused}");
                errors += 1;
            }
        }
    }
    assert!(errors > 500, "only {errors} errors: the damage does not reach the readers");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is committed is read back: from the journal after a reopen, and from the folded tables after a close.
    #[test]
    fn rows_are_read_back_as_they_were_written(seed in any::<u64>(), extreme in any::<i64>()) {
        let (mut model, mut chance) = (Model::default(), Chance(seed));
        let disk = super::disk::Disk::default();
        let mut opened = super::model::open(&disk);
        for _ in 0..3 {
            let mut batch = model.batch(&mut chance);
            for change in &mut batch {
                use chimewheel::engine::change::Change;
                let at = chimewheel::time::Timestamp::from_millis(extreme.max(i64::MIN + 1));
                match change {
                    Change::State { state, .. } if chance.one_in(2) => state.next_due = Some(at),
                    Change::Run(run) if chance.one_in(2) => run.claimed_at = at,
                    _ => {}
                }
            }
            opened.writer.commit(&batch).unwrap();
            model.apply(&batch);
        }
        drop(opened);
        let opened = super::model::open(&disk);
        prop_assert_eq!(model.check_boot(&opened), Ok(()));
        opened.writer.close().unwrap();
        prop_assert_eq!(model.check_boot(&super::model::open(&disk)), Ok(()));
    }
}
