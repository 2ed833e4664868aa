//! Chains: schedules that are started by the end of another one's run, and have no dues of their own.
//!
//! Whoever follows is claimed in the very turn in which the end comes, so both are in one batch: a crash loses neither
//! or both, and nothing has to be made up for. The due of what is started is the instant of that end, or the first
//! free millisecond after it. An end is a record: a range of dues that were skipped starts one run, and so does an
//! occurrence however many deliveries it became. What was cancelled, and a notice, is no end. A dead letter has failed
//! once and for all: tried again it starts those that wait for what becomes of it then, and were not started by its
//! failure; that somebody has seen it is no end.
//! A follower that cannot run now has a record of it all the same: paused, excluded, an earlier run not over, or no room
//! at its gateway.
//! Invariants: who follows whom is a cache of the plans, and an entry that no plan bears out is passed over; chains have
//! no circles (`runtime` sees to that), so a turn comes to an end.
//! Units: `Timestamp`. Not here: what an end is (`settle`, `serve`).

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::calendar::End;
use crate::engine::Engine;
use crate::engine::change::{Cause, Outcome, OutcomeKind, Plan, PlanId, SkipReason, State, Status};
use crate::engine::dues::Dues;
use crate::id::{OccurrenceId, ScheduleKey};
use crate::planted::{self, Bug};
use crate::time::{Span, Timestamp};

/// Who follows whom, and whose end has come in this turn.
#[derive(Default)]
pub(super) struct Chains {
    /// A schedule, and one that it starts.
    pairs: BTreeSet<(ScheduleKey, ScheduleKey)>,
    ended: VecDeque<Ended>,
}

/// An end of a schedule's run.
#[derive(Clone, Copy)]
struct Ended {
    key: ScheduleKey,
    end: End,
    /// It had been given up before.
    is_retried: bool,
}

impl Chains {
    /// Notes who starts a schedule, if another one does.
    pub(super) fn enter(&mut self, key: ScheduleKey, plan: Option<&Arc<Plan>>) {
        if let Some(first) = plan.and_then(|plan| plan.trigger.after()).and_then(|after| after.key) {
            self.pairs.insert((first, key));
        }
    }

    fn followers(&self, key: ScheduleKey) -> impl Iterator<Item = ScheduleKey> {
        self.pairs.range((key, ScheduleKey(0))..=(key, ScheduleKey(u64::MAX))).map(|&(_, follower)| follower)
    }
}

impl Plan {
    /// Whether a schedule of this plan waits for another one's end, now or ever again, after so many runs.
    pub(super) fn waits_for_another(&self, now: Timestamp, runs: u32) -> bool {
        let Self { bounds, trigger, .. } = self;
        trigger.after().is_some()
            && bounds.max_runs.is_none_or(|most| runs < most)
            && bounds.end_at.is_none_or(|end| now <= end)
    }
}

impl Engine {
    /// The schedules that this one starts, as long as they have not ended.
    pub fn followers(&self, key: ScheduleKey) -> impl Iterator<Item = ScheduleKey> {
        let waits_for_it = move |follower: &ScheduleKey| {
            let live = self.state(*follower).filter(|state| !state.status.is_over());
            let plan = live.and_then(|state| self.plans.get(state.plan));
            plan.and_then(|plan| plan.trigger.after()).is_some_and(|after| after.key == Some(key))
        };
        self.chains.followers(key).filter(waits_for_it)
    }

    /// Whether nothing will ever make this row's schedule run by itself again.
    pub(super) fn has_run_out(&self, state: &State) -> bool {
        state.next_due.is_none() && !self.waits_for_another(state.plan, state.runs)
    }

    fn waits_for_another(&self, plan: PlanId, runs: u32) -> bool {
        self.plans.get(plan).is_some_and(|plan| plan.waits_for_another(self.now, runs))
    }

    /// An occurrence, or a range of dues, is over.
    pub(super) fn has_ended(&mut self, key: ScheduleKey, cause: Cause, kind: OutcomeKind, is_retried: bool) {
        if cause != Cause::Notice && matches!(kind, OutcomeKind::Delivered | OutcomeKind::Silent) {
            self.has_succeeded(key);
        }
        let end = match kind {
            OutcomeKind::Delivered => End::Delivered,
            OutcomeKind::Silent => End::Silent,
            OutcomeKind::Skipped => End::Skipped,
            OutcomeKind::Failed => End::Failed,
            OutcomeKind::Unknown => End::Unknown,
            OutcomeKind::Cancelled => return,
        };
        if cause != Cause::Notice && self.chains.followers(key).next().is_some() {
            self.chains.ended.push_back(Ended { key, end, is_retried });
        }
    }

    /// Starts whoever waited for what has ended in this turn, and whoever waited for those; whether anything has ended.
    pub(super) fn start_followers(&mut self) -> bool {
        let have_ended = !self.chains.ended.is_empty();
        while let Some(ended) = self.chains.ended.pop_front() {
            for follower in self.chains.followers(ended.key).collect::<Vec<_>>() {
                self.follow(follower, ended);
                if planted::is(Bug::ChainStartsTwice) {
                    self.follow(follower, ended);
                }
            }
        }
        have_ended
    }

    fn follow(&mut self, key: ScheduleKey, Ended { key: first, end, is_retried }: Ended) {
        let known = self.state(key).filter(|state| !state.status.is_over());
        let plan = known.and_then(|state| self.plans.get(state.plan)).map(Arc::clone);
        let after = plan.as_ref().and_then(|plan| plan.trigger.after()).filter(|after| after.key == Some(first));
        let (Some(mut state), Some(plan), Some(after)) = (known, &plan, after) else {
            self.chains.pairs.remove(&(first, key));
            return;
        };
        let was_started = is_retried && after.ends.has(End::Failed) && !planted::is(Bug::LetterStartsAgain);
        if !after.ends.has(end) || was_started || plan.bounds.start_at.is_some_and(|start| self.now < start) {
            return;
        }
        if !self.has_run_out(&state) {
            let due = self.followed_due(key, &state);
            match self.held_back(key, &state, plan, due) {
                Some(reason) => self.skip(key, &mut state, Dues::one(due), Outcome::Skipped(reason)),
                None => self.claim(key, &mut state, due, Cause::Due),
            }
        }
        if state.status == Status::Active && self.has_run_out(&state) {
            state.status = Status::Completed;
        }
        self.put(key, state);
        self.arm(key);
    }

    /// Why a due is not to be run, if it is not.
    fn held_back(&self, key: ScheduleKey, state: &State, plan: &Plan, due: Timestamp) -> Option<SkipReason> {
        if state.status.is_paused() && !planted::is(Bug::ChainIgnoresPause) {
            Some(SkipReason::Paused)
        } else if plan.except.as_ref().is_some_and(|except| except.covers(due)) {
            Some(SkipReason::Except)
        } else if !self.has_room(key) {
            // It passes while it cannot be served.
            Some(SkipReason::Misfire)
        } else {
            None
        }
    }

    /// Now, or the first millisecond after it that no other occurrence of the schedule has. Runs by hand and notices keep
    /// out of the way of its last due as well, so the two never share one.
    pub(super) fn followed_due(&self, key: ScheduleKey, state: &State) -> Timestamp {
        let next = |due: Timestamp| due.plus(Span::from_millis(1));
        // A clock that was set back by more than this has raised the generation.
        let after_last = state.last_due.map(next).filter(|due| due.since(self.now) <= RECENT);
        let mut occurrence = OccurrenceId::new(key, state.generation, self.now.max(after_last.unwrap_or(self.now)));
        while self.manual.contains(&occurrence) {
            occurrence.due = next(occurrence.due);
        }
        occurrence.due
    }

    /// The end of a schedule that waits for another one has come without a run; whether it has.
    pub(super) fn ends_waiting(&mut self, key: ScheduleKey) -> bool {
        let Some(mut state) = self.state(key).filter(|state| state.next_due.is_none()) else { return false };
        if state.status == Status::Active && self.has_run_out(&state) {
            state.status = Status::Completed;
            self.put(key, state);
        }
        self.arm(key);
        true
    }

    /// When an active schedule's timer is to go off: for its next due, or for its end if it waits for another one.
    pub(super) fn timer_of(&self, key: ScheduleKey, state: &State) -> Option<u64> {
        if state.status != Status::Active {
            return None;
        }
        let deadline = match state.next_due {
            Some(due) => self.deadline(key, state, due),
            None => {
                let plan = self.plans.get(state.plan).filter(|plan| plan.trigger.after().is_some())?;
                plan.bounds.end_at?.plus(Span::from_millis(1))
            }
        };
        Some(self.timer_tick(deadline))
    }
}

/// Occurrences of one schedule that have pushed each other ahead of the clock are not further ahead than this.
const RECENT: Span = Span::from_seconds(10);
