//! `[gateways.NAME]` of kind `email`.
//!
//! Units: `Span`. Invariant: a password goes over an encrypted connection, or nowhere but to this machine.
//! Not here: addresses and connections (`gateway`), reading the password (`surface`).

use serde_json::{Value, json};

use super::{Markup, timeout};
use crate::config::section::{Section, Text};
use crate::config::{Secret, Surroundings, not_empty};
use crate::problem::Problem;
use crate::time::Span;

/// A mail server that takes messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted, and from when on.
    pub tls: Tls,
    /// Who signs in; without a user nobody does.
    pub user: Option<String>,
    /// Where the password is found.
    pub password: Option<Secret>,
    /// The address that messages come from.
    pub from: String,
    /// What texts are.
    pub format: Markup,
    /// How long one attempt may take.
    pub timeout: Span,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// After a greeting in the clear; a server that cannot is not used.
    Starttls,
    /// From its first byte.
    Tls,
    /// Not at all.
    None,
}

const KINDS: [(&str, Tls); 3] = [("starttls", Tls::Starttls), ("tls", Tls::Tls), ("none", Tls::None)];
/// Hosts to which a password may go in the clear.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

impl Email {
    pub(super) fn read(mut section: Section<'_, '_>, text: &mut Text<'_>, around: Surroundings<'_>) -> Self {
        let host = section.parsed(text, "host", not_empty);
        let tls = section.choice(text, "tls", &KINDS).unwrap_or(Tls::Starttls);
        let port = section.whole(text, "port", 1..65_536).map_or_else(|| tls.port(), |port| port as u16);
        let user = section.parsed(text, "user", not_empty);
        let password = section.secret(text, ["password", "password_env", "password_file"]);
        let from = section.parsed(text, "from", not_empty);
        for (key, hint) in [
            ("host", "the mail server that takes messages, such as host = \"smtp.example.org\""),
            ("from", "the address that messages come from, such as from = \"Chime <chime@example.org>\""),
        ] {
            if !section.has(key) {
                section.refuse(text, key, Problem::new("", "is missing").hint(hint));
            }
        }
        let has_password = ["password", "password_env", "password_file"].iter().any(|key| section.has(key));
        match (user.is_some(), has_password) {
            (true, false) => {
                let hint = "write password_env or password_file, or leave user out";
                section.refuse(text, "user", Problem::new("", "has no password").hint(hint));
            }
            (false, true) if !section.has("user") => {
                section.refuse(text, "user", Problem::new("", "is missing").hint("whose is the password?"));
            }
            _ => {}
        }
        let is_here = host.as_deref().is_none_or(|host| HERE.contains(&host));
        if tls == Tls::None && has_password && !is_here {
            let problem = Problem::new("", "a password would go over the network in the clear").value("none");
            section.refuse(text, "tls", problem.hint("tls = \"starttls\" or \"tls\""));
        }
        let format = Markup::read(&mut section, text);
        let timeout = timeout(&mut section, text);
        section.finish(text);
        Self {
            host: host.unwrap_or_default(),
            port,
            tls,
            user,
            password: password.map(|secret| around.secret(secret)),
            from: from.unwrap_or_default(),
            format,
            timeout,
        }
    }

    pub(in crate::config) fn to_json(&self) -> Value {
        let Self { host, port, tls, user, password, from, format, timeout } = self;
        let tls = KINDS.iter().find(|(_, kind)| kind == tls).map(|(word, _)| *word);
        let mut shown = json!({
            "kind": "email",
            "host": host,
            "port": port,
            "tls": tls.unwrap_or_default(),
            "password": password.is_some(),
            "from": from,
            "format": format.word(),
            "timeout": timeout.to_string(),
        });
        if let Some(user) = user {
            shown["user"] = json!(user);
        }
        shown
    }
}

impl Tls {
    /// The port where such connections are usual.
    const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}
