//! Slack: mrkdwn.
//!
//! Units: bytes of the text. Slack formats within a line and between words only, so a style is closed and opened again
//! at each line's end, and left out inside a word and a link. `&`, `<` and `>` are escaped, so that no text can mention
//! anybody; there is no escape for `*`, `_`, `~` and the backtick, which may look formatted.
//! Not here: blocks (`rich_text`), which need no signs at all.
//! Source: Slack, "Formatting text for app surfaces".

use std::ops::Range;

use crate::gateway::text::markdown::rich::{Linking, Mark, Rich, Style, holder};
use crate::gateway::text::markdown::{has_scheme, is_web};

/// Reads Markdown.
#[must_use]
pub fn slack(source: &str) -> String {
    let can_link = |address: &str| is_web(address) || has_scheme(address, &["mailto:"]);
    let Rich { text, marks } = Rich::of(source, Linking { can_link, count_max: usize::MAX, has_room: true });
    let blocks = Rich::outermost(&marks, |style| matches!(style, Style::Block(_)));
    let links = Rich::outermost(&marks, |style| matches!(style, Style::Link(_)));
    let quotes = Rich::outermost(&marks, |style| *style == Style::Quote);
    let mut signs = Signs::default();
    for mark in &marks {
        match &mark.style {
            Style::Quote => {}
            Style::Block(_) => signs.around(mark.range.clone(), "```\n", "\n```"),
            Style::Code if holder(&links, &mark.range).is_some() => {}
            Style::Bold | Style::Italic | Style::Struck
                if holder(&links, &mark.range).is_some_and(|link| *link != mark.range) => {}
            Style::Bold | Style::Italic | Style::Struck | Style::Code | Style::Link(_) => {
                lines(&text, mark, &mut signs);
            }
        }
    }
    for line in line_starts(&text) {
        let is_in = |ranges| holder(ranges, &(line..line + 1)).is_some();
        if is_in(&quotes) && !is_in(&blocks) {
            signs.openers.push((line, 0, "> ".to_owned()));
        }
    }
    signs.write(&text, &blocks)
}

fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1))
}

/// Signs around a mark, line by line.
fn lines(text: &str, mark: &Mark, signs: &mut Signs) {
    let mut at = mark.range.start;
    for line in text[mark.range.clone()].split('\n') {
        let start = at + line.len() - line.trim_start().len();
        let end = at + line.trim_end().len();
        at += line.len() + 1;
        if start >= end {
            continue;
        }
        let is_in_word =
            text[..start].ends_with(char::is_alphanumeric) || text[end..].starts_with(char::is_alphanumeric);
        match &mark.style {
            Style::Link(address) => signs.around(start..end, &format!("<{}|", escaped_address(address)), ">"),
            Style::Code => signs.around(start..end, "`", "`"),
            Style::Bold if !is_in_word => signs.around(start..end, "*", "*"),
            Style::Italic if !is_in_word => signs.around(start..end, "_", "_"),
            Style::Struck if !is_in_word => signs.around(start..end, "~", "~"),
            Style::Bold | Style::Italic | Style::Struck | Style::Quote | Style::Block(_) => {}
        }
    }
}

/// What is written between the characters of a text.
#[derive(Default)]
struct Signs {
    /// Where, in which order there, and what.
    openers: Vec<(usize, usize, String)>,
    closers: Vec<(usize, usize, String)>,
}

impl Signs {
    fn around(&mut self, range: Range<usize>, opener: &str, closer: &str) {
        let order = self.openers.len() + 1;
        self.openers.push((range.start, order, opener.to_owned()));
        self.closers.push((range.end, usize::MAX - order, closer.to_owned()));
    }

    fn write(mut self, text: &str, blocks: &[Range<usize>]) -> String {
        self.openers.sort();
        self.closers.sort();
        let (mut openers, mut closers) = (self.openers.into_iter().peekable(), self.closers.into_iter().peekable());
        let mut written = String::with_capacity(text.len());
        for (at, c) in text.char_indices().chain([(text.len(), '\0')]) {
            while let Some((_, _, closer)) = closers.next_if(|closer| closer.0 <= at) {
                written.push_str(&closer);
            }
            while let Some((_, _, opener)) = openers.next_if(|opener| opener.0 <= at) {
                written.push_str(&opener);
            }
            match c {
                _ if at == text.len() => {}
                // Three of them would end the block.
                '`' if written.ends_with("``") && holder(blocks, &(at..at + 1)).is_some() => {
                    written.push_str("\u{200b}`");
                }
                '&' => written.push_str("&amp;"),
                '<' => written.push_str("&lt;"),
                '>' => written.push_str("&gt;"),
                _ => written.push(c),
            }
        }
        written
    }
}

fn escaped_address(address: &str) -> String {
    address.replace('&', "&amp;").replace('<', "%3C").replace('>', "%3E").replace('|', "%7C")
}
