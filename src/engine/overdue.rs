//! Catching up: schedules that missed a due stand in line, and only so many of their runs are begun in a second.
//!
//! Everything else comes first. What waits here is not claimed yet: its row in the store still points at the missed
//! due, so a backlog of any size takes a few bytes each in memory, a restart finds it again, and a catch-up never
//! holds up the start. A schedule that waits is woken for its next due all the same; its misfire policy then sees to
//! what it missed as well.
//!
//! A gateway that is down for long must not fill the memory either: once it has as many open occurrences as it may,
//! what is due for it waits here in the same way, and holds up no other gateway.
//! Units: runs in a slice of time, of a tenth of a second where the rate allows it.
//! Invariant: whoever stands here is active and points at a due it missed; others are passed over.
//! Not here: what a misfire policy makes of dues (`serve`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::change::Status;
use crate::engine::{Engine, GRACE};
use crate::id::ScheduleKey;
use crate::limits::TURN_TIMERS_COUNT_MAX;
use crate::planted::{self, Bug};
use crate::time::{Span, Timestamp};

/// The line, oldest due first.
#[derive(Default)]
pub(super) struct Overdue {
    line: BTreeSet<(Timestamp, ScheduleKey)>,
    /// Who waits for a gateway that has as many open occurrences as it may, oldest due first.
    waiting: BTreeMap<Arc<str>, BTreeSet<(Timestamp, ScheduleKey)>>,
    /// When the next slice begins.
    next_slice: Option<Timestamp>,
    /// Runs that may still be begun in this slice; below zero after a schedule that had several.
    left: i64,
}

impl Overdue {
    /// Who is caught up as fast as the rate allows.
    pub(super) fn in_line(&self) -> usize {
        self.line.len()
    }

    /// All who are not served in time, those who wait for a gateway included.
    pub(super) fn len(&self) -> usize {
        self.line.len() + self.waiting.values().map(BTreeSet::len).sum::<usize>()
    }

    /// The clock was set back: what is still missed comes here again.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// When the next of them may begin.
    pub(super) fn next_wakeup(&self, now: Timestamp) -> Option<Timestamp> {
        let begin = self.next_slice.unwrap_or(now);
        (!self.line.is_empty()).then_some(if self.left > 0 { now } else { begin })
    }

    /// Begins the next slice if its time has come.
    fn refill(&mut self, now: Timestamp, per_second: u32) {
        let per_second = u64::from(per_second.max(1));
        let runs = (per_second / SLICES_COUNT).max(1);
        if self.next_slice.is_none_or(|next| next <= now) {
            self.left = self.left.min(0).saturating_add_unsigned(runs);
            self.next_slice = Some(now.plus(Span::from_millis((1000 * runs).div_ceil(per_second))));
        }
    }
}

impl Engine {
    /// Whether the earliest open due of a schedule passed while it could not be served.
    pub(super) fn is_missed(&self, key: ScheduleKey) -> bool {
        let Some(state) = self.state(key).filter(|state| state.status == Status::Active) else { return false };
        state.next_due.is_some_and(|due| self.deadline(key, &state, due) <= self.missed_until)
    }

    /// Puts a schedule that missed a due in line and wakes it for its next one; one that is due right now is on time
    /// for that, and caught up with it.
    pub(super) fn catch_up_or_stand_in_line(&mut self, key: ScheduleKey) {
        let Some(state) = self.state(key) else { return };
        let (Some(missed), Some(plan)) = (state.next_due, self.plans.get(state.plan)) else { return };
        let next = plan.trigger.from_due(missed).next_free(plan.except.as_ref(), self.missed_until);
        let next = next.filter(|next| plan.bounds.end_at.is_none_or(|end| *next <= end));
        let deadline = next.map(|next| self.deadline(key, &state, next));
        if deadline.is_some_and(|deadline| deadline <= self.now) {
            return self.serve(key);
        }
        self.overdue.line.insert((missed, key));
        let timer = deadline.map(|deadline| self.dues.insert(deadline.tick(), key.0));
        self.slots.change(key, |slot| slot.timer = timer);
    }

    /// Serves those that have waited longest, as many as this slice of time allows.
    pub(super) fn catch_up(&mut self) {
        self.overdue.refill(self.now, self.options.catchup_per_second);
        for _ in 0..TURN_TIMERS_COUNT_MAX {
            if self.overdue.left <= 0 && !planted::is(Bug::CatchUpUnbounded) {
                return;
            }
            let Some((due, key)) = self.overdue.line.pop_first() else { return };
            let Some(before) = self.state(key).filter(|state| state.next_due == Some(due)) else { continue };
            if !self.has_room(key) {
                self.wait_for_room(key);
            } else if self.is_missed(key) {
                self.serve(key);
                let after = self.state(key).map_or(before.runs, |state| state.runs);
                self.overdue.left -= i64::from(after.saturating_sub(before.runs));
            }
        }
        self.backlog = true;
    }

    /// Whether the gateway of a schedule may have another open occurrence.
    pub(super) fn has_room(&self, key: ScheduleKey) -> bool {
        if self.open.len() < self.options.open_per_gateway {
            return true;
        }
        let gateway = self.state(key).and_then(|state| self.plans.counted_with(state.plan));
        gateway.is_none_or(|gateway| self.lanes.open(&gateway) < self.options.open_per_gateway)
    }

    /// Whether the next occurrence of a gateway has to wait for room.
    #[must_use]
    pub fn is_full(&self, gateway: &str) -> bool {
        let has_room = self.open.len() < self.options.open_per_gateway
            || self.lanes.open(gateway) < self.options.open_per_gateway;
        !has_room || self.overdue.waiting.contains_key(gateway)
    }

    /// Leaves a due where it is, in the store, until its gateway has room.
    pub(super) fn wait_for_room(&mut self, key: ScheduleKey) {
        let Some(state) = self.state(key) else { return };
        if let (Some(due), Some(gateway)) = (state.next_due, self.plans.counted_with(state.plan)) {
            self.overdue.waiting.entry(gateway).or_default().insert((due, key));
        }
    }

    /// Whether somebody waits for a gateway that has room.
    pub(super) fn room_is_waited_for(&self) -> bool {
        let room = |gateway: &Arc<str>| self.lanes.open(gateway) < self.options.open_per_gateway;
        self.overdue.waiting.keys().any(room)
    }

    /// Serves those that waited for room, as far as there is any. What passed meanwhile could not be served: it is a
    /// misfire like any other.
    pub(super) fn use_room(&mut self) {
        let missed_until = self.missed_until;
        self.missed_until = missed_until.max(self.now.minus(GRACE));
        for gateway in self.overdue.waiting.keys().cloned().collect::<Vec<_>>() {
            for _ in 0..TURN_TIMERS_COUNT_MAX {
                if self.lanes.open(&gateway) >= self.options.open_per_gateway {
                    break;
                }
                let first = self.overdue.waiting.get_mut(&gateway).and_then(BTreeSet::pop_first);
                let Some((due, key)) = first else { break };
                if self.state(key).is_some_and(|state| state.next_due == Some(due)) {
                    self.serve(key);
                }
            }
        }
        self.overdue.waiting.retain(|_, waiting| !waiting.is_empty());
        self.missed_until = missed_until;
    }
}

/// Slices that a second is cut into at most.
const SLICES_COUNT: u64 = 10;
