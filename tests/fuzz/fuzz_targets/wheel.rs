//! The wheel against a sorted map, over whatever operations the fuzzer thinks of.
//!
//! `.ci/fuzz wheel 60` runs it for a minute; `.ci/fuzz wheel 0 FILE` runs one input again.
//! Units: ticks. Invariant: timers fire in order of deadline, none early, none lost, none twice; `next_expiry` is
//! never late; a key that is gone does nothing.
//! Not here: which operations are likely (`tests/it/wheel.rs` draws them at random), speed.

#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use chimewheel::wheel::{Key, Next, Wheel};
use libfuzzer_sys::fuzz_target;

/// Timers that one input may have waiting, so that no input takes long.
const TIMERS_MAX: usize = 20_000;
/// Timers that one advance may fire.
const LIMIT_MAX: usize = 4096;

#[derive(Arbitrary, Debug)]
struct Life {
    start: u64,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Insert(Tick),
    /// As many, each so many ticks after the one before.
    InsertMany(Tick, u16, u8),
    BulkLoad(Tick, u8, u16),
    Cancel(u16),
    /// As many of those that come first from there on.
    CancelMany(u16, u16),
    Rearm(u16, Tick),
    TryStale(u16),
    Advance(Tick, u16, Again),
}

/// A tick worth trying.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Tick {
    Now,
    Expiry,
    Soon(u8),
    /// Bits of the distance and some of its low digits.
    After(u8, u16),
    Before(u8, u16),
    /// Around the edge of a slot of so many bits.
    Edge(u8, i8),
    Exactly(u64),
}

/// What becomes of the timers that fire.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Again {
    Never,
    /// Every so many of them, at this distance from their deadline.
    Later(u8, u32),
    /// Every so many of them, at this tick.
    At(u8, Tick),
}

#[derive(Debug)]
struct Model {
    wheel: Wheel<u64>,
    /// (deadline, number) and its key.
    timers: BTreeMap<(u64, u64), Key>,
    stale: Vec<Key>,
    numbers: u64,
    now: u64,
}

impl Model {
    fn tick(&self, tick: Tick) -> u64 {
        match tick {
            Tick::Now => self.now,
            Tick::Expiry => self.wheel.next_expiry().unwrap_or(self.now),
            Tick::Soon(ticks) => self.now.saturating_add(u64::from(ticks)),
            Tick::After(bits, low) => self.now.saturating_add((1 << (bits % 64)) | u64::from(low)),
            Tick::Before(bits, low) => self.now.saturating_sub((1 << (bits % 64)) | u64::from(low)),
            Tick::Edge(bits, off) => {
                let bits = bits % 48;
                ((self.now >> bits).saturating_add(1) << bits).saturating_add_signed(i64::from(off))
            }
            Tick::Exactly(tick) => tick,
        }
    }

    fn insert(&mut self, deadline: u64) {
        if self.timers.len() < TIMERS_MAX {
            self.numbers += 1;
            let key = self.wheel.insert(deadline, self.numbers);
            assert!(self.timers.insert((deadline, self.numbers), key).is_none());
        }
    }

    fn bulk_load(&mut self, first: u64, apart: u8, count: u16) {
        let count = usize::from(count).min(TIMERS_MAX.saturating_sub(self.timers.len())) as u64;
        let Self { wheel, timers, numbers, .. } = self;
        let base = *numbers;
        *numbers += count;
        let deadline = |n: u64| first.saturating_add(n * u64::from(apart));
        let loaded = (1..=count).map(|n| (deadline(n), base + n));
        wheel.bulk_load_with(loaded, |key, &mut number| {
            timers.insert((deadline(number - base), number), key);
        });
    }

    /// A waiting timer, near one of all the numbers there were.
    fn pick(&self, chosen: u16) -> Option<((u64, u64), Key)> {
        let at = usize::from(chosen) % self.timers.len().max(1);
        self.timers.iter().nth(at).map(|(&at, &key)| (at, key))
    }

    fn cancel(&mut self, at: (u64, u64), key: Key) {
        assert_eq!(self.wheel.get(key), Some(&at.1));
        assert_eq!(self.wheel.cancel(key), Some(at.1));
        assert_eq!(self.wheel.cancel(key), None, "a second cancel");
        self.timers.remove(&at);
        self.stale.push(key);
    }

    fn cancel_many(&mut self, from: u16, count: u16) {
        let from = usize::from(from) % self.timers.len().max(1);
        let chosen = self.timers.iter().skip(from).take(usize::from(count));
        let chosen: Vec<((u64, u64), Key)> = chosen.map(|(&at, &key)| (at, key)).collect();
        let keys: Vec<Key> = chosen.iter().map(|&(_, key)| key).collect();
        let mut cancelled = Vec::new();
        self.wheel.cancel_many(&keys, |key, number| cancelled.push((key, number)));
        assert!(chosen.iter().map(|&((_, number), key)| (key, number)).eq(cancelled), "not what was to be cancelled");
        for (at, key) in chosen {
            self.timers.remove(&at);
            self.stale.push(key);
        }
    }

    fn rearm(&mut self, chosen: u16, deadline: u64) {
        if let Some((at, key)) = self.pick(chosen) {
            assert!(self.wheel.rearm(key, deadline));
            self.timers.remove(&at);
            self.timers.insert((deadline, at.1), key);
        }
    }

    fn try_stale(&mut self, chosen: u16) {
        if let Some(&key) = self.stale.get(usize::from(chosen) % self.stale.len().max(1)) {
            assert_eq!(self.wheel.cancel(key), None, "a stale key cancels");
            assert!(!self.wheel.rearm(key, self.now), "a stale key arms");
            assert_eq!(self.wheel.get(key), None, "a stale key reads");
        }
    }

    fn advance(&mut self, now: u64, limit: usize, again: Again) {
        let at = if let Again::At(_, tick) = again { self.tick(tick) } else { 0 };
        self.now = self.now.max(now);
        let Self { wheel, timers, stale, .. } = self;
        let mut fired = 0;
        let progress = wheel.advance(now, limit, |deadline, key, &mut number| {
            fired += 1;
            let first = timers.first_key_value().map(|(&(deadline, _), _)| deadline);
            assert_eq!(Some(deadline), first, "out of order, by {now}");
            assert!(deadline <= now, "{deadline} fired at {now}");
            assert_eq!(timers.remove(&(deadline, number)), Some(key), "fired without being armed");
            let next = match again {
                Again::Later(every, ticks) if number.is_multiple_of(u64::from(every)) => {
                    deadline.saturating_add(u64::from(ticks))
                }
                Again::At(every, _) if number.is_multiple_of(u64::from(every)) => at,
                Again::Never | Again::Later(..) | Again::At(..) => {
                    stale.push(key);
                    return Next::Drop;
                }
            };
            timers.insert((next, number), key);
            Next::Rearm(next)
        });
        assert_eq!(progress.fired, fired);
        assert!(fired <= limit);
        let due = timers.first_key_value().is_some_and(|(&(deadline, _), _)| deadline <= now);
        assert!(progress.more || !due, "nothing more by {now}, but {:?}", timers.first_key_value());
    }

    fn check(&self) {
        assert_eq!(self.wheel.len(), self.timers.len());
        assert_eq!(self.wheel.footprint().live, self.timers.len());
        assert_eq!(self.wheel.now(), self.now);
        let earliest = self.timers.first_key_value().map(|(&(deadline, _), _)| deadline);
        let expiry = self.wheel.next_expiry();
        assert_eq!(expiry.is_some(), earliest.is_some());
        assert!(expiry <= earliest, "the next expiry {expiry:?} is later than {earliest:?}");
    }

    /// Fires all that is left.
    fn finish(mut self) {
        for (&(_, number), &key) in &self.timers {
            assert_eq!(self.wheel.get(key), Some(&number));
        }
        let Self { wheel, timers, .. } = &mut self;
        while wheel
            .advance(u64::MAX, LIMIT_MAX, |deadline, key, &mut number| {
                assert_eq!(timers.first_key_value().map(|(&(first, _), _)| first), Some(deadline));
                assert_eq!(timers.remove(&(deadline, number)), Some(key));
                Next::Drop
            })
            .more
        {}
        assert!(timers.is_empty(), "{} timers never fired", timers.len());
        assert_eq!(wheel.next_expiry(), None);
    }
}

fuzz_target!(|life: Life| {
    let (timers, stale) = (BTreeMap::new(), Vec::new());
    let mut model = Model { wheel: Wheel::new(life.start), timers, stale, numbers: 0, now: life.start };
    for step in life.steps {
        match step {
            Step::Insert(at) => model.insert(model.tick(at)),
            Step::InsertMany(at, count, apart) => {
                let first = model.tick(at);
                for n in 0..u64::from(count % 2048) {
                    model.insert(first.saturating_add(n * u64::from(apart)));
                }
            }
            Step::BulkLoad(at, apart, count) => model.bulk_load(model.tick(at), apart, count % 4096),
            Step::Cancel(chosen) => {
                if let Some((at, key)) = model.pick(chosen) {
                    model.cancel(at, key);
                }
            }
            Step::CancelMany(from, count) => model.cancel_many(from, count),
            Step::Rearm(chosen, at) => model.rearm(chosen, model.tick(at)),
            Step::TryStale(chosen) => model.try_stale(chosen),
            Step::Advance(at, limit, again) => model.advance(model.tick(at), usize::from(limit) % LIMIT_MAX, again),
        }
        model.check();
    }
    model.finish();
});
