//! Where a template's `${…}` are.
//!
//! Units: bytes of the template. Not here: what stands in them (`template`).

use super::error::{ScriptError, place_of};
use super::explain::Origin;
use crate::limits;

/// One `${…}`: the bytes from the `$` on, and those inside the braces.
pub(super) struct Hole {
    pub from: usize,
    pub inside: std::ops::Range<usize>,
}

/// The `${…}` of a template.
pub(super) fn holes(origin: &Origin) -> Result<Vec<Hole>, ScriptError> {
    let text = &origin.text;
    let mut holes = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("${") {
        let from = at + found;
        if holes.len() == limits::TEMPLATE_HOLES_COUNT_MAX {
            return Err(ScriptError {
                place: Some(place_of(text, from)),
                hint: Some("a hook's message() can make any text".to_owned()),
                ..origin.error(None, format!("it has more than {} places `${{…}}`", holes.len()))
            });
        }
        let end = end_of_code(text, from + 2).ok_or_else(|| ScriptError {
            place: Some(place_of(text, from)),
            hint: Some("close it with `}`; to show these two characters, write ${\"$\"}{".to_owned()),
            ..origin.error(None, "this `${` is not closed")
        })?;
        if text[from + 2..end].trim().is_empty() {
            return Err(ScriptError {
                place: Some(place_of(text, from)),
                hint: Some("write for example ${fire.weekday}".to_owned()),
                ..origin.error(None, "there is nothing inside these braces")
            });
        }
        holes.push(Hole { from, inside: from + 2..end });
        at = end + 1;
    }
    Ok(holes)
}

/// The byte of the brace that ends some code, which may hold braces, texts and comments of its own.
fn end_of_code(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    // Of each brace that is open, whether a backtick string goes on behind it.
    let mut open = vec![false];
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => at = end_of_quoted(bytes, at)?,
            b'{' => open.push(false),
            b'}' => match open.pop()? {
                true => at = end_of_backticks(bytes, at, &mut open)?,
                false if open.is_empty() => return Some(at),
                false => {}
            },
            b'`' => at = end_of_backticks(bytes, at, &mut open)?,
            b'/' if bytes.get(at + 1) == Some(&b'/') => at += text[at..].find('\n')?,
            b'/' if bytes.get(at + 1) == Some(&b'*') => at += text[at + 2..].find("*/")? + 3,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The quote that ends what the one at `at` began.
fn end_of_quoted(bytes: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 1;
    while *bytes.get(end)? != bytes[at] {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    Some(end)
}

/// The backtick that ends a string which begins, or goes on, after `at`; or the brace of a `${` in it, which is then open.
fn end_of_backticks(bytes: &[u8], at: usize, open: &mut Vec<bool>) -> Option<usize> {
    let mut end = at + 1;
    loop {
        match (bytes.get(end)?, bytes.get(end + 1)) {
            (b'`', Some(b'`')) => end += 1,
            (b'`', _) => return Some(end),
            (b'$', Some(b'{')) => {
                open.push(true);
                return Some(end + 1);
            }
            _ => {}
        }
        end += 1;
    }
}
