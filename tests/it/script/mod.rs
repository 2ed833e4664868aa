//! Hooks and templates: scripts in, answers or one-line mistakes out.
//!
//! Every run is due on Monday 2026-03-02 at 09:00 in Berlin and begins five seconds late, unless a test says otherwise.

mod attacks;
mod functions;
mod library;
mod loading;
mod mistakes;
mod templates;

use std::collections::BTreeMap;
use std::sync::Arc;

use chimewheel::script::{Deadline, Facts, Hook, Last, LastStatus, Scene, ScriptError, Scripts, SessionFacts};
use chimewheel::spec::{Context, Schedule};
use chimewheel::surface::files::read_text;
use chimewheel::time::Timestamp;

const STANDUP: &str = r#"
name: Daily standup
agent: coach
cron: "0 9 * * *"
timezone: Europe/Berlin
destination: {gateway: console, chat_id: team}
message: hello
labels: {team: core}
vars: {who: Ada, limits: {warm: 30}, names: [Ada, Ben]}
"#;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn schedule() -> Schedule {
    let gateways = ["console".to_owned()];
    let context = Context { gateways: &gateways, ..Context::new(at("2026-01-01T00:00:00Z")) };
    let (mut drafts, problems) = read_text("schedules/standup.yaml", STANDUP).drafts(&context);
    assert!(problems.is_empty(), "{problems:?}");
    drafts.remove(0).schedule
}

fn facts() -> Facts {
    Facts {
        schedule: Arc::new(schedule()),
        due: at("2026-03-02T08:00:00Z"),
        actual: at("2026-03-02T08:00:05Z"),
        number: 12,
        attempt: 1,
        by_hand: false,
        last: Last {
            status: Some(LastStatus::Delivered),
            text: Some("all green".into()),
            at: Some(at("2026-03-01T08:00:02Z")),
        },
        session: SessionFacts { active: true, last_user_at: Some(at("2026-03-02T06:30:00Z")) },
        state: Some(r#"{"count":2,"seen":["a"]}"#.into()),
    }
}

fn scene() -> Scene {
    Scene::new(facts(), Deadline::none())
}

/// The same run with another state.
fn scene_with(state: &str) -> Scene {
    Scene::new(Facts { state: Some(state.into()), ..facts() }, Deadline::none())
}

/// Scripts of these names and texts; all must be without fault.
fn scripts(sources: &[(&str, &str)]) -> Scripts {
    let scripts = Scripts::new();
    let broken = scripts.load(texts(sources));
    assert!(broken.is_empty(), "{broken:?}");
    scripts
}

fn texts(sources: &[(&str, &str)]) -> BTreeMap<String, String> {
    sources.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// A script called `demo`.
fn hook(text: &str) -> Arc<Hook> {
    scripts(&[("demo", text)]).hook("demo").unwrap()
}

/// What is wrong with a script called `demo`.
fn broken(text: &str) -> String {
    let broken = Scripts::new().load(texts(&[("demo", text)]));
    broken.iter().map(|broken| broken.error.to_string()).collect::<Vec<_>>().join("\n")
}

/// What a value or a mistake looks like.
fn shown<T: std::fmt::Debug>(outcome: Result<T, ScriptError>) -> String {
    outcome.map_or_else(|error| error.to_string(), |value| format!("{value:?}"))
}

/// What an expression is, as JSON, in a run whose result is a small JSON object; or the mistake.
fn value(expression: &str) -> String {
    value_in(&scene(), expression)
}

fn value_in(scene: &Scene, expression: &str) -> String {
    let text = format!("fn silent(ctx, result) {{ to_json({{ {expression} }}) }}");
    let scripts = Scripts::new();
    if let Some(broken) = scripts.load(texts(&[("demo", &text)])).first() {
        return broken.error.to_string();
    }
    let answer = scripts.hook("demo").unwrap().silent(scene, r#"{"urgent": true, "title": "Disk full", "count": 3}"#);
    answer.map_or_else(|error| error.to_string(), Option::unwrap_or_default)
}
