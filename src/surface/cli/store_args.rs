//! Options of the commands about the database file.
//!
//! Only declared here, never acted on. Not here: all other commands (`args`), `import` (`import_args`).

use std::path::PathBuf;

use clap::Args;

/// Options of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Database file, such as a backup [default: the store of the data folder]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Options of `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// Where to
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Move the store that is there aside
    #[arg(long)]
    pub force: bool,
}
