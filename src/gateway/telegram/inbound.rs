//! What Telegram tells of chats, as messages of people.
//!
//! Units: stretches of a text are UTF-16 code units. Only new messages with a text are taken; what is edited later,
//! pictures, and what bots write is left out.
//! Source: https://core.telegram.org/bots/api#message, of the Bot API 10.1.

use serde::Deserialize;

use crate::gateway::{ChatKind, Inbound, Sender};
use crate::time::Timestamp;

/// A bot, or a person.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    pub id: i64,
    pub is_bot: bool,
    pub first_name: String,
    pub last_name: Option<String>,
    pub username: Option<String>,
    /// Whether it is told of everything in its groups; of bots only.
    pub can_read_all_group_messages: Option<bool>,
}

/// One piece of news.
#[derive(Deserialize)]
pub(super) struct Update {
    message: Option<Message>,
    channel_post: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    message_id: i64,
    message_thread_id: Option<i64>,
    is_topic_message: Option<bool>,
    from: Option<User>,
    sender_chat: Option<Chat>,
    author_signature: Option<String>,
    date: i64,
    chat: Chat,
    text: Option<String>,
    #[serde(default)]
    entities: Vec<Entity>,
    reply_to_message: Option<Box<Message>>,
    migrate_to_chat_id: Option<i64>,
}

#[derive(Deserialize)]
struct Chat {
    id: i64,
    r#type: String,
    title: Option<String>,
    username: Option<String>,
    first_name: Option<String>,
}

/// A stretch of a text that means something.
#[derive(Deserialize)]
struct Entity {
    r#type: String,
    offset: usize,
    length: usize,
    user: Option<User>,
}

/// What a piece of news says.
pub(super) enum News {
    /// Somebody wrote.
    Message(Inbound),
    /// A chat has another number now.
    Moved {
        /// Its number till now.
        from: i64,
        /// Its number from now on.
        to: i64,
    },
    /// Nothing that matters here.
    Nothing,
}

impl Update {
    /// What it says to this bot.
    pub fn news(self, me: &User) -> News {
        let Some(message) = self.message.or(self.channel_post) else { return News::Nothing };
        if let Some(to) = message.migrate_to_chat_id {
            return News::Moved { from: message.chat.id, to };
        }
        message.inbound(me).map_or(News::Nothing, News::Message)
    }
}

impl Message {
    fn inbound(self, me: &User) -> Option<Inbound> {
        let chat = match self.chat.r#type.as_str() {
            "private" => ChatKind::Direct,
            "group" | "supergroup" => ChatKind::Group,
            "channel" => ChatKind::Channel,
            _ => return None,
        };
        let sender = self.sender(me)?;
        let text = self.said(me)?;
        let reply_to = self.answered();
        let is_addressed = chat == ChatKind::Direct
            || self.names(me)
            || reply_to.and_then(|message| message.from.as_ref()).is_some_and(|from| from.id == me.id);
        Some(Inbound {
            message_id: self.message_id.to_string(),
            chat_id: self.chat.id.to_string(),
            thread: self.topic().map(|topic| topic.to_string()),
            chat,
            sender,
            text,
            reply_to: reply_to.map(|message| message.message_id.to_string()),
            is_addressed,
            at: Some(Timestamp::from_seconds(self.date)),
        })
    }

    /// Who wrote it, if that is not a bot.
    fn sender(&self, me: &User) -> Option<Sender> {
        if self.from.as_ref().is_some_and(|from| from.id == me.id) {
            return None;
        }
        // Whoever writes as a chat, such as an administrator without a name, is shown as a bot besides.
        if let Some(chat) = self.sender_chat.as_ref().or_else(|| self.from.is_none().then_some(&self.chat)) {
            let name = self.author_signature.clone().or_else(|| chat.name());
            return Some(Sender { id: chat.id.to_string(), name });
        }
        let from = self.from.as_ref().filter(|from| !from.is_bot)?;
        let name = match &from.last_name {
            Some(last) => format!("{} {last}", from.first_name),
            None => from.first_name.clone(),
        };
        Some(Sender { id: from.id.to_string(), name: Some(name) })
    }

    /// What it says; a command without the name of the bot that it is for.
    fn said(&self, me: &User) -> Option<String> {
        let text = self.text.as_ref()?;
        let command = self.entities.iter().find(|entity| entity.r#type == "bot_command" && entity.offset == 0);
        let command = command.and_then(|command| command.of(text)).and_then(|whole| {
            let (command, name) = whole.split_once('@')?;
            me.is_called(name).then(|| (whole.len(), command.to_owned()))
        });
        match command {
            Some((whole, command)) => Some(command + &text[whole..]),
            None => Some(text.clone()),
        }
    }

    fn topic(&self) -> Option<i64> {
        self.message_thread_id.filter(|_| self.is_topic_message == Some(true))
    }

    /// The message that it answers. In a topic, one that answers nothing is shown as an answer to its beginning.
    fn answered(&self) -> Option<&Message> {
        self.reply_to_message.as_deref().filter(|message| self.topic() != Some(message.message_id))
    }

    /// Whether it names the bot.
    fn names(&self, me: &User) -> bool {
        let text = self.text.as_deref().unwrap_or_default();
        self.entities.iter().any(|entity| match entity.r#type.as_str() {
            "mention" => entity.of(text).is_some_and(|name| me.is_called(name.trim_start_matches('@'))),
            "bot_command" => entity
                .of(text)
                .is_some_and(|command| command.split_once('@').is_some_and(|(_, name)| me.is_called(name))),
            "text_mention" => entity.user.as_ref().is_some_and(|user| user.id == me.id),
            _ => false,
        })
    }
}

impl User {
    fn is_called(&self, name: &str) -> bool {
        self.username.as_ref().is_some_and(|username| username.eq_ignore_ascii_case(name))
    }
}

impl Chat {
    fn name(&self) -> Option<String> {
        let Self { title, first_name, username, .. } = self;
        title.as_ref().or(first_name.as_ref()).or(username.as_ref()).cloned()
    }
}

impl Entity {
    /// The stretch of the text, unless it cuts through a character.
    fn of(&self, text: &str) -> Option<String> {
        let units: Vec<u16> = text.encode_utf16().skip(self.offset).take(self.length).collect();
        String::from_utf16(&units).ok()
    }
}
