//! The program as its users run it: a daemon, commands beside it, and commands without one.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A daemon in a folder of its own.
pub struct Daemon {
    folder: TempDir,
    child: Child,
    messages: BufReader<ChildStdout>,
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.current_dir(folder).env_clear().env("HOME", folder).stdin(Stdio::null());
    command
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

pub fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    told(&program(folder).args(arguments).output().unwrap())
}

pub fn json(folder: &Path, arguments: &[&str]) -> Value {
    let (code, out, err) = run(folder, &[arguments, &["--json"]].concat());
    assert_eq!(code, 0, "{arguments:?}: {err}");
    serde_json::from_str(&out).unwrap()
}

impl Daemon {
    pub fn start(folder: TempDir) -> Self {
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = program(folder.path());
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let messages = BufReader::new(child.stdout.take().unwrap());
        Self { folder, child, messages }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The next message on the console.
    pub fn message(&mut self) -> String {
        let mut line = String::new();
        self.messages.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the daemon ended: {}", self.log());
        line
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path().join("log")).unwrap()
    }

    /// Ends it in order.
    pub fn end(mut self) -> TempDir {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.log());
        self.folder
    }
}

pub fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("schedules")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join("schedules").join(name), text).unwrap();
    }
    folder
}

const TICK: &str = "schedule: {every: 1s}\ndestination: {gateway: console, chat_id: me}\npayload: {message: tick}\n";

#[test]
fn a_daemon_serves_files_and_commands() {
    let mut daemon = Daemon::start(folder_with(&[("tick.yaml", TICK), ("bad.yaml", "schedule: {evry: 1s}\n")]));
    assert!(daemon.message().contains("| tick"));
    let folder = daemon.path().to_owned();

    let (code, _, err) = run(&folder, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, 5);
    assert!(err.contains(&daemon.child.id().to_string()), "{err}");

    let (code, out, _) = run(&folder, &["add", "--in", "1s", "-m", "hello", "--id", "once", "--client-token", "t"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("Created one-shot schedule: once\n"), "{out}");
    let again = json(&folder, &["add", "--in", "1s", "-m", "hello", "--client-token", "t"]);
    assert_eq!((&again["schedules"][0]["id"], &again["schedules"][0]["existing"]), (&"once".into(), &true.into()));
    assert_eq!(run(&folder, &["add", "--in", "1h", "-m", "x", "--id", "once"]).0, 4);
    while !daemon.message().contains("once ") {}

    let changed = ["pause", "resume", "cancel"].map(|verb| json(&folder, &[verb, "tick"])["status"].clone());
    assert_eq!(changed, ["paused", "active", "cancelled"]);
    assert_eq!(run(&folder, &["resume", "tick"]).0, 4);
    assert_eq!(run(&folder, &["show", "nothing"]).0, 3);
    assert_eq!(json(&folder, &["runs", "once"])["runs"][0]["outcome"], "delivered");
    assert_eq!(json(&folder, &["status"])["mode"], "daemon");

    let log = daemon.log();
    assert!(log.contains("unknown key 'evry'"), "{log}");
    let folder = daemon.end();
    let listed = json(folder.path(), &["list", "--all"]);
    let ids: Vec<_> =
        listed["schedules"].as_array().unwrap().iter().map(|line| (&line["id"], &line["status"])).collect();
    assert_eq!(ids, [(&"tick".into(), &"cancelled".into()), (&"once".into(), &"completed".into())]);
}

#[test]
fn a_daemon_that_is_stopped_is_not_waited_for_long_and_goes_on_afterwards() {
    let mut daemon = Daemon::start(folder_with(&[(
        "beat.yaml",
        "id: beat\nschedule: {every: 1s}\npayload: {message: beat}\ndestination: {gateway: console, chat_id: me}\n",
    )]));
    daemon.message();
    let signal = |signal: &str| {
        assert!(Command::new("kill").args([signal, &daemon.child.id().to_string()]).status().unwrap().success());
    };
    signal("-STOP");
    let (code, _, err) = run(daemon.path(), &["list"]);
    signal("-CONT");
    assert_ne!(code, 0);
    assert!(err.contains("not even how it is") && err.contains("kill -CONT"), "{err}");
    assert_eq!(json(daemon.path(), &["list"])["schedules"].as_array().map(Vec::len), Some(1));
    daemon.message();
    daemon.end();
}

#[test]
fn commands_without_a_daemon_open_the_store() {
    let folder = folder_with(&[("a.toml", "[schedule]\ncron = '0 9 * * *'\n[payload]\nmessage = 'a'\n")]);
    let path = folder.path();
    let (code, _, err) = run(path, &["list"]);
    assert_eq!(code, 3);
    assert!(err.contains("there is no store"), "{err}");
    assert!(!path.join(".chimewheel").exists());

    let applied = json(path, &["apply", "schedules", "--dry-run"]);
    assert_eq!(applied["changes"][0]["action"], "created");
    let actions = [0, 1].map(|_| json(path, &["apply", "schedules"])["changes"][0]["action"].clone());
    assert_eq!(actions, ["created", "unchanged"]);

    let updated = json(path, &["update", "a", "--cron", "0 10 * * *", "--label", "k=v"]);
    assert_eq!(updated["fields"], serde_json::json!(["labels", "schedule"]));
    assert_eq!(updated["description"], "At 10:00 every day, UTC");
    let dry = json(path, &["add", "--every", "30m", "-m", "x", "--id", "b", "--dry-run"]);
    assert_eq!(dry["schedules"][0]["next"].as_array().unwrap().len(), 3);
    assert_eq!(run(path, &["show", "b"]).0, 3);

    let (code, out, _) = run(path, &["export", "a"]);
    assert_eq!(code, 0);
    std::fs::write(path.join("export.yaml"), out.replace("id: a", "id: c")).unwrap();
    assert_eq!(run(path, &["add", "--file", "export.yaml"]).0, 0);
    assert_eq!(json(path, &["next", "c", "-n", "2"])["next"], json(path, &["next", "a", "-n", "2"])["next"]);

    std::fs::remove_file(path.join("schedules/a.toml")).unwrap();
    let pruned = json(path, &["apply", "schedules", "--prune"]);
    assert_eq!((&pruned["changes"][0]["id"], &pruned["changes"][0]["action"]), (&"a".into(), &"cancelled".into()));
    assert_eq!(run(path, &["run-now", "c"]).0, 5);
    assert_eq!(json(path, &["status"])["mode"], "store");
}

/// For an agent, what is another's and what does not exist are one and the same.
#[test]
fn a_stranger_is_told_the_same_of_a_schedule_as_of_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let add = ["add", "--agent", "ada", "--id", "tea", "--every", "30m", "-m", "tea", "--no-destination"];
    assert_eq!(run(path, &add).0, 0);
    for command in ["show", "runs", "next", "pause", "resume", "cancel"] {
        let asked = |id: &str, agent: &str| run(path, &[command, id, "--agent", agent]);
        let (code, out, err) = asked("tea", "bob");
        assert_eq!((code, out.as_str()), (3, ""), "{command}");
        let none = asked("tee", "bob");
        assert_eq!((none.0, err), (3, none.2.replace("tee", "tea")), "{command}");
    }
    assert_eq!(json(path, &["list", "--agent", "bob"])["schedules"], serde_json::json!([]));
    assert_eq!(json(path, &["show", "tea", "--agent", "ada"])["status"], "active");
}

#[test]
fn an_edited_file_is_noticed_and_a_broken_one_changes_nothing() {
    let mut daemon = Daemon::start(folder_with(&[("tick.yaml", TICK)]));
    let file = daemon.path().join("schedules/tick.yaml");
    while !daemon.message().contains("| tick") {}
    std::fs::write(&file, TICK.replace("message: tick", "message: tock")).unwrap();
    while !daemon.message().contains("| tock") {}
    std::fs::write(&file, TICK.replace("every", "evry")).unwrap();
    while !daemon.log().contains("unknown key 'evry'") {
        daemon.message();
    }
    assert!(daemon.message().contains("| tock"));
    std::fs::remove_file(&file).unwrap();
    assert!(daemon.message().contains("| tock"), "a removed file cancels nothing by itself");
    daemon.end();
}

#[test]
fn a_file_with_five_mistakes_tells_all_five_and_changes_nothing() {
    let wrong = "\
- id: fine
  schedule: {every: 1h}
  payload: {message: this one is right}
- id: wrong
  schedule: {cron: \"61 9 * * MON-FRY\", timezone: Europe/Berln}
  destination: {gateway: consol, chat_id: me}
  payload: {mesage: hi}
  misfire_policy: fire_twice
";
    let folder = folder_with(&[("wrong.yaml", wrong), ("right.yaml", TICK)]);
    let (code, out, err) = run(folder.path(), &["apply", "schedules"]);
    assert_eq!(code, 2, "{out}{err}");
    for (place, said) in
        [("5:", "61"), ("5:", "Europe/Berlin"), ("6:", "console"), ("7:", "message"), ("8:", "fire_once")]
    {
        assert!(err.contains(place) && err.contains(said), "{place} {said}: {err}");
    }
    let listed = json(folder.path(), &["list"]);
    let ids: Vec<_> = listed["schedules"].as_array().unwrap().iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, ["right"]);
}

#[test]
fn an_edit_of_the_words_keeps_the_times() {
    let folder = folder_with(&[("tick.yaml", &TICK.replace("1s", "1h"))]);
    let next = || {
        assert_eq!(run(folder.path(), &["apply", "schedules"]).0, 0);
        json(folder.path(), &["show", "tick"])["next"].clone()
    };
    let before = next();
    std::fs::write(folder.path().join("schedules/tick.yaml"), TICK.replace("1s", "1h").replace("tick", "tock"))
        .unwrap();
    assert_eq!(next(), before);
    assert!(!before.is_null());
}
