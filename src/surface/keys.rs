//! Whose token it is that somebody shows.
//!
//! A door asks [`Keys`] and learns who asks, or nothing. The admin's own token stands in a file of the data folder, the
//! others in the store. Invariants: every comparison takes the same time whatever was given; a token that was revoked
//! or has expired is nobody's from that moment on; an agent speaks for no other one.
//! Not here: making tokens (`ops/local/tokens`), what a caller may do (`ops/local/access`).

use std::sync::Arc;

use super::admin::Token;
use super::error::{Code, Error};
use super::ops::{Caller, Identity};
use crate::access::{Destination, Grant, Holder, hash, is_same};
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
}

impl Ring {
    /// All keys to a runtime.
    #[must_use]
    pub fn new(admin: Token, handle: Handle) -> Self {
        Self { admin, handle }
    }

    fn granted(&self, token: &str) -> Option<Caller> {
        let grant = self.handle.reader().grant(Grant::id_in(token)?);
        let grant = grant.inspect_err(|error| tracing::error!("tokens cannot be read: {error}")).ok()??;
        if !is_same(&grant.hash, &hash(token)) || !grant.holds(self.handle.now()) {
            return None;
        }
        Some(match grant.holder {
            Holder::Admin => Caller::Admin,
            Holder::Agent(agent) => {
                Caller::Agent(Arc::new(Identity { agent, session: None, destination: grant.destination }))
            }
        })
    }
}

impl Keys for Ring {
    fn caller(&self, token: &str) -> Option<Caller> {
        self.admin.caller(token).or_else(|| self.granted(token))
    }

    fn may_ask_from(&self, _: &str, _: &Destination) -> bool {
        false
    }
}
