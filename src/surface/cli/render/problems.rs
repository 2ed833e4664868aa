//! Mistakes with the lines they stand in.
//!
//! Every mistake is shown, in the order of the text. Where there is no text, one line each.
//! Not here: finding them.

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode,
    ThemeCharacters, ThemeStyles,
};

use super::{Look, plural};
use crate::problem::Problem;

/// Columns of an excerpt where the terminal's width is not known.
const WIDTH_DEFAULT: u16 = 100;

/// The mistakes in a text.
#[must_use]
pub fn in_text(name: &str, text: &str, problems: &[Problem], look: Look) -> String {
    let styles = if look.colour { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let theme = GraphicalTheme { characters: ThemeCharacters::unicode(), styles };
    let width = usize::from(look.width.unwrap_or(WIDTH_DEFAULT));
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
    let mut shown = String::new();
    for problem in problems {
        let mistake = Mistake { problem, source: NamedSource::new(name, text.to_owned()) };
        // Writing to a String cannot fail; should it, the plain line says the same.
        if problem.place.is_none() || handler.render_report(&mut shown, &mistake).is_err() {
            shown.push_str(&format!("{name}: {problem}\n"));
        }
    }
    shown.push_str(&format!("{} problem{} in {name}\n", problems.len(), plural(problems.len())));
    shown
}

/// The mistakes in something that has no text.
#[must_use]
pub fn plain(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// A mistake as the excerpt drawer wants it.
#[derive(Debug)]
struct Mistake<'a> {
    problem: &'a Problem,
    source: NamedSource<String>,
}

impl std::fmt::Display for Mistake<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.problem.path.is_empty() {
            write!(f, "{}: ", self.problem.path)?;
        }
        f.write_str(&self.problem.message)?;
        self.problem.value.as_ref().map_or(Ok(()), |value| write!(f, " (given '{value}')"))
    }
}

impl std::error::Error for Mistake<'_> {}

impl Diagnostic for Mistake<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.problem.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.problem.place?;
        // A span over several lines would draw a tall bracket; its first line says enough.
        let text = self.source.inner();
        let rest = text.get(place.offset..).unwrap_or_default();
        let line = rest.find('\n').unwrap_or(rest.len());
        let label = LabeledSpan::new(Some("here".to_owned()), place.offset, place.length.clamp(1, line.max(1)));
        Some(Box::new(std::iter::once(label)))
    }
}
