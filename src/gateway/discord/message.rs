//! A message that somebody wrote on Discord, as the rest of the program knows messages; pure.
//!
//! What bots write is none of it, nor what Discord itself says, nor what holds no text. One mention of the bot at the
//! beginning is taken off, so that what follows reads as it does in a direct message.
//! Source: Discord API v10, "Message Object". Not here: where a channel is (`listen` asks).

use serde_json::Value;

use crate::gateway::{ChatKind, Inbound, Sender};
use crate::time::Timestamp;

/// The first millisecond of Discord, in Unix time; its ids count from there.
const EPOCH_MS: i64 = 1_420_070_400_000;
/// Types of message that people write: plain ones and answers.
const WRITTEN: [u64; 2] = [0, 19];

/// Where a channel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    /// The channel that is the chat.
    pub chat_id: String,
    /// The thread in it.
    pub thread: Option<String>,
}

/// A message that matters, before it is known where it belongs.
pub(super) struct Written<'a> {
    message: &'a Value,
    /// The channel that it was written in.
    pub channel: &'a str,
    /// Whether the channel belongs to a server, and so may be a thread.
    pub is_of_server: bool,
    id: &'a str,
    author: &'a Value,
    author_id: &'a str,
    content: &'a str,
}

impl<'a> Written<'a> {
    /// What somebody wrote, if it is that.
    pub fn read(message: &'a Value) -> Option<Self> {
        let text = |value: &'a Value, key: &str| value.get(key).and_then(Value::as_str);
        let author = message.get("author")?;
        let is_bot = author.get("bot").and_then(Value::as_bool) == Some(true) || message.get("webhook_id").is_some();
        let is_written = WRITTEN.contains(&message.get("type").and_then(Value::as_u64).unwrap_or(0));
        let content = text(message, "content").filter(|content| !content.trim().is_empty())?;
        if is_bot || !is_written {
            return None;
        }
        Some(Self {
            message,
            channel: text(message, "channel_id")?,
            is_of_server: message.get("guild_id").is_some_and(|guild| !guild.is_null()),
            id: text(message, "id")?,
            author,
            author_id: text(author, "id")?,
            content,
        })
    }

    /// The message, written at this place to the bot with the id `me`.
    pub fn inbound(&self, me: &str, home: Home) -> Inbound {
        let message = self.message;
        let id_of = |value: Option<&Value>| value?.get("id")?.as_str().map(str::to_owned);
        let mentions = message.get("mentions").and_then(Value::as_array);
        let is_named = mentions.is_some_and(|all| all.iter().any(|one| id_of(Some(one)).as_deref() == Some(me)));
        let answered = message.get("referenced_message").and_then(|answered| answered.get("author"));
        let is_answer = id_of(answered).as_deref() == Some(me);
        let reply_to = message.get("message_reference").and_then(|reference| reference.get("message_id"));
        let name = ["global_name", "username"].into_iter().find_map(|key| self.author.get(key)?.as_str());
        Inbound {
            message_id: self.id.to_owned(),
            chat_id: home.chat_id,
            thread: home.thread,
            chat: if self.is_of_server { ChatKind::Group } else { ChatKind::Direct },
            sender: Sender { id: self.author_id.to_owned(), name: name.map(str::to_owned) },
            text: without_mention(self.content, me).to_owned(),
            reply_to: reply_to.and_then(Value::as_str).map(str::to_owned),
            is_addressed: !self.is_of_server || is_named || is_answer,
            at: self.id.parse().ok().map(written_at),
        }
    }
}

/// Where a channel is, as Discord describes it: types 10 to 12 are threads.
pub(super) fn home(channel: &str, described: &Value) -> Home {
    let is_thread = described.get("type").and_then(Value::as_u64).is_some_and(|kind| (10..=12).contains(&kind));
    let parent = described.get("parent_id").and_then(Value::as_str).filter(|_| is_thread);
    match parent {
        Some(parent) => Home { chat_id: parent.to_owned(), thread: Some(channel.to_owned()) },
        None => Home { chat_id: channel.to_owned(), thread: None },
    }
}

/// An id begins with the millisecond at which it was made.
fn written_at(id: u64) -> Timestamp {
    Timestamp::from_millis((id >> 22) as i64 + EPOCH_MS)
}

fn without_mention<'a>(content: &'a str, me: &str) -> &'a str {
    let rest = content.trim_start();
    let mention = [format!("<@{me}>"), format!("<@!{me}>")];
    let rest = mention.iter().find_map(|mention| rest.strip_prefix(mention.as_str())).map(str::trim_start);
    // A mention alone is somebody's whole message.
    rest.filter(|rest| !rest.is_empty()).unwrap_or(content)
}
