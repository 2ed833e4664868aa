//! Tools for agents: one table, read by MCP, by function calling and by `POST /v1/tools/{name}`.
//!
//! A tool reads arguments that a model wrote, asks for operations in the name of its caller, and says the outcome as
//! text for the model and as JSON for programs. Three sets: *canonical* is ours; *named* and *duragent* speak the exact
//! strings of two older families, because clients match on them. Where two sets share a name, the canonical tool stands
//! for both: it takes the parameters of both, and its text begins with the older one's line.
//! Invariants: who asks comes from the connection, never from the arguments; what goes wrong is an outcome like any
//! other, never a broken connection. Not here: what operations do (`ops`), the wires (`mcp`, `door`).

pub mod arguments;
mod canonical;
mod declare;
pub mod door;
mod duragent;
pub mod export;
pub mod field;
pub mod hands;
mod named;
mod params;
pub mod reply;
mod say;
mod table;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::arguments::Arguments;
pub use self::table::{Nature, Set, TABLE, Tool};
use super::error::{Code, Error};
use super::ops::{Caller, Operation, Operations, perform_for};
use crate::problem::{Problem, nearest};
use crate::spec::tree::shorten;

/// What a tool says.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What clients match on: in the older sets exactly their string.
    pub text: String,
    /// What else the model should read, on the lines after it; may be empty.
    pub notes: String,
    /// The same for programs: the operation's reply, or `{"error": …}` with a problem document.
    pub structured: Value,
    /// Whether it was not done.
    pub is_error: bool,
}

impl Outcome {
    /// The text and the notes below it.
    #[must_use]
    pub fn whole(&self) -> String {
        if self.notes.is_empty() { self.text.clone() } else { format!("{}\n{}", self.text, self.notes) }
    }

    fn done(text: impl Into<String>, structured: Value) -> Self {
        Self { text: text.into(), notes: String::new(), structured, is_error: false }
    }

    fn notes(self, notes: impl Into<String>) -> Self {
        Self { notes: notes.into(), ..self }
    }

    /// The first line is the one that clients know; the others explain.
    fn refused(lines: Vec<String>, error: &Error) -> Self {
        let mut lines = lines.into_iter();
        let text = lines.next().unwrap_or_else(|| format!("Error: {error}"));
        let notes = lines.collect::<Vec<_>>().join("\n");
        Self { text, notes, structured: json!({"error": error.to_json()}), is_error: true }
    }
}

/// Refuses a name that no tool of any set has.
pub fn check_name(name: &str) -> Result<(), Problem> {
    if TABLE.iter().any(|tool| tool.name == name) {
        return Ok(());
    }
    let problem = Problem::new("", "is no tool");
    Err(match nearest(name, TABLE.iter().map(|tool| tool.name)) {
        Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
        None => problem.hint("`chimewheel tools` lists them"),
    })
}

/// Which tools there are, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolbox {
    sets: Vec<Set>,
    limited: BTreeMap<String, Vec<String>>,
}

impl Default for Toolbox {
    fn default() -> Self {
        Self::of(&[Set::Canonical, Set::Named])
    }
}

impl Toolbox {
    /// The tools of these sets.
    #[must_use]
    pub fn of(sets: &[Set]) -> Self {
        Self { sets: sets.to_vec(), limited: BTreeMap::new() }
    }

    /// The same limits, on the tools of these sets.
    #[must_use]
    pub fn only(self, sets: Vec<Set>) -> Self {
        Self { sets, ..self }
    }

    /// The same, with an agent that may use only these tools.
    #[must_use]
    pub fn limited(mut self, agent: impl Into<String>, tools: Vec<String>) -> Self {
        self.limited.insert(agent.into(), tools);
        self
    }

    /// The tools that a caller has, each name once.
    pub fn tools<'a>(&'a self, caller: &'a Caller) -> impl Iterator<Item = &'static Tool> + 'a {
        let allowed = caller.identity().and_then(|identity| self.limited.get(&identity.agent));
        let on = |tool: &&Tool| self.sets.contains(&tool.set);
        // The first of a name stands for all sets that know it.
        let first = move |tool: &&Tool| TABLE.iter().find(|other| other.name == tool.name && on(other)) == Some(tool);
        let may = move |tool: &&Tool| allowed.is_none_or(|names| names.iter().any(|name| name == tool.name));
        TABLE.iter().filter(on).filter(first).filter(may)
    }

    /// One of the tools that a caller has.
    pub fn find(&self, caller: &Caller, name: &str) -> Result<&'static Tool, Error> {
        self.tools(caller).find(|tool| tool.name == name).ok_or_else(|| {
            let known = || self.tools(caller).map(|tool| tool.name);
            let hint = match nearest(name, known()) {
                Some(meant) => format!("did you mean '{meant}'?"),
                None => format!("there are: {}", known().collect::<Vec<_>>().join(", ")),
            };
            Error::new(Code::NotFound, format!("there is no tool '{}'; {hint}", shorten(name)))
        })
    }

    /// Uses a tool. An error means that there is no such tool; whatever else goes wrong is an outcome.
    pub async fn call(
        &self,
        caller: &Caller,
        operations: &dyn Operations,
        name: &str,
        arguments: Value,
    ) -> Result<Outcome, Error> {
        let tool = self.find(caller, name)?;
        let arguments = Arguments::read(&tool.fields(), arguments);
        let outcome = tool.act(&Desk { caller, operations, tool }, arguments).await;
        if let Some(error) = outcome.structured.get("error").filter(|_| outcome.is_error) {
            tracing::debug!(tool = name, code = error["code"].as_str(), "{}", outcome.text);
        }
        Ok(outcome)
    }
}

/// What a tool works with.
struct Desk<'a> {
    caller: &'a Caller,
    operations: &'a dyn Operations,
    tool: &'static Tool,
}

impl Desk<'_> {
    /// Performs an operation for the caller.
    async fn ask<O: Operation>(&self, operation: O) -> Result<O::Reply, Error> {
        let outcome = perform_for(self.caller, self.operations, operation).await;
        if let Err(Error { detail: Some(detail), message, .. }) = &outcome {
            tracing::warn!(tool = self.tool.name, detail, "{message}");
        }
        outcome
    }
}

/// Everything that is wrong with a call, in lines and as problems; the lines that clients know come first.
#[derive(Default)]
struct Refusal {
    known: Vec<(String, Problem)>,
    others: Vec<Problem>,
}

impl Refusal {
    /// What is wrong with arguments before anybody asks what they mean.
    fn of(arguments: &Arguments) -> Self {
        let mut refusal = Self { known: Vec::new(), others: arguments.problems.clone() };
        for name in &arguments.missing {
            refusal.missing(name);
        }
        refusal
    }

    fn missing(&mut self, name: &str) {
        self.say(format!("Error: Missing required parameter: {name}"), Problem::new(name, "is missing"));
    }

    /// Adds a line that clients know.
    fn say(&mut self, line: impl Into<String>, problem: Problem) {
        self.known.push((line.into(), problem));
    }

    fn add(&mut self, problem: Problem) {
        self.others.push(problem);
    }

    fn is_empty(&self) -> bool {
        self.known.is_empty() && self.others.is_empty()
    }

    fn outcome(self) -> Outcome {
        let others = self.others.into_iter().map(|problem| (format!("Error: {problem}"), problem));
        let (lines, problems) = self.known.into_iter().chain(others).unzip();
        Outcome::refused(lines, &Error::problems(problems))
    }
}

/// A reply in structured form.
fn structured(reply: &impl serde::Serialize) -> Value {
    // Replies are plain data with text keys; writing one cannot fail.
    serde_json::to_value(reply).unwrap_or_default()
}
