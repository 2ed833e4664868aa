//! One field of a pattern: a list of values, ranges and steps, with L, W and # in the day fields.
//!
//! Units: values as their dialect writes them; weekdays leave here counted from 0 = Sunday.
//! Invariant: what reaches croner is a plain list within range, so every refusal is worded here.
//! Not here: how many fields there are and how they join (`dialect`).
//! Source: crontab(5), OCPS 1.4, Quartz's `CronExpression`. croner spreads ranges and steps; what it refuses or
//! misreads of Quartz (ranges that wrap, L-n, L-nW, a lone L, steps of years) is spread or carried here.

use super::matcher::{Days, Weekdays};
use super::piece::Piece;
use super::{CronError, Dialect};
use crate::limits::{CRON_YEAR_MAX, CRON_YEAR_MIN};

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
pub(super) const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Which field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Second,
    Minute,
    Hour,
    Day,
    Month,
    Weekday,
    Year,
}

/// A field's place in a pattern: what it is and whose rules it follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) kind: Kind,
    pub(super) dialect: Dialect,
}

impl Field {
    /// The field's name in messages.
    pub(super) fn name(self) -> &'static str {
        match self.kind {
            Kind::Second => "second",
            Kind::Minute => "minute",
            Kind::Hour => "hour",
            Kind::Day => "day of month",
            Kind::Month => "month",
            Kind::Weekday => "weekday",
            Kind::Year => "year",
        }
    }

    /// The smallest and the largest value.
    fn bounds(self) -> (u16, u16) {
        match (self.kind, self.dialect) {
            (Kind::Second | Kind::Minute, _) => (0, 59),
            (Kind::Hour, _) => (0, 23),
            (Kind::Day, _) => (1, 31),
            (Kind::Month, _) => (1, 12),
            (Kind::Weekday, Dialect::Unix) => (0, 7),
            (Kind::Weekday, Dialect::Quartz) => (1, 7),
            (Kind::Year, _) => (CRON_YEAR_MIN as u16, CRON_YEAR_MAX as u16),
        }
    }

    /// The values this field takes, as a hint.
    fn allowed(self) -> String {
        let (min, max) = self.bounds();
        match (self.kind, self.dialect) {
            (Kind::Weekday, Dialect::Unix) => "weekdays are 0 to 7 (0 and 7 are Sunday) or SUN to SAT".to_owned(),
            (Kind::Weekday, Dialect::Quartz) => "weekdays are 1 to 7 (1 is Sunday) or SUN to SAT".to_owned(),
            (Kind::Month, _) => "months are 1 to 12 or JAN to DEC".to_owned(),
            (Kind::Day, _) => "days of the month are 1 to 31".to_owned(),
            _ => format!("{}s are {min} to {max}", self.name()),
        }
    }

    /// Reads a field that holds plain values only: every value it names, ascending.
    pub(super) fn values(self, piece: Piece<'_>) -> Result<Vec<u16>, CronError> {
        let mut plain = String::new();
        for term in piece.split(',') {
            self.spread(term, &mut plain)?;
        }
        self.expand(&plain, piece)
    }

    /// Reads the day-of-month field.
    pub(super) fn days(self, piece: Piece<'_>) -> Result<Days, CronError> {
        let (mut days, mut plain) = (Days::default(), String::new());
        for term in piece.split(',') {
            let upper = term.text.to_ascii_uppercase();
            let (body, nearest) = match upper.strip_suffix('W') {
                Some(body) => (body, true),
                None => (upper.as_str(), false),
            };
            if let Some(offset) = body.strip_prefix('L') {
                let offset = self.last_offset(offset, term)?;
                let set = if nearest { &mut days.nearest_last } else { &mut days.last };
                *set |= 1 << offset;
            } else if nearest {
                if body.is_empty() || body.contains(['-', '/', '*']) {
                    let hint = "write for example 15W or LW; W takes one day, not a range";
                    return Err(term.wrong(format!("'{}' names no single day before W", term.text), hint));
                }
                days.nearest |= 1 << self.number(term.part(0, body.len()))?;
            } else {
                self.spread(term, &mut plain)?;
            }
        }
        days.dates = set_of(&self.expand(&plain, piece)?) as u32;
        Ok(days)
    }

    /// Reads the weekday field.
    pub(super) fn weekdays(self, piece: Piece<'_>) -> Result<Weekdays, CronError> {
        let (mut weekdays, mut plain) = (Weekdays::default(), String::new());
        let alone = !piece.text.contains(',');
        for term in piece.split(',') {
            if !self.special_weekday(term, alone, &mut weekdays)? {
                self.spread(term, &mut plain)?;
            }
        }
        for value in self.expand(&plain, piece)? {
            weekdays.every |= 1 << self.sunday_based(value);
        }
        Ok(weekdays)
    }

    /// Reads `d#n`, `dL` and `L`; whether the term was one of them.
    fn special_weekday(self, term: Piece<'_>, alone: bool, weekdays: &mut Weekdays) -> Result<bool, CronError> {
        let upper = term.text.to_ascii_uppercase();
        let (day, nth) = match (upper.split_once('#'), upper.strip_suffix('L')) {
            (Some((day, nth)), _) => (day, nth),
            (None, Some(day)) => (day, "L"),
            (None, None) => return Ok(false),
        };
        if self.dialect == Dialect::Quartz && !alone {
            let hint = "keep it alone in the weekday field, or make one schedule for each";
            return Err(term.wrong(format!("weekday '{}' cannot stand in a list in Quartz", term.text), hint));
        }
        if day.is_empty() && nth == "L" {
            if self.dialect == Dialect::Unix {
                let hint = "write for example 5L for the last Friday, or 6 for Saturday";
                return Err(term.wrong("weekday 'L' names no day".to_owned(), hint));
            }
            weekdays.every |= 1 << 6;
            return Ok(true);
        }
        let bit = 1 << self.sunday_based(self.number(term.part(0, day.len()))?);
        match nth {
            "L" => weekdays.last |= bit,
            "1" | "2" | "3" | "4" | "5" => weekdays.nth[usize::from(nth.as_bytes()[0] - b'1')] |= bit,
            _ => {
                let hint = "after # write 1 to 5, or L after the weekday for the last one";
                return Err(term.wrong(format!("weekday '{}' names no week of the month", term.text), hint));
            }
        }
        Ok(true)
    }

    /// Reads what follows `L` in the day-of-month field: nothing, or `-n`.
    fn last_offset(self, text: &str, term: Piece<'_>) -> Result<u32, CronError> {
        if text.is_empty() {
            return Ok(0);
        }
        let offset = text.strip_prefix('-').filter(|digits| is_number(digits)).and_then(|digits| digits.parse().ok());
        offset.filter(|offset| *offset <= 30).ok_or_else(|| {
            let hint = "write L for the last day, L-1 to L-30 before it, LW for the last working day";
            term.wrong(format!("day of month '{}' is not a day counted from the end", term.text), hint)
        })
    }

    /// Checks one plain term and appends it to `plain` in the form that croner reads.
    fn spread(self, term: Piece<'_>, plain: &mut String) -> Result<(), CronError> {
        let (body, step) = match term.split_once('/') {
            Some((body, step)) => (body, Some(self.step(step, term)?)),
            None => (term, None),
        };
        let (min, max) = self.bounds();
        let (first, last) = if body.text == "*" || (body.text.is_empty() && step.is_some() && self.is_quartz()) {
            (min, max)
        } else if let Some((first, last)) = body.split_once('-').filter(|(first, _)| !first.text.is_empty()) {
            self.range(first, last, body)?
        } else {
            let first = self.number(body)?;
            (first, if step.is_some() { max } else { first })
        };
        if !plain.is_empty() {
            plain.push(',');
        }
        let step = step.unwrap_or(1);
        if first <= last {
            plain.push_str(&format!("{first}-{last}/{step}"));
        } else {
            let size = max - min + 1;
            let wrapped = (first..=last + size).step_by(usize::from(step));
            let values: Vec<String> = wrapped.map(|value| (min + (value - min) % size).to_string()).collect();
            plain.push_str(&values.join(","));
        }
        Ok(())
    }

    /// Reads the two ends of a range; only Quartz may have them the wrong way round, and not in years.
    fn range(self, first: Piece<'_>, last: Piece<'_>, whole: Piece<'_>) -> Result<(u16, u16), CronError> {
        let (from, mut upto) = (self.number(first)?, self.number(last)?);
        if self.kind == Kind::Weekday && last.text.eq_ignore_ascii_case("SUN") && !self.is_quartz() && from > 0 {
            // Sunday ends the week as well as it begins it: FRI-SUN is 5-7.
            upto = 7;
        }
        if from <= upto || (self.is_quartz() && self.kind != Kind::Year) {
            return Ok((from, upto));
        }
        let (min, max) = self.bounds();
        let hint = match self.kind {
            Kind::Year => "put the earlier year first".to_owned(),
            Kind::Weekday if upto == 0 => format!("write {}-7", first.text),
            Kind::Weekday => format!("write {}-SUN,MON-{}", first.text, last.text),
            _ => format!("write {}-{max},{min}-{}", first.text, last.text),
        };
        Err(whole.wrong(format!("{} range '{}' runs backwards", self.name(), whole.text), hint))
    }

    /// Reads a step.
    fn step(self, piece: Piece<'_>, term: Piece<'_>) -> Result<u16, CronError> {
        let largest =
            if self.kind == Kind::Year { CRON_YEAR_MAX - CRON_YEAR_MIN } else { i32::from(self.bounds().1) };
        let step = if is_number(piece.text) { piece.text.parse::<u16>().ok() } else { None };
        match step {
            Some(step) if (1..=largest).contains(&i32::from(step)) => Ok(step),
            Some(0) => {
                let hint = format!("a step is 1 to {largest}");
                Err(term.wrong(format!("{} step 0 in '{}' never moves on", self.name(), term.text), hint))
            }
            Some(_) => {
                let hint = format!("a step of the {} field is at most {largest}", self.name());
                Err(piece.wrong(format!("{} step {} is too big", self.name(), piece.text), hint))
            }
            None => {
                let hint = format!("after / write a whole number, 1 to {largest}");
                Err(term.wrong(format!("{} '{}' has no step after /", self.name(), term.text), hint))
            }
        }
    }

    /// Reads one value: a number in range, or a three-letter name.
    fn number(self, piece: Piece<'_>) -> Result<u16, CronError> {
        let name = self.name();
        if piece.text.is_empty() {
            return Err(piece.wrong(format!("the {name} field has an empty place"), self.allowed()));
        }
        if is_number(piece.text) {
            let (min, max) = self.bounds();
            let value = piece.text.parse::<u16>().ok().filter(|value| (min..=max).contains(value));
            return value
                .ok_or_else(|| piece.wrong(format!("{name} {} is out of range", piece.text), self.allowed()));
        }
        let upper = piece.text.to_ascii_uppercase();
        let (names, first): (&[&str], usize) = match self.kind {
            Kind::Month => (&MONTHS, 1),
            Kind::Weekday => (&WEEKDAYS, if self.is_quartz() { 1 } else { 0 }),
            _ => (&[], 0),
        };
        if let Some(place) = names.iter().position(|name| *name == upper) {
            return Ok((first + place) as u16);
        }
        let is_word = upper.bytes().all(|byte| byte.is_ascii_alphabetic());
        if let Some(short) = names.iter().find(|short| is_word && upper.starts_with(**short)) {
            return Err(piece.wrong(format!("{name} '{}' is written out", piece.text), format!("write {short}")));
        }
        let hint = match upper.as_str() {
            "?" if self.is_quartz() => "? stands alone, and only in the day of month or the weekday".to_owned(),
            "?" => "write * instead; ? belongs to Quartz patterns".to_owned(),
            text if text.contains(['–', '—']) => format!("a range takes a plain -; {}", self.allowed()),
            text if text.starts_with('-') => format!("negative values do not exist; {}", self.allowed()),
            _ => self.allowed(),
        };
        Err(piece.wrong(format!("'{}' is not a {name}", piece.text), hint))
    }

    /// Has croner turn a plain list into its values.
    fn expand(self, plain: &str, piece: Piece<'_>) -> Result<Vec<u16>, CronError> {
        if plain.is_empty() {
            return Ok(Vec::new());
        }
        let (min, max) = self.bounds();
        let mut component = croner::CronComponent::new(min, max, 0, 0);
        match component.parse(plain) {
            Ok(()) => Ok(component.values()),
            Err(_) => Err(piece.wrong(format!("'{}' is not a {}", piece.text, self.name()), self.allowed())),
        }
    }

    /// A weekday of this dialect, counted from 0 = Sunday.
    fn sunday_based(self, value: u16) -> u16 {
        if self.is_quartz() { value - 1 } else { value % 7 }
    }

    fn is_quartz(self) -> bool {
        self.dialect == Dialect::Quartz
    }
}

/// The values as a bit set.
pub(super) fn set_of(values: &[u16]) -> u64 {
    values.iter().fold(0, |set, value| set | 1 << value)
}

/// Whether a text is nothing but ASCII digits, which `str::parse` does not insist on.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
