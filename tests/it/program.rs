//! What the program says to good and bad command lines; each line was a defect once.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.current_dir(folder).env_clear().env("HOME", folder).stdin(Stdio::null());
    let output = command.args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Runs each command line in one folder: exit code, and a part of what it says.
fn check(table: &[(&[&str], i32, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code, part) in table {
        let (ended, out, err) = run(folder.path(), arguments);
        let said = out + err.as_str();
        assert_eq!(ended, *code, "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(said.len() < 4000 && !said.contains("panicked"), "{arguments:?}: {said}");
    }
}

const STANDUP: &[&str] = &["add", "--id", "standup", "--name", "Daily", "--every", "1h", "-m", "x", "--paused"];

#[test]
fn what_is_not_found_is_never_a_riddle() {
    check(&[
        (STANDUP, 0, "paused: nothing fires until `chimewheel resume standup`"),
        (&["add", "--id", "a", "--name", "Same", "--agent", "alice", "--every", "1h", "-m", "x"], 0, "Created"),
        (&["add", "--id", "b", "--name", "Same", "--agent", "bob", "--every", "1h", "-m", "x"], 0, "Created"),
        (&["show", "standip"], 3, "schedule not found: standip; did you mean 'standup'?"),
        (&["show", "Dialy"], 3, "did you mean 'Daily'?"),
        (&["cancel", "Same"], 3, "say which agent's (alice, bob)"),
        (&["show", "Same", "--agent", "carol"], 3, "schedule not found: Same of agent 'carol'\n"),
        (&["show", "Same", "--agent", "bob"], 0, "schedule     b\n"),
        (&["runs", &"n".repeat(70_000)], 3, "nnn…"),
        (&["list", "--agent", "nobody"], 0, "No schedule is like that."),
        (&["runs", "standup", "--outcome", "failed"], 0, "No run of 'standup' ended like that."),
        (&["cancel", "a"], 0, "Cancelled"),
        (&["update", "a", "--every", "2h", "--dry-run"], 4, "the schedule is cancelled and cannot be changed"),
        (&["next", "a"], 0, "no due is ahead"),
    ]);
}

#[test]
fn options_are_obeyed_or_refused() {
    check(&[
        (&["next", "--every", "5m", "--dialect", "unix"], 2, "dialect: belongs to cron"),
        (
            &["next", "--at", "2030-01-01T00:00:00Z", "--anchor", "2030-01-01T00:00:00Z"],
            2,
            "anchor: belongs to every",
        ),
        (&["next", "--every", "-5m"], 2, "every: is not a duration"),
        (&["next", "--in", "-2h"], 2, "in: is not a duration"),
        (&["next", "--cron", &"*".repeat(5000)], 2, "longer than 512 characters"),
        (&["add", "--every", "-5m", "-m", "x"], 2, "schedule.every: is not a duration"),
        (&["add", "--every", "5m", "-m", "x", "--max-runs", "-1"], 2, "max_runs: must be from 1"),
        (&["add", "--every", "5m", "-m", "x", "--chat-id", "-100", "--id", "chat"], 0, "Created"),
        (&["show", "chat"], 0, "console:-100"),
        (&["add", "--every", "5m", "-m", "x", "--label", "a=1", "--label", "a=2"], 2, "--label: is given twice"),
        (&["add", "--every", "5m", "-m", "x", "--label", &"l".repeat(70_000)], 2, "--label: is not KEY=VALUE"),
        (&["guide", &"g".repeat(70_000)], 3, "there is no page"),
        (&["add", "--every", "5m", "-m", "-5 degrees", "--thread", "7", "--id", "thread"], 0, "Created"),
        (&["show", "thread"], 0, "console:local/7"),
        (&["update", "chat"], 2, "nothing is to be changed"),
        (&["update", "chat", "--clear", "id"], 2, "id: cannot be removed"),
        (&["update", "chat", "--clear", "agent"], 2, "agent: cannot be removed"),
    ]);
}

#[test]
fn a_config_says_what_is_wrong_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let text = "lsten = 1\n[providers.x]\napi_key = \"sk-hidden\"\nbase_url = \"foo\"\n[log]\nlevel = \"inof\"\n";
    std::fs::write(folder.path().join("chimewheel.toml"), text).unwrap();
    for arguments in [&["config", "check"][..], &["config", "show", "--json"], &["serve"], &["list"]] {
        let (code, out, err) = run(folder.path(), arguments);
        assert_eq!((code, out.as_str()), (2, ""));
        for part in ["did you mean 'listen'?", "a secret is named here, never written", "did you mean 'info'?"] {
            assert!(err.contains(part), "{part} in {err}");
        }
        assert!(!err.contains("hidden"), "{err}");
    }
    check(&[
        (&["config", "show", "--log-level", "loud"], 2, "--log-level: 'loud' is not a level"),
        (&["config", "show", "--log-level", "warn,chimewheel::store=debug"], 0, "[log]"),
    ]);
}

#[test]
fn trouble_is_json_where_json_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code) in [
        (&["frobnicate", "--json"][..], "bad-input"),
        (&["--json", "list", "--limit", "99999999999999999999"], "bad-input"),
        (&["next", "--json"], "bad-input"),
        (&["list", "--json"], "not-found"),
        (&["add", "--json"], "bad-input"),
    ] {
        let (_, out, err) = run(folder.path(), arguments);
        let told: Value = serde_json::from_str(&err).unwrap_or_else(|error| panic!("{error}: {err}"));
        assert_eq!((out.as_str(), &told["code"]), ("", &Value::from(code)), "{err}");
    }
}

#[test]
fn a_log_of_json_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("schedules")).unwrap();
    std::fs::write(folder.path().join("schedules/bad.yaml"), "schedule: {evry: 1s}\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.current_dir(folder.path()).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]).spawn().unwrap();
    let mut seen = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        let entry: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let message = entry["message"].as_str().unwrap().to_owned();
        if message == "unknown key 'evry'" {
            assert_eq!((&entry["file"], &entry["line"]), (&"schedules/bad.yaml".into(), &1.into()), "{line}");
        }
        if message.contains(" serves on ") {
            assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        }
        seen.push(message);
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(seen.iter().any(|message| message == "unknown key 'evry'"), "{seen:?}");
}
