//! The description of the surface: OpenAPI 3.1, made of the table of routes.
//!
//! Shapes come from the table of operations, whose dialect (JSON Schema 2020-12) is the one of OpenAPI 3.1.
//! Invariant: what is not in the table is not described, and what is described is in the table.
//! Not here: the routes themselves (`routes`).

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::answer::{JSON, PROBLEM};
use super::route::{Admits, Given, Kind, Parameter, Route, Taken, Verb};
use super::routes::ROUTES;
use crate::spec::RawSchedule;
use crate::surface::ops::{Entry, TABLE};

/// Statuses with which any described route may refuse, whatever it does.
const ALWAYS: [u16; 8] = [400, 403, 406, 408, 414, 431, 500, 503];
/// Those of routes that need a token.
const WITH_TOKEN: [u16; 3] = [401, 422, 429];
/// Those of routes that read a body.
const WITH_BODY: [u16; 2] = [413, 415];

/// The whole description.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES.iter().filter(|route| !route.hidden) {
        let described = describe(route, &mut schemas);
        paths.entry(route.path).or_insert_with(|| json!({}))[verb(route.verb)] = described;
    }
    let mut shapes: Map<String, Value> = schemas.take_definitions(true);
    shapes.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "chimewheel",
            "version": env!("CARGO_PKG_VERSION"),
            "description": env!("CARGO_PKG_DESCRIPTION"),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": shapes,
            "responses": {"Problem": {
                "description": "Why it was not done (RFC 9457).",
                "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }},
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "description": "The admin's token, from the file admin.token of the data folder, or an agent's.",
            }},
        },
    })
}

fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::Post => "post",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
    }
}

fn describe(route: &Route, schemas: &mut SchemaGenerator) -> Value {
    let mut described = json!({
        "operationId": route.id,
        "summary": route.about.split_once(['.', ':', ',']).map_or(route.about, |(first, _)| first),
        "description": route.about,
        "tags": [route.path.split(['/', ':']).find(|part| !part.is_empty() && *part != "v1").unwrap_or("v1")],
        "parameters": parameters(route),
        "responses": responses(route, schemas),
    });
    if route.admits != Admits::Holders {
        described["security"] = json!([]);
    }
    if let Some(body) = body(route, schemas) {
        described["requestBody"] = body;
    }
    described
}

fn parameters(route: &Route) -> Vec<Value> {
    let mut all = Vec::new();
    if let Some((_, rest)) = route.path.split_once('{') {
        let name = rest.split('}').next().unwrap_or_default();
        let is_session = route.path.starts_with("/v1/sessions/");
        let named = if is_session { "The session's id." } else { "The schedule's id, or its name." };
        all.push(json!({
            "name": name, "in": "path", "required": true,
            "description": named,
            "schema": {"type": "string", "minLength": 1},
        }));
    }
    all.extend(route.query.iter().map(|Parameter { name, about, kind }| {
        json!({"name": name, "in": "query", "description": about, "schema": shape(*kind)})
    }));
    all.extend(route.headers.iter().map(|header| {
        json!({"name": header.name, "in": "header", "description": header.about, "schema": {"type": "string"}})
    }));
    all
}

fn shape(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Since => json!({
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "pattern": "^[1-9][0-9]{0,3}[smhdw]$"}],
        }),
        Kind::Count(most) => json!({"type": "integer", "minimum": 1, "maximum": most}),
        Kind::Flag => json!({"type": "boolean", "default": false}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
    }
}

fn entry(route: &Route) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| Some(entry.name) == route.operation)
}

fn body(route: &Route, schemas: &mut SchemaGenerator) -> Option<Value> {
    let schema = match route.takes {
        Taken::Nothing | Taken::Any | Taken::Posted => return None,
        Taken::Text => json!({
            "type": "object",
            "required": ["text"],
            "properties": {"text": {"type": "string", "description": "What is said."}},
            "additionalProperties": false,
        }),
        Taken::Note => json!({
            "type": "object",
            "properties": {"note": {"type": ["string", "null"], "description": "Why; it is shown until the end of the pause."}},
            "additionalProperties": false,
        }),
        Taken::Schedule => schemas.subschema_for::<RawSchedule>().to_value(),
        Taken::Patch => {
            json!({"type": "object", "description": "A merge patch of a schedule; null removes a field."})
        }
        Taken::Request => (entry(route)?.request)(schemas).to_value(),
        Taken::Lines => json!({"type": "string", "description": "One schedule a line."}),
    };
    let mut content = json!({"schema": schema});
    if let Some(example) = route.example.and_then(|example| serde_json::from_str::<Value>(example).ok()) {
        content["example"] = example;
    }
    let content: Map<String, Value> =
        route.takes.kinds().iter().map(|kind| ((*kind).to_owned(), content.clone())).collect();
    Some(json!({"required": !matches!(route.takes, Taken::Note), "content": content}))
}

fn responses(route: &Route, schemas: &mut SchemaGenerator) -> Value {
    let done = match route.gives {
        Given::Reply(_) => {
            let schema = entry(route).map(|entry| (entry.reply)(schemas).to_value());
            json!({"description": "Done.", "content": {JSON: {"schema": schema}}})
        }
        Given::Json(_, shape) => {
            json!({"description": "Done.", "content": {JSON: {"schema": shape(schemas).to_value()}}})
        }
        Given::Text(kind, about) => {
            let kind = kind.split(';').next().unwrap_or(kind);
            json!({"description": about, "content": {kind: {"schema": {"type": "string"}}}})
        }
    };
    let mut all: Map<String, Value> = Map::new();
    let status = route.gives.status();
    if status == 201 {
        let mut again = done.clone();
        again["description"] = json!("Nothing was created: a dry run, or a create that had been done before.");
        all.insert("200".to_owned(), again);
    }
    if route.path == "/healthz" {
        // Health has its own form of bad news.
        all.insert("503".to_owned(), done.clone());
    }
    all.insert(status.to_string(), with_headers(done, route));
    if route.headers.iter().any(|header| header.name == "If-None-Match") {
        all.insert("304".to_owned(), json!({"description": "Nothing is new."}));
    }
    let mut refusals = ALWAYS.to_vec();
    refusals.extend(if route.admits != Admits::Holders { &[][..] } else { &WITH_TOKEN });
    refusals.extend(if matches!(route.takes, Taken::Nothing) { &[][..] } else { &WITH_BODY });
    refusals.extend(route.refuses);
    for status in refusals {
        all.entry(status.to_string()).or_insert_with(|| json!({"$ref": "#/components/responses/Problem"}));
    }
    Value::Object(all)
}

/// The success with the headers that go with it, and what can be done next.
fn with_headers(mut done: Value, route: &Route) -> Value {
    let header = |about: &str| json!({"description": about, "schema": {"type": "string"}});
    let mut headers = Map::new();
    if matches!(route.id, "showSchedule" | "createSchedule") {
        headers.insert("ETag".to_owned(), header("For `If-Match` and `If-None-Match`."));
    }
    if matches!(route.id, "createSchedule" | "runSchedule" | "answerSession") {
        headers.insert("Location".to_owned(), header("Where to look."));
    }
    if route.query.iter().any(|parameter| parameter.name == "cursor") {
        let next = json!({"description": "The next page, as `rel=\"next\"`.", "schema": {"type": "string"}});
        headers.insert("Link".to_owned(), next);
    }
    if !headers.is_empty() {
        done["headers"] = Value::Object(headers);
    }
    if route.id == "createSchedule" {
        let follow = |id: &str| json!({"operationId": id, "parameters": {"id": "$response.body#/id"}});
        let next =
            ["showSchedule", "updateSchedule", "pauseSchedule", "listRuns", "listOccurrences", "cancelSchedule"];
        done["links"] = next.into_iter().map(|id| (id.to_owned(), follow(id))).collect();
    }
    done
}

fn problem() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": text, "title": text, "code": text, "detail": text,
            "status": {"type": "integer"},
            "problems": {
                "type": "array",
                "description": "Every single mistake.",
                "items": {
                    "type": "object",
                    "required": ["path", "message"],
                    "properties": {"path": text, "message": text, "value": text, "hint": text},
                },
            },
        },
    })
}
