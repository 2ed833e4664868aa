//! Runners that do as they are told, for scenarios with tasks.
//!
//! `runner ID: ok 30s, retry, hangs` says how the next attempts end, and after how long: `ok`, `retry`, `retry-after 1m`
//! (the provider asks to wait so long), `permanent`, `ambiguous`, `deaf 5s` (goes on for so long when its end is asked
//! for), `hangs`; `silent 5s`, `gate`, and `to ada bob -` (a text for each of these chats; `-`: for its own). What its
//! hook says besides follows: `ok 5s + next 10m + keep {} + tell hello + note seen`. `+ pays 0.30 0.10` asks for leave to
//! spend so much at most, and takes the second amount of it; nobody knows how much where there is none. Without a script a run ends at once.
//! What a run says is `TASK#ATTEMPT`.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use chimewheel::engine::{Bid, Input, Outgoing, Paid, Payer, Ran, RunEnd, Said, Verdict};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::money::{Cost, Spent};
use chimewheel::spec::{Destination, Payload};
use chimewheel::time::{Span, Timestamp};

use super::words::{cost, instant, span};
use super::world::World;

#[derive(Default)]
pub struct Running {
    scripts: BTreeMap<ScheduleKey, VecDeque<String>>,
    /// What is with a runner: since when, until when, and how it ends.
    under_way: BTreeMap<OccurrenceId, (Timestamp, Timestamp, Ran)>,
    deaf: BTreeMap<OccurrenceId, Span>,
    /// Who waits for leave to spend: how long it goes on then, what it takes, and its end.
    asking: BTreeMap<OccurrenceId, (Span, Option<Cost>, Ran)>,
}

impl Running {
    pub fn next_end(&self) -> Option<Timestamp> {
        self.under_way.values().map(|(_, until, ..)| *until).min()
    }

    pub fn forget(&mut self) {
        self.under_way.clear();
        self.deaf.clear();
        self.asking.clear();
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
        let mut parts = script.split(" + ");
        let (word, rest) = parts.next().and_then(|end| end.split_once(' ')).unwrap_or((&*script, ""));
        let word = word.split(' ').next().unwrap();
        let after = if word == "to" || rest.is_empty() { Span::ZERO } else { span(rest) };
        let parts: Vec<&str> = parts.map(str::trim).collect();
        let pays = parts.iter().find_map(|part| part.strip_prefix("pays ")).map(pays);
        let said = said(self.now.plus(after), parts.into_iter().filter(|part| !part.starts_with("pays ")));
        let error = || "no".to_owned();
        let text = |to: Option<&str>| Outgoing { text: format!("{id}#{attempt}").into(), to: to.map(chat) };
        let model = matches!(word, "ok" | "silent").then(|| "echo/any".to_owned());
        let paid = Paid { model, ..Paid::NOTHING };
        let (lasts, end) = match word {
            "ok" => (after, RunEnd::Composed { texts: vec![text(None)] }),
            "to" => {
                let texts = rest.split(' ').map(|to| text(Some(to).filter(|to| *to != "-"))).collect();
                (after, RunEnd::Composed { texts })
            }
            "silent" => (after, RunEnd::Silent { reason: "nothing new".into() }),
            "gate" => (after, RunEnd::Gated { reason: "not today".into() }),
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
        let ran = Ran { took: lasts, end, said, paid };
        match pays {
            Some((most, took)) => {
                self.running.asking.insert(occurrence, (lasts, took, ran));
                let bid = self.bid(occurrence, most);
                self.engine.handle(self.now, Input::Reserve { occurrence, bid });
            }
            None => self.goes_on(occurrence, lasts, ran),
        }
    }

    fn goes_on(&mut self, occurrence: OccurrenceId, lasts: Span, ran: Ran) {
        self.running.under_way.insert(occurrence, (self.now, self.now.plus(lasts), ran));
        if lasts == Span::ZERO {
            self.tell_run(occurrence);
        }
    }

    fn bid(&self, occurrence: OccurrenceId, most: Cost) -> Bid {
        let schedule = self.schedule(occurrence.schedule);
        let Payload::Task(task) = &schedule.payload else { panic!("no task pays") };
        let payer = Payer { title: Some(schedule.title().into()), agent: schedule.agent.as_str().into() };
        Bid {
            payer,
            limit: task.budget.max_cost_per_day,
            spent: Some(Spent::ZERO),
            most: Spent { cost: most, tokens: 0 },
        }
    }

    /// The run hears whether it may ask its model.
    pub fn judged(&mut self, occurrence: OccurrenceId, verdict: Verdict) {
        let Some((lasts, took, ran)) = self.running.asking.remove(&occurrence) else { return };
        let ends = |end| Ran { took: Span::ZERO, end, said: None, paid: Paid::NOTHING };
        let ran = match verdict {
            Verdict::Granted => {
                let spent = took.map(|cost| Spent { cost, tokens: 0 });
                return self.goes_on(occurrence, lasts, Ran { paid: Paid { spent, ..ran.paid.clone() }, ..ran });
            }
            Verdict::Refused(refusal) => ends(RunEnd::OverBudget(refusal)),
            Verdict::NotNow => ends(RunEnd::NotBegun),
        };
        self.engine.handle(self.now, Input::Ran { occurrence, ran });
    }

    /// Somebody asks for the end of a run.
    pub fn end_run(&mut self, occurrence: OccurrenceId) {
        let line = format!("end {} due {}", self.id(occurrence.schedule), occurrence.due);
        self.note(&line);
        let now = self.now;
        let Some((_, until, ..)) = self.running.under_way.get_mut(&occurrence) else { return };
        match self.running.deaf.remove(&occurrence) {
            Some(span) => *until = now.plus(span),
            None => self.tell_run(occurrence),
        }
    }

    /// Tells of every run whose time is over.
    pub fn end_runs(&mut self) {
        let over = self.running.under_way.iter().filter(|(_, (_, until, ..))| *until <= self.now);
        for occurrence in over.map(|(&one, _)| one).collect::<Vec<_>>() {
            let (since, until, ran) = self.running.under_way.remove(&occurrence).unwrap();
            let ran = Ran { took: until.since(since), ..ran };
            self.handle(Input::Ran { occurrence, ran });
        }
    }

    /// In the middle of what the engine wants done: the loop drains what follows.
    fn tell_run(&mut self, occurrence: OccurrenceId) {
        if self.burns() {
            return;
        }
        let Some((since, _, ran)) = self.running.under_way.remove(&occurrence) else { return };
        let ran = Ran { took: self.now.since(since), ..ran };
        self.engine.handle(self.now, Input::Ran { occurrence, ran });
    }
}

/// The most that a call may take, and what it takes; nothing: nobody knows.
fn pays(words: &str) -> (Cost, Option<Cost>) {
    let (most, took) = words.split_once(' ').map_or((words, None), |(most, took)| (most, Some(took)));
    (cost(most), took.map(cost))
}

fn chat(id: &str) -> Destination {
    Destination { gateway: "console".into(), chat_id: id.into(), thread: None }
}

/// What a hook says besides, at the end of its run.
fn said<'a>(end: Timestamp, parts: impl Iterator<Item = &'a str>) -> Option<Box<Said>> {
    let mut said: Option<Box<Said>> = None;
    for part in parts {
        let (word, rest) = part.trim().split_once(' ').unwrap_or((part, ""));
        let said = said.get_or_insert_default();
        match word {
            "next" if rest.starts_with('2') && rest.contains('T') => said.next = Some(instant(rest)),
            "next" => said.next = Some(end.plus(span(rest))),
            "keep" => said.state = Some(rest.into()),
            "text" => said.text = Some(rest.into()),
            "note" => said.notes = Some(rest.into()),
            "tell" => said.tell.push(rest.into()),
            _ => panic!("no hook says '{part}'"),
        }
    }
    said
}
