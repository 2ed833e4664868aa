//! Gateways that do as they are told: by moods, each of which lasts a while.
//!
//! Whether a platform kept a message and what it answered are two things here; the first is known to the checker only.

use chimewheel::gateway::{Receipt, SendError};
use chimewheel::limits::SEND_MS_MAX;
use chimewheel::pace::{Pace, Paces, Scope};
use chimewheel::time::Span;

use super::load::CHATS;
use crate::store::chance::Chance;

/// How a gateway behaves for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mood {
    Calm,
    /// Every connection is refused.
    Down,
    /// Every request fails inside.
    Sick,
    /// The same, but for one chat only.
    SickChat,
    /// Too many requests, with a time to wait.
    Limiting,
    /// The same, but for one chat only.
    LimitingChat,
    /// Too many requests of this account.
    LimitingAll,
    /// The connection is cut, before or after the platform took the message.
    Cutting,
    /// Takes the message and answers when nobody listens any more.
    Hanging,
    Slow,
    /// Takes each message twice.
    Doubling,
    /// Any of these, and refusals for good.
    Moody,
}

pub const MOODS: &[Mood] = &[
    Mood::Down,
    Mood::Down,
    Mood::Sick,
    Mood::SickChat,
    Mood::Limiting,
    Mood::LimitingChat,
    Mood::LimitingChat,
    Mood::LimitingChat,
    Mood::LimitingChat,
    Mood::LimitingAll,
    Mood::Cutting,
    Mood::Hanging,
    Mood::Slow,
    Mood::Doubling,
    Mood::Moody,
    Mood::Moody,
];

/// The gateway that keeps to a pace where one is kept to, and its pace.
pub const PACES: (&str, Paces) = (
    "chat",
    Paces {
        account: Some(Pace { every: Span::from_seconds(1), burst: 2 }),
        chat: Some(Pace { every: Span::from_seconds(5), burst: 2 }),
    },
);

/// What a gateway makes of one attempt.
pub struct Outcome {
    /// Copies that the platform keeps.
    pub kept: u32,
    /// What dispatch hears.
    pub answer: Result<Receipt, SendError>,
    /// When it hears it, in milliseconds.
    pub after_ms: i64,
}

impl Mood {
    /// The chat that has the mood, if it is only one of its gateway's.
    pub fn chat_of(self, gateway: &str) -> Option<&'static str> {
        let first = || CHATS.iter().find(|(of, _)| *of == gateway).map(|(_, chat)| *chat);
        if matches!(self, Self::SickChat | Self::LimitingChat) { first() } else { None }
    }

    pub fn receive(self, chance: &mut Chance) -> Outcome {
        let quick = 1 + chance.below(15) as i64;
        let taken = Ok(Receipt { message_id: None });
        let outcome = |kept, answer, after_ms| Outcome { kept, answer, after_ms };
        match self {
            Self::Calm => outcome(1, taken, quick),
            Self::Down => outcome(0, Err(SendError::Unreachable { error: "refused".into() }), quick),
            Self::Sick | Self::SickChat => {
                let after = chance.one_in(8).then(|| Span::from_seconds(1 + chance.below(90)));
                outcome(0, Err(SendError::Retry { error: "500".into(), after }), quick)
            }
            Self::Limiting | Self::LimitingChat | Self::LimitingAll => {
                let after = Some(Span::from_seconds(1 + chance.below(90)));
                let scope = if self == Self::LimitingAll { Scope::Account } else { Scope::Chat };
                outcome(0, Err(SendError::Limited { error: "429".into(), after, scope }), quick)
            }
            Self::Cutting => {
                let kept = u32::from(chance.one_in(2));
                outcome(kept, Err(SendError::Ambiguous { error: "cut".into() }), quick)
            }
            Self::Hanging => {
                let error = Err(SendError::Ambiguous { error: "no answer in time".into() });
                outcome(u32::from(!chance.one_in(4)), error, SEND_MS_MAX as i64)
            }
            Self::Slow => outcome(1, taken, 100 + chance.below(4000) as i64),
            Self::Doubling => outcome(2, taken, quick),
            Self::Moody if chance.one_in(8) => {
                outcome(0, Err(SendError::Permanent { error: "chat not found".into() }), quick)
            }
            Self::Moody => {
                let moods = [
                    Self::Calm,
                    Self::Down,
                    Self::Sick,
                    Self::Limiting,
                    Self::LimitingAll,
                    Self::Cutting,
                    Self::Slow,
                ];
                let mood = chance.pick(&moods);
                mood.receive(chance)
            }
        }
    }
}
