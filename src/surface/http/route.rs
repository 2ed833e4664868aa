//! What a route is: its address, what it takes, what it answers, and what does it.
//!
//! The router, the readers of queries and bodies, and the OpenAPI document all go by it, so they cannot disagree.
//! Not here: the routes (`routes`).

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::MethodFilter;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::accept::Leash;
use super::query::Query;
use super::{Shared, Site, auth};
use crate::surface::error::Error;
use crate::surface::ops::{Caller, Operation, perform_for};

/// One row of the table.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub verb: Verb,
    pub path: &'static str,
    /// Its `operationId`.
    pub id: &'static str,
    /// The entry of the table of operations whose shapes it shows.
    pub operation: Option<&'static str>,
    pub about: &'static str,
    pub query: &'static [Parameter],
    /// Headers that it heeds.
    pub headers: &'static [Header],
    pub takes: Taken,
    /// A body that it takes.
    pub example: Option<&'static str>,
    pub gives: Given,
    /// Statuses of refusals besides those that every route has.
    pub refuses: &'static [u16],
    pub admits: Admits,
    /// Whether it is for the command line, or for platforms, and so not described.
    pub hidden: bool,
    pub handle: fn(Call) -> Handling,
}

/// Whom a route serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admits {
    /// Whoever shows a token, on this machine.
    Holders,
    /// Whoever is on this machine.
    Locals,
    /// A platform, by whatever name it reaches us: its gateway knows it by its signature.
    Platforms,
}

/// The methods that routes have; a `GET` answers `HEAD`, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

impl Verb {
    pub(super) fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// What a handler returns.
pub(super) type Handling = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

/// A part of the query.
#[derive(Clone, Copy)]
pub(super) struct Parameter {
    pub name: &'static str,
    pub about: &'static str,
    pub kind: Kind,
}

/// What a part of the query may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Since,
    /// From 1 to this.
    Count(usize),
    Flag,
    Word(&'static [&'static str]),
}

/// A header that a route heeds.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub name: &'static str,
    pub about: &'static str,
}

/// What a route takes as body.
#[derive(Clone, Copy)]
pub(super) enum Taken {
    Nothing,
    /// Nothing, or a note.
    Note,
    /// One schedule, in the strict shape.
    Schedule,
    /// A merge patch of one.
    Patch,
    /// The request of its operation.
    Request,
    /// JSON Lines of schedules, read as they come.
    Lines,
    /// The request of whichever operation is named.
    Any,
    /// A text.
    Text,
    /// Whatever a platform posts.
    Posted,
}

/// What a route answers.
#[derive(Clone, Copy)]
pub(super) enum Given {
    /// The reply of its operation.
    Reply(u16),
    /// JSON of this shape.
    Json(u16, fn(&mut SchemaGenerator) -> Schema),
    /// Some other kind of text.
    Text(&'static str, &'static str),
}

impl Taken {
    /// The kinds of body that are read; none for none.
    pub(super) fn kinds(&self) -> &'static [&'static str] {
        match self {
            Self::Nothing | Self::Posted => &[],
            Self::Note | Self::Schedule | Self::Request | Self::Any | Self::Text => &["application/json"],
            Self::Patch => &["application/merge-patch+json", "application/json"],
            Self::Lines => &["application/jsonl", "application/x-ndjson"],
        }
    }
}

impl Given {
    /// The status of a success.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Reply(status) | Self::Json(status, _) => *status,
            Self::Text(..) => 200,
        }
    }

    /// The kind of body of a success.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Reply(_) | Self::Json(..) => super::answer::JSON,
            Self::Text(kind, _) => kind,
        }
    }
}

/// A body as its route reads it.
pub(super) enum Content {
    Nothing,
    Json(Value),
    Bytes(Vec<u8>),
    /// In a lock only so that a call can be shared between threads.
    Stream(Mutex<Body>),
}

/// One request of a route, read as far as the table says how.
pub(super) struct Call {
    pub site: Shared,
    pub caller: Caller,
    pub route: &'static Route,
    /// The last part of the address that varies.
    pub name: String,
    pub query: Query,
    pub headers: HeaderMap,
    pub content: Content,
    pub leash: Leash,
}

impl Call {
    /// Performs an operation for the caller.
    pub(super) async fn ask<O: Operation>(&self, operation: O) -> Result<O::Reply, Error> {
        perform_for(&self.caller, &*self.site.door.operations, operation).await
    }

    /// The same in an answer that goes on.
    pub(super) async fn ask_on<O: Operation>(&self, operation: O) -> Result<O::Reply, Error> {
        self.still_may()?;
        self.ask(operation).await
    }

    /// Refuses to go on when the token has been revoked since the answer began.
    pub(super) fn still_may(&self) -> Result<(), Error> {
        auth::caller(&self.site.door, &self.headers).map(drop)
    }

    /// The body, of a route that takes JSON.
    pub(super) fn take_json(&mut self) -> Value {
        match std::mem::replace(&mut self.content, Content::Nothing) {
            Content::Json(value) => value,
            Content::Nothing | Content::Bytes(_) | Content::Stream(_) => Value::Null,
        }
    }

    /// What outlives the call, for an answer that goes on.
    pub(super) fn site(&self) -> Arc<Site> {
        Arc::clone(&self.site)
    }
}
