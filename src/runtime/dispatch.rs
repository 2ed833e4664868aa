//! Sends: a window of deliveries of one chat, tried one after the other.
//!
//! Texts are read from the store when they are sent, so a backlog costs no memory, and a schedule cancelled or
//! replaced meanwhile is not sent. The first delivery that must be tried again ends its window: what stands behind it
//! is answered `NotTried`, so order is kept.
//! Windows come ahead of their turn, while those before them are still being committed or sent; a gateway takes so
//! many at a time.
//! Invariant: every item of a window is answered exactly once. Not here: retries and order (`engine`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use hashbrown::HashMap;
use tokio::runtime::Handle as Tokio;
use tokio::sync::{Semaphore, watch};

use crate::engine::change::Status;
use crate::engine::{Answer, Content, Input, Window};
use crate::gateway::{Delivery, Gateway, SendError};
use crate::id::{self, OccurrenceId};
use crate::limits::{BEAT_MS_MAX, GATEWAY_SENDS_COUNT_MAX, SEND_MS_MAX};
use crate::runtime::Message;
use crate::runtime::clock::Clock;
use crate::spec::{Payload, Schedule};
use crate::store::Reader;
use crate::time::Span;

/// The gateways by the name that destinations use.
pub type Gateways = HashMap<String, Arc<dyn Gateway>>;

/// Hands windows to gateways.
#[derive(Clone)]
pub(super) struct Dispatch {
    shared: Arc<Shared>,
}

struct Shared {
    gateways: HashMap<String, Door>,
    reader: Reader,
    clock: Arc<dyn Clock>,
    tokio: Tokio,
    beats: watch::Receiver<u64>,
    stopping: AtomicBool,
}

/// A gateway, and room for so many windows at a time.
struct Door {
    gateway: Arc<dyn Gateway>,
    room: Semaphore,
}

impl Dispatch {
    pub(super) fn new(
        gateways: Gateways,
        reader: Reader,
        clock: Arc<dyn Clock>,
        tokio: Tokio,
        beats: watch::Receiver<u64>,
    ) -> Self {
        let stopping = AtomicBool::new(false);
        let door = |gateway| Door { gateway, room: Semaphore::new(GATEWAY_SENDS_COUNT_MAX) };
        let gateways = gateways.into_iter().map(|(name, gateway)| (name, door(gateway))).collect();
        Self { shared: Arc::new(Shared { gateways, reader, clock, tokio, beats, stopping }) }
    }

    /// Begins a window; each item's answer goes to the loop as it comes.
    pub(super) fn begin(&self, window: Window, answers: Sender<Message>) {
        let shared = Arc::clone(&self.shared);
        self.shared.tokio.spawn(async move {
            let mut halted = false;
            let mut unanswered = Unanswered { items: window.items.into(), answers };
            // Without room, because nothing is sent any more, or without a gateway, it is said of each below.
            let _room = match shared.gateways.get(&*window.gateway) {
                Some(door) => door.room.acquire().await.ok(),
                None => None,
            };
            while let Some(&(occurrence, attempt)) = unanswered.items.front() {
                let answer = if halted || shared.stopping.load(Ordering::SeqCst) {
                    Answer::NotTried
                } else {
                    shared.attempt(&window.gateway, window.content, occurrence, attempt).await
                };
                halted = halted || matches!(answer, Answer::Retry { .. } | Answer::Ambiguous { .. });
                unanswered.answer(answer);
            }
        });
    }

    /// From here on what has not been tried is not.
    pub(super) fn stop(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.gateways.values().for_each(|door| door.room.close());
    }
}

/// The rest of a window, from the delivery that is being tried on. Should a gateway panic, the rest is answered all
/// the same, or its chat would stand still for ever.
struct Unanswered {
    items: VecDeque<(OccurrenceId, u16)>,
    answers: Sender<Message>,
}

impl Unanswered {
    fn answer(&mut self, answer: Answer) {
        if let Some((occurrence, _)) = self.items.pop_front() {
            // A loop that has ended settles what is open when it is started again.
            let _ = self.answers.send(Message::Input(Input::Answered { occurrence, answer }));
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.answer(Answer::Ambiguous { error: "the gateway broke down; its panic is in the log".into() });
            while !self.items.is_empty() {
                self.answer(Answer::NotTried);
            }
        }
    }
}

impl Shared {
    async fn attempt(&self, gateway: &str, content: Content, occurrence: OccurrenceId, attempt: u16) -> Answer {
        let delivery = match self.compose(content, occurrence, attempt) {
            Ok(delivery) => delivery,
            Err(answer) => return answer,
        };
        let Some(Door { gateway, .. }) = self.gateways.get(gateway) else {
            return Answer::Permanent { error: format!("gateway '{gateway}' is not configured") };
        };
        let answer = tokio::select! {
            biased;
            answer = gateway.send(delivery) => answer,
            () = self.patience() => {
                let waited = Span::from_millis(SEND_MS_MAX);
                Err(SendError::Ambiguous { error: format!("the gateway did not answer within {waited}") })
            }
        };
        match answer {
            Ok(receipt) => Answer::Delivered { message_id: receipt.message_id },
            Err(SendError::Retry { error, after }) => Answer::Retry { error, after },
            Err(SendError::Permanent { error }) => Answer::Permanent { error },
            Err(SendError::Ambiguous { error }) => Answer::Ambiguous { error },
        }
    }

    /// Waits as long as a gateway may take, counted in beats of the heart: a clock that is set, even the monotonic
    /// one of a machine that is moved or faked, must not end a send that is under way.
    async fn patience(&self) {
        let mut beats = self.beats.clone();
        let last = *beats.borrow() + SEND_MS_MAX / BEAT_MS_MAX;
        // A heart that has stopped beats no more: the process is ending, and the loop waits no longer either.
        if beats.wait_for(|beat| *beat >= last).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The delivery as it is to be sent, or why it is not.
    fn compose(&self, content: Content, occurrence: OccurrenceId, attempt: u16) -> Result<Delivery, Answer> {
        let unread = |error: crate::store::StoreError| Answer::Retry { error: error.to_string(), after: None };
        let key = occurrence.schedule;
        let (Some((declared, schedule)), Some(state)) =
            (self.reader.schedule(key).map_err(unread)?, self.reader.state(key).map_err(unread)?)
        else {
            return Err(Answer::Permanent { error: "its schedule is not in the store".into() });
        };
        if state.status == Status::Cancelled || declared > occurrence.generation {
            return Err(Answer::Superseded);
        }
        let Some(destination) = schedule.destination.clone() else { return Err(Answer::Superseded) };
        let text = match (content, &schedule.payload) {
            (Content::Payload, Payload::Message(text)) => text.clone(),
            (Content::Notice, _) => {
                let error = self.reader.last_error(key).map_err(unread)?;
                notice(&schedule, state.failures, error.as_deref())
            }
        };
        Ok(Delivery {
            key: id::delivery_key(&schedule.id, occurrence.generation, occurrence.due, 0, 0),
            schedule: schedule.id.to_string(),
            due: occurrence.due,
            sent_at: self.clock.now(),
            attempt,
            destination,
            text,
        })
    }
}

/// Tells a schedule's owner that it paused itself.
fn notice(schedule: &Schedule, failures: u16, error: Option<&str>) -> String {
    let id = &schedule.id;
    let title = schedule.name.as_ref().map_or_else(|| format!("'{id}'"), |name| format!("'{name}' ({id})"));
    let error = error.map(|error| format!(" The last error: {error}.")).unwrap_or_default();
    format!(
        "Schedule {title} has paused itself after {failures} failures in a row.{error} Nothing of it fires until it is \
         resumed: chimewheel resume {id}"
    )
}
