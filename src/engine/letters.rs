//! Dead letters: what was given up is tried again because somebody asks for it, or is seen and heard of no more.
//!
//! What is tried again is the same occurrence with the same words under the same keys; its attempts and its age begin anew,
//! by the schedule's policy. No model is asked and no script run where there is a text; where there is none the run
//! itself failed, and is made again. Of several deliveries those that failed are sent. It has been counted as a run and
//! as a failure before, and is not counted again: only a success is, which ends a row of failures like any other.
//! A run that is made again never takes another's place: it waits until those of its schedule are over, whatever the
//! policy, because somebody asks for each of them. Should a pause come first, it is a dead letter as before.
//! Invariant: a dead letter is settled in the store and not open here, or open here; never both.
//! Not here: whether it is one, and its text there (`runtime`).

use crate::engine::change::{Execution, Outcome, Phase, Retried, Run, Spread, State, Status};
use crate::engine::overlap::Turn;
use crate::engine::{Engine, OpId, Reply};
use crate::id::OccurrenceId;
use crate::planted::{self, Bug};
use crate::time::Span;

/// A dead letter, as the store tells it.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The occurrence that was given up.
    pub run: Run,
    /// What is to be done.
    pub again: Again,
}

/// What trying again means.
#[derive(Clone, Debug)]
pub enum Again {
    /// Its text is sent.
    Send,
    /// There is no text: it is run.
    Run,
    /// Of its deliveries, all of which are told here, these are sent.
    Deliveries {
        /// Each of them, settled.
        all: Vec<Run>,
        /// The numbers of those to be sent.
        chosen: Vec<u16>,
    },
}

impl Engine {
    /// Tries a dead letter again.
    pub(super) fn retry_letter(&mut self, op: OpId, letter: Letter) {
        let occurrence = letter.run.occurrence;
        let reply = match self.refusal(occurrence) {
            Err(reply) => reply,
            Ok(state) if state.status == Status::Cancelled => Reply::Ended(state),
            Ok(state) => self.revive(letter, &state),
        };
        self.reply(op, reply);
        self.finish_if_over(occurrence.schedule);
    }

    /// A dead letter was seen: its record says so, and nothing else changes.
    pub(super) fn drop_letter(&mut self, op: OpId, mut run: Run) {
        let occurrence = run.occurrence;
        let reply = match (self.refusal(occurrence), &mut run.phase) {
            (Err(reply), _) => reply,
            (Ok(state), Phase::Settled { outcome, .. }) => {
                if let Outcome::Failed { error } = outcome {
                    *outcome = Outcome::Dropped { error: std::mem::take(error) };
                    if !planted::is(Bug::LetterDropForgotten) {
                        self.record(run);
                    }
                    Reply::Done(state)
                } else {
                    Reply::Unchanged(state)
                }
            }
            (Ok(_), _) => Reply::Open,
        };
        self.reply(op, reply);
        self.finish_if_over(occurrence.schedule);
    }

    /// Why nothing can be done about a letter, or its schedule's row.
    fn refusal(&self, occurrence: OccurrenceId) -> Result<State, Reply> {
        let state = self.state(occurrence.schedule).ok_or(Reply::NotFound)?;
        if self.open.contains_key(&occurrence) || self.runs.is_flying(occurrence) {
            return Err(Reply::Open);
        }
        let days = Span::from_seconds(86_400 * u64::from(self.options.history_days));
        let is_kept = occurrence.due.day() >= self.now.minus(days).day();
        if is_kept { Ok(state) } else { Err(Reply::Gone) }
    }

    fn revive(&mut self, letter: Letter, state: &State) -> Reply {
        let Letter { mut run, again } = letter;
        let occurrence = run.occurrence;
        run.attempt = 0;
        run.retried = Some(self.retried(&run));
        let is_made_again = planted::is(Bug::LetterMadeAgain) && run.execution.is_some();
        match again {
            Again::Send if !is_made_again => {
                run.phase = Phase::Pending;
                self.send_again(run, state);
            }
            Again::Send | Again::Run => {
                let turn = self.turn(occurrence.schedule, state);
                if turn != Turn::Now && !self.runs.overlaps.has_room(occurrence.schedule) {
                    return Reply::Overlaps;
                }
                self.make_again(run, state, turn == Turn::Now);
            }
            Again::Deliveries { all, chosen } => self.send_parts_again(run, state, all, &chosen),
        }
        Reply::Started(occurrence)
    }

    fn retried(&self, run: &Run) -> Retried {
        Retried { at: self.now, times: run.retried.map_or(0, |retried| retried.times).saturating_add(1) }
    }

    fn send_again(&mut self, run: Run, state: &State) {
        let occurrence = run.occurrence;
        let (lane, gateway) = self.way(state, run.execution.as_ref().and_then(|execution| execution.to.as_ref()));
        self.hold_open(lane, gateway, run);
        self.dirty_runs.insert(occurrence);
        self.send_off(occurrence);
    }

    fn make_again(&mut self, mut run: Run, state: &State, is_its_turn: bool) {
        let occurrence = run.occurrence;
        run.phase = if is_its_turn { Phase::Waiting } else { Phase::Buffered };
        if is_its_turn {
            run.execution = Some(Execution::anew(run.execution.take(), self.now));
        }
        let gateway = self.plans.gateway(state.plan).unwrap_or_default();
        self.hold_open(state.lane, gateway, run);
        self.dirty_runs.insert(occurrence);
        if is_its_turn {
            self.line_up_run(occurrence);
        }
    }

    fn send_parts_again(&mut self, mut run: Run, state: &State, all: Vec<Run>, chosen: &[u16]) {
        let occurrence = run.occurrence;
        let (lane, gateway) = self.way(state, run.execution.as_ref().and_then(|execution| execution.to.as_ref()));
        let is_chosen = |one: &Run| chosen.contains(&one.occurrence.delivery) || planted::is(Bug::LetterSendsAll);
        let (again, settled): (Vec<Run>, Vec<Run>) = all.into_iter().partition(is_chosen);
        let mut spread = Spread::default();
        for one in &settled {
            if let Phase::Settled { outcome, .. } = &one.phase {
                spread.count(one.execution.as_ref().and_then(|execution| execution.to.as_ref()), outcome);
            }
        }
        spread.left = again.len() as u16;
        run.phase = Phase::Spread(spread);
        self.hold_open(lane, gateway, run);
        self.dirty_runs.insert(occurrence);
        for one in again {
            let retried = Some(self.retried(&one));
            self.send_again(Run { attempt: 0, retried, phase: Phase::Pending, ..one }, state);
        }
    }
}
