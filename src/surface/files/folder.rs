//! Walks a folder and the folders in it, in the order of their names, and reads its schedule files.
//!
//! Hidden files and folders are skipped, and so is every file that is not named as wanted. Links to folders are not
//! followed, so the walk ends; links to files are the reader's to judge.
//! Not here: watching a folder for changes, reading scripts (`scripts`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{ScheduleFile, Syntax, mark_doubles, read_bytes, too_long, unread};
use crate::limits;
use crate::problem::Problem;

/// Reads all schedule files. A file that cannot be opened is a file with a problem; only the folder itself can fail.
///
/// Files are named by the folder's own name and the path below it, with `/` between.
pub fn read_folder(folder: &Path) -> io::Result<Vec<ScheduleFile>> {
    let found = walk(folder, limits::FOLDER_FILES_MAX, |name| Syntax::of(name).is_some())?;
    let read = |found: &Found| match &found.trouble {
        Some(trouble) => unread(&found.shown, trouble.clone()),
        None => read_file(&found.path, &found.shown),
    };
    let mut files: Vec<ScheduleFile> = found.iter().map(read).collect();
    mark_doubles(&mut files);
    Ok(files)
}

/// A file that was asked for, or a folder that could not be looked into.
pub(super) struct Found {
    /// Where it lies.
    pub path: PathBuf,
    /// The path below the folder, with `/` between.
    pub name: String,
    /// The same behind the folder's own name.
    pub shown: String,
    /// Why there is nothing to be read.
    pub trouble: Option<Problem>,
}

/// Finds the files whose names are wanted, at most so many.
pub(super) fn walk(folder: &Path, most: usize, wanted: fn(&str) -> bool) -> io::Result<Vec<Found>> {
    let canonical = fs::canonicalize(folder)?;
    let own = canonical.file_name().map_or_else(String::new, |name| format!("{}/", name.to_string_lossy()));
    let mut walk = Walk { own, most, wanted, found: Vec::new() };
    walk.look_into(&canonical, "", 0)?;
    Ok(walk.found)
}

struct Walk {
    /// The folder's own name, with a slash behind it.
    own: String,
    most: usize,
    wanted: fn(&str) -> bool,
    found: Vec<Found>,
}

impl Walk {
    fn look_into(&mut self, folder: &Path, above: &str, level: usize) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let own = entry.file_name().to_string_lossy().into_owned();
            if own.starts_with('.') {
                continue;
            }
            let name = if above.is_empty() { own.clone() } else { format!("{above}/{own}") };
            let kind = entry.file_type()?;
            if kind.is_dir() && level + 1 >= limits::FOLDER_LEVELS_MAX {
                let wrong = format!("lies deeper than {} folders", limits::FOLDER_LEVELS_MAX);
                self.find(&entry.path(), &name, Some(Problem::new("", wrong)));
            } else if kind.is_dir() {
                if let Err(error) = self.look_into(&entry.path(), &name, level + 1) {
                    let trouble = Problem::new("", format!("cannot be read: {error}"));
                    self.find(&entry.path(), &name, Some(trouble));
                }
            } else if (self.wanted)(&own) {
                if self.found.len() >= self.most {
                    return Err(io::Error::other(format!("holds more than {} files", self.most)));
                }
                self.find(&entry.path(), &name, None);
            }
        }
        Ok(())
    }

    fn find(&mut self, path: &Path, name: &str, trouble: Option<Problem>) {
        let shown = format!("{}{name}", self.own);
        self.found.push(Found { path: path.to_owned(), name: name.to_owned(), shown, trouble });
    }
}

/// Reads one file from disk under a name of the caller's choice.
pub(super) fn read_file(path: &Path, name: &str) -> ScheduleFile {
    match bytes_of(path, limits::FILE_BYTES_MAX) {
        Ok(bytes) => read_bytes(name, &bytes),
        Err(error) => unread(name, Problem::new("", format!("cannot be read: {error}"))),
    }
}

/// The bytes of a file that is no longer than `most`.
pub(super) fn bytes_of(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::other("not a file"));
    }
    // Looked at before reading, so that a giant is never in memory.
    if about.len() > most as u64 {
        return Err(io::Error::other(too_long(about.len(), most)));
    }
    fs::read(path)
}
