//! `[gateways.NAME]` of kind `telegram`.
//!
//! Not here: what the gateway does with it, whether the token is one (`gateway`).

use serde_json::{Value, json};

use super::{Markup, TOKEN, base_url, timeout};
use crate::config::section::{Section, Text};
use crate::config::{Secret, Surroundings};
use crate::problem::Problem;
use crate::time::Span;

/// Where the Bot API is, unless it is said.
const USUAL: &str = "https://api.telegram.org";

/// A bot of Telegram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telegram {
    /// Where the bot's token is found.
    pub token: Secret,
    /// Where the Bot API is.
    pub base_url: String,
    /// What texts are.
    pub format: Markup,
    /// How long an answer is waited for.
    pub timeout: Span,
}

impl Telegram {
    pub(super) fn read(mut section: Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Self {
        let token = section.secret(text, TOKEN);
        if !TOKEN.iter().any(|key| section.has(key)) {
            let hint = "name where the bot's token is kept, such as token_env = \"TELEGRAM_TOKEN\"";
            section.refuse(text, "token_env", Problem::new("", "is missing").hint(hint));
        }
        let base_url = base_url(&mut section, text, USUAL);
        let format = Markup::read(&mut section, text);
        let timeout = timeout(&mut section, text);
        section.finish(text);
        Self { token: around.secret(token.unwrap_or_else(|| Secret::Env(String::new()))), base_url, format, timeout }
    }

    pub(in crate::config) fn to_json(&self) -> Value {
        let Self { token: _, base_url, format, timeout } = self;
        json!({
            "kind": "telegram",
            "token": true,
            "base_url": base_url,
            "format": format.word(),
            "timeout": timeout.to_string(),
        })
    }
}
