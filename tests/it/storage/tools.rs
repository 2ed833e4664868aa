//! Backups are whole, a sound store is found sound, restoring changes nothing before it is sure.

use std::fs;

use serde_json::{Value, json};

use super::world::World;

#[test]
fn a_store_that_an_engine_filled_is_sound() {
    let world = World::filled(60);
    let before = fs::read(world.file()).unwrap();
    let found = world.ask(&["verify"]);
    assert_eq!(fs::read(world.file()).unwrap(), before, "verifying changed the file");
    assert_eq!(found["sound"], true);
    let counts = &found["counts"];
    assert_eq!((counts["schedules"].as_u64(), counts["by_id"].as_u64()), (Some(60), Some(60)), "{found}");
    // Every second one is named, and of the seven renamed ones four had no name before.
    assert_eq!((counts["by_name"].as_u64(), counts["by_token"].as_u64()), (Some(34), Some(12)), "{found}");
    assert_eq!((counts["armed"].as_u64(), counts["paused"].as_u64()), (Some(46), Some(7)), "{found}");
    let (code, out, _) = world.run(&["verify"]);
    assert!(code == 0 && out.contains("60  schedules\n") && out.contains("Sound: every page"), "{out}");
}

#[test]
fn what_is_not_folded_yet_counts_like_what_is() {
    let world = World::filled(5);
    let daemon = world.serve();
    for number in 0..10 {
        world.ask(&["add", "--id", &format!("late-{number}"), "--every", "1h", "-m", "x"]);
    }
    daemon.end("-KILL");
    let found = world.ask(&["verify"]);
    assert_eq!(found["counts"]["states not folded yet"], 10, "{found}");
    assert_eq!(found["counts"]["schedules"], 15, "{found}");
}

#[test]
fn a_store_that_is_open_is_backed_up_and_nothing_puts_another_in_its_place() {
    let world = World::filled(12);
    let daemon = world.serve();
    let pid = format!("(pid {})", daemon.pid());
    for command in [&["compact"][..], &["restore", "x.redb", "--force"]] {
        let (code, out, err) = world.run(command);
        assert!(code == 5 && err.contains(&pid), "{command:?}: {out}{err}");
    }
    world.ask(&["add", "--id", "fresh", "--every", "1h", "-m", "not folded yet"]);
    let backup = world.ask(&["backup", "copy.redb"]);
    let file = world.folder().join("copy.redb");
    assert_eq!(backup["bytes"], fs::metadata(&file).unwrap().len());
    let before = world.schedules();
    let found = world.ask(&["verify", "copy.redb"]);
    assert_eq!(found["counts"]["schedules"], 13, "{found}");
    let (code, _, err) = world.run(&["backup", "copy.redb"]);
    assert!(code == 4 && err.contains("copy.redb exists") && err.contains("--force"), "{err}");
    world.ask(&["backup", "copy.redb", "--force"]);
    daemon.end("-TERM");
    let again = World::empty();
    again.ask(&["restore", file.to_str().unwrap()]);
    assert_eq!(again.schedules(), before);
    assert!(again.ask(&["verify"])["sound"].as_bool().unwrap());
}

#[test]
fn a_busy_daemon_verifies_its_own_store_and_goes_on() {
    let world = World::filled(12);
    let daemon = world.serve();
    let lines: String = (0..400)
        .map(|number| {
            format!(
                "{}\n",
                json!({"id": format!("tick-{number}"),
        "schedule": {"every": "1s"}, "payload": {"message": "x"}})
            )
        })
        .collect();
    fs::write(world.folder().join("ticks.jsonl"), lines).unwrap();
    world.ask(&["import", "bulk", "ticks.jsonl"]);
    let commits = || world.ask(&["status"])["commits"].as_u64().unwrap();
    let before = commits();
    std::thread::scope(|scope| {
        let adding = scope.spawn(|| {
            for number in 0..10 {
                world.ask(&["add", "--id", &format!("busy-{number}"), "--every", "1h", "-m", "x"]);
                world.ask(&["cancel", &format!("busy-{number}")]);
            }
        });
        let mut looks = 0;
        while looks < 5 || !adding.is_finished() {
            let found = world.ask(&["verify"]);
            assert_eq!((found["sound"].as_bool(), found["faults_count"].as_u64()), (Some(true), Some(0)), "{found}");
            assert!(found["counts"]["schedules"].as_u64() >= Some(412), "{found}");
            looks += 1;
        }
    });
    assert!(commits() >= before + 20, "it stood still");
    let (code, out, _) = world.run(&["verify", ".chimewheel/chimewheel.redb"]);
    assert!(code == 0 && out.contains("Sound: every page"), "{out}");
    daemon.end("-TERM");
    let found = world.ask(&["verify"]);
    assert_eq!((found["sound"].as_bool(), found["counts"]["schedules"].as_u64()), (Some(true), Some(422)), "{found}");
}

#[cfg(unix)]
#[test]
fn a_daemon_whose_file_is_damaged_says_so_with_the_same_exit_code() {
    let world = World::filled(40);
    let daemon = world.serve();
    world.ask(&["add", "--id", "marked", "--every", "1h", "-m", "x"]);
    let bytes = fs::read(world.file()).unwrap();
    let file = fs::OpenOptions::new().write(true).open(world.file()).unwrap();
    // Every copy of the row is changed, whichever commit it belongs to.
    for at in (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"marked")) {
        std::os::unix::fs::FileExt::write_all_at(&file, b"M", at as u64).unwrap();
    }
    let (code, out, err) = world.run(&["verify"]);
    assert!(code == 1 && out.contains("Not sound"), "{out}{err}");
    drop(daemon);
}

#[cfg(unix)]
#[test]
fn a_backup_is_private_and_leaves_nothing_else_behind() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::filled(3);
    world.ask(&["backup", "copy.redb"]);
    let names: Vec<String> = fs::read_dir(world.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".chimewheel")
        .collect();
    assert_eq!(names, ["copy.redb"]);
    let mode = fs::metadata(world.folder().join("copy.redb")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, _, err) = world.run(&["backup", ".chimewheel/chimewheel.redb", "--force"]);
    assert!(code == 1 && err.contains("over the store itself"), "{err}");
    let (code, _, err) = world.run(&["backup", "no/such/folder/copy.redb"]);
    assert!(code != 0 && err.contains("no/such/folder"), "{err}");
    assert_eq!(world.ask(&["verify"])["counts"]["schedules"], 3);
}

#[test]
fn restoring_changes_nothing_before_it_is_sure() {
    let world = World::filled(8);
    world.ask(&["backup", "copy.redb"]);
    world.ask(&["add", "--id", "newer", "--every", "1h", "-m", "x"]);
    let with_newer = world.schedules();
    let (code, _, err) = world.run(&["restore", "copy.redb"]);
    assert!(code == 4 && err.contains("--force moves it aside"), "{err}");
    let (code, _, err) = world.run(&["restore", "no-such.redb", "--force"]);
    assert!(code == 3 && err.contains("no-such.redb"), "{err}");
    let mut bytes = fs::read(world.folder().join("copy.redb")).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(world.folder().join("half.redb"), &bytes).unwrap();
    let (code, out, err) = world.run(&["restore", "half.redb", "--force"]);
    assert!(code == 1 && (out + err.as_str()).contains("nothing was changed"), "{err}");
    assert_eq!(world.schedules(), with_newer);
    let restored = world.ask(&["restore", "copy.redb", "--force"]);
    assert_eq!(restored["schedules"], 8);
    let aside = restored["replaced"].as_str().unwrap().to_owned();
    assert_ne!(world.schedules(), with_newer);
    assert!(!world.data().join("chimewheel.restore").exists());
    world.ask(&["restore", &aside, "--force"]);
    assert_eq!(world.schedules(), with_newer);
}

#[test]
fn compacting_shrinks_the_file_and_loses_nothing() {
    let world = World::filled(40);
    let before = (world.schedules(), world.ask(&["verify"])["counts"]["settled runs"].clone());
    let sizes = world.ask(&["compact"]);
    let (large, small) = (sizes["bytes_before"].as_u64().unwrap(), sizes["bytes"].as_u64().unwrap());
    assert!(small < large, "{sizes}");
    assert_eq!(fs::metadata(world.file()).unwrap().len(), small);
    let found = world.ask(&["verify"]);
    assert_eq!((world.schedules(), found["counts"]["settled runs"].clone()), before);
    let nowhere = World::empty();
    for command in [&["compact"][..], &["verify"]] {
        let (code, _, err) = nowhere.run(command);
        assert!(code == 3 && err.contains("chimewheel.redb"), "{command:?}: {err}");
        assert!(!nowhere.data().exists(), "{command:?} made a folder");
    }
}

#[test]
fn a_note_stays_with_its_pause_and_no_longer() {
    let world = World::filled(4);
    world.ask(&["add", "--id", "held", "--every", "1h", "-m", "x"]);
    let note = |command: &[&str]| world.ask(command)["note"].clone();
    let shown = || note(&["show", "held"]);
    assert_eq!(note(&["pause", "held", "--note", "on holiday"]), "on holiday");
    assert_eq!(shown(), "on holiday");
    let (_, list, _) = world.run(&["list"]);
    assert!(list.contains("note: on holiday"), "{list}");
    let again = world.ask(&["pause", "held", "--note", "ill"]);
    assert_eq!((again["changed"].as_bool(), again["note"].as_str()), (Some(false), Some("ill")));
    assert_eq!(note(&["pause", "held"]), "ill", "what was said stays");
    world.ask(&["update", "held", "-m", "y"]);
    world.ask(&["backup", "copy.redb"]);
    assert_eq!(world.ask(&["verify", "copy.redb"])["counts"]["notes"], 1);
    assert!(!world.run(&["export", "held"]).1.contains("ill"));
    for over in ["resume", "cancel"] {
        world.ask(&["pause", "held", "--note", "ill"]);
        world.ask(&[over, "held"]);
        assert_eq!(shown(), Value::Null, "{over}");
        assert_eq!(world.ask(&["verify"])["counts"]["notes"], Value::Null, "{over}");
    }
    let (code, _, err) = world.run(&["pause", "held", "--note", " "]);
    assert!(code == 2 && err.contains("note: is empty"), "{err}");
}

#[test]
fn a_store_from_before_notes_opens_and_takes_one() {
    let world = World::filled(3);
    world.ask(&["add", "--id", "held", "--every", "1h", "-m", "x"]);
    let db = redb::Database::open(world.file()).unwrap();
    let txn = db.begin_write().unwrap();
    assert!(txn.delete_table(redb::TableDefinition::<u64, &[u8]>::new("notes")).unwrap());
    txn.commit().unwrap();
    drop(db);
    assert_eq!(world.ask(&["verify"])["sound"], true);
    world.ask(&["pause", "held", "--note", "on holiday"]);
    assert_eq!(world.ask(&["show", "held"])["note"], "on holiday");
}
