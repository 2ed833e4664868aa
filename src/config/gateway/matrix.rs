//! `[gateways.NAME]` of kind `matrix`.
//!
//! Units: `Span`. Not here: reading the token (`surface`), speaking to the homeserver (`gateway`).

use serde_json::{Value, json};

use super::{Markup, TOKEN, base_url, timeout};
use crate::config::section::{Section, Text};
use crate::config::{Secret, Surroundings};
use crate::problem::Problem;
use crate::time::Span;

/// An account on a Matrix homeserver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// The homeserver's address, up to `/_matrix`.
    pub base_url: String,
    /// Where the account's access token is found.
    pub token: Option<Secret>,
    /// Whose token it has to be.
    pub user: Option<String>,
    /// Whether invitations to rooms are accepted.
    pub join: bool,
    /// What texts are.
    pub format: Markup,
    /// How long an answer is waited for.
    pub timeout: Span,
}

impl Matrix {
    pub(super) fn read(mut section: Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Self {
        let base_url = base_url(&mut section, text, "");
        if !section.has("base_url") {
            let hint = "the homeserver's address, such as base_url = \"https://matrix.example.org\"";
            section.refuse(text, "base_url", Problem::new("", "is missing").hint(hint));
        }
        let token = section.secret(text, TOKEN);
        if TOKEN.iter().all(|key| !section.has(key)) {
            let hint = "the bot's access token: write token_env or token_file";
            section.refuse(text, "token", Problem::new("", "is missing").hint(hint));
        }
        let user = section.parsed(text, "user", |given| match given.strip_prefix('@') {
            Some(rest) if rest.contains(':') => Ok(given.to_owned()),
            Some(_) | None => Err(Problem::new("", "is not a Matrix user").hint("such as @bot:example.org")),
        });
        let join = section.flag(text, "join").unwrap_or(false);
        let format = Markup::read(&mut section, text);
        let timeout = timeout(&mut section, text);
        section.finish(text);
        Self { base_url, token: token.map(|secret| around.secret(secret)), user, join, format, timeout }
    }

    pub(in crate::config) fn to_json(&self) -> Value {
        let Self { base_url, token, user, join, format, timeout } = self;
        let mut shown = json!({
            "kind": "matrix",
            "base_url": base_url,
            "token": token.is_some(),
            "join": join,
            "format": format.word(),
            "timeout": timeout.to_string(),
        });
        if let Some(user) = user {
            shown["user"] = json!(user);
        }
        shown
    }
}
