//! `[routing]`: which model does a task.
//!
//! A schedule may name its model; one that does not follows what is said here, and follows it still after it was
//! changed. The order: the schedule's own, `tasks.subagent`, the model of its agent, `default`, and where nobody says
//! anything the one that older tools take. An empty text says nothing.
//! A model is an alias, or `provider/name`, cut at the first slash; an alias stands for a model, never for another alias.
//! Invariant: what [`Routing::choose`] answers names a configured provider. Not here: asking it (`runner`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::section::{Section, Text};
use super::{Agents, Notice, Provider, Trait};
use crate::limits::{ALIASES_COUNT_MAX, FALLBACKS_COUNT_MAX, NAME_BYTES_MAX, RUN_LONG_MS_MAX};
use crate::problem::{Problem, nearest};
use crate::time::Span;

/// The model where nobody says anything.
pub const MODEL_DEFAULT: &str = "glm/glm-4-plus";

/// A model, written `provider/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Name of a configured provider.
    pub provider: String,
    /// The provider's name for it.
    pub name: String,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.name)
    }
}

/// All that says which model does a task, besides the schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// The model of tasks.
    pub subagent: Option<String>,
    /// How long one attempt at a run may take, whoever is asked in it and however often; `None`: only each question is
    /// bounded, by its provider.
    pub timeout: Option<Span>,
    /// The model of everything that nothing else is said of.
    pub default: Option<String>,
    /// Who is asked, one after the other, when the model that was chosen cannot answer now.
    pub fallback: Vec<String>,
    /// Short names of models.
    pub aliases: BTreeMap<String, String>,
    /// The models of single agents.
    pub agents: BTreeMap<String, String>,
    /// Names of the configured providers.
    pub providers: BTreeSet<String>,
    /// What is known of them; of one that is missing here, nothing.
    pub traits: BTreeMap<String, Trait>,
}

/// Who names a model.
#[derive(Clone, Copy)]
enum SaidBy<'a> {
    Schedule,
    Subagent,
    Agent(&'a str),
    Default,
    Nobody,
}

impl Routing {
    /// Nothing is said, and nobody is there to be asked.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            subagent: None,
            timeout: None,
            default: None,
            fallback: Vec::new(),
            aliases: BTreeMap::new(),
            agents: BTreeMap::new(),
            providers: BTreeSet::new(),
            traits: BTreeMap::new(),
        }
    }

    pub(super) fn read(mut section: Section<'_, '_>, text: &mut Text<'_>) -> Self {
        let default = section.parsed(text, "default", read_model).flatten();
        let mut fallback = Vec::new();
        for (place, given) in section.strings(text, "fallback").unwrap_or_default().iter().enumerate() {
            match read_model(given) {
                Ok(model) => fallback.extend(model),
                Err(problem) => {
                    let path = section.path(&format!("fallback[{place}]"));
                    section.refuse_at(text, "fallback", Problem { path, ..problem.value(given) });
                }
            }
        }
        if fallback.len() > FALLBACKS_COUNT_MAX {
            let problem = Problem::new("", format!("names {} models", fallback.len()));
            section.refuse(text, "fallback", problem.hint(format!("at most {FALLBACKS_COUNT_MAX}")));
        }
        let (mut subagent, mut timeout) = (None, None);
        if let Some(mut tasks) = section.section(text, "tasks") {
            subagent = tasks.parsed(text, "subagent", read_model).flatten();
            timeout = tasks.span(text, "timeout");
            let longest = Span::from_millis(RUN_LONG_MS_MAX);
            if let Some(wrong) = timeout.filter(|timeout| *timeout == Span::ZERO || *timeout > longest) {
                let problem = Problem::new("", format!("must be from 1ms to {longest}")).value(wrong.to_string());
                tasks.refuse(text, "timeout", problem);
            }
            tasks.finish(text);
        }
        let mut aliases = BTreeMap::new();
        if let Some(words) = section.section(text, "aliases") {
            for (alias, model) in words.words(text) {
                let read = read_model(&model).and_then(|model| {
                    model.ok_or_else(|| Problem::new("", "is empty").hint("write provider/name, or leave it out"))
                });
                match read {
                    Ok(model) => drop(aliases.insert(alias, model)),
                    Err(problem) => {
                        let path = section.path(&format!("aliases.{alias}"));
                        section.refuse_at(text, "aliases", Problem { path, ..problem.value(model) });
                    }
                }
            }
        }
        if aliases.len() > ALIASES_COUNT_MAX {
            let problem = Problem::new("", format!("holds {} names", aliases.len()));
            section.refuse(text, "aliases", problem.hint(format!("at most {ALIASES_COUNT_MAX}")));
        }
        section.finish(text);
        Self { subagent, timeout, default, fallback, aliases, ..Self::new() }
    }

    /// The same among these agents and providers.
    pub(super) fn among(self, agents: &Agents, providers: &BTreeMap<String, Provider>) -> Self {
        let own = agents.iter().filter_map(|(name, agent)| Some((name.to_owned(), agent.model.clone()?)));
        let traits = providers.iter().map(|(name, provider)| (name.clone(), provider.told()));
        Self {
            agents: own.collect(),
            providers: providers.keys().cloned().collect(),
            traits: traits.collect(),
            ..self
        }
    }

    /// What this one leaves open, `other` says.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        self.subagent = self.subagent.or_else(|| other.subagent.clone());
        self.timeout = self.timeout.or(other.timeout);
        self.default = self.default.or_else(|| other.default.clone());
        if self.fallback.is_empty() {
            self.fallback.clone_from(&other.fallback);
        }
        self
    }

    /// The model of a task of this agent, where the schedule says `written`; or why there is none.
    pub fn choose(&self, written: Option<&str>, agent: &str) -> Result<Model, Problem> {
        let (text, said_by) = self.said(written, agent);
        self.model(text).map_err(|(why, hint)| {
            let named = match said_by {
                SaidBy::Schedule => return Problem::new("model", why).value(text).hint(hint),
                SaidBy::Subagent => "routing.tasks.subagent names one that cannot be asked",
                SaidBy::Agent(agent) => {
                    let message =
                        format!("is not written, and agents.{agent}.model names one that cannot be asked: {why}");
                    return Problem::new("model", message).value(text).hint(hint);
                }
                SaidBy::Default => "routing.default names one that cannot be asked",
                SaidBy::Nobody => "the config names none, so the usual one is meant",
            };
            let hint = format!("write model: provider/name, or set routing.default; {hint}");
            Problem::new("model", format!("is not written, and {named}: {why}")).value(text).hint(hint)
        })
    }

    /// Who is asked when that model cannot answer now, in order.
    pub fn fallbacks<'a>(&'a self, chosen: &'a Model) -> impl Iterator<Item = Model> + 'a {
        self.fallback.iter().filter_map(|text| self.model(text).ok()).filter(move |model| model != chosen)
    }

    /// The provider of the model of a task, configured or not.
    #[must_use]
    pub fn provider<'a>(&'a self, written: Option<&'a str>, agent: &'a str) -> &'a str {
        let meant = self.meant(self.said(written, agent).0);
        meant.split_once('/').map_or(meant, |(provider, _)| provider)
    }

    /// What is known of a model's provider.
    #[must_use]
    pub fn traits(&self, model: &Model) -> Option<&Trait> {
        self.traits.get(&model.provider)
    }

    /// What is named here and cannot be asked, or has no price where costs are limited.
    pub(super) fn notices(&self, is_limited: bool) -> Vec<Notice> {
        let own = |key: &str| format!("routing.{key}");
        let single = [("tasks.subagent", &self.subagent), ("default", &self.default)];
        let single = single.into_iter().filter_map(|(key, text)| Some((own(key), text.as_ref()?)));
        let fallback =
            self.fallback.iter().enumerate().map(|(place, text)| (own(&format!("fallback[{place}]")), text));
        let aliases = self.aliases.iter().map(|(alias, text)| (own(&format!("aliases.{alias}")), text));
        let agents = self.agents.iter().map(|(agent, text)| (format!("agents.{agent}.model"), text));
        let named = single.chain(fallback).chain(aliases).chain(agents);
        let doubtful = named.filter_map(|(path, text)| {
            let message = match self.model(text) {
                Err((why, hint)) => format!("'{text}' cannot be asked: {why}; {hint}"),
                Ok(model) if is_limited && self.is_unpriced(&model) => {
                    let provider = &model.provider;
                    format!(
                        "'{text}' has no price, and no cost_per_day holds for it; write price_in and price_out in \
                         [providers.{provider}], 0 where it costs nothing"
                    )
                }
                Ok(_) => return None,
            };
            Some(Notice { path, message })
        });
        doubtful.collect()
    }

    fn is_unpriced(&self, model: &Model) -> bool {
        matches!(self.traits(model), Some(Trait::Model(rates)) if !rates.says_price(&model.name))
    }

    fn said<'a>(&'a self, written: Option<&'a str>, agent: &'a str) -> (&'a str, SaidBy<'a>) {
        if let Some(text) = written {
            return (text, SaidBy::Schedule);
        }
        if let Some(text) = &self.subagent {
            return (text, SaidBy::Subagent);
        }
        if let Some(text) = self.agents.get(agent) {
            return (text, SaidBy::Agent(agent));
        }
        match &self.default {
            Some(text) => (text, SaidBy::Default),
            None => (MODEL_DEFAULT, SaidBy::Nobody),
        }
    }

    fn meant<'a>(&'a self, text: &'a str) -> &'a str {
        self.aliases.get(text).map_or(text, String::as_str)
    }

    /// The model that a text means, or what is wrong with it and the way out.
    fn model(&self, text: &str) -> Result<Model, (String, String)> {
        let meant = self.meant(text);
        let parts = meant.split_once('/').filter(|(provider, name)| !provider.is_empty() && !name.is_empty());
        let Some((provider, name)) = parts else {
            let known = self.aliases.keys().map(String::as_str);
            let near = nearest(text, known).map(|near| format!("did you mean '{near}'? ")).unwrap_or_default();
            let aliases = if self.aliases.is_empty() { "" } else { ", nor an alias" };
            let why = format!("its form is not provider/name{aliases}");
            return Err((why, format!("{near}{}; a short name is told in routing.aliases", self.known())));
        };
        if self.providers.contains(provider) {
            return Ok(Model { provider: provider.to_owned(), name: name.to_owned() });
        }
        let near = nearest(provider, self.providers.iter().map(String::as_str));
        let near = near.map(|near| format!("did you mean '{near}/{name}'? ")).unwrap_or_default();
        let hint = format!(
            "{near}{}; add [providers.{provider}] with kind = \"openai\" and base_url to chimewheel.toml",
            self.known()
        );
        Err((format!("provider '{provider}' is not configured"), hint))
    }

    fn known(&self) -> String {
        let list = |names: Vec<&str>| names.join(", ");
        let providers = list(self.providers.iter().map(String::as_str).collect());
        if self.aliases.is_empty() {
            return format!("providers: {providers}");
        }
        format!("providers: {providers}; aliases: {}", list(self.aliases.keys().map(String::as_str).collect()))
    }
}

/// A model as a config may name it; an empty text is none.
pub(super) fn read_model(given: &str) -> Result<Option<String>, Problem> {
    let text = given.trim();
    if text.len() > NAME_BYTES_MAX {
        return Err(Problem::new("", format!("is longer than {NAME_BYTES_MAX} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(Problem::new("", "holds a control character"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}
