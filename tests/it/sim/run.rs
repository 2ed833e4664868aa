//! One seed from beginning to end: a run, a time of peace, the end of everything, and what was found.

use std::collections::BTreeMap;

use chimewheel::engine::Figures;
use chimewheel::engine::change::{Run, Status};

use super::check::Verdict;
use super::faults::{Fault, Weather};
use super::history::{Ask, History};
use super::world::{Event, World};
use crate::store::chance::Chance;

/// Long enough for the oldest retry to be over.
const PEACE_MS: i64 = 3 * HOUR_MS;
/// Open occurrences that are gone with the next second.
const DRAINED_COUNT_MAX: usize = 0;

const HOUR_MS: i64 = 3_600_000;

/// Seconds in one of which nothing may be under way.
const RESTS_COUNT_MAX: u32 = 20;

/// Walls at which runs begin: most of them a day before clocks change somewhere.
const STARTS: &[&str] = &[
    "2026-03-28T09:00:00Z",
    "2026-10-24T18:00:00Z",
    "2026-03-07T20:00:00Z",
    "2026-10-31T22:00:00Z",
    "2026-04-04T03:00:00Z",
    "2026-06-15T00:00:00Z",
    "2028-02-28T12:00:00Z",
];

/// A finished run.
pub struct Played {
    pub history: History,
    pub weather: Weather,
    /// The ledger of each schedule at the end.
    pub ledger: BTreeMap<String, Vec<Run>>,
    pub ended_at: i64,
    pub virtual_ms: i64,
}

/// Plays a seed and judges it.
pub fn judge(seed: u64) -> (Played, Verdict) {
    let played = play(seed);
    let verdict = Verdict::of(&played);
    (played, verdict)
}

pub fn play(seed: u64) -> Played {
    let weather = Weather::of(seed);
    let start: jiff::Timestamp = Chance(seed).pick(STARTS).parse().expect("an instant");
    let mut world = World::new(seed, start.as_millisecond(), weather.horizon_ms());
    world.history.catchup_per_second = (seed / 10 % 2 == 1).then_some(5);
    if weather == Weather::Month {
        world.history.history_days = 5;
        world.plan(0, Event::Collect);
    }
    world.plan_all(weather);
    world.plan(HOUR_MS, Event::Letters);
    world.boot();
    world.run_until(weather.horizon_ms());
    make_peace(&mut world);
    world.run_until(weather.horizon_ms() + PEACE_MS / 2);
    // One that was told to end before there was peace may have ended since.
    if world.process.is_none() {
        world.boot();
    }
    world.run_until(weather.horizon_ms() + PEACE_MS);
    drain(&mut world);
    // Dues lie on full seconds, and most take half a second at the most; what is put off by chance may take longer.
    let rest = 1500 - world.wall().rem_euclid(1000);
    world.run_until(world.true_ms + rest);
    for _ in 0..RESTS_COUNT_MAX {
        if world.process.as_ref().is_some_and(|process| process.turns.status().in_flight > 0) {
            world.run_until(world.true_ms + 1000);
        }
    }
    check_rest(&mut world, "after the last fault");
    cancel_all(&mut world);
    check_memory(&mut world);
    let ended_at = world.wall();
    let ledger = world.ledger();
    Played { weather, ledger, ended_at, virtual_ms: world.true_ms, history: world.history }
}

/// What is caught up in a chat that keeps to a pace leaves one by one, and may be hours behind.
fn drain(world: &mut World) {
    let open = |world: &World| world.process.as_ref().map_or(0, |process| process.turns.status().figures.open);
    while world.history.is_paced && open(world) > DRAINED_COUNT_MAX {
        let before = open(world);
        world.run_until(world.true_ms + 10 * 60_000);
        if open(world) >= before {
            return;
        }
    }
}

/// Whatever breaks is mended, and whatever is down starts.
fn make_peace(world: &mut World) {
    world.note("peace");
    world.fuse = None;
    world.moods.clear();
    world.forget_faults();
    world.plan(0, Event::MendDisk);
    if world.is_astray() {
        world.strike(Fault::Right);
    }
    world.disk.fail_never();
    if world.process.is_none() {
        world.boot();
    }
}

fn check_rest(world: &mut World, when: &str) {
    let Some(process) = &world.process else {
        return world.history.wrongs.push(format!("I15: nothing runs {when}"));
    };
    let status = process.turns.status();
    // Under a clock that was set back something may wait for its due to come again.
    let open = status.figures.open - if world.history.steps_back > 0 { status.figures.retrying } else { 0 };
    // A chat that keeps to a pace may have more dues than it takes, and be behind for good.
    let is_behind = status.gated.iter().any(|gated| gated.until.is_none() && gated.chats > 0);
    if open != 0 && !is_behind || status.in_flight != 0 {
        world.history.wrongs.push(format!("I15: {when} {status:?}"));
    }
    let live = world
        .history
        .known
        .values()
        .filter_map(|known| process.reader.state(known.key?).expect("a readable store"))
        .filter(|state| state.status == Status::Active && state.next_due.is_some())
        .count();
    if status.figures.armed != live {
        world.history.wrongs.push(format!("I16: {live} schedules are live {when} and {:?}", status.figures));
    }
}

/// One after the other, each with time to be committed.
fn cancel_all(world: &mut World) {
    let ids: Vec<String> = world.history.known.keys().cloned().collect();
    for id in ids {
        let known = &world.history.known[&id];
        if known.key.is_some() && !known.is_cancelled() {
            world.ask(&id, Ask::Cancel);
            world.run_until(world.true_ms + 60_000);
        }
    }
    // Nothing of what was cancelled may come now.
    world.run_until(world.true_ms + 24 * 3_600_000);
}

fn check_memory(world: &mut World) {
    let Some(process) = &world.process else { return };
    let figures = process.turns.status().figures;
    if figures != Figures::default() {
        world.history.wrongs.push(format!("I16: everything is cancelled and {figures:?}"));
    }
    let open = process.reader.facts().expect("a readable store");
    if process.rounds.len() + process.answers.len() + process.letters.len() > 0 {
        world.history.wrongs.push(format!("I15: somebody still waits: {open:?}"));
    }
}
