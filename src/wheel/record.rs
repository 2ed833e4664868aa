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

use super::chunk::{Entry, ones};
use super::pool::Pool;
use super::{Key, Next};

/// Words of marks that are asked for at once when there are no longer few: 16 MiB, for 128 million timers. Only what is
/// written is memory; a list that doubled would be copied while somebody waits.
const MARKS_RESERVED: usize = 1 << 21;

/// Words of marks up to which their list doubles.
const MARKS_FEW: usize = 1 << 10;

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

/// What became of a timer that fired.
#[derive(Debug)]
pub(super) enum Fired<T> {
    /// It fires again, and its entry goes back under this index.
    Again { deadline: u64, index: u32 },
    /// It is gone. Its value may panic when it is dropped.
    Ended(Option<T>),
    /// The entry stands for no timer. This does not happen.
    Nothing,
}

/// All records of a wheel.
#[derive(Debug)]
pub(super) struct Records<T> {
    pool: Pool<Record<T>>,
    marks: Vec<u64>,
    marked: usize,
    /// Entries in the slots: the marked ones, and one for each timer that waits.
    entries: usize,
    /// Principal → deputy.
    deputies: HashMap<u32, u32>,
    /// The generations in each segment of the pool.
    eras: Vec<Era>,
}

/// Generations of the records of one segment.
#[derive(Clone, Copy, Debug, Default)]
struct Era {
    /// Where a new record starts: above every key of those that have been let go with the segment.
    first: u32,
    /// The highest of a key.
    latest: u32,
}

/// The generation of a record that is not used again: one more, and old keys would lead to its timer.
const WORN: u32 = u32::MAX;

impl<T> Records<T> {
    /// No records at all.
    pub(super) fn new() -> Self {
        let (pool, marks, deputies) = (Pool::new(), Vec::new(), HashMap::new());
        Self { pool, marks, marked: 0, entries: 0, deputies, eras: Vec::new() }
    }

    /// Timers that wait.
    pub(super) const fn live(&self) -> usize {
        self.entries - self.marked
    }

    /// Entries in the slots that nobody wants.
    pub(super) const fn dead(&self) -> usize {
        self.marked
    }

    /// Whether most of the memory is free, and dead entries may be what keeps it from being given back.
    #[inline]
    pub(super) const fn is_sparse(&self) -> bool {
        self.marked > 0 && self.pool.held() > 4 * self.entries + SPARSE_COUNT_MIN
    }

    /// Makes room for the records of `timers` more timers.
    pub(super) fn reserve(&mut self, timers: usize) {
        self.pool.reserve(timers);
    }

    /// Makes a record for a new timer.
    #[inline]
    pub(super) fn add(&mut self, value: T) -> Key {
        self.entries += 1;
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
        match self.pool.get_mut(key.index) {
            Some(Record::Live { generation, value }) if *generation == key.generation => Some(value),
            _ => None,
        }
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
        let generation = key.generation.saturating_add(1);
        let value = std::mem::replace(record, Record::Vacant { generation }).value();
        if self.deputies.is_empty() {
            self.mark(key.index);
        } else {
            self.cancel_entry(key.index);
        }
        value
    }

    /// Marks the entry of a timer that was cancelled and may have a deputy.
    #[cold]
    fn cancel_entry(&mut self, principal: u32) {
        match self.dismiss(principal) {
            None => self.mark(principal),
            Some(deputy) => {
                self.vacate(deputy);
                self.mark(deputy);
                self.give_unless_marked(principal);
            }
        }
    }

    /// Marks the entry of a waiting timer and says under which index its new entry goes.
    pub(super) fn reseat(&mut self, principal: u32) -> u32 {
        self.entries += 1;
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

    /// Tells the caller of the timer that an entry stands for, and does with its record as the caller says.
    #[inline]
    pub(super) fn fire(&mut self, index: u32, fired: impl FnOnce(Key, &mut T) -> Next) -> Fired<T> {
        if !self.deputies.is_empty() {
            return self.fire_deputy(index, fired);
        }
        let record = self.pool.at_mut(index);
        let Record::Live { generation, value } = record else { return Fired::Nothing };
        let key = Key { index, generation: *generation };
        match fired(key, value) {
            Next::Rearm(deadline) => Fired::Again { deadline, index },
            Next::Drop => {
                let generation = key.generation.saturating_add(1);
                let ended = std::mem::replace(record, Record::Vacant { generation });
                self.entries -= 1;
                self.pool.give(index);
                Fired::Ended(ended.value())
            }
        }
    }

    /// The same where some timers have deputies.
    #[inline(never)]
    fn fire_deputy(&mut self, index: u32, fired: impl FnOnce(Key, &mut T) -> Next) -> Fired<T> {
        let principal = match self.pool.at(index) {
            Record::Deputy { principal, .. } => *principal,
            Record::Live { .. } | Record::Vacant { .. } => index,
        };
        let Record::Live { generation, value } = self.pool.at_mut(principal) else { return Fired::Nothing };
        match fired(Key { index: principal, generation: *generation }, value) {
            Next::Rearm(deadline) if principal == index || self.is_marked(principal) => {
                Fired::Again { deadline, index }
            }
            Next::Rearm(deadline) => {
                self.drop_deputy(principal, index);
                Fired::Again { deadline, index: principal }
            }
            Next::Drop => {
                self.entries -= 1;
                let value = self.vacate(principal);
                if principal != index {
                    self.drop_deputy(principal, index);
                }
                self.give_unless_marked(principal);
                Fired::Ended(value)
            }
        }
    }

    /// Whether an entry just taken out of a slot was a dead one; its record is then free.
    #[inline]
    pub(super) fn reap(&mut self, index: u32) -> bool {
        self.marked > 0 && self.reap_marked(index)
    }

    #[inline(never)]
    fn reap_marked(&mut self, index: u32) -> bool {
        if !self.is_marked(index) {
            return false;
        }
        self.unmark(index);
        self.marked -= 1;
        self.entries -= 1;
        if self.deputies.is_empty() || !self.deputies.contains_key(&index) {
            self.give(index);
        }
        true
    }

    /// Which of some entries nobody wants, as bits; their records are then free. Asked of all of them at once, for half
    /// of them are dead when it matters and a processor guesses each second one wrong.
    pub(super) fn reap_among(&mut self, entries: &[Entry]) -> u64 {
        if self.marked == 0 {
            return 0;
        }
        let dead = entries.iter().rev().fold(0, |dead, entry| dead << 1 | self.mark_of(entry.index));
        self.marked -= dead.count_ones() as usize;
        self.entries -= dead.count_ones() as usize;
        for index in ones(dead).map(|at| entries[at].index) {
            self.unmark(index);
            if self.deputies.is_empty() || !self.deputies.contains_key(&index) {
                self.pool.give_unread(index);
            }
        }
        dead
    }

    /// Gives some spare memory back.
    #[inline]
    pub(super) fn trim(&mut self) {
        let eras = &self.eras;
        if let Some(at) = self.pool.trim(|at| eras[at].may_end()) {
            self.eras[at].end();
        }
    }

    /// Gives all spare memory back.
    pub(super) fn shrink(&mut self) {
        let eras = &mut self.eras;
        self.pool.shrink(|at| {
            let may_end = eras[at].may_end();
            if may_end {
                eras[at].end();
            }
            may_end
        });
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

    /// Reads the records of keys that are about to be asked for, as [`Records::warm`] does.
    pub(super) fn warm_keys(&self, keys: &[Key]) {
        let generations = keys.iter().filter_map(|key| self.pool.get(key.index)).map(Record::generation);
        std::hint::black_box(generations.fold(0, |sum, generation| sum ^ generation));
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        self.pool.bytes() + self.marks.len() * size_of::<u64>() + self.deputies.allocation_size()
    }

    #[inline]
    fn make(&mut self, record: impl FnOnce(u32) -> Record<T>) -> Key {
        loop {
            let Some(index) = self.pool.take() else { return self.make_new(record) };
            let slot = self.pool.at_mut(index);
            let generation = slot.generation();
            if generation != WORN {
                *slot = record(generation);
                self.eras[Pool::<Record<T>>::segment_of(index)].note(generation);
                return Key { index, generation };
            }
        }
    }

    #[inline(never)]
    fn make_new(&mut self, record: impl FnOnce(u32) -> Record<T>) -> Key {
        let Self { pool, eras, .. } = self;
        let mut generation = 0;
        let index = pool.grow(|segment| {
            if eras.len() <= segment {
                eras.resize(segment + 1, Era::default());
            }
            generation = eras[segment].first;
            eras[segment].note(generation);
            record(generation)
        });
        if self.marks.len() <= index as usize / 64 {
            self.cover(index);
        }
        Key { index, generation }
    }

    /// Makes room for the mark of a record.
    #[cold]
    fn cover(&mut self, index: u32) {
        let words = index as usize / 64 + 1;
        if words > MARKS_FEW && self.marks.capacity() < MARKS_RESERVED {
            self.marks.reserve_exact(MARKS_RESERVED - self.marks.len());
        }
        self.marks.resize(words, 0);
    }

    /// Empties a record and moves its generation on, so that no key leads here any more.
    #[inline]
    fn vacate(&mut self, index: u32) -> Option<T> {
        let record = self.pool.at_mut(index);
        let generation = record.generation().saturating_add(1);
        std::mem::replace(record, Record::Vacant { generation }).value()
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
        self.mark_of(index) != 0
    }

    #[inline]
    fn mark_of(&self, index: u32) -> u64 {
        self.marks[index as usize / 64] >> (index % 64) & 1
    }

    #[inline]
    fn unmark(&mut self, index: u32) {
        self.marks[index as usize / 64] &= !(1 << (index % 64));
    }

    #[inline]
    fn mark(&mut self, index: u32) {
        self.marks[index as usize / 64] |= 1 << (index % 64);
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

impl Era {
    #[inline]
    fn note(&mut self, generation: u32) {
        self.latest = self.latest.max(generation);
    }

    /// Whether new records can start above the keys of all that there were.
    const fn may_end(self) -> bool {
        self.latest < WORN - 1
    }

    const fn end(&mut self) {
        self.first = self.latest + 1;
    }
}

impl<T> Record<T> {
    #[inline]
    fn value(self) -> Option<T> {
        match self {
            Self::Live { value, .. } => Some(value),
            Self::Deputy { .. } | Self::Vacant { .. } => None,
        }
    }

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
