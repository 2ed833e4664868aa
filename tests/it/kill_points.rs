//! The real program on a real file, ended or let down at a chosen system call: `strace` counts the calls and kills the
//! process as it enters one, or makes one fail. The program is the one that users run; nothing in it knows of this.
//!
//! The oracle is that of `kill`: nothing missing, nothing early, a double only where a print was not recorded yet, and
//! a ledger that agrees. Not here: kills at random moments (`kill`), the disk that forgets (`store`, `sim`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

use chimewheel::runtime::clock::{Clock as _, SystemClock};
use chimewheel::time::{Span, Timestamp};

use crate::kill::{self, Line, PROGRAM, Plan};
use crate::store::chance::Chance;

/// Where a process ends: a name, the system call, and by how many of them at the most.
const POINTS: &[(&str, &str, u64)] = &[
    ("a page is about to be written", "pwrite64", 70),
    ("pages are written and not synced", "fdatasync", 14),
    ("the file is about to change its length", "ftruncate", 3),
    ("a message is about to be printed, what it follows from is durable", PRINT, 4),
    ("the file is being read at the start", "pread64", 30),
    ("a message is printed and not recorded", READ, 20),
];

/// On standard output only.
const PRINT: &str = "write";

/// Not a call: the test kills as soon as it has read the message.
const READ: &str = "kill";

#[test]
#[ignore = "needs strace, which .ci/kill installs"]
fn a_kill_at_each_named_point_loses_nothing() {
    survive(&Plan { seed: 3, schedules: 200, within: Span::from_seconds(12), kills: 30 });
}

#[test]
#[ignore = "takes minutes and needs strace: two hundred kills"]
fn two_hundred_kills_at_named_points_lose_nothing() {
    survive(&Plan { seed: 5, schedules: 1000, within: Span::from_seconds(90), kills: 200 });
}

#[test]
#[ignore = "needs strace, which .ci/kill installs"]
fn a_file_that_cannot_grow_loses_nothing_whenever_it_is() {
    sweep("ftruncate");
}

#[test]
#[ignore = "takes minutes and needs strace: every write and every sync of a short life fails once"]
fn a_write_or_a_sync_that_fails_loses_nothing_whichever_it_is() {
    sweep("fdatasync");
    sweep("pwrite64");
}

/// Kills at one point after the other, then lets the program finish.
fn survive(plan: &Plan) {
    let folder = tempfile::tempdir().unwrap();
    let begin = SystemClock.now().plus(Span::from_seconds(2));
    let dues = kill::write_schedules(folder.path(), plan, begin);
    let mut chance = Chance(plan.seed);
    let (mut lines, mut killed) = (Vec::new(), BTreeMap::new());
    for process in 0..plan.kills {
        let (name, call, most) = POINTS[process % POINTS.len()];
        let count = 1 + chance.below(most);
        let mut daemon = Daemon::start(folder.path(), Some(&format!("{call}:signal=SIGKILL:when={count}")));
        // A call that does not come so often must not keep it alive for ever.
        let patience = if call == READ { count } else { 60 };
        let mut printed = Vec::new();
        while printed.len() < patience as usize
            && let Some(line) = daemon.messages.next()
        {
            printed.push(kill::parse(process, &line.unwrap()));
        }
        let by_call = printed.len() < patience as usize;
        daemon.signal("-KILL");
        printed.extend(daemon.messages.by_ref().map(|line| kill::parse(process, &line.unwrap())));
        daemon.end();
        kill::look_at_what_is_left(folder.path(), &mut printed);
        lines.extend(printed);
        let name = if by_call || call == READ { name } else { "after so many messages" };
        *killed.entry(name).or_insert(0) += 1;
    }
    finish(folder.path(), plan.kills, &dues, &mut lines);
    let doubles = kill::check_lines(&lines, &dues);
    kill::check_ledger(folder.path(), &dues);
    for (name, count) in &killed {
        println!("{count:4}  {name}");
    }
    println!("{}, {doubles} doubles", kill::summary(plan, &lines));
    for (name, ..) in POINTS {
        assert!(killed.contains_key(name), "never killed when {name}");
    }
}

/// Lets the n-th call of a kind fail, for each n, until a life passes in which none has failed.
fn sweep(call: &str) {
    let (mut failed, mut lives) = (0, 0);
    for count in 1.. {
        let plan = Plan { seed: 0, schedules: 6, within: Span::from_millis(600), kills: 1 };
        let folder = tempfile::tempdir().unwrap();
        let begin = SystemClock.now().plus(Span::from_millis(1500));
        let dues = kill::write_schedules(folder.path(), &plan, begin);
        let mut daemon = Daemon::start(folder.path(), Some(&format!("{call}:error=EIO:when={count}")));
        let mut lines = Vec::new();
        while !is_complete(0, &lines, &dues)
            && let Some(line) = daemon.messages.next()
        {
            lines.push(kill::parse(0, &line.unwrap()));
        }
        daemon.signal("-TERM");
        lines.extend(daemon.messages.by_ref().map(|line| kill::parse(0, &line.unwrap())));
        let ended = daemon.end();
        kill::look_at_what_is_left(folder.path(), &mut lines);
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        lives += 1;
        if std::fs::read_to_string(folder.path().join("trace")).unwrap().contains("INJECTED") {
            failed += 1;
            // An error that redb gets over is none.
            assert!(
                ended.success() || log.contains("Input/output error"),
                "{call} {count}: ended {ended} without a reason: {log}"
            );
        } else {
            assert!(ended.success(), "{call} {count}: {ended} {log}");
            finish(folder.path(), 1, &dues, &mut lines);
            kill::check_ledger(folder.path(), &dues);
            println!("{call}: failed in {failed} lives of {lives}, each time nothing was lost");
            return;
        }
        finish(folder.path(), 1, &dues, &mut lines);
        kill::check_lines(&lines, &dues);
        kill::check_ledger(folder.path(), &dues);
    }
}

/// A daemon that prints into a pipe with a name, so that what it prints can be told from what else it writes.
struct Daemon {
    child: Child,
    messages: Lines<BufReader<File>>,
    folder: std::path::PathBuf,
}

impl Daemon {
    /// By itself, or under a program that does something to one of its calls.
    fn start(folder: &Path, inject: Option<&str>) -> Self {
        let pipe = folder.join("pipe");
        let _ = std::fs::remove_file(&pipe);
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // Open for both, so that neither end waits for the other.
        let door = File::options().read(true).write(true).open(&pipe).unwrap();
        let command = match inject.filter(|inject| !inject.starts_with(READ)) {
            None => Command::new(PROGRAM),
            Some(inject) => {
                let call = inject.split(':').next().unwrap();
                let mut command = Command::new("strace");
                command.args(["-f", "-qq", "-o"]).arg(folder.join("trace"));
                if call == PRINT {
                    command.arg("-P").arg(&pipe);
                }
                command.args(["-e", &format!("trace={call}"), "-e", &format!("inject={inject}"), PROGRAM]);
                command
            }
        };
        let mut command = kill::serving(command, folder);
        let child = command.stdout(File::options().write(true).open(&pipe).unwrap()).spawn().unwrap();
        let messages = BufReader::new(File::open(&pipe).unwrap()).lines();
        // From here on the pipe ends with the program.
        drop((door, command));
        Self { child, messages, folder: folder.to_owned() }
    }

    /// To the program, not to what it runs under.
    fn signal(&mut self, signal: &str) {
        if let Some(owner) = chimewheel::store::owner(&self.folder.join(".chimewheel")) {
            // It may have ended meanwhile.
            let _ = Command::new("kill").args([signal, &owner.pid.to_string()]).output().unwrap();
        }
    }

    fn end(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

fn is_complete(process: usize, lines: &[Line], dues: &BTreeMap<String, Timestamp>) -> bool {
    let has_begun = process == 0 || lines.last().is_some_and(|line| line.process == process);
    has_begun && dues.keys().all(|id| lines.iter().any(|line| line.schedule == *id))
}

/// A last life in peace, until everything has been printed.
fn finish(folder: &Path, process: usize, dues: &BTreeMap<String, Timestamp>, lines: &mut Vec<Line>) {
    let mut daemon = Daemon::start(folder, None);
    while !is_complete(process, lines, dues) {
        lines.push(kill::parse(process, &daemon.messages.next().expect("the daemon ended by itself").unwrap()));
    }
    daemon.signal("-TERM");
    lines.extend(daemon.messages.by_ref().map(|line| kill::parse(process, &line.unwrap())));
    let ended = daemon.end();
    assert!(ended.success(), "an ordered end must succeed: {ended}");
}
