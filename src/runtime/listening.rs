//! Gateways that people can answer by are listened to; what they hear goes to the loop, and comes back as taken once it
//! is durable.
//!
//! Invariant: a gateway waits for its messages to be durable before it tells its platform that they were taken. Should a
//! gateway break down, it is listened to again after a pause.
//! Not here: what becomes of messages (`conversation`), platforms (`gateway`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use hashbrown::HashMap;
use tokio::runtime::Handle as Tokio;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::gateway::{Ending, Gateway, Heard, Inbound, Inbox, Posted, Taking, Unheard};
use crate::limits::LISTEN_AGAIN_MS_MIN;
use crate::runtime::conversation::Arrived;
use crate::runtime::{Gateways, Message};
use crate::store::Reader;

/// What hears.
#[derive(Clone)]
pub(super) struct Ears {
    gateways: Arc<HashMap<String, Ear>>,
}

/// A gateway, and where it puts what it hears.
#[derive(Clone)]
struct Ear {
    gateway: Arc<dyn Gateway>,
    inbox: Arc<Letterbox>,
}

/// The inbox of one gateway.
struct Letterbox {
    gateway: Arc<str>,
    messages: Sender<Message>,
    reader: Reader,
    /// Something was not taken since the gateway was last asked to listen.
    is_refused: AtomicBool,
}

/// Gateways that are being listened to, until it is dropped.
pub(super) struct Listening(Vec<JoinHandle<()>>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// What a platform is to be told that posted something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// That all is well.
    Taken,
    /// This text.
    Text(String),
    /// To come again later: the process is ending.
    Later,
}

impl Ears {
    pub(super) fn new(gateways: Gateways, messages: &Sender<Message>, reader: &Reader) -> Self {
        let receiving = gateways.into_iter().filter(|(_, gateway)| gateway.capabilities().receives);
        let ears = receiving.map(|(name, gateway)| {
            let (messages, reader) = (messages.clone(), reader.clone());
            let inbox =
                Letterbox { gateway: name.as_str().into(), messages, reader, is_refused: AtomicBool::new(false) };
            (name, Ear { gateway, inbox: Arc::new(inbox) })
        });
        Self { gateways: Arc::new(ears.collect()) }
    }

    /// Listens from now on.
    pub(super) fn listen(&self, tokio: &Tokio) -> Listening {
        let ears = self.gateways.values().cloned();
        Listening(ears.map(|ear| tokio.spawn(listen(ear, tokio.clone()))).collect())
    }

    /// Takes what a platform posted; `None`: there is no such gateway.
    pub(super) async fn hear(&self, gateway: &str, posted: &Posted<'_>) -> Option<Result<Answered, Unheard>> {
        let ear = self.gateways.get(gateway)?;
        Some(match ear.gateway.hear(posted) {
            Err(unheard) => Err(unheard),
            Ok(Heard::Answer(text)) => Ok(Answered::Text(text)),
            Ok(Heard::Messages(messages)) if messages.is_empty() => Ok(Answered::Taken),
            Ok(Heard::Messages(messages)) => match ear.inbox.take(messages).await {
                Ok(()) => Ok(Answered::Taken),
                Err(Ending) => Ok(Answered::Later),
            },
        })
    }
}

async fn listen(ear: Ear, tokio: Tokio) {
    loop {
        let (gateway, inbox) = (Arc::clone(&ear.gateway), Arc::clone(&ear.inbox));
        // On a task of its own: a panic ends that task, and not the listening.
        let mut once = Aborting(tokio.spawn(async move { gateway.listen(inbox).await }));
        let ended = (&mut once.0).await;
        if ended.is_ok() && !ear.inbox.is_refused.swap(false, Ordering::SeqCst) {
            return;
        }
        tracing::warn!(gateway = &*ear.inbox.gateway, "listening ended, and begins again");
        tokio::time::sleep(Duration::from_millis(LISTEN_AGAIN_MS_MIN)).await;
    }
}

/// A task that ends with whoever waits for it.
struct Aborting(JoinHandle<()>);

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Letterbox {
    async fn told(&self, message: impl FnOnce(oneshot::Sender<()>) -> Message) -> Result<(), Ending> {
        let (taken, answer) = oneshot::channel();
        let answered = match self.messages.send(message(taken)) {
            Ok(()) => answer.await.map_err(|_| Ending),
            Err(_) => Err(Ending),
        };
        if answered.is_err() {
            self.is_refused.store(true, Ordering::SeqCst);
        }
        answered
    }
}

impl Inbox for Letterbox {
    fn take(&self, messages: Vec<Inbound>) -> Taking<'_> {
        let gateway = Arc::clone(&self.gateway);
        Box::pin(self.told(|taken| Message::Arrived(Arrived { gateway, messages, taken })))
    }

    fn place(&self) -> Taking<'_, Option<String>> {
        let place = self.reader.place(&self.gateway).map_err(|error| {
            tracing::error!(gateway = &*self.gateway, "its place cannot be read: {error}");
            self.is_refused.store(true, Ordering::SeqCst);
            Ending
        });
        Box::pin(std::future::ready(place))
    }

    fn keep_place(&self, place: String) -> Taking<'_> {
        let gateway = Arc::clone(&self.gateway);
        Box::pin(self.told(|taken| Message::Place { gateway, place: place.into(), taken }))
    }
}
