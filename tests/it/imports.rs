//! Files of other programs: what is taken, changed, refused and left out, and that an import can be repeated.
//!
//! Readers are tested as text in, report out; the program, on stores and daemons of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use chimewheel::config::Surroundings;
use chimewheel::id::ScheduleId;
use chimewheel::problem::Problem;
use chimewheel::surface::cli::Cli;
use chimewheel::surface::import::crontab::Become;
use chimewheel::surface::import::duragent::Stored;
use chimewheel::surface::import::{Brought, Omission, Wishes, crontab, duragent, engine, heartbeat, openclaw};
use clap::Parser as _;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::storage::world::World;

const DATA: &str = "tests/data/import";

fn fixture(name: &str) -> String {
    fs::read_to_string(Path::new(DATA).join(name)).unwrap()
}

fn wishes() -> Wishes {
    Wishes {
        agent: Some("ada".to_owned()),
        to: Some("console_local".to_owned()),
        timezone: Some("Asia/Tokyo".to_owned()),
    }
}

/// Everything that a reader says.
fn report(brought: &Brought) -> String {
    let mut text = String::new();
    for item in &brought.items {
        writeln!(text, "{}:{}: {}", item.at.file, item.at.line, Value::Object(item.schedule.clone())).unwrap();
        item.changed.iter().for_each(|changed| writeln!(text, "    changed: {changed}").unwrap());
        item.doubts.iter().for_each(|doubt| writeln!(text, "    warning: {doubt}").unwrap());
    }
    for (word, omissions) in [("refused", &brought.refused), ("left out", &brought.left_out)] {
        for Omission { at, id, why } in omissions {
            writeln!(text, "{}:{}: {word} {}: {why}", at.file, at.line, id.as_deref().unwrap_or("-")).unwrap();
        }
    }
    brought.notes.iter().for_each(|note| writeln!(text, "note: {note}").unwrap());
    text
}

fn check(brought: &Brought, expect: Expect) {
    expect.assert_eq(&report(brought));
}

fn told(problems: Vec<Problem>) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn folder() -> Vec<Stored> {
    let place = Path::new(DATA).join("duragent/schedules");
    let mut names: Vec<String> = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    names.sort();
    let stored = |name: String| {
        let runs = fs::read_to_string(place.join("runs").join(name.replace(".yaml", ".jsonl"))).ok();
        Stored { text: fs::read_to_string(place.join(&name)).unwrap(), name, runs }
    };
    names.into_iter().map(stored).collect()
}

#[test]
fn a_duragent_folder() {
    check(
        &duragent::read(&folder(), &Wishes::default()),
        expect![[r#"
        reminder-abc123.yaml:1: {"agent":"my-assistant","created_by_session":"session_xyz","destination":{"chat_id":"123456789","gateway":"telegram"},"id":"reminder-abc123","payload":{"message":"Reminder: review the PR"},"schedule":{"at":"2099-01-30T16:00:00Z","timezone":"UTC"}}
        sched_01J0.yaml:1: {"agent":"my-assistant","created_by_session":"session_xyz","destination":{"chat_id":"1","gateway":"console"},"id":"sched_01J0","payload":{"message":{"message":"Good morning!"}},"retry":{"max_retries":3,"max_retry_delay_ms":30000,"retry_delay_ms":2000},"schedule":{"cron":{"expr":"0 9 * * MON-FRI","tz":"America/New_York"}}}
        sched_02.yaml:1: {"agent":"my-assistant","created_by_session":"session_xyz","destination":{"chat_id":"1","gateway":"console"},"id":"sched_02","payload":{"task":{"task":"check the mail"}},"schedule":{"every":{"every_seconds":1800},"timezone":"UTC"}}
        sched_03.yaml:1: {"agent":"my-assistant","destination":{"chat_id":"1","gateway":"console"},"id":"sched_03","payload":{"message":{"message":"went wrong once"}},"schedule":{"cron":{"expr":"0 8 * * *"},"timezone":"UTC"}}
            changed: it goes on: there, its last run had failed and it never ran again
        sched_06.yaml:1: {"agent":"my-assistant","colour":"red","destination":{"chat_id":"1","gateway":"console"},"id":"sched_06","payload":{"message":"never"},"schedule":{"cron":"0 25 * * *","timezone":"UTC"}}
        sched_07.yaml:3: refused sched_07: did not find expected ',' or ']'
        sched_04.yaml:1: left out sched_04: has run
        sched_05.yaml:1: left out sched_05: was cancelled
    "#]],
    );
}

#[test]
fn a_heartbeat_file() {
    check(
        &heartbeat::read("HEARTBEAT.md", &fixture("HEARTBEAT.md"), &wishes()),
        expect![[r#"
            HEARTBEAT.md:5: {"agent":"ada","destination":"console_local","id":"morning-check","model":"ollama/qwen3:8b","name":"Morning Check","payload":{"task":"Check email and report important messages.\nIf nothing requires attention, respond with JSON: {\"silent\": true}"},"schedule":{"cron":"0 0 9 ? * 2-6","dialect":"quartz","timezone":"Asia/Tokyo"},"silence":"heartbeat"}
            HEARTBEAT.md:19: {"agent":"ada","destination":null,"id":"evening","name":"Evening","payload":{"task":"Sum up the day"},"schedule":{"cron":"0 0 18 * * ?","dialect":"quartz","timezone":"Asia/Tokyo"},"silence":"heartbeat"}
                warning: 'Priority' in line 22 is no bullet of a schedule and has no effect; known here: Cron, Message, Model, InjectInto
            HEARTBEAT.md:24: {"agent":"ada","destination":null,"id":"unix-times","name":"Unix Times","payload":{"task":"Sum up the day"},"schedule":{"cron":"0 18 * * 1-5","dialect":"quartz","timezone":"Asia/Tokyo"},"silence":"heartbeat"}
            HEARTBEAT.md:12: refused night-watch: is incomplete: it has no '- Message:'; 'Priority' in line 14 is no bullet of a schedule and has no effect; known here: Cron, Message, Model, InjectInto
            HEARTBEAT.md:28: refused evening: has the name of the section in line 19
            HEARTBEAT.md:16: left out -: the section 'Notes' names no schedule
        "#]],
    );
    check(
        &heartbeat::read("HEARTBEAT.md", "\n", &Wishes::default()),
        expect![[r#"
        note: HEARTBEAT.md is empty, which costs no run
    "#]],
    );
    check(
        &heartbeat::read("HEARTBEAT.md", "Look after the mail.\n\n- gently\n", &Wishes::default()),
        expect![[r#"
            HEARTBEAT.md:1: refused -: is one prompt, which is not imported but configured: set heartbeat.file, heartbeat.interval and heartbeat.inject_into in chimewheel.toml, and the daemon runs it, and follows what is edited; or write each check as a section '## Name' with '- Cron:' and '- Message:'
        "#]],
    );
    let twice = "## A\n- Cron: 0 0 9 * * ?\n- cron: 0 0 8 * * ?\n- Message: x\n";
    check(
        &heartbeat::read("HEARTBEAT.md", twice, &Wishes::default()),
        expect![[r#"
        HEARTBEAT.md:1: refused a: says 'cron' twice
    "#]],
    );
    let foreign = "## Ранок\n- Cron: 0 0 9 * * ?\n- Message: x\n- InjectInto: null\n";
    check(
        &heartbeat::read("HEARTBEAT.md", foreign, &Wishes::default()),
        expect![[r#"
            HEARTBEAT.md:1: {"destination":null,"id":"8301a43a83","name":"Ранок","payload":{"task":"x"},"schedule":{"cron":"0 0 9 * * ?","dialect":"quartz"},"silence":"heartbeat"}
        "#]],
    );
}

#[test]
fn the_file_of_openclaw() {
    let wishes = Wishes { agent: None, ..wishes() };
    check(
        &openclaw::read("jobs.json", &fixture("jobs.json"), &wishes).unwrap(),
        expect![[r#"
        jobs.json:5: {"agent":"main","destination":{"chat_id":"local","gateway":"console"},"id":"1b2c3d4e-0000-4000-8000-000000000001","name":"Stand up","payload":{"message":"Good morning!"},"schedule":{"cron":"0 9 * * 1-5,7","dialect":"unix","timezone":"Europe/Berlin"}}
            changed: its text goes to the chat as it is; there, the agent saw it first
            changed: 'sessionKey' is left out: it has no counterpart
        jobs.json:20: {"destination":"console_local","id":"water","jitter":"30s","name":"Water","paused":true,"payload":{"message":"Drink water"},"schedule":{"anchor":"2026-01-27T07:46:40Z","every":"1h","timezone":"Asia/Tokyo"}}
            changed: 'staggerMs' is jitter here: each due is put off by its own amount up to that
            changed: its text goes to the chat as it is; there, the agent saw it first
            changed: it goes to console_local, as --to says: it names no chat itself
            changed: it is served at its due and does not wait for a heartbeat
        jobs.json:31: {"destination":{"chat_id":"-100123","gateway":"telegram","thread":"7"},"id":"digest","model":"glm/glm-4-plus","name":"Digest","payload":{"task":"Sum up the news"},"schedule":{"cron":"30 0 8 * * ?","dialect":"quartz","timezone":"Asia/Tokyo"},"session":"isolated"}
            changed: it names no zone: its times are read in --timezone, else the config's
            changed: 'payload.thinking' is left out: it has no counterpart
            changed: 'delivery.bestEffort' is left out: it has no counterpart
        jobs.json:43: {"destination":null,"id":"once","name":"Once","payload":{"message":"Renew the passport"},"schedule":{"at":"2099-02-01T10:00:00Z","timezone":"Asia/Tokyo"}}
            changed: its text goes to the chat as it is; there, the agent saw it first
        jobs.json:63: refused watch: is due by 'on-exit', which is not known here
        jobs.json:64: refused seconds: has seconds and days of the week ('15 0 9 * * 1-5'), which Quartz counts otherwise; write it anew
        jobs.json:65: refused own-session: runs in the session 'session:daily', which is not known here
        jobs.json:54: left out done: has run
    "#]],
    );
    let alone = openclaw::read("jobs.json", &fixture("jobs.json"), &Wishes::default()).unwrap();
    let refused: String = alone.refused.iter().map(|told| format!("{}: {}\n", told.at.line, told.why)).collect();
    expect![[r#"
        20: goes to the chat that was used last, which is not known here; name one by --to
        63: is due by 'on-exit', which is not known here
        64: has seconds and days of the week ('15 0 9 * * 1-5'), which Quartz counts otherwise; write it anew
        65: runs in the session 'session:daily', which is not known here
    "#]]
    .assert_eq(&refused);
}

#[test]
fn a_file_of_openclaw_that_cannot_be_read_as_one() {
    let read = |text: &str| told(openclaw::read("jobs.json", text, &Wishes::default()).unwrap_err());
    let whole = fixture("jobs.json");
    expect![[r#"
        38:91: EOF while parsing a string
    "#]]
    .assert_eq(&read(&whole[..whole.len() / 2]));
    expect![[r#"
        is empty (an OpenClaw file holds version and jobs)
        is not of version 1 of OpenClaw's file (only version 1 is known)
        holds no list 'jobs' (an OpenClaw file holds version and jobs)
    "#]]
    .assert_eq(&(read("") + read("{\"version\": 2, \"jobs\": []}").as_str() + read("{\"version\": 1}").as_str()));
}

#[test]
fn a_crontab() {
    let text = fixture("crontab");
    check(
        &crontab::read("crontab", &text, false, &Become::Message, &wishes()),
        expect![[r#"
        crontab:3: {"agent":"ada","destination":"console_local","id":"cron-d7a6a19399","misfire_policy":"skip","payload":{"message":"tar -zcf /var/backups/home.tgz /home/"},"schedule":{"cron":"0 5 * * 1","dialect":"unix","timezone":"Asia/Tokyo"}}
            changed: the command is not run, its text is sent
        crontab:5: {"agent":"ada","destination":"console_local","id":"cron-5444ed3c27","misfire_policy":"skip","payload":{"message":"/usr/local/bin/check --all"},"schedule":{"cron":"*/15 9-17 * * MON-FRI","dialect":"unix","timezone":"Europe/Berlin"}}
            changed: the command is not run, its text is sent
        crontab:6: {"agent":"ada","destination":"console_local","id":"cron-70e1e45847","misfire_policy":"skip","payload":{"message":"date +%F"},"schedule":{"cron":"@daily","dialect":"unix","timezone":"Europe/Berlin"}}
            changed: the command is not run, its text is sent
        crontab:9: {"agent":"ada","destination":"console_local","id":"cron-29bbad9baf","misfire_policy":"skip","payload":{"message":"too late"},"schedule":{"cron":"60 2 1 * *","dialect":"unix","timezone":"Europe/Berlin"}}
            changed: the command is not run, its text is sent
        crontab:7: refused -: @reboot is not a time
        crontab:8: refused -: feeds its command with lines behind a %, which a schedule cannot
        crontab:10: refused -: says the same as line 5
        crontab:11: refused -: is neither a schedule nor a variable
        note: crontab:2: MAILTO is for the commands, which are not run here
    "#]],
    );
    let task = Become::Task("local/sh".to_owned());
    let system = fixture("crontab-system");
    check(
        &crontab::read("/etc/crontab", &system, true, &task, &Wishes::default()),
        expect![[r#"
        /etc/crontab:2: {"destination":null,"id":"cron-18fb0445af","misfire_policy":"skip","model":"local/sh","payload":{"task":"cd / && run-parts /etc/cron.hourly"},"schedule":{"cron":"17 * * * *","dialect":"unix"}}
            changed: the user 'root' is left out
            changed: nothing is sent, only recorded: no --to names a chat
        note: /etc/crontab names no CRON_TZ: its times are read in the config's timezone, else UTC
    "#]],
    );
    let unasked = crontab::read("crontab", &text, false, &Become::Nothing, &Wishes::default());
    assert!(unasked.items.is_empty());
    expect!["is a command, which is not run here; say --as message to send its text, or --as task --model PROVIDER/MODEL to have a provider run it"].assert_eq(&unasked.refused[0].why);
}

#[test]
fn an_engine_json() {
    let around =
        Surroundings { base: Path::new(""), home: None, zone: &|_| Ok(()), filter: &|_| Ok(()), tool: &|_| Ok(()) };
    let keys = engine::read(&fixture("engine.json"), around).unwrap();
    let mut shown = engine::to_toml(&keys);
    for key in &keys {
        writeln!(shown, "{}: {}", key.path, key.note.as_deref().unwrap_or("taken")).unwrap();
    }
    expect![[r#"
        heartbeat.inject_into = "telegram_123456"
        heartbeat.interval = "PT30M"
        heartbeat.model = "ollama/qwen3:4b"
        routing.tasks.timeout = "2m"
        routing.default = "glm/glm-4-plus"
        routing.fallback = ["deepseek-chat"]
        routing.tasks.subagent = "ollama/qwen3:8b"
        heartbeat.injectInto: taken
        heartbeat.interval: taken
        heartbeat.model: taken
        processing.subagentTimeoutMs: taken
        routing.default: taken
        routing.fallback: taken
        routing.tasks.subagent: taken
        routing.tasks.summary: unset: nothing to take
    "#]]
    .assert_eq(&shown);
    expect![[r#"
        is not a JSON object (engine.json holds routing, heartbeat and processing)
        1:5: EOF while parsing a value
    "#]]
    .assert_eq(
        &(told(engine::read("[1]", around).unwrap_err())
            + told(engine::read("{\"a\":", around).unwrap_err()).as_str()),
    );
}

/// The program's own words, once for each format.
#[test]
fn the_program_tells_what_it_did_and_does_it_once() {
    let world = World::empty();
    let at = |name: &str| Path::new(DATA).join(name).canonicalize().unwrap().display().to_string();
    let (duragent, jobs) = (at("duragent"), at("jobs.json"));
    let (code, dry, err) = world.run(&["import", "duragent", &duragent, "--dry-run"]);
    assert_eq!((code, err.as_str()), (2, ""), "{dry}");
    assert!(
        dry.contains("Would be: 2 created, 0 updated, 0 unchanged, 0 cancelled, 4 refused, 2 left out."),
        "{dry}"
    );
    assert_eq!(world.run(&["list", "--all", "--json"]).1.matches("\"id\"").count(), 0);
    let (_, first, _) = world.run(&["import", "duragent", &duragent]);
    expect![[r#"
        sched_01J0.yaml:1: created sched_01J0: At 09:00, Monday through Friday, America/New_York
        sched_03.yaml:1: created sched_03: At 08:00 every day, UTC
            changed: it goes on: there, its last run had failed and it never ran again
        reminder-abc123.yaml:1: refused reminder-abc123: destination.gateway: gateway 'telegram' is not configured (configured: console; add [gateways.telegram] to chimewheel.toml)
        sched_02.yaml:1: refused sched_02: model: is not written, and the config names none, so the usual one is meant: provider 'glm' is not configured (given 'glm/glm-4-plus'; write model: provider/name, or set routing.default; providers: echo; add [providers.glm] with kind = "openai" and base_url to chimewheel.toml)
        sched_06.yaml:1: refused sched_06: colour: unknown key 'colour' (the keys are listed by: chimewheel guide schedules); schedule.cron: hour 25 is out of range (given '0 25 * * *'; hours are 0 to 23)
        sched_07.yaml:3: refused sched_07: did not find expected ',' or ']'
        sched_04.yaml:1: left out sched_04: has run
        sched_05.yaml:1: left out sched_05: was cancelled
        2 created, 0 updated, 0 unchanged, 0 cancelled, 4 refused, 2 left out.
    "#]].assert_eq(&first);
    let before = world.schedules();
    let (_, again, _) = world.run(&["import", "duragent", &duragent]);
    assert!(again.contains("\n0 created, 0 updated, 2 unchanged, 0 cancelled, 4 refused, 2 left out.\n"), "{again}");
    assert_eq!(world.schedules(), before);
    let (code, out, err) = world.run(&["import", "openclaw", &jobs, "--to", "console_local", "--json"]);
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    let actions: Vec<_> = told["schedules"].as_array().unwrap().iter().map(|one| &one["action"]).collect();
    assert_eq!((code, actions), (2, vec![&json!("created"); 3]), "{told}");
    assert_eq!(world.ask(&["show", "water"])["status"], "paused");
    let shown = world.ask(&["show", "once"]);
    assert_eq!((&shown["source"], &shown["agent"]), (&json!("openclaw:jobs.json/once.json"), &json!("default")));
}

#[test]
fn a_line_that_is_gone_is_cancelled_only_when_asked() {
    let world = World::empty();
    let file = world.folder().join("tab");
    let import = |more: &[&str]| {
        let whole = [&["import", "crontab", "tab", "--as", "message", "--to", "console_local"], more].concat();
        world.run(&whole)
    };
    fs::write(&file, "0 9 * * 1-5 stand up\n0 18 * * * go home\n").unwrap();
    assert!(import(&[]).1.contains("2 created"));
    // The first line says another time, so it is another schedule; the old one stays until it is pruned.
    fs::write(&file, "30 9 * * 1-5 stand up\n0 18 * * * go home\n0 99 * * * never\n").unwrap();
    let (code, out, _) = import(&[]);
    assert!(
        code == 2 && out.ends_with("1 created, 0 updated, 1 unchanged, 0 cancelled, 1 refused, 0 left out.\n"),
        "{out}"
    );
    assert_eq!(world.schedules()["schedules"].as_array().unwrap().len(), 3);
    // Where a line cannot be read nobody knows what it was.
    fs::write(&file, "0 18 * * * go home\n@reboot x\n").unwrap();
    let (_, out, _) = import(&["--prune"]);
    assert!(out.contains("note: nothing is cancelled") && out.contains("0 cancelled, 1 refused"), "{out}");
    fs::write(&file, "30 9 * * 1-5 stand up\n0 18 * * * go home\n0 99 * * * never\n").unwrap();
    let (_, out, _) = import(&["--prune"]);
    assert!(out.ends_with("0 created, 0 updated, 2 unchanged, 1 cancelled, 1 refused, 0 left out.\n"), "{out}");
    assert_eq!(world.schedules()["schedules"].as_array().unwrap().len(), 2);
}

#[test]
fn through_a_daemon_imports_work_the_same_and_a_broken_file_changes_nothing() {
    let world = World::empty();
    let daemon = world.serve();
    let file = world.folder().join("jobs.json");
    let whole = fixture("jobs.json");
    fs::write(&file, &whole[..whole.len() - 40]).unwrap();
    let (code, out, err) = world.run(&["import", "openclaw", "jobs.json", "--to", "console_local"]);
    assert!(
        code == 2 && out.is_empty() && err.contains("jobs.json cannot be read: nothing was applied"),
        "{out}{err}"
    );
    assert_eq!(world.schedules()["schedules"], json!([]));
    let one = json!({"version": 1, "jobs": [{
        "id": "soon", "name": "Soon", "schedule": {"kind": "every", "everyMs": 1000}, "sessionTarget": "main",
        "payload": {"kind": "systemEvent", "text": "tick"}, "delivery": {"channel": "console", "to": "local"},
    }]});
    fs::write(&file, one.to_string()).unwrap();
    let import = || world.ask(&["import", "openclaw", "jobs.json"])["schedules"][0]["action"].clone();
    assert_eq!((import(), import()), (json!("created"), json!("unchanged")));
    // An own schedule of that id is never replaced by an import.
    world.ask(&["add", "--id", "mine", "--every", "1h", "-m", "mine"]);
    fs::write(&file, one.to_string().replace("\"soon\"", "\"mine\"").replace("\"Soon\"", "\"Mine\"")).unwrap();
    let (code, out, _) = world.run(&["import", "openclaw", "jobs.json"]);
    assert!(code == 4 && out.contains("refused mine: "), "{out}");
    assert_eq!(daemon.end("-TERM").0, Some(0));
    assert_eq!(world.ask(&["verify"])["sound"], true);
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let world = World::empty();
    fs::write(world.folder().join("tab"), "0 9 * * * x\n").unwrap();
    for (arguments, told) in [
        (vec!["import", "crontab", "tab", "--as", "message", "--model", "a/b"], "--model: belongs to --as task"),
        (vec!["import", "crontab", "tab", "--as", "task"], "--model"),
        (vec!["import", "crontab", "no"], "cannot read no"),
        (vec!["import", "duragent", "tab"], "cannot read the folder"),
        (vec!["import", "engine-json", "tab"], "tab cannot be read"),
    ] {
        let (code, out, err) = world.run(&arguments);
        assert!(code == 2 && out.is_empty() && err.contains(told), "{arguments:?}: {out}{err}");
    }
}

#[test]
fn the_manual_shows_commands_that_exist() {
    let page = include_str!("../../src/guide/imports.md");
    let commands: Vec<&str> = page.lines().filter(|line| line.starts_with("chimewheel ")).collect();
    assert_eq!(commands.len(), 7);
    for command in commands {
        Cli::try_parse_from(command.split_whitespace()).unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a file holds, it is read or refused; every declaration has an id that is one.
    #[test]
    fn no_file_panics(text in any::<String>(), soup in prop::collection::vec(any_line(), 0..12)) {
        let soup = soup.join("\n");
        for text in [text.as_str(), soup.as_str()] {
            let stored = Stored { name: "a.yaml".to_owned(), text: text.to_owned(), runs: Some(text.to_owned()) };
            let read = [
                Ok(crontab::read("c", text, text.len() % 2 == 0, &Become::Message, &wishes())),
                Ok(heartbeat::read("h", text, &wishes())),
                Ok(duragent::read(&[stored], &wishes())),
                openclaw::read("o", text, &wishes()),
            ];
            for item in read.iter().flatten().flat_map(|brought| &brought.items) {
                prop_assert!(ScheduleId::parse(item.id()).is_ok(), "{:?}", item);
            }
        }
    }
}

fn any_line() -> impl Strategy<Value = String> {
    const LINES: &str = "## A b|## Ñ|- Cron: 0 0 9 * * ?|- Message: x|- Model: a/b|- InjectInto: t_1|  more|# x|0 9 * * * cmd|\
        @daily x|CRON_TZ=UTC|A=|*/5 * * * * a%b|id: a b|schedule: {at: {at: x}}|schedule: {cron: {expr: 1, tz: UTC}}|status: completed|\
        retry: {max_retries: 1}|retry: 5|{\"version\": 1, \"jobs\": [|{\"id\": \"a/b\", \"schedule\": {\"kind\": \"every\", \"everyMs\": -1}},|\
        {\"id\": 1, \"schedule\": {\"kind\": \"cron\", \"expr\": \"0\"}}|]}|- x:|*|\t1";
    prop::sample::select(LINES.split('|').collect::<Vec<_>>()).prop_map(str::to_owned)
}
