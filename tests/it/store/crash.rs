//! Histories of commits, whole and cut off at every operation of the disk.
//!
//! What an acknowledged commit wrote must be there; the commit that was cut off is there wholly or not at all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use chimewheel::store::{Options, Store};

use super::chance::Chance;
use super::disk::{Disk, Survivors};
use super::model::{Batch, Model, open, options};

/// One step of a history.
enum Step {
    Commit(Batch),
    /// An empty commit, which only folds.
    Tick,
    /// Close, open again.
    Close,
    /// Drop without closing, open again.
    Drop,
}

/// How far a history came before the disk stopped.
struct Played {
    model: Model,
    /// The batch whose commit did not return.
    in_flight: Option<Batch>,
    epoch: u32,
}

/// Seed of the history that is cut off at each of its operations.
const SWEPT: u64 = 20;

fn history(seed: u64, commits: usize) -> Vec<Step> {
    let mut chance = Chance(seed);
    let mut model = Model::default();
    let mut steps = Vec::new();
    for _ in 0..commits {
        let batch = model.batch(&mut chance);
        model.apply(&batch);
        steps.push(Step::Commit(batch));
        match chance.below(12) {
            0 => steps.push(Step::Close),
            1 => steps.push(Step::Drop),
            2 | 3 => steps.push(Step::Tick),
            _ => {}
        }
    }
    steps
}

fn play(disk: &Disk, steps: &[Step], mut model: Model, check: bool) -> Played {
    let mut epoch = 0;
    let mut store = match Store::open_on(disk.clone(), &options()) {
        Ok(store) => store,
        Err(_) => return Played { model, in_flight: None, epoch },
    };
    epoch = epoch.max(store.epoch);
    for step in steps {
        match step {
            Step::Commit(batch) => {
                if store.writer.commit(batch).is_err() {
                    return Played { model, in_flight: Some(batch.clone()), epoch };
                }
                model.apply(batch);
            }
            Step::Tick => {
                if store.writer.commit(&[]).is_err() {
                    return Played { model, in_flight: None, epoch };
                }
            }
            Step::Close | Step::Drop => {
                if matches!(step, Step::Close) {
                    let _ = store.writer.close();
                } else {
                    drop(store.writer);
                }
                match Store::open_on(disk.clone(), &options()) {
                    Ok(opened) => store = opened,
                    Err(_) => return Played { model, in_flight: None, epoch },
                }
                assert!(store.epoch > epoch);
                epoch = store.epoch;
                if check {
                    model.check_boot(&store).unwrap();
                }
            }
        }
        if check {
            model.check(&store.reader).unwrap();
        }
    }
    Played { model, in_flight: None, epoch }
}

/// Opens what the crash left and compares; then goes on from there.
fn survive(disk: &Disk, played: Played, survivors: Survivors, seed: u64, context: &str) {
    let mut chance = Chance(seed);
    let disk = Disk::of(disk.image_after_crash(survivors, &mut chance));
    let store = match Store::open_on(disk.clone(), &options()) {
        Ok(store) => store,
        // A store that was never opened has promised nothing.
        Err(_) if played.epoch == 0 => return,
        Err(error) => panic!("{context}, {survivors:?}: {error}"),
    };
    assert!(store.epoch > played.epoch, "{context}: epoch {} after {}", store.epoch, played.epoch);
    let mut model = played.model;
    if let Err(without) = model.check_boot(&store) {
        let with = played.in_flight.map(|batch| {
            model.apply(&batch);
            model.check_boot(&store)
        });
        if !matches!(with, Some(Ok(()))) {
            panic!("{context}, {survivors:?}: without the batch in flight {without}\n\nwith it {with:?}");
        }
    }
    drop(store);
    let mut steps = Vec::new();
    let mut later = model.clone();
    for _ in 0..4 {
        let batch = later.batch(&mut chance);
        later.apply(&batch);
        steps.push(Step::Commit(batch));
    }
    steps.push(Step::Close);
    let end = play(&disk, &steps, model, false);
    end.model.check_boot(&open(&disk)).unwrap_or_else(|wrong| panic!("{context}, later: {wrong}"));
}

#[test]
fn reads_equal_the_model_whatever_has_been_folded() {
    for seed in 0..20 {
        let disk = Disk::default();
        let steps = history(seed, 60);
        let played = play(&disk, &steps, Model::default(), true);
        assert!(played.in_flight.is_none());
        played.model.check_boot(&open(&disk)).unwrap();
    }
}

#[test]
fn a_crash_at_any_operation_loses_nothing_acknowledged() {
    let steps = history(SWEPT, 14);
    assert!(steps.iter().any(|step| matches!(step, Step::Close)), "a close is swept as well");
    assert!(steps.iter().any(|step| matches!(step, Step::Drop)), "so is an end without a close");
    let whole = Disk::default();
    play(&whole, &steps, Model::default(), false);
    let all = whole.ops();
    for crash_at in 0..all {
        for survivors in [Survivors::None, Survivors::Some] {
            // Every operation with a random part lost, and a third of them with all of it lost.
            if matches!(survivors, Survivors::None) && crash_at % 3 != 0 {
                continue;
            }
            let disk = Disk::default();
            disk.crash_after(crash_at);
            let played = play(&disk, &steps, Model::default(), false);
            survive(&disk, played, survivors, crash_at, &format!("operation {crash_at} of {all}"));
        }
    }
}

#[test]
fn a_crash_anywhere_in_a_random_history_loses_nothing_acknowledged() {
    for seed in 100..160 {
        let mut chance = Chance(seed);
        let steps = history(seed, 20);
        let whole = Disk::default();
        play(&whole, &steps, Model::default(), false);
        let disk = Disk::default();
        disk.crash_after(chance.below(whole.ops()));
        let played = play(&disk, &steps, Model::default(), false);
        let survivors = chance.pick(&[Survivors::None, Survivors::All, Survivors::Some]);
        survive(&disk, played, survivors, seed, &format!("seed {seed}"));
    }
}

#[test]
fn after_a_failed_commit_nothing_more_is_taken() {
    let disk = Disk::default();
    let mut store = open(&disk);
    let mut chance = Chance(1);
    let mut model = Model::default();
    let batch = model.batch(&mut chance);
    store.writer.commit(&batch).unwrap();
    model.apply(&batch);
    disk.crash_after(0);
    let lost = std::iter::repeat_with(|| model.batch(&mut chance)).find(|batch| !batch.is_empty()).unwrap();
    assert!(store.writer.commit(&lost).is_err());
    let error = store.writer.commit(&lost).unwrap_err();
    assert!(error.to_string().contains("an earlier commit failed"), "{error}");
}

#[test]
fn without_raising_the_epoch_nothing_is_written_at_open() {
    let disk = Disk::default();
    drop(open(&disk));
    let again = Store::open_on(disk.clone(), &Options { raise_epoch: false, ..options() }).unwrap();
    assert_eq!(again.epoch, 1);
    drop(again);
    assert_eq!(open(&disk).epoch, 2);
}

#[test]
fn readers_on_other_threads_see_whole_commits_only() {
    // Two states are always put together with equal counters; a reader that finds them different has seen half a
    // commit or a stale fold.
    let disk = Disk::default();
    let mut store = open(&disk);
    let mut chance = Chance(3);
    let declare = |key: u64, chance: &mut Chance| {
        let mut schedule = chance.schedule(key);
        schedule.agent = "ada".to_owned();
        (std::sync::Arc::new(schedule), chance.state(0))
    };
    let first: Vec<_> = (0..2).map(|key| declare(key, &mut chance)).collect();
    let stop = AtomicBool::new(false);
    let put = |runs: u32| -> Batch {
        let keyed = first.iter().enumerate();
        keyed
            .map(|(key, (schedule, state))| {
                let (key, state) =
                    (chimewheel::id::ScheduleKey(key as u64), chimewheel::engine::change::State { runs, ..*state });
                match runs % 3 {
                    0 => chimewheel::engine::change::Change::Declare { key, schedule: schedule.clone(), state },
                    _ => chimewheel::engine::change::Change::State { key, state },
                }
            })
            .collect()
    };
    store.writer.commit(&put(0)).unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            let reader = store.reader.clone();
            let stop = &stop;
            scope.spawn(move || {
                let mut last = 0;
                while !stop.load(Ordering::Relaxed) {
                    let page = reader.list(Some("ada"), None, 10).unwrap();
                    let runs: Vec<u32> = page.iter().map(|one| one.state.runs).collect();
                    assert_eq!(runs.len(), 2);
                    assert_eq!(runs[0], runs[1]);
                    assert!(runs[0] >= last);
                    last = runs[0];
                }
            });
        }
        for runs in 1..300 {
            store.writer.commit(&put(runs)).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn the_writer_can_be_given_to_a_thread_and_readers_to_all() {
    fn send<T: Send + 'static>() {}
    fn share<T: Send + Sync + Clone + 'static>() {}
    send::<chimewheel::store::Writer>();
    send::<chimewheel::store::Names>();
    share::<chimewheel::store::Reader>();
}
