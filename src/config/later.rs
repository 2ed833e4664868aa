//! Settings of parts that this version does not have: checked like the others, then named in a notice.
//!
//! A mistake in them is found today, and nobody believes that a setting works which does nothing.
//! Not here: what the settings will do.

use super::section::{Section, Text};
use super::{Format, Gateway, Notice, not_empty};
use crate::problem::{Problem, nearest};

/// The kinds of gateway that exist, and the secrets each one names.
const KINDS: [(&str, &[[&str; 3]]); 8] = [
    ("console", &[]),
    ("webhook", &[["secret", "secret_env", "secret_file"]]),
    ("telegram", &[["token", "token_env", "token_file"]]),
    ("discord", &[["token", "token_env", "token_file"]]),
    (
        "slack",
        &[["token", "token_env", "token_file"], ["signing_secret", "signing_secret_env", "signing_secret_file"]],
    ),
    ("matrix", &[["token", "token_env", "token_file"]]),
    ("email", &[["password", "password_env", "password_file"]]),
    ("process", &[]),
];

/// Reads `[gateways.NAME]`.
pub(super) fn gateway(
    mut section: Section<'_, '_>,
    name: &str,
    text: &mut Text<'_>,
    notices: &mut Vec<Notice>,
) -> Gateway {
    let known = |given: &str| {
        KINDS.iter().find(|(kind, _)| *kind == given).ok_or_else(|| {
            let problem = Problem::new("", "is not a kind of gateway");
            match nearest(given, KINDS.iter().map(|(kind, _)| *kind)) {
                Some(kind) => problem.hint(format!("did you mean '{kind}'?")),
                None => problem.hint(KINDS.map(|(kind, _)| kind).join(", ")),
            }
        })
    };
    let path = section.path("");
    let missing = !section.has("kind");
    let Some((kind, secrets)) = section.parsed(text, "kind", known) else {
        if missing {
            let hint = format!("write kind = \"{}\"", if name == "console" { "console" } else { "telegram" });
            section.refuse(text, "kind", Problem::new("", "is missing").hint(hint));
        }
        return Gateway::NotBuilt { kind: String::new() };
    };
    if *kind == "console" {
        let format = section.choice(text, "format", &[("text", Format::Text), ("json", Format::Json)]);
        section.finish(text);
        return Gateway::Console { format: format.unwrap_or(Format::Text) };
    }
    if name == "console" {
        section.refuse(text, "kind", Problem::new("", "the gateway named 'console' is always the console"));
    }
    for names in *secrets {
        section.secret(text, *names);
    }
    match *kind {
        "process" => {
            section.strings(text, "command");
        }
        "email" => {
            section.string(text, "host");
            section.whole(text, "port", 1..65_536);
            section.string(text, "user");
            section.string(text, "from");
        }
        _ => {
            section.parsed(text, "base_url", http_url);
            if *kind == "matrix" {
                section.string(text, "user");
            }
            if *kind == "webhook" {
                section.flag(text, "allow_private");
            }
        }
    }
    section.finish(text);
    let message =
        format!("gateways of kind {kind} are not built into this version; schedules that name it are refused");
    notices.push(Notice { path: path.trim_end_matches('.').to_owned(), message });
    Gateway::NotBuilt { kind: (*kind).to_owned() }
}

/// Reads everything at the top level that only later versions act on.
pub(super) fn read(root: &mut Section<'_, '_>, text: &mut Text<'_>, notices: &mut Vec<Notice>) {
    for (key, what) in [("engine_json", "model settings"), ("heartbeat", "heartbeat files")] {
        if root.parsed(text, key, not_empty).is_some() {
            notices.push(Notice::not_built(key, what));
        }
    }
    if let Some(section) = root.section(text, "routing") {
        routing(section, text);
        notices.push(Notice::not_built("routing", "model runs"));
    }
    if let Some(section) = root.section(text, "providers") {
        for (_, provider) in section.names(text) {
            self::provider(provider, text);
        }
        notices.push(Notice::not_built("providers", "model runs"));
    }
    let routes = root.list(text, "routes");
    if !routes.is_empty() {
        notices.push(Notice::not_built("routes", "inbound messages"));
    }
    for route in routes {
        self::route(route, text);
    }
}

fn routing(mut section: Section<'_, '_>, text: &mut Text<'_>) {
    section.string(text, "default");
    section.strings(text, "fallback");
    for key in ["tasks", "aliases"] {
        if let Some(words) = section.section(text, key) {
            words.words(text);
        }
    }
    section.finish(text);
}

fn provider(mut section: Section<'_, '_>, text: &mut Text<'_>) {
    section.parsed(text, "base_url", http_url);
    section.secret(text, ["api_key", "api_key_env", "api_key_file"]);
    section.whole(text, "max_in_flight", 1..1025);
    section.span(text, "timeout");
    section.amount(text, "price_in");
    section.amount(text, "price_out");
    section.finish(text);
}

fn route(mut section: Section<'_, '_>, text: &mut Text<'_>) {
    if let Some(mut test) = section.section(text, "match") {
        for key in ["gateway", "chat_type", "chat_id", "user_id"] {
            test.string(text, key);
        }
        test.finish(text);
    }
    section.string(text, "agent");
    section.finish(text);
}

fn http_url(given: &str) -> Result<String, Problem> {
    let host = given.strip_prefix("http://").or_else(|| given.strip_prefix("https://"));
    match host {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => Ok(given.to_owned()),
        Some(_) | None => Err(Problem::new("", "is not an http(s) address").hint("such as https://host/path")),
    }
}
