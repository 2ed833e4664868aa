//! The telegram gateway: a bot writes to chats, and what people write to it comes in by long polling.
//!
//! Telegram knows no keys: an attempt whose answer is lost may show twice when it is made again. One attempt is one
//! request, one more where Telegram says that the chat has moved and where to, and one more, as plain text, where it
//! cannot read the formatting.
//! Units: texts are counted in UTF-16 code units, waits come in seconds.
//! Invariant: the token stands in every address that is asked, so no address is ever told or logged.
//! Not here: connections (`http`), splitting, retries (`engine`).

mod api;
mod inbound;
mod listen;
mod meaning;
mod moved;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::api::{Api, ChatId, Failed};
use self::moved::Moved;
use crate::config::{self, Markup};
use crate::gateway::text::markdown::{self, Entity, Format, Formatted};
use crate::gateway::{
    Capabilities, Dedupe, Delivery, Ending, Gateway, Inbox, Listening, Probing, Receipt, Secrets, SendError, Sending,
    TextLimit,
};
use crate::limits::TELEGRAM_TEXT_UNITS_MAX;
use crate::pace::{Pace, Paces};
use crate::problem::Problem;
use crate::spec::Destination;
use crate::time::Span;

/// What a forum calls the topic that every message is in which names none; naming it is an error.
const GENERAL_TOPIC: i64 = 1;

/// Thirty messages a second for a bot, and one a second in a chat, of which a few may come at once.
/// Source: Telegram's bots FAQ, "My bot is hitting limits". A group's 20 in a minute it tells when they are spent.
const PACE: Paces = Paces {
    account: Some(Pace { every: Span::from_millis(34), burst: 1 }),
    chat: Some(Pace { every: Span::from_seconds(1), burst: 3 }),
};
/// The longest text.
const TEXT: TextLimit = TextLimit::Utf16(TELEGRAM_TEXT_UNITS_MAX);

/// A bot.
struct Telegram {
    api: Api,
    moved: Moved,
    format: Markup,
}

/// A gateway of this config, or all that is wrong with it.
pub fn open(config: &config::Telegram, secrets: &Secrets) -> Result<Arc<dyn Gateway>, Vec<Problem>> {
    let api = Api::new(&config.base_url, secrets.token.as_ref(), config.timeout)?;
    Ok(Arc::new(Telegram { api, moved: Moved::default(), format: config.format }))
}

/// What is asked of `sendMessage`.
#[derive(Serialize)]
struct Message<'a> {
    chat_id: ChatId<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_thread_id: Option<i64>,
    text: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entities: Vec<Stretch<'a>>,
}

/// A formatted stretch of a text, as the Bot API writes it.
#[derive(Serialize)]
struct Stretch<'a> {
    r#type: &'static str,
    offset: usize,
    length: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

/// What it answers.
#[derive(Deserialize)]
struct Sent {
    message_id: i64,
}

impl Gateway for Telegram {
    fn capabilities(&self) -> Capabilities {
        Capabilities { text: TEXT, dedupe: Dedupe::None, threads: true, receives: true, pace: PACE }
    }

    fn send(&self, delivery: Delivery) -> Sending<'_> {
        Box::pin(async move {
            let formatted = match self.format {
                Markup::Plain => Formatted { text: delivery.text.clone(), entities: Vec::new() },
                Markup::Markdown => markdown::telegram(&delivery.text),
            };
            let message = message(&delivery, &formatted).map_err(|error| SendError::Permanent { error })?;
            match self.place(message, &delivery.text).await {
                Ok(Sent { message_id }) => Ok(Receipt { message_id: Some(message_id.to_string()) }),
                Err(failed) => meaning::of(failed),
            }
        })
    }

    fn listen(&self, inbox: Arc<dyn Inbox>) -> Listening<'_> {
        Box::pin(async move {
            let Err(Ending) = listen::receive(&self.api, &self.moved, &*inbox).await;
        })
    }

    fn probe(&self) -> Probing<'_> {
        Box::pin(listen::look(&self.api))
    }
}

impl Telegram {
    /// Sends a message to where its chat is now, as plain text if it must be.
    async fn place<'a>(&self, mut message: Message<'a>, plain: &'a str) -> Result<Sent, Failed> {
        if let ChatId::Number(chat) = message.chat_id {
            message.chat_id = ChatId::Number(self.moved.now_at(chat));
        }
        let mut answer = self.api.call("sendMessage", &message).await;
        if let (Err(Failed::Refused { moved_to: Some(to), .. }), ChatId::Number(from)) = (&answer, message.chat_id) {
            self.moved.note(from, *to);
            message.chat_id = ChatId::Number(*to);
            answer = self.api.call("sendMessage", &message).await;
        }
        if let Err(failed) = &answer
            && !message.entities.is_empty()
            && meaning::is_about_formatting(failed)
        {
            tracing::warn!("a message's formatting was not taken, so it is sent as plain text: {failed}");
            message.text = plain;
            message.entities.clear();
            answer = self.api.call("sendMessage", &message).await;
        }
        answer
    }
}

impl<'a> Stretch<'a> {
    fn of(entity: &'a Entity) -> Self {
        let Entity { format, offset, length } = entity;
        let (url, language) = match format {
            Format::TextLink { url } => (Some(url.as_str()), None),
            Format::Pre { language } => (None, language.as_deref()),
            Format::Bold | Format::Italic | Format::Strikethrough | Format::Blockquote | Format::Code => (None, None),
        };
        Self { r#type: format.name(), offset: *offset, length: *length, url, language }
    }
}

/// The message of a delivery, if Telegram could ever take it.
fn message<'a>(delivery: &'a Delivery, formatted: &'a Formatted) -> Result<Message<'a>, String> {
    let Destination { chat_id, thread, gateway: _ } = &delivery.destination;
    let chat_id = ChatId::read(chat_id).ok_or_else(|| {
        format!(
            "chat_id '{chat_id}' is no chat of Telegram; write its number, or the @name of a public group or channel"
        )
    })?;
    let topic = match thread.as_deref().map(|thread| (thread, thread.parse::<i64>())) {
        None | Some((_, Ok(GENERAL_TOPIC))) => None,
        Some((_, Ok(topic))) if topic > 0 => Some(topic),
        Some((thread, _)) => return Err(format!("thread '{thread}' is no topic of Telegram; topics are numbers")),
    };
    if delivery.text.trim().is_empty() {
        return Err("Telegram takes no text without a character that can be seen".to_owned());
    }
    let units = TEXT.measure(&delivery.text);
    if units > TELEGRAM_TEXT_UNITS_MAX {
        return Err(format!(
            "the text has {units} UTF-16 code units, and Telegram takes {TELEGRAM_TEXT_UNITS_MAX}; shorten it"
        ));
    }
    let entities = formatted.entities.iter().map(Stretch::of).collect();
    Ok(Message { chat_id, message_thread_id: topic, text: &formatted.text, entities })
}
