//! A world for scenarios: an engine, a disk that is a map, a clock that is set, and gateways that answer as told.
//!
//! A scenario is text. Commands: `at T [account PACE] [chat PACE]`, `add ID: …`, `update|edit ID: …`, `pause|resume|cancel|run ID`, `advance SPAN`,
//! `pass SPAN` (without looking at what is due), `down SPAN` (killed, and started again that much later; or earlier, by
//! its clock), `clock ±SPAN`, `gateway ID: ANSWER, …`, `runner ID: END SPAN, …` (`running.rs`),
//! `retry|drop ID` (`letters.rs`), `show ID`.
//! The log says what was sent and what became of dues that were not.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;

use chimewheel::engine::boot::ZoneRules;
use chimewheel::engine::change::{Change, DaySpent, Kept, Outcome, Phase, Plan, PlanId, Run, State, Status};
use chimewheel::engine::{Answer, Content, Effect, Engine, Input, OpId, Options, Reply, Start, Timing, Window};
use chimewheel::id::{OccurrenceId, ScheduleKey};
use chimewheel::pace::{Pace, Paces, Scope};
use chimewheel::spec::{Payload, Schedule};
use chimewheel::time::{Span, Timestamp};

use super::running::Running;
use super::words::{instant, schedule, span};

/// What is durable.
#[derive(Default)]
pub struct Disk {
    plans: BTreeMap<PlanId, Plan>,
    pub schedules: BTreeMap<ScheduleKey, Arc<Schedule>>,
    states: BTreeMap<ScheduleKey, State>,
    pub runs: BTreeMap<OccurrenceId, Run>,
    pub texts: BTreeMap<OccurrenceId, Arc<str>>,
    pub kept: BTreeMap<(ScheduleKey, Kept), Option<Arc<str>>>,
    /// The generation of each schedule's latest declaration.
    declared: BTreeMap<ScheduleKey, u32>,
}

pub struct World {
    pub engine: Engine,
    pub disk: Disk,
    pub now: Timestamp,
    pub options: Options,
    pub keys: BTreeMap<String, ScheduleKey>,
    scripts: BTreeMap<ScheduleKey, VecDeque<String>>,
    unanswered: Vec<OccurrenceId>,
    pub running: Running,
    pub log: String,
    /// Every send with the clock's reading.
    pub sent: Vec<(Timestamp, OccurrenceId)>,
    /// Sends that the gateway did not take.
    pub refused: u32,
    /// Steps until the process is killed in the middle of what it does; nothing it does afterwards happens.
    pub fuse: Option<u32>,
}

/// Runs a scenario and answers its log.
pub fn play(scenario: &str) -> String {
    let mut world: Option<World> = None;
    for line in scenario.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (&mut world, verb) {
            (None, "at") => world = Some(World::at(rest)),
            (None, _) => panic!("a scenario begins with 'at'"),
            (Some(world), _) => world.command(verb, rest),
        }
    }
    world.expect("a scenario has lines").log
}

impl World {
    pub fn new(now: Timestamp) -> Self {
        Self::with(now, Options::default())
    }

    /// `T`, or `T account PACE chat PACE`, which the gateway keeps to.
    fn at(words: &str) -> Self {
        let words: Vec<&str> = words.split_whitespace().collect();
        let pace =
            |name| words.iter().position(|word| *word == name).map(|place| Pace::parse(words[place + 1]).unwrap());
        let paces = Paces { account: pace("account"), chat: pace("chat") };
        let paces = Arc::new(BTreeMap::from([("console".to_owned(), paces)]));
        Self::with(instant(words[0]), Options { paces, ..Options::default() })
    }

    pub fn with(now: Timestamp, options: Options) -> Self {
        let mut world = Self {
            engine: Engine::new(now, options.clone()),
            disk: Disk::default(),
            now,
            options,
            keys: BTreeMap::new(),
            scripts: BTreeMap::new(),
            unanswered: Vec::new(),
            running: Running::default(),
            log: String::new(),
            sent: Vec::new(),
            refused: 0,
            fuse: None,
        };
        world.engine.start(now, ZoneRules::Same);
        world.drain();
        world
    }

    fn command(&mut self, verb: &str, rest: &str) {
        let (id, words) = rest.split_once(':').unwrap_or((rest, ""));
        let key = self.keys.get(id).copied();
        let op = OpId(0);
        match (verb, key) {
            ("add", None) => self.add(id, words, Start::Active),
            ("add-past", None) => self.add(id, words, Start::Past),
            ("update", Some(key)) => self.update(key, words),
            ("edit", Some(key)) => self.edit(key, words),
            ("pause", Some(key)) => self.ask(key, Input::Pause { op, key, note: None }),
            ("resume", Some(key)) => self.ask(key, Input::Resume { op, key }),
            ("cancel", Some(key)) => self.ask(key, Input::Cancel { op, key }),
            ("run", Some(key)) => self.ask(key, Input::RunNow { op, key }),
            ("retry", _) => self.retry(id),
            ("drop", Some(key)) => self.drop_letters(key),
            ("runner", Some(key)) => self.script_runner(key, words),
            ("gateway", Some(key)) => self.script(key, words),
            ("answer", Some(key)) => self.late_answer(key, words.trim()),
            ("show", Some(key)) => self.show(id, key),
            ("advance", None) => self.advance(span(rest)),
            ("pass", None) => self.pass_until(self.now.plus(span(rest))),
            ("down", None) => self.down(rest),
            ("clock", None) => self.set_clock(rest),
            _ => panic!("cannot '{verb} {rest}'"),
        }
    }

    pub fn add(&mut self, id: &str, words: &str, start: Start) {
        let key = ScheduleKey(self.keys.len() as u64 + 1);
        self.keys.insert(id.to_owned(), key);
        let schedule = Arc::new(schedule(id, words, self.now));
        self.handle(Input::Create { op: OpId(0), key, schedule, start, generation: 1 });
    }

    pub fn update(&mut self, key: ScheduleKey, words: &str) {
        let old = Arc::clone(&self.disk.schedules[&key]);
        let words = words.trim();
        let (timing, schedule) = if words.is_empty() {
            (Timing::Keep, Arc::new(Schedule { payload: Payload::Message("edited".into()), ..(*old).clone() }))
        } else {
            (Timing::Renew, Arc::new(schedule(old.id.as_str(), words, self.now)))
        };
        self.ask(key, Input::Update { op: OpId(0), key, schedule, timing, paused: None });
    }

    /// Everything but its times is as the words say; `paused` or `active` may be among them.
    pub fn edit(&mut self, key: ScheduleKey, words: &str) {
        let old = Arc::clone(&self.disk.schedules[&key]);
        let edited = schedule(old.id.as_str(), &format!("every 1s {words}"), self.now);
        let schedule = Arc::new(Schedule { trigger: old.trigger.clone(), ..edited });
        let says = |word| words.split_whitespace().any(|one| one == word);
        let paused = (says("paused") || says("active")).then(|| says("paused"));
        self.ask(key, Input::Update { op: OpId(0), key, schedule, timing: Timing::Keep, paused });
    }

    pub fn script(&mut self, key: ScheduleKey, answers: &str) {
        self.scripts.insert(key, answers.split(',').map(|word| word.trim().to_owned()).collect());
    }

    /// Lets time pass, waking whenever the engine asks to be woken.
    pub fn advance(&mut self, span: Span) {
        let end = self.now.plus(span);
        let next = |world: &Self| world.engine.next_wakeup().into_iter().chain(world.running.next_end()).min();
        while let Some(wakeup) = next(self).filter(|wakeup| *wakeup <= end) {
            self.pass_until(wakeup.max(self.now));
            self.end_runs();
            self.handle(Input::Tick);
        }
        self.pass_until(end);
        self.handle(Input::Tick);
    }

    /// A loop looks at the clock every second, so long stretches never look like interruptions.
    fn pass_until(&mut self, end: Timestamp) {
        if end.since(self.now) > Span::from_seconds(1) {
            self.now = end.minus(Span::from_millis(500));
            self.engine.handle(self.now, Input::Forget { key: ScheduleKey(u64::MAX) });
        }
        self.now = end;
    }

    /// Killed; started again later from what is durable, or, with a `-`, under a clock set back meanwhile.
    pub fn down(&mut self, by: &str) {
        self.set(by);
        self.boot();
    }

    pub fn boot(&mut self) {
        self.options.epoch += 1;
        self.fuse = None;
        self.unanswered.clear();
        self.running.forget();
        self.engine = Engine::new(self.now, self.options.clone());
        for (&id, plan) in &self.disk.plans {
            self.engine.restore_plan(id, plan.clone());
        }
        for (&key, &state) in &self.disk.states {
            self.engine.restore(key, state);
        }
        for (&(key, part), text) in &self.disk.kept {
            if let (Kept::Spent, Some(text)) = (part, text) {
                for spent in DaySpent::from_kept(text).expect("a row of days") {
                    self.engine.restore_spent(key, &spent);
                }
            }
        }
        let open: Vec<Run> = self.disk.runs.values().filter(|run| !run.is_settled()).cloned().collect();
        for run in open {
            self.recall(run.occurrence.schedule);
            self.engine.restore_run(run);
        }
        self.engine.start(self.now, ZoneRules::Same);
        self.drain();
        self.handle(Input::Tick);
    }

    /// The engine gets back what it had forgotten.
    fn recall(&mut self, key: ScheduleKey) {
        if !self.engine.holds(key) {
            let (state, schedule) = (self.state(key), Arc::clone(&self.disk.schedules[&key]));
            self.engine.handle(self.now, Input::Recall { key, state, schedule });
        }
    }

    /// Asks for a change of a schedule.
    pub fn ask(&mut self, key: ScheduleKey, input: Input) {
        self.recall(key);
        self.handle(input);
    }

    fn set_clock(&mut self, by: &str) {
        self.set(by);
        self.handle(Input::Tick);
    }

    fn set(&mut self, by: &str) {
        let span = span(by.trim_start_matches(['+', '-']));
        self.now = if by.starts_with('-') { self.now.minus(span) } else { self.now.plus(span) };
    }

    pub fn schedule(&self, key: ScheduleKey) -> Arc<Schedule> {
        Arc::clone(&self.disk.schedules[&key])
    }

    pub fn state(&self, key: ScheduleKey) -> State {
        self.disk.states[&key]
    }

    /// Whether the schedule is armed or paused as far as the disk knows.
    pub fn is_live(&self, key: ScheduleKey) -> bool {
        !self.state(key).status.is_over()
    }

    pub fn handle(&mut self, input: Input) {
        self.engine.handle(self.now, input);
        self.drain();
    }

    /// Commits, then does what follows, until nothing is left to do. A commit is whole or not at all.
    fn drain(&mut self) {
        loop {
            let effects: Vec<Effect> = std::iter::from_fn(|| self.engine.poll_effect()).collect();
            if effects.is_empty() || self.burns() {
                return;
            }
            let (changes, after): (Vec<_>, Vec<_>) =
                effects.into_iter().partition(|effect| matches!(effect, Effect::Persist(_)));
            for change in changes {
                if let Effect::Persist(change) = change {
                    self.write(change);
                }
            }
            for effect in after {
                if self.burns() {
                    return;
                }
                self.follow(effect);
            }
        }
    }

    /// One step nearer to the kill; whether it has happened.
    pub fn burns(&mut self) -> bool {
        self.fuse = self.fuse.map(|steps| steps.saturating_sub(1));
        self.fuse == Some(0)
    }

    fn follow(&mut self, effect: Effect) {
        match effect {
            Effect::Send(window) => self.send(window),
            Effect::Run { occurrence, attempt } => self.begin_run(occurrence, attempt),
            Effect::EndRun { occurrence } => self.end_run(occurrence),
            Effect::Judged { occurrence, verdict } => self.judged(occurrence, verdict),
            Effect::Forget { key } => self.engine.handle(self.now, Input::Forget { key }),
            Effect::Reply { reply: Reply::Ended(_), .. } => self.note("refused: it has ended"),
            Effect::Reply { reply: Reply::Overlaps, .. } => self.note("refused: a run is not over"),
            Effect::Reply { reply: Reply::Open, .. } => self.note("refused: it is being tried again"),
            Effect::Reply { reply: Reply::Gone, .. } => self.note("refused: it goes with its history"),
            Effect::Reply { reply: Reply::Unchanged(_), .. } => self.note("unchanged"),
            Effect::Reply { .. } | Effect::Persist(_) => {}
        }
    }

    fn send(&mut self, window: Window) {
        let mut halted = false;
        for (occurrence, attempt) in window.items {
            if self.burns() {
                return;
            }
            if halted {
                self.engine.handle(self.now, Input::Answered { occurrence, answer: Answer::NotTried });
                continue;
            }
            let key = occurrence.schedule;
            if self.state(key).status == Status::Cancelled || self.disk.declared[&key] > occurrence.generation {
                self.engine.handle(self.now, Input::Answered { occurrence, answer: Answer::Superseded });
                continue;
            }
            self.sent.push((self.now, occurrence));
            let verb = if window.content == Content::Notice { "tell" } else { "send" };
            let mut line = format!("{verb} {}", self.name(occurrence));
            if occurrence.due != self.now {
                write!(line, " due {}", occurrence.due).unwrap();
            }
            if attempt > 1 {
                write!(line, " attempt {attempt}").unwrap();
            }
            let script = self.scripts.get_mut(&occurrence.schedule).and_then(VecDeque::pop_front);
            let script = script.unwrap_or_else(|| "ok".into());
            if script != "ok" {
                write!(line, " -> {script}").unwrap();
                self.refused += 1;
            }
            self.note(&line);
            if self.burns() {
                return;
            }
            match answer(&script) {
                Some(answer) => {
                    halted = answer.halts();
                    self.engine.handle(self.now, Input::Answered { occurrence, answer });
                }
                None => self.unanswered.push(occurrence),
            }
        }
    }

    fn late_answer(&mut self, key: ScheduleKey, script: &str) {
        let place = self.unanswered.iter().position(|one| one.schedule == key).expect("it waits for an answer");
        let occurrence = self.unanswered.remove(place);
        self.handle(Input::Answered { occurrence, answer: answer(script).expect("an answer") });
    }

    /// Gateways that hung say at last that they took what they were handed.
    pub fn answer_all(&mut self) {
        for occurrence in std::mem::take(&mut self.unanswered) {
            self.handle(Input::Answered { occurrence, answer: Answer::Delivered { message_id: None } });
        }
    }

    fn write(&mut self, change: Change) {
        match change {
            Change::Plan { id, plan } => drop(self.disk.plans.insert(id, (*plan).clone())),
            Change::PlanDropped { id } => drop(self.disk.plans.remove(&id)),
            Change::Declare { key, schedule, state } => {
                self.disk.schedules.insert(key, schedule);
                self.disk.declared.insert(key, state.generation);
                self.disk.states.insert(key, state);
            }
            Change::State { key, state } => drop(self.disk.states.insert(key, state)),
            Change::Run(run) => self.write_run(run),
            Change::Text { occurrence, text } => {
                let before = self.disk.texts.insert(occurrence, text);
                assert_eq!(before, None, "a text was made twice");
            }
            Change::Kept { key, part, text } => {
                let line = format!("keep {part:?} of {}: {}", self.id(key), text.as_deref().unwrap_or("-"));
                if part != Kept::Spent {
                    self.note(&line);
                }
                self.disk.kept.insert((key, part), text);
            }
            Change::Note { .. } | Change::Grant(_) | Change::Audit(_) | Change::DropHistory { .. } => {}
            Change::Session { .. } | Change::Uttered { .. } | Change::Heard { .. } | Change::Place { .. } => {
                panic!("the engine knows no sessions")
            }
        }
    }

    fn write_run(&mut self, run: Run) {
        if let Phase::Settled { outcome, .. } = &run.phase {
            let what = match outcome {
                Outcome::Delivered { .. } => String::new(),
                Outcome::Skipped(reason) => format!("skip({reason:?})"),
                Outcome::Silent { reason } => format!("silent({reason})"),
                Outcome::Gated { reason } => format!("skip(hook: {reason})"),
                Outcome::OverBudget { reason } => format!("skip(budget: {reason})"),
                Outcome::Failed { error } => format!("failed({error})"),
                Outcome::Unknown { error } => format!("unknown({error})"),
                Outcome::Dropped { error } => format!("dropped({error})"),
                Outcome::Cancelled => "cancelled".into(),
                Outcome::Displaced => "displaced".into(),
            };
            if !what.is_empty() {
                let mut line = format!("{what} {} due {}", self.name(run.occurrence), run.occurrence.due);
                if let Some(range) = run.range {
                    write!(line, "..{} x{}", range.through, range.count).unwrap();
                }
                self.note(&line);
            }
        }
        let is_dropped = matches!(run.phase, Phase::Settled { outcome: Outcome::Dropped { .. }, .. });
        let retried = run.retried;
        let before = self.disk.runs.insert(run.occurrence, run);
        let may_follow =
            |before: Run| !before.is_settled() || before.is_given_up() && (is_dropped || retried != before.retried);
        assert!(before.is_none_or(may_follow), "a settled occurrence was written again");
    }

    fn show(&mut self, id: &str, key: ScheduleKey) {
        let state = self.disk.states[&key];
        let next = state.next_due.map_or_else(|| "-".into(), |due| due.to_string());
        let line = format!(
            "show {id}: {:?} generation {} runs {} failures {} next {next}",
            state.status, state.generation, state.runs, state.failures
        );
        self.note(&line);
    }

    pub fn id(&self, key: ScheduleKey) -> &str {
        self.keys.iter().find(|(_, one)| **one == key).map_or("?", |(id, _)| id)
    }

    /// The schedule's id, and which delivery of the occurrence.
    fn name(&self, one: OccurrenceId) -> String {
        let id = self.id(one.schedule);
        if one.delivery > 0 { format!("{id}/{}", one.delivery) } else { id.to_owned() }
    }

    pub fn note(&mut self, line: &str) {
        writeln!(self.log, "{} {line}", self.now).unwrap();
    }
}

fn answer(script: &str) -> Option<Answer> {
    let error = || "no".to_owned();
    Some(match script.split_whitespace().collect::<Vec<_>>()[..] {
        ["ok"] => Answer::Delivered { message_id: None },
        ["retry"] => Answer::Retry { error: error(), after: None },
        ["retry", after] => Answer::Retry { error: error(), after: Some(span(after)) },
        ["limited", scope, after] => {
            let scope = if scope == "chat" { Scope::Chat } else { Scope::Account };
            Answer::Limited { error: error(), after: Some(span(after)), scope }
        }
        ["shut"] => Answer::Shut { error: error() },
        ["permanent"] => Answer::Permanent { error: error() },
        ["ambiguous"] => Answer::Ambiguous { error: error() },
        ["hangs"] => return None,
        _ => panic!("no such answer: {script}"),
    })
}
