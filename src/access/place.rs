//! Places that messages go to.
//!
//! Written `gateway:chat_id`, or `gateway:chat_id/thread`. Not here: which gateways there are (`config`).

use std::fmt;

/// A place that messages go to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Name of a configured gateway.
    pub gateway: String,
    /// The platform's id of the conversation.
    pub chat_id: String,
    /// Thread or topic, where the platform has them.
    pub thread: Option<String>,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.gateway, self.chat_id)?;
        self.thread.as_ref().map_or(Ok(()), |thread| write!(f, "/{thread}"))
    }
}
