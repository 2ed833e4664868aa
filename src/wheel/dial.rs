//! Where timers are: the cursor, the five rings around it, and what lies beyond and behind them.
//!
//! Units: ticks. The cursor is the tick that fires next or fired last.
//! Invariant: a timer lies in the finest ring whose current or next window holds its deadline at the time it is put
//! there; before the cursor it is late; beyond the coarsest ring it is in the sorted map `far`, in slots of the same
//! width. So every deadline that a `u64` can name has its exact place.
//! Not here: which timers are alive (`record`), in what order they fire (`advance`), how they move down (`cascade`).

use std::collections::BTreeMap;

use super::chunk::{Chain, Chunks, Entry};
use super::late::Late;
use super::ring::Ring;

/// Rings. Five of eight bits reach 34.8 years at least, and 32 bits are the widest slot.
pub(super) const LEVELS: usize = 5;

/// Bits of a level's digit.
pub(super) const BITS: u32 = 8;

const _: () = assert!(width(LEVELS - 1) == 32, "an entry keeps 32 bits of its deadline, so no slot may be wider");

/// The time part of a wheel.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) cursor: u64,
    pub(super) rings: [Ring; LEVELS],
    pub(super) far: BTreeMap<u32, Chain>,
    pub(super) late: Late,
    pub(super) chunks: Chunks,
    /// The last tick that each ring holds; follows from the cursor.
    pub(super) reach: [u64; LEVELS],
    /// Whether the slots that the cursor is in are known to have moved down, all but the finest.
    pub(super) settled: bool,
    /// Where a run is put in order; empty in between.
    pub(super) run: Vec<u64>,
    /// Before this tick no next slot owes a chunk.
    pub(super) pay_at: u64,
}

/// The slot width of a level, as a power of two.
#[inline]
pub(super) const fn width(level: usize) -> u32 {
    level as u32 * BITS
}

/// The last tick of the aligned stretch of `1 << bits` ticks in which `tick` lies.
#[inline]
pub(super) const fn stretch_end(tick: u64, bits: u32) -> u64 {
    tick | ((1 << bits) - 1)
}

/// The deadline of an entry in a slot that begins at `start`.
#[inline]
pub(super) const fn whole(start: u64, low: u32) -> u64 {
    (start & !(u32::MAX as u64)) | low as u64
}

impl Dial {
    /// A dial without timers.
    pub(super) fn new(cursor: u64) -> Self {
        Self {
            cursor,
            rings: std::array::from_fn(|_| Ring::new()),
            far: BTreeMap::new(),
            late: Late::new(),
            chunks: Chunks::new(),
            reach: reach(cursor),
            settled: true,
            run: Vec::new(),
            pay_at: 0,
        }
    }

    /// Puts a record's entry where its deadline belongs.
    #[inline]
    pub(super) fn put(&mut self, deadline: u64, index: u32) {
        if deadline < self.cursor {
            self.late.push(deadline, index);
            return;
        }
        let entry = Entry { index, low: deadline as u32 };
        // Summing beats searching: no branch depends on the deadline, and deadlines cannot be predicted.
        let level: usize = self.reach.iter().map(|&last| usize::from(deadline > last)).sum();
        match self.rings.get_mut(level) {
            Some(ring) => ring.push(deadline >> width(level), entry, &mut self.chunks),
            None => self.put_far(deadline, entry),
        }
    }

    #[cold]
    fn put_far(&mut self, deadline: u64, entry: Entry) {
        let chain = self.far.entry((deadline >> 32) as u32).or_insert(Chain::EMPTY);
        self.chunks.push(chain, entry);
    }

    /// The next tick, after the cursor's own slot is done, at which something may fire or has to move; `u64::MAX` when
    /// there is nothing. Only the lowest ring that has timers counts: what lies in a coarser one is due no earlier
    /// than the end of the window, where the cursor halts in any case.
    pub(super) fn next_halt(&self) -> u64 {
        for (level, ring) in self.rings.iter().enumerate() {
            if let Some(slot) = ring.first_from(self.cursor >> width(level)) {
                let window = stretch_end(self.cursor, width(level) + BITS).saturating_add(1);
                return window.min(slot << width(level));
            }
        }
        self.far.first_key_value().map_or(u64::MAX, |(&slot, _)| u64::from(slot) << 32)
    }

    /// Moves the cursor forward to a tick that no timer was passed by.
    pub(super) fn arrive(&mut self, tick: u64) {
        debug_assert!(tick >= self.cursor, "the cursor went from {} back to {tick}", self.cursor);
        let before = std::mem::replace(&mut self.cursor, tick);
        if before >> BITS == tick >> BITS {
            return;
        }
        self.reach = reach(tick);
        if before >> width(LEVELS) != tick >> width(LEVELS) {
            self.fetch_far();
        }
        for level in 1..LEVELS {
            let slot = tick >> width(level);
            if before >> width(level) != slot {
                self.rings[level].enter(slot + 1);
            }
        }
        self.settled = false;
        self.pay_at = 0;
    }

    /// No live deadline is earlier than this. Exact as long as nothing was cancelled.
    pub(super) fn bound(&self) -> u64 {
        let mut bound = self.late.peek().map_or(u64::MAX, |(deadline, _)| deadline);
        for (level, ring) in self.rings.iter().enumerate() {
            if let Some(slot) = ring.first_from(self.cursor >> width(level)) {
                bound = bound.min(whole(slot << width(level), ring.slot(slot).floor()));
            }
        }
        match self.far.first_key_value() {
            Some((&slot, chain)) => bound.min(whole(u64::from(slot) << 32, chain.floor())),
            None => bound,
        }
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        let far = self.far.len() * size_of::<(u32, Chain)>();
        self.rings.iter().map(Ring::bytes).sum::<usize>()
            + self.chunks.bytes()
            + self.late.bytes()
            + self.run.capacity() * size_of::<u64>()
            + far
    }

    /// Brings into the coarsest ring what has come within its reach: whole slots, without looking at their timers.
    fn fetch_far(&mut self) {
        let reach = (self.reach[LEVELS - 1] >> 32) as u32;
        while let Some(slot) = self.far.first_entry().filter(|slot| *slot.key() <= reach) {
            let (slot, chain) = slot.remove_entry();
            // The place is empty: as long as a slot is in `far` its deadlines are beyond the ring's reach.
            self.rings[LEVELS - 1].change(u64::from(slot), |place| *place = chain);
        }
    }
}

/// The last tick of each ring's next window.
fn reach(cursor: u64) -> [u64; LEVELS] {
    std::array::from_fn(|level| {
        let bits = width(level) + BITS;
        stretch_end(cursor, bits).saturating_add(1 << bits)
    })
}
