//! The configured heartbeat file: a declared source like the folder of schedule files, in one file.
//!
//! It is applied whole: what it declares no more is cancelled, and a file that is gone declares nothing. One that cannot be
//! read declares what it declared before. Its schedules are known by one name whatever the file's own is, so that the
//! file may be moved.
//! Not here: what its text means (`import/heartbeat`), applying (`ops`), noticing changes (`cli`).

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::config::Heartbeat;
use crate::limits::FILE_BYTES_MAX;
use crate::surface::import::{Brought, heartbeat};

/// What its schedules name as the file they stand in, before their own names.
pub const SOURCE: &str = "HEARTBEAT.md";

/// What there is where the file should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A text.
    Text(String),
    /// Nothing, in a folder that is there.
    Gone,
    /// Something that cannot be read, and why.
    Unreadable(String),
}

/// Looks at a file.
#[must_use]
pub fn look(file: &Path) -> Seen {
    let read = fs::metadata(file).and_then(|about| match about.len() {
        _ if !about.is_file() => Err(std::io::Error::other("it is not a file")),
        // Looked at before reading, so that a giant is never in memory.
        bytes if bytes > FILE_BYTES_MAX as u64 => {
            Err(std::io::Error::other(format!("it is {bytes} bytes long, more than {FILE_BYTES_MAX}")))
        }
        _ => fs::read(file),
    });
    match read {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Seen::Text(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Err(error) => {
                let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
                Seen::Unreadable(format!("it is not text: line {line} is not UTF-8"))
            }
        },
        Err(error) if error.kind() == ErrorKind::NotFound && folder(file).is_dir() => Seen::Gone,
        Err(error) => Seen::Unreadable(error.to_string()),
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What is declared by what was seen; `None`: the same as before.
#[must_use]
pub fn declared(file: &Path, seen: &Seen, config: &Heartbeat) -> Option<Brought> {
    let name = file.file_name().map_or_else(|| SOURCE.into(), |name| name.to_string_lossy());
    match seen {
        Seen::Text(text) => Some(heartbeat::declared(&name, text, config)),
        Seen::Gone => Some(Brought { notes: vec!["there is no such file".to_owned()], ..Brought::default() }),
        Seen::Unreadable(_) => None,
    }
}
