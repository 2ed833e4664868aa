//! A clock that jumps.
//!
//! Forward is an interruption like any other: what passed meanwhile is a misfire. Backward, the rule is that of
//! daylight saving (`calendar`) and of cronie: what keeps a cadence (`every`, cron with a wildcard time) goes on at
//! once, under a new generation, so that no occurrence is made twice; a fixed time that was served is not served
//! again when it comes round, unless the step was longer than
//! [`CLOCK_BACK_MS_MAX`](crate::limits::CLOCK_BACK_MS_MAX): then the clock had been wrong, and everything recurring
//! is armed anew.
//! Units: `Timestamp`. Source: cronie's four classes of clock changes.

use crate::calendar::Trigger;
use crate::engine::change::{Change, Phase, Plan};
use crate::engine::{Effect, Engine, GRACE};
use crate::id::OccurrenceId;
use crate::limits::{CLOCK_BACK_MS_MAX, CLOCK_SLEW_MS_MAX};
use crate::planted::{self, Bug};
use crate::time::{Span, Timestamp};

impl Engine {
    /// Takes note of the time, and of what happened to the clock since the last time.
    pub(super) fn observe(&mut self, now: Timestamp) {
        if now.plus(Span::from_millis(CLOCK_SLEW_MS_MAX)) < self.latest {
            let step = self.latest.since(now);
            self.now = now;
            self.lanes.now = now;
            self.latest = now;
            self.stepped_back(now, step);
            self.shift_waits(step);
            if self.options.serving {
                self.load_wheel();
            }
        } else if now.since(self.now) > GRACE {
            self.missed_until = now.minus(GRACE);
        }
        self.now = now;
        self.lanes.now = now;
        self.latest = self.latest.max(now);
    }

    /// The clock was set back by `step` and says `now`: dues come again. Those of a paused schedule too, or its
    /// resume would wait for the time that was wrong.
    pub(super) fn stepped_back(&mut self, now: Timestamp, step: Span) {
        self.missed_until = self.missed_until.min(now.minus(GRACE));
        self.high_water = now;
        self.history_day = i64::MIN;
        for key in self.slots.keys() {
            let Some(mut state) = self.state(key) else { continue };
            let Some(plan) = self.plans.get(state.plan) else { continue };
            let Some(due) = state.next_due else { continue };
            if !plan.goes_on_after(step) {
                continue;
            }
            let Some(next) = plan.first_after(due, now).filter(|next| *next < due) else { continue };
            state.generation += u32::from(!planted::is(Bug::BackwardKeepsGeneration));
            state.next_due = Some(next);
            self.put(key, state);
        }
    }

    /// Waits for another attempt end as much earlier as the clock was set back, but never before the due; what
    /// stands in a queue and is not due any more waits for its due again.
    fn shift_waits(&mut self, step: Span) {
        self.lanes.shift(step);
        self.retries = crate::wheel::Wheel::new(self.now.tick());
        for open in self.open.values_mut() {
            open.run.claimed_at = open.run.claimed_at.min(self.now);
            if let Some(retried) = &mut open.run.retried {
                retried.at = retried.at.min(self.now);
            }
            // It belonged to the wheel that is gone.
            open.timer = None;
            if let Some(execution) = &mut open.run.execution {
                execution.since = execution.since.min(self.now);
            }
        }
        let waiting: Vec<OccurrenceId> = self.open.keys().copied().collect();
        for occurrence in waiting {
            let Some(open) = self.open.get_mut(&occurrence) else { continue };
            match &mut open.run.phase {
                Phase::Retry { at, .. } => {
                    *at = at.minus(step).max(occurrence.due);
                    open.timer = Some(self.retries.insert(at.tick(), occurrence));
                    self.lanes.remove(open.lane, occurrence);
                    self.dirty_runs.insert(occurrence);
                }
                Phase::Pending => {
                    self.lanes.remove(open.lane, occurrence);
                    self.line_up(occurrence);
                }
                Phase::Buffered | Phase::Waiting | Phase::Running { .. } | Phase::Rerun { .. } => {
                    self.shift_run(occurrence, step);
                }
                Phase::Spread(_) | Phase::Sending { .. } | Phase::Settled { .. } => {}
            }
        }
    }

    /// Once a day, history that is too old goes.
    pub(super) fn drop_old_history(&mut self) {
        let day = self.now.day();
        if day > self.history_day {
            self.history_day = day;
            let days = self.options.history_days - u32::from(planted::is(Bug::HistoryGoesEarly));
            let kept = Span::from_seconds(86_400 * u64::from(days));
            self.effects.push_back(Effect::Persist(Change::DropHistory { before: self.now.minus(kept) }));
        }
    }
}

impl Plan {
    /// Whether the clock's going back by `step` brings dues again.
    fn goes_on_after(&self, step: Span) -> bool {
        self.trigger.is_recurring() && (self.trigger.keeps_cadence() || step.as_millis() > CLOCK_BACK_MS_MAX)
    }

    /// The first due after `now`, on the grid of a known due that may be later.
    pub(super) fn first_after(&self, known: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let floor = self.bounds.start_at.map_or(now, |start| now.max(start.minus(Span::from_millis(1))));
        match &self.trigger {
            Trigger::At(_) => None,
            Trigger::Every { period, .. } => {
                let ahead = known.since(floor).as_millis();
                let steps = ahead.saturating_sub(1) / period.as_millis().max(1);
                Some(known.minus(Span::from_millis(steps * period.as_millis())))
            }
            Trigger::Cron(cron) => cron.next_after(floor),
        }
    }
}
