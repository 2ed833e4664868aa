//! Markdown as each platform writes it: CommonMark with tables and strikethrough.
//!
//! Discord takes Markdown as it is, and [`discord_plain`] is what it shows as characters. The others get what they can
//! show: [`telegram`] a text and its formatted stretches, [`html`] a few tags (Matrix, mail), [`slack`] mrkdwn, [`plain`]
//! none of it.
//! Invariants: HTML in a text is text. Lists, indents and empty lines stay as they were written, so that a form never
//! needs more room than its source where that is promised. Images are links, and addresses that a platform does not link
//! stand in brackets behind their label. A form is blank only if its source is.
//! Not here: cutting a text, which comes first (`split`).

mod discord;
mod html;
mod rich;
mod slack;
mod telegram;

pub(super) use discord::is_sign;

pub use discord::discord_plain;
pub use html::html;
pub use slack::slack;
pub use telegram::{Entity, Format, Formatted, telegram};

use pulldown_cmark::Options;

use crate::gateway::text::markdown::rich::{Linking, Rich, Style, holder};

/// What is read as Markdown.
pub(super) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH
}

/// A text without Markdown's signs; quotes keep theirs.
#[must_use]
pub fn plain(source: &str) -> String {
    let Rich { text, marks } = Rich::of(source, Linking { can_link: |_| false, count_max: 0, has_room: true });
    let quotes = Rich::outermost(&marks, |style| *style == Style::Quote);
    let mut plain = String::with_capacity(text.len());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_quoted = holder(&quotes, &(at..at + 1)).is_some();
        plain.push_str(if is_quoted { "> " } else { "" });
        plain.push_str(line);
        at += line.len();
    }
    plain
}

/// Whether a web browser can follow an address; others are shown, not linked.
fn is_web(address: &str) -> bool {
    has_scheme(address, &["http://", "https://"])
}

fn has_scheme(address: &str, schemes: &[&str]) -> bool {
    let begins = |scheme: &&str| address.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    schemes.iter().any(begins) && !address.contains(|c: char| c.is_control() || c.is_whitespace())
}
