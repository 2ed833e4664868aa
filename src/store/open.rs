//! Opening: the lock, the file, its format, the boot epoch, and what is left in the journal.
//!
//! A new file is made under another name and renamed when it is whole, so a database file that exists under its own
//! name is a whole one; anything else is refused, never replaced.
//! Invariants: nothing is written before the format is known; the epoch is on disk before `open` returns; memory at
//! boot grows with the journal's tail, not with the number of schedules.
//! Not here: what the engine makes of the rows.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase, ReadableTable, StorageBackend};

use super::error::{OpenError, StoreError};
use super::glass::Glass;
use super::journal;
use super::overlay::{Layer, Shared, View};
use super::owner::{Ownership, private};
use super::quiet::quietly;
use super::reader::Reader;
use super::tables::{self, FORMAT, JOURNAL, meta};
use super::writer::{FoldLimits, Marks, Writer, begin};
use crate::calendar::Patterns;
use crate::limits;
use crate::planted::{self, Bug};

/// Name of the database file in the data folder.
pub const FILE: &str = "chimewheel.redb";

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether this process will run schedules: work claimed under an earlier epoch is then nobody's.
    pub raise_epoch: bool,
    /// Bytes of redb's page cache.
    pub cache_bytes: usize,
    /// When layers are folded.
    pub fold: FoldLimits,
}

impl Default for Options {
    fn default() -> Self {
        Self { raise_epoch: true, cache_bytes: limits::CACHE_BYTES_MAX, fold: FoldLimits::default() }
    }
}

/// The door to the store.
#[derive(Clone, Copy, Debug)]
pub struct Store;

/// A store that has just been opened.
pub struct Opened {
    /// Writes; give it to the thread that commits.
    pub writer: Writer,
    /// Reads.
    pub reader: Reader,
    /// The lock on the data folder; `None` when the store is not a file.
    pub owner: Option<Ownership>,
    /// The boot epoch: the one just begun, or the last one when it was not raised.
    pub epoch: u32,
    /// The first schedule key that nobody has had.
    pub next_key: u64,
    /// The zone data that the stored dues were computed with; see [`Writer::set_zone_data`].
    pub zone_data: Option<String>,
}

impl Store {
    /// Opens the store of a data folder, making both if they do not exist.
    pub fn open(data: &Path, options: &Options) -> Result<Opened, OpenError> {
        make_private_folder(data).map_err(io_error(data, "create the data folder"))?;
        let owner = Ownership::take(data)?;
        let path = data.join(FILE);
        let text = path.display().to_string();
        let found = path.try_exists().map_err(io_error(&path, "look for the database file"))?;
        let db = if found { open_file(&path, options)? } else { create_file(&path, options)? };
        start(db, options, Some(path), Some(owner)).map_err(|error| error.named(&text))
    }

    /// Opens a store to look at it, whoever owns its folder: nothing that is written reaches the file.
    pub fn open_on_glass(path: &Path) -> Result<Opened, OpenError> {
        let glass = Glass::over(path).map_err(io_error(path, "open the database file"))?;
        let text = path.display().to_string();
        start_on_glass(open_redb(&text, glass, &Options::default())?, &text)
    }

    /// Keeps every other process out of a data folder that has a store, as long as the answer lives.
    pub fn hold(data: &Path) -> Result<Ownership, OpenError> {
        Ownership::take_existing(data)
    }

    /// Opens a store on another kind of storage; an empty one becomes a new store.
    pub fn open_on(backend: impl StorageBackend, options: &Options) -> Result<Opened, OpenError> {
        let db = open_redb("(backend)", backend, options)?;
        start(db, options, None, None).map_err(|error| error.named("(backend)"))
    }
}

/// Opens the store of a folder that the caller holds.
pub(super) fn open_held(path: &Path, options: &Options) -> Result<Opened, OpenError> {
    let text = path.display().to_string();
    start(open_file(path, options)?, options, Some(path.to_owned()), None).map_err(|error| error.named(&text))
}

/// Opens what lies on glass.
pub(super) fn start_on_glass(db: Database, path: &str) -> Result<Opened, OpenError> {
    let options = Options { raise_epoch: false, ..Options::default() };
    start(db, &options, None, None).map_err(|error| error.named(path))
}

/// A refusal that does not know the file's name yet.
pub(super) enum Refused {
    Newer(u64),
    NotOurs,
    Store(StoreError),
}

impl<E: Into<StoreError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

impl Refused {
    pub(super) fn named(self, path: &str) -> OpenError {
        match self {
            Self::Newer(found) => OpenError::Newer { path: path.to_owned(), found, ours: FORMAT },
            Self::NotOurs => OpenError::Damaged { path: path.to_owned(), why: "not a chimewheel store".to_owned() },
            Self::Store(error) => error.at(path),
        }
    }
}

pub(super) fn open_file(path: &Path, options: &Options) -> Result<Database, OpenError> {
    let file =
        OpenOptions::new().read(true).write(true).open(path).map_err(io_error(path, "open the database file"))?;
    let len = file.metadata().map_err(io_error(path, "read the size of the database file"))?.len();
    let text = path.display().to_string();
    if len == 0 {
        return Err(OpenError::Damaged { path: text, why: "the file is empty".to_owned() });
    }
    open_redb(&text, backend(path, file)?, options)
}

fn create_file(path: &Path, options: &Options) -> Result<Database, OpenError> {
    let draft = path.with_extension("redb.new");
    let refused = |doing| io_error(&draft, doing);
    let file = private(OpenOptions::new().read(true).write(true).create(true).truncate(true))
        .open(&draft)
        .map_err(refused("create the database file"))?;
    let text = draft.display().to_string();
    let db = open_redb(&text, backend(&draft, file)?, options)?;
    lay_out(&db).map_err(|error| error.at(&text))?;
    fs::rename(&draft, path).map_err(refused("name the database file"))?;
    if let Some(folder) = path.parent() {
        sync_folder(folder).map_err(io_error(folder, "sync the data folder"))?;
    }
    Ok(db)
}

pub(super) fn backend(path: &Path, file: File) -> Result<FileBackend, OpenError> {
    FileBackend::new(file).map_err(|error| StoreError::from(error).at(&path.display().to_string()))
}

/// redb answers most damage with an error and the rest with a panic; both become one refusal.
fn open_redb(path: &str, backend: impl StorageBackend, options: &Options) -> Result<Database, OpenError> {
    let mut builder = Builder::new();
    builder.set_cache_size(options.cache_bytes);
    match quietly(|| builder.create_with_backend(backend)) {
        Some(Ok(db)) => Ok(db),
        Some(Err(redb::DatabaseError::Storage(redb::StorageError::Io(error))))
            if error.kind() == io::ErrorKind::InvalidData || error.kind() == io::ErrorKind::UnexpectedEof =>
        {
            Err(OpenError::Damaged { path: path.to_owned(), why: error.to_string() })
        }
        Some(Err(error)) => Err(StoreError::from(error).at(path)),
        None => Err(OpenError::Damaged { path: path.to_owned(), why: "the database is corrupted".to_owned() }),
    }
}

fn lay_out(db: &Database) -> Result<(), StoreError> {
    let txn = begin(db)?;
    tables::create_all(&txn)?;
    Ok(txn.commit()?)
}

fn start(
    db: Database,
    options: &Options,
    file: Option<PathBuf>,
    owner: Option<Ownership>,
) -> Result<Opened, Refused> {
    if !tables::is_laid_out(&db.begin_read()?).map_err(not_ours)? {
        lay_out(&db)?;
    }
    upgrade(&db)?;
    let crons = Patterns::default();
    let disk = db.begin_read()?;
    let (marks, filling) = recover(&disk)?;
    let mut epoch = number_of(&disk, meta::EPOCH)? as u32;
    let zone_data = tables::text(&disk, meta::ZONE_DATA)?;
    let is_older = number_of(&disk, meta::FORMAT)? < FORMAT;
    drop(disk);
    epoch += u32::from(options.raise_epoch);
    if options.raise_epoch || is_older {
        let txn = begin(&db)?;
        tables::put_number(&txn, meta::EPOCH, u64::from(epoch))?;
        // From here on it may hold what earlier versions cannot read.
        tables::put_number(&txn, meta::FORMAT, FORMAT)?;
        txn.commit()?;
    }
    let next_key = marks.next_key;
    let view = View {
        disk: Arc::new(db.begin_read()?),
        filling,
        folding: None,
        days: Arc::new(marks.days.clone()),
        text_days: Arc::new(marks.text_days.clone()),
        delivery_days: Arc::new(marks.delivery_days.clone()),
        history_from: marks.history_from,
        epoch,
        journal_rows: (marks.seq + 1).saturating_sub(marks.oldest),
    };
    let shared = Arc::new(Shared::new(view, crons, file));
    let reader = Reader { shared: Arc::clone(&shared) };
    let writer = Writer::new(db, shared, options.fold, marks, owner.clone());
    Ok(Opened { writer, reader, owner, epoch, next_key, zone_data })
}

/// Brings a file of an earlier format to this one, which has more tables; refuses one that is no store, or of a later
/// format.
pub(super) fn upgrade(db: &Database) -> Result<(), Refused> {
    let disk = db.begin_read()?;
    match tables::number(&disk, meta::FORMAT).map_err(not_ours)? {
        Some(found) if found > FORMAT => Err(Refused::Newer(found)),
        Some(FORMAT) if tables::has_all(&disk)? => Ok(()),
        Some(1..) => Ok(lay_out(db)?),
        Some(0) | None => Err(Refused::NotOurs),
    }
}

/// Reads the marks and rebuilds the layer of what is not folded.
pub(super) fn recover(disk: &redb::ReadTransaction) -> Result<(Marks, Layer), StoreError> {
    let folded_through = number_of(disk, meta::FOLDED_THROUGH)?;
    let history_from = tables::number(disk, meta::HISTORY_FROM)?.map_or(i64::MIN, |day| day as i64);
    let mut marks = Marks {
        seq: folded_through,
        folded_through,
        oldest: folded_through + 1,
        next_key: number_of(disk, meta::NEXT_KEY)?,
        history_from,
        days: tables::ledger_days(disk)?,
        text_days: tables::text_days(disk)?,
        delivery_days: tables::delivery_days(disk)?,
    };
    let table = disk.open_table(JOURNAL)?;
    if let Some((first, _)) = table.first()? {
        marks.oldest = first.value();
    }
    let mut layer = Layer::default();
    for row in table.range(folded_through + 1..)? {
        let (seq, bytes) = row?;
        if planted::is(Bug::BootSkipsJournal) {
            // Taken for folded, or a close would wait for ever for what nobody has read.
            (marks.seq, marks.folded_through) = (seq.value(), seq.value());
            continue;
        }
        let (seq, bytes) = (seq.value(), bytes.value());
        let entries = journal::decode(bytes).map_err(|why| why.in_row("journal", seq))?;
        layer.put(seq, bytes.into(), &entries);
        marks.seq = seq;
    }
    Ok((marks, layer))
}

fn number_of(disk: &redb::ReadTransaction, name: &str) -> Result<u64, StoreError> {
    Ok(tables::number(disk, name)?.unwrap_or_default())
}

/// A file whose tables are not the expected ones is somebody else's.
fn not_ours(error: StoreError) -> Refused {
    match error {
        StoreError::Disk(disk)
            if matches!(
                *disk,
                redb::Error::TableDoesNotExist(_)
                    | redb::Error::TableTypeMismatch { .. }
                    | redb::Error::TableIsMultimap(_)
                    | redb::Error::TableIsNotMultimap(_)
            ) =>
        {
            Refused::NotOurs
        }
        other => Refused::Store(other),
    }
}

pub(super) fn io_error(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> OpenError + use<> {
    let path = path.display().to_string();
    move |source| OpenError::Io { path, doing, source }
}

#[cfg(unix)]
pub(super) fn make_private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
pub(super) fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
