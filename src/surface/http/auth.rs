//! Who asks: the one place where a bearer token becomes a caller.
//!
//! Invariant: whoever has no token is nobody; only the admin may ask in an agent's name. Not here: what a caller may
//! do (`ops/local/access`), the token itself (`admin`).

use axum::http::{HeaderMap, header};

use super::Door;
use crate::problem::Problem;
use crate::surface::error::{Code, Error};
use crate::surface::ops::Caller;

/// The header by which whoever has the admin's token asks for an agent: `agent=…&session=…&gateway=…&chat_id=…`.
pub const CALLER_HEADER: &str = "chimewheel-caller";

/// Who sent these headers.
pub(super) fn caller(door: &Door, headers: &HeaderMap) -> Result<Caller, Error> {
    if !bearer(headers).is_some_and(|given| door.token.is(given)) {
        let message = "the admin token is missing or wrong; it is in the file admin.token of the data folder";
        return Err(Error::new(Code::Unauthorized, message));
    }
    let Some(given) = headers.get(CALLER_HEADER) else { return Ok(Caller::Admin) };
    let read = given.to_str().ok().and_then(Caller::from_header);
    read.ok_or_else(|| {
        let problem = Problem::new(CALLER_HEADER, "this header names no agent");
        Error::bad_input(problem.hint("such as agent=ada&session=s1&gateway=telegram&chat_id=42"))
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, given) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| given.trim())
}
