//! What clients can read: schedules, their runs, and the manual.
//!
//! `schedule://ID` and `runs://ID` are the JSON of the operations of the same names, `guide://TOPIC` is a page.
//! Invariant: a caller reads its own schedules only. Not here: operations (`ops`).

use rmcp::ErrorData;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource, ResourceContents,
    ResourceTemplate,
};

use crate::guide::PAGES;
use crate::limits;
use crate::surface::error::{Code, Error};
use crate::surface::ops::request::{List, Runs, Selector, Show};
use crate::surface::ops::{Caller, Operations, Reply, perform_for};

const JSON: &str = "application/json";
const MARKDOWN: &str = "text/markdown";

/// The manual first, then the caller's schedules, page by page.
pub(super) async fn list(
    caller: &Caller,
    operations: &dyn Operations,
    cursor: Option<String>,
) -> Result<ListResourcesResult, ErrorData> {
    let mut resources = Vec::new();
    if cursor.is_none() {
        resources.extend(PAGES.iter().map(|page| {
            let resource = Resource::new(format!("guide://{}", page.topic), page.topic);
            resource.with_description(format!("The manual: {}.", page.about)).with_mime_type(MARKDOWN)
        }));
    }
    let request = List { limit: Some(limits::RESOURCES_COUNT_MAX), cursor, ..List::default() };
    let listed = perform_for(caller, operations, request).await.map_err(|error| protocol("", error))?;
    resources.extend(listed.schedules.into_iter().map(|line| {
        let name = line.name.unwrap_or_else(|| line.id.clone());
        let resource = Resource::new(format!("schedule://{}", line.id), name);
        resource.with_description(format!("{} ({}).", line.description, line.status)).with_mime_type(JSON)
    }));
    let mut result = ListResourcesResult::with_all_items(resources);
    result.next_cursor = listed.cursor;
    Ok(result)
}

/// The forms of what can be read.
pub(super) fn templates() -> ListResourceTemplatesResult {
    let template = |uri: &str, name: &str, about: &str, kind: &str| {
        ResourceTemplate::new(uri, name).with_description(about).with_mime_type(kind)
    };
    ListResourceTemplatesResult::with_all_items(vec![
        template("schedule://{id}", "schedule", "One of your schedules in full, by its id.", JSON),
        template("runs://{id}", "runs", "What became of a schedule's dues, newest first.", JSON),
        template("guide://{topic}", "guide", "A page of the manual.", MARKDOWN),
    ])
}

/// One of them.
pub(super) async fn read(
    caller: &Caller,
    operations: &dyn Operations,
    uri: &str,
) -> Result<ReadResourceResult, ErrorData> {
    let unknown =
        || ErrorData::resource_not_found(format!("there is nothing at {uri}"), Some(serde_json::json!({"uri": uri})));
    let (scheme, rest) = uri.split_once("://").ok_or_else(unknown)?;
    let (text, kind) = match scheme {
        "guide" => (PAGES.iter().find(|page| page.topic == rest).ok_or_else(unknown)?.text.to_owned(), MARKDOWN),
        "schedule" => {
            let show = Show(Selector { schedule: rest.to_owned(), agent: None, generation: None });
            let shown = perform_for(caller, operations, show).await;
            (json(shown.map(Reply::Show), uri)?, JSON)
        }
        "runs" => {
            let runs = perform_for(caller, operations, Runs { schedule: rest.to_owned(), ..Runs::default() }).await;
            (json(runs.map(Reply::Runs), uri)?, JSON)
        }
        _ => return Err(unknown()),
    };
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(kind)]))
}

fn json(reply: Result<Reply, Error>, uri: &str) -> Result<String, ErrorData> {
    let body = reply.and_then(|reply| reply.to_json()).map_err(|error| protocol(uri, error))?;
    Ok(format!("{body:#}"))
}

/// An operation's error as one of the protocol.
fn protocol(uri: &str, error: Error) -> ErrorData {
    match error.code {
        Code::NotFound => ErrorData::resource_not_found(error.message, Some(serde_json::json!({"uri": uri}))),
        Code::BadInput => ErrorData::invalid_params(error.message, None),
        _ => ErrorData::internal_error(error.message, None),
    }
}
