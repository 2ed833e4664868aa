//! One process at a time on one disk under one clock, driven event by event on one thread.
//!
//! The loop's turns, the writer of its batches and the rounds of its windows are the program's own; threads, sockets
//! and the operating system are played. True time goes on evenly; the wall is true time plus what it was set by.
//! The loop sleeps as long as it says in true time, and its heart never beats, so nothing but its own sleep wakes it.
//! Not here: who asks for what (`load`), what breaks when (`faults`), starts and ends of processes (`process`).

use std::collections::BTreeMap;
use std::sync::Arc;

use chimewheel::engine::Input;
use chimewheel::gateway::{Delivery, Receipt, SendError};
use chimewheel::id::OccurrenceId;
use chimewheel::limits::SLEEP_MS_MAX;
use chimewheel::runtime::clock::ManualClock;
use chimewheel::runtime::round::{Round, Step};
use chimewheel::runtime::turn::Act;
use chimewheel::runtime::{Ask as Asking, Done, Message};
use chimewheel::time::Timestamp;
use tokio::sync::oneshot;

use super::faults::{Fault, Fuse};
use super::gateway::Mood;
use super::history::{Ask, Asked, Attempt, End, History, Mark, Said};
use super::load;
use super::process::Process;
use super::runs;
use super::spending::Call;
use crate::store::chance::Chance;
use crate::store::disk::Disk;

/// What comes at a moment of true time.
pub enum Event {
    /// Somebody asks for something.
    Ask,
    Fault(Fault),
    /// A slew goes on: so many more steps, each by so much.
    Slew(u32, i64),
    /// Takes the mood from a gateway.
    CalmDown(&'static str),
    /// The disk has room again, or is fast again.
    MendDisk,
    Boot,
    /// Somebody reads the ledgers.
    Collect,
    /// Somebody looks after dead letters.
    Letters,
    /// The batch in flight is written. Of this boot only, like what follows.
    Write(u32),
    /// A gateway answers.
    Answer {
        boot: u32,
        round: u64,
        attempt: usize,
        answer: Result<Receipt, SendError>,
    },
    /// A runner is done.
    RunEnds {
        boot: u32,
        number: usize,
        input: Input,
    },
    /// A round tells the loop without having asked a gateway.
    Tell(u32, Input),
    /// A run wants to ask a model that costs something.
    Bid(u32, OccurrenceId),
}

/// How often the ledgers are read.
const COLLECT_MS: i64 = 12 * 3_600_000;

pub struct World {
    pub chance: Chance,
    /// What of it is drawn for dead letters.
    pub letters: Chance,
    /// Whether some schedules are tasks.
    pub has_tasks: bool,
    pub history: History,
    pub clock: Arc<ManualClock>,
    pub disk: Disk,
    pub process: Option<Process>,
    pub moods: BTreeMap<&'static str, Mood>,
    pub fuse: Option<Fuse>,
    /// The disk as it was before a process started that knows other zone rules and has not written anything yet.
    pub before_rules: Option<Vec<u8>>,
    pub disk_is_slow: bool,
    pub disk_is_full: bool,
    pub true_ms: i64,
    /// The wall at the beginning plus what it was set by.
    pub ahead: i64,
    /// The same at the beginning.
    pub base: i64,
    pub horizon: i64,
    pub down_at: i64,
    /// The wall when the store was left to new rules that no process has followed for good yet.
    pub old_rules_since: Option<i64>,
    /// Everything handled up to here is on disk.
    pub durable: Mark,
    queue: BTreeMap<(i64, u64), Event>,
    seq: u64,
    /// Calls that wait for leave, or are under way.
    pub calls: BTreeMap<OccurrenceId, Call>,
}

impl World {
    pub fn new(seed: u64, start: i64, horizon: i64) -> Self {
        let mut history = History::default();
        history.offsets.push((0, start));
        history.history_days = 4000;
        history.is_paced = seed / 40 % 2 == 1;
        Self {
            chance: Chance(seed.wrapping_mul(0x9E37_79B9)),
            letters: Chance(!seed.wrapping_mul(0x9E37_79B9)),
            has_tasks: runs::has_tasks(seed),
            history,
            clock: Arc::new(ManualClock::new(Timestamp::from_millis(start))),
            disk: Disk::default(),
            process: None,
            moods: BTreeMap::new(),
            fuse: None,
            before_rules: None,
            disk_is_slow: false,
            disk_is_full: false,
            true_ms: 0,
            ahead: start,
            base: start,
            horizon,
            down_at: start,
            old_rules_since: None,
            durable: Mark { seq: 0, true_ms: 0, wall: start },
            queue: BTreeMap::new(),
            seq: 0,
            calls: BTreeMap::new(),
        }
    }

    pub fn wall(&self) -> i64 {
        self.true_ms + self.ahead
    }

    pub fn mark(&mut self) -> Mark {
        self.seq += 1;
        Mark { seq: self.seq, true_ms: self.true_ms, wall: self.wall() }
    }

    pub fn note(&mut self, line: &str) {
        let mark = self.mark();
        self.history.note(mark, line);
    }

    pub fn plan(&mut self, in_ms: i64, event: Event) {
        self.seq += 1;
        self.queue.insert((self.true_ms + in_ms.max(0), self.seq), event);
    }

    /// What was yet to break stays whole.
    pub fn forget_faults(&mut self) {
        self.queue.retain(|_, event| !matches!(event, Event::Fault(_)));
    }

    /// Sets the wall.
    pub fn set_wall(&mut self, by_ms: i64) {
        self.ahead += by_ms;
        self.history.offsets.push((self.true_ms, self.ahead));
        self.pass_to(self.true_ms);
    }

    pub fn pass_to(&mut self, true_ms: i64) {
        self.true_ms = true_ms;
        self.clock.set(Timestamp::from_millis(self.wall()));
    }

    /// Goes on until this moment of true time.
    pub fn run_until(&mut self, end: i64) {
        loop {
            let next = self.queue.first_key_value().map_or(end, |(&(at, _), _)| at.max(self.true_ms)).min(end);
            let wake = self.wake_before(next);
            if let Some(wake) = wake {
                self.pass_to(wake);
                self.turn(None);
                continue;
            }
            self.pass_to(next);
            match self.queue.first_entry() {
                Some(entry) if entry.key().0 <= next => {
                    let event = entry.remove();
                    self.meet(event);
                }
                _ => return,
            }
        }
    }

    /// When the loop wakes by itself, if that is before `next`. It looks at the clock every second; of a long stretch
    /// in which it sees nothing to do, only the last look is played.
    fn wake_before(&self, next: i64) -> Option<i64> {
        let process = self.process.as_ref()?;
        let second = SLEEP_MS_MAX as i64;
        if process.wake_at >= next {
            return None;
        }
        if process.slept != second || process.wake_at <= self.true_ms {
            return Some(process.wake_at.max(self.true_ms));
        }
        let due = process.turns.status().next_wakeup.map(|due| due.as_millis() - self.ahead);
        let until = due.map_or(next, |due| due.min(next));
        let looks = (until - process.wake_at - 1).max(0) / second;
        Some(process.wake_at + looks * second)
    }

    fn meet(&mut self, event: Event) {
        let boot = self.process.as_ref().map(|process| process.boot);
        match event {
            Event::Ask => self.ask_something(),
            Event::Fault(fault) => self.strike(fault),
            Event::Slew(left, by) => self.slew(left, by),
            Event::CalmDown(gateway) => drop(self.moods.remove(gateway)),
            Event::MendDisk => {
                self.disk_is_slow = false;
                self.disk_is_full = false;
                self.disk.set_full(false);
            }
            Event::Boot => self.boot(),
            Event::Collect => {
                self.collect();
                self.plan(COLLECT_MS, Event::Collect);
            }
            Event::Letters => self.look_at_letters(),
            Event::Write(of) if boot == Some(of) => self.write(),
            Event::Answer { boot: of, round, attempt, answer } if boot == Some(of) => {
                let mark = self.mark();
                self.history.attempts[attempt].told = Some(mark);
                self.history.note(mark, &format!("answer to {}: {answer:?}", self.history.attempts[attempt].key));
                let process = self.process.as_mut().expect("it runs");
                if let Some(input) = process.rounds.get_mut(&round).and_then(|round| round.answered(answer)) {
                    if self.chance.one_in(16) {
                        self.turn(Some(Message::Input(input.clone())));
                    }
                    self.turn(Some(Message::Input(input)));
                }
                self.go_on(round);
            }
            Event::RunEnds { boot: of, number, input } if boot == Some(of) => self.run_ends(number, input),
            Event::Tell(of, input) if boot == Some(of) => self.turn(Some(Message::Input(input))),
            Event::Bid(of, occurrence) if boot == Some(of) => self.bid(occurrence),
            Event::Write(_) | Event::Answer { .. } | Event::RunEnds { .. } | Event::Tell(..) | Event::Bid(..) => {}
        }
    }

    /// One turn of the loop, as its shell makes it.
    pub fn turn(&mut self, message: Option<Message>) {
        let ends = matches!(message, Some(Message::Stop));
        // A process that ends serves no dues any more.
        let serves = !ends && self.process.as_ref().is_some_and(|process| !process.stopping);
        if serves {
            self.note_interruption();
        }
        let Some(process) = &mut self.process else { return };
        if let Some(message) = message
            && let Err(error) = process.turns.take(message)
        {
            self.note(&format!("the loop ends: {error}"));
            return self.crash("after a failed commit");
        }
        self.act();
        let Some(process) = &mut self.process else { return };
        process.turns.tick();
        process.turns.gather();
        self.act();
        let mark = self.mark();
        let Some(process) = &mut self.process else { return };
        if process.batch.is_none() {
            self.durable = mark;
        }
        process.slept = process.turns.sleep().as_millis() as i64;
        process.wake_at = self.true_ms + process.slept;
        if serves {
            process.last_wall = mark.wall;
            self.history.looks.push((process.boot, mark));
        }
        self.collect_answers();
        self.end_if_over();
    }

    /// Dues between two looks at the clock more than a second apart count as missed, unless the loop would have
    /// looked meanwhile, had anything been due.
    fn note_interruption(&mut self) {
        let wall = self.wall();
        let (stepped, ahead) = (self.history.offsets.last().map_or(0, |&(at, _)| at), self.ahead);
        let Some(process) = &mut self.process else { return };
        let looked_at = process.wake_at - process.slept;
        let was_away = stepped > looked_at || process.was_suspended || process.ahead != ahead;
        if was_away && wall - process.last_wall > 1000 {
            let (durable, down) = (process.last_wall, process.last_wall);
            self.history.interruptions.push(super::history::Interruption { durable, down, up: wall });
        }
        process.was_suspended = false;
        process.ahead = ahead;
    }

    fn act(&mut self) {
        while let Some(process) = &mut self.process
            && let Some(act) = process.turns.poll_act()
        {
            let boot = process.boot;
            match act {
                Act::Commit(batch) => {
                    process.batch = Some(batch);
                    let mark = self.mark();
                    self.history.note(mark, "commit begins");
                    self.process.as_mut().expect("it runs").gathered = mark;
                    let slow = if self.disk_is_slow { self.chance.below(4000) } else { 0 };
                    let takes = 1 + self.chance.below(8) + slow;
                    self.plan(takes as i64, Event::Write(boot));
                }
                Act::Send(window) => {
                    process.rounds_begun += 1;
                    let number = process.rounds_begun;
                    process.rounds.insert(number, Round::new(window));
                    process.window_after.insert(number, process.durable_before.seq);
                    self.go_on(number);
                }
                Act::Run(occurrence) => self.begin_run(occurrence),
                Act::EndRun(occurrence) => self.end_run(occurrence),
                Act::Judged(occurrence, verdict) => self.judged(occurrence, verdict),
                Act::StopSending => process.stopping = true,
            }
        }
    }

    /// The next step of a round.
    fn go_on(&mut self, number: u64) {
        let now = Timestamp::from_millis(self.wall());
        let Some(process) = &mut self.process else { return };
        let Some(round) = process.rounds.get_mut(&number) else { return };
        let boot = process.boot;
        while let Some(step) = round.step(&process.reader, now, process.stopping) {
            match step {
                Step::Tell(input) => {
                    self.seq += 1;
                    self.queue.insert((self.true_ms, self.seq), Event::Tell(boot, input));
                }
                Step::Try(delivery) => return self.hand_over(number, *delivery),
            }
        }
        process.rounds.remove(&number);
    }

    fn hand_over(&mut self, number: u64, delivery: Delivery) {
        if self.burns(Fuse::is_before_send) {
            return self.crash("before a send");
        }
        self.check_notice(&delivery);
        let Some(process) = &self.process else { return };
        let (boot, window_after) = (process.boot, process.window_after[&number]);
        let gateway = delivery.destination.gateway.as_str();
        let mood = self.moods.get(gateway).copied().unwrap_or(Mood::Calm);
        let is_meant = mood.chat_of(gateway).is_none_or(|chat| chat == delivery.destination.chat_id);
        let mood = if is_meant { mood } else { Mood::Calm };
        let outcome = mood.receive(&mut self.chance);
        *self.history.moods.entry(mood).or_default() += 1;
        let message = load::read_text(&delivery.text);
        let (id, rev) = message.unwrap_or((delivery.schedule.as_str(), 0));
        let said = match &outcome.answer {
            Ok(_) => Said::Taken,
            Err(SendError::Retry { after, .. }) => Said::Retry(after.map_or(0, |after| after.as_millis() as i64)),
            Err(SendError::Limited { after, scope, .. }) => {
                Said::Limited(*scope, after.map_or(0, |after| after.as_millis() as i64))
            }
            Err(SendError::Unreachable { .. } | SendError::Barred { .. }) => Said::Shut,
            Err(SendError::Permanent { .. }) => Said::Permanent,
            Err(SendError::Ambiguous { .. }) => Said::Ambiguous,
        };
        let at = self.mark();
        let line = format!(
            "send {} due {} attempt {} key {} {mood:?} kept {}",
            delivery.text, delivery.due, delivery.attempt, delivery.key, outcome.kept
        );
        self.history.note(at, &line);
        if delivery.schedule != id {
            self.history.wrongs.push(format!("I9: {} carries the text {}", delivery.schedule, delivery.text));
        }
        self.history.attempts.push(Attempt {
            at,
            boot,
            window_after,
            id: id.to_owned(),
            rev,
            chat: delivery.destination.chat_id.clone(),
            key: delivery.key,
            due: delivery.due.as_millis(),
            number: delivery.attempt,
            kept: outcome.kept,
            said,
            is_notice: message.is_none(),
            part: if message.is_some() { load::part_of(&delivery.text) } else { 0 },
            told: None,
        });
        let attempt = self.history.attempts.len() - 1;
        if self.burns(Fuse::is_after_send) {
            return self.crash("after a send");
        }
        if said != Said::Taken && self.chance.one_in(8) {
            // While it waits for its next attempt somebody may change his mind.
            let soon = self.chance.below(20_000) as i64;
            self.plan(soon, Event::Ask);
        }
        self.plan(outcome.after_ms, Event::Answer { boot, round: number, attempt, answer: outcome.answer });
    }

    /// Asks the loop, if there is one.
    pub fn ask(&mut self, id: &str, ask: Ask) {
        let begun = self.mark();
        let Some(process) = &mut self.process else { return };
        let known = self.history.known.get_mut(id).expect("it is known");
        let read = known.key.and_then(|key| process.reader.schedule(key).expect("a readable store"));
        let Some(op) = load::op(ask, known, read.map_or(0, |(generation, _)| generation)) else { return };
        let (answer, answered) = oneshot::channel();
        known.asked.push(Asked { ask, begun, end: End::Open, run: None });
        process.answers.push((id.to_owned(), answered));
        self.history.note(begun, &format!("ask {id} {ask:?}"));
        self.turn(Some(Message::Ask(Asking { by: None, questions: vec![(op, answer)] })));
    }

    fn collect_answers(&mut self) {
        self.hear_of_letters();
        let Some(process) = &mut self.process else { return };
        let mut waiting = std::mem::take(&mut process.answers);
        let mut come = Vec::new();
        waiting.retain_mut(|(id, answer)| match answer.try_recv() {
            Ok(result) => {
                come.push((id.clone(), result));
                false
            }
            Err(_) => true,
        });
        process.answers = waiting;
        for (id, result) in come {
            let mark = self.mark();
            self.history.note(mark, &format!("answer {id} {result:?}"));
            let known = self.history.known.get_mut(&id).expect("it is known");
            let asked = known.asked.last_mut().expect("it was asked");
            match result {
                Ok(done) => {
                    asked.end = End::Done(mark);
                    match &done {
                        Done::Created(key, _) if asked.ask != Ask::Again => known.key = Some(*key),
                        Done::Started(run) => asked.run = Some(*run),
                        Done::Created(..)
                        | Done::Existing(_)
                        | Done::Changed(..)
                        | Done::Unchanged(..)
                        | Done::Noted
                        | Done::Status(_) => {}
                    }
                    let ask = asked.ask;
                    self.check_answer(&id, ask, &done);
                }
                Err(_) => asked.end = End::Refused,
            }
            self.check_known(&id);
        }
    }
}
