//! What a timer structure must do to be measured.
//!
//! Units: ticks of 1 ms.
//! Not here: what is done with it (`workload`).

use std::hint::black_box;

use crate::wheel::{Key, Next, Wheel};

/// The tick at which everything begins: on an edge of every level of any wheel with slots of a power of two.
pub const START: u64 = 410 << 32;

/// A timer structure with a `u64` for each timer.
pub trait Timers {
    /// Names a timer in order to cancel it.
    type Key;

    /// An empty one, at [`START`].
    fn new() -> Self;

    /// Adds a timer that may be cancelled.
    fn insert(&mut self, tick: u64, value: u64) -> Self::Key;

    /// Adds a timer that nobody will cancel.
    fn insert_only(&mut self, tick: u64, value: u64) {
        self.insert(tick, value);
    }

    /// Removes a timer that waits.
    fn cancel(&mut self, key: Self::Key);

    /// Removes many timers that wait, if it has a call for that.
    fn cancel_many(&mut self, _keys: &[Self::Key]) -> Option<()> {
        None
    }

    /// Gives up the key of a timer that stays; not measured.
    fn keep(&mut self, _key: Self::Key) {}

    /// Tells a structure that reads a clock what it shows; not measured.
    fn set_clock(&mut self, _tick: u64) {}

    /// Fires what is due at `tick`, at most `limit` timers if it can halt. Returns how many have fired and whether
    /// more are due.
    fn advance(&mut self, tick: u64, limit: usize) -> (usize, bool);

    /// As [`Timers::advance`] does, but each that fires is armed anew, so many ticks later.
    fn advance_recurring(&mut self, tick: u64, limit: usize, interval: u64) -> (usize, bool) {
        let (fired, more) = self.advance(tick, limit);
        for n in 0..fired {
            self.insert_only(tick + interval, n as u64);
        }
        (fired, more)
    }

    /// A tick no later than the earliest deadline.
    fn next_expiry(&mut self) -> Option<u64>;
}

impl Timers for Wheel<u64> {
    type Key = Key;

    fn new() -> Self {
        Self::new(START)
    }

    fn insert(&mut self, tick: u64, value: u64) -> Key {
        Self::insert(self, tick, value)
    }

    fn cancel(&mut self, key: Key) {
        black_box(Self::cancel(self, key));
    }

    fn cancel_many(&mut self, keys: &[Key]) -> Option<()> {
        Self::cancel_many(self, keys, |_, value| {
            black_box(value);
        });
        Some(())
    }

    fn advance(&mut self, tick: u64, limit: usize) -> (usize, bool) {
        let progress = Self::advance(self, tick, limit, |_, _, value| {
            black_box(value);
            Next::Drop
        });
        (progress.fired, progress.more)
    }

    fn advance_recurring(&mut self, tick: u64, limit: usize, interval: u64) -> (usize, bool) {
        let progress = Self::advance(self, tick, limit, |deadline, _, value| {
            black_box(value);
            Next::Rearm(deadline + interval)
        });
        (progress.fired, progress.more)
    }

    fn next_expiry(&mut self) -> Option<u64> {
        Self::next_expiry(self)
    }
}
