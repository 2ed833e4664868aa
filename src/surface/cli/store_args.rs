//! Options of the commands about the database file, and of those that bring many schedules in.
//!
//! Only declared here, never acted on. Not here: all other commands (`args`).

use std::path::PathBuf;

use clap::{Args, Subcommand};

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

/// Where schedules are brought in from.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Create schedules from JSON Lines: one schedule a line, with the fields of a schedule file
    #[command(
        after_help = "All lines are judged first; with a wrong one nothing is applied. What is there already, by\n\
                            id or client_token, is left alone: repeating the command is harmless.\n\n\
                            Examples:\n  chimewheel import bulk all.jsonl\n  \
                            chimewheel export --jsonl | chimewheel --data elsewhere import bulk -"
    )]
    Bulk(Bulk),
}

/// Options of `import bulk`.
#[derive(Debug, Args)]
pub struct Bulk {
    /// File of JSON Lines (- for standard input)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Apply the good lines though others are wrong, and tell which were skipped
    #[arg(long)]
    pub skip_bad: bool,
    /// Check only
    #[arg(long)]
    pub dry_run: bool,
}
