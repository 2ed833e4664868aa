//! Texts that runners made: kept as long as the history of their day and never shorter than they are needed, copied,
//! and missed when they are gone.

use std::path::Path;
use std::sync::Arc;

use chimewheel::engine::change::{Cause, Change, Execution, Outcome, Phase, Run};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::store::{FILE, Opened, Store};
use chimewheel::time::{Span, Timestamp};
use redb::{Database, ReadableDatabase, TableDefinition};

use super::chance::{Chance, START};
use super::model::options;

const KEY: ScheduleKey = ScheduleKey(0);

fn open(data: &Path) -> Opened {
    Store::open(data, &options()).unwrap()
}

fn close(opened: Opened) {
    opened.writer.close().unwrap();
}

/// One of the schedule's occurrences, so many days after the start.
fn occurrence(days: u64) -> OccurrenceId {
    let due = Timestamp::from_millis(START).plus(Span::from_seconds(days * 86_400));
    OccurrenceId::new(KEY, 1, due)
}

fn run(occurrence: OccurrenceId, phase: Phase) -> Change {
    let since = occurrence.due;
    let execution = Execution { attempts: 1, model: Some("echo/any".to_owned()), ..Execution::since(since) };
    Change::Run(Run {
        occurrence,
        range: None,
        cause: Cause::Due,
        number: 1,
        claimed_at: since,
        attempt: 1,
        retried: None,
        execution: Some(Box::new(execution)),
        phase,
    })
}

fn text(occurrence: OccurrenceId) -> Change {
    Change::Text { occurrence, text: format!("text of {}", occurrence.due).into() }
}

fn delivered(occurrence: OccurrenceId) -> Change {
    let outcome = Outcome::Delivered { message_id: None };
    run(occurrence, Phase::Settled { at: occurrence.due, outcome })
}

/// A store with one schedule, on whose days so much is committed, one batch each.
fn filled(data: &Path, batches: &[Vec<Change>]) -> Opened {
    let mut opened = open(data);
    let (mut chance, schedule) = (Chance(5), Chance(7).schedule(0));
    let declare = Change::Declare { key: KEY, schedule: Arc::new(schedule), state: chance.state(1) };
    opened.writer.commit(&[declare]).unwrap();
    for batch in batches {
        opened.writer.commit(batch).unwrap();
    }
    opened
}

fn kept(opened: &Opened) -> Vec<u64> {
    (0..9).filter(|day| opened.reader.text(occurrence(*day)).unwrap().is_some()).collect()
}

#[test]
fn texts_go_with_the_history_of_their_day_but_not_while_they_are_needed() {
    let data = tempfile::tempdir().unwrap();
    let days = |day| {
        let one = occurrence(day);
        let end = if day == 1 { run(one, Phase::Sending { epoch: 1 }) } else { delivered(one) };
        vec![text(one), end]
    };
    let mut opened = filled(data.path(), &(0..5).map(days).collect::<Vec<_>>());
    assert_eq!(kept(&opened), [0, 1, 2, 3, 4]);
    // A close folds them, so that they lie in their tables.
    close(opened);
    opened = open(data.path());
    let drop_before = |opened: &mut Opened, day| {
        let before = occurrence(day).due;
        opened.writer.commit(&[Change::DropHistory { before }]).unwrap();
    };
    drop_before(&mut opened, 3);
    assert_eq!(kept(&opened), [1, 3, 4], "the second is still to be delivered");
    opened.writer.commit(&[delivered(occurrence(1))]).unwrap();
    assert_eq!(kept(&opened), [1, 3, 4]);
    close(opened);
    opened = open(data.path());
    drop_before(&mut opened, 4);
    assert_eq!(kept(&opened), [4]);
    close(opened);
    assert_eq!(kept(&open(data.path())), [4]);
}

#[test]
fn a_backup_has_the_texts() {
    let data = tempfile::tempdir().unwrap();
    let one = occurrence(2);
    close(filled(data.path(), &[vec![text(one), delivered(one)]]));
    let opened = open(data.path());
    let file = data.path().join("copy.redb");
    opened.reader.backup(&file, false).unwrap();
    let copy = Store::open_on_glass(&file).unwrap();
    assert_eq!(copy.reader.text(one).unwrap(), Some(format!("text of {}", one.due)));
    let found = Store::verify(&file).unwrap().0;
    assert!(found.is_sound() && found.counts["composed texts"] == 1, "{found:?}");
}

#[test]
fn a_text_that_is_missed_is_a_fault() {
    for folded in [true, false] {
        let data = tempfile::tempdir().unwrap();
        let opened = filled(data.path(), &[vec![run(occurrence(1), Phase::Pending)]]);
        if folded {
            close(opened);
        } else {
            drop(opened);
        }
        let found = Store::verify(&data.path().join(FILE)).unwrap().0;
        let told: Vec<String> =
            found.faults.iter().map(|one| format!("{} row {}: {}", one.table, one.key, one.what)).collect();
        assert!(told.iter().any(|fault| fault.contains("the text that was composed for it is gone")), "{told:?}");
    }
}

#[test]
fn a_file_of_format_1_becomes_one_of_this_format_when_it_is_written_to() {
    const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join(FILE);
    std::fs::copy("tests/data/format-1.redb", &path).unwrap();
    let format = || {
        let db = Database::open(&path).unwrap();
        db.begin_read().unwrap().open_table(META).unwrap().get("format").unwrap().unwrap().value()[0]
    };
    assert_eq!(format(), 1);
    drop(Store::open_on_glass(&path).unwrap());
    assert_eq!(format(), 1, "looking at it changes nothing");
    let mut opened = open(data.path());
    let one = OccurrenceId { schedule: KEY, ..occurrence(1) };
    opened.writer.commit(&[text(one), delivered(one)]).unwrap();
    close(opened);
    assert_eq!(format(), 4);
    assert!(open(data.path()).reader.text(one).unwrap().is_some());
}
