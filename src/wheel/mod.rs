//! A hierarchical timer wheel: who is due by now, for ten million timers as for ten.
//!
//! Units: a tick is whatever the caller says, a millisecond in this program; `now` and deadlines are ticks, any `u64`.
//! The wheel never asks the time. It is told, and may be told late, twice or wrong.
//!
//! # Levels
//!
//! Five rings count time like the wheels of a mileage counter, eight bits each. A slot is one tick wide in the
//! finest ring, and 256 times as wide in each following one (ranges for ticks of 1 ms):
//!
//! | level | a slot holds | the ring reaches at least |
//! |------:|-------------:|--------------------------:|
//! | 0     | 1 ms         | 256 ms                    |
//! | 1     | 256 ms       | 65.5 s                    |
//! | 2     | 65.5 s       | 4.66 h                    |
//! | 3     | 4.66 h       | 49.7 d                    |
//! | 4     | 49.7 d       | 34.8 years                |
//!
//! What lies further out waits in a sorted map of slots as wide as the coarsest ring's, so every deadline has its
//! exact place and nothing overflows, at 2^31, at 2^32 or anywhere. What was due before it came is kept apart, in
//! order, and goes first.
//!
//! # How it works
//!
//! A *cursor* stands at the tick that fires. A new timer goes to the finest ring that reaches its deadline. As the
//! cursor moves on, the slots of each ring move down into finer ones, until at level 0 all timers of a slot have the
//! same deadline and fire. Each ring has a bitmap of its occupied slots, so that the cursor leaps over empty time:
//! a year of sleep costs what happened in it, not its ticks.
//!
//! A slot holds no timers, only *entries* of 8 bytes in arrays of 64: the number of a record and the low half of the
//! deadline. Moving down streams through arrays and never touches the records, which is what makes it fast. The
//! record of 16 bytes, for a `u64` value, is found by its number, which with a generation is the [`Key`].
//!
//! What is left is the trip to memory for each record, for records lie in no useful order. It cannot be saved, but a
//! processor makes some twenty such trips at a time if they do not wait for each other: so whole chunks of records are
//! read ahead just before they fire, and [`Wheel::cancel_many`] does the same for keys.
//!
//! # The hard cases
//!
//! *A slot of a million timers comes up.* Emptying it at once would hold up everybody else. So rings are twice as
//! wide as their digit, and the next slot moves down while the cursor is still in the one before it, a little each
//! tick (`cascade`).
//!
//! *A timer is cancelled in the middle of a slot.* Nobody can find its entry there, and nobody has to: a bit marks it
//! dead, and it is dropped when it is next met. Should the dead become more than the living, they are swept out,
//! slice by slice (`sweep`).
//!
//! *A timer is armed anew while it waits.* The entry it had is dead, but its key must not change. A second record
//! lends it a new entry (`record`).
//!
//! *The caller slept for a day, or the clock went a day ahead.* Everything in between is due. It fires in order of
//! deadline all the same, in portions: by `limit`, and by a budget of work, so that no call takes long. The cursor
//! waits where the portion ended, and a timer inserted meanwhile takes its place before or behind it. A slot that is
//! wholly due does not move down ring by ring: it is sorted as it is and joins those that are late, which halves the
//! time to fire (140 to 72 ns a timer at ten million, when it was tried).
//!
//! *The clock went back.* The wheel does not. Timers inserted for the time in between are late ones: they fire at
//! their deadline as soon as the clock has come to it again.
//!
//! # What it does not promise
//!
//! Timers of the same tick fire in no particular order; sort them if order matters. One thread uses a wheel; there is
//! no lock in it. Nothing here is durable. Memory that is no longer needed is given back a segment at a time, by advances
//! and cancels, so a wheel that nobody calls may hold more than it needs.
//!
//! Source: George Varghese and Tony Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 7; the bitmaps
//! and the choice of level follow tokio's timer wheel.

mod advance;
mod cascade;
mod chunk;
mod dial;
mod late;
mod pool;
mod record;
mod ring;
mod sweep;
mod vacant;

use dial::Dial;
use record::Records;
use sweep::Sweep;

/// Records that are read ahead of use; a processor has some tens of reads under way at most.
const READ_AHEAD: usize = 32;

/// Timers with a value each, ordered by deadline.
///
/// ```
/// use chimewheel::wheel::{Next, Wheel};
///
/// let mut wheel = Wheel::new(1_000);
/// let tea = wheel.insert(1_240, "tea");
/// wheel.insert(1_100, "call");
/// assert_eq!(wheel.next_expiry(), Some(1_100));
/// assert_eq!(wheel.cancel(tea), Some("tea"));
///
/// let progress = wheel.advance(1_500, usize::MAX, |deadline, _key, name| {
///     assert_eq!((deadline, *name), (1_100, "call"));
///     Next::Rearm(deadline + 1_000)
/// });
/// assert_eq!((progress.fired, progress.more), (1, false));
/// assert_eq!(wheel.next_expiry(), Some(2_100));
/// ```
#[derive(Debug)]
pub struct Wheel<T> {
    /// The latest tick the caller has named.
    now: u64,
    /// No live deadline is earlier; `u64::MAX` when no timer waits.
    next: u64,
    dial: Dial,
    records: Records<T>,
    sweep: Sweep,
}

/// Names one timer for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    index: u32,
    generation: u32,
}

/// What becomes of a timer that fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is gone.
    Drop,
    /// It fires again at this tick, under the same key.
    Rearm(u64),
}

/// What an `advance` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Timers fired.
    pub fired: usize,
    /// Whether the wheel stopped before it got to `now`: call again. Set when a timer is left that is due, and also,
    /// perhaps with none fired, when moving timers down took as much work as one call may do.
    pub more: bool,
}

/// What a wheel holds, for measuring and for telling operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Timers that wait.
    pub live: usize,
    /// Entries of cancelled or re-armed timers that have not been met or swept yet.
    pub dead: usize,
    /// Bytes of memory held, with what is free inside them.
    pub bytes: usize,
}

impl<T> Wheel<T> {
    /// An empty wheel at tick `now`.
    #[must_use]
    pub fn new(now: u64) -> Self {
        Self { now, next: u64::MAX, dial: Dial::new(now), records: Records::new(), sweep: Sweep::new() }
    }

    /// An empty wheel at tick `now`, ready for `timers` timers to come.
    #[must_use]
    pub fn with_capacity(now: u64, timers: usize) -> Self {
        let mut wheel = Self::new(now);
        wheel.records.reserve(timers);
        wheel
    }

    /// Adds a timer. A deadline at or before [`Wheel::now`] is due at the next advance.
    #[inline]
    pub fn insert(&mut self, deadline: u64, value: T) -> Key {
        self.next = self.next.min(deadline);
        let key = self.records.add(value);
        self.dial.put(deadline, key.index);
        key
    }

    /// Removes a timer and returns its value; `None` when the key's timer has fired or was cancelled before.
    #[inline]
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        let value = self.records.cancel(key)?;
        self.tidy_after_cancel();
        Some(value)
    }

    /// Removes many timers, each as [`Wheel::cancel`] does, and hands over the values of those that still waited.
    /// Faster than one by one where there are millions: the records are read ahead, so that the reads overlap.
    pub fn cancel_many(&mut self, keys: &[Key], mut cancelled: impl FnMut(Key, T)) {
        for some in keys.chunks(READ_AHEAD) {
            self.records.warm_keys(some);
            for &key in some {
                if let Some(value) = self.cancel(key) {
                    cancelled(key, value);
                }
            }
        }
    }

    /// Moves a timer to another deadline; key and value stay. `false` when the key's timer is gone.
    pub fn rearm(&mut self, key: Key, deadline: u64) -> bool {
        if !self.records.is_live(key) {
            return false;
        }
        let index = self.records.reseat(key.index);
        self.dial.put(deadline, index);
        self.next = self.next.min(deadline);
        self.tidy_after_cancel();
        true
    }

    /// Adds many timers, fastest when their deadlines ascend: they then fill slot after slot, and those that are
    /// overdue queue up without a heap.
    pub fn bulk_load(&mut self, sorted: impl Iterator<Item = (u64, T)>) {
        self.bulk_load_with(sorted, |_, _| ());
    }

    /// Adds many timers like [`Wheel::bulk_load`] and tells the key of each.
    pub fn bulk_load_with(&mut self, sorted: impl Iterator<Item = (u64, T)>, mut loaded: impl FnMut(Key, &mut T)) {
        self.records.reserve(sorted.size_hint().0);
        for (deadline, value) in sorted {
            let key = self.insert(deadline, value);
            if let Some(value) = self.get_mut(key) {
                loaded(key, value);
            }
        }
    }

    /// The value of a waiting timer.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&T> {
        self.records.get(key)
    }

    /// The value of a waiting timer, to change it.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.records.get_mut(key)
    }

    /// A tick no later than the earliest deadline; `None` when no timer waits. It is that deadline, unless the timer
    /// that had it was cancelled or moved; then it may be earlier, until the next advance has looked.
    #[inline]
    #[must_use]
    pub fn next_expiry(&self) -> Option<u64> {
        if self.is_empty() { None } else { Some(self.next) }
    }

    /// The number of timers that wait.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.records.live()
    }

    /// Whether no timer waits.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The latest tick the wheel was told.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// What the wheel holds.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let (live, dead) = (self.records.live(), self.records.dead());
        Footprint { live, dead, bytes: self.records.bytes() + self.dial.bytes() }
    }
}
