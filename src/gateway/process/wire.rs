//! What goes to a plug-in and comes from it: objects of the protocol `v1alpha1`, one a line.
//!
//! Tolerant: fields and kinds that are not known are passed over, so newer plug-ins work. Not here: lines and pipes
//! (`plugin`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gateway::{ChatKind, Inbound, SendError, Sender};
use crate::pace::Scope;
use crate::time::Timestamp;

/// What a plug-in is told.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Command<'a> {
    SendMessage {
        request_id: &'a str,
        chat_id: &'a str,
        content: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<&'a str>,
    },
    Ping {
        request_id: &'a str,
    },
    Shutdown,
}

impl Command<'_> {
    /// Its line.
    pub fn line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self).map(|line| line + "\n")
    }
}

/// What a plug-in tells.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Told {
    Ready(Ready),
    MessageReceived(Box<Message>),
    CommandOk {
        request_id: String,
        #[serde(default)]
        message_id: Option<String>,
    },
    CommandError {
        request_id: String,
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    },
    Pong {
        #[serde(default)]
        connected: Option<bool>,
    },
    Error {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
        #[serde(default)]
        fatal: bool,
    },
    AuthRequired {
        method: Method,
    },
    AuthSuccess,
    Shutdown {
        #[serde(default)]
        reason: String,
    },
    #[serde(other)]
    Unknown,
}

/// What a plug-in is.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Ready {
    pub gateway: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub capabilities: Vec<String>,
}

/// How a person lets it in.
#[derive(Debug, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub(super) enum Method {
    QrCode {
        qr_data: String,
        #[serde(default)]
        qr_ascii: Option<String>,
    },
    PairCode {
        code: String,
    },
    #[serde(other)]
    Unknown,
}

/// A message that somebody wrote.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    message_id: String,
    chat_id: String,
    sender: Writer,
    content: Content,
    routing: Routing,
    #[serde(default)]
    reply_to: Option<String>,
    #[serde(default)]
    mentions_bot: bool,
    #[serde(default)]
    reply_to_bot: bool,
    #[serde(default)]
    timestamp: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Writer {
    id: String,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Content {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    caption: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Routing {
    #[serde(default)]
    chat_type: String,
}

impl Told {
    /// What a line says; what is no object of the protocol is said why.
    pub fn read(line: &[u8]) -> serde_json::Result<Self> {
        // A kind that is not known may hold anything, so the rest of it is looked at only where the kind is known.
        serde_json::from_slice::<Value>(line).and_then(serde_json::from_value)
    }
}

impl Message {
    /// What it says to us; `None` if it has no text.
    pub fn into_inbound(self) -> Option<Inbound> {
        let Self { message_id, chat_id, sender, content, routing, reply_to, mentions_bot, reply_to_bot, timestamp } =
            self;
        let text = content.text.or(content.caption).filter(|text| !text.is_empty())?;
        let chat = match routing.chat_type.as_str() {
            "dm" => ChatKind::Direct,
            "channel" => ChatKind::Channel,
            _ => ChatKind::Group,
        };
        Some(Inbound {
            message_id,
            chat_id,
            thread: None,
            chat,
            sender: Sender { id: sender.id, name: sender.display_name.or(sender.username) },
            text,
            reply_to,
            is_addressed: chat == ChatKind::Direct || mentions_bot || reply_to_bot,
            at: timestamp.as_deref().and_then(Timestamp::parse_rfc3339),
        })
    }
}

/// What a refusal means, by its code.
pub(super) fn refused(code: &str, message: &str) -> SendError {
    let error = format!("the plug-in answered {code}: {message}");
    match code {
        "chat_not_found" | "message_not_found" | "unauthorized" | "invalid_request" | "not_implemented" => {
            SendError::Permanent { error }
        }
        "rate_limited" => SendError::Limited { error, after: None, scope: Scope::Chat },
        "not_connected" => SendError::Unreachable { error },
        "platform_error" => SendError::Retry { error, after: None },
        // `send_failed` is what plug-ins say of any send that failed, also of one that may have arrived.
        _ => SendError::Ambiguous { error },
    }
}
