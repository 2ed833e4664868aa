//! Which dues of a plan count: the grid of its trigger, its bounds, its exclusions.
//!
//! A schedule's row points at the earliest due not accounted for, whether it is excluded or not. Its timer goes off
//! for the first due that counts; what was excluded before that is recorded then, as one range. So a minutely
//! schedule with quiet hours writes one row a night and is woken once.
//! Invariants: every due falls into exactly one part of [`Sorted`]; without exclusions all of them count.
//! Not here: what a misfire policy makes of dues (`serve`), readings and zones (`calendar`).

use std::sync::Arc;

use crate::calendar::Grid;
use crate::engine::Engine;
use crate::engine::change::{Outcome, Plan, SkipReason, State, Status};
use crate::id::ScheduleKey;
use crate::planted::{self, Bug};
use crate::time::{Span, Timestamp};

const MS: Span = Span::from_millis(1);

/// A row of dues: the first, the last, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dues {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) count: u64,
}

/// The dues of a stretch of time, by whether they count.
pub(super) struct Sorted {
    grid: Grid,
    /// Parts `(after, until]` in which dues count, oldest first.
    free: Vec<(Timestamp, Timestamp)>,
    /// The dues that are excluded, however many stretches they lie in.
    pub(super) excluded: Option<Dues>,
}

impl Dues {
    /// One due.
    pub(super) const fn one(due: Timestamp) -> Self {
        Self { first: due, last: due, count: 1 }
    }

    /// The dues of a grid in `(after, until]`.
    pub(super) fn of(grid: &Grid, after: Timestamp, until: Timestamp) -> Option<Self> {
        let first = grid.next_after(after).filter(|first| *first <= until)?;
        let last = grid.latest_in(after, until).unwrap_or(first);
        Some(Self { first, last, count: 1 + grid.count_in(first, last) })
    }

    /// These and later ones.
    fn and(self, later: Self) -> Self {
        Self { first: self.first, last: later.last, count: self.count + later.count }
    }
}

impl Sorted {
    /// Sorts the dues from `first`, which is one, to `last`.
    pub(super) fn new(plan: &Plan, first: Timestamp, last: Timestamp) -> Self {
        let grid = plan.trigger.from_due(first);
        let after = first.minus(MS);
        let Some(except) = plan.except.as_ref().filter(|_| !planted::is(Bug::ExceptIgnoredAtCatchUp)) else {
            return Self { grid, free: vec![(after, last)], excluded: None };
        };
        let (mut free, mut excluded) = (Vec::new(), None);
        for stretch in except.stretches(after, last) {
            if !stretch.covered {
                free.push((stretch.after, stretch.until));
            } else if let Some(dues) = Dues::of(&grid, stretch.after, stretch.until) {
                excluded = Some(excluded.map_or(dues, |earlier: Dues| earlier.and(dues)));
            }
        }
        Self { grid, free, excluded }
    }

    /// Up to `most` of the latest dues that count and are not older than `oldest`, oldest first.
    pub(super) fn latest(&self, oldest: Timestamp, most: usize) -> Vec<Timestamp> {
        let mut dues = Vec::new();
        for &(after, until) in self.free.iter().rev() {
            let mut due = self.grid.latest_in(after, until);
            while let Some(found) = due {
                if dues.len() == most || found < oldest {
                    dues.reverse();
                    return dues;
                }
                dues.push(found);
                due = self.grid.latest_in(after, found.minus(MS));
            }
        }
        dues.reverse();
        dues
    }

    /// The dues that count before one of them; without one, all.
    pub(super) fn before(&self, due: Option<Timestamp>) -> Option<Dues> {
        let end = due.map(|due| due.minus(MS));
        let parts = self.free.iter().map(|&(after, until)| (after, end.map_or(until, |end| until.min(end))));
        let dues = parts.filter_map(|(after, until)| Dues::of(&self.grid, after, until));
        dues.reduce(Dues::and)
    }
}

impl Plan {
    /// When a schedule whose earliest open due is `due` has something to do, jitter aside: at the first due that
    /// counts, or at its last due when none does any more.
    pub(super) fn wakes_for(&self, due: Timestamp) -> Timestamp {
        if self.except.is_none() {
            return due;
        }
        self.first_free(due).unwrap_or_else(|| {
            self.trigger.from_due(due).latest_in(due.minus(MS), self.last_instant()).unwrap_or(due)
        })
    }

    /// The first due at or after a due that counts and lies within the bounds.
    pub(super) fn first_free(&self, due: Timestamp) -> Option<Timestamp> {
        let free = self.trigger.from_due(due).next_free(self.except.as_ref(), due.minus(MS))?;
        Some(free).filter(|free| *free <= self.last_instant())
    }

    fn last_instant(&self) -> Timestamp {
        let horizon = Timestamp::HORIZON.minus(MS);
        self.bounds.end_at.map_or(horizon, |end| end.min(horizon))
    }
}

impl Engine {
    /// Records the excluded dues from the earliest open one up to now; the next one counts, or lies ahead.
    pub(super) fn pass_excluded(&mut self, key: ScheduleKey) {
        let Some(mut state) = self.state(key).filter(|state| state.status == Status::Active) else { return };
        let Some(plan) = self.plans.get(state.plan).filter(|plan| plan.except.is_some()).map(Arc::clone) else {
            return;
        };
        let Some(due) = state.next_due.filter(|due| *due <= self.now) else { return };
        self.skip_excluded(key, &mut state, &plan, due);
        if state.next_due.is_none() {
            state.status = Status::Completed;
        }
        self.put(key, state);
        self.arm(key);
    }

    /// Records the excluded dues from `due` to the first that counts, which is answered if its time has come.
    pub(super) fn skip_excluded(
        &mut self,
        key: ScheduleKey,
        state: &mut State,
        plan: &Plan,
        due: Timestamp,
    ) -> Option<Timestamp> {
        let free = plan.first_free(due);
        let until = free.map_or(plan.last_instant(), |free| free.minus(MS)).min(self.now);
        if let Some(dues) = Dues::of(&plan.trigger.from_due(due), due.minus(MS), until) {
            self.skip(key, state, dues, Outcome::Skipped(SkipReason::Except));
            state.next_due = following(plan, dues.last, state.runs);
        }
        free.filter(|free| *free <= self.now)
    }
}

/// The due that follows `due`, within the bounds; `runs` have been made.
pub(super) fn following(plan: &Plan, due: Timestamp, runs: u32) -> Option<Timestamp> {
    if plan.bounds.max_runs.is_some_and(|most| runs >= most) {
        return None;
    }
    let next = plan.trigger.from_due(due).next_after(due)?;
    (plan.bounds.end_at.is_none_or(|end| next <= end) && next < Timestamp::HORIZON).then_some(next)
}
