//! What is sent: a literal text, a template, or a task with the model that does it; and the script that shapes it.
//!
//! Units: limits are bytes of UTF-8. Invariant: for a task that is accepted there is a provider, whoever names its model.
//! Not here: who names it (`config`), whether the provider answers (`runner`); what a script may say (`script`).

use super::Check;
use super::text::quoted;
use super::words;
use crate::limits;
use crate::problem::Problem;
use crate::spec::raw::RawSchedule;
use crate::spec::tree::shorten;
use crate::spec::{OnHookError, Payload, RunSession, Silence, Task};

impl Check<'_> {
    /// The payload: exactly one of its kinds.
    pub(super) fn payload(&mut self, raw: &RawSchedule, agent: &str) -> Option<Payload> {
        let payload = raw.payload.clone().unwrap_or_default();
        let given = payload.given();
        if given.len() > 1 {
            let problem = Problem::new("payload", format!("{} are mutually exclusive", quoted(&given)));
            self.refuse(problem.hint("keep exactly one of message, template and task"));
            return None;
        }
        if let Some(instruction) = payload.task {
            let instruction = self.sent_text("payload.task", instruction);
            return self.task(raw, agent, instruction).map(Payload::Task);
        }
        self.no_run_session(raw);
        if let Some(model) = &raw.model {
            let problem = Problem::new("model", "is given, and no task that it could do").value(shorten(model));
            self.refuse(problem.hint("leave it out, or write payload: {task: \"…\"}"));
        }
        if let Some(silence) = &raw.silence {
            let problem = Problem::new("silence", "is given, and no task whose model could be silent");
            self.refuse(
                problem.value(shorten(silence)).hint("leave it out; of other texts a hook says what is sent"),
            );
        }
        if raw.budget.is_some() {
            let problem = Problem::new("budget", "is given, and no task that could cost anything");
            self.refuse(problem.hint("leave it out"));
        }
        if let Some(template) = payload.template {
            return self.template(template).map(Payload::Template);
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

    /// A template that can be worked out.
    fn template(&mut self, text: String) -> Option<String> {
        let text = self.sent_text("payload.template", text)?;
        match self.context.scripts.judge_template(&text) {
            Ok(()) => Some(text),
            Err(problem) => {
                self.refuse(Problem { path: "payload.template".into(), ..problem });
                None
            }
        }
    }

    /// A script that is there.
    pub(super) fn hook(&mut self, raw: &RawSchedule) -> Option<String> {
        let name = self.name("hook", raw.hook.as_deref())?;
        match self.context.scripts.judge_hook(&name) {
            Ok(()) => Some(name),
            Err(problem) => {
                self.refuse(Problem { path: "hook".into(), ..problem });
                None
            }
        }
    }

    /// What becomes of a run whose script fails; where there is no script the word would do nothing.
    pub(super) fn on_hook_error(&mut self, raw: &RawSchedule) -> OnHookError {
        let usual = OnHookError::default();
        let word = raw.on_hook_error.as_deref();
        let has_template = raw.payload.as_ref().is_some_and(|payload| payload.template.is_some());
        if let Some(word) = word.filter(|_| raw.hook.is_none() && !has_template && !self.is_doubtful("hook")) {
            let problem =
                Problem::new("on_hook_error", "is given, and neither a hook nor a template that could fail");
            self.refuse(problem.value(shorten(word)).hint("leave it out, or name a hook"));
        }
        self.word("on_hook_error", word, words::ON_HOOK_ERROR, usual)
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

    /// A task that somebody can be asked to do.
    fn task(&mut self, raw: &RawSchedule, agent: &str, instruction: Option<String>) -> Option<Task> {
        let model = match &raw.model {
            Some(text) => Some(self.name("model", Some(text))?),
            None if self.is_doubtful("model") => return None,
            None => None,
        };
        let silence = self.word("silence", raw.silence.as_deref(), words::SILENCE, Silence::default());
        let chosen = match self.context.routing.choose(model.as_deref(), agent) {
            Ok(chosen) => chosen,
            Err(problem) => {
                let value = problem.value.as_deref().map(shorten);
                self.refuse(Problem { value, ..problem });
                return None;
            }
        };
        let budget = self.budget(raw)?;
        self.kept_by(&chosen, silence, budget);
        Some(Task { instruction: instruction?, model, session: self.run_session(raw), silence, budget })
    }

    /// What the model of a task knows of what was said before.
    fn run_session(&mut self, raw: &RawSchedule) -> RunSession {
        let session = self.word("session", raw.session.as_deref(), words::SESSION, RunSession::default());
        if session == RunSession::Conversation && raw.destination.is_none() && !self.is_doubtful("destination") {
            let problem = Problem::new("session", "is given, and no destination whose conversation that would be");
            self.refuse(problem.value("conversation").hint("name a destination, or leave it out"));
        }
        session
    }

    /// A text that no model makes is part of its chat's conversation, and of nothing else.
    fn no_run_session(&mut self, raw: &RawSchedule) {
        if let Some(word) = raw.session.as_deref().filter(|word| *word != "conversation") {
            let problem = Problem::new("session", "is given, and no task that it could be said of");
            self.refuse(
                problem.value(shorten(word)).hint("leave it out: texts go to the conversation of their chat"),
            );
        }
    }
}
