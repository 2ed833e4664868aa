//! What an answer means for a message, and the way out.
//!
//! Telegram tells its refusals apart by words only; those that a person can do something about are known here.
//! Source: the words of `telegram-bot-api`, its server.

use super::api::Failed;
use crate::gateway::http::Unanswered;
use crate::gateway::{Receipt, SendError};
use crate::pace::Scope;

/// Words of a refusal, in lower case, under its code, and the way out.
const HINTS: &[(u16, &str, &str)] = &[
    (401, "", "the token is not valid; ask @BotFather for one, and put it where token_env or token_file says"),
    (404, "", "there is no such bot here; look at the token and at base_url"),
    (403, "blocked by the user", "the user has blocked the bot; nothing can be sent until they unblock it"),
    (403, "initiate conversation", "the user must write to the bot first, or press Start"),
    (403, "deactivated", "the account is gone; cancel the schedule, or give it another chat"),
    (403, "kicked", "the bot was taken out of this chat; add it again"),
    (403, "not a member", "add the bot to this chat; to a channel, as an administrator that may post"),
    (403, "to bots", "bots cannot write to bots; name a person, a group or a channel"),
    (
        400,
        "chat not found",
        "the bot does not know this chat: look at its number (that of a group is negative); a person \
        must have pressed Start, and a group must have the bot in it",
    ),
    (400, "thread not found", "there is no such topic; give destination.thread another one, or leave it out"),
    (400, "topic_deleted", "the topic is gone; give destination.thread another one, or leave it out"),
    (400, "topic_closed", "open the topic, or make the bot an administrator that may manage topics"),
    (400, "not enough rights", "let the bot send messages there: as a member's right, or as an administrator"),
    (400, "administrator rights", "make the bot an administrator that may post"),
    (400, "write_forbidden", "let the bot send messages there: as a member's right, or as an administrator"),
    (400, "text is empty", "Telegram sees nothing in this text"),
    (409, "webhook", "a webhook is set for this bot: call deleteWebhook, or use a bot of its own for this gateway"),
    (409, "", "another program asks for this bot's messages: end it, or use a bot of its own for this gateway"),
    (400, "deactivated", "the group is gone; cancel the schedule, or give it another chat"),
];

/// What became of a message that gave no receipt.
pub(super) fn of(failed: Failed) -> Result<Receipt, SendError> {
    let error = failed.to_string();
    match failed {
        Failed::Unanswered(Unanswered::NotSent(_)) => Err(SendError::Unreachable { error }),
        Failed::Unanswered(Unanswered::Refused(_)) => Err(SendError::Permanent { error }),
        Failed::Unanswered(Unanswered::Lost(_)) => Err(SendError::Ambiguous { error }),
        Failed::Unread => Ok(Receipt::default()),
        // A network that wants a login first answers so; Telegram has seen nothing.
        Failed::Strange => Err(SendError::Unreachable { error }),
        Failed::Refused { code, wait, .. } => match code {
            // A proxy has lost sight of the message as we would have by a time-out.
            502 | 504 | 520..=524 => Err(SendError::Ambiguous { error }),
            // It does not say whose limit it is. One chat's is the tighter one, and the account's is kept by its pace.
            420 | 429 => Err(SendError::Limited { error, after: wait, scope: Scope::Chat }),
            408 | 425 | 500..=599 => Err(SendError::Retry { error, after: wait }),
            401 | 404 => Err(SendError::Barred { error }),
            _ => Err(SendError::Permanent { error }),
        },
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unanswered(Unanswered::NotSent(error) | Unanswered::Refused(error) | Unanswered::Lost(error)) => {
                f.write_str(error)
            }
            Self::Unread => f.write_str("the answer could not be read to its end"),
            Self::Strange => f.write_str("what answers is not Telegram's Bot API; look at base_url"),
            Self::Refused { code: 300..=399, why, .. } => {
                write!(f, "the answer was {why}: redirects are not followed; put the final address into base_url")
            }
            Self::Refused { code, why, .. } => {
                write!(f, "the answer was {why}")?;
                hint(*code, why).map_or(Ok(()), |hint| write!(f, "; {hint}"))
            }
        }
    }
}

/// Whether Telegram could not make anything of a text's entities.
pub(super) fn is_about_formatting(failed: &Failed) -> bool {
    matches!(failed, Failed::Refused { code: 400, why, .. } if why.to_lowercase().contains("entit"))
}

/// The way out of a refusal.
pub(super) fn hint(code: u16, why: &str) -> Option<&'static str> {
    let why = why.to_lowercase();
    HINTS.iter().find(|(known, words, _)| *known == code && why.contains(words)).map(|&(.., hint)| hint)
}
