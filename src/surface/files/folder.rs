//! Reads a folder of schedule files and the folders in it, in the order of their names.
//!
//! Hidden files and folders are skipped, and so is every file that is not named like a schedule file. Links to files
//! are followed, links to folders are not, so the walk ends.
//! Not here: watching a folder for changes.

use std::fs;
use std::io;
use std::path::Path;

use super::{ScheduleFile, Syntax, mark_doubles, read_bytes, too_long, unread};
use crate::limits;
use crate::problem::Problem;

/// Reads all files. A file that cannot be opened is a file with a problem; only the folder itself can fail.
///
/// Files are named by the folder's own name and the path below it, with `/` between.
pub fn read_folder(folder: &Path) -> io::Result<Vec<ScheduleFile>> {
    let canonical = fs::canonicalize(folder)?;
    let name = canonical.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut files = Vec::new();
    walk(&canonical, &name, 0, &mut files)?;
    mark_doubles(&mut files);
    Ok(files)
}

fn walk(folder: &Path, name: &str, level: usize, files: &mut Vec<ScheduleFile>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let own = entry.file_name().to_string_lossy().into_owned();
        if own.starts_with('.') {
            continue;
        }
        let full = if name.is_empty() { own.clone() } else { format!("{name}/{own}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && level + 1 >= limits::FOLDER_LEVELS_MAX {
            let wrong = format!("lies deeper than {} folders", limits::FOLDER_LEVELS_MAX);
            files.push(unread(&full, Problem::new("", wrong)));
        } else if kind.is_dir() {
            if let Err(error) = walk(&entry.path(), &full, level + 1, files) {
                files.push(unread(&full, Problem::new("", format!("cannot be read: {error}"))));
            }
        } else if Syntax::of(&own).is_some() {
            if files.len() >= limits::FOLDER_FILES_MAX {
                return Err(io::Error::other(format!("holds more than {} files", limits::FOLDER_FILES_MAX)));
            }
            files.push(read_file(&entry.path(), &full));
        }
    }
    Ok(())
}

/// Reads one file from disk under a name of the caller's choice.
pub(super) fn read_file(path: &Path, name: &str) -> ScheduleFile {
    let bytes = fs::metadata(path).and_then(|about| {
        if !about.is_file() {
            return Err(io::Error::other("not a file"));
        }
        // Looked at before reading, so that a giant is never in memory.
        if about.len() > limits::FILE_BYTES_MAX as u64 {
            return Err(io::Error::other(too_long(about.len())));
        }
        fs::read(path)
    });
    match bytes {
        Ok(bytes) => read_bytes(name, &bytes),
        Err(error) => unread(name, Problem::new("", format!("cannot be read: {error}"))),
    }
}
