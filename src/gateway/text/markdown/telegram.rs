//! Telegram: a text and its entities.
//!
//! Units: UTF-16 code units. Invariants, which are the Bot API's: two entities are apart or one holds the other; code
//! holds nothing and lies in no bold, italic or struck one; quotes hold no quotes, links no code; none begins or ends
//! with a blank; there are no more than the platform keeps. The text is never longer than its source.
//! Not here: JSON.
//! Source: Telegram Bot API, "Formatting options".

use std::ops::Range;

use crate::gateway::text::markdown::has_scheme;
use crate::gateway::text::markdown::rich::{Linking, Mark, Rich, Style, holder};
use crate::limits::TELEGRAM_ENTITIES_COUNT_MAX;

/// A text with its entities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formatted {
    /// The text without Markdown's signs.
    pub text: String,
    /// By their offsets.
    pub entities: Vec<Entity>,
}

/// A formatted stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// How.
    pub format: Format,
    /// Where it begins, in UTF-16 units.
    pub offset: usize,
    /// How long it is, in UTF-16 units.
    pub length: usize,
}

/// The formats that Markdown has a sign for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Bold; headings too.
    Bold,
    /// Italic.
    Italic,
    /// Struck through.
    Strikethrough,
    /// A quote.
    Blockquote,
    /// Code within a line.
    Code,
    /// Lines of code; tables too.
    Pre {
        /// The language, if it is named.
        language: Option<String>,
    },
    /// A link.
    TextLink {
        /// Where it leads.
        url: String,
    },
}

impl Format {
    /// The Bot API's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bold => "bold",
            Self::Italic => "italic",
            Self::Strikethrough => "strikethrough",
            Self::Blockquote => "blockquote",
            Self::Code => "code",
            Self::Pre { .. } => "pre",
            Self::TextLink { .. } => "text_link",
        }
    }
}

/// Reads Markdown.
#[must_use]
pub fn telegram(source: &str) -> Formatted {
    let linking = Linking {
        can_link: |address| has_scheme(address, &["http://", "https://", "tg://"]),
        count_max: TELEGRAM_ENTITIES_COUNT_MAX,
        has_room: false,
    };
    let Rich { text, marks } = Rich::of(source, linking);
    let mut marks = apart(marks);
    for mark in &mut marks {
        mark.range = without_blanks(&text, mark.range.clone());
    }
    marks.retain(|mark| !mark.range.is_empty());
    // A link that is left out is lost, and a style is not missed.
    marks.sort_by_key(|mark| !matches!(mark.style, Style::Link(_) | Style::Block(_)));
    marks.truncate(TELEGRAM_ENTITIES_COUNT_MAX);
    marks.sort_by_key(|mark| (mark.range.start, usize::MAX - mark.range.end, mark.style.level()));
    let entities = entities(&text, marks);
    Formatted { text, entities }
}

/// The marks as the platform allows them to lie in one another.
fn apart(marks: Vec<Mark>) -> Vec<Mark> {
    let mut apart: Vec<Mark> = Vec::with_capacity(marks.len());
    let links = Rich::outermost(&marks, |style| matches!(style, Style::Link(_)));
    let mut code = Rich::outermost(&marks, |style| matches!(style, Style::Code | Style::Block(_)));
    code.retain(|range| holder(&links, range).is_none());
    // How far the stretches of each style go that were let through.
    let mut ends = [0; 4];
    for mark in marks {
        let style = match mark.style {
            Style::Bold => 0,
            Style::Italic => 1,
            Style::Struck => 2,
            Style::Quote => 3,
            Style::Code | Style::Block(_) => {
                if holder(&links, &mark.range).is_none() {
                    apart.push(mark);
                }
                continue;
            }
            Style::Link(_) => {
                apart.push(mark);
                continue;
            }
        };
        if mark.range.end <= ends[style] {
            continue;
        }
        ends[style] = mark.range.end;
        if style == 3 {
            apart.push(mark);
        } else {
            let pieces = around(&code, mark.range.clone());
            apart.extend(pieces.into_iter().map(|range| Mark { range, style: mark.style.clone() }));
        }
    }
    apart
}

/// What is left of a range without these, which are in order and apart.
fn around(holes: &[Range<usize>], range: Range<usize>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = range.start;
    let first = holes.partition_point(|hole| hole.end <= range.start);
    for hole in holes[first..].iter().take_while(|hole| hole.start < range.end) {
        pieces.push(start..hole.start.max(start));
        start = hole.end.min(range.end);
    }
    pieces.push(start..range.end);
    pieces
}

fn without_blanks(text: &str, range: Range<usize>) -> Range<usize> {
    let inside = &text[range.clone()];
    let end = range.start + inside.trim_end().len();
    end - text[range.start..end].trim_start().len()..end
}

fn entities(text: &str, marks: Vec<Mark>) -> Vec<Entity> {
    let mut places: Vec<usize> = marks.iter().flat_map(|mark| [mark.range.start, mark.range.end]).collect();
    places.sort_unstable();
    places.dedup();
    let mut offsets = Vec::with_capacity(places.len());
    let (mut at, mut offset) = (0, 0);
    for &place in &places {
        offset += text[at..place].encode_utf16().count();
        at = place;
        offsets.push(offset);
    }
    let offset_of = |place: usize| offsets[places.partition_point(|&other| other < place)];
    let entity = |mark: Mark| {
        let offset = offset_of(mark.range.start);
        let length = offset_of(mark.range.end) - offset;
        let format = match mark.style {
            Style::Bold => Format::Bold,
            Style::Italic => Format::Italic,
            Style::Struck => Format::Strikethrough,
            Style::Quote => Format::Blockquote,
            Style::Code => Format::Code,
            Style::Block(language) => Format::Pre { language },
            Style::Link(url) => Format::TextLink { url },
        };
        Entity { format, offset, length }
    };
    marks.into_iter().map(entity).collect()
}
