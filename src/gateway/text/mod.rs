//! Texts for platforms: long ones cut into parts, Markdown in each platform's form.
//!
//! Units: lengths are counted as the [`TextLimit`] counts; ranges are bytes of the text they belong to.
//! Invariant: the same text gives the same parts and the same form every time, so that another attempt sends the same
//! bytes. What is not Markdown, is broken or is nested too deep comes out as text; nothing fails for it.
//! `split` is called where a run has its texts (`runtime::shaping`), before they are written down; `markdown` by the
//! adapters, for each part by itself. An adapter cuts nothing: it refuses what is too long.
//! Not here: sending, and any platform's wire (its adapter writes that).

pub mod markdown;
mod seams;
mod split;

pub use split::{Numbering, SplitError, split};

use crate::gateway::TextLimit;

impl TextLimit {
    /// The number, if there is one.
    #[must_use]
    pub fn room(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Utf16(room) | Self::Escaped(room) | Self::Chars(room) | Self::Bytes(room) => Some(room),
        }
    }

    /// The unit's name.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Utf16(_) => "UTF-16 units",
            Self::Escaped(_) => "UTF-16 units with its escapes",
            Self::None | Self::Chars(_) => "characters",
            Self::Bytes(_) => "bytes",
        }
    }

    /// How long a text is in this unit.
    #[must_use]
    pub fn measure(self, text: &str) -> usize {
        match self {
            Self::Bytes(_) => text.len(),
            Self::None | Self::Utf16(_) | Self::Escaped(_) | Self::Chars(_) => {
                text.chars().map(|c| self.width(c)).sum()
            }
        }
    }

    /// How long a character is in this unit.
    fn width(self, c: char) -> usize {
        match self {
            Self::None | Self::Chars(_) => 1,
            Self::Utf16(_) => c.len_utf16(),
            Self::Escaped(_) => c.len_utf16() + usize::from(markdown::is_sign(c)),
            Self::Bytes(_) => c.len_utf8(),
        }
    }
}
