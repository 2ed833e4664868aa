//! The real program under a clock that is set back an hour and forward a day, by libfaketime: it keeps firing, prints
//! no occurrence twice and nothing early, and accounts for the day.
//!
//! Once with the machine's monotonic clock left alone, once with that jumping as well, as on a machine that is moved.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use chimewheel::engine::change::{Outcome, Phase};
use chimewheel::store::{Options, Store};
use chimewheel::time::{Span, Timestamp};

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const HOUR: Span = Span::from_seconds(3600);

#[test]
#[ignore = "needs libfaketime, which .ci/clock installs"]
fn faketime_steps_the_wall_clock() {
    step_back_and_forward("1");
}

#[test]
#[ignore = "needs libfaketime, which .ci/clock installs"]
fn faketime_steps_every_clock() {
    step_back_and_forward("0");
}

fn step_back_and_forward(leave_monotonic: &str) {
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    std::fs::write(&clock, "+0\n").unwrap();
    std::fs::create_dir(folder.path().join("schedules")).unwrap();
    let beat = "schedule: {every: 1s}\ndestination: {gateway: console, chat_id: me}\npayload: {message: beat}\n";
    std::fs::write(folder.path().join("schedules/beat.yaml"), beat).unwrap();
    let mut child = serve(folder.path(), &clock, leave_monotonic);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();

    let mut printed = Vec::new();
    let before = read(&mut lines, &mut printed, 3, |_| true);
    std::fs::write(&clock, "-1h\n").unwrap();
    let back = read(&mut lines, &mut printed, 4, |sent_at| sent_at < before);
    std::fs::write(&clock, "+1d\n").unwrap();
    let ahead = read(&mut lines, &mut printed, 3, |sent_at| sent_at > back.plus(HOUR));
    assert!(ahead > before, "{ahead} after {before}");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());

    printed.sort_unstable();
    let count = printed.len();
    printed.dedup();
    assert_eq!(printed.len(), count, "an occurrence was printed twice");
    assert!(skipped_dues(folder.path()) > 80_000, "the day that was jumped over is on record");
}

fn serve(folder: &Path, clock: &Path, leave_monotonic: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_chimewheel"))
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("LD_PRELOAD", LIBRARY)
        .env("FAKETIME_TIMESTAMP_FILE", clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", leave_monotonic)
        .args(["serve", "--no-listen"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(folder.join("log")).unwrap())
        .spawn()
        .unwrap()
}

/// Reads until so many lines satisfied the condition; answers when the last of them was sent.
fn read(
    lines: &mut Lines<BufReader<ChildStdout>>,
    printed: &mut Vec<String>,
    mut count: usize,
    counts: impl Fn(Timestamp) -> bool,
) -> Timestamp {
    let mut most = 30;
    loop {
        let line = lines.next().expect("the daemon ended").unwrap();
        let mut words = line.split(' ');
        let sent_at = Timestamp::parse_rfc3339(words.next().unwrap()).unwrap();
        let due = words.nth(1).and_then(|word| word.strip_prefix("due=")).unwrap();
        assert!(sent_at >= Timestamp::parse_rfc3339(due).unwrap(), "early: {line}");
        printed.push(words.nth(2).unwrap().to_owned());
        count -= usize::from(counts(sent_at));
        most -= 1;
        if count == 0 {
            return sent_at;
        }
        assert!(most > 0, "the clock was set and the daemon did not follow: {line}");
    }
}

fn skipped_dues(folder: &Path) -> u64 {
    let store = Store::open(&folder.join(".chimewheel"), &Options::default()).unwrap();
    let key = store.reader.key_of("beat").unwrap().unwrap();
    let runs = store.reader.runs(key, 1000, None).unwrap();
    let skipped = runs.iter().filter(|run| matches!(run.phase, Phase::Settled { outcome: Outcome::Skipped(_), .. }));
    skipped.filter_map(|run| run.range).map(|range| range.count).sum()
}
