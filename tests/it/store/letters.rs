//! Dead letters of all schedules: the same as a model's, whatever the size of the pages and wherever they lie.

use std::path::Path;

use chimewheel::engine::change::{Cause, Change, Execution, Outcome, Phase, Retried, Run};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::money::{Cost, Spent};
use chimewheel::store::{FoldLimits, LetterCursor, LetterFilter, Opened, Options, Reader, Store};
use chimewheel::time::{Span, Timestamp};

use super::chance::{Chance, START};
use super::disk::Disk;
use super::model::{Model, open, options};

fn is_letter(run: &Run) -> bool {
    matches!(run.phase, Phase::Settled { outcome: Outcome::Failed { .. }, .. })
}

fn expected(model: &Model, agent: Option<&str>) -> Vec<Run> {
    let of_agent = |run: &&Run| {
        let known = model.schedules.get(&run.occurrence.schedule.0);
        agent.is_none_or(|agent| known.is_some_and(|(_, schedule)| schedule.agent == agent))
    };
    let mut runs: Vec<Run> = model.runs.values().filter(|run| is_letter(run)).filter(of_agent).cloned().collect();
    runs.sort_by_key(|run| std::cmp::Reverse(LetterCursor::from(run)));
    runs
}

fn all(reader: &Reader, agent: Option<&str>, limit: usize) -> Vec<Run> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let filter = LetterFilter { agent, ..LetterFilter::default() };
        let page = reader.dead_letters(&filter, limit, before).unwrap();
        assert!(page.runs.len() <= limit && !page.cut);
        found.extend(page.runs);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    found
}

#[test]
fn every_one_is_told_newest_first_in_pages_of_any_size() {
    let disk = Disk::default();
    let (mut model, mut chance) = (Model::default(), Chance(11));
    let mut most = 0;
    for round in 0..4 {
        let mut store = open(&disk);
        for _ in 0..60 {
            let mut batch = model.batch(&mut chance);
            // The model drops nearly all of it each time, so only in the end.
            batch.retain(|change| round == 3 || !matches!(change, Change::DropHistory { .. }));
            for change in &mut batch {
                // What is given up is no range; the model's may be.
                if let Change::Run(run) = change {
                    run.range = None;
                }
            }
            store.writer.commit(&batch).unwrap();
            model.apply(&batch);
        }
        let whole = expected(&model, None);
        most = most.max(whole.len());
        for limit in [1, 3, 1000] {
            assert_eq!(all(&store.reader, None, limit), whole, "{limit}");
        }
        let agents: std::collections::BTreeSet<String> =
            model.schedules.values().map(|(_, schedule)| schedule.agent.clone()).collect();
        for agent in &agents {
            assert_eq!(all(&store.reader, Some(agent), 2), expected(&model, Some(agent)), "{agent}");
        }
    }
    assert!(most > 10, "{most}");
}

/// One of a schedule's runs, so many minutes after the start.
fn run(minutes: u64, retried: Option<Retried>, phase: Phase) -> Change {
    let due = Timestamp::from_millis(START).plus(Span::from_seconds(60 * minutes));
    Change::Run(Run {
        occurrence: OccurrenceId::new(ScheduleKey(0), 1, due),
        range: None,
        cause: Cause::Due,
        number: 1,
        claimed_at: due,
        attempt: 1,
        retried,
        execution: None,
        phase,
    })
}

fn settled(outcome: Outcome) -> Phase {
    Phase::Settled { at: Timestamp::from_millis(START), outcome }
}

fn failed() -> Phase {
    settled(Outcome::Failed { error: "no".into() })
}

/// The dead letters and the open runs of a store, by their minutes, as they are and after a start.
fn told(opened: Opened, data: &Path) -> (Opened, Vec<i64>, Vec<i64>) {
    let minutes = |run: &Run| (run.occurrence.due.as_millis() - START) / 60_000;
    let look = |opened: &Opened| {
        let letters = all(&opened.reader, None, 10).iter().map(minutes).collect::<Vec<_>>();
        let mut open = Vec::new();
        opened.each_open(|run| open.push(minutes(&run))).unwrap();
        (letters, open)
    };
    // What is open is read at boot, so a copy is looked at.
    let letters = all(&opened.reader, None, 10).iter().map(minutes).collect::<Vec<_>>();
    let faults = opened.reader.verify().unwrap().0.faults;
    assert_eq!(faults, []);
    opened.writer.close().unwrap();
    drop((opened.reader, opened.owner));
    let opened = Store::open(data, &options()).unwrap();
    assert_eq!(opened.reader.verify().unwrap().0.faults, []);
    let (again, open) = look(&opened);
    assert_eq!(again, letters);
    (opened, letters, open)
}

#[test]
fn one_that_is_tried_again_is_open_until_it_is_settled_anew() {
    let data = tempfile::tempdir().unwrap();
    let mut opened = Store::open(data.path(), &options()).unwrap();
    let (mut chance, schedule) = (Chance(5), Chance(7).schedule(0));
    let declare = Change::Declare { key: ScheduleKey(0), schedule: schedule.into(), state: chance.state(1) };
    opened.writer.commit(&[declare, run(0, None, failed()), run(1, None, failed()), run(2, None, failed())]).unwrap();
    let (mut opened, letters, open) = told(opened, data.path());
    assert_eq!((letters, open), (vec![2, 1, 0], vec![]));

    let retried = Some(Retried { at: Timestamp::from_millis(START), times: 1 });
    let dropped = settled(Outcome::Dropped { error: "no".into() });
    opened.writer.commit(&[run(0, retried, Phase::Sending { epoch: 2 }), run(1, None, dropped)]).unwrap();
    let (mut opened, letters, open) = told(opened, data.path());
    assert_eq!((letters, open), (vec![2], vec![0]));

    let delivered = settled(Outcome::Delivered { message_id: None });
    opened.writer.commit(&[run(2, retried, failed()), run(0, retried, delivered.clone())]).unwrap();
    let (opened, letters, open) = told(opened, data.path());
    assert_eq!((letters, open), (vec![2], vec![]));
    let runs = opened.reader.runs(ScheduleKey(0), 10, None).unwrap();
    assert_eq!(runs.iter().map(|run| run.retried.is_some()).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(runs[2].phase, delivered);
    opened.writer.close().unwrap();
}

/// Its two records lie in two segments of the ledger, the later of which counts.
#[test]
fn what_one_cost_that_was_tried_again_counts_once() {
    let data = tempfile::tempdir().unwrap();
    let fold = FoldLimits { segment_rows: 1, ..options().fold };
    let options = || Options { fold, ..options() };
    let mut opened = Store::open(data.path(), &options()).unwrap();
    let (mut chance, schedule) = (Chance(5), Chance(7).schedule(0));
    let declare = Change::Declare { key: ScheduleKey(0), schedule: schedule.into(), state: chance.state(1) };
    let costing = |micros: u64, retried: Option<Retried>, outcome: Outcome| {
        let Change::Run(mut run) = run(0, retried, settled(outcome)) else { unreachable!() };
        let spent = Spent { cost: Cost::from_micros(micros), tokens: 10 };
        run.execution = Some(Box::new(Execution { spent, ..Execution::since(Timestamp::from_millis(START)) }));
        Change::Run(run)
    };
    opened.writer.commit(&[declare, costing(700, None, Outcome::Failed { error: "no".into() })]).unwrap();
    opened.writer.close().unwrap();
    drop((opened.reader, opened.owner));
    let mut opened = Store::open(data.path(), &options()).unwrap();
    let retried = Some(Retried { at: Timestamp::from_millis(START), times: 1 });
    opened.writer.commit(&[costing(900, retried, Outcome::Delivered { message_id: None })]).unwrap();
    opened.writer.close().unwrap();
    drop((opened.reader, opened.owner));
    let opened = Store::open(data.path(), &options()).unwrap();
    let spending = opened.reader.spending(None, Timestamp::from_millis(0)).unwrap();
    let sums: Vec<(u64, u64)> = spending.sums.values().map(|sum| (sum.runs, sum.cost.as_micros())).collect();
    assert_eq!(sums, [(1, 900)]);
    opened.writer.close().unwrap();
}
