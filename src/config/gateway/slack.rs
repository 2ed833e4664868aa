//! `kind = "slack"`: an app's account, or the address of an incoming webhook.
//!
//! Not here: what is done with it (`gateway::slack`).

use serde_json::{Value, json};

use super::{Markup, TOKEN, base_url, timeout};
use crate::config::section::{Section, Text};
use crate::config::{Secret, Surroundings};
use crate::problem::Problem;
use crate::time::Span;

/// Where Slack's methods are.
const USUAL: &str = "https://slack.com/api";

const WEBHOOK: [&str; 3] = ["webhook", "webhook_env", "webhook_file"];
const SIGNING: [&str; 3] = ["signing_secret", "signing_secret_env", "signing_secret_file"];

/// A way into one workspace of Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slack {
    /// Where its methods are.
    pub base_url: String,
    /// By what messages are posted.
    pub post: SlackPost,
    /// Where the secret is found that signs what Slack hands to us.
    pub signing: Option<Secret>,
    /// What texts are.
    pub format: Markup,
    /// How long an answer is waited for.
    pub timeout: Span,
}

/// By what messages are posted to Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlackPost {
    /// By a bot, whose token is found there, to any channel that it is in.
    Bot(Secret),
    /// By an incoming webhook, whose address is found there, to the one channel that it was made for.
    Webhook(Secret),
}

impl SlackPost {
    /// The key that names its secret, and where that is found.
    #[must_use]
    pub fn secret(&self) -> (&'static str, &Secret) {
        match self {
            Self::Bot(token) => ("token", token),
            Self::Webhook(address) => ("webhook", address),
        }
    }
}

impl Slack {
    pub(super) fn read(mut section: Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Self {
        let token = section.secret(text, TOKEN).map(|secret| around.secret(secret));
        let webhook = section.secret(text, WEBHOOK).map(|secret| around.secret(secret));
        let signing = section.secret(text, SIGNING).map(|secret| around.secret(secret));
        let base_url = base_url(&mut section, text, USUAL);
        let format = Markup::read(&mut section, text);
        let timeout = timeout(&mut section, text);
        let post = match (token, webhook) {
            (Some(token), None) => SlackPost::Bot(token),
            (None, Some(webhook)) => SlackPost::Webhook(webhook),
            (Some(token), Some(_)) => {
                let problem = Problem::new("", "only one of token and webhook may be given");
                let hint = "a bot's token posts to every channel that it is in, a webhook to one";
                let key = WEBHOOK.into_iter().find(|key| section.has(key)).unwrap_or(WEBHOOK[1]);
                section.refuse(text, key, problem.hint(hint));
                SlackPost::Bot(token)
            }
            (None, None) => {
                if !TOKEN.iter().chain(&WEBHOOK).any(|key| section.has(key)) {
                    let hint = "token_env = \"SLACK_TOKEN\", the bot's token (xoxb-…); or webhook_env, the address of an \
                                incoming webhook";
                    section.refuse(text, "token_env", Problem::new("", "is missing").hint(hint));
                }
                SlackPost::Bot(Secret::Env(String::new()))
            }
        };
        section.finish(text);
        Self { base_url, post, signing, format, timeout }
    }

    /// As it may be shown.
    pub(in crate::config) fn to_json(&self) -> Value {
        json!({
            "kind": "slack",
            "base_url": self.base_url,
            "posts_by": match self.post {
                SlackPost::Bot(_) => "token",
                SlackPost::Webhook(_) => "webhook",
            },
            "signing_secret": self.signing.is_some(),
            "format": self.format.word(),
            "timeout": self.timeout.to_string(),
        })
    }
}
