//! Firing: what is due, in order of deadline, as much as is asked for.
//!
//! Units: ticks; work is counted in timers fired and chunks moved, never in time.
//! Invariant: a timer's entry leaves its slot only after the caller has been told, so a caller that panics finds the
//! timer still there.

use super::{Key, Next, Progress, Wheel};

/// Chunks that one call moves down at most: 16,384 timers, half a millisecond when none of them is in the cache.
const CALL_CHUNKS_MAX: usize = 256;

/// What a search for the next timer came to.
enum Seek {
    /// The entry of this record is due at this tick.
    Due(u64, u32),
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
        let mut budget = CALL_CHUNKS_MAX;
        let mut count = 0;
        let more = loop {
            match self.seek(now, &mut budget) {
                Seek::Due(deadline, index) if count < limit => {
                    self.fire(deadline, index, &mut fired);
                    count += 1;
                }
                Seek::Due(..) | Seek::Spent => break true,
                Seek::Reached => break false,
            }
        };
        self.tidy_after_advance();
        self.next = self.dial.bound();
        Progress { fired: count, more }
    }

    /// Finds the next live timer due by `target` and takes the cursor to it, dropping the dead on the way.
    fn seek(&mut self, target: u64, budget: &mut usize) -> Seek {
        let Self { dial, records, .. } = self;
        loop {
            while let Some((deadline, index)) = dial.late.peek().filter(|&(deadline, _)| deadline <= target) {
                if !records.reap(index) {
                    return Seek::Due(deadline, index);
                }
                dial.late.pop();
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
            while let Some(entry) = dial.chunks.last(dial.rings[0].slot(tick)) {
                if !records.reap(entry.index) {
                    return Seek::Due(tick, entry.index);
                }
                dial.pop(tick);
            }
            if tick == target {
                return Seek::Reached;
            }
            let halt = dial.next_halt().min(target);
            dial.pay(halt, target, budget, records);
            dial.arrive(halt);
        }
    }

    /// Tells the caller of one timer and does with it as the caller says.
    #[inline]
    fn fire(&mut self, deadline: u64, index: u32, fired: &mut impl FnMut(u64, Key, &mut T) -> Next) {
        let Self { dial, records, .. } = self;
        let Some((key, value)) = records.resolve(index) else {
            debug_assert!(false, "the entry of record {index} stands for no timer");
            dial.pop(deadline);
            return;
        };
        let next = fired(deadline, key, value);
        dial.pop(deadline);
        match next {
            Next::Drop => records.end(key.index, index),
            Next::Rearm(deadline) => {
                let index = records.again(key.index, index);
                dial.put(deadline, index);
            }
        }
    }
}
