//! Dead letters on the wire: what is asked and what is answered.
//!
//! A dead letter's id is its schedule's, its generation and the milliseconds of its due, with colons between; that of one
//! of several deliveries has its number behind.
//! Not here: where they are found (`store`), what trying again means (`engine`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply::{DeliveryShown, Instant};
use super::told::RunTold;

/// Lists occurrences of any schedule that were given up, newest due first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeadLetters {
    /// Only those of this agent; an agent sees nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Only those of this schedule: its id, or its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Only those that were for a chat of this gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Only those due at this instant or later; or within a span up to now, such as `7d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// At most this many; default: 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Where the last page ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Shows everything that is known of one dead letter, also once it has been tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterShow {
    /// Its id.
    pub id: String,
}

/// Names one dead letter, or all that fit. Exactly one of `id` and `all`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Chosen {
    /// The id of one, or of one of its deliveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// All that fit what follows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// With `all`: only those of this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// With `all`: only those of this schedule: its id, or its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// With `all`: only those that were for a chat of this gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// With `all`: only those due at this instant or later; or within a span up to now, such as `7d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// With `all`: the newest so many; default: as many as there may be at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Says what would happen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// Tries dead letters again: the same bytes under the same keys, with attempts and an age that begin anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DeadLettersRetry(pub Chosen);

/// Takes dead letters off the list, because somebody has seen them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DeadLettersDrop(pub Chosen);

/// Dead letters, newest due first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLettersListed {
    /// Each with its schedule.
    pub dead_letters: Vec<LetterLine>,
    /// There may be more; ask again with this. A page may be short, or empty, and have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The last day of this page had more occurrences than are looked at: not all of its dead letters are here. Those of
    /// one schedule are in its history.
    #[serde(default)]
    pub cut: bool,
}

/// A dead letter of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LetterLine {
    /// What names it.
    pub id: String,
    /// The occurrence.
    #[serde(flatten)]
    pub told: RunTold,
}

/// What somebody asked for after it had been given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetriedShown {
    /// How often.
    pub times: u16,
    /// When, the last time.
    pub at: Instant,
}

/// Everything that is known of a dead letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LetterShown {
    /// The occurrence.
    #[serde(flatten)]
    pub line: Box<LetterLine>,
    /// Where its text goes, as `gateway:chat` or `gateway:chat/thread`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// The idempotency key under which it is sent, the same at every attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is sent; left out where the run itself failed, or for several deliveries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its deliveries, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<LetterPart>,
    /// What trying it again would do: `send`, or `run` where there is no text; left out if it cannot be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// Why it cannot be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// One of several deliveries of a dead letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LetterPart {
    /// What names it.
    pub id: String,
    /// The idempotency key under which it is sent.
    pub key: String,
    /// How far it is.
    #[serde(flatten)]
    pub delivery: DeliveryShown,
}

/// What was done about dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LettersDone {
    /// About how many it was done, or would be.
    pub count: u64,
    /// Their ids, of the first thousand, oldest due first.
    pub ids: Vec<String>,
    /// About how many nothing could be done.
    pub refused_count: u64,
    /// Of the first thousand of these: which, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<LetterRefused>,
    /// There are more that fit than are taken at once, or not all days could be looked at: ask again.
    #[serde(default)]
    pub more: bool,
    /// Nothing was done.
    #[serde(default)]
    pub dry_run: bool,
    /// What should be known besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A dead letter about which nothing could be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LetterRefused {
    /// Its id.
    pub id: String,
    /// Why.
    pub why: String,
}
