//! Timers whose deadline the cursor has passed: it had when they came, or their slot was wholly due at once (`cascade`).
//!
//! Units: whole deadlines, for there is no slot to supply the upper half.
//! Invariant: every deadline here is before the cursor's, so all of these fire before anything in the rings.
//! What comes in order, as after a start that finds many timers overdue, is kept as it comes; only what comes out of
//! order pays for a heap.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Timers whose memory is kept when the last one is gone.
const KEPT_COUNT_MAX: usize = 4096;

/// Overdue timers, earliest first.
#[derive(Debug)]
pub(super) struct Late {
    run: VecDeque<(u64, u32)>,
    heap: BinaryHeap<Reverse<(u64, u32)>>,
}

impl Late {
    /// No overdue timers.
    pub(super) const fn new() -> Self {
        Self { run: VecDeque::new(), heap: BinaryHeap::new() }
    }

    /// Whether there are none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.run.is_empty() && self.heap.is_empty()
    }

    /// Adds the timer of a record.
    pub(super) fn push(&mut self, deadline: u64, index: u32) {
        if self.run.back().is_none_or(|&(last, _)| last <= deadline) {
            self.run.push_back((deadline, index));
        } else {
            self.heap.push(Reverse((deadline, index)));
        }
    }

    /// The earliest deadline and its record.
    #[inline]
    pub(super) fn peek(&self) -> Option<(u64, u32)> {
        let run = self.run.front().copied();
        match self.heap.peek() {
            None => run,
            Some(&Reverse(heap)) => Some(run.map_or(heap, |run| run.min(heap))),
        }
    }

    /// Removes what [`Late::peek`] shows.
    #[inline]
    pub(super) fn pop(&mut self) {
        if self.heap.is_empty() {
            self.run.pop_front();
        } else {
            self.pop_first();
        }
        if self.run.is_empty() && self.run.capacity() + self.heap.capacity() > KEPT_COUNT_MAX {
            self.give_back();
        }
    }

    fn pop_first(&mut self) {
        let first = self.peek();
        if self.run.front().copied() == first {
            self.run.pop_front();
        } else {
            self.heap.pop();
        }
    }

    /// Gives back the memory of what is empty.
    #[cold]
    fn give_back(&mut self) {
        if self.run.is_empty() {
            self.run = VecDeque::new();
        }
        if self.heap.is_empty() {
            self.heap = BinaryHeap::new();
        }
    }

    /// Drops every timer of which `reap` says that it is dead. Not sliced: what is overdue is soon gone anyway.
    pub(super) fn sweep(&mut self, mut reap: impl FnMut(u32) -> bool) {
        self.run.retain(|&(_, index)| !reap(index));
        self.heap.retain(|&Reverse((_, index))| !reap(index));
        self.give_back();
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        (self.run.capacity() + self.heap.capacity()) * size_of::<(u64, u32)>()
    }
}
