//! A disk that is full: the real program under a limit on the size of files. What was acknowledged is there when
//! there is room again; what was refused was refused in words.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::world::{Daemon, World, said};

/// The program with files limited to so many KiB, which it is told of by an error, as of a full disk.
fn limited(world: &World, kib: u64, arguments: &str) -> Command {
    let program = env!("CARGO_BIN_EXE_chimewheel");
    let mut command = Command::new("bash");
    command.current_dir(world.folder()).env_clear().env("HOME", world.folder()).env("PATH", "/usr/bin:/bin");
    command.args(["-c", &format!("trap '' XFSZ; ulimit -f {kib}; exec {program} {arguments}")]);
    command
}

fn ids(world: &World) -> BTreeSet<String> {
    let exported = world.schedules();
    let all = exported["schedules"].as_array().unwrap().iter();
    all.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn creates_are_refused_and_nothing_acknowledged_is_lost() {
    let world = World::filled(5);
    let size = fs::metadata(world.file()).unwrap().len();
    let daemon = Daemon::of(&mut limited(&world, size / 1024 * 8 + 64, "serve --listen 127.0.0.1:0"));
    let mut acknowledged = BTreeSet::new();
    let text = "x".repeat(20_000);
    let refusal = (0..1000).find_map(|number| {
        let id = format!("big-{number}");
        let (code, out, err) = world.run(&["add", "--id", &id, "--every", "1h", "-m", &text]);
        if code == 0 {
            acknowledged.insert(id);
            return None;
        }
        Some((code, out + err.as_str()))
    });
    let (code, refusal) = refusal.expect("the limit was never reached");
    assert!(code == 1 && refusal.contains("File too large") && !refusal.contains("panicked"), "{refusal}");
    assert!(refusal.contains("not acknowledged") && refusal.contains("free some space"), "{refusal}");
    let (ended, log) = daemon.ended();
    assert_eq!(ended, Some(1), "{log}");
    assert!(log.contains("the store failed") && log.contains("File too large"), "{log}");
    assert!(acknowledged.len() > 2, "the limit was reached too early: {acknowledged:?}");
    // There is room again.
    let daemon = world.serve();
    let there = ids(&world);
    assert!(acknowledged.is_subset(&there), "lost: {:?}", acknowledged.difference(&there).collect::<Vec<_>>());
    assert!(there.len() <= 5 + acknowledged.len(), "{there:?}");
    world.ask(&["add", "--id", "after", "--every", "1h", "-m", &text]);
    daemon.end("-TERM");
    assert_eq!(world.ask(&["verify"])["sound"], true);
    assert!(ids(&world).contains("after"));
}

#[test]
fn a_backup_that_does_not_fit_leaves_nothing_and_harms_nothing() {
    let world = World::filled(30);
    world.ask(&["backup", "whole.redb"]);
    let whole = fs::read(world.folder().join("whole.redb")).unwrap();
    let kib = whole.len() as u64 / 2048;
    let (code, out, err) = said(limited(&world, kib, "backup other.redb"));
    assert!(code == 1 && (out + err.as_str()).contains("File too large"), "{err}");
    let (code, _, err) = said(limited(&world, kib, "backup whole.redb --force"));
    assert_eq!(code, 1, "{err}");
    assert_eq!(fs::read(world.folder().join("whole.redb")).unwrap(), whole, "the old backup is harmed");
    let left: BTreeSet<String> = fs::read_dir(world.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left, BTreeSet::from([".chimewheel".to_owned(), "whole.redb".to_owned()]));
    assert_eq!(world.ask(&["verify"])["sound"], true);
    let (code, _, err) = said(limited(&world, kib, "restore whole.redb --force"));
    assert!(code == 1 && err.contains("File too large"), "{err}");
    assert_eq!(world.ask(&["verify"])["counts"]["schedules"], 30);
}
