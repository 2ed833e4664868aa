//! The daemon follows its heartbeat file: edited, emptied, broken, removed, there again, and across restarts.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::daemon::{Daemon, folder_with, json, run};

const PROMPT: &str =
    "[heartbeat]\nfile = \"HEARTBEAT.md\"\ninterval = \"1s\"\nmodel = \"echo/x\"\ninject_into = \"console_me\"\n";

/// A daemon that echoes, with this config and this heartbeat file.
fn daemon(config: &str, text: &str) -> Daemon {
    let folder = folder_with(&[]);
    fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
    fs::write(folder.path().join("HEARTBEAT.md"), text).unwrap();
    Daemon::start(folder)
}

/// Reads messages until one ends so; none in between says anything else than the first of these.
fn until(daemon: &mut Daemon, before: &str, text: &str) {
    loop {
        let message = daemon.message();
        if message.ends_with(&format!("| {text}\n")) {
            return;
        }
        assert!(message.ends_with(&format!("| {before}\n")), "{message}");
    }
}

fn wait_for_log(daemon: &Daemon, words: &str) {
    while !daemon.log().contains(words) {}
}

fn status(folder: &Path, id: &str) -> Value {
    json(folder, &["show", id])["status"].clone()
}

fn wait_for(folder: &Path, id: &str, wanted: &str) {
    while run(folder, &["show", id]).0 != 0 || status(folder, id) != wanted {}
}

/// Id, status, generation and next due of all schedules.
fn all(folder: &Path) -> Vec<[Value; 2]> {
    let listed = json(folder, &["list", "--all"]);
    listed["schedules"].as_array().unwrap().iter().map(|one| [one["id"].clone(), one["status"].clone()]).collect()
}

fn file(daemon: &Daemon) -> PathBuf {
    daemon.path().join("HEARTBEAT.md")
}

#[test]
fn a_prompt_is_run_as_it_is_edited_and_never_when_it_says_nothing() {
    let mut daemon = daemon(PROMPT, "Look around.");
    until(&mut daemon, "", "Look around.");
    let folder = daemon.path().to_owned();
    let shown = json(&folder, &["show", "heartbeat-md"]);
    assert_eq!((&shown["source"], &shown["name"]), (&"HEARTBEAT.md/heartbeat-md.json".into(), &"Heartbeat".into()));

    fs::write(file(&daemon), "Look again.").unwrap();
    until(&mut daemon, "Look around.", "Look again.");
    fs::write(file(&daemon), b"Look \xff").unwrap();
    wait_for_log(
        &daemon,
        "the heartbeat file cannot be read, and what it declared stays: it is not text: line 1 is not UTF-8",
    );
    until(&mut daemon, "", "Look again.");

    fs::write(file(&daemon), "# Nothing\n\n<!-- for now -->\n").unwrap();
    wait_for(&folder, "heartbeat-md", "cancelled");
    wait_for_log(&daemon, "it is empty, which costs no run");
    fs::write(file(&daemon), "Third.").unwrap();
    until(&mut daemon, "Look again.", "Third.");
    fs::remove_file(file(&daemon)).unwrap();
    wait_for(&folder, "heartbeat-md", "cancelled");
    wait_for_log(&daemon, "there is no such file: there is no heartbeat until there is");
    fs::write(file(&daemon), "Fourth.").unwrap();
    until(&mut daemon, "Third.", "Fourth.");
    daemon.end();
}

#[test]
fn sections_come_and_go_and_a_broken_one_keeps_its_schedule() {
    let section =
        |name: &str, text: &str| format!("## {name}\n- Cron: 0 0 9 * * ?\n- Message: {text}\n- Model: echo/x\n");
    let text = [section("One", "first"), section("Two", "second")].concat();
    let daemon = daemon("heartbeat = \"HEARTBEAT.md\"\n", &text);
    let folder = daemon.path().to_owned();
    wait_for(&folder, "two", "active");

    let half = "## Two\n- Cron: 0 0 10 * * ?\n".to_owned();
    let text = [section("One", "changed"), half, section("Three", "third")].concat();
    fs::write(file(&daemon), text).unwrap();
    wait_for(&folder, "three", "active");
    let shown = ["one", "two"].map(|id| json(&folder, &["show", id])["declaration"]["payload"]["task"].clone());
    assert_eq!(shown, ["changed", "second"], "{}", daemon.log());
    let log = daemon.log();
    assert!(log.contains("refused: is incomplete: it has no '- Message:'") && log.contains("line=5"), "{log}");

    // Bullets without a section are no prompt, and nothing that was declared is gone.
    fs::write(file(&daemon), section("Two", "second").replace("## ", "### ")).unwrap();
    wait_for_log(&daemon, "refused: '- Cron:' stands in no section");
    wait_for_log(&daemon, "schedules=0");
    let before = all(&folder);
    assert!(before.len() == 3 && before.iter().all(|[_, status]| status == "active"), "{before:?}");

    fs::write(file(&daemon), section("Three", "third")).unwrap();
    wait_for(&folder, "two", "cancelled");
    assert_eq!((status(&folder, "one"), status(&folder, "three")), ("cancelled".into(), "active".into()));
    assert_eq!(run(&folder, &["cancel", "three"]).0, 0);
    let before = all(&folder);

    // A restart forgets nothing, doubles nothing, and brings nothing back that somebody cancelled.
    let daemon = Daemon::start(daemon.end());
    wait_for_log(&daemon, "the heartbeat file is applied");
    assert_eq!(all(daemon.path()), before);
    fs::write(file(&daemon), section("Two", "again")).unwrap();
    wait_for(daemon.path(), "two", "active");

    let folder = daemon.end();
    fs::write(folder.path().join("chimewheel.toml"), "").unwrap();
    let daemon = Daemon::start(folder);
    wait_for(daemon.path(), "two", "cancelled");
    daemon.end();
}

#[test]
fn a_file_that_can_be_read_at_last_is_applied_whatever_its_time_and_length() {
    let daemon = daemon("heartbeat = \"HEARTBEAT.md\"\n", "");
    let text = |end: &[u8]| [b"## One\n- Cron: 0 0 9 * * ?\n- Model: echo/x\n- Message: x", end].concat();
    // Laid in the place of the other in one step, so that nothing but what it holds is different.
    let lay = |bytes: Vec<u8>| {
        let new = daemon.path().join("new.md");
        fs::write(&new, bytes).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        fs::File::options().write(true).open(&new).unwrap().set_modified(time).unwrap();
        fs::rename(new, file(&daemon)).unwrap();
    };
    lay(text(b"\xff"));
    wait_for_log(&daemon, "it is not text: line 4 is not UTF-8");
    lay(text(b"y"));
    wait_for(daemon.path(), "one", "active");
    daemon.end();
}

#[test]
fn what_another_file_declares_stays_that_files() {
    let folder = folder_with(&[("one.yaml", "schedule: {every: 1h}\npayload: {message: mine}\n")]);
    fs::write(folder.path().join("chimewheel.toml"), "heartbeat = \"HEARTBEAT.md\"\n").unwrap();
    let text = "## One\n- Cron: 0 0 9 * * ?\n- Message: theirs\n- Model: echo/x\n";
    fs::write(folder.path().join("HEARTBEAT.md"), text).unwrap();
    let daemon = Daemon::start(folder);
    wait_for_log(&daemon, "its id is the one of a schedule in schedules/one.yaml; give it another name");
    let shown = json(daemon.path(), &["show", "one"]);
    assert_eq!(shown["declaration"]["payload"]["message"], "mine");
    daemon.end();
}

#[test]
fn an_imported_file_is_followed_once_it_is_configured() {
    let folder = folder_with(&[]);
    let text = "## One\n- Cron: 0 0 9 * * ?\n- Message: x\n- Model: echo/x\n";
    fs::write(folder.path().join("HEARTBEAT.md"), text).unwrap();
    assert_eq!(run(folder.path(), &["import", "heartbeat", "HEARTBEAT.md"]).0, 0);
    fs::write(folder.path().join("chimewheel.toml"), "heartbeat = \"HEARTBEAT.md\"\n").unwrap();
    let daemon = Daemon::start(folder);
    wait_for_log(&daemon, "the heartbeat file is applied");
    fs::write(file(&daemon), "").unwrap();
    wait_for(daemon.path(), "one", "cancelled");
    daemon.end();
}

#[test]
fn an_engine_json_that_is_wrong_stops_the_program_and_one_that_is_right_is_obeyed() {
    let folder = folder_with(&[]);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("chimewheel.toml", "engine_json = \"engine.json\"\nheartbeat = \"HEARTBEAT.md\"\n");
    write("engine.json", r#"{"processing": {"subagentTimeoutMs": "soon"}, "heartbeat": {"interval": "P1M"}}"#);
    let (code, _, err) = run(folder.path(), &["config", "check"]);
    let both =
        ["engine_json: engine.json: processing.subagentTimeoutMs", "engine_json: engine.json: heartbeat.interval"];
    assert!(code == 2 && both.iter().all(|path| err.contains(path)), "{err}");
    write("engine.json", r#"{"heartbeat": {"interval": "PT1S", "model": "echo/x", "injectInto": "console_me"}}"#);
    write("HEARTBEAT.md", "From the other file.");
    assert_eq!(run(folder.path(), &["config", "check"]).1, "chimewheel.toml is in order.\n");
    let mut daemon = Daemon::start(folder);
    until(&mut daemon, "", "From the other file.");
    daemon.end();
}
