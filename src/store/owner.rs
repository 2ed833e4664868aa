//! Who owns a data folder: one process at a time, by a lock the system drops when the process dies.
//!
//! `owner.lock` is locked for as long as the store is open and holds one JSON line for whoever is refused: the
//! owner's process id and, once it listens, its address. The line means nothing unless the lock is held.
//! Not here: the database file's own lock (redb).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::OpenError;
use crate::limits;

const FILE: &str = "owner.lock";

/// The process that has a data folder open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// Where it listens, once it does.
    pub address: Option<String>,
}

/// The lock on a data folder; the folder is free when the last clone is gone.
#[derive(Clone, Debug)]
pub struct Ownership {
    file: Arc<Mutex<File>>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    address: Option<String>,
}

/// Who has the data folder open; `None` when nobody has, whatever an old file says.
#[must_use]
pub fn owner(data: &Path) -> Option<Owner> {
    let mut file = File::open(data.join(FILE)).ok()?;
    match file.try_lock_shared() {
        Ok(()) | Err(TryLockError::Error(_)) => None,
        Err(TryLockError::WouldBlock) => {
            let line = read(&mut file)?;
            Some(Owner { pid: line.pid, address: line.address })
        }
    }
}

impl Ownership {
    /// As [`take`](Self::take), but a folder that does not exist is not made into one that anybody owns.
    pub(super) fn take_existing(data: &Path) -> Result<Self, OpenError> {
        let database = data.join(super::open::FILE);
        match database.metadata() {
            Ok(_) => Self::take(data),
            Err(source) => {
                let path = database.display().to_string();
                Err(OpenError::Io { path, doing: "find the database file", source })
            }
        }
    }

    /// Takes the folder, or says who has it.
    pub(super) fn take(data: &Path) -> Result<Self, OpenError> {
        let path = data.join(FILE);
        let refused = |doing| {
            let path = path.display().to_string();
            move |source| OpenError::Io { path, doing, source }
        };
        let mut file = open(&path).map_err(refused("open the owner file"))?;
        // `owner` holds a shared lock for an instant, and a process that ends holds its own a little longer than it
        // seems to live; both are waited out before anybody is refused.
        for waited in 0.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if waited < limits::OWNER_WAIT_MS_MAX => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(TryLockError::WouldBlock) => {
                    let line = read(&mut file);
                    let pid = line.as_ref().map(|line| line.pid);
                    let address = line.and_then(|line| line.address);
                    return Err(OpenError::Owned { pid, address, path: data.to_owned() });
                }
                Err(TryLockError::Error(source)) => return Err(refused("lock the owner file")(source)),
            }
        }
        let owned = Self { file: Arc::new(Mutex::new(file)) };
        owned.write(None).map_err(refused("write the owner file"))?;
        Ok(owned)
    }

    /// Notes where this process listens, for those who are refused and for the command line.
    pub fn set_address(&self, address: &str) -> io::Result<()> {
        self.write(Some(address.to_owned()))
    }

    fn write(&self, address: Option<String>) -> io::Result<()> {
        let mut text = serde_json::to_string(&Line { pid: std::process::id(), address })?;
        text.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text.as_bytes())?;
        file.flush()
    }
}

fn read(file: &mut File) -> Option<Line> {
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(text.trim()).ok()
}

#[cfg(unix)]
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

fn open(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)
}
