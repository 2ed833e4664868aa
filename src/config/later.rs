//! Settings of parts that this version does not have: checked like the others, then named in a notice.
//!
//! A mistake in them is found today, and nobody believes that a setting works which does nothing.
//! Not here: gateways of kinds that this version does not have (`gateway`), what the settings will do.

use super::conceal::MASK;
use super::section::{Section, Text};
use super::{Notice, not_empty};
use crate::problem::Problem;

/// Reads everything at the top level that only later versions act on.
pub(super) fn read(root: &mut Section<'_, '_>, text: &mut Text<'_>, notices: &mut Vec<Notice>) {
    if root.parsed(text, "heartbeat", not_empty).is_some() {
        notices.push(Notice::not_built("heartbeat", "heartbeat files"));
    }
}

/// The text, if it is an http(s) address.
pub(super) fn http_url(given: &str) -> Result<String, Problem> {
    let host = given.strip_prefix("http://").or_else(|| given.strip_prefix("https://"));
    let named = host.and_then(|host| host.split(['/', '?', '#']).next()?.rsplit_once('@'));
    if let Some((user, _)) = named {
        let problem = Problem::new("", "names a user or a password").value(given.replacen(user, MASK, 1));
        return Err(problem.hint("leave them out; a token or a password has a key of its own, such as token_file"));
    }
    match host {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => Ok(given.to_owned()),
        Some(_) | None => Err(Problem::new("", "is not an http(s) address").hint("such as https://host/path")),
    }
}
