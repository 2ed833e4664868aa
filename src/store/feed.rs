//! What the latest commits put, read back from the journal: the source of the live feed.
//!
//! A place is a commit's number, which never goes back and survives restarts, and the place of an entry within the
//! commit. A commit can be read as long as its journal row is kept: until it is folded, and the latest
//! `limits::FEED_COMMITS_COUNT_MIN` in any case, across restarts too.
//! Invariant: what is read is durable; nothing is told twice or left out between two places, or a gap is told.
//! Not here: whose business an entry is (`surface`).

use redb::{ReadTransaction, ReadableTable};

use super::error::StoreError;
use super::journal;
use super::reader::Reader;
use super::row::read_run;
use super::tables::{self, JOURNAL, meta};
use crate::engine::change::{Run, State};
use crate::id::ScheduleKey;

/// A place in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedCursor {
    /// The commit.
    pub commit: u64,
    /// Entries of it that have been told; `None`: all of it.
    pub told: Option<u32>,
}

/// One entry of a commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The place behind it.
    pub cursor: FeedCursor,
    /// What it put.
    pub what: What,
}

/// What an entry put.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The row of a schedule, without a run of the same schedule in the same commit.
    State(ScheduleKey, State),
    /// The row of a schedule whose run is in the same commit.
    StateOfRun(ScheduleKey, State),
    /// A run.
    Run(Run),
}

/// A stretch of the feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Fed {
    /// In the order of commits; within a commit, rows of schedules before runs.
    pub pieces: Vec<Piece>,
    /// Where it ends.
    pub cursor: FeedCursor,
    /// There are more.
    pub more: bool,
}

impl Reader {
    /// Where the feed ends now.
    pub fn feed_end(&self) -> Result<FeedCursor, StoreError> {
        let disk = self.feed_disk();
        Ok(FeedCursor { commit: end(&disk)?, told: None })
    }

    /// Up to `limit` entries after a place; `None` when some of them are not known any more, or when the place is
    /// none of this store.
    pub fn feed(&self, after: FeedCursor, limit: usize) -> Result<Option<Fed>, StoreError> {
        let disk = self.feed_disk();
        let end = end(&disk)?;
        let table = disk.open_table(JOURNAL)?;
        let oldest = table.first()?.map_or(end + 1, |(seq, _)| seq.value());
        let from = if after.told.is_some() { after.commit } else { after.commit.saturating_add(1) };
        if after.commit > end || from < oldest {
            return Ok(None);
        }
        let mut fed = Fed { pieces: Vec::new(), cursor: after, more: false };
        for row in table.range(from..)? {
            let (seq, bytes) = row?;
            let commit = seq.value();
            let skip = if commit == after.commit { after.told.unwrap_or(0) as usize } else { 0 };
            let entries = entries_of(commit, bytes.value())?;
            for (place, what) in entries.into_iter().enumerate().skip(skip) {
                if fed.pieces.len() == limit {
                    fed.more = true;
                    return Ok(Some(fed));
                }
                fed.cursor = FeedCursor { commit, told: Some(place as u32 + 1) };
                fed.pieces.push(Piece { cursor: fed.cursor, what });
            }
            fed.cursor = FeedCursor { commit, told: None };
        }
        Ok(Some(fed))
    }

    fn feed_disk(&self) -> std::sync::Arc<ReadTransaction> {
        std::sync::Arc::clone(&self.shared.view().disk)
    }
}

/// The latest commit that was written to the journal.
fn end(disk: &ReadTransaction) -> Result<u64, StoreError> {
    let folded = tables::number(disk, meta::FOLDED_THROUGH)?.unwrap_or_default();
    let last = disk.open_table(JOURNAL)?.last()?.map(|(seq, _)| seq.value());
    Ok(last.map_or(folded, |last| last.max(folded)))
}

fn entries_of(commit: u64, bytes: &[u8]) -> Result<Vec<What>, StoreError> {
    let in_row = |why: super::error::Malformed| why.in_row("journal", commit);
    let entries = journal::decode(bytes).map_err(in_row)?;
    let ran: std::collections::HashSet<ScheduleKey> =
        entries.runs.iter().map(|run| run.occurrence.schedule).collect();
    let mut all: Vec<What> = entries
        .states
        .into_iter()
        .map(|(key, state)| if ran.contains(&key) { What::StateOfRun(key, state) } else { What::State(key, state) })
        .collect();
    for run in entries.runs {
        let row = &bytes[run.at as usize..(run.at + run.len) as usize];
        all.push(What::Run(read_run(run.occurrence, row).map_err(in_row)?));
    }
    Ok(all)
}
