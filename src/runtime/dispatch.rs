//! Sends: windows of deliveries, each on its way through its gateway (`round`), with a limit to how long one may take.
//!
//! Windows come ahead of their turn, while those before them are still being committed or sent; a gateway takes so
//! many at a time.
//! Invariant: every item of a window is answered exactly once, even if its gateway panics. Not here: what is sent and
//! what ends a window (`round`), retries and order (`engine`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use hashbrown::HashMap;
use tokio::runtime::Handle as Tokio;
use tokio::sync::{Semaphore, watch};

use crate::config::PaceChoice;
use crate::engine::{Input, Window};
use crate::gateway::{Delivery, Gateway, Receipt, SendError};
use crate::limits::{BEAT_MS_MAX, GATEWAY_SENDS_COUNT_MAX, SEND_MS_MAX};
use crate::pace::Paces;
use crate::runtime::Message;
use crate::runtime::clock::Clock;
use crate::runtime::meter::Meter;
use crate::runtime::round::{Round, Step};
use crate::store::Reader;
use crate::time::Span;

/// The gateways by the name that destinations use.
pub type Gateways = HashMap<String, Arc<dyn Gateway>>;

/// What each gateway keeps to; one that takes whatever comes is left out.
pub(super) fn paces(gateways: &Gateways, chosen: &BTreeMap<String, PaceChoice>) -> BTreeMap<String, Paces> {
    let kept = |(name, gateway): (&String, &Arc<dyn Gateway>)| {
        let paces = chosen.get(name).copied().unwrap_or_default().over(gateway.capabilities().pace);
        (paces != Paces::default()).then(|| (name.clone(), paces))
    };
    gateways.iter().filter_map(kept).collect()
}

/// Hands windows to gateways.
#[derive(Clone)]
pub(super) struct Dispatch {
    shared: Arc<Shared>,
}

struct Shared {
    gateways: HashMap<String, Arc<Door>>,
    reader: Reader,
    clock: Arc<dyn Clock>,
    tokio: Tokio,
    beats: watch::Receiver<u64>,
    stopping: AtomicBool,
    meter: Arc<Meter>,
}

/// A gateway, and room for so many windows at a time.
struct Door {
    gateway: Arc<dyn Gateway>,
    room: Semaphore,
    /// Whether it was said in the log that nothing can be sent.
    is_shut: AtomicBool,
}

impl Dispatch {
    pub(super) fn new(
        gateways: Gateways,
        reader: Reader,
        clock: Arc<dyn Clock>,
        tokio: Tokio,
        beats: watch::Receiver<u64>,
        meter: Arc<Meter>,
    ) -> Self {
        let stopping = AtomicBool::new(false);
        let door = |gateway| Door { gateway, room: Semaphore::new(GATEWAY_SENDS_COUNT_MAX), is_shut: false.into() };
        let gateways = gateways.into_iter().map(|(name, gateway)| (name, Arc::new(door(gateway)))).collect();
        Self { shared: Arc::new(Shared { gateways, reader, clock, tokio, beats, stopping, meter }) }
    }

    /// Begins a window; each item's answer goes to the loop as it comes.
    pub(super) fn begin(&self, window: Window, answers: Sender<Message>) {
        let shared = Arc::clone(&self.shared);
        self.shared.tokio.spawn(async move {
            let door = shared.gateways.get(&*window.gateway).map(Arc::clone);
            // Without room, because nothing is sent any more, or without a gateway, it is said of each below.
            let _room = match &door {
                Some(door) => door.room.acquire().await.ok(),
                None => None,
            };
            let mut unanswered = Unanswered { round: Round::new(window), shared, answers };
            while let Some(step) = unanswered.step() {
                match step {
                    Step::Tell(input) => unanswered.tell(input),
                    Step::Try(delivery) => {
                        let gateway = unanswered.round.gateway();
                        let said = unanswered.shared.is_heard(gateway, &delivery).then(|| delivery.clone());
                        let answer = unanswered.shared.attempt(gateway, *delivery).await;
                        unanswered.shared.meter.attempted(gateway, &answer);
                        let said = said.filter(|_| answer.is_ok());
                        match (unanswered.round.answered(answer), said) {
                            (Some(input), Some(said)) => unanswered.send(Message::Delivered(input, said)),
                            (Some(input), None) => unanswered.tell(input),
                            (None, _) => {}
                        }
                    }
                }
            }
        });
    }

    /// From here on what has not been tried is not.
    pub(super) fn stop(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.gateways.values().for_each(|door| door.room.close());
    }

    /// Nothing is under way any more, or nobody waits for it: gateways end what they keep running, side by side.
    pub(super) fn end(&self) {
        std::thread::scope(|scope| {
            for door in self.shared.gateways.values() {
                scope.spawn(|| door.gateway.end());
            }
        });
    }
}

/// The rest of a window. Should a gateway panic, the rest is answered all the same, or its chat would stand still for
/// ever.
struct Unanswered {
    round: Round,
    shared: Arc<Shared>,
    answers: Sender<Message>,
}

impl Unanswered {
    fn step(&mut self) -> Option<Step> {
        let stopping = self.shared.stopping.load(Ordering::SeqCst);
        self.round.step(&self.shared.reader, self.shared.clock.now(), stopping)
    }

    fn tell(&self, input: Input) {
        self.send(Message::Input(input));
    }

    fn send(&self, message: Message) {
        // A loop that has ended settles what is open when it is started again.
        let _ = self.answers.send(message);
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let error = "the gateway broke down; its panic is in the log".into();
            let mut answer = self.round.answered(Err(SendError::Ambiguous { error }));
            // What stands behind an ambiguous answer is not tried, so nothing is composed or sent from here.
            while let Some(input) = answer {
                self.tell(input);
                answer = match self.round.step(&self.shared.reader, self.shared.clock.now(), true) {
                    Some(Step::Tell(input)) => Some(input),
                    Some(Step::Try(_)) | None => None,
                };
            }
        }
    }
}

impl Door {
    /// Says in the log, once, that nothing can be sent, and that it can again.
    fn note(&self, name: &str, answer: &Result<Receipt, SendError>) {
        match answer {
            Err(SendError::Unreachable { error }) if !self.is_shut.swap(true, Ordering::Relaxed) => {
                tracing::warn!(gateway = name, "nothing can be sent, and is tried from time to time: {error}");
            }
            Err(SendError::Barred { error }) if !self.is_shut.swap(true, Ordering::Relaxed) => {
                tracing::error!(gateway = name, "nothing can be sent until somebody acts: {error}");
            }
            Ok(_) | Err(SendError::Permanent { .. }) if self.is_shut.swap(false, Ordering::Relaxed) => {
                tracing::info!(gateway = name, "messages can be sent again");
            }
            Ok(_) | Err(_) => {}
        }
    }
}

impl Shared {
    /// Whether people can answer what this says.
    fn is_heard(&self, gateway: &str, delivery: &Delivery) -> bool {
        delivery.is_said && self.gateways.get(gateway).is_some_and(|door| door.gateway.capabilities().receives)
    }

    async fn attempt(&self, gateway: &str, delivery: Delivery) -> Result<Receipt, SendError> {
        let Some(door) = self.gateways.get(gateway) else {
            return Err(SendError::Permanent { error: format!("gateway '{gateway}' is not configured") });
        };
        let answer = tokio::select! {
            biased;
            answer = door.gateway.send(delivery) => answer,
            () = self.patience() => {
                let waited = Span::from_millis(SEND_MS_MAX);
                Err(SendError::Ambiguous { error: format!("the gateway did not answer within {waited}") })
            }
        };
        door.note(gateway, &answer);
        answer
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
}
