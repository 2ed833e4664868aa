//! Runs under way: each with its runner, with a limit to how long it may take, and an end that may be asked for.
//!
//! A run costs no thread while it waits. Its end is the drop of what its runner returned, whatever that was doing.
//! Invariant: every run is answered exactly once, even if its runner panics. Not here: what a run is told (`runs`), how
//! many there are at a time (`engine`).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use tokio::runtime::Handle as Tokio;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::config::Routing;
use crate::engine::Input;
use crate::id::OccurrenceId;
use crate::limits::BEAT_MS_MAX;
use crate::runner::{Answer, RunError, Runner};
use crate::runtime::Message;
use crate::runtime::clock::Stopwatch;
use crate::runtime::runs::{self, Asked};
use crate::store::Reader;
use crate::time::Span;

/// A runner as it is configured.
#[derive(Clone)]
pub struct Provider {
    /// What does the work.
    pub runner: Arc<dyn Runner>,
    /// How long one attempt may take.
    pub timeout: Span,
    /// How many it makes at a time.
    pub room: usize,
}

/// The providers by the name that models use.
pub type Providers = HashMap<String, Provider>;

/// A provider, and a seat for each run that it makes at a time. The engine hands it no more than that; whoever is asked
/// instead of another takes a seat only if one is free.
struct Seats {
    provider: Provider,
    free: Semaphore,
}

/// Hands runs to runners.
#[derive(Clone)]
pub(super) struct Running {
    shared: Arc<Shared>,
}

struct Shared {
    providers: HashMap<String, Seats>,
    routing: Arc<Routing>,
    reader: Reader,
    tokio: Tokio,
    beats: watch::Receiver<u64>,
    stopping: AtomicBool,
    /// What ends a run that is under way, when it is dropped.
    ends: Mutex<HashMap<OccurrenceId, oneshot::Sender<()>>>,
}

impl Running {
    pub(super) fn new(
        providers: Providers,
        routing: Arc<Routing>,
        reader: Reader,
        tokio: Tokio,
        beats: watch::Receiver<u64>,
    ) -> Self {
        let (stopping, ends) = (AtomicBool::new(false), Mutex::default());
        let seats = |provider: Provider| Seats { free: Semaphore::new(provider.room), provider };
        let providers = providers.into_iter().map(|(name, provider)| (name, seats(provider))).collect();
        Self { shared: Arc::new(Shared { providers, routing, reader, tokio, beats, stopping, ends }) }
    }

    /// Begins a run; its answer goes to the loop.
    pub(super) fn begin(&self, occurrence: OccurrenceId, answers: Sender<Message>) {
        let shared = Arc::clone(&self.shared);
        let (end, ended) = oneshot::channel();
        shared.ends().insert(occurrence, end);
        self.shared.tokio.spawn(async move {
            let mut unanswered = Unanswered { occurrence, shared, answers, is_told: false };
            let input = unanswered.shared.attempt(occurrence, ended).await;
            unanswered.tell(input);
        });
    }

    /// Ends a run that is under way; its answer comes all the same.
    pub(super) fn end(&self, occurrence: OccurrenceId) {
        drop(self.shared.ends().remove(&occurrence));
    }

    /// From here on none is begun.
    pub(super) fn stop(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
    }
}

/// A run whose answer has not been told. Should its runner panic, it is answered all the same, or its schedule would
/// stand still for ever.
struct Unanswered {
    occurrence: OccurrenceId,
    shared: Arc<Shared>,
    answers: Sender<Message>,
    is_told: bool,
}

impl Unanswered {
    fn tell(&mut self, input: Input) {
        self.is_told = true;
        self.shared.ends().remove(&self.occurrence);
        // A loop that has ended settles what is open when it is started again.
        let _ = self.answers.send(Message::Input(input));
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if !self.is_told && std::thread::panicking() {
            let error = "the runner broke down; its panic is in the log".into();
            self.tell(runs::ended(self.occurrence, "", Span::ZERO, Err(RunError::Ambiguous { error })));
        }
    }
}

impl Shared {
    // A panic while the lock is held leaves the list whole.
    fn ends(&self) -> std::sync::MutexGuard<'_, HashMap<OccurrenceId, oneshot::Sender<()>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attempt(&self, occurrence: OccurrenceId, ended: oneshot::Receiver<()>) -> Input {
        if self.stopping.load(Ordering::SeqCst) {
            return runs::not_begun(occurrence);
        }
        let (first, instead) = match runs::begin(&self.reader, &self.routing, occurrence) {
            Ok(asked) => asked,
            Err(input) => return input,
        };
        let watch = Stopwatch::start();
        let (provider, answer) = tokio::select! {
            biased;
            _ = ended => (String::new(), Err(RunError::Ambiguous { error: "it was ended".into() })),
            answered = self.ask(first, instead) => answered,
        };
        let took = Span::from_millis(watch.elapsed().as_millis() as u64);
        runs::ended(occurrence, &provider, took, answer)
    }

    /// Asks one after the other, as long as trying again is what would help: one that may have done its work ends it.
    async fn ask(&self, first: Asked, instead: Vec<Asked>) -> (String, Result<Answer, RunError>) {
        let name = first.provider.clone();
        let (mut error, mut after) = match self.run(&first, true).await {
            Err(RunError::Retry { error, after }) => (error, after),
            answer => return (name, answer),
        };
        for asked in instead {
            match self.run(&asked, false).await {
                Err(RunError::Retry { error: why, after: wait }) => {
                    error = format!("{error}; {asked}: {why}");
                    after = after.max(wait);
                }
                // It stands in for another, which may be there again.
                Err(RunError::Permanent { error: why }) => error = format!("{error}; {asked}: {why}"),
                Err(RunError::Ambiguous { error: why }) => {
                    return (asked.provider, Err(RunError::Ambiguous { error: format!("{error}; {why}") }));
                }
                Ok(answer) => return (asked.provider, Ok(answer)),
            }
        }
        (name, Err(RunError::Retry { error, after }))
    }

    async fn run(&self, asked: &Asked, waits: bool) -> Result<Answer, RunError> {
        let Some(Seats { provider, free }) = self.providers.get(&asked.provider) else {
            let name = &asked.provider;
            let error = format!("provider '{name}' is not configured; add [providers.{name}] to chimewheel.toml");
            return Err(RunError::Permanent { error });
        };
        let seat = if waits { free.acquire().await.ok() } else { free.try_acquire().ok() };
        let Some(_seat) = seat else {
            return Err(RunError::Retry { error: "it has no room now".into(), after: None });
        };
        tokio::select! {
            biased;
            answer = provider.runner.run(asked.prompt.clone()) => answer,
            () = self.patience(provider.timeout) => {
                let error = format!("the run took longer than {}, and was ended", provider.timeout);
                Err(RunError::Ambiguous { error })
            }
        }
    }

    /// Waits in beats of the heart, as sends do: a clock that is set must not end a run that is under way.
    async fn patience(&self, timeout: Span) {
        let mut beats = self.beats.clone();
        let last = *beats.borrow() + timeout.as_millis().div_ceil(BEAT_MS_MAX);
        // A heart that has stopped beats no more: the process is ending, and the loop waits no longer either.
        if beats.wait_for(|beat| *beat >= last).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
