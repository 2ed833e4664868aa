//! A config text that may be shown: what looks like a written secret is starred out.
//!
//! A secret in a config is refused, and the refusal shows the lines around it; the secret must not reach a log that
//! way. It works line by line, so that a text with syntax errors is covered, too. Invariant: every byte stays where
//! it is. Not here: which keys are secrets of what (`section`); any key that sounds like one is covered.

/// What the last part of a secret's key contains.
const SOUNDS: [&str; 7] = ["token", "secret", "password", "passwd", "api_key", "apikey", "webhook"];

/// What is shown in the place of a secret.
pub(super) const MASK: &str = "***";

/// The text with written secrets starred out, byte for byte.
#[must_use]
pub fn conceal(text: &str) -> String {
    let mut concealed = String::with_capacity(text.len());
    let mut quote_open: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let from = match quote_open {
            Some(_) => Some(0),
            None => secret_from(line),
        };
        let Some(from) = from else {
            push_without_user(&mut concealed, line);
            continue;
        };
        let value = &line[from..];
        quote_open = match quote_open {
            Some(quote) => Some(quote).filter(|quote| !value.contains(quote)),
            None => ["\"\"\"", "'''"].into_iter().find(|quote| value.matches(quote).count() == 1),
        };
        concealed.push_str(&line[..from]);
        concealed.extend(value.chars().flat_map(star));
    }
    concealed
}

/// Adds a line, but for who signs in by the addresses in it.
fn push_without_user(concealed: &mut String, line: &str) {
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        let host = after.find(['/', '?', '#', '"', '\'', ' ', '\n']).unwrap_or(after.len());
        let user = after[..host].rfind('@').unwrap_or(0);
        concealed.push_str(before);
        concealed.push_str("://");
        concealed.extend(after[..user].chars().flat_map(star));
        rest = &after[user..];
    }
    concealed.push_str(rest);
}

/// Where the value of the line's first secret begins.
fn secret_from(line: &str) -> Option<usize> {
    let starts = line.match_indices('=').map(|(at, _)| at);
    starts.into_iter().find(|at| sounds_secret(&line[..*at])).map(|at| at + 1)
}

/// Whether the key at the end of this text is a secret's.
pub(super) fn sounds_secret(before: &str) -> bool {
    let before = before.trim_end().trim_end_matches(['"', '\'']);
    let start = before.rfind(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-')).map_or(0, |at| at + 1);
    let key = before.get(start..).unwrap_or_default().to_lowercase().replace('-', "_");
    !key.ends_with("_env") && !key.ends_with("_file") && SOUNDS.iter().any(|sound| key.contains(sound))
}

/// As many stars as the character has bytes; blanks and line ends stay.
fn star(c: char) -> impl Iterator<Item = char> {
    let (shown, count) = if c.is_ascii_whitespace() { (c, 1) } else { ('*', c.len_utf8()) };
    std::iter::repeat_n(shown, count)
}
