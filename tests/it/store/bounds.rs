//! What must stay small: the journal, the overlay, and the bytes of a fire.

use chimewheel::engine::change::{Cause, Change, LaneId, Outcome, OutcomeKind, Phase, PlanId, Run, State, Status};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::time::{Span, Timestamp};

use super::chance::{Chance, START};
use super::disk::Disk;
use super::model::{Model, open, options};

#[test]
fn journal_and_overlay_stay_bounded_however_long_it_runs() {
    let mut store = open(&Disk::default());
    let (mut model, mut chance) = (Model::default(), Chance(23));
    let fold = options().fold;
    let mut widest = 0;
    for number in 0..400 {
        let batch = model.batch(&mut chance);
        widest = widest.max(batch.len());
        store.writer.commit(&batch).unwrap();
        model.apply(&batch);
        let facts = store.reader.facts().unwrap();
        let rows = 2 * (fold.layer_rows + 2 * widest) as u64;
        assert!(facts.unfolded_rows <= rows, "after {number} commits {facts:?}");
        assert!(
            facts.journal_rows <= 4 * fold.layer_commits as u64 + fold.kept_commits,
            "after {number} commits {facts:?}"
        );
    }
    model.check(&store.reader).unwrap();
}

fn state(due: Timestamp, runs: u32) -> State {
    State {
        status: Status::Active,
        generation: 0,
        plan: PlanId(3),
        lane: LaneId(0x0123_4567_89AB_CDEF),
        next_due: Some(due.plus(Span::from_seconds(60))),
        last_due: Some(due),
        last_outcome: Some(OutcomeKind::Delivered),
        runs,
        failures: 0,
    }
}

fn fire(key: u64, phase: impl FnOnce(Timestamp) -> Phase) -> [Change; 2] {
    let key = ScheduleKey(key);
    let due = Timestamp::from_millis(START + key.0 as i64 % 1000);
    let occurrence = OccurrenceId::new(key, 0, due);
    let claimed_at = due.plus(Span::from_millis(4));
    let phase = phase(due);
    let run = Run {
        occurrence,
        range: None,
        cause: Cause::Due,
        number: 700,
        claimed_at,
        attempt: 1,
        retried: None,
        execution: None,
        phase,
    };
    [Change::Run(run), Change::State { key, state: state(due, 700) }]
}

#[test]
fn a_fire_takes_less_than_a_hundred_bytes_of_journal_and_no_open_row() {
    let mut store = open(&Disk::default());
    let keys = || (0..1000).map(|key| 900_000 + 7 * key);
    let claims: Vec<Change> = keys().flat_map(|key| fire(key, |_| Phase::Sending { epoch: 12 })).collect();
    let settled = |due: Timestamp| {
        let outcome = Outcome::Delivered { message_id: Some("1234567890".to_owned()) };
        Phase::Settled { at: due.plus(Span::from_millis(120)), outcome }
    };
    let settlements: Vec<Change> = keys().flat_map(|key| fire(key, settled)).collect();
    let bytes = store.writer.commit(&[claims, settlements].concat()).unwrap().journal_bytes;
    assert!(bytes <= 100_000, "{bytes} bytes for 1000 fires");
    while store.reader.facts().unwrap().unfolded_rows > 0 {
        store.writer.commit(&[]).unwrap();
        assert_eq!(store.reader.facts().unwrap().open_on_disk, 0);
    }
    assert_eq!(store.reader.facts().unwrap().journal_rows, 1, "the latest commits are kept for the feed");
}
