//! Names and texts: id, owner, labels, variables, destination.
//!
//! Units: limits are bytes of UTF-8. Not here: whether a name is taken (`runtime`), what is sent (`payload`).

use super::Check;
use crate::id::ScheduleId;
use crate::limits;
use crate::problem::{Problem, nearest};
use crate::spec::Destination;
use crate::spec::raw::{RawDestination, RawSchedule};
use crate::spec::tree::shorten;

/// Whether a text may name an agent, a chat, a model and the like; else what is wrong with it.
pub fn judge_name(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        Err("is empty".to_owned())
    } else if text.len() > limits::NAME_BYTES_MAX {
        Err(format!("is longer than {} bytes", limits::NAME_BYTES_MAX))
    } else if text.chars().any(char::is_control) {
        Err("holds a line break or another control character".to_owned())
    } else {
        Ok(())
    }
}

impl Check<'_> {
    /// The id: written, else the existing one, else the file's stem, else made up.
    pub(super) fn id(&mut self, raw: &RawSchedule) -> Option<ScheduleId> {
        let context = self.context;
        if let Some(existing) = context.existing {
            if raw.id.as_deref().is_some_and(|id| id != existing.id.as_str()) {
                let written = shorten(raw.id.as_deref().unwrap_or_default());
                let problem = Problem::new("id", "the id of a schedule cannot change").value(written);
                self.refuse(problem.hint(format!("it is '{}'; leave id out", existing.id)));
            }
            return Some(existing.id.clone());
        }
        let (text, hint) = match (&raw.id, context.fallback_id) {
            (Some(written), _) => (written.as_str(), "write for example id: daily-standup"),
            (None, _) if self.is_doubtful("id") => return None,
            (None, Some(stem)) => (stem, "the file's name is the id where none is written; write id, or rename it"),
            (None, None) => return Some(ScheduleId::generate(context.now, context.random)),
        };
        match ScheduleId::parse(text) {
            Ok(id) => Some(id),
            Err(error) => {
                self.refuse(Problem::new("id", error.why).value(error.text).hint(hint));
                None
            }
        }
    }

    /// A short text that names something.
    pub(super) fn name(&mut self, path: &str, text: Option<&str>) -> Option<String> {
        let text = text?;
        if let Err(wrong) = judge_name(text) {
            self.refuse(Problem::new(path, wrong).value(shorten(text)));
            return None;
        }
        Some(text.to_owned())
    }

    /// The owner: written, else the default.
    pub(super) fn agent(&mut self, raw: &RawSchedule) -> String {
        self.name("agent", raw.agent.as_deref()).unwrap_or_else(|| self.context.default_agent.to_owned())
    }

    /// The destination: written, else the default; none after an explicit null, and none for a schedule that
    /// exists without one.
    pub(super) fn destination(&mut self, raw: &RawSchedule) -> Option<Destination> {
        let context = self.context;
        // A model may spell out as null what it does not give.
        let nulls =
            ["destination.gateway", "destination.chat_id"].into_iter().any(|path| self.cleared.contains(path));
        let unwritten = |written: &&RawDestination| **written == RawDestination::default() && nulls;
        let Some(written) = raw.destination.as_ref().filter(|written| !unwritten(written)) else {
            let meant = self.cleared.contains("destination") || self.is_doubtful("destination");
            let default = context.default_destination.as_ref();
            return default.filter(|_| !meant && context.existing.is_none()).cloned();
        };
        if *written == RawDestination::default() {
            if !["gateway", "chat_id", "thread"].iter().any(|key| self.is_doubtful(&format!("destination.{key}"))) {
                let problem = Problem::new("destination", "is empty");
                self.refuse(problem.hint("write {gateway: …, chat_id: …}, or leave it out to only record"));
            }
            return None;
        }
        let default = context.default_destination.as_ref();
        let gateway = written.gateway.as_ref().or(default.map(|to| &to.gateway));
        let chat_id =
            written.chat_id.as_ref().or(default.filter(|to| Some(&to.gateway) == gateway).map(|to| &to.chat_id));
        for (path, given) in [("destination.gateway", gateway), ("destination.chat_id", chat_id)] {
            if given.is_none() && !self.is_doubtful(path) {
                self.refuse(Problem::new(path, "is missing").hint("a destination is a gateway and a chat_id"));
            }
        }
        let text = written.is_one_text.then(|| gateway.zip(chat_id)).flatten();
        let text = text.map(|(gateway, chat_id)| format!("{gateway}_{chat_id}"));
        let names = context.gateways.iter().map(String::as_str);
        let (gateway, chat_id) = match text.as_deref().and_then(|text| Destination::split(text, names)) {
            Some((gateway, chat_id)) => (Some(gateway), Some(chat_id)),
            None => (gateway.map(String::as_str), chat_id.map(String::as_str)),
        };
        let gateway = gateway.and_then(|gateway| self.gateway(gateway));
        let chat_id = chat_id.and_then(|chat_id| self.name("destination.chat_id", Some(chat_id)));
        let thread = self.name("destination.thread", written.thread.as_deref());
        Some(Destination { gateway: gateway?, chat_id: chat_id?, thread })
    }

    fn gateway(&mut self, name: &str) -> Option<String> {
        let name = self.name("destination.gateway", Some(name))?;
        let configured = self.context.gateways;
        if configured.contains(&name) {
            return Some(name);
        }
        let mut hint = match nearest(&name, configured.iter().map(String::as_str)) {
            Some(near) => format!("did you mean '{near}'? "),
            None => String::new(),
        };
        if !configured.is_empty() {
            hint.push_str(&format!("configured: {}; ", configured.join(", ")));
        }
        hint.push_str(&format!("add [gateways.{name}] to chimewheel.toml"));
        let problem = Problem::new("destination.gateway", format!("gateway '{name}' is not configured"));
        self.refuse(problem.hint(hint));
        None
    }

    /// Labels: short names with short texts.
    pub(super) fn labels(&mut self, raw: &RawSchedule) {
        self.count("labels", raw.labels.len());
        for (key, value) in &raw.labels {
            self.name("labels", Some(key));
            if value.len() > limits::NAME_BYTES_MAX {
                let wrong = format!("is longer than {} bytes", limits::NAME_BYTES_MAX);
                self.refuse(Problem::new(format!("labels.{key}"), wrong).value(shorten(value)));
            }
        }
    }

    /// Variables: short names with any values, limited as a whole.
    pub(super) fn vars(&mut self, raw: &RawSchedule) {
        self.count("vars", raw.vars.len());
        for key in raw.vars.keys() {
            self.name("vars", Some(key));
        }
        let bytes: usize = raw.vars.iter().map(|(key, value)| key.len() + value.to_string().len()).sum();
        if bytes > limits::VARS_BYTES_MAX {
            let wrong = format!("are {bytes} bytes as JSON, more than {}", limits::VARS_BYTES_MAX);
            self.refuse(Problem::new("vars", wrong));
        }
    }

    fn count(&mut self, path: &str, count: usize) {
        if count > limits::LABELS_COUNT_MAX {
            let wrong = format!("has {count} entries, more than {}", limits::LABELS_COUNT_MAX);
            self.refuse(Problem::new(path, wrong));
        }
    }
}

/// `'at' and 'cron'`.
pub(super) fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
