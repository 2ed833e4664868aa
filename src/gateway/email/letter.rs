//! A delivery as a letter.
//!
//! Its `Message-ID` is made of the delivery's key and is the same for every attempt, so that a mailbox that keeps one
//! copy of each shows it once. A thread is a letter that need not exist: what names the same one is shown together.
//! Markdown goes as a page of HTML with the plain text beside it.
//! Source: RFC 5322, RFC 3834. Invariant: no header holds a line of its own making. Not here: how it is sent (`mod`).

use std::time::{Duration, UNIX_EPOCH};

use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};

use crate::config::Markup;
use crate::gateway::Delivery;
use crate::gateway::text::markdown;

/// The letter, or why there can be none.
pub(super) fn write(delivery: &Delivery, from: &Mailbox, format: Markup) -> Result<Message, String> {
    let chat = &delivery.destination.chat_id;
    let to: Mailbox = chat.parse().map_err(|error| format!("chat_id {chat:?} is not an e-mail address: {error}"))?;
    let id = message_id(&delivery.key, from);
    let sent_at = UNIX_EPOCH + Duration::from_millis(delivery.sent_at.as_millis().max(0) as u64);
    let subject = plain(delivery.name.as_ref().unwrap_or(&delivery.schedule));
    let mut letter = Message::builder().from(from.clone()).to(to).subject(subject).date(sent_at).message_id(Some(id));
    if let Some(thread) = &delivery.destination.thread {
        let first = first_of(thread, from);
        letter = letter.in_reply_to(first.clone()).references(first);
    }
    // So that nobody who is away answers it by a machine of their own.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let letter = letter.raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    let part = |kind: ContentType, text: &str| SinglePart::builder().header(kind).body(body(text));
    let letter = match format {
        Markup::Plain => letter.singlepart(part(ContentType::TEXT_PLAIN, &delivery.text)),
        Markup::Markdown => {
            let page = format!("<!DOCTYPE html>\n<html><body>{}</body></html>", markdown::html(&delivery.text));
            // The same for every attempt; a word that no text holds.
            let parts = MultiPart::alternative().boundary(format!("=_{}", delivery.key));
            let parts = parts.singlepart(part(ContentType::TEXT_PLAIN, &markdown::plain(&delivery.text)));
            letter.multipart(parts.singlepart(part(ContentType::TEXT_HTML, &page)))
        }
    };
    letter.map_err(|error| error.to_string())
}

/// The id of the letter with this key.
pub(super) fn message_id(key: &str, from: &Mailbox) -> String {
    format!("<{key}@{}>", from.email.domain())
}

/// The letter that a thread is named by: one that exists, or one that only holds the thread together.
fn first_of(thread: &str, from: &Mailbox) -> String {
    let name: String = plain(thread).chars().filter(|c| !c.is_whitespace() && !matches!(c, '<' | '>')).collect();
    if name.contains('@') { format!("<{name}>") } else { message_id(&format!("thread-{name}"), from) }
}

/// A text that can stand in a header.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The text; where it holds what mail cannot, encoded whole.
fn body(text: &str) -> Body {
    let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(is_plain) {
        return Body::new(text.to_owned());
    }
    let encoded = Body::new_with_encoding(text.to_owned(), ContentTransferEncoding::Base64);
    // Base64 takes any text.
    encoded.unwrap_or_else(Body::new)
}
