//! When a schedule is due: zone, bounds and exactly one trigger that will fire at all.
//!
//! Units: `Timestamp`, from RFC 3339 or from a local time in the schedule's zone. Relative times count from
//! `Context::now`, never from a model's idea of it.
//! Invariant: a trigger that passes has a due at or after now and within the bounds, save what a file may keep
//! (`Origin::File`) and what an update leaves as it is.

use std::sync::Arc;

use super::text::quoted;
use super::{Check, Origin, words};
use crate::calendar::{Cron, DialectChoice, Except, Meaning, Phrase, Trigger, Zone};
use crate::limits;
use crate::problem::Problem;
use crate::spec::raw::{RawSchedule, RawTrigger};
use crate::spec::tree::shorten;
use crate::spec::{Bounds, Schedule};
use crate::time::{Span, Timestamp};

const EXAMPLE: &str = "write exactly one of at, in, every, cron and when, or after";

/// A trigger, and what is said if it does not fire.
struct Aim {
    /// Where it is written.
    path: &'static str,
    trigger: Trigger,
    /// What was perhaps meant, where it is past.
    instead: Option<String>,
}

impl Aim {
    const fn new(path: &'static str, trigger: Trigger) -> Self {
        Self { path, trigger, instead: None }
    }
}

impl Check<'_> {
    /// The zone; `None` when what is written is none.
    pub(super) fn zone(&mut self, raw: &RawSchedule) -> Option<Zone> {
        let Some(name) = raw.schedule.as_ref().and_then(|trigger| trigger.timezone.as_deref()) else {
            return (!self.is_doubtful("schedule.timezone")).then_some(self.context.default_zone);
        };
        match Zone::parse(name) {
            Ok(zone) => Some(zone),
            Err(error) => {
                let hint = match &error.suggestion {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => "write an IANA name such as Europe/Berlin or UTC".to_owned(),
                };
                let problem = Problem::new("schedule.timezone", "is not an IANA time zone");
                self.refuse(problem.value(shorten(name)).hint(hint));
                None
            }
        }
    }

    /// Where the dues begin and end.
    pub(super) fn bounds(&mut self, raw: &RawSchedule, zone: Option<Zone>) -> Bounds {
        let start_at = self.instant("start_at", raw.start_at.as_deref(), zone);
        let end_at = self.instant("end_at", raw.end_at.as_deref(), zone);
        if let (Some(start), Some(end)) = (start_at, end_at)
            && start > end
        {
            self.refuse(Problem::new("end_at", format!("is before start_at, {start}")).value(end.to_string()));
        }
        let max_runs = self.number("max_runs", raw.max_runs, i64::from(u32::MAX));
        Bounds { start_at, end_at, max_runs: max_runs.and_then(|count| u32::try_from(count).ok()) }
    }

    /// The exclusions; an empty list is none.
    pub(super) fn except(&mut self, raw: &RawSchedule, zone: Option<Zone>) -> Option<Except> {
        let texts = raw.except.as_deref().filter(|texts| !texts.is_empty())?;
        if texts.len() > limits::EXCEPT_COUNT_MAX {
            let wrong = format!("has {} entries, more than {}", texts.len(), limits::EXCEPT_COUNT_MAX);
            self.refuse(Problem::new("except", wrong).hint("write weekdays and dates as ranges"));
            return None;
        }
        let errors = match Except::read(texts, zone.unwrap_or(self.context.default_zone)) {
            Ok(except) => return Some(except),
            Err(errors) => errors,
        };
        for (place, error) in errors {
            let problem = Problem::new(format!("except.{place}"), error.message).value(shorten(&texts[place]));
            self.refuse(error.hint.into_iter().fold(problem, Problem::hint));
        }
        None
    }

    /// The trigger, if it is one and fires.
    pub(super) fn trigger(
        &mut self,
        raw: &RawSchedule,
        zone: Option<Zone>,
        bounds: &Bounds,
        except: Option<&Except>,
    ) -> Option<Trigger> {
        let unwritten = RawTrigger::default();
        let written = raw.schedule.as_ref().unwrap_or(&unwritten);
        if let Some(after) = &raw.after {
            return self.after(raw, written, after, bounds);
        }
        let given = written.given();
        match given.as_slice() {
            [] => {
                let meant = ["", ".at", ".in", ".every", ".cron", ".when"].map(|kind| format!("schedule{kind}"));
                if !self.is_doubtful("after") && !meant.iter().any(|path| self.is_doubtful(path)) {
                    let problem = Problem::new("schedule", "is missing: nothing says when to fire");
                    self.refuse(problem.hint(EXAMPLE));
                }
                return None;
            }
            [_] => {}
            several => {
                let problem = Problem::new("schedule", format!("{} are mutually exclusive", quoted(several)));
                self.refuse(problem.hint(EXAMPLE));
                return None;
            }
        }
        self.belongings(written);
        let choice = self.word("schedule.dialect", written.dialect.as_deref(), words::DIALECT, DialectChoice::Auto);
        let anchor = self.instant("schedule.anchor", written.anchor.as_deref(), zone);
        let aim = self.aim(written, zone, bounds, choice, anchor)?;
        // Without a zone or with crossed bounds there is a problem already, and no telling when it fires.
        let crossed = matches!((bounds.start_at, bounds.end_at), (Some(start), Some(end)) if start > end);
        if zone.is_some() && !crossed {
            self.fires(&aim, bounds, except);
        }
        Some(aim.trigger)
    }

    /// The one trigger that is given.
    fn aim(
        &mut self,
        written: &RawTrigger,
        zone: Option<Zone>,
        bounds: &Bounds,
        choice: DialectChoice,
        anchor: Option<Timestamp>,
    ) -> Option<Aim> {
        if let Some(text) = &written.at {
            let at = self.instant("schedule.at", Some(text), zone)?;
            return Some(Aim::new("schedule.at", Trigger::At(at)));
        }
        if let Some(text) = &written.r#in {
            let at = self.context.now.plus(self.span("schedule.in", Some(text))?);
            return Some(Aim::new("schedule.in", Trigger::At(at)));
        }
        if let Some(text) = &written.every {
            let period = self.span("schedule.every", Some(text))?;
            return Some(Aim::new("schedule.every", self.every("schedule.every", period, text, anchor, bounds)?));
        }
        if let Some(text) = &written.when {
            return self.in_words(text, zone, bounds);
        }
        let text = written.cron.as_deref()?;
        Some(Aim::new("schedule.cron", Trigger::Cron(self.cron(text, choice, zone)?)))
    }

    /// A trigger in plain words.
    fn in_words(&mut self, text: &str, zone: Option<Zone>, bounds: &Bounds) -> Option<Aim> {
        const PATH: &str = "schedule.when";
        let zone = zone.unwrap_or(self.context.default_zone);
        let Phrase { meaning, notes } = match Phrase::read(text, self.context.now, zone) {
            Ok(phrase) => phrase,
            Err(error) => {
                let problem = Problem::new(PATH, error.message).value(shorten(text)).hint(error.hint);
                self.refuse_within(problem, text, error.at);
                return None;
            }
        };
        self.warnings.extend(notes);
        match meaning {
            Meaning::Once { at, instead } => Some(Aim { path: PATH, trigger: Trigger::At(at), instead }),
            Meaning::Every(period) => Some(Aim::new(PATH, self.every(PATH, period, text, None, bounds)?)),
            Meaning::Cron(cron) => Some(Aim::new(PATH, Trigger::Cron(Arc::new(cron)))),
        }
    }

    /// `dialect` belongs to cron and `anchor` to every: elsewhere they would be accepted and ignored.
    pub(super) fn belongings(&mut self, written: &RawTrigger) {
        if written.dialect.is_some() && written.cron.is_none() {
            self.refuse(Problem::new("schedule.dialect", "belongs to cron").hint("leave it out"));
        }
        if written.anchor.is_some() && written.every.is_none() {
            self.refuse(Problem::new("schedule.anchor", "belongs to every").hint("leave it out"));
        }
    }

    fn every(
        &mut self,
        path: &str,
        period: Span,
        text: &str,
        anchor: Option<Timestamp>,
        bounds: &Bounds,
    ) -> Option<Trigger> {
        let least = Span::from_millis(limits::EVERY_MS_MIN);
        if period < least {
            let problem = Problem::new(path, format!("must be at least {least}"));
            self.refuse(problem.value(shorten(text)));
            return None;
        }
        let anchor = anchor.or_else(|| self.kept_anchor(period)).or(bounds.start_at).unwrap_or(self.context.now);
        Some(Trigger::Every { period, anchor })
    }

    /// The anchor of the schedule that is changed, where the interval stays: an edit elsewhere moves no due.
    fn kept_anchor(&self, asked: Span) -> Option<Timestamp> {
        match &self.context.existing?.trigger {
            Trigger::Every { period, anchor } if *period == asked => Some(*anchor),
            _ => None,
        }
    }

    fn cron(&mut self, text: &str, choice: DialectChoice, zone: Option<Zone>) -> Option<Arc<Cron>> {
        let zone = zone.unwrap_or(self.context.default_zone);
        let read = match self.context.patterns {
            Some(patterns) => patterns.read(text, choice, zone),
            None => Cron::parse(text, choice, zone).map(Arc::new),
        };
        match read {
            Ok(cron) => Some(cron),
            Err(error) => {
                let mut problem = Problem::new("schedule.cron", error.message).value(shorten(text));
                problem.hint = error.hint;
                self.refuse_within(problem, text, error.at);
                None
            }
        }
    }

    /// A time with an offset, or a local time in the zone.
    fn instant(&mut self, path: &str, text: Option<&str>, zone: Option<Zone>) -> Option<Timestamp> {
        let text = text?.trim();
        let parsed =
            Timestamp::parse_rfc3339(text).or_else(|| zone.unwrap_or(self.context.default_zone).parse_local(text));
        match parsed {
            Some(at) if at < Timestamp::HORIZON => Some(at),
            Some(_) => {
                self.refuse(Problem::new(path, "lies after the year 2199").value(shorten(text)));
                None
            }
            None => {
                let problem = Problem::new(path, "is not a time").value(shorten(text));
                self.refuse(
                    problem.hint("write 2026-01-30T16:00:00Z, or 2026-01-30 16:00 in the schedule's timezone"),
                );
                None
            }
        }
    }

    /// Refuses a trigger that will not fire any more, or never would.
    fn fires(&mut self, aim: &Aim, bounds: &Bounds, except: Option<&Except>) {
        let Aim { path, trigger, .. } = aim;
        let unchanged = |existing: &Schedule| {
            existing.trigger == *trigger && existing.bounds == *bounds && existing.except.as_ref() == except
        };
        if self.context.existing.is_some_and(unchanged) {
            return;
        }
        let now = self.context.now;
        if let Trigger::At(at) = trigger {
            if *at >= now && except.is_some_and(|except| except.covers(*at)) {
                let problem = Problem::new("except", "never fires: the exclusions cover its only time");
                return self.refuse(problem.value(at.to_string()).hint("move the time, or leave the exclusion out"));
            }
            return self.fires_once(aim, *at, bounds);
        }
        if let Some(end) = bounds.end_at.filter(|end| *end < now) {
            return self.ended(end);
        }
        let from = bounds.start_at.map_or(now, |start| start.max(now));
        // The step back makes a due at exactly `from` count.
        let before = from.minus(Span::from_millis(1));
        match (trigger.next_after(before), bounds.end_at) {
            (None, _) => {
                let problem = Problem::new(*path, "never fires");
                self.refuse(problem.hint("no time from now on matches it, as with 30 February"));
            }
            (Some(first), Some(end)) if first > end => {
                let problem = Problem::new("end_at", "never fires: ends before the first due").value(end.to_string());
                self.refuse(problem.hint(format!("the first due is {first}")));
            }
            (Some(_), _) if except.is_none() => {}
            (Some(_), end) => {
                let free = trigger.next_free(except, before);
                if free.is_none_or(|free| end.is_some_and(|end| free > end)) {
                    let until = end.map(|end| format!(" until {end}")).unwrap_or_default();
                    let problem = Problem::new("except", format!("never fires: every due{until} is excluded"));
                    self.refuse(problem.hint("leave an exclusion out, or make it shorter"));
                }
            }
        }
    }

    /// Refuses what has ended already.
    pub(super) fn ended(&mut self, end: Timestamp) {
        let problem = Problem::new("end_at", "timestamp is in the past").value(end.to_string());
        self.refuse_past(problem.hint(now_is(self.context.now)), "ended at", end);
    }

    fn fires_once(&mut self, aim: &Aim, at: Timestamp, bounds: &Bounds) {
        let (now, path) = (self.context.now, aim.path);
        if at >= Timestamp::HORIZON {
            self.refuse(Problem::new(path, "lies after the year 2199").value(at.to_string()));
        } else if let Some(start) = bounds.start_at.filter(|start| at < *start) {
            let problem = Problem::new(path, "never fires: it lies before start_at").value(at.to_string());
            self.refuse(problem.hint(format!("start_at is {start}")));
        } else if let Some(end) = bounds.end_at.filter(|end| at > *end) {
            let problem = Problem::new(path, "never fires: it lies after end_at").value(at.to_string());
            self.refuse(problem.hint(format!("end_at is {end}")));
        } else if at < now {
            let late = now.since(at);
            if self.context.existing.is_some_and(|existing| existing.trigger == Trigger::At(at)) {
                // Its time has been served already.
            } else if late.as_millis() < limits::LATE_CREATE_MS_MAX {
                self.warnings.push(format!("{at} is {late} past: it fires at once"));
            } else {
                let way_out = match &aim.instead {
                    Some(instead) => format!("did you mean '{instead}'?"),
                    None => "for a time from now write for example in: 2h".to_owned(),
                };
                let hint = format!("{}; {way_out}", now_is(now));
                let problem = Problem::new(path, "timestamp is in the past").value(at.to_string()).hint(hint);
                self.refuse_past(problem, "was due at", at);
            }
        }
    }

    /// What is past is a person's mistake, but only the age of a file.
    fn refuse_past(&mut self, problem: Problem, what: &str, at: Timestamp) {
        match self.context.origin {
            Origin::Person => self.refuse(problem),
            Origin::File => {
                self.past = true;
                self.warnings.push(format!("{what} {at}, which is past: recorded as skipped"));
            }
        }
    }
}

fn now_is(now: Timestamp) -> String {
    format!("it is now {now}")
}
