//! Runs under way: each with its scripts and its runner, with a limit to how long it may take, and an end that may be
//! asked for.
//!
//! A run costs no thread while it waits. Its end is the drop of what its runner returned, whatever that was doing.
//! Invariant: every run is answered exactly once, even if its runner panics. Scripts run
//! on threads of their own, a few at a time, so that one that takes its time delays nothing but other scripts. Not here:
//! what a run is told (`runs`), what scripts make of it (`shaping`), how many runs there are at a time (`engine`).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use serde_json::Value;
use tokio::runtime::Handle as Tokio;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::config::Routing;
use crate::engine::{Input, RunEnd};
use crate::id::OccurrenceId;
use crate::limits::{BEAT_MS_MAX, CALLS_COUNT_MAX, ROUNDS_COUNT_MAX, SCRIPT_MS_MAX, SCRIPT_THREADS_COUNT_MAX};
use crate::runner::{Answer, Round, RunError, Runner};
use crate::runtime::Message;
use crate::runtime::clock::{Clock, Stopwatch};
use crate::runtime::minds::{self, Asking, Context, Hands, Minds};
use crate::runtime::outbox::Outbox;
use crate::runtime::runs::{self, Asked, Begun};
use crate::runtime::shaping::{Reach, Shaped, Shaping, Step};
use crate::script::{Deadline, Scene, Scripts};
use crate::spec::Tokens;
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
        let (stopping, ends) = (AtomicBool::new(false), Mutex::default());
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
            self.tell(runs::ended(self.occurrence, Span::ZERO, RunEnd::Ambiguous { error }, None));
        }
    }
}

impl Shared {
    // A panic while the lock is held leaves the list whole.
    fn ends(&self) -> std::sync::MutexGuard<'_, HashMap<OccurrenceId, oneshot::Sender<()>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attempt(self: &Arc<Self>, occurrence: OccurrenceId, ended: oneshot::Receiver<()>) -> Input {
        if self.stopping.load(Ordering::SeqCst) {
            return runs::not_begun(occurrence);
        }
        let begun = match runs::begin(&self.reader, occurrence) {
            Ok(begun) => begun,
            Err(input) => return input,
        };
        let watch = Stopwatch::start();
        let (end, said) = tokio::select! {
            biased;
            _ = ended => (RunEnd::Ambiguous { error: "it was ended".into() }, None),
            shaped = self.make(begun) => shaped,
        };
        let took = Span::from_millis(watch.elapsed().as_millis() as u64);
        runs::ended(occurrence, took, end, said)
    }

    /// Makes the text of a run, or whatever it comes to.
    async fn make(self: &Arc<Self>, begun: Begun) -> Shaped {
        let schedule = Arc::clone(&begun.schedule);
        let shaped = if schedule.uses_scripts() {
            self.shape(begun).await
        } else if let Some(text) = schedule.literal() {
            (runs::literal(text), None)
        } else {
            let (provider, answer) = self.ask(&begun, None, begun.instruction().unwrap_or_default()).await;
            (runs::unshaped(&provider, answer), None)
        };
        self.reach.fitted(&schedule, shaped)
    }

    /// The same where scripts have a say.
    async fn shape(self: &Arc<Self>, begun: Begun) -> Shaped {
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
        let (provider, answer) = self.ask(&begun, model.as_deref(), &instruction).await;
        let answered = self.aside(move || {
            budget.renew();
            shaping.answered(&provider, answer)
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

    /// The answer of a model to an instruction, if it comes in time.
    async fn ask(&self, begun: &Begun, model: Option<&str>, instruction: &str) -> (String, Result<Answer, RunError>) {
        let asking = self.ask_rounds(begun, model, instruction);
        let Some(timeout) = self.routing.timeout else { return asking.await };
        tokio::select! {
            answered = asking => answered,
            () = self.patience(timeout) => {
                let error = format!("the run took longer than {timeout}, routing.tasks.timeout, and was ended");
                (String::new(), Err(RunError::Ambiguous { error }))
            }
        }
    }

    /// Asks a model, or those that stand in for it, with what they are to know; calls the tools that it calls, and asks
    /// again, until it answers.
    async fn ask_rounds(
        &self,
        begun: &Begun,
        model: Option<&str>,
        instruction: &str,
    ) -> (String, Result<Answer, RunError>) {
        let asked = begun.asked(&self.routing, model, instruction);
        let (first, instead) = match asked {
            Ok(asked) => asked,
            Err(error) => return (String::new(), Err(error)),
        };
        let (schedule, key) = (&begun.schedule, begun.run.occurrence.schedule);
        let told = minds::context(&self.minds, schedule, key, &self.reader, self.clock.now(), self.idle);
        let Context { system, history, asking } = match told {
            Ok(context) => context,
            Err(error) => return (String::new(), Err(RunError::Retry { error: error.to_string(), after: None })),
        };
        let hands = match asking {
            Some(asking) => self.hands().await.map(|hands| (hands, asking)),
            None => None,
        };
        let mut outbox = begun.speaks_by_tool().then(Outbox::default);
        let mut tools = hands.as_ref().map(|(hands, asking)| hands.tools(asking)).unwrap_or_default();
        tools.extend(outbox.iter().flat_map(|_| Outbox::tools()));
        let tools: Arc<[Value]> = tools.into();
        let mut all: Vec<Asked> = std::iter::once(first).chain(instead).collect();
        for asked in &mut all {
            asked.prompt.system.clone_from(&system);
            asked.prompt.history = Arc::clone(&history);
            asked.prompt.tools = Arc::clone(&tools);
        }
        let mut spent: Option<Tokens> = None;
        for round in 1..=ROUNDS_COUNT_MAX {
            if round == ROUNDS_COUNT_MAX {
                // Without tools there is nothing left to it but to answer.
                all.iter_mut().for_each(|asked| asked.prompt.tools = Arc::default());
            }
            let (provider, answer) = self.ask_all(&all).await;
            let mut answer = match answer {
                Ok(answer) => answer,
                Err(error) => return (provider, Err(error)),
            };
            spent = Tokens::sum(spent, answer.tokens);
            let calls_last = round == ROUNDS_COUNT_MAX && !answer.calls.is_empty();
            if calls_last && answer.text.trim().is_empty() {
                break;
            }
            if answer.calls.is_empty() || calls_last || tools.is_empty() {
                answer.tokens = spent;
                let said = match outbox {
                    Some(outbox) => outbox.close(answer),
                    None => answer.spoken(),
                };
                return (provider, said);
            }
            let came = self.call_all(hands.as_ref(), outbox.as_mut(), begun, round, answer).await;
            all.iter_mut().for_each(|asked| asked.prompt.rounds.push(came.clone()));
        }
        let error = format!("the model was asked {ROUNDS_COUNT_MAX} times and called tools each time");
        (String::new(), Err(RunError::Permanent { error }))
    }

    /// What models may do, once there is somebody who does it.
    async fn hands(&self) -> Option<Arc<dyn Hands>> {
        let mut hands = self.hands.clone()?;
        hands.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Calls the tools of one answer, one after the other.
    async fn call_all(
        &self,
        hands: Option<&(Arc<dyn Hands>, Asking)>,
        mut outbox: Option<&mut Outbox>,
        begun: &Begun,
        round: usize,
        answer: Answer,
    ) -> Round {
        let mut calls = Vec::new();
        for (place, call) in answer.calls.into_iter().enumerate() {
            let came = if place >= CALLS_COUNT_MAX {
                format!("Error: not done; at most {CALLS_COUNT_MAX} calls are made in one go")
            } else {
                match serde_json::from_str(if call.arguments.trim().is_empty() { "{}" } else { &call.arguments }) {
                    Ok(arguments) => {
                        let said = outbox.as_mut().and_then(|outbox| outbox.call(&call.name, &arguments));
                        let token = begun.token((round * CALLS_COUNT_MAX + place) as u16);
                        match (said, hands) {
                            (Some(said), _) => said,
                            (None, Some((hands, asking))) => {
                                minds::outcome(hands.call(asking, &call.name, arguments, token).await)
                            }
                            (None, None) => format!("Error: there is no tool '{}'", call.name),
                        }
                    }
                    Err(error) => format!("Error: the arguments are not JSON: {error}"),
                }
            };
            calls.push((call, came));
        }
        Round { text: answer.text, calls }
    }

    /// Asks one after the other, as long as trying again is what would help: one that may have done its work ends it.
    async fn ask_all(&self, all: &[Asked]) -> (String, Result<Answer, RunError>) {
        let Some((first, instead)) = all.split_first() else {
            return (String::new(), Err(RunError::Permanent { error: "there is nobody to ask".into() }));
        };
        let name = first.provider.clone();
        let (mut error, mut after) = match self.run(first, true).await {
            Err(RunError::Retry { error, after }) => (error, after),
            answer => return (name, answer),
        };
        for asked in instead {
            match self.run(asked, false).await {
                Err(RunError::Retry { error: why, after: wait }) => {
                    error = format!("{error}; {asked}: {why}");
                    after = after.max(wait);
                }
                // It stands in for another, which may be there again.
                Err(RunError::Permanent { error: why }) => error = format!("{error}; {asked}: {why}"),
                Err(RunError::Ambiguous { error: why }) => {
                    return (asked.provider.clone(), Err(RunError::Ambiguous { error: format!("{error}; {why}") }));
                }
                Ok(answer) => return (asked.provider.clone(), Ok(answer)),
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
