//! What models cost in a simulation: each call to one of them asks for leave, is told the most that it may take, and takes
//! less, or nobody knows how much.
//!
//! Every call that was made is written down here, outside the engine, with what it took, or with the most where nobody was
//! told. I17: on no day do the calls of a schedule, of an agent, or of everybody come to more than may be spent. A day is
//! the wall's at the time of the question; a clock that comes back to one soon finds what was spent on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chimewheel::engine::{Bid, Budgets, Input, Paid, Payer, Ran, RunEnd, Verdict as Leave};
use chimewheel::id::OccurrenceId;
use chimewheel::money::{Cost, Spent};
use chimewheel::runtime::runs;
use chimewheel::spec::{Payload, Schedule};
use chimewheel::time::{Span, Timestamp};

use super::check::Verdict;
use super::load::AGENTS;
use super::run::Played;
use super::world::{Event, World};

/// What everybody may spend in a day, in millionths.
const ALL: u64 = 2_000_000;
/// What the first of the agents may.
const FIRST: u64 = 800_000;
/// What some schedules may.
pub const OWN: u64 = 300_000;

/// True time for which a day is known to which the clock may come back.
const KNOWN_MS: i64 = 172_800_000;

/// A call that waits for leave.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    most: u64,
    /// The day on which it was asked for.
    day: i64,
}

/// A call that was made.
#[derive(Clone, Debug)]
pub struct Spending {
    pub true_ms: i64,
    pub id: String,
    pub agent: String,
    pub own: Option<u64>,
    pub day: i64,
    pub micros: u64,
}

pub fn budgets() -> Arc<Budgets> {
    let first = (AGENTS[0].to_owned(), Cost::from_micros(FIRST));
    Arc::new(Budgets { all: Some(Cost::from_micros(ALL)), agents: BTreeMap::from([first]) })
}

fn own(schedule: &Schedule) -> Option<Cost> {
    match &schedule.payload {
        Payload::Task(task) => task.budget.max_cost_per_day,
        Payload::Message(_) | Payload::Template(_) => None,
    }
}

impl World {
    /// A run is to ask a model that costs something.
    pub fn want(&mut self, occurrence: OccurrenceId) {
        let Some(process) = &self.process else { return };
        let boot = process.boot;
        let most = 10_000 * (1 + self.chance.below(30));
        self.calls.insert(occurrence, Call { most, day: 0 });
        let soon = self.chance.below(40) as i64;
        self.plan(soon, Event::Bid(boot, occurrence));
    }

    pub fn bid(&mut self, occurrence: OccurrenceId) {
        let wall = Timestamp::from_millis(self.wall());
        let Some(process) = &self.process else { return };
        let Some(call) = self.calls.get_mut(&occurrence) else { return };
        call.day = wall.day();
        let most = Spent { cost: Cost::from_micros(call.most), tokens: 0 };
        let schedule = process.reader.schedule(occurrence.schedule).expect("a readable store").expect("a schedule").1;
        let payer = Payer { title: Some(schedule.title().into()), agent: schedule.agent.as_str().into() };
        let bid = Bid { payer, limit: own(&schedule), spent: Some(Spent::ZERO), most };
        self.note(&format!("{occurrence:?} may take {most:?}"));
        self.turn(Some(chimewheel::runtime::Message::Input(Input::Reserve { occurrence, bid })));
    }

    pub fn judged(&mut self, occurrence: OccurrenceId, leave: Leave) {
        let Some(call) = self.calls.remove(&occurrence) else { return };
        let Some(process) = &self.process else { return };
        let (boot, reader) = (process.boot, process.reader.clone());
        self.note(&format!("leave for {occurrence:?}: {leave:?}"));
        match leave {
            Leave::Granted => {
                let took = (!self.chance.one_in(6)).then(|| self.chance.below(call.most + 1));
                let schedule = reader.schedule(occurrence.schedule).expect("a readable store").expect("a schedule").1;
                self.history.spending.push(Spending {
                    true_ms: self.true_ms,
                    id: schedule.id.to_string(),
                    agent: schedule.agent.clone(),
                    own: own(&schedule).map(Cost::as_micros),
                    day: call.day,
                    micros: call.most,
                });
                let number = self.history.spending.len() - 1;
                let spent = took.map(|micros| Spent { cost: Cost::from_micros(micros), tokens: 0 });
                self.make_run(occurrence, Paid { spent, ..Paid::NOTHING }, took.map(|micros| (number, micros)));
            }
            Leave::Refused(refusal) => {
                let end = RunEnd::OverBudget(refusal);
                self.end_unasked(occurrence, Ran { took: Span::ZERO, end, said: None, paid: Paid::NOTHING });
            }
            Leave::NotNow => self.plan(0, Event::Tell(boot, runs::not_begun(occurrence))),
        }
    }

    /// A run that waits for leave is wanted no more.
    pub fn end_waiting(&mut self, occurrence: OccurrenceId) -> bool {
        let Some(process) = &self.process else { return false };
        let boot = process.boot;
        let was_waiting = self.calls.remove(&occurrence).is_some();
        if was_waiting {
            let end = RunEnd::Ambiguous { error: "it was ended".to_owned() };
            let ran = Ran { took: Span::ZERO, end, said: None, paid: Paid::UNKNOWN };
            self.plan(0, Event::Tell(boot, runs::ended(occurrence, ran)));
        }
        was_waiting
    }
}

/// No limit was exceeded, whatever broke.
pub fn check(played: &Played, verdict: &mut Verdict) {
    let mut days: BTreeMap<i64, (i64, BTreeMap<String, u64>)> = BTreeMap::new();
    for Spending { true_ms, id, agent, own, day, micros } in &played.history.spending {
        let (last_ms, sums) = days.entry(*day).or_default();
        if true_ms - *last_ms > KNOWN_MS {
            sums.clear();
        }
        *last_ms = *true_ms;
        let all = [
            Some(("everybody".to_owned(), ALL)),
            (agent == AGENTS[0]).then(|| (format!("agent {agent}"), FIRST)),
            own.map(|limit| (format!("schedule {id}"), limit)),
        ];
        for (who, limit) in all.into_iter().flatten() {
            let sum = sums.entry(who.clone()).or_default();
            *sum += micros;
            let sum = *sum;
            verdict.claim(sum <= limit, || format!("I17: {who} spent {sum} of {limit} on day {day}"));
        }
    }
}
