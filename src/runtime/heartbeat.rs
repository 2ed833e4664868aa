//! Whether a heartbeat's answer says that there is nothing to tell: by the word `HEARTBEAT_OK`.
//!
//! The word counts at the beginning and at the end of an answer, marked up or not; in the midst of it the answer speaks
//! of it and is sent as it stands. Beside few other characters it makes the answer silent; beside more it is cut off, so
//! that nobody is sent the word.
//! Units: characters. Invariant: whatever the text, this answers and does not panic.
//! Not here: whose answers are read so, and other ways to be silent (`silence`).

use crate::limits::HEARTBEAT_REST_CHARS_MAX;

/// The word, and the same as Markdown writes it.
const WORDS: [&str; 2] = ["HEARTBEAT_OK", r"HEARTBEAT\_OK"];
/// What may mark it up.
const MARKS: [char; 8] = ['*', '_', '~', '`', '"', '\'', '“', '”'];
/// What may follow it as if it were a sentence.
const STOPS: [char; 6] = ['.', '!', ',', ';', ':', '…'];

/// What an answer with the word comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// There is nothing to tell, with what is recorded of it.
    Nothing(String),
    /// This is to be told.
    Rest(String),
}

/// What an answer comes to that begins or ends with the word; `None`: it does not.
#[must_use]
pub fn acknowledged(answer: &str) -> Option<Acknowledged> {
    let mut rest = after_word(answer).or_else(|| before_word(answer))?;
    while let Some(shorter) = after_word(rest).or_else(|| before_word(rest)) {
        rest = shorter;
    }
    let rest = rest.trim();
    if rest.chars().count() > HEARTBEAT_REST_CHARS_MAX {
        return Some(Acknowledged::Rest(rest.to_owned()));
    }
    let marked = |c: char| c.is_whitespace() || MARKS.contains(&c) || STOPS.contains(&c);
    let said = rest.trim_matches(marked).split_whitespace().collect::<Vec<_>>().join(" ");
    let word = WORDS[0];
    Some(Acknowledged::Nothing(if said.is_empty() { word.to_owned() } else { format!("{word}: {said}") }))
}

/// What stands behind the word with which a text begins.
fn after_word(text: &str) -> Option<&str> {
    let begun = without_opening(text);
    let rest = WORDS.iter().find_map(|word| begun.strip_prefix(word))?;
    let goes_on = rest.trim_start_matches('_').starts_with(char::is_alphanumeric);
    (!goes_on).then(|| without_closing(rest))
}

/// What stands before the word with which a text ends.
fn before_word(text: &str) -> Option<&str> {
    let mut ended = text.trim_end();
    loop {
        let shorter = ended.trim_end_matches(MARKS).trim_end_matches(STOPS).trim_end();
        let shorter = tag_at_end(shorter).unwrap_or(shorter);
        if shorter.len() == ended.len() {
            break;
        }
        ended = shorter;
    }
    let rest = WORDS.iter().find_map(|word| ended.strip_suffix(word))?;
    let goes_on = rest.trim_end_matches('_').ends_with(char::is_alphanumeric);
    if goes_on {
        return None;
    }
    let rest = rest.trim_end_matches(MARKS);
    Some(tag_at_end(rest).unwrap_or(rest).trim_end_matches(MARKS).trim_end())
}

/// The text without the blanks, marks and tags that it opens with; a fence may name a language.
fn without_opening(text: &str) -> &str {
    let mut left = text;
    loop {
        let mut shorter = left.trim_start();
        if let Some(fenced) = shorter.strip_prefix("```") {
            let language = fenced.trim_start_matches(|c: char| c.is_ascii_lowercase());
            shorter = if language.starts_with(['\n', '\r']) { language } else { fenced };
        }
        let shorter = shorter.trim_start_matches(MARKS).trim_start_matches(['#', '>']);
        let shorter = tag_at_start(shorter).unwrap_or(shorter);
        if shorter.len() == left.len() {
            return left;
        }
        left = shorter;
    }
}

/// The text without the marks, tags and stops that close what came before.
fn without_closing(text: &str) -> &str {
    let mut left = text;
    loop {
        let shorter = left.trim_start_matches(MARKS).trim_start_matches(STOPS);
        let closes = ["</", "<br"].iter().any(|tag| shorter.starts_with(tag));
        let shorter = tag_at_start(shorter).filter(|_| closes).unwrap_or(shorter);
        if shorter.len() == left.len() {
            return left;
        }
        left = shorter;
    }
}

/// Behind a tag of HTML, such as `<b>`.
fn tag_at_start(text: &str) -> Option<&str> {
    let (name, rest) = text.strip_prefix('<')?.split_once('>')?;
    is_tag(name).then_some(rest)
}

/// Before one.
fn tag_at_end(text: &str) -> Option<&str> {
    let (rest, name) = text.strip_suffix('>')?.rsplit_once('<')?;
    is_tag(name).then_some(rest)
}

fn is_tag(name: &str) -> bool {
    let name = name.trim_matches('/');
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
