//! What became of an attempt, and what follows from it.
//!
//! Errors are sorted by the gateway; here they meet the schedule's policy. An attempt without an answer is
//! ambiguous: sent again under the same key, or, at most once, recorded as unknown.
//! Invariant: every occurrence handed out in a window comes back here exactly once.

use std::sync::Arc;

use crate::engine::change::{Cause, LaneId, Outcome, Phase, Run};
use crate::engine::{Answer, Engine, Open, backoff};
use crate::id::OccurrenceId;
use crate::limits::{ERROR_BYTES_MAX, within};
use crate::planted::{self, Bug};
use crate::spec::{DeliveryGuarantee, Policy};
use crate::time::{Span, Timestamp};

impl Engine {
    /// Takes the answer to one attempt.
    pub(super) fn answered(&mut self, occurrence: OccurrenceId, answer: Answer) {
        let Some(open) = self.open.get(&occurrence) else { return };
        if !matches!(open.run.phase, Phase::Sending { .. }) {
            return;
        }
        let lane = open.lane;
        let superseded = open.superseded;
        let wait = self.lanes.heard(lane, &answer);
        match answer {
            Answer::Delivered { message_id } => self.settle(occurrence, Outcome::Delivered { message_id }),
            Answer::Permanent { error } => self.settle(occurrence, Outcome::Failed { error: clip(error) }),
            Answer::Superseded => self.hand_over(occurrence, None),
            Answer::Ambiguous { error }
                if self.policy(occurrence).delivery == DeliveryGuarantee::AtMostOnce
                    && !planted::is(Bug::AmbiguousSentAgain) =>
            {
                self.settle(occurrence, Outcome::Unknown { error: clip(error) });
            }
            Answer::Ambiguous { .. } if superseded => self.settle(occurrence, Outcome::Cancelled),
            Answer::Retry { error, after } if superseded => self.hand_over(occurrence, Some((clip(error), after))),
            Answer::Limited { error, after, .. } if superseded => {
                self.hand_over(occurrence, Some((clip(error), after)));
            }
            Answer::Shut { error } if superseded => self.hand_over(occurrence, Some((clip(error), None))),
            Answer::NotTried if superseded => self.hand_over(occurrence, None),
            Answer::Limited { error, after, .. } if planted::is(Bug::LimitMovesMessageOnly) => {
                self.retry(occurrence, error, after);
            }
            Answer::Limited { error, .. } | Answer::Shut { error } => {
                self.hold_back(occurrence, clip(error), wait.unwrap_or(self.now));
            }
            Answer::Retry { error, after } => self.retry(occurrence, clip(error), after),
            Answer::Ambiguous { error } => self.retry(occurrence, clip(error), None),
            Answer::NotTried => self.back_in_line(occurrence),
        }
        self.lanes.answered(lane);
    }

    /// Ends an occurrence.
    pub(super) fn settle(&mut self, occurrence: OccurrenceId, outcome: Outcome) {
        let Some(open) = self.open.remove(&occurrence) else { return };
        self.lanes.closed(&open.gateway);
        self.dirty_runs.remove(&occurrence);
        let is_before_text = open.run.phase.is_before_text();
        // What is with its gateway stands in no queue; a long one must not be searched for each answer.
        match open.run.phase {
            Phase::Sending { .. } => self.lanes.release(open.lane, occurrence),
            Phase::Pending | Phase::Retry { .. } => self.lanes.remove(open.lane, occurrence),
            Phase::Buffered
            | Phase::Waiting
            | Phase::Running { .. }
            | Phase::Rerun { .. }
            | Phase::Spread(_)
            | Phase::Settled { .. } => {}
        }
        if let Some(timer) = open.timer {
            self.retries.cancel(timer);
        }
        let (kind, cause, retried) = (outcome.kind(), open.run.cause, open.run.retried.is_some());
        let error = if let Outcome::Failed { error } = &outcome { Some(error.as_str().into()) } else { None };
        let key = occurrence.schedule;
        let noted = self.slots.change(key, |slot| {
            slot.open = slot.open.saturating_sub(1);
        });
        if occurrence.delivery > 0 {
            let to = open.run.execution.as_ref().and_then(|execution| execution.to.clone());
            self.record(Run { phase: Phase::Settled { at: self.now, outcome: outcome.clone() }, ..open.run });
            return self.delivery_is_over(occurrence, to.as_ref(), &outcome);
        }
        self.record(Run { phase: Phase::Settled { at: self.now, outcome }, ..open.run });
        if noted {
            self.dirty_slots.insert(key);
        }
        if cause != Cause::Notice {
            self.count_outcome(key, kind, error, retried);
        }
        // Last, because a failure may have been one too many: then nobody takes its turn.
        if is_before_text {
            self.drop_run(occurrence);
        } else {
            self.turn_is_over(occurrence);
        }
        self.finish_if_over(key);
    }

    /// Plans the next attempt, or gives up.
    fn retry(&mut self, occurrence: OccurrenceId, error: String, asked: Option<Span>) {
        let policy = self.retry_policy(occurrence);
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        let failed = open.run.attempt;
        let wait = backoff::wait(&policy, occurrence, failed.saturating_sub(1), asked);
        let at = self.now.plus(wait);
        let is_spent = failed >= policy.max_attempts && !planted::is(Bug::AttemptsUncounted);
        if is_spent || at > open.since().plus(policy.max_age) {
            self.settle(occurrence, Outcome::Failed { error });
            return;
        }
        open.run.phase = Phase::Retry { at, error };
        open.timer = Some(self.retries.insert(at.tick(), occurrence));
        let lane = open.lane;
        self.dirty_runs.insert(occurrence);
        self.lanes.hold(lane, occurrence, self.now, at);
    }

    /// Its chat or its account has to wait until `at`, and it with them, in its place: that is no attempt. Unless it is
    /// too old by then.
    fn hold_back(&mut self, occurrence: OccurrenceId, error: String, at: Timestamp) {
        let policy = self.retry_policy(occurrence);
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        if at > open.since().plus(policy.max_age) {
            self.settle(occurrence, Outcome::Failed { error });
            return;
        }
        if !planted::is(Bug::LimitSpendsAttempt) {
            open.run.attempt = open.run.attempt.saturating_sub(1);
        }
        open.run.phase = Phase::Retry { at, error };
        self.dirty_runs.insert(occurrence);
        self.line_up(occurrence);
    }

    /// Whether it waited for an account that was shut until it was too old to be sent.
    pub(super) fn is_stale(&self, occurrence: OccurrenceId, was_shut: Timestamp) -> bool {
        let Some(open) = self.open.get(&occurrence) else { return false };
        let age = self.retry_policy(occurrence).max_age;
        open.since() <= was_shut && self.now > open.since().plus(age) && !planted::is(Bug::AgeIgnoredWhileShut)
    }

    /// Ends what is stale, when its turn has come; nobody was asked.
    pub(super) fn give_up(&mut self, lane: LaneId, occurrence: OccurrenceId, why: Option<&str>) {
        let age = self.retry_policy(occurrence).max_age;
        let why = why.unwrap_or("nothing could be sent");
        let error = format!("not sent within {age} (max_age), for nothing could be sent to anybody: {why}");
        self.lanes.heard(lane, &Answer::NotTried);
        self.settle(occurrence, Outcome::Failed { error: clip(error) });
        self.lanes.answered(lane);
    }

    /// The wait of a retry has passed: it goes to the front of its chat's queue.
    pub(super) fn wait_is_over(&mut self, occurrence: OccurrenceId) {
        if let Some(open) = self.open.get_mut(&occurrence) {
            open.timer = None;
            if open.run.phase.is_before_text() {
                self.line_up_run(occurrence);
            } else {
                self.line_up(occurrence);
            }
        }
    }

    /// It was handed out and not tried: the attempt is taken back.
    pub(super) fn back_in_line(&mut self, occurrence: OccurrenceId) {
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        open.run.attempt = open.run.attempt.saturating_sub(1);
        open.run.phase = Phase::Pending;
        self.dirty_runs.insert(occurrence);
        self.line_up(occurrence);
    }

    /// To its place in its chat's queue; should the clock have been set back to before its due, it waits for that.
    pub(super) fn line_up(&mut self, occurrence: OccurrenceId) {
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        if occurrence.due > self.now {
            open.timer = Some(self.retries.insert(occurrence.due.tick(), occurrence));
        } else {
            let (lane, gateway, rank) = (open.lane, open.gateway.clone(), open.run.cause.rank());
            self.lanes.push_front(lane, &gateway, occurrence, rank);
        }
    }

    /// The policy of an occurrence's schedule.
    pub(super) fn policy(&self, occurrence: OccurrenceId) -> Policy {
        self.slots
            .get(occurrence.schedule)
            .and_then(|slot| self.plans.get(slot.state.plan))
            .map_or_else(Policy::default, |plan| plan.policy)
    }
}

impl Open {
    /// From when on its age counts.
    fn since(&self) -> Timestamp {
        let since = self.run.execution.as_ref().map_or(self.run.claimed_at, |execution| execution.since);
        self.run.retried.map_or(since, |retried| retried.at.max(since))
    }
}

/// An error's text, short enough for the ledger.
pub(super) fn clip(mut error: String) -> String {
    error.truncate(within(&error, ERROR_BYTES_MAX).len());
    error
}

/// As much of a text as there is room for.
pub(super) fn clip_to(text: Arc<str>, bytes: usize) -> Arc<str> {
    if text.len() > bytes { Arc::from(within(&text, bytes)) } else { text }
}
