//! A heartbeat from its file to its chat, with a scripted model: what the model is told, and what becomes of its answers.

use std::fs;

use serde_json::{Value, json};

use crate::daemon::{Daemon, folder_with, json as shown, run};
use crate::standin::{Play, Standin};

const REPORT: &str = "Two mails are urgent.";

/// The newest run of that outcome, once there is one.
fn run_of(daemon: &Daemon, schedule: &str, outcome: &str) -> Value {
    loop {
        let runs = shown(daemon.path(), &["runs", schedule])["runs"].take();
        if let Some(run) = runs.as_array().unwrap().iter().find(|run| run["outcome"] == outcome) {
            return run.clone();
        }
    }
}

#[test]
fn a_heartbeat_is_silent_until_there_is_something_to_tell() {
    let model = Standin::start(|request| {
        let long = format!("**HEARTBEAT_OK**\n\n{REPORT} {}", "x".repeat(300));
        let answer = match request.number {
            0 => "**HEARTBEAT_OK**: no mail".to_owned(),
            1 => "{\"silent\": true, \"reason\": \"in JSON\"}".to_owned(),
            2 => long,
            _ => "HEARTBEAT_OK".to_owned(),
        };
        let choice = json!({"message": {"role": "assistant", "content": answer}, "finish_reason": "stop"});
        Play::json(200, &json!({"choices": [choice]}))
    });
    let folder = folder_with(&[]);
    let config = format!(
        "[providers.tiny]\nbase_url = \"{}\"\n[heartbeat]\nfile = \"HEARTBEAT.md\"\ninterval = \"PT1S\"\nmodel = \"tiny/one\"\n\
         inject_into = \"console_me\"\n",
        model.url("/v1")
    );
    fs::write(folder.path().join("chimewheel.toml"), config).unwrap();
    let text = "# Look at the mail\n\nIf nothing is urgent, answer HEARTBEAT_OK.\n";
    fs::write(folder.path().join("HEARTBEAT.md"), text).unwrap();
    let mut daemon = Daemon::start(folder);
    let told = daemon.message();
    assert!(told.contains(&format!("| {REPORT} xxx")) && !told.contains("HEARTBEAT_OK"), "{told}");
    let asked = model.next().0.json();
    assert_eq!((&asked["model"], &asked["messages"]), (&json!("one"), &json!([{"role": "user", "content": text}])));

    let folder = daemon.path().to_owned();
    let runs = shown(&folder, &["runs", "heartbeat-md"])["runs"].take();
    let mut silent: Vec<_> = runs.as_array().unwrap().iter().filter(|run| run["outcome"] == "silent").collect();
    silent.reverse();
    let reasons: Vec<&Value> = silent.iter().take(2).map(|run| &run["detail"]).collect();
    assert_eq!(reasons, [&json!("HEARTBEAT_OK: no mail"), &json!("in JSON")], "{runs}");

    // An ordinary task that says the word has it sent; one that says `silence: heartbeat` has not.
    fs::write(folder.join("HEARTBEAT.md"), "").unwrap();
    let task =
        ["add", "--in", "100ms", "--task", "x", "--model", "tiny/one", "--gateway", "console", "--chat-id", "me"];
    assert_eq!(run(&folder, &[&task[..], &["--id", "plain"]].concat()).0, 0);
    assert_eq!(run(&folder, &[&task[..], &["--id", "own", "--silence", "heartbeat"]].concat()).0, 0);
    assert!(daemon.message().ends_with("| HEARTBEAT_OK\n"));
    run_of(&daemon, "plain", "delivered");
    assert_eq!(run_of(&daemon, "own", "silent")["detail"], "HEARTBEAT_OK");
    daemon.end();
}
