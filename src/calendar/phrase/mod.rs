//! Times in plain words: `tomorrow at 9am`, `every weekday at 9`, `on the last day of the month at 18:00`.
//!
//! A phrase becomes what a trigger holds: an instant, an interval, or a cron pattern. Words may stand in any order;
//! each says one thing (how often, which days, what time), nothing may be said twice, and a phrase with a word that is
//! not understood is refused as a whole. Where people differ (`next friday`, `at 5`) one reading is chosen and told in
//! a note.
//! Units: `Timestamp`; the current time and the zone are arguments. Rounding: times of day are whole seconds.
//! Invariant: what [`Trigger::describe`] says of a phrase, without its zone, is a phrase with the same meaning; of a date
//! in every year it does not say `every year`, which must be added.
//! Not here: whether the time is past (`spec` refuses it, a file only notes it), bounds, exclusions.
//! Reading order: `scan` (words), `pieces` (what each group of words says), with `clock`, `days` and `months`; `once` and
//! `again` (what that means).
//!
//! [`Trigger::describe`]: super::Trigger::describe

mod again;
mod clock;
mod days;
mod months;
mod once;
mod pieces;
mod scan;

use std::ops::Range;

use super::{Cron, Zone};
use crate::limits;
use crate::time::{Span, Timestamp};

/// Phrases that show what is understood.
pub const PHRASE_EXAMPLES: &str = "write for example 'in 2 hours', 'tomorrow at 9am', 'next friday 17:00', \
                                   'every weekday at 9', 'every 15 minutes' or 'on the 1st of the month at noon'";

/// A phrase that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Phrase {
    /// What it means.
    pub meaning: Meaning,
    /// How it was read where it could be read otherwise.
    pub notes: Vec<String>,
}

/// What a phrase means.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// Once.
    Once {
        /// When; it may be past.
        at: Timestamp,
        /// Where it is past: the phrase that was perhaps meant.
        instead: Option<String>,
    },
    /// Again and again, after this span.
    Every(Span),
    /// By a cron pattern.
    Cron(Cron),
}

/// A phrase that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhraseError {
    /// What is wrong, naming the words.
    pub message: String,
    /// Bytes of the text at fault.
    pub at: Range<usize>,
    /// The way out.
    pub hint: String,
}

impl Phrase {
    /// Reads a phrase at `now`, on the clock of `zone`.
    pub fn read(text: &str, now: Timestamp, zone: Zone) -> Result<Self, PhraseError> {
        let whole = 0..text.len();
        if text.chars().count() > limits::PHRASE_CHARS_MAX {
            let message = format!("is longer than {} characters", limits::PHRASE_CHARS_MAX);
            return Err(PhraseError::new(message, whole, PHRASE_EXAMPLES));
        }
        if let Some(at) = Timestamp::parse_rfc3339(text.trim()) {
            return Ok(Self { meaning: Meaning::Once { at, instead: None }, notes: Vec::new() });
        }
        let words = scan::words(text);
        if words.is_empty() {
            return Err(PhraseError::new("says nothing", whole, PHRASE_EXAMPLES));
        }
        let said = pieces::read(&words)?;
        let mut notes = Vec::new();
        let setting = Setting { now, zone, whole: text.trim() };
        let meaning = if said.recurs() {
            again::meaning(said, setting, &mut notes)?
        } else {
            once::meaning(said, setting, &mut notes)?
        };
        Ok(Self { meaning, notes })
    }
}

impl PhraseError {
    fn new(message: impl Into<String>, at: Range<usize>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), at, hint: hint.into() }
    }
}

/// What a phrase is read by.
#[derive(Clone, Copy)]
struct Setting<'t> {
    now: Timestamp,
    zone: Zone,
    /// The phrase.
    whole: &'t str,
}

impl Setting<'_> {
    /// A mistake of the whole phrase.
    fn refuse<T>(self, message: impl Into<String>, hint: impl Into<String>) -> Result<T, PhraseError> {
        Err(PhraseError::new(message, 0..self.whole.len(), hint))
    }
}
