//! Options of `import`: where many schedules are brought in from.
//!
//! Only declared here, never acted on. Not here: all other commands (`args`).

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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
    /// Bring over the schedules of a duragent folder
    #[command(after_help = "Reads schedules/*.yaml and schedules/runs/*.jsonl below DIR, or *.yaml in it.\n\n\
                            Example:\n  chimewheel import duragent .duragent --dry-run")]
    Duragent(Duragent),
    /// Bring over the schedules of a HEARTBEAT.md
    #[command(after_help = "Example:\n  chimewheel import heartbeat HEARTBEAT.md --timezone Europe/Berlin")]
    Heartbeat(Heartbeat),
    /// Bring over the schedules of OpenClaw
    #[command(after_help = "Example:\n  chimewheel import openclaw ~/.openclaw/cron/jobs.json --to telegram_123456")]
    Openclaw(Openclaw),
    /// Bring over the lines of a crontab
    #[command(after_help = "A command is not run here: say what a line becomes.\n\n\
                            Examples:\n  crontab -l | chimewheel import crontab - --as message --to console_local\n  \
                            chimewheel import crontab /etc/crontab --system --as task --model local/sh --dry-run")]
    Crontab(Crontab),
    /// Say what an engine.json means here, key by key; nothing is applied
    #[command(after_help = "Example:\n  chimewheel import engine-json engine.json")]
    EngineJson(EngineJson),
}

/// Options of `import duragent`.
#[derive(Debug, Args)]
pub struct Duragent {
    /// The folder
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// What every import has.
    #[command(flatten)]
    pub manner: Manner,
}

/// What every import of another program's files has.
#[derive(Clone, Copy, Debug, Args)]
pub struct Manner {
    /// Cancel what an earlier import of a file of this name brought and what it declares no more
    #[arg(long)]
    pub prune: bool,
    /// Say what would happen
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `import heartbeat`.
#[derive(Debug, Args)]
pub struct Heartbeat {
    /// The file (- for standard input)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What every import has.
    #[command(flatten)]
    pub manner: Manner,
    /// Owner of its schedules
    #[arg(long)]
    pub agent: Option<String>,
    /// IANA zone of its times [default: the config's, else UTC]
    #[arg(long, visible_alias = "tz", value_name = "ZONE")]
    pub timezone: Option<String>,
}

/// Options of `import openclaw`.
#[derive(Debug, Args)]
pub struct Openclaw {
    /// The file (- for standard input)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What every import has.
    #[command(flatten)]
    pub manner: Manner,
    /// Chat of what names none, such as telegram_123456
    #[arg(long, value_name = "CHAT")]
    pub to: Option<String>,
    /// IANA zone of times that name none [default: the config's, else UTC]
    #[arg(long, visible_alias = "tz", value_name = "ZONE")]
    pub timezone: Option<String>,
}

/// Options of `import crontab`.
#[derive(Debug, Args)]
pub struct Crontab {
    /// The file (- for standard input)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What every import has.
    #[command(flatten)]
    pub manner: Manner,
    /// What a command becomes
    #[arg(long = "as", value_name = "KIND")]
    pub becomes: Option<Kind>,
    /// Model of each task, such as one of a provider of kind command
    #[arg(long, value_name = "PROVIDER/MODEL", required_if_eq("becomes", "task"))]
    pub model: Option<String>,
    /// The system's crontab: a user's name stands before each command
    #[arg(long)]
    pub system: bool,
    /// Owner of its schedules
    #[arg(long)]
    pub agent: Option<String>,
    /// Chat that the texts go to, such as telegram_123456 [default: they are only recorded]
    #[arg(long, value_name = "CHAT")]
    pub to: Option<String>,
    /// IANA zone of times above any CRON_TZ line [default: the config's, else UTC]
    #[arg(long, visible_alias = "tz", value_name = "ZONE")]
    pub timezone: Option<String>,
}

/// What a command becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Its text is sent.
    Message,
    /// It is handed to a model.
    Task,
}

/// Options of `import engine-json`.
#[derive(Debug, Args)]
pub struct EngineJson {
    /// The file (- for standard input)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
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
