//! Reads the folder of scripts: every `.rhai` file in it and in the folders in it.
//!
//! A script is named by its path below the folder, with `/` between and without `.rhai`: `lib/text`. A folder that is
//! not there holds none.
//! Invariant: nothing from outside the folder is read; a link that leads out of it is a problem.
//! Not here: what scripts say (`script`), watching the folder (`watch`).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::FileProblems;
use super::folder::{Found, bytes_of, walk};
use crate::limits;
use crate::problem::Problem;
use crate::script::ScriptError;

/// What the names of scripts' files end in.
const ENDING: &str = ".rhai";

/// The scripts of a folder.
#[derive(Clone, Debug, Default)]
pub struct ScriptFolder {
    /// Sources by the scripts' names.
    pub sources: BTreeMap<String, String>,
    /// Files and folders that could not be read.
    pub problems: Vec<FileProblems>,
}

/// Reads all scripts. One that cannot be read is a problem; only the folder itself can fail.
pub fn read_scripts(folder: &Path) -> io::Result<ScriptFolder> {
    let root = match fs::canonicalize(folder) {
        Ok(root) => root,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ScriptFolder::default()),
        Err(error) => return Err(error),
    };
    let mut read = ScriptFolder::default();
    for found in walk(&root, limits::SCRIPTS_COUNT_MAX, |name| name.ends_with(ENDING))? {
        match source(&root, &found) {
            Ok(source) => {
                let name = found.name.strip_suffix(ENDING).unwrap_or(&found.name);
                read.sources.insert(name.to_owned(), source);
            }
            Err(problem) => {
                read.problems.push(FileProblems { file: found.shown, text: "".into(), problems: vec![problem] });
            }
        }
    }
    Ok(read)
}

/// The name of the script in a file of the folder, as problems name files.
#[must_use]
pub fn script_name(file: &str) -> &str {
    let below = file.split_once('/').map_or(file, |(_, below)| below);
    below.strip_suffix(ENDING).unwrap_or(below)
}

/// Mistakes of scripts as problems of their files.
#[must_use]
pub fn script_problems(error: &ScriptError) -> FileProblems {
    FileProblems { file: error.origin(), text: error.source_text.clone(), problems: vec![error.to_problem()] }
}

fn source(root: &Path, found: &Found) -> Result<String, Problem> {
    if let Some(trouble) = &found.trouble {
        return Err(trouble.clone());
    }
    let unread = |error: io::Error| Problem::new("", format!("cannot be read: {error}"));
    if !fs::canonicalize(&found.path).map_err(unread)?.starts_with(root) {
        let problem = Problem::new("", "is a link that leads out of the folder of scripts");
        return Err(problem.hint("put the script itself into the folder"));
    }
    let bytes = bytes_of(&found.path, limits::SCRIPT_BYTES_MAX).map_err(unread)?;
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).map(<[u8]>::to_vec).unwrap_or(bytes);
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        Problem::new("", format!("is not text: line {line} is not UTF-8"))
    })
}
