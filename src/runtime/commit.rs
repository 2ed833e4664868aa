//! The commit thread: one batch at a time, durable before it is reported.
//!
//! Invariant: batches are written in the order they were handed over. Not here: what follows a commit (`turn`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender, SyncSender};
use std::thread::{self, JoinHandle};

use crate::engine::change::Change;
use crate::runtime::Message;
use crate::runtime::clock::Stopwatch;
use crate::runtime::meter::Meter;
use crate::store::{StoreError, Writer};
use crate::time::Span;

/// A batch that is durable.
#[derive(Debug)]
pub struct Committed {
    /// What was written.
    pub batch: Vec<Change>,
    /// How long that took.
    pub took: Span,
}

/// What writes batches, wherever it runs.
pub struct Recorder {
    writer: Writer,
    /// Noted with the first batch, which holds what those zone rules changed.
    zone_data: Option<&'static str>,
}

/// The way to the commit thread.
pub(super) struct Committer {
    batches: SyncSender<Vec<Change>>,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Recorder {
    pub(super) fn new(writer: Writer, zone_data: Option<&'static str>) -> Self {
        Self { writer, zone_data }
    }

    /// Writes a batch and hands it back once it is durable.
    pub fn write(&mut self, batch: Vec<Change>) -> Result<Committed, StoreError> {
        let watch = Stopwatch::start();
        let write = AssertUnwindSafe(|| {
            self.writer.commit(&batch)?;
            self.zone_data.take().map_or(Ok(()), |zone_data| self.writer.set_zone_data(zone_data))
        });
        // A panic inside the database must end the loop like any failure, or it would wait for ever.
        catch_unwind(write).unwrap_or(Err(StoreError::Stopped))?;
        Ok(Committed { batch, took: Span::from_millis(watch.elapsed().as_millis() as u64) })
    }

    /// Closes the store.
    pub fn close(self) -> Result<(), StoreError> {
        self.writer.close()
    }
}

impl Committer {
    pub(super) fn start(mut recorder: Recorder, meter: Arc<Meter>, done: Sender<Message>) -> std::io::Result<Self> {
        let (batches, inbox) = mpsc::sync_channel::<Vec<Change>>(1);
        let thread = thread::Builder::new().name("commit".into()).spawn(move || {
            while let Ok(batch) = inbox.recv() {
                let result = recorder.write(batch);
                let failed = result.is_err();
                if let Ok(committed) = &result {
                    meter.committed(&committed.batch, committed.took);
                }
                if done.send(Message::Committed(result)).is_err() || failed {
                    return Ok(());
                }
            }
            recorder.close()
        })?;
        Ok(Self { batches, thread })
    }

    /// Hands a batch over; its result comes as a message.
    pub(super) fn begin(&self, batch: Vec<Change>) {
        // A thread that has ended has reported why.
        let _ = self.batches.send(batch);
    }

    /// Lets the thread close the store and waits for it.
    pub(super) fn close(self) -> Result<(), StoreError> {
        drop(self.batches);
        // A panic of the thread has been printed; the file is as the last commit left it.
        self.thread.join().unwrap_or(Ok(()))
    }
}
