//! The table of routes.
//!
//! Invariant: an address and method stand here once; a route that is not `hidden` is described in `/openapi.json`.
//! Not here: what the fields of a row mean (`route`).

use super::heeded::{
    AGENT, ANSWER_KEY, CURSOR, DRY_RUN, IF_MATCH, IF_NONE_MATCH, KEY, LAST_ID, LIMIT, OUTCOMES, STATUSES, parameter,
};
use super::route::Kind::{Count, Flag, Since, Text, Word};
use super::route::{Admits, Given, Route, Taken, Verb};
use super::{bulk, events, letters, metrics, plain, schedules, sessions};
use crate::limits;
use crate::surface::ops::reply::Created;

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
    admits: Admits::Holders,
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
            parameter("since", Since, "Only those due at this instant or later, or within this span up to now."),
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
            parameter("since", Since, "Only runs due at this instant or later, or within this span up to now."),
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
        query: &[
            AGENT,
            parameter("schedule", Text, "Only those of this schedule: its id, or its name."),
            parameter("gateway", Text, "Only those that were for a chat of this gateway."),
            parameter("since", Since, "Only those due at this instant or later, or within this span up to now."),
            LIMIT,
            CURSOR,
        ],
        refuses: &[404],
        handle: |call| Box::pin(letters::list(call)),
        ..ROUTE
    },
    Route {
        path: "/v1/dead-letters/{id}",
        id: "showDeadLetter",
        operation: Some("dead-letter-show"),
        about: "Shows everything that is known of one dead letter, also once it has been tried again.",
        refuses: &[404],
        handle: |call| Box::pin(letters::show(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Delete,
        path: "/v1/dead-letters/{id}",
        id: "dropDeadLetter",
        operation: Some("dead-letters-drop"),
        about: "Takes a dead letter off the list, because somebody has seen it. Its record stays, as `failed`.",
        query: &[DRY_RUN],
        refuses: &[404, 409],
        handle: |call| Box::pin(letters::drop_one(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Post,
        path: "/v1/dead-letters/{id}/retry",
        id: "retryDeadLetter",
        operation: Some("dead-letters-retry"),
        about: "Tries a dead letter again, or one of its deliveries: the same bytes under the same key, with attempts \
                and an age that begin anew. Where its run failed, it is run again.",
        query: &[DRY_RUN],
        gives: Given::Reply(202),
        refuses: &[404, 409],
        handle: |call| Box::pin(letters::retry(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Post,
        path: "/v1/dead-letters/retry",
        id: "retryDeadLetters",
        operation: Some("dead-letters-retry"),
        about: "Tries all dead letters again that fit, oldest due first; one that is refused hinders no other.",
        takes: Taken::Request,
        example: Some(r#"{"all": true, "gateway": "telegram", "since": "2026-01-30T00:00:00Z", "dry_run": true}"#),
        gives: Given::Reply(202),
        refuses: &[404, 409],
        handle: |call| Box::pin(letters::retry_all(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Post,
        path: "/v1/dead-letters/drop",
        id: "dropDeadLetters",
        operation: Some("dead-letters-drop"),
        about: "Takes all dead letters off the list that fit; their records stay.",
        takes: Taken::Request,
        example: Some(r#"{"all": true, "schedule": "standup"}"#),
        refuses: &[404, 409],
        handle: |call| Box::pin(letters::drop_all(call)),
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
        path: "/v1/sessions",
        id: "listSessions",
        operation: Some("sessions"),
        about: "Lists sessions, the conversations of agents, those that began last first.",
        query: &[
            AGENT,
            parameter("gateway", Text, "Only those in chats of this gateway."),
            parameter("chat_id", Text, "Only those in this chat, its threads included."),
            parameter("active", Flag, "Only those that go on."),
            LIMIT,
            CURSOR,
        ],
        handle: |call| Box::pin(sessions::list(call)),
        ..ROUTE
    },
    Route {
        path: "/v1/sessions/{id}",
        id: "showSession",
        operation: Some("session"),
        about: "Shows a session: whose it is, where, and since when.",
        refuses: &[404],
        handle: |call| Box::pin(sessions::show(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Delete,
        path: "/v1/sessions/{id}",
        id: "endSession",
        operation: Some("session-end"),
        about: "Ends a session. It can still be shown; the next message in its chat begins another.",
        refuses: &[404, 409],
        handle: |call| Box::pin(sessions::end(call)),
        ..ROUTE
    },
    Route {
        path: "/v1/sessions/{id}/messages",
        id: "listMessages",
        operation: Some("session-messages"),
        about: "Shows what was said in a session, in order: the latest messages, or those before one.",
        query: &[parameter("before", Count(u32::MAX as usize), "Only messages before this number."), LIMIT],
        refuses: &[404],
        handle: |call| Box::pin(sessions::messages(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Post,
        path: "/v1/sessions/{id}/messages",
        id: "answerSession",
        operation: Some("session-answer"),
        about: "Says something in a session that goes on. It is durable when this is answered, and delivered behind what \
                waits for that chat.",
        headers: &[ANSWER_KEY],
        takes: Taken::Text,
        example: Some(r#"{"text": "The PR is merged."}"#),
        gives: Given::Reply(201),
        refuses: &[404, 409],
        handle: |call| Box::pin(sessions::answer(call)),
        ..ROUTE
    },
    Route {
        path: "/v1/inbound",
        id: "hear",
        about: "What people write to the agent, or for the admin to all, as server-sent events. `message`: somebody wrote \
                one; its `id` is its number. `ready`: the feed begins here. `reset`: some messages after `Last-Event-ID` \
                are not kept any more.",
        query: &[AGENT, parameter("after", Text, "Like `Last-Event-ID`; 0: all that are kept.")],
        headers: &[LAST_ID],
        gives: Given::Text(events::EVENTS, "Messages with `id`, `event` and `data`."),
        handle: |call| Box::pin(events::inbound(call)),
        ..ROUTE
    },
    Route {
        verb: Verb::Post,
        path: "/v1/inbound/{gateway}",
        id: "post",
        about: "Takes what a platform posts to a gateway.",
        takes: Taken::Posted,
        gives: Given::Text(sessions::PLAIN, "What the platform is to be told."),
        admits: Admits::Platforms,
        hidden: true,
        handle: |call| Box::pin(sessions::posted(call)),
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
        admits: Admits::Locals,
        handle: |call| Box::pin(plain::health(call)),
        ..ROUTE
    },
    Route {
        path: "/metrics",
        id: "metrics",
        about: "What is counted, for Prometheus.",
        gives: Given::Text(metrics::OPEN_METRICS, "OpenMetrics text."),
        admits: Admits::Locals,
        handle: |call| Box::pin(metrics::metrics(call)),
        ..ROUTE
    },
    Route {
        path: "/openapi.json",
        id: "description",
        about: "This description.",
        gives: Given::Json(200, |_| schemars::json_schema!({"type": "object", "required": ["openapi", "paths"]})),
        admits: Admits::Locals,
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
