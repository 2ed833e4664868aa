//! Dead-man alerts: the owner of a schedule is told when none of its runs has succeeded for too long.
//!
//! A success is a run that is delivered or silent, one by hand included. It is waited for from the last one on, or from
//! when the schedule was declared, its expectation changed, or it was resumed, and not before `start_at` or the anchor of an interval. It is told once, by
//! an occurrence of its own ([`Cause::Notice`]); that it was told is in the same commit, and counts until the next success.
//! While a schedule is paused nothing is expected of it.
//! Invariants: a schedule that has ended has no row here; one that was not told, and is active, has a timer. Schedules of
//! which nothing is expected cost nothing.
//! Units: `Timestamp`, `Span`. Not here: the words of the notice (`runtime`), what a success is sent as (`settle`).

use hashbrown::HashMap;

use crate::engine::change::{Cause, Change, Execution, Expected, Status};
use crate::engine::{Effect, Engine};
use crate::id::ScheduleKey;
use crate::limits::TURN_TIMERS_COUNT_MAX;
use crate::planted::{self, Bug};
use crate::time::{Span, Timestamp};
use crate::wheel::{Key, Next, Wheel};

/// Every schedule of which success is expected.
pub(super) struct Expectations {
    of: HashMap<ScheduleKey, Entry>,
    timers: Wheel<u64>,
}

struct Entry {
    expected: Expected,
    timer: Option<Key>,
}

impl Expectations {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { of: HashMap::new(), timers: Wheel::new(now.tick()) }
    }

    pub(super) fn next_expiry(&self) -> Option<u64> {
        self.timers.next_expiry()
    }

    /// How many were told of.
    pub(super) fn unmet(&self) -> usize {
        self.of.values().filter(|entry| entry.expected.told).count()
    }

    pub(super) fn has(&self, key: ScheduleKey) -> bool {
        self.of.contains_key(&key)
    }
}

impl Engine {
    /// Takes back what is expected of a schedule.
    pub fn restore_expected(&mut self, key: ScheduleKey, mut expected: Expected) {
        expected.told &= !planted::is(Bug::BootTellsAgain);
        self.expectations.of.insert(key, Entry { expected, timer: None });
    }

    /// From now on a success is waited for, if one is expected of this schedule at all.
    pub(super) fn expect_anew(&mut self, key: ScheduleKey) {
        let state = self.state(key).filter(|state| !state.status.is_over());
        let plan = state.and_then(|state| self.plans.get(state.plan)).filter(|plan| plan.expect_every.is_some());
        if plan.is_some() {
            self.note_expected(key, Expected { since: self.begins(key), told: false });
        } else {
            self.expect_nothing(key);
        }
    }

    /// Now, or when the schedule's dues begin.
    fn begins(&self, key: ScheduleKey) -> Timestamp {
        let start = self.state(key).and_then(|state| self.plans.get(state.plan)?.bounds.start_at);
        start.map_or(self.now, |start| start.max(self.now))
    }

    /// An edit may have moved the begin of a schedule's dues ahead of what was waited from.
    pub(super) fn expect_not_before_start(&mut self, key: ScheduleKey) {
        let start = self.state(key).and_then(|state| self.plans.get(state.plan)?.bounds.start_at);
        let since = self.expectations.of.get(&key).map(|entry| entry.expected.since);
        if start.zip(since).is_some_and(|(start, since)| start > since && start > self.now) {
            self.expect_anew(key);
        }
    }

    /// A run has succeeded.
    pub(super) fn has_succeeded(&mut self, key: ScheduleKey) {
        if self.expectations.has(key) && !planted::is(Bug::SuccessUnseen) {
            self.note_expected(key, Expected { since: self.begins(key), told: false });
        }
    }

    fn note_expected(&mut self, key: ScheduleKey, expected: Expected) {
        let known = self.expectations.of.entry(key).or_insert(Entry { expected, timer: None });
        known.expected = expected;
        self.effects.push_back(Effect::Persist(Change::Expected { key, expected: Some(expected) }));
        self.watch(key);
    }

    fn expect_nothing(&mut self, key: ScheduleKey) {
        if let Some(entry) = self.expectations.of.remove(&key) {
            entry.timer.map(|timer| self.expectations.timers.cancel(timer));
            self.effects.push_back(Effect::Persist(Change::Expected { key, expected: None }));
        }
    }

    /// Sets the timer that goes with what is expected of a schedule as it is now.
    pub(super) fn watch(&mut self, key: ScheduleKey) {
        if !self.expectations.has(key) {
            return;
        }
        let Some(state) = self.state(key).filter(|state| !state.status.is_over()) else {
            return self.expect_nothing(key);
        };
        let within = self.expected_within(key).filter(|_| state.status == Status::Active && self.options.serving);
        let Some(entry) = self.expectations.of.get_mut(&key) else { return };
        if let Some(timer) = entry.timer.take() {
            self.expectations.timers.cancel(timer);
        }
        if let Some(within) = within.filter(|_| !entry.expected.told) {
            let tick = entry.expected.since.plus(within).tick();
            entry.timer = Some(self.expectations.timers.insert(tick, key.0));
        }
    }

    fn expected_within(&self, key: ScheduleKey) -> Option<Span> {
        let state = self.state(key)?;
        self.plans.get(state.plan)?.expect_every
    }

    /// Builds the timers anew; what a clock that was wrong put ahead of now begins now.
    pub(super) fn load_expectations(&mut self) {
        self.expectations.timers = Wheel::new(self.now.tick());
        let mut keys: Vec<ScheduleKey> = self.expectations.of.keys().copied().collect();
        keys.sort_unstable();
        for key in keys {
            let latest = self.begins(key);
            let Some(entry) = self.expectations.of.get_mut(&key) else { continue };
            entry.timer = None;
            let expected = entry.expected;
            if expected.since > latest {
                self.note_expected(key, Expected { since: latest, ..expected });
            } else {
                self.watch(key);
            }
        }
    }

    /// Tells the owners of those that have waited too long; whether there are more than one turn takes.
    pub(super) fn tell_unmet(&mut self) -> bool {
        let mut unmet = Vec::new();
        let progress = self.expectations.timers.advance(self.now.tick(), TURN_TIMERS_COUNT_MAX, |_, _, key| {
            unmet.push(ScheduleKey(*key));
            Next::Drop
        });
        unmet.sort_unstable();
        for key in unmet {
            self.tell_of(key);
        }
        progress.more
    }

    fn tell_of(&mut self, key: ScheduleKey) {
        let Some(entry) = self.expectations.of.get_mut(&key) else { return };
        entry.timer = None;
        let Expected { since, told } = entry.expected;
        let (Some(within), Some(mut state)) = (self.expected_within(key), self.state(key)) else { return };
        if told || state.status != Status::Active {
            return;
        }
        self.note_expected(key, Expected { since, told: true });
        if planted::is(Bug::UnmetNotTold) {
            return;
        }
        let due = self.manual_due(key, &state);
        let mut notice = self.claimed(key, &mut state, due, Cause::Notice);
        let notes = format!("no run has succeeded for {within}, since {since}");
        notice.execution = Some(Box::new(Execution { notes: Some(notes.into()), ..Execution::since(self.now) }));
        self.send_or_record(&mut state, notice);
    }
}
