//! A one-shot that is edited when its time has come and it was not delivered yet: what it says now is sent in its
//! place, whatever its age.
//!
//! The old words are void from the edit's answer on, so the occurrence is cancelled, and one of the new generation
//! takes its place with attempts of its own. In the same chat it waits as long as the old one would have: the gateway
//! asked for that.
//! Invariant: nothing is sent anew that a gateway took, or may have taken; so nothing of several deliveries is.
//! Not here: recurring schedules, whose next due comes anyway.

use crate::calendar::Trigger;
use crate::engine::change::{Cause, LaneId, Outcome, Phase, State, Status};
use crate::engine::{Engine, backoff};
use crate::id::{OccurrenceId, ScheduleKey};
use crate::spec::Schedule;
use crate::time::{Span, Timestamp};

/// A one-shot's occurrence that waits to be sent, or sent again.
pub(super) struct Waiting {
    pub(super) due: Timestamp,
    lane: LaneId,
    /// Until when, and after which error.
    wait: Option<(Timestamp, String)>,
}

impl Engine {
    /// What of a one-shot is due and not with a gateway.
    pub(super) fn waiting_one_shot(&self, key: ScheduleKey, old: &State, schedule: &Schedule) -> Option<Waiting> {
        let Trigger::At(due) = schedule.trigger else { return None };
        let open = self.open.get(&OccurrenceId::new(key, old.generation, due))?;
        let wait = match &open.run.phase {
            Phase::Buffered | Phase::Waiting | Phase::Running { .. } | Phase::Pending => None,
            Phase::Rerun { at, error } | Phase::Retry { at, error } => Some((*at, error.clone())),
            Phase::Spread(_) | Phase::Sending { .. } | Phase::Settled { .. } => return None,
        };
        Some(Waiting { due, lane: open.lane, wait })
    }

    /// Lets the generation of `state` take the place of what waited.
    pub(super) fn send_anew(&mut self, key: ScheduleKey, state: &mut State, waiting: Waiting) {
        state.next_due = None;
        state.status = Status::Completed;
        self.put(key, *state);
        self.claim(key, state, waiting.due, Cause::Due);
        if let Some((at, error)) = waiting.wait.filter(|(at, _)| waiting.lane == state.lane && *at > self.now) {
            let occurrence = OccurrenceId::new(key, state.generation, waiting.due);
            self.put_off(occurrence, at, error);
        }
    }

    /// Ends an occurrence whose schedule was replaced while it was handed out, and which no gateway took. If it was
    /// a one-shot's, the edit is sent in its place, not before the wait that the gateway asked for.
    pub(super) fn hand_over(&mut self, occurrence: OccurrenceId, asked: Option<(String, Option<Span>)>) {
        let (key, due) = (occurrence.schedule, occurrence.due);
        let lane = self.open.get(&occurrence).map(|open| open.lane);
        self.settle(occurrence, Outcome::Cancelled);
        let (Some(lane), Some(mut state)) = (lane, self.state(key)) else { return };
        // Of several deliveries others may have been taken.
        let is_open = occurrence.delivery == 0
            && state.status == Status::Completed
            && state.last_due == Some(due)
            && state.runs == 0;
        if !is_open || !self.was_edited_one_shot(occurrence) {
            return;
        }
        let wait = asked.map(|(error, after)| {
            let successor = OccurrenceId { generation: state.generation, ..occurrence };
            let wait = backoff::wait(&self.policy(successor).retry, successor, 0, after);
            (self.now.plus(wait), error)
        });
        self.send_anew(key, &mut state, Waiting { due, lane, wait });
        self.put(key, state);
    }

    /// Whether it is a one-shot's, of a generation that an edit has replaced.
    pub(super) fn was_edited_one_shot(&self, occurrence: OccurrenceId) -> bool {
        let Some(state) = self.state(occurrence.schedule) else { return false };
        let is_one_shot = self.plans.get(state.plan).is_some_and(|plan| !plan.trigger.is_recurring());
        is_one_shot && state.generation > occurrence.generation
    }

    /// Takes a claimed occurrence out of its queue until `at`.
    fn put_off(&mut self, occurrence: OccurrenceId, at: Timestamp, error: String) {
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        let lane = open.lane;
        match open.run.phase {
            // Whatever is ahead of it is about to end, and it will be run then.
            Phase::Buffered => return,
            Phase::Waiting => {
                self.runs.remove(occurrence);
                open.run.phase = Phase::Rerun { at, error };
            }
            _ => {
                open.run.phase = Phase::Retry { at, error };
                self.lanes.remove(lane, occurrence);
            }
        }
        open.timer = Some(self.retries.insert(at.tick(), occurrence));
        self.dirty_runs.insert(occurrence);
    }
}
