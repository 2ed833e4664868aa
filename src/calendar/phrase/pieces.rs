//! Takes a phrase apart into groups of words, each of which says one thing.
//!
//! Invariant: nothing is said twice, and no word is passed over: one that belongs to no group refuses the phrase.
//! Not here: what the groups mean together (`once`, `again`), times of day (`clock`), days (`days`, `months`).

use std::ops::Range;

use super::clock::{CLOCK_HINT, Clock, Part};
use super::days::part;
use super::months::DayOfMonth;
use super::scan::{self, Word, weekday};
use super::{PHRASE_EXAMPLES, PhraseError};
use crate::problem::nearest;
use crate::time::Span;

/// Everything that a phrase says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// `in 2 hours`.
    pub span: Option<Span>,
    /// How often.
    pub cycle: Option<Cycle>,
    /// At what times of the day.
    pub times: Vec<Clock>,
    /// In which part of it.
    pub part: Option<Part>,
    /// On which days.
    pub days: Option<Days>,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cycle {
    /// After each such span.
    Interval(Span),
    Day,
    Week,
    Month,
    Year,
    /// `every`, before the days it is about.
    Named,
}

/// On which days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Days {
    /// So many days after today.
    Ahead(i64),
    /// Days of the week, bit 0 = Sunday.
    Weekdays {
        set: u8,
        /// `next friday`.
        next: bool,
        /// `fridays`.
        plural: bool,
    },
    /// A date, of any year if none is named.
    Date { year: Option<i32>, month: u32, day: u32 },
    /// Counted within a month; whether `of the month` was said.
    OfMonth { days: Vec<DayOfMonth>, said: bool },
}

impl Said {
    /// Whether it is meant again and again.
    pub fn recurs(&self) -> bool {
        let many = match &self.days {
            Some(Days::Weekdays { set, plural, .. }) => *plural || set.count_ones() > 1,
            Some(Days::OfMonth { .. }) => true,
            Some(Days::Ahead(_) | Days::Date { .. }) | None => false,
        };
        many || self.cycle.is_some()
    }
}

/// Reads all words of a phrase.
pub(super) fn read(words: &[Word]) -> Result<Said, PhraseError> {
    let mut reader = Reader { words, place: 0, said: Said::default() };
    let mut unknown = Vec::new();
    while reader.place < words.len() {
        let from = reader.place;
        match reader.piece() {
            Ok(true) => {}
            Ok(false) => {
                unknown.push(&words[from]);
                reader.place = from + 1;
            }
            Err(error) if unknown.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    match unknown.as_slice() {
        [] => Ok(reader.said),
        [first, .., last] => Err(not_understood(&unknown, first.at.start..last.at.end)),
        [only] => Err(not_understood(&unknown, only.at.clone())),
    }
}

fn not_understood(unknown: &[&Word], at: Range<usize>) -> PhraseError {
    let quoted: Vec<String> = unknown.iter().map(|word| format!("'{}'", word.text)).collect();
    let hint = unknown.iter().find_map(|word| way_out(&word.text));
    // Short words are near to everything.
    let long = || unknown.iter().filter(|word| word.text.len() > 3);
    let near = || long().find_map(|word| nearest(&word.text, scan::vocabulary()).filter(|near| *near != word.text));
    let hint = match (hint, near()) {
        (Some(hint), _) => hint.to_owned(),
        (None, Some(near)) => format!("did you mean '{near}'? {PHRASE_EXAMPLES}"),
        (None, None) => PHRASE_EXAMPLES.to_owned(),
    };
    PhraseError::new(format!("does not understand {}", quoted.join(", ")), at, hint)
}

/// What to do about words that mean something which is said elsewhere.
fn way_out(word: &str) -> Option<&'static str> {
    Some(match word {
        "until" | "till" | "through" | "ending" | "ends" => "give the end as end_at",
        "from" => "give the beginning as start_at; write hours of the day as cron, such as */30 9-16 * * MON-FRI",
        "starting" | "since" | "beginning" | "after" | "before" => "give the beginning as start_at",
        "for" | "times" | "twice" | "thrice" => "give the number of runs as max_runs, or the end as end_at",
        "except" | "but" | "not" | "without" => "give the days that do not count as except",
        "between" | "during" => "write the hours as cron, such as */30 9-16 * * MON-FRI",
        "utc" | "gmt" | "cet" | "cest" | "est" | "edt" | "cst" | "pst" | "pdt" | "bst" | "ist" | "z" => {
            "give the time zone as timezone, such as Europe/Berlin"
        }
        word if word.contains('/') && word.starts_with(|c: char| c.is_ascii_digit()) => "write a date as 2026-12-24",
        word if word.contains('/') => "give the time zone as timezone",
        _ => return None,
    })
}

pub(super) struct Reader<'w> {
    pub words: &'w [Word],
    pub place: usize,
    pub said: Said,
}

impl Reader<'_> {
    /// The word so many places ahead; nothing at the end.
    pub fn peek(&self, ahead: usize) -> &str {
        self.words.get(self.place + ahead).map_or("", |word| &word.text)
    }

    pub fn took(&mut self, wanted: &[&str]) -> bool {
        let is = wanted.contains(&self.peek(0));
        self.place += usize::from(is);
        is
    }

    /// A mistake in the words from a place on, up to the present one.
    pub fn refuse<T>(
        &self,
        from: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Result<T, PhraseError> {
        let last = self.place.clamp(from + 1, self.words.len()) - 1;
        Err(PhraseError::new(message, self.words[from].at.start..self.words[last].at.end, hint))
    }

    /// A mistake in the word behind the one that announced it.
    fn refuse_next<T>(&mut self, from: usize, wanted: &str, hint: &str) -> Result<T, PhraseError> {
        let announced = self.words[from].text.clone();
        // A number is told with what it counts.
        let count = if scan::number(self.peek(0)).is_some() && !self.peek(1).is_empty() { 2 } else { 1 };
        let found = (0..count).map(|ahead| self.peek(ahead)).collect::<Vec<_>>().join(" ");
        let first = self.place;
        self.place += count;
        if found.is_empty() {
            return self.refuse(from, format!("names no {} after '{announced}'", &wanted[2..]), hint);
        }
        self.refuse(first, format!("'{found}' is not {wanted}"), hint)
    }

    pub fn set_days(&mut self, from: usize, days: Days) -> Result<bool, PhraseError> {
        if self.said.days.replace(days).is_some() {
            return self.refuse(from, "names its days twice", "say each thing once");
        }
        Ok(true)
    }

    fn set_cycle(&mut self, from: usize, cycle: Cycle) -> Result<bool, PhraseError> {
        // Every 2 hours, every Monday: the second one only names the days.
        if cycle == Cycle::Named && matches!(self.said.cycle, Some(Cycle::Interval(_))) {
            return Ok(true);
        }
        if self.said.cycle.replace(cycle).is_some() {
            return self.refuse(from, "says twice how often", "say each thing once");
        }
        Ok(true)
    }

    pub fn set_part(&mut self, part: Part) -> Result<bool, PhraseError> {
        if self.said.part.replace(part).is_some() {
            return self.refuse(self.place - 1, "names the part of the day twice", "say each thing once");
        }
        Ok(true)
    }

    /// One group of words; whether there is one here.
    fn piece(&mut self) -> Result<bool, PhraseError> {
        let from = self.place;
        let word = self.peek(0).to_owned();
        let cycle = match word.as_str() {
            "hourly" => Cycle::Interval(Span::from_seconds(3600)),
            "daily" => Cycle::Day,
            "weekly" => Cycle::Week,
            "monthly" => Cycle::Month,
            "yearly" | "annually" => Cycle::Year,
            "once" => {
                self.place += 1;
                return Ok(true);
            }
            "every" | "each" => return self.every(),
            "in" => return self.after(),
            "at" => return self.at(),
            "on" => {
                self.place += 1;
                return if self.day()? { Ok(true) } else { self.refuse_next(from, "a day", PHRASE_EXAMPLES) };
            }
            _ => return Ok(self.times(false)? || self.day()? || self.span_from_now()?),
        };
        self.place += 1;
        self.set_cycle(from, cycle)
    }

    /// `every …`; the days it is about may follow as a group of their own.
    fn every(&mut self) -> Result<bool, PhraseError> {
        let from = self.place;
        self.place += 1;
        if self.took(&["other", "alternate"]) {
            let hint = "write 'every 2 days', or one schedule with cron";
            return self.refuse(from, "cannot count every other day or week", hint);
        }
        if scan::ordinal(self.peek(0)).is_some_and(|count| count > 1) && scan::unit(self.peek(1)).is_some() {
            self.place += 2;
            return self.refuse(from, "cannot count days and weeks like this", "write for example 'every 2 days'");
        }
        if let Some(span) = self.span()? {
            return self.set_cycle(from, Cycle::Interval(span));
        }
        let counted = self.peek(0) == "second" && weekday(self.peek(1)).is_some();
        let cycle = match self.peek(0) {
            "day" => Cycle::Day,
            "week" => Cycle::Week,
            "month" => Cycle::Month,
            "year" => Cycle::Year,
            unit @ ("hour" | "minute" | "second") if !counted => {
                Cycle::Interval(Span::from_millis(scan::unit(unit).unwrap_or_default()))
            }
            _ => return self.set_cycle(from, Cycle::Named),
        };
        self.place += 1;
        self.set_cycle(from, cycle)
    }

    /// `in 2 hours`, `in the morning`.
    fn after(&mut self) -> Result<bool, PhraseError> {
        let from = self.place;
        self.place += 1;
        if self.peek(0) == "the"
            && let Some((part, false)) = part(self.peek(1))
        {
            self.place += 2;
            return self.set_part(part);
        }
        match self.span()? {
            Some(span) => self.set_span(from, span),
            None => self.refuse_next(from, "a span of time", "write for example 'in 2 hours' or 'in 1h30m'"),
        }
    }

    /// `2 hours from now`.
    fn span_from_now(&mut self) -> Result<bool, PhraseError> {
        let from = self.place;
        let Some(span) = self.span()? else { return Ok(false) };
        if (self.peek(0), self.peek(1)) == ("from", "now") {
            self.place += 2;
            return self.set_span(from, span);
        }
        let hint = format!("write 'in {span}' or 'every {span}'");
        self.refuse(from, "does not say whether this is once or again and again", hint)
    }

    fn set_span(&mut self, from: usize, span: Span) -> Result<bool, PhraseError> {
        if self.said.span.replace(span).is_some() {
            return self.refuse(from, "names its span twice", "say each thing once");
        }
        Ok(true)
    }

    /// `2 hours and 30 minutes`, `1h30m`, `half an hour`.
    fn span(&mut self) -> Result<Option<Span>, PhraseError> {
        let (from, mut total) = (self.place, 0_u64);
        loop {
            let before = self.place;
            if self.place > from
                && !self.took(&["and"])
                && scan::number(self.peek(0)).is_none()
                && !is_compact(self.peek(0))
            {
                break;
            }
            let Some(ms) = self.span_part()? else {
                self.place = before;
                break;
            };
            total = total.saturating_add(ms);
        }
        if total > crate::limits::SPAN_MS_MAX {
            return self.refuse(from, "is longer than 100 years", PHRASE_EXAMPLES);
        }
        Ok((self.place > from).then(|| Span::from_millis(total)))
    }

    fn span_part(&mut self) -> Result<Option<u64>, PhraseError> {
        let (from, word, next) = (self.place, self.peek(0), self.peek(1));
        if word == "half" && next == "an" && self.peek(2) == "hour" {
            self.place += 3;
            return Ok(Some(1_800_000));
        }
        if is_compact(word) {
            return match Span::parse(word) {
                Ok(span) => {
                    self.place += 1;
                    Ok(Some(span.as_millis()))
                }
                Err(error) => self.refuse(from, format!("'{word}' {}", error.why), PHRASE_EXAMPLES),
            };
        }
        let count = if matches!(word, "a" | "an") { Some(1) } else { scan::number(word) };
        let (count, unit) = (count, scan::unit(next));
        if count.is_some() && matches!(next, "month" | "months" | "year" | "years") {
            self.place += 2;
            let hint = "count in days or weeks, or write for example 'on the 1st of the month at 9'";
            return self.refuse(from, "uses months or years, which have no fixed length", hint);
        }
        let (Some(count), Some(unit)) = (count, unit) else { return Ok(None) };
        self.place += 2;
        Ok(Some(count.saturating_mul(unit)))
    }

    /// `at 9`, `at night`, `at 2026-12-24 18:00`.
    fn at(&mut self) -> Result<bool, PhraseError> {
        let from = self.place;
        self.place += 1;
        if self.took(&["night"]) {
            return self.set_part(Part::Night);
        }
        if self.iso_date()? || self.times(true)? {
            return Ok(true);
        }
        self.refuse_next(from, "a time of day", CLOCK_HINT)
    }
}

/// `90m`, `1h30m`: a span in one word.
fn is_compact(word: &str) -> bool {
    let digits = word.len() - word.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let unit = &word[digits..];
    digits > 0
        && unit.starts_with(['s', 'm', 'h', 'd', 'w'])
        && unit.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && scan::ordinal(word).is_none()
}
