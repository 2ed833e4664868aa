//! Records: what a key leads to, and which entries in the slots are dead.
//!
//! Units: a record is 16 bytes for a `u64` value; a mark is one bit.
//! Invariant: every record has at most one entry in the slots, and a marked record has exactly one, which nobody wants
//! any more. Hence whoever meets an entry asks one bit, in a bitmap small enough for the cache, and never the record.
//!
//! The hard case is a timer armed anew while it waits. Its entry lies somewhere in the middle of a slot and cannot be
//! found; it is marked dead, but the record, the value and the key live on and need another entry. So a second record
//! is made, the *deputy*, which holds nothing but the number of its principal and lends its index to the new entry.
//! Armed anew once more, the timer gives up that deputy and makes another one; once its own dead entry has been
//! dropped, it stands for itself again. Timers that never do this, the many, pay nothing for it.

use hashbrown::HashMap;

use super::Key;
use super::chunk::Entry;
use super::pool::Pool;

/// Bits of a segment of marks: 8 KiB.
const MARKS: usize = 1 << 16;

/// Free records that are not worth a sweep: 1 MiB of them.
const SPARSE_COUNT_MIN: usize = 65_536;

#[derive(Debug)]
enum Record<T> {
    /// In no use, or cancelled with its dead entry still in a slot. The generation is the next timer's.
    Vacant { generation: u32 },
    /// A timer that waits.
    Live { generation: u32, value: T },
    /// Stands for the timer of another record.
    Deputy { generation: u32, principal: u32 },
}

/// All records of a wheel.
#[derive(Debug)]
pub(super) struct Records<T> {
    pool: Pool<Record<T>>,
    marks: Vec<Vec<u64>>,
    marked: usize,
    live: usize,
    /// Principal → deputy.
    deputies: HashMap<u32, u32>,
    /// The generation at which a new record starts: that of the most reused one, and so above every one that has
    /// been let go with its segment.
    generation: u32,
}

impl<T> Records<T> {
    /// No records at all.
    pub(super) fn new() -> Self {
        let (pool, marks, deputies) = (Pool::new(), Vec::new(), HashMap::new());
        Self { pool, marks, marked: 0, live: 0, deputies, generation: 0 }
    }

    /// Timers that wait.
    pub(super) const fn live(&self) -> usize {
        self.live
    }

    /// Entries in the slots that nobody wants.
    pub(super) const fn dead(&self) -> usize {
        self.marked
    }

    /// Whether most of the memory is free, and dead entries may be what keeps it from being given back.
    #[inline]
    pub(super) const fn is_sparse(&self) -> bool {
        self.marked > 0 && self.pool.held() > 4 * (self.live + self.marked) + SPARSE_COUNT_MIN
    }

    /// Makes room for the records of `timers` more timers.
    pub(super) fn reserve(&mut self, timers: usize) {
        self.pool.reserve(timers);
    }

    /// Makes a record for a new timer.
    #[inline]
    pub(super) fn add(&mut self, value: T) -> Key {
        self.live += 1;
        self.make(|generation| Record::Live { generation, value })
    }

    /// Whether the key's timer still waits.
    #[inline]
    pub(super) fn is_live(&self, key: Key) -> bool {
        matches!(self.pool.get(key.index), Some(Record::Live { generation, .. }) if *generation == key.generation)
    }

    /// The value of a waiting timer.
    pub(super) fn get(&self, key: Key) -> Option<&T> {
        match self.pool.get(key.index) {
            Some(Record::Live { generation, value }) if *generation == key.generation => Some(value),
            _ => None,
        }
    }

    /// The value of a waiting timer, to change it.
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        if !self.is_live(key) {
            return None;
        }
        self.resolve(key.index).map(|(_, value)| value)
    }

    /// Ends the key's timer and hands its value back; its entry, which stays where it is, is marked.
    #[inline]
    pub(super) fn cancel(&mut self, key: Key) -> Option<T> {
        let record = self.pool.get_mut(key.index)?;
        let Record::Live { generation, .. } = record else { return None };
        if *generation != key.generation {
            return None;
        }
        // The next generation comes of the key, not of the record, so that nothing waits for the record to be read.
        let generation = key.generation.wrapping_add(1);
        let Record::Live { value, .. } = std::mem::replace(record, Record::Vacant { generation }) else {
            return None;
        };
        self.generation = self.generation.max(generation);
        self.live -= 1;
        match self.dismiss(key.index) {
            None => self.mark(key.index),
            Some(deputy) => {
                self.vacate(deputy);
                self.mark(deputy);
                self.give_unless_marked(key.index);
            }
        }
        Some(value)
    }

    /// Marks the entry of a waiting timer and says under which index its new entry goes.
    pub(super) fn reseat(&mut self, principal: u32) -> u32 {
        match self.dismiss(principal) {
            None => self.mark(principal),
            Some(deputy) => {
                self.vacate(deputy);
                self.mark(deputy);
                if !self.is_marked(principal) {
                    return principal;
                }
            }
        }
        let deputy = self.make(|generation| Record::Deputy { generation, principal }).index;
        self.deputies.insert(principal, deputy);
        deputy
    }

    /// The key and the value of the timer that an entry stands for.
    #[inline]
    pub(super) fn resolve(&mut self, index: u32) -> Option<(Key, &mut T)> {
        let principal = match self.pool.at(index) {
            Record::Deputy { principal, .. } => *principal,
            Record::Live { .. } | Record::Vacant { .. } => index,
        };
        match self.pool.at_mut(principal) {
            Record::Live { generation, value } => Some((Key { index: principal, generation: *generation }, value)),
            Record::Deputy { .. } | Record::Vacant { .. } => None,
        }
    }

    /// Ends a timer that fired; its entry, which was `index`'s, is out of the slots.
    #[inline]
    pub(super) fn end(&mut self, principal: u32, index: u32) {
        drop(self.vacate(principal));
        self.live -= 1;
        if principal == index {
            self.give(principal);
        } else {
            self.drop_deputy(principal, index);
            self.give_unless_marked(principal);
        }
    }

    /// Says under which index a timer that fired goes back; its entry, which was `index`'s, is out of the slots.
    #[inline]
    pub(super) fn again(&mut self, principal: u32, index: u32) -> u32 {
        if principal == index || self.is_marked(principal) {
            return index;
        }
        self.drop_deputy(principal, index);
        principal
    }

    /// Whether an entry just taken out of a slot was a dead one; its record is then free.
    #[inline]
    pub(super) fn reap(&mut self, index: u32) -> bool {
        if self.marked == 0 || !self.is_marked(index) {
            return false;
        }
        self.marks[index as usize / MARKS][index as usize % MARKS / 64] &= !(1 << (index % 64));
        self.marked -= 1;
        if self.deputies.is_empty() || !self.deputies.contains_key(&index) {
            self.give(index);
        }
        true
    }

    /// Which of some entries nobody wants, as bits. Asked of all of them at once, for half of them are dead when it
    /// matters and a processor guesses each second one wrong.
    #[inline]
    pub(super) fn dead_among(&self, entries: &[Entry]) -> u64 {
        entries.iter().rev().fold(0, |dead, entry| dead << 1 | u64::from(self.is_marked(entry.index)))
    }

    /// Gives some spare memory back.
    #[inline]
    pub(super) fn trim(&mut self) {
        self.pool.trim();
    }

    /// Gives all spare memory back.
    pub(super) fn shrink(&mut self) {
        self.pool.shrink();
    }

    /// Gives back what [`Records::shrink`] must leave as long as there are timers.
    pub(super) fn forget_all(&mut self) {
        self.marks = Vec::new();
    }

    /// Reads the records of entries that will fire soon, so that they are in the cache by then. The reads do not wait
    /// for each other, which is the whole gain: one at a time, as they fire, each costs a trip to memory.
    pub(super) fn warm(&self, entries: &[Entry]) {
        let sum = entries.iter().fold(0_u32, |sum, entry| sum ^ self.pool.at(entry.index).generation());
        std::hint::black_box(sum);
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        let marks: usize = self.marks.iter().map(|segment| segment.capacity() * size_of::<u64>()).sum();
        self.pool.bytes() + marks + self.deputies.allocation_size()
    }

    fn make(&mut self, record: impl FnOnce(u32) -> Record<T>) -> Key {
        if let Some(index) = self.pool.take() {
            let slot = self.pool.at_mut(index);
            let generation = slot.generation();
            *slot = record(generation);
            return Key { index, generation };
        }
        let generation = self.generation;
        let index = self.pool.grow(record(generation));
        while self.marks.len() <= index as usize / MARKS {
            self.marks.push(vec![0; MARKS / 64]);
        }
        Key { index, generation }
    }

    /// Empties a record and moves its generation on, so that no key leads here any more. (2^32 reuses of one record
    /// would lead an old key here again.)
    #[inline]
    fn vacate(&mut self, index: u32) -> Option<T> {
        let record = self.pool.at_mut(index);
        let generation = record.generation().wrapping_add(1);
        self.generation = self.generation.max(generation);
        match std::mem::replace(record, Record::Vacant { generation }) {
            Record::Live { value, .. } => Some(value),
            Record::Deputy { .. } | Record::Vacant { .. } => None,
        }
    }

    #[inline]
    fn dismiss(&mut self, principal: u32) -> Option<u32> {
        if self.deputies.is_empty() {
            return None;
        }
        let deputy = self.deputies.remove(&principal)?;
        if self.deputies.is_empty() && self.deputies.capacity() > 1024 {
            self.deputies = HashMap::new();
        }
        Some(deputy)
    }

    fn drop_deputy(&mut self, principal: u32, deputy: u32) {
        self.dismiss(principal);
        self.vacate(deputy);
        self.give(deputy);
    }

    #[inline]
    fn is_marked(&self, index: u32) -> bool {
        self.marks[index as usize / MARKS][index as usize % MARKS / 64] & (1 << (index % 64)) != 0
    }

    #[inline]
    fn mark(&mut self, index: u32) {
        self.marks[index as usize / MARKS][index as usize % MARKS / 64] |= 1 << (index % 64);
        self.marked += 1;
    }

    #[inline]
    fn give(&mut self, index: u32) {
        self.pool.give(index);
    }

    fn give_unless_marked(&mut self, index: u32) {
        if !self.is_marked(index) {
            self.give(index);
        }
    }
}

impl<T> Record<T> {
    #[inline]
    const fn generation(&self) -> u32 {
        match self {
            Self::Vacant { generation } | Self::Live { generation, .. } | Self::Deputy { generation, .. } => {
                *generation
            }
        }
    }
}

const _: () = assert!(size_of::<Record<u64>>() == 16, "a record of a u64 takes a quarter of a cache line");
