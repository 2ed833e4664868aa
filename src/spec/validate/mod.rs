//! The bridge from what a user wrote to a [`Schedule`] that cannot be wrong, or to every problem at once.
//!
//! Pure: the current time, random bits, the configured gateways and the defaults come in through [`Context`].
//! Invariant: a field that could not be read is reported once, by the reader, and not again as missing.
//! Not here: the form of what was written (`read`), whether an id or a name is taken (`runtime`).

mod budget;
mod later;
mod payload;
mod policy;
mod text;
mod trigger;
pub(super) mod words;

pub use text::judge_name;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use super::raw::RawSchedule;
use super::read::Reading;
use super::{Destination, Schedule, Source};
use crate::calendar::{Patterns, Zone};
use crate::config::Routing;
use crate::limits;
use crate::problem::{Place, Problem};
use crate::time::Timestamp;

static NO_ROUTING: Routing = Routing::new();

/// What is known of scripts, for a writing that names one or is one.
pub trait Scripts: fmt::Debug {
    /// Whether a schedule can have the hook of this name; if not, why, with a hint.
    fn judge_hook(&self, name: &str) -> Result<(), Problem>;
    /// Whether this text is a template; if not, why, with a hint.
    fn judge_template(&self, text: &str) -> Result<(), Problem>;
}

/// Nobody who could read a script.
#[derive(Clone, Copy, Debug)]
pub struct NoScripts;

impl Scripts for NoScripts {
    fn judge_hook(&self, _: &str) -> Result<(), Problem> {
        Err(Problem::new("", "hooks are not built into this version: it needs scripts").hint("leave it out"))
    }

    fn judge_template(&self, _: &str) -> Result<(), Problem> {
        Err(Problem::new("", "'template' is not built into this version: it needs scripts")
            .hint("use message, with literal text"))
    }
}

/// Everything a writing is judged by that is not written in it.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The current time.
    pub now: Timestamp,
    /// The zone where none is written.
    pub default_zone: Zone,
    /// The owner where none is written.
    pub default_agent: &'a str,
    /// The destination where none is written; an explicit null means none at all.
    pub default_destination: Option<Destination>,
    /// Names of the configured gateways.
    pub gateways: &'a [String],
    /// Which model does a task.
    pub routing: &'a Routing,
    /// Which hooks there are, and what a template may say.
    pub scripts: &'a dyn Scripts,
    /// The id where none is written: the stem of the file's name. Without it the id is made up.
    pub fallback_id: Option<&'a str>,
    /// Random bits for an id that is made up.
    pub random: [u8; 10],
    /// Who wrote it.
    pub origin: Origin,
    /// The file it stands in.
    pub source: Option<Source>,
    /// Cron patterns that have been read before.
    pub patterns: Option<&'a Patterns>,
    /// The schedule that this changes: it keeps its id, its creation time and, unless `source` is given, its file;
    /// a trigger that stays as it is may be past.
    pub existing: Option<&'a Schedule>,
}

impl Context<'_> {
    /// A person's create at `now`: UTC, agent `default`, no destination, no gateways, no providers, no scripts.
    #[must_use]
    pub const fn new(now: Timestamp) -> Self {
        Self {
            now,
            default_zone: Zone::UTC,
            default_agent: "default",
            default_destination: None,
            gateways: &[],
            routing: &NO_ROUTING,
            scripts: &NoScripts,
            fallback_id: None,
            random: [0; 10],
            origin: Origin::Person,
            source: None,
            patterns: None,
            existing: None,
        }
    }
}

/// Who wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A person or an agent, who is there to correct it: what is already past is refused.
    #[default]
    Person,
    /// A file, which outlives its times: what is already past is taken, with a warning.
    File,
}

/// A valid schedule with what is not part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The schedule.
    pub schedule: Schedule,
    /// Whether it begins paused.
    pub paused: bool,
    /// What its author should know.
    pub warnings: Vec<String>,
    /// Whether all of its dues are past: a file's, to be recorded as skipped.
    pub past: bool,
}

/// Judges a writing that came without a text.
pub fn validate(raw: &RawSchedule, context: &Context<'_>) -> Result<Draft, Vec<Problem>> {
    validate_reading(&Reading::from(raw.clone()), context)
}

/// Judges what was read from a text: the problems of form and of meaning together, in the order of the text.
pub fn validate_reading(reading: &Reading, context: &Context<'_>) -> Result<Draft, Vec<Problem>> {
    let mut check = Check {
        context,
        doubtful: &reading.doubtful,
        cleared: &reading.cleared,
        faults: Vec::new(),
        warnings: Vec::new(),
        past: false,
    };
    let schedule = check.schedule(&reading.raw);
    let mut problems = reading.problems.clone();
    problems.extend(check.faults.into_iter().map(|fault| located(fault, reading)));
    match schedule {
        Some(schedule) if problems.is_empty() => Ok(Draft {
            schedule,
            paused: reading.raw.paused.unwrap_or(false),
            warnings: check.warnings,
            past: check.past,
        }),
        _ => {
            problems.sort_by_key(|problem| problem.place.map(|place| place.offset));
            problems.truncate(limits::PROBLEMS_COUNT_MAX);
            Err(problems)
        }
    }
}

/// A problem at a canonical path, and which bytes of the value it is about.
struct Fault {
    problem: Problem,
    within: Option<Within>,
}

/// Some bytes of a value, and how many characters stand before them.
struct Within {
    bytes: Range<usize>,
    before: usize,
}

/// Puts a fault where its field was written.
fn located(fault: Fault, reading: &Reading) -> Problem {
    let Fault { mut problem, within } = fault;
    let spot = reading.nearest_spot(&problem.path);
    let exact = reading.spots.get(&problem.path);
    problem.place = spot.and_then(|spot| spot.place);
    if let (Some(place), Some(within), Some(true)) = (problem.place, within, exact.map(|spot| spot.verbatim)) {
        problem.place = Some(narrowed(place, &within));
    }
    problem.path = match exact {
        Some(spot) => spot.written.clone(),
        None if reading.base.is_empty() => problem.path,
        None if problem.path.is_empty() => reading.base.clone(),
        None => format!("{}.{}", reading.base, problem.path),
    };
    problem
}

/// The part of a place that holds the given bytes of its value; all of it where they lie beyond its one line.
fn narrowed(place: Place, within: &Within) -> Place {
    let Within { bytes, before } = within;
    if bytes.end > place.length {
        return place;
    }
    Place { line: place.line, column: place.column + before, offset: place.offset + bytes.start, length: bytes.len() }
}

/// One judgement under way.
struct Check<'a> {
    context: &'a Context<'a>,
    doubtful: &'a BTreeSet<String>,
    cleared: &'a BTreeSet<String>,
    faults: Vec<Fault>,
    warnings: Vec<String>,
    past: bool,
}

impl Check<'_> {
    /// Every part is looked at, whatever the others are like.
    fn schedule(&mut self, raw: &RawSchedule) -> Option<Schedule> {
        self.later(raw);
        let id = self.id(raw);
        let name = self.name("name", raw.name.as_deref());
        let agent = self.agent(raw);
        let created_by_session = self.name("created_by_session", raw.created_by_session.as_deref());
        let client_token = self.name("client_token", raw.client_token.as_deref());
        let process_handle = self.name("process_handle", raw.process_handle.as_deref());
        let zone = self.zone(raw);
        let bounds = self.bounds(raw, zone);
        let except = self.except(raw, zone);
        let trigger = self.trigger(raw, zone, &bounds, except.as_ref());
        let destination = self.destination(raw);
        let payload = self.payload(raw, &agent);
        let hook = self.hook(raw);
        let on_hook_error = self.on_hook_error(raw);
        let policy = self.policy(raw, trigger.as_ref());
        self.labels(raw);
        self.vars(raw);
        let existing = self.context.existing;
        Some(Schedule {
            id: id?,
            name,
            agent,
            created_by_session,
            created_at: existing.map_or(self.context.now, |existing| existing.created_at),
            zone: zone?,
            destination,
            trigger: trigger?,
            payload: payload?,
            hook,
            on_hook_error,
            bounds,
            except,
            policy,
            labels: raw.labels.clone(),
            vars: raw.vars.clone(),
            client_token,
            process_handle,
            source: self.context.source.clone().or_else(|| existing.and_then(|existing| existing.source.clone())),
            talk: None,
        })
    }

    fn refuse(&mut self, problem: Problem) {
        self.faults.push(Fault { problem, within: None });
    }

    /// Refuses some bytes of a text.
    fn refuse_within(&mut self, problem: Problem, text: &str, bytes: Range<usize>) {
        let before = text.get(..bytes.start).map(|before| before.chars().count());
        self.faults.push(Fault { problem, within: before.map(|before| Within { bytes, before }) });
    }

    /// Whether a field was written, but not readably.
    fn is_doubtful(&self, path: &str) -> bool {
        self.doubtful.contains(path)
    }
}
