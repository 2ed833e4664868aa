//! What is committed but not folded yet: the part of the store that lives in memory.
//!
//! A [`Layer`] holds the latest put of each state and run among a stretch of commits; runs stay in the bytes of the
//! journal rows, which the layer keeps. It is found by tables of places, not of copied keys: a layer that a crash
//! left behind stands in memory beside everything else at boot. Two layers exist at most: one filling, one being
//! folded. A layer leaves only when all of it is on disk, so a read that looks at the filling layer, then at the other one, then at the disk
//! never sees a stale row, however far the fold has come.
//! Invariant: [`View`] is replaced in one step after each commit, and its snapshot is the disk of that very commit.
//! Not here: when to fold (`writer`), how (`fold`).

use std::collections::BTreeSet;
use std::hash::BuildHasher as _;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use redb::ReadTransaction;

use super::error::{Malformed, RowError};
use super::journal::{Entries, KeptAt, RunAt};
use super::row;
use crate::calendar::Patterns;
use crate::engine::change::{Kept, Run, State};
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
    /// By key, in the order in which they were first put.
    pub states: Vec<(u64, State)>,
    pub runs: Vec<RunEntry>,
    /// Places in `states`, by key.
    by_key: HashTable<u32>,
    /// Places in `runs`, by occurrence.
    by_occurrence: HashTable<u32>,
    /// Places in `runs` of the one that each schedule took up last, by schedule.
    newest: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Composed texts, those of deliveries among them.
    pub texts: HashMap<OccurrenceId, TextEntry>,
    /// Deliveries of occurrences that have several.
    pub deliveries: HashMap<OccurrenceId, RunEntry>,
    /// What hooks keep; `None`: nothing any more.
    pub kept: HashMap<(ScheduleKey, Kept), Option<TextEntry>>,
    rows: Vec<Arc<[u8]>>,
}

/// Where a composed text is.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextEntry {
    row: u32,
    at: u32,
    len: u32,
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
    fn of(run: &RunAt, row: u32) -> Self {
        let &RunAt { occurrence, at, len, settled, day } = run;
        Self { occurrence, settled, day, row, at, len, older: NONE }
    }

    /// Whether it went with the history before that day.
    pub(super) fn is_dropped(&self, history_from: i64) -> bool {
        self.settled && self.day < history_from
    }
}

impl Layer {
    /// Rows that its fold will write.
    pub(super) fn len(&self) -> usize {
        self.states.len() + self.runs.len() + self.texts.len() + self.deliveries.len() + self.kept.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commits == 0
    }

    /// Takes in one commit.
    pub(super) fn put(&mut self, seq: u64, row: Arc<[u8]>, entries: &Entries) {
        self.through = seq;
        self.commits += 1;
        self.bytes += row.len();
        for &(key, state) in &entries.states {
            self.put_state(key.0, state);
        }
        let number = self.rows.len() as u32;
        for run in &entries.runs {
            let place = self.runs.len() as u32;
            let fresh = RunEntry::of(run, number);
            if let Some(known) = self.place_of(run.occurrence) {
                let older = self.runs[known].older;
                self.runs[known] = RunEntry { older, ..fresh };
                continue;
            }
            self.runs.push(fresh);
            let (runs, hasher) = (&self.runs, &self.hasher);
            let hash_of = |&place: &u32| hasher.hash_one(runs[place as usize].occurrence);
            self.by_occurrence.insert_unique(hasher.hash_one(run.occurrence), place, hash_of);
            let schedule_of = |place: u32| runs[place as usize].occurrence.schedule;
            let schedule = run.occurrence.schedule;
            let hash = hasher.hash_one(schedule);
            let older = match self.newest.find_mut(hash, |&known| schedule_of(known) == schedule) {
                Some(newest) => std::mem::replace(newest, place),
                None => {
                    self.newest.insert_unique(hash, place, |&place| hasher.hash_one(schedule_of(place)));
                    NONE
                }
            };
            self.runs[place as usize].older = older;
        }
        let texts = entries.texts.iter();
        self.texts.extend(texts.map(|text| (text.occurrence, TextEntry { row: number, at: text.at, len: text.len })));
        let deliveries = entries.deliveries.iter();
        self.deliveries.extend(deliveries.map(|one| (one.occurrence, RunEntry::of(one, number))));
        for &KeptAt { key, part, text } in &entries.kept {
            self.kept.insert((key, part), text.map(|(at, len)| TextEntry { row: number, at, len }));
        }
        self.rows.push(row);
    }

    fn put_state(&mut self, key: u64, state: State) {
        let hash = self.hasher.hash_one(key);
        if let Some(&known) = self.by_key.find(hash, |&place| self.states[place as usize].0 == key) {
            self.states[known as usize].1 = state;
            return;
        }
        let place = self.states.len() as u32;
        self.states.push((key, state));
        let (states, hasher) = (&self.states, &self.hasher);
        self.by_key.insert_unique(hash, place, |&place| hasher.hash_one(states[place as usize].0));
    }

    /// The state put last under this key.
    pub(super) fn state(&self, key: u64) -> Option<&State> {
        let place = self.by_key.find(self.hasher.hash_one(key), |&place| self.states[place as usize].0 == key)?;
        Some(&self.states[*place as usize].1)
    }

    /// The places of all states, by key.
    pub(super) fn states_by_key(&self) -> Vec<u32> {
        let mut places: Vec<u32> = (0..self.states.len() as u32).collect();
        places.sort_unstable_by_key(|&place| self.states[place as usize].0);
        places
    }

    fn place_of(&self, occurrence: OccurrenceId) -> Option<usize> {
        let is_it = |&place: &u32| self.runs[place as usize].occurrence == occurrence;
        self.by_occurrence.find(self.hasher.hash_one(occurrence), is_it).map(|&place| place as usize)
    }

    /// Empties it, keeping its memory for the next stretch.
    pub(super) fn clear(&mut self) {
        (self.through, self.commits, self.bytes) = (0, 0, 0);
        self.states.clear();
        self.by_key.clear();
        self.runs.clear();
        self.by_occurrence.clear();
        self.newest.clear();
        self.rows.clear();
        self.texts.clear();
        self.deliveries.clear();
        self.kept.clear();
    }

    /// A copy of its runs, to be read at leisure; they are found in order only.
    pub(super) fn runs_alone(&self) -> Self {
        Self { runs: self.runs.clone(), rows: self.rows.clone(), ..Self::default() }
    }

    /// The bytes of a run's row.
    pub(super) fn row_of(&self, entry: &RunEntry) -> &[u8] {
        &self.rows[entry.row as usize][entry.at as usize..(entry.at + entry.len) as usize]
    }

    /// The bytes of a composed text.
    pub(super) fn text(&self, occurrence: OccurrenceId) -> Option<&[u8]> {
        Some(self.text_of(self.texts.get(&occurrence)?))
    }

    fn text_of(&self, entry: &TextEntry) -> &[u8] {
        &self.rows[entry.row as usize][entry.at as usize..(entry.at + entry.len) as usize]
    }

    /// What a hook keeps, if that was put here: a text, or that there is none any more.
    pub(super) fn kept(&self, key: ScheduleKey, part: Kept) -> Option<Option<&[u8]>> {
        let entry = self.kept.get(&(key, part))?;
        Some(entry.as_ref().map(|entry| self.text_of(entry)))
    }

    pub(super) fn entry(&self, occurrence: OccurrenceId) -> Option<&RunEntry> {
        self.place_of(occurrence).map(|place| &self.runs[place])
    }

    /// The runs of one schedule, the one taken up last first.
    pub(super) fn runs_of(&self, schedule: ScheduleKey) -> impl Iterator<Item = &RunEntry> {
        let is_its = |&place: &u32| self.runs[place as usize].occurrence.schedule == schedule;
        let first = self.newest.find(self.hasher.hash_one(schedule), is_its).copied().unwrap_or(NONE);
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
    /// Days that have composed texts.
    pub text_days: Arc<BTreeSet<i64>>,
    /// Days that have deliveries.
    pub delivery_days: Arc<BTreeSet<i64>>,
    /// The first day whose settled runs are kept.
    pub history_from: i64,
    pub epoch: u32,
    pub journal_rows: u64,
}

impl View {
    pub(super) fn state(&self, key: ScheduleKey) -> Option<State> {
        let below = || self.folding.as_ref()?.state(key.0);
        self.filling.state(key.0).or_else(below).copied()
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
