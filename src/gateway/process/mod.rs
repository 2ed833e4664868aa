//! The process gateway: messages are handed to a program, a plug-in, which takes them to its platform.
//!
//! One program for the gateway, started when it is first needed and started again as its config says (`supervise`). A
//! message is one line; its `request_id` is the delivery's key, and an answer bears it, too. What was written to a
//! program that ended before it answered is ambiguous; what was not is tried again.
//! Units: `Span`. Not here: pipes (`plugin`), the protocol's objects (`wire`).

mod lines;
mod plugin;
mod supervise;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{Mutex as TurnMutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use self::wire::{Command, Ready};
use crate::config;
use crate::gateway::{
    Capabilities, Delivery, Gateway, Inbound, Inbox, Listening, Probing, Receipt, Secrets, SendError, Sending, Unwell,
};
use crate::limits::{PLUGIN_END_MS_MAX, PLUGIN_INBOUND_COUNT_MAX, SEND_MS_MAX};
use crate::problem::Problem;
use crate::time::Span;

/// Messages handed over in one go.
const TAKEN_AT_ONCE_COUNT: usize = 64;

/// A program that messages are handed to.
struct Process {
    shared: Arc<Shared>,
    running: Mutex<Option<Running>>,
}

/// What the gateway and whoever keeps the program running share.
struct Shared {
    config: config::Process,
    /// Variables of our own environment that the program is given.
    passed: Vec<(String, SecretString)>,
    state: watch::Sender<State>,
    ending: watch::Sender<bool>,
    inbound: mpsc::Sender<Inbound>,
    heard: TurnMutex<Heard>,
    /// Held by the message that the program has to answer.
    turn: TurnMutex<()>,
}

/// What the program has heard.
struct Heard {
    queue: mpsc::Receiver<Inbound>,
    /// Out of the queue, and not taken yet.
    untaken: Vec<Inbound>,
}

/// Who keeps the program running.
struct Running {
    task: JoinHandle<()>,
    /// Closed when that is over.
    over: std_mpsc::Receiver<()>,
}

/// How the program is.
#[derive(Clone)]
enum State {
    /// It was started.
    Starting,
    /// It takes messages.
    Ready(Arc<Ready>, mpsc::Sender<Line>),
    /// It has ended, and why; it may be started again.
    Down(String),
}

/// A message on its way into the program.
struct Line {
    id: String,
    text: String,
    /// Whether it may have been read.
    is_written: Arc<AtomicBool>,
    answer: oneshot::Sender<Result<Receipt, SendError>>,
}

/// A gateway of this config.
pub fn open(config: &config::Process, secrets: &Secrets) -> Result<Arc<dyn Gateway>, Vec<Problem>> {
    let (inbound, queue) = mpsc::channel(PLUGIN_INBOUND_COUNT_MAX);
    let shared = Shared {
        config: config.clone(),
        passed: secrets.env.clone(),
        state: watch::Sender::new(State::Starting),
        ending: watch::Sender::new(false),
        inbound,
        heard: TurnMutex::new(Heard { queue, untaken: Vec::new() }),
        turn: TurnMutex::new(()),
    };
    Ok(Arc::new(Process { shared: Arc::new(shared), running: Mutex::new(None) }))
}

impl Gateway for Process {
    fn capabilities(&self) -> Capabilities {
        Capabilities { receives: true, ..Capabilities::PLAIN }
    }

    fn send(&self, delivery: Delivery) -> Sending<'_> {
        Box::pin(async move {
            let is_written = Arc::new(AtomicBool::new(false));
            let timeout = self.shared.config.timeout;
            // A program takes one message at a time, as most can do no more: what waits is not written, and is safe to
            // try again. Both waits together end before the engine's patience does.
            let patience = timeout.min(Span::from_millis(SEND_MS_MAX.saturating_sub(timeout.as_millis())));
            let turn = async {
                let turn = self.shared.turn.lock().await;
                self.ready().await.map(|_| turn)
            };
            let retry = |error: String| Err(SendError::Retry { error, after: None });
            let _turn = match tokio::time::timeout(patience.to_std(), turn).await {
                Ok(Ok(turn)) => turn,
                Ok(Err(error)) => return Err(SendError::Unreachable { error }),
                Err(_) => return retry(format!("the plug-in took no further message within {patience}")),
            };
            match tokio::time::timeout(timeout.to_std(), self.hand_over(&delivery, &is_written)).await {
                Ok(answer) => answer,
                Err(_) => Err(unanswered(&is_written, format!("the plug-in did not answer within {timeout}"))),
            }
        })
    }

    fn listen(&self, inbox: Arc<dyn Inbox>) -> Listening<'_> {
        Box::pin(async move {
            self.start();
            let mut heard = self.shared.heard.lock().await;
            let Heard { queue, untaken } = &mut *heard;
            loop {
                if untaken.is_empty() {
                    queue.recv_many(untaken, TAKEN_AT_ONCE_COUNT).await;
                }
                // What is not taken now is, when it is listened to again: a plug-in says nothing twice.
                if untaken.is_empty() || inbox.take(untaken.clone()).await.is_err() {
                    return;
                }
                untaken.clear();
            }
        })
    }

    fn end(&self) {
        self.shared.ending.send_replace(true);
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { task, over }) = running {
            // The plug-in's own time, and as much again for what is done around it.
            let _ = over.recv_timeout(Duration::from_millis(2 * PLUGIN_END_MS_MAX));
            task.abort();
        }
    }

    fn probe(&self) -> Probing<'_> {
        Box::pin(async move {
            let timeout = self.shared.config.timeout;
            let problem = |why: String| {
                let hint = "run it by hand: it has to print a line with \"type\": \"ready\"";
                Unwell::Wrong(Problem::new("command", why).hint(hint))
            };
            match tokio::time::timeout(timeout.to_std(), self.ready()).await {
                Ok(Ok((ready, _))) => {
                    let Ready { gateway, version, capabilities } = &*ready;
                    Ok(format!("{gateway} {version} is ready ({})", capabilities.join(", ")))
                }
                Ok(Err(why)) => Err(problem(why)),
                Err(_) => Err(problem(format!("the plug-in was not ready within {timeout}"))),
            }
        })
    }
}

impl Process {
    /// Has the program started and kept, if nobody does that yet.
    fn start(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever kept it ends with the Tokio runtime that was theirs.
        if running.as_ref().is_some_and(|running| !running.task.is_finished()) || *self.shared.ending.borrow() {
            return;
        }
        self.shared.state.send_replace(State::Starting);
        let (until, over) = std_mpsc::channel();
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move {
            supervise::supervise(&shared).await;
            drop::<std_mpsc::Sender<()>>(until);
        });
        *running = Some(Running { task, over });
    }

    /// Waits until the program takes messages, or says why it does not.
    async fn ready(&self) -> Result<(Arc<Ready>, mpsc::Sender<Line>), String> {
        self.start();
        let mut state = self.shared.state.subscribe();
        let state = state.wait_for(|state| !matches!(state, State::Starting)).await;
        match state.as_deref() {
            Ok(State::Ready(ready, lines)) => Ok((Arc::clone(ready), lines.clone())),
            Ok(State::Down(why)) => Err(why.clone()),
            Ok(State::Starting) | Err(_) => Err("the plug-in is not ready".to_owned()),
        }
    }

    async fn hand_over(&self, delivery: &Delivery, is_written: &Arc<AtomicBool>) -> Result<Receipt, SendError> {
        let (ready, lines) = self.ready().await.map_err(|error| SendError::Unreachable { error })?;
        let thread = delivery.destination.thread.as_deref();
        if thread.is_some() && !ready.capabilities.iter().any(|capability| capability == "reply") {
            let error = format!("the plug-in {} knows no threads; leave destination.thread out", ready.gateway);
            return Err(SendError::Permanent { error });
        }
        let command = Command::SendMessage {
            request_id: &delivery.key,
            chat_id: &delivery.destination.chat_id,
            content: &delivery.text,
            reply_to: thread,
        };
        let text = command.line().map_err(|error| SendError::Permanent { error: error.to_string() })?;
        let (answer, answered) = oneshot::channel();
        let line = Line { id: delivery.key.clone(), text, is_written: Arc::clone(is_written), answer };
        let ended = || unanswered(is_written, "the plug-in ended before it answered".to_owned());
        lines.send(line).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            running.task.abort();
        }
    }
}

/// What no answer means.
fn unanswered(is_written: &AtomicBool, error: String) -> SendError {
    if is_written.load(Ordering::SeqCst) {
        SendError::Ambiguous { error }
    } else {
        SendError::Retry { error, after: None }
    }
}
