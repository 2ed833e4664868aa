//! What a Telegram keeps: chats and their messages, and the news that the bot has not taken yet.
//!
//! Numbers are given as Telegram gives them: messages of private chats and groups share one row, supergroups and
//! channels have their own; those of news only grow.

use std::collections::BTreeMap;

use chimewheel::runtime::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::BOT;
use crate::standin::Play;

/// Everything there is.
#[derive(Default)]
pub(super) struct State {
    pub chats: BTreeMap<i64, Chat>,
    /// What the bot was not told, or has not said to have taken, under its number.
    pub updates: BTreeMap<i64, Value>,
    pub last_update: i64,
    last_message: i64,
    /// Counts those that ask for news; the last one alone is answered.
    pub pollers: u64,
    /// The kinds of news that the bot asked for last.
    pub allowed: Vec<String>,
    pub webhook: String,
    pub is_revoked: bool,
    /// What is played to the next call of a method, and whether it does what it does all the same.
    pub plays: Vec<(String, Play, bool)>,
    pub calls: Vec<String>,
    pub complaints: Vec<String>,
    /// Whether a question for news that has none is answered soon, however long it may be held.
    pub is_hasty: bool,
    pub has_ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Private,
    Group,
    Supergroup,
    Forum,
    Channel,
}

pub(super) struct Chat {
    id: i64,
    pub kind: Kind,
    title: String,
    /// Whether the bot may write first.
    pub is_open: bool,
    /// Why the bot may not write.
    pub refusal: Option<String>,
    /// Where it is now.
    pub moved_to: Option<i64>,
    pub topics: BTreeMap<i64, Topic>,
    /// How many of the next messages come too fast, and the seconds that the bot is to wait.
    pub floods: (usize, u64),
    pub messages: Vec<Shown>,
    last_message: i64,
}

pub(super) struct Topic {
    title: String,
    pub is_closed: bool,
}

/// A message, as the chat shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub id: i64,
    pub topic: Option<i64>,
    /// Whether the bot wrote it.
    pub is_bot: bool,
    pub text: String,
    /// The message that it answers.
    pub answers: Option<i64>,
    /// The message whole, as the Bot API tells it.
    pub json: Value,
}

/// What somebody writes; without a person, a chat does.
#[derive(Clone, Copy, Default)]
pub(super) struct Words<'a> {
    pub person: i64,
    pub chat: i64,
    pub topic: Option<i64>,
    pub text: &'a str,
    pub answers: Option<i64>,
}

impl Chat {
    pub fn new(id: i64, kind: Kind, title: &str) -> Self {
        Self {
            id,
            kind,
            title: title.to_owned(),
            is_open: true,
            refusal: None,
            moved_to: None,
            topics: BTreeMap::new(),
            floods: (0, 0),
            messages: Vec::new(),
            last_message: 0,
        }
    }

    /// What the bot wrote.
    pub fn said(&self) -> impl Iterator<Item = &String> {
        self.messages.iter().filter(|message| message.is_bot).map(|message| &message.text)
    }

    fn json(&self) -> Value {
        match self.kind {
            Kind::Private => json!({"id": self.id, "type": "private", "first_name": self.title}),
            Kind::Group => json!({"id": self.id, "type": "group", "title": self.title}),
            Kind::Supergroup => json!({"id": self.id, "type": "supergroup", "title": self.title}),
            Kind::Forum => json!({"id": self.id, "type": "supergroup", "title": self.title, "is_forum": true}),
            Kind::Channel => json!({"id": self.id, "type": "channel", "title": self.title}),
        }
    }
}

/// The bot, as it is told of itself.
pub(super) fn bot() -> Value {
    json!({"id": BOT.0, "is_bot": true, "first_name": "Chimewheel", "username": BOT.1})
}

impl State {
    pub fn chat(&mut self, id: i64) -> &mut Chat {
        self.chats.get_mut(&id).unwrap_or_else(|| panic!("there is no chat {id}"))
    }

    fn next_message(&mut self, chat: i64) -> i64 {
        let row = match self.chat(chat).kind {
            Kind::Private | Kind::Group => &mut self.last_message,
            Kind::Supergroup | Kind::Forum | Kind::Channel => &mut self.chat(chat).last_message,
        };
        *row += 1;
        *row
    }

    pub fn open_topic(&mut self, forum: i64, title: &str) -> i64 {
        assert_eq!(self.chat(forum).kind, Kind::Forum);
        // The first message of every forum belongs to its general topic.
        let id = self.next_message(forum).max(2);
        let chat = self.chat(forum);
        chat.last_message = id;
        chat.topics.insert(id, Topic { title: title.to_owned(), is_closed: false });
        id
    }

    pub fn move_group(&mut self, group: i64) -> i64 {
        let (from, title) = (self.chat(group).json(), self.chat(group).title.clone());
        let id = -1_003_000_000_000 - self.chats.len() as i64;
        self.chats.insert(id, Chat::new(id, Kind::Supergroup, &title));
        self.chat(group).moved_to = Some(id);
        let message = self.next_message(group);
        let date = SystemClock.now().as_millis() / 1000;
        let told = json!({"message_id": message, "date": date, "chat": from, "migrate_to_chat_id": id});
        self.tell(json!({"message": told}));
        id
    }

    /// A person or a chat writes, and the bot is told.
    pub fn write(&mut self, words: Words<'_>) -> i64 {
        let mut message = self.message(words);
        if words.person == 0 {
            message["sender_chat"] = self.chat(words.chat).json();
            if self.chat(words.chat).kind != Kind::Channel {
                let anonymous = json!({"id": 1_087_968_824, "is_bot": true, "first_name": "Group"});
                message["from"] = anonymous;
            }
        } else {
            let name = self.chat(words.person).title.clone();
            message["from"] = json!({"id": words.person, "is_bot": false, "first_name": name});
        }
        let entities = entities(words.text);
        if !entities.is_empty() {
            message["entities"] = Value::from(entities);
        }
        let is_post = self.chat(words.chat).kind == Kind::Channel;
        self.show(words, false, message.clone());
        let kind = if is_post { "channel_post" } else { "message" };
        self.tell(json!({kind: message}));
        message["message_id"].as_i64().unwrap()
    }

    /// The bot writes.
    pub fn post(&mut self, words: Words<'_>, entities: Option<&Value>) -> Value {
        let mut message = self.message(words);
        match self.chat(words.chat).kind {
            Kind::Channel => message["sender_chat"] = self.chat(words.chat).json(),
            Kind::Private | Kind::Group | Kind::Supergroup | Kind::Forum => message["from"] = bot(),
        }
        if let Some(entities) = entities {
            message["entities"] = entities.clone();
        }
        self.show(words, true, message.clone());
        message
    }

    fn message(&mut self, words: Words<'_>) -> Value {
        let id = self.next_message(words.chat);
        let date = SystemClock.now().as_millis() / 1000;
        let chat = self.chat(words.chat);
        let mut message = json!({"message_id": id, "date": date, "chat": chat.json(), "text": words.text});
        if let Some(topic) = words.topic {
            message["message_thread_id"] = json!(topic);
            message["is_topic_message"] = json!(true);
            // One that answers nothing is shown as an answer to what opened the topic.
            let icon = json!({"name": chat.topics[&topic].title, "icon_color": 7_322_096});
            message["reply_to_message"] = json!({
                "message_id": topic, "message_thread_id": topic, "is_topic_message": true, "date": date,
                "chat": chat.json(), "from": bot(), "forum_topic_created": icon,
            });
        }
        if let Some(answered) = words.answers {
            let mut answered =
                chat.messages.iter().find(|shown| shown.id == answered).expect("a message to answer").json.clone();
            // An answer inside an answer is not told.
            answered.as_object_mut().unwrap().remove("reply_to_message");
            message["reply_to_message"] = answered;
        }
        message
    }

    fn show(&mut self, words: Words<'_>, is_bot: bool, json: Value) {
        let Words { chat, topic, text, answers, person: _ } = words;
        let id = json["message_id"].as_i64().unwrap();
        self.chat(chat).messages.push(Shown { id, topic, is_bot, text: text.to_owned(), answers, json });
    }

    /// What the bot did not ask for is not kept for it; what was kept before it asked is told all the same.
    pub fn tell(&mut self, mut update: Value) {
        if !self.allowed.is_empty() && !self.allowed.iter().any(|kind| update.get(kind).is_some()) {
            return;
        }
        self.last_update += 1;
        update["update_id"] = json!(self.last_update);
        self.updates.insert(self.last_update, update);
    }
}

/// Names with `@` and commands, as Telegram finds them.
fn entities(text: &str) -> Vec<Value> {
    let units = |text: &str| text.encode_utf16().count();
    let mut found = Vec::new();
    for (at, start) in text.match_indices(['@', '/']) {
        if text[..at].ends_with(|c: char| !c.is_whitespace()) {
            continue;
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == '@' && start == "/");
        let length = 1 + text[at + 1..].find(|c| !is_part(c)).unwrap_or(text.len() - at - 1);
        let kind = if start == "@" { "mention" } else { "bot_command" };
        if length > 1 {
            found.push(json!({"type": kind, "offset": units(&text[..at]), "length": length}));
        }
    }
    found
}
