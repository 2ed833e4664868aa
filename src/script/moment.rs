//! Times, durations and local time parts as scripts have them.
//!
//! Units: whole milliseconds; what a script reads of a duration is whole units, rounded toward zero.
//! Invariant: no arithmetic leaves the range of an `i64` of milliseconds; it is held at its ends.
//! Not here: the current time: a script only has the times of its run.

use std::fmt;

use rhai::{Dynamic, Engine};

use super::guard::Outcome;
use super::show;
use super::view::{Seen, no_field, unchangeable};
use crate::calendar::{Local, Zone};
use crate::time::{Span, Timestamp};

/// An instant, shown in a zone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment {
    pub at: Timestamp,
    pub zone: Zone,
}

impl Moment {
    /// Reads RFC 3339, or a local time in the zone.
    pub(super) fn parse(text: &str, zone: Zone) -> Outcome<Self> {
        let at = Timestamp::parse_rfc3339(text).or_else(|| zone.parse_local(text));
        at.map(|at| Self { at, zone }).ok_or_else(|| {
            format!("'{text}' is not a time; write for example \"2026-11-22T09:00:00Z\" or \"2026-11-22 09:00\"")
                .into()
        })
    }

    fn later(self, ms: i64) -> Self {
        // Beyond these years there is no calendar to show a time in.
        let ms = self.at.as_millis().saturating_add(ms).clamp(-Timestamp::HORIZON.as_millis(), MOMENT_MS_LAST);
        Self { at: Timestamp::from_millis(ms), ..self }
    }
}

/// The last millisecond of the year 9999.
const MOMENT_MS_LAST: i64 = 253_402_300_799_999;

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.zone.format(self.at))
    }
}

/// A duration in milliseconds; less than nothing where a later time was taken from an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Length(pub i64);

impl Length {
    /// Reads `2h30m`.
    pub(super) fn parse(text: &str) -> Outcome<Self> {
        let span = Span::parse(text).map_err(|error| error.to_string())?;
        Ok(Self(span.as_millis() as i64))
    }

    /// A duration, or a text that says one.
    pub(super) fn of(value: &Dynamic) -> Outcome<Self> {
        if let Some(length) = value.read_lock::<Self>() {
            return Ok(*length);
        }
        match show::plain(value) {
            Some(text) if value.is_string() => Self::parse(&text),
            _ => {
                Err(format!("{} is not a duration; write for example minutes(90) or \"90m\"", show::kind(value))
                    .into())
            }
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", Span::from_millis(self.0.unsigned_abs()))
    }
}

/// The clock on the wall at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parts {
    local: Local,
    zone: Zone,
}

impl Parts {
    pub(super) fn new(at: Timestamp, zone: Zone) -> Self {
        Self { local: zone.local(at), zone }
    }

    /// The name of the weekday.
    pub(super) fn weekday(&self) -> &'static str {
        self.local.weekday_name()
    }

    /// The time as `09:00`.
    pub(super) fn time(&self) -> String {
        format!("{:02}:{:02}", self.local.hour, self.local.minute)
    }

    /// The hour.
    pub(super) fn hour(&self) -> i64 {
        self.local.hour.into()
    }

    /// Minutes since midnight.
    pub(super) const fn minute_of_day(&self) -> u32 {
        self.local.hour * 60 + self.local.minute
    }

    /// The part of that name.
    pub(super) fn named(&self, name: &str) -> Seen<'static> {
        PARTS.iter().find(|(known, _)| *known == name).map_or(Seen::Nothing, |(_, read)| read(self))
    }

    /// The date as `2026-11-22`.
    pub(super) fn date(&self) -> String {
        let Local { year, month, day, .. } = self.local;
        format!("{year:04}-{month:02}-{day:02}")
    }
}

/// The fields of a value, by name.
pub(super) type Fields<T> = &'static [(&'static str, fn(&T) -> Seen<'static>)];

/// What parts there are.
pub(super) const PARTS: Fields<Parts> = &[
    ("year", |parts| Seen::Number(parts.local.year.into())),
    ("month", |parts| Seen::Number(parts.local.month.into())),
    ("day", |parts| Seen::Number(parts.local.day.into())),
    ("hour", |parts| Seen::Number(parts.hour())),
    ("minute", |parts| Seen::Number(parts.local.minute.into())),
    ("second", |parts| Seen::Number(parts.local.second.into())),
    ("weekday", |parts| Seen::Text(parts.weekday())),
    ("weekday_number", |parts| Seen::Number(if parts.local.weekday == 0 { 7 } else { parts.local.weekday.into() })),
    ("month_name", |parts| Seen::Text(parts.local.month_name())),
    ("date", |parts| Seen::Made(parts.date())),
    ("time", |parts| Seen::Made(parts.time())),
    ("day_of_year", |parts| Seen::Number(parts.local.day_of_year().into())),
    ("zone", |parts| Seen::Text(parts.zone.name())),
];

/// What a time has.
pub(super) const MOMENTS: Fields<Moment> = &[
    ("local", |moment| Seen::Parts(Parts::new(moment.at, moment.zone))),
    ("unix", |moment| Seen::Number(moment.at.as_millis().div_euclid(1000))),
];

/// What a duration has.
pub(super) const LENGTHS: Fields<Length> = &[
    ("seconds", |length| Seen::Number(length.0 / 1000)),
    ("minutes", |length| Seen::Number(length.0 / 60_000)),
    ("hours", |length| Seen::Number(length.0 / 3_600_000)),
    ("days", |length| Seen::Number(length.0 / 86_400_000)),
];

/// Tells the engine of them.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Moment>("time");
    engine.register_type_with_name::<Length>("duration");
    engine.register_type_with_name::<Parts>("parts");
    for (name, read) in PARTS {
        engine.register_get(*name, |parts: &mut Parts| read(parts).into_dynamic());
    }
    for (name, read) in MOMENTS {
        engine.register_get(*name, |moment: &mut Moment| read(moment).into_dynamic());
    }
    for (name, read) in LENGTHS {
        engine.register_get(*name, |length: &mut Length| read(length).into_dynamic());
    }
    engine.register_indexer_get(|_: &mut Parts, name: &str| -> Outcome<Dynamic> {
        Err(no_field("local", name, PARTS.iter().map(|(name, _)| *name)))
    });
    engine.register_indexer_get(|_: &mut Moment, name: &str| -> Outcome<Dynamic> {
        Err(no_field("a time", name, MOMENTS.iter().map(|(name, _)| *name)))
    });
    engine.register_indexer_get(|_: &mut Length, name: &str| -> Outcome<Dynamic> {
        Err(no_field("a duration", name, LENGTHS.iter().map(|(name, _)| *name)))
    });
    engine
        .register_indexer_set(|parts: &mut Parts, name: &str, value: Dynamic| unchanged(PARTS, parts, name, &value));
    engine.register_indexer_set(|at: &mut Moment, name: &str, value: Dynamic| unchanged(MOMENTS, at, name, &value));
    engine.register_indexer_set(|of: &mut Length, name: &str, value: Dynamic| unchanged(LENGTHS, of, name, &value));
    register_making(engine);
    register_arithmetic(engine);
    register_comparisons(engine);
}

/// Rhai also sets what a function that changes nothing was asked of; nothing else may be set.
fn unchanged<T>(fields: Fields<T>, of: &T, name: &str, value: &Dynamic) -> Outcome<()> {
    let own = fields.iter().find(|(known, _)| *known == name).map(|(_, read)| read(of).into_dynamic());
    if own.map_or(Ok(false), |own| show::same(&own, value))? { Ok(()) } else { Err(unchangeable(name)) }
}

fn register_making(engine: &mut Engine) {
    for (name, unit) in [("seconds", 1000), ("minutes", 60_000), ("hours", 3_600_000), ("days", 86_400_000_i64)] {
        engine.register_fn(name, move |count: i64| Length(count.saturating_mul(unit)));
        engine.register_fn(name, move |count: f64| Length((count * unit as f64) as i64));
    }
    engine.register_fn("duration", Length::parse);
    engine.register_fn("duration", |length: Length| length);
}

fn register_arithmetic(engine: &mut Engine) {
    engine.register_fn("-", |a: Moment, b: Moment| Length(a.at.as_millis().saturating_sub(b.at.as_millis())));
    engine.register_fn("+", |moment: Moment, length: Length| moment.later(length.0));
    engine.register_fn("-", |moment: Moment, length: Length| moment.later(length.0.saturating_neg()));
    engine.register_fn("-", |moment: Moment, text: &str| -> Outcome<Moment> {
        Ok(moment.later(Length::parse(text)?.0.saturating_neg()))
    });
    engine.register_fn("+", |a: Length, b: Length| Length(a.0.saturating_add(b.0)));
    engine.register_fn("-", |a: Length, b: Length| Length(a.0.saturating_sub(b.0)));
    engine.register_fn("*", |length: Length, count: i64| Length(length.0.saturating_mul(count)));
    engine.register_fn("*", |count: i64, length: Length| Length(length.0.saturating_mul(count)));
}

fn register_comparisons(engine: &mut Engine) {
    macro_rules! compare {
        ($($operator:literal $compare:tt),*) => {$(
            engine.register_fn($operator, |a: Moment, b: Moment| a.at $compare b.at);
            engine.register_fn($operator, |a: Length, b: Length| a $compare b);
            engine.register_fn($operator, |a: Length, b: &str| -> Outcome<bool> { Ok(a $compare Length::parse(b)?) });
            engine.register_fn($operator, |a: &str, b: Length| -> Outcome<bool> { Ok(Length::parse(a)? $compare b) });
        )*};
    }
    compare!("==" ==, "!=" !=, "<" <, "<=" <=, ">" >, ">=" >=);
}
