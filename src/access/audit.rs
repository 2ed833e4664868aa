//! Who changed what: one record for each request that changed something.
//!
//! Invariant: a record is written in the commit of the change itself. Units: schedules are known by their keys, which are
//! sequential, so that what was made in one go is one range.
//! Not here: which operations there are (`surface/ops`), how records are kept (`store`).

use crate::access::Actor;
use crate::id::{ScheduleKey, SessionKey};
use crate::limits;
use crate::time::Timestamp;

/// A request that changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Timestamp,
    /// Who asked.
    pub actor: Actor,
    /// In which session.
    pub session: Option<String>,
    /// By which way in.
    pub via: Via,
    /// For which operation.
    pub operation: String,
    /// What was changed.
    pub changed: Touched,
    /// The token that was made or revoked.
    pub token: Option<String>,
    /// The session that was ended, or in which something was said.
    pub conversation: Option<SessionKey>,
}

/// The way a request came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// A command that opened the store itself.
    #[default]
    Cli,
    /// The loopback HTTP surface, which other commands use, too.
    Http,
    /// The Model Context Protocol.
    Mcp,
    /// Schedule files, which the daemon applies by itself.
    Files,
    /// A model of the program's own, in a conversation or a run.
    Chat,
}

impl Via {
    /// Every way in with its word; its place is its number on disk.
    pub const ALL: [(Self, &'static str); 5] =
        [(Self::Cli, "cli"), (Self::Http, "http"), (Self::Mcp, "mcp"), (Self::Files, "files"), (Self::Chat, "chat")];

    /// The way in of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(via, _)| *via)
    }

    /// Its word on every wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(via, _)| *via == self).map_or("", |(_, word)| word)
    }
}

/// Schedules that one request changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// How many.
    pub count: u64,
    /// Which, as ranges from first to last; those beyond [`limits::AUDIT_RANGES_COUNT_MAX`] are only counted.
    pub ranges: Vec<(ScheduleKey, ScheduleKey)>,
}

impl Touched {
    /// One schedule more.
    pub fn add(&mut self, key: ScheduleKey) {
        self.count += 1;
        let is_full = self.ranges.len() >= limits::AUDIT_RANGES_COUNT_MAX;
        match self.ranges.last_mut() {
            Some((_, last)) if last.0.checked_add(1) == Some(key.0) => *last = key,
            Some(_) if is_full => {}
            Some(_) | None => self.ranges.push((key, key)),
        }
    }

    /// Whether a schedule is among those that are named.
    #[must_use]
    pub fn has(&self, key: ScheduleKey) -> bool {
        self.ranges.iter().any(|(first, last)| (first..=last).contains(&&key))
    }

    /// The schedules that are named, in order.
    pub fn keys(&self) -> impl Iterator<Item = ScheduleKey> {
        self.ranges.iter().flat_map(|(first, last)| (first.0..=last.0).map(ScheduleKey))
    }
}
