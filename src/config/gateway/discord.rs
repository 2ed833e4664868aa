//! `kind = "discord"`: a bot's account and how it is used.
//!
//! Not here: what the bot does with it (`gateway::discord`).

use serde_json::{Value, json};

use super::{Markup, TOKEN, base_url, timeout};
use crate::config::section::{Section, Text};
use crate::config::{Secret, Surroundings};
use crate::problem::Problem;
use crate::time::Span;

/// Where Discord's methods are.
const USUAL: &str = "https://discord.com/api/v10";

/// A bot on Discord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discord {
    /// Where its methods are.
    pub base_url: String,
    /// Where the bot's token is found.
    pub token: Option<Secret>,
    /// Whether messages of servers come in that do not name the bot; Discord gives them only to bots that it allows to.
    pub message_content: bool,
    /// What texts are.
    pub format: Markup,
    /// How long an answer is waited for.
    pub timeout: Span,
}

impl Discord {
    pub(super) fn read(mut section: Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Self {
        let token = section.secret(text, TOKEN);
        if token.is_none() && !TOKEN.iter().any(|key| section.has(key)) {
            let hint = "token_env = \"DISCORD_TOKEN\", the bot's token from the developer portal";
            section.refuse(text, "token_env", Problem::new("", "is missing").hint(hint));
        }
        let base_url = base_url(&mut section, text, USUAL);
        let message_content = section.flag(text, "message_content").unwrap_or(false);
        let format = Markup::read(&mut section, text);
        let timeout = timeout(&mut section, text);
        section.finish(text);
        Self { base_url, token: token.map(|token| around.secret(token)), message_content, format, timeout }
    }

    /// As it may be shown.
    pub(in crate::config) fn to_json(&self) -> Value {
        json!({
            "kind": "discord",
            "base_url": self.base_url,
            "token": self.token.is_some(),
            "message_content": self.message_content,
            "format": self.format.word(),
            "timeout": self.timeout.to_string(),
        })
    }
}
