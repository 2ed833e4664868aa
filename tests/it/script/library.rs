//! What the library does: the examples that the guide shows, and what they remember.

use std::path::Path;

use chimewheel::script::{Deadline, Facts, LIBRARY, Scene};

use super::{at, facts, hook, scene_with, value, value_in};

const EXAMPLES: &str = include_str!("../../data/hook_examples.txt");

/// The lines `expression // => value` of a text that are not what they say.
fn untrue(text: &str) -> Vec<String> {
    let rows = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once("// =>"));
    let told = rows.map(|(expression, said)| (expression.trim(), said.trim(), value(expression.trim())));
    told.filter(|(_, said, is)| said != is)
        .map(|(expression, said, is)| format!("{expression}\n  said {said}\n  is   {is}"))
        .collect()
}

/// The blocks of a guide that begin with this line.
fn blocks(page: &str, fence: &str) -> String {
    let parts = page.split(fence).skip(1).filter_map(|rest| rest.split("```").next());
    parts.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_example_is_what_it_says() {
    assert_eq!(untrue(EXAMPLES).join("\n"), "");
    assert_eq!(untrue("1 + 1 // => 3"), ["1 + 1\n  said 3\n  is   2"]);
}

#[test]
fn so_is_every_example_of_the_guide() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide/hooks.md");
    let page = std::fs::read_to_string(page).unwrap_or_default();
    assert_eq!(untrue(&blocks(&page, "```rhai,example")).join("\n"), "");
    assert_eq!(blocks("a ```rhai,example\n1 // => 1\n``` b", "```rhai,example").trim(), "1 // => 1");
}

#[test]
fn the_library_is_what_its_list_says() {
    for (name, call) in LIBRARY {
        let is_shown = [format!("{name}("), format!(".{name}(")].iter().any(|call| EXAMPLES.contains(call.as_str()));
        assert!(is_shown || *name == "print", "{name} has no example");
        assert!(call.contains(name), "{call}");
    }
}

/// A run at another time, on from a state.
fn scene_at(time: &str, state: &str) -> Scene {
    let facts = Facts { due: at(time), actual: at(time), state: Some(state.into()), ..facts() };
    Scene::new(facts, Deadline::none())
}

#[test]
fn quiet_hours_are_those_of_the_wall() {
    // Berlin: an hour ahead of UTC, two from 2026-03-29T01:00Z to 2026-10-25T01:00Z.
    for (time, until) in [
        ("2026-03-02T20:59:00Z", "null"),
        ("2026-03-02T21:00:00Z", "\"2026-03-03T07:00:00+01:00\""),
        ("2026-03-03T05:59:59Z", "\"2026-03-03T07:00:00+01:00\""),
        ("2026-03-03T06:00:00Z", "null"),
        ("2026-03-28T22:30:00Z", "\"2026-03-29T07:00:00+02:00\""),
        ("2026-10-24T21:30:00Z", "\"2026-10-25T07:00:00+01:00\""),
        ("2026-12-31T22:30:00Z", "\"2027-01-01T07:00:00+01:00\""),
    ] {
        let scene = scene_at(time, "{}");
        assert_eq!(value_in(&scene, "quiet_until(\"22:00-07:00\")"), until, "{time}");
        assert_eq!(value_in(&scene, "quiet_hours(\"22:00-07:00\")"), (until != "null").to_string(), "{time}");
    }
}

#[test]
fn what_is_remembered_lasts_from_run_to_run() {
    let script = hook(
        "fn gate(ctx) { if once_per(\"24h\") { \"yes\" } else { \"no\" } } fn message(ctx) { `${changed(\"k\", ctx.vars.who)}` }",
    );
    let mut state = "{}".to_owned();
    let mut said = String::new();
    for time in ["2026-03-02T08:00:00Z", "2026-03-03T07:59:59Z", "2026-03-03T08:00:00Z", "2026-03-01T08:00:00Z"] {
        let scene = scene_at(time, &state);
        said += &format!("{:?} {:?}, ", script.gate(&scene).unwrap(), script.message(&scene).unwrap());
        state = scene.state().map_or(state, |state| state.to_string());
    }
    assert_eq!(
        said,
        "Skip(\"yes\") Some(\"true\"), Skip(\"no\") Some(\"false\"), Skip(\"yes\") Some(\"false\"), Skip(\"yes\") Some(\"false\"), "
    );
    assert_eq!(state, r#"{"_changed_k":"\"Ada\"","_once":1772352000000}"#);
}

#[test]
fn picks_differ_between_occurrences_and_not_within_one() {
    let picked: Vec<String> = (1..=28)
        .map(|day| value_in(&scene_at(&format!("2026-02-{day:02}T08:00:00Z"), "{}"), "pick([1, 2, 3, 4])"))
        .collect();
    for wanted in ["1", "2", "3", "4"] {
        let count = picked.iter().filter(|picked| *picked == wanted).count();
        assert!((2..=14).contains(&count), "{wanted}: {count} of 28");
    }
}

#[test]
fn a_state_that_cannot_be_kept_is_refused_where_it_was_made() {
    let script = hook("fn gate(ctx) { ctx.state.f = |x| x; }");
    let refused = |state: &str| script.gate(&scene_with(state)).unwrap_err().to_string();
    assert_eq!(refused("{}"), "scripts/demo.rhai in gate(ctx): the state cannot hold a function");
    assert!(refused("[1]").ends_with("the state that was kept is not a JSON object"), "{}", refused("[1]"));
    let script = hook("fn gate(ctx) { let s = \"x\"; for n in 0..14 { s += s; } ctx.state.s = s + \"x\"; }");
    let big = script.gate(&scene_with("{}")).unwrap_err().to_string();
    assert_eq!(big, "scripts/demo.rhai in gate(ctx): the state is more than 16384 bytes as JSON");
}

#[test]
fn one_script_serves_many_threads() {
    let script = hook(
        "fn gate(ctx) { ctx.state.n = 0; for n in 0..200 { ctx.state.n += n; } `${ctx.state.n} ${ctx.fire.date}` }",
    );
    let days = std::thread::scope(|scope| {
        let one = |day: u32| {
            let script = &script;
            move || (day, script.gate(&scene_at(&format!("2026-03-{day:02}T08:00:00Z"), "{}")))
        };
        let threads: Vec<_> = (1..=8).map(|day| scope.spawn(one(day))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    for (day, gate) in days {
        assert_eq!(format!("{gate:?}"), format!("Ok(Skip(\"19900 2026-03-{day:02}\"))"));
    }
}
