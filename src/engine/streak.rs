//! Failures in a row: after so many a schedule pauses itself, and its owner's chat is told once.
//!
//! The telling is an occurrence of its own ([`Cause::Notice`]), so that it survives a restart, is tried again and has
//! a record; it counts neither as a run nor as a failure, and a resume withdraws it. The last error is the note of the
//! pause.
//! Units: `Span`. Invariant: one notice for each pause; a schedule that has ended is never paused.
//! Not here: the words of the notice (`runtime`), what a failure is (`settle`).

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::change::{Cause, Outcome, OutcomeKind, Phase, Run, State, Status};
use crate::id::{OccurrenceId, ScheduleKey};
use crate::limits::{ATTEMPTS_COUNT_MAX, NOTICE_AGE_MS_MAX, NOTICE_WAIT_MS_MAX};
use crate::planted::{self, Bug};
use crate::spec::RetryPolicy;
use crate::time::Span;

impl Engine {
    /// Notes how a run ended; a failure, which has an error, may be the last that is borne. One that was given up before
    /// has been counted as a failure, and while the schedule is paused for its failures their number stays.
    pub(super) fn count_outcome(
        &mut self,
        key: ScheduleKey,
        kind: OutcomeKind,
        error: Option<Arc<str>>,
        retried: bool,
    ) {
        let noted = self.slots.change(key, |slot| {
            slot.state.last_outcome = Some(kind);
            match kind {
                OutcomeKind::Failed if retried => {}
                OutcomeKind::Delivered | OutcomeKind::Silent if retried && slot.state.status == Status::Failing => {}
                OutcomeKind::Delivered | OutcomeKind::Silent => slot.state.failures = 0,
                OutcomeKind::Failed => slot.state.failures = slot.state.failures.saturating_add(1),
                OutcomeKind::Skipped | OutcomeKind::Cancelled | OutcomeKind::Unknown => {}
            }
        });
        if !noted {
            return;
        }
        self.dirty_slots.insert(key);
        if kind == OutcomeKind::Failed && !retried {
            self.pause_if_failing(key, error);
        }
    }

    fn pause_if_failing(&mut self, key: ScheduleKey, error: Option<Arc<str>>) {
        let may_be_paused = self.state(key).is_some_and(|state| self.has_failed_enough(&state));
        if !may_be_paused {
            return;
        }
        // What was excluded before the pause is not skipped for it.
        self.pass_excluded(key);
        let Some(mut state) = self.state(key).filter(|state| state.status == Status::Active) else { return };
        state.status = Status::Failing;
        self.put(key, state);
        self.arm(key);
        self.note(key, error);
        self.skip_buffered(key);
        if planted::is(Bug::NoticeNotWritten) {
            return;
        }
        let due = self.manual_due(key, &state);
        self.claim(key, &mut state, due, Cause::Notice);
    }

    fn has_failed_enough(&self, state: &State) -> bool {
        let Some(plan) = self.plans.get(state.plan) else { return false };
        let most = plan.policy.pause_after.unwrap_or(self.options.pause_after);
        most > 0 && state.failures >= most && !planted::is(Bug::FailuresUncounted)
    }

    /// The pause is over: nobody need be told of it any more, unless it is being told right now.
    pub(super) fn withdraw_notices(&mut self, key: ScheduleKey) {
        let open = self.open.range(OccurrenceId::all_of(key));
        let waiting = |phase: &Phase| !matches!(phase, Phase::Sending { .. });
        // What a hook has to say does not end with the pause.
        let of_pause = |run: &Run| run.cause == Cause::Notice && run.execution.is_none();
        let notices = open.filter(|(_, open)| of_pause(&open.run) && waiting(&open.run.phase));
        let ids: Vec<OccurrenceId> = notices.map(|(&id, _)| id).collect();
        for id in ids {
            self.settle(id, Outcome::Cancelled);
        }
    }

    /// How often an occurrence is tried again. A notice is more patient than the schedule it speaks of: the gateway
    /// that made the schedule fail is the one that has to carry it.
    pub(super) fn retry_policy(&self, occurrence: OccurrenceId) -> RetryPolicy {
        let usual = self.policy(occurrence).retry;
        match self.open.get(&occurrence).map(|open| open.run.cause) {
            Some(Cause::Notice) => RetryPolicy {
                max_attempts: ATTEMPTS_COUNT_MAX,
                max_age: Span::from_millis(NOTICE_AGE_MS_MAX),
                backoff_max: Span::from_millis(NOTICE_WAIT_MS_MAX),
                ..usual
            },
            Some(Cause::Due | Cause::CatchUp | Cause::Manual) | None => usual,
        }
    }
}
