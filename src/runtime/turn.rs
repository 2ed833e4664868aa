//! The loop: take what came, let the engine act, commit, then do what follows.
//!
//! Invariant: one batch is being written at most; what follows a batch happens once it is durable and before
//! anything that follows the next one.

use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use hashbrown::HashMap;
use tokio::sync::oneshot;

use crate::engine::change::Change;
use crate::engine::{Effect, Engine, Input, OpId, Reply, Window};
use crate::id::ScheduleKey;
use crate::limits::{BATCH_CHANGES_COUNT_MAX, BEAT_MS_MAX, SHUTDOWN_MS_MAX, SLEEP_MS_MAX, TURN_INPUTS_COUNT_MAX};
use crate::runtime::clock::Clock;
use crate::runtime::commit::{Committed, Committer};
use crate::runtime::dispatch::Dispatch;
use crate::runtime::ops::{Done, Op, OpError, Status};
use crate::runtime::watchdog::Watchdog;
use crate::runtime::{Message, RunError};
use crate::store::{Names, Reader, StoreError};
use crate::time::{Span, Timestamp};

/// The loop and all it owns.
pub(super) struct Turns {
    pub(super) engine: Engine,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) names: Names,
    pub(super) reader: Reader,
    pub(super) next_key: u64,
    pub(super) pending: HashMap<OpId, Asked>,
    committer: Committer,
    dispatch: Dispatch,
    answers: Sender<Message>,
    gathering: Batch,
    writing: Option<Batch>,
    next_op: u64,
    started_at: Timestamp,
    commits: u64,
    slowest_commit: Span,
    phase: Phase,
    watchdog: Arc<Watchdog>,
}

/// Where an answer goes.
type Answer = oneshot::Sender<Result<Done, OpError>>;

/// Somebody waits for an answer.
pub(super) struct Asked {
    pub(super) key: ScheduleKey,
    pub(super) shape: Shape,
    answer: Answer,
}

/// How the engine's reply is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Created,
    Changed,
}

/// Changes, and what follows them.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    windows: Vec<Window>,
    answers: Vec<(Answer, Result<Done, OpError>)>,
    finished: Vec<ScheduleKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// Sends in flight are waited for, for so many more beats of the heart.
    Ending {
        beats: u64,
    },
}

impl Turns {
    #[expect(clippy::too_many_arguments, reason = "one call, which joins what the loop owns")]
    pub(super) fn new(
        engine: Engine,
        clock: Arc<dyn Clock>,
        names: Names,
        reader: Reader,
        next_key: u64,
        committer: Committer,
        dispatch: Dispatch,
        answers: Sender<Message>,
        watchdog: Arc<Watchdog>,
    ) -> Self {
        let started_at = clock.now();
        Self {
            engine,
            clock,
            names,
            reader,
            next_key,
            pending: HashMap::new(),
            committer,
            dispatch,
            answers,
            gathering: Batch::default(),
            writing: None,
            next_op: 0,
            started_at,
            commits: 0,
            slowest_commit: Span::ZERO,
            phase: Phase::Running,
            watchdog,
        }
    }

    /// Turns until told to stop, or until a commit fails.
    pub(super) fn run(mut self, inbox: &Receiver<Message>) -> Result<(), RunError> {
        let ended = self.turn_until_over(inbox);
        self.watchdog.ended();
        if let Err(error) = &ended {
            self.refuse_all(error);
            return Err(ended.err().map_or(RunError::Panicked, RunError::Store));
        }
        self.committer.close()?;
        Ok(())
    }

    fn turn_until_over(&mut self, inbox: &Receiver<Message>) -> Result<(), StoreError> {
        loop {
            self.commit_if_free()?;
            if self.is_over() {
                return Ok(());
            }
            match inbox.recv_timeout(self.sleep()) {
                Ok(message) => {
                    self.take(message)?;
                    for message in inbox.try_iter().take(TURN_INPUTS_COUNT_MAX) {
                        self.take(message)?;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.begin_ending(),
            }
            self.handle(if self.is_batch_full() { Input::Wait } else { Input::Tick });
            self.note_turn();
        }
    }

    /// Leaves a note that the loop has turned, and tells of a pause before it.
    fn note_turn(&self) {
        let now = self.clock.now();
        let lag = if self.phase == Phase::Running { self.engine.lag(now) } else { Span::ZERO };
        if let Some(pause) = self.watchdog.turned(now, lag) {
            tracing::warn!("the engine's loop stood still for {pause}");
        }
    }

    /// Whether the batch that gathers is as large as one should be; a larger one would take long to write.
    fn is_batch_full(&self) -> bool {
        self.gathering.changes.len() >= BATCH_CHANGES_COUNT_MAX
    }

    fn take(&mut self, message: Message) -> Result<(), StoreError> {
        match message {
            Message::Input(input) => self.handle(input),
            Message::Ask(questions) => questions.into_iter().for_each(|(op, answer)| self.asked(op, answer)),
            Message::Committed(result) => self.committed(&result?),
            Message::Beat => {
                if let Phase::Ending { beats } = &mut self.phase {
                    *beats = beats.saturating_sub(1);
                }
            }
            Message::Stop => self.begin_ending(),
        }
        Ok(())
    }

    /// One input for the engine; its effects are gathered.
    pub(super) fn handle(&mut self, input: Input) {
        let ticking = matches!(input, Input::Tick);
        if ticking && self.phase != Phase::Running {
            return;
        }
        self.engine.handle(self.clock.now(), input);
        while let Some(effect) = self.engine.poll_effect() {
            match effect {
                Effect::Persist(change) => {
                    self.names.stage(&change);
                    self.gathering.changes.push(change);
                }
                Effect::Send(window) => self.gathering.windows.push(window),
                Effect::Reply { op, reply } => self.told(op, reply),
                Effect::Forget { key } => self.gathering.finished.push(key),
            }
        }
    }

    /// The engine's reply becomes an answer that waits for its batch.
    fn told(&mut self, op: OpId, reply: Reply) {
        let Some(asked) = self.pending.remove(&op) else { return };
        let key = asked.key;
        let answer = match (reply, asked.shape) {
            (Reply::Done(state), Shape::Created) => Ok(Done::Created(key, state)),
            (Reply::Done(state), Shape::Changed) => Ok(Done::Changed(key, state)),
            (Reply::Started(occurrence), _) => Ok(Done::Started(occurrence)),
            (Reply::Unchanged(state), _) => Ok(Done::Unchanged(key, state)),
            (Reply::Ended(state), _) => Err(OpError::Ended(state.status)),
            (Reply::NotFound, _) => Err(OpError::NotFound),
        };
        self.gathering.answers.push((asked.answer, answer));
    }

    fn asked(&mut self, op: Op, answer: Answer) {
        if self.phase != Phase::Running {
            // Whoever has given up waiting needs no answer.
            let _ = answer.send(Err(OpError::Stopped(None)));
            return;
        }
        match self.begin(op) {
            Ok(Begun::Input { key, shape, input }) => {
                let id = OpId(self.next_op);
                self.next_op += 1;
                self.pending.insert(id, Asked { key, shape, answer });
                self.handle(input(id));
            }
            Ok(Begun::Answer(done)) => self.gathering.answers.push((answer, Ok(done))),
            Err(error) => self.gathering.answers.push((answer, Err(error))),
        }
    }

    /// Hands the gathered batch to the commit thread when that is free.
    fn commit_if_free(&mut self) -> Result<(), StoreError> {
        if self.writing.is_some() {
            return Ok(());
        }
        let mut batch = mem::take(&mut self.gathering);
        if batch.changes.is_empty() {
            self.follow(batch);
            return Ok(());
        }
        let changes = mem::take(&mut batch.changes);
        self.watchdog.commit_began(self.clock.now());
        self.committer.begin(changes);
        self.writing = Some(batch);
        Ok(())
    }

    fn committed(&mut self, committed: &Committed) {
        self.watchdog.commit_ended();
        self.commits += 1;
        self.slowest_commit = self.slowest_commit.max(committed.took);
        self.names.committed(&committed.batch);
        if let Some(batch) = self.writing.take() {
            self.follow(batch);
        }
    }

    /// Does what had to wait for the commit.
    fn follow(&mut self, batch: Batch) {
        for window in batch.windows {
            self.dispatch.begin(window, self.answers.clone());
        }
        for (answer, done) in batch.answers {
            // Whoever has given up waiting needs no answer.
            let _ = answer.send(done);
        }
        for key in batch.finished {
            self.handle(Input::Forget { key });
        }
    }

    fn begin_ending(&mut self) {
        if self.phase == Phase::Running {
            self.engine.stop_serving();
            self.dispatch.stop();
            self.phase = Phase::Ending { beats: SHUTDOWN_MS_MAX / BEAT_MS_MAX };
        }
    }

    fn is_over(&self) -> bool {
        let Phase::Ending { beats } = self.phase else { return false };
        let settled = self.engine.in_flight() == 0 || beats == 0;
        settled && self.writing.is_none() && self.gathering.changes.is_empty()
    }

    fn sleep(&self) -> Duration {
        const LONGEST: Duration = Duration::from_millis(SLEEP_MS_MAX);
        match (self.phase, self.engine.next_wakeup()) {
            // The end of the commit under way wakes it.
            _ if self.is_batch_full() => LONGEST,
            (Phase::Running, Some(wakeup)) => wakeup.since(self.clock.now()).to_std().min(LONGEST),
            _ => LONGEST,
        }
    }

    /// The store failed: nothing that was to follow happens.
    fn refuse_all(&mut self, error: &StoreError) {
        let why: Arc<str> = format!(
            "{error}; the engine stopped, and this was not acknowledged. Everything acknowledged before is safe: free \
             some space if the disk is full, and start again"
        )
        .into();
        let mut waiting: Vec<_> = self.pending.drain().map(|(_, asked)| asked.answer).collect();
        for batch in [Some(mem::take(&mut self.gathering)), self.writing.take()].into_iter().flatten() {
            waiting.extend(batch.answers.into_iter().map(|(answer, _)| answer));
        }
        for answer in waiting {
            // Whoever has given up waiting needs no answer.
            let _ = answer.send(Err(OpError::Store(Arc::clone(&why))));
        }
    }

    pub(super) fn status(&self) -> Status {
        let now = self.clock.now();
        let next_wakeup = self.engine.next_wakeup();
        Status {
            now,
            started_at: self.started_at,
            figures: self.engine.figures(),
            next_wakeup,
            lag: self.engine.lag(now),
            health: self.watchdog.health(now),
            stalls: self.watchdog.stalls(),
            in_flight: self.engine.in_flight(),
            commits: self.commits,
            slowest_commit: self.slowest_commit,
        }
    }
}

/// What a question comes to.
pub(super) enum Begun {
    /// The engine is asked, and its reply told in this shape.
    Input { key: ScheduleKey, shape: Shape, input: Box<dyn FnOnce(OpId) -> Input> },
    /// It is answered already.
    Answer(Done),
}
