//! Runs whose text a model or a script makes: who may begin, who is with a runner, and what became of an attempt.
//!
//! A provider takes so many at a time, all of them together so many; the others wait in line, oldest due first, and
//! cost nothing but their record. Scripts that ask no model stand in a line of their own, which no model holds up. An attempt is journalled before its runner is called, so one that a crash cut off
//! counts; a text is journalled in the batch that first hands it to a gateway, so that it is never made twice.
//! A run that is settled while its runner still works on it is *left*: its end is asked for, and until that is told
//! it takes up its place at the provider and in its schedule.
//! Units: `Timestamp`, `Span`. Invariant: every run handed out comes back through [`Engine::ran`] exactly once.
//! Not here: which runs of one schedule may go on at once (`overlap`), runners and their time-outs (`runtime`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::change::{Cause, ConversationId, Execution, Outcome, Phase};
use crate::engine::lanes::Rank;
use crate::engine::overlap::Overlaps;
use crate::engine::plans::SCRIPTS;
use crate::engine::settle::clip;
use crate::engine::turns::Turns;
use crate::engine::{Effect, Engine, Open, Ran, RunEnd, backoff};
use crate::id::OccurrenceId;
use crate::limits::{PROVIDER_RUNS_COUNT_MAX, RUNS_COUNT_MAX, SCRIPT_RUNS_COUNT_MAX};
use crate::money::{Cost, Spent};
use crate::planted::{self, Bug};
use crate::spec::Tokens;
use crate::time::{Span, Timestamp};

/// Every run that has no text yet.
#[derive(Default)]
pub(super) struct Runs {
    providers: BTreeMap<Arc<str>, Provider>,
    /// What is with a runner, and with which.
    flying: BTreeMap<OccurrenceId, Arc<str>>,
    /// Ends to be asked for.
    ends: Vec<OccurrenceId>,
    pub(super) overlaps: Overlaps,
    pub(super) turns: Turns,
}

#[derive(Default)]
struct Provider {
    busy: usize,
    line: BTreeSet<Place>,
}

/// A place in a provider's line: what is due now before what is caught up, then by due.
type Place = (bool, Timestamp, OccurrenceId);

impl Runs {
    pub(super) fn in_flight(&self) -> usize {
        self.flying.len()
    }

    /// How many of them are with providers.
    fn asked(&self) -> usize {
        self.flying.len() - self.providers.get(SCRIPTS).map_or(0, |scripts| scripts.busy)
    }

    pub(super) fn is_flying(&self, occurrence: OccurrenceId) -> bool {
        self.flying.contains_key(&occurrence)
    }

    fn push(&mut self, provider: Arc<str>, occurrence: OccurrenceId, rank: Rank) {
        let place = (rank == Rank::Late, occurrence.due, occurrence);
        self.providers.entry(provider).or_default().line.insert(place);
    }

    /// Takes one out of every line.
    pub(super) fn remove(&mut self, occurrence: OccurrenceId) {
        for provider in self.providers.values_mut() {
            provider.line.remove(&(false, occurrence.due, occurrence));
            provider.line.remove(&(true, occurrence.due, occurrence));
        }
        self.turns.remove(occurrence);
    }

    /// The next run of a provider with room.
    fn next(&mut self, room: impl Fn(&str) -> usize) -> Option<(Arc<str>, OccurrenceId)> {
        let is_full = self.asked() >= RUNS_COUNT_MAX;
        let may_go = |name: &str| name == SCRIPTS || !is_full;
        let waiting = self.providers.iter_mut().filter(|(name, one)| !one.line.is_empty() && may_go(name));
        let waiting = waiting.filter(|(name, one)| one.busy < room(name));
        let (name, provider) = waiting.min_by_key(|(_, one)| one.busy)?;
        let (_, _, occurrence) = provider.line.pop_first()?;
        Some((Arc::clone(name), occurrence))
    }

    fn took_off(&mut self, provider: &Arc<str>, occurrence: OccurrenceId) {
        self.providers.entry(Arc::clone(provider)).or_default().busy += 1;
        self.flying.insert(occurrence, Arc::clone(provider));
    }

    fn landed(&mut self, occurrence: OccurrenceId) {
        let Some(name) = self.flying.remove(&occurrence) else { return };
        if let Some(provider) = self.providers.get_mut(&name) {
            provider.busy = provider.busy.saturating_sub(1);
            if provider.busy == 0 && provider.line.is_empty() {
                self.providers.remove(&name);
            }
        }
    }

    /// Asks for the end of a run that is with its runner.
    pub(super) fn leave(&mut self, occurrence: OccurrenceId) {
        if self.is_flying(occurrence) {
            self.ends.push(occurrence);
        }
    }

    pub(super) fn take_ends(&mut self) -> impl Iterator<Item = Effect> + use<> {
        std::mem::take(&mut self.ends).into_iter().map(|occurrence| Effect::EndRun { occurrence })
    }
}

impl Engine {
    /// The run's turn has come: it waits for its provider; should the clock have been set back to before its due, for
    /// that first, unless its due comes again anyway.
    pub(super) fn line_up_run(&mut self, occurrence: OccurrenceId) {
        if self.comes_again(occurrence) {
            return self.take_back(occurrence, Outcome::Cancelled);
        }
        let Some(provider) = self.provider(occurrence) else { return };
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        if let Some(timer) = open.timer.take() {
            self.retries.cancel(timer);
        }
        open.run.phase = Phase::Waiting;
        let rank = open.run.cause.rank();
        self.dirty_runs.insert(occurrence);
        if occurrence.due > self.now {
            open.timer = Some(self.retries.insert(occurrence.due.tick(), occurrence));
        } else {
            self.runs.push(provider, occurrence, rank);
        }
    }

    /// Whether the clock was set back to before a due that its schedule will come to once more, under a later generation.
    /// To wait for it might mean years, in which nothing else of the schedule would run.
    fn comes_again(&self, occurrence: OccurrenceId) -> bool {
        let generation = self.slots.get(occurrence.schedule).map_or(0, |slot| slot.state.generation);
        let is_regular =
            |open: &Open| matches!(open.run.cause, Cause::Due | Cause::CatchUp) && occurrence.due > self.now;
        occurrence.generation < generation && self.open.get(&occurrence).is_some_and(is_regular)
    }

    /// Gives runs to providers that have room, and journals that they are being run.
    pub(super) fn begin_runs(&mut self) -> Vec<Effect> {
        let mut begun = Vec::new();
        // Where every text is literal, nothing is spent on this.
        if self.runs.providers.is_empty() {
            return begun;
        }
        let rooms = Arc::clone(&self.options.rooms);
        let room = |provider: &str| match provider {
            SCRIPTS => SCRIPT_RUNS_COUNT_MAX,
            model => rooms.get(model).copied().unwrap_or(PROVIDER_RUNS_COUNT_MAX),
        };
        while let Some((provider, occurrence)) = self.runs.next(room) {
            let conversation = self.conversation(occurrence).filter(|_| !planted::is(Bug::TurnsAtOnce));
            let Some(open) = self.open.get_mut(&occurrence) else { continue };
            if conversation.is_some_and(|id| !self.runs.turns.take(id, occurrence)) {
                continue;
            }
            let execution = open.run.execution.get_or_insert_with(|| Box::new(Execution::since(self.now)));
            execution.attempts = execution.attempts.saturating_add(1);
            let attempt = execution.attempts;
            open.run.phase = Phase::Running { epoch: self.options.epoch };
            self.dirty_runs.insert(occurrence);
            self.runs.took_off(&provider, occurrence);
            begun.push(Effect::Run { occurrence, attempt });
        }
        begun
    }

    /// Takes the end of one attempt to run.
    pub(super) fn ran(&mut self, occurrence: OccurrenceId, ran: Ran) {
        self.runs.landed(occurrence);
        // Whatever has become of the run, what it took was taken.
        let owed = self.settle_call(occurrence, ran.paid.spent);
        let Some(open) =
            self.open.get_mut(&occurrence).filter(|open| matches!(open.run.phase, Phase::Running { .. }))
        else {
            // It was left: whatever it says, its record is written. Who waited for its place goes on.
            self.run_is_over(occurrence);
            return;
        };
        let (cause, is_retried) = (open.run.cause, open.run.retried.is_some());
        let Ran { took, end, said, paid } = ran;
        if let Some(execution) = &mut open.run.execution {
            execution.spent = owed.applied(execution.spent);
            execution.model = paid.model.or(execution.model.take());
            execution.tokens = Tokens::sum(execution.tokens, paid.tokens);
            execution.took = Span::from_millis(execution.took.as_millis().saturating_add(took.as_millis()));
            execution.notes = said.as_ref().and_then(|said| said.notes()).or(execution.notes.take());
        }
        let refused = said.as_ref().and_then(|said| said.refused());
        let mut said = said.filter(|_| refused.is_none());
        if let Some(said) = said.as_mut().filter(|_| is_retried) {
            // The schedule has gone on since.
            said.next = None;
        }
        match refused.unwrap_or(end) {
            RunEnd::Composed { texts } => self.composed(occurrence, texts),
            RunEnd::Silent { reason } => {
                self.was_made(occurrence);
                self.settle(occurrence, Outcome::Silent { reason: clip(reason) });
            }
            RunEnd::Gated { reason } => self.settle(occurrence, Outcome::Gated { reason: clip(reason) }),
            RunEnd::OverBudget(refusal) => self.not_paid_for(occurrence, &refusal),
            RunEnd::Retry { error, after } => self.run_again(occurrence, clip(error), after),
            // Nothing was delivered, so running it again doubles nothing that anybody sees.
            RunEnd::Ambiguous { error } => self.run_again(occurrence, clip(error), None),
            RunEnd::Permanent { error } => self.settle(occurrence, Outcome::Failed { error: clip(error) }),
            RunEnd::NotBegun => {
                if let Some(execution) = &mut open.run.execution {
                    execution.attempts = execution.attempts.saturating_sub(1);
                }
                self.line_up_run(occurrence);
            }
        }
        let is_over = self.open.get(&occurrence).is_none_or(|open| !open.run.phase.is_before_text());
        if let Some(said) = said.filter(|_| is_over) {
            self.heed(occurrence, cause, *said);
        }
    }

    /// Plans the next attempt, or gives up.
    fn run_again(&mut self, occurrence: OccurrenceId, error: String, asked: Option<Span>) {
        let policy = self.policy(occurrence).retry;
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        let execution = open.run.execution.get_or_insert_with(|| Box::new(Execution::since(self.now)));
        let failed = execution.attempts;
        let at = self.now.plus(backoff::wait(&policy, occurrence, failed.saturating_sub(1), asked));
        if failed >= policy.max_attempts || at > execution.since.plus(policy.max_age) {
            return self.settle(occurrence, Outcome::Failed { error });
        }
        open.run.phase = Phase::Rerun { at, error };
        open.timer = Some(self.retries.insert(at.tick(), occurrence));
        self.dirty_runs.insert(occurrence);
        if planted::is(Bug::OverlapForgetsRetries) {
            self.run_is_over(occurrence);
        }
    }

    /// A start takes up what the last process was running, or was to run. The attempt that was cut off counts.
    pub(super) fn resume_run(&mut self, occurrence: OccurrenceId, step: Span) {
        let policy = self.policy(occurrence).retry;
        let (now, comes_again) = (self.now, self.comes_again(occurrence));
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        let attempts = open.run.execution.as_mut().map_or(0, |execution| {
            execution.since = execution.since.min(now);
            execution.attempts
        });
        match open.run.phase {
            Phase::Running { .. } if attempts >= policy.max_attempts => {
                let error = "the process ended before the run did".into();
                self.settle(occurrence, Outcome::Failed { error });
            }
            Phase::Running { .. } | Phase::Waiting => self.line_up_run(occurrence),
            Phase::Rerun { .. } if comes_again => self.take_back(occurrence, Outcome::Cancelled),
            Phase::Rerun { ref mut at, .. } => {
                *at = at.minus(step).max(now).max(occurrence.due);
                open.timer = Some(self.retries.insert(at.tick(), occurrence));
            }
            // The one it waited for may have been left when the process ended.
            Phase::Buffered => self.begin_buffered(occurrence.schedule),
            Phase::Spread(_)
            | Phase::Pending
            | Phase::Sending { .. }
            | Phase::Retry { .. }
            | Phase::Settled { .. } => {}
        }
    }

    /// The clock was set back: what is not due any more waits for its due again.
    pub(super) fn shift_run(&mut self, occurrence: OccurrenceId, step: Span) {
        let comes_again = self.comes_again(occurrence);
        let Some(open) = self.open.get_mut(&occurrence) else { return };
        match &mut open.run.phase {
            Phase::Waiting => {
                self.runs.remove(occurrence);
                self.line_up_run(occurrence);
            }
            Phase::Rerun { .. } if comes_again => self.take_back(occurrence, Outcome::Cancelled),
            Phase::Rerun { at, .. } => {
                *at = at.minus(step).max(occurrence.due);
                open.timer = Some(self.retries.insert(at.tick(), occurrence));
                self.dirty_runs.insert(occurrence);
            }
            Phase::Buffered
            | Phase::Running { .. }
            | Phase::Spread(_)
            | Phase::Pending
            | Phase::Sending { .. }
            | Phase::Retry { .. }
            | Phase::Settled { .. } => {}
        }
    }

    /// The conversation that the run knows.
    fn conversation(&self, occurrence: OccurrenceId) -> Option<ConversationId> {
        let slot = self.slots.get(occurrence.schedule)?;
        self.plans.get(slot.state.plan)?.converses
    }

    /// What was begun of a conversation when the last process ended goes on before anything else of it.
    pub(super) fn restore_turn(&mut self, occurrence: OccurrenceId) {
        let Some(open) = self.open.get(&occurrence) else { return };
        let was_begun = !matches!(open.run.phase, Phase::Buffered | Phase::Waiting | Phase::Settled { .. });
        let is_one = occurrence.delivery == 0 && open.run.cause != Cause::Notice;
        if let Some(id) = self.conversation(occurrence).filter(|_| was_begun && is_one) {
            self.runs.turns.restore(id, occurrence);
        }
    }

    /// What a run had to say has reached its chat, or is given up: whoever waited for its conversation stands in line
    /// again.
    pub(super) fn turn_is_over(&mut self, occurrence: OccurrenceId) {
        if let Some(next) = self.runs.turns.leave(occurrence) {
            self.line_up_run(next);
        }
    }

    fn provider(&self, occurrence: OccurrenceId) -> Option<Arc<str>> {
        let slot = self.slots.get(occurrence.schedule)?;
        self.plans.provider(slot.state.plan)
    }
}

impl Execution {
    /// Before the attempts of a life that begins anew: only what was paid is still so.
    pub(super) fn anew(before: Option<Box<Self>>, now: Timestamp) -> Box<Self> {
        let (model, tokens, cost) = before.map_or((None, None, Cost::ZERO), |before| {
            let Self { model, tokens, spent, .. } = *before;
            (model, tokens, spent.cost)
        });
        Box::new(Self { model, tokens, spent: Spent { cost, tokens: 0 }, ..Self::since(now) })
    }

    /// None of its attempts has begun.
    #[must_use]
    pub const fn since(now: Timestamp) -> Self {
        Self {
            attempts: 0,
            since: now,
            took: Span::ZERO,
            model: None,
            tokens: None,
            spent: Spent::ZERO,
            notes: None,
            to: None,
            deliveries: 0,
        }
    }
}

/// Why a text is not sent.
pub(super) const NO_DESTINATION: &str = "the schedule has no destination";
