//! Hooks as people write them: the folder, the commands, the shipped scripts, the manual's page.

mod commands;
mod folder;
mod hostile;
mod house;
mod long;
mod manual;
mod program;
mod runs;
mod shaping;
mod shipped;

use std::path::Path;
use std::sync::Arc;

use chimewheel::config::Routing;
use chimewheel::script::{Deadline, Scene, Scripts};
use chimewheel::spec::tree::Node;
use chimewheel::spec::{Context, Origin, Payload, read, validate_reading};
use chimewheel::surface::files::read_scripts;
use chimewheel::surface::trial::context;
use chimewheel::surface::trial::{Trial, Tried};
use chimewheel::time::Timestamp;
use serde_json::Value;

/// The scripts that are shipped, all of them good.
fn shipped() -> Scripts {
    let read = read_scripts(Path::new("scripts")).unwrap();
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    let scripts = Scripts::new();
    let broken = scripts.load(read.sources);
    assert!(broken.is_empty(), "{broken:?}");
    scripts
}

/// Tries a script on what a context says; the context with the state as it was left, for the run after it.
fn tried(scripts: &Scripts, name: &str, context: &Value, error: Option<&str>) -> (Tried, Scene, Value) {
    let told = context::read(&context.to_string()).unwrap();
    let now = Timestamp::parse_rfc3339("2026-11-23T08:00:00Z").unwrap();
    let gateways = ["console".to_owned()];
    let routing = Routing { providers: ["echo".to_owned()].into(), ..Routing::new() };
    let judging =
        Context { gateways: &gateways, routing: &routing, scripts, origin: Origin::File, ..Context::new(now) };
    let draft = validate_reading(&read(&Node::from_json(&told.declaration()), ""), &judging).unwrap();
    let schedule = Arc::new(draft.schedule);
    let template = match &schedule.payload {
        Payload::Template(text) => Some(scripts.template(text).unwrap()),
        Payload::Message(_) | Payload::Task(_) => None,
    };
    let scene = Scene::new(told.facts(schedule.clone(), None, now), Deadline::none());
    let hook = scripts.hook(name).unwrap();
    let trial = Trial {
        hook: Some(&hook),
        template: template.as_deref(),
        schedule: &schedule,
        result: told.result.clone(),
        error: error.map(str::to_owned),
    };
    let tried = trial.run(&scene);
    let mut after = context.clone();
    if let Some(state) = scene.state() {
        after["state"] = serde_json::from_str(&state).unwrap();
    }
    (tried, scene, after)
}
