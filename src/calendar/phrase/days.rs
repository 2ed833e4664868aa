//! Days by name: today and tomorrow, weekdays, and the parts of a day that stand behind them.
//!
//! Units: weekdays count from 0 = Sunday; a set of them has bit 0 for Sunday.
//! Not here: dates and days counted within a month (`months`).

use super::PhraseError;
use super::clock::Part;
use super::pieces::{Cycle, Days, Reader};
use super::scan::weekday;

impl Reader<'_> {
    /// A day, or several that belong together.
    pub(super) fn day(&mut self) -> Result<bool, PhraseError> {
        let from = self.place;
        if self.peek(0) == "the" && self.peek(1) == "day" {
            self.place += 1;
        }
        match (self.peek(0), self.peek(1)) {
            ("today", _) => self.ahead(0, 1),
            ("tomorrow", _) => self.ahead(1, 1),
            ("tonight", _) => {
                self.ahead(0, 1)?;
                self.set_part(Part::Night)
            }
            ("day", "after") if self.peek(2) == "tomorrow" => self.ahead(2, 3),
            ("this", next) if part(next).is_some_and(|(_, plural)| !plural) => self.ahead(0, 1),
            ("this" | "next", next) if weekday(next).is_some_and(|(_, plural)| !plural) => {
                let next = self.peek(0) == "next";
                self.place += 1;
                let set = weekday(self.peek(0)).map_or(0, |(day, _)| 1 << day);
                self.place += 1;
                self.set_days(from, Days::Weekdays { set, next, plural: false })?;
                self.part_behind(false)
            }
            ("this" | "next", _) => {
                self.place += 1;
                self.refuse(from, "names no day", "write the date, or for example 'next friday at 17:00'")
            }
            (word, _) if part(word).is_some() => {
                let (_, plural) = part(word).unwrap_or((Part::Night, false));
                if plural && self.said.cycle.is_none() {
                    self.said.cycle = Some(Cycle::Named);
                }
                if self.said.cycle != Some(Cycle::Named) {
                    return Ok(false);
                }
                self.part_behind(true)
            }
            _ => Ok(self.weekdays()? || self.date()? || self.of_month()?),
        }
    }

    fn ahead(&mut self, days: i64, words: usize) -> Result<bool, PhraseError> {
        let from = self.place;
        self.place += words;
        self.set_days(from, Days::Ahead(days))?;
        self.part_behind(false)
    }

    /// `morning` behind a day; `mornings` where a day comes again and again.
    fn part_behind(&mut self, plural_fits: bool) -> Result<bool, PhraseError> {
        if let Some((part, plural)) = part(self.peek(0))
            && (!plural || plural_fits)
        {
            self.place += 1;
            self.set_part(part)?;
        }
        Ok(true)
    }

    /// `monday`, `mon, wed and fri`, `monday to friday`, `weekdays`.
    fn weekdays(&mut self) -> Result<bool, PhraseError> {
        let from = self.place;
        let (mut set, mut is_plural) = (0_u8, false);
        loop {
            let before = self.place;
            let joined = self.place == from
                || self.took(&["and"])
                || self.words.get(self.place).is_some_and(|word| word.listed);
            let Some((days, plural)) = some_days(self.peek(0)).filter(|_| joined) else {
                self.place = before;
                break;
            };
            self.place += 1;
            is_plural |= plural;
            let upto = if matches!(self.peek(0), "to" | "through") { weekday(self.peek(1)) } else { None };
            set |= match upto.filter(|_| days.is_power_of_two()) {
                Some((last, plural)) => {
                    self.place += 2;
                    is_plural |= plural;
                    let first = days.trailing_zeros();
                    (0..=(last + 7 - first) % 7).fold(0, |set, step| set | 1 << ((first + step) % 7))
                }
                None => days,
            };
        }
        if self.place == from {
            return Ok(false);
        }
        self.set_days(from, Days::Weekdays { set, next: false, plural: is_plural })?;
        self.part_behind(true)
    }
}

/// The days of a word, and whether the word says by itself that they come again and again.
fn some_days(word: &str) -> Option<(u8, bool)> {
    match word {
        "weekday" | "weekdays" | "workday" | "workdays" => Some((0b011_1110, true)),
        "weekend" | "weekends" => Some((0b100_0001, true)),
        _ => weekday(word).map(|(day, plural)| (1 << day, plural)),
    }
}

/// A part of the day, and whether it stands in the plural.
pub(super) fn part(word: &str) -> Option<(Part, bool)> {
    let parts = [Part::Morning, Part::Afternoon, Part::Evening, Part::Night];
    parts.into_iter().find_map(|part| match word.strip_prefix(part.word())? {
        "" => Some((part, false)),
        "s" => Some((part, true)),
        _ => None,
    })
}
