//! Runs under way: each with its scripts and its runner, with a limit to how long it may take, and an end that may be
//! asked for.
//!
//! A run costs no thread while it waits. Its end is the drop of what its runner returned, whatever that was doing.
//! Invariant: every run is answered exactly once, even if its runner panics. Scripts run
//! on threads of their own, a few at a time, so that one that takes its time delays nothing but other scripts. Not here:
//! what a run is told (`runs`), how its model is asked (`asking`), what scripts make of it (`shaping`), how many runs
//! there are at a time (`engine`).

mod asking;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use tokio::runtime::Handle as Tokio;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::config::{Rates, Routing};
use crate::engine::{Input, Paid, Ran, RunEnd, Verdict};
use crate::id::OccurrenceId;
use crate::limits::{BEAT_MS_MAX, SCRIPT_MS_MAX, SCRIPT_THREADS_COUNT_MAX};
use crate::runner::Runner;
use crate::runtime::Message;
use crate::runtime::clock::{Clock, Stopwatch};
use crate::runtime::minds::{Hands, Minds};
use crate::runtime::running::asking::Till;
use crate::runtime::runs::{self, Begun};
use crate::runtime::shaping::{Reach, Shaped, Shaping, Step};
use crate::script::{Deadline, Scene, Scripts};
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
    /// What its models cost.
    pub rates: Rates,
}

/// The providers by the name that models use.
pub type Providers = HashMap<String, Provider>;

/// Everybody who makes texts.
pub(super) struct Makers {
    pub providers: Providers,
    pub routing: Arc<Routing>,
    pub scripts: Arc<Scripts>,
    pub reach: Arc<Reach>,
    /// A session in which nothing is said for so long is over.
    pub idle: Span,
    pub minds: Minds,
    /// What models may do, once there is somebody who does it.
    pub hands: Option<watch::Receiver<Option<Arc<dyn Hands>>>>,
}

/// The time that the scripts of a run may take, in beats of the heart: a clock that is set must not end them.
#[derive(Clone)]
struct Budget {
    beats: watch::Receiver<u64>,
    last: Arc<AtomicU64>,
}

impl Budget {
    fn new(beats: watch::Receiver<u64>) -> Self {
        Self { beats, last: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// From here on all of it is left. The beat under way has begun already, so one more is waited for.
    fn renew(&self) {
        self.last.store(*self.beats.borrow() + SCRIPT_MS_MAX / BEAT_MS_MAX + 1, Ordering::Relaxed);
    }

    fn is_spent(&self) -> bool {
        // A heart that has stopped means that the process is ending.
        self.beats.has_changed().is_err() || *self.beats.borrow() >= self.last.load(Ordering::Relaxed)
    }
}

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
    scripts: Arc<Scripts>,
    reach: Arc<Reach>,
    idle: Span,
    minds: Minds,
    hands: Option<watch::Receiver<Option<Arc<dyn Hands>>>>,
    script_seats: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    reader: Reader,
    tokio: Tokio,
    beats: watch::Receiver<u64>,
    stopping: AtomicBool,
    /// What ends a run that is under way, when it is dropped.
    ends: Mutex<HashMap<OccurrenceId, oneshot::Sender<()>>>,
    /// Where runs wait to hear whether they may ask a model.
    verdicts: Mutex<HashMap<OccurrenceId, oneshot::Sender<Verdict>>>,
}

impl Running {
    pub(super) fn new(
        makers: Makers,
        clock: Arc<dyn Clock>,
        reader: Reader,
        tokio: Tokio,
        beats: watch::Receiver<u64>,
    ) -> Self {
        let Makers { providers, routing, scripts, reach, idle, minds, hands } = makers;
        let (stopping, ends, verdicts) = (AtomicBool::new(false), Mutex::default(), Mutex::default());
        let script_seats = Arc::new(Semaphore::new(SCRIPT_THREADS_COUNT_MAX));
        let seats = |provider: Provider| Seats { free: Semaphore::new(provider.room), provider };
        let providers = providers.into_iter().map(|(name, provider)| (name, seats(provider))).collect();
        let shared = Shared {
            providers,
            routing,
            scripts,
            reach,
            idle,
            minds,
            hands,
            script_seats,
            clock,
            reader,
            tokio,
            beats,
            stopping,
            ends,
            verdicts,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Begins a run; its answer goes to the loop.
    pub(super) fn begin(&self, occurrence: OccurrenceId, answers: Sender<Message>) {
        let shared = Arc::clone(&self.shared);
        let (end, ended) = oneshot::channel();
        shared.ends().insert(occurrence, end);
        self.shared.tokio.spawn(async move {
            let mut unanswered = Unanswered { occurrence, shared, answers, is_told: false };
            let input = unanswered.shared.attempt(occurrence, ended, &unanswered.answers).await;
            unanswered.tell(input);
        });
    }

    /// Ends a run that is under way; its answer comes all the same.
    pub(super) fn end(&self, occurrence: OccurrenceId) {
        drop(self.shared.ends().remove(&occurrence));
    }

    /// Tells a run whether it may ask its model.
    pub(super) fn judged(&self, occurrence: OccurrenceId, verdict: Verdict) {
        if let Some(waiting) = self.shared.verdicts().remove(&occurrence) {
            // Whoever was ended meanwhile makes no call.
            let _ = waiting.send(verdict);
        }
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
        self.shared.verdicts().remove(&self.occurrence);
        // A loop that has ended settles what is open when it is started again.
        let _ = self.answers.send(Message::Input(input));
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if !self.is_told && std::thread::panicking() {
            let error = "the runner broke down; its panic is in the log".into();
            let (took, end) = (Span::ZERO, RunEnd::Ambiguous { error });
            self.tell(runs::ended(self.occurrence, Ran { took, end, said: None, paid: Paid::UNKNOWN }));
        }
    }
}

impl Shared {
    // A panic while the lock is held leaves the list whole.
    fn ends(&self) -> std::sync::MutexGuard<'_, HashMap<OccurrenceId, oneshot::Sender<()>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn verdicts(&self) -> std::sync::MutexGuard<'_, HashMap<OccurrenceId, oneshot::Sender<Verdict>>> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attempt(
        self: &Arc<Self>,
        occurrence: OccurrenceId,
        ended: oneshot::Receiver<()>,
        answers: &Sender<Message>,
    ) -> Input {
        if self.stopping.load(Ordering::SeqCst) {
            return runs::not_begun(occurrence);
        }
        let begun = match runs::begin(&self.reader, occurrence) {
            Ok(begun) => begun,
            Err(input) => return input,
        };
        let watch = Stopwatch::start();
        let ((end, said), paid) = tokio::select! {
            biased;
            _ = ended => ((RunEnd::Ambiguous { error: "it was ended".into() }, None), Paid::UNKNOWN),
            made = self.make(begun, answers) => made,
        };
        let took = Span::from_millis(watch.elapsed().as_millis() as u64);
        runs::ended(occurrence, Ran { took, end, said, paid })
    }

    /// Makes the text of a run, or whatever it comes to.
    async fn make(self: &Arc<Self>, begun: Begun, answers: &Sender<Message>) -> (Shaped, Paid) {
        let schedule = Arc::clone(&begun.schedule);
        let mut till = Till::new(&begun, answers);
        let shaped = if schedule.uses_scripts() {
            self.shape(begun, &mut till).await
        } else if let Some(text) = schedule.literal() {
            (runs::literal(text), None)
        } else {
            let instruction = begun.instruction().unwrap_or_default();
            let answer = self.ask(&begun, None, instruction, &mut till).await;
            (runs::unshaped(&schedule, answer), None)
        };
        let (end, said) = self.reach.fitted(&schedule, shaped);
        (till.noted(end, said), till.purse.paid())
    }

    /// The same where scripts have a say.
    async fn shape(self: &Arc<Self>, begun: Begun, till: &mut Till<'_>) -> Shaped {
        let budget = Budget::new(self.beats.clone());
        let (shared, of, deadline) = (Arc::clone(self), begun.clone(), budget.clone());
        let step = self.aside(move || {
            if shared.stopping.load(Ordering::SeqCst) {
                return Step::Over((RunEnd::NotBegun, None));
            }
            let facts = match of.facts(&shared.reader, shared.clock.now(), shared.idle) {
                Ok(facts) => facts,
                Err(end) => return Step::Over((end, None)),
            };
            deadline.renew();
            let scene = Scene::new(facts, Deadline::new(move || deadline.is_spent()));
            Shaping::begin(&shared.scripts, of.schedule, scene, Arc::clone(&shared.reach))
        });
        let (shaping, model, instruction) = match step.await {
            Ok(Step::Ask { shaping, model, instruction }) => (shaping, model, instruction),
            Ok(Step::Over(shaped)) => return shaped,
            Err(end) => return (end, None),
        };
        let answer = self.ask(&begun, model.as_deref(), &instruction, till).await;
        let answered = self.aside(move || {
            budget.renew();
            shaping.answered(answer)
        });
        answered.await.unwrap_or_else(|end| (end, None))
    }

    /// Does a piece of work on a thread where it may take its time.
    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, RunEnd> {
        // The seats are never closed; whoever ends a run lets go of its place in line. What has begun keeps its seat to
        // its end, whether or not anybody still waits for it.
        let seat = Arc::clone(&self.script_seats).acquire_owned().await;
        let seated = move || {
            let _seat = seat;
            work()
        };
        let done = self.tokio.spawn_blocking(seated).await;
        done.map_err(|_| RunEnd::Permanent { error: "its script broke the program; the panic is in the log".into() })
    }

    /// Waits in beats of the heart, as sends do: a clock that is set must not end a run that is under way.
    async fn patience(&self, timeout: Span) {
        self.beat(Some(self.beat_after(timeout))).await;
    }

    fn beat_after(&self, timeout: Span) -> u64 {
        *self.beats.borrow() + timeout.as_millis().div_ceil(BEAT_MS_MAX)
    }

    /// Until a beat; `None`: for ever.
    async fn beat(&self, last: Option<u64>) {
        let Some(last) = last else { return std::future::pending().await };
        let mut beats = self.beats.clone();
        // A heart that has stopped beats no more: the process is ending, and the loop waits no longer either.
        if beats.wait_for(|beat| *beat >= last).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
