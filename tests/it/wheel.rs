//! The wheel against a sorted map: random operations, every pattern of clock, and all small cases.
//!
//! A failure prints its seed; `WALK=<seed>` in the panic message is what to give to `walk`.

use std::collections::BTreeMap;

use chimewheel::wheel::{Key, Next, Wheel};

/// xorshift64*: the same numbers on every machine, for ever.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// As many bits as chance has it, up to `bits`: near and far alike.
    pub fn log_uniform(&mut self, bits: u64) -> u64 {
        let width = self.below(bits + 1);
        if width == 0 { 0 } else { self.next() >> (64 - width) }
    }
}

/// What the wheel should hold: (deadline, number) → key.
struct Model {
    wheel: Wheel<u64>,
    timers: BTreeMap<(u64, u64), Key>,
    stale: Vec<Key>,
    numbers: u64,
    now: u64,
    chance: Chance,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let now = match seed % 4 {
            0 => 0,
            1 => 1_760_000_000_000,
            2 => u64::MAX - chance.log_uniform(45),
            _ => chance.log_uniform(63),
        };
        let (timers, stale) = (BTreeMap::new(), Vec::new());
        Self { wheel: Wheel::new(now), timers, stale, numbers: 0, now, chance }
    }

    /// A deadline worth trying: around the clock, around the edges of a ring, past, far.
    fn deadline(&mut self) -> u64 {
        let chance = &mut self.chance;
        let now = self.now;
        match chance.below(16) {
            0 => now,
            1 => now.saturating_sub(chance.log_uniform(40)),
            2 => chance.next(),
            3 => u64::MAX - chance.below(3),
            4..=6 => {
                let bits = 8 * (1 + chance.below(5));
                let edge = (now >> bits).saturating_add(1 + chance.below(3)) << bits;
                edge.saturating_add(chance.below(3)).saturating_sub(1)
            }
            7 => now.saturating_add(chance.below(600)),
            _ => now.saturating_add(chance.log_uniform(44)),
        }
    }

    fn insert(&mut self) {
        let deadline = self.deadline();
        self.numbers += 1;
        let key = self.wheel.insert(deadline, self.numbers);
        self.timers.insert((deadline, self.numbers), key);
    }

    /// Any waiting timer.
    fn pick(&mut self) -> Option<((u64, u64), Key)> {
        let from = (self.deadline(), self.chance.below(self.numbers + 1));
        let after = self.timers.range(from..).next().or_else(|| self.timers.iter().next());
        after.map(|(&at, &key)| (at, key))
    }

    fn cancel(&mut self) {
        if let Some((at, key)) = self.pick() {
            assert_eq!(self.wheel.get(key), Some(&at.1));
            assert_eq!(self.wheel.cancel(key), Some(at.1));
            assert_eq!(self.wheel.cancel(key), None, "a second cancel");
            self.timers.remove(&at);
            self.stale.push(key);
        }
    }

    /// Cancels some timers that wait, among them keys that are gone and some that are named twice.
    fn cancel_many(&mut self) {
        let count = self.chance.log_uniform(7);
        let mut expected = Vec::new();
        let mut keys = Vec::new();
        for _ in 0..count {
            if let Some((at, key)) = self.pick() {
                self.timers.remove(&at);
                expected.push((key, at.1));
                keys.push(key);
            }
            let again = self.stale.last().copied().filter(|_| self.chance.below(4) == 0);
            keys.extend(again);
            keys.extend(keys.last().copied().filter(|_| self.chance.below(8) == 0));
        }
        let mut cancelled = Vec::new();
        self.wheel.cancel_many(&keys, |key, number| cancelled.push((key, number)));
        assert_eq!(cancelled, expected);
        self.stale.extend(keys);
    }

    fn rearm(&mut self) {
        let deadline = self.deadline();
        if let Some((at, key)) = self.pick() {
            assert!(self.wheel.rearm(key, deadline));
            self.timers.remove(&at);
            self.timers.insert((deadline, at.1), key);
        }
    }

    fn try_stale(&mut self) {
        if !self.stale.is_empty() {
            let at = self.chance.below(self.stale.len() as u64) as usize;
            let key = self.stale[at];
            assert_eq!(self.wheel.cancel(key), None, "a stale key cancels");
            assert!(!self.wheel.rearm(key, self.now), "a stale key arms");
            assert_eq!(self.wheel.get(key), None, "a stale key reads");
        }
    }

    /// Moves the clock in one of its patterns and compares all that fires.
    fn advance(&mut self) {
        let now = match self.chance.below(12) {
            0 => self.now,
            1 => self.now.saturating_sub(self.chance.log_uniform(36)),
            2..=5 => self.now.saturating_add(1),
            6 => self.now.saturating_add(self.chance.log_uniform(42)),
            7 => self.wheel.next_expiry().unwrap_or(self.now).min(self.now.saturating_add(1 << 42)),
            _ => self.now.saturating_add(self.chance.log_uniform(24)),
        };
        self.now = self.now.max(now);
        let limit = [0, 1, 3, 50, usize::MAX][self.chance.below(5) as usize];
        loop {
            let more = self.advance_once(now, limit);
            let due = self.timers.first_key_value().is_some_and(|(&(deadline, _), _)| deadline <= now);
            assert!(more || !due, "nothing more by {now}, but {:?}", self.timers.first_key_value());
            // Sometimes the portion is left unfinished, for other operations to come in between.
            if !more || limit == 0 || self.chance.below(4) == 0 {
                break;
            }
        }
    }

    fn advance_once(&mut self, now: u64, limit: usize) -> bool {
        let Self { wheel, timers, stale, chance, .. } = self;
        let mut fired = 0;
        let progress = wheel.advance(now, limit, |deadline, key, &mut number| {
            fired += 1;
            let first = timers.first_key_value().map(|(&(deadline, _), _)| deadline);
            assert_eq!(Some(deadline), first, "out of order, by {now}");
            assert!(deadline <= now, "{deadline} fired at {now}");
            assert_eq!(timers.remove(&(deadline, number)), Some(key), "fired without being armed");
            let again = match chance.below(8) {
                0 => now.saturating_add(1 + chance.log_uniform(40)),
                1 => now.saturating_sub(chance.log_uniform(20)),
                2 => deadline.saturating_add(chance.below(2)),
                _ => {
                    stale.push(key);
                    return Next::Drop;
                }
            };
            timers.insert((again, number), key);
            Next::Rearm(again)
        });
        assert_eq!(progress.fired, fired);
        assert!(fired <= limit);
        progress.more
    }

    fn check(&self) {
        assert_eq!(self.wheel.len(), self.timers.len());
        assert_eq!(self.wheel.is_empty(), self.timers.is_empty());
        assert_eq!(self.wheel.now(), self.now);
        let earliest = self.timers.first_key_value().map(|(&(deadline, _), _)| deadline);
        let expiry = self.wheel.next_expiry();
        assert_eq!(expiry.is_some(), earliest.is_some());
        assert!(expiry <= earliest, "the next expiry {expiry:?} is later than {earliest:?}");
    }

    /// Empties the wheel: every timer is in the model, every key leads to its timer.
    fn finish(mut self) {
        for (&(_, number), &key) in &self.timers {
            assert_eq!(self.wheel.get(key), Some(&number));
        }
        loop {
            let Self { wheel, timers, .. } = &mut self;
            let progress = wheel.advance(u64::MAX, 1000, |deadline, key, &mut number| {
                assert_eq!(timers.first_key_value().map(|(&(first, _), _)| first), Some(deadline));
                assert_eq!(timers.remove(&(deadline, number)), Some(key));
                Next::Drop
            });
            if !progress.more {
                break;
            }
        }
        assert!(self.timers.is_empty(), "{} timers never fired", self.timers.len());
        assert_eq!(self.wheel.next_expiry(), None);
    }
}

/// One random life of a wheel.
fn walk(seed: u64, steps: u64) {
    let mut model = Model::new(seed);
    // Some wheels stay small, some grow, some are cancelled more than they are filled.
    let (inserts, cancels) = [(20, 5), (40, 10), (30, 30), (60, 5)][(seed / 4 % 4) as usize];
    for _ in 0..steps {
        match model.chance.below(100) {
            n if n < inserts => model.insert(),
            n if n < inserts + cancels => model.cancel(),
            n if n < inserts + cancels + 8 => model.rearm(),
            n if n < inserts + cancels + 10 => model.try_stale(),
            n if n < inserts + cancels + 12 => model.cancel_many(),
            _ => model.advance(),
        }
        model.check();
    }
    model.finish();
}

/// Runs something with a seed and names the seed when it fails.
fn seeded(seed: u64, run: impl FnOnce() + std::panic::UnwindSafe) {
    if std::panic::catch_unwind(run).is_err() {
        panic!("WALK={seed}");
    }
}

#[test]
fn random_walks_agree_with_a_sorted_map() {
    for seed in 0..240 {
        seeded(seed, || walk(seed, 2000));
    }
}

#[test]
fn long_walks_agree_with_a_sorted_map() {
    for seed in 1000..1004 {
        seeded(seed, || walk(seed, 30_000));
    }
}

/// Fills a wheel and cancels most of it, several times.
fn crowded_walk(seed: u64, rounds: u64, inserts: usize) {
    let mut model = Model::new(seed);
    for round in 0..rounds {
        (0..inserts).for_each(|_| model.insert());
        (0..50).for_each(|_| model.advance());
        model.check();
        // More than half die: a sweep runs while the clock goes on and timers move.
        (0..model.timers.len() * 3 / 4).for_each(|at| {
            model.cancel();
            if at as u64 % 64 == round {
                model.advance();
                model.rearm();
            }
        });
        model.check();
    }
    model.finish();
}

#[test]
fn crowded_walks_agree_with_a_sorted_map() {
    for seed in 2000..2008 {
        seeded(seed, || crowded_walk(seed, 6, 8000));
    }
}

/// Large enough for memory that comes and goes by segments.
#[test]
fn a_very_crowded_walk_agrees_with_a_sorted_map() {
    seeded(3001, || crowded_walk(3001, 3, 160_000));
}

/// All ways to give three timers deadlines from a list of interesting ones, cancel or move one of them, and advance
/// over them in two steps.
#[test]
fn every_small_case_agrees_with_sorting() {
    let offsets: Vec<u64> =
        [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 131_072, 1 << 24, (1 << 32) - 1, 1 << 32, 1 << 40, 1 << 41]
            .into_iter()
            .collect();
    for start in [0, 200, 65_000, (1 << 40) - 300] {
        for (a, b, c) in triples(&offsets) {
            for act in 0..3 {
                for stop in [a, b, c] {
                    small_case(start, [a, b, c], act, stop);
                }
            }
        }
    }
}

fn triples(offsets: &[u64]) -> impl Iterator<Item = (u64, u64, u64)> {
    let pairs = offsets.iter().flat_map(move |&a| offsets.iter().map(move |&b| (a, b)));
    pairs.flat_map(move |(a, b)| offsets.iter().map(move |&c| (a, b, c)))
}

fn small_case(start: u64, offsets: [u64; 3], act: u32, stop: u64) {
    let mut wheel = Wheel::new(start);
    let keys = offsets.map(|offset| wheel.insert(start + offset, offset));
    let mut expected = offsets.to_vec();
    match act {
        0 => {
            assert_eq!(wheel.cancel(keys[0]), Some(offsets[0]));
            expected.remove(0);
        }
        1 => {
            assert!(wheel.rearm(keys[0], start + offsets[1]));
            expected[0] = offsets[1];
        }
        _ => {}
    }
    expected.sort_unstable();
    let mut fired = Vec::new();
    for now in [start + stop, u64::MAX] {
        assert!(wheel.next_expiry().is_none_or(|next| next - start <= expected[fired.len()]));
        while wheel
            .advance(now, 1, |at, _, _| {
                fired.push(at - start);
                Next::Drop
            })
            .more
        {}
        let due = expected.iter().filter(|&&offset| offset <= now - start).count();
        assert_eq!(fired, expected[..due], "start {start}, offsets {offsets:?}, act {act}, by {now}");
    }
    assert!(wheel.is_empty());
}
