//! The hooks that are measured, what they are given, and the answers that are right.
//!
//! Invariant: what is compared is the same work. Everybody is given the same facts, has the same answers, and works a
//! weekday or an hour out by itself, with the same code, from the due and the zone.
//! Units: UTC milliseconds. Not here: the hooks in other languages (`benches/hooks.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::calendar::{Local, Trigger, Zone};
use crate::id::ScheduleId;
use crate::runtime::clock::Stopwatch;
use crate::script::{Deadline, Facts, Last, LastStatus, Scene, SessionFacts};
use crate::spec::{Bounds, OnHookError, Payload, Policy, Schedule};
use crate::surface::error::{Code, Error};
use crate::time::{Span, Timestamp};

/// Runs that every hook is asked about, spread over a week.
const RUNS: u32 = 64;
/// The first of them is due on a Thursday.
const BEGIN: Timestamp = Timestamp::from_seconds(1_767_225_600);
const WEEK_MS: u64 = 7 * 24 * 3_600_000;
/// How long a call may take before it is ended.
pub const PATIENCE_MS: u128 = 500;

/// What a runner may have answered; one in four is worth telling.
const RESULTS: [&str; 4] = [
    r#"{"urgent": false, "count": 12, "summary": "Nothing that could not wait until tomorrow.", "senders": ["Ada Lovelace", "Grace Hopper"], "cost": {"tokens": 812}}"#,
    r#"{"urgent": false, "count": 0, "summary": "No new mail.", "senders": [], "cost": {"tokens": 97}}"#,
    r#"{"urgent": true, "count": 3, "summary": "The certificate of the shop runs out tonight.", "senders": ["Monitoring"], "cost": {"tokens": 391}}"#,
    r#"{"urgent": false, "count": 38, "summary": "Newsletters, and two invitations for next week.", "senders": ["Events", "News", "Barbara Liskov"], "cost": {"tokens": 1204}}"#,
];

/// One thing that a hook is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// A gate that lets everything pass: what a call costs that does nothing.
    Gate,
    /// A function that makes a text of a name, a weekday and a number.
    Message,
    /// The same text as a template.
    Template,
    /// Nothing to say unless the runner's JSON is urgent, or speaks of much.
    Silent,
    /// A model for Monday mornings, one for weekends, one for the rest of the week by day.
    Model,
}

/// What a hook answers: a text, nothing, or why it failed.
pub type Answer = Result<Option<String>, String>;

impl Case {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Gate, Self::Message, Self::Template, Self::Silent, Self::Model];

    /// Its row.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gate => "trivial gate",
            Self::Message => "message by a function",
            Self::Template => "message by a template",
            Self::Silent => "silent rule on JSON",
            Self::Model => "model by weekday and hour",
        }
    }

    /// In our words: a script, or a template.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::Gate => "fn gate(ctx) { true }\n",
            Self::Message => {
                "fn message(ctx) { `Good morning ${ctx.vars.who}, it is ${ctx.fire.weekday}. Report ${ctx.fire.number} is ready.` }\n"
            }
            Self::Template => "Good morning ${vars.who}, it is ${fire.weekday}. Report ${fire.number} is ready.",
            Self::Silent => {
                "fn silent(ctx, result) {
                    if result.urgent || result.count > 40 { false } else { `nothing urgent in ${result.count} messages` }
                }\n"
            }
            Self::Model => {
                "fn model(ctx) {
                    let hour = ctx.fire.hour;
                    switch ctx.fire.weekday {
                        \"Saturday\" | \"Sunday\" => \"local/small\",
                        \"Monday\" if hour < 12 => \"cloud/large\",
                        _ => if hour >= 8 && hour < 18 { \"cloud/medium\" }
                    }
                }\n"
            }
        }
    }

    /// The right answer, in plain Rust.
    pub fn answer(self, given: &Given) -> Answer {
        match self {
            Self::Gate => Ok(None),
            Self::Message | Self::Template => {
                let who = given.var("who").unwrap_or_default();
                let (weekday, number) = (given.weekday(), given.number());
                Ok(Some(format!("Good morning {who}, it is {weekday}. Report {number} is ready.")))
            }
            Self::Silent => {
                let findings: Findings = serde_json::from_str(given.result).map_err(|error| error.to_string())?;
                let is_silent = !findings.urgent && findings.count <= 40;
                Ok(is_silent.then(|| format!("nothing urgent in {} messages", findings.count)))
            }
            Self::Model => {
                let hour = given.local().hour;
                let model = match given.weekday() {
                    "Saturday" | "Sunday" => "local/small",
                    "Monday" if hour < 12 => "cloud/large",
                    _ if (8..18).contains(&hour) => "cloud/medium",
                    _ => return Ok(None),
                };
                Ok(Some(model.to_owned()))
            }
        }
    }
}

/// The part of a result that the rule reads.
#[derive(Deserialize)]
struct Findings {
    urgent: bool,
    count: u32,
}

/// What a hook is given.
#[derive(Clone, Debug)]
pub struct Given {
    facts: Facts,
    /// What the runner answered.
    pub result: &'static str,
}

impl Given {
    /// A week of runs of one schedule.
    pub(super) fn week() -> Result<Vec<Self>, Error> {
        let schedule = Arc::new(schedule()?);
        let run = |number: u32| {
            let due = BEGIN.plus(Span::from_millis(WEEK_MS / u64::from(RUNS) * u64::from(number)));
            let facts = Facts {
                schedule: Arc::clone(&schedule),
                due,
                actual: due.plus(Span::from_millis(12)),
                number: number + 1,
                attempt: 1,
                by_hand: false,
                last: Last { status: Some(LastStatus::Silent), text: None, at: Some(due) },
                session: SessionFacts::default(),
                state: None,
            };
            Self { facts, result: RESULTS[number as usize % RESULTS.len()] }
        };
        Ok((0..RUNS).map(run).collect())
    }

    /// The run as our scripts see it, with a deadline of its own.
    #[must_use]
    pub fn scene(&self) -> Scene {
        let watch = Stopwatch::start();
        let deadline = Deadline::new(move || watch.elapsed().as_millis() > PATIENCE_MS);
        Scene::new(self.facts.clone(), deadline)
    }

    /// A variable of its schedule.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.facts.schedule.vars.get(name)?.as_str()
    }

    /// All of them.
    pub fn vars(&self) -> impl Iterator<Item = (&str, &str)> {
        self.facts.schedule.vars.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }

    /// Which run it is.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.facts.number
    }

    /// When it is due, by the wall clock of its schedule.
    #[must_use]
    pub fn local(&self) -> Local {
        self.facts.schedule.zone.local(self.facts.due)
    }

    /// The weekday of its due.
    #[must_use]
    pub fn weekday(&self) -> &'static str {
        self.facts.schedule.zone.weekday_name(self.facts.due)
    }
}

fn schedule() -> Result<Schedule, Error> {
    let failed = |why: String| Error::new(Code::Failed, format!("cannot make a schedule: {why}"));
    Ok(Schedule {
        id: ScheduleId::parse("report").map_err(|error| failed(error.to_string()))?,
        name: Some("Report".to_owned()),
        agent: "assistant".to_owned(),
        created_by_session: None,
        created_at: BEGIN,
        zone: Zone::parse("Europe/Berlin").map_err(|error| failed(error.to_string()))?,
        destination: None,
        trigger: Trigger::Every { period: Span::from_millis(3_600_000), anchor: BEGIN },
        payload: Payload::Message("A report is ready.".to_owned()),
        hook: Some("report".to_owned()),
        on_hook_error: OnHookError::Fail,
        bounds: Bounds::default(),
        except: None,
        policy: Policy::default(),
        labels: BTreeMap::from([("team".to_owned(), "core".to_owned())]),
        vars: BTreeMap::from([("who".to_owned(), "Ada".into()), ("place".to_owned(), "London".into())]),
        client_token: None,
        process_handle: None,
        source: None,
        talk: None,
    })
}
