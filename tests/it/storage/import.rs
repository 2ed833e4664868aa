//! Many schedules at once: all or nothing, harmless to repeat, and mistakes that name line, field, value and way out.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

use super::world::World;

/// Lines of every trigger, the ids in no order.
fn lines(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let trigger = match number % 3 {
            0 => json!({"every": "1h"}),
            1 => json!({"at": "2199-01-01T00:00:00Z"}),
            _ => json!({"in": "300d"}),
        };
        let id = format!("b{}", (number * 7919) % count);
        let line = json!({
            "id": id, "agent": format!("agent-{}", number % 5), "name": format!("n{number}"), "schedule": trigger,
            "payload": {"message": format!("line {number}")}, "destination": {"gateway": "console", "chat_id": "x"},
        });
        writeln!(text, "{line}").unwrap();
    }
    text
}

fn write(world: &World, name: &str, text: &str) {
    fs::write(world.folder().join(name), text).unwrap();
}

#[test]
fn all_lines_go_in_and_repeating_changes_nothing() {
    let world = World::empty();
    // More than four pieces, so that some wait for others.
    let count = 17_000;
    write(&world, "all.jsonl", &lines(count));
    let (code, out, err) = world.run(&["import", "bulk", "all.jsonl", "--dry-run"]);
    assert_eq!((code, out.as_str()), (0, "17000 would be created, 0 there already, 0 wrong.\n"), "{err}");
    let (code, out, err) = world.run(&["import", "bulk", "all.jsonl"]);
    assert_eq!((code, out.as_str()), (0, "17000 created, 0 there already, 0 wrong.\n"), "{err}");
    assert_eq!(err, "judged 17000 lines\napplied 17000 lines\n");
    let found = world.ask(&["verify"]);
    assert_eq!(found["counts"]["armed"], count, "{found}");
    let (_, all, _) = world.run(&["export", "--jsonl"]);
    assert_eq!(all.lines().count(), count);
    let again = world.ask(&["import", "bulk", "all.jsonl"]);
    assert_eq!((&again["created"], &again["existing"]), (&json!(0), &json!(count)));
    assert_eq!(world.run(&["export", "--jsonl"]).1, all);
}

#[test]
fn what_is_exported_is_imported_elsewhere_through_a_daemon_and_without() {
    let world = World::filled(40);
    let (code, text, err) = world.run(&["export", "--jsonl"]);
    assert_eq!(code, 0, "{err}");
    let (alone, served) = (World::empty(), World::empty());
    write(&alone, "all.jsonl", &text);
    write(&served, "all.jsonl", &text);
    let daemon = served.serve();
    for other in [&alone, &served] {
        let done = other.ask(&["import", "bulk", "all.jsonl"]);
        assert_eq!(done["created"], text.lines().count(), "{done}");
        let sorted = |text: &str| {
            let mut all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            all.sort_by_key(|one| one["id"].as_str().unwrap().to_owned());
            all
        };
        assert_eq!(sorted(&other.run(&["export", "--jsonl"]).1), sorted(&text));
    }
    daemon.end("-TERM");
    assert_eq!(served.ask(&["verify"])["sound"], true);
}

#[test]
fn a_wrong_line_is_named_and_nothing_is_applied() {
    let world = World::empty();
    world.ask(&["add", "--id", "taken", "--every", "1h", "-m", "first", "--name", "Mine"]);
    let message = r#""payload": {"message": "x"}"#;
    let text = [
        format!(r#"{{"id": "good", "schedule": {{"every": "1h"}}, {message}}}"#),
        String::new(),
        format!(r#"{{"id": "bad", "schedule": {{"every": "-5m"}}, {message}, "colour": "red"}}"#),
        r#"{"id": "open","#.to_owned(),
        format!(r#"{{"id": "good", "schedule": {{"every": "2h"}}, {message}}}"#),
        format!(r#"{{"id": "taken", "schedule": {{"every": "1h"}}, {message}}}"#),
        format!(r#"{{"name": "Mine", "client_token": "t", "schedule": {{"every": "1h"}}, {message}}}"#),
        format!(r#"{{"client_token": "t", "schedule": {{"every": "1h"}}, {message}}}"#),
    ]
    .join("\n");
    write(&world, "some.jsonl", &text);
    let before = world.schedules();
    let (code, out, err) = world.run(&["import", "bulk", "some.jsonl"]);
    assert_eq!(code, 2, "{out}{err}");
    for part in [
        "some.jsonl:3: schedule.every: is not a duration",
        "some.jsonl:3: colour: unknown key",
        "some.jsonl:4: is not JSON at character 14: EOF while parsing a value (given",
        "some.jsonl:5: id: is that of line 1, too (given 'good'; give one of them another one)",
        "some.jsonl:6: id: exists already and says something else (name, payload, destination)",
        "some.jsonl:7: name: agent 'default' has a live schedule of this name (given 'Mine'",
        "some.jsonl:8: client_token: is that of line 7, too (given 't'",
        "problems; nothing was applied",
    ] {
        assert!(err.contains(part), "{part}\n{err}");
    }
    assert_eq!(world.schedules(), before);
    let (code, out, err) = world.run(&["import", "bulk", "some.jsonl", "--skip-bad"]);
    assert_eq!((code, out.as_str()), (0, "1 created, 0 there already, 7 wrong.\n"), "{err}");
    assert!(err.contains("the other lines were applied"), "{err}");
    assert_eq!(world.ask(&["show", "good"])["id"], "good");
}

#[test]
fn lines_that_would_double_are_pointed_out() {
    let world = World::empty();
    let line = r#"{"schedule": {"every": "1h"}, "payload": {"message": "x"}}"#;
    write(&world, "two.jsonl", &format!("{line}\n{line}\n"));
    let (code, out, err) = world.run(&["import", "bulk", "two.jsonl"]);
    assert!(code == 0 && out.starts_with("2 created"), "{out}{err}");
    assert!(err.contains("2 lines have neither id nor client_token; repeated, they would double"), "{err}");
    let (code, _, err) = world.run(&["import", "bulk", "no.jsonl"]);
    assert!(code == 2 && err.contains("cannot read no.jsonl"), "{err}");
}

#[test]
fn what_one_line_starts_may_stand_anywhere() {
    let world = World::empty();
    let line = |id: &str, more: Value| {
        let mut line = json!({"id": id, "payload": {"message": id}});
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        format!("{line}\n")
    };
    let mut text = line("a-last", json!({"after": {"schedule": "The middle", "outcome": "any"}}));
    text += &line("b-middle", json!({"after": "z-first", "name": "The middle"}));
    for number in 0..17_000 {
        text += &line(&format!("m{number}"), json!({"schedule": {"every": "1h"}}));
    }
    text += &line("z-first", json!({"schedule": {"every": "1h"}}));
    write(&world, "chain.jsonl", &text);
    let count = 17_003;
    let (code, out, err) = world.run(&["import", "bulk", "chain.jsonl", "--dry-run"]);
    assert_eq!((code, out), (0, format!("{count} would be created, 0 there already, 0 wrong.\n")), "{err}");
    let (code, out, err) = world.run(&["import", "bulk", "chain.jsonl"]);
    assert_eq!((code, out), (0, format!("{count} created, 0 there already, 0 wrong.\n")), "{err}");
    let (code, out, err) = world.run(&["import", "bulk", "chain.jsonl"]);
    assert_eq!((code, out), (0, format!("0 created, {count} there already, 0 wrong.\n")), "{err}");
    let wrong =
        [("x", "nobody"), ("y", "z"), ("z", "y")].map(|(id, first)| line(id, json!({"after": first}))).concat();
    write(&world, "wrong.jsonl", &wrong);
    let (code, _, err) = world.run(&["import", "bulk", "wrong.jsonl", "--dry-run"]);
    let told = "wrong.jsonl:1: after.schedule: 'after' names 'nobody', and agent 'default' has no";
    assert!(
        code == 2 && err.contains(told) && err.contains("wrong.jsonl:2: after.schedule: 'after' would close"),
        "{err}"
    );
}
