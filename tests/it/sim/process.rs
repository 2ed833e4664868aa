//! A process begins, writes, and ends: in order, or by a crash at any point.

use std::collections::BTreeMap;
use std::sync::Arc;

use chimewheel::engine::Options;
use chimewheel::engine::change::{Change, Status};
use chimewheel::pace::Paces;
use chimewheel::runtime::round::Round;
use chimewheel::runtime::turn::Turns;
use chimewheel::runtime::{Booted, Done, Message, OpError, Recorder, boot};
use chimewheel::store::{Reader, Store};
use tokio::sync::oneshot;

use super::faults::{Fuse, NUDGE_MS};
use super::gateway::PACES;
use super::history::{Ask, End, Interruption, Mark};
use super::letters::LetterAnswer;
use super::world::{Event, World};
use super::{check_hooks, load, runs, spending};
use crate::store::disk::{Disk, Survivors};
use crate::store::model::options;

/// What a process consists of while it runs.
pub struct Process {
    pub boot: u32,
    pub turns: Turns,
    pub recorder: Recorder,
    pub reader: Reader,
    pub rounds: BTreeMap<u64, Round>,
    /// What had certainly been handled before a round's window was put together.
    pub window_after: BTreeMap<u64, u64>,
    pub rounds_begun: u64,
    pub answers: Vec<(String, oneshot::Receiver<Result<Done, OpError>>)>,
    pub letters: Vec<LetterAnswer>,
    /// The batch that is being written, and when it was given out.
    pub batch: Option<Vec<Change>>,
    pub gathered: Mark,
    /// When the batch before the latest was given out: what a batch holds was handled later than that.
    pub durable_before: Mark,
    pub stopping: bool,
    /// When it wakes by itself, and how long it meant to sleep.
    pub wake_at: i64,
    pub slept: i64,
    /// The wall when it began.
    pub up: i64,
    pub last_wall: i64,
    pub was_suspended: bool,
    pub ahead: i64,
}

impl World {
    /// Starts a process, if none runs.
    pub fn boot(&mut self) {
        if self.process.is_some() {
            return;
        }
        self.history.boots += 1;
        let number = self.history.boots;
        self.change_zone_rules();
        if self.burns(Fuse::is_boot) {
            let ops = self.chance.below(40);
            self.disk.crash_after(ops);
        }
        let opened = match Store::open_on(self.disk.clone(), &options()) {
            Ok(opened) => opened,
            Err(error) => {
                self.note(&format!("cannot start: {error}"));
                return self.crash("while starting");
            }
        };
        let reader = opened.reader.clone();
        if let Err(error) = self.see_what_is_left(&reader) {
            self.history.wrongs.push(format!("I7: {error}"));
        }
        self.see_letters(&reader);
        self.check_isolation(&reader);
        self.history.wrongs.extend(check_hooks::kept(&self.history, &reader));
        let options = Options {
            epoch: opened.epoch,
            history_days: self.history.history_days as u32,
            pause_after: load::PAUSE_AFTER,
            catchup_per_second: self.history.catchup_per_second.unwrap_or(u32::MAX),
            budgets: spending::budgets(),
            paces: self.paces(),
            ..Options::default()
        };
        let Booted { turns, recorder, .. } = boot(opened, self.clock.clone(), options).expect("a readable store");
        let mark = self.mark();
        self.history.note(mark, &format!("boot {number}"));
        let up = mark.wall;
        if number > 1 {
            self.history.interruptions.push(Interruption {
                durable: self.durable.wall.min(self.down_at),
                down: self.down_at,
                up,
            });
            self.history.disturb(self.history.true_time_of(self.down_at).min(self.true_ms), self.true_ms);
        }
        self.calls.clear();
        self.process = Some(Process {
            boot: number,
            turns,
            recorder,
            reader,
            rounds: BTreeMap::new(),
            window_after: BTreeMap::new(),
            rounds_begun: 0,
            answers: Vec::new(),
            letters: Vec::new(),
            batch: None,
            gathered: self.durable,
            durable_before: mark,
            stopping: false,
            wake_at: self.true_ms,
            slept: 0,
            up: mark.wall,
            last_wall: mark.wall,
            was_suspended: false,
            ahead: self.ahead,
        });
        self.turn(None);
    }

    /// The batch in flight goes to disk; the crash may come meanwhile, or right after.
    pub fn write(&mut self) {
        if self.burns(Fuse::is_nudge) {
            self.step(-NUDGE_MS);
        }
        let during = self.burns(Fuse::is_write);
        let after = self.burns(Fuse::is_written);
        if during {
            let ops = self.chance.below(30);
            self.disk.crash_after(ops);
        }
        let Some(process) = &mut self.process else { return };
        let Some(batch) = process.batch.take() else { return };
        let gathered = process.gathered;
        let written = process.recorder.write(batch);
        if written.is_ok() {
            self.before_rules = None;
        }
        match written {
            Ok(_) if during => self.crash("between a commit and its report"),
            Ok(_) if after => self.crash("after a commit"),
            Ok(batch) => {
                self.history.commits += 1;
                // What a start makes of new rules is in its first batch.
                let up = process.up;
                self.history.old_rules.extend(self.old_rules_since.take().map(|since| (since, up)));
                self.durable = gathered;
                self.note("commit is durable");
                self.turn(Some(Message::Committed(Ok(batch))));
                if let Some(process) = &mut self.process {
                    process.durable_before = gathered;
                }
            }
            Err(error) => {
                self.note(&format!("commit fails: {error}"));
                self.turn(Some(Message::Committed(Err(error))));
            }
        }
    }

    /// The process is gone at once, and the disk is as such an end may leave it.
    pub fn crash(&mut self, point: &'static str) {
        *self.history.crash_points.entry(point).or_default() += 1;
        let survivors = self.chance.pick(&[None, Some(Survivors::None), Some(Survivors::Some), Some(Survivors::All)]);
        let image = match survivors {
            // The machine goes on: what was written is there, synced or not.
            None => self.disk.image(),
            Some(survivors) => self.disk.image_after_crash(survivors, &mut self.chance),
        };
        let mark = self.mark();
        self.history.note(mark, &format!("crash {point}, {survivors:?}"));
        if let Some(process) = self.process.take() {
            self.history.crashes.push((mark, self.durable));
            self.down_at = process.last_wall;
        }
        self.disk = Disk::of(image);
        self.forget_zone_rules();
        self.disk.set_full(self.disk_is_full);
        let down = self.down_time();
        self.plan(down, Event::Boot);
    }

    fn paces(&self) -> Arc<BTreeMap<String, Paces>> {
        let paces = self.history.is_paced.then(|| (PACES.0.to_owned(), PACES.1));
        Arc::new(paces.into_iter().collect())
    }

    /// Often so that dues fall on the very edge of what counts as missed.
    pub fn down_time(&mut self) -> i64 {
        let ms = match self.chance.below(6) {
            0 => 10 + self.chance.below(500),
            1 | 2 => 1000 + self.chance.below(10_000),
            3 | 4 => 60_000 + self.chance.below(600_000),
            _ => self.chance.below(4 * 3_600_000),
        } as i64;
        match self.chance.below(4) {
            0 => ms,
            1 => self.until_a_due_is_late().unwrap_or(ms),
            _ => ms + 1000 - (self.wall() + ms).rem_euclid(1000),
        }
    }

    /// Until a second after a due of some schedule, if it has one within hours.
    fn until_a_due_is_late(&mut self) -> Option<i64> {
        let wall = self.wall();
        let live = self.history.known.values().filter(|known| !known.is_cancelled() && !known.is_paused());
        let shapes: Vec<_> = live.filter_map(|known| Some(known.revs[known.rev()?].shape.clone())).collect();
        let dues = shapes.iter().filter_map(|shape| shape.dues_in(wall, wall + 4 * 3_600_000).first().copied());
        let dues: Vec<i64> = dues.collect();
        (!dues.is_empty()).then(|| self.chance.pick(&dues) + 1000 - wall)
    }

    /// A process that was told to end has nothing left to do.
    pub fn end_if_over(&mut self) {
        if !self.process.as_ref().is_some_and(|process| process.turns.is_over()) {
            return;
        }
        let Some(process) = self.process.take() else { return };
        let mark = self.mark();
        self.history.note(mark, "the process ends in order");
        self.history.crashes.push((mark, mark));
        self.down_at = process.last_wall;
        let closed = process.recorder.close();
        if let Err(error) = closed {
            self.note(&format!("cannot close: {error}"));
        }
        self.disk = Disk::of(self.disk.image());
        self.forget_zone_rules();
        self.disk.set_full(self.disk_is_full);
        let down = self.down_time();
        self.plan(down, Event::Boot);
    }

    /// After a start: what was acknowledged must be there; of the rest it is learnt now whether it was done.
    fn see_what_is_left(&mut self, reader: &Reader) -> Result<(), String> {
        let ids: Vec<String> = self.history.known.keys().cloned().collect();
        let mut wrong = Ok(());
        for id in ids {
            let Some(known) = self.history.known.get_mut(&id) else { continue };
            let key = reader.key_of(&id).map_err(|error| error.to_string())?;
            let status = key.and_then(|key| reader.state(key).ok().flatten()).map(|state| state.status);
            if let Some(asked) = known.asked.last_mut()
                && asked.end == End::Open
            {
                let done = match asked.ask {
                    Ask::Create(_) => key.is_some(),
                    Ask::Update(rev) | Ask::Declare(rev) => stored_rev(reader, &id)? == Some(rev),
                    Ask::Pause => status == Some(Status::Paused),
                    Ask::Resume => status.is_some_and(|status| !status.is_paused()),
                    Ask::Cancel | Ask::Prune => status == Some(Status::Cancelled),
                    Ask::RunNow | Ask::Again | Ask::DeclareSame => false,
                };
                asked.end = End::Unknown { done };
                known.key = key;
            }
            wrong = wrong.and(compare(known, reader, &id));
        }
        wrong
    }

    /// After an answer: readers see at once what it says.
    pub fn check_known(&mut self, id: &str) {
        let Some(reader) = self.process.as_ref().map(|process| process.reader.clone()) else { return };
        self.check_isolation(&reader);
        let (Some(process), Some(known)) = (&self.process, self.history.known.get(id)) else { return };
        if let Err(wrong) = compare(known, &process.reader, id) {
            self.history.wrongs.push(format!("I7: after the answer {wrong}"));
        }
    }
}

/// The wording that the store holds.
fn stored_rev(reader: &Reader, id: &str) -> Result<Option<usize>, String> {
    let Some(key) = reader.key_of(id).map_err(|error| error.to_string())? else { return Ok(None) };
    let Some((_, schedule)) = reader.schedule(key).map_err(|error| error.to_string())? else { return Ok(None) };
    Ok(load::read_text(runs::text_of(&schedule.payload)).map(|(_, rev)| rev))
}

fn compare(known: &super::history::Known, reader: &Reader, id: &str) -> Result<(), String> {
    let (stored, expected) = (stored_rev(reader, id)?, known.rev());
    if stored != expected {
        return Err(format!("{id} should have wording {expected:?} and has {stored:?}"));
    }
    let Some(key) = known.key else { return Ok(()) };
    let Some(state) = reader.state(key).map_err(|error| error.to_string())? else {
        return Err(format!("{id} has no row"));
    };
    let (is_cancelled, is_paused) = (state.status == Status::Cancelled, state.status == Status::Paused);
    // A paused schedule without dues left may be over; one that paused itself did so without being asked.
    let by_itself = matches!(state.status, Status::Completed | Status::Failing);
    let pause_differs = known.is_paused() != is_paused && !by_itself;
    if is_cancelled != known.is_cancelled() || pause_differs {
        return Err(format!(
            "{id} should be cancelled {} or paused {}: {state:?}",
            known.is_cancelled(),
            known.is_paused()
        ));
    }
    Ok(())
}
