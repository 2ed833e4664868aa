//! Where a text should not be cut, and how its parts are mended where it must be.
//!
//! Units: bytes of the text. A *whole* is a range that is cut only if it is longer than a part: a link, an address, a
//! code span, a heading. A *seam* belongs to one that can be closed and opened again: a fence, a
//! table, emphasis.
//! Invariant: one pass over what the parser tells, in the order of the text.
//! Not here: how long a part is (`split`).

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::gateway::text::markdown;

/// One stretch of a text that is torn only in need.
pub(super) struct Stretch {
    /// All of it.
    pub(super) range: Range<usize>,
    /// How it is mended; without that its halves are left as they are.
    pub(super) seam: Option<Seam>,
}

/// How a torn stretch is closed in one part and opened again in the next.
pub(super) struct Seam {
    /// Where it can be torn: strictly inside of this.
    pub(super) inner: Range<usize>,
    /// What the next part begins with.
    pub(super) opener: String,
    /// What the part before ends with.
    pub(super) closer: String,
    /// What stands before each further line, and so before the rest of one.
    pub(super) prefix: String,
    /// Blanks taken from the start of each further line.
    pub(super) indent: usize,
}

/// All of these of one text.
#[derive(Default)]
pub(super) struct Seams {
    /// In the order of their starts; of two that start together the longer is first.
    pub(super) stretches: Vec<Stretch>,
    /// Headings with the beginning of what follows them, in order.
    pub(super) headings: Vec<Range<usize>>,
    /// The insides of code blocks, where blanks at the start of a line count.
    pub(super) code: Vec<Range<usize>>,
}

impl Seam {
    /// Everything that it may add to a part, one after the other.
    pub(super) fn additions(&self) -> [&str; 3] {
        [&self.opener, &self.prefix, &self.closer]
    }
}

impl Seams {
    /// Reads a text.
    pub(super) fn of(text: &str) -> Self {
        let mut reader = Reader { text, seams: Self::default(), code: None };
        for (event, range) in Parser::new_ext(text, markdown::options()).into_offset_iter() {
            reader.read(&event, range);
        }
        reader.addresses();
        let mut seams = reader.seams;
        seams.stretches.sort_by_key(|stretch| (stretch.range.start, usize::MAX - stretch.range.end));
        seams
    }
}

struct Reader<'a> {
    text: &'a str,
    seams: Seams,
    /// The lines of the code block that is being read, as far as there are any.
    code: Option<Range<usize>>,
}

impl Reader<'_> {
    fn read(&mut self, event: &Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => self.code = Some(range.end..range.end),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => self.indented(range),
            Event::End(TagEnd::CodeBlock) => self.fence(range),
            Event::Text(_) if self.code.is_some() => {
                let lines = self.code.take().map_or(range.start, |lines| lines.start.min(range.start))..range.end;
                self.code = Some(lines);
            }
            Event::Start(Tag::Strong) => self.marked(range, 2),
            Event::Start(Tag::Emphasis) => self.marked(range, 1),
            Event::Start(Tag::Strikethrough) => {
                let marker = self.run(range.start, '~');
                self.marked(range, marker);
            }
            Event::Code(_) => {
                let marker = self.run(range.start, '`');
                self.marked(range, marker);
            }
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) | Event::InlineHtml(_) => self.whole(range),
            Event::Start(Tag::TableRow) => self.whole(range.start..self.trimmed(&range)),
            // A character reference is longer than what it stands for.
            Event::Text(read) if **read != self.text[range.clone()] => self.whole(range),
            Event::HardBreak if self.text[range.clone()].starts_with('\\') => self.whole(range),
            Event::End(TagEnd::Heading(_)) => {
                let end = self.first_char_end(range.end);
                self.seams.headings.push(range.start..end);
                self.whole(range.start..self.trimmed(&range));
            }
            Event::Start(Tag::Table(_)) => self.table(range),
            _ => {}
        }
    }

    fn whole(&mut self, range: Range<usize>) {
        self.seams.stretches.push(Stretch { range, seam: None });
    }

    /// A stretch between two markers of this many bytes.
    fn marked(&mut self, range: Range<usize>, marker: usize) {
        let inner = range.start + marker..range.end.saturating_sub(marker);
        if inner.is_empty() {
            return self.whole(range);
        }
        let marker = self.text[range.start..inner.start].to_owned();
        self.torn(range, Seam { inner, opener: marker.clone(), closer: marker, prefix: String::new(), indent: 0 });
    }

    /// A stretch that can be mended; it is never torn between a marker and its neighbour.
    fn torn(&mut self, range: Range<usize>, seam: Seam) {
        let head = range.start..self.first_char_end(seam.inner.start);
        let tail = self.last_char_start(seam.inner.end)..range.end;
        self.seams.stretches.push(Stretch { range, seam: Some(seam) });
        self.whole(head);
        self.whole(tail);
    }

    fn indented(&mut self, range: Range<usize>) {
        let range = self.line_start(range.start)..self.trimmed(&range);
        self.seams.code.push(range.clone());
        self.whole(range);
    }

    fn fence(&mut self, range: Range<usize>) {
        let Some(inner) = self.code.take() else { return };
        let range = range.start..self.trimmed(&range);
        if inner.start >= range.end {
            return self.whole(range);
        }
        let opening = self.text[range.start..self.line_end(range.start)].trim_end();
        let marker = &opening[..opening.len() - opening.trim_start_matches(['`', '~']).len()];
        // What opens the line is not left behind.
        let line = self.line_start(range.start);
        let before = &self.text[line..range.start];
        let (prefix, indent) = match before.rfind('>') {
            Some(quoted) => (format!("{} ", &before[..=quoted]), 0),
            None => (String::new(), before.len()),
        };
        let opener = format!("{prefix}{opening}\n");
        let closer = format!("\n{prefix}{marker}");
        self.seams.code.push(inner.clone());
        self.torn(line..range.end, Seam { inner, opener, closer, prefix, indent });
    }

    /// A table whose head, which is two lines, is written again over the rows of the next part.
    fn table(&mut self, range: Range<usize>) {
        let range = range.start..self.trimmed(&range);
        let head = self.line_end(range.start);
        let inner = (self.line_end((head + 1).min(range.end)) + 1).min(range.end)..range.end;
        if inner.is_empty() || self.line_start(range.start) != range.start {
            return self.whole(range);
        }
        let opener = self.text[range.start..inner.start].to_owned();
        self.torn(range, Seam { inner, opener, closer: String::new(), prefix: String::new(), indent: 0 });
    }

    /// Addresses that stand in the text as they are: from the scheme to the next blank.
    fn addresses(&mut self) {
        let mut from = 0;
        while let Some(colon) = self.text[from..].find("://").map(|at| from + at) {
            let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
            let scheme = self.text[from..colon].trim_end_matches(is_scheme).len();
            let is_end = |c: char| c.is_whitespace() || !c.is_ascii() || "<>\"".contains(c);
            let end = self.text[colon..].find(is_end).map_or(self.text.len(), |at| colon + at);
            self.whole(from + scheme..end);
            from = end;
        }
    }

    /// The end of a range without the blanks at its end.
    fn trimmed(&self, range: &Range<usize>) -> usize {
        range.start + self.text[range.clone()].trim_end().len()
    }

    /// How often a character stands here.
    fn run(&self, at: usize, marker: char) -> usize {
        let rest = &self.text[at..];
        rest.len() - rest.trim_start_matches(marker).len()
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline)
    }

    /// The end of the first character at or after this place that is not blank.
    fn first_char_end(&self, at: usize) -> usize {
        let mut rest = self.text[at..].char_indices().skip_while(|(_, c)| c.is_whitespace());
        rest.next().map_or(self.text.len(), |(offset, c)| at + offset + c.len_utf8())
    }

    /// The start of the last character before this place that is not blank.
    fn last_char_start(&self, at: usize) -> usize {
        let mut before = self.text[..at].char_indices().rev().skip_while(|(_, c)| c.is_whitespace());
        before.next().map_or(0, |(offset, _)| offset)
    }
}
