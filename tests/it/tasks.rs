//! Tasks in the real program: a command that is really run, killed with the daemon, and ended for its schedule's sake.
//!
//! A script tells through a named pipe that it runs, and holds the pipe open: its end is the end of the pipe, so nothing
//! here waits by the clock.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const CONFIG: &str = "[providers.ask]\nkind = \"command\"\nprogram = \"./ask\"\nargs = [\"{model}\"]\n";

/// A daemon in a folder of its own.
pub struct House {
    folder: TempDir,
    daemon: Child,
    messages: BufReader<ChildStdout>,
}

pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chimewheel"));
    command.current_dir(folder).env_clear().env("HOME", folder).stdin(Stdio::null());
    command
}

fn serve(folder: &Path) -> (Child, BufReader<ChildStdout>) {
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = program(folder);
    let mut daemon =
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let messages = BufReader::new(daemon.stdout.take().unwrap());
    (daemon, messages)
}

impl House {
    /// A daemon with a provider `ask`, which is this script of the system's shell.
    pub fn new(config: &str, script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ask");
        fs::write(&path, format!("#!/bin/sh\necho $$ >> begun\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("chimewheel.toml"), format!("{CONFIG}{config}")).unwrap();
        assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
        let (daemon, messages) = serve(folder.path());
        let mut house = Self { folder, daemon, messages };
        house.add(&["--id", "ready", "--in", "100ms", "-m", "ready"]);
        assert!(house.message().ends_with("| ready\n"));
        house
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = program(self.folder.path()).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &*String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    }

    pub fn add(&self, arguments: &[&str]) {
        // Until the daemon holds its folder, nothing serves what is added, but it is kept.
        let (code, said) = self.run(&[&["add"], arguments].concat());
        assert_eq!(code, 0, "{said}");
    }

    pub fn message(&mut self) -> String {
        let mut line = String::new();
        self.messages.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the daemon ended: {}", fs::read_to_string(self.path("log")).unwrap());
        line
    }

    /// The runs of a schedule, newest first.
    fn runs(&self, schedule: &str) -> Vec<Value> {
        let (code, said) = self.run(&["runs", schedule, "--json"]);
        assert_eq!(code, 0, "{said}");
        let listed: Value = serde_json::from_str(&said).unwrap();
        listed["runs"].as_array().unwrap().clone()
    }

    /// Asks until the newest run is like that.
    pub fn wait_for(&self, schedule: &str, outcome: &str) -> Value {
        loop {
            if let Some(run) = self.runs(schedule).into_iter().next().filter(|run| run["outcome"] == outcome) {
                return run;
            }
        }
    }

    pub fn kill_and_start(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
        (self.daemon, self.messages) = serve(self.folder.path());
    }

    /// How often the script was begun.
    fn begun(&self) -> usize {
        fs::read_to_string(self.path("begun")).unwrap_or_default().lines().count()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // Told to end it would wait for what still runs.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        for leader in fs::read_to_string(self.path("begun")).unwrap_or_default().lines() {
            // What a killed daemon left behind; most of them are gone.
            let _ = Command::new("kill").args(["-9", "--", &format!("-{leader}")]).stderr(Stdio::null()).status();
        }
    }
}

#[test]
fn a_run_that_a_kill_cuts_off_is_made_again_and_delivered_once() {
    let script = "if [ $(wc -l < begun) = 1 ]; then echo one > pipe; exec sleep 1000; fi; echo \"$1 says:\"; cat";
    let mut house = House::new("", script);
    house.add(&["--id", "news", "--in", "100ms", "--task", "sum up", "--model", "ask/tiny/v2"]);
    let mut told = String::new();
    File::open(house.path("pipe")).unwrap().read_to_string(&mut told).unwrap();
    assert_eq!((told.as_str(), house.begun()), ("one\n", 1));
    house.kill_and_start();
    let message = house.message();
    assert!(message.ends_with("| tiny/v2 says:\n"), "{message}");
    assert_eq!(house.message(), "  | sum up\n");
    let run = house.wait_for("news", "delivered");
    assert_eq!((&run["execution"]["attempts"], &run["attempts"]), (&2.into(), &1.into()), "{run}");
    assert_eq!(run["execution"]["model"], "ask/tiny/v2");
    assert_eq!(run["execution"]["text"], "tiny/v2 says:\nsum up");
    assert_eq!((house.begun(), house.runs("news").len()), (2, 1));
}

/// The console takes no more when nobody reads it: the text waits there, durable, when the process is killed.
#[test]
fn a_text_that_was_composed_is_delivered_after_a_kill_and_not_made_again() {
    let mut house = House::new("", "cat");
    let filler = "x".repeat(65_000);
    house.add(&["--id", "filler", "--in", "100ms", "-m", &filler]);
    house.wait_for("filler", "delivered");
    house.add(&["--id", "news", "--in", "100ms", "--task", &"y".repeat(2000), "--model", "ask/tiny"]);
    let run = house.wait_for("news", "sending");
    assert_eq!(run["execution"]["attempts"], 1, "{run}");
    house.kill_and_start();
    let message = house.message();
    assert!(message.contains(" news ") && message.ends_with("yyy\n"), "{message}");
    let run = house.wait_for("news", "delivered");
    assert_eq!((&run["execution"]["attempts"], house.begun()), (&1.into(), 1), "{run}");
}

/// `cat` keeps the pipe open besides the script itself: the end comes when both are gone.
const HANGS: &str = "exec 3> pipe; cat < /dev/zero > /dev/null & echo on >&3; wait";

#[test]
fn a_cancel_ends_a_command_and_all_that_it_started() {
    let house = House::new("", HANGS);
    house.add(&["--id", "news", "--in", "100ms", "--task", "sum up", "--model", "ask/tiny"]);
    let mut pipe = File::open(house.path("pipe")).unwrap();
    let mut on = [0; 3];
    pipe.read_exact(&mut on).unwrap();
    let (code, said) = house.run(&["cancel", "news"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(pipe.read(&mut on).unwrap(), 0, "nobody holds the pipe any more");
    assert_eq!(house.runs("news")[0]["outcome"], "cancelled");
}

#[test]
fn a_command_that_takes_too_long_is_ended_and_run_again() {
    takes_too_long("timeout = \"1s\"\n", "the run took longer than 1s, and was ended");
}

#[test]
fn a_task_that_takes_too_long_as_a_whole_is_ended_and_run_again() {
    let why = "the run took longer than 1s, routing.tasks.timeout, and was ended";
    takes_too_long("[routing]\ntasks.timeout = \"1s\"\n", why);
}

fn takes_too_long(config: &str, why: &str) {
    let house = House::new(config, HANGS);
    let task = ["--task", "sum up", "--model", "ask/tiny", "--backoff-min", "100ms", "--backoff-max", "100ms"];
    house.add(&[&["--id", "news", "--in", "100ms", "--max-attempts", "2"], &task[..]].concat());
    let mut told = String::new();
    for _ in 0..2 {
        File::open(house.path("pipe")).unwrap().read_to_string(&mut told).unwrap();
    }
    let run = house.wait_for("news", "failed");
    assert_eq!((told.as_str(), house.begun()), ("on\non\n", 2));
    assert_eq!(run["detail"], why, "{run}");
    assert_eq!((&run["execution"]["attempts"], &run["attempts"]), (&2.into(), &0.into()), "{run}");
}

#[test]
fn the_next_run_ends_the_one_before_it_where_that_is_the_policy() {
    let script = "if [ $(wc -l < begun) = 1 ]; then exec 3> pipe; echo on >&3; exec sleep 1000; fi; cat";
    let mut house = House::new("", script);
    house.add(&[
        "--id",
        "news",
        "--every",
        "1h",
        "--task",
        "sum up",
        "--model",
        "ask/tiny",
        "--overlap-policy",
        "cancel_other",
    ]);
    let (code, said) = house.run(&["run-now", "news"]);
    assert_eq!(code, 0, "{said}");
    let mut pipe = File::open(house.path("pipe")).unwrap();
    let mut on = [0; 3];
    pipe.read_exact(&mut on).unwrap();
    let (code, said) = house.run(&["run-now", "news"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(pipe.read(&mut on).unwrap(), 0);
    assert!(house.message().ends_with("| sum up\n"));
    house.wait_for("news", "delivered");
    let runs = house.runs("news");
    assert_eq!(runs[1]["outcome"], "cancelled", "{runs:?}");
    assert_eq!(runs[1]["detail"], "ended for the next run of its schedule", "{runs:?}");
}

#[test]
fn what_is_written_of_a_task_is_what_was_declared() {
    let house = House::new("", "cat");
    house.add(&["--id", "news", "--every", "1h", "--task", "sum up", "--model", "ask/tiny"]);
    let (code, said) = house.run(&["export", "news", "--json"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("\"task\": \"sum up\"") && said.contains("\"model\": \"ask/tiny\""), "{said}");
    let (code, said) = house.run(&["show", "news"]);
    assert!(code == 0 && said.contains("sum up") && said.contains("ask/tiny"), "{said}");
    let (code, said) = house.run(&["add", "--in", "1h", "--task", "x", "--model", "gpt/5"]);
    assert!(code == 2 && said.contains("add [providers.gpt]"), "{said}");
    let (code, said) = house.run(&["add", "--in", "1h", "--task", "x"]);
    assert!(code == 2 && said.contains("add [providers.glm]"), "{said}");
    let (code, said) = house.run(&["update", "news", "--message", "hi"]);
    assert_eq!(code, 0, "{said}");
    let (_, said) = house.run(&["export", "news", "--json"]);
    assert!(said.contains("\"message\": \"hi\"") && !said.contains("model"), "{said}");
}
