//! Kills anywhere, among edits, pauses, runs asked for and gateways that fail: every due keeps exactly one record,
//! nothing is lost, nothing is early, and only a kill or a refusal makes a second send.
//!
//! Seeded; a failure names its seed. Expected dues come from arithmetic, not from the engine. Whether a change that
//! was cut off by a kill counts is asked of the disk.

use std::collections::{BTreeMap, BTreeSet};

use chimewheel::engine::change::{Cause, Outcome, Phase, Run, Status};
use chimewheel::engine::{Input, OpId, Start};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::time::{Span, Timestamp};

use super::world::World;

const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);
const MS: Span = Span::from_millis(1);

struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }

    fn policy(&mut self) -> String {
        let misfire = self.pick(&["", "misfire skip", "misfire fire_all"]);
        let jitter = self.pick(&["", "jitter 700ms", "jitter 40s"]);
        let delivery = self.pick(&["", "", "delivery at_most_once"]);
        let chat = self.pick(&["c0", "c1", "c2", "c0", "c1", "c2", "none"]);
        format!("chat {chat} backoff 2s {misfire} {jitter} {delivery}")
    }

    fn key(&mut self, told: &BTreeMap<ScheduleKey, Told>) -> ScheduleKey {
        ScheduleKey(1 + self.below(told.len() as u64))
    }
}

/// What a schedule was told to do, and since when.
struct Told {
    rhythms: Vec<Rhythm>,
    /// Of a one-shot.
    at: Option<Timestamp>,
    bounds: String,
    end: Option<Timestamp>,
    max_runs: Option<u32>,
    /// When it was cancelled.
    until: Option<Timestamp>,
}

/// Dues at `from + k * period` for every k from 1.
struct Rhythm {
    period: Span,
    from: Timestamp,
    /// When other words took its place; what was due by then is still its.
    until: Option<Timestamp>,
}

/// A world, what it was told, and what must come of it.
struct Play {
    seed: u64,
    chance: Chance,
    world: World,
    told: BTreeMap<ScheduleKey, Told>,
    manual: BTreeSet<OccurrenceId>,
    /// Stretches between steps of the clock: after the first instant, up to the second.
    stretches: Vec<(Timestamp, Timestamp)>,
    kills: u32,
}

#[test]
fn kills_anywhere_lose_nothing_and_double_only_what_was_ambiguous() {
    for seed in (1..=400).chain([3648]) {
        let mut play = Play::new(seed);
        play.run();
        play.verify();
    }
}

impl Play {
    fn new(seed: u64) -> Self {
        let chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let (world, told) = (World::new(BEGIN), BTreeMap::new());
        Self { seed, chance, world, told, manual: BTreeSet::new(), stretches: vec![(BEGIN, BEGIN)], kills: 0 }
    }

    fn run(&mut self) {
        let steps_back = self.seed.is_multiple_of(4);
        for _ in 0..2 + self.chance.below(4) {
            self.add();
        }
        for _ in 0..40 {
            if self.chance.below(3) == 0 {
                self.world.fuse = Some(1 + self.chance.below(12) as u32);
            }
            self.world.advance(Span::from_millis(self.chance.below(60_000)));
            if self.chance.below(2) == 0 {
                self.ask(steps_back);
            }
            if self.world.fuse.is_some() || self.chance.below(10) == 0 {
                self.kills += 1;
                let back = if steps_back && self.chance.below(3) == 0 { "-" } else { "" };
                self.end_stretch();
                self.world.down(&format!("{back}{}ms", self.chance.below(20_000)));
                self.begin_stretch(back == "-");
            }
            if steps_back && self.chance.below(10) == 0 {
                self.step_back();
            }
        }
        self.told.keys().for_each(|&key| self.world.script(key, "ok"));
        self.world.answer_all();
        self.world.advance(Span::from_seconds(900));
        self.end_stretch();
    }

    fn add(&mut self) {
        let (number, now) = (self.told.len() as u64 + 1, self.world.now);
        let period = Span::from_seconds(1 + self.chance.below(90));
        let mut told = Told {
            rhythms: vec![Rhythm { period, from: now, until: None }],
            at: None,
            bounds: String::new(),
            end: None,
            max_runs: None,
            until: None,
        };
        let mut trigger = format!("every \"{period}\"");
        match self.chance.below(5) {
            0 => {
                let at = now.plus(Span::from_millis(1 + self.chance.below(600_000)));
                (told.at, trigger) = (Some(at), format!("at {at}"));
                told.rhythms.clear();
            }
            1 => {
                let end = now.plus(Span::from_seconds(100 + self.chance.below(900)));
                (told.end, told.bounds) = (Some(end), format!("end {end}"));
            }
            2 => {
                let most = 1 + self.chance.below(12) as u32;
                (told.max_runs, told.bounds) = (Some(most), format!("max_runs {most}"));
            }
            _ => {}
        }
        let words = format!("{trigger} {} {}", told.bounds, self.chance.policy());
        self.world.add(&format!("s{number}"), &words, Start::Active);
        self.told.insert(ScheduleKey(number), told);
    }

    /// Asks for one change of one schedule; it may be cut off.
    fn ask(&mut self, steps_back: bool) {
        let (key, op) = (self.chance.key(&self.told), OpId(0));
        if let Some(due) = self.world.state(key).next_due.filter(|_| self.chance.below(4) == 0) {
            // Right after a due is the worst moment.
            self.world.advance(due.plus(MS).since(self.world.now));
        }
        let now = self.world.now;
        let told = self.told.get_mut(&key).expect("it was told");
        let generation = self.world.state(key).generation;
        match self.chance.below(9) {
            0 => {
                let was_live = self.world.is_live(key);
                self.world.ask(key, Input::Cancel { op, key });
                let is_durable = self.world.state(key).status == Status::Cancelled;
                told.until = told.until.or((was_live && is_durable).then_some(now));
            }
            1 => self.world.ask(key, Input::Pause { op, key, note: None }),
            2 | 3 => self.world.ask(key, Input::Resume { op, key }),
            4 => self.world.ask(key, Input::RunNow { op, key }),
            5 if self.world.is_live(key) || (told.at.is_some() && told.until.is_none()) => {
                let state = self.chance.pick(&["", "", "paused", "active"]);
                let words = format!("{} {} {state}", told.bounds, self.chance.policy());
                self.world.edit(key, &words);
            }
            6 if self.world.is_live(key) && told.at.is_none() && !steps_back => {
                let period = Span::from_seconds(1 + self.chance.below(90));
                let words = format!("every \"{period}\" {} {}", told.bounds, self.chance.policy());
                self.world.update(key, &words);
                if self.world.state(key).generation > generation {
                    told.rhythms.last_mut().expect("a rhythm").until = Some(now);
                    told.rhythms.push(Rhythm { period, from: now, until: None });
                }
            }
            _ => {
                let answers = ["ok", "retry", "retry 40s", "permanent", "ambiguous", "hangs"];
                let script: Vec<&str> = (0..4).map(|_| self.chance.pick(&answers)).collect();
                self.world.script(key, &script.join(","));
            }
        }
        let manual = self.world.disk.runs.values().filter(|run| run.cause == Cause::Manual);
        self.manual.extend(manual.map(|run| run.occurrence));
    }

    fn step_back(&mut self) {
        self.end_stretch();
        self.world.now = self.world.now.minus(Span::from_millis(1001 + self.chance.below(100_000)));
        self.world.handle(Input::Tick);
        self.begin_stretch(true);
    }

    fn begin_stretch(&mut self, steps_back: bool) {
        if steps_back {
            self.stretches.push((self.world.now, self.world.now));
        }
    }

    fn end_stretch(&mut self) {
        self.stretches.last_mut().expect("a stretch").1 = self.world.now;
    }

    fn verify(&self) {
        let seed = self.seed;
        let mut records: BTreeMap<(ScheduleKey, Timestamp), u64> = BTreeMap::new();
        let mut manual = BTreeSet::new();
        for run in self.world.disk.runs.values() {
            assert!(run.is_settled(), "seed {seed}: left open: {run:?}");
            if run.cause == Cause::Manual {
                manual.insert(run.occurrence);
                continue;
            }
            for due in self.dues_of(run) {
                *records.entry((run.occurrence.schedule, due)).or_default() += 1;
            }
        }
        assert_eq!(manual, self.manual, "seed {seed}: runs asked for");
        for (&key, told) in &self.told {
            let of_key = records.range((key, Timestamp::from_millis(0))..=(key, Timestamp::HORIZON));
            let found: BTreeMap<Timestamp, u64> = of_key.map(|(&(_, due), &count)| (due, count)).collect();
            match told.at {
                Some(at) => self.verify_one_shot(key, told, at, &found),
                None => self.verify_rhythm(key, told, &found),
            }
        }
        self.verify_sends();
    }

    /// The dues that a record covers; that they are as many as it says.
    fn dues_of(&self, run: &Run) -> Vec<Timestamp> {
        let (first, Some(range)) = (run.occurrence.due, run.range) else { return vec![run.occurrence.due] };
        let told = &self.told[&run.occurrence.schedule];
        // Under a clock set back there are dues before the first one that was told.
        let rhythm = told.rhythms.iter().rev().find(|rhythm| rhythm.from < first).unwrap_or(&told.rhythms[0]);
        let dues: Vec<Timestamp> = std::iter::successors(Some(first), |due| {
            Some(due.plus(rhythm.period)).filter(|due| *due <= range.through)
        })
        .collect();
        assert_eq!(dues.len() as u64, range.count, "seed {}: {run:?}", self.seed);
        assert_eq!(dues.last(), Some(&range.through), "seed {}: {run:?}", self.seed);
        dues
    }

    fn verify_rhythm(&self, key: ScheduleKey, told: &Told, found: &BTreeMap<Timestamp, u64>) {
        let seed = self.seed;
        let state = self.world.state(key);
        let mut until = told.until.unwrap_or(self.world.now.minus(Span::from_seconds(41)));
        if state.status == Status::Paused {
            // What passed since the pause is recorded at its end.
            until = until.min(state.next_due.map_or(until, |next| next.minus(MS)));
        }
        until = told.end.map_or(until, |end| end.min(until));
        if told.until.is_none() && told.max_runs.is_some_and(|most| state.runs == most) {
            until = found.keys().next_back().copied().unwrap_or(until);
        }
        assert!(told.max_runs.is_none_or(|most| state.runs <= most), "seed {seed}: {key:?} ran {} times", state.runs);
        let mut expected = BTreeSet::new();
        for rhythm in &told.rhythms {
            let last = rhythm.until.map_or(until, |end| end.min(until));
            let mut due = rhythm.from.plus(rhythm.period);
            while due <= last {
                expected.insert(due);
                due = due.plus(rhythm.period);
            }
        }
        for &due in &expected {
            let records = found.get(&due).copied().unwrap_or(0);
            let passes = self.stretches.iter().filter(|(after, upto)| *after < due && due <= *upto).count() as u64;
            assert!(
                (1..=passes).contains(&records),
                "seed {seed}: {key:?} due {due} has {records} of {passes} records"
            );
        }
        if self.stretches.len() == 1 {
            let extra = found.keys().find(|due| **due <= until && !expected.contains(due));
            assert_eq!(extra, None, "seed {seed}: {key:?} was never due then");
            let late = found.keys().find(|due| **due > told.until.unwrap_or(self.world.now));
            assert_eq!(late, None, "seed {seed}: {key:?} was over by then");
        }
    }

    /// One record; a second one only where an edit took the place of what had not been handed out yet.
    fn verify_one_shot(&self, key: ScheduleKey, told: &Told, at: Timestamp, found: &BTreeMap<Timestamp, u64>) {
        let seed = self.seed;
        assert!(found.keys().all(|due| *due == at), "seed {seed}: {key:?} {found:?}");
        let outcomes =
            self.world.disk.runs.values().filter(|run| run.occurrence.schedule == key && run.occurrence.due == at);
        let is_void = |run: &&Run| matches!(&run.phase, Phase::Settled { outcome: Outcome::Cancelled, .. });
        let (void, done): (Vec<&Run>, Vec<&Run>) = outcomes.partition(is_void);
        assert!(done.len() <= 1, "seed {seed}: {done:?}");
        let is_waiting = self.world.state(key).status == Status::Paused;
        let was_due = told.until.is_none_or(|until| at <= until) && !is_waiting;
        assert_eq!(done.len() + void.len() > 0, was_due, "seed {seed}: {key:?} at {at}");
    }

    fn verify_sends(&self) {
        let seed = self.seed;
        let mut times_sent: BTreeMap<OccurrenceId, u32> = BTreeMap::new();
        for (at, occurrence) in &self.world.sent {
            assert!(*at >= occurrence.due, "seed {seed}: early: {occurrence:?} at {at}");
            *times_sent.entry(*occurrence).or_default() += 1;
        }
        for run in self.world.disk.runs.values() {
            let is_delivered = matches!(&run.phase, Phase::Settled { outcome: Outcome::Delivered { .. }, .. });
            let sent = times_sent.contains_key(&run.occurrence);
            assert!(!is_delivered || sent, "seed {seed}: delivered and never sent: {run:?}");
        }
        let doubles: u32 = times_sent.values().map(|times| times - 1).sum();
        let allowed = self.kills + self.world.refused;
        assert!(
            doubles <= allowed,
            "seed {seed}: {doubles} doubles for {} kills and {} refusals",
            self.kills,
            self.world.refused
        );
    }
}
