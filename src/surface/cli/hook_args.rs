//! What `hook` may be given.
//!
//! Only declared here, never acted on (`hook`, `hook_test`).

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Commands about scripts.
#[derive(Debug, Subcommand)]
pub enum Hook {
    /// Write a script to begin with; one that is there already stays as it is
    #[command(
        after_help = "Without --like it has every function in comments. The recipes are listed by: chimewheel guide \
                      hooks\n\nExamples:\n  chimewheel hook new standup\n  chimewheel hook new team/mail --like \
                      only-urgent"
    )]
    New(HookNew),
    /// Say everything that is wrong with scripts
    #[command(after_help = "Examples:\n  chimewheel hook check\n  chimewheel hook check standup lib/text --json")]
    Check(HookCheck),
    /// Run a script, or a template, without sending or storing anything
    #[command(
        after_help = "Without --schedule, --file and --context the schedule is made up. It ends with 1 when a function \
                      failed.\n\nExamples:\n  chimewheel hook test standup\n  chimewheel hook test --file \
                      schedules/greeting.yaml --at 2026-11-23T08:30:00+01:00\n  chimewheel hook test only-urgent \
                      --result '{\"urgent\": true, \"summary\": \"fire\"}'\n  chimewheel hook test --template 'It is \
                      ${fire.weekday}'"
    )]
    Test(Box<HookTest>),
    /// List the scripts of the folder
    #[command(after_help = "Example:\n  chimewheel hook list --json")]
    List,
}

/// Options of `hook new`.
#[derive(Debug, Args)]
pub struct HookNew {
    /// Name of the script: its file below the folder of scripts, without .rhai
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Begin with a copy of this recipe
    #[arg(long, value_name = "RECIPE")]
    pub like: Option<String>,
}

/// Options of `hook check`.
#[derive(Debug, Args)]
pub struct HookCheck {
    /// Names of scripts [default: all]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// All of them
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
}

/// Options of `hook test`.
#[derive(Debug, Args)]
pub struct HookTest {
    /// Name of the script [default: the schedule's own]
    #[arg(value_name = "NAME", conflicts_with = "template")]
    pub name: Option<String>,
    /// Work out this template instead
    #[arg(long, value_name = "TEXT")]
    pub template: Option<String>,
    /// With this schedule of the store; beside --file, with this one of the file
    #[arg(long, value_name = "SCHEDULE")]
    pub schedule: Option<String>,
    /// Owner of the schedule: a name alone is the default agent's
    #[arg(long, requires = "schedule")]
    pub agent: Option<String>,
    /// With the schedule of this YAML, TOML or JSON file
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// With what this JSON file says of the run: schedule, fire, last, session, state, result (- for standard input)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["schedule", "file"])]
    pub context: Option<PathBuf>,
    /// The result of the run [default: its message, or its instruction]
    #[arg(long, value_name = "TEXT", conflicts_with = "result_file", allow_hyphen_values = true)]
    pub result: Option<String>,
    /// The same from a file (- for standard input)
    #[arg(long, value_name = "FILE")]
    pub result_file: Option<PathBuf>,
    /// The attempt fails with this error, so that failed() is asked
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["result", "result_file"], allow_hyphen_values = true)]
    pub error: Option<String>,
    /// Time of the run [default: the schedule's next due]
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
    /// What the script has kept so far
    #[arg(long, value_name = "JSON")]
    pub state: Option<String>,
}
