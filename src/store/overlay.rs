//! What is committed but not folded yet: the part of the store that lives in memory.
//!
//! A [`Layer`] holds the latest put of each state and run among a stretch of commits; runs stay in the bytes of the
//! journal rows, which the layer keeps. Two layers exist at most: one filling, one being folded. A layer leaves
//! only when all of it is on disk, so a read that looks at the filling layer, then at the other one, then at the disk
//! never sees a stale row, however far the fold has come.
//! Invariant: [`View`] is replaced in one step after each commit, and its snapshot is the disk of that very commit.
//! Not here: when to fold (`writer`), how (`fold`).

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashMap;
use redb::ReadTransaction;

use super::error::{Malformed, RowError};
use super::journal::Entries;
use super::row;
use crate::calendar::Patterns;
use crate::engine::change::{Run, State};
use crate::id::{OccurrenceId, ScheduleKey};

const NONE: u32 = u32::MAX;

/// The latest puts of a stretch of commits.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// The last commit in it.
    pub through: u64,
    /// How many commits it holds.
    pub commits: usize,
    /// Bytes of their journal rows.
    pub bytes: usize,
    pub states: HashMap<u64, State>,
    pub runs: Vec<RunEntry>,
    by_occurrence: HashMap<OccurrenceId, u32>,
    newest: HashMap<u64, u32>,
    rows: Vec<Arc<[u8]>>,
}

/// Where a run's row is, and the next older run of the same schedule.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunEntry {
    pub occurrence: OccurrenceId,
    pub settled: bool,
    /// The day whose ledger it belongs to: that of its last due.
    pub day: i64,
    row: u32,
    at: u32,
    len: u32,
    older: u32,
}

impl RunEntry {
    /// Whether it went with the history before that day.
    pub(super) fn is_dropped(&self, history_from: i64) -> bool {
        self.settled && self.day < history_from
    }
}

impl Layer {
    /// Rows that its fold will write.
    pub(super) fn len(&self) -> usize {
        self.states.len() + self.runs.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commits == 0
    }

    /// Takes in one commit.
    pub(super) fn put(&mut self, seq: u64, row: Arc<[u8]>, entries: &Entries) {
        self.through = seq;
        self.commits += 1;
        self.bytes += row.len();
        self.states.extend(entries.states.iter().map(|&(key, state)| (key.0, state)));
        let number = self.rows.len() as u32;
        for run in &entries.runs {
            let place = self.runs.len() as u32;
            let fresh = RunEntry {
                occurrence: run.occurrence,
                settled: run.settled,
                day: run.day,
                row: number,
                at: run.at,
                len: run.len,
                older: NONE,
            };
            let known = *self.by_occurrence.entry(run.occurrence).or_insert(place);
            if known == place {
                let older = self.newest.insert(run.occurrence.schedule.0, place).unwrap_or(NONE);
                self.runs.push(RunEntry { older, ..fresh });
            } else {
                let older = self.runs[known as usize].older;
                self.runs[known as usize] = RunEntry { older, ..fresh };
            }
        }
        self.rows.push(row);
    }

    /// Empties it, keeping its memory for the next stretch.
    pub(super) fn clear(&mut self) {
        (self.through, self.commits, self.bytes) = (0, 0, 0);
        self.states.clear();
        self.runs.clear();
        self.by_occurrence.clear();
        self.newest.clear();
        self.rows.clear();
    }

    /// The bytes of a run's row.
    pub(super) fn row_of(&self, entry: &RunEntry) -> &[u8] {
        &self.rows[entry.row as usize][entry.at as usize..(entry.at + entry.len) as usize]
    }

    pub(super) fn entry(&self, occurrence: OccurrenceId) -> Option<&RunEntry> {
        self.by_occurrence.get(&occurrence).map(|&place| &self.runs[place as usize])
    }

    /// The runs of one schedule, the one taken up last first.
    pub(super) fn runs_of(&self, schedule: ScheduleKey) -> impl Iterator<Item = &RunEntry> {
        let first = self.newest.get(&schedule.0).copied().unwrap_or(NONE);
        let at = |place: u32| self.runs.get(place as usize);
        std::iter::successors(at(first), move |entry| at(entry.older))
    }

    pub(super) fn read(&self, entry: &RunEntry) -> Result<Run, Box<RowError>> {
        row::read_run(entry.occurrence, self.row_of(entry))
            .map_err(|why: Malformed| why.in_row("journal", format!("{:?}", entry.occurrence)))
    }
}

/// One consistent sight of the store: a disk snapshot and the layers above it.
pub(super) struct View {
    pub disk: Arc<ReadTransaction>,
    pub filling: Layer,
    pub folding: Option<Arc<Layer>>,
    /// Days that have a ledger.
    pub days: Arc<BTreeSet<i64>>,
    /// The first day whose settled runs are kept.
    pub history_from: i64,
    pub epoch: u32,
    pub journal_rows: u64,
}

impl View {
    pub(super) fn state(&self, key: ScheduleKey) -> Option<State> {
        let below = || self.folding.as_ref()?.states.get(&key.0);
        self.filling.states.get(&key.0).or_else(below).copied()
    }

    /// The layers, the newest first.
    pub(super) fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&self.filling).chain(self.folding.as_deref())
    }
}

/// What the writer and its readers share.
pub(super) struct Shared {
    view: RwLock<View>,
    pub crons: Patterns,
    pub file: Option<PathBuf>,
}

impl Shared {
    pub(super) fn new(view: View, crons: Patterns, file: Option<PathBuf>) -> Self {
        Self { view: RwLock::new(view), crons, file }
    }

    // A panic while the lock is held leaves a view between two commits at worst in the layer being filled, and the
    // process is about to end; readers may go on.
    pub(super) fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }
}
