//! Whose token it is that somebody shows.
//!
//! A door asks [`Keys`] and learns who asks, or nothing. The admin's own token stands in a file of the data folder, the
//! others in the store. Invariants: every comparison takes the same time whatever was given; a token that was revoked
//! or has expired is nobody's from that moment on; an agent speaks for no other one.
//! Not here: making tokens (`ops/local/tokens`), what a caller may do (`ops/local/access`).

use std::sync::Arc;
use std::{env, fs, io};

use super::admin::{Token, is_shared};
use super::error::{Code, Error};
use super::ops::{Caller, Identity};
use crate::access::{Actor, Destination, Grant, Hash, hash, is_same};
use crate::config::{Agents, Secret};
use crate::limits;
use crate::problem::Problem;
use crate::runtime::Handle;

/// Knows tokens.
pub trait Keys: Send + Sync {
    /// Whose token this is; `None`: nobody's, or nobody's any more.
    fn caller(&self, token: &str) -> Option<Caller>;

    /// Whether an agent that shows its own token may say that it asks from this conversation.
    fn may_ask_from(&self, agent: &str, place: &Destination) -> bool;

    /// Who asks, when whoever has shown a token says for whom: the admin for anybody, an agent for itself, naming
    /// its session and a conversation that is its own.
    fn speaking(&self, holder: &Caller, said: Caller) -> Result<Caller, Error> {
        let (Caller::Agent(own), Caller::Agent(said)) = (holder, &said) else { return Ok(said) };
        if own.agent != said.agent {
            return Err(Error::new(Code::Forbidden, "this token is another agent's; an agent asks for itself only"));
        }
        let place = said.destination.as_ref();
        if let Some(place) = place.filter(|place| Some(*place) != own.destination.as_ref())
            && !self.may_ask_from(&own.agent, place)
        {
            let message = format!(
                "agent '{}' may not ask from {place}; name its token's conversation, or one that its destinations in \
                 the config allow",
                own.agent
            );
            return Err(Error::new(Code::Forbidden, message));
        }
        Ok(Caller::Agent(Arc::new(Identity {
            agent: own.agent.clone(),
            session: said.session.clone().or_else(|| own.session.clone()),
            destination: place.or(own.destination.as_ref()).cloned(),
            via: own.via,
        })))
    }
}

/// Only the admin has a key.
impl Keys for Token {
    fn caller(&self, token: &str) -> Option<Caller> {
        self.is(token).then_some(Caller::Admin)
    }

    fn may_ask_from(&self, _: &str, _: &Destination) -> bool {
        false
    }
}

/// The keys to a daemon: the admin's, and those that its store knows.
pub struct Ring {
    admin: Token,
    handle: Handle,
    agents: Agents,
    /// Tokens that the config names, by agent.
    named: Vec<(Hash, String)>,
}

impl Ring {
    /// The admin's key, and those that the store of a runtime knows.
    #[must_use]
    pub fn new(admin: Token, handle: Handle) -> Self {
        Self { admin, handle, agents: Agents::default(), named: Vec::new() }
    }

    /// The same with the agents of a config, whose tokens are looked up now.
    pub fn with_agents(mut self, agents: &Agents) -> Result<Self, Error> {
        for (name, agent) in agents.iter() {
            if let Some(secret) = &agent.token {
                self.named.push((hash(&read_secret(name, secret)?), name.to_owned()));
            }
        }
        Ok(Self { agents: agents.clone(), ..self })
    }

    /// Looks at every one of them, however early one fits.
    fn named(&self, token: &str) -> Option<Caller> {
        let given = hash(token);
        let fits = self
            .named
            .iter()
            .fold(None, |found, (kept, agent)| if is_same(kept, &given) { Some(agent) } else { found });
        fits.map(Caller::agent)
    }

    fn granted(&self, token: &str) -> Option<Caller> {
        let grant = self.handle.reader().grant(Grant::id_in(token)?);
        let grant = grant.inspect_err(|error| tracing::error!("tokens cannot be read: {error}")).ok()??;
        if !is_same(&grant.hash, &hash(token)) || !grant.holds(self.handle.now()) {
            return None;
        }
        Some(match grant.holder {
            Actor::Admin => Caller::Admin,
            Actor::Agent(agent) => {
                Caller::Agent(Arc::new(Identity { agent, session: None, destination: grant.destination, via: None }))
            }
        })
    }
}

impl Keys for Ring {
    fn caller(&self, token: &str) -> Option<Caller> {
        self.admin.caller(token).or_else(|| self.named(token)).or_else(|| self.granted(token))
    }

    fn may_ask_from(&self, agent: &str, place: &Destination) -> bool {
        self.agents.get(agent).is_some_and(|agent| agent.destinations.iter().any(|allowed| allowed.allows(place)))
    }
}

/// Reads the token of an agent that the config names; what is wrong with it is told without it.
fn read_secret(agent: &str, secret: &Secret) -> Result<String, Error> {
    let refused = |key: &str, what: String| Error::bad_input(Problem::new(format!("agents.{agent}.{key}"), what));
    let (key, place, text) = match secret {
        Secret::Env(name) => {
            let text = env::var(name).map_err(|_| refused("token_env", format!("{name} is not set")))?;
            ("token_env", name.clone(), text)
        }
        Secret::File(file) => {
            let unread = |error: io::Error| refused("token_file", format!("cannot read {}: {error}", file.display()));
            let text = fs::read_to_string(file).map_err(unread)?;
            if is_shared(file).map_err(unread)? {
                return Err(refused(
                    "token_file",
                    format!("other users can read {}; chmod 600 helps", file.display()),
                ));
            }
            ("token_file", file.display().to_string(), text)
        }
    };
    let text = text.trim();
    if text.len() < limits::TOKEN_BYTES_MIN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let least = limits::TOKEN_BYTES_MIN;
        let what = format!("{place} holds no token: at least {least} letters, digits and signs without blanks");
        return Err(refused(key, what));
    }
    Ok(text.to_owned())
}
