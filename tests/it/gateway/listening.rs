//! A gateway that listens, as the runtime will have it: an inbox in memory, and a thread that ends it.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chimewheel::gateway::{Ending, Gateway, Inbound, Inbox, Taking};
use tokio::sync::oneshot;

/// How long a message is waited for before a test is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway that listens until this is dropped.
pub struct Listener {
    taken: Receiver<Inbound>,
    thread: Option<JoinHandle<()>>,
    /// Dropped, it ends the thread.
    end: Option<oneshot::Sender<()>>,
}

/// An inbox in memory, which takes each message of a chat once.
struct Memory {
    to: Mutex<Sender<Inbound>>,
    known: Mutex<BTreeSet<(String, String)>>,
    /// How many more times it takes something before the process ends.
    rounds: Mutex<usize>,
}

impl Listener {
    pub fn start(gateway: Arc<dyn Gateway>) -> Self {
        Self::until(gateway, usize::MAX)
    }

    /// One whose process ends when messages come for the last of so many times and one more.
    pub fn until(gateway: Arc<dyn Gateway>, rounds: usize) -> Self {
        let (to, taken) = mpsc::channel();
        let inbox: Arc<dyn Inbox> =
            Arc::new(Memory { to: Mutex::new(to), known: Mutex::default(), rounds: Mutex::new(rounds) });
        let (end, ended) = oneshot::channel();
        let thread = thread::spawn(move || {
            let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            tokio.block_on(async {
                tokio::select! {
                    () = gateway.listen(inbox) => {}
                    _ = ended => {}
                }
            });
        });
        Self { taken, thread: Some(thread), end: Some(end) }
    }

    /// The next message that was not known.
    pub fn next(&self) -> Inbound {
        self.taken.recv_timeout(PATIENCE).expect("a message")
    }

    /// What was taken and not looked at.
    pub fn rest(&self) -> Vec<Inbound> {
        self.taken.try_iter().collect()
    }

    /// Waits until it listens no longer by itself.
    pub fn join(mut self) -> Vec<Inbound> {
        self.thread.take().unwrap().join().unwrap();
        self.rest()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Inbox for Memory {
    fn take(&self, messages: Vec<Inbound>) -> Taking<'_> {
        let mut rounds = self.rounds.lock().unwrap();
        if *rounds == 0 {
            return Box::pin(std::future::ready(Err(Ending)));
        }
        *rounds -= 1;
        for message in messages {
            if self.known.lock().unwrap().insert((message.chat_id.clone(), message.message_id.clone())) {
                // A test that has ended listens no longer.
                let _ = self.to.lock().unwrap().send(message);
            }
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn place(&self) -> Taking<'_, Option<String>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn keep_place(&self, _: String) -> Taking<'_> {
        Box::pin(std::future::ready(Ok(())))
    }
}
