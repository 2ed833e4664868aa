//! Verifying: every page, every row, and everything that one table says about another.
//!
//! A file is looked at through `glass`, so verifying never changes it. redb checks each page's checksum; then one
//! snapshot is walked: schedules beside their states, plans and indexes (`declared`), journal, open runs and ledgers
//! (`ledgers`), what was composed (`texts`), deliveries and what hooks keep (`deliveries`); sessions
//! and what came in (`sessions`). What is not folded yet counts like what is.
//! Invariants: a fault names a table, a key and what to do; memory grows with the plans and the journal's tail only.
//! Not here: mending. A backup does that.

mod declared;
mod deliveries;
mod ledgers;
mod sessions;
mod texts;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use redb::{Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, TableHandle};

use super::audit;
use super::error::{OpenError, RowError, StoreError};
use super::glass::Glass;
use super::grants;
use super::notes;
use super::open::{self, Opened, Options, Store};
use super::overlay::Layer;
use super::quiet::quietly;
use super::reader::Reader;
use super::tables::{self, FORMAT, NOTES, SCHEDULES, TOKENS, meta};
use super::writer::Marks;
use crate::calendar::Patterns;
use crate::limits;
use crate::time::Timestamp;

/// What verifying found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Rows of each table, and what else was counted.
    pub counts: BTreeMap<&'static str, u64>,
    /// What is wrong: the first [`limits::FAULTS_COUNT_MAX`] faults.
    pub faults: Vec<Fault>,
    /// How many faults there are in all.
    pub faults_count: u64,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In which table; `(file)` for the file itself.
    pub table: String,
    /// Under which key; empty for the table as a whole.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub way_out: &'static str,
}

/// What a crash in the middle of a commit leaves.
const UNFINISHED: &str =
    "later commit that does not hold: a crash leaves that, or byte 9 is damaged and the last commit lost";
/// Active states that have a due.
const ARMED: &str = "armed";

/// What to do about a row that is lost or contradicts others.
const RESTORE: &str =
    "restore a backup: chimewheel restore FILE --force; until then the store can only be read in part";
/// What to do about something that nothing depends on.
const HARMLESS: &str = "harmless: it is not looked at any more";

impl Verified {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults_count == 0
    }

    /// Compares the timers that the engine would arm at boot with the states that have a due.
    pub fn compare_armed(&mut self, timers: u64) {
        let states = self.counts.get(ARMED).copied().unwrap_or_default();
        if timers != states {
            let what = format!("would hold {timers} timers at boot, and {states} states have a due");
            self.fault("(wheel)", "", what, RESTORE);
        }
    }

    fn count(&mut self, what: &'static str, more: u64) {
        *self.counts.entry(what).or_default() += more;
    }

    fn fault(&mut self, table: &str, key: impl fmt::Display, what: impl Into<String>, way_out: &'static str) {
        self.faults_count += 1;
        if self.faults.len() < limits::FAULTS_COUNT_MAX {
            let (table, key) = (table.to_owned(), key.to_string());
            self.faults.push(Fault { table, key, what: what.into(), way_out });
        }
    }

    /// A row that cannot be read is a fault; that the disk cannot be read ends the walk.
    fn row_fault(&mut self, error: &RowError) {
        self.fault(&error.table, &error.key, format!("cannot be read: {}", error.why), RESTORE);
    }
}

/// One snapshot with what lies unfolded above it.
struct Walk<'a> {
    disk: &'a ReadTransaction,
    layer: Layer,
    marks: Marks,
    crons: &'a Patterns,
    found: Verified,
}

/// Times that a store is looked at beside its writer before what was found counts.
const LOOKS: usize = 3;

impl Store {
    /// Verifies a database file: a backup, or that of a folder which the caller holds. The file is not changed. One
    /// that is sound is handed back open, as the engine would find it at boot.
    pub fn verify(path: &Path) -> Result<(Verified, Option<Opened>), OpenError> {
        let (mut found, opened) = look(path)?;
        if has_newer_commit(path).map_err(open::io_error(path, "read the head of the database file"))? {
            found.counts.insert(UNFINISHED, 1);
        }
        Ok((found, opened))
    }
}

impl Reader {
    /// Verifies the store as some commit of now left it, while the writer goes on.
    ///
    /// redb takes back no page that a snapshot may need which is still held, so every commit that follows one held here
    /// stays whole in the file. A look may begin at the commit just before it, and a commit may end while the head of
    /// the file is read: then pages change under the look, and what it says against the store may be wrong. The next
    /// one begins later.
    pub fn verify(&self) -> Result<(Verified, Option<Opened>), OpenError> {
        let Some(path) = &self.shared.file else {
            let nowhere = open::io_error(Path::new("(backend)"), "verify a store that is no file");
            return Err(nowhere(io::ErrorKind::Unsupported.into()));
        };
        let _held = self.disk();
        let mut found = look(path);
        for _ in 1..LOOKS {
            if found.as_ref().is_ok_and(|(found, _)| found.is_sound()) {
                break;
            }
            found = look(path);
        }
        found
    }
}

fn look(path: &Path) -> Result<(Verified, Option<Opened>), OpenError> {
    let text = path.display().to_string();
    let len = fs::metadata(path).map_err(open::io_error(path, "look for the database file"))?.len();
    if len == 0 {
        return Err(OpenError::damaged(&text, "the file is empty"));
    }
    let db = match open_checked(path)? {
        Ok(db) => db,
        Err(why) => {
            let mut found = Verified::default();
            found.fault("(file)", "", why, RESTORE);
            return Ok((found, None));
        }
    };
    let walked = quietly(|| {
        // On glass: an older file is judged as it will be read.
        open::upgrade(&db).map_err(|refused| refused.named(&text))?;
        let disk = db.begin_read().map_err(|error| StoreError::from(error).at(&text))?;
        verify_snapshot(&disk, &Patterns::default()).map_err(|error| error.at(&text))
    });
    let mut found = walked.unwrap_or_else(|| Err(OpenError::damaged(&text, "the database is corrupted")))?;
    found.counts.insert("bytes", len);
    let opened = if found.is_sound() { Some(open::start_on_glass(db, &text)?) } else { None };
    Ok((found, opened))
}

/// Opens a file on glass with every page checked; the inner error is what redb has against it.
fn open_checked(path: &Path) -> Result<Result<Database, String>, OpenError> {
    let glass = Glass::over(path).map_err(open::io_error(path, "open the database file"))?;
    let options = Options::default();
    let mut builder = Builder::new();
    builder.set_cache_size(options.cache_bytes);
    let opened = quietly(|| {
        let mut db = builder.create_with_backend(glass)?;
        let clean = db.check_integrity()?;
        Ok::<_, redb::DatabaseError>((db, clean))
    });
    Ok(match opened {
        Some(Ok((db, true))) => Ok(db),
        Some(Ok((_, false))) => Err("what the file says of its pages is wrong".to_owned()),
        Some(Err(redb::DatabaseError::Storage(redb::StorageError::Io(source)))) if is_of_system(&source) => {
            return Err(open::io_error(path, "read the database file")(source));
        }
        Some(Err(error)) => Err(format!("the file is damaged: {error}")),
        None => Err("the file is damaged".to_owned()),
    })
}

/// Whether the file's head holds a later commit than the one it says holds.
///
/// redb writes a commit's head beside the one before it, syncs, and then turns one bit (bit 0 of byte 9) over; the two
/// heads are at 64 and 192, each with its number at 104. A crash between the two leaves a later head that nobody was
/// told of. The same file comes of that one bit being damaged, so this cannot be judged, but it is told.
/// Source: redb's design document, "Database header".
fn has_newer_commit(path: &Path) -> io::Result<bool> {
    let mut head = [0_u8; 320];
    fs::File::open(path)?.read_exact(&mut head)?;
    let number = |slot: usize| u64::from_le_bytes(std::array::from_fn(|at| head[64 + 128 * slot + 104 + at]));
    let primary = usize::from(head[9] & 1);
    Ok(number(1 - primary) > number(primary))
}

/// Whether the system, and not what the file holds, is to blame.
fn is_of_system(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

/// Walks every table of one snapshot.
pub(super) fn verify_snapshot(disk: &ReadTransaction, crons: &Patterns) -> Result<Verified, StoreError> {
    let mut found = Verified::default();
    let (marks, layer) = match open::recover(disk) {
        Ok(recovered) => recovered,
        // Without the journal's tail nothing else can be judged: what it says hides what the tables say.
        Err(StoreError::Row(error)) => {
            found.row_fault(&error);
            return Ok(found);
        }
        Err(error) => return Err(error),
    };
    let mut walk = Walk { disk, layer, marks, crons, found };
    walk.meta()?;
    let plans = walk.plans()?;
    walk.schedules(&plans)?;
    walk.notes()?;
    walk.tokens()?;
    walk.audits()?;
    walk.journal()?;
    walk.open_runs()?;
    walk.ledgers()?;
    walk.texts()?;
    walk.deliveries()?;
    walk.kept()?;
    walk.sessions()?;
    walk.inbound()?;
    Ok(walk.found)
}

impl Walk<'_> {
    fn meta(&mut self) -> Result<(), StoreError> {
        if tables::number(self.disk, meta::FORMAT)? != Some(FORMAT) {
            self.found.fault("meta", meta::FORMAT, "is not the format of this program", RESTORE);
        }
        let ledgers = self.marks.days.iter().map(|&day| tables::ledger_name(day));
        let texts = self.marks.text_days.iter().map(|&day| tables::texts_name(day));
        let deliveries = self.marks.delivery_days.iter().map(|&day| tables::deliveries_name(day));
        let known: Vec<String> = ledgers.chain(texts).chain(deliveries).collect();
        for table in self.disk.list_tables()? {
            let name = table.name();
            let is_kept = tables::audit_day(name).is_some() || known.iter().any(|known| known == name);
            if !tables::NAMES.contains(&name) && !is_kept {
                self.found.fault(name, "", "is no table of a store", RESTORE);
            }
        }
        Ok(())
    }

    fn notes(&mut self) -> Result<(), StoreError> {
        let schedules = self.disk.open_table(SCHEDULES)?;
        for row in self.disk.open_table(NOTES)?.range(0..)? {
            let (key, row) = row?;
            let key = key.value();
            self.found.count("notes", 1);
            self.readable(notes::read(row.value()).map_err(|why| why.in_row("notes", key)));
            if schedules.get(key)?.is_none() {
                self.found.fault("notes", key, "belongs to no schedule", HARMLESS);
            }
        }
        Ok(())
    }

    fn tokens(&mut self) -> Result<(), StoreError> {
        for row in self.disk.open_table(TOKENS)?.range::<&str>(..)? {
            let (id, row) = row?;
            self.found.count("tokens", 1);
            let read = grants::read(id.value(), row.value()).map_err(|why| why.in_row("tokens", id.value()));
            self.readable(read);
        }
        Ok(())
    }

    fn audits(&mut self) -> Result<(), StoreError> {
        for day in tables::audit_days(self.disk)? {
            let name = tables::audit_name(day);
            for row in self.disk.open_table(tables::audit(&name))?.iter()? {
                let (key, row) = row?;
                let (at, number) = key.value();
                self.found.count("audit records", 1);
                self.readable(audit::read_in(&name, at, number, row.value()));
                if Timestamp::from_millis(at).day() != day {
                    self.found.fault(&name, format!("{at}, {number}"), "is of another day", HARMLESS);
                }
            }
        }
        Ok(())
    }

    /// Notes a row that cannot be read, or hands back what was read.
    fn readable<T>(&mut self, read: Result<T, Box<RowError>>) -> Option<T> {
        read.map_err(|error| self.found.row_fault(&error)).ok()
    }
}
