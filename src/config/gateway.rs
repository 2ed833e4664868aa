//! `[gateways.NAME]`: the settings of each kind of gateway.
//!
//! Those of kinds that this version does not have are checked all the same, and earn a notice. Secrets are named, never
//! written. Not here: reading secrets and the environment, and what the gateways do with all this.

mod email;
mod matrix;
mod process;

pub use self::email::{Email, Tls};
pub use self::matrix::Matrix;
pub use self::process::{Process, Restart};
use super::later::http_url;
use super::section::{Section, Text};
use super::{Format, Gateway, Notice, Surroundings, Webhook};
use crate::limits::{SECRETS_COUNT_MAX, SEND_MS_MAX, WEBHOOK_MS_MAX};
use crate::problem::{Problem, nearest};
use crate::time::Span;

/// The kinds of gateway that exist.
const KINDS: [&str; 8] = ["console", "webhook", "telegram", "discord", "slack", "matrix", "email", "process"];

const TOKEN: [&str; 3] = ["token", "token_env", "token_file"];

/// Reads `[gateways.NAME]`.
pub(super) fn read(
    mut section: Section<'_, '_>,
    name: &str,
    text: &mut Text<'_>,
    around: Surroundings<'_>,
    notices: &mut Vec<Notice>,
) -> Gateway {
    let missing = !section.has("kind");
    let Some(kind) = section.parsed(text, "kind", read_kind) else {
        if missing {
            let hint = format!("write kind = \"{}\"", if name == "console" { "console" } else { "telegram" });
            section.refuse(text, "kind", Problem::new("", "is missing").hint(hint));
        }
        return Gateway::NotBuilt { kind: String::new() };
    };
    if kind == "console" {
        let format = section.choice(text, "format", &[("text", Format::Text), ("json", Format::Json)]);
        section.finish(text);
        return Gateway::Console { format: format.unwrap_or(Format::Text) };
    }
    if name == "console" {
        section.refuse(text, "kind", Problem::new("", "the gateway named 'console' is always the console"));
    }
    if kind == "webhook" {
        return Gateway::Webhook(webhook(section, text, around));
    }
    if kind == "email" {
        return Gateway::Email(Email::read(section, text, around));
    }
    if kind == "matrix" {
        return Gateway::Matrix(Matrix::read(section, text, around));
    }
    if kind == "process" {
        return Gateway::Process(Process::read(section, text, around));
    }
    let path = section.path("");
    not_built(kind, section, text);
    let message =
        format!("gateways of kind {kind} are not built into this version; schedules that name it are refused");
    notices.push(Notice { path: path.trim_end_matches('.').to_owned(), message });
    Gateway::NotBuilt { kind: kind.to_owned() }
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

fn webhook(mut section: Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Webhook {
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

fn not_built(kind: &str, mut section: Section<'_, '_>, text: &mut Text<'_>) {
    section.secret(text, TOKEN);
    section.parsed(text, "base_url", http_url);
    if kind == "slack" {
        section.secret(text, ["signing_secret", "signing_secret_env", "signing_secret_file"]);
    }
    section.finish(text);
}
