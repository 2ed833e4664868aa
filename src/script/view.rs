//! `ctx` and its parts: which fields there are, for scripts and for templates alike.
//!
//! Invariants: one table says what a field is; a field that there is not is an error with the nearest one; nothing but
//! `ctx.state` can be set. Nothing is made before it is asked for. Not here: times and their parts (`moment`).

use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Map};

use super::guard::Outcome;
use super::moment::{Length, Moment, Parts};
use super::scene::Run;
use super::show;
use crate::problem::nearest;

/// A part of what is known about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Ctx,
    Schedule,
    Destination,
    Fire,
    Last,
    Session,
}

/// How many parts there are.
const PARTS_COUNT: usize = Part::Session as usize + 1;

/// `ctx`, or a part of it, as a value of a script.
#[derive(Clone, Debug)]
pub(super) struct View {
    part: Part,
    run: Arc<Run>,
}

/// What a field holds.
pub(super) enum Seen<'a> {
    Nothing,
    Text(&'a str),
    Made(String),
    Number(i64),
    Flag(bool),
    Time(Moment),
    Length(Length),
    Parts(Parts),
    Part(Part),
    Map(&'a Map),
    State,
}

/// One field of a part.
pub(super) struct Field {
    pub part: Part,
    pub name: &'static str,
    pub read: for<'a> fn(&'a Run) -> Seen<'a>,
}

const fn field(part: Part, name: &'static str, read: for<'a> fn(&'a Run) -> Seen<'a>) -> Field {
    Field { part, name, read }
}

/// Every field there is.
pub(super) const FIELDS: &[Field] = &[
    field(Part::Ctx, "schedule", |_| Seen::Part(Part::Schedule)),
    field(Part::Ctx, "fire", |_| Seen::Part(Part::Fire)),
    field(Part::Ctx, "last", |_| Seen::Part(Part::Last)),
    field(Part::Ctx, "session", |_| Seen::Part(Part::Session)),
    field(Part::Ctx, "vars", |run| Seen::Map(run.vars())),
    field(Part::Ctx, "state", |_| Seen::State),
    field(Part::Schedule, "id", |run| Seen::Text(run.facts.schedule.id.as_str())),
    field(Part::Schedule, "name", |run| text(run.facts.schedule.name.as_deref())),
    field(Part::Schedule, "agent", |run| Seen::Text(&run.facts.schedule.agent)),
    field(Part::Schedule, "labels", |run| Seen::Map(run.labels())),
    field(Part::Schedule, "vars", |run| Seen::Map(run.vars())),
    field(Part::Schedule, "zone", |run| Seen::Text(run.facts.schedule.zone.name())),
    field(Part::Schedule, "destination", |run| {
        run.facts.schedule.destination.as_ref().map_or(Seen::Nothing, |_| Seen::Part(Part::Destination))
    }),
    field(Part::Destination, "gateway", |run| {
        text(run.facts.schedule.destination.as_ref().map(|place| place.gateway.as_str()))
    }),
    field(Part::Destination, "chat_id", |run| {
        text(run.facts.schedule.destination.as_ref().map(|place| place.chat_id.as_str()))
    }),
    field(Part::Destination, "thread", |run| {
        text(run.facts.schedule.destination.as_ref().and_then(|place| place.thread.as_deref()))
    }),
    field(Part::Fire, "due", |run| time(run, run.facts.due)),
    field(Part::Fire, "actual", |run| time(run, run.facts.actual)),
    field(Part::Fire, "late_by", |run| {
        Seen::Length(Length(run.facts.actual.since(run.facts.due).as_millis() as i64))
    }),
    field(Part::Fire, "number", |run| Seen::Number(run.facts.number.into())),
    field(Part::Fire, "attempt", |run| Seen::Number(run.facts.attempt.into())),
    field(Part::Fire, "by_hand", |run| Seen::Flag(run.facts.by_hand)),
    field(Part::Fire, "after", |run| {
        text(run.facts.schedule.trigger.after().filter(|_| !run.facts.by_hand).map(|after| &*after.schedule))
    }),
    field(Part::Fire, "local", |run| Seen::Parts(*run.local())),
    field(Part::Fire, "weekday", |run| Seen::Text(run.local().weekday())),
    field(Part::Fire, "date", |run| Seen::Made(run.local().date())),
    field(Part::Fire, "time", |run| Seen::Made(run.local().time())),
    field(Part::Fire, "hour", |run| Seen::Number(run.local().hour())),
    field(Part::Last, "status", |run| text(run.facts.last.status.map(super::scene::LastStatus::as_str))),
    field(Part::Last, "text", |run| text(run.facts.last.text.as_deref())),
    field(Part::Last, "at", |run| run.facts.last.at.map_or(Seen::Nothing, |at| time(run, at))),
    field(Part::Session, "active", |run| Seen::Flag(run.facts.session.active)),
    field(Part::Session, "last_user_at", |run| {
        run.facts.session.last_user_at.map_or(Seen::Nothing, |at| time(run, at))
    }),
];

fn text(text: Option<&str>) -> Seen<'_> {
    text.map_or(Seen::Nothing, Seen::Text)
}

fn time(run: &Run, at: crate::time::Timestamp) -> Seen<'static> {
    Seen::Time(Moment { at, zone: run.facts.schedule.zone })
}

impl Part {
    /// What it is called in a script.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ctx => "ctx",
            Self::Schedule => "ctx.schedule",
            Self::Destination => "ctx.schedule.destination",
            Self::Fire => "ctx.fire",
            Self::Last => "ctx.last",
            Self::Session => "ctx.session",
        }
    }

    /// A field of it.
    pub(super) fn field(self, name: &str) -> Result<&'static Field, Box<EvalAltResult>> {
        let found = FIELDS.iter().find(|field| field.part == self && field.name == name);
        found.ok_or_else(|| no_field(self.name(), name, self.names()))
    }

    /// The names of its fields.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        FIELDS.iter().filter(move |field| field.part == self).map(|field| field.name)
    }
}

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        self.part == other.part && Arc::ptr_eq(&self.run, &other.run)
    }
}

impl View {
    pub(super) fn ctx(run: &Arc<Run>) -> Dynamic {
        Dynamic::from(Self { part: Part::Ctx, run: run.clone() })
    }

    pub(super) fn name(&self) -> &'static str {
        self.part.name()
    }

    /// What a field holds, as a value of the script.
    pub(super) fn value(run: &Arc<Run>, seen: Seen<'_>) -> Outcome<Dynamic> {
        match seen {
            Seen::Part(part) => Ok(Dynamic::from(Self { part, run: run.clone() })),
            Seen::State => run.with_state(|state| Dynamic::from_map(state.clone())),
            seen => Ok(seen.into_dynamic()),
        }
    }

    fn get(&mut self, name: &str) -> Outcome<Dynamic> {
        Self::value(&self.run, (self.part.field(name)?.read)(&self.run))
    }

    /// Sets a field, which only the state can be.
    fn set(&mut self, name: &str, value: Dynamic) -> Outcome<()> {
        self.part.field(name)?;
        if (self.part, name) == (Part::Ctx, "state") {
            let kind = show::kind(&value);
            let map = value.try_cast::<Map>();
            let map = map.ok_or_else(|| format!("ctx.state is a map; it cannot become {kind}"))?;
            return self.run.change_state(|state| *state = map);
        }
        // Rhai also sets what a function that changes nothing was asked of.
        if show::same(&self.get(name)?, &value)? {
            return Ok(());
        }
        let path = format!("{}.{name}", self.name());
        Err(format!("{path} cannot be changed; take a copy, `let {name} = {path};`, or keep it in ctx.state").into())
    }
}

impl Seen<'_> {
    /// As a value of a script, where it needs no run.
    pub(super) fn into_dynamic(self) -> Dynamic {
        match self {
            Self::Nothing | Self::Part(_) | Self::State => Dynamic::UNIT,
            Self::Text(text) => text.into(),
            Self::Made(text) => text.into(),
            Self::Number(number) => number.into(),
            Self::Flag(flag) => flag.into(),
            Self::Time(moment) => Dynamic::from(moment),
            Self::Length(length) => Dynamic::from(length),
            Self::Parts(parts) => Dynamic::from(parts),
            Self::Map(map) => Dynamic::from_map(map.clone()),
        }
    }
}

/// Parts, times and durations are what they are.
pub(super) fn unchangeable(name: &str) -> Box<EvalAltResult> {
    format!("'{name}' cannot be changed; make another one, for example `ctx.fire.due + hours(1)`").into()
}

/// A field that there is not.
pub(super) fn no_field<'a>(of: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Box<EvalAltResult> {
    let known: Vec<&str> = known.collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("{of} has no field '{name}'; did you mean '{near}'?").into(),
        None => format!("{of} has no field '{name}'; it has {}", known.join(", ")).into(),
    }
}

/// Tells the engine of them.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<View>("view");
    let mut names: Vec<&'static str> = FIELDS.iter().map(|field| field.name).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let mut readers = [None; PARTS_COUNT];
        for field in FIELDS.iter().filter(|field| field.name == name) {
            readers[field.part as usize] = Some(field.read);
        }
        engine.register_get(name, move |view: &mut View| match readers[view.part as usize] {
            Some(read) => View::value(&view.run, read(&view.run)),
            None => Err(no_field(view.name(), name, view.part.names())),
        });
    }
    engine.register_indexer_get(|view: &mut View, name: ImmutableString| view.get(&name));
    engine.register_indexer_set(|view: &mut View, name: ImmutableString, value: Dynamic| view.set(&name, value));
}
