//! A file that the disk has changed: cut short, or with single bits turned over, anywhere. Either verifying says so,
//! or everything is still there; never neither.

use std::fs;
use std::path::Path;

use chimewheel::engine::change::{Run, State};
use chimewheel::id::ScheduleKey;
use chimewheel::store::{Listed, Opened, Store};

use super::world::{World, with_file};

/// Everything that can be read of a store.
#[derive(Debug, PartialEq)]
struct All {
    listed: Vec<Listed>,
    states: Vec<(ScheduleKey, State)>,
    open: Vec<Run>,
    runs: Vec<Run>,
    next_key: u64,
    epoch: u32,
}

fn read_all(opened: &Opened) -> All {
    let mut all = All {
        listed: opened.reader.list(None, None, 1000).unwrap(),
        states: Vec::new(),
        open: Vec::new(),
        runs: Vec::new(),
        next_key: opened.next_key,
        epoch: opened.epoch,
    };
    opened.each_state(|key, state| all.states.push((key, state))).unwrap();
    opened.each_open(|run| all.open.push(run)).unwrap();
    for one in &all.listed {
        assert_eq!(opened.reader.key_of(one.schedule.id.as_str()).unwrap(), Some(one.key));
        all.runs.extend(opened.reader.runs(one.key, 1000, None).unwrap());
    }
    all
}

/// Whether the damage is told of; if it is not, everything must be there.
fn is_told(file: &Path, whole: &All, what: &str) -> bool {
    match Store::verify(file) {
        Err(refused) => {
            assert!(refused.to_string().starts_with(&file.display().to_string()), "{what}: {refused}");
            true
        }
        Ok((found, _)) if !found.is_sound() => {
            assert!(found.faults[0].way_out.contains("chimewheel restore FILE"), "{what}: {found:?}");
            true
        }
        Ok((found, opened)) => {
            let opened = opened.unwrap_or_else(|| panic!("{what}: sound, but not opened"));
            // The one bit whose damage looks like a crash in the middle of a commit.
            let noted = found.counts.keys().any(|count| count.contains("byte 9 is damaged"));
            if !(noted && what.starts_with("byte 9, bit 0")) {
                assert_eq!(&read_all(&opened), whole, "{what}: lost without a word");
            }
            noted
        }
    }
}

/// Files as a clean end leaves them, and as a kill does.
fn samples() -> [World; 2] {
    let clean = World::filled(30);
    let killed = World::filled(30);
    let daemon = killed.serve();
    for number in 0..20 {
        killed.ask(&["add", "--id", &format!("late-{number}"), "--every", "1h", "-m", "x"]);
    }
    daemon.end("-KILL");
    [clean, killed]
}

#[test]
fn a_bit_turned_over_anywhere_is_told_of_or_harmless() {
    for world in samples() {
        let bytes = fs::read(world.file()).unwrap();
        let whole = read_all(&Store::open_on_glass(&world.file()).unwrap());
        assert!(whole.listed.len() >= 30 && !whole.runs.is_empty());
        let scratch = world.folder().join("scratch.redb");
        // The first bytes rule all others, so each bit of them is tried; then one bit each of the commit slots; then
        // stretches at no regular distance.
        let head = (0..64_usize).flat_map(|at| (0..8).map(move |bit| (at, bit)));
        let rest = (64..512).chain((512..bytes.len()).step_by(397)).map(|at| (at, at * 7 % 8));
        let mut told = [0_usize; 2];
        for (at, bit) in head.chain(rest) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            fs::write(&scratch, &damaged).unwrap();
            let first = usize::from(at >= 512);
            told[first] += usize::from(is_told(&scratch, &whole, &format!("byte {at}, bit {bit}")));
            assert_eq!(fs::read(&scratch).unwrap(), damaged, "verifying changed the file");
        }
        println!("{told:?} of the flips were told of");
        assert!(told[0] > 100 && told[1] > 20, "the damage does not reach anything: {told:?}");
    }
}

#[test]
fn a_file_cut_short_anywhere_is_told_of() {
    for world in samples() {
        let bytes = fs::read(world.file()).unwrap();
        let whole = read_all(&Store::open_on_glass(&world.file()).unwrap());
        let scratch = world.folder().join("scratch.redb");
        for part in (0..64).map(|part| bytes.len() * part / 64).chain([1, 100, 320, 4096, bytes.len() - 1]) {
            fs::write(&scratch, &bytes[..part]).unwrap();
            assert!(is_told(&scratch, &whole, &format!("cut to {part} bytes")), "cut to {part} bytes: not told");
        }
    }
}

#[test]
fn the_program_names_the_file_and_the_way_out() {
    let world = World::filled(20);
    let bytes = fs::read(world.file()).unwrap();
    let mut turned = bytes.clone();
    // Also in pages that are no longer in use: which of them holds the row is the database's affair.
    for place in find(&bytes, b"message number 7") {
        turned[place] ^= 1;
    }
    let mut headless = bytes.clone();
    headless[..64].fill(0);
    for (damaged, refused) in [(&bytes[..bytes.len() / 2], true), (&headless[..], true), (&turned[..], false)] {
        let damaged_world = with_file(damaged);
        let (code, out, err) = damaged_world.run(&["verify"]);
        let said = out + err.as_str();
        assert!(code == 1 && said.contains("chimewheel.redb") && said.contains("chimewheel restore FILE"), "{said}");
        if refused {
            for command in [&["list"][..], &["serve", "--no-listen"]] {
                let (code, out, err) = damaged_world.run(command);
                let said = out + err.as_str();
                assert_eq!(code, 1, "{command:?}: {said}");
                for part in ["chimewheel.redb", "`chimewheel verify`", "`chimewheel restore FILE --force`"] {
                    assert!(said.contains(part), "{command:?}: {part}: {said}");
                }
            }
        }
        assert_eq!(fs::read(damaged_world.file()).unwrap(), damaged, "the damaged file was changed");
        fs::copy(world.file(), damaged_world.folder().join("backup.redb")).unwrap();
        damaged_world.ask(&["restore", "backup.redb", "--force"]);
        assert_eq!(damaged_world.schedules(), world.schedules());
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Vec<usize> {
    let found: Vec<usize> = (0..bytes.len() - part.len()).filter(|&at| bytes[at..].starts_with(part)).collect();
    assert!(!found.is_empty());
    found
}
