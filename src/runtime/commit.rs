//! The commit thread: one batch at a time, durable before it is reported.
//!
//! Invariant: batches are written in the order they were handed over. Not here: what follows a commit (`turn`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Sender, SyncSender};
use std::thread::{self, JoinHandle};

use crate::engine::change::Change;
use crate::runtime::Message;
use crate::runtime::clock::Stopwatch;
use crate::store::{StoreError, Writer};
use crate::time::Span;

/// A batch that is durable.
pub(crate) struct Committed {
    pub(super) batch: Vec<Change>,
    pub(super) took: Span,
}

/// The way to the commit thread.
pub(super) struct Committer {
    batches: SyncSender<Vec<Change>>,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Committer {
    /// `zone_data` is noted with the first batch, which holds what those zone rules changed.
    pub(super) fn start(
        mut writer: Writer,
        done: Sender<Message>,
        mut zone_data: Option<&'static str>,
    ) -> std::io::Result<Self> {
        let (batches, inbox) = mpsc::sync_channel::<Vec<Change>>(1);
        let thread = thread::Builder::new().name("commit".into()).spawn(move || {
            while let Ok(batch) = inbox.recv() {
                let mut noted = |writer: &mut Writer| zone_data.take().map_or(Ok(()), |it| writer.set_zone_data(it));
                let write = AssertUnwindSafe(|| writer.commit(&batch).and_then(|_| noted(&mut writer)));
                // A panic inside the database must end the loop like any failure, or it would wait for ever.
                let watch = Stopwatch::start();
                let result = catch_unwind(write).unwrap_or(Err(StoreError::Stopped));
                let took = Span::from_millis(watch.elapsed().as_millis() as u64);
                let result = result.map(|()| Committed { batch, took });
                let failed = result.is_err();
                if done.send(Message::Committed(result)).is_err() || failed {
                    return Ok(());
                }
            }
            writer.close()
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
