//! Gateways: how a finished text reaches a chat.
//!
//! One trait, one file per platform. A gateway says what became of an attempt and whether to try again; it keeps
//! no queue and no retry of its own. Units: `Span`.
//! A kind that a build leaves out is swapped for a module of the same face that refuses it (`absent`).

pub mod console;
#[cfg(feature = "webhook")]
mod http;
#[cfg(feature = "webhook")]
pub mod webhook;
#[cfg(not(feature = "webhook"))]
#[path = "absent.rs"]
pub mod webhook;

use std::future::Future;
use std::pin::Pin;

use secrecy::SecretString;

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
    /// What is sent along.
    pub token: Option<SecretString>,
}

/// A way to reach chats.
pub trait Gateway: Send + Sync {
    /// Makes one attempt.
    fn send(&self, delivery: Delivery) -> Sending<'_>;
}
