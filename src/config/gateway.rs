//! `[gateways.NAME]`: the settings of each kind of gateway; some have a file of their own.
//!
//! Secrets are named, never written. Not here: reading secrets and the environment, and what the gateways do with all this.

mod discord;
mod email;
mod matrix;
mod process;
mod slack;
mod telegram;

pub use self::discord::Discord;
pub use self::email::{Email, Tls};
pub use self::matrix::Matrix;
pub use self::process::{Process, Restart};
pub use self::slack::{Slack, SlackPost};
pub use self::telegram::Telegram;
use super::address::http_url;
use super::section::{Section, Text};
use super::{Format, Gateway, Surroundings, Webhook};
use crate::limits::{SECRETS_COUNT_MAX, SEND_MS_MAX, WEBHOOK_MS_MAX};
use crate::problem::{Problem, nearest};
use crate::time::Span;

/// What texts are to a platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Markup {
    /// Characters, and nothing more.
    #[default]
    Plain,
    /// Markdown, shown as the platform shows it.
    Markdown,
}

impl Markup {
    const WORDS: &[(&str, Self)] = &[("plain", Self::Plain), ("markdown", Self::Markdown)];

    fn read(section: &mut Section<'_, '_>, text: &mut Text<'_>) -> Self {
        section.choice(text, "format", Self::WORDS).unwrap_or_default()
    }

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, markup)| *markup == self).map_or("", |(word, _)| word)
    }
}

/// The kinds of gateway that exist.
const KINDS: [&str; 8] = ["console", "webhook", "telegram", "discord", "slack", "matrix", "email", "process"];

const TOKEN: [&str; 3] = ["token", "token_env", "token_file"];

/// Reads `[gateways.NAME]`.
pub(super) fn read(
    mut section: Section<'_, '_>,
    name: &str,
    text: &mut Text<'_>,
    around: Surroundings<'_>,
) -> Gateway {
    let missing = !section.has("kind");
    let Some(kind) = section.parsed(text, "kind", read_kind) else {
        if missing {
            let hint = format!("write kind = \"{}\"", if name == "console" { "console" } else { "telegram" });
            section.refuse(text, "kind", Problem::new("", "is missing").hint(hint));
        }
        // It has been refused; something stands in its place until all problems are told.
        return Gateway::Console { format: Format::Text };
    };
    if kind == "console" {
        let format = section.choice(text, "format", &[("text", Format::Text), ("json", Format::Json)]);
        section.finish(text);
        return Gateway::Console { format: format.unwrap_or(Format::Text) };
    }
    if name == "console" {
        section.refuse(text, "kind", Problem::new("", "the gateway named 'console' is always the console"));
    }
    match kind {
        "discord" => Gateway::Discord(Discord::read(section, text, around)),
        "email" => Gateway::Email(Email::read(section, text, around)),
        "matrix" => Gateway::Matrix(Matrix::read(section, text, around)),
        "process" => Gateway::Process(Process::read(section, text, around)),
        "slack" => Gateway::Slack(Slack::read(section, text, around)),
        "telegram" => Gateway::Telegram(Telegram::read(section, text, around)),
        _ => Gateway::Webhook(webhook(section, text, around)),
    }
}

fn read_kind(given: &str) -> Result<&'static str, Problem> {
    KINDS.into_iter().find(|kind| *kind == given).ok_or_else(|| {
        let problem = Problem::new("", "is not a kind of gateway");
        match nearest(given, KINDS) {
            Some(kind) => problem.hint(format!("did you mean '{kind}'?")),
            None => problem.hint(KINDS.join(", ")),
        }
    })
}

/// Where messages are posted, and how.
pub(super) fn webhook(mut section: Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Webhook {
    let url = section.parsed(text, "url", http_url);
    if !section.has("url") {
        let hint = "the address that messages are posted to, such as url = \"https://host/path\"";
        section.refuse(text, "url", Problem::new("", "is missing").hint(hint));
    }
    let secrets = section.secrets(text, ["secret", "secret_env", "secret_file"], SECRETS_COUNT_MAX);
    let token = section.secret(text, TOKEN);
    let allow_private = section.flag(text, "allow_private").unwrap_or(false);
    let timeout = timeout(&mut section, text);
    section.finish(text);
    Webhook {
        url: url.unwrap_or_default(),
        secrets: secrets.into_iter().map(|secret| around.secret(secret)).collect(),
        token: token.map(|secret| around.secret(secret)),
        allow_private,
        timeout,
    }
}

/// How long an answer is waited for.
fn timeout(section: &mut Section<'_, '_>, text: &mut Text<'_>) -> Span {
    let timeout = section.span(text, "timeout").unwrap_or(Span::from_millis(WEBHOOK_MS_MAX));
    if timeout == Span::ZERO || timeout >= Span::from_millis(SEND_MS_MAX) {
        let hint = format!("more than 0s and less than {}", Span::from_millis(SEND_MS_MAX));
        section.refuse(text, "timeout", Problem::new("", "is out of range").value(timeout.to_string()).hint(hint));
    }
    timeout
}

/// The address that a platform's methods are under, without a '/' at its end.
fn base_url(section: &mut Section<'_, '_>, text: &mut Text<'_>, usual: &str) -> String {
    let url = section.parsed(text, "base_url", http_url).unwrap_or_else(|| usual.to_owned());
    url.trim_end_matches('/').to_owned()
}
