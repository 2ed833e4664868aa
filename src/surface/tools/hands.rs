//! Tools in the hands of the program's own models: the same table, used in the name of the agent that is asked.
//!
//! A run that somebody planned only reads, unless its agent may do more: what fires by itself must not plant what fires
//! by itself. What a call makes is made once, however often its run is made again.
//! Not here: asking models (`runtime`).

use std::sync::Arc;

use serde_json::Value;

use super::export::{Form, export};
use super::{Nature, Tool, Toolbox};
use crate::access::Via;
use crate::config::Agents;
use crate::runtime::minds::{Asking, Calling, Came, Hands};
use crate::surface::ops::{Caller, Identity, Operation as _, Operations, Reply, request};

/// The key of a create that makes a repeated one answer with the first.
const TOKEN: &str = "client_token";
/// What a tool does that has a schedule run at once.
const RUN_NOW: &str = "run-now";

/// Uses tools for models.
pub struct OwnHands {
    toolbox: Arc<Toolbox>,
    operations: Arc<dyn Operations>,
    agents: Agents,
}

impl OwnHands {
    /// Hands that use these tools.
    #[must_use]
    pub fn new(toolbox: Arc<Toolbox>, operations: Arc<dyn Operations>, agents: Agents) -> Self {
        Self { toolbox, operations, agents }
    }

    async fn came(&self, caller: &Caller, asking: &Asking, name: &str, mut arguments: Value, token: String) -> Came {
        let tool = match self.toolbox.find(caller, name) {
            Ok(tool) => tool,
            Err(error) => return Came { told: format!("Error: {error}"), is_made: false },
        };
        if !self.may(asking, tool) {
            let agent = &asking.agent;
            let told = format!(
                "Error: a run of a schedule may not use {name}; the operator may allow it: agents.{agent}.runs_may_schedule"
            );
            return Came { told, is_made: false };
        }
        if tool.changes().contains(&RUN_NOW)
            && let Some(told) = self.run_before(caller, asking, &arguments).await
        {
            return Came { told, is_made: true };
        }
        let is_create = tool.nature == Nature::Creates;
        if let Value::Object(given) = &mut arguments
            && is_create
            && tool.fields().iter().any(|field| field.name == TOKEN)
        {
            given.insert(TOKEN.to_owned(), Value::String(token));
        }
        match self.toolbox.call(caller, &*self.operations, name, arguments).await {
            Ok(outcome) => match made_before(&outcome.structured) {
                Some(told) => Came { told, is_made: true },
                None => Came { is_made: is_create && !outcome.is_error, told: outcome.whole() },
            },
            Err(error) => Came { told: format!("Error: {error}"), is_made: false },
        }
    }

    /// What is said of a schedule that was run by hand since this run was begun first: by this run, as far as is known.
    async fn run_before(&self, caller: &Caller, asking: &Asking, arguments: &Value) -> Option<String> {
        let begun = asking.begun_before?;
        let schedule = ["schedule_id", "name"].iter().find_map(|key| arguments.get(key)?.as_str())?.to_owned();
        let asked = request::Runs { schedule, since: Some(begun.to_string()), ..request::Runs::default() };
        let Ok(Reply::Runs(told)) = self.operations.call(caller, asked.request()).await else { return None };
        let run = told.runs.iter().find(|run| run.cause == "manual")?;
        Some(format!(
            "OK: '{}' triggered, before this run was interrupted and begun anew; run {}@{}",
            told.name.as_ref().unwrap_or(&told.id),
            told.id,
            run.due.utc.0
        ))
    }

    fn may(&self, asking: &Asking, tool: &Tool) -> bool {
        let is_free = self.agents.get(&asking.agent).is_some_and(|agent| agent.runs_may_schedule);
        !asking.is_planned || is_free || tool.nature == Nature::Reads
    }
}

impl Hands for OwnHands {
    fn tools(&self, asking: &Asking) -> Vec<Value> {
        let caller = caller(asking);
        let tools = self.toolbox.tools(&caller).filter(|tool| self.may(asking, tool));
        match export(tools, Form::Openai) {
            Value::Array(tools) => tools,
            _ => Vec::new(),
        }
    }

    fn call<'a>(&'a self, asking: &'a Asking, name: &'a str, arguments: Value, token: String) -> Calling<'a> {
        Box::pin(async move { self.came(&caller(asking), asking, name, arguments, token).await })
    }
}

/// What is said where a run's own key has made something else before: the key means nothing to a model.
fn made_before(reply: &Value) -> Option<String> {
    let problem = reply["error"]["problems"].as_array()?.iter().find(|problem| problem["path"] == TOKEN)?;
    Some(format!(
        "Error: this run was interrupted and begun anew. Before that, the same call {}; that one stands, and nothing \
         else was made",
        problem["message"].as_str()?
    ))
}

fn caller(asking: &Asking) -> Caller {
    let Asking { agent, session, place, is_planned: _, begun_before: _ } = asking;
    Caller::Agent(Arc::new(Identity {
        agent: agent.clone(),
        session: session.map(|session| session.to_string()),
        destination: place.clone(),
        via: Some(Via::Chat),
    }))
}
