//! A stretch of a pattern's text that remembers where it stands.
//!
//! Units: bytes from the start of the pattern as it was given.
//! Invariant: both ends lie on character boundaries.
//! Not here: what the text means (`field`, `dialect`).
//! Source: rule 7 of our style: an error carries the place and the value at fault.

use std::ops::Range;

use super::CronError;

/// Part of a pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    start: usize,
}

impl<'a> Piece<'a> {
    /// A whole text.
    pub(super) fn whole(text: &'a str) -> Self {
        Self { text, start: 0 }
    }

    /// Where it stands.
    pub(super) fn range(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// The bytes `from..upto` of it.
    pub(super) fn part(self, from: usize, upto: usize) -> Self {
        Self { text: &self.text[from..upto], start: self.start + from }
    }

    /// Its parts between separators.
    pub(super) fn split(self, separator: char) -> impl Iterator<Item = Self> {
        self.text.split(separator).map(move |text| self.holding(text))
    }

    /// What stands before and after the first separator.
    pub(super) fn split_once(self, separator: char) -> Option<(Self, Self)> {
        let (before, after) = self.text.split_once(separator)?;
        Some((self.holding(before), self.holding(after)))
    }

    /// Its parts between white space.
    pub(super) fn words(self) -> impl Iterator<Item = Self> {
        self.text.split_whitespace().map(move |text| self.holding(text))
    }

    /// An error at this place.
    pub(super) fn wrong(self, message: String, hint: impl Into<String>) -> CronError {
        CronError { message, at: self.range(), hint: Some(hint.into()) }
    }

    /// The place of a slice of this piece.
    fn holding(self, part: &'a str) -> Self {
        // Both are slices of one text, so the distance of their addresses is the distance of their bytes.
        let offset = part.as_ptr() as usize - self.text.as_ptr() as usize;
        Self { text: part, start: self.start + offset }
    }
}
