//! Timers whose deadline the cursor has passed: it had when they came, or their slot was wholly due at once (`cascade`).
//!
//! Units: whole deadlines, for there is no slot to supply the upper half.
//! Invariant: every deadline here is before the cursor's, so all of these fire before anything in the rings.
//! What comes in order, as after a start that finds many timers overdue, is kept as it comes; only what comes out of
//! order pays for a heap.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

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
        let heap = self.heap.peek().map(|&Reverse(first)| first);
        match (run, heap) {
            (Some(run), Some(heap)) => Some(run.min(heap)),
            (run, heap) => run.or(heap),
        }
    }

    /// Removes what [`Late::peek`] shows.
    pub(super) fn pop(&mut self) {
        let Some(first) = self.peek() else { return };
        if self.run.front() == Some(&first) {
            self.run.pop_front();
        } else {
            self.heap.pop();
        }
        if self.run.is_empty() && self.heap.is_empty() {
            *self = Self::new();
        }
    }

    /// Drops every timer of which `reap` says that it is dead. Not sliced: what is overdue is soon gone anyway.
    pub(super) fn sweep(&mut self, mut reap: impl FnMut(u32) -> bool) {
        self.run.retain(|&(_, index)| !reap(index));
        self.heap.retain(|&Reverse((_, index))| !reap(index));
        if self.run.is_empty() && self.heap.is_empty() {
            *self = Self::new();
        }
    }

    /// Bytes of memory held.
    pub(super) fn bytes(&self) -> usize {
        (self.run.capacity() + self.heap.capacity()) * size_of::<(u64, u32)>()
    }
}
