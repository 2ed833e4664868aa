//! Discord: a text whose characters are to be seen as they are.
//!
//! Discord reads every text as Markdown of its own, so what would be a sign has a backslash before it; addresses stay as
//! they are, or their links would break. Invariant: no character gets more than one backslash, and only an [`is_sign`].
//! Not here: Markdown that is meant, which Discord takes as it is written.
//! Source: Discord, "Markdown Text 101"; `simple-markdown`, from which its clients' rules come.

/// Signs wherever they stand.
const ANYWHERE: &str = r"\*_~`|<[";
/// Signs at the beginning of a line; the full stop behind a number.
const AT_START: &str = ">#-.";

/// Whether a backslash may be put before a character.
pub(in crate::gateway::text) fn is_sign(c: char) -> bool {
    ANYWHERE.contains(c) || AT_START.contains(c)
}

/// The text with its signs made characters.
#[must_use]
pub fn discord_plain(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + text.len() / 8);
    for line in text.split_inclusive('\n') {
        let block = block_sign(line);
        let (mut at, mut address_until) = (0, 0);
        for c in line.chars() {
            if at >= address_until && begins_address(line, at) {
                address_until = at + line[at..].find([' ', '\t', '\n', '<']).unwrap_or(line.len() - at);
            }
            if at >= address_until && (ANYWHERE.contains(c) || block == Some(at)) {
                written.push('\\');
            }
            written.push(c);
            at += c.len_utf8();
        }
    }
    written
}

/// Where the sign stands by which a line is a quote, a heading or an item of a list.
fn block_sign(line: &str) -> Option<usize> {
    let start = line.len() - line.trim_start().len();
    let rest = &line[start..];
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let sign = rest[digits..].chars().next().filter(|c| AT_START.contains(*c))?;
    ((sign == '.') == (digits > 0)).then_some(start + digits)
}

/// Whether an address that Discord links begins here.
fn begins_address(line: &str, at: usize) -> bool {
    let is_link = ["https://", "http://"].iter().any(|scheme| line[at..].starts_with(scheme));
    is_link && !line[..at].ends_with(char::is_alphanumeric)
}
