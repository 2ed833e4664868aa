//! Draws the problems of a file with excerpts of its text, or says them in JSON.
//!
//! Units: width is in columns. Invariant: nothing of a file reaches the terminal that could steer it: control
//! characters are drawn as `?`, long lines are not drawn.
//! Not here: where the drawing goes (`cli`).

use std::fmt::{self, Write};
use std::io::IsTerminal;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value as Json, json};

use super::FileProblems;
use crate::problem::Problem;

/// Problems drawn of one file; further ones are counted.
const DRAWN: usize = 50;
/// Bytes of the longest line that is drawn.
const LINE_BYTES: usize = 400;

/// What the reader's screen can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether colours are wanted.
    pub color: bool,
    /// Whether line-drawing characters are.
    pub unicode: bool,
}

impl Look {
    /// Without colours: for pipes and tests.
    #[must_use]
    pub const fn plain(width: usize) -> Self {
        Self { width, color: false, unicode: true }
    }

    /// For standard error: colours only on a terminal and without `NO_COLOR`; the width is the given one, else that
    /// of `COLUMNS`, else 100.
    #[must_use]
    pub fn for_stderr(width: Option<usize>) -> Self {
        let columns = || std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        let quiet = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let terminal = std::io::stderr().is_terminal();
        Self {
            width: width.or_else(columns).unwrap_or(100).max(20),
            color: terminal && !quiet && !dumb,
            unicode: !dumb,
        }
    }
}

/// Draws all problems of a file in one report.
#[must_use]
pub fn draw(problems: &FileProblems, look: Look) -> String {
    let theme = match (look.unicode, look.color) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => GraphicalTheme::unicode_nocolor(),
        (false, _) => GraphicalTheme::none(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(look.width)
        .with_context_lines(1)
        .with_links(false)
        .with_show_related_as_nested(true);
    let text = printable(&problems.text);
    let report = Report {
        title: title(problems),
        source: NamedSource::new(printable(&problems.file), text.clone()),
        parts: problems.problems.iter().take(DRAWN).map(|problem| Part::new(problem, &text)).collect(),
    };
    let mut drawn = String::new();
    // Drawing fails only where a place lies outside the text; then the plain lines say it.
    if handler.render_report(&mut drawn, &report).is_err() {
        drawn = printable(&problems.to_string());
    }
    if problems.problems.len() > DRAWN {
        let _ = writeln!(drawn, "… and {} more", problems.problems.len() - DRAWN);
    }
    drawn
}

/// The same for programs.
#[must_use]
pub fn to_json(problems: &FileProblems) -> Json {
    let problem = |problem: &Problem| {
        let mut json = json!({"path": problem.path, "message": problem.message});
        if let Some(value) = &problem.value {
            json["value"] = json!(value);
        }
        if let Some(hint) = &problem.hint {
            json["hint"] = json!(hint);
        }
        if let Some(place) = problem.place {
            json["line"] = json!(place.line);
            json["column"] = json!(place.column);
            json["offset"] = json!(place.offset);
            json["length"] = json!(place.length);
        }
        json
    };
    json!({"file": problems.file, "problems": problems.problems.iter().map(problem).collect::<Vec<_>>()})
}

fn title(problems: &FileProblems) -> String {
    match problems.problems.len() {
        1 => format!("{}: 1 problem", printable(&problems.file)),
        count => format!("{}: {count} problems", printable(&problems.file)),
    }
}

/// The file's report: a title and its problems.
#[derive(Debug)]
struct Report {
    title: String,
    source: NamedSource<String>,
    parts: Vec<Part>,
}

/// One problem in it.
#[derive(Debug)]
struct Part {
    title: String,
    hint: Option<String>,
    label: Option<LabeledSpan>,
}

impl Part {
    fn new(problem: &Problem, text: &str) -> Self {
        let place = problem.place.filter(|place| place.offset <= text.len() && drawable(text, place.offset));
        let mut title = match (problem.place, place) {
            (Some(place), None) => format!("line {}, column {}: ", place.line, place.column),
            _ => String::new(),
        };
        if !problem.path.is_empty() {
            title.push_str(&format!("{}: ", problem.path));
        }
        title.push_str(&problem.message);
        if let (None, Some(value)) = (place, &problem.value) {
            title.push_str(&format!(" (given '{value}')"));
        }
        let label = place.map(|place| LabeledSpan::new(None, place.offset, place.length.max(1)));
        Self { title: printable(&title), hint: problem.hint.as_deref().map(printable), label }
    }
}

/// Whether the line around an offset is short enough to be shown.
fn drawable(text: &str, offset: usize) -> bool {
    let bytes = text.as_bytes();
    let before = bytes[..offset].iter().rev().take(LINE_BYTES).position(|byte| *byte == b'\n');
    let after = bytes[offset..].iter().take(LINE_BYTES).position(|byte| *byte == b'\n');
    let starts = before.is_some() || offset < LINE_BYTES;
    let ends = after.is_some() || bytes.len() - offset < LINE_BYTES;
    starts && ends
}

/// The same text, byte for byte as long, without characters that steer a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c.to_string(),
            '\r' => " ".to_owned(),
            c if c.is_control() || turns_text(c) => "?".repeat(c.len_utf8()),
            c => c.to_string(),
        })
        .collect()
}

/// Whether a character changes the direction of the text around it.
const fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.parts.iter().map(|part| part as &dyn Diagnostic)))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)
    }
}

impl std::error::Error for Part {}

impl Diagnostic for Part {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.label.clone().map(|label| Box::new(std::iter::once(label)) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}
