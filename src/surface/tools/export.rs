//! The table of tools in the forms that model providers and clients take.
//!
//! Not here: using a tool (`door`, `mcp`).

use serde_json::{Value, json};

use super::{Nature, Tool};
use crate::problem::{Problem, nearest};
use crate::spec::tree::shorten;

/// Forms of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Functions of the chat-completions API.
    Openai,
    /// Tools of the messages API.
    Anthropic,
    /// The reply to MCP's `tools/list`.
    Mcp,
    /// Everything that the table says.
    #[default]
    Json,
}

impl Form {
    /// Every form with its word.
    pub const ALL: [(&'static str, Self); 4] =
        [("openai", Self::Openai), ("anthropic", Self::Anthropic), ("mcp", Self::Mcp), ("json", Self::Json)];

    /// The form of a word.
    pub fn read(word: &str) -> Result<Self, Problem> {
        let words = || Self::ALL.iter().map(|(word, _)| *word);
        let found = Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, form)| *form);
        found.ok_or_else(|| {
            let problem = Problem::new("format", "is not a form of the tools").value(shorten(word));
            problem.hint(match nearest(word, words()) {
                Some(meant) => format!("did you mean '{meant}'?"),
                None => words().collect::<Vec<_>>().join(", "),
            })
        })
    }
}

/// Tools in a form.
#[must_use]
pub fn export<'t>(tools: impl Iterator<Item = &'t Tool>, form: Form) -> Value {
    let one: fn(&Tool) -> Value = match form {
        Form::Openai => |tool| {
            let function = json!({"name": tool.name, "description": tool.about, "parameters": tool.input()});
            json!({"type": "function", "function": function})
        },
        Form::Anthropic => |tool| json!({"name": tool.name, "description": tool.about, "input_schema": tool.input()}),
        Form::Mcp => mcp,
        Form::Json => |tool| {
            let mut shown = mcp(tool);
            shown["set"] = json!(tool.set.word());
            shown
        },
    };
    let all: Vec<Value> = tools.map(one).collect();
    match form {
        Form::Openai | Form::Anthropic => Value::Array(all),
        Form::Mcp | Form::Json => json!({"tools": all}),
    }
}

/// A tool as MCP lists it.
#[must_use]
pub fn mcp(tool: &Tool) -> Value {
    let mut shown = json!({
        "name": tool.name,
        "title": tool.title,
        "description": tool.about,
        "inputSchema": tool.input(),
        "annotations": {
            "title": tool.title,
            "readOnlyHint": tool.nature == Nature::Reads,
            "destructiveHint": tool.nature == Nature::Replaces,
            "idempotentHint": tool.nature != Nature::Creates,
            "openWorldHint": false,
        },
    });
    if let Some(output) = tool.output() {
        shown["outputSchema"] = Value::Object(output);
    }
    shown
}
