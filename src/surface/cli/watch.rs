//! Notices that schedule files change while the daemon runs.
//!
//! What changed is not told, only that something did: applying a folder again changes nothing that is the same.
//! Changes that come in quick succession count as one. A removed file cancels nothing: that is `apply --prune`.
//! Source: inotify and its kin, by way of `notify`.

use std::path::Path;
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// How long a folder must have been quiet before it is read.
const QUIET: Duration = Duration::from_millis(300);

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
