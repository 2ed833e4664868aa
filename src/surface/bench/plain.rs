//! What one would write without a wheel: heaps that delete lazily, and an ordered map.
//!
//! Invariant: a heap is rebuilt without its dead when they outnumber the living, as everyone has to who cancels a lot;
//! so the price of cancelling is all in the cancels.
//! Not here: pairing or radix heaps; they need a crate.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::hint::black_box;

use super::timers::Timers;

/// A timer in a heap: its deadline, its record and that record's generation.
pub type Entry = (u64, u32, u32);

/// A priority queue of timers, earliest first.
pub trait Queue: Default {
    /// Adds one.
    fn push(&mut self, entry: Entry);
    /// The earliest.
    fn first(&self) -> Option<Entry>;
    /// Removes the earliest.
    fn pop(&mut self);
    /// Drops those that are not to stay.
    fn retain(&mut self, stays: impl Fn(Entry) -> bool);
}

/// The standard library's heap.
pub type Binary = BinaryHeap<Reverse<Entry>>;

impl Queue for Binary {
    fn push(&mut self, entry: Entry) {
        Self::push(self, Reverse(entry));
    }

    fn first(&self) -> Option<Entry> {
        self.peek().map(|&Reverse(entry)| entry)
    }

    fn pop(&mut self) {
        Self::pop(self);
    }

    fn retain(&mut self, stays: impl Fn(Entry) -> bool) {
        Self::retain(self, |&Reverse(entry)| stays(entry));
    }
}

/// A heap of four children a node: half as deep, and siblings share a cache line.
#[derive(Debug, Default)]
pub struct QuaternaryHeap(Vec<Entry>);

impl QuaternaryHeap {
    fn sink(&mut self, mut at: usize) {
        let Some(&entry) = self.0.get(at) else { return };
        loop {
            let first = 4 * at + 1;
            let children = first..self.0.len().min(first + 4);
            let Some(least) = children.min_by_key(|&child| self.0[child]).filter(|&child| self.0[child] < entry)
            else {
                break;
            };
            self.0[at] = self.0[least];
            at = least;
        }
        self.0[at] = entry;
    }
}

impl Queue for QuaternaryHeap {
    fn push(&mut self, entry: Entry) {
        let mut at = self.0.len();
        self.0.push(entry);
        while at > 0 && entry < self.0[(at - 1) / 4] {
            self.0[at] = self.0[(at - 1) / 4];
            at = (at - 1) / 4;
        }
        self.0[at] = entry;
    }

    fn first(&self) -> Option<Entry> {
        self.0.first().copied()
    }

    fn pop(&mut self) {
        if !self.0.is_empty() {
            self.0.swap_remove(0);
            self.sink(0);
        }
    }

    fn retain(&mut self, stays: impl Fn(Entry) -> bool) {
        self.0.retain(|&entry| stays(entry));
        (0..=self.0.len() / 4).rev().for_each(|at| self.sink(at));
    }
}

#[derive(Clone, Copy, Debug)]
struct Record {
    value: u64,
    generation: u32,
}

/// A heap whose cancelled timers stay in it until they come up or are too many.
#[derive(Debug)]
pub struct Lazy<Q> {
    queue: Q,
    records: Vec<Record>,
    free: Vec<u32>,
    dead: usize,
    live: usize,
}

impl<Q: Queue> Lazy<Q> {
    fn release(&mut self, index: u32) {
        let record = &mut self.records[index as usize];
        record.generation = record.generation.wrapping_add(1);
        black_box(record.value);
        self.free.push(index);
        self.live -= 1;
    }

    /// The earliest that lives.
    fn first(&mut self) -> Option<Entry> {
        while let Some(entry) = self.queue.first() {
            if self.records[entry.1 as usize].generation == entry.2 {
                return Some(entry);
            }
            self.queue.pop();
            self.dead -= 1;
        }
        None
    }
}

impl<Q: Queue> Timers for Lazy<Q> {
    type Key = (u32, u32);

    fn new() -> Self {
        Self { queue: Q::default(), records: Vec::new(), free: Vec::new(), dead: 0, live: 0 }
    }

    fn insert(&mut self, tick: u64, value: u64) -> (u32, u32) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.records.push(Record { value, generation: 0 });
            self.records.len() as u32 - 1
        });
        let record = &mut self.records[index as usize];
        record.value = value;
        let key = (index, record.generation);
        self.queue.push((tick, key.0, key.1));
        self.live += 1;
        key
    }

    fn cancel(&mut self, (index, generation): (u32, u32)) {
        if self.records[index as usize].generation != generation {
            return;
        }
        self.release(index);
        self.dead += 1;
        if self.dead > self.live && self.dead >= 1024 {
            let Self { queue, records, .. } = self;
            queue.retain(|(_, index, generation)| records[index as usize].generation == generation);
            self.dead = 0;
        }
    }

    fn advance(&mut self, tick: u64, limit: usize) -> (usize, bool) {
        for fired in 0..limit {
            match self.first() {
                Some((due_tick, index, _)) if due_tick <= tick => {
                    self.queue.pop();
                    self.release(index);
                }
                Some(_) | None => return (fired, false),
            }
        }
        (limit, true)
    }

    fn next_expiry(&mut self) -> Option<u64> {
        self.first().map(|entry| entry.0)
    }
}

/// An ordered map, keyed by deadline and number.
#[derive(Debug)]
pub struct Tree {
    timers: BTreeMap<(u64, u32), u64>,
    last: u32,
}

impl Timers for Tree {
    type Key = (u64, u32);

    fn new() -> Self {
        Self { timers: BTreeMap::new(), last: 0 }
    }

    fn insert(&mut self, tick: u64, value: u64) -> (u64, u32) {
        self.last = self.last.wrapping_add(1);
        self.timers.insert((tick, self.last), value);
        (tick, self.last)
    }

    fn cancel(&mut self, key: (u64, u32)) {
        black_box(self.timers.remove(&key));
    }

    fn advance(&mut self, tick: u64, limit: usize) -> (usize, bool) {
        for fired in 0..limit {
            match self.timers.first_entry() {
                Some(first) if first.key().0 <= tick => black_box(first.remove()),
                Some(_) | None => return (fired, false),
            };
        }
        (limit, true)
    }

    fn next_expiry(&mut self) -> Option<u64> {
        self.timers.first_key_value().map(|(key, _)| key.0)
    }
}
