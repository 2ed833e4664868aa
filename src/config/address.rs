//! Addresses as settings name them: http or https, and without a user or a password.
//!
//! Not here: where an address may lead (`client`), and whether anybody is there.

use super::conceal::MASK;
use crate::problem::Problem;

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
