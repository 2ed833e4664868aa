//! Somebody who looks after dead letters: tries some again, one delivery or all, now and then twice at once, and drops
//! others; and what must come of it.
//!
//! Chance is drawn apart, so that whoever asks for anything else asks for the same as without it.

use chimewheel::engine::change::{Outcome, Phase, Run};
use chimewheel::id::OccurrenceId;
use chimewheel::runtime::{Ask as Asking, Done, Message, Op, OpError};
use chimewheel::store::{LetterFilter, Reader};
use tokio::sync::oneshot;

use super::check::Verdict;
use super::history::{End, History, Mark};
use super::run::Played;
use super::world::{Event, World};

const DAY_MS: i64 = 86_400_000;

/// A dead letter about which somebody asked for something.
#[derive(Clone, Debug)]
pub struct LetterAsk {
    pub id: String,
    /// Its record, as it was read.
    pub run: Run,
    pub is_retry: bool,
    pub begun: Mark,
    pub end: End,
}

/// Where the answer to one comes from.
pub type LetterAnswer = (usize, oneshot::Receiver<Result<Done, OpError>>);

impl LetterAsk {
    fn is_of(&self, id: &str, due: i64) -> bool {
        self.id == id && self.run.occurrence.due.as_millis() == due
    }

    fn is_done(&self) -> bool {
        matches!(self.end, End::Done(_))
    }
}

impl History {
    /// The times at which an occurrence may have been tried again, in their order.
    pub fn retries<'a>(&'a self, id: &'a str, due: i64) -> impl DoubleEndedIterator<Item = &'a LetterAsk> {
        self.letters.iter().filter(move |one| one.is_retry && one.end != End::Refused && one.is_of(id, due))
    }

    pub fn is_retried_between(&self, id: &str, due: i64, from: Mark, until: Mark) -> bool {
        self.retries(id, due).any(|one| from.seq < one.begun.seq && one.begun.seq < until.seq)
    }

    /// How often an occurrence may have been tried again before that.
    pub fn lives_before(&self, id: &str, due: i64, at: Mark) -> usize {
        self.retries(id, due).filter(|one| one.begun.seq < at.seq).count()
    }

    /// What was answered is durable, and nothing was done twice.
    pub fn check_letters(&self, find: impl Fn(&LetterAsk) -> Option<Run>) -> Vec<String> {
        let mut wrongs = Vec::new();
        for ask in self.letters.iter().filter(|ask| ask.is_done()) {
            // What is too old has gone.
            let Some(run) = find(ask) else { continue };
            let (id, due) = (&ask.id, run.occurrence.due.as_millis());
            // An edit of a one-shot is due when that was.
            let retries = || self.retries(id, due).filter(|one| one.run.occurrence == run.occurrence);
            let (promised, most) = (retries().filter(|one| one.is_done()).count(), retries().count());
            let times = run.retried.map_or(0, |retried| usize::from(retried.times));
            // Two that are asked for before the first is committed may count as one.
            if times < promised.min(1) || times > most {
                wrongs.push(format!("I7: {id} was tried again {promised} to {most} times: {run:?}"));
            }
            let is_last = !retries().any(|one| one.begun.seq > ask.begun.seq);
            let is_dropped = matches!(&run.phase, Phase::Settled { outcome: Outcome::Dropped { .. }, .. });
            if !ask.is_retry && is_last && !is_dropped {
                wrongs.push(format!("I7: {id} was dropped: {run:?}"));
            }
        }
        wrongs
    }
}

impl World {
    /// Looks at the dead letters, and plans the next look.
    pub fn look_at_letters(&mut self) {
        if self.true_ms < self.horizon {
            let soon = 60_000 * (5 + self.letters.below(90)) as i64;
            self.plan(soon, Event::Letters);
        }
        let (wall, days) = (self.wall(), self.history.history_days);
        let Some(process) = self.process.as_ref().filter(|process| !process.stopping) else { return };
        let found = process.reader.dead_letters(&LetterFilter::default(), 1000, None).expect("a readable store").runs;
        // What is about to go with its history may go before anybody reads what became of it.
        let is_young = |run: &Run| run.occurrence.due.as_millis() > wall - (days - 2) * DAY_MS;
        let mut found: Vec<Run> = found.into_iter().filter(is_young).collect();
        for _ in 0..1 + self.letters.below(3) {
            if found.is_empty() || self.is_astray() {
                return;
            }
            let run = found.remove(self.letters.below(found.len() as u64) as usize);
            let count = run.execution.as_ref().map_or(0, |execution| execution.deliveries);
            let alone = count > 0 && self.letters.one_in(3);
            let delivery = if alone { 1 + self.letters.below(u64::from(count)) as u16 } else { 0 };
            let of = OccurrenceId { delivery, ..run.occurrence };
            let op = if self.letters.one_in(6) { Op::Drop(of) } else { Op::Retry(of) };
            if self.letters.one_in(4) {
                self.ask_about(&run, op.clone());
            }
            self.ask_about(&run, op);
        }
    }

    fn ask_about(&mut self, run: &Run, op: Op) {
        let begun = self.mark();
        let is_its = |known: &super::history::Known| known.key == Some(run.occurrence.schedule);
        let Some(id) = self.history.known.iter().find(|(_, known)| is_its(known)).map(|(id, _)| id.clone()) else {
            return;
        };
        let Some(process) = &mut self.process else { return };
        let (answer, answered) = oneshot::channel();
        process.letters.push((self.history.letters.len(), answered));
        self.history.note(begun, &format!("ask about a dead letter of {id}: {op:?}"));
        let is_retry = matches!(op, Op::Retry(_));
        self.history.letters.push(LetterAsk { id, run: run.clone(), is_retry, begun, end: End::Open });
        self.turn(Some(Message::Ask(Asking { by: None, questions: vec![(op, answer)] })));
    }

    /// Hears what was answered about dead letters.
    pub fn hear_of_letters(&mut self) {
        let Some(process) = &mut self.process else { return };
        let mut come = Vec::new();
        process.letters.retain_mut(|(number, answer)| match answer.try_recv() {
            Ok(result) => {
                come.push((*number, result));
                false
            }
            Err(_) => true,
        });
        for (number, result) in come {
            let mark = self.mark();
            self.history.note(mark, &format!("answer about dead letter {number}: {result:?}"));
            let is_fit = match (&result, self.history.letters[number].is_retry) {
                (Ok(done), true) => matches!(done, Done::Started(_)),
                (Ok(done), false) => matches!(done, Done::Changed(..) | Done::Unchanged(..)),
                (Err(_), _) => true,
            };
            let letter = &mut self.history.letters[number];
            letter.end = if result.is_ok() { End::Done(mark) } else { End::Refused };
            if !is_fit {
                self.history.wrongs.push(format!("I2: {letter:?} was answered {result:?}"));
            }
        }
    }

    /// After a start: what was answered must be there, and the rest may be.
    pub fn see_letters(&mut self, reader: &Reader) {
        for letter in self.history.letters.iter_mut().filter(|letter| letter.end == End::Open) {
            letter.end = End::Unknown { done: false };
        }
        let find = |ask: &LetterAsk| reader.run(ask.run.occurrence).expect("a readable store");
        let wrongs = self.history.check_letters(find);
        self.history.wrongs.extend(wrongs);
    }
}

pub fn check(played: &Played, verdict: &mut Verdict) {
    let find = |ask: &LetterAsk| {
        let ledger = played.ledger.get(&ask.id)?;
        ledger.iter().find(|run| run.occurrence == ask.run.occurrence).cloned()
    };
    verdict.wrongs.extend(played.history.check_letters(find));
    let done = |is_retry: bool| {
        played.history.letters.iter().filter(|one| one.is_retry == is_retry && one.is_done()).count() as u64
    };
    verdict.tally.retried += done(true);
    verdict.tally.dropped += done(false);
}
