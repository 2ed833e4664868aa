//! Hooks in the program as its users run it: the folder of scripts beside a daemon, and what its commands refuse and show.

use std::fs;

use serde_json::json;

use crate::daemon::{Daemon, folder_with, json, run};

fn hooked(hook: &str) -> String {
    format!(
        "schedule: {{every: 1s}}\ndestination: {{gateway: console, chat_id: me}}\npayload: {{message: plain}}\nhook: {hook}\n"
    )
}

#[test]
fn a_daemon_takes_scripts_as_they_come_change_break_and_go() {
    let folder = folder_with(&[("demo.yaml", &hooked("demo")), ("later.yaml", &hooked("later"))]);
    let scripts = folder.path().join("scripts");
    fs::create_dir(&scripts).unwrap();
    let write = |name: &str, text: &str| fs::write(scripts.join(name), text).unwrap();
    write("demo.rhai", "fn message(ctx) { `first` }");
    write("wrong.rhai", "fn message(ctx) {\n  let x = ;\n}");
    let mut daemon = Daemon::start(folder);
    assert!(daemon.message().contains("| first"));
    let log = daemon.log();
    assert!(log.contains("scripts/wrong.rhai:2:11"), "{log}");
    assert!(log.contains("there is no script 'later'"), "{log}");

    write("demo.rhai", "fn message(ctx) { `second` }");
    while !daemon.message().contains("| second") {}
    write("demo.rhai", "fn message(ctx) { `third`");
    while !daemon.log().contains("its last good version is used") {
        daemon.message();
    }
    assert!(daemon.message().contains("| second"));

    write("later.rhai", "fn message(ctx) { `later` }");
    while !daemon.message().contains("| later") {}

    // A folder that is put in the place of another.
    let next = daemon.path().join("next");
    fs::create_dir(&next).unwrap();
    for (name, text) in [("demo", "fourth"), ("later", "later")] {
        fs::write(next.join(name).with_extension("rhai"), format!("fn message(ctx) {{ `{text}` }}")).unwrap();
    }
    fs::rename(&scripts, daemon.path().join("before")).unwrap();
    fs::rename(&next, &scripts).unwrap();
    while !daemon.message().contains("| fourth") {}
    write("demo.rhai", "fn message(ctx) { `fifth` }");
    while !daemon.message().contains("| fifth") {}
    daemon.end();
}

#[test]
fn what_cannot_work_is_refused_when_it_is_asked_for() {
    let folder = folder_with(&[]);
    let path = folder.path();
    fs::create_dir(path.join("scripts")).unwrap();
    fs::write(path.join("scripts/standup.rhai"), "fn gate(ctx) { true }").unwrap();
    fs::write(path.join("scripts/lib.rhai"), "fn headline(text) { text }").unwrap();
    fs::write(path.join("scripts/wrong.rhai"), "fn gate(ctx) { ").unwrap();
    let add = |option: &str, value: &str| {
        let message: &[&str] = if option == "--template" { &[] } else { &["-m", "x"] };
        run(path, &[&["add", "--every", "1h", option, value][..], message].concat())
    };
    for (option, value, part) in [
        ("--hook", "standip", "did you mean 'standup'?"),
        ("--hook", "standup.rhai", "did you mean 'standup'?"),
        ("--hook", "../standup", "hook: "),
        ("--hook", "lib", "it defines no function that a run would call"),
        ("--hook", "wrong", "scripts/wrong.rhai:1:"),
        ("--template", "x ${", "template:1:"),
        ("--template", "x ${fire.weekdy}", "did you mean 'weekday'?"),
    ] {
        let (code, out, err) = add(option, value);
        assert!(code == 2 && err.contains(part), "{option} {value}: {code} {out}{err}");
    }
    assert_eq!(add("--hook", "standup").0, 0);
    assert_eq!(add("--template", "x ${fire.weekday}").0, 0);
}

#[test]
fn runs_show_what_a_hook_noted_and_each_of_its_deliveries() {
    let folder = folder_with(&[("many.yaml", &hooked("many"))]);
    fs::create_dir(folder.path().join("scripts")).unwrap();
    let script = r#"
        fn gate(ctx) { note("looked\u001b[2J"); if ctx.fire.number > 1 { "once is enough" } }
        fn deliver(ctx, result) { ["one", #{text: "two", chat_id: "boss"}] }
    "#;
    fs::write(folder.path().join("scripts/many.rhai"), script).unwrap();
    let mut daemon = Daemon::start(folder);
    let both = [daemon.message(), daemon.message()].concat();
    assert!(both.contains("| one") && both.contains("| two"), "{both}");
    let first = loop {
        let told = json(daemon.path(), &["runs", "many"]);
        let runs = told["runs"].as_array().unwrap().clone();
        if let Some(first) = runs.into_iter().find(|run| run["outcome"] == "delivered") {
            break first;
        }
    };
    assert_eq!(first["execution"]["notes"], "looked\u{1b}[2J", "{first}");
    let deliveries: Vec<_> = first["deliveries"].as_array().unwrap().iter().map(|one| one["text"].clone()).collect();
    assert_eq!(deliveries, [json!("one"), json!("two")], "{first}");
    let (code, out, _) = run(daemon.path(), &["runs", "many"]);
    assert!(code == 0 && out.contains("console:boss") && out.contains("looked\\u{1b}[2J"), "{out}");
    daemon.end();
}
