//! Runners that do as they are told, for scenarios with tasks.
//!
//! `runner ID: ok 30s, retry, hangs` says how the next attempts end, and after how long: `ok`, `retry`, `retry-after 1m`
//! (the provider asks to wait so long), `permanent`, `ambiguous`, `deaf 5s` (goes on for so long when its end is asked
//! for), `hangs`. Without a script a run ends at once. What a run says is `TASK#ATTEMPT`.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use chimewheel::engine::{Input, Ran, RunEnd};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::time::{Span, Timestamp};

use super::words::span;
use super::world::World;

#[derive(Default)]
pub struct Running {
    scripts: BTreeMap<ScheduleKey, VecDeque<String>>,
    /// What is with a runner: since when, until when, and how it ends.
    under_way: BTreeMap<OccurrenceId, (Timestamp, Timestamp, RunEnd)>,
    deaf: BTreeMap<OccurrenceId, Span>,
}

impl Running {
    pub fn next_end(&self) -> Option<Timestamp> {
        self.under_way.values().map(|(_, until, _)| *until).min()
    }

    pub fn forget(&mut self) {
        self.under_way.clear();
        self.deaf.clear();
    }
}

impl World {
    pub fn script_runner(&mut self, key: ScheduleKey, ends: &str) {
        self.running.scripts.insert(key, ends.split(',').map(|word| word.trim().to_owned()).collect());
    }

    pub fn begin_run(&mut self, occurrence: OccurrenceId, attempt: u16) {
        let id = self.id(occurrence.schedule).to_owned();
        let mut line = format!("run {id}");
        if occurrence.due != self.now {
            write!(line, " due {}", occurrence.due).unwrap();
        }
        if attempt > 1 {
            write!(line, " attempt {attempt}").unwrap();
        }
        let script = self.running.scripts.get_mut(&occurrence.schedule).and_then(VecDeque::pop_front);
        let script = script.unwrap_or_else(|| "ok".into());
        if script != "ok" {
            write!(line, " -> {script}").unwrap();
        }
        self.note(&line);
        let (word, after) =
            script.split_once(' ').map_or((&*script, Span::ZERO), |(word, after)| (word, span(after)));
        let error = || "no".to_owned();
        let (lasts, end) = match word {
            "ok" => (
                after,
                RunEnd::Composed { text: format!("{id}#{attempt}").into(), model: "echo/any".into(), tokens: None },
            ),
            "retry" => (after, RunEnd::Retry { error: error(), after: None }),
            "retry-after" => (Span::ZERO, RunEnd::Retry { error: error(), after: Some(after) }),
            "permanent" => (after, RunEnd::Permanent { error: error() }),
            "ambiguous" => (after, RunEnd::Ambiguous { error: error() }),
            "hangs" => (Span::from_seconds(1_000_000), RunEnd::Ambiguous { error: error() }),
            "deaf" => {
                self.running.deaf.insert(occurrence, after);
                (Span::from_seconds(1_000_000), RunEnd::Ambiguous { error: error() })
            }
            _ => panic!("no such end of a run: {script}"),
        };
        self.running.under_way.insert(occurrence, (self.now, self.now.plus(lasts), end));
        if lasts == Span::ZERO {
            self.tell_run(occurrence);
        }
    }

    /// Somebody asks for the end of a run.
    pub fn end_run(&mut self, occurrence: OccurrenceId) {
        let line = format!("end {} due {}", self.id(occurrence.schedule), occurrence.due);
        self.note(&line);
        let now = self.now;
        let Some((_, until, _)) = self.running.under_way.get_mut(&occurrence) else { return };
        match self.running.deaf.remove(&occurrence) {
            Some(span) => *until = now.plus(span),
            None => self.tell_run(occurrence),
        }
    }

    /// Tells of every run whose time is over.
    pub fn end_runs(&mut self) {
        let over = self.running.under_way.iter().filter(|(_, (_, until, _))| *until <= self.now);
        for occurrence in over.map(|(&one, _)| one).collect::<Vec<_>>() {
            let (since, until, end) = self.running.under_way.remove(&occurrence).unwrap();
            let ran = Ran { took: until.since(since), end };
            self.handle(Input::Ran { occurrence, ran });
        }
    }

    /// In the middle of what the engine wants done: the loop drains what follows.
    fn tell_run(&mut self, occurrence: OccurrenceId) {
        if self.burns() {
            return;
        }
        let Some((since, _, end)) = self.running.under_way.remove(&occurrence) else { return };
        self.engine.handle(self.now, Input::Ran { occurrence, ran: Ran { took: self.now.since(since), end } });
    }
}
