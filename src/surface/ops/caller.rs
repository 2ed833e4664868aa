//! Who asks: the admin, or an agent with the conversation it asks from.
//!
//! Who asks comes from the connection (a token, the arguments of a process), never from what is asked. Every operation
//! is told its caller and shows an agent its own schedules only; `local` keeps that promise.
//! Not here: how a connection proves who it is (`admin`, `http`), what each operation allows (`local`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::access::Via;
use crate::spec::Destination;

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// Whoever may read the data folder: everything is theirs to see and change.
    #[default]
    Admin,
    /// An agent: sees and changes its own schedules.
    Agent(Arc<Identity>),
}

/// An agent, and the conversation it asks from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub agent: String,
    /// The session whose tool call this is.
    pub session: Option<String>,
    /// Where a message goes that names no destination.
    pub destination: Option<Destination>,
    /// The way in, where it is not that of the connection: a stdio server asks the daemon over HTTP.
    pub via: Option<Via>,
}

impl Caller {
    /// An agent without a conversation.
    #[must_use]
    pub fn agent(name: impl Into<String>) -> Self {
        Self::Agent(Arc::new(Identity { agent: name.into(), session: None, destination: None, via: None }))
    }

    /// The agent that asks.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Admin => None,
            Self::Agent(identity) => Some(identity),
        }
    }

    /// Whether it is the admin.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(self, Self::Admin)
    }

    /// The same, come by this way in.
    #[must_use]
    pub fn by_way_of(self, via: Via) -> Self {
        match self {
            Self::Admin => Self::Admin,
            Self::Agent(identity) => {
                Self::Agent(Arc::new(Identity { via: Some(via), ..Arc::unwrap_or_clone(identity) }))
            }
        }
    }

    /// The header by which an admin's connection asks for an agent; `None` for the admin itself. ASCII.
    #[must_use]
    pub fn to_header(&self) -> Option<String> {
        let identity = self.identity()?;
        let place = identity.destination.as_ref();
        let written = Written {
            agent: identity.agent.clone(),
            session: identity.session.clone(),
            gateway: place.map(|place| place.gateway.clone()),
            chat_id: place.map(|place| place.chat_id.clone()),
            thread: place.and_then(|place| place.thread.clone()),
            via: identity.via.map(|via| via.word().to_owned()),
        };
        serde_urlencoded::to_string(written).ok()
    }

    /// Reads that header.
    #[must_use]
    pub fn from_header(text: &str) -> Option<Self> {
        let Written { agent, session, gateway, chat_id, thread, via } = serde_urlencoded::from_str(text).ok()?;
        let destination = match (gateway, chat_id) {
            (Some(gateway), Some(chat_id)) => Some(Destination { gateway, chat_id, thread }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return None,
        };
        let via = match via {
            Some(word) => Some(Via::of(&word)?),
            None => None,
        };
        (!agent.is_empty()).then(|| Self::Agent(Arc::new(Identity { agent, session, destination, via })))
    }
}

/// An identity on the wire.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    agent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chat_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thread: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    via: Option<String>,
}
