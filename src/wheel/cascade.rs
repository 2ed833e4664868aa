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

impl Dial {
    /// Moves down what the slots that the cursor is in still hold, coarsest first. Returns whether it got to the end.
    pub(super) fn settle<T>(&mut self, budget: &mut usize, records: &mut Records<T>) -> bool {
        if self.settled {
            return true;
        }
        for level in (1..LEVELS).rev() {
            let slot = self.cursor >> width(level);
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

    /// Moves down, of every next slot, the share that is due when the cursor gets to `tick`.
    pub(super) fn pay<T>(&mut self, tick: u64, budget: &mut usize, records: &mut Records<T>) {
        for level in (1..LEVELS).rev() {
            let slot = (self.cursor >> width(level)) + 1;
            let end = stretch_end(self.cursor, width(level));
            // Once the cursor is there, `settle` moves the rest, and moves it further down than could be done now.
            if tick > end || self.rings[level].slot(slot).is_empty() {
                continue;
            }
            let elapsed = (1 << width(level)) - (end - tick);
            let owed = self.rings[level].owed(elapsed, width(level));
            for _ in 0..owed {
                if *budget == 0 {
                    return;
                }
                if self.rings[level].slot(slot).is_empty() {
                    break;
                }
                *budget -= 1;
                self.descend(level, slot, records);
                self.rings[level].note_moved();
            }
        }
    }

    /// Moves one chunk of a slot to finer rings; the dead are dropped on the way.
    fn descend<T>(&mut self, level: usize, slot: u64, records: &mut Records<T>) {
        let mut entries = [Entry { index: 0, low: 0 }; CHUNK];
        let chunks: &mut Chunks = &mut self.chunks;
        let taken = self.rings[level].change(slot, |chain| chunks.pop_chunk(chain, &mut entries));
        if level == 1 {
            records.warm(&entries[..taken]);
        }
        let start = slot << width(level);
        for entry in &entries[..taken] {
            if !records.reap(entry.index) {
                self.put(whole(start, entry.low), entry.index);
            }
        }
    }
}
