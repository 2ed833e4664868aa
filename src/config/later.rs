//! Settings of parts that this version does not have: checked like the others, then named in a notice.
//!
//! A mistake in them is found today, and nobody believes that a setting works which does nothing.
//! Not here: gateways of kinds that this version does not have (`gateway`), what the settings will do.

use super::section::{Section, Text};
use super::{Notice, not_empty};
use crate::problem::Problem;

/// Reads everything at the top level that only later versions act on.
pub(super) fn read(root: &mut Section<'_, '_>, text: &mut Text<'_>, notices: &mut Vec<Notice>) {
    for (key, what) in [("engine_json", "model settings"), ("heartbeat", "heartbeat files")] {
        if root.parsed(text, key, not_empty).is_some() {
            notices.push(Notice::not_built(key, what));
        }
    }
    if let Some(section) = root.section(text, "routing") {
        routing(section, text);
        notices.push(Notice::not_built("routing", "defaults and fallbacks of models"));
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

/// Reads `[providers.NAME]` of a model endpoint.
pub(super) fn provider(mut section: Section<'_, '_>, text: &mut Text<'_>) {
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

/// The text, if it is an http(s) address.
pub(super) fn http_url(given: &str) -> Result<String, Problem> {
    let host = given.strip_prefix("http://").or_else(|| given.strip_prefix("https://"));
    match host {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => Ok(given.to_owned()),
        Some(_) | None => Err(Problem::new("", "is not an http(s) address").hint("such as https://host/path")),
    }
}
