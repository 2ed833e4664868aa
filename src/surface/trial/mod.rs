//! Tries a hook, or a template, on one run that is made up: every function is asked as a real run asks it, and nothing
//! is sent, stored or done by a model.
//!
//! Invariant: a function that fails counts as absent for the rest of the trial, so that all mistakes show at once;
//! what the schedule's `on_hook_error` makes of the first is the outcome. Times are measured, and nothing depends on them.
//! Not here: where the facts come from (`context`), printing (`cli`).

pub mod context;

use std::sync::Arc;
use std::time::Duration;

use crate::runtime::clock::Stopwatch;
use crate::runtime::silence;
use crate::script::{Function, Gate, Hook, OnFailure, Outgoing, Scene, ScriptError, Template};
use crate::spec::{Destination, OnHookError, Payload, Schedule};
use crate::time::Timestamp;

/// What is tried.
#[derive(Debug)]
pub struct Trial<'a> {
    /// The script, if there is one.
    pub hook: Option<&'a Hook>,
    /// The schedule's payload, worked out where it is a template.
    pub template: Option<&'a Template>,
    /// Whose run it is.
    pub schedule: &'a Schedule,
    /// What the model answered; without one, its instruction stands for it.
    pub result: Option<String>,
    /// The attempt fails with this.
    pub error: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Tried {
    /// The functions that were asked, in order.
    pub calls: Vec<Call>,
    /// What would become of the run.
    pub outcome: Outcome,
    /// Which model would work.
    pub model: Option<String>,
    /// What would be sent, and where to; a schedule without a destination only records.
    pub deliveries: Vec<(Option<Destination>, String)>,
    /// Why some of what the hook says cannot be sent.
    pub refused: Vec<String>,
    /// When the schedule would be due next, where the hook decides it.
    pub next: Option<Timestamp>,
}

/// One function that was asked.
#[derive(Debug)]
pub struct Call {
    /// Its name; `template` for the payload.
    pub function: &'static str,
    /// What it said, in words.
    pub said: Result<String, Arc<ScriptError>>,
    /// Operations that it took.
    pub operations: u64,
    /// Time that it took.
    pub took: Duration,
}

/// What would become of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its texts would be sent.
    Sent,
    /// It would have nothing to say.
    Silent(String),
    /// It would not begin.
    Skipped(String),
    /// The attempt would be made again, as far as the schedule allows.
    Retried,
    /// It would be given up.
    Failed(String),
}

/// Asks a function with `ask` and says in words what it answered with `say`.
macro_rules! ask {
    ($asking:ident, $function:ident, $ask:expr, $say:expr) => {
        match $asking.trial.hook {
            Some(hook) if hook.has(Function::$function) => {
                let before = ($asking.scene.operations(), Stopwatch::start());
                let answer: Result<_, ScriptError> = $ask(hook);
                $asking.note(Function::$function.name(), before, answer, $say)
            }
            Some(_) | None => None,
        }
    };
}

impl Trial<'_> {
    /// Goes through the run.
    #[must_use]
    pub fn run(&self, scene: &Scene) -> Tried {
        let mut asking = Asking { trial: self, scene, calls: Vec::new(), refused: Vec::new(), error: None };
        let (outcome, model, deliveries, next) = asking.all();
        let broken = asking.error.filter(|_| self.schedule.on_hook_error == OnHookError::Fail);
        match broken {
            Some(error) => Tried {
                calls: asking.calls,
                refused: Vec::new(),
                outcome: Outcome::Failed(error.to_string()),
                model,
                deliveries: Vec::new(),
                next: None,
            },
            None => Tried { calls: asking.calls, refused: asking.refused, outcome, model, deliveries, next },
        }
    }
}

type Answers = (Outcome, Option<String>, Vec<(Option<Destination>, String)>, Option<Timestamp>);

struct Asking<'a> {
    trial: &'a Trial<'a>,
    scene: &'a Scene,
    calls: Vec<Call>,
    refused: Vec<String>,
    /// The first mistake.
    error: Option<Arc<ScriptError>>,
}

impl Asking<'_> {
    fn all(&mut self) -> Answers {
        if let Some(Gate::Skip(reason)) = ask!(self, Gate, |hook: &Hook| hook.gate(self.scene), said_of_gate) {
            let next = self.next(None);
            return (Outcome::Skipped(reason), None, Vec::new(), next);
        }
        let model = self.model();
        let text = self.message();
        if let Some(error) = &self.trial.error {
            let outcome = self.failed(error);
            let next = if outcome == Outcome::Retried { None } else { self.next(None) };
            return (outcome, model, Vec::new(), next);
        }
        let result = self.trial.result.clone().unwrap_or(text);
        let say = |said: &Option<String>| said.as_ref().map_or_else(|| "no".to_owned(), |why| format!("yes: {why}"));
        let silent = ask!(self, Silent, |hook: &Hook| hook.silent(self.scene, &result), say).flatten();
        // Without an answer the instruction stands for it, which says nothing.
        let own = self.trial.result.as_ref().and_then(|answer| silence::reason(self.trial.schedule, answer));
        if let Some(reason) = silent.or(own) {
            let next = self.next(Some(&result));
            return (Outcome::Silent(reason), model, Vec::new(), next);
        }
        let answer = self.trial.result.as_ref();
        let result = answer.and_then(|answer| silence::rest(self.trial.schedule, answer)).unwrap_or(result);
        let deliveries = self.deliver(result.clone());
        let next = self.next(Some(&result));
        (Outcome::Sent, model, deliveries, next)
    }

    /// Which model works; nobody is asked where there is no task.
    fn model(&mut self) -> Option<String> {
        let Payload::Task(task) = &self.trial.schedule.payload else { return None };
        let model = ask!(self, Model, |hook: &Hook| hook.model(self.scene), said_or_usual).flatten();
        model.or_else(|| task.model.clone())
    }

    /// The text, or the instruction.
    fn message(&mut self) -> String {
        let said = |said: &Option<String>| said.as_ref().map_or_else(usual, |text| quoted(text));
        let message = ask!(self, Message, |hook: &Hook| hook.message(self.scene), said).flatten();
        match (message, &self.trial.schedule.payload) {
            (Some(message), _) => message,
            (None, Payload::Message(text)) => text.clone(),
            (None, Payload::Task(task)) => task.instruction.clone(),
            (None, Payload::Template(source)) => {
                let Some(template) = self.trial.template else { return source.clone() };
                let before = (self.scene.operations(), Stopwatch::start());
                let rendered = template.render(self.scene);
                let rendered = self.note("template", before, rendered, |text| quoted(text));
                rendered.unwrap_or_else(|| source.clone())
            }
        }
    }

    fn deliver(&mut self, result: String) -> Vec<(Option<Destination>, String)> {
        let say = |said: &Option<Vec<Outgoing>>| match said {
            None => usual(),
            Some(all) if all.len() == 1 => "1 delivery".to_owned(),
            Some(all) => format!("{} deliveries", all.len()),
        };
        let outgoing = ask!(self, Deliver, |hook: &Hook| hook.deliver(self.scene, &result), say).flatten();
        let own = self.trial.schedule.destination.as_ref();
        let Some(all) = outgoing else { return vec![(own.cloned(), result)] };
        let mut deliveries = Vec::new();
        for one in all {
            match one.place(own) {
                Ok(to) => deliveries.push((to, one.text)),
                Err(why) => self.refused.push(why),
            }
        }
        deliveries
    }

    fn next(&mut self, result: Option<&str>) -> Option<Timestamp> {
        let zone = self.trial.schedule.zone;
        let say = |said: &Option<Timestamp>| said.map_or_else(usual, |at| zone.format(at));
        ask!(self, Next, |hook: &Hook| hook.next(self.scene, result), say).flatten()
    }

    fn failed(&mut self, error: &str) -> Outcome {
        let say = |said: &Option<OnFailure>| match said {
            None => usual(),
            Some(OnFailure::Retry) => "retry".to_owned(),
            Some(OnFailure::GiveUp) => "give up".to_owned(),
            Some(OnFailure::Tell(text)) => format!("tell the owner: {}", quoted(text)),
        };
        match ask!(self, Failed, |hook: &Hook| hook.failed(self.scene, error), say).flatten() {
            None | Some(OnFailure::Retry) => Outcome::Retried,
            Some(OnFailure::GiveUp | OnFailure::Tell(_)) => Outcome::Failed(error.to_owned()),
        }
    }

    /// Writes down what was answered.
    fn note<T>(
        &mut self,
        function: &'static str,
        (operations, watch): (u64, Stopwatch),
        answer: Result<T, ScriptError>,
        say: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let took = watch.elapsed();
        let operations = self.scene.operations() - operations;
        let (said, answer) = match answer {
            Ok(answer) => (Ok(say(&answer)), Some(answer)),
            Err(error) => {
                let error = Arc::new(error);
                self.error.get_or_insert_with(|| error.clone());
                (Err(error), None)
            }
        };
        self.calls.push(Call { function, said, operations, took });
        answer
    }
}

fn said_of_gate(gate: &Gate) -> String {
    match gate {
        Gate::Go => "go".to_owned(),
        Gate::Skip(reason) => format!("skip: {reason}"),
    }
}

fn said_or_usual(said: &Option<String>) -> String {
    said.clone().unwrap_or_else(usual)
}

fn usual() -> String {
    "as usual".to_owned()
}

/// A text that shows where it ends.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
