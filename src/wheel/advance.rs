//! Firing: what is due, in order of deadline, as much as is asked for.
//!
//! Units: ticks; work is counted in timers fired and chunks moved, never in time.
//! Invariant: a timer's entry leaves its slot only after the caller has been told, so a caller that panics finds the
//! timer still there.

use super::record::Fired;
use super::{Key, Next, Progress, Wheel};

/// Chunks that one call moves down at most: 16,384 timers, half a millisecond when none of them is in the cache.
const CALL_CHUNKS_MAX: usize = 256;

/// What a search for the next timers came to.
enum Seek {
    /// The first of the late ones is due.
    Late,
    /// The slot of the cursor has timers, which are due.
    Slot,
    /// Nothing else is due by the given tick.
    Reached,
    /// The budget is spent; the next call goes on from here.
    Spent,
}

impl<T> Wheel<T> {
    /// Fires timers whose deadline is at or before `now`, in order of deadline, at most `limit` of them. `fired` gets
    /// each one's deadline, key and value, and says what becomes of it; a timer that it arms anew for `now` or
    /// earlier fires again in the same call, in its order among those left; if it always does, only `limit` ends the
    /// call.
    ///
    /// A `now` before an earlier one fires only what is due by it, such as timers inserted late; the wheel does not
    /// go back. Where [`Progress::more`] is set, `now` has not been reached: call again with the same or a later one.
    pub fn advance(&mut self, now: u64, limit: usize, mut fired: impl FnMut(u64, Key, &mut T) -> Next) -> Progress {
        self.now = self.now.max(now);
        self.expect_panic();
        let mut budget = CALL_CHUNKS_MAX;
        let mut left = limit;
        let more = loop {
            let has_halted = match self.seek(now, &mut budget) {
                Seek::Late => self.fire_late(now, &mut left, &mut fired),
                Seek::Slot => self.fire_slot(&mut left, &mut fired),
                Seek::Reached => break false,
                Seek::Spent => true,
            };
            if has_halted {
                break true;
            }
        };
        self.tidy_after_advance(limit - left);
        self.next = self.dial.bound();
        Progress { fired: limit - left, more }
    }

    /// Takes the cursor to the next timer due by `target`, which may turn out to be dead.
    fn seek(&mut self, target: u64, budget: &mut usize) -> Seek {
        let Self { dial, records, .. } = self;
        loop {
            if dial.late.peek().is_some_and(|(deadline, _)| deadline <= target) {
                return Seek::Late;
            }
            if dial.cursor > target {
                return Seek::Reached;
            }
            if !dial.settle(target, budget, records) {
                return Seek::Spent;
            }
            if !dial.settled {
                // What the cursor has come to is late now.
                continue;
            }
            let tick = dial.cursor;
            if !dial.rings[0].slot(tick).is_empty() {
                return Seek::Slot;
            }
            if tick == target {
                return Seek::Reached;
            }
            let halt = dial.next_halt().min(target);
            dial.pay(halt, target, budget, records);
            dial.arrive(halt);
        }
    }

    /// Fires the late ones that are due by `target`. Returns whether the limit put an end to it.
    fn fire_late(&mut self, target: u64, left: &mut usize, fired: &mut impl FnMut(u64, Key, &mut T) -> Next) -> bool {
        while let Some((deadline, index)) = self.dial.late.peek().filter(|&(deadline, _)| deadline <= target) {
            if self.records.reap(index) {
                self.dial.late.pop();
                continue;
            }
            if *left == 0 {
                return true;
            }
            *left -= 1;
            let outcome = self.records.fire(index, |key, value| fired(deadline, key, value));
            self.dial.late.pop();
            self.follow(outcome);
        }
        false
    }

    /// Fires what is in the cursor's slot, as long as nothing comes that has to go first. Returns whether the limit put
    /// an end to it.
    fn fire_slot(&mut self, left: &mut usize, fired: &mut impl FnMut(u64, Key, &mut T) -> Next) -> bool {
        let tick = self.dial.cursor;
        while self.dial.late.is_empty()
            && let Some(entry) = self.dial.chunks.last(self.dial.rings[0].slot(tick))
        {
            let Self { dial, records, .. } = self;
            if records.reap(entry.index) {
                dial.rings[0].drop_last(tick, &mut dial.chunks);
                continue;
            }
            if *left == 0 {
                return true;
            }
            *left -= 1;
            let outcome = records.fire(entry.index, |key, value| fired(tick, key, value));
            dial.rings[0].drop_last(tick, &mut dial.chunks);
            self.follow(outcome);
        }
        false
    }

    /// Puts a timer that fired back into the slots, if it is to fire again.
    #[inline(always)]
    fn follow(&mut self, outcome: Fired<T>) {
        debug_assert!(!matches!(outcome, Fired::Nothing), "an entry that is not marked stands for a timer");
        if let Fired::Again { deadline, index } = outcome {
            self.dial.put(deadline, index);
        }
    }
}
