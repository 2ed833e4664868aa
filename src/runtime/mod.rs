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

pub mod clock;
mod commit;
mod declare;
mod dispatch;
mod ops;
pub mod round;
mod shell;
pub mod turn;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Handle as Tokio;
use tokio::sync::{Semaphore, oneshot, watch};

pub use commit::Recorder;
pub use dispatch::Gateways;
pub use ops::{Declaration, Done, Op, OpError, Status};

use crate::calendar::ZONE_DATA_VERSION;
use crate::engine::boot::ZoneRules;
use crate::engine::change::Change;
use crate::engine::{Engine, Input, Options};
use crate::limits::{BEAT_MS_MAX, QUEUE_INPUTS_COUNT_MAX};
use crate::runtime::clock::Clock;
use crate::runtime::commit::Committer;
use crate::runtime::dispatch::Dispatch;
use crate::runtime::shell::Shell;
use crate::runtime::turn::Turns;
use crate::store::{Names, OpenError, Opened, Ownership, Reader, Store, StoreError};
use crate::time::Timestamp;

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
}

/// A running engine.
pub struct Runtime {
    handle: Handle,
    messages: Sender<Message>,
    turns: JoinHandle<Result<(), RunError>>,
    heart: Option<Heart>,
    owner: Option<Ownership>,
}

/// The way to a running engine, from any thread.
#[derive(Clone)]
pub struct Handle {
    messages: Sender<Message>,
    permits: Arc<Semaphore>,
    reader: Reader,
    clock: Arc<dyn Clock>,
}

/// What the loop is told.
pub enum Message {
    /// For the engine.
    Input(Input),
    /// A question, and where its answer goes.
    Ask(Box<Op>, oneshot::Sender<Result<Done, OpError>>),
    /// The commit thread is done with a batch.
    Committed(Result<Vec<Change>, StoreError>),
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
        gateways: Gateways,
        tokio: Tokio,
    ) -> Result<Self, StartError> {
        let options = crate::store::Options {
            raise_epoch: settings.serving,
            cache_bytes: settings.cache_bytes,
            ..crate::store::Options::default()
        };
        let opened = Store::open(&settings.data, &options)?;
        let owner = opened.owner.clone();
        let reader = opened.reader.clone();
        let Booted { turns, recorder } = boot(opened, Arc::clone(&clock), settings.serving, settings.history_days)?;
        let (messages, inbox) = mpsc::channel();
        let (beats, felt) = watch::channel(0);
        let dispatch = Dispatch::new(gateways, reader.clone(), Arc::clone(&clock), tokio, felt);
        let committer = Committer::start(recorder, messages.clone())?;
        let permits = Arc::new(Semaphore::new(QUEUE_INPUTS_COUNT_MAX));
        let handle = Handle { messages: messages.clone(), permits, reader, clock };
        let shell = Shell { turns, committer, dispatch, answers: messages.clone() };
        let turns = thread::Builder::new().name("engine".into()).spawn(move || shell.run(&inbox))?;
        let heart = if settings.serving { Some(start_heartbeat(messages.clone(), beats)?) } else { None };
        Ok(Self { handle, messages, turns, heart, owner })
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
    /// Asks for a change and waits until it is durable.
    pub async fn ask(&self, op: Op) -> Result<Done, OpError> {
        let Ok(_permit) = self.permits.try_acquire() else { return Err(OpError::Busy) };
        let (answer, answered) = oneshot::channel();
        if self.messages.send(Message::Ask(Box::new(op), answer)).is_err() {
            return Err(OpError::Stopped(None));
        }
        answered.await.unwrap_or(Err(OpError::Stopped(None)))
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

    /// Lets the loop look at its clock now.
    pub fn wake(&self) {
        // A loop that has ended needs no waking.
        let _ = self.messages.send(Message::Beat);
    }
}

/// What a store that was opened becomes.
pub struct Booted {
    /// The loop's state.
    pub turns: Turns,
    /// What writes its batches.
    pub recorder: Recorder,
}

/// Makes the loop's state of what the store holds; nothing is served before its first tick.
pub fn boot(opened: Opened, clock: Arc<dyn Clock>, serving: bool, history_days: u32) -> Result<Booted, StoreError> {
    let mut engine = Engine::new(clock.now(), Options { epoch: opened.epoch, history_days, serving });
    restore(&opened, &mut engine, clock.now())?;
    let zone_data = opened.zone_data.clone();
    let rules = match &zone_data {
        Some(version) if version != ZONE_DATA_VERSION => ZoneRules::Changed,
        Some(_) | None => ZoneRules::Same,
    };
    engine.start(clock.now(), rules);
    let Opened { writer, reader, next_key, .. } = opened;
    let stale_rules = serving && zone_data != Some(ZONE_DATA_VERSION.to_owned());
    let recorder = Recorder::new(writer, stale_rules.then_some(ZONE_DATA_VERSION));
    Ok(Booted { turns: Turns::new(engine, clock, Names::new(reader.clone()), reader, next_key), recorder })
}

/// Takes plans, rows and open occurrences back from the store.
fn restore(opened: &Opened, engine: &mut Engine, now: Timestamp) -> Result<(), StoreError> {
    opened.each_plan(|id, plan| engine.restore_plan(id, plan))?;
    opened.each_state(|key, state| engine.restore(key, state))?;
    let mut open = Vec::new();
    opened.each_open(|run| open.push(run))?;
    for run in open {
        let key = run.occurrence.schedule;
        if !engine.holds(key)
            && let (Some(state), Some((_, schedule))) = (opened.reader.state(key)?, opened.reader.schedule(key)?)
        {
            engine.handle(now, Input::Recall { key, state, schedule });
        }
        engine.restore_run(run);
    }
    Ok(())
}

/// A beat that relies on no clock at all: each pause is relative. It wakes the loop, and sends count it.
fn start_heartbeat(messages: Sender<Message>, beats: watch::Sender<u64>) -> std::io::Result<Heart> {
    let beating = Arc::new(AtomicBool::new(true));
    let on = Arc::clone(&beating);
    let thread = thread::Builder::new().name("heartbeat".into()).spawn(move || {
        while on.load(Ordering::SeqCst) && messages.send(Message::Beat).is_ok() {
            thread::sleep(Duration::from_millis(BEAT_MS_MAX));
            beats.send_modify(|beat| *beat += 1);
        }
    })?;
    Ok(Heart { beating, thread })
}

/// The thread that beats.
struct Heart {
    beating: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}
