//! The cascade: how timers move to finer rings while time passes.
//!
//! Units: chunks of 64 timers are what moves, and what a budget counts.
//! Invariant: once settled, every slot coarser than a tick that the cursor is in is empty.
//!
//! A wheel that empties a coarse slot the moment the cursor enters it stands still for as long as that slot is full:
//! 97 ms with ten million timers. Here each ring is twice as wide as its digit, so the *next* slot of a coarse ring
//! can move down while the cursor is still in the slot before it: in proportion to elapsed time, whole chunks, a few
//! each tick. That is `pay`, and it may fall behind: on a long jump there is more to move than one call should. What
//! is left when the cursor arrives must move before anything there may fire. That is `settle`, and it may halt on its
//! budget and go on in the next call, for the cursor waits.

use super::chunk::{CHUNK, Chunks, Entry};
use super::dial::{Dial, LEVELS, stretch_end, whole, width};
use super::record::Records;

/// Timers that are put in order in one go at most: a tenth of a millisecond.
const RUN_COUNT_MAX: u32 = 4096;

impl Dial {
    /// Moves down what the slots that the cursor is in still hold, coarsest first. Returns whether it got to the end.
    ///
    /// A slot that is wholly due by `target` and not too long need not move down at all: its timers are put in order
    /// and are late ones from then on.
    #[inline]
    pub(super) fn settle<T>(&mut self, target: u64, budget: &mut usize, records: &mut Records<T>) -> bool {
        self.settled || self.settle_slots(target, budget, records)
    }

    fn settle_slots<T>(&mut self, target: u64, budget: &mut usize, records: &mut Records<T>) -> bool {
        for level in (1..LEVELS).rev() {
            let slot = self.cursor >> width(level);
            if self.is_run(level, slot, target) {
                if *budget == 0 {
                    return false;
                }
                self.run(level, slot, budget, records);
                return true;
            }
            while !self.rings[level].slot(slot).is_empty() {
                if *budget == 0 {
                    return false;
                }
                *budget -= 1;
                self.descend(level, slot, records);
            }
        }
        self.settled = true;
        true
    }

    /// Moves down, of every next slot, the share that is due when the cursor gets to `tick`. What will be wholly due by
    /// `target` is left where it is.
    #[inline]
    pub(super) fn pay<T>(&mut self, tick: u64, target: u64, budget: &mut usize, records: &mut Records<T>) {
        if tick >= self.pay_at {
            self.pay_slots(tick, target, budget, records);
        }
    }

    fn pay_slots<T>(&mut self, tick: u64, target: u64, budget: &mut usize, records: &mut Records<T>) {
        self.pay_at = u64::MAX;
        for level in (1..LEVELS).rev() {
            let slot = (self.cursor >> width(level)) + 1;
            let end = stretch_end(self.cursor, width(level));
            // Once the cursor is there, `settle` moves the rest, and moves it further down than could be done now.
            if tick > end || self.rings[level].slot(slot).is_empty() {
                continue;
            }
            if stretch_end(end.saturating_add(1), width(level)) < target {
                self.pay_at = 0;
                continue;
            }
            let elapsed = (1 << width(level)) - (end - tick);
            let owed = self.rings[level].owed(elapsed, width(level));
            for _ in 0..owed {
                if *budget == 0 {
                    self.pay_at = 0;
                    return;
                }
                if self.rings[level].slot(slot).is_empty() {
                    break;
                }
                *budget -= 1;
                self.descend(level, slot, records);
                self.rings[level].note_moved();
            }
            let start = end - ((1 << width(level)) - 1);
            let next = start.saturating_add(self.rings[level].next_owed(width(level)));
            self.pay_at = self.pay_at.min(next);
        }
    }

    /// Whether a slot that the cursor has come to can fire as one run: it is wholly due, short enough to be put in order
    /// in one go, and nothing else is due before its end.
    fn is_run(&self, level: usize, slot: u64, target: u64) -> bool {
        let end = stretch_end(slot << width(level), width(level));
        let len = self.rings[level].slot(slot).len();
        let is_free = |finer: usize| {
            let first = self.rings[finer].first_from(self.cursor >> width(finer));
            first.is_none_or(|slot| slot << width(finer) > end)
        };
        len > 0 && len <= RUN_COUNT_MAX && end < target && (0..level).all(is_free)
    }

    /// Makes late timers of a slot's, and moves the cursor past it. Only the dead count as work: the others are about to
    /// fire, which has a limit of its own.
    fn run<T>(&mut self, level: usize, slot: u64, budget: &mut usize, records: &mut Records<T>) {
        let before = self.rings[level].slot(slot).len() as usize;
        let mut run = std::mem::take(&mut self.run);
        let mut entries = [Entry { index: 0, low: 0 }; CHUNK];
        while !self.rings[level].slot(slot).is_empty() {
            let chunks: &mut Chunks = &mut self.chunks;
            let taken = self.rings[level].change(slot, |chain| chunks.pop_chunk(chain, &mut entries));
            records.warm(&entries[..taken]);
            let living = entries[..taken].iter().filter(|entry| !records.reap(entry.index));
            run.extend(living.map(|entry| u64::from(entry.low) << 32 | u64::from(entry.index)));
        }
        *budget = budget.saturating_sub((before - run.len()).div_ceil(CHUNK));
        run.sort_unstable();
        let start = slot << width(level);
        for &entry in &run {
            self.late.push(whole(start, (entry >> 32) as u32), entry as u32);
        }
        run.clear();
        self.run = run;
        self.arrive(stretch_end(start, width(level)) + 1);
    }

    /// Moves one chunk of a slot to finer rings; the dead are dropped on the way.
    fn descend<T>(&mut self, level: usize, slot: u64, records: &mut Records<T>) {
        let mut entries = [Entry { index: 0, low: 0 }; CHUNK];
        let chunks: &mut Chunks = &mut self.chunks;
        let taken = self.rings[level].change(slot, |chain| chunks.pop_chunk(chain, &mut entries));
        if level == 1 {
            // All that is read in vain here, for it comes from afar, is read together.
            let coarser = self.rings[1..].iter().enumerate();
            let next = coarser.map(|(at, ring)| chunks.warm(ring.slot((self.cursor >> width(at + 1)) + 1)));
            std::hint::black_box(next.fold(0, |sum, word| sum ^ word));
            records.warm(&entries[..taken]);
        }
        let living = keep_living(&mut entries[..taken], records);
        let start = slot << width(level);
        if level == 1 || start > self.reach[level - 2] {
            // No finer ring reaches any of them.
            let ring = &mut self.rings[level - 1];
            for &entry in living {
                ring.push(whole(start, entry.low) >> width(level - 1), entry, chunks);
            }
        } else {
            for &entry in living {
                self.put(whole(start, entry.low), entry.index);
            }
        }
    }
}

/// Drops the dead of some entries that are out of the slots.
fn keep_living<'a, T>(entries: &'a mut [Entry], records: &mut Records<T>) -> &'a [Entry] {
    let dead = records.reap_among(entries);
    if dead == 0 {
        return entries;
    }
    let mut kept = 0;
    for at in 0..entries.len() {
        entries[kept] = entries[at];
        kept += usize::from(dead >> at & 1 == 0);
    }
    &entries[..kept]
}
