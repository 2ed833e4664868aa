//! A restart: rows come back from the store, then [`Engine::start`] settles what the last process left.
//!
//! Order of calls: every plan, every schedule's row, every open occurrence, then `start`.
//! What was being run is run again (`runs`); what was claimed and not handed out is sent; what was handed out and not answered is ambiguous and follows the
//! schedule's delivery guarantee, its attempt taken back so that a crash never uses up attempts.
//! Invariant: dues missed meanwhile are not touched here; they are served as ordinary work (`serve`), so a long
//! catch-up never holds up the start.

use crate::calendar::Trigger;
use crate::engine::change::{Outcome, Phase, Plan, PlanId, Run, State, Status};
use crate::engine::slots::Slot;
use crate::engine::{Engine, GRACE};
use crate::id::{OccurrenceId, ScheduleKey};
use crate::planted::{self, Bug};
use crate::spec::DeliveryGuarantee;
use crate::time::{Span, Timestamp};

/// Whether the zone rules are those under which the next dues were reckoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneRules {
    /// The same.
    Same,
    /// Other ones: local times may mean other instants now.
    Changed,
}

impl Engine {
    /// Takes back a plan.
    pub fn restore_plan(&mut self, id: PlanId, plan: Plan) {
        self.plans.restore(id, plan);
    }

    /// Takes back a schedule's row; one that has ended needs no slot.
    pub fn restore(&mut self, key: ScheduleKey, mut state: State) {
        if planted::is(Bug::BootServesAgain) && state.next_due.is_some() {
            state.next_due = state.last_due.or(state.next_due);
        }
        if !state.status.is_over() {
            self.high_water = self.high_water.max(state.last_due.unwrap_or(self.high_water));
            self.plans.retain(state.plan);
            self.slots.insert(key, Slot { state, timer: None, open: 0 });
        }
    }

    /// Takes back an occurrence that was not settled. The slot of its schedule must be there: one that has ended is
    /// recalled first. An update may have taken its destination away while it was being sent: then it ends here.
    pub fn restore_run(&mut self, run: Run) {
        let Some(slot) = self.slots.get(run.occurrence.schedule) else { return };
        let (state, occurrence) = (slot.state, run.occurrence);
        let (lane, gateway) = self.way(&state, run.execution.as_ref().and_then(|execution| execution.to.as_ref()));
        let has_nowhere_to_go = match run.phase {
            Phase::Spread(_) => false,
            _ if run.phase.is_before_text() => self.plans.provider(state.plan).is_none(),
            _ => gateway.is_empty(),
        };
        self.hold_open(lane, gateway, run);
        if has_nowhere_to_go {
            self.settle(occurrence, Outcome::Cancelled);
        }
    }

    /// Everything is restored: arms the wheel and settles what the last process left.
    pub fn start(&mut self, now: Timestamp, rules: ZoneRules) {
        self.plans.finish_restoring();
        if !self.options.serving {
            return;
        }
        self.now = now;
        let step = if self.high_water > now.plus(GRACE) { self.high_water.since(now) } else { Span::ZERO };
        if step > Span::ZERO {
            self.stepped_back(now, step);
        }
        if rules == ZoneRules::Changed {
            self.reckon_anew();
        }
        self.load_wheel();
        let open: Vec<OccurrenceId> = self.open.keys().copied().collect();
        let mut open: Vec<_> = open.into_iter().map(|id| (id.due, id.schedule, id)).collect();
        open.sort_unstable();
        for &(_, _, occurrence) in &open {
            self.restore_turn(occurrence);
        }
        for (_, _, occurrence) in open {
            self.resume_open(occurrence, step);
        }
        self.flush();
    }

    /// Builds the wheel from the slots: it is a cache of them.
    pub(super) fn load_wheel(&mut self) {
        self.overdue.clear();
        self.dues = crate::wheel::Wheel::with_capacity(self.now.tick(), self.slots.len());
        for page in self.slots.pages() {
            for key in self.slots.keys_of(page) {
                let Some(state) = self.state(key) else { continue };
                let due = state.next_due.filter(|_| state.status == Status::Active);
                let tick = due.map(|due| self.timer_tick(self.deadline(key, &state, due)));
                let timer = tick.map(|tick| self.dues.insert(tick, key.0));
                self.slots.change(key, |slot| slot.timer = timer);
            }
        }
    }

    /// `step` is how far the clock was set back meanwhile.
    fn resume_open(&mut self, occurrence: OccurrenceId, step: Span) {
        let guarantee = self.policy(occurrence).delivery;
        let was_edited = self.was_edited_one_shot(occurrence);
        let now = self.now;
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        let is_made = matches!(open.run.phase, Phase::Pending | Phase::Sending { .. } | Phase::Retry { .. });
        if planted::is(Bug::BootRunsAgain) && open.run.execution.is_some() && is_made {
            return self.line_up_run(occurrence);
        }
        match open.run.phase {
            Phase::Buffered | Phase::Waiting | Phase::Running { .. } | Phase::Rerun { .. } => {
                self.resume_run(occurrence, step);
            }
            // Its deliveries go on.
            Phase::Spread(_) => {}
            Phase::Pending if planted::is(Bug::BootForgetsClaimed) => {}
            Phase::Pending if occurrence.delivery > 0 && planted::is(Bug::BootForgetsDeliveries) => {}
            Phase::Pending => self.line_up(occurrence),
            Phase::Sending { .. } if planted::is(Bug::BootTakesSendingForDelivered) => {
                self.settle(occurrence, Outcome::Delivered { message_id: None });
            }
            Phase::Sending { .. } if guarantee == DeliveryGuarantee::AtMostOnce => {
                let error = "the process ended before the gateway answered".into();
                self.settle(occurrence, Outcome::Unknown { error });
            }
            // An edited one-shot whose old words a gateway may have taken is not sent anew.
            Phase::Sending { .. } if was_edited => self.settle(occurrence, Outcome::Cancelled),
            Phase::Sending { .. } => self.back_in_line(occurrence),
            Phase::Retry { at, .. } => {
                open.run.claimed_at = open.run.claimed_at.min(now);
                if let Some(retried) = &mut open.run.retried {
                    retried.at = retried.at.min(now);
                }
                if let Some(execution) = &mut open.run.execution {
                    execution.since = execution.since.min(now);
                }
                let at = at.minus(step).max(now).max(occurrence.due);
                open.timer = Some(self.retries.insert(at.tick(), occurrence));
                self.lanes.hold_again(open.lane, &open.gateway, occurrence, now, at);
            }
            Phase::Settled { .. } => {
                self.lanes.closed(&open.gateway);
                self.open.remove(&occurrence);
            }
        }
    }

    /// Zone rules changed: dues of cron patterns that lie ahead are reckoned anew; what is overdue stays. Where the new
    /// rules put a due between the last process and this one, nobody knew of it then, and it is not made up for.
    fn reckon_anew(&mut self) {
        for key in self.slots.keys() {
            let Some(mut state) = self.state(key) else { continue };
            let Some(plan) = self.plans.get(state.plan) else { continue };
            let (Trigger::Cron(cron), Some(_)) = (&plan.trigger, state.next_due.filter(|due| *due > self.now)) else {
                continue;
            };
            let floor = state.last_due.map_or(self.now, |last| last.max(self.now));
            let start = plan.bounds.start_at.map_or(floor, |start| floor.max(start.minus(Span::from_millis(1))));
            let next = cron.next_after(start);
            if next != state.next_due {
                let end = plan.bounds.end_at;
                state.next_due = next.filter(|next| end.is_none_or(|end| *next <= end));
                if state.next_due.is_none() {
                    state.status = Status::Completed;
                }
                self.put(key, state);
            }
        }
    }
}
