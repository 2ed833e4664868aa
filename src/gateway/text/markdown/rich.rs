//! Markdown as a text and the stretches of it that are styled: what is common to the platforms without tags.
//!
//! Units: bytes of the text. Invariants: stretches nest and lie within the text, which begins and ends with no blank.
//! In UTF-16 units and in characters the text is no longer than its source, unless `Linking::has_room`.
//! Not here: which style a platform knows and how it is written (`telegram`, `slack`, `plain`).

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, LinkType, Parser, Tag, TagEnd};

use crate::gateway::text::markdown::options;

/// A text and what is styled in it.
pub(super) struct Rich {
    pub(super) text: String,
    /// By their starts; of those that start together the outer is first.
    pub(super) marks: Vec<Mark>,
}

/// One styled stretch.
#[derive(Clone)]
pub(super) struct Mark {
    pub(super) range: Range<usize>,
    pub(super) style: Style,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Style {
    Bold,
    Italic,
    Struck,
    Quote,
    Code,
    /// Lines of code, and their language.
    Block(Option<String>),
    /// Where it leads.
    Link(String),
}

impl Style {
    /// Of two that cover the same, which is the inner one.
    pub(super) fn level(&self) -> u8 {
        match self {
            Self::Quote => 0,
            Self::Bold | Self::Italic | Self::Struck => 1,
            Self::Link(_) => 2,
            Self::Code | Self::Block(_) => 3,
        }
    }
}

/// The one of these, which are in order and apart, that holds a range.
pub(super) fn holder<'a>(ranges: &'a [Range<usize>], inner: &Range<usize>) -> Option<&'a Range<usize>> {
    let at = ranges.partition_point(|range| range.end < inner.end);
    ranges.get(at).filter(|range| range.start <= inner.start)
}

/// Which addresses become links.
pub(super) struct Linking {
    /// Whether a platform links one.
    pub(super) can_link: fn(&str) -> bool,
    /// How many it links.
    pub(super) count_max: usize,
    /// Whether the text may take more room than its source. A named address is written once and may be meant often: where
    /// it cannot be linked it is shown behind each label only if there is room.
    pub(super) has_room: bool,
}

impl Rich {
    /// Reads a text.
    pub(super) fn of(source: &str, linking: Linking) -> Self {
        let mut writer = Writer {
            source,
            linking,
            rich: Self { text: String::with_capacity(source.len()), marks: Vec::new() },
            open: Vec::new(),
            place: Place::Start,
            items: 0,
            links: 0,
            code: None,
            table: None,
        };
        for (event, range) in Parser::new_ext(source, options()).into_offset_iter() {
            writer.write(event, range);
        }
        let rich = writer.rich.trimmed();
        if rich.text.is_empty() { Self { text: source.trim().to_owned(), marks: Vec::new() } } else { rich }
    }

    fn trimmed(mut self) -> Self {
        self.text.truncate(self.text.trim_end().len());
        let start = self.text.len() - self.text.trim_start().len();
        self.text.drain(..start);
        let end = self.text.len();
        for mark in &mut self.marks {
            mark.range =
                mark.range.start.saturating_sub(start).min(end)..mark.range.end.saturating_sub(start).min(end);
        }
        self.marks.retain(|mark| !mark.range.is_empty());
        self.marks.sort_by_key(|mark| (mark.range.start, usize::MAX - mark.range.end, mark.style.level()));
        self
    }

    /// The stretches of some styles, those in others of them aside: in order and apart.
    pub(super) fn outermost(marks: &[Mark], is: fn(&Style) -> bool) -> Vec<Range<usize>> {
        let mut outermost: Vec<Range<usize>> = Vec::new();
        for mark in marks.iter().filter(|mark| is(&mark.style)) {
            if outermost.last().is_none_or(|last| last.end <= mark.range.start) {
                outermost.push(mark.range.clone());
            }
        }
        outermost
    }
}

/// What stands before the place that is written next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing, or the beginning of a quote.
    Start,
    /// The sign of a list's item.
    Item,
    /// Text of the same block.
    Text,
    /// A block that is over.
    Block,
}

struct Writer<'a> {
    source: &'a str,
    linking: Linking,
    rich: Rich,
    /// Where what is open began, and how it is styled.
    open: Vec<(usize, Option<Style>)>,
    place: Place,
    /// Items of lists around.
    items: usize,
    /// Links and images around.
    links: usize,
    /// Where the code that is being written began.
    code: Option<usize>,
    /// The table that is being written: the rest of its source.
    table: Option<usize>,
}

impl Writer<'_> {
    fn write(&mut self, event: Event<'_>, range: Range<usize>) {
        if self.table.is_some() && !matches!(event, Event::End(TagEnd::Table)) {
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text, range.start),
            Event::Code(text) => {
                self.settle(range.start);
                let start = self.rich.text.len();
                self.rich.text.push_str(&text);
                self.mark(start, Style::Code);
            }
            Event::SoftBreak | Event::HardBreak => self.rich.text.push('\n'),
            Event::Rule => {
                self.block(range.start);
                self.rich.text.push_str("———");
                self.place = Place::Block;
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Paragraph => self.block(range.start),
            Tag::HtmlBlock => {
                self.block(range.start);
                self.outdent();
            }
            Tag::Heading { .. } => {
                self.block(range.start);
                self.open(Some(Style::Bold));
            }
            Tag::BlockQuote(_) => {
                self.block(range.start);
                self.outdent();
                self.place = Place::Start;
                self.open(Some(Style::Quote));
            }
            Tag::CodeBlock(kind) => {
                self.block(range.start);
                self.outdent();
                self.code = Some(self.rich.text.len());
                self.open(Some(Style::Block(language(&kind))));
            }
            Tag::Item => {
                self.block(range.start);
                self.rich.text.push_str(sign(&self.source[range]));
                self.items += 1;
                self.place = Place::Item;
            }
            Tag::Table(_) => {
                self.block(range.start);
                self.outdent();
                self.open(Some(Style::Block(None)));
                self.table = Some(range.start);
            }
            Tag::Strong => self.inline(range.start, Style::Bold),
            Tag::Emphasis => self.inline(range.start, Style::Italic),
            Tag::Strikethrough => self.inline(range.start, Style::Struck),
            Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. } => {
                self.link(link_type, &dest_url, range.start);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Paragraph => self.place = Place::Block,
            TagEnd::HtmlBlock => {
                self.rich.text.truncate(self.rich.text.trim_end_matches('\n').len());
                self.place = Place::Block;
            }
            TagEnd::Heading(_) | TagEnd::BlockQuote(_) => {
                self.close();
                self.place = Place::Block;
            }
            TagEnd::CodeBlock => {
                let start = self.code.take().unwrap_or_default();
                let end = start + self.rich.text[start..].trim_end_matches('\n').len();
                self.rich.text.truncate(end);
                self.close();
                self.place = Place::Block;
            }
            TagEnd::Item => {
                self.items -= 1;
                self.place = Place::Block;
            }
            TagEnd::Table => {
                self.table = None;
                self.table(range);
                self.close();
                self.place = Place::Block;
            }
            TagEnd::Strong | TagEnd::Emphasis | TagEnd::Strikethrough => self.close(),
            TagEnd::Link | TagEnd::Image => self.link_end(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, at: usize) {
        if self.code.is_none() {
            self.settle(at);
        }
        self.rich.text.push_str(text);
    }

    /// Text goes on here, unless a block was over.
    fn settle(&mut self, at: usize) {
        if self.place != Place::Text {
            self.block(at);
        }
    }

    /// A block begins here: as far below the one before as in the source, and as far inside.
    fn block(&mut self, at: usize) {
        let place = std::mem::replace(&mut self.place, Place::Text);
        match place {
            Place::Start => {}
            Place::Item => self.rich.text.push(' '),
            Place::Text | Place::Block => {
                let line = self.line_start(at);
                let above = self.line_start(line.saturating_sub(1));
                self.rich.text.push_str(if is_empty(&self.source[above..line]) { "\n\n" } else { "\n" });
                if self.items > 0 {
                    let before = &self.source[line..at];
                    let indent =
                        before.rsplit_once('>').map_or(before, |(_, rest)| rest.strip_prefix(' ').unwrap_or(rest));
                    self.rich.text.push_str(if indent.trim().is_empty() { indent } else { "" });
                }
            }
        }
    }

    /// Lines that are shown as they are begin where lines begin.
    fn outdent(&mut self) {
        let text = &mut self.rich.text;
        let line = text.trim_end_matches([' ', '\t']).len();
        if text[..line].ends_with('\n') {
            text.truncate(line);
        }
    }

    fn line_start(&self, at: usize) -> usize {
        self.source[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// A table as it was written, but for the signs of a quote around it.
    fn table(&mut self, range: Range<usize>) {
        let lines = self.source[range].trim_end().lines();
        let lines = lines.map(|line| line.trim_start_matches(['>', ' ', '\t']).trim_end());
        self.rich.text.push_str(&lines.collect::<Vec<_>>().join("\n"));
    }

    fn inline(&mut self, at: usize, style: Style) {
        self.settle(at);
        self.open(Some(style));
    }

    fn link(&mut self, link_type: LinkType, address: &CowStr<'_>, at: usize) {
        self.settle(at);
        self.links += 1;
        let is_named = matches!(link_type, LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut);
        let is_shown = self.links == 1 && (!is_named || self.linking.has_room || self.can_link(address));
        self.open(is_shown.then(|| Style::Link(address.to_string())));
    }

    fn link_end(&mut self) {
        self.links -= 1;
        let Some((start, Some(Style::Link(address)))) = self.open.pop() else { return };
        let label = self.rich.text[start..].trim();
        if label.is_empty() {
            self.rich.text.push_str(&address);
        } else if label == address || address.is_empty() {
            // The label says it all.
        } else if self.can_link(&address) {
            self.linking.count_max -= 1;
            self.mark(start, Style::Link(address));
        } else {
            self.rich.text.push_str(&format!(" ({address})"));
        }
    }

    fn can_link(&self, address: &str) -> bool {
        self.linking.count_max > 0 && (self.linking.can_link)(address)
    }

    fn open(&mut self, style: Option<Style>) {
        self.open.push((self.rich.text.len(), style));
    }

    fn close(&mut self) {
        if let Some((start, Some(style))) = self.open.pop() {
            self.mark(start, style);
        }
    }

    fn mark(&mut self, start: usize, style: Style) {
        let range = start..self.rich.text.len();
        if !range.is_empty() {
            self.rich.marks.push(Mark { range, style });
        }
    }
}

/// Whether a line holds nothing but the signs of a quote.
fn is_empty(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || c == '>')
}

fn language(kind: &CodeBlockKind<'_>) -> Option<String> {
    let CodeBlockKind::Fenced(info) = kind else { return None };
    info.split([' ', '\t', ',', '{']).next().filter(|word| !word.is_empty()).map(str::to_owned)
}

/// What an item of a list begins with: its number as it was written, or a dot.
fn sign(item: &str) -> &str {
    let digits = item.len() - item.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 { &item[..digits + 1] } else { "•" }
}
