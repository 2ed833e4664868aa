//! The check of the heartbeat file: whether it is there, and what it declares can be run.
//!
//! Not here: what a file means (`surface/heartbeat`), the other checks (`checks`).

use std::fmt;

use serde_json::Value;

use super::Finding;
use super::scene::Scene;
use crate::config::Interval;
use crate::spec::tree::Node;
use crate::spec::{self, Context, read, validate_reading};
use crate::surface::heartbeat::{Seen, declared, look};
use crate::surface::import::{Brought, Origin, heartbeat as format};

/// Judges the heartbeat file, if one is configured.
pub(super) fn heartbeat(scene: &Scene) -> Finding {
    let config = &scene.config.heartbeat;
    let Some(file) = &config.file else { return Finding::ok("no heartbeat file is configured") };
    let shown = file.display();
    let seen = look(file);
    let text = match &seen {
        Seen::Text(text) => text,
        Seen::Gone => {
            let what = format!("there is no {shown}, so there is no heartbeat");
            return Finding::warn(what, "write the file, or take `heartbeat` out of the config");
        }
        Seen::Unreadable(why) => {
            let what = format!("{shown} cannot be read, so what it declared before stays: {why}");
            return Finding::fail(what, "let the daemon's user read it, or take `heartbeat` out of the config");
        }
    };
    let brought = declared(file, &seen, config).unwrap_or_default();
    let wrong = wrong(scene, &brought);
    if let Some((first, rest)) = wrong.split_first() {
        let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
        return Finding::fail(format!("{first}{more}"), "the daemon's log tells all of them when it starts");
    }
    if let Some((item, doubt)) = brought.items.iter().find_map(|item| Some((item, item.doubts.first()?))) {
        let what = format!("{}:{}: {doubt}", item.at.file, item.at.line);
        return Finding::warn(what, "correct it, or take it out of the section");
    }
    match brought.notes.first() {
        None => Finding::ok(format!("{shown} with {} schedules", brought.items.len())),
        Some(note) if format::is_empty(text) || config.interval == Some(Interval::Off) => {
            Finding::ok(format!("{shown}: {note}"))
        }
        Some(note) => {
            let way_out = "`chimewheel guide models` tells what a heartbeat needs";
            Finding::warn(format!("{shown}: {note}"), way_out)
        }
    }
}

/// What of it cannot be run, each with its line.
fn wrong(scene: &Scene, brought: &Brought) -> Vec<String> {
    let told = |at: &Origin, why: &dyn fmt::Display| format!("{}:{}: {why}", at.file, at.line);
    let mut wrong: Vec<String> = brought.refused.iter().map(|one| told(&one.at, &one.why)).collect();
    let names: Vec<String> = scene.config.gateways.keys().cloned().collect();
    let context = Context {
        default_zone: scene.zone,
        gateways: &names,
        routing: &scene.config.routing,
        origin: spec::Origin::File,
        ..Context::new(scene.now)
    };
    for item in &brought.items {
        let node = Node::from_json(&Value::Object(item.schedule.clone()));
        if let Err(problems) = validate_reading(&read(&node, ""), &context) {
            wrong.extend(problems.first().map(|problem| told(&item.at, problem)));
        }
    }
    wrong
}
