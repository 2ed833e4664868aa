//! The scheduling core: an input and the time go in, effects come out.
//!
//! The contract has three calls, in this order, for ever: [`Engine::handle`] makes one mutation at a given instant,
//! [`Engine::poll_effect`] is drained until it answers `None`, [`Engine::next_wakeup`] says how long to sleep.
//! Effects come in order: what must be durable ([`Effect::Persist`]) stands before what may only happen afterwards
//! (`Send`, `Reply`, `Forget`), so the caller commits everything up to a point and then acts.
//!
//! One occurrence goes `Pending -> Sending -> Delivered`, with `Retry` between, and ends in exactly one settled
//! phase (`change.rs`). Before that, one whose text a model or a script makes goes `Waiting -> Running -> Pending`, with
//! `Rerun` between, and `Buffered` ahead while an earlier run of its schedule is not over (`overlap.rs`, `runs.rs`); where
//! several texts are made it is `Spread` until each of these is delivered (`spread.rs`). What else a hook says:
//! `said.rs`.
//! Who claims dues: `serve.rs`; what became of a send: `settle.rs`; what people ask for:
//! `declare.rs`; a restart: `boot.rs`; a clock that jumped: `clock.rs`; who waits for whom: `lanes.rs`; for what
//! platform: `gates.rs`; what was given up and is tried again: `letters.rs`; too many failures in a row: `streak.rs`;
//! what may be spent: `book.rs`; which dues count: `dues.rs`; an edit of what waits: `edited.rs`.
//!
//! Units: `Timestamp` outside, the wheel's ticks (the same milliseconds) inside.
//! Invariants: nothing here reads a clock or chance; the wheels are caches of the slots; every due of a live
//! schedule up to `now` is covered by one record once `handle(now, Tick)` has drained, or its schedule stands in line to
//! be caught up (`overdue.rs`).
//! Not here: texts and destinations (`store`, read when sent), ids and names (`runtime`), zones (`calendar`).

mod backoff;
mod book;
pub mod boot;
pub mod change;
mod clock;
mod declare;
mod dues;
mod edited;
mod gates;
mod input;
mod kept;
mod lanes;
mod letters;
mod options;
mod outcome;
mod overdue;
mod overlap;
mod plans;
mod runs;
mod said;
mod serve;
mod settle;
mod slots;
mod spread;
mod streak;
mod turns;
mod window;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::engine::book::Book;
use crate::engine::change::{Change, LaneId, Run, State};
use crate::engine::lanes::Lanes;
use crate::engine::overdue::Overdue;
use crate::engine::plans::Plans;
use crate::engine::runs::Runs;
use crate::engine::slots::Slots;
use crate::id::{OccurrenceId, ScheduleKey};
use crate::planted::{self, Bug};
use crate::time::{Span, Timestamp};
use crate::wheel::{Key, Wheel};

pub use backoff::fires_at;
pub use book::{Budgets, Limit};
pub use gates::Gated;
pub use input::{
    Answer, Bid, Effect, Input, OpId, Outgoing, Paid, Payer, Ran, Refusal, Reply, RunEnd, Said, Start, Timing,
    Verdict,
};
pub use letters::{Again, Letter};
pub use options::Options;
pub use window::{Content, Window};

/// Figures for `status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Schedules with a timer.
    pub armed: usize,
    /// Schedules the engine holds, paused ones included.
    pub held: usize,
    /// Occurrences not settled yet.
    pub open: usize,
    /// Of these, how many wait for another attempt.
    pub retrying: usize,
    /// Schedules that missed a due and stand in line to be caught up.
    pub overdue: usize,
    /// Runs with their runners, those included whose end was asked for.
    pub running: usize,
}

/// The scheduling core.
pub struct Engine {
    options: Options,
    now: Timestamp,
    /// The latest time seen since the clock was last set back: whatever is claimed was due by then.
    latest: Timestamp,
    missed_until: Timestamp,
    /// The latest due served before the start: the clock has been at least there.
    high_water: Timestamp,
    history_day: i64,
    slots: Slots,
    plans: Plans,
    dues: Wheel<u64>,
    retries: Wheel<OccurrenceId>,
    backlog: bool,
    overdue: Overdue,
    open: BTreeMap<OccurrenceId, Open>,
    lanes: Lanes,
    runs: Runs,
    book: Book,
    manual: BTreeSet<OccurrenceId>,
    dirty_slots: BTreeSet<ScheduleKey>,
    dirty_runs: BTreeSet<OccurrenceId>,
    finished: Vec<ScheduleKey>,
    /// How many `Forget`s of a schedule have not come back; each stands behind another batch.
    leaving: BTreeMap<ScheduleKey, u32>,
    replies: Vec<(OpId, Reply)>,
    effects: VecDeque<Effect>,
}

/// An occurrence that is not settled yet.
#[derive(Clone, Debug)]
struct Open {
    run: Run,
    lane: LaneId,
    gateway: Arc<str>,
    /// Travels by itself, so that an attempt never made is never taken for one.
    alone: bool,
    /// Its schedule was cancelled or replaced while it was being sent: no further attempt.
    superseded: bool,
    /// The end of its wait for another attempt.
    timer: Option<Key>,
}

impl Engine {
    /// An engine without schedules; [`Engine::start`] comes next, after whatever is restored.
    #[must_use]
    pub fn new(now: Timestamp, options: Options) -> Self {
        let paces = Arc::clone(&options.paces);
        Self {
            plans: Plans::new(Arc::clone(&options.routing)),
            options,
            now,
            latest: now,
            missed_until: now.minus(GRACE),
            high_water: Timestamp::from_millis(i64::MIN),
            history_day: i64::MIN,
            slots: Slots::default(),
            dues: Wheel::new(now.tick()),
            retries: Wheel::new(now.tick()),
            backlog: false,
            overdue: Overdue::default(),
            open: BTreeMap::new(),
            lanes: Lanes::new(now, paces),
            runs: Runs::default(),
            book: Book::default(),
            manual: BTreeSet::new(),
            dirty_slots: BTreeSet::new(),
            dirty_runs: BTreeSet::new(),
            finished: Vec::new(),
            leaving: BTreeMap::new(),
            replies: Vec::new(),
            effects: VecDeque::new(),
        }
    }

    /// One mutation at `now`; then drain [`Engine::poll_effect`].
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        self.observe(now);
        match input {
            Input::Tick => self.serve_dues(),
            Input::Wait => {}
            Input::Create { op, key, schedule, start, generation } => {
                self.create(op, key, schedule, start, generation);
            }
            Input::Update { op, key, schedule, timing, paused } => self.update(op, key, schedule, timing, paused),
            Input::Pause { op, key, note } => self.pause(op, key, note),
            Input::Resume { op, key } => self.resume(op, key),
            Input::Cancel { op, key } => self.cancel(op, key),
            Input::RunNow { op, key } => self.run_now(op, key),
            Input::Retry { op, letter } => self.retry_letter(op, *letter),
            Input::Drop { op, run } => self.drop_letter(op, *run),
            Input::Answered { occurrence, answer } => self.answered(occurrence, answer),
            Input::Ran { occurrence, ran } => self.ran(occurrence, ran),
            Input::Reserve { occurrence, bid } => self.reserve(occurrence, bid),
            Input::Recall { key, state, schedule } => self.recall(key, state, &schedule),
            Input::Forget { key } => self.forget(key),
        }
        self.flush();
    }

    /// The next effect of what was handled.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Input::Tick`] has something to do; never too late.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        if self.backlog || self.room_is_waited_for() {
            return Some(self.now);
        }
        let due = self.dues.next_expiry();
        let retry = self.retries.next_expiry();
        let slewed = (self.now < self.latest).then_some(self.latest.tick());
        let overdue = self.overdue.next_wakeup(self.now).map(Timestamp::tick);
        let gate = self.lanes.waits.next_expiry();
        due.into_iter().chain(retry).chain(gate).chain(slewed).chain(overdue).min().map(Timestamp::from_tick)
    }

    /// How late the oldest due is that should have been served by `now`, or the oldest retry. What was missed while
    /// nothing ran does not count: it is caught up at a rate of its own.
    #[must_use]
    pub fn lag(&self, now: Timestamp) -> Span {
        let fresh = self.oldest().filter(|oldest| *oldest > self.missed_until);
        fresh.map_or(Span::ZERO, |oldest| now.since(oldest))
    }

    /// How many schedules that missed a due are known to wait for it to be caught up.
    #[must_use]
    pub fn catching_up(&self) -> u64 {
        let not_in_line_yet = self.oldest().is_some_and(|oldest| oldest <= self.missed_until);
        self.overdue.in_line() as u64 + u64::from(not_in_line_yet)
    }

    /// When the earliest due or retry was to be served.
    fn oldest(&self) -> Option<Timestamp> {
        let oldest = self.dues.next_expiry().into_iter().chain(self.retries.next_expiry()).min();
        oldest.map(Timestamp::from_tick)
    }

    /// Whether the engine holds the row of this schedule; if not, [`Input::Recall`] gives it back.
    #[must_use]
    pub fn holds(&self, key: ScheduleKey) -> bool {
        self.slots.get(key).is_some()
    }

    /// The row of a schedule it holds, what is not durable yet included.
    #[must_use]
    pub fn state(&self, key: ScheduleKey) -> Option<State> {
        self.slots.get(key).map(|slot| slot.state)
    }

    /// Figures for `status`.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            armed: self.dues.len(),
            held: self.slots.len(),
            open: self.open.len(),
            retrying: self.retries.len(),
            overdue: self.overdue.len(),
            running: self.runs.in_flight(),
        }
    }

    /// Gateways that may not send right now, or not to every chat.
    #[must_use]
    pub fn gated(&self) -> Vec<Gated> {
        self.lanes.gated()
    }

    /// Occurrences handed to gateways or runners and not answered yet.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.lanes.in_flight() + self.runs.in_flight()
    }

    /// No further delivery is begun; answers to those in flight are still taken.
    pub fn stop_serving(&mut self) {
        self.options.serving = false;
    }

    /// Turns what changed into effects: rows first, then what must follow them.
    fn flush(&mut self) {
        // A clock that slewed back must come to where it was, or something would be sent before its due.
        let is_there = self.now >= self.latest || planted::is(Bug::SlewSendsEarly);
        let goes_on = self.options.serving && is_there;
        let runs = if goes_on { self.begin_runs() } else { Vec::new() };
        let windows = if goes_on { self.open_windows() } else { Vec::new() };
        for (id, plan) in self.plans.take_added() {
            self.effects.push_back(Effect::Persist(Change::Plan { id, plan }));
        }
        for key in std::mem::take(&mut self.dirty_slots) {
            if let Some(slot) = self.slots.get(key) {
                self.effects.push_back(Effect::Persist(Change::State { key, state: slot.state }));
            }
        }
        for occurrence in std::mem::take(&mut self.dirty_runs) {
            if let Some(open) = self.open.get(&occurrence) {
                self.effects.push_back(Effect::Persist(Change::Run(open.run.clone())));
            }
        }
        for id in self.plans.take_dropped() {
            self.effects.push_back(Effect::Persist(Change::PlanDropped { id }));
        }
        self.effects.extend(windows.into_iter().map(Effect::Send));
        self.effects.extend(runs);
        self.effects.extend(self.runs.take_ends());
        self.effects.extend(self.book.take_verdicts());
        for (op, reply) in self.replies.drain(..) {
            self.effects.push_back(Effect::Reply { op, reply });
        }
        for key in self.finished.drain(..) {
            *self.leaving.entry(key).or_default() += 1;
            self.effects.push_back(Effect::Forget { key });
        }
    }

    fn reply(&mut self, op: OpId, reply: Reply) {
        self.replies.push((op, reply));
    }

    fn record(&mut self, run: Run) {
        self.effects.push_back(Effect::Persist(Change::Run(run)));
    }
}

/// What a due may be behind after an interruption before it counts as a misfire.
const GRACE: Span = Span::from_millis(crate::limits::MISFIRE_GRACE_MS_MAX);
