//! Texts that were made: one goes the way of any other; of several, each becomes a delivery of its own.
//!
//! A delivery has a record, a key, a place in its chat's queue and attempts of its own, so one that waits for its next
//! attempt holds up no other chat, and is sent with the same bytes each time. The occurrence waits for all of them and is
//! settled in the commit that settles the last: delivered when all are, or else failed with the names of those that did.
//! A delivery counts neither as a run nor as a failure.
//! Invariant: an occurrence that is spread has as many open deliveries as it says are left.
//! Not here: who makes texts (`runs`), attempts (`settle`), what several texts are made of (`runtime`).

use std::sync::Arc;

use crate::engine::change::{Change, Execution, LaneId, Outcome, Phase, Run, Spread, State};
use crate::engine::declare::lane_to;
use crate::engine::runs::NO_DESTINATION;
use crate::engine::settle::clip;
use crate::engine::{Effect, Engine, Open, Outgoing};
use crate::id::OccurrenceId;
use crate::limits::DELIVERIES_COUNT_MAX;
use crate::planted::{self, Bug};
use crate::spec::Destination;

impl Engine {
    /// There are texts: they are written down, and sent.
    pub(super) fn composed(&mut self, occurrence: OccurrenceId, mut texts: Vec<Outgoing>) {
        self.was_made(occurrence);
        let count = texts.len();
        if count > DELIVERIES_COUNT_MAX {
            let error = format!("{count} deliveries, more than {DELIVERIES_COUNT_MAX}: join some of the texts");
            self.settle(occurrence, Outcome::Failed { error });
        } else if count > 1 {
            self.spread(occurrence, texts);
        } else if let Some(only) = texts.pop() {
            self.composed_one(occurrence, only);
        } else {
            self.settle(occurrence, Outcome::Silent { reason: "there is nothing to deliver".into() });
        }
    }

    /// There is a text: the age that ends retries counts from here.
    pub(super) fn was_made(&mut self, occurrence: OccurrenceId) {
        let now = self.now;
        let open = self.open.get_mut(&occurrence);
        if let Some(execution) = open.and_then(|open| open.run.execution.as_mut()) {
            execution.since = now;
        }
    }

    fn composed_one(&mut self, occurrence: OccurrenceId, Outgoing { text, to }: Outgoing) {
        let Some(state) = self.state(occurrence.schedule) else { return };
        let (lane, gateway) = self.way(&state, to.as_ref());
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        open.run.phase = Phase::Pending;
        open.lane = lane;
        self.lanes.closed(&open.gateway);
        self.lanes.opened(&gateway);
        open.gateway = gateway;
        if let Some(execution) = &mut open.run.execution {
            execution.to = to;
        }
        self.dirty_runs.insert(occurrence);
        self.effects.push_back(Effect::Persist(Change::Text { occurrence, text }));
        self.run_is_over(occurrence);
        self.send_off(occurrence);
    }

    pub(super) fn spread(&mut self, occurrence: OccurrenceId, texts: Vec<Outgoing>) {
        let (now, count) = (self.now, texts.len() as u16);
        let Some(state) = self.state(occurrence.schedule) else { return };
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        open.run.phase = Phase::Spread(Spread { left: count, ..Spread::default() });
        if let Some(execution) = &mut open.run.execution {
            execution.deliveries = count;
        }
        let Run { cause, number, claimed_at, .. } = open.run;
        self.dirty_runs.insert(occurrence);
        for (delivery, Outgoing { text, to }) in occurrence.deliveries(count).zip(texts) {
            let (lane, gateway) = self.way(&state, to.as_ref());
            let execution = Some(Box::new(Execution { to, ..Execution::since(now) }));
            let (range, retried, attempt, phase) = (None, None, 0, Phase::Pending);
            let run =
                Run { occurrence: delivery, range, cause, number, claimed_at, attempt, retried, execution, phase };
            self.hold_open(lane, gateway, run);
            self.dirty_runs.insert(delivery);
            self.effects.push_back(Effect::Persist(Change::Text { occurrence: delivery, text }));
        }
        self.run_is_over(occurrence);
        for delivery in occurrence.deliveries(count) {
            self.send_off(delivery);
        }
    }

    /// To its place in its chat's queue, if there is a chat.
    pub(super) fn send_off(&mut self, occurrence: OccurrenceId) {
        if self.open.get(&occurrence).is_some_and(|open| open.gateway.is_empty()) {
            self.settle(occurrence, Outcome::Silent { reason: NO_DESTINATION.into() });
        } else {
            self.line_up(occurrence);
        }
    }

    /// The queue and the gateway of a text: its own, or the schedule's; no gateway: there is nowhere to send it.
    pub(super) fn way(&self, state: &State, to: Option<&Destination>) -> (LaneId, Arc<str>) {
        match to {
            Some(to) => (lane_to(to), Arc::from(to.gateway.as_str())),
            None => (state.lane, self.plans.gateway(state.plan).unwrap_or_default()),
        }
    }

    /// One delivery is settled; with the last of them the occurrence is.
    pub(super) fn delivery_is_over(&mut self, delivery: OccurrenceId, to: Option<&Destination>, outcome: &Outcome) {
        let occurrence = delivery.whole();
        let Some(Open { run: Run { phase: Phase::Spread(spread), .. }, .. }) = self.open.get_mut(&occurrence) else {
            return;
        };
        spread.count(to, outcome);
        let is_over = spread.left == 0 || planted::is(Bug::SpreadSettledEarly) && spread.delivered > 0;
        let outcome = is_over.then(|| spread.outcome());
        self.dirty_runs.insert(occurrence);
        if let Some(outcome) = outcome {
            self.settle(occurrence, outcome);
        }
    }
}

impl Spread {
    pub(super) fn count(&mut self, to: Option<&Destination>, outcome: &Outcome) {
        self.left = self.left.saturating_sub(1);
        match outcome {
            Outcome::Delivered { .. } => self.delivered += 1,
            Outcome::Failed { error } | Outcome::Dropped { error } => {
                self.failed += 1;
                self.tell_of(to, error);
            }
            Outcome::Unknown { error } => {
                self.unknown += 1;
                self.tell_of(to, error);
            }
            Outcome::Cancelled | Outcome::Displaced => self.cancelled += 1,
            Outcome::Silent { .. } | Outcome::Skipped(_) | Outcome::Gated { .. } | Outcome::OverBudget { .. } => {}
        }
    }

    fn tell_of(&mut self, to: Option<&Destination>, error: &str) {
        let to = to.map_or_else(|| "the schedule's destination".to_owned(), ToString::to_string);
        let before = std::mem::take(&mut self.errors);
        let errors = if before.is_empty() { format!("{to}: {error}") } else { format!("{before}; {to}: {error}") };
        self.errors = clip(errors);
    }

    /// How the occurrence ended.
    fn outcome(&self) -> Outcome {
        let Self { left, delivered, failed, unknown, cancelled, ref errors } = *self;
        let all =
            u32::from(left) + u32::from(delivered) + u32::from(failed) + u32::from(unknown) + u32::from(cancelled);
        match (failed, unknown, cancelled, delivered) {
            (0, 0, 0, 0) => Outcome::Silent { reason: NO_DESTINATION.into() },
            (0, 0, 0, _) => Outcome::Delivered { message_id: None },
            (0, 0, ..) => Outcome::Cancelled,
            (0, ..) => {
                Outcome::Unknown { error: clip(format!("{unknown} of {all} deliveries may be lost: {errors}")) }
            }
            _ => Outcome::Failed { error: clip(format!("{failed} of {all} deliveries failed: {errors}")) },
        }
    }
}
