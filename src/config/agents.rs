//! `[agents.NAME]` and `[tools]`: what single agents are and may do.
//!
//! Without any `[agents.NAME]` every agent is known, with the limits everybody has. As soon as one is named, all are:
//! an agent that the config does not name is nobody.
//! Not here: keeping to what is said (`surface/ops/local/access`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::routing::read_model;
use super::section::{Section, Text};
use super::{Gateway, Secret, Surroundings, Webhook, gateway};
use crate::access::{Pattern, Quota};
use crate::limits;
use crate::problem::{Problem, nearest};
use crate::time::Span;

/// The sets of tools that there are, and those that are on unless something else is said.
const SETS: [(&str, bool); 3] = [("canonical", true), ("named", true), ("duragent", false)];

/// All agents that the config names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agents(BTreeMap<String, Agent>);

/// What an agent is and may do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agent {
    /// Name of the zone of its schedules that name none.
    pub timezone: Option<String>,
    /// Where its token is found, besides those that the store knows.
    pub token: Option<Secret>,
    /// Where it may send to, besides the conversation it asks from.
    pub destinations: Vec<Pattern>,
    /// What it may have and do at most.
    pub quota: Quota,
    /// After this span its recurring schedules end that name no end.
    pub expires: Option<Span>,
    /// The model of its tasks, unless something that goes before says otherwise.
    pub model: Option<String>,
    /// Where messages that people write to it are posted; `None`: they are not.
    pub webhook: Option<Webhook>,
    /// Who it is, as its model is told; with it, the program itself answers what people write to it.
    pub system: Option<System>,
    /// Whether its runs may make schedules, which otherwise only conversations may.
    pub runs_may_schedule: bool,
    /// Whether what one chat has booked is seen and changed from every other chat, too.
    pub chats_share: bool,
    /// Names of the tools that it may use; `None`: all of them.
    pub tools: Option<Vec<String>>,
}

impl Agents {
    /// What an agent is and may do; `None`: it is nobody.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Agent> {
        if self.0.is_empty() { Some(Agent::default()) } else { self.0.get(name).cloned() }
    }

    /// Every agent that is named.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Agent)> {
        self.0.iter().map(|(name, agent)| (name.as_str(), agent))
    }

    pub(super) fn read(
        section: Section<'_, '_>,
        text: &mut Text<'_>,
        around: Surroundings<'_>,
        gateways: &BTreeMap<String, Gateway>,
    ) -> Self {
        let mut agents = BTreeMap::new();
        for (name, agent) in section.names(text) {
            let wrong = name.trim().is_empty() || name.len() > limits::NAME_BYTES_MAX;
            if wrong || name.chars().any(char::is_control) {
                agent.refuse(text, "", Problem::new("", "is not an agent's name").value(&name));
            }
            agents.insert(name, Agent::read(agent, text, around, gateways));
        }
        Self(agents)
    }
}

impl FromIterator<(String, Agent)> for Agents {
    fn from_iter<T: IntoIterator<Item = (String, Agent)>>(agents: T) -> Self {
        Self(agents.into_iter().collect())
    }
}

impl Agent {
    fn read(
        mut section: Section<'_, '_>,
        text: &mut Text<'_>,
        around: Surroundings<'_>,
        gateways: &BTreeMap<String, Gateway>,
    ) -> Self {
        let timezone = section.parsed(text, "timezone", |given| (around.zone)(given).map(|()| given.to_owned()));
        let model = section.parsed(text, "model", read_model).flatten();
        let system = System::read(&mut section, text, around);
        let runs_may_schedule = section.flag(text, "runs_may_schedule").unwrap_or(false);
        let chats_share = section.flag(text, "chats_share").unwrap_or(false);
        let token = section.secret(text, ["token", "token_env", "token_file"]);
        let token = token.map(|secret| around.secret(secret));
        let tools = section.strings(text, "tools");
        for (place, tool) in tools.iter().flatten().enumerate() {
            if let Err(problem) = (around.tool)(tool) {
                let problem = Problem { path: section.path(&format!("tools[{place}]")), ..problem };
                section.refuse_at(text, "tools", problem.value(tool));
            }
        }
        let mut destinations = Vec::new();
        for (place, given) in section.strings(text, "destinations").unwrap_or_default().iter().enumerate() {
            match pattern(given, gateways) {
                Ok(pattern) => destinations.push(pattern),
                Err(problem) => {
                    let problem = Problem { path: section.path(&format!("destinations[{place}]")), ..problem };
                    section.refuse_at(text, "destinations", problem.value(given));
                }
            }
        }
        let expires = section.span(text, "expires").filter(|span| {
            let is_some = *span > Span::ZERO;
            if !is_some {
                section.refuse(text, "expires", Problem::new("", "is no span").hint("such as 90d"));
            }
            is_some
        });
        let webhook = section.section(text, "webhook").map(|section| gateway::webhook(section, text, around));
        if webhook.is_some() && system.is_some() {
            let problem = Problem::new("", "stands beside a system prompt: only one of the two can answer");
            section.refuse(text, "webhook", problem.hint("take one of them out"));
        }
        let quota = section.section(text, "quota");
        let quota = quota.map_or_else(Quota::default, |quota| read_quota(quota, text));
        section.finish(text);
        Self {
            timezone,
            token,
            destinations,
            quota,
            expires,
            model,
            webhook,
            system,
            runs_may_schedule,
            chats_share,
            tools,
        }
    }
}

/// Who an agent is, as its model is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum System {
    /// In these words.
    Text(String),
    /// In the words of this file.
    File(PathBuf),
}

impl System {
    fn read(section: &mut Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Option<Self> {
        let short = |given: &str| {
            if given.trim().is_empty() {
                Err(Problem::new("", "is empty"))
            } else if given.len() > limits::SYSTEM_BYTES_MAX {
                Err(Problem::new("", format!("is longer than {} bytes", limits::SYSTEM_BYTES_MAX)))
            } else {
                Ok(given.to_owned())
            }
        };
        let words = section.parsed(text, "system_prompt", short);
        let file = section.parsed(text, "system_prompt_file", super::not_empty);
        match (words, file) {
            (Some(_), Some(_)) => {
                let problem = Problem::new("", "only one of system_prompt and system_prompt_file may be given");
                section.refuse(text, "system_prompt_file", problem);
                None
            }
            (Some(words), None) => Some(Self::Text(words)),
            (None, Some(file)) => Some(Self::File(around.path(&file))),
            (None, None) => None,
        }
    }
}

fn pattern(given: &str, gateways: &BTreeMap<String, Gateway>) -> Result<Pattern, Problem> {
    let hint = "such as telegram:*, telegram:123 or telegram:123/7";
    let pattern = Pattern::parse(given).map_err(|why| Problem::new("", why).hint(hint))?;
    let Some(gateway) = pattern.gateway().filter(|gateway| !gateways.contains_key(*gateway)) else {
        return Ok(pattern);
    };
    let problem = Problem::new("", format!("gateway '{gateway}' is not configured"));
    Err(match nearest(gateway, gateways.keys().map(String::as_str)) {
        Some(near) => problem.hint(format!("did you mean '{near}'?")),
        None => problem.hint(format!("add [gateways.{gateway}]")),
    })
}

fn read_quota(mut section: Section<'_, '_>, text: &mut Text<'_>) -> Quota {
    let mut quota = Quota::default();
    if let Some(active) = section.whole(text, "active", 0..100_000_001) {
        quota.active = active as u32;
    }
    if let Some(interval) = section.span(text, "min_interval") {
        quota.min_interval = interval;
    }
    if let Some(fires) = section.whole(text, "fires_per_day", 0..100_000_001) {
        quota.fires_per_day = fires as u32;
    }
    if let Some(bytes) = section.whole(text, "payload_bytes", 1..limits::MESSAGE_BYTES_MAX as u64 + 1) {
        quota.payload_bytes = bytes as usize;
    }
    quota.cost_per_day = section.cost(text, "cost_per_day");
    section.finish(text);
    quota
}

/// Reads `[tools]`: the names of the sets of tools that are on.
pub(super) fn read_sets(mut section: Section<'_, '_>, text: &mut Text<'_>) -> Vec<String> {
    let given = section.strings(text, "sets");
    for (place, set) in given.iter().flatten().enumerate() {
        if SETS.iter().all(|(known, _)| known != set) {
            let problem = Problem::new(section.path(&format!("sets[{place}]")), "is no set of tools").value(set);
            let known = SETS.map(|(set, _)| set);
            let problem = match nearest(set, known) {
                Some(near) => problem.hint(format!("did you mean '{near}'?")),
                None => problem.hint(format!("there are: {}", known.join(", "))),
            };
            section.refuse_at(text, "sets", problem);
        }
    }
    section.finish(text);
    given.unwrap_or_else(default_sets)
}

/// The sets of tools that are on unless something else is said.
pub(super) fn default_sets() -> Vec<String> {
    SETS.iter().filter(|(_, on)| *on).map(|(set, _)| (*set).to_owned()).collect()
}
