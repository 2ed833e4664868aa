//! What a run says by a tool: where that is its way to speak, nothing else of it is sent.
//!
//! Each call adds to one text, which is delivered when the run is over, as an answer would be. A run that called none has
//! nothing to say, and its answer is the reason. What was said is sent also where the run could not be brought to its end: the
//! model was told that it would be. A run that is made again begins with nothing said.
//! Units: bytes. Invariant: what is collected is a text that can be sent.
//! Not here: which runs speak so (`runs`), asking and other tools (`running`).

use serde_json::{Value, json};

use crate::limits::MESSAGE_BYTES_MAX;
use crate::runner::{Answer, RunError};

/// The tools, by the names that older programs gave them.
const NAMES: [&str; 2] = ["schedule_deliver", "heartbeat_deliver"];

/// What a run has said so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    text: String,
}

impl Outbox {
    /// The tools, in the form of chat completions.
    #[must_use]
    pub fn tools() -> Vec<Value> {
        let description = "Sends a message to whoever this run is for. Your answer itself is not sent: call this only if \
                           there is something to say; several calls become one message.";
        let message = json!({"type": "string", "description": "What is to be sent."});
        let parameters = json!({
            "type": "object", "properties": {"message": message}, "required": ["message"], "additionalProperties": false,
        });
        let tool = |name: &str| {
            let function = json!({"name": name, "description": description, "parameters": parameters});
            json!({"type": "function", "function": function})
        };
        NAMES.map(tool).into()
    }

    /// Takes a call of one of them; `None`: it is of another tool.
    pub fn call(&mut self, name: &str, arguments: &Value) -> Option<String> {
        NAMES.contains(&name).then(|| self.take(arguments).unwrap_or_else(|error| format!("Error: {error}")))
    }

    fn take(&mut self, arguments: &Value) -> Result<String, String> {
        let message = match arguments.get("message") {
            None | Some(Value::Null) => return Err("Missing required parameter: message".to_owned()),
            Some(Value::String(message)) => message.trim_end(),
            Some(other) => return Err(format!("message must be a text (given {other})")),
        };
        if message.trim_start().is_empty() {
            return Err("message is empty".to_owned());
        }
        if message.contains('\0') {
            return Err("message holds a NUL character".to_owned());
        }
        let between = if self.text.is_empty() { "" } else { "\n\n" };
        if self.text.len() + between.len() + message.len() > MESSAGE_BYTES_MAX {
            return Err(format!(
                "all messages of a run have {MESSAGE_BYTES_MAX} bytes at most; this one was not taken"
            ));
        }
        self.text.push_str(between);
        self.text.push_str(message);
        Ok("Message queued for delivery".to_owned())
    }

    /// What a run comes to that has asked its model in vain at last; `None`: nothing was said.
    #[must_use]
    pub fn unanswered(self) -> Option<Answer> {
        let Self { text } = self;
        let answer = |text| Answer { text, model: String::new(), tokens: None, calls: Vec::new(), is_silent: false };
        (!text.is_empty()).then(|| answer(text))
    }

    /// What a run comes to that has given this answer at last.
    pub fn close(self, answer: Answer) -> Result<Answer, RunError> {
        if self.text.is_empty() {
            return answer.spoken().map(|answer| Answer { is_silent: true, ..answer });
        }
        Ok(Answer { text: self.text, calls: Vec::new(), ..answer })
    }
}
