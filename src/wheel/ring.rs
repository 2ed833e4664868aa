//! One level of the wheel: a ring of slots, which of them are occupied, and how far the next one has moved down.
//!
//! Units: a slot number is a deadline divided by the level's slot width, rounded down; its place in the ring is the
//! number modulo 512.
//! Invariant: the slots in use lie in the window the cursor is in and in the one after it, never behind the cursor;
//! so 512 places are enough and the first occupied place at or after the cursor's is the earliest slot.

use super::chunk::{Chain, Chunks, Entry};

/// Slots of a ring: two windows of 256.
const RING: usize = 512;

/// The slots of one level.
#[derive(Debug)]
pub(super) struct Ring {
    slots: Box<[Chain; RING]>,
    occupied: [u64; RING / 64],
    /// One bit for each word of `occupied`: it is not zero.
    summary: u64,
    /// Chunks that the next slot had when the cursor entered the one before it.
    quota: u32,
    /// Of those, chunks that have moved down.
    moved: u32,
}

impl Ring {
    /// A ring without timers.
    pub(super) fn new() -> Self {
        Self { slots: Box::new([Chain::EMPTY; RING]), occupied: [0; RING / 64], summary: 0, quota: 0, moved: 0 }
    }

    /// Adds an entry to a slot.
    #[inline(always)]
    pub(super) fn push(&mut self, slot: u64, entry: Entry, chunks: &mut Chunks) {
        let place = place(slot);
        if self.slots[place].is_empty() {
            self.occupy(place);
        }
        chunks.push(&mut self.slots[place], entry);
    }

    /// What a slot holds.
    #[inline]
    pub(super) fn slot(&self, slot: u64) -> &Chain {
        &self.slots[place(slot)]
    }

    /// Changes a slot and keeps the bitmap in step.
    #[inline]
    pub(super) fn change<R>(&mut self, slot: u64, change: impl FnOnce(&mut Chain) -> R) -> R {
        let place = place(slot);
        let result = change(&mut self.slots[place]);
        if self.slots[place].is_empty() {
            self.vacate(place);
        } else {
            self.occupy(place);
        }
        result
    }

    /// Removes the last entry of a slot that has one.
    #[inline]
    pub(super) fn drop_last(&mut self, slot: u64, chunks: &mut Chunks) {
        let place = place(slot);
        chunks.drop_last(&mut self.slots[place]);
        if self.slots[place].is_empty() {
            self.vacate(place);
        }
    }

    /// The earliest occupied slot at or after `slot`, which is the cursor's.
    #[inline]
    pub(super) fn first_from(&self, slot: u64) -> Option<u64> {
        if self.summary == 0 {
            return None;
        }
        let from = place(slot);
        let found = self.occupied_place(from).or_else(|| self.occupied_place(0))?;
        Some(slot + (found.wrapping_sub(from) % RING) as u64)
    }

    /// The first occupied place at or after `from`, without going round.
    pub(super) fn occupied_place(&self, from: usize) -> Option<usize> {
        let word = from / 64;
        let here = self.occupied.get(word)? & (u64::MAX << (from % 64));
        if here != 0 {
            return Some(word * 64 + here.trailing_zeros() as usize);
        }
        let later = self.summary & (u64::MAX << word << 1);
        if later == 0 {
            return None;
        }
        let word = later.trailing_zeros() as usize;
        Some(word * 64 + self.occupied[word].trailing_zeros() as usize)
    }

    #[inline]
    fn occupy(&mut self, place: usize) {
        self.occupied[place / 64] |= 1 << (place % 64);
        self.summary |= 1 << (place / 64);
    }

    #[inline]
    fn vacate(&mut self, place: usize) {
        let word = &mut self.occupied[place / 64];
        *word &= !(1 << (place % 64));
        let is_empty = u64::from(*word == 0);
        self.summary &= !(is_empty << (place / 64));
    }

    /// Takes stock of the next slot as the cursor enters the one before it.
    pub(super) fn enter(&mut self, next: u64) {
        self.quota = self.slot(next).chunks();
        self.moved = 0;
    }

    /// Chunks that should move down now, `elapsed` ticks into a slot of `1 << shift`. Rounds up: better a chunk early
    /// than one left over.
    #[inline]
    pub(super) const fn owed(&self, elapsed: u64, shift: u32) -> u32 {
        let due = (self.quota as u64 * elapsed).div_ceil(1 << shift);
        (due as u32).saturating_sub(self.moved)
    }

    /// How far into a slot of `1 << shift` ticks the next chunk is owed; never, once all have moved.
    #[inline]
    pub(super) const fn next_owed(&self, shift: u32) -> u64 {
        if self.moved >= self.quota {
            return u64::MAX;
        }
        ((self.moved as u64) << shift) / self.quota as u64 + 1
    }

    /// Notes that a chunk of the next slot has moved down.
    #[inline]
    pub(super) const fn note_moved(&mut self) {
        self.moved += 1;
    }

    /// Bytes of memory held.
    pub(super) const fn bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }
}

#[inline]
const fn place(slot: u64) -> usize {
    slot as usize % RING
}
