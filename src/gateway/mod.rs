//! Gateways: how a finished text reaches a chat, and how what people write there comes in.
//!
//! One trait, one file per platform. A gateway says what became of an attempt and whether to try again; it keeps
//! no queue and no retry of its own. Units: `Span`; text limits as [`TextLimit`] counts.
//! A kind that a build leaves out is swapped for a module of the same face that refuses it (`absent`).

pub mod console;
#[cfg(feature = "discord")]
pub mod discord;
#[cfg(not(feature = "discord"))]
#[path = "absent.rs"]
pub mod discord;
#[cfg(feature = "email")]
pub mod email;
#[cfg(not(feature = "email"))]
#[path = "absent.rs"]
pub mod email;
#[cfg(any(feature = "discord", feature = "matrix", feature = "slack", feature = "telegram", feature = "webhook"))]
mod http;
#[cfg(feature = "matrix")]
pub mod matrix;
#[cfg(not(feature = "matrix"))]
#[path = "absent.rs"]
pub mod matrix;
#[cfg(any(feature = "discord", feature = "matrix", feature = "process", feature = "telegram"))]
mod pause;
#[cfg(feature = "process")]
pub mod process;
#[cfg(not(feature = "process"))]
#[path = "absent.rs"]
pub mod process;
#[cfg(feature = "slack")]
pub mod slack;
#[cfg(not(feature = "slack"))]
#[path = "absent.rs"]
pub mod slack;
#[cfg(feature = "telegram")]
pub mod telegram;
#[cfg(not(feature = "telegram"))]
#[path = "absent.rs"]
pub mod telegram;
pub mod text;
#[cfg(feature = "webhook")]
pub mod webhook;
#[cfg(not(feature = "webhook"))]
#[path = "absent.rs"]
pub mod webhook;
pub mod written;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use secrecy::SecretString;

pub use crate::access::ChatKind;
use crate::pace::{Paces, Scope};
use crate::problem::Problem;
use crate::session;
use crate::spec::Destination;
use crate::time::{Span, Timestamp};

/// One finished text on its way to one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The same for every attempt.
    pub key: String,
    /// Public id of the schedule.
    pub schedule: String,
    /// Name of the schedule.
    pub name: Option<String>,
    /// Owner of the schedule.
    pub agent: String,
    /// Nominal time of the occurrence.
    pub due: Timestamp,
    /// When this attempt began.
    pub sent_at: Timestamp,
    /// Attempt, from 1.
    pub attempt: u16,
    /// Where.
    pub destination: Destination,
    /// What.
    pub text: String,
    /// Whether it is part of a conversation, where its gateway has any.
    pub is_said: bool,
    /// The message that it hands to an agent's program, of this number.
    pub heard: Option<Box<(u64, session::Heard)>>,
}

/// The platform's answer to a delivery it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The platform's id of the message.
    pub message_id: Option<String>,
}

/// Why a delivery was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Trying again may help.
    #[error("{error}")]
    Retry {
        /// What happened.
        error: String,
        /// The provider asks to wait at least this long.
        after: Option<Span>,
    },
    /// The chat or the account is sent to too fast.
    #[error("{error}")]
    Limited {
        /// What happened.
        error: String,
        /// How long the platform asks to wait, if it says.
        after: Option<Span>,
        /// Who is to wait; where the platform does not tell, the chat.
        scope: Scope,
    },
    /// Nobody is there, for no chat at all: nothing was sent. That may pass by itself.
    #[error("{error}")]
    Unreachable {
        /// What happened.
        error: String,
    },
    /// The platform takes nothing from this account, such as a token that it refuses. Somebody has to act.
    #[error("{error}")]
    Barred {
        /// What is wrong, and the way out.
        error: String,
    },
    /// Trying again cannot help.
    #[error("{error}")]
    Permanent {
        /// What happened.
        error: String,
    },
    /// The platform may or may not have taken it.
    #[error("{error}")]
    Ambiguous {
        /// What happened.
        error: String,
    },
}

/// What [`Gateway::send`] returns.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Receipt, SendError>> + Send + 'a>>;

/// The secrets that a gateway's config names.
#[derive(Debug, Default)]
pub struct Secrets {
    /// What messages are signed with, the newest first.
    pub signing: Vec<SecretString>,
    /// What is sent along: a token, or a password.
    pub token: Option<SecretString>,
    /// Variables of the environment that a program is given.
    pub env: Vec<(String, SecretString)>,
}

/// What a gateway can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The longest text of one delivery.
    pub text: TextLimit,
    /// Whether the platform itself takes a delivery once, however often it is handed over.
    pub dedupe: Dedupe,
    /// Whether a chat has threads or topics.
    pub threads: bool,
    /// Whether people's messages come in, so that a conversation can go on.
    pub receives: bool,
    /// How fast the platform says it may be sent to, where it says so in public.
    pub pace: Paces,
}

impl Capabilities {
    /// Any text, any thread; nothing is known of keys, and nothing comes in.
    pub const PLAIN: Self = Self {
        text: TextLimit::None,
        dedupe: Dedupe::None,
        threads: true,
        receives: false,
        pace: Paces { account: None, chat: None },
    };
}

/// How long a text may be, in the unit that the platform counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextLimit {
    /// No limit of its own.
    None,
    /// UTF-16 code units.
    Utf16(usize),
    /// The same, and one more for each character before which Discord may need a backslash.
    Escaped(usize),
    /// Unicode scalar values.
    Chars(usize),
    /// Bytes of UTF-8.
    Bytes(usize),
}

/// For how long a platform recognises a delivery's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dedupe {
    /// Not at all: an attempt without an answer may show twice when it is made again.
    None,
    /// For some minutes.
    Minutes,
    /// Always.
    Always,
}

/// A message that somebody wrote in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The platform's id, unique within the gateway's chat: the same message is taken once.
    pub message_id: String,
    /// Where; `thread` as in a destination.
    pub chat_id: String,
    /// Thread or topic.
    pub thread: Option<String>,
    /// What kind of chat.
    pub chat: ChatKind,
    /// Who wrote it.
    pub sender: Sender,
    /// What it says.
    pub text: String,
    /// The message that it answers.
    pub reply_to: Option<String>,
    /// Whether the agent is spoken to: named, or answered.
    pub is_addressed: bool,
    /// When it was written, as the platform says.
    pub at: Option<Timestamp>,
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The platform's id.
    pub id: String,
    /// As people see it.
    pub name: Option<String>,
}

/// Takes what comes in; one for each gateway.
pub trait Inbox: Send + Sync {
    /// Takes messages in order. Once this has returned they are durable, or known already, and the platform may be
    /// told that they were taken. `Err`: the process is ending; they come again.
    fn take(&self, messages: Vec<Inbound>) -> Taking<'_>;
    /// The gateway's place in the platform's stream (an offset, a sync token), as it was last kept.
    fn place(&self) -> Taking<'_, Option<String>>;
    /// Keeps the place; what came before it has been taken.
    fn keep_place(&self, place: String) -> Taking<'_>;
}

/// The process is ending, and nothing more is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the process is ending")]
pub struct Ending;

/// What [`Inbox::take`] returns.
pub type Taking<'a, T = ()> = Pin<Box<dyn Future<Output = Result<T, Ending>> + Send + 'a>>;

/// What [`Gateway::listen`] returns.
pub type Listening<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What a platform posted to us.
pub struct Posted<'a> {
    /// Its headers, by names in lower case.
    pub header: &'a (dyn Fn(&'static str) -> Option<&'a str> + Send + Sync),
    /// Its body, as it came.
    pub body: &'a [u8],
    /// When it came.
    pub now: Timestamp,
}

/// What was in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Messages, perhaps none: they go to the inbox, and once they are taken the platform is told that all is well.
    Messages(Vec<Inbound>),
    /// A question whose answer is this text.
    Answer(String),
}

/// Why nothing was heard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// Nothing can be posted to this gateway.
    #[error("nothing can be posted to this gateway; for Slack, name the signing secret in its config")]
    Closed,
    /// It does not come from the platform, or not from now.
    #[error("it does not come from the platform: {0}")]
    Forged(String),
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// A way to reach chats.
pub trait Gateway: Send + Sync {
    /// What it can carry.
    fn capabilities(&self) -> Capabilities {
        Capabilities::PLAIN
    }

    /// Makes one attempt.
    fn send(&self, delivery: Delivery) -> Sending<'_>;

    /// Hands what people write to the inbox until it is dropped; trouble with the platform is logged and waited out. One
    /// that receives nothing returns at once.
    fn listen(&self, inbox: Arc<dyn Inbox>) -> Listening<'_> {
        drop(inbox);
        Box::pin(std::future::ready(()))
    }

    /// Reads what its platform posted to us, where a platform does that.
    fn hear(&self, posted: &Posted<'_>) -> Result<Heard, Unheard> {
        let _ = posted;
        Err(Unheard::Closed)
    }

    /// Ends what it keeps running, within a limit; nothing is sent after it. Called once, when the daemon ends.
    fn end(&self) {}

    /// Looks whether it would work now, without sending anything: the token, the account. What it says is shown by
    /// `doctor`.
    fn probe(&self) -> Probing<'_> {
        Box::pin(std::future::ready(Ok("nothing to look at".to_owned())))
    }
}

/// What [`Gateway::probe`] returns: what was seen, or why that is not well.
pub type Probing<'a> = Pin<Box<dyn Future<Output = Result<String, Unwell>> + Send + 'a>>;

/// Why a look at a gateway found nothing well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwell {
    /// It does not work, and will not by itself.
    #[error("{0}")]
    Wrong(Problem),
    /// It could not be looked at now: there is no network, or its platform is in trouble.
    #[error("{0}")]
    Unseen(String),
}

impl Unwell {
    /// What an error means that came instead of the answer; `key` is what of the config it is about, if it is for good.
    #[must_use]
    pub fn of(key: &str, error: SendError) -> Self {
        match error {
            SendError::Permanent { error } | SendError::Barred { error } => Self::Wrong(Problem::new(key, error)),
            SendError::Retry { error, .. }
            | SendError::Limited { error, .. }
            | SendError::Unreachable { error }
            | SendError::Ambiguous { error } => Self::Unseen(error),
        }
    }
}

impl From<Problem> for Unwell {
    fn from(problem: Problem) -> Self {
        Self::Wrong(problem)
    }
}
