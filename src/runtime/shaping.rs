//! What scripts make of a run: before somebody is asked for a text, and of what was answered. Without threads, so that a
//! test walks the same road as the program.
//!
//! The order is gate, model, message, then the text (the schedule's own, or a model's answer), then silent, the
//! answer's own word that it is silent, deliver and next; failed where the answer is an error. A function that fails ends the run with its mistake, or, where the
//! schedule says `deliver_plain`, counts as not there, and the mistake is noted.
//! What the script keeps and notes counts once the run is over, not between its attempts.
//! Invariant: every run comes to one [`RunEnd`]. Not here: what a script can do (`script`), who may begin (`engine`),
//! threads and patience (`running`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Agents;
use crate::engine::{Outgoing, RunEnd, Said};
use crate::gateway::TextLimit;
use crate::gateway::text::{Numbering, split};
use crate::limits::{MESSAGE_BYTES_MAX, within};
use crate::problem::nearest;
use crate::runner::{Answer, RunError};
use crate::runtime::runs::{NoAnswer, failed};
use crate::runtime::silence;
use crate::script::{self, Gate, Hook, OnFailure, Scene, ScriptError, Scripts, Template};
use crate::spec::tree::shorten;
use crate::spec::{Destination, OnHookError, Payload, Schedule};
use crate::time::Timestamp;

/// Where texts can go, and whom scripts may send to.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// The gateways that there are, each with its longest text.
    pub gateways: BTreeMap<String, TextLimit>,
    /// What the config says of single agents.
    pub agents: Arc<Agents>,
}

impl Reach {
    /// Why a schedule's script may not send to a place, if it may not. Where the schedule sends itself was allowed when it
    /// was made. An agent that the config names sends nowhere else than the config says, whatever its script answers; of
    /// the others the operator's word is enough, who put the schedule into a file.
    #[must_use]
    pub fn refusal(&self, schedule: &Schedule, to: &Destination) -> Option<String> {
        if schedule.destination.as_ref() == Some(to) {
            return None;
        }
        let gateway = &to.gateway;
        if !self.gateways.contains_key(gateway) {
            let near = nearest(gateway, self.gateways.keys().map(String::as_str));
            let hint = near.map_or_else(
                || format!("add [gateways.{gateway}] to chimewheel.toml"),
                |near| format!("did you mean '{near}'?"),
            );
            return Some(format!("gateway '{}' is not configured; {hint}", shorten(gateway)));
        }
        let agent = &schedule.agent;
        let named = self.agents.iter().find(|(name, _)| name == agent).map(|(_, rules)| rules);
        if named.is_none() && schedule.source.is_some() {
            return None;
        }
        let is_allowed = named.is_some_and(|rules| rules.destinations.iter().any(|pattern| pattern.allows(to)));
        let way_out = format!("the operator adds more to agents.{agent}.destinations");
        (!is_allowed).then(|| format!("agent '{agent}' may not send to {to}; {way_out}"))
    }

    /// The earliest due that a schedule's script may wish for: one in a file is as free as its trigger.
    fn earliest_wish(&self, schedule: &Schedule, actual: Timestamp) -> Timestamp {
        if schedule.source.is_some() {
            return actual;
        }
        let rules = self.agents.get(&schedule.agent).unwrap_or_default();
        actual.plus(rules.quota.min_interval)
    }

    /// The same, with each text cut into parts that its gateway takes: every part is a delivery of its own, and what
    /// is tried again sends the same bytes. One that cannot be cut stays whole; its gateway says why it refuses it.
    #[must_use]
    pub fn fitted(&self, schedule: &Schedule, (end, mut said): Shaped) -> Shaped {
        if let Some(said) = &mut said {
            let told = std::mem::take(&mut said.tell).into_iter();
            let parts = told.flat_map(|text| self.parts(schedule, Outgoing { text, to: None }));
            said.tell = parts.map(|one| one.text).collect();
        }
        let RunEnd::Composed { texts } = end else { return (end, said) };
        let texts = texts.into_iter().flat_map(|one| self.parts(schedule, one)).collect();
        (RunEnd::Composed { texts }, said)
    }

    fn parts(&self, schedule: &Schedule, one: Outgoing) -> Vec<Outgoing> {
        let to = one.to.as_ref().or(schedule.destination.as_ref());
        let limit = to.and_then(|to| self.gateways.get(&to.gateway)).copied().unwrap_or(TextLimit::None);
        match split(&one.text, limit, Numbering::On) {
            Ok(parts) if !parts.is_empty() => {
                parts.into_iter().map(|text| Outgoing { text: text.into(), to: one.to.clone() }).collect()
            }
            Ok(_) | Err(_) => vec![one],
        }
    }
}

/// A run in the hands of its scripts, between the question and the answer.
pub struct Shaping {
    schedule: Arc<Schedule>,
    reach: Arc<Reach>,
    hook: Option<Arc<Hook>>,
    template: Option<Arc<Template>>,
    scene: Scene,
    mishaps: Vec<String>,
    result: Option<Arc<str>>,
}

/// How far a run comes without asking anybody.
pub enum Step {
    /// To its end.
    Over(Shaped),
    /// A model is to be asked; then [`Shaping::answered`].
    Ask {
        /// The rest of the run.
        shaping: Box<Shaping>,
        /// Name of the model; `None`: the one that the schedule or the config names.
        model: Option<String>,
        /// What it is told.
        instruction: String,
    },
}

/// How a run ended, and what its hook said besides.
pub type Shaped = (RunEnd, Option<Box<Said>>);

impl Shaping {
    /// Looks the scripts up, and does everything that comes before a model is asked; all of the run if none is.
    #[must_use]
    pub fn begin(scripts: &Scripts, schedule: Arc<Schedule>, scene: Scene, reach: Arc<Reach>) -> Step {
        let (hook, template, mishaps) = (None, None, Vec::new());
        let mut shaping = Self { schedule, reach, hook, template, scene, mishaps, result: None };
        match shaping.look_up(scripts).and_then(|()| shaping.before()) {
            Ok(Before::Gated(reason)) => Step::Over(shaping.over(RunEnd::Gated { reason })),
            Ok(Before::Text(text)) => {
                let end = shaping.after(text);
                Step::Over(shaping.over_or_wrong(end))
            }
            Ok(Before::Ask { model, instruction }) => Step::Ask { shaping: Box::new(shaping), model, instruction },
            Err(mistake) => Step::Over(shaping.summed_up(mistake, None)),
        }
    }

    /// Does the rest of a run for which somebody was asked.
    #[must_use]
    pub fn answered(mut self, answer: Result<Answer, NoAnswer>) -> Shaped {
        match answer {
            Ok(Answer { text, is_silent: true, .. }) => {
                self.result = Some(text.as_str().into());
                self.over(RunEnd::Silent { reason: silence::said(&text).unwrap_or(text) })
            }
            Ok(Answer { text, .. }) => {
                let end = self.after(text.into());
                self.over_or_wrong(end)
            }
            Err(NoAnswer::Error(error)) => self.failed(error),
            Err(none @ (NoAnswer::OverBudget(_) | NoAnswer::NotAsked)) => self.over(failed(none)),
        }
    }

    /// A script that is gone is a mistake like any other.
    fn look_up(&mut self, scripts: &Scripts) -> Result<(), RunEnd> {
        if let Some(name) = self.schedule.hook.clone() {
            self.hook = self.bear(scripts.hook(&name).map(Some), None)?;
        }
        if let Payload::Template(text) = &self.schedule.payload {
            let compiled = scripts.template(text).map(Some);
            self.template = self.bear(compiled, None)?;
        }
        Ok(())
    }

    /// What becomes of an attempt that ended with an error.
    fn failed(mut self, error: RunError) -> Shaped {
        let told = error.to_string();
        let wish = match self.call(|hook, scene| hook.failed(scene, &told), None) {
            Ok(wish) => wish,
            Err(mistake) => return self.summed_up(mistake, None),
        };
        let end = match (wish, failed(error.into())) {
            (Some(OnFailure::GiveUp), _) => RunEnd::Permanent { error: told },
            (Some(OnFailure::Tell(text)), _) => {
                let (end, said) = self.over(RunEnd::Permanent { error: told });
                let tell = vec![within(&text, MESSAGE_BYTES_MAX).into()];
                return (end, Some(Box::new(Said { tell, ..said.map(|said| *said).unwrap_or_default() })));
            }
            // What cannot get better is not tried again, whatever is wished.
            (Some(OnFailure::Retry) | None, end) => end,
        };
        self.over(end)
    }

    /// The wish for the next due, and what the script keeps and notes. A run that is to be tried again has no wish.
    fn over(mut self, mut end: RunEnd) -> Shaped {
        let is_last = self.scene.attempt() >= self.schedule.policy.retry.max_attempts;
        let is_again = !is_last && matches!(end, RunEnd::Retry { .. } | RunEnd::Ambiguous { .. });
        if is_again || end == RunEnd::NotBegun {
            return self.summed_up(end, None);
        }
        let result = self.result.clone();
        let next = match (self.call(|hook, scene| hook.next(scene, result.as_deref()), None), &mut end) {
            (Ok(next), _) => next.map(|at| self.held_to_rules(at)),
            (Err(RunEnd::Permanent { error: mistake }), RunEnd::Permanent { error }) => {
                *error = format!("{error}; {mistake}");
                None
            }
            (Err(mistake), end) => {
                *end = mistake;
                None
            }
        };
        self.summed_up(end, next)
    }

    /// A wish that the schedule's agent may have.
    fn held_to_rules(&mut self, wish: Timestamp) -> Timestamp {
        let earliest = self.reach.earliest_wish(&self.schedule, self.scene.actual());
        if wish < earliest {
            let agent = &self.schedule.agent;
            self.mishaps.push(format!("next was put off to {earliest}: agents.{agent}.quota.min_interval"));
        }
        wish.max(earliest)
    }

    /// The same for an end, or for the mistake that came instead; after that nothing more is asked.
    fn over_or_wrong(self, end: Result<RunEnd, RunEnd>) -> Shaped {
        match end {
            Ok(end) => self.over(end),
            Err(mistake) => self.summed_up(mistake, None),
        }
    }

    fn summed_up(mut self, end: RunEnd, next: Option<Timestamp>) -> Shaped {
        let mut notes = self.scene.notes();
        notes.append(&mut self.mishaps);
        let notes = (!notes.is_empty()).then(|| notes.join("\n").into());
        let is_made = matches!(end, RunEnd::Composed { .. } | RunEnd::Silent { .. });
        let looks_back = match &self.schedule.payload {
            Payload::Template(text) => self.hook.is_some() || text.contains("last"),
            Payload::Message(_) | Payload::Task(_) => true,
        };
        let text = self.result.filter(|_| is_made && looks_back);
        let said = Said { state: self.scene.state(), text, next, notes, tell: Vec::new() };
        let is_nothing = said == Said::default();
        (end, (!is_nothing).then(|| Box::new(said)))
    }

    fn before(&mut self) -> Result<Before, RunEnd> {
        if let Gate::Skip(reason) = self.call(Hook::gate, Gate::Go)? {
            return Ok(Before::Gated(reason));
        }
        let model = match &self.schedule.payload {
            Payload::Task(_) => self.call(Hook::model, None)?,
            Payload::Message(_) | Payload::Template(_) => None,
        };
        let own = self.call(Hook::message, None)?;
        let schedule = Arc::clone(&self.schedule);
        let text = match (own, &schedule.payload) {
            (Some(text), _) => text,
            (None, Payload::Message(text)) => text.clone(),
            (None, Payload::Task(task)) => task.instruction.clone(),
            (None, Payload::Template(text)) => match self.template.clone() {
                Some(template) => {
                    let rendered = template.render(&self.scene);
                    self.bear(rendered, text.clone())?
                }
                None => text.clone(),
            },
        };
        match schedule.payload {
            Payload::Task(_) => Ok(Before::Ask { model, instruction: text }),
            Payload::Message(ref plain) | Payload::Template(ref plain) => match sendable(text) {
                Ok(text) => Ok(Before::Text(text)),
                Err(mistake) => self.bear_mistake(mistake).map(|()| Before::Text(plain.as_str().into())),
            },
        }
    }

    fn after(&mut self, text: Arc<str>) -> Result<RunEnd, RunEnd> {
        self.result = Some(Arc::clone(&text));
        // The hook is asked first, so that it sees every answer.
        let by_hook = self.call(|hook, scene| hook.silent(scene, &text), None)?;
        if let Some(reason) = by_hook.or_else(|| silence::reason(&self.schedule, &text)) {
            return Ok(RunEnd::Silent { reason });
        }
        let text = silence::rest(&self.schedule, &text).map_or(text, Arc::from);
        self.result = Some(Arc::clone(&text));
        let texts = match self.call(|hook, scene| hook.deliver(scene, &text), None)? {
            Some(outgoing) => self.addressed_all(outgoing)?,
            None => None,
        };
        let texts = texts.unwrap_or_else(|| vec![Outgoing { text, to: None }]);
        Ok(RunEnd::Composed { texts })
    }

    fn addressed_all(&mut self, outgoing: Vec<script::Outgoing>) -> Result<Option<Vec<Outgoing>>, RunEnd> {
        let texts: Result<Vec<Outgoing>, String> = outgoing.into_iter().map(|one| self.addressed(one)).collect();
        match texts {
            Ok(texts) => Ok(Some(texts)),
            Err(why) => {
                let name = self.hook.as_ref().map_or("", |hook| hook.name());
                self.bear_mistake(format!("scripts/{name}.rhai in deliver(ctx, result): {why}")).map(|()| None)
            }
        }
    }

    /// A text with a place that its agent may send to.
    fn addressed(&self, one: script::Outgoing) -> Result<Outgoing, String> {
        let own = self.schedule.destination.as_ref();
        let to = one.place(own)?;
        if one.text.len() > MESSAGE_BYTES_MAX {
            return Err(format!("a text is {} bytes long; {MESSAGE_BYTES_MAX} are allowed", one.text.len()));
        }
        if let Some(why) = to.as_ref().and_then(|to| self.reach.refusal(&self.schedule, to)) {
            return Err(why);
        }
        Ok(Outgoing { text: one.text.into(), to: to.filter(|to| own != Some(to)) })
    }

    /// Calls a function of the hook, if there is one.
    fn call<T>(
        &mut self,
        function: impl FnOnce(&Hook, &Scene) -> Result<T, ScriptError>,
        absent: T,
    ) -> Result<T, RunEnd> {
        let Some(hook) = self.hook.clone() else { return Ok(absent) };
        let called = function(&hook, &self.scene);
        self.bear(called, absent)
    }

    /// Ends the run for a mistake, or notes it and goes on without, as the schedule says.
    fn bear<T>(&mut self, called: Result<T, ScriptError>, absent: T) -> Result<T, RunEnd> {
        match called {
            Ok(answer) => Ok(answer),
            Err(mistake) => self.bear_mistake(mistake.to_string()).map(|()| absent),
        }
    }

    fn bear_mistake(&mut self, mistake: String) -> Result<(), RunEnd> {
        match self.schedule.on_hook_error {
            OnHookError::Fail => Err(RunEnd::Permanent { error: mistake }),
            OnHookError::DeliverPlain => {
                self.mishaps.push(mistake);
                Ok(())
            }
        }
    }
}

/// What comes of everything before a text.
enum Before {
    Gated(String),
    Ask { model: Option<String>, instruction: String },
    Text(Arc<str>),
}

/// A text that can be sent.
fn sendable(text: String) -> Result<Arc<str>, String> {
    if text.trim().is_empty() {
        Err("the text came out empty; to say nothing, use silent(ctx, result)".to_owned())
    } else if text.len() > MESSAGE_BYTES_MAX {
        Err(format!("the text came out {} bytes long; {MESSAGE_BYTES_MAX} are allowed", text.len()))
    } else if text.contains('\0') {
        Err("the text came out with a NUL character".to_owned())
    } else {
        Ok(text.into())
    }
}
