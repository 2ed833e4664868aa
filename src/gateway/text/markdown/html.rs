//! HTML: the tags that Matrix allows, which mail programs know too.
//!
//! Invariants: tags are closed in order; no other tag and no attribute but `href`, `start` and a language's `class`; no
//! more tags inside one another than a named limit. Lines stay lines (`<br>`).
//! Not here: whether it fits; markup takes up to about ten times the room of its source, and whoever sends it sends the
//! source alone where it does not.
//! Source: Matrix specification, "m.room.message msgtypes".

use std::fmt::Write;

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Parser, Tag, TagEnd};

use crate::gateway::text::markdown::{has_scheme, options};
use crate::limits::MARKDOWN_LEVELS_MAX;

/// Reads Markdown.
#[must_use]
pub fn html(source: &str) -> String {
    let mut writer = Writer::default();
    for event in Parser::new_ext(source, options()) {
        writer.write(event);
    }
    if !writer.has_text {
        writer.html.clear();
        writer.text(source.trim());
    }
    writer.html
}

#[derive(Default)]
struct Writer {
    html: String,
    /// What closes each tag that is open; empty for those that are left out.
    open: Vec<String>,
    is_head: bool,
    /// Links and images around.
    links: usize,
    /// Where the outermost of them leads.
    address: String,
    /// The place right behind the last tag that was opened.
    label_at: usize,
    is_code: bool,
    /// Whether anything can be seen.
    has_text: bool,
}

impl Writer {
    fn write(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => {
                if matches!(tag, TagEnd::Link | TagEnd::Image) {
                    self.links -= 1;
                    self.label();
                }
                let closer = self.open.pop().unwrap_or_default();
                self.html.push_str(&closer);
                match tag {
                    TagEnd::CodeBlock => self.is_code = false,
                    TagEnd::TableHead => self.is_head = false,
                    _ => {}
                }
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => {
                self.html.push_str("<code>");
                self.text(&text);
                self.html.push_str("</code>");
            }
            Event::SoftBreak | Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => {
                self.html.push_str("<hr>");
                self.has_text = true;
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        // Deeper ones are left out, with all that they hold, and a table needs room for its rows and cells.
        let levels = if matches!(tag, Tag::Table(_)) { 4 } else { 1 };
        let is_left_out =
            self.open.len() + levels > MARKDOWN_LEVELS_MAX || self.open.last().is_some_and(String::is_empty);
        match &tag {
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links += 1;
                if self.links == 1 {
                    self.address = dest_url.to_string();
                }
            }
            Tag::CodeBlock(_) => self.is_code = true,
            Tag::TableHead => self.is_head = true,
            _ => {}
        }
        if is_left_out {
            return self.open.push(String::new());
        }
        let (opener, closer) = self.tags(tag);
        self.html.push_str(&opener);
        self.label_at = self.html.len();
        self.open.push(closer);
    }

    /// Shows the address where a link has no label.
    fn label(&mut self) {
        if self.links == 0 && self.html.len() == self.label_at {
            let address = std::mem::take(&mut self.address);
            self.text(&address);
            // It is not shown twice.
            if let Some(closer) = self.open.last_mut().filter(|closer| closer.starts_with(' ')) {
                closer.clear();
            }
        }
    }

    /// What opens a tag and what closes it.
    fn tags(&self, tag: Tag<'_>) -> (String, String) {
        let name = match tag {
            Tag::Paragraph | Tag::HtmlBlock => "p",
            Tag::Heading { level, .. } => return (format!("<{level}>"), format!("</{level}>")),
            Tag::BlockQuote(_) => "blockquote",
            Tag::CodeBlock(kind) => return (code_block(&kind), "</code></pre>".to_owned()),
            Tag::List(Some(start)) if start != 1 => return (format!("<ol start=\"{start}\">"), "</ol>".to_owned()),
            Tag::List(Some(_)) => "ol",
            Tag::List(None) => "ul",
            Tag::Item => "li",
            Tag::Table(_) => "table",
            Tag::TableHead => return ("<thead><tr>".to_owned(), "</tr></thead>".to_owned()),
            Tag::TableRow => "tr",
            Tag::TableCell if self.is_head => "th",
            Tag::TableCell => "td",
            Tag::Emphasis => "em",
            Tag::Strong => "strong",
            Tag::Strikethrough => "del",
            Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. } => {
                return self.link(link_type, &dest_url);
            }
            _ => return (String::new(), String::new()),
        };
        (format!("<{name}>"), format!("</{name}>"))
    }

    fn link(&self, link_type: LinkType, address: &str) -> (String, String) {
        let mail = if link_type == LinkType::Email { "mailto:" } else { "" };
        if self.links > 1 {
            (String::new(), String::new())
        } else if has_scheme(&format!("{mail}{address}"), &["http://", "https://", "ftp://", "mailto:", "magnet:"]) {
            (format!("<a href=\"{mail}{}\">", escaped(address)), "</a>".to_owned())
        } else if address.is_empty() || matches!(link_type, LinkType::Autolink | LinkType::Email) {
            (String::new(), String::new())
        } else {
            (String::new(), format!(" ({})", escaped(address)))
        }
    }

    fn text(&mut self, text: &str) {
        self.has_text |= !text.trim().is_empty();
        let escaped = escaped(text);
        if self.is_code {
            self.html.push_str(&escaped);
        } else {
            self.html.push_str(&escaped.replace('\n', "<br>"));
        }
    }
}

fn code_block(kind: &CodeBlockKind<'_>) -> String {
    let info = match kind {
        CodeBlockKind::Fenced(info) => info.as_ref(),
        CodeBlockKind::Indented => "",
    };
    let language = info.split_whitespace().next().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "+#-_.".contains(c);
    let mut opener = "<pre><code".to_owned();
    if !language.is_empty() && language.chars().all(is_name) {
        // Writing to a string does not fail.
        let _ = write!(opener, " class=\"language-{language}\"");
    }
    opener + ">"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
