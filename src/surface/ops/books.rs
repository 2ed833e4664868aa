//! Tokens, the audit and ended processes on the wire: what is asked and what is answered.
//!
//! Invariant: a token itself is in one answer only, the one to its making, and that answer's `Debug` hides it.
//! Not here: what is kept of a token (`access`).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply::Instant;

/// Makes a token. Exactly one of `agent` and `admin`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenNew {
    /// Whoever has the token asks as this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Whoever has the token is an admin.
    pub admin: bool,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// With `chat_id`: where the agent's messages go that name no destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The platform's id of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<String>,
    /// Thread or topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// A span such as `30d`, after which it is good for nothing; default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// Lists what is kept of every token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenList {}

/// Makes a token good for nothing, from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRevoke {
    /// Its id.
    pub id: String,
}

/// Cancels every schedule that was tied to a process, because it has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessExited {
    /// The handle that its schedules carry.
    pub handle: String,
    /// Their owner; default: the agent that asks, or the default agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// Tells who changed what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Only what changed this schedule: its id, or its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Only what this agent changed; an agent sees nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// At most this many; default: 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Where the last page ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Schedules that ended with their process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessEnded {
    /// The handle.
    pub handle: String,
    /// How many were cancelled.
    pub cancelled: u64,
    /// Their ids, of the first thousand.
    pub schedules: Vec<String>,
}

/// Who changed what, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Audited {
    /// One entry a request.
    pub records: Vec<AuditLine>,
    /// There are more; ask again with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A request that changed something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditLine {
    /// When.
    pub at: Instant,
    /// The agent that asked; left out for the admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The way in: `cli` (a command that opened the store itself), `http`, `mcp` or `files`.
    pub via: String,
    /// The operation.
    pub operation: String,
    /// How many schedules it changed.
    pub count: u64,
    /// Their ids, of the first twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<String>,
    /// The id of the token that was made or revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The session that was ended, or answered in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
}

/// A token that was made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenMade {
    /// The token, which is shown this once and kept nowhere.
    pub token: String,
    /// What is kept of it.
    #[serde(flatten)]
    pub line: TokenLine,
}

impl fmt::Debug for TokenMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenMade").field("token", &"…").field("line", &self.line).finish()
    }
}

/// What is kept of every token, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokensListed {
    /// One entry a token.
    pub tokens: Vec<TokenLine>,
}

/// What is kept of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenLine {
    /// The part of it that may be shown.
    pub id: String,
    /// Who asks with it; left out for the admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Where messages go that name no destination, as `gateway:chat` or `gateway:chat/thread`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// `good`, `expired` or `revoked`.
    pub status: String,
    /// When it was made.
    pub created_at: Instant,
    /// From when on it is good for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Instant>,
}

/// A token that is good for nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenRevoked {
    /// What is kept of it.
    #[serde(flatten)]
    pub line: TokenLine,
    /// Whether it was good until now.
    pub changed: bool,
}
