//! Sessions: the conversation of an agent in a chat, from its first message to its end.
//!
//! Whatever reaches a chat, literal messages included, and whatever people write there is kept in the session that the
//! next reply belongs to. At most one session of a conversation is active. It ends when its user or its agent says so,
//! or when nothing was said for a while; the next message begins another.
//! Units: `Timestamp`. Invariant: messages are numbered from 0 without gaps, and the latest are kept.
//! Not here: where sessions are kept (`store`), what an agent does with a message (`runtime`).

use crate::access::{ChatKind, Destination};
use crate::id::SessionKey;
use crate::limits::{TRANSCRIPT_MESSAGES_COUNT_MAX, TRANSCRIPT_TEXT_BYTES_MAX, within};
use crate::time::{Span, Timestamp};

/// Who talks where: at most one session of it is active.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conversation {
    /// The chat.
    pub place: Destination,
    /// The agent.
    pub agent: String,
}

/// One session of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose, and where.
    pub of: Conversation,
    /// When its first message was said.
    pub started_at: Timestamp,
    /// When its last message was said, by either side.
    pub last_at: Timestamp,
    /// When its user last said something.
    pub last_user_at: Option<Timestamp>,
    /// That it was ended, not only left.
    pub ended: Option<Ended>,
    /// Number of the oldest message that is kept.
    pub first: u64,
    /// Number of the next message.
    pub next: u64,
}

/// That a session was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: EndedBy,
}

/// Who ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Somebody in the chat, by a command.
    User,
    /// The operator or the agent, by an operation.
    Request,
}

/// One message of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utterance {
    /// When it was taken, or delivered.
    pub at: Timestamp,
    /// Who said it.
    pub voice: Voice,
    /// What was said.
    pub text: String,
    /// The platform's id of the message.
    pub message_id: Option<String>,
    /// The schedule that it was delivered for.
    pub schedule: Option<String>,
}

/// Who said something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Somebody in the chat.
    User {
        /// The platform's id.
        id: String,
        /// As people see it.
        name: Option<String>,
    },
    /// The agent, or a schedule of its.
    Agent,
}

/// A message that came in and was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When it was taken.
    pub at: Timestamp,
    /// Whose conversation it belongs to.
    pub of: Conversation,
    /// The platform's id, unique within the chat.
    pub message_id: String,
    /// The session that it stands in, and its number there; `None`: it was a command.
    pub said: Option<(SessionKey, u64)>,
    /// What kind of chat.
    pub chat: ChatKind,
    /// Who wrote it.
    pub sender: Person,
    /// What it says.
    pub text: String,
    /// The message that it answers.
    pub reply_to: Option<String>,
}

/// Somebody in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The platform's id.
    pub id: String,
    /// As people see it.
    pub name: Option<String>,
}

/// What a user may tell the program instead of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The session is to end: `/new` or `/reset`.
    New,
    /// How is the session: `/status`.
    Status,
}

impl Session {
    /// One that begins now.
    #[must_use]
    pub const fn begin(of: Conversation, now: Timestamp) -> Self {
        Self { of, started_at: now, last_at: now, last_user_at: None, ended: None, first: 0, next: 0 }
    }

    /// Whether the next message belongs to it.
    #[must_use]
    pub fn is_active(&self, now: Timestamp, idle: Span) -> bool {
        self.ended.is_none() && now.since(self.last_at) <= idle
    }

    /// When it ended, if it has.
    #[must_use]
    pub fn ended_at(&self, now: Timestamp, idle: Span) -> Option<Timestamp> {
        match &self.ended {
            Some(ended) => Some(ended.at),
            None => (!self.is_active(now, idle)).then(|| self.last_at.plus(idle)),
        }
    }

    /// Takes in one more message and answers with its number.
    pub fn say(&mut self, said: &Utterance) -> u64 {
        self.last_at = self.last_at.max(said.at);
        if matches!(said.voice, Voice::User { .. }) {
            self.last_user_at = self.last_user_at.max(Some(said.at));
        }
        let number = self.next;
        self.next += 1;
        self.first = self.first.max(self.next.saturating_sub(TRANSCRIPT_MESSAGES_COUNT_MAX));
        number
    }
}

impl Utterance {
    /// The same, short enough to be kept.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.text.truncate(within(&self.text, TRANSCRIPT_TEXT_BYTES_MAX).len());
        self
    }
}

impl Command {
    /// The command that a message is: its only word, in any case, perhaps with the bot's name behind an `@`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (word, None) = (words.next()?, words.next()) else { return None };
        match word.split('@').next()?.to_ascii_lowercase().as_str() {
            "/new" | "/reset" => Some(Self::New),
            "/status" => Some(Self::Status),
            _ => None,
        }
    }
}
