//! A message that somebody wrote to an agent, in the one form in which programs are told of it.
//!
//! The agent's webhook posts it, with the `attempt` besides; the feed of messages sends it as it is. Absent values are left
//! out. Units: times are RFC 3339 texts in UTC. Not here: signing and posting (`webhook`), the feed (`surface`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::session::Heard;

/// A message that somebody wrote to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Written {
    /// `message`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its number; later messages have higher ones.
    pub number: u64,
    /// Whom it is for.
    pub agent: String,
    /// The session that it stands in, to be answered there.
    pub session: String,
    /// The gateway by which it came.
    pub gateway: String,
    /// The platform's id of the chat.
    pub chat_id: String,
    /// Thread or topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// `dm`, `group` or `channel`.
    pub chat_type: String,
    /// The platform's id of the message, unique in its chat.
    pub message_id: String,
    /// Who wrote it.
    pub sender: Writer,
    /// What it says.
    pub text: String,
    /// The platform's id of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// When it was taken.
    pub received_at: String,
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Writer {
    /// The platform's id.
    pub id: String,
    /// As people see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Written {
    /// The message of this number; `None`: it was a command to the program itself, which is told to nobody.
    #[must_use]
    pub fn of(number: u64, heard: &Heard) -> Option<Self> {
        let Heard { at, of, message_id, said, chat, sender, text, reply_to } = heard;
        let (session, _) = said.as_ref()?;
        Some(Self {
            kind: "message".to_owned(),
            number,
            agent: of.agent.clone(),
            session: session.to_string(),
            gateway: of.place.gateway.clone(),
            chat_id: of.place.chat_id.clone(),
            thread: of.place.thread.clone(),
            chat_type: chat.word().to_owned(),
            message_id: message_id.clone(),
            sender: Writer { id: sender.id.clone(), name: sender.name.clone() },
            text: text.clone(),
            reply_to: reply_to.clone(),
            received_at: at.to_string(),
        })
    }
}
