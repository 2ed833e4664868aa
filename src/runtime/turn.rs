//! The turns of the loop, without its threads: take what came, let the engine act, say what to commit, then what
//! follows.
//!
//! The contract: [`Turns::take`] what came, [`Turns::tick`], [`Turns::gather`], and after each drain
//! [`Turns::poll_act`]; then wait for [`Turns::sleep`] or the next message. `shell` does so with threads, the
//! simulation with a clock of its own.
//! Invariant: one batch is being written at most; what follows a batch happens once it is durable and before
//! anything that follows the next one.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use tokio::sync::oneshot;

use crate::engine::change::Change;
use crate::engine::{self, Effect, Engine, Input, OpId, Reply, Verdict, Window};
use crate::gateway::Delivery;
use crate::id::{OccurrenceId, ScheduleKey};
use crate::limits::{BATCH_CHANGES_COUNT_MAX, BEAT_MS_MAX, SHUTDOWN_MS_MAX, SLEEP_MS_MAX};
use crate::planted::{self, Bug};
use crate::runtime::Message;
use crate::runtime::books::Entry;
use crate::runtime::clock::Clock;
use crate::runtime::commit::Committed;
use crate::runtime::conversation::Book;
use crate::runtime::letters::NoRetry;
use crate::runtime::meter::Meter;
use crate::runtime::ops::{Done, Op, OpError, Status};
use crate::runtime::tally::Tallies;
use crate::runtime::watchdog::Watchdog;
use crate::store::{Names, Reader, StoreError};
use crate::time::{Span, Timestamp};

/// The loop's state: the engine, what it has said and what waits for it.
pub struct Turns {
    pub(super) engine: Engine,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) names: Names,
    pub(super) reader: Reader,
    pub(super) next_key: u64,
    pub(super) pending: HashMap<OpId, Asked>,
    pub(super) tallies: Tallies,
    pub(super) book: Book,
    pub(super) meter: Arc<Meter>,
    /// The request that is being answered, if somebody has to answer for it.
    pub(super) entry: Option<Entry>,
    acts: VecDeque<Act>,
    gathering: Batch,
    writing: Option<Batch>,
    next_op: u64,
    started_at: Timestamp,
    commits: u64,
    slowest_commit: Span,
    phase: Phase,
    watchdog: Arc<Watchdog>,
}

/// What the loop wants done by others.
#[derive(Debug)]
pub enum Act {
    /// Write this, then say so with [`Message::Committed`]; there is never more than one at a time.
    Commit(Vec<Change>),
    /// Try to send these; what they depend on is durable.
    Send(Window),
    /// Run this; that it is being run is durable.
    Run(OccurrenceId),
    /// End this run, if it is still under way.
    EndRun(OccurrenceId),
    /// Tell this run whether it may ask its model; what it depends on is durable.
    Judged(OccurrenceId, Verdict),
    /// Begin no further send, and no further run.
    StopSending,
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
    runs: Vec<OccurrenceId>,
    ended_runs: Vec<OccurrenceId>,
    judged: Vec<(OccurrenceId, Verdict)>,
    answers: Vec<(Answer, Result<Done, OpError>)>,
    taken: Vec<oneshot::Sender<()>>,
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
    pub(super) fn new(
        engine: Engine,
        clock: Arc<dyn Clock>,
        names: Names,
        reader: Reader,
        book: Book,
        next_key: u64,
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
            tallies: Tallies::default(),
            book,
            meter: Arc::default(),
            entry: None,
            acts: VecDeque::new(),
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

    /// Leaves a note that the loop has turned, and tells of a pause before it.
    fn note_turn(&self) {
        let now = self.clock.now();
        let (lag, catching_up) = match self.phase {
            Phase::Running => (self.engine.lag(now), self.engine.catching_up()),
            Phase::Ending { .. } => (Span::ZERO, 0),
        };
        if let Some(pause) = self.watchdog.turned(now, lag, catching_up) {
            tracing::warn!("the engine's loop stood still for {pause}");
        }
    }

    /// Whether the batch that gathers is as large as one should be; a larger one would take long to write.
    fn is_batch_full(&self) -> bool {
        self.gathering.changes.len() >= BATCH_CHANGES_COUNT_MAX
    }

    /// Takes one message; a failed commit ends the loop, with an answer for everybody who waits.
    pub fn take(&mut self, message: Message) -> Result<(), StoreError> {
        match message {
            Message::Input(input) => self.handle(input),
            Message::Delivered(input, delivery) => self.delivered(input, *delivery),
            Message::Ask(ask) => self.asked_all(ask),
            Message::Arrived(arrived) => self.arrived(arrived),
            Message::Place { gateway, place, taken } => {
                self.note(Change::Place { gateway, place });
                self.tell_taken(taken);
            }
            Message::Committed(Ok(committed)) => self.committed(&committed),
            Message::Committed(Err(error)) => {
                self.refuse_all(&error);
                return Err(error);
            }
            Message::Beat => {
                if let Phase::Ending { beats } = &mut self.phase {
                    *beats = beats.saturating_sub(1);
                }
            }
            Message::Stop => self.begin_ending(),
        }
        Ok(())
    }

    /// Looks at the time and serves what is due.
    pub fn tick(&mut self) {
        self.handle(if self.is_batch_full() { Input::Wait } else { Input::Tick });
        self.note_turn();
    }

    /// What others are to do, in order.
    pub fn poll_act(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    /// One input for the engine; its effects are gathered.
    pub(super) fn handle(&mut self, input: Input) {
        let ticking = matches!(input, Input::Tick);
        if ticking && self.phase != Phase::Running {
            return;
        }
        let now = self.clock.now();
        self.engine.handle(now, input);
        let mut given_up = Vec::new();
        while let Some(effect) = self.engine.poll_effect() {
            match effect {
                Effect::Persist(Change::Run(run)) if planted::is(Bug::AdvanceBeforeRecord) && !run.is_settled() => {}
                Effect::Persist(change) => {
                    given_up.extend(change.given_up());
                    self.names.stage(&change);
                    self.tallies.note(&change, now);
                    self.gathering.changes.push(change);
                }
                Effect::Send(window) => self.gathering.windows.push(window),
                Effect::Run { occurrence, .. } => self.gathering.runs.push(occurrence),
                Effect::EndRun { occurrence } => self.gathering.ended_runs.push(occurrence),
                Effect::Judged { occurrence, verdict } => self.gathering.judged.push((occurrence, verdict)),
                Effect::Reply { op, reply } => self.told(op, reply),
                Effect::Forget { key } => self.gathering.finished.push(key),
            }
        }
        for run in given_up {
            self.say_unanswered(&run);
        }
    }

    /// A text has reached its chat: that goes into the batch that records its delivery.
    fn delivered(&mut self, input: Input, delivery: Delivery) {
        let message_id = match &input {
            Input::Answered { answer: engine::Answer::Delivered { message_id }, .. } => message_id.clone(),
            _ => None,
        };
        self.handle(input);
        self.reached(delivery, message_id);
    }

    /// Somebody is told once everything is durable that was decided so far.
    pub(super) fn tell_taken(&mut self, taken: oneshot::Sender<()>) {
        self.gathering.taken.push(taken);
    }

    /// Whether it is coming to its end.
    pub(super) fn is_ending(&self) -> bool {
        self.phase != Phase::Running
    }

    /// Something to be written that is not the engine's.
    pub(super) fn note(&mut self, change: Change) {
        self.gathering.changes.push(change);
    }

    /// The engine's reply becomes an answer that waits for its batch.
    fn told(&mut self, op: OpId, reply: Reply) {
        let Some(asked) = self.pending.remove(&op) else { return };
        let key = asked.key;
        if matches!(reply, Reply::Done(_) | Reply::Started(_)) {
            self.note_changed(key);
        }
        let answer = match (reply, asked.shape) {
            (Reply::Done(state), Shape::Created) => Ok(Done::Created(key, state)),
            (Reply::Done(state), Shape::Changed) => Ok(Done::Changed(key, state)),
            (Reply::Started(occurrence), _) => Ok(Done::Started(occurrence)),
            (Reply::Unchanged(state), _) => Ok(Done::Unchanged(key, state)),
            (Reply::Ended(state), _) => Err(OpError::Ended(state.status)),
            (Reply::NotFound, _) => Err(OpError::NotFound),
            (Reply::Overlaps, _) => Err(OpError::Overlaps),
            (Reply::Open, _) => Err(OpError::Letter(NoRetry::Open)),
            (Reply::Gone, _) => Err(OpError::Letter(NoRetry::Gone)),
        };
        if planted::is(Bug::AckBeforeCommit) {
            let _ = asked.answer.send(answer);
            return;
        }
        self.gathering.answers.push((asked.answer, answer));
    }

    pub(super) fn asked(&mut self, op: Op, answer: Answer) {
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

    /// Gives the gathered batch out to be committed, unless one is being written.
    pub fn gather(&mut self) {
        if self.writing.is_some() {
            return;
        }
        let mut batch = mem::take(&mut self.gathering);
        if planted::is(Bug::KeptApart) {
            let is_kept = |change: &mut Change| matches!(change, Change::Kept { .. });
            self.gathering.changes.extend(batch.changes.extract_if(.., is_kept));
        }
        if batch.changes.is_empty() {
            return self.follow(batch);
        }
        self.watchdog.commit_began(self.clock.now());
        self.acts.push_back(Act::Commit(mem::take(&mut batch.changes)));
        self.writing = Some(batch);
    }

    fn committed(&mut self, committed: &Committed) {
        self.watchdog.commit_ended();
        self.commits += 1;
        self.slowest_commit = self.slowest_commit.max(committed.took);
        self.names.committed(&committed.batch);
        self.book.committed(&committed.batch);
        if let Some(batch) = self.writing.take() {
            self.follow(batch);
        }
    }

    /// Does what had to wait for the commit.
    fn follow(&mut self, batch: Batch) {
        self.acts.extend(batch.windows.into_iter().map(Act::Send));
        self.acts.extend(batch.runs.into_iter().map(Act::Run));
        self.acts.extend(batch.ended_runs.into_iter().map(Act::EndRun));
        self.acts.extend(batch.judged.into_iter().map(|(occurrence, verdict)| Act::Judged(occurrence, verdict)));
        for (answer, done) in batch.answers {
            // Whoever has given up waiting needs no answer.
            let _ = answer.send(done);
        }
        for taken in batch.taken {
            // Whoever has given up waiting hears of it when it asks again.
            let _ = taken.send(());
        }
        for key in batch.finished {
            self.handle(Input::Forget { key });
        }
    }

    pub(super) fn begin_ending(&mut self) {
        if self.phase == Phase::Running {
            self.engine.stop_serving();
            self.acts.push_back(Act::StopSending);
            self.phase = Phase::Ending { beats: SHUTDOWN_MS_MAX / BEAT_MS_MAX };
        }
    }

    /// Whether everything is done that was to be done before the end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let Phase::Ending { beats } = self.phase else { return false };
        let settled = self.engine.in_flight() == 0 || beats == 0;
        settled && self.writing.is_none() && self.gathering.changes.is_empty()
    }

    /// How long to wait for a message at the longest.
    #[must_use]
    pub fn sleep(&self) -> Duration {
        const LONGEST: Duration = Duration::from_millis(SLEEP_MS_MAX);
        match (self.phase, self.engine.next_wakeup()) {
            // The end of the commit under way wakes it.
            _ if self.is_batch_full() => LONGEST,
            (Phase::Running, Some(wakeup)) if planted::is(Bug::SleepUnbounded) => {
                wakeup.since(self.clock.now()).to_std()
            }
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

    /// How it fares.
    #[must_use]
    pub fn status(&self) -> Status {
        let now = self.clock.now();
        let next_wakeup = self.engine.next_wakeup();
        Status {
            now,
            started_at: self.started_at,
            figures: self.engine.figures(),
            gated: self.engine.gated(),
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
