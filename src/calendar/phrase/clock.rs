//! Times of the day as written, and what they mean once the part of the day is known.
//!
//! Units: hours, minutes, seconds of a civil day.
//! Invariant: nothing is settled without a note where half of its readers would settle it otherwise.
//! Not here: the date (`once`), patterns (`again`).

use super::PhraseError;
use super::pieces::Reader;
use super::scan::{month, number, unit};

/// The way out of a time of day that is none.
pub(super) const CLOCK_HINT: &str = "write for example 9am, 17:30 or noon";

/// A time of day as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    /// Written without am and pm, from 1 to 12: morning or evening are not told apart.
    pub open: bool,
    /// Written as `midnight`.
    pub midnight: bool,
    /// As written.
    pub text: String,
}

/// A part of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Morning,
    Afternoon,
    Evening,
    Night,
}

/// A time of day that is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    /// After midnight of a night: it belongs to the following date.
    pub next_day: bool,
}

impl Part {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Morning => "morning",
            Self::Afternoon => "afternoon",
            Self::Evening => "evening",
            Self::Night => "night",
        }
    }

    /// The hour that stands for the whole part.
    const fn hour(self) -> u32 {
        match self {
            Self::Morning => 9,
            Self::Afternoon => 15,
            Self::Evening => 18,
            Self::Night => 20,
        }
    }

    /// The time that a part of the day means alone.
    pub fn time(self, notes: &mut Vec<String>) -> Time {
        notes.push(format!("'{}' is read as {:02}:00", self.word(), self.hour()));
        Time { hour: self.hour(), minute: 0, second: 0, next_day: false }
    }

    /// A written hour within this part: the hour, and whether it lies after midnight; `None` if it is not in it.
    const fn place(self, hour: u32, open: bool) -> Option<(u32, bool)> {
        match (self, hour) {
            (Self::Morning, 0..=11) => Some((hour, false)),
            (Self::Afternoon, 1..=6) if open => Some((hour + 12, false)),
            (Self::Evening, 4..=11) | (Self::Night, 6..=11) if open => Some((hour + 12, false)),
            (Self::Afternoon, 12..=18) | (Self::Evening, 16..=23) => Some((hour, false)),
            (Self::Night, 12) if open => Some((0, true)),
            (Self::Evening, 0) | (Self::Night, 0..=5) => Some((hour, true)),
            (Self::Night, 18..=23) => Some((hour, false)),
            (Self::Morning | Self::Afternoon | Self::Evening | Self::Night, _) => None,
        }
    }
}

impl Clock {
    /// Settles between morning and evening.
    pub fn settle(&self, part: Option<Part>, notes: &mut Vec<String>) -> Result<Time, String> {
        let Self { hour, minute, second, open, midnight, ref text } = *self;
        let Some(part) = part else {
            // People who say 8 to 12 without more mean the morning, or noon; below that nobody knows.
            if open && hour <= 7 {
                let behind = if minute == 0 { String::new() } else { format!(":{minute:02}") };
                let other = format!("write {hour}{behind}pm if that is meant");
                notes.push(format!("'{text}' is read as {hour:02}:{minute:02}; {other}"));
            }
            if midnight {
                notes.push("midnight is read as 00:00, the beginning of its day".to_owned());
            }
            return Ok(Time { hour, minute, second, next_day: false });
        };
        match part.place(hour, open) {
            Some((hour, next_day)) => Ok(Time { hour, minute, second, next_day }),
            None => Err(format!("'{text}' is not in the {}", part.word())),
        }
    }
}

impl Reader<'_> {
    /// One or several times of the day; after `at` an hour alone is one, too.
    pub(super) fn times(&mut self, after_at: bool) -> Result<bool, PhraseError> {
        let from = self.place;
        let Some(first) = self.clock(after_at)? else { return Ok(false) };
        let mut times = vec![first];
        loop {
            let before = self.place;
            let listed = self.words.get(self.place).is_some_and(|word| word.listed);
            let joined = self.took(&["and"]);
            let again = joined && self.took(&["at"]);
            let next = if listed || joined { self.clock(after_at || again)? } else { None };
            let Some(next) = next else {
                self.place = before;
                break;
            };
            times.push(next);
        }
        if !self.said.times.is_empty() {
            return self.refuse(from, "names its time of day twice", "say each thing once");
        }
        self.said.times = times;
        Ok(true)
    }

    /// `9am`, `9:30 pm`, `17:00`, `noon`; a plain hour only where it can be nothing else.
    fn clock(&mut self, plain_fits: bool) -> Result<Option<Clock>, PhraseError> {
        let (from, word) = (self.place, self.peek(0).to_owned());
        let fixed = |hour| Clock { hour, minute: 0, second: 0, open: false, midnight: hour == 0, text: word.clone() };
        if let Some(hour) =
            [("noon", 12), ("midday", 12), ("midnight", 0)].into_iter().find(|(name, _)| *name == word)
        {
            self.place += 1;
            return Ok(Some(fixed(hour.1)));
        }
        let half = ["am", "pm"].into_iter().find(|half| word.ends_with(half));
        let digits = half.map_or(word.as_str(), |half| &word[..word.len() - half.len()]);
        let spelt = number(digits).filter(|_| half.is_none()).map(|hour| hour.to_string());
        let parts: Vec<&str> =
            spelt.as_deref().filter(|_| !digits.starts_with('0')).unwrap_or(digits).split(':').collect();
        let is_clock = parts.len() <= 3
            && parts.iter().enumerate().all(|(index, part)| {
                let width = if index == 0 { 1..=2 } else { 2..=2 };
                width.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
            });
        if !is_clock {
            return Ok(None);
        }
        let (next, plain) = (self.peek(1), parts.len() == 1 && half.is_none());
        let behind = ["am", "pm"].into_iter().find(|half| *half == next).filter(|_| half.is_none());
        let named = next == "o'clock";
        let counts = unit(next).is_some() || month(next).is_some() || matches!(next, "of" | "months" | "years");
        if plain && behind.is_none() && !named && (!plain_fits || counts) {
            return Ok(None);
        }
        self.place += 1 + usize::from(behind.is_some() || named);
        let value = |index: usize| parts.get(index).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
        let (hour, minute, second) = (value(0), value(1), value(2));
        let half = half.or(behind);
        let fits = if half.is_some() { (1..=12).contains(&hour) } else { hour <= 23 };
        if !fits || minute > 59 || second > 59 {
            return self.refuse(from, format!("'{word}' is not a time of day"), CLOCK_HINT);
        }
        let open = half.is_none() && (1..=12).contains(&hour) && !parts[0].starts_with('0');
        let hour = match half {
            Some("am") => hour % 12,
            Some(_) => hour % 12 + 12,
            None => hour,
        };
        Ok(Some(Clock {
            hour,
            minute,
            second,
            open,
            midnight: false,
            text: word.clone() + behind.unwrap_or_default(),
        }))
    }
}
