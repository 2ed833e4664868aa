//! Files and folders: who owns them, which are refused, and that a refusal changes nothing.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chimewheel::access::{Actor, Destination, Grant, Record, Touched, Via};
use chimewheel::calendar::{After, End, Ends, Trigger};
use chimewheel::engine::change::{Cause, Change, Expected, Outcome, Phase, Plan, Run};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::spec::Schedule;
use chimewheel::store::{FILE, OpenError, Opened, Options, Owner, Store, owner};
use chimewheel::time::{Span, Timestamp};
use redb::{Database, TableDefinition};

use super::chance::{Chance, as_of_format_1, as_of_format_2, as_of_format_3};
use super::model::Model;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Seed and commits of the histories in `tests/data/format-N.redb`, from format 1 on.
const SAMPLES: [(u64, usize); 4] = [(11, 10), (12, 10), (13, 40), (14, 40)];
/// An instant later than all history that is dropped in them.
const AT: Timestamp = Timestamp::from_seconds(1_900_000_000);

fn open(data: &Path) -> Result<Opened, OpenError> {
    Store::open(data, &Options::default())
}

fn refusal(data: &Path) -> OpenError {
    match open(data) {
        Ok(_) => panic!("the store was opened"),
        Err(error) => error,
    }
}

fn close(opened: Opened) {
    opened.writer.close().unwrap();
}

#[test]
fn a_second_opener_is_told_who_the_owner_is() {
    let data = tempfile::tempdir().unwrap();
    assert_eq!(owner(data.path()), None);
    let first = open(data.path()).unwrap();
    let pid = std::process::id();
    assert_eq!(owner(data.path()), Some(Owner { pid, address: None }));
    let refused = refusal(data.path());
    assert!(matches!(refused, OpenError::Owned { pid: Some(found), .. } if found == pid));
    assert!(refused.to_string().contains(&format!("(pid {pid}); stop it first")), "{refused}");
    first.owner.as_ref().unwrap().set_address("127.0.0.1:7771").unwrap();
    assert_eq!(owner(data.path()), Some(Owner { pid, address: Some("127.0.0.1:7771".to_owned()) }));
    let refused = refusal(data.path()).to_string();
    assert!(refused.contains("talk to it at 127.0.0.1:7771"), "{refused}");
    close(first);
    assert_eq!(owner(data.path()), None);
    close(open(data.path()).unwrap());
}

#[cfg(unix)]
#[test]
fn folder_and_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("deep").join("data");
    let opened = open(&data).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join(FILE)), 0o600);
    assert_eq!(mode(&data.join("owner.lock")), 0o600);
    assert!(opened.reader.facts().unwrap().file_bytes > 0);
    close(opened);
}

#[test]
fn a_newer_format_is_refused() {
    let data = tempfile::tempdir().unwrap();
    close(open(data.path()).unwrap());
    let path = data.path().join(FILE);
    {
        let db = Database::open(&path).unwrap();
        let txn = db.begin_write().unwrap();
        txn.open_table(META).unwrap().insert("format", 5_u64.to_le_bytes().as_slice()).unwrap();
        txn.commit().unwrap();
    }
    let refused = refusal(data.path());
    assert!(matches!(refused, OpenError::Newer { found: 5, ours: 4, .. }), "{refused}");
    assert!(refused.to_string().contains("the store has format 5"), "{refused}");
    assert!(refused.to_string().starts_with(&path.display().to_string()), "{refused}");
}

#[test]
fn what_is_not_a_whole_store_is_refused_and_left_alone() {
    let data = tempfile::tempdir().unwrap();
    close(open(data.path()).unwrap());
    let path = data.path().join(FILE);
    let whole = fs::read(&path).unwrap();
    let cut = |len: usize| whole[..len].to_vec();
    for bytes in [vec![], cut(5), cut(1000), cut(4096), cut(whole.len() / 2), cut(whole.len() - 4096), vec![7; 9000]]
    {
        fs::write(&path, &bytes).unwrap();
        let refused = refusal(data.path());
        assert!(matches!(refused, OpenError::Damaged { .. }), "{} bytes: {refused:?}", bytes.len());
        let text = refused.to_string();
        assert!(text.starts_with(&path.display().to_string()), "{text}");
        assert!(text.ends_with("nothing was changed"), "{text}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "a refused file was written to");
    }
}

#[test]
fn another_programs_redb_file_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join(FILE);
    {
        let db = Database::create(&path).unwrap();
        let txn = db.begin_write().unwrap();
        txn.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap().insert(1, 1).unwrap();
        txn.commit().unwrap();
    }
    let refused = refusal(data.path()).to_string();
    assert!(refused.contains("not a chimewheel store"), "{refused}");
}

#[test]
fn an_interrupted_creation_is_begun_again() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("chimewheel.redb.new"), [1; 100]).unwrap();
    let opened = open(data.path()).unwrap();
    assert_eq!((opened.epoch, opened.next_key, opened.zone_data.clone()), (1, 0, None));
    assert!(!data.path().join("chimewheel.redb.new").exists());
    close(opened);
}

#[test]
fn the_zone_data_version_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let mut opened = open(data.path()).unwrap();
    opened.writer.set_zone_data("2026a").unwrap();
    close(opened);
    let again = open(data.path()).unwrap();
    assert_eq!((again.epoch, again.zone_data.as_deref()), (2, Some("2026a")));
    close(again);
}

#[test]
fn history_is_dropped_by_days() {
    let data = tempfile::tempdir().unwrap();
    let (mut model, mut chance) = (Model::default(), Chance(5));
    let mut opened = Store::open(data.path(), &super::model::options()).unwrap();
    for _ in 0..60 {
        let batch = model.batch(&mut chance);
        opened.writer.commit(&batch).unwrap();
        model.apply(&batch);
    }
    opened.writer.close().unwrap();
    drop((opened.reader, opened.owner));
    let facts = open(data.path()).unwrap().reader.facts().unwrap();
    assert_eq!(
        (facts.journal_rows, facts.unfolded_rows),
        (2, 0),
        "a close folds everything, and the feed's commits stay"
    );
    let kept: std::collections::BTreeSet<i64> =
        model.runs.values().filter(|run| run.is_settled()).map(|run| run.last_due().day()).collect();
    assert_eq!(facts.ledger_days, kept.len() as u64);
}

#[test]
fn a_clock_that_was_in_another_century_does_not_end_the_ledger() {
    let data = tempfile::tempdir().unwrap();
    let mut opened = Store::open(data.path(), &super::model::options()).unwrap();
    let (begin, day) = (Timestamp::from_seconds(1_767_225_600), Span::from_seconds(86_400));
    for before in [begin.plus(Span::from_seconds(26_000 * 86_400)), begin.minus(day)] {
        opened.writer.commit(&[Change::DropHistory { before }]).unwrap();
    }
    let run = Run {
        occurrence: OccurrenceId::new(ScheduleKey(0), 1, begin),
        range: None,
        cause: Cause::Due,
        number: 1,
        claimed_at: begin,
        attempt: 1,
        retried: None,
        execution: None,
        phase: Phase::Settled { at: begin, outcome: Outcome::Cancelled },
    };
    opened.writer.commit(&[Change::Run(run.clone())]).unwrap();
    let kept = |opened: &Opened| opened.reader.runs(ScheduleKey(0), 10, None).unwrap();
    assert_eq!(kept(&opened), std::slice::from_ref(&run));
    close(opened);
    assert_eq!(kept(&open(data.path()).unwrap()), [run], "and it is folded");
}

/// The history of a sample, as a model.
fn sample(format: usize) -> (Vec<super::model::Batch>, Model) {
    let (seed, commits) = SAMPLES[format - 1];
    let (mut model, mut chance) = (Model::loose(), Chance(seed));
    model.before_hooks = format < 3;
    let batches = (0..commits).map(|number| {
        let batch = model.batch(&mut chance).into_iter();
        let mut batch: super::model::Batch = match format {
            1 => batch.map(as_of_format_3).map(as_of_format_1).collect(),
            2 => batch.map(as_of_format_3).map(as_of_format_2).collect(),
            3 => batch.map(as_of_format_3).collect(),
            _ => batch.flat_map(chained).collect(),
        };
        if format > 1 && number == commits / 2 {
            batch.extend([Change::Grant(Arc::new(grant())), Change::Audit(Arc::new(record()))]);
        }
        model.apply(&batch);
        batch
    });
    (batches.collect(), model)
}

/// Of some schedules a success is expected, and some are started by another one.
fn chained(change: Change) -> Vec<Change> {
    match change {
        Change::Declare { key, schedule, state } if key.0 % 3 == 1 => {
            let schedule = Schedule { trigger: after(key), ..(*schedule).clone() };
            let expected = schedule.expect_every.map(|_| Expected { since: AT, told: key.0 % 2 == 1 });
            vec![Change::Declare { key, schedule: Arc::new(schedule), state }, Change::Expected { key, expected }]
        }
        Change::Plan { id, plan } if id.0 % 3 == 1 => {
            let plan = Plan { trigger: after(ScheduleKey(id.0.into())), ..(*plan).clone() };
            vec![Change::Plan { id, plan: Arc::new(plan) }]
        }
        other => vec![other],
    }
}

fn after(key: ScheduleKey) -> Trigger {
    let ends = if key.0.is_multiple_of(2) { Ends::ANY } else { Ends::only(End::Failed) };
    let key = (!key.0.is_multiple_of(4)).then_some(ScheduleKey(key.0 - 1));
    Trigger::After(After { schedule: "s0-0".into(), key, ends })
}

fn grant() -> Grant {
    let destination = Destination { gateway: "console".into(), chat_id: "me".into(), thread: Some("7".into()) };
    Grant {
        id: "0123456789abcdef".into(),
        hash: [7; 32],
        holder: Actor::Agent("ada".into()),
        label: Some("a label".into()),
        destination: Some(destination),
        created_at: AT,
        expires_at: Some(AT.plus(Span::from_seconds(60))),
        revoked_at: None,
    }
}

fn record() -> Record {
    let mut changed = Touched::default();
    for key in [3, 4, 5, 9] {
        changed.add(ScheduleKey(key));
    }
    Record {
        at: AT,
        actor: Actor::Agent("ada".into()),
        session: Some("s1".into()),
        via: Via::Mcp,
        operation: "import".into(),
        changed,
        token: None,
        conversation: None,
    }
}

/// Writes the sample of the current format to `tests/data`. Run it by hand, and only for a format that was never
/// released.
#[test]
#[ignore = "writes the sample of the current format"]
fn write_the_sample_of_format_4() {
    let data = tempfile::tempdir().unwrap();
    let mut opened = Store::open(data.path(), &super::model::options()).unwrap();
    for (number, batch) in sample(4).0.iter().enumerate() {
        if number + 3 == SAMPLES[3].1 {
            // A close folds, and makes the file small. What comes after it stays in the journal.
            opened.writer.close().unwrap();
            drop((opened.reader, opened.owner));
            opened = Store::open(data.path(), &super::model::options()).unwrap();
        }
        opened.writer.commit(batch).unwrap();
    }
    drop(opened);
    fs::copy(data.path().join(FILE), "tests/data/format-4.redb").unwrap();
}

#[test]
fn the_sample_of_every_format_is_read() {
    for format in 1..=SAMPLES.len() {
        let data = tempfile::tempdir().unwrap();
        let file = format!("tests/data/format-{format}.redb");
        fs::copy(&file, data.path().join(FILE)).unwrap();
        let found = Store::verify(Path::new(&file)).unwrap().0;
        // The model's batches are no engine's, so only that every row is read is judged here.
        assert!(!found.faults.iter().any(|fault| fault.what.contains("cannot be read")), "{:?}", found.faults);
        let opened = open(data.path()).unwrap();
        assert!(opened.reader.facts().unwrap().unfolded_rows > 0);
        sample(format).1.check_boot(&opened).unwrap();
        opened.writer.close().unwrap();
        drop((opened.reader, opened.owner));
        let opened = open(data.path()).unwrap();
        sample(format).1.check_boot(&opened).unwrap();
        let reader = &opened.reader;
        let counts = Store::verify(Path::new(&file)).unwrap().0.counts;
        let is_new = |what| counts.get(what).is_some_and(|count| *count > 0);
        assert_eq!((is_new("deliveries"), is_new("kept for hooks")), (format > 2, format > 2));
        assert_eq!(is_new("expected to succeed"), format > 3);
        let records = || reader.audit(None, 10, |_| true).unwrap().into_iter().map(|(_, record)| record);
        if format == 1 {
            assert_eq!((reader.grants().unwrap(), records().count()), (Vec::new(), 0));
        } else {
            assert_eq!(reader.grants().unwrap(), [grant()]);
            assert_eq!(records().collect::<Vec<_>>(), [record()]);
        }
    }
}

#[test]
fn audit_goes_7_days_after_the_history_of_its_day() {
    let data = tempfile::tempdir().unwrap();
    let mut opened = open(data.path()).unwrap();
    let day = Span::from_seconds(86_400);
    let of = |at| Change::Audit(Arc::new(Record { at, ..record() }));
    opened.writer.commit(&[of(AT), of(AT), of(AT.plus(day)), of(AT.plus(day).plus(day))]).unwrap();
    let days = |opened: &Opened| {
        let records = opened.reader.audit(None, 10, |_| true).unwrap();
        records.iter().map(|(_, record)| record.at.day() - AT.day()).collect::<Vec<_>>()
    };
    assert_eq!(days(&opened), [2, 1, 0, 0]);
    let drop_before = |opened: &mut Opened, days: u64| {
        let before = AT.plus(Span::from_millis(days * 86_400_000));
        opened.writer.commit(&[Change::DropHistory { before }]).unwrap();
    };
    drop_before(&mut opened, 7);
    assert_eq!(days(&opened), [2, 1, 0, 0], "a tombstone is asked about for so long");
    drop_before(&mut opened, 8);
    assert_eq!(days(&opened), [2, 1]);
    close(opened);
}
