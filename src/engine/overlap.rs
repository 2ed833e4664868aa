//! Overlap: which runs of one schedule may go on at once, and what becomes of a due that comes while one does.
//!
//! Only runs are counted, from their claim to their text or their end: one that waits for its provider, or to be run
//! again, counts like one that is being run; a delivery does not count. A literal text takes no time, so schedules of
//! short ones have no entry here, and those of long ones, which are cut, wait for one another (`plans`).
//! Units: runs. Invariants: the lists are a cache of the open occurrences' phases; a schedule has buffered runs only
//! while another one of it counts.
//! Not here: attempts and their ends (`runs`). Source: Temporal's overlap policies.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::engine::Engine;
use crate::engine::change::{Cause, Execution, Outcome, Phase, Run, SkipReason, State};
use crate::engine::slots::Slot;
use crate::id::{OccurrenceId, ScheduleKey};
use crate::limits::{BUFFERED_RUNS_COUNT_MAX, PARALLEL_RUNS_COUNT_MAX};
use crate::spec::OverlapPolicy;
use crate::time::Timestamp;

/// The runs of each schedule that has any.
#[derive(Default)]
pub(super) struct Overlaps {
    of: HashMap<ScheduleKey, Runs>,
}

#[derive(Default)]
struct Runs {
    /// They count, those included that were left and have not come back.
    going: Vec<OccurrenceId>,
    /// They wait until none does, oldest first.
    buffered: VecDeque<OccurrenceId>,
}

/// What becomes of a run that is to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It goes on at once.
    Now,
    /// It waits until the others are over.
    Later,
    /// It goes in their place.
    Instead,
    /// Not at all.
    Never,
}

impl Overlaps {
    /// What becomes of another run; `is_left` says which of those that count are about to end anyway.
    fn turn(&self, key: ScheduleKey, policy: OverlapPolicy, is_left: impl Fn(OccurrenceId) -> bool) -> Turn {
        let Some(runs) = self.of.get(&key).filter(|runs| !runs.going.is_empty()) else { return Turn::Now };
        // Where all that count are about to end, the first of the buffered is the one that goes on.
        let next = usize::from(runs.going.iter().all(|one| is_left(*one)));
        let buffer = |most: usize| if runs.buffered.len() < most + next { Turn::Later } else { Turn::Never };
        match policy {
            OverlapPolicy::Skip => buffer(0),
            OverlapPolicy::BufferOne => buffer(1),
            OverlapPolicy::BufferAll => buffer(BUFFERED_RUNS_COUNT_MAX),
            OverlapPolicy::CancelOther => Turn::Instead,
            OverlapPolicy::AllowAll if runs.going.len() < PARALLEL_RUNS_COUNT_MAX => Turn::Now,
            OverlapPolicy::AllowAll => Turn::Never,
        }
    }

    /// Takes a run in as its phase says.
    pub(super) fn enter(&mut self, run: &Run) {
        let occurrence = run.occurrence;
        let runs = self.of.entry(occurrence.schedule).or_default();
        if run.phase == Phase::Buffered {
            let order = |one: &OccurrenceId| (one.due, one.generation);
            let place = runs.buffered.partition_point(|one| order(one) < order(&occurrence));
            runs.buffered.insert(place, occurrence);
        } else {
            runs.going.push(occurrence);
        }
    }

    /// A run is over; whether it was known here.
    fn leave(&mut self, occurrence: OccurrenceId) -> bool {
        let Some(runs) = self.of.get_mut(&occurrence.schedule) else { return false };
        let before = runs.going.len() + runs.buffered.len();
        runs.going.retain(|one| *one != occurrence);
        runs.buffered.retain(|one| *one != occurrence);
        let left = runs.going.len() + runs.buffered.len();
        if left == 0 {
            self.of.remove(&occurrence.schedule);
        }
        left < before
    }

    /// The buffered run whose turn it is, which counts from here on.
    fn promote(&mut self, key: ScheduleKey) -> Option<OccurrenceId> {
        let runs = self.of.get_mut(&key).filter(|runs| runs.going.is_empty())?;
        let next = runs.buffered.pop_front()?;
        runs.going.push(next);
        Some(next)
    }

    /// Whether one more of a schedule may be made to wait, whatever its policy says.
    pub(super) fn has_room(&self, key: ScheduleKey) -> bool {
        self.of.get(&key).is_none_or(|runs| runs.buffered.len() < BUFFERED_RUNS_COUNT_MAX)
    }

    fn buffered(&self, key: ScheduleKey) -> Vec<OccurrenceId> {
        self.of.get(&key).map(|runs| runs.buffered.iter().copied().collect()).unwrap_or_default()
    }

    fn all(&self, key: ScheduleKey) -> Vec<OccurrenceId> {
        self.of.get(&key).map(|runs| runs.going.iter().chain(&runs.buffered).copied().collect()).unwrap_or_default()
    }
}

impl Engine {
    /// Claims a due of a schedule whose text a model makes, as its overlap policy says; whether it will run.
    pub(super) fn claim_run(&mut self, key: ScheduleKey, state: &mut State, due: Timestamp, cause: Cause) -> bool {
        let mut turn = self.turn(key, state);
        if turn == Turn::Instead {
            self.displace(key);
            state.last_outcome = Some(Outcome::Displaced.kind());
            turn = if self.runs.overlaps.all(key).is_empty() { Turn::Now } else { Turn::Later };
        }
        if turn == Turn::Never {
            return false;
        }
        let mut run = self.claimed(key, state, due, cause);
        run.phase = if turn == Turn::Later { Phase::Buffered } else { Phase::Waiting };
        run.execution = (turn != Turn::Later).then(|| Box::new(Execution::since(self.now)));
        let occurrence = run.occurrence;
        let gateway = self.plans.gateway(state.plan).unwrap_or_default();
        self.hold_open(state.lane, gateway, run);
        self.dirty_runs.insert(occurrence);
        if turn != Turn::Later {
            self.line_up_run(occurrence);
        }
        true
    }

    /// Whether a run that somebody asks for would not begin, now or later.
    pub(super) fn overlaps(&self, key: ScheduleKey, state: &State) -> bool {
        self.plans.provider(state.plan).is_some() && self.turn(key, state) == Turn::Never
    }

    pub(super) fn turn(&self, key: ScheduleKey, state: &State) -> Turn {
        let policy = self.plans.get(state.plan).map_or(OverlapPolicy::Skip, |plan| plan.policy.overlap);
        self.runs.overlaps.turn(key, policy, |one| !self.open.contains_key(&one))
    }

    /// The end of a run, by its text or otherwise: who is buffered may have its turn.
    pub(super) fn run_is_over(&mut self, occurrence: OccurrenceId) {
        let key = occurrence.schedule;
        // What was left holds its place until its runner has let go of it.
        if self.runs.is_flying(occurrence) {
            return;
        }
        if !self.open.contains_key(&occurrence) {
            self.turn_is_over(occurrence);
        }
        if !self.runs.overlaps.leave(occurrence) {
            return;
        }
        self.begin_buffered(key);
    }

    /// Gives the first that is buffered its turn, if none of its schedule's runs counts.
    pub(super) fn begin_buffered(&mut self, key: ScheduleKey) {
        if let Some(next) = self.runs.overlaps.promote(key) {
            if let Some(open) = self.open.get_mut(&next) {
                open.run.execution = Some(Execution::anew(open.run.execution.take(), self.now));
            }
            self.line_up_run(next);
        }
    }

    /// An occurrence without a text is settled: it leaves its provider's line, or its runner.
    pub(super) fn drop_run(&mut self, occurrence: OccurrenceId) {
        self.runs.remove(occurrence);
        self.runs.leave(occurrence);
        self.run_is_over(occurrence);
    }

    /// Ends whatever has no text yet, for the sake of a newer run.
    fn displace(&mut self, key: ScheduleKey) {
        // Buffered ones first, or the end of the one that goes on would begin them.
        for occurrence in self.runs.overlaps.all(key).into_iter().rev() {
            self.settle(occurrence, Outcome::Displaced);
        }
    }

    /// A pause: what was only buffered has not begun, and will not.
    pub(super) fn skip_buffered(&mut self, key: ScheduleKey) {
        for occurrence in self.runs.overlaps.buffered(key).into_iter().rev() {
            self.take_back(occurrence, Outcome::Skipped(SkipReason::Paused));
        }
    }

    /// Ends a run that counts towards no bound, because it has not been or will be again. A dead letter that was to be run
    /// again is one as before.
    pub(super) fn take_back(&mut self, occurrence: OccurrenceId, outcome: Outcome) {
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        if open.run.retried.is_some() {
            let error = "it was given up before, and not run again: its schedule was paused, or the clock set back";
            return self.settle(occurrence, Outcome::Failed { error: error.into() });
        }
        let counted = matches!(open.run.cause, Cause::Due | Cause::CatchUp);
        open.run.number = 0;
        self.settle(occurrence, outcome);
        let uncount = |slot: &mut Slot| slot.state.runs = slot.state.runs.saturating_sub(u32::from(counted));
        self.slots.change(occurrence.schedule, uncount);
    }
}
