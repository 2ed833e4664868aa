//! Deliveries of occurrences that have several, and what hooks keep: when they are there, and when they go.

use std::path::Path;

use chimewheel::engine::change::{Cause, Change, Execution, Kept, Outcome, Phase, Run, Spread};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::store::{Opened, Store};
use chimewheel::time::{Span, Timestamp};

use super::chance::{Chance, DAY, START};
use super::model::options;

const KEY: ScheduleKey = ScheduleKey(0);

/// A store with one schedule, and an occurrence that became two deliveries.
fn filled(data: &Path) -> (Opened, OccurrenceId) {
    let mut opened = Store::open(data, &options()).unwrap();
    let (mut chance, schedule) = (Chance(5), Chance(7).schedule(0));
    let declare = Change::Declare { key: KEY, schedule: schedule.into(), state: chance.state(1) };
    let occurrence = OccurrenceId::new(KEY, 1, Timestamp::from_millis(START));
    let mut batch = vec![declare, whole(occurrence, Phase::Spread(Spread { left: 2, ..Spread::default() }))];
    for one in occurrence.deliveries(2) {
        batch.push(delivery(one, Phase::Pending));
        batch.push(Change::Text { occurrence: one, text: format!("text {}", one.delivery).into() });
    }
    opened.writer.commit(&batch).unwrap();
    (opened, occurrence)
}

fn whole(occurrence: OccurrenceId, phase: Phase) -> Change {
    let execution = Execution { deliveries: 2, ..Execution::since(occurrence.due) };
    run(occurrence, execution, phase)
}

fn delivery(occurrence: OccurrenceId, phase: Phase) -> Change {
    run(occurrence, Execution::since(occurrence.due), phase)
}

fn run(occurrence: OccurrenceId, execution: Execution, phase: Phase) -> Change {
    let (range, cause, number, claimed_at, attempt) = (None, Cause::Due, 1, occurrence.due, 0);
    let execution = Some(Box::new(execution));
    let retried = None;
    Change::Run(Run { occurrence, range, cause, number, claimed_at, attempt, retried, execution, phase })
}

fn settled(at: Timestamp) -> Phase {
    Phase::Settled { at, outcome: Outcome::Delivered { message_id: None } }
}

fn closed_and_opened(opened: Opened, data: &Path) -> Opened {
    opened.writer.close().unwrap();
    drop((opened.reader, opened.owner));
    Store::open(data, &options()).unwrap()
}

#[test]
fn open_deliveries_come_back_behind_their_occurrence_and_settled_ones_do_not() {
    let data = tempfile::tempdir().unwrap();
    let (mut opened, occurrence) = filled(data.path());
    let [first, second] = [1, 2].map(|delivery| OccurrenceId { delivery, ..occurrence });
    opened.writer.commit(&[delivery(first, settled(occurrence.due))]).unwrap();
    for _ in 0..2 {
        let mut found = Vec::new();
        opened.each_open(|run| found.push(run.occurrence)).unwrap();
        assert_eq!(found, [occurrence, second]);
        assert_eq!(opened.reader.text(second).unwrap().as_deref(), Some("text 2"));
        let of_schedule = opened.reader.runs(KEY, 10, None).unwrap();
        assert_eq!(of_schedule.len(), 1, "a delivery is no run: {of_schedule:?}");
        assert_eq!(opened.reader.deliveries(&of_schedule[0]).unwrap().len(), 2);
        opened = closed_and_opened(opened, data.path());
    }
    opened.writer.close().unwrap();
}

#[test]
fn verifying_misses_a_delivery_that_is_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let (mut opened, occurrence) = filled(data.path());
    let (found, _) = opened.reader.verify().unwrap();
    assert!(!found.faults.iter().any(|fault| fault.what.contains("deliver")), "{:?}", found.faults);
    let second = OccurrenceId { delivery: 2, ..occurrence };
    opened.writer.commit(&[delivery(second, settled(occurrence.due))]).unwrap();
    let (found, _) = opened.reader.verify().unwrap();
    let whats: Vec<&str> = found.faults.iter().map(|fault| fault.what.as_str()).collect();
    assert!(whats.contains(&"waits for 2 deliveries, and 1 are open"), "{whats:?}");
    opened.writer.close().unwrap();
}

#[test]
fn deliveries_go_with_the_history_of_their_day_once_all_are_settled() {
    let data = tempfile::tempdir().unwrap();
    let (mut opened, occurrence) = filled(data.path());
    let later = |days: i64| Timestamp::from_millis(START + days * DAY);
    let first = OccurrenceId { delivery: 1, ..occurrence };
    opened = closed_and_opened(opened, data.path());
    opened.writer.commit(&[Change::DropHistory { before: later(3) }]).unwrap();
    assert_eq!(opened.reader.text(first).unwrap().as_deref(), Some("text 1"), "it is still to be sent");
    let ends: Vec<Change> = occurrence.deliveries(2).map(|one| delivery(one, settled(later(3)))).collect();
    opened.writer.commit(&ends).unwrap();
    opened.writer.commit(&[whole(occurrence, settled(later(3)))]).unwrap();
    opened = closed_and_opened(opened, data.path());
    opened.writer.commit(&[Change::DropHistory { before: later(5).plus(Span::from_millis(1)) }]).unwrap();
    assert_eq!(opened.reader.text(first).unwrap(), None);
    assert_eq!(opened.reader.run(first).unwrap(), None);
    opened.writer.close().unwrap();
}

#[test]
fn what_a_hook_keeps_survives_and_goes() {
    let data = tempfile::tempdir().unwrap();
    let (mut opened, _) = filled(data.path());
    let kept = |part, text: Option<&str>| Change::Kept { key: KEY, part, text: text.map(Into::into) };
    opened.writer.commit(&[kept(Kept::State, Some("{\"n\":1}")), kept(Kept::Text, Some("hello"))]).unwrap();
    opened.writer.commit(&[kept(Kept::State, Some("{\"n\":2}"))]).unwrap();
    for _ in 0..2 {
        let reader = &opened.reader;
        assert_eq!(reader.hook_state(KEY).unwrap().as_deref(), Some("{\"n\":2}"));
        assert_eq!(reader.last_text(KEY).unwrap().as_deref(), Some("hello"));
        opened = closed_and_opened(opened, data.path());
    }
    opened.writer.commit(&[kept(Kept::State, None), kept(Kept::Text, None)]).unwrap();
    for _ in 0..2 {
        assert_eq!(opened.reader.hook_state(KEY).unwrap(), None);
        assert_eq!(opened.reader.last_text(KEY).unwrap(), None);
        opened = closed_and_opened(opened, data.path());
    }
    opened.writer.close().unwrap();
}
