//! Tasks and who does them: runners that are quick, slow, failing or hanging, and that a crash cuts off.
//!
//! What a runner says is the instruction, which says which wording it is. Their hooks make one text or several of it, or
//! none, keep the number of the attempt, wish for the next due, and have something to say to the owner. Every attempt is
//! written down here, outside the engine. Not here: what the attempts must be like (`check_runs`, `check_hooks`).

use chimewheel::config::Routing;
use chimewheel::engine::{Input, Outgoing, Paid, Ran, RunEnd, Said};
use chimewheel::id::OccurrenceId;
use chimewheel::limits::RUN_MS_MAX;
use chimewheel::money::Cost;
use chimewheel::runtime::runs::{self, Asked, Begun};
use chimewheel::spec::{Budget, Destination, OverlapPolicy, Payload, RunSession, Task};
use chimewheel::time::{Span, Timestamp};

use super::history::{Mark, Rev};
use super::world::{Event, World};
use super::{load, spending};

/// How one attempt ended, as its runner knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunSaid {
    Composed,
    Silent,
    Retry,
    Permanent,
    Ambiguous,
    /// Its hook held it back.
    Gated,
    /// It could have cost too much.
    OverBudget,
    /// Its end was asked for.
    Ended,
}

/// One attempt to run.
#[derive(Clone, Debug)]
pub struct RunTry {
    pub at: Mark,
    pub boot: u32,
    pub id: String,
    pub rev: usize,
    pub occurrence: OccurrenceId,
    pub said: RunSaid,
    /// When its runner was done with it and the loop was told; never, if the process ended first.
    pub told: Option<Mark>,
    /// The chat of each text; none: the schedule's own.
    pub to: Vec<Option<&'static str>>,
    /// Its hook keeps the number of this attempt.
    pub keeps: bool,
    /// When its hook wants its schedule to be due next, by the wall.
    pub next: Option<i64>,
    /// Its hook has something to say to the owner.
    pub tells: bool,
    /// What its model takes, once that is told: which spending, and how much.
    pub took: Option<(usize, u64)>,
}

/// Whether the schedules of this seed may have tasks.
pub fn has_tasks(seed: u64) -> bool {
    seed % 3 == 1
}

/// The text that a payload leads to.
pub fn text_of(payload: &Payload) -> &str {
    match payload {
        Payload::Message(text) | Payload::Template(text) => text,
        Payload::Task(task) => &task.instruction,
    }
}

/// The same kind of payload with another text.
pub fn reworded(payload: &Payload, text: String) -> Payload {
    match payload {
        Payload::Message(_) => Payload::Message(text),
        Payload::Template(_) => Payload::Template(text),
        Payload::Task(task) => Payload::Task(Task { instruction: text, ..task.clone() }),
    }
}

fn asked(begun: &Begun) -> Asked {
    let routing = Routing { providers: ["ask", "echo"].map(str::to_owned).into(), ..Routing::new() };
    let instruction = begun.instruction().expect("a task of ours");
    begun.asked(&routing, None, instruction).expect("a model of ours").0
}

/// What a hook makes of a run.
struct Hooked {
    said: RunSaid,
    to: Vec<Option<(&'static str, &'static str)>>,
    keeps: bool,
    next: Option<i64>,
    tells: bool,
}

impl Hooked {
    fn texts(&self, text: &str) -> Vec<Outgoing> {
        let destination = |(gateway, chat): (&str, &str)| Destination {
            gateway: gateway.into(),
            chat_id: chat.into(),
            thread: None,
        };
        let several = self.to.len() > 1;
        let text = |number: usize| if several { format!("{text}/{number}") } else { text.to_owned() };
        let texts = (1..).zip(&self.to);
        texts.map(|(number, to)| Outgoing { text: text(number).into(), to: to.map(destination) }).collect()
    }
}

impl World {
    /// Some wordings are tasks.
    pub fn maybe_task(&mut self, rev: &mut Rev) {
        if !self.has_tasks || self.chance.one_in(3) {
            return;
        }
        let instruction = text_of(&rev.schedule.payload).to_owned();
        let provider = self.chance.pick(&["echo", "ask"]).to_owned();
        let converses = rev.schedule.destination.is_some() && self.chance.one_in(2);
        let session = if converses { RunSession::Conversation } else { RunSession::Isolated };
        let own = self.chance.one_in(4).then_some(Cost::from_micros(spending::OWN));
        let budget = Budget { max_cost_per_day: own, ..Budget::default() };
        let model = Some(format!("{provider}/any"));
        rev.schedule.payload = Payload::Task(Task { instruction, model, session, budget, ..Task::default() });
        rev.schedule.policy.overlap = self.chance.pick(&[
            OverlapPolicy::Skip,
            OverlapPolicy::BufferOne,
            OverlapPolicy::BufferAll,
            OverlapPolicy::CancelOther,
            OverlapPolicy::AllowAll,
        ]);
    }

    /// The loop wants this run; one of the providers costs something.
    pub fn begin_run(&mut self, occurrence: OccurrenceId) {
        let Some(process) = &self.process else { return };
        let boot = process.boot;
        if process.stopping {
            return self.plan(0, Event::Tell(boot, runs::not_begun(occurrence)));
        }
        match runs::begin(&process.reader, occurrence) {
            Ok(begun) if asked(&begun).provider == "ask" => self.want(occurrence),
            Ok(_) => self.make_run(occurrence, Paid::NOTHING, None),
            Err(input) => self.plan(0, Event::Tell(boot, input)),
        }
    }

    /// Somebody is asked; `took` is which spending that is, and what it comes to once it is told.
    pub fn make_run(&mut self, occurrence: OccurrenceId, paid: Paid, took: Option<(usize, u64)>) {
        let Some((begun, mut one)) = self.attempt(occurrence) else { return };
        let Asked { provider, prompt } = asked(&begun);
        let (said, after_ms) = self.any_end();
        let hooked = self.any_hook(&one.id, said, after_ms);
        let said = hooked.said;
        self.note(&format!("run {} of {occurrence:?} by {provider}: {said:?}", prompt.instruction));
        let Hooked { keeps, next, tells, .. } = hooked;
        one.to = hooked.to.iter().map(|to| to.map(|(_, chat)| chat)).collect();
        let id = one.id.clone();
        let number = self.history.runs.len();
        self.history.runs.push(RunTry { said, keeps, next, tells, took, ..one });
        let error = || "no".to_owned();
        let is_made = matches!(said, RunSaid::Composed | RunSaid::Silent);
        let model = is_made.then(|| format!("{provider}/{}", prompt.model));
        let end = match said {
            RunSaid::Composed => RunEnd::Composed { texts: hooked.texts(&prompt.instruction) },
            RunSaid::Silent => RunEnd::Silent { reason: "nothing new".into() },
            RunSaid::Gated => RunEnd::Gated { reason: "not today".into() },
            RunSaid::OverBudget => unreachable!("nobody was asked: `end_unasked`"),
            RunSaid::Retry => {
                let after = self.chance.one_in(2).then(|| Span::from_seconds(self.chance.below(60)));
                RunEnd::Retry { error: error(), after }
            }
            RunSaid::Permanent => RunEnd::Permanent { error: error() },
            RunSaid::Ambiguous | RunSaid::Ended => RunEnd::Ambiguous { error: error() },
        };
        let said = Said {
            state: keeps.then(|| format!("{{\"n\":{number}}}").into()),
            next: next.map(Timestamp::from_millis),
            tell: tells.then(|| format!("the hook of ({id}) says {number}").into()).into_iter().collect(),
            ..Said::default()
        };
        let (took, said) = (Span::from_millis(after_ms as u64), Some(Box::new(said)));
        self.run_will_end(after_ms, number, Ran { took, end, said, paid: Paid { model, ..paid } });
    }

    /// An attempt that ends before anybody was asked.
    pub fn end_unasked(&mut self, occurrence: OccurrenceId, ran: Ran) {
        let Some((_, one)) = self.attempt(occurrence) else { return };
        self.history.runs.push(one);
        self.run_will_end(0, self.history.runs.len() - 1, ran);
    }

    fn run_will_end(&mut self, in_ms: i64, number: usize, ran: Ran) {
        let RunTry { boot, occurrence, .. } = self.history.runs[number];
        self.plan(in_ms, Event::RunEnds { boot, number, input: runs::ended(occurrence, ran) });
    }

    /// What there is to be run, and the beginnings of a record of it.
    fn attempt(&mut self, occurrence: OccurrenceId) -> Option<(Begun, RunTry)> {
        let process = self.process.as_ref()?;
        let boot = process.boot;
        let begun = match runs::begin(&process.reader, occurrence) {
            Ok(begun) => begun,
            Err(input) => {
                self.plan(0, Event::Tell(boot, input));
                return None;
            }
        };
        let instruction = asked(&begun).prompt.instruction;
        let (id, rev) = load::read_text(&instruction).expect("an instruction of ours");
        let one = RunTry {
            at: self.mark(),
            boot,
            id: id.to_owned(),
            rev,
            occurrence,
            said: RunSaid::OverBudget,
            told: None,
            to: vec![None],
            keeps: false,
            next: None,
            tells: false,
            took: None,
        };
        Some((begun, one))
    }

    /// What a hook makes of an end; of one that is tried again nothing is heard.
    fn any_hook(&mut self, id: &str, said: RunSaid, after_ms: i64) -> Hooked {
        let (end, chance) = (self.true_ms + self.ahead + after_ms, &mut self.chance);
        let mut hooked = Hooked { said, to: vec![None], keeps: false, next: None, tells: false };
        if !matches!(said, RunSaid::Composed | RunSaid::Permanent) || chance.one_in(3) {
            return hooked;
        }
        (hooked.keeps, hooked.tells) = (!chance.one_in(3), chance.one_in(8));
        if said == RunSaid::Composed {
            let is_paced = id.ends_with(['3', '7']);
            let in_ms = [60_000, 1_800_000, 7_000_000][chance.below(3) as usize];
            hooked.next = (is_paced && !chance.one_in(4)).then(|| end + chance.below(in_ms) as i64 - 5000);
            let count = [1, 1, 2, 3][chance.below(4) as usize];
            hooked.to = (0..count).map(|_| (!chance.one_in(3)).then(|| chance.pick(load::CHATS))).collect();
            hooked.said = match chance.below(8) {
                0 => RunSaid::Silent,
                1 => RunSaid::Gated,
                _ => said,
            };
        }
        hooked
    }

    fn any_end(&mut self) -> (RunSaid, i64) {
        let chance = &mut self.chance;
        let quick = 20 + chance.below(2000) as i64;
        let slow = 2000 + chance.below(90_000) as i64;
        // In the peace at the end everything works.
        if self.true_ms >= self.horizon {
            return (RunSaid::Composed, quick % 300);
        }
        match chance.below(12) {
            0..=4 => (RunSaid::Composed, quick),
            5 | 6 => (RunSaid::Composed, slow),
            7 | 8 => (RunSaid::Retry, quick),
            9 => (RunSaid::Retry, slow),
            10 => (RunSaid::Ambiguous, RUN_MS_MAX as i64),
            _ => (RunSaid::Permanent, quick),
        }
    }

    /// The loop wants the end of a run; a runner may take a moment for it.
    pub fn end_run(&mut self, occurrence: OccurrenceId) {
        let Some(process) = &self.process else { return };
        let boot = process.boot;
        self.note(&format!("end the run of {occurrence:?}"));
        if self.end_waiting(occurrence) {
            return;
        }
        let under_way = |one: &RunTry| one.occurrence == occurrence && one.boot == boot && one.told.is_none();
        let Some(number) = self.history.runs.iter().rposition(under_way) else { return };
        self.history.runs[number].said = RunSaid::Ended;
        let end = RunEnd::Ambiguous { error: "it was ended".to_owned() };
        let input = runs::ended(occurrence, Ran { took: Span::ZERO, end, said: None, paid: Paid::UNKNOWN });
        self.history.runs[number].took = None;
        let takes = self.chance.below(3) as i64 * 700;
        self.plan(takes, Event::RunEnds { boot, number, input });
    }

    /// A runner is done; once only, whatever was planned before its end was asked for.
    pub fn run_ends(&mut self, number: usize, input: Input) {
        if self.history.runs[number].told.is_some() {
            return;
        }
        let mark = self.mark();
        self.history.runs[number].told = Some(mark);
        if let Some((spending, micros)) = self.history.runs[number].took {
            self.history.spending[spending].micros = micros;
        }
        self.history.note(mark, &format!("run ends: {input:?}"));
        self.turn(Some(chimewheel::runtime::Message::Input(input)));
    }
}
