//! A script's functions, and calling them.
//!
//! Invariants: which functions there are is known when the script is read, so that one that is not there costs a bit;
//! a call that goes wrong in any way leaves the state as it was. Not here: what answers mean (`reply`).

use std::sync::Arc;

use rhai::{AST, CallFnOptions, Dynamic, Engine, FuncArgs, Scope};

use super::answer::Answer;
use super::error::{ScriptError, place_of};
use super::explain::Origin;
use super::guard;
use super::reply::{self, Gate, OnFailure, Outgoing};
use super::scene::Scene;
use super::view::View;
use crate::problem::nearest;
use crate::time::Timestamp;

/// What a script may define.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// `gate(ctx)`: whether there is a run at all.
    Gate,
    /// `model(ctx)`: which model does it.
    Model,
    /// `message(ctx)`: the text, or the instruction.
    Message,
    /// `silent(ctx, result)`: whether there is nothing to deliver.
    Silent,
    /// `deliver(ctx, result)`: what is delivered where.
    Deliver,
    /// `next(ctx, result)`: the next due.
    Next,
    /// `failed(ctx, error)`: what to do about a failure.
    Failed,
}

impl Function {
    /// All of them, in the order in which a run calls them.
    pub const ALL: [Self; 7] =
        [Self::Gate, Self::Model, Self::Message, Self::Silent, Self::Deliver, Self::Next, Self::Failed];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Model => "model",
            Self::Message => "message",
            Self::Silent => "silent",
            Self::Deliver => "deliver",
            Self::Next => "next",
            Self::Failed => "failed",
        }
    }

    /// How it is written.
    #[must_use]
    pub const fn signature(self) -> &'static str {
        match self {
            Self::Gate => "gate(ctx)",
            Self::Model => "model(ctx)",
            Self::Message => "message(ctx)",
            Self::Silent => "silent(ctx, result)",
            Self::Deliver => "deliver(ctx, result)",
            Self::Next => "next(ctx, result)",
            Self::Failed => "failed(ctx, error)",
        }
    }

    const fn arguments(self) -> usize {
        match self {
            Self::Gate | Self::Model | Self::Message => 1,
            Self::Silent | Self::Deliver | Self::Next | Self::Failed => 2,
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A script that was read and is without fault.
#[derive(Debug)]
pub struct Hook {
    engine: Arc<Engine>,
    ast: AST,
    origin: Origin,
    functions: u8,
}

impl Hook {
    /// Takes what was compiled, or says everything that is wrong with its functions.
    pub(super) fn new(engine: Arc<Engine>, ast: AST, origin: Origin) -> Result<Self, Vec<ScriptError>> {
        let mut functions = 0;
        let mut errors = Vec::new();
        for defined in ast.iter_functions() {
            let (name, count) = (defined.name, defined.params.len());
            match Function::ALL.into_iter().find(|function| function.name() == name) {
                Some(function) if function.arguments() == count => functions |= function.bit(),
                Some(function) => {
                    let message = format!("{name} takes {} here, not {count}", arguments(function.arguments()));
                    errors.push(at_definition(&origin, name, message, format!("write fn {}", function.signature())));
                }
                None => {
                    if let Some(meant) = misspelt(&origin.text, name, &defined.params) {
                        let message = format!("nothing calls the function '{name}'");
                        errors.push(at_definition(
                            &origin,
                            name,
                            message,
                            format!("did you mean '{}'?", meant.name()),
                        ));
                    }
                }
            }
        }
        errors.sort_by_key(|error| error.place.map(|place| place.offset));
        if errors.is_empty() { Ok(Self { engine, ast, origin, functions }) } else { Err(errors) }
    }

    /// The script's name, without `.rhai`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.origin.name.as_deref().unwrap_or_default()
    }

    /// Whether it defines a function.
    #[must_use]
    pub const fn has(&self, function: Function) -> bool {
        self.functions & function.bit() != 0
    }

    /// The functions it defines.
    pub fn functions(&self) -> impl Iterator<Item = Function> + '_ {
        Function::ALL.into_iter().filter(|function| self.has(*function))
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether the run goes on.
    pub fn gate(&self, scene: &Scene) -> Result<Gate, ScriptError> {
        let answer = self.call(Function::Gate, scene, |_| (View::ctx(&scene.0),), reply::gate)?;
        Ok(answer.unwrap_or(Gate::Go))
    }

    /// The model that does it, where the script names one.
    pub fn model(&self, scene: &Scene) -> Result<Option<String>, ScriptError> {
        let answer = self.call(Function::Model, scene, |_| (View::ctx(&scene.0),), reply::model)?;
        Ok(answer.flatten())
    }

    /// The text, or the instruction, where the script makes one.
    pub fn message(&self, scene: &Scene) -> Result<Option<String>, ScriptError> {
        let answer = self.call(Function::Message, scene, |_| (View::ctx(&scene.0),), reply::text)?;
        Ok(answer.flatten())
    }

    /// Why there is nothing to deliver; `None`: there is something.
    pub fn silent(&self, scene: &Scene, result: &str) -> Result<Option<String>, ScriptError> {
        let arguments = |_: ()| (View::ctx(&scene.0), Dynamic::from(Answer::new(result)));
        Ok(self.call(Function::Silent, scene, arguments, reply::silent)?.flatten())
    }

    /// What is delivered in place of the result; `None`: the result, as usual.
    pub fn deliver(&self, scene: &Scene, result: &str) -> Result<Option<Vec<Outgoing>>, ScriptError> {
        let arguments = |_: ()| (View::ctx(&scene.0), Dynamic::from(Answer::new(result)));
        Ok(self.call(Function::Deliver, scene, arguments, |value| reply::deliver(value, result))?.flatten())
    }

    /// The next due; `None`: as the trigger says. A run that made no text has no result.
    pub fn next(&self, scene: &Scene, result: Option<&str>) -> Result<Option<Timestamp>, ScriptError> {
        let arguments = |_: ()| {
            let result = result.map_or(Dynamic::UNIT, |text| Dynamic::from(Answer::new(text)));
            (View::ctx(&scene.0), result)
        };
        let facts = &scene.0.facts;
        Ok(self.call(Function::Next, scene, arguments, |value| reply::next(value, facts))?.flatten())
    }

    /// What to do about a failure; `None`: as the schedule says.
    pub fn failed(&self, scene: &Scene, error: &str) -> Result<Option<OnFailure>, ScriptError> {
        let arguments = |_: ()| (View::ctx(&scene.0), Dynamic::from(error.to_owned()));
        Ok(self.call(Function::Failed, scene, arguments, reply::failed)?.flatten())
    }

    /// Calls a function under watch; `None` where there is none. What it kept counts once its answer is understood.
    fn call<A: FuncArgs, T>(
        &self,
        function: Function,
        scene: &Scene,
        arguments: impl FnOnce(()) -> A,
        read: impl FnOnce(Dynamic) -> Result<T, String>,
    ) -> Result<Option<T>, ScriptError> {
        if !self.has(function) {
            return Ok(None);
        }
        let signature = || function.signature().to_owned();
        let answered = guard::watch(&scene.0, || {
            let options = CallFnOptions::new();
            self.engine
                .call_fn_with_options::<Dynamic>(
                    options,
                    &mut Scope::new(),
                    &self.ast,
                    function.name(),
                    arguments(()),
                )
                .map_err(|error| self.origin.explain(signature(), &error))
        });
        let answer = answered
            .unwrap_or_else(|panic| {
                Err(self.origin.error(Some(signature()), format!("the program failed inside this call: {panic}")))
            })
            .and_then(|value| match guard::failed() {
                None => Ok(value),
                Some(why) => Err(self.origin.error(Some(signature()), why)),
            })
            .and_then(|value| {
                read(value.flatten()).map_err(|why| ScriptError {
                    place: definition(&self.origin.text, function.name()).map(|at| place_of(&self.origin.text, at)),
                    ..self.origin.error(Some(signature()), why)
                })
            });
        let kept = scene.0.settle_state(answer.is_ok());
        let answer = answer?;
        kept.map_err(|why| self.origin.error(Some(signature()), why))?;
        Ok(Some(answer))
    }
}

fn arguments(count: usize) -> &'static str {
    if count == 1 { "one argument" } else { "two arguments" }
}

fn at_definition(origin: &Origin, name: &str, message: String, hint: String) -> ScriptError {
    let place = definition(&origin.text, name).map(|at| place_of(&origin.text, at));
    ScriptError { place, hint: Some(hint), ..origin.error(None, message) }
}

/// Where a function is defined: the byte at which its name begins.
fn definition(text: &str, name: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = line.trim_start().trim_start_matches("private ").trim_start();
        let rest = code.strip_prefix("fn ").map(str::trim_start);
        let after = rest.and_then(|rest| rest.strip_prefix(name));
        if let (Some(rest), Some(after)) = (rest, after)
            && after.trim_start().starts_with('(')
        {
            return Some(start + line.len() - rest.len());
        }
        start += line.len();
    }
    None
}

/// The function that was meant, if one that nothing calls looks like it.
fn misspelt(text: &str, name: &str, params: &[&str]) -> Option<Function> {
    if params.first() != Some(&"ctx")
        || text.matches(&format!("{name}(")).count() > 1
        || text.contains(&format!("\"{name}\""))
    {
        return None;
    }
    let alike = Function::ALL.into_iter().filter(|function| function.arguments() == params.len());
    let near = nearest(name, alike.map(Function::name))?;
    Function::ALL.into_iter().find(|function| function.name() == near)
}
