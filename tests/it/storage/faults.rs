//! Every contradiction that verifying is there to find, made behind the store's back, one by one.

use std::fs;

use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, TableDefinition, TableHandle as _, WriteTransaction,
};

use super::world::{World, with_file};

const STATE: TableDefinition<'_, u64, &[u8; 40]> = TableDefinition::new("state");
const SCHEDULES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("schedules");
const PLANS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("plans");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const JOURNAL: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("journal");
const OPEN: TableDefinition<'_, (u64, i64, u32), &[u8]> = TableDefinition::new("open");
const BY_ID: TableDefinition<'_, &str, u64> = TableDefinition::new("by_id");
const BY_NAME: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("by_name");
const BY_TOKEN: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("by_token");
const BY_AGENT: TableDefinition<'_, (&str, u64), ()> = TableDefinition::new("by_agent");
const BY_FILE: TableDefinition<'_, (&str, u64), ()> = TableDefinition::new("by_file");

/// A key that no schedule has.
const FAR: u64 = 1 << 40;

/// A sound store, of which each contradiction gets a copy.
struct Original {
    bytes: Vec<u8>,
    ledger: String,
}

impl Original {
    fn make() -> Self {
        let world = World::filled(20);
        let bytes = fs::read(world.file()).unwrap();
        let db = Database::open(world.file()).unwrap();
        let tables = db.begin_read().unwrap();
        let mut names = tables.list_tables().unwrap().map(|table| table.name().to_owned());
        let ledger = names.find(|name| name.starts_with("ledger-")).unwrap();
        Self { bytes, ledger }
    }

    fn ledger(&self) -> TableDefinition<'_, (u32, u64, i64, u32), &'static [u8]> {
        TableDefinition::new(&self.ledger)
    }

    /// Changes a copy, and expects the real program to name the place and say what is wrong there.
    fn check(&self, place: &str, what: &str, change: impl FnOnce(&WriteTransaction)) {
        let world = with_file(&self.bytes);
        {
            let db = Database::open(world.file()).unwrap();
            let txn = db.begin_write().unwrap();
            change(&txn);
            txn.commit().unwrap();
        }
        let (code, out, err) = world.run(&["verify"]);
        let found = out.lines().any(|line| line.starts_with(&format!("fault: {place}")) && line.contains(what));
        assert!(code == 1 && found && out.contains("Not sound: "), "{place}: {what}\n{out}{err}");
    }
}

macro_rules! insert {
    ($table:expr, $key:expr, $value:expr) => {
        |txn| drop(txn.open_table($table).unwrap().insert($key, $value).unwrap())
    };
}

macro_rules! remove {
    ($table:expr, $key:expr) => {
        |txn| assert!(txn.open_table($table).unwrap().remove($key).unwrap().is_some())
    };
}

#[test]
fn between_schedules_states_and_plans() {
    let store = Original::make();
    store.check("state row 4", "is missing: 's4'", remove!(STATE, 4));
    store.check("state row 4", "cannot be read", insert!(STATE, 4, &[9; 40]));
    store.check("state row 4", "belongs to no schedule", remove!(SCHEDULES, 4));
    store.check("schedules row 4", "cannot be read", insert!(SCHEDULES, 4, b"?".as_slice()));
    store.check("state row 1099511627776", "belongs to no schedule", |txn| {
        let mut table = txn.open_table(STATE).unwrap();
        let row = *table.get(4).unwrap().unwrap().value();
        table.insert(FAR, &row).unwrap();
    });
    store.check("state row 4", "is active and has no due", |txn| {
        let mut table = txn.open_table(STATE).unwrap();
        let mut row = *table.get(4).unwrap().unwrap().value();
        row[24..32].copy_from_slice(&i64::MIN.to_le_bytes());
        table.insert(4, &row).unwrap();
    });
    store.check("plans row", "is missing: schedule", |txn| {
        txn.open_table(PLANS).unwrap().retain(|_, _| false).unwrap();
    });
    store.check("plans row 0", "cannot be read", insert!(PLANS, 0, b"?".as_slice()));
    store.check(
        "meta row next_key",
        "is 3, but schedule 19 exists",
        insert!(META, "next_key", 3_u64.to_le_bytes().as_slice()),
    );
    store.check("surprise", "is no table of a store", |txn| {
        drop(txn.open_table(TableDefinition::<u64, u64>::new("surprise")).unwrap());
    });
}

#[test]
fn between_schedules_and_indexes_both_ways() {
    let store = Original::make();
    store.check("by_id row s7", "does not lead to schedule 7", remove!(BY_ID, "s7"));
    store.check("by_id row s7", "does not lead to schedule 7", insert!(BY_ID, "s7", 8));
    store.check("by_id row ghost", "which does not exist", insert!(BY_ID, "ghost", FAR));
    store.check("by_id row ghost", "which is 's7'", insert!(BY_ID, "ghost", 7));
    store.check("by_name row agent-1, name 4", "is missing", remove!(BY_NAME, ("agent-1", "name 4")));
    store.check("by_name row agent-1, name 4", "which is 's7'", insert!(BY_NAME, ("agent-1", "name 4"), 7));
    store.check("by_token row agent-9, t", "which is 's7'", insert!(BY_TOKEN, ("agent-9", "t"), 7));
    store.check("by_agent row agent-1, 7", "is missing", remove!(BY_AGENT, ("agent-1", 7)));
    store.check("by_agent row agent-2, 7", "which is 's7'", insert!(BY_AGENT, ("agent-2", 7), ()));
    store.check("by_file row a.yaml, 7", "which is 's7'", insert!(BY_FILE, ("a.yaml", 7), ()));
}

#[test]
fn between_journal_open_runs_and_ledgers() {
    let store = Original::make();
    let ledger = store.ledger();
    let first = |txn: &WriteTransaction| {
        let table = txn.open_table(ledger).unwrap();
        let (key, row) = table.first().unwrap().unwrap();
        let (_, schedule, due, generation) = key.value();
        (schedule, due, generation, row.value().to_vec())
    };
    store.check("journal row 9999999", "after a gap", insert!(JOURNAL, 9_999_999, [1, 0].as_slice()));
    store.check("journal row 9999999", "cannot be read", insert!(JOURNAL, 9_999_999, [7].as_slice()));
    store.check("meta row folded_through", "beyond the journal's last row 1", |txn| {
        txn.open_table(JOURNAL).unwrap().retain(|seq, _| seq == 1).unwrap();
    });
    let due = "schedule 7, due 1970-01-01T00:00:00Z, generation 1";
    store.check(&format!("open row {due}"), "cannot be read", insert!(OPEN, (7, 0, 1), b"?".as_slice()));
    store.check("open row schedule", "stands in the ledger, too", |txn| {
        let (schedule, due, generation, row) = first(txn);
        txn.open_table(OPEN).unwrap().insert((schedule, due, generation), row.as_slice()).unwrap();
    });
    store.check(&format!("{} row {due}", store.ledger), "is of another day", |txn| {
        let (_, _, _, row) = first(txn);
        txn.open_table(ledger).unwrap().insert((0, 7, 0, 1), row.as_slice()).unwrap();
    });
    store.check(&store.ledger, "a schedule that does not exist", |txn| {
        let (_, due, generation, row) = first(txn);
        txn.open_table(ledger).unwrap().insert((0, FAR, due, generation), row.as_slice()).unwrap();
    });
    store.check(&store.ledger, "is older than the history that is kept", |txn| {
        let from = 1_000_000_u64.to_le_bytes();
        txn.open_table(META).unwrap().insert("history_from", from.as_slice()).unwrap();
    });
}
