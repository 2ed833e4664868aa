//! What is sent: a literal text, or a task with the model that does it.
//!
//! Units: limits are bytes of UTF-8. Invariant: a task that is accepted names a provider that exists.
//! Not here: whether the provider answers (`runner`); templates, which are refused in `later`.

use super::Check;
use super::text::quoted;
use crate::limits;
use crate::problem::{Problem, nearest};
use crate::spec::raw::RawSchedule;
use crate::spec::tree::shorten;
use crate::spec::{Model, Payload, Task};

impl Check<'_> {
    /// The payload: exactly one of its kinds.
    pub(super) fn payload(&mut self, raw: &RawSchedule) -> Option<Payload> {
        let payload = raw.payload.clone().unwrap_or_default();
        let given = payload.given();
        if given.len() > 1 {
            let problem = Problem::new("payload", format!("{} are mutually exclusive", quoted(&given)));
            self.refuse(problem.hint("keep exactly one of message, template and task"));
            return None;
        }
        if let Some(instruction) = payload.task {
            let instruction = self.sent_text("payload.task", instruction);
            let model = self.model(raw);
            return Some(Payload::Task(Task { instruction: instruction?, model: model? }));
        }
        if let Some(model) = &raw.model {
            let problem = Problem::new("model", "is given, and no task that it could do").value(shorten(model));
            self.refuse(problem.hint("leave it out, or write payload: {task: \"…\"}"));
        }
        let Some(message) = payload.message else {
            let meant = ["payload", "payload.message", "payload.template", "payload.task"];
            if given.is_empty() && !meant.into_iter().any(|path| self.is_doubtful(path)) {
                let problem = Problem::new("payload", "is missing: nothing says what to send");
                self.refuse(problem.hint("write payload: {message: \"…\"}"));
            }
            return None;
        };
        self.sent_text("payload.message", message).map(Payload::Message)
    }

    fn sent_text(&mut self, path: &str, text: String) -> Option<String> {
        let problem = if text.trim().is_empty() {
            Problem::new(path, "is empty")
        } else if text.len() > limits::MESSAGE_BYTES_MAX {
            Problem::new(path, format!("is {} bytes long, more than {}", text.len(), limits::MESSAGE_BYTES_MAX))
        } else if text.contains('\0') {
            Problem::new(path, "holds a NUL character").hint("leave it out")
        } else {
            return Some(text);
        };
        self.refuse(problem);
        None
    }

    /// `provider/name`, cut at the first slash.
    fn model(&mut self, raw: &RawSchedule) -> Option<Model> {
        let providers = self.context.providers;
        let Some(text) = &raw.model else {
            if !self.is_doubtful("model") {
                let first = providers.iter().find(|name| *name != "echo").map_or("echo", String::as_str);
                let problem = Problem::new("model", "is missing: nothing says which model does the task");
                self.refuse(problem.hint(format!(
                    "write model: {first}/NAME; providers: {}; others are configured in chimewheel.toml",
                    providers.join(", ")
                )));
            }
            return None;
        };
        let text = self.name("model", Some(text))?;
        let parts = text.split_once('/').filter(|(provider, name)| !provider.is_empty() && !name.is_empty());
        let Some((provider, name)) = parts else {
            let problem = Problem::new("model", "is not of the form provider/name").value(shorten(&text));
            self.refuse(problem.hint(format!("such as echo/any; providers: {}", providers.join(", "))));
            return None;
        };
        if !providers.iter().any(|known| known == provider) {
            let near = nearest(provider, providers.iter().map(String::as_str));
            let near = near.map(|near| format!("did you mean '{near}/{name}'? ")).unwrap_or_default();
            let hint = format!(
                "{near}providers: {}; add [providers.{provider}] with kind = \"command\" and a program to chimewheel.toml",
                providers.join(", ")
            );
            let problem = Problem::new("model", format!("provider '{provider}' is not configured"));
            self.refuse(problem.value(shorten(&text)).hint(hint));
            return None;
        }
        Some(Model { provider: provider.to_owned(), name: name.to_owned() })
    }
}
