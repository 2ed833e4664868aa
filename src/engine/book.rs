//! What models may cost in a day, and what they have cost: reserved before a call, settled after it.
//!
//! Three limits are kept to: of a schedule, of an agent, and of everybody. A call is made only if all that was spent and
//! reserved today, and the most that this call may take, stay within each of them; so none is ever exceeded, however many
//! calls are under way. What a schedule has spent, its reservations included, is written in the batch that the call waits
//! for: a process that ends in the middle of a call leaves it counted as the most that it may have taken.
//! A day is one of UTC, by the clock at the time of the call. A clock that is set comes to another day, and finds there
//! what was spent on it: the latest days are all remembered, however the clock came to them.
//! Units: `Cost`. Invariant: the sums are those of the rows that are kept, and are rebuilt from them at boot.
//! Not here: what a call may take at most (`runtime`), which pays its own way up to what the run's tokens allow.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::engine::change::{Change, DaySpent, Kept, LaneId, Outcome, Phase};
use crate::engine::outcome::NOT_RUN_ON;
use crate::engine::settle::clip;
use crate::engine::{Bid, Effect, Engine, Payer, Refusal, Verdict};
use crate::id::{OccurrenceId, ScheduleKey};
use crate::limits::{SPENT_DAYS_COUNT_MAX, STALE_SPENT_COUNT_MAX};
use crate::money::{Cost, Spent};
use crate::planted::{self, Bug};

/// What models may cost in one day, besides what a schedule says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    /// All of them together.
    pub all: Option<Cost>,
    /// In the name of single agents.
    pub agents: BTreeMap<String, Cost>,
}

/// A limit to what may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Of a schedule, on one day.
    Schedule,
    /// Of an agent, on one day.
    Agent,
    /// Of everybody, on one day.
    All,
    /// Of tokens, in one run.
    Run,
}

/// Whom a limit holds for, and which chat is told of it.
type Told = (Limit, Option<ScheduleKey>, LaneId);

impl Limit {
    const EACH: [Self; 4] = [Self::Schedule, Self::Agent, Self::All, Self::Run];
    const OF_DAY: [Self; 3] = [Self::Schedule, Self::Agent, Self::All];

    /// What a chat was told.
    const fn told(self, key: ScheduleKey, lane: LaneId) -> Told {
        match self {
            Self::Schedule | Self::Run => (self, Some(key), lane),
            Self::Agent | Self::All => (self, None, lane),
        }
    }

    /// Its bit in [`DaySpent::told`].
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What was spent, and what is reserved.
#[derive(Default)]
pub(super) struct Book {
    today: i64,
    /// How often the day has changed.
    turns: u64,
    days: BTreeMap<i64, Day>,
    /// Of whose days some are forgotten; their rows are looked at again, a few with each call.
    stale: Vec<ScheduleKey>,
    /// Calls that are under way: of which day, and the most that they take.
    held: HashMap<OccurrenceId, (i64, Spent)>,
    verdicts: Vec<(OccurrenceId, Verdict)>,
}

/// What was spent on one day.
#[derive(Default)]
struct Day {
    /// The turn that came to it last; 0: none since the start.
    turn: u64,
    all: Cost,
    agents: HashMap<Arc<str>, Cost>,
    schedules: HashMap<ScheduleKey, DaySpent>,
    told: HashSet<Told>,
}

/// How the record of a run changes when a call is settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owed {
    reserved: Spent,
    taken: Spent,
}

impl Owed {
    pub(super) fn applied(self, spent: Spent) -> Spent {
        spent.minus(self.reserved).plus(self.taken)
    }
}

impl Book {
    pub(super) fn take_verdicts(&mut self) -> impl Iterator<Item = Effect> + use<> {
        let verdicts = std::mem::take(&mut self.verdicts).into_iter();
        verdicts.map(|(occurrence, verdict)| Effect::Judged { occurrence, verdict })
    }

    /// Comes to a day, which may be an earlier one where the clock was set.
    fn turn_to(&mut self, today: i64) {
        if today == self.today && self.days.contains_key(&today) {
            return;
        }
        self.today = today;
        self.turns += 1;
        self.days.entry(today).or_default().turn = self.turns;
        self.forget();
    }

    /// Lets go of the days that were left the longest ago; those around today may be come back to.
    fn forget(&mut self) {
        while self.days.len() > SPENT_DAYS_COUNT_MAX {
            let far = self.days.iter().filter(|(day, _)| self.today.abs_diff(**day) > 1);
            let Some((&oldest, _)) = far.min_by_key(|(day, of)| (of.turn, **day)) else { return };
            let forgotten = self.days.remove(&oldest).unwrap_or_default();
            self.stale.extend(forgotten.schedules.into_keys());
        }
    }

    /// What is known of a schedule's days, the latest first.
    fn of(&self, key: ScheduleKey) -> Vec<DaySpent> {
        let mut days: Vec<&Day> = self.days.values().filter(|day| day.schedules.contains_key(&key)).collect();
        days.reverse();
        days.sort_by_key(|day| Reverse(day.turn));
        days.into_iter().filter_map(|day| day.schedules.get(&key).cloned()).collect()
    }

    /// Why so much more must not be spent.
    fn refusal(&self, key: ScheduleKey, bid: &Bid, budgets: &Budgets) -> Option<Refusal> {
        let Payer { agent, .. } = &bid.payer;
        let today = self.days.get(&self.today)?;
        for limit in Limit::OF_DAY {
            let (most, spent) = match limit {
                Limit::Schedule | Limit::Run => (bid.limit, today.schedules.get(&key).map(|own| own.cost)),
                Limit::Agent => (budgets.agents.get(&**agent).copied(), today.agents.get(agent).copied()),
                Limit::All => (budgets.all, Some(today.all)),
            };
            let (Some(most), spent) = (most, spent.unwrap_or_default()) else { continue };
            if spent.plus(bid.most.cost) <= most {
                continue;
            }
            let (who, setting) = match limit {
                Limit::Schedule | Limit::Run => ("the schedule".to_owned(), "budget.max_cost_per_day".to_owned()),
                Limit::Agent => (format!("agent '{agent}'"), format!("agents.{agent}.quota.cost_per_day")),
                Limit::All => ("everybody together".to_owned(), "budget.cost_per_day of the config".to_owned()),
            };
            let call = bid.most.cost;
            let reason = format!(
                "{who} may spend {most} a day ({setting}); {spent} is spent or reserved today, and this run may cost \
                 up to {call}"
            );
            return Some(Refusal { limit, reason, is_lasting: call > most, payer: bid.payer.clone() });
        }
        None
    }
}

impl Day {
    /// Adds to what was spent on it, or takes from that.
    fn change(&mut self, number: i64, key: ScheduleKey, agent: &Arc<str>, change: impl Fn(Cost) -> Cost) {
        self.all = change(self.all);
        let own = self.agents.entry(Arc::clone(agent)).or_default();
        *own = change(*own);
        let (cost, told, lane) = (Cost::ZERO, 0, LaneId(0));
        let fresh = || DaySpent { day: number, cost, told, lane, agent: Arc::clone(agent) };
        let own = self.schedules.entry(key).or_insert_with(fresh);
        own.cost = change(own.cost);
        own.agent = Arc::clone(agent);
    }
}

impl Engine {
    /// Takes back what was spent for a schedule on some day, from the start of the process on; before its open runs.
    pub fn restore_spent(&mut self, key: ScheduleKey, spent: &DaySpent) {
        if planted::is(Bug::BootForgetsSpending) {
            return;
        }
        self.book.today = self.now.day();
        let day = self.book.days.entry(spent.day).or_default();
        day.change(spent.day, key, &spent.agent, |cost| cost.plus(spent.cost));
        if let Some(own) = day.schedules.get_mut(&key) {
            (own.told, own.lane) = (spent.told, spent.lane);
        }
        let told = Limit::EACH.into_iter().filter(|limit| spent.told & limit.bit() != 0);
        day.told.extend(told.map(|limit| limit.told(key, spent.lane)));
        self.book.forget();
    }

    /// A run wants to make a call.
    pub(super) fn reserve(&mut self, occurrence: OccurrenceId, bid: Bid) {
        let owed = self.settle_call(occurrence, bid.spent);
        let verdict = self.judge(occurrence, &bid, owed);
        self.drop_stale();
        self.book.verdicts.push((occurrence, verdict));
    }

    fn judge(&mut self, occurrence: OccurrenceId, bid: &Bid, owed: Owed) -> Verdict {
        let key = occurrence.schedule;
        let Some(open) = self.open.get_mut(&occurrence) else { return Verdict::NotNow };
        let Some(execution) = open.run.execution.as_mut().filter(|_| matches!(open.run.phase, Phase::Running { .. }))
        else {
            return Verdict::NotNow;
        };
        execution.spent = owed.applied(execution.spent);
        self.dirty_runs.insert(occurrence);
        if !self.options.serving {
            return Verdict::NotNow;
        }
        self.book.turn_to(self.now.day());
        if let Some(refusal) = self.book.refusal(key, bid, &self.options.budgets)
            && !planted::is(Bug::BudgetUnguarded)
        {
            return Verdict::Refused(refusal);
        }
        execution.spent = execution.spent.plus(bid.most);
        let today = self.book.today;
        self.book.held.insert(occurrence, (today, bid.most));
        self.book
            .days
            .entry(today)
            .or_default()
            .change(today, key, &bid.payer.agent, |cost| cost.plus(bid.most.cost));
        self.keep_spent(key);
        Verdict::Granted
    }

    /// A call is over: what it has taken counts in place of what was reserved for it.
    pub(super) fn settle_call(&mut self, occurrence: OccurrenceId, taken: Option<Spent>) -> Owed {
        let key = occurrence.schedule;
        let Some((day, reserved)) = self.book.held.remove(&occurrence) else {
            return Owed { reserved: Spent::ZERO, taken: taken.unwrap_or_default() };
        };
        let taken = taken.unwrap_or(reserved);
        // What was reserved on a day that is forgotten is settled with it.
        if let Some(of) = self.book.days.get_mut(&day).filter(|_| taken.cost != reserved.cost)
            && let Some(agent) = of.schedules.get(&key).map(|own| Arc::clone(&own.agent))
        {
            of.change(day, key, &agent, |cost| cost.minus(reserved.cost).plus(taken.cost));
            self.keep_spent(key);
        }
        Owed { reserved, taken }
    }

    /// The end of a run whose model was not asked. One that has asked before, or is asked for once more, has failed.
    pub(super) fn not_paid_for(&mut self, occurrence: OccurrenceId, refusal: &Refusal) {
        let Some(open) = self.open.get(&occurrence) else { return };
        let has_asked = open.run.execution.as_ref().is_some_and(|execution| execution.spent != Spent::ZERO);
        let is_skipped = !has_asked && open.run.retried.is_none();
        self.tell_of_limit(occurrence.schedule, refusal, has_asked);
        let reason = clip(refusal.reason.clone());
        if is_skipped {
            self.take_back(occurrence, Outcome::OverBudget { reason });
        } else {
            self.settle(occurrence, Outcome::Failed { error: format!("{NOT_RUN_ON}: {reason}") });
        }
    }

    /// What is kept of days that are forgotten goes, little by little.
    fn drop_stale(&mut self) {
        let from = self.book.stale.len().saturating_sub(STALE_SPENT_COUNT_MAX);
        for key in self.book.stale.split_off(from) {
            self.keep_spent(key);
        }
    }

    fn keep_spent(&mut self, key: ScheduleKey) {
        let days = self.book.of(key);
        let text = (!days.is_empty()).then(|| DaySpent::to_kept(&days));
        self.effects.push_back(Effect::Persist(Change::Kept { key, part: Kept::Spent, text }));
    }

    /// Tells the owner's chat of a limit, once a day.
    fn tell_of_limit(&mut self, key: ScheduleKey, refusal: &Refusal, has_asked: bool) {
        let Refusal { limit, reason, is_lasting, payer: Payer { title, agent } } = refusal;
        let (Some(title), Some(state)) = (title, self.state(key)) else { return };
        self.book.turn_to(self.now.day());
        let today = self.book.today;
        let day = self.book.days.entry(today).or_default();
        if self.plans.gateway(state.plan).is_none() || !day.told.insert(limit.told(key, state.lane)) {
            return;
        }
        day.change(today, key, agent, |cost| cost);
        if let Some(own) = day.schedules.get_mut(&key) {
            own.told |= limit.bit();
            own.lane = state.lane;
        }
        self.keep_spent(key);
        let what = if has_asked { "was not run to its end" } else { "was not run" };
        let further = match limit {
            Limit::Schedule | Limit::Agent | Limit::All if *is_lasting => {
                "It never runs so: raise the limit, or lower max_tokens of the provider"
            }
            Limit::Schedule => "Until the day is over, by UTC, it does not run where it may cost too much",
            Limit::Agent | Limit::All => {
                "Until the day is over, by UTC, it does not run where it may cost too much, and neither does what else may \
                 cost as much"
            }
            Limit::Run => "It needs a greater limit, or less to be told",
        };
        let text = format!("Schedule {title} {what}, for its budget: {reason}. {further}; this is told once a day.");
        self.tell(key, vec![text.into()]);
    }
}
