//! The table of routes.
//!
//! Invariant: an address and method stand here once; a route that is not `hidden` is described in `/openapi.json`.
//! Not here: what the fields of a row mean (`route`).

use super::route::Kind::{Count, Flag, Instant, Text, Word};
use super::route::{Given, Header, Parameter, Route, Taken, Verb};
use super::{bulk, events, metrics, plain, schedules};
use crate::limits;
use crate::surface::ops::reply::Created;

const STATUSES: &[&str] = &["active", "paused", "completed", "cancelled"];
const OUTCOMES: &[&str] = &["delivered", "silent", "skipped", "failed", "cancelled", "unknown"];

const fn parameter(name: &'static str, kind: super::route::Kind, about: &'static str) -> Parameter {
    Parameter { name, about, kind }
}

const CURSOR: Parameter = parameter("cursor", Text, "Where the last page ended: its `cursor`.");
const LIMIT: Parameter = parameter("limit", Count(limits::PAGE_ROWS_MAX), "At most this many.");
const DRY_RUN: Parameter = parameter("dry_run", Flag, "Checks and previews only.");
const AGENT: Parameter =
    parameter("agent", Text, "Only those of this agent; an agent's own token always means its own.");

const IF_MATCH: Header = Header {
    name: "If-Match",
    about: "The `ETag` of the schedule as it was read. If its declaration was changed since, nothing is done (412); a \
            due that has passed meanwhile does not matter.",
};
const IF_NONE_MATCH: Header =
    Header { name: "If-None-Match", about: "The `ETag` of what is known; if nothing is new, the answer is 304." };
const KEY: Header = Header {
    name: "Idempotency-Key",
    about: "A text of your own for this create, such as a UUID. Sent again, it answers with the schedule that was \
            created first (200, `Idempotency-Replayed: true`). It is the schedule's `client_token`.",
};
const LAST_ID: Header = Header { name: "Last-Event-ID", about: "The `id` of the last message that was received." };

/// What most rows have in common.
const ROUTE: Route = Route {
    verb: Verb::Get,
    path: "",
    id: "",
    operation: None,
    about: "",
    query: &[],
    headers: &[],
    takes: Taken::Nothing,
    example: None,
    gives: Given::Reply(200),
    refuses: &[],
    open: false,
    hidden: false,
    handle: |call| Box::pin(plain::health(call)),
};

/// What most rows of one schedule's status have in common.
const SETTING: Route = Route { verb: Verb::Post, headers: &[IF_MATCH], refuses: &[404, 409, 412], ..ROUTE };

/// Every route.
pub(super) static ROUTES: &[Route] = &[
    Route {
        path: "/v1/schedules",
        id: "listSchedules",
        operation: Some("list"),
        about: "Lists schedules, page by page; those that have ended only if asked for.",
        query: &[
            AGENT,
            parameter("status", Word(STATUSES), "Only those in this status."),
            parameter("name", Text, "Only those of this name."),
            parameter("label", Text, "Only those with this label, as `key` or `key=value`."),
            parameter("outcome", Word(OUTCOMES), "Only those whose last due ended like this."),
            parameter("all", Flag, "Those that have ended, too."),
            LIMIT,
            CURSOR,
        ],
        handle: |call| Box::pin(schedules::list(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Post,
        path: "/v1/schedules",
        id: "createSchedule",
        about: "Creates a schedule. It is durable when this is answered.",
        query: &[DRY_RUN],
        headers: &[KEY],
        takes: Taken::Schedule,
        example: Some(
            r#"{"name": "Stand-up", "schedule": {"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin"}, "payload": {"message": "Good morning!"}}"#,
        ),
        gives: Given::Json(201, |schemas| schemas.subschema_for::<Created>()),
        refuses: &[409],
        handle: |call| Box::pin(schedules::create(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Post,
        path: "/v1/schedules:bulk",
        id: "bulkSchedules",
        about: "Creates many schedules, one JSON object a line. Each line of the answer that has `created` tells what \
                is durable by then; the last one has `done`. A line that is there already is left alone.",
        query: &[
            parameter("check", Flag, "Judges only."),
            parameter("skip_bad", Flag, "Creates the good lines of a piece though others are wrong."),
        ],
        takes: Taken::Lines,
        gives: Given::Text(
            bulk::LINES,
            "Lines with `line` and `problem`, lines with `lines`, `created`, `existing` \
            and `wrong`, and the last one, which has `done`, too.",
        ),
        handle: |call| Box::pin(bulk::bulk(call)),
        ..ROUTE
    },
    Route {
        path: "/v1/schedules/{id}",
        id: "showSchedule",
        operation: Some("show"),
        about: "Shows a schedule with its declaration and its next times.",
        headers: &[IF_NONE_MATCH],
        refuses: &[404],
        handle: |call| Box::pin(schedules::show(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Patch,
        path: "/v1/schedules/{id}",
        id: "updateSchedule",
        operation: Some("update"),
        about: "Changes fields of a schedule by a JSON merge patch (RFC 7396) of its declaration. A new trigger \
                replaces the old one.",
        query: &[DRY_RUN],
        headers: &[IF_MATCH],
        takes: Taken::Patch,
        example: Some(r#"{"payload": {"message": "Good morning, everybody!"}}"#),
        refuses: &[404, 409, 412],
        handle: |call| Box::pin(schedules::update(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Delete,
        path: "/v1/schedules/{id}",
        id: "cancelSchedule",
        operation: Some("cancel"),
        about: "Ends a schedule. It can still be shown, and its history stays.",
        handle: |call| Box::pin(schedules::cancel(call)),
        ..SETTING
    },
    Route {
        path: "/v1/schedules/{id}/pause",
        id: "pauseSchedule",
        operation: Some("pause"),
        about: "Holds a schedule: its dues pass without a run. One that is paused already takes a new note.",
        takes: Taken::Note,
        example: Some(r#"{"note": "On holiday until Monday"}"#),
        handle: |call| Box::pin(schedules::pause(call)),
        ..SETTING
    },
    Route {
        path: "/v1/schedules/{id}/resume",
        id: "resumeSchedule",
        operation: Some("resume"),
        about: "Lets a paused schedule go on.",
        handle: |call| Box::pin(schedules::resume(call)),
        ..SETTING
    },
    Route {
        path: "/v1/schedules/{id}/run",
        id: "runSchedule",
        operation: Some("run-now"),
        about: "Begins a run now, besides the schedule's dues.",
        gives: Given::Reply(202),
        handle: |call| Box::pin(schedules::run(call)),
        ..SETTING
    },
    Route {
        path: "/v1/schedules/{id}/runs",
        id: "listRuns",
        operation: Some("runs"),
        about: "Shows what became of a schedule's dues, newest first.",
        query: &[
            parameter("outcome", Word(OUTCOMES), "Only those that ended like this; `failed` are the dead letters."),
            parameter("since", Instant, "Only those due at this instant or later."),
            LIMIT,
            CURSOR,
        ],
        refuses: &[404],
        handle: |call| Box::pin(schedules::runs(call)),
        ..ROUTE
    },
    Route {
        path: "/v1/costs",
        id: "getCosts",
        operation: Some("costs"),
        about: "Sums up what models took, the dearest first.",
        query: &[
            parameter("by", Word(&["schedule", "agent", "model"]), "What each line is about."),
            parameter("since", Instant, "Only runs due at this instant or later."),
            AGENT,
        ],
        handle: |call| Box::pin(schedules::costs(call)),
        ..ROUTE
    },
    Route {
        path: "/v1/dead-letters",
        id: "listDeadLetters",
        operation: Some("dead-letters"),
        about: "Lists what was given up, of all schedules, newest due first.",
        query: &[AGENT, LIMIT, CURSOR],
        handle: |call| Box::pin(schedules::dead_letters(call)),
        ..ROUTE
    },
    Route {
        path: "/v1/schedules/{id}/occurrences",
        id: "listOccurrences",
        operation: Some("preview"),
        about: "Computes the next times of a schedule.",
        query: &[
            parameter("n", Count(limits::PREVIEW_TIMES_MAX), "How many."),
            parameter("from", Text, "Times strictly later than this: RFC 3339, or a local time; without it, now."),
            parameter("timezone", Text, "The zone to show them in."),
        ],
        refuses: &[404],
        handle: |call| Box::pin(schedules::occurrences(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Post,
        path: "/v1/preview",
        id: "preview",
        operation: Some("preview"),
        about: "Computes the next times of a trigger, or of a schedule.",
        takes: Taken::Request,
        example: Some(r#"{"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin", "n": 3}"#),
        refuses: &[404],
        handle: |call| Box::pin(schedules::preview(call)),
        ..ROUTE
    },
    Route {
        path: "/v1/export",
        id: "exportSchedules",
        about: "Writes all schedules that have not ended as JSON Lines, which a bulk takes back.",
        query: &[AGENT],
        gives: Given::Text(bulk::LINES, "One declaration a line."),
        handle: |call| Box::pin(bulk::export(call)),
        ..ROUTE
    },
    Route {
        path: "/v1/events",
        id: "listen",
        about: "The live feed as server-sent events, of one's own schedules or, for the admin, of all. `run`: an \
                occurrence went a step further. `schedule`: one was created, updated, paused, resumed or ended. \
                `ready`: the feed begins here. `reset`: what happened after `Last-Event-ID` is not known any more.",
        query: &[parameter("after", Text, "Like `Last-Event-ID`, where a header cannot be sent.")],
        headers: &[LAST_ID],
        gives: Given::Text(events::EVENTS, "Messages with `id`, `event` and `data`."),
        handle: |call| Box::pin(events::events(call)),
        ..ROUTE
    },
    Route {
        path: "/v1/status",
        id: "showStatus",
        operation: Some("status"),
        about: "Tells how the engine is.",
        handle: |call| Box::pin(plain::status(call)),
        ..ROUTE
    },
    Route {
        path: "/healthz",
        id: "health",
        about: "Tells whether dues are served in time.",
        gives: Given::Json(200, |_| {
            schemars::json_schema!({
                "type": "object",
                "required": ["status", "version"],
                "properties": {
                    "status": {"enum": ["ok", "catching-up", "behind", "stalled", "disk-stalled", "ended"]},
                    "version": {"type": "string"},
                    "detail": {"type": "string"},
                },
            })
        }),
        open: true,
        handle: |call| Box::pin(plain::health(call)),
        ..ROUTE
    },
    Route {
        path: "/metrics",
        id: "metrics",
        about: "What is counted, for Prometheus.",
        gives: Given::Text(metrics::OPEN_METRICS, "OpenMetrics text."),
        open: true,
        handle: |call| Box::pin(metrics::metrics(call)),
        ..ROUTE
    },
    Route {
        path: "/openapi.json",
        id: "description",
        about: "This description.",
        gives: Given::Json(200, |_| schemars::json_schema!({"type": "object", "required": ["openapi", "paths"]})),
        open: true,
        handle: |call| Box::pin(plain::description(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Post,
        path: "/v1/ops/{name}",
        id: "operate",
        about: "Performs an operation by its name, as the command line does.",
        takes: Taken::Any,
        hidden: true,
        handle: |call| Box::pin(plain::operate(call)),
        ..ROUTE
    },
];
