//! Tokens on the wire: what is asked and what is answered.
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
