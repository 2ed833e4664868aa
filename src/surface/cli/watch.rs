//! Notices that schedule files change while the daemon runs, those of a folder and single ones.
//!
//! What changed is not told, only that something did: applying a folder again changes nothing that is the same.
//! Changes that come in quick succession count as one. A removed file cancels nothing: that is `apply --prune`.
//! Source: inotify and its kin, by way of `notify`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// How long a folder must have been quiet before it is read.
const QUIET: Duration = Duration::from_millis(300);

/// Pause between two looks at a single file.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Looks after one folder for as long as it lives.
pub struct Watch {
    /// Ends the looking when it is dropped.
    _watcher: RecommendedWatcher,
    changes: mpsc::Receiver<()>,
}

impl Watch {
    /// Begins to look.
    pub fn begin(folder: &Path) -> notify::Result<Self> {
        let (changed, changes) = mpsc::channel(1);
        let mut watcher = notify::recommended_watcher(move |noticed: notify::Result<Event>| {
            let is_news = noticed.map_or(true, |event| !event.kind.is_access());
            if is_news {
                // One note that waits stands for all of them.
                let _ = changed.try_send(());
            }
        })?;
        watcher.watch(folder, RecursiveMode::Recursive)?;
        Ok(Self { _watcher: watcher, changes })
    }

    /// Until something has changed and the folder is quiet again.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        while let Ok(Some(())) = tokio::time::timeout(QUIET, self.changes.recv()).await {}
    }
}

/// Looks after one file, by looking at it: so it is seen to come, to go, and to change behind a link.
pub struct FileWatch {
    file: PathBuf,
    seen: Look,
}

/// What a look sees: when the file was written, and how long it is; or why it cannot be told.
#[derive(PartialEq)]
enum Look {
    There(Option<SystemTime>, u64),
    Not(std::io::ErrorKind),
}

impl FileWatch {
    /// Begins to look.
    pub fn begin(file: &Path) -> Self {
        Self { file: file.to_owned(), seen: Look::at(file) }
    }

    /// Until it has changed and is quiet again.
    pub async fn changed(&mut self) {
        while Look::at(&self.file) == self.seen {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let mut before = Look::at(&self.file);
        loop {
            // Of a file that is being written a half must not be taken for the whole.
            tokio::time::sleep(QUIET).await;
            let now = Look::at(&self.file);
            if now == before {
                self.seen = now;
                return;
            }
            before = now;
        }
    }
}

impl Look {
    fn at(file: &Path) -> Self {
        match fs::metadata(file) {
            Ok(about) => Self::There(about.modified().ok(), about.len()),
            Err(error) => Self::Not(error.kind()),
        }
    }
}
