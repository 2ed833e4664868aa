//! Where the values of a YAML or JSON text stand: a second parse, of the shape alone, laid beside the tree.
//!
//! The YAML crate that yields the values keeps their places to itself, so `saphyr-parser` reads the text again for
//! its marks, and the two are walked in step. JSON is read as the YAML it nearly is.
//! It goes first, because it streams: a text nested without end costs the other one time that grows with its square
//! (200,000 times `[` took 6 s), so depth is refused here.
//! Invariant: only places and that one refusal come from here. Where the two parsers disagree about a part, the part
//! keeps the place of what it stands in.

use std::ops::Range;

use saphyr_parser::{Event, Parser};

use super::text::Text;
use crate::limits;
use crate::problem::{Place, Problem};
use crate::spec::tree::{Node, Value};

/// The shape of a document, each part with its bytes.
enum Mark {
    Scalar(Range<usize>),
    Alias(Range<usize>),
    List(Range<usize>, Vec<Mark>),
    /// Keys and values in turn.
    Map(Range<usize>, Vec<Mark>),
}

/// The marks of a text, document by document.
pub(super) struct Marks(Vec<Mark>);

impl Marks {
    /// Gives every part of each document its place, as far as there are marks.
    pub(super) fn lay_over(&self, text: &Text, documents: &mut [Node]) {
        for (document, mark) in documents.iter_mut().zip(&self.0) {
            lay(text, document, mark, None);
        }
    }
}

/// Reads the marks of a text; fewer where it is not understood. Refuses what is nested too deep.
pub(super) fn marks(text: &Text) -> Result<Marks, Vec<Problem>> {
    let mut done = Vec::new();
    let mut open: Vec<Mark> = Vec::new();
    for part in Parser::new_from_str(&text.text) {
        let (part, span) = match part {
            Ok(part) => part,
            // What this parser cannot judge must not be a way around the limit either.
            Err(error) if unclosed(&text.text) > 10 * limits::FILE_LEVELS_MAX => {
                let place = text.place_at(error.marker().line(), error.marker().col() + 1);
                return Err(vec![text.problem(error.info(), Some(place))]);
            }
            Err(_) => break,
        };
        let bytes = text.byte_of(span.start.index())..text.byte_of(span.end.index());
        let closed = match part {
            Event::Scalar(..) => Some(Mark::Scalar(bytes)),
            Event::Alias(_) => Some(Mark::Alias(bytes)),
            Event::SequenceStart(..) => {
                open.push(Mark::List(bytes, Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Mark::Map(bytes, Vec::new()));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop(),
            _ => None,
        };
        if open.len() > limits::FILE_LEVELS_MAX {
            let wrong = format!("is nested deeper than {} levels", limits::FILE_LEVELS_MAX);
            let place = text.place_at(span.start.line(), span.start.col() + 1);
            return Err(vec![text.problem(wrong, Some(place))]);
        }
        let Some(closed) = closed else { continue };
        match open.last_mut() {
            Some(Mark::List(_, parts) | Mark::Map(_, parts)) => parts.push(closed),
            _ => done.push(closed),
        }
    }
    Ok(Marks(done))
}

/// How many brackets are open at most, wherever they stand: never less than the flow nesting of a text.
fn unclosed(text: &str) -> usize {
    let mut open: usize = 0;
    let mut most = 0;
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

/// Gives a node and all below it their places; `key` is where its key stands.
fn lay(text: &Text, node: &mut Node, mark: &Mark, key: Option<Place>) {
    match (mark, &mut node.value) {
        (Mark::List(bytes, marks), Value::List(items)) => {
            node.place = Some(text.place(bytes.start..bytes.start + 1));
            for (item, mark) in items.iter_mut().zip(marks) {
                lay(text, item, mark, None);
            }
        }
        (Mark::Map(bytes, marks), Value::Map(entries)) => {
            node.place = Some(text.place(bytes.start..bytes.start + 1));
            for (entry, pair) in entries.iter_mut().zip(marks.chunks_exact(2)) {
                let place = content(text, pair[0].bytes(), Some(&entry.key)).0;
                entry.key_place = Some(place);
                lay(text, &mut entry.value, &pair[1], Some(place));
            }
        }
        (Mark::Scalar(bytes), _) => scalar(text, node, bytes, key),
        (mark, _) => spread(node, text.place(mark.bytes().clone())),
    }
}

fn scalar(text: &Text, node: &mut Node, bytes: &Range<usize>, key: Option<Place>) {
    let wanted = if let Value::Text(value) = &node.value { Some(value.as_str()) } else { None };
    let (place, verbatim) = content(text, bytes, wanted);
    // What is left out entirely has no bytes of its own: its key stands for it.
    node.place = if place.length == 0 { key.or(Some(place)) } else { Some(place) };
    node.verbatim = verbatim;
    // A chat id such as +15551234 is a number to YAML; its plus sign must survive.
    let written = text.text[bytes.clone()].trim_end();
    if matches!(&node.value, Value::Number(number) if !number.is_f64()) && written.starts_with('+') {
        node.value = Value::Text(written.to_owned());
    }
}

/// The bytes of a scalar's content, without quotes where they hold it verbatim.
fn content(text: &Text, bytes: &Range<usize>, wanted: Option<&str>) -> (Place, bool) {
    let slice = &text.text[bytes.clone()];
    if let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty())
        && let Some(shift) = slice.find(wanted)
    {
        let start = bytes.start + shift;
        return (text.place(start..start + wanted.len()), true);
    }
    (text.place(bytes.start..bytes.start + slice.trim_end().len()), false)
}

/// One place for a node and all below it: what an alias repeats stands where the alias stands.
fn spread(node: &mut Node, place: Place) {
    node.place = Some(place);
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| spread(item, place)),
        Value::Map(entries) => {
            for entry in entries {
                entry.key_place = Some(place);
                spread(&mut entry.value, place);
            }
        }
        _ => {}
    }
}

impl Mark {
    fn bytes(&self) -> &Range<usize> {
        match self {
            Self::Scalar(bytes) | Self::Alias(bytes) | Self::List(bytes, _) | Self::Map(bytes, _) => bytes,
        }
    }
}
