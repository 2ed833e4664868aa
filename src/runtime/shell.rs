//! The loop's thread: it gives the turns what comes and does what they ask for.
//!
//! Invariant: acts are done in order, each before the next message is taken. Not here: what is decided (`turn`).

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};

use crate::limits::TURN_INPUTS_COUNT_MAX;
use crate::runtime::commit::Committer;
use crate::runtime::dispatch::Dispatch;
use crate::runtime::running::Running;
use crate::runtime::turn::{Act, Turns};
use crate::runtime::watchdog::Watchdog;
use crate::runtime::{Message, RunError};
use crate::store::StoreError;

/// The turns and those who work for them.
pub(super) struct Shell {
    pub(super) turns: Turns,
    pub(super) committer: Committer,
    pub(super) dispatch: Dispatch,
    pub(super) running: Running,
    pub(super) answers: Sender<Message>,
    pub(super) watchdog: Arc<Watchdog>,
}

impl Shell {
    /// Turns until told to stop, or until a commit fails.
    pub(super) fn run(mut self, inbox: &Receiver<Message>) -> Result<(), RunError> {
        let ended = self.turn_until_over(inbox);
        self.watchdog.ended();
        self.dispatch.end();
        ended?;
        self.committer.close()?;
        Ok(())
    }

    fn turn_until_over(&mut self, inbox: &Receiver<Message>) -> Result<(), StoreError> {
        loop {
            self.turns.gather();
            self.act();
            if self.turns.is_over() {
                return Ok(());
            }
            match inbox.recv_timeout(self.turns.sleep()) {
                Ok(message) => {
                    self.take(message)?;
                    for message in inbox.try_iter().take(TURN_INPUTS_COUNT_MAX) {
                        self.take(message)?;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.turns.begin_ending(),
            }
            self.turns.tick();
        }
    }

    fn take(&mut self, message: Message) -> Result<(), StoreError> {
        self.turns.take(message)?;
        self.act();
        Ok(())
    }

    fn act(&mut self) {
        while let Some(act) = self.turns.poll_act() {
            match act {
                Act::Commit(batch) => self.committer.begin(batch),
                Act::Send(window) => self.dispatch.begin(window, self.answers.clone()),
                Act::Run(occurrence) => self.running.begin(occurrence, self.answers.clone()),
                Act::EndRun(occurrence) => self.running.end(occurrence),
                Act::Judged(occurrence, verdict) => self.running.judged(occurrence, verdict),
                Act::StopSending => {
                    self.dispatch.stop();
                    self.running.stop();
                }
            }
        }
    }
}
