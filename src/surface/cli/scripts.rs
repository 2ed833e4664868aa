//! The folder of scripts as an engine uses it: read at its start, and again whenever it changes.
//!
//! Mistakes are logged and stop nothing: a script that is wrong keeps its last good version, and where there is none,
//! the schedules that name it say so. Not here: what is wrong with a script (`script`), `hook check` (`hook`).

use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::script::{Broken, Scripts};
use crate::surface::files::{read_scripts, script_name};

/// The scripts of a config, for an engine that runs them.
#[must_use]
pub fn load(config: &Config) -> Arc<Scripts> {
    let scripts = Arc::new(Scripts::new());
    load_again(&config.scripts, &scripts);
    scripts
}

/// The same for one command, which is told of a mistake only in a script that it names.
#[must_use]
pub fn look_up(config: &Config) -> Arc<Scripts> {
    let scripts = Arc::new(Scripts::new());
    if let Ok(read) = read_scripts(&config.scripts) {
        scripts.load(read.sources);
    }
    scripts
}

/// Takes what the folder holds now.
pub fn load_again(folder: &Path, scripts: &Scripts) {
    let mut read = match read_scripts(folder) {
        Ok(read) => read,
        Err(error) => {
            return tracing::warn!(folder = %folder.display(), "scripts stay as they were, the folder cannot be read: {error}");
        }
    };
    for file in &read.problems {
        file.problems.iter().for_each(|problem| tracing::warn!(file = file.file, "{problem}"));
        // One that cannot be read just now stays as it was.
        let name = script_name(&file.file);
        if let Some(source) = scripts.source(name) {
            read.sources.insert(name.to_owned(), source);
        }
    }
    let count = read.sources.len();
    for Broken { error, is_kept } in scripts.load(read.sources) {
        let still = if is_kept { "; its last good version is used" } else { "" };
        tracing::warn!("{error}{still}");
    }
    if count > 0 {
        tracing::info!(folder = %folder.display(), scripts = count, "scripts read");
    }
}
