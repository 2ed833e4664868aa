//! Commands about the database file itself: `verify`, `restore`, `compact`, and the request of `backup`.
//!
//! `restore` and `compact` need a store that no process has open, and say which process has it otherwise; `verify` asks
//! that process.
//! Invariant: nothing is put in place that has not been verified as it lies there.
//! Not here: judging and copying (`store`).

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::args::{Backup, Restore, Verify};
use super::screen::{Screen, complain};
use super::setup::Setup;
use crate::runtime::{VerifyError, verify, verify_file};
use crate::store::{self, FILE, OpenError, Options, Store};
use crate::surface::admin::Token;
use crate::surface::error::{Code, Error};
use crate::surface::ops::reply::VerifiedShown;
use crate::surface::ops::{Reply, perform, request};
use crate::surface::remote::Remote;

/// Faults that are shown one by one to a person.
const FAULTS_SHOWN: usize = 50;

/// Verifies the store, or another database file. A store that a daemon has is verified by the daemon.
pub fn verify_store(asked: &Verify, setup: &Setup, screen: &Screen) -> Result<u8, Error> {
    let now = screen.look.now;
    // The store itself may be given by its own name, too: whoever has it open must be asked.
    let folder = match &asked.file {
        Some(file) if file.file_name().is_some_and(|name| name == FILE) => file.parent(),
        Some(_) => None,
        None => Some(setup.config.data.as_path()),
    };
    let found = match (folder, &asked.file) {
        (None, Some(file)) => {
            VerifiedShown::new(file.display().to_string(), verify_file(file, now).map_err(refused)?)
        }
        (folder, _) => {
            let folder = folder.unwrap_or(Path::new(""));
            match verify(folder, now) {
                Err(VerifyError::Open(error @ OpenError::Owned { .. })) => ask_owner(folder, &error)?,
                found => VerifiedShown::new(folder.join(FILE).display().to_string(), found.map_err(refused)?),
            }
        }
    };
    told(&found, screen)?;
    Ok(if found.sound { 0 } else { Code::Failed.exit() })
}

/// Has the process that owns a store verify it.
fn ask_owner(folder: &Path, owned: &OpenError) -> Result<VerifiedShown, Error> {
    let address = store::owner(folder).and_then(|owner| owner.address?.parse().ok());
    let Some(address) = address else {
        let hint = "it does not listen, so it cannot be asked; stop it first";
        return Err(Error::new(Code::Owned, format!("{owned}; {hint}")));
    };
    let remote = Remote::new(address, Token::load(folder)?);
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Code::Failed, format!("cannot start: {error}")))?;
    tokio.block_on(perform(&remote, request::Verify {}))
}

/// Puts a backup in place of the store.
pub fn restore(asked: &Restore, setup: &Setup, screen: &Screen) -> Result<u8, Error> {
    let data = &setup.config.data;
    let restoring = match Store::restore(&asked.file, data, asked.force) {
        Err(OpenError::Io { source, path, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("{path} exists; --force moves it aside and puts the backup in its place");
            return Err(Error::new(Code::Conflict, message));
        }
        other => other?,
    };
    let found = verify_file(restoring.copy(), screen.look.now).map_err(refused)?;
    if !found.is_sound() {
        told(&VerifiedShown::new(asked.file.display().to_string(), found), screen)?;
        let message = format!("{} is not sound; nothing was changed", asked.file.display());
        return Err(Error::new(Code::Failed, message));
    }
    let aside = restoring.put()?;
    let database = data.join(FILE);
    let schedules = found.counts.get("schedules").copied().unwrap_or_default();
    screen.answer(
        || {
            let aside = aside.as_ref().map(|aside| aside.display().to_string());
            Ok(json!({"file": database.display().to_string(), "schedules": schedules, "replaced": aside}))
        },
        |_| {
            let mut text = format!("Restored {}: {schedules} schedules, verified.\n", database.display());
            if let Some(aside) = &aside {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "The store that was there is now {}.", aside.display());
            }
            text
        },
    )?;
    Ok(0)
}

/// Makes the database file as small as it can be.
pub fn compact(setup: &Setup, screen: &Screen) -> Result<u8, Error> {
    let data = &setup.config.data;
    if !screen.json {
        complain(&format!("compacting {}\n", data.join(FILE).display()));
    }
    let options = Options { cache_bytes: setup.config.limits.cache_mb * 1024 * 1024, ..Options::default() };
    let sizes = Store::compact(data, &options)?;
    screen.answer(
        || Ok(json!({"bytes_before": sizes.before, "bytes": sizes.after})),
        |_| format!("{} before, {} now.\n", size(sizes.before), size(sizes.after)),
    )?;
    Ok(0)
}

/// The request that `backup` stands for; a daemon's working directory is another one.
pub fn backup_request(asked: &Backup) -> Result<request::Backup, Error> {
    let file = std::path::absolute(&asked.file)
        .map_err(|error| Error::new(Code::BadInput, format!("cannot find {}: {error}", asked.file.display())))?;
    let Some(file) = file.to_str() else {
        return Err(Error::new(Code::BadInput, format!("{} is not UTF-8", asked.file.display())));
    };
    Ok(request::Backup { file: file.to_owned(), force: asked.force })
}

/// Bytes as people read them.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut shown = bytes as f64 / 1024.0;
    for unit in &UNITS[..3] {
        if shown < 1024.0 {
            return format!("{shown:.1} {unit}");
        }
        shown /= 1024.0;
    }
    format!("{shown:.1} {}", UNITS[3])
}

fn told(found: &VerifiedShown, screen: &Screen) -> Result<(), Error> {
    screen.answer(
        || Reply::Verify(found.clone()).to_json(),
        |_| {
            let mut text = format!("{}\n", found.file);
            // Writing to a String cannot fail.
            for (what, count) in &found.counts {
                let _ = writeln!(text, "  {count:>12}  {what}");
            }
            for fault in found.faults.iter().take(FAULTS_SHOWN) {
                let _ = writeln!(text, "fault: {fault}");
            }
            let more = found.faults_count.saturating_sub(FAULTS_SHOWN as u64);
            if more > 0 {
                let _ = writeln!(text, "and {more} more faults; --json lists them");
            }
            let verdict = match found.faults_count {
                0 => "Sound: every page, every row, and everything tables say about each other.".to_owned(),
                1 => "Not sound: 1 fault.".to_owned(),
                many => format!("Not sound: {many} faults."),
            };
            text + verdict.as_str() + "\n"
        },
    )
}

fn refused(error: VerifyError) -> Error {
    match error {
        VerifyError::Open(error) => error.into(),
        VerifyError::Store(error) => error.into(),
    }
}
