//! The next times of a trigger: pure, so that `chimewheel next` needs neither a daemon nor a store.
//!
//! Invariant: times are strictly later than `from`, in order. Units: `Timestamp`.
//! Not here: previews of a schedule that exists, which need its bounds and state (whoever holds the store).

use std::sync::Arc;

use super::reply::{Instant, Previewed};
use super::request::Preview;
use crate::calendar::{
    Cron, Dialect, DialectChoice, Except, ExceptError, Meaning, Phrase, PhraseError, Trigger, Zone,
};
use crate::limits;
use crate::problem::Problem;
use crate::spec::tree::shorten;
use crate::surface::error::Error;
use crate::time::{Span, Timestamp};

/// Times that are shown when nobody says how many.
const TIMES_DEFAULT: usize = 5;

/// The words for dialects on every surface.
pub const DIALECTS: [(&str, DialectChoice); 3] =
    [("auto", DialectChoice::Auto), ("unix", DialectChoice::Unix), ("quartz", DialectChoice::Quartz)];

/// What is the same for every preview.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The current time.
    pub now: Timestamp,
    /// The zone where none is named.
    pub zone: Zone,
}

/// Answers a request that names a trigger.
pub fn trigger_times(request: &Preview, setting: Setting) -> Result<Previewed, Error> {
    let mut problems = Vec::new();
    let zone = read(&mut problems, "timezone", request.timezone.as_deref(), read_zone).unwrap_or(setting.zone);
    let from = read(&mut problems, "from", request.from.as_deref(), |text| read_time(text, zone));
    let from = from.unwrap_or(setting.now);
    let count = read_count(request.n).map_err(|problem| problems.push(problem)).unwrap_or(TIMES_DEFAULT);
    let mut notes = Vec::new();
    let trigger = read_trigger(request, zone, from, setting.now, &mut problems, &mut notes);
    let except = read_except(&request.except, zone, &mut problems);
    let Some(trigger) = trigger.filter(|_| problems.is_empty()) else {
        return Err(Error::problems(problems));
    };
    let previewed = Previewed { warnings: notes, ..times(&trigger, except.as_ref(), zone, from, count) };
    if previewed.next.is_empty() && trigger.next_after(from).is_some() {
        let problem = Problem::new("except", format!("leaves no due after {from}"));
        return Err(Error::bad_input(problem.hint("leave an exclusion out, or make it shorter")));
    }
    if previewed.next.is_empty() {
        let (path, text) = given(request);
        let problem = Problem::new(path, format!("is never due after {from}")).value(shorten(text));
        return Err(Error::bad_input(problem));
    }
    Ok(previewed)
}

/// The exclusions; an empty list is none.
fn read_except(texts: &[String], zone: Zone, problems: &mut Vec<Problem>) -> Option<Except> {
    if texts.is_empty() {
        return None;
    }
    if texts.len() > limits::EXCEPT_COUNT_MAX {
        let wrong = format!("has {} entries, more than {}", texts.len(), limits::EXCEPT_COUNT_MAX);
        problems.push(Problem::new("except", wrong));
        return None;
    }
    let told = |(place, error): (usize, ExceptError)| {
        let problem = Problem::new(format!("except.{place}"), error.message).value(shorten(&texts[place]));
        error.hint.into_iter().fold(problem, Problem::hint)
    };
    Except::read(texts, zone).map_err(|errors| problems.extend(errors.into_iter().map(told))).ok()
}

/// The next `count` times of a trigger strictly after `from` that count.
#[must_use]
pub fn times(trigger: &Trigger, except: Option<&Except>, zone: Zone, from: Timestamp, count: usize) -> Previewed {
    let next = |after| trigger.next_free(except, after);
    let walk = std::iter::successors(next(from), |last| next(*last));
    let next: Vec<Timestamp> = walk.take(count).collect();
    Previewed {
        local: next.iter().map(|at| zone.format(*at)).collect(),
        next: next.into_iter().map(Instant).collect(),
        fires: Vec::new(),
        warnings: Vec::new(),
        description: match except {
            Some(except) => format!("{}, {}", trigger.describe(zone), except.describe()),
            None => trigger.describe(zone),
        },
        dialect: dialect_word(trigger).map(str::to_owned),
        timezone: zone.name().to_owned(),
    }
}

/// The word for a trigger's dialect.
#[must_use]
pub fn dialect_word(trigger: &Trigger) -> Option<&'static str> {
    match trigger {
        Trigger::Cron(cron) => Some(match cron.dialect() {
            Dialect::Unix => "unix",
            Dialect::Quartz => "quartz",
        }),
        Trigger::At(_) | Trigger::Every { .. } | Trigger::After(_) => None,
    }
}

/// How many times are asked for.
pub fn read_count(given: Option<usize>) -> Result<usize, Problem> {
    match given {
        None => Ok(TIMES_DEFAULT),
        Some(count) if (1..=limits::PREVIEW_TIMES_MAX).contains(&count) => Ok(count),
        Some(count) => {
            let hint = format!("1 to {}", limits::PREVIEW_TIMES_MAX);
            Err(Problem::new("n", "is out of range").value(count.to_string()).hint(hint))
        }
    }
}

/// Reads a zone's name.
pub fn read_zone(name: &str) -> Result<Zone, Problem> {
    Zone::parse(name).map_err(|error| {
        let problem = Problem::new("", "is not an IANA time zone");
        match error.suggestion {
            Some(known) => problem.hint(format!("did you mean '{known}'?")),
            None => problem.hint("such as UTC or Europe/Berlin"),
        }
    })
}

/// Reads an instant: RFC 3339, or a local time in a zone.
pub fn read_time(text: &str, zone: Zone) -> Result<Timestamp, Problem> {
    Timestamp::parse_rfc3339(text).or_else(|| zone.parse_local(text)).ok_or_else(|| {
        Problem::new("", "is not a time").hint("such as 2026-01-30T16:00:00Z, or 2026-01-30 16:00 in the time zone")
    })
}

fn read<T>(
    problems: &mut Vec<Problem>,
    path: &str,
    given: Option<&str>,
    reader: impl FnOnce(&str) -> Result<T, Problem>,
) -> Option<T> {
    let text = given?;
    reader(text)
        .map_err(|problem| problems.push(Problem { path: path.to_owned(), ..problem.value(shorten(text)) }))
        .ok()
}

/// Every trigger that may be given.
fn triggers(request: &Preview) -> [(&'static str, &Option<String>); 5] {
    let Preview { cron, every, at, after, when, .. } = request;
    [("cron", cron), ("every", every), ("at", at), ("in", after), ("when", when)]
}

/// Name and text of the trigger that is given.
fn given(request: &Preview) -> (&'static str, &str) {
    triggers(request)
        .into_iter()
        .find_map(|(name, text)| text.as_deref().map(|text| (name, text)))
        .unwrap_or(("", ""))
}

fn read_trigger(
    request: &Preview,
    zone: Zone,
    from: Timestamp,
    now: Timestamp,
    problems: &mut Vec<Problem>,
    notes: &mut Vec<String>,
) -> Option<Trigger> {
    let count = triggers(request).iter().filter(|(_, text)| text.is_some()).count();
    if count != 1 {
        let message = if count == 0 { "no trigger is given" } else { "more than one trigger is given" };
        problems.push(Problem::new("", message).hint("give exactly one of cron, every, at, in and when"));
        return None;
    }
    for (path, given, belongs) in [
        ("dialect", request.dialect.is_some() && request.cron.is_none(), "cron"),
        ("anchor", request.anchor.is_some() && request.every.is_none(), "every"),
    ] {
        if given {
            problems.push(Problem::new(path, format!("belongs to {belongs}")).hint("leave it out"));
        }
    }
    let dialect = read(problems, "dialect", request.dialect.as_deref(), read_dialect).unwrap_or_default();
    let anchor = read(problems, "anchor", request.anchor.as_deref(), |text| read_time(text, zone));
    let (name, text) = given(request);
    read(problems, name, Some(text), |text| match name {
        "cron" => {
            let parsed = Cron::parse(text, dialect, zone);
            parsed.map(|cron| Trigger::Cron(Arc::new(cron))).map_err(|error| {
                let problem = Problem::new("", error.message);
                error.hint.into_iter().fold(problem, Problem::hint)
            })
        }
        "every" => rhythm(read_span(text)?, anchor, from),
        "when" => {
            let refused = |error: PhraseError| Problem::new("", error.message).hint(error.hint);
            let phrase = Phrase::read(text, now, zone).map_err(refused)?;
            notes.extend(phrase.notes);
            match phrase.meaning {
                Meaning::Once { at, instead: Some(instead) } if at <= from => {
                    Err(Problem::new("", "is past").hint(format!("did you mean '{instead}'?")))
                }
                Meaning::Once { at, .. } => Ok(Trigger::At(at)),
                Meaning::Every(period) => rhythm(period, None, from),
                Meaning::Cron(cron) => Ok(Trigger::Cron(Arc::new(cron))),
            }
        }
        "in" => Ok(Trigger::At(now.plus(read_span(text)?))),
        _ => read_time(text, zone).map(Trigger::At),
    })
}

fn rhythm(period: Span, anchor: Option<Timestamp>, from: Timestamp) -> Result<Trigger, Problem> {
    if period.as_millis() < limits::EVERY_MS_MIN {
        return Err(Problem::new("", "is too short").hint("the shortest period is 1s"));
    }
    Ok(Trigger::Every { period, anchor: anchor.unwrap_or_else(|| from.plus(period)) })
}

fn read_span(text: &str) -> Result<Span, Problem> {
    let span = Span::parse(text).map_err(|error| Problem::new("", error.why))?;
    if span.as_millis() > limits::SPAN_MS_MAX {
        return Err(Problem::new("", "is longer than 100 years"));
    }
    Ok(span)
}

fn read_dialect(text: &str) -> Result<DialectChoice, Problem> {
    let found = DIALECTS.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
    found.ok_or_else(|| Problem::new("", "is not a dialect").hint("auto, unix or quartz"))
}
