//! The command line: every command and option, with its help.
//!
//! Only declared here, never acted on. What a schedule may say is in `fields`.
//! Not here: the meaning of values; the same checks judge them as judge a file's (`spec`).

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use super::bench_args::{Bench, BenchPart};
use super::books::{Audit, Process, Token};
use super::costs::Costs;
use super::fields::{Fields, ScheduleFields};
use super::held::Pause;
use super::hook_args::Hook;
pub use super::import_args::{Bulk, Crontab, EngineJson, Import, Kind};
use super::letters::DeadLetters;
use super::sessions::Sessions;
pub use super::store_args::{Backup, Restore, Verify};
pub use super::tool_args::{Mcp, Tools};

/// Schedules in, messages out, nothing lost.
#[derive(Debug, Parser)]
#[command(
    name = "chimewheel",
    version,
    about = "Schedules in, messages out, nothing lost.",
    max_term_width = 100,
    after_help = "Examples:\n  chimewheel serve\n  chimewheel add --in 2h --message 'Review the PR'\n  \
                  chimewheel add --cron '0 9 * * MON-FRI' --timezone Europe/Berlin --message 'Standup'\n  \
                  chimewheel next --cron '0 0 9 LW * ?'\n  chimewheel guide start\n\n\
                  Exit codes: 0 done, 1 failed, 2 bad input, 3 not found, 4 conflict, 5 no daemon or not allowed."
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// Config file [default: ./chimewheel.toml, then ~/.config/chimewheel/chimewheel.toml]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "CHIMEWHEEL_CONFIG",
        hide_env_values = true,
        help_heading = "Everywhere"
    )]
    pub config: Option<PathBuf>,
    /// Folder of the store and the admin token [default: the config's, else .chimewheel]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "CHIMEWHEEL_DATA",
        hide_env_values = true,
        help_heading = "Everywhere"
    )]
    pub data: Option<PathBuf>,
    /// Print JSON instead of text and tables
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Log level or filter, such as debug or info,chimewheel::store=debug
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        env = "CHIMEWHEEL_LOG",
        hide_env_values = true,
        help_heading = "Everywhere"
    )]
    pub log_level: Option<String>,
    /// Form of log lines
    #[arg(long, global = true, value_name = "FORM", help_heading = "Everywhere")]
    pub log_format: Option<LogFormat>,
}

/// Forms of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon: engine, gateways and the loopback surface
    #[command(after_help = "With no config at all it runs: console gateway, data in .chimewheel/, 127.0.0.1:7420.\n\
                            It applies the schedule files of its folder when it starts.\n\
                            It ends on Ctrl-C or SIGTERM, after the deliveries under way.")]
    Serve(Serve),
    /// Create a schedule from options or from a file
    #[command(after_help = "Examples:\n  chimewheel add --in 2h --message 'Review the PR'\n  \
                            chimewheel add --every 5s --max-runs 3 --message tick\n  \
                            chimewheel add --id morning --cron '0 9 * * MON-FRI' --timezone Europe/Berlin \
                            --message 'Good morning!'\n  chimewheel add --file schedules/standup.yaml --dry-run")]
    Add(Box<Add>),
    /// List schedules
    #[command(after_help = "Examples:\n  chimewheel list\n  chimewheel list --all --status completed --json")]
    List(List),
    /// Show one schedule in full
    #[command(after_help = "Examples:\n  chimewheel show standup\n  chimewheel show 'Daily standup' --json")]
    Show(One),
    /// Change fields of a schedule
    #[command(
        after_help = "A new trigger replaces the old one and keeps its time zone; --clear removes a field.\n\n\
                            Examples:\n  chimewheel update standup --cron '30 9 * * MON-FRI'\n  \
                            chimewheel update standup --clear max_runs --message 'Good morning, all!'"
    )]
    Update(Box<Update>),
    /// End a schedule; its history stays
    #[command(after_help = "Example:\n  chimewheel cancel standup")]
    Cancel(One),
    /// Hold a schedule until it is resumed
    #[command(after_help = "Example:\n  chimewheel pause standup --note 'On holiday until Monday'")]
    Pause(Pause),
    /// Let a paused schedule go on
    #[command(after_help = "What fell into the pause is not made up for.\n\nExample:\n  chimewheel resume standup")]
    Resume(One),
    /// Run a schedule once, now, besides its dues
    #[command(after_help = "It needs a daemon.\n\nExample:\n  chimewheel run-now standup")]
    RunNow(One),
    /// Show what became of a schedule's dues, newest first
    #[command(after_help = "Examples:\n  chimewheel runs standup\n  chimewheel runs standup --outcome failed --json")]
    Runs(Runs),
    /// Show what was given up, of all schedules
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Sum up what models took: runs, tokens and cost
    #[command(after_help = "Runs count by their dues, as far as the history is kept.\n\n\
                            Examples:\n  chimewheel costs\n  \
                            chimewheel costs --by model --since 7d --json")]
    Costs(Costs),
    /// Show conversations with agents, and end them
    #[command(subcommand)]
    Sessions(Sessions),
    /// Compute the next times of a trigger, or of a schedule
    #[command(after_help = "Prints one RFC 3339 UTC time a line; times are strictly later than --from.\n\n\
                            Examples:\n  chimewheel next --cron '0 9 * * MON-FRI' --tz Europe/Berlin -n 3\n  \
                            chimewheel next --cron '0 0 9 LW * ?' --json\n  \
                            chimewheel next --when 'every weekday at 9'\n  chimewheel next standup")]
    Next(Box<Next>),
    /// Create, update and cancel what a folder of files declares
    #[command(after_help = "Idempotent: what is unchanged, or already completed, is left alone.\n\n\
                            Examples:\n  chimewheel apply schedules --dry-run\n  chimewheel apply schedules --prune")]
    Apply(Apply),
    /// Print schedules in the form in which files declare them
    #[command(after_help = "Examples:\n  chimewheel export standup\n  chimewheel export > all.yaml\n  \
                            chimewheel export --jsonl > all.jsonl")]
    Export(Export),
    /// Bring schedules in from elsewhere
    #[command(subcommand)]
    Import(Import),
    /// Make, list and revoke tokens of agents and admins
    #[command(subcommand)]
    Token(Token),
    /// Tell who changed what, newest first
    #[command(after_help = "Examples:\n  chimewheel audit\n  chimewheel audit --schedule standup\n  \
                            chimewheel audit --agent ada --json")]
    Audit(Audit),
    /// Cancel whatever was tied to a process that has ended
    #[command(after_help = "Example:\n  chimewheel process-exited proc-abc123 --agent ada")]
    ProcessExited(Process),
    /// Tell how the engine is
    #[command(after_help = "Example:\n  chimewheel status --json")]
    Status,
    /// Check what has to be in order: config, files, disk, clock, store, daemon
    #[command(after_help = "One line a check: ok, warn or fail, and what to do. It ends with 1 when any fails.\n\n\
                            Example:\n  chimewheel doctor --json")]
    Doctor,
    /// Check every page and row of the store, also while a daemon runs, or of a backup
    #[command(after_help = "Nothing is changed. It ends with 1 when anything is wrong.\n\n\
                            Examples:\n  chimewheel verify\n  chimewheel verify backup.redb --json")]
    Verify(Verify),
    /// Write a consistent copy of the store to a file, also while a daemon runs
    #[command(after_help = "Examples:\n  chimewheel backup backup.redb\n  chimewheel backup backup.redb --force")]
    Backup(Backup),
    /// Put a backup in place of a stopped store
    #[command(after_help = "The backup is verified first. What fired since it was made may fire again.\n\n\
                            Example:\n  chimewheel restore backup.redb --force")]
    Restore(Restore),
    /// Give unused space in a stopped store's file back to the system
    Compact,
    /// Serve an agent's client over standard input and output (Model Context Protocol)
    #[command(
        after_help = "It asks the daemon; where none runs, schedules fire only while such a process lives.\n\n\
                            Example:\n  chimewheel mcp --agent my-assistant --gateway console --chat-id me"
    )]
    Mcp(Mcp),
    /// Print the tools for agents, as text or for a model provider
    #[command(after_help = "Examples:\n  chimewheel tools\n  chimewheel tools --format openai --set canonical")]
    Tools(Tools),
    /// Write, check and try scripts
    #[command(subcommand)]
    Hook(Hook),
    /// Read the manual
    #[command(after_help = "Examples:\n  chimewheel guide\n  chimewheel guide cron")]
    Guide(Guide),
    /// Check or show the config
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Measure the program on this machine and judge its bars
    #[command(after_help = "Each structure runs in a process of its own; a million timers take about a minute.\n\
                            `cargo bench --bench wheel --bench calendar` measures other crates, too.\n\n\
                            Examples:\n  chimewheel bench --timers 10000000\n  \
                            chimewheel bench wheel --only chimewheel --svg wheel.svg\n  chimewheel bench cron --json\n  \
                            chimewheel bench engine --schedules 10000000 --place /var/tmp")]
    Bench(Box<Bench>),
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Folder of schedule files [default: the config's, else schedules]
    #[arg(long, value_name = "DIR")]
    pub schedules: Option<PathBuf>,
    /// Loopback address to answer on; port 0 takes any [default: the config's, else 127.0.0.1:7420]
    #[arg(long, value_name = "ADDR", conflicts_with = "no_listen")]
    pub listen: Option<String>,
    /// Do not answer at all; other commands then cannot reach this daemon
    #[arg(long)]
    pub no_listen: bool,
}

/// Options of `add`.
#[derive(Debug, Args)]
pub struct Add {
    /// The schedule.
    #[command(flatten)]
    pub fields: ScheduleFields,
    /// Create all schedules of this YAML, TOML or JSON file (- for standard input, as YAML)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ScheduleFields", "Fields"])]
    pub file: Option<PathBuf>,
    /// Check and preview only
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `list`.
#[derive(Debug, Args)]
pub struct List {
    /// Only schedules of this agent
    #[arg(long)]
    pub agent: Option<String>,
    /// Only schedules in this status
    #[arg(long)]
    pub status: Option<StatusWord>,
    /// At most this many
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Schedules that have ended, too
    #[arg(long)]
    pub all: bool,
}

/// Statuses of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusWord {
    /// Armed.
    Active,
    /// Held.
    Paused,
    /// Without dues left.
    Completed,
    /// Ended by its owner.
    Cancelled,
}

/// One schedule.
#[derive(Debug, Args)]
pub struct One {
    /// Id or name
    #[arg(value_name = "SCHEDULE")]
    pub schedule: String,
    /// Its owner: a name alone is the default agent's
    #[arg(long)]
    pub agent: Option<String>,
}

/// Options of `update`.
#[derive(Debug, Args)]
pub struct Update {
    /// Id or name
    #[arg(value_name = "SCHEDULE")]
    pub schedule: String,
    /// Its owner: a name alone is the default agent's
    #[arg(long)]
    pub agent: Option<String>,
    /// The change.
    #[command(flatten)]
    pub fields: Fields,
    /// Give it this name
    #[arg(long)]
    pub name: Option<String>,
    /// Remove this field, such as max_runs or destination.thread
    #[arg(long, value_name = "FIELD")]
    pub clear: Vec<String>,
    /// Check and preview only
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `runs`.
#[derive(Debug, Args)]
pub struct Runs {
    /// Which schedule
    #[command(flatten)]
    pub one: One,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Only those that ended like this
    #[arg(long)]
    pub outcome: Option<OutcomeWord>,
}

/// What may become of a due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutcomeWord {
    /// The gateway took it.
    Delivered,
    /// It ran and nothing was to be sent.
    Silent,
    /// It did not run.
    Skipped,
    /// It was given up.
    Failed,
    /// Its schedule was cancelled or replaced first.
    Cancelled,
    /// Nobody knows whether the gateway took it.
    Unknown,
}

/// Options of `next`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct Next {
    /// Id or name of a schedule
    #[arg(value_name = "SCHEDULE", group = "what")]
    pub schedule: Option<String>,
    /// Cron expression: 5 fields are Unix cron, 6 or 7 are Quartz
    #[arg(long, value_name = "EXPR", group = "what")]
    pub cron: Option<String>,
    /// Period, such as 30m
    #[arg(long, value_name = "SPAN", allow_hyphen_values = true, group = "what")]
    pub every: Option<String>,
    /// Time, RFC 3339 or local to --tz
    #[arg(long, value_name = "TIME", group = "what")]
    pub at: Option<String>,
    /// Span from now, such as 2h
    #[arg(long = "in", value_name = "SPAN", allow_hyphen_values = true, group = "what")]
    pub after: Option<String>,
    /// Plain words, such as 'tomorrow at 9am' or 'every weekday at 9'
    #[arg(long, value_name = "WORDS", group = "what")]
    pub when: Option<String>,
    /// First due of --every [default: one period after --from]
    #[arg(long, value_name = "TIME")]
    pub anchor: Option<String>,
    /// Leave out these dates, weekdays or hours, such as 2026-12-24..2026-12-26; may be given several times
    #[arg(long, value_name = "DAYS", conflicts_with = "schedule")]
    pub except: Vec<String>,
    /// Time zone [default: the config's, else UTC]
    #[arg(long, visible_alias = "timezone", value_name = "ZONE")]
    pub tz: Option<String>,
    /// Times strictly later than this [default: now]
    #[arg(long, value_name = "RFC3339")]
    pub from: Option<String>,
    /// How many times
    #[arg(short, long = "count", value_name = "N", default_value_t = 5)]
    pub n: usize,
    /// Cron dialect: auto, unix or quartz
    #[arg(long, value_name = "DIALECT")]
    pub dialect: Option<String>,
    /// The schedule's owner: a name alone is the default agent's
    #[arg(long, requires = "schedule")]
    pub agent: Option<String>,
}

/// Options of `apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// Folder of YAML, TOML and JSON files
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Cancel schedules whose declaration is gone from this folder
    #[arg(long)]
    pub prune: bool,
    /// Say what would happen
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Ids or names [default: all that have not ended]
    #[arg(value_name = "SCHEDULE")]
    pub schedules: Vec<String>,
    /// Only schedules of this agent
    #[arg(long)]
    pub agent: Option<String>,
    /// Form of the output
    #[arg(long, default_value = "yaml")]
    pub format: ExportFormat,
    /// One JSON object a line, page by page, for any number of schedules; `import bulk` reads it
    #[arg(long, conflicts_with = "format")]
    pub jsonl: bool,
}

/// Forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A YAML list, as a schedule file holds it.
    Yaml,
    /// A JSON list.
    Json,
}

/// Options of `guide`.
#[derive(Debug, Args)]
pub struct Guide {
    /// Page; without one, the pages are listed
    pub topic: Option<String>,
}

/// Commands about the config.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say everything that is wrong with the config, and what it asks for in vain
    Check,
    /// Print the effective config
    Show,
}
