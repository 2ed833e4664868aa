//! A source text and how its offsets become lines and columns.
//!
//! Units: offsets are bytes, columns and marks are characters; lines and columns count from 1.
//! Invariant: finding a place costs the same wherever it is, so that a file of one endless line is no trap.

use std::ops::Range;
use std::sync::Arc;

use crate::problem::{Place, Problem};

/// Bytes between two checkpoints.
const BLOCK: usize = 256;

/// A text with its index.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub text: Arc<str>,
    /// Whether bytes and characters are the same.
    ascii: bool,
    /// Byte offset of each line.
    lines: Vec<usize>,
    /// Characters that begin before each block of bytes.
    chars: Vec<usize>,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let mut lines = vec![0];
        let mut chars = vec![0];
        let mut count = 0;
        for (offset, byte) in text.bytes().enumerate() {
            if offset > 0 && offset % BLOCK == 0 {
                chars.push(count);
            }
            count += usize::from(begins_char(byte));
            if byte == b'\n' {
                lines.push(offset + 1);
            }
        }
        Self { text: text.into(), ascii: text.is_ascii(), lines, chars }
    }

    /// The place of some bytes, cut at the end of their first line.
    pub(super) fn place(&self, range: Range<usize>) -> Place {
        let offset = range.start.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1];
        let mut end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        if end > start && self.text.as_bytes()[end - 1] == b'\r' {
            end -= 1;
        }
        Place {
            line,
            column: self.chars_before(offset) - self.chars_before(start) + 1,
            offset,
            length: range.end.clamp(offset, end.max(offset)) - offset,
        }
    }

    /// The place of a line and a column in characters, both from 1.
    pub(super) fn place_at(&self, line: usize, column: usize) -> Place {
        let start = self.lines[line.clamp(1, self.lines.len()) - 1];
        let offset = self.byte_of(self.chars_before(start) + column.saturating_sub(1));
        let place = self.place(offset..offset + 1);
        // A column past the line's end, as parsers give for what is missing there, must not slip to the next line.
        if place.line > line { self.place(start..start + 1) } else { place }
    }

    /// A problem of the text as a whole at a place.
    pub(super) fn problem(&self, message: impl Into<String>, place: Option<Place>) -> Problem {
        Problem { place, ..Problem::new("", message) }
    }

    /// The byte at which a character begins.
    pub(super) fn byte_of(&self, char_index: usize) -> usize {
        if self.ascii {
            return char_index.min(self.text.len());
        }
        let block = self.chars.partition_point(|count| *count <= char_index).saturating_sub(1);
        let mut left = char_index - self.chars[block].min(char_index);
        for (offset, byte) in self.text.bytes().enumerate().skip(block * BLOCK) {
            if begins_char(byte) {
                if left == 0 {
                    return offset;
                }
                left -= 1;
            }
        }
        self.text.len()
    }

    /// The character boundary at or before an offset.
    pub(super) fn boundary(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        (0..=offset).rev().find(|byte| self.text.is_char_boundary(*byte)).unwrap_or(0)
    }

    fn chars_before(&self, offset: usize) -> usize {
        if self.ascii {
            return offset;
        }
        let block = (offset / BLOCK).min(self.chars.len() - 1);
        let rest = &self.text.as_bytes()[block * BLOCK..offset];
        self.chars[block] + rest.iter().filter(|byte| begins_char(**byte)).count()
    }
}

const fn begins_char(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}
