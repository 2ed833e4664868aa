//! Parts of queries and headers that several routes heed.
//!
//! Not here: the routes (`routes`), what is read of them (`query`, `answer`).

use super::route::Kind::{Count, Flag, Text};
use super::route::{Header, Parameter};
use crate::limits;

pub(super) const STATUSES: &[&str] = &["active", "paused", "completed", "cancelled"];
pub(super) const OUTCOMES: &[&str] = &["delivered", "silent", "skipped", "failed", "cancelled", "unknown"];

pub(super) const fn parameter(name: &'static str, kind: super::route::Kind, about: &'static str) -> Parameter {
    Parameter { name, about, kind }
}

pub(super) const CURSOR: Parameter = parameter("cursor", Text, "Where the last page ended: its `cursor`.");
pub(super) const LIMIT: Parameter = parameter("limit", Count(limits::PAGE_ROWS_MAX), "At most this many.");
pub(super) const DRY_RUN: Parameter = parameter("dry_run", Flag, "Checks and previews only.");
pub(super) const AGENT: Parameter =
    parameter("agent", Text, "Only those of this agent; an agent's own token always means its own.");

pub(super) const IF_MATCH: Header = Header {
    name: "If-Match",
    about: "The `ETag` of the schedule as it was read. If its declaration was changed since, nothing is done (412); a \
            due that has passed meanwhile does not matter.",
};
pub(super) const IF_NONE_MATCH: Header =
    Header { name: "If-None-Match", about: "The `ETag` of what is known; if nothing is new, the answer is 304." };
pub(super) const KEY: Header = Header {
    name: "Idempotency-Key",
    about: "A text of your own for this create, such as a UUID. Sent again, it answers with the schedule that was \
            created first (200, `Idempotency-Replayed: true`). It is the schedule's `client_token`.",
};
pub(super) const ANSWER_KEY: Header = Header {
    name: "Idempotency-Key",
    about: "A text of your own for this answer, such as the id of the message that it answers. Sent again, it answers \
            with what it did first (200, `Idempotency-Replayed: true`).",
};
pub(super) const LAST_ID: Header =
    Header { name: "Last-Event-ID", about: "The `id` of the last message that was received." };
