//! What can go wrong with the store: one enum for opening it, one for using it.
//!
//! Invariant: a message names the file, or the table and the key, that is at fault; an opener that refused has
//! changed nothing that was stored.
//! Not here: what to do about it (`runtime` stops at a failed commit, `surface` prints).

use std::fmt;
use std::path::{Path, PathBuf};

/// Bytes that are not the row they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {key} of table '{table}' cannot be read: {why}")]
pub struct RowError {
    /// The table.
    pub table: String,
    /// Its key, as text.
    pub key: String,
    /// What is wrong with the bytes.
    pub why: Malformed,
}

/// Why bytes cannot be read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Malformed {
    /// Byte of the row at which reading stopped.
    pub at: usize,
    /// What is wrong there.
    pub what: String,
}

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be read or written.
    #[error("the database file: {0}")]
    Disk(Box<redb::Error>),
    /// A row is not what it should be.
    #[error(transparent)]
    Row(#[from] Box<RowError>),
    /// An earlier commit failed: what is on disk is unknown until the store is opened again.
    #[error("an earlier commit failed, so the store takes no more until it is opened again")]
    Stopped,
    /// A batch does not fit one commit; nothing of it was written.
    #[error("the batch is larger than one commit can hold: {bytes} bytes")]
    TooLarge {
        /// Bytes of the batch's journal row.
        bytes: usize,
    },
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{}", owned(*pid, address.as_deref(), path))]
    Owned {
        /// Its process id, when its note could be read.
        pid: Option<u32>,
        /// Where it listens, once it does.
        address: Option<String>,
        /// The data folder.
        path: PathBuf,
    },
    /// A later version of the program wrote it.
    #[error(
        "{path}: the store has format {found}, this program knows formats up to {ours}; \
         nothing was changed, use the newer program"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its format.
        found: u64,
        /// The newest format known here.
        ours: u64,
    },
    /// It is not a chimewheel store, or not a whole one.
    #[error("{path}: {why}; nothing was changed")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A row in it cannot be read.
    #[error("{path}: {source}; nothing was changed")]
    Row {
        /// The file.
        path: String,
        /// Which, and what is wrong with it.
        source: Box<RowError>,
    },
    /// The system refused.
    #[error("{path}: cannot {doing}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// What was tried.
        doing: &'static str,
        /// What the system answered.
        source: std::io::Error,
    },
}

impl OpenError {
    pub(super) fn damaged(path: &str, why: &str) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.to_owned() }
    }
}

fn owned(pid: Option<u32>, address: Option<&str>, path: &Path) -> String {
    let pid = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
    let way_out = match address {
        Some(address) => format!("talk to it at {address}, or stop it first"),
        None => "stop it first, or use another data folder".to_owned(),
    };
    format!("{}: another chimewheel process has this store open{pid}; {way_out}", path.display())
}

impl Malformed {
    pub(super) fn in_row(self, table: impl Into<String>, key: impl fmt::Display) -> Box<RowError> {
        Box::new(RowError { table: table.into(), key: key.to_string(), why: self })
    }
}

impl StoreError {
    /// For opening: the same mistake, with the file's name.
    pub(super) fn at(self, path: &str) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Row(source) => OpenError::Row { path, source },
            Self::Disk(source) => match *source {
                redb::Error::Io(source) => OpenError::Io { path, doing: "use the database file", source },
                redb::Error::DatabaseAlreadyOpen => OpenError::Owned { pid: None, address: None, path: path.into() },
                other => OpenError::Damaged { path, why: other.to_string() },
            },
            other @ (Self::Stopped | Self::TooLarge { .. }) => OpenError::Damaged { path, why: other.to_string() },
        }
    }
}

macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Disk(Box::new(error.into()))
            }
        }
    )*};
}

from_redb!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError
);
