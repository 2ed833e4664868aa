//! Events of a room, read as messages of people.
//!
//! Texts only: notices are other bots', edits are no news, files cannot be read. Tolerant: what is not understood is no
//! message. Not here: who is spoken to, and in what kind of room (`sync`).

use serde::Deserialize;

/// An event, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub kind: String,
    pub event_id: String,
    pub sender: String,
    #[serde(default)]
    pub origin_server_ts: Option<i64>,
    #[serde(default)]
    content: Content,
}

#[derive(Debug, Default, Deserialize)]
struct Content {
    #[serde(default)]
    msgtype: String,
    #[serde(default)]
    body: String,
    #[serde(default, rename = "m.relates_to")]
    relates: Relates,
    #[serde(default, rename = "m.mentions")]
    mentions: Option<Mentions>,
}

#[derive(Debug, Default, Deserialize)]
struct Relates {
    #[serde(default)]
    rel_type: String,
    #[serde(default)]
    event_id: Option<String>,
    #[serde(default)]
    is_falling_back: bool,
    #[serde(default, rename = "m.in_reply_to")]
    in_reply_to: Option<Reply>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    event_id: String,
}

#[derive(Debug, Default, Deserialize)]
struct Mentions {
    #[serde(default)]
    user_ids: Vec<String>,
}

/// What somebody said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub text: String,
    pub thread: Option<String>,
    pub reply_to: Option<String>,
    /// Who is spoken to; `None`: by names in the text, if at all.
    pub mentions: Option<Vec<String>>,
}

impl Event {
    /// Whether its text cannot be read here.
    pub fn is_encrypted(&self) -> bool {
        self.kind == "m.room.encrypted"
    }

    /// Whether it changes who is in the room.
    pub fn is_about_members(&self) -> bool {
        self.kind == "m.room.member"
    }

    /// What it says, if it is a message of a person.
    pub fn said(self) -> Option<Said> {
        let Content { msgtype, body, relates, mentions } = self.content;
        let is_text = matches!(msgtype.as_str(), "m.text" | "m.emote");
        if self.kind != "m.room.message" || !is_text || relates.rel_type == "m.replace" || body.is_empty() {
            return None;
        }
        let is_threaded = relates.rel_type == "m.thread";
        // In a thread, a message names the one before it for clients that know no threads.
        let answers = !(is_threaded && relates.is_falling_back);
        let reply_to = relates.in_reply_to.filter(|_| answers).map(|reply| reply.event_id);
        let text = if reply_to.is_some() { without_quote(&body) } else { &body };
        Some(Said {
            text: text.to_owned(),
            thread: relates.event_id.filter(|_| is_threaded),
            reply_to,
            mentions: mentions.map(|mentions| mentions.user_ids),
        })
    }
}

/// A reply's text without what it answers, which older clients put before it.
fn without_quote(body: &str) -> &str {
    if !body.starts_with("> <") {
        return body;
    }
    let mut rest = body;
    while rest.starts_with('>') {
        rest = rest.split_once('\n').map_or("", |(_, below)| below);
    }
    let rest = rest.strip_prefix('\n').unwrap_or(rest);
    if rest.is_empty() { body } else { rest }
}

/// Whether a text speaks to one of these names.
pub(super) fn names(text: &str, names: &[&str]) -> bool {
    let text = text.to_lowercase();
    names.iter().filter(|name| !name.is_empty()).any(|name| {
        let name = name.to_lowercase();
        text.match_indices(&name).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            [before, after].into_iter().flatten().all(|beside| !beside.is_alphanumeric())
        })
    })
}
