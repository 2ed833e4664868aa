//! Tasks and who does them: runners that are quick, slow, failing or hanging, and that a crash cuts off.
//!
//! What a runner says is the instruction, which says which wording it is. Their hooks make one text or several of it, or
//! none, keep the number of the attempt, wish for the next due, and have something to say to the owner. Every attempt is
//! written down here, outside the engine. Not here: what the attempts must be like (`check_runs`, `check_hooks`).

use chimewheel::config::Routing;
use chimewheel::engine::{Input, Outgoing, RunEnd, Said};
use chimewheel::id::OccurrenceId;
use chimewheel::limits::RUN_MS_MAX;
use chimewheel::runtime::runs::{self, Asked};
use chimewheel::spec::{Destination, OverlapPolicy, Payload, Task};
use chimewheel::time::{Span, Timestamp};

use super::history::{Mark, Rev};
use super::load;
use super::world::{Event, World};

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
        rev.schedule.payload =
            Payload::Task(Task { instruction, model: Some(format!("{provider}/any")), ..Task::default() });
        rev.schedule.policy.overlap = self.chance.pick(&[
            OverlapPolicy::Skip,
            OverlapPolicy::BufferOne,
            OverlapPolicy::BufferAll,
            OverlapPolicy::CancelOther,
            OverlapPolicy::AllowAll,
        ]);
    }

    /// The loop wants this run.
    pub fn begin_run(&mut self, occurrence: OccurrenceId) {
        let Some(process) = &self.process else { return };
        let boot = process.boot;
        if process.stopping {
            return self.plan(0, Event::Tell(boot, runs::not_begun(occurrence)));
        }
        let providers = ["ask", "echo"].map(str::to_owned).into();
        let routing = Routing { providers, ..Routing::new() };
        let begun = match runs::begin(&process.reader, occurrence) {
            Ok(begun) => begun,
            Err(input) => return self.plan(0, Event::Tell(boot, input)),
        };
        let (Asked { provider, prompt }, _) =
            begun.asked(&routing, None, begun.instruction().expect("a task of ours")).expect("a model of ours");
        let (id, rev) = load::read_text(&prompt.instruction).expect("an instruction of ours");
        let (said, after_ms) = self.any_end();
        let hooked = self.any_hook(id, said, after_ms);
        let said = hooked.said;
        let at = self.mark();
        self.history.note(at, &format!("run {} of {occurrence:?} by {provider}: {said:?}", prompt.instruction));
        let Hooked { keeps, next, tells, .. } = hooked;
        let to: Vec<_> = hooked.to.iter().map(|to| to.map(|(_, chat)| chat)).collect();
        let id = id.to_owned();
        self.history.runs.push(RunTry {
            at,
            boot,
            id: id.clone(),
            rev,
            occurrence,
            said,
            told: None,
            to,
            keeps,
            next,
            tells,
        });
        let number = self.history.runs.len() - 1;
        let error = || "no".to_owned();
        let (model, tokens) = (Some(format!("{provider}/{}", prompt.model)), None);
        let end = match said {
            RunSaid::Composed => RunEnd::Composed { texts: hooked.texts(&prompt.instruction), model, tokens },
            RunSaid::Silent => RunEnd::Silent { reason: "nothing new".into(), model, tokens },
            RunSaid::Gated => RunEnd::Gated { reason: "not today".into() },
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
            tell: tells.then(|| format!("the hook of ({id}) says {number}").into()),
            ..Said::default()
        };
        let input = runs::ended(occurrence, Span::from_millis(after_ms as u64), end, Some(Box::new(said)));
        self.plan(after_ms, Event::RunEnds { boot, number, input });
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
        let under_way = |one: &RunTry| one.occurrence == occurrence && one.boot == boot && one.told.is_none();
        let Some(number) = self.history.runs.iter().rposition(under_way) else { return };
        self.history.runs[number].said = RunSaid::Ended;
        let error = "it was ended".to_owned();
        let input = runs::ended(occurrence, Span::ZERO, RunEnd::Ambiguous { error }, None);
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
        self.history.note(mark, &format!("run ends: {input:?}"));
        self.turn(Some(chimewheel::runtime::Message::Input(input)));
    }
}
