//! The heartbeat file while the daemon runs: applied when it starts and whenever the file changes.
//!
//! Nothing that is wrong with it stops anything; all of it is in the log. Where none is configured, what one declared
//! before is cancelled. Not here: what the file declares (`surface/heartbeat`).

use super::brought::Told;
use super::watch::{FileWatch, LOOK_AGAIN};
use crate::config::Heartbeat;
use crate::surface::error::Error;
use crate::surface::heartbeat::{SOURCE, Seen, declared, look};
use crate::surface::import::Brought;
use crate::surface::ops::local::Local;

/// A heartbeat file that is looked after, if one is configured.
pub struct Beat {
    config: Heartbeat,
    watch: Option<FileWatch>,
    /// Whether the last look could not read the file.
    is_unreadable: bool,
}

impl Beat {
    /// Begins to look after the configured file.
    pub fn begin(config: &Heartbeat) -> Self {
        let watch = config.file.as_deref().map(FileWatch::begin);
        Self { config: config.clone(), watch, is_unreadable: false }
    }

    /// Until the file has changed, or can be read when it could not be.
    pub async fn changed(&mut self) {
        let (Some(watch), Some(file)) = (&mut self.watch, &self.config.file) else {
            return std::future::pending().await;
        };
        // What lets a file be read changes neither its time nor its length.
        let readable = async {
            while !self.is_unreadable || matches!(look(file), Seen::Unreadable(_)) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::select! {
            () = watch.changed() => {}
            () = readable => {}
        }
    }

    /// Makes the store agree with the file.
    pub async fn apply(&mut self, local: &Local) {
        if let Err(error) = self.try_apply(local).await {
            tracing::error!("the heartbeat file cannot be applied: {error}");
        }
    }

    async fn try_apply(&mut self, local: &Local) -> Result<(), Error> {
        let Some(file) = &self.config.file else {
            let (brought, reply) = local.apply_heartbeat(Brought::default()).await?;
            Told::of(SOURCE, brought, reply).log();
            return Ok(());
        };
        let shown = file.display();
        let seen = look(file);
        self.is_unreadable = matches!(seen, Seen::Unreadable(_));
        let Some(mut brought) = declared(file, &seen, &self.config) else {
            if let Seen::Unreadable(why) = &seen {
                tracing::warn!(file = %shown, "the heartbeat file cannot be read, and what it declared stays: {why}");
            }
            return Ok(());
        };
        for note in std::mem::take(&mut brought.notes) {
            match seen {
                Seen::Gone => tracing::warn!(file = %shown, "{note}: there is no heartbeat until there is"),
                Seen::Text(_) | Seen::Unreadable(_) => tracing::info!(file = %shown, "{note}"),
            }
        }
        let (brought, reply) = local.apply_heartbeat(brought).await?;
        let told = Told::of(SOURCE, brought, reply);
        told.log();
        tracing::info!(file = %shown, schedules = told.count(), "the heartbeat file is applied");
        Ok(())
    }
}
