//! Copies: a backup made beside a running writer, a backup put in place, and a file made small.
//!
//! A backup is one snapshot, row by row, in a file of its own: what was committed when it began, and nothing half.
//! It is written under another name and renamed when it is whole and synced. A backup that is to be put in place is
//! copied into the data folder first, so that what was judged is what is used.
//! Invariants: a name that is given never leads to half a file; the old database is moved aside, never overwritten.
//! Not here: judging a copy (`verify`).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::{
    Builder, CompactionError, Database, Key, ReadTransaction, ReadableTable, TableDefinition, Value, WriteTransaction,
};

use super::error::{OpenError, StoreError};
use super::open::{self, FILE, Options, Store, io_error, make_private_folder, sync_folder};
use super::owner::{Ownership, private};
use super::reader::Reader;
use super::tables::{
    self, BY_AGENT, BY_CHAT, BY_FILE, BY_ID, BY_MESSAGE, BY_NAME, BY_PROCESS, BY_TOKEN, HOOKS, INBOUND, JOURNAL,
    META, NOTES, OPEN, PLACES, PLANS, SCHEDULES, SESSIONS, STATE, TOKENS, TRANSCRIPTS,
};
use super::writer::begin;

/// A backup that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// Sizes of a database file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes before.
    pub before: u64,
    /// Bytes now.
    pub after: u64,
}

/// A backup that lies in the data folder and is not in use yet. Unless it is put in place, it goes again.
#[derive(Debug)]
pub struct Restoring {
    draft: PathBuf,
    data: PathBuf,
    _owner: Ownership,
}

impl Reader {
    /// Writes all that is committed now to a new file, which only its owner can read. One that exists is replaced
    /// when `replace` is given, and refused otherwise.
    pub fn backup(&self, file: &Path, replace: bool) -> Result<Copied, OpenError> {
        static DRAFTS: AtomicU64 = AtomicU64::new(0);
        if file.exists() && !replace {
            return Err(refused(file, "write a backup", io::ErrorKind::AlreadyExists));
        }
        if self.shared.file.as_deref().is_some_and(|own| is_same(own, file)) {
            return Err(refused(file, "write a backup over the store itself", io::ErrorKind::InvalidInput));
        }
        let Some(name) = file.file_name() else {
            return Err(refused(file, "write a backup", io::ErrorKind::IsADirectory));
        };
        let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
        let draft = file.with_file_name(format!(".{}.{}-{number}.part", name.display(), std::process::id()));
        let disk = Arc::clone(&self.shared.view().disk);
        let copied = write_copy(&disk, &draft).and_then(|copied| {
            fs::rename(&draft, file).map_err(io_error(file, "name the backup"))?;
            let folder = file.parent().unwrap_or(Path::new(""));
            sync_folder(folder).map_err(io_error(folder, "sync the folder"))?;
            Ok(copied)
        });
        if copied.is_err() {
            // The trouble is told; what is left of the draft is of no use.
            let _ = fs::remove_file(&draft);
        }
        copied
    }
}

impl Store {
    /// Copies a backup into a data folder that nobody has open. One that has a database already is refused, unless
    /// that may be moved aside.
    pub fn restore(file: &Path, data: &Path, replace: bool) -> Result<Restoring, OpenError> {
        make_private_folder(data).map_err(io_error(data, "create the data folder"))?;
        let owner = Ownership::take(data)?;
        let database = data.join(FILE);
        if !replace && database.exists() {
            return Err(refused(&database, "put a backup in place", io::ErrorKind::AlreadyExists));
        }
        let restoring = Restoring { draft: data.join("chimewheel.restore"), data: data.to_owned(), _owner: owner };
        let draft = &restoring.draft;
        let mut from = File::open(file).map_err(io_error(file, "open the backup"))?;
        let mut to = private(OpenOptions::new().write(true).create(true).truncate(true))
            .open(draft)
            .map_err(io_error(draft, "create the copy"))?;
        io::copy(&mut from, &mut to).and_then(|_| to.sync_all()).map_err(io_error(draft, "write the copy"))?;
        Ok(restoring)
    }

    /// Folds what is left to fold and gives unused pages of a stopped store back to the system.
    pub fn compact(data: &Path, options: &Options) -> Result<Compacted, OpenError> {
        let _owner = Ownership::take_existing(data)?;
        let path = data.join(FILE);
        let text = path.display().to_string();
        let before = size(&path)?;
        let options = Options { raise_epoch: false, ..options.clone() };
        let folded = open::open_held(&path, &options)?;
        drop(folded.reader);
        folded.writer.close().map_err(|error| error.at(&text))?;
        let mut db = open::open_file(&path, &options)?;
        loop {
            match db.compact() {
                Ok(true) => {}
                Ok(false) => break,
                Err(CompactionError::Storage(error)) => return Err(StoreError::from(error).at(&text)),
                Err(error) => return Err(OpenError::damaged(&text, &error.to_string())),
            }
        }
        db.close().map_err(|error| StoreError::from(error).at(&text))?;
        Ok(Compacted { before, after: size(&path)? })
    }
}

impl Restoring {
    /// The copy, to be judged.
    #[must_use]
    pub fn copy(&self) -> &Path {
        &self.draft
    }

    /// Puts the copy in place; says where the database that was there is now.
    pub fn put(self) -> Result<Option<PathBuf>, OpenError> {
        let database = self.data.join(FILE);
        let aside = if database.exists() { Some(self.move_aside(&database)?) } else { None };
        fs::rename(&self.draft, &database).map_err(io_error(&database, "put the backup in place"))?;
        sync_folder(&self.data).map_err(io_error(&self.data, "sync the data folder"))?;
        Ok(aside)
    }

    /// Gives the old database a second name, so that at no moment there is none under the first.
    fn move_aside(&self, database: &Path) -> Result<PathBuf, OpenError> {
        for number in 1_u32.. {
            let aside = self.data.join(format!("{FILE}.replaced-{number}"));
            match fs::hard_link(database, &aside) {
                Ok(()) => return Ok(aside),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(_) if aside.exists() => {}
                // A file system without second names: the old one moves.
                Err(_) => {
                    fs::rename(database, &aside).map_err(io_error(database, "move the old database aside"))?;
                    return Ok(aside);
                }
            }
        }
        Err(refused(database, "move the old database aside", io::ErrorKind::AlreadyExists))
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        // Gone already when it was put in place.
        let _ = fs::remove_file(&self.draft);
    }
}

fn refused(path: &Path, doing: &'static str, kind: io::ErrorKind) -> OpenError {
    io_error(path, doing)(kind.into())
}

fn size(path: &Path) -> Result<u64, OpenError> {
    Ok(fs::metadata(path).map_err(io_error(path, "read the size of the database file"))?.len())
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

fn write_copy(disk: &ReadTransaction, draft: &Path) -> Result<Copied, OpenError> {
    let text = draft.display().to_string();
    let file = private(OpenOptions::new().read(true).write(true).create_new(true))
        .open(draft)
        .map_err(io_error(draft, "create the backup"))?;
    let backend = open::backend(draft, file)?;
    let mut builder = Builder::new();
    builder.set_cache_size(Options::default().cache_bytes);
    let db = builder.create_with_backend(backend).map_err(|error| StoreError::from(error).at(&text))?;
    let rows = copy_all(disk, &db).map_err(|error| error.at(&text))?;
    db.close().map_err(|error| StoreError::from(error).at(&text))?;
    Ok(Copied { rows, bytes: size(draft)? })
}

fn copy_all(disk: &ReadTransaction, db: &Database) -> Result<u64, StoreError> {
    let txn = begin(db)?;
    let mut rows = copy(disk, &txn, META)? + copy(disk, &txn, SCHEDULES)? + copy(disk, &txn, PLANS)?;
    rows += copy(disk, &txn, JOURNAL)? + copy(disk, &txn, STATE)? + copy(disk, &txn, OPEN)?;
    rows += copy(disk, &txn, BY_ID)? + copy(disk, &txn, BY_NAME)? + copy(disk, &txn, BY_TOKEN)?;
    rows += copy(disk, &txn, BY_AGENT)? + copy(disk, &txn, BY_FILE)?;
    rows += copy(disk, &txn, BY_PROCESS)? + copy(disk, &txn, NOTES)? + copy(disk, &txn, TOKENS)?;
    rows += copy(disk, &txn, HOOKS)?;
    rows += copy(disk, &txn, SESSIONS)? + copy(disk, &txn, BY_CHAT)? + copy(disk, &txn, TRANSCRIPTS)?;
    rows += copy(disk, &txn, INBOUND)? + copy(disk, &txn, BY_MESSAGE)? + copy(disk, &txn, PLACES)?;
    for day in tables::ledger_days(disk)? {
        rows += copy(disk, &txn, tables::ledger(&tables::ledger_name(day)))?;
    }
    for day in tables::text_days(disk)? {
        rows += copy(disk, &txn, tables::texts(&tables::texts_name(day)))?;
    }
    for day in tables::delivery_days(disk)? {
        rows += copy(disk, &txn, tables::deliveries(&tables::deliveries_name(day)))?;
    }
    for day in tables::audit_days(disk)? {
        rows += copy(disk, &txn, tables::audit(&tables::audit_name(day)))?;
    }
    txn.commit()?;
    Ok(rows)
}

/// Rows come in key order, so that the copy only appends.
fn copy<K: Key + 'static, V: Value + 'static>(
    disk: &ReadTransaction,
    txn: &WriteTransaction,
    definition: TableDefinition<'_, K, V>,
) -> Result<u64, StoreError> {
    let mut to = txn.open_table(definition)?;
    let mut rows = 0;
    for row in disk.open_table(definition)?.iter()? {
        let (key, value) = row?;
        to.insert(key.value(), value.value())?;
        rows += 1;
    }
    Ok(rows)
}
