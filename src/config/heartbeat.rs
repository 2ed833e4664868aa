//! `heartbeat`: the file whose checks a model does, and how often it does them where the file is one prompt.
//!
//! `heartbeat = "HEARTBEAT.md"` names the file and nothing else; as a table it says more. What it says besides the file and
//! its agent holds for a file that is one prompt: one that holds schedules tells its times itself.
//! Not here: active hours (`hours`), reading the file, and what it declares (`surface/heartbeat`).

use std::path::PathBuf;

use super::hours::ActiveHours;
use super::routing::read_model;
use super::section::{Section, Text};
use super::{Agents, Config, Notice, Surroundings, not_empty};
use crate::access::Destination;
use crate::limits::{EVERY_MS_MIN, NAME_BYTES_MAX, SPAN_MS_MAX};
use crate::problem::{Problem, nearest};
use crate::time::Span;

/// Owner of what names none.
const AGENT_DEFAULT: &str = "default";

/// A heartbeat file, and what holds for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// The file; `None`: there is no heartbeat.
    pub file: Option<PathBuf>,
    /// Owner of what it declares; `None`: as of any other file.
    pub agent: Option<String>,
    /// How often its prompt is run.
    pub interval: Option<Interval>,
    /// The model that does it; `None`: as of any other task.
    pub model: Option<String>,
    /// The chat that the answer goes to, as `telegram_123456`; without one nothing is run.
    pub inject_into: Option<String>,
    /// The hours in which it is run; `None`: all.
    pub active_hours: Option<ActiveHours>,
}

/// How often a prompt is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Never.
    Off,
    /// After every span of this length.
    Every(Span),
}

impl Heartbeat {
    pub(super) fn read(
        root: &mut Section<'_, '_>,
        text: &mut Text<'_>,
        around: Surroundings<'_>,
        agents: &Agents,
    ) -> Self {
        if root.is_text("heartbeat") {
            let file = root.parsed(text, "heartbeat", not_empty);
            return Self { file: file.map(|file| around.path(&file)), ..Self::default() };
        }
        let Some(mut section) = root.section(text, "heartbeat") else { return Self::default() };
        let read = Self {
            file: section.parsed(text, "file", not_empty).map(|file| around.path(&file)),
            agent: section.parsed(text, "agent", |given| read_agent(given, agents)).flatten(),
            interval: section.parsed(text, "interval", read_interval).flatten(),
            model: section.parsed(text, "model", read_model).flatten(),
            inject_into: section.parsed(text, "inject_into", read_target).flatten(),
            active_hours: section
                .section(text, "active_hours")
                .and_then(|hours| ActiveHours::read(hours, text, around)),
        };
        section.finish(text);
        read
    }

    /// What this one leaves open, `other` says.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            file: self.file.or_else(|| other.file.clone()),
            agent: self.agent.or_else(|| other.agent.clone()),
            interval: self.interval.or(other.interval),
            model: self.model.or_else(|| other.model.clone()),
            inject_into: self.inject_into.or_else(|| other.inject_into.clone()),
            active_hours: self.active_hours.or_else(|| other.active_hours.clone()),
        }
    }

    /// Whether nothing is said of it.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }

    /// What of it cannot have an effect under this config.
    pub(super) fn notices(&self, config: &Config) -> Vec<Notice> {
        let notice = |key: &str, message: String| Notice { path: format!("heartbeat{key}"), message };
        if self.is_unset() {
            return Vec::new();
        }
        if self.file.is_none() {
            let message = "names no file, so there is no heartbeat; set heartbeat.file = \"HEARTBEAT.md\"";
            return vec![notice("", message.to_owned())];
        }
        let mut notices = Vec::new();
        let names = config.gateways.keys().map(String::as_str);
        let target = self.inject_into.as_ref().and_then(|to| Destination::split(to, names));
        let gateway = target.map(|(gateway, _)| gateway);
        if let Some(gateway) = gateway.filter(|gateway| !config.gateways.contains_key(*gateway)) {
            let message = format!("gateway '{gateway}' is not configured; add [gateways.{gateway}]");
            notices.push(notice(".inject_into", message));
        }
        let agent = self.agent.as_deref().unwrap_or_default();
        if let Some(problem) = self.model.as_ref().and_then(|model| config.routing.choose(Some(model), agent).err()) {
            notices.push(notice(".model", problem.to_string().trim_start_matches("model: ").to_owned()));
        }
        match self.interval {
            Some(Interval::Off) => {}
            Some(Interval::Every(_)) if self.inject_into.is_none() => {
                let message = "has no target, so a file that is one prompt is never run; set heartbeat.inject_into, \
                               such as \"telegram_123456\"";
                notices.push(notice(".interval", message.to_owned()));
            }
            Some(Interval::Every(period)) => {
                let wrong = self.active_hours.as_ref().and_then(|hours| hours.times(period).err());
                notices.extend(wrong.map(|wrong| notice(".interval", wrong.to_string())));
                let owner = self.agent.as_deref().unwrap_or(AGENT_DEFAULT);
                let place = target.map(|(gateway, chat)| Destination {
                    gateway: gateway.to_owned(),
                    chat_id: chat.to_owned(),
                    thread: None,
                });
                let answers = place.and_then(|place| config.routes.likely(&place)).map(|route| route.agent.as_str());
                if let Some(other) = answers.filter(|other| *other != owner) {
                    let message = format!(
                        "is {owner}, but in the target's chat routes name {other}, who knows nothing of what the \
                         heartbeat says there; set heartbeat.agent = \"{other}\""
                    );
                    notices.push(notice(".agent", message));
                }
            }
            None => {
                let said = [
                    (".model", self.model.is_some()),
                    (".inject_into", self.inject_into.is_some()),
                    (".active_hours", self.active_hours.is_some()),
                ];
                for (key, _) in said.into_iter().filter(|(_, is_said)| *is_said) {
                    let message = "has no effect without heartbeat.interval, such as \"30m\"";
                    notices.push(notice(key, message.to_owned()));
                }
            }
        }
        notices
    }
}

impl Interval {
    /// The text that reads to it.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Off => "off".to_owned(),
            Self::Every(span) => span.to_string(),
        }
    }
}

fn read_interval(given: &str) -> Result<Option<Interval>, Problem> {
    let text = given.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.eq_ignore_ascii_case("off") {
        return Ok(Some(Interval::Off));
    }
    let is_iso = text.starts_with(['P', 'p']);
    let read = if is_iso { Span::parse_iso(text) } else { Span::parse(text) };
    let hint = "write off, an ISO 8601 duration such as PT30M, or a span such as 30m";
    let span = read.map_err(|error| Problem::new("", error.why).hint(hint))?;
    let (least, most) = (Span::from_millis(EVERY_MS_MIN), Span::from_millis(SPAN_MS_MAX));
    if span < least || span > most {
        return Err(Problem::new("", format!("must be from {least} to {most}")).hint("to run nothing write off"));
    }
    Ok(Some(Interval::Every(span)))
}

/// A chat with its gateway's name before it, as a schedule names it.
fn read_target(given: &str) -> Result<Option<String>, Problem> {
    let text = given.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = if text.len() > NAME_BYTES_MAX {
        "is too long"
    } else {
        match Destination::split(text, []) {
            Some(_) => return Ok(Some(text.to_owned())),
            None => "is not a gateway and a chat id",
        }
    };
    Err(Problem::new("", wrong).hint("write GATEWAY_CHAT, such as telegram_123456"))
}

fn read_agent(given: &str, agents: &Agents) -> Result<Option<String>, Problem> {
    let name = given.trim();
    if name.is_empty() {
        return Ok(None);
    }
    if agents.get(name).is_some() {
        return Ok(Some(name.to_owned()));
    }
    let problem = Problem::new("", "is no agent of this config");
    Err(match nearest(name, agents.iter().map(|(name, _)| name)) {
        Some(near) => problem.hint(format!("did you mean '{near}'?")),
        None => problem.hint(format!("add [agents.{name}], or leave it out")),
    })
}
