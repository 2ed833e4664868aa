//! Sessions and what people write on the wire: what is asked and what is answered.
//!
//! Units: times are RFC 3339 texts in UTC. Absent values are left out. Not here: where they are found (`local/sessions`),
//! the form of a message that came in (`gateway/written`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply::Instant;
use crate::gateway::written::{Writer, Written};

/// Lists sessions, those that began last first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// Only those of this agent; an agent sees nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Only those in chats of this gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Only those in this chat, its threads included: the platform's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<String>,
    /// Only those that go on.
    pub active: bool,
    /// At most this many; default: 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Where the last page ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Shows one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Its id.
    pub session: String,
}

/// Shows what was said in a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionMessages {
    /// Its id.
    pub session: String,
    /// At most this many, the latest ones; default: 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Only those before the message of this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

/// Ends a session; the next message in its chat begins another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionEnd {
    /// Its id.
    pub session: String,
}

/// Says something in a session that goes on, for its agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionAnswer {
    /// Its id.
    pub session: String,
    /// What.
    pub text: String,
    /// A text of your own for this answer: said again, it is answered with what it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
}

/// Tells what people wrote to an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Inbound {
    /// Only to this agent; an agent hears nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Messages of higher numbers, 0 for all that are kept; without it, nothing is told but where the end is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Looks at no more than this many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Sessions, those that began last first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionsListed {
    /// One entry a session.
    pub sessions: Vec<SessionLine>,
    /// There may be more; ask again with this. A page may be short, or empty, and have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionLine {
    /// Its id.
    pub id: String,
    /// Whose.
    pub agent: String,
    /// The gateway of its chat.
    pub gateway: String,
    /// The platform's id of its chat.
    pub chat_id: String,
    /// Thread or topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// `active` or `over`.
    pub status: String,
    /// When its first message was said.
    pub started_at: Instant,
    /// When its last message was said, by either side.
    pub last_at: Instant,
    /// When its user last said something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_user_at: Option<Instant>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// What ended it: `user` (a command in the chat), `request` (an operation) or `idle` (nothing was said for too long).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// Messages that were said in it.
    pub message_count: u64,
    /// Of these, how many are kept: the latest ones.
    pub kept_count: u64,
}

/// A session in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SessionShown(pub SessionLine);

/// A session that was ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SessionEnded(pub SessionLine);

/// What was said in a session, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessagesShown {
    /// Its id.
    pub session: String,
    /// The messages.
    pub messages: Vec<Said>,
    /// There are earlier ones; ask again with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

/// A message of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// Its number in the session, from 0.
    pub number: u64,
    /// When it was taken, or delivered.
    pub at: Instant,
    /// Who said it: `user` or `agent`.
    pub voice: String,
    /// Which user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Writer>,
    /// What was said; a long text is cut.
    pub text: String,
    /// The platform's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The schedule that it was delivered for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
}

/// An answer that was taken: it is durable, and delivered behind what waits for that chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionAnswered {
    /// The session.
    pub session: String,
    /// The schedule that sends it; its runs tell what became of it.
    pub schedule: String,
    /// Said again: it had been taken already, and nothing was done.
    #[serde(default)]
    pub existing: bool,
}

/// What people wrote to an agent, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InboundTold {
    /// The messages.
    pub messages: Vec<Written>,
    /// Where this ends; ask again with it.
    pub cursor: u64,
    /// There are more by now.
    #[serde(default)]
    pub more: bool,
    /// Some that came in after the one asked with are not kept any more, or never were in this store.
    #[serde(default)]
    pub reset: bool,
}
