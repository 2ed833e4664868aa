//! Dues are served here: claimed when their time has come, or dealt with as misfires.
//!
//! A due is a misfire when it passed during an interruption (a stop, a suspend, a clock set forward), not because
//! there was much to do: `missed_until` is raised by `boot` and `clock` alone.
//! Invariant: `next_due` only moves on past dues that have a record in the same batch.
//! Source: Quartz's misfire instructions, Temporal's catch-up window.

use std::sync::Arc;

use crate::engine::change::{Cause, DueRange, LaneId, Outcome, Phase, Plan, Run, SkipReason, State, Status};
use crate::engine::dues::{Dues, Sorted, following};
use crate::engine::runs::NO_DESTINATION;
use crate::engine::{Content, Engine, Open, Window, backoff};
use crate::id::{OccurrenceId, ScheduleKey};
use crate::limits::{FIRE_ALL_COUNT_MAX, TURN_TIMERS_COUNT_MAX};
use crate::planted::{self, Bug};
use crate::spec::{DeliveryGuarantee, MisfirePolicy};
use crate::time::{Span, Timestamp};
use crate::wheel::Next;

const MS: Span = Span::from_millis(1);

impl Engine {
    /// Serves what is due, oldest first, up to a bound for one turn.
    pub(super) fn serve_dues(&mut self) {
        self.drop_old_history();
        let mut due: Vec<ScheduleKey> = Vec::new();
        let tick = self.now.tick();
        let progress = self.dues.advance(tick, TURN_TIMERS_COUNT_MAX, |_, _, key| {
            due.push(ScheduleKey(*key));
            Next::Drop
        });
        let mut waits_over: Vec<OccurrenceId> = Vec::new();
        let more = self.retries.advance(tick, TURN_TIMERS_COUNT_MAX, |_, _, occurrence| {
            waits_over.push(*occurrence);
            Next::Drop
        });
        let more_waits = self.lanes.advance();
        self.backlog = progress.more || more.more || more_waits;
        for &key in &due {
            self.slots.change(key, |slot| slot.timer = None);
        }
        due.sort_by_key(|&key| (self.slots.get(key).and_then(|slot| slot.state.next_due), key));
        for key in due {
            if !self.has_room(key) {
                self.wait_for_room(key);
            } else if self.is_missed(key) {
                self.catch_up_or_stand_in_line(key);
            } else {
                self.serve(key);
            }
        }
        self.catch_up();
        self.use_room();
        for occurrence in waits_over {
            self.wait_is_over(occurrence);
        }
    }

    /// Serves a schedule whose timer fired, or whose dues must be settled before it changes.
    pub(super) fn serve(&mut self, key: ScheduleKey) {
        let Some(slot) = self.slots.get(key) else { return };
        let (mut state, Some(plan)) = (slot.state, self.plans.get(slot.state.plan).map(Arc::clone)) else { return };
        let Some(due) = state.next_due.filter(|_| state.status == Status::Active) else { return };
        let in_time = if planted::is(Bug::MisfireOffByOne) { self.missed_until.minus(MS) } else { self.missed_until };
        if self.deadline(key, &state, due) <= in_time {
            self.serve_misfire(key, &mut state, &plan, due);
        } else if let Some(due) = self.due_that_counts(key, &mut state, &plan, due) {
            self.claim(key, &mut state, due, Cause::Due);
            state.next_due = following(&plan, due, state.runs);
        }
        if state.next_due.is_none() {
            state.status = Status::Completed;
        }
        self.put(key, state);
        self.arm(key);
    }

    /// What the misfire policy makes of the dues from `first` to now.
    fn serve_misfire(&mut self, key: ScheduleKey, state: &mut State, plan: &Plan, first: Timestamp) {
        let grid = plan.trigger.from_due(first);
        let until = match plan.policy.misfire {
            MisfirePolicy::Skip => self.missed_until,
            MisfirePolicy::FireOnce | MisfirePolicy::FireAll => self.now,
        };
        let until = plan.bounds.end_at.map_or(until, |end| end.min(until));
        let mut last = grid.latest_in(first, until).unwrap_or(first);
        if plan.policy.misfire == MisfirePolicy::Skip && self.deadline(key, state, last) > until {
            // Put off by jitter, the last of them is yet to come.
            last = grid.latest_in(first, last.minus(MS)).unwrap_or(first);
        }
        let missed = Sorted::new(plan, first, last);
        let window_start = self.now.minus(plan.policy.catchup_window);
        let left = plan.bounds.max_runs.map_or(u64::MAX, |most| u64::from(most.saturating_sub(state.runs)));
        let most = match plan.policy.misfire {
            MisfirePolicy::Skip => 0,
            MisfirePolicy::FireOnce => 1,
            MisfirePolicy::FireAll => FIRE_ALL_COUNT_MAX,
        };
        let mut served = missed.latest(window_start, most.min(left) as usize);
        if planted::is(Bug::CatchUpServesFirst) && plan.policy.misfire == MisfirePolicy::FireOnce {
            served.iter_mut().for_each(|due| *due = first);
        }
        if let Some(excluded) = missed.excluded {
            self.skip(key, state, excluded, Outcome::Skipped(SkipReason::Except));
        }
        if let Some(skipped) = missed.before(served.first().copied()) {
            let too_old = match plan.policy.misfire {
                MisfirePolicy::Skip => false,
                MisfirePolicy::FireOnce => served.is_empty(),
                MisfirePolicy::FireAll => skipped.last < window_start,
            };
            let reason = if too_old { SkipReason::CatchupWindow } else { SkipReason::Misfire };
            self.skip(key, state, skipped, Outcome::Skipped(reason));
        }
        for due in served {
            let is_late = due <= self.missed_until;
            self.claim(key, state, due, if is_late { Cause::CatchUp } else { Cause::Due });
        }
        state.last_due = Some(last);
        state.next_due = following(plan, last, state.runs);
    }

    /// The due itself, or the first after it that no exclusion covers; what is excluded is recorded.
    fn due_that_counts(
        &mut self,
        key: ScheduleKey,
        state: &mut State,
        plan: &Plan,
        due: Timestamp,
    ) -> Option<Timestamp> {
        if plan.except.is_none() { Some(due) } else { self.skip_excluded(key, state, plan, due) }
    }

    /// Records dues that will not run, as one row.
    pub(super) fn skip(&mut self, key: ScheduleKey, state: &mut State, dues: Dues, outcome: Outcome) {
        let Dues { first, last, count } = dues;
        state.last_due = Some(last);
        state.last_outcome = Some(outcome.kind());
        self.record(Run {
            occurrence: OccurrenceId::new(key, state.generation, first),
            range: (count > 1).then_some(DueRange { through: last, count }),
            cause: Cause::Due,
            number: 0,
            claimed_at: self.now,
            attempt: 0,
            retried: None,
            execution: None,
            phase: Phase::Settled { at: self.now, outcome },
        });
    }

    /// Takes one due up: from here on it has a record.
    pub(super) fn claim(&mut self, key: ScheduleKey, state: &mut State, due: Timestamp, cause: Cause) {
        // A notice has words of its own, whoever makes the schedule's.
        if cause != Cause::Notice && self.plans.provider(state.plan).is_some() {
            if !self.claim_run(key, state, due, cause) {
                self.skip(key, state, Dues::one(due), Outcome::Skipped(SkipReason::Overlap));
            }
            return;
        }
        let run = self.claimed(key, state, due, cause);
        self.send_or_record(state, run);
    }

    /// Sends a run that has its text, if there is somewhere to send it to.
    pub(super) fn send_or_record(&mut self, state: &mut State, mut run: Run) {
        match self.plans.gateway(state.plan) {
            Some(gateway) => self.open(state.lane, gateway, run),
            None => {
                let outcome = Outcome::Silent { reason: NO_DESTINATION.into() };
                state.last_outcome = Some(outcome.kind());
                run.phase = Phase::Settled { at: self.now, outcome };
                self.record(run);
            }
        }
    }

    /// The record of a due that is taken up; it counts as a run.
    pub(super) fn claimed(&self, key: ScheduleKey, state: &mut State, due: Timestamp, cause: Cause) -> Run {
        if matches!(cause, Cause::Due | Cause::CatchUp) {
            state.runs = state.runs.saturating_add(1);
            state.last_due = Some(due);
        }
        Run {
            occurrence: OccurrenceId::new(key, state.generation, due),
            range: None,
            cause,
            number: if cause == Cause::Notice { 0 } else { state.runs },
            claimed_at: self.now,
            attempt: 0,
            retried: None,
            execution: None,
            phase: Phase::Pending,
        }
    }

    fn open(&mut self, lane: LaneId, gateway: Arc<str>, run: Run) {
        let occurrence = run.occurrence;
        self.lanes.push(lane, &gateway, occurrence, run.cause.rank());
        self.hold_open(lane, gateway, run);
        self.dirty_runs.insert(occurrence);
    }

    /// Keeps an occurrence until it is settled.
    pub(super) fn hold_open(&mut self, lane: LaneId, gateway: Arc<str>, run: Run) {
        let occurrence = run.occurrence;
        self.slots.change(occurrence.schedule, |slot| slot.open += 1);
        self.lanes.opened(&gateway);
        let at_most_once = self.policy(occurrence).delivery == DeliveryGuarantee::AtMostOnce;
        let alone = at_most_once || run.cause == Cause::Notice;
        if run.phase.is_before_text() {
            self.runs.overlaps.enter(&run);
        }
        self.open.insert(occurrence, Open { run, lane, gateway, alone, superseded: false, timer: None });
    }

    /// Hands deliveries to gateways that have room, and journals that they are being sent.
    pub(super) fn open_windows(&mut self) -> Vec<Window> {
        let mut windows = Vec::new();
        let mut given_up = 0;
        while given_up < TURN_TIMERS_COUNT_MAX {
            let open = &self.open;
            let Some(turn) = self.lanes.next_window(|next| open.get(&next).is_some_and(|open| open.alone)) else {
                return windows;
            };
            let mut items = Vec::with_capacity(turn.occurrences.len());
            let mut content = Content::Payload;
            for occurrence in turn.occurrences {
                let is_stale = turn.was_shut.is_some_and(|at| self.is_stale(occurrence, at));
                let Some(entry) = self.open.get_mut(&occurrence) else { continue };
                entry.run.phase = Phase::Sending { epoch: self.options.epoch };
                if is_stale {
                    given_up += 1;
                    self.give_up(turn.lane, occurrence, turn.why.as_deref());
                    continue;
                }
                entry.run.attempt = entry.run.attempt.saturating_add(1);
                self.dirty_runs.insert(occurrence);
                items.push((occurrence, entry.run.attempt));
                if entry.run.cause == Cause::Notice {
                    content = Content::Notice;
                }
            }
            if !items.is_empty() {
                windows.push(Window { content, gateway: turn.gateway, lane: turn.lane, items });
            }
        }
        // What follows from so many ends, and the rest of them, has a turn of its own.
        self.backlog = true;
        windows
    }

    /// Sets the timer that a schedule's row asks for.
    pub(super) fn arm(&mut self, key: ScheduleKey) {
        let Some(slot) = self.slots.get(key) else { return };
        let (state, timer) = (slot.state, slot.timer);
        if let Some(timer) = timer.filter(|_| !planted::is(Bug::WheelKeepsReplaced)) {
            self.dues.cancel(timer);
        }
        let timer = match state.next_due {
            Some(due) if state.status == Status::Active && self.options.serving => {
                let deadline = self.deadline(key, &state, due);
                Some(self.dues.insert(self.timer_tick(deadline), key.0))
            }
            _ => None,
        };
        self.slots.change(key, |slot| slot.timer = timer);
        self.finish_if_over(key);
    }

    /// The wheel's tick of a deadline, however far ahead.
    pub(super) fn timer_tick(&self, deadline: Timestamp) -> u64 {
        let most = if planted::is(Bug::WaitCutTo32Bits) { i32::MAX as u64 } else { u64::MAX };
        deadline.tick().min(self.now.tick().saturating_add(most))
    }

    /// When a schedule's timer goes off: its first due that counts, with a jitter that never reaches the following due.
    pub(super) fn deadline(&self, key: ScheduleKey, state: &State, due: Timestamp) -> Timestamp {
        let Some(plan) = self.plans.get(state.plan) else { return due };
        let due = plan.wakes_for(due);
        let jitter = plan.policy.jitter;
        if jitter == Span::ZERO || planted::is(Bug::JitterIgnored) {
            return due;
        }
        let room = plan.trigger.from_due(due).next_after(due).map(|next| next.since(due));
        let occurrence = OccurrenceId::new(key, state.generation, due);
        due.plus(backoff::jitter(jitter, occurrence, room))
    }

    /// Writes a schedule's row back and marks it for the journal.
    pub(super) fn put(&mut self, key: ScheduleKey, state: State) {
        if self.slots.change(key, |slot| slot.state = state) {
            self.dirty_slots.insert(key);
        }
    }

    /// A schedule that has ended, and of which nothing is under way, needs no slot.
    pub(super) fn finish_if_over(&mut self, key: ScheduleKey) {
        if self.slots.get(key).is_some_and(|slot| slot.open == 0 && slot.state.status.is_over()) {
            self.finished.push(key);
        }
    }
}

impl Status {
    /// Whether it has no dues any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }

    /// Whether it waits for a resume.
    #[must_use]
    pub const fn is_paused(self) -> bool {
        matches!(self, Self::Paused | Self::Failing)
    }
}
