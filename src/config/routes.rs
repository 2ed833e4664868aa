//! `[[routes]]` and `[sessions]`: which agent is spoken to by a message that comes in, and when a session is over.
//!
//! Rules are asked in the order of the file; the first that matches names the agent. In a group or a channel a rule
//! only takes what is addressed to the bot, unless it says `unaddressed = true`.
//! Not here: what becomes of a message that no rule takes (`runtime/conversation`).

use std::collections::BTreeMap;

use super::section::{Section, Text};
use super::{Agents, Gateway};
use crate::access::{ChatKind, Destination};
use crate::limits::SESSION_IDLE_MS_MAX;
use crate::problem::{Problem, nearest};
use crate::time::Span;

/// All rules, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes(Vec<Route>);

/// A rule: every part that is given must be so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Name of the gateway.
    pub gateway: Option<String>,
    /// What kind of chat.
    pub chat_type: Option<ChatKind>,
    /// The platform's id of the chat.
    pub chat_id: Option<String>,
    /// The platform's id of who wrote.
    pub sender_id: Option<String>,
    /// Whether it takes what is not addressed to the bot, too.
    pub unaddressed: bool,
    /// Who is spoken to.
    pub agent: String,
}

impl Route {
    /// Whether the place alone says that it matches.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.chat_type.is_none() && self.sender_id.is_none()
    }

    /// Whether it may match in this place.
    fn fits(&self, place: &Destination) -> bool {
        is(&self.gateway, &place.gateway) && is(&self.chat_id, &place.chat_id)
    }
}

fn is(wanted: &Option<String>, given: &str) -> bool {
    wanted.as_deref().is_none_or(|wanted| wanted == given)
}

impl Routes {
    /// The agent that the first rule which matches names.
    #[must_use]
    pub fn find(&self, place: &Destination, chat: ChatKind, sender: &str, is_addressed: bool) -> Option<&str> {
        let found = self.0.iter().find(|route| {
            route.fits(place)
                && is(&route.sender_id, sender)
                && route.chat_type.is_none_or(|wanted| wanted == chat)
                && (is_addressed || route.unaddressed)
        });
        found.map(|route| route.agent.as_str())
    }

    /// The rule by which whoever writes in a place is likely answered: the first that fits, as far as a place tells.
    #[must_use]
    pub fn likely(&self, place: &Destination) -> Option<&Route> {
        self.0.iter().find(|route| route.fits(place))
    }

    /// The rules.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    /// Reads the rules; agents and gateways that do not exist are refused.
    pub(super) fn read(
        root: &mut Section<'_, '_>,
        text: &mut Text<'_>,
        agents: &Agents,
        gateways: &BTreeMap<String, Gateway>,
    ) -> Self {
        Self(root.list(text, "routes").into_iter().map(|section| route(section, text, agents, gateways)).collect())
    }
}

impl FromIterator<Route> for Routes {
    fn from_iter<T: IntoIterator<Item = Route>>(routes: T) -> Self {
        Self(routes.into_iter().collect())
    }
}

fn route(
    mut section: Section<'_, '_>,
    text: &mut Text<'_>,
    agents: &Agents,
    gateways: &BTreeMap<String, Gateway>,
) -> Route {
    let mut route = Route::default();
    if let Some(mut test) = section.section(text, "match") {
        route.gateway = test.parsed(text, "gateway", |given| {
            known(given, "gateway", gateways.keys().map(String::as_str)).map(|()| given.to_owned())
        });
        route.chat_type = test.choice(text, "chat_type", &ChatKind::ALL.map(|(kind, word)| (word, kind)));
        route.chat_id = test.string(text, "chat_id");
        route.sender_id = test.string(text, "sender_id");
        test.finish(text);
    }
    route.unaddressed = section.flag(text, "unaddressed").unwrap_or(false);
    if !section.has("agent") {
        section.refuse(text, "agent", Problem::new("", "is missing").hint("the agent that is spoken to"));
    }
    let agent = section.parsed(text, "agent", |given| {
        let named: Vec<&str> = agents.iter().map(|(name, _)| name).collect();
        if given.trim().is_empty() {
            return Err(Problem::new("", "is empty"));
        }
        if named.is_empty() { Ok(()) } else { known(given, "agent", named) }.map(|()| given.to_owned())
    });
    route.agent = agent.unwrap_or_default();
    section.finish(text);
    route
}

fn known<'a>(given: &str, what: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> Result<(), Problem> {
    if names.clone().into_iter().any(|name| name == given) {
        return Ok(());
    }
    let problem = Problem::new("", format!("{what} '{given}' is not configured"));
    Err(match nearest(given, names) {
        Some(near) => problem.hint(format!("did you mean '{near}'?")),
        None => problem.hint(format!("add [{what}s.{given}]")),
    })
}

/// Reads `[sessions]`: how long one may be silent before it is over.
pub(super) fn read_idle(mut section: Section<'_, '_>, text: &mut Text<'_>) -> Option<Span> {
    let idle = section.span(text, "idle");
    if idle == Some(Span::ZERO) {
        section.refuse(text, "idle", Problem::new("", "is no span").hint("such as 168h"));
    }
    section.finish(text);
    idle.filter(|idle| *idle > Span::ZERO)
}

/// How long a session may be silent unless something else is said.
pub(super) const IDLE: Span = Span::from_millis(SESSION_IDLE_MS_MAX);
