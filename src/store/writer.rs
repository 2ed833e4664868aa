//! The writer: one commit per batch, durable when it returns, with a slice of the fold in the same transaction.
//!
//! A layer is folded when it is full (rows, commits or bytes) and the one before it is done. Each commit then folds a
//! quarter more rows than the commit before it has added, so a fold is done before the layer above it can outgrow its
//! limit by more than a batch or two. When nothing needs folding a commit is a journal append and nothing else.
//! Journal rows that are folded are removed a few per commit, all but the latest, which the live feed reads.
//! Invariants: readers learn of a batch after its commit, in one step; after a failed commit nothing more is
//! written, because what the disk holds is unknown.
//! Not here: threads (`runtime` gives the writer one).

use std::collections::BTreeSet;
use std::sync::Arc;

use redb::{Database, Durability, ReadableDatabase, ReadableTable, WriteTransaction};

use super::audit;
use super::declare;
use super::error::StoreError;
use super::fold::Fold;
use super::grants;
use super::journal::{self, Entries};
use super::notes;
use super::overlay::{Layer, Shared};
use super::owner::Ownership;
use super::sessions;
use super::tables::{self, JOURNAL, OPEN, meta};
use crate::engine::change::Change;
use crate::limits;
use crate::planted::{self, Bug};
use crate::time::Timestamp;

/// When and how fast layers are folded; smaller than the default only in tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldLimits {
    /// Rows folded with one commit, more only when the batch itself is larger.
    pub slice_rows: usize,
    /// Rows that make a layer full.
    pub layer_rows: usize,
    /// Commits that make a layer full.
    pub layer_commits: usize,
    /// Bytes of journal rows that make a layer full.
    pub layer_bytes: usize,
    /// Runs of one day in a layer that are worth a segment of their own.
    pub segment_rows: usize,
    /// Latest commits that stay in the journal, folded or not.
    pub kept_commits: u64,
}

impl Default for FoldLimits {
    fn default() -> Self {
        Self {
            slice_rows: limits::FOLD_ROWS_COUNT_MAX,
            layer_rows: limits::OVERLAY_ROWS_COUNT_MAX,
            layer_commits: limits::OVERLAY_COMMITS_COUNT_MAX,
            layer_bytes: limits::OVERLAY_BYTES_MAX,
            segment_rows: limits::SEGMENT_ROWS_MIN,
            kept_commits: limits::FEED_COMMITS_COUNT_MIN,
        }
    }
}

/// What one commit did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitReport {
    /// Its number in the journal; 0 when the batch had nothing for it.
    pub seq: u64,
    /// Bytes of its journal row.
    pub journal_bytes: usize,
    /// Rows of earlier commits that it folded.
    pub folded_rows: usize,
}

/// The one that writes.
pub struct Writer {
    db: Database,
    shared: Arc<Shared>,
    limits: FoldLimits,
    fold: Option<Fold>,
    spare: Option<Layer>,
    marks: Marks,
    /// Rows that the latest commit added to the filling layer.
    grown: usize,
    stopped: bool,
    // Held for its lock.
    _owner: Option<Ownership>,
}

/// Where the writer is.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// The latest commit in the journal.
    pub seq: u64,
    /// Every commit up to here is in the folded tables.
    pub folded_through: u64,
    /// The oldest commit still in the journal; beyond `seq` when it is empty.
    pub oldest: u64,
    /// The schedule key that nobody has had.
    pub next_key: u64,
    /// The first day whose settled runs are kept.
    pub history_from: i64,
    /// Days that have a ledger.
    pub days: BTreeSet<i64>,
    /// Days that have composed texts.
    pub text_days: BTreeSet<i64>,
    /// Days that have deliveries.
    pub delivery_days: BTreeSet<i64>,
}

impl Marks {
    /// Commits up to here need not be kept in the journal.
    fn trimmable(&self, limits: &FoldLimits) -> u64 {
        self.folded_through.min(self.seq.saturating_sub(limits.kept_commits))
    }
}

impl Writer {
    pub(super) fn new(
        db: Database,
        shared: Arc<Shared>,
        limits: FoldLimits,
        marks: Marks,
        owner: Option<Ownership>,
    ) -> Self {
        Self { db, shared, limits, fold: None, spare: None, marks, grown: 0, stopped: false, _owner: owner }
    }

    /// Writes a batch, in its order, wholly or not at all. When it returns the batch is on disk and readers see it.
    ///
    /// An empty batch is a tick for the fold: it does what is left to do of it, if anything is.
    pub fn commit(&mut self, batch: &[Change]) -> Result<CommitReport, StoreError> {
        let slice = self.limits.slice_rows.max(self.grown + self.grown / 4);
        self.write(batch, slice, limits::JOURNAL_TRIM_ROWS_MAX)
    }

    /// Notes which zone data the stored dues were computed with.
    pub fn set_zone_data(&mut self, version: &str) -> Result<(), StoreError> {
        if self.stopped {
            return Err(StoreError::Stopped);
        }
        let written = begin(&self.db).and_then(|txn| {
            tables::put_text(&txn, meta::ZONE_DATA, version)?;
            Ok(txn.commit()?)
        });
        self.stopped |= written.is_err();
        written?;
        self.publish(Vec::new(), &Entries::default())
    }

    /// Folds everything and closes the file. Without it nothing is lost, but the next open reads the journal.
    pub fn close(mut self) -> Result<(), StoreError> {
        while !self.is_folded() {
            if self.fold.is_none() && !self.shared.view().filling.is_empty() {
                self.start_fold();
            }
            self.write(&[], self.limits.slice_rows.max(limits::CLOSE_ROWS_COUNT_MAX), usize::MAX)?;
        }
        Ok(self.db.close()?)
    }

    fn is_folded(&self) -> bool {
        self.fold.is_none()
            && self.shared.view().filling.is_empty()
            && self.marks.oldest > self.marks.trimmable(&self.limits)
    }

    fn write(&mut self, batch: &[Change], slice: usize, trim: usize) -> Result<CommitReport, StoreError> {
        if self.stopped {
            return Err(StoreError::Stopped);
        }
        let (row, entries) = journal::encode(batch);
        if row.len() > limits::JOURNAL_ROW_BYTES_MAX {
            return Err(StoreError::TooLarge { bytes: row.len() });
        }
        if self.fold.is_none() && self.is_layer_full() {
            self.start_fold();
        }
        if batch.is_empty() && self.fold.is_none() && self.marks.oldest > self.marks.trimmable(&self.limits) {
            return Ok(CommitReport::default());
        }
        let mut marks = self.marks.clone();
        match self.transact(batch, &row, slice, trim, &mut marks) {
            Ok(folded_rows) => {
                let report = CommitReport {
                    seq: if row.is_empty() { 0 } else { marks.seq },
                    journal_bytes: row.len(),
                    folded_rows,
                };
                self.marks = marks;
                self.publish(row, &entries)?;
                Ok(report)
            }
            Err(error) => {
                self.stopped = true;
                Err(error)
            }
        }
    }

    /// The transaction of one commit; `marks` are what holds once it has succeeded.
    fn transact(
        &mut self,
        batch: &[Change],
        row: &[u8],
        slice: usize,
        trim: usize,
        marks: &mut Marks,
    ) -> Result<usize, StoreError> {
        let txn = begin(&self.db)?;
        if !row.is_empty() {
            marks.seq += 1;
            txn.open_table(JOURNAL)?.insert(marks.seq, row)?;
        }
        marks.next_key = declare::write(&txn, batch, marks.next_key, &self.shared.crons)?;
        if marks.next_key != self.marks.next_key {
            tables::put_number(&txn, meta::NEXT_KEY, marks.next_key)?;
        }
        notes::write(&txn, batch)?;
        grants::write(&txn, batch)?;
        audit::write(&txn, batch)?;
        sessions::write(&txn, batch)?;
        if drop_history(&txn, batch, marks)? {
            self.drop_texts(&txn, marks)?;
        }
        let mut folded = 0;
        if let Some(fold) = &mut self.fold {
            folded = fold.write(&txn, slice, marks)?;
            if fold.is_done() {
                marks.folded_through = fold.layer().through;
                tables::put_number(&txn, meta::FOLDED_THROUGH, marks.folded_through)?;
            }
        }
        trim_journal(&txn, trim, marks.trimmable(&self.limits), marks)?;
        txn.commit()?;
        Ok(folded)
    }

    /// Texts and deliveries go with the history of their day, but not while an occurrence of that day is still to be delivered.
    fn drop_texts(&self, txn: &WriteTransaction, marks: &mut Marks) -> Result<(), StoreError> {
        let first = marks.text_days.first().into_iter().chain(marks.delivery_days.first()).min();
        if first.is_none_or(|&day| day >= marks.history_from) {
            return Ok(());
        }
        let mut held = BTreeSet::new();
        for row in txn.open_table(OPEN)?.range((0, i64::MIN, 0)..)? {
            held.insert(Timestamp::from_millis(row?.0.value().1).day());
        }
        let view = self.shared.view();
        for layer in view.layers() {
            held.extend(layer.runs.iter().filter(|run| !run.settled).map(|run| run.occurrence.due.day()));
        }
        let from = marks.history_from;
        let gone = |days: &mut BTreeSet<i64>| {
            let gone: Vec<i64> = days.range(..from).copied().filter(|day| !held.contains(day)).collect();
            days.retain(|day| !gone.contains(day));
            gone
        };
        for day in gone(&mut marks.text_days) {
            txn.delete_table(tables::texts(&tables::texts_name(day)))?;
        }
        for day in gone(&mut marks.delivery_days) {
            txn.delete_table(tables::deliveries(&tables::deliveries_name(day)))?;
        }
        Ok(())
    }

    fn is_layer_full(&self) -> bool {
        let view = self.shared.view();
        let layer = &view.filling;
        layer.len() >= self.limits.layer_rows
            || layer.commits >= self.limits.layer_commits
            || layer.bytes >= self.limits.layer_bytes
    }

    fn start_fold(&mut self) {
        let layer = {
            let fresh = self.spare.take().unwrap_or_default();
            let mut view = self.shared.view_mut();
            let layer = Arc::new(std::mem::replace(&mut view.filling, fresh));
            view.folding = Some(Arc::clone(&layer));
            layer
        };
        self.fold = Some(Fold::new(layer, self.limits.segment_rows));
    }

    /// Shows the commit that has just succeeded to the readers.
    fn publish(&mut self, row: Vec<u8>, entries: &Entries) -> Result<(), StoreError> {
        let disk = self.db.begin_read();
        // The commit is on disk all the same, but readers cannot be shown it.
        self.stopped |= disk.is_err();
        let disk = Arc::new(disk?);
        let done = self.fold.take_if(|fold| fold.is_done());
        let Marks { days, text_days, delivery_days, .. } = self.marks.clone();
        let old = {
            let mut view = self.shared.view_mut();
            if !row.is_empty() {
                let before = view.filling.len();
                view.filling.put(self.marks.seq, row.into(), entries);
                self.grown = view.filling.len() - before;
            }
            if done.is_some() {
                view.folding = None;
            }
            view.history_from = self.marks.history_from;
            view.journal_rows = (self.marks.seq + 1).saturating_sub(self.marks.oldest);
            if *view.days != days {
                view.days = Arc::new(days);
            }
            if *view.text_days != text_days {
                view.text_days = Arc::new(text_days);
            }
            if *view.delivery_days != delivery_days {
                view.delivery_days = Arc::new(delivery_days);
            }
            std::mem::replace(&mut view.disk, disk)
        };
        drop(old);
        // Its memory serves the next layer, unless a reader still looks at it.
        if let Some(mut layer) = done.map(Fold::into_layer).and_then(Arc::into_inner) {
            layer.clear();
            self.spare = Some(layer);
        }
        Ok(())
    }
}

/// A transaction that is durable when its commit returns, and cheap to recover from.
pub(super) fn begin(db: &Database) -> Result<WriteTransaction, StoreError> {
    let mut txn = db.begin_write()?;
    let durability = if planted::is(Bug::CommitNotDurable) { Durability::None } else { Durability::Immediate };
    txn.set_durability(durability)?;
    txn.set_quick_repair(true);
    Ok(txn)
}

/// Drops what is asked to go; whether anything was.
fn drop_history(txn: &WriteTransaction, batch: &[Change], marks: &mut Marks) -> Result<bool, StoreError> {
    let mut asked = batch.iter().filter_map(|change| match change {
        Change::DropHistory { before } => Some(before.day()),
        _ => None,
    });
    // Far back it goes only because the clock, and with it the mark, had been wrong; else it would hide all that is to come.
    let wrong = (limits::CLOCK_BACK_MS_MAX / 86_400_000) as i64;
    let is_news = |&day: &i64| day > marks.history_from || day.saturating_add(wrong) < marks.history_from;
    let Some(from) = asked.next_back().filter(is_news) else { return Ok(false) };
    marks.history_from = from;
    tables::put_number(txn, meta::HISTORY_FROM, from as u64)?;
    let kept = marks.days.split_off(&from);
    for day in std::mem::replace(&mut marks.days, kept) {
        txn.delete_table(tables::ledger(&tables::ledger_name(day)))?;
    }
    audit::drop_before(txn, from)?;
    sessions::drop_before(txn, from)?;
    Ok(true)
}

/// Removes up to `limit` of the oldest rows, none beyond `through`.
fn trim_journal(txn: &WriteTransaction, limit: usize, through: u64, marks: &mut Marks) -> Result<(), StoreError> {
    if marks.oldest > through {
        return Ok(());
    }
    let mut table = txn.open_table(JOURNAL)?;
    for _ in 0..limit {
        let first = table.first()?.map(|(seq, _)| seq.value());
        match first {
            Some(seq) if seq <= through => {
                table.remove(seq)?;
                marks.oldest = seq + 1;
            }
            Some(seq) => {
                marks.oldest = seq;
                break;
            }
            None => {
                marks.oldest = marks.seq + 1;
                break;
            }
        }
    }
    Ok(())
}
