//! What people and agents ask for: create, update, pause, resume, cancel, run now.
//!
//! Invariants: a new generation and the end of the old one's open occurrences are in one batch, so no fire of the
//! old one follows the answer; paused time is recorded as skipped, never served later.
//! Not here: whether an id or a name is free (`runtime`).

use std::sync::Arc;

use crate::calendar::Trigger;
use crate::engine::change::{Cause, Change, LaneId, Outcome, Phase, SkipReason, State, Status};
use crate::engine::dues::{Dues, following};
use crate::engine::edited::Waiting;
use crate::engine::plans::plan_of;
use crate::engine::slots::Slot;
use crate::engine::{Effect, Engine, OpId, Reply, Start, Timing};
use crate::id::{OccurrenceId, ScheduleKey, stable_hash};
use crate::limits::LATE_CREATE_MS_MAX;
use crate::planted::{self, Bug};
use crate::spec::{Destination, Schedule};
use crate::time::{Span, Timestamp};

impl Engine {
    /// A schedule enters.
    pub(super) fn create(
        &mut self,
        op: OpId,
        key: ScheduleKey,
        schedule: Arc<Schedule>,
        start: Start,
        generation: u32,
    ) {
        let status = match start {
            Start::Paused => Status::Paused,
            Start::Active | Start::Past => Status::Active,
        };
        let mut state = State {
            status,
            generation,
            plan: self.plans.take(plan_of(&schedule)),
            lane: lane_of(&schedule),
            next_due: first_due(&schedule, self.now),
            last_due: None,
            last_outcome: None,
            runs: 0,
            failures: 0,
        };
        self.slots.insert(key, Slot { state, timer: None, open: 0 });
        if let (Start::Past, Some(due)) = (start, state.next_due) {
            self.skip(key, &mut state, Dues::one(due), PAST);
            state.next_due = None;
        }
        let fires_now = self.options.serving && status == Status::Active;
        if let Some(late) = state.next_due.filter(|due| fires_now && *due <= self.now) {
            // A one-shot accepted a little late; whatever its policy, it has not missed anything.
            self.claim(key, &mut state, late, Cause::Due);
            state.next_due = None;
        }
        if self.has_run_out(&state) {
            state.status = Status::Completed;
        }
        self.declare(key, schedule, state);
        self.expect_anew(key);
        self.reply(op, Reply::Done(state));
    }

    /// A schedule says something else from now on.
    pub(super) fn update(
        &mut self,
        op: OpId,
        key: ScheduleKey,
        schedule: Arc<Schedule>,
        timing: Timing,
        paused: Option<bool>,
    ) {
        self.pass_excluded(key);
        let Some(old) = self.state(key) else { return self.reply(op, Reply::NotFound) };
        let status = match paused {
            Some(true) | None if old.status.is_paused() => old.status,
            Some(true) => Status::Paused,
            Some(false) | None => Status::Active,
        };
        let renewed = timing == Timing::Renew || old.status.is_over();
        let resumed = old.status.is_paused() && status == Status::Active;
        let bounds = schedule.bounds;
        let is_allowed = |due: Timestamp, runs: u32| {
            bounds.max_runs.is_none_or(|most| runs < most) && bounds.end_at.is_none_or(|end| due <= end)
        };
        let ends = old.next_due.is_some_and(|due| !is_allowed(due, old.runs));
        let given_up = if renewed || resumed || ends { self.give_up_waiting(key, &old) } else { None };
        let raised = u32::from(!planted::is(Bug::UpdateKeepsGeneration));
        let mut state = State { status, generation: old.generation + raised, ..self.state(key).unwrap_or(old) };
        if old.status.is_over() {
            state.runs = 0;
        }
        if old.status.is_over() || resumed {
            state.failures = 0;
        }
        let plan = plan_of(&schedule);
        let waiting = self.waiting_one_shot(key, &old, &schedule);
        let due = match given_up {
            _ if renewed && waiting.is_some() => waiting.as_ref().map(|waiting| waiting.due),
            _ if renewed => self.renewed_due(key, &schedule, &mut state),
            Some(given_up) => plan.trigger.from_due(given_up).next_after(given_up.max(self.now)),
            None => old.next_due,
        };
        state.next_due = due.filter(|due| is_allowed(*due, state.runs));
        state.plan = self.plans.take(plan);
        state.lane = lane_of(&schedule);
        if self.plans.provider(old.plan).is_some() && schedule.literal().is_some() {
            self.forget_kept(key);
        }
        let expected = self.plans.get(old.plan).and_then(|plan| plan.expect_every);
        self.plans.release(old.plan);
        if self.has_run_out(&state) {
            state.status = Status::Completed;
        }
        if old.status.is_paused() && !state.status.is_paused() {
            self.note(key, None);
        }
        self.end_open(key);
        let is_sent_anew = |waiting: &Waiting| state.status == Status::Active && state.next_due == Some(waiting.due);
        if let Some(waiting) = waiting.filter(is_sent_anew) {
            self.send_anew(key, &mut state, waiting);
        }
        let is_expected_still = expected == schedule.expect_every && !resumed && self.expectations.has(key);
        self.declare(key, schedule, state);
        if is_expected_still {
            self.expect_not_before_start(key);
        } else {
            self.expect_anew(key);
        }
        self.reply(op, Reply::Done(state));
    }

    /// The first due after an update; a one-shot's time that has passed is recorded, not served, and one that has been
    /// served is not served again.
    fn renewed_due(&mut self, key: ScheduleKey, schedule: &Schedule, state: &mut State) -> Option<Timestamp> {
        let due = first_due(schedule, self.now)?;
        if !schedule.trigger.is_recurring() && state.last_due == Some(due) {
            return None;
        }
        if due > self.now.minus(Span::from_millis(LATE_CREATE_MS_MAX)) {
            return Some(due);
        }
        if state.last_due != Some(due) {
            self.skip(key, state, Dues::one(due), PAST);
        }
        None
    }

    /// Dues pass without a run from here on. One that paused itself is paused by its owner as soon as that says why.
    pub(super) fn pause(&mut self, op: OpId, key: ScheduleKey, note: Option<Arc<str>>) {
        self.serve_overdue(key);
        self.pass_excluded(key);
        if self.state(key).is_some_and(|state| state.status == Status::Active) {
            self.skip_buffered(key);
        }
        let Some(mut state) = self.state(key) else { return self.reply(op, Reply::NotFound) };
        let reply = match state.status {
            Status::Active => {
                state.status = Status::Paused;
                self.put(key, state);
                self.arm(key);
                self.note(key, note);
                Reply::Done(state)
            }
            Status::Paused | Status::Failing if note.is_some() => {
                state.status = Status::Paused;
                self.put(key, state);
                self.note(key, note);
                Reply::Done(state)
            }
            Status::Paused | Status::Failing => Reply::Unchanged(state),
            Status::Completed | Status::Cancelled => Reply::Ended(state),
        };
        self.reply(op, reply);
    }

    /// The end of a pause: what fell into it is recorded as skipped.
    pub(super) fn resume(&mut self, op: OpId, key: ScheduleKey) {
        let Some(old) = self.state(key) else { return self.reply(op, Reply::NotFound) };
        let reply = match old.status {
            Status::Paused | Status::Failing => {
                self.withdraw_notices(key);
                let given_up = if planted::is(Bug::PauseOnlyDelays) { None } else { self.give_up_waiting(key, &old) };
                let next_due = match given_up {
                    Some(last) => self.plans.get(old.plan).and_then(|plan| following(plan, last, old.runs)),
                    None => old.next_due,
                };
                let mut state = self.state(key).unwrap_or(old);
                state.next_due = next_due;
                state.failures = 0;
                state.status = if self.has_run_out(&state) { Status::Completed } else { Status::Active };
                self.put(key, state);
                self.arm(key);
                self.note(key, None);
                self.expect_anew(key);
                Reply::Done(state)
            }
            Status::Active => Reply::Unchanged(old),
            Status::Completed | Status::Cancelled => Reply::Ended(old),
        };
        self.reply(op, reply);
    }

    /// The end of a schedule and of whatever of it is under way.
    pub(super) fn cancel(&mut self, op: OpId, key: ScheduleKey) {
        self.pass_excluded(key);
        let Some(old) = self.state(key) else { return self.reply(op, Reply::NotFound) };
        if old.status == Status::Cancelled {
            return self.reply(op, Reply::Unchanged(old));
        }
        self.give_up_waiting(key, &old);
        let mut state = self.state(key).unwrap_or(old);
        state.status = Status::Cancelled;
        state.next_due = None;
        self.put(key, state);
        if old.status.is_paused() {
            self.note(key, None);
        }
        if self.plans.provider(old.plan).is_some() {
            self.forget_kept(key);
        }
        if !planted::is(Bug::CancelMissesOpen) {
            self.end_open(key);
        }
        if planted::is(Bug::CancelInMemory) {
            self.dirty_slots.remove(&key);
        }
        self.arm(key);
        self.reply(op, Reply::Done(self.state(key).unwrap_or(state)));
    }

    /// One run outside the schedule's times; it counts neither as a due nor towards `max_runs`.
    pub(super) fn run_now(&mut self, op: OpId, key: ScheduleKey) {
        let Some(mut state) = self.state(key) else { return self.reply(op, Reply::NotFound) };
        if state.status == Status::Cancelled {
            return self.reply(op, Reply::Ended(state));
        }
        if self.overlaps(key, &state) {
            return self.reply(op, Reply::Overlaps);
        }
        let due = self.manual_due(key, &state);
        self.claim(key, &mut state, due, Cause::Manual);
        self.put(key, state);
        self.finish_if_over(key);
        self.reply(op, Reply::Started(OccurrenceId::new(key, state.generation, due)));
    }

    /// A finished schedule comes back into memory because somebody asks for it.
    pub(super) fn recall(&mut self, key: ScheduleKey, state: State, schedule: &Schedule) {
        if self.slots.get(key).is_none() {
            let state = State { plan: self.plans.take(plan_of(schedule)), ..state };
            self.slots.insert(key, Slot { state, timer: None, open: 0 });
            self.finish_if_over(key);
        }
    }

    /// A finished schedule's slot goes, now that its row is durable; unless a later batch has yet to write it again.
    pub(super) fn forget(&mut self, key: ScheduleKey) {
        let Some(asked) = self.leaving.get_mut(&key) else { return };
        *asked -= 1;
        if *asked > 0 {
            return;
        }
        self.leaving.remove(&key);
        if self.slots.get(key).is_some_and(|slot| slot.open == 0 && slot.state.status.is_over())
            && !self.dirty_slots.contains(&key)
            && let Some(slot) = self.slots.remove(key)
        {
            self.plans.release(slot.state.plan);
        }
    }

    /// Writes declaration and row, and arms it.
    fn declare(&mut self, key: ScheduleKey, schedule: Arc<Schedule>, state: State) {
        self.slots.change(key, |slot| slot.state = state);
        self.chains.enter(key, self.plans.get(state.plan));
        self.dirty_slots.remove(&key);
        for (id, plan) in self.plans.take_added() {
            self.effects.push_back(Effect::Persist(Change::Plan { id, plan }));
        }
        self.effects.push_back(Effect::Persist(Change::Declare { key, schedule, state }));
        self.arm(key);
    }

    /// Says why a schedule is paused, or that nothing is to be said of it any more.
    pub(super) fn note(&mut self, key: ScheduleKey, note: Option<Arc<str>>) {
        self.effects.push_back(Effect::Persist(Change::Note { key, note }));
    }

    /// What is due already is served under the old rules before they change.
    fn serve_overdue(&mut self, key: ScheduleKey) {
        while self.options.serving && self.is_overdue(key) {
            let before = self.state(key);
            self.serve(key);
            debug_assert!(self.state(key) != before, "a due of {key:?} cannot be served");
            if self.state(key) == before {
                return;
            }
        }
    }

    fn is_overdue(&self, key: ScheduleKey) -> bool {
        self.state(key)
            .filter(|state| state.status == Status::Active)
            .is_some_and(|state| state.next_due.is_some_and(|due| self.deadline(key, &state, due) <= self.now))
    }

    /// Now, or the nearest millisecond before it that no other occurrence of the schedule has or will have.
    pub(super) fn manual_due(&mut self, key: ScheduleKey, state: &State) -> Timestamp {
        let floor = self.now.minus(RECENT);
        self.manual.retain(|occurrence| occurrence.due >= floor);
        if self.plans.get(state.plan).is_some_and(|plan| plan.trigger.after().is_some()) {
            let due = self.followed_due(key, state);
            self.manual.insert(OccurrenceId::new(key, state.generation, due));
            return due;
        }
        let trigger = self.plans.get(state.plan).zip(state.next_due.or(state.last_due)).map(|(plan, known)| {
            // The grid begins at its anchor, so that must be early enough to know the dues just before now.
            let early = plan.first_after(known, floor).filter(|early| *early < known);
            plan.trigger.from_due(early.unwrap_or(known))
        });
        let mut occurrence = OccurrenceId::new(key, state.generation, self.now);
        loop {
            let before = occurrence.due.minus(Span::from_millis(1));
            let on_grid = trigger.as_ref().is_some_and(|trigger| trigger.count_in(before, occurrence.due) > 0);
            // What a hook wished for is on no grid.
            let is_known = [state.next_due, state.last_due].contains(&Some(occurrence.due));
            if !on_grid && !is_known && self.manual.insert(occurrence) {
                return occurrence.due;
            }
            occurrence.due = before;
        }
    }

    /// Dues up to now that were not served, because of a pause or of jitter, will not be: they are recorded. Answers
    /// the last of them.
    fn give_up_waiting(&mut self, key: ScheduleKey, old: &State) -> Option<Timestamp> {
        let outcome = match old.status {
            Status::Active => Outcome::Cancelled,
            Status::Paused | Status::Failing => Outcome::Skipped(SkipReason::Paused),
            Status::Completed | Status::Cancelled => return None,
        };
        let first = old.next_due.filter(|due| *due <= self.now);
        let (Some(first), Some(plan)) = (first, self.plans.get(old.plan).map(Arc::clone)) else { return None };
        let until = plan.bounds.end_at.map_or(self.now, |end| end.min(self.now));
        let dues = Dues::of(&plan.trigger.from_due(first), first.minus(Span::from_millis(1)), until)?;
        let mut state = *old;
        self.skip(key, &mut state, dues, outcome);
        self.put(key, state);
        Some(dues.last)
    }

    /// Open occurrences that are not with a gateway right now end as cancelled, what a runner works on included; the
    /// others get no further attempt.
    fn end_open(&mut self, key: ScheduleKey) {
        let ids: Vec<OccurrenceId> = self.open.range(OccurrenceId::all_of(key)).map(|(&id, _)| id).collect();
        for id in ids {
            match self.open.get_mut(&id) {
                Some(open) if matches!(open.run.phase, Phase::Sending { .. }) => open.superseded = true,
                // It ends with its deliveries.
                Some(open) if matches!(open.run.phase, Phase::Spread(_)) => {}
                _ => self.settle(id, Outcome::Cancelled),
            }
        }
    }
}

/// The first due of a schedule that is accepted now; a one-shot may lie a little in the past.
pub(super) fn first_due(schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
    if let Trigger::At(at) = schedule.trigger {
        return Some(at);
    }
    let start = schedule.bounds.start_at.map(|start| start.minus(Span::from_millis(1)));
    let due = schedule.trigger.next_after(start.map_or(now, |start| start.max(now)))?;
    let in_bounds = schedule.bounds.end_at.is_none_or(|end| due <= end) && due < Timestamp::HORIZON;
    in_bounds.then_some(due)
}

/// What becomes of a time that had passed when it was declared.
const PAST: Outcome = Outcome::Skipped(SkipReason::Past);

/// Manual runs younger than this are remembered, so that two of them never share a due.
const RECENT: Span = Span::from_seconds(10);

/// The queue its deliveries wait in.
fn lane_of(schedule: &Schedule) -> LaneId {
    schedule.destination.as_ref().map_or(LaneId(0), lane_to)
}

/// The queue of a destination's chat.
pub(super) fn lane_to(destination: &Destination) -> LaneId {
    let hash = stable_hash(&[&destination.gateway, &destination.chat_id]);
    LaneId((hash >> 64) as u64)
}
