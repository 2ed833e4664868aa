//! The folder of scripts: what is read of it, and what is not.

use std::fs;

use chimewheel::limits;
use chimewheel::surface::files::read_scripts;

#[test]
fn scripts_are_named_by_their_path() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("lib/deep")).unwrap();
    for name in ["a.rhai", "lib/text.rhai", "lib/deep/b.rhai", "notes.md", ".hidden.rhai", "lib/.also.rhai"] {
        fs::write(folder.path().join(name), "fn gate(ctx) { true }").unwrap();
    }
    let read = read_scripts(folder.path()).unwrap();
    assert_eq!(read.sources.keys().collect::<Vec<_>>(), ["a", "lib/deep/b", "lib/text"]);
    assert!(read.problems.is_empty());
}

#[test]
fn a_folder_that_is_not_there_holds_none() {
    let folder = tempfile::tempdir().unwrap();
    let read = read_scripts(&folder.path().join("scripts")).unwrap();
    assert!(read.sources.is_empty() && read.problems.is_empty());
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(read_scripts(&folder.path().join("file")).is_err());
}

#[test]
fn what_cannot_be_a_script_is_told_and_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let scripts = folder.path().join("scripts");
    fs::create_dir(&scripts).unwrap();
    fs::write(scripts.join("good.rhai"), "\u{feff}// As some editors begin a file.\r\n").unwrap();
    fs::write(scripts.join("long.rhai"), "/".repeat(limits::SCRIPT_BYTES_MAX + 1)).unwrap();
    fs::write(scripts.join("bytes.rhai"), b"// one\n\xff").unwrap();
    fs::create_dir(scripts.join("folder.rhai")).unwrap();
    let read = read_scripts(&scripts).unwrap();
    let sources: Vec<_> = read.sources.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(sources, [("good", "// As some editors begin a file.\r\n")]);
    let told: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "scripts/bytes.rhai: is not text: line 2 is not UTF-8",
            "scripts/long.rhai: cannot be read: is 65537 bytes long, more than 65536",
        ]
    );
}

#[cfg(unix)]
#[test]
fn no_link_leads_out() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("scripts")).unwrap();
    fs::create_dir(outside.path().join("others")).unwrap();
    fs::write(outside.path().join("secret"), "fn gate(ctx) { true }").unwrap();
    fs::write(outside.path().join("others/x.rhai"), "").unwrap();
    let scripts = outside.path().join("scripts");
    fs::write(scripts.join("a.rhai"), "").unwrap();
    for (to, name) in [("../secret", "b.rhai"), ("a.rhai", "c.rhai"), ("../others", "folder"), ("gone", "d.rhai")] {
        std::os::unix::fs::symlink(to, scripts.join(name)).unwrap();
    }
    let read = read_scripts(&scripts).unwrap();
    assert_eq!(read.sources.keys().collect::<Vec<_>>(), ["a", "c"]);
    let told: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told[0],
        "scripts/b.rhai: is a link that leads out of the folder of scripts (put the script itself into the folder)"
    );
    assert!(told[1].starts_with("scripts/d.rhai: cannot be read: "), "{told:?}");
    assert_eq!(told.len(), 2);
}
