//! Kills anywhere: every due keeps exactly one record, nothing is lost, nothing is early, and only a kill between a
//! send and its commit makes a double.
//!
//! Seeded; a failure names its seed. Expected dues come from arithmetic, not from the engine.

use std::collections::{BTreeMap, BTreeSet};

use chimewheel::engine::change::{Outcome, Phase};
use chimewheel::engine::{Input, OpId, Start};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::time::{Span, Timestamp};

use super::world::World;

const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What a schedule was told to do, and since when.
struct Told {
    period: Span,
    from: Timestamp,
    until: Option<Timestamp>,
}

#[test]
fn kills_anywhere_lose_nothing_and_double_only_what_was_ambiguous() {
    for seed in 1..=400 {
        play(seed);
    }
}

fn play(seed: u64) {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut world = World::new(BEGIN);
    let mut told = BTreeMap::new();
    let mut kills = 0;
    for number in 1..=(2 + chance.below(4)) {
        let period = Span::from_seconds(1 + chance.below(90));
        let policy = ["", "misfire skip", "misfire fire_all", "jitter 700ms"][chance.below(4) as usize];
        let chat = chance.below(3);
        world.add(&format!("s{number}"), &format!("every \"{period}\" chat c{chat} {policy}"), Start::Active);
        told.insert(ScheduleKey(number), Told { period, from: world.now, until: None });
    }
    for _ in 0..40 {
        if chance.below(3) == 0 {
            world.fuse = Some(1 + chance.below(12) as u32);
        }
        world.advance(Span::from_millis(chance.below(60_000)));
        if chance.below(12) == 0 {
            let key = ScheduleKey(1 + chance.below(told.len() as u64));
            let before = world.now;
            world.handle(Input::Cancel { op: OpId(0), key });
            let is_durable = !world.is_live(key);
            let told = told.get_mut(&key).expect("it was told");
            told.until = told.until.or(is_durable.then_some(before));
        }
        if world.fuse.is_some() || chance.below(10) == 0 {
            kills += 1;
            world.down(&format!("{}ms", chance.below(20_000)));
        }
    }
    world.fuse = None;
    world.advance(Span::from_seconds(200));
    verify(seed, &world, &told, kills);
}

fn verify(seed: u64, world: &World, told: &BTreeMap<ScheduleKey, Told>, kills: u32) {
    let mut records: BTreeMap<(ScheduleKey, Timestamp), u32> = BTreeMap::new();
    let mut fired = BTreeSet::new();
    for run in world.disk.runs.values() {
        let Phase::Settled { outcome, .. } = &run.phase else { panic!("seed {seed}: left open: {run:?}") };
        let OccurrenceId { schedule, due, .. } = run.occurrence;
        if matches!(outcome, Outcome::Delivered { .. }) {
            fired.insert(run.occurrence);
        }
        let through = run.range.map_or(due, |range| range.through);
        let mut covered = due;
        let mut count = 0;
        while covered <= through {
            *records.entry((schedule, covered)).or_default() += 1;
            covered = covered.plus(told[&schedule].period);
            count += 1;
        }
        assert_eq!(count, run.range.map_or(1, |range| range.count), "seed {seed}: {run:?}");
    }
    for (key, told) in told {
        let mut due = told.from.plus(told.period);
        let end = told.until.unwrap_or(world.now.minus(Span::from_seconds(2)));
        while due < end {
            let found = records.get(&(*key, due)).copied().unwrap_or(0);
            assert_eq!(found, 1, "seed {seed}: {key:?} due {due} has {found} records");
            due = due.plus(told.period);
        }
    }
    let mut times_sent: BTreeMap<OccurrenceId, u32> = BTreeMap::new();
    for (at, occurrence) in &world.sent {
        assert!(*at >= occurrence.due, "seed {seed}: early: {occurrence:?} at {at}");
        *times_sent.entry(*occurrence).or_default() += 1;
    }
    for occurrence in &fired {
        assert!(times_sent.contains_key(occurrence), "seed {seed}: delivered and never sent: {occurrence:?}");
    }
    let doubles: u32 = times_sent.values().map(|times| times - 1).sum();
    assert!(doubles <= kills, "seed {seed}: {doubles} doubles for {kills} kills");
}
