//! The shell around the engine: one loop on its own thread, the clock, the commits and the sends.
//!
//! The loop takes inputs, lets the engine act, and gathers effects into a batch. While a commit thread writes one
//! batch the next one gathers, so a slow disk never delays the clock. What must follow a commit (a send, an answer)
//! travels with its batch and happens when the batch is durable.
//!
//! The loop sleeps a second at the longest and asks the wall clock whenever it wakes; a heartbeat of its own, which
//! needs no clock, wakes it as well, so no step, slew or suspend can make it sleep on.
//! Shutdown: no more questions, no more sends; answers in flight are waited for up to a limit; commit; close.
//! Should a commit fail, nothing that followed from it happens and the loop ends: a restart begins from what is
//! durable.

mod books;
mod boot;
mod chain;
pub mod clock;
mod commit;
pub mod conversation;
mod declare;
mod dispatch;
pub mod heartbeat;
mod letters;
mod listening;
pub mod meter;
pub mod minds;
mod ops;
pub mod outbox;
pub mod purse;
mod replies;
pub mod round;
mod running;
pub mod runs;
pub mod shaping;
mod shell;
pub mod silence;
mod tally;
pub mod turn;
mod verify;
pub mod watchdog;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Handle as Tokio;
use tokio::sync::{Semaphore, oneshot, watch};

pub use books::{Ask, By};
pub use boot::{Booted, boot};
pub use chain::ChainError;
pub use commit::{Committed, Recorder};
pub use dispatch::Gateways;
pub use letters::{NoRetry, letter, what_again};
pub use listening::Answered;
pub use ops::{Answer, Declaration, Done, Op, OpError, OverQuota, Status};
pub use replies::door_of;
pub use running::{Provider, Providers};
pub use verify::{VerifyError, verify, verify_beside, verify_file};

use crate::config::{Agents, PaceChoice, Routes, Routing};
use crate::engine::{Budgets, Input, Options};
use crate::gateway::{Delivery, Posted, Unheard};
use crate::limits::{BEAT_MS_MAX, QUEUE_INPUTS_COUNT_MAX};
use crate::money::Cost;
use crate::runtime::clock::Clock;
use crate::runtime::commit::Committer;
use crate::runtime::conversation::{Arrived, Manners};
use crate::runtime::dispatch::Dispatch;
use crate::runtime::listening::{Ears, Listening};
use crate::runtime::meter::Meter;
use crate::runtime::minds::{Hands, Minds};
use crate::runtime::running::{Makers, Running};
use crate::runtime::shaping::Reach;
use crate::runtime::shell::Shell;
use crate::runtime::watchdog::{Health, Watchdog};
use crate::script::Scripts;
use crate::store::{OpenError, Ownership, Reader, Store, StoreError};
use crate::time::{Span, Timestamp};

/// What a runtime is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data folder.
    pub data: PathBuf,
    /// Whether dues are served; otherwise only the books are kept, and nothing fires.
    pub serving: bool,
    /// Bytes of page cache.
    pub cache_bytes: usize,
    /// Days that history is kept.
    pub history_days: u32,
    /// Failures in a row after which a schedule that says nothing about it pauses itself; 0: never.
    pub pause_after: u16,
    /// Runs begun in one second to catch up on missed dues.
    pub catchup_per_second: u32,
}

/// What the engine reaches the world by.
#[derive(Clone, Default)]
pub struct Outside {
    /// Ways to chats.
    pub gateways: Gateways,
    /// How fast these may send, where somebody knows better than their platform's public word.
    pub paces: BTreeMap<String, PaceChoice>,
    /// Who does tasks.
    pub providers: Providers,
    /// Which of them does which.
    pub routing: Routing,
    /// The scripts that shape runs.
    pub scripts: Arc<Scripts>,
    /// What single agents may do.
    pub agents: Arc<Agents>,
    /// Which agent is spoken to by a message that comes in.
    pub routes: Arc<Routes>,
    /// A session in which nothing is said for so long is over; `None`: as long as it usually is.
    pub session_idle: Option<Span>,
    /// Agents that the program itself answers for.
    pub minds: Minds,
    /// What their models may do, once there is somebody who does it.
    pub hands: Option<watch::Receiver<Option<Arc<dyn Hands>>>>,
    /// What all models together may cost in one day.
    pub cost_per_day: Option<Cost>,
}

impl From<Gateways> for Outside {
    /// Without anybody who does tasks.
    fn from(gateways: Gateways) -> Self {
        Self { gateways, ..Self::default() }
    }
}

/// A running engine.
pub struct Runtime {
    handle: Handle,
    messages: Sender<Message>,
    turns: JoinHandle<Result<(), RunError>>,
    heart: Option<Heart>,
    listening: Option<Listening>,
    owner: Option<Ownership>,
}

/// The way to a running engine, from any thread.
#[derive(Clone)]
pub struct Handle {
    messages: Sender<Message>,
    permits: Arc<Semaphore>,
    reader: Reader,
    clock: Arc<dyn Clock>,
    watchdog: Arc<Watchdog>,
    meter: Arc<Meter>,
    ears: Ears,
    manners: Manners,
}

/// What the loop is told.
pub enum Message {
    /// For the engine.
    Input(Input),
    /// For the engine: that this was delivered where people can answer.
    Delivered(Input, Box<Delivery>),
    /// Messages came in.
    Arrived(Arrived),
    /// A gateway has come so far in its platform's stream.
    Place {
        /// Name of the gateway.
        gateway: Arc<str>,
        /// The place, as the gateway writes it.
        place: Arc<str>,
        /// Told once it is durable.
        taken: oneshot::Sender<()>,
    },
    /// Questions, which are taken in one go.
    Ask(Ask),
    /// The commit thread is done with a batch.
    Committed(Result<Committed, StoreError>),
    /// Look at the clock.
    Beat,
    /// Come to an end.
    Stop,
}

/// Why a runtime could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// Why a runtime ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A commit failed.
    #[error("the store failed, and the engine stopped so that nothing unrecorded is done: {0}")]
    Store(#[from] StoreError),
    /// The loop broke; the cause is in the log.
    #[error("the engine's loop ended unexpectedly")]
    Panicked,
}

impl Runtime {
    /// Opens the store, takes everything back from it and starts the loop.
    pub fn start(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        outside: impl Into<Outside>,
        tokio: Tokio,
    ) -> Result<Self, StartError> {
        let Outside {
            gateways,
            paces,
            providers,
            routing,
            scripts,
            agents,
            cost_per_day,
            routes,
            session_idle,
            minds,
            hands,
        } = outside.into();
        let idle = session_idle.unwrap_or(Manners::default().idle);
        let manners = Manners { routes, agents: Arc::clone(&agents), idle };
        let routing = Arc::new(routing);
        let options = crate::store::Options {
            raise_epoch: settings.serving,
            cache_bytes: settings.cache_bytes,
            ..crate::store::Options::default()
        };
        let opened = Store::open(&settings.data, &options)?;
        let owner = opened.owner.clone();
        let reader = opened.reader.clone();
        let options = Options {
            epoch: opened.epoch,
            history_days: settings.history_days,
            serving: settings.serving,
            pause_after: settings.pause_after,
            catchup_per_second: settings.catchup_per_second,
            rooms: Arc::new(providers.iter().map(|(name, provider)| (name.clone(), provider.room)).collect()),
            paces: Arc::new(dispatch::paces(&gateways, &paces)),
            routing: Arc::clone(&routing),
            budgets: Arc::new(budgets_of(&agents, cost_per_day)),
            ..Options::default()
        };
        let Booted { turns, recorder, watchdog } = boot(opened, Arc::clone(&clock), options)?;
        let meter = Arc::new(Meter::default());
        let turns = turns.with_manners(manners.clone()).with_meter(Arc::clone(&meter));
        let (messages, inbox) = mpsc::channel();
        let (beats, felt) = watch::channel(0);
        let limits = gateways.iter().map(|(name, gateway)| (name.clone(), gateway.capabilities().text));
        let reach = Arc::new(Reach { gateways: limits.collect(), agents });
        let makers = Makers { providers, routing, scripts, reach, idle, minds, hands };
        let running = Running::new(makers, Arc::clone(&clock), reader.clone(), tokio.clone(), felt.clone());
        let ears = Ears::new(gateways.clone(), &messages, &reader);
        let listening = settings.serving.then(|| ears.listen(&tokio));
        let dispatch = Dispatch::new(gateways, reader.clone(), Arc::clone(&clock), tokio, felt, Arc::clone(&meter));
        let committer = Committer::start(recorder, Arc::clone(&meter), messages.clone())?;
        let permits = Arc::new(Semaphore::new(QUEUE_INPUTS_COUNT_MAX));
        let noticed = Arc::clone(&watchdog);
        let handle =
            Handle { messages: messages.clone(), permits, reader, clock, watchdog: noticed, meter, ears, manners };
        let shell =
            Shell { turns, committer, dispatch, running, answers: messages.clone(), watchdog: Arc::clone(&watchdog) };
        let turns = thread::Builder::new().name("engine".into()).spawn(move || shell.run(&inbox))?;
        let heart = if settings.serving { Some(start_heartbeat(messages.clone(), beats, watchdog)?) } else { None };
        Ok(Self { handle, messages, turns, heart, listening, owner })
    }

    /// The way to it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Tells other processes where this one listens.
    pub fn announce(&self, address: &str) -> std::io::Result<()> {
        self.owner.as_ref().map_or(Ok(()), |owner| owner.set_address(address))
    }

    /// Whether the loop has ended by itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.turns.is_finished()
    }

    /// Ends it in order, and says how it went.
    pub fn stop(self) -> Result<(), RunError> {
        drop(self.listening);
        // A loop that has ended already needs no telling.
        let _ = self.messages.send(Message::Stop);
        let ended = self.turns.join().unwrap_or(Err(RunError::Panicked));
        if let Some(heart) = self.heart {
            heart.beating.store(false, Ordering::SeqCst);
            if heart.thread.join().is_err() {
                return Err(RunError::Panicked);
            }
        }
        ended
    }
}

impl Handle {
    /// Asks for a change that nobody has to answer for, and waits until it is durable.
    pub async fn ask(&self, op: Op) -> Result<Done, OpError> {
        self.ask_by(None, op).await
    }

    /// Asks for a change on somebody's behalf, which is kept in the audit, and waits until both are durable.
    pub async fn ask_by(&self, by: Option<Arc<By>>, op: Op) -> Result<Done, OpError> {
        let answers = self.ask_all_by(by, vec![op]).await;
        answers.into_iter().next().unwrap_or(Err(OpError::Stopped(None)))
    }

    /// Asks for many changes that nobody has to answer for; see [`Handle::ask_all_by`].
    pub async fn ask_all(&self, ops: Vec<Op>) -> Vec<Result<Done, OpError>> {
        self.ask_all_by(None, ops).await
    }

    /// Asks for many changes, which the loop takes in this order and in one go, and waits until all are durable. Each
    /// has an answer of its own: some may be done while others are refused. More than
    /// [`QUEUE_INPUTS_COUNT_MAX`] are always refused.
    pub async fn ask_all_by(&self, by: Option<Arc<By>>, ops: Vec<Op>) -> Vec<Result<Done, OpError>> {
        let count = ops.len();
        let all = |error: OpError| vec![Err(error); count];
        let permits = u32::try_from(count).ok().and_then(|count| self.permits.try_acquire_many(count).ok());
        let Some(_permits) = permits else { return all(OpError::Busy) };
        let (questions, waiting): (Vec<_>, Vec<_>) = ops
            .into_iter()
            .map(|op| {
                let (answer, answered) = oneshot::channel();
                ((op, answer), answered)
            })
            .unzip();
        if self.messages.send(Message::Ask(Ask { by, questions })).is_err() {
            return all(OpError::Stopped(None));
        }
        let mut answers = Vec::with_capacity(count);
        for answered in waiting {
            answers.push(answered.await.unwrap_or(Err(OpError::Stopped(None))));
        }
        answers
    }

    /// Reads what is stored.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The engine's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Takes what a platform posted for a gateway; `None`: there is no such gateway.
    pub async fn hear(&self, gateway: &str, posted: &Posted<'_>) -> Option<Result<Answered, Unheard>> {
        self.ears.hear(gateway, posted).await
    }

    /// What conversations are held by.
    #[must_use]
    pub const fn manners(&self) -> &Manners {
        &self.manners
    }

    /// How the engine is; answered without asking the loop, which may stand still.
    #[must_use]
    pub fn health(&self) -> Health {
        self.watchdog.health(self.clock.now())
    }

    /// What is counted.
    #[must_use]
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Changes that were asked for and are not answered yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        QUEUE_INPUTS_COUNT_MAX.saturating_sub(self.permits.available_permits())
    }

    /// Lets the loop look at its clock now.
    pub fn wake(&self) {
        // A loop that has ended needs no waking.
        let _ = self.messages.send(Message::Beat);
    }
}

fn budgets_of(agents: &Agents, all: Option<Cost>) -> Budgets {
    let agents = agents.iter().filter_map(|(name, agent)| Some((name.to_owned(), agent.quota.cost_per_day?)));
    Budgets { all, agents: agents.collect() }
}

/// A beat that relies on no clock at all: each pause is relative. It wakes the loop, and sends count it.
fn start_heartbeat(
    messages: Sender<Message>,
    beats: watch::Sender<u64>,
    watchdog: Arc<Watchdog>,
) -> std::io::Result<Heart> {
    let beating = Arc::new(AtomicBool::new(true));
    let on = Arc::clone(&beating);
    let thread = thread::Builder::new().name("heartbeat".into()).spawn(move || {
        while on.load(Ordering::SeqCst) && messages.send(Message::Beat).is_ok() {
            thread::sleep(Duration::from_millis(BEAT_MS_MAX));
            beats.send_modify(|beat| *beat += 1);
            watchdog.beat();
        }
    })?;
    Ok(Heart { beating, thread })
}

/// The thread that beats.
struct Heart {
    beating: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}
