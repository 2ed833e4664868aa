//! Tasks and who does them: runners that are quick, slow, failing or hanging, and that a crash cuts off.
//!
//! What a runner says is the instruction, which says which wording it is. Every attempt is written down here, outside
//! the engine. Not here: what the attempts must be like (`check_runs`).

use chimewheel::config::Routing;
use chimewheel::engine::{Input, RunEnd};
use chimewheel::id::OccurrenceId;
use chimewheel::limits::RUN_MS_MAX;
use chimewheel::runner::{Answer, RunError};
use chimewheel::runtime::runs::{self, Asked};
use chimewheel::spec::{OverlapPolicy, Payload, Task};
use chimewheel::time::Span;

use super::history::{Mark, Rev};
use super::load;
use super::world::{Event, World};

/// How one attempt ended, as its runner knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunSaid {
    Composed,
    Retry,
    Permanent,
    Ambiguous,
    /// Its hook held it back.
    Gated,
    /// Its end was asked for.
    Ended,
}

/// One attempt to run.
#[derive(Clone, Debug)]
pub struct RunTry {
    pub at: Mark,
    pub boot: u32,
    pub id: String,
    pub rev: usize,
    pub occurrence: OccurrenceId,
    pub said: RunSaid,
    /// When its runner was done with it and the loop was told; never, if the process ended first.
    pub told: Option<Mark>,
}

/// Whether the schedules of this seed may have tasks.
pub fn has_tasks(seed: u64) -> bool {
    seed % 3 == 1
}

/// The text that a payload leads to.
pub fn text_of(payload: &Payload) -> &str {
    match payload {
        Payload::Message(text) | Payload::Template(text) => text,
        Payload::Task(task) => &task.instruction,
    }
}

/// The same kind of payload with another text.
pub fn reworded(payload: &Payload, text: String) -> Payload {
    match payload {
        Payload::Message(_) => Payload::Message(text),
        Payload::Template(_) => Payload::Template(text),
        Payload::Task(task) => Payload::Task(Task { instruction: text, ..task.clone() }),
    }
}

impl World {
    /// Some wordings are tasks.
    pub fn maybe_task(&mut self, rev: &mut Rev) {
        if !self.has_tasks || self.chance.one_in(3) {
            return;
        }
        let instruction = text_of(&rev.schedule.payload).to_owned();
        let provider = self.chance.pick(&["echo", "ask"]).to_owned();
        rev.schedule.payload = Payload::Task(Task { instruction, model: Some(format!("{provider}/any")) });
        rev.schedule.policy.overlap = self.chance.pick(&[
            OverlapPolicy::Skip,
            OverlapPolicy::BufferOne,
            OverlapPolicy::BufferAll,
            OverlapPolicy::CancelOther,
            OverlapPolicy::AllowAll,
        ]);
    }

    /// The loop wants this run.
    pub fn begin_run(&mut self, occurrence: OccurrenceId) {
        let Some(process) = &self.process else { return };
        let boot = process.boot;
        if process.stopping {
            return self.plan(0, Event::Tell(boot, runs::not_begun(occurrence)));
        }
        let providers = ["ask", "echo"].map(str::to_owned).into();
        let routing = Routing { providers, ..Routing::new() };
        let begun = match runs::begin(&process.reader, occurrence) {
            Ok(begun) => begun,
            Err(input) => return self.plan(0, Event::Tell(boot, input)),
        };
        let (Asked { provider, prompt }, _) =
            begun.asked(&routing, None, begun.instruction().expect("a task of ours")).expect("a model of ours");
        let (id, rev) = load::read_text(&prompt.instruction).expect("an instruction of ours");
        let (said, after_ms) = self.any_end();
        let at = self.mark();
        self.history.note(at, &format!("run {} of {occurrence:?} by {provider}: {said:?}", prompt.instruction));
        let text = prompt.instruction.clone();
        self.history.runs.push(RunTry { at, boot, id: id.to_owned(), rev, occurrence, said, told: None });
        let number = self.history.runs.len() - 1;
        let error = || "no".to_owned();
        let answer = match said {
            RunSaid::Composed => Ok(Answer { text, model: prompt.model, tokens: None }),
            RunSaid::Retry => {
                let after = self.chance.one_in(2).then(|| Span::from_seconds(self.chance.below(60)));
                Err(RunError::Retry { error: error(), after })
            }
            RunSaid::Permanent | RunSaid::Gated => Err(RunError::Permanent { error: error() }),
            RunSaid::Ambiguous | RunSaid::Ended => Err(RunError::Ambiguous { error: error() }),
        };
        let end = runs::unshaped(&provider, answer);
        let input = runs::ended(occurrence, Span::from_millis(after_ms as u64), end, None);
        self.plan(after_ms, Event::RunEnds { boot, number, input });
    }

    fn any_end(&mut self) -> (RunSaid, i64) {
        let chance = &mut self.chance;
        let quick = 20 + chance.below(2000) as i64;
        let slow = 2000 + chance.below(90_000) as i64;
        // In the peace at the end everything works.
        if self.true_ms >= self.horizon {
            return (RunSaid::Composed, quick % 300);
        }
        match chance.below(12) {
            0..=4 => (RunSaid::Composed, quick),
            5 | 6 => (RunSaid::Composed, slow),
            7 | 8 => (RunSaid::Retry, quick),
            9 => (RunSaid::Retry, slow),
            10 => (RunSaid::Ambiguous, RUN_MS_MAX as i64),
            _ => (RunSaid::Permanent, quick),
        }
    }

    /// The loop wants the end of a run; a runner may take a moment for it.
    pub fn end_run(&mut self, occurrence: OccurrenceId) {
        let Some(process) = &self.process else { return };
        let boot = process.boot;
        self.note(&format!("end the run of {occurrence:?}"));
        let under_way = |one: &RunTry| one.occurrence == occurrence && one.boot == boot && one.told.is_none();
        let Some(number) = self.history.runs.iter().rposition(under_way) else { return };
        self.history.runs[number].said = RunSaid::Ended;
        let error = "it was ended".to_owned();
        let input = runs::ended(occurrence, Span::ZERO, RunEnd::Ambiguous { error }, None);
        let takes = self.chance.below(3) as i64 * 700;
        self.plan(takes, Event::RunEnds { boot, number, input });
    }

    /// A runner is done; once only, whatever was planned before its end was asked for.
    pub fn run_ends(&mut self, number: usize, input: Input) {
        if self.history.runs[number].told.is_some() {
            return;
        }
        let mark = self.mark();
        self.history.runs[number].told = Some(mark);
        self.history.note(mark, &format!("run ends: {input:?}"));
        self.turn(Some(chimewheel::runtime::Message::Input(input)));
    }
}
