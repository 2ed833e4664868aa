//! Who asks: the one place where a bearer token becomes a caller.
//!
//! Invariant: whoever has no token is nobody; only the admin may ask in another's name. Not here: what a caller may do
//! (`ops/local/access`), the tokens (`keys`).

use axum::http::{HeaderMap, header};

use super::Door;
use crate::problem::Problem;
use crate::surface::error::{Code, Error};
use crate::surface::ops::Caller;

/// The header by which the admin asks for an agent, and an agent names its session and conversation: `agent=…&session=…&gateway=…&chat_id=…`.
pub const CALLER_HEADER: &str = "chimewheel-caller";

/// Who sent these headers: whoever holds the token that is shown, or whom it says that it asks for.
pub(super) fn caller(door: &Door, headers: &HeaderMap) -> Result<Caller, Error> {
    let holder = bearer(headers).and_then(|token| door.keys.caller(token)).ok_or_else(|| {
        let message = "the token is missing, wrong, expired or revoked; the admin's is in the file admin.token of the \
                       data folder, and `chimewheel token new --agent NAME` makes one for an agent";
        Error::new(Code::Unauthorized, message)
    })?;
    let Some(given) = headers.get(CALLER_HEADER) else { return Ok(holder) };
    let said = given.to_str().ok().and_then(Caller::from_header).ok_or_else(|| {
        let problem = Problem::new(CALLER_HEADER, "this header names no agent");
        Error::bad_input(problem.hint("such as agent=ada&session=s1&gateway=telegram&chat_id=42"))
    })?;
    door.keys.speaking(&holder, said)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, given) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| given.trim())
}
