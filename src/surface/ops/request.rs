//! What can be asked: the bodies of all requests.
//!
//! Strict: an unknown key is refused. A schedule itself travels as the JSON object that a file would hold.
//! Units: times are RFC 3339 texts, spans are texts such as `2h`.
//! Not here: what a schedule may say (`spec`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::books::{Audit, ProcessExited, TokenList, TokenNew, TokenRevoke};
pub use super::costs::Costs;
pub use super::letters::{DeadLetterShow, DeadLetters, DeadLettersDrop, DeadLettersRetry};
pub use super::sessions::{Inbound, Session, SessionAnswer, SessionEnd, SessionMessages, Sessions};
pub use super::verified::Verify;

/// Names one schedule: by id, or by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// Its id, or its name.
    pub schedule: String,
    /// Its owner; a name alone is the default agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Only while its declaration is of this generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
}

/// The text of one schedule file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileText {
    /// Its path, which says whether it is YAML or TOML.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unreadable {
    /// Its path.
    pub path: String,
    /// Why.
    pub why: String,
}

/// Creates one schedule, or all schedules of one file. Exactly one of `schedule` and `file`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Add {
    /// The schedule as a file would declare it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Value>,
    /// A file of schedules; they do not stay tied to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileText>,
    /// Checks and previews only.
    pub dry_run: bool,
}

/// Creates, updates and cancels what a folder of files declares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Apply {
    /// The folder, for the schedules' `source` and for pruning.
    pub folder: String,
    /// All its files.
    pub files: Vec<FileText>,
    /// Files that are there but could not be read: nothing of theirs is pruned.
    pub unreadable: Vec<Unreadable>,
    /// Cancels schedules whose declaration is gone.
    pub prune: bool,
    /// Says what would happen.
    pub dry_run: bool,
}

/// Lists schedules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct List {
    /// Only those of this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Only those in this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Only the one of this name, or those of several agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only those with this label, as `key` or `key=value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Only those whose last due ended like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Those that have ended, too.
    pub all: bool,
    /// At most this many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Where the last page ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Each with its declaration.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub declarations: bool,
}

/// Changes fields of one schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Which.
    pub schedule: String,
    /// Its owner; a name alone is the default agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// A JSON merge patch (RFC 7396) of its declaration; a new trigger replaces the old one.
    pub patch: Value,
    /// Only while its declaration is of this generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// Checks and previews only.
    #[serde(default)]
    pub dry_run: bool,
}

macro_rules! selecting {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Selector);
    )+};
}

selecting! {
    /// Shows one schedule with its next times.
    Show;
    /// Ends one schedule.
    Cancel;
    /// Lets a paused schedule go on.
    Resume;
    /// Runs one schedule once, now.
    RunNow;
}

/// Holds one schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Its id, or its name.
    pub schedule: String,
    /// Its owner; a name alone is the default agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Only while its declaration is of this generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// Why; it is shown until the schedule is resumed. One that is paused already takes a new note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl From<Selector> for Pause {
    fn from(Selector { schedule, agent, generation }: Selector) -> Self {
        Self { schedule, agent, generation, note: None }
    }
}

/// Shows what became of a schedule's dues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// Which.
    pub schedule: String,
    /// Its owner; a name alone is the default agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// At most this many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Only those that ended like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Only those due at this instant or later; or within a span up to now, such as `7d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Where the last page ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Computes the next times of a trigger or a schedule. Exactly one of `schedule`, `cron`, `every`, `at`, `in`,
/// `when`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Preview {
    /// A schedule's id or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The schedule's owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// A cron expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// A period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// The first due of `every`; default: one period after `from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// An instant, or a local time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// A span from now.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// `auto`, `unix` or `quartz`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// Dates, weekdays and hours on which its dues do not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// The zone; default: the schedule's, or its agent's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Times strictly later than this; default: now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<usize>,
}

/// Writes schedules in the form in which files declare them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Export {
    /// Ids or names; empty: all that have not ended.
    pub schedules: Vec<String>,
    /// Only those of this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Where the last page ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Creates many schedules. Lines that are there already are left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Import {
    /// One schedule a line, as the JSON object that a file would hold.
    pub text: String,
    /// Judges only.
    pub check: bool,
    /// Applies good lines though others are wrong.
    pub skip_bad: bool,
}

/// Writes a consistent copy of the store to a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// Where to; an absolute path.
    pub file: String,
    /// Replaces a file that is there.
    pub force: bool,
}

/// Tells what has changed since a cursor: schedules, and what became of their dues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    /// Where the last answer ended; without it, nothing is told but where the end is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Looks at no more than this many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Tells how the engine is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {}
