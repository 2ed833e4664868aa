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
use crate::runtime::minds::{Asking, Calling, Hands};
use crate::surface::ops::{Caller, Identity, Operations};

/// The key of a create that makes a repeated one answer with the first.
const TOKEN: &str = "client_token";

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

    fn call<'a>(&'a self, asking: &'a Asking, name: &'a str, mut arguments: Value, token: String) -> Calling<'a> {
        Box::pin(async move {
            let caller = caller(asking);
            let tool = match self.toolbox.find(&caller, name) {
                Ok(tool) => tool,
                Err(error) => return format!("Error: {error}"),
            };
            if !self.may(asking, tool) {
                let agent = &asking.agent;
                return format!(
                    "Error: a run of a schedule may not use {name}; the operator may allow it: agents.{agent}.runs_may_schedule"
                );
            }
            if let Value::Object(given) = &mut arguments
                && tool.nature == Nature::Creates
                && tool.fields().iter().any(|field| field.name == TOKEN)
            {
                given.insert(TOKEN.to_owned(), Value::String(token));
            }
            match self.toolbox.call(&caller, &*self.operations, name, arguments).await {
                Ok(outcome) => made_before(&outcome.structured).unwrap_or_else(|| outcome.whole()),
                Err(error) => format!("Error: {error}"),
            }
        })
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
    let Asking { agent, session, place, is_planned: _ } = asking;
    Caller::Agent(Arc::new(Identity {
        agent: agent.clone(),
        session: session.map(|session| session.to_string()),
        destination: place.clone(),
        via: Some(Via::Chat),
    }))
}
