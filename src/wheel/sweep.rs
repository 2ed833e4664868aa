//! The sweep: getting rid of cancelled timers long before their time.
//!
//! Units: entries looked at; a chunk counts as some more of them.
//! Invariant: dead entries never stay more than the live ones and a small constant, beyond what is cancelled while
//! one sweep runs, and a sweep ends: it does not follow what is put in behind it.
//!
//! A cancelled timer's entry dies on its way down. One that was set for next year would keep its 24 bytes till then,
//! and a caller that sets and cancels timeouts all day would pile them up; netty, Hystrix and Flink all did. So when
//! more than half of all entries are dead, every slot is gone through once. The work is done in slices, by those who
//! cause it: each cancel looks at a few entries more than it added, so where chunks are full a sweep ends before the next
//! one is called for.
//! A wheel that was once large and is mostly free memory is swept for fewer dead, for they hold that memory.

use super::Wheel;
use super::dial::LEVELS;

/// Dead entries that are not worth a sweep.
const DEAD_COUNT_MIN: usize = 1024;

/// Dead entries that an otherwise empty wheel may keep.
const IDLE_COUNT_MAX: usize = 64;

/// Entries looked at for each cancel: more than it costs to come to a chunk with a single one, or garbage in such chunks
/// would grow faster than it is swept.
const CANCEL_ENTRIES: isize = 12;

/// What it costs to come to a chunk at all, in entries.
const CHUNK_COST: isize = 8;

/// Chunks looked at in each `advance`.
const ADVANCE_CHUNKS: usize = 4;

/// Timers that fire in one advance for each segment of memory that it may give back, besides the first.
const TRIM_TIMERS: usize = 1 << 16;

/// Where a sweep is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Ring {
        level: usize,
        place: usize,
    },
    /// Up to the slot that was the last one when the sweep came here.
    Far {
        slot: u32,
        last: u32,
    },
    Late,
}

/// How far a sweep has come, if one runs.
#[derive(Debug)]
pub(super) struct Sweep {
    place: Option<Place>,
    /// Entries that cancels have paid for and nobody has looked at yet; below zero, the other way round.
    credit: isize,
    /// Dead entries at which a cancel has more to do than to mark one; what is inserted since may raise it.
    due_at: usize,
}

impl Sweep {
    /// No sweep.
    pub(super) const fn new() -> Self {
        Self { place: None, credit: 0, due_at: 0 }
    }
}

impl<T> Wheel<T> {
    /// Does the share of a sweep that one cancel or re-arming owes.
    #[inline]
    pub(super) fn tidy_after_cancel(&mut self) {
        if self.records.dead() >= self.sweep.due_at {
            self.sweep_after_cancel();
        }
    }

    fn sweep_after_cancel(&mut self) {
        self.begin_sweep_if_due();
        self.sweep.credit += CANCEL_ENTRIES;
        while self.sweep.place.is_some() && self.sweep.credit > 0 {
            self.sweep_chunk();
            self.trim();
        }
        if self.records.live() == 0 {
            self.next = u64::MAX;
            if self.records.dead() >= IDLE_COUNT_MAX {
                self.empty();
            }
        }
        self.set_due();
    }

    /// Sets bounds that hold even if an advance does not come to its end: the next cancel looks for itself.
    #[inline]
    pub(super) const fn expect_panic(&mut self) {
        self.sweep.due_at = 0;
        self.next = 0;
    }

    /// Does the share of a sweep that one advance owes.
    #[inline]
    pub(super) fn tidy_after_advance(&mut self, fired: usize) {
        for _ in 0..=fired / TRIM_TIMERS {
            self.trim();
        }
        self.begin_sweep_if_due();
        if self.sweep.place.is_none() && self.records.is_sparse() {
            self.begin_sweep();
        }
        for _ in 0..ADVANCE_CHUNKS {
            if self.sweep.place.is_none() {
                break;
            }
            self.sweep_chunk();
        }
        self.set_due();
    }

    /// Says when the next cancel has more to do: at once while a sweep runs, else when one is called for, and at the
    /// latest when no timer is left.
    #[inline]
    fn set_due(&mut self) {
        let (live, dead) = (self.records.live(), self.records.dead());
        self.sweep.due_at = match self.sweep.place {
            Some(_) => 0,
            None => ((live + dead) / 2 + 1).max(DEAD_COUNT_MIN + 1).min(live + dead),
        };
    }

    #[inline]
    fn begin_sweep_if_due(&mut self) {
        let dead = self.records.dead();
        if self.sweep.place.is_none() && dead > self.records.live().max(DEAD_COUNT_MIN) {
            self.begin_sweep();
        }
    }

    #[inline]
    fn trim(&mut self) {
        self.records.trim();
        self.dial.chunks.trim();
    }

    fn begin_sweep(&mut self) {
        self.dial.chunks.forget_halt();
        self.sweep = Sweep { place: Some(Place::Late), credit: 0, due_at: 0 };
    }

    /// Sweeps what is left of a wheel without live timers and gives its memory back. Sweeps bound what there is, so
    /// this is a few thousand entries at most.
    fn empty(&mut self) {
        self.begin_sweep();
        while self.sweep.place.is_some() {
            self.sweep_chunk();
        }
        self.records.shrink();
        self.dial.chunks.shrink();
        self.records.forget_all();
        self.dial.chunks.forget_all();
    }

    /// Looks at one chunk, or finds that there is none left.
    fn sweep_chunk(&mut self) {
        let Self { dial, records, sweep, .. } = self;
        let Some(at) = sweep.place else { return };
        let chunks = &mut dial.chunks;
        let mut looked = 0;
        let (done, next) = match at {
            Place::Late => {
                dial.late.sweep(|index| {
                    looked += 1;
                    records.reap(index)
                });
                (true, Some(Place::Ring { level: 0, place: 0 }))
            }
            Place::Ring { level, place } => match dial.rings[level].occupied_place(place) {
                Some(found) => {
                    let done;
                    (looked, done) = dial.rings[level].change(found as u64, |chain| chunks.sweep(chain, records));
                    sweep.place = Some(Place::Ring { level, place: found });
                    (done, Some(Place::Ring { level, place: found + 1 }))
                }
                None if level + 1 < LEVELS => (true, Some(Place::Ring { level: level + 1, place: 0 })),
                None => (true, dial.far.last_key_value().map(|(&last, _)| Place::Far { slot: 0, last })),
            },
            Place::Far { slot, last } => match dial.far.range_mut(slot..=last).next() {
                Some((&found, chain)) => {
                    if found != slot {
                        // Where it halted may have come within reach of the rings since.
                        chunks.forget_halt();
                    }
                    let done;
                    (looked, done) = chunks.sweep(chain, records);
                    if chain.is_empty() {
                        dial.far.remove(&found);
                    }
                    sweep.place = Some(Place::Far { slot: found, last });
                    (done, (found < last).then(|| Place::Far { slot: found + 1, last }))
                }
                None => (true, None),
            },
        };
        sweep.credit -= looked as isize + CHUNK_COST;
        if done {
            chunks.forget_halt();
            sweep.place = next;
        }
    }
}
