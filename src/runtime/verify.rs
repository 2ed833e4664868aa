//! Verifying a store to the end: what the file holds, and what an engine would make of it.
//!
//! Invariant: the file is not changed, whatever is found. Not here: the tables (`store`).

use std::path::Path;

use crate::engine::boot::ZoneRules;
use crate::engine::{Engine, Options};
use crate::runtime::boot::restore;
use crate::store::{FILE, OpenError, Opened, Reader, Store, StoreError, Verified};
use crate::time::Timestamp;

/// Verifies the store of a folder that no process has open.
pub fn verify(data: &Path, now: Timestamp) -> Result<Verified, VerifyError> {
    let _held = Store::hold(data)?;
    verify_file(&data.join(FILE), now)
}

/// Verifies a database file that nobody writes, such as a backup.
pub fn verify_file(file: &Path, now: Timestamp) -> Result<Verified, VerifyError> {
    let (found, opened) = Store::verify(file)?;
    boot(found, opened, now)
}

/// Verifies the store of this process as some commit of now left it; commits go on meanwhile.
pub fn verify_beside(reader: &Reader, now: Timestamp) -> Result<Verified, VerifyError> {
    let (found, opened) = reader.verify()?;
    boot(found, opened, now)
}

/// Boots an engine from what was verified, to see whether it would hold what the tables say.
fn boot(mut found: Verified, opened: Option<Opened>, now: Timestamp) -> Result<Verified, VerifyError> {
    if let Some(opened) = opened {
        // It serves nothing: it is never told that time passes.
        let options = Options { epoch: opened.epoch, ..Options::default() };
        let mut engine = Engine::new(now, options);
        restore(&opened, &mut engine, now)?;
        engine.start(now, ZoneRules::Same);
        found.compare_armed(engine.figures().armed as u64);
    }
    Ok(found)
}

/// Why a store could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
