//! Cuts a text into parts that each fit: between paragraphs, else lines, sentences, words, graphemes.
//!
//! Units: bytes of the text for places, the limit's own unit for lengths. A part is filled for at least a third before a
//! finer cut is preferred to a coarser one.
//! Invariants: every part fits, none is blank, and joined they are the text but for blanks at the cuts and what mends a
//! torn stretch (`seams`). The same text gives the same parts. Time and memory grow with the text's length.
//! Not here: what must not be torn (`seams`); reference links whose address stands in another part come out as text.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::gateway::TextLimit;
use crate::gateway::text::seams::{Seam, Seams};
use crate::limits::{PART_ROOM_MIN, PARTS_COUNT_MAX, TORN_LEVELS_MAX};

/// Whether parts say which they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbering {
    /// They do not.
    #[default]
    Off,
    /// Each ends with a line like `(2/3)`, which takes of its room. A text that fits as it is gets none.
    On,
}

/// Why a text cannot be cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Too many parts.
    #[error(
        "the text has {length} {unit} and takes more than {PARTS_COUNT_MAX} messages of {room}: shorten it, or send it where longer messages are taken"
    )]
    TooLong {
        /// The text's length.
        length: usize,
        /// A part's.
        room: usize,
        /// What both count.
        unit: &'static str,
    },
    /// Too little room to cut anything sensibly.
    #[error("a limit of {room} {unit} is too low to cut a text for: allow at least {PART_ROOM_MIN}")]
    TooNarrow {
        /// A part's length.
        room: usize,
        /// What it counts.
        unit: &'static str,
    },
}

/// Cuts a text where it has to be. One that fits stays as it is; a blank one has no parts.
///
/// # Errors
///
/// It takes more than [`PARTS_COUNT_MAX`] parts, or the limit is lower than [`PART_ROOM_MIN`].
pub fn split(text: &str, limit: TextLimit, numbering: Numbering) -> Result<Vec<String>, SplitError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let length = limit.measure(text);
    let Some(room) = limit.room().filter(|&room| room < length) else { return Ok(vec![text.to_owned()]) };
    let unit = limit.unit();
    if room < PART_ROOM_MIN {
        return Err(SplitError::TooNarrow { room, unit });
    }
    let text = text.trim_end();
    if limit.measure(text) <= room {
        return Ok(vec![text.to_owned()]);
    }
    let seams = Seams::of(text);
    let parts = match numbering {
        Numbering::Off => Cutter::new(text, limit, room, &seams).parts(PARTS_COUNT_MAX),
        Numbering::On => [9, PARTS_COUNT_MAX].into_iter().find_map(|parts_max| {
            let taken = number(parts_max, parts_max).len();
            let parts = Cutter::new(text, limit, room - taken, &seams).parts(parts_max)?;
            Some(numbered(parts))
        }),
    };
    parts.ok_or(SplitError::TooLong { length, room, unit })
}

/// What a numbered part ends with; a blank line keeps it out of whatever the part ends in.
fn number(part: usize, parts: usize) -> String {
    format!("\n\n({part}/{parts})")
}

fn numbered(parts: Vec<String>) -> Vec<String> {
    let count = parts.len();
    if count < 2 {
        return parts;
    }
    parts.into_iter().zip(1..).map(|(text, part)| text + number(part, count).as_str()).collect()
}

/// Kinds of cuts, the coarsest first.
#[derive(Clone, Copy)]
enum Kind {
    Paragraph,
    Line,
    Sentence,
    Word,
    Grapheme,
}

/// A place to cut.
#[derive(Clone, Copy)]
struct Cut {
    /// Where the part ends.
    end: usize,
    /// Where the next begins.
    next: usize,
    /// Blanks at the start of the next part's lines.
    indent: usize,
}

/// The last cut of each kind: in the first third of a part, and after it.
#[derive(Clone, Copy, Default)]
struct Found {
    early: [Option<Cut>; 5],
    late: [Option<Cut>; 5],
}

impl Found {
    fn best(self) -> Option<Cut> {
        let finest = Kind::Grapheme as usize;
        let coarse = self.late[..finest].iter().chain(&self.early[..finest]);
        coarse.chain([&self.late[finest], &self.early[finest]]).copied().flatten().next()
    }
}

/// Where a part begins.
struct Begin<'a> {
    at: usize,
    /// Blanks taken from the start of its lines.
    indent: usize,
    /// What it begins with, as the part before ended within.
    open: Vec<&'a Seam>,
}

struct Cutter<'a> {
    text: &'a str,
    limit: TextLimit,
    room: usize,
    seams: &'a Seams,
    /// The length of the text up to each byte.
    lengths: Vec<usize>,
    /// Stretches that fit a part, by their starts, with the furthest end of all up to each.
    whole: Vec<(usize, usize)>,
    /// Headings with what follows them, that fit.
    headings: Vec<Range<usize>>,
    /// Stretches that do not fit and can be mended.
    torn: Vec<&'a Seam>,
}

impl<'a> Cutter<'a> {
    fn new(text: &'a str, limit: TextLimit, room: usize, seams: &'a Seams) -> Self {
        let mut lengths = Vec::with_capacity(text.len() + 1);
        let mut length = 0;
        for c in text.chars() {
            lengths.extend(std::iter::repeat_n(length, c.len_utf8()));
            length += limit.width(c);
        }
        lengths.push(length);
        let (whole, torn) = (Vec::new(), Vec::new());
        let mut cutter = Self { text, limit, room, seams, lengths, whole, headings: Vec::new(), torn };
        cutter.headings = seams.headings.iter().filter(|range| cutter.length(range) <= room).cloned().collect();
        let mut furthest = 0;
        let mut around: Vec<(usize, usize)> = Vec::new();
        for stretch in &seams.stretches {
            let range = stretch.range.clone();
            around.retain(|&(end, _)| end > range.start);
            if cutter.length(&range) <= room {
                furthest = furthest.max(range.end);
                cutter.whole.push((range.start, furthest));
            } else if let Some(seam) = &stretch.seam {
                let mending = seam.additions().into_iter().map(|added| limit.measure(added)).sum();
                let all = around.iter().map(|(_, mending)| mending).sum::<usize>() + mending;
                // Half of a part is left for the text.
                if all * 2 <= room && around.len() < TORN_LEVELS_MAX {
                    around.push((range.end, mending));
                    cutter.torn.push(seam);
                }
            }
        }
        cutter
    }

    fn length(&self, range: &Range<usize>) -> usize {
        self.lengths[range.end] - self.lengths[range.start]
    }

    /// The parts, if they are no more than these.
    fn parts(&self, parts_max: usize) -> Option<Vec<String>> {
        let start = self.text.len() - self.text.trim_start().len();
        let mut begin = Begin { at: self.after_blanks(0, start).0, indent: 0, open: Vec::new() };
        let mut parts = Vec::new();
        while parts.len() < parts_max {
            let Some(cut) = self.cut(&begin) else {
                parts.push(self.part(&begin, self.text.len(), &[]));
                return Some(parts);
            };
            let open = self.open_at(cut.end);
            parts.push(self.part(&begin, cut.end, &open));
            begin = Begin { at: cut.next, indent: cut.indent, open };
        }
        None
    }

    fn part(&self, begin: &Begin<'_>, end: usize, open: &[&Seam]) -> String {
        let mut part: String = begin.open.iter().map(|seam| seam.opener.as_str()).collect();
        if !self.text[..begin.at].trim_end_matches([' ', '\t']).ends_with('\n') {
            part.push_str(begin.open.last().map_or("", |seam| &seam.prefix));
        }
        push_unindented(&mut part, &self.text[begin.at..end], begin.indent);
        part.extend(open.iter().rev().map(|seam| seam.closer.as_str()));
        part
    }

    /// The mended stretches that a cut here goes through, from outside in.
    fn open_at(&self, at: usize) -> Vec<&'a Seam> {
        self.torn.iter().filter(|seam| seam.inner.start < at && at < seam.inner.end).copied().collect()
    }

    /// Whether a cut here goes through something that fits a part.
    fn is_inside_whole(&self, at: usize) -> bool {
        let begun = self.whole.partition_point(|&(start, _)| start < at);
        begun > 0 && self.whole[begun - 1].1 > at
    }

    fn is_code(&self, at: usize) -> bool {
        is_inside(&self.seams.code, at + 1)
    }

    /// The best cut of what begins here; none if the rest fits.
    fn cut(&self, begin: &Begin<'_>) -> Option<Cut> {
        let opened: usize = begin.open.iter().map(|seam| self.limit.measure(&seam.opener)).sum();
        let prefixed = begin.open.last().map_or(0, |seam| self.limit.measure(&seam.prefix));
        let room = self.room - opened - prefixed;
        if self.length(&(begin.at..self.text.len())) <= room {
            return None;
        }
        let mut found = [Found::default(); 3];
        let mut graphemes = self.text[begin.at..].grapheme_indices(true).peekable();
        while let Some((offset, grapheme)) = graphemes.next() {
            let at = begin.at + offset;
            if self.length(&(begin.at..at)) > room {
                break;
            }
            let mut end = at + grapheme.len();
            if is_blank(grapheme) {
                while let Some((_, more)) = graphemes.next_if(|(_, next)| is_blank(next)) {
                    end += more.len();
                }
                self.between(&mut found, begin, room, at..end);
            } else if graphemes.peek().is_some_and(|(_, next)| !is_blank(next)) {
                let kind = if "。！？".contains(grapheme) {
                    Kind::Sentence
                } else if "、，；：".contains(grapheme) {
                    Kind::Word
                } else {
                    Kind::Grapheme
                };
                self.consider(&mut found, begin, room, kind, Cut { end, next: end, indent: 0 });
            }
        }
        Some(found.into_iter().find_map(Found::best).unwrap_or_else(|| self.through_grapheme(begin, room)))
    }

    /// Considers to cut at a run of blanks.
    fn between(&self, found: &mut [Found; 3], begin: &Begin<'_>, room: usize, blanks: Range<usize>) {
        let (next, indent) = self.after_blanks(blanks.start, blanks.end);
        let lines = self.text[blanks.clone()].matches('\n').count();
        let kind = match lines {
            0 if is_sentence_end(&self.text[..blanks.start]) => Kind::Sentence,
            0 => Kind::Word,
            1 => Kind::Line,
            _ => Kind::Paragraph,
        };
        if blanks.start > begin.at {
            self.consider(found, begin, room, kind, Cut { end: blanks.start, next, indent });
        }
    }

    /// Where the text goes on after a run of blanks, and how far what follows is indented.
    fn after_blanks(&self, start: usize, end: usize) -> (usize, usize) {
        let line = self.text[start..end].rfind('\n').map(|newline| start + newline + 1);
        match line.or((start == 0).then_some(0)) {
            Some(line) if self.is_code(line) => {
                let fence = self.torn.iter().find(|seam| seam.inner.start <= line && line < seam.inner.end);
                let indent = fence.map_or(0, |seam| seam.indent);
                (line + indent.min(end - line), indent)
            }
            Some(line) => (end, end - line),
            None => (end, 0),
        }
    }

    fn consider(&self, found: &mut [Found; 3], begin: &Begin<'_>, room: usize, kind: Kind, cut: Cut) {
        let length = self.length(&(begin.at..cut.end));
        let closed: usize = self.open_at(cut.end).iter().map(|seam| self.limit.measure(&seam.closer)).sum();
        if length + closed > room || cut.end == self.text.len() {
            return;
        }
        let within_line = !matches!(kind, Kind::Paragraph | Kind::Line);
        let (before, after) = (&self.text[begin.at..cut.end], &self.text[cut.next..]);
        let changes = within_line && (begins_block(after) || ends_in_sign(before)) || before.ends_with('\\');
        // Cuts that tear nothing, those that leave a heading alone, those that tear.
        let harm = if changes || self.is_inside_whole(cut.end) {
            2
        } else {
            usize::from(is_inside(&self.headings, cut.end))
        };
        let found = &mut found[harm];
        let side = if length * 3 < room { &mut found.early } else { &mut found.late };
        side[kind as usize] = Some(cut);
    }

    /// The last character that fits where not even one grapheme does.
    fn through_grapheme(&self, begin: &Begin<'_>, room: usize) -> Cut {
        let closed: usize = self.open_at(begin.at + 1).iter().map(|seam| self.limit.measure(&seam.closer)).sum();
        let mut end = begin.at;
        for c in self.text[begin.at..].chars() {
            let next = end + c.len_utf8();
            if end > begin.at && self.length(&(begin.at..next)) + closed > room {
                break;
            }
            end = next;
        }
        Cut { end, next: end, indent: 0 }
    }
}

/// Whether a place lies within one of these, which are in order.
fn is_inside(ranges: &[Range<usize>], at: usize) -> bool {
    let begun = ranges.partition_point(|range| range.start < at);
    begun > 0 && at < ranges[begun - 1].end
}

fn is_blank(grapheme: &str) -> bool {
    grapheme.chars().all(char::is_whitespace)
}

/// Whether a sentence ends here, quotes and brackets after it aside.
fn is_sentence_end(before: &str) -> bool {
    let mut last = before.chars().rev().take(4).skip_while(|c| "\"')]»”’*_".contains(*c));
    last.next().is_some_and(|c| ".!?…".contains(c))
}

/// Whether this would begin a block other than a paragraph if a line began with it.
fn begins_block(rest: &str) -> bool {
    let digits = rest.len().min(10) - rest.bytes().take(10).skip_while(u8::is_ascii_digit).count();
    let (marker, after) = match rest.as_bytes() {
        [b'#' | b'>' | b'|', ..] => return true,
        [a @ (b'`' | b'~' | b'-' | b'*' | b'_'), b, c, ..] if a == b && b == c => return true,
        [b'-' | b'+' | b'*', ..] => (1, rest.get(1..)),
        [b'0'..=b'9', ..] if rest[digits..].starts_with(['.', ')']) => (digits, rest.get(digits + 1..)),
        _ => return false,
    };
    marker > 0 && after.is_some_and(|after| after.is_empty() || after.starts_with(char::is_whitespace))
}

/// Signs of quotes and lists that may stand before what they belong to.
const SIGNS_COUNT_MAX: usize = 24;

/// Whether the last line holds nothing but the signs of quotes and lists, which belong to what follows.
fn ends_in_sign(before: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_digit() || ">-+*.) \t".contains(c);
    let mut end = before.chars().rev().take(SIGNS_COUNT_MAX);
    // Longer rows of signs are no sign of a block, and must not be gone through at every cut.
    let is_whole_line = |before: &str| before.chars().nth(SIGNS_COUNT_MAX - 1).is_none();
    before.ends_with(is_sign) && end.find(|c| !is_sign(*c)).map_or_else(|| is_whole_line(before), |c| c == '\n')
}

/// Adds lines, all but the first with fewer blanks at their starts, as far as they have them: they were inside of a list,
/// of which the part does not hold the beginning.
fn push_unindented(part: &mut String, lines: &str, indent: usize) {
    let (mut taken, mut is_over) = (0, false);
    for line in lines.split_inclusive('\n') {
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        // Outside of the list nothing is taken any more.
        is_over |= blanks < taken && !line.trim().is_empty();
        part.push_str(if is_over { line } else { &line[blanks.min(taken)..] });
        taken = indent;
    }
}
